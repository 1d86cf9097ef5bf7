"""Destination tables as the operator wants them: their order, partitions, engines, how long rows live."""

import pytest
from harness.clickhouse import ClickHouseError
from harness.engine import PATIENCE
from harness.process import wait_until
from harness.workload import writing

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, day DATE NOT NULL, kind VARCHAR(10) NOT NULL, v VARCHAR(50))"
TOGETHER = {"do_not_merge_across_partitions_select_final": 1}


def create_query(pipe, table="t"):
    return pipe.clickhouse.value(f"SELECT create_table_query FROM system.tables WHERE database = '{pipe.destination}' AND name = '{table}'")


def resync(pipe):
    pipe.engine.sluice("resync", "p", "--wait", timeout=120)
    pipe.wait("Running")


def changes(pipe, first):
    pipe.run(f"INSERT INTO t (id, day, kind, v) SELECT {first} + seq, '2024-01-01' + INTERVAL seq % 90 DAY, 'new', NULL FROM seq_1_to_200")
    pipe.run("UPDATE t SET day = day + INTERVAL 40 DAY WHERE id % 3 = 0")
    pipe.run("UPDATE t SET v = 'changed', kind = IF(id % 2, 'odd', kind) WHERE id % 7 = 0")
    pipe.run(f"UPDATE t SET id = id + 500000 WHERE id % 50 = 0 AND id > {first} AND id < 500000")
    pipe.run("DELETE FROM t WHERE id % 5 = 0")


def equal_everywhere(pipe):
    """Whether partitions are merged together or each alone, and after all merges."""
    pipe.equal("t")
    want = pipe.run("SELECT COUNT(*), SUM(id), SUM(TO_DAYS(day)) FROM t")
    what = "count(), sum(id), sum(toInt64(day) + 719528)"
    query = f"SELECT {what} FROM {pipe.destination}.t FINAL WHERE _peerdb_is_deleted = 0"
    assert [tuple(map(int, row)) for row in want] == [tuple(row) for row in pipe.clickhouse.rows(query, **TOGETHER)]
    pipe.clickhouse.query(f"OPTIMIZE TABLE {pipe.destination}.t FINAL")
    assert [tuple(map(int, row)) for row in want] == [tuple(row) for row in pipe.clickhouse.rows(query, **TOGETHER)]
    return int(want[0][0])


@pytest.mark.servers  # versions are of the source
def test_order_partitions_ttl_and_codecs(pipe):
    """Rows that move from partition to partition, and columns of ORDER BY that change, leave no image of theirs behind."""
    db = pipe.source
    pipe.run(TABLE)
    pipe.run("INSERT INTO t SELECT seq, '2024-01-01' + INTERVAL seq % 90 DAY, 'old', 'x' FROM seq_1_to_2000")
    pipe.live(settings=[
        f"{db}.t:order_by=id, kind", f"{db}.t:partition_by=toYYYYMM(day)", f"{db}.t:ttl=toDateTime(day) + INTERVAL 70 YEAR",
        f"{db}.t:codec=v=ZSTD(3),day=CODEC(Delta, LZ4)",
    ])  # fmt: skip
    made = create_query(pipe)
    for part in ("PARTITION BY (toYYYYMM(day))", "ORDER BY (id, kind)", "TTL toDateTime(day) + toIntervalYear(70)",
                 "`v` Nullable(String) CODEC(ZSTD(3))", "CODEC(Delta(4), LZ4)", "ReplacingMergeTree(_peerdb_version, _peerdb_is_deleted)"):  # fmt: skip
        assert part in made, made
    changes(pipe, 10_000)
    assert equal_everywhere(pipe) > 1000
    assert pipe.clickhouse.value(f"SELECT uniqExact(partition) FROM system.parts WHERE database = '{pipe.destination}' AND table = 't' AND active") > 2

    # A column that comes later has its codec as well, once it is set; a resync keeps all, and takes what was set since.
    settings = {f"{db}.t:codec": "v=ZSTD(3)", f"{db}.*:codec": "later=ZSTD(5)", f"{db}.t:ttl": "toDateTime(day) + INTERVAL 60 YEAR"}
    out = pipe.engine.sluice("set", "p", *[f"{name}={value}" for name, value in settings.items()]).out
    assert f"{db}.t:ttl=toDateTime(day) + INTERVAL 60 YEAR: waits for the next resync of a table" in out
    pipe.run("ALTER TABLE t ADD COLUMN later VARCHAR(20)")
    changes(pipe, 20_000)
    equal_everywhere(pipe)
    assert "`later` Nullable(String) CODEC(ZSTD(5))" in create_query(pipe) and "toIntervalYear(70)" in create_query(pipe)
    resync(pipe)
    made = create_query(pipe)
    for part in ("PARTITION BY (toYYYYMM(day))", "ORDER BY (id, kind)", "toIntervalYear(60)", "`later` Nullable(String) CODEC(ZSTD(5))"):
        assert part in made, made
    assert "Delta" not in made
    assert not any(s["waits"] for s in pipe.status()["settings"])
    changes(pipe, 30_000)
    equal_everywhere(pipe)

    # Neither can be changed in place: the table fails with the reason, and a resync goes by the new definition.
    pipe.run("ALTER TABLE t DROP COLUMN kind")
    wait_until(lambda: pipe.table("t")["state"] == "failed", 30 * PATIENCE, "a column of ORDER BY is gone")
    assert "which its ORDER BY, PARTITION BY or TTL names" in pipe.table("t")["error"]["message"]


