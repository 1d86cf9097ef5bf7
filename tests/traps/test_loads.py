"""Where a table begins, and how it is read: beside its own changes, at one place, by bounds that find every row."""

import contextlib
import itertools
import re
import threading

import pytest
from harness.engine import PATIENCE, Engine
from harness.injector import Injector
from harness.pipe import Pipe
from harness.process import wait_until
from harness.proxy import Proxy, no_log

ASKS_FOR_THE_END = re.compile(rb"MASTER STATUS|BINLOG STATUS|BINARY LOG STATUS|log_status", re.I)


def killed(pipe):
    wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, lambda: f"it is killed: {pipe.journal()}")
    del pipe.engine.env["SLUICE_FAULT"]


def through(proxy, server):
    return f"mysql://repl@127.0.0.1:{proxy.port}/?password-file={server.password_file}&ssl-mode=disabled"


@contextlib.contextmanager
def a_commit_that_waits(pipe, statement):
    """In the log, and held by semi-synchronous replication before anybody can read it."""
    server = pipe.mariadb
    if server.is_mysql and not server.run("SELECT 1 FROM information_schema.plugins WHERE plugin_name = 'rpl_semi_sync_source'"):
        server.run("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
    prefix = "rpl_semi_sync_source" if server.is_mysql else "rpl_semi_sync_master"
    server.run(f"SET GLOBAL {prefix}_timeout = 600000")
    server.run(f"SET GLOBAL {prefix}_wait_point = AFTER_SYNC")
    server.run(f"SET GLOBAL {prefix}_enabled = ON")
    writer = threading.Thread(target=pipe.run, args=(statement,))
    file, place = server.end_of_log()
    writer.start()
    try:
        wait_until(lambda: any("rows" in row[2] and row[2][0] in "WU" for row in server.run(f"SHOW BINLOG EVENTS IN '{file}' FROM {place}")), 30, "it is logged")
        yield
    finally:
        server.run(f"SET GLOBAL {prefix}_enabled = OFF")
        writer.join()


def snapshots_begun(server):
    return int(server.run("SHOW GLOBAL STATUS LIKE 'Com_begin'")[0][1])


def asks_for_the_commit(server):
    """One of ours waits for it; a MariaDB is asked again and again."""
    running = [row[7] or "" for row in server.run("SHOW FULL PROCESSLIST")]
    if server.is_mysql:
        return any("WAIT_FOR_EXECUTED_GTID_SET" in sql for sql in running)
    begun = snapshots_begun(server)
    wait_until(lambda: snapshots_begun(server) > begun + 2, 5, "a snapshot is tried again and again")
    return True


def is_live(pipe, table):
    return any(t["source"] == f"{pipe.source}.{table}" and t["state"] == "live" for t in pipe.status()["tables"])


class TooEarly(Exception):
    pass


def checkpoint_of(server, file):
    """Where the log says that nothing of the files before is needed any more; 0: not yet."""
    return max((row[1] for row in server.run(f"SHOW BINLOG EVENTS IN '{file}'") if row[2] == "Binlog_checkpoint" and row[5].endswith(file)), default=0)


def loaded_beside_a_commit_that_waits(pipe, rule, behind=None, **options):
    """The rows that a pipe has which began while a row of its table was logged and not yet to be seen. `behind`: what is awaited then."""
    with a_commit_that_waits(pipe, "INSERT INTO t VALUES (3, 3)"):
        if behind:
            wait_until(behind, 30, "the log goes on")
        assert pipe.run("SELECT id FROM t ORDER BY id") == ((1,), (2,))
        pipe.create(**options)
        wait_until(lambda: "position recorded" in pipe.journal(), 30 * PATIENCE, pipe.journal)
        if rule and not pipe.mariadb.is_mysql:
            begun = snapshots_begun(pipe.mariadb)
            wait_until(lambda: snapshots_begun(pipe.mariadb) > begun + 2, 30 * PATIENCE, "a reader tries, and does not read yet")
        else:
            pipe.wait("Running")
    pipe.wait("Running")
    pipe.caught_up()
    return sorted(pipe.clickhouse.rows(f"SELECT id FROM {pipe.destination}.t"))


@pytest.mark.rule("visible-before-read")
@pytest.mark.parametrize("engine_of_table", ["ReplacingMergeTree", "MergeTree"])
@pytest.mark.only("mariadb", "mariadb11")
def test_a_snapshot_that_claims_more_than_it_holds(engine, own_mariadb, clickhouse, trap, engine_of_table):
    """Some time after a log began MariaDB writes a CHECKPOINT into it, also behind a commit that waits."""
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1), (2, 2)")
    server = pipe.mariadb
    options = {"settings": [f"{pipe.source}.t:engine={engine_of_table}"]} if engine_of_table == "MergeTree" else {}

    def behind(file):
        wait_until(lambda: checkpoint_of(server, file), 30, "the CHECKPOINT is written")
        if not any(row[1] < checkpoint_of(server, file) and "rows" in row[2] for row in server.run(f"SHOW BINLOG EVENTS IN '{file}'")):
            raise TooEarly
        return True

    def loaded(rule):
        """It comes when it comes: before the commit, now and then."""
        for _ in range(50):
            pipe.run("UPDATE t SET v = v + 1 WHERE id = 1")
            server.run("FLUSH BINARY LOGS")
            file, _ = server.end_of_log()
            if checkpoint_of(server, file):
                continue
            try:
                return loaded_beside_a_commit_that_waits(pipe, rule, lambda: behind(file), **options)
            except TooEarly:
                pipe.run("DELETE FROM t WHERE id = 3")
        raise AssertionError("a CHECKPOINT never came behind a commit")

    with trap.without("snapshots-claim-what-they-hold"):
        engine.start()
        assert loaded(False) == [[1], [2]]
        trap("a snapshot is of the place of a CHECKPOINT, and does not hold the commit that stands before it and waits: its row is lost")
        engine.sluice("drop", "p", "--drop-target", "--yes")
        pipe.run("DELETE FROM t WHERE id = 3")
        engine.stop()
    engine.start()
    assert loaded(True) == [[1], [2], [3]]


