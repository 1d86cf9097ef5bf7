# What `make check` runs is listed by each room; end-to-end and terminal tests are run by ./test.
EXTRA_DIST += .ci/run tests/pytest.ini tests/conftest.py tests/harness/__init__.py tests/harness/clickhouse.py \
	tests/harness/compare.py tests/harness/engine.py tests/harness/fixtures.py tests/harness/mariadb.py tests/harness/process.py \
	tests/harness/workload.py tests/servers/clickhouse-old tests/servers/common.sh tests/servers/libchdb.sh \
	tests/servers/compare.sh tests/servers/mariadb tests/servers/packages.sh tests/servers/shop.sql
