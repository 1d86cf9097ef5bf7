"""Killed at every named step (fault.h): what is at the destination then is never wrong, and after a start all is equal.

Needs an engine built with --enable-faults: a step that is not reached fails its test.
"""

import contextlib
import itertools
import pathlib
import re
import signal

import pytest
from harness.compare import position_of
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until
from harness.shards import TARGET, Shards
from harness.workload import writing

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
ROWS = 8_000
TABLE = "CREATE TABLE {} (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(200))"


fresh = itertools.count(900_000)


def fill(pipe, *tables, rows=ROWS):
    for table in tables:
        pipe.run(TABLE.format(table))
        pipe.run(f"INSERT INTO {table} SELECT seq, 0, REPEAT('v', seq % 150) FROM seq_1_to_{rows}")


def change(pipe, table="a", rounds=3):
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        for n in range(rounds):
            cursor.execute("BEGIN")
            cursor.execute(f"UPDATE {table} SET n = n + 1 WHERE id % 7 = {n}")
            cursor.execute(f"DELETE FROM {table} WHERE id = {n + 1}")
            cursor.execute(f"INSERT INTO {table} VALUES ({next(fresh)}, 1, 'new')")
            cursor.execute("COMMIT")
        cursor.execute(f"UPDATE {table} SET id = id + 1000000 WHERE id = 50")
        cursor.execute(f"UPDATE {table} SET id = id - 1000000 WHERE id = 1000050")


def caught_up_or_dead(pipe):
    for _ in range(20):
        if pipe.engine.process.poll() is not None:
            return
        with contextlib.suppress(AssertionError):
            pipe.caught_up(1)
            return


def running_or_dead(pipe):
    def there():
        return pipe.engine.process.poll() is not None or pipe.status()["state"] == "Running"

    with contextlib.suppress(AssertionError, IndexError, KeyError, StopIteration):
        wait_until(there, 60 * PATIENCE, pipe.status)


# What leads to a step, in the pipe's own words. Each leaves the source's tables a and b, followed.


def load(pipe):
    fill(pipe, "a", "b")
    pipe.create(ok=None)
    change(pipe)


def stream(pipe):
    """Several batches, one after another."""
    fill(pipe, "a", "b")
    pipe.create(ok=None, settings=["batch_age=50ms"])
    running_or_dead(pipe)
    for n in range(6):
        change(pipe, "ab"[n % 2], rounds=1)
        caught_up_or_dead(pipe)


def large_transaction(pipe):
    fill(pipe, "a", "b")
    pipe.create(ok=None, settings=["batch_rows=1000"])
    running_or_dead(pipe)
    pipe.run("UPDATE a SET n = n + 1, v = CONCAT(v, 'x')")


def resync(pipe):
    fill(pipe, "a", "b")
    pipe.live()
    change(pipe)
    pipe.engine.sluice("resync", pipe.name, ok=None)
    change(pipe)


def resync_and(pipe, *command):
    """What it would load is locked until then."""
    fill(pipe, "a", "b")
    pipe.live()
    change(pipe)
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES a WRITE, b WRITE")
        pipe.engine.sluice("resync", pipe.name)
        wait_until(lambda: len(targets(pipe)) == 4, 60 * PATIENCE, pipe.journal)
        pipe.engine.sluice(*command, ok=None)
        wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, pipe.journal)
    change(pipe)


def resync_and_cancel(pipe):
    resync_and(pipe, "cancel", pipe.name)


def resync_and_drop(pipe):
    """It is still there, and goes on as it was before the resync."""
    resync_and(pipe, "drop", pipe.name, "--yes")


def resync_after_failure(pipe):
    fill(pipe, "a", "b")
    pipe.live()
    pipe.engine.sluice("pause", pipe.name, "--wait")
    change(pipe)
    pipe.mariadb.purge_logs()
    pipe.engine.sluice("resume", pipe.name)
    pipe.wait("Failed")
    pipe.engine.sluice("resync", pipe.name, ok=None)
    change(pipe, "b")