@pytest.mark.rule("visible-before-read")
def test_a_row_that_is_logged_and_not_to_be_seen(engine, own_mariadb, clickhouse, trap):
    """MySQL has it in no set of executed GTIDs yet: the stream brings it. On MariaDB the readers wait."""
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1), (2, 2)")
    if pipe.mariadb.is_mysql:
        trap("a row stands in the log, where readers of it see it, and no SELECT can see it: its commit waits")
    else:
        with trap.without("visible-before-read"):
            engine.start()
            assert loaded_beside_a_commit_that_waits(pipe, False) == [[1], [2]]
            trap("a row that was logged before the load began, and not visible when it read, is lost")
            engine.sluice("drop", "p", "--drop-target", "--yes")
            pipe.run("DELETE FROM t WHERE id = 3")
            engine.stop()
    engine.start()
    assert loaded_beside_a_commit_that_waits(pipe, True) == [[1], [2], [3]]


@pytest.mark.rule("visible-before-read")
def test_a_row_that_was_passed_before_its_table_came(engine, own_mariadb, clickhouse, trap):
    """The stream has read it already, of a table that was not the pipe's yet: no other than the load brings it."""
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    for table in ("t", "u"):
        pipe.run(f"CREATE TABLE {table} (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1), (2, 2)")

    def added(rule):
        pipe.live(tables=[f"{pipe.source}.u"])
        with a_commit_that_waits(pipe, "INSERT INTO t VALUES (3, 3)"):
            pipe.caught_up()
            assert pipe.run("SELECT id FROM t ORDER BY id") == ((1,), (2,))
            engine.sluice("tables", "p", "add", f"{pipe.source}.t")
            wait_until(lambda: asks_for_the_commit(pipe.mariadb) if rule else is_live(pipe, "t"), 30 * PATIENCE, pipe.journal)
        wait_until(lambda: is_live(pipe, "t"), 60 * PATIENCE, pipe.journal)
        pipe.caught_up()
        return sorted(pipe.clickhouse.rows(f"SELECT id FROM {pipe.destination}.t"))

    with trap.without("visible-before-read"):
        engine.start()
        assert added(False) == [[1], [2]]
        trap("the stream has passed a row that no SELECT can see yet; a load that does not wait for it loses it")
        engine.sluice("drop", "p", "--drop-target", "--yes")
        pipe.run("DELETE FROM t WHERE id = 3")
        engine.stop()
    engine.start()
    assert added(True) == [[1], [2], [3]]