def test_rows_end_with_their_ttl(pipe):
    """A delete, and an image before, never outlive or go before what they hide."""
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, at DATETIME NOT NULL, v INT)")
    pipe.run("INSERT INTO t VALUES (1, NOW() - INTERVAL 3 DAY, 1), (2, NOW(), 2), (3, NOW(), 3), (4, NOW() - INTERVAL 3 DAY, 4), (5, NOW(), 5)")
    pipe.live(settings=[f"{pipe.source}.t:ttl=toDateTime(at) + INTERVAL 1 DAY"])
    pipe.caught_up()
    pipe.run("DELETE FROM t WHERE id = 2")
    pipe.run("UPDATE t SET at = NOW() - INTERVAL 3 DAY WHERE id = 3")  # its old image lives on, hidden
    pipe.run("UPDATE t SET at = NOW() WHERE id = 4")
    pipe.caught_up()
    seen = lambda: sorted(row[0] for row in pipe.rows("t", "id"))
    for _ in range(3):
        pipe.clickhouse.query(f"OPTIMIZE TABLE {pipe.destination}.t FINAL")
        assert [i for i in seen() if i != 1] == [4, 5]
    wait_until(lambda: seen() == [4, 5], 30 * PATIENCE, lambda: f"rows past their time are gone: {seen()}")


def test_every_change_is_a_row(pipe):
    pipe.run(TABLE)
    pipe.run("INSERT INTO t SELECT seq, '2024-01-01', 'a', 'x' FROM seq_1_to_100")
    pipe.live(settings=[f"{pipe.source}.t:engine=MergeTree", f"{pipe.source}.t:order_by=kind, id"])
    assert "ENGINE = MergeTree PARTITION" not in create_query(pipe) and "ENGINE = MergeTree ORDER BY (kind, id)" in create_query(pipe)
    pipe.run("UPDATE t SET v = 'y' WHERE id <= 10")
    pipe.run("UPDATE t SET kind = 'b' WHERE id = 20")
    pipe.run("DELETE FROM t WHERE id <= 5")
    pipe.caught_up()
    counts = "countIf(_peerdb_is_deleted = 0), countIf(_peerdb_is_deleted = 1)"
    assert pipe.clickhouse.rows(f"SELECT {counts} FROM {pipe.destination}.t") == [[111, 6]]
    assert pipe.clickhouse.rows(f"SELECT id, kind FROM {pipe.destination}.t WHERE _peerdb_is_deleted = 1 ORDER BY id") == [
        [1, "a"], [2, "a"], [3, "a"], [4, "a"], [5, "a"], [20, "a"]]  # fmt: skip
    pipe.run("ALTER TABLE t ADD COLUMN n INT NOT NULL DEFAULT 7")
    pipe.run("INSERT INTO t VALUES (1000, '2024-01-01', 'c', 'z', 8)")
    pipe.caught_up()
    assert pipe.clickhouse.rows(f"SELECT min(n), max(n) FROM {pipe.destination}.t") == [[7, 8]]
    resync(pipe)
    assert "ENGINE = MergeTree ORDER BY (kind, id)" in create_query(pipe)
    assert pipe.clickhouse.value(f"SELECT count() FROM {pipe.destination}.t") == 96


