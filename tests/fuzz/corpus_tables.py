"""What servers are to write into their logs: tables with every type, rows in them, and statements of all kinds, in all forms of the log."""

import contextlib

import pymysql

NUMBERS = """CREATE TABLE numbers (
    id INT PRIMARY KEY, t1 TINYINT, t1u TINYINT UNSIGNED NOT NULL, b BOOL, t2 SMALLINT, t2u SMALLINT UNSIGNED, t3 MEDIUMINT,
    t3u MEDIUMINT UNSIGNED, t4 INT, t4u INT UNSIGNED ZEROFILL, t8 BIGINT, t8u BIGINT UNSIGNED, d1 DECIMAL(1,0), d2 DECIMAL(10,2),
    d3 DECIMAL(18,18), d4 DECIMAL(38,10) NOT NULL, d5 DECIMAL(65,30), f FLOAT, g DOUBLE, b1 BIT(1), b2 BIT(13), b8 BIT(64), y YEAR)"""
NUMBERS_ROWS = [
    "INSERT INTO numbers VALUES (1,-128,0,1,-32768,0,-8388608,0,-2147483648,0,-9223372036854775808,0,-9,-99999999.99,-0.999999999999999999,"
    "-9999999999999999999999999999.9999999999,-99999999999999999999999999999999999.999999999999999999999999999999,-3.4e38,-1.7e308,0,0,0,1901)",
    "INSERT INTO numbers VALUES (2,127,255,0,32767,65535,8388607,16777215,2147483647,4294967295,9223372036854775807,18446744073709551615,9,"
    "0.01,0.000000000000000001,1.5,1e-30,1e-38,2.2e-308,1,8191,18446744073709551615,2155)",
    "INSERT INTO numbers VALUES (3,NULL,7,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
    "(4,0,0,2,0,0,0,0,0,0,0,0,0,0,0,123456789.123456789,0,0,0,0,1,1,0)",
    "UPDATE numbers SET t1 = 5, d5 = -0.5, g = 0.1, y = 2026 WHERE id IN (1, 3)",
    "UPDATE numbers SET id = 30 WHERE id = 3",
    "DELETE FROM numbers WHERE id = 2",
]

TIMES = """CREATE TABLE times (
    id INT PRIMARY KEY, d DATE, t0 TIME, t1 TIME(1), t3 TIME(3) NOT NULL, t6 TIME(6), dt0 DATETIME, dt2 DATETIME(2), dt4 DATETIME(4) NOT NULL,
    dt6 DATETIME(6), ts0 TIMESTAMP NULL, ts3 TIMESTAMP(3) NULL, ts6 TIMESTAMP(6) NOT NULL)"""
TIMES_ROWS = [
    "INSERT INTO times VALUES (1,'0000-00-00','-838:59:59','-838:59:59','-00:00:00.001','-838:59:59.000000','0000-00-00','1000-01-01','9999-12-31 "
    "23:59:59.9999','1899-12-31 23:59:59.999999','1970-01-01 00:00:01','1970-01-01 00:00:01.001','2038-01-19 03:14:07.999999')",
    "INSERT INTO times VALUES (2,'9999-12-31','838:59:59','00:00:00.9','00:00:00','-00:00:00.000001','2024-02-29 12:13:14','2024-00-15 01:02:03.45',"
    "'2300-01-01','1900-01-01',NULL,'2024-03-31 01:30:00.5','2001-09-09 01:46:40.000001')",
    "INSERT INTO times VALUES (3,NULL,NULL,NULL,'1:2:3.004',NULL,NULL,NULL,'0000-00-00',NULL,NULL,NULL,'2024-01-01')",
    "UPDATE times SET d = '2024-04-30', t6 = '12:34:56.789012', ts3 = NULL",
    "DELETE FROM times WHERE id = 3",
]

