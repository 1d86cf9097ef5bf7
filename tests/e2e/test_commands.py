"""Commands for whoever looks after the pipes."""

import json

import pytest
from harness.engine import PATIENCE
from harness.process import wait_until

PIPE_FIELDS = {
    "name", "state", "since", "mode", "source", "dest", "stalled", "lag_seconds", "lag_bytes", "headroom_seconds", "catching_up_seconds", "position",
    "rows_per_second", "bytes_per_second", "snapshot", "error", "tables", "settings",
}  # fmt: skip
TABLE_FIELDS = {
    "source", "target", "state", "rows_done", "rows_estimate", "inserts", "updates", "deletes", "last_change_at", "resync_advised", "error", "columns",
}  # fmt: skip


ERROR_FIELDS = {
    "at", "code", "message", "cause", "remedies", "what", "server", "why", "lost", "data", "prevent", "oldest_log", "last_good_time",
}  # fmt: skip


def label(text, name):
    """What stands behind a label of `explain`."""
    return [line.strip()[len(name):].strip() for line in text.splitlines() if line.startswith(f"  {name} ")]


@pytest.fixture
def shop(pipe):
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(60), d DATE)")
    pipe.run("CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(60))")
    pipe.run("INSERT INTO a VALUES (1, 'x', NULL), (2, NULL, '2024-01-01')")
    return pipe


# status --json

def test_every_field_is_there_and_null_where_unknown(shop):
    shop.live(settings=["zero_date=fail"])
    shop.run("INSERT INTO a VALUES (3, 'y', NULL)")
    shop.caught_up()
    status = json.loads(shop.engine.sluice("status", "--json").out)
    assert status["format"] == 1 and status["engine"]["pid"] == shop.engine.process.pid and set(status["engine"]) >= {"pid", "version", "started_at"}
    (seen,) = status["pipes"]
    assert not PIPE_FIELDS - set(seen) and set(seen["position"]) == {"file", "pos", "gtid"}
    assert set(seen["snapshot"]) == {"rows_done", "rows_estimate", "ranges_done", "ranges_total", "eta_seconds"}
    assert seen["error"] is None and seen["stalled"] is None and seen["position"]["file"] and seen["position"]["pos"] > 4
    assert seen["headroom_seconds"] is None and seen["catching_up_seconds"] is None and seen["snapshot"]["eta_seconds"] is None
    for table in seen["tables"]:
        assert not TABLE_FIELDS - set(table)
    a, b = sorted(seen["tables"], key=lambda table: table["source"])
    assert (a["inserts"], a["rows_done"], a["error"]) == (1, 2, None) and a["last_change_at"].endswith("Z")
    assert (b["inserts"], b["rows_done"], b["last_change_at"]) == (0, 0, None)
    shop.run("INSERT INTO a VALUES (4, 'z', '0000-00-00')")
    wait_until(lambda: shop.table("a")["state"] == "failed", 30 * PATIENCE, "the table fails")
    assert set(shop.table("a")["error"]) == ERROR_FIELDS
    # Without an engine the last known; what only an engine knows is null.
    shop.engine.stop()
    status = json.loads(shop.engine.sluice("status", "--json").out)
    (seen,) = status["pipes"]
    assert status["engine"] is None and seen["state"] == "Running" and not PIPE_FIELDS - set(seen)
    for field in ("lag_seconds", "lag_bytes", "headroom_seconds", "catching_up_seconds", "rows_per_second", "bytes_per_second", "stalled"):
        assert seen[field] is None, field
    assert seen["position"]["file"] and set(seen["snapshot"].values()) == {None}


def test_fields_of_a_pipe_that_waits_and_one_that_failed(engine, own_mariadb, clickhouse):
    from harness.pipe import Pipe

    mariadb = own_mariadb()
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY)")
    engine.start()
    pipe.live(mode="cdc")
    seen = pipe.status()
    assert set(seen["snapshot"].values()) == {None}
    assert engine.sluice("explain", "p").out.splitlines()[1].strip() == "WHAT       nothing is wrong"
    mariadb.stop()
    wait_until(lambda: pipe.status()["stalled"], 30 * PATIENCE, "the source is gone")
    stalled = pipe.status()["stalled"]
    assert {"since", "side", "code", "message", "tries", "next_try_at"} <= set(stalled) and stalled["side"] == "source"
    out = engine.sluice("explain", "p", ok=1).out
    assert label(out, "WHAT")[0].startswith("stalled at the source:") and label(out, "DO") == ["nothing: it tries again by itself"]
    assert label(out, "LAST GOOD")[0].startswith("bin.") and label(out, "DATA") and label(out, "LOST")
    mariadb.start()
    wait_until(lambda: pipe.status()["stalled"] is None, 60 * PATIENCE, "the source is there again")
    assert engine.sluice("explain", "p").code == 0
    # The log that it needs is gone.
    engine.sluice("pause", "p", "--wait")
    assert engine.sluice("explain", "p").out.startswith("p: Paused since ")
    pipe.run("INSERT INTO a VALUES (1)")
    mariadb.run("RESET MASTER")
    engine.sluice("resume", "p")
    wait_until(lambda: pipe.status()["state"] == "Failed", 60 * PATIENCE, lambda: engine.describe("p"))
    error = pipe.status()["error"]
    assert set(error) == ERROR_FIELDS and error["remedies"]
    out = engine.sluice("explain", "p", ok=1).out
    assert label(out, "WHAT") == [error["what"]] and label(out, "SERVER") == [error["server"]] and label(out, "WHY") == [error["why"]] and label(out, "DO") == error["remedies"][:1]
    engine.stop()
    out = engine.sluice("explain", "p", ok=1).out
    assert "no engine runs" in out and label(out, "DO") == ["sluice run --detach"] and label(out, "WHY") == [error["why"]]
    assert "there is no pipe named q" in engine.sluice("explain", "q", ok=3).err


