"""Several source tables in one destination table: rows of each by its name, whatever happens to the others."""

import contextlib

import pytest
from harness import workload
from harness.engine import PATIENCE
from harness.fixtures import KIND
from harness.process import wait_until
from harness.readers import TABLE
from harness.shards import COLUMN, TARGET, Shards


def targets(pipe):
    return sorted(row[0] for row in pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}'"))


def uuid(pipe):
    return pipe.clickhouse.value(f"SELECT uuid FROM system.tables WHERE database = '{pipe.destination}' AND name = '{TARGET}'")


def of(name):
    return f"{name}.{TARGET}"


@pytest.mark.core
@pytest.mark.servers
def test_random_load_on_two_shards(pipe):
    """Integer, composite and unique keys; the same keys in both; the engine killed on the way."""
    shards = [pipe.source, pipe.mariadb.new_database()]
    for name in shards:
        workload.create(pipe.mariadb, name, 2_000)
    clients = [workload.Workload(pipe.mariadb, name, seed, clients=1, keys=2_000).start(60) for seed, name in enumerate(shards)]
    pipe.create(
        tables=[f"{name}.{table}:{table}" for name in shards for table in workload.TABLES],
        settings=["readers=2", "batch_rows=500", *(f"{name}.*:source_column={COLUMN}" for name in shards)],
    )
    pipe.wait("Snapshot", "Running")
    pipe.engine.kill()
    pipe.engine.start()
    pipe.wait("Running", seconds=120)
    done = clients[0].statements
    wait_until(lambda: clients[0].statements > done + 100 or not clients[0].running(), 60 * PATIENCE, "some work beside the stream")
    pipe.engine.kill()
    pipe.engine.start()
    for client in clients:
        client.stop()
    pipe.caught_up()
    both = Shards.__new__(Shards)
    both.pipe, both.names = pipe, shards
    assert sum(both.equal(table=table) for table in workload.TABLES) > 1_000
    assert targets(pipe) == sorted(workload.TABLES)
    key = pipe.clickhouse.value(f"SELECT sorting_key FROM system.tables WHERE database = '{pipe.destination}' AND name = 'w_text'")
    assert key == f"{COLUMN}, region, code"


def test_life_of_shards(pipe):
    """Truncated, added beside the stream, removed, dropped: the rows of the others stand."""
    shards = Shards(pipe).live("live_view=on")
    one, two = shards.names
    assert shards.equal() == 10_000
    shards.run(one, f"UPDATE {TARGET} SET n = 5 WHERE id % 3 = 0")
    shards.run(two, f"DELETE FROM {TARGET} WHERE id % 3 = 0")
    shards.run(two, f"UPDATE {TARGET} SET id = id + 1000000 WHERE id % 7 = 1")
    shards.equal()
    shards.run(one, f"TRUNCATE TABLE {TARGET}")
    shards.run(one, f"INSERT INTO {TARGET} VALUES (1, 1, 'behind it')")
    shards.equal()
    assert len(shards.rows(one)) == 1
    three = shards.new()
    assert "source_column" in shards.add(three, ok=5).out
    shards.set(f"{of(three)}:source_column={COLUMN}")
    with shards.load_on(two):
        shards.add(three, "--wait")
    shards.run(three, f"UPDATE {TARGET} SET n = 3")
    pipe.wait("Running")
    shards.equal()
    remove = ("tables", pipe.name, "remove", of(two))
    pipe.engine.sluice(*remove, "--drop-target", "--yes", "--wait")
    assert shards.names_there() == sorted(map(of, (one, three)))
    assert "without its rows" in pipe.journal()
    shards.equal(one, three)
    # Once more, and what it has left is not counted twice.
    shards.add(two, "--wait")
    pipe.wait("Running")
    pipe.engine.sluice("tables", pipe.name, "remove", of(two), "--yes", "--wait")
    shards.run(two, f"DELETE FROM {TARGET} WHERE id % 2 = 0")
    shards.add(two, "--wait")
    pipe.wait("Running")
    shards.equal()
    view = pipe.clickhouse.rows(f"SELECT {COLUMN}, count() FROM {pipe.destination}.{TARGET}_live GROUP BY 1 ORDER BY 1")
    assert dict(view) == {of(name): len(shards.rows(name)) for name in shards.names}
    pipe.engine.sluice("drop", pipe.name, "--drop-target", "--yes", "--wait")
    assert targets(pipe) == []


