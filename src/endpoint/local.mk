noinst_LIBRARIES += src/endpoint/libendpoint.a
src_endpoint_libendpoint_a_SOURCES = \
	src/endpoint/access.c src/endpoint/access.h \
	src/endpoint/codec.c src/endpoint/codec.h \
	src/endpoint/engine.c src/endpoint/engine.h \
	src/endpoint/fault.c src/endpoint/fault.h \
	src/endpoint/reply.c src/endpoint/reply.h \
	src/endpoint/request.c src/endpoint/request.h \
	src/endpoint/result.c src/endpoint/result.h \
	src/endpoint/running.c src/endpoint/running.h \
	src/endpoint/server.c src/endpoint/server.h \
	src/endpoint/session.c src/endpoint/session.h \
	src/endpoint/spool.c src/endpoint/spool.h \
	src/endpoint/sql.c src/endpoint/sql.h
ENDPOINT_LIBS = src/endpoint/libendpoint.a $(MICROHTTPD_LIBS) $(GLIB_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(ZLIB_LIBS) \
	$(JANSSON_LIBS) -ldl

bin_PROGRAMS += sluice-clickhouse
sluice_clickhouse_SOURCES = src/endpoint/main.c
sluice_clickhouse_LDADD = $(ENDPOINT_LIBS)

check_PROGRAMS += tests/unit/endpoint_sql_test tests/unit/endpoint_parts_test
tests_unit_endpoint_sql_test_SOURCES = tests/unit/endpoint_sql_test.c
tests_unit_endpoint_sql_test_LDADD = $(ENDPOINT_LIBS)
tests_unit_endpoint_parts_test_SOURCES = tests/unit/endpoint_parts_test.c
tests_unit_endpoint_parts_test_LDADD = $(ENDPOINT_LIBS)
EXTRA_DIST += tests/e2e/test_endpoint.py tests/e2e/client-js/package.json tests/e2e/client-js/client.js

# A stand-in for libchdb, loaded as it is: without sanitizers of its own.
check_PROGRAMS += tests/unit/endpoint_server_test
tests_unit_endpoint_server_test_SOURCES = tests/unit/endpoint_server_test.c
tests_unit_endpoint_server_test_LDADD = $(ENDPOINT_LIBS)
EXTRA_tests_unit_endpoint_server_test_DEPENDENCIES = tests/unit/endpoint_stub.so
tests/unit/endpoint_stub.so: $(srcdir)/tests/unit/endpoint_stub.c
	$(AM_V_CC)mkdir -p tests/unit && $(CC) -std=gnu11 -D_GNU_SOURCE -O1 -g -shared -fPIC -o $@ $(srcdir)/tests/unit/endpoint_stub.c
EXTRA_DIST += tests/unit/endpoint_stub.c
MOSTLYCLEANFILES += tests/unit/endpoint_stub.so
