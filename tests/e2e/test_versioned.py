"""MariaDB's system-versioned tables: their current rows are followed, their history is left out (mysql/versioning.h)."""

import contextlib
import json

import pymysql
import pytest
from harness.engine import PATIENCE
from harness.log import logged, rows_in, statements_in
from harness.pipe import Pipe
from harness.process import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.only("mariadb", "mariadb11")]

START, END = "TIMESTAMP(6) GENERATED ALWAYS AS ROW START", "TIMESTAMP(6) GENERATED ALWAYS AS ROW END"
PERIOD = "PERIOD FOR SYSTEM_TIME (since, until)"
HIDDEN = "CREATE TABLE {} (id INT PRIMARY KEY, v INT, w VARCHAR(20) WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING"
FORMS = {
    "hidden": HIDDEN,
    "shown": f"CREATE TABLE {{}} (since {START}, id INT PRIMARY KEY, v INT, until {END}, w VARCHAR(20), {PERIOD}) WITH SYSTEM VERSIONING",
    "invisible": f"CREATE TABLE {{}} (id INT PRIMARY KEY, until {END} INVISIBLE, v INT, since {START} INVISIBLE, w VARCHAR(20), {PERIOD}) WITH SYSTEM VERSIONING",
    "spread": HIDDEN + " PARTITION BY SYSTEM_TIME LIMIT 3 (PARTITION p0 HISTORY, PARTITION p1 HISTORY, PARTITION now CURRENT)",
    "keyed": f"CREATE TABLE {{}} (id INT NOT NULL, w VARCHAR(20), v INT, since {START}, until {END}, UNIQUE k (id), {PERIOD}) WITH SYSTEM VERSIONING",
    "texts": "CREATE TABLE {} (id INT PRIMARY KEY, v INT, w VARCHAR(20), x TEXT, UNIQUE (x)) WITH SYSTEM VERSIONING",
    "excluded": f"CREATE TABLE {{}} (id INT PRIMARY KEY, v INT, w VARCHAR(20), since {START}, until {END}, {PERIOD}) WITH SYSTEM VERSIONING",
}  # fmt: skip


@contextlib.contextmanager
def session(pipe, *settings):
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        for setting in settings:
            cursor.execute(f"SET SESSION {setting}")
        yield cursor.execute


def alter(pipe, statement):
    with session(pipe, "system_versioning_alter_history = KEEP") as run:
        run(statement)


def work(pipe, table):
    """Changes of every kind, with history behind them."""
    pipe.run(f"UPDATE {table} SET v = v + 100 WHERE id < 4")
    pipe.run(f"UPDATE {table} SET v = v + 1, w = 'both' WHERE id IN (1, 4)")
    pipe.run(f"UPDATE {table} SET w = 'this alone' WHERE id = 5")
    pipe.run(f"UPDATE {table} SET id = id + 1000 WHERE id IN (6, 7)")
    pipe.run(f"DELETE FROM {table} WHERE id IN (2, 8)")
    pipe.run(f"INSERT INTO {table} (id, v) VALUES (2, 22), (3, 33) ON DUPLICATE KEY UPDATE v = 333")
    pipe.run(f"REPLACE INTO {table} (id, v) VALUES (4, 44), (60, 60)")
    with session(pipe, "time_zone = '+05:00'", "autocommit = 0") as run:
        run(f"INSERT INTO {table} (id, v) VALUES (70, 1), (71, 1)")
        run(f"UPDATE {table} SET v = 2 WHERE id >= 70 AND id < 100")
        run(f"DELETE FROM {table} WHERE id = 70")
        run("SAVEPOINT s")
        run(f"DELETE FROM {table} WHERE id = 71")
        run("ROLLBACK TO s")
        run("COMMIT")
        run(f"DELETE FROM {table}")
        run("ROLLBACK")
    with session(pipe) as run:
        run(f"XA START '{table}'")
        run(f"UPDATE {table} SET v = 91 WHERE id = 9")
        run(f"DELETE FROM {table} WHERE id = 60")
        run(f"XA END '{table}'")
        run(f"XA PREPARE '{table}'")
        run(f"XA COMMIT '{table}'")
    pipe.run(f"DELETE HISTORY FROM {table} BEFORE SYSTEM_TIME NOW(6)")
    pipe.run(f"UPDATE {table} SET v = v + 1 WHERE id = 71")


