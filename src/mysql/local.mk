noinst_LIBRARIES += src/mysql/libmysql.a
src_mysql_libmysql_a_SOURCES =

# What comes over the wire: decoders and the binlog.
src_mysql_libmysql_a_SOURCES += src/mysql/rows.c src/mysql/value.c
