noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = src/base/backoff.c src/base/budget.c src/base/cancel.c src/base/casefold.c src/base/check.c src/base/clock.c \
	src/base/error.c src/base/fault.c src/base/nearest.c src/base/nearest.h src/base/printable.c src/base/queue.c src/base/url.c src/base/wait.c src/base/wait.h \
	src/base/base.h src/base/backoff.h src/base/budget.h src/base/cancel.h src/base/casefold.h src/base/check.h src/base/clock.h \
	src/base/error.h src/base/fault.h src/base/printable.h src/base/question.h src/base/queue.h src/base/url.h

check_PROGRAMS += tests/unit/base_budget_test tests/unit/base_cancel_test tests/unit/base_casefold_test tests/unit/base_nearest_test tests/unit/base_printable_test \
	tests/unit/base_queue_test tests/unit/base_url_test
tests_unit_base_budget_test_SOURCES = tests/unit/base_budget_test.c
tests_unit_base_budget_test_LDADD = src/base/libbase.a $(GLIB_LIBS)
tests_unit_base_cancel_test_SOURCES = tests/unit/base_cancel_test.c
tests_unit_base_cancel_test_LDADD = src/base/libbase.a $(GLIB_LIBS)
tests_unit_base_casefold_test_SOURCES = tests/unit/base_casefold_test.c
tests_unit_base_casefold_test_LDADD = src/base/libbase.a $(GLIB_LIBS)
tests_unit_base_nearest_test_SOURCES = tests/unit/base_nearest_test.c
tests_unit_base_nearest_test_LDADD = src/base/libbase.a $(GLIB_LIBS)
tests_unit_base_printable_test_SOURCES = tests/unit/base_printable_test.c
tests_unit_base_printable_test_LDADD = src/base/libbase.a $(GLIB_LIBS)
tests_unit_base_queue_test_SOURCES = tests/unit/base_queue_test.c
tests_unit_base_queue_test_LDADD = src/base/libbase.a $(GLIB_LIBS)
tests_unit_base_url_test_SOURCES = tests/unit/base_url_test.c
tests_unit_base_url_test_LDADD = src/base/libbase.a $(GLIB_LIBS)
