"""Binlog files that nobody here wrote: what the servers' own test suites come with (tests/servers/testdata), of servers from 3.23 on.

Each is read whole, value by value, and compared with what the servers' programs print of it; or it is refused for the reason that
stands here. A file that is not listed fails.
"""

import collections
import datetime
import decimal
import functools
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import zlib

import pytest
from harness.mariadb import MariaDB

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpus_tables  # noqa: E402

TESTS = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", TESTS.parent / "build"))
PROGRAM = BUILD / "tests/fuzz/binlog_file"

ANCIENT = "a binlog format other than version 4"
EARLY_51 = "a version of MySQL 5.1 before 5.1.23"
GOOGLE = "events have headers of another length"

Expected = collections.namedtuple("Expected", "error events rows refused programs")


def read(events, rows=0, refused=0, *, by):
    """Read to the end: so many events, rows at the destination, and tables that failed for parts of rows. `by`: the programs that read it too."""
    return Expected(None, events, rows, refused, by)


def error(message, events=0, rows=0, *, by=()):
    """The stream ends there, after so many events."""
    return Expected(message, events, rows, 0, by)


PARTS = "the log holds parts of rows only"
FILES = {
    "std_data/binlog-header.binlog": read(1, by=("mariadb", "mysql")),
    "std_data/binlog_before_20574.bin": error("the rest of the file is encrypted", 2),
    "std_data/binlog_invalid_row_v2_tag.001": read(4, by=()),  # three rows events of no table, without rows: the program leaves them out
    "std_data/binlog_savepoint.000001": read(12, by=("mariadb", "mysql")),
    "std_data/binlog_transaction.000001": read(20, by=("mariadb", "mysql")),
    "std_data/bug11747416_32228_binlog.000001": error("the file is cut short within an event, at 316", 4, by=("mariadb", "mysql")),
    "std_data/bug16266.000001": read(6, by=("mariadb", "mysql")),
    "std_data/bug33029-slave-relay-bin.000001": read(43, by=("mariadb", "mysql")),
    "std_data/bug40482-bin.000001": error("an INCIDENT event", 2),
    "std_data/bug47142_master-bin.000001": error(ANCIENT),
    "std_data/corrupt-relay-bin.000624": error("a query event of 152 bytes is cut short", 873),
    "std_data/mariadb-5.5-binlog.000001": read(13, by=("mariadb", "mysql")),
    "std_data/master-bin.000001": error(ANCIENT),
    "std_data/mdev-39404-binlog.000001": error("an event's checksum does not match", 1, by=()),
    "std_data/mdev-4645-binlog_checksum.binlog": error(GOOGLE),
    "std_data/mdev-4645-binlog_group_id.binlog": error(GOOGLE),
    "std_data/mdev-4645-binlog_group_id_checksum.binlog": error(GOOGLE),
    "std_data/mdev-4645-binlog_none.binlog": read(4, by=("mariadb", "mysql")),
    "std_data/mdev29078-mysql-bin.000001": read(12, by=("mariadb",)),
    "std_data/mdev35643_mysql_80_binlog.000001": read(242, 106, by=("mysql",)),
    "std_data/mdev6020-mysql-bin.000001": read(7754, 8006, by=("mariadb",)),
    "std_data/rpl/master-bin-seq_10.3.36.000001": read(17, 2, by=("mariadb",)),
    "std_data/rpl/mysql-5.7.11-stm-temporal-round-binlog.000001": read(8, by=("mysql",)),
    "std_data/rpl/mysql-8.0.13-stm-temporal-round-binlog.000001": read(13, by=("mysql",)),
    "std_data/trunc_binlog.000001": error(ANCIENT),
    "suite/binlog/std_data/binlog_old_version_4_1.000001": error(ANCIENT),
    "suite/binlog/std_data/bug32407.001": error(EARLY_51),
    "suite/binlog/std_data/invalid_row_v2_tag.001": read(4, by=()),
    "suite/binlog/std_data/update-full-row.binlog": read(10, 6, 1, by=("mariadb",)),
    "suite/binlog/std_data/update-partial-row.binlog": read(10, 5, 1, by=("mariadb",)),
    "suite/binlog/std_data/ver_5_1-telco.001": error(EARLY_51),
    "suite/binlog/std_data/ver_5_1_17.001": error(EARLY_51),
    "suite/binlog/std_data/ver_5_1_23.001": read(24, 7, by=("mariadb",)),
    "suite/binlog/std_data/ver_trunk_row_v2.001": read(40, 7, by=("mariadb", "mysql")),
    "suite/binlog/std_data/write-full-row.binlog": read(9, 6, 1, by=("mariadb",)),
    "suite/binlog/std_data/write-partial-row.binlog": read(10, 5, 1, by=("mariadb",)),
}