@pytest.mark.flavours
def test_every_change_is_a_row_once(pipe):
    """Changes while the table is loaded are either read or streamed, not both: also where the load is cut off."""
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, n INT NOT NULL, v VARCHAR(200))")
    if pipe.mariadb.is_mysql:
        refused = pipe.create(settings=[f"{pipe.source}.t:engine=MergeTree"], ok=5).out
        assert "may not lock tables" in refused and "GRANT LOCK TABLES ON *.*" in refused
        pipe.mariadb.run("GRANT LOCK TABLES ON *.* TO repl@'127.0.0.1'")
    pipe.run("INSERT INTO t (n, v) SELECT 0, REPEAT('x', 200) FROM seq_1_to_200000")
    with writing(pipe, "INSERT INTO t (n, v) VALUES (1, 'new')", 0.003), writing(pipe, "UPDATE t SET n = n + 1 ORDER BY id DESC LIMIT 1", 0.004):
        pipe.create(settings=[f"{pipe.source}.t:engine=MergeTree", "batch_bytes=256KiB"])
        wait_until(lambda: 0 < pipe.table("t")["rows_done"], 60 * PATIENCE, lambda: pipe.journal())
        pipe.engine.kill()
        pipe.engine.start()
        pipe.wait("Running", seconds=120)
        pipe.engine.sluice("pause", "p", "--wait")
        pipe.engine.sluice("resume", "p", "--wait")
        resync(pipe)
    pipe.caught_up()
    ours = pipe.run("SELECT COUNT(*), SUM(n) FROM t")[0]
    newest = "SELECT id, argMax(n, _peerdb_version) AS n, count() AS images FROM {}.t GROUP BY id".format(pipe.destination)
    assert list(ours) == pipe.clickhouse.rows(f"SELECT count(), sum(n) FROM ({newest})")[0]
    # Each image of a row is there once: no version of a key twice, and as many images as it had changes since it was read.
    assert pipe.clickhouse.rows(f"SELECT id, _peerdb_version, count() FROM {pipe.destination}.t GROUP BY id, _peerdb_version HAVING count() > 1") == []
    assert pipe.clickhouse.rows(f"SELECT id, n, count() FROM {pipe.destination}.t GROUP BY id, n HAVING count() > 1") == []
    if pipe.mariadb.is_mysql:
        pipe.mariadb.run("REVOKE LOCK TABLES ON *.* FROM repl@'127.0.0.1'")