@pytest.mark.rule("failover-needs-our-transactions")
@pytest.mark.only("mysql")
def test_a_commit_that_waits_is_not_missing(engine, own_mariadb, clickhouse, trap):
    """Its row was sent and its GTID is none of those that are executed: the server has it all the same, and sends what follows it."""
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    engine.start()
    pipe.live()
    with a_commit_that_waits(pipe, "INSERT INTO t VALUES (3, 3)"):
        pipe.caught_up()
        assert pipe.run("SELECT id FROM t") == () and pipe.rows("t", "id") == [[3]]
        applied = pipe.status()["position"]["gtid"]
        assert pipe.mariadb.run("SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", applied) == ((0,),)
        trap("what was replicated is not among what the server has executed")
        engine.stop()
        engine.start()
        wait_until(lambda: pipe.status()["lag_seconds"] == 0, 60 * PATIENCE, lambda: engine.describe("p"))
    pipe.run("INSERT INTO t VALUES (4, 4)")
    assert pipe.equal("t") == 2


def couple(own_mariadb):
    """A server, and one that replicates it."""
    own = ["--log-replica-updates=ON"] if own_mariadb.kind == "mysql" else ["--log-slave-updates=ON", "--gtid-strict-mode=ON"]
    first, second = own_mariadb("--server-id=11", *own), own_mariadb("--server-id=12", *own)
    second.replicate(first)
    return first, second


def stop_replicating(first, second):
    """What comes from now on the second one never has."""
    second.wait_replicated(first.gtids())
    second.run("STOP REPLICA" if second.is_mysql else "STOP SLAVE")


@contextlib.contextmanager
def beside_one_without(rule, engine, server, clickhouse, folder):
    """Two pipes of one source, each of its own engine, which are started; that of the second one does not know the rule."""
    other = Engine(folder / "without")
    other.env["SLUICE_WITHOUT"] = rule
    with contextlib.closing(other):
        engine.start()
        other.start()
        pipe = Pipe(engine, server, clickhouse)
        yield pipe, Pipe(other, server, clickhouse, source=pipe.source)


class Reads:
    """Of a proxy: who begins to read a table waits until it is let go."""

    def __init__(self):
        self.asked, self.let_go = threading.Event(), threading.Event()

    def __call__(self, data):
        if b"CONSISTENT SNAPSHOT" in data:
            self.asked.set()
            assert self.let_go.wait(60 * PATIENCE)


class NoLog(Reads):
    """And no log is sent any more."""

    def __init__(self, held):
        super().__init__()
        if not held:
            self.let_go.set()

    def __call__(self, data):
        no_log(data)
        super().__call__(data)


