"""Every type at its edges, by every way, on every server, whatever it tells of its columns in the log."""

import pytest
import forms as f
from matrix import Matrix
from type_table import Type, types_on


@pytest.mark.core
def test_every_type(kind, metadata, mariadb, new_pipe, checked):
    mariadb.run(f"SET GLOBAL binlog_row_metadata = {metadata}")
    types = types_on(kind)
    cells = Matrix(new_pipe(), types).run(settings=["batch_age=100ms"])
    checked(cells, f"cells of {len(types)} columns")


HASHED = (f.NUMBER, f.TINYINT1, f.BIT, f.DECIMAL, f.TEXT, f.MEMBER, f.SET, f.BYTES, f.UUID, f.INET4, f.INET6, f.JSON, f.OBJECT, f.TIME)


def test_both_ends_hash_alike(kind, new_pipe, checked):
    """A verify reads no row of these types, of values that nothing changes on the way."""
    good = [Type("DATE", f.DATE, ("'1900-01-01'", "'2299-12-31'"))]
    good += [Type(f"{name}({n})", f.MOMENT, ("'1971-01-01 00:00:00'", "'2024-02-29 23:59:59.987654'")) for name in ("DATETIME", "TIMESTAMP") for n in range(7)]
    types = [*good, *(t for t in types_on(kind) if t.form in HASHED and not t.generated)]
    matrix = Matrix(new_pipe(), types)
    cells = matrix.run(settings=["batch_age=100ms"])
    assert [t["table"] for t in matrix.verify_result["tables"] if t["read"]] == []
    checked(cells, f"cells of {len(types)} columns")


@pytest.mark.on("mariadb", "mariadb11")
def test_dates_and_times_of_older_versions(kind, metadata, mariadb, new_pipe, checked):
    """Columns that were made before MariaDB 10.1.2, or with this setting: other bytes in the log."""
    mariadb.run(f"SET GLOBAL binlog_row_metadata = {metadata}")
    types = [t for t in types_on(kind) if t.sql in ("DATE", "DATETIME(0)", "TIMESTAMP(0)", "TIME(0)", "YEAR")]
    mariadb.run("SET GLOBAL mysql56_temporal_format = OFF")
    try:
        cells = Matrix(new_pipe(), types).run(settings=["batch_age=100ms"])
    finally:
        mariadb.run("SET GLOBAL mysql56_temporal_format = ON")
    checked(cells, f"cells of {len(types)} columns")
