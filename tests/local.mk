# What `make check` runs is listed by each room; what needs servers or a terminal is run by ./test. Whole folders are shipped, without
# what Python leaves in them (dist-hook).
EXTRA_DIST += .ci/run tests/arrows tests/bench tests/conftest.py tests/e2e tests/harness tests/pytest.ini tests/servers tests/soak tests/traps tests/tsan.supp tests/types

dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +

# Derives definitions from statements, for tests/e2e/test_definitions.py.
noinst_PROGRAMS += tests/harness/table_alter
tests_harness_table_alter_SOURCES = tests/harness/table_alter.c
tests_harness_table_alter_LDADD = src/mysql/libmysql.a src/base/libbase.a $(GLIB_LIBS) $(MARIADB_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS) \
	$(ZSTD_LIBS)