# ---- what there is ----


@functools.cache
def fetched():
    """(kind, version, path) of all that tests/servers/testdata brings; fails with its reason when something cannot be had."""
    out = subprocess.run([TESTS / "servers/testdata"], capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
    return [line.split("\t") for line in out.stdout.splitlines()]


def folders():
    return [pathlib.Path(path) for kind, _version, path in fetched() if kind == "data"]


def find(name):
    """Of the newest suite that has it: it is the same in all, see test_all_are_listed."""
    found = [folder / name for folder in folders() if (folder / name).exists()]
    if not found:
        pytest.skip("no suite has it any more")
    return found[-1]


@functools.cache
def command(program):
    """mariadb-binlog as it is; MySQL's is run by its own loader, and is not there when MySQL could not be fetched."""
    if program == "mariadb":
        return [path for kind, _version, path in fetched() if kind == "program"]
    script = f'. "{TESTS}/servers/unpacked.sh"; unpacked_fetch mysql && unpacked_loader "$unpacked_root" && printf "%s\\n" "${{run[@]}}" "$unpacked_root/usr/bin/mysqlbinlog"'
    out = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    return out.stdout.splitlines() if out.returncode == 0 else None


# ---- ours ----


class Event:
    def __init__(self, kind):
        self.kind = kind
        self.rows = []  # ours: (table, kind, values); theirs: (table, kind, before, after)
        self.refused = None  # (table, message)
        self.statement = self.gtid = None


KINDS = {
    2: "query", 3: "stop", 4: "rotate", 5: "intvar", 9: "append_block", 13: "rand", 14: "user_var", 15: "start", 16: "xid",
    17: "begin_load_query", 18: "execute_load_query", 19: "table_map", 23: "write", 24: "update", 25: "delete", 30: "write", 31: "update",
    32: "delete", 39: "update", 33: "gtid", 34: "gtid", 35: "previous_gtids", 29: "rows_query", 38: "xa_prepare", 42: "gtid", 40: "payload", 160: "annotate_rows", 161: "checkpoint", 162: "gtid",
    163: "gtid_list",
}  # fmt: skip


def our_lines(*arguments):
    out = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, env={**os.environ, "G_SLICE": "always-malloc"}, timeout=60)
    assert out.returncode in (0, 1) and not out.stderr, out.stderr
    return out.stdout.splitlines()


def our_events(path):
    """Events, and the message that ends them or None."""
    events = []
    for line in our_lines(path):
        what, *fields = line.split("\t")
        if what == "event":
            events.append(Event(KINDS.get(int(fields[0]), fields[0])))
        elif what == "row":
            events[-1].rows.append((fields[0], fields[1], fields[2:]))
        elif what == "refused":
            events[-1].refused = tuple(fields)
        elif what == "statement":
            events[-1].statement = bytes.fromhex(fields[2])
        elif what == "gtid":
            events[-1].gtid = fields[0]
    what, *fields = line.split("\t")
    assert what in ("end", "error")
    return events, fields[0] if fields else None


# ---- theirs ----

HEADER = re.compile(rb"^#\d{6} [ \d]\d:\d\d:\d\d server id \d+  end_log_pos \d+(?: CRC32 0x[0-9a-f]+)?\s+(.*)$")
UNKNOWN = b"!! Don't know how to handle column type=255"  # MySQL's program ends an event at a GEOMETRY
VALUE = re.compile(rb"^###   @(\d+)=(.*?)(?: /\* (.*) \*/)?$", re.DOTALL)
WORDS = [
    (b"Start: binlog", "start"), (b"Query", "query"), (b"Xid", "xid"), (b"Table_map", "table_map"), (b"Write_rows", "write"),
    (b"Update_rows", "update"), (b"Delete_rows", "delete"), (b"Anonymous_GTID", "gtid"), (b"GTID", "gtid"), (b"Previous-GTIDs", "previous_gtids"),
    (b"Gtid list", "gtid_list"), (b"Binlog checkpoint", "checkpoint"), (b"Annotate_rows", "annotate_rows"), (b"Rotate", "rotate"),
    (b"Intvar", "intvar"), (b"Rand", "rand"), (b"User_var", "user_var"), (b"Stop", "stop"), (b"Begin_load_query", "begin_load_query"),
    (b"Append_block", "append_block"), (b"Execute_load_query", "execute_load_query"), (b"Transaction_Payload", "payload"),
    (b"XID = ", "xa_prepare"), (b"XA PREPARE", "xa_prepare"), (b"Write_compressed_rows", "write"), (b"Update_compressed_rows", "update"),
    (b"Delete_compressed_rows", "delete"), (b"Rows_query", "rows_query"),
]  # fmt: skip


