"""Schema changes in stream order: what each statement does at the destination, to old rows and to new ones."""

import contextlib
import itertools
import random
import subprocess
import threading
import time

import pymysql
import pytest
from harness.clickhouse import ClickHouseError
from harness.compare import destination_rows, source_rows
from harness.engine import PATIENCE
from harness.log import logged, rows_in, statements_in
from harness.pipe import Pipe
from harness.process import unread, wait_until
from harness.storm import Storm

pytestmark = pytest.mark.flavours

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20) NOT NULL DEFAULT 'b', c DECIMAL(10,2))"


def same(pipe, table="t", seconds=60):
    """Both ends by the source's columns; the destination may have more, which were dropped at the source. The rows by key."""
    pipe.caught_up(seconds)
    assert pipe.table(table)["state"] == "live", pipe.table(table)
    names, forms, key, ours = source_rows(pipe.mariadb, pipe.source, table)
    theirs = destination_rows(pipe.clickhouse, pipe.destination, table, names, forms, key)
    wrong = [(k, name, mine, its) for k in sorted(ours.keys() | theirs.keys()) for name, mine, its in zip(names, ours.get(k, [None] * 99), theirs.get(k, [None] * 99))
             if mine != its or (k in ours) != (k in theirs)]  # fmt: skip
    assert not wrong, f"key, column, source, destination: {wrong[:20]}"
    return ours


def ordered(pipe, what, where="1", table="t"):
    return sorted(pipe.rows(table, what, where))


def columns(pipe, table="t"):
    return dict(pipe.clickhouse.rows(f"SELECT name, type FROM system.columns WHERE database = '{pipe.destination}' AND table = '{table}'"))


def fails(pipe, what, table="t"):
    """The table fails with that reason, and the pipe goes on."""
    failed = wait_until(lambda: pipe.table(table)["state"] == "failed" and pipe.table(table), 30 * PATIENCE, f"{table} fails")
    assert what in failed["error"]["message"], failed["error"]
    assert pipe.status()["state"] == "Running"
    return failed


@pytest.fixture
def made(pipe):
    """A pipe on a table with some rows, followed."""

    def make(create=TABLE, rows="INSERT INTO t (id, a, c) VALUES (1, 10, 1.5), (2, NULL, NULL), (3, 30, -2.25)", **options):
        pipe.run(create)
        pipe.run(rows)
        settings = [setting.format(source=pipe.source) for setting in options.pop("settings", ())]
        return pipe.live(settings=settings, **options)

    return make


@pytest.mark.servers
def test_add_columns(made):
    """Old rows show what the source gives them, wherever the column stands and however it is written."""
    pipe = made()
    for n, definition in enumerate((
        "INT", "INT NOT NULL", "INT DEFAULT -7", "INT NOT NULL DEFAULT '12'", "BIGINT UNSIGNED DEFAULT 18446744073709551615", "TINYINT(1) DEFAULT TRUE",
        "BIT(12) DEFAULT b'101'", "DECIMAL(20,5) DEFAULT -1.5", "DECIMAL(20,5) NOT NULL", "FLOAT DEFAULT 0.1", "DOUBLE NOT NULL DEFAULT 1e-5", "YEAR DEFAULT 2024",
        "YEAR NOT NULL", "DATE DEFAULT '2024-02-29'", "DATE NOT NULL DEFAULT '1999-01-01'", "DATETIME(3) DEFAULT '2024-02-29 12:34:56.789'",
        "DATETIME DEFAULT CURRENT_TIMESTAMP", "DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)", "TIMESTAMP(2) NOT NULL DEFAULT NOW(2)", "TIMESTAMP NULL",
        "TIMESTAMP NOT NULL DEFAULT '2024-02-03 04:05:06'", "TIME(2) DEFAULT '-12:30:00.25'", "TIME NOT NULL", "CHAR(5) NOT NULL DEFAULT 'x  '",
        "VARCHAR(30) DEFAULT 'it''s \\\\ \"quoted\" ü \\n'", "VARCHAR(30) NOT NULL", "VARCHAR(9) CHARACTER SET latin1 DEFAULT 'é'", "TEXT", "VARBINARY(9) DEFAULT x'00FF41'",
        "BINARY(4) NOT NULL DEFAULT 'ab'", "BINARY(3) NOT NULL", "BLOB", "ENUM('one','two') NOT NULL", "ENUM('one','two') DEFAULT 'TWO'", "SET('p','q','r') DEFAULT 'r,p'",
        "SET('p','q') NOT NULL", "VARCHAR(9) DEFAULT 5", "INT DEFAULT (3)", "VARCHAR(5) DEFAULT ('abc')",
    )):  # fmt: skip
        place = ("", " FIRST", " AFTER a", "")[n % 4]
        pipe.run(f"ALTER TABLE t ADD COLUMN x{n} {definition}{place}")
        pipe.run("INSERT INTO t (id) VALUES (%s)", 100 + n)
    rows = same(pipe)
    assert len(rows) == 42
    assert not pipe.table("t")["resync_advised"], pipe.journal()
    pipe.run("ALTER TABLE t ADD (y1 INT DEFAULT 1, y2 INT DEFAULT 2), ADD z INT DEFAULT 3 AFTER y1, ALGORITHM=COPY")
    pipe.run("UPDATE t SET y1 = 5, z = NULL WHERE id = 2")
    same(pipe)


@pytest.mark.servers
def test_zones_of_defaults(made):
    pipe = made()
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        for n, zone in enumerate(("+05:30", "-03:00", "SYSTEM")):
            cursor.execute("SET time_zone = %s", (zone,))
            cursor.execute(f"ALTER TABLE t ADD d{n} DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6), ADD s{n} TIMESTAMP NULL DEFAULT '2024-05-06 07:08:09'")
            cursor.execute("INSERT INTO t (id) VALUES (%s)", (10 + n,))
    same(pipe)
    assert not pipe.table("t")["resync_advised"]


