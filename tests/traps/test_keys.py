"""Keys: no two of the source become one at the destination."""

import pytest
from harness.engine import PATIENCE
from harness.process import wait_until


def table_failed(pipe, name, *words):
    found = wait_until(
        lambda: (t := pipe.table(name))["state"] == "failed" and t, 60 * PATIENCE, lambda: f"failed: {pipe.engine.describe('p')}"
    )
    assert all(word in found["error"]["message"] for word in words) and found["error"]["remedies"], found["error"]


@pytest.mark.rule("no-key-is-refused")
def test_no_key_is_refused(pipe, trap):
    pipe.run("CREATE TABLE t (v INT)")
    pipe.run("INSERT INTO t VALUES (1), (1)")
    assert pipe.run("SELECT COUNT(*), COUNT(DISTINCT v) FROM t") == ((2, 1),)
    trap("two rows are the same in every column: by what is one of them to be deleted?")
    result = pipe.create(ok=5)
    assert "FAIL key: " in result.out and f"{pipe.source}.t has no primary key" in result.out
    assert ":key=" in result.out, "what to do is said"


@pytest.mark.rule("key-is-unique-and-not-null")
def test_keys_that_do_not_tell_rows_apart(pipe, trap):
    """Unique for the server: with NULLs, of a part of the column, of what is computed from it, by a hash of it."""
    of_an_expression = "UNIQUE KEY ((LOWER(a)))" if pipe.mariadb.is_mysql else "low VARCHAR(20) AS (LOWER(a)) VIRTUAL, UNIQUE KEY (low)"
    shapes = {
        "nullable": "a INT, UNIQUE KEY (a)",
        "prefix": "a VARCHAR(20) CHARACTER SET latin1 NOT NULL, UNIQUE KEY (a(3))",
        "computed": f"a VARCHAR(20), {of_an_expression}",
        "hashed": "a TEXT NOT NULL, UNIQUE KEY (a(10))" if pipe.mariadb.is_mysql else "a TEXT NOT NULL, UNIQUE KEY (a)",
    }
    for name, columns in shapes.items():
        pipe.run(f"CREATE TABLE `{name}` ({columns})")
    for name in ("nullable", "computed"):
        pipe.run(f"INSERT INTO `{name}` (a) VALUES (NULL), (NULL)")
    pipe.run("INSERT INTO prefix VALUES ('abc')")
    pipe.run("UPDATE prefix SET a = 'abcdef'")  # one key for the index, two at the destination
    assert pipe.run("SELECT COUNT(*), COUNT(DISTINCT a) FROM nullable") == ((2, 0),)
    trap("a UNIQUE key that may be NULL holds two rows that are the same")
    out = pipe.create(ok=5).out
    for name in shapes:
        assert f"{pipe.source}.{name} has no primary key" in out, out
    pipe.run("ALTER TABLE nullable ADD COLUMN good INT NOT NULL AUTO_INCREMENT UNIQUE")
    pipe.live(tables=[f"{pipe.source}.nullable"])
    assert pipe.clickhouse.value(f"SELECT sorting_key FROM system.tables WHERE database = '{pipe.destination}' AND name = 'nullable'") == "good"
    pipe.run("DELETE FROM nullable WHERE good = 1")
    pipe.run("INSERT INTO nullable (a) VALUES (NULL)")
    pipe.caught_up()
    assert pipe.rows("nullable", "good, a", "1 ORDER BY good") == [[2, None], [3, None]]


@pytest.mark.rule("key-is-unique-and-not-null")
@pytest.mark.parametrize("key, why", [("a", "rows are alike in `a`"), ("ci", "rows are alike in `ci`"), ("nul", "may be NULL")])
def test_named_keys_that_are_none(pipe, trap, key, why):
    """What the operator names is counted by the source: it holds two rows of one value, by the column's own collation."""
    pipe.run("CREATE TABLE t (a INT NOT NULL, nul INT, ci VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL)")
    pipe.run("INSERT INTO t VALUES (1, NULL, 'a'), (1, NULL, 'A')")
    assert pipe.run(f"SELECT COUNT(*), COUNT(DISTINCT {key}) FROM t") == ((2, 0 if key == "nul" else 1),)
    trap("no key is declared, and the columns that were named are doubled or NULL")
    result = pipe.create(settings=[f"{pipe.source}.t:key={key}"], ok=5)
    assert why in result.out, result.out


CLAMPED = ["0000-00-00", "1000-01-01", "9999-12-31"]


@pytest.mark.rule("keys-map-one-to-one")
@pytest.mark.parametrize("kind", ["DATE", "DATETIME"])
@pytest.mark.parametrize("way", ["loaded", "logged"])
def test_dates_that_no_date_of_the_destination_can_be(pipe, trap, kind, way):
    """Zero, the year 1000 and the year 9999: refused as a key, before one stands for another."""
    if kind == "DATE":
        days = ", ".join(f"toString(toDate32OrZero('{value}'))" for value in CLAMPED)
        seen = pipe.clickhouse.rows(f"SELECT {days}")[0]
        assert not set(seen) & set(CLAMPED), seen
        trap("ClickHouse makes other days of a zero date and of the years 1000 and 9999")
    else:
        moments = ", ".join(f"toDateTime64OrZero('{value} 00:00:00', 6, 'UTC')" for value in ("0000-00-00", "1970-01-01"))
        assert pipe.clickhouse.value(f"SELECT uniqExact(arrayJoin([{moments}]))") == 1
        trap("ClickHouse makes one moment of a zero date and the first of January 1970")
    for n, value in enumerate(CLAMPED):
        pipe.run(f"CREATE TABLE k{n} (k {kind} NOT NULL PRIMARY KEY, v INT)")
        if way == "loaded":
            pipe.run(f"INSERT INTO k{n} VALUES ('{value}', 1)")
    pipe.run("CREATE TABLE good (k DATE NOT NULL PRIMARY KEY)")
    pipe.live()
    for n, value in enumerate(CLAMPED):
        if way == "logged":
            pipe.run(f"INSERT INTO k{n} VALUES ('{value}', 1)")
        table_failed(pipe, f"k{n}", "column k", "part of the key", value)
        assert pipe.rows(f"k{n}", "count()") == [[0]]
    pipe.run("INSERT INTO good VALUES ('2024-01-01')")
    assert pipe.equal("good") == 1


