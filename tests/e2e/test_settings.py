"""Settings of what values become: each by snapshot and by binlog, at once or at the next resync as they say, and refused where they
cannot be. And the counts of values that were changed on the way."""

import contextlib
import json

import pytest
from harness.engine import PATIENCE
from harness.process import wait_until

KEEP = "* EXCEPT (id, _peerdb_synced_at, _peerdb_version, _peerdb_is_deleted)"


def types(pipe, table):
    rows = pipe.clickhouse.rows(f"SELECT name, type FROM system.columns WHERE database = '{pipe.destination}' AND table = '{table}' ORDER BY position")
    return {name: kind for name, kind in rows if not name.startswith("_peerdb_")}


def both_ways(pipe, columns, rows, settings, table="t"):
    """The rows by snapshot, and the same by the log. What the destination has of them, which must be the same twice."""
    pipe.run(f"CREATE TABLE {table} (id INT PRIMARY KEY, {columns})")
    for n, row in enumerate(rows):
        pipe.run(f"INSERT INTO {table} VALUES ({n + 1}, {row})")
    pipe.live(settings=settings)
    for n, row in enumerate(rows):
        pipe.run(f"INSERT INTO {table} VALUES ({n + 101}, {row})")
    pipe.caught_up()
    loaded = pipe.rows(table, KEEP, "id < 100 ORDER BY id")
    followed = pipe.rows(table, KEEP, "id > 100 ORDER BY id")
    assert loaded == followed and len(loaded) == len(rows)
    return loaded


SHAPES = [
    ("tinyint1=bool", "a BOOL, b TINYINT(1) UNSIGNED, c TINYINT", ["0, 0, 0", "1, 1, 1", "NULL, NULL, NULL"],
     {"a": "Nullable(Bool)", "b": "Nullable(UInt8)", "c": "Nullable(Int8)"}, [[False, 0, 0], [True, 1, 1], [None, None, None]]),
    ("nullable=off", "a INT, b VARCHAR(9), c DATE, d DECIMAL(5,2), e ENUM('x','y')", ["NULL, NULL, NULL, NULL, NULL", "7, 'seven', '2007-07-07', 7.07, 'y'"],
     {"a": "Int32", "b": "String", "c": "Date32", "d": "Decimal(5, 2)", "e": "LowCardinality(String)"},
     [[0, "", "1970-01-01", 0, ""], [7, "seven", "2007-07-07", 7.07, "y"]]),
    ("set=array", "a SET('one','two','three') NOT NULL, b SET('x','y')", ["'one,three', 'y'", "'', ''", "'two', NULL"],
     {"a": "Array(LowCardinality(String))", "b": "Array(LowCardinality(String))"}, [[["one", "three"], ["y"]], [[], []], [["two"], []]]),
    ("binary=hex", "a VARBINARY(9), b BLOB NOT NULL, c BINARY(3)", ["x'00ff5C', x'0a', x'41'", "NULL, x'', NULL"],
     {"a": "Nullable(String)", "b": "String", "c": "Nullable(String)"}, [["00ff5c", "0a", "410000"], [None, "", None]]),
    ("binary=base64", "a VARBINARY(9), b BLOB NOT NULL, c BINARY(3)", ["x'00ff5C', x'0a', x'41'", "NULL, x'', NULL"],
     {"a": "Nullable(String)", "b": "String", "c": "Nullable(String)"}, [["AP9c", "Cg==", "QQAA"], [None, "", None]]),
]  # fmt: skip


@pytest.mark.parametrize("setting,columns,rows,shape,values", SHAPES, ids=[shape[0] for shape in SHAPES])
def test_shapes(pipe, setting, columns, rows, shape, values):
    seen = both_ways(pipe, columns, rows, [setting])
    assert types(pipe, "t") == {"id": "Int32", **shape}
    if setting.startswith("binary"):
        seen = [[v.lower() if v and setting == "binary=hex" else v for v in row] for row in seen]
    assert seen == values
    status = pipe.status()
    name, _, value = setting.partition("=")
    assert status["settings"] == [{"name": name, "value": value, "waits": False}]
    assert f"settings     {setting}\n" in pipe.engine.sluice("status", "p").out