def history(pipe, table):
    return pipe.run(f"SELECT COUNT(*) FROM {table} FOR SYSTEM_TIME ALL")[0][0] - pipe.run(f"SELECT COUNT(*) FROM {table}")[0][0]


def test_current_rows_are_followed(pipe):
    for table, create in FORMS.items():
        pipe.run(create.format(table))
        pipe.run(f"INSERT INTO {table} (id, v, w) SELECT seq, seq, 'w' FROM seq_1_to_10")
        pipe.run(f"UPDATE {table} SET v = v + 1")
        pipe.run(f"DELETE FROM {table} WHERE id = 10")
        assert history(pipe, table) == 11
    result = pipe.check(settings=[f"{pipe.source}.excluded:exclude=since,until"])
    assert result.out.count("its history is left out") == len(FORMS) and result.out.count("key (id)") == len(FORMS), result.out
    pipe.live(settings=[f"{pipe.source}.excluded:exclude=since,until"])
    for table in FORMS:
        work(pipe, table)
        assert history(pipe, table) > 0
    tables = [table for table in FORMS if table != "excluded"]
    assert pipe.equal(*tables) == 9 * len(tables)
    assert sorted(map(tuple, pipe.rows("excluded", "id, v, w"))) == sorted(pipe.run("SELECT id, v, w FROM excluded"))
    result = json.loads(pipe.engine.sluice("verify", pipe.name, "--wait", "--json", timeout=240).out)
    assert result["verify"]["rows"] == 9 * len(FORMS), result
    # What came after a crash has the versions that it had before.
    versions = {table: sorted(map(tuple, pipe.rows(table, "id, _peerdb_version"))) for table in FORMS}
    pipe.engine.kill()
    pipe.engine.start()
    pipe.run("INSERT INTO hidden (id) VALUES (9999)")
    pipe.equal(*tables)
    pipe.run("DELETE FROM hidden WHERE id = 9999")
    pipe.equal(*tables)
    assert versions == {table: sorted(map(tuple, pipe.rows(table, "id, _peerdb_version"))) for table in FORMS}


@pytest.mark.parametrize("metadata", ["NO_LOG", "MINIMAL"])
def test_names_are_not_in_the_log(engine, own_mariadb, clickhouse, metadata):
    pipe = Pipe(engine, own_mariadb(f"--binlog-row-metadata={metadata}"), clickhouse)
    engine.start()
    tables = [table for table in FORMS if table not in ("texts", "excluded")]  # DB_ROW_HASH_1 is told by its name alone
    for table in tables:
        pipe.run(FORMS[table].format(table))
        pipe.run(f"INSERT INTO {table} (id, v) SELECT seq, seq FROM seq_1_to_10")
    pipe.live()
    for table in tables:
        work(pipe, table)
    pipe.equal(*tables)


def test_the_clock_stands_still_and_goes_back(pipe):
    """An update leaves no history then, and a delete deletes."""
    for table in ("hidden", "shown"):
        pipe.run(FORMS[table].format(table))
    pipe.live()
    for table in ("hidden", "shown"):
        with session(pipe, "timestamp = 1600000000") as run, logged(pipe.mariadb) as events:
            run(f"INSERT INTO {table} (id, v) VALUES (1, 1), (2, 2), (3, 3)")
            run(f"UPDATE {table} SET v = 10 WHERE id = 1")
            run(f"DELETE FROM {table} WHERE id = 1")
            run(f"INSERT INTO {table} (id, v) VALUES (1, 5)")
            run(f"DELETE FROM {table} WHERE id = 1")
            run("SET SESSION timestamp = 1500000000")
            run(f"UPDATE {table} SET v = 20 WHERE id = 2")
            run(f"DELETE FROM {table} WHERE id = 3")
        assert rows_in(events) == ["Write", "Update", "Update", "Write", "Delete", "Update", "Delete"]
    assert pipe.equal("hidden", "shown") == 2


