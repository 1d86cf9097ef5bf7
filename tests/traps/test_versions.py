"""Versions: which image of a key wins, whatever is read again, from which server, and in which order."""

import contextlib
import itertools
import shutil

import pytest
from harness.engine import PATIENCE, Engine
from harness.pipe import Pipe
from harness.process import wait_until

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(200))"


def rows(pipe, first, count, table="t"):
    pipe.run(f"INSERT INTO {table} SELECT seq, 0, REPEAT('v', seq % 50) FROM seq_{first}_to_{first + count - 1}")


def value(pipe, id, table="t"):
    return pipe.rows(table, "n", f"id = {id}")


def length_of_a_row(server, database):
    """Of the event of one row, as SHOW BINLOG EVENTS has it."""
    file, pos = server.end_of_log()
    server.run("REPLACE INTO other VALUES (1, 1, 'x')", database=database)
    server.run("DELETE FROM other", database=database)
    events = server.run(f"SHOW BINLOG EVENTS IN '{file}' FROM {pos}")
    (length,) = [behind[1] - event[1] for event, behind in zip(events, events[1:]) if event[2].startswith("Write_rows")]
    return length


def images(pipe, database=None):
    """Each image of a row that was ever sent: how often, and under which versions."""
    found = pipe.clickhouse.rows(
        f"SELECT id, n, _peerdb_is_deleted, count(), groupUniqArray(_peerdb_version) FROM {database or pipe.destination}.t GROUP BY id, n, _peerdb_is_deleted"
    )
    return {tuple(row[:3]): (row[3], sorted(row[4])) for row in found}


@pytest.mark.rule("versions-are-the-same-when-read-again")
def test_versions_of_another_reading(engine, own_mariadb, clickhouse, trap):
    """Read again after a crash: in the middle of a file, by a server that was started again and has checksums no more; and by a pipe
    that follows what this one does not."""
    server = own_mariadb()
    pipe = Pipe(engine, server, clickhouse)
    pipe.run(TABLE)
    pipe.run(TABLE.replace("TABLE t ", "TABLE other "))
    with_checksum = length_of_a_row(server, pipe.source)
    server.run("SET GLOBAL binlog_checksum = NONE")
    assert length_of_a_row(server, pipe.source) == with_checksum - 4
    trap("the same event is four bytes shorter once the server writes no checksums: lengths of events tell no version")
    server.run("SET GLOBAL binlog_checksum = CRC32")
    rows(pipe, 1, 100)
    engine.start()
    pipe.live(tables=[f"{pipe.source}.t"])
    place = server.end_of_log()
    rows(pipe, 500, 1)
    assert pipe.equal("t") == 101
    clickhouse.query(f"SYSTEM STOP MERGES {pipe.destination}.t")
    clickhouse.query(f"ALTER TABLE {pipe.destination}.t MODIFY SETTING non_replicated_deduplication_window = 0")
    loaded = images(pipe)
    engine.stop()
    before = pipe.status()["position"]
    for n in range(5):
        rows(pipe, 1000 + n * 10, 10, "other")
        pipe.run(f"UPDATE t SET n = {n + 1} WHERE id <= 20")
        pipe.run(f"DELETE FROM other WHERE id = {1000 + n * 10}")
        pipe.run(f"DELETE FROM t WHERE id = {50 + n}")
    server.run("SET GLOBAL binlog_checksum = NONE")
    pipe.run("UPDATE t SET n = 50 WHERE id BETWEEN 91 AND 100")
    options = ("--binlog-checksum=NONE", "--binlog-checksum=CRC32")
    for reading in range(2):
        engine.dies("batch-inserted")
        assert pipe.status()["position"] == before, "nothing of it was saved"
        server.restart(options[reading])
    engine.start()
    pipe.run("UPDATE t SET n = 60 WHERE id = 100")
    assert pipe.equal("t") == 96
    seen = {key: found for key, found in images(pipe).items() if key not in loaded}
    assert len(seen) >= 20 + 5 + 10 + 1  # of one key in one insert the newest image is kept
    assert max(count for count, _ in seen.values()) == 3, "three readings"
    assert all(len(versions) == 1 for _, versions in seen.values()), seen
    # All of the events before are another pipe's rows.
    both = Pipe(engine, server, clickhouse, name="q", source=pipe.source)
    both.create(mode="cdc", settings=[f"start=file:{place[0]}:{place[1]}"])
    both.wait("Running")
    both.caught_up()
    theirs = {key: versions for key, (_, versions) in images(both).items()}
    assert theirs.keys() & seen.keys() >= {(100, 60, 0), (1, 5, 0), (54, 0, 1), (95, 50, 0)}
    assert all(theirs[key] == seen[key][1] for key in theirs.keys() & seen.keys())