def test_geometry(pipe):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, g GEOMETRY, p POINT NOT NULL)")
    values = "ST_GeomFromText('LINESTRING(0 0, 1.5 -2)'), ST_GeomFromText('POINT(3 4)')"
    pipe.run(f"INSERT INTO t VALUES (1, {values}), (2, NULL, ST_GeomFromText('POINT(0.1 1e30)'))")
    pipe.live(settings=["geometry=wkb"])
    pipe.run(f"INSERT INTO t VALUES (101, {values}), (102, NULL, ST_GeomFromText('POINT(0.1 1e30)'))")
    pipe.caught_up()
    ours = [[g and g.hex().upper(), p.hex().upper()] for g, p in pipe.run("SELECT ST_AsBinary(g), ST_AsBinary(p) FROM t ORDER BY id")]
    assert pipe.rows("t", "hex(g), hex(p)", "1 ORDER BY id") == ours and ours[0][0].startswith("0102000000")


@pytest.mark.servers
@pytest.mark.only("mysql")
def test_json_as_json(pipe):
    documents = ["'{\"a\": 1, \"b\": {\"c\": [true, null, \"x\"]}}'", "'{}'", "NULL"]
    seen = both_ways(pipe, "j JSON", documents, ["json=json"])
    assert "JSON" in types(pipe, "t")["j"]
    assert len(seen) == 3
    pipe.run("INSERT INTO t VALUES (500, '[1, 2]')")
    wait_until(lambda: pipe.table("t")["state"] == "failed", 30 * PATIENCE, "an array is no object")
    assert "column j" in pipe.table("t")["error"]["message"]


# Live settings

DATES = "d DATE, dt DATETIME(3), n DATE NOT NULL"


@pytest.mark.servers
def test_zero_dates_and_range_change_at_once(pipe):
    pipe.run(f"CREATE TABLE t (id INT PRIMARY KEY, {DATES})")
    odd = "'0000-00-00', '2024-02-00', '0000-00-00'"
    far = "'1500-01-01', '9999-12-31 23:59:59.999', '9999-12-31'"
    pipe.run(f"INSERT INTO t VALUES (1, {odd}), (2, {far})")
    pipe.live()

    def insert(first):
        pipe.run(f"INSERT INTO t VALUES ({first}, {odd}), ({first + 1}, {far})")
        pipe.caught_up()
        return pipe.rows("t", KEEP, f"id IN ({first}, {first + 1}) ORDER BY id")

    epoch, last = "1970-01-01", "2299-12-31"
    usual = [[None, None, epoch], ["1900-01-01", "2299-12-31 23:59:59.999999", last]]
    assert pipe.rows("t", KEEP, "id < 3 ORDER BY id") == usual
    assert insert(11) == usual
    said = pipe.engine.sluice("set", "p", "zero_date=epoch", "out_of_range=null").out
    assert said == "zero_date=epoch: takes effect at once\nout_of_range=null: takes effect at once\n"
    assert insert(21) == [[epoch, "1970-01-01 00:00:00.000000", epoch], [None, None, last]]
    # Each value that was changed is counted, by snapshot and by log alike.
    table = pipe.table("t")
    assert table["columns"] == [{"name": name, "zero_dates": 3, "clamped": 3} for name in ("d", "dt", "n")]
    assert f"{pipe.source}.t: column dt: 3 zero dates converted, 3 out of range" in pipe.engine.sluice("status", "p").out
    shown = json.loads(pipe.engine.sluice("tables", "p", f"{pipe.source}.t", "--json").out)
    assert sorted(shown["columns"][1]["samples"]) == ["0000-00-00", "1500-01-01"]  # as the source has them
    pipe.engine.stop()
    assert pipe.table("t")["columns"] == table["columns"]  # without an engine
    pipe.engine.start()
    assert pipe.table("t")["columns"] == table["columns"]
    pipe.engine.sluice("set", "p", "zero_date=fail", "out_of_range=fail")
    pipe.run(f"INSERT INTO t VALUES (31, {far})")
    wait_until(lambda: pipe.table("t")["state"] == "failed", 30 * PATIENCE, "the table fails")
    assert "1500-01-01" in pipe.table("t")["error"]["message"] and "out_of_range" in pipe.table("t")["error"]["message"]