def test_zone_with_summer_time(made):
    """A zone is not as far from UTC at a moment that the statement writes as it is when the statement runs."""
    pipe = made()
    zone = f"Test/{pipe.source}"
    with contextlib.closing(pipe.mariadb.connect("mysql")) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_log_bin = 0")
        cursor.execute("INSERT INTO time_zone (Use_leap_seconds) VALUES ('N')")
        number = cursor.lastrowid
        cursor.execute("INSERT INTO time_zone_name VALUES (%s, %s)", (zone, number))
        cursor.execute("INSERT INTO time_zone_transition_type VALUES (%s, 0, 3600, 0, 'CET'), (%s, 1, 7200, 1, 'CEST')", (number, number))
        cursor.execute("INSERT INTO time_zone_transition VALUES (%s, 0, 0), (%s, 1711846800, 1), (%s, 1729990800, 0)", (number, number, number))
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = %s", (zone,))
        cursor.execute("ALTER TABLE t ADD winter TIMESTAMP NULL DEFAULT '2024-01-01 12:00:00'")
        cursor.execute("INSERT INTO t (id) VALUES (10)")
        assert same(pipe) and not pipe.table("t")["resync_advised"]
        cursor.execute("ALTER TABLE t ADD summer TIMESTAMP NULL DEFAULT '2024-07-01 12:00:00'")
        cursor.execute("INSERT INTO t (id) VALUES (11)")
    pipe.caught_up()
    assert pipe.table("t")["resync_advised"] and pipe.table("t")["state"] == "live"
    assert ordered(pipe, "id, summer", "id IN (1, 11)") == [[1, None], [11, "2024-07-01 10:00:00.000000"]]


def test_defaults_that_differ(made):
    """Row by row: the column is there, and a resync advised."""
    pipe = made()
    pipe.run("ALTER TABLE t ADD u VARCHAR(36) DEFAULT (CONCAT(id, '-', b))")
    pipe.run("INSERT INTO t (id) VALUES (9)")
    pipe.caught_up()
    wait_until(lambda: pipe.table("t")["resync_advised"], 20 * PATIENCE, "a resync is advised")
    assert pipe.table("t")["state"] == "live"
    assert pipe.rows("t", "u", "id = 9") == [[pipe.run("SELECT u FROM t WHERE id = 9")[0][0]]]


@pytest.mark.rule("column-dropped-and-added")
def test_drop_and_add_again(made, trap):
    """The destination keeps what was dropped; one of the same name later is another column."""
    pipe = made()
    pipe.run("ALTER TABLE t DROP COLUMN a")
    pipe.run("INSERT INTO t (id) VALUES (4)")
    same(pipe)
    assert ordered(pipe, "id, a") == [[1, 10], [2, None], [3, 30], [4, None]]
    trap("the destination still has the values of the column that was dropped: one of that name would show them")
    pipe.run("ALTER TABLE t ADD a VARCHAR(9) DEFAULT 'new'")
    pipe.run("INSERT INTO t (id, a) VALUES (5, 'x')")
    same(pipe)
    assert ordered(pipe, "id, a__dropped_1", "id < 4") == [[1, 10], [2, None], [3, 30]]
    pipe.run("ALTER TABLE t DROP a, ADD a DATE DEFAULT '2024-01-01' FIRST")
    pipe.run("INSERT INTO t (id) VALUES (6)")
    same(pipe)
    assert {"a", "a__dropped_1", "a__dropped_2"} <= columns(pipe).keys()
    pipe.run("ALTER TABLE t DROP a, RENAME COLUMN b TO a")
    pipe.run("INSERT INTO t (id) VALUES (7)")
    same(pipe)
    assert "a__dropped_3" in columns(pipe)


def test_rename_columns(made):
    pipe = made()
    pipe.run("ALTER TABLE t RENAME COLUMN a TO n")
    pipe.run("INSERT INTO t (id, n) VALUES (4, 40)")
    same(pipe)
    pipe.run("ALTER TABLE t CHANGE n `odd ``name` INT, ADD n INT DEFAULT 4")
    pipe.run("INSERT INTO t (id) VALUES (5)")
    same(pipe)
    assert "a" not in columns(pipe)


@pytest.mark.rule("rename-columns")
def test_columns_change_names(made, trap):
    """Two, and three in a circle."""
    pipe = made("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, c INT, d INT)", "INSERT INTO t VALUES (1, 1, 2, 3, 4), (2, 10, 20, 30, 40)")
    with pytest.raises(ClickHouseError, match="already exists|DUPLICATE_COLUMN"):
        pipe.clickhouse.query(f"ALTER TABLE {pipe.destination}.t RENAME COLUMN a TO b")
    trap("ClickHouse refuses to rename a to b while b is there: one after the other, names are not swapped")
    pipe.run("ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a")
    pipe.run("INSERT INTO t (id, a, b) VALUES (3, 5, 6)")
    same(pipe)
    pipe.run("ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO c, RENAME COLUMN c TO a, CHANGE d e BIGINT")
    pipe.run("INSERT INTO t (id, a, b, e) VALUES (4, 7, 8, 5000000000)")
    rows = same(pipe)
    assert rows[(1,)] == (1, 3, 1, 2, 4) or rows[(1,)] == tuple(pipe.run("SELECT * FROM t WHERE id = 1")[0])


def test_rename_keeps_both(made):
    pipe = made(settings=["rename_column=both"])
    pipe.run("ALTER TABLE t RENAME COLUMN a TO n")
    pipe.run("INSERT INTO t (id, n) VALUES (4, 40)")
    same(pipe)
    assert ordered(pipe, "id, a, n") == [[1, 10, 10], [2, None, None], [3, 30, 30], [4, 40, 40]]
    pipe.run("ALTER TABLE t ADD a INT DEFAULT 5")
    same(pipe)


