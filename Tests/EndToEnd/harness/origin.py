"""Application servers that do what a test tells them, and remember every byte."""
import os
import select
import socket
import struct
import threading
import time

REMEMBERED = 1 << 20


def closed_port():
    """An address where nobody listens, kept reserved by the socket that is returned with it."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    return f"127.0.0.1:{s.getsockname()[1]}", s


class Gone(Exception):
    """The proxy closed the connection."""


class Exchange:
    """A request at the origin, and the means to answer it or not."""

    def __init__(self, connection, head):
        self.connection = connection
        self.raw = head
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.target = (self.line.split(" ") + [""])[:2]
        self.fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:] if line)]
        self.trailers = []
        self.body = None
        self.count = 0
        self.complete = False

    def all(self, name):
        return [v for k, v in self.fields if k.lower() == name.lower()]

    def field(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    # -- in

    def read_body(self, keep=True, piece=None):
        """Reads the body to its end; `piece(data)` sees it as it comes."""
        if self.complete:
            return self.body
        parts = []

        def got(data):
            self.count += len(data)
            if keep:
                parts.append(data)
            if piece:
                piece(data)

        length = self.field("content-length")
        if (self.field("transfer-encoding") or "").lower() == "chunked":
            self._read_chunks(got)
        elif length:
            left = int(length)
            while left:
                data = self.connection.some(min(left, 1 << 18))
                left -= len(data)
                got(data)
        self.body = b"".join(parts)
        self.complete = True
        return self.body

    def _read_chunks(self, got):
        c = self.connection
        while True:
            line = c.line()
            assert line and all(x in b"0123456789abcdefABCDEF" for x in line), f"chunk line {line!r} at the origin"
            size = int(line, 16)
            if size == 0:
                break
            while size:
                data = c.some(size)
                size -= len(data)
                got(data)
            assert c.line() == b""
        while True:
            line = c.line()
            if not line:
                return
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers.append((name, value.strip()))

    # -- out

    def send(self, data):
        self.connection.send(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def reply(self, status=200, body=b"ok", fields=(), reason="OK"):
        body = body.encode() if isinstance(body, str) else body
        head = [f"HTTP/1.1 {status} {reason}"] + [f"{k}: {v}" for k, v in fields]
        if status not in (204, 304) and not any(k.lower() in ("content-length", "transfer-encoding") for k, _ in fields):
            head.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + (b"" if self.method == "HEAD" else body))

    def close(self):
        """An orderly end, also for what reads."""
        self.connection.close()

    def reset(self):
        self.connection.reset()

    def wait_gone(self, patience=10):
        """Waits until the proxy has closed or reset this connection; False when it has not in time."""
        return self.connection.wait_gone(patience)

    def has_input(self):
        """Whether unread bytes are here now."""
        return self.connection.has_input()


class Connection:
    """A connection from the proxy."""

    def __init__(self, origin, s, number):
        self.origin, self.socket, self.number = origin, s, number
        self.received = b""
        self.total = 0
        self.exchanges = []
        self.trouble = None
        self.closed_by_peer = threading.Event()
        self._buffer = b""
        self._open = True

    def _more(self):
        try:
            data = self.socket.recv(1 << 18)
        except (ConnectionError, OSError, ValueError):
            data = b""      # a TLS socket that another thread has closed raises ValueError
        if not data:
            self.closed_by_peer.set()
            raise Gone
        self.total += len(data)
        if len(self.received) < REMEMBERED:
            self.received += data
        self._buffer += data

    def some(self, most):
        if not self._buffer:
            self._more()
        data, self._buffer = self._buffer[:most], self._buffer[most:]
        return data

    def until(self, mark):
        while mark not in self._buffer:
            self._more()
        data, _, self._buffer = self._buffer.partition(mark)
        return data

    def line(self):
        return self.until(b"\r\n")

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionError, OSError) as e:
            self.closed_by_peer.set()
            raise Gone from e

    def has_input(self):
        return bool(self._buffer) or bool(select.select([self.socket], [], [], 0)[0])

    def wait_gone(self, patience):
        end = time.monotonic() + patience
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return False
            try:
                self._more()
            except Gone:
                return True

    def close(self):
        if self._open:
            self._open = False
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.socket.close()

    def reset(self):
        if self._open:
            self._open = False
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()

    @property
    def is_open(self):
        return self._open

    def serve(self):
        try:
            if self.origin.tls:
                try:
                    self.socket = self.origin.tls.wrap_socket(self.socket, server_side=True)
                except OSError as e:
                    self.trouble = e
                    raise Gone from e
            while self._open:
                head = self.until(b"\r\n\r\n")
                x = Exchange(self, head)
                self.exchanges.append(x)
                self.origin.note(x)
                self.origin.answer_to(x)
                if self._open and not x.complete:
                    x.read_body(keep=False)
        except Gone:
            pass
        except Exception as e:  # noqa: BLE001 - a script that fails is a finding of the test, see Origin.stop
            if not self.origin.stopping:
                self.origin.errors.append(e)
        finally:
            self.close()


class Origin:
    """A server on a port of the kernel's choice. `answer(exchange)` runs for each request, on the connection's thread."""

    connection_type = Connection

    def __init__(self, answer=None, name="origin", family=socket.AF_INET, path=None, receive_buffer=None, tls=None):
        self.name = name
        self.tls = tls
        self.answer = answer
        self.health = None
        self.errors = []
        self.requests = []
        self.health_requests = 0
        self.connections = []
        self.stopping = False
        self._changed = threading.Condition()
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            self.address = f"unix:{path}"
        else:
            self.socket = socket.socket(family)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if receive_buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
            self.port = self.socket.getsockname()[1]
            self.address = f"[::1]:{self.port}" if family == socket.AF_INET6 else f"127.0.0.1:{self.port}"
        self.socket.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            if s.family != socket.AF_UNIX:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                connection = self.connection_type(self, s, len(self.connections))
                self.connections.append(connection)
                self._changed.notify_all()
            threading.Thread(target=connection.serve, daemon=True).start()

    def note(self, x):
        with self._changed:
            if self.health is not None and x.target.startswith("/healthz"):
                self.health_requests += 1
            else:
                self.requests.append(x)
            self._changed.notify_all()

    def answer_to(self, x):
        if self.health is not None and x.target.startswith("/healthz"):
            x.reply(200 if self.health else 500)
        elif self.answer:
            self.answer(x)
        else:
            x.read_body()
            x.reply(200, self.name)

    def wait(self, count, patience=15):
        """Waits for `count` requests; returns the last of them."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, patience):
                raise AssertionError(f"{self.name} got {len(self.requests)} requests, {count} were due")
            return self.requests[count - 1]

    def wait_health(self, count, patience=15):
        with self._changed:
            if not self._changed.wait_for(lambda: self.health_requests >= count, patience):
                raise AssertionError(f"{self.name} got {self.health_requests} checks, {count} were due")

    @property
    def last(self):
        return self.requests[-1]

    @property
    def received(self):
        """All bytes of all connections (the first MiB of each)."""
        return b"".join(c.received for c in self.connections)

    @property
    def used_connections(self):
        """Connections that carried a request of a client."""
        return [c for c in self.connections if any(x in self.requests for x in c.exchanges)]

    def drop_connections(self):
        for c in list(self.connections):
            c.close()

    def stop(self):
        self.stopping = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        self.drop_connections()
        if getattr(self, "address", "").startswith("unix:"):
            try:
                os.unlink(self.address[5:])
            except OSError:
                pass
