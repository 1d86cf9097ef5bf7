"""The log of a server: whose it is, and what stands in it that is not what it looks like."""

import contextlib
import shutil
import socket
import struct
import threading

import pymysql
import pytest
from harness.engine import PATIENCE
from harness.injector import Injector
from harness.log import logged, rows_in
from harness.mariadb import MariaDB
from harness.pipe import Pipe
from harness.process import memory, wait_until
from harness.proxy import Proxy

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, v INT)"
MARIADB, MYSQL = pytest.mark.only("mariadb", "mariadb11"), pytest.mark.only("mysql")


def unencrypted(server, port):
    return f"mysql://repl@127.0.0.1:{port}/?password-file={server.password_file}&ssl-mode=disabled"


@pytest.fixture
def injected(engine, mariadb, clickhouse):
    with Injector(mariadb.port) as injector:
        pipe = Pipe(engine, mariadb, clickhouse)
        pipe.run(TABLE)
        pipe.run("INSERT INTO t VALUES (1, 1)")
        engine.start()
        pipe.live(url=unencrypted(mariadb, injector.port))
        yield pipe, injector


@pytest.mark.rule("unknown-events")
def test_an_event_of_an_unknown_type(injected, trap):
    pipe, injector = injected
    pipe.engine.stop()
    with trap.without("unknown-events"):
        pipe.engine.start()
        pipe.run("INSERT INTO t VALUES (2, 2)")
        pipe.equal("t")
        injector.inject(99, b"rows, for all we know")
        wait_until(lambda: injector.sent == [99], 20 * PATIENCE, "it was sent")
        pipe.run("INSERT INTO t VALUES (3, 3)")
        pipe.equal("t")
        assert pipe.status()["state"] == "Running" and "type 99" not in pipe.journal()
        trap("an event that nobody knows is passed over without a word, whatever it changed")
        pipe.engine.stop()
    pipe.engine.start()
    pipe.run("INSERT INTO t VALUES (4, 4)")
    pipe.equal("t")
    injector.inject(98, b"rows, for all we know")
    error = pipe.wait("Failed")["error"]
    assert "unknown type 98 " in error["message"] and any("resync" in remedy for remedy in error["remedies"]), error


def claims_4_gb(is_mysql):
    """A compressed event of some bytes: TRANSACTION_PAYLOAD with zstd, or a compressed statement with zlib."""
    size = 0xFFFFFFFF
    if is_mysql:
        frame = bytes.fromhex("28b52ffd") + b"\xa0" + struct.pack("<I", size) + b"\x03\x00\x00" + b"x"
        fields = b"\x02\x01\x00" + b"\x01" + bytes([len(bytes([len(frame)]))]) + bytes([len(frame)]) + b"\x03\x09\xfe" + struct.pack("<Q", size) + b"\x00"
        return 40, fields + frame
    head = bytes(8) + b"\x01" + bytes(4) + b"t\0"
    return 165, head + b"\x84" + struct.pack(">I", size) + b"\x78\x9c\x03\x00\x00\x00\x00\x01"


@pytest.mark.rule("hostile-servers")
def test_a_compressed_event_claims_4_gb(injected, trap):
    pipe, injector = injected
    kind, body = claims_4_gb(pipe.mariadb.is_mysql)
    assert len(body) < 100
    trap("an event of less than a hundred bytes says that it is 4 GB when it is unpacked")
    before = memory(pipe.engine.process.pid)
    injector.inject(kind, body)
    error = pipe.wait("Failed")["error"]
    assert error["message"] and error["remedies"], error
    assert memory(pipe.engine.process.pid) - before < 100 << 20
    pipe.engine.sluice("retry", "p", "--wait")
    pipe.run("INSERT INTO t VALUES (2, 2)")
    assert pipe.equal("t") == 2


class Hostile:
    """Greets as a server does. What it answers: the client's file is wanted, or its password as it is."""

    def __init__(self, wants, file=b"/etc/hostname"):
        self.wants, self.file, self.got = wants, file, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.main, daemon=True).start()

    def main(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        def send(number, payload):
            client.sendall(struct.pack("<I", len(payload))[:3] + bytes([number]) + payload)

        def receive():
            head = client.recv(4, socket.MSG_WAITALL)
            return head and (head[3], client.recv(int.from_bytes(head[:3], "little"), socket.MSG_WAITALL))

        ok = b"\x00\x00\x00\x02\x00\x00\x00"
        with contextlib.suppress(OSError), client:
            # Protocol 41, secure connection, plugins, local files.
            flags = 0x00000001 | 0x00000008 | 0x00000080 | 0x00000200 | 0x00002000 | 0x00008000 | 0x00080000
            send(0, b"\x0a" + b"8.4.0\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<HBHH", flags & 0xFFFF, 45, 2, flags >> 16)
                 + b"\x15" + bytes(10) + b"123456789012\0" + b"mysql_native_password\0")  # fmt: skip
            if not receive():
                return
            if self.wants == "password":
                send(2, b"\xfemysql_clear_password\0")
                answer = receive()
                self.got.append(answer and answer[1])
                return
            send(2, ok)
            while (packet := receive()) and packet[1][:1] != b"\x01":
                if packet[1][:1] in b"\x03\x16":
                    send(1, b"\xfb" + self.file)
                    answer = receive()
                    if answer and answer[1]:
                        self.got.append(answer[1])
                        receive()
                    send(answer[0] + 2 if answer else 2, ok)
                else:
                    send(1, ok)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.mark.rule("hostile-servers")
@pytest.mark.parametrize("wants", ["file", "password"])
def test_a_server_asks_for_what_is_not_its(engine, folder, clickhouse, trap, wants):
    secret, password = folder / "secret", folder / "password"
    secret.write_text("nobody's business\n")
    password.write_text("open sesame\n")
    password.chmod(0o600)
    with Hostile(wants, str(secret).encode()) as hostile:
        with contextlib.suppress(pymysql.err.MySQLError, IndexError, AttributeError):
            options = {"local_infile": True, "init_command": "SELECT 1"} if wants == "file" else {"auth_plugin_map": {}}
            pymysql.connect(host="127.0.0.1", port=hostile.port, user="u", password="open sesame", **options).close()
        if wants == "file":
            assert hostile.got == [b"nobody's business\n"]
            trap("a client that allows LOCAL INFILE sends any file that the server names, whatever was asked")
        else:
            assert hostile.got == [b"open sesame\0"]
            trap("a client that knows clear-text authentication sends its password to whoever asks for it")
        hostile.got.clear()
        engine.start()
        url = f"mysql://u@127.0.0.1:{hostile.port}/?password-file={password}&ssl-mode=disabled"
        result = engine.sluice("check", "--source", url, "--dest", clickhouse.url("d"), "--tables", "a.b", ok=None)
        assert result.code != 0
        assert not [got for got in hostile.got if got and (b"sesame" in got or b"business" in got)], (hostile.got, result)


def thrown_out(server):
    """What the server says to a reader when another one with its id comes."""
    def dump():
        connection = server.connect()
        with connection.cursor() as cursor:
            cursor.execute("SET @master_binlog_checksum = @@GLOBAL.binlog_checksum, @source_binlog_checksum = @@GLOBAL.binlog_checksum")
        file, place = server.end_of_log()
        connection._execute_command(0x12, struct.pack("<IHI", place, 0, 4711) + file.encode())
        connection._sock.settimeout(20)
        return connection

    first = dump()
    first._read_packet()
    second = dump()
    try:
        while True:
            first._read_packet()
    except pymysql.err.MySQLError as error:
        return str(error)
    finally:
        first._force_close()
        second._force_close()


@pytest.mark.rule("server-id-twice")
def test_two_pipes_with_one_id(engine, own_mariadb, clickhouse, trap):
    """On MySQL a pipe says who it is by a uuid of its own, and the ids do not matter."""
    server = own_mariadb()
    said = thrown_out(server)
    assert "same server" in said or "Lost connection" in said, said
    trap("a reader is thrown out when another one with the same id comes")
    engine.start()
    pipes = [Pipe(engine, server, clickhouse, name=name) for name in ("p", "q")]
    for pipe in pipes:
        pipe.run(TABLE)
        pipe.create(settings=["server_id=4711"], ok=None)
    def shown():
        return [pipe.status()["stalled"] for pipe in pipes if pipe.status()["stalled"]]

    if not server.is_mysql:
        stalled = wait_until(lambda: [s for s in shown() if "same" in str(s)], 60 * PATIENCE, lambda: engine.describe("p"))
        assert "server_id" in str(stalled) + pipes[0].journal() + pipes[1].journal() + engine.sluice("explain", "p", ok=None).out
        engine.sluice("set", "q", "server_id=4712")
    for pipe in pipes:
        pipe.wait("Running")
        pipe.run("INSERT INTO t VALUES (1, 1)")
    for pipe in pipes:
        assert pipe.equal("t", seconds=90) == 1
        engine.wait_stalled(pipe.name, False)


@pytest.mark.rule("definition-of-the-place-in-the-log")
def test_statements_ahead_of_the_stream(engine, own_mariadb, clickhouse, trap):
    pipe = Pipe(engine, own_mariadb("--binlog-row-metadata=MINIMAL"), clickhouse)
    engine.start()
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)")
    pipe.live()
    engine.sluice("pause", "p", "--wait")
    pipe.run("INSERT INTO t VALUES (1, 10, 20)")
    pipe.run("ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a")
    pipe.run("INSERT INTO t (id, a, b) VALUES (2, 30, 40)")
    pipe.run("ALTER TABLE t ADD c INT DEFAULT 5 AFTER id")
    pipe.run("INSERT INTO t (id, a, b) VALUES (3, 50, 60)")
    now = pipe.run("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't' ORDER BY ORDINAL_POSITION")
    assert [name for (name,) in now] == ["id", "c", "b", "a"]
    trap("information_schema shows other columns than those of the rows that are to be read, two statements before")
    engine.sluice("resume", "p", "--wait")
    assert pipe.equal("t") == 3
    assert sorted(pipe.rows("t", "id, a, b, c")) == [[1, 20, 10, 5], [2, 30, 40, 5], [3, 50, 60, 5]]