def test_a_load_that_begins_again_keeps_the_others(pipe):
    shards = Shards(pipe)
    one, two = shards.names
    for name in shards.names:
        shards.run(name, f"ALTER TABLE {TARGET} ADD day DATE NOT NULL DEFAULT '2024-01-02'")
    shards.run(two, f"UPDATE {TARGET} SET day = '0000-00-00' WHERE id = 4500")
    pipe.create(**shards.options("zero_date=fail", "batch_rows=100", "readers=1"))
    wait_until(lambda: shards.table(two)["state"] == "failed", 60 * PATIENCE, pipe.journal)
    wait_until(lambda: shards.table(one)["state"] == "live", 60 * PATIENCE, pipe.journal)
    shards.run(two, f"UPDATE {TARGET} SET day = '2024-05-05' WHERE id = 4500")
    shards.run(two, f"DELETE FROM {TARGET} WHERE id < 1000")
    shards.run(one, f"UPDATE {TARGET} SET n = n + 1")
    pipe.engine.sluice("retry", pipe.name, "--table", of(two), "--wait")
    pipe.wait("Running")
    assert shards.equal() == 10_000 - 999


@pytest.mark.core
def test_a_resync_of_one_replaces_all(pipe):
    shards = Shards(pipe, 3).live()
    before = uuid(pipe)
    with shards.load_on(), shards.reader() as reader:
        reader.more(2)
        shards.resync(shards.names[1])
        reader.more(2)
    pipe.wait("Running")
    assert shards.equal() >= 15_000
    assert uuid(pipe) != before and targets(pipe) == [TARGET]
    assert pipe.journal().count("is loaded again too") == 2, pipe.journal()
    shards.resync(wait=False)
    pipe.engine.sluice("cancel", pipe.name, "--wait", ok=None)
    pipe.wait("Running")
    shards.equal()
    assert targets(pipe) == [TARGET]


def test_a_resync_that_one_table_does_not_end(pipe):
    """An exchange would throw its rows away: nothing is exchanged."""
    shards = Shards(pipe).live()
    one, two = shards.names
    before = uuid(pipe)
    pipe.engine.sluice("pause", pipe.name, "--wait")
    shards.run(two, f"ALTER TABLE {TARGET} ADD x INT")
    shards.resync(one, ok=None)
    pipe.wait("Running")
    assert uuid(pipe) == before and targets(pipe) == [TARGET]
    assert "only one of them has a column x" in pipe.journal(), pipe.journal()
    assert "was not loaded again" in pipe.journal(), pipe.journal()
    shards.run(one, f"ALTER TABLE {TARGET} ADD x INT")
    shards.run(one, f"UPDATE {TARGET} SET n = n + 1")
    assert shards.equal() == 10_000
    shards.run(two, f"DROP TABLE {TARGET}")
    shards.resync(one, ok=None)
    pipe.wait("Running")
    assert len(shards.rows(two)) == 5_000 and shards.table(two)["state"] != "live"
    pipe.engine.sluice("tables", pipe.name, "remove", of(two), "--drop-target", "--yes", "--wait")
    shards.resync(one)
    pipe.wait("Running")
    assert shards.equal(one) == 5_000 and shards.names_there() == [of(one)]


@pytest.mark.servers
def test_columns_that_come_one_after_the_other(pipe):
    shards = Shards(pipe).live()
    one, two = shards.names
    shards.run(one, f"ALTER TABLE {TARGET} ADD x INT NOT NULL DEFAULT 5, ADD y VARCHAR(20)")
    shards.run(one, f"INSERT INTO {TARGET} VALUES (1000001, 1, 'new', 6, 'y')")
    shards.run(two, f"INSERT INTO {TARGET} VALUES (1000001, 1, 'old form')")
    shards.run(two, f"ALTER TABLE {TARGET} ADD y VARCHAR(20) DEFAULT 'other', ADD x INT NOT NULL DEFAULT 7")
    shards.run(two, f"INSERT INTO {TARGET} VALUES (1000002, 1, 'new', 'y', 8)")
    assert shards.equal() == 10_003
    assert not shards.table(two)["resync_advised"]
    # Dropped of one, and there again: its old values are not shown.
    shards.run(two, f"ALTER TABLE {TARGET} DROP x")
    shards.run(two, f"ALTER TABLE {TARGET} ADD x INT NOT NULL DEFAULT 9")
    assert shards.equal() == 10_003
    # Of both: what was kept makes room.
    for name in shards.names:
        shards.run(name, f"ALTER TABLE {TARGET} DROP y")
    for name in shards.names:
        shards.run(name, f"ALTER TABLE {TARGET} ADD y INT NOT NULL DEFAULT 3")
    pipe.caught_up()
    for name in shards.names:
        assert shards.rows(name, "DISTINCT y") == [[3]]
    # Texts that are longer need nothing there.
    shards.run(one, f"ALTER TABLE {TARGET} MODIFY v VARCHAR(300)")
    shards.run(one, f"UPDATE {TARGET} SET v = REPEAT('w', 250) WHERE id < 9")
    pipe.caught_up()
    assert {shards.table(name)["state"] for name in shards.names} == {"live"}


