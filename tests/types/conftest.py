"""The three kinds of server side by side: each test runs on each, or on those of its mark `on`. A kind's tests run in one process."""

import os

import pytest
from harness.mariadb import KINDS, MariaDB
from harness.pipe import Pipe
from type_table import METADATA

WANTED = os.environ.get("SLUICE_TYPES_SERVERS", os.environ.get("SLUICE_SERVER", " ".join(KINDS))).split()


def of_kind(kind, *values):
    return pytest.param(kind, *values, marks=pytest.mark.xdist_group(kind), id="-".join((kind, *map(str, values))))


def pytest_generate_tests(metafunc):
    on = metafunc.definition.get_closest_marker("on")
    kinds = [kind for kind in WANTED if on is None or kind in on.args]
    if "metadata" in metafunc.fixturenames:
        metafunc.parametrize("kind, metadata", [of_kind(kind, metadata) for kind in kinds for metadata in METADATA[kind]], scope="session")
    elif "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", [of_kind(kind) for kind in kinds], scope="session")


@pytest.fixture(scope="session")
def servers(session_folder):
    """Those that were started, by kind."""
    started = {}
    yield started
    for server in started.values():
        server.stop()


@pytest.fixture
def mariadb(kind, servers, session_folder):
    if kind not in servers:
        servers[kind] = MariaDB(session_folder / kind, kind=kind).start()
    server = servers[kind]
    server.run("SET GLOBAL binlog_row_metadata = FULL")
    return server


@pytest.fixture
def new_pipe(engine, mariadb, clickhouse):
    """Makes pipes, each on databases of its own, on one running engine."""
    engine.start()
    made = []

    def make():
        made.append(Pipe(engine, mariadb, clickhouse, name=f"p{len(made)}"))
        return made[-1]

    return make


@pytest.fixture
def checked(request):
    """Tells what was compared, all of it equal: checked(12, "cells"). What all tests tell stands at the end of the run."""

    def tell(number, text):
        request.node.user_properties.append(("checked", [number, text]))

    return tell


def pytest_terminal_summary(terminalreporter):
    total = {}
    for report in terminalreporter.stats.get("passed", []):
        for name, told in report.user_properties:
            if name == "checked" and report.when == "call":
                number, text = told
                unit = text.split()[0]
                total[unit] = total.get(unit, 0) + number
                terminalreporter.write_line(f"CHECKED {report.nodeid.rpartition('::')[2]}: {number} {text}")
    if total:
        terminalreporter.write_line("CHECKED in all: " + ", ".join(f"{number} {unit}" for unit, number in total.items()))
