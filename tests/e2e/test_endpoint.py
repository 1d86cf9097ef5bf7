"""sluice-clickhouse over HTTP, as a client sees it."""

import base64
import concurrent.futures
import gzip
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import zlib

import pytest
from harness.process import cpu_seconds, die_with_parent, end, wait_until

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", TOP / "build"))
PROGRAM = os.environ.get("SLUICE_ENDPOINT", BUILD / "sluice-clickhouse")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.cut = False
        try:
            self.body = response.read()
        except http.client.IncompleteRead as short:
            self.body = short.partial
            self.cut = True

    @property
    def text(self):
        return self.body.decode()

    @property
    def code(self):
        return int(self.headers.get("X-ClickHouse-Exception-Code", 0))

    @property
    def summary(self):
        return json.loads(self.headers["X-ClickHouse-Summary"])


class Endpoint:
    def __init__(self, folder, *options, environment=None):
        self.data = pathlib.Path(folder) / "data"
        self.process = subprocess.Popen(
            [PROGRAM, "--data", self.data, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(pathlib.Path(folder) / "endpoint.log", "ab"), preexec_fn=die_with_parent,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        line = self.process.stdout.readline()
        assert line, (pathlib.Path(folder) / "endpoint.log").read_text()
        self.ready = json.loads(line)
        self.url = urllib.parse.urlsplit(self.ready["url"])
        self.password = pathlib.Path(self.ready["password_file"]).read_text().strip()

    def connect(self, timeout=120):
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=timeout)

    def ask(self, body=b"", method="POST", path="/", headers=None, auth=True, connection=None, **parameters):
        headers = dict(headers or {})
        if auth:
            token = base64.b64encode(f"default:{self.password}".encode()).decode()
            headers.setdefault("Authorization", "Basic " + token)
        if parameters:
            path += "?" + urllib.parse.urlencode(parameters, doseq=True)
        own = connection is None
        connection = connection or self.connect()
        chunked = not isinstance(body, (bytes, str))
        connection.request(method, path, body.encode() if isinstance(body, str) else body, headers, encode_chunked=chunked)
        answer = Answer(connection.getresponse())
        if own:
            connection.close()
        return answer

    def query(self, text, **parameters):
        answer = self.ask(text, **parameters)
        assert answer.status == 200, answer.text
        return answer.text

    def insert(self, statement, data, **options):
        answer = self.ask(data, query=statement, **options)
        assert answer.status == 200, answer.text
        return answer

    def rss(self, which="VmRSS"):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(which + r":\s+(\d+) kB", f.read()).group(1)) * 1024

    def stop(self):
        code = end(self.process, 40)
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def endpoint(session_folder):
    folder = session_folder / "endpoint"
    folder.mkdir()
    made = Endpoint(folder)
    yield made
    assert made.stop() == 0


@pytest.fixture
def table(endpoint, request):
    name = "t_" + re.sub(r"\W", "_", request.node.name)
    endpoint.query(f"CREATE TABLE {name} (a Int64, b String) ENGINE = MergeTree ORDER BY a")
    yield name
    endpoint.query(f"DROP TABLE {name} SYNC")


@pytest.fixture
def start(folder):
    """Starts endpoints on one data dir."""
    made = []

    def start(*options, **more):
        made.append(Endpoint(folder, *options, **more))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.stop()


def program_fails(*options, environment=None):
    done = subprocess.run([PROGRAM, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(environment or {})})  # fmt: skip
    assert done.stdout == ""
    return done.returncode, done.stderr


# ---- who may speak ----


def test_ready_line_and_password_file(endpoint):
    assert set(endpoint.ready) == {"url", "user", "password_file"}
    assert endpoint.ready["user"] == "default"
    assert endpoint.url.hostname == "127.0.0.1"
    assert os.stat(endpoint.ready["password_file"]).st_mode & 0o777 == 0o600
    assert len(endpoint.password) >= 32


def test_ping_needs_nothing(endpoint):
    for host in ("127.0.0.1", "example.com"):
        answer = endpoint.ask(method="GET", path="/ping", auth=False, headers={"Host": host, "Origin": "http://evil.example"})
        assert (answer.status, answer.body) == (200, b"Ok.\n")
    answer = endpoint.ask(method="HEAD", path="/ping", auth=False)
    assert (answer.status, answer.body) == (200, b"")


def test_root_and_other_paths(endpoint):
    assert endpoint.ask(method="GET", auth=False).body == b"Ok.\n"
    assert endpoint.ask(method="GET", path="/nowhere").status == 404
    assert endpoint.ask(method="PUT").status == 405
    options = endpoint.ask(method="OPTIONS", auth=False)
    assert options.status == 204 and "POST" in options.headers["Allow"]


@pytest.mark.parametrize(
    "headers,parameters,status,code",
    [
        ({}, {}, 401, 194),
        ({"Authorization": "Basic " + base64.b64encode(b"default:wrong").decode()}, {}, 403, 516),
        ({"Authorization": "Basic " + base64.b64encode(b"other:PASSWORD").decode()}, {}, 403, 516),
        ({"X-ClickHouse-User": "default", "X-ClickHouse-Key": "wrong"}, {}, 403, 516),
        ({"X-ClickHouse-User": "default"}, {}, 403, 516),
        ({}, {"user": "default", "password": ""}, 403, 516),
        ({}, {"password": "PASSWORD"}, 200, 0),
        ({"X-ClickHouse-User": "default", "X-ClickHouse-Key": "PASSWORD"}, {}, 200, 0),
        ({"X-ClickHouse-Key": "PASSWORD"}, {}, 200, 0),
        ({}, {"user": "default", "password": "PASSWORD"}, 200, 0),
    ],
)
def test_auth(endpoint, headers, parameters, status, code):
    headers = {k: v.replace("PASSWORD", endpoint.password) for k, v in headers.items()}
    parameters = {k: v.replace("PASSWORD", endpoint.password) for k, v in parameters.items()}
    answer = endpoint.ask("SELECT 1", headers=headers, auth=False, **parameters)
    assert (answer.status, answer.code) == (status, code), answer.text


