"""What keys do, how the screen behaves when the engine is silent or gone, and how it ends."""
import os
import random
import re
import signal
import time

import pytest

import recording
from screen import KEYS, Screen, program


def marked(screen):
    """The row under the cursor."""
    return next((line for line in screen.lines() if line.startswith(" ▸")), "")


def test_pause_and_resume(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("G", "p")
    screen.wait("Pause orders: reading stops, the position is kept, 6d 20h of headroom").wait(
        r"\$ sluice pause orders$")
    assert engine.wait_for("pause")["name"] == "orders"
    picture = recording.view("six")
    next(p for p in picture["pipes"] if p["name"] == "orders").update(state="Paused", paused_by="operator")
    engine.show(picture)
    screen.wait(r"▸ orders +‖ Paused").press("p").wait("Resume orders: it goes on where it was")
    assert engine.wait_for("resume")["name"] == "orders"


def test_refusal_is_shown(dashboard):
    screen, engine = dashboard("six")
    engine.answers["pause"] = {"error": {"code": 4, "message": "orders is Modifying: pause it when that is done"}}
    screen.wait("orders").settle().press("G", "p").wait("orders is Modifying: pause it when that is done")
    screen.press("k").wait_gone("is Modifying")


def test_small_letters_that_make_no_sense_say_why(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("G", "t").wait("orders is Running: nothing waits to be tried again")
    screen.press("i").wait("orders is Running: nothing is wrong with it")
    assert not [r for r in engine.requests if r["do"] != "watch"]


def test_retry(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("t").wait(r"\$ sluice retry billing")
    assert engine.wait_for("retry")["name"] == "billing"


def test_drop_needs_the_name(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("D").wait("Drop billing").wait("position is forgotten")
    screen.press("enter", "y", "enter").settle()
    assert "Type billing to confirm" in screen.text()
    screen.press("esc").wait_gone("to confirm")
    screen.press("D", "billing", "enter").wait("Dropping billing")
    assert engine.wait_for("drop")["name"] == "billing"
    assert len([r for r in engine.requests if r["do"] == "drop"]) == 1


def test_verify_begins_mends_and_ends(dashboard):
    screen, engine = dashboard("six")
    engine.answers["verify_result"] = recording.verify_result()
    screen.wait("orders").settle().press("G", "enter").settle().press("w").wait("Not compared since the engine started")
    screen.press("w").wait(r"\$ sluice verify orders$")
    assert engine.wait_for("verify") == {**engine.wait_for("verify"), "name": "orders"} and "repair" not in engine.wait_for("verify")
    screen.press("M").wait("Mend orders").wait("sluice verify orders --repair").press("esc").wait_gone("Mend orders")
    engine.show(recording.verified("six", True))
    screen.wait("waits for the stream").press("c").wait(r"\$ sluice verify orders --cancel$")
    assert engine.wait_for("verify_cancel")["name"] == "orders"
    engine.show(recording.verified("six"))
    screen.wait("compared until").wait("Grösse").press("M").wait("Mend orders").press("y").wait("mending what differs")
    assert [r.get("repair") for r in engine.wait_for_all(2, lambda r: r["do"] == "verify")] == [None, True]


def test_resync_asks_and_cancel_does_not(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("R").wait("Resync billing").wait("readers keep|Readers keep").wait("sluice resync billing")
    screen.press("esc").wait_gone("Resync billing")
    assert not [r for r in engine.requests if r["do"] == "resync"]
    screen.press("R").wait("Resync billing").press("y").wait("is loaded again")
    assert engine.wait_for("resync")["name"] == "billing"
    picture = recording.view("six")
    inventory = next(p for p in picture["pipes"] if p["name"] == "inventory")
    screen.press("c").wait("no resync is under way")
    inventory["tables"][0]["state"] = "resyncing"
    engine.show(picture)
    screen.press("/", "inv", "enter").settle().press("c").wait("is given up")
    assert engine.wait_for("cancel")["name"] == "inventory"


def test_one_table_is_loaded_again_or_leaves(dashboard):
    screen, engine = dashboard("six")
    engine.answers["table"] = {"ok": True, "table": recording.view("columns")}
    screen.wait("orders").settle().press("/", "orders", "enter", "enter").wait("LOADED").settle().press("enter").wait("CLICKHOUSE TYPE").settle()
    screen.press("R").wait("Resync shop").wait("--table shop").press("y").wait("is loaded again")
    table = engine.wait_for("resync")["tables"]
    assert len(table) == 1
    screen.press("X").wait("is not followed any more").press("enter", "y", "enter").settle()
    assert not [r for r in engine.requests if r["do"] == "tables_remove"]
    screen.press("esc").wait_gone("to confirm").press("X", table[0], "enter").wait("leaves orders")
    assert engine.wait_for("tables_remove")["tables"] == table


def test_skipping_says_what_is_lost_and_asks(dashboard):
    screen, engine = dashboard("six", 40, 120)
    engine.answers["reposition"] = {"ok": True, "from": "binlog.001841:77120004", "to": "binlog.001843:4", "gap": "skips 1.2 GiB of the log"}
    screen.wait("orders").settle().press("i").wait("SO THAT IT STAYS AWAY").wait("Skip to binlog.001843").settle()
    screen.press("S").wait("This skips 1.2 GiB of the log").wait("sluice reposition billing --file binlog.001843 --pos 4 --yes")
    asked = engine.wait_for("reposition")
    assert (asked["name"], asked["file"], asked["pos"], asked["check"]) == ("billing", "binlog.001843", 4, True)
    screen.press("esc").wait_gone("This skips")
    assert not [r for r in engine.requests if r["do"] == "reposition" and not r.get("check")]
    screen.press("S").wait("This skips").press("y").wait("billing goes on from binlog.001843")
    (done,) = engine.wait_for_all(1, lambda r: r["do"] == "reposition" and not r.get("check"))
    assert (done["name"], done["file"], done["pos"]) == ("billing", "binlog.001843", 4)
    engine.answers["reposition"] = {"error": {"code": 4, "message": "the server has no log binlog.001843"}}
    screen.press("S").wait("the server has no log binlog.001843")


def test_rows_do_not_jump_under_the_cursor(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("j", "j", "j", "j").settle()
    row = screen.lines().index(marked(screen))
    assert "clicks" in marked(screen)
    picture = recording.view("six")
    broken = next(p for p in picture["pipes"] if p["name"] == "orders")
    broken.update(state="Failed", error=next(p for p in picture["pipes"] if p["name"] == "billing")["error"])
    engine.show(picture)
    screen.wait(r"orders +✖ Failed").settle()
    assert screen.lines().index(marked(screen)) == row and "clicks" in marked(screen)
    assert screen.text().index("orders") < screen.text().index("clicks")  # trouble went to the top around it
    screen.press("esc").settle()
    assert "billing" in marked(screen)


def test_filter_narrows_while_typed(dashboard):
    screen, _ = dashboard("six")
    screen.wait("orders").settle().press("/").press("CR").settle()
    names = re.findall(r"^ [ ▸] (\w+) +[●✖◐‖]", screen.text(), re.MULTILINE)
    assert names == ["crm"]
    screen.press("enter", "q").wait("Quit").press("esc").settle()
    screen.press("esc").wait("orders")
    screen.press("/", "zzz").wait("No pipe's name has \"zzz\" in it").press("esc").wait("orders")


def test_sort(dashboard):
    screen, _ = dashboard("six")
    screen.wait("orders").settle().press("s").wait("Sorted by name")
    names = re.findall(r"^ [ ▸] (\w+) +[●✖◐‖]", screen.settle().text(), re.MULTILINE)
    assert names == sorted(names)


def open_table(dashboard, rows=24, cols=80, keys=("enter",)):
    screen, engine = dashboard("six", rows, cols)
    engine.answers["table"] = {"ok": True, "table": recording.view("columns")}
    screen.wait("orders").settle().press("j", "j", "enter").wait("shop.stock_moves").settle().press(*keys)
    return screen, engine


@pytest.mark.parametrize("key", ["enter", "l", "right"])
def test_a_table_opens_and_closes(dashboard, key):
    screen, engine = open_table(dashboard, keys=[key])
    screen.wait("▸ id +key +bigint").wait(r"id bigint\(20\) unsigned  →  id UInt64")
    request = engine.wait_for("table")
    assert (request["name"], request["table"]) == ("inventory", "shop.stock_moves")
    screen.press("?").wait("help: one table").press("esc").wait("▸ id")
    screen.press("esc").wait("4 tables").press("j", key).wait("› shop.suppliers")
    assert engine.wait_for("table")["table"] == "shop.suppliers"


def test_columns_scroll_sort_and_filter(dashboard):
    screen, engine = open_table(dashboard)
    screen.wait("1–11 of 19").press("G").wait("▸ _peerdb_version").wait("9–19 of 19").press("pgup").wait("▸ (password_hash|amount|expires)")
    screen.press("g").wait("▸ id").press("j", "j", "j", "j", "j", "j", "j", "j", "j").wait("▸ amount")
    screen.wait(r"resync: amount Nullable\(String\)")
    engine.show(recording.with_changed_values("six"))
    screen.wait("12.3 M").press("s").wait("sorted by name").press("s").wait("sorted by changed values")
    screen.wait("▸ amount")  # the cursor stays on its column
    screen.press("g").wait(r"▸ 日本語の注記").wait("12.3 M not text in the")
    screen.press("/", "date").wait("filter date").settle()
    names = re.findall(r"^ [ ▸] (\w+) ", screen.text(), re.MULTILINE)
    assert names == ["COLUMN", "moved_at", "expires", "created", "_peerdb_synced_at"]  # by their names and types
    screen.press("zz").wait("no column has that in its name or type")
    screen.press("enter", "esc").wait("▸ .*日本語の注記|▸ id|▸ moved_at").press("esc").wait("4 tables")


def test_figures_of_a_table_follow_the_pictures(dashboard):
    screen, engine = open_table(dashboard)
    screen.wait("inserts 2,120")
    picture = recording.with_changed_values("six")
    table = next(p for p in picture["pipes"] if p["name"] == "inventory")["tables"][0]
    table.update(inserts=2121, state="failed", error={"at": picture["at"], "code": 0, "message": "no room", "cause": "the disk is full",
                                                      "remedies": ["make room"]})
    engine.show(picture)
    screen.wait("inserts 2,121").wait("✖ failed").wait("WHAT   no room").wait("WHY    the disk is full").wait("MEND   make room")
    picture["pipes"] = [p for p in picture["pipes"] if p["name"] != "inventory"]
    engine.show(picture)
    screen.wait("This pipe is no more: it was dropped")


def test_columns_are_asked_for_again(dashboard):
    """A table that is made anew has others."""
    screen, engine = open_table(dashboard)
    screen.wait("warehouse_id")
    columns = recording.view("columns")
    columns["columns"] = columns["columns"][:1] + columns["columns"][2:]
    engine.answers["table"] = {"ok": True, "table": columns}
    screen.wait_gone("warehouse_id", 8).wait("▸ id")


@pytest.mark.parametrize("answer,shown", [
    ({"error": {"code": 3, "message": "the pipe has no table shop.stock_moves"}}, "the pipe has no table shop.stock_moves"),
    ({"ok": True, "table": {"source": "shop.stock_moves", "target": "stock_moves", "key": None, "columns": []}}, "the columns are not known yet"),
    (None, "reading"),
])
def test_columns_that_are_not_there(dashboard, answer, shown):
    screen, engine = dashboard("six")
    engine.answers["table"] = answer
    screen.wait("orders").settle().press("j", "j", "enter").wait("shop.stock_moves").settle().press("enter")
    screen.wait(shown).wait("inserts 2,120").press("j", "G", "esc").wait("4 tables")


def test_journal_loads_and_follows(dashboard):
    screen, engine = dashboard("six")
    engine.answers["log"] = {"ok": True, "entries": [
        {"id": i - 100, "at": "2026-11-20T10:00:00Z", "pipe": "orders", "actor": "engine", "kind": "state",
         "text": f"old entry {i}", "position": None} for i in range(50)]}
    screen.wait("orders").settle().press("v").wait("old entry 49").wait("of 56 ──")
    assert engine.wait_for("log")["limit"] == 1000
    picture = recording.view("six")
    picture["journal"].append(dict(picture["journal"][-1], id=99, text="something new"))
    engine.show(picture)
    screen.wait("▸ .*something new")
    screen.press("/", "entry 7", "enter").settle()
    assert "old entry 7" in marked(screen)
    screen.press("esc", "esc").wait("ROWS/S|HEADROOM")


def fill(screen, name="orders", source="repl@db-7:3306"):
    screen.press("n").wait("new pipe").press(name, "tab", source, "tab", " ", "tab", "/etc/sluice/db-7.pw", "tab")


TABLES = {"ok": True, "tables": [
    {"source": "shop.orders", "rows": 61200000, "bytes": 11e9, "key": "id"},
    {"source": "shop.order_items", "rows": 204800000, "bytes": 38000000000, "key": "id,n"},
    {"source": "shop.sessions_raw", "rows": 1100000000, "bytes": 400000000000, "key": None}]}
GOOD, BAD = recording.CHECK_GOOD, recording.CHECK_GRANT
WARN = {"result": "warn", "name": "retention", "found": "logs are kept 3 hours", "mend": "keep them longer"}


@pytest.mark.parametrize("rows,cols", [(24, 80), (40, 120)])
def test_new_pipe(dashboard, rows, cols):
    """From nothing to created by keys alone, with a missing grant and a table without key on the way."""
    screen, engine = dashboard("calm", rows, cols)
    engine.answers["source_tables"] = TABLES
    engine.answers["check"] = {"ok": True, "ok_to_create": False, "checks": [GOOD, BAD]}
    screen.wait("orders").settle()
    fill(screen)
    screen.wait("shop.order_items")
    screen.press("tab", "tab", "tab", "G", " ").wait("shop.sessions_raw has no key").wait("key columns")
    screen.press("esc", "*").wait("2 of 3 chosen").wait("GRANT REPLICATION SLAVE")
    assert engine.wait_for("check")["source"] == "mysql://repl@db-7:3306/?password-file=/etc/sluice/db-7.pw"
    screen.wait("1 to mend").press("enter").wait("1 finding is to be mended first")
    assert "create" not in [r["do"] for r in engine.requests]
    engine.answers["check"] = {"ok": True, "ok_to_create": True, "checks": [GOOD, WARN]}
    screen.press("g", " ").wait("1 of 3 chosen").wait("1 to know")
    screen.press("enter").wait("Create orders knowing this: logs are kept 3 hours").press("y").wait("orders was created")
    request = engine.wait_for("create")
    assert (request["name"], request["tables"], request["mode"]) == ("orders", ["shop.order_items"], "full")
    screen.wait(r"q quit")


def test_new_pipe_shows_why_a_source_cannot_be_reached(dashboard):
    screen, engine = dashboard("empty")
    error = {"error": {"code": 1, "message": "Access denied for user 'repl'@'10.0.0.9' (using password: YES)"}}
    engine.answers["source_tables"] = engine.answers["check"] = error
    screen.wait("Press n").settle()
    fill(screen)
    screen.wait("Access denied for user 'repl'@'10.0.0.9'")


def test_a_password_in_the_url_is_not_shown(dashboard):
    screen, engine = dashboard("empty")
    screen.wait("Press n").press("n").press("x", "tab", "repl:hunter2@db", "tab").settle()
    assert "hunter2" not in screen.text() and "***" in screen.text()
    assert engine.wait_for("source_tables")["source"] == "mysql://repl:hunter2@db"


def test_keys_answer_while_the_engine_is_busy(dashboard):
    """An engine that never answers holds up nothing: every key moves the cursor. How soon is the benchmark's to say."""
    screen, engine = dashboard(recording.many_pipes(200))
    engine.answers.update({word: None for word in ("pause", "log", "check", "source_tables")})
    screen.wait("pipe-150").settle().press("j", "p").wait("Pause pipe-").settle()
    took = []
    for _ in range(20):
        before, start = marked(screen), time.monotonic()
        screen.child.send("j")
        while marked(screen) == before and time.monotonic() < start + 5:
            screen.pump(0.002)
        assert marked(screen) != before
        took.append(time.monotonic() - start)
    print(f"a key is answered in {sorted(took)[10] * 1000:.0f} ms (median of 20, the screen model's time included)")


def test_many_pipes_scroll(dashboard):
    screen, _ = dashboard(recording.many_pipes(200))
    screen.wait(r"▸ pipe-150 +✖ Failed").settle().press("G").wait("▸ pipe-199").wait("184–200 of 200")
    screen.press("pgup", "pgup").settle()
    assert re.search(r"▸ pipe-1\d\d", screen.text())
    screen.press("g").wait("▸ pipe-150")


def pictures(screen, engine, count):
    """Until the engine has sent so many more."""
    goal, end = engine.pictures + count, time.monotonic() + 30
    while engine.pictures < goal:
        assert time.monotonic() < end, "it asks for no picture"
        screen.pump(0.1)


def test_an_idle_screen_sends_little(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle()
    pictures(screen, engine, 2)
    before = screen.bytes
    pictures(screen, engine, 6)
    assert screen.bytes - before == 0  # nothing changed in the picture
    picture = recording.view("six")
    picture["pipes"][0]["name"] = "renamed"
    engine.show(picture)
    screen.wait("renamed")  # those before it were read


def test_silence_is_said_and_figures_dim(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle()
    assert screen.styles("✖ Failed")[0] == "red"
    engine.silent = True
    screen.wait("no news from the engine since 14:02:31", 6)
    assert screen.styles("✖ Failed")[0] not in ("red", "default")
    engine.silent = False
    screen.wait_gone("no news", 3)
    assert screen.styles("✖ Failed")[0] == "red"


def test_a_gone_engine_comes_back(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle()
    engine.stop()
    screen.wait("engine gone since 14:02:31").wait(r"\$ sluice run --detach$").settle()
    screen.press("G", "p").wait("the engine does not answer")
    engine.start()
    screen.wait_gone("engine gone", 4)
    screen.press("G", "p").wait("Pause orders")
    engine.wait_for("pause")


@pytest.mark.parametrize("keys", [["q", "q"], ["q", "enter"], ["^C", "q"], ["f10", "q"]], ids=str)
def test_quit_leaves_the_engine_running(dashboard, keys):
    screen, engine = dashboard("six")
    screen.wait("orders").settle()
    for key in keys:
        screen.press(key).settle()
    assert screen.end() == 0
    assert "stop" not in [r["do"] for r in engine.requests]
    assert b"The engine runs on" in screen.raw


def test_quit_can_be_taken_back(dashboard):
    screen, _ = dashboard("six")
    screen.wait("orders").settle().press("q").wait("go back").press("esc").wait_gone("go back").press("j").wait("▸ audit")


def test_quit_and_stop(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("q").wait("stop the engine").press("s")
    assert screen.end() == 0
    engine.wait_for("stop")
    assert b"The engine has stopped" in screen.raw


def test_escape_leaves_no_trace(dashboard):
    """The terminal is given back: out of the alternate screen, cursor shown, attributes off."""
    screen, _ = dashboard("six")
    screen.wait("orders").settle().press("q", "q")
    assert screen.end() == 0
    assert screen.raw.rindex(b"\x1b[?1049l") > screen.raw.rindex(b"\x1b[?1049h")
    assert screen.raw.rindex(b"\x1b[?25h") > screen.raw.rindex(b"\x1b[?25l") or b"\x1b[?12l\x1b[?25h" in screen.raw


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_signals_end_the_screen_only(dashboard, number):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().signal(number)
    assert screen.end() == 0
    assert "stop" not in [r["do"] for r in engine.requests]


def test_a_lost_terminal_ends_the_screen_only(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().hang_up()
    end = time.monotonic() + 5
    while screen.child.ptyproc.isalive():
        assert time.monotonic() < end, "it goes on without a terminal"
        time.sleep(0.05)
    assert "stop" not in [r["do"] for r in engine.requests]


def test_interrupt_asks(dashboard):
    screen, _ = dashboard("six")
    screen.wait("orders").settle().signal(signal.SIGINT)
    screen.wait("leave, the engine runs on")


def test_continue_draws_again(dashboard):
    screen, _ = dashboard("six")
    screen.wait("orders").settle()
    before = screen.text()
    screen.signal(signal.SIGSTOP)
    screen.model.reset()
    screen.signal(signal.SIGCONT)
    screen.wait("orders").settle()
    assert screen.text() == before


def test_redraw(dashboard):
    screen, _ = dashboard("six")
    screen.wait("orders").settle()
    before = screen.text()
    screen.model.reset()
    screen.press("^L").settle()
    assert screen.text() == before


def test_resize_storm(dashboard):
    screen, _ = dashboard("six")
    screen.wait("orders").settle()
    before = screen.text()
    generator = random.Random(7)
    for number in range(60):
        screen.resize(generator.randint(3, 60), generator.randint(5, 200))
        if number % 7 == 0:
            screen.press(generator.choice(["j", "enter", "esc", "?", "v", "n", "D", "z", "i"]))
        screen.pump(0.01)
    screen.resize(24, 80)
    screen.settle().press("esc", "esc", "esc", "esc", "g", "^L").settle()
    assert screen.text() == before


SEED = int(os.environ.get("SLUICE_SEED", random.randrange(1 << 30)))
KEYS_TYPED, AT_ONCE = 10_000, 20


def test_random_keys(dashboard):
    """Whatever is typed, it neither ends, nor hangs, nor leaves a character where it does not belong."""
    print(f"SLUICE_SEED={SEED}")
    screen, engine = dashboard("six", 30, 100)
    engine.answers.update(source_tables=TABLES, table={"ok": True, "table": recording.view("columns")}, history=recording.day(),
                          set={"ok": True, **recording.view("settings")},
                          stop={"error": {"code": 4, "message": "not now"}})
    generator = random.Random(SEED)
    keys = [chr(code) for code in range(0x20, 0x7f) if chr(code) != "q"] + ["\x00", "\x02", "\x04", "\x06", "\x0f", "日", "e\u0301", "\x1b[9999~", "\x1b[?2026;"]
    keys += [key for name, key in KEYS.items() if name not in ("^Z", "^C", "f10")] * 3
    home = ["esc"] * 12  # out of a question and a filter on each of the screens that lie on one another
    screen.wait("orders").settle()
    for typed in range(0, KEYS_TYPED, AT_ONCE):
        screen.child.send("".join(generator.choices(keys, k=AT_ONCE)))
        screen.pump(0.005)
        if typed % (KEYS_TYPED // 10) == 0:
            screen.press(*home, "Z").wait("HEADROOM").settle()
            shown = screen.text()
            screen.model.reset()
            screen.press("^L").settle()
            assert screen.text() == shown, "what stands on the screen is not what was drawn"
    assert screen.press(*home).wait("HEADROOM", 10).child.isalive()


@pytest.mark.parametrize("env,why", [({"TERM": "no-such-terminal"}, "terminal type 'no-such-terminal' is not known"),
                                     ({"TERM": "dumb"}, None)])
def test_odd_terminals(dashboard, env, why):
    screen, _ = dashboard("six", env=env)
    if why:
        screen.wait(why)
        assert screen.end() == 2
    else:
        screen.pump(1)
        assert screen.child.isalive() or screen.end() == 2


def test_no_terminal(tmp_path):
    import subprocess
    done = subprocess.run([program(), "--state-dir", str(tmp_path)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=10)
    assert done.returncode == 2
    assert "sluice status --watch" in done.stderr and done.stderr.count("\n") == 1
    assert not done.stdout


def test_two_screens_show_the_same(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle()
    folder = os.path.dirname(engine.path)
    with Screen([program(), "--state-dir", folder]) as second:
        second.wait("orders").settle()
        assert second.text() == screen.text()
        second.press("p", "j", "p").wait("--state-dir")  # a command for a state dir that is not the default names it


def test_quit_stops_without_asking_where_told(dashboard):
    screen, engine = dashboard("six", options=["--stop-on-quit"])
    screen.wait("orders").settle().press("q")
    assert screen.end() == 0
    engine.wait_for("stop")


SYNC_BEGIN, SYNC_END = b"\x1b[?2026h", b"\x1b[?2026l"


@pytest.mark.parametrize("answer,shown_at_once", [
    (None, False), (["\x1b[?2026;0$y"], False), (["\x1b[?2026;4$y"], False), (["\x1b[?2026;2$y"], True), (["\x1b[?20", "26;", "1$", "y"], True)], ids=str)
def test_frames_are_synchronised_where_the_terminal_can(dashboard, answer, shown_at_once):
    """A terminal that says so gets large frames between two marks; no other ever sees one, and an answer is never a key."""
    screen, _ = dashboard("six", sync=answer)
    screen.wait("orders").settle()
    asked = len(screen.raw)
    screen.press("enter").wait("TABLE").settle().press("esc").wait("HEADROOM").settle()
    large = screen.raw[asked:]
    assert large.count(SYNC_BEGIN) == large.count(SYNC_END) == (2 if shown_at_once else 0)
    before = len(screen.raw)
    screen.press("j").settle()
    assert SYNC_BEGIN not in screen.raw[before:] or len(screen.raw) - before > 200
    if not shown_at_once:
        assert SYNC_BEGIN not in screen.raw
    assert screen.raw.count(b"\x1b[?2026$p") == 1


@pytest.mark.parametrize("answer", [["\x1b[?2026;2$y"], ["\x1b", "[?2026;", "2$y"]], ids=str)
def test_a_late_answer_is_not_typed(dashboard, answer):
    screen, _ = dashboard("six")
    screen.wait("orders").settle().press("/", "cr").wait("filter cr").settle()
    for piece in answer:
        screen.child.send(piece)
        time.sleep(0.06)
    screen.settle()
    assert "filter cr" in screen.text() or len(answer) > 1  # its Esc came alone, and is one
    assert "[?" not in screen.text() and "2026" not in screen.text()
    screen.press("esc", "/", "x", "esc", "/", "[", "?", "2", "y").wait(r"filter \[\?2y")


def test_terminals_without_another_screen_are_not_asked(dashboard):
    screen, _ = dashboard("six", env={"TERM": "linux"})
    screen.wait("orders").settle()
    assert b"2026" not in screen.raw.replace(b"2026-", b"")
