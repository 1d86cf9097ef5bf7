"""Which log a pipe follows: another server at its address, a start at a GTID, transactions that were prepared before it began."""

import contextlib
import shutil

import pytest
from harness.engine import PATIENCE
from harness.mariadb import MariaDB
from harness.pipe import Pipe
from harness.process import wait_until


@pytest.fixture
def pair(folder):
    """A server and its replica, which took everything from the beginning of the log."""
    first = MariaDB(folder / "first", "--gtid-domain-id=0").start()
    second = MariaDB(folder / "second", "--server-id=2", "--log-slave-updates").start()
    second.run("RESET MASTER")
    second.run("SET GLOBAL gtid_slave_pos = ''")
    first.run("GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
    second.run("RESET MASTER")
    second.run(
        f"CHANGE MASTER TO master_host='127.0.0.1', master_port={first.port}, master_user='repl', master_password='geheim #1', "
        "master_use_gtid=slave_pos"
    )
    second.run("START SLAVE")
    yield first, second
    second.stop()
    first.stop()


def take_over(first, second):
    """The replica has all, and answers at the address of the first from now on."""
    position = first.run("SELECT @@gtid_binlog_pos")[0][0]
    assert second.run("SELECT MASTER_GTID_WAIT(%s, 60)", position)[0][0] == 0
    second.run("STOP SLAVE")
    second.run("RESET SLAVE ALL")
    port = first.port
    first.stop()
    second.stop()
    second.options = ("--server-id=2", "--log-slave-updates", f"--port={port}")
    second.start()


def test_failover_to_a_replica_by_gtid(engine, pair, clickhouse):
    first, second = pair
    # The numbers of the logs differ much between the two.
    for _ in range(9):
        first.run("FLUSH BINARY LOGS")
    pipe = Pipe(engine, first, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(60))")
    pipe.run("INSERT INTO a SELECT seq, 'old' FROM seq_1_to_1000")
    engine.start()
    pipe.live()
    pipe.run("UPDATE a SET v = 'changed' WHERE id <= 10")
    pipe.equal("a")
    take_over(first, second)
    pipe.mariadb = second
    # Nothing is written yet: the pipe looks at an idle log that it opened by GTID, and starts again on it.
    wait_until(lambda: "another server answers" in pipe.journal(), 60 * PATIENCE, "it goes on at the other server")
    wait_until(second.log_readers, 60 * PATIENCE, "it reads that log")
    engine.kill()
    engine.start()
    second.run("INSERT INTO a VALUES (2001, 'new')", database=pipe.source)
    second.run("UPDATE a SET v = 'after' WHERE id <= 20", database=pipe.source)
    second.run("DELETE FROM a WHERE id = 500", database=pipe.source)
    assert pipe.equal("a") == 1000
    engine.kill()
    engine.start()
    second.run("DELETE FROM a WHERE id = 501", database=pipe.source)
    assert pipe.equal("a") == 999


@pytest.mark.parametrize("begins", ["before them", "behind one"])
def test_failover_behind_transactions_that_were_rolled_back(engine, pair, clickhouse, begins):
    """They are in the log of the first server, under numbers of their own, and in that of no replica."""
    first, second = pair
    pipe = Pipe(engine, first, clickhouse)

    def rolled_back():
        with contextlib.closing(first.connect(pipe.source)) as connection, connection.cursor() as cursor:
            for statement in ("BEGIN", "INSERT INTO a VALUES (9, 'never')", "CREATE TEMPORARY TABLE x (id INT)", "ROLLBACK"):
                cursor.execute(statement)

    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(60))")
    pipe.run("INSERT INTO a VALUES (1, 'old')")
    if begins == "behind one":
        rolled_back()
    engine.start()
    pipe.live()
    if begins == "before them":
        pipe.run("INSERT INTO a VALUES (2, 'old')")
        rolled_back()
        rolled_back()
    pipe.equal("a")
    take_over(first, second)
    assert second.gtids() != second.run("SELECT @@GLOBAL.gtid_slave_pos")[0][0]
    pipe.mariadb = second
    wait_until(lambda: "another server answers" in pipe.journal(), 60 * PATIENCE, pipe.journal)
    second.run("INSERT INTO a VALUES (3, 'new')", database=pipe.source)
    assert pipe.equal("a") == (3 if begins == "before them" else 2)
    assert not pipe.table("a")["resync_advised"]


