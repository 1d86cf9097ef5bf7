"""Tables that are there at the destination: old rows outrank new ones, and some engines give up what they should keep."""

import pytest

COLUMNS = "id Int32, v Nullable(String), _peerdb_synced_at DateTime64(9), _peerdb_is_deleted UInt8, _peerdb_version UInt64"
ENGINE = "ReplacingMergeTree(_peerdb_version, _peerdb_is_deleted)"


def made(pipe, rest="ORDER BY id", engine=ENGINE, table="t"):
    pipe.clickhouse.query(f"CREATE DATABASE IF NOT EXISTS {pipe.destination}")
    pipe.clickhouse.query(f"CREATE TABLE {pipe.destination}.{table} ({COLUMNS}) ENGINE = {engine} {rest}")


def put(pipe, id, v, version, deleted=0, table="t"):
    pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.{table} (id, v, _peerdb_is_deleted, _peerdb_version) VALUES ({id}, '{v}', {deleted}, {version})")


def source_rows(pipe):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50))")
    pipe.run("INSERT INTO t SELECT seq, 'new' FROM seq_1_to_100")


@pytest.mark.rule("targets-are-ours-or-empty")
def test_old_rows_of_a_target(pipe, trap):
    source_rows(pipe)
    made(pipe)
    put(pipe, 2, "old", (41 << 48) + 12345)
    put(pipe, 2, "new", (1 << 48) + 99)
    assert pipe.rows("t", "v") == [["old"]]
    trap("a row that was there, with a greater version, hides the new one")
    refused = pipe.create(ok=5)
    assert "table t exists at the destination and holds" in refused.out and "target=append or target=resync" in refused.out
    # The operator insists: under an epoch above theirs.
    pipe.live(settings=["target=append"])
    assert pipe.equal("t") == 100
    pipe.run("UPDATE t SET v = 'newer' WHERE id = 2")
    assert pipe.equal("t") == 100
    assert pipe.clickhouse.value(f"SELECT max(bitShiftRight(_peerdb_version, 48)) FROM {pipe.destination}.t") == 42


@pytest.mark.rule("targets-are-ours-or-empty")
def test_another_pipes_target(pipe, trap):
    """Also where it is empty as yet."""
    source_rows(pipe)
    pipe.live()
    pipe.run("DELETE FROM t")
    pipe.equal("t")
    other = pipe.mariadb.new_database()
    pipe.mariadb.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50))", database=other)
    pipe.mariadb.run("INSERT INTO t VALUES (1, 'of another')", database=other)
    pipe.run("INSERT INTO t VALUES (1, 'of this')")
    pipe.equal("t")
    assert pipe.mariadb.run("SELECT v FROM t", database=other) != pipe.run("SELECT v FROM t")
    trap("the tables of two pipes have other rows under the same key")
    for settings in ([], ["--set", "target=append"], ["--set", "target=resync"]):
        refused = pipe.engine.sluice("create", "q", "--source", pipe.mariadb.url, "--dest", pipe.clickhouse.url(pipe.destination),
                                     "--tables", f"{other}.t", *settings, ok=5)  # fmt: skip
        assert "belongs to another pipe" in refused.out + refused.err, refused
    assert pipe.rows("t", "v") == [["of this"]]


UNFIT = {
    "cleanup": ("ORDER BY id SETTINGS allow_experimental_replacing_merge_with_cleanup = 1", ENGINE, "removes deleted rows for good"),
    "ttl": ("ORDER BY id TTL toDateTime(_peerdb_synced_at) + INTERVAL 1 DAY DELETE WHERE _peerdb_is_deleted = 1", ENGINE, "it has a TTL"),
    "order": ("ORDER BY (id, _peerdb_version)", ENGINE, "its ORDER BY is"),
    "partition": ("PARTITION BY intDiv(_peerdb_version, 100) ORDER BY id", ENGINE, "its PARTITION BY uses"),
    "engine": ("ORDER BY id", "ReplacingMergeTree(_peerdb_version)", "its engine is not"),
}


def image_that_rises_again(pipe, name):
    """Of a row that was updated or deleted: what readers see once the server has merged, and a row of a load comes late."""
    put(pipe, 1, "before", 10)
    put(pipe, 1, "after", 20, deleted=name != "order")
    if name == "partition":
        put(pipe, 1, "before", 110)  # a version that falls into another partition
        put(pipe, 1, "after", 220, deleted=1)
    if name == "ttl":
        pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.t SELECT 1, 'after', '2001-01-01', 1, 20")
    cleanup = " CLEANUP" if name == "cleanup" else ""
    pipe.clickhouse.query(f"OPTIMIZE TABLE {pipe.destination}.t FINAL{cleanup}")
    if name in ("cleanup", "ttl"):
        pipe.clickhouse.query(f"OPTIMIZE TABLE {pipe.destination}.t FINAL{cleanup}")
        put(pipe, 1, "before", 10)
    together = {"do_not_merge_across_partitions_select_final": 1} if name == "partition" else {}
    where = "" if name == "engine" else " WHERE _peerdb_is_deleted = 0"
    return pipe.clickhouse.rows(f"SELECT v FROM {pipe.destination}.t FINAL{where}", **together)


@pytest.mark.rule("foreign-targets-are-compatible")
@pytest.mark.parametrize("name", UNFIT)
def test_targets_in_which_deleted_rows_rise_again(pipe, trap, name):
    rest, engine, why = UNFIT[name]
    source_rows(pipe)
    made(pipe, rest, engine)
    seen = image_that_rises_again(pipe, name)
    if name == "engine":
        assert seen == [["after"]]
        trap("of an engine without the deleted column readers see a row that was deleted")
    else:
        assert ["before"] in seen, seen
        trap("in a table with a cleanup, a TTL, another order or partitions by something else the image before shows again")
    pipe.clickhouse.query(f"TRUNCATE TABLE {pipe.destination}.t")
    refused = pipe.create(ok=5, settings=["target=append"])
    assert "exists and does not fit" in refused.out and why in refused.out, refused.out
    pipe.clickhouse.query(f"DROP TABLE {pipe.destination}.t SYNC")
    made(pipe)
    pipe.live()
    pipe.run("DELETE FROM t WHERE id = 1")
    assert pipe.equal("t") == 99
