"""Where requests go: placement, balancing, health, retries."""
import collections
import re
import threading
import time

from harness import Case, closed_port, conf, eventually, get, shard, tenant
from harness.settings import block


def rows(*lines):
    return "\n".join(lines) + "\n"


class Placement(Case):
    def test_home_is_home(self):
        a, b = self.origin(name="a"), self.origin(name="b")
        g = self.gate(conf("tenants table tenants.tbl", shard("one", a), shard("two", b), tenant("acme", home="two")),
                      files={"tenants.tbl": "globex home=one host=globex.example\n"})
        self.assertEqual([get(g.address, host=f"{t}.example").body for t in ("acme", "globex")], [b"b", b"a"])

    def unlisted(self, g, names):
        return {n: get(g.address, host=f"{n}.example").body.decode() for n in names}

    def test_the_unlisted_are_spread_and_stay_where_they_are(self):
        names = [f"t{i}" for i in range(60)]
        table = rows(*(f"{n} host={n}.example" for n in names))
        origins = [self.origin(name=n) for n in "abcd"]
        parts = [shard(f"s-{o.name}", o) for o in origins]
        text = conf("tenants table tenants.tbl", block("placement", "unlisted hash"), *parts[:3])
        g = self.gate(text, files={"tenants.tbl": table})
        first = self.unlisted(g, names)
        counts = collections.Counter(first.values())
        self.assertEqual(set(counts), {"a", "b", "c"})
        self.assertGreater(min(counts.values()), 6, counts)
        g.reload(conf("tenants table tenants.tbl", block("placement", "unlisted hash"), parts[2], parts[0], parts[1]))
        self.assertEqual(self.unlisted(g, names), first, "the order of shards in the file is no matter")
        g.reload(conf("tenants table tenants.tbl", block("placement", "unlisted hash"), *parts))
        fourth = self.unlisted(g, names)
        moved = [n for n in names if fourth[n] != first[n]]
        self.assertTrue(all(fourth[n] == "d" for n in moved), "tenants moved between old shards")
        self.assertTrue(3 <= len(moved) <= 30, len(moved))
        g.stop()
        g = self.gate(text, files={"tenants.tbl": table})
        self.assertEqual(self.unlisted(g, names), first, "a restart moved tenants")

    def test_the_unlisted_may_be_kept_to_some_shards(self):
        names = [f"t{i}" for i in range(30)]
        origins = [self.origin(name=n) for n in "abc"]
        g = self.gate(conf("tenants table tenants.tbl", block("placement", "unlisted hash s-a s-b"), *(shard(f"s-{o.name}", o) for o in origins)),
                      files={"tenants.tbl": rows(*(f"{n} host={n}.example" for n in names))})
        self.assertEqual(set(self.unlisted(g, names).values()), {"a", "b"})

    def test_the_unlisted_may_be_refused(self):
        o = self.origin()
        g = self.gate(conf(block("placement", "unlisted refuse"), shard("one", o), tenant("acme"), tenant("globex", home="one")))
        r = get(g.address)
        self.assertIn(r.status, (404, 503), r)
        self.assertEqual(o.requests, [])
        self.assertEqual(get(g.address, host="globex.example").status, 200)

    def test_epochs_move_with_a_reload_and_never_back(self):
        a, b = self.origin(name="a"), self.origin(name="b")
        text = conf("tenants table tenants.tbl", shard("one", a), shard("two", b))
        g = self.gate(text, files={"tenants.tbl": "acme home=one epoch=7 host=acme.example\n"})
        get(g.address)
        self.assertEqual(a.last.field("x-placement-epoch"), "7")
        g.reload(files={"tenants.tbl": "acme home=two epoch=8 host=acme.example\n"})
        self.assertEqual(get(g.address).body, b"b")
        self.assertEqual((b.last.field("x-placement-epoch"), b.last.field("x-placement-shard")), ("8", "two"))
        said = g.reload(files={"tenants.tbl": "acme home=one epoch=7 host=acme.example\n"}, refused=True)
        self.assertIn("tenants.tbl:1", said)
        self.assertEqual(get(g.address).body, b"b", "a refused table changes nothing")

    def test_a_request_in_flight_keeps_its_place_through_a_reload(self):
        go = threading.Event()

        def answer(x):
            go.wait(10)
            x.reply(200, "old place")
        a, b = self.origin(answer), self.origin(name="b")
        g = self.gate(conf(shard("one", a), shard("two", b), tenant("acme", home="one")))
        with g.client() as c:
            c.request()
            a.wait(1)
            g.reload(conf(shard("one", a), shard("two", b), tenant("acme", home="two")))
            self.assertEqual(get(g.address).body, b"b")
            go.set()
            self.assertEqual(c.final().body, b"old place")
            self.assertEqual(c.get().body, b"b")


