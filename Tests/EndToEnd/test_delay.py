"""Delay mode: what would be refused waits its turn instead, as long as the limit allows and the client stays."""
import concurrent.futures
import time

from harness import Case, eventually, get


class Delay(Case):
    def test_requests_are_paced_and_those_that_would_wait_too_long_are_refused(self):
        o = self.origin()
        g = self.simple(o, tenant_lines=["requests 10/s burst 1 delay 500ms"])
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: (get(g.address).status, time.monotonic() - began), range(10)))
        codes = [code for code, _ in answers]
        # One at once and five within half a second; more if they came late.
        self.assertIn(codes.count(200), (6, 7))
        self.assertEqual(codes.count(429), 10 - codes.count(200))
        self.assertGreaterEqual(max(t for code, t in answers if code == 200), 0.45)
        records = eventually(lambda: len(g.records()) == 10 and g.records())
        waits = sorted(r["queue_ms"] for r in records if "queue_ms" in r)
        self.assertEqual(len(waits), codes.count(200) - 1)
        self.assertTrue(all(b - a > 50 for a, b in zip(waits, waits[1:])) and waits[-1] <= 500, waits)

    def test_no_refusals_within_the_delay_with_bodies_and_pipelines_too(self):
        o = self.origin(lambda x: (x.read_body(), x.reply(200, "a" * 1000))[1])
        g = self.simple(o, tenant_lines=["requests 20/s burst 1 per client delay 2s"])
        with g.client() as c:
            for _ in range(10):
                c.request("POST", body=b"b" * 300000)
            self.assertEqual([c.final().status for _ in range(10)], [200] * 10)

    def test_a_client_that_goes_gives_its_place_back(self):
        o = self.origin()
        g = self.simple(o, tenant_lines=["requests 1/s burst 1 delay 3s"])
        self.assertEqual(get(g.address).status, 200)
        for _ in range(5):
            c = g.client().request()
            eventually(lambda: g.metrics().value("gatehouse_requests_in_flight", tenant="acme") == 1)
            c.reset()
            eventually(lambda: g.metrics().value("gatehouse_requests_in_flight", tenant="acme") == 0)
        began = time.monotonic()
        self.assertEqual(get(g.address).status, 200)
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual(len(o.requests), 2, "those that went were never sent on")