TEXTS = """CREATE TABLE texts (
    id BIGINT UNSIGNED PRIMARY KEY, c CHAR(10) CHARACTER SET utf8mb4, v VARCHAR(20) CHARACTER SET latin1 NOT NULL,
    w VARCHAR(300) CHARACTER SET utf8mb4, g CHAR(8) CHARACTER SET gbk, s VARCHAR(9) CHARACTER SET sjis, u VARCHAR(10) CHARACTER SET ucs2,
    x TEXT CHARACTER SET utf16, b VARCHAR(12) CHARACTER SET big5, k TINYTEXT CHARACTER SET koi8r, m MEDIUMTEXT CHARACTER SET euckr,
    l LONGTEXT CHARACTER SET utf8mb3, n BINARY(6), p VARBINARY(400), q TINYBLOB, r BLOB, o LONGBLOB,
    e ENUM('a','ü','','日本') CHARACTER SET utf8mb4, f SET('x','y','z ä') CHARACTER SET utf8mb4)"""
TEXTS_ROWS = [
    "INSERT INTO texts VALUES (1,'abc   ','äöü€','日本語 😀','中文','ｶﾅ日本','Ωß','😀x','中文','Привет','한국어','été',x'0102',x'00ff',x'',x'deadbeef',"
    "REPEAT('ab',150),'a','x,z ä')",
    "INSERT INTO texts VALUES (2,'','','','','','','','','','','',x'000000000000','','','','','','')",
    "INSERT INTO texts VALUES (18446744073709551615,NULL,'x',REPEAT('y',290),NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
    "(4,'😀','\\\\\\'','z','z','z','z','z','z','z','z','z',x'ffffffffffff','z','z','z','z','日本','y')",
    "UPDATE texts SET w = 'new', e = 'ü', f = '' WHERE id < 3",
    "UPDATE texts SET id = 7, n = NULL WHERE id = 2",
    "DELETE FROM texts WHERE id > 3",
]

KEYS = """CREATE TABLE keyed (
    a VARCHAR(10) CHARACTER SET cp932 NOT NULL, n INT NULL, e ENUM('one','two','ONE ') NOT NULL, d DATE NOT NULL, m DECIMAL(12,3) NOT NULL, s SET('p','q') NOT NULL,
    z BINARY(4) NOT NULL, t TIME(2) NOT NULL, note TEXT, PRIMARY KEY (a, e, d, m, s, z, t))"""
KEYS_ROWS = [
    "INSERT INTO keyed VALUES ('日本',1,'one','2024-01-01',-1.5,'p',x'01','-1:00:00.25','note'),('z',NULL,'two','2024-12-31',99.999,'p,q',x'ffffffff','0',NULL)",
    "UPDATE keyed SET n = 5 WHERE a = 'z'",
    "UPDATE keyed SET a = 'zz', m = -7 WHERE a = 'z'",
    "DELETE FROM keyed WHERE a = 'zz'",
]

PLACES = """CREATE TABLE places (
    id INT PRIMARY KEY, g GEOMETRY, p POINT NOT NULL, l LINESTRING, y POLYGON, mp MULTIPOINT, ml MULTILINESTRING, my MULTIPOLYGON, gc GEOMETRYCOLLECTION)"""
PLACES_ROWS = [
    "INSERT INTO places VALUES (1,ST_GeomFromText('POINT(1 2)'),ST_GeomFromText('POINT(-1.5 1e300)'),ST_GeomFromText('LINESTRING(0 0,1 1,2.5 -3)'),"
    "ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 0),(1 1,2 1,2 2,1 1))'),ST_GeomFromText('MULTIPOINT(1 1,2 2)'),"
    "ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))'),ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))'),"
    "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))'))",
    "INSERT INTO places VALUES (2,ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'),ST_GeomFromText('POINT(0.1 1e-5)'),NULL,NULL,NULL,NULL,NULL,NULL)",
    "UPDATE places SET g = ST_GeomFromText('LINESTRING(1 1,2 2)')",
    "DELETE FROM places WHERE id = 2",
]

MARIADB = """CREATE TABLE mariadb_types (
    id INT PRIMARY KEY, u UUID, i4 INET4, i6 INET6, c VARCHAR(400) COMPRESSED, x TEXT COMPRESSED CHARACTER SET latin1, b BLOB COMPRESSED, j JSON,
    g INT AS (id + 1) VIRTUAL, h VARCHAR(20) AS (CONCAT('v', id)) STORED, inv INT INVISIBLE DEFAULT 3)"""
