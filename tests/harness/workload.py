"""A random workload of several clients on three tables: an integer key, a composite key of text, a unique key.

Every row carries what proves the order of its versions: `born` (which insert made it, and which row of that: it stays with the row
when its key changes), `n` (grows by one with each change of it), `change_id` (which statement wrote it, never the same twice).
"""

import contextlib
import itertools
import random
import threading
import time

import pymysql

# Deadlock, lock wait, duplicate key, record changed, lost connections: clients of a database live with them.
EXPECTED = {1213, 1205, 1062, 1020, 2006, 2013, 2014}

TRACKED = """born BIGINT NOT NULL, n INT NOT NULL, change_id BIGINT NOT NULL, name VARCHAR(80) NOT NULL, amount DECIMAL(12,2),
    ratio DOUBLE, note TEXT, at DATETIME(6), kind ENUM('new','used','café','b,c') NOT NULL DEFAULT 'new', raw VARBINARY(12)"""
TABLES = ("w_int", "w_text", "w_unique")
SCHEMA = f"""
CREATE TABLE w_int (i INT NOT NULL PRIMARY KEY, {TRACKED});
CREATE TABLE w_text (region CHAR(3) NOT NULL, code VARCHAR(20) NOT NULL, i INT NOT NULL, {TRACKED}, PRIMARY KEY (region, code), KEY (i));
CREATE TABLE w_unique (i INT UNSIGNED NOT NULL, {TRACKED}, UNIQUE KEY (i));
"""
# The key's columns, from the number {i}.
KEYS = {
    "w_int": {"i": "{i}"},
    "w_text": {"region": "ELT(1 + ({i}) % 4, 'de', 'fr', 'ES', 'ñu')", "code": "CONCAT('c-', ({i}) % 9973, '/', {i})", "i": "{i}"},
    "w_unique": {"i": "{i}"},
}
VALUES = {
    "name": "CONCAT('name ', {i}, REPEAT('äx', ({c}) % 9))",
    "amount": "IF(({c}) % 7 = 0, NULL, (CAST({i} AS SIGNED) - 5000) * 1.01 + ({c}) % 1000)",
    "ratio": "IF(({c}) % 5 = 0, NULL, ({c}) / 7.0e0)",
    "note": "IF(({c}) % 3 = 0, NULL, REPEAT('note\\n\\t\\\\''', ({c}) % 11))",
    "at": "'2024-02-29 12:00:00' + INTERVAL ({c}) % 1000000 MICROSECOND",
    "kind": "1 + ({c}) % 4",
    "raw": "UNHEX(RPAD(HEX(({c}) % 255), ({c}) % 12 * 2, '00'))",
}
LARGE = 1_000_000  # key numbers of large transactions begin here
BIRTHS = 10_000_000  # above every number that is inserted


def insert(verb, table, rows, change, tail=""):
    """An INSERT or REPLACE of the numbers that the query `rows` gives as `s`."""
    keys = {name: text.format(i="s") for name, text in KEYS[table].items()}
    values = {name: text.format(i="s", c=f"{change} + s") for name, text in VALUES.items()}
    names = [*keys, "born", "n", "change_id", *values]
    exprs = [*keys.values(), f"{change} * {BIRTHS} + s", "1", str(change), *values.values()]
    return f"{verb} INTO {table} ({', '.join(names)}) SELECT {', '.join(exprs)} FROM ({rows}) AS numbers {tail}"


def changed(change):
    """The SET list of an update."""
    return f"n = n + 1, change_id = {change}, " + ", ".join(
        f"{name} = {text.format(i='i', c=f'{change} + i')}" for name, text in VALUES.items()
    )


def numbers(first, count):
    return f"SELECT CAST(seq AS SIGNED) AS s FROM seq_{first}_to_{first + count - 1}"


def create(mariadb, database, rows):
    """The tables with that many rows in the first, a tenth of it in the others."""
    mariadb.script(SCHEMA, database)
    for table in TABLES:
        count = rows if table == "w_int" else rows // 10
        mariadb.run(insert("INSERT", table, numbers(1, count), 0), database=database)