def test_nothing_is_kept_but_what_views_take(pipe):
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, '2024-01-01', 'a', 'x')")
    pipe.live(settings=[f"{pipe.source}.t:engine=Null"])
    pipe.clickhouse.query(
        f"CREATE MATERIALIZED VIEW {pipe.destination}.seen ENGINE = MergeTree ORDER BY id AS "
        f"SELECT id, kind, _peerdb_is_deleted AS gone FROM {pipe.destination}.t"
    )
    pipe.run("INSERT INTO t VALUES (2, '2024-01-01', 'b', 'x')")
    pipe.run("DELETE FROM t WHERE id = 1")
    pipe.run("ALTER TABLE t ADD COLUMN n INT")
    pipe.run("INSERT INTO t VALUES (3, '2024-01-01', 'c', 'x', 1)")
    pipe.caught_up()
    seen = f"SELECT id, gone FROM {pipe.destination}.seen ORDER BY id"
    assert pipe.clickhouse.rows(seen) == [[1, 1], [2, 0], [3, 0]]
    assert pipe.clickhouse.value(f"SELECT count() FROM {pipe.destination}.t") == 0
    pipe.run("TRUNCATE TABLE t")
    pipe.run("INSERT INTO t VALUES (4, '2024-01-01', 'd', 'x', 1)")
    pipe.caught_up()
    assert pipe.table("t")["state"] == "live", pipe.table("t")
    assert pipe.clickhouse.rows(seen)[-1] == [4, 0]
    resync(pipe)
    pipe.run("INSERT INTO t VALUES (5, '2024-01-01', 'e', 'x', 1)")
    pipe.caught_up()
    assert pipe.clickhouse.rows(seen) == [[1, 1], [2, 0], [3, 0], [4, 0], [5, 0]]  # what a resync loads no view sees


REFUSED = [
    (("t:order_by=kind, id",), "does not begin with the key, id"),
    (("t:order_by=id, v",), "column v may be NULL"),
    (("t:order_by=id, nothing",), "Missing columns: 'nothing'"),
    (("t:order_by=id, f(",), "a bracket is not closed"),
    (("t:partition_by=toYYYYMM(v)",), "column v may be NULL"),
    (("t:partition_by=tuMonat(day)",), "tuMonat"),
    (("t:partition_by=_peerdb_version % 2",), "by which rows are told to be deleted or old"),
    (("t:ttl=id",), "BAD_TTL_EXPRESSION"),
    (("t:ttl=toDateTime(_peerdb_synced_at) + INTERVAL 1 DAY DELETE WHERE _peerdb_is_deleted = 1",), "by which rows are told"),
    (("t:ttl=toDateTime(day) SETTINGS index_granularity = 1",), "SYNTAX_ERROR"),
    (("t:codec=v=ZSTD(99)",), "ZSTD"),
    (("t:codec=w=ZSTD(1)",), "column w is named in the settings, but there is none"),
    (("t:engine=SummingMergeTree",), "setting {db}.t:engine cannot be SummingMergeTree"),
    (("t:engine=ReplicatedReplacingMergeTree",), "does not make its table"),
    (("t:engine=Null", "t:ttl=toDateTime(day)"), "keeps no rows"),
    (("t:partition_by=kind", "t:exclude=kind"), "is left out, and the destination's ORDER BY, PARTITION BY or TTL names it"),
]  # fmt: skip


def test_what_is_refused(pipe):
    pipe.run(TABLE)
    pipe.clickhouse.query(f"CREATE DATABASE {pipe.destination}")
    for settings, why in REFUSED:
        settings = [f"{pipe.source}.{setting}" for setting in settings]
        answer = pipe.check(ok=None, settings=settings)
        assert answer.code in (2, 5) and why.format(db=pipe.source) in answer.out + answer.err, (settings, answer.out, answer.err)
    assert pipe.clickhouse.rows(f"SHOW TABLES FROM {pipe.destination}") == []
    assert pipe.clickhouse.rows("SHOW TABLES FROM default LIKE '%sluice%'") == []


def test_a_text_that_the_server_refuses_leaves_the_table_as_it_is(pipe):
    """Set later it meets the server at the next resync only."""
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, '2024-01-01', 'a', 'x')")
    pipe.live()
    pipe.engine.sluice("set", "p", f"{pipe.source}.t:ttl=id")
    pipe.engine.sluice("resync", "p", timeout=120)
    wait_until(lambda: "did not come to its end" in pipe.journal(), 60 * PATIENCE, pipe.journal)
    pipe.wait("Running")
    pipe.run("INSERT INTO t VALUES (2, '2024-01-01', 'a', 'x')")
    pipe.equal("t")
    assert "BAD_TTL_EXPRESSION" in pipe.journal() and "TTL" not in create_query(pipe)
    pipe.engine.sluice("set", "p", f"{pipe.source}.t:ttl=toDateTime(day) + INTERVAL 80 YEAR")
    resync(pipe)
    pipe.equal("t")
    assert "toIntervalYear(80)" in create_query(pipe)


