"""Batches: bounded, named, acknowledged before the checkpoint says so, and each change in it once."""

import contextlib
import http.client
import http.server
import threading
import time
import urllib.parse

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import memory, wait_until

TABLE = "CREATE TABLE {} (id INT PRIMARY KEY, n INT NOT NULL, v LONGTEXT)"
MIB = 1 << 20
GIB = 1 << 30


def made(engine, mariadb, clickhouse, *tables):
    pipe = Pipe(engine, mariadb, clickhouse)
    for table in tables or ("t",):
        pipe.run(TABLE.format(table))
    return pipe


# Memory


def logged(server):
    """Bytes of all files of the log: a large transaction may have a file of its own (MariaDB 11.7)."""
    return sum(row[1] for row in server.run("SHOW BINARY LOGS"))


@pytest.mark.rule("memory-is-bounded")
def test_a_row_larger_than_the_budget(engine, own_mariadb, clickhouse, trap):
    """Loaded and followed: admitted alone, and nothing of it is kept."""
    size = 300 * MIB
    log = "--innodb-redo-log-capacity=4G" if own_mariadb.kind == "mysql" else "--innodb-log-file-size=4G"
    pipe = made(engine, own_mariadb("--max-allowed-packet=1G", log), clickhouse)
    pipe.run(f"INSERT INTO t VALUES (1, 0, REPEAT('x', {size})), (2, 0, 'small')")
    engine.start()
    engine.sluice("set", "--engine", "memory=256MiB")
    pipe.live()
    before = logged(pipe.mariadb)
    pipe.run(f"INSERT INTO t VALUES (3, 0, REPEAT('y', {size}))")
    assert logged(pipe.mariadb) - before > 256 * MIB
    trap("one event of the log is larger than the memory that all pipes have")
    pipe.run("UPDATE t SET n = 1 WHERE id = 2")
    pipe.caught_up(120)
    assert pipe.rows("t", "id, n, length(v), left(v, 1)", "1 ORDER BY id") == [[1, 0, size, "x"], [2, 1, 5, "s"], [3, 0, size, "y"]]
    most = memory(engine.process.pid)
    assert most < 4 * size, f"{most // MIB} MiB"
    assert pipe.status()["state"] == "Running" and pipe.status()["stalled"] is None


@pytest.mark.rule("huge-transactions-are-bounded")
def test_a_transaction_of_gigabytes(engine, mariadb, clickhouse, trap):
    """What one of 5 GiB would take is computed from one of 64 MiB and one of 256 MiB."""
    pipe = made(engine, mariadb, clickhouse)
    engine.start()
    engine.sluice("set", "--engine", "memory=64MiB")
    pipe.live()

    def most_while(first, mib):
        before = logged(mariadb)
        pipe.run(f"INSERT INTO t SELECT {first} + seq, 0, REPEAT(CHAR(97 + seq % 26), 8192) FROM seq_1_to_{mib * 128}")
        written = logged(mariadb) - before
        pipe.caught_up(120)
        return memory(engine.process.pid), written

    most_while(0, 64)
    small, logged_small = most_while(1_000_000, 64)
    large, logged_large = most_while(2_000_000, 256)
    assert logged_large > 4 * 64 * MIB
    trap("one transaction of the log is four times as large as the memory that all pipes have")
    computed = large + (large - small) / (logged_large - logged_small) * (5 * GIB - logged_large)
    assert computed < 512 * MIB, f"{small // MIB} MiB, then {large // MIB} MiB: {int(computed) // MIB} MiB"
    assert pipe.rows("t", "count(), sum(length(v))") == [[128 * (64 + 64 + 256), 8192 * 128 * (64 + 64 + 256)]]


