"""The log that a pipe needs is gone, or about to be: it is told why and what is lost, and how it goes on."""

import json
import re
import shlex

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until

pytestmark = pytest.mark.flavours

MYSQL = pytest.mark.only("mysql")
ROWS = 200


@pytest.fixture
def make(engine, own_mariadb, clickhouse):
    """make(settings, mode): a pipe on a server of the test's own, with a table that is replicated."""

    def start(*options, mode=None, settings=(), grant=None):
        pipe = Pipe(engine, own_mariadb(*options), clickhouse)
        if grant:
            pipe.mariadb.run(f"GRANT {grant} ON *.* TO repl@'127.0.0.1'")
        pipe.run("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)")
        if mode != "cdc":
            pipe.run(f"INSERT INTO t SELECT seq, 0 FROM seq_1_to_{ROWS}")
        engine.start()
        pipe.live(mode=mode, settings=settings)
        if mode == "cdc":
            pipe.run(f"INSERT INTO t SELECT seq, 0 FROM seq_1_to_{ROWS}")
        pipe.run("UPDATE t SET n = 0 WHERE id = 1")
        pipe.run("UPDATE t SET n = 1 WHERE id = 1")
        pipe.caught_up()
        return pipe

    return start


def sluice(pipe, command, *arguments, **options):
    return pipe.engine.sluice(command, pipe.name, *arguments, **options)


def lose_the_log(pipe):
    """Rows 2 to 10 change in a log that goes away while the pipe is paused."""
    sluice(pipe, "pause", "--wait")
    pipe.run("UPDATE t SET n = n + 1 WHERE id BETWEEN 2 AND 10")
    pipe.mariadb.purge_logs()


def fails(pipe):
    sluice(pipe, "resume")
    return wait_until(lambda: pipe.status()["state"] == "Failed" and pipe.status(), 60 * PATIENCE, lambda: pipe.engine.describe("p"))


def goes_on(pipe):
    """What changes from now on arrives."""
    pipe.run("UPDATE t SET n = n + 1")
    pipe.run("DELETE FROM t WHERE id = 50")
    return pipe.equal("t")


# The log is gone


@pytest.mark.servers
@pytest.mark.dying
def test_purged_under_a_paused_pipe(make):
    """All that an operator wants to know at three in the morning is in the error, on every kind of server."""
    pipe = make()
    good = pipe.status()["position"]
    lose_the_log(pipe)
    status = fails(pipe)
    error = status["error"]
    assert status["position"] == good
    assert error["code"] == 1236
    assert error["what"] == f"The source no longer has the log this pipe needs: {good['file']} was purged"
    assert error["server"] == error["message"] and error["server"].count("error 1236") == 1
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    assert re.match(rf"The pipe was paused from {stamp} to {stamp}; the source purges ", error["why"])
    assert error["why"].endswith("so somebody purged this one by hand"), error
    ((oldest, *_),) = pipe.mariadb.run("SHOW BINARY LOGS")
    assert re.match(rf"Changes between {stamp} and {stamp} \(start of {re.escape(oldest)}, the oldest log the server still has\)", error["lost"]), error
    if pipe.mariadb.is_mysql:
        uuid = pipe.mariadb.run("SELECT @@server_uuid")[0][0]
        assert re.search(rf"; transactions {uuid}:\d+$", error["lost"]), error
    assert re.match(rf"The 1 destination table holds everything up to {stamp} and can be queried", error["data"])
    assert error["last_good_time"] and error["prevent"]
    commands = [remedy.partition(":")[0] for remedy in error["remedies"]]
    assert commands[0] == "sluice resync p" and f"sluice reposition p --file {oldest} --pos 4" in commands, error
    text = sluice(pipe, "explain", ok=1).out
    for part in ("what", "server", "why", "lost", "data", "prevent"):
        assert error[part] in text
    assert f"LAST GOOD  {good['file']}:{good['pos']}" in text
    assert pipe.rows("t", "sum(n)") == [[1]], "what was there can be queried"
    sluice(pipe, "resync", "--wait", timeout=120)
    assert pipe.equal("t") == ROWS
    assert pipe.status()["error"] is None
    assert goes_on(pipe)