def resync_by_itself(pipe):
    fill(pipe, "a", "b")
    pipe.live(settings=["purged=resync"])
    pipe.engine.sluice("pause", pipe.name, "--wait")
    change(pipe)
    pipe.mariadb.purge_logs()
    pipe.engine.sluice("resume", pipe.name)


def reposition(pipe):
    """To where it would have gone on anyway: nothing is skipped."""
    fill(pipe, "a", "b")
    pipe.live()
    pipe.engine.sluice("pause", pipe.name, "--wait")
    file, position = pipe.mariadb.end_of_log()
    pipe.engine.sluice("reposition", pipe.name, "--file", file, "--pos", position, "--yes", ok=None)


def add(pipe):
    fill(pipe, "a", "b")
    pipe.live(tables=[f"{pipe.source}.a"])
    pipe.engine.sluice("tables", pipe.name, "add", f"{pipe.source}.b", ok=None)
    change(pipe)
    change(pipe, "b")


def new_table(pipe):
    fill(pipe, "a")
    pipe.live(settings=["new_tables=add", "batch_age=50ms"])
    pipe.run(TABLE.format("b"))
    pipe.created_at = pipe.mariadb.end_of_log()
    pipe.run(f"INSERT INTO b SELECT seq, 0, 'v' FROM seq_1_to_{ROWS}")
    change(pipe)


def remove(pipe):
    fill(pipe, "a", "b", "c")
    pipe.live()
    pipe.engine.sluice("tables", pipe.name, "remove", f"{pipe.source}.c", "--drop-target", "--yes", ok=None)
    change(pipe)


def xa(pipe):
    fill(pipe, "a", "b")
    pipe.create(ok=None)
    running_or_dead(pipe)
    for n in range(2):
        xid = f"'f{n}'"
        with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
            cursor.execute(f"XA START {xid}")
            cursor.execute("UPDATE a SET n = n + 5 WHERE id % 3 = 0")
            cursor.execute(f"XA END {xid}")
            cursor.execute(f"XA PREPARE {xid}")

        def committed(xid=xid):
            with contextlib.suppress(Exception):
                pipe.run(f"XA COMMIT {xid}")
            return not pipe.run("XA RECOVER")

        change(pipe, "b", rounds=1)
        if n == 0:
            caught_up_or_dead(pipe)  # a checkpoint names what is prepared
        wait_until(committed, 20 * PATIENCE, xid)


def schema(pipe):
    """Columns wider, and two that exchange their names and do so again; a table emptied."""
    fill(pipe, "a", "b")
    pipe.create(ok=None)
    running_or_dead(pipe)
    exchange = "ALTER TABLE a RENAME COLUMN n TO v, RENAME COLUMN v TO n"
    for statement in ("ALTER TABLE a MODIFY n BIGINT NOT NULL, MODIFY v VARCHAR(300)", exchange, exchange, "TRUNCATE TABLE b"):
        pipe.run("UPDATE a SET n = n, v = v WHERE id % 11 = 5")
        pipe.run(statement)
        pipe.run(f"INSERT INTO a (id, n, v) VALUES ({next(fresh)}, 5, 6)")
        pipe.run(f"INSERT INTO b (id, n, v) VALUES ({next(fresh)}, 5, 6)")


def replace(pipe):
    """Tables of somebody's stand there; they are kept, each under another name."""
    fill(pipe, "a", "b")
    pipe.clickhouse.query(f"CREATE DATABASE {pipe.destination}")
    for table in "ab":
        pipe.clickhouse.query(f"CREATE TABLE {pipe.destination}.{table} (x Int8) ENGINE = MergeTree ORDER BY x")
        pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.{table} VALUES (7)")
    pipe.create(ok=None, settings=["target=resync"])
    change(pipe)


def verify_and_repair(pipe):
    """A row is lost and one too many at the destination, which nobody told us."""
    fill(pipe, "a", "b")
    pipe.live()
    target = f"{pipe.destination}.a"
    pipe.clickhouse.query(f"ALTER TABLE {target} DELETE WHERE id = 70", mutations_sync=1)
    pipe.clickhouse.query(f"INSERT INTO {target} SELECT * REPLACE (7000000 AS id) FROM {target} LIMIT 1")
    pipe.engine.sluice("verify", pipe.name, "--repair", ok=None)


