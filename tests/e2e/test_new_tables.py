"""Setting new_tables=add: tables that newly match the list come to the pipe by themselves."""

import contextlib

import pytest
from harness.engine import PATIENCE
from harness.process import wait_until

TABLE = "CREATE TABLE {} (id INT PRIMARY KEY, n INT NOT NULL)"


def fill(pipe, *tables, rows=100):
    for table in tables:
        pipe.run(TABLE.format(table))
        pipe.run(f"INSERT INTO {table} SELECT seq, 0 FROM seq_1_to_{rows}")


def live(pipe, **options):
    fill(pipe, "a")
    return pipe.live(settings=["new_tables=add", "batch_age=50ms"], **options)


def states(pipe):
    return {table["source"].split(".")[1].strip("`"): table["state"] for table in pipe.status()["tables"]}


def wait_states(pipe, **expected):
    wait_until(lambda: states(pipe) == expected, 60 * PATIENCE, lambda: f"{expected}: {pipe.engine.describe(pipe.name)}", 0.1)


def told(pipe, text):
    return sum(text in line for line in pipe.journal().splitlines())


def wait_told(pipe, text):
    wait_until(lambda: told(pipe, text), 60 * PATIENCE, lambda: f"{text}: {pipe.engine.describe(pipe.name)}", 0.1)


@pytest.mark.flavours
def test_created_and_written_at_once(pipe):
    """With its rows in the same breath, with rows while it is loaded, from others, and by a rename."""
    other = pipe.mariadb.new_database()
    pipe.mariadb.run("CREATE TABLE from_there (id INT PRIMARY KEY)", database=other)
    pipe.mariadb.run("INSERT INTO from_there VALUES (1), (2)", database=other)
    live(pipe)
    fill(pipe, "b", rows=5_000)
    pipe.run("CREATE TABLE IF NOT EXISTS c LIKE b")
    pipe.run("CREATE TABLE d (PRIMARY KEY (id)) AS SELECT id, n + 1 AS n FROM b")
    pipe.run(f"RENAME TABLE {other}.from_there TO {pipe.source}.passing, {pipe.source}.passing TO {pipe.source}.e")
    for n in range(60):
        pipe.run(f"UPDATE b SET n = n + 1 WHERE id % 60 = {n}")
        pipe.run(f"INSERT INTO c VALUES ({n}, {n})")
        pipe.run(f"DELETE FROM d WHERE id = {n}")
    wait_states(pipe, a="live", b="live", c="live", d="live", e="live")
    pipe.wait("Running")
    assert pipe.equal("a", "b", "c", "d", "e")
    assert not told(pipe, "passing")
    # ALTER that renames beside other changes: gone under the old name, new under the other one.
    pipe.run("ALTER TABLE e ADD n INT DEFAULT 5, RENAME TO f")
    wait_states(pipe, a="live", b="live", c="live", d="live", e="dropped", f="live")
    assert pipe.equal("f")


@pytest.mark.flavours
def test_what_is_none(pipe):
    """Views, sequences, temporary tables, what is excluded or was removed, and what an online schema change works with."""
    fill(pipe, "gone")
    live(pipe, tables=[f"{pipe.source}.*", f"-{pipe.source}.no_*"])
    pipe.engine.sluice("tables", pipe.name, "remove", f"{pipe.source}.gone", "--drop-target", "--yes", "--wait")
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE t (id INT PRIMARY KEY)")
        cursor.execute("ALTER TABLE t RENAME TO t2")
        cursor.execute("CREATE VIEW v AS SELECT * FROM a")
        cursor.execute("RENAME TABLE v TO v2")
        if not pipe.mariadb.is_mysql:
            cursor.execute("CREATE SEQUENCE s")
        cursor.execute(TABLE.format("no_1"))
        cursor.execute("DROP TABLE gone")
        cursor.execute(TABLE.format("gone"))
        cursor.execute("CREATE TABLE _a_gho LIKE a")
        cursor.execute("INSERT INTO _a_gho SELECT * FROM a")
        cursor.execute("RENAME TABLE a TO _a_del, _a_gho TO a")
        cursor.execute(TABLE.format("yes"))
    wait_states(pipe, a="live", yes="live")
    pipe.run("UPDATE a SET n = 4 WHERE id < 5")
    assert pipe.equal("a", "yes")
    wait_told(pipe, "v2 is not added")
    assert told(pipe, "_a_gho is not added") == 1 and told(pipe, "_a_del is not added") == 1
    pipe.engine.stop()
    pipe.engine.start()
    pipe.run("INSERT INTO yes VALUES (1, 1)")
    assert pipe.equal("a", "yes")
    assert set(states(pipe)) == {"a", "yes"}


