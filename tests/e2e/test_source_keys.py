"""Every kind of key, loaded and followed. What each type becomes is looked at by tests/types."""

import pytest


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
    from harness.compare import differences

    assert not differences(pipe.mariadb, pipe.clickhouse, pipe.source, pipe.destination, "c")[0]
    ours = pipe.run("SELECT a, b, c FROM u ORDER BY b")
    assert [tuple(row) for row in pipe.rows("u", "a, b, c", "1 ORDER BY b")] == list(ours)
