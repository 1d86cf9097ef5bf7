"""Inserts that go on at the destination after their client has given them up."""

import contextlib

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until
from harness.proxy import Proxy, no_log

pytestmark = pytest.mark.rule("inserts-that-outlive-us")

SLOW = "NOT ignore(sleep(3), sleep(2.9), sleep(2.8), sleep(2.7))"  # looked at between reading an insert's rows and writing them


class Line(Proxy):
    """One whose server is not told that the client has gone, as when a host is lost, or a load balancer stands between."""

    keeps = False

    def _end(self, pair):
        if not self.keeps:
            super()._end(pair)


class Late:
    """A pipe on a line that keeps what the pipe leaves, and inserts that take long. `source`: its line to the other side."""

    def __init__(self, engine, mariadb, clickhouse, line, source):
        self.pipe, self.engine, self.clickhouse, self.line = Pipe(engine, mariadb, clickhouse), engine, clickhouse, line
        self.source = source
        self.pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
        self.pipe.run("CREATE TABLE other (id INT PRIMARY KEY)")

    def created(self):
        destination = f"http://{self.clickhouse.user}@127.0.0.1:{self.line.port}/{self.pipe.destination}?password-file={self.clickhouse.password_file}"
        url = f"mysql://repl@127.0.0.1:{self.source.port}/?password-file={self.pipe.mariadb.password_file}&ssl-mode=disabled"
        self.pipe.create(url=url, destination=destination)

    def targets(self):
        return {row[0] for row in self.clickhouse.rows(f"SELECT name FROM system.tables WHERE database = '{self.pipe.destination}'")}

    def under_way(self):
        return self.clickhouse.value(f"SELECT count() FROM system.processes WHERE startsWith(query, 'INSERT INTO `{self.pipe.destination}`.')")

    def slow(self, target, on=True):
        change = f"ADD CONSTRAINT slow CHECK {SLOW}" if on else "DROP CONSTRAINT slow"
        self.clickhouse.query(f"ALTER TABLE {self.pipe.destination}.{target} {change}", alter_sync=2)

    def given_up(self, target):
        """An insert of the load is under way when sluice is killed, and goes on."""
        wait_until(self.under_way, 30 * PATIENCE, "an insert is under way")
        self.line.keeps = True
        self.engine.kill()
        assert self.under_way()
        self.slow(target, False)
        self.line.keeps = False

    def goes_on(self, state):
        """The stream comes to the TRUNCATE when all is read again: in the middle of that the resync would end with it."""
        self.source.on_request = no_log
        self.engine.start()
        wait_until(lambda: (t := self.pipe.table("t"))["ranges_done"] == t["ranges_total"] == 1, 60 * PATIENCE, self.pipe.status)
        self.source.on_request = None
        wait_until(lambda: self.pipe.status()["state"] == "Running" and self.pipe.table("t")["state"] == "live", 60 * PATIENCE, self.pipe.journal)
        self.pipe.caught_up()
        state.append(self.under_way())
        wait_until(lambda: not self.under_way(), 60 * PATIENCE, "no insert is under way")


@pytest.fixture
def late(engine, mariadb, clickhouse):
    with Line(clickhouse.port) as line, Proxy(mariadb.port) as source:
        yield Late(engine, mariadb, clickhouse, line, source)


def truncated_while_loading(late, number, target):
    """Rows that no event deletes: what of them comes late stays. Returns whether the insert was there longer than the load."""
    pipe, outlived = late.pipe, []
    late.given_up(target)
    pipe.run("TRUNCATE TABLE t")
    pipe.run(f"INSERT INTO t VALUES ({number + 1}, 'after')")
    late.goes_on(outlived)
    return bool(outlived[0])


def test_after_a_truncate_a_load_that_began_again_and_the_exchange(late, trap):
    """The rows of a twin are on their way into it when the table is truncated: it is loaded again, and takes the table's place."""
    pipe, engine = late.pipe, late.engine

    def loaded_again(number):
        pipe.run("DELETE FROM t")
        pipe.run(f"INSERT INTO t VALUES ({number}, 'before')")
        before = late.targets()
        with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLES t WRITE")
            engine.sluice("resync", "p")
            twins = wait_until(lambda: {name for name in late.targets() - before if name.startswith("t_")}, 30 * PATIENCE, pipe.journal)
            (twin,) = twins
            late.slow(twin)
        return truncated_while_loading(late, number, twin)

    with trap.without("inserts-that-outlive-us"):
        engine.start()
        late.created()
        pipe.wait("Running")
        outlived = loaded_again(10)
        assert [10] in pipe.rows("t", "id"), (outlived, pipe.journal())
        trap("an insert that was given up commits after the TRUNCATE, the load behind it and the exchange, into what is the table by then")
        engine.stop()
    engine.start()
    engine.sluice("resync", "p", "--wait", timeout=120)
    assert pipe.equal("t") == 1
    assert not loaded_again(20), "it was killed"
    assert "was truncated" in pipe.journal() and "took its place" in pipe.journal()
    assert pipe.rows("t", "id") == [[21]]
    assert pipe.equal("t") == 1
