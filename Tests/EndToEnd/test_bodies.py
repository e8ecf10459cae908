"""Bodies: chunks both ways, trailers, answers without one, streams, any size at constant memory, early and aborted ones."""
import hashlib
import select
import threading
import time

from harness import Case, Client, eventually, get

BIG = 100 << 20
ROOM = 24 << 20


class Chunked(Case):
    def test_a_chunked_request_arrives_whole(self):
        o = self.origin(lambda x: x.reply(200, x.read_body()))
        g = self.simple(o)
        with g.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: Chunked\r\n\r\n")
            for piece in (b"5\r\nhello\r\n", b"1\r", b"\n \r\n", b"00000A;name=value;q=\"a b\"\r\n0123456789\r\n", b"0\r\n\r\n"):
                c.send(piece)
            self.assertEqual(c.final().body, b"hello 0123456789")
        self.assertIsNone(o.last.field("content-length"))
        self.assertNotIn(b"name=value", o.received, "chunk extensions are never forwarded")

    def test_an_empty_chunked_request_arrives(self):
        o = self.origin(lambda x: x.reply(200, x.read_body()))
        g = self.simple(o)
        with g.client() as c:
            r = c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").final()
            self.assertEqual((r.status, r.body), (200, b""))

    def test_every_split_of_a_chunked_request_is_the_same(self):
        o = self.origin(lambda x: x.reply(200, x.read_body()))
        g = self.simple(o)
        text = b"POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
        with g.client() as c:
            for cut in range(1, len(text), 3):
                c.send(text[:cut])
                c.send(text[cut:])
                self.assertEqual(c.final().body, b"abcde", f"cut at {cut}")

    def test_a_chunked_answer_arrives_whole(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        g = self.simple(self.origin(answer))
        with g.client() as c:
            for _ in range(3):
                r = c.get()
                self.assertEqual((r.framing, r.body), ("chunked", b"hello world"))

    def test_every_split_of_a_chunked_answer_is_the_same(self):
        text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"

        def answer(x):
            cut = int(x.target[1:])
            x.send(text[:cut])
            x.send(text[cut:])
        g = self.simple(self.origin(answer))
        with g.client() as c:
            for cut in range(1, len(text), 3):
                self.assertEqual(c.get(f"/{cut}").body, b"abcde", f"cut at {cut}")

    def test_an_answer_that_ends_by_closing_arrives_whole(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil I close")
            x.close()
        o = self.origin(answer)
        g = self.simple(o)
        with g.client() as c:
            self.assertEqual(c.get().body, b"until I close")
        with g.client() as c:
            self.assertEqual(c.get().body, b"until I close")
        self.assertEqual(len(o.used_connections), 2)


class Trailers(Case):
    def test_of_a_request_reach_the_origin(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"2\r\nhi\r\n0\r\nX-Sum: 42\r\nX-More: a b\r\n\r\n").final()
        self.assertEqual(o.last.trailers, [("X-Sum", "42"), ("X-More", "a b")])

    def test_of_an_answer_reach_the_client(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n")
        g = self.simple(self.origin(answer))
        with g.client() as c:
            r = c.get(fields=[("TE", "trailers"), ("Connection", "TE")])
            self.assertEqual((r.body, r.trailers), (b"hi", [("X-Sum", "42")]))
            self.assertEqual(c.get(fields=[("TE", "trailers"), ("Connection", "TE")]).trailers, [("X-Sum", "42")])


class WithoutBody(Case):
    def test_head_keeps_the_length_and_has_no_body(self):
        o = self.origin(lambda x: x.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"))
        g = self.simple(o)
        with g.client() as c:
            for _ in range(3):
                r = c.request("HEAD").final("HEAD")
                self.assertEqual((r.status, r.field("content-length")), (200, "1234"))
        self.assertEqual(len(o.used_connections), 1)

    def test_head_of_a_chunked_answer_has_no_body(self):
        o = self.origin(lambda x: x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
        g = self.simple(o)
        with g.client() as c:
            for _ in range(3):
                self.assertEqual(c.request("HEAD").final("HEAD").status, 200)

    def test_204_and_304_end_with_their_head(self):
        def answer(x):
            status = int(x.target[1:])
            x.send(f"HTTP/1.1 {status} Whatever\r\nETag: \"a\"\r\n" + ("Content-Length: 77\r\n" if status == 304 else "") + "\r\n")
        o = self.origin(answer)
        g = self.simple(o)
        with g.client() as c:
            for status in (204, 304, 204, 304):
                r = c.get(f"/{status}", fields=[("If-None-Match", '"a"')])
                self.assertEqual((r.status, r.field("etag"), r.body), (status, '"a"', b""))
        self.assertEqual(len(o.used_connections), 1)

    def test_an_empty_answer_is_complete(self):
        g = self.simple(self.origin(lambda x: x.reply(200, b"")))
        with g.client() as c:
            for _ in range(3):
                self.assertEqual(c.get().body, b"")

    def test_range_and_partial_content_pass(self):
        o = self.origin(lambda x: x.reply(206, b"cde", [("Content-Range", "bytes 2-4/10")], "Partial Content"))
        g = self.simple(o)
        r = get(g.address, fields=[("Range", "bytes=2-4"), ("If-Range", '"v1"')])
        self.assertEqual((r.status, r.field("content-range"), r.body), (206, "bytes 2-4/10", b"cde"))
        self.assertEqual((o.last.field("range"), o.last.field("if-range")), ("bytes=2-4", '"v1"'))


class Streams(Case):
    def test_server_sent_events_arrive_one_by_one(self):
        """The origin sends the next event only when the client has seen the one before."""
        seen = threading.Semaphore(0)
        for framing in ("chunked", "close"):
            def answer(x, framing=framing):
                x.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                       + ("Transfer-Encoding: chunked\r\n\r\n" if framing == "chunked" else "\r\n"))
                for i in range(5):
                    event = f"data: {i}\n\n"
                    x.send(f"{len(event):x}\r\n{event}\r\n" if framing == "chunked" else event)
                    if not seen.acquire(timeout=10):
                        return
                x.send("0\r\n\r\n" if framing == "chunked" else "")
                if framing == "close":
                    x.close()
            with self.subTest(framing):
                g = self.simple(self.origin(answer))
                with g.client() as c:
                    r = c.request(fields=[("Accept", "text/event-stream")]).head()
                    self.assertEqual(r.status, 200)
                    chunked = r.field("transfer-encoding") == "chunked"
                    for i in range(5):
                        got = c.chunk() if chunked else c.take(len(f"data: {i}\n\n"))
                        self.assertEqual(got, f"data: {i}\n\n".encode())
                        seen.release()
                g.stop()

    def test_the_head_of_an_answer_comes_before_its_body(self):
        go = threading.Event()

        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
            go.wait(10)
            x.send("body")
        g = self.simple(self.origin(answer))
        with g.client() as c:
            self.assertEqual(c.request().head().status, 200)
            go.set()
            self.assertEqual(c.take(4), b"body")

    def test_an_upload_reaches_the_origin_as_it_comes(self):
        pieces = []
        came = threading.Condition()

        def piece(data):
            with came:
                pieces.append(data)
                came.notify_all()

        def answer(x):
            x.read_body(piece=piece)
            x.reply()
        g = self.simple(self.origin(answer))
        with g.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            for i in range(5):
                c.send(b"3\r\nab%d\r\n" % i)
                with came:
                    self.assertTrue(came.wait_for(lambda: b"".join(pieces).endswith(b"ab%d" % i), 10), f"piece {i} is held back")
            self.assertEqual(c.send(b"0\r\n\r\n").final().status, 200)


class HundredMegabytes(Case):
    """Bodies of 100 MB, a reader that stands still for a while, and the memory of the proxy."""

    def stalled(self, s):
        """Whether nothing can be sent for half a second."""
        return not select.select([], [s], [], 0.5)[1]

    def test_down_to_a_reader_that_stands_still(self):
        piece = bytes(range(256)) * 256
        for framing in ("length", "chunked"):
            sent = [0]

            def answer(x, framing=framing, sent=sent):
                if framing == "length":
                    x.send(f"HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n")
                else:
                    x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while sent[0] < BIG:
                    x.send(piece if framing == "length" else b"%x\r\n%s\r\n" % (len(piece), piece))
                    sent[0] += len(piece)
                if framing == "chunked":
                    x.send("0\r\n\r\n")
            with self.subTest(framing):
                o = self.origin(answer)
                g = self.simple(o)
                before = g.memory()
                with Client(g.address, receive_buffer=1 << 16) as c:
                    r = c.request().head()
                    self.assertEqual(r.status, 200)
                    last = -1
                    while sent[0] != last:          # until the origin can't send any more
                        last = sent[0]
                        time.sleep(0.3)
                    self.assertLess(sent[0], BIG, "all of it was taken while nobody read")
                    stalled = g.memory()
                    count, digest = 0, hashlib.md5()
                    if framing == "length":
                        while count < BIG:
                            data = c.buffer or c.socket.recv(1 << 20)
                            c.buffer = b""
                            self.assertTrue(data)
                            count += len(data)
                            digest.update(data)
                    else:
                        while data := c.chunk():
                            count += len(data)
                            digest.update(data)
                    after = g.memory()
                self.assertEqual(count, BIG)
                self.assertEqual(digest.digest(), hashlib.md5(piece * (BIG // len(piece))).digest())
                self.assertLess(stalled - before, ROOM)
                self.assertLess(after - before, ROOM)
                g.stop()

    def test_up_to_a_reader_that_stands_still(self):
        piece = bytes(range(256)) * 256
        go = threading.Event()
        digests = []

        def answer(x):
            go.wait(30)
            digest = hashlib.md5()
            x.read_body(keep=False, piece=digest.update)
            digests.append(digest.digest())
            x.reply(200, str(x.count))
        o = self.origin(answer, receive_buffer=1 << 16)
        g = self.simple(o)
        before = g.memory()
        with g.client(timeout=60) as c:
            c.send(f"PUT /big HTTP/1.1\r\nHost: acme.example\r\nContent-Length: {BIG}\r\n\r\n")
            sent = 0
            while not self.stalled(c.socket):
                self.assertLess(sent, BIG, "all of it was taken while nobody read")
                sent += c.socket.send(piece[sent % len(piece):])
            stalled = g.memory()
            go.set()
            while sent < BIG:
                sent += c.socket.send(piece[sent % len(piece):][:BIG - sent])
            self.assertEqual(c.final().body, str(BIG).encode())
        self.assertEqual(digests[0], hashlib.md5(piece * (BIG // len(piece))).digest())
        self.assertLess(stalled - before, ROOM)
        self.assertLess(g.memory() - before, ROOM)


class Early(Case):
    def test_an_answer_before_the_end_of_the_request_is_passed_on(self):
        def answer(x):
            x.reply(413, "too much", reason="Content Too Large")
        o = self.origin(answer)
        g = self.simple(o)
        with g.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 1000000\r\n\r\nstart")
            r = c.final()
            self.assertEqual((r.status, r.body), (413, b"too much"))

    def test_an_early_answer_and_close_reach_the_client(self):
        def answer(x):
            x.reply(403, "no", [("Connection", "close")], reason="Forbidden")
            x.close()
        g = self.simple(self.origin(answer))
        for _ in range(10):
            with g.client() as c:
                c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 100000\r\n\r\nstart")
                self.assertEqual(c.final().status, 403)

    def test_the_rest_of_a_refused_body_is_never_read_as_a_request(self):
        o = self.origin(lambda x: x.reply(413, "no"))
        g = self.simple(o)
        hidden = b"GET /hidden HTTP/1.1\r\nHost: acme.example\r\n\r\n"
        with g.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: %d\r\n\r\n" % (len(hidden) + 1))
            self.assertEqual(c.final().status, 413)
            try:
                c.send(hidden + b"x")
                c.is_closed()
            except OSError:
                pass
        get(g.address, "/marker")
        self.assertNotIn("/hidden", [x.target for x in o.requests])

    def test_an_answer_and_its_request_may_stream_at_the_same_time(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            x.read_body(piece=lambda data: x.send(b"%x\r\n%s\r\n" % (len(data), data)))
            x.send("0\r\n\r\n")
        g = self.simple(self.origin(answer))
        with g.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.assertEqual(c.send(b"2\r\nab\r\n").head().status, 200)
            self.assertEqual(c.chunk(), b"ab")
            for i in range(5):
                c.send(b"2\r\nc%d\r\n" % i)
                self.assertEqual(c.chunk(), b"c%d" % i)
            c.send(b"0\r\n\r\n")
            self.assertEqual(c.chunk(), b"")


class Aborts(Case):
    def test_a_client_that_leaves_cancels_the_upstream_request(self):
        o = self.origin(lambda x: x.wait_gone(20))
        g = self.simple(o)
        c = g.client()
        c.request()
        x = o.wait(1)
        c.reset()
        self.assertTrue(x.connection.closed_by_peer.wait(10), "the origin works on for nobody")
        eventually(lambda: g.metrics().value("gatehouse_requests_in_flight") == 0, "nothing in flight")

    def test_a_client_that_leaves_in_its_own_body_cancels_the_upstream_request(self):
        o = self.origin()
        g = self.simple(o)
        c = g.client()
        c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 100\r\n\r\nhalf")
        x = o.wait(1)
        c.reset()
        self.assertTrue(x.connection.closed_by_peer.wait(10))
        self.assertFalse(x.complete)

    def test_a_client_that_leaves_in_a_download_stops_it(self):
        def answer(x):
            x.send(f"HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n")
            for _ in range(BIG >> 16):
                x.send(bytes(1 << 16))
        o = self.origin(answer)
        g = self.simple(o)
        c = g.client()
        c.request().head()
        c.close()
        self.assertTrue(o.wait(1).connection.closed_by_peer.wait(10))
        eventually(lambda: g.metrics().value("gatehouse_requests_in_flight") == 0, "nothing in flight")

    def test_many_aborts_leave_nothing_open(self):
        o = self.origin(lambda x: x.wait_gone(20))
        g = self.simple(o)
        eventually(lambda: g.fetch("/livez").status == 200)
        before = g.open_descriptors()
        clients = [g.client().request() for _ in range(50)]
        o.wait(50)
        for c in clients:
            c.reset()
        eventually(lambda: g.open_descriptors() <= before + 3, "descriptors are given back")