def test_auth_refused_with_a_large_body(endpoint):
    answer = endpoint.ask(b"x" * 20_000_000, query="INSERT INTO t FORMAT TSV", auth=False)
    assert (answer.status, answer.code) == (401, 194)


def test_web_pages_are_refused(endpoint):
    port = endpoint.url.port
    for headers in ({"Origin": "http://localhost"}, {"Host": "evil.example"}, {"Host": f"evil.example:{port}"}, {"Host": "127.0.0.1:1"}):
        assert endpoint.ask("SELECT 1", headers=headers).status == 403, headers
    assert endpoint.ask("SELECT 1", headers={"Host": f"localhost:{port}"}).status == 200


def test_files_of_the_server_are_out_of_reach_of_statements(endpoint, table, tmp_path):
    for text in (
        f"SELECT 1 INTO OUTFILE '{tmp_path}/x'",
        f"SELECT 1 /* c */ into -- c\n outfile '{tmp_path}/x' FORMAT CSV",
        f"INSERT INTO {table} FROM INFILE '/etc/passwd' FORMAT LineAsString",
    ):
        answer = endpoint.ask(text)
        assert (answer.status, answer.code) == (403, 497), answer.text
    assert not (tmp_path / "x").exists()
    assert endpoint.query("SELECT 'INTO OUTFILE' AS `into outfile`") == "INTO OUTFILE\n"


def test_bad_starts(tmp_path, endpoint):
    code, text = program_fails()
    assert code == 2 and "--data" in text
    code, text = program_fails("--data", tmp_path / "d", "--listen", "nonsense")
    assert code == 2 and "--listen" in text and text.count("\n") == 1
    code, text = program_fails("--data", tmp_path / "d", "--library", "/nonexistent.so")
    assert code == 1 and "/nonexistent.so" in text and "quickstart" in text and text.count("\n") == 1
    code, text = program_fails("--data", tmp_path / "d", environment={"SLUICE_LIBCHDB": "/etc/passwd"})
    assert code == 1 and "/etc/passwd" in text and text.count("\n") == 1
    code, text = program_fails("--data", endpoint.data)
    assert code == 1 and "in use" in text and text.count("\n") == 1
    (tmp_path / "empty").write_text("\n")
    code, text = program_fails("--data", tmp_path / "d", "--password-file", tmp_path / "empty")
    assert code == 1 and "empty" in text and text.count("\n") == 1
    code, text = program_fails("--data", tmp_path / "d", "--listen", f"127.0.0.1:{endpoint.url.port}")
    assert code == 1 and "cannot listen" in text


def test_own_user_and_password(start, tmp_path):
    (tmp_path / "p").write_text("söcret\n")
    os.chmod(tmp_path / "p", 0o600)
    endpoint = start("--user", "me", "--password-file", str(tmp_path / "p"))
    assert endpoint.ask("SELECT 1").status == 403
    token = base64.b64encode("me:söcret".encode()).decode()
    assert endpoint.ask("SELECT 1", headers={"Authorization": "Basic " + token}).status == 200


def test_tls(start, tmp_path):
    import ssl

    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key", "-out", tmp_path / "cert",
                    "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)  # fmt: skip
    endpoint = start("--tls-cert", str(tmp_path / "cert"), "--tls-key", str(tmp_path / "key"))
    assert endpoint.url.scheme == "https"
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection("127.0.0.1", endpoint.url.port, context=context)
    assert endpoint.ask("SELECT 1", connection=connection).body == b"1\n"


# ---- queries ----


def test_query_in_url_or_body_or_both(endpoint):
    assert endpoint.ask(method="GET", query="SELECT 1").body == b"1\n"
    assert endpoint.ask("SELECT 2").body == b"2\n"
    assert endpoint.ask("3", query="SELECT").body == b"3\n"
    assert endpoint.ask("SELECT 4", query="").body == b"4\n"
    assert endpoint.ask(iter([b"SEL", b"ECT", b" 5"])).body == b"5\n"
    assert endpoint.ask(method="HEAD", query="SELECT 1").body == b""


def test_headers(endpoint):
    answer = endpoint.ask("SELECT number FROM numbers(3) FORMAT JSONEachRow", query_id="my query\r\nX-Bad: 1")
    assert answer.headers["X-ClickHouse-Query-Id"] == "my query??X-Bad: 1"
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert answer.headers["Content-Type"] == "application/x-ndjson; charset=UTF-8"
    assert answer.headers["X-ClickHouse-Timezone"]
    assert answer.headers["X-ClickHouse-Server-Display-Name"]
    assert answer.summary["read_rows"] == "3" and answer.summary["result_rows"] == "3"
    assert re.fullmatch(r"[0-9a-f-]{36}", endpoint.ask("SELECT 1").headers["X-ClickHouse-Query-Id"])
    assert re.fullmatch(r"[0-9a-f-]{36}", endpoint.ask("SELECT 1", query_id="").headers["X-ClickHouse-Query-Id"])