def test_history_that_is_inserted(pipe):
    """Whatever its last moment is: that of older servers is history to a newer one."""
    pipe.run(FORMS["hidden"].format("hidden"))
    pipe.run("INSERT INTO hidden (id, v) VALUES (1, 1)")
    pipe.live()
    with session(pipe, "system_versioning_insert_history = ON", "time_zone = '+00:00'") as run:
        for n, until in enumerate(("2021-01-01", "2038-01-19 03:14:07.999998", "2038-01-19 03:14:07.999999", "2106-02-07 06:28:15.999998", "2106-02-07 06:28:15.999999")):
            with contextlib.suppress(pymysql.err.MySQLError):
                run(f"INSERT INTO hidden (id, v, row_start, row_end) VALUES ({10 + n}, 1, '2020-01-01', '{until}')")
                run(f"INSERT INTO hidden (id, v, row_start, row_end) VALUES (1, {10 + n}, '2019-01-01', '2020-01-0{n + 1}')")
    late = pipe.run("SELECT FROM_UNIXTIME(4294967295) IS NOT NULL") == ((1,),)
    assert pipe.run("SELECT id FROM hidden ORDER BY id") == ((1,), (14,) if late else (12,))
    assert pipe.equal("hidden") == 2


def test_delete_history_as_a_statement(pipe):
    pipe.run(FORMS["hidden"].format("hidden"))
    pipe.run("INSERT INTO hidden (id, v) VALUES (1, 1), (2, 2)")
    pipe.live()
    pipe.run("UPDATE hidden SET v = 3")
    with session(pipe, "binlog_format = STATEMENT") as run, logged(pipe.mariadb) as events:
        run("DELETE HISTORY FROM hidden")
    assert statements_in(events) == ["DELETE HISTORY FROM hidden"] and history(pipe, "hidden") == 0
    pipe.run("UPDATE hidden SET v = 4 WHERE id = 1")
    assert pipe.equal("hidden") == 2


def test_every_change_is_kept(pipe):
    """Of the current rows, as of those of any table, where the destination keeps each."""
    for table in ("hidden", "shown"):
        pipe.run(FORMS[table].format(table))
        pipe.run(f"INSERT INTO {table} (id, v) VALUES (1, 1), (2, 2), (3, 3)")
        pipe.run(f"UPDATE {table} SET v = 0")
    pipe.live(settings=[f"{pipe.source}.*:engine=MergeTree"])
    for table in ("hidden", "shown"):
        pipe.run(f"UPDATE {table} SET v = 7 WHERE id = 1")
        pipe.run(f"DELETE FROM {table} WHERE id = 2")
        pipe.run(f"UPDATE {table} SET id = 4 WHERE id = 3")
        pipe.run(f"DELETE HISTORY FROM {table}")
    pipe.caught_up()
    for table in ("hidden", "shown"):
        rows = pipe.clickhouse.rows(f"SELECT id, v, _peerdb_is_deleted FROM {pipe.destination}.{table} ORDER BY _peerdb_version, id")
        assert sorted(rows[:3]) == [[1, 0, 0], [2, 0, 0], [3, 0, 0]]
        assert [row[0::2] for row in rows[3:]] == [[1, 0], [2, 1], [3, 1], [4, 0]] and rows[3][1] == 7


