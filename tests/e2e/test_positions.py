"""Where a pipe begins and goes on: by file and offset, by MariaDB's GTIDs of several domains, by MySQL's sets with gaps and tags."""

import contextlib

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until

pytestmark = pytest.mark.servers

MARIADB = pytest.mark.only("mariadb", "mariadb11")
MYSQL = pytest.mark.only("mysql")


def restart(pipe):
    pipe.engine.kill()
    pipe.engine.start()


@pytest.fixture(scope="module")
def server(mariadb):
    """The shared one: each test writes into a database of its own, and looks at what is added to the log."""
    return mariadb


@pytest.fixture
def empty(engine, server, clickhouse):
    """A table without rows, and no pipe yet."""
    pipe = Pipe(engine, server, clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(60))")
    engine.start()
    return pipe


def ids(pipe):
    return sorted(row[0] for row in pipe.rows("t", "id"))


@contextlib.contextmanager
def session(pipe):
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        yield cursor


def in_domain(cursor, domain, *statements):
    cursor.execute("SET SESSION gtid_domain_id = %s", (domain,))
    for statement in statements:
        cursor.execute(statement)


# cdc: start=


@pytest.mark.parametrize("by", ["gtid", "file"])
@pytest.mark.parametrize("kill", [False, True])
def test_cdc_starts_where_it_is_told(empty, by, kill):
    """Not a row before it, every row from there on; also when it is killed before anything was read."""
    empty.run("INSERT INTO t VALUES (1, 'before')")
    file, pos = empty.mariadb.end_of_log()
    start = f"gtid:{empty.mariadb.gtids()}" if by == "gtid" else f"file:{file}:{pos}"
    if kill:
        empty.run("INSERT INTO t VALUES (2, 'behind it, before the pipe')")
        empty.mariadb.run("FLUSH BINARY LOGS")
    empty.live(mode="cdc", settings=[f"start={start}"])
    if kill:
        restart(empty)
    empty.run("INSERT INTO t VALUES (3, 'new')")
    empty.run("UPDATE t SET v = 'changed' WHERE id = 3")
    empty.caught_up()
    restart(empty)
    empty.run("INSERT INTO t VALUES (4, 'newer')")
    empty.caught_up()
    assert ids(empty) == ([2, 3, 4] if kill else [3, 4])
    assert empty.rows("t", "v", "id = 3") == [["changed"]]
    assert empty.table("t")["inserts"] == (3 if kill else 2)


def test_starts_that_are_none(empty):
    for start in ("gtid:nonsense", "gtid:0-1", "file:bin.000001", "file:bin.000001:3", "file::4", "yesterday"):
        result = empty.create(mode="cdc", settings=[f"start={start}"], ok=5 if start.startswith("gtid:") else 2)
        assert "start" in result.out + result.err, start
    assert '"p"' not in empty.engine.sluice("status", "--json").out


def test_a_start_that_the_server_never_reached(empty):
    """It is told, and nothing is read from elsewhere instead."""
    file, pos = empty.mariadb.end_of_log()
    empty.run("INSERT INTO t VALUES (1, '')")
    empty.create(mode="cdc", settings=[f"start=file:{file}:{pos + 1_000_000_000}"])
    error = empty.wait("Failed")["error"]
    assert error["message"] and error["remedies"], error
    assert ids(empty) == []


