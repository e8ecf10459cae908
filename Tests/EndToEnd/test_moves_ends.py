"""How moves end that do not go well: by a kill, by a guard, by somebody."""
import signal
import threading
import time

from harness import eventually, get
from harness.moves import Admin, Load, MoveCase


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
                release.clear()

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
