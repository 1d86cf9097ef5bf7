"""What an operator gets wrong, or a server is not ready for: one clear line each, with the mend, and the exit code of the manual."""

import socket
import subprocess

import pytest
from harness.clickhouse import ClickHouse
from harness.engine import Engine
from harness.mariadb import SERVERS
from harness.pipe import Pipe
from harness.process import end, spawn, wait_until

REFUSED, WRONG_USAGE, NO_SUCH, NOT_NOW, PREFLIGHT, NO_ENGINE = 1, 2, 3, 4, 5, 6


def findings(result):
    """All lines printed, lower case."""
    return [line.lower() for line in (result.out + result.err).splitlines() if line.strip()]


def finds(result, *words):
    """Some line names all the words, or the one after it does its part: the mend may stand on a line of its own."""
    lines = findings(result)
    joined = [line + " " + (lines[n + 1] if n + 1 < len(lines) else "") for n, line in enumerate(lines)]
    assert any(all(word.lower() in line for word in words) for line in joined), f"no line with {words}:\n{result.out}{result.err}"
    assert "geheim" not in result.out + result.err, "a password is shown"


def one_line(result):
    """Errors are one line on stderr."""
    assert len(result.err.strip().splitlines()) == 1, f"not one line:\n{result.err}"


@pytest.fixture
def shop(engine, mariadb, clickhouse):
    """A pipe that would be fine. No engine runs: check works without one."""
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY, v INT)")
    pipe.run("INSERT INTO good VALUES (1, 1)")
    return pipe


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def user(pipe, name, grants):
    pipe.mariadb.run(f"CREATE OR REPLACE USER {name}@'127.0.0.1' IDENTIFIED BY 'geheim #1'")
    for grant in grants:
        pipe.mariadb.run(f"GRANT {grant} TO {name}@'127.0.0.1'")
    return pipe.mariadb.url.replace("repl@", f"{name}@")


def test_all_is_well(shop):
    result = shop.check()
    finds(result, "binlog")
    # Nothing was made by looking.
    assert not shop.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{shop.destination}'")


def test_source_is_not_reachable(shop):
    result = shop.check(url=f"mysql://repl@127.0.0.1:{free_port()}/?password-file={shop.mariadb.password_file}", ok=PREFLIGHT)
    finds(result, "127.0.0.1", "refused")
    # The other end is looked at all the same.
    finds(result, "clickhouse")


def test_host_of_the_source_has_no_address(shop):
    result = shop.check(url="mysql://repl:geheim@no-such-host.invalid:3306/", ok=PREFLIGHT)
    finds(result, "no-such-host.invalid")


def test_password_is_wrong(shop, folder):
    wrong = folder / "wrong"
    wrong.write_text("not it\n")
    result = shop.check(url=f"mysql://repl@127.0.0.1:{shop.mariadb.port}/?password-file={wrong}", ok=PREFLIGHT)
    finds(result, "repl", "denied")


def test_password_file_is_missing(shop, folder):
    result = shop.check(url=f"mysql://repl@127.0.0.1:{shop.mariadb.port}/?password-file={folder}/nowhere", ok=None)
    assert result.code in (REFUSED, WRONG_USAGE, PREFLIGHT), result
    finds(result, "nowhere", "no such file")


def test_table_is_unknown(shop):
    result = shop.check(tables=[f"{shop.source}.good", f"{shop.source}.missing"], ok=PREFLIGHT)
    finds(result, f"{shop.source}.missing")


def test_table_has_no_key(shop):
    shop.run("CREATE TABLE bare (a INT, b INT NOT NULL, KEY (b))")
    shop.run("CREATE TABLE half (a INT, UNIQUE KEY (a))")
    result = shop.check(ok=PREFLIGHT)
    finds(result, f"{shop.source}.bare", "key")
    finds(result, f"{shop.source}.half", "key")


def test_type_has_no_mapping(shop):
    """Fractions of a second as MariaDB wrote them before 10.1, which its log does not describe."""
    shop.mariadb.run("SET GLOBAL mysql56_temporal_format = OFF")
    try:
        shop.run("CREATE TABLE odd (id INT PRIMARY KEY, moment DATETIME(3))")
    finally:
        shop.mariadb.run("SET GLOBAL mysql56_temporal_format = ON")
    result = shop.check(ok=PREFLIGHT)
    finds(result, f"{shop.source}.odd", "moment")


