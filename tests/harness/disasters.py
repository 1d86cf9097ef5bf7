"""What happens to servers, to sluice, to the lines between them, to disks and clocks: each for as long as a block lasts."""

import contextlib
import os
import shutil
import subprocess

from .engine import PATIENCE
from .process import wait_until


@contextlib.contextmanager
def killed(victim):
    """SIGKILL; started again at the end of the block."""
    victim.kill()
    try:
        yield
    finally:
        victim.start()


@contextlib.contextmanager
def frozen(victim):
    """SIGSTOP, and SIGCONT."""
    victim.freeze()
    try:
        yield
    finally:
        victim.freeze(False)


@contextlib.contextmanager
def stopped(victim):
    """In order; started again at the end of the block."""
    victim.stop()
    try:
        yield
    finally:
        victim.start()


WAYS = {"kill": killed, "freeze": frozen, "stop": stopped}


def wait_seen(pipe, side):
    """Until the pipe says that this side keeps it waiting."""

    def stalled():
        status = pipe.status()
        assert status["state"] != "Failed", pipe.engine.describe(pipe.name)
        return status["stalled"] and status["stalled"]["side"] == side and status["stalled"]

    return wait_until(stalled, 60 * PATIENCE, lambda: f"stalled at the {side}: {pipe.engine.describe(pipe.name)}", 0.1)


@contextlib.contextmanager
def refused(proxy):
    """Connections through it break, and new ones are closed at once."""
    proxy.refuse()
    try:
        yield
    finally:
        proxy.refuse(False)


@contextlib.contextmanager
def silent(proxy):
    """Connections stay, and nothing passes; at the end they break, as those of a line that was away do."""
    proxy.silence()
    try:
        yield
    finally:
        proxy.silence(False)
        proxy.cut()


def fill_disk(path, spare=0):
    """Until not a byte is left on its file system, or just so many."""
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as f:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while shutil.disk_usage(path).free >= size + spare:
                    f.write(b"x" * size)


def mounted(path, size):
    """Whether a small file system of its own could be mounted there: root can."""
    path.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path], capture_output=True) if os.geteuid() == 0 else None
    return done is not None and done.returncode == 0


@contextlib.contextmanager
def full_disk(path, spare=0):
    """The file system of this folder is full; what may grow there while the block lasts does not."""
    filler = path / "filler"
    fill_disk(filler, spare)
    try:
        yield
    finally:
        filler.unlink(missing_ok=True)
