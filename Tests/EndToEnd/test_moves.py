"""A tenant moves from one shard to another while its clients ask on."""
import os
import signal
import subprocess
import threading
import time

from harness import Case, FramesOrigin, HTTP2, binary, conf, eventually, get, shard, tenant
from harness.moves import Admin, Fence, FencedOrigin, Load


class MoveCase(Case):
    """A proxy with the tenant acme on shard one, and shard two for it to go to."""

    def setUp(self):
        super().setUp()
        self.count = 0

    def basics(self):
        """What every configuration here begins with."""
        self.count += 1
        self.socket = os.path.join(self.directory, f"admin{self.count}")
        return ("state state", f"admin unix:{self.socket}")

    def begin(self, *lines, parts=(), think=0.002, answers=(None, None), tenants=(), shard_lines=((), ()),
              health=None, **keywords):
        self.fence = Fence()
        self.one, self.two = (self.fenced(name, think, answer) for name, answer in zip(("one", "two"), answers))
        self.two.health = health
        settings = {k: keywords.pop(k) for k in ("listen", "workers") if k in keywords}
        self.config = conf(
            *self.basics(), *parts, shard("one", self.one, lines=shard_lines[0]),
            shard("two", self.two, lines=shard_lines[1]), tenant("acme", *lines, home="one"), *tenants, **settings)
        g = self.gate(self.config, **keywords)
        self.admin = Admin(self.socket)
        return g

    def fenced(self, name, think=0.002, answer=None):
        origin = FencedOrigin(self.fence, name, think=think, answer=answer)
        self._origins.append(origin)
        return origin

    def assert_fenced(self):
        """No request came by an old epoch, and none to one shard while the other still worked."""
        self.assertEqual(self.fence.stale, [])
        self.assertEqual(self.fence.overlaps, [])

    def placement(self):
        answer = self.admin.get("/v1/tenants/acme")
        return answer["home"], answer["epoch"]