@pytest.mark.rule("failover-needs-our-transactions")
@pytest.mark.parametrize("when", ["before", "while"])
def test_a_load_has_read_what_the_next_server_lacks(engine, own_mariadb, clickhouse, trap, folder, when):
    """The stream has not come to it, so no checkpoint tells. It was committed before the table's load began, or while it was read."""
    first, second = couple(own_mariadb)
    with Proxy(first.port) as proxy, beside_one_without("loads-are-of-this-history", engine, first, clickhouse, folder) as (pipe, without):
        for table in ("t", "u"):
            pipe.run(f"CREATE TABLE {table} (id INT PRIMARY KEY, v VARCHAR(9))")
        pipe.run("INSERT INTO t VALUES (1, 'one'), (2, 'two')")
        for each in (pipe, without):
            each.live(tables=[f"{pipe.source}.u"], url=through(proxy, first))
            each.caught_up()
        stop_replicating(first, second)
        proxy.on_request = no_log = NoLog(when == "while")
        proxy.cut()
        if when == "before":
            pipe.run("INSERT INTO t VALUES (3, 'lost')")
        for each in (pipe, without):
            each.engine.sluice("tables", "p", "add", f"{pipe.source}.t")
        if when == "while":
            assert no_log.asked.wait(60 * PATIENCE)
            pipe.run("INSERT INTO t VALUES (3, 'lost')")
            no_log.let_go.set()
        for each in (pipe, without):
            wait_until(lambda: clickhouse.rows(f"EXISTS {each.destination}.t") == [[1]] and each.rows("t", "v", "id = 3"), 20 * PATIENCE, lambda: f"{each.journal()} {each.status()}")
            assert each.table("t")["state"] == "loading"
        proxy.target, proxy.on_request = second.port, None
        proxy.cut()
        pipe.mariadb = without.mariadb = second
        for each in (pipe, without):
            wait_until(lambda: "another server answers" in each.journal(), 60 * PATIENCE, each.journal)
        pipe.run("INSERT INTO t VALUES (4, 'new')")
        wait_until(lambda: is_live(pipe, "t"), 120 * PATIENCE, pipe.journal)
        assert pipe.equal("t") == 3
        assert not pipe.table("t")["resync_advised"]
        wait_until(lambda: is_live(without, "t"), 120 * PATIENCE, without.journal)
        without.caught_up()
        assert sorted(without.rows("t", "id")) == [[1], [2], [3], [4]]
        trap("a row that the load had read, and that the server which took over never had, stays for ever")


@pytest.mark.rule("failover-needs-our-transactions")
def test_a_load_that_is_over_has_read_what_the_next_server_lacks(engine, own_mariadb, clickhouse, trap, folder):
    """The stream has come to it, and its batch is open still: no checkpoint tells, and a crash forgets what the readers knew."""
    first, second = couple(own_mariadb)
    with Proxy(first.port) as proxy, beside_one_without("loads-are-of-this-history", engine, first, clickhouse, folder) as (pipe, without):
        for table in ("t", "u"):
            pipe.run(f"CREATE TABLE {table} (id INT PRIMARY KEY, v VARCHAR(9))")
        pipe.run("INSERT INTO t VALUES (1, 'one'), (2, 'two')")
        for each in (pipe, without):
            each.live(tables=[f"{pipe.source}.u"], url=through(proxy, first), settings=["batch_age=1h", "readers=1"])
        stop_replicating(first, second)
        proxy.on_request = reads = Reads()
        for each in (pipe, without):
            reads.asked.clear()
            each.engine.sluice("tables", "p", "add", f"{pipe.source}.t")
            assert reads.asked.wait(60 * PATIENCE)
        pipe.run("INSERT INTO t VALUES (3, 'lost')")
        reads.let_go.set()
        for each in (pipe, without):
            wait_until(lambda: is_live(each, "t"), 60 * PATIENCE, each.journal)
            each.engine.kill()
        first.stop()
        proxy.target, proxy.on_request = second.port, None
        proxy.cut()
        pipe.mariadb = without.mariadb = second
        for each in (pipe, without):
            each.engine.start()
            wait_until(lambda: "another server answers" in each.journal(), 60 * PATIENCE, each.journal)
        pipe.run("INSERT INTO t VALUES (4, 'new')")
        without.engine.sluice("set", "p", "batch_age=1s")
        without.caught_up()
        assert sorted(without.rows("t", "id")) == [[1], [2], [3], [4]] and not without.table("t")["resync_advised"]
        trap("rows that the load had read, and that the server which took over never had, stay for ever")
        assert pipe.table("t")["resync_advised"] and "may lack what was read of this table" in pipe.journal()
        engine.sluice("set", "p", "batch_age=1s")
        engine.sluice("resync", "p", "--table", f"{pipe.source}.t", "--wait", timeout=120 * PATIENCE)
        assert pipe.equal("t") == 3 and not pipe.table("t")["resync_advised"]