@pytest.mark.rule("many-quiet-tables-wait")
def test_two_hundred_tables_with_a_row_a_second(engine, mariadb, clickhouse, trap):
    pipe = Pipe(engine, mariadb, clickhouse)
    names = [f"t{n:03}" for n in range(200)]
    with contextlib.closing(mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"CREATE TABLE {name} (id INT PRIMARY KEY)")
    with trap.without("many-quiet-tables-wait"):
        engine.start()
    pipe.live(mode="cdc", settings=["durable=off"])
    seconds = 6

    def parts():
        return int(clickhouse.value(f"SELECT sum(m) FROM (SELECT max(max_block_number) AS m FROM system.parts WHERE database = '{pipe.destination}' GROUP BY table)"))

    def a_row_each(first, pause):
        before = parts()
        with contextlib.closing(mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
            for second in range(seconds):
                cursor.execute("BEGIN")
                for name in names:
                    cursor.execute(f"INSERT INTO {name} VALUES ({first + second})")
                cursor.execute("COMMIT")
                pause()
        pipe.caught_up()
        return parts() - before

    assert a_row_each(0, pipe.caught_up) == seconds * 200
    trap("two hundred tables with a row a second are two hundred parts a second when no batch waits")
    engine.stop()
    engine.start()
    pipe.wait("Running")
    assert a_row_each(1000, lambda: time.sleep(1)) <= seconds * 200 / 2
    assert all(pipe.rows(name, "count()") == [[2 * seconds]] for name in names[::40])


# Checkpoints


@pytest.mark.rule("checkpoint-after-every-insert")
def test_killed_before_an_insert(engine, mariadb, clickhouse, trap):
    pipe = made(engine, mariadb, clickhouse, "t", "u")
    engine.start()
    pipe.live()
    pipe.caught_up()
    engine.stop()
    with trap.without("checkpoint-after-every-insert"):
        engine.dies("batch-insert", lambda: pipe.run("INSERT INTO t VALUES (1, 1, 'x')"))
    engine.start()
    pipe.run("INSERT INTO t VALUES (2, 2, 'x')")
    pipe.caught_up()
    assert pipe.rows("t", "id") == [[2]]
    trap("a checkpoint that was saved before the insert was answered: the row is never read again")
    engine.stop()
    before = pipe.status()["position"]
    engine.dies("batch-insert", lambda: pipe.run("INSERT INTO u VALUES (1, 1, 'x')"))
    assert pipe.status()["position"] == before
    engine.start()
    assert pipe.equal("u") == 1


@pytest.mark.rule("checkpoint-moves-without-rows")
def test_the_log_of_an_idle_pipe_is_purged(engine, own_mariadb, clickhouse, trap):
    server = own_mariadb()
    pipe = made(engine, server, clickhouse)
    server.run("CREATE DATABASE elsewhere")
    server.run(TABLE.format("elsewhere.t"))

    def others_write_and_the_log_goes(first):
        """A server purges no log that is being read: it was read."""
        server.run(f"INSERT INTO t SELECT {first} + seq, 0, REPEAT('x', 100) FROM seq_1_to_1000", database="elsewhere")
        server.purge_logs()

    with trap.without("checkpoint-moves-without-rows"):
        engine.start()
    pipe.live(settings=["batch_age=50ms"])
    pipe.run("INSERT INTO t VALUES (1, 1, 'x')")
    assert pipe.equal("t") == 1
    stays = pipe.status()["position"]["file"]
    others_write_and_the_log_goes(0)
    others_write_and_the_log_goes(10_000)
    assert pipe.status()["position"]["file"] == stays
    engine.kill()
    engine.start()
    assert pipe.wait("Failed")["error"]["code"] == 1236
    trap("a pipe without changes of its own keeps its old place, and the server has purged the log of that place")
    engine.sluice("resync", "p", "--wait", timeout=120)
    pipe.run("INSERT INTO t VALUES (3, 3, 'x')")
    assert pipe.equal("t") == 2  # it reads again
    others_write_and_the_log_goes(20_000)
    server.run("DELETE FROM t WHERE id < 20000", database="elsewhere")
    wait_until(lambda: pipe.status()["position"]["file"] == server.end_of_log()[0], 60 * PATIENCE, lambda: engine.describe("p"))
    engine.kill()
    engine.start()
    pipe.run("INSERT INTO t VALUES (2, 2, 'x')")
    assert pipe.equal("t") == 3


# What the server answers

MESSAGE = "Code: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED) (version 25.8.1.1)"
LIES = {
    "header": ({"X-ClickHouse-Exception-Code": "241"}, MESSAGE + "\n"),
    "body": ({}, MESSAGE + "\n"),
    "tagged": (
        {"X-ClickHouse-Exception-Tag": "abcdefghijklmnop"},
        f"__exception__\r\nabcdefghijklmnop\r\n{MESSAGE}\r\n{len(MESSAGE) + 2} abcdefghijklmnop\r\n__exception__\r\n",
    ),
}


class Liar(http.server.ThreadingHTTPServer):
    """Between a pipe and its ClickHouse. While lie is set, each insert into the table t is answered with 200 and that, and not made."""

    daemon_threads = True

    def __init__(self, clickhouse):
        super().__init__(("127.0.0.1", 0), _Passing)
        self.clickhouse, self.lie, self.told = clickhouse, None, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        if "100-continue" in self.headers.get("Expect", "").lower():
            self.send_response_only(100)
            self.end_headers()
        body = self.body()
        asked = urllib.parse.unquote_plus(self.path) + body[:200].decode("latin1")
        if self.server.lie and "INSERT INTO" in asked and "`t` (" in asked:
            self.server.told += 1
            headers, text = self.server.lie
            return self.answer(200, headers, text.encode())
        drop = ("host", "transfer-encoding", "content-length", "expect", "connection")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in drop}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.server.clickhouse.port)) as line:
            line.request("POST", self.path, body, headers)
            real = line.getresponse()
            keep = {name: value for name, value in real.getheaders() if name.lower().startswith(("x-", "content-type", "content-encoding"))}
            self.answer(real.status, keep, real.read())

    do_GET = do_POST


