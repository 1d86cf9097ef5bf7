"""ClickHouse dies, and what it finds of itself when it starts again is not what it was."""

import contextlib
import threading

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)"


@pytest.fixture
def made(engine, mariadb, own_clickhouse):
    engine.start()
    pipe = Pipe(engine, mariadb, own_clickhouse)
    pipe.run(TABLE)
    pipe.live()
    return pipe


def half_renamed(pipe, old, new):
    """The server died between the mutation of a RENAME and the definition, which a plain MergeTree saves one after the other. sluice died with it."""
    ch, target = pipe.clickhouse, f"{pipe.destination}.t"
    pipe.engine.kill()
    pipe.engine.env["SLUICE_FAULT"] = "ddl-rename"
    pipe.engine.start()
    pipe.run(f"ALTER TABLE t RENAME COLUMN {old} TO {new}")
    wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, pipe.journal)
    del pipe.engine.env["SLUICE_FAULT"]
    (file,) = ch.folder.glob(f"data/**/metadata/{pipe.destination}/t.sql")
    definition = file.read_text()
    ch.query(f"SYSTEM STOP MERGES {target}")
    ch.query(f"ALTER TABLE {target} RENAME COLUMN {old} TO {new} SETTINGS mutations_sync = 0, alter_sync = 0")
    ch.kill()
    file.write_text(definition)
    ch.start()


@pytest.mark.rule("renames-are-whole")
def test_a_server_that_dies_in_a_rename(made, trap):
    pipe, target = made, f"{made.destination}.t"
    pipe.clickhouse.query(f"ALTER TABLE {target} MODIFY SETTING min_bytes_for_wide_part = 0")
    pipe.run("INSERT INTO t VALUES (1, 10, 11), (2, 20, 22)")
    assert pipe.equal("t") == 2
    half_renamed(pipe, "a", "z")
    with trap.without("renames-are-whole"):
        pipe.engine.start()
        pipe.caught_up()
        pipe.clickhouse.query(f"OPTIMIZE TABLE {target} FINAL")
        assert pipe.rows("t", "id, z, b") == [[1, None, 11], [2, None, 22]]
        trap("a RENAME of which the parts know and the definition does not: done again it seems to work, and the next merge takes the values away")
    pipe.run("UPDATE t SET z = id")
    assert pipe.equal("t") == 2
    half_renamed(pipe, "z", "y")
    pipe.engine.start()
    failed = wait_until(lambda: pipe.table("t")["state"] == "failed" and pipe.table("t"), 60 * PATIENCE, pipe.journal)
    assert "ClickHouse ended in the middle of it" in failed["error"]["message"], failed["error"]
    assert pipe.status()["state"] == "Running"
    pipe.engine.sluice("resync", "p", "--table", f"{pipe.source}.t", "--wait", timeout=120)
    assert pipe.equal("t") == 2


def slow_reader(ch, target):
    """3 s for each row; its end is the server's."""
    with contextlib.suppress(Exception):
        ch.query(f"SELECT sum(sleepEachRow(3)) FROM {target} SETTINGS function_sleep_max_microseconds_per_block = 60000000")


@pytest.mark.rule("truncated-parts-come-back")
def test_a_server_that_dies_behind_a_truncate(made, trap):
    pipe, target = made, f"{made.destination}.t"
    ch = pipe.clickhouse
    swap = "ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a"
    pipe.run("INSERT INTO t VALUES (1, 1, 7), (2, 2, 7), (3, 3, 7), (4, 4, 7), (5, 5, 7)")
    assert pipe.equal("t") == 5
    # A part that somebody reads stays, and with it the one without rows that TRUNCATE lays over it.
    reader = threading.Thread(target=slow_reader, args=(ch, target))
    reader.start()
    reading = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sleepEachRow%'"
    wait_until(lambda: ch.value(reading) == 1, 20 * PATIENCE, "somebody reads", 0.01)
    for statement in ("TRUNCATE TABLE t", "INSERT INTO t VALUES (9, 1, 2)", swap):
        pipe.run(statement)
    assert pipe.equal("t") == 1
    assert ch.value(reading) == 1, "the reader was too fast"
    ch.kill()
    reader.join()
    ch.start()
    undone = f"SELECT count() FROM system.mutations WHERE database = '{pipe.destination}' AND NOT is_done AND latest_fail_reason != ''"
    wait_until(lambda: ch.value(undone), 60 * PATIENCE, "a mutation is done again, and cannot be", 0.1)
    assert pipe.rows("t", "id, a, b") == [[9, 2, 1]]
    trap("the parts without rows that TRUNCATE had left are back, and the RENAME that came behind it cannot be done with them again")
    for statement in (swap, "ALTER TABLE t RENAME COLUMN a TO c", "ALTER TABLE t ADD d INT DEFAULT 4", "INSERT INTO t VALUES (10, 1, 2, 3)"):
        pipe.run(statement)
    assert pipe.equal("t") == 2
    assert pipe.table("t")["state"] == "live" and not ch.value(undone)
