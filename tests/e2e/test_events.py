"""Every kind of event that servers write, on every kind of server: what is in it arrives, or what cannot be followed is said."""

import contextlib

import pymysql
import pytest
from harness.engine import PATIENCE
from harness.injector import Injector
from harness.log import logged, rows_in, statements_in
from harness.pipe import Pipe
from harness.process import wait_until

pytestmark = pytest.mark.servers

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(200))"
IGNORABLE = 0x80
INCIDENT = 26


def rows(pipe, first, count, table="t"):
    pipe.run(f"INSERT INTO {table} SELECT seq, 0, REPEAT('v', seq % 150) FROM seq_{first}_to_{first + count - 1}")


@contextlib.contextmanager
def session(pipe, *settings, **options):
    """A cursor on a session of its own, with settings: "binlog_format = 'STATEMENT'"."""
    with contextlib.closing(pipe.mariadb.connect(pipe.source, **options)) as connection, connection.cursor() as cursor:
        for setting in settings:
            cursor.execute(f"SET SESSION {setting}")
        yield cursor


def run(cursor, *statements):
    for statement in statements:
        cursor.execute(statement)


def change(cursor, first, table="t"):
    """All kinds of changes of rows from `first` on, of which there are 300."""
    run(cursor, "BEGIN", f"UPDATE {table} SET n = n + 1, v = 'changed' WHERE id BETWEEN {first} AND {first + 99}",
        f"DELETE FROM {table} WHERE id = {first + 100}", f"UPDATE {table} SET id = id + 1000000 WHERE id = {first + 101}", "COMMIT",
        "BEGIN", f"DELETE FROM {table} WHERE id BETWEEN {first} AND {first + 299}", "ROLLBACK",
        f"INSERT INTO {table} VALUES ({first + 100}, 7, NULL) ON DUPLICATE KEY UPDATE n = 8",
        f"REPLACE INTO {table} VALUES ({first + 102}, 9, 'replaced')")  # fmt: skip


def table_failed(pipe, name, *words, seconds=60):
    found = wait_until(
        lambda: (t := pipe.table(name))["state"] == "failed" and t, seconds * PATIENCE, lambda: f"failed: {pipe.engine.describe('p')}"
    )
    assert all(word in found["error"]["message"] for word in words) and found["error"]["remedies"], found["error"]
    return found["error"]


def restart(pipe):
    pipe.engine.kill()
    pipe.engine.start()


@pytest.fixture
def two(pipe):
    """The table t of 1000 rows, and one that goes on when something is wrong with t."""
    pipe.run(TABLE)
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(200))")
    rows(pipe, 1, 1000)
    return pipe.live()


def good_goes_on(pipe):
    assert pipe.status()["state"] == "Running"
    before = pipe.equal("good")
    rows(pipe, 100_000 + before, 10, "good")
    assert pipe.equal("good") == before + 10


# Rows


def test_engines(pipe):
    """Those without transactions end their groups with COMMIT as a statement, or with nothing."""
    engines = ["InnoDB", "MyISAM"] if pipe.mariadb.is_mysql else ["InnoDB", "MyISAM", "Aria"]
    for name in engines:
        pipe.run(TABLE.replace("TABLE t ", f"TABLE {name} ") + f" ENGINE = {name}")
        rows(pipe, 1, 1000, name)
    pipe.live()
    for n in range(3):
        with session(pipe) as cursor:
            for name in engines:
                change(cursor, 1 + n * 300, name)
        restart(pipe)
    for name in engines:
        rows(pipe, 5000, 300, name)
        # What stands before a ROLLBACK is gone from those without transactions: of each 300 all but what came after.
        assert pipe.equal(name) == (1300 if name == "InnoDB" else 100 + 3 * 3 + 300)
        assert pipe.table(name)["state"] == "live"