def test_created_while_nobody_looked(pipe):
    live(pipe)
    pipe.engine.sluice("pause", pipe.name, "--wait")
    fill(pipe, "b")
    pipe.engine.kill()
    fill(pipe, "c")
    pipe.run("DROP TABLE a")
    fill(pipe, "a", rows=7)
    pipe.engine.start()
    fill(pipe, "d")
    pipe.engine.sluice("resume", pipe.name)
    wait_states(pipe, a="live", b="live", c="live", d="live")
    pipe.run("DELETE FROM c WHERE id < 50")
    assert pipe.equal("a", "b", "c", "d")


def test_set_later(pipe):
    """And set back: then what was dropped and created again fails, as without the setting."""
    fill(pipe, "a")
    pipe.live()
    fill(pipe, "b")
    pipe.equal("a")
    assert set(states(pipe)) == {"a"}
    pipe.engine.sluice("set", pipe.name, "new_tables=add")
    wait_states(pipe, a="live", b="live")
    pipe.run("UPDATE b SET n = 1")
    assert pipe.equal("a", "b")
    pipe.engine.sluice("set", pipe.name, "new_tables=ignore")
    pipe.run("DROP TABLE b")
    fill(pipe, "b", "c")
    wait_states(pipe, a="live", b="failed")


def test_one_that_cannot_be_taken(pipe):
    """It is shown with the reason, once; the others go on. Altered, it is tried again; dropped, it leaves."""
    live(pipe)
    pipe.clickhouse.query(f"CREATE TABLE {pipe.destination}.taken (x Int8) ENGINE = MergeTree ORDER BY x")
    pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.taken VALUES (1)")
    pipe.run("CREATE TABLE keyless (id INT NOT NULL, n INT)")
    pipe.run("INSERT INTO keyless VALUES (1, 1), (2, 2)")
    pipe.run("CREATE TABLE mem (id INT PRIMARY KEY) ENGINE = MEMORY")
    pipe.run("CREATE TABLE short (id INT NOT NULL)")
    fill(pipe, "taken", "good")
    wait_states(pipe, a="live", good="live", keyless="failed", mem="failed", short="failed", taken="failed")
    pipe.wait("Running")
    error = pipe.table("keyless")["error"]
    assert "primary key" in error["message"] and "ADD PRIMARY KEY" in error["message"], error
    assert any(f"retry p --table {pipe.source}.keyless" in remedy for remedy in error["remedies"]), error
    assert "MEMORY" in pipe.table("mem")["error"]["message"]
    pipe.engine.stop()
    pipe.engine.start()
    assert pipe.equal("a", "good")
    assert told(pipe, "keyless failed") == 1
    pipe.run("ALTER TABLE keyless ADD PRIMARY KEY (id)")
    pipe.run("DROP TABLE short")
    wait_states(pipe, a="live", good="live", keyless="live", mem="failed", taken="failed")
    # Not mended: it is refused again. Mended at the destination, where no log tells.
    pipe.engine.sluice("retry", pipe.name, "--table", f"{pipe.source}.mem")
    wait_until(lambda: told(pipe, "mem failed") == 2, 60 * PATIENCE, lambda: pipe.engine.describe(pipe.name))
    pipe.clickhouse.query(f"DROP TABLE {pipe.destination}.taken")
    pipe.engine.sluice("retry", pipe.name, "--table", f"{pipe.source}.taken")
    wait_states(pipe, a="live", good="live", keyless="live", mem="failed", taken="live")
    pipe.run("UPDATE keyless SET n = 9")
    assert pipe.equal("a", "good", "keyless", "taken")


