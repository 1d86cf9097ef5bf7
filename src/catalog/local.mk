noinst_LIBRARIES += src/catalog/libcatalog.a
src_catalog_libcatalog_a_SOURCES = src/catalog/catalog.c src/catalog/catalog.h src/catalog/checkpoint.c \
	src/catalog/database.c src/catalog/database.h src/catalog/history.c src/catalog/journal.c src/catalog/pipes.c src/catalog/schema.c \
	src/catalog/tables.c

check_PROGRAMS += tests/unit/catalog_test
tests_unit_catalog_test_SOURCES = tests/unit/catalog_test.c
tests_unit_catalog_test_LDADD = src/catalog/libcatalog.a src/base/libbase.a $(SQLITE_LIBS) $(GLIB_LIBS)