def test_settings_parameters_database_format(endpoint):
    assert endpoint.query("SELECT getSetting('max_threads')", max_threads=3) == "3\n"
    assert endpoint.query("SELECT getSetting('log_comment')", log_comment="it's \\ 'so'", default_format="TSVRaw") == "it's \\ 'so'\n"
    assert endpoint.query("SELECT {x:String}, {y:Array(Int8)}", param_x="a\\tb'", param_y="[1,2]", default_format="JSONCompactEachRow") == '["a\\tb\'", [1,2]]\n'
    endpoint.query("CREATE DATABASE IF NOT EXISTS `d\\`b`")
    assert endpoint.query("SELECT currentDatabase()", database="d`b") == "d`b\n"
    assert endpoint.ask("SELECT currentDatabase()", headers={"X-ClickHouse-Database": "d`b"}).text == "d`b\n"
    assert endpoint.ask("SELECT 1 AS x", headers={"X-ClickHouse-Format": "JSONEachRow"}).text == '{"x":1}\n'
    assert endpoint.query("SELECT 1", wait_end_of_query=1, buffer_size=1000, client_protocol_version=54405, quota_key="k") == "1\n"


@pytest.mark.parametrize(
    "text,parameters,status,code",
    [
        ("SELECT * FROM nope", {}, 404, 60),
        ("SELECT * FROM nope.nope", {}, 404, 81),
        ("SELECT 1", {"database": "nope"}, 404, 81),
        ("SELECT 1", {"no_such_setting": "1"}, 404, 115),
        ("SELECT 1", {"bad'name": "1"}, 404, 115),
        ("SELECT 1", {"max_threads": "x"}, 400, 27),
        ("SELECT 1", {"role": "nope"}, 404, 511),
        ("SELECT nope", {}, 404, 47),
        ("SELECT nope(1)", {}, 404, 46),
        ("SELEC 1", {}, 400, 62),
        ("exit", {}, 400, 62),
        ("\\d", {}, 400, 62),
        ("", {}, 400, 62),
        (" -- nothing\n;", {}, 400, 62),
        ("SELECT 1; SELECT 2", {}, 400, 62),
        ("SELECT 1 FORMAT Nope", {}, 404, 73),
        ("SELECT toInt8('x')", {}, 400, 6),
        ("SELECT throwIf(1)", {}, 500, 395),
        ("SELECT sleep(3)", {"max_execution_time": "1"}, 408, 159),
        ("CREATE USER u", {}, 403, 497),
        ("SELECT 1", {"compress": "1"}, 501, 48),
        ("SELECT 1", {"session_timeout": "x"}, 500, 374),
        ("SELECT {x:Int8}", {}, 500, 456),
        ("INSERT INTO nope FORMAT TSV\n1\n", {}, 404, 60),
        ("INSERT INTO nope VALUES (1)", {}, 404, 60),
    ],
)
def test_errors(endpoint, text, parameters, status, code):
    answer = endpoint.ask(text, **parameters)
    assert (answer.status, answer.code) == (status, code), answer.text
    assert re.fullmatch(r"Code: %d\. DB::Exception: .* \([A-Z_0-9]+\) \(version [0-9.]+\)\n" % code, answer.text, re.S), answer.text
    assert answer.text.count("DB::Exception") == 1


def test_get_only_reads(endpoint, table):
    for text in (f"DROP TABLE {table}", f"INSERT INTO {table} VALUES (1, 'x')", f"INSERT INTO {table} SELECT 1, ''", "KILL QUERY WHERE 1",
                 f"WITH 1 AS x INSERT INTO {table} SELECT x, ''"):  # fmt: skip
        answer = endpoint.ask(method="GET", query=text)
        assert (answer.status, answer.code) == (500, 164), answer.text
    assert endpoint.ask(method="GET", query=f"SELECT count() FROM {table}").text == "0\n"
    assert endpoint.ask(method="GET", query="(SELECT 1)").text == "1\n"
    assert endpoint.ask(method="GET", query="SHOW TABLES").status == 200


def test_a_trailing_semicolon_and_comments(endpoint):
    assert endpoint.query("SELECT 1;") == "1\n"
    assert endpoint.query("/* a */ SELECT 1 -- b\n;;") == "1\n"
    assert endpoint.query("SELECT 1 AS format FORMAT JSONEachRow -- c") == '{"format":1}\n'
    assert json.loads(endpoint.query("SELECT 1 AS x -- c\n FORMAT JSON SETTINGS max_threads = 1"))["data"] == [{"x": 1}]


@pytest.mark.parametrize("format", ["TSV", "TSVWithNames", "CSVWithNames", "JSON", "JSONCompact", "JSONEachRow", "JSONCompactEachRowWithNamesAndTypes",
                                    "RowBinary", "RowBinaryWithNamesAndTypes", "Native", "Values", "XML", "Parquet", "Markdown"])  # fmt: skip
