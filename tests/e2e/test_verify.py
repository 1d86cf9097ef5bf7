"""sluice verify: what differs is found, whatever the stream does meanwhile; what does not, is not told."""

import json
import threading

import pytest
from harness.compare import ch_name
from harness.engine import PATIENCE
from harness.process import wait_until


def verify(pipe, *options, ok=True):
    """The result as JSON."""
    result = pipe.engine.sluice("verify", pipe.name, "--wait", "--json", *options, ok=ok, timeout=240)
    return json.loads(result.out)


def listed(result):
    return sorted((d["kind"], d["table"].split(".", 1)[1], d["key"]) for d in result["differences"])


def assert_no_difference(result, rows):
    assert listed(result) == [] and result["verify"]["rows"] == rows, json.dumps(result, indent=1)
    assert [t for t in result["tables"] if t["skipped"] or t["unsettled"]] == [], result["tables"]


def scratch_tables(pipe):
    return pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}' AND startsWith(name, '_sluice_verify')")


class Load:
    """Statements on a connection of their own, again and again, until it is left; with a pause before each."""

    def __init__(self, pipe, *statements, pause=0.01):
        self.pipe, self.statements, self.pause = pipe, statements, pause
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.problem = None

    def run(self):
        connection = self.pipe.mariadb.connect(self.pipe.source)
        try:
            with connection.cursor() as cursor:
                while not self.end.is_set():
                    for statement in self.statements:
                        self.end.wait(self.pause)
                        cursor.execute(statement)
        except Exception as problem:
            self.problem = problem
        finally:
            connection.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()
        assert self.problem is None, self.problem


ORDERS = "CREATE TABLE orders (id INT PRIMARY KEY, name VARCHAR(40), amount DECIMAL(12,2), at DATETIME(3))"
FILL = "INSERT INTO orders SELECT seq, IF(seq % 7, CONCAT('größe ', seq), NULL), seq / 3, '2020-01-01' + INTERVAL seq SECOND FROM seq_1_to_{}"


def tamper(pipe):
    """Five rows changed, three deleted, two added at the destination, as by somebody's hand."""
    target = f"{pipe.destination}.orders"
    columns = "id, name, amount, at, _peerdb_synced_at, _peerdb_is_deleted, _peerdb_version"
    take = f"INSERT INTO {target} ({columns}) SELECT"
    pipe.clickhouse.query(f"{take} id, name, amount + 1, at, now64(9), 0, _peerdb_version FROM {target} FINAL WHERE id IN (1, 500, 900, 20000, 29999)")
    pipe.clickhouse.query(f"{take} id, name, amount, at, now64(9), 1, _peerdb_version FROM {target} FINAL WHERE id IN (2, 15000, 30000)")
    pipe.clickhouse.query(f"{take} id + 1000000, name, amount, at, now64(9), 0, 1 FROM {target} FINAL WHERE id IN (3, 4)")
    return sorted([*(("different", "orders", str(n)) for n in (1, 500, 900, 20000, 29999)), *(("missing", "orders", str(n)) for n in (2, 15000, 30000)),
                   *(("extra", "orders", str(n)) for n in (1000003, 1000004))])  # fmt: skip


@pytest.mark.core
@pytest.mark.servers
def test_what_differs_is_listed_and_repaired_under_load(pipe):
    pipe.run(ORDERS)
    pipe.run(FILL.format(30000))
    pipe.live(settings=["batch_age=100ms"])
    with Load(pipe, "UPDATE orders SET amount = amount + 1 WHERE id BETWEEN 5000 AND 5050", "INSERT INTO orders VALUES (40000, 'x', 1, NOW(3))",
              "DELETE FROM orders WHERE id = 40000"):  # fmt: skip
        result = verify(pipe)
        assert listed(result) == [] and result["verify"]["rows"] >= 29999, json.dumps(result, indent=1)
        expected = tamper(pipe)
        result = verify(pipe, ok=1)
        assert listed(result) == expected, json.dumps(result, indent=1)
        (one,) = [d for d in result["differences"] if d["key"] == "500"]
        assert one["values"] == [{"column": "amount", "source": "166.67", "dest": "167.67"}] and not one["repaired"]
        result = verify(pipe, "--repair")
        assert listed(result) == expected and all(d["repaired"] for d in result["differences"]), json.dumps(result, indent=1)
        assert listed(verify(pipe)) == []
    pipe.equal("orders")
    assert scratch_tables(pipe) == []
    assert "10 differences, 10 repaired" in pipe.journal()


