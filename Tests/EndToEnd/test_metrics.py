"""Metrics: exact counts, the names of the contract, a bounded number of series."""
import collections
import random
import shutil
import subprocess
import threading
import unittest

from harness import Case, closed_port, conf, eventually, get, shard, tenant

NAMES = """gatehouse_requests_total gatehouse_request_duration_seconds gatehouse_upstream_duration_seconds gatehouse_requests_in_flight
gatehouse_limited_total gatehouse_bytes_total gatehouse_refused_total gatehouse_backend_up gatehouse_backend_requests_total
gatehouse_client_connections gatehouse_upstream_connections gatehouse_affinity_total gatehouse_retries_total gatehouse_tenants
gatehouse_metrics_folded_tenants gatehouse_config_generation gatehouse_config_last_reload_successful
gatehouse_config_last_reload_success_timestamp_seconds gatehouse_build_info process_cpu_seconds_total process_open_fds process_max_fds
process_resident_memory_bytes process_virtual_memory_bytes process_start_time_seconds""".split()


class Exactness(Case):
    def test_counts_equal_the_access_log(self):
        """A few hundred requests of every fate; each number of the metrics is the number of log lines that say so."""
        def answer(x):
            x.read_body()
            x.reply(int(x.target[1:4]), "body")
        a, b = self.origin(answer, name="a"), self.origin(answer, name="b")
        dead, keep = closed_port()
        self.addCleanup(keep.close)
        g = self.gate(conf(shard("one", a), shard("two", b), shard("three", dead), tenant("acme", home="one"), tenant("globex", home="two"),
                           tenant("tiny", "requests 1/m burst 4", home="two"), tenant("dead", home="three")))
        chance = random.Random(7)
        total = 0
        clients = [g.client() for _ in range(8)]
        for _ in range(400):
            which = chance.randrange(len(clients))
            host = chance.choice(["acme"] * 5 + ["globex"] * 3 + ["tiny", "dead", "nobody"])
            target = chance.choice(["/200", "/200", "/201", "/302", "/404", "/500"])
            body = chance.choice([None, None, b"x" * chance.randrange(3000)])
            if clients[which].request("POST" if body is not None else "GET", target, f"{host}.example", body=body).final().closes:
                clients[which] = g.client()
            total += 1
        for bad in (b"GET / HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n"):
            with g.client() as c:
                c.send(bad).response()
            total += 1
        records = eventually(lambda: len(g.records()) == total and g.records(), f"{total} log lines")
        m = g.metrics()
        want = collections.Counter((r["tenant"], r.get("shard", ""), f"{r['status'] // 100}xx") for r in records if "tenant" in r)
        got = collections.Counter({(k["tenant"], k.get("shard", ""), k["code"]): v for _, k, v in m.named("gatehouse_requests_total") if v})
        by_tenant = lambda counts: {k: sum(v for (t, _, c), v in counts.items() if (t, c) == k) for k in {(t, c) for t, _, c in counts}}  # noqa: E731
        self.assertEqual(by_tenant(got), by_tenant(want))
        for (t, s, c), n in want.items():
            if s and n and not any(r.get("limit") for r in records if r.get("tenant") == t):
                self.assertEqual(got[(t, s, c)], n, (t, s, c))
        self.assertEqual({k["code"]: v for _, k, v in m.named("gatehouse_refused_total") if v},
                         collections.Counter(r["code"] for r in records if "tenant" not in r))
        self.assertEqual(m.value("gatehouse_limited_total", tenant="tiny", limit="requests"), sum(r.get("limit") == "requests" for r in records))
        for t in ("acme", "globex", "tiny", "dead"):
            mine = [r for r in records if r.get("tenant") == t]
            self.assertEqual(m.value("gatehouse_request_duration_seconds_count", tenant=t), len(mine))
            self.assertEqual(m.value("gatehouse_bytes_total", tenant=t, direction="in"), sum(r["bytes_in"] for r in mine))
            self.assertEqual(m.value("gatehouse_bytes_total", tenant=t, direction="out"), sum(r["bytes_out"] for r in mine))
            self.assertAlmostEqual(m.value("gatehouse_request_duration_seconds_sum", tenant=t), sum(r["duration_ms"] for r in mine) / 1e3, delta=0.002 * len(mine))
        self.assertEqual(m.value("gatehouse_backend_requests_total", backend=a.address), len(a.requests))
        self.assertEqual(m.value("gatehouse_requests_in_flight"), 0)

    def test_bytes_are_the_bytes_on_the_wire(self):
        g = self.simple(self.origin(lambda x: x.reply(200, x.read_body())))
        request = b"POST / HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
        with g.client() as c:
            c.send(request)
            answer = c.rest()
        record = eventually(lambda: g.records())[0]
        self.assertEqual((record["bytes_in"], record["bytes_out"]), (len(request), len(answer)))
        m = g.metrics()
        self.assertEqual(m.value("gatehouse_bytes_total", tenant="acme", direction="in"), len(request))
        self.assertEqual(m.value("gatehouse_bytes_total", tenant="acme", direction="out"), len(answer))

    def test_counts_outlive_reloads(self):
        g = self.simple(self.origin())
        for n in range(1, 4):
            get(g.address)
            g.reload()
            self.assertEqual(g.metrics().value("gatehouse_requests_total", tenant="acme"), n)
            self.assertEqual(g.metrics().value("gatehouse_config_generation"), n + 1)

    def test_histograms_add_up(self):
        g = self.simple(self.origin())
        with g.client() as c:
            for _ in range(50):
                c.get()
        m = g.metrics()
        for name, labels in (("gatehouse_request_duration_seconds", {"tenant": "acme"}), ("gatehouse_upstream_duration_seconds", {"shard": "one"})):
            buckets = [(float(k["le"].replace("+Inf", "inf")), v) for _, k, v in m.named(name + "_bucket", **labels)]
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual([v for _, v in buckets], sorted(v for _, v in buckets), "not cumulative")
            self.assertEqual(buckets[-1], (float("inf"), 50))
            self.assertEqual(m.value(name + "_count", **labels), 50)

    def test_gauges_of_connections(self):
        go = threading.Event()
        self.addCleanup(go.set)

        def answer(x):
            if x.target == "/hold":
                go.wait(15)
            x.reply()
        o = self.origin(answer)
        g = self.simple(o)
        idle, busy = g.client(), g.client()
        idle.get()
        busy.request(target="/hold")
        o.wait(2)
        state = lambda: [g.metrics().value("gatehouse_client_connections", state=s) for s in ("active", "idle")]  # noqa: E731
        eventually(lambda: state() == [1, 1], "one active, one idle client")
        self.assertEqual(g.metrics().value("gatehouse_upstream_connections", shard="one", state="active"), 1)
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 1)
        go.set()
        busy.final()
        eventually(lambda: state() == [0, 2], "two idle clients")
        idle.close()
        busy.close()
        eventually(lambda: state() == [0, 0], "no clients")