# step -> what leads to it; the n-th time it is passed
STEPS = [
    ("setup-tables-created", load), ("setup-start-recorded", load), ("load-planned", load), ("load-planned:2", load),
    ("load-attempt-noted", load), ("load-chunk-read", load), ("load-insert", load), ("load-inserted", load), ("load-chunk-acknowledged", load),
    ("load-progress-saved", load), ("load-last-range-done", load), ("load-last-range-done:2", load), ("batch-cut", stream), ("batch-cut:3", stream),
    ("batch-insert", stream), ("batch-inserted", stream), ("batch-cut-in-a-group", large_transaction), ("batch-cut-in-a-group:3", large_transaction),
    ("checkpoint-due", stream), ("checkpoint-due:4", stream), ("checkpoint-saved", stream), ("checkpoint-saved:4", stream), ("tables-noted", resync),
    ("setup-of-a-table", resync), ("setup-of-a-table:2", resync), ("resync-proof-noted", resync),
    ("resync-proof-noted:2", resync), ("resync-exchanged", resync), ("resync-exchanged:2", resync), ("resync-place-taken", resync),
    ("resync-before-drop", resync), ("resync-before-drop:2", resync), ("resync-cancel-noted", resync_and_cancel), ("resync-cancelling", resync_and_cancel), ("resync-cancelling:2", resync_and_cancel),
    ("drop-tables-gone", resync_and_drop),
    ("resync-proof-noted", resync_after_failure), ("resync-exchanged", resync_after_failure), ("resync-exchanged:2", resync_after_failure),
    ("resync-place-taken", resync_after_failure), ("resync-tables-kept", resync_after_failure), ("resync-position-given-up", resync_after_failure), ("tables-noted", add),
    ("tables-noted", replace), ("tables-noted:2", replace), ("setup-tables-created", replace), ("setup-start-recorded", replace), ("load-inserted", replace),
    ("resync-exchanged", replace), ("resync-place-taken", replace), ("auto-resync-noted", resync_by_itself), ("reposition-saved", reposition), ("new-tables-found", new_table), ("tables-noted", new_table), ("remove-noted", remove), ("remove-target-done", remove), ("xa-on-disk", xa), ("xa-applied", xa), ("xa-applied:2", xa),
    ("verify-scratch", verify_and_repair), ("verify-repair-inserted", verify_and_repair),
    ("ddl-before", schema), ("ddl-before:3", schema), ("ddl-noted", schema), ("ddl-rename", schema), ("ddl-rename:3", schema), ("ddl-planned", schema), ("ddl-planned:2", schema), ("ddl-step", schema), ("ddl-step:2", schema),
    ("ddl-step:3", schema), ("ddl-step:6", schema), ("ddl-done", schema), ("ddl-done:2", schema), ("ddl-done:4", schema), ("ddl-saved", schema), ("ddl-saved:2", schema),
]  # fmt: skip


# Two tables in one, and what leads to a step of that.


def shards_resync(shards):
    shards.live()
    shards.resync(shards.names[0], wait=False, ok=None)


def shards_add(shards):
    """One that has left its rows comes back."""
    shards.live()
    two = shards.names[1]
    shards.pipe.engine.sluice("tables", shards.pipe.name, "remove", f"{two}.{TARGET}", "--yes", "--wait")
    shards.run(two, f"DELETE FROM {TARGET} WHERE id % 2 = 0")
    shards.add(two, ok=None)


def shards_schema(shards):
    shards.live()
    for n, name in enumerate(shards.names):
        shards.run(name, f"ALTER TABLE {TARGET} ADD x INT NOT NULL DEFAULT {n + 3}")
        shards.run(name, f"INSERT INTO {TARGET} (id, n, v, x) VALUES ({next(fresh)}, 5, 'new', 6)")
    shards.run(shards.names[0], f"TRUNCATE TABLE {TARGET}")
    shards.run(shards.names[0], f"INSERT INTO {TARGET} (id, n, v, x) VALUES (1, 5, 'behind it', 6)")


