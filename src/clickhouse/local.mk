noinst_LIBRARIES += src/clickhouse/libclickhouse.a
src_clickhouse_libclickhouse_a_SOURCES = src/clickhouse/clickhouse.h \
	src/clickhouse/alter.c src/clickhouse/alter.h src/clickhouse/block.c src/clickhouse/block.h \
	src/clickhouse/compatible.c \
	src/clickhouse/embedded.c src/clickhouse/embedded.h \
	src/clickhouse/encoder.c src/clickhouse/encoder.h \
	src/clickhouse/http.c src/clickhouse/http.h \
	src/clickhouse/http_error.c src/clickhouse/http_error.h \
	src/clickhouse/insert.c src/clickhouse/insert.h \
	src/clickhouse/layout.c src/clickhouse/layout.h \
	src/clickhouse/preflight.c src/clickhouse/request.h \
	src/clickhouse/table.c src/clickhouse/table.h \
	src/clickhouse/tokens.c src/clickhouse/tokens.h \
	src/clickhouse/view.c src/clickhouse/view.h

clickhouse_test_libs = src/clickhouse/libclickhouse.a src/base/libbase.a $(CURL_LIBS) $(JANSSON_LIBS) $(ZSTD_LIBS) \
	$(LZ4_LIBS) $(GLIB_LIBS)

check_PROGRAMS += tests/unit/block_test tests/unit/dest_table_test tests/unit/encoder_test tests/unit/http_errors_test
tests_unit_block_test_SOURCES = tests/unit/block_test.c
tests_unit_block_test_LDADD = $(clickhouse_test_libs)
tests_unit_dest_table_test_SOURCES = tests/unit/dest_table_test.c
tests_unit_dest_table_test_LDADD = $(clickhouse_test_libs)
tests_unit_encoder_test_SOURCES = tests/unit/encoder_test.c
tests_unit_encoder_test_LDADD = $(clickhouse_test_libs)
tests_unit_http_errors_test_SOURCES = tests/unit/http_errors_test.c
tests_unit_http_errors_test_LDADD = $(clickhouse_test_libs)