def test_formats_are_whole_documents(endpoint, format):
    """The same bytes as the engine gives in one piece, where the document says nothing of time."""
    text = f"SELECT number AS n, toString(number) AS s FROM numbers(200000) FORMAT {format}"
    answer = endpoint.ask(text, output_format_write_statistics=0, max_threads=1, output_format_parallel_formatting=0)
    assert answer.status == 200
    assert answer.headers["X-ClickHouse-Format"] == format
    if format in ("TSV", "JSONEachRow"):
        assert answer.body.count(b"\n") == 200000
    if format in ("TSVWithNames", "CSVWithNames"):
        assert answer.body.count(b"\n") == 200001
    if format == "RowBinaryWithNamesAndTypes":
        assert answer.body.count(b"\x01n\x01s") == 1
    if format.startswith("JSONCompactEachRowWith"):
        assert answer.body.count(b"\n") == 200002
    if format in ("JSON", "JSONCompact"):
        assert json.loads(answer.body)["rows"] == 200000 == len(json.loads(answer.body)["data"])
    if format == "Parquet":
        assert answer.body[:4] == answer.body[-4:] == b"PAR1"
    if format == "XML":
        assert answer.body.count(b"<row>") == 200000 and answer.body.rstrip().endswith(b"</result>")
    waited = endpoint.ask(text, output_format_write_statistics=0, max_threads=1, output_format_parallel_formatting=0, wait_end_of_query=1)
    assert waited.body == answer.body
    assert int(waited.headers["Content-Length"]) == len(waited.body)


def test_framed_rows_and_totals(endpoint):
    answer = endpoint.query("SELECT number FROM numbers(200000) FORMAT JSONEachRow", output_format_json_array_of_rows=1)
    assert len(json.loads(answer)) == 200000
    endpoint.query("SET output_format_json_array_of_rows = 1", session_id="framed")
    assert len(json.loads(endpoint.query("SELECT number FROM numbers(200000) FORMAT JSONEachRow", session_id="framed"))) == 200000
    assert endpoint.query("SELECT number % 2 AS k, count() FROM numbers(4) GROUP BY k WITH TOTALS ORDER BY k") == "0\t2\n1\t2\n\n0\t4\n"


def test_error_in_the_middle(endpoint):
    text = "SELECT number, throwIf(number = 3000000) FROM numbers(10000000)"
    answer = endpoint.ask(text, max_block_size=65536, max_threads=1)
    assert answer.status == 200 and answer.cut, "rows were sent before, and the connection is cut after the error"
    tag = answer.headers["X-ClickHouse-Exception-Tag"]
    found = re.search(rb"\r\n__exception__\r\n%s\r\n(.*\n)(\d+) %s\r\n__exception__\r\n$" % (tag.encode(), tag.encode()), answer.body, re.S)
    assert found and int(found[2]) == len(found[1]) and found[1].startswith(b"Code: 395. ")
    waited = endpoint.ask(text, wait_end_of_query=1)
    assert (waited.status, waited.code) == (500, 395)
    framed = endpoint.ask(text + " FORMAT JSON", max_block_size=65536)
    assert framed.cut and b"__exception__" in framed.body[-2000:]
    assert (endpoint.ask(text + " FORMAT JSON", wait_end_of_query=1)).code == 395


def test_large_results_take_little_memory(endpoint):
    endpoint.query("SELECT 1")
    for format in ("TSV", "JSON"):
        before = endpoint.rss()
        connection = endpoint.connect()
        token = base64.b64encode(f"default:{endpoint.password}".encode()).decode()
        connection.request("POST", "/", f"SELECT number, repeat('x', 90) FROM numbers(5000000) FORMAT {format}", {"Authorization": "Basic " + token})
        answer = connection.getresponse()
        total, most = 0, 0
        while piece := answer.read(1 << 20):
            total += len(piece)
            most = max(most, endpoint.rss())
        assert total > 480_000_000
        assert most - before < 200_000_000, f"{format}: {before} -> {most}"
    answer = endpoint.ask("SELECT repeat('x', 90) FROM numbers(1000000)", wait_end_of_query=1)
    assert len(answer.body) == 91_000_000
    assert not list(endpoint.data.glob("response-*"))


@pytest.mark.parametrize("format", ["TSV", "JSON"])
def test_a_reader_that_leaves(endpoint, format):
    """Its query ends, and the connection of the engine with it."""
    raw = socket.create_connection((endpoint.url.hostname, endpoint.url.port))
    body = f"SELECT number, 'leaves{format}' FROM numbers(100000000000) FORMAT {format}".encode()
    token = base64.b64encode(f"default:{endpoint.password}".encode())
    raw.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\n\r\n%s" % (endpoint.url.port, token, len(body), body))
    assert raw.recv(100000)
    raw.close()
    wait_until(lambda: endpoint.query(f"SELECT count() FROM system.processes WHERE query LIKE '%numbers(100000000000)%' AND query LIKE '%leaves{format}%' AND query NOT LIKE '%system.processes%'") == "0\n", 20, "the query is gone")  # fmt: skip


# ---- inserts ----

ROWS = "1\tone\n2\ttwo\n"


def content(endpoint, table):
    return endpoint.query(f"SELECT * FROM {table} ORDER BY a, b")