class Balancing(Case):
    def share(self, g, count):
        with g.client() as c:
            return collections.Counter(c.get().body.decode() for _ in range(count))

    def proxy(self, *lines, count=2, answer=None, weights=None, **keywords):
        self.origins = [self.origin(answer and answer(i), name="abcdef"[i]) for i in range(count)]
        backends = [o.address + (f" weight {weights[i]}" if weights else "") for i, o in enumerate(self.origins)]
        return self.simple(*backends, lines=lines, workers=1, **keywords)

    def test_round_robin_takes_turns(self):
        g = self.proxy("balance round-robin", count=3)
        with g.client() as c:
            turns = "".join(c.get().body.decode() for _ in range(12))
        self.assertEqual(turns, turns[:3] * 4)
        self.assertEqual(set(turns[:3]), set("abc"))

    def test_round_robin_by_weight(self):
        g = self.proxy("balance round-robin", weights=(1, 3))
        self.assertEqual(self.share(g, 40), {"a": 10, "b": 30})

    def test_least_requests_avoids_the_busy(self):
        go = threading.Event()
        self.addCleanup(go.set)

        def answer(i):
            def run(x):
                if x.target == "/hold":
                    go.wait(15)
                x.reply(200, "ab"[i])
            return run
        g = self.proxy("balance least-requests", answer=answer)
        held = [g.client().request(target="/hold") for _ in range(1)]
        eventually(lambda: sum(len(o.requests) for o in self.origins) == 1)
        busy = next(o.name for o in self.origins if o.requests)
        share = self.share(g, 20)
        self.assertEqual(share[busy], 0, share)
        go.set()
        self.assertEqual(held[0].final().status, 200)

    def test_least_requests_spreads_when_all_are_free(self):
        g = self.proxy("balance least-requests")
        share = self.share(g, 100)
        self.assertGreater(min(share["a"], share["b"]), 20, share)

    def test_peak_ewma_prefers_the_quick(self):
        def answer(i):
            def run(x):
                if i == 0:
                    time.sleep(0.05)
                x.reply(200, "ab"[i])
            return run
        g = self.proxy("balance peak-ewma", answer=answer)
        share = self.share(g, 60)
        self.assertGreater(share["b"], 45, share)

    def test_random_uses_all_by_weight(self):
        g = self.proxy("balance random", weights=(1, 3))
        share = self.share(g, 400)
        self.assertTrue(60 <= share["a"] <= 140, share)

    def test_what_each_backend_got_is_counted(self):
        g = self.proxy("balance round-robin")
        self.share(g, 10)
        m = g.metrics()
        for o in self.origins:
            self.assertEqual(m.value("gatehouse_backend_requests_total", shard="one", backend=o.address, code="2xx"), 5)


