"""Every key on every screen does something or says nothing, and never leaves junk. The keys are those of --print-keys."""
import configparser
import signal
import string
import subprocess

import pytest

import recording
from screen import KEYS, program

NAMES = {"Enter": "enter", "Tab": "tab", "Shift-Tab": "backtab", "Esc": "esc", "Space": " ", "Up": "up", "Down": "down", "Left": "left",
         "Right": "right", "PgUp": "pgup", "PgDn": "pgdn", "Home": "home", "End": "end"}
FUNCTION = {"F1": "\x1bOP", "F2": "\x1bOQ", "F3": "\x1bOR", "F4": "\x1bOS", "F5": "\x1b[15~", "F6": "\x1b[17~", "F7": "\x1b[18~",
            "F8": "\x1b[19~", "F9": "\x1b[20~", "F10": "\x1b[21~"}
CONTROL = {f"^{letter}": chr(ord(letter) & 0x1f) for letter in string.ascii_uppercase}
HOME = "prod-etl-2"  # stands on the list of pipes alone

# screen -> keys to it from the list of pipes, and behind "..." what has to be there before the next one; what stands there
PLACES = {
    "pipes": ([], HOME),
    "pipe": (["j", "j", "enter"], "stock_moves"),
    "table": (["j", "j", "enter", "enter"], "CLICKHOUSE TYPE"),
    "new": (["n"], "new pipe"),
    "incident": (["i"], "WHAT YOU CAN DO"),
    "journal": (["v"], "Pausing → Paused"),
    "help": (["?"], "KEYS"),
    "settings": (["/", "orders", "enter", "e"], "batch_rows"),
    "editing": (["/", "orders", "enter", "e", "...batch_rows", "enter"], "leave as it is"),
    "add": (["/", "orders", "enter", "a"], "crm.accounts"),
    "verify": (["/", "orders", "enter", "enter", "w"], "Grösse"),
}
TYPED_INTO = ("new", "editing")  # there a character is text


def code(name):
    """What a terminal sends for a key of the file's."""
    return KEYS[NAMES[name]] if name in NAMES and NAMES[name] in KEYS else NAMES.get(name) or FUNCTION.get(name) or CONTROL.get(name, name)


@pytest.fixture(scope="module")
def keymap():
    printed = subprocess.run([program(), "--print-keys"], stdout=subprocess.PIPE, text=True, check=True).stdout
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes="#", inline_comment_prefixes=None)
    parser.optionxform = str
    parser.read_string(printed)
    found = {place: [key for keys in parser[place].values() for key in keys.split()] for place in parser.sections() if place != "general"}
    assert set(found) == set(PLACES), "a screen is missing here"
    return found


def quiet(screen, seconds=0.06):
    """Until nothing was drawn for a moment. Shorter than settle(): this is done for each of some 250 keys."""
    last = -1
    while last != screen.bytes:
        last = screen.bytes
        assert screen.pump(seconds), "it ended"
    return screen


def is_home(screen):
    """On the list of pipes, with nothing over it, and no filter on its rule."""
    head, rule, *rest = screen.lines()
    return HOME in head and set(rule) == {"─"} and "┌" not in "".join(rest) and rest[-1].endswith("quit")


def go_to(screen, place):
    keys, ready = PLACES[place]
    for _ in range(8):  # out of a question, a box, a filter, and of each screen
        screen.press("esc")
        if is_home(screen):
            break
    screen.wait(HOME).press("g")
    for key in keys:
        screen.wait(key[3:]) if key.startswith("...") else screen.press(key)
    screen.wait(ready)
    return quiet(screen)


def junk(screen):
    """None: all is printable, in its width, with a footer; and drawn anew it is the same."""
    shown = screen.text()
    if not all(char.isprintable() for char in shown.replace("\n", "")) or not screen.lines()[-1].strip():
        return shown
    screen.model.reset()
    screen.signal(signal.SIGCONT)  # all is drawn again
    screen.wait("sluice")
    return None if quiet(screen).text() == shown else f"{shown}\ndrawn anew:\n{screen.text()}"


@pytest.mark.parametrize("place", PLACES)
def test_every_key(dashboard, keymap, place):
    screen, engine = dashboard(recording.verified("six"), 24, 80)
    engine.answers.update(recording.answers(), stop={"error": {"code": 4, "message": "not now"}})
    screen.wait("orders").settle()
    go_to(screen, place)
    base = screen.text()
    for key in [*keymap[place], "^C"]:
        screen.press(code(key))
        if junk(quiet(screen)):  # unless it was drawn late: once more, in peace
            go_to(screen, place).press(code(key)).settle()
            screen.pump(1)
            found = junk(screen)
            assert not found, f"{key} left what was not drawn:\n{found}"
        if screen.text() != base and quiet(screen.press("Z", "g")).text() != base:  # Z is no key, but ends what is said
            go_to(screen, place)
            base = screen.text()


@pytest.mark.parametrize("place", [place for place in PLACES if place not in TYPED_INTO])
def test_other_keys_do_nothing(dashboard, keymap, place):
    screen, engine = dashboard(recording.verified("six"), 24, 80)
    engine.answers.update(recording.answers())
    screen.wait("orders").settle()
    go_to(screen, place)
    before, asked = screen.text(), len(engine.requests)
    every = [*string.digits, *string.ascii_letters, *string.punctuation, " ", *NAMES, *FUNCTION, *CONTROL, "日", "\x1b[9999~", "\x1b[200~", "\x1b[1;99Q", "\x1bOz"]
    same = {"Tab": "^I", "Enter": "^M", "Space": " "}
    bound = {*keymap[place], *(same.get(key, key) for key in keymap[place]), "^C", "^Z", "^J", "^M" if "Enter" in keymap[place] else "", "^I" if "Tab" in keymap[place] else ""}
    for key in every:
        if key not in bound:
            screen.child.send(code(key))
            screen.pump(0.002)
    quiet(screen, 0.2)
    assert screen.text() == before
    assert [r for r in engine.requests[asked:] if r["do"] not in ("table", "source_tables", "history", "verify_result")] == []  # asked for by the screen itself
