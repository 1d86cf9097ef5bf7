"""What a server writes into its log besides plain rows."""

import contextlib

import pytest
from harness.compare import assert_equal, ch_name, mysql_name, wait_caught_up
from harness.pipe import Pipe


def client(pipe):
    return contextlib.closing(pipe.mariadb.connect(pipe.source))


def run(connection, *statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def two(pipe):
    """A transactional table and one that is not, live."""
    pipe.run("CREATE TABLE i (id INT PRIMARY KEY, v INT) ENGINE = InnoDB")
    pipe.run("CREATE TABLE m (id INT PRIMARY KEY, v INT) ENGINE = MyISAM")
    pipe.run("INSERT INTO i VALUES (1, 1)")
    pipe.run("INSERT INTO m VALUES (1, 1)")
    return pipe.live()


@pytest.mark.core
def test_rows_of_a_transaction_rolled_back_after_a_table_without_transactions(two):
    """The server logs the InnoDB rows too, followed by ROLLBACK."""
    with client(two) as c:
        run(c, "BEGIN", "INSERT INTO i VALUES (2, 2)", "INSERT INTO m VALUES (2, 2)", "UPDATE i SET v = 9 WHERE id = 1", "ROLLBACK")
    assert two.run("SELECT * FROM i") == ((1, 1),)
    assert two.equal("i", "m") == 3


def test_savepoints(two):
    with client(two) as c:
        run(c, "BEGIN", "INSERT INTO i VALUES (2, 2)", "SAVEPOINT a", "INSERT INTO i VALUES (3, 3)", "SAVEPOINT b", "INSERT INTO i VALUES (4, 4)",
            "ROLLBACK TO b", "INSERT INTO i VALUES (5, 5)", "RELEASE SAVEPOINT a", "COMMIT")  # fmt: skip
        run(c, "BEGIN", "SAVEPOINT a", "INSERT INTO i VALUES (6, 6)", "ROLLBACK TO a", "COMMIT")
        # With a table without transactions in between ROLLBACK TO stands in the log.
        run(c, "BEGIN", "INSERT INTO i VALUES (10, 1)", "SAVEPOINT `odd ``name`", "INSERT INTO m VALUES (10, 1)", "INSERT INTO i VALUES (11, 1)",
            "ROLLBACK TO `odd ``name`", "INSERT INTO i VALUES (12, 1)", "COMMIT")  # fmt: skip
        run(c, "BEGIN", "SAVEPOINT a", "INSERT INTO i VALUES (20, 1)", "INSERT INTO m VALUES (20, 1)", "SAVEPOINT A", "INSERT INTO i VALUES (21, 1)",
            "INSERT INTO m VALUES (21, 1)", "ROLLBACK TO SAVEPOINT a", "COMMIT")  # fmt: skip
    assert [row[0] for row in two.run("SELECT id FROM i WHERE id < 10 ORDER BY id")] == [1, 2, 3, 5]
    two.equal("i", "m")


@pytest.mark.servers
def test_temporary_tables_and_create_select(two):
    with client(two) as c:
        run(c, "CREATE TEMPORARY TABLE t1 (id INT)", "INSERT INTO t1 VALUES (100), (101)", "INSERT INTO i SELECT id, 1 FROM t1", "TRUNCATE t1", "DROP TEMPORARY TABLE t1")
        # A temporary table hides the followed one: its TRUNCATE looks the same in the log.
        run(c, "CREATE TEMPORARY TABLE i (id INT)", "INSERT INTO i VALUES (7)", "TRUNCATE i", "DROP TEMPORARY TABLE i")
        run(c, "BEGIN", "INSERT INTO i VALUES (200, 2)", "CREATE TEMPORARY TABLE t2 (a INT) ENGINE = InnoDB", "ROLLBACK")
        run(c, "CREATE TABLE made AS SELECT * FROM i", "INSERT INTO i VALUES (300, 3)")
    two.equal("i", "m")


@pytest.mark.servers
def test_rotation_while_rows_flow(two):
    for n in range(12):
        two.run(f"INSERT INTO i SELECT {n} * 1000 + seq + 1000, seq FROM seq_1_to_500")
        two.run("FLUSH BINARY LOGS")
        two.run(f"UPDATE i SET v = v + 1 WHERE id > {n} * 1000")
    assert two.equal("i", "m") == 6002


MARIADB, MYSQL = pytest.mark.only("mariadb", "mariadb11"), pytest.mark.only("mysql")


@pytest.mark.parametrize(
    "options",
    [
        ["--binlog-checksum=NONE"],
        pytest.param(["--log-bin-compress=ON", "--log-bin-compress-min-len=10"], marks=MARIADB),
        pytest.param(["--binlog-row-metadata=NO_LOG"], marks=MARIADB),
        pytest.param(["--binlog-row-metadata=MINIMAL", "--binlog-annotate-row-events=OFF"], marks=MARIADB),
        pytest.param(["--binlog-row-metadata=MINIMAL", "--binlog-rows-query-log-events=ON"], marks=MYSQL),
        ["--binlog-row-event-max-size=256", "--max-binlog-size=4096"],
        pytest.param(["--lower-case-table-names=1", "--character-set-server=latin1"], marks=MARIADB),
        ["--default-time-zone=+05:30", "--sql-mode=ANSI_QUOTES", "--character-set-server=gbk"],
    ],
    ids=lambda options: " ".join(o.strip("-") for o in options),
)
@pytest.mark.servers
def test_servers_with_other_settings(engine, own_mariadb, clickhouse, options):
    pipe = Pipe(engine, own_mariadb(*options), clickhouse)
    pipe.run("CREATE TABLE t (id INT UNSIGNED PRIMARY KEY, v VARCHAR(200), l TEXT CHARACTER SET latin1, at TIMESTAMP(6) NULL, e ENUM('ä','b'), b BLOB)")
    values = "seq, REPEAT('dé', seq % 70), CONCAT('œ', seq), '2024-06-01 12:00:00.25' + INTERVAL seq SECOND, 1 + seq % 2, UNHEX(SHA2(seq, 256))"
    pipe.run(f"INSERT INTO t SELECT {values} FROM seq_1_to_500")
    engine.start()
    pipe.live()
    pipe.run(f"INSERT INTO t SELECT {values} FROM seq_501_to_1500")
    pipe.run("UPDATE t SET id = id + 4000000000, v = NULL WHERE id % 7 = 0")
    pipe.run("DELETE FROM t WHERE id % 10 = 0")
    pipe.run("FLUSH BINARY LOGS")
    pipe.run("UPDATE t SET e = 2, b = NULL WHERE id < 100")
    pipe.equal("t")


ODD = ["select", "Mixed Case", "with space", "quo`te", "back\\slash", "back\\", "dot.dot", "dash-dash", "quote'", 'double"', "ünïcödé", "日本", "emoji no but €", "%s%d", "$1 {x}"]


@pytest.mark.rule("odd-names")
@pytest.mark.servers
def test_odd_names(engine, mariadb, clickhouse):
    database, destination = "odd `db`-ü.x", "odd dest`\\"
    mariadb.run(f"DROP DATABASE IF EXISTS {mysql_name(database)}")
    mariadb.run(f"CREATE DATABASE {mysql_name(database)} CHARACTER SET utf8mb4")
    clickhouse.query(f"DROP DATABASE IF EXISTS {ch_name(destination)}")
    columns = ", ".join(f"{mysql_name(name)} VARCHAR(20)" for name in ODD)
    with contextlib.closing(mariadb.connect(database)) as c:
        for name in ODD:
            run(c, f"CREATE TABLE {mysql_name(name)} (`key``` INT PRIMARY KEY, {columns})")
            run(c, f"INSERT INTO {mysql_name(name)} SELECT seq, {', '.join(['seq'] * len(ODD))} FROM seq_1_to_20")
    engine.start()
    from urllib.parse import quote

    url = clickhouse.url("X").replace("/X?", f"/{quote(destination, safe='')}?")
    engine.sluice("create", "p", "--source", mariadb.url, "--dest", url, "--tables", mysql_name(database) + ".*", timeout=120)
    engine.wait_state("p", "Running")
    with contextlib.closing(mariadb.connect(database)) as c:
        for name in ODD:
            run(c, f"UPDATE {mysql_name(name)} SET {mysql_name(name)} = 'changed' WHERE `key``` % 2 = 0", f"DELETE FROM {mysql_name(name)} WHERE `key``` = 7")
    wait_caught_up(engine, "p", mariadb)
    assert assert_equal(mariadb, clickhouse, database, destination, ODD) == 19 * len(ODD)
    shown = {table["source"] for table in engine.pipe("p")["tables"]}
    assert len(shown) == len(ODD)


@pytest.mark.servers
def test_tables_that_are_not_followed_leave_no_trace(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE yes_1 (id INT PRIMARY KEY)")
    pipe.run("CREATE TABLE yes_2 (id INT PRIMARY KEY)")
    pipe.run("CREATE TABLE no_1 (id INT PRIMARY KEY, p POINT)")
    pipe.run("CREATE TABLE bare (id INT)")
    engine.start()
    pipe.live(tables=[f"{pipe.source}.yes_*"])
    for table in ("yes_1", "yes_2", "bare"):
        pipe.run(f"INSERT INTO {table} VALUES (1)")
    pipe.run("INSERT INTO no_1 VALUES (1, POINT(1, 2))")
    pipe.run("INSERT INTO yes_1 VALUES (2)")
    assert pipe.equal("yes_1", "yes_2") == 3
    assert clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}' ORDER BY name") == [["yes_1"], ["yes_2"]]


@pytest.mark.servers
def test_target_names(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY)")
    pipe.run("CREATE TABLE b (id INT PRIMARY KEY)")
    pipe.run("INSERT INTO a VALUES (1)")
    engine.start()
    collide = pipe.create(tables=[f"{pipe.source}.a:same", f"{pipe.source}.b:same"], ok=None)
    assert collide.code in (2, 5), collide
    assert "same" in collide.out + collide.err
    pipe.live(tables=[f"{pipe.source}.a:other_name", f"{pipe.source}.b"])
    pipe.run("INSERT INTO a VALUES (2)")
    pipe.caught_up()
    assert sorted(pipe.rows("other_name", "id")) == [[1], [2]]
