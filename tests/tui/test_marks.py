"""Rows that are marked, and actions on all of them."""
import re

import recording
from test_screens import same


def asked(engine, word, count):
    """The names that so many requests of that kind are of, in order."""
    return sorted({request["name"] for request in engine.wait_for_all(count, lambda r: r["do"] == word)})


def test_marks_stay_with_their_rows(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press(" ", "j", " ").wait("2 marked").settle()
    assert re.search(r"^✓  billing", screen.text(), re.M) and re.search(r"^✓▸ audit", screen.text(), re.M)
    screen.press("s").wait("by name ─ 2 marked").press("/", "bill", "enter").wait("2 marked, 1 hidden").settle()
    screen.press("*").wait("1 marked, 1 hidden").press("*").wait("2 marked, 1 hidden")
    screen.press("esc").wait_gone("marked").wait("filter bill")  # the marks first, then the filter
    screen.press("esc").wait("orders").press("*").wait("6 marked").press("*").wait_gone("marked").press("*").wait("6 marked")
    picture = recording.view("six")
    picture["pipes"] = [pipe for pipe in picture["pipes"] if pipe["name"] != "crm"]
    engine.show(picture)
    screen.wait("5 marked")


def test_pause_works_on_all_marked(dashboard):
    screen, engine = dashboard("six", 30, 120)
    screen.wait("orders").settle().press("*", "p").wait(r"Left as they are: .*billing \(Failed\)").wait(r"\$ for pipe in .*; do sluice pause \$pipe; done")
    engine.answers["pause"] = lambda request: {"error": {"code": 4, "message": "not now"}} if request["name"] == "clicks" else {"ok": True}
    screen.press("p").wait("pause was refused by 1 of 4: clicks: not now")
    assert asked(engine, "pause", 8) == ["audit", "clicks", "inventory", "orders"]
    screen.press("esc").wait_gone("marked").press("/", "crm", "enter").settle().press(" ", "p").wait("Resume crm")
    engine.wait_for("resume")


def test_resync_and_drop_list_the_pipes(dashboard):
    screen, engine = dashboard("six", 30, 100)
    screen.wait("orders").settle().press("G", " ", "k", " ", "k", " ").wait("3 marked").press("R").wait("Resync 3 pipes").settle()
    same("marked-resync-100x30", screen)
    screen.press("y").wait("Loaded again: clicks, crm, orders").settle()
    assert asked(engine, "resync", 3) == ["clicks", "crm", "orders"]
    screen.press("D").wait("Drop 3 pipes").settle()
    same("marked-drop-100x30", screen)
    screen.press("y", "enter", "esc").wait_gone("Drop 3").press("D").wait("Drop 3").press("drop 3 pipes", "enter").wait("Dropping: clicks, crm, orders")
    assert asked(engine, "drop", 3) == ["clicks", "crm", "orders"]


def test_a_long_list_is_cut(dashboard):
    screen, _ = dashboard(recording.many_pipes(200))
    screen.wait("pipe-150").settle().press("*").wait("200 marked").press("D").wait("… and 19").wait("Type drop 200 pipes to confirm")


def open_orders(dashboard, rows=24, cols=80):
    screen, engine = dashboard("six", rows, cols)
    screen.wait("orders").settle().press("/", "orders", "enter", "enter").wait("LOADED").settle()
    return screen, engine


def test_marked_tables_are_resynced_and_removed(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("j", "j", "enter").wait("shop.stock_moves").settle()
    screen.press(" ", "j", " ").wait("2 marked").settle().press("X").wait("Remove 2 tables").wait("remove 2 tables to confirm").settle()
    same("marked-remove-80x24", screen)
    screen.press("remove 2 tables", "enter").wait("2 tables leave inventory")
    tables = engine.wait_for("tables_remove")["tables"]
    assert len(tables) == 2
    screen.press("t").wait("None of the marked tables has failed|nothing waits to be tried again")
    screen.press("esc").wait_gone("marked").press("X").wait("Remove shop").press("esc").wait_gone("to confirm")


def test_some_tables_of_a_failed_pipe(dashboard):
    screen, engine = dashboard("six")
    screen.wait("orders").settle().press("i").wait("WHAT YOU CAN DO").press("pgdn").wait("Load chosen tables again").press("M").wait("space marks tables, M resyncs them").settle()
    screen.press("M").wait("Nothing is marked yet").press(" ", "M").wait("--table").wait("begins anew").press("y").wait("loaded again")
    request = engine.wait_for("resync")
    assert request["name"] == "billing" and len(request["tables"]) == 1