def test_limits_of_the_source_are_named(make):
    """Not somebody's hand but the source's own setting."""
    pipe = make()
    lose_the_log(pipe)
    pipe.mariadb.run("SET GLOBAL binlog_expire_logs_seconds = 1")
    error = fails(pipe)["error"]
    assert "it keeps closed logs for 1 s (binlog_expire_logs_seconds = 1)" in error["why"]
    assert "by hand" not in error["why"]
    assert error["prevent"].startswith("SET GLOBAL binlog_expire_logs_seconds = 259200;")


@pytest.mark.dying
def test_it_mends_itself(make):
    """purged=resync. Not twice in a row."""
    pipe = make(settings=["purged=resync"])
    lose_the_log(pipe)
    sluice(pipe, "resume")

    def mended():
        return "Resync → Running" in pipe.journal()

    wait_until(mended, 120 * PATIENCE, lambda: pipe.engine.describe("p"), 0.2)
    assert pipe.equal("t") == ROWS
    journal = pipe.journal()
    assert "its setting purged is resync" in journal
    assert re.search(r"engine.*Failed → Snapshot: a resync of every table", journal), journal
    assert goes_on(pipe)
    lose_the_log(pipe)
    error = fails(pipe)["error"]
    assert "only once in a while" in error["why"], error
    # Not later either, nor after a restart: somebody has to look.
    pipe.engine.kill()
    pipe.engine.start()
    assert pipe.status()["state"] == "Failed"
    sluice(pipe, "resync", "--wait", timeout=120)
    assert goes_on(pipe)


@pytest.mark.dying
def test_a_cdc_pipe_skips(make):
    """It has nothing to load again; the remedy that it shows works as it stands."""
    pipe = make(mode="cdc")
    lose_the_log(pipe)
    error = fails(pipe)["error"]
    assert not [remedy for remedy in error["remedies"] if "resync p" in remedy], error
    (skip,) = [remedy.partition(":")[0] for remedy in error["remedies"] if "reposition" in remedy]
    pipe.run("UPDATE t SET n = 7 WHERE id BETWEEN 20 AND 30")
    result = pipe.engine.sluice(*shlex.split(skip)[1:], "--yes", "--wait")
    assert "which the server has no more" in result.out or "skips the transactions" in result.out
    pipe.wait("Running")
    pipe.caught_up()
    assert pipe.rows("t", "count()", "n = 7") == [[11]]
    assert pipe.rows("t", "sum(n)", "id BETWEEN 2 AND 10") == [[0]], "the gap"
    assert pipe.table("t")["resync_advised"]
    assert pipe.status()["error"] is None
    assert goes_on(pipe)


# Reposition


@pytest.fixture
def paused(pipe):
    """Rows 2 to 10 change in what will be skipped, 11 to 20 behind it. pipe.place: between the two."""
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)")
    pipe.run(f"INSERT INTO t SELECT seq, 0 FROM seq_1_to_{ROWS}")
    pipe.live()
    pipe.run("UPDATE t SET n = 1 WHERE id = 1")
    pipe.caught_up()
    sluice(pipe, "pause", "--wait")
    pipe.good = pipe.status()["position"]
    pipe.run("UPDATE t SET n = 1 WHERE id BETWEEN 2 AND 10")
    pipe.mariadb.run("FLUSH BINARY LOGS")
    pipe.run("UPDATE t SET n = 1 WHERE id = 2")
    pipe.before_delete = pipe.mariadb.gtids()
    pipe.run("DELETE FROM t WHERE id = 100")
    pipe.place = *pipe.mariadb.end_of_log(), pipe.mariadb.gtids()
    pipe.run("UPDATE t SET n = 1 WHERE id BETWEEN 11 AND 20")
    return pipe


