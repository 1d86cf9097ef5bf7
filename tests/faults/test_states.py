"""Every state of a pipe and everything an operator can ask of it: what comes of it, or a refusal that names the states which allow it.

Each state is brought about and held by what happens to pipes: an end out of reach or silent, locked tables, a lost database, and
(an engine built with --enable-faults) a crash at a named step. Nothing waits for time to pass.
"""

import contextlib
import itertools
import json
import pathlib
import re

import pytest
from harness.compare import assert_equal
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until
from harness.proxy import Proxy

SOURCES = pathlib.Path(__file__).resolve().parent.parent.parent / "src"
ROWS = 2000
ACTIONS = ("pause", "resume", "resync", "cancel", "retry", "tables add", "tables remove", "reposition", "drop")
# state/mode, what holds it -> what each action does, in the order of ACTIONS. `no`: it is refused; others: see Effects.
TABLE = {
    "Provisioning":            "no     no      no       no        retried      no    no      no           dropped",
    "Setup":                   "no     no      no       no        retried      no    no      no           dropped",
    "Snapshot":                "paused no      no       no        retried      added removed no           dropped",
    "Snapshot of a resync":    "paused no      no       cancelled retried      added removed no           dropped",
    "Running":                 "paused no      resynced no        retried      added removed no           dropped",
    "Pausing":                 "no     no      no       no        retried      no    no      no           dropped",
    "Paused":                  "no     resumed resynced no        no           added removed repositioned dropped",
    "Modifying":               "no     no      no       no        retried      no    no      no           dropped",
    "Resync":                  "paused no      no       cancelled retried      no    no      no           dropped",
    "Failed":                  "no     no      resynced no        tried_again  no    no      repositioned dropped",
    "Completed, snapshot":     "no     no      resynced no        no           no    no      no           dropped",
    "Snapshot, snapshot":      "paused no      no       no        retried      added removed no           dropped",
    "Paused, snapshot":        "no     resumed resynced no        no           added removed repositioned dropped",
    "Running, cdc":            "paused no      never    no        retried      added removed no           dropped",
    "Paused, cdc":             "no     resumed never    no        no           added removed repositioned dropped",
}  # fmt: skip
CELLS = {case: dict(zip(ACTIONS, row.split(), strict=True)) for case, row in TABLE.items()}
# Without an engine only these work (commands.md), on the catalog alone.
OFFLINE = ("pause", "retry", "tables add", "tables remove", "drop")


def state_of(case):
    return case.split(",")[0].split(" of ")[0]


def mode_of(case):
    return case.partition(", ")[2] or "full"


# ---- The lifecycle's own table


def lifecycle():
    """Of lifecycle.h and lifecycle.c: the states, and for each of the operator's actions the states that allow it."""
    header, source = (SOURCES.joinpath("pipe", f"lifecycle.{end}").read_text() for end in "hc")
    states = re.findall(r"^ +(PIPE_\w+),", header.partition("} PipeState;")[0], re.M)[:-1]
    events = re.findall(r"^ +(EVENT_\w+),", header.partition("the operator's")[2].partition("} PipeEvent;")[0], re.M)
    name = dict(re.findall(r'\[((?:PIPE|EVENT)_\w+)\] = "([^"]+)"', source))
    goals = source.partition("goals[PIPE_STATES][PIPE_EVENTS]")[2].partition("};\n")[0]
    rows = {state: re.findall(r"\[(EVENT_\w+)\]", row) for state, row in re.findall(r"\[(PIPE_\w+)\]\s*=\s*\{(.*?)\}", goals, re.S)}
    allowed = {name[event]: [name[state] for state in states if event in rows[state]] for event in events}
    return [name[state] for state in states], allowed


def test_every_state_and_action_has_a_row():
    states, allowed = lifecycle()
    assert {state_of(case) for case in TABLE} == set(states) and len(states) == 10
    assert set(ACTIONS) == set(allowed)
    for case, cells in CELLS.items():
        for action, effect in cells.items():
            # Refused beyond what the state says: what is not a resync cannot be cancelled as one, and cdc has nothing to load.
            first_load = action == "cancel" and case in ("Snapshot", "Snapshot, snapshot")
            if effect != "never" and not first_load:
                assert (effect != "no") == (state_of(case) in allowed[action]), f"{action} while {case}"


def refusal(case, action):
    """What is said, from the lifecycle's table."""
    _, allowed = lifecycle()
    never = "Running" if mode_of(case) == "snapshot" else "Completed"
    there = [state for state in allowed[action] if state not in (state_of(case), never)]
    return f"{action} is not possible while {state_of(case)}; it is possible while {', '.join(there)}"


