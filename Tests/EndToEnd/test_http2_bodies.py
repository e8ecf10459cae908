"""Bodies over HTTP/2: both ways, in any frames, never more in memory than the windows allow."""
import hashlib
import os
import threading

from harness import HTTP2, Case, Reset, eventually
from harness.frames import DATA, END_STREAM, PADDED, frame


def echo(x):
    body = x.read_body()
    x.reply(200, body, [("X-Length", str(len(body)))])


class Uploads(Case):
    def test_of_every_size(self):
        o = self.origin(echo)
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            for size in (0, 1, 100, 16383, 16384, 16385, 70_000, 1_000_000):
                body = os.urandom(size)
                for fields in ([], [("content-length", str(size))]):
                    r = c.final(c.request("POST", body=body, fields=fields))
                    self.assertEqual((r.status, r.body == body), (200, True), (size, fields))
            self.assertEqual(o.last.field("content-length"), "1000000")
            self.assertEqual(o.requests[-2].field("transfer-encoding"), "chunked")

    def test_padded_and_in_small_frames(self):
        g = self.simple(self.origin(echo), listen=[HTTP2])
        with g.frames() as c:
            c.headers(1, c.head("POST"), ends=False)
            for i in range(50):
                c.send(frame(DATA, PADDED, 1, bytes([i]) + b"%d," % i + bytes(i)))
            c.send(frame(DATA, PADDED | END_STREAM, 1, bytes([255]) + bytes(255)))
            self.assertEqual(c.final(1).body, b"".join(b"%d," % i for i in range(50)))

    def test_interleaved(self):
        g = self.simple(self.origin(echo), listen=[HTTP2])
        with g.frames() as c:
            bodies = {s: os.urandom(100_000) for s in range(1, 41, 2)}
            for stream in bodies:
                c.headers(stream, c.head("PUT"), ends=False)
            for at in range(0, 100_000, 1000):
                for stream, body in bodies.items():
                    c.data(stream, body[at:at + 1000], ends=at == 99_000)
            for stream, body in bodies.items():
                self.assertEqual(hashlib.sha256(c.final(stream).body).digest(), hashlib.sha256(body).digest())

    def test_trailers_go_through(self):
        o = self.origin(echo)
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            r = c.final(c.request("POST", body=b"abc", trailers=[("x-sum", "1"), ("x-tenant-id", "evil")]))
            self.assertEqual(r.status, 200)
            self.assertEqual(o.last.trailers, [("x-sum", "1")])
            # A length leaves no place for them.
            c.final(c.request("POST", body=b"abc", fields=[("content-length", "3")], trailers=[("x-sum", "1")]))
            self.assertEqual((o.last.body, o.last.trailers), (b"abc", []))

    def test_a_backend_that_takes_nothing_stops_the_client(self):
        go = threading.Event()

        def answer(x):
            go.wait(20)
            x.read_body(keep=False)
            x.reply(200, str(x.count))
        g = self.simple(self.origin(answer, receive_buffer=4096), listen=[HTTP2])
        with g.frames() as c, g.frames() as other:
            before = g.memory()
            c.headers(1, c.head("POST"), ends=False)
            sent, window = 0, 0
            # All that its windows allow, until they open no further.
            self.assertEqual(c.read().kind, 4)
            window = c.peer.get(4, 65535)
            c.socket.settimeout(0.5)
            try:
                while sent < 100 << 20:
                    while window >= 16384:
                        c.data(1, bytes(16384))
                        sent, window = sent + 16384, window - 16384
                    f = c.read()
                    window += f.word if f.kind == 8 and f.stream == 1 else 0
            except TimeoutError:
                pass
            # The kernel's buffers towards the backend hold most of it.
            self.assertLess(sent, 16 << 20)
            self.assertLess(g.memory() - before, 8 << 20)
            self.assertEqual(other.get(host="nobody.example").status, 404)
            go.set()
            c.socket.settimeout(10)
            c.data(1, ends=True)
            self.assertEqual(c.final(1).body, str(sent).encode())

    def test_an_early_answer_ends_the_upload_without_fault(self):
        g = self.simple(self.origin(), listen=[HTTP2], parts=["bounds {\n  body-size 100KiB\n}"])
        with g.frames() as c:
            stream = c.request("POST", ends=False)
            c.data(stream, bytes(16384))
            for _ in range(8):
                c.data(stream, bytes(16384))
            self.assert_refused(c.final(stream), 413, "body_too_large")
            with self.assertRaises(Reset) as e:
                c.event(stream)
            self.assertEqual(e.exception.code, 0)
            self.assert_refused(c.final(c.request("POST", fields=[("content-length", "1000000")], ends=False)), 413, "body_too_large")
            self.assertEqual(c.get().status, 200)

    def test_a_body_that_does_not_come(self):
        g = self.simple(self.origin(), listen=[HTTP2], parts=["timeouts {\n  body-idle 300ms\n}"])
        with g.frames() as c:
            stream = c.request("POST", ends=False)
            c.data(stream, b"x")
            self.assert_refused(c.final(stream), 408, "request_timeout")
            self.assertEqual(c.get().status, 200)


