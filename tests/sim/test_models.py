"""The models of the simulator are checked themselves: what a seed has them do is done on real servers, and what those log, show and
hand out is compared after each action (models.c says what). SLUICE_MODEL_SEEDS=N takes N new seeds beside the fixed ones;
SLUICE_MODEL_SEED=N that one alone."""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import threading
import time

import pymysql
import pytest
from harness import logfile
from harness.engine import BUILD
from harness.fixtures import KIND
from harness.mariadb import MariaDB
from harness.process import wait_until

TABLES = [f"t{n}" for n in range(4)]
# Of MariaDB's flags of a GTID: a statement of its own, DDL, it prepares an XA transaction.
STANDALONE, DDL, PREPARES = 1, 32, 64
ONE = "X'6f',X'',1"
NEVER = "INSERT INTO t3 (k, v) VALUES (-1, 0)"
TEMPORARY = "CREATE TEMPORARY TABLE made_within (id INT)"


def seeds(*fixed):
    """New ones are drawn when they are needed: all processes of a run are to know the tests by the same names."""
    if "SLUICE_MODEL_SEED" in os.environ:
        return [int(os.environ["SLUICE_MODEL_SEED"])]
    return [*fixed, *(f"new{n}" for n in range(int(os.environ.get("SLUICE_MODEL_SEEDS", "0"))))]


