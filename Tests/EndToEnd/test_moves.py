"""A tenant moves from one shard to another while its clients ask on."""
import os
import threading

from harness import FramesOrigin, HTTP2, conf, eventually, get, shard, tenant
from harness.moves import Admin, Fence, Load, MoveCase


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
        eventually(lambda: "move_hold_overflow" in [r.get("code") for r in g.records()])

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
        self.admin.until(move, "draining")
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
