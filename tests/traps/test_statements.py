"""Statements that change tables: what the log has of them, and what each does at the destination."""

import contextlib
import datetime

import pymysql
import pytest
from harness.clickhouse import ClickHouseError
from harness.engine import PATIENCE
from harness.injector import Injector
from harness.log import logged, rows_in, statements_in
from harness.pipe import Pipe
from harness.process import wait_until

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20) NOT NULL DEFAULT 'b')"


def fails(pipe, words, table="t"):
    found = wait_until(lambda: (t := pipe.table(table))["state"] == "failed" and t, 30 * PATIENCE, lambda: pipe.engine.describe("p"))
    assert words in found["error"]["message"] and pipe.status()["state"] == "Running", found["error"]


@pytest.mark.rule("barrier")
@pytest.mark.parametrize("step", ["ddl-step", "ddl-done"])
def test_killed_behind_a_statement(pipe, trap, step):
    """What stands before the statement is not sent again, and what stands behind it is."""
    pipe.engine.env["SLUICE_FAULT"] = step
    pipe.engine.kill()
    pipe.engine.start()
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, 1, 'x')")
    pipe.live()
    pipe.run("INSERT INTO t VALUES (2, 2, 'before')")
    pipe.run("ALTER TABLE t RENAME COLUMN a TO n")
    pipe.run("INSERT INTO t VALUES (3, 3, 'behind')")
    wait_until(lambda: pipe.engine.process.poll() is not None, 60 * PATIENCE, pipe.journal)
    del pipe.engine.env["SLUICE_FAULT"]
    with pytest.raises(ClickHouseError, match="a"):
        pipe.clickhouse.query(f"INSERT INTO {pipe.destination}.t (id, a, b) VALUES (2, 2, 'before')")
    assert pipe.rows("t", "count()", "id = 2") == [[1]]
    trap("the table of the destination is altered, and refuses what stands in the log before that, were it read again")
    pipe.engine.start()
    assert pipe.equal("t") == 3


@pytest.mark.rule("add-column-defaults")
def test_old_rows_have_values(pipe, trap):
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y')")
    pipe.live()
    with logged(pipe.mariadb) as events:
        pipe.run("ALTER TABLE t ADD e ENUM('one','two') NOT NULL")
        pipe.run("ALTER TABLE t ADD at DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6)")
    assert rows_in(events) == []
    (e, at), second = pipe.run("SELECT e, at FROM t ORDER BY id")
    assert e == "one" and isinstance(at, datetime.datetime) and second == (e, at)
    trap("rows that were there have values of a new column, among them the time of the statement, and the log has none of them")
    pipe.run("INSERT INTO t (id, e) VALUES (3, 'two')")
    assert pipe.equal("t") == 3 and not pipe.table("t")["resync_advised"]
    # Which differs from row to row, nobody can know.
    if pipe.mariadb.is_mysql:
        with pytest.raises(pymysql.err.OperationalError, match="unsafe"):  # while it writes a log
            pipe.run("ALTER TABLE t ADD u CHAR(36) DEFAULT (UUID())")
        return
    with logged(pipe.mariadb) as events:
        with contextlib.closing(pipe.mariadb.connect(pipe.source)) as connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE t ADD u UUID DEFAULT (UUID())")
    assert rows_in(events) == [] and pipe.run("SELECT COUNT(DISTINCT u) FROM t") == ((3,),)
    trap("DEFAULT (UUID()) gives each old row another value, and the log has none of them")
    wait_until(lambda: pipe.table("t")["resync_advised"] or pipe.table("t")["state"] == "failed", 30 * PATIENCE, pipe.journal)
    pipe.engine.sluice("resync", "p", "--wait", timeout=60 * PATIENCE)
    pipe.wait("Running")
    pipe.caught_up()
    assert {tuple(map(str, row)) for row in pipe.rows("t", "id, u")} == {tuple(map(str, row)) for row in pipe.run("SELECT id, u FROM t")}