WIDENED = [
    ("TINYINT", "SMALLINT", "1", "300"), ("INT", "BIGINT", "5", "5000000000"), ("INT UNSIGNED", "BIGINT", "4000000000", "-1"), ("INT NOT NULL", "INT", "5", "NULL"),
    ("INT", "INT NOT NULL", "5", "7"), ("VARCHAR(5)", "VARCHAR(50)", "'abc'", "'a longer text'"), ("VARCHAR(5) NOT NULL", "TEXT", "'abc'", "NULL"),
    ("CHAR(4)", "VARCHAR(9)", "'abc'", "'a '"), ("DECIMAL(5,2)", "DECIMAL(12,2)", "1.5", "1234567890.12"), ("DECIMAL(5,2)", "DECIMAL(40,6)", "-1.5", "1.000001"),
    ("FLOAT", "DOUBLE", "0.5", "0.1"), ("ENUM('a','b')", "ENUM('a','b','c')", "'b'", "'c'"), ("ENUM('a','b')", "VARCHAR(9)", "'b'", "'zz'"),
    ("DATETIME", "DATETIME(6)", "'2024-01-01 00:00:00'", "'2024-01-01 00:00:00.123456'"), ("VARCHAR(9) CHARACTER SET latin1", "VARCHAR(9) CHARACTER SET utf8mb4", "'é'", "'€ü😀'"),
    ("BIT(3)", "BIT(20)", "5", "1000000"), ("VARBINARY(5)", "BLOB", "'ab'", "'abcdefgh'"), ("MEDIUMINT", "INT", "5", "2000000000"),
    ("TINYINT UNSIGNED", "INT UNSIGNED", "200", "4000000000"), ("SET('a','b')", "SET('a','b','c')", "'a,b'", "'a,c'"),
]  # fmt: skip


@pytest.mark.servers
def test_types_that_widen(made):
    """In place: values of before and after are the source's."""
    pipe = made()
    for n, (before, _, value, _) in enumerate(WIDENED):
        pipe.run(f"ALTER TABLE t ADD w{n} {before}")
        pipe.run(f"UPDATE t SET w{n} = {value}")
    for n, (_, after, _, value) in enumerate(WIDENED):
        pipe.run(f"UPDATE t SET w{n} = {WIDENED[n][2]} WHERE w{n} IS NULL")
        pipe.run(f"SET STATEMENT sql_mode = 'STRICT_TRANS_TABLES' FOR ALTER TABLE t MODIFY w{n} {after}" if not pipe.mariadb.is_mysql
                 else f"ALTER TABLE t MODIFY w{n} {after}")  # fmt: skip
        pipe.run(f"INSERT INTO t (id, w{n}) VALUES (%s, {value})", 100 + n)
    assert len(same(pipe)) == 3 + len(WIDENED)


def several(pipe, creates):
    """A pipe on tables t0, t1, ... of a row each."""
    for n, create in enumerate(creates):
        pipe.run(create.replace("TABLE t ", f"TABLE t{n} "))
        pipe.run(f"INSERT INTO t{n} (id) VALUES (1)")
    return pipe.live()


NARROWED = [("BIGINT", "INT"), ("INT", "VARCHAR(20)"), ("VARCHAR(20)", "INT"), ("DATETIME", "TIMESTAMP NULL"), ("DECIMAL(10,4)", "DECIMAL(10,2)"), ("DATE", "DATETIME"),
            ("INT", "INT UNSIGNED"), ("VARCHAR(20)", "VARBINARY(20)")]  # fmt: skip


@pytest.mark.rule("type-changes")
def test_types_that_do_not(pipe, trap):
    """The table fails before any row of the new type, with what to do; the others go on."""
    several(pipe, [f"CREATE TABLE t (id INT PRIMARY KEY, a {before})" for before, _ in NARROWED] + ["CREATE TABLE t (id INT PRIMARY KEY)"])
    pipe.run("CREATE TABLE narrowed AS SELECT 1 AS id, CAST(12.3456 AS DECIMAL(10,4)) AS a")
    with logged(pipe.mariadb) as events:
        pipe.run("ALTER TABLE narrowed MODIFY a DECIMAL(10,2)")
    assert str(pipe.run("SELECT a FROM narrowed")[0][0]) == "12.35" and rows_in(events) == []
    trap("a narrower type changes values that are there, and the log has no row of it")
    for n, (_, after) in enumerate(NARROWED):
        pipe.run(f"ALTER TABLE t{n} MODIFY a {after}")
        pipe.run(f"INSERT INTO t{n} (id) VALUES (2)")
        failed = fails(pipe, "was altered at the source: column a was", f"t{n}")
        assert "resync" in " ".join(failed["error"]["remedies"])
        assert pipe.rows(f"t{n}", "id") == [[1]]
    same(pipe, f"t{len(NARROWED)}")


CHANGED_KEYS = ["DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)", "DROP PRIMARY KEY", "DROP COLUMN id, ADD PRIMARY KEY (a)", "CHANGE id ident INT", "MODIFY id BIGINT",
                "DROP PRIMARY KEY, MODIFY id INT NULL"]  # fmt: skip


@pytest.mark.rule("key-changes")
def test_keys_that_change(pipe, trap):
    several(pipe, ["CREATE TABLE t (id INT NOT NULL, a INT NOT NULL DEFAULT 1, PRIMARY KEY (id))"] * len(CHANGED_KEYS))
    for alter in ("MODIFY COLUMN id Int64", "MODIFY ORDER BY (id, a)"):
        with pytest.raises(ClickHouseError):
            pipe.clickhouse.query(f"ALTER TABLE {pipe.destination}.t0 {alter}")
    trap("ClickHouse changes neither the type of a key nor its columns: rows that differ in the new key alone would be one")
    for n, statement in enumerate(CHANGED_KEYS):
        pipe.run(f"ALTER TABLE t{n} {statement}")
        fails(pipe, "key", f"t{n}")


