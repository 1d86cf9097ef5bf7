"""The rules that guard against a loss, a double, a regress or a wedge, each with the kinds of server where it applies.

A case is a test marked `rule(NAME, …)`, here or in e2e. `./test traps` runs the cases on every kind of server and prints the rules with
what was shown where; one without a case on a kind where it applies is missing, and fails the run.
"""

from typing import NamedTuple

MARIADB = ("mariadb", "mariadb11")
MYSQL = ("mysql",)
ALL = MARIADB + MYSQL


class Rule(NamedTuple):
    name: str
    guards: str  # what goes wrong without it
    kinds: tuple = ALL


SECTIONS = {
    "Destination tables": (
        Rule("key-is-unique-and-not-null", "functional, prefix, virtual and hash keys do not tell rows apart; a key that the operator names is proven"),
        Rule("no-key-is-refused", "a table without a key cannot be replicated by key: refused, append-only is offered"),
        Rule("keys-map-one-to-one", "clamped dates, years, `''` of an ENUM, SET: two rows would become one"),
        Rule("changed-key-is-delete-and-insert", "`'a'` to `'A'` is no change to the source's collation, but another key at the destination"),
        Rule("key-charsets", "sjis and cp1252 keys: the same bytes from the load and from the log"),
        Rule("targets-are-ours-or-empty", "old rows of a target outrank new ones; another pipe's rows would be mixed in"),
        Rule("foreign-targets-are-compatible", "TTL, another ORDER BY or a cleanup let deleted rows rise again"),
    ),
    "Versions": (
        Rule("versions-are-the-same-when-read-again", "checksum off, a restart in mid-file, events of other tables: a replay would win over later changes"),
        Rule("history-is-not-rewritten", "RESET, a power loss or a restored copy hands out the same numbers for other transactions"),
        Rule("epoch-grows-with-the-server", "after a failover the new server's places are smaller than the old one's"),
        Rule("reposition-raises-the-epoch", "changes read after it would lose against those before"),
        Rule("loaded-rows-lose-against-the-stream", "a range read later would put back what a change before had replaced"),
        Rule("repaired-rows-lose-against-later-changes", "a repair would undo a change that came meanwhile"),
        Rule("position-is-64-bit", "a binlog file over 4 GiB: log_pos has 32 bits and begins anew"),
    ),
    "Transactions": (
        # MySQL 9.7 cuts its cache: with other engines, triggers into them, temporary tables and savepoints no such row reaches the log [tried].
        Rule("rolled-back-rows-are-dropped", "mixed engines and temporary tables: rows in the log that were rolled back", MARIADB),
        Rule("savepoints", "ROLLBACK TO undoes rows that stand in the log", MARIADB),
        Rule("large-transactions-end-before-the-checkpoint", "a crash in the middle of one would lose its second half"),
        Rule("xa-rows-count-at-commit", "rows of a prepared transaction may never be committed"),
        Rule("xa-prepared-before-the-load", "prepared before the load and committed after: neither the load nor the stream has the rows"),
        Rule("xa-survives-a-restart", "the COMMIT in the log has no rows"),
        Rule("create-select-is-one-group", "DDL and rows in one group: only its end event ends it"),
    ),
    "Batches": (
        Rule("memory-is-bounded", "a 300 MB row in a 256 MiB budget"),
        Rule("many-quiet-tables-wait", "200 tables with a row a second would be 200 parts a second"),
        Rule("huge-transactions-are-bounded", "a transaction of gigabytes must not be held"),
        Rule("checkpoint-after-every-insert", "a checkpoint before the last answer loses what was not inserted"),
        Rule("checkpoint-moves-without-rows", "the log that an idle pipe holds would be purged under it"),
        Rule("columns-are-named-and-not-cut", "a destination column dropped or narrowed behind our back: 5 000 000 000 becomes 705 032 704"),
        Rule("http-200-proves-nothing", "an exception after the status line"),
        Rule("tokens-double-nothing", "a crash between sealed batch, inserts and checkpoint: append-only and materialized views see each change once"),
        Rule("tokens-drop-nothing", "the same token for another reading of a range drops rows that were never inserted"),
        Rule("inserts-that-outlive-us", "an insert that was given up commits after TRUNCATE, after the exchange, after a load began again"),
    ),
    "Binlog": (
        Rule("own-server-is-proven", "behind a proxy a lagging replica answers a reader"),
        Rule("hostile-servers", "LOCAL INFILE, clear-text passwords, compressed events that claim 4 GB"),
        Rule("server-id-twice", "two readers of one id throw each other out, again and again"),
        Rule("failover-needs-our-transactions", "MySQL serves a set of transactions it never had; rows of the left server would stay"),
        Rule("places-are-behind-the-gtids", "a server that is asked by GTID tells of its file's start: what is read from there was read before", MARIADB),
        Rule("unknown-events", "an event that is not known is not passed over, but where it says so"),
        Rule("checksums-change-at-rotation", "events of one length are read as those of another"),
        Rule("definition-of-the-place-in-the-log", "information_schema shows the present, which may be several statements ahead"),
        Rule("row-image-is-full", "a session that logs MINIMAL images: columns that are not there"),
        Rule("system-versioned-history", "an UPDATE writes the old row under the same key", MARIADB),
        Rule("hidden-hash-columns", "UNIQUE on TEXT: a column in the map that is in no definition", MARIADB),
        Rule("generated-invisible-keys", "a key that SHOW CREATE does not show", MYSQL),
        Rule("one-table-fails-alone", "a fault of one table would stop the others"),
    ),
    "Snapshot": (
        Rule("visible-before-read", "a row in the log that no SELECT can see yet (semi-sync) while its table's load begins"),
        Rule("definition-around-the-begin", "an ALTER between the definition and the place where the load begins"),
        Rule("bounds-by-number-and-bytes", "ENUM, SET and collations: a range that finds nothing"),
        Rule("no-statement-stays-open", "a stalled destination while a range is read: an ALTER waits behind it, and all after that"),
        Rule("range-read-again-after-deletes", "rows deleted between two readings of a range"),
        Rule("ddl-while-loading", "ranges read by two definitions"),
        Rule("append-only-loads-at-one-place", "a change while loading is there twice"),
        Rule("snapshot-pipe-ends-at-one-place", "Completed: equal to the source at the place that is shown"),
    ),
    "DDL": (
        Rule("barrier", "a replay meets tables of the future"),
        Rule("add-column-defaults", "ADD ENUM NOT NULL, DEFAULT CURRENT_TIMESTAMP, DEFAULT (UUID()): old rows have values"),
        Rule("column-dropped-and-added", "a column dropped and added again with another type: old values under the new name"),
        Rule("rename-columns", "names swapped in one statement"),
        Rule("type-changes", "a narrower or other type fails the table before any of its rows"),
        Rule("key-changes", "widened, (a) to (a,b), dropped: another identity of rows"),
        Rule("truncate-in-stream-order", "rows before and after a TRUNCATE"),
        Rule("rows-change-without-events", "partitions truncated, dropped, exchanged; tablespaces; a session in STATEMENT format"),
        Rule("tables-dropped", "a table dropped, and made again with the same name"),
        Rule("rename-table", "gh-ost and pt-online-schema-change: another table under the old name"),
        Rule("create-or-replace", "all rows gone without an event", MARIADB),
        Rule("statements-are-recognised", "comments, versioned comments, SET STATEMENT, ANSI_QUOTES, other default database"),
        Rule("unknown-statements-fail-the-table", "a statement that is not known and may name a followed table"),
        Rule("temporary-tables", "a temporary table of the same name truncated"),
        Rule("two-phase-alter", "an ALTER that is logged twice, or rolled back", MARIADB),
        Rule("odd-names", "backslashes, backticks, quotes, escape sequences, right-to-left marks"),
    ),
    "What the log does not show": (
        Rule("cascades", "ON DELETE CASCADE and SET NULL change child rows without events"),
        Rule("filters-are-refused", "binlog-do-db, sql_log_bin=0: changes that are never logged"),
        Rule("memory-tables-are-refused", "empty after a restart, without an event"),
    ),
    "Crash safety": (
        Rule("exchange-is-proven", "an exchange done twice, or half"),
        Rule("no-insert-during-the-exchange", "an insert under way writes into the table that it began with"),
        Rule("only-marked-tables-are-dropped", "a leftover of a crash, or a user's own table of that name"),
        Rule("killed-at-every-step", "kill -9 at any moment loses nothing and doubles nothing"),
        Rule("renames-are-whole", "ClickHouse dies between a RENAME's mutation and its definition: the next merge takes the values away"),
        Rule("truncated-parts-come-back", "after a crash of ClickHouse a RENAME cannot be done again with parts that have no rows, and none after it"),
        Rule("acknowledged-is-durable", "ClickHouse acknowledges what a power loss takes away, unless the table says otherwise"),
    ),
}
RULES = {rule.name: rule for rules in SECTIONS.values() for rule in rules}