# Tables that stand there and are not empty

OLD = (
    "CREATE TABLE {}.t (id Int32, v Nullable(String), _peerdb_synced_at DateTime64(9), _peerdb_is_deleted UInt8, _peerdb_version UInt64) "
    "ENGINE = ReplacingMergeTree(_peerdb_version, _peerdb_is_deleted) ORDER BY id"
)


def old_table(pipe, version, rows="(1, 'old'), (2, 'old'), (1000000, 'old')", ddl=OLD):
    pipe.clickhouse.query(f"CREATE DATABASE IF NOT EXISTS {pipe.destination}")
    pipe.clickhouse.query(ddl.format(pipe.destination))
    if rows:
        pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.t (id, v, _peerdb_version) SELECT *, {version} FROM VALUES('id Int32, v String', {rows})")


def source_rows(pipe, rows=1000):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50))")
    pipe.run(f"INSERT INTO t SELECT seq, 'new' FROM seq_1_to_{rows}")


def test_a_target_with_rows_is_refused(pipe):
    source_rows(pipe)
    old_table(pipe, 5)
    answer = pipe.create(ok=5)
    assert "table t exists at the destination and holds 3 rows" in answer.out + answer.err
    assert "target=append or target=resync" in answer.out + answer.err
    assert "fixed when a pipe is created" not in answer.out


@pytest.mark.servers  # versions are of the source
@pytest.mark.parametrize("mode", ["full", "snapshot", "cdc"])
def test_rows_that_are_there_never_outrank_new_ones(pipe, mode):
    """Written into, under an epoch above theirs: what is of the same key is replaced, what else was there stays."""
    source_rows(pipe)
    epoch = 41
    old_table(pipe, (epoch << 48) + 12345)
    assert f"is written into, in epoch {epoch + 1}" in pipe.check(settings=["target=append"], mode=mode).out
    pipe.create(settings=["target=append"], mode=mode)
    pipe.wait("Completed" if mode == "snapshot" else "Running")
    if mode != "snapshot":
        pipe.run("UPDATE t SET v = 'newer' WHERE id = 2")
        pipe.run("DELETE FROM t WHERE id = 1")
        pipe.caught_up()
    want = {"full": [[2, "newer"], [1000000, "old"]], "snapshot": [[1, "new"], [2, "new"], [1000000, "old"]], "cdc": [[2, "newer"], [1000000, "old"]]}
    assert pipe.rows("t", "id, v", "id IN (1, 2, 1000000) ORDER BY id") == want[mode]
    new = pipe.clickhouse.value(f"SELECT min(intDiv(_peerdb_version, bitShiftLeft(1::UInt64, 48))) FROM {pipe.destination}.t WHERE v LIKE 'new%' OR id = 3")
    assert new == epoch + 1
    # A table that comes later, with rows above the epoch of the pipe: it alone fails, for that.
    if mode == "full":
        pipe.run("CREATE TABLE u (id INT PRIMARY KEY, v VARCHAR(50))")
        old_table(pipe, (900 << 48) + 1, ddl=OLD.replace("{}.t", "{}.u"), rows="")
        pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.u (id, _peerdb_version) VALUES (7, {(900 << 48) + 1})")
        pipe.engine.sluice("tables", "p", "add", f"{pipe.source}.u")
        states = lambda: {t["source"]: t["state"] for t in pipe.status()["tables"]}
        wait_until(lambda: states().get(f"{pipe.source}.u") == "failed", 30 * PATIENCE, states)
        assert "versions above those of this pipe" in pipe.table("u")["error"]["message"]
        assert pipe.table("t")["state"] == "live"


UNFIT = "CREATE TABLE {}.t (id Int32, v String, _peerdb_version UInt64 DEFAULT 0) ENGINE = MergeTree ORDER BY v"