def test_keys_that_stay(made):
    """Other keys come and go, the key is made again, it gets longer: the table goes on."""
    pipe = made("CREATE TABLE t (id VARCHAR(10) NOT NULL, a INT NOT NULL, UNIQUE KEY u (id))", "INSERT INTO t VALUES ('x', 1)")
    for n, statement in enumerate(("ADD PRIMARY KEY (a)", "ADD UNIQUE v (a, id)", "DROP KEY v", "RENAME INDEX u TO uu", "MODIFY id VARCHAR(100) NOT NULL",
                                   "DROP INDEX uu, ADD UNIQUE KEY again (id)", "DROP PRIMARY KEY", "ADD INDEX (a)", "COMMENT = 'x'", "ENGINE = InnoDB")):  # fmt: skip
        pipe.run(f"ALTER TABLE t {statement}")
        pipe.run("INSERT INTO t VALUES (%s, %s)", f"row {n}", 10 + n)
    assert len(same(pipe)) == 11
    assert pipe.table("t")["state"] == "live"
    pipe.run("DROP INDEX again ON t")
    fails(pipe, "its key again was dropped")


@pytest.mark.rule("truncate-in-stream-order")
def test_truncate(made, trap):
    pipe = made()
    pipe.run("INSERT INTO t (id) SELECT seq FROM seq_100_to_5000")
    with logged(pipe.mariadb) as events:
        pipe.run("TRUNCATE TABLE t")
        pipe.run("INSERT INTO t (id, a) VALUES (1, 1), (7, 7)")
    assert rows_in(events) == ["Write"] and [text for text in statements_in(events) if "t" in text] == ["TRUNCATE TABLE t"]
    trap("5 000 rows are gone without one event of a row; only the statement stands between those before and after it")
    assert len(same(pipe)) == 2
    pipe.run("TRUNCATE t")
    assert len(same(pipe)) == 0


def test_truncate_ignored(made):
    pipe = made(settings=["truncate=ignore"])
    pipe.run("TRUNCATE TABLE t")
    pipe.run("INSERT INTO t (id) VALUES (7)")
    pipe.caught_up()
    assert ordered(pipe, "id") == [[1], [2], [3], [7]]


PARTITIONED = "CREATE TABLE t (id INT PRIMARY KEY, a INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (100))"


@pytest.mark.rule("rows-change-without-events")
def test_silent_changes(pipe, trap):
    several(pipe, [PARTITIONED] * 4)
    for work in ("TRUNCATE PARTITION p0", "DROP PARTITION p0"):
        pipe.run(PARTITIONED.replace("TABLE t ", "TABLE elsewhere "))
        pipe.run("INSERT INTO elsewhere VALUES (1, 1)")
        with logged(pipe.mariadb) as events:
            pipe.run(f"ALTER TABLE elsewhere {work}")
        assert pipe.run("SELECT * FROM elsewhere") == () and rows_in(events) == []
        pipe.run("DROP TABLE elsewhere")
    trap("a partition is emptied or dropped, and the log has no row of it")
    pipe.run("ALTER TABLE t3 REMOVE PARTITIONING")
    pipe.run("INSERT INTO t3 (id) VALUES (2)")
    same(pipe, "t3")
    for n, work in enumerate(("TRUNCATE PARTITION p0", "DROP PARTITION p0", "EXCHANGE PARTITION p0 WITH TABLE t3")):
        pipe.run(f"ALTER TABLE t{n} {work}")
        fails(pipe, "without its rows in the log", f"t{n}")
    fails(pipe, "without its rows in the log", "t3")


def test_silent_changes_flagged(made):
    pipe = made(PARTITIONED, "INSERT INTO t VALUES (1, 1), (50, 50)", settings=["silent_changes=flag"])
    pipe.run("ALTER TABLE t TRUNCATE PARTITION p0")
    pipe.run("INSERT INTO t VALUES (51, 51)")
    pipe.caught_up()
    assert ordered(pipe, "id") == [[1], [50], [51]]
    assert pipe.table("t")["resync_advised"] and pipe.table("t")["state"] == "live"


def test_what_does_not_matter(made):
    """Statements that change no followed rows or columns never stall a pipe."""
    pipe = made()
    for statement in ("CREATE TABLE IF NOT EXISTS t (id INT)", "CREATE TABLE other (id INT)", "ALTER TABLE other ADD x INT", "DROP TABLE other", "CREATE VIEW v AS SELECT * FROM t",
                      "DROP VIEW v", "ANALYZE TABLE t", "OPTIMIZE TABLE t", "ALTER TABLE t ADD INDEX i (a)", "ALTER TABLE t DROP INDEX i", "CREATE INDEX i ON t (a)", "DROP INDEX i ON t",
                      "ALTER TABLE t ALTER COLUMN a SET DEFAULT 5", "CREATE TEMPORARY TABLE t2 (id INT)"):  # fmt: skip
        pipe.run(statement)
    pipe.run("INSERT INTO t (id) VALUES (7)")
    assert len(same(pipe)) == 4


@pytest.mark.rule("tables-dropped")
def test_drop_and_create(made, trap):
    pipe = made()
    pipe.run("CREATE TABLE other (id INT PRIMARY KEY)")
    with logged(pipe.mariadb) as events:
        pipe.run("DROP TABLE t")
    assert rows_in(events) == []
    wait_until(lambda: pipe.table("t")["state"] == "dropped", 30 * PATIENCE, "t is dropped")
    assert len(pipe.rows("t")) == 3
    pipe.run(TABLE)
    assert pipe.run("SELECT * FROM t") == ()
    trap("the table of that name has no rows now, the log has none of their deletes, and the destination has the old ones")
    fails(pipe, "was created anew")


