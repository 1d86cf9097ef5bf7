noinst_LIBRARIES += src/engine/libengine.a
src_engine_libengine_a_SOURCES = src/engine/detail.c src/engine/doctor.c src/engine/engine.c src/engine/export.c src/engine/history.c src/engine/engine.h src/engine/engine_private.h src/engine/events.c src/engine/events.h src/engine/metrics.c src/engine/metrics.h src/engine/picture.c \
	src/engine/requests.c src/engine/run.c src/engine/server.c src/engine/settings.c src/engine/verify.c
