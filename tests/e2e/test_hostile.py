"""What a hostile day does to a pipe that runs: lines cut in the middle, servers frozen, histories rewritten, tables pulled
away, disks full. Each is survived, or said plainly, with what to do; and the other tables go on."""

import pathlib
import re
import signal
import subprocess
import threading
import time

import pytest
from harness.clickhouse import ClickHouse
from harness.disasters import fill_disk, full_disk, mounted
from harness.engine import PATIENCE, Engine
from harness.log import logged, rows_in
from harness.pipe import Pipe
from harness.process import unread, wait_until
from harness.proxy import Proxy
from harness.readers import Load as Counters
from harness.readers import fill


def rows(pipe, first, count, table="t"):
    pipe.run(f"INSERT INTO {table} SELECT seq, seq * 3, REPEAT('v', seq % 50) FROM seq_{first}_to_{first + count - 1}")


def table(pipe, name="t", count=1000):
    pipe.run(f"CREATE TABLE {name} (id INT PRIMARY KEY, n INT, v VARCHAR(50))")
    if count:
        rows(pipe, 1, count, name)


def failed(pipe, seconds=60):
    """The error of the pipe, once it is Failed; its cause stands in the journal."""
    status = wait_until(
        lambda: (p := pipe.status())["state"] == "Failed" and p, seconds * PATIENCE, lambda: f"Failed: {pipe.engine.describe('p')}"
    )
    assert "Failed" in pipe.journal()
    assert status["error"]["remedies"], status["error"]
    return status["error"]


def table_failed(pipe, name, seconds=60):
    found = wait_until(
        lambda: (t := pipe.table(name))["state"] == "failed" and t, seconds * PATIENCE, lambda: f"failed: {pipe.engine.describe('p')}"
    )
    assert f"{pipe.source}.{name} failed" in pipe.journal()
    return found["error"]


def stalled(pipe, side, *words, seconds=60):
    def found():
        status = pipe.status()
        assert status["state"] != "Failed", pipe.engine.describe("p")
        stall = status["stalled"]
        ok = stall and stall["side"] == side and all(word.lower() in stall["message"].lower() for word in words)
        return status if ok else None

    status = wait_until(found, seconds * PATIENCE, lambda: f"stalled at the {side} with {words}: {pipe.engine.describe('p')}", 0.1)
    assert status["stalled"]["tries"] >= 1
    return status


class Load:
    """Inserts, one row at a time and some in large statements, until stopped; the source may be away now and then."""

    def __init__(self, pipe, first, name="t"):
        self.pipe, self.next, self.name = pipe, first, name
        self.done = 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.ending.wait(0.005):
            count = 500 if self.next % 7 == 0 else 1
            try:
                rows(self.pipe, self.next, count, self.name)
            except Exception:  # noqa: BLE001 - the server is being ill-treated
                time.sleep(0.1)
            else:
                self.done += 1
            self.next += count  # also behind one that failed: it may have been carried out, and would fail for ever

    def goes_on(self, statements=20):
        """Until so many more were carried out."""
        goal = self.done + statements
        wait_until(lambda: self.done >= goal, 60 * PATIENCE, f"{statements} statements")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join(30)


@pytest.fixture
def make(engine):
    def made(mariadb, clickhouse, count=1000, **options):
        pipe = Pipe(engine, mariadb, clickhouse)
        table(pipe, count=count)
        if not engine.process:
            engine.start()
        return pipe.live(**options)

    return made


# Passwords


def test_password_of_the_destination_rotates(make, mariadb, own_clickhouse, folder):
    used = folder / "used.password"
    used.write_text(own_clickhouse.password + "\n")
    used.chmod(0o600)
    pipe = make(mariadb, own_clickhouse, destination=f"http://default@127.0.0.1:{own_clickhouse.port}/rotated?password-file={used}")
    pipe.destination = "rotated"
    own_clickhouse.stop()
    pathlib.Path(own_clickhouse.password_file).write_text("another one\n")
    own_clickhouse.start()
    rows(pipe, 2001, 10)
    status = stalled(pipe, "destination", "password")
    assert status["state"] == "Running"
    assert "another" not in pipe.journal()
    used.write_text("another one\n")
    assert pipe.equal("t", seconds=90) == 1010
    pipe.engine.wait_stalled("p", False)