@pytest.mark.rule("history-is-not-rewritten")
@pytest.mark.parametrize("way", ["reset", "copy"])
def test_other_transactions_under_the_same_numbers(engine, own_mariadb, clickhouse, trap, folder, way):
    """RESET, and a server that was restored from a copy: with its uuid, and up to the old position and further."""
    server = own_mariadb()
    pipe = Pipe(engine, server, clickhouse)
    pipe.run(TABLE)
    engine.start()
    pipe.live()
    pipe.caught_up()
    if way == "copy":
        server.stop()
        shutil.copytree(server.folder / "data", folder / "copy")
        server.start()
    uuid = "@@server_uuid" if server.is_mysql else "@@server_id"
    who = server.run(f"SELECT {uuid}")
    rows(pipe, 1, 10)
    assert pipe.equal("t") == 10
    (file, pos), gtids = server.end_of_log(), server.gtids()
    engine.stop()
    if way == "copy":
        server.stop()
        shutil.rmtree(server.folder / "data")
        shutil.move(folder / "copy", server.folder / "data")
        server.start()
    else:
        server.reset_log()
        server.run("CREATE TABLE again (id INT)", database=pipe.source)
    for number in itertools.count(1000, 10):
        rows(pipe, number, 10)
        here, reached = server.end_of_log()
        if (here, reached) > (file, pos) and len(server.gtids()) >= len(gtids) and number > 1300:
            break
    assert server.run(f"SELECT {uuid}") == who
    covered = "GTID_SUBSET(%s, @@GLOBAL.gtid_executed)" if server.is_mysql else "MASTER_GTID_WAIT(%s, 0) + 1"
    if server.is_mysql:
        assert server.run(f"SELECT {covered}", gtids) == ((1,),)
    else:
        number = lambda text: int(text.rsplit("-", 1)[1])
        assert number(server.gtids()) >= number(gtids)
    assert (here, reached) >= (file, pos)
    trap("the same server has given the numbers that the pipe had read to other transactions, and has all that the pipe asks for")
    engine.start()
    error = pipe.wait("Failed")["error"]
    assert "history" in error["message"] + str(error["cause"]), error
    assert any("resync" in remedy for remedy in error["remedies"])
    assert pipe.rows("t", "count(), max(id)") == [[10, 10]], "nothing of the other history was let in"


def of_one_row(engine, server, clickhouse):
    pipe = Pipe(engine, server, clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 1)
    engine.start()
    return pipe.live()


@contextlib.contextmanager
def to_be_lost(pipe, folder):
    """What the server does meanwhile it has lost at the end."""
    server = pipe.mariadb
    pipe.caught_up()
    pipe.engine.stop()
    server.stop()
    shutil.copytree(server.folder / "data", folder / "copy")
    server.start()
    yield
    server.stop()
    shutil.rmtree(server.folder / "data")
    shutil.move(folder / "copy", server.folder / "data")
    server.start()


def lost(pipe, folder, sent):
    """A row is sent, no checkpoint covers it yet, and the server loses it. Returns where its log had ended."""
    with to_be_lost(pipe, folder):
        pipe.engine.dies("checkpoint-due", lambda: rows(pipe, sent, 1))
        assert pipe.rows("t", "n", f"id = {sent}") == [[0]]
        end = pipe.mariadb.end_of_log()
    return end


def replaced(pipe, folder, sent, instead):
    """And another row is logged in its place."""
    end = lost(pipe, folder, sent)
    rows(pipe, instead, 1)
    assert pipe.mariadb.end_of_log() == end


@pytest.mark.rule("history-is-not-rewritten")
def test_a_transaction_in_place_of_one_that_was_sent(engine, own_mariadb, clickhouse, trap, folder):
    """As sync_binlog=0 does in a power loss: what no checkpoint covers has no fingerprint, but its cut is in the catalog."""
    pipe = of_one_row(engine, own_mariadb(), clickhouse)
    replaced(pipe, folder, sent=101, instead=151)
    with trap.without("cuts-are-of-one-history"):
        engine.start()
        rows(pipe, 2, 1)
        pipe.caught_up()
        assert pipe.rows("t", "id", "1 ORDER BY id") == [[1], [2], [101]]
        trap("the other transaction has the place, the length and so the token of the one that was lost: it is never inserted, and the lost one stays")
        replaced(pipe, folder, sent=201, instead=251)
    engine.start()
    error = pipe.wait("Failed")["error"]
    assert "rewritten" in error["message"] and any("resync" in remedy for remedy in error["remedies"]), error
    engine.sluice("resync", "p", "--wait", timeout=120 * PATIENCE)
    pipe.wait("Running")
    assert pipe.equal("t") == 4