def test_bool_that_is_neither(pipe):
    """Only 0 and 1 are Bool: what else becomes true is counted as out of range, and out_of_range decides."""
    assert both_ways(pipe, "b BOOL", ["2", "-1", "1", "0"], ["tinyint1=bool"]) == [[True], [True], [True], [False]]
    assert pipe.table("t")["columns"] == [{"name": "b", "clamped": 4}]
    pipe.engine.sluice("set", "p", "out_of_range=null")
    pipe.run("INSERT INTO t VALUES (201, 127), (202, 1)")
    pipe.caught_up()
    assert pipe.rows("t", "b", "id > 200 ORDER BY id") == [[None], [True]]
    pipe.engine.sluice("set", "p", "out_of_range=fail")
    pipe.run("INSERT INTO t VALUES (301, 2)")
    wait_until(lambda: pipe.table("t")["state"] == "failed", 30 * PATIENCE, "the table fails")


# Settings of single tables

TYPED = ("ti TINYINT, tu TINYINT UNSIGNED, si SMALLINT UNSIGNED, mi MEDIUMINT, iu INT UNSIGNED, bi BIGINT, b TINYINT(1), v VARCHAR(40), l TEXT CHARACTER SET latin1,"
         " e ENUM('x','ü'), d DATE, dt DATETIME(3), ts TIMESTAMP(6) NULL, ti2 TIME(2)")  # fmt: skip
WANTED = ("ti=Int64,tu=Int16,si=UInt64,mi=Int64,iu=Int64,bi=Int64,b=Bool,v=LowCardinality(String),l=LowCardinality(String),e=String,d=String,dt=String,"
          "ts=\"DateTime64(6, 'Europe/Berlin')\",ti2=String").replace('"', "")
TYPES = ["Int64", "Int16", "UInt64", "Int64", "Int64", "Int64", "Bool", "LowCardinality", "LowCardinality", "String", "String", "String",
         "DateTime64(6, 'Europe/Berlin')", "String"]  # fmt: skip
TYPED_ROWS = [
    "-128, 255, 65535, -8388608, 4294967295, 9223372036854775807, 1, 'naïve', 'Größe', 'ü', '2024-02-29', '2024-02-29 23:59:59.125', '2024-07-01 12:00:00.000001', '-837:59:59.99'",
    "127, 0, 0, 8388607, 0, -9223372036854775808, 0, '', '', 'x', '9999-12-31', '0000-00-00', '1970-01-01 00:00:01', '838:59:59'",
    "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
]  # fmt: skip


@pytest.mark.servers
def test_types_that_were_asked_for(pipe):
    seen = both_ways(pipe, TYPED, TYPED_ROWS, [f"{pipe.source}.t:type={WANTED}"])
    names = [column.split()[0] for column in TYPED.replace(" CHARACTER SET latin1", "").replace("'x','ü'", "").split(", ") for column in column.split(",") if column.strip()]
    kinds = types(pipe, "t")
    for name, wanted in zip(names, TYPES):
        assert wanted in kinds[name], (name, kinds[name])
    first, second, third = seen
    assert first[:6] == [-128, 255, 65535, -8388608, 4294967295, 9223372036854775807]
    assert first[6:12] == [True, "naïve", "Größe", "ü", "2024-02-29", "2024-02-29 23:59:59.125"]
    assert first[12].startswith("2024-07-01 14:00:00.000001") and first[13] == "-837:59:59.99"
    assert second[:6] == [127, 0, 0, 8388607, 0, -9223372036854775808] and second[10:12] == ["9999-12-31", "0000-00-00 00:00:00.000"]
    assert third == [None] * 14
    assert not pipe.table("t")["columns"]  # text holds every date