def test_wrong_password_at_create(engine, mariadb, clickhouse, folder):
    wrong = folder / "wrong"
    wrong.write_text("not it\n")
    pipe = Pipe(engine, mariadb, clickhouse)
    table(pipe)
    engine.start()
    result = pipe.create(url=f"mysql://repl@127.0.0.1:{mariadb.port}/?password-file={wrong}", ok=5)
    assert "denied" in (result.out + result.err).lower()
    assert "not it" not in result.out + result.err
    assert '"p"' not in engine.sluice("status", "--json").out


# The destination


@pytest.mark.dying
@pytest.mark.parametrize("way", ("kill", "freeze"))
def test_destination_is_ill_treated_under_load(make, mariadb, own_clickhouse, way):
    pipe = make(mariadb, own_clickhouse)
    with Load(pipe, 2001) as load:
        for _ in range(3):
            load.goes_on(50)
            if way == "kill":
                own_clickhouse.kill()
                stalled(pipe, "destination")
                own_clickhouse.start()
            else:
                own_clickhouse.freeze()
                load.goes_on()
                wait_until(lambda: unread(own_clickhouse.process.pid), 60 * PATIENCE, "rows are sent to it")
                assert pipe.engine.answers()
                own_clickhouse.freeze(False)
    pipe.equal("t", seconds=120)
    pipe.engine.wait_stalled("p", False)


@pytest.mark.dying
def test_frozen_destination_is_seen(make, mariadb, own_clickhouse):
    """A server that takes a connection and says nothing: shown as stalled, although nothing has failed yet. How much of a
    large transaction was read is said meanwhile: it is read as far as there is memory."""
    pipe = make(mariadb, own_clickhouse)
    pipe.engine.sluice("set", "--engine", "memory=64MiB")
    pipe.run("CREATE TABLE wide (id INT PRIMARY KEY, v TEXT)")
    pipe.engine.sluice("tables", "p", "add", f"{pipe.source}.wide", "--wait")
    own_clickhouse.freeze()
    rows(pipe, 2001, 10)
    pipe.run("INSERT INTO wide SELECT seq, REPEAT('x', 1000) FROM seq_1_to_100000")
    wait_until(lambda: re.fullmatch(rf"in a transaction of \d+ MB, {pipe.source}.wide", pipe.status()["activity"] or ""), 60 * PATIENCE,
               lambda: pipe.engine.describe("p"), 0.1)
    status = stalled(pipe, "destination", seconds=60)
    assert status["state"] == "Running"
    own_clickhouse.freeze(False)
    assert pipe.equal("t", "wide", seconds=120) == 101_010
    assert pipe.status()["activity"] is None
    pipe.engine.wait_stalled("p", False)


def test_frozen_destination_is_seen_before_an_exchange(engine, mariadb, clickhouse):
    """Every table is loaded, reading has ended, and what was read last gets no answer."""
    with Proxy(clickhouse.port) as proxy:
        pipe = Pipe(engine, mariadb, clickhouse)
        fill(pipe, "a", rows=2000)
        engine.start()
        destination = f"http://default@127.0.0.1:{proxy.port}/{pipe.destination}?password-file={clickhouse.password_file}"
        pipe.live(destination=destination, settings=["batch_age=10s"])
        let_go = threading.Event()
        # What is read of the log while the tables are loaded is on its way when reading ends.
        proxy.on_request = lambda data: b"-log-" in data and let_go.wait(180 * PATIENCE)
        with Counters(pipe, "a"):
            pipe.engine.sluice("resync", "p")
            wait_until(lambda: "streaming up to here, then the exchange" in pipe.journal(), 60 * PATIENCE, pipe.journal, 0.01)
            proxy.silence()
            stalled(pipe, "destination", "has inserts of this pipe")
        assert pipe.status()["state"] == "Resync"
        let_go.set()
        proxy.silence(False)
        pipe.engine.wait_stalled("p", False)
        pipe.wait("Running")
        assert "the destination answers again" in pipe.journal() and "took its place" in pipe.journal()
        assert pipe.equal("a") > 2000


