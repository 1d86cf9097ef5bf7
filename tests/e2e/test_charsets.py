"""Text of every character set that the server has: our conversion against its own, and through a pipe."""

import collections
import contextlib
import subprocess
import sys

import pytest
from harness.engine import BUILD
from harness.pipe import Pipe

pytestmark = pytest.mark.servers


def of_one():
    yield from (bytes([a]) for a in range(256))


def of_two():
    yield from (n.to_bytes(2, "big") for n in range(0x10000))


def of_three():
    """All that begin with 8F, which leads three bytes in ujis and eucjpms, and a sample of all."""
    yield from (b"\x8f" + n.to_bytes(2, "big") for n in range(0x10000))
    yield from (n.to_bytes(3, "big") for n in range(0, 0x1000000, 1021))


def of_four():
    """Samples of what gb18030, UTF-16 in both orders, UTF-32 and UTF-8 have, of what is nearly that, and of all."""
    for n in range(0, 126 * 10 * 126 * 10, 47):
        n, d = divmod(n, 10)
        n, c = divmod(n, 126)
        a, b = divmod(n, 10)
        yield bytes([0x81 + a, 0x30 + b, 0x81 + c, 0x30 + d])
    for n in range(0, 0x100000, 97):
        pair = (0xD800 + (n >> 10)).to_bytes(2, "big") + (0xDC00 + (n & 0x3FF)).to_bytes(2, "big")
        yield pair
        yield bytes([pair[1], pair[0], pair[3], pair[2]])
        yield bytes([0xF0 + (n + 0x10000 >> 18), 0x80 + (n + 0x10000 >> 12 & 63), 0x80 + (n >> 6 & 63), 0x80 + (n & 63)])
    yield from (n.to_bytes(4, "big") for n in range(0, 0x120000, 83))
    yield from (n.to_bytes(4, "big") for n in range(0, 1 << 32, 104_729))


# All of one byte and of two, for every character set; more bytes for those that have characters of as many.
SETS = {"one": (1, of_one), "two": (1, of_two), "three": (3, of_three), "four": (4, of_four)}


def fill(cursor, name, sequences):
    """A table of them with their numbers: sent many at once, and taken apart by the server, which is faster by far."""
    cursor.execute(f"CREATE TABLE {name} (n INT PRIMARY KEY, b VARBINARY(4) NOT NULL)")
    cursor.execute("CREATE TEMPORARY TABLE packed (n INT PRIMARY KEY, bytes VARBINARY(2048) NOT NULL)")
    width = len(sequences[-1])
    for first in range(0, len(sequences), 256 * 256):
        parts = ((n, b"".join(sequences[n : n + 256]).hex()) for n in range(first, min(first + 256 * 256, len(sequences)), 256))
        cursor.execute("INSERT INTO packed VALUES " + ",".join(f"({n},x'{part}')" for n, part in parts))
    cursor.execute(f"INSERT INTO {name} SELECT n + seq, SUBSTRING(bytes, seq * {width} + 1, {width}) FROM packed, "
                   f"(SELECT seq FROM seq_0_to_255) AS k WHERE seq * {width} < LENGTH(bytes)")  # fmt: skip
    cursor.execute("DROP TEMPORARY TABLE packed")


