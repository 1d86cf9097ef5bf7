"""The life of a pipe: its modes, pause and resume, restarts, and what the commands say about it."""

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import time

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import end, wait_until


@pytest.fixture
def filled(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(60))")
    pipe.run("CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(60))")
    pipe.run("INSERT INTO a SELECT seq, REPEAT('a', seq % 60) FROM seq_1_to_5000")
    engine.start()
    return pipe


@pytest.mark.core
@pytest.mark.servers
def test_full(filled):
    filled.live()
    filled.run("UPDATE a SET v = 'changed' WHERE id < 100")
    filled.run("INSERT INTO b VALUES (1, 'new')")
    assert filled.equal("a", "b") == 5001
    status = filled.status()
    assert status["mode"] == "full" and status["stalled"] is None and status["error"] is None
    table = filled.table("a")
    assert table["state"] == "live" and table["rows_done"] == 5000 and table["updates"] == 99
    assert wait_until(lambda: (filled.status()["lag_seconds"] or 0) < 2, 30, "no lag when idle")
    journal = filled.journal()
    states = [journal.find(state) for state in ("Provisioning", "Setup", "Snapshot", "Running")]
    assert -1 not in states and states == sorted(states), journal


@pytest.mark.core
@pytest.mark.servers
def test_snapshot_mode_ends_completed(filled):
    filled.create(mode="snapshot")
    filled.run("INSERT INTO a VALUES (10000, 'during or after')")
    filled.wait("Completed")
    assert filled.clickhouse.value(f"SELECT count() FROM {filled.destination}.a FINAL") >= 5000
    count = filled.rows("a", "count()")
    filled.run("INSERT INTO a VALUES (10001, 'after')")
    wait_until(lambda: filled.mariadb.log_readers() == 0, 30 * PATIENCE, "nobody reads the log")
    assert filled.rows("a", "count()") == count
    filled.engine.stop()
    filled.engine.start()
    assert filled.status()["state"] == "Completed"


def test_cdc_mode_takes_changes_only(filled):
    filled.live(mode="cdc")
    filled.run("INSERT INTO a VALUES (6000, 'new')")
    filled.run("UPDATE a SET v = 'changed' WHERE id = 5")
    filled.run("DELETE FROM a WHERE id = 6")
    filled.caught_up()
    assert sorted(filled.rows("a", "id, v")) == [[5, "changed"], [6000, "new"]]


@pytest.mark.core
@pytest.mark.servers
def test_pause_and_resume(filled):
    filled.live()
    began = time.monotonic()
    filled.engine.sluice("pause", "p", "--wait")
    assert time.monotonic() - began < 2.5 * PATIENCE
    assert filled.status()["state"] == "Paused"
    filled.run("INSERT INTO b VALUES (1, 'while paused')")
    wait_until(lambda: filled.mariadb.log_readers() == 0, 30 * PATIENCE, "nobody reads the log")
    assert filled.rows("b", "count()") == [[0]]
    # A paused pipe stays paused over a restart.
    filled.engine.stop()
    filled.engine.start()
    assert filled.status()["state"] == "Paused"
    filled.engine.sluice("resume", "p", "--wait")
    assert filled.equal("a", "b") == 5001


@pytest.mark.core
def test_snapshot_is_paused_and_goes_on_where_it_was(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(200))")
    pipe.run("INSERT INTO a SELECT seq, REPEAT('a', 200) FROM seq_1_to_600000")
    engine.start()
    pipe.create(tables=[f"{pipe.source}.a"], settings=["readers=1", "batch_rows=5000"])
    wait_until(lambda: (pipe.table("a")["rows_done"] or 0) > 0, 30 * PATIENCE, "loading begins", 0.02)
    began = time.monotonic()
    engine.sluice("pause", "p", "--wait")
    assert time.monotonic() - began < 2.5 * PATIENCE
    done = pipe.table("a")["rows_done"]
    assert 0 < done < 600_000, "it was over before the pause"
    # Another pipe of the same engine is created and loads all that it has, and this one does nothing.
    pipe.run("CREATE TABLE b (id INT PRIMARY KEY)")
    pipe.run("INSERT INTO b VALUES (1)")
    other = Pipe(engine, mariadb, clickhouse, name="q", source=pipe.source)
    assert other.live(tables=[f"{pipe.source}.b"]).equal("b") == 1
    assert pipe.table("a")["rows_done"] == done
    engine.stop()
    engine.start()
    assert pipe.status()["state"] == "Paused"
    pipe.run("UPDATE a SET v = 'changed' WHERE id % 1000 = 0")
    engine.sluice("resume", "p")
    pipe.wait("Running", seconds=120)
    assert pipe.equal("a", seconds=120) == 600_000
    # Finished ranges were not loaded again: few rows are there twice.
    stored = clickhouse.value(f"SELECT sum(rows) FROM system.parts WHERE database = '{pipe.destination}' AND active")
    assert stored < 1_000_000