SHARDS_STEPS = [
    ("resync-proof-noted", shards_resync), ("resync-proof-noted:2", shards_resync), ("resync-exchanged", shards_resync), ("resync-place-taken", shards_resync),
    ("resync-place-taken:2", shards_resync), ("resync-before-drop", shards_resync), ("setup-rows-deleted", shards_resync), ("setup-rows-deleted", shards_add),
    ("setup-tables-created:2", shards_add), ("load-inserted:3", shards_add), ("ddl-planned:2", shards_schema), ("ddl-noted", shards_schema), ("ddl-step:2", shards_schema),
    ("ddl-done:2", shards_schema), ("ddl-step:3", shards_schema),
]  # fmt: skip


def compiled_in():
    """Every step that the sources name."""
    text = "".join(path.read_text() for path in (TOP / "src").glob("*/*.c"))
    calls = re.findall(r"FAULT_POINT\((.*?)\);", text)
    return {name for call in calls for name in re.findall(r'"([a-z-]+)"', call)}


def test_every_step_is_tested():
    assert compiled_in() == {step.split(":")[0] for step, _ in STEPS + SHARDS_STEPS} | {"ddl-gone", "exact-begun"}


@pytest.mark.parametrize("statement", ["DROP TABLE a", "RENAME TABLE a TO c"])
def test_killed_when_a_table_goes(engine, mariadb, clickhouse, statement):
    """What was written just before is at the destination: after the start nothing of the table is read again."""
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.engine.env["SLUICE_FAULT"] = "ddl-gone"
    pipe.engine.start()
    fill(pipe, "a", "b", rows=100)
    pipe.live(tables=[f"{pipe.source}.a", f"{pipe.source}.b"], settings=["batch_age=10s"])
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE a SET n = 7")
        cursor.execute("INSERT INTO a VALUES (101, 7, 'last')")
        cursor.execute(statement)
    wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, "it is killed")
    del pipe.engine.env["SLUICE_FAULT"]
    revive(pipe)
    change(pipe, "b")
    assert pipe.equal("b")
    assert pipe.table("a")["state"] == "dropped"
    assert pipe.rows("a", "count(), sum(n)") == [[101, 707]]


@pytest.mark.only("mariadb", "mariadb11")
def test_killed_when_a_table_is_replaced_within_a_group(engine, mariadb, clickhouse):
    """No checkpoint stands right before the statement: other transactions do, and they are no other history."""
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.engine.env["SLUICE_FAULT"] = "ddl-gone"
    pipe.engine.start()
    fill(pipe, "a", "b", rows=100)
    pipe.live(settings=["batch_age=10s", "new_tables=add"])
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE b SET n = 7")
        cursor.execute("CREATE OR REPLACE TABLE a (id INT PRIMARY KEY) SELECT 5 AS id, 6 AS n")
    wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, "it is killed")
    del pipe.engine.env["SLUICE_FAULT"]
    pipe.run("DROP TABLE a")  # else it is set up anew before the log is read again
    revive(pipe)
    assert pipe.equal("b") == 100 and pipe.table("a")["state"] == "dropped"


def targets(pipe):
    return sorted(row[0] for row in pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}'"))


def revive(pipe):
    """What an operator does after a crash: starts it, and asks again for what was not accepted."""
    pipe.engine.start()
    if (status := pipe.status())["state"] == "Failed":
        assert "history" not in status["error"]["message"], status["error"]
        pipe.engine.sluice("resync", pipe.name, ok=None)  # it may do so by itself
        wait_until(lambda: pipe.status()["state"] != "Failed", 60 * PATIENCE, lambda: pipe.engine.describe(pipe.name))
    if pipe.status()["state"] == "Paused":
        pipe.engine.sluice("resume", pipe.name)
    pipe.wait("Running", seconds=120)