# ---- States, and what holds them


class World:
    """A pipe of the tables a and b, with lines to both ends that can be cut; c waits at the source. The lines, locks and names
    that hold a state are undone by mend()."""

    def __init__(self, engine, mariadb, clickhouse, mode):
        self.engine, self.mode = engine, mode
        self.pipe = Pipe(engine, mariadb, clickhouse)
        self.stack = contextlib.ExitStack()
        self.source = self.stack.enter_context(Proxy(mariadb.port))
        self.destination = self.stack.enter_context(Proxy(clickhouse.port))
        self.held = contextlib.ExitStack()
        for table in "abc":
            self.pipe.run(f"CREATE TABLE {table} (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(200))")
            self.pipe.run(f"INSERT INTO {table} SELECT seq, 0, REPEAT('v', seq % 150) FROM seq_1_to_{ROWS}")
        self.fresh = itertools.count(900_000)

    def close(self):
        self.source.silence(False)
        self.destination.silence(False)
        self.held.close()
        self.stack.close()

    def mend(self):
        self.held.close()

    def sluice(self, *arguments, **options):
        return self.engine.sluice(*arguments, **options)

    def create(self, ok=True):
        source, destination = self.pipe.mariadb.url, self.pipe.clickhouse.url(self.pipe.destination)
        self.pipe.create(
            ok=ok, mode=self.mode, tables=[f"{self.pipe.source}.a", f"{self.pipe.source}.b"], settings=["batch_age=50ms"],
            url=source.replace(f":{self.pipe.mariadb.port}/", f":{self.source.port}/"),
            destination=destination.replace(f":{self.pipe.clickhouse.port}/", f":{self.destination.port}/"),
        )  # fmt: skip

    def state(self):
        return self.pipe.status()["state"]

    def wait(self, *states):
        return self.pipe.wait(*states)

    def killed_at(self, step, does):
        """The engine dies at a step of what `does` sets off."""
        if self.engine.process:
            self.engine.stop()
        self.engine.env["SLUICE_FAULT"] = step
        self.engine.start()
        does()
        wait_until(lambda: self.engine.process.poll() is not None, 60 * PATIENCE, lambda: f"{step} is reached: {self.pipe.journal()}")
        del self.engine.env["SLUICE_FAULT"]
        self.uuids()

    def refuse(self, line):
        line.refuse()
        self.held.callback(line.refuse, False)

    def lock(self):
        """Nobody can read a and b."""
        connection = self.pipe.mariadb.connect(self.pipe.source)
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLES a WRITE, b WRITE")
        self.held.callback(connection.close)

    def readers_wait(self):
        return self.pipe.run(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'repl' AND DB IS NULL AND INFO LIKE %s AND STATE LIKE 'Waiting for%%'",
            f"SELECT%{self.pipe.source}%",
        )[0][0]

    def uuids(self):
        rows = self.pipe.clickhouse.rows(
            f"SELECT name, toString(uuid) FROM system.tables WHERE database = '{self.pipe.destination}' AND name IN ('a', 'b')")  # fmt: skip
        self.before = dict(rows)
        return self.before

    # One for each state. They leave the pipe in it.

    def live(self):
        if not self.engine.process:
            self.engine.start()
        self.create()
        self.wait("Running")
        self.pipe.caught_up()
        self.uuids()

    def provisioning(self):
        self.create()
        self.refuse(self.source)
        self.engine.start()
        self.engine.wait_stalled("p")

    def setup(self):
        self.killed_at("setup-tables-created", lambda: self.create(ok=None))
        self.refuse(self.source)
        self.engine.start()
        self.engine.wait_stalled("p")

    def snapshot(self):
        self.killed_at("load-chunk-read", lambda: self.create(ok=None))
        self.lock()
        self.engine.start()
        wait_until(self.readers_wait, 30 * PATIENCE, lambda: self.engine.describe("p"))

    def snapshot_of_a_resync(self):
        self.live()
        self.killed_at("load-chunk-read", lambda: self.sluice("resync", "p", ok=None))
        self.lock()
        self.engine.start()
        wait_until(self.readers_wait, 30 * PATIENCE, lambda: self.engine.describe("p"))

    def running(self):
        self.live()

    def pausing(self):
        self.live()
        self.destination.silence()
        self.held.callback(self.destination.silence, False)
        self.pipe.run("UPDATE a SET n = n + 1 WHERE id < 50")
        wait_until(lambda: self.destination.held, 30 * PATIENCE, "an insert is on its way")
        self.sluice("pause", "p")

    def paused(self):
        if self.mode == "snapshot":
            self.snapshot()
            self.sluice("pause", "p", "--wait")
            self.mend()
        else:
            self.live()
            self.sluice("pause", "p", "--wait")

    def modifying(self):
        self.live()
        self.refuse(self.destination)
        self.sluice("tables", "p", "remove", f"{self.pipe.source}.b", "--drop-target", "--yes")
        self.engine.wait_stalled("p")

    def resync(self):
        self.live()
        self.killed_at("resync-proof-noted", lambda: self.sluice("resync", "p", ok=None))
        self.refuse(self.destination)
        self.engine.start()
        self.engine.wait_stalled("p")

    def failed(self):
        self.live()
        name = self.pipe.destination
        self.pipe.clickhouse.query(f"RENAME DATABASE {name} TO {name}_away")
        self.held.callback(self.pipe.clickhouse.query, f"RENAME DATABASE {name}_away TO {name}")
        self.pipe.run("UPDATE a SET n = n + 1 WHERE id < 50")

    def completed(self):
        self.engine.start()
        self.create()
        self.wait("Completed")
        self.uuids()

    def hold(self, case):
        getattr(self, case.partition(",")[0].replace(" ", "_").lower())()
        self.wait(state_of(case))

    # What is asked of it

    def ask(self, action, ok=True):
        source = self.pipe.source
        words = {
            "tables add": ["tables", "p", "add", f"{source}.c"],
            "tables remove": ["tables", "p", "remove", f"{source}.b", "--yes"],
            "drop": ["drop", "p", "--yes"],
        }  # fmt: skip
        if action == "reposition":
            position = self.pipe.status()["position"] if ok is True else {"file": "bin.000001", "pos": 4}
            words[action] = ["reposition", "p", "--file", position["file"], "--pos", position["pos"], "--yes"]
        return self.sluice(*words.get(action, [action, "p"]), ok=ok)

    def tables(self):
        return [table["source"].rpartition(".")[2] for table in self.pipe.status()["tables"]]

    def targets(self):
        rows = self.pipe.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{self.pipe.destination}' ORDER BY name")
        return [name for (name,) in rows]

    def ends_well(self, *tables):
        """It comes to where it belongs by itself, and all is equal; of a pipe that loads nothing, what was changed since."""
        self.wait("Completed" if self.mode == "snapshot" else "Running")
        wait_until(lambda: {table["state"] for table in self.pipe.status()["tables"]} == {"live"}, 30 * PATIENCE, lambda: self.engine.describe("p"))
        if self.mode != "snapshot":
            for table in tables:
                self.pipe.run(f"INSERT INTO {table} VALUES ({next(self.fresh)}, 1, 'after')")
            self.pipe.caught_up()
        assert tuple(self.tables()) == tables
        where = "id >= 900000" if self.mode == "cdc" else "1"
        assert assert_equal(self.pipe.mariadb, self.pipe.clickhouse, self.pipe.source, self.pipe.destination, tables, where=where)
        assert set(self.targets()) <= {"a", "b", "c"}, "nothing is left over"


