"""A file of the log that is longer than what 32 bits can tell."""

import os
import struct

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until

LIMIT = 1 << 32
PIECE = 128 << 20
UNKNOWN, IGNORABLE = 172, 0x80


def header(kind, length, end, flags):
    return struct.pack("<IBIIIH", 1, kind, 1, length, end & 0xFFFFFFFF, flags)


def lengthened(path, place):
    """Puts events that may be passed over at `place`, so that what stands behind them crosses the limit: sparse, nothing is written."""
    data = path.read_bytes()
    behind = bytearray(data[place:])
    shift = LIMIT - len(behind) // 2 - place
    with open(path, "r+b") as file:
        at = place
        while at < place + shift:
            length = min(PIECE, place + shift - at)
            if place + shift - at - length < 19:
                length = place + shift - at if place + shift - at < 2 * PIECE else length
            file.seek(at)
            file.write(header(UNKNOWN, length, at + length, IGNORABLE))
            at += length
        n = 0
        while n < len(behind):
            (length, end) = struct.unpack_from("<II", behind, n + 9)
            struct.pack_into("<I", behind, n + 13, (end + shift) & 0xFFFFFFFF)
            n += length
        file.truncate(at)
        file.seek(at)
        file.write(behind)
    return at


def longer_than_the_limit(engine, own_mariadb, clickhouse, *behind):
    """A pipe that is not made yet; its file with a transaction across the limit, and where that begins. `behind`: statements that follow it."""
    off = ("--gtid-mode=OFF", "--enforce-gtid-consistency=OFF") if own_mariadb.kind == "mysql" else ()
    server = own_mariadb("--binlog-checksum=NONE", *off)
    server.run("GRANT LOCK TABLES ON *.* TO repl@'127.0.0.1'")
    pipe = Pipe(engine, server, clickhouse)
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(2000))")
    file, place = server.end_of_log()
    pipe.run("INSERT INTO t SELECT seq, 1, REPEAT('x', 1000) FROM seq_101_to_200")
    for statement in behind:
        pipe.run(statement)
    server.stop()
    begins = lengthened(server.folder / "data" / file, place)
    server.start()
    return pipe, file, begins


@pytest.mark.rule("position-is-64-bit")
def test_a_file_of_more_than_four_gibibytes(engine, own_mariadb, clickhouse, trap):
    """Followed by file and position. The transaction that crosses the limit is read, and read again after a crash."""
    pipe, file, begins = longer_than_the_limit(engine, own_mariadb, clickhouse)
    server = pipe.mariadb
    path = server.folder / "data" / file
    size = {row[0]: row[1] for row in server.run("SHOW BINARY LOGS")}[file]
    ends = [(event[1], event[4]) for event in server.run(f"SHOW BINLOG EVENTS IN '{file}' FROM {begins}")]
    assert size > LIMIT and os.stat(path).st_blocks * 512 < 64 << 20
    assert any(at > end or at > LIMIT for at, end in ends) and min(end for _, end in ends) < 1 << 20, ends
    trap("behind 4 GiB of a file the ends of events, which the server tells with 32 bits, begin anew")
    engine.dies("batch-inserted", lambda: pipe.create(mode="cdc", settings=["position=file", f"start=file:{file}:{begins}", f"{pipe.source}.t:engine=MergeTree"]))
    assert (pipe.status()["position"]["file"], pipe.status()["position"]["pos"]) == (file, begins)
    clickhouse.query(f"ALTER TABLE {pipe.destination}.t MODIFY SETTING non_replicated_deduplication_window = 0")
    assert clickhouse.value(f"SELECT count() FROM {pipe.destination}.t") == 100
    engine.dies("checkpoint-saved")
    assert pipe.status()["position"]["pos"] > LIMIT
    engine.start()
    pipe.run("UPDATE t SET n = 3 WHERE id = 101")
    pipe.caught_up()
    images = clickhouse.rows(f"SELECT n, count(), uniqExact(id), uniqExact(_peerdb_version) FROM {pipe.destination}.t GROUP BY n ORDER BY n")
    assert images == [[1, 200, 100, 100], [3, 1, 1, 1]], "read twice, with the same versions"


@pytest.mark.rule("position-is-64-bit")
def test_transactions_wholly_behind_four_gibibytes(engine, own_mariadb, clickhouse, trap):
    """A session cannot begin there: the saved place stays below, and what follows is read again, with the same cuts."""
    pipe, file, begins = longer_than_the_limit(engine, own_mariadb, clickhouse, "INSERT INTO t VALUES (201, 1, 'behind')", "INSERT INTO t VALUES (202, 1, 'behind')")
    settings = ["position=file", f"start=file:{file}:{begins}", "batch_rows=1", f"{pipe.source}.t:engine=MergeTree"]
    (end,) = [event[4] for event in pipe.mariadb.run(f"SHOW BINLOG EVENTS IN '{file}' FROM {begins}") if event[2] == "Xid"][:1]
    first_ends = LIMIT + end
    engine.start()
    pipe.create(mode="cdc", settings=[f"start=file:{file}:{first_ends}" if text.startswith("start=") else text for text in settings])
    assert "reaches to 4 GiB only" in pipe.wait("Failed")["error"]["message"]
    trap("the dump command tells a position with 32 bits: a transaction that begins behind 4 GiB cannot be asked for")
    engine.sluice("drop", "p", "--drop-target", "--yes")
    engine.stop()
    engine.dies("batch-inserted:3", lambda: pipe.create(mode="cdc", settings=settings))
    assert pipe.status()["position"]["pos"] in (begins, first_ends)
    engine.start()
    pipe.wait("Running")
    pipe.run("INSERT INTO t VALUES (203, 1, 'in the next file')")
    pipe.caught_up()
    images = lambda: clickhouse.rows(f"SELECT count(), uniqExact(id), max(id), uniqExact(_peerdb_version) FROM {pipe.destination}.t")
    assert images() == [[103, 103, 203, 103]], "each once"
    engine.stop()
    engine.start()
    pipe.run("INSERT INTO t VALUES (204, 1, 'and from there')")
    pipe.caught_up()
    assert images() == [[104, 104, 204, 104]]
