"""Shards that bound their concurrency: how many requests reach them at once, who waits, and who is refused."""
import concurrent.futures
import subprocess
import threading

from harness import Case, conf, eventually, get, shard, tenant
from harness.gate import binary
from harness.settings import HTTP2


class Queue(Case):
    def setUp(self):
        super().setUp()
        self.go = threading.Event()
        self.slots = threading.Semaphore(0)
        self.now = self.most = 0
        self.lock = threading.Lock()

        def answer(x):
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            x.read_body()
            self.go.wait(20)
            with self.lock:
                self.now -= 1
            x.reply(200, x.target)

        self.o = self.origin(answer)

    def tearDown(self):
        self.go.set()
        super().tearDown()

    def proxy(self, *lines, tenants=("acme",), tenant_lines=(), **keywords):
        parts = [tenant(name, *tenant_lines, home="one") for name in tenants]
        return self.gate(conf(shard("one", self.o, lines=lines), *parts, **keywords))

    def waiting(self, g, count):
        eventually(lambda: g.metrics().value("gatehouse_queue_waiting", shard="one") == count, f"{count} waiting")

    def held(self, g, count):
        eventually(lambda: g.metrics().value("gatehouse_slots_held", shard="one") == count, f"{count} slots held")

    def test_no_more_than_the_bound_reach_the_backends_and_the_rest_wait(self):
        g = self.proxy("concurrency 2", "queue 10 for 10s")
        clients = [g.client().request("GET", f"/{n}") for n in range(6)]
        self.waiting(g, 4)
        self.o.wait(2)
        self.go.set()
        self.assertEqual([c.final().status for c in clients], [200] * 6)
        self.assertEqual(self.most, 2)
        self.held(g, 0)
        waits = [r.get("queue_ms") for r in eventually(lambda: len(g.records()) == 6 and g.records())]
        self.assertEqual(sum(w is not None for w in waits), 4)
        self.assertEqual(g.metrics().value("gatehouse_queue_seconds_count", shard="one"), 4)

    def test_all_workers_share_the_bound(self):
        g = self.proxy("concurrency 3", "queue 1000 for 10s", workers=2)
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            answers = [pool.submit(get, g.address) for _ in range(24)]
            self.waiting(g, 21)
            self.go.set()
            self.assertEqual([a.result().status for a in answers], [200] * 24)
        self.assertEqual(self.most, 3)
        self.held(g, 0)

    def test_a_reserve_is_there_for_critical_tenants_only(self):
        o = self.o
        g = self.gate(conf(shard("one", o, lines=["concurrency 4", "queue 10 for 10s", "reserve critical 50%"]),
                           tenant("acme", home="one"), tenant("vital", "criticality critical", home="one")))
        clients = [g.client().request("GET", f"/{n}", host="acme.example") for n in range(4)]
        self.waiting(g, 2)
        self.held(g, 2)
        clients += [g.client().request("GET", f"/vital{n}", host="vital.example") for n in range(3)]
        self.waiting(g, 3)
        self.held(g, 4)
        o.wait(4)
        self.assertEqual(sum("vital" in r.target for r in o.requests), 2)
        self.go.set()
        self.assertEqual([c.final().status for c in clients], [200] * 7)
        self.held(g, 0)

    def test_a_tenant_may_be_bounded_though_there_is_room(self):
        g = self.gate(conf(shard("one", self.o, lines=["concurrency 10", "queue 10 for 10s", "pool per-tenant 2"]),
                           tenant("acme", "share min 50%", home="one"), tenant("globex", home="one")))
        clients = [g.client().request("GET", f"/{n}", host="acme.example") for n in range(5)]
        self.waiting(g, 3)
        clients += [g.client().request("GET", f"/{n}", host="globex.example") for n in range(3)]
        self.waiting(g, 4)
        self.held(g, 4)
        eventually(lambda: self.now == 4)
        self.go.set()
        self.assertEqual([c.final().status for c in clients], [200] * 8)
        self.assertEqual(self.most, 4)
        self.held(g, 0)

    def test_a_full_queue_refuses_with_503(self):
        g = self.proxy("concurrency 1", "queue 1 for 10s")
        first = g.client().request()
        self.held(g, 1)
        second = g.client().request()
        self.waiting(g, 1)
        r = get(g.address)
        self.assert_refused(r, 503, "overloaded")
        self.assertGreaterEqual(int(r.field("retry-after")), 1)
        self.go.set()
        self.assertEqual([first.final().status, second.final().status], [200, 200])
        self.assertEqual(g.metrics().value("gatehouse_shed_total", shard="one", reason="full"), 1)

    def test_one_that_waited_too_long_is_refused(self):
        g = self.proxy("concurrency 1", "queue 10 for 100ms")
        first = g.client().request()
        self.held(g, 1)
        r = get(g.address)
        self.assert_refused(r, 503, "overloaded")
        self.go.set()
        self.assertEqual(first.final().status, 200)
        self.assertEqual(g.metrics().value("gatehouse_shed_total", shard="one", reason="late"), 1)
        self.assertEqual(len(self.o.requests), 1)

    def test_a_client_that_goes_leaves_the_queue_at_once(self):
        g = self.proxy("concurrency 1", "queue 10 for 60s")
        first = g.client().request()
        self.held(g, 1)
        with g.client() as gone:
            gone.request("GET", "/gone")
            self.waiting(g, 1)
        self.waiting(g, 0)
        self.go.set()
        self.assertEqual(first.final().status, 200)
        self.assertEqual(get(g.address).status, 200)
        self.assertNotIn("/gone", [x.target for x in self.o.requests])

    def test_one_that_ends_its_half_still_gets_its_answer(self):
        g = self.proxy("concurrency 1", "queue 10 for 60s")
        first = g.client().request()
        self.held(g, 1)
        half = g.client().request("GET", "/half")
        self.waiting(g, 1)
        half.half_close()
        self.go.set()
        self.assertEqual(half.final().body, b"/half")
        self.assertEqual(first.final().status, 200)

    def test_an_upload_that_waits_is_not_read(self):
        g = self.proxy("concurrency 1", "queue 10 for 60s")
        first = g.client().request()
        self.held(g, 1)
        body = b"x" * 3_000_000
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            upload = pool.submit(lambda: g.client(timeout=20).request("POST", "/up", body=body).final())
            self.waiting(g, 1)
            self.go.set()
            self.assertEqual(upload.result().status, 200)
        self.assertEqual(first.final().status, 200)
        self.assertEqual([x.count for x in self.o.requests if x.target == "/up"], [len(body)])

    def test_streams_of_http2_wait_like_any_request(self):
        g = self.proxy("concurrency 1", "queue 10 for 10s", listen=(HTTP2,))
        with g.frames() as h:
            streams = [h.request(target=f"/{n}") for n in range(4)]
            self.waiting(g, 3)
            self.go.set()
            self.assertEqual([h.final(s).status for s in streams], [200] * 4)
        self.assertEqual(self.most, 1)
        self.held(g, 0)

    def test_a_flood_of_one_tenant_does_not_delay_another(self):
        g = self.proxy("concurrency 1", "queue 100 for 60s", tenants=("hog", "good"))
        first = g.client().request("GET", "/first", host="hog.example")
        self.held(g, 1)
        flood = [g.client(timeout=20).request("GET", f"/hog{n}", host="hog.example") for n in range(20)]
        self.waiting(g, 20)
        good = g.client(timeout=20).request("GET", "/good", host="good.example")
        self.waiting(g, 21)
        self.go.set()
        self.assertEqual([c.final().status for c in [first, good, *flood]], [200] * 22)
        self.assertLessEqual([x.target for x in self.o.requests].index("/good"), 2)

    def test_a_full_queue_makes_room_for_tenants_that_have_less_in_it(self):
        g = self.proxy("concurrency 1", "queue 5 for 60s", tenants=("hog", "good"))
        first = g.client().request("GET", "/first", host="hog.example")
        self.held(g, 1)
        flood = []
        for n in range(5):
            flood.append(g.client(timeout=20).request("GET", f"/hog{n}", host="hog.example"))
            self.waiting(g, n + 1)
        good = g.client(timeout=20).request("GET", "/good", host="good.example")
        self.assertEqual(flood[-1].final().status, 503)
        self.go.set()
        self.assertEqual([c.final().status for c in [first, good, *flood[:-1]]], [200] * 6)

    def test_a_session_waits_for_its_own_backend(self):
        other = self.origin()
        g = self.gate(conf(shard("one", self.o, other, lines=["concurrency 2", "queue 10 for 10s", "sticky cookie S for 1h"]), tenant("acme", home="one")))
        self.go.set()
        cookie = None
        while not cookie:
            r = get(g.address, "/who")
            cookie = r.cookie("S") if r.body == b"/who" else None
        self.go.clear()
        mine = [g.client(timeout=20).request("GET", f"/mine{n}", fields=[("Cookie", f"S={cookie}")]) for n in range(3)]
        self.waiting(g, 2)
        self.assertEqual(get(g.address, "/other").status, 200)
        self.go.set()
        self.assertEqual([c.final().body for c in mine], [b"/mine0", b"/mine1", b"/mine2"])

    def test_a_reload_that_raises_the_bound_lets_those_who_wait_go_on(self):
        g = self.proxy("concurrency 1", "queue 10 for 60s")
        clients = [g.client(timeout=20).request("GET", f"/{n}") for n in range(4)]
        self.waiting(g, 3)
        g.reload(conf(shard("one", self.o, lines=["concurrency 3", "queue 10 for 60s"]), tenant("acme", home="one")))
        self.waiting(g, 1)
        g.reload(conf(shard("one", self.o), tenant("acme", home="one")))
        eventually(lambda: len(self.o.requests) == 4)
        self.go.set()
        self.assertEqual([c.final().status for c in clients], [200] * 4)

    def test_a_reload_that_takes_the_shard_away_drops_nobody_who_waits(self):
        other = self.origin(lambda x: x.reply(200, "other"))
        g = self.proxy("concurrency 1", "queue 10 for 60s")
        clients = [g.client(timeout=20).request("GET", f"/{n}") for n in range(3)]
        self.waiting(g, 2)
        g.reload(conf(shard("two", other), tenant("acme", home="two")))
        self.assertEqual(get(g.address).body, b"other")
        self.go.set()
        self.assertEqual([c.final().body for c in clients], [b"/0", b"/1", b"/2"])

    def test_a_backend_that_dies_gives_its_slots_back(self):
        g = self.proxy("concurrency 1", "queue 10 for 10s")
        first = g.client(timeout=20).request("POST", "/first", body=b"x")
        self.held(g, 1)
        second = g.client(timeout=20).request("POST", "/second", body=b"x")
        self.waiting(g, 1)
        self.o.stop()
        self.assertIn(first.final().status, (502, 503))
        self.assertIn(second.final().status, (502, 503))
        self.held(g, 0)

    def test_weights_and_shares_are_explained(self):
        g = self.proxy("concurrency 1", tenant_lines=["weight 4", "share min 10% max 40%", "criticality critical"])
        text = subprocess.run([binary(), "explain", "tenant", "acme", "-c", g.config_path], capture_output=True, text=True).stdout
        for line in ("weight 4", "share min 10% max 40%", "criticality critical"):
            name, _, value = line.partition(" ")
            self.assertRegex(text, rf"(?m)^\s+{name}\s+{value}\s")

    def test_an_adaptive_bound_follows_what_the_backend_can_do(self):
        self.go.set()
        room = threading.Semaphore(4)

        def answer(x):
            with room:
                threading.Event().wait(0.02)
            x.reply(200)
        o = self.origin(answer)
        g = self.gate(conf(shard("one", o, lines=["concurrency adaptive min 2 max 100", "queue 1000 for 20s"]), tenant("acme", home="one"), log=None))
        self.assertEqual(g.metrics().value("gatehouse_slots", shard="one"), 20)
        subprocess.run(["wrk", "-t1", "-c50", "-d4s", "-H", "Host: acme.example", f"http://{g.address}/"], capture_output=True, timeout=30)
        limit = g.metrics().value("gatehouse_slots", shard="one")
        self.assertTrue(2 <= limit <= 16, limit)
        self.held(g, 0)
