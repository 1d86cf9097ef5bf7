"""A recorded engine: it speaks the control protocol on a state dir's socket and shows pictures kept as files.

The screen is tested with it in states that a real server takes hours to reach, and with a clock that stands still.
"""
import copy
import datetime
import json
import math
import os
import pathlib
import socket
import threading

VIEWS = pathlib.Path(__file__).parent / "views"


def view(name):
    picture = json.loads((VIEWS / f"{name}.json").read_text(encoding="utf-8"))
    for pipe in picture.get("pipes", []) if name == "six" else []:  # the others are of an engine that told no batches
        pipe["history"] = [[*cell, cell[0], cell[1]] if cell[0] else [*cell, None, None] for cell in pipe["history"]]
    return picture


def day():
    """The answer to `history`: a day's cells with a quiet night, of an engine that was down for an hour."""
    hours = [number / 6 for number in range(144)]
    cells = [[round(800 + 700 * math.sin((hour - 8) * math.pi / 12)), 90000, 1 + hour % 3, 900, 100000] for hour in hours]
    cells[60:66] = [[None] * 5] * 6
    return {"ok": True, "cell_seconds": 600, "cells": cells}


SOURCE_TABLES = {"ok": True, "tables": [
    {"source": "crm.accounts", "database": "crm", "table": "accounts", "rows": 12000, "bytes": 4000000, "key": "id", "view": False, "in_pipe": False},
    {"source": "crm.notes", "database": "crm", "table": "notes", "rows": 88000, "bytes": 61000000, "key": "id", "view": False, "in_pipe": False},
    {"source": "shop.customers", "database": "shop", "table": "customers", "rows": 80400, "bytes": 9000000, "key": "id", "view": False, "in_pipe": True},
    {"source": "shop.open_orders", "database": "shop", "table": "open_orders", "rows": 0, "bytes": 0, "key": None, "view": True, "in_pipe": False},
    {"source": "shop.sessions_raw", "database": "shop", "table": "sessions_raw", "rows": 1100000000, "bytes": 400000000000, "key": None, "view": False, "in_pipe": False},
    {"source": "shop.stock", "database": "shop", "table": "stock", "rows": 61000000, "bytes": 11000000000, "key": "warehouse_id,product_id", "view": False,
     "in_pipe": False}]}
CHECK_GOOD = {"result": "ok", "name": "reach", "found": "reached db-7:3306 over TLS 1.3", "mend": None}
CHECK_GRANT = {"result": "fail", "name": "grants", "found": "user repl lacks REPLICATION SLAVE", "mend": "GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%';"}
CHECK_TARGET = {"result": "fail", "name": "target", "found": "target table analytics.stock exists and holds 12 rows",
                "mend": "choose another target with =, or drop that table"}


def settings(request):
    """The answer to `set`: the list, with what was set."""
    page = view("settings")
    if request.get("engine"):
        return {"ok": True, "settings": page["engine"]}
    listed = [dict(setting, value=request["settings"].get(setting["name"], setting["value"])) for setting in page["settings"]]
    known = {setting["name"] for setting in listed}
    listed += [{"name": name, "value": value, "default": "", "values": "", "meaning": "of a table", "when": "resync", "waits": True}
               for name, value in request["settings"].items() if name not in known]
    return {"ok": True, "settings": listed, "table_settings": page["table_settings"], "notes": []}


def answers():
    """What each screen asks for, so that all of them can be opened."""
    return {"verify_result": verify_result(), "table": {"ok": True, "table": view("columns")}, "history": day(), "source_tables": SOURCE_TABLES, "set": settings,
            "check": {"ok": True, "ok_to_create": False, "checks": [CHECK_GOOD, CHECK_GRANT]},
            "tables_add": {"error": {"code": 5, "message": "preflight failed, no table was added; mend what is marked"}, "checks": [CHECK_GOOD, CHECK_TARGET]}}


def with_changed_values(name):
    """The picture with values of shop.stock_moves that were changed on the way."""
    picture = view(name)
    for pipe in picture["pipes"]:
        for table in pipe["tables"]:
            if table["source"] == "shop.stock_moves":
                table["columns"] = [{"name": "moved_at", "zero_dates": 1204, "clamped": 3}, {"name": "日本語の注記", "undecodable": 12345678}]
    return picture


def verify_result():
    """The answer to `verify_result`: of the verify that `verified` shows."""
    def one(kind, key, values=(), **more):
        return {"table": "shop.customers", "kind": kind, "key": key, "repaired": False, "ahead": False, **more,
                "values": [{"column": column, "source": ours, "dest": theirs} for column, ours, theirs in values]}  # fmt: skip

    differences = [one("different", "41", [("name", "Größe", "Grösse"), ("note", None, "x" * 200)]), one("missing", "42"), one("extra", "日本語, 7", repaired=True),
                   one("different", "43", [("name", "a", "b")], ahead=True)]  # fmt: skip
    tables = [{"table": "shop.customers", "unsettled": 0, "skipped": None}, {"table": "shop.log", "unsettled": 0, "skipped": "its engine keeps every change, or nothing"}]
    return {"ok": True, "number": 1, "differences": differences, "tables": tables}


def verified(name, running=False):
    """The picture, every Running pipe verified or being verified."""
    picture = view(name)
    for pipe in picture["pipes"]:
        pipe["verify"] = {"number": 1, "running": running, "repair": True, "started_at": picture["at"], "ended_at": None if running else picture["at"],
                          "table": "shop.customers" if running else None, "activity": "waits for the stream" if running else None, "stopped": None,
                          "tables_done": 2 * (not running), "tables": 3, "rows": 1204332, "rows_estimate": 5000000, "ranges": 24, "differences": 4, "repaired": 1,
                          "unsettled": 0, "skipped": 1, "rows_per_second": 181000.5}  # fmt: skip
    return picture


