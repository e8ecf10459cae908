"""Connections that live on: keep-alive, pipelining, HTTP/1.0, half-close, pooled upstream connections."""
import threading

from harness import HTTP2, Case, FramesOrigin, conf, eventually, shard, tenant


class KeepAlive(Case):
    def test_many_requests_on_one_connection_use_one_upstream_connection(self):
        o = self.origin()
        g = self.simple(o, workers=1)
        with g.client() as c:
            for i in range(50):
                self.assertEqual(c.get(f"/{i}").status, 200)
        self.assertEqual(len(o.used_connections), 1)
        self.assertEqual([x.target for x in o.requests], [f"/{i}" for i in range(50)])

    def test_dedicated_connections_carry_one_tenants_requests(self):
        def users(o, connection):
            return {x.field("x-tenant-id") for x in connection.exchanges}
        hosts = ["acme.example", "globex.example", "acme.example", "third.example", "globex.example"] * 6
        for lines, count in ((["pool idle 8 dedicated"], 3), ([], 1)):
            o = self.origin()
            g = self.gate(conf(shard("one", o, lines=lines), *(tenant(t) for t in ("acme", "globex", "third")), workers=1))
            with g.client() as c:
                self.assertEqual({c.get(host=h).status for h in hosts}, {200})
            self.assertEqual(len(o.used_connections), count)
            self.assertEqual({len(users(o, c)) for c in o.used_connections}, {1 if count == 3 else 3})
        for lines, count in ((["pool dedicated"], 3), ([], 1)):
            o = FramesOrigin()
            self._origins.append(o)
            g = self.gate(conf(shard("one", o, lines=["protocol h2", *lines]), *(tenant(t) for t in ("acme", "globex", "third")),
                               workers=1, listen=(HTTP2,)))
            with g.frames() as c:
                self.assertEqual({c.get(host=h).status for h in hosts}, {200})
            self.assertEqual(len(o.connections), count)

    def test_a_connection_that_is_to_say_who_asks_is_not_used_again(self):
        for scheme, count in (("NTLM", 4), ("Negotiate abc", 4), ("Basic realm=x", 1)):
            o = self.origin(lambda x: x.reply(401, "who?", [("WWW-Authenticate", scheme)]))
            g = self.simple(o, workers=1)
            with g.client() as c:
                self.assertEqual([c.get().status for _ in range(4)], [401] * 4)
            self.assertEqual(len(o.used_connections), count, scheme)

    def test_connection_close_of_the_client_closes_after_the_answer(self):
        o = self.origin()
        g = self.simple(o, workers=1)
        with g.client() as c:
            r = c.request(fields=[("Connection", "close")]).final()
            self.assertEqual((r.status, r.field("connection").lower()), (200, "close"))
            self.assertTrue(c.is_closed())
        with g.client() as c:
            self.assertEqual(c.get().status, 200)
        self.assertEqual(len(o.used_connections), 1, "the client's Connection: close is not the upstream connection's")

    def test_connection_close_of_the_origin_is_not_the_clients(self):
        def answer(x):
            x.reply(200, "bye", [("Connection", "close")])
            x.close()
        o = self.origin(answer)
        g = self.simple(o)
        with g.client() as c:
            for _ in range(5):
                r = c.get()
                self.assertEqual(r.body, b"bye")
                self.assertNotEqual((r.field("connection") or "").lower(), "close")
        self.assertEqual(len(o.used_connections), 5)

    def test_one_empty_line_before_a_request_is_skipped(self):
        g = self.simple(self.origin())
        with g.client() as c:
            c.get()
            self.assertEqual(c.send(b"\r\nGET / HTTP/1.1\r\nHost: acme.example\r\n\r\n").final().status, 200)

    def test_an_idle_upstream_connection_beyond_the_pool_is_closed(self):
        hold = threading.Barrier(4)

        def answer(x):
            hold.wait(10)
            x.reply()
        o = self.origin(answer)
        g = self.simple(o, workers=1, lines=["pool idle 1"])
        clients = [g.client() for _ in range(4)]
        for c in clients:
            c.request()
        for c in clients:
            self.assertEqual(c.final().status, 200)
        eventually(lambda: g.metrics().value("gatehouse_upstream_connections", shard="one", state="idle") == 1, "one pooled connection")
        for c in clients:
            c.close()