KEYS = {
    "VARCHAR(40)": "CONCAT(IF(seq % 2, 'Ключ ', 'ключ '), seq)",
    "VARCHAR(40) COLLATE utf8mb4_bin": "CONCAT('k', CHAR(9 + seq % 9), seq)",
    "VARCHAR(40) CHARACTER SET latin1": "CONCAT('Ärger ', seq)",
    "ENUM('z','y','x','w','it''s','a\\\\b','c','d')": "1 + seq % 8",
    "VARBINARY(16)": "UNHEX(CONCAT(HEX(seq % 3), '0000', LPAD(HEX(seq), 6, '0')))",
    "DECIMAL(20,4)": "CAST(seq AS SIGNED) * -1234.0567",
    "DATETIME(6)": "'2001-01-01' + INTERVAL seq * 1001 MICROSECOND",
    "TIME(2)": "SEC_TO_TIME(CAST(seq AS SIGNED) * 17 - 3000)",
    "DOUBLE": "seq / 7",
    "BIGINT UNSIGNED": "18446744073709551615 - seq * 1000000007",
}


@pytest.mark.flavours
def test_any_kind_of_key(pipe):
    """Whether it is cut into ranges or walked by value; names and composites of all sorts beside them."""
    tables = []
    for n, (key, value) in enumerate(KEYS.items()):
        count = 8 if key.startswith("ENUM") else 3000
        tables.append(f"k{n}")
        pipe.run(f"CREATE TABLE k{n} (k {key} NOT NULL PRIMARY KEY, v INT)")
        pipe.run(f"INSERT INTO k{n} SELECT {value}, seq FROM seq_1_to_{count}")
    odd = "o\\d`d 'n\""
    name, column = odd.replace("`", "``"), "c\\o`l'".replace("`", "``")
    pipe.run(f"CREATE TABLE `{name}` (`{column}` INT, b VARCHAR(9) COLLATE utf8mb4_bin, v INT, PRIMARY KEY (b, `{column}`))")
    pipe.run(f"INSERT INTO `{name}` SELECT seq % 50, CONCAT('g', seq DIV 50), seq FROM seq_1_to_1000")
    tables.append(odd)
    pipe.live(settings=["batch_age=100ms"])
    rows = 3000 * (len(KEYS) - 1) + 8 + 1000
    assert_no_difference(verify(pipe), rows)
    wrong = []
    for table in tables:
        target = f"{pipe.destination}.{ch_name(table)}"
        (gone,), (changed,) = pipe.clickhouse.rows(f"SELECT v FROM {target} FINAL ORDER BY v LIMIT 2")
        pipe.clickhouse.query(f"ALTER TABLE {target} DELETE WHERE v = {gone}", mutations_sync=1)
        pipe.clickhouse.query(f"ALTER TABLE {target} UPDATE v = v + 70000 WHERE v = {changed}", mutations_sync=1)
        wrong += [("missing", table), ("different", table)]
    pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.k0 SELECT * REPLACE (concat(k, '!') AS k) FROM {pipe.destination}.k0 FINAL LIMIT 3")
    result = verify(pipe, "--repair")
    assert sorted((kind, table) for kind, table, _ in listed(result)) == sorted(wrong + [("extra", "k0")] * 3), json.dumps(result, indent=1)
    assert all(d["repaired"] for d in result["differences"]), result
    assert_no_difference(verify(pipe), rows)


@pytest.mark.core
@pytest.mark.flavours
def test_beside_ddl_and_truncate(pipe):
    """The table is altered and emptied again and again while it is compared: nothing of that is a difference; a row that is lost is."""
    pipe.run(ORDERS)
    pipe.run("CREATE TABLE emptied (id INT PRIMARY KEY, f DOUBLE)")
    pipe.run(FILL.format(20000))
    pipe.live(settings=["batch_age=100ms"])
    fill = "INSERT INTO emptied SELECT seq, seq / 3 FROM seq_1_to_500"
    alter = ("ALTER TABLE orders ADD COLUMN extra INT DEFAULT 3", "UPDATE orders SET extra = id WHERE id % 10 = 0", "ALTER TABLE orders DROP COLUMN extra")
    with Load(pipe, fill, "TRUNCATE TABLE emptied", *alter, pause=0.5):
        for _ in range(4):
            result = verify(pipe, "--repair")
            assert listed(result) == [], json.dumps(result, indent=1)
    pipe.run("UPDATE orders SET amount = 0 WHERE id = 10")
    pipe.caught_up()
    pipe.clickhouse.query(f"ALTER TABLE {pipe.destination}.orders DELETE WHERE id IN (10, 11)", mutations_sync=1)
    with Load(pipe, fill, "DELETE FROM emptied", "UPDATE orders SET amount = amount + 1 WHERE id > 19000"):
        result = verify(pipe, "--repair", "--table", f"{pipe.source}.orders")
    assert listed(result) == [("missing", "orders", "10"), ("missing", "orders", "11")] and result["verify"]["repaired"] == 2
    assert listed(verify(pipe)) == []
    pipe.equal("emptied")


def test_a_version_that_is_not_the_streams(pipe):
    """No repair wins over such a row: it is told, and stays."""
    pipe.run(ORDERS)
    pipe.run(FILL.format(100))
    pipe.live()
    target = f"{pipe.destination}.orders"
    pipe.clickhouse.query(f"INSERT INTO {target} SELECT * REPLACE (0 AS amount, _peerdb_version + 1000000 AS _peerdb_version) FROM {target} WHERE id = 7")
    result = verify(pipe, "--repair", ok=1)
    assert [(d["key"], d["ahead"], d["repaired"]) for d in result["differences"]] == [("7", True, False)], result