class Health(Case):
    CHECK = "health GET /healthz every 200ms timeout 1s rise 2 fall 2"

    def checked(self, name):
        o = self.origin(name=name)
        o.health = True
        return o

    def up(self, g, o):
        return g.metrics().value("gatehouse_backend_up", backend=o.address)

    def test_a_sick_backend_is_taken_out_and_brought_back(self):
        a, b = self.checked("a"), self.checked("b")
        g = self.simple(a, b, lines=[self.CHECK, "balance round-robin"])
        a.wait_health(2)
        self.assertEqual((self.up(g, a), self.up(g, b)), (1, 1))
        a.health = False
        eventually(lambda: self.up(g, a) == 0, "a is taken out")
        seen = len(a.requests)
        with g.client() as c:
            self.assertEqual({c.get().body for _ in range(20)}, {b"b"})
        self.assertEqual(len(a.requests), seen)
        a.health = True
        eventually(lambda: self.up(g, a) == 1, "a is back")
        with g.client() as c:
            eventually(lambda: c.get().body == b"a", "a gets requests again")

    def test_it_is_told_when_a_backend_goes_and_comes_back(self):
        a, b = self.checked("a"), self.checked("b")
        g = self.simple(a, b, lines=[self.CHECK])
        a.health = False
        seen, _ = g.log.wait(f"backend {re.escape(a.address)} of shard one is down$")
        a.health = True
        g.log.wait(f"backend {re.escape(a.address)} of shard one is up again$", after=seen)
        self.assertNotIn(b.address + " of shard", g.log.text())

    def test_one_bad_check_is_not_enough(self):
        a, b = self.checked("a"), self.checked("b")
        g = self.simple(a, b, lines=["health GET /healthz every 200ms timeout 1s rise 1 fall 1000"])
        a.health = False
        seen = a.health_requests
        a.wait_health(seen + 4)
        self.assertEqual(self.up(g, a), 1)

    def test_a_check_that_hangs_is_a_bad_one(self):
        def hang(x):
            x.reply(200, "a") if not x.target.startswith("/healthz") else x.wait_gone(20)
        a, b = self.origin(hang, name="a"), self.checked("b")
        g = self.simple(a, b, lines=["health GET /healthz every 200ms timeout 200ms rise 1 fall 2"])
        eventually(lambda: self.up(g, a) == 0, "a is taken out")

    def test_none_left_is_503(self):
        a = self.checked("a")
        g = self.simple(a, lines=[self.CHECK])
        a.health = False
        eventually(lambda: self.up(g, a) == 0)
        r = get(g.address)
        self.assert_refused(r, 503, "no_backend")
        self.assertEqual(r.json["tenant"], "acme")
        a.health = True
        eventually(lambda: get(g.address).status == 200, "service again")

    def test_checks_are_no_requests_of_tenants(self):
        a = self.checked("a")
        g = self.simple(a, lines=[self.CHECK])
        a.wait_health(5)
        self.assertEqual(g.records(), [])
        self.assertEqual(g.metrics().value("gatehouse_requests_total"), 0)
        self.assertEqual(g.metrics().value("gatehouse_backend_requests_total"), 0)

    def test_a_killed_backend_costs_no_request(self):
        a, b = self.checked("a"), self.checked("b")
        g = self.simple(a, b, lines=[self.CHECK, "balance round-robin"])
        with g.client() as c:
            for i in range(60):
                if i == 20:
                    a.stop()
                self.assertEqual(c.get().status, 200, f"request {i}")
        eventually(lambda: self.up(g, a) == 0)

    def test_connect_failures_alone_take_a_backend_out(self):
        address, keep = closed_port()
        self.addCleanup(keep.close)
        b = self.origin(name="b")
        g = self.simple(address, b, lines=["balance round-robin"], workers=1)
        with g.client() as c:
            self.assertEqual([c.get().status for _ in range(20)], [200] * 20)
        m = g.metrics()
        self.assertEqual(m.value("gatehouse_backend_up", backend=address), 0)
        self.assertTrue(1 <= m.value("gatehouse_retries_total", shard="one") <= 4, m.value("gatehouse_retries_total"))

    def test_a_shard_that_is_down_is_no_matter_to_another(self):
        address, keep = closed_port()
        self.addCleanup(keep.close)
        g = self.gate(conf(shard("one", address), shard("two", self.origin()), tenant("acme", home="one"), tenant("globex", home="two")))
        for _ in range(5):
            self.assertIn(get(g.address).status, (502, 503))
            self.assertEqual(get(g.address, host="globex.example").status, 200)


