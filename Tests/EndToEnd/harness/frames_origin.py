"""An application server of HTTP/2 that does what a test tells it."""
import socket
import struct
import threading

from .fields import encode
from .frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
                     Frame, frame)
from .fields import Decoder


class Call:
    """A stream at the origin, and the means to answer it or not."""

    def __init__(self, connection, stream, fields, ended):
        self.connection, self.stream, self.fields, self.ended = connection, stream, fields, ended
        self.body, self.trailers, self.code = b"", [], None
        self.names = [name for name, _ in fields]

    def field(self, name):
        values = [v for k, v in self.fields if k == name]
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def headers(self, fields, ends=False):
        self.connection.send(frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), self.stream, encode(fields)))
        return self

    def data(self, data=b"", ends=False):
        self.connection.send(frame(DATA, END_STREAM if ends else 0, self.stream, data))
        return self

    def reply(self, status=200, body=b"ok", fields=(), trailers=None):
        body = body.encode() if isinstance(body, str) else body
        self.headers([(":status", str(status)), *fields], ends=not body and trailers is None)
        if body:
            self.connection.send_body(self.stream, body, ends=trailers is None)
        if trailers is not None:
            self.headers(trailers, ends=True)
        return self

    def reset(self, code):
        self.connection.send(frame(RST_STREAM, 0, self.stream, struct.pack(">I", code)))


class Connection:
    def __init__(self, origin, s, number):
        self.origin, self.socket, self.number = origin, s, number
        self.decoder, self.calls, self.buffer = Decoder(), {}, b""
        self.lock, self.changed = threading.Lock(), threading.Condition()
        self.windows, self.initial, self.frames = {0: 65535}, 65535, []
        self.trouble = None

    def send(self, data):
        with self.lock:
            self.socket.sendall(data)

    def send_body(self, stream, body, ends):
        """Sends within the windows that the proxy gives."""
        while body:
            with self.changed:
                self.windows.setdefault(stream, self.initial)
                ready = lambda: min(self.windows[0], self.windows[stream]) > 0  # noqa: E731
                if not self.changed.wait_for(ready, 60):
                    raise AssertionError("the window stayed shut")
                count = min(16384, len(body), self.windows[0], self.windows[stream])
                self.windows[0] -= count
                self.windows[stream] -= count
            piece, body = body[:count], body[count:]
            self.send(frame(DATA, END_STREAM if ends and not body else 0, stream, piece))

    def take(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError
            self.buffer += data
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def serve(self):
        try:
            if self.origin.tls:
                try:
                    self.socket = self.origin.tls.wrap_socket(self.socket, server_side=True)
                except OSError as e:
                    self.trouble = e
                    raise EOFError from e
            assert self.take(len(PREFACE)) == PREFACE
            self.send(frame(SETTINGS, payload=b"".join(struct.pack(">HI", *s) for s in self.origin.settings)))
            while True:
                head = self.take(9)
                length = int.from_bytes(head[:3], "big")
                self.handle(Frame(head[3], head[4], int.from_bytes(head[5:], "big"), self.take(length)))
        except (EOFError, OSError):
            pass
        except Exception as e:  # noqa: BLE001 - told by the test, see stop
            if not self.origin.stopping:
                self.origin.errors.append(e)
        finally:
            self.socket.close()

    def handle(self, f):
        self.frames.append(f.kind)
        if f.kind == SETTINGS and not f.flags & ACK:
            for at in range(0, len(f.payload), 6):
                name, value = struct.unpack(">HI", f.payload[at:at + 6])
                if name == 4:
                    self.initial = value
            self.send(frame(SETTINGS, ACK))
        elif f.kind == PING and not f.flags & ACK:
            self.send(frame(PING, ACK, 0, f.payload))
        elif f.kind == WINDOW_UPDATE:
            with self.changed:
                self.windows[f.stream] = self.windows.get(f.stream, self.initial) + f.word
                self.changed.notify_all()
        elif f.kind == HEADERS:
            self.take_headers(f)
        elif f.kind == DATA:
            call = self.calls[f.stream]
            call.body += f.payload
            if self.origin.heard:
                self.origin.heard(call, f.payload, bool(f.flags & END_STREAM))
            if self.origin.opens and f.payload:
                self.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(f.payload))))
                if not f.flags & END_STREAM:
                    self.send(frame(WINDOW_UPDATE, 0, f.stream, struct.pack(">I", len(f.payload))))
            if f.flags & END_STREAM:
                self.finish(call)
        elif f.kind == RST_STREAM:
            self.calls[f.stream].code = f.word
            self.origin.note()
        elif f.kind == GOAWAY:
            self.goaway = f.word

    def take_headers(self, f):
        block = f.payload
        while not f.flags & END_HEADERS:
            head = self.take(9)
            assert head[3] == CONTINUATION
            block, f.flags = block + self.take(int.from_bytes(head[:3], "big")), f.flags | head[4] & END_HEADERS
        fields = self.decoder.decode(block)
        if f.stream in self.calls:
            assert f.flags & END_STREAM
            self.calls[f.stream].trailers = fields
            return self.finish(self.calls[f.stream])
        assert f.stream > max(self.calls, default=0), "streams are opened in order"
        call = self.calls[f.stream] = Call(self, f.stream, fields, bool(f.flags & END_STREAM))
        self.origin.note(call)
        if self.origin.started:
            self.origin.started(call)
        if call.ended:
            self.finish(call)

    def finish(self, call):
        call.ended = True
        self.origin.note()
        threading.Thread(target=self.answer, args=(call,), daemon=True).start()

    def answer(self, call):
        try:
            if self.origin.answer:
                self.origin.answer(call)
            else:
                call.reply()
        except OSError:
            pass
        except Exception as e:  # noqa: BLE001
            if not self.origin.stopping:
                self.origin.errors.append(e)


class FramesOrigin:
    """`answer(call)` runs once a request is in whole, `started(call)` when its head is in, `heard(call, data, ends)` for DATA."""

    def __init__(self, answer=None, name="origin", settings=((3, 100),), started=None, opens=True, tls=None):
        self.tls, self.heard = tls, None
        self.answer, self.name, self.settings, self.started, self.opens = answer, name, settings, started, opens
        self.errors, self.calls, self.connections, self.stopping = [], [], [], False
        self.changed = threading.Condition()
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.socket.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, s, len(self.connections))
            self.connections.append(connection)
            threading.Thread(target=connection.serve, daemon=True).start()

    def note(self, call=None):
        with self.changed:
            if call:
                self.calls.append(call)
            self.changed.notify_all()

    def wait(self, count, patience=15):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.calls) >= count, patience):
                raise AssertionError(f"{self.name} got {len(self.calls)} requests, {count} were due")
            return self.calls[count - 1]

    @property
    def last(self):
        return self.calls[-1]

    def stop(self):
        self.stopping = True
        self.socket.close()
        for c in self.connections:
            try:
                c.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