def kind_of(text):
    """None: the next line tells."""
    if not text:
        return None
    kinds = [kind for word, kind in WORDS if text.startswith(word)]
    assert kinds, f"an event that is not known here: {text}"
    return kinds[0]


def their_events(program, path):
    """What a program of the servers prints: events whose rows have images of column -> (text, type)."""
    out = subprocess.run([*command(program), "--no-defaults", "--base64-output=decode-rows", "-vv", path], capture_output=True, check=False)
    events, side = [], None
    for line in out.stdout.split(b"\n"):
        header = HEADER.match(line)
        if header:
            events.append(Event(kind_of(header[1])))
            events[-1].text = b""
            if events[-1].kind == "gtid" and program == "mariadb":
                events[-1].gtid = header[1].split()[1].decode()
        elif events and events[-1].kind is None:
            events[-1].kind = kind_of(line[1:])
            assert events[-1].kind, line
        elif re.match(rb"^### (INSERT INTO|UPDATE|DELETE FROM) ", line):
            events[-1].rows.append((line.split(b"`")[-2].decode(), line.split()[1].decode().lower(), {}, {}))
        elif line in (b"### WHERE", b"### SET"):
            side = 1 if line == b"### WHERE" else 2
        elif VALUE.match(line) and events[-1].rows:
            number, text, kind = VALUE.match(line).groups()
            events[-1].rows[-1][1 + side][int(number)] = (text, (kind or b"").decode())
        elif events:
            events[-1].text += line + b"\n"
    return events


# ---- values ----


def unquote(text):
    """Control characters are \\x1f. MySQL puts a backslash before quotes and backslashes, MariaDB does not; an input of ours has both."""
    assert text[:1] == text[-1:] == b"'", text
    inner = re.sub(rb"\\x([01][0-9a-f])", lambda m: bytes.fromhex(m[1].decode()), text[1:-1])
    return inner, re.sub(rb"\\(['\\])", rb"\1", inner)


def inflate(data):
    """A value of a COMPRESSED column."""
    if not data or not data[0]:
        return data[1:]
    return zlib.decompress(data[1 + (data[0] & 7) :], -zlib.MAX_WBITS if data[0] & 8 else zlib.MAX_WBITS)


def seconds(text):
    """What a timestamp in UTC is as a number."""
    if text.startswith("0000"):
        return decimal.Decimal(0)
    whole, _, fraction = text.partition(".")
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) + decimal.Decimal(f"0.{fraction or 0}")


def bits(text):
    """Labels of a derived SET are the numbers of its members."""
    return sum(1 << (int(label) - 1) for label in text.split(",") if label)


def same_json(ours, theirs):
    """MySQL's program shows a string as it is, and changes as a call of a function; what it cannot show says so."""
    ours = json.loads(ours)
    if isinstance(theirs, dict):
        return ours == theirs
    if theirs.startswith((b"JSON_", b"@")):
        return True
    text = unquote(theirs)[1].decode()
    return ours == text if isinstance(ours, str) else ours == json.loads(text)


def same_vector(ours, theirs):
    """Five digits behind the point are shown."""
    numbers = [number for (number,) in struct.iter_unpack("<f", bytes.fromhex(ours[1:]))]
    return [f"{number:.5e}" for number in numbers] == theirs.decode().strip("[]").split(",")