@pytest.mark.rule("statements-are-recognised")
def test_statements_in_other_clothes(pipe, trap):
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, 1, 'x')")
    pipe.live()
    elsewhere = pipe.mariadb.new_database()
    statements = [
        (pipe.source, "/* ALTER TABLE t DROP a */ ALTER /* one */ TABLE -- two\n t # three\n ADD c1 INT DEFAULT 1"),
        (pipe.source, "ALTER TABLE t /*!50000 ADD c2 INT */ /*!50000 DEFAULT 2 */"),
        (elsewhere, f"ALTER TABLE `{pipe.source}` . `t` ADD c3 INT DEFAULT 3"),
        (elsewhere, f'ALTER TABLE "{pipe.source}"."t" ADD "c 4" VARCHAR(20) DEFAULT \'a "b"\''),
        (elsewhere, "CREATE TABLE t AS SELECT 1 AS id"),
        (elsewhere, "ALTER TABLE t ADD c5 INT DEFAULT 5"),
        (elsewhere, "DROP TABLE t"),
    ]  # fmt: skip
    if not pipe.mariadb.is_mysql:
        statements.append((elsewhere, f"SET STATEMENT lock_wait_timeout = 9 FOR ALTER TABLE {pipe.source}.t ADD COLUMN IF NOT EXISTS c6 INT DEFAULT 6"))
        statements.append((pipe.source, "/*M!100100 ALTER TABLE t ADD c7 INT DEFAULT 7 */"))
    with logged(pipe.mariadb) as events:
        for database, statement in statements:
            with contextlib.closing(pipe.mariadb.connect(database)) as connection, connection.cursor() as cursor:
                if '"' in statement:
                    cursor.execute("SET SESSION sql_mode = 'ANSI_QUOTES'")
                cursor.execute(statement)
    texts = statements_in(events)
    assert sum("one" in text or f'"{pipe.source}"' in text or f"`{pipe.source}` . `t`" in text for text in texts) >= 2, texts
    trap("a statement stands in the log as its client wrote it, with its comments, quotes and default database")
    pipe.run("INSERT INTO t (id) VALUES (2)")
    assert pipe.equal("t") == 2
    wanted = {"c1", "c2", "c3", "c 4"} | (set() if pipe.mariadb.is_mysql else {"c6", "c7"})
    found = {name for (name,) in pipe.clickhouse.rows(f"SELECT name FROM system.columns WHERE database = '{pipe.destination}' AND table = 't'")}
    assert wanted <= found and "c5" not in found


def query_event(database, text):
    """thread, time, length of the database's name, error, length of variables (none)."""
    return bytes(8) + bytes([len(database)]) + bytes(2) + bytes(2) + database.encode() + b"\0" + text.encode()


@pytest.mark.rule("unknown-statements-fail-the-table")
def test_statements_that_nobody_knows(engine, mariadb, clickhouse, trap):
    with Injector(mariadb.port) as injector:
        pipe = Pipe(engine, mariadb, clickhouse)
        for name in ("t", "good"):
            pipe.run(TABLE.replace(" t ", f" {name} "))
            pipe.run(f"INSERT INTO {name} VALUES (1, 1, 'x')")
        engine.start()
        pipe.live(url=f"mysql://repl@127.0.0.1:{injector.port}/?password-file={mariadb.password_file}&ssl-mode=disabled")
        injector.inject(2, query_event(pipe.source, "FROBNICATE TABLE elsewhere"), position=mariadb.end_of_log()[1])
        wait_until(lambda: injector.sent == [2], 20 * PATIENCE, "it was sent")
        pipe.run("INSERT INTO t VALUES (2, 2, 'x')")
        assert pipe.equal("t", "good") == 3
        assert pipe.table("t")["state"] == "live"
        trap("a newer server logs statements of which only the names of tables can be known")
        injector.inject(2, query_event(pipe.source, "FROBNICATE TABLE t"), position=mariadb.end_of_log()[1])
        fails(pipe, "not known")
        pipe.run("INSERT INTO good VALUES (3, 3, 'x')")
        wait_until(lambda: pipe.rows("good", "count()") == [[2]], 30 * PATIENCE, lambda: engine.describe("p"))


@pytest.mark.rule("rows-change-without-events")
def test_a_tablespace_is_discarded(pipe, trap):
    pipe.run(TABLE)
    pipe.run("INSERT INTO t VALUES (1, 1, 'x')")
    pipe.live()
    with logged(pipe.mariadb) as events:
        pipe.run("ALTER TABLE t DISCARD TABLESPACE")
    assert rows_in(events) == []
    with pytest.raises(Exception, match="[Tt]ablespace"):
        pipe.run("SELECT * FROM t")
    trap("the rows of a table are gone with its tablespace, and the log has none of them")
    fails(pipe, "without its rows in the log")
    assert pipe.rows("t", "id") == [[1]]


@pytest.mark.rule("odd-names")
def test_names_that_change_a_terminal(pipe, trap):
    """Escape sequences and direction marks: at both servers as they are, in the journal and in what is shown as text."""
    name = "esc\x1b[31m \u202eright\u200f `q` \\"
    quoted, target = "`" + name.replace("`", "``") + "`", name.replace("\\", "\\\\").replace("`", "\\`")
    pipe.run(f"CREATE TABLE {quoted} (id INT PRIMARY KEY, {quoted} INT)")
    pipe.run(f"INSERT INTO {quoted} VALUES (1, 1)")
    assert pipe.run("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s", pipe.source) == ((name,),)
    pipe.live()
    pipe.run(f"UPDATE {quoted} SET {quoted} = 2")
    pipe.caught_up()
    assert pipe.clickhouse.rows(f"SELECT id, `{target}` FROM {pipe.destination}.`{target}` FINAL") == [[1, 2]]
    trap("both servers take names with escape sequences and direction marks, and give them back as they are")
    pipe.run(f"ALTER TABLE {quoted} DROP PRIMARY KEY")
    wait_until(lambda: pipe.status()["tables"][0]["state"] == "failed", 30 * PATIENCE, pipe.journal)
    for text in (pipe.journal(), pipe.engine.sluice("status", "p").out, pipe.engine.sluice("explain", "p", ok=None).out, pipe.engine.log()):
        assert not {"\x1b", "\u202e", "\u200f"} & set(text), text
    assert "\\x1B[31m" in pipe.journal()