@pytest.mark.servers
def test_restart_goes_on(filled):
    filled.live()
    for n in range(3):
        filled.engine.stop()
        filled.run(f"INSERT INTO b SELECT {n} * 100 + seq, 'x' FROM seq_1_to_50")
        filled.engine.start()
        filled.run(f"DELETE FROM a WHERE id % 7 = {n}")
    filled.equal("a", "b")


def test_crash_between_the_last_range_and_the_table(filled):
    """The moment is too short to be hit: the catalog is set to what it is then."""
    filled.live()
    filled.engine.kill()
    with contextlib.closing(sqlite3.connect(filled.engine.state_dir / "catalog.sqlite")) as catalog, catalog:
        assert catalog.execute("UPDATE tables SET state = 'loading', loaded = 0").rowcount == 2
        assert catalog.execute("UPDATE pipes SET state = 'Snapshot'").rowcount == 1
        assert catalog.execute("SELECT count(*) FROM ranges WHERE done").fetchone()[0] >= 2
    filled.engine.start()
    filled.wait("Running")
    assert filled.equal("a", "b") == 5000
    assert filled.table("a")["state"] == "live"
    # Nothing was loaded again.
    assert filled.clickhouse.value(f"SELECT count() FROM {filled.destination}.a") == 5000


def test_two_pipes_side_by_side(filled):
    other = Pipe(filled.engine, filled.mariadb, filled.clickhouse, name="q", source=filled.source)
    filled.live()
    other.live()
    filled.run("INSERT INTO b VALUES (1, 'both')")
    assert filled.equal("a", "b") == other.equal("a", "b") == 5001
    filled.engine.sluice("drop", "p", "--yes", "--wait")
    filled.run("INSERT INTO b VALUES (2, 'one')")
    assert other.equal("a", "b") == 5002
    names = [p["name"] for p in json.loads(filled.engine.sluice("status", "--json").out)["pipes"]]
    assert names == ["q"]


def test_drop_with_target(filled):
    filled.live()
    filled.engine.sluice("drop", "p", "--drop-target", "--yes", "--wait")
    assert not filled.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{filled.destination}'")
    # The name and the targets are free again.
    filled.live()
    filled.equal("a", "b")


@pytest.mark.core
def test_embedded_destination(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(60))")
    pipe.run("INSERT INTO a SELECT seq, 'x' FROM seq_1_to_1000")
    engine.start()
    pipe.create(destination="embedded:shop")
    pipe.wait("Running")
    pipe.run("INSERT INTO a VALUES (2000, 'tab\\tand ü')")
    pipe.caught_up()
    query = "SELECT count(), max(v) FROM shop.a FINAL"
    assert engine.sluice("sql", query).out.rstrip("\n") == "1001\tx"
    assert engine.sluice("sql", "p", "SELECT v FROM shop.a FINAL WHERE id = 2000 FORMAT JSONEachRow").out.strip() == '{"v":"tab\\tand ü"}'
    wrong = engine.sluice("sql", "p", "SELECT nothing FROM nowhere", ok=1)
    assert len(wrong.err.strip().splitlines()) == 1
    # Killed with its engine, and back with it.
    endpoints = children(engine.process.pid)
    assert endpoints
    engine.kill()
    wait_until(lambda: not any(alive(pid) for pid in endpoints), 20, "the endpoint ends with its engine")
    pipe.run("DELETE FROM a WHERE id <= 500")
    engine.start()
    pipe.caught_up()
    assert engine.sluice("sql", "SELECT count() FROM shop.a FINAL WHERE _peerdb_is_deleted = 0").out.strip() == "501"
    endpoints = children(engine.process.pid)
    engine.stop()
    assert not any(alive(pid) for pid in endpoints)


