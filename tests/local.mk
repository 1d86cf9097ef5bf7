# What `make check` runs is listed by each room; what needs servers or a terminal is run by ./test. Whole folders are shipped, without
# what Python leaves in them (dist-hook).
EXTRA_DIST += .ci/run tests/arrows tests/bench tests/conftest.py tests/e2e tests/harness tests/pytest.ini tests/servers tests/tsan.supp tests/types

dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +
