noinst_LIBRARIES += src/clickhouse/libclickhouse.a
src_clickhouse_libclickhouse_a_SOURCES = src/clickhouse/block.c

clickhouse_test_libs = src/clickhouse/libclickhouse.a src/base/libbase.a $(CURL_LIBS) $(JANSSON_LIBS) $(ZSTD_LIBS) \
	$(LZ4_LIBS) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/block_test
tests_unit_block_test_SOURCES = tests/unit/block_test.c
tests_unit_block_test_LDADD = $(clickhouse_test_libs)