@pytest.mark.rule("failover-needs-our-transactions")
@pytest.mark.parametrize("statement", ["TRUNCATE TABLE t", "ALTER TABLE t MODIFY v BIGINT", "DROP TABLE t"], ids=["truncate", "alter", "drop"])
def test_a_statement_was_carried_out_that_the_next_server_lacks(engine, own_mariadb, clickhouse, trap, folder, statement):
    """No checkpoint tells of it: it comes behind the last."""
    first, second = couple(own_mariadb)
    with beside_one_without("statements-are-of-this-history", engine, first, clickhouse, folder) as (pipe, without):
        pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
        pipe.run("INSERT INTO t VALUES (1, 1), (2, 2)")
        for each in (pipe, without):
            each.live()
            each.caught_up()
            each.engine.stop()
        stop_replicating(first, second)
        pipe.run(statement)
        for each in (pipe, without):
            each.engine.dies("ddl-gone" if "DROP" in statement else "ddl-done")
        first.stop()
        second.take_place_of(first)
        pipe.mariadb = without.mariadb = second
        for each in (pipe, without):
            each.engine.start()
            wait_until(lambda: "another server answers" in each.journal(), 60 * PATIENCE, each.journal)
        pipe.run("INSERT INTO t VALUES (3, 3)")
        without.caught_up()
        assert pipe.run("SELECT COUNT(*), MAX(v) FROM t") == ((3, 3),)
        row = without.table("t")
        if statement.startswith("TRUNCATE"):
            assert without.rows("t", "id") == [[3]] and row["state"] == "live" and not row["resync_advised"]
            trap("the rows that the statement had removed stay away, and the table is shown as it should be")
            pipe.caught_up()
            assert pipe.table("t")["resync_advised"] and f"or was about to be: {statement}" in pipe.journal()
        else:
            if statement.startswith("ALTER"):
                assert row["state"] == "failed" and "another server" not in row["error"]["message"]
                trap("its columns are not those of the source, and what is said of it is not why")
            else:
                assert row["state"] == "dropped" and not row["resync_advised"]
                trap("it is shown as dropped, and the source has it")
            found = wait_until(lambda: (t := pipe.table("t"))["state"] == "failed" and t, 30 * PATIENCE, lambda: pipe.engine.describe("p"))
            message = found["error"]["message"]
            assert statement.split()[0] in message and "another server took over that lacks" in message, found["error"]
        engine.sluice("resync", "p", "--table", f"{pipe.source}.t", "--wait", timeout=120 * PATIENCE)
        assert pipe.equal("t") == 3 and not pipe.table("t")["resync_advised"]


@pytest.mark.rule("failover-needs-our-transactions")
def test_a_dropped_table_that_the_next_server_has(engine, own_mariadb, clickhouse, trap):
    """Where new tables are added, it comes back as one."""
    first, second = couple(own_mariadb)
    pipe = Pipe(engine, first, clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1), (2, 2)")
    engine.start()
    pipe.live(settings=["new_tables=add"])
    pipe.caught_up()
    engine.stop()
    stop_replicating(first, second)
    engine.dies("ddl-gone", lambda: pipe.run("DROP TABLE t"))
    first.stop()
    second.take_place_of(first)
    pipe.mariadb = second
    assert pipe.table("t")["state"] == "dropped" and pipe.run("SELECT COUNT(*) FROM t") == ((2,),)
    trap("the table is not followed since it was dropped, and the server that took over has it")
    engine.start()
    wait_until(lambda: is_live(pipe, "t"), 60 * PATIENCE, pipe.journal)
    pipe.run("INSERT INTO t VALUES (3, 3)")
    assert pipe.equal("t") == 3


FORMAT_DESCRIPTION, MARIADB_GTID = 15, 162