def test_grants_are_missing(shop):
    result = shop.check(url=user(shop, "reader", [f"SELECT ON {shop.source}.*"]), ok=PREFLIGHT)
    finds(result, "grant", "replication slave")
    finds(result, "binlog monitor")
    result = shop.check(url=user(shop, "watcher", ["REPLICATION SLAVE, BINLOG MONITOR ON *.*"]), tables=[f"{shop.source}.good"], ok=PREFLIGHT)
    finds(result, "grant", "select")


def test_binlog_is_off(shop, own_mariadb):
    server = own_mariadb("--skip-log-bin")
    pipe = Pipe(shop.engine, server, shop.clickhouse)
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY)")
    finds(pipe.check(ok=PREFLIGHT), "log_bin")


def test_binlog_has_the_wrong_format_and_images(shop, own_mariadb):
    server = own_mariadb("--binlog-format=STATEMENT", "--binlog-row-image=MINIMAL")
    pipe = Pipe(shop.engine, server, shop.clickhouse)
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY)")
    pipe.run("CREATE TABLE bare (id INT)")
    result = pipe.check(ok=PREFLIGHT)
    # All findings, not only the first.
    finds(result, "binlog_format", "row")
    finds(result, "binlog_row_image", "full")
    finds(result, f"{pipe.source}.bare", "key")


def test_destination_is_not_reachable(shop):
    result = shop.check(destination=f"http://default@127.0.0.1:{free_port()}/d", ok=PREFLIGHT)
    finds(result, "127.0.0.1", "refused")
    finds(result, "binlog")


def test_destination_refuses_the_password(shop, folder):
    wrong = folder / "wrong"
    wrong.write_text("not it\n")
    result = shop.check(destination=f"http://default@127.0.0.1:{shop.clickhouse.port}/d?password-file={wrong}", ok=PREFLIGHT)
    finds(result, "password")


def test_destination_is_a_clickhouse_of_2018(shop, folder):
    """Debian's clickhouse-server 18.16: real, and too old."""
    old = folder / "old"
    server = spawn([SERVERS / "clickhouse-old", old], folder / "old.log")

    def answers():
        assert server.poll() is None, "Debian's clickhouse-server could not be had or started: " + (folder / "old.log").read_text()[-2000:]
        try:
            socket.create_connection(("127.0.0.1", int((old / "port").read_text())), 1).close()
            return True
        except (OSError, ValueError):
            return False

    try:
        wait_until(answers, 180, "ClickHouse 18.16 answers", 0.2)
        result = shop.check(destination=f"http://default@127.0.0.1:{(old / 'port').read_text().strip()}/d", ok=PREFLIGHT)
        finds(result, "18.16")
        finds(result, "binlog")
    finally:
        end(server)


def test_target_is_not_empty(shop):
    shop.clickhouse.query(f"CREATE DATABASE {shop.destination}")
    shop.clickhouse.query(f"CREATE TABLE {shop.destination}.good (id Int32) ENGINE = MergeTree ORDER BY id")
    shop.clickhouse.query(f"INSERT INTO {shop.destination}.good VALUES (7)")
    result = shop.check(ok=PREFLIGHT)
    finds(result, "good")
    assert shop.clickhouse.rows(f"SELECT * FROM {shop.destination}.good") == [[7]]


def test_create_refuses_what_check_refuses(shop):
    shop.engine.start()
    shop.run("CREATE TABLE bare (a INT)")
    result = shop.create(ok=PREFLIGHT)
    finds(result, f"{shop.source}.bare", "key")
    assert '"p"' not in shop.engine.sluice("status", "--json").out


def test_wrong_usage(engine, shop):
    for arguments in (
        ["check"],
        ["create", "p"],
        ["create", "p", "--source", shop.mariadb.url],
        ["create", "p", *shop.arguments(mode="sideways")],
        ["create", "p", *shop.arguments(settings=["batch_rows=many"])],
        ["create", "p", *shop.arguments(settings=["no_such_setting=1"])],
        ["create", "p", *shop.arguments(url="ftp://somewhere/")],
        ["create", "p", *shop.arguments(destination="clickhouse")],
        ["create", "p", *shop.arguments(tables=["nodatabase"])],
        ["create", "bad name/\x1b[31m", *shop.arguments()],
        ["pause"],
        ["status", "--no-such-option"],
        ["status", "--state-dir", ""],
    ):
        result = engine.sluice(*arguments, ok=WRONG_USAGE)
        one_line(result)
        assert "\x1b" not in result.err + result.out
    result = engine.sluice("frobnicate", ok=WRONG_USAGE)
    one_line(result)


