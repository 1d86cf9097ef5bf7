"""sluice: its commands, and the engine as a child that can be killed and started again."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass

from .process import die_with_parent, end, spawn, wait_until

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", TOP / "build"))
SANITIZED = BUILD.name in ("build-asan", "build-tsan")
# What takes a second takes several with a sanitizer and on a busy machine.
PATIENCE = 4 if SANITIZED else 1
READY_SECONDS = 30
REPORTS = re.compile(r"^.*(?:ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion).*$", re.M)


def program(folder):
    """The path of sluice. It starts the endpoint that lies beside it, which must be the plain one: a sanitized build is
    copied into a folder with that."""
    if not SANITIZED:
        return BUILD / "sluice"
    beside = pathlib.Path(folder) / "bin"
    if not beside.exists():
        beside.mkdir(parents=True)
        shutil.copy2(BUILD / "sluice", beside / "sluice")
        (beside / "sluice-clickhouse").symlink_to(TOP / "build" / "sluice-clickhouse")
    return beside / "sluice"


@dataclass
class Result:
    code: int
    out: str
    err: str


class Engine:
    """A state dir, and the engine on it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state_dir = self.folder / "state"
        self.program = program(self.folder.parent)
        self.log_file = self.folder / "engine.out"
        self.process = None
        self.run_env = {}  # of the engine alone, not of commands
        self.env = dict(os.environ, LC_ALL="C.UTF-8")
        self.env.setdefault("G_SLICE", "always-malloc")  # so that the sanitizers see every block of memory
        # Of OpenSSL: no certificate of the machine's is trusted. To read them all takes 40 ms for each connection to a server with TLS.
        self.env.setdefault("SSL_CERT_FILE", "/dev/null")
        self.env.setdefault("ASAN_OPTIONS", "abort_on_error=0:exitcode=99")
        self.env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        suppressions = TOP / "tests" / "tsan.supp"
        self.env.setdefault("TSAN_OPTIONS", f"exitcode=98:suppressions={suppressions}")

    def sluice(self, *arguments, ok=True, timeout=60, stdin=None, env=None):
        """Runs a command. ok: it must succeed; an exit code: it must be that one; None: whatever it is."""
        argv = [str(self.program), arguments[0], "--state-dir", str(self.state_dir), *map(str, arguments[1:])]
        done = subprocess.run(
            argv, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True, text=True,
            errors="surrogateescape", timeout=timeout * PATIENCE, env={**self.env, **(env or {})}, preexec_fn=die_with_parent,
        )  # fmt: skip
        result = Result(done.returncode, done.stdout, done.stderr)
        expected = 0 if ok is True else ok
        if expected is not None:
            assert result.code == expected, f"{' '.join(argv[1:])}: exit {result.code}, not {expected}\n{result.out}{result.err}"
        return result

    def start(self, *options):
        assert self.process is None or self.process.poll() is not None
        self.process = spawn([self.program, "run", "--state-dir", self.state_dir, *options], self.log_file, env={**self.env, **self.run_env})
        wait_until(self.answers, READY_SECONDS * PATIENCE, lambda: f"the engine answers: {self.log()[-2000:]}")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the engine ended with {self.process.returncode}: {self.log()[-3000:]}")
        answer = self.asked("status")
        return bool(answer) and ((answer.get("view") or {}).get("engine") or {}).get("pid") == self.process.pid

    def dies(self, fault, do=None):
        """Starts it, and it is killed at that step (fault.h) of what `do` makes it do, or of what it finds to do: then it may not live to answer."""
        self.env["SLUICE_FAULT"] = fault
        try:
            with contextlib.nullcontext() if do else contextlib.suppress(AssertionError):
                self.start()
        finally:
            del self.env["SLUICE_FAULT"]
        if do:
            do()
        wait_until(lambda: self.process.poll() is not None, 60 * PATIENCE, lambda: f"{fault} is reached: {self.log()[-1000:]}")
        assert self.process.returncode == -signal.SIGKILL, self.log()[-3000:]
        self.process = None

    def stop(self):
        """Cleanly; its exit code must be 0."""
        if self.process is None:
            return
        process, self.process = self.process, None
        code = end(process, 60 * PATIENCE)
        assert code == 0, f"the engine ended with {code}: {self.log()[-3000:]}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def freeze(self, frozen=True):
        self.process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def close(self):
        """At the end of a test: no engine is left, and no sanitizer had anything to say."""
        try:
            if self.process and self.process.poll() is None:
                self.stop()
        finally:
            if self.process:
                self.process.kill()
                self.process.wait()
            reports = REPORTS.findall(self.log())
        assert not reports, f"{reports[0]}\n{self.log()[-6000:]}"

    # What the engine shows

    def asked(self, what):
        """The answer to a request by the control socket, as the commands ask; None: no engine answers there."""
        if self.process is None or self.process.poll() is not None:
            return None
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(60 * PATIENCE)
                line.connect(str(self.state_dir / "sluice.sock"))
                line.sendall(json.dumps({"id": 1, "do": what}).encode() + b"\n")
                with line.makefile("rb") as answers:
                    answer = answers.readline()
        except (ConnectionError, FileNotFoundError):
            return None
        return json.loads(answer) if answer.endswith(b"\n") else None

    def pipe(self, name):
        """The pipe's object of `status --json`. Asked again and again: a process each time would be half of what tests compute."""
        answer = self.asked("status")
        status = answer["view"] if answer else json.loads(self.sluice("status", name, "--json").out)
        assert status["format"] == 1
        (pipe,) = [p for p in status["pipes"] if p["name"] == name]
        return pipe

    def table(self, name, source):
        (table,) = [t for t in self.pipe(name)["tables"] if t["source"] == source]
        return table

    def describe(self, name):
        pipe = self.pipe(name)
        keep = ("state", "stalled", "error", "lag_seconds", "lag_bytes", "position", "snapshot", "tables")
        journal = self.sluice("log", name, ok=None).out.splitlines()[-12:]
        return "\n".join([json.dumps({k: pipe.get(k) for k in keep}, indent=1), *journal, self.log()[-1500:]])

    def wait_state(self, name, *states, seconds=60):
        def reached():
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the engine ended with {self.process.returncode}: {self.log()[-3000:]}")
            pipe = self.pipe(name)
            if pipe["state"] in states or pipe["state"] != "Failed":
                failed.clear()
            else:
                failed.append(time.monotonic())
                assert failed[-1] - failed[0] < 3 * PATIENCE, self.describe(name)
            return pipe if pipe["state"] in states else None

        failed = []  # since when: what was asked for and accepted takes a moment to leave that state
        return wait_until(reached, seconds * PATIENCE, lambda: f"{name} is {' or '.join(states)}: {self.describe(name)}", 0.1)

    def wait_stalled(self, name, stalled=True, seconds=60):
        return wait_until(
            lambda: (self.pipe(name)["stalled"] is not None) == stalled and self.pipe(name), seconds * PATIENCE,
            lambda: f"{name} is {'' if stalled else 'not '}stalled: {self.describe(name)}", 0.1,
        )  # fmt: skip