@pytest.mark.rule("places-are-behind-the-gtids")
@pytest.mark.only("mariadb", "mariadb11")  # MySQL goes on by GTID in any case
@pytest.mark.parametrize("domains", [1, 2])
def test_a_session_ends_before_the_next_server_has_found_the_place(engine, own_mariadb, clickhouse, trap, folder, domains):
    """It looks for it from the start of a file, which may take long, and tells of that start. What it has logged of another domain
    before that it sends, and passes over the rest."""
    first, second = couple(own_mariadb)
    if domains == 2:
        with contextlib.closing(second.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION gtid_domain_id = 7")
            cursor.execute("CREATE DATABASE of_another_domain")
    with Injector(first.port) as line, beside_one_without("places-are-behind-the-gtids", engine, first, clickhouse, folder) as (pipe, without):
        pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
        pipe.run("INSERT INTO t VALUES (1, 1), (2, 2)")
        for each in (pipe, without):
            each.live(url=through(line, first))
            each.caught_up()
            each.engine.stop()
        stop_replicating(first, second)
        first.stop()
        line.target, line.heartbeats = second.port, False
        pipe.mariadb = without.mariadb = second
        ages = itertools.count(1)

        def next_session(each):
            """The state in it, once its server has told of a file's start. The one before has ended, and left a checkpoint."""
            before = line.passed[FORMAT_DESCRIPTION]
            if before:
                each.engine.sluice("set", "p", f"batch_age={next(ages)}s", ok=None)
            wait_until(lambda: line.passed[FORMAT_DESCRIPTION] > before or each.status()["state"] == "Failed", 60 * PATIENCE, each.journal)
            return each.status()["state"]

        for each in (without, pipe):
            line.passed.clear()
            each.engine.start()
            wait_until(lambda: "another server answers" in each.journal(), 60 * PATIENCE, each.journal)
            if each is without:
                wait_until(lambda: next_session(each) == "Failed", 60 * PATIENCE, each.journal, 0.3)
                assert "was used before by another transaction" in each.status()["error"]["message"]
                trap("a session begins at the start of a file, and finds in the log what it has: the server is said to have another history")
        for _ in range(5):
            assert next_session(pipe) == "Running", engine.describe("p")
        if domains == 2:
            wait_until(lambda: line.passed[MARIADB_GTID] and "7-12-1" in (next_session(pipe) and pipe.status()["position"]["gtid"]), 60 * PATIENCE, pipe.status)
            assert next_session(pipe) == "Running", engine.describe("p")
        line.heartbeats = True
        pipe.run("INSERT INTO t VALUES (3, 3)")
        assert pipe.equal("t") == 3
        assert pipe.status()["position"]["file"]


SWAP = "ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a"


@pytest.mark.rule("definition-around-the-begin")
def test_altered_between_the_definition_and_the_begin(engine, own_mariadb, clickhouse, trap):
    pipe = Pipe(engine, own_mariadb("--binlog-row-metadata=MINIMAL"), clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)")
    pipe.run("INSERT INTO t VALUES (1, 10, 20)")

    def row_of_a_pipe_that_begins_there():
        asked = []

        def request(data):
            if b"SHOW CREATE TABLE" in data:
                asked.append("definition")
            elif ASKS_FOR_THE_END.search(data) and asked[-1:] == ["definition"] and "altered" not in asked:  # the stream asks, too
                asked.append("altered")
                pipe.run(SWAP)
                with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
                    cursor.execute("UPDATE t SET a = 1, b = 2")

        with Proxy(pipe.mariadb.port) as proxy:
            pipe.create(url=through(proxy, pipe.mariadb))
            pipe.wait("Running")
            pipe.caught_up()
            # Again, armed: a resync reads definition and place as the beginning does, without what create looks at before.
            proxy.on_request = request
            engine.sluice("resync", "p")
            wait_until(lambda: "altered" in asked, 30 * PATIENCE, "it is altered in between")
            proxy.on_request = None
            engine.wait_state("p", "Running")
            wait_until(lambda: "took its place" in pipe.journal(), 60 * PATIENCE, pipe.journal)
            pipe.run("UPDATE t SET a = 3, b = 4")
            pipe.caught_up()
            found = pipe.rows("t", "id, a, b")
            engine.sluice("drop", "p", "--drop-target", "--yes")
        return found

    with trap.without("definition-around-the-begin"):
        engine.start()
        assert row_of_a_pipe_that_begins_there() == [[1, 4, 3]]
        trap("an ALTER just before the place where the load begins: what comes then is read by the definition before it, into wrong columns")
        engine.stop()
    engine.start()
    assert row_of_a_pipe_that_begins_there() == [[1, 3, 4]]


KEYS = {
    "e": ("e ENUM('z','y','x','w','v') NOT NULL, n INT NOT NULL, PRIMARY KEY (e, n)", "1 + seq % 5, seq"),
    "s": ("s SET('c','b','a') NOT NULL, n INT NOT NULL, PRIMARY KEY (s, n)", "seq % 8, seq"),
    "c": ("c VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL, n INT NOT NULL, PRIMARY KEY (c, n)", "ELT(1 + seq % 6, 'a', 'Ä', 'z', 'ß', 'Z', 'é'), seq"),
    "l": ("c VARCHAR(20) CHARACTER SET latin1 NOT NULL, n INT NOT NULL, PRIMARY KEY (c, n)", "ELT(1 + seq % 4, 'ü', 'Y', 'z', 'é'), seq"),
    "b": ("b BIGINT UNSIGNED PRIMARY KEY, n INT", "18446744073709551615 - seq, seq"),
}


@pytest.mark.rule("bounds-by-number-and-bytes")
def test_ranges_of_odd_keys(pipe, trap):
    for name, (columns, values) in KEYS.items():
        pipe.run(f"CREATE TABLE {name} ({columns}, v VARCHAR(100) DEFAULT '{'v' * 90}')")
        key = columns.split()[0]
        pipe.run(f"INSERT INTO {name} ({key}, n) SELECT {values} FROM seq_1_to_6000")
    # 'v' is the last label, and 'z' the first.
    assert pipe.run("SELECT COUNT(*) FROM e WHERE e > 'z'") == ((0,),) and pipe.run("SELECT COUNT(*) FROM e WHERE e > 1") == ((4800,),)
    trap("a range behind the label 'z' finds nothing: labels are ordered by their numbers, and compared as text")
    pipe.live(settings=["readers=2", "batch_bytes=64KiB", "batch_rows=1000"])
    assert pipe.equal(*KEYS) == 6000 * len(KEYS)


@pytest.mark.rule("range-read-again-after-deletes")
def test_rows_are_deleted_between_two_readings_of_a_range(pipe, trap):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200))")
    pipe.run("INSERT INTO t SELECT seq, REPEAT('v', 150) FROM seq_1_to_5000")
    pipe.engine.stop()
    pipe.engine.env["SLUICE_FAULT"] = "load-inserted"
    pipe.engine.start()
    pipe.create(ok=None)
    killed(pipe)
    assert (before := pipe.rows("t", "count()")[0][0]) > 0
    pipe.run("DELETE FROM t WHERE id % 3 = 0")
    assert pipe.rows("t", "count()", "id % 3 = 0")[0][0] >= before // 3 - 1
    trap("what the range gave at first is there, and the next reading of it has no word of the rows that are gone")
    # The same name for another block: ClickHouse takes it for a repetition.
    pipe.clickhouse.query(f"CREATE TABLE {pipe.destination}.tokens (id Int32) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100")
    for values in ("(1), (2)", "(2), (3)"):
        pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.tokens VALUES {values}", insert_deduplication_token="range 1", insert_deduplicate=1)
    assert sorted(pipe.clickhouse.rows(f"SELECT id FROM {pipe.destination}.tokens")) == [[1], [2]]
    trap("and what is inserted of the second reading by the first one's token is dropped in silence")
    pipe.run("INSERT INTO t SELECT seq, 'new' FROM seq_6001_to_6100")
    pipe.engine.start()
    pipe.wait("Running")
    assert pipe.equal("t") == 5000 - 1666 + 100