@pytest.mark.parametrize(
    "query,body",
    [
        (None, "INSERT INTO {t} FORMAT TSV\n1\tone\n2\ttwo\n"),
        (None, "INSERT INTO {t} FORMAT TSV 1\tone\n2\ttwo\n"),
        (None, "insert /* ( */ into `{t}` (a, -- comment\n \"b\") format TabSeparated\r\n1\tone\n2\ttwo\n"),
        (None, "INSERT INTO {t} VALUES (1, 'one'), (2, 'two')"),
        (None, "INSERT INTO {t} (b, a) VALUES ('one', 1), ('two', 2);"),
        (None, "INSERT INTO {t} (a, b) SETTINGS max_threads = 1, log_comment = 'FORMAT x' FORMAT TSV\n1\tone\n2\ttwo\n"),
        (None, "INSERT INTO TABLE default.{t} FORMAT JSONEachRow {{\"a\":1,\"b\":\"one\"}} {{\"a\":2,\"b\":\"two\"}}"),
        (None, "INSERT INTO {t} SELECT number + 1, ['one', 'two'][number + 1] FROM numbers(2)"),
        (None, "INSERT INTO {t} (a, b) (SELECT number + 1, ['one', 'two'][number + 1] FROM numbers(2))"),
        (None, "INSERT INTO {t} SELECT x + 1, y FROM input('x Int64, y String') FORMAT TSV\n0\tone\n1\ttwo\n"),
        ("INSERT INTO {t} FORMAT TSV", ROWS),
        ("INSERT INTO {t} FORMAT TSV\n", ROWS),
        ("INSERT INTO {t}", "FORMAT TSV\n" + ROWS),
        ("INSERT INTO {t} (a, b)", "VALUES (1, 'one'), (2, 'two')"),
        ("INSERT INTO {t} VALUES", "(1, 'one'), (2, 'two')"),
        ("INSERT INTO {t} VALUES (1, 'one'),", "(2, 'two')"),
        ("INSERT INTO {t} VALUES (1, 'one'), (2, 'two')", ""),
        ("INSERT INTO {t} SELECT x, y FROM input('x Int64, y String') FORMAT TSV", ROWS),
    ],
)
def test_shapes_of_inserts(endpoint, table, query, body):
    parameters = {"query": query.format(t=table)} if query else {}
    answer = endpoint.ask(body.format(t=table), **parameters)
    assert answer.status == 200, answer.text
    assert content(endpoint, table) == ROWS
    assert answer.summary["written_rows"] == "2"


def test_default_format_of_an_insert(endpoint, table):
    endpoint.insert(f"INSERT INTO {table}", ROWS, default_format="TSV")
    assert content(endpoint, table) == ROWS


def native_block(columns):
    """columns: [(name, [Int64 values])]"""

    def varuint(n):
        out = b""
        while n >= 0x80:
            out += bytes([n & 0x7F | 0x80])
            n >>= 7
        return out + bytes([n])

    out = varuint(len(columns)) + varuint(len(columns[0][1]))
    for name, values in columns:
        out += varuint(len(name)) + name.encode() + varuint(5) + b"Int64"
        out += b"".join(v.to_bytes(8, "little", signed=True) for v in values)
    return out


@pytest.mark.parametrize("columns", [1, 9, 10, 13, 32, 59])
def test_native_blocks_that_begin_with_white_space(endpoint, columns):
    """A block of 10 columns begins with a line break, one of 59 with a semicolon."""
    names = [f"c{i}" for i in range(columns)]
    endpoint.query(f"CREATE OR REPLACE TABLE native ({', '.join(n + ' Int64' for n in names)}) ENGINE = MergeTree ORDER BY c0")
    block = native_block([(n, [10, 13, 2570]) for n in names])
    endpoint.insert("INSERT INTO native FORMAT Native", block)
    endpoint.insert("INSERT INTO native FORMAT Native \n", block)
    assert endpoint.ask(b"INSERT INTO native FORMAT Native\n" + block).status == 200
    assert endpoint.query("SELECT count(), sum(c0) FROM native") == "9\t7779\n"


def test_empty_lines_in_data(endpoint, table):
    """The engine cuts data in a query's text at the first empty line."""
    endpoint.query("CREATE OR REPLACE TABLE strings (s String) ENGINE = MergeTree ORDER BY s")
    lines = "a\n\nb\n\n\nc\n"
    assert endpoint.ask("INSERT INTO strings FORMAT TSV\n" + lines).status == 200
    endpoint.insert("INSERT INTO strings FORMAT LineAsString", lines)
    assert endpoint.query("SELECT count(), countIf(s = '') FROM strings") == "12\t6\n"
    data = b"".join(i.to_bytes(8, "little") + b"\x02\n\n" for i in range(100000))
    endpoint.insert(f"INSERT INTO {table} FORMAT RowBinary", data)
    assert endpoint.query(f"SELECT count(), sum(a), any(b) = '\\n\\n' FROM {table}") == f"100000\t{sum(range(100000))}\t1\n"


def big_rows(n=200000):
    return "".join(f"{i}\trow number {i}\n" for i in range(n)).encode()


def lz4_frame(data):
    return subprocess.run(["lz4", "-z", "-c"], input=data, capture_output=True, check=True).stdout


