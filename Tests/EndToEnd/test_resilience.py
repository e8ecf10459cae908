"""What failing requests do: to their retries, to backends, to their tenant, and to the shard that serves."""
import collections
import re
import time

from harness import Case, FramesOrigin, conf, eventually, get, shard, tenant
from harness.settings import HTTP2

TENANTS = [f"t{i}" for i in range(5)]


def told(x):
    return x.field("x-tenant-id")


class RetryBudget(Case):
    def sent(self):
        return sum(len(o.requests) for o in self._origins)

    def test_a_storm_adds_a_fifth_at_most(self):
        origins = [self.origin(lambda x: x.reset()) for _ in range(2)]
        g = self.simple(*origins, lines=["retry budget 20% floor 0/s attempts 3"])
        answers = [get(g.address) for _ in range(200)]
        self.assertEqual({(r.status, r.code) for r in answers}, {(502, "bad_response")})
        self.assertTrue(220 <= self.sent() <= 240, self.sent())
        m = g.metrics()
        self.assertEqual(m.value("gatehouse_retries_total", shard="one"), self.sent() - 200)
        self.assertGreater(m.value("gatehouse_retries_refused_total", shard="one"), 100)

    def test_the_backend_that_is_left_gets_no_more_than_that(self):
        bad, good = self.origin(lambda x: x.reset()), self.origin(name="good")
        g = self.simple(bad, good, lines=["balance round-robin", "retry budget 20% floor 0/s"], workers=1)
        answers = [get(g.address).status for _ in range(200)]
        self.assertLessEqual(self.sent(), 240)
        self.assertLessEqual(len(good.requests), 100 * 1.2 + 20)
        self.assertEqual(answers.count(200), len(good.requests))

    def test_the_floor_is_there_for_the_few(self):
        bad, good = self.origin(lambda x: x.reset()), self.origin(name="good")
        g = self.simple(bad, good, lines=["balance round-robin", "retry budget 0% floor 3/s"], workers=1)
        self.assertEqual([get(g.address).status for _ in range(20)], [200] * 20)

    def test_attempts_of_one_request_are_bounded(self):
        origins = [self.origin(lambda x: x.reset()) for _ in range(4)]
        for attempts in (1, 2, 4):
            with self.subTest(attempts):
                seen = self.sent()
                g = self.simple(*origins, lines=[f"retry budget 100% floor 100/s attempts {attempts}"])
                get(g.address)
                self.assertEqual(self.sent() - seen, attempts)
                g.stop()

    def test_one_tenant_does_not_use_up_the_retries_of_the_others(self):
        a = self.origin(lambda x: x.reset(), name="a")
        b = self.origin(lambda x: x.reset() if told(x) == "acme" else x.reply(200, "b"), name="b")
        g = self.gate(conf(shard("one", a, b, lines=["balance round-robin", "retry budget 10% floor 3/s attempts 2"]),
                           tenant("acme"), tenant("globex"), workers=1))
        for _ in range(300):
            get(g.address)
        spent = g.metrics().value("gatehouse_retries_total", shard="one")
        self.assertTrue(30 <= spent <= 50, spent)
        self.assertEqual([get(g.address, host="globex.example").status for _ in range(20)], [200] * 20)


