"""Transactions: what stands in the log and was undone, or is not done yet; what comes in one group."""

import contextlib

import pytest
from harness.engine import PATIENCE
from harness.process import wait_until

ROWS = ("Write_rows", "Update_rows", "Delete_rows")


def is_rows(event):
    return event[0].startswith(ROWS)


def run(pipe, *statements):
    """On one session. Returns what the server logged for them."""
    place = pipe.mariadb.end_of_log()
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    return pipe.mariadb.events_since(place)


def tables(pipe):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)")
    pipe.run("CREATE TABLE m (id INT PRIMARY KEY, n INT NOT NULL) ENGINE = MyISAM")
    pipe.run("INSERT INTO t SELECT seq, 0 FROM seq_1_to_100")


ROLLED_BACK = {
    "mixed engines": ["BEGIN", "INSERT INTO t VALUES (1001, 1)", "SAVEPOINT a", "INSERT INTO t VALUES (1002, 1)", "UPDATE t SET n = 9 WHERE id < 10",
                      "INSERT INTO m VALUES (1, 1)", "ROLLBACK TO a", "COMMIT"],
    "temporary table": ["BEGIN", "INSERT INTO t VALUES (1001, 1)", "UPDATE t SET n = 9 WHERE id < 10", "CREATE TEMPORARY TABLE x (id INT)", "DELETE FROM t WHERE id = 11",
                        "ROLLBACK"],
    "temporary table dropped": ["BEGIN", "INSERT INTO t VALUES (1001, 1)", "DELETE FROM t WHERE id < 10", "CREATE TEMPORARY TABLE x (id INT)", "DROP TEMPORARY TABLE x",
                                "ROLLBACK"],
}  # fmt: skip


@pytest.mark.rule("rolled-back-rows-are-dropped")
@pytest.mark.only("mariadb", "mariadb11")
@pytest.mark.parametrize("way", ROLLED_BACK)
def test_rows_that_were_rolled_back(pipe, trap, way):
    tables(pipe)
    pipe.live()
    logged = run(pipe, *ROLLED_BACK[way])
    ends = [n for n, (_, text) in enumerate(logged) if text.startswith("ROLLBACK")]
    undone = [event for event in logged[: ends[0]] if is_rows(event)]
    assert len(undone) >= 2 and pipe.run("SELECT COUNT(*) FROM t WHERE id = 1002 OR n = 9") == ((0,),), logged
    trap("the log has rows of transactions with a temporary table, or with a table of another engine, and ROLLBACK or ROLLBACK TO behind them")
    pipe.run("INSERT INTO t VALUES (2000, 0)")
    assert pipe.equal("t", "m") >= 101
    assert pipe.clickhouse.value(f"SELECT count() FROM {pipe.destination}.t WHERE n = 9 OR id = 1002") == 0, "they were never sent"
    assert not pipe.table("t")["resync_advised"]


@pytest.mark.rule("rolled-back-rows-are-dropped")
@pytest.mark.only("mariadb", "mariadb11")
def test_rows_that_were_sent_before_they_were_rolled_back(pipe, trap):
    """A transaction that is larger than a batch: what cannot be taken back is told."""
    tables(pipe)
    pipe.live(settings=["batch_rows=100"])
    logged = run(pipe, "BEGIN", "CREATE TEMPORARY TABLE x (id INT)", "INSERT INTO t SELECT seq, 1 FROM seq_1001_to_20000", "ROLLBACK")
    assert logged[-1][1] == "ROLLBACK" and len(list(filter(is_rows, logged))) > 10
    trap("the log has twenty thousand rows of a transaction, and ROLLBACK behind them")
    wait_until(lambda: pipe.table("t")["state"] == "failed", 30 * PATIENCE, pipe.journal)
    error = pipe.table("t")["error"]
    assert "rolled back at the source had been sent already" in error["message"] and error["remedies"], error
    pipe.run("INSERT INTO m VALUES (1, 1)")
    assert pipe.equal("m") == 1, "the others go on"
    pipe.engine.sluice("resync", "p", "--wait", timeout=120)
    assert pipe.equal("t") == 100