def test_savepoints(two):
    with session(two) as cursor:
        run(cursor, "BEGIN", "INSERT INTO t VALUES (2001, 2, '')", "SAVEPOINT a", "INSERT INTO t VALUES (2002, 3, '')", "SAVEPOINT b",
            "INSERT INTO t VALUES (2003, 4, '')", "ROLLBACK TO b", "INSERT INTO t VALUES (2004, 5, '')", "RELEASE SAVEPOINT a", "COMMIT",
            "BEGIN", "SAVEPOINT a", "UPDATE t SET n = 99", "ROLLBACK TO a", "COMMIT",
            "BEGIN", "DELETE FROM t WHERE id < 10", "SAVEPOINT s", "DELETE FROM t", "ROLLBACK TO s", "UPDATE t SET v = 'kept' WHERE id = 11", "COMMIT")  # fmt: skip
    assert two.equal("t") == 994
    assert [row[0] for row in sorted(two.rows("t", "id", "id > 2000"))] == [2001, 2002, 2004]


def test_partitions(pipe):
    """MySQL adds the numbers of the partitions to the events."""
    parts = "PARTITION BY LIST (region) (PARTITION a VALUES IN (1, 2), PARTITION b VALUES IN (3), PARTITION c VALUES IN (4, 5))"
    pipe.run(f"CREATE TABLE p (id INT, region INT, v VARCHAR(20), PRIMARY KEY (id, region)) {parts}")
    pipe.run("INSERT INTO p SELECT seq, 1 + seq % 5, 'first' FROM seq_1_to_500")
    pipe.live()
    pipe.run("INSERT INTO p SELECT seq, 1 + seq % 5, 'second' FROM seq_501_to_1000")
    pipe.run("UPDATE p SET v = 'same partition' WHERE id % 3 = 0")
    pipe.run("UPDATE p SET region = 1 + region % 5, v = 'another partition' WHERE id % 7 = 0")
    pipe.run("DELETE FROM p WHERE id % 11 = 0")
    assert pipe.equal("p") == 910


def length_of_an_update(pipe, image):
    with session(pipe, f"binlog_row_image = '{image}'") as cursor:
        cursor.execute("REPLACE INTO elsewhere VALUES (1, 1, 1, 1)")
        with logged(pipe.mariadb) as events:
            cursor.execute("UPDATE elsewhere SET a = a + 1")
    (length,) = [event.length for event in events if event.has_rows]
    return length


@pytest.mark.parametrize("image", [pytest.param("MINIMAL", marks=pytest.mark.rule("row-image-is-full")), "NOBLOB"])
def test_a_session_logs_half_rows(two, image, trap):
    """What is missing is never guessed: not with rows before it in the same transaction, and not by a rest of another row."""
    two.run("CREATE TABLE elsewhere (id INT PRIMARY KEY, a INT, b INT, c INT)")
    if image == "MINIMAL":
        # Of two images of four columns there are the key and what changed.
        assert length_of_an_update(two, "FULL") - length_of_an_update(two, image) >= 2 * 3 * 4 - 4
        trap("a session says by itself that its rows in the log lack what was not changed")
    two.run("DROP TABLE elsewhere")
    with session(two, f"binlog_row_image = '{image}'") as cursor:
        run(cursor, "INSERT INTO good VALUES (1, 1, 'complete')")
        two.equal("good")
        run(cursor, "CREATE TABLE elsewhere (id INT PRIMARY KEY, b BLOB, n INT)", "INSERT INTO elsewhere VALUES (1, 'blob', 1)", "UPDATE elsewhere SET n = 2")
        assert two.equal("good", "t") == 1001, "a table that is not followed is nobody's fault"
        if image == "NOBLOB":  # a row without a blob is whole
            run(cursor, "UPDATE t SET n = 5 WHERE id = 1")
            assert two.equal("t", "good") == 1001
            return
        run(cursor, "BEGIN", "UPDATE good SET id = 2", "UPDATE t SET n = 5 WHERE id = 1", "COMMIT")
    table_failed(two, "t", "binlog_row_image")
    assert two.rows("t", "n", "id = 1") == [[0]]