def test_two_that_go_to_one_target(pipe):
    """The first one has it, and keeps it."""
    other = pipe.mariadb.new_database()
    live(pipe, tables=[f"{pipe.source}.*", f"{other}.*"])
    fill(pipe, "b")
    wait_states(pipe, a="live", b="live")
    pipe.mariadb.run(TABLE.format("b"), database=other)
    wait_until(lambda: f"{other}.b" in [table["source"] for table in pipe.status()["tables"]], 60 * PATIENCE, pipe.status)
    error = wait_until(lambda: pipe.engine.table(pipe.name, f"{other}.b")["error"], 60 * PATIENCE, pipe.status)
    assert f"in use by {pipe.source}.b" in error["message"], error
    pipe.engine.sluice("retry", pipe.name, "--table", f"{other}.b")
    wait_until(lambda: told(pipe, f"{other}.b failed") == 2, 60 * PATIENCE, lambda: pipe.engine.describe(pipe.name))
    pipe.engine.sluice("tables", pipe.name, "remove", f"{other}.b", "--drop-target", "--yes", "--wait")
    pipe.run("UPDATE b SET n = 3")
    assert pipe.equal("a", "b")
    pipe.engine.sluice("tables", pipe.name, "add", f"{other}.b:b2", "--wait")


@pytest.mark.flavours
def test_dropped_and_created_again(pipe):
    """With other columns, and by every statement that does so; also where the list has no wildcard."""
    fill(pipe, "b", "c")
    live(pipe, tables=[f"{pipe.source}.{table}" for table in "abc"])
    pipe.run("DROP TABLE b")
    wait_states(pipe, a="live", b="dropped", c="live")
    pipe.run("CREATE TABLE b (id VARCHAR(20) PRIMARY KEY, other DATE)")
    pipe.run("INSERT INTO b VALUES ('x', '2024-02-03')")
    wait_states(pipe, a="live", b="live", c="live")
    assert pipe.equal("a", "b", "c")
    if pipe.mariadb.is_mysql:
        pipe.run("DROP TABLE b")
        pipe.run("CREATE TABLE b (n INT, id INT PRIMARY KEY)")
    else:
        pipe.run("CREATE OR REPLACE TABLE b (n INT, id INT PRIMARY KEY)")
    pipe.run("INSERT INTO b VALUES (1, 2)")
    pipe.run("RENAME TABLE c TO x")
    pipe.run("RENAME TABLE x TO c")
    wait_until(lambda: states(pipe)["b"] == states(pipe)["c"] == "live" and pipe.rows("b", "id, n") == [[2, 1]], 60 * PATIENCE, pipe.status)
    pipe.run("UPDATE c SET n = 8 WHERE id = 1")
    assert pipe.equal("a", "b", "c")


@pytest.mark.flavours
def test_gone_before_it_was_set_up(pipe):
    live(pipe)
    pipe.run(TABLE.format("b"))
    pipe.run("DROP TABLE b")
    wait_told(pipe, "b is not added: it is gone again")
    pipe.run("UPDATE a SET n = 2")
    assert pipe.equal("a")
    assert states(pipe) == {"a": "live"}


def test_many_at_once(pipe):
    """A migration: few restarts, not one for each."""
    live(pipe)
    names = [f"t{n}" for n in range(50)]
    for name in names:
        pipe.run(TABLE.format(name))
        pipe.run(f"INSERT INTO {name} VALUES (1, 1)")
    wait_until(lambda: len(states(pipe)) == 51 and set(states(pipe).values()) == {"live"}, 120 * PATIENCE, lambda: pipe.engine.describe(pipe.name))
    assert pipe.equal("a", *names)
    assert 1 <= told(pipe, "added by new_tables=add") <= 5, pipe.journal()


def test_refused_where_it_cannot_work(pipe):
    fill(pipe, "a")
    for mode in ("cdc", "snapshot"):
        assert "mode full" in pipe.create(ok=2, mode=mode, settings=["new_tables=add"]).err
    assert "mode full" in pipe.check(ok=2, mode="cdc", settings=["new_tables=add"]).err
    assert "no wildcard" in pipe.check(tables=[f"{pipe.source}.a"], settings=["new_tables=add"]).out
    pipe.create(mode="cdc")
    assert "mode full" in pipe.engine.sluice("set", pipe.name, "new_tables=add", ok=2).err


def test_a_load_that_cannot_go_on_comes_first(pipe):
    """One transaction reads a table that keeps every change: it would begin again with each start of the stream."""
    fill(pipe, "a", rows=300_000)
    pipe.create(settings=["new_tables=add", f"{pipe.source}.a:engine=MergeTree", "batch_bytes=64KiB"])
    wait_until(lambda: pipe.table("a")["rows_done"], 60 * PATIENCE, pipe.journal, 0.02)
    fill(pipe, "b")
    wait_states(pipe, a="live", b="live")
    pipe.wait("Running")
    assert pipe.equal("b") and pipe.clickhouse.value(f"SELECT count() FROM {pipe.destination}.a") == 300_000
    assert not told(pipe, "begins again")