@pytest.mark.rule("savepoints")
@pytest.mark.only("mariadb", "mariadb11")
@pytest.mark.parametrize("killed", [False, True])
def test_rollback_to_a_savepoint(pipe, trap, killed):
    """Rows behind a savepoint are held until it is known what becomes of them, however many."""
    tables(pipe)
    pipe.live(settings=["batch_rows=1000"])
    if killed:
        pipe.engine.kill()
    logged = run(
        pipe, "BEGIN", "INSERT INTO t VALUES (1001, 1)", "SAVEPOINT a", "INSERT INTO t SELECT seq, 2 FROM seq_2001_to_5000", "SAVEPOINT b",
        "UPDATE t SET n = 3 WHERE id = 1", "INSERT INTO m VALUES (1, 1)", "ROLLBACK TO b", "INSERT INTO t VALUES (1002, 1)", "ROLLBACK TO a",
        "INSERT INTO t VALUES (1003, 1)", "SAVEPOINT c", "DELETE FROM t WHERE id = 2", "RELEASE SAVEPOINT c", "COMMIT",
    )  # fmt: skip
    back = [n for n, (_, text) in enumerate(logged) if text.startswith("ROLLBACK TO")]
    assert len(back) == 2 and any(map(is_rows, logged[: back[0]])), logged
    assert pipe.run("SELECT COUNT(*) FROM t WHERE n > 1") == ((0,),)
    trap("rows stand in the log between SAVEPOINT and ROLLBACK TO, which undoes them")
    if killed:
        pipe.engine.start()
    assert pipe.equal("t", "m") == 102
    assert sorted(pipe.rows("t", "id, n", "n > 0")) == [[1001, 1], [1003, 1]]
    assert not pipe.table("t")["resync_advised"]


@pytest.mark.rule("large-transactions-end-before-the-checkpoint")
def test_killed_in_the_middle_of_a_large_transaction(pipe, trap):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)")
    pipe.run("INSERT INTO t SELECT seq, 0 FROM seq_1_to_10000")
    pipe.live(settings=["batch_rows=1000"])
    pipe.caught_up()
    engine = pipe.engine
    engine.stop()
    before = pipe.status()["position"]
    engine.dies("batch-inserted:2", lambda: run(pipe, "BEGIN", "UPDATE t SET n = n + 1", "DELETE FROM t WHERE id = 10000", "COMMIT"))
    ((there, gone),) = pipe.rows("t", "countIf(n = 1), countIf(id = 10000)")
    assert 0 < there < 10000 and gone == 1
    trap("when it was killed, the destination had the first part of a transaction and not its second")
    assert pipe.status()["position"] == before, "the checkpoint waits for the end"
    engine.start()
    assert pipe.equal("t") == 9999
    images = f"SELECT max(c) FROM (SELECT count() AS c FROM {pipe.destination}.t GROUP BY id, _peerdb_version)"
    assert pipe.clickhouse.value(images) == 1, "and what was there is not there twice"


@pytest.mark.rule("create-select-is-one-group")
@pytest.mark.parametrize("killed", [False, True])
def test_a_table_and_its_rows_in_one_statement(pipe, trap, killed):
    """Of a pipe that takes new tables, and of one whose table was dropped and comes again."""
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)")
    pipe.run("INSERT INTO t SELECT seq, 0 FROM seq_1_to_1000")
    pipe.live(settings=["new_tables=add", "batch_rows=100"])
    if killed:
        pipe.engine.kill()
    logged = run(pipe, "CREATE TABLE made (id INT PRIMARY KEY) SELECT id, n + 1 AS n FROM t", "UPDATE t SET n = 5 WHERE id = 1")
    first = next(n for n, (kind, text) in enumerate(logged) if kind == "Query" and "CREATE TABLE" in text)
    ends = [n for n, (kind, text) in enumerate(logged) if kind == "Xid" or text.startswith("COMMIT")]
    begins = [n for n, (kind, _) in enumerate(logged) if kind in ("Gtid", "Anonymous_Gtid")]
    assert any(map(is_rows, logged[first : ends[0]])) and len([n for n in begins if n < ends[0]]) == 1, logged
    trap("CREATE TABLE … SELECT is one group of the log: the statement, then the rows, then the end")
    run(pipe, "UPDATE made SET n = n + 1 WHERE id <= 10", "DELETE FROM made WHERE id = 1000")
    if killed:
        pipe.engine.start()
    made = lambda: {table["source"]: table["state"] for table in pipe.status()["tables"]}.get(f"{pipe.source}.made") == "live"
    wait_until(made, 60 * PATIENCE, pipe.journal)
    assert pipe.equal("t", "made") == 1999
    pipe.run("DROP TABLE t")
    run(pipe, "CREATE TABLE t (id INT PRIMARY KEY) SELECT id, n + 2 AS n FROM made", "DELETE FROM t WHERE id = 2")
    pipe.caught_up()
    wait_until(lambda: pipe.table("t")["state"] == "live", 60 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert pipe.equal("t", "made") == 998 + 999