MARIADB_ROWS = [
    "INSERT INTO mariadb_types (id,u,i4,i6,c,x,b,j) VALUES (1,'123e4567-e89b-12d3-a456-426655440000','1.2.3.4','::ffff:1.2.3.0',REPEAT('compress me ',30),"
    "REPEAT('äö',60),REPEAT(x'00ff',100),'{\"a\": [1, 2]}')",
    "INSERT INTO mariadb_types (id,u,i4,i6,c,x,b,j) VALUES (2,'00000000-0000-0000-0000-000000000000','0.0.0.0','::','','','',NULL),(3,NULL,NULL,NULL,NULL,NULL,NULL,NULL)",
    "UPDATE mariadb_types SET c = 'short', x = REPEAT('x', 300) WHERE id = 1",
    "DELETE FROM mariadb_types WHERE id > 1",
]
HIDDEN = "CREATE TABLE hidden (id INT PRIMARY KEY, t TEXT, b BLOB NOT NULL, UNIQUE (t), UNIQUE (b, t))"
HIDDEN_ROWS = [
    "INSERT INTO hidden VALUES (1,'one','x'),(2,NULL,'y')",
    "UPDATE hidden SET t = 'two' WHERE id = 2",
    "DELETE FROM hidden WHERE id = 1",
]
COMPRESSED = "CREATE TABLE squeezed (id INT PRIMARY KEY, b BLOB COMPRESSED)"
COMPRESSED_ROWS = [
    "INSERT INTO squeezed VALUES (1, REPEAT('squeeze', 40))",
    "INSERT INTO squeezed VALUES (2, 'short')",
    "SET SESSION column_compression_zlib_wrap = 1",
    "INSERT INTO squeezed VALUES (3, REPEAT(x'0011', 300))",
]

MYSQL = """CREATE TABLE mysql_types (
    id INT PRIMARY KEY, j JSON, k JSON NOT NULL, g INT AS (id + 1) VIRTUAL, h VARCHAR(20) AS (CONCAT('v', id)) STORED, inv INT INVISIBLE DEFAULT 3, v VECTOR(3))"""
