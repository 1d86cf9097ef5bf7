"""Steps that are cut off: nothing is lost, nothing is doubled, nothing of somebody else's is dropped."""

import threading

import pytest
from harness.engine import PATIENCE
from harness.process import wait_until
from harness.readers import fill, watched

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, v INT)"


def targets(pipe):
    return sorted(row[0] for row in pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}'"))


def killed_at(pipe, step):
    """Starts the engine so that it is killed there."""
    pipe.engine.kill()
    pipe.engine.env["SLUICE_FAULT"] = step
    pipe.engine.start()


def dead(pipe):
    wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, pipe.journal)
    del pipe.engine.env["SLUICE_FAULT"]


def cut_off_behind_the_exchange(pipe):
    """A resync of t, of whose rows one was lost at the destination."""
    pipe.clickhouse.query(f"ALTER TABLE {pipe.destination}.t DELETE WHERE id = 2 SETTINGS mutations_sync = 2")
    killed_at(pipe, "resync-exchanged")
    pipe.engine.sluice("resync", "p", ok=None)
    dead(pipe)
    assert sorted(pipe.rows("t", "id")) == [[1], [2], [3]], "it was done"


@pytest.mark.rule("exchange-is-proven")
def test_killed_behind_an_exchange(pipe, trap):
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
    pipe.live()
    cut_off_behind_the_exchange(pipe)
    with trap.without("exchange-is-proven"):
        pipe.engine.start()
        pipe.wait("Running")
        wait_until(lambda: targets(pipe) == ["t"], 60 * PATIENCE, pipe.journal)
        assert sorted(pipe.rows("t", "id")) == [[1], [3]]
        trap("an exchange that is done twice puts the old table back, with the fault that it was to mend")
    cut_off_behind_the_exchange(pipe)
    pipe.engine.start()
    pipe.wait("Running")
    wait_until(lambda: targets(pipe) == ["t"], 60 * PATIENCE, pipe.journal)
    pipe.run("UPDATE t SET v = 9 WHERE id = 3")
    assert pipe.equal("t") == 3


@pytest.mark.rule("no-insert-during-the-exchange")
def test_an_insert_under_way_while_tables_are_exchanged(pipe, trap):
    ch = pipe.clickhouse
    ch.query("CREATE DATABASE IF NOT EXISTS exchange_trap")
    for name in ("a", "b"):
        ch.query(f"CREATE OR REPLACE TABLE exchange_trap.{name} (n UInt64) ENGINE = MergeTree ORDER BY n COMMENT '{name}'")
    slow = threading.Thread(target=ch.query, args=("INSERT INTO exchange_trap.a SELECT sleepEachRow(1) + 7 FROM numbers(2) SETTINGS max_block_size = 1",))
    slow.start()
    under_way = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO exchange_trap%'"
    wait_until(lambda: ch.value(under_way) == 1, 20, "it is under way", 0.01)
    ch.query("EXCHANGE TABLES exchange_trap.a AND exchange_trap.b")
    assert ch.value(under_way) == 1, "it is still"
    slow.join()
    assert ch.value("SELECT count() FROM exchange_trap.a") == 0 and ch.value("SELECT count() FROM exchange_trap.b") == 2
    trap("an INSERT into a that is under way while a and b are exchanged writes into what is b now, which is to be dropped")
    ch.query("DROP DATABASE exchange_trap SYNC")
    fill(pipe, "a")
    pipe.live()
    with watched(pipe, "a"):
        pipe.engine.sluice("resync", "p", "--wait", timeout=120 * PATIENCE)
    pipe.wait("Running")
    assert pipe.equal("a")


