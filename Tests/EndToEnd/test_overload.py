"""What the process does when it runs out of something: it stops accepting, then refuses who can wait, and comes back."""
from harness import Case, conf, eventually, get, shard, tenant
from harness.client import Client
from harness.settings import block


class Overload(Case):
    def text(self, *lines):
        tenants = [tenant(name, f"criticality {name}" if name != "plain" else "weight 1", home="one") for name in ("critical", "plain", "sheddable")]
        return conf(shard("one", self.o), *tenants, *([block("overload", *lines)] if lines else []))

    def setUp(self):
        super().setUp()
        self.o = self.origin()

    def level(self, g, level):
        eventually(lambda: g.metrics().value("gatehouse_overload_level") == level, f"level {level}")

    def test_memory_near_its_bound_leaves_only_the_critical(self):
        g = self.gate(self.text())
        with g.client() as c:
            self.assertEqual([c.get(host=f"{t}.example").status for t in ("critical", "plain", "sheddable")], [200] * 3)
            g.reload(self.text("memory 10% of 4MiB"))
            self.level(g, 3)
            self.assertEqual(c.get(host="critical.example").status, 200)
            for t in ("plain", "sheddable"):
                r = c.get(host=f"{t}.example")
                self.assert_refused(r, 503, "overloaded")
                self.assertGreaterEqual(int(r.field("retry-after")), 1)
            self.assertEqual(g.metrics().value("gatehouse_overload_refused_total"), 2)
            g.log.wait("overload: memory .*; only critical requests are served")
            waiting = Client(g.address).request(host="critical.example")
            g.reload(self.text())
            self.level(g, 0)
            self.assertEqual(waiting.final().status, 200)
            self.assertEqual(c.get(host="plain.example").status, 200)
            waiting.close()
        g.log.wait("overload is over")

    def test_without_descriptors_left_those_who_are_there_are_served(self):
        g = self.gate(self.text("descriptors 50%"), descriptors=400)
        clients = [g.client() for _ in range(200)]
        self.level(g, 1)
        accepted = g.metrics().value("gatehouse_client_connections")
        late = g.client().request(host="plain.example")
        served = clients[0]
        for _ in range(20):
            self.assertEqual(served.get(host="sheddable.example").status, 200)
        self.assertEqual(g.metrics().value("gatehouse_client_connections"), accepted)
        for c in clients[1:]:
            c.close()
        self.level(g, 0)
        self.assertEqual(late.final().status, 200)
        self.assertEqual(get(g.address, host="plain.example").status, 200)

    def test_the_lag_of_a_loop_is_measured(self):
        g = self.gate(self.text("loop-lag 60s"))
        with g.client() as c:
            for _ in range(50):
                self.assertEqual(c.get(host="plain.example").status, 200)
        self.assertEqual(g.metrics().value("gatehouse_overload_level"), 0)