def test_a_blob_is_left_out_of_the_log(pipe):
    pipe.run("CREATE TABLE b (id INT PRIMARY KEY, n INT, x TEXT)")
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(200))")
    pipe.run("INSERT INTO b VALUES (1, 1, 'text')")
    pipe.live()
    with session(pipe, "binlog_row_image = 'NOBLOB'") as cursor:
        run(cursor, "INSERT INTO b VALUES (2, 2, 'whole')")
        assert pipe.equal("b") == 2
        run(cursor, "UPDATE b SET n = 3 WHERE id = 1")
    table_failed(pipe, "b", "binlog_row_image")
    assert sorted(pipe.rows("b", "id, n, x")) == [[1, 1, "text"], [2, 2, "whole"]]
    good_goes_on(pipe)


def test_preflight_refuses_half_rows(pipe):
    pipe.run(TABLE)
    old = pipe.mariadb.run("SELECT @@GLOBAL.binlog_row_image")[0][0]
    for image in ("MINIMAL", "NOBLOB"):
        pipe.mariadb.run(f"SET GLOBAL binlog_row_image = '{image}'")
        try:
            result = pipe.check(ok=5)
        finally:
            pipe.mariadb.run(f"SET GLOBAL binlog_row_image = '{old}'")
        assert "binlog_row_image" in result.out + result.err and image in result.out + result.err