def model(kind, seed, count, *words):
    program = BUILD / "tests" / "sim" / "models"
    done = subprocess.run([program, kind, str(seed), str(count), *words], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def row_by_row(seed, carry_out, kind, count, *words):
    """Each action and, when it does not go as the model says, which one of what seed it was."""
    seed = time.time_ns() // 1000 if isinstance(seed, str) else seed
    actions = model(kind, seed, count, *words)
    for number, action in enumerate(actions):
        try:
            carry_out(action)
        except (AssertionError, pymysql.err.MySQLError) as problem:
            before = [f"{a['do']} {a.get('kind') or a.get('table')}" for a in actions[max(0, number - 4) : number]]
            shown = {name: value for name, value in action.items() if name not in ("log", "tables")}
            raise AssertionError(f"seed {seed}, action {number} {shown} (behind {before}): {problem}\nlog: {action.get('log')}") from problem


# The source


def of_model(log):
    """Events as the model tells them; where they stand is not compared, nor are files' first events told apart."""
    events = []
    for name, *rest in log:
        if name == "gtid":
            text, flags, prepares = rest
            events.append(("gtid", text, flags & (STANDALONE | DDL) | (PREPARES if prepares else 0)))
        elif name == "rows":
            table, what, rows = rest
            events.append(("rows", table, what, tuple(map(tuple, rows)) if what != "delete" else tuple(key for key, _ in rows)))
        elif name == "query":
            events.append(("query", rest[0]))
        else:
            events.append((name, *rest))
    return events


def of_server(events):
    """ANNOTATE is asked for by nobody that reads rows, and CHECKPOINT may come again in a file when recovery needs less."""
    told, begins = [], False
    for event in events:
        name, *rest = event.what
        if name == "gtid":
            event = ("gtid", rest[0], rest[1] & (STANDALONE | DDL | PREPARES))
        elif name == "rows" and rest[1] == "delete":
            event = ("rows", rest[0], "delete", tuple(key for key, _ in rest[2]))
        elif name == "checkpoint":
            name, event = "side", ("side", logfile.CHECKPOINT)
        else:
            event = event.what
        begins = name == "format" or (begins and name == "side")
        if name != "side" or (begins and event[1] != 160 and told[-1] != event):
            told.append(event)
    return told


def groups_of(events):
    """Without what files begin and end with: the log as a chain of groups."""
    return [event for event in events if event[0] not in ("format", "rotate", "side", "stop")]


class Source:
    """A server that does what the model did."""

    def __init__(self, server):
        self.server = server
        self.held = None
        self.uuids = []

    def begin(self, _=None):
        """Its tables are in no log; numbers begin anew."""
        server = self.server
        with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_log_bin = 0")
            for xid in self.prepared(cursor):
                cursor.execute(f"XA ROLLBACK {xid}")
            cursor.execute("DROP DATABASE IF EXISTS d")
        server.reset_log()
        server.run("CREATE DATABASE d")
        self.make_tables()
        self.place = None

    def make_tables(self):
        with contextlib.closing(self.server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_log_bin = 0")
            for table in TABLES:
                cursor.execute(f"CREATE TABLE d.{table} (k INT PRIMARY KEY, v INT NOT NULL, c1 INT, c2 INT)")

    def prepared(self, cursor):
        cursor.execute("XA RECOVER CONVERT XID" if self.server.is_mysql else "XA RECOVER FORMAT = 'SQL'")
        return [f"X'{row[-1][2:]}',X'',{row[0]}" if self.server.is_mysql else row[-1] for row in cursor.fetchall()]

    # What it logged and shows

    def files(self):
        return [row[0] for row in self.server.run("SHOW BINARY LOGS")]

    def whole_log(self):
        return [event for file in self.files() for event in logfile.read(self.server.folder / "data" / file)]

    def new_log(self):
        """Since this was asked the last time."""
        files = self.files()
        file, at = self.place or (files[0], 4)
        events = logfile.read(self.server.folder / "data" / file, at)
        for later in files[files.index(file) + 1 :]:
            events += logfile.read(self.server.folder / "data" / later)
        if events:
            self.place = (events[-1].file, events[-1].end)
        return events

    def tables(self, cursor):
        found = []
        for table in TABLES:
            cursor.execute(f"SELECT k, v FROM d.{table} ORDER BY k")
            found.append([list(row) for row in cursor.fetchall()])
        return found

    # What it does

    def session(self):
        connection = self.server.connect("d")
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION lock_wait_timeout = 10, innodb_lock_wait_timeout = 10")
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return connection

    def run(self, *statements):
        with contextlib.closing(self.session()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    @staticmethod
    def statements(events):
        """Of each rows event the statement that writes it, and SAVEPOINT and ROLLBACK TO as they are."""
        for name, *rest in events:
            if name == "query" and "SAVEPOINT" in rest[0] or name == "query" and "ROLLBACK TO" in rest[0]:
                yield rest[0]
            elif name == "rows":
                table, what, rows = rest
                values = ", ".join(f"({key}, {value})" for key, value in rows)
                keys = ", ".join(str(key) for key, _ in rows)
                yield {
                    "insert": f"INSERT INTO {table} (k, v) VALUES {values}",
                    "update": f"INSERT INTO {table} (k, v) VALUES {values} ON DUPLICATE KEY UPDATE v = VALUES(v)",
                    "delete": f"DELETE FROM {table} WHERE k IN ({keys}) ORDER BY FIELD(k, {keys})",
                }[what]

    def without_transactions(self, statements, table):
        """COMMIT stands in the log behind what an engine without transactions did: the table has such a one for that moment."""
        engine = f"ALTER TABLE {table} ENGINE = {{}}".format
        self.run("SET sql_log_bin = 0", engine("MyISAM"), "SET sql_log_bin = 1", *statements, "SET sql_log_bin = 0", engine("InnoDB"))

    def write(self, action):
        log = action["log"]
        rows = list(self.statements(log))
        kind = action["kind"]
        if not log:
            self.nothing(action)
        elif kind in ("truncate", "alter", "xa commit", "xa rollback"):
            statement = log[-1][1]
            wait_until(functools.partial(self.resolved, statement), 20, statement)
        elif kind == "one phase":
            self.run(f"XA START {ONE}", *rows, f"XA END {ONE}", f"XA COMMIT {ONE} ONE PHASE")
        elif kind == "xa prepare":
            xid = next(event[2] for event in log if event[0] == "prepare")
            self.run(f"XA START {xid}", *rows, f"XA END {xid}", f"XA PREPARE {xid}")
        elif kind == "undone":
            self.run("BEGIN", *rows, TEMPORARY, "ROLLBACK")
        elif kind == "savepoint":
            self.savepoint(log)
        elif log[-1] == ["query", "COMMIT"]:
            self.run_as_one(log)
        else:
            self.run("BEGIN", *rows, "COMMIT")

    def resolved(self, statement):
        """A connection that prepared a transaction has it until the server has seen it go."""
        try:
            self.run(statement)
        except pymysql.err.OperationalError as problem:
            if problem.args[0] != 1397:
                raise
            return False
        return True

    def run_as_one(self, log):
        rows = [event for event in log if event[0] == "rows"]
        table = rows[0][1]
        pairs = [pair for event in rows for pair in event[3]]
        if rows[0][2] == "delete":
            keys = ", ".join(str(key) for key, _ in pairs)
            statement = f"DELETE FROM {table} WHERE k IN ({keys}) ORDER BY FIELD(k, {keys})"
        else:
            values = ", ".join(f"({key}, {value})" for key, value in pairs)
            statement = f"INSERT INTO {table} (k, v) VALUES {values} ON DUPLICATE KEY UPDATE v = VALUES(v)"
        self.without_transactions([statement], table)

    def savepoint(self, log):
        """A savepoint before the first row is in no log: ROLLBACK stands where it was gone back to."""
        if any(event[:1] == ["query"] and event[1].startswith("SAVEPOINT") for event in log):
            statements = list(self.statements(log))
            if self.server.is_mysql:  # its log has nothing of what was rolled back
                behind = statements.index("SAVEPOINT `a`") + 1
                statements[behind:behind] = [NEVER, "ROLLBACK TO `A`"]
            back = next(n for n, statement in enumerate(statements) if statement.startswith("ROLLBACK TO"))
            self.run("BEGIN", *statements[:back], TEMPORARY, *statements[back:], "COMMIT")
            return
        ends = next((n for n, event in enumerate(log) if event == ["query", "ROLLBACK"]), None)
        if ends is None:
            self.write({"log": log, "kind": "plain"})
        elif log[-1] == ["query", "COMMIT"]:
            self.run("BEGIN", "SAVEPOINT a", *self.statements(log[:ends]), TEMPORARY, "ROLLBACK TO a", "COMMIT")
            self.run_as_one(log[ends + 1 :])
        else:
            self.run("BEGIN", "SAVEPOINT a", *self.statements(log[:ends]), TEMPORARY, "ROLLBACK TO a", *self.statements(log[ends + 1 :]), "COMMIT")

    def nothing(self, action):
        """What changes nothing is not logged; on MySQL neither is what was rolled back."""
        change = NEVER if self.server.is_mysql else "DELETE FROM t3 WHERE k = -1"
        statements = {
            "plain": ["BEGIN", "DELETE FROM t3 WHERE k = -1", "COMMIT"],
            "undone": ["BEGIN", change, TEMPORARY, "ROLLBACK"],
            "savepoint": ["BEGIN", "SAVEPOINT a", change, "ROLLBACK TO a", "COMMIT"],
            "one phase": [f"XA START {ONE}", f"XA END {ONE}", f"XA COMMIT {ONE} ONE PHASE"],
            "xa prepare": [f"XA START {ONE}", "DELETE FROM t3 WHERE k = -1", f"XA END {ONE}", f"XA PREPARE {ONE}", f"XA COMMIT {ONE}"],
        }  # fmt: skip
        self.run(*statements.get(action["kind"], []))

    # Commits that are held: in the log, and not to be seen

    @contextlib.contextmanager
    def holding(self):
        if self.server.is_mysql and not self.server.run("SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'rpl_semi_sync_source'"):
            self.server.run("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
        prefix = "SET GLOBAL rpl_semi_sync_" + ("source" if self.server.is_mysql else "master")
        for setting in ("timeout = 600000", "wait_point = AFTER_SYNC", "enabled = ON"):
            self.server.run(f"{prefix}_{setting}")
        yield
        self.server.run(f"{prefix}_enabled = OFF")

    def recovery_needs_one_file(self):
        """A CHECKPOINT would move a snapshot's place behind what is held: see test_a_place_that_is_ahead_of_what_can_be_read."""
        file, _ = self.server.end_of_log()
        events = logfile.read(self.server.folder / "data" / file)
        return [event.what for event in events if event.what[0] == "checkpoint"][-1:] in ([("checkpoint", f"./{file}")], [("checkpoint", file)])

    def hold(self, action):
        if not self.server.is_mysql:
            wait_until(self.recovery_needs_one_file, 20, "the files before are done with")
        file, at = self.server.end_of_log()
        self.hold_open = self.holding()
        self.hold_open.__enter__()
        self.held = threading.Thread(target=self.write, args=(action,))
        self.held.start()
        wait_until(lambda: any(event.what == ("xid",) for event in logfile.read(self.server.folder / "data" / file, at)), 20, "it is logged")

    def show(self, _=None):
        if self.held:
            self.hold_open.__exit__(None, None, None)
            self.held.join(20)
            assert not self.held.is_alive()
            self.held = None

    # It is compared

    def snapshot(self):
        """The tables, and the place of the log that they are of, which MySQL does not tell."""
        with contextlib.closing(self.server.connect("d")) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            if self.server.is_mysql:
                return self.tables(cursor), None
            cursor.execute("SHOW STATUS LIKE 'Binlog_snapshot%'")
            status = dict(cursor.fetchall())
            return self.tables(cursor), (status["Binlog_snapshot_file"], int(status["Binlog_snapshot_position"]))

    def same(self, action, whole=False):
        server = self.server
        if whole:
            self.place = None
        logged = self.named(of_server(self.new_log()))
        assert logged == of_model(action["log"]), f"logged: {logged}"
        self.same_state(action)
        tables, place = self.snapshot()
        assert tables == action["tables"], f"shown: {tables}"
        behind = [event for event in self.whole_log() if place and (event.file, event.end) > place and event.what[0] == "gtid"]
        assert len(behind) == action["behind"] or not place, f"a snapshot is of {place}, behind it stand {behind}"
        with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
            assert len(self.prepared(cursor)) == len(action["xa"])

    def named(self, events):
        """MySQL's servers by the model's names."""
        return [("gtid", self.name_of(event[1]), *event[2:]) if event[0] == "gtid" else event for event in events]

    def name_of(self, gtid):
        for number, server in enumerate(self.servers() if self.server.is_mysql else [], 1):
            gtid = gtid.replace(server, f"00000000-0000-0000-0000-{number:012x}")
        return gtid

    def servers(self):
        if not self.uuids:
            self.uuids = [self.server.run("SELECT @@server_uuid")[0][0]]
        return self.uuids

    def same_state(self, action):
        gtids = self.name_of(self.server.gtids())
        assert set(gtids.split(",")) == set(action["gtid"].split(",")), gtids
        if self.server.is_mysql:
            return
        state, applied = self.server.run("SELECT @@GLOBAL.gtid_binlog_state, @@GLOBAL.gtid_slave_pos")[0]
        assert (set(state.split(",")), applied) == (set(action["state"].split(",")), action["applied"])

    def do(self, action):
        what = action["do"]
        whole = what in ("begin", "reset", "lose")
        if what == "rotate":
            self.server.run("FLUSH BINARY LOGS")
        else:
            getattr(self, what)(action)
        self.same(action, whole)

    def reset(self, _):
        with contextlib.closing(self.server.connect()) as connection, connection.cursor() as cursor:
            for xid in self.prepared(cursor):
                cursor.execute(f"XA ROLLBACK {xid}")
        self.server.reset_log()

    def close(self):
        if self.held:
            self.show()


def live(source, seed, count, *words):
    try:
        row_by_row(seed, source.do, "source", count, *words, *(["mysql"] if source.server.is_mysql else []))
    finally:
        source.close()


@pytest.mark.parametrize("seed", seeds(1, 2))
def test_source(mariadb, seed):
    live(Source(mariadb), seed, 90)


@pytest.mark.only("mariadb", "mariadb11")
def test_a_place_that_is_ahead_of_what_can_be_read(own_mariadb):
    """What the model leaves out. Some time after a log began, when nothing of those before it is needed any more, MariaDB writes a
    CHECKPOINT into it; from then on a consistent snapshot says that it is of that place, though a commit before it cannot be seen yet."""
    server = own_mariadb()
    source = Source(server)
    source.begin()
    source.run("INSERT INTO t0 (k, v) VALUES (1, 1)")
    for v in range(50):
        source.run(f"REPLACE INTO t1 (k, v) VALUES (1, {v + 1})")
        server.run("FLUSH BINARY LOGS")
        if not source.recovery_needs_one_file():
            break  # the log before is needed still
    insert = {"log": [["rows", "t0", "insert", [[2, 2]]], ["xid"]], "kind": "plain"}
    source.recovery_needs_one_file = lambda: True
    source.hold(insert)
    del source.recovery_needs_one_file
    wait_until(source.recovery_needs_one_file, 30, "a CHECKPOINT is written")
    try:
        tables, place = source.snapshot()
        assert tables[0] == [[1, 1]] and place == server.end_of_log(), (tables, place, server.end_of_log())
    finally:
        source.close()
    assert source.snapshot()[0][0] == [[1, 1], [2, 2]]


class Restarted(Source):
    """One that dies, and may come again as it was earlier."""

    def keep(self, _):
        server = self.server
        self.copy = server.folder / "copy"
        shutil.rmtree(self.copy, ignore_errors=True)
        server.run("FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS")  # XA COMMIT ... ONE PHASE is not on disk by itself
        server.freeze()
        shutil.copytree(server.folder / "data", self.copy)
        server.freeze(False)

    def put_back(self, log=None):
        """As after a loss of power: what was written since the copy is gone, but for that much of one file of the log."""
        data = self.server.folder / "data"
        self.server.kill()
        written = log and (data / log[0]).read_bytes()[: log[1]]
        shutil.rmtree(data)
        shutil.move(self.copy, data)
        if log:
            (data / log[0]).write_bytes(written)
        self.server.start()

    def lose(self, _):
        """Old places in what is left of the log are good for what stands there, and those in what was lost are not refused for what
        they are: the file may have grown again."""
        before = self.ends()
        self.put_back()
        self.look_for(before)

    def ends(self):
        """Where each group ends, and its number."""
        found = []
        events = self.whole_log()
        for n, event in enumerate(events):
            if event.what[0] == "gtid":
                end = next((later for later in range(n + 1, len(events)) if events[later].what[0] in ("gtid", "rotate", "format")), len(events))
                found.append((events[end - 1].file, events[end - 1].end, event.what[1]))
        return found

    def look_for(self, before):
        now = self.ends()
        for n, (file, at, gtid) in enumerate(before):
            if n < len(now) and now[n] == (file, at, gtid):
                assert logfile.dump(self.server, file, at) == [number for *_, number in now[n + 1 :]]
            elif not self.server.is_mysql:
                with pytest.raises(pymysql.err.MySQLError, match="impossible position|Could not find first log|binlog truncated|bogus data"):
                    logfile.dump(self.server, file, at)

    def broken(self, action):
        rows = list(self.statements(action["log"]))
        if not rows:
            self.server.kill()
            self.server.start()
            return
        self.keep(action)
        file, at = self.server.end_of_log()
        self.run("BEGIN", *rows, "COMMIT")
        last = [event for event in logfile.read(self.server.folder / "data" / file, at) if event.what[0] == "rows"][-1]
        self.put_back((file, last.end))


@pytest.mark.parametrize("seed", seeds(1))
def test_source_that_is_restarted(own_mariadb, seed):
    redo = "--innodb-redo-log-capacity=8M" if KIND == "mysql" else "--innodb-log-file-size=8M"
    server = own_mariadb("--innodb-flush-log-at-trx-commit=1", redo, "--innodb-buffer-pool-size=32M")
    live(Restarted(server), seed, 12 if KIND == "mysql" else 20, "restarts")


class Pair(Source):
    """A server and its replica, which takes its place."""

    def __init__(self, first, second):
        super().__init__(first)
        self.second = second

    def begin(self, _):
        super().begin()
        first, second = self.server, self.second
        first.run("GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
        super().begin()
        second.reset_log()
        if first.is_mysql:
            self.uuids = [server.run("SELECT @@server_uuid")[0][0] for server in (first, second)]
        second.replicate(first)
        second.wait_replicated(first.gtids())
        self.server = second
        self.make_tables()
        self.server = first

    def failover(self, _):
        first, second = self.server, self.second
        second.wait_replicated(first.gtids())
        second.run("STOP REPLICA" if second.is_mysql else "STOP SLAVE")
        self.server = second

    def dumps(self, action):
        """By GTID, which is all that a client of the first server has."""
        for gtid, first in action["dumps"]:
            if first is None:
                with pytest.raises(pymysql.err.MySQLError, match="not in the master's binlog"):
                    logfile.dump(self.server, gtid=gtid)
            else:
                assert (*logfile.dump(self.server, gtid=gtid), "")[0] == first, f"from {gtid} on"

    def same(self, action, whole=False):
        if action["do"] == "dumps":
            return
        if action["do"] != "failover":
            super().same(action, whole)
            return
        self.place = None
        assert self.named(groups_of(of_server(self.new_log()))) == groups_of(of_model(action["log"]))
        self.same_state(action)
        assert self.snapshot()[0] == action["tables"]


@pytest.mark.parametrize("seed", seeds(1))
def test_source_whose_replica_takes_over(own_mariadb, seed):
    first = own_mariadb()
    second = own_mariadb("--server-id=2", "--log-replica-updates" if KIND == "mysql" else "--log-slave-updates")
    live(Pair(first, second), seed, 50, "failover")


# The destination

SLOW = "NOT ignore(sleep(3), sleep(2))"  # looked at between reading an insert's rows and writing them


class Destination:
    """A ClickHouse that does what the model did."""

    def __init__(self, server):
        self.server = server
        self.late_one = None
        server.query("DROP DATABASE IF EXISTS m")
        server.query("CREATE DATABASE m")
        columns = "(k Int32, version UInt64, v Int32, deleted UInt8)"
        window = "SETTINGS non_replicated_deduplication_window = 10000"
        for name in ("a", "b"):
            server.query(f"CREATE TABLE m.{name} {columns} ENGINE = ReplacingMergeTree(version, deleted) ORDER BY k {window}")
        server.query(f"CREATE TABLE m.all {columns} ENGINE = MergeTree ORDER BY k {window}")

    def insert(self, action):
        rows = "\n".join(json.dumps([key, version, value, int(deleted)]) for key, version, value, deleted in action["rows"])
        self.server.query(f"INSERT INTO m.{action['table']} (k, version, v, deleted) FORMAT JSONCompactEachRow", body=rows.encode(),
                          insert_deduplication_token=str(action["token"]), async_insert=0, log_comment=f"x-{action['token']}")  # fmt: skip

    def under_way(self):
        return self.server.value("SELECT count() FROM system.processes WHERE startsWith(Settings['log_comment'], 'x-')")

    def late(self, action):
        """Nobody waits for its answer but this thread, which looks at none."""

        def unanswered():
            with contextlib.suppress(Exception):
                self.insert(action)

        table = f"m.{action['table']}"
        self.server.query(f"ALTER TABLE {table} ADD CONSTRAINT slow CHECK {SLOW}", alter_sync=2)
        self.late_one = threading.Thread(target=unanswered)
        self.late_one.start()
        wait_until(self.under_way, 20, "it is under way")
        self.server.query(f"ALTER TABLE {table} DROP CONSTRAINT slow", alter_sync=2)

    def kill(self, _):
        self.server.query("KILL QUERY WHERE startsWith(Settings['log_comment'], 'x-') ASYNC")
        wait_until(lambda: not self.under_way(), 30, "it is gone")

    def wait(self, _=None):
        wait_until(lambda: not self.under_way(), 30, "it is gone")
        self.late_one.join(30)
        self.late_one = None

    def truncate(self, action):
        self.server.query(f"TRUNCATE TABLE m.{action['table']} SYNC")

    def exchange(self, _):
        self.server.query("EXCHANGE TABLES m.a AND m.b")

    def restart(self, _):
        self.server.kill()
        self.server.start()

    def tables(self):
        rows = {name: self.server.rows(f"SELECT k, v FROM m.{name} FINAL WHERE deleted = 0 ORDER BY k") for name in ("a", "b")}
        return {**rows, "all": sorted(self.server.rows("SELECT k, version, v, toBool(deleted) FROM m.all"))}

    def do(self, action):
        getattr(self, action["do"])(action)
        shown, running = self.tables(), self.under_way()
        assert running == action["running"], f"{running} inserts are under way"
        assert shown == {**action["tables"], "all": sorted(action["tables"]["all"])}, f"shown: {shown}"

    def close(self):
        if self.late_one:
            self.wait()


@pytest.mark.only("mariadb")
@pytest.mark.parametrize("seed", seeds(2))
def test_destination(own_clickhouse, seed):
    destination = Destination(own_clickhouse)
    try:
        row_by_row(seed, destination.do, "destination", 60)
    finally:
        destination.close()
