"""WebSockets whichever versions of HTTP the client and the backend speak (RFC 6455, RFC 8441)."""
import base64
import hashlib
import os
import queue
import threading

from harness import HTTP2, Case, FramesOrigin, Reset, Response, eventually
from harness.frames import CANCEL, END_STREAM, HEADERS
from test_upgrade import frame as message
from test_upgrade import read_frame


def accept(key):
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


class PlainClient:
    """A WebSocket client of HTTP/1.1."""

    def __init__(self, g, fields=()):
        self.c = g.client(g.addresses[0])
        key = base64.b64encode(os.urandom(16)).decode()
        self.c.request("GET", "/chat?a=b", fields=[("Connection", "Upgrade"), ("Upgrade", "WebSocket"), ("Sec-WebSocket-Version", "13"),
                                                   ("Sec-WebSocket-Key", key), *fields])
        self.r = self.c.response()
        self.opened = self.r.status == 101
        if self.opened:
            assert (self.r.field("upgrade").lower(), self.r.field("connection").lower()) == ("websocket", "upgrade"), self.r
            assert self.r.field("sec-websocket-accept") == accept(key), self.r

    def send(self, data):
        self.c.send(data)

    def take(self, count):
        return self.c.take(count)

    def end(self):
        self.c.half_close()

    def hears_end(self):
        return self.c.rest() == b""

    def hears_reset(self):
        try:
            return not self.c.more()
        except ConnectionResetError:
            return True

    def reset(self):
        self.c.reset()

    def close(self):
        self.c.close()


class StreamClient:
    """A WebSocket client of HTTP/2."""

    def __init__(self, g, fields=()):
        self.c = g.frames(g.addresses[1])
        self.stream, self.c.next, self.buffer = self.c.next, self.c.next + 2, b""
        self.c.headers(self.stream, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat?a=b"),
                                     (":authority", "acme.example"), ("sec-websocket-version", "13"), *fields], ends=False)
        f = self.c.event(self.stream)
        assert f.kind == HEADERS, f
        self.opened = f.fields[0] == (":status", "200")
        if self.opened:
            assert not {"connection", "upgrade", "sec-websocket-accept"} & {name for name, _ in f.fields}, f.fields
            self.r = Response("HTTP/2 200", f.fields[1:])
        else:
            self.c.waiting.setdefault(self.stream, []).insert(0, f)
            self.r = self.c.final(self.stream)

    def send(self, data):
        for at in range(0, len(data), 16384):
            piece = data[at:at + 16384]
            self.c.await_window(self.stream, len(piece))
            self.c.data(self.stream, piece)

    def take(self, count):
        while len(self.buffer) < count:
            f = self.c.event(self.stream)
            assert not f.flags & END_STREAM, f
            self.buffer += f.payload
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def end(self):
        self.c.data(self.stream, ends=True)

    def hears_end(self):
        f = self.c.event(self.stream)
        return f.payload == b"" and f.flags & END_STREAM

    def hears_reset(self):
        try:
            self.c.event(self.stream)
        except Reset:
            return True
        return False

    def reset(self):
        self.c.reset(self.stream)

    def close(self):
        self.c.close()


class PlainPipe:
    """A tunnel at a backend of HTTP/1.1."""

    def __init__(self, x, fields=()):
        self.x, self.buffer = x, b""
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        x.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               f"Sec-WebSocket-Accept: {accept(x.field('sec-websocket-key'))}\r\n{lines}\r\n")
        x.complete = True

    def some(self):
        """What came next; nothing at the end of the other half."""
        try:
            return self.x.connection.some(1 << 16)
        except Exception:  # noqa: BLE001 - however it ended
            return b""

    def send(self, data):
        self.x.connection.send(data)

    def end(self):
        try:
            self.x.connection.socket.shutdown(1)
        except OSError:
            pass   # the other side was faster

    def reset(self):
        self.x.reset()

    def is_gone(self):
        return self.x.connection.closed_by_peer.is_set()


class StreamPipe:
    """A tunnel at a backend of HTTP/2."""

    def __init__(self, call, fields=()):
        self.call, self.pieces = call, queue.Queue()
        call.headers([(":status", "200"), *fields])

    def some(self):
        return self.pieces.get(timeout=20)

    def send(self, data):
        self.call.connection.send_body(self.call.stream, data, ends=False)

    def end(self):
        self.call.data(ends=True)

    def reset(self):
        self.call.reset(CANCEL)

    def is_gone(self):
        return self.call.code == CANCEL


def echo(pipe):
    """Says back what it hears, and ends when the other side has."""
    while data := pipe.some():
        pipe.send(data)
    pipe.end()