def test_explain_names_tables_that_failed_alone(shop):
    shop.live(settings=["zero_date=fail"])
    shop.run("INSERT INTO a VALUES (4, 'z', '0000-00-00')")
    wait_until(lambda: shop.table("a")["state"] == "failed", 30 * PATIENCE, "the table fails")
    out = shop.engine.sluice("explain", "p", ok=1).out
    assert label(out, "WHAT") == ["1 of 2 tables failed; the others go on"]
    assert f"table {shop.source}.a failed alone: " in out and "0000-00-00" in out


# doctor

def test_doctor(engine, own_mariadb, clickhouse):
    from harness.pipe import Pipe

    out = engine.sluice("doctor").out  # nothing is there yet, and is not made by looking
    assert "there is none yet" in out and not engine.state_dir.exists()
    mariadb = own_mariadb()
    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY)")
    engine.start()
    assert "FAIL" not in engine.sluice("doctor").out
    pipe.live()
    out = engine.sluice("doctor").out
    assert "FAIL" not in out and f"engine: it answers, pid {engine.process.pid}" in out
    assert "ok   p, source: " in out and "ok   p, destination: " in out and "disk: " in out and "it is ours alone" in out
    engine.state_dir.chmod(0o755)
    out = engine.sluice("doctor").out
    assert "warn state dir" in out and f"mend: chmod 700 '{engine.state_dir}'" in out
    engine.state_dir.chmod(0o700)
    mariadb.run("REVOKE REPLICATION SLAVE ON *.* FROM repl@'127.0.0.1'")
    answer = engine.sluice("doctor", ok=1)
    assert "FAIL p, source: " in answer.out and "mend: GRANT REPLICATION SLAVE" in answer.out and "1 finding is to be mended" in answer.err
    mariadb.run("GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
    mariadb.stop()
    wait_until(lambda: pipe.status()["stalled"], 30 * PATIENCE, "the source is gone")
    out = engine.sluice("doctor", ok=1).out
    assert "warn p: it is stalled\n     mend: sluice explain p\n" in out and "FAIL p, source: " in out and "ok   p, destination: " in out
    mariadb.start()
    engine.stop()
    out = engine.sluice("doctor", ok=1).out
    assert "FAIL engine: none runs; 1 pipe waits for it\n     mend: sluice run --detach\n" in out and "ok   p, source: " in out


# export and import

def test_definitions_go_out_and_come_in(engine, mariadb, clickhouse, folder):
    from harness.engine import Engine
    from harness.pipe import Pipe

    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY, `odd, name` INT, v INT)")
    pipe.run("CREATE TABLE `b-c` (id INT PRIMARY KEY)")
    pipe.run("CREATE TABLE left_out (id INT PRIMARY KEY)")
    pipe.run("INSERT INTO a VALUES (1, 2, 3)")
    engine.start()
    settings = [f"{pipe.source}.a:exclude=`odd, name`", "batch_rows=77", "nullable=off"]
    pipe.live(tables=[f"{pipe.source}.*", f"{pipe.source}.a:other,-{pipe.source}.left_out"], settings=settings)
    Pipe(engine, mariadb, clickhouse, "q", pipe.source).create(mode="snapshot", tables=[f"{pipe.source}.a"])
    text = engine.sluice("export").out
    definitions = json.loads(text)
    assert definitions["sluice-pipes"] == 1 and [p["name"] for p in definitions["pipes"]] == ["p", "q"]
    assert definitions["pipes"][0]["settings"] == dict(setting.split("=", 1) for setting in settings)
    assert json.loads(engine.sluice("export", "q").out)["pipes"] == definitions["pipes"][1:]
    assert "no pipe is called r" in engine.sluice("export", "q", "r", ok=3).err
    # Nothing is made where one of the names is taken.
    assert "a pipe called p exists already: nothing was created" in engine.sluice("import", "-", stdin=text, ok=4).err
    engine.stop()
    assert engine.sluice("export").out == text
    other = Engine(folder / "other")
    try:
        for p in definitions["pipes"]:
            p["dest"] = clickhouse.url(clickhouse.new_database())
        file = folder / "pipes.json"
        file.write_text(json.dumps(definitions))
        out = other.sluice("import", file, timeout=120).out  # without an engine
        assert "pipe p is created; it begins with the engine" in out and "pipe q is created" in out
        other.start()
        other.wait_state("p", "Running")
        other.wait_state("q", "Completed")
        assert sorted((t["source"], t["target"]) for t in other.pipe("p")["tables"]) == [
            (f"{pipe.source}.a", "other"), (f"{pipe.source}.b-c", "b-c")]  # fmt: skip
        assert json.loads(other.sluice("export").out) == definitions
        assert other.sluice("sql", "p", "SELECT id, v FROM other FINAL").out == "1\t3\n"
    finally:
        other.close()