@pytest.mark.rule("rename-table")
def test_another_table_takes_the_name(made, trap):
    """Followed with its definition; its rows may be others, so a resync is advised."""
    pipe = made()
    pipe.run("CREATE TABLE n (id INT PRIMARY KEY, b VARCHAR(40) NOT NULL DEFAULT 'b', c DECIMAL(10,2), a INT, d INT DEFAULT 5)")
    pipe.run("INSERT INTO n SELECT id, b, c, a, 5 FROM t")
    before = pipe.run("SELECT * FROM t WHERE id = 1")
    with logged(pipe.mariadb) as events:
        pipe.run("RENAME TABLE t TO old, n TO t")
    assert pipe.run("SELECT * FROM t WHERE id = 1") != before and rows_in(events) == []
    trap("the same row of the same name has other columns in another order, and the log has one RENAME and no row")
    pipe.run("INSERT INTO t (id, a) VALUES (9, 9)")
    pipe.run("UPDATE t SET b = 'a longer text than before' WHERE id = 1")
    assert len(same(pipe)) == 4
    assert pipe.table("t")["resync_advised"]


@pytest.mark.rule("rename-table")
def test_cut_over_of_a_copy(made):
    """As gh-ost does it: the copy's rows are the same."""
    pipe = made()
    pipe.run("CREATE TABLE _t_gho LIKE t")
    pipe.run("ALTER TABLE _t_gho ADD n INT NOT NULL DEFAULT 7, MODIFY a BIGINT")
    pipe.run("INSERT INTO _t_gho (id, a, b, c) SELECT id, a, b, c FROM t")
    pipe.run("RENAME TABLE t TO _t_del, _t_gho TO t")
    pipe.run("INSERT INTO t (id, a) VALUES (9, 9000000000)")
    assert len(same(pipe)) == 4
    assert not pipe.table("t")["resync_advised"]


def test_cut_over_and_altered_again(made):
    """While the pipe is away: what the definition was at that place cannot be known."""
    pipe = made()
    pipe.engine.sluice("pause", "p", "--wait")
    pipe.run("CREATE TABLE n LIKE t")
    pipe.run("RENAME TABLE t TO old, n TO t")
    pipe.run("INSERT INTO t (id) VALUES (9)")
    pipe.run("ALTER TABLE t ADD z INT")
    pipe.engine.sluice("resume", "p", "--wait")
    fails(pipe, "changed the table again")


def test_renamed_away(made):
    pipe = made()
    pipe.run("RENAME TABLE t TO gone")
    wait_until(lambda: pipe.table("t")["state"] == "dropped", 30 * PATIENCE, "t is gone")
    assert len(pipe.rows("t")) == 3


@pytest.mark.rule("two-phase-alter")
@pytest.mark.servers
@pytest.mark.only("mariadb", "mariadb11")
def test_two_phase_alter(made, trap):
    """Of START ALTER, COMMIT ALTER and ROLLBACK ALTER only the second counts."""
    pipe = made()
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION binlog_alter_two_phase = 1")
        with logged(pipe.mariadb) as events:
            cursor.execute("ALTER TABLE t ADD w INT DEFAULT 3")
            with pytest.raises(pymysql.err.IntegrityError):
                cursor.execute("ALTER TABLE t ADD v INT DEFAULT 3, ADD UNIQUE u (b)")
        texts = [text for text in statements_in(events) if "ALTER TABLE" in text]
        assert sum("ADD w" in text for text in texts) == 2 and sum("ADD v" in text for text in texts) >= 1, texts
        trap("one ALTER stands in the log twice, and one that failed stands there as well")
        cursor.execute("ALTER TABLE t ADD x INT DEFAULT 4")
        cursor.execute("INSERT INTO t (id) VALUES (10), (11)")
        cursor.execute("UPDATE t SET a = 1")
        with contextlib.suppress(Exception):
            cursor.execute("ALTER TABLE t ADD UNIQUE u (a)")  # fails half way
        cursor.execute("ALTER TABLE t DROP b, ADD y INT DEFAULT 5, ALGORITHM = COPY")
        cursor.execute("INSERT INTO t (id) VALUES (12)")
    assert len(same(pipe)) == 6


def mutations(pipe, where="1"):
    return pipe.clickhouse.rows(f"SELECT uniqExact(mutation_id) FROM system.mutations WHERE database = '{pipe.destination}' AND NOT is_done AND {where}")[0][0]


def test_a_mutation_that_cannot_be_done(made):
    """A RENAME would wait for it at the destination, for ever and without a word. What asks for no mutation goes on."""
    pipe = made()
    target = f"{pipe.destination}.t"
    pipe.clickhouse.query(f"ALTER TABLE {target} ADD COLUMN mine String")
    pipe.clickhouse.query(f"ALTER TABLE {target} UPDATE mine = 'no number' WHERE 1 SETTINGS mutations_sync = 1")
    pipe.clickhouse.query(f"ALTER TABLE {target} MODIFY COLUMN mine Int32 SETTINGS mutations_sync = 0, alter_sync = 0")
    wait_until(lambda: mutations(pipe, "latest_fail_reason != ''") == 1, 30 * PATIENCE, "it has failed")
    pipe.run("ALTER TABLE t ADD x INT DEFAULT 4")
    pipe.run("INSERT INTO t (id, a) VALUES (4, 4)")
    pipe.caught_up()
    assert pipe.rows("t", "id, a, x", "id = 4") == [[4, 4, 4]]
    pipe.run("ALTER TABLE t RENAME COLUMN a TO z")
    wait_until(lambda: pipe.table("t")["state"] == "failed", 60 * PATIENCE, lambda: pipe.engine.describe("p"))
    error = pipe.table("t")["error"]
    assert "has not carried out" in error["message"] and "MODIFY COLUMN" in error["message"] and any("resync" in remedy for remedy in error["remedies"]), error
    pipe.clickhouse.query(f"KILL MUTATION WHERE database = '{pipe.destination}' AND table = 't'")
    pipe.engine.sluice("resync", "p", "--table", f"{pipe.source}.t", "--wait", timeout=120)
    assert len(same(pipe)) == 4