@pytest.mark.servers  # versions are of the source
@pytest.mark.parametrize("ddl, mode", [(OLD, "full"), (UNFIT, "full"), (OLD, "snapshot")])
def test_a_target_with_rows_is_replaced(pipe, ddl, mode):
    """Readers see what was there until all rows are loaded; it is kept under another name, and never dropped."""
    source_rows(pipe)
    old_table(pipe, 5, ddl=ddl)
    pipe.run("CREATE TABLE other (id INT PRIMARY KEY)")
    assert "table t, which holds 3 rows, is replaced once its rows are loaded beside it" in pipe.check(settings=["target=resync"]).out
    pipe.create(settings=["target=resync"], mode=mode)
    pipe.wait("Completed" if mode == "snapshot" else "Running")
    assert [t["state"] for t in pipe.status()["tables"]] == ["live", "live"]
    if mode == "full":
        pipe.run("UPDATE t SET v = 'newer' WHERE id = 2")
        pipe.run("INSERT INTO other VALUES (1)")
        pipe.equal("t", "other")
    else:
        assert pipe.rows("t", "count(), uniqExact(v)") == [[1000, 1]]
    assert "sluice pipe=" in create_query(pipe)
    kept = [row[0] for row in pipe.clickhouse.rows(f"SHOW TABLES FROM {pipe.destination} LIKE 't_resync_%'")]
    assert len(kept) == 1 and pipe.clickhouse.value(f"SELECT count() FROM {pipe.destination}.{kept[0]}") == 3
    assert f"is kept as {kept[0]}: it was not made by this pipe" in pipe.journal()
    if mode == "full":
        resync(pipe)
        pipe.equal("t")
    pipe.engine.sluice("drop", "p", "--drop-target", "--yes", "--wait")
    assert [row[0] for row in pipe.clickhouse.rows(f"SHOW TABLES FROM {pipe.destination}")] == kept


def test_a_replacement_that_does_not_come_to_its_end(pipe):
    """What was there stays as it is; a resync or retry loads again."""
    source_rows(pipe)
    old_table(pipe, 5)
    pipe.run("CREATE TABLE other (id INT PRIMARY KEY)")
    pipe.run("ALTER TABLE t ADD COLUMN d DATE")
    pipe.run("UPDATE t SET d = '1500-01-01' WHERE id = 500")
    pipe.create(settings=["target=resync", "out_of_range=fail"])
    pipe.wait("Running")
    table = pipe.table("t")
    assert table["state"] == "failed" and "column d" in table["error"]["message"], table
    assert pipe.clickhouse.rows(f"SELECT id, v FROM {pipe.destination}.t ORDER BY id") == [[1, "old"], [2, "old"], [1000000, "old"]]
    assert len(pipe.clickhouse.rows(f"SHOW TABLES FROM {pipe.destination} LIKE 't_resync%'")) == 0
    pipe.run("INSERT INTO other VALUES (1)")
    pipe.equal("other")
    pipe.run("UPDATE t SET d = NULL")
    pipe.engine.sluice("retry", "p", "--table", f"{pipe.source}.t")
    wait_until(lambda: pipe.table("t")["state"] == "live" and pipe.status()["state"] == "Running", 60 * PATIENCE, lambda: pipe.journal())
    pipe.equal("t", "other")
    assert len(pipe.clickhouse.rows(f"SHOW TABLES FROM {pipe.destination} LIKE 't_resync%'")) == 1


