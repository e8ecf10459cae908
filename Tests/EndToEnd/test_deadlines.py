"""Deadlines that clients give: `grpc-timeout` and `X-Request-Timeout`."""
import re
import threading
import time

from harness import HTTP2, Case, FramesOrigin, Reset, eventually
from harness.frames import CANCEL

CALL = [("content-type", "application/grpc"), ("te", "trailers")]


def milliseconds(text):
    """A grpc-timeout or X-Request-Timeout, as it reaches backends."""
    number, unit = re.fullmatch(r"(\d{1,11})(n|u|m|S|ms)", text).groups()
    return int(number) * {"n": 1e-6, "u": 1e-3, "m": 1, "ms": 1, "S": 1000}[unit]


class Deadlines(Case):
    def silent(self, **keywords):
        """An origin that takes requests and answers none."""
        o = self.origin(lambda x: x.wait_gone(10))
        return o, self.simple(o, listen=["127.0.0.1:0", HTTP2], **keywords)

    def frames_front(self, answer=None, lines=(), **keywords):
        o = FramesOrigin(answer, **keywords)
        self._origins.append(o)
        return o, self.simple(o, lines=["protocol h2", *lines], listen=["127.0.0.1:0", HTTP2], workers=1)

    def test_it_ends_a_request(self):
        o, g = self.silent()
        for field in (("X-Request-Timeout", "150ms"), ("grpc-timeout", "150m")):
            with g.client() as c:
                begun = time.monotonic()
                self.assert_refused(c.get(fields=[field]), 504, "response_timeout")
                self.assertTrue(0.15 <= time.monotonic() - begun < 5)
                # The client's connection is good for the next one, the backend's is not.
                self.assert_refused(c.get(fields=[field]), 504, "response_timeout")
        for x in o.requests:
            self.assertTrue(x.connection.closed_by_peer.wait(10))
        self.assertEqual({(r["status"], r["code"]) for r in eventually(lambda: len(g.records()) == 4 and g.records())},
                         {(504, "response_timeout")})
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight"), 0)

    def test_the_shorter_one_counts_and_the_configured_one_stays(self):
        o, g = self.silent(parts=["timeouts {\n  response 200ms\n}"])
        with g.client() as c:
            begun = time.monotonic()
            for value in ("1h", "3600", "nonsense"):
                self.assert_refused(c.get(fields=[("X-Request-Timeout", value)]), 504, "response_timeout")
            self.assertLess(time.monotonic() - begun, 5)
        with g.client() as c:
            c.get(fields=[("X-Request-Timeout", "1h"), ("X-Request-Timeout", "20ms"), ("grpc-timeout", "1H")])
        self.assertLess(milliseconds(o.last.field("x-request-timeout")), 21)

    def test_none_is_left(self):
        o, g = self.silent()
        with g.client() as c, g.frames(g.addresses[1]) as d:
            self.assert_refused(c.get(fields=[("X-Request-Timeout", "0")]), 504, "response_timeout")
            self.assert_refused(d.get(fields=[("x-request-timeout", "0ms")]), 504, "response_timeout")
        self.assertEqual(o.requests, [])

    def test_what_is_left_is_passed_on(self):
        o = self.origin()
        g = self.simple(o, listen=["127.0.0.1:0", HTTP2])
        with g.client() as c, g.frames(g.addresses[1]) as d:
            for ask in (c.get, d.get):
                ask(fields=[("x-request-timeout", "60"), ("grpc-timeout", "50S")])
                # One deadline, the shorter one, in both.
                for name in ("x-request-timeout", "grpc-timeout"):
                    self.assertTrue(40_000 < milliseconds(o.last.field(name)) <= 50_000, o.last.fields)
            for name, value in (("x-request-timeout", "soon"), ("grpc-timeout", "123456789m")):
                c.get(fields=[(name, value)])
                self.assertEqual(o.last.field(name), value)
            c.get()
            self.assertIsNone(o.last.field("x-request-timeout"))
            c.get(fields=[("X_Request_Timeout", "1")])
            self.assertEqual([n for n, _ in o.last.fields if "timeout" in n.lower()], [])

    def test_what_is_left_is_told_anew_to_the_next_backend(self):
        spent = threading.Event()

        def refuse(x):
            time.sleep(0.3)   # the time that is to be missing afterwards
            spent.set()
            x.reset(7)
        bad, good = FramesOrigin(refuse), FramesOrigin()
        self._origins += [bad, good]
        g = self.simple(bad, good, lines=["protocol h2", "balance round-robin"], workers=1)
        with g.client() as c:
            while not spent.is_set():
                self.assertEqual(c.get(fields=[("X-Request-Timeout", "9s")]).status, 200)
        self.assertLess(milliseconds(good.last.field("x-request-timeout")), 8_701)
        self.assertGreater(milliseconds(bad.last.field("x-request-timeout")), 8_700)

    def test_an_upload_is_ended_too(self):
        o, g = self.silent()
        with g.client() as c:
            c.send("POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 10\r\nX-Request-Timeout: 150ms\r\n\r\nabc")
            self.assert_refused(c.final(), 504, "response_timeout")
            self.assertTrue(c.is_closed())

    def test_waiting_for_a_slot_takes_from_it(self):
        """In the queue of a saturated shard it ends too; who gets a slot in time is told what is left."""
        go = threading.Event()
        self.addCleanup(go.set)
        o = self.origin(lambda x: (x.target != "/long" or go.wait(20)) and x.reply(200, "ok"))
        g = self.simple(o, lines=["concurrency 1", "queue 10 for 20s"], workers=1)
        with g.client() as holder, g.client() as c, g.client() as d:
            holder.request(target="/long")
            o.wait(1)
            self.assert_refused(c.get(fields=[("X-Request-Timeout", "150ms")]), 504, "response_timeout")
            d.request(fields=[("X-Request-Timeout", "9s")])
            self.assert_refused(c.get(fields=[("X-Request-Timeout", "300ms")]), 504, "response_timeout")
            go.set()
            self.assertEqual((holder.final().status, d.final().status), (200, 200))
        self.assertLess(milliseconds(o.last.field("x-request-timeout")), 8_701)
        self.assertEqual(len(o.requests), 2)

    def test_an_answer_that_takes_too_long_is_cut(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            x.wait_gone(10)
        g = self.simple(self.origin(answer), listen=["127.0.0.1:0", HTTP2])
        with g.client() as c:
            with self.assertRaises((EOFError, ConnectionResetError)):
                c.get(fields=[("X-Request-Timeout", "200ms")])
        with g.frames(g.addresses[1]) as d:
            with self.assertRaises(Reset):
                d.get(fields=[("x-request-timeout", "200ms")])
        records = eventually(lambda: len(g.records()) == 2 and g.records())
        self.assertEqual({(r["status"], r["code"]) for r in records}, {(200, "response_timeout")})

    def test_a_call_of_grpc(self):
        o, g = self.frames_front(lambda x: None)
        with g.frames(g.addresses[1]) as c:
            r = c.final(c.request("POST", "/a.B/C", fields=[*CALL, ("grpc-timeout", "150m")], body=b"\0\0\0\0\0"))
            self.assertEqual((r.status, r.field("grpc-status"), r.field("grpc-message"), r.body), (200, "4", "response_timeout", b""))
            self.assertTrue(0 < milliseconds(o.last.field("grpc-timeout")) <= 150)
            eventually(lambda: o.last.code == CANCEL)
            # The connections of both sides go on.
            o.answer = lambda x: x.reply(200, b"\0\0\0\0\0", [("content-type", "application/grpc")], trailers=[("grpc-status", "0")])
            r = c.final(c.request("POST", "/a.B/C", fields=[*CALL, ("grpc-timeout", "5S")], body=b"\0\0\0\0\0"))
            self.assertEqual(r.trailers, [("grpc-status", "0")])
        self.assertEqual(len(o.connections), 1)

    def test_a_call_whose_answer_has_begun(self):
        o, g = self.frames_front(lambda x: x.headers([(":status", "200"), ("content-type", "application/grpc")]).data(b"\0\0\0\0\2hi"))
        with g.frames(g.addresses[1]) as c:
            r = c.final(c.request("POST", "/a.B/C", fields=[*CALL, ("grpc-timeout", "300m")], body=b"\0\0\0\0\0"))
            self.assertEqual((r.body, r.trailers), (b"\0\0\0\0\2hi", [("grpc-status", "4"), ("grpc-message", "response_timeout")]))
            eventually(lambda: o.last.code == CANCEL)

    def test_a_conversation_that_the_client_has_not_ended(self):
        o, g = self.frames_front(started=lambda x: x.field(":method") == "POST" and x.headers([(":status", "200"), *CALL[:1]]))
        with g.frames(g.addresses[1]) as c:
            stream = c.request("POST", "/a.B/C", fields=[*CALL, ("grpc-timeout", "300m")], body=b"\0\0\0\0\1x", ends=False)
            r = c.final(stream)
            self.assertEqual(r.trailers[0], ("grpc-status", "4"))
            self.assertEqual(c.get().status, 200)

    def test_in_time_nothing_happens(self):
        o = self.origin(lambda x: x.reply(200, x.read_body()))
        g = self.simple(o, listen=["127.0.0.1:0", HTTP2], workers=1)
        with g.client() as c, g.frames(g.addresses[1]) as d:
            for _ in range(50):
                self.assertEqual(c.get(fields=[("X-Request-Timeout", "100ms")]).status, 200)
                self.assertEqual(d.get(fields=[("x-request-timeout", "100ms")]).status, 200)
            begun = time.monotonic()
            while time.monotonic() - begun < 0.3:
                self.assertEqual(c.get().status, 200)
        self.assertEqual(g.metrics().value("gatehouse_requests_total", code="5xx"), 0)