def many_pipes(count):
    """As many pipes as a large site has, one of them failed far down."""
    picture = view("calm")
    model = next(pipe for pipe in picture["pipes"] if pipe["name"] == "orders")
    model["history"] = model["history"][-20:]
    picture["pipes"] = []
    for number in range(count):
        pipe = copy.deepcopy(model)
        pipe["name"] = f"pipe-{number:03d}"
        pipe["rows_per_second"] = number * 37 % 5000
        picture["pipes"].append(pipe)
    broken = picture["pipes"][count * 3 // 4]
    broken["state"] = "Failed"
    broken["error"] = {"at": picture["at"], "code": 1236, "message": "the log was purged", "cause": None, "remedies": []}
    return picture


def large():
    """200 pipes, one of them with 2,000 tables: what the largest sites have."""
    picture = many_pipes(200)
    pipe = picture["pipes"][0]
    model = pipe["tables"][0]
    pipe["tables"] = [dict(model, source=f"shop.table_{number:04d}", target=f"table_{number:04d}", inserts=number) for number in range(2000)]
    return picture


def busy(picture, second):
    """The picture some seconds on: all figures that change while pipes run, the end of the log each 2 s, the histories each 20 s."""
    at = datetime.datetime.fromisoformat(picture["at"].replace("Z", "+00:00")) + datetime.timedelta(seconds=second)
    picture = dict(picture, at=at.isoformat().replace("+00:00", "Z"), pipes=list(picture["pipes"]))
    stamp = picture["at"]
    for number, pipe in enumerate(picture["pipes"]):
        if pipe["state"] != "Running":
            continue
        wave = (second * 7 + number * 3) % 11
        rows = 900 + 41 * wave
        shift = second // 20 % max(len(pipe["history"]), 1)
        tables = [dict(table, inserts=(table["inserts"] or 0) + second * (1 + wave), updates=second, last_change_at=stamp) for table in pipe["tables"]]
        picture["pipes"][number] = dict(
            pipe, rows_per_second=rows + 0.37, bytes_per_second=rows * 190.5, lag_seconds=0.2 + wave / 10, lag_bytes=9000 + 1024 * ((second // 2 * 7 + number) % 11), tables=tables,
            history=pipe["history"][shift:] + pipe["history"][:shift], position=dict(pipe["position"], pos=(pipe["position"]["pos"] or 0) + second * 9001))
    return picture


class Engine:
    """Answers as told in `answers` (request word -> object or function of the request), else {"ok": true}; `status` with the picture, for
    commands that are run from the screen."""

    def __init__(self, state_dir, picture):
        self.path = os.path.join(state_dir, "sluice.sock")
        self.picture = picture
        self.answers = {"status": lambda request: {"ok": True, "view": self.picture}}
        self.requests = []
        self.pictures = 0  # sent so far
        self.silent = False
        self.lock = threading.Condition()
        self.sending = threading.Lock()  # lines of two threads must not mix
        self.peers = []
        self.server = None
        self.start()

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(self.path)
        self.server.listen(8)
        self.running = True
        threading.Thread(target=self.accept, args=(self.server,), daemon=True).start()
        threading.Thread(target=self.beat, daemon=True).start()

    def accept(self, server):
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def beat(self):
        """At least one picture a second, as the real engine."""
        while self.running:
            with self.lock:
                self.lock.wait(0.5)
            if self.running and not self.silent:
                self.send_picture()

    def send(self, peer, message):
        try:
            with self.sending:
                peer.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass

    def send_picture(self):
        for peer in list(self.peers):
            self.send(peer, {"view": self.picture})
            self.pictures += 1

    def show(self, picture):
        self.picture = picture
        self.send_picture()

    def serve(self, peer):
        with peer.makefile("rb") as lines:
            try:
                for line in lines:
                    self.answer(peer, json.loads(line))
            except OSError:
                pass
        if peer in self.peers:
            self.peers.remove(peer)

    def answer(self, peer, request):
        word = request["do"]
        with self.lock:
            self.requests.append(request)
            self.lock.notify_all()
        if word == "watch":
            self.send(peer, {"id": request["id"], "ok": True})
            self.peers.append(peer)
            if not self.silent:
                self.send(peer, {"view": self.picture})
            return
        answer = self.answers.get(word, {"ok": True})
        if callable(answer):
            answer = answer(request)
        if answer is None:  # an engine that is busy for ever
            return
        self.send(peer, {"id": request["id"], **answer})
        if word == "stop":
            self.stop()

    def wait_for(self, word, seconds=5):
        """The newest request of that kind, waiting for it to come."""
        def found():
            return next((r for r in reversed(self.requests) if r["do"] == word), None)
        with self.lock:
            assert self.lock.wait_for(found, seconds), f"no request {word} came, only {[r['do'] for r in self.requests]}"
            return found()

    def wait_for_all(self, count, which, seconds=5):
        """So many requests that `which` takes, waiting for them to come: the screen may tell of them before they are sent. All that did."""
        def found():
            return [r for r in self.requests if which(r)]
        with self.lock:
            assert self.lock.wait_for(lambda: len(found()) >= count, seconds), f"{count} requests were to come, {len(found())} did: {[r['do'] for r in self.requests]}"
            return found()

    def stop(self):
        self.running = False
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()
        for peer in list(self.peers):
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.peers.clear()
        if os.path.exists(self.path):
            os.unlink(self.path)
