"""ClickHouse dies, and what it finds of itself when it starts again is not what it was."""

import contextlib
import json
import sqlite3
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


def planned(pipe):
    """The schema change of t as it stands in the catalog."""
    with contextlib.closing(sqlite3.connect(pipe.engine.state_dir / "catalog.sqlite", timeout=30)) as catalog:
        (definition,) = catalog.execute("SELECT definition FROM tables WHERE name = 't'").fetchone()
    return json.loads(definition)["pending"]


def die_in_a_rename(pipe, statement, saved, step=1):
    """The server dies between the mutation of a RENAME and the definition, which a plain MergeTree saves one after the other: `saved` is the one that it saved.
    sluice dies with it. `step`: which of the statement's, from 1."""
    ch, target = pipe.clickhouse, f"{pipe.destination}.t"
    pipe.engine.kill()
    pipe.engine.env["SLUICE_FAULT"] = f"ddl-rename:{step}"
    pipe.engine.start()
    pipe.run(statement)
    wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, pipe.journal)
    del pipe.engine.env["SLUICE_FAULT"]
    plan = planned(pipe)
    assert plan["rename_step"] == step
    (file,) = ch.folder.glob(f"data/**/metadata/{pipe.destination}/t.sql")
    definition = file.read_text()
    mutations = set(ch.folder.glob("data/**/store/*/*/mutation_*.txt"))
    ch.query(f"SYSTEM STOP MERGES {target}")
    ch.query(f"ALTER TABLE {target} {plan['steps'][step - 1]}, COMMENT COLUMN _peerdb_version 'sluice: schema change {plan['tag']}, step {step}' SETTINGS mutations_sync = 0, alter_sync = 0")
    (mutation,) = set(ch.folder.glob("data/**/store/*/*/mutation_*.txt")) - mutations
    ch.kill()
    if saved == "mutation":
        file.write_text(definition)
    else:
        mutation.unlink()
    ch.start()


SWAP = "ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a"


def fails_and_is_loaded_again(pipe):
    pipe.engine.start()
    failed = wait_until(lambda: pipe.table("t")["state"] == "failed" and pipe.table("t"), 60 * PATIENCE, pipe.journal)
    assert "ClickHouse ended in the middle of it" in failed["error"]["message"], failed["error"]
    assert pipe.status()["state"] == "Running"
    pipe.engine.sluice("resync", "p", "--table", f"{pipe.source}.t", "--wait", timeout=120)
    assert pipe.equal("t") == 2


@pytest.mark.rule("renames-are-whole")
@pytest.mark.parametrize("saved", ["mutation", "definition"])
def test_a_server_that_dies_in_a_rename(made, trap, saved):
    pipe, target = made, f"{made.destination}.t"
    pipe.clickhouse.query(f"ALTER TABLE {target} MODIFY SETTING min_bytes_for_wide_part = 0")
    pipe.run("INSERT INTO t VALUES (1, 10, 11), (2, 20, 22)")
    assert pipe.equal("t") == 2
    die_in_a_rename(pipe, "ALTER TABLE t RENAME COLUMN a TO z", saved)
    with trap.without("renames-are-whole"):
        pipe.engine.start()
        pipe.caught_up()
        pipe.clickhouse.query(f"OPTIMIZE TABLE {target} FINAL")
        assert pipe.rows("t", "id, z, b") == [[1, None, 11], [2, None, 22]]
        trap(f"a RENAME of which the server saved the {saved} alone: done, as it seems, and the next merge takes the values away")
    pipe.run("UPDATE t SET z = id")
    assert pipe.equal("t") == 2
    die_in_a_rename(pipe, "ALTER TABLE t RENAME COLUMN z TO y", saved)
    fails_and_is_loaded_again(pipe)


@pytest.mark.rule("renames-are-whole")
@pytest.mark.parametrize("statement, step", [(SWAP, 1), (SWAP, 2), ("ALTER TABLE t RENAME COLUMN a TO z, ADD COLUMN a INT DEFAULT 5", 1)], ids=["swap-1", "swap-2", "name-used-again"])
@pytest.mark.parametrize("saved", ["mutation", "definition"])
def test_a_server_that_dies_while_names_change_hands(made, trap, saved, statement, step):
    """Parts of the compact form, where a mutation of which the definition does not know cannot be done."""
    pipe = made
    pipe.run("INSERT INTO t VALUES (1, 10, 11), (2, 20, 22)")
    assert pipe.equal("t") == 2
    die_in_a_rename(pipe, statement, saved, step)
    trap(f"step {step} of {statement}, of which the server saved the {saved} alone")
    fails_and_is_loaded_again(pipe)


def slow_reader(ch, target):
    """3 s for each row: it ends with the server."""
    with contextlib.suppress(Exception):
        ch.query(f"SELECT sum(sleepEachRow(3)) FROM {target} SETTINGS function_sleep_max_microseconds_per_block = 1000000000")


@pytest.mark.rule("truncated-parts-come-back")
def test_a_server_that_dies_behind_a_truncate(made, trap):
    pipe, target = made, f"{made.destination}.t"
    ch = pipe.clickhouse
    pipe.run(f"INSERT INTO t VALUES {', '.join(f'({n}, {n}, 7)' for n in range(40))}")
    assert pipe.equal("t") == 40
    # A part that somebody reads stays, and with it the one without rows that TRUNCATE lays over it.
    reader = threading.Thread(target=slow_reader, args=(ch, target))
    reader.start()
    reading = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sleepEachRow%'"
    wait_until(lambda: ch.value(reading) == 1, 20 * PATIENCE, "somebody reads", 0.01)
    for statement in ("TRUNCATE TABLE t", "INSERT INTO t VALUES (99, 1, 2)", SWAP, SWAP, SWAP):
        pipe.run(statement)
    assert pipe.equal("t") == 1
    assert ch.value(reading) == 1, "the reader was too fast"
    ch.kill()
    reader.join()
    ch.start()
    undone = f"SELECT count() FROM system.mutations WHERE database = '{pipe.destination}' AND NOT is_done AND latest_fail_reason != ''"
    wait_until(lambda: ch.value(undone), 60 * PATIENCE, "a mutation is done again, and cannot be", 0.1)
    assert pipe.rows("t", "id, a, b") == [[99, 2, 1]]
    trap("the parts without rows that TRUNCATE had left are back, and the RENAME that came behind it cannot be done with them again")
    for statement in (SWAP, "ALTER TABLE t RENAME COLUMN a TO c", "ALTER TABLE t ADD d INT DEFAULT 4", "INSERT INTO t VALUES (100, 1, 2, 3)"):
        pipe.run(statement)
    assert pipe.equal("t") == 2
    assert pipe.table("t")["state"] == "live" and not ch.value(undone)
    ended = [line for line in pipe.journal().splitlines() if "only parts of t without rows were left of it" in line]
    assert "".join(ended).count("RENAME COLUMN") > 1, f"what comes behind one that has failed would wait for minutes: {ended}"
