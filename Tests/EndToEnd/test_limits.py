"""Limits of a tenant: the bucket to the token, requests in flight, what the refused are told, edits while it runs."""
import concurrent.futures
import re
import subprocess
import threading
import time

from harness import Case, conf, eventually, get, shard, tenant
from harness.settings import block

SLOW = "requests 1/m burst 3"       # three at once; the next token is a minute away


class Bucket(Case):
    def test_burst_passes_and_the_next_is_refused(self):
        o = self.origin()
        g = self.simple(o, tenant_lines=[SLOW])
        with g.client() as c:
            self.assertEqual([c.get().status for _ in range(6)], [200, 200, 200, 429, 429, 429])
        self.assertEqual(len(o.requests), 3)

    def test_the_refused_are_told_which_limit_and_when_to_come_back(self):
        g = self.simple(self.origin(), tenant_lines=[SLOW])
        with g.client() as c:
            for _ in range(3):
                c.get()
            r = c.get()
        self.assert_refused(r, 429, "rate_limited")
        self.assertEqual((r.json["tenant"], r.json["limit"], r.json["violated-policies"]), ("acme", "requests", ["requests"]))
        self.assertTrue(50 <= int(r.field("retry-after")) <= 61, r.field("retry-after"))
        self.assertRegex(r.field("ratelimit-policy"), r'^"requests";q=\d+(;w=\d+)?')
        remaining = re.match(r'"requests";r=(\d+)(?:;t=(\d+))?$', r.field("ratelimit"))
        self.assertTrue(remaining, r.field("ratelimit"))
        self.assertEqual(remaining[1], "0")
        self.assertGreaterEqual(int(r.field("retry-after")), int(remaining[2] or 0), "Retry-After is not before the window's end")

    def test_the_admitted_see_what_is_left(self):
        g = self.simple(self.origin(), tenant_lines=[SLOW])
        with g.client() as c:
            left = [re.match(r'"requests";r=(\d+)', c.get().field("ratelimit") or "-") for _ in range(3)]
        self.assertEqual([m and m[1] for m in left], ["2", "1", "0"])

    def test_rate_limit_headers_off_hides_them_from_the_admitted(self):
        g = self.simple(self.origin(), tenant_lines=[SLOW], parts=["rate-limit-headers off"])
        with g.client() as c:
            for _ in range(3):
                r = c.get()
                self.assertEqual((r.status, r.field("ratelimit"), r.field("ratelimit-policy")), (200, None, None))
            self.assertGreaterEqual(int(c.get().field("retry-after")), 1)

    def test_legacy_fields_tell_of_the_tightest_limit(self):
        def legacy(r):
            return tuple(r.field("x-ratelimit-" + name) for name in ("limit", "remaining", "reset"))
        g = self.simple(self.origin(), tenant_lines=["requests 4/h burst 4"], parts=["rate-limit-headers legacy"])
        with g.client() as c:
            r = c.get()
            self.assertEqual((r.field("ratelimit-policy"), legacy(r)[:2]), ('"requests";q=4;w=3600', ("4", "3")))
            for _ in range(3):
                c.get()
            r = c.get()
            self.assertEqual((r.status, legacy(r)[:2]), (429, ("4", "0")))
            self.assertTrue(890 <= int(legacy(r)[2]) <= int(r.field("retry-after")) <= 1000, (legacy(r), r.field("retry-after")))
        lines = ["requests 1000/h burst 1000", "requests 5/h burst 5 per client", "requests 9/h shadow per path /x"]
        g = self.simple(self.origin(), tenant_lines=lines, parts=["rate-limit-headers legacy"])
        self.assertEqual(legacy(get(g.address, "/x"))[:2], ("5", "4"))
        self.assertEqual(legacy(get(self.simple(self.origin(), tenant_lines=lines).address)), (None, None, None))

    def test_an_unlimited_tenant_has_no_such_fields(self):
        g = self.simple(self.origin())
        r = get(g.address)
        self.assertEqual((r.field("ratelimit"), r.field("ratelimit-policy")), (None, None))

    def test_rate_limit_fields_of_the_origin_do_not_mix_with_ours(self):
        g = self.simple(self.origin(lambda x: x.reply(200, "ok", [("RateLimit", '"theirs";r=9')])), tenant_lines=[SLOW])
        r = get(g.address)
        self.assertIn('"requests";r=2', ", ".join(r.all("ratelimit")))

    def test_tenants_do_not_share(self):
        o = self.origin()
        g = self.gate(conf(shard("one", o), tenant("acme", SLOW, home="one"), tenant("globex", SLOW, home="one")))
        with g.client() as c:
            self.assertEqual([c.get(host="acme.example").status for _ in range(4)], [200, 200, 200, 429])
            self.assertEqual([c.get(host="globex.example").status for _ in range(4)], [200, 200, 200, 429])

    def test_all_hosts_of_a_tenant_share(self):
        g = self.gate(conf(shard("one", self.origin()), tenant("acme", SLOW, home="one", host="a.example *.b.example")))
        with g.client() as c:
            self.assertEqual([c.get(host=h).status for h in ("a.example", "x.b.example", "y.b.example", "a.example")], [200, 200, 200, 429])

    def test_plans_give_and_tenants_override(self):
        o = self.origin()
        g = self.gate(conf(block("plan small", SLOW), shard("one", o),
                           tenant("acme", "plan small", home="one"), tenant("globex", "plan small", "requests 1/m burst 5", home="one")))
        with g.client() as c:
            self.assertEqual([c.get(host="acme.example").status for _ in range(4)].count(200), 3)
            self.assertEqual([c.get(host="globex.example").status for _ in range(7)].count(200), 5)

    def test_tables_give_and_override(self):
        g = self.gate(conf("plan small {\n  " + SLOW + "\n}", "tenants table tenants.tbl", shard("one", self.origin())),
                      files={"tenants.tbl": "acme plan=small home=one host=acme.example\n"
                                            "globex plan=small home=one host=globex.example requests=1/m+5\n"})
        with g.client() as c:
            self.assertEqual([c.get(host="acme.example").status for _ in range(4)].count(200), 3)
            self.assertEqual([c.get(host="globex.example").status for _ in range(7)].count(200), 5)

    def test_workers_share_one_bucket(self):
        o = self.origin()
        g = self.simple(o, tenant_lines=["requests 1/m burst 50"], workers=2)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(lambda _: get(g.address).status, range(200)))
        self.assertEqual((codes.count(200), codes.count(429)), (50, 150))
        self.assertEqual(len(o.requests), 50)

    def test_a_flood_is_held_to_burst_and_rate(self):
        o = self.origin()
        g = self.simple(o, tenant_lines=["requests 100/s burst 50"], workers=2, log=None)
        began = time.monotonic()
        subprocess.run(["wrk", "-t1", "-c16", "-d2s", "-H", "Host: acme.example", f"http://{g.address}/"], capture_output=True, timeout=30)
        took = time.monotonic() - began
        eventually(lambda: g.metrics().value("gatehouse_requests_in_flight", tenant="acme") == 0)
        admitted = len(o.requests)
        self.assertLessEqual(admitted, 50 + 100 * took)
        self.assertGreaterEqual(admitted, 50 + 100 * 1.5)
        self.assertGreater(g.metrics().value("gatehouse_limited_total", tenant="acme", limit="requests"), 1000)

    def test_tokens_come_back(self):
        g = self.simple(self.origin(), tenant_lines=["requests 10/s burst 1"])
        with g.client() as c:
            self.assertEqual(c.get().status, 200)
            eventually(lambda: c.get().status == 200, "another token")

    def test_refusals_are_counted_and_logged_by_the_name_of_the_limit(self):
        g = self.simple(self.origin(), tenant_lines=[SLOW])
        with g.client() as c:
            for _ in range(5):
                c.get()
        records = eventually(lambda: len(g.records()) == 5 and g.records())
        self.assertEqual([(r["status"], r.get("code"), r.get("limit")) for r in records[3:]], [(429, "rate_limited", "requests")] * 2)
        self.assertEqual([r.get("limit") for r in records[:3]], [None] * 3)
        m = g.metrics()
        self.assertEqual(m.value("gatehouse_limited_total", tenant="acme", limit="requests"), 2)
        self.assertEqual(m.value("gatehouse_requests_total", tenant="acme", code="4xx"), 2)