class UnderLoad(MoveCase):
    def check(self, g, seconds=1.0, clients=8, method="GET", **terms):
        load = Load(g.address, clients=clients, method=method)
        load.wait(100)
        move = self.admin.end(self.admin.move(**terms))
        load.wait(100)
        results = load.stop()
        self.assertEqual(move["state"], "done", move)
        self.assertEqual(load.errors, [])
        self.assert_fenced()
        self.assertEqual(self.placement(), ("two", 1))
        shards = self.fence.shards()
        cut = shards.index("two")
        self.assertNotIn("one", shards[cut:], "a request went to the old shard after the cutover")
        self.assertLess(max(t for _, t, _, _ in results), seconds)
        return move

    def test_a_tenant_moves_under_load_without_an_error(self):
        for mode in ("hold", "drain"):
            with self.subTest(mode):
                g = self.begin()
                self.check(g, mode=mode)
                m = g.metrics()
                self.assertEqual(m.value("gatehouse_hold_parked"), 0)
                self.assertEqual(m.value("gatehouse_moves", state="done"), 1)
                self.assertEqual(m.value("gatehouse_hold_refused_total"), 0)
                self.assertEqual(m.value("gatehouse_requests_in_flight", tenant="acme"), 0)

    def test_requests_with_bodies_are_held_too(self):
        g = self.begin()
        self.check(g, method="POST")

    def test_requests_are_held_while_a_command_copies(self):
        g = self.begin()
        script = g.write("copy.sh", '#!/bin/sh\necho "$GATEHOUSE_TENANT $GATEHOUSE_FROM $GATEHOUSE_TO '
                                    '$GATEHOUSE_EPOCH $1" > copied\nsleep 0.3\n')
        os.chmod(script, 0o755)
        # A write handle of another thread's fork would make it busy.
        move = self.check(g, seconds=3, command=[script, "a b"])
        self.assertEqual(g.read("copied"), b"acme one two 1 a b\n")
        self.assertGreater(move["held"], 0)
        self.assertGreaterEqual(g.metrics().value("gatehouse_held_total"), move["held"])

    def test_a_tenant_moves_there_and_back(self):
        g = self.begin()
        load = Load(g.address)
        load.wait(50)
        self.assertEqual(self.admin.end(self.admin.move())["state"], "done")
        status, answer = self.admin.call("POST", "/v1/moves", {"tenant": "acme", "to": "one"})
        self.assertEqual((status, answer["code"]), (409, "moved_just_now"))
        eventually(lambda: self.admin.call("POST", "/v1/moves", {"tenant": "acme", "to": "one"})[0] == 201)
        move = self.admin.get("/v1/moves")["items"][0]
        self.assertEqual(self.admin.end(move)["state"], "done")
        load.wait(50)
        load.stop()
        self.assertEqual(load.errors, [])
        self.assert_fenced()
        self.assertEqual(self.placement(), ("one", 2))

    def test_shards_with_slots_and_tenants_with_a_bound(self):
        g = self.begin("concurrency 4", shard_lines=(("concurrency 2",), ("concurrency 1",)))
        self.check(g, seconds=3, clients=4)

    def test_clients_and_backends_of_http2(self):
        self.fence = Fence()

        def origin(name):
            def answer(call):
                tenant, epoch = call.field("x-tenant-id"), int(call.field("x-placement-epoch"))
                assert call.field("x-placement-shard") == name
                known = self.fence.enter(tenant, name, epoch, call.field(":path"))
                if known is None:
                    self.fence.leave(tenant, name, epoch)
                call.reply(421 if known else 200, name.encode())
            o = FramesOrigin(answer, name)
            self._origins.append(o)
            return o
        one, two = self.fenced("one"), origin("two")
        g = self.gate(conf(*self.basics(), shard("one", one),
                           shard("two", two, lines=("protocol h2",)), tenant("acme", home="one"), listen=(HTTP2,)))
        self.admin = Admin(self.socket)
        with g.frames() as c:
            streams = [c.get(f"/{n}") for n in range(3)]
            self.assertEqual([r.status for r in streams], [200] * 3)
            move = self.admin.move(confirm=True)
            self.admin.until(move, "holding")
            held = [c.request("GET", f"/held/{n}") for n in range(5)]
            body = c.request("POST", "/body", ends=False)
            c.data(body, b"half")
            eventually(lambda: self.admin.show(move)["parked"] == 6)
            c.data(body, b"and half", ends=True)
            self.admin.call("POST", f"/v1/moves/{move['id']}:confirm")
            self.assertEqual([c.response(s).status for s in held + [body]], [200] * 6)
        self.assertEqual(self.admin.end(move)["state"], "done")
        self.assertEqual(self.fence.shards()[-6:], ["two"] * 6)
        self.assert_fenced()


