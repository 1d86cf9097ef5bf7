"""The faults of a soak: each is a block, and over when the block ends; but for a clock, which may stay where it jumped to."""

import contextlib
import pathlib
import struct
import subprocess

import pymysql
from harness.disasters import WAYS, full_disk, refused, silent

SIZES = {"state": "256m", "data": "4g"}  # of the small file systems
# Left on a full one. ClickHouse damages what it writes to the last byte, a part as well as a definition (26.7). The endpoint begins nothing on the
# last 64 MiB; what is under way has room.
SPARE = {"state": 0, "data": 48 << 20}
JUMPS = (-30 * 86400, -86400, -3600, -90, -5, 5, 90, 3600, 86400, 30 * 86400)  # seconds


class Clock:
    """The wall clock of sluice, by a small library of ours; what it measures durations with goes on as ever."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.file.write_bytes(bytes(8))
        self.library = folder / "clock.so"
        done = subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", self.library, pathlib.Path(__file__).with_name("clock.c")], capture_output=True, text=True)
        self.problem = done.stderr.strip() if done.returncode else None

    def set(self, seconds):
        with open(self.file, "r+b") as file:
            file.write(struct.pack("=q", seconds * 1_000_000_000))

    def environment(self):
        return {} if self.problem else {"LD_PRELOAD": str(self.library), "SOAK_CLOCK": str(self.file)}


@contextlib.contextmanager
def cut(line):
    line.cut()
    yield


@contextlib.contextmanager
def jumped(clock, seconds, back):
    clock.set(seconds)
    yield
    if back:
        clock.set(0)


@contextlib.contextmanager
def cut_within(line, bytes):
    """A request is cut off after so many bytes."""
    line.cut_after(bytes)
    try:
        yield
    finally:
        line.limit = None


@contextlib.contextmanager
def hung_up(site):
    """The source ends sluice's connections."""
    with contextlib.suppress(pymysql.err.OperationalError):  # beside another fault: a server that is down has none
        site.source.kill_connections()
    yield


class Fault:
    """One that was chosen. `victim`: of two at once, they are different. `begin(soak)` gives the block."""

    # Those that are over last begin first: sluice starts again when the disk has room.
    ORDER = ("sluice", "destination", "source", "clock", "state disk", "data disk", "line to the source", "line to the destination")

    def __init__(self, kind, victim, begin, told=""):
        self.kind, self.victim, self.begin, self.told = kind, victim, begin, told

    def rank(self):
        return self.ORDER.index(self.victim)

    def __str__(self):
        return f"{self.kind}{self.told}"


def _server(way, victim):
    return lambda rng: Fault(f"{way} {victim}", victim, lambda soak, site: WAYS[way](soak.victim(victim, site)))


def _line(way, block, side):
    return lambda rng: Fault(f"{way} line to the {side}", f"line to the {side}", lambda soak, site: block(getattr(site, f"{side}_line")))


def _disk(which):
    return lambda rng: Fault(f"full {which} disk", f"{which} disk", lambda soak, site: full_disk(soak.disks[which], SPARE[which]))


def _within(rng):
    bytes = rng.choice((100, 5_000, 40_000, 200_000))
    return Fault("cut a request to the destination", "line to the destination", lambda soak, site: cut_within(site.destination_line, bytes), f" after {bytes} bytes")


def _clock(rng):
    jump, back = rng.choice(JUMPS), rng.random() < 0.6
    return Fault(f"clock {'forward' if jump > 0 else 'back'}", "clock", lambda soak, site: jumped(soak.clock, jump, back), f" by {abs(jump)} s, {'for that time' if back else 'to stay'}")


def _hang_up(rng):
    return Fault("hang up at the source", "line to the source", lambda soak, site: hung_up(site))


# With weights: what comes once in a run of ten minutes comes often.
FAULTS = [
    *((_server(way, victim), weight) for way, weight in (("kill", 3), ("freeze", 2), ("stop", 1)) for victim in ("source", "destination", "sluice")),
    *((_line(way, block, side), 1) for way, block in (("cut", cut), ("refuse", refused), ("silence", silent)) for side in ("source", "destination")),
    (_within, 1), (_hang_up, 1), (_disk("state"), 2), (_disk("data"), 2), (_clock, 3),
]  # fmt: skip


def chosen(rng):
    """One fault, or two of different victims at once."""
    one, two = (make(rng) for make in rng.choices([make for make, _ in FAULTS], [weight for _, weight in FAULTS], k=2))
    faults = [one, two] if rng.random() < 0.35 and two.victim != one.victim else [one]
    return sorted(faults, key=Fault.rank)
