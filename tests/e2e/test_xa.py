"""XA transactions: their rows stand in the log where they were prepared, and count where they are committed."""

import contextlib
import itertools

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until

pytestmark = pytest.mark.servers

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, v LONGBLOB)"
numbers = itertools.count(1)


def prepare(pipe, *statements, end="PREPARE", fail=False):
    """Runs them as an XA transaction in a session that then goes away. Returns its id as XA COMMIT takes it."""
    xid = f"'x{next(numbers)}', 'b''q', 7"
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute(f"XA START {xid}")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(f"XA END {xid}")
        cursor.execute(f"XA PREPARE {xid}" if end == "PREPARE" else f"XA COMMIT {xid} ONE PHASE" if end == "ONE PHASE" else f"XA ROLLBACK {xid}")
    return xid


def end(pipe, how, xid):
    def ended():
        try:
            pipe.run(f"XA {how} {xid}")
        except Exception as problem:  # the session that prepared it has not quite gone
            if "1397" in str(problem) or "1399" in str(problem):
                return False
            raise
        return True

    wait_until(ended, 20 * PATIENCE, lambda: f"XA {how} {xid}")


def files(pipe):
    return sorted(path.name for path in (pipe.engine.state_dir / "prepared").glob("*/*"))


@pytest.fixture
def one(engine, own_mariadb, clickhouse):
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    pipe.run(TABLE)
    pipe.run("CREATE TABLE other (id INT PRIMARY KEY, n INT)")
    pipe.run("INSERT INTO t SELECT seq, 0, 'loaded' FROM seq_1_to_1000")
    engine.start()
    return pipe.live(tables=[f"{pipe.source}.t"])


@pytest.mark.rule("xa-rows-count-at-commit")
def test_committed_rolled_back_and_one_phase(one, trap):
    place = one.mariadb.end_of_log()
    first = prepare(one, "UPDATE t SET n = 1 WHERE id <= 100", "INSERT INTO t VALUES (5001, 1, 'first')", "DELETE FROM t WHERE id = 50")
    events = one.mariadb.events_since(place)
    assert any("_rows" in kind and "Annotate" not in kind for kind, _ in events) and one.run("SELECT COUNT(*) FROM t WHERE n = 1") == ((0,),)
    trap("rows of a transaction that is only prepared stand in the log, and no SELECT shows them")
    second = prepare(one, "UPDATE t SET n = 2 WHERE id BETWEEN 201 AND 300", "INSERT INTO other VALUES (1, 1)")
    prepare(one, "UPDATE t SET n = 3 WHERE id BETWEEN 401 AND 500", end="ONE PHASE")
    prepare(one, "UPDATE t SET n = 4 WHERE id BETWEEN 501 AND 600", end="ROLLBACK")
    one.run("INSERT INTO t VALUES (6000, 0, 'between')")
    assert one.equal("t") == 1001, "what is only prepared does not count"
    end(one, "ROLLBACK", second)
    end(one, "COMMIT", first)
    one.run("UPDATE t SET n = 10 WHERE id BETWEEN 90 AND 110")
    assert one.equal("t") == 1001
    assert len(one.rows("t", "id", "n IN (1, 10)")) == 110
    assert not one.table("t")["resync_advised"]


@pytest.mark.rule("xa-survives-a-restart")
def test_prepared_across_restarts(one, trap):
    """Both what a checkpoint names and what none does yet, killed in between, again and again."""
    xids = []
    for n in range(6):
        xids.append(prepare(one, f"UPDATE t SET n = {n + 1} WHERE id BETWEEN {n * 100 + 1} AND {n * 100 + 60}", f"INSERT INTO t VALUES ({7000 + n}, 9, 'xa')"))
        if n % 2:
            one.run(f"INSERT INTO t VALUES ({8000 + n}, 0, 'before the kill')")
            one.equal("t")
        one.engine.kill()
        one.engine.start()
    one.caught_up()
    for n, xid in enumerate(xids):
        place = one.mariadb.end_of_log()
        end(one, "ROLLBACK" if n == 3 else "COMMIT", xid)
        events = one.mariadb.events_since(place)
        assert any(text.startswith("XA ") for _, text in events) and not any("rows" in kind.lower() or kind == "Table_map" for kind, _ in events), events
        if n % 3 == 0:
            one.engine.kill()
            one.engine.start()
    trap("XA COMMIT stands in the log without the rows, which were read before a restart")
    assert one.equal("t") == 1000 + 5 + 3
    # Nothing of them is kept once a checkpoint stands behind their ends.
    one.run("INSERT INTO t VALUES (9999, 0, 'the end')")
    one.equal("t")

    def gone():
        one.run("UPDATE t SET n = n + 1 WHERE id = 9999")
        return files(one) == []

    wait_until(gone, 30 * PATIENCE, lambda: files(one))


