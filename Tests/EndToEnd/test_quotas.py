"""Quotas by the calendar and connections of a tenant: what they refuse, what is kept over a kill, what is told."""
import calendar
import os
import re
import signal
import time

from harness import Case, conf, eventually, get, shard, tenant


class Quotas(Case):
    def test_requests_are_counted_to_the_hard_line_and_the_soft_one_is_told_once(self):
        g = self.simple(self.origin(), tenant_lines=["quota 10 requests per month soft 80%"], parts=["state state"])
        with g.client() as c:
            answers = [c.get() for _ in range(12)]
        self.assertEqual([r.status for r in answers], [200] * 10 + [429] * 2)
        r = answers[10]
        self.assert_refused(r, 429, "rate_limited")
        self.assertEqual((r.json["limit"], r.json["type"].split("#")[1]), ("quota requests per month", "quota-exceeded"))
        window = int(re.search(r'"quota requests per month";q=10;w=(\d+)', r.field("ratelimit-policy"))[1])
        self.assertIn(window / 86400, (28, 29, 30, 31))
        now = time.gmtime()
        end = calendar.timegm((now.tm_year + now.tm_mon // 12, now.tm_mon % 12 + 1, 1, 0, 0, 0))
        self.assertAlmostEqual(int(r.field("retry-after")), end - time.time(), delta=5)
        g.log.wait("near limit: tenant acme has used 80% of 'quota requests per month': 8 of 10")
        self.assertEqual(g.metrics().value("gatehouse_limit_ratio", tenant="acme", limit="quota requests per month"), 1)
        self.assertEqual(g.log.text().count("near limit"), 1)

    def test_an_operator_may_have_one_begin_anew(self):
        parts = ["state state", f"admin unix:{self.directory}/admin.sock"]
        o, lines = self.origin(), ["quota 3 requests per day", "quota 1GiB per month"]
        g = self.simple(o, tenant_lines=lines, parts=parts)
        with g.client() as c:
            self.assertEqual([c.get().status for _ in range(4)], [200, 200, 200, 429])
        items = g.admin("GET", "/v1/tenants/acme/quotas").json["items"]
        self.assertEqual([(q["limit"], q["used"], q["amount"]) for q in items][0], ("quota requests per day", 3, 3))
        self.assertGreater(items[1]["used"], 0)
        self.assertEqual(g.admin("POST", "/v1/tenants/acme/quotas:reset", {"limit": "quota bytes per year"}).status, 404)
        self.assertEqual(g.admin("POST", "/v1/tenants/nobody/quotas:reset").status, 404)
        r = g.admin("POST", "/v1/tenants/acme/quotas:reset", {"limit": "quota requests per day"})
        self.assertEqual((r.status, r.json["items"][0]["used"]), (200, 0), r)
        self.assertEqual(r.json["items"][1]["used"], items[1]["used"])
        g.process.send_signal(signal.SIGKILL)
        g.process.wait()
        g.may_fail = True
        g = self.simple(o, tenant_lines=lines, parts=parts)
        with g.client() as c:
            self.assertEqual([c.get().status for _ in range(4)], [200, 200, 200, 429])

    def test_bytes_are_counted_both_ways_once_they_have_passed(self):
        g = self.simple(self.origin(lambda x: (x.read_body(), x.reply(200, "x" * 60000))[1]), tenant_lines=["quota 200KiB per day"],
                        parts=["state state"])
        with g.client() as c:
            codes = []
            for _ in range(4):
                codes.append(c.request("POST", body=b"y" * 20000).final().status)
        self.assertEqual(codes, [200, 200, 200, 429])

    def test_long_answers_are_counted_while_they_last(self):
        def answer(x):
            if x.target != "/long":
                return x.reply()
            x.reply(200, "x" * 50000, [("Content-Length", "90000")])
            eventually(lambda: self.refused, "another request is refused")
            x.send("y" * 40000)
        self.refused = False
        g = self.simple(self.origin(answer), tenant_lines=["quota 40KiB per month"])
        with g.client() as c:
            c.request(target="/long")
            eventually(lambda: get(g.address).status == 429, "the bytes are counted")
            self.refused = True
            self.assertEqual(c.final().status, 200)

    def test_a_kill_loses_less_than_a_second_and_a_stop_nothing(self):
        o = self.origin()
        text = conf("state state", shard("one", o), tenant("acme", "quota 10 requests per month", home="one"))
        g = self.gate(text)
        with g.client() as c:
            self.assertEqual([c.get().status for _ in range(4)], [200] * 4)
        time.sleep(1)               # what is older is kept, it says
        os.kill(g.process.pid, signal.SIGKILL)
        g.process.wait()
        g.may_fail = True
        again = self.gate(text, after=g)
        with again.client() as c:
            self.assertEqual([c.get().status for _ in range(4)], [200] * 4)
        again.stop()
        third = self.gate(text, after=g)
        with third.client() as c:
            self.assertEqual([c.get().status for _ in range(4)], [200, 200, 429, 429])
            third.reload()
            self.assertEqual(c.get().status, 429)

    def test_two_processes_do_not_keep_the_same_state(self):
        text = conf("state state", shard("one", self.origin()), tenant("acme", home="one"))
        g = self.gate(text)
        with self.assertRaises(AssertionError) as trouble:
            self.gate(text, after=g, may_fail=True)
        self.assertIn("another process uses the state", str(trouble.exception))


class Connections(Case):
    def test_connections_of_a_tenant_and_of_a_client(self):
        g = self.simple(self.origin(), tenant_lines=["connections 3 per-client 2"], listen=("127.0.0.1:0", "[::1]:0"))
        first, second = g.client(), g.client()
        self.assertEqual([first.get().status, second.get().status, first.get().status], [200, 200, 200])
        with g.client() as c:
            r = c.get()
            self.assert_refused(r, 429, "concurrency_limited")
            self.assertEqual((r.json["limit"], r.closes), ("connections per client", True))
        first.close()
        eventually(lambda: get(g.address).status == 200, "room for another one")
        self.assertEqual(g.metrics().value("gatehouse_limited_total", tenant="acme", limit="connections per client") > 0, True)
        second.close()

    def test_the_bound_of_all_clients(self):
        g = self.simple(self.origin(), tenant_lines=["connections 2"])
        clients = [g.client() for _ in range(2)]
        self.assertEqual([c.get().status for c in clients], [200, 200])
        r = get(g.address)
        self.assertEqual((r.status, r.json["limit"]), (429, "connections"))
        for c in clients:
            c.reset()
        eventually(lambda: g.metrics().value("gatehouse_limit_ratio", tenant="acme", limit="connections") == 0, "none is left")
        self.assertEqual(get(g.address).status, 200)

    def test_a_connection_is_of_the_tenant_it_last_asked_for(self):
        o = self.origin()
        g = self.gate(conf(shard("one", o), tenant("acme", "connections 1", home="one"), tenant("globex", "connections 1", home="one")))
        with g.client() as c:
            self.assertEqual([c.get(host=h).status for h in ("acme.example", "globex.example", "acme.example")], [200] * 3)
            self.assertEqual([get(g.address, host=h).status for h in ("acme.example", "globex.example")], [429, 200])
