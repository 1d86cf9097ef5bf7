"""What has happened, told as it happens and counted to the end."""

import collections
import threading
import time

SHOWN = 2500
WRONG = ("lost", "doubled", "regressed")


class Tally:
    def __init__(self, file):
        self.file = file  # what is wrong, in full
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.faults = collections.Counter()
        self.actions = collections.Counter()
        self.statements = collections.Counter()
        self.skipped = collections.Counter()
        self.rows_written = 0
        self.rows = collections.Counter()  # lost, doubled, regressed
        self.problems = []

    def line(self, text):
        seconds = int(time.monotonic() - self.began)
        with self.lock:
            print(f"{seconds // 60:3d}:{seconds % 60:02d}  {text}", flush=True)

    def statement(self, text, rows=0):
        words = text.split(None, 4)
        kind = f"ALTER {words[3]}" if words[0] == "ALTER" else words[0]
        with self.lock:
            self.statements[kind] += 1
            if words[0] in ("INSERT", "REPLACE", "UPDATE", "DELETE"):
                self.rows_written += max(rows, 0)

    def wrong(self, kind, count, text):
        with self.lock:
            self.rows[kind] += count
        self.problem(f"{count} rows {kind}: {text}")

    def problem(self, text):
        with self.lock:
            self.problems.append(text)
        with open(self.file, "a") as file:
            file.write(text + "\n\n")
        self.line("WRONG: " + (text if len(text) < SHOWN else f"{text[:SHOWN]} … (all of it: {self.file})"))

    def skip(self, text):
        self.skipped[text] += 1
        self.line(text)

    def summary(self):
        def counts(counter):
            return ", ".join(f"{count} {kind}" for kind, count in sorted(counter.items())) or "none"

        return [
            f"faults      {sum(self.faults.values())}: {counts(self.faults)}",
            *([f"SKIPPED     {counts(self.skipped)}"] if self.skipped else []),
            f"asked for   {sum(self.actions.values())}: {counts(self.actions)}",
            f"statements  {sum(self.statements.values())}: {counts(self.statements)}",
            f"rows        {self.rows_written} written; " + ", ".join(f"{self.rows[kind]} {kind}" for kind in WRONG),
        ]