def images_of_a_row_that_comes_between(pipe, fault, settings):
    """How often it is at the destination, when it was written after the load began and before it read."""
    pipe.engine.stop()
    pipe.engine.env["SLUICE_FAULT"] = fault
    pipe.engine.start()
    pipe.create(ok=None, settings=settings)
    killed(pipe)
    pipe.run("INSERT INTO t VALUES (3, 3)")
    pipe.engine.start()
    pipe.wait("Running")
    pipe.caught_up()
    return pipe.clickhouse.rows(f"SELECT id, count() FROM {pipe.destination}.t GROUP BY id ORDER BY id")


@pytest.mark.rule("append-only-loads-at-one-place")
def test_a_change_between_the_begin_and_the_reading(pipe, trap):
    if pipe.mariadb.is_mysql:
        pipe.mariadb.run("GRANT LOCK TABLES ON *.* TO repl@'127.0.0.1'")
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1), (2, 2)")
    pipe.clickhouse.query("SYSTEM STOP MERGES")
    try:
        assert images_of_a_row_that_comes_between(pipe, "load-planned", []) == [[1, 1], [2, 1], [3, 2]]
        trap("a row that comes between the place where the load begins and its reading is both read and streamed")
        pipe.engine.sluice("drop", "p", "--drop-target", "--yes")
        pipe.run("DELETE FROM t WHERE id = 3")
        for fault in ("setup-start-recorded", "exact-begun"):
            settings = [f"{pipe.source}.t:engine=MergeTree"]
            assert images_of_a_row_that_comes_between(pipe, fault, settings) == [[1, 1], [2, 1], [3, 1]], fault
            pipe.engine.sluice("drop", "p", "--drop-target", "--yes")
            pipe.run("DELETE FROM t WHERE id = 3")
    finally:
        pipe.clickhouse.query("SYSTEM START MERGES")
        if pipe.mariadb.is_mysql:
            pipe.mariadb.run("REVOKE LOCK TABLES ON *.* FROM repl@'127.0.0.1'")


