noinst_LIBRARIES += src/pipe/libpipe.a
src_pipe_libpipe_a_SOURCES = src/pipe/apply.c src/pipe/batch.c src/pipe/batch.h src/pipe/column_counts.c src/pipe/column_counts.h \
	src/pipe/columns.c src/pipe/columns.h src/pipe/command.c src/pipe/chunk_ledger.c src/pipe/chunk_ledger.h src/pipe/cutover.c src/pipe/cutover.h src/pipe/detail.c src/pipe/detail.h \
	src/pipe/drop.c src/pipe/drop.h src/pipe/edit.c src/pipe/exact.c src/pipe/exact.h src/pipe/exchange.c src/pipe/exchange.h src/pipe/faults.c src/pipe/group.c src/pipe/group.h src/pipe/headroom.c \
	src/pipe/headroom.h src/pipe/history.c src/pipe/history.h src/pipe/history_store.c src/pipe/incident.c \
	src/pipe/incident.h src/pipe/json_text.c src/pipe/json_text.h src/pipe/lag.c src/pipe/live_view.c src/pipe/live_view.h src/pipe/lifecycle.c src/pipe/lifecycle.h \
	src/pipe/loading.c src/pipe/loading.h src/pipe/new_tables.c src/pipe/new_tables.h \
	src/pipe/offline.c src/pipe/outlook.c src/pipe/outlook.h src/pipe/pending_plan.c src/pipe/pending_plan.h src/pipe/pipe.c \
	src/pipe/pipe.h src/pipe/pipe_private.h src/pipe/place.c src/pipe/place.h src/pipe/preflight.c src/pipe/preflight.h src/pipe/prepared.c src/pipe/prepared.h \
	src/pipe/reposition.c src/pipe/reposition.h src/pipe/resync.c src/pipe/room.c src/pipe/room.h \
	src/pipe/retry.c src/pipe/retry.h src/pipe/selection.c src/pipe/selection.h src/pipe/settings.c src/pipe/settings.h \
	src/pipe/settings_check.c src/pipe/settings_check.h src/pipe/setup.c src/pipe/shared.c src/pipe/shared.h \
	src/pipe/shape.c src/pipe/shape.h src/pipe/snapshot.c src/pipe/statement_note.c src/pipe/statement_note.h \
	src/pipe/spares.c src/pipe/status.c src/pipe/stream.c src/pipe/stream_alter.c src/pipe/stream_ddl.c src/pipe/stream_ddl_private.h src/pipe/stream_events.c src/pipe/stream_failover.c src/pipe/stream_private.h src/pipe/stream_seal.c \
	src/pipe/stream_new.c src/pipe/stream_parents.c src/pipe/stream_statement.c src/pipe/stream_xa.c src/pipe/supervisor.c src/pipe/supervisor.h src/pipe/token.c src/pipe/token.h src/pipe/trend.c src/pipe/trend.h \
	src/pipe/verify.c src/pipe/verify.h src/pipe/verify_range.c src/pipe/verify_repair.c src/pipe/verify_report.c src/pipe/verify_report.h \
	src/pipe/verify_rows.c src/pipe/verify_settle.c src/pipe/verify_shape.c src/pipe/work.c src/pipe/work.h

check_PROGRAMS += tests/unit/lifecycle_test
tests_unit_lifecycle_test_SOURCES = tests/unit/lifecycle_test.c
tests_unit_lifecycle_test_LDADD = src/pipe/libpipe.a $(GLIB_LIBS)

# The decisions, each alone.
pipe_test_libs = src/pipe/libpipe.a src/mapping/libmapping.a src/mysql/libmysql.a src/clickhouse/libclickhouse.a \
	src/catalog/libcatalog.a src/base/libbase.a $(MARIADB_LIBS) $(CURL_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(ZSTD_LIBS) \
	$(LZ4_LIBS) $(ZLIB_LIBS) $(GLIB_LIBS)
check_PROGRAMS += tests/unit/batch_test tests/unit/group_test tests/unit/retry_test tests/unit/selection_test \
	tests/unit/settings_test tests/unit/shape_test tests/unit/columns_test tests/unit/detail_test tests/unit/prepared_test \
	tests/unit/trend_test tests/unit/headroom_test tests/unit/cutover_test tests/unit/history_test tests/unit/place_test \
	tests/unit/loading_test tests/unit/statement_note_test
tests_unit_place_test_SOURCES = tests/unit/place_test.c
tests_unit_place_test_LDADD = $(pipe_test_libs)
tests_unit_loading_test_SOURCES = tests/unit/loading_test.c
tests_unit_loading_test_LDADD = $(pipe_test_libs)
tests_unit_statement_note_test_SOURCES = tests/unit/statement_note_test.c
tests_unit_statement_note_test_LDADD = $(pipe_test_libs)
tests_unit_cutover_test_SOURCES = tests/unit/cutover_test.c
tests_unit_cutover_test_LDADD = $(pipe_test_libs)
tests_unit_history_test_SOURCES = tests/unit/history_test.c
tests_unit_history_test_LDADD = $(pipe_test_libs)
tests_unit_headroom_test_SOURCES = tests/unit/headroom_test.c
tests_unit_headroom_test_LDADD = $(pipe_test_libs)
tests_unit_prepared_test_SOURCES = tests/unit/prepared_test.c
tests_unit_prepared_test_LDADD = $(pipe_test_libs)
tests_unit_trend_test_SOURCES = tests/unit/trend_test.c
tests_unit_trend_test_LDADD = $(pipe_test_libs)
tests_unit_detail_test_SOURCES = tests/unit/detail_test.c
tests_unit_detail_test_LDADD = $(pipe_test_libs)
tests_unit_columns_test_SOURCES = tests/unit/columns_test.c
tests_unit_columns_test_LDADD = $(pipe_test_libs)
tests_unit_shape_test_SOURCES = tests/unit/shape_test.c
tests_unit_shape_test_LDADD = $(pipe_test_libs)
tests_unit_batch_test_SOURCES = tests/unit/batch_test.c
tests_unit_batch_test_LDADD = $(pipe_test_libs)
tests_unit_group_test_SOURCES = tests/unit/group_test.c
tests_unit_group_test_LDADD = $(pipe_test_libs)
tests_unit_retry_test_SOURCES = tests/unit/retry_test.c
tests_unit_retry_test_LDADD = $(pipe_test_libs)
tests_unit_selection_test_SOURCES = tests/unit/selection_test.c
tests_unit_selection_test_LDADD = $(pipe_test_libs)
tests_unit_settings_test_SOURCES = tests/unit/settings_test.c
tests_unit_settings_test_LDADD = $(pipe_test_libs)
