"""Every kind of key, loaded and followed. What each type becomes is looked at by tests/types."""

import pytest
from harness.compare import differences
from harness.engine import PATIENCE
from harness.process import wait_until


@pytest.mark.parametrize(
    "key",
    ["INT", "INT UNSIGNED", "BIGINT", "BIGINT UNSIGNED", "TINYINT", "CHAR(12)", "VARCHAR(40) COLLATE utf8mb4_bin", "VARCHAR(40)",
     "VARCHAR(40) CHARACTER SET latin1", "BINARY(8)", "VARBINARY(16)", "DECIMAL(20,4)", "DATE", "DATETIME(6)", "TIMESTAMP(3)", "ENUM('z','y','x','w','v')"],
)  # fmt: skip
def test_any_kind_of_key_is_loaded_and_followed(pipe, key):
    values = {
        "DATE": "'2001-01-01' + INTERVAL seq DAY",
        "DATETIME(6)": "'2001-01-01' + INTERVAL seq * 1001 MICROSECOND",
        "TIMESTAMP(3)": "'2001-01-01' + INTERVAL seq SECOND",
        "ENUM('z','y','x','w','v')": "1 + seq % 5",
        "TINYINT": "CAST(seq AS SIGNED) - 100",
        "BIGINT UNSIGNED": "18446744073709551615 - seq * 1000000007",
        "BIGINT": "-9223372036854775808 + CAST(seq AS SIGNED) * 3000000001",
        "DECIMAL(20,4)": "CAST(seq AS SIGNED) * -1234.0567",
        "BINARY(8)": "UNHEX(RPAD(LPAD(HEX(seq), 6, '0'), 12, '0'))",
        "VARBINARY(16)": "UNHEX(LEFT(SHA2(seq, 256), 20))",
        "VARCHAR(40) CHARACTER SET latin1": "CONCAT('Ärger ', seq)",
    }.get(key, "seq" if "INT" in key else "CONCAT('ключ ', seq)" if "bin" not in key else "LEFT(SHA2(seq, 256), 40)")
    count = {"TINYINT": 200, "ENUM('z','y','x','w','v')": 5}.get(key, 3000)
    pipe.run(f"CREATE TABLE k (k {key} NOT NULL, v INT, PRIMARY KEY (k))")
    pipe.run(f"INSERT INTO k SELECT {values}, seq FROM seq_1_to_{count}")
    pipe.live(settings=["readers=3"])
    assert pipe.equal("k") == count
    pipe.run("UPDATE k SET v = v + 1 WHERE v % 3 = 0")
    pipe.run("DELETE FROM k WHERE v % 5 = 0")
    pipe.equal("k")


def test_composite_and_unique_keys(pipe):
    pipe.run("CREATE TABLE c (a INT NOT NULL, b VARCHAR(10) NOT NULL, d DATE NOT NULL, v INT, PRIMARY KEY (b, a, d))")
    pipe.run("CREATE TABLE u (a INT, b INT NOT NULL, c VARCHAR(9) NOT NULL, UNIQUE KEY x (a), UNIQUE KEY y (b, c))")
    pipe.run("INSERT INTO c SELECT seq % 50, CONCAT('g', seq % 7), '2020-01-01' + INTERVAL seq DAY, seq FROM seq_1_to_20000")
    pipe.run("INSERT INTO u SELECT NULL, seq, CONCAT('u', seq % 9) FROM seq_1_to_5000")
    pipe.live()
    pipe.run("UPDATE c SET a = a + 100 WHERE v % 11 = 0")
    pipe.run("UPDATE u SET b = b + 10000, a = b WHERE b < 100")
    assert pipe.rows("c", "count()") == [[20000]]
    pipe.caught_up()
    assert not differences(pipe.mariadb, pipe.clickhouse, pipe.source, pipe.destination, "c")[0]
    ours = pipe.run("SELECT a, b, c FROM u ORDER BY b")
    assert [tuple(row) for row in pipe.rows("u", "a, b, c", "1 ORDER BY b")] == list(ours)


def both(pipe, table, *columns):
    """The rows of both ends, sorted."""
    names = ", ".join(columns)
    return sorted(map(list, pipe.run(f"SELECT {names} FROM {table}"))), sorted(pipe.rows(table, names))