@MYSQL
def test_cdc_starts_at_a_set_with_gaps_and_tags(empty):
    """What the set leaves out is read, in whatever place it stands in the log; what it names is not."""
    uuid = empty.mariadb.run("SELECT @@server_uuid")[0][0]
    last = 1 + max(
        (int(part.rpartition("-")[2]) for part in empty.mariadb.gtids().split(",")[0].split(":")[1:] if part.rpartition("-")[2].isdigit()), default=0
    )
    before = empty.mariadb.gtids()
    gtids = {1: f"{uuid}:{last + 100}", 2: f"{uuid}:{last + 101}", 3: f"{uuid}:green:7", 4: f"{uuid}:green:8", 5: f"{uuid}:{last + 103}"}
    with session(empty) as cursor:
        for number, gtid in gtids.items():
            cursor.execute("SET gtid_next = %s", (gtid,))
            cursor.execute("INSERT INTO t VALUES (%s, %s)", (number, gtid))
        cursor.execute("SET gtid_next = 'AUTOMATIC'")
    known = empty.mariadb.run("SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, %s)", f"{gtids[2]},{gtids[3]}")[0][0].replace("\n", "")
    assert known != before
    empty.live(mode="cdc", settings=[f"start=gtid:{known}"])
    restart(empty)
    empty.run("INSERT INTO t VALUES (6, 'fills a gap')")
    empty.caught_up()
    assert ids(empty) == [2, 3, 6]
    wait_until(lambda: empty.mariadb.run("SELECT GTID_SUBSET(@@GLOBAL.gtid_executed, %s)", empty.status()["position"]["gtid"])[0][0] == 1,
               20 * PATIENCE, lambda: f"{empty.status()['position']} is {empty.mariadb.gtids()}")  # fmt: skip
    # Its own set is good for another pipe to begin with.
    other = Pipe(empty.engine, empty.mariadb, empty.clickhouse, name="q", source=empty.source)
    other.live(mode="cdc", settings=[f"start=gtid:{empty.status()['position']['gtid']}"])
    empty.run("INSERT INTO t VALUES (7, '')")
    other.caught_up()
    assert ids(other) == [7]


# MariaDB's domains


@MARIADB
def test_two_domains_in_turns(empty):
    """Numbers of one domain say nothing of the other's."""
    empty.live(settings=["batch_rows=100"])
    for n in range(4):
        with session(empty) as cursor:
            for k in range(25):
                number = n * 100 + k * 4
                in_domain(cursor, 0, f"INSERT INTO t VALUES ({number}, 'zero')")
                in_domain(cursor, 7, f"INSERT INTO t VALUES ({number + 1}, 'seven')", f"UPDATE t SET v = 'changed' WHERE id = {number}")
                in_domain(cursor, 4294967295, f"INSERT INTO t VALUES ({number + 2}, 'last')", f"DELETE FROM t WHERE id = {number + 1}")
        restart(empty)
    assert empty.equal("t") == 200
    assert empty.table("t")["inserts"] == 300 and empty.table("t")["deletes"] == 100

    def same():
        return sorted(empty.status()["position"]["gtid"].split(",")) == sorted(empty.mariadb.gtids().split(","))

    wait_until(same, 20 * PATIENCE, lambda: f"{empty.status()['position']} is {empty.mariadb.gtids()}")


@MARIADB
def test_cdc_starts_at_gtids_of_several_domains(empty):
    """One domain is behind the other: of it more is read."""
    with session(empty) as cursor:
        in_domain(cursor, 0, "INSERT INTO t VALUES (1, 'zero')")
        in_domain(cursor, 9, "INSERT INTO t VALUES (2, 'nine')")
        behind = dict(gtid.split("-", 1) for gtid in empty.mariadb.gtids().split(","))
        in_domain(cursor, 0, "INSERT INTO t VALUES (3, 'zero')")
        in_domain(cursor, 9, "INSERT INTO t VALUES (4, 'nine')", "INSERT INTO t VALUES (5, 'nine')")
        in_domain(cursor, 0, "INSERT INTO t VALUES (6, 'zero')")
        start = {**dict(gtid.split("-", 1) for gtid in empty.mariadb.gtids().split(",")), "9": behind["9"]}
        in_domain(cursor, 0, "INSERT INTO t VALUES (7, 'zero')")
        empty.live(mode="cdc", settings=["start=gtid:" + ",".join(f"{domain}-{rest}" for domain, rest in start.items())])
        restart(empty)
        in_domain(cursor, 9, "INSERT INTO t VALUES (8, 'nine')")
    empty.caught_up()
    assert ids(empty) == [4, 5, 7, 8]
    restart(empty)
    with session(empty) as cursor:
        in_domain(cursor, 5, "INSERT INTO t VALUES (9, 'a domain that is new')")
    empty.caught_up()
    assert ids(empty) == [4, 5, 7, 8, 9]
