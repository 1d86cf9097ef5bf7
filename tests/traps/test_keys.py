"""Keys: no two of the source become one at the destination."""

import pytest


@pytest.mark.rule("no-key-is-refused")
def test_no_key_is_refused(pipe, trap):
    pipe.run("CREATE TABLE t (v INT)")
    pipe.run("INSERT INTO t VALUES (1), (1)")
    assert pipe.run("SELECT COUNT(*), COUNT(DISTINCT v) FROM t") == ((2, 1),)
    trap("two rows are the same in every column: by what is one of them to be deleted?")
    result = pipe.create(ok=5)
    assert "FAIL key: " in result.out and f"{pipe.source}.t has no primary key" in result.out
    assert ":key=" in result.out, "what to do is said"
