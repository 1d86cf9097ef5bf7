noinst_LIBRARIES += src/catalog/libcatalog.a
src_catalog_libcatalog_a_SOURCES = src/catalog/catalog.c src/catalog/catalog.h src/catalog/checkpoint.c \
	src/catalog/database.c src/catalog/database.h src/catalog/journal.c src/catalog/pipes.c src/catalog/schema.c \
	src/catalog/tables.c