@pytest.mark.rule("keys-map-one-to-one")
def test_two_numbers_of_an_enum_and_a_set_with_one_text(pipe, trap):
    """The empty text is a label of its own, and what a value that is none becomes."""
    pipe.run("CREATE TABLE e (k ENUM('', 'a') NOT NULL PRIMARY KEY, v INT)")
    pipe.run("CREATE TABLE s (k SET('', 'a') NOT NULL PRIMARY KEY, v INT)")
    pipe.run("CREATE TABLE fine (k ENUM('b', 'a') NOT NULL, m SET('x', 'y') NOT NULL, v INT, PRIMARY KEY (k, m))")
    pipe.run("INSERT INTO fine VALUES ('b', 'x,y', 1), ('b', '', 2), ('a', 'y', 3), (0, '', 4)")
    for table in "es":
        pipe.run(f"INSERT INTO {table} VALUES (0, 0), (1, 1)")
        assert pipe.run(f"SELECT COUNT(*), COUNT(DISTINCT CONCAT(k)) FROM {table}") == ((2, 1),)
    trap("two rows of an ENUM key, and two of a SET key, are of the same text")
    pipe.live()
    for table in "es":
        table_failed(pipe, table, "column k", "part of the key")
    pipe.run("UPDATE fine SET m = 'x' WHERE v = 1")
    pipe.run("INSERT INTO fine VALUES ('a', 'x,y', 5)")
    pipe.run("DELETE FROM fine WHERE v = 3")
    assert pipe.equal("fine") == 4


@pytest.mark.rule("changed-key-is-delete-and-insert")
def test_letters_change_their_case_in_a_key(pipe, trap):
    pipe.run("CREATE TABLE t (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES ('a', 1), ('é', 2), ('b', 3), ('c', 4)")
    assert pipe.run("SELECT 'a' = 'A' COLLATE utf8mb4_general_ci") == ((1,),)
    assert pipe.clickhouse.value("SELECT 'a' = 'A'") == 0
    trap("'a' and 'A' are one key of the source and two of the destination")
    pipe.live()
    pipe.run("UPDATE t SET k = UPPER(k), v = v + 10 WHERE v < 3")
    pipe.run("UPDATE t SET k = 'C' WHERE k = 'c'")
    assert pipe.equal("t") == 4
    assert pipe.rows("t", "k, v", "v = 11") == [["A", 11]]
    deleted = f"SELECT count() FROM {pipe.destination}.t WHERE k = 'a' AND _peerdb_is_deleted = 1"
    assert pipe.clickhouse.value(deleted) == 1


CHARSETS = {
    "sjis": ("sjis", ["表", "ｱｲｳ", "構ソ"]),
    "cp932": ("cp932", ["表能", "ソ ｱ"]),
    "latin1": ("cp1252", ["€ 5", "„Ž“", "Ärger"]),
    "cp1250": ("cp1250", ["Łódź", "žluť"]),
}


@pytest.mark.rule("key-charsets")
@pytest.mark.parametrize("charset", CHARSETS)
def test_keys_in_other_character_sets(pipe, trap, charset):
    """A row that was loaded is changed and deleted by the log, and the other way round: both know it by the same bytes."""
    codec, words = CHARSETS[charset]
    pipe.run(f"CREATE TABLE t (k VARCHAR(20) CHARACTER SET {charset} NOT NULL PRIMARY KEY, v INT)")
    add = lambda prefix: [pipe.run("INSERT INTO t VALUES (CONVERT(%s USING utf8mb4), 1)", prefix + word) for word in words]
    add("l")
    stored = [bytes.fromhex(row[0]) for row in pipe.run("SELECT HEX(k) FROM t")]
    assert any(word not in {k.decode("utf-8", "replace")[1:] for k in stored} for word in words)
    assert {k.decode(codec, "replace") for k in stored} >= {"l" + word for word in words}
    trap("the log has the bytes of the column's character set, which are not those of the destination's UTF-8")
    pipe.live()
    add("s")
    assert pipe.equal("t") == 2 * len(words)
    pipe.run("UPDATE t SET v = 2")
    assert pipe.equal("t") == 2 * len(words)
    assert pipe.clickhouse.value(f"SELECT uniqExact(k) FROM {pipe.destination}.t") == 2 * len(words)
    for prefix in "ls":
        pipe.run("DELETE FROM t WHERE k = CONVERT(%s USING utf8mb4)", prefix + words[0])
    assert pipe.equal("t") == 2 * len(words) - 2
