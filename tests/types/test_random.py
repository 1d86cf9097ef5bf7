"""Random tables, by both ways: the same value gives the same bytes at the destination whether it was loaded or streamed.

A table is loaded; its twin, with the same rows, is streamed; then both see the same changes. They must be the same bytes, and what the
source says. SLUICE_SEED=N repeats the run of a seed."""

import contextlib
import os
import random

import forms as f
import pymysql
import pytest
from harness.compare import ADDED, ch_name, mysql_name
from type_table import METADATA, types_on

# Fixed ones, and others in each run: the ids are the same in all of pytest's processes, the seeds are drawn by the test.
RUNS = ["given"] if os.environ.get("SLUICE_SEED") else ["1", "2", "3", "new-1", "new-2"]
TABLES = 4
MOST_COLUMNS = 60
MOST_BYTES = 50_000
SHOWN = 6
TOO_LARGE = 1118  # a row that does not fit a page
REQUIRED = {f.DATE: f.DATE_REQUIRED, f.MOMENT: f.MOMENT_REQUIRED}


class Column:
    def __init__(self, rng, name, type_, in_key):
        self.name = name
        self.type = type_
        self.in_key = in_key
        self.required = in_key or type_.required or (not type_.optional and rng.random() < 0.25)
        self.form = REQUIRED.get(type_.form, type_.form) if self.required else type_.form

    def value(self, rng):
        if self.in_key:
            return self.type.random(rng)
        if not self.required and rng.random() < 0.12:
            return "NULL"
        if self.type.random and rng.random() < 0.5:
            return self.type.random(rng)
        return rng.choice(self.type.values)


class Table:
    """Of random columns, and `rid`, by which statements name its rows; no statement changes that."""

    def __init__(self, rng, name, types):
        self.name = name
        self.twin = f"{name}_twin"
        keys = [t for t in types if t.key]
        n = rng.choice((1, 2, rng.randint(1, MOST_COLUMNS), rng.randint(1, MOST_COLUMNS)))
        chosen = [(t, True) for t in rng.sample(keys, min(n, rng.choice((1, 1, 1, 2, 2, 3, 4))))]
        size = sum(t.bytes() for t, _ in chosen)
        while len(chosen) < n:
            type_ = rng.choice(types)
            size += type_.bytes()
            if size > MOST_BYTES:
                break
            chosen.append((type_, False))
        rng.shuffle(chosen)
        self.columns = [Column(rng, f"c{i}", t, in_key) for i, (t, in_key) in enumerate(chosen)]
        self.key = rng.sample([c.name for c in self.columns if c.in_key], sum(c.in_key for c in self.columns))
        self.key_kind = rng.choice(("PRIMARY KEY", "PRIMARY KEY", "PRIMARY KEY", "UNIQUE KEY u"))
        self.place = rng.randint(0, len(self.columns))  # of rid
        self.rows = 0

    def create(self, name):
        columns = [f"{c.name} {c.type.definition(c.required)}" for c in self.columns]
        columns.insert(self.place, "rid INT NOT NULL")
        return f"CREATE TABLE {name} ({', '.join(columns)}, {self.key_kind} ({', '.join(self.key)}), KEY (rid))"

    def insert(self, rng, count):
        """Of new rows; a key that is there already is left out."""
        rows = []
        for _ in range(count):
            self.rows += 1
            rows.append(f"({', '.join([str(self.rows), *(c.value(rng) for c in self.columns)])})")
        return f"INSERT IGNORE INTO {{table}} ({', '.join(['rid', *(c.name for c in self.columns)])}) VALUES {', '.join(rows)}"

    def change(self, rng):
        which = rng.choice(("rid = {0}", "rid = {0}", "rid BETWEEN {0} AND {0} + 5", "rid % 5 = {0} % 5")).format(rng.randint(1, self.rows))
        kind = rng.random()
        plain = [c for c in self.columns if not c.in_key]
        if kind < 0.15:
            return f"DELETE FROM {{table}} WHERE {which}"
        if kind < 0.25:
            return self.insert(rng, rng.randint(1, 4))
        changed = rng.sample(plain, rng.randint(1, len(plain))) if plain else []
        if kind < 0.55 or not changed:
            changed = changed + rng.sample([c for c in self.columns if c.in_key], rng.randint(1, len(self.key)))
        return f"UPDATE IGNORE {{table}} SET {', '.join(f'{c.name} = {c.value(rng)}' for c in changed)} WHERE {which}"


def run(pipe, name, *statements):
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")
        for statement in statements:
            statement = statement.replace("{table}", name)
            try:
                cursor.execute(statement)
            except pymysql.err.MySQLError as error:
                raise AssertionError(f"{error}: {statement[:3000]}") from error


