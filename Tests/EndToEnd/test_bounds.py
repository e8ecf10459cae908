"""Timeouts and bounds: nobody holds more of the proxy, or for longer, than was allowed."""
import socket
import threading
import time

from harness import Case, Client, eventually, get
from harness.settings import block

QUICK = 0.4


def timeouts(**times):
    return block("timeouts", *(f"{name.replace('_', '-')} {value}" for name, value in times.items()))


def bounds(**sizes):
    return block("bounds", *(f"{name.replace('_', '-')} {value}" for name, value in sizes.items()))


class Timeouts(Case):
    def timed(self, body, least, most):
        began = time.monotonic()
        value = body()
        took = time.monotonic() - began
        self.assertGreater(took, least, "too early")
        self.assertLess(took, most, "too late")
        return value

    def test_a_slow_head_is_408(self):
        o = self.origin()
        g = self.simple(o, parts=[timeouts(header="400ms")])
        with g.client() as c:
            c.send("GET / HTTP/1.1\r\nHost: acme")
            self.assert_refused(self.timed(c.response, QUICK * 0.7, 4), 408, "request_timeout")
            self.assertTrue(c.is_closed())
        self.assertEqual(o.requests, [])

    def test_drops_do_not_prolong_a_head(self):
        g = self.simple(self.origin(), parts=[timeouts(header="400ms")])
        with g.client() as c:
            c.send("GET / HTTP/1.1\r\nHost: acme.example\r\n")
            closed = threading.Event()

            def drip():
                try:
                    while not closed.wait(0.05):
                        c.send("X-A: b\r\n")
                except OSError:
                    pass
            threading.Thread(target=drip, daemon=True).start()
            try:
                self.timed(lambda: self.assertEqual(c.response().status, 408), QUICK * 0.7, 4)
            except ConnectionError:
                pass        # its last drop came too late for the answer to be read
            closed.set()

    def test_a_second_slow_head_is_408_too(self):
        g = self.simple(self.origin(), parts=[timeouts(header="400ms", keep_alive="30s")])
        with g.client() as c:
            c.get()
            c.send("GET / HT")
            self.assertEqual(self.timed(c.response, QUICK * 0.7, 4).status, 408)

    def test_an_idle_connection_is_closed_in_silence(self):
        g = self.simple(self.origin(), parts=[timeouts(keep_alive="400ms")])
        with g.client() as c:
            c.get()
            self.assertTrue(self.timed(c.is_closed, QUICK * 0.7, 4))
        with g.client() as c:
            self.assertTrue(self.timed(c.is_closed, 0, 20), "a connection that never said anything stays")

    def test_an_active_connection_is_not_idle(self):
        g = self.simple(self.origin(lambda x: time.sleep(0.15) or x.reply()), parts=[timeouts(keep_alive="400ms")])
        with g.client() as c:
            for _ in range(6):
                self.assertEqual(c.get().status, 200)

    def test_a_slow_body_is_408_and_cancels_the_upstream(self):
        o = self.origin()
        g = self.simple(o, parts=[timeouts(body_idle="400ms")])
        with g.client() as c:
            c.send("POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 10\r\n\r\nhalf")
            self.assert_refused(self.timed(c.response, QUICK * 0.7, 4), 408, "request_timeout")
            self.assertTrue(c.is_closed())
        self.assertTrue(o.wait(1).connection.closed_by_peer.wait(10))
        self.assertFalse(o.last.complete)

    def test_a_body_that_moves_is_not_slow(self):
        g = self.simple(self.origin(lambda x: x.reply(200, x.read_body())), parts=[timeouts(body_idle="400ms")])
        with g.client() as c:
            c.send("POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 10\r\n\r\n")
            for _ in range(10):
                time.sleep(0.08)
                c.send("x")
            self.assertEqual(c.final().body, b"x" * 10)

    def test_an_origin_that_says_nothing_is_504(self):
        o = self.origin(lambda x: x.wait_gone(20))
        g = self.simple(o, parts=[timeouts(response="400ms")])
        with g.client() as c:
            self.assert_refused(self.timed(lambda: c.get(), QUICK * 0.7, 4), 504, "response_timeout")
        self.assertTrue(o.wait(1).connection.closed_by_peer.wait(10))

    def test_half_a_head_is_504_too(self):
        o = self.origin(lambda x: x.send("HTTP/1.1 200 OK\r\nContent-") and x.wait_gone(20))
        g = self.simple(o, parts=[timeouts(response="400ms")])
        self.assertEqual(self.timed(lambda: get(g.address), QUICK * 0.7, 4).status, 504)

    def test_an_origin_that_cannot_be_reached_is_502(self):
        """A listener whose queue is full answers no SYN: the connection hangs."""
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        fillers = []
        for _ in range(4):
            f = socket.socket()
            f.setblocking(False)
            f.connect_ex(s.getsockname())
            fillers.append(f)
        g = self.simple(f"127.0.0.1:{s.getsockname()[1]}", parts=[timeouts(connect="400ms")])
        self.assert_refused(self.timed(lambda: get(g.address), QUICK * 0.7, 8), 502, "connect_failed")
        for f in fillers + [s]:
            f.close()

    def test_a_stream_that_stands_still_ends(self):
        o = self.origin(lambda x: x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n") and x.wait_gone(20))
        g = self.simple(o, parts=[timeouts(idle="400ms")])
        with g.client() as c:
            with self.assertRaises((EOFError, ConnectionError)):
                c.get()
        self.assertTrue(o.wait(1).connection.closed_by_peer.wait(10))

    def test_a_tunnel_that_stands_still_ends(self):
        from test_upgrade import UPGRADE, echo
        o = self.origin(echo)
        g = self.simple(o, parts=[timeouts(idle="400ms")])
        with g.client() as c:
            self.assertEqual(c.send(UPGRADE).head().status, 101)
            c.send(b"x")
            c.take(1)
            self.assertTrue(self.timed(c.is_closed, QUICK * 0.7, 4))
        self.assertTrue(o.wait(1).connection.closed_by_peer.wait(10))

    def test_a_client_that_does_not_read_its_answer_is_cut_off(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            for _ in range(100):
                x.send(bytes(1_000_000))
        o = self.origin(answer)
        g = self.simple(o, parts=[timeouts(idle="400ms")])
        with Client(g.address, receive_buffer=1 << 16) as c:
            c.request()
            self.assertTrue(o.wait(1).connection.closed_by_peer.wait(15), "it may hold its upstream connection for ever")


class Sizes(Case):
    def test_a_long_target_is_414(self):
        o = self.origin()
        g = self.simple(o, parts=[bounds(header_size="4KiB")])
        with g.client() as c:
            self.assert_refused(c.request(target="/" + "a" * 5000).final(), 414, "uri_too_long")
            self.assertTrue(c.is_closed())
        self.assertEqual(o.requests, [])

    def test_a_long_head_is_431(self):
        o = self.origin()
        g = self.simple(o, parts=[bounds(header_size="4KiB")])
        with g.client() as c:
            self.assert_refused(c.request(fields=[("X-A", "a" * 5000)]).final(), 431, "head_too_large")
            self.assertTrue(c.is_closed())
        with g.client() as c:
            self.assertEqual(c.request(fields=[(f"X-{i}", "a" * 300) for i in range(20)]).final().status, 431)
        self.assertEqual(o.requests, [])

    def test_a_head_that_never_ends_is_431(self):
        g = self.simple(self.origin(), parts=[bounds(header_size="4KiB")])
        with g.client() as c:
            try:
                c.send("GET / HTTP/1.1\r\nHost: acme.example\r\nX-A: ")
                for _ in range(100):
                    c.send("a" * 100)
            except ConnectionError:
                pass
            try:
                self.assertEqual(c.response().status, 431)
            except ConnectionError:
                pass        # what was sent after the refusal took the answer away
        self.assertEqual(g.metrics().value("gatehouse_refused_total", code="head_too_large"), 1)

    def test_too_many_fields_are_431(self):
        o = self.origin()
        g = self.simple(o, parts=[bounds(header_count="10")])
        with g.client() as c:
            self.assertEqual(c.request(fields=[(f"X-{i}", "y") for i in range(9)]).final().status, 200)
            self.assert_refused(c.request(fields=[(f"X-{i}", "y") for i in range(10)]).final(), 431, "head_too_large")

    def test_a_large_head_within_the_bound_passes(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            self.assertEqual(c.get(fields=[(f"X-{i}", "a" * 240) for i in range(120)]).status, 200)
        self.assertEqual(len([1 for k, _ in o.last.fields if k.startswith("X-") and k[2:].isdigit()]), 120)

    def test_a_declared_body_over_the_bound_is_413(self):
        o = self.origin()
        g = self.simple(o, parts=[bounds(body_size="1KiB")])
        with g.client() as c:
            self.assertEqual(c.request("POST", body=b"x" * 1024).final().status, 200)
            c.send("POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 1025\r\n\r\n")
            self.assert_refused(c.final(), 413, "body_too_large")
        self.assertEqual(len(o.requests), 1)

    def test_a_chunked_body_that_grows_over_the_bound_is_413(self):
        o = self.origin()
        g = self.simple(o, parts=[bounds(body_size="1KiB")])
        with g.client() as c:
            c.send("POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            c.send(b"200\r\n" + b"x" * 512 + b"\r\n")
            c.send(b"201\r\n" + b"x" * 513 + b"\r\n")
            self.assert_refused(c.final(), 413, "body_too_large")
            self.assertTrue(c.is_closed())
        self.assertEqual([x for x in o.requests if x.complete], [])

    def test_a_body_with_expectation_over_the_bound_is_refused_before_it_is_sent(self):
        g = self.simple(self.origin(), parts=[bounds(body_size="1KiB")])
        with g.client() as c:
            c.send("POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(c.response().status, 413)


class Connections(Case):
    def test_one_more_than_allowed_is_503_and_room_comes_back(self):
        g = self.simple(self.origin(), parts=[bounds(connections="8")])
        clients = [g.client() for _ in range(8)]
        for c in clients:
            self.assertEqual(c.get().status, 200)
        with g.client() as c:
            try:
                c.request()
            except ConnectionError:
                pass
            r = c.response()
            self.assert_refused(r, 503, "overloaded")
            self.assertGreaterEqual(int(r.field("retry-after")), 1)
            self.assertTrue(c.is_closed())
        self.assertEqual(clients[0].get().status, 200, "the others are not disturbed")
        clients.pop().close()

        def again():
            try:
                return get(g.address).status == 200
            except (EOFError, ConnectionError):
                return False
        eventually(again, "room for another connection")
        for c in clients:
            c.close()

    def test_a_thousand_idle_connections_are_no_matter(self):
        g = self.simple(self.origin())
        clients = [g.client() for _ in range(1000)]
        for c in clients[::50]:
            self.assertEqual(c.get().status, 200)
        eventually(lambda: g.metrics().value("gatehouse_client_connections") >= 1000, "1000 connections counted")
        for c in clients:
            c.close()
        eventually(lambda: g.metrics().value("gatehouse_client_connections") == 0, "none left")

    def test_running_out_of_descriptors_is_survived(self):
        o = self.origin()
        g = self.simple(o, descriptors=96)
        clients = [Client(g.address, timeout=2) for _ in range(150)]
        for c in clients:
            c.close()

        def again():
            try:
                return get(g.address).status == 200
            except (EOFError, OSError):
                return False
        eventually(again, "service after the shortage")