MYSQL_ROWS = [
    "INSERT INTO mysql_types (id,j,k,v) VALUES (1,'{\"a\": 1, \"bb\": [true, null, 1.5, \"x\"], \"c\": {\"d\": \"e\"}}','[1, 2, 3]',STRING_TO_VECTOR('[1,-2.5,3e10]'))",
    "INSERT INTO mysql_types (id,j,k) VALUES (2,NULL,'\"text\"')",
    "SET SESSION binlog_row_value_options = PARTIAL_JSON",
    "UPDATE mysql_types SET j = JSON_SET(j, '$.a', 2), k = JSON_ARRAY_APPEND(k, '$', 4) WHERE id = 1",
    "UPDATE mysql_types SET j = JSON_REMOVE(j, '$.bb[0]'), k = JSON_REPLACE(k, '$[0]', 'y') WHERE id = 1",
    "UPDATE mysql_types SET j = JSON_SET(j, '$.c.\"odd name\"', CAST('2024-01-01 01:02:03' AS DATETIME)) WHERE id = 1",
    "SET SESSION binlog_row_value_options = ''",
    "DELETE FROM mysql_types WHERE id = 2",
]
DOCUMENTS = "CREATE TABLE documents (id INT PRIMARY KEY, j JSON)"
DOCUMENTS_ROWS = [
    """INSERT INTO documents VALUES (1, '{"a": 1, "b": -1, "c": 65536, "d": -70000, "e": 18446744073709551615, "f": 1.5e300, "g": "\\\\u0001\\\\"ü", "h": []}')""",
    """INSERT INTO documents VALUES (2, '[true, false, null, {}, [[[["deep"]]]], {"x": {"y": {"z": 0.1}}}]')""",
    "INSERT INTO documents VALUES (3, JSON_ARRAY(CAST('2024-01-02' AS DATE), CAST('-12:34:56.789' AS TIME(3)), CAST('2024-01-02 03:04:05.678901' AS DATETIME(6)), "
    "CAST(12345.678 AS DECIMAL(20,3)), x'00ff01', b'101', 9223372036854775807, -9223372036854775808))",
    "INSERT INTO documents VALUES (4, CAST('null' AS JSON))",
    "INSERT INTO documents VALUES (5, '\"text\"')",
    "INSERT INTO documents VALUES (6, CAST(ST_GeomFromText('POINT(1 2)') AS JSON))",
    "INSERT INTO documents VALUES (7, JSON_OBJECT('k', REPEAT('long ', 100), 'l', REPEAT('x', 127), 'm', REPEAT('x', 128)))",
    "INSERT INTO documents VALUES (8, JSON_ARRAY(1e16, 123456789012345680.0, 1e-7, 0.1, 1e15, -0.0))",
    "SET SESSION binlog_row_value_options = PARTIAL_JSON",
    "UPDATE documents SET j = JSON_SET(j, '$.a', 'replaced', '$.h', JSON_ARRAY(1)) WHERE id = 1",
    "UPDATE documents SET j = JSON_SET(j, '$.new', 1, '$.\"an odd name\"', 2) WHERE id = 1",
    "UPDATE documents SET j = JSON_REMOVE(j, '$.b', '$.g') WHERE id = 1",
    "UPDATE documents SET j = JSON_ARRAY_INSERT(j, '$[1]', 'in', '$[4][0]', JSON_OBJECT('o', 1)) WHERE id = 2",
    "UPDATE documents SET j = JSON_REMOVE(j, '$[0]') WHERE id = 2",
    "UPDATE documents SET j = JSON_REPLACE(j, '$[3]', CAST('[1, {\"q\": null}]' AS JSON)) WHERE id = 3",
    "SET SESSION binlog_row_value_options = ''",
]

VECTORS = "CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(4) NOT NULL, w VECTOR(70))"
VECTORS_ROWS = {
    "mariadb11": ["INSERT INTO vectors VALUES (1, VEC_FromText('[1,2,3,4]'), NULL)", "UPDATE vectors SET v = VEC_FromText('[0,-1,1e30,5]')"],
    "mysql": ["INSERT INTO vectors VALUES (1, STRING_TO_VECTOR('[1,2,3,4]'), NULL)", "UPDATE vectors SET v = STRING_TO_VECTOR('[0,-1,1e30,5]')"],
}

ALL = {"mariadb", "mariadb11", "mysql"}
# (kinds of servers, name, definition, rows)
TABLES = [
    (ALL, "numbers", NUMBERS, NUMBERS_ROWS),
    (ALL, "times", TIMES, TIMES_ROWS),
    (ALL, "texts", TEXTS, TEXTS_ROWS),
    (ALL, "keyed", KEYS, KEYS_ROWS),
    (ALL, "places", PLACES, PLACES_ROWS),
    ({"mariadb", "mariadb11"}, "mariadb_types", MARIADB, MARIADB_ROWS),
    ({"mariadb"}, "hidden", HIDDEN, HIDDEN_ROWS),
    ({"mariadb"}, "squeezed", COMPRESSED, COMPRESSED_ROWS),
    ({"mysql"}, "mysql_types", MYSQL, MYSQL_ROWS),
    ({"mysql"}, "documents", DOCUMENTS, DOCUMENTS_ROWS),
    ({"mariadb11", "mysql"}, "vectors", VECTORS, VECTORS_ROWS),
]

