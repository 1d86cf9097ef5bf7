"""Rows that a foreign key changes along with their parent's: MariaDB logs nothing of it, nor does MySQL with InnoDB's own keys."""

import contextlib

import pytest
from harness.engine import PATIENCE
from harness.log import logged, rows_in
from harness.pipe import Pipe
from harness.process import wait_until

pytestmark = pytest.mark.flavours


@pytest.fixture
def family(engine, own_mariadb, clickhouse):
    """A pipe on child and grandchild; parent is not followed."""
    server = own_mariadb(*(["--innodb-native-foreign-keys=ON"] if own_mariadb.kind == "mysql" else []))
    engine.start()
    pipe = Pipe(engine, server, clickhouse)
    pipe.run("CREATE TABLE parent (v INT, id INT PRIMARY KEY, code INT UNIQUE)")
    pipe.run("CREATE TABLE child (id INT PRIMARY KEY, parent INT, CONSTRAINT up FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE SET NULL)")
    pipe.run("CREATE TABLE grandchild (id INT PRIMARY KEY, child INT, FOREIGN KEY (child) REFERENCES child (id) ON DELETE CASCADE)")
    pipe.run("CREATE TABLE cousin (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id))")
    pipe.run("INSERT INTO parent VALUES (0, 1, 1), (0, 2, 2), (0, 3, 3)")
    pipe.run("INSERT INTO child VALUES (10, 1), (20, 2), (30, 3)")
    pipe.run("INSERT INTO grandchild VALUES (100, 10), (200, 20)")
    pipe.tables = [f"{pipe.source}.{name}" for name in ("child", "grandchild", "cousin")]
    return pipe


def advised(pipe):
    return {table["source"].rpartition(".")[2] for table in pipe.status()["tables"] if table["resync_advised"]}


@pytest.mark.rule("cascades")
def test_refused(family):
    """Seen also by an account that may do nothing but read: what it is shown of others' keys differs from server to server."""
    result = family.create(tables=family.tables, ok=5)
    assert f"child: its foreign key up to {family.source}.parent changes its rows without a trace" in result.out, result.out
    assert "DROP FOREIGN KEY `up`" in result.out and "foreign_keys=flag" in result.out
    assert "cousin: its foreign key" not in result.out


@pytest.mark.rule("cascades")
def test_a_resync_is_advised(family, trap):
    family.live(tables=family.tables, settings=["foreign_keys=flag"])
    family.run("INSERT INTO parent VALUES (0, 4, 4)")
    family.run("UPDATE parent SET v = 7, code = code + 10")
    family.run("DELETE FROM cousin")
    family.caught_up()
    assert advised(family) == set()
    with logged(family.mariadb) as events:
        family.run("UPDATE parent SET id = 33 WHERE id = 3")
    assert family.run("SELECT parent FROM child WHERE id = 30") == ((None,),) and rows_in(events) == ["Update"]
    trap("ON UPDATE SET NULL changes a row of a child, and the log has the row of the parent alone")
    family.caught_up()
    wait_until(lambda: advised(family) == {"child", "grandchild"}, 30 * PATIENCE, lambda: family.journal())
    assert "parent were changed, and a foreign key changes rows of it then" in family.journal()
    assert family.rows("child", "id, parent", "id = 30") == [[30, 3]], "the log says nothing of it"
    with logged(family.mariadb) as events:
        family.run("DELETE FROM parent WHERE id = 1")
    assert family.run("SELECT COUNT(*) FROM child JOIN grandchild") == ((2,),) and rows_in(events) == ["Delete"]
    trap("ON DELETE CASCADE deletes rows of a child and of its child, and the log has the row of the parent alone")
    family.engine.sluice("resync", family.name, "--wait", timeout=120 * PATIENCE)
    assert family.equal("child", "grandchild", "cousin") == 3
    assert advised(family) == set()


def test_a_key_that_comes_later(family):
    family.run("ALTER TABLE child DROP FOREIGN KEY up")
    family.run("ALTER TABLE grandchild DROP FOREIGN KEY grandchild_ibfk_1")
    family.live(tables=family.tables)
    family.run("ALTER TABLE grandchild ADD FOREIGN KEY (child) REFERENCES child (id) ON DELETE RESTRICT")
    family.run("ALTER TABLE child ADD x INT DEFAULT 1, ADD FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE")
    failed = wait_until(lambda: family.table("child")["error"], 30 * PATIENCE, lambda: family.journal())
    assert "got a foreign key that changes its rows without a trace in the log" in failed["message"] and "foreign_keys=flag" in failed["message"]
    assert family.table("grandchild")["state"] == "live"
    family.engine.sluice("set", family.name, "foreign_keys=flag")
    family.engine.sluice("resync", family.name, "--table", f"{family.source}.child", "--wait", timeout=120 * PATIENCE)
    family.run("ALTER TABLE cousin ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES parent (code) ON UPDATE CASCADE")
    family.run("UPDATE parent SET v = 8")
    family.caught_up()
    assert advised(family) == set()
    family.engine.kill()
    family.engine.start()
    family.run("UPDATE parent SET code = 99 WHERE id = 1")
    wait_until(lambda: advised(family) == {"cousin"}, 30 * PATIENCE, lambda: family.journal())
    family.run("DELETE FROM parent WHERE id = 3")
    wait_until(lambda: advised(family) == {"cousin", "child"}, 30 * PATIENCE, lambda: family.journal())


def test_a_parent_is_renamed(family):
    """The children say nothing of it in the log."""
    family.live(tables=family.tables, settings=["foreign_keys=flag"])
    family.run("RENAME TABLE parent TO forebear")
    family.run("DELETE FROM forebear WHERE id = 1")
    wait_until(lambda: advised(family) == {"child", "grandchild"}, 30 * PATIENCE, lambda: family.journal())


def test_a_parent_in_an_xa_transaction(family):
    """Its rows stand where it was prepared, and count where it is committed."""
    family.live(tables=family.tables, settings=["foreign_keys=flag"])
    with contextlib.closing(family.mariadb.connect(family.source)) as connection, connection.cursor() as cursor:
        for statement in ("XA START 'x'", "DELETE FROM parent WHERE id = 1", "XA END 'x'", "XA PREPARE 'x'"):
            cursor.execute(statement)
    family.caught_up()
    assert advised(family) == set()
    family.engine.kill()
    family.engine.start()
    family.run("XA COMMIT 'x'")
    wait_until(lambda: advised(family) == {"child", "grandchild"}, 30 * PATIENCE, lambda: family.journal())