def test_a_large_table_is_loaded_while_it_changes(pipe):
    pipe.run(FORMS["hidden"].format("hidden"))
    pipe.run("INSERT INTO hidden SELECT seq, seq, 'x' FROM seq_1_to_60000")
    for _ in range(3):
        pipe.run("UPDATE hidden SET v = v + 1 WHERE id % 3 <> 0")
    pipe.create(settings=["readers=3"])
    for n in range(20):
        pipe.run(f"UPDATE hidden SET v = {n} WHERE id BETWEEN {n * 2900} AND {n * 2900 + 40}")
        pipe.run(f"DELETE FROM hidden WHERE id BETWEEN {n * 2900 + 100} AND {n * 2900 + 120}")
        pipe.run(f"UPDATE hidden SET id = id + 1000000 WHERE id BETWEEN {n * 2900 + 200} AND {n * 2900 + 220}")
    pipe.wait("Running")
    assert pipe.equal("hidden") == pipe.run("SELECT COUNT(*) FROM hidden")[0][0]


def test_the_past_is_what_people_see(engine, own_mariadb, clickhouse):
    """A global default is not for us."""
    pipe = Pipe(engine, own_mariadb(), clickhouse)
    engine.start()
    pipe.run("SET GLOBAL system_versioning_asof = '2020-01-01 00:00:00'")
    pipe.run(FORMS["hidden"].format("hidden"))
    pipe.run("INSERT INTO hidden (id, v) VALUES (1, 1), (2, 2)")
    assert pipe.run("SELECT id FROM hidden") == ()
    pipe.live()
    pipe.run("INSERT INTO hidden (id, v) VALUES (3, 3)")
    pipe.caught_up()
    assert sorted(pipe.rows("hidden", "id, v")) == [[1, 1], [2, 2], [3, 3]]
    pipe.engine.sluice("verify", pipe.name, "--wait", timeout=240)


def test_history_comes_and_goes(pipe):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
    pipe.live()
    pipe.run("ALTER TABLE t ADD SYSTEM VERSIONING")
    pipe.run("UPDATE t SET v = 9 WHERE id = 1")
    pipe.run("DELETE FROM t WHERE id = 2")
    assert pipe.equal("t") == 2
    alter(pipe, "ALTER TABLE t ADD n INT DEFAULT 5 FIRST, ADD o VARCHAR(9) NOT NULL DEFAULT 'o' WITHOUT SYSTEM VERSIONING")
    pipe.run("UPDATE t SET v = 10, n = 6")
    pipe.run("INSERT INTO t (id) VALUES (2)")
    alter(pipe, "ALTER TABLE t MODIFY v BIGINT, RENAME COLUMN n TO m")
    pipe.run("UPDATE t SET v = 5000000000 WHERE id = 1")
    assert pipe.equal("t") == 3
    pipe.engine.kill()
    pipe.engine.start()
    pipe.run("DELETE FROM t WHERE id = 3")
    alter(pipe, "ALTER TABLE t DROP SYSTEM VERSIONING")
    pipe.run("UPDATE t SET v = 11 WHERE id = 1")
    pipe.run("DELETE FROM t WHERE id = 2")
    pipe.run("INSERT INTO t (id, v) VALUES (7, 7)")
    assert pipe.equal("t") == 2
    alter(pipe, f"ALTER TABLE t ADD since {START} FIRST, ADD until {END} INVISIBLE AFTER id, ADD {PERIOD}, ADD SYSTEM VERSIONING")
    pipe.run("INSERT INTO t (id, v) VALUES (8, 8)")
    assert pipe.equal("t") == 3, "rows that were there have the moments that the server gave them"
    pipe.run("UPDATE t SET v = 12 WHERE id = 1")
    pipe.run("DELETE FROM t WHERE id = 7")
    alter(pipe, "ALTER TABLE t RENAME COLUMN until TO gone, DROP PRIMARY KEY, ADD PRIMARY KEY (id)")
    pipe.run("UPDATE t SET v = 13 WHERE id = 8")
    assert pipe.equal("t") == 2
    pipe.engine.sluice("resync", pipe.name, "--wait", timeout=120 * PATIENCE)
    alter(pipe, "ALTER TABLE t DROP COLUMN since, DROP COLUMN gone, DROP SYSTEM VERSIONING")
    alter(pipe, "ALTER TABLE t WITH SYSTEM VERSIONING")
    pipe.run("UPDATE t SET v = 14 WHERE id = 8")
    pipe.caught_up()
    assert sorted(map(tuple, pipe.rows("t", "id, v, m, o"))) == sorted(pipe.run("SELECT id, v, m, o FROM t"))
    assert pipe.table("t")["state"] == "live", pipe.journal()


