"""Changes that stand in no log: what has them is refused."""

import contextlib

import pytest
from harness.log import logged, rows_in
from harness.pipe import Pipe

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, a INT)"


@pytest.mark.rule("filters-are-refused")
@pytest.mark.parametrize("option", ["--binlog-do-db=elsewhere", "--binlog-ignore-db=t1"])
def test_filters_of_the_log(engine, own_mariadb, clickhouse, trap, option):
    pipe = Pipe(engine, own_mariadb(option), clickhouse)
    engine.start()
    assert pipe.source == "t1"
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
        with logged(pipe.mariadb) as events:
            cursor.execute("INSERT INTO t VALUES (1, 1)")
    assert pipe.run("SELECT * FROM t") == ((1, 1),) and rows_in(events) == []
    trap("with binlog_do_db or binlog_ignore_db rows of other databases are in no log")
    result = pipe.create(ok=5)
    assert "FAIL replication_filter" in result.out and option[2:].split("=")[0].replace("-", "_") in result.out


@pytest.mark.rule("filters-are-refused")
def test_a_session_that_logs_nothing(pipe, trap):
    """No check can see that; a comparison finds it, and mends it."""
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, 1)")
    pipe.live()
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor, logged(pipe.mariadb) as events:
        cursor.execute("SET SESSION sql_log_bin = 0")
        cursor.execute("INSERT INTO t VALUES (2, 2)")
    assert rows_in(events) == []
    pipe.caught_up()
    assert pipe.rows("t", "id") == [[1]]
    trap("a session with sql_log_bin=0 changes rows, and the log has none of it")
    pipe.engine.sluice("verify", "p", "--repair", "--wait", ok=None)
    assert pipe.equal("t") == 2


@pytest.mark.rule("memory-tables-are-refused")
def test_memory_tables(engine, own_mariadb, clickhouse, trap):
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    engine.start()
    pipe.run(TABLE + " ENGINE = MEMORY")
    pipe.run("INSERT INTO t VALUES (1, 1)")
    result = pipe.create(ok=5)
    assert "MEMORY table" in result.out
    pipe.mariadb.restart()
    with logged(pipe.mariadb) as events:
        assert pipe.run("SELECT * FROM t") == ()
    assert rows_in(events) == []
    trap("after a restart of the server the table is empty, and the log has no row of it")
