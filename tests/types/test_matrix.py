"""Every type at its edges, by every way, on every server, whatever it tells of its columns in the log."""

import pytest
from matrix import Matrix
from type_table import types_on


@pytest.mark.core
def test_every_type(kind, metadata, mariadb, new_pipe, checked):
    mariadb.run(f"SET GLOBAL binlog_row_metadata = {metadata}")
    types = types_on(kind)
    cells = Matrix(new_pipe(), types).run(settings=["batch_age=100ms"])
    checked(f"{cells} cells of {len(types)} columns, all equal")
