"""Every value of many types through a pipe, by every way that a value takes, compared with what the source says.

The columns are spread over a few tables. Row r of a table holds the r-th value of each of its columns. Each value comes four times:
loaded; inserted; updated from another value; inserted and deleted."""

import contextlib
import json

from harness.compare import ch_name, mysql_name

MOST_COLUMNS = 50
MOST_BYTES = 60_000  # of a row's 65535
LOADED, INSERTED, UPDATED, DELETED = 0, 1000, 2000, 3000  # where the ids of each way begin
WAYS = {LOADED: "snapshot", INSERTED: "insert", UPDATED: "update"}
IMAGES = 5  # how often a row's values are written: the three ways, before the update, before the delete
SHOWN = 40  # columns and ways that differ, in the message of a failure


class Column:
    def __init__(self, name, type_, form):
        self.name = name
        self.type = type_
        self.form = form
        self.values = type_.values if type_.required or type_.generated else ("NULL", *type_.values)

    def value(self, row):
        return self.values[row % len(self.values)] if self.values else "a formula"

    def counts(self, row):
        """Whether the row has a value that no row before it has."""
        return row < len(self.values) or self.type.generated


class Table:
    def __init__(self, name, columns):
        self.name = name
        self.columns = columns
        self.rows = max(8, *(len(c.values) for c in columns))
        self.written = [mysql_name(c.name) for c in columns if not c.type.generated]

    def create(self):
        columns = ", ".join(f"{mysql_name(c.name)} {c.type.definition()}" for c in self.columns)
        return f"CREATE TABLE {self.name} (id INT NOT NULL PRIMARY KEY, n INT NOT NULL, {columns})"

    def insert(self, first):
        """A statement for each row."""
        names = ", ".join(["id", "n", *self.written])
        for row in range(self.rows):
            values = ", ".join([str(first + row), str(row), *(c.value(row) for c in self.columns if not c.type.generated)])
            yield f"INSERT INTO {self.name} ({names}) VALUES ({values})"

    def copy(self, to, shift):
        """Statements for all rows: what was inserted again, `shift` rows further."""
        names = ", ".join(["n", *self.written])
        return f"INSERT INTO {self.name} (id, {names}) SELECT {to} + (id - {INSERTED} + {shift}) % {self.rows}, {names} FROM {self.name} WHERE id BETWEEN {INSERTED} AND {INSERTED + 999}"

    def update(self):
        to = ", ".join(f"a.{name} = b.{name}" for name in ("n", *self.written))
        return f"UPDATE {self.name} AS a JOIN {self.name} AS b ON b.id = a.id - {UPDATED - INSERTED} SET {to} WHERE a.id BETWEEN {UPDATED} AND {UPDATED + 999}"

    def delete(self):
        return f"DELETE FROM {self.name} WHERE id BETWEEN {DELETED} AND {DELETED + 999}"


def spread(types, forms):
    """Tables for them. forms: another form for some of the types' own."""
    tables, columns, size = [], [], 0
    for n, type_ in enumerate(types):
        if columns and (len(columns) == MOST_COLUMNS or size + type_.bytes() > MOST_BYTES):
            tables.append(Table(f"t{len(tables)}", columns))
            columns, size = [], 0
        columns.append(Column(f"c{n}", type_, forms.get(type_.form, type_.form)))
        size += type_.bytes()
    return [*tables, Table(f"t{len(tables)}", columns)]