def by(pipe, how):
    file, pos, gtids = pipe.place
    return ("--gtid", gtids) if how == "gtid" else ("--file", file, "--pos", pos)


@pytest.mark.parametrize("how", ["file", "gtid"])
def test_reposition(paused, how):
    pipe = paused
    place = by(pipe, how)
    asked = sluice(pipe, "reposition", *place, ok=2)
    assert "--yes" in asked.err and "skips" in asked.out, asked
    assert f"{pipe.good['file']}:{pipe.good['pos']}" in asked.out
    assert pipe.status()["position"] == pipe.good, "nothing was done"
    sluice(pipe, "reposition", *place, "--yes", "--wait")
    status = pipe.status()
    assert status["state"] == "Paused"
    assert status["position"]["file"] == (pipe.place[0] if how == "file" else None)
    assert pipe.table("t")["resync_advised"]
    (entry,) = [line for line in pipe.journal().splitlines() if "repositioned from" in line]
    assert f"{pipe.good['file']}:{pipe.good['pos']}" in entry and "epoch 2" in entry
    assert (f"{pipe.place[0]}:{pipe.place[1]}" if how == "file" else pipe.place[2][:60]) in entry
    pipe.engine.kill()  # what was asked for is on disk
    pipe.engine.start()
    sluice(pipe, "resume")
    pipe.caught_up()
    assert pipe.rows("t", "sum(n)", "id BETWEEN 2 AND 10") == [[0]], "the gap was skipped"
    assert pipe.rows("t", "count()", "id = 100") == [[1]], "the gap was skipped"
    assert pipe.rows("t", "sum(n)", "id BETWEEN 11 AND 20") == [[10]], "and nothing behind it"
    assert pipe.rows("t", "DISTINCT bitShiftRight(_peerdb_version, 48)", "id BETWEEN 11 AND 20") == [[2]]
    # What changes from there on is as at the source, also across a restart.
    pipe.run("DELETE FROM t WHERE id = 100 OR id > 190")
    pipe.run("UPDATE t SET n = n + 1")
    pipe.engine.kill()
    pipe.engine.start()
    pipe.caught_up()
    assert pipe.rows("t", "count(), sum(n)", "id != 100") == [list(pipe.run("SELECT COUNT(*), SUM(n) FROM t")[0])]
    gtids = pipe.status()["position"]["gtid"]
    assert gtids, "a position by file does not cost the pipe its GTIDs"
    # A resync mends the rest.
    sluice(pipe, "resync", "--wait", timeout=120)
    assert pipe.equal("t")
    assert not pipe.table("t")["resync_advised"]


def test_a_reposition_can_be_undone(paused):
    """The journal has the old position; from there on all is applied again, and nothing is missing."""
    pipe = paused
    sluice(pipe, "reposition", *by(pipe, "file"), "--yes", "--wait")
    sluice(pipe, "resume")
    pipe.caught_up()
    sluice(pipe, "pause", "--wait")
    (old,) = re.findall(r"repositioned from (\S+):(\d+)", pipe.journal())
    result = sluice(pipe, "reposition", "--file", old[0], "--pos", old[1], "--yes", "--wait")
    assert "again" in result.out
    sluice(pipe, "resume")
    assert pipe.equal("t") == ROWS - 1


@MYSQL
def test_gtids_that_leave_some_out(paused):
    """Only what the set does not name is applied."""
    pipe = paused
    # All but the delete of row 100. (Numbers do not tell: what others left out on this server is given out later.)
    deleted = pipe.mariadb.run("SELECT GTID_SUBTRACT(%s, %s)", pipe.place[2], pipe.before_delete)[0][0]
    keep = pipe.mariadb.run("SELECT GTID_SUBTRACT(%s, %s)", pipe.mariadb.gtids(), deleted)[0][0].replace("\n", "")
    out = sluice(pipe, "reposition", "--gtid", keep, "--yes", "--wait").out
    assert "skips the transactions" in out
    sluice(pipe, "resume")
    pipe.caught_up()
    assert pipe.rows("t", "count()", "id = 100") == [[0]]
    assert pipe.rows("t", "sum(n)", "id BETWEEN 2 AND 20") == [[0]]


