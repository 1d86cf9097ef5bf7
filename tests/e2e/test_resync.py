"""Tables loaded again beside themselves; tables that come to a running pipe and leave it. Readers never see an older row."""

import sqlite3
import threading

import pytest
from harness.compare import assert_equal
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until
from harness.proxy import Proxy
from harness.readers import ROWS, Load, fill, watched

def targets(pipe):
    return sorted(row[0] for row in pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}'"))


def resync(pipe, *tables, wait=True):
    arguments = [argument for table in tables for argument in ("--table", f"{pipe.source}.{table}")]
    pipe.engine.sluice("resync", pipe.name, *arguments, *(["--wait"] if wait else []), timeout=120 * PATIENCE)


def uuid_of(pipe, table):
    return pipe.clickhouse.rows(f"SELECT uuid FROM system.tables WHERE database = '{pipe.destination}' AND name = '{table}'")[0][0]


@pytest.mark.flavours
def test_resync_under_load(pipe):
    fill(pipe, "a", "b")
    pipe.live()
    before = uuid_of(pipe, "a"), uuid_of(pipe, "b")
    with watched(pipe, "a", "b"):
        resync(pipe)
    pipe.wait("Running")
    assert pipe.equal("a", "b")
    assert uuid_of(pipe, "a") != before[0] and uuid_of(pipe, "b") != before[1]
    assert targets(pipe) == ["a", "b"], "the old tables are gone"
    assert "took its place" in pipe.journal()
    # And it goes on.
    pipe.run("UPDATE a SET n = n + 1 WHERE id < 100")
    pipe.run("DELETE FROM b WHERE id < 100")
    pipe.equal("a", "b")


def test_resync_of_one_table_leaves_the_others(pipe):
    fill(pipe, "a", "b")
    pipe.live()
    before = uuid_of(pipe, "a"), uuid_of(pipe, "b")
    # Rows that nobody wrote, and rows that went away: what a resync is for.
    pipe.clickhouse.query(f"ALTER TABLE {pipe.destination}.b DELETE WHERE id % 3 = 0 SETTINGS mutations_sync = 2")
    with watched(pipe, "a"):
        resync(pipe, "b")
    assert pipe.equal("a", "b")
    assert uuid_of(pipe, "a") == before[0] and uuid_of(pipe, "b") != before[1]


def test_a_table_that_takes_its_place_is_shown_once(engine, mariadb, clickhouse):
    """Also while the catalog cannot be written just then."""
    with Proxy(clickhouse.port) as proxy:
        pipe = Pipe(engine, mariadb, clickhouse)
        fill(pipe, "a")
        engine.start()
        pipe.live(destination=f"http://default@127.0.0.1:{proxy.port}/{pipe.destination}?password-file={clickhouse.password_file}")
        database = sqlite3.connect(engine.state_dir / "catalog.sqlite", timeout=30, check_same_thread=False, isolation_level=None)
        held = threading.Event()

        def hold(data):
            if b"EXCHANGE TABLES" in data and not held.is_set():
                database.execute("BEGIN IMMEDIATE")
                held.set()

        proxy.on_request = hold
        before = uuid_of(pipe, "a")
        resync(pipe, wait=False)
        wait_until(lambda: held.is_set() and uuid_of(pipe, "a") != before, 60 * PATIENCE, pipe.journal)
        wait_until(lambda: pipe.table("a") and pipe.status()["stalled"], 60 * PATIENCE, pipe.status)
        assert pipe.table("a")["state"] == "resyncing" and "catalog" in str(pipe.status()["stalled"])
        database.execute("ROLLBACK")
        database.close()
        wait_until(lambda: pipe.table("a")["state"] == "live", 60 * PATIENCE, pipe.status)
        pipe.wait("Running")
        assert pipe.equal("a")


def test_a_failed_table_is_mended(pipe):
    fill(pipe, "a", "b")
    pipe.live()
    pipe.clickhouse.query(f"ALTER TABLE {pipe.destination}.b DROP COLUMN v")
    pipe.run("UPDATE b SET n = 5 WHERE id = 7")
    wait_until(lambda: pipe.table("b")["state"] == "failed", 60 * PATIENCE, pipe.status)
    pipe.run("UPDATE a SET n = 5 WHERE id = 7")
    pipe.run("UPDATE b SET n = 6 WHERE id = 8")
    pipe.equal("a")
    assert "resync" in pipe.engine.sluice("retry", pipe.name, "--table", f"{pipe.source}.b", ok=4).err
    resync(pipe, "b")
    assert pipe.table("b")["state"] == "live" and pipe.table("b")["error"] is None, pipe.journal()
    assert pipe.equal("a", "b")


