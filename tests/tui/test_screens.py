"""Each screen against its kept picture, in the sizes and kinds of terminal that operators have.

A picture that changed on purpose is written anew by SLUICE_GOLDEN=write, and read in review like any other change.
"""
import os
import pathlib
import re
import time

import pytest

import recording

GOLDEN = pathlib.Path(__file__).parent / "golden"
SIZES = [(24, 80), (40, 120), (45, 160)]

# name -> view, keys, what is on the screen when it is ready
SCREENS = {
    "pipes": ("six", [], "orders"),
    "pipes-states": ("states", [], "setup"),
    "pipes-names": ("names", [], "plain"),
    "pipes-empty": ("empty", [], "No pipes yet"),
    "pipe-snapshot": ("six", ["j", "j", "enter"], "stock_moves"),
    "pipe-running": ("six", ["G", "enter"], "shop.customers"),
    "pipe-stalled": ("six", ["j", "enter"], "audit.events"),
    "pipe-bad-table": ("states", ["j", "enter"], "shop.prices"),
    "pipe-day": ("six", ["G", "enter", "z", "j"], "24h ago|25h ago"),
    "table-loading": ("six", ["j", "j", "enter", "enter"], "CLICKHOUSE TYPE"),
    "table-marked": ("six", ["j", "j", "enter", "enter", "G", "k", "k", "k"], "left out"),
    "table-changed": ("six", ["j", "j", "enter", "enter", "/", "moved", "enter"], "0000-00-00"),
    "table-failed": ("states", ["j", "enter", "enter"], "MEND"),
    "incident-failed": ("six", ["i"], "WHAT YOU CAN DO"),
    "incident-stalled": ("six", ["j", "i"], "TRIES"),
    "incident-table": ("states", ["j", "i"], "TABLES THAT FAILED"),
    "journal": ("six", ["v"], "Pausing → Paused"),
    "help": ("six", ["?"], "KEYS"),
    "quit": ("six", ["q"], "stop the engine and leave"),
    "drop": ("six", ["D"], "to confirm"),
}


def compare(name, screen):
    """The screen becomes as kept: a busy machine may still be drawing it."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("SLUICE_GOLDEN") == "write":
        path.write_text(screen.text(), encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    end = time.monotonic() + 3
    while screen.text() != kept and time.monotonic() < end:
        screen.pump(0.1)
    assert screen.text() == kept, f"the screen is not as in {path}"


@pytest.mark.parametrize("rows,cols", SIZES, ids=lambda n: str(n))
@pytest.mark.parametrize("name", SCREENS)
def test_screen(dashboard, name, rows, cols):
    view, keys, ready = SCREENS[name]
    screen, engine = dashboard(recording.with_changed_values(view), rows, cols)
    engine.answers.update(table={"ok": True, "table": recording.view("columns")}, history=recording.day())
    screen.wait(r"up \d+[dhms]").settle()  # the first picture came
    for key in keys:
        screen.press(key).settle()
    screen.wait(ready).settle()
    assert all(len(line) <= cols for line in screen.lines())
    compare(f"{name}-{cols}x{rows}", screen)


@pytest.mark.parametrize("rows,cols", SIZES, ids=lambda n: str(n))
@pytest.mark.parametrize("running", [False, True], ids=["done", "running"])
def test_verify_screen(dashboard, running, rows, cols):
    screen, engine = dashboard(recording.verified("six", running), rows, cols)
    engine.answers["verify_result"] = recording.verify_result()
    screen.wait("pipe").settle()
    screen.press("G", "enter").settle().press("w").settle()
    screen.wait("Grösse").settle()
    compare(f"verify-{'running' if running else 'done'}-{cols}x{rows}", screen)


@pytest.mark.parametrize("name", ["pipes", "pipe-snapshot", "table-loading", "help"])
@pytest.mark.parametrize("how", ["option", "locale"])
def test_ascii(dashboard, name, how):
    """--ascii and a locale without UTF-8 give the same screen, and no byte above 0x7e is sent."""
    view, keys, ready = SCREENS[name]
    screen, engine = dashboard(recording.with_changed_values(view), 24, 80, ["--ascii"] if how == "option" else [],
                               {} if how == "option" else {"LANG": "C", "LC_ALL": "C"})
    engine.answers["table"] = {"ok": True, "table": recording.view("columns")}
    screen.wait(r"up \d+[dhms]").settle()
    for key in keys:
        screen.press(key).settle()
    screen.wait(ready).settle()
    assert max(screen.raw) < 0x7f
    compare(f"{name}-ascii-80x24", screen)


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "vt100"}], ids=["no-color", "vt100"])
def test_monochrome(dashboard, env):
    """Without colour the same words and signs say the same."""
    screen, _ = dashboard("six", 24, 80, env=env)
    screen.wait("orders").settle()
    assert screen.colours() == {"default"}
    assert not re.search(rb"\x1b\[([0-9;]*;)?3[0-8][0-9;]*m", screen.raw)
    if "NO_COLOR" in env:
        compare("pipes-80x24", screen)
    assert "Failed" in screen.text()


@pytest.mark.parametrize("term", ["xterm-256color", "xterm", "linux", "screen-256color", "tmux-256color"])
def test_colour_is_for_trouble(dashboard, term):
    screen, _ = dashboard("six", 24, 80, env={"TERM": term})
    screen.wait("orders").settle()
    compare("pipes-80x24", screen)
    assert screen.styles("✖ Failed")[0] == "red"
    assert screen.styles("● Running ⟳")[0] == "brown"  # pyte's name of yellow
    assert screen.styles("‖ Paused")[0] == "default"
    assert screen.styles("4d 11h")[0] == "default"


def test_calm_has_no_alarm(dashboard):
    screen, _ = dashboard("calm")
    screen.wait("orders").settle()
    assert not screen.colours() & {"red", "brown"}


def test_nothing_from_a_server_reaches_the_terminal(dashboard):
    """Escape sequences, titles and direction marks in names stand on the screen as text."""
    screen, _ = dashboard("names")
    screen.wait("plain").settle()
    screen.press("G", "enter").settle()
    assert b"\x1b]0;title" not in screen.raw and b"\x1b[31mname" not in screen.raw
    assert "\u202e" not in screen.raw.decode("utf-8") and "\u200b" not in screen.raw.decode("utf-8")


@pytest.mark.parametrize("rows,cols", [(10, 40), (12, 60), (16, 60), (60, 200), (100, 300)])
def test_any_size(dashboard, rows, cols):
    """Every screen draws at the smallest and the largest sizes, with its footer."""
    screen, _ = dashboard("six", rows, cols)
    screen.wait("Failed").settle()
    for keys in (["j", "j", "enter"], ["i"], ["v"], ["?"], ["n"], ["e"], ["j", "j", "a"]):
        screen.press("g", *keys).settle()
        assert "esc" in screen.lines()[-1], screen.text()
        screen.press("esc").settle().wait("quit")
    screen.press("q").wait("go back")


def test_too_small(dashboard):
    screen, _ = dashboard("six", 9, 39)
    screen.wait("too small")
    screen.resize(24, 80)
    screen.wait("orders")
    screen.resize(24, 30)
    screen.wait("too small")
