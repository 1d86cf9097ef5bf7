"""Fixtures for all suites (imported by conftest.py). SLUICE_SERVER says what kind of server is the source: see KINDS in mariadb.py."""

import contextlib
import os
import pathlib
import shutil
import tempfile

import pytest

from .clickhouse import ClickHouse
from .engine import Engine
from .mariadb import KINDS, MariaDB
from .pipe import Pipe

KIND = os.environ.get("SLUICE_SERVER", "mariadb")
assert KIND in KINDS, f"SLUICE_SERVER is {KIND}, not one of {', '.join(KINDS)}"


def new_folder():
    # Short: the path of a Unix socket has room for 107 bytes.
    return pathlib.Path(tempfile.mkdtemp(prefix="sluice-"))


@pytest.fixture(scope="session")
def session_folder():
    folder = new_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder():
    """A folder of the test's own. Kept when SLUICE_KEEP is set, to look at."""
    made = new_folder()
    yield made
    if not os.environ.get("SLUICE_KEEP"):
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb(session_folder):
    """The server that most tests share; each takes a database of its own."""
    with MariaDB(session_folder / "source", kind=KIND) as server:
        yield server


@pytest.fixture
def own_mariadb(folder):
    """Makes servers of the test's own, with options: own_mariadb("--binlog-format=STATEMENT")."""
    servers = []

    def make(*options):
        servers.append(MariaDB(folder / f"source{len(servers)}", *options, kind=KIND).start())
        return servers[-1]

    make.kind = KIND
    yield make
    for server in servers:
        server.discard()


def pytest_collection_modifyitems(config, items):
    """Tests marked `only` are for the servers that they name. Of those marked `rule` the report has the rules' names (traps/report)."""
    kept, dropped = [], []
    for item in items:
        only = item.get_closest_marker("only")
        rules = [name for marker in item.iter_markers("rule") for name in marker.args]
        item.user_properties += [("rule", name) for name in rules]
        (kept if only is None or KIND in only.args else dropped).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.fixture(scope="session")
def clickhouse(session_folder):
    """The ClickHouse that most tests share."""
    with ClickHouse(session_folder / "clickhouse") as server:
        yield server


@pytest.fixture
def own_clickhouse(folder):
    """One that the test may kill or freeze."""
    with ClickHouse(folder / "clickhouse") as server:
        yield server


@pytest.fixture
def engine(folder):
    """A state dir; the test starts the engine on it. At the end nothing runs, and no sanitizer had anything to say."""
    made = Engine(folder / "engine")
    yield made
    made.close()


@pytest.fixture
def trap(record_property, engine):
    """What shows that a rule guards against something real.

    trap("what the server did"), after it was seen, notes it for the report. `with trap.without("name"):` runs the engines that start in
    it without the rule of that name (RULE_HOLDS in src; builds with --enable-faults alone): the loss is to be seen then.
    """

    class Trap:
        def __call__(self, seen):
            record_property("trap", seen)

        @staticmethod
        @contextlib.contextmanager
        def without(name):
            engine.env["SLUICE_WITHOUT"] = name
            try:
                yield
            finally:
                del engine.env["SLUICE_WITHOUT"]

    return Trap()


@pytest.fixture
def pipe(engine, mariadb, clickhouse):
    """A pipe between the shared servers, on a running engine. The test creates it."""
    engine.start()
    return Pipe(engine, mariadb, clickhouse)
