"""Runs a program on a real pty and keeps the screen it draws, as an operator would see it."""
import os
import pathlib
import re
import time

import pexpect
import pyte

KEYS = {
    "enter": "\r", "esc": "\x1b", "tab": "\t", "backspace": "\x7f", "up": "\x1bOA", "down": "\x1bOB", "right": "\x1bOC",
    "left": "\x1bOD", "home": "\x1bOH", "end": "\x1bOF", "pgup": "\x1b[5~", "pgdn": "\x1b[6~", "backtab": "\x1b[Z",
    "f1": "\x1bOP", "f10": "\x1b[21~", "^L": "\x0c", "^Z": "\x1a", "^C": "\x03", "^U": "\x15",
}


class Model(pyte.Screen):
    """pyte does not know REP (repeat the last character), which curses uses for rules and bars of ASCII, nor SU and SD (scroll
    the region), which it uses where a list moves."""
    last = " "

    def draw(self, data):
        super().draw(data)
        self.last = data[-1]

    def repeat(self, count=1):
        super().draw(self.last * (count or 1))

    def scroll(self, edge, step, count):
        row, self.cursor.y = self.cursor.y, edge
        for _ in range(count or 1):
            step()
        self.cursor.y = row

    def scroll_up(self, count=1):
        self.scroll(self.margins.bottom if self.margins else self.lines - 1, self.index, count)

    def scroll_down(self, count=1):
        self.scroll(self.margins.top if self.margins else 0, self.reverse_index, count)


class Stream(pyte.ByteStream):
    csi = {**pyte.ByteStream.csi, "b": "repeat", "S": "scroll_up", "T": "scroll_down"}
    events = pyte.ByteStream.events | {"repeat", "scroll_up", "scroll_down"}


class Screen:
    def __init__(self, argv, rows=24, cols=80, env=None, sync=None):
        """`sync`: what is said to the question whether there is synchronised output, in pieces; None: nothing, as most do."""
        base = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.environ["PATH"],
                "HOME": os.environ.get("HOME", "/")}
        base.update(env or {})
        self.model = Model(cols, rows)
        self.stream = Stream(self.model)
        self.bytes = 0
        self.raw = b""
        self.sync = sync
        self.child = pexpect.spawn(argv[0], argv[1:], dimensions=(rows, cols), env=base, timeout=5, echo=False)
        self.child.delaybeforesend = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        try:
            self.child.close(force=True)
        except OSError:  # its terminal was taken away already
            pass

    def pump(self, seconds=0.02):
        """Takes what the program sent, waiting at most that long for the first byte. False: it ended."""
        wait = seconds
        while True:
            try:
                data = self.child.read_nonblocking(65536, wait)
            except pexpect.TIMEOUT:
                return True
            except pexpect.EOF:
                return False
            self.bytes += len(data)
            self.raw += data
            self.stream.feed(data)
            if self.sync and b"\x1b[?2026$p" in self.raw:
                self.answer_sync()
            wait = 0.01

    def answer_sync(self):
        pieces, self.sync = self.sync, None
        for piece in pieces:
            self.child.send(piece)
            time.sleep(0.06 if len(pieces) > 1 else 0)  # longer than the bytes of one key may be apart

    def lines(self):
        return [line.rstrip() for line in self.model.display]

    def text(self):
        return "\n".join(self.lines()).rstrip("\n") + "\n"

    def wait(self, what, seconds=15):
        """Until a regular expression is on the screen."""
        end = time.monotonic() + seconds
        while not re.search(what, self.text(), re.MULTILINE):
            alive = self.pump(0.05)
            if time.monotonic() > end or (not alive and not re.search(what, self.text(), re.MULTILINE)):
                raise AssertionError(f"{what!r} did not come; the screen shows:\n{self.text()}")
        return self

    def wait_gone(self, what, seconds=15):
        end = time.monotonic() + seconds
        while re.search(what, self.text(), re.MULTILINE):
            self.pump(0.05)
            if time.monotonic() > end:
                raise AssertionError(f"{what!r} stays; the screen shows:\n{self.text()}")
        return self

    def settle(self):
        """Until nothing was drawn for a moment."""
        last = -1
        while last != self.bytes:
            last = self.bytes
            if not self.pump(0.15):
                break
        return self

    def press(self, *keys):
        """Names of KEYS, or text to type."""
        for key in keys:
            self.child.send(KEYS.get(key, key))
            self.pump(0.03)
        return self

    def resize(self, rows, cols):
        self.model.resize(rows, cols)
        self.child.setwinsize(rows, cols)

    def styles(self, text):
        """The cells' attributes where this text stands: (colour, bold, reverse, underscore)."""
        for row, line in enumerate(self.model.display):
            col = line.find(text)
            if col >= 0:
                cell = self.model.buffer[row][col]
                return cell.fg, cell.bold, cell.reverse, cell.underscore
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text()}")

    def colours(self):
        return {cell.fg for row in self.model.buffer.values() for cell in row.values()}

    def alarms(self):
        """What stands in red or yellow: "red: ✖ Failed", from top to bottom."""
        names, found = {"red": "red", "brown": "yellow"}, []  # brown is pyte's name of yellow
        for row in range(self.model.lines):
            before = None
            for col in range(self.model.columns):
                cell = self.model.buffer[row][col]
                colour = names.get(cell.fg)
                if colour and colour == before:
                    found[-1] += cell.data
                elif colour:
                    found.append(f"{colour}: {cell.data}")
                before = colour
        return [line.rstrip() for line in found]

    def signal(self, number):
        os.kill(self.child.pid, number)

    def hang_up(self):
        """The terminal goes away under the program."""
        os.close(self.child.child_fd)

    def end(self, seconds=15):
        """Waits for the program to end. Its exit code; a signal gives its negative number."""
        end = time.monotonic() + seconds
        while self.pump(0.05):
            assert time.monotonic() < end, f"it does not end:\n{self.text()}"
        self.child.wait()
        return self.child.exitstatus if self.child.signalstatus is None else -self.child.signalstatus


def program():
    build = os.environ.get("SLUICE_BUILD", str(pathlib.Path(__file__).parents[2] / "build"))
    return os.path.join(build, "sluice")

