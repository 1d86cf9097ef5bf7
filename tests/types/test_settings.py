"""Each setting that changes what a type becomes: every value of the types it changes, by every way; and values that it refuses."""

import itertools

import forms as f
import pytest
from matrix import Matrix
from type_table import types_on

FAST = "batch_age=100ms"


def dates(**policy):
    return {
        f.DATE: f.date(**policy), f.DATE_REQUIRED: f.date(required=True, **policy),
        f.MOMENT: f.moment(**policy), f.MOMENT_REQUIRED: f.moment(required=True, **policy),
    }  # fmt: skip


# Of the forms that a setting changes: the other form. What is in one group is set together.
GROUPS = [
    {
        "tinyint1=bool": {f.TINYINT1: f.BOOL},
        "zero_date=epoch": dates(zero_date="epoch"),
        "set=array": {f.SET: f.SET_ARRAY},
        "json=json": {f.OBJECT: f.OBJECT_TYPE},  # of MySQL; MariaDB's is text
        "geometry=wkb": {f.GEOMETRY: f.WKB},
        "binary=hex": {f.BYTES: f.BYTES_HEX},
    },
    {"out_of_range=null": dates(out_of_range="null"), "binary=base64": {f.BYTES: f.BYTES_BASE64}},
]


def test_what_types_become(kind, new_pipe, checked):
    for group in GROUPS:
        forms = dict(itertools.chain.from_iterable(changed.items() for changed in group.values()))
        types = [t for t in types_on(kind) if t.form in forms]
        cells = Matrix(new_pipe(), types, forms, title=" ".join(group)).run(settings=[*group, FAST])
        checked(cells, f"cells of {len(types)} columns with {' '.join(group)}")


def test_without_null(kind, new_pipe, checked):
    """NULL becomes the default of the type that is at the destination, and so do dates that are none."""
    types = types_on(kind)
    cells = Matrix(new_pipe(), types, required=True).run(settings=["nullable=off", FAST])
    checked(cells, f"cells of {len(types)} columns with nullable=off")


ZERO, RANGE, KEY = "is not a date", "outside the destination's range", "part of the key"
# A column, whether it is the key, a good value, a bad one, and what the failed table says.
REFUSED = [
    ("DATE", False, "'2024-01-01'", "'0000-00-00'", ZERO),
    ("DATE", False, "NULL", "'2024-02-00'", ZERO),
    ("DATETIME(6)", False, "NULL", "'2024-00-15 12:00:00'", ZERO),
    ("TIMESTAMP(2) NULL", False, "NULL", "0", ZERO),
    ("DATE NOT NULL", False, "'2024-01-01'", "'0000-00-00'", ZERO),
    ("DATE", False, "NULL", "'1899-12-31'", RANGE),
    ("DATE", False, "NULL", "'2300-01-01'", RANGE),
    ("DATETIME", False, "NULL", "'0001-01-01 00:00:00'", RANGE),
    ("DATETIME(3) NOT NULL", False, "'2024-01-01'", "'9999-12-31 23:59:59'", RANGE),
    ("DATE NOT NULL", True, "'2024-01-01'", "'0000-00-00'", KEY),
    ("DATE NOT NULL", True, "'2024-01-01'", "'1000-01-01'", KEY),
    ("DATETIME(6) NOT NULL", True, "'2024-01-01'", "'2300-01-01 00:00:00.000001'", KEY),
    ("TIMESTAMP NOT NULL", True, "'2024-01-01'", "0", KEY),
    ("ENUM('a','') NOT NULL", True, "'a'", "2", KEY),
    ("ENUM('a','') NOT NULL", True, "'a'", "0", KEY),
    ("SET('a','') NOT NULL", True, "'a'", "2", KEY),
]  # fmt: skip
WAYS = ("snapshot", "insert", "update")


def refused_table(name, way):
    """Two statements: the table with its rows before the pipe, and the one that brings the bad value into the log."""
    sql, in_key, good, bad, _ = REFUSED[int(name.split("_")[1])]
    key = "c" if in_key else "id"
    create = f"CREATE TABLE {name} (id INT NOT NULL, c {sql}, PRIMARY KEY ({key}))"
    rows = f"INSERT INTO {name} VALUES (1, {good})" + (f", (2, {bad})" if way == "snapshot" else "")
    change = {"snapshot": "DO 0", "insert": f"INSERT INTO {name} VALUES (2, {bad})", "update": f"UPDATE {name} SET c = {bad}"}[way]
    return create, rows, change


@pytest.mark.parametrize("settings", [("zero_date=fail", "out_of_range=fail"), ()], ids=["fail", "keys"])
def test_values_that_are_refused(kind, settings, new_pipe, checked):
    """The table of such a value fails, and says which column and value; the others go on. Keys refuse it without a setting."""
    pipe = new_pipe()
    wanted = [n for n, row in enumerate(REFUSED) if row[1] == (not settings)]
    tables = {f"f_{n}_{way}": (*refused_table(f"f_{n}_{way}", way), REFUSED[n]) for n in wanted for way in WAYS}
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY, c DATE)")
    for create, rows, _, _ in tables.values():
        pipe.run(create)
        pipe.run(rows)
    pipe.live(settings=[FAST, *settings])
    for _, _, change, _ in tables.values():
        pipe.run(change)
    pipe.run("INSERT INTO good VALUES (1, '2024-01-01')")
    assert pipe.equal("good") == 1
    for name, (_, _, _, (sql, _, _, bad, words)) in tables.items():
        table = pipe.table(name)
        message = (table["error"] or {}).get("message", "")
        assert table["state"] == "failed" and "column c: " in message and words in message, f"{name}, {sql}, {bad}: {table}"
    checked(len(tables), "refusals")
