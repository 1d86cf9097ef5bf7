"""Commands while no engine runs: what is asked for stands in the catalog, and the next engine carries it out. And what a drop takes with
it, whether one runs or not."""

import contextlib
import json

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until
from harness.proxy import Proxy
from harness.readers import fill


def targets(pipe):
    return sorted(row[0] for row in pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}'"))


def tables(pipe, *arguments, **options):
    return pipe.engine.sluice("tables", pipe.name, *arguments, **options)


def test_tables_come_and_go(pipe):
    fill(pipe, "a", "b", "c", rows=500)
    pipe.live(tables=[f"{pipe.source}.a", f"{pipe.source}.b"])
    pipe.engine.stop()
    assert "begins with it" in tables(pipe, "add", f"{pipe.source}.c", "--wait", ok=6).err
    assert [table["state"] for table in pipe.status()["tables"]] == ["live", "live", "waiting"] and pipe.status()["state"] == "Snapshot"
    assert "already" in tables(pipe, "add", f"{pipe.source}.c", ok=4).err
    assert "nothing" in tables(pipe, "add", f"{pipe.source}.nothing", ok=5).err + tables(pipe, "add", f"{pipe.source}.nothing", ok=5).out
    assert "has no table" in tables(pipe, "remove", f"{pipe.source}.nothing", "--yes", ok=3).err
    assert "would have no table left" in tables(pipe, "remove", *(f"{pipe.source}.{table}" for table in "abc"), "--yes", ok=4).err
    assert "noted" in tables(pipe, "remove", f"{pipe.source}.b", "--drop-target", "--yes").out
    assert "not possible while Modifying" in tables(pipe, "add", f"{pipe.source}.b", ok=4).err
    assert targets(pipe) == ["a", "b"]
    journal = pipe.journal()
    assert f"Running → Snapshot, while no engine ran: 1 table was added: {pipe.source}.c" in journal, journal
    assert f"Snapshot → Modifying, while no engine ran: tables remove of {pipe.source}.b" in journal, journal
    (defined,) = json.loads(pipe.engine.sluice("export").out)["pipes"]
    assert f"{pipe.source}.c" in defined["tables"] and f"{pipe.source}.b" not in defined["tables"]
    # What is to leave does, and a pipe that is to be paused is.
    pipe.engine.start("--paused")
    pipe.wait("Paused")
    assert targets(pipe) == ["a"]
    pipe.run("UPDATE a SET n = 1 WHERE id < 100")
    pipe.engine.sluice("resume", pipe.name)
    pipe.wait("Running")
    assert pipe.equal("a", "c")
    assert [table["source"] for table in pipe.status()["tables"]] == [f"{pipe.source}.a", f"{pipe.source}.c"]


def test_while_paused(pipe):
    fill(pipe, "a", "b", "c", rows=500)
    pipe.live(tables=[f"{pipe.source}.a", f"{pipe.source}.b"])
    pipe.engine.stop()
    pipe.engine.sluice("pause", pipe.name, "--wait")
    tables(pipe, "add", f"{pipe.source}.c", "--wait")
    tables(pipe, "remove", f"{pipe.source}.b", "--yes")
    pipe.engine.start()
    pipe.wait("Paused")
    pipe.engine.sluice("resume", pipe.name)
    pipe.wait("Running")
    assert pipe.equal("a", "c") and targets(pipe) == ["a", "b", "c"]


def test_a_table_that_failed_is_loaded_again(pipe):
    fill(pipe, "a", rows=500)
    pipe.run("CREATE TABLE b (id INT PRIMARY KEY, d DATE, n INT NOT NULL)")
    pipe.run("INSERT INTO b SELECT seq, IF(seq = 500, '0000-00-00', '2020-01-01'), 0 FROM seq_1_to_500")
    pipe.live(settings=["zero_date=fail"])
    wait_until(lambda: pipe.table("b")["state"] == "failed", 60 * PATIENCE, pipe.status)
    pipe.engine.stop()
    assert "has not failed" in pipe.engine.sluice("retry", pipe.name, "--table", f"{pipe.source}.a", ok=4).err
    pipe.run("UPDATE b SET n = 1 WHERE id < 100")
    pipe.engine.sluice("set", pipe.name, "zero_date=null")
    pipe.engine.sluice("retry", pipe.name, "--table", f"{pipe.source}.b")
    assert pipe.table("b")["state"] == "waiting" and pipe.table("b")["error"] is None
    pipe.engine.start()
    wait_until(lambda: pipe.table("b")["state"] == "live", 60 * PATIENCE, pipe.status)
    pipe.caught_up()
    assert pipe.rows("b", "count(), sum(n), countIf(isNull(d))") == [[500, 99, 1]]


def test_drop_with_its_tables(pipe):
    fill(pipe, "a", rows=10)
    pipe.live(settings=["live_view=on"])
    pipe.clickhouse.query(f"CREATE TABLE {pipe.destination}.other (x Int8) ENGINE = MergeTree ORDER BY x")
    wait_until(lambda: targets(pipe) == ["a", "a_live", "other"], 30 * PATIENCE, lambda: targets(pipe))
    pipe.engine.stop()
    pipe.engine.sluice("drop", pipe.name, "--drop-target", "--yes", "--wait")
    assert targets(pipe) == ["other"] and "dropped, with its destination tables" in pipe.journal()
    assert json.loads(pipe.engine.sluice("status", "--json").out)["pipes"] == []


@pytest.fixture
def resyncing(engine, mariadb, clickhouse):
    """Two pipes of one table whose resync cannot read it; the other's way to its destination can be cut."""
    pipe = Pipe(engine, mariadb, clickhouse)
    cut = Pipe(engine, mariadb, clickhouse, "q", pipe.source)
    fill(pipe, "a", rows=500)
    engine.start()
    with Proxy(clickhouse.port) as proxy, contextlib.closing(mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        pipe.live()
        cut.live(destination=clickhouse.url(cut.destination).replace(f":{clickhouse.port}/", f":{proxy.port}/"))
        cursor.execute("LOCK TABLES a WRITE")
        for one in (pipe, cut):
            engine.sluice("resync", one.name)
            wait_until(lambda one=one: len(targets(one)) == 2, 60 * PATIENCE, lambda: engine.describe("p"))
        yield pipe, cut, proxy


def test_drop_takes_what_a_resync_has_made(resyncing):
    pipe, cut, proxy = resyncing
    pipe.engine.sluice("drop", pipe.name, "--yes", "--wait")
    assert targets(pipe) == ["a"]
    # Out of reach it is named: by the engine in the journal, without one in the answer too.
    (twin,) = set(targets(cut)) - {"a"}
    proxy.refuse()
    pipe.engine.stop()
    answer = cut.engine.sluice("drop", cut.name, "--yes")
    said = f"left at the destination, to be dropped there by hand: {twin};"
    assert f"note: {said}" in answer.out and said in cut.journal() and "its destination tables are kept" in cut.journal()
    assert json.loads(cut.engine.sluice("status", "--json").out)["pipes"] == []


def test_drop_does_not_wait_for_a_frozen_destination(resyncing):
    _, cut, proxy = resyncing
    (twin,) = set(targets(cut)) - {"a"}
    proxy.silence()
    cut.engine.sluice("drop", cut.name, "--yes", "--wait", timeout=60 * PATIENCE)
    assert f"by hand: {twin};" in cut.journal() and "does not answer" in cut.journal()
    proxy.silence(False)
