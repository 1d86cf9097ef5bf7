"""A hostile day, continued: the embedded endpoint is ill-treated, sessions log less than they should, things vanish."""

import os
import pathlib
import signal
import subprocess
import time

import pytest
from harness.engine import PATIENCE
from harness.log import logged, statements_in
from harness.pipe import Pipe
from harness.process import unread, wait_until


def table_failed(pipe, name):
    found = wait_until(
        lambda: (t := pipe.table(name))["state"] == "failed" and t, 60 * PATIENCE, lambda: f"failed: {pipe.engine.describe('p')}"
    )
    return found["error"]


def endpoint_of(engine):
    """The pid of the embedded endpoint, the engine's child."""
    found = subprocess.run(["pgrep", "-P", str(engine.process.pid), "-f", "sluice-clickhouse"], capture_output=True, text=True)
    return int(found.stdout.split()[0]) if found.stdout.split() else None


@pytest.fixture
def embedded(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t SELECT seq, seq FROM seq_1_to_1000")
    engine.start()
    pipe.create(destination="embedded:d")
    pipe.wait("Running")
    return pipe


def count(pipe):
    return int(pipe.engine.sluice("sql", "p", "SELECT count() FROM d.t FINAL").out.split()[0])


def test_embedded_endpoint_is_killed(embedded):
    for n in range(2):
        os.kill(endpoint_of(embedded.engine), signal.SIGKILL)
        embedded.run(f"INSERT INTO t SELECT seq, 1 FROM seq_{2001 + n * 10}_to_{2010 + n * 10}")
        embedded.caught_up(90)
    assert count(embedded) == 1020
    embedded.engine.wait_stalled("p", False)


def test_engine_is_killed_and_its_endpoint_lives_on(embedded):
    for n in range(3):
        embedded.engine.kill()
        embedded.run(f"INSERT INTO t SELECT seq, 1 FROM seq_{2001 + n * 10}_to_{2010 + n * 10}")
        embedded.engine.start()
        embedded.caught_up(90)
        assert count(embedded) == 1010 + n * 10


def test_embedded_endpoint_is_frozen_at_the_stop_of_the_engine(embedded):
    pid = endpoint_of(embedded.engine)
    os.kill(pid, signal.SIGSTOP)
    embedded.run("INSERT INTO t VALUES (2001, 1)")
    wait_until(lambda: unread(pid), 30, "rows are sent to it")
    began = time.monotonic()
    embedded.engine.stop()
    assert time.monotonic() - began < 45 * PATIENCE
    assert not pathlib.Path(f"/proc/{pid}").exists() or "Z" in pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2]
    embedded.engine.start()
    embedded.caught_up(90)
    assert count(embedded) == 1001


@pytest.mark.rule("temporary-tables")
@pytest.mark.servers
def test_temporary_table_hides_a_followed_one(pipe, mariadb, trap):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1)")
    pipe.live()
    texts = []
    for temporary in ("TEMPORARY ", ""):
        name = "t" if temporary else "other"
        with mariadb.connect(pipe.source) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION binlog_format = 'STATEMENT'")
            cursor.execute(f"CREATE {temporary}TABLE {name} (id INT PRIMARY KEY)")
            with logged(mariadb) as events:
                cursor.execute(f"TRUNCATE TABLE {name}")
            texts += [text for text in statements_in(events) if "TRUNCATE" in text.upper()]
    assert texts == ["TRUNCATE TABLE t", "TRUNCATE TABLE other"]
    trap("TRUNCATE of a temporary table stands in the log with the same text as that of the one it hides")
    pipe.run("DROP TABLE other")
    for form in ("ROW", "MIXED"):
        with mariadb.connect(pipe.source) as connection, connection.cursor() as cursor:
            cursor.execute(f"SET SESSION binlog_format = '{form}'")
            cursor.execute("CREATE TEMPORARY TABLE t (id INT PRIMARY KEY, v INT)")
            if form == "ROW":
                cursor.execute("INSERT INTO t VALUES (7, 7)")
            cursor.execute("TRUNCATE TABLE t")
            if not mariadb.is_mysql:
                cursor.execute("CREATE OR REPLACE TEMPORARY TABLE t (id INT PRIMARY KEY)")
            cursor.execute("DROP TABLE t")
            cursor.execute("SET SESSION binlog_format = 'ROW'")
            cursor.execute("INSERT INTO t VALUES (%s, 2)", (len(form),))
            cursor.execute("CREATE TEMPORARY TABLE t (id INT PRIMARY KEY, v INT)")
        # The session ends, and the server drops what it left.
    assert pipe.equal("t") == 3
    assert pipe.table("t")["state"] == "live"


@pytest.mark.servers
def test_statement_that_is_bound_to_its_session(pipe, mariadb):
    """CONNECTION_ID() marks it in the log as those on temporary tables are marked; it is no less a change of ours."""
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.live()
    with mariadb.connect(pipe.source) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION binlog_format = 'STATEMENT'")
        cursor.execute("INSERT INTO t VALUES (CONNECTION_ID(), 2)")
    assert "logged as text" in table_failed(pipe, "t")["message"]