class Pipelining(Case):
    def test_answers_come_in_the_order_of_the_requests(self):
        o = self.origin(lambda x: x.reply(200, x.target))
        g = self.simple(o)
        with g.client() as c:
            c.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: acme.example\r\n\r\n" % i for i in range(200)))
            self.assertEqual([c.final().body for _ in range(200)], [b"/%d" % i for i in range(200)])

    def test_bodies_in_a_pipeline_keep_their_bounds(self):
        o = self.origin(lambda x: x.reply(200, x.method.encode() + b":" + x.read_body()))
        g = self.simple(o)
        with g.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 5\r\n\r\nhello"
                   b"GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n"
                   b"PUT / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
                   b"DELETE / HTTP/1.1\r\nHost: acme.example\r\n\r\n")
            self.assertEqual([c.final().body for _ in range(4)], [b"POST:hello", b"GET:", b"PUT:hi", b"DELETE:"])

    def test_tenants_may_alternate_in_a_pipeline(self):
        a, b = self.origin(name="a"), self.origin(name="b")
        g = self.gate(conf(shard("one", a), shard("two", b), tenant("acme", home="one"), tenant("globex", home="two")))
        with g.client() as c:
            c.send(b"".join(b"GET / HTTP/1.1\r\nHost: %s.example\r\n\r\n" % t for t in (b"acme", b"globex") * 20))
            self.assertEqual([c.final().body for _ in range(40)], [b"a", b"b"] * 20)

    def test_a_bad_request_in_a_pipeline_ends_it_after_the_good_ones(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.send(b"GET /1 HTTP/1.1\r\nHost: acme.example\r\n\r\nGET /2 HTTP/1.1\r\nHost: acme.example\r\nBad Name: x\r\n\r\n"
                   b"GET /3 HTTP/1.1\r\nHost: acme.example\r\n\r\n")
            self.assertEqual(c.final().status, 200)
            self.assert_refused(c.final(), 400, "bad_request")
            self.assertTrue(c.is_closed())
        self.assertEqual([x.target for x in o.requests], ["/1"])

    def test_nothing_after_connection_close_is_served(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.send(b"GET /1 HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: acme.example\r\n\r\n")
            self.assertEqual(c.final().status, 200)
            self.assertTrue(c.is_closed())
        self.assertEqual([x.target for x in o.requests], ["/1"])


class HTTP10(Case):
    def test_it_is_served_and_closed(self):
        g = self.simple(self.origin(lambda x: x.reply(200, "old")))
        with g.client() as c:
            r = c.request(version="HTTP/1.0").final()
            self.assertEqual((r.status, r.body), (200, b"old"))
            self.assertTrue(c.is_closed())

    def test_keep_alive_is_honoured_when_asked_for(self):
        g = self.simple(self.origin(lambda x: x.reply(200, "old")))
        with g.client() as c:
            for _ in range(3):
                r = c.request(version="HTTP/1.0", fields=[("Connection", "keep-alive")]).final()
                self.assertEqual((r.status, (r.field("connection") or "").lower()), (200, "keep-alive"))

    def test_it_never_sees_chunks(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
        g = self.simple(self.origin(answer))
        for fields in ([], [("Connection", "keep-alive")]):
            with g.client() as c:
                r = c.request(version="HTTP/1.0", fields=fields).final()
                self.assertIsNone(r.field("transfer-encoding"))
                self.assertEqual((r.framing, r.body), ("close", b"abcdefg"))

    def test_it_never_sees_interim_answers(self):
        g = self.simple(self.origin(lambda x: x.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").reply(200, "end")))
        with g.client() as c:
            self.assertEqual(c.request(version="HTTP/1.0").response().status, 200)

    def test_a_truncated_stream_is_reset_not_ended(self):
        """Closing is how HTTP/1.0 sees the end, so that a broken answer must not look closed."""
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            x.close()
        g = self.simple(self.origin(answer))
        with g.client() as c:
            with self.assertRaises(ConnectionError):
                c.request(version="HTTP/1.0").final()
                self.fail("the truncated body looked complete")


class HalfClose(Case):
    def test_a_client_that_has_said_all_still_gets_its_answer(self):
        go = threading.Event()

        def answer(x):
            x.read_body()
            go.wait(10)
            x.reply(200, "late")
        o = self.origin(answer)
        g = self.simple(o)
        with g.client() as c:
            c.request("POST", body=b"x" * 10).half_close()
            o.wait(1)
            go.set()
            self.assertEqual(c.final().body, b"late")
            self.assertTrue(c.is_closed())

    def test_half_close_in_a_body_is_an_abort(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 10\r\n\r\nhalf")
            x = o.wait(1)
            c.half_close()
            self.assertTrue(x.connection.closed_by_peer.wait(10), "the origin still waits for the rest")
        self.assertFalse(x.complete)

    def test_an_origin_that_half_closes_after_its_answer_is_understood(self):
        import socket

        def answer(x):
            x.reply(200, "done")
            x.connection.socket.shutdown(socket.SHUT_WR)
        o = self.origin(answer)
        g = self.simple(o)
        with g.client() as c:
            for _ in range(3):
                self.assertEqual(c.get().body, b"done")
        self.assertEqual(len(o.used_connections), 3)
