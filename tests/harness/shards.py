"""Tables of one form in several databases of the source, which go into one table of the destination (setting source_column)."""

from .compare import differences
from .readers import TABLE, Load, Reader

TARGET = "orders"
COLUMN = "shard"


class Shards:
    """Databases with a table `orders` each; all but the first are new. The same keys are in each of them."""

    def __init__(self, pipe, count=2, rows=5_000):
        self.pipe = pipe
        self.names = [pipe.source]
        self.run(pipe.source, TABLE.format(TARGET))
        self.load(pipe.source, rows)
        for _ in range(count - 1):
            self.new(rows)

    def new(self, rows=5_000):
        """One more, which the pipe does not have yet."""
        name = self.pipe.mariadb.new_database()
        self.names.append(name)
        self.run(name, TABLE.format(TARGET))
        self.load(name, rows)
        return name

    def load(self, name, rows):
        self.run(name, f"INSERT INTO {TARGET} SELECT seq, 0, CONCAT('{name}', REPEAT('v', seq % 90)) FROM seq_1_to_{rows}")

    def run(self, name, statement):
        return self.pipe.mariadb.run(statement, database=name)

    def options(self, *more, names=None):
        names = names or self.names
        settings = [f"{name}.{TARGET}:source_column={COLUMN}" for name in names]
        return {"tables": [self.listed(name) for name in names], "settings": [*settings, *more]}

    def listed(self, name):
        return f"{name}.{TARGET}:{TARGET}"

    def live(self, *more):
        self.pipe.live(**self.options(*more))
        return self

    def table(self, name):
        return self.pipe.engine.table(self.pipe.name, f"{name}.{TARGET}")

    def rows(self, name, what="*", where="1"):
        return self.pipe.rows(TARGET, what, f"{COLUMN} = '{name}.{TARGET}' AND {where}")

    def names_there(self):
        """Of whom rows are stored, deleted ones too."""
        return sorted(row[0] for row in self.pipe.clickhouse.rows(f"SELECT DISTINCT {COLUMN} FROM {self.pipe.destination}.{TARGET}"))

    def equal(self, *names, table=TARGET):
        """Caught up, and each (None named: all) is the same at both ends. Returns the number of rows."""
        self.pipe.caught_up()
        total = 0
        for name in names or self.names:
            text, rows = differences(self.pipe.mariadb, self.pipe.clickhouse, name, self.pipe.destination, table, source_column=COLUMN)
            assert not text, f"{name}: {text}"
            total += rows
        return total

    def add(self, name, *arguments, **options):
        return self.pipe.engine.sluice("tables", self.pipe.name, "add", self.listed(name), *arguments, timeout=120, **options)

    def set(self, *settings):
        return self.pipe.engine.sluice("set", self.pipe.name, *settings)

    def resync(self, *names, wait=True, **options):
        arguments = [argument for name in names for argument in ("--table", f"{name}.{TARGET}")]
        return self.pipe.engine.sluice("resync", self.pipe.name, *arguments, *(["--wait"] if wait else []), timeout=120, **options)

    def load_on(self, *names):
        return Load(self.pipe, *(f"{name}.{TARGET}" for name in names or self.names))

    def reader(self):
        return ShardsReader(self.pipe, TARGET)


class ShardsReader(Reader):
    key = f"concat({COLUMN}, '/', toString(id))"