def test_columns_left_out_and_renamed(pipe):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, `secret, one` VARCHAR(20), n INT, `Ünï` INT, g INT AS (n + 1) VIRTUAL)")
    pipe.run("INSERT INTO t (id, `secret, one`, n, `Ünï`) VALUES (1, 'a', 10, 100)")
    pipe.run("CREATE TABLE u (id INT PRIMARY KEY, `none` INT)")
    pipe.live(settings=[f"{pipe.source}.t:exclude=`secret, one`,g", f"{pipe.source}.*:rename=id=key id,n=`a``b=c`,`Ünï`=x,none=y"])
    pipe.run("INSERT INTO t (id, `secret, one`, n, `Ünï`) VALUES (2, 'b', 20, 200), (3, 'c', NULL, NULL)")
    pipe.run("UPDATE t SET `secret, one` = 'changed', n = 21 WHERE id = 2")
    pipe.run("UPDATE t SET id = 30 WHERE id = 3")
    pipe.caught_up()
    assert list(types(pipe, "t")) == ["key id", "a`b=c", "x"]
    assert pipe.rows("t", "`key id`, `a\\`b=c`, x", "1 ORDER BY 1") == [[1, 10, 100], [2, 21, 200], [30, None, None]]
    shown = json.loads(pipe.engine.sluice("tables", "p", "t", "--json").out)
    assert shown["key"] == "id" and shown["problem"] is None
    assert [(c["name"], c["target"]) for c in shown["columns"]] == [
        ("id", "key id"), ("secret, one", None), ("n", "a`b=c"), ("Ünï", "x"), ("g", None),
        (None, "_peerdb_synced_at"), (None, "_peerdb_is_deleted"), (None, "_peerdb_version")]  # fmt: skip
    out = pipe.engine.sluice("tables", "p", f"{pipe.source}.t").out
    assert "(left out)" in out and "id (key)" in out


REFUSED = [
    ("{db}.t:exclude=naem", "column naem is named in the settings, but there is none; the nearest name is name"),
    ("{db}.t:rename=naem=x", "the nearest name is name"),
    ("{db}.t:type=naem=String", "the nearest name is name"),
    ("{db}.*:exclude=naem", "no table of it has a column naem; the nearest name is name"),
    ("{db}.tt:exclude=name", "the pipe has no such table; the nearest name is {db}.t"),
    ("elsewhere.q*:exclude=name", "the pipe has no such table"),
    ("{db}.t:exclude=id", "column id is part of the key and cannot be left out"),
    ("{db}.t:rename=name=n", "the same name at the destination"),
    ("{db}.t:rename=name=_peerdb_version", "has the name of a column that sluice adds"),
    ("{db}.t:type=n=Int8", "column n cannot become Int8"),
    ("{db}.t:type=n=Int", "column n cannot become Int"),
    ("{db}.t:type=name=Date32", "column name cannot become Date32"),
    ("{db}.t:type=n=LowCardinality(Int32)", "column n cannot become LowCardinality(Int32)"),
    ("{db}.t:type=at=DateTime64(6, 'Nowhere/Town')", "column at cannot become DateTime64(6, 'Nowhere/Town')"),
]  # fmt: skip


def test_what_preflight_refuses(pipe):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), n INT, at DATETIME)")
    for setting, why in REFUSED:
        setting, why = setting.format(db=pipe.source), why.format(db=pipe.source)
        answer = pipe.check(ok=5, settings=[setting])
        assert why in answer.out, (setting, answer.out)
    assert "5" == str(pipe.create(ok=5, settings=[f"{pipe.source}.t:exclude=naem"]).code)
    assert "FAIL" not in pipe.check(settings=[f"{pipe.source}.t:exclude=NAME"]).out  # names of columns have no case


