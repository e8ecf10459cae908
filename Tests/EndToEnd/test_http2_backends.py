"""HTTP/2 towards backends: `shard { protocol h2 }`."""
import os
import threading

from harness import BOTH, HTTP2, Case, FramesOrigin, Reset, closed_port, eventually
from harness.frames import GOAWAY, frame


class Backends(Case):
    def frames_origin(self, answer=None, **keywords):
        o = FramesOrigin(answer, **keywords)
        self._origins.append(o)
        return o

    def front(self, *origins, lines=(), **keywords):
        keywords.setdefault("listen", ["127.0.0.1:0", HTTP2])
        keywords.setdefault("workers", 1)
        return self.simple(*origins, lines=["protocol h2", *lines], **keywords)

    def both(self, g):
        """A client of each version, as functions that send a request and read its answer."""
        c, d = g.client(g.addresses[0]), g.frames(g.addresses[1])
        self.addCleanup(c.close)
        self.addCleanup(d.close)
        return [lambda m="GET", t="/", fields=(), body=None: c.request(m, t, fields=fields, body=body).final(m),
                lambda m="GET", t="/", fields=(), body=None: d.final(d.request(m, t, fields=list(fields) + (
                    [("content-length", str(len(body)))] if body is not None else []), body=body))]

    def test_anything_gets_through_at_all(self):
        o = self.frames_origin(lambda x: x.reply(200, "hello", [("content-type", "text/plain")]))
        g = self.front(o)
        for ask in self.both(g):
            r = ask(t="/a?b=c", fields=[("x-one", "1"), ("cookie", "a=b")])
            self.assertEqual((r.status, r.body, r.field("content-type")), (200, b"hello", "text/plain"))
            x = o.last
            self.assertEqual(x.names[:4], [":method", ":scheme", ":path", ":authority"])
            self.assertEqual((x.field(":method"), x.field(":path"), x.field(":authority")), ("GET", "/a?b=c", "acme.example"))
            self.assertEqual((x.field("x-one"), x.field("cookie"), x.field("x-tenant-id"), x.field("host")), ("1", "a=b", "acme", None))
            self.assertFalse({"connection", "transfer-encoding", "te"} & set(x.names))
            self.assertTrue(x.ended)
        self.assertEqual(len(o.connections), 1)

    def test_bodies_both_ways(self):
        o = self.frames_origin(lambda x: x.reply(200, x.body, [("x-length", str(len(x.body)))]))
        g = self.front(o)
        for ask in self.both(g):
            for size in (0, 1, 16384, 16385, 300_000, 2_000_000):
                body = os.urandom(size)
                r = ask("POST", body=body)
                self.assertEqual((r.status, r.body == body, o.last.field("content-length")), (200, True, str(size)), size)
        with g.client() as c:
            c.send("POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            c.send("2;x=y\r\nde\r\n0\r\nSum: 5\r\nX-Tenant-Id: evil\r\n\r\n")
            self.assertEqual(c.final().body, b"abcde")
            self.assertEqual((o.last.field("content-length"), o.last.trailers), (None, [("sum", "5")]))
        with g.frames(g.addresses[1]) as c:
            self.assertEqual(c.final(c.request("POST", body=b"abc", trailers=[("sum", "3")])).body, b"abc")
            self.assertEqual((o.last.body, o.last.trailers), (b"abc", [("sum", "3")]))

    def test_heads_of_all_kinds(self):
        def answer(x):
            kind = x.field(":path")
            if kind == "/interim":
                x.headers([(":status", "103"), ("link", "</a>")]).reply()
            elif kind == "/empty":
                x.reply(204, "")
            elif kind == "/length":
                x.reply(200, "abc", [("content-length", "3")])
            else:
                x.headers([(":status", "200"), ("content-length", "10")], ends=True)
        g = self.front(self.frames_origin(answer))
        one, two = self.both(g)
        for ask in (one, two):
            self.assertEqual(ask(t="/empty").status, 204)
            r = ask(t="/length")
            self.assertEqual((r.body, r.field("content-length"), r.framing), (b"abc", "3", "length" if ask is one else "none"))
            self.assertEqual(ask("HEAD", "/head").field("content-length"), "10")
        with g.client() as c:
            self.assertEqual([c.request(target="/interim").response().status, c.response().status], [103, 200])

    def test_trailers_come_back(self):
        g = self.front(self.frames_origin(lambda x: x.reply(200, "abc", trailers=[("sum", "3")])))
        for ask in self.both(g):
            # Twice: what stands behind the first answer would be taken for the second.
            for _ in range(2):
                r = ask()
                self.assertEqual((r.status, r.body, [(k.lower(), v) for k, v in r.trailers]), (200, b"abc", [("sum", "3")]))

    def test_grpc(self):
        o = self.frames_origin(lambda x: x.reply(200, b"\0\0\0\0\2ok", [("content-type", "application/grpc")], trailers=[("grpc-status", "0")]))
        g = self.front(o)
        call = [("content-type", "application/grpc"), ("te", "trailers")]
        with g.frames(g.addresses[1]) as c:
            r = c.final(c.request("POST", "/a.B/C", fields=call, body=b"\0\0\0\0\2hi"))
            self.assertEqual((r.body, r.trailers, o.last.field("te")), (b"\0\0\0\0\2ok", [("grpc-status", "0")], "trailers"))

    def test_a_conversation(self):
        """Both sides speak in turn on one stream."""
        def started(x):
            x.headers([(":status", "200")])

        def answer(x):
            x.data(b"bye", ends=True)
        o = self.frames_origin(answer, started=started)
        g = self.front(o)
        with g.frames(g.addresses[1]) as c:
            stream = c.request("POST", ends=False)
            self.assertEqual(c.event(stream).fields[0], (":status", "200"))
            for i in range(5):
                c.data(stream, b"%d" % i)
                eventually(lambda: len(o.last.body) == i + 1)
                o.last.data(b"said %d" % i)
                self.assertEqual(c.event(stream).payload, b"said %d" % i)
            c.data(stream, ends=True)
            self.assertEqual(c.event(stream).payload, b"bye")

    def test_many_share_a_connection_in_both_directions(self):
        go = threading.Event()

        def answer(x):
            go.wait(10)
            x.reply(200, x.field(":path"))
        o = self.frames_origin(answer, settings=[(3, 60)])
        g = self.front(o, drain="10s")
        with g.frames(g.addresses[1]) as c:
            self.assertTrue(c)
            streams = [c.request(target=f"/{i}") for i in range(100)]
            o.wait(100)
            # Sixty fit on one connection once its server has said so.
            self.assertIn(len(o.connections), (1, 2))
            go.set()
            for i, stream in enumerate(streams):
                self.assertEqual(c.final(stream).body, f"/{i}".encode())

    def test_a_client_that_takes_nothing_stops_the_backend(self):
        size = 32 << 20
        o = self.frames_origin(lambda x: x.reply(200, bytes(size) if x.field(":path") == "/big" else "small"))
        # On a busy machine one client reads for so long that the other would be taken for one that has stalled.
        g = self.front(o, parts=["timeouts {\n  body-idle 2m\n}"])
        with g.client() as c, g.frames(g.addresses[1], opens=False) as d:
            before = g.memory()
            c.request(target="/big")
            stream = d.request(target="/big")
            o.wait(2)
            with g.client() as other:
                for _ in range(50):
                    self.assertEqual(other.get("/small").body, b"small")
            self.assertLess(g.memory() - before, 16 << 20)
            self.assertEqual(len(c.final().body), size)
            d.opens = True
            d.open(0, 1 << 20), d.open(stream, 1 << 20)
            self.assertEqual(len(d.final(stream).body), size)

    def test_a_backend_that_takes_nothing_stops_the_client(self):
        o = self.frames_origin(opens=False)
        g = self.front(o)
        with g.client() as c:
            c.socket.settimeout(0.5)
            c.send(f"POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: {64 << 20}\r\n\r\n")
            before = g.memory()
            with self.assertRaises(TimeoutError):
                for _ in range(64):
                    c.send(bytes(1 << 20))
            self.assertLess(g.memory() - before, 8 << 20)
            self.assertEqual(len(o.last.body), 65535)

    def test_refused_streams_are_tried_elsewhere(self):
        def refuse(x):
            x.reset(7)
        bad, good = self.frames_origin(refuse), self.frames_origin(lambda x: x.reply(200, x.body))
        g = self.front(bad, good, lines=["balance round-robin"])
        one, two = self.both(g)
        for _ in range(4):
            self.assertEqual((one().status, two().status), (200, 200))
            # A body that came with its head is kept until a backend is found.
            self.assertEqual(one("POST", body=b"abc").body, b"abc")
        self.assertTrue(bad.calls)

    def test_streams_that_break_off(self):
        def answer(x):
            if x.field(":path") == "/late":
                x.headers([(":status", "200")]).data(b"abc")
            x.reset(2)
        g = self.front(self.frames_origin(answer))
        with g.client() as c:
            self.assert_refused(c.request("POST", body=b"x").final(), 502, "bad_response")
        with g.client() as c:
            with self.assertRaises((EOFError, ConnectionResetError)):
                c.get("/late")
        with g.frames(g.addresses[1]) as c:
            with self.assertRaises(Reset):
                c.get("/late")
            self.assert_refused(c.final(c.request("POST", body=b"x")), 502, "bad_response")
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 0)

    def test_an_end_that_comes_in_a_frame_of_its_own(self):
        taken, state = threading.Event(), {}

        def answer(x):
            if x.field(":path") == "/next":
                return x.reply()
            x.headers([(":status", str(state["status"])), *([("content-length", str(state["length"]))] if state["length"] is not None else [])])
            if state["body"]:
                x.data(state["body"])
            # The client has its answer before the backend says that this was all.
            assert taken.wait(15)
            taken.clear()
            if state["end"] == "trailers":
                x.headers([("sum", "3")], ends=True)
            else:
                x.data(state["end"], ends=not state["end"])
        o = self.frames_origin(answer)
        g = self.front(o)
        c = g.client(g.addresses[0])
        self.addCleanup(c.close)
        d = g.frames(g.addresses[1])
        self.addCleanup(d.close)
        for method, status, length, body in (("GET", 200, 3, b"abc"), ("GET", 200, 0, b""), ("HEAD", 200, 3, b""), ("HEAD", 200, None, b""),
                                             ("GET", 204, None, b""), ("GET", 304, None, b"")):
            # Bytes where there can be none are answered with CANCEL, and harm nobody else.
            for end, code in ((b"", None), ("trailers", None), *([] if body else [(b"more", 8)])):
                state.update(status=status, length=length, body=body, end=end)
                with self.subTest(f"{method} {status} {length} {end}"):
                    r = c.request(method).final(method)
                    self.assertEqual((r.status, r.body), (status, body))
                    call = o.last
                    taken.set()
                    if code:
                        eventually(lambda: call.code == code)
                    self.assertEqual(c.get("/next").body, b"ok")
                    self.assertEqual(call.code, code)
                    if not body:
                        r = d.final(d.request(method))
                        self.assertEqual((r.status, r.body), (status, body))
                        call = o.last
                        taken.set()
                        if code:
                            eventually(lambda: call.code == code)
                        self.assertEqual(d.get("/next").body, b"ok")
                        self.assertEqual(call.code, code)
        self.assertEqual(len(o.connections), 1)

    def test_an_end_that_never_comes(self):
        def answer(x):
            if x.field(":path") == "/next":
                return x.reply()
            x.headers([(":status", "200"), ("content-length", "0")])
        o = self.frames_origin(answer)
        g = self.front(o)
        with g.client() as c:
            for _ in range(40):
                self.assertEqual(c.get().status, 200)
            self.assertEqual(c.get("/next").body, b"ok")
            # A quarter of the hundred streams that the backend takes may wait for their ends; the others are reset at once.
            self.assertGreaterEqual([x.code for x in o.calls].count(8), 15)
            eventually(lambda: [x.code for x in o.calls] == [8] * 40 + [None])
            self.assertEqual(c.get("/next").body, b"ok")
        self.assertEqual(len(o.connections), 1)

    def test_a_backend_that_goes_away(self):
        state = {}

        def answer(x):
            if x.field(":path") == "/first":
                # The last stream that is served is this one; the one behind it is not.
                o.wait(2)
                state["gone"] = x.connection
                x.connection.send(frame(GOAWAY, 0, 0, bytes([0, 0, 0, x.stream, 0, 0, 0, 0])))
                x.reply(200, "first")
            elif x.connection is not state.get("gone") and "gone" in state:
                x.reply(200, "second")
        o = self.frames_origin(answer)
        g = self.front(o)
        with g.frames(g.addresses[1]) as c:
            one, two = c.request(target="/first"), c.request(target="/second")
            self.assertEqual((c.final(one).body, c.final(two).body), (b"first", b"second"))
            self.assertEqual(c.get("/third").body, b"second")
        self.assertEqual(len(o.connections), 2)

    def test_a_backend_that_hangs_up(self):
        def answer(x):
            if len(x.connection.calls) == 2:
                x.connection.socket.shutdown(2)
            else:
                x.reply()
        o = self.frames_origin(answer)
        g = self.front(o)
        for ask in self.both(g):
            # A connection that worked before and ends says nothing against its backend: another is made.
            self.assertEqual([ask().status for _ in range(4)], [200] * 4)
        o = self.frames_origin(lambda x: x.connection.socket.shutdown(2))
        g = self.front(o)
        for ask in self.both(g):
            self.assert_refused(ask("POST", body=b"x"), 502, "bad_response")

    def test_nobody_listens_and_nobody_speaks(self):
        address, held = closed_port()
        self.addCleanup(held.close)
        g = self.front(address)
        for ask in self.both(g):
            r = ask()
            self.assertIn(r.status, (502, 503))
        # One that speaks HTTP/1.1 only answers the preface with a 400, or nothing of use.
        g = self.front(self.origin(lambda x: x.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").close()))
        for ask in self.both(g):
            self.assert_refused(ask("POST", body=b"x"), 502, "bad_response")

    def test_a_client_that_leaves_resets_its_stream(self):
        o = self.frames_origin(lambda x: None)
        g = self.front(o)
        c, d = g.client(), g.frames(g.addresses[1])
        c.request(), d.request()
        o.wait(2)
        c.reset()
        d.reset(1)
        eventually(lambda: [x.code for x in o.calls] == [8, 8])
        self.assertEqual(len(o.connections), 1)
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 0)
        d.close()

    def test_checks_ask_in_http_2(self):
        up = [True]
        o = self.frames_origin(lambda x: x.reply(200 if up[0] else 500, x.field(":path")))
        g = self.front(o, lines=["health GET /healthz every 100ms timeout 1s rise 1 fall 1"])
        eventually(lambda: o.calls and o.calls[0].field(":path") == "/healthz")
        self.assertEqual(self.both(g)[0]().status, 200)
        up[0] = False
        eventually(lambda: g.metrics().value("gatehouse_backend_up", shard="one") == 0)
        up[0] = True
        eventually(lambda: g.metrics().value("gatehouse_backend_up", shard="one") == 1)

    def test_a_chain_of_two(self):
        """A proxy in front of another: HTTP/2 between them, HTTP/1.1 at both ends."""
        o = self.origin(lambda x: x.reply(200, x.read_body() or x.target))
        back = self.simple(o, listen=[BOTH])
        g = self.front(back.address)
        for ask in self.both(g):
            for size in (0, 100, 1_000_000):
                body = os.urandom(size)
                self.assertEqual(ask("PUT", "/x", body=body).body, body or b"/x")
        with g.frames(g.addresses[1]) as c:
            streams = [c.request(target=f"/{i}") for i in range(100)]
            self.assertEqual([c.final(s).body for s in streams], [f"/{i}".encode() for i in range(100)])

    def test_a_reload_changes_the_protocol(self):
        both = self.simple(self.origin(), listen=[BOTH])
        g = self.front(both.address)
        text = g.read("proxy.conf").decode()
        with g.client() as c, g.frames(g.addresses[1]) as d:
            for round in range(4):
                self.assertEqual((c.get().status, d.get().status), (200, 200))
                g.reload(text.replace("  protocol h2\n", "") if round % 2 == 0 else text)
        records = eventually(lambda: len(both.records()) == 8 and both.records())
        self.assertEqual({r["protocol"] for r in records}, {"HTTP/1.1", "HTTP/2.0"})
