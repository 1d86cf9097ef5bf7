"""What only one kind of server does, and what happens when another server takes the place of the first."""

import contextlib
import itertools
import threading

import pytest
from harness.engine import PATIENCE
from harness.mariadb import MariaDB
from harness.pipe import Pipe
from harness.process import wait_until

pytestmark = pytest.mark.servers

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(200))"


def rows(pipe, first, count):
    pipe.run(f"INSERT INTO t SELECT seq, 0, REPEAT('v', seq % 150) FROM seq_{first}_to_{first + count - 1}")


def changes(pipe, first):
    """Transactions of several kinds on rows from `first` on."""
    rows(pipe, first, 300)
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        for n in range(20):
            cursor.execute("BEGIN")
            cursor.execute("UPDATE t SET n = n + 1, v = CONCAT('changed ', %s) WHERE id BETWEEN %s AND %s", (n, first + n * 10, first + n * 10 + 30))
            cursor.execute("DELETE FROM t WHERE id = %s", (first + n * 3,))
            cursor.execute("ROLLBACK" if n % 5 == 4 else "COMMIT")
        cursor.execute("UPDATE t SET id = id + 1000000 WHERE id = %s", (first + 299,))


def killed_and_started(pipe):
    pipe.engine.kill()
    pipe.engine.start()


@pytest.fixture
def make(engine, own_mariadb, clickhouse):
    """A pipe of one table from a server of its own."""

    def made(*options, **create):
        pipe = Pipe(engine, own_mariadb(*options), clickhouse)
        pipe.run(TABLE)
        rows(pipe, 1, 1000)
        engine.start()
        return pipe.live(**create)

    return made


# MySQL


@pytest.mark.only("mysql")
def test_compressed_transactions(make):
    """Each transaction is one event; the fingerprint of the last one is that event's."""
    pipe = make("--binlog-transaction-compression=ON", "--binlog-rows-query-log-events=ON")
    for n in range(4):
        changes(pipe, 2000 + n * 1000)
        killed_and_started(pipe)
    assert pipe.equal("t") > 1000
    # As one large transaction, cut into several batches.
    rows(pipe, 200_000, 50_000)
    killed_and_started(pipe)
    pipe.mariadb.run("SET GLOBAL binlog_transaction_compression = OFF")
    changes(pipe, 90_000)
    assert pipe.equal("t") > 50_000


@pytest.mark.only("mysql")
def test_gtids_with_tags_and_gaps(make):
    pipe = make()
    server_uuid = pipe.mariadb.run("SELECT @@server_uuid")[0][0]
    for n in range(3):
        with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
            for k, gtid in enumerate(("AUTOMATIC", "AUTOMATIC:blue", f"{server_uuid}:{10_000 + n * 10}", f"{server_uuid}:red:{500 + n * 2}",
                                      f"11111111-2222-3333-4444-55555555555{n}:7")):  # fmt: skip
                cursor.execute("SET gtid_next = %s", (gtid,))
                cursor.execute("INSERT INTO t VALUES (%s, 0, %s)", (5000 + n * 10 + k, gtid))
            cursor.execute("SET gtid_next = 'AUTOMATIC'")
        killed_and_started(pipe)
    assert pipe.equal("t") == 1015
    # Each was read once: the pipe's own set is the server's.
    def same():
        ours = pipe.status()["position"]["gtid"]
        return pipe.mariadb.run("SELECT GTID_SUBSET(@@GLOBAL.gtid_executed, %s)", ours)[0][0] == 1

    wait_until(same, 20 * PATIENCE, lambda: f"{pipe.status()['position']} is {pipe.mariadb.gtids()}")
    assert pipe.table("t")["inserts"] == 15