def zstd_frame(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


ENCODERS = {"gzip": gzip.compress, "deflate": zlib.compress, "lz4": lz4_frame, "zstd": zstd_frame}


def have(encoding):
    program = {"lz4": "lz4", "zstd": "zstd"}.get(encoding)
    assert not program or shutil.which(program), f"the program {program} is needed"


@pytest.mark.parametrize("encoding", ENCODERS)
def test_compressed_bodies(endpoint, table, encoding):
    have(encoding)
    rows = big_rows()
    encode = ENCODERS[encoding]
    endpoint.insert(f"INSERT INTO {table} FORMAT TSV", encode(rows), headers={"Content-Encoding": encoding})
    head = f"INSERT INTO {table} FORMAT TSV\n".encode()
    half = rows.index(b"\n100000\t") + 1
    answer = endpoint.ask(encode(head + rows[:half]) + (encode(rows[half:]) if encoding != "deflate" else b""), headers={"Content-Encoding": encoding})
    assert answer.status == 200, answer.text
    pieces = encode(rows)
    answer = endpoint.ask(iter([pieces[i : i + 9999] for i in range(0, len(pieces), 9999)]), query=f"INSERT INTO {table} FORMAT TSV", headers={"Content-Encoding": encoding})
    assert answer.status == 200, answer.text
    assert endpoint.query(f"SELECT count(), uniqExact(a) FROM {table}") == ("600000" if encoding != "deflate" else "500000") + "\t200000\n"


@pytest.mark.parametrize("encoding", ENCODERS)
def test_broken_compressed_bodies(endpoint, table, encoding):
    have(encoding)
    whole = ENCODERS[encoding](big_rows(2000))
    code = {"lz4": 618, "zstd": 561}.get(encoding, 354)
    for body in (whole[: len(whole) // 2], b"nonsense" * 100, whole[:-1]):
        answer = endpoint.ask(body, query=f"INSERT INTO {table} FORMAT TSV", headers={"Content-Encoding": encoding})
        assert (answer.status, answer.code) == (500, code), answer.text
    assert content(endpoint, table) == ""
    assert endpoint.ask(b"", query="SELECT 1", headers={"Content-Encoding": "br"}).code == 48


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("wait", [0, 1])
def test_compressed_answers(endpoint, encoding, wait):
    answer = endpoint.ask("SELECT number FROM numbers(1000000)", enable_http_compression=1, wait_end_of_query=wait, headers={"Accept-Encoding": f"br;q=1, {encoding}"})
    assert answer.headers["Content-Encoding"] == encoding
    assert zlib.decompress(answer.body, 15 + 32).count(b"\n") == 1000000
    assert "Content-Encoding" not in endpoint.ask("SELECT 1", headers={"Accept-Encoding": "gzip"}).headers
    error = endpoint.ask("SELECT nope", enable_http_compression=1, headers={"Accept-Encoding": "gzip"})
    assert error.code == 47 and error.text.startswith("Code: 47")


@pytest.mark.parametrize("encoding,program", [("lz4", ["lz4", "-d", "-c"]), ("zstd", ["zstd", "-d", "-q", "-c"])])
def test_answers_in_lz4_and_zstd(endpoint, encoding, program):
    have(encoding)
    answer = endpoint.ask("SELECT number FROM numbers(1000000)", enable_http_compression=1, headers={"Accept-Encoding": encoding})
    assert answer.headers["Content-Encoding"] == encoding
    assert subprocess.run(program, input=answer.body, capture_output=True, check=True).stdout.count(b"\n") == 1000000


def test_errors_of_inserts(endpoint, table):
    answer = endpoint.insert(f"INSERT INTO {table} FORMAT TSV", "")
    assert answer.summary["written_rows"] == "0"
    answer = endpoint.ask("1\tone\nx\ttwo\n", query=f"INSERT INTO {table} FORMAT TSV")
    assert (answer.status, answer.code) == (400, 27), answer.text
    answer = endpoint.ask(big_rows() + b"x\ty\n" + big_rows(), query=f"INSERT INTO {table} FORMAT TSV")
    assert (answer.status, answer.code) == (400, 27), answer.text
    answer = endpoint.ask("1\n", query=f"INSERT INTO {table} (nope) FORMAT TSV")
    assert (answer.status, answer.code) == (500, 16), answer.text
    answer = endpoint.ask("1\n", query=f"INSERT INTO {table} FORMAT Nope")
    assert (answer.status, answer.code) == (404, 73), answer.text
    answer = endpoint.ask(f"INSERT INTO {table} FORMAT TSV;\n1\tx\n")
    assert (answer.status, answer.code) == (400, 62), answer.text
    assert content(endpoint, table) == ""
    endpoint.query("CREATE OR REPLACE TABLE checked (a Int64, CONSTRAINT c CHECK a > 0) ENGINE = MergeTree ORDER BY a PARTITION BY a")
    assert endpoint.ask("-1\n", query="INSERT INTO checked FORMAT TSV").code == 469
    assert endpoint.ask("1\n2\n3\n", query="INSERT INTO checked FORMAT TSV", max_partitions_per_insert_block=2).code == 252
    answer = endpoint.ask(b"1\tx\n" * 5_000_000, query="INSERT INTO nope FORMAT TSV")
    assert (answer.status, answer.code) == (404, 60), "a large body is read, then the error is told"
    answer = endpoint.ask("0\tx\nx\tx\n", query=f"INSERT INTO {table} SELECT x, y FROM input('x Int64, y String') FORMAT TSV")
    assert answer.code == 27, answer.text
    assert content(endpoint, table) == ""


def running(endpoint, text, count=1):
    """Until so many statements with these words run there."""
    ask = "SELECT count() FROM system.processes WHERE position(query, {text:String}) > 0 AND position(query, 'system.processes') = 0"
    wait_until(lambda: endpoint.query(ask, param_text=text) == f"{count}\n", 20, f"{text} runs")


def test_an_insert_that_is_cut_off(endpoint, table):
    """A body that ends early is not committed."""
    token = base64.b64encode(f"default:{endpoint.password}".encode())
    path = "/?" + urllib.parse.urlencode({"query": f"INSERT INTO {table} FORMAT TSV"})
    for head in (b"Content-Length: 100000", b"Transfer-Encoding: chunked"):
        raw = socket.create_connection((endpoint.url.hostname, endpoint.url.port))
        raw.sendall(b"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Basic %s\r\n%s\r\n\r\n" % (path.encode(), endpoint.url.port, token, head))
        raw.sendall(b"8\r\n1\tone\n\n\r\n" if b"chunked" in head else ROWS.encode())
        running(endpoint, f"INSERT INTO {table}")
        raw.close()
    wait_until(lambda: endpoint.query(f"SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO {table}%'") == "0\n", 20, "gone")
    assert content(endpoint, table) == ""


def test_deduplication_token(endpoint):
    endpoint.query("CREATE OR REPLACE TABLE once (a Int64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
    for token in ("x", "x", "y"):
        endpoint.insert("INSERT INTO once FORMAT TSV", "1\n2\n", insert_deduplication_token=token, async_insert=0)
    assert endpoint.query("SELECT count() FROM once") == "4\n"


def test_inserts_side_by_side(endpoint, table):
    rows = big_rows(50000)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: endpoint.ask(rows, query=f"INSERT INTO {table} FORMAT TSV"), range(16)))
    assert {a.status for a in answers} == {200}
    assert endpoint.query(f"SELECT count() FROM {table}") == "800000\n"


def test_multipart_parameters(endpoint):
    boundary = "xxBOUNDxx"
    long = "v" * 300_000
    fields = {"query": "SELECT length({p:String}), {q:Int8}", "param_p": long, "param_q": "7"}
    body = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()) + f"--{boundary}--\r\n"
    answer = endpoint.ask(body, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
    assert answer.text == "300000\t7\n"
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n1\r\n--{boundary}--\r\n'
    assert endpoint.ask(file, query="SELECT 1", headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}).code == 48


# ---- many, long, killed ----


def test_requests_run_side_by_side(endpoint):
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: endpoint.query("SELECT sleep(2)"), range(4))) == ["0\n"] * 4
    assert time.monotonic() - began < 5


