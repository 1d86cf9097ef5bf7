"""Servers die, freeze, restart and forget: a pipe waits and goes on by itself, or says what is lost and what to do."""

import time

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import unread, wait_until


def rows(pipe, first, count, table="t"):
    pipe.run(f"INSERT INTO {table} SELECT seq, seq * 3, REPEAT('v', seq % 50) FROM seq_{first}_to_{first + count - 1}")


@pytest.fixture
def make(engine):
    """A pipe of one table with 1000 rows, on servers of the test's choice, running."""

    def made(mariadb, clickhouse, **options):
        pipe = Pipe(engine, mariadb, clickhouse)
        pipe.run("CREATE TABLE t (id INT PRIMARY KEY, n INT, v VARCHAR(50))")
        rows(pipe, 1, 1000)
        if not engine.process:
            engine.start()
        return pipe.live(**options)

    return made


@pytest.mark.dying
@pytest.mark.core
def test_destination_dies_and_comes_back(make, mariadb, own_clickhouse):
    pipe = make(mariadb, own_clickhouse)
    own_clickhouse.kill()
    rows(pipe, 2001, 500)
    stalled = pipe.engine.wait_stalled("p")
    assert stalled["state"] == "Running"
    assert stalled["stalled"]["side"] == "destination"
    assert stalled["stalled"]["tries"] >= 1
    assert stalled["stalled"]["message"]
    rows(pipe, 3001, 500)
    own_clickhouse.start()
    assert pipe.equal("t", seconds=120) == 2000
    pipe.engine.wait_stalled("p", False)


@pytest.mark.dying
def test_destination_freezes(make, mariadb, own_clickhouse):
    pipe = make(mariadb, own_clickhouse)
    own_clickhouse.freeze()
    rows(pipe, 2001, 500)
    # A frozen destination must not freeze the engine: it answers.
    wait_until(lambda: unread(own_clickhouse.process.pid), 60 * PATIENCE, "rows are sent to it")
    assert pipe.engine.answers()
    own_clickhouse.freeze(False)
    assert pipe.equal("t", seconds=120) == 1500


@pytest.mark.dying
def test_destination_dies_during_the_snapshot(engine, mariadb, own_clickhouse):
    pipe = Pipe(engine, mariadb, own_clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, n INT, v VARCHAR(50))")
    rows(pipe, 1, 400_000)
    engine.start()
    pipe.create(settings=["readers=2", "batch_rows=5000"])
    wait_until(lambda: (pipe.table("t")["rows_done"] or 0) > 0, 30, "loading begins")
    own_clickhouse.kill()
    own_clickhouse.start()
    pipe.wait("Running", seconds=120)
    assert pipe.equal("t") == 400_000


@pytest.mark.dying
@pytest.mark.core
@pytest.mark.servers
def test_source_restarts(make, own_mariadb, clickhouse):
    # Killed, it must still have what it logged: the test's servers write their tables lazily.
    server = own_mariadb("--innodb-flush-log-at-trx-commit=1")
    pipe = make(server, clickhouse)
    server.kill()
    stalled = pipe.engine.wait_stalled("p")
    assert stalled["stalled"]["side"] == "source"
    server.start()
    rows(pipe, 2001, 500)
    assert pipe.equal("t", seconds=120) == 1500
    server.restart()
    rows(pipe, 3001, 500)
    assert pipe.equal("t", seconds=120) == 2000


def test_password_changes(make, own_mariadb, clickhouse):
    server = own_mariadb()
    pipe = make(server, clickhouse)
    server.set_password("another")
    server.restart()
    # First the connection is lost, then the new one is refused.
    stalled = wait_until(
        lambda: (p := pipe.status())["stalled"] and "denied" in p["stalled"]["message"].lower() and p, 30 * PATIENCE,
        lambda: f"denied: {pipe.engine.describe('p')}",
    )  # fmt: skip
    assert stalled["state"] == "Running"
    assert stalled["stalled"]["side"] == "source"
    server.password_file.write_text("another\n")
    rows(pipe, 2001, 10)
    assert pipe.equal("t", seconds=120) == 1010