@pytest.mark.only("mysql")
def test_without_gtids(engine, own_mariadb, clickhouse):
    """By file and position; the beginning is read under a table lock, for which a privilege is needed."""
    server = own_mariadb("--gtid-mode=OFF", "--enforce-gtid-consistency=OFF")
    pipe = Pipe(engine, server, clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 3000)
    engine.start()
    refused = pipe.check(ok=5)
    assert "GRANT LOCK TABLES" in refused.out + refused.err
    server.run("GRANT LOCK TABLES ON *.* TO repl@'127.0.0.1'")
    stop = threading.Event()
    written = []

    def write():
        for n in itertools.count(10_001):
            pipe.run("INSERT INTO t VALUES (%s, 1, 'during')", n)
            pipe.run("UPDATE t SET n = n + 1 WHERE id = %s", n % 3000 + 1)
            written.append(n)
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        pipe.live(settings=["batch_rows=1000"])
        killed_and_started(pipe)
        before = len(written)
        wait_until(lambda: len(written) >= before + 50, 60, "rows come behind the kill")
    finally:
        stop.set()
        writer.join()
    assert not pipe.status()["position"]["gtid"]
    # MyISAM and InnoDB in one transaction, which GTIDs forbid: its InnoDB rows are logged and rolled back.
    pipe.run("CREATE TABLE m (id INT PRIMARY KEY) ENGINE = MyISAM")
    with contextlib.closing(server.connect(pipe.source)) as connection, connection.cursor() as cursor:
        for statement in ("BEGIN", "INSERT INTO t VALUES (-1, 0, '')", "INSERT INTO m VALUES (1)", "ROLLBACK",
                          "BEGIN", "INSERT INTO t VALUES (-2, 0, '')", "SAVEPOINT s", "INSERT INTO m VALUES (2)", "INSERT INTO t VALUES (-3, 0, '')",
                          "ROLLBACK TO s", "COMMIT"):  # fmt: skip
            cursor.execute(statement)
    changes(pipe, 50_000)
    assert pipe.equal("t") > 3000
    assert [row[0] for row in pipe.rows("t", "id", "id < 0")] == [-2]


@pytest.mark.only("mysql")
def test_passwords_over_tcp_with_and_without_tls(engine, mariadb, clickhouse):
    """caching_sha2_password: the first connection sends the password encrypted, later ones are answered from the server's cache."""
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run(TABLE)
    engine.start()
    for mode in ("disabled", "preferred", "required"):
        mariadb.run("FLUSH PRIVILEGES")
        for _ in range(2):
            result = pipe.check(url=f"{mariadb.url}&ssl-mode={mode}")
            assert ("is encrypted" in result.out) == (mode != "disabled"), result.out
    pipe.live(url=f"{mariadb.url}&ssl-mode=required")
    rows(pipe, 1, 100)
    assert pipe.equal("t") == 100


@pytest.mark.only("mysql")
def test_foreign_keys_that_cascade_are_logged(pipe):
    pipe.run("CREATE TABLE parent (id INT PRIMARY KEY, v INT)")
    pipe.run("CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE)")
    pipe.run("CREATE TABLE loose (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE SET NULL)")
    pipe.run("INSERT INTO parent SELECT seq, 0 FROM seq_1_to_50")
    pipe.run("INSERT INTO child SELECT seq, 1 + seq % 50 FROM seq_1_to_500")
    pipe.run("INSERT INTO loose SELECT seq, 1 + seq % 20 FROM seq_1_to_200")
    pipe.live()
    pipe.run("DELETE FROM parent WHERE id BETWEEN 5 AND 9")
    pipe.run("DELETE FROM loose WHERE parent > 10")
    pipe.run("UPDATE parent SET id = id + 1000 WHERE id > 40")
    assert pipe.equal("parent", "child", "loose") == 45 + 450 + 100


@pytest.mark.only("mysql")
def test_a_server_that_lost_transactions(make):
    """MySQL serves a set with transactions that it never had, without a word."""
    pipe = make()
    changes(pipe, 5000)
    pipe.caught_up()
    pipe.engine.stop()
    pipe.mariadb.run("RESET BINARY LOGS AND GTIDS")
    rows(pipe, 9000, 10)
    pipe.engine.start()
    failed = pipe.wait("Failed")
    assert "already" in failed["error"]["message"] or "rewritten" in failed["error"]["message"], failed["error"]


# Both