@pytest.mark.parametrize("statement", ["MODIFY n BIGINT NOT NULL", "CHANGE n m INT NOT NULL", "ADD x DATE"])
def test_a_change_that_is_not_right_for_all_fails_before_a_row(pipe, statement):
    shards = Shards(pipe, rows=500)
    one, two = shards.names
    shards.live()
    if "x" in statement:
        shards.run(one, f"ALTER TABLE {TARGET} ADD x INT")
    pipe.caught_up()
    before = shards.rows(two, "sum(n), count()")
    shards.run(two, f"ALTER TABLE {TARGET} {statement}")
    shards.run(two, f"INSERT INTO {TARGET} SELECT * FROM (SELECT id + 5000 FROM {TARGET}) AS ids, (SELECT 5000000000 % 7 AS n, 'w' AS v"
               f"{', NULL AS x' if 'x' in statement else ''}) AS rest")  # fmt: skip
    wait_until(lambda: shards.table(two)["state"] == "failed", 60 * PATIENCE, pipe.journal)
    assert "resync" in shards.table(two)["error"]["message"], shards.table(two)
    shards.run(one, f"UPDATE {TARGET} SET n = 9")
    pipe.caught_up()
    assert shards.rows(one, "DISTINCT n") == [[9]]
    assert shards.rows(two, "sum(n), count()") == before
    if "x" in statement:
        return
    shards.run(one, f"ALTER TABLE {TARGET} {statement}")
    wait_until(lambda: shards.table(one)["state"] == "failed", 60 * PATIENCE, pipe.journal)
    shards.resync(one)
    pipe.wait("Running")
    assert shards.equal() == 1_500


def test_refused(pipe):
    shards = Shards(pipe, rows=5)
    shards.names.sort()  # as preflight names them
    one, two = shards.names
    wanted = shards.options()

    def refused(text, *settings, tables=wanted["tables"]):
        out = pipe.check(tables=tables, settings=settings, ok=5).out
        assert text in " ".join(out.split()), out

    column = wanted["settings"]
    refused("they have no source_column")
    refused("only one of them has a source_column", column[0])
    refused("their source_column is a of one, b of the other", f"{of(one)}:source_column=a", f"{of(two)}:source_column=b")
    refused("is the name of a column of the table", *(f"{of(name)}:source_column=n" for name in shards.names))
    refused("only one of them has a column v", *column, f"{of(two)}:exclude=v")
    refused("column n would be Int32 of one, Int64 of the other", *column, f"{of(two)}:type=n=Int64")
    refused("setting partition_by is not the same", *column, f"{of(two)}:partition_by=id % 2")
    refused("setting engine is not the same", *column, f"{of(two)}:engine=MergeTree")
    refused("the codec of column v is not the same", *column, f"{of(two)}:codec=v=ZSTD(3)")
    refused("does not begin with the key, shard, id", *column, f"{of(two)}:order_by=id", f"{of(one)}:order_by=id")
    out = pipe.check(tables=wanted["tables"], settings=[f"{of(one)}:source_column=sh-ard"], ok=2)
    assert "letters, digits and _" in out.err
    shards.run(two, f"DROP TABLE {TARGET}")
    shards.run(two, TABLE.format(TARGET).replace("PRIMARY KEY", "UNIQUE").replace("id INT", "id BIGINT NOT NULL"))
    refused("column id would be Int32 of one, Int64 of the other", *column)
    shards.run(two, f"ALTER TABLE {TARGET} MODIFY id INT NOT NULL")
    pipe.clickhouse.query(f"CREATE DATABASE {pipe.destination}")
    pipe.clickhouse.query(f"CREATE TABLE {pipe.destination}.{TARGET} (id Int32) ENGINE = MergeTree ORDER BY id")
    pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.{TARGET} VALUES (1)")
    refused("several tables go into it", *column, "target=resync")
    # One of them alone may have it, and all it says stands in the text.
    pipe.clickhouse.query(f"DROP TABLE {pipe.destination}.{TARGET}")
    pipe.check(tables=wanted["tables"][:1], settings=[column[0], f"{of(one)}:order_by=shard, id", f"{of(one)}:partition_by=shard"])