def test_partitions_of_history(pipe):
    pipe.run(FORMS["spread"].format("t"))
    pipe.run("INSERT INTO t (id, v) SELECT seq, seq FROM seq_1_to_20")
    pipe.live()
    pipe.run("UPDATE t SET v = v + 1")
    for statement in (
        "ALTER TABLE t DROP PARTITION p0", "ALTER TABLE t ADD PARTITION (PARTITION p2 HISTORY, PARTITION p3 HISTORY)",
        "ALTER TABLE t TRUNCATE PARTITION p1, p2", "ALTER TABLE t REORGANIZE PARTITION p2 INTO (PARTITION p4 HISTORY)",
        "CREATE TABLE side LIKE t", "ALTER TABLE side REMOVE PARTITIONING",
        "ALTER TABLE t EXCHANGE PARTITION p1 WITH TABLE side", "DROP TABLE side", "ALTER TABLE t PARTITION BY SYSTEM_TIME INTERVAL 1 HOUR AUTO PARTITIONS 3",
    ):  # fmt: skip
        alter(pipe, statement)
        pipe.run("UPDATE t SET v = v + 1 WHERE id % 2")
    assert pipe.equal("t") == 20
    assert pipe.table("t")["state"] == "live", pipe.journal()
    alter(pipe, "ALTER TABLE t PARTITION BY SYSTEM_TIME (PARTITION p0 HISTORY, PARTITION p1 CURRENT)")
    alter(pipe, "ALTER TABLE t TRUNCATE PARTITION p0")
    pipe.run("DELETE FROM t WHERE id = 1")
    assert pipe.equal("t") == 19
    alter(pipe, "ALTER TABLE t TRUNCATE PARTITION p1")
    wait_until(lambda: pipe.table("t")["error"], 30 * PATIENCE, lambda: pipe.journal())
    assert pipe.run("SELECT * FROM t") == () and "TRUNCATE PARTITION" in pipe.table("t")["error"]["message"]


def test_partitions_that_hold_current_rows(pipe):
    """By something else than time: each has current rows and history."""
    pipe.run(HIDDEN.format("t") + " PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)")
    pipe.run("INSERT INTO t (id, v) SELECT seq, seq FROM seq_1_to_20")
    pipe.live()
    alter(pipe, "ALTER TABLE t ADD INDEX (v) PARTITION BY SYSTEM_TIME LIMIT 100 (PARTITION p0 HISTORY, PARTITION now CURRENT)")
    alter(pipe, "ALTER TABLE t ADD INDEX (w) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)")
    pipe.run("UPDATE t SET v = 1")
    assert pipe.equal("t") == 20
    alter(pipe, "ALTER TABLE t DROP PARTITION p0")
    wait_until(lambda: pipe.table("t")["error"], 30 * PATIENCE, lambda: pipe.journal())
    assert "DROP PARTITION" in pipe.table("t")["error"]["message"]