# The tables of fuzz_rows.c, in order: only ever added to at the end, for inputs name them by number. What a definition is given
# beside what the server says: columns left out, other types.
PLANS = [
    ("mariadb", "numbers", {}),
    ("mariadb", "times", {}),
    ("mariadb", "texts", {}),
    ("mariadb", "keyed", {}),
    ("mariadb", "places", {}),
    ("mariadb", "mariadb_types", {}),
    ("mariadb", "hidden", {}),
    ("mariadb11", "numbers", {}),
    ("mariadb11", "texts", {}),
    ("mariadb11", "mariadb_types", {}),
    ("mariadb11", "vectors", {}),
    ("mysql", "numbers", {}),
    ("mysql", "times", {}),
    ("mysql", "texts", {}),
    ("mysql", "keyed", {}),
    ("mysql", "mysql_types", {}),
    ("mysql", "vectors", {}),
    ("mysql", "places", {}),
    ("mariadb", "times", {name: {"as_type": "String"} for name in ("d", "t0", "t3", "t6", "dt0", "dt2", "dt4", "dt6", "ts0", "ts6")}),
    ("mariadb", "numbers", {"t1": {"as_type": "Int64"}, "t1u": {"as_type": "UInt32"}, "t2": {"excluded": True}, "d5": {"excluded": True},
                            "t3u": {"as_type": "Int64"}, "b": {"as_type": "Bool"}, "t4u": {"as_type": "UInt64"}}),
    ("mysql", "mysql_types", {"j": {"excluded": True}, "k": {"as_type": "JSON"}, "h": {"as_type": "LowCardinality(String)"}}),
    ("mysql", "texts", {"c": {"excluded": True}, "x": {"excluded": True}, "r": {"excluded": True}, "w": {"as_type": "LowCardinality(String)"}}),
    # Which its updates are without.
    ("mariadb11", "mariadb_types", {"g": {"excluded": True}, "h": {"excluded": True}}),
]

# Forms of the log: what is set (globally) before the tables are made and filled once more.
FORMS = {
    "mariadb": [
        [],
        ["binlog_row_metadata = MINIMAL", "binlog_checksum = NONE"],
        ["binlog_row_metadata = NO_LOG", "log_bin_compress = 1", "log_bin_compress_min_len = 10"],
        ["binlog_row_image = MINIMAL", "binlog_annotate_row_events = OFF"],
        ["binlog_row_image = NOBLOB", "binlog_format = MIXED"],
    ],
    "mariadb11": [
        [],
        ["binlog_row_metadata = MINIMAL", "binlog_checksum = NONE"],
        ["log_bin_compress = 1", "log_bin_compress_min_len = 10"],
    ],
    "mysql": [
        [],
        ["binlog_row_metadata = MINIMAL", "binlog_checksum = NONE"],
        ["binlog_transaction_compression = ON", "binlog_rows_query_log_events = ON"],
        ["binlog_row_image = MINIMAL"],
    ],
}

