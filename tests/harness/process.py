"""Child processes that never outlive the tests, and waiting for conditions."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
LISTENING = "0A"  # in /proc/net/tcp
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """Between fork and exec: the kernel ends the child when the tests are gone, however they ended."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(argv, log, **options):
    """Starts a child with its output appended to the file `log`, and nothing on its stdin."""
    with open(log, "ab") as out:
        return subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=die_with_parent, **options
        )


def end(process, seconds=20):
    """SIGTERM, then SIGKILL when it takes too long. Returns the exit code, None when it had to be killed."""
    if process.poll() is not None:
        return process.returncode
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


class NotThereYet(Exception):
    """What was asked for does not exist; it may come."""


def wait_until(condition, seconds, what, every=0.05):
    """Calls `condition` until it gives something true and returns that; NotThereYet counts as not true. `what` names it; it may be
    a callable that describes what is there instead, for the message of the failure."""
    deadline = time.monotonic() + seconds
    while True:
        missing = None
        try:
            value = condition()
        except NotThereYet as error:
            value, missing = None, error
        if value:
            return value
        if time.monotonic() > deadline:
            shown = missing or (what() if callable(what) else what)
            raise AssertionError(f"not within {seconds} s: {shown}") from missing
        time.sleep(every)


def unread(pid):
    """Bytes that wait at the sockets of a server over IPv4: what was sent to one that is frozen."""
    own = set()
    for link in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            own.add(os.readlink(link.path))
    with open("/proc/net/tcp") as f:
        lines = [line.split() for line in f.readlines()[1:]]
    ports = {line[1] for line in lines if line[3] == LISTENING and f"socket:[{line[9]}]" in own}
    return sum(int(line[4].partition(":")[2], 16) for line in lines if line[3] != LISTENING and line[1] in ports)


def stat(pid):
    """The fields of /proc/PID/stat after the command's name; [11] and [12] are user and system ticks."""
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()


def cpu_seconds(pid):
    fields = stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid, field="VmHWM"):
    """Bytes: VmHWM is the peak of resident memory, VmRSS the present."""
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise KeyError(field)
