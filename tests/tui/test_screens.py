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
SIZES = [(24, 80), (40, 120), (60, 200)]
WRITE = os.environ.get("SLUICE_GOLDEN") == "write"

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
    "journal": ("six", ["v"], "Pausing . Paused"),
    "help": ("six", ["?"], "KEYS"),
    "new": ("six", ["n", "later", "tab", "repl@db-7:3306", "tab", " ", "tab", "/etc/sluice/db-7.pw", "tab", "tab", "tab", "tab", "*"], "1 to mend"),
    "add": ("six", ["/", "orders", "enter", "a", "j", "G", " ", "enter"], "choose another target"),
    "settings": ("six", ["/", "orders", "enter", "e", "j", "j", "j", "j", "j"], "Takes lz4, zstd, none"),
    "verify-done": ("verified", ["G", "enter", "w"], "Gr.+sse"),
    "verify-running": ("verifying", ["G", "enter", "w"], "Gr.+sse"),
    "settings-table": ("six", ["/", "orders", "enter", "e", "a", "down", "tab", "right", "tab", "a=b"], "rename"),
}
# What lies over a screen is as wide everywhere.
BOXES = {
    "quit": ("six", ["q"], "stop the engine and leave"),
    "drop": ("six", ["D"], "to confirm"),
    "command": ("six", [":", "tables ", "tab"], "orders"),
    "copied": ("six", ["i", "y"], "Copy the report"),
}
ALL = SCREENS | BOXES


def compare(name, text, screen=None):
    """The screen becomes as kept: a busy machine may still be drawing it. `text` gives what is compared."""
    path = GOLDEN / f"{name}.txt"
    if WRITE:
        path.write_text(text(), encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    end = time.monotonic() + 3
    while text() != kept and screen and time.monotonic() < end:
        screen.pump(0.1)
    assert text() == kept, f"the screen is not as in {path}"


def opened(dashboard, name, rows, cols, options=(), env=None):
    view, keys, ready = ALL[name]
    picture = recording.verified("six", view == "verifying") if view.startswith("verif") else recording.with_changed_values(view)
    screen, engine = dashboard(picture, rows, cols, options, env)
    engine.answers.update(recording.answers())
    screen.wait(r"up \d+[dhms]").settle()  # the first picture came
    for key in keys:
        screen.press(key).settle()
    return screen.wait(ready).settle()


def same(name, screen):
    compare(name, screen.text, screen)


def cursor_is_on_the_marked_row(screen):
    """A screen reader speaks the row that the terminal's cursor is on."""
    marks = [row for row, line in enumerate(screen.lines()) if re.match(r"[ ✓]▸", line)]
    return not marks or screen.model.cursor.y in marks


@pytest.mark.parametrize("rows,cols", SIZES, ids=lambda n: str(n))
@pytest.mark.parametrize("name", SCREENS)
def test_screen(dashboard, name, rows, cols):
    screen = opened(dashboard, name, rows, cols)
    assert all(len(line) <= cols for line in screen.lines())
    same(f"{name}-{cols}x{rows}", screen)
    assert cursor_is_on_the_marked_row(screen)


@pytest.mark.parametrize("name", BOXES)
def test_box(dashboard, name):
    same(f"{name}-80x24", opened(dashboard, name, 24, 80))


@pytest.mark.parametrize("how,name", [("option", name) for name in ALL] + [("locale", name) for name in ("pipes", "pipe-snapshot", "incident-failed", "help")])
def test_ascii(dashboard, name, how):
    """--ascii and a locale without UTF-8 give the same screen, and no byte above 0x7e is sent."""
    screen = opened(dashboard, name, 24, 80, ["--ascii"] if how == "option" else [], {} if how == "option" else {"LANG": "C", "LC_ALL": "C"})
    assert max(screen.raw) < 0x7f
    same(f"{name}-ascii-80x24", screen)


@pytest.mark.parametrize("name", ALL)
def test_monochrome(dashboard, name):
    """Without colour the same words and signs say the same."""
    if WRITE:
        pytest.skip("compares with the pictures in colour")
    screen = opened(dashboard, name, 24, 80, env={"NO_COLOR": "1"})
    assert screen.colours() == {"default"}
    same(f"{name}-80x24", screen)


def test_a_terminal_without_colours(dashboard):
    screen, _ = dashboard("six", 24, 80, env={"TERM": "vt100"})
    screen.wait("orders").settle()
    assert screen.colours() == {"default"}
    assert not re.search(rb"\x1b\[([0-9;]*;)?3[0-8][0-9;]*m", screen.raw)
    assert "Failed" in screen.text()


def test_what_has_a_colour(dashboard):
    """Red and yellow are for what needs a person: all that has one of them, on each screen."""
    found = {name: opened(dashboard, name, 24, 80).alarms() for name in SCREENS}
    compare("colours", lambda: "".join(f"{name}\n{''.join(f'    {line}' + chr(10) for line in lines)}" for name, lines in found.items()))


@pytest.mark.parametrize("term", ["xterm-256color", "xterm", "linux", "screen-256color", "tmux-256color"])
def test_colour_is_for_trouble(dashboard, term):
    screen, _ = dashboard("six", 24, 80, env={"TERM": term})
    screen.wait("orders").settle()
    same("pipes-80x24", screen)
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