def test_cancel(pipe):
    fill(pipe, "a")
    pipe.live()
    before = uuid_of(pipe, "a")
    with watched(pipe, "a"):
        pipe.engine.sluice("set", pipe.name, "readers=1")
        resync(pipe, wait=False)
        pipe.engine.sluice("cancel", pipe.name, "--wait", ok=None, timeout=60 * PATIENCE)
    pipe.wait("Running")
    assert pipe.equal("a")
    assert targets(pipe) == ["a"]
    journal = pipe.journal()
    assert (uuid_of(pipe, "a") == before) == ("the resync was cancelled" in journal), journal
    pipe.engine.sluice("cancel", pipe.name, ok=4)


@pytest.mark.flavours
def test_paused_and_killed_on_the_way(pipe):
    fill(pipe, "a", "b")
    pipe.live()
    with watched(pipe, "a", "b"):
        resync(pipe, wait=False)
        for n in range(3):
            pipe.engine.sluice("pause", pipe.name, "--wait", ok=None, timeout=60 * PATIENCE)
            pipe.engine.kill()
            pipe.engine.start()
            pipe.engine.sluice("resume", pipe.name, ok=None)
        pipe.wait("Running", seconds=120)
    assert pipe.equal("a", "b")
    assert targets(pipe) == ["a", "b"]


def test_resync_from_paused(pipe):
    fill(pipe, "a")
    pipe.live()
    pipe.engine.sluice("pause", pipe.name, "--wait")
    pipe.run("UPDATE a SET n = n + 1 WHERE id % 2 = 0")
    with watched(pipe, "a"):
        resync(pipe)
    assert pipe.equal("a")


@pytest.mark.flavours
def test_resync_of_a_completed_snapshot(pipe):
    fill(pipe, "a")
    pipe.create(mode="snapshot")
    pipe.wait("Completed")
    pipe.run("UPDATE a SET n = n + 1, v = 'later' WHERE id % 2 = 0")
    pipe.run("DELETE FROM a WHERE id % 7 = 0")
    resync(pipe)
    pipe.wait("Completed")
    assert pipe.equal("a")
    assert targets(pipe) == ["a"]


def test_resync_of_one_table_of_a_completed_snapshot(pipe):
    """The other is still the source's at the position that it was completed at."""
    fill(pipe, "a", "b")
    pipe.create(mode="snapshot")
    pipe.wait("Completed")
    pipe.run("UPDATE b SET n = 1 WHERE id < 100")
    with Load(pipe, "b"):
        resync(pipe, "a")
    pipe.wait("Completed")
    assert assert_equal(pipe.mariadb, pipe.clickhouse, pipe.source, pipe.destination, ("a",))
    assert pipe.rows("b", "count(), sum(n)") == [[ROWS, 0]]


@pytest.mark.flavours
@pytest.mark.dying
def test_the_log_was_purged(engine, own_mariadb, clickhouse):
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    fill(pipe, "a", "b")
    engine.start()
    pipe.live()
    pipe.engine.sluice("pause", pipe.name, "--wait")
    pipe.run("UPDATE a SET n = 1 WHERE id % 2 = 0")
    pipe.run("DELETE FROM b WHERE id % 5 = 0")
    pipe.mariadb.purge_logs()
    pipe.run("UPDATE b SET n = 1 WHERE id % 3 = 0")
    pipe.engine.sluice("resume", pipe.name)
    pipe.wait("Failed")
    old = pipe.rows("a", "count(), sum(n)")
    assert old == [[ROWS, 0]], "what was there can be queried"
    resync(pipe)
    pipe.wait("Running")
    assert pipe.equal("a", "b")
    pipe.run("UPDATE a SET n = n + 1 WHERE id < 1000")
    assert pipe.equal("a", "b")
    assert targets(pipe) == ["a", "b"]


@pytest.mark.dying
def test_after_a_failure_only_chosen_tables(engine, own_mariadb, clickhouse):
    """The operator knows what changed in the gap; the others go on, and are marked."""
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    fill(pipe, "a", "b")
    engine.start()
    pipe.live()
    pipe.engine.sluice("pause", pipe.name, "--wait")
    pipe.run("UPDATE a SET n = 1 WHERE id % 2 = 0")
    pipe.mariadb.purge_logs()
    pipe.engine.sluice("resume", pipe.name)
    pipe.wait("Failed")
    resync(pipe, "a")
    pipe.wait("Running")
    pipe.run("UPDATE b SET n = 1 WHERE id % 3 = 0")
    assert pipe.equal("a", "b")
    assert not pipe.table("a")["resync_advised"]
    assert pipe.table("b")["resync_advised"]


# Tables added and removed


@pytest.mark.flavours
def test_added_beside_the_stream(pipe):
    fill(pipe, "a")
    pipe.live(tables=[f"{pipe.source}.a"])
    fill(pipe, "b", "c")
    with watched(pipe, "a"):
        pipe.engine.sluice("tables", pipe.name, "add", f"{pipe.source}.b:b_here", f"{pipe.source}.c", "--wait", timeout=60 * PATIENCE)
    pipe.wait("Running")
    pipe.run("UPDATE b SET n = n + 1 WHERE id < 100")
    pipe.run("DELETE FROM c WHERE id < 100")
    assert pipe.equal("a", "c")
    assert pipe.rows("b_here", "count(), sum(n)") == [[ROWS, 99]]
    assert "already" in pipe.engine.sluice("tables", pipe.name, "add", f"{pipe.source}.c", ok=4).err
    absent = pipe.engine.sluice("tables", pipe.name, "add", f"{pipe.source}.nothing", ok=5)
    assert "nothing" in absent.out + absent.err


