"""Every type of the first mapping, at its edges, by snapshot and by binlog: the same value at the destination."""

import pytest

COLUMNS = """
    t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT, mu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED ZEROFILL,
    b BIGINT, bu BIGINT UNSIGNED, yes BOOL, d1 DECIMAL(5,2), d2 DECIMAL(10,0), d3 DECIMAL(18,9) UNSIGNED, d4 DECIMAL(38,20), d5 DECIMAL(38,38), d6 DECIMAL(65,30),
    f FLOAT, d DOUBLE, c CHAR(10), vc VARCHAR(300), tx TEXT, lt LONGTEXT,
    c1 CHAR(5) CHARACTER SET latin1, v1 VARCHAR(40) CHARACTER SET latin1, x1 TEXT CHARACTER SET latin1,
    bi BINARY(4), vb VARBINARY(20), bl BLOB, mb MEDIUMBLOB, da DATE, dt DATETIME, dt3 DATETIME(3), dt6 DATETIME(6),
    ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL, ti TIME, ti3 TIME(3), ti6 TIME(6), e ENUM('a','B','ünï','with,comma','')
"""
ROWS = [
    # All NULL
    "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
    # Lowest
    "-128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, 0, -999.99, -9999999999, 0, -999999999999999999.99999999999999999999,"
    "-0.99999999999999999999999999999999999999, -99999999999999999999999999999999999.999999999999999999999999999999, -3.4028234e38, -1.7976931348623157e308,"
    "'', '', '', '', '', '', '', '', '', '', '', '1900-01-01', '1900-01-01', '1900-01-01', '1900-01-01', '1970-01-01 00:00:01', '1970-01-01 00:00:01',"
    "'-838:59:59', '-838:59:59.999', '-838:59:59.999999', 'a'",
    # Highest
    "127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615, 1, 999.99, 9999999999,"
    "999999999.999999999, 999999999999999999.99999999999999999999, 0.99999999999999999999999999999999999999,"
    "99999999999999999999999999999999999.999999999999999999999999999999, 3.4028234e38, 1.7976931348623157e308, '1234567890', REPEAT('é', 300), REPEAT('x', 65535),"
    "REPEAT('long ', 60000), 'ÿÿÿÿÿ', REPEAT('ß', 40), REPEAT('Ü', 60000), x'FFFFFFFF', x'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF', REPEAT(x'FF', 65535),"
    "REPEAT(x'00FF', 50000), '2299-12-31', '2299-12-31 23:59:59', '2299-12-31 23:59:59.999', '2299-12-31 23:59:59.999999', '2038-01-19 03:14:07',"
    "'2038-01-19 03:14:07.999999', '838:59:59', '838:59:59.999', '838:59:59.999999', 'with,comma'",
    # Zero
    "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '0', '0', '0', '0', '0', '0', '0', x'00', x'00', x'00', x'00', '1970-01-01',"
    "'1970-01-01', '1970-01-01', '1970-01-01', '2000-01-01', '2000-01-01', '0', '0', '0', ''",
    # Typical
    "-5, 200, -300, 60000, -70000, 16000000, -5, 4000000000, -5, 9223372036854775808, 1, 12.34, 42, 0.000000001, -1.5, 0.1, 123456789.987654321, 0.1, 0.1,"
    "'Köln', 'naïve café', 'two\\nlines\\tand a tab', 'plain', 'é', 'Größe €', 'œuf ™ \\'', 'ab', 'abc', 'blob', 'more', '2024-02-29', '2024-02-29 23:59:59',"
    "'2024-02-29 23:59:59.5', '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59', '2024-02-29 23:59:59.123456', '12:34:56', '-00:00:00.5', '-00:00:00.000001', 'ünï'",
    # Awkward: two values of TINYINT(1) that no boolean has, padding, backslashes, four bytes of UTF-8, NUL bytes, trailing zero bytes
    "-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, 127, -0.01, -1, 1, -0.00000000000000000001, -0.00000000000000000000000000000000000001, -0.000000000000000000000000000001,"
    "-1.17549e-38, 5e-324, 'pad   ', ' lead and trail ', 'back\\\\slash \\'quote\\' \\\\N', '🐬\\0\\r\\n', '  x  ', ' \x81ý ', '\\\\', x'61006200', x'6100', x'0A0A', x'5C4E00',"
    "'2000-12-31', '1999-12-31 23:59:59', '1999-12-31 23:59:59.999', '1999-12-31 23:59:59.000001', '2001-09-09 01:46:40', '2001-09-09 01:46:40.000001',"
    "'-12:00:01', '-12:00:01.001', '100:00:00.000001', 'B'",
]  # fmt: skip


def insert(pipe, table, first):
    for n, row in enumerate(ROWS):
        pipe.run(f"INSERT INTO {table} VALUES ({first + n}, {row})")


@pytest.mark.core
def test_every_value_is_the_same_by_snapshot_and_by_binlog(pipe):
    pipe.run(f"CREATE TABLE v (id INT PRIMARY KEY, {COLUMNS})")
    insert(pipe, "v", 1)
    pipe.live()
    assert pipe.equal("v") == len(ROWS)
    insert(pipe, "v", 101)
    # Every value to every other: before and after images of all.
    pipe.run("INSERT INTO v SELECT id + 200, t,tu,s,su,m,mu,i,iu,b,bu,yes,d1,d2,d3,d4,d5,d6,f,d,c,vc,tx,lt,c1,v1,x1,bi,vb,bl,mb,da,dt,dt3,dt6,ts,ts6,ti,ti3,ti6,e FROM v")
    pipe.run("UPDATE v SET id = id + 1000 WHERE id > 300")
    pipe.run("DELETE FROM v WHERE id = 201")
    assert pipe.equal("v") == len(ROWS) * 4 - 1
    # The snapshot's rows and those of the log are the same but for their key.
    columns = "* EXCEPT (id, _peerdb_synced_at, _peerdb_version)"
    assert pipe.rows("v", columns, "id < 100 ORDER BY id") == pipe.rows("v", columns, "id BETWEEN 101 AND 199 ORDER BY id")


def test_columns_that_are_not_null(pipe):
    pipe.run(
        "CREATE TABLE n (id BIGINT UNSIGNED PRIMARY KEY, i INT NOT NULL, d DECIMAL(9,3) NOT NULL, v VARCHAR(10) NOT NULL, l VARCHAR(9) CHARACTER SET latin1 NOT NULL,"
        " e ENUM('x','y') NOT NULL, b BINARY(3) NOT NULL, dt DATETIME(2) NOT NULL, ti TIME NOT NULL)"
    )
    rows = "(18446744073709551615, -1, -1.5, 'ä', 'ä', 'y', 'ab', '2020-01-01 00:00:00.25', '-1:00:00'), (0, 0, 0, '', '', 'x', '', '1999-01-01', '0')"
    pipe.run(f"INSERT INTO n VALUES {rows}")
    pipe.live()
    assert pipe.equal("n") == 2
    pipe.run("DELETE FROM n")
    assert pipe.equal("n") == 0
    pipe.run(f"INSERT INTO n VALUES {rows}")
    assert pipe.equal("n") == 2


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