def test_a_mutation_that_takes_its_time(made):
    """A step whose answer was lost is done only when all parts are."""
    pipe = made()
    target = f"{pipe.destination}.t"
    pipe.clickhouse.query(f"SYSTEM STOP MERGES {target}")
    pipe.run("ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a")
    wait_until(lambda: mutations(pipe), 30 * PATIENCE, "the first step waits for its mutation")
    pipe.engine.kill()
    pipe.engine.start()
    wait_until(lambda: "has not carried out" in str(pipe.status()["stalled"]), 60 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert mutations(pipe) == 1, "the second step waits for the first one"
    pipe.clickhouse.query(f"SYSTEM START MERGES {target}")
    assert len(same(pipe)) == 3


def test_a_mutation_of_somebody_on_the_same_column(made):
    """ClickHouse refuses to rename it meanwhile (25.7), which is no reason to give the table up."""
    pipe = made()
    target = f"{pipe.destination}.t"
    pipe.clickhouse.query(f"SYSTEM STOP MERGES {target}")
    pipe.clickhouse.query(f"ALTER TABLE {target} UPDATE a = a WHERE 1 SETTINGS mutations_sync = 0")
    pipe.run("ALTER TABLE t RENAME COLUMN a TO z")
    wait_until(lambda: "not finished yet" in str(pipe.status()["stalled"]), 60 * PATIENCE, lambda: pipe.engine.describe("p"))
    pipe.clickhouse.query(f"SYSTEM START MERGES {target}")
    assert len(same(pipe)) == 3


def test_a_mutation_of_somebody_that_never_ends(made):
    """The others do not wait for it."""
    pipe = made()
    pipe.clickhouse.query(f"ALTER TABLE {pipe.destination}.t UPDATE a = throwIf(1) WHERE 1 SETTINGS mutations_sync = 0")
    wait_until(lambda: mutations(pipe, "latest_fail_reason != ''") == 1, 30 * PATIENCE, "it has failed")
    pipe.run("ALTER TABLE t RENAME COLUMN a TO z")
    fails(pipe, "not finished yet")
    pipe.clickhouse.query(f"KILL MUTATION WHERE database = '{pipe.destination}' AND table = 't'")


BIG = "CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(200), c INT NOT NULL)"


@pytest.fixture
def loading(engine, mariadb, own_clickhouse):
    """A pipe in the middle of its load, which goes on when the destination is no longer frozen."""
    engine.start()
    pipe = Pipe(engine, mariadb, own_clickhouse)
    pipe.run(BIG)
    pipe.run("INSERT INTO t SELECT seq, seq, REPEAT('x', 150), 1 FROM seq_1_to_40000")
    pipe.create(settings=["readers=1", "senders=1", "batch_bytes=64KiB"])
    count = f"SELECT count() FROM system.parts WHERE database = '{pipe.destination}' AND table = 't'"  # asked often: a load is fast
    wait_until(lambda: own_clickhouse.rows(count)[0][0] > 0, 30 * PATIENCE, "the load is under way", 0.005)
    own_clickhouse.freeze()
    assert pipe.table("t")["rows_done"] < 40_000, "the load was too fast"
    return pipe


def alter(pipe, statement, wait):
    """While something may stand in its way: not for longer than `wait` seconds."""
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION lock_wait_timeout = %s", (wait,))
        cursor.execute(f"ALTER TABLE t {statement}")


def alter_waits_for_a_reader_that_stalls(pipe):
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor(pymysql.cursors.SSCursor) as cursor:
        cursor.execute("SELECT * FROM t")
        cursor.fetchone()  # and the rest later
        with pytest.raises(pymysql.err.OperationalError) as refused:
            alter(pipe, "ADD never INT", 1)
    return "Lock wait timeout" in str(refused.value)


@pytest.mark.parametrize(
    "statement",
    [pytest.param("ADD x INT NOT NULL DEFAULT 4", marks=pytest.mark.rule("no-statement-stays-open", "ddl-while-loading")), "DROP COLUMN b",
     pytest.param("DROP COLUMN a, ADD y VARCHAR(5) DEFAULT 'y' FIRST", marks=pytest.mark.rule("ddl-while-loading"))],
)  # fmt: skip
def test_columns_come_and_go_while_loading(loading, statement, trap):
    """The ranges that are left are read with the new definition. The statement does not wait for the destination."""
    pipe = loading
    if statement.startswith("ADD"):
        assert alter_waits_for_a_reader_that_stalls(pipe)
        trap("an ALTER waits behind a SELECT whose reader does not take its rows")
    before = pipe.run("SELECT * FROM t WHERE id = 1")
    alter(pipe, statement, 20 * PATIENCE)
    assert pipe.run("SELECT * FROM t WHERE id = 1") != before
    trap("what a range is read by gives other columns in the middle of the load")
    pipe.run("UPDATE t SET c = 2 WHERE id % 1000 = 0")
    pipe.run("INSERT INTO t (id, c) VALUES (1000000, 3)")
    pipe.clickhouse.freeze(False)
    pipe.wait("Running", seconds=120)
    assert len(same(pipe)) == 40_001


def begins_again(pipe, rows):
    """The load, by itself; what it was before does not count."""
    wait_until(lambda: pipe.table("t")["state"] == "live", 120 * PATIENCE, lambda: f"{pipe.table('t')} {pipe.journal()}")
    assert "it was being loaded" in pipe.journal()
    assert pipe.table("t")["error"] is None
    assert len(same(pipe)) == rows


@pytest.mark.rule("ddl-while-loading")
def test_other_changes_while_loading(loading):
    """What is loaded does not fit what comes: the load begins again, by itself."""
    pipe = loading
    pipe.run("ALTER TABLE t RENAME COLUMN a TO n")
    pipe.clickhouse.freeze(False)
    begins_again(pipe, 40_000)


def test_truncated_while_loading(loading):
    pipe = loading
    pipe.run("TRUNCATE TABLE t")
    pipe.run("INSERT INTO t VALUES (7, 7, 'later', 7)")
    # Once its rows can go on the load might come to the end of the empty table before the stream comes to the statement.
    wait_until(lambda: "it was being loaded" in pipe.journal(), 60 * PATIENCE, pipe.journal)
    pipe.clickhouse.freeze(False)
    begins_again(pipe, 1)


@contextlib.contextmanager
def altered_while_loading(pipe, statement):
    """The source has altered `t` in the middle of its load, and the stream cannot read that yet; the load goes on."""

    def dumps():
        return pipe.mariadb.run("SELECT id FROM information_schema.processlist WHERE command = 'Binlog Dump' AND user = 'repl'")

    pipe.create(settings=["readers=1", "batch_bytes=64KiB"])
    wait_until(lambda: 0 < pipe.table("t")["rows_done"], 30 * PATIENCE, "the load is under way")
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES t WRITE")
        pipe.mariadb.run("REVOKE REPLICATION SLAVE ON *.* FROM repl@'127.0.0.1'")
        try:
            for (number,) in dumps():
                with contextlib.suppress(Exception):  # it has gone by itself
                    pipe.mariadb.run(f"KILL {number}")
            wait_until(lambda: not dumps(), 30 * PATIENCE, "nothing is sent to the stream")
            cursor.execute(f"ALTER TABLE t {statement}")
            cursor.execute("UNLOCK TABLES")
            yield
        finally:
            pipe.mariadb.run("GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")


@pytest.mark.parametrize("statement", ["MODIFY e ENUM('b','a')", "RENAME COLUMN a TO n, RENAME COLUMN n TO a", "CONVERT TO CHARACTER SET utf8mb4"])
def test_altered_before_the_stream_is_there(pipe, statement):
    """Rows that were read by a definition that the source had no more are never taken for what they were not."""
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, a INT, n INT, e ENUM('a','b'), b VARCHAR(50)) CHARSET latin1")
    pipe.run("INSERT INTO t SELECT seq, 1, 2, 'b', REPEAT('ä', 50) FROM seq_1_to_60000")
    with altered_while_loading(pipe, statement):
        wait_until(lambda: pipe.table("t")["rows_done"] == 60_000, 60 * PATIENCE, "all of it is read")
    begins_again(pipe, 60_000)