def test_labels_and_comments_beyond_the_basic_plane(pipe):
    pipe.run("CREATE TABLE e (id INT PRIMARY KEY, e ENUM('😀', 'b', '日本', 'x''y') NOT NULL, v VARCHAR(20) COMMENT '🐬 comment') COMMENT '🐬'")
    pipe.run("ALTER TABLE e ADD COLUMN s SET('plain', 'what?', '🐬') NOT NULL DEFAULT ''")
    pipe.run("INSERT INTO e VALUES (1, '😀', '😀', '🐬'), (2, 'b', 'b', 'what?,plain'), (3, 'x''y', '', '')")
    if pipe.mariadb.is_mysql:
        refused = pipe.check(ok=5)
        assert "GRANT CREATE TEMPORARY TABLES" in refused.out + refused.err
        pipe.mariadb.run(f"GRANT CREATE TEMPORARY TABLES ON {pipe.source}.* TO repl@'127.0.0.1'")
    pipe.live()
    pipe.run("INSERT INTO e VALUES (4, '😀', '🐬', '🐬,what?'), (5, '日本', NULL, 'plain')")
    pipe.run("UPDATE e SET e = '😀' WHERE id = 2")
    assert pipe.equal("e") == 5
    assert pipe.rows("e", "count()", "e = '😀'") == [[3]]


@pytest.fixture
def couple(own_mariadb):
    """A server, and another that replicates it by GTID and logs what it replicates."""
    own = ["--log-replica-updates=ON"] if own_mariadb.kind == "mysql" else ["--log-slave-updates=ON", "--gtid-strict-mode=ON"]
    first = own_mariadb("--server-id=11", *own)
    second = own_mariadb("--server-id=12", *own)
    # Positions in the two logs have nothing to do with each other.
    second.run("FLUSH BINARY LOGS")
    second.replicate(first)
    return first, second


def take_over(pipe, first, second):
    second.wait_replicated(first.gtids())
    first.stop()
    second.take_place_of(first)
    pipe.mariadb = second


def epochs(pipe):
    return sorted(row[0] for row in pipe.clickhouse.rows(f"SELECT DISTINCT bitShiftRight(_peerdb_version, 48) FROM {pipe.destination}.t"))


def test_another_server_takes_over(engine, couple, clickhouse):
    first, second = couple
    pipe = Pipe(engine, first, clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 2000)
    engine.start()
    pipe.live(settings=["batch_rows=500"])
    clickhouse.query(f"SYSTEM STOP MERGES {pipe.destination}.t")
    for n in range(3):
        changes(pipe, 10_000 + n * 1000)
    # What the pipe has not read yet when the first one goes is read from the second.
    engine.sluice("pause", "p", "--wait")
    changes(pipe, 20_000)
    take_over(pipe, first, second)
    engine.sluice("resume", "p")
    changes(pipe, 30_000)
    assert pipe.equal("t", seconds=120) > 3000
    assert epochs(pipe) == [1, 2]
    killed_and_started(pipe)
    changes(pipe, 40_000)
    pipe.run("UPDATE t SET n = n + 1 WHERE id < 50")
    pipe.run("UPDATE t SET n = n + 1 WHERE id < 50")
    pipe.equal("t", seconds=120)
    assert epochs(pipe) == [1, 2]
    assert "another server answers" in pipe.journal()
    assert versions_grow(pipe) >= 49


def versions_grow(pipe):
    """Of a row that was changed again and again each later image has the greater version, over all epochs."""
    images = pipe.clickhouse.rows(
        f"SELECT id, groupArray(n), groupArray(_peerdb_version) FROM (SELECT id, n, _peerdb_version FROM {pipe.destination}.t "
        "WHERE _peerdb_is_deleted = 0 ORDER BY id, _peerdb_version) GROUP BY id"
    )
    seen = [(id, numbers, versions) for id, numbers, versions in images if len(set(numbers)) > 1]
    assert seen
    for id, numbers, versions in seen:
        assert numbers == sorted(numbers) and len(set(versions)) == len(set(numbers)), (id, numbers, versions)
    return len(seen)


def in_domains(pipe, first):
    """Transactions of three domains in turns, each of which changes the same rows."""
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        for n in range(30):
            cursor.execute("SET SESSION gtid_domain_id = %s", (n % 3 * 5,))
            cursor.execute("INSERT INTO t VALUES (%s, 0, 'new')", (first + n,))
            cursor.execute("UPDATE t SET n = n + 1 WHERE id < 20")