def test_failover_in_the_middle_of_the_snapshot(engine, pair, clickhouse):
    first, second = pair
    for _ in range(9):
        first.run("FLUSH BINARY LOGS")
    pipe = Pipe(engine, first, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(200))")
    pipe.run("INSERT INTO a SELECT seq, REPEAT('a', 200) FROM seq_1_to_150000")
    engine.start()
    pipe.create(settings=["readers=1", "batch_rows=5000", "batch_bytes=256KiB"])
    wait_until(lambda: (pipe.table("a")["rows_done"] or 0) > 0, 30 * PATIENCE, "loading begins", 0.02)
    engine.sluice("pause", "p", "--wait")
    assert pipe.table("a")["rows_done"] < 150000
    pipe.run("UPDATE a SET v = 'changed' WHERE id % 1000 = 0")
    pipe.run("DELETE FROM a WHERE id % 1000 = 1")
    take_over(first, second)
    pipe.mariadb = second
    engine.sluice("resume", "p")
    pipe.wait("Running", seconds=120)
    second.run("UPDATE a SET v = 'new' WHERE id % 500 = 7", database=pipe.source)
    assert pipe.equal("a", seconds=120) == 149850


@pytest.mark.rule("xa-prepared-before-the-load")
@pytest.mark.only("mariadb", "mariadb11")
def test_prepared_transactions(engine, own_mariadb, clickhouse, trap):
    """What was prepared before the pipe began and is committed later, and prepared ones on tables that are not followed."""
    mariadb = own_mariadb()
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(60))")
    pipe.run("CREATE TABLE other (id INT PRIMARY KEY)")
    pipe.run("INSERT INTO a VALUES (1, 'old')")
    xa = mariadb.connect(pipe.source)
    with xa.cursor() as cursor:
        cursor.execute("XA START 'x'")
        cursor.execute("INSERT INTO a VALUES (2, 'prepared')")
        cursor.execute("XA END 'x'")
        cursor.execute("XA PREPARE 'x'")
    xa.close()
    engine.start()
    pipe.create(tables=[f"{pipe.source}.a"])
    engine.wait_stalled("p")
    place = mariadb.end_of_log()
    assert pipe.run("SELECT COUNT(*) FROM a") == ((1,),)
    mariadb.run("XA COMMIT 'x'")
    assert not any("rows" in kind.lower() for kind, _ in mariadb.events_since(place)) and pipe.run("SELECT COUNT(*) FROM a") == ((2,),)
    trap("a load would not see rows that were prepared before it, and the log behind it has their COMMIT alone")
    pipe.wait("Running", seconds=60 * PATIENCE)
    pipe.equal("a")
    # On a table that is not followed they hold nothing up.
    xa = mariadb.connect(pipe.source)
    with xa.cursor() as cursor:
        cursor.execute("XA START 'y'")
        cursor.execute("INSERT INTO other VALUES (1)")
        cursor.execute("XA END 'y'")
        cursor.execute("XA PREPARE 'y'")
        cursor.execute("XA COMMIT 'y'")
    xa.close()
    pipe.equal("a")
    wait_until(lambda: pipe.status()["lag_seconds"] == 0, 20 * PATIENCE, "caught up when idle")
    wait_until(lambda: pipe.status()["lag_bytes"] == 0, 20 * PATIENCE, lambda: engine.describe("p"))
    pipe.run("INSERT INTO a VALUES (3, 'new')")
    pipe.equal("a")


@pytest.mark.parametrize(
    "afterwards",
    [
        None,
        pytest.param("INSERT INTO a VALUES (2, 'two'), (3, 'three')", marks=pytest.mark.servers),
        "INSERT INTO a VALUES (5, 'xyz')",
    ],
)
def test_server_restored_from_an_older_copy(engine, own_mariadb, clickhouse, folder, afterwards):
    """It hands out the same places and GTIDs for other transactions, or has not even got so far."""
    mariadb = own_mariadb()
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(60))")
    engine.start()
    pipe.live()
    pipe.caught_up()
    mariadb.stop()
    shutil.copytree(mariadb.folder / "data", folder / "copy")
    mariadb.start()
    pipe.run("INSERT INTO a VALUES (1, 'one')")
    pipe.equal("a")
    pipe.caught_up()
    engine.stop()
    mariadb.stop()
    shutil.rmtree(mariadb.folder / "data")
    shutil.move(folder / "copy", mariadb.folder / "data")
    mariadb.start()
    if afterwards:
        pipe.run(afterwards)
    engine.start()
    status = pipe.wait("Failed", seconds=30 * PATIENCE)
    message = status["error"]["message"]
    assert "rewritten" in message or "it lost them, or has another history" in message or status["error"]["code"] == 1236, status["error"]
