noinst_LIBRARIES += src/mapping/libmapping.a
src_mapping_libmapping_a_CFLAGS = $(AM_CFLAGS) $(CONVERSION)
src_mapping_libmapping_a_SOURCES = src/mapping/canonical.c src/mapping/canonical.h src/mapping/default_value.c src/mapping/default_value.h src/mapping/schema_change.c \
	src/mapping/schema_change.h src/mapping/mapping.c src/mapping/mapping.h src/mapping/mapping_private.h src/mapping/mapping_rows.c src/mapping/types.c src/mapping/writers.h \
	src/mapping/writers_address.c src/mapping/writers_decimal.c src/mapping/writers_document.c src/mapping/writers_integer.c src/mapping/writers_member.c \
	src/mapping/writers_temporal.c src/mapping/writers_text.c src/mapping/writers_vector.c

mapping_test_fixture = tests/unit/mapping_fixture.c tests/unit/mapping_fixture.h
mapping_test_libs = src/mapping/libmapping.a src/mysql/libmysql.a src/clickhouse/libclickhouse.a src/base/libbase.a \
	$(MARIADB_LIBS) $(CURL_LIBS) $(JANSSON_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(ZLIB_LIBS) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/mapping_same_bytes_test tests/unit/mapping_rows_test tests/unit/mapping_types_test \
	tests/unit/mapping_definitions_test tests/unit/mapping_history_test
tests_unit_mapping_same_bytes_test_SOURCES = tests/unit/mapping_same_bytes_test.c tests/unit/mapping_case.c \
	tests/unit/mapping_case.h $(mapping_test_fixture)
tests_unit_mapping_types_test_SOURCES = tests/unit/mapping_types_test.c tests/unit/mapping_case.c \
	tests/unit/mapping_case.h $(mapping_test_fixture)
tests_unit_mapping_types_test_LDADD = $(mapping_test_libs)
tests_unit_mapping_same_bytes_test_LDADD = $(mapping_test_libs)
mapping_test_world = tests/unit/mapping_world.c tests/unit/mapping_world.h $(mapping_test_fixture)
tests_unit_mapping_rows_test_SOURCES = tests/unit/mapping_rows_test.c $(mapping_test_world)
tests_unit_mapping_rows_test_LDADD = $(mapping_test_libs)
tests_unit_mapping_definitions_test_SOURCES = tests/unit/mapping_definitions_test.c $(mapping_test_world)
tests_unit_mapping_definitions_test_LDADD = $(mapping_test_libs)
tests_unit_mapping_history_test_SOURCES = tests/unit/mapping_history_test.c $(mapping_test_world)
tests_unit_mapping_history_test_LDADD = $(mapping_test_libs)

check_PROGRAMS += tests/unit/canonical_test
tests_unit_canonical_test_SOURCES = tests/unit/canonical_test.c
tests_unit_canonical_test_LDADD = $(mapping_test_libs)

check_PROGRAMS += tests/unit/schema_change_test
tests_unit_schema_change_test_SOURCES = tests/unit/schema_change_test.c
tests_unit_schema_change_test_LDADD = $(mapping_test_libs)

# Nanoseconds a row; not a test: make tests/bench/mapping_bench && tests/bench/mapping_bench
EXTRA_PROGRAMS += tests/bench/mapping_bench
tests_bench_mapping_bench_SOURCES = tests/bench/mapping_bench.c $(mapping_test_fixture)
tests_bench_mapping_bench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_bench_mapping_bench_LDADD = $(mapping_test_libs)
MOSTLYCLEANFILES += tests/bench/mapping_bench
