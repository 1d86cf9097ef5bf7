"""The table of types: a row is a column's definition, its form (forms.py), and values as SQL. To add a type is to add a row.

NULL is one more value of every row that is not `required`."""

import itertools
import random
import re
import struct
from dataclasses import dataclass

import forms as f

MARIADB = ("mariadb", "mariadb11")
MYSQL = ("mysql",)
WITH_VECTOR = ("mariadb11", "mysql")
ALL = MARIADB + MYSQL
# Of binlog_row_metadata: what a server may tell of its columns in the log.
METADATA = {"mariadb": ("FULL", "MINIMAL", "NO_LOG"), "mariadb11": ("FULL", "MINIMAL", "NO_LOG"), "mysql": ("FULL", "MINIMAL")}


@dataclass(frozen=True, eq=False)
class Type:
    sql: str  # {null}: where NULL or NOT NULL stands, at the end when not told
    form: f.Form
    values: tuple
    on: tuple = ALL
    required: bool = False
    optional: bool = False  # never NOT NULL
    generated: bool = False  # takes no value: made of the column n, the row's number
    key: bool = False  # can stand in a key of random tables; `random` is then its only values
    random: object = None  # rng -> a value, beside those above

    def definition(self, required=False):
        null = "NOT NULL" if (self.required or required) and not self.optional else "NULL"
        if self.generated:
            return self.sql
        return self.sql.format(null=null) if "{null}" in self.sql else f"{self.sql} {null}"

    def bytes(self):
        """About how many bytes of a row it takes at most, of which there are 65535."""
        size = re.match(r"(?:VAR)?(?:CHAR|BINARY)\((\d+)\)|VECTOR\((\d+)\)", self.sql)
        return 64 if not size else int(size[1] or size[2]) * (1 if "BINARY" in size[0] else 4) + 8


def rows(sqls, form, *values, **options):
    return [Type(sql, form, values, **options) for sql in sqls]


def row(sql, form, *values, **options):
    return rows([sql], form, *values, **options)


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


# Integers