@pytest.mark.rule("history-is-not-rewritten")
def test_a_transaction_that_was_sent_and_is_gone(engine, own_mariadb, clickhouse, trap, folder):
    """And nothing comes in its place. Asked for what follows GTIDs a server has just nothing to send."""
    pipe = of_one_row(engine, own_mariadb(), clickhouse)
    lost(pipe, folder, sent=101)
    with trap.without("cuts-are-of-one-history"):
        engine.start()
        pipe.wait("Running")
        wait_until(lambda: pipe.status()["lag_seconds"] == 0, 30 * PATIENCE, "the server has nothing to send")
        assert pipe.run("SELECT id FROM t") == ((1,),) and pipe.rows("t", "id", "1 ORDER BY id") == [[1], [101]]
        trap("a row that the source has lost stays, and the pipe runs on")
        engine.stop()
    engine.start()
    error = pipe.wait("Failed")["error"]
    assert "before what was read of it already" in error["message"] and any("resync" in remedy for remedy in error["remedies"]), error
    engine.sluice("resync", "p", "--wait", timeout=120 * PATIENCE)
    pipe.wait("Running")
    assert pipe.equal("t") == 1


def statement_lost(pipe, folder):
    """A table is emptied at the destination, no checkpoint covers it yet, and the server loses the statement."""
    with to_be_lost(pipe, folder):
        pipe.engine.dies("ddl-done", lambda: pipe.run("TRUNCATE TABLE t"))
    assert pipe.run("SELECT COUNT(*) FROM t") == ((1,),) and pipe.rows("t", "count()") == [[0]]


@pytest.mark.rule("history-is-not-rewritten")
@pytest.mark.parametrize("way", ["gone", "replaced"])
def test_a_statement_that_was_carried_out_and_is_lost(engine, own_mariadb, clickhouse, trap, folder, way):
    """No row and no cut tells of it. The table is as the statement made it, and the source has its rows."""
    pipe = of_one_row(engine, own_mariadb(), clickhouse)
    statement_lost(pipe, folder)
    with trap.without("statements-are-of-this-history"):
        engine.start()
        rows(pipe, 2, 1)
        pipe.caught_up()
        assert pipe.rows("t", "id") == [[2]] and pipe.run("SELECT COUNT(*) FROM t") == ((2,),)
        trap("the rows that a statement had removed stay away, and the pipe runs on")
        engine.sluice("resync", "p", "--wait", timeout=120 * PATIENCE)
        pipe.run("DELETE FROM t WHERE id = 2")
        statement_lost(pipe, folder)
    if way == "replaced":
        rows(pipe, 2, 1)
    engine.start()
    error = pipe.wait("Failed")["error"]
    words = "is not the statement that was being carried out (TRUNCATE TABLE t)" if way == "replaced" else "before what was read of it already"
    assert words in error["message"] and any("resync" in remedy for remedy in error["remedies"]), error
    engine.sluice("resync", "p", "--wait", timeout=120 * PATIENCE)
    pipe.wait("Running")
    assert pipe.equal("t") == (2 if way == "replaced" else 1)


