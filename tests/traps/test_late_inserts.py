"""Inserts that go on at the destination after their client has given them up."""

import pytest
from harness.engine import PATIENCE
from harness.pipe import Pipe
from harness.process import wait_until
from harness.proxy import Proxy

pytestmark = pytest.mark.rule("inserts-that-outlive-us")

SECONDS = 12  # that an insert into a slow table takes; a KILL is looked at after each block of rows and each sleep
NEVER = ", ".join(f"sleep({3 - n / 100})" for n in range(SECONDS // 3 + 1))


class Line(Proxy):
    """One whose server is not told that the client has gone, as when a host is lost, or a load balancer stands between."""

    keeps = False

    def _end(self, pair):
        if not self.keeps:
            super()._end(pair)


class Late:
    """A pipe whose inserts into a table are slow, between reading their rows and writing them, while the table is slow()."""

    def __init__(self, engine, mariadb, clickhouse):
        self.pipe, self.engine, self.clickhouse = Pipe(engine, mariadb, clickhouse), engine, clickhouse
        self.line = Line(clickhouse.port)
        self.pipe.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")

    def destination(self):
        return f"http://{self.clickhouse.user}@127.0.0.1:{self.line.port}/{self.pipe.destination}?password-file={self.clickhouse.password_file}"

    def without_tokens(self, table="t"):
        """As a table that the operator made, or after so many inserts that the server has forgotten this one."""
        self.clickhouse.query(f"ALTER TABLE {self.pipe.destination}.{table} MODIFY SETTING non_replicated_deduplication_window = 0", alter_sync=2)

    def slow(self, table="t"):
        self.clickhouse.query(f"ALTER TABLE {self.pipe.destination}.{table} ADD CONSTRAINT slow CHECK NOT ignore({NEVER})", alter_sync=2)

    def fast(self, table="t"):
        self.clickhouse.query(f"ALTER TABLE {self.pipe.destination}.{table} DROP CONSTRAINT slow", alter_sync=2)

    def under_way(self):
        return self.clickhouse.value(f"SELECT count() FROM system.processes WHERE startsWith(query, 'INSERT INTO `{self.pipe.destination}`.`t')")

    def given_up(self):
        """Killed while an insert is under way, which goes on."""
        wait_until(self.under_way, 30 * PATIENCE, "an insert is under way")
        self.line.keeps = True
        self.engine.kill()
        assert self.under_way()
        self.fast()
        self.line.keeps = False

    def over(self):
        wait_until(lambda: not self.under_way(), 60 * PATIENCE, "no insert is under way")

    def ids(self):
        return sorted(row[0] for row in self.pipe.rows("t", "id"))


@pytest.fixture
def late(engine, mariadb, clickhouse):
    made = Late(engine, mariadb, clickhouse)
    with made.line:
        yield made


def test_after_a_truncate(late, trap):
    pipe, engine = late.pipe, late.engine
    pipe.run("INSERT INTO t VALUES (1, 'first')")

    def truncated(id):
        late.without_tokens()
        late.slow()
        pipe.run(f"INSERT INTO t VALUES ({id}, 'late')")
        late.given_up()
        pipe.run("TRUNCATE TABLE t")
        pipe.run(f"INSERT INTO t VALUES ({id + 1}, 'new')")
        engine.start()
        pipe.caught_up()
        late.over()

    with trap.without("inserts-that-outlive-us"):
        engine.start()
        pipe.live(destination=late.destination())
        pipe.caught_up()
        truncated(10)
        assert late.ids() == [10, 11]
        trap("an insert that was given up commits after the TRUNCATE behind it: the row is there again")
        engine.stop()
    pipe.run("DELETE FROM t")
    engine.start()
    engine.sluice("resync", "p", "--wait", timeout=120)
    truncated(20)
    assert late.ids() == [21]
    assert pipe.equal("t") == 1
