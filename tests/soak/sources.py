"""One source, its pipe, who writes there, who reads at the destination, and the comparison of both."""

import contextlib
import json
import re
import threading
import time

import pymysql
from harness import workload
from harness.clickhouse import ClickHouseError
from harness.compare import compared, position_of
from harness.engine import PATIENCE
from harness.mariadb import MariaDB
from harness.pipe import Pipe
from harness.process import wait_until
from harness.proxy import Proxy
from harness.readers import LoadOfDyingServer, ReaderOfDyingServer, fill
from harness.storm import Storm

LOST = LoadOfDyingServer.LOST
READ = ("a", "b")  # never removed: readers watch them
POOL = ("c", "d", "e", "f")  # come and go
ALTERED = "t"
CREATE_ALTERED = f"CREATE TABLE {ALTERED} (id INT PRIMARY KEY, a INT, b VARCHAR(20) NOT NULL DEFAULT 'b', c DECIMAL(10,2))"
ROWS = 20_000
KEYS = 20_000


class Gate:
    """Writers pass it for each thing they do. Closed, nobody is inside."""

    def __init__(self):
        self.condition = threading.Condition()
        self.open = True
        self.inside = 0

    @contextlib.contextmanager
    def passed(self, stop):
        """Gives whether it was: not when `stop` was set."""
        with self.condition:
            while not self.open and not stop.is_set():
                self.condition.wait(0.2)
            go = not stop.is_set()
            self.inside += go
        try:
            yield go
        finally:
            with self.condition:
                self.inside -= go
                self.condition.notify_all()

    @contextlib.contextmanager
    def closed(self, seconds):
        with self.condition:
            self.open = False
            quiet = self.condition.wait_for(lambda: self.inside == 0, seconds)
        try:
            assert quiet, f"a writer does not end within {seconds} s"
            yield
        finally:
            with self.condition:
                self.open = True
                self.condition.notify_all()


class Clients(workload.Workload):
    """A random workload on tables of three kinds of key, at a pace that a pipe can follow."""

    expected = workload.EXPECTED | LOST
    lost = LOST - {1205, 1213, 1317}
    REST = 0.1  # times the number of sites

    def __init__(self, site, seed):
        super().__init__(site.source, site.pipe.source, seed, clients=2, keys=KEYS)
        self.site = site
        self.rest = self.REST * site.beside

    def _transaction(self, rng, cursor):
        with self.site.gate.passed(self._stop) as go:
            if go:
                super()._transaction(rng, cursor)

    def _run(self, cursor, statement):
        super()._run(cursor, statement)
        self.site.tally.statement(statement, cursor.rowcount)


class Counters(LoadOfDyingServer):
    """Rows whose n never falls."""

    REST = 0.2

    def __init__(self, site, *tables):
        super().__init__(site.pipe, *tables)
        self.site = site

    def step(self):
        with self.site.gate.passed(self.stop) as go:
            if go:
                super().step()

    def run(self, cursor, statement):
        super().run(cursor, statement)
        self.site.tally.statement(statement, cursor.rowcount)


class Statements(Storm):
    """The storm's, counted."""

    MOST_COLUMNS = 12

    def __init__(self, site, seed):
        self.site = site
        super().__init__(site.pipe, seed)

    def connect(self):
        super().connect()
        cursor = self.cursor
        execute = cursor.execute

        def counted(statement, *arguments):
            execute(statement, *arguments)
            self.site.tally.statement(statement, cursor.rowcount)

        cursor.execute = counted

    def again(self):
        """On a new connection: whether the last statement was carried out is asked of the server."""
        super().connect()
        self.cursor.execute(f"SHOW COLUMNS FROM {ALTERED}")
        self.columns = {name: self.written(kind) for name, kind, *_ in self.cursor.fetchall() if name != "id"}
        self.connection.close()
        self.connect()

    @staticmethod
    def written(kind):
        """A type of the server's as the storm writes it."""
        head, _, rest = (kind.decode() if isinstance(kind, bytes) else kind).partition("(")
        if re.search("int$", head):
            return head.upper()
        return head.upper() + (f"({rest}" if rest else "")

    def clause(self, columns):
        if len(columns) > self.MOST_COLUMNS:
            name = self.random.choice(sorted(columns))
            del columns[name]
            return f"DROP COLUMN {name}"
        return super().clause(columns)


