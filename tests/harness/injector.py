"""A line to a server on which events are put into the log as it is read: what a server writes in rare states only, or not yet."""

import collections
import contextlib
import socket
import struct
import threading
import time
import zlib

DUMPS = (0x12, 0x1E)  # COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID
HEARTBEATS = (27, 41)
LONGEST = 0xFFFFFF  # a packet of that length goes on in the next one


class Injector:
    """Passes on to 127.0.0.1:`port` (`target` may change: for new connections), unencrypted connections only. What inject() was given is
    sent, once, where the log is idle. `heartbeats`: False, they do not pass, as if the server had not come to the end of its log."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        self.sent = []  # types
        self.heartbeats = True
        self.passed = collections.Counter()  # events of the log, by type
        threading.Thread(target=self._accept, daemon=True).start()

    def inject(self, kind, body=b"", flags=0, position=0):
        """An event that stands in no file; `position` is where it says that it ends. The server's checksums must be CRC32."""
        self.waiting.append((kind, body, flags, position))

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            line = _Line(self, client, server)
            threading.Thread(target=line.upwards, daemon=True).start()
            threading.Thread(target=line.downwards, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class _Line:
    def __init__(self, injector, client, server):
        self.injector, self.client, self.server = injector, client, server
        self.dumps = False
        self.number = None  # of the next packet of the dump: there are more than the server knows of

    def upwards(self):
        with contextlib.suppress(OSError):
            while packet := _read(self.client):
                if packet[3] == 0 and packet[4] in DUMPS and len(packet) > 5:
                    self.number = 1
                    self.dumps = True
                self.server.sendall(packet)
        self._end()

    def downwards(self):
        begins = True
        with contextlib.suppress(OSError):
            while packet := _read(self.server):
                if self.dumps:
                    kind = packet[9] if begins and len(packet) > 10 and packet[4] == 0 else None
                    if kind in HEARTBEATS and not self.injector.heartbeats:
                        continue
                    if kind in HEARTBEATS:
                        while self.injector.waiting:
                            event = self.injector.waiting.pop(0)
                            self._send(b"\0" + _event(*event))
                            self.injector.sent.append(event[0])
                    begins = len(packet) - 4 < LONGEST
                    self._send(packet[4:])
                    self.injector.passed[kind] += 1
                else:
                    self.client.sendall(packet)
        self._end()

    def _send(self, payload):
        self.client.sendall(struct.pack("<I", len(payload))[:3] + bytes([self.number & 255]) + payload)
        self.number += 1

    def _end(self):
        for s in (self.client, self.server):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)


def _read(source):
    """A packet with its header; b"" at the end."""
    head = _exactly(source, 4)
    if len(head) < 4:
        return b""
    return head + _exactly(source, int.from_bytes(head[:3], "little"))


def _exactly(source, n):
    parts = []
    while n and (part := source.recv(min(n, 1 << 20))):
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def _event(kind, body, flags, position):
    # time, type, server id, length, position (0: none), flags
    event = struct.pack("<IBIIIH", int(time.time()), kind, 1, 19 + len(body) + 4, position, flags) + body
    return event + struct.pack("<I", zlib.crc32(event))