class Downloads(Case):
    def test_of_every_size_and_framing(self):
        def answer(x):
            size = int(x.target.split("/")[1])
            body = bytes(i & 255 for i in range(251)) * (size // 251 + 1)
            body = body[:size]
            if x.target.endswith("/chunked"):
                x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for at in range(0, size, 5000):
                    piece = body[at:at + 5000]
                    x.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
                x.send("0\r\n\r\n")
            elif x.target.endswith("/close"):
                x.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body).close()
            else:
                x.reply(200, body)
        g = self.simple(self.origin(answer), listen=[HTTP2])
        with g.frames() as c:
            for size in (0, 1, 8191, 16384, 16385, 65535, 65536, 300_000, 2_000_000):
                for kind in ("length", "chunked", "close"):
                    r = c.get(f"/{size}/{kind}")
                    self.assertEqual((r.status, len(r.body)), (200, size), kind)
                    self.assertEqual(r.body[-1:], bytes([(size - 1) % 251]) if size else b"", (size, kind))

    def test_trailers(self):
        o = self.origin(lambda x: x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
                                         "Grpc-Status: 0\r\nContent-Type: evil\r\nTrailer: x\r\n\r\n"))
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            for _ in range(3):
                r = c.get()
                self.assertEqual((r.body, r.trailers), (b"abc", [("grpc-status", "0"), ("content-type", "evil")]))
        self.assertEqual(len(o.connections), 1)

    def test_trailers_wait_for_the_window(self):
        o = self.origin(lambda x: x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n" + "a" * 32
                                         + "\r\n0\r\nSum: 1\r\n\r\n"))
        g = self.simple(o, listen=[HTTP2])
        with g.frames(settings=[(4, 10)], opens=False) as c:
            stream = c.request()
            self.assertEqual(c.event(stream).fields[0], (":status", "200"))
            self.assertEqual(c.event(stream).payload, b"a" * 10)
            c.open(stream, 21)
            self.assertEqual(c.event(stream).payload, b"a" * 21)
            c.open(stream, 10)
            self.assertEqual(c.event(stream).payload, b"a")
            last = c.event(stream)
            self.assertEqual((last.fields, last.flags & END_STREAM), ([("sum", "1")], 1))

    def test_windows_are_kept_to(self):
        size = 400_000
        g = self.simple(self.origin(lambda x: x.reply(200, b"x" * size)), listen=[HTTP2])
        with g.frames(settings=[(4, 1000)], opens=False) as c:
            streams = [c.request() for _ in range(3)]
            left, got = {s: 1000 for s in streams}, {s: 0 for s in streams}
            whole, ended = 65535, set()
            while len(ended) < 3:
                for s in streams:
                    if s not in ended and left[s] == 0:
                        left[s] = 50_000
                        c.open(s, 50_000)
                if whole < 20_000:
                    whole += 100_000
                    c.open(0, 100_000)
                f = c.read()
                if f.kind != DATA:
                    continue
                left[f.stream] -= len(f.payload)
                whole -= len(f.payload)
                got[f.stream] += len(f.payload)
                self.assertGreaterEqual(min(left[f.stream], whole), 0)
                if f.flags & END_STREAM:
                    ended.add(f.stream)
            self.assertEqual(list(got.values()), [size] * 3)

    def test_a_shut_window_stops_the_backend_and_nothing_else(self):
        done = []

        def answer(x):
            if x.target == "/small":
                return x.reply(200, "small")
            x.send(f"HTTP/1.1 200 OK\r\nContent-Length: {64 << 20}\r\n\r\n")
            for _ in range(1024):
                x.send(bytes(1 << 16))
            done.append(x)
        g = self.simple(self.origin(answer), listen=[HTTP2])
        with g.frames(opens=False) as c:
            before = g.memory()
            big = [c.request(target="/big") for _ in range(4)]
            self.assertEqual([c.event(s).fields[0] for s in big], [(":status", "200")] * 4)
            # Windows of streams and the connection are shut by now or soon; another connection is served.
            with g.frames() as other:
                for _ in range(20):
                    self.assertEqual(other.get("/small").body, b"small")
            self.assertLess(g.memory() - before, 16 << 20)
            self.assertEqual(done, [])
            c.opens = True
            c.open(0, 1 << 20)
            for s in big:
                c.open(s, 1 << 20)
            for s in big:
                count, f = 0, None
                while not f or not f.flags & END_STREAM:
                    f = c.event(s)
                    count += len(f.payload)
                self.assertEqual(count, 64 << 20)

    def test_a_client_that_never_opens_its_window(self):
        g = self.simple(self.origin(lambda x: x.reply(200, b"x" * 1000)), listen=[HTTP2], parts=["timeouts {\n  body-idle 300ms\n}"])
        with g.frames(settings=[(4, 0)], opens=False) as c:
            stream = c.request()
            self.assertEqual(c.event(stream).fields[0], (":status", "200"))
            with self.assertRaises(Reset) as e:
                c.event(stream)
            self.assertEqual(e.exception.code, 11)
            # The others go on.
            c.next = 5
            r = c.request(host="nobody.example")
            self.assertEqual(c.event(r).fields[0], (":status", "404"))
        eventually(lambda: g.metrics().value("gatehouse_http2_floods_total", kind="stall") >= 1)
        with g.frames(opens=False) as c:
            for _ in range(100):
                c.request()
            self.assertEqual(c.ended(), 11)