class Alterations(LoadOfDyingServer):
    """Changes of rows now and then, and, when asked for, a storm of schema changes among them."""

    REST = 0.3

    def __init__(self, site, seed):
        super().__init__(site.pipe)
        self.site = site
        self.storm = Statements(site, seed)
        self.left = 0
        self.broken = False
        self.others = 0

    def blow(self, statements):
        self.left = statements

    def step(self):
        self.stop.wait(0.02 if self.left else self.REST)
        with self.site.gate.passed(self.stop) as go:
            if not go:
                return
            if self.broken:
                self.storm.again()
                self.broken = False
            if self.left > 0:
                self.left -= 1
                self.storm.alter()
                if self.left % 10 == 0:
                    self.other()
            for _ in range(self.storm.random.randint(0, 4)):
                self.storm.change()

    def other(self):
        """A table that nobody follows comes and goes."""
        self.others += 1
        self.storm.cursor.execute(f"CREATE TABLE other{self.others} (id INT PRIMARY KEY)")
        self.storm.cursor.execute(f"DROP TABLE other{self.others}")

    def leave(self):
        self.broken = True
        with contextlib.suppress(pymysql.err.Error):
            self.storm.close()


class Reader(ReaderOfDyingServer):
    """Tells and counts what is wrong, and goes on."""

    REST = 0.5
    away = (*ReaderOfDyingServer.away, ClickHouseError)

    def __init__(self, site, table):
        super().__init__(site.pipe, table)
        self.site = site

    def step(self):
        self.stop.wait(self.REST)
        super().step()

    def wrong(self, twice, gone, older, now):
        where = f"{self.pipe.name}, readers of {self.table}"
        for kind, keys in (("doubled", twice), ("lost", gone)):
            if keys:
                self.site.tally.wrong(kind, len(keys), f"{where}: keys {keys[:5]}")
        if older:
            try:
                versions = self.versions(older, now)
            except Exception as problem:  # sluice or the destination is away
                versions = f"keys {older[:5]} ({problem})"
            self.site.tally.wrong("regressed", len(older), f"{where}: {versions}")


