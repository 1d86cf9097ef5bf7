"""What stands in a server's log, as the server shows it."""

import contextlib
import re
from dataclasses import dataclass


@dataclass
class Event:
    kind: str
    length: int
    text: str

    @property
    def has_rows(self):
        return re.match("(Write|Update|Delete)_rows", self.kind) is not None


@contextlib.contextmanager
def logged(server):
    """The events that are logged in the block, after it: a list that is filled at its end. The log must not rotate."""
    file, begin = server.end_of_log()
    events = []
    yield events
    shown = server.run(f"SHOW BINLOG EVENTS IN '{file}' FROM {begin}")
    # Newer MariaDB does not tell where an event within a transaction ends, but where it begins.
    ends = [row[1] for row in shown[1:]] + [server.end_of_log()[1]]
    events += [Event(kind, end - at, text) for (_, at, kind, _, _, text), end in zip(shown, ends)]


def rows_in(events):
    return [event.kind.split("_")[0] for event in events if event.has_rows]


def statements_in(events):
    """Their texts; which database they run in and the comments of transactions are not told."""
    texts = [event.text for event in events if event.kind == "Query"]
    texts = [re.sub(r"^use `.*?`; ", "", re.sub(r" ?/\* (xid|GTID).*", "", text)) for text in texts]
    return [text for text in texts if text not in ("BEGIN", "COMMIT")]
