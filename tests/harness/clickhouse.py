"""The embedded ClickHouse endpoint as a server of its own, spoken to over HTTP."""

import base64
import http.client
import itertools
import json
import os
import pathlib
import subprocess
import urllib.parse

from .process import NotThereYet, die_with_parent, end

PLAIN_BUILD = pathlib.Path(__file__).resolve().parent.parent.parent / "build"


class ClickHouseError(Exception):
    pass


class Missing(ClickHouseError, NotThereYet):
    """The table, database or column is not there."""


MISSING = ("(UNKNOWN_TABLE)", "(UNKNOWN_DATABASE)", "(UNKNOWN_IDENTIFIER)")


class ClickHouse:
    """sluice-clickhouse on a data dir. Always the plain build: the library does not live under sanitizers."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = None
        self.port = 0
        self._numbers = itertools.count(1)

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        program = pathlib.Path(os.environ.get("SLUICE_ENDPOINT", PLAIN_BUILD / "sluice-clickhouse"))
        # Started again it has the port that pipes know.
        self.process = subprocess.Popen(
            [program, "--data", self.folder / "data", "--listen", f"127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=open(self.folder / "endpoint.log", "ab"),
            preexec_fn=die_with_parent,
        )  # fmt: skip
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("sluice-clickhouse did not start: " + (self.folder / "endpoint.log").read_text()[-2000:])
        ready = json.loads(line)
        self.port = urllib.parse.urlsplit(ready["url"]).port
        self.user = ready["user"]
        self.password_file = ready["password_file"]
        self.password = pathlib.Path(self.password_file).read_text().strip()
        return self

    def stop(self):
        if self.process:
            code = end(self.process, 60)
            self.process.stdout.close()
            self.process = None
            assert code == 0, f"sluice-clickhouse ended with {code}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def freeze(self, frozen=True):
        self.process.send_signal(19 if frozen else 18)

    def url(self, database):
        return f"http://{self.user}@127.0.0.1:{self.port}/{database}?password-file={self.password_file}"

    def new_database(self):
        """A name; sluice makes the database."""
        name = f"d{next(self._numbers)}"
        self.query(f"DROP DATABASE IF EXISTS {name}")
        return name

    def query(self, text, body=None, timeout=300, **settings):
        """The answer as text. With a body the query stands in the URL."""
        return self.fetch(text, body, timeout, **settings).decode("utf-8", "surrogateescape")

    def fetch(self, text, body=None, timeout=300, **settings):
        """The answer's bytes."""
        settings = {"wait_end_of_query": 1, **settings}
        if body is not None:
            settings["query"] = text
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        connection.request(
            "POST", "/?" + urllib.parse.urlencode(settings), body if body is not None else text.encode(), {"Authorization": "Basic " + token}
        )
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if answer.status != 200 or answer.getheader("X-ClickHouse-Exception-Code"):
            text = data.decode(errors="replace").strip()
            raise (Missing if any(word in text for word in MISSING) else ClickHouseError)(text)
        return data

    def rows(self, text, **settings):
        """Rows as lists of JSON values; 64-bit integers are numbers, NULL is None."""
        settings = {"output_format_json_quote_64bit_integers": 0, **settings}
        answer = self.query(text + "\nFORMAT JSONCompactEachRow", **settings)
        return json.loads(f"[{answer.rstrip().replace(chr(10), ',')}]")  # at once: line by line takes three times as long

    def value(self, text, **settings):
        return self.rows(text, **settings)[0][0]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.freeze(False)
            self.stop()