def test_load_data(two, folder):
    """Rows of a file, as rows; and as a statement, with the file's parts in the log before it."""
    file = folder / "rows.tsv"
    file.write_text("".join(f"{n}\t{n % 7}\tloaded\n" for n in range(5001, 15_001)))
    refused = folder / "refused.tsv"
    refused.write_text("1\t1\ttwice\n" * 10_000)
    with session(two, local_infile=True) as cursor:
        local = two.mariadb.run("SELECT @@GLOBAL.local_infile")[0][0]
        two.mariadb.run("SET GLOBAL local_infile = 1")
        try:
            run(cursor, f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE t", f"LOAD DATA LOCAL INFILE '{file}' REPLACE INTO TABLE t SET v = 'again'")
            assert two.equal("t") == 11_000
            run(cursor, "SET SESSION binlog_format = 'STATEMENT'", "CREATE TABLE elsewhere (id INT PRIMARY KEY, n INT, v VARCHAR(9))")
            with contextlib.suppress(pymysql.err.IntegrityError):
                run(cursor, f"LOAD DATA INFILE '{refused}' INTO TABLE elsewhere")
            assert two.equal("t") == 11_000, "nobody's fault"
            run(cursor, f"LOAD DATA LOCAL INFILE '{file}' REPLACE INTO TABLE t")
        finally:
            two.mariadb.run(f"SET GLOBAL local_infile = {local}")
    table_failed(two, "t", "logged as text")
    assert two.rows("t", "count()", "v = 'again'") == [[10_000]]
    good_goes_on(two)


@pytest.mark.rule("rows-change-without-events")
def test_statements_logged_as_text(pipe, trap):
    """A session that may, sets binlog_format: its rows are in no event."""
    statements = [
        "INSERT INTO {t} VALUES (5000, 1, 'x')",
        "UPDATE {t}, (SELECT 1 AS one) AS d SET n = 5 WHERE id = 7",
        "DELETE FROM {t} WHERE id = 8",
        "REPLACE INTO {t} SELECT id, 1, @v := 'y' FROM {t} AS o WHERE id < 3",
        "CALL changes()",
    ]
    tables = [f"t{n}" for n in range(len(statements))]
    for name in (*tables, "good"):
        pipe.run(TABLE.replace("TABLE t ", f"TABLE {name} "))
        rows(pipe, 1, 10, name)
    pipe.run(f"CREATE PROCEDURE changes() MODIFIES SQL DATA UPDATE {tables[-1]} SET n = 6 WHERE id = 9")
    pipe.live()
    for name, statement in zip(tables, statements):
        assert pipe.equal(name) == 10
        before = pipe.run(f"SELECT * FROM {name} ORDER BY id")
        with session(pipe, "binlog_format = 'STATEMENT'") as cursor, logged(pipe.mariadb) as events:
            run(cursor, "SET @v = 'u'", statement.format(t=name))
        assert pipe.run(f"SELECT * FROM {name} ORDER BY id") != before and rows_in(events) == [] and len(statements_in(events)) == 1
        table_failed(pipe, name, "logged as text")
        assert pipe.rows(name, "count()", "n = 0") == [[10]]
    trap("a session in STATEMENT format changes rows, and the log has its text alone")
    good_goes_on(pipe)


def test_texts_of_statements_beside_the_rows(two):
    """ANNOTATE_ROWS and ROWS_QUERY."""
    name = "binlog_rows_query_log_events" if two.mariadb.is_mysql else "binlog_annotate_row_events"
    for n, on in enumerate(("ON", "OFF", "ON")):
        with session(two, f"{name} = {on}") as cursor:
            change(cursor, 1 + n * 300)
            run(cursor, "UPDATE /* DROP TABLE t; */ t SET v = 'INSERT INTO good VALUES (1)' WHERE id = 950")
        restart(two)
    assert two.equal("t", "good") == 1000
    assert two.table("t")["state"] == "live"


def test_statements_of_clients_with_other_character_sets(pipe):
    """A statement stands in the log as its client wrote it: the second byte of a character may be a backslash or a backquote."""
    # sjis 955C 8D5C, gbk 815C 8160; é is one byte in latin1
    names = {"latin1": "tablé", "sjis": "表構", "gbk": "乗乣", "cp1251": "таблица", "utf8mb3": "tablö"}
    if pipe.mariadb.is_mysql:
        names["gb18030"] = "乗乣 2"
    for name in (*names.values(), "good"):
        pipe.run(TABLE.replace("TABLE t ", f"TABLE `{name}` "))
        pipe.run(f"INSERT INTO `{name}` VALUES (1, 1, 'x')")
    pipe.live()
    for charset, name in names.items():
        with session(pipe) as cursor:
            cursor.execute(f"SET NAMES {charset}")
            cursor.connection.encoding = {"utf8mb3": "utf8", "latin1": "cp1252"}.get(charset, charset)
            run(cursor, f"UPDATE `{name}` SET v = '{name}'", f"CREATE TABLE made (id INT COMMENT '{name}')", f"DROP TABLE /* {name} */ made",
                f"ALTER TABLE `{name}` COMMENT '{name}'")  # fmt: skip
            assert pipe.equal(name) == 1
            assert pipe.rows(f"`{name}`", "v") == [[name]]
            run(cursor, f"ALTER TABLE `{name}` COMMENT '{name}', ADD COLUMN w INT DEFAULT 7")
        assert pipe.equal(name) == 1
        assert pipe.rows(f"`{name}`", "w") == [[7]]
    good_goes_on(pipe)


# Compressed


@pytest.mark.only("mysql")
def test_sessions_compress_their_transactions(two):
    """In turns with others, so that a transaction of one form follows the other."""
    with session(two, "binlog_transaction_compression = ON") as packed, session(two) as plain:
        for n in range(3):
            change(packed, 1 + n * 300)
            change(plain, 1 + n * 300)
            packed.execute(f"INSERT INTO t SELECT seq + {2000 + n * 10_000}, 1, REPEAT('x', 100) FROM seq_1_to_5000")
            if n == 1:
                restart(two)
            plain.execute(f"UPDATE t SET n = n + 1 WHERE id > {2000 + n * 10_000}")
            packed.execute("SET SESSION binlog_transaction_compression = %s", ("ON" if n else "OFF",))
    assert two.equal("t") == 16_000


@pytest.mark.only("mysql")
@pytest.mark.parametrize("packed", ["OFF", "ON"])
def test_changes_of_documents(pipe, packed):
    """PARTIAL_UPDATE_ROWS hold what changed of a document; rows of the same event may hold it whole."""
    pipe.run("CREATE TABLE j (id INT PRIMARY KEY, d JSON, other JSON, v INT)")
    document = "JSON_OBJECT('a', seq, 'long', REPEAT('x', 300), 'list', JSON_ARRAY(1, 2, JSON_OBJECT('deep', 'é')), 'gone', TRUE)"
    pipe.run(f"INSERT INTO j SELECT seq, {document}, IF(seq % 3, {document}, NULL), 0 FROM seq_1_to_300")
    pipe.live()
    with session(pipe, "binlog_row_value_options = 'PARTIAL_JSON'", f"binlog_transaction_compression = {packed}") as cursor:
        run(cursor, "UPDATE j SET d = JSON_SET(d, '$.a', 'text', '$.list[2].deep', 1.5, '$.new', CAST('2024-01-02 03:04:05.678' AS DATETIME(3)))",
            "UPDATE j SET d = JSON_REMOVE(d, '$.gone', '$.list[0]'), other = JSON_REPLACE(other, '$.a', NULL) WHERE id % 2 = 0",
            "UPDATE j SET v = v + 1, id = id + 1000 WHERE id % 5 = 0",
            "UPDATE j SET other = JSON_OBJECT('whole', id), d = JSON_ARRAY_INSERT(d, '$.list[0]', 'first') WHERE id % 7 = 0")  # fmt: skip
    pipe.caught_up()
    ours = {row[0]: row[1:] for row in pipe.run("SELECT id, CAST(d AS CHAR), CAST(other AS CHAR), v FROM j")}
    theirs = {row[0]: tuple(row[1:]) for row in pipe.rows("j", "id, d, other, v")}
    assert ours == theirs and len(ours) == 300
    assert pipe.table("j")["state"] == "live"


@pytest.mark.only("mariadb", "mariadb11")
def test_the_server_begins_to_compress_its_log(engine, own_mariadb, clickhouse):
    """Events larger than the least size are compressed from then on, by each session that begins, until it is off again."""
    pipe = Pipe(engine, own_mariadb("--log-bin-compress-min-len=10"), clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 1000)
    engine.start()
    pipe.live()
    for n, on in enumerate(("ON", "OFF", "ON")):
        pipe.mariadb.run(f"SET GLOBAL log_bin_compress = {on}")
        with session(pipe) as cursor:
            change(cursor, 1 + n * 300)
            run(cursor, f"INSERT INTO t SELECT seq + {n * 10_000}, 0, REPEAT('abc', 50) FROM seq_2001_to_7000",
                "CREATE TABLE long_text (id INT) COMMENT 'a statement that is long enough to be compressed as well, however little'", "DROP TABLE long_text")  # fmt: skip
        restart(pipe)
    assert pipe.equal("t") == 16_000


# Large


def test_rows_of_sixty_megabytes(engine, own_mariadb, clickhouse):
    """By snapshot and by binlog: more than a packet of 16 MiB, in two images of an update, and more than a batch."""
    pipe = Pipe(engine, own_mariadb("--max-allowed-packet=256M"), clickhouse)
    pipe.run("CREATE TABLE big (id INT PRIMARY KEY, b LONGBLOB, n INT)")

    def fill(number, megabytes):
        pipe.run(f"INSERT INTO big VALUES ({number}, REPEAT(UNHEX(SHA2('{number}', 256)), {megabytes} * 32768), 0)")

    fill(1, 60)
    fill(2, 16)
    pipe.run("INSERT INTO big VALUES (3, 'small', 0)")
    engine.start()
    pipe.live()
    fill(4, 60)
    fill(5, 16)
    pipe.run("UPDATE big SET n = 1, b = CONCAT(b, '!') WHERE id IN (1, 5)")
    pipe.run("UPDATE big SET id = 6 WHERE id = 2")
    pipe.caught_up(120)
    ours = pipe.run("SELECT id, SHA2(b, 256), LENGTH(b), n FROM big")
    theirs = pipe.rows("big", "id, lower(hex(SHA256(assumeNotNull(b)))), length(b), n")
    assert sorted(tuple(row) for row in theirs) == sorted(ours) and len(ours) == 5
    status = pipe.status()
    assert status["state"] == "Running" and status["stalled"] is None


# What the server says of its log


@pytest.mark.rule("checksums-change-at-rotation")
def test_checksums_are_switched(engine, own_mariadb, clickhouse, trap):
    """Each switch begins a new file; the first one is read with, then without, then with them again."""
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    pipe.run(TABLE)
    engine.start()
    pipe.live()
    lengths = []
    for n, checksum in enumerate(("NONE", "CRC32", "NONE")):
        _, before = pipe.mariadb.end_of_log()
        pipe.run("INSERT INTO t VALUES (90000, 1, 'the same')")
        lengths.append(pipe.mariadb.end_of_log()[1] - before)
        pipe.run("DELETE FROM t WHERE id = 90000")
        rows(pipe, 1 + n * 1000, 300)
        pipe.mariadb.run(f"SET GLOBAL binlog_checksum = {checksum}")
        rows(pipe, 500 + n * 1000, 300)
        with session(pipe) as cursor:
            change(cursor, 1 + n * 1000)
        if n:
            restart(pipe)
    assert lengths[0] == lengths[2] > lengths[1] > 0, lengths
    trap("the same change is shorter in the next file, and longer again in the one after it")
    assert pipe.equal("t") == 1800


@pytest.mark.only("mariadb", "mariadb11")
def test_changes_are_missing_from_the_log(engine, own_mariadb, clickhouse):
    """A statement on a table without transactions that is too large for its cache: the server writes an INCIDENT."""
    pipe = Pipe(engine, own_mariadb("--max-binlog-stmt-cache-size=4096", "--binlog-stmt-cache-size=4096"), clickhouse)
    pipe.run("CREATE TABLE m (id INT PRIMARY KEY, v VARCHAR(200)) ENGINE = MyISAM")
    engine.start()
    pipe.live()
    pipe.run("INSERT INTO m VALUES (1, 'before')")
    pipe.equal("m")
    with contextlib.suppress(Exception):
        pipe.run("INSERT INTO m SELECT seq, REPEAT('x', 200) FROM seq_2_to_1000")
    assert len(pipe.run("SELECT id FROM m")) > 1, "the rows are there, and in no log"
    status = pipe.wait("Failed")
    assert "INCIDENT" in status["error"]["message"] and status["error"]["remedies"]
    # Tried again it says the same, and does not pretend.
    engine.sluice("retry", "p", "--wait", ok=None)
    assert "INCIDENT" in pipe.wait("Failed")["error"]["message"]
    assert pipe.rows("m", "id") == [[1]]


@pytest.fixture
def injected(engine, mariadb, clickhouse):
    """A pipe on a line where events can be put into the log."""
    with Injector(mariadb.port) as injector:
        pipe = Pipe(engine, mariadb, clickhouse)
        pipe.run(TABLE)
        rows(pipe, 1, 100)
        engine.start()
        pipe.live(url=f"mysql://repl@127.0.0.1:{injector.port}/?password-file={mariadb.password_file}&ssl-mode=disabled")
        yield pipe, injector


def test_what_stands_between_transactions_moves_the_place(injected):
    """MariaDB's BINLOG_CHECKPOINT comes when the storage engines have caught up with the file before, on an idle server as well."""
    pipe, injector = injected
    pipe.caught_up()
    file, end = pipe.mariadb.end_of_log()
    name = file.encode()
    length = 19 + 4 + len(name) + 4
    wait_until(lambda: pipe.status()["position"]["pos"] == end, 60 * PATIENCE, pipe.status)
    injector.inject(161, len(name).to_bytes(4, "little") + name, position=end + length)
    wait_until(lambda: pipe.status()["position"]["pos"] == end + length, 60 * PATIENCE, pipe.status)


def test_events_that_are_not_known(injected):
    """Skipped when the server says that they may be, else nothing goes on; and an incident."""
    pipe, injector = injected
    kinds = [0, 12, 28, 99, 155, 172, 254]
    for kind in kinds:
        injector.inject(kind, b"any\xffthing", IGNORABLE)
    wait_until(lambda: injector.sent == kinds, 20 * PATIENCE, "they were sent")
    rows(pipe, 1000, 10)
    assert pipe.equal("t") == 110
    for n, kind in enumerate((*kinds, INCIDENT)):
        rows(pipe, 2000 + n, 1)
        pipe.caught_up()  # it reads what is new: what stood there before is only compared
        injector.inject(kind, b"\x01\x00\x04lost")
        error = pipe.wait("Failed")["error"]
        assert (f"unknown type {kind} " if kind != INCIDENT else "INCIDENT") in error["message"], error
        assert any("resync" in remedy for remedy in error["remedies"]), error
        pipe.engine.sluice("retry", "p", "--wait")
    assert pipe.equal("t") == 118
