"""Who writes at the source and who reads at the destination while something happens to what is between: readers never see an older row."""

import collections
import contextlib
import http.client
import threading

import pymysql

from .engine import PATIENCE
from .process import wait_until

TABLE = "CREATE TABLE {} (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(200))"
ROWS = 20_000


def fill(pipe, *tables, rows=ROWS):
    for table in tables:
        pipe.run(TABLE.format(table))
        pipe.run(f"INSERT INTO {table} SELECT seq, 0, REPEAT('v', seq % 150) FROM seq_1_to_{rows}")


class Background:
    """Something that is done again and again in a thread until the block ends. What it raises is raised there, but for what
    servers that die do to their clients (`away`): then it is done again."""

    away = ()

    def __init__(self):
        self.stop = threading.Event()
        self.rounds = 0
        self.problem = None

    def __enter__(self):
        self.thread = threading.Thread(target=self.main)
        self.thread.start()
        return self

    def main(self):
        try:
            while not self.stop.is_set():
                try:
                    self.step()
                except self.away as problem:
                    if not self.is_away(problem):
                        raise
                    self.stop.wait(0.1)
                    continue
                self.rounds += 1
        except BaseException as problem:
            self.problem = problem

    def is_away(self, problem):
        return True

    def more(self, rounds):
        """Waits until so many rounds more were done."""
        goal = self.rounds + rounds
        wait_until(lambda: self.rounds >= goal or self.problem, 60 * PATIENCE, lambda: f"{self.rounds} of {goal} rounds")

    def __exit__(self, kind, value, traceback):
        self.stop.set()
        self.thread.join()
        if self.problem and not kind:
            raise self.problem


class Load(Background):
    """Counters go up: of each row n never falls."""

    def __init__(self, pipe, *tables):
        super().__init__()
        self.pipe = pipe
        self.connection = None
        self.tables = tables

    def step(self):
        if self.connection is None:
            self.connection = self.pipe.mariadb.connect(self.pipe.source)
        with self.connection.cursor() as cursor:
            for table in tuple(self.tables):
                first = self.rounds * 37 % ROWS
                self.run(cursor, f"UPDATE {table} SET n = n + 1 WHERE id BETWEEN {first} AND {first + 50}")
                self.run(cursor, f"UPDATE {table} SET n = n + 1 WHERE id <= 20")
                # A round that was cut off is done again.
                self.run(cursor, f"INSERT IGNORE INTO {table} VALUES ({1_000_000 + self.rounds}, 1, 'new')")

    def run(self, cursor, statement):
        cursor.execute(statement)

    def __exit__(self, *problem):
        super().__exit__(*problem)
        self.leave()

    def leave(self):
        connection, self.connection = self.connection, None
        if connection:
            with contextlib.suppress(pymysql.err.Error):
                connection.close()


class Reader(Background):
    """Polls a table as its users do: no row is missing, doubled, or older than it was seen before."""

    key = "id"

    def __init__(self, pipe, table):
        super().__init__()
        self.pipe, self.table = pipe, table
        self.seen = {}

    def step(self):
        rows = self.pipe.clickhouse.rows(f"SELECT {self.key}, n FROM {self.pipe.destination}.{self.table} FINAL WHERE _peerdb_is_deleted = 0")
        now = dict(rows)
        counts = collections.Counter(key for key, _ in rows) if len(now) < len(rows) else {}
        twice = [key for key, count in counts.items() if count > 1]
        gone = sorted(self.seen.keys() - now.keys())
        older = [key for key, n in self.seen.items() if key in now and now[key] < n]
        if twice or gone or older:
            self.wrong(twice, gone, older, now)
        self.seen = now

    def wrong(self, twice, gone, older, now):
        assert not twice, f"{self.table}: {len(twice)} rows are there twice, {twice[:5]} among them"
        assert not gone, f"{self.table}: {len(gone)} rows went away, {gone[:5]} among them"
        raise AssertionError(f"{self.table}: {len(older)} rows are older than before: {self.versions(older, now)}")

    def versions(self, keys, now):
        """Of some rows: what was seen, what is seen now, and what is stored."""
        stored = self.pipe.clickhouse.rows(
            f"SELECT {self.key} AS k, groupArray((n, _peerdb_version, _peerdb_synced_at)) FROM (SELECT * FROM {self.pipe.destination}.{self.table} "
            f"WHERE {self.key} IN {tuple(keys[-3:] * 2)} ORDER BY _peerdb_version) GROUP BY k")  # fmt: skip
        shown = {key: versions[-4:] for key, versions in stored}
        told = [line for line in self.pipe.journal().splitlines() if " state " in line or " table " in line or "position" in line][-12:]
        return "\n".join([f"{key}: {self.seen[key]}, then {now[key]}: {shown.get(key)}" for key in keys[-3:]] + [str(keys), *told])


class LoadOfDyingServer(Load):
    """The source may be away now and then. Not more than a pipe can follow, even one that has tables to load."""

    REST = 0.03

    away = (pymysql.err.OperationalError, pymysql.err.InterfaceError, pymysql.err.InternalError)
    LOST = {0, 1053, 1927, 2002, 2003, 2006, 2013, 2014, 2055, 3169, 1317, 1205, 1213}

    def step(self):
        self.stop.wait(self.REST)
        super().step()

    def is_away(self, problem):
        self.leave()
        return (problem.args[0] if problem.args else 0) in self.LOST


class ReaderOfDyingServer(Reader):
    """The destination may be away now and then, and the table may come only later."""

    away = (ConnectionError, http.client.HTTPException, TimeoutError, RuntimeError)

    def step(self):
        try:
            super().step()
        except Exception as problem:
            if not self.seen and "UNKNOWN_" in str(problem):
                raise RuntimeError("not there yet") from problem
            raise


@contextlib.contextmanager
def watched(pipe, *tables):
    with contextlib.ExitStack() as stack:
        stack.enter_context(Load(pipe, *tables))
        readers = [stack.enter_context(Reader(pipe, table)) for table in tables]
        yield readers
        for reader in readers:
            reader.more(2)
