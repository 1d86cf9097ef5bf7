"""What a dashboard costs that is left open: bytes to the terminal, processor time, and how soon a key is answered."""

import collections
import os
import pathlib
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from fcntl import ioctl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tui"))

import recording  # noqa: E402
from screen import program  # noqa: E402

from harness.process import cpu_seconds, die_with_parent, memory  # noqa: E402

IDLE_SECONDS = 40  # two steps of the histories
KEYS = 40


class LiveEngine(recording.Engine):
    """One picture a second, each with other figures, as an engine sends them; nothing is answered."""

    def __init__(self, state_dir, picture):
        self.first = picture
        self.second = 0
        super().__init__(state_dir, picture)
        self.answers = collections.defaultdict(lambda: None)

    def beat(self):
        while self.running:
            time.sleep(1)
            if self.running and not self.silent:
                self.second += 1
                self.show(recording.busy(self.first, self.second))


class EngineProcess:
    """Such an engine in a process of its own, that the time it takes is not counted."""

    def __init__(self, state_dir, picture):
        listens, tells = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            die_with_parent()
            engine = LiveEngine(state_dir, picture)
            signal.signal(signal.SIGUSR1, lambda *unused: setattr(engine, "silent", True))
            os.write(tells, b"!")
            while True:
                signal.pause()
        os.read(listens, 1)
        os.close(listens)
        os.close(tells)

    def fall_silent(self):
        os.kill(self.pid, signal.SIGUSR1)

    def stop(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Terminal:
    """The dashboard on a pty that is read as fast as it writes."""

    def __init__(self, home, rows, cols):
        self.bytes = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(XDG_STATE_HOME=str(home), TERM="xterm-256color", LC_ALL="C.UTF-8")
            os.execv(program(), [program()])
        ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def read(self, seconds):
        """What comes within that time, or as much as there is at once."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return b""
        data = os.read(self.fd, 1 << 16)
        self.bytes += len(data)
        return data

    def drain(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def quiet(self):
        while self.read(0.3):
            pass

    def press(self, key):
        """Seconds until something was drawn."""
        began = time.monotonic()
        os.write(self.fd, key)
        assert self.read(5), "a key is not answered"
        took = time.monotonic() - began
        while self.read(0.02):
            pass
        return took

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        try:
            self.drain(5)
        except OSError:  # it has ended
            pass
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def keys(terminal, there, back):
    """Half of them there, and back: each moves something."""
    return [terminal.press(key) * 1000 for key in [there, back] * (KEYS // 2)]


class ScreenBench:
    def __init__(self, folder):
        self.folder = folder
        self.goals = []

    def figure(self, name, value, unit, goal=None):
        print(f"    {name:<62} {value:>10,.2f} {unit}", flush=True)
        if goal is not None:
            self.goals.append((name, value, goal, unit))

    def on(self, picture, rows, cols, work):
        home = self.folder / f"home{len(list(self.folder.iterdir()))}"
        (home / "sluice").mkdir(parents=True)
        engine = EngineProcess(str(home / "sluice"), picture)
        terminal = Terminal(home, rows, cols)
        try:
            terminal.drain(2)
            work(engine, terminal)
        finally:
            terminal.close()
            engine.stop()

    def idle(self, name, terminal, goals):
        cpu, sent, began = cpu_seconds(terminal.pid), terminal.bytes, time.monotonic()
        terminal.drain(IDLE_SECONDS)
        seconds = time.monotonic() - began
        self.figure(f"{name}: bytes to the terminal", (terminal.bytes - sent) / seconds, "bytes/s", 300 if goals else None)
        self.figure(f"{name}: of a core", (cpu_seconds(terminal.pid) - cpu) / seconds * 100, "%", 1 if goals else None)

    def answers(self, name, terminal, there=b"j", back=b"k"):
        took = keys(terminal, there, back)
        self.figure(f"{name}: median", statistics.median(took), "ms")
        self.figure(f"{name}: nine of ten", sorted(took)[KEYS * 9 // 10], "ms", 50)
        self.figure(f"{name}: the slowest of {KEYS}", max(took), "ms")

    def ten(self, engine, terminal):
        self.idle("ten running pipes, idle", terminal, True)
        terminal.press(b"\r")
        terminal.drain(1)
        self.idle("one of them, its tables and charts, idle", terminal, False)
        terminal.press(b"q")
        terminal.press(b"p")
        engine.fall_silent()
        terminal.quiet()
        self.answers("a key while the engine does not answer", terminal)

    def many(self, engine, terminal):
        self.idle("200 pipes, 2,000 tables, idle", terminal, False)
        self.answers("200 pipes: a row on", terminal)
        self.answers("200 pipes: a page on or back", terminal, b"\x06", b"\x02")
        for key in (b"g", b"/", b"pipe-000", b"\r", b"\r"):
            terminal.press(key)
        terminal.quiet()
        self.idle("the pipe with 2,000 tables, idle", terminal, False)
        self.answers("2,000 tables: a row on", terminal)
        self.answers("2,000 tables: a page on or back", terminal, b"\x06", b"\x02")
        self.figure("200 pipes, 2,000 tables: peak memory", memory(terminal.pid) / (1 << 20), "MiB")

    def run(self):
        picture = recording.many_pipes(10)
        for pipe in picture["pipes"]:
            pipe.update(state="Running", error=None)
            pipe["tables"] = [dict(pipe["tables"][0], source=f"shop.t{number}") for number in range(8)]
        self.on(picture, 40, 120, self.ten)
        self.on(recording.large(), 60, 200, self.many)
        print("\n    beside what is wanted:")
        for name, value, goal, unit in self.goals:
            print(f"    {name:<62} {value:>10,.2f} of {goal:>3} {unit}{'' if value <= goal else '   MISSED'}")