class Matrix:
    """forms: see spread(). required: NULL becomes the type's default (nullable=off). title: for messages."""

    def __init__(self, pipe, types, forms=None, required=False, title=""):
        self.pipe = pipe
        self.title = title
        self.kind = pipe.mariadb.kind
        self.tables = spread(types, forms or {})
        self.required = required
        self.cells = 0
        self.wrong = {}  # the first of each column and way

    def statements(self, *statements):
        with contextlib.closing(self.pipe.mariadb.connect(self.pipe.source)) as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")
            for statement in statements:
                try:
                    cursor.execute(statement)
                except Exception as error:
                    raise AssertionError(f"{error}: {statement[:3000]}") from error

    def run(self, **options):
        """All of it, with a pipe made with the options. Returns how many cells are equal: all."""
        for table in self.tables:
            self.statements(table.create(), *table.insert(LOADED))
        self.pipe.live(**options)
        for table in self.tables:
            self.statements(*table.insert(INSERTED), table.copy(UPDATED, 1), table.copy(DELETED, 0), table.update(), table.delete())
        self.pipe.caught_up()
        for table in self.tables:
            self.compare(table)
        self.verified()
        assert not self.wrong, f"{self.title}: {len(self.wrong)} columns and ways differ, {self.cells} cells are equal:\n" + "\n".join([*self.wrong.values()][:SHOWN])
        return self.cells

    def verified(self):
        """sluice finds no difference either, by hash or by value."""
        result = json.loads(self.pipe.engine.sluice("verify", self.pipe.name, "--wait", "--json", ok=None, timeout=120).out)
        self.verify_result = result
        found = [(d["table"], d["key"], d["kind"], d["values"]) for d in result["differences"]]
        assert not found and result["verify"]["stopped"] is None, f"{self.title}: verify: {result['verify']}, {found[:SHOWN]}"
        assert not [t for t in result["tables"] if t["skipped"] or t["unsettled"]], f"{self.title}: {result['tables']}"
        assert result["verify"]["rows"] == sum(len(WAYS) * table.rows for table in self.tables), f"{self.title}: {result['verify']}"

    def compare(self, table):
        state = self.pipe.table(table.name)
        assert state["state"] == "live", f"{table.name}: {state}"
        source = self.source_rows(table)
        destination = self.destination_rows(table)
        wanted = [way + row for way in WAYS for row in range(table.rows)]
        assert sorted(source) == wanted, f"{table.name}: rows of the source"
        assert sorted(destination) == wanted, f"{table.name}: rows of the destination: {sorted(destination)}, not {wanted}"
        for id_ in wanted:
            for column, ours, theirs in zip(table.columns, source[id_], destination[id_]):
                self.cell(table, column, id_, ours, theirs)
        for n, column in enumerate(table.columns):
            for row in range(table.rows):
                again = {source[way + row][n] for way in WAYS}
                assert len(again) == 1, f"the source itself differs: {column.type.sql}, {column.value(row)}: {again}"
        self.deleted(table)
        self.counters(table, state, source)

    def source_rows(self, table):
        wanted = ", ".join(["id", *(c.form.ask(self.kind, mysql_name(c.name)) for c in table.columns)])
        return {row[0]: row[1:] for row in self.pipe.run(f"SELECT {wanted} FROM {table.name}")}

    def destination_rows(self, table):
        wanted = ", ".join(["id", *(c.form.destination.format(c=ch_name(c.name)) for c in table.columns)])
        return {row[0]: row[1:] for row in self.pipe.rows(table.name, wanted)}

    def cell(self, table, column, id_, ours, theirs):
        form = column.form
        expected = None if ours is None else form.make(ours)
        if expected is None:
            expected = form.default if self.required else form.null
        found = theirs if theirs is None or theirs == form.null else form.read(theirs)
        way = max(way for way in WAYS if way <= id_)
        if expected == found:
            self.cells += column.counts(id_ - way)
            return
        value = column.value(id_ - way)
        self.wrong.setdefault((column.name, way), f"  {column.type.sql[:60]} ({table.name}.{column.name}), {WAYS[way]} of {value[:200]}: source "
                              f"{str(ours)[:300]}, so {str(expected)[:300]!r}, but {str(found)[:300]!r}")  # fmt: skip

    def deleted(self, table):
        """Their rows are marked, all of them; a value read wrongly would shift what is behind it: the next row's key."""
        rows = self.pipe.clickhouse.rows(f"SELECT DISTINCT id FROM {self.pipe.destination}.{table.name} WHERE _peerdb_is_deleted = 1 ORDER BY id")
        assert [id_ for (id_,) in rows] == [DELETED + row for row in range(table.rows)], f"{table.name}: rows deleted: {rows}"
        self.cells += sum(column.counts(row) for column in table.columns for row in range(table.rows))

    def counters(self, table, state, source):
        """Each value that was changed on the way is counted with its column, as often as it was written."""
        expected = {}
        for n, column in enumerate(table.columns):
            for row in range(table.rows):
                value = source[INSERTED + row][n]
                fault = column.form.fault(value) if value is not None else None
                if fault:
                    counted = expected.setdefault(column.name, {"name": column.name})
                    counted[fault] = counted.get(fault, 0) + IMAGES
        found = {column["name"]: column for column in state["columns"]}
        assert found == expected, f"{table.name}: counted {found}, not {expected}"