def same(ours, theirs, kind):
    """Whether a value of ours (see binlog_file.c) is what the program printed for the type."""
    if theirs == b"NULL" or ours == "NULL":
        return theirs == b"NULL" and ours == ("x" if kind.startswith("VECTOR") else "NULL")  # no array is NULL in ClickHouse
    if re.match("VECTOR", kind):
        return same_vector(ours, theirs)
    text = bytes.fromhex(ours[1:]).decode("latin1") if ours[0] == "x" else ours
    if re.match("JSON", kind) or theirs.startswith(b"JSON_"):
        return same_json(bytes.fromhex(ours[1:]), theirs)
    word = theirs.decode("latin1")
    if re.match("TINYINT|SHORTINT|MEDIUMINT|INT|LONGINT", kind):
        return text in re.findall(r"-?\d+", word)
    if re.match("YEAR", kind):  # the year 0 is shown as 1900 by MariaDB's program
        return int(text) == int(word) or (text, word) == ("0", "1900")
    if re.match("DECIMAL", kind):
        return decimal.Decimal(text) == decimal.Decimal(word)
    if re.match("FLOAT", kind):
        return float(f"{float(text):.6g}") == float(word)
    if re.match("DOUBLE", kind):
        return float(text) == float(word)
    if re.match("BIT", kind):
        return int(text) == int(word[2:-1], 2)
    if re.match("ENUM", kind):
        return int(text) == int(word)
    if re.match("SET", kind):
        return bits(text) == int(word[2:-1], 2)
    if re.match("TIMESTAMP", kind):
        return seconds(text) == decimal.Decimal(word)
    if re.match("DATETIME|TIME", kind):
        return text == word.strip("'")
    if re.match("DATE", kind):
        return text == word.strip("'").replace(":", "-")
    plain, value = unquote(theirs), bytes.fromhex(ours[1:])
    if "compressed" in kind.lower():
        return value in [inflate(p) for p in plain]
    if re.match("STRING", kind):  # derived as BINARY, whose zero bytes are put back
        return value.rstrip(b"\0") in [p.rstrip(b"\0") for p in plain]
    if re.match("GEOMETRY", kind):  # without the SRID
        return value in [p[4:] for p in plain]
    assert re.match("VARSTRING|TINYBLOB|BLOB|MEDIUMBLOB|LONGBLOB", kind), f"a type that is not known here: {kind}"
    return value in plain


def replaced(image, before):
    """What JSON_REPLACE of one member makes of the document before."""
    for number, (text, kind) in list(image.items()):
        change = re.fullmatch(rb"JSON_REPLACE\(@(\d+), '\$\.(\w+)', ('.*')\)", text)
        if change:
            document = json.loads(unquote(before[int(change[1])][0])[1])
            image[number] = ({**document, change[2].decode(): unquote(change[3])[1].decode()}, kind)
    return image


def compare_image(values, image, what):
    assert len(values) == len(image), what
    for number, ours in enumerate(values, 1):
        if ours != "-":
            assert same(ours, *image[number]), f"{what}, column {number}: {ours} for {image[number]}"


def compare_rows(ours, theirs, what, failed):
    """Of one table. An update that changes the key is a delete of the old one, and a row. Of a table that failed the first rows."""
    ours = iter(ours)
    for number, (kind, before, after) in enumerate(theirs):
        row, values = next(ours, (None, None))
        if row is None:
            assert failed, f"{what}: only {number} of {len(theirs)} rows"
            return
        where = f"{what}, row {number}, {kind}"
        if kind == "update" and row == "delete":
            compare_image(values, before, where)
            assert any(values[n - 1] != "-" and before[n] != after[n] for n in before), f"{where}: a delete although the key is the same"
            row, values = next(ours)
        assert row == kind, where
        compare_image(values, before if kind == "delete" else replaced(after, before), where)
    assert next(ours, None) is None and not failed, f"{what}: more rows than there are"


def by_table(events):
    tables = {}
    for event in events:
        for table, *row in event.rows:
            tables.setdefault(table, []).append(row)
    return tables


def compare(ours, theirs, program):
    assert collections.Counter(e.kind for e in ours) == collections.Counter(e.kind for e in theirs), program
    assert [e.kind for e in ours] == [e.kind for e in theirs], program
    for number, (our, their) in enumerate(zip(ours, theirs)):
        what = f"{program}, event {number}, {our.kind}"
        if our.statement is not None and our.kind == "query":
            assert our.statement.strip() in their.text, what
        if their.gtid:
            assert our.gtid == their.gtid, what
    # Rows of a statement's events are printed after the last of them, so not event by event.
    failed = {e.refused[0] for e in ours if e.refused}
    our_rows, their_rows = by_table(ours), by_table(theirs)
    assert our_rows.keys() | failed == their_rows.keys()
    for table, rows in their_rows.items():
        if not any(text.startswith(UNKNOWN) for _, *images in rows for image in images for text, _kind in image.values()):
            compare_rows(our_rows.get(table, []), rows, f"{program}, {table}", table in failed)