def test_line_is_cut_in_the_middle_of_an_insert(engine, mariadb, clickhouse):
    with Proxy(clickhouse.port) as proxy:
        pipe = Pipe(engine, mariadb, clickhouse)
        table(pipe, count=50_000)
        engine.start()
        database = pipe.destination
        destination = f"http://default@127.0.0.1:{proxy.port}/{database}?password-file={clickhouse.password_file}"
        pipe.create(destination=destination, settings=["batch_rows=2000"])
        proxy.cut_after(60_000)
        pipe.wait("Running", seconds=90)
        for n in range(4):
            before = proxy.cuts
            proxy.cut_after(30_000 + 20_000 * n)
            rows(pipe, 100_001 + n * 10_000, 5_000)
            wait_until(lambda: proxy.cuts > before or pipe.rows("t", "count()") == [[55_000 + n * 5_000]], 60 * PATIENCE, "a cut, or all rows")
        proxy.cut()
        assert proxy.cuts >= 2
        assert pipe.equal("t", seconds=90) == 70_000
        assert "stalled at the destination" in pipe.journal()
        # Sent again with the same token: not even below FINAL is a row there twice.
        assert clickhouse.rows(f"SELECT count() FROM {database}.t WHERE id <= 50000")[0][0] == 50_000


def test_destination_table_is_dropped_under_the_pipe(pipe, clickhouse):
    table(pipe)
    table(pipe, "good")
    pipe.live()
    clickhouse.query(f"DROP TABLE {pipe.destination}.t SYNC")
    rows(pipe, 2001, 10)
    rows(pipe, 2001, 10, "good")
    error = table_failed(pipe, "t")
    assert "destination table is missing" in error["cause"]
    assert error["remedies"]
    assert pipe.equal("good") == 1010
    assert pipe.status()["state"] == "Running"


def test_destination_database_is_dropped_under_the_pipe(pipe, clickhouse):
    table(pipe)
    pipe.live()
    clickhouse.query(f"DROP DATABASE {pipe.destination} SYNC")
    rows(pipe, 2001, 10)
    error = failed(pipe)
    assert pipe.destination in error["message"]


# The source


@pytest.mark.dying
def test_source_freezes_under_load(make, own_mariadb, clickhouse):
    server = own_mariadb()
    pipe = make(server, clickhouse)
    with Load(pipe, 2001) as load:
        load.goes_on(50)
        server.process.send_signal(signal.SIGSTOP)
        try:
            stalled(pipe, "source")
            assert pipe.engine.answers()
            began = time.monotonic()
            pipe.engine.sluice("pause", "p", "--wait", timeout=20)
            assert time.monotonic() - began < 2.5 * PATIENCE, "a frozen source must not hold up a pause"
            pipe.engine.sluice("resume", "p")
        finally:
            server.process.send_signal(signal.SIGCONT)
        load.goes_on(50)
    pipe.equal("t", seconds=90)
    pipe.engine.wait_stalled("p", False)


@pytest.mark.dying
def test_source_stops_and_starts_again_under_load(make, own_mariadb, clickhouse):
    server = own_mariadb("--innodb-flush-log-at-trx-commit=1")
    pipe = make(server, clickhouse)
    with Load(pipe, 2001) as load:
        for n in range(3):
            load.goes_on(50)
            if n == 1:
                server.kill()
                server.start()
            else:
                server.restart()
    pipe.equal("t", seconds=120)