@pytest.mark.rule("http-200-proves-nothing")
def test_an_exception_behind_the_status_line(engine, mariadb, clickhouse, trap):
    late = http.client.HTTPConnection("127.0.0.1", clickhouse.port)
    statement = "SELECT throwIf(number = 3000000) FROM numbers(4000000) SETTINGS max_block_size = 1000"
    token = {"X-ClickHouse-User": clickhouse.user, "X-ClickHouse-Key": clickhouse.password}
    late.request("POST", "/?wait_end_of_query=0", statement, token)
    answer = late.getresponse()
    try:
        text = answer.read()
    except http.client.IncompleteRead as cut:
        text = cut.partial
    assert answer.status == 200 and b"DB::Exception" in text[-20_000:], (answer.status, text[-500:])
    late.close()
    trap("ClickHouse answers 200 and writes an exception behind it")
    pipe = made(engine, mariadb, clickhouse)
    liar = Liar(clickhouse)
    engine.start()
    pipe.live(destination=f"http://{clickhouse.user}@127.0.0.1:{liar.server_port}/{pipe.destination}?password-file={clickhouse.password_file}")
    for n, lie in enumerate(LIES):
        before, liar.lie = liar.told, LIES[lie]
        pipe.run(f"INSERT INTO t VALUES ({n}, {n}, '{lie}')")
        status = engine.wait_stalled("p")
        assert "Memory limit" in status["stalled"]["message"] and liar.told > before, status["stalled"]
        assert pipe.rows("t", "count()") == [[n]]
        liar.lie = None
        assert pipe.equal("t") == n + 1
    liar.shutdown()


# Tokens

STEPS = ("batch-cut", "batch-insert", "batch-inserted", "checkpoint-due", "checkpoint-saved")