def test_rows_that_stand_elsewhere(pipe):
    """A row's old place, where ORDER BY and PARTITION BY have columns beside the key, is a row too many."""
    pipe.run("CREATE TABLE placed (id INT PRIMARY KEY, day DATE NOT NULL, v INT)")
    pipe.run("INSERT INTO placed SELECT seq, '2020-01-01' + INTERVAL seq % 90 DAY, seq FROM seq_1_to_300")
    table = f"{pipe.source}.placed"
    pipe.live(settings=[f"{table}:order_by=id, day", f"{table}:partition_by=toYYYYMM(day)"])
    target = f"{pipe.destination}.placed"
    pipe.clickhouse.query(f"INSERT INTO {target} SELECT * REPLACE (day + 40 AS day) FROM {target} WHERE id IN (5, 6)")
    assert listed(verify(pipe, "--repair")) == [("different", "placed", "5"), ("different", "placed", "6")]
    assert pipe.rows("placed", "count()") == [[300]]
    assert_no_difference(verify(pipe), 300)


def test_tables_that_share_a_target(pipe):
    """Each is compared with its own rows alone, and mended without the others'."""
    for table in ("a", "b"):
        pipe.run(f"CREATE TABLE {table} (id INT PRIMARY KEY, v VARCHAR(9))")
        pipe.run(f"INSERT INTO {table} SELECT seq, '{table}' FROM seq_1_to_100")
    names = [f"{pipe.source}.{table}" for table in ("a", "b")]
    pipe.live(tables=[f"{name}:both" for name in names], settings=[f"{name}:source_column=src" for name in names])
    assert_no_difference(verify(pipe), 200)
    target = f"{pipe.destination}.both"
    pipe.clickhouse.query(f"ALTER TABLE {target} DELETE WHERE id = 5 AND src = '{names[0]}'", mutations_sync=1)
    pipe.clickhouse.query(f"INSERT INTO {target} SELECT * REPLACE (id + 1000 AS id) FROM (SELECT * FROM {target} WHERE id = 6 AND src = '{names[1]}')")
    assert listed(verify(pipe, "--repair")) == [("extra", "b", "1006"), ("missing", "a", "5")]
    assert_no_difference(verify(pipe), 200)
    assert pipe.rows("both", "src, count()", "1 GROUP BY src ORDER BY src") == [[name, 100] for name in names]


def test_what_is_not_compared_is_told(pipe):
    pipe.run(ORDERS)
    pipe.run("CREATE TABLE log (id INT PRIMARY KEY)")
    pipe.run(FILL.format(10))
    pipe.live(settings=[f"{pipe.source}.log:engine=MergeTree"])
    result = verify(pipe)
    assert [(t["table"], t["skipped"]) for t in result["tables"] if t["skipped"]] == [(f"{pipe.source}.log", "its engine keeps every change, or nothing")]
    sluice = pipe.engine.sluice
    assert "has no table" in sluice("verify", "p", "--table", f"{pipe.source}.none", ok=3).err
    assert "is not being verified" in sluice("verify", "p", "--cancel", ok=4).err
    assert "10 rows of 2 tables compared: no differences" in sluice("verify", "p", "--show").out
    assert "verify       done, 10 rows" in sluice("status", "p").out
    sluice("pause", "p", "--wait")
    assert "must be Running" in sluice("verify", "p", ok=4).err
    sluice("create", "c", *pipe.arguments(mode="cdc", destination=pipe.clickhouse.url(pipe.clickhouse.new_database())))
    pipe.engine.wait_state("c", "Running")
    assert "holds only what changed" in sluice("verify", "c", ok=4).err


def test_cancel_and_pause_end_it(pipe, own_clickhouse):
    """Also while it waits for a stream that is stalled, which it says."""
    pipe.clickhouse = own_clickhouse
    pipe.run(ORDERS)
    pipe.run(FILL.format(10))
    pipe.live(destination=own_clickhouse.url(pipe.destination), settings=["batch_age=100ms"])
    sluice = pipe.engine.sluice

    def ends(act, why):
        own_clickhouse.freeze()
        pipe.run("UPDATE orders SET amount = amount + 1")
        sluice("verify", "p")
        wait_until(lambda: pipe.status()["verify"]["running"], 30, "it runs")
        act()
        wait_until(lambda: not pipe.status()["verify"]["running"], 60 * PATIENCE, lambda: pipe.engine.describe("p"))
        assert pipe.status()["verify"]["stopped"] == why
        own_clickhouse.freeze(False)

    ends(lambda: sluice("verify", "p", "--cancel"), "it was cancelled")
    ends(lambda: sluice("pause", "p"), "the pipe was paused")
    pipe.wait("Paused")
    sluice("resume", "p", "--wait")
    assert_no_difference(verify(pipe), 10)
    assert scratch_tables(pipe) == []