class Shape(Case):
    def test_the_names_of_the_contract_are_all_there(self):
        g = self.simple(self.origin(), tenant_lines=["requests 1/m burst 1"], lines=["sticky cookie S for 1h"])
        get(g.address)
        get(g.address)
        get(g.address, host="nobody.example")
        text = g.metrics().text
        for name in NAMES:
            self.assertIn(f"# TYPE {name} ", text, name)
            self.assertIn(f"# HELP {name} ", text, name)
        m = g.metrics()
        self.assertEqual(m.value("gatehouse_tenants"), 1)
        self.assertEqual(m.value("gatehouse_config_last_reload_successful"), 1)
        self.assertEqual(set(m.named("gatehouse_build_info")[0][1]), {"version", "swift", "openssl"})

    def test_a_series_comes_once(self):
        g = self.simple(self.origin(), self.origin())
        get(g.address)
        rows = [(name, tuple(sorted(labels.items()))) for name, labels, _ in g.metrics().rows]
        self.assertEqual(len(rows), len(set(rows)))

    def test_prometheus_text_is_the_default(self):
        g = self.simple(self.origin())
        with g.fetch("/metrics") as answer:
            self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
            self.assertNotIn(b"# EOF", answer.read())

    def test_openmetrics_when_asked_for(self):
        g = self.simple(self.origin())
        get(g.address)
        with g.fetch("/metrics", accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5") as answer:
            self.assertTrue(answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0"))
            text = answer.read().decode()
        self.assertTrue(text.endswith("# EOF\n"))
        self.assertIn("# TYPE gatehouse_requests counter", text)
        self.assertIn("gatehouse_requests_total{", text)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_has_no_complaint(self):
        g = self.simple(self.origin())
        get(g.address)
        run = subprocess.run(["promtool", "check", "metrics"], input=g.metrics().text, capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))

    def test_livez_and_readyz(self):
        g = self.simple(self.origin())
        for path in ("/livez", "/readyz"):
            with g.fetch(path) as answer:
                self.assertEqual(answer.status, 200)

    def test_metrics_are_not_on_public_listeners(self):
        o = self.origin(lambda x: x.reply(200, "origin"))
        g = self.simple(o)
        self.assertEqual(get(g.address, "/metrics").body, b"origin")
        self.assertEqual(get(g.address, "/metrics", host="nobody.example").status, 404)

    def test_anything_else_there_is_404(self):
        g = self.simple(self.origin())
        with g.client(g.metrics_address) as c:
            self.assertEqual(c.request(target="/other").response().status, 404)


class SeriesCap(Case):
    def test_the_rest_is_folded_and_totals_stay_exact(self):
        names = [f"t{i}" for i in range(12)]
        o = self.origin()
        g = self.gate(conf(shard("one", o), *(tenant(n, home="one") for n in names), metrics="127.0.0.1:0 {\n  tenants 3\n}"))
        with g.client() as c:
            for i, n in enumerate(names):
                for _ in range(i + 1):
                    c.get(host=f"{n}.example")
        m = g.metrics()
        labels = {k["tenant"] for name, k, _ in m.rows if "tenant" in k}
        self.assertEqual(labels, {"t11", "t10", "t9", "_other"}, "the busiest keep their names")
        self.assertEqual(m.value("gatehouse_requests_total"), 78)
        self.assertEqual(m.value("gatehouse_requests_total", tenant="_other"), 45)
        self.assertEqual(m.value("gatehouse_request_duration_seconds_count"), 78)
        self.assertEqual(m.value("gatehouse_metrics_folded_tenants"), 9)
        self.assertEqual(m.value("gatehouse_tenants"), 12)

    def test_tenants_without_traffic_have_no_series(self):
        g = self.gate(conf(shard("one", self.origin()), tenant("acme", home="one"), tenant("quiet", home="one")))
        get(g.address)
        self.assertNotIn('tenant="quiet"', g.metrics().text)

    def test_what_clients_send_never_becomes_a_label(self):
        g = self.simple(self.origin())
        with g.client() as c:
            for i in range(50):
                c.get(f"/evil{i}", host=f"evil{i}.example", fields=[("X-Tenant-ID", f"evil{i}")])
                c.get(f"/evil{i}")
        self.assertNotIn("evil", g.metrics().text)