@pytest.mark.servers
def test_database_is_dropped_at_the_source(pipe, mariadb):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1)")
    pipe.live()
    mariadb.run(f"DROP DATABASE {pipe.source}")
    wait_until(lambda: pipe.table("t")["state"] == "dropped", 30 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert pipe.rows("t", "count()") == [[1]]
    assert pipe.status()["state"] == "Running"
    mariadb.run(f"CREATE DATABASE {pipe.source}")
    pipe.caught_up()
    pipe.engine.stop()
    pipe.engine.start()
    pipe.caught_up()
    assert pipe.status()["state"] == "Running"


@pytest.mark.servers
def test_connections_are_killed_at_the_source(pipe, mariadb):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.live()
    for n in range(3):
        wait_until(mariadb.log_readers, 60 * PATIENCE, lambda: f"it is connected again: {pipe.engine.describe('p')}")
        mariadb.kill_connections()
        pipe.run(f"INSERT INTO t VALUES ({n}, {n})")
    assert pipe.equal("t", seconds=90) == 3


@pytest.mark.rule("columns-are-named-and-not-cut")
def test_key_changes_at_the_destination(pipe, clickhouse, trap):
    """Somebody alters our table there: the table fails, or goes on rightly; never a wrong value."""
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v BIGINT)")
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY)")
    pipe.run("INSERT INTO t VALUES (1, 1)")
    pipe.live()
    clickhouse.query(f"ALTER TABLE {pipe.destination}.t MODIFY COLUMN v Nullable(Int32)", alter_sync=2)
    wide = clickhouse.fetch("SELECT 5000000000 AS v FORMAT Native")
    clickhouse.query(f"CREATE TABLE {pipe.destination}.narrow (v Int32) ENGINE = Memory")
    clickhouse.query(f"INSERT INTO {pipe.destination}.narrow (v) FORMAT Native", wide)
    assert clickhouse.value(f"SELECT v FROM {pipe.destination}.narrow") == 705032704
    trap("ClickHouse takes 5 000 000 000 into an Int32 as 705 032 704, without a word")
    pipe.run("INSERT INTO t VALUES (2, 5000000000)")
    pipe.run("INSERT INTO good VALUES (1)")
    assert pipe.equal("good") == 1
    rows = pipe.rows("t", "id, v")
    assert [2, 705032704] not in rows, "a value was cut"
    assert rows == [[1, 1]]
    assert table_failed(pipe, "t")["remedies"]


@pytest.mark.rule("columns-are-named-and-not-cut")
def test_column_is_dropped_at_the_destination(pipe, clickhouse, trap):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v BIGINT)")
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY)")
    pipe.live()
    clickhouse.query(f"ALTER TABLE {pipe.destination}.t DROP COLUMN v", alter_sync=2)
    more = clickhouse.fetch("SELECT 1 AS id, 5 AS v FORMAT Native")
    clickhouse.query(f"CREATE TABLE {pipe.destination}.few (id Int32) ENGINE = Memory")
    clickhouse.query(f"INSERT INTO {pipe.destination}.few FORMAT Native", more)
    assert clickhouse.rows(f"SELECT * FROM {pipe.destination}.few") == [[1]]
    trap("ClickHouse leaves out a column that its table has not, without a word")
    pipe.run("INSERT INTO t VALUES (2, 5)")
    pipe.run("INSERT INTO good VALUES (1)")
    error = table_failed(pipe, "t")
    assert "`v`" in error["message"] or " v " in error["message"], error
    assert pipe.equal("good") == 1


def test_secrets_are_not_shown(engine, mariadb, clickhouse):
    """Passwords in both URLs: not in status, log, the journal, the engine's output, an error; the catalog is ours alone."""
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY)")
    secret = clickhouse.password
    source = f"mysql://repl:geheim%20%231@127.0.0.1:{mariadb.port}/"
    engine.start()
    result = pipe.create(url=source, destination=f"http://default:{secret}@127.0.0.1:{clickhouse.port}/{pipe.destination}")
    pipe.wait("Running")
    mariadb.run("SET PASSWORD FOR repl@'127.0.0.1' = PASSWORD('another')")
    try:
        mariadb.run("KILL USER repl@'127.0.0.1'")  # all at once: one by one, some have gone by themselves
        engine.wait_stalled("p")
        shown = result.out + result.err + pipe.journal() + engine.sluice("status", "--json").out + engine.sluice("status", "p").out
        shown += engine.log()
    finally:
        mariadb.run("SET PASSWORD FOR repl@'127.0.0.1' = PASSWORD('geheim #1')")
    for word in ("geheim", secret):
        assert word not in shown
    (catalog,) = engine.state_dir.glob("catalog.*q*e")
    assert catalog.stat().st_mode & 0o077 == 0
    assert engine.state_dir.stat().st_mode & 0o077 == 0
