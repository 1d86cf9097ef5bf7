noinst_LIBRARIES += src/cli/libcli.a
src_cli_libcli_a_SOURCES = src/cli/arguments.c src/cli/arguments.h src/cli/explain.c src/cli/explain.h src/cli/output.c src/cli/output.h src/cli/show.c \
	src/cli/show_table.c src/cli/show.h

bin_PROGRAMS += sluice
sluice_SOURCES = src/cli/main.c src/cli/cli.h src/cli/action.h src/cli/caller.c src/cli/caller.h src/cli/cmd_action.c src/cli/cmd_check.c \
	src/cli/cmd_completion.c src/cli/cmd_doctor.c src/cli/cmd_explain.c src/cli/cmd_export.c src/cli/cmd_log.c src/cli/cmd_reposition.c src/cli/cmd_run.c src/cli/cmd_set.c src/cli/cmd_sql.c src/cli/cmd_status.c src/cli/cmd_stop.c \
	src/cli/cmd_tables.c src/cli/cmd_verify.c
sluice_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
sluice_LDADD = src/cli/libcli.a ui/libui.a src/engine/libengine.a src/pipe/libpipe.a src/mapping/libmapping.a \
	src/mysql/libmysql.a src/clickhouse/libclickhouse.a src/catalog/libcatalog.a src/control/libcontrol.a \
	src/base/libbase.a $(MARIADB_LIBS) $(CURL_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(MICROHTTPD_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(ZLIB_LIBS) \
	$(NCURSES_LIBS) $(GLIB_LIBS) -lm

check_PROGRAMS += tests/unit/cli_arguments_test
tests_unit_cli_arguments_test_SOURCES = tests/unit/cli_arguments_test.c
tests_unit_cli_arguments_test_LDADD = src/cli/libcli.a src/base/libbase.a $(JANSSON_LIBS) $(GLIB_LIBS)

dist_man_MANS += doc/sluice.1 doc/sluice-clickhouse.1
