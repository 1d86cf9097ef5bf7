"""MySQL's binlog_row_value_options=PARTIAL_JSON: of a changed document the log holds what changed."""

import contextlib

import pytest
from harness.compare import mysql_name
from type_table import OBJECTS, quoted

LARGE = "CONCAT('{\"a\": [', REPEAT('\"element\", ', 9000), '1], \"z\": {\"k\": 1}}')"  # offsets of four bytes
SMALL = quoted('{"a": {"b": [1, 2, {"c": "d"}], "é": null}, "s": "text", "n": 7, "": 0}')
LIST = quoted('[0, "one", [2, 2], {"three": 3}, null, true, 6.5]')
# A document, and what is made of it ({c}), one after the other.
DIFFS = [
    (SMALL, "JSON_SET({c}, '$.n', 8)", "JSON_SET({c}, '$.n', 'now a text that is longer than the number before')", "JSON_SET({c}, '$.n', 1.5)"),
    (SMALL, "JSON_SET({c}, '$.new', JSON_ARRAY(1, 'two'))", "JSON_REMOVE({c}, '$.new')", "JSON_SET({c}, '$.zz', CAST('2024-02-29 01:02:03.25' AS DATETIME(2)))"),
    (SMALL, "JSON_REPLACE({c}, '$.a.b[2].c', 'D')", "JSON_REPLACE({c}, '$.a.b[0]', -9223372036854775808)", "JSON_REPLACE({c}, '$.absent', 1)"),
    (SMALL, "JSON_REMOVE({c}, '$.a.b[0]')", "JSON_REMOVE({c}, '$.a.b[0]', '$.s')", "JSON_REMOVE({c}, '$.a')", "JSON_REMOVE({c}, '$.\"\"', '$.n')"),
    (SMALL, "JSON_SET({c}, '$.\"é\"', '日本 🐬', '$.s', NULL, '$.n', TRUE)", "JSON_SET({c}, '$.a.\"é\"', 12.50, '$.\"odd key . [0] \"', 1)"),
    (SMALL, "JSON_SET({c}, '$.s', REPEAT('x', 200))", "JSON_SET({c}, '$.s', REPEAT('y', 20000))", "JSON_SET({c}, '$.s', '')"),
    (LIST, "JSON_SET({c}, '$[0]', 'zero')", "JSON_SET({c}, '$[7]', 'at the end')", "JSON_REMOVE({c}, '$[1]')", "JSON_REMOVE({c}, '$[0]', '$[0]')"),
    (LIST, "JSON_SET({c}, '$[2][1]', 5, '$[3].three', JSON_OBJECT('deep', JSON_ARRAY()))", "JSON_SET({c}, '$[3].three.deep[0]', x'00FF')", "JSON_SET({c}, '$[6]', 1e300)"),
    (LARGE, "JSON_SET({c}, '$.a[8999]', 'last')", "JSON_SET({c}, '$.z.k', 70000, '$.y', 1)", "JSON_REMOVE({c}, '$.a[0]')", "JSON_REMOVE({c}, '$.a')"),
    *((quoted(text), "JSON_SET({c}, '$.added', 1)", "JSON_SET({c}, '$.added', 2)", "JSON_REMOVE({c}, '$.added')") for text in OBJECTS),
    (quoted("{}"), "JSON_SET({c}, '$.a', 1)", "JSON_REMOVE({c}, '$.a')"),
    (quoted("1"), "JSON_SET({c}, '$', 2)", "JSON_SET({c}, '$', JSON_OBJECT())"),
    ("NULL", "JSON_SET({c}, '$.a', 1)", "JSON_OBJECT('a', 1)", "JSON_SET({c}, '$.a', 2)", "NULL"),
]  # fmt: skip
STEPS = max(len(diff) for diff in DIFFS) - 1
NAMES = ("c", "d")  # two documents a row: a bitmap says which of them is a change


def step(diff, n, name):
    """Beyond its last step a document stays."""
    return (diff[1 + n] if 1 + n < len(diff) else "{c}").format(c=mysql_name(name))


@pytest.mark.on("mysql")
def test_changes_of_documents(kind, metadata, mariadb, new_pipe, checked):
    mariadb.run(f"SET GLOBAL binlog_row_metadata = {metadata}")
    pipe = new_pipe()
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, before_ VARCHAR(20), c JSON, between_ BIT(3), d JSON, after_ INT NOT NULL)")
    compared = 0
    begin = mariadb.end_of_log()
    with contextlib.closing(mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("SET binlog_row_value_options = PARTIAL_JSON")
        for n, diff in enumerate(DIFFS):
            cursor.execute(f"INSERT INTO t VALUES ({n}, 'before', {diff[0]}, 5, {DIFFS[-1 - n][0]}, {n})")
        pipe.live(settings=["batch_age=100ms"])
        for k in range(STEPS):
            for n, diff in enumerate(DIFFS):
                own, other = step(diff, k, "c"), step(DIFFS[-1 - n], k, "d")
                which = (f"c = {own}", f"d = {other}", f"c = {own}, d = {other}, after_ = after_ + 1", f"d = {other}, c = {own}")[(n + k) % 4]
                cursor.execute(f"UPDATE t SET {which} WHERE id = {n}")
            # A row of an event after one with changes; a key that changes together with its document.
            cursor.execute("UPDATE t SET c = JSON_SET(c, '$.all', id), id = id + 100 WHERE JSON_TYPE(c) = 'OBJECT'")
            cursor.execute("UPDATE t SET id = id - 100 WHERE id >= 100")
            pipe.caught_up()
            cursor.execute("SELECT id, before_, HEX(CAST(c AS CHAR)), between_ + 0, HEX(CAST(d AS CHAR)), after_ FROM t ORDER BY id")
            ours = [list(row) for row in cursor.fetchall()]
            theirs = pipe.rows("t", "id, before_, hex(c), between_, hex(d), after_", "1 ORDER BY id")
            for mine, yours in zip(ours, theirs):
                assert mine == yours, f"after step {k + 1}: {[unhexed(row) for row in (mine, yours)]}"
            assert len(ours) == len(theirs) == len(DIFFS)
            compared += len(NAMES) * len(ours)
        cursor.execute(f"SHOW BINLOG EVENTS IN '{begin[0]}' FROM {begin[1]}")
        partial = sum(row[2] == "Update_rows_partial" for row in cursor.fetchall())
    assert partial > len(DIFFS), "the server logs whole documents"
    checked(compared, f"documents after {partial} events with changes")


def unhexed(row):
    return [row[0], *(bytes.fromhex(text).decode()[:300] if text else text for text in (row[2], row[4]))]
