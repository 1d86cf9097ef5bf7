"""Schema changes at random."""

import random


class Storm:
    """Random statements, each of which a followed table survives, among changes of rows."""

    def __init__(self, pipe, seed):
        self.random = random.Random(seed)
        self.pipe = pipe
        self.connect()
        self.columns = {"a": "INT", "b": "VARCHAR(20)", "c": "DECIMAL(10,2)"}
        self.next_column = 0
        self.next_row = 10
        self.statements = 0

    def connect(self):
        self.connection = self.pipe.mariadb.connect(self.pipe.source)
        self.cursor = self.connection.cursor()
        self.cursor.execute("SET sql_mode = 'STRICT_TRANS_TABLES'")

    WIDER = {"TINYINT": "SMALLINT", "SMALLINT": "INT", "INT": "BIGINT", "VARCHAR(20)": "VARCHAR(50)", "VARCHAR(50)": "TEXT", "DECIMAL(10,2)": "DECIMAL(20,2)",
             "FLOAT": "DOUBLE", "ENUM('x','y')": "ENUM('x','y','z')", "DATETIME": "DATETIME(3)"}  # fmt: skip
    DEFAULTS = {"TINYINT": "7", "INT": "-5", "VARCHAR(20)": "'d''d'", "DECIMAL(10,2)": "1.25", "FLOAT": "0.5", "ENUM('x','y')": "'y'", "DATETIME": "'2024-01-02 03:04:05'"}

    def new_name(self):
        self.next_column += 1
        return self.random.choice([f"n{self.next_column}", f"n{self.random.randint(1, 5)}"])

    def clause(self, columns):
        r = self.random
        kind = r.choice(["add", "add", "drop", "rename", "widen", "swap", "move"])
        name = r.choice(list(columns)) if columns else None
        if kind == "add" or name is None:
            new, type = self.new_name(), r.choice(list(self.DEFAULTS))
            if new in columns:
                return None
            columns[new] = type
            return f"ADD {new} {type}{r.choice(['', ' NOT NULL'])} DEFAULT {self.DEFAULTS[type]}{r.choice(['', ' FIRST', ' AFTER id'])}"
        if kind == "drop":
            del columns[name]
            return f"DROP COLUMN {name}"
        if kind == "rename":
            new = self.new_name()
            if new in columns:
                return None
            columns[new] = columns.pop(name)
            return f"RENAME COLUMN {name} TO {new}"
        if kind == "widen" and columns[name] in self.WIDER:
            columns[name] = self.WIDER[columns[name]]
            return f"MODIFY {name} {columns[name]}"
        if kind == "move":
            return f"MODIFY {name} {columns[name]} FIRST"
        if kind == "swap" and len(columns) > 1:
            one, other = r.sample(sorted(columns), 2)
            columns[one], columns[other] = columns[other], columns[one]
            return f"RENAME COLUMN {one} TO {other}, RENAME COLUMN {other} TO {one}"
        return None

    def alter(self):
        columns = dict(self.columns)
        clause = self.clause(columns)
        if self.random.random() < 0.03:
            self.cursor.execute("TRUNCATE TABLE t")
        elif clause:
            self.cursor.execute(f"ALTER TABLE t {clause}")
            self.columns = columns
        else:
            return
        self.statements += 1

    VALUES = {"TINYINT": "{0} % 100", "SMALLINT": "{0}", "INT": "{0} * 7", "BIGINT": "{0} * 5000000000", "VARCHAR(20)": "'v{0}'", "VARCHAR(50)": "'a longer value {0}'",
              "TEXT": "REPEAT('t', {0} % 50)", "DECIMAL(10,2)": "{0}.5", "DECIMAL(20,2)": "{0}000000000.25", "FLOAT": "{0} / 4", "DOUBLE": "{0} / 8", "ENUM('x','y')": "'x'",
              "ENUM('x','y','z')": "'z'", "DATETIME": "'2020-01-01 00:00:{0:02d}'", "DATETIME(3)": "'2020-01-01 00:00:00.5'"}  # fmt: skip

    def value(self, name):
        return self.VALUES[self.columns[name]].format(self.random.randint(10, 59))

    def change(self):
        r = self.random
        names = r.sample(sorted(self.columns), min(len(self.columns), 3))
        if r.random() < 0.5:
            self.next_row += 1
            self.cursor.execute(f"INSERT INTO t ({', '.join(['id', *names])}) VALUES ({', '.join([str(self.next_row), *map(self.value, names)])})")
        elif names and r.random() < 0.8:
            self.cursor.execute(f"UPDATE t SET {', '.join(f'{name} = {self.value(name)}' for name in names)} WHERE id % 3 = {r.randint(0, 2)}")
        else:
            self.cursor.execute("DELETE FROM t WHERE id = %s", (r.randint(1, self.next_row),))

    def run(self, statements):
        while self.statements < statements:
            self.alter()
            for _ in range(self.random.randint(0, 4)):
                self.change()

    def close(self):
        self.connection.close()