@pytest.mark.parametrize("step,leads_to_it", STEPS, ids=[f"{leads.__name__}-{step}" for step, leads in STEPS])
def test_killed_at(request, engine, clickhouse, step, leads_to_it):
    # A server of its own where its log is purged, or where what is prepared by others would be seen.
    alone = leads_to_it in (resync_after_failure, resync_by_itself, reposition, xa)
    pipe = Pipe(engine, request.getfixturevalue("own_mariadb")() if alone else request.getfixturevalue("mariadb"), clickhouse)
    pipe.engine.env["SLUICE_FAULT"] = step
    pipe.engine.start()
    leads_to_it(pipe)
    wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, lambda: f"step {step} is reached: {pipe.journal()}")
    assert pipe.engine.process.returncode == -signal.SIGKILL
    del pipe.engine.env["SLUICE_FAULT"]
    if leads_to_it is new_table:  # nothing of the log tells of it again
        assert position_of(pipe.status()) >= pipe.created_at
    change(pipe, "a", rounds=1) if leads_to_it is not large_transaction else None
    revive(pipe)
    change(pipe, "b", rounds=2) if leads_to_it is not add else None
    settled(pipe, leads_to_it)
    assert pipe.equal("a", "b")


def settled(pipe, leads_to_it):
    """Nothing is left over of what was cut off."""
    if leads_to_it is remove and targets(pipe) != ["a", "b"]:
        pipe.engine.sluice("tables", pipe.name, "remove", f"{pipe.source}.c", "--drop-target", "--yes", "--wait")
    if leads_to_it is add and len(pipe.status()["tables"]) == 1:
        pipe.engine.sluice("tables", pipe.name, "add", f"{pipe.source}.b", "--wait")

    if leads_to_it is verify_and_repair:
        assert "repaired" in pipe.engine.sluice("verify", pipe.name, "--repair", "--wait").out

    if leads_to_it is resync_and_cancel:
        assert "took its place" not in pipe.journal(), "what was begun to be cancelled is cancelled as a whole"

    def there():
        """Without what was somebody's, which is kept."""
        names = targets(pipe)
        kept = [name for name in names if "_resync_" in name and pipe.clickhouse.value(
            f"SELECT comment FROM system.tables WHERE database = '{pipe.destination}' AND name = '{name}'") == ""]  # fmt: skip
        return [name for name in names if name not in kept] if leads_to_it is replace and len(kept) == 2 else names

    def whole():
        return there() == ["a", "b"] and {table["state"] for table in pipe.status()["tables"]} == {"live"}

    wait_until(whole, 60 * PATIENCE, lambda: f"{targets(pipe)}, {pipe.status()}, {pipe.journal()}")


@pytest.mark.parametrize("step,leads_to_it", SHARDS_STEPS, ids=[f"{leads.__name__}-{step}" for step, leads in SHARDS_STEPS])
def test_killed_with_two_tables_in_one(engine, mariadb, clickhouse, step, leads_to_it):
    """Readers see every row of both throughout a resync; the rows of one are never those of the other."""
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.engine.env["SLUICE_FAULT"] = step
    pipe.engine.start()
    shards = Shards(pipe, rows=2_000)
    leads_to_it(shards)
    with contextlib.ExitStack() as stack:
        if leads_to_it is shards_resync:
            stack.enter_context(shards.load_on())
            stack.enter_context(shards.reader())
        wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, lambda: f"step {step} is reached: {pipe.journal()}")
        del pipe.engine.env["SLUICE_FAULT"]
        revive(pipe)
    if len(pipe.status()["tables"]) == 1:
        shards.add(shards.names[1], "--wait")
        pipe.wait("Running")
    for name in shards.names:
        shards.run(name, f"UPDATE {TARGET} SET n = n + 1 WHERE id % 5 = 0")
    wait_until(lambda: targets(pipe) == [TARGET], 60 * PATIENCE, lambda: f"{targets(pipe)}, {pipe.journal()}")
    assert shards.equal() > 1_900


