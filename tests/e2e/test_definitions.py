"""Definitions derived from ALTER statements are those that the servers have, statement after statement."""

import os
import random
import subprocess

import pymysql
import pytest
from harness.engine import BUILD
from harness.process import die_with_parent

pytestmark = pytest.mark.servers

NAMES = ["a", "b", "c", "d", "e", "first", "Ünïcode", "we`ird", "sp ace", "after_it", "key_part", "column", "x1", "x2"]
CHARSETS = ["utf8mb4", "latin1", "utf8mb3", "ascii", "ucs2", "cp1251", "gbk", "utf8"]
COLLATIONS = ["utf8mb4_bin", "latin1_german1_ci", "utf8mb4_unicode_ci", "utf8mb3_bin", "latin1_bin"]


REFUSALS = ["cannot write a label", "make other labels", "converts and changes", "makes two columns", "names two character sets"]
CREATE = """CREATE TABLE t (id INT NOT NULL, a VARCHAR(20), b INT DEFAULT 5, c TEXT, e ENUM('x','y') NOT NULL,
            d DECIMAL(10,2), PRIMARY KEY (id)) DEFAULT CHARSET = {charset}"""


class Tool:
    def __init__(self, url):
        self.process = subprocess.Popen(
            [BUILD / "tests/harness/table_alter", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            preexec_fn=die_with_parent, env={**os.environ, "G_SLICE": "always-malloc"},
        )  # fmt: skip

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the tool ended at: {line}"
        return answer.strip()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0


@pytest.fixture
def tool(mariadb):
    made = Tool(mariadb.url)
    yield made
    made.close()


class Session:
    """A session that alters a table, and the tool that follows."""

    def __init__(self, server, tool, mode, explicit):
        self.server = server
        self.tool = tool
        self.database = server.new_database()
        if server.is_mysql:  # to read labels that are shown as '?'
            server.run(f"GRANT CREATE TEMPORARY TABLES ON {self.database}.* TO repl@'127.0.0.1'")
        self.connection = server.connect(self.database)
        self.cursor = self.connection.cursor()
        self.cursor.execute("SET sql_mode = %s", (mode,))
        self.explicit = self.set_explicit(explicit)
        self.cursor.execute("SELECT @@sql_mode")
        self.mode = self.number(self.cursor.fetchone()[0])
        self.utf8 = 0
        if not server.is_mysql:
            self.cursor.execute("SELECT @@old_mode")
            self.utf8 = int("UTF8_IS_UTF8MB3" not in self.cursor.fetchone()[0])

    def set_explicit(self, value):
        try:
            self.cursor.execute(f"SET explicit_defaults_for_timestamp = {value}")
        except pymysql.err.MySQLError:
            pass
        self.cursor.execute("SELECT @@explicit_defaults_for_timestamp")
        return int(self.cursor.fetchone()[0])

    @staticmethod
    def number(mode):
        bits = {"REAL_AS_FLOAT": 0x1, "ANSI_QUOTES": 0x4, "NO_BACKSLASH_ESCAPES": 0x100000, "STRICT_TRANS_TABLES": 0x200000}
        return sum(bits.get(name, 0) for name in mode.split(","))

    def create(self, sql, table="t"):
        self.cursor.execute(sql)
        assert self.tool.ask(f"read {self.database} {table}") == "ok"

    def alter(self, sql):
        """True: the server took it, and the derived definition is its own. False: the server refused it."""
        try:
            self.cursor.execute(sql)
        except pymysql.err.MySQLError:
            return False
        answer = self.tool.ask(f"alter {self.mode} {self.explicit} {self.utf8} " + sql.replace("\n", "\\n"))
        if any(refusal in answer for refusal in REFUSALS):  # what servers make of it is not guessed
            if self.tool.ask(f"read {self.database} t") != "ok":  # labels that servers have spoilt
                self.cursor.execute("DROP TABLE t")
                self.create(CREATE.format(charset="utf8mb4"))
            return False
        assert answer == "ok", f"{answer}: {sql}"
        answer = self.tool.ask("compare")
        assert answer == "ok", f"{answer}: {sql}"
        return True

    def close(self):
        self.cursor.execute(f"DROP DATABASE {self.database}")
        self.connection.close()


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


class Maker:
    """Random statements on a table whose columns it knows from the server."""

    def __init__(self, seed, mysql):
        self.random = random.Random(seed)
        self.mysql = mysql

    def type(self):
        r = self.random
        n = r.randint(1, 30)
        text = r.choice([
            f"CHAR({n})", "CHAR", f"CHARACTER({n})", f"VARCHAR({n})", f"VARCHAR({n * 10})", f"CHARACTER VARYING({n})",
            f"CHAR VARYING({n})", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", f"TEXT({n * 20})", "LONG", "LONG VARCHAR",
            "ENUM('a','b''c','ü','x\\\\y')", "ENUM('one','two  ')", "SET('p','q','r')", f"VARCHARACTER({n})",
        ])  # fmt: skip
        if r.random() < 0.4:
            text += r.choice([f" CHARACTER SET {r.choice(CHARSETS)}", f" CHARSET {r.choice(CHARSETS)}", f" COLLATE {r.choice(COLLATIONS)}",
                              " BINARY", " ASCII", f" CHARSET {r.choice(CHARSETS)} BINARY", " CHARACTER SET binary",
                              " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"])  # fmt: skip
        width = r.choice(["", "", f"({r.randint(1, 20)})"])
        sign = r.choice(["", "", " UNSIGNED", " SIGNED", " ZEROFILL", " UNSIGNED ZEROFILL"])
        number = r.choice(["TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT", "INT1", "INT2", "INT3", "INT4", "INT8", "MIDDLEINT"]) + width + sign
        scale = r.randint(0, 9)
        pair = r.choice(["", f"({scale + n})", f"({scale + n},{scale})"])
        exact = r.choice(["DECIMAL", "DEC", "NUMERIC", "FIXED"]) + pair + r.choice(["", "", " UNSIGNED", " ZEROFILL"])
        real = r.choice(["FLOAT", f"FLOAT({n})", "FLOAT(53)", "FLOAT(9,3)", "DOUBLE", "DOUBLE PRECISION", "DOUBLE(12,4)", "REAL", "FLOAT4", "FLOAT8", "DOUBLE UNSIGNED", "FLOAT ZEROFILL"])
        fraction = r.choice(["", f"({r.randint(0, 6)})"])
        moment = r.choice(["DATE", "TIME" + fraction, "DATETIME" + fraction, "TIMESTAMP" + fraction, "YEAR", "YEAR(4)"])
        data = r.choice([f"BINARY({n})", "BINARY", f"VARBINARY({n})", "TINYBLOB", "BLOB", f"BLOB({n * 30})", "MEDIUMBLOB", "LONGBLOB", "LONG VARBINARY", f"CHAR({n}) BYTE"])
        national = r.choice([f"NCHAR({n})", f"NVARCHAR({n})", f"NATIONAL CHAR({n})", f"NATIONAL VARCHAR({n})", f"NATIONAL CHARACTER VARYING({n})", f"NCHAR VARYING({n})"])
        other = ["BOOL", "BOOLEAN", "TINYINT(1)", f"BIT({n})", "BIT", "JSON", "GEOMETRY", "POINT", "POLYGON", "GEOMETRYCOLLECTION", "MULTIPOINT"]
        if not self.mysql:
            other += ["UUID", "INET6", "INET4", "NUMBER(9,2)", "VARCHAR2(9)", "CLOB", "RAW(9)", "TEXT COMPRESSED", "VARCHAR(99) COMPRESSED", "BLOB COMPRESSED"]
        else:
            other += ["VECTOR(3)", "GEOMCOLLECTION", "POINT SRID 4326"]
        return r.choice([text, text, text, number, number, exact, real, moment, moment, data, national, r.choice(other)])

    def attributes(self, kind):
        r = self.random
        out = r.choice(["", "", "", " NULL", " NOT NULL", " NOT NULL"])
        if r.random() < 0.25:
            out += r.choice([" DEFAULT NULL", " DEFAULT 1", " DEFAULT '1'", " DEFAULT 'a'", " DEFAULT ''", " DEFAULT (1 + 2)", " DEFAULT b'1'", " DEFAULT x'31'",
                             " DEFAULT '2024-02-03'", " DEFAULT CURRENT_TIMESTAMP", " DEFAULT -1.5", " DEFAULT (CONCAT('a', ')', \"b\"))",
                             " DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP()", " DEFAULT NOW()", " DEFAULT (UUID())", " DEFAULT TRUE", " DEFAULT 'it''s \\' \"q\"'"])  # fmt: skip
        if r.random() < 0.15:
            out += r.choice([" COMMENT 'AFTER, FIRST) it''s'", " INVISIBLE", " UNIQUE", " UNIQUE KEY", " CHECK (1 = 1)", " CHECK (CHAR_LENGTH('),(') > 0)",
                             " COMMENT \"\"", " REFERENCES nothing (id) ON DELETE SET NULL ON UPDATE CASCADE", " COLUMN_FORMAT DYNAMIC", " STORAGE MEMORY"])  # fmt: skip
        return out

    def definition(self):
        if self.random.random() < 0.08:
            return self.random.choice(["INT AS (1 + 1)", "INT GENERATED ALWAYS AS (2) STORED", "VARCHAR(9) GENERATED ALWAYS AS ('(,') VIRTUAL", "INT AS (3) INVISIBLE"])
        kind = self.type()
        return kind + self.attributes(kind)

    def place(self, columns):
        r = self.random
        return r.choice(["", "", "", " FIRST", f" AFTER {quoted(r.choice(columns))}"])

    def clause(self, columns):
        r = self.random
        name = quoted(r.choice([column for column in columns if column != "id"] or columns))  # the key stays
        new = quoted(r.choice(NAMES))
        exists = "" if self.mysql or r.random() < 0.7 else r.choice(["IF EXISTS ", "IF EXISTS "])
        absent = "IF NOT EXISTS " if exists else ""
        column = r.choice(["COLUMN ", ""]) if not exists else "COLUMN "
        weighted = [
            (6, lambda: f"ADD {column}{absent}{new} {self.definition()}{self.place(columns)}"),
            (1, lambda: f"ADD {column}{absent}({new} {self.definition()}, {quoted(r.choice(NAMES))} {self.definition()})"),
            (1, lambda: f"ADD ({new} {self.definition()}, KEY ({new}), CHECK (1 IN (1, 2)))"),
            (3, lambda: f"DROP {column}{exists}{name}"),
            (4, lambda: f"MODIFY {column}{exists}{name} {self.definition()}{self.place(columns)}"),
            (4, lambda: f"CHANGE {column}{exists}{name} {new} {self.definition()}{self.place(columns)}"),
            (2, lambda: f"RENAME COLUMN {exists}{name} TO {new}"),
            (1, lambda: f"ALTER {column}{name} SET DEFAULT {r.choice(['1', 'NULL', '(2)', repr('x,y')])}"),
            (1, lambda: f"ALTER {column}{name} DROP DEFAULT"),
            (1, lambda: f"ADD INDEX i{r.randint(1, 9)} ({name})"),
            (1, lambda: f"ADD UNIQUE u{r.randint(1, 9)} ({name})"),
            (1, lambda: f"ADD CONSTRAINT c{r.randint(1, 9)} UNIQUE KEY ({name}, id)"),
            (1, lambda: f"DROP {r.choice(['INDEX', 'KEY'])} {r.choice('iu')}{r.randint(1, 9)}"),
            (1, lambda: f"CONVERT TO CHARACTER SET {r.choice(CHARSETS[:4])}" + r.choice(["", " COLLATE utf8mb4_bin"])),
            (1, lambda: f"{r.choice(['', 'DEFAULT '])}CHARACTER SET {r.choice(['=', ''])} {r.choice(CHARSETS)}"),
            (1, lambda: r.choice(["COMMENT = 'a, b'", "ENGINE = InnoDB", "FORCE", "ROW_FORMAT=DYNAMIC COMMENT 'x'", "AUTO_INCREMENT 5", "COLLATE utf8mb4_bin",
                                  "ALGORITHM=COPY", "LOCK=SHARED", "DISABLE KEYS", "ORDER BY id"])),
            (1, lambda: "DROP PRIMARY KEY, ADD PRIMARY KEY (id)"),
        ]  # fmt: skip
        return r.choices([make for _, make in weighted], [weight for weight, _ in weighted])[0]()

    def history(self, clauses):
        """MariaDB's system versioning comes, goes, and is partitioned."""
        r = self.random
        period = "PERIOD FOR SYSTEM_TIME (vs, ve)"
        columns = ["vs TIMESTAMP(6) GENERATED ALWAYS AS ROW START", "ve TIMESTAMP(6) AS ROW END INVISIBLE"]
        if r.random() < 0.1:  # beside other clauses it leaves a table that cannot be opened, without names [10.11, 11.8]
            return [], " PARTITION BY SYSTEM_TIME LIMIT 5"
        spread = r.choice([" PARTITION BY SYSTEM_TIME INTERVAL 1 DAY (PARTITION old HISTORY, PARTITION now CURRENT)",
                           " PARTITION BY SYSTEM_TIME (PARTITION po HISTORY, PARTITION `c``r` CURRENT)", " PARTITION BY KEY (id) PARTITIONS 2", " REMOVE PARTITIONING"])  # fmt: skip
        made = r.choice([
            ["ADD SYSTEM VERSIONING"], ["WITH SYSTEM VERSIONING"], ["DROP SYSTEM VERSIONING"], ["DROP SYSTEM VERSIONING", "DROP COLUMN vs", "DROP COLUMN ve"],
            [f"ADD COLUMN {columns[0]} FIRST", f"ADD {columns[1]}", f"ADD {period}", "ADD SYSTEM VERSIONING"],
            [f"ADD ({columns[0]}, {columns[1]}, {period})", "ADD SYSTEM VERSIONING"], ["ADD h INT WITHOUT SYSTEM VERSIONING AFTER id"],
            ["DROP COLUMN h"], ["MODIFY b BIGINT WITH SYSTEM VERSIONING"], ["RENAME COLUMN ve TO vf"], ["DROP PRIMARY KEY", "ADD PRIMARY KEY (id)"],
            ["DROP PRIMARY KEY", "ADD PRIMARY KEY (id, ve)"], clauses, clauses, clauses, ["FORCE"],
        ])  # fmt: skip
        return made, r.choice(["", "", "", spread])

    def statement(self, columns, versioned=False):
        r = self.random
        count = r.choice([1, 1, 1, 2, 2, 3, 4])
        clauses = [self.clause(columns) for _ in range(count)]
        comment = r.choice(["", "", " /* , ADD x INT */ ", " -- x\n", " /*!50000 */ "])
        clauses, spread = self.history(clauses) if versioned else (clauses, "")
        return f"ALTER TABLE t{comment} " + f",{comment} ".join(clauses) + spread


def column_names(session):
    rows = session.server.run("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = 't' ORDER BY ORDINAL_POSITION",
                              session.database)  # fmt: skip
    return [name for (name,) in rows]


@pytest.mark.parametrize("seed", range(3))
def test_random_statements(mariadb, tool, seed):
    session = Session(mariadb, tool, ["", "STRICT_TRANS_TABLES", "REAL_AS_FLOAT"][seed % 3], seed % 2)
    maker = Maker(seed, mariadb.is_mysql)
    taken = 0
    for begin in range(3):
        session.cursor.execute("DROP TABLE IF EXISTS t")
        session.create(CREATE.format(charset=["utf8mb4", "latin1", "utf8mb3 COLLATE utf8mb3_bin", "utf8mb4"][begin]))
        for _ in range(60):
            taken += session.alter(maker.statement(column_names(session)))
    session.close()
    assert taken > 40, taken


@pytest.mark.only("mariadb", "mariadb11")
@pytest.mark.parametrize("seed", range(2))
def test_random_statements_on_history(mariadb, tool, seed):
    session = Session(mariadb, tool, "", 1)
    session.cursor.execute("SET system_versioning_alter_history = KEEP")
    maker = Maker(seed, False)
    taken = 0
    for _ in range(4):
        session.cursor.execute("DROP TABLE IF EXISTS t")
        session.create(CREATE.format(charset="utf8mb4"))
        for _ in range(40):
            taken += session.alter(maker.statement(column_names(session), versioned=True))
    session.close()
    assert taken > 40, taken