class Effects:
    """What an action does: looked at while the state is still held, and how it ends."""

    @staticmethod
    def paused(world, case):
        world.wait("Paused")
        world.mend()
        assert world.state() == "Paused"
        world.sluice("resume", "p")
        world.ends_well("a", "b")

    @staticmethod
    def resumed(world, case):
        world.ends_well("a", "b")
        assert "Paused → " in world.pipe.journal()

    @staticmethod
    def resynced(world, case):
        world.mend()

        before = world.before

        def replaced():
            uuids = world.uuids()
            return uuids.keys() == before.keys() and all(uuids[name] != before[name] for name in before)

        # What was not loaded yet is loaded in its own place.
        if case != "Paused, snapshot":
            wait_until(replaced, 60 * PATIENCE, lambda: world.engine.describe("p"))
        world.ends_well("a", "b")

    @staticmethod
    def cancelled(world, case):
        world.mend()
        wait_until(lambda: "the resync was cancelled" in world.pipe.journal(), 60 * PATIENCE, lambda: world.engine.describe("p"))
        world.ends_well("a", "b")
        before = world.before
        assert world.uuids() == before

    @staticmethod
    def retried(world, case):
        assert world.state() == state_of(case)
        world.mend()
        if case == "Pausing":
            world.wait("Paused")
            world.sluice("resume", "p")
        world.ends_well(*(["a"] if case == "Modifying" else ["a", "b"]))

    @staticmethod
    def tried_again(world, case):
        # As long as the cause is there it fails again.
        wait_until(lambda: world.pipe.journal().count("→ Failed") == 2, 30 * PATIENCE, lambda: world.engine.describe("p"))
        world.mend()
        world.wait("Failed")
        world.ask("retry")
        world.ends_well("a", "b")

    @staticmethod
    def added(world, case):
        wait_until(lambda: world.tables() == ["a", "b", "c"], 30 * PATIENCE, world.tables)
        if state_of(case) in ("Paused", "Snapshot"):
            assert world.state() == state_of(case)
        world.mend()
        if state_of(case) == "Paused":
            world.sluice("resume", "p")
        world.ends_well("a", "b", "c")

    @staticmethod
    def removed(world, case):
        wait_until(lambda: world.tables() == ["a"], 30 * PATIENCE, world.tables)
        world.wait(state_of(case))
        world.mend()
        if state_of(case) == "Paused":
            world.sluice("resume", "p")
        world.ends_well("a")
        assert "b" in world.targets(), "what was replicated stays"

    @staticmethod
    def repositioned(world, case):
        wait_until(lambda: "repositioned" in world.pipe.journal(), 30 * PATIENCE, lambda: world.pipe.journal())
        world.mend()
        if case == "Failed":
            wait_until(lambda: world.state() in ("Running", "Failed"), 30 * PATIENCE, world.state)
        elif world.state() == "Paused":
            world.sluice("resume", "p")
        world.ends_well("a", "b")

    @staticmethod
    def dropped(world, case):
        wait_until(lambda: not json.loads(world.sluice("status", "--json").out)["pipes"], 30 * PATIENCE, lambda: world.engine.describe("p"))
        world.mend()
        if case != "Provisioning":
            assert "a" in world.targets(), "what was replicated stays"


