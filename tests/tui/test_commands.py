"""The command line, copies, and the files that change keys and looks."""
import base64
import os
import re
import subprocess

import pytest

import recording
from screen import program


def start(dashboard, picture="six", **more):
    screen, engine = dashboard(picture, **more)
    screen.wait("Failed").settle()
    return screen, engine


def configured(tmp_path, **files):
    folder = tmp_path / "config" / "sluice"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.conf").write_text(text, encoding="utf-8")
    return {"XDG_CONFIG_HOME": str(folder.parent)}


def copied(screen):
    """What the terminal got for its clipboard."""
    found = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", screen.raw)
    return [base64.b64decode(text).decode() for text in found]


def test_a_command_runs_beside_the_screen(dashboard):
    screen, engine = start(dashboard)
    screen.press("G", ":").wait("Tab completes").press("pa", "tab", "tab").wait("^:pause orders$").press("enter")
    screen.wait("Done.").wait(r"\$ sluice pause orders")
    assert engine.wait_for("pause")["name"] == "orders"
    screen.press(":", "up").wait("^:pause orders").press("esc").wait_gone("^:pause")


def test_the_command_of_an_action_can_be_changed_and_run(dashboard):
    screen, engine = start(dashboard)
    screen.press("R").wait("Resync billing").press("esc").press(":", "up").wait("^:resync billing$").press(" --table x.y", "enter").wait("Done.")
    assert engine.wait_for("resync")["tables"] == ["x.y"]


def test_output_is_shown_in_a_box_that_scrolls(dashboard):
    screen, engine = start(dashboard, recording.many_pipes(60))
    screen.press(":", "status", "enter").wait("Esc closes").wait("1–20 of")
    screen.press("G").wait("pipe-059").press("pgup", "g").wait("1–20 of")
    screen.press("esc").wait_gone("Esc closes")


def test_nothing_a_command_prints_reaches_the_terminal(dashboard):
    screen, engine = start(dashboard)
    engine.answers["pause"] = {"error": {"code": 4, "message": "no \x1b]0;title\x07 way"}}
    screen.press(":", "pause orders", "enter").wait(r"no \\x1B\]0;title\\x07 way")
    assert b"\x1b]0;title" not in screen.raw


def test_what_cannot_be_undone_asks_for_the_name(dashboard):
    screen, engine = start(dashboard)
    screen.press(":", "drop orders --drop-target --yes", "enter").wait("Drop pipe orders AND its destination tables").wait("Type orders to confirm")
    screen.wait(r"\$ sluice drop --yes orders --drop-target")
    screen.press("enter", "y", "enter").settle()
    screen.press("esc").wait_gone("to confirm")
    assert "drop" not in [r["do"] for r in engine.requests]
    screen.press(":", "up", "enter").wait("Type orders to confirm").press("orders", "enter").wait("Done.")
    request = engine.wait_for("drop")
    assert (request["name"], request["drop_target"]) == ("orders", True)


def test_a_command_that_hangs_holds_up_nothing(dashboard):
    screen, engine = start(dashboard)
    engine.answers["pause"] = None
    screen.press(":", "pause orders", "enter").wait("Running: sluice pause orders").press("j").wait("▸ audit")
    screen.press(":").wait("Running").press("esc").wait("It was ended").press("G").wait("▸ crm|▸ orders")


@pytest.mark.parametrize("words,said", [
    ("run --detach", "The engine is not started from within"), ("sluice", "Begin with a command"), ("--ascii", "Begin with a command"),
    ("status --watch", "this screen shows the same"), ("log -fn 3", "the journal here follows"), ("pause 'x", "Text ended before matching quote"),
    ("nonsense", "there is no command 'nonsense'"), ("pause nobody", "no such pipe")])
def test_commands_that_make_no_sense_here(dashboard, words, said):
    screen, engine = start(dashboard)
    engine.answers["pause"] = {"error": {"code": 3, "message": "there is no such pipe"}}
    screen.press(":", words, "enter").wait(said)


def test_passwords_of_a_command_are_not_shown_again(dashboard):
    screen, engine = start(dashboard)
    engine.answers["check"] = engine.answers["create"] = {"error": {"code": 1, "message": "cannot reach it"}}
    screen.press(":", "check --source mysql://u:hunter2@db/ --dest embedded: --tables a.b", "enter").wait("cannot reach it")
    assert "hunter2" not in screen.text() and "***" in screen.text()
    screen.press(":", "up").settle()
    assert "hunter2" not in screen.text()


