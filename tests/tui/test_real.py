"""Through the screen alone, with real servers behind it."""
import contextlib
import re

from harness.pipe import Pipe
from screen import Screen
from test_screens import compare

# What differs from run to run, and what stands for it. The blanks after it, which depend on its length, become three.
MASKS = [(r"\d{4}-\d\d-\d\d", "YYYY-MM-DD"), (r"\d\d:\d\d:\d\d", "HH:MM:SS"), (r"\b\d+-\d+-\d+(?=[ )]|$)", "GTID"), (r"(?<=bin\.\d{6}:)\d+", "POS"),
         (r"\b\d+(\.\d)?s\b", "SECONDS")]


def masked(screen):
    lines = []
    for line in screen.lines():
        for pattern, word in MASKS:
            line = re.sub(pattern, word, line)
        lines.append(re.sub(r"(GTID|POS|SECONDS)  +", r"\1   ", line))
    return "\n".join(lines).rstrip("\n") + "\n"


def kept(name, screen):
    compare(f"played-{name}", lambda: masked(screen), screen)


@contextlib.contextmanager
def opened(engine, rows=40, cols=120):
    with Screen([str(engine.program), "--state-dir", str(engine.state_dir)], rows, cols, {"XDG_STATE_HOME": str(engine.folder)}) as screen:
        yield screen


def test_from_nothing_to_running(pipe, folder):
    """A new pipe by keys alone, with a wrong password and a table without key on the way, each explained and mended in
    place."""
    pipe.run("CREATE TABLE a_log (line INT NOT NULL, text VARCHAR(20))")
    pipe.run("CREATE TABLE orders (id INT PRIMARY KEY, amount INT)")
    pipe.run("INSERT INTO a_log VALUES (1, 'one'), (2, 'two')")
    pipe.run("INSERT INTO orders SELECT seq, seq FROM seq_1_to_100")
    wrong = folder / "wrong.password"
    wrong.write_text("not this one\n")
    with opened(pipe.engine) as screen:
        screen.wait("No pipes yet").press("n").wait("new pipe")
        screen.press("p", "tab", f"repl@127.0.0.1:{pipe.mariadb.port}", "tab", " ", "tab", str(wrong))
        screen.press("tab", "^U", pipe.clickhouse.url(pipe.destination)).wait("Access denied", 20).wait("check the user, the password")
        screen.press("backtab", "^U", str(pipe.mariadb.password_file)).wait(r"\[.\] ", 20)
        screen.press("tab", "tab", "tab", "tab").wait("▸Tables").press("/", f"{pipe.source}.", "enter").wait("no key").press("g", " ")
        screen.wait("a_log has no key: its rows cannot be told apart").press("text", "enter").wait("column text may be NULL", 20)
        screen.press(" ", " ", "^U", "line", "enter", "down", " ").wait(r"2 of \d+ chosen").wait("CHECKS .*0 to mend", 20).settle()
        screen.press("enter").wait("knowing this|p was created", 20)
        if "knowing this" in screen.text():
            screen.press("y").wait("p was created", 20)
        screen.wait("● Running", 60)
    assert pipe.equal("orders") == 100
    assert pipe.rows("a_log", "line, text", "1 ORDER BY line") == [[1, "one"], [2, "two"]]


def test_tables_and_settings_of_a_pipe(pipe):
    """Added from the source's own list, under another name; one setting is refused, and mended in place."""
    pipe.run("CREATE TABLE first (id INT PRIMARY KEY)")
    pipe.run("CREATE VIEW seen AS SELECT * FROM first")
    pipe.live(tables=[f"{pipe.source}.first"])
    pipe.run("CREATE TABLE second (id INT PRIMARY KEY)")
    pipe.run("INSERT INTO second VALUES (1), (2)")
    with opened(pipe.engine) as screen:
        screen.wait("● Running").settle().press("a").wait("in the pipe", 20).press("/", f"{pipe.source}.", "enter").settle()
        screen.press("G", " ").wait("is a view", 20).press("/", "^U", "second", "enter").settle().press("=", "other", "enter")
        screen.press("enter").wait("knowing this|is added to p", 20)
        if "knowing this" in screen.text():
            screen.press("y").wait("is added to p", 20)
        screen.press("e").wait("p › settings").wait("▸ batch_rows", 20).press("enter", "^U", "0", "enter").wait("setting batch_rows cannot be 0")
        screen.press("backspace", "5000", "enter").wait("batch_rows is 5000. It takes effect at once")
    pipe.engine.wait_state("p", "Running")
    pipe.caught_up()
    assert [row[0] for row in pipe.clickhouse.rows(f"SELECT id FROM {pipe.destination}.other FINAL ORDER BY id")] == [1, 2]
    assert {"name": "batch_rows", "value": "5000", "waits": False} in pipe.status()["settings"]


def test_an_incident(engine, own_mariadb, clickhouse):
    """Paused for too long: binlog purged, Failed, the incident view, a resync, Running; by keys alone. The screens on the way are kept."""
    source = own_mariadb()
    source.run("CREATE DATABASE shop")
    pipe = Pipe(engine, source, clickhouse, name="shop", source="shop")
    pipe.run("CREATE TABLE orders (id INT PRIMARY KEY, amount INT)")
    pipe.run("CREATE TABLE items (id INT PRIMARY KEY, amount INT)")
    pipe.run("INSERT INTO orders SELECT seq, seq FROM seq_1_to_5000")
    pipe.run("INSERT INTO items SELECT seq, seq FROM seq_1_to_5000")
    engine.state_dir = engine.folder / "sluice"  # the default one, which commands on the screen do not name
    engine.start()
    pipe.live()
    with opened(engine, 30, 100) as screen:
        screen.wait("● Running").press("p").wait("Pause shop: reading stops").wait("‖ Paused", 20)
        pipe.run("UPDATE orders SET amount = 0 WHERE id % 2 = 0")
        pipe.run("DELETE FROM items WHERE id % 5 = 0")
        source.purge_logs()
        screen.press("p").wait("Resume shop").wait("✖ Failed", 30).press("i").wait("LOST +Changes between", 20).settle()
        kept("1-incident", screen)
        screen.press("R").wait("Resync shop").settle()
        kept("2-resync", screen)
        screen.press("y").wait("● Running", 60)
        screen.press("esc", "v", "/", "→", "enter").wait("▸ .*Resync → Running").wait("Provisioning → Setup").settle()
        kept("3-journal", screen)
    assert pipe.equal("orders", "items") == 9000


def test_a_lost_terminal_stops_nothing(pipe):
    """The engine that a screen started goes on without it, and a second screen shows the same as the first while both are there."""
    pipe.engine.stop()
    pipe.run("CREATE TABLE orders (id INT PRIMARY KEY, amount INT)")
    try:
        with opened(pipe.engine) as first:
            first.wait("No pipes yet", 20)
            with opened(pipe.engine) as second:
                pipe.create()
                first.wait("p +● Running", 60).press("p").wait("p +‖ Paused", 20)
                second.wait("p +‖ Paused", 20).press("p").wait("p +● Running", 20)
                first.wait("p +● Running", 20).hang_up()
                pipe.run("INSERT INTO orders VALUES (1, 1)")
                assert pipe.equal("orders") == 1
                second.press("enter").wait(r"orders +live +\d+ +done +1 ", 20)
    finally:
        pipe.engine.sluice("stop")
