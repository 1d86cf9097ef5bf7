"""A private MariaDB server."""

import contextlib
import itertools
import pathlib
import threading

import pymysql

from .process import end, spawn, wait_until

SERVERS = pathlib.Path(__file__).resolve().parent.parent / "servers"
START_SECONDS = 60


class MariaDB:
    """A server of its own in `folder`; options are mariadbd's. Over TCP there is the user repl (password in
    `password_file`) with just the rights that a pipe needs; over the socket root without a password."""

    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.options = options
        self.process = None
        self.socket = self.folder / "s.sock"
        self.password_file = self.folder / "repl.password"
        self._numbers = itertools.count(1)
        self._local = threading.local()

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        first = not (self.folder / "data").exists()
        self.process = spawn([SERVERS / "mariadb", self.folder, *self.options], self.folder / "start.log")
        wait_until(self.answers, START_SECONDS, lambda: f"MariaDB in {self.folder}: {self.log()[-2000:]}")
        if first:
            self.password_file.write_text("geheim #1\n")
            self.password_file.chmod(0o600)
            self.run("CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'geheim #1'")
            self.run("GRANT SELECT, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO repl@'127.0.0.1'")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"MariaDB ended with {self.process.returncode}: {self.log()[-2000:]}")
        try:
            self.connect().close()
            return True
        except pymysql.err.OperationalError:
            return False

    def log(self):
        return "\n".join(f.read_text(errors="replace") for f in (self.folder / "start.log", self.folder / "mariadbd.log") if f.exists())

    def stop(self):
        if self.process:
            end(self.process, 30)
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()

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

    def connect(self, database=None, **options):
        """A connection as root: autocommit, UTC, utf8mb4, no sql_mode that refuses odd values."""
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, charset="utf8mb4", autocommit=True,
            init_command="SET time_zone = '+00:00', sql_mode = ''", **options
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

    def new_database(self):
        name = f"t{next(self._numbers)}"
        self.run(f"DROP DATABASE IF EXISTS {name}")
        self.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
