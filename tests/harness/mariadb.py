"""A private MariaDB or MySQL server."""

import contextlib
import itertools
import pathlib
import re
import signal
import threading

import pymysql

from .process import end, spawn, wait_until

SERVERS = pathlib.Path(__file__).resolve().parent.parent / "servers"
START_SECONDS = 60


# What a program of tests/servers starts.
KINDS = {
    "mariadb": "MariaDB of this machine's Debian",
    "mariadb11": "MariaDB of Debian 13",
    "mysql": "MySQL of Debian's newest suite",
}
SEQUENCE = re.compile(r"\bFROM (seq_(\d+)_to_(\d+))\b")


def sequences_as_queries(statement):
    """MariaDB's tables seq_1_to_9, which MySQL has not."""
    return SEQUENCE.sub(
        r"FROM (WITH RECURSIVE numbers (seq) AS (SELECT CAST(\2 AS UNSIGNED) UNION ALL SELECT seq + 1 FROM numbers WHERE seq < \3) "
        r"SELECT seq FROM numbers) AS \1", statement
    )  # fmt: skip


class MySQLCursor(pymysql.cursors.Cursor):
    def mogrify(self, query, args=None):
        return super().mogrify(sequences_as_queries(query), args)


class MariaDB:
    """A server of its own in `folder`: MariaDB, or what `kind` says. Options are mariadbd's or mysqld's. Over TCP there is the user
    repl (password in `password_file`) with just the rights that a pipe needs; over the socket root without a password."""

    def __init__(self, folder, *options, kind="mariadb"):
        self.folder = pathlib.Path(folder)
        self.options = options
        self.kind = kind
        self.is_mysql = kind == "mysql"
        self.process = None
        self.socket = self.folder / "s.sock"
        self.password_file = self.folder / "repl.password"
        self._numbers = itertools.count(1)
        self._local = threading.local()

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        first = not (self.folder / "data").exists()
        self.process = spawn([SERVERS / self.kind, self.folder, *self.options], self.folder / "start.log")
        wait_until(self.answers, START_SECONDS, lambda: f"{self.kind} in {self.folder}: {self.log()[-2000:]}")
        if first:
            self.password_file.write_text("geheim #1\n")
            self.password_file.chmod(0o600)
            # Not logged: each server has this user of its own.
            monitor = "REPLICATION CLIENT" if self.is_mysql else "BINLOG MONITOR"
            self.script(f"SET sql_log_bin = 0;\nCREATE USER repl@'127.0.0.1' IDENTIFIED BY 'geheim #1';\n"
                        f"GRANT SELECT, REPLICATION SLAVE, {monitor} ON *.* TO repl@'127.0.0.1'")  # fmt: skip
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.kind} ended with {self.process.returncode}: {self.log()[-2000:]}")
        try:
            self.connect().close()
            return True
        except pymysql.err.OperationalError:
            return False

    def log(self):
        files = [self.folder / name for name in ("start.log", "mariadbd.log", "mysqld.log")]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def stop(self):
        if self.process:
            end(self.process, 30)
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self, frozen=True):
        self.process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def discard(self):
        """Nobody needs any more what it holds: a clean stop takes seconds."""
        if self.process and self.process.poll() is None:
            self.kill()
        self.process = None

    def restart(self, *options):
        self.stop()
        if options:
            self.options = options
        return self.start()

    @property
    def port(self):
        return int((self.folder / "port").read_text())

    @property
    def url(self):
        """As the user repl over TCP."""
        return f"mysql://repl@127.0.0.1:{self.port}/?password-file={self.password_file}"

    def connect(self, database=None, names="utf8mb4", **options):
        """A connection as root: autocommit, UTC, utf8mb4, no sql_mode that refuses odd values."""
        deep = ", cte_max_recursion_depth = 4294967295" if self.is_mysql else ""
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, charset=names, autocommit=True,
            cursorclass=MySQLCursor if self.is_mysql else pymysql.cursors.Cursor,
            init_command=f"SET time_zone = '+00:00', sql_mode = ''{deep}", **options
        )  # fmt: skip

    def run(self, statement, *arguments, database=None):
        """One statement on a connection of its own; its rows."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, arguments or None)
            return cursor.fetchall()

    def script(self, text, database=None):
        """Statements ended by a semicolon at a line's end, on one connection."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            for statement in text.split(";\n"):
                if statement.strip():
                    cursor.execute(statement)

    def end_of_log(self):
        """(file, position) up to which the server has logged."""
        row = self.run("SHOW BINARY LOG STATUS" if self.is_mysql else "SHOW MASTER STATUS")[0]
        return row[0], row[1]

    def events_since(self, place):
        """(type, text) of what was logged since end_of_log() was `place`, in its file."""
        return [(event[2], event[5]) for event in self.run(f"SHOW BINLOG EVENTS IN '{place[0]}' FROM {place[1]}")]

    def purge_logs(self):
        """All but the newest log. A log that a dump thread reads is kept without a word, and that of an engine that has just
        ended lives on for a moment."""
        for _ in range(3):
            self.run("FLUSH BINARY LOGS")

        def purged():
            self.run(f"PURGE BINARY LOGS TO '{self.end_of_log()[0]}'")
            return len(self.run("SHOW BINARY LOGS")) == 1

        wait_until(purged, 30, "the logs are purged")

    def reset_log(self):
        self.run("RESET BINARY LOGS AND GTIDS" if self.is_mysql else "RESET MASTER")

    def set_password(self, password):
        """Of the user repl."""
        self.run(f"SET PASSWORD FOR repl@'127.0.0.1' = {'%s' if self.is_mysql else 'PASSWORD(%s)'}", password)

    def kill_connections(self):
        """Of the user repl."""
        for (number,) in self.run("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'repl'"):
            with contextlib.suppress(pymysql.err.MySQLError):  # it has gone by itself
                self.run(f"KILL {number}")

    def log_readers(self):
        """How many connections of the user repl follow the log."""
        return self.run("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'repl' AND COMMAND LIKE 'Binlog Dump%'")[0][0]

    def replicate(self, master):
        """Becomes a replica of another server, by GTID, from its first transaction."""
        if self.is_mysql:
            self.run("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = %s, SOURCE_USER = 'repl', SOURCE_PASSWORD = 'geheim #1', "
                     "SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1", master.port)  # fmt: skip
            self.run("START REPLICA")
        else:
            self.run("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = %s, MASTER_USER = 'repl', MASTER_PASSWORD = 'geheim #1', "
                     "MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1, MASTER_SSL = 0", master.port)  # fmt: skip
            self.run("START SLAVE")

    def gtids(self):
        return self.run("SELECT @@GLOBAL.gtid_executed" if self.is_mysql else "SELECT @@GLOBAL.gtid_binlog_pos")[0][0].replace("\n", "")

    def wait_replicated(self, gtids, seconds=30):
        """Until it has applied what another server's gtids() said."""
        wait = "WAIT_FOR_EXECUTED_GTID_SET" if self.is_mysql else "MASTER_GTID_WAIT"
        late = self.run(f"SELECT {wait}(%s, %s)", gtids, seconds)[0][0]
        assert late == 0, f"not replicated within {seconds} s: {gtids}, but {self.gtids()}: {self.log()[-2000:]}"

    def take_place_of(self, other):
        """Stops replicating and is from now on where the other server, which was stopped, had been."""
        self.run("STOP REPLICA" if self.is_mysql else "STOP SLAVE")
        self.stop()
        (self.folder / "port").write_text((other.folder / "port").read_text())
        return self.start()

    def new_database(self):
        name = f"t{next(self._numbers)}"
        self.run(f"DROP DATABASE IF EXISTS {name}")
        self.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.discard()