USAGE = [
    ("nulable=off", "no setting is called nulable; the nearest name is nullable"),
    ("nullable=no", "setting nullable cannot be no; it takes on, off"),
    ("zero_date=clamp", "it takes null, epoch, fail"),
    ("{db}.t:exlude=n", "the nearest name is {db}.t:exclude"),
    ("{db}.t:type=n", "it is written a=LowCardinality(String),b=Int64"),
    ("t:exclude=n", "setting t:exclude:"),
]


def test_what_set_says_and_refuses(pipe):
    engine = pipe.engine
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), n INT)")
    pipe.run("INSERT INTO t VALUES (1, 'a', NULL)")
    pipe.live()
    for running in (True, False):
        for setting, why in USAGE:
            answer = engine.sluice("set", "p", setting.format(db=pipe.source), ok=2)
            assert why.format(db=pipe.source) in answer.err, answer.err
        assert "is part of the key" in engine.sluice("set", "p", f"{pipe.source}.t:exclude=id", ok=5).err
        assert "the nearest name is name" in engine.sluice("set", "p", f"{pipe.source}.t:exclude=nam", ok=5).err
        assert "cannot become Int8" in engine.sluice("set", "p", f"{pipe.source}.t:type=n=Int8", ok=5).err
        assert "fixed when a pipe is created" in engine.sluice("set", "p", "column_prefix=x_", ok=4).err
        assert pipe.status()["settings"] == []  # nothing of these was kept
        answer = engine.sluice("set", "p", "nullable=off", f"{pipe.source}.t:rename=name=title", "elsewhere.t:exclude=a")
        assert "nullable=off: waits for the next resync of a table\n" in answer.out
        assert f"{pipe.source}.t:rename=name=title: waits for the next resync of a table\n" in answer.out
        assert "note: setting elsewhere.t:exclude: the pipe has no such table" in answer.out
        waits = {s["name"]: s["waits"] for s in pipe.status()["settings"]}
        assert waits == {"nullable": True, f"{pipe.source}.t:rename": True, "elsewhere.t:exclude": False}
        assert "resync, waits" in engine.sluice("set", "p").out
        columns = {c["name"]: c["next"] for c in json.loads(engine.sluice("tables", "p", "t", "--json").out)["columns"] if c["name"]}
        assert columns == {"id": None, "name": "title String", "n": "n Int32"}
        assert "at the next resync: title String" in engine.sluice("tables", "p", "t").out
        engine.sluice("set", "p", "nullable=on", f"{pipe.source}.t:rename=", "elsewhere.t:exclude=")
        assert pipe.status()["settings"] == []
        if running:
            pipe.run("INSERT INTO t VALUES (2, 'b', NULL)")
            pipe.equal("t")
            engine.stop()
    assert engine.sluice("tables", "p", "tt", ok=3).err.endswith("the nearest name is t\n")
    assert engine.sluice("tables", "q", "t", ok=3)


# Counters

CHANGED = "'0000-00-00', '1500-01-01', '2024-01-01'"


