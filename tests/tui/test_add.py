"""More tables for a pipe, chosen from its source; and the same picker in the form of a new one."""
import recording

GOOD, BAD = recording.CHECK_GOOD, recording.CHECK_TARGET
WARN = {"result": "warn", "name": "retention", "found": "logs are kept 3 hours", "mend": "keep them longer"}


def opened(dashboard, rows=24, cols=80):
    screen, engine = dashboard("six", rows, cols)
    engine.answers["source_tables"] = recording.SOURCE_TABLES
    screen.wait("orders").settle().press("/", "orders", "enter", "a").wait("add tables").wait("shop.stock").settle()
    assert engine.wait_for("source_tables")["name"] == "orders"
    return screen, engine


def sent(engine, check):
    return [request["tables"] for request in engine.requests if request["do"] == "tables_add" and bool(request.get("check")) == check]


def test_add_tables(dashboard):
    """A target that is taken is named otherwise, after the checks said so in place."""
    screen, engine = opened(dashboard)
    engine.answers["tables_add"] = recording.answers()["tables_add"]
    screen.press("j", "G", " ").wait("1 of 6 chosen").press("enter").wait("Not added: preflight failed").press("k", "j").wait("choose another target")
    engine.answers["tables_add"] = {"ok": True, "checks": [GOOD, WARN]}
    screen.press("=", "stock_2", "enter").wait_gone("choose another target").press("enter").wait("knowing this: logs are kept 3 hours")
    assert sent(engine, False) == []
    screen.press("y").wait("1 table is added to orders").wait(r"\$ sluice tables orders add shop.stock:stock_2")
    engine.wait_for_all(1, lambda r: r["do"] == "tables_add" and not r.get("check"))
    assert sent(engine, True) == [["shop.stock"], ["shop.stock:stock_2"]] and sent(engine, False) == [["shop.stock:stock_2"]]


def test_what_cannot_be_chosen_says_why(dashboard):
    screen, engine = opened(dashboard)
    screen.press("j", "j", " ").wait("shop.customers is in the pipe already").press("j", " ").wait("is a view").wait("tables that it reads")
    screen.press("j", " ").wait("has no key").press("esc", "enter").wait("No table is chosen yet")
    screen.press("g", "+").wait("2 of 6 chosen").press("+").wait("0 of 6").press("*").wait("3 of 6 chosen").press("*")
    screen.press("/", "crm", "enter").settle().press("*").wait("2 of 6 chosen").press("esc").wait("shop.stock").press("esc").wait("HEADROOM")
    assert not sent(engine, True)


def test_a_table_without_key_is_given_one(dashboard):
    screen, engine = opened(dashboard)
    engine.answers["tables_add"] = {"ok": True, "checks": [GOOD]}
    screen.press("G", "k", " ").wait("has no key").press("session,at", "enter").wait("1 of 6 chosen").press("enter").wait("1 table is added to orders")
    screen.wait(r"\$ sluice set orders shop.sessions_raw:key=session,at &&\s+sluice\s+tables\s+orders\s+add\s+shop.sessions_raw")
    assert engine.wait_for("set")["settings"] == {"shop.sessions_raw:key": "session,at"}
    order = [request["do"] for request in engine.requests if request["do"] in ("set", "tables_add")]
    assert order == ["set", "tables_add", "tables_add"]


def test_a_pipe_that_takes_none_now(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("a").wait("billing is Failed: tables are added while Running, Snapshot or Paused")
    engine.answers["source_tables"] = {"error": {"code": 1, "message": "Access denied for user 'repl'"}}
    screen.press("j", "a").wait("Access denied for user 'repl'").press("esc").wait("HEADROOM")


def test_settings_of_a_new_pipe(dashboard):
    """They go into what is checked, created and shown as a command; also those that are fixed later."""
    screen, engine = dashboard("calm", 40, 120)
    engine.answers.update(source_tables=recording.SOURCE_TABLES, set=recording.settings, check={"ok": True, "ok_to_create": True, "checks": [GOOD]})
    screen.wait("orders").settle().press("n", "more", "tab", "repl@db-7:3306", "tab", "tab", "tab", "tab").wait("▸Settings").press("enter")
    screen.wait("new pipe › settings").wait("batch_rows").press("/", "position", "enter").wait("cannot be changed once the pipe is created")
    screen.press("enter", "right", "enter").wait("position is gtid. The pipe is created with it").press("esc", "esc").wait("position=gtid")
    screen.press("tab").wait("crm.notes").press(" ").wait("1 of 6 chosen").wait(r"--set\s+position=gtid").wait("1 ok")
    assert engine.wait_for("check")["settings"] == {"position": "gtid"}
    screen.press("enter").wait("more was created")
    assert engine.wait_for("create")["settings"] == {"position": "gtid"}
