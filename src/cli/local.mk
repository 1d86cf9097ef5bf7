bin_PROGRAMS += sluice
sluice_SOURCES = src/cli/main.c
sluice_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
sluice_LDADD = ui/libui.a src/engine/libengine.a src/pipe/libpipe.a src/mapping/libmapping.a src/mysql/libmysql.a \
	src/clickhouse/libclickhouse.a src/catalog/libcatalog.a src/control/libcontrol.a src/base/libbase.a \
	$(MARIADB_LIBS) $(CURL_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(ZLIB_LIBS) $(NCURSES_LIBS) $(GLIB_LIBS) -lm