@pytest.mark.rule("tokens-double-nothing")
def test_killed_between_a_batch_its_inserts_and_the_checkpoint(engine, mariadb, clickhouse, trap):
    """A table to which every change is appended, and what a materialized view behind it makes of them."""
    pipe = made(engine, mariadb, clickhouse)
    if mariadb.is_mysql:
        mariadb.run("GRANT LOCK TABLES ON *.* TO repl@'127.0.0.1'")
    engine.start()
    pipe.live(settings=[f"{pipe.source}.t:engine=MergeTree"])
    clickhouse.query(
        f"CREATE MATERIALIZED VIEW {pipe.destination}.seen ENGINE = MergeTree ORDER BY id "
        f"SETTINGS non_replicated_deduplication_window = 10000 AS SELECT id, n, _peerdb_is_deleted AS gone FROM {pipe.destination}.t"
    )
    pipe.caught_up()
    engine.stop()

    def change(first):
        pipe.run(f"INSERT INTO t SELECT {first} + seq, 1, 'x' FROM seq_1_to_100")
        pipe.run(f"UPDATE t SET n = 2 WHERE id BETWEEN {first + 1} AND {first + 50}")
        pipe.run(f"DELETE FROM t WHERE id = {first + 1}")

    def times(first):
        """How often each change is there, in the table and in the view."""
        where = f"id BETWEEN {first + 1} AND {first + 100}"
        found = [
            clickhouse.rows(f"SELECT c, count() FROM (SELECT count() AS c FROM {pipe.destination}.{table} WHERE {where} GROUP BY id, n, {gone}) GROUP BY c ORDER BY c")
            for table, gone in (("t", "_peerdb_is_deleted"), ("seen", "gone"))
        ]
        return found

    with trap.without("tokens-double-nothing"):
        change(0)
        engine.dies("checkpoint-due")
        engine.start()
        pipe.caught_up()
        engine.stop()
    assert all(any(count == 2 for count, _ in found) for found in times(0)), times(0)
    trap("killed between an insert and its checkpoint, the changes are there twice, in the table and in the view behind it")
    for n, step in enumerate(STEPS, 1):
        change(n * 1000)
        engine.dies(step)
    engine.start()
    pipe.caught_up()
    for n, step in enumerate(STEPS, 1):
        assert times(n * 1000) == [[[1, 151]], [[1, 151]]], step
    if mariadb.is_mysql:
        mariadb.run("REVOKE LOCK TABLES ON *.* FROM repl@'127.0.0.1'")


@pytest.mark.rule("tokens-drop-nothing")
def test_a_range_is_read_again_after_rows_of_it_were_deleted(engine, mariadb, clickhouse, trap):
    """Its pieces then hold other rows. By the same token the server takes them for those that it has."""
    pipe = made(engine, mariadb, clickhouse)

    def loaded():
        pipe.run("DELETE FROM t")
        pipe.run("INSERT INTO t SELECT seq, 0, 'x' FROM seq_1_to_25000")
        engine.dies("load-inserted", lambda: engine.sluice("create", pipe.name, *pipe.arguments(settings=["readers=1", "senders=1"]), ok=None))
        there = pipe.clickhouse.value(f"SELECT count() FROM {pipe.destination}.t")
        assert 0 < there < 25000
        pipe.run("DELETE FROM t WHERE id BETWEEN 100 AND 299")
        engine.start()
        pipe.wait("Running")
        pipe.caught_up()

    with trap.without("tokens-drop-nothing"):
        loaded()
        assert len(pipe.rows("t", "id")) < 24800
        trap("by the same token for another reading the server drops rows that it never had")
        engine.sluice("drop", "p", "--drop-target", "--yes", "--wait")
        engine.stop()
    loaded()
    assert pipe.equal("t") == 24800
    assert pipe.clickhouse.value(f"SELECT max(c) FROM (SELECT count() AS c FROM {pipe.destination}.t WHERE NOT _peerdb_is_deleted GROUP BY id, _peerdb_version)") <= 2