def children(pid):
    """Of all its threads."""
    found = [file.read_text().split() for file in pathlib.Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for children_of_thread in found for child in children_of_thread]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_detached_engine(filled):
    filled.live()
    filled.engine.stop()
    filled.engine.sluice("run", "--detach", timeout=60)
    status = json.loads(filled.engine.sluice("status", "--json").out)
    pid = status["engine"]["pid"]
    try:
        assert pid
        filled.run("INSERT INTO b VALUES (1, 'x')")
        assert filled.equal("a", "b") == 5001
        assert (filled.engine.state_dir / "engine.log").exists()
    finally:
        filled.engine.sluice("stop", "--wait", timeout=60)
    wait_until(lambda: not alive(pid), 20, "the engine has ended")
    filled.engine.start("--paused")
    filled.wait("Paused")


def test_status_has_every_field_and_times_in_utc(filled):
    filled.live()
    status = json.loads(filled.engine.sluice("status", "--json").out)
    assert set(status) >= {"format", "engine", "pipes"} and set(status["engine"]) >= {"pid", "version", "started_at"}
    (pipe,) = status["pipes"]
    assert set(pipe) >= {
        "name", "state", "since", "mode", "source", "dest", "stalled", "lag_seconds", "lag_bytes", "headroom_seconds", "catching_up_seconds",
        "position", "rows_per_second", "bytes_per_second", "snapshot", "error", "tables",
    }  # fmt: skip
    assert set(pipe["position"]) >= {"file", "pos", "gtid"}
    assert set(pipe["snapshot"]) >= {"rows_done", "rows_estimate", "ranges_done", "ranges_total", "eta_seconds"}
    assert set(pipe["tables"][0]) >= {
        "source", "target", "state", "rows_done", "rows_estimate", "inserts", "updates", "deletes", "last_change_at", "resync_advised", "error",
    }  # fmt: skip
    assert pipe["since"].endswith("Z") and "T" in pipe["since"]
    assert "geheim" not in json.dumps(status)
    text = filled.engine.sluice("status").out
    assert "p" in text and "Running" in text


def test_passwords_are_not_shown(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY)")
    engine.start()
    url = mariadb.url.split("?")[0].replace("repl@", "repl:geheim%20%231@")
    pipe.live(url=url)
    seen = engine.sluice("status", "--json").out + engine.sluice("status").out + engine.sluice("log").out + engine.log()
    assert "geheim" not in seen
    for file in engine.state_dir.iterdir():
        if file.is_file() and b"geheim" in file.read_bytes():
            assert file.stat().st_mode & 0o077 == 0, f"{file} holds a password and can be read by others"


def test_watch_and_log_follow(filled):
    filled.live()
    argv = [filled.engine.program, "status", "--state-dir", filled.engine.state_dir, "--watch"]
    watch = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        lines = [watch.stdout.readline() for _ in range(2)]
        assert any("Running" in line for line in lines), lines
        assert not any("\x1b" in line for line in lines)
    finally:
        assert end(watch) is not None
    argv = [filled.engine.program, "log", "--state-dir", filled.engine.state_dir, "p", "-f"]
    follow = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        filled.engine.sluice("pause", "p", "--wait")
        for line in follow.stdout:
            if "Paused" in line:
                break
        else:
            raise AssertionError("log -f ended")
    finally:
        assert end(follow) is not None


def test_create_without_an_engine_starts_with_it(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY)")
    pipe.run("INSERT INTO a VALUES (1)")
    pipe.create()
    engine.start()
    pipe.wait("Running")
    assert pipe.equal("a") == 1