class Site:
    """`name` is the kind of the source, and the pipe's name."""

    def __init__(self, name, folder, engine, clickhouse, tally, beside=1):
        self.name, self.tally, self.engine, self.clickhouse, self.beside = name, tally, engine, clickhouse, beside
        # What a kill leaves in its log is to be in its tables too.
        self.source = MariaDB(folder / name, "--innodb-flush-log-at-trx-commit=2", kind=name).start()
        self.source_line = Proxy(self.source.port)
        self.destination_line = Proxy(clickhouse.port)
        self.pipe = Pipe(engine, self.source, clickhouse, name)
        self.gate = Gate()
        self.background = []

    def prepare(self):
        workload.create(self.source, self.pipe.source, ROWS)
        fill(self.pipe, *READ, *POOL, rows=ROWS)
        self.pipe.run(CREATE_ALTERED)
        self.pipe.run(f"INSERT INTO {ALTERED} (id, a, c) VALUES (1, 10, 1.5), (2, NULL, NULL), (3, 30, -2.25)")

    def begin(self, seed, seconds):
        """Writers, the pipe, and readers behind its load."""
        self.clients = Clients(self, f"{seed}/{self.name}").start(seconds)
        self.alterations = Alterations(self, f"{seed}/{self.name}/storm")
        for one in (Counters(self, *READ, *POOL), self.alterations):
            self.background.append(one.__enter__())
        tables = [*READ, *workload.TABLES, ALTERED, POOL[0]]
        self.pipe.create(
            tables=[f"{self.pipe.source}.{table}" for table in tables], settings=["readers=2", "batch_rows=2000", "batch_age=500ms"],
            url=self.source.url.replace(f":{self.source.port}/", f":{self.source_line.port}/"),
            destination=self.clickhouse.url(self.pipe.destination).replace(f":{self.clickhouse.port}/", f":{self.destination_line.port}/"),
        )  # fmt: skip

    def read(self):
        """Until the first load is done rows are as new as that, or as the stream is: readers begin behind it."""
        self.pipe.wait("Running", seconds=180)
        self.pipe.caught_up(180)
        for table in READ:
            self.background.append(Reader(self, table).__enter__())

    def followed(self):
        """Names of tables of the pipe, without their database, with what is told of each."""
        return {table["source"].partition(".")[2]: table for table in self.pipe.status()["tables"]}

    # What must always be so

    def check_alive(self):
        for one in self.background:
            assert one.problem is None, f"{self.name}, {type(one).__name__}: {one.problem!r}"
        assert not self.clients.errors, f"{self.name}: {self.clients.errors[0]}"

    def recovered(self, seconds, running):
        """By itself: not stalled, and everything logged by now is acknowledged; when `running`, with nothing left to load."""
        goal = self.source.end_of_log()

        def there():
            assert self.engine.process.poll() is None, f"sluice ended with {self.engine.process.returncode}: {self.engine.log()[-3000:]}"
            status = self.pipe.status()
            assert status["state"] != "Failed", self.engine.describe(self.name)
            if status["state"] == "Paused":  # it was asked for, and done only after Soak.resume had looked
                self.engine.sluice("resume", self.name, ok=None)
            return not status["stalled"] and position_of(status) >= goal and (not running or status["state"] == "Running")

        began = time.monotonic()
        told = [began + 60]

        def waited():
            if time.monotonic() > told[0]:
                told[0] += 60
                status = self.pipe.status()
                self.tally.line(f"       {self.name} has not recovered after {time.monotonic() - began:.0f} s: {status['state']}, at {position_of(status)} of {goal}, "
                                f"stalled: {status['stalled']}")  # fmt: skip
                self.look()
            return there()

        wait_until(waited, seconds * PATIENCE, lambda: f"{self.name} reaches {goal}: {self.engine.describe(self.name)}", 0.3)
        return time.monotonic() - began

    def look(self):
        """What the destination is at, for who looks for the cause."""
        lines = {"source": self.source_line, "destination": self.destination_line}
        told = [f"{name} line: {len(line.pairs)} connections" for name, line in lines.items()]
        try:
            told += [f"{elapsed:.0f} s: {query[:150]}" for elapsed, query in self.clickhouse.rows("SELECT elapsed, query FROM system.processes ORDER BY 1 DESC", max_execution_time=5)]
            told += [f"mutation of {table}, {parts} parts to do, {reason[:150] or 'never failed'}: {command[:100]}" for table, parts, reason, command in self.clickhouse.rows(
                "SELECT table, parts_to_do, latest_fail_reason, command FROM system.mutations WHERE NOT is_done", max_execution_time=5)]  # fmt: skip
        except Exception as problem:
            told.append(f"the destination says nothing: {problem}")
        for line in told:
            self.tally.line(f"         {line}")

    def compare(self):
        """Row by row, while nobody writes. Returns the number of rows."""
        total = 0
        for table, told in sorted(self.followed().items()):
            if told["state"] == "dropped":
                continue
            if told["state"] != "live":
                self.tally.problem(f"{self.name}, {table} is {told['state']}: {json.dumps(told['error'])}\n{self.engine.describe(self.name)}")
                continue
            try:
                found = compared(self.source, self.clickhouse, self.pipe.source, self.pipe.destination, table, kept=table == ALTERED)
            except AssertionError as problem:
                self.tally.wrong("doubled", 1, f"{self.name}, {table}: {problem}")
                continue
            total += found.rows
            counts = (("lost", found.missing), ("doubled", found.extra), ("regressed", found.changed))
            for kind, count in counts:
                if count:
                    self.tally.wrong(kind, count, f"{self.name}, compared: {found.text}")
            if found.text and not any(count for _, count in counts):
                self.tally.problem(f"{self.name}, compared: {found.text}")
        return total

    def verify(self):
        """What sluice itself says. Returns a line."""
        result = self.engine.sluice("verify", self.name, "--wait", "--json", ok=None, timeout=600)
        try:
            answer = json.loads(result.out)
        except ValueError:
            self.tally.problem(f"{self.name}: verify said {result.out}{result.err}")
            return f"{self.name}: no answer"
        differ = answer["differences"]
        left = [t["table"] for t in answer["tables"] if t["skipped"] or t["unsettled"]]
        if result.code or differ or left:
            self.tally.problem(f"{self.name}: verify, exit {result.code}: {json.dumps(differ)[:3000]} not settled: {left}")
        return f"{self.name}: {answer['verify']['rows']} rows of {len(answer['tables'])} tables, {len(differ)} differences, {len(left)} tables not settled"

    def left_over(self):
        """Tables at the destination that no pipe has and nobody asked to keep."""
        names = {row[0] for row in self.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{self.pipe.destination}'")}
        return sorted(names - {*READ, *POOL, *workload.TABLES, ALTERED})

    # The end

    def end_background(self):
        if hasattr(self, "clients"):
            self.clients._stop.set()
        for one in self.background:
            one.stop.set()
        for one in self.background:
            one.thread.join(30)

    def close(self):
        for line in (self.source_line, self.destination_line):
            line.close()
        self.source.discard()