def test_the_report_is_copied_as_explain_tells_it(dashboard):
    screen, engine = start(dashboard)
    screen.press("i").wait("WHAT YOU CAN DO").press("y").wait("Copy the report")
    told = subprocess.run([program(), "--state-dir", os.path.dirname(engine.path), "explain", "billing"], stdout=subprocess.PIPE, text=True,
                          check=False, env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"})
    assert copied(screen) == [told.stdout.rstrip("\n")] and "binlog.001841" in told.stdout
    screen.press("esc").wait("WHAT YOU CAN DO")


def test_errors_and_commands_are_copied(dashboard):
    screen, engine = start(dashboard)
    screen.press("G", "y").wait("nothing to copy").press("p").wait("Pause orders").press("y").wait("Copy the command").press("esc")
    screen.press("g", "y").wait("Copy the error").press("esc").press("G", "y").wait("Copy the command").press("esc")
    command, error, again = copied(screen)
    assert command == again == "sluice pause orders" and error.startswith("billing: ")
    assert screen.text().count("▸") == 1  # nothing of it was left on the screen


def test_a_console_that_knows_no_copies_shows_them(dashboard):
    screen, _ = start(dashboard, env={"TERM": "linux"})
    screen.press("g", "y").wait("Copy the error").wait("takes no copies")
    assert not copied(screen) and b"]52;" not in screen.raw


def test_keys_are_as_their_file_says(dashboard, tmp_path):
    env = configured(tmp_path, keys="[pipes]\npause = ^P x\nopen = →\n[all]\nhelp = F1 ?\n")
    screen, engine = start(dashboard, env=env)
    screen.press("G", "p").settle()
    assert "^P pause" in screen.lines()[-1] and "F1 help" in screen.lines()[-1]
    assert "pause" not in [r["do"] for r in engine.requests]
    screen.press("x").wait("Pause orders")
    screen.press("f1").wait("help: all pipes").wait(r"\^P x  ").press("esc").wait("▸ orders").press("right").wait("shop.customers")


def test_a_wrong_file_is_told_and_changes_nothing(dashboard, tmp_path):
    env = configured(tmp_path, keys="[pipes]\ndrop = d\nsort = p\n", theme="[styles]\nlost = pink\n")
    screen, _ = start(dashboard, env=env)
    screen.wait("theme.conf: lost: 'pink' is no colour").wait("and 2 more").press("g").wait_gone("theme.conf")
    assert screen.styles("✖ Failed")[0] == "red"
    screen.press("d", "D").wait("Drop billing")


@pytest.mark.parametrize("term,lost", [("xterm-256color", "ff0000"), ("xterm", "red"), ("sixteen", "red"), (None, "default")], ids=str)
def test_looks_are_as_their_file_says(dashboard, tmp_path, term, lost):
    """A colour that the terminal does not have is the nearest one; the rest stays."""
    env = configured(tmp_path, theme="[styles]\nlost = 196 underline\ntitle = default\n")
    env.update({"TERM": term, "TERMINFO": str(tmp_path)} if term == "sixteen" else {"TERM": term} if term else {"NO_COLOR": "1"})
    if term == "sixteen":
        source = "sixteen|xterm of 16 colours,\n\tcolors#16, pairs#256, setaf=\\E[%?%p1%{8}%<%t3%p1%d%e9%p1%{8}%-%d%;m, use=xterm,\n"
        subprocess.run(["tic", "-o", str(tmp_path), "-"], input=source, text=True, check=True)
    screen, _ = start(dashboard, env=env)
    colour, bold, _, underscore = screen.styles("✖ Failed")
    assert (colour, bold, underscore) == (lost, term == "sixteen", True)  # the screen model shows a bright colour as bold


def test_printed_files_are_what_holds(dashboard, tmp_path):
    files = {name: subprocess.run([program(), f"--print-{name}"], stdout=subprocess.PIPE, text=True, check=True).stdout for name in ("keys", "theme")}
    screen, _ = start(dashboard, env=configured(tmp_path, **files))
    assert ".conf" not in screen.text()


def test_the_mouse_is_off_unless_wanted(dashboard, tmp_path):
    screen, _ = start(dashboard)
    assert b"?1000h" not in screen.raw
    screen, _ = start(dashboard, env=configured(tmp_path, keys="[general]\nmouse = on\n"))
    assert b"?1000h" in screen.raw or b"?1006;1000h" in screen.raw
    row = next(i for i, line in enumerate(screen.lines()) if "inventory" in line)
    click, wheel = f"\x1b[<0;10;{row + 1}M\x1b[<0;10;{row + 1}m", f"\x1b[<65;10;{row + 1}M"
    screen.press(click).wait("▸ inventory").press(wheel).wait_gone("▸ inventory").press(click).wait("▸ inventory").press(click).wait("shop.stock_moves")
