noinst_LIBRARIES += src/mysql/libmysql.a
src_mysql_libmysql_a_SOURCES = src/mysql/mysql.h

# What comes over the wire: decoders and the binlog.
src_mysql_libmysql_a_SOURCES += src/mysql/alter.c src/mysql/alter_private.h src/mysql/alter_text.c src/mysql/alter_text.h src/mysql/cascade.c src/mysql/cascade.h \
	src/mysql/column_settle.c src/mysql/column_text.c src/mysql/column_text.h src/mysql/column_text_private.h src/mysql/table_alter.c src/mysql/table_alter.h src/mysql/ddl.c src/mysql/ddl.h src/mysql/snapshot_place.c src/mysql/versioning.c src/mysql/versioning.h src/mysql/sql.c \
	src/mysql/sql_private.h
src_mysql_libmysql_a_SOURCES += src/mysql/binlog.c src/mysql/binlog.h src/mysql/charset.c src/mysql/charset.h src/mysql/collation.c src/mysql/compressed.c src/mysql/compressed.h src/mysql/double_text.c src/mysql/double_text.h src/mysql/geometry.c \
	src/mysql/geometry.h src/mysql/json.c src/mysql/json.h src/mysql/json_diff.c src/mysql/json_private.h src/mysql/text_out.h \
	src/mysql/charset_tables_private.h src/mysql/charset_corrections_private.h src/mysql/multibyte.c \
	src/mysql/multibyte_private.h src/mysql/event.c src/mysql/event.h src/mysql/frames.c src/mysql/frames_private.h src/mysql/gtid.c src/mysql/gtid.h \
	src/mysql/inflate.c src/mysql/inflate_private.h src/mysql/rows.c src/mysql/rows.h src/mysql/value.c \
	src/mysql/value.h src/mysql/wire_private.h

MYSQL_TEST_LIBS = src/mysql/libmysql.a src/base/libbase.a $(GLIB_LIBS) $(MARIADB_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS) $(ZSTD_LIBS)
check_PROGRAMS += tests/unit/charset_test tests/unit/ddl_test tests/unit/event_test tests/unit/frames_test tests/unit/gtid_test tests/unit/inflate_test tests/unit/json_test tests/unit/rows_test tests/unit/value_test
tests_unit_charset_test_SOURCES = tests/unit/charset_test.c
tests_unit_charset_test_LDADD = $(MYSQL_TEST_LIBS)
# Not a test by itself: an end-to-end test compares it with the servers.
noinst_PROGRAMS += tests/harness/charset_tool
tests_harness_charset_tool_SOURCES = tests/harness/charset_tool.c
tests_harness_charset_tool_LDADD = $(MYSQL_TEST_LIBS)
tests_unit_ddl_test_SOURCES = tests/unit/ddl_test.c
tests_unit_ddl_test_LDADD = $(MYSQL_TEST_LIBS)
tests_unit_event_test_SOURCES = tests/unit/event_test.c tests/unit/wire_test.h
tests_unit_event_test_LDADD = $(MYSQL_TEST_LIBS)
tests_unit_frames_test_SOURCES = tests/unit/frames_test.c
tests_unit_frames_test_LDADD = $(MYSQL_TEST_LIBS)
tests_unit_inflate_test_SOURCES = tests/unit/inflate_test.c tests/unit/wire_test.h
tests_unit_inflate_test_LDADD = $(MYSQL_TEST_LIBS)
tests_unit_gtid_test_SOURCES = tests/unit/gtid_test.c
tests_unit_gtid_test_LDADD = $(MYSQL_TEST_LIBS)
tests_unit_json_test_SOURCES = tests/unit/json_test.c tests/unit/json_vectors.h tests/unit/wire_test.h
tests_unit_json_test_LDADD = $(MYSQL_TEST_LIBS)
tests_unit_rows_test_SOURCES = tests/unit/rows_test.c tests/unit/wire_test.h
tests_unit_rows_test_LDADD = $(MYSQL_TEST_LIBS)
tests_unit_value_test_SOURCES = tests/unit/value_test.c tests/unit/value_vectors.h tests/unit/wire_test.h
tests_unit_value_test_LDADD = $(MYSQL_TEST_LIBS)

# What asks the server: connection, definitions, preflight, snapshot ranges.
src_mysql_libmysql_a_SOURCES += src/mysql/chunk.c src/mysql/connection.c src/mysql/consistent.c src/mysql/consistent.h src/mysql/consistent_private.h src/mysql/preflight.c src/mysql/probe.c src/mysql/retention.c \
	src/mysql/ranges.c src/mysql/table.c src/mysql/table_json.c src/mysql/table_list.c src/mysql/table_list.h
src_mysql_libmysql_a_SOURCES += src/mysql/connection.h src/mysql/connection_private.h src/mysql/preflight.h \
	src/mysql/preflight_private.h src/mysql/probe.h src/mysql/ranges.h src/mysql/retention.h src/mysql/table.h src/mysql/table_private.h

check_PROGRAMS += tests/unit/ranges_test tests/unit/source_table_test
tests_unit_source_table_test_SOURCES = tests/unit/source_table_test.c
tests_unit_source_table_test_LDADD = src/mysql/libmysql.a src/base/libbase.a $(GLIB_LIBS) $(MARIADB_LIBS) $(JANSSON_LIBS) \
	$(ZLIB_LIBS) $(ZSTD_LIBS)
tests_unit_ranges_test_SOURCES = tests/unit/ranges_test.c
tests_unit_ranges_test_LDADD = $(tests_unit_source_table_test_LDADD)