def inside_a_transaction(pipe):
    """A position where an event begins, but no transaction."""
    file, pos = pipe.place[:2]
    events = pipe.mariadb.run(f"SHOW BINLOG EVENTS IN '{file}' FROM {pos}")
    (inside,) = [event[1] for event in events if event[2] == "Table_map"][:1]
    return file, inside


def test_wrong_places_are_refused(paused):
    pipe = paused
    file, pos, gtids = pipe.place
    never = f"{pipe.mariadb.run('SELECT @@server_uuid')[0][0]}:1-99999999" if pipe.mariadb.is_mysql else "0-1-99999999"
    refused = [
        (("--file", "bin.999999", "--pos", 4), 4, "has no log bin.999999"),
        (("--file", file, "--pos", 10**9), 4, "none of them"),
        (("--file", file, "--pos", 3), 4, "none of them"),
        (("--file", file, "--pos", pos - 7), 4, "no transaction begins there"),
        (("--file", inside_a_transaction(pipe)[0], "--pos", inside_a_transaction(pipe)[1]), 4, "within a transaction"),
        (("--gtid", "nonsense"), 2, "GTIDs"),
        (("--gtid", never), 4, "never had"),
        (("--file", file), 2, "--pos"),
        (("--pos", pos), 2, "--file"),
        (("--file", file, "--pos", pos, "--gtid", gtids), 2, "say where"),
        ((), 2, "say where"),
    ]
    for place, code, words in refused:
        result = sluice(pipe, "reposition", *place, "--yes", ok=None)
        assert result.code == code and words in result.err, (place, result)
    pipe.engine.sluice("reposition", "nobody", "--file", file, "--pos", pos, "--yes", ok=3)
    assert pipe.status()["position"] == pipe.good
    assert not pipe.table("t")["resync_advised"]
    sluice(pipe, "resume")
    assert pipe.equal("t") == ROWS - 1
    running = sluice(pipe, "reposition", "--file", file, "--pos", pos, "--yes", ok=4)
    assert "possible while Paused, Failed" in running.err
    pipe.engine.stop()
    sluice(pipe, "reposition", "--file", file, "--pos", pos, "--yes", ok=6)


@pytest.mark.dying
def test_gtids_that_were_purged(make):
    """The server would have to send what it has no more."""
    pipe = make()
    before = pipe.status()["position"]["gtid"]
    lose_the_log(pipe)
    result = sluice(pipe, "reposition", "--gtid", before, "--yes", ok=4)
    assert "purged" in result.err, result


@pytest.mark.dying
def test_after_the_log_was_reset(make):
    """Another history under the old names: where the tables began there means nothing here, and nothing is passed over for it."""
    pipe = make()
    for _ in range(30):
        pipe.run("UPDATE t SET n = n + 1 WHERE id < 30")
    pipe.run("CREATE TABLE u (id INT PRIMARY KEY, n INT NOT NULL)")
    sluice(pipe, "tables", "add", f"{pipe.source}.u", "--wait")
    pipe.equal("t", "u")
    sluice(pipe, "pause", "--wait")
    pipe.mariadb.run("RESET BINARY LOGS AND GTIDS" if pipe.mariadb.is_mysql else "RESET MASTER")
    pipe.run("UPDATE t SET n = 100 WHERE id = 100")
    pipe.run("INSERT INTO u VALUES (1, 1)")
    assert "purged" not in (fails(pipe)["error"]["what"] or "")
    (file, *_), *_ = pipe.mariadb.run("SHOW BINARY LOGS")
    result = sluice(pipe, "reposition", "--file", file, "--pos", 4, "--yes", "--wait")
    assert "again" in result.out or "no more" in result.out, result
    pipe.wait("Running")
    pipe.run("UPDATE u SET n = 2")
    assert pipe.equal("t", "u") == ROWS + 1
    pipe.engine.kill()
    pipe.engine.start()
    pipe.run("INSERT INTO u VALUES (2, 2)")
    assert pipe.equal("t", "u") == ROWS + 2


