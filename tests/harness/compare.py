"""Source and destination, row by row: every column in one canonical form, by the source's key."""

import contextlib
from dataclasses import dataclass
from decimal import Decimal

ADDED = ("_peerdb_synced_at", "_peerdb_is_deleted", "_peerdb_version")
SHOWN = 5  # differing rows in the message of a failure


def mysql_name(name):
    return "`" + name.replace("`", "``") + "`"


def ch_name(name):
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def ch_text(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


# By DATA_TYPE of information_schema: what the source is asked for, the destination, and what makes both a Python value.
_NUMBER = ("{c}", "{c}", None)
_TEXT = ("HEX(CONVERT({c} USING utf8mb4))", "hex({c})", None)
_BYTES = ("HEX({c})", "hex({c})", None)
_MOMENT = ("DATE_FORMAT({c}, '%Y-%m-%d %H:%i:%s.%f')", "toString({c})", None)
FORMS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), _NUMBER),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), _TEXT),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _BYTES),
    **dict.fromkeys(("datetime", "timestamp"), _MOMENT),
    "bit": ("{c} + 0", "{c}", None),
    "decimal": ("CAST({c} AS CHAR)", "toString({c})", Decimal),
    "float": ("CAST({c} AS DOUBLE)", "toFloat64({c})", float),
    "double": ("{c}", "{c}", float),
    "date": ("CAST({c} AS CHAR)", "toString({c})", None),
    "time": ("CAST(CAST({c} AS TIME(6)) AS CHAR)", "toString({c})", None),
}


def columns(mariadb, database, table):
    return mariadb.run(
        "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s "
        "ORDER BY ORDINAL_POSITION", database, table
    )  # fmt: skip


def key_columns(mariadb, database, table):
    """Of the primary key, else of the first unique key."""
    rows = mariadb.run(
        "SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND "
        "NON_UNIQUE = 0 ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX", database, table
    )  # fmt: skip
    return [column for index, column in rows if index == rows[0][0]]


def keyed(rows, forms, key):
    result = {}
    make = [form[2] for form in forms]
    plain = not any(make)
    for row in rows:
        if not plain:
            row = [m(v) if m and v is not None else v for m, v in zip(make, row)]
        row = tuple(row)
        k = tuple(row[i] for i in key)
        assert k not in result, f"key {k} twice: {result[k]} and {row}"
        result[k] = row
    return result


def source_rows(mariadb, database, table, where="1"):
    shape = columns(mariadb, database, table)
    names = [name for name, _ in shape]
    forms = [FORMS[kind] for _, kind in shape]
    key = [names.index(column) for column in key_columns(mariadb, database, table)]
    wanted = ", ".join(form[0].format(c=mysql_name(name)) for name, form in zip(names, forms))
    with contextlib.closing(mariadb.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {wanted} FROM {mysql_name(table)} WHERE {where}")
        return names, forms, key, keyed(cursor.fetchall(), forms, key)


def destination_rows(clickhouse, database, table, names, forms, key, where="1"):
    wanted = ", ".join(form[1].format(c=ch_name(name)) for name, form in zip(names, forms))
    rows = clickhouse.rows(
        f"SELECT {wanted} FROM {ch_name(database)}.{ch_name(table)} FINAL WHERE _peerdb_is_deleted = 0 AND {where}"
    )
    return keyed(rows, forms, key)


@dataclass
class Comparison:
    """What differs, as text; empty when both are equal."""

    text: str = ""
    rows: int = 0  # compared
    missing: int = 0
    extra: int = 0
    changed: int = 0


def differences(*arguments, **options):
    """(text, rows compared) of a comparison."""
    found = compared(*arguments, **options)
    return found.text, found.rows


def compared(mariadb, clickhouse, source, destination, table, target=None, where="1", source_column=None, kept=False):
    """A Comparison. `source_column`: the target has rows of others. `kept`: and columns that the source has no more."""
    target = target or table
    names, forms, key, ours = source_rows(mariadb, source, table, where)
    there = [
        name
        for (name,) in clickhouse.rows(
            f"SELECT name FROM system.columns WHERE database = {ch_text(destination)} AND table = {ch_text(target)} ORDER BY position"
        )
    ]
    added = [*filter(None, [source_column]), *ADDED]
    if sorted(name for name in there if not kept or name in names or name in added) != sorted([*names, *added]):
        return Comparison(f"{table}: columns {there}, not {names} and {added}")
    of_it = f" AND {ch_name(source_column)} = {ch_text(f'{source}.{table}')}" if source_column else ""
    theirs = destination_rows(clickhouse, destination, target, names, forms, key, where + of_it)
    if ours == theirs:
        return Comparison(rows=len(ours))
    missing = [ours[k] for k in ours.keys() - theirs.keys()]
    extra = [theirs[k] for k in theirs.keys() - ours.keys()]
    changed = [(ours[k], theirs[k]) for k in ours.keys() & theirs.keys() if ours[k] != theirs[k]]
    lines = [f"{table}: {len(ours)} rows at the source, {len(theirs)} at the destination; columns {names}"]
    for title, rows in (("missing", missing), ("extra", extra), ("different (source, destination)", changed)):
        if rows:
            lines.append(f"  {len(rows)} {title}: " + "; ".join(map(str, sorted(rows, key=str)[:SHOWN])))
    return Comparison("\n".join(lines), len(ours), len(missing), len(extra), len(changed))


def assert_equal(mariadb, clickhouse, source, destination, tables, where="1"):
    """Each of the tables, all columns and rows. Returns the number of rows compared."""
    total = 0
    found = []
    for table in tables:
        text, rows = differences(mariadb, clickhouse, source, destination, table, where=where)
        total += rows
        if text:
            found.append(text)
    assert not found, "\n".join(found)
    return total


def position_of(pipe):
    position = pipe.get("position") or {}
    return (position.get("file") or "", position.get("pos") or 0)


def wait_caught_up(engine, name, mariadb, seconds=120):
    """Until everything logged by now is acknowledged by the destination: the saved position says so."""
    from .engine import PATIENCE
    from .process import wait_until

    goal = mariadb.end_of_log()

    def reached():
        pipe = engine.pipe(name)
        assert pipe["state"] != "Failed", engine.describe(name)
        return position_of(pipe) >= goal and pipe

    return wait_until(reached, seconds * PATIENCE, lambda: f"{name} reaches {goal}: {engine.describe(name)}", 0.1)
