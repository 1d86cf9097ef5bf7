noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = src/base/backoff.c src/base/budget.c src/base/cancel.c src/base/check.c src/base/clock.c \
	src/base/error.c src/base/printable.c src/base/queue.c src/base/url.c src/base/wait.c src/base/wait.h \
	src/base/base.h src/base/backoff.h src/base/budget.h src/base/cancel.h src/base/check.h src/base/clock.h \
	src/base/error.h src/base/printable.h src/base/queue.h src/base/url.h
