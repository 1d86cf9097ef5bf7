noinst_LIBRARIES += src/pipe/libpipe.a
src_pipe_libpipe_a_SOURCES = src/pipe/apply.c src/pipe/batch.c src/pipe/batch.h src/pipe/faults.c src/pipe/group.c \
	src/pipe/group.h src/pipe/lag.c src/pipe/lifecycle.c src/pipe/lifecycle.h src/pipe/pipe.c src/pipe/pipe.h \
	src/pipe/pipe_private.h src/pipe/preflight.c src/pipe/preflight.h src/pipe/retry.c src/pipe/retry.h \
	src/pipe/selection.c src/pipe/selection.h src/pipe/settings.c src/pipe/settings.h src/pipe/setup.c \
	src/pipe/snapshot.c src/pipe/status.c src/pipe/stream.c src/pipe/stream_events.c src/pipe/stream_private.h \
	src/pipe/stream_seal.c src/pipe/work.c src/pipe/work.h

check_PROGRAMS += tests/unit/lifecycle_test
tests_unit_lifecycle_test_SOURCES = tests/unit/lifecycle_test.c
tests_unit_lifecycle_test_LDADD = src/pipe/libpipe.a $(GLIB_LIBS)