def test_line_to_the_source_is_cut(engine, mariadb, clickhouse):
    with Proxy(mariadb.port) as proxy:
        pipe = Pipe(engine, mariadb, clickhouse)
        table(pipe, count=200_000)
        engine.start()
        url = f"mysql://repl@127.0.0.1:{proxy.port}/?password-file={mariadb.password_file}"
        pipe.create(url=url, settings=["batch_rows=5000"])
        for _ in range(3):
            wait_until(lambda: proxy.pairs or pipe.status()["state"] == "Running", 60 * PATIENCE, "connected again")
            proxy.cut()
        pipe.wait("Running", seconds=120)
        with Load(pipe, 300_001) as load:
            for _ in range(3):
                load.goes_on()
                wait_until(lambda: proxy.pairs, 60 * PATIENCE, "connected again")
                proxy.cut()
            # Connected, and not a byte passes: noticed by the heartbeats that do not come.
            proxy.silence()
            stalled(pipe, "source")
            proxy.silence(False)
            proxy.cut()
        pipe.equal("t", seconds=120)
        proxy.refuse()
        stalled(pipe, "source", str(proxy.port))
        proxy.refuse(False)
        pipe.engine.wait_stalled("p", False, seconds=90)


@pytest.mark.servers
def test_history_is_rewritten(make, own_mariadb, clickhouse):
    server = own_mariadb()
    pipe = make(server, clickhouse)
    rows(pipe, 1001, 10)
    pipe.caught_up()
    pipe.engine.stop()
    file, goal = server.end_of_log()
    server.reset_log()
    # New transactions up to and past the old position, under the old names.
    number = 10_000
    while server.end_of_log()[1] <= goal + 1000:
        rows(pipe, number, 200)
        number += 200
    assert server.end_of_log()[0] == file
    pipe.engine.start()
    error = failed(pipe)
    assert "history" in error["message"] or "history" in error["cause"]
    assert any("resync" in remedy for remedy in error["remedies"])
    # Nothing of the other history was let in.
    assert pipe.rows("t", "count()") == [[1010]]


@pytest.mark.dying
@pytest.mark.servers
def test_log_is_reset_under_a_running_pipe(make, own_mariadb, clickhouse):
    server = own_mariadb()
    pipe = make(server, clickhouse)
    rows(pipe, 1001, 10)
    pipe.caught_up()
    server.reset_log()
    rows(pipe, 2001, 10)
    server.run("FLUSH BINARY LOGS")
    rows(pipe, 3001, 10)
    error = failed(pipe, seconds=90)
    assert error["cause"], error