class Workload:
    expected = EXPECTED
    lost = {2006, 2013, 2014}  # of these: the connection is gone
    rest = 0  # seconds before each transaction

    def __init__(self, mariadb, database, seed, clients=4, keys=20_000):
        self.mariadb = mariadb
        self.database = database
        self.seed = seed
        self.keys = keys
        self.changes = itertools.count(1)
        self.statements = 0
        self.errors = []
        self._stop = threading.Event()
        self._clients = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(clients)]

    def start(self, seconds):
        """Until stop(), at most that many seconds."""
        self._began = time.monotonic()
        self._deadline = self._began + seconds
        for client in self._clients:
            client.start()
        return self

    def seconds(self):
        return time.monotonic() - self._began

    def running(self):
        return any(client.is_alive() for client in self._clients)

    def join(self):
        for client in self._clients:
            client.join()
        assert not self.errors, self.errors[0]
        assert self.statements > 0
        return self.statements

    def stop(self):
        self._stop.set()
        return self.join()

    def _client(self, number):
        rng = random.Random(f"{self.seed}/{number}")
        connection = None
        while time.monotonic() < self._deadline and not self._stop.is_set():
            try:
                if self.rest:
                    self._stop.wait(self.rest)
                if connection is None:
                    connection = self.mariadb.connect(self.database)
                with connection.cursor() as cursor:
                    self._transaction(rng, cursor)
            except pymysql.err.MySQLError as error:
                number = error.args[0] if error.args else 0
                if number not in self.expected:
                    self.errors.append(f"{error}")
                    return
                with contextlib.suppress(pymysql.err.MySQLError, AttributeError):  # or there was none
                    connection.rollback()
                if number in self.lost:
                    connection = None
                    time.sleep(0.2)

    def _transaction(self, rng, cursor):
        run = self._run
        kind = rng.random()
        if kind < 0.55:
            run(cursor, self._statement(rng))
            return
        run(cursor, "BEGIN")
        if kind < 0.97:
            for _ in range(rng.randint(1, 8)):
                run(cursor, self._statement(rng))
                if rng.random() < 0.1:
                    run(cursor, "SAVEPOINT s")
                    run(cursor, self._statement(rng))
                    if rng.random() < 0.5:
                        run(cursor, "ROLLBACK TO s")
        else:
            table = rng.choice(TABLES)
            first = LARGE + rng.randrange(20) * 10_000
            run(cursor, f"DELETE FROM {table} WHERE i BETWEEN {first} AND {first + 9999}")
            run(cursor, insert("INSERT", table, numbers(first, rng.randint(2000, 10_000)), next(self.changes)))
            run(cursor, f"UPDATE {table} SET {changed(next(self.changes))} WHERE i BETWEEN {first} AND {first + 500}")
        run(cursor, "ROLLBACK" if rng.random() < 0.15 else "COMMIT")

    def _statement(self, rng):
        table = rng.choice(TABLES)
        change = next(self.changes)
        i = rng.randint(1, self.keys)
        kind = rng.random()
        if kind < 0.20:
            return insert("INSERT", table, f"SELECT {i} AS s", change, f"ON DUPLICATE KEY UPDATE n = {table}.n + 1, change_id = {change}, note = 'again'")
        if kind < 0.25:
            return insert("INSERT IGNORE", table, numbers(i, rng.randint(2, 400)), change)
        if kind < 0.30:
            return insert("REPLACE", table, numbers(i, rng.randint(1, 5)), change)
        if kind < 0.60:
            return f"UPDATE {table} SET {changed(change)} WHERE i BETWEEN {i} AND {i + rng.choice((0, 0, 0, 3, 20, 300))}"
        if kind < 0.80:
            return f"DELETE FROM {table} WHERE i BETWEEN {i} AND {i + rng.choice((0, 0, 1, 10, 100))}"
        # A key changes: one row to a place that may be taken, or a run of rows to free places beyond.
        if kind < 0.90:
            where, to = f"i = {i}", str(rng.randint(1, self.keys * 2))
        else:
            shift = self.keys * rng.randint(2, 5)
            where, to = f"i BETWEEN {i} AND {i + rng.choice((1, 10, 60))}", f"i + {shift}"
        # MariaDB assigns from left to right: the columns made from i come first, i itself last.
        keys = ", ".join(f"{name} = {text.format(i=to)}" for name, text in KEYS[table].items())
        return f"UPDATE IGNORE {table} SET {changed(change)}, {keys} WHERE {where}"

    def _run(self, cursor, statement):
        cursor.execute(statement)
        self.statements += 1


def version_faults(clickhouse, database, table):
    """Text, empty when all is as replication.md's Versions say. Looks at all versions stored, so merges of the table must
    have been stopped before its first insert. The rows of the snapshot have the lowest version of the table; above it a change of a row
    has one version however often it was read, and the later a change, the greater its version."""
    key = ", ".join(KEYS[table])
    name = f"{database}.{table}"
    base = clickhouse.value(f"SELECT min(_peerdb_version) FROM {name}")
    twice = clickhouse.rows(
        f"SELECT {key}, change_id, n, groupUniqArray(_peerdb_version) AS v FROM {name} WHERE _peerdb_is_deleted = 0 AND _peerdb_version > {base} "
        f"GROUP BY {key}, born, change_id, n HAVING length(v) > 1 LIMIT 5"
    )
    order = clickhouse.rows(
        f"SELECT {key}, born, groupArray((n, _peerdb_version)) AS seen FROM (SELECT DISTINCT {key}, born, n, _peerdb_version FROM {name} "
        f"WHERE _peerdb_is_deleted = 0 AND _peerdb_version > {base} ORDER BY n) GROUP BY {key}, born "
        f"HAVING arraySort(x -> x.1, seen) != arraySort(x -> x.2, seen) LIMIT 5"
    )
    same = clickhouse.rows(
        f"SELECT {key}, _peerdb_version, uniqExact(born, n, change_id, _peerdb_is_deleted) AS k FROM {name} WHERE _peerdb_version > {base} "
        f"GROUP BY {key}, _peerdb_version HAVING k > 1 LIMIT 5"
    )
    faults = []
    for title, rows in (("one change, two versions", twice), ("versions out of order", order), ("one version, two changes", same)):
        if rows:
            faults.append(f"{table}: {title}: {rows}")
    return "\n".join(faults)


@contextlib.contextmanager
def writing(pipe, statement, every=0.05):
    """Another client runs the statement again and again."""
    stop = threading.Event()

    def write():
        with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
            while not stop.wait(every):
                cursor.execute(statement)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
