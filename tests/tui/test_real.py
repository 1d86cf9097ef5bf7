"""Through the screen alone, with real servers behind it."""
import contextlib

from screen import Screen


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