@MYSQL
def test_a_pipe_that_follows_by_file(make):
    """It has no GTIDs to go by, and does not get them from a reposition."""
    pipe = make(settings=["position=file"], grant="LOCK TABLES")
    sluice(pipe, "pause", "--wait")
    pipe.run("UPDATE t SET n = 5 WHERE id = 5")
    file, pos = pipe.mariadb.end_of_log()
    assert "by file" in sluice(pipe, "reposition", "--gtid", pipe.mariadb.gtids(), "--yes", ok=4).err
    sluice(pipe, "reposition", "--file", file, "--pos", pos, "--yes", "--wait")
    sluice(pipe, "resume")
    pipe.run("UPDATE t SET n = 6 WHERE id = 6")
    pipe.caught_up()
    assert pipe.rows("t", "id, n", "id IN (5, 6) ORDER BY id") == [[5, 0], [6, 6]]
    assert pipe.status()["position"]["gtid"] is None
    assert "different" in sluice(pipe, "verify", "--repair", "--wait").out
    assert pipe.rows("t", "id, n", "id = 5") == [[5, 5]]


@pytest.mark.only("mariadb", "mariadb11")
def test_gtids_of_two_domains(paused):
    """Each domain goes on from a number of its own."""
    pipe = paused
    before = pipe.mariadb.gtids()
    with pipe.mariadb.connect(pipe.source) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION gtid_domain_id = 7")
        cursor.execute("UPDATE t SET n = 7 WHERE id = 31")
        first = dict(gtid.split("-", 1) for gtid in pipe.mariadb.gtids().split(","))
        cursor.execute("UPDATE t SET n = 7 WHERE id = 32")
        cursor.execute("SET SESSION gtid_domain_id = 0")
        cursor.execute("UPDATE t SET n = 7 WHERE id = 33")
        zero = dict(gtid.split("-", 1) for gtid in pipe.mariadb.gtids().split(","))["0"]
        cursor.execute("UPDATE t SET n = 7 WHERE id = 34")
    assert "7" in first and before
    sluice(pipe, "reposition", "--gtid", f"0-{zero},7-{first['7']}", "--yes", "--wait")
    sluice(pipe, "resume")
    pipe.caught_up()
    assert pipe.rows("t", "id", "n = 7 ORDER BY id") == [[32], [34]]


@pytest.mark.parametrize("metadata", ["FULL", "MINIMAL"])
def test_a_table_was_altered_in_the_gap(make, metadata):
    """The statement is never read: its table fails, whether the log names columns or not, and no value goes into another's column."""
    pipe = make(f"--binlog-row-metadata={metadata}")
    pipe.run("CREATE TABLE u (id INT PRIMARY KEY, n INT NOT NULL)")
    sluice(pipe, "tables", "add", f"{pipe.source}.u", "--wait")
    pipe.caught_up()
    sluice(pipe, "pause", "--wait")
    pipe.run("ALTER TABLE t DROP COLUMN n, ADD COLUMN m INT NOT NULL DEFAULT 5")
    file, pos = pipe.mariadb.end_of_log()
    out = sluice(pipe, "reposition", "--file", file, "--pos", pos, "--yes", "--wait").out
    assert ("which fails" in out) == (metadata == "MINIMAL"), out
    sluice(pipe, "resume")
    pipe.run("UPDATE t SET m = 1000")
    pipe.run("INSERT INTO u VALUES (1, 1)")
    pipe.equal("u")
    table = wait_until(lambda: pipe.table("t")["error"] and pipe.table("t"), 20 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert table["state"] == "failed"
    assert pipe.rows("t", "max(n)") == [[1]]
    sluice(pipe, "resync", "--table", f"{pipe.source}.t", "--wait", timeout=120)
    assert pipe.equal("t", "u") == ROWS + 1


def test_rows_that_are_not_loaded_yet(pipe):
    """Paused in the middle of its first load: that begins again, and misses nothing."""
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)")
    pipe.run("INSERT INTO t SELECT seq, 0 FROM seq_1_to_300000")
    pipe.create(settings=["readers=1", "batch_rows=1000"])
    wait_until(lambda: (pipe.status()["snapshot"]["rows_done"] or 0) > 1000, 60 * PATIENCE, "it loads", 0.02)
    sluice(pipe, "pause", "--wait")
    pipe.run("UPDATE t SET n = 1 WHERE id % 1000 = 0")
    file, pos = pipe.mariadb.end_of_log()
    sluice(pipe, "reposition", "--file", file, "--pos", pos, "--yes", "--wait")
    sluice(pipe, "resume")
    pipe.run("UPDATE t SET n = 2 WHERE id % 1000 = 500")
    pipe.wait("Running")
    pipe.caught_up()
    assert pipe.rows("t", "count(), countIf(n = 1), countIf(n = 2)") == [[300000, 300, 300]]
    assert not pipe.table("t")["resync_advised"]