def created(rng, pipe, name, types):
    """A random table and its twin; another one instead when its rows would be too large for the server."""
    while True:
        table = Table(rng, name, types)
        try:
            pipe.run(table.create(table.name))
        except pymysql.err.OperationalError as error:
            if error.args[0] != TOO_LARGE:
                raise AssertionError(f"{error}: {table.create(table.name)}") from error
            continue
        pipe.run(table.create(table.twin))
        return table


def source_rows(pipe, table, name):
    wanted = ", ".join(["rid", *(c.form.ask(pipe.mariadb.kind, mysql_name(c.name)) for c in table.columns)])
    return {row[0]: row[1:] for row in pipe.run(f"SELECT {wanted} FROM {name}")}


def destination_rows(pipe, table, name):
    wanted = ", ".join(["rid", *(c.form.destination.format(c=ch_name(c.name)) for c in table.columns)])
    rows = pipe.rows(name, wanted)
    keyed = {row[0]: row[1:] for row in rows}
    assert len(keyed) == len(rows), f"{name}: a row stands twice: {sorted(row[0] for row in rows)}"
    return keyed


def as_expected(column, value):
    expected = None if value is None else column.form.make(value)
    return column.form.null if expected is None else expected


def compare(pipe, table, alike=False):
    """Both tables with what the source says, and their bytes with each other. Returns the number of values. Not alike: where a
    statement moves several keys, some into the places of others, servers may have done so in another order in the twin."""
    rows = {name: source_rows(pipe, table, name) for name in (table.name, table.twin)}
    other = [rid for rid in rows[table.name].keys() | rows[table.twin].keys() if rows[table.name].get(rid) != rows[table.twin].get(rid)]
    assert not (alike and other), f"{table.name}: the source's two tables are not the same"
    for name, ours in rows.items():
        state = pipe.table(name)
        assert state["state"] == "live", f"{state['error']}: {table.create(name)}"
        theirs = destination_rows(pipe, table, name)
        assert sorted(theirs) == sorted(ours), f"{name}: rows {sorted(theirs)}, at the source {sorted(ours)}: {table.create(name)}"
        wrong = []
        for rid, row in ours.items():
            for column, mine, found in zip(table.columns, row, theirs[rid]):
                found = found if found is None or found == column.form.null else column.form.read(found)
                if as_expected(column, mine) != found:
                    wrong.append(f"  {column.name} {column.type.sql[:80]}, rid {rid}: source {str(mine)[:300]}, destination {str(found)[:300]}")
        assert not wrong, "\n".join([f"{name}: {len(wrong)} values differ: {table.create(name)[:3000]}", *wrong[:SHOWN]])
    # rid first: it is the order.
    where = "_peerdb_is_deleted = 0" + (f" AND rid NOT IN ({', '.join(map(str, other))})" if other else "")
    query = "SELECT rid, * EXCEPT (rid, {added}) FROM {database}.{table} FINAL WHERE {where} ORDER BY rid FORMAT RowBinary"
    loaded, streamed = (pipe.clickhouse.fetch(query.format(added=", ".join(ADDED), database=pipe.destination, table=name, where=where)) for name in rows)
    assert loaded == streamed, f"{table.name}: the same values are other bytes when streamed: {table.create(table.name)}"
    return sum(map(len, rows.values())) * (len(table.columns) + 1)


def random_run(rng, kind, pipe):
    pipe.mariadb.run(f"SET GLOBAL binlog_row_metadata = {rng.choice(METADATA[kind])}")
    types = [t for t in types_on(kind) if not t.generated]
    tables = [created(rng, pipe, f"t{n}", types) for n in range(TABLES)]
    first = {table: [table.insert(rng, rng.choice((1, 1, 3, 20))) for _ in range(rng.randint(1, 8))] for table in tables}
    for table in tables:
        run(pipe, table.name, *first[table])
    pipe.live(settings=["batch_age=100ms", f"batch_rows={rng.choice((20, 1000))}", f"readers={rng.randint(1, 4)}"])
    for table in tables:
        run(pipe, table.twin, *first[table])
    pipe.caught_up()
    values = sum(compare(pipe, table, alike=True) for table in tables)
    for table in tables:
        changes = [table.change(rng) for _ in range(rng.randint(5, 40))]
        run(pipe, table.name, *changes)
        run(pipe, table.twin, *changes)
    pipe.caught_up()
    return values + sum(compare(pipe, table) for table in tables), sum(len(table.columns) + 1 for table in tables)


@pytest.mark.parametrize("run", RUNS)
def test_random_tables(run, kind, new_pipe, checked):
    seed = int(os.environ["SLUICE_SEED"]) if run == "given" else random.SystemRandom().randrange(10**9) if run.startswith("new") else int(run)
    try:
        values, columns = random_run(random.Random(f"{kind}/{seed}"), kind, new_pipe())
    except AssertionError as error:
        raise AssertionError(f"seed {seed} (SLUICE_SEED={seed} repeats it): {error}") from error
    checked(values, f"values of seed {seed}, in {TABLES} tables of {columns} columns and their twins")
