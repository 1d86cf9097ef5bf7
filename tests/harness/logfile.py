"""A server's log as it lies on disk, decoded here and by none of sluice's code: for tables of two INT columns, and others
behind them that are NULL."""

import struct
from dataclasses import dataclass

HEADER = 19
CHECKSUM = 4
QUERY, STOP, ROTATE, FORMAT, XID, TABLE_MAP, XA_PREPARE = 2, 3, 4, 15, 16, 19, 38
GTID_MYSQL, GTID_MARIADB = 33, 162
DUMP = 0x12
NOT_WAITING = 1
FLAGS_OF_DUMP = struct.Struct("<IHI")
ROWS = {23: "insert", 24: "update", 25: "delete", 30: "insert", 31: "update", 32: "delete"}
CHECKPOINT = 161  # from which file on recovery needs them
# What says nothing of transactions: previous GTIDs, statements' texts, GTIDs before a file.
SIDE = {29, 35, 160, 163}


@dataclass
class Event:
    """`what` is a tuple: ("gtid", text, flags), ("query", text), ("rows", table, kind, ((key, value), ...)), ("xid",),
    ("prepare", one phase, xid), ("format",), ("rotate",), ("stop",), ("checkpoint", file), ("side", type)."""

    file: str
    start: int
    end: int
    what: tuple


def xid_text(format_id, gtrid, bqual):
    return f"X'{gtrid.hex()}',X'{bqual.hex()}',{format_id}"


def _gtid_mariadb(body, server):
    seq, domain, flags = struct.unpack_from("<QIB", body)
    return ("gtid", f"{domain}-{server}-{seq}", flags)


def _query(body):
    database_len, _, status_len = struct.unpack_from("<BHH", body, 8)
    return body[13 + status_len + database_len + 1 :].decode()


def _rows(kind, event_type, body):
    at = 8 + (struct.unpack_from("<H", body, 8)[0] if event_type >= 30 else 0)
    columns = body[at]
    assert columns >= 2, f"{columns} columns"
    bits = (columns + 7) // 8
    at += 1 + (2 if kind == "update" else 1) * bits
    rows = []
    while at < len(body):
        assert body[at] & 3 == 0, "no NULL"
        rows.append(struct.unpack_from("<ii", body, at + bits))
        at += bits + 8
    return tuple(rows[1::2] if kind == "update" else rows)


def _decode(event_type, server, body, tables):
    if event_type == GTID_MARIADB:
        return _gtid_mariadb(body, server)
    if event_type == GTID_MYSQL:
        h = body[1:17].hex()
        return ("gtid", f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}:{struct.unpack_from('<Q', body, 17)[0]}", 0)
    if event_type == QUERY:
        return ("query", _query(body))
    if event_type == TABLE_MAP:
        length = body[8]
        name = body[8 + 1 + length + 1 :]
        tables[body[:6]] = name[1 : 1 + name[0]].decode()
        return None
    if event_type in ROWS:
        return ("rows", tables[body[:6]], ROWS[event_type], _rows(ROWS[event_type], event_type, body))
    if event_type == XA_PREPARE:
        one_phase, format_id, gtrid, bqual = struct.unpack_from("<BIII", body)
        return ("prepare", bool(one_phase), xid_text(format_id, body[13 : 13 + gtrid], body[13 + gtrid : 13 + gtrid + bqual]))
    if event_type == CHECKPOINT:
        return ("checkpoint", body[4 : 4 + int.from_bytes(body[:4], "little")].decode())
    named = {XID: "xid", FORMAT: "format", ROTATE: "rotate", STOP: "stop"}
    if event_type in named:
        return (named[event_type],)
    assert event_type in SIDE, f"an event of type {event_type}"
    return ("side", event_type)


def read(path, start=4):
    """The whole events of a file, from `start` on; one that is cut off ends it. Its checksums must be CRC32."""
    with open(path, "rb") as f:
        f.seek(start)
        data = f.read()
    at, tables, events = 0, {}, []
    while at + HEADER <= len(data):
        _, event_type, server, length = struct.unpack_from("<IBII", data, at)
        if at + length > len(data):
            break
        what = _decode(event_type, server, data[at + HEADER : at + length - CHECKSUM], tables)
        if what:
            events.append(Event(path.name, start + at, start + at + length, what))
        at += length
    return events


def dump(server, file="", at=4, gtid=None):
    """The numbers of the transactions that a server sends who asks for its log from there on, to its end. What it refuses is
    raised."""
    numbers = []
    connection = server.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32', @mariadb_slave_capability = 4")
            if gtid is not None:
                cursor.execute("SET @slave_connect_state = %s", (gtid,))
        connection._execute_command(DUMP, FLAGS_OF_DUMP.pack(at, NOT_WAITING, 4_000_000_000) + file.encode())
        while True:
            packet = connection._read_packet()
            if packet.is_eof_packet():
                return numbers
            event = packet.get_all_data()[1:]
            _, event_type, sender, _ = struct.unpack_from("<IBII", event)
            if event_type in (GTID_MARIADB, GTID_MYSQL):
                numbers.append(_decode(event_type, sender, event[HEADER:], {})[1])
    finally:
        connection._force_close()