class Retries(Case):
    """Another backend is tried when the request may not have acted, and only then."""

    def pair(self, bad, **keywords):
        self.bad, self.good = self.origin(bad, name="bad"), self.origin(name="good")
        return self.simple(self.bad, self.good, lines=["balance round-robin"], workers=1, **keywords)

    def test_connect_failures_are_retried_for_every_method(self):
        address, keep = closed_port()
        self.addCleanup(keep.close)
        good = self.origin(lambda x: x.reply(200, x.read_body()))
        g = self.simple(address, good, lines=["balance round-robin"], workers=1)
        with g.client() as c:
            for _ in range(4):
                self.assertEqual(c.request("POST", body=b"hello").final().body, b"hello")
        self.assertGreaterEqual(g.metrics().value("gatehouse_retries_total", shard="one"), 1)
        records = eventually(lambda: len(g.records()) == 4 and g.records())
        self.assertEqual({r["status"] for r in records}, {200})
        self.assertIn(2, {r["attempts"] for r in records})

    def test_a_get_whose_connection_breaks_is_tried_elsewhere(self):
        for how in ("reset", "close"):
            with self.subTest(how):
                g = self.pair(lambda x, how=how: getattr(x, how)())
                with g.client() as c:
                    for method in ("GET", "HEAD", "OPTIONS") * 2:
                        self.assertEqual(c.request(method).final(method).status, 200)
                self.assertGreaterEqual(len(self.bad.requests), 1)
                g.stop()

    def test_a_post_that_may_have_acted_is_never_sent_twice(self):
        for how in ("reset", "close"):
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                with self.subTest(f"{method} {how}"):
                    g = self.pair(lambda x, how=how: x.read_body() is not None and getattr(x, how)())
                    answers = []
                    for i in range(6):
                        with g.client() as c:
                            answers.append(c.request(method, f"/{i}", body=b"x").final().status)
                    sent = collections.Counter(x.target for o in (self.bad, self.good) for x in o.requests)
                    self.assertEqual(max(sent.values()), 1, sent)
                    self.assertEqual(answers.count(502), len(self.bad.requests))
                    self.assertGreaterEqual(answers.count(502), 1)
                    g.stop()

    def test_nothing_is_retried_after_the_first_byte_of_an_answer(self):
        def half(x):
            x.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            x.close()
        g = self.pair(half)
        broken = 0
        for i in range(6):
            with g.client() as c:
                try:
                    c.get(f"/{i}")
                except (EOFError, ConnectionError):
                    broken += 1
        sent = collections.Counter(x.target for o in (self.bad, self.good) for x in o.requests)
        self.assertEqual(max(sent.values()), 1)
        self.assertEqual(broken, len(self.bad.requests))

    def test_half_a_head_is_an_answer_byte_too(self):
        def half(x):
            x.send("HTTP/1.1 200")
            x.close()
        g = self.pair(half)
        with g.client() as c:
            answers = [c.get(f"/{i}").status for i in range(6)]
        sent = collections.Counter(x.target for o in (self.bad, self.good) for x in o.requests)
        self.assertEqual(max(sent.values()), 1)
        self.assertEqual(answers.count(502), len(self.bad.requests))

    def test_a_stale_pooled_connection_costs_nobody_an_error(self):
        """The origin closes its idle connections without a word, again and again."""
        o = self.origin(lambda x: x.reply(200, x.read_body()))
        g = self.simple(o, workers=1)
        with g.client() as c:
            for i in range(30):
                method = "POST" if i % 2 else "GET"
                self.assertEqual(c.request(method, body=b"x" if i % 2 else None).final().status, 200, f"request {i}")
                o.drop_connections()

    def test_at_most_two_other_backends_are_tried(self):
        bad = [self.origin(lambda x: x.reset(), name=f"bad{i}") for i in range(5)]
        g = self.simple(*bad, lines=["balance round-robin"], workers=1)
        r = get(g.address)
        self.assertEqual(r.status, 502)
        tried = [len(o.requests) for o in bad]
        self.assertEqual(max(tried), 1, "one backend was tried twice")
        self.assertEqual(sum(tried), 3)
        record = eventually(lambda: g.records())[0]
        self.assertEqual(record["attempts"], 3)

    def test_an_answer_is_an_answer(self):
        g = self.pair(lambda x: x.reply(503, "busy", reason="Service Unavailable"))
        with g.client() as c:
            answers = [c.get().status for _ in range(6)]
        self.assertEqual(answers.count(503), 3)