def test_the_order_of_the_key_changes_while_loading(pipe):
    """The load walks along the key: what it passed in one order is not what it passed in another."""
    pipe.run("CREATE TABLE t (k VARCHAR(20) COLLATE latin1_swedish_ci PRIMARY KEY, v VARCHAR(200)) CHARSET latin1")
    pipe.run("INSERT INTO t SELECT CONCAT(IF(seq % 2, 'a', 'B'), LPAD(seq, 8, '0')), REPEAT('x', 150) FROM seq_1_to_60000")
    pipe.run("INSERT INTO t SELECT CONCAT(IF(seq % 2, 'C', 'd'), LPAD(seq, 8, '0')), REPEAT('x', 150) FROM seq_1_to_60000")
    with altered_while_loading(pipe, "MODIFY k VARCHAR(20) COLLATE latin1_bin NOT NULL"):
        wait_until(lambda: pipe.rows("t", "count()", "k LIKE 'd%'") == [[30_000]], 60 * PATIENCE, "what comes last in both orders is read")
    begins_again(pipe, 120_000)


@pytest.mark.servers
def test_storm(made):
    pipe = made()
    storm = Storm(pipe, 1)
    storm.run(200)
    storm.close()
    same(pipe, seconds=240)
    assert not pipe.table("t")["resync_advised"], pipe.journal()


def test_storm_and_kills(made):
    """SIGKILL at random: what was planned, done and saved always agree."""
    pipe = made()
    storm = Storm(pipe, 2)
    chance = random.Random(3)
    stop = threading.Event()

    def blow():
        storm.run(60)
        stop.set()

    thread = threading.Thread(target=blow)
    thread.start()
    kills = 0
    while not stop.is_set() or kills < 8:
        time.sleep(chance.uniform(0.1, 0.9))
        pipe.engine.kill()
        pipe.engine.start()
        kills += 1
        assert kills < 200
    thread.join()
    storm.close()
    same(pipe, seconds=240)
    assert not pipe.table("t")["resync_advised"], pipe.journal()