# Statements that stand in the log as such. Errors are allowed: not every server knows every one.
STATEMENTS = """
CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20)) ENGINE=InnoDB COMMENT='a; "b" `c`'
CREATE TABLE IF NOT EXISTS shop.`odd``name` (`select` INT PRIMARY KEY)
CREATE TABLE t2 LIKE t
CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM
CREATE OR REPLACE TABLE t3 (id INT PRIMARY KEY)
CREATE TABLE t4 (id INT PRIMARY KEY) AS SELECT 1 AS id
CREATE TEMPORARY TABLE tmp (id INT PRIMARY KEY)
INSERT INTO tmp VALUES (1)
DROP TEMPORARY TABLE tmp
ALTER TABLE t ADD COLUMN c INT DEFAULT 5 AFTER a, ADD INDEX (b), ALGORITHM=INPLACE
ALTER TABLE t ADD UNIQUE KEY uk (a, b), COMMENT 'x', ENGINE=InnoDB
ALTER TABLE t RENAME COLUMN c TO d
ALTER TABLE t MODIFY b VARCHAR(40) NOT NULL, DROP COLUMN d
ALTER TABLE t CHANGE a a2 BIGINT, ORDER BY id
ALTER TABLE t RENAME TO u
ALTER TABLE u RENAME t
RENAME TABLE t TO x, x TO t, t2 TO y
CREATE INDEX i ON t (b DESC)
CREATE UNIQUE INDEX i2 ON t (id, b)
DROP INDEX i ON t
TRUNCATE TABLE m
TRUNCATE t3
DROP TABLE IF EXISTS y, `odd``name` RESTRICT
/* c */ DROP TABLE /*!50000 IF EXISTS */ nothing -- end
CREATE VIEW v AS SELECT * FROM t
DROP VIEW v
CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1
CREATE PROCEDURE p() BEGIN INSERT INTO t (id, b) VALUES (99, 'p'); DELETE FROM t; END
CALL p()
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.b = CONCAT(NEW.b, '!')
DROP TRIGGER g
CREATE USER 'a'@'b' IDENTIFIED BY 'c'
GRANT SELECT ON shop.* TO 'a'@'b'
DROP USER 'a'@'b'
CREATE DATABASE other CHARACTER SET latin1
ALTER DATABASE other CHARACTER SET utf8mb4
CREATE TABLE other.z (id INT PRIMARY KEY) PARTITION BY HASH(id) PARTITIONS 2
ALTER TABLE other.z ADD PARTITION PARTITIONS 2
ALTER TABLE other.z TRUNCATE PARTITION p0
INSERT INTO other.z VALUES (1), (2), (3)
ANALYZE TABLE t
OPTIMIZE TABLE t
FLUSH TABLES
DROP DATABASE other
CREATE SEQUENCE s
SELECT NEXTVAL(s)
DROP SEQUENCE s
CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DO SET @a = 1
DROP EVENT ev
BEGIN
INSERT INTO t (id, b) VALUES (1, 'a')
SAVEPOINT one
INSERT INTO t (id, b) VALUES (2, 'b')
SAVEPOINT `two ``x`
INSERT INTO m VALUES (1)
ROLLBACK TO SAVEPOINT one
INSERT INTO t (id, b) VALUES (3, 'c')
COMMIT
BEGIN
INSERT INTO m VALUES (7)
INSERT INTO t (id, b) VALUES (8, 'never')
ROLLBACK
XA START 'one','branch',7
INSERT INTO t (id, b) VALUES (10, 'xa')
XA END 'one','branch',7
XA PREPARE 'one','branch',7
XA COMMIT 'one','branch',7
XA START 'two'
INSERT INTO t (id, b) VALUES (11, 'xa')
XA END 'two'
XA PREPARE 'two'
XA ROLLBACK 'two'
XA BEGIN x'00ff',x'01'
INSERT INTO t (id, b) VALUES (12, 'xa')
XA END x'00ff',x'01'
XA COMMIT x'00ff',x'01' ONE PHASE
SET SESSION gtid_next = 'AUTOMATIC:some_tag'
INSERT INTO t (id, b) VALUES (20, 'tagged')
UPDATE t SET b = 'tagged too' WHERE id = 20
SET SESSION gtid_next = 'AUTOMATIC'
SET SESSION binlog_format = STATEMENT
SET @v = 'user variable', @n = 12.5
INSERT INTO t (id, b) VALUES (30 + FLOOR(RAND() * 1), @v)
INSERT INTO t (id, b) SELECT id + 100, CONCAT(b, @n) FROM t
UPDATE t SET b = 'stmt' LIMIT 1
DELETE t FROM t JOIN m ON t.id = m.id
REPLACE INTO t (id, b) VALUES (30, 'x')
LOAD DATA INFILE 'DATA_FILE' IGNORE INTO TABLE m (id)
SET SESSION binlog_format = ROW
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'
CREATE TABLE "quoted" ("id" INT PRIMARY KEY, b TEXT DEFAULT ('\\'))
DROP TABLE "quoted"
SET sql_mode = ''
DROP TABLE t, m
""".strip().splitlines()  # fmt: skip

# As in fuzz_value.c.
CHARSETS = """armscii8 ascii big5 binary cp1250 cp1251 cp1256 cp1257 cp850 cp852 cp866 cp932 dec8 eucjpms euckr gb18030 gb2312 gbk geostd8
greek hebrew hp8 keybcs2 koi8r koi8u latin1 latin2 latin5 latin7 macce macroman sjis swe7 tis620 ucs2 ujis utf16 utf16le utf32 utf8 utf8mb3
utf8mb4""".split()