def test_tables_that_come_by_themselves(pipe):
    pipe.run("CREATE TABLE n_1 (id INT PRIMARY KEY, v INT)")
    pipe.live(tables=[f"{pipe.source}.n_*"], settings=["new_tables=add"])
    pipe.run(FORMS["spread"].format("n_2"))
    pipe.run("INSERT INTO n_2 (id, v) VALUES (1, 1), (2, 2)")
    pipe.run("UPDATE n_2 SET v = 3")
    wait_until(lambda: {table["state"] for table in pipe.status()["tables"]} == {"live"} and len(pipe.status()["tables"]) == 2, 60 * PATIENCE, lambda: pipe.journal())
    assert pipe.equal("n_1", "n_2") == 2
    pipe.run(f"CREATE OR REPLACE {FORMS['shown'].format('n_2').removeprefix('CREATE ')}")
    pipe.run("INSERT INTO n_2 (id, v) VALUES (7, 7), (8, 8), (9, 9)")
    pipe.run("DELETE FROM n_2 WHERE id = 7")
    wait_until(lambda: sorted(pipe.rows("n_2", "id")) == [[8], [9]], 60 * PATIENCE, lambda: pipe.journal())
    assert pipe.equal("n_1", "n_2") == 2


def test_history_by_transactions_is_refused(pipe):
    """Its changes are logged as statements; also where a followed table becomes one, and for what a wildcard finds."""
    columns = "since BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, until BIGINT UNSIGNED GENERATED ALWAYS AS ROW END"
    pipe.run(f"CREATE TABLE q (id INT PRIMARY KEY, v INT, {columns}, {PERIOD}) WITH SYSTEM VERSIONING")
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO t VALUES (1, 1)")
    with logged(pipe.mariadb) as events:
        pipe.run("INSERT INTO q (id, v) VALUES (1, 1)")
    assert statements_in(events) == ["INSERT INTO q (id, v) VALUES (1, 1)"] and rows_in(events) == []
    result = pipe.create(ok=5)
    assert f"{pipe.source}.q: its history is kept by transactions" in result.out, result.out
    pipe.live(tables=[f"{pipe.source}.*", f"-{pipe.source}.q"])
    pipe.run(f"ALTER TABLE t ADD ({columns}, {PERIOD}), ADD SYSTEM VERSIONING")
    pipe.run("UPDATE t SET v = 2")
    error = wait_until(lambda: pipe.table("t")["error"], 30 * PATIENCE, lambda: pipe.journal())
    assert "kept by transactions" in error["message"] and pipe.rows("t", "id, v") == [[1, 1]], error


def test_parents_with_history(pipe):
    """A DELETE of theirs is an update in the log, and changes rows of children all the same."""
    pipe.run("CREATE TABLE parent (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING")
    pipe.run(f"CREATE TABLE other (since {START}, id INT PRIMARY KEY, until {END}, v INT, {PERIOD}) WITH SYSTEM VERSIONING")
    for child, parent in (("child", "parent"), ("youngest", "other")):
        pipe.run(f"CREATE TABLE {child} (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES {parent} (id) ON DELETE CASCADE) WITH SYSTEM VERSIONING")
        pipe.run(f"INSERT INTO {parent} (id, v) VALUES (1, 1), (2, 2)")
        pipe.run(f"INSERT INTO {child} VALUES (10, 1), (20, 2)")
    pipe.live(tables=[f"{pipe.source}.child", f"{pipe.source}.youngest"], settings=["foreign_keys=flag"])
    for parent in ("parent", "other"):
        pipe.run(f"UPDATE {parent} SET v = 3 WHERE id = 1")
        pipe.run(f"INSERT INTO {parent} (id, v) VALUES (3, 3)")
        pipe.run(f"DELETE HISTORY FROM {parent}")
    pipe.caught_up()
    assert not [table["source"] for table in pipe.status()["tables"] if table["resync_advised"]]
    for parent, child in (("parent", "child"), ("other", "youngest")):
        pipe.run(f"DELETE FROM {parent} WHERE id = 2")
        assert pipe.run(f"SELECT id FROM {child}") == ((10,),)
        wait_until(lambda c=child: pipe.table(c)["resync_advised"], 30 * PATIENCE, lambda: pipe.journal())
    pipe.engine.sluice("resync", pipe.name, "--wait", timeout=120 * PATIENCE)
    assert pipe.equal("child", "youngest") == 2