def test_pt_online_schema_change(made):
    """The tool itself, under changes: the copy is followed from its cut-over on, and nothing has to be loaded again."""
    pipe = made()
    pipe.run("INSERT INTO t (id, a) SELECT seq, seq FROM seq_100_to_3000")
    stop = threading.Event()
    chance = random.Random(5)

    def work():
        with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
            for n in itertools.count(10_000):
                cursor.execute("INSERT INTO t (id, a) VALUES (%s, %s)", (n, n))
                cursor.execute("UPDATE t SET b = 'changed' WHERE id = %s", (chance.randint(1, 3000),))
                cursor.execute("DELETE FROM t WHERE id = %s", (chance.randint(1, 3000),))
                if stop.wait(0.005):
                    return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        done = subprocess.run(
            ["pt-online-schema-change", "--alter", "ADD n INT NOT NULL DEFAULT 7, MODIFY a BIGINT, ADD INDEX (b)", "--execute", "--recursion-method=none",
             "--no-check-replication-filters", "--no-version-check", "--charset=utf8", "--chunk-size=500", f"D={pipe.source},t=t,S={pipe.mariadb.socket},u=root"],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    finally:
        stop.set()
        thread.join()
    assert done.returncode == 0, done.stdout + done.stderr
    pipe.run("INSERT INTO t (id, a, n) VALUES (1000000, 9000000000, 8)")
    assert len(same(pipe)) > 2000
    assert not pipe.table("t")["resync_advised"], pipe.journal()


def test_pause_within_a_statement(engine, mariadb, own_clickhouse):
    """While the destination does not answer: the statement is met again, and carried out once."""
    engine.start()
    pipe = Pipe(engine, mariadb, own_clickhouse)
    pipe.run(TABLE)
    pipe.run("INSERT INTO t (id) VALUES (1), (2)")
    pipe.live()
    for n, statement in enumerate(("ALTER TABLE t ADD x INT DEFAULT 3", "ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a", "TRUNCATE TABLE t")):
        pipe.caught_up()
        own_clickhouse.freeze()
        pipe.run(statement)
        pipe.run("INSERT INTO t (id) VALUES (%s)", 10 + n)
        wait_until(lambda: unread(own_clickhouse.process.pid), 60 * PATIENCE, "the destination is asked for it")
        engine.sluice("pause", "p", "--wait", timeout=60)
        own_clickhouse.freeze(False)
        engine.sluice("resume", "p", "--wait")
        same(pipe)


def test_a_table_comes_back(made):
    """Dropped, and another one renamed to its name."""
    pipe = made()
    pipe.run("CREATE TABLE n LIKE t")
    pipe.run("DROP TABLE t")
    pipe.run("RENAME TABLE n TO t")
    fails(pipe, "was created anew")


def test_settings_of_columns(pipe, made):
    """What they say of columns holds for those that come later, and stays with those that are renamed."""
    pipe.run("CREATE TABLE o (id INT PRIMARY KEY, later INT, wide INT, secret INT)")
    made(settings=["{source}.*:rename=a=aa,later=l8r", "{source}.*:type=b=LowCardinality(String),wide=Int64", "{source}.*:exclude=c,secret"])
    pipe.run("ALTER TABLE t ADD secret VARCHAR(9) DEFAULT 'x', ADD later INT DEFAULT 4, ADD wide INT DEFAULT 5")
    pipe.run("ALTER TABLE t RENAME COLUMN a TO a2, RENAME COLUMN b TO b2, MODIFY c DECIMAL(5,1)")
    pipe.run("INSERT INTO t (id, a2, b2, later) VALUES (9, 90, 'nine', 99)")
    pipe.run("ALTER TABLE t DROP secret, DROP c")
    pipe.run("INSERT INTO t (id, a2, b2, wide) VALUES (10, 1, 'ten', 2)")
    pipe.caught_up()
    assert pipe.table("t")["state"] == "live", pipe.table("t")
    assert ordered(pipe, "id, aa, b2, l8r, wide") == [[1, 10, "b", 4, 5], [2, None, "b", 4, 5], [3, 30, "b", 4, 5], [9, 90, "nine", 99, 5], [10, 1, "ten", 4, 2]]
    assert not {"c", "secret", "a2", "later"} & columns(pipe).keys()
    assert columns(pipe)["b2"] == "LowCardinality(String)" and columns(pipe)["wide"] == "Nullable(Int64)"


@pytest.mark.parametrize("charset", ["latin1", "utf8mb4", "gbk"])
def test_statements_in_other_character_sets(made, charset):
    pipe = made()
    label = {"latin1": "ß", "utf8mb4": "ñ", "gbk": "中"}[charset]
    with contextlib.closing(pipe.mariadb.connect(pipe.source, names=charset)) as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE t ADD `{label}` ENUM('x','{label}') NOT NULL DEFAULT '{label}', ADD v VARCHAR(9) DEFAULT '{label}' COMMENT '{label}'")
    pipe.run("INSERT INTO t (id) VALUES (9)")
    assert label in same(pipe)[(9,)] or label.encode().hex().upper() in same(pipe)[(9,)]


def test_a_twin_is_altered_too(pipe):
    """While a table is loaded again, statements act on both."""
    pipe.run(BIG)
    pipe.run("INSERT INTO t SELECT seq, seq, REPEAT('x', 150), 1 FROM seq_1_to_20000")
    pipe.live(settings=["readers=1", "batch_bytes=64KiB"])
    pipe.engine.sluice("resync", "p")
    pipe.wait("Resync")
    pipe.run("ALTER TABLE t ADD x INT NOT NULL DEFAULT 4")
    pipe.run("INSERT INTO t (id, c, x) VALUES (100000, 1, 5)")
    pipe.run("ALTER TABLE t DROP COLUMN b")
    pipe.run("INSERT INTO t (id, c, x) VALUES (100001, 1, 6)")
    pipe.wait("Running", seconds=120)
    assert len(same(pipe)) == 20_002
    pipe.run("ALTER TABLE t RENAME COLUMN a TO b")
    pipe.run("INSERT INTO t (id, b, c, x) VALUES (100002, 7, 1, 6)")
    assert len(same(pipe)) == 20_003


def test_what_the_stream_waits_for_is_told(engine, mariadb, own_clickhouse):
    """An ALTER may take minutes at the destination; nothing is applied meanwhile."""
    engine.start()
    pipe = Pipe(engine, mariadb, own_clickhouse)
    pipe.run(TABLE)
    pipe.live()
    own_clickhouse.freeze()
    pipe.run("ALTER TABLE t ADD told INT")
    wait_until(lambda: f"alters {pipe.source}.t" in (pipe.status()["activity"] or ""), 30 * PATIENCE, pipe.status, 0.02)
    own_clickhouse.freeze(False)
    same(pipe)
    assert not pipe.status()["activity"]