URLS = """mysql://root@127.0.0.1:3306/
mysql://user:p%40ss@db.example:3307/?password-file=/etc/secret&ssl-mode=verify-full&ssl-ca=/ca.pem
mysql://[::1]:3306/shop
mysql://u@h/?password-command=echo%20x&password-env=X
clickhouse://default:secretsecret@host:8443/db?secure=1
clickhouse:///path/to/folder
clickhouse+http://a:b@c
mysql://user:pass@word@host/
mysql://%zz@h/?x
://
mysql://h:99999/""".splitlines()

QUERIES = """INSERT INTO t FORMAT Native
INSERT INTO t (a, `b c`, "d") VALUES (1, 'x', NULL), (2, $tag$y$tag$, 3)
INSERT INTO FUNCTION remote('h', db.t) SELECT * FROM t
INSERT INTO t SELECT a, b FROM input('a Int8, b String') FORMAT CSV
INSERT INTO t FROM INFILE 'f.csv' FORMAT CSV
INSERT INTO t SETTINGS async_insert = 1 FORMAT JSONEachRow {"a": 1}
SELECT 1; SELECT 2
SELECT 'a\\'b', `x``y`, "z", 0x1F, 1e-5 /* c */ -- d
WITH x AS (SELECT 1) SELECT * FROM x FORMAT TSV
SELECT 1 INTO OUTFILE 'x' FORMAT CSV
KILL QUERY WHERE query_id = 'x'
(SELECT 1) UNION ALL (SELECT 2) FORMAT JSONCompact
CREATE TABLE a (x Int8 COMMENT 'y') ENGINE = Memory
INSERT INTO t FORMAT Values ; (1)
# comment
SELECT 1 SETTINGS x = 1""".splitlines()

GTIDS = {
    "mariadb": ["0-1-4", "0-1-4,1-2-3,7-9-18446744073709551615", "0-1-5,0-2-9,0-1-12", "4294967295-4294967295-1"],
    "mysql": ["3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-3:5:7-9:tag:1-2:other_tag:4,\n"
              "4e11fa47-71ca-11e1-9e33-c80aa9429562:1", "3e11fa47-71ca-11e1-9e33-c80aa9429562:9223372036854775806-9223372036854775807"],
}  # fmt: skip

REQUESTS = [
    '{"id": 1, "do": "status"}', '{"id": 2, "do": "watch", "interval_ms": 500}', '{"id": 3, "ok": true}',
    '{"id": 4, "error": {"code": 4, "message": "no such pipe"}}',
    '{"id": 5, "do": "create", "name": "x", "source": "mysql://a@b/", "tables": ["s.t", "u.*"], "settings": {"threads": 4}}',
]  # fmt: skip


def quietly(cursor, sql):
    """Not every server knows every statement."""
    with contextlib.suppress(pymysql.err.MySQLError):
        cursor.execute(sql)


def fill(cursor, kind, data_file):
    cursor.execute("DROP DATABASE IF EXISTS shop")
    cursor.execute("CREATE DATABASE shop CHARACTER SET utf8mb4")
    cursor.execute("USE shop")
    for kinds, _name, create, rows in TABLES:
        if kind in kinds:
            cursor.execute(create)
            for sql in rows[kind] if isinstance(rows, dict) else rows:
                cursor.execute(sql)
    for sql in STATEMENTS:
        quietly(cursor, sql.replace("DATA_FILE", str(data_file)))


def write_logs(server):
    """One log file for each form, at least; the paths of all."""
    data_file = server.folder / "tmp/numbers.txt"
    data_file.write_text("1\n2\n3\n")
    data_file.chmod(0o644)
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        for form in FORMS[server.kind]:
            for setting in form:
                cursor.execute(f"SET GLOBAL {setting}")
            cursor.execute("FLUSH BINARY LOGS")
            with contextlib.closing(server.connect()) as session, session.cursor() as fresh:
                fill(fresh, server.kind, data_file)
        cursor.execute("FLUSH BINARY LOGS")
        cursor.execute("SHOW BINARY LOGS")
        return [server.folder / "data" / row[0] for row in cursor.fetchall()]