def test_what_import_refuses(engine, mariadb, clickhouse, folder):
    from harness.pipe import Pipe

    pipe = Pipe(engine, mariadb, clickhouse)
    pipe.run("CREATE TABLE a (id INT PRIMARY KEY)")
    secret = f"mysql://repl:geheim%20%231@127.0.0.1:{mariadb.port}/"
    engine.start()
    pipe.create(url=secret)
    text = engine.sluice("export").out
    assert "geheim" not in text and ":***@" in text
    engine.sluice("drop", "p", "--yes", "--wait")
    answer = engine.sluice("import", "-", stdin=text, ok=2)
    assert "the password of its source stood in the URL" in answer.err and "password-file=FILE" in answer.err
    for odd in ("", "{", "[]", '{"pipes": []}', '{"sluice-pipes": 2, "pipes": []}', '{"sluice-pipes": 1, "pipes": [{"name": "x"}]}',
                '{"sluice-pipes": 1, "pipes": [1]}'):  # fmt: skip
        assert engine.sluice("import", "-", stdin=odd, ok=2).err.count("\n") == 1
    assert "none.json is no file of" in engine.sluice("import", folder / "none.json", ok=2).err
    assert json.loads(engine.sluice("status", "--json").out)["pipes"] == []
    # One that preflight refuses does not keep the others out.
    definitions = json.loads(text.replace(secret.replace("geheim%20%231", "***"), mariadb.url))
    bad = dict(definitions["pipes"][0], name="bad", tables=["no.where"])
    definitions["pipes"].insert(0, bad)
    definitions["pipes"][1]["dest"] = clickhouse.url(clickhouse.new_database())
    answer = engine.sluice("import", "-", stdin=json.dumps(definitions), ok=5, timeout=120)
    assert "FAIL bad: " in answer.out and "pipe p is created" in answer.out and "pipe bad: preflight failed" in answer.err


# completion

BASH = """source {script}
COMP_WORDS=({words}) COMP_CWORD={at}
_sluice
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
# The parts of zsh's completion that are called, as plain functions.
ZSH = """compdef() {{ : }}
source {script}
compadd() {{ [[ $1 == -- ]] && shift; print -l -- "$@" }}
_describe() {{ print -l -- "${{(@P)2}}" }}
_files() {{ print files }}
words=({words}) CURRENT={at}
_sluice
"""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shop, folder, shell):
    import os
    import subprocess

    engine = shop.engine
    shop.live()
    script = folder / f"sluice.{shell}"
    script.write_text(engine.sluice("completion", shell).out)
    beside = folder / "path"
    beside.mkdir()
    (beside / "sluice").symlink_to(engine.program)
    environment = dict(os.environ, PATH=f"{beside}:{os.environ['PATH']}", HOME=str(folder), XDG_STATE_HOME=str(folder))
    (folder / "sluice").symlink_to(engine.state_dir)  # the default one

    def run(program):
        done = subprocess.run([shell, "-c", program], capture_output=True, text=True, timeout=60 * PATIENCE, env=environment)
        assert done.returncode == 0 and not done.stderr, done
        return set(done.stdout.splitlines())

    def complete(*words):
        """What may stand in place of the last word."""
        if shell == "fish":
            line = "sluice " + " ".join(words)
            return {answer.split("\t")[0] for answer in run(f"source {script}; complete -C '{line}'")}
        quoted = " ".join(f"'{word}'" for word in ("sluice", *words))
        if shell == "bash":
            return run(BASH.format(script=script, words=quoted, at=len(words)))
        found = run(ZSH.format(script=script, words=quoted, at=len(words) + 1))  # zsh itself takes those that begin so
        return {word.split(":")[0] for word in found if word.startswith(words[-1])}

    commands = {line.split()[0] for line in engine.sluice("help").out.splitlines() if line.startswith("  ") and not line.startswith("  sluice")}
    assert len(commands) >= 20 and complete("") >= commands
    assert complete("sta") == {"status"} and complete("ex") == {"explain", "export"}
    for command in ("pause", "status", "set", "tables", "sql", "export"):
        assert "p" in complete(command, ""), command
    assert "p" not in complete("create", "") and "p" not in complete("run", "")
    assert {"--drop-target", "--wait", "--yes", "--state-dir"} <= complete("drop", "p", "--") and "--json" not in complete("drop", "--")
    assert complete("status", "--j") == {"--json"}
    assert {"bash", "zsh", "fish"} <= complete("completion", "")
    assert "status" in complete("help", "st")
    assert complete("--state-dir", str(folder), "pau") == {"pause"}
    assert "there is completion for bash, zsh and fish" in engine.sluice("completion", "tcsh", ok=2).err