class Holding(MoveCase):
    def hold(self, g, count=1, **terms):
        """A move that holds until somebody says so, and clients that wait."""
        move = self.admin.move(confirm=True, **terms)
        self.admin.until(move, "holding")
        clients = [g.client().request("GET", f"/{n}") for n in range(count)]
        eventually(lambda: self.admin.show(move)["parked"] == min(count, terms.get("max", count)))
        return move, clients

    def test_what_is_held_goes_where_the_tenant_is_in_order(self):
        g = self.begin(workers=1)
        move, clients = self.hold(g)
        for n in range(1, 6):
            clients.append(g.client().request("GET", f"/{n}"))
            eventually(lambda: self.admin.show(move)["parked"] == len(clients))
        self.assertEqual(self.admin.call("POST", f"/v1/moves/{move['id']}:confirm")[0], 200)
        self.assertEqual([c.final().body for c in clients], [b"two"] * 6)
        self.assertEqual(self.admin.end(move)["held"], 6)
        self.assertEqual(sorted(x.target for x in self.two.requests), [f"/{n}" for n in range(6)])
        self.assert_fenced()

    def test_too_many_are_refused_and_told_when_to_come_again(self):
        g = self.begin()
        move, clients = self.hold(g, count=2, max=2)
        r = get(g.address)
        self.assert_refused(r, 503, "move_hold_overflow")
        self.assertEqual(r.field("retry-after"), "1")
        self.admin.call("DELETE", f"/v1/moves/{move['id']}")
        self.assertEqual([c.final().body for c in clients], [b"one"] * 2)
        self.assertEqual(g.metrics().value("gatehouse_hold_refused_total", reason="overflow"), 1)
        self.assertIn("move_hold_overflow", [r.get("code") for r in g.records()])

    def test_a_hold_that_has_to_end_gives_all_back(self):
        g = self.begin()
        move, clients = self.hold(g, hold="700ms")
        ended = self.admin.end(move)
        self.assertEqual((ended["state"], ended["reason"]), ("rolled_back", "the hold had to end"))
        self.assertEqual([c.final().body for c in clients], [b"one"])
        self.assertEqual(self.placement(), ("one", 0))

    def test_a_client_that_leaves_is_not_held(self):
        g = self.begin()
        move, clients = self.hold(g, count=3)
        clients[1].close()
        eventually(lambda: self.admin.show(move)["parked"] == 2)
        self.admin.call("POST", f"/v1/moves/{move['id']}:confirm")
        self.assertEqual([clients[0].final().body, clients[2].final().body], [b"two"] * 2)
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 0)

    def test_a_deadline_of_the_clients_is_kept(self):
        g = self.begin()
        move, _ = self.hold(g)
        r = get(g.address, fields=[("X-Request-Timeout", "200ms")])
        self.assert_refused(r, 504, "response_timeout")
        self.admin.call("DELETE", f"/v1/moves/{move['id']}")

    def test_other_tenants_notice_nothing(self):
        g = self.begin(tenants=(tenant("other", home="one"),))
        move, clients = self.hold(g)
        self.assertEqual(get(g.address, host="other.example").body, b"one")
        self.admin.call("POST", f"/v1/moves/{move['id']}:confirm")
        self.assertEqual(clients[0].final().body, b"two")

    def test_a_long_request_is_waited_for(self):
        going, done = threading.Event(), threading.Event()

        def slow(x):
            if x.target == "/slow":
                going.set()
                done.wait(10)
            x.reply(200, "one")
        g = self.begin(answers=(slow, None))
        c = g.client().request("GET", "/slow")
        self.assertTrue(going.wait(10))
        move = self.admin.move()
        held = g.client().request("GET", "/held")
        eventually(lambda: self.admin.show(move)["parked"] == 1)
        state = self.admin.show(move)
        self.assertEqual((state["state"], state["in_flight"]), ("draining", 1))
        done.set()
        self.assertEqual((c.final().body, held.final().body), (b"one", b"two"))
        self.assertEqual(self.admin.end(move)["state"], "done")
        self.assert_fenced()

    def test_reads_flow_in_a_read_only_window(self):
        g = self.begin()
        move = self.admin.move(mode="read_only", confirm=True)
        self.admin.until(move, "holding")
        self.assertEqual([get(g.address).body for _ in range(3)], [b"one"] * 3)
        write = g.client().request("POST", "/write", body=b"data")
        eventually(lambda: self.admin.show(move)["parked"] == 1)
        self.assertEqual(get(g.address).body, b"one")
        self.admin.call("POST", f"/v1/moves/{move['id']}:confirm")
        self.assertEqual(write.final().body, b"two")
        self.assertEqual(self.admin.end(move)["state"], "done")
        self.assertEqual(get(g.address).body, b"two")
        self.assert_fenced()

    def test_a_second_move_of_the_tenant_is_refused(self):
        g = self.begin()
        move, clients = self.hold(g)
        status, answer = self.admin.call("POST", "/v1/moves", {"tenant": "acme", "to": "two"})
        self.assertEqual((status, answer["code"]), (409, "move_in_progress"))
        self.admin.call("POST", f"/v1/moves/{move['id']}:confirm")
        clients[0].final()

    def test_a_command_that_fails_or_hangs_sends_all_back(self):
        g = self.begin()
        bad = g.write("bad.sh", "#!/bin/sh\nexit 3\n")
        slow = g.write("slow.sh", "#!/bin/sh\nsleep 60 & echo $! > child; wait\n")
        for script in (bad, slow):
            os.chmod(script, 0o755)
        move = self.admin.end(self.admin.move(command=[bad]))
        self.assertEqual((move["state"], move["reason"]), ("rolled_back", "the command exited with 3"))
        move = self.admin.end(self.admin.move(command=["/nowhere"]))
        self.assertIn("could not be started", move["reason"])
        move = self.admin.end(self.admin.move(command=[slow], hold="500ms"))
        self.assertEqual((move["state"], move["reason"]), ("rolled_back", "the hold had to end"))
        child = int(g.read("child"))
        eventually(lambda: not os.path.exists(f"/proc/{child}") or "Z" in open(f"/proc/{child}/stat").read())
        self.assertEqual(get(g.address).body, b"one")
        self.assertEqual(self.placement(), ("one", 0))

    def test_what_can_not_be_asked(self):
        self.begin()
        for body, code in [({"tenant": "nobody", "to": "two"}, "not_found"), ({"tenant": "acme", "to": "three"}, "not_found"),
                           ({"tenant": "acme", "to": "one"}, "already_there"),
                           ({"tenant": "acme", "to": "two", "hold": "1h"}, "bad_request"),
                           ({"tenant": "acme", "to": "two", "mode": "jump"}, "bad_request"),
                           ({"tenant": "acme", "to": "two", "streams": "cut"}, "bad_request"),
                           ({"tenant": "acme", "to": "two", "mode": "drain", "confirm": True}, "bad_request"),
                           ({"tenant": "acme", "to": "two", "guard": {"errors": "x"}}, "bad_request"),
                           ({"tenant": "acme", "to": "two", "command": ["rm"]}, "bad_request")]:
            with self.subTest(body):
                self.assertEqual(self.admin.call("POST", "/v1/moves", body)[1]["code"], code)
        self.assertEqual(self.admin.call("GET", "/v1/moves/m7")[0], 404)
        self.assertEqual(self.admin.get("/v1/moves")["items"], [])

    def test_a_shard_that_goes_sends_all_back(self):
        g = self.begin()
        move, clients = self.hold(g)
        third = self.config.replace(f"shard two {{\n  backend {self.two.address}\n}}", "")
        g.reload(third)
        self.assertEqual(self.admin.end(move)["reason"], "the shard two is gone")
        self.assertEqual(clients[0].final().body, b"one")

    def test_a_reload_in_the_middle_changes_nothing(self):
        g = self.begin()
        move, clients = self.hold(g, count=2)
        g.reload()
        self.assertEqual(self.admin.show(move)["parked"], 2)
        self.admin.call("POST", f"/v1/moves/{move['id']}:confirm")
        self.assertEqual([c.final().body for c in clients], [b"two"] * 2)
        g.reload()
        self.assertEqual(get(g.address).body, b"two")