# ---- tests ----


def test_all_are_listed():
    found = {}
    for folder in folders():
        for path in folder.rglob("*"):
            if path.is_file():
                found.setdefault(str(path.relative_to(folder)), set()).add(path.read_bytes())
    assert set(found) <= set(FILES), "files that are new: say what is expected of them"
    assert len(found) >= 20
    assert all(len(forms) == 1 for forms in found.values()), "a file differs between the suites: have both read"


@pytest.mark.parametrize("name", sorted(FILES))
def test_file(name):
    expected, path = FILES[name], find(name)
    ours, message = our_events(path)
    rows, refused = sum(len(e.rows) for e in ours), [e.refused for e in ours if e.refused]
    assert message is None if expected.error is None else expected.error in (message or ""), message
    assert (len(ours), rows, len(refused)) == (expected.events, expected.rows, expected.refused), (ours and ours[-1].kind, refused)
    assert all(PARTS in text for _table, text in refused)
    for program in expected.programs:
        if not command(program):
            pytest.skip("mysqlbinlog could not be fetched to compare with")
        compare(ours, their_events(program, path), program)


# What the servers of today are to write is not a file of somebody else's, but has every type, compared in the same way.
@pytest.mark.parametrize("kind", ["mariadb", "mariadb11", "mysql"])
def test_written_today(kind, folder):
    program = "mysql" if kind == "mysql" else "mariadb"
    if kind != "mariadb" and subprocess.run([TESTS / "servers/fetch", kind], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{kind} could not be fetched")
    if not command(program):
        pytest.skip("mysqlbinlog could not be fetched to compare with")
    with MariaDB(folder / "server", kind=kind) as server:
        logs = corpus_tables.write_logs(server)
    events = rows = 0
    for path in logs:
        ours, message = our_events(path)
        assert message is None
        compare(ours, their_events(program, path), program)
        events += len(ours)
        rows += sum(len(event.rows) for event in ours)
    assert events > 1000 and rows > 150, (events, rows)


# Those that a server sends as they are: no relay logs, nothing that it finds fault with itself; of MySQL those without GTIDs, for it is MariaDB.
SERVED = """std_data/binlog_transaction.000001 std_data/bug16266.000001 std_data/mariadb-5.5-binlog.000001 std_data/mdev-4645-binlog_none.binlog
std_data/mdev29078-mysql-bin.000001 std_data/mdev6020-mysql-bin.000001 std_data/rpl/master-bin-seq_10.3.36.000001 suite/binlog/std_data/invalid_row_v2_tag.001
suite/binlog/std_data/update-full-row.binlog suite/binlog/std_data/update-partial-row.binlog suite/binlog/std_data/ver_5_1_23.001
suite/binlog/std_data/ver_trunk_row_v2.001 suite/binlog/std_data/write-full-row.binlog suite/binlog/std_data/write-partial-row.binlog
suite/binlog/std_data/ver_5_1_17.001 std_data/mdev-39404-binlog.000001""".split()


def test_served(folder):
    """What a server of today sends of such files, which outlive upgrades, is what stands in them."""
    server = MariaDB(folder / "server").start()
    server.stop()
    data = folder / "server/data"
    for path in data.glob("bin.*"):
        path.unlink()
    names = {}
    for number, name in enumerate(SERVED, 1):
        there = [f / name for f in folders() if (f / name).exists()]
        if there:
            names[f"bin.{number:06}"] = there[-1]
            (data / f"bin.{number:06}").write_bytes(there[-1].read_bytes())
    assert len(names) >= 10
    (data / "bin.index").write_text("".join(f"./{name}\n" for name in names))
    with server:
        for name, path in names.items():
            rotate, *sent = our_lines(server.url, name)
            _version, *file = our_lines(path)
            assert rotate == "event\t4", "the server names the file first"
            # It keeps ANNOTATE_ROWS to itself, and positions are told by the file's name.
            file = [line.replace("error\tfile,", f"error\t{name},") for line in file if line != "event\t160"]
            assert sent == file, path
