"""One pipe between the servers of a test, and what tests do with it again and again."""

from .compare import assert_equal, wait_caught_up


class Pipe:
    """Replicates a database of `mariadb` into one of `clickhouse`. Both are made when not given."""

    def __init__(self, engine, mariadb, clickhouse, name="p", source=None, destination=None):
        self.engine = engine
        self.mariadb = mariadb
        self.clickhouse = clickhouse
        self.name = name
        self.source = source or mariadb.new_database()
        self.destination = destination or clickhouse.new_database()

    def run(self, statement, *arguments):
        return self.mariadb.run(statement, *arguments, database=self.source)

    def arguments(self, tables=None, mode=None, url=None, destination=None, settings=()):
        arguments = ["--source", url or self.mariadb.url, "--dest", destination or self.clickhouse.url(self.destination)]
        for table in tables or [f"{self.source}.*"]:
            arguments += ["--tables", table]
        if mode:
            arguments += ["--mode", mode]
        for setting in settings:
            arguments += ["--set", setting]
        return arguments

    def create(self, *, ok=True, **options):
        return self.engine.sluice("create", self.name, *self.arguments(**options), ok=ok, timeout=120)

    def check(self, *, ok=True, **options):
        return self.engine.sluice("check", *self.arguments(**options), ok=ok, timeout=120)

    def wait(self, *states, seconds=60):
        return self.engine.wait_state(self.name, *states, seconds=seconds)

    def status(self):
        return self.engine.pipe(self.name)

    def table(self, table):
        return self.engine.table(self.name, f"{self.source}.{table}")

    def live(self, **options):
        """Creates the pipe and waits until it follows the log."""
        self.create(**options)
        self.wait("Running")
        return self

    def caught_up(self, seconds=60):
        return wait_caught_up(self.engine, self.name, self.mariadb, seconds)

    def equal(self, *tables, seconds=60):
        """Caught up, and each table is the same at both ends. Returns the number of rows."""
        self.caught_up(seconds)
        return assert_equal(self.mariadb, self.clickhouse, self.source, self.destination, tables)

    def rows(self, table, what="*", where="1"):
        """Rows of the destination as readers see them."""
        return self.clickhouse.rows(f"SELECT {what} FROM {self.destination}.{table} FINAL WHERE _peerdb_is_deleted = 0 AND {where}")

    def journal(self):
        return self.engine.sluice("log", self.name).out