@pytest.mark.parametrize("step", ["exact-begun", "load-planned", "load-inserted", "load-inserted:3", "load-chunk-acknowledged:2", "load-last-range-done", "checkpoint-saved:2"])
def test_killed_while_every_change_is_loaded(engine, mariadb, clickhouse, step):
    """A table that keeps every change as a row has each once, however its load was cut off."""
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.engine.env["SLUICE_FAULT"] = step
    pipe.engine.start()
    fill(pipe, "a", rows=60_000)
    with writing(pipe, "UPDATE a SET n = n + 1 WHERE id <= 3", 0.02), writing(pipe, "INSERT INTO a SELECT MAX(id) + 1, 0, 'new' FROM a", 0.01):
        pipe.create(ok=None, settings=[f"{pipe.source}.a:engine=MergeTree", "batch_bytes=256KiB", "batch_age=100ms"])
        wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, lambda: f"step {step} is reached: {pipe.journal()}")
        del pipe.engine.env["SLUICE_FAULT"]
        revive(pipe)
    pipe.caught_up()
    images = f"SELECT id, n, count() AS images FROM {pipe.destination}.a GROUP BY id, n"
    assert pipe.clickhouse.rows(f"SELECT * FROM ({images}) WHERE images > 1") == []
    assert pipe.clickhouse.rows(f"SELECT count(), sum(n) FROM (SELECT id, max(n) AS n FROM ({images}) GROUP BY id)")[0] == list(pipe.run("SELECT COUNT(*), CAST(SUM(n) AS SIGNED) FROM a")[0])
    assert pipe.clickhouse.rows(f"SELECT id, max(n) - min(n) + 1 - count() FROM ({images}) GROUP BY id HAVING max(n) - min(n) + 1 != count()") == [], "no change is left out"


# Tables that leave what a crash cut off, by commands while no engine runs.


def killed(engine, mariadb, clickhouse, step, leads_to_it):
    """What leads to the step gets the pipe."""
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.engine.env["SLUICE_FAULT"] = step
    pipe.engine.start()
    leads_to_it(pipe)
    wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, lambda: f"step {step} is reached: {pipe.journal()}")
    del pipe.engine.env["SLUICE_FAULT"]
    return pipe


def leaves(pipe, table, *options):
    pipe.engine.sluice("tables", pipe.name, "remove", table, *options, "--yes")
    pipe.engine.start()
    pipe.wait("Paused", "Running")
    if pipe.status()["state"] == "Paused":
        pipe.engine.sluice("resume", pipe.name)
    pipe.wait("Running")


def test_one_of_two_leaves_before_its_resync_has_a_table(engine, mariadb, clickhouse):
    shards = []

    def begin(pipe):
        shards.append(Shards(pipe, rows=500).live())
        shards[0].resync(shards[0].names[0], wait=False, ok=None)

    pipe = killed(engine, mariadb, clickhouse, "tables-noted", begin)
    one, two = shards[0].names
    leaves(pipe, f"{two}.{TARGET}", "--drop-target")
    assert shards[0].equal(one) == 500
    assert shards[0].names_there() == [f"{one}.{TARGET}"]
    assert targets(pipe) == [TARGET]


@pytest.mark.parametrize("step", ["resync-before-drop", "resync-exchanged"])
def test_a_table_leaves_with_what_its_resync_replaced(engine, mariadb, clickhouse, step):
    pipe = killed(engine, mariadb, clickhouse, step, resync)
    pipe.engine.sluice("pause", pipe.name)
    leaves(pipe, f"{pipe.source}.b")
    assert pipe.equal("a")
    wait_until(lambda: targets(pipe) == ["a", "b"], 60 * PATIENCE, lambda: f"{targets(pipe)}, {pipe.journal()}")


def test_a_table_leaves_that_has_replaced_somebodys(engine, mariadb, clickhouse):
    pipe = killed(engine, mariadb, clickhouse, "resync-exchanged:2", replace)
    pipe.engine.sluice("pause", pipe.name)
    leaves(pipe, f"{pipe.source}.a", "--drop-target")
    assert pipe.equal("b")
    assert "is kept as" in pipe.journal() and len(targets(pipe)) == 3, f"{targets(pipe)}, {pipe.journal()}"