def test_kept_alive_connection(endpoint):
    connection = endpoint.connect()
    for _ in range(50):
        assert endpoint.ask("SELECT 1", connection=connection).body == b"1\n"
        assert endpoint.ask("SELECT nope", connection=connection).code == 47
        assert endpoint.ask(method="GET", path="/ping", connection=connection).status == 200
    connection.close()


@pytest.mark.parametrize("kind", ["TSV", "JSON", "insert"])
def test_kill_by_query_id(endpoint, kind):
    """As the pipe does it: the engine takes no query ids, so the id is the log_comment."""
    ident = f"kill'me {kind}"
    statements = {
        "TSV": "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1 FORMAT TSV",
        "JSON": "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1 FORMAT JSON",
        "insert": "INSERT INTO FUNCTION null('x UInt8') SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1",
    }
    found = {}

    def run():
        found["answer"] = endpoint.ask(statements[kind], query_id=ident, wait_end_of_query=1)

    thread = threading.Thread(target=run)
    thread.start()
    where = "query_id = {id:String} OR Settings['log_comment'] = {id:String}"
    ask = f"SELECT count() FROM system.processes WHERE ({where}) AND query NOT LIKE '%system.processes%'"
    wait_until(lambda: endpoint.query(ask, param_id="kill\\'me " + kind) == "1\n", 10, "it runs")
    again = endpoint.ask("SELECT 1", query_id=ident)
    assert (again.status, again.code) == (500, 216)
    quoted = "kill\\'me " + kind
    endpoint.query(f"KILL QUERY WHERE query_id = '{quoted}' OR Settings['log_comment'] = '{quoted}' ASYNC")
    thread.join(15)
    assert not thread.is_alive()
    assert found["answer"].code == 394, found["answer"].text
    assert endpoint.query(ask, param_id="kill\\'me " + kind) == "0\n"


def test_too_many_queries(endpoint):
    with concurrent.futures.ThreadPoolExecutor(80) as pool:
        jobs = [pool.submit(endpoint.ask, "SELECT sleep(3)") for _ in range(80)]
        wait_until(lambda: sum(job.done() for job in jobs) >= 16, 20, "those that are too many are refused")
        kill = endpoint.ask("KILL QUERY WHERE Settings['log_comment'] = 'nobody' ASYNC")
        codes = [job.result().code for job in jobs]
    assert kill.status == 200, "a KILL gets through"
    assert set(codes) == {0, 202} and codes.count(0) == 64, codes


def test_sessions(endpoint):
    endpoint.query("SET max_threads = 7", session_id="s1")
    endpoint.query("CREATE TEMPORARY TABLE tmp (x Int8)", session_id="s1")
    endpoint.insert("INSERT INTO tmp FORMAT TSV", "5\n", session_id="s1")
    assert endpoint.query("SELECT x, getSetting('max_threads') FROM tmp", session_id="s1") == "5\t7\n"
    # What stands in a URL holds for that request alone.
    assert endpoint.query("SELECT getSetting('max_threads'), currentDatabase()", session_id="s1", max_threads=3, database="system") == "3\tsystem\n"
    assert endpoint.query("SELECT getSetting('max_threads'), currentDatabase()", session_id="s1") == "7\tdefault\n"
    # The engine leaves rows of a failed query behind.
    assert endpoint.ask("SELECT throwIf(number = 100000) FROM numbers(200000)", session_id="s1", wait_end_of_query=1).code == 395
    assert endpoint.query("SHOW TABLES LIKE 'tmp'", session_id="s1") in ("", "tmp\n")
    assert endpoint.ask("SELECT * FROM tmp", session_id="s2").code == 60
    assert endpoint.ask("SELECT * FROM tmp").code == 60
    assert endpoint.ask("SELECT 1", session_id="never", session_check=1).code == 372
    thread = threading.Thread(target=endpoint.query, args=("SELECT sleep(2)",), kwargs={"session_id": "s1"})
    thread.start()
    running(endpoint, "SELECT sleep(2)")
    assert endpoint.ask("SELECT 1", session_id="s1").code == 373
    thread.join()
    endpoint.query("SELECT 1", session_id="s1", session_timeout=1)
    # Each look keeps it for another second.
    wait_until(lambda: endpoint.ask("SELECT * FROM tmp", session_id="s1", session_timeout=1).code == 60, 20, "the session has ended", every=1.3)


