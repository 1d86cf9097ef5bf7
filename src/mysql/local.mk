noinst_LIBRARIES += src/mysql/libmysql.a
src_mysql_libmysql_a_SOURCES =

# What comes over the wire: decoders and the binlog.
src_mysql_libmysql_a_SOURCES += src/mysql/binlog.c src/mysql/binlog.h src/mysql/charset.c src/mysql/charset.h \
	src/mysql/charset_tables_private.h src/mysql/event.c src/mysql/event.h src/mysql/gtid.c src/mysql/gtid.h \
	src/mysql/inflate.c src/mysql/inflate_private.h src/mysql/rows.c src/mysql/rows.h src/mysql/value.c \
	src/mysql/value.h src/mysql/wire_private.h