class Edits(Case):
    def proxy(self, line):
        self.o = self.origin()
        self.text = lambda line: conf(shard("one", self.o), tenant("acme", line, home="one"))
        return self.gate(self.text(line))

    def test_a_reload_keeps_the_fill(self):
        g = self.proxy("requests 1/m burst 3")
        with g.client() as c:
            for _ in range(4):
                c.get()
            g.reload(self.text("requests 1/m burst 3"))
            self.assertEqual(c.get().status, 429)

    def test_lowering_never_refunds(self):
        g = self.proxy("requests 1/m burst 10")
        with g.client() as c:
            for _ in range(10):
                self.assertEqual(c.get().status, 200)
            g.reload(self.text("requests 1/m burst 2"))
            self.assertEqual(c.get().status, 429)
            g.reload(self.text("requests 1/m burst 10"))
            self.assertEqual(c.get().status, 429)

    def test_a_half_full_bucket_stays_half_full(self):
        g = self.proxy("requests 1/m burst 10")
        with g.client() as c:
            for _ in range(5):
                c.get()
            g.reload(self.text("requests 1/m burst 100"))
            codes = [c.get().status for _ in range(60)]
        self.assertTrue(48 <= codes.count(200) <= 52, codes.count(200))

    def test_taking_the_limit_away_applies_at_once(self):
        g = self.proxy("requests 1/m burst 1")
        with g.client() as c:
            self.assertEqual([c.get().status for _ in range(2)], [200, 429])
            g.reload(conf(shard("one", self.o), tenant("acme", home="one")))
            self.assertEqual([c.get().status for _ in range(20)], [200] * 20)


