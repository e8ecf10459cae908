"""Long streams, stale placements and sessions of tenants that move."""
import threading

from harness import conf, eventually, get, shard, tenant
from harness.moves import Admin, MoveCase


class Streams(MoveCase):
    def tunnel(self, g):
        """A WebSocket of the old shard that is open."""
        def upgrade(x):
            x.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            x.send(b"\x81\x05hello")
            x.wait_gone(20)
        self.one.answer = upgrade
        c = g.client().request("GET", "/ws", fields=[("Connection", "Upgrade"), ("Upgrade", "websocket"), (
            "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")])
        self.assertEqual(c.head().status, 101)
        self.assertEqual(c.take(7), b"\x81\x05hello")
        return c

    def test_a_websocket_does_not_hold_a_move_up_and_is_closed(self):
        g = self.begin()
        c = self.tunnel(g)
        move = self.admin.end(self.admin.move(streams="close 300ms"))
        self.assertEqual(move["state"], "done")
        self.assertEqual(c.take(4), b"\x88\x02\x03\xf4", "Close, 1012")
        self.assertEqual(c.rest(), b"")

    def test_a_websocket_is_left_alone_if_so_told(self):
        g = self.begin()
        c = self.tunnel(g)
        self.assertEqual(self.admin.end(self.admin.move(streams="leave"))["state"], "done")
        self.assertEqual(get(g.address).body, b"two")
        self.one.last.send(b"\x81\x02ok")
        self.assertEqual(c.take(4), b"\x81\x02ok")

    def test_events_end_in_order(self):
        def events(x):
            x.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            x.send("8\r\ndata: 1\n\r\n")
            x.wait_gone(20)
        g = self.begin()
        self.one.answer = events
        c = g.client().request("GET", "/events", fields=[("Accept", "text/event-stream")])
        self.one.wait(1)
        eventually(lambda: g.metrics().value("gatehouse_requests_in_flight", tenant="acme") == 1)
        move = self.admin.end(self.admin.move(streams="close 200ms"))
        self.assertEqual(move["state"], "done")
        r = c.final()
        self.assertEqual((r.status, r.body), (200, b"data: 1\n"))


class Stale(MoveCase):
    def test_a_backend_that_knows_better_is_believed_once(self):
        came, go = threading.Event(), threading.Event()

        def late(x):
            if x.target != "/late":
                return x.reply(200, "one")
            came.set()
            go.wait(10)
            x.reply(421, "stale", [("X-Placement-Stale", "7")])
        g = self.begin(answers=(late, None))
        self.one.answer = late
        for method, body in (("GET", None), ("POST", b"all of it")):
            with self.subTest(method):
                came.clear()
                go.clear()
                c = g.client().request(method, "/late", body=body)
                self.assertTrue(came.wait(10))
                place, epoch = self.placement()
                g.reload(self.config.replace("home one", f"home two\n  epoch {epoch + 1}"))
                go.set()
                r = c.final()
                self.assertEqual((r.status, r.body), (200, b"two"), r)
                g.reload(self.config.replace("home one", f"home one\n  epoch {epoch + 2}"))
                self.config = self.config.replace("home one", "home one")
        self.assertEqual(g.metrics().value("gatehouse_stale_route_total"), 2)

    def test_what_is_not_newer_here_is_passed_on(self):
        g = self.begin()
        self.one.answer = lambda x: x.reply(409, "stale", [("X-Placement-Stale", "7")])
        r = get(g.address)
        self.assertEqual((r.status, r.field("x-placement-stale")), (409, "7"))
        self.assertEqual(len(self.one.requests), 1)
        self.assertEqual(g.metrics().value("gatehouse_stale_route_total"), 1)


class Sessions(MoveCase):
    STICKY = ("sticky cookie GHSESSION for 1h",)

    def test_a_cookie_of_the_epoch_before_binds_nobody(self):
        g = self.begin(shard_lines=(self.STICKY, self.STICKY))
        cookie = get(g.address).cookie("GHSESSION")
        self.assertEqual(self.admin.end(self.admin.move())["state"], "done")
        r = get(g.address, fields=[("Cookie", f"GHSESSION={cookie}")])
        self.assertEqual(r.body, b"two")
        self.assertNotEqual(r.cookie("GHSESSION"), cookie)
        self.assertEqual(g.metrics().value("gatehouse_affinity_total", result="rejected"), 1)

    def test_a_backend_that_drains_serves_its_sessions_only(self):
        a, b = self.origin(name="a"), self.origin(name="b")
        text = conf(*self.basics(), shard("one", a, b, lines=self.STICKY), tenant("acme", home="one"))
        g = self.gate(text)
        admin = Admin(self.socket)
        r = get(g.address)
        (bound, other), cookie = ((a, b) if r.body == b"a" else (b, a)), r.cookie("GHSESSION")
        place = f"/v1/shards/one/backends/{bound.address}"
        status, answer = admin.call("PUT", place, {"state": "draining", "deadline": "60s"})
        self.assertEqual((status, answer["state"]), (200, "draining"))
        ask = lambda: get(g.address, fields=[("Cookie", f"GHSESSION={cookie}")]).body.decode()  # noqa: E731
        self.assertEqual([ask() for _ in range(4)], [bound.name] * 4)
        self.assertEqual([get(g.address).body.decode() for _ in range(8)], [other.name] * 8)
        g.reload()
        self.assertEqual((ask(), get(g.address).body.decode()), (bound.name, other.name))
        self.assertEqual(g.metrics().value("gatehouse_backend_draining", backend=bound.address), 1)
        admin.call("PUT", place, {"state": "draining", "deadline": "0s"})
        self.assertEqual(ask(), other.name)
        admin.call("PUT", place, {"state": "down"})
        self.assertEqual([get(g.address).body.decode() for _ in range(4)], [other.name] * 4)
        self.assertEqual(admin.call("PUT", place, {"state": "active"})[1]["state"], "active")
        eventually(lambda: get(g.address).body.decode() == bound.name)
        self.assertEqual(admin.call("PUT", "/v1/shards/one/backends/nowhere:1", {"state": "down"})[0], 404)
