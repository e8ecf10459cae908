"""A client that sends exactly the bytes it is given and reads answers strictly."""
import json
import select
import socket
import struct

CRLF = b"\r\n"


class Response:
    """One answer, as it came."""

    def __init__(self, line, fields):
        self.line = line
        self.version, status, self.reason = (line.split(" ", 2) + [""])[:3]
        self.status = int(status)
        self.fields = fields
        self.trailers = []
        self.body = b""
        self.chunks = []
        self.framing = "none"

    def all(self, name):
        return [v for k, v in self.fields if k.lower() == name.lower()]

    def field(self, name):
        """The one value of a field; absent is None, two of them are an error."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of an answer that the proxy made itself."""
        kind = self.field("content-type") or ""
        assert kind.startswith("application/problem+json"), f"not a problem: {self!r}"
        return self.json["code"]

    @property
    def closes(self):
        """Whether the connection ends with this answer."""
        return (self.field("connection") or "").lower() == "close"

    def cookie(self, name):
        """The value of the cookie `name` that this answer sets."""
        for value in self.all("set-cookie"):
            if value.startswith(name + "="):
                return value.split(";")[0][len(name) + 1:]
        return None

    def __repr__(self):
        return f"{self.line} {self.fields} {self.body[:300]!r}"


def dial(address, timeout):
    """A socket connected to `127.0.0.1:80`, `[::1]:80` or `unix:/path`."""
    if address.startswith("unix:"):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(timeout)
        s.connect(address[5:])
        return s
    host, _, port = address.rpartition(":")
    s = socket.create_connection((host.strip("[]"), int(port)), timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


class Client:
    """A connection."""

    def __init__(self, address, timeout=10, receive_buffer=None, tls=None, name="acme.example", session=None):
        self.socket = None
        if receive_buffer:
            host, _, port = address.rpartition(":")
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.settimeout(timeout)
            self.socket.connect((host, int(port)))
        else:
            self.socket = dial(address, timeout)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name, session=session, suppress_ragged_eofs=False)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- out

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def request(self, method="GET", target="/", host="acme.example", fields=(), body=None, version="HTTP/1.1"):
        """Sends a request; `body` brings its Content-Length along."""
        lines = [f"{method} {target} {version}"]
        if host is not None:
            lines.append(f"Host: {host}")
        lines += [f"{k}: {v}" for k, v in fields]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join(lines).encode("latin-1") + CRLF + CRLF + (body or b""))

    def get(self, target="/", **keywords):
        """A GET and its final answer."""
        return self.request("GET", target, **keywords).final()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # -- in

    def more(self):
        """Reads what is there; False at the end of the stream."""
        data = self.socket.recv(1 << 18)
        self.buffer += data
        return bool(data)

    def take(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise EOFError(f"closed {count - len(self.buffer)} bytes too early; got {self.buffer[:300]!r}")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def line(self):
        while CRLF not in self.buffer:
            if not self.more():
                raise EOFError(f"closed in a line; got {self.buffer[:300]!r}")
        line, _, self.buffer = self.buffer.partition(CRLF)
        assert b"\n" not in line and b"\r" not in line, f"a bare line end in {line!r}"
        return line.decode("latin-1")

    def field_lines(self):
        fields = []
        while True:
            line = self.line()
            if not line:
                return fields
            name, colon, value = line.partition(":")
            assert colon and name and name == name.strip(), f"not a field: {line!r}"
            fields.append((name, value.strip()))

    def head(self):
        line = self.line()
        return Response(line, self.field_lines())

    def response(self, method="GET"):
        """One whole answer, interim ones included. Raises EOFError when it breaks off."""
        r = self.head()
        if method == "HEAD" or r.status < 200 or r.status in (204, 304):
            return r
        coding, length = r.field("transfer-encoding"), r.field("content-length")
        assert coding is None or length is None, f"both lengths: {r!r}"
        if coding is not None:
            assert coding.lower() == "chunked", coding
            r.framing = "chunked"
            self._chunks(r)
        elif length is not None:
            r.framing = "length"
            r.body = self.take(int(length))
        else:
            r.framing = "close"
            r.body = self.rest()
        return r

    def chunk(self):
        """One chunk of a body; empty for the last one, whose trailers are still to be read."""
        size = self.line()
        assert all(c in "0123456789abcdefABCDEF" for c in size) and size, f"chunk size {size!r}"
        count = int(size, 16)
        if count == 0:
            return b""
        data = self.take(count)
        assert self.take(2) == CRLF
        return data

    def _chunks(self, r):
        parts = []
        while True:
            data = self.chunk()
            if not data:
                break
            parts.append(data)
        r.chunks, r.body, r.trailers = parts, b"".join(parts), self.field_lines()

    def final(self, method="GET"):
        """The next answer that is not an interim one."""
        while True:
            r = self.response(method)
            if r.status >= 200:
                return r

    def rest(self):
        """Everything up to a clean end of the stream."""
        while self.more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def is_closed_now(self):
        """Whether the other side has closed already; does not wait."""
        if self.buffer or not select.select([self.socket], [], [], 0)[0]:
            return False
        return self.is_closed()

    def is_closed(self):
        """Waits for the other side to close; False when it says something instead, an error when it does nothing."""
        if self.buffer:
            return False
        try:
            return not self.more()
        except ConnectionError:
            return True


def exchange(address, data, method="GET"):
    """Sends bytes on a new connection and reads one final answer."""
    with Client(address) as c:
        return c.send(data).final(method)


def get(address, target="/", **keywords):
    """A GET on a new connection."""
    with Client(address) as c:
        return c.get(target, **keywords)