@pytest.mark.only("mariadb", "mariadb11")
def test_another_server_takes_over_several_domains(engine, couple, clickhouse):
    """Numbers are compared within each domain; a domain may begin at the second server."""
    first, second = couple
    pipe = Pipe(engine, first, clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 500)
    engine.start()
    pipe.live()
    clickhouse.query(f"SYSTEM STOP MERGES {pipe.destination}.t")
    in_domains(pipe, 1000)
    pipe.equal("t")
    engine.sluice("pause", "p", "--wait")
    in_domains(pipe, 2000)
    take_over(pipe, first, second)
    engine.sluice("resume", "p")
    in_domains(pipe, 3000)
    with contextlib.closing(second.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION gtid_domain_id = 77")
        cursor.execute("INSERT INTO t VALUES (9000, 0, 'a domain that the first never had')")
    assert pipe.equal("t", seconds=120) == 591
    killed_and_started(pipe)
    in_domains(pipe, 4000)
    assert pipe.equal("t", seconds=120) == 621
    assert epochs(pipe) == [1, 2]
    assert versions_grow(pipe) == 19
    assert {gtid.split("-")[0] for gtid in pipe.status()["position"]["gtid"].split(",")} == {"0", "5", "10", "77"}


@pytest.mark.only("mariadb11")
def test_a_newer_server_takes_over(engine, folder, own_mariadb, clickhouse):
    """MariaDB 10.11, which this machine has, is replaced by the newer one: positions within transactions are no longer told."""
    with MariaDB(folder / "older", "--server-id=11", "--log-slave-updates=ON") as first:
        second = own_mariadb("--server-id=12", "--log-slave-updates=ON")
        second.run("FLUSH BINARY LOGS")
        second.replicate(first)
        pipe = Pipe(engine, first, clickhouse)
        pipe.run(TABLE)
        rows(pipe, 1, 2000)
        engine.start()
        pipe.live(settings=["batch_rows=500"])
        clickhouse.query(f"SYSTEM STOP MERGES {pipe.destination}.t")
        changes(pipe, 10_000)
        pipe.run("UPDATE t SET n = 1 WHERE id < 50")
        engine.sluice("pause", "p", "--wait")
        changes(pipe, 20_000)
        take_over(pipe, first, second)
        engine.sluice("resume", "p")
        changes(pipe, 30_000)
        pipe.run("UPDATE t SET n = 2 WHERE id < 50")
        assert pipe.equal("t", seconds=120) > 2000
        killed_and_started(pipe)
        changes(pipe, 40_000)
        pipe.equal("t", seconds=120)
        assert epochs(pipe) == [1, 2]
        assert versions_grow(pipe) >= 49


def test_the_first_server_dies_while_the_pipe_reads(engine, couple, clickhouse):
    """Without a pause, during the snapshot or the stream: readers and stream wait, and go on at the second."""
    first, second = couple
    pipe = Pipe(engine, first, clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 100_000)
    engine.start()
    pipe.create(settings=["readers=1", "batch_rows=2000"])
    wait_until(lambda: (pipe.table("t")["rows_done"] or 0) > 0, 30 * PATIENCE, "loading begins", 0.02)
    changes(pipe, 200_000)
    take_over(pipe, first, second)
    changes(pipe, 210_000)
    pipe.wait("Running", seconds=120)
    assert pipe.equal("t", seconds=120) > 100_000


@pytest.mark.rule("failover-needs-our-transactions")
def test_a_server_that_lacks_transactions_is_refused(engine, couple, clickhouse, trap):
    first, second = couple
    pipe = Pipe(engine, first, clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 100)
    second.wait_replicated(first.gtids())
    second.run("STOP REPLICA" if second.is_mysql else "STOP SLAVE")
    engine.start()
    pipe.live()
    rows(pipe, 1000, 100)
    pipe.caught_up()
    engine.stop()
    first.stop()
    second.take_place_of(first)
    assert second.run("SELECT COUNT(*) FROM t", database=pipe.source) == ((100,),) and pipe.rows("t", "count()") == [[200]]
    trap("the server that answers at the address now has not what was replicated already: no event will ever take it back")
    engine.start()
    failed = pipe.wait("Failed", seconds=90)
    assert "has not the transactions" in failed["error"]["message"], failed["error"]
    # Nothing was touched, and it goes on when the first one is back.
    second.stop()
    first.start()
    engine.sluice("retry", "p", "--wait")
    pipe.wait("Running")
    rows(pipe, 2000, 100)
    assert pipe.equal("t") == 300
    assert epochs(pipe) == [1]
