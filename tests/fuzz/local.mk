# Fuzz targets: no part of `make check`. `make fuzz` in a tree that was configured with CC=clang --enable-fuzzing; tests/fuzz/run
# runs them. Corpus and cases are files of their own.
fuzz_targets = tests/fuzz/fuzz_alter tests/fuzz/fuzz_binlog tests/fuzz/fuzz_ddl tests/fuzz/fuzz_endpoint_sql tests/fuzz/fuzz_gtid tests/fuzz/fuzz_json \
	tests/fuzz/fuzz_protocol tests/fuzz/fuzz_rows tests/fuzz/fuzz_url tests/fuzz/fuzz_value
EXTRA_PROGRAMS += $(fuzz_targets)
fuzz: $(fuzz_targets)
.PHONY: fuzz
MOSTLYCLEANFILES += $(fuzz_targets)

fuzz_mysql_libs = src/mysql/libmysql.a src/base/libbase.a $(GLIB_LIBS) $(MARIADB_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS) $(ZSTD_LIBS) -lm
fuzz_ldflags = $(AM_LDFLAGS) $(FUZZER)
tests_fuzz_fuzz_alter_SOURCES = tests/fuzz/fuzz_alter.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_alter_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_alter_LDADD = $(mapping_test_libs) -lm
tests_fuzz_fuzz_binlog_SOURCES = tests/fuzz/fuzz_binlog.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_binlog_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_binlog_LDADD = $(fuzz_mysql_libs)
tests_fuzz_fuzz_ddl_SOURCES = tests/fuzz/fuzz_ddl.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_ddl_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_ddl_LDADD = $(fuzz_mysql_libs)
tests_fuzz_fuzz_endpoint_sql_SOURCES = tests/fuzz/fuzz_endpoint_sql.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_endpoint_sql_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_endpoint_sql_LDADD = $(ENDPOINT_LIBS)
tests_fuzz_fuzz_gtid_SOURCES = tests/fuzz/fuzz_gtid.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_gtid_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_gtid_LDADD = $(fuzz_mysql_libs)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_json_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_json_LDADD = $(fuzz_mysql_libs)
tests_fuzz_fuzz_protocol_SOURCES = tests/fuzz/fuzz_protocol.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_protocol_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_protocol_LDADD = src/control/libcontrol.a src/base/libbase.a $(JANSSON_LIBS) $(GLIB_LIBS)
tests_fuzz_fuzz_rows_SOURCES = tests/fuzz/fuzz_rows.c tests/fuzz/fuzz.h tests/fuzz/derive.c tests/fuzz/derive.h \
	tests/fuzz/rows_plans.h
tests_fuzz_fuzz_rows_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_rows_LDADD = $(mapping_test_libs) -lm
tests_fuzz_fuzz_url_SOURCES = tests/fuzz/fuzz_url.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_url_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_url_LDADD = src/base/libbase.a $(GLIB_LIBS)
tests_fuzz_fuzz_value_SOURCES = tests/fuzz/fuzz_value.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_value_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_value_LDADD = $(fuzz_mysql_libs)

# What make_corpus asks a server with.
EXTRA_PROGRAMS += tests/fuzz/definition
tests_fuzz_definition_SOURCES = tests/fuzz/definition.c
tests_fuzz_definition_LDADD = $(fuzz_mysql_libs)
MOSTLYCLEANFILES += tests/fuzz/definition

# Reads whole files, under any compiler; run by test_files.py.
EXTRA_PROGRAMS += tests/fuzz/binlog_file
tests_fuzz_binlog_file_SOURCES = tests/fuzz/binlog_file.c tests/fuzz/derive.c tests/fuzz/derive.h
tests_fuzz_binlog_file_LDADD = $(mapping_test_libs) -lm
MOSTLYCLEANFILES += tests/fuzz/binlog_file

EXTRA_DIST += tests/fuzz/cases tests/fuzz/corpus tests/fuzz/corpus_tables.py tests/fuzz/ddl.dict tests/fuzz/endpoint_sql.dict tests/fuzz/make_corpus \
	tests/fuzz/run tests/fuzz/test_files.py tests/servers/testdata