def test_what_cannot_be_replaced_or_written_into(pipe):
    source_rows(pipe)
    pipe.clickhouse.query(f"CREATE DATABASE {pipe.destination}")
    pipe.clickhouse.query(f"CREATE VIEW {pipe.destination}.t AS SELECT 1 AS id")
    answer = pipe.check(ok=5, settings=["target=resync"])
    assert "table t is of engine View, which no other can take the place of" in answer.out
    pipe.clickhouse.query(f"DROP VIEW {pipe.destination}.t")
    old_table(pipe, 5, ddl=UNFIT)
    assert "exists and does not fit" in pipe.check(ok=5, settings=["target=append"]).out
    pipe.clickhouse.query(f"DROP TABLE {pipe.destination}.t")
    old_table(pipe, 65000 << 48)
    assert "above which a pipe has no room" in pipe.check(ok=5, settings=["target=append"]).out
    pipe.clickhouse.query(f"ALTER TABLE {pipe.destination}.t MODIFY COMMENT 'sluice pipe=other table=x.t'")
    for target in ("append", "resync"):
        assert "belongs to another pipe" in pipe.check(ok=5, settings=[f"target={target}"]).out
    assert "for pipes that load tables" in pipe.check(ok=2, settings=["target=resync"], mode="cdc").err


# Views of what is live


def views(pipe):
    return [row[0] for row in pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}' AND engine = 'View' ORDER BY name")]


def live_rows(pipe, table="t"):
    return pipe.clickhouse.rows(f"SELECT * FROM {pipe.destination}.{table}_live ORDER BY id")


def test_views_show_what_is_live(pipe):
    """As their tables are: with columns that came and were renamed, after a resync, and gone with the setting."""
    source_rows(pipe, 3)
    pipe.run("CREATE TABLE logged (id INT PRIMARY KEY)")
    pipe.live(settings=["live_view=on", f"{pipe.source}.logged:engine=MergeTree"])
    assert views(pipe) == ["t_live"]  # every row of the other is live
    pipe.run("DELETE FROM t WHERE id = 1")
    pipe.run("UPDATE t SET v = 'newer' WHERE id = 2")
    pipe.caught_up()
    assert live_rows(pipe) == [[2, "newer"], [3, "new"]]
    pipe.run("ALTER TABLE t ADD COLUMN n INT NOT NULL DEFAULT 7")
    pipe.run("INSERT INTO t VALUES (4, 'x', 8)")
    pipe.caught_up()
    assert live_rows(pipe) == [[2, "newer", 7], [3, "new", 7], [4, "x", 8]]
    pipe.run("ALTER TABLE t RENAME COLUMN v TO w")
    pipe.caught_up()
    assert live_rows(pipe) == [[2, "newer", 7], [3, "new", 7], [4, "x", 8]]
    pipe.engine.sluice("set", "p", f"{pipe.source}.t:rename=w=words", f"{pipe.source}.t:exclude=n")
    resync(pipe)
    assert live_rows(pipe) == [[2, "newer"], [3, "new"], [4, "x"]]
    assert "words" in create_query(pipe, "t_live") and "_peerdb" not in create_query(pipe, "t_live").split(" AS ")[0]
    pipe.engine.sluice("set", "p", "live_view=off")
    wait_until(lambda: views(pipe) == [], 30 * PATIENCE, lambda: str(views(pipe)))
    pipe.engine.sluice("set", "p", "live_view=on")
    wait_until(lambda: views(pipe) == ["t_live"], 30 * PATIENCE, lambda: str(views(pipe)))
    # One that somebody dropped is made again with the next start.
    pipe.engine.stop()
    pipe.clickhouse.query(f"DROP VIEW {pipe.destination}.t_live")
    pipe.engine.start()
    wait_until(lambda: views(pipe) == ["t_live"], 30 * PATIENCE, lambda: str(views(pipe)))
    pipe.engine.sluice("tables", "p", "remove", f"{pipe.source}.t", "--drop-target", "--wait", "--yes")
    assert pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}'") == [["logged"]]


def test_views_of_a_pipe_that_ends(pipe):
    source_rows(pipe, 3)
    pipe.create(mode="snapshot")
    pipe.wait("Completed")
    assert views(pipe) == []
    pipe.engine.sluice("set", "p", "live_view=on")
    wait_until(lambda: views(pipe) == ["t_live"], 30 * PATIENCE, lambda: str(views(pipe)))
    pipe.run("ALTER TABLE t DROP COLUMN v")
    pipe.engine.sluice("resync", "p", "--wait", timeout=120)
    pipe.wait("Completed")
    assert live_rows(pipe) == [[1], [2], [3]]
    pipe.engine.sluice("drop", "p", "--drop-target", "--yes", "--wait")
    assert pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}'") == []