class Concurrency(Case):
    def setUp(self):
        super().setUp()
        self.go = threading.Event()

        def answer(x):
            x.read_body()
            if x.target == "/hold":
                self.go.wait(20)
            x.reply()
        self.o = self.origin(answer)
        self.addCleanup(self.go.set)

    def hold(self, g, count):
        clients = [g.client() for _ in range(count)]
        for c in clients:
            c.request(target="/hold")
        self.o.wait(count)
        return clients

    def test_the_next_one_is_refused_and_room_comes_back(self):
        g = self.simple(self.o, tenant_lines=["concurrency 3"])
        held = self.hold(g, 3)
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 3)
        r = get(g.address)
        self.assert_refused(r, 429, "concurrency_limited")
        self.assertEqual((r.json["limit"], r.json["violated-policies"]), ("concurrency", ["concurrency"]))
        self.assertGreaterEqual(int(r.field("retry-after")), 1)
        self.go.set()
        for c in held:
            self.assertEqual(c.final().status, 200)
        self.assertEqual(get(g.address).status, 200)
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 0)
        self.assertEqual(g.metrics().value("gatehouse_limited_total", tenant="acme", limit="concurrency"), 1)

    def test_aborts_give_it_back(self):
        g = self.simple(self.o, tenant_lines=["concurrency 3"])
        for _ in range(3):
            seen = len(self.o.requests)
            held = [g.client().request(target="/hold") for _ in range(3)]
            self.o.wait(seen + 3)
            self.assertEqual(get(g.address).status, 429)
            for c in held:
                c.reset()
            eventually(lambda: g.metrics().value("gatehouse_requests_in_flight", tenant="acme") == 0, "nothing in flight")
        self.assertEqual(get(g.address).status, 200)

    def test_failures_give_it_back(self):
        o = self.origin(lambda x: x.reset())
        g = self.simple(o, tenant_lines=["concurrency 2"])
        for _ in range(10):
            with g.client() as c:
                self.assertEqual(c.request("POST", body=b"x").final().status, 502)
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 0)

    def test_tenants_do_not_share(self):
        g = self.gate(conf(shard("one", self.o), tenant("acme", "concurrency 1", home="one"), tenant("globex", "concurrency 1", home="one")))
        self.hold(g, 1)
        self.assertEqual(get(g.address).status, 429)
        self.assertEqual(get(g.address, host="globex.example").status, 200)

    def test_a_reload_keeps_the_count(self):
        g = self.simple(self.o, tenant_lines=["concurrency 2"])
        held = self.hold(g, 2)
        g.reload()
        self.assertEqual(get(g.address).status, 429)
        g.reload(conf(shard("one", self.o), tenant("acme", "concurrency 3", home="one")))
        self.assertEqual(get(g.address).status, 200)
        self.go.set()
        for c in held:
            self.assertEqual(c.final().status, 200)
        eventually(lambda: g.metrics().value("gatehouse_requests_in_flight", tenant="acme") == 0)