@pytest.fixture
def world(request, engine, mariadb, clickhouse):
    made = []

    def make(case):
        made.append(World(engine, mariadb, clickhouse, mode_of(case)))
        made[0].hold(case)
        return made[0]

    yield make
    for one in made:
        one.close()


ALLOWED = [(case, action) for case, cells in CELLS.items() for action, effect in cells.items() if effect not in ("no", "never")]


@pytest.mark.parametrize("case,action", ALLOWED, ids=[f"{action}-{case}" for case, action in ALLOWED])
def test_allowed(world, case, action):
    effect = CELLS[case][action]
    world = world(case)
    if (effect, state_of(case)) == ("repositioned", "Failed"):
        world.mend()
    world.ask(action)
    getattr(Effects, effect)(world, case)


@pytest.mark.parametrize("case", TABLE)
def test_refused(world, case):
    """All in a row: none of them changes anything."""
    world = world(case)
    for action, effect in CELLS[case].items():
        if effect == "no":
            said = world.ask(action, ok=4).err
            expected = refusal(case, action)
            assert expected in said, f"{action}: {said}"
        elif effect == "never":
            assert "mode cdc loads nothing" in world.ask(action, ok=4).err
    assert world.state() == state_of(case)


STILL_OFFLINE = [(case, action) for case, action in ALLOWED if action in OFFLINE and action != "drop"]


@pytest.mark.parametrize("case,action", STILL_OFFLINE, ids=[f"{action}-{case}" for case, action in STILL_OFFLINE])
def test_allowed_offline(world, case, action):
    """On the catalog alone, after a crash in that state: nothing is in flight, so there is no Pausing."""
    world = world(case)
    world.engine.kill()
    world.ask(action)
    (pipe,) = json.loads(world.sluice("status", "--json").out)["pipes"]
    then = {"pause": "Paused", "tables remove": "Modifying"}.get(action, state_of(case))
    moved = {"Pausing": "Paused", "Failed": "Running", "Running": "Snapshot" if action == "tables add" else "Running"}
    assert pipe["state"] == moved.get(then, then)
    world.mend()
    world.engine.start()
    if "Paused" in (then, moved.get(then), state_of(case)):
        world.wait("Paused")
        world.sluice("resume", "p")
    world.ends_well(*(["a"] if "Modifying" in (case, then) else ["a", "b", "c"] if action == "tables add" else ["a", "b"]))


@pytest.mark.parametrize("case", TABLE)
def test_refused_offline(world, case):
    world = world(case)
    world.engine.kill()
    for action in ACTIONS:
        if action not in OFFLINE:
            assert "no engine runs" in world.ask(action, ok=6).err, action
        elif CELLS[case][action] == "no":
            assert refusal(case, action) in world.ask(action, ok=4).err
    (pipe,) = json.loads(world.sluice("status", "--json").out)["pipes"]
    assert pipe["state"] == state_of(case)
    world.ask("drop")
    assert not json.loads(world.sluice("status", "--json").out)["pipes"]