class Killed(MoveCase):
    """The process is killed at a stage, and another goes on with its state."""

    def again(self, g):
        g.process.send_signal(signal.SIGKILL)
        g.process.wait()
        g.may_fail = True
        h = self.gate(self.config, after=g)
        self.admin = Admin(self.socket)
        return h

    def test_before_the_cutover_it_is_rolled_back(self):
        release = threading.Event()
        self.addCleanup(release.set)
        for state in ("preparing", "draining", "holding"):
            with self.subTest(state):
                started = threading.Event()

                def slow(x):
                    started.set()
                    release.wait(10)
                    x.reply(200, "one")
                g = self.begin(answers=(slow if state == "draining" else None, None),
                               shard_lines=((), ("health GET /healthz every 100ms fall 1 rise 1",)), health=state != "preparing")
                if state == "preparing":
                    eventually(lambda: g.metrics().value("gatehouse_backend_up", shard="two") == 0)
                if state == "draining":
                    c = g.client().request("GET", "/slow")
                    self.addCleanup(c.close)
                    self.assertTrue(started.wait(10))
                move = self.admin.move(confirm=True, hold="20s")
                self.admin.until(move, state)
                h = self.again(g)
                move = self.admin.end(move)
                self.assertEqual((move["state"], move["reason"]),
                                 ("rolled_back", "the proxy was started again before the cutover"))
                self.assertEqual(self.placement(), ("one", 0))
                release.set()
                self.assertEqual(get(h.address).body, b"one")
                self.assertEqual(self.fence.stale, [])

    def test_after_the_cutover_it_is_completed(self):
        g = self.begin()
        get(g.address)
        move = self.admin.move(guard={"errors": "50%", "for": "2s"})
        self.admin.until(move, "watching")
        h = self.again(g)
        self.assertEqual(get(h.address).body, b"two")
        self.assertEqual(self.admin.show(move)["state"], "watching")
        self.assertEqual(self.admin.end(move)["state"], "done")
        self.assertEqual(self.placement(), ("two", 1))
        self.assert_fenced()

    def test_whenever_it_is_killed_the_tenant_is_in_one_place(self):
        g = self.begin()
        for n in range(6):
            load = Load(g.address, clients=2, pause=0.001)
            load.wait(10)
            move = self.admin.move(mode="drain", to="two" if self.placement()[0] == "one" else "one")
            time.sleep(0.004 * n)       # not awaited: wherever the move is by then
            g = self.again(g)
            load.stop()
            move = self.admin.end(move)
            place, epoch = self.placement()
            self.assertEqual(place, move["to"] if move["state"] == "done" else move["from"], move)
            self.assertEqual(get(g.address).body.decode(), place)
            eventually(lambda: self.admin.call("POST", "/v1/moves?dry-run=1", {
                "tenant": "acme", "to": "two" if place == "one" else "one"})[0] == 201)
        self.assertEqual(self.fence.stale, [])


