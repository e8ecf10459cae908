"""A client of HTTP/2 that sends exactly the frames it is told to, and reads answers strictly."""
import struct

from .client import Response, dial
from .fields import Decoder, encode

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = range(4)
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = range(5, 10)
ENHANCE_YOUR_CALM = 11


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Reset(Exception):
    """The stream was reset."""

    def __init__(self, code):
        super().__init__(f"reset with {code}")
        self.code = code


class GoneAway(Exception):
    """The connection ended with GOAWAY."""

    def __init__(self, code):
        super().__init__(f"gone away with {code}")
        self.code = code


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    @property
    def word(self):
        return struct.unpack(">I", self.payload[-4:])[0]

    def __repr__(self):
        return f"frame {self.kind} flags {self.flags:x} stream {self.stream} {self.payload[:40]!r}"


class Frames:
    """A connection of HTTP/2. Windows are opened as answers are read, unless `opens` is False."""

    def __init__(self, address, timeout=10, settings=(), opens=True, start=True, socket=None):
        self.socket = socket or dial(address, timeout)
        self.buffer = b""
        self.decoder = Decoder()
        self.next = 1
        self.opens = opens
        self.waiting = {}
        self.windows = {0: 65535}
        self.opened = {}
        self.goaway = None
        self.answers = True
        self.peer = {}
        if start:
            self.send(PREFACE + frame(SETTINGS, payload=b"".join(struct.pack(">HI", *s) for s in settings)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    # -- out

    def head(self, method="GET", target="/", host="acme.example", fields=(), scheme="http"):
        pseudo = [(":method", method), (":scheme", scheme), (":path", target)]
        return pseudo + ([(":authority", host)] if host is not None else []) + list(fields)

    def request(self, method="GET", target="/", host="acme.example", fields=(), body=None, ends=True, trailers=None):
        """Begins a stream, with its body if it has one; returns its number."""
        stream, self.next = self.next, self.next + 2
        more = body is not None or trailers is not None or not ends
        self.headers(stream, self.head(method, target, host, fields), ends=not more)
        if body is not None:
            pieces = [body[i:i + 16384] for i in range(0, len(body), 16384)] or [b""]
            for piece in pieces[:-1]:
                self.await_window(stream, len(piece))
                self.data(stream, piece)
            self.await_window(stream, len(pieces[-1]))
            self.data(stream, pieces[-1], ends=ends and trailers is None)
        if trailers is not None:
            self.headers(stream, trailers)
        return stream

    def await_window(self, stream, count):
        """Reads until `count` bytes may be sent on a stream, or it is over, and takes them off its window."""
        while min(self.windows[0], self.peer.get(4, 65535) + self.opened.get(stream, 0)) < count:
            if any(f.kind == RST_STREAM for f in self.waiting.get(stream, ())):
                return
            self.pump()
        self.windows[0] -= count
        self.opened[stream] = self.opened.get(stream, 0) - count

    def headers(self, stream, fields, ends=True):
        return self.send(frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, encode(fields)))

    def data(self, stream, data=b"", ends=False):
        return self.send(frame(DATA, END_STREAM if ends else 0, stream, data))

    def reset(self, stream, code=CANCEL):
        return self.send(frame(RST_STREAM, 0, stream, struct.pack(">I", code)))

    def open(self, stream, count):
        return self.send(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", count)))

    # -- in

    def take(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError("the connection ended")
            self.buffer += data
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read(self):
        """The next frame, whatever it is; SETTINGS and PING are answered."""
        head = self.take(9)
        length = int.from_bytes(head[:3], "big")
        assert length <= 16384, length
        f = Frame(head[3], head[4], int.from_bytes(head[5:], "big"), self.take(length))
        if not self.answers and f.kind != GOAWAY:
            return f
        if f.kind == SETTINGS and not f.flags & ACK:
            for at in range(0, length, 6):
                name, value = struct.unpack(">HI", f.payload[at:at + 6])
                self.peer[name] = value
            self.send(frame(SETTINGS, ACK))
        elif f.kind == PING and not f.flags & ACK:
            self.send(frame(PING, ACK, 0, f.payload))
        elif f.kind == WINDOW_UPDATE:
            if f.stream:
                self.opened[f.stream] = self.opened.get(f.stream, 0) + f.word
            else:
                self.windows[0] += f.word
        elif f.kind == GOAWAY:
            self.goaway = struct.unpack(">II", f.payload[:8])
        elif f.kind == DATA and self.opens and f.payload:
            self.open(0, len(f.payload))
            if not f.flags & END_STREAM:
                self.open(f.stream, len(f.payload))
        return f

    def event(self, stream):
        """The next frame of a stream; those of others wait. HEADERS come with their fields."""
        while True:
            if self.waiting.get(stream):
                f = self.waiting[stream].pop(0)
                if f.kind == RST_STREAM:
                    raise Reset(f.word)
                return f
            try:
                self.pump()
            except EOFError:
                if self.goaway:
                    raise GoneAway(self.goaway[1]) from None
                raise

    def pump(self):
        """Reads a frame; those of streams wait for whoever asks for them."""
        f = self.read()
        if f.kind in (DATA, HEADERS, RST_STREAM):
            if f.kind == HEADERS:
                block = f.payload
                while not f.flags & END_HEADERS:
                    more = self.read()
                    assert more.kind == CONTINUATION and more.stream == f.stream, more
                    block, f.flags = block + more.payload, f.flags | more.flags & END_HEADERS
                f.fields = self.decoder.decode(block)
            self.waiting.setdefault(f.stream, []).append(f)

    def response(self, stream):
        """One head: interim, or final with its whole body and trailers."""
        f = self.event(stream)
        assert f.kind == HEADERS, f
        names = [name for name, _ in f.fields]
        assert names[0] == ":status" and not any(n.startswith(":") for n in names[1:]), names
        assert not any(c.isupper() for n in names for c in n), names
        assert not {"connection", "transfer-encoding", "keep-alive", "upgrade"} & set(names), names
        r = Response(f"HTTP/2 {f.fields[0][1]}", f.fields[1:])
        if r.status < 200:
            assert not f.flags & END_STREAM, f
            return r
        parts = []
        while not f.flags & END_STREAM:
            f = self.event(stream)
            if f.kind == HEADERS:
                assert f.flags & END_STREAM, f
                r.trailers = f.fields
            else:
                parts.append(f.payload)
        r.chunks, r.body = parts, b"".join(parts)
        length = r.field("content-length")
        assert length is None or not parts or int(length) == len(r.body), (length, len(r.body))
        return r

    def final(self, stream):
        while True:
            r = self.response(stream)
            if r.status >= 200:
                return r

    def get(self, target="/", **keywords):
        return self.final(self.request("GET", target, **keywords))

    def ended(self):
        """Reads to the end of the connection, and sends nothing more; the code of its GOAWAY."""
        self.answers = False
        try:
            while True:
                self.read()
        except (EOFError, ConnectionError):
            return self.goaway[1] if self.goaway else None