@pytest.fixture(scope="module")
def sequences(mariadb):
    """The database that has them as tables, and all of each: name -> list."""
    database = mariadb.new_database()
    made = {name: list(generator()) for name, (_, generator) in SETS.items()}
    with contextlib.closing(mariadb.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_log_bin = 0")
        for name, found in made.items():
            fill(cursor, name, found)
    return database, made


def charsets(mariadb):
    """Name -> most bytes of a character."""
    return {row[0]: row[3] for row in mariadb.run("SHOW CHARACTER SET")}


def text(charset):
    return f"CAST(b AS CHAR CHARACTER SET {charset})" if charset != "binary" else "b"


def asked(connection, charset, name):
    """What the server makes of each sequence: hex of UTF-8, with '?' for what means nothing; "-" when a column would not take it."""
    with connection.cursor() as cursor:
        cursor.execute("SET group_concat_max_len = 1000000000")
        cursor.execute(f"SELECT GROUP_CONCAT(IF(CAST(t AS BINARY) = b, HEX(CONVERT(t USING utf8mb4)), '-') ORDER BY n SEPARATOR ',') "
                       f"FROM (SELECT n, b, {text(charset)} AS t FROM {name}) AS s")  # fmt: skip
        return cursor.fetchone()[0].split(",")


def converted(charset, lines):
    done = subprocess.run([BUILD / "tests" / "harness" / "charset_tool", charset], input=lines, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"{charset}: {done.stderr.decode()}"
    return done.stdout.decode().split()


UNITS = {"ucs2": b"\0?", "utf16": b"\0?", "utf16le": b"?\0", "utf32": b"\0\0\0?"}


def question_marks(charset, sequence):
    """How often the sequence itself says '?'."""
    unit = UNITS.get(charset, b"?")
    return sum(sequence[i : i + len(unit)] == unit for i in range(0, len(sequence), len(unit)))


def has_half_pair(charset, sequence):
    if charset == "utf32":
        return 0xD800 <= int.from_bytes(sequence, "big") < 0xE000
    if charset == "ucs2":
        return any(0xD8 <= byte < 0xE0 for byte in sequence[::2])
    try:
        decoded = sequence.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return any("\ud800" <= c < "\ue000" for c in decoded)


def agree(charset, sequence, theirs, ours, is_mysql):
    """They differ as text. Both say that the sequence does not decode, or it is one of the few known differences."""
    if ours == "-":
        nothing = theirs == "-" or bytes.fromhex(theirs).count(b"?") > question_marks(charset, sequence)
        # MariaDB takes halves of surrogate pairs in UTF-8, MySQL UTF-8 in ascii. The bytes that are kept are those that they give.
        lax = (charset == "ascii" and is_mysql) or (charset.startswith("utf8") and not is_mysql and has_half_pair(charset, sequence))
        return nothing or (lax and theirs == sequence.hex().upper())
    # MySQL takes such halves in ucs2, and its conversion ends the text there; in utf32 it takes none. Ours is MariaDB's.
    return is_mysql and has_half_pair(charset, sequence) and (ours.startswith(theirs) if charset == "ucs2" else theirs == "-")


def without_cut(charset, found):
    """Of (sequence, theirs, ours) those left where theirs is not just the text up to bytes that do not decode: there MySQL's
    conversion may end it, without a '?'."""
    beginnings = [b[:n] for b, _, o in found if o == "-" for n in range(1, len(b))]
    made = dict(zip(beginnings, converted(charset, lines_of(beginnings))))
    return [(b, t, o) for b, t, o in found if o != "-" or t not in {"", *(made[b[:n]] for n in range(1, len(b)))}]


def lines_of(sequences):
    return b"".join(b.hex().encode() + b"\n" for b in sequences)


def test_every_sequence_is_converted_as_by_the_server(mariadb, sequences, capsys):
    database, made = sequences
    lines = {name: lines_of(found) for name, found in made.items()}
    compared = decoded = 0
    wrong = []
    known = charsets(mariadb)
    with contextlib.closing(mariadb.connect(database)) as connection:
        for charset, widest in known.items():
            if charset == "binary":
                continue  # not text: bytes are bytes
            for name, (least, _) in SETS.items():
                if widest < least:
                    continue
                theirs, ours = asked(connection, charset, name), converted(charset, lines[name])
                assert len(theirs) == len(ours) == len(made[name]), f"{charset}, {name}"
                compared += len(ours)
                decoded += len(ours) - ours.count("-")
                if theirs == ours:
                    continue
                found = [(b, t, o) for b, t, o in zip(made[name], theirs, ours) if t != o and not agree(charset, b, t, o, mariadb.is_mysql)]
                if mariadb.is_mysql and found:
                    found = without_cut(charset, found)
                wrong += [f"{charset} {b.hex()}: {t} by the server, {o} by us" for b, t, o in found]
    assert not wrong, f"{len(wrong)} of {compared}: " + "; ".join(wrong[:20])
    assert len(known) >= 40 and decoded > 500_000
    version = mariadb.run("SELECT VERSION()")[0][0]
    with capsys.disabled():
        print(f"{version}: {len(known) - 1} character sets, {compared} sequences, {decoded} of them decode", file=sys.stderr)


# Through a pipe


def alphabet(connection, charset, widest):
    """UTF-8 of each character that one sequence of the set decodes to, as hex; and of those, the ones that no other does too."""
    found = []
    for name in [n for n, (least, _) in SETS.items() if widest >= least and (n != "two" or widest > 1)]:
        found += [u for u in asked(connection, charset, name) if u not in ("-", "") and "3F" not in u and len(bytes.fromhex(u).decode("utf-8", "replace")) == 1]
    times = collections.Counter(found)
    return list(times), [u for u in times if times[u] == 1]


def labels(characters):
    """Of an ENUM or SET: some of those that are beyond ASCII."""
    usable = [c for c in characters if ord(c) > 0xA0 and c.isprintable() and not c.isspace() and c not in "\ufffd"]
    step = max(1, len(usable) // 12)
    return usable[::step][:12] or ["x", "y"]


def make_table(pipe, cursor, charset, all_of_them, single):
    """Keys of one character each, a text of every character, and labels of some."""
    chosen = labels([bytes.fromhex(u).decode() for u in single])
    members = ",".join(f"'{c}'" for c in chosen)
    cursor.execute(
        f"CREATE TABLE c_{charset} (k VARCHAR(9) NOT NULL, n INT, c CHAR(3), v VARCHAR(100), x MEDIUMTEXT, e ENUM({members}), s SET({members}), "
        f"PRIMARY KEY (k)) CHARACTER SET {charset} COLLATE {charset}_bin"
    )
    keys = [u for u in single if u != "20"]
    keys = keys[:: max(1, len(keys) // 200)]
    texts = ["".join(all_of_them[n : n + 90]) for n in range(0, len(all_of_them), 99)]
    count = max(len(keys), len(texts))
    rows = []
    for n in range(count):
        # Keys end with a letter: blanks of some kinds count for nothing at an end.
        key = f"{keys[n]}78" if n < len(keys) else f"{n}y".encode().hex()
        value = texts[n % len(texts)]
        rows.append(f"({utf8(key)},{n},{utf8(keys[n % len(keys)])},{utf8(value)},{utf8(value)},{1 + n % len(chosen)},{n % (1 << len(chosen))})")
    for first in range(0, count, 500):
        cursor.execute(f"INSERT INTO c_{charset} VALUES " + ",".join(rows[first : first + 500]))
    return count


def utf8(text):
    return f"_utf8mb4 x'{text}'"


def test_text_of_every_character_set_is_replicated(engine, mariadb, clickhouse, sequences):
    """By snapshot and by binlog: as keys, as values and in labels."""
    pipe = Pipe(engine, mariadb, clickhouse)
    if mariadb.is_mysql:  # for labels beyond the basic plane
        mariadb.run(f"GRANT CREATE TEMPORARY TABLES ON {pipe.source}.* TO repl@'127.0.0.1'")
    expected = 0
    tables = []
    with contextlib.closing(mariadb.connect(sequences[0])) as asking, contextlib.closing(mariadb.connect(pipe.source)) as c, c.cursor() as cursor:
        for charset, widest in charsets(mariadb).items():
            if charset == "binary":
                continue
            expected += make_table(pipe, cursor, charset, *alphabet(asking, charset, widest))
            tables.append(f"c_{charset}")
        engine.start()
        pipe.live()
        assert pipe.equal(*tables) == expected
        for table in tables:
            cursor.execute(f"INSERT INTO {table} SELECT CONCAT(k, 'z'), n + 100000, c, v, x, e, s FROM {table}")
            cursor.execute(f"UPDATE {table} SET k = CONCAT('q', k), v = REVERSE(v), e = 1 + n % 2 WHERE n < 200")
            cursor.execute(f"DELETE FROM {table} WHERE n BETWEEN 200 AND 250")
    assert pipe.equal(*tables) > expected
    assert all(table["state"] == "live" for table in pipe.status()["tables"]), engine.describe("p")