class Guarded(MoveCase):
    def test_a_shard_that_fails_sends_all_back(self):
        g = self.begin(answers=(None, lambda x: x.reply(500, "broken")))
        load = Load(g.address, clients=4)
        load.wait(100)
        move = self.admin.end(self.admin.move(guard={"errors": "5%", "for": "20s"}))
        self.assertEqual(move["state"], "rolled_back", move)
        self.assertIn("of requests failed at the new shard", move["reason"])
        self.assertEqual(self.placement(), ("one", 2))
        before = len(load.errors)
        load.wait(50)
        load.stop()
        self.assertEqual(len(load.errors), before, "errors after it went back")
        self.assertTrue(all(r.status == 500 for _, r in load.errors))
        self.assert_fenced()
        audit = self.admin.get("/v1/audit")["items"]
        self.assertTrue(any(e["action"] == "move.rolled_back" for e in audit), audit)

    def test_a_shard_that_is_slow_sends_all_back(self):
        g = self.begin(answers=(None, lambda x: (time.sleep(0.06), x.reply(200, "two"))))
        load = Load(g.address, clients=8)
        load.wait(150)
        move = self.admin.end(self.admin.move(guard={"p99": "3x", "for": "20s"}))
        load.stop()
        self.assertEqual(move["state"], "rolled_back", move)
        self.assertIn("guard: p99 is", move["reason"])
        self.assertEqual(load.errors, [])
        self.assert_fenced()

    def test_somebody_may_have_it_back_while_it_is_watched(self):
        g = self.begin()
        move = self.admin.move(guard={"errors": "50%", "for": "60s"})
        self.admin.until(move, "watching")
        self.assertEqual(get(g.address).body, b"two")
        self.admin.call("DELETE", f"/v1/moves/{move['id']}", reason="not today")
        move = self.admin.end(move)
        self.assertIn("not today", move["reason"])
        self.assertEqual(get(g.address).body, b"one")
        self.assertEqual(self.placement(), ("one", 2))


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