@pytest.mark.servers
def test_counts_are_exact_whatever_happens(engine, mariadb, clickhouse):
    """Killed during the load and while following, and with a log that breaks off in a large transaction: each change and each
    changed value is counted once."""
    from harness.pipe import Pipe

    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, z DATE, r DATE, plain DATE)")
    pipe.run(f"INSERT INTO t SELECT seq, {CHANGED} FROM seq_1_to_60000")
    engine.start()
    pipe.create(settings=["batch_rows=500", "batch_bytes=64KiB", "batch_age=20ms", "readers=2"])
    for least in (1, 20000):
        wait_until(lambda: pipe.table("t")["rows_done"] >= least, 30 * PATIENCE, "it loads")
        engine.kill()
        engine.start()
    pipe.wait("Running")

    def counted():
        table = pipe.table("t")
        assert table["state"] == "live", table
        return table["inserts"], table["updates"], table["deletes"], {c["name"]: c for c in table["columns"]}

    assert counted() == (0, 0, 0, {"z": {"name": "z", "zero_dates": 60000}, "r": {"name": "r", "clamped": 60000}})
    inserts = 0
    for n in range(5):
        with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
            for k in range(40):
                first = 100_000 + n * 10_000 + k * 200
                cursor.execute(f"INSERT INTO t SELECT seq + {first}, {CHANGED} FROM seq_1_to_100")
                inserts += 100
        engine.kill()
        engine.start()
    # One transaction in some dozens of batches, the log breaking off within.
    pipe.caught_up()
    pipe.run(f"INSERT INTO t SELECT seq + 1000000, {CHANGED} FROM seq_1_to_80000")
    inserts += 80000
    for _ in range(5):
        for (thread,) in mariadb.run("SELECT id FROM information_schema.processlist WHERE command = 'Binlog Dump' AND user = 'repl'"):
            with contextlib.suppress(Exception):
                mariadb.run(f"KILL {thread}")
    pipe.caught_up()
    pipe.run("UPDATE t SET plain = '2025-01-01' WHERE id <= 1000")
    pipe.run("DELETE FROM t WHERE id > 1000000")
    engine.kill()
    engine.start()
    pipe.caught_up()
    values = 60000 + inserts + 1000
    assert counted() == (inserts, 1000, 80000, {"z": {"name": "z", "zero_dates": values}, "r": {"name": "r", "clamped": values}})
    assert pipe.rows("t", "count()") == [[60000 + inserts - 80000]]


# The engine's own

def test_settings_of_the_engine(engine):
    assert "64MiB to 1024GiB" in engine.sluice("set", "--engine", "memory=1MiB", ok=2).err
    assert "the nearest name is memory" in engine.sluice("set", "--engine", "memroy=1GiB", ok=2).err
    assert engine.sluice("set", "--engine", "memory=128MiB").out == "memory=128MiB: takes effect at once\n"
    engine.start()
    limit = lambda: json.loads(engine.sluice("status", "--json").out)["engine"]["memory_limit"]
    assert limit() == 64 << 20
    engine.sluice("set", "--engine", "memory=1GiB")
    assert limit() == 512 << 20
    assert engine.sluice("set", "--engine", "history=2d").out == "history=2d: takes effect at once\n"
    assert "it takes 1h to 7d" in engine.sluice("set", "--engine", "history=8d", ok=2).err
    engine.stop()
    conf = engine.state_dir / "engine.conf"
    conf.write_text("# of this machine\n memory = 512MiB \n\njournal_size=1MiB\n")
    engine.start()
    assert limit() == 256 << 20
    out = engine.sluice("set", "--engine").out
    assert "512MiB" in out and "engine.conf" in out and "1MiB" in out
    assert "engine.conf" in engine.sluice("set", "--engine", "memory=1GiB", ok=4).err
    engine.stop()
    conf.write_text("memory = lots\n")
    answer = engine.sluice("run", "--detach", ok=2)
    assert "engine.conf, line 1: setting memory cannot be lots" in answer.err
    assert json.loads(engine.sluice("status", "--json").out)["pipes"] == []  # looking works all the same
    conf.unlink()
    engine.start()
    assert limit() == 512 << 20


def test_the_journal_stays_within_its_size(engine):
    import sqlite3

    engine.start()
    database = sqlite3.connect(engine.state_dir / "catalog.sqlite", timeout=30)

    def fill(count):
        with database:
            database.executemany("INSERT INTO journal (at, pipe, actor, kind, text, position, size) VALUES (?, 'p', 'engine', 'note', ?, NULL, 1000)",
                                 ((1_700_000_000_000_000 + n, f"entry {n} " + "x" * 900) for n in range(count)))  # fmt: skip

    def size():
        return database.execute("SELECT sum(size) FROM journal").fetchone()[0]

    fill(3000)
    assert engine.sluice("set", "--engine", "journal_size=1MiB").out
    assert 800_000 < size() <= 1 << 20
    assert "entry 2999" in engine.sluice("log", "-n", "1").out  # the newest are kept
    fill(2000)
    engine.stop()
    engine.start()
    wait_until(lambda: size() <= 1 << 20, 20 * PATIENCE, "trimmed at the start")
    database.close()
