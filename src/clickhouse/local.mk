noinst_LIBRARIES += src/clickhouse/libclickhouse.a
src_clickhouse_libclickhouse_a_SOURCES =
