"""What stands in rows without having been written: generated keys, and generated columns where the server does not log them."""

import contextlib

import pytest
from harness.compare import differences

FAST = ["batch_age=100ms"]


@pytest.mark.on("mysql")
def test_generated_invisible_primary_key(kind, metadata, mariadb, new_pipe, checked):
    mariadb.run(f"SET GLOBAL binlog_row_metadata = {metadata}")
    pipe = new_pipe()
    with contextlib.closing(mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_generate_invisible_primary_key = ON")
        cursor.execute("CREATE TABLE g (a INT, v VARCHAR(20) CHARACTER SET latin1, at DATETIME(3))")
        cursor.execute("INSERT INTO g VALUES (1, 'é', '2024-01-01'), (1, 'é', '2024-01-01'), (NULL, NULL, NULL)")
        pipe.live(settings=FAST)
        cursor.execute("INSERT INTO g VALUES (1, 'é', '2024-01-01'), (2, 'new', NULL), (3, 'goes', NULL)")
        cursor.execute("UPDATE g SET a = a + 10, v = CONCAT(v, 'ü') WHERE a = 1")
        cursor.execute("UPDATE g SET my_row_id = 1000 WHERE a = 2")
        cursor.execute("DELETE FROM g WHERE a = 3")
    pipe.caught_up()
    text, rows = differences(mariadb, pipe.clickhouse, pipe.source, pipe.destination, "g")
    assert not text and rows == 5, text
    assert sorted(pipe.rows("g", "my_row_id")) == [[1], [2], [3], [4], [1000]]
    checked(rows, "rows of a key that is in no statement")


@pytest.mark.on("mariadb11")
def test_generated_columns_that_are_not_logged(kind, metadata, mariadb, new_pipe, checked):
    """MariaDB 11.8 leaves them out of updates and deletes. The preflight says so; left out at the destination too, they are in
    nobody's way, wherever they stand."""
    mariadb.run(f"SET GLOBAL binlog_row_metadata = {metadata}")
    pipe = new_pipe()
    pipe.run("CREATE TABLE g (early INT GENERATED ALWAYS AS (n + 1) VIRTUAL, id INT NOT NULL, n INT, mid INT GENERATED ALWAYS AS (n * 2) STORED, v VARCHAR(20),"
             " late VARCHAR(30) GENERATED ALWAYS AS (CONCAT(v, n)) VIRTUAL, last_ INT NOT NULL, PRIMARY KEY (id))")  # fmt: skip
    pipe.run("INSERT INTO g (id, n, v, last_) SELECT seq, seq, IF(seq % 3 = 0, NULL, seq), -seq FROM seq_1_to_20")
    refused = pipe.check(ok=5)
    for column in ("early", "mid", "late"):
        assert f"column {column}: it is generated" in refused.out + refused.err, refused
    pipe.live(settings=[*FAST, f"{pipe.source}.g:exclude=early,mid,late"])
    pipe.run("INSERT INTO g (id, n, v, last_) SELECT seq, NULL, 'later', 7 FROM seq_21_to_40")
    pipe.run("UPDATE g SET n = n + 1, v = CONCAT(v, '!') WHERE id % 2 = 0")
    pipe.run("UPDATE g SET id = id + 1000, v = NULL WHERE id % 5 = 0")
    pipe.run("DELETE FROM g WHERE id % 7 = 0")
    pipe.caught_up()
    ours = [list(row) for row in pipe.run("SELECT id, n, v, last_ FROM g ORDER BY id")]
    assert pipe.rows("g", "id, n, v, last_", "1 ORDER BY id") == ours
    assert len(ours) > 30
    checked(len(ours), "rows without their generated columns")


@pytest.mark.on("mariadb11")
def test_hidden_columns_that_are_not_logged(kind, mariadb, new_pipe, checked):
    """UNIQUE on TEXT is a hidden generated column."""
    pipe = new_pipe()
    pipe.run("CREATE TABLE h (id INT PRIMARY KEY, t TEXT, n INT, UNIQUE (t))")
    pipe.run("INSERT INTO h SELECT seq, seq, 0 FROM seq_1_to_20")
    pipe.live(settings=FAST)
    pipe.run("INSERT INTO h SELECT seq, seq, 0 FROM seq_21_to_40")
    pipe.run("UPDATE h SET n = n + 1, t = CONCAT(t, '!') WHERE id % 2 = 0")
    pipe.run("UPDATE h SET id = id + 1000 WHERE id % 5 = 0")
    pipe.run("DELETE FROM h WHERE id % 7 = 0")
    rows = pipe.equal("h")
    checked(rows, "rows")
