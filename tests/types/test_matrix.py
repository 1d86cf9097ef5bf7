"""Every type at its edges, by every way, on every server, whatever it tells of its columns in the log."""

import pytest
from matrix import Matrix
from type_table import types_on


@pytest.mark.core
def test_every_type(kind, metadata, mariadb, new_pipe, checked):
    mariadb.run(f"SET GLOBAL binlog_row_metadata = {metadata}")
    types = types_on(kind)
    cells = Matrix(new_pipe(), types).run(settings=["batch_age=100ms"])
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