def test_large_ones_are_kept_on_disk_and_cut(one):
    """Some 40 MB in one transaction, beyond what is kept in memory, prepared long before it is committed."""
    xid = prepare(one, "INSERT INTO t SELECT seq, 5, REPEAT('x', 200) FROM seq_10001_to_150000", "INSERT INTO t SELECT seq, 5, REPEAT('y', 1000000) FROM seq_200001_to_200010",
                  "UPDATE t SET n = 6 WHERE id > 140000")  # fmt: skip
    one.run("INSERT INTO t VALUES (6000, 0, 'behind')")
    assert one.equal("t") == 1001
    assert len(files(one)) == 1
    one.engine.kill()
    one.engine.start()
    end(one, "COMMIT", xid)
    one.engine.kill()
    one.engine.start()
    assert one.equal("t") == 1001 + 140_000 + 10


def test_the_source_restarts_in_between(one):
    """Its table ids begin anew: those of the prepared rows are other tables' by then."""
    xid = prepare(one, "UPDATE t SET n = 1 WHERE id <= 10")
    one.run("INSERT INTO t VALUES (6000, 0, 'before')")
    one.equal("t")
    one.mariadb.stop()
    one.mariadb.start()
    one.run("CREATE TABLE new (id INT PRIMARY KEY, n INT NOT NULL, v LONGBLOB)")
    one.run("INSERT INTO new VALUES (1, 1, 'not ours')")
    one.run("INSERT INTO t VALUES (6001, 0, 'after')")
    end(one, "COMMIT", xid)
    one.run("INSERT INTO t VALUES (6002, 0, 'after the commit')")
    assert one.equal("t") == 1003
    assert len(one.rows("t", "id", "n = 1")) == 10


def test_savepoints_within(one):
    prepare(one, "UPDATE t SET n = 1 WHERE id = 1", "SAVEPOINT s", "UPDATE t SET n = 2 WHERE id = 2", "ROLLBACK TO s", "UPDATE t SET n = 3 WHERE id = 3", end="ONE PHASE")
    xid = prepare(one, "UPDATE t SET n = 1 WHERE id = 11", "SAVEPOINT s", "UPDATE t SET n = 2 WHERE id = 12", "ROLLBACK TO s", "UPDATE t SET n = 3 WHERE id = 13")
    end(one, "COMMIT", xid)
    one.run("INSERT INTO t VALUES (6000, 0, 'behind')")
    assert one.equal("t") == 1001
    assert one.rows("t", "id, n", "n > 0 ORDER BY id") == [[1, 1], [3, 3], [11, 1], [13, 3]]


def test_one_that_changed_nothing(one):
    xid = prepare(one, "SELECT COUNT(*) FROM t")
    with contextlib.suppress(Exception):  # MySQL may have forgotten it: there is nothing to commit
        end(one, "COMMIT", xid)
    one.run("INSERT INTO t VALUES (6000, 0, 'behind')")
    assert one.equal("t") == 1001
    assert not one.table("t")["resync_advised"], one.journal()


@pytest.mark.rule("xa-prepared-before-the-load")
@pytest.mark.only("mysql")
def test_prepared_before_the_pipe(engine, own_mariadb, clickhouse, trap):
    """Its rows are in neither the log that is read nor the table as it was loaded: told, and a resync advised. MariaDB is asked
    before a pipe begins, and waited for; MySQL tells only users of a privilege."""
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, 0, 'a'), (2, 0, 'b')")
    xid = prepare(pipe, "UPDATE t SET n = 1 WHERE id = 1")
    engine.start()
    pipe.live()
    place = pipe.mariadb.end_of_log()
    end(pipe, "COMMIT", xid)
    assert pipe.run("SELECT n FROM t WHERE id = 1") == ((1,),)
    assert not any("_rows" in kind for kind, _ in pipe.mariadb.events_since(place)) and pipe.rows("t", "n", "id = 1") == [[0]]
    trap("rows that were prepared before the load and committed after it are in neither the load nor the log behind it")
    pipe.run("INSERT INTO t VALUES (3, 0, 'behind')")
    pipe.caught_up()
    wait_until(lambda: pipe.table("t")["resync_advised"], 20 * PATIENCE, pipe.journal)
    assert "prepared before this pipe" in pipe.journal()
    engine.sluice("resync", "p", "--wait", timeout=120)
    assert pipe.equal("t") == 3
