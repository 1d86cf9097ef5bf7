"""A TCP proxy whose line can be cut, or go silent, in the middle of anything."""

import contextlib
import socket
import threading


def no_log(data):
    """Of a proxy to a source (on_request): who asks for its log is cut off."""
    if data[3:5] in (b"\0\x12", b"\0\x1e"):  # COM_BINLOG_DUMP, by place and by GTID
        raise ConnectionAbortedError


class Proxy:
    """Passes on to 127.0.0.1:`port`. cut(): all connections break. refuse(): new ones are closed at once. silence(): they
    stay, and nothing passes any more. cut_after(n): the next connection that carries n bytes to the server is cut there.
    on_request: is called with what goes to the server, before it goes. `target` may change: for new connections."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs = []
        self.open = threading.Event()
        self.open.set()
        self.refusing = False
        self.limit = None
        self.cuts = 0
        self.on_request = None
        self.held = 0  # chunks for the server that do not pass while the line is silent
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            with self.lock:
                self.pairs.append(pair)
            passing = [threading.Thread(target=self._pass, args=(*ends, pair, ends == pair), daemon=True) for ends in (pair, pair[::-1])]
            for thread in passing:
                thread.start()
            threading.Thread(target=self._close, args=(pair, passing), daemon=True).start()

    def _pass(self, source, goal, pair, upwards):
        carried = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.held += upwards and not self.open.is_set()
                self.open.wait()
                carried += len(data)
                if upwards and self.on_request:
                    self.on_request(data)
                if upwards:  # the endpoint takes requests for its own address only
                    data = data.replace(b"\r\nHost: 127.0.0.1:%d\r\n" % self.port, b"\r\nHost: 127.0.0.1:%d\r\n" % self.target)
                if upwards and self.limit is not None and carried > self.limit:
                    self.limit = None
                    self.cuts += 1
                    break
                goal.sendall(data)
        self._end(pair)

    def _end(self, pair):
        with self.lock:
            if pair in self.pairs:
                self.pairs.remove(pair)
        for s in pair:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def _close(self, pair, passing):
        """Only when nobody is in it any more: a new connection may get the number of one that is closed, and its bytes be taken."""
        for thread in passing:
            thread.join()
        for s in pair:
            s.close()

    def cut(self):
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            self._end(pair)

    def refuse(self, refusing=True):
        self.refusing = refusing
        if refusing:
            self.cut()

    def silence(self, silent=True):
        if silent:
            self.held = 0
            self.open.clear()
        else:
            self.open.set()

    def cut_after(self, count):
        self.limit = count

    def close(self):
        self.listener.close()
        self.open.set()
        self.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
