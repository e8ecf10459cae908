"""Limits beyond the plain ones: the levels from process to client, what a request costs, what only counts."""
import re
import subprocess

from harness import Case, conf, get, shard, tenant
from harness.gate import binary
from harness.settings import block


def policies(response):
    """Names and remaining counts that RateLimit tells."""
    return {name: int(left) for name, left in re.findall(r'"([^"]+)";r=(\d+)', response.field("ratelimit") or "")}


class Levels(Case):
    def test_a_bucket_per_client(self):
        o = self.origin()
        g = self.simple(o, tenant_lines=["requests 1/m burst 2 per client"], parts=["trust 127.0.0.0/8"])
        with g.client() as c:
            def ask(client):
                return c.get(fields=[("X-Forwarded-For", client)]).status
            self.assertEqual([ask("192.0.2.1") for _ in range(3)], [200, 200, 429])
            self.assertEqual([ask("192.0.2.2") for _ in range(3)], [200, 200, 429])
            self.assertEqual([ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::3")], [200, 200, 429], "a /64 is one client")
            self.assertEqual(ask("9.9.9.9, 192.0.2.1"), 429, "who is behind the trusted peer counts, not what it says")
        self.assertEqual(len(o.requests), 6)

    def test_a_client_can_not_say_who_it_is(self):
        g = self.simple(self.origin(), tenant_lines=["requests 1/m burst 2 per client"])
        with g.client() as c:
            codes = [c.get(fields=[("X-Forwarded-For", f"192.0.2.{n}")]).status for n in range(4)]
        self.assertEqual(codes, [200, 200, 429, 429])

    def test_a_bucket_per_field_value(self):
        g = self.simple(self.origin(), tenant_lines=["requests 1/m burst 1 per header X-User"])
        with g.client() as c:
            def ask(*fields):
                return c.get(fields=list(fields)).status
            self.assertEqual([ask(("X-User", "ann")), ask(("x-user", "ann")), ask(("X-User", "bob"))], [200, 429, 200])
            self.assertEqual([ask(), ask()], [200, 429], "requests without the field share one")

    def test_a_bucket_per_path_class_the_longest_prefix_wins(self):
        g = self.simple(self.origin(), tenant_lines=["requests 1/m burst 1 per path /export", "requests 1/m burst 2 per path /"])
        with g.client() as c:
            targets = ["/export", "/export/1", "/ex%70ort?x", "//export", "/exports", "/", "/a"]
            self.assertEqual([c.get(t).status for t in targets], [200, 429, 429, 429, 200, 200, 429])

    def test_no_token_is_lost_in_a_parent_when_a_child_refuses(self):
        o = self.origin()
        g = self.gate(conf(block("limits", "requests 1/m burst 50"), shard("one", o),
                           block("plan small", "pool-requests 1/m burst 40", "requests 1/m burst 30", "requests 1/m burst 2 per path /x"),
                           tenant("acme", "plan small", home="one"), tenant("globex", "plan small", home="one")))
        with g.client() as c:
            self.assertEqual([c.get("/x", host="acme.example").status for _ in range(12)], [200] * 2 + [429] * 10)
            r = c.get("/", host="acme.example")
        self.assertEqual(policies(r), {"process requests": 47, "pool requests": 37, "requests": 27})
        with g.client() as c:
            r = c.get("/x", host="globex.example")
        self.assertEqual(policies(r), {"process requests": 46, "pool requests": 36, "requests": 29, "requests per path /x": 1})

    def test_every_policy_is_named_and_the_violated_ones_too(self):
        g = self.simple(self.origin(), tenant_lines=["requests 1/m burst 3", "requests 1/h burst 1 per client", "concurrency 5"])
        with g.client() as c:
            r = c.get()
            self.assertEqual(r.field("ratelimit-policy"), '"requests";q=1;w=60;gh-burst=3, "requests per client";q=1;w=3600, '
                                                          '"concurrency";q=5;qu="concurrent-requests"')
            self.assertEqual(policies(r), {"requests": 2, "requests per client": 0, "concurrency": 4})
            r = c.get()
        self.assert_refused(r, 429, "rate_limited")
        self.assertEqual((r.json["limit"], r.json["violated-policies"]), ("requests per client", ["requests per client"]))
        self.assertGreater(int(r.field("retry-after")), 3500)
        self.assertEqual(g.metrics().value("gatehouse_limited_total", tenant="acme", limit="requests per client"), 1)
        self.assertEqual(self.log(g, 2)[1]["limit"], "requests per client")
        self.assertGreater(g.metrics().value("gatehouse_limit_ratio", tenant="acme", limit="requests"), 0.3)

    def log(self, g, count):
        from harness import eventually
        return eventually(lambda: len(g.records()) >= count and g.records())

    def test_the_room_of_process_and_pool_is_ours_so_it_is_503(self):
        o = self.origin()
        g = self.gate(conf(block("limits", "requests 1/m burst 3"), shard("one", o),
                           tenant("acme", home="one"), tenant("globex", "requests 1/m burst 1", home="one")))
        with g.client() as c:
            self.assertEqual([c.get(host=h).status for h in ("acme.example", "globex.example", "globex.example", "acme.example")],
                             [200, 200, 429, 200])
            r = c.get(host="acme.example")
            self.assert_refused(r, 503, "overloaded")
            self.assertEqual(r.json["limit"], "process requests")
            self.assertGreater(int(r.field("retry-after")), 1)
            r = c.get(host="globex.example")
            self.assert_refused(r, 429, "rate_limited")
            self.assertEqual(sorted(r.json["violated-policies"]), ["process requests", "requests"])

    def test_a_pool_is_shared_by_the_tenants_of_a_plan(self):
        g = self.gate(conf(block("plan small", "pool-requests 1/m burst 3"), shard("one", self.origin()),
                           tenant("acme", "plan small", home="one"), tenant("globex", "plan small", home="one"), tenant("other", home="one")))
        with g.client() as c:
            hosts = ["acme.example", "globex.example", "acme.example", "globex.example", "other.example"]
            self.assertEqual([c.get(host=h).status for h in hosts], [200, 200, 200, 503, 200])

    def test_shadow_only_counts(self):
        g = self.simple(self.origin(), tenant_lines=["requests 1/m burst 2 shadow", "requests 1/m burst 1 per client shadow"])
        with g.client() as c:
            answers = [c.get() for _ in range(5)]
        self.assertEqual([r.status for r in answers], [200] * 5)
        self.assertEqual(answers[0].field("ratelimit"), None)
        m = g.metrics()
        self.assertEqual(m.value("gatehouse_limit_shadow_total", tenant="acme", limit="requests"), 3)
        self.assertEqual(m.value("gatehouse_limit_shadow_total", tenant="acme", limit="requests per client"), 4)

    def test_costs(self):
        g = self.simple(self.origin(), tenant_lines=["requests 1/h burst 50", "cost POST /export 20", "cost * /cheap 2"])
        with g.client() as c:
            left = [policies(r)["requests"] for r in (c.get("/"), c.get("/cheap"), c.get("/export"), c.request("POST", "/export/x").final())]
            self.assertEqual(left, [49, 47, 46, 26])
            self.assertEqual([c.request("POST", "/export").final().status, c.request("POST", "/export").final().status, c.get("/").status], [200, 429, 200])

    def test_the_response_says_what_the_request_cost_and_leaves_a_debt(self):
        def answer(x):
            x.reply(200, "ok", [("X-Request-Cost", "40")] if x.target == "/dear" else [])
        for lines in (["requests 60/m burst 50"], ["requests 60/m burst 50", "requests 1/m burst 1000 per client"]):
            g = self.simple(self.origin(answer), tenant_lines=lines)
            with g.client() as c:
                r = c.get("/dear")
                self.assertEqual(r.field("x-request-cost"), "40")
                self.assertIn(policies(c.get("/"))["requests"], (9, 10))
                self.assertEqual(c.get("/dear").status, 200, "there was a token for it")
                r = c.get("/")
                self.assertEqual(r.status, 429)
                self.assertGreater(int(r.field("retry-after")), 20, "debt is paid first")

    def test_explain_tells_all_of_them_and_their_lines(self):
        g = self.gate(conf(block("limits", "requests 9/s"), shard("one", self.origin()),
                           block("plan small", "requests 1/m burst 2 per client shadow", "quota 1TiB per day", "cost POST /x 5"),
                           tenant("acme", "plan small", "requests 5/s per path /x delay 2s", home="one")))
        out = subprocess.run([binary(), "explain", "tenant", "acme"], cwd=g.directory, capture_output=True, text=True, timeout=20).stdout
        for line in (r"requests +unlimited +default", r"process requests +9/s burst 9 +./proxy.conf:\d+", r"requests per client +1/m burst 2 shadow +plan 'small', ./proxy.conf:\d+",
                     r"requests per path /x +5/s burst 5 delay 2s +./proxy.conf:\d+", r"quota bytes per day +1TiB soft 80% +plan 'small'",
                     r"cost +POST /x 5 +plan 'small'"):
            self.assertRegex(out, line)

    def test_reloads_keep_the_fill_of_all_levels_but_those_per_client(self):
        o = self.origin()

        def text(rate):
            return conf(block("limits", f"requests 1/h burst {10 * rate}"), shard("one", o),
                        tenant("acme", f"requests 1/h burst {rate} per path /x", "requests 1/h burst 4 per client", home="one"))
        g = self.gate(text(10))
        with g.client() as c:
            for _ in range(2):
                self.assertEqual(c.get("/x").status, 200)
            g.reload(text(20))
            left = policies(c.get("/x"))
        self.assertEqual(left, {"process requests": 195, "requests per path /x": 15, "requests per client": 1})
