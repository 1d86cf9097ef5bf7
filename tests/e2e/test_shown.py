"""What is shown is so: stalls that are there and no others, lag, and settings that take effect when they say."""

import json
import os
import signal
import socket
import subprocess
import time

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until
from harness.workload import writing


@pytest.fixture
def two(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(60))")
    pipe.run("CREATE TABLE b (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(60))")
    pipe.run("INSERT INTO a VALUES (1, 'x'), (2, NULL)")
    engine.start()
    return pipe


def test_lag_when_only_other_tables_change(two):
    two.live(tables=[f"{two.source}.a"])
    two.run("INSERT INTO a VALUES (3, 'y')")
    two.caught_up()
    with writing(two, "INSERT INTO b (v) VALUES ('other')"):
        # One that was not seen to end would grow with the time.
        seen = []
        end = time.monotonic() + 3 * (3 * PATIENCE)
        while time.monotonic() < end:
            seen.append(two.status()["lag_seconds"])
            time.sleep(0.3)
    assert max(seen) < 3 * PATIENCE, seen


def test_nothing_is_said_of_a_log_that_is_not_looked_at(two):
    two.live()
    wait_until(lambda: two.status()["lag_bytes"] == 0 and two.status()["lag_seconds"] == 0, 20 * PATIENCE, "caught up")
    two.engine.sluice("pause", "p", "--wait")
    two.run("INSERT INTO a VALUES (3, 'while paused')")
    wait_until(lambda: (two.status()["lag_seconds"] or 0) > 2, 20 * PATIENCE, "it is known that the pipe falls behind")
    assert two.status()["lag_bytes"] is None


def test_stall_ends_when_the_log_flows_again(two):
    """Also when it never falls silent, so that no heartbeat comes."""
    two.live()
    with writing(two, "INSERT INTO b (v) VALUES ('busy')"):
        threads = two.mariadb.run("SELECT id FROM information_schema.processlist WHERE command = 'Binlog Dump' AND user = 'repl'")
        for (thread,) in threads:
            two.mariadb.run(f"KILL {thread}")
        wait_until(lambda: "stalled at the source" in two.journal(), 10 * PATIENCE, "the stall is noticed")
        wait_until(lambda: two.status()["stalled"] is None, 10 * PATIENCE, lambda: f"no stall: {two.status()}")
    two.equal("a", "b")


def test_stall_of_one_table_is_not_hidden_by_the_others(two):
    two.live()
    two.clickhouse.query(
        f"CREATE MATERIALIZED VIEW {two.destination}.never ENGINE = Memory AS SELECT throwIf(id > 10) AS t FROM {two.destination}.a"
    )
    with writing(two, "INSERT INTO b (v) VALUES ('busy')"):
        two.run("INSERT INTO a VALUES (20, 'not yet')")
        wait_until(lambda: two.status()["stalled"], 20 * PATIENCE, "the insert does not work")
        # Until it was tried again, and rows of the other table came there after that.
        tries, others = two.status()["stalled"]["tries"], two.rows("b", "count()")[0][0]

        def stays():
            stall = two.status()["stalled"]
            assert stall, two.engine.describe("p")
            return stall["tries"] >= tries + 2 and two.rows("b", "count()")[0][0] > others

        wait_until(stays, 60 * PATIENCE, lambda: two.engine.describe("p"), 0.2)
        two.clickhouse.query(f"DROP VIEW {two.destination}.never SYNC")
        wait_until(lambda: two.status()["stalled"] is None, 90 * PATIENCE, "it works again")
    assert two.journal().count("answers again") == 1
    two.equal("a", "b")


def test_pause_while_nothing_can_start_leaves_no_stall(engine, own_mariadb, clickhouse):
    mariadb = own_mariadb()
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY)")
    engine.start()
    pipe.live()
    mariadb.stop()
    wait_until(lambda: pipe.status()["stalled"], 20 * PATIENCE, "the source is gone")
    engine.sluice("pause", "p", "--wait")
    assert pipe.status()["stalled"] is None


def test_settings_of_the_next_resync_wait_for_it(two):
    two.live()
    answer = two.engine.sluice("set", "p", "nullable=off", ok=None)
    two.run("INSERT INTO a VALUES (3, NULL)")
    two.equal("a")
    two.engine.stop()
    two.engine.start()
    two.run("INSERT INTO a VALUES (4, NULL)")
    two.equal("a")
    assert answer.code in (0, 5)


def test_embedded_destination_that_dies_is_started_again(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(60))")
    pipe.run("INSERT INTO a VALUES (1, 'x')")
    engine.start()
    pipe.live(destination="embedded:")
    children = subprocess.run(["pgrep", "-P", str(engine.process.pid)], capture_output=True, text=True).stdout.split()
    assert len(children) == 1
    os.kill(int(children[0]), signal.SIGKILL)
    pipe.run("INSERT INTO a VALUES (2, 'y')")
    wait_until(
        lambda: engine.sluice("sql", "p", "SELECT count() FROM a FINAL", ok=None).out.strip() == "2", 60 * PATIENCE,
        lambda: json.dumps(pipe.status()["stalled"]),
    )  # fmt: skip


def test_room_at_the_destination(pipe):
    """Free disk and parts are shown; before the server slows inserts down, batches grow."""
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1)")
    pipe.live()
    target = f"{pipe.destination}.t"
    pipe.clickhouse.query(f"SYSTEM STOP MERGES {target}")
    for i in range(510):
        pipe.clickhouse.query(f"INSERT INTO {target} (id, v, _peerdb_version) VALUES (1, {i}, 0)")
    wait_until(lambda: "parts in one partition, and from 1000 on" in pipe.journal(), 60 * PATIENCE, lambda: pipe.journal())
    status = pipe.status()
    assert status["dest_free_bytes"] > 0 and status["tables"][0]["parts"] > 500
    pipe.clickhouse.query(f"SYSTEM START MERGES {target}")
    pipe.clickhouse.query(f"OPTIMIZE TABLE {target} FINAL")
    wait_until(lambda: "batches are sealed as before" in pipe.journal(), 60 * PATIENCE, lambda: pipe.journal())
    assert pipe.equal("t") == 1


def ask(engine, request):
    """The answer of the engine to one request of a screen."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(engine.state_dir / "sluice.sock"))
        with control.makefile("rwb") as lines:
            lines.write(json.dumps({"id": 1, **request}).encode() + b"\n")
            lines.flush()
            return json.loads(lines.readline())


def test_a_restart_does_not_blank_the_charts(two):
    """What was seen before a stop is written then, and shown again by the hour and by the day."""
    engine = two.engine

    def cells():
        answer = ask(engine, {"do": "status"})
        (pipe,) = answer.get("view", answer)["pipes"]
        day = ask(engine, {"do": "history", "name": two.name})
        assert day["cell_seconds"] == 600
        return pipe["history"], day["cells"]

    two.live()
    two.run("INSERT INTO b (v) SELECT 'x' FROM seq_1_to_1000")
    two.caught_up()
    rows, _, _, batch_rows, batch_bytes = wait_until(lambda: next((cell for cell in cells()[1] if cell[3]), None), 10, "figures of a day")
    assert rows > 0 and 2 <= batch_rows <= 1000 and batch_bytes > 0
    engine.stop()
    engine.start()
    by_hour, by_day = cells()
    assert any(cell[0] for cell in by_day)
    assert any(cell[0] for cell in by_hour) or time.time() % 600 < 40  # of a cell that began seconds ago the hour has nothing yet
