# What `make check` runs is listed by each room; end-to-end and terminal tests are run by ./test.
EXTRA_DIST += tests/e2e/test_hostile.py tests/e2e/test_vanished.py \
	.ci/run tests/arrows tests/bench/run tests/conftest.py tests/e2e/test_bad_input.py tests/e2e/test_binlog.py tests/e2e/test_charsets.py tests/e2e/test_events.py tests/e2e/test_positions.py tests/harness/injector.py tests/e2e/test_history.py \
	tests/e2e/test_life.py tests/e2e/test_shown.py tests/e2e/test_trouble.py tests/e2e/test_types.py tests/e2e/test_workload.py \
	tests/harness/__init__.py tests/harness/clickhouse.py tests/harness/compare.py tests/harness/engine.py \
	tests/harness/fixtures.py tests/harness/mariadb.py tests/harness/pipe.py tests/harness/process.py tests/harness/proxy.py \
	tests/harness/workload.py tests/pytest.ini tests/e2e/test_servers.py tests/servers/clickhouse-old tests/servers/common.sh \
	tests/servers/compare.sh tests/servers/libchdb.sh tests/servers/fetch tests/servers/mariadb tests/servers/mariadb11 tests/servers/mysql tests/servers/unpacked.sh tests/servers/packages.sh tests/servers/prepared.sh \
	tests/servers/shop.sql tests/tsan.supp