def test_tables_that_come_by_themselves(pipe):
    """The same new table in both databases goes into one; one that is made otherwise fails alone."""
    shards = Shards(pipe, rows=500)
    one, two = shards.names
    settings = [f"{name}.*:source_column={COLUMN}" for name in shards.names]
    pipe.live(tables=[f"{name}.*" for name in shards.names], settings=[*settings, "new_tables=add"])
    for name in shards.names:
        shards.run(name, TABLE.format("more"))
        shards.run(name, "INSERT INTO more SELECT seq, 1, 'x' FROM seq_1_to_100")
    shards.run(one, TABLE.format("odd"))
    wait_until(lambda: "odd" in targets(pipe), 60 * PATIENCE, pipe.journal)
    shards.run(two, TABLE.format("odd").replace("n INT", "n BIGINT"))
    wait_until(lambda: f"{two}.odd" in pipe.journal() and pipe.engine.table(pipe.name, f"{two}.odd")["state"] == "failed", 60 * PATIENCE, pipe.journal)
    assert "column n would be" in pipe.engine.table(pipe.name, f"{two}.odd")["error"]["message"]
    pipe.wait("Running")
    assert pipe.rows("more", f"{COLUMN}, count()", "1 GROUP BY 1 ORDER BY 1") == sorted([f"{name}.more", 100] for name in shards.names)
    assert shards.equal() == 1_000


def test_one_that_comes_by_itself_during_a_resync(pipe):
    """It waits for the end of that: the table that is to take the place would lack its rows."""
    shards = Shards(pipe, rows=500)
    one, two = shards.names
    shards.run(one, TABLE.format("more"))
    settings = [f"{name}.*:source_column={COLUMN}" for name in shards.names]
    pipe.live(tables=[f"{name}.*" for name in shards.names], settings=[*settings, "new_tables=add"])
    with contextlib.closing(pipe.mariadb.connect(one)) as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {TARGET} WRITE")
        shards.resync(wait=False)
        pipe.wait("Snapshot")
        for table in ("more", "other"):
            shards.run(two, f"CREATE TABLE {table} LIKE {TARGET}")
            shards.run(two, f"INSERT INTO {table} SELECT * FROM {TARGET}")
        wait_until(lambda: "other" in targets(pipe), 60 * PATIENCE, pipe.journal)
    wait_until(lambda: f"{two}.more is loaded" in pipe.journal(), 60 * PATIENCE, pipe.journal)
    pipe.wait("Running")
    assert shards.equal() == 1_000
    assert pipe.rows("more", f"{COLUMN}, count()", "1 GROUP BY 1") == [[f"{two}.more", 500]]


def test_one_that_came_before_a_resync_that_is_cancelled(pipe):
    shards = Shards(pipe, rows=500).live()
    pipe.engine.sluice("pause", pipe.name, "--wait")
    three = shards.new(500)
    shards.set(f"{of(three)}:source_column={COLUMN}")
    shards.add(three)
    with contextlib.closing(pipe.mariadb.connect(shards.names[0])) as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {TARGET} WRITE")
        shards.resync(wait=False)
        pipe.wait("Snapshot")
        wait_until(lambda: len(targets(pipe)) == 2, 60 * PATIENCE, pipe.journal)
        pipe.engine.sluice("cancel", pipe.name)
        wait_until(lambda: "the resync was cancelled" in pipe.journal(), 60 * PATIENCE, pipe.journal)
    wait_until(lambda: shards.table(three)["state"] == "live", 60 * PATIENCE, pipe.journal)
    pipe.wait("Running")
    assert shards.equal() == 1_500 and targets(pipe) == [TARGET]


@pytest.mark.parametrize("mode", ["snapshot", "cdc"])
def test_modes_and_appending(pipe, mode):
    """A MergeTree keeps every change; TRUNCATE empties it of one table's."""
    shards = Shards(pipe, rows=50)
    one, two = shards.names
    pipe.create(mode=mode, **shards.options(*(f"{of(name)}:engine=MergeTree" for name in shards.names)))
    pipe.wait("Completed" if mode == "snapshot" else "Running")
    if mode == "cdc":
        for name in shards.names:
            shards.run(name, f"UPDATE {TARGET} SET n = 1 WHERE id <= 5")
        shards.run(two, f"TRUNCATE TABLE {TARGET}")
        pipe.caught_up()
    rows = pipe.clickhouse.rows(f"SELECT {COLUMN}, count() FROM {pipe.destination}.{TARGET} GROUP BY 1 ORDER BY 1")
    assert rows == ([[of(one), 5]] if mode == "cdc" else sorted([of(name), 50] for name in shards.names))
