bin_PROGRAMS += sluice-clickhouse
sluice_clickhouse_SOURCES = src/endpoint/main.c
sluice_clickhouse_LDADD = $(MICROHTTPD_LIBS) $(GLIB_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(ZLIB_LIBS) -ldl