@pytest.mark.dying
@pytest.mark.parametrize("far", (False, True))
@pytest.mark.servers
def test_log_is_reset_and_does_not_rotate(make, own_mariadb, clickhouse, far):
    """The server sends heartbeats from the log that it has deleted, for ever, and writes into a new one of that name."""
    server = own_mariadb()
    pipe = make(server, clickhouse)
    rows(pipe, 1001, 10)
    pipe.caught_up()
    goal = server.end_of_log()[1]
    server.reset_log()
    if far:  # beyond the old position before anybody can have looked
        with server.connect(pipe.source) as connection, connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO t SELECT seq, 1, REPEAT('x', 50) FROM seq_10000_to_{10000 + goal // 10}")
        assert server.end_of_log()[1] > goal
    else:
        rows(pipe, 2001, 10)
        assert server.end_of_log()[1] < goal
    error = failed(pipe, seconds=60)
    # MySQL may fail to read the log that it has deleted.
    assert "history" in error["message"] + str(error["cause"]) or (server.is_mysql and error["code"] == 1236), error
    assert pipe.rows("t", "count()") == [[1010]]


@pytest.mark.dying
@pytest.mark.servers
def test_log_is_purged_under_a_paused_pipe(make, own_mariadb, clickhouse):
    server = own_mariadb()
    pipe = make(server, clickhouse)
    pipe.caught_up()
    pipe.engine.sluice("pause", "p", "--wait")
    rows(pipe, 2001, 10)
    for _ in range(3):
        server.run("FLUSH BINARY LOGS")

    def purged():
        server.run(f"PURGE BINARY LOGS TO '{server.end_of_log()[0]}'")
        return len(server.run("SHOW BINARY LOGS")) == 1

    wait_until(purged, 30, "the logs are purged")
    pipe.engine.sluice("resume", "p")
    error = failed(pipe)
    assert error["code"] == 1236
    assert error["cause"] == "the server purged binlogs that this pipe still needed"
    assert any("resync" in remedy for remedy in error["remedies"])
    assert pipe.rows("t", "count()") == [[1000]]
    # Tried again it says the same, and does not pretend.
    said = pipe.journal().count("Failed")
    pipe.engine.sluice("retry", "p")
    wait_until(lambda: pipe.journal().count("Failed") > said, 60 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert failed(pipe)["code"] == 1236


@pytest.mark.parametrize(
    "statement, state, words",
    (
        ("DROP TABLE t", "dropped", "was dropped"),
        ("ALTER TABLE t MODIFY n SMALLINT", "failed", "altered"),
        ("RENAME TABLE t TO elsewhere", "dropped", "renamed"),
        ("ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, n)", "failed", "altered"),
        pytest.param("CREATE OR REPLACE TABLE t (id INT PRIMARY KEY)", "failed", "created anew",
                     marks=[pytest.mark.only("mariadb", "mariadb11"), pytest.mark.rule("create-or-replace")]),
    ),
)
@pytest.mark.servers
def test_table_is_pulled_away_mid_stream(pipe, mariadb, statement, state, words, trap):
    if "OR REPLACE" in statement:
        table(pipe)
        with logged(mariadb) as events:
            pipe.run(statement)
        assert pipe.run("SELECT COUNT(*) FROM t") == ((0,),) and rows_in(events) == []
        trap("1 000 rows are gone by one statement that creates a table, and the log has no row of it")
        pipe.run("DROP TABLE t")
    table(pipe)
    table(pipe, "good")
    pipe.live()
    rows(pipe, 2001, 10)
    with Load(pipe, 2001, "good") as load:
        load.goes_on()
        pipe.run(statement)
        wait_until(lambda: pipe.table("t")["state"] == state, 30 * PATIENCE, lambda: pipe.engine.describe("p"))
        load.goes_on()
    assert words in pipe.journal()
    if state == "failed":
        error = pipe.table("t")["error"]
        assert words in error["message"] and error["remedies"]
    # The checkpoint goes on, and so do the others.
    pipe.equal("good")
    assert pipe.status()["state"] == "Running"
    # What was before the statement is there, whatever came after.
    assert pipe.rows("t", "count()") == [[1010]]
    pipe.engine.stop()
    pipe.engine.start()
    rows(pipe, 200_001, 10, "good")
    pipe.equal("good")
    assert pipe.table("t")["state"] == state


@pytest.mark.servers
def test_table_is_dropped_during_its_load(pipe):
    table(pipe, count=300_000)
    table(pipe, "good")
    pipe.create(settings=["readers=1", "batch_rows=2000"])
    wait_until(lambda: (pipe.table("t")["rows_done"] or 0) > 0, 30, "loading begins", 0.02)
    pipe.run("DROP TABLE t")
    wait_until(lambda: pipe.table("t")["state"] in ("dropped", "failed"), 30 * PATIENCE, lambda: pipe.engine.describe("p"))
    pipe.wait("Running")
    rows(pipe, 2001, 10, "good")
    assert pipe.equal("good") == 1010


@pytest.mark.servers
def test_grants_are_taken_away_and_given_back(make, own_mariadb, clickhouse):
    server = own_mariadb()
    pipe = make(server, clickhouse)
    server.run("REVOKE REPLICATION SLAVE ON *.* FROM repl@'127.0.0.1'")
    server.kill_connections()
    status = stalled(pipe, "source", "denied")
    assert status["state"] == "Running"
    server.run("GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
    rows(pipe, 2001, 10)
    assert pipe.equal("t", seconds=90) == 1010


# Commands in bad times


@pytest.mark.dying
def test_pause_with_a_dead_destination(make, mariadb, own_clickhouse):
    pipe = make(mariadb, own_clickhouse)
    own_clickhouse.kill()
    rows(pipe, 2001, 100)
    stalled(pipe, "destination")
    began = time.monotonic()
    pipe.engine.sluice("pause", "p", "--wait", timeout=20)
    assert time.monotonic() - began < 5 * PATIENCE
    status = pipe.status()
    assert status["state"] == "Paused" and status["stalled"] is None
    own_clickhouse.start()
    # Another pipe of the same engine goes there from its beginning to its end, and this one did nothing.
    other = Pipe(pipe.engine, mariadb, own_clickhouse, name="q", source=pipe.source)
    other.live()
    assert other.equal("t") == 1100
    assert pipe.rows("t", "count()") == [[1000]]
    pipe.engine.sluice("resume", "p")
    assert pipe.equal("t", seconds=60) == 1100


@pytest.mark.dying
def test_pause_with_a_frozen_destination(make, mariadb, own_clickhouse):
    pipe = make(mariadb, own_clickhouse)
    own_clickhouse.freeze()
    rows(pipe, 2001, 100)
    wait_until(lambda: unread(own_clickhouse.process.pid), 60 * PATIENCE, "rows are sent to it")
    pipe.engine.sluice("pause", "p", "--wait", timeout=45)
    own_clickhouse.freeze(False)
    pipe.engine.sluice("resume", "p")
    assert pipe.equal("t", seconds=60) == 1100


def test_pause_within_two_seconds_during_a_snapshot(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    table(pipe, count=800_000)
    engine.start()
    pipe.create(settings=["readers=2", "batch_rows=20000"])
    wait_until(lambda: (pipe.table("t")["rows_done"] or 0) > 0, 30, "loading begins", 0.02)
    began = time.monotonic()
    pipe.engine.sluice("pause", "p", "--wait", timeout=20)
    took = time.monotonic() - began
    status = pipe.status()
    assert status["state"] == "Paused"
    assert took < 2 * PATIENCE, f"pausing took {took:.1f} s"
    done = pipe.table("t")["rows_done"]
    assert 0 < done < 800_000
    pipe.engine.sluice("resume", "p")
    pipe.wait("Running", seconds=90)
    assert pipe.equal("t") == 800_000
    # What was loaded before the pause was not loaded again.
    assert clickhouse.value(f"SELECT count() FROM {pipe.destination}.t") <= 800_000 + 2 * 20_000


@pytest.mark.dying
def test_killed_during_setup_again_and_again(engine, mariadb, clickhouse):
    pipe = Pipe(engine, mariadb, clickhouse)
    for n in range(12):
        table(pipe, f"t{n}", 50)
    engine.start()
    pipe.create()
    for n in range(6):
        time.sleep(0.01 + 0.03 * n)
        engine.kill()
        engine.start()
    pipe.wait("Running", seconds=90)
    assert pipe.equal(*[f"t{n}" for n in range(12)]) == 600


@pytest.mark.dying
def test_created_while_the_destination_is_away_later(engine, mariadb, own_clickhouse):
    """Registered while no engine runs; when the engine starts the destination is dead: it waits, and does not fail."""
    pipe = Pipe(engine, mariadb, own_clickhouse)
    table(pipe)
    pipe.create()
    own_clickhouse.kill()
    engine.start()
    status = stalled(pipe, "destination")
    assert status["state"] == "Provisioning"
    own_clickhouse.start()
    pipe.wait("Running", seconds=90)
    assert pipe.equal("t") == 1000


@pytest.mark.dying
def test_sql_with_a_dead_destination(make, mariadb, own_clickhouse):
    pipe = make(mariadb, own_clickhouse)
    own_clickhouse.kill()
    result = pipe.engine.sluice("sql", "p", "SELECT 1", ok=1)
    assert len(result.err.strip().splitlines()) == 1
    assert str(own_clickhouse.port) in result.err
    own_clickhouse.start()


# The state dir


@pytest.fixture
def small_disk(folder):
    path = folder / "small"
    if not mounted(path, "3m"):
        pytest.skip("a small file system can only be mounted by root")
    yield path
    subprocess.run(["umount", path], check=False)


def test_state_dir_becomes_full(small_disk, mariadb, clickhouse):
    engine = Engine(small_disk / "engine")
    engine.log_file = small_disk.parent / "engine.out"
    pipe = Pipe(engine, mariadb, clickhouse)
    table(pipe)
    engine.start()
    try:
        pipe.live()
        pipe.caught_up()
        filler = small_disk / "filler"
        fill_disk(filler)
        for n in range(20):
            rows(pipe, 2001 + n * 10, 10)
            time.sleep(0.2)
        stall = stalled(pipe, "catalog")["stalled"]
        assert re.search("full|space|room", stall["message"], re.I), stall
        assert engine.answers()
        filler.unlink()
        assert pipe.equal("t", seconds=90) == 1200
        engine.wait_stalled("p", False)
    finally:
        engine.close()


def test_altered_on_a_full_disk(engine, mariadb, folder):
    """The destination's: it takes an ALTER for done and keeps an empty definition, with which it does not start again. Nothing is altered then."""
    data = folder / "clickhouse" / "data"
    if not mounted(data, "512m"):
        pytest.skip("a small file system can only be mounted by root")
    data.chmod(0o700)
    clickhouse = ClickHouse(folder / "clickhouse")
    try:
        clickhouse.start()
        pipe = Pipe(engine, mariadb, clickhouse)
        table(pipe)
        engine.start()
        pipe.live()
        pipe.caught_up()
        with full_disk(data):
            pipe.run("ALTER TABLE t ADD x INT DEFAULT 3")
            stall = stalled(pipe, "destination")["stalled"]
            assert "space" in stall["message"], stall
            clickhouse.kill()
        clickhouse.start()
        pipe.run("ALTER TABLE t ADD y INT DEFAULT 4")
        pipe.run("INSERT INTO t (id, n) SELECT seq, 1 FROM seq_2001_to_2010")
        assert pipe.equal("t", seconds=90) == 1010
        engine.close()
    finally:
        if clickhouse.process:
            clickhouse.stop()
        subprocess.run(["umount", data], check=False)


def test_state_dir_on_a_full_disk(small_disk):
    engine = Engine(small_disk / "engine")
    fill_disk(small_disk / "filler")
    result = engine.sluice("run", ok=1, timeout=20)
    assert len(result.err.strip().splitlines()) == 1, result.err
    assert re.search("full|space|room", result.err, re.I), result.err
    result = engine.sluice("run", "--detach", ok=1, timeout=20)
    assert len(result.err.strip().splitlines()) == 1, result.err


@pytest.mark.parametrize("path", ("/proc/sluice", "/dev/null/state"))
def test_state_dir_cannot_be_made(engine, path):
    for detach in ((), ("--detach",)):
        engine.state_dir = pathlib.Path(path)
        result = engine.sluice("run", *detach, ok=1, timeout=20)
        assert len(result.err.strip().splitlines()) == 1, result.err
        assert path in result.err, result.err


def test_state_dir_is_read_only(small_disk, mariadb, clickhouse):
    engine = Engine(small_disk / "engine")
    engine.start()
    engine.stop()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = engine.sluice("run", ok=1, timeout=20)
    assert len(result.err.strip().splitlines()) == 1, result.err
    assert "read-only" in result.err.lower() or "readonly" in result.err.lower(), result.err
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    engine.start()
    engine.stop()