# Headroom


def warnings(pipe):
    return [line for line in pipe.journal().splitlines() if "headroom is" in line]


def test_headroom_is_told_while_paused(make):
    """Nobody reads, the log grows old: the operator is told before it is gone, once."""
    pipe = make()
    assert not warnings(pipe)
    pipe.mariadb.run("SET GLOBAL binlog_expire_logs_seconds = 600")
    sluice(pipe, "pause", "--wait")
    (warning,) = wait_until(lambda: warnings(pipe), 20 * PATIENCE, lambda: pipe.engine.describe("p"), 0.1)
    assert pipe.status()["position"]["file"] in warning
    assert "binlog_expire_logs_seconds = 600" in warning and "SET GLOBAL binlog_expire_logs_seconds = 259200;" in warning
    assert pipe.status()["headroom_seconds"] == 600, "the log that is being written goes last"
    sluice(pipe, "resume")
    wait_until(lambda: pipe.status()["lag_seconds"] == 0 and pipe.status()["headroom_seconds"] == 600, 20 * PATIENCE,
               lambda: pipe.engine.describe("p"))  # fmt: skip
    sluice(pipe, "pause", "--wait")
    pipe.run("UPDATE t SET n = 5 WHERE id = 5")
    pipe.mariadb.run("FLUSH BINARY LOGS")
    assert len(warnings(pipe)) == 1
    # A new engine does not know when the log was closed: at the last position at the earliest.
    pipe.engine.stop()
    pipe.engine.start()
    headroom = wait_until(lambda: pipe.status()["headroom_seconds"], 20 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert 300 < headroom < 600
    assert "HEADROOM" in sluice(pipe, "explain", ok=1).out


def test_no_limit_no_headroom(make):
    pipe = make("--binlog-expire-logs-seconds=0")
    wait_until(lambda: pipe.status()["logs_kept"], 20 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert pipe.status()["headroom_seconds"] is None
    assert not warnings(pipe)


@pytest.mark.servers
@pytest.mark.only("mariadb11")
def test_headroom_by_size(make):
    """The server keeps so many bytes of logs: at the present rate of writing they are full soon."""
    pipe = make("--max-binlog-total-size=8000000", "--max-binlog-size=1000000", "--binlog-expire-logs-seconds=0")

    def known():
        pipe.run("UPDATE t SET n = n + 1")
        return pipe.status()["headroom_seconds"]

    headroom = wait_until(known, 30 * PATIENCE, lambda: json.dumps(pipe.status()), 0.1)
    assert 0 < headroom < 24 * 3600
    (warning,) = wait_until(lambda: warnings(pipe), 20 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert "8000000 bytes of logs (max_binlog_total_size)" in warning or "8000000 bytes of logs (binlog_space_limit)" in warning