# ---- the process ----


def test_data_survives_stop_and_kill(start, folder):
    endpoint = start()
    endpoint.query("CREATE DATABASE d")
    endpoint.query("CREATE TABLE d.t (a Int64) ENGINE = ReplacingMergeTree ORDER BY a")
    endpoint.insert("INSERT INTO d.t FORMAT TSV", "1\n2\n")
    password = endpoint.password
    assert endpoint.stop() == 0
    endpoint = start()
    assert endpoint.password == password
    assert endpoint.query("SELECT * FROM d.t ORDER BY a") == "1\n2\n"
    endpoint.insert("INSERT INTO d.t FORMAT TSV", "3\n")
    stop = threading.Event()

    loaded = []

    def load():
        while not stop.is_set():
            try:
                loaded.append(endpoint.ask("3\n" * 100000, query="INSERT INTO d.t FORMAT TSV").status)
            except OSError:
                return

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(loaded) >= 10, 30, "rows flow")
    endpoint.process.kill()
    endpoint.process.wait()
    stop.set()
    for thread in threads:
        thread.join()
    endpoint = start()
    assert endpoint.query("SELECT * FROM d.t FINAL ORDER BY a") == "1\n2\n3\n"
    endpoint.query("DROP DATABASE d SYNC")


def test_sigterm_lets_queries_end(start):
    endpoint = start()
    found = {}

    def run():
        found["answer"] = endpoint.query("SELECT sleep(2.5)")

    thread = threading.Thread(target=run)
    thread.start()
    running(endpoint, "SELECT sleep(2.5)")
    endpoint.process.send_signal(signal.SIGTERM)
    thread.join()
    assert found["answer"] == "0\n"
    assert endpoint.process.wait(20) == 0


def test_sigterm_kills_what_does_not_end(start):
    endpoint = start()
    threads = [threading.Thread(target=lambda f=f: endpoint.ask(f"SELECT sleepEachRow(1) FROM numbers(100) SETTINGS max_block_size = 1 FORMAT {f}")) for f in ("TSV", "JSON")]
    for thread in threads:
        thread.start()
    running(endpoint, "SELECT sleepEachRow(1)", 2)
    began = time.monotonic()
    endpoint.process.send_signal(signal.SIGTERM)
    assert endpoint.process.wait(28) == 0
    assert time.monotonic() - began < 25
    for thread in threads:
        thread.join()


def test_stdin_and_stdout_are_left_alone(folder):
    """The engine reads stdin when it can: `INSERT ... VALUES` then failed."""
    (folder / "stdin").write_bytes(b"(9, 'from stdin')\n")
    with (folder / "stdin").open("rb") as stdin:
        process = subprocess.Popen([PROGRAM, "--data", folder / "data"], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=die_with_parent)  # fmt: skip
    ready = json.loads(process.stdout.readline())
    port = urllib.parse.urlsplit(ready["url"]).port
    token = pathlib.Path(ready["password_file"]).read_text().strip()
    for text in ("CREATE TABLE t (a Int64, b String) ENGINE = MergeTree ORDER BY a", "INSERT INTO t VALUES (1, 'x')", "SELECT * FROM t"):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/", text, {"X-ClickHouse-Key": token})
        answer = connection.getresponse().read()
    assert answer == b"1\tx\n"
    process.terminate()
    assert process.wait(30) == 0
    assert process.stdout.read() == b""
    assert process.stderr.read() == b""


def test_idle_is_cheap(start):
    endpoint = start()
    endpoint.query("CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a")
    endpoint.insert("INSERT INTO t FORMAT TSV", "1\n")
    seen = []

    def idle():
        before = cpu_seconds(endpoint.process.pid)
        time.sleep(5)  # what is measured
        seen.append((cpu_seconds(endpoint.process.pid) - before) / 5)
        return seen[-1] < 0.03

    wait_until(idle, 15, lambda: f"idle: {seen}")
    print(f"idle: {seen[-1]:.2%} of a core, {endpoint.rss() / 2**20:.0f} MiB")
    assert endpoint.rss() < 320 * 2**20


# ---- the official JavaScript client ----


def node_client():
    """Installed once into the cache: registry traffic only the first time."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    source = pathlib.Path(__file__).parent / "client-js"
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "sluice" / "client-js"
    cache.mkdir(parents=True, exist_ok=True)
    wanted = (source / "package.json").read_text()
    if not (cache / "node_modules" / "@clickhouse" / "client").exists() or (cache / "package.json").read_text() != wanted:
        (cache / "package.json").write_text(wanted)
        subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"], cwd=cache, check=True, timeout=300)
    shutil.copy(source / "client.js", cache / "client.js")
    return cache


def test_official_javascript_client(endpoint):
    folder = node_client()
    done = subprocess.run(["node", "client.js"], cwd=folder, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "CH_URL": endpoint.ready["url"], "CH_PASSWORD": endpoint.password})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "all fine"