@MARIADB
@pytest.mark.rule("system-versioned-history")
def test_a_system_versioned_table(pipe, trap):
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING")
    pipe.run("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
    pipe.live()
    pipe.engine.stop()
    with trap.without("system-versioned-history"):
        pipe.engine.start()
        with logged(pipe.mariadb) as events:
            pipe.run("UPDATE t SET v = 7 WHERE id = 1")
            pipe.run("DELETE FROM t WHERE id = 2")
        assert rows_in(events) == ["Update", "Write", "Update"], rows_in(events)
        pipe.caught_up()
        assert pipe.run("SELECT id, v FROM t") == ((1, 7), (3, 3)) and sorted(pipe.rows("t", "id, v")) == [[1, 1], [2, 2], [3, 3]]
        trap("an UPDATE writes a row of the same key with the old values behind the new ones, and a DELETE is an update: neither is seen")
        pipe.engine.stop()
    pipe.engine.start()
    pipe.engine.sluice("resync", "p", "--wait", timeout=120 * PATIENCE)
    pipe.run("UPDATE t SET v = 8 WHERE id = 1")
    pipe.run("INSERT INTO t VALUES (2, 9)")
    pipe.run("DELETE FROM t WHERE id = 3")
    pipe.run("DELETE HISTORY FROM t")
    assert pipe.equal("t") == 2
    assert sorted(pipe.rows("t", "id, v")) == [[1, 8], [2, 9]]


@MARIADB
@pytest.mark.rule("hidden-hash-columns")
def test_a_unique_text(engine, own_mariadb, clickhouse, trap):
    pipe = Pipe(engine, own_mariadb("--binlog-row-metadata=FULL"), clickhouse)
    engine.start()
    pipe.run("CREATE TABLE plain (id INT PRIMARY KEY, x TEXT, y TEXT, v INT)")
    pipe.run("CREATE TABLE t (id INT PRIMARY KEY, x TEXT, y TEXT, v INT, UNIQUE (x), UNIQUE (y))")
    pipe.run("INSERT INTO t VALUES (1, 'a', 'b', 1)")
    lengths = []
    for table in ("plain", "t"):
        _, before = pipe.mariadb.end_of_log()
        pipe.run(f"INSERT INTO {table} VALUES (2, 'c', 'd', 2)")
        lengths.append(pipe.mariadb.end_of_log()[1] - before)
    assert lengths[1] >= lengths[0] + 16 and "HASH" not in pipe.run("SHOW CREATE TABLE t")[0][1].upper().replace("USING HASH", "")
    trap("UNIQUE on TEXT adds values to the rows in the log, of columns that are in no definition")
    pipe.live()
    pipe.run("INSERT INTO t VALUES (3, 'e', 'f', 3)")
    pipe.run("UPDATE t SET x = 'g', v = 8 WHERE id = 1")
    pipe.run("DELETE FROM t WHERE id = 2")
    assert pipe.equal("t", "plain") == 3
    # Where the log does not name its columns these cannot be told from others: nothing is read by guess.
    pipe.mariadb.run("SET GLOBAL binlog_row_metadata = MINIMAL")
    pipe.run("INSERT INTO t VALUES (4, 'h', 'i', 4)")
    pipe.run("INSERT INTO plain VALUES (4, 'h', 'i', 4)")
    assert pipe.equal("plain") == 2
    error = pipe.table("t")["error"]
    assert "binlog_row_metadata=FULL" in error["message"], error
    assert sorted(pipe.rows("t", "id")) == [[1], [3]]


@MYSQL
@pytest.mark.rule("generated-invisible-keys")
def test_a_generated_invisible_key(pipe, trap):
    with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_generate_invisible_primary_key = ON, show_create_table_skip_secondary_engine = OFF")
        cursor.execute("CREATE TABLE t (v INT)")
        cursor.execute("INSERT INTO t VALUES (1), (1), (2)")
        cursor.execute("SET SESSION show_gipk_in_create_table_and_information_schema = OFF")
        cursor.execute("SHOW CREATE TABLE t")
        assert "my_row_id" not in cursor.fetchone()[1]
        cursor.execute("SELECT * FROM t")
        assert len(cursor.description) == 1
    trap("a table has a key that SELECT * does not show, nor SHOW CREATE TABLE where the server is set so")
    pipe.live()
    pipe.run("DELETE FROM t WHERE v = 1 LIMIT 1")
    pipe.run("INSERT INTO t VALUES (2)")
    pipe.run("UPDATE t SET v = 5 WHERE v = 1")
    pipe.caught_up()
    assert sorted(pipe.rows("t", "v")) == sorted(map(list, pipe.run("SELECT v FROM t"))) == [[2], [2], [5]]


@pytest.mark.rule("own-server-is-proven")
def test_a_lagging_replica_answers_a_reader(engine, own_mariadb, clickhouse, trap):
    """Behind one address: the stream reads the first server, and readers that come later reach the second."""
    first, second = own_mariadb("--server-id=11"), own_mariadb("--server-id=12")
    pipe = Pipe(engine, first, clickhouse)
    for server in (first, second):
        server.run(f"CREATE DATABASE IF NOT EXISTS {pipe.source}")
        server.run(TABLE, database=pipe.source)
        server.run("INSERT INTO t VALUES (1, 1)", database=pipe.source)
    first.run("INSERT INTO t VALUES (2, 2)", database=pipe.source)
    assert second.run("SELECT * FROM t", database=pipe.source) == ((1, 1),)
    with Proxy(first.port) as proxy:
        engine.start()
        pipe.live(url=unencrypted(first, proxy.port))

        def request(data):
            if b"SHOW CREATE TABLE" in data:
                proxy.target = second.port

        def resync():
            proxy.on_request = request
            engine.sluice("resync", "p")
            wait_until(lambda: proxy.target == second.port, 30 * PATIENCE, "the second server answers")
            proxy.on_request = None

        proxy.target = second.port
        with contextlib.closing(pymysql.connect(host="127.0.0.1", port=proxy.port, user="repl", password=second.password_file.read_text().strip())) as there, there.cursor() as cursor:
            cursor.execute(f"SELECT id FROM {pipe.source}.t")
            assert cursor.fetchall() == ((1,),) and first.run("SELECT COUNT(*) FROM t", database=pipe.source) == ((2,),)
        trap("a replica that lags, behind the same address, answers a reader: rows are missing that were there before the load")
        proxy.target = first.port
        resync()

        def told():
            """By a reader, or by the stream, which is opened anew for a resync."""
            status = engine.pipe("p")
            return "another server answers" in str(status["stalled"]) or "has not the transactions" in str(status["error"])

        wait_until(told, 60 * PATIENCE, lambda: engine.describe("p"))
        assert sorted(pipe.rows("t", "id")) == [[1], [2]]
        proxy.target = first.port

        def goes_on():
            if engine.pipe("p")["state"] == "Failed":  # the stream met the second server too, and gave it ten seconds
                engine.sluice("retry", "p", ok=None)
            return engine.pipe("p")["state"] == "Running"

        wait_until(goes_on, 120 * PATIENCE, lambda: engine.describe("p"), 0.5)
        pipe.run("INSERT INTO t VALUES (3, 3)")
        assert pipe.equal("t") == 3


@MYSQL
@pytest.mark.rule("failover-needs-our-transactions")
def test_a_server_serves_what_it_never_had(engine, folder, own_mariadb, clickhouse, trap):
    first = own_mariadb()
    pipe = Pipe(engine, first, clickhouse)
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, 1)")
    first.stop()
    shutil.copytree(first.folder / "data", folder / "other" / "data")
    (folder / "other" / "data" / "auto.cnf").unlink()  # its uuid
    shutil.copy(first.folder / "port", folder / "other" / "port")
    first.start()
    engine.start()
    pipe.live()
    pipe.run("INSERT INTO t VALUES (2, 2)")
    pipe.caught_up()
    engine.stop()
    first.stop()
    shutil.copytree(engine.state_dir, engine.folder / "kept")
    with MariaDB(folder / "other", "--server-id=2", kind="mysql") as other:
        pipe.mariadb = other
        with trap.without("failover-needs-our-transactions"):
            engine.start()
            wait_until(lambda: "another server answers" in pipe.journal(), 60 * PATIENCE, lambda: engine.describe("p"))
            pipe.run("INSERT INTO t VALUES (3, 3)")
            wait_until(lambda: pipe.rows("t", "id", "id = 3"), 60 * PATIENCE, lambda: engine.describe("p"))
            assert sorted(pipe.rows("t", "id")) == [[1], [2], [3]] and pipe.run("SELECT id FROM t") == ((1,), (3,))
            trap("MySQL serves a set of transactions that it never had, without a word: their rows stay for ever")
            engine.kill()
        shutil.rmtree(engine.state_dir)
        shutil.move(engine.folder / "kept", engine.state_dir)
        engine.start()
        assert "has not the transactions" in pipe.wait("Failed", seconds=90)["error"]["message"]