class Waves(MoveCase):
    def test_tenants_move_some_at_a_time(self):
        names = [f"t{n}" for n in range(5)]
        g = self.begin(tenants=[tenant(name, home="one") for name in names])
        status, wave = self.admin.call("POST", "/v1/waves", {"tenants": names, "to": "two", "batch": 2, "pause": "50ms"})
        self.assertEqual(status, 201, wave)
        wave = eventually(lambda: (w := self.admin.get(f"/v1/waves/{wave['id']}"))["state"] == "done" and w)
        self.assertEqual((wave["moved"], wave["returned"]), (5, []))
        self.assertEqual({get(g.address, host=f"{name}.example").body for name in names}, {b"two"})
        self.assertEqual(get(g.address).body, b"one")

    def test_a_wave_pauses_when_a_tenant_goes_back_and_can_be_ended(self):
        names = [f"t{n}" for n in range(4)]
        g = self.begin(tenants=[tenant(name, home="one") for name in names])
        bad = g.write("bad.sh", "#!/bin/sh\n[ $GATEHOUSE_TENANT != t1 ]\n")
        os.chmod(bad, 0o755)
        order = {"from": "one", "to": "two", "batch": 1, "pause": "10ms", "command": [bad], "percent": 100}
        _, wave = self.admin.call("POST", "/v1/waves", order)
        path = f"/v1/waves/{wave['id']}"
        wave = eventually(lambda: (w := self.admin.get(path))["state"] == "paused" and w)
        self.assertEqual(wave["returned"], ["t1"])
        begun = wave["begun"]
        self.assertEqual(self.admin.call("POST", path + ":resume")[1]["state"], "running")
        eventually(lambda: self.admin.get(path)["begun"] > begun)
        self.assertEqual(self.admin.call("DELETE", path)[1]["state"], "aborted")
        self.assertEqual(self.admin.call("POST", path + ":resume")[1]["code"], "wave_ended")


class Commands(MoveCase):
    def run_command(self, g, *words):
        return subprocess.run([binary(), *words, "-c", "proxy.conf"], cwd=g.directory, capture_output=True, text=True, timeout=60)

    def test_a_move_is_told_line_by_line(self):
        g = self.begin()
        get(g.address)
        done = self.run_command(g, "move", "acme", "--to", "two", "--mode", "drain")
        self.assertEqual(done.returncode, 0, done)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "m1 acme one -> two: preparing")
        self.assertEqual(lines[-1], "m1 acme one -> two: done at epoch 1, 0 requests were held")
        self.assertIn("m1  acme    one   two  done", self.run_command(g, "move", "list").stdout)
        self.assertEqual(self.run_command(g, "move", "rollback", "m1").returncode, 1)
        self.assertEqual(self.run_command(g, "move", "acme").returncode, 2)

    def test_somebody_else_confirms(self):
        g = self.begin()
        p = subprocess.Popen([binary(), "move", "acme", "--to", "two", "--confirm", "-c", "proxy.conf"], cwd=g.directory,
                             stdout=subprocess.PIPE, text=True)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        eventually(lambda: "holding" in self.run_command(g, "move", "show", "m1").stdout)
        self.assertEqual(self.run_command(g, "move", "confirm", "m1", "--reason", "data is there").returncode, 0)
        self.assertIn("done at epoch 1", p.communicate(timeout=20)[0])
        self.assertEqual(p.returncode, 0)

    def test_backends_are_drained_and_returned(self):
        g = self.begin()
        done = self.run_command(g, "shard", "drain", "one", self.one.address, "--deadline", "10s")
        self.assertEqual(done.stdout, f"backend {self.one.address} of shard one: draining, 0 active\n", done)
        self.assertIn("draining", self.run_command(g, "shard", "list").stdout)
        self.assert_refused(get(g.address), 503, "no_backend")
        self.assertEqual(self.run_command(g, "shard", "return", "one", self.one.address).returncode, 0)
        self.assertEqual(get(g.address).body, b"one")