class Outliers(Case):
    LINE = "outlier 5 failures from 3 tenants eject {} at-most {}"

    def proxy(self, *origins, eject="60s", most="50%", lines=(), **keywords):
        text = [self.LINE.format(eject, most), "balance round-robin", *lines]
        return self.gate(conf(shard("one", *origins, lines=text), *(tenant(t) for t in TENANTS), workers=1), **keywords)

    def up(self, g, o):
        return g.metrics().value("gatehouse_backend_up", backend=o.address)

    def ejections(self, g, o):
        return g.metrics().value("gatehouse_ejections_total", shard="one", backend=o.address)

    def round(self, g, count=4):
        return [get(g.address, host=f"{t}.example").status for _ in range(count) for t in TENANTS]

    def test_a_backend_that_fails_several_tenants_is_out_for_a_while(self):
        for how in (lambda x: x.reply(503, ""), lambda x: x.reset(), lambda x: x.send("nonsense\r\n\r\n")):
            a, b = self.origin(how, name="a"), self.origin(name="b")
            g = self.proxy(a, b, eject="1s")
            self.round(g)
            self.assertEqual(self.ejections(g, a), 1)
            g.log.wait(f"backend {re.escape(a.address)} of shard one is out: requests of several tenants failed there$")
            seen, a.answer = len(a.requests), None
            eventually(lambda: self.up(g, a) == 1, "a is back")
            g.log.wait(f"backend {re.escape(a.address)} of shard one is up again$")
            eventually(lambda: set(self.round(g)) == {200} and len(a.requests) > seen, "a serves again")
            self.assertEqual((self.ejections(g, a), self.ejections(g, b)), (1, 0))
            g.stop()

    def test_nothing_is_sent_there_meanwhile(self):
        a, b = self.origin(lambda x: x.reply(502, ""), name="a"), self.origin(name="b")
        g = self.proxy(a, b)
        self.round(g)
        self.assertEqual(self.up(g, a), 0)
        seen = len(a.requests)
        self.assertEqual(set(self.round(g)), {200})
        self.assertEqual(len(a.requests), seen)

    def test_a_poison_tenant_ejects_nobody(self):
        def answer(x):
            x.reply(500 if told(x) == "t0" else 200, "x")
        a, b = self.origin(answer), self.origin(answer)
        g = self.proxy(a, b, most="100%")
        with g.client() as c:
            self.assertEqual({c.get(host="t0.example").status for _ in range(100)}, {500})
        self.round(g)
        self.assertEqual([self.ejections(g, o) for o in (a, b)], [0, 0])
        self.assertEqual([self.up(g, o) for o in (a, b)], [1, 1])

    def test_other_statuses_are_no_failures(self):
        a, b = self.origin(lambda x: x.reply(501, "")), self.origin(lambda x: x.reply(429, ""))
        g = self.proxy(a, b)
        self.round(g)
        self.assertEqual([self.up(g, o) for o in (a, b)], [1, 1])

    def test_an_answer_that_breaks_off_is_a_failure(self):
        a, b = self.origin(lambda x: x.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").reset(), name="a"), self.origin(name="b")
        g = self.proxy(a, b)
        for _ in range(4):
            for t in TENANTS:
                try:
                    get(g.address, host=f"{t}.example")
                except (EOFError, ConnectionResetError):
                    pass
        self.assertEqual((self.ejections(g, a), self.up(g, a), self.up(g, b)), (1, 0, 1))

    def test_no_more_are_out_than_the_configuration_says(self):
        origins = [self.origin(lambda x: x.reply(500, "")) for _ in range(4)]
        for most, left in (("50%", 2), ("25%", 3), ("0%", 4), ("100%", 0)):
            with self.subTest(most):
                g = self.proxy(*origins, most=most)
                self.round(g, 12)
                self.assertEqual(sum(self.up(g, o) for o in origins), left)
                g.stop()

    def test_those_that_answer_badly_are_needed_when_others_are_down(self):
        a, b = self.origin(lambda x: x.reply(500, ""), name="a"), self.origin(name="b")
        a.health = b.health = True
        g = self.proxy(a, b, lines=[Standby.CHECK])
        self.round(g)
        self.assertEqual((self.up(g, a), self.up(g, b)), (0, 1))
        b.health = False
        eventually(lambda: (self.up(g, a), self.up(g, b)) == (1, 0), "a is back for want of b")
        self.assertEqual(set(self.round(g)), {500})

    def test_slots_follow(self):
        a, b = self.origin(lambda x: x.reply(500, ""), name="a"), self.origin(name="b")
        g = self.proxy(a, b, lines=["concurrency 8"])
        self.round(g, 12)
        self.assertEqual(self.up(g, a), 0)
        self.assertEqual(set(self.round(g)), {200})

    def test_a_reload_leaves_it_out(self):
        a, b = self.origin(lambda x: x.reply(500, ""), name="a"), self.origin(name="b")
        g = self.proxy(a, b)
        self.round(g)
        g.reload()
        self.assertEqual((self.up(g, a), self.up(g, b)), (0, 1))
        self.assertEqual(set(self.round(g)), {200})


class Breaker(Case):
    def proxy(self, answer, time="60s", **keywords):
        self.o = self.origin(answer)
        return self.gate(conf(shard("one", self.o, lines=[f"breaker per-tenant 50% of 20 for {time}"]),
                              tenant("acme"), tenant("globex"), **keywords))

    def test_a_tenant_whose_requests_fail_is_held_off_alone(self):
        g = self.proxy(lambda x: x.reply(500 if told(x) == "acme" else 200, "x"))
        with g.client() as c:
            self.assertEqual([c.get().status for _ in range(10)], [500] * 10)
            for _ in range(5):
                r = c.get()
                self.assert_refused(r, 503, "breaker_open")
                self.assertTrue(50 <= int(r.field("retry-after")) <= 60, r)
                self.assertEqual(r.json["tenant"], "acme")
        self.assertEqual(len(self.o.requests), 10)
        self.assertEqual({get(g.address, host="globex.example").status for _ in range(30)}, {200})
        m = g.metrics()
        self.assertEqual(m.value("gatehouse_breaker_opened_total", shard="one"), 1)
        self.assertEqual(m.value("gatehouse_breaker_refused_total", shard="one"), 5)
        codes = [r.get("code") for r in eventually(lambda: len(g.records()) == 45 and g.records())]
        self.assertEqual(codes[10:15], ["breaker_open"] * 5)

    def test_one_request_finds_out_whether_it_is_over(self):
        state = {"bad": True}
        g = self.proxy(lambda x: x.reply(500 if state["bad"] else 200, "x"), time="500ms")
        with g.client() as c:
            for _ in range(10):
                c.get()
            self.assertEqual(c.get().code, "breaker_open")
            eventually(lambda: c.get().status == 500, "one is let through")
            self.assertEqual(len(self.o.requests), 11)
            self.assertEqual(c.get().code, "breaker_open")
            state["bad"] = False
            eventually(lambda: c.get().status == 200, "one is let through again")
            self.assertEqual([c.get().status for _ in range(30)], [200] * 30)

    def test_broken_connections_and_silence_are_failures_too(self):
        for answer, status in ((lambda x: x.read_body() is None or x.reset(), 502), (lambda x: x.wait_gone(20), 504)):
            g = self.proxy(answer)
            g.reload(g.read("proxy.conf").decode() + "timeouts {\n  response 50ms\n}\n")
            for _ in range(10):
                with g.client() as c:
                    self.assertEqual(c.request("POST", body=b"x").final().status, status)
            self.assert_refused(get(g.address), 503, "breaker_open")
            g.stop()

    def test_what_a_client_thinks_too_long_is_none(self):
        g = self.proxy(lambda x: x.wait_gone(20))
        fields = [("X-Request-Timeout", "20ms")]
        self.assertEqual({get(g.address, fields=fields).code for _ in range(25)}, {"response_timeout"})

    def test_less_than_half_is_not_enough(self):
        turns = iter(range(1000))
        g = self.proxy(lambda x: x.reply(500 if next(turns) % 3 == 0 else 200, "x"))
        with g.client() as c:
            share = collections.Counter(c.get().status for _ in range(90))
        self.assertEqual(share, {500: 30, 200: 60})

    def test_answers_that_break_off_are_failures_of_their_tenant(self):
        g = self.proxy(lambda x: x.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").reset())
        for _ in range(10):
            with self.assertRaises((EOFError, ConnectionResetError)):
                get(g.address)
        self.assert_refused(get(g.address), 503, "breaker_open")

    def test_calls_tell_how_they_fared_in_their_trailers(self):
        kind = [("content-type", "application/grpc")]
        forms = {
            "trailers": lambda x, status: x.reply(200, b"\0\0\0\0\0", kind, trailers=[("grpc-status", status)]),
            "only": lambda x, status: x.reply(200, None, kind + [("grpc-status", status)]),
            "nothing": lambda x, status: x.reply(200, b"\0\0\0\0\0", kind),
        }
        for form, status, opens in (("trailers", "14", True), ("only", "14", True), ("trailers", "2", True), ("trailers", "5", False),
                                    ("only", "8", False), ("trailers", "0", False), ("nothing", "0", True)):
            with self.subTest(form=form, status=status):
                o = FramesOrigin(lambda x: forms[form](x, status))
                self._origins.append(o)
                g = self.gate(conf(shard("one", o, lines=["protocol h2", "breaker per-tenant 50% of 20 for 60s"]), tenant("acme"),
                                   listen=(HTTP2,)))
                with g.frames() as c:
                    for _ in range(11):
                        r = c.final(c.request("POST", "/a.B/C", fields=kind + [("te", "trailers")], body=b"\0\0\0\0\0"))
                self.assertEqual(r.field("grpc-message") == "breaker_open", opens, r)
                g.stop()

    def test_it_holds_for_streams(self):
        g = self.proxy(lambda x: x.reply(500, "x"), listen=(HTTP2,))
        with g.frames() as f:
            self.assertEqual([f.get().status for _ in range(10)], [500] * 10)
            self.assertEqual(f.get().status, 503)
        self.assertEqual(len(self.o.requests), 10)


class Standby(Case):
    CHECK = "health GET /healthz every 200ms timeout 1s rise 2 fall 2"

    def checked(self, name):
        o = self.origin(name=name)
        o.health = True
        return o

    def proxy(self, a, b, *lines, regions=(None, None), tenant_lines=()):
        said = [[f"region {r}"] if r else [] for r in regions]
        return self.gate(conf(shard("one", a, lines=[*said[0], *lines]), shard("two", b, lines=said[1]),
                              tenant("acme", "epoch 7", *tenant_lines, home="one")))

    def test_a_killed_shard_is_replaced_at_once(self):
        a, b = self.origin(name="a"), self.origin(name="b")
        g = self.proxy(a, b, "standby two")
        self.assertEqual(get(g.address).body, b"a")
        a.stop()
        killed = time.monotonic()
        eventually(lambda: get(g.address).body == b"b", "the standby serves")
        self.assertLess(time.monotonic() - killed, 1)
        self.assertEqual({get(g.address).body for _ in range(20)}, {b"b"})
        self.assertEqual((b.last.field("x-placement-shard"), b.last.field("x-placement-epoch")), ("two", "7"))
        m = g.metrics()
        self.assertGreaterEqual(m.value("gatehouse_standby_requests_total", shard="one"), 21)
        self.assertGreaterEqual(m.value("gatehouse_requests_total", tenant="acme", shard="two", code="2xx"), 21)
        eventually(lambda: g.records()[-1]["shard"] == "two", "it is written down")

    def test_the_shard_serves_itself_again_once_it_is_settled(self):
        a, b = self.checked("a"), self.origin(name="b")
        g = self.proxy(a, b, self.CHECK, "standby two back-after 2s")
        a.health = False
        eventually(lambda: get(g.address).body == b"b", "the standby serves")
        a.health = True
        eventually(lambda: g.metrics().value("gatehouse_backend_up", backend=a.address) == 1, "a is back")
        back = time.monotonic()
        self.assertEqual(get(g.address).body, b"b")
        eventually(lambda: get(g.address).body == b"a", "home again")
        self.assertGreater(time.monotonic() - back, 1)

    def test_without_checks_of_its_own_its_return_is_noticed_too(self):
        a, b = self.origin(name="a"), self.origin(name="b")
        g = self.proxy(a, b, "standby two back-after 0s")
        a.stop()
        eventually(lambda: get(g.address).body == b"b", "the standby serves")
        again = self.origin(name="again")
        g.reload(g.read("proxy.conf").decode().replace(a.address, again.address))
        eventually(lambda: get(g.address).body == b"again", "home again")

    def test_none_is_in_another_region(self):
        a, b = self.checked("a"), self.checked("b")
        g = self.proxy(a, b, self.CHECK, "standby two", regions=("eu", "us"))
        self.assertIn("never stands in", g.log.text())
        a.health = False
        eventually(lambda: get(g.address).status == 503, "a is out")
        self.assert_refused(get(g.address), 503, "no_backend")
        self.assertEqual(b.requests, [])

    def test_the_first_that_can_serves(self):
        a, b, c = self.checked("a"), self.checked("b"), self.origin(name="c")
        a.health = False
        g = self.gate(conf(shard("one", a, lines=[self.CHECK, "standby two three"]), shard("two", b, lines=[self.CHECK]),
                           shard("three", c), tenant("acme", home="one")))
        eventually(lambda: get(g.address).body == b"b", "the first standby serves")
        b.health = False
        eventually(lambda: get(g.address).body == b"c", "the second standby serves")

    def test_a_cookie_of_the_home_is_no_hindrance(self):
        a, b = self.checked("a"), self.origin(name="b")
        g = self.gate(conf(shard("one", a, lines=[self.CHECK, "standby two", "sticky cookie S for 1h"]), shard("two", b),
                           tenant("acme", home="one")))
        r = get(g.address)
        cookie = ("Cookie", "S=" + r.cookie("S"))
        self.assertEqual(get(g.address, fields=[cookie]).body, b"a")
        a.health = False
        eventually(lambda: get(g.address, fields=[cookie]).body == b"b", "the standby serves")