@pytest.mark.rule("only-marked-tables-are-dropped")
def test_tables_of_somebody_beside_ours(pipe, trap):
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, 1)")
    pipe.live()
    killed_at(pipe, "resync-proof-noted")
    pipe.engine.sluice("resync", "p", ok=None)
    dead(pipe)
    (twin,) = [name for name in targets(pipe) if name.startswith("t_resync_")]
    # Somebody's table has the name of ours, and another one looks like one of ours.
    pipe.clickhouse.query(f"DROP TABLE {pipe.destination}.{twin} SYNC")
    for name in (twin, "t_resync_0123456789abcdef"):
        pipe.clickhouse.query(f"CREATE TABLE {pipe.destination}.{name} (x Int8) ENGINE = MergeTree ORDER BY x")
        pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.{name} VALUES (7)")
    trap("a table of the name that a resync was working with, and it is somebody's")
    pipe.engine.start()
    wait_until(lambda: "Resync" not in pipe.status()["state"], 60 * PATIENCE, pipe.journal)
    pipe.engine.sluice("cancel", "p", ok=None)
    pipe.engine.sluice("drop", "p", "--drop-target", "--yes", ok=None)
    for name in (twin, "t_resync_0123456789abcdef"):
        where = [table for table in targets(pipe) if pipe.clickhouse.rows(f"SELECT name FROM system.columns WHERE database = '{pipe.destination}' AND table = '{table}'") == [["x"]]]
        assert len(where) == 2, (name, where, pipe.engine.log()[-500:])


@pytest.mark.rule("killed-at-every-step")
@pytest.mark.parametrize("step", ["batch-cut", "batch-inserted", "checkpoint-due", "checkpoint-saved"])
def test_killed_at_a_step(pipe, trap, step):
    """The steps of the stream, by a table that keeps every change. All steps of all that an engine does are killed at by tests/faults."""
    pipe.run(TABLE)
    if pipe.mariadb.is_mysql:
        pipe.mariadb.run("GRANT LOCK TABLES ON *.* TO repl@'127.0.0.1'")
    pipe.run("INSERT INTO t VALUES (1, 1)")
    pipe.live(settings=[f"{pipe.source}.t:engine=MergeTree"])
    pipe.caught_up()
    killed_at(pipe, step)
    pipe.run("INSERT INTO t VALUES (2, 2)")
    dead(pipe)
    count = lambda: pipe.clickhouse.value(f"SELECT count() FROM {pipe.destination}.t")
    if step in ("batch-inserted", "checkpoint-due") and count() == 2:
        trap("a kill between the insert and its checkpoint: the row is there, and nothing that is saved knows of it")
    elif step == "batch-cut":
        assert count() == 1
        trap("a kill between the reading of a row and its insert: it was read, and is nowhere")
    pipe.engine.start()
    pipe.run("UPDATE t SET v = 3 WHERE id = 2")
    pipe.caught_up()
    assert sorted(pipe.clickhouse.rows(f"SELECT id, v FROM {pipe.destination}.t WHERE _peerdb_is_deleted = 0")) == [[1, 1], [2, 2], [2, 3]]
    if pipe.mariadb.is_mysql:
        pipe.mariadb.run("REVOKE LOCK TABLES ON *.* FROM repl@'127.0.0.1'")


@pytest.mark.rule("acknowledged-is-durable")
def test_what_the_tables_say_of_durability(pipe, trap):
    wanted = {"fsync_after_insert": "1", "fsync_part_directory": "1", "min_rows_to_fsync_after_merge": "1"}
    names = ", ".join(f"'{name}'" for name in wanted)
    found = dict(pipe.clickhouse.rows(f"SELECT name, value FROM system.merge_tree_settings WHERE name IN ({names})"))
    assert set(found.values()) == {"0"} and len(found) == 3
    trap("by default ClickHouse acknowledges an insert that it has not made durable")
    pipe.run(TABLE)
    pipe.live()
    created = pipe.clickhouse.value(f"SELECT create_table_query FROM system.tables WHERE database = '{pipe.destination}' AND name = 't'")
    assert all(f"{name} = {value}" in created for name, value in wanted.items()), created
    files = lambda: int(pipe.clickhouse.value("SELECT value FROM system.events WHERE event = 'FileSync'") or 0)
    before = files()
    pipe.run("INSERT INTO t VALUES (1, 1)")
    assert pipe.equal("t") == 1 and files() > before, "it is synchronised"
