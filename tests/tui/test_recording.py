"""Recordings: what --record wrote is what --replay shows, without an engine, and never taken for what happens now."""
import json
import stat
import time

import pytest

import recording
from screen import KEYS, Screen, program

WALK = [("open", ["j", "j", "enter"], "shop.stock_moves"), ("table", ["enter"], "CLICKHOUSE TYPE"), ("back", ["esc", "esc"], "HEADROOM"),
        ("journal", ["v"], "old entry 1"), ("end", ["esc"], "HEADROOM")]


def body(screen):
    """Without the head, which says that it is a recording."""
    return screen.lines()[1:]


def walk(screen):
    shown = {}
    for name, keys, ready in WALK:
        for key in keys:
            screen.press(key).settle()
        screen.wait(ready).settle()
        shown[name] = body(screen)
    return shown


@pytest.fixture
def replay(tmp_path):
    opened = []

    def start(path, rows=24, cols=80):
        screen = Screen([program(), "--replay", str(path)], rows, cols, {"XDG_STATE_HOME": str(tmp_path / "none"), "HOME": str(tmp_path)})
        opened.append(screen)
        return screen

    yield start
    for screen in opened:
        screen.close()


@pytest.fixture
def recorded(dashboard, tmp_path):
    """(file, screens): recorded of a walk through screens, with a change of state, an action and a password on the way."""
    path = tmp_path / "recording"
    screen, engine = dashboard("six", options=["--record", str(path)])
    engine.answers["table"] = {"ok": True, "table": recording.view("columns")}
    engine.answers["log"] = {"ok": True, "entries": [
        {"id": -i, "at": "2026-11-20T10:00:00Z", "pipe": "orders", "actor": "engine", "kind": "state", "text": f"old entry {i}", "position": None}
        for i in (2, 1)]}
    engine.answers["source_tables"] = {"error": {"code": 1, "message": "hunter2 was refused"}}
    screen.wait("orders").settle()
    picture = recording.view("six")
    orders = next(p for p in picture["pipes"] if p["name"] == "orders")
    orders.update(state="Paused", paused_by="operator")
    picture["at"] = "2026-11-23T14:02:33Z"
    engine.show(picture)
    screen.wait(r"orders +‖ Paused").settle()
    shown = walk(screen)
    screen.press("n", "x", "tab", "repl:hunter2@db", "tab").settle()
    engine.wait_for("source_tables")
    screen.press("esc").wait("HEADROOM").press("g", "t").wait("Try billing")
    engine.wait_for("retry")
    screen.press("q", "q")
    assert screen.end() == 0
    return path, shown


def test_a_replay_shows_what_was_recorded(recorded, replay, tmp_path):
    path, shown = recorded
    text = path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "hunter2" not in text and '"retry"' not in text
    assert sum('"view"' in line for line in text.splitlines()) == 1, "a picture is written whole once, then what changed"

    screen = replay(path)
    screen.wait(r"recording ended 14:02:33").settle()
    assert walk(screen) == shown
    screen.press("G", "p").wait("this is a recording")
    screen.press("n", "x", "tab", "other@db", "tab").wait("the recording has no answer to this").press("esc").wait("HEADROOM").press("q")
    assert screen.end() == 0
    assert not (tmp_path / "none").exists()


def test_pictures_come_at_their_pace(replay, tmp_path):
    path = tmp_path / "paced"
    picture = recording.view("calm")
    first = {"ms": 5000, "view": picture}
    second = {"ms": 6500, "changed": {"at": "2026-11-23T14:02:40Z", "pipes": {"0": {"state": "Paused"}}}}
    path.write_text("".join(json.dumps(line) + "\n" for line in ({"recording": 1}, first, second)) + '{"ms": 70', encoding="utf-8")
    screen = replay(path)
    screen.wait("recording of 14:02:31$").wait("recording ended 14:02:40").wait(f"{picture['pipes'][0]['name']} +‖ Paused")


@pytest.mark.parametrize("content,said", [
    (None, "cannot replay .*: No such file or directory"), ("", "is no recording; `sluice --record FILE` makes one"), ("hello\n", "is no recording"),
    ('{"recording": 2}\n', "was recorded by a newer sluice"), ('{"recording": 1}\n', "holds no picture"),
    ('{"recording": 1}\n{"ms": 1, "view": {"format": 1, "pipes": []}}\n{"ms": 2}\n', "line 3 of .* is no line of a recording"),
    ('{"recording": 1}\n{"ms": 1, "view": {"format": 1, "pipes": []}}\n{"ms": 2, "changed": {"pipes": {"3": {}}}}\n', "line 3 of .* is no line"),
    ('{"recording": 1}\n{"ms": 1, "vie\n{"ms": 2}\n', "line 2 of .* is damaged"),
])
def test_bad_recordings(replay, tmp_path, content, said):
    path = tmp_path / "bad"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    screen = replay(path, cols=250)
    screen.wait(f"^sluice: .*{said}")
    assert screen.end() != 0
    assert len([line for line in screen.lines() if line]) == 1


def test_a_recording_is_not_overwritten(dashboard, tmp_path):
    path = tmp_path / "there"
    path.write_text("mine")
    screen, engine = dashboard("six", cols=200, options=["--record", str(path)])
    screen.wait("is there already and is not overwritten")
    assert screen.end() == 2
    assert path.read_text() == "mine" and not engine.requests


def test_the_largest_sites_scroll(replay, tmp_path):
    """200 pipes, one of them with 2,000 tables, whose figures change each second."""
    path = tmp_path / "large"
    picture = recording.large()
    with path.open("w", encoding="utf-8") as lines:
        for line in [{"recording": 1}] + [{"ms": 1000 * second, "view": recording.busy(picture, second)} for second in range(4)]:
            lines.write(json.dumps(line) + "\n")
    screen = replay(path, 60, 200)
    screen.wait("▸ pipe-150 +✖ Failed").press("G").wait("▸ pipe-199").press(*["pgup"] * 10).wait("▸ pipe-150")
    screen.press("/", "pipe-000", "enter", "enter").wait("▸ shop.table_0000").press("G").wait("▸ shop.table_1999").wait("–2000 of 2000")
    began, keys = time.monotonic(), 60
    for key in ["pgup"] * (keys // 2) + ["k"] * (keys // 2):
        before = screen.text()
        screen.child.send(KEYS[key] if key in KEYS else key)
        while screen.text() == before:
            assert screen.pump(1), "it ended"
    print(f"a key is answered in {(time.monotonic() - began) / keys * 1000:.0f} ms, the screen model's time included")
    screen.press("/", "table_1234").wait("▸ shop.table_1234").wait("1–1 of 1|shop.table_1234")