@pytest.mark.rule("epoch-grows-with-the-server")
def test_a_replica_takes_the_place(engine, own_mariadb, clickhouse, trap, folder):
    """Two pipes see it: one as it is, one that goes on with the epoch of the server before."""
    own = ["--log-replica-updates=ON"] if own_mariadb.kind == "mysql" else ["--log-slave-updates=ON", "--gtid-strict-mode=ON"]
    first, second = own_mariadb("--server-id=11", *own), own_mariadb("--server-id=12", *own)
    second.replicate(first)
    pipe = Pipe(engine, first, clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 100)
    other = Engine(folder / "without")
    other.env["SLUICE_WITHOUT"] = "epoch-grows-with-the-server"
    without = Pipe(other, first, clickhouse, source=pipe.source)
    try:
        for each in (pipe, without):
            each.engine.start()
            each.live()
        for n in range(20):
            pipe.run("UPDATE t SET n = n + 1")
        for each in (pipe, without):
            assert each.equal("t") == 100
            each.engine.sluice("pause", "p", "--wait")
        second.wait_replicated(first.gtids())
        first.stop()
        second.take_place_of(first)
        for each in (pipe, without):
            each.mariadb = second
            each.engine.sluice("resume", "p")
            each.wait("Running")
        pipe.run("UPDATE t SET n = 1000 WHERE id = 1")
        without.caught_up()
        assert value(without, 1) == [[20]]
        trap("in the same epoch a change that was read from the new server loses against those of the old one")
        assert pipe.equal("t") == 100
        assert value(pipe, 1) == [[1000]]
    finally:
        other.close()


@pytest.mark.rule("reposition-raises-the-epoch")
def test_a_pipe_is_repositioned(engine, mariadb, clickhouse, trap):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 100)

    def goes_on_at_the_end(n):
        engine.sluice("pause", "p", "--wait")
        file, pos = mariadb.end_of_log()
        engine.sluice("reposition", "p", "--file", file, "--pos", pos, "--yes", "--wait")
        engine.sluice("resume", "p")
        pipe.run(f"UPDATE t SET n = {n} WHERE id = 1")
        pipe.caught_up()

    with trap.without("reposition-raises-the-epoch"):
        engine.start()
    pipe.live()
    for _ in range(5):
        pipe.run("UPDATE t SET n = n + 1")
    assert pipe.equal("t") == 100
    goes_on_at_the_end(77)
    assert value(pipe, 1) == [[5]]
    trap("in the same epoch a change that was read behind the new place loses against those before it")
    engine.stop()
    engine.start()
    goes_on_at_the_end(78)
    assert value(pipe, 1) == [[78]]
    assert pipe.equal("t") == 100


@pytest.mark.rule("loaded-rows-lose-against-the-stream")
def test_rows_are_loaded_and_changed(engine, mariadb, clickhouse, trap):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run(TABLE)
    rows(pipe, 1, 100)
    with trap.without("loaded-rows-lose-against-the-stream"):
        engine.start()
    pipe.live()
    pipe.run("UPDATE t SET n = 1 WHERE id <= 50")
    pipe.caught_up()
    assert pipe.rows("t", "sum(n)") == [[0]]
    trap("of a row that was loaded under a greater version no change is seen any more")
    engine.stop()
    engine.start()
    engine.sluice("resync", "p", "--wait", timeout=120)
    pipe.run("UPDATE t SET n = 2 WHERE id <= 50")
    pipe.run("DELETE FROM t WHERE id = 50")
    assert pipe.equal("t") == 99
    least = clickhouse.rows(f"SELECT minIf(_peerdb_version, n = 2), maxIf(_peerdb_version, n < 2 AND NOT _peerdb_is_deleted) FROM {pipe.destination}.t")[0]
    assert least[0] > least[1]


@pytest.mark.rule("repaired-rows-lose-against-later-changes")
def test_rows_are_repaired_and_changed(engine, mariadb, clickhouse, trap):
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run(TABLE)
    pipe.run(TABLE.replace("TABLE t ", "TABLE u "))
    rows(pipe, 1, 100)
    rows(pipe, 1, 100, "u")

    def tampered_and_repaired(table):
        target = f"{pipe.destination}.{table}"
        clickhouse.query(f"INSERT INTO {target} (id, n, v, _peerdb_version) SELECT id, 7, v, _peerdb_version FROM {target} FINAL WHERE id = 1")
        assert value(pipe, 1, table) == [[7]]
        engine.sluice("verify", "p", "--repair", "--wait", ok=None, timeout=120)
        assert value(pipe, 1, table) == [[0]]
        pipe.run(f"UPDATE {table} SET n = 1 WHERE id = 1")
        pipe.caught_up()

    with trap.without("repaired-rows-lose-against-later-changes"):
        engine.start()
    pipe.live()
    pipe.run("UPDATE t SET n = 9 WHERE id = 100")
    pipe.caught_up()
    tampered_and_repaired("t")
    assert value(pipe, 1) == [[0]]
    trap("a row that was repaired under a greater version does not take the change that came after it")
    engine.stop()
    engine.start()
    tampered_and_repaired("u")
    assert value(pipe, 1, "u") == [[1]]
    assert pipe.equal("u") == 100