def integers():
    for name, bits in (("TINYINT", 8), ("SMALLINT", 16), ("MEDIUMINT", 24), ("INT", 32), ("BIGINT", 64)):
        for unsigned in (False, True):
            low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            values = dict.fromkeys([low, high, 0, 1, 42, low + 1, high - 1, high // 2, high // 2 + 1, *([] if unsigned else [-1, -2, -42])])
            yield Type(name + (" UNSIGNED" if unsigned else ""), f.NUMBER, tuple(map(str, values)), key=True,
                       random=lambda rng, low=low, high=high: str(rng.choice((rng.randint(low, high), rng.randint(max(low, -300), min(high, 300))))))  # fmt: skip


INTEGERS = [
    *integers(),
    *row("TINYINT(3) UNSIGNED ZEROFILL", f.NUMBER, "0", "7", "255"),
    *row("INT(10) UNSIGNED ZEROFILL", f.NUMBER, "0", "7", "4294967295"),
    *row("BIGINT(20) UNSIGNED ZEROFILL", f.NUMBER, "0", "42", "9223372036854775808", "18446744073709551615"),
    *row("INT", f.NUMBER, "-2147483648", "2147483647", "0", "42", "-1", required=True),
    *rows(["TINYINT(1)", "BOOL"], f.TINYINT1, "0", "1", "-1", "2", "127", "-128", "TRUE"),
    *row("YEAR", f.NUMBER, "0", "1901", "2155", "1970", "2024", "1999", key=True, random=lambda rng: str(rng.choice((0, rng.randint(1901, 2155))))),
]  # fmt: skip


def bits(n):
    values = dict.fromkeys([0, 1, 2**n - 1, 2 ** (n - 1), 0x5A5A5A5A5A5A5A5A % 2**n, 2**n // 3])
    return Type(f"BIT({n})", f.BIT, tuple(map(str, values)), key=n in (1, 9, 64), random=lambda rng: str(rng.getrandbits(n)))


BITS = [bits(n) for n in range(1, 65)]

# Numbers with a fraction

def decimal(p, s, unsigned=False, **options):
    most, point = "9" * p, lambda digits: (digits[: p - s] or "0") + ("." + digits[p - s :] if s else "")
    mixed = "1234567890" * 7
    values = ["0", point(most), point("0" * (p - 1) + "1"), point(mixed[:p]), point("1" + "0" * (p - 1)), point("0" * (p // 2) + mixed[: p - p // 2])]
    values += [] if unsigned else ["-" + value for value in values[1:]] + ["-0"]

    def random(rng):
        digits = "".join(rng.choice("0123456789") for _ in range(p))
        zeros = rng.choice((0, 0, rng.randint(0, p)))
        return ("" if unsigned or rng.random() < 0.5 else "-") + point("0" * zeros + digits[zeros:])

    return Type(f"DECIMAL({p},{s}){' UNSIGNED' if unsigned else ''}", f.DECIMAL, tuple(values), random=random, key=p <= 30, **options)


DECIMALS = [
    *(decimal(p, s) for p, s in [(1, 0), (1, 1), (2, 1), (3, 3), (4, 0), (5, 2), (8, 7), (9, 0), (9, 9), (10, 0), (10, 5), (10, 10), (11, 9), (17, 8), (18, 0), (18, 9),
                                 (18, 18), (19, 0), (19, 10), (20, 20), (27, 9), (28, 28), (30, 30), (36, 18), (38, 0), (38, 20), (39, 0), (39, 19), (45, 30), (50, 25),
                                 (57, 28), (64, 1), (65, 0), (65, 1), (65, 29), (65, 30)]),
    *(decimal(p, s, True) for p, s in [(4, 4), (18, 9), (38, 10), (65, 30)]),
    *(decimal(p, s, on=MARIADB) for p, s in [(38, 38), (65, 38)]),  # MySQL's scale ends at 30
]  # fmt: skip


def float_random(rng):
    return repr(rng.choice((rng.uniform(-1e6, 1e6), struct.unpack("f", struct.pack("f", rng.uniform(-1, 1) * 10.0 ** rng.randint(-37, 37)))[0])))


def double_random(rng):
    return repr(rng.choice((rng.uniform(-1e6, 1e6), rng.uniform(-1, 1) * 10.0 ** rng.randint(-300, 300), float(rng.randint(-(2**53), 2**53)))))


FLOATS = [
    *row("FLOAT", f.FLOAT, "0", "3.4028234663852886e38", "-3.4028234663852886e38", "1.1754943508222875e-38", "1.401298464324817e-45", "-1.401298464324817e-45",
         "0.1", "-1.5", "16777217", "16777215", "1234567.9", "3.14159274", "1e10", "-0e0", random=float_random, key=True),
    *row("FLOAT UNSIGNED", f.FLOAT, "0", "3.4028234663852886e38", "0.3333333333333333"),
    *row("FLOAT(7,3)", f.FLOAT, "0", "1234.568", "-9999.999"),
    *row("DOUBLE", f.DOUBLE, "0", "1.7976931348623157e308", "-1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "-5e-324", "0.1", "-1.5",
         "9007199254740993", "3.141592653589793", "1e15", "1e22", "123456789012345680", "0.30000000000000004", "-0e0", random=double_random, key=True),
    *row("DOUBLE UNSIGNED", f.DOUBLE, "0", "1.7976931348623157e308", "0.3333333333333333"),
    *row("DOUBLE(20,6)", f.DOUBLE, "0", "-12345678901234.123456", "0.000001"),
]  # fmt: skip

# Dates and times

DATE_VALUES = ("'0000-00-00'", "'2024-00-15'", "'2024-02-00'", "'0000-05-05'", "'2023-02-29'", "'2023-04-31'", "'0001-01-01'", "'1000-01-01'", "'1899-12-31'",
               "'1900-01-01'", "'1969-12-31'", "'1970-01-01'", "'2000-02-29'", "'2024-02-29'", "'2038-01-20'", "'2299-12-31'", "'2300-01-01'", "'9999-12-31'")  # fmt: skip


def random_date(rng):
    return f"{rng.randint(1900, 2299)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def random_clock(rng, digits):
    fraction = "." + "".join(rng.choice("0123456789") for _ in range(digits)) if digits else ""
    return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}{fraction}"


def datetimes(n, form, **options):
    tail = "." + "987654"[:n] if n else ""
    values = [value[:-1] + " 00:00:00'" for value in DATE_VALUES]
    values += [f"'1900-01-01 00:00:00{'.' + '0' * (n - 1) + '1' if n else ''}'", f"'1969-12-31 23:59:59{tail}'", f"'1899-12-31 23:59:59{tail}'",
               f"'2024-02-29 23:59:59{tail}'", f"'2299-12-31 23:59:59{'.' + '9' * n if n else ''}'", f"'9999-12-31 23:59:59{tail}'", f"'2024-00-15 12:34:56{tail}'"]
    return Type(f"DATETIME({n})", form, tuple(values), random=lambda rng: f"'{random_date(rng)} {random_clock(rng, n)}'", **options)  # fmt: skip


def timestamps(n, form, **options):
    values = ["0", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", f"'2024-02-29 23:59:59{'.' + '123456'[:n] if n else ''}'",
              f"'2038-01-19 03:14:07{'.' + '9' * n if n else ''}'", f"'1970-01-01 00:00:01{'.' + '0' * (n - 1) + '1' if n else ''}'", "'2024-03-31 02:30:00'",
              "'2024-10-27 02:30:00'", "'2106-02-07 06:28:15'"]  # the last: MariaDB 11.5 and later
    return Type(f"TIMESTAMP({n})", form, tuple(values), random=lambda rng: f"'{rng.randint(1971, 2037)}{random_date(rng)[4:]} {random_clock(rng, n)}'", **options)  # fmt: skip


def times(n, **options):
    tail = "." + "5" + "0" * (n - 1) if n else ""
    last = "." + "0" * (n - 1) + "1" if n else ""
    nines = "." + "9" * n if n else ""
    values = ["'00:00:00'", "'838:59:59'", "'-838:59:59'", f"'838:59:58{nines}'", f"'-838:59:58{nines}'", "'12:34:56'", "'-12:34:56'", f"'-00:00:00{tail}'",
              f"'-00:00:00{last}'", f"'00:00:00{last}'", f"'-00:00:01{last}'", f"'-00:59:59{nines}'", f"'23:59:59{nines}'", "'24:00:00'", "'-100:00:00'"]
    sign = lambda rng: rng.choice(("", "", "-"))  # noqa: E731
    return Type(f"TIME({n})", f.TIME, tuple(values), key=True,
                random=lambda rng: f"'{sign(rng)}{rng.randint(0, 837)}{random_clock(rng, n)[2:]}'", **options)  # fmt: skip


TEMPORAL = [
    *row("DATE", f.DATE, *DATE_VALUES, key=True, random=lambda rng: f"'{random_date(rng)}'"),
    *row("DATE", f.DATE_REQUIRED, *DATE_VALUES, required=True),
    *(datetimes(n, f.MOMENT, key=True) for n in range(7)),
    *(datetimes(n, f.MOMENT_REQUIRED, required=True) for n in (0, 3, 6)),
    *(timestamps(n, f.MOMENT, key=True) for n in range(7)),
    *(timestamps(n, f.MOMENT_REQUIRED, required=True) for n in (0, 3, 6)),
    *(times(n) for n in range(7)),
]

# Text

SAMPLES = ("", "a", "Größe €, œuf ™", "naïve café  ", " Ключ Ґґ Ћ ", "日本語テスト 漢字 かな ｶﾅ", "한국어 시험", "繁體中文 測試 簡体", "Ελληνικά ϊ", "שלום", "العربية", "ภาษาไทย", "ქართული", "Հայերեն",
           "žluťoučký kůň", "ĄČĘĖĮŠŲŪŽ", "\U0001f42c\U0001f468‍\U0001f469 \U00020000", "back\\slash 'quote' \"double\" \\N", "tab\tnewline\ncr\r nul\0 bell\a del\x7f",
           "|{}[]~^`@#$", "¥‾~＼～−‖", "?")  # fmt: skip
LETTERS = "abz ABZ09_'\"\\%\n\0äöüßéœ€ЖяδΩ日本語한中" + "\U0001f42c"
KEY_LETTERS = "abcdefxyz0123456789_-ABCäöüéÖ"
MULTIBYTE = ("big5", "cp932", "eucjpms", "euckr", "gb18030", "gb2312", "gbk", "sjis", "ujis")
UNICODE = ("utf8mb4", "utf8mb3", "ucs2", "utf16", "utf16le", "utf32")
ONE_BYTE = ("armscii8", "ascii", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866", "dec8", "geostd8", "greek", "hebrew", "hp8", "keybcs2", "koi8r", "koi8u",
            "latin1", "latin2", "latin5", "latin7", "macce", "macroman", "swe7", "tis620")  # fmt: skip


def random_text(most, letters=LETTERS):
    return lambda rng: quoted("".join(rng.choice(letters) for _ in range(rng.choice((0, 1, rng.randint(0, most), most)))))


def every_byte(charset):
    """What a charset has for bytes from 0x80 on, as far as the server knows it, eight a value."""
    for first in range(0x80, 0x100, 8):
        yield f"CONVERT(CONVERT(_{charset} x'{bytes(range(first, first + 8)).hex()}' USING utf8mb4) USING {charset})"


def servers_with(charset):
    return MYSQL if charset == "gb18030" else ALL


def charset_rows(charset):
    values = [quoted(text) for text in SAMPLES] + (list(every_byte(charset)) if charset in ONE_BYTE and charset != "ascii" else [])
    attribute = f"CHARACTER SET {charset}"
    on = servers_with(charset)
    keyed = charset in UNICODE or charset == "latin1"
    yield Type(f"VARCHAR(40) {attribute}", f.TEXT, tuple(values), random=random_text(40, KEY_LETTERS if keyed else LETTERS), key=keyed, on=on)
    yield Type(f"CHAR(40) {attribute}", f.TEXT, tuple(values), random=random_text(40, KEY_LETTERS if keyed else LETTERS), key=keyed, on=on)
    yield Type(f"TEXT {attribute}", f.TEXT, (*values, f"REPEAT({quoted('Größe 日本 ')}, 100)"), random=random_text(300), on=on)


def any_bytes(charset):
    """Codes of all kinds, also such as the charset has no character for."""
    rng = random.Random(charset)
    if charset in ONE_BYTE:
        codes = [bytes([byte]) for byte in range(0x80, 0x100)]
    elif charset in MULTIBYTE:
        codes = [bytes([rng.randrange(0x81, 0xFF), rng.choice((rng.randrange(0x40, 0x7F), rng.randrange(0x80, 0xFF)))]) for _ in range(120)]
    else:
        codes = [rng.randbytes(4) for _ in range(40)]
        if charset == "ucs2":  # halves of pairs, which it has not, become '' in MySQL and are kept here
            codes = [code for code in codes if 0xD8 not in (code[0] & 0xF8, code[2] & 0xF8)]
    values = [f"x'{code.replace(b'?', b'!').hex()}'" for code in codes]
    return Type(f"VARCHAR(20) CHARACTER SET {charset}", f.MAYBE_TEXT, tuple(dict.fromkeys(values)), on=servers_with(charset))


def sizes(text, *counts):
    return [f"REPEAT({quoted(text)}, {count})" for count in counts]


TEXTS = [
    *itertools.chain.from_iterable(map(charset_rows, UNICODE + ONE_BYTE + MULTIBYTE)),
    *map(any_bytes, UNICODE + ONE_BYTE + MULTIBYTE),
    *row("CHAR(0)", f.TEXT, "''"),
    *row("CHAR(255)", f.TEXT, "''", *sizes("x", 1, 250, 251, 255), *sizes("é", 255), *sizes("\U0001f42c", 63, 64, 255)),
    *row("VARCHAR(63)", f.TEXT, "''", *sizes("\U0001f42c", 63), *sizes("x", 63)),
    *row("VARCHAR(64)", f.TEXT, "''", *sizes("\U0001f42c", 64), *sizes("x", 64)),
    *row("VARCHAR(300)", f.TEXT, "''", *sizes("x", 250, 251, 255, 256, 300), *sizes("日", 300), "'  both  '"),
    *row("VARCHAR(15000)", f.TEXT, "''", *sizes("\U0001f42c", 15000), *sizes("x", 15000)),
    *row("VARCHAR(20) COLLATE utf8mb4_bin", f.TEXT, "'Aa'", "'aA '", random=random_text(20), key=True),
    *row("VARCHAR(20)", f.TEXT, "''", "'ä'", "'x '", required=True),
    *row("TINYTEXT", f.TEXT, "''", *sizes("x", 1, 255), *sizes("é", 127)),
    *row("TEXT", f.TEXT, "''", *sizes("x", 255, 256, 65535), *sizes("日", 21845), random=random_text(300)),
    *row("MEDIUMTEXT", f.TEXT, "''", *sizes("x", 65535, 65536, 70000), *sizes("\U0001f42c", 20000)),
    *row("LONGTEXT", f.TEXT, "''", *sizes("long ", 60000)),
    *row("TEXT CHARACTER SET latin1", f.TEXT, *sizes("ÿ", 65535)),
    *row("VARCHAR(300) CHARACTER SET utf16", f.TEXT, *sizes("é", 300), *sizes("\U0001f42c", 300)),
    *row("JSON", f.TEXT, "'{\"b\": 1,   \"a\": [1.0, 1e5, null]}'", "'\"é\\\\u00e9\"'", "'null'", on=MARIADB),
]  # fmt: skip

# Bytes

ALL_BYTES = "x'" + bytes(range(256)).hex() + "'"


def random_bytes(most):
    return lambda rng: "x'" + (rng.randbytes(rng.choice((0, 1, rng.randint(0, most)))) + rng.choice((b"", b"\0", b"\0 "))).hex()[: most * 2] + "'"


BYTES = [
    *row("BINARY(1)", f.BYTES, "''", "x'00'", "x'FF'", "x'20'"),
    *row("BINARY(4)", f.BYTES, "''", "x'00000000'", "x'FFFFFFFF'", "x'61006200'", "x'6120'", "x'00000001'", "x'20202020'", random=random_bytes(4), key=True),
    *row("BINARY(255)", f.BYTES, "''", "x'00'", f"LEFT({ALL_BYTES}, 255)", f"RIGHT({ALL_BYTES}, 255)", "REPEAT(x'0A00', 127)"),
    *row("VARBINARY(20)", f.BYTES, "''", "x'00'", "x'6100'", "x'610020'", "x'5C4E27220A09'", "REPEAT(x'FF', 20)", "x'C3A9'", random=random_bytes(20), key=True),
    *row("VARBINARY(300)", f.BYTES, "''", ALL_BYTES, "REPEAT(x'00', 300)", random=random_bytes(300)),
    *row("VARBINARY(10)", f.BYTES, "''", "x'00'", required=True),
    *row("VARCHAR(30) CHARACTER SET binary", f.BYTES, "''", "x'FF00FE'", "'text'"),
    *row("TINYBLOB", f.BYTES, "''", "x'00'", "REPEAT(x'FF00', 127)"),
    *row("BLOB", f.BYTES, "''", "x'00'", ALL_BYTES, "REPEAT(x'FF', 65535)", random=random_bytes(400)),
    *row("MEDIUMBLOB", f.BYTES, "''", "x'0A0A'", "REPEAT(x'00FF', 40000)"),
    *row("LONGBLOB", f.BYTES, "''", "x'00'", "REPEAT(x'0001', 40000)"),
    *rows(["TEXT COMPRESSED", "VARCHAR(500) COMPRESSED", "TINYTEXT COMPRESSED"], f.TEXT, "''", "'x'", "'  ä  '", *sizes("compress me ", 20), *sizes("日", 80),
          on=MARIADB, random=random_text(60)),
    *rows(["MEDIUMTEXT COMPRESSED", "LONGTEXT COMPRESSED"], f.TEXT, "''", "'x'", *sizes("compress me ", 20000), on=MARIADB),
    *rows(["TEXT COMPRESSED CHARACTER SET latin1", "VARCHAR(500) COMPRESSED CHARACTER SET utf16"], f.TEXT, "''", "'Größe €'", *sizes("ÿ", 400), on=MARIADB,
          random=random_text(60)),
    *rows(["BLOB COMPRESSED", "VARBINARY(500) COMPRESSED", "MEDIUMBLOB COMPRESSED"], f.BYTES, "''", "x'00'", ALL_BYTES, "REPEAT(x'00', 500)", on=MARIADB,
          random=random_bytes(300)),
]  # fmt: skip

# Members

def members(n, first="m"):
    return ",".join(f"'{first}{i}'" for i in range(1, n + 1))


def enum_of(n):
    values = dict.fromkeys([0, 1, n, (n + 1) // 2, min(n, 255), min(n, 256)])
    return Type(f"ENUM({members(n)})", f.MEMBER, tuple(map(str, values)), random=lambda rng: str(rng.randint(1, n)), key=True)


def set_of(n):
    values = dict.fromkeys([0, 1, 2**n - 1, 2 ** (n - 1), 0x5555555555555555 % 2**n, 2**n // 3])
    return Type(f"SET({members(n)})", f.SET, tuple(map(str, values)), random=lambda rng: str(rng.getrandbits(n)), key=True)


ODD_LABELS = "'a', 'B', 'ünï', 'it''s', 'back\\\\slash', ' lead', '', 'dot.', '日本'"
MEMBERS = [
    *(enum_of(n) for n in (1, 2, 255, 256, 300)),
    *row(f"ENUM({ODD_LABELS}, 'with,comma', 'new\\nline')", f.MEMBER, *map(str, range(12))),
    *row("ENUM('x','y')", f.MEMBER, "'x'", "'y'", "0", required=True),
    *(set_of(n) for n in (1, 2, 8, 9, 16, 17, 24, 25, 31, 32, 33, 40, 48, 56, 63, 64)),
    *row(f"SET({ODD_LABELS})", f.SET, "0", "1", "511", "64", "65", "96", "'ünï,日本'"),
    *row("SET('x','y')", f.SET, "'x'", "'x,y'", "''", required=True),
    *itertools.chain.from_iterable(
        [*row(f"ENUM('a','{label}') CHARACTER SET {charset}", f.MEMBER, "0", "1", "2"), *row(f"SET('a','{label}','z') CHARACTER SET {charset}", f.SET, "0", "2", "7")]
        for charset, label in (("latin1", "Größe €"), ("utf8mb3", "日本"), ("ucs2", "ключ"), ("utf16", "日本"), ("utf16le", "é"), ("utf32", "日本"), ("koi8r", "ключ"), ("cp1251", "Ґ"), ("greek", "Ω"),
                               ("ascii", "b"), ("gbk", "简体"), ("gb2312", "简体"), ("big5", "繁體"), ("sjis", "テスト"), ("cp932", "テスト"), ("ujis", "漢字"), ("eucjpms", "漢字"), ("euckr", "한국"))
    ),
]  # fmt: skip

# Documents

def nested(depth):
    return quoted("[" * depth + "1" + "]" * depth)


SCALARS = ("null", "true", "false", *map(str, (0, 1, -1, 127, 128, 255, 256, 32767, 32768, -32768, -32769, 65535, 65536, 2147483647, 2147483648, -2147483648, -2147483649, 4294967295, 4294967296,
           9007199254740993, 9223372036854775807, 9223372036854775808, -9223372036854775808, 18446744073709551615)), "18446744073709551616", "1.5", "-0.0", "0.0", "3.0", "1e300",
           "-1e-300", "1e15", "1e16", "1e17", "123456789012345680000", "0.1", "0.30000000000000004", "5e-324", '""', '"a"', '"é 🐬 日本"', '"q\\" b\\\\ n\\n t\\t r\\r \\b\\f \\u0001 \\u001f \\u007f /"',
           "[]", "{}", "[[], {}]", '[1, "a", null, true, {"a": [1.0]}]')  # fmt: skip
OBJECTS = (
    '{"b": 1, "a": 2, "aa": 3, "": 4, "é": 5}',
    '{"n": {"deep": [1, {"x": "y"}, [true, false]]}, "s": "text"}',
    '{"big": 9223372036854775807, "neg": -5, "half": 0.5}',
)
DOCUMENTS = [
    *row("JSON", f.JSON, *map(quoted, SCALARS), *map(quoted, OBJECTS), on=MYSQL),
    *row("JSON", f.JSON, nested(99), "JSON_ARRAY(CAST('2024-02-29 12:34:56.789012' AS DATETIME(6)), CAST('2024-02-29' AS DATE), CAST('-12:34:56.5' AS TIME(1)), CAST('838:59:59' AS TIME))",
         "JSON_ARRAY(CAST('2024-02-29 12:34:56' AS DATETIME), TIMESTAMP('2024-02-29 01:02:03.25'), MAKETIME(-1, 2, 3.000001))",
         "JSON_ARRAY(12.50, 0.00, -0.10, CAST(1 AS DECIMAL(65,0)), 12345678901234567890123456789012345.123456789012345678901234567890, -99999.9, CAST(7 AS UNSIGNED), CAST(-7 AS SIGNED))",
         "JSON_ARRAY(x'00FF', CAST('bytes' AS BINARY), b'101', CAST(1e0 AS DOUBLE), CAST(1.1 AS FLOAT), CAST(2024 AS YEAR))", "JSON_OBJECT('d', 1.10, 't', CAST('10:00:00' AS TIME))",
         "JSON_OBJECT('wkt', ST_GeomFromText('POINT(1 2.5)'))", "CAST(REPEAT(x'FF', 200) AS JSON)", "CAST(12.30 AS JSON)", "CAST(CAST('2024-01-02' AS DATE) AS JSON)",
         "CONCAT('[', REPEAT('\"x\",', 20000), '70000, 4294967296, 1]')", "CONCAT('{\"k\": \"', REPEAT('v', 70000), '\"}')", "JSON_ARRAY(REPEAT('m', 127), REPEAT('m', 128), REPEAT('m', 16384))",
         "JSON_OBJECT(REPEAT('k', 300), 1, 'b', 2)", "JSON_ARRAY(REPEAT('é', 64))", on=MYSQL),
    *row("JSON", f.OBJECT, "'{}'", *map(quoted, OBJECTS), on=MYSQL, random=lambda rng: quoted(random_document(rng))),
]  # fmt: skip


def random_document(rng, depth=0):
    kind = rng.randrange(6 if depth < 3 else 4)
    if kind == 4:
        return "[" + ", ".join(random_document(rng, depth + 1) for _ in range(rng.randrange(5))) + "]"
    if kind == 5 or depth == 0:
        return "{" + ", ".join(f'"{rng.choice("abcdeé")}{n}": {random_document(rng, depth + 1)}' for n in range(rng.randrange(5))) + "}"
    return (str(rng.randint(-(10 ** rng.randint(1, 18)), 10 ** rng.randint(1, 18))), repr(rng.uniform(-1e9, 1e9)), '"té\\n🐬' + "x" * rng.randrange(30) + '"', "true")[kind]


POINTS = ("POINT(0 0)", "POINT(-1.5 2.25)", "POINT(1e300 -1e-300)", "POINT(0.1 0.3333333333333333)", "POINT(123456789.12345679 -180)", "POINT(1e15 100000000000000000000)")
LINES = ("LINESTRING(0 0,1 1)", "LINESTRING(0.1 0.2,1 1.5,-2 3,1e10 4)")
POLYGONS = ("POLYGON((0 0,4 0,4 4,0 4,0 0))", "POLYGON((0 0,9 0,9 9,0 9,0 0),(1 1,2 1,2 2,1 2,1 1))")
COLLECTIONS = ("GEOMETRYCOLLECTION EMPTY", "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))", "GEOMETRYCOLLECTION(POLYGON((0 0,4 0,4 4,0 4,0 0)),MULTIPOINT(1 1,2 2))")
MULTIS = {
    "MULTIPOINT": ("MULTIPOINT(1 1)", "MULTIPOINT(1 1,2.5 -2)"),
    "MULTILINESTRING": ("MULTILINESTRING((0 0,1 1))", "MULTILINESTRING((0 0,1 1),(2 2,3 3,4 4))"),
    "MULTIPOLYGON": ("MULTIPOLYGON(((0 0,4 0,4 4,0 4,0 0)))", "MULTIPOLYGON(((0 0,4 0,4 4,0 4,0 0)),((10 10,14 10,14 14,10 10),(11 11,12 11,12 12,11 11)))"),
}


def shapes(*texts):
    return [f"ST_GeomFromText('{text}')" for text in texts]


GEOMETRIES = [
    *row("GEOMETRY", f.GEOMETRY, *shapes(*POINTS[:2], *LINES, *POLYGONS[:1], *COLLECTIONS, *itertools.chain(*MULTIS.values())), "ST_GeomFromText('POINT(3 4)', 4326)"),
    *row("POINT", f.GEOMETRY, *shapes(*POINTS), random=lambda rng: f"ST_GeomFromText('POINT({rng.uniform(-180, 180)!r} {rng.uniform(-90, 90)!r})')"),
    *row("LINESTRING", f.GEOMETRY, *shapes(*LINES)),
    *row("POLYGON", f.GEOMETRY, *shapes(*POLYGONS)),
    *itertools.chain.from_iterable(row(kind, f.GEOMETRY, *shapes(*texts)) for kind, texts in MULTIS.items()),
    *row("GEOMETRYCOLLECTION", f.GEOMETRY, *shapes(*COLLECTIONS)),
    *row("POINT", f.GEOMETRY, *shapes("POINT(0 0)", "POINT(1 2)"), required=True),
    *row("POINT {null} SRID 4326", f.GEOMETRY, "ST_GeomFromText('POINT(50.5 -10.25)', 4326)", "ST_GeomFromText('POINT(0 0)', 4326)", on=MYSQL),
    *row("POINT {null} SRID 3857", f.GEOMETRY, "ST_GeomFromText('POINT(1000.5 -2000)', 3857)", on=MYSQL),
]  # fmt: skip


def vector(*numbers):
    return "x'" + struct.pack(f"<{len(numbers)}f", *numbers).hex() + "'"


VECTORS = [
    *row("VECTOR(1)", f.VECTOR, vector(0), vector(-1.5), vector(3.4028234663852886e38), on=WITH_VECTOR),
    *row("VECTOR(3)", f.VECTOR, vector(0, 0, 0), vector(1, -2.5, 0.1), vector(1e-45, -3.4e38, 1e-38), vector(-0.0, 256, 0), on=WITH_VECTOR,
         random=lambda rng: vector(*(rng.uniform(-1, 1) for _ in range(3)))),
    *row("VECTOR(3)", f.VECTOR, vector(0, 0, 0), vector(1, 2, 3), on=WITH_VECTOR, required=True),
    *row("VECTOR(1000)", f.VECTOR, vector(*([0.5, -1] * 500)), vector(*([0] * 1000)), on=WITH_VECTOR),
    *row("VECTOR(4)", f.VECTOR, vector(1), vector(1, 2), vector(1, 2, 3, 4), on=MYSQL),  # MariaDB's have their one length
]  # fmt: skip

ADDRESSES = [
    *row("UUID", f.UUID, "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'123e4567-e89b-12d3-a456-426655440000'",
         "'00000001-0000-0000-0000-000000000000'", "'550e8400-e29b-41d4-a716-446655440000'", "'01890a5d-ac96-774b-bcce-b302099a8057'", on=MARIADB, key=True,
         random=lambda rng: "'" + "-".join(rng.randbytes(n).hex() for n in (4, 2, 2, 2, 6)) + "'"),
    *row("INET6", f.INET6, "'::'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'", "'::1'", "'::ffff:192.168.1.1'", "'2001:db8::ff00:42:8329'", "'fe80::'", "'::1.2.3.4'", on=MARIADB, key=True,
         random=lambda rng: "'" + ":".join(rng.choice(("0", rng.randbytes(2).hex())) for _ in range(8)) + "'"),
    *row("INET4", f.INET4, "'0.0.0.0'", "'255.255.255.255'", "'10.0.0.0'", "'192.168.1.254'", "'0.0.0.1'", on=MARIADB, key=True,
         random=lambda rng: "'" + ".".join(str(rng.choice((0, rng.randrange(256)))) for _ in range(4)) + "'"),
    *row("UUID", f.UUID, "'123e4567-e89b-12d3-a456-426655440000'", on=MARIADB, required=True),
]  # fmt: skip

# What is in the table in another way. NULL of a generated column is made by its formula. MariaDB 11.8 leaves them out of the log's
# updates: see test_generated.py.

GENERATED = [
    Type(f"{sql} GENERATED ALWAYS AS ({formula}) {kind}", form, (), generated=True, on=("mariadb", "mysql"))
    for kind in ("VIRTUAL", "STORED")
    for sql, formula, form in (
        ("INT", "NULLIF(n * 3 - 5, 1)", f.NUMBER), ("VARCHAR(40)", "NULLIF(CONCAT('é ', n), 'é 2')", f.TEXT), ("DECIMAL(20,5)", "n / 7", f.DECIMAL),
        ("VARCHAR(40) CHARACTER SET latin1", "CONCAT('é ', n)", f.TEXT), ("VARBINARY(20)", "UNHEX(RPAD(HEX(n), 10, '0'))", f.BYTES), ("DATE", "'2020-01-01' + INTERVAL n DAY", f.DATE),
    )
]  # fmt: skip
INVISIBLE = [  # MariaDB wants a default of those that are NOT NULL
    *row("INT {null} INVISIBLE", f.NUMBER, "1", "-5", optional=True),
    *row("VARCHAR(20) CHARACTER SET latin1 {null} INVISIBLE", f.TEXT, "'Größe'", "''", optional=True),
    *row("DATETIME(3) {null} INVISIBLE", f.MOMENT, "'2024-01-01 00:00:00.123'", optional=True),
    *row("BLOB {null} INVISIBLE", f.BYTES, "x'00FF'", optional=True),
]  # fmt: skip

TYPES = [*INTEGERS, *BITS, *DECIMALS, *FLOATS, *TEMPORAL, *TEXTS, *BYTES, *MEMBERS, *DOCUMENTS, *GEOMETRIES, *VECTORS, *ADDRESSES, *GENERATED, *INVISIBLE]


def types_on(kind):
    return [t for t in TYPES if kind in t.on]
