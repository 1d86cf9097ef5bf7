"""Both servers and sluice itself die or freeze at random under load: while tables are loaded, followed, loaded again and added.

A pipe waits, says for whom and why, and goes on by itself; no reader ever sees an older row; at the end all is equal. What
happens is chosen by a seed, which is printed: SLUICE_DYING_SEED=N does the same again.
"""

import contextlib
import os
import random
import signal
import time

import pytest
from harness.disasters import WAYS, wait_seen
from harness.engine import PATIENCE
from harness.mariadb import MariaDB
from harness.pipe import Pipe
from harness.process import wait_until
from harness.readers import LoadOfDyingServer, ReaderOfDyingServer, fill

pytestmark = pytest.mark.dying

KINDS = os.environ.get("SLUICE_TYPES_SERVERS", os.environ.get("SLUICE_SERVER", "mariadb")).split()
SEED = int(os.environ.get("SLUICE_DYING_SEED", "20261126"))
ROWS = 50_000
# Every one of them happens, in an order of the seed's; some twice.
ALWAYS = [("source", "kill"), ("source", "freeze"), ("destination", "kill"), ("destination", "freeze"), ("sluice", "kill")]
AGAIN = [("source", "kill"), ("destination", "kill"), ("sluice", "kill")]


class Disasters:
    def __init__(self, pipe):
        self.pipe, self.engine = pipe, pipe.engine
        self.happened = []
        self.began = time.monotonic()
        self.victims = {"source": pipe.mariadb, "destination": pipe.clickhouse, "sluice": pipe.engine}

    def happen(self, victim, way):
        """And are over: the pipe has seen it, said so, and goes on."""
        self.happened.append(f"{time.monotonic() - self.began:.1f} s: {way} {victim} in {self.pipe.status()['state']}")
        with WAYS[way](self.victims[victim]):
            if victim != "sluice":
                self.seen(victim)
        self.engine.wait_stalled("p", False, seconds=90)

    def seen(self, side):
        """The pipe says who keeps it waiting; the message says why."""
        stalled = wait_seen(self.pipe, side)
        assert stalled["message"] and stalled["since"], stalled
        assert f"stalled at the {side}: " in self.pipe.journal()
        assert "ssl-mode" not in stalled["message"], "a connection that broke is not blamed on TLS"


def targets(pipe):
    return sorted(row[0] for row in pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{pipe.destination}'"))


def loading(pipe):
    """Or it was loaded so fast that nobody saw it."""
    status = pipe.status()
    return status["state"] in ("Snapshot", "Resync") or {table["state"] for table in status["tables"]} == {"live"}


def asked(pipe, *words, done):
    """What was asked for and is done in the end: a crash may come before it was accepted."""
    if not done():
        pipe.wait("Running", seconds=120)
        if not done():
            pipe.engine.sluice(*words, timeout=60 * PATIENCE)
        wait_until(done, 120 * PATIENCE, lambda: pipe.engine.describe("p"), 0.2)


@pytest.fixture
def source(request, folder):
    # What a kill leaves in its log is to be in its tables too.
    with MariaDB(folder / "source", "--innodb-flush-log-at-trx-commit=2", kind=request.param) as server:
        yield server
        if server.process:
            server.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("source", KINDS, indirect=True)
def test_at_random(engine, source, own_clickhouse):
    print(f"SLUICE_DYING_SEED={SEED}")
    rng = random.Random(SEED)
    pipe = Pipe(engine, source, own_clickhouse)
    disasters = Disasters(pipe)
    todo = ALWAYS + AGAIN
    rng.shuffle(todo)
    phases = {"load": todo[0::4], "follow": todo[1::4], "resync": todo[2::4], "add": todo[3::4]}
    fill(pipe, "a", "b", "c", rows=ROWS)
    engine.start()
    resync = ["resync", "p"]
    add = ["tables", "p", "add", f"{pipe.source}.c"]
    with contextlib.ExitStack() as stack:
        stack.enter_context(LoadOfDyingServer(pipe, "a", "b", "c"))
        pipe.create(tables=[f"{pipe.source}.a", f"{pipe.source}.b"], settings=["readers=2", "batch_rows=500", "batch_age=100ms"])
        readers = []
        try:
            for phase, what in phases.items():
                if phase in ("resync", "add"):
                    pipe.wait("Running", seconds=120)
                    engine.sluice(*(resync if phase == "resync" else add), timeout=60)
                if phase != "follow":  # it is being loaded, or is so already
                    wait_until(lambda: loading(pipe), 60 * PATIENCE, pipe.status)
                for victim, way in what:
                    disasters.happen(victim, way)
                if phase == "load":  # until then rows are as new as their load, or as the stream is
                    pipe.wait("Running", seconds=120)
                    pipe.caught_up()
                    readers += [stack.enter_context(ReaderOfDyingServer(pipe, table)) for table in "ab"]
            asked(pipe, *resync, done=lambda: "took its place" in pipe.journal())
            asked(pipe, *add, done=lambda: len(pipe.status()["tables"]) == 3 and pipe.status()["state"] == "Running")
            for reader in readers:
                reader.more(2)
        finally:
            print("\n".join(disasters.happened))
    pipe.wait("Running", seconds=120)
    assert pipe.equal("a", "b", "c", seconds=120) > 3 * ROWS
    wait_until(lambda: targets(pipe) == ["a", "b", "c"], 60 * PATIENCE, lambda: f"{targets(pipe)}: {engine.describe('p')}")
    assert pipe.status()["stalled"] is None
