"""How both ends are asked for a value, and what makes both answers the same Python value.

What the source answers is its own rendering: its text, its bytes in hexadecimal, its conversion to UTF-8. Where the design says that
the destination holds something else (dates that are none, or outside its range), `make` makes that of the source's answer."""

import calendar
import json
import re
import struct
from dataclasses import dataclass, field, replace
from decimal import Decimal

FIRST_YEAR, LAST_YEAR = 1900, 2299  # of Date32 and DateTime64


def same(value):
    return value


@dataclass(frozen=True, eq=False)
class Form:
    source: object  # SQL with {c} for the column; or {kind of server: SQL, None: of the others}
    destination: str
    make: object = same  # the source's answer (not NULL) as expected at the destination; None: NULL
    read: object = same  # the destination's answer (not NULL), to compare
    default: object = ""  # of NULL, with nullable=off
    null: object = None  # of NULL
    fault: object = field(default=lambda text: None)  # the counter that a value of the source adds to

    def ask(self, kind, column):
        sql = self.source if isinstance(self.source, str) else self.source.get(kind, self.source[None])
        return sql.format(c=column)


def double_bits(text):
    """-0, and neighbours that print alike, are told apart."""
    return struct.pack(">d", float(text)).hex().upper()


def float_hex(text):
    """The bytes of single floats, as the servers keep them, each as a number in hexadecimal."""
    return [text[i + 6 : i + 8] + text[i + 4 : i + 6] + text[i + 2 : i + 4] + text[i : i + 2] for i in range(0, len(text), 8)]


def bracketed(text):
    points = lambda found: "MULTIPOINT(" + ",".join(f"({point})" for point in found[1].split(",")) + ")"  # noqa: E731
    return re.sub(r"MULTIPOINT\(([^()]+)\)", points, text)


def text_fault(text):
    """Of the bytes, a space, and what the server makes of them: whether that has question marks that the bytes have not."""
    kept, converted = (bytes.fromhex(part).count(b"?") for part in text.split(" "))
    return "undecodable" if converted > kept else None


NUMBER = Form("CAST({c} + 0 AS CHAR)", "toString({c})", default="0")
TINYINT1 = replace(NUMBER)
BOOL = Form(
    "CAST({c} + 0 AS CHAR)",
    "toString({c})",
    lambda text: "false" if text == "0" else "true",
    default="false",
    fault=lambda text: None if text in ("0", "1") else "clamped",
)
BIT = Form("CAST(CAST({c} AS UNSIGNED) AS CHAR)", "toString({c})", default="0")
DECIMAL = Form("CAST({c} AS CHAR)", "toString({c})", Decimal, Decimal, default=Decimal(0))
FLOAT = Form("CAST({c} AS DOUBLE)", "leftPad(hex(reinterpretAsUInt64(toFloat64({c}))), 16, '0')", double_bits, default="0" * 16)
DOUBLE = Form("{c}", "leftPad(hex(reinterpretAsUInt64({c})), 16, '0')", double_bits, default="0" * 16)
TEXT = Form("HEX(CONVERT({c} USING utf8mb4))", "hex({c})")
# Of bytes that may be no text: what does not decode is kept as it is.
MAYBE_TEXT = Form("CONCAT(HEX({c}), ' ', HEX(CONVERT({c} USING utf8mb4)))", "hex({c})", lambda text: text.split(" ")[text_fault(text) is None],
                  fault=lambda text: text_fault(text))  # fmt: skip
MEMBER = replace(TEXT)
SET = replace(TEXT)
SET_ARRAY = replace(TEXT, destination="hex(arrayStringConcat({c}, ','))", null="")
BYTES = Form("HEX({c})", "hex({c})")
BYTES_HEX = replace(BYTES, destination="{c}")
BYTES_BASE64 = Form("HEX({c})", "hex(base64Decode({c}))")
UUID = Form("CAST({c} AS CHAR)", "toString({c})", default="00000000-0000-0000-0000-000000000000")
INET4 = Form("CAST({c} AS CHAR)", "toString({c})", default="0.0.0.0")
INET6 = Form("HEX(CAST({c} AS BINARY(16)))", "hex({c})", default="0" * 32)
VECTOR = Form("HEX({c})", "arrayMap(x -> leftPad(hex(reinterpretAsUInt32(x)), 8, '0'), {c})", float_hex, null=[], default=[])
JSON = Form("HEX(CAST({c} AS CHAR CHARACTER SET utf8mb4))", "hex({c})")
OBJECT = replace(JSON)  # documents that are objects, which ClickHouse's own type can hold
OBJECT_TYPE = Form("CAST({c} AS CHAR CHARACTER SET utf8mb4)", "toJSONString({c})", json.loads, json.loads, default={})
# In the order of the bytes that are kept: MySQL turns around what is on a globe.
# MariaDB writes MULTIPOINT(1 2,3 4), MySQL MULTIPOINT((1 2),(3 4)), as the standard has it: so does the destination, whoever the source.
GEOMETRY = Form({"mysql": "ST_AsText({c}, 'axis-order=long-lat')", None: "ST_AsText({c})"}, "{c}", bracketed)
WKB = Form({"mysql": "HEX(ST_AsBinary({c}, 'axis-order=long-lat'))", None: "HEX(ST_AsBinary({c}))"}, "hex({c})")


def six_digits(text):
    """A fraction of as many digits as the destination has."""
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<6}"


TIME = Form("CAST({c} AS CHAR)", "toString({c})", six_digits, default="00:00:00.000000")


def date_fault(text):
    """Which rule of the design a date falls under; None: it is kept."""
    year, month, day = (int(part) for part in text[:10].split("-"))
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(4 if calendar.isleap(year) else 1, month)[1]:
        return "zero_dates"
    return None if FIRST_YEAR <= year <= LAST_YEAR else "clamped"


def dates(first, last, epoch, finish, *, required=False, zero_date="null", out_of_range="clamp"):
    """required: the column is NOT NULL, so nothing becomes NULL."""

    def make(text):
        fault = date_fault(text)
        if fault is None:
            return finish(text)
        if fault == "zero_dates":
            return epoch if required or zero_date == "epoch" else None
        if out_of_range == "null" and not required:
            return None
        return first if int(text[:4]) < FIRST_YEAR else last

    return Form("CAST({c} AS CHAR)", "toString({c})", make, default=epoch, fault=date_fault)


def date(**policy):
    return dates("1900-01-01", "2299-12-31", "1970-01-01", same, **policy)


def moment(**policy):
    return dates("1900-01-01 00:00:00.000000", "2299-12-31 23:59:59.999999", "1970-01-01 00:00:00.000000", six_digits, **policy)


DATE, DATE_REQUIRED = date(), date(required=True)
MOMENT, MOMENT_REQUIRED = moment(), moment(required=True)
