noinst_LIBRARIES += src/mysql/libmysql.a
src_mysql_libmysql_a_SOURCES =