@pytest.mark.dying
def test_log_was_purged(make, own_mariadb, clickhouse):
    server = own_mariadb()
    pipe = make(server, clickhouse)
    pipe.caught_up()
    pipe.engine.stop()
    rows(pipe, 2001, 10)
    server.purge_logs()
    pipe.engine.start()
    failed = wait_until(lambda: (p := pipe.status())["state"] == "Failed" and p, 30 * PATIENCE, lambda: f"Failed: {pipe.engine.describe('p')}")
    error = failed["error"]
    assert error["code"] == 1236
    assert "purged" in (error["message"] + str(error["cause"])).lower()
    assert any("resync" in remedy.lower() for remedy in error["remedies"])
    assert "Failed" in pipe.journal()
    # The data that is there can be read.
    assert pipe.rows("t", "count()") == [[1000]]
    # It stays so over a restart of the engine.
    pipe.engine.stop()
    pipe.engine.start()
    assert pipe.status()["state"] == "Failed"


@pytest.mark.rule("one-table-fails-alone")
def test_value_that_cannot_be_mapped_fails_that_table_alone(pipe, trap):
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY, v INT)")
    pipe.run("CREATE TABLE bad (day DATE PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO good VALUES (1, 1)")
    pipe.run("INSERT INTO bad VALUES ('2024-01-01', 1)")
    pipe.live()
    # Beyond ClickHouse's range: as a key it would fall together with another.
    assert pipe.clickhouse.value("SELECT toDate32('9999-12-31') = toDate32('9999-12-30')") == 1
    trap("ClickHouse cannot hold a date that the source's key has: no retry mends that, and a pipe that waits for it stops all tables")
    pipe.run("INSERT INTO bad VALUES ('9999-12-31', 2)")
    pipe.run("INSERT INTO good VALUES (2, 2)")
    table = wait_until(lambda: (t := pipe.table("bad"))["state"] == "failed" and t, 30 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert "day" in table["error"]["message"], table
    pipe.run("INSERT INTO good VALUES (3, 3)")
    pipe.run("INSERT INTO bad VALUES ('2024-01-02', 3)")
    assert pipe.equal("good") == 3
    assert pipe.status()["state"] == "Running"
    assert pipe.table("good")["state"] == "live"
    # It stays so over a restart.
    pipe.engine.stop()
    pipe.engine.start()
    pipe.run("INSERT INTO good VALUES (4, 4)")
    assert pipe.equal("good") == 4
    assert pipe.table("bad")["state"] == "failed"


@pytest.mark.servers
def test_altered_table_fails_alone_or_is_followed_rightly(pipe):
    """Whatever is done about DDL: rows never go into wrong columns, and the other table goes on."""
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY, v INT)")
    pipe.run("CREATE TABLE altered (id INT PRIMARY KEY, a INT, b VARCHAR(10))")
    pipe.run("INSERT INTO altered VALUES (1, 10, 'one')")
    pipe.live()
    pipe.run("ALTER TABLE altered DROP COLUMN a, ADD COLUMN c INT FIRST")
    pipe.run("INSERT INTO altered VALUES (30, 2, 'two')")
    pipe.run("INSERT INTO good VALUES (1, 1)")
    assert pipe.equal("good") == 1
    table = pipe.table("altered")
    if table["state"] == "failed":
        assert "altered" in str(table["error"]) or "ALTER" in str(table["error"]), table
    assert [1, "one"] in pipe.rows("altered", "id, b")
    assert all(row in ([1, "one"], [2, "two"]) for row in pipe.rows("altered", "id, b"))


@pytest.mark.dying
def test_frozen_destination_can_be_paused_and_the_engine_stopped(make, mariadb, own_clickhouse):
    pipe = make(mariadb, own_clickhouse)
    own_clickhouse.kill()
    rows(pipe, 2001, 100)
    pipe.engine.wait_stalled("p")
    began = time.monotonic()
    pipe.engine.stop()
    assert time.monotonic() - began < 15 * PATIENCE
    own_clickhouse.start()
    pipe.engine.start()
    assert pipe.equal("t", seconds=120) == 1100


@pytest.mark.dying
def test_drop_works_with_both_ends_gone(make, own_mariadb, own_clickhouse):
    server = own_mariadb()
    pipe = make(server, own_clickhouse)
    server.kill()
    own_clickhouse.kill()
    pipe.engine.sluice("drop", "p", "--yes", "--wait", timeout=30)
    assert '"p"' not in pipe.engine.sluice("status", "--json").out
    own_clickhouse.start()
    # What was replicated stays.
    assert own_clickhouse.value(f"SELECT count() FROM {pipe.destination}.t FINAL") == 1000