def test_a_key_of_the_operators_choice(pipe):
    """Where the source has none: named columns tell the rows apart, in the load, in the log, and through changes of the table."""
    pipe.run("CREATE TABLE t (shop INT NOT NULL, v VARCHAR(20), n VARCHAR(10) NOT NULL, KEY (shop, n)) DEFAULT CHARSET utf8mb4")
    pipe.run("INSERT INTO t SELECT seq % 7, CONCAT('v', seq), CONCAT('n', seq DIV 7) FROM seq_1_to_30000")
    setting = f"{pipe.source}.t:key=shop,n"
    assert "--set DB.TABLE:key=a,b" in pipe.create(ok=5).out
    pipe.live(settings=[setting])
    create = pipe.clickhouse.value(f"SELECT sorting_key FROM system.tables WHERE database = '{pipe.destination}' AND name = 't'")
    assert create == "shop, n"
    pipe.run("UPDATE t SET v = 'changed' WHERE n < 'n2'")
    pipe.run("UPDATE t SET shop = shop + 100 WHERE n = 'n300'")
    pipe.run("DELETE FROM t WHERE n BETWEEN 'n3' AND 'n310'")
    pipe.run("ALTER TABLE t ADD x INT NOT NULL DEFAULT 5 FIRST, ADD UNIQUE KEY late (shop, n)")
    pipe.run("INSERT INTO t VALUES (6, 1, 'late', 'late')")
    pipe.run("ALTER TABLE t DROP KEY late, RENAME COLUMN v TO w")
    pipe.run("UPDATE t SET w = NULL WHERE n = 'late'")
    pipe.caught_up()
    ours, theirs = both(pipe, "t", "x", "shop", "COALESCE(w, '-')", "n")
    assert ours == theirs and len(ours) > 20_000
    pipe.engine.kill()
    pipe.engine.start()
    pipe.run("DELETE FROM t WHERE n = 'late'")
    pipe.caught_up()
    ours, theirs = both(pipe, "t", "shop", "n")
    assert ours == theirs
    pipe.run("ALTER TABLE t DROP COLUMN shop")
    wait_until(lambda: pipe.table("t")["state"] == "failed", 30 * PATIENCE, lambda: pipe.journal())


def test_a_named_key_of_tables_that_come_by_themselves(pipe):
    """Counted as those of a new pipe are, tried again when the table was altered, and loaded again beside itself."""
    keyless = "CREATE TABLE {} (a INT NOT NULL, b VARCHAR(9) NOT NULL, v INT)"
    pipe.run(keyless.format("k_1"))
    pipe.live(tables=[f"{pipe.source}.k_*"], settings=[f"{pipe.source}.k_*:key=b,a", "new_tables=add"])
    pipe.run(keyless.format("k_2"))
    pipe.run("INSERT INTO k_2 SELECT seq % 50, CONCAT('b', seq), 0 FROM seq_1_to_3000")
    pipe.run(f"{keyless.format('twice')} SELECT 1 AS a, 'b' AS b, seq AS v FROM seq_1_to_2")
    pipe.run("RENAME TABLE twice TO k_4")
    wait_until(lambda: "rows are alike in `b`,`a`" in pipe.journal().replace(", ", ","), 30 * PATIENCE, lambda: pipe.journal())
    pipe.run("DELETE FROM k_4 WHERE v = 1")
    pipe.run("ALTER TABLE k_4 COMMENT 'mended'")
    wait_until(lambda: {table["state"] for table in pipe.status()["tables"]} == {"live"}, 60 * PATIENCE, lambda: pipe.journal())
    pipe.run("UPDATE k_2 SET b = CONCAT('c', b) WHERE a < 9")
    pipe.engine.sluice("resync", pipe.name, "--wait", timeout=120 * PATIENCE)
    pipe.run("UPDATE k_2 SET a = a + 100 WHERE a > 40")
    pipe.caught_up()
    for table in ("k_1", "k_2", "k_4"):
        ours, theirs = both(pipe, table, "a", "b", "v")
        assert ours == theirs, table
    assert len(pipe.status()["tables"]) == 3


@pytest.mark.parametrize(
    "key, why",
    [
        ("a", "rows are alike in `a`"),
        ("a,nul", "column nul may be NULL, so it cannot be part of a key"),
        ("a,txt", "column txt is of a kind that cannot be part of a key"),
        ("a,a", "column a stands twice in the key"),
        ("a,bb", "column bb is named in the settings, but there is none; the nearest name is b"),
        ("ci", "rows are alike in `ci`"),
    ],
)
def test_keys_that_are_none(pipe, key, why):
    pipe.run("CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, nul INT, txt TEXT NOT NULL, ci VARCHAR(9) COLLATE utf8mb4_general_ci NOT NULL)")
    pipe.run("INSERT INTO t VALUES (1, 1, 1, '', 'a'), (1, 2, 1, '', 'A')")
    result = pipe.create(settings=[f"{pipe.source}.t:key={key}"], ok=5)
    assert why in result.out, result.out