def converse(pipe):
    """A small server of RFC 6455: texts come back in capitals, a close is answered and ends it."""
    held = b""

    def take(count):
        nonlocal held
        while len(held) < count:
            data = pipe.some()
            assert data, "the client left without a word"
            held += data
        data, held = held[:count], held[count:]
        return data
    while True:
        opcode, data = read_frame(take)
        pipe.send(message(data if opcode == 8 else data.upper(), mask=False, opcode=opcode))
        if opcode == 8:
            return pipe.end()


class Versions(Case):
    def plain(self, serve, lines=(), fields=(), **keywords):
        def answer(x):
            pipe = PlainPipe(x, fields)
            self.pipes.append(pipe)
            serve(pipe)
        o = self.origin(answer)
        return self.simple(o, lines=lines, listen=["127.0.0.1:0", HTTP2], **keywords), o

    def streams(self, serve, lines=(), fields=(), settings=((3, 100), (8, 1)), **keywords):
        def started(call):
            pipe = call.pipe = StreamPipe(call, fields)
            self.pipes.append(pipe)
            threading.Thread(target=serve, args=(pipe,), daemon=True).start()

        def heard(call, data, ends):
            if data:
                call.pipe.pieces.put(data)
            if ends:
                call.pipe.pieces.put(b"")
        o = FramesOrigin(lambda call: None, settings=settings, started=started)
        o.heard = heard
        self._origins.append(o)
        return self.simple(o, lines=["protocol h2", *lines], listen=["127.0.0.1:0", HTTP2], workers=1, **keywords), o

    def each(self, serve, **keywords):
        """A proxy, its backend's tunnels and a kind of client, for all four pairs of versions."""
        for backend in (self.plain, self.streams):
            for client in (PlainClient, StreamClient):
                with self.subTest(backend=backend.__name__, client=client.__name__):
                    self.pipes = []
                    g, o = backend(serve, **keywords)
                    yield g, o, client
                    eventually(lambda: g.metrics().value("gatehouse_requests_in_flight") == 0, "no tunnel is left")

    def test_a_conversation(self):
        for g, o, client in self.each(converse, fields=[("sec-websocket-protocol", "chat")]):
            c = client(g, fields=[("sec-websocket-protocol", "chat, other")])
            self.assertTrue(c.opened, c.r)
            self.assertEqual(c.r.field("sec-websocket-protocol"), "chat")
            for text in (b"hello", b"x" * 200, b"y" * 50_000, b"z" * 300_000):
                c.send(message(text))
                self.assertEqual(read_frame(c.take), (1, text.upper()))
            c.send(message(b"\x03\xe8", opcode=8))
            self.assertEqual(read_frame(c.take), (8, b"\x03\xe8"))
            self.assertTrue(c.hears_end())
            c.close()
            record = eventually(lambda: g.records())[0]
            self.assertEqual((record["status"], record["path"], record["tenant"]), (101, "/chat?a=b", "acme"))
            self.assertGreater(record["bytes_in"], 350_000)
            self.assertGreater(record["bytes_out"], 350_000)

    def test_what_the_backend_is_asked(self):
        for g, o, client in self.each(echo):
            c = client(g, fields=[("origin", "https://acme.example")])
            self.assertTrue(c.opened, c.r)
            c.close()
            eventually(lambda: self.pipes)
            if isinstance(self.pipes[0], PlainPipe):
                x = self.pipes[0].x
                self.assertEqual((x.line, x.field("upgrade").lower(), x.field("connection").lower()),
                                 ("GET /chat?a=b HTTP/1.1", "websocket", "upgrade"))
                self.assertEqual(len(x.field("sec-websocket-key")), 24)
            else:
                x = self.pipes[0].call
                self.assertEqual({(k, v) for k, v in x.fields if k[0] == ":"}, {
                    (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat?a=b"),
                    (":authority", "acme.example")})
                self.assertFalse({"sec-websocket-key", "connection", "upgrade", "content-length", "host"} & set(x.names), x.fields)
            self.assertEqual((x.field("origin"), x.field("x-tenant-id"), x.field("sec-websocket-version")),
                             ("https://acme.example", "acme", "13"))

    def test_half_an_end_passes(self):
        def listen(pipe):
            heard = b""
            while data := pipe.some():
                heard += data
            pipe.send(b"I heard " + heard)
            pipe.end()
        for g, o, client in self.each(listen):
            c = client(g)
            c.send(b"goodbye")
            c.end()
            self.assertEqual(c.take(15), b"I heard goodbye")
            self.assertTrue(c.hears_end())
            c.close()

    def test_the_backend_may_end_first(self):
        def leave(pipe):
            pipe.send(b"bye")
            pipe.end()
        for g, o, client in self.each(leave):
            c = client(g)
            self.assertEqual(c.take(3), b"bye")
            self.assertTrue(c.hears_end())
            c.end()
            c.close()

    def test_a_client_that_breaks_off(self):
        for g, o, client in self.each(echo):
            c = client(g)
            c.send(b"x")
            self.assertEqual(c.take(1), b"x")
            c.reset()
            eventually(self.pipes[0].is_gone, "the backend heard of it")
            c.close()

    def test_a_backend_that_breaks_off(self):
        for g, o, client in self.each(lambda pipe: pipe.some() and pipe.reset()):
            c = client(g)
            c.send(b"x")
            self.assertTrue(c.hears_reset())
            c.close()

    def test_silence_ends_it(self):
        for g, o, client in self.each(echo, parts=["timeouts {\n  idle 300ms\n}"]):
            c = client(g)
            c.send(b"x")
            self.assertEqual(c.take(1), b"x")
            self.assertTrue(c.hears_reset())
            eventually(self.pipes[0].is_gone, "the backend heard of it")
            c.close()

    def test_megabytes_pass_both_ways_at_once(self):
        data = os.urandom(1 << 20) * 4
        for g, o, client in self.each(echo):
            c = client(g)
            if client is PlainClient:
                threading.Thread(target=c.send, args=(data,), daemon=True).start()
                self.assertEqual(c.take(len(data)), data)
            else:
                # One thread reads and writes: in portions that all windows hold.
                for at in range(0, len(data), 65536):
                    c.send(data[at:at + 65536])
                    self.assertEqual(c.take(65536), data[at:at + 65536])
            c.end()
            self.assertTrue(c.hears_end())
            c.close()

    def test_a_backend_that_takes_nothing_stops_the_client(self):
        go = threading.Event()
        self.addCleanup(go.set)
        for g, o, client in self.each(lambda pipe: go.wait(20) and pipe.reset()):
            go.clear()
            if client is not PlainClient:
                continue
            if isinstance(o, FramesOrigin):
                o.opens = False
            before = g.memory()
            c = client(g)
            c.c.socket.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                for _ in range(64):
                    c.send(bytes(1 << 20))
            self.assertLess(g.memory() - before, 8 << 20)
            go.set()
            c.close()

    def test_a_backend_without_tunnels(self):
        self.pipes = []
        g, o = self.streams(echo, settings=[(3, 100)])
        for client in (PlainClient, StreamClient):
            c = client(g)
            self.assertFalse(c.opened)
            self.assert_refused(c.r, 501, "upgrade_unsupported")
            # The client's connection is good for more.
            if client is PlainClient:
                self.assert_refused(c.c.get(host="nobody.example"), 404, "tenant_unknown")
            c.close()
        self.assertEqual(o.calls, [])

    def test_a_backend_that_says_no(self):
        def started(call):
            call.headers([(":status", "403")]).data(b"no", ends=True)
        o = FramesOrigin(lambda call: None, settings=[(8, 1)], started=started)
        self._origins.append(o)
        g = self.simple(o, lines=["protocol h2"], listen=["127.0.0.1:0", HTTP2], workers=1)
        for client in (PlainClient, StreamClient):
            c = client(g)
            self.assertEqual((c.r.status, c.r.body), (403, b"no"))
            if client is PlainClient:
                self.assertEqual(c.c.get().status, 403)
            c.close()

    def test_settings_that_never_come(self):
        silent = self.origin(lambda x: None)
        silent.answer_to = lambda x: x.wait_gone(10)
        g = self.simple(silent, lines=["protocol h2"], listen=["127.0.0.1:0", HTTP2], workers=1, parts=["timeouts {\n  connect 200ms\n}"])
        for client in (PlainClient, StreamClient):
            c = client(g)
            self.assertIn((c.r.status, c.r.code), ((502, "connect_failed"), (503, "no_backend")))
            c.close()

    def test_other_upgrades_are_let_go(self):
        o = FramesOrigin(settings=[(8, 1)])
        self._origins.append(o)
        g = self.simple(o, lines=["protocol h2"], listen=["127.0.0.1:0"], workers=1)
        with g.client() as c:
            self.assertEqual(c.get(fields=[("Connection", "Upgrade"), ("Upgrade", "other")]).status, 200)
            self.assertEqual(o.last.field(":method"), "GET")
            for key in ([], [("Sec-WebSocket-Key", "short")]):
                with g.client() as d:
                    r = d.get(fields=[("Connection", "Upgrade"), ("Upgrade", "websocket"), *key])
                    self.assert_refused(r, 400, "bad_request")