@pytest.mark.rule("snapshot-pipe-ends-at-one-place")
def test_what_changed_in_what_was_read(pipe, trap):
    """Of two tables the first changes when it is read and the second is not: they end as they were at one place."""
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
    pipe.run("CREATE TABLE b (id INT PRIMARY KEY, v INT)")
    for table in "ab":
        pipe.run(f"INSERT INTO {table} SELECT seq, 0 FROM seq_1_to_1000")
    pipe.engine.stop()
    pipe.engine.env["SLUICE_FAULT"] = "load-last-range-done"
    pipe.engine.start()
    pipe.create(ok=None, mode="snapshot", settings=["readers=1"])
    killed(pipe)
    read, left = ("a", "b") if pipe.rows("a", "count()") == [[1000]] else ("b", "a")
    assert pipe.rows(read, "count()") == [[1000]]
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        for statement in ("BEGIN", f"UPDATE {read} SET v = 1", f"UPDATE {left} SET v = 1", "COMMIT"):
            cursor.execute(statement)
    assert pipe.rows(read, "sum(v)") == [[0]] and pipe.run(f"SELECT SUM(v) FROM {left}") == ((1000,),)
    trap("one transaction changes a table that was read and one that will be: the ranges alone have half of it")
    pipe.engine.start()
    status = pipe.wait("Completed")
    assert pipe.rows(read, "sum(v)") == pipe.rows(left, "sum(v)") == [[1000]]
    assert status["position"]["file"] or status["position"]["gtid"]
    pipe.run(f"UPDATE {read} SET v = 2")
    pipe.engine.stop()
    pipe.engine.start()
    assert pipe.status()["state"] == "Completed" and pipe.rows(read, "sum(v)") == [[1000]], "nothing of later"