def test_views_that_are_somebodys(pipe):
    source_rows(pipe, 3)
    pipe.clickhouse.query(f"CREATE DATABASE {pipe.destination}")
    pipe.clickhouse.query(f"CREATE VIEW {pipe.destination}.t_live AS SELECT 1 AS mine")
    answer = pipe.check(ok=5, settings=["live_view=on"])
    assert "live_view: something called t_live is there already" in answer.out
    pipe.live()
    pipe.engine.sluice("set", "p", "live_view=on")
    wait_until(lambda: "the view t_live is not made" in pipe.journal(), 30 * PATIENCE, pipe.journal)
    pipe.run("ALTER TABLE t ADD COLUMN n INT")
    pipe.run("INSERT INTO t VALUES (4, 'x', 8)")
    pipe.equal("t")
    pipe.engine.sluice("set", "p", "live_view=off")
    pipe.equal("t")
    pipe.engine.sluice("drop", "p", "--drop-target", "--yes", "--wait")
    assert pipe.clickhouse.rows(f"SELECT mine FROM {pipe.destination}.t_live") == [[1]]
    pipe.run("CREATE TABLE t_live (id INT PRIMARY KEY)")
    pipe.clickhouse.query(f"DROP VIEW {pipe.destination}.t_live")
    assert "the view of t would have the name of another target, t_live" in pipe.check(ok=5, settings=["live_view=on"]).out


# Clusters

CLUSTER_STATEMENTS = [
    "CREATE DATABASE IF NOT EXISTS `x` ON CLUSTER `c` ENGINE = Atomic",
    "CREATE TABLE `x`.`t` ON CLUSTER `c`\n(\n    `id` Int32,\n    `d` UInt8,\n    `v` UInt64\n)\nENGINE = ReplicatedReplacingMergeTree(`v`, `d`)\nORDER BY `id`"
    "\nSETTINGS replicated_deduplication_window = 10000\nCOMMENT 'mark'",
    "EXCHANGE TABLES `x`.`t` AND `x`.`u` ON CLUSTER `c`", "RENAME TABLE `x`.`t` TO `x`.`u` ON CLUSTER `c`",
    "DROP TABLE IF EXISTS `x`.`t` ON CLUSTER `c` SYNC", "TRUNCATE TABLE `x`.`t` ON CLUSTER `c` SYNC",
    "ALTER TABLE `x`.`t` ON CLUSTER `c` ADD COLUMN b Int8, COMMENT COLUMN `v` 'proof'",
    "CREATE OR REPLACE VIEW `x`.`t_live` ON CLUSTER `c` AS SELECT * EXCEPT (`v`) FROM `x`.`t` FINAL WHERE `d` = 0 COMMENT 'mark'",
]  # fmt: skip


def test_a_cluster_that_is_not_there(pipe):
    """The embedded engine has none: what is missing is said, and every statement is one that the server understands."""
    source_rows(pipe)
    answer = pipe.check(ok=5, settings=["cluster=main"])
    assert "cluster main: the server knows no such cluster; there are none" in answer.out and "remote_servers" in answer.out
    assert "not possible on a cluster" in pipe.check(ok=2, settings=["cluster=main", "target=resync"]).err
    pipe.clickhouse.query(f"CREATE DATABASE {pipe.destination}")
    for name in "tu":
        pipe.clickhouse.query(f"CREATE TABLE {pipe.destination}.{name} (id Int32, d UInt8, v UInt64) ENGINE = ReplacingMergeTree(v, d) ORDER BY id")
    for statement in CLUSTER_STATEMENTS:
        with pytest.raises(ClickHouseError, match="CLUSTER_DOESNT_EXIST|QUERY_IS_PROHIBITED"):
            pipe.clickhouse.query(statement.replace("`x`", pipe.destination))