def test_added_while_paused(pipe):
    fill(pipe, "a")
    pipe.live(tables=[f"{pipe.source}.a"])
    pipe.engine.sluice("pause", pipe.name, "--wait")
    fill(pipe, "b")
    pipe.engine.sluice("tables", pipe.name, "add", f"{pipe.source}.b", "--wait")
    assert pipe.status()["state"] == "Paused"
    pipe.engine.kill()
    pipe.engine.start()
    pipe.engine.sluice("resume", pipe.name)
    wait_until(lambda: pipe.table("b")["state"] == "live", 60 * PATIENCE, pipe.status)
    assert pipe.equal("a", "b")


def test_removed_and_added_again(pipe):
    fill(pipe, "a", "b", "c")
    pipe.live()
    with watched(pipe, "a"):
        pipe.engine.sluice("tables", pipe.name, "remove", f"{pipe.source}.b", "--wait", "--yes")
        pipe.engine.sluice("tables", pipe.name, "remove", f"{pipe.source}.c", "--drop-target", "--wait", "--yes")
    pipe.wait("Running")
    assert targets(pipe) == ["a", "b"]
    pipe.run("UPDATE b SET n = 77 WHERE id = 1")
    pipe.equal("a")
    assert pipe.rows("b", "n", "id = 1") == [[0]], "it is not followed any more"
    assert [table["source"] for table in pipe.status()["tables"]] == [f"{pipe.source}.a"]
    assert "drop" in pipe.engine.sluice("tables", pipe.name, "remove", f"{pipe.source}.a", "--yes", ok=4).err
    # A target that holds rows is not written into.
    pipe.engine.sluice("tables", pipe.name, "add", f"{pipe.source}.b", ok=5)
    pipe.engine.sluice("tables", pipe.name, "add", f"{pipe.source}.c", "--wait", timeout=60 * PATIENCE)
    pipe.engine.kill()
    pipe.engine.start()
    pipe.run("UPDATE c SET n = 5 WHERE id < 50")
    assert pipe.equal("a", "c")
    assert "has no table" in pipe.engine.sluice("resync", pipe.name, "--table", f"{pipe.source}.b", ok=3).err


def test_removed_while_paused(pipe):
    fill(pipe, "a", "b")
    pipe.live()
    pipe.engine.sluice("pause", pipe.name, "--wait")
    pipe.engine.sluice("tables", pipe.name, "remove", f"{pipe.source}.b", "--wait", "--yes")
    pipe.wait("Paused")
    pipe.run("UPDATE a SET n = 1 WHERE id < 100")
    pipe.engine.sluice("resume", pipe.name, "--wait")
    pipe.wait("Running")
    assert pipe.equal("a")


def test_the_list_after_tables_left_and_came_back(pipe):
    fill(pipe, "a", "b", rows=10)
    pipe.live()
    pipe.engine.sluice("tables", pipe.name, "remove", f"{pipe.source}.b", "--drop-target", "--wait", "--yes")
    assert f"-{pipe.source}.b" in pipe.engine.sluice("export", pipe.name).out
    pipe.engine.sluice("tables", pipe.name, "add", f"{pipe.source}.b:b_here", "--wait", timeout=60 * PATIENCE)
    exported = pipe.engine.sluice("export", pipe.name).out
    assert f"-{pipe.source}.b" not in exported and f"{pipe.source}.b:b_here" in exported


@pytest.mark.flavours
def test_retry_of_a_table_misses_no_change(pipe):
    """What was loaded before its failure is older than what changed until the retry."""
    fill(pipe, "a")
    pipe.run("CREATE TABLE b (id INT, d DATE, n INT NOT NULL, PRIMARY KEY (id, d))")
    pipe.run(f"INSERT INTO b SELECT seq, IF(seq = {ROWS}, '1000-01-01', '2020-01-01'), 0 FROM seq_1_to_{ROWS}")
    pipe.create()
    wait_until(lambda: pipe.table("b")["state"] == "failed", 60 * PATIENCE, pipe.status)
    pipe.wait("Running")
    assert pipe.rows("b", "count()", "id < 100") == [[99]], "some of it was loaded"
    pipe.run("UPDATE b SET n = 1 WHERE id < 100")
    pipe.run(f"DELETE FROM b WHERE id = {ROWS} OR id = 200")
    pipe.caught_up()
    pipe.engine.sluice("retry", pipe.name, "--table", f"{pipe.source}.b", "--wait", timeout=60 * PATIENCE)
    assert pipe.table("b")["state"] == "live"
    assert pipe.equal("a", "b")