def test_a_name_can_be_taken(shop):
    shop.engine.start()
    shop.live()
    other = Pipe(shop.engine, shop.mariadb, shop.clickhouse, source=shop.source)
    result = other.create(ok=None)
    assert result.code in (NOT_NOW, WRONG_USAGE), result
    one_line(result)
    assert "p" in result.err


def test_no_such_pipe(engine):
    engine.start()
    for arguments in (["status", "nope"], ["pause", "nope"], ["resume", "nope"], ["drop", "nope", "--yes"], ["log", "nope"], ["sql", "nope", "SELECT 1"]):
        result = engine.sluice(*arguments, ok=NO_SUCH)
        one_line(result)
        assert "nope" in result.err


def test_no_engine_runs(shop):
    shop.engine.start()
    shop.live()
    shop.engine.stop()
    for arguments in (["resume", "p"], ["sql", "p", "SELECT 1"], ["stop"]):
        one_line(shop.engine.sluice(*arguments, ok=NO_ENGINE))
    # These work on the catalog: the last known state.
    status = shop.engine.pipe("p")
    assert status["state"] == "Running"
    assert '"engine": null' in shop.engine.sluice("status", "--json").out.replace('"engine":null', '"engine": null')
    assert "Running" in shop.engine.sluice("log", "p").out


def test_refused_in_this_state(shop):
    shop.engine.start()
    shop.live()
    shop.engine.sluice("pause", "p", "--wait")
    result = shop.engine.sluice("pause", "p", ok=None)
    assert result.code in (0, NOT_NOW), result
    shop.engine.sluice("resume", "p", "--wait")
    result = shop.engine.sluice("resume", "p", ok=NOT_NOW)
    one_line(result)
    assert "Running" in result.err


def test_drop_asks(shop):
    shop.engine.start()
    shop.live()
    result = shop.engine.sluice("drop", "p", ok=WRONG_USAGE)
    one_line(result)
    assert "--yes" in result.err
    assert shop.status()["state"] == "Running"


def test_second_engine_on_the_same_state_dir(engine):
    engine.start()
    pid = engine.process.pid
    result = engine.sluice("run", ok=None, timeout=20)
    assert result.code in (REFUSED, NOT_NOW), result
    one_line(result)
    assert str(pid) in result.err
    assert engine.answers()


def test_catalog_is_corrupt(engine, shop):
    engine.start()
    shop.live()
    engine.stop()
    (catalog,) = [f for f in engine.state_dir.iterdir() if f.suffix in (".db", ".sqlite", ".catalog")]
    intact = catalog.read_bytes()
    for damaged in (b"this is no database" * 500, intact[: len(intact) // 2], intact[:4096] + b"\xff" * (len(intact) - 4096)):
        for beside in engine.state_dir.glob(catalog.name + "-*"):
            beside.unlink()
        catalog.write_bytes(damaged)
        result = engine.sluice("run", ok=1, timeout=20)
        one_line(result)
        assert catalog.name in result.err
        # Never overwritten: somebody may want to mend it.
        assert catalog.read_bytes() == damaged
    catalog.write_bytes(intact)
    engine.start()
    shop.wait("Running")


def test_state_dir_cannot_be_written(engine):
    engine.state_dir.write_text("a file stands where the folder should")
    result = engine.sluice("run", ok=1, timeout=20)
    one_line(result)
    assert "state" in result.err


def test_dashboard_needs_a_terminal(engine):
    done = subprocess.run([engine.program, "--state-dir", engine.state_dir], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 or done.returncode == 1, done
    assert "status --watch" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_version_and_help(engine):
    assert "sluice 0." in engine.sluice("version").out
    out = engine.sluice("help").out
    for command in ("run", "stop", "check", "create", "status", "pause", "resume", "drop", "log", "sql"):
        assert command in out


def test_two_endpoints_on_the_same_data(folder):
    with ClickHouse(folder / "clickhouse") as first:
        second = ClickHouse(folder / "clickhouse")
        with pytest.raises(AssertionError):
            second.start()
        assert first.value("SELECT 1") == 1


def test_engine_without_the_endpoint_beside_it(folder, mariadb, clickhouse):
    """embedded: with a library that is none: the reason is shown, nothing hangs."""
    made = Engine(folder / "engine")
    made.env["SLUICE_LIBCHDB"] = str(folder / "no-library.so")
    pipe = Pipe(made, mariadb, clickhouse)
    pipe.run("CREATE TABLE good (id INT PRIMARY KEY)")
    made.start()
    try:
        result = pipe.create(destination="embedded:", ok=None)
        assert result.code == PREFLIGHT, result
        finds(result, "no-library.so")
    finally:
        made.close()
