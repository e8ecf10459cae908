"""HTTP/2 towards clients, in clear: requests, answers, the one path behind them."""
import threading

from harness import BOTH, HTTP2, Case, GoneAway, Reset, eventually
from harness.frames import END_HEADERS, GOAWAY, HEADERS, PREFACE, SETTINGS, frame
from harness.fields import encode


class Requests(Case):
    def test_anything_gets_through_at_all(self):
        o = self.origin(lambda x: x.reply(200, "hello", [("Content-Type", "text/plain"), ("Keep-Alive", "timeout=5")]))
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            r = c.get("/a?b=c", fields=[("user-agent", "test"), ("te", "trailers"), ("cookie", "a=b"), ("cookie", "c=d")])
            self.assertEqual((r.status, r.body, r.field("content-type")), (200, b"hello", "text/plain"))
        x = o.last
        self.assertEqual(x.line, "GET /a?b=c HTTP/1.1")
        self.assertEqual((x.field("host"), x.field("cookie"), x.field("x-tenant-id")), ("acme.example", "a=b; c=d", "acme"))
        self.assertEqual((x.field("via"), x.field("x-forwarded-for"), x.field("te")), ("1.1 gatehouse", "127.0.0.1", None))
        row = eventually(g.records)[0]
        self.assertEqual((row["protocol"], row["path"], row["status"], row["tenant"]), ("HTTP/2.0", "/a?b=c", 200, "acme"))

    def test_many_at_a_time_share_a_connection(self):
        go = threading.Event()

        def answer(x):
            go.wait(10)
            x.reply(200, x.target)
        o = self.origin(answer)
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            streams = [c.request(target=f"/{i}") for i in range(100)]
            o.wait(100)
            self.assertEqual(g.metrics().value("gatehouse_client_connections", state="active"), 1)
            self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 100)
            go.set()
            for i, stream in reversed(list(enumerate(streams))):
                self.assertEqual(c.final(stream).body, f"/{i}".encode())
            eventually(lambda: g.metrics().value("gatehouse_client_connections", state="idle") == 1)
            self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 0)
        eventually(lambda: g.metrics().value("gatehouse_client_connections") == 0)

    def test_a_listener_that_speaks_both(self):
        g = self.simple(self.origin(), listen=[BOTH])
        for _ in range(2):
            with g.frames() as c, g.client() as d:
                self.assertEqual((c.get().status, d.get().status, d.get().status), (200, 200, 200))
        with g.client() as c:
            for byte in b"PUT / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 2\r\n\r\nhi":
                c.send(bytes([byte]))
            self.assertEqual(c.final().status, 200)
        with g.frames(start=False) as c:
            for byte in PREFACE + frame(SETTINGS):
                c.send(bytes([byte]))
            self.assertEqual(c.get().status, 200)

    def test_http_1_where_only_http_2_is_spoken(self):
        g = self.simple(self.origin(), listen=[HTTP2])
        with g.client() as c:
            c.send("GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n")
            self.assertEqual(c.rest()[9 + 30 + 13 + 3], GOAWAY)

    def test_interim_answers(self):
        o = self.origin(lambda x: x.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\n").reply(200, "page"))
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            stream = c.request()
            first, last = c.response(stream), c.response(stream)
            self.assertEqual((first.status, first.field("link"), last.status, last.body), (103, "</a>", 200, b"page"))

    def test_answers_without_a_body(self):
        answers = {"/204": (204, ""), "/304": (304, ""), "/head": (200, "x" * 10), "/empty": (200, "")}
        o = self.origin(lambda x: x.reply(*answers[x.target]))
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            for target, (status, body) in answers.items():
                r = c.final(c.request("HEAD" if target == "/head" else "GET", target))
                self.assertEqual((r.status, r.body), (status, b""), target)
            self.assertEqual(c.final(c.request("HEAD", "/head")).field("content-length"), "10")

    def test_affinity_and_limits(self):
        g = self.simple(self.origin(), listen=[HTTP2], lines=["sticky cookie SRV for 1h"], tenant_lines=["requests 2/h burst 2"])
        with g.frames() as c:
            r = c.get()
            cookie = r.cookie("SRV")
            self.assertTrue(cookie)
            self.assertEqual(r.field("ratelimit").split(";")[1], "r=1")
            self.assertIsNone(c.get(fields=[("cookie", f"SRV={cookie}")]).cookie("SRV"))
            r = c.get()
            self.assert_refused(r, 429, "rate_limited")
            self.assertTrue(int(r.field("retry-after")) > 0)
        self.assertEqual(g.metrics().value("gatehouse_limited_total", tenant="acme", limit="requests"), 1)

    def test_no_backend_and_broken_answers(self):
        def answer(x):
            if x.target == "/cut":
                x.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").close()
            elif x.target == "/garbage":
                x.send("garbage\r\n\r\n").close()
        g = self.simple(self.origin(answer), listen=[HTTP2])
        with g.frames() as c:
            self.assert_refused(c.get("/garbage"), 502, "bad_response")
            with self.assertRaises(Reset) as e:
                c.get("/cut")
            self.assertEqual(e.exception.code, 2)
            # The connection outlives both.
            self.assert_refused(c.get(host="nobody.example"), 404, "tenant_unknown")

    def test_malformed_requests_are_reset_and_counted(self):
        o = self.origin()
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            for fields in ([("Upper", "x")], [("connection", "close")], [("x", "a\r\nb: c")], [("x", "a ")], [(":path", "/")]):
                with self.assertRaises(Reset, msg=fields) as e:
                    c.get(fields=fields)
                self.assertEqual(e.exception.code, 1, fields)
            for host in ("a b", "user@acme.example", "", "acme.example:0"):
                with self.assertRaises(Reset, msg=host):
                    c.get(host=host)
            with self.assertRaises(Reset):
                c.get(host=None)
            self.assertEqual(c.get().status, 200)
        self.assertEqual(len(o.requests), 1)
        self.assertEqual(g.metrics().value("gatehouse_refused_total", code="bad_request"), 10)
        self.assertEqual(sum(r.get("code") == "bad_request" for r in eventually(lambda: len(g.records()) == 11 and g.records())), 10)

    def test_heads_that_are_too_large(self):
        g = self.simple(self.origin(), listen=[HTTP2], parts=["bounds {\n  header-size 2KiB\n  header-count 10\n}"])
        with g.frames() as c:
            self.assert_refused(c.get("/" + "a" * 3000), 414, "uri_too_long")
            self.assert_refused(c.get(fields=[("x", "a" * 3000)]), 431, "head_too_large")
            self.assert_refused(c.get(fields=[("x", "a")] * 10), 431, "head_too_large")
            self.assert_refused(c.get(fields=[("cookie", "a")] * 11), 431, "head_too_large")
            self.assertEqual(c.get().status, 200)
            # A block in many frames.
            block = encode(c.head(fields=[("x", "a" * 1000)]))
            stream, c.next = c.next, c.next + 2
            c.send(frame(HEADERS, 1, stream, block[:7]))
            for at in range(7, len(block), 100):
                c.send(frame(9, END_HEADERS if at + 100 >= len(block) else 0, stream, block[at:at + 100]))
            self.assertEqual(c.final(stream).status, 200)

    def test_more_streams_than_may_be_open(self):
        go = threading.Event()

        def answer(x):
            go.wait(10)
            x.reply()
        g = self.simple(self.origin(answer), listen=[HTTP2], parts=["h2 {\n  streams 3\n}"])
        with g.frames() as c:
            c.read(), c.read(), c.read()
            self.assertEqual(c.peer[3], 3)
            streams = [c.request() for _ in range(4)]
            with self.assertRaises(Reset) as e:
                c.final(streams[3])
            self.assertEqual(e.exception.code, 7)
            go.set()
            self.assertEqual([c.final(s).status for s in streams[:3]], [200] * 3)
            self.assertEqual(c.get().status, 200)


class Lifecycle(Case):
    def test_a_client_that_resets_frees_what_it_held(self):
        o = self.origin(lambda x: x.wait_gone())
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            streams = [c.request() for _ in range(5)]
            o.wait(5)
            for stream in streams:
                c.reset(stream)
            eventually(lambda: g.metrics().value("gatehouse_requests_in_flight", tenant="acme") == 0)
        self.assertEqual([r["status"] for r in eventually(lambda: len(g.records()) == 5 and g.records())], [499] * 5)

    def test_a_client_that_goes_frees_what_it_held(self):
        o = self.origin(lambda x: x.wait_gone())
        g = self.simple(o, listen=[HTTP2])
        c = g.frames()
        [c.request() for _ in range(5)]
        o.wait(5)
        c.close()
        eventually(lambda: g.metrics().value("gatehouse_requests_in_flight", tenant="acme") == 0)
        eventually(lambda: g.metrics().value("gatehouse_client_connections") == 0)

    def test_a_stop_lets_requests_in_flight_end(self):
        go = threading.Event()

        def answer(x):
            go.wait(10)
            x.reply(200, "late")
        o = self.origin(answer)
        g = self.simple(o, listen=[HTTP2], workers=1)
        with g.frames() as c, g.frames() as idle:
            self.assertEqual(idle.get(host="nobody.example").status, 404)
            stream = c.request()
            o.wait(1)
            g.signal(15)
            while c.goaway is None:
                c.read()
            self.assertEqual(c.goaway, (2**31 - 1, 0))
            # What was on its way when the client learnt of it is served, too.
            late = c.request()
            while c.goaway[0] != 3:
                c.read()
            go.set()
            self.assertEqual((c.final(stream).body, c.final(late).body), (b"late", b"late"))
            self.assertEqual((c.ended(), idle.ended()), (0, 0))
        self.assertEqual(g.wait_end(), 0)

    def test_a_reload_keeps_connections(self):
        o = self.origin()
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            self.assertEqual(c.get().status, 200)
            g.reload(g.read("proxy.conf").decode().replace("acme.example", "acme2.example"))
            self.assert_refused(c.get(), 404, "tenant_unknown")
            self.assertEqual(c.get(host="acme2.example").status, 200)

    def test_a_reload_changes_what_a_listener_speaks(self):
        g = self.simple(self.origin(), listen=["127.0.0.1:0"])
        text = g.read("proxy.conf").decode()
        g.reload(text.replace("listen 127.0.0.1:0", HTTP2))
        with g.frames() as c:
            self.assertEqual(c.get().status, 200)

    def test_an_idle_connection_is_told_and_closed(self):
        g = self.simple(self.origin(), listen=[HTTP2], parts=["timeouts {\n  keep-alive 300ms\n}"])
        with g.frames() as c:
            self.assertEqual(c.get().status, 200)
            self.assertEqual(c.ended(), 0)
            self.assertEqual(c.goaway, (1, 0))

    def test_half_a_frame_is_not_waited_for_long(self):
        g = self.simple(self.origin(), listen=[HTTP2], parts=["timeouts {\n  header 300ms\n}"])
        with g.frames() as c:
            c.send(frame(HEADERS, 5, 1, encode(c.head()))[:20])
            self.assertEqual(c.ended(), 0)
        with g.frames() as c:
            while c.read().kind != SETTINGS or len(c.peer) == 0:
                pass
            c.send(frame(HEADERS, 1, 1, encode(c.head())))
            self.assertEqual(c.ended(), 0)
        self.assertEqual(g.metrics().value("gatehouse_refused_total", code="request_timeout"), 2)


class WebSockets(Case):
    CONNECT = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"),
               (":authority", "acme.example"), ("sec-websocket-version", "13")]

    def test_a_tunnel_both_ways(self):
        def echo(x):
            x.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
            x.complete = True
            while True:
                x.connection.send(x.connection.some(1 << 16))
        o = self.origin(echo)
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            c.headers(1, self.CONNECT, ends=False)
            c.data(1, b"early")
            f = c.event(1)
            self.assertEqual(f.fields, [(":status", "200"), ("sec-websocket-protocol", "chat")])
            self.assertEqual(c.event(1).payload, b"early")
            for size in (1, 1000, 16384):
                c.data(1, b"x" * size)
                got = b""
                while len(got) < size:
                    got += c.event(1).payload
                self.assertEqual(got, b"x" * size)
            c.data(1, ends=True)
            self.assertTrue(eventually(lambda: o.connections[0].closed_by_peer.is_set()))
        x = o.last
        self.assertEqual(x.line, "GET /chat HTTP/1.1")
        self.assertEqual((x.field("connection"), x.field("upgrade"), len(x.field("sec-websocket-key"))), ("Upgrade", "websocket", 24))

    def test_a_refusal(self):
        g = self.simple(self.origin(lambda x: x.reply(403, "no")), listen=[HTTP2])
        with g.frames() as c:
            c.headers(1, self.CONNECT, ends=False)
            r = c.final(1)
            self.assertEqual((r.status, r.body), (403, b"no"))
            c.next = 3
            self.assertEqual(c.get().status, 403)
            with self.assertRaises(GoneAway if c.goaway else Reset):
                c.headers(5, [(":method", "CONNECT"), (":authority", "acme.example:80")])
                c.final(5)
