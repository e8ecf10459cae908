"""Reloads of a table of thousands of tenants: nobody is disturbed, and what did not change goes on as it was."""
import unittest

from harness import Case, conf, eventually, shard
from test_lifecycle import Load

TENANTS = 5_000


def rows(count=TENANTS, **changed):
    """The lines of a table, those of `changed` in place of theirs."""
    lines = {f"t{i}": f"t{i} home=one host=t{i}.example requests=1000000/h+1000000" for i in range(count)}
    lines.update(changed)
    return "\n".join(line for line in lines.values() if line) + "\n"


class TableReload(Case):
    def setUp(self):
        super().setUp()
        self.origins = [self.origin(name=n) for n in "ab"]

    def start(self, table):
        return self.gate(conf(shard("one", *self.origins), "tenants table tenants.tbl", log=None), files={"tenants.tbl": table})

    def test_under_load_nothing_is_lost(self):
        """Lines put in at the top, changed, taken out; good tables and bad ones in turn."""
        g = self.start(rows())
        load = Load(g.address, host="t7.example")
        eventually(lambda: load.done > 50)
        for n in range(6):
            changed = {f"t{i}": f"t{i} home=one host=t{i}.example,x{i}.example epoch={n + 1}" for i in range(1_000, 1_000 + 100 * n)}
            g.reload(files={"tenants.tbl": f"new{n} home=one host=new{n}.example\n" + rows(**changed, t8=None)})
            with g.client() as c:
                self.assertEqual(c.get(host=f"new{n}.example").status, 200)
                self.assertEqual(c.get(host="t8.example").status, 404)
                self.assertEqual(c.get(host="x1000.example").status, 200 if n else 404)
                self.assertEqual(c.get(host=f"new{n - 1}.example").status, 404)
            said = g.reload(files={"tenants.tbl": rows(t9="t9 home=one host=t10.example")}, refused=True)
            self.assertIn("host 't10.example' is claimed twice", said)
            seen = load.done
            eventually(lambda: load.done > seen + 20)
        load.stop()
        self.assertEqual(load.troubles, [])
        self.assertLess(load.worst, 1)

    def test_a_bad_table_changes_nothing(self):
        g = self.start(rows(t1="t1 home=one host=t1.example epoch=4"))
        moved = {"t3": "t3 home=one host=other.example"}
        bad = {
            "epoch 3 of tenant 't1' is lower than 4, which is in use": rows(**moved, t1="t1 home=one host=t1.example epoch=3"),
            "host 't2.example' is claimed twice": rows(**moved, t1="t1 home=one epoch=4", t4000="t4000 home=one host=t2.example"),
            "nowhere": rows(**moved, t1="t1 home=one epoch=5", t5="t5 home=nowhere host=t5.example"),
        }
        for reason, table in bad.items():
            self.assertIn(reason, g.reload(files={"tenants.tbl": table}, refused=True))
            with g.client() as c:
                self.assertEqual([c.get(host=h).status for h in ("t1.example", "t2.example", "t3.example", "t5.example")], [200] * 4)
                self.assertEqual(c.get(host="other.example").status, 404)
        self.assertEqual(g.metrics().value("gatehouse_config_generation"), 1)

    def test_what_a_tenant_has_used_outlives_reloads(self):
        limited = "t7 home=one host=t7.example requests=5/h+5"
        g = self.start(rows(t7=limited))
        with g.client() as c:
            for left in (4, 3, 2):
                self.assertIn(f"r={left}", c.get(host="t7.example").field("ratelimit"))
                g.reload(files={"tenants.tbl": f"new{left} home=one\n" + rows(t7=limited)})
            self.assertEqual([c.get(host="t7.example").status for _ in range(3)], [200, 200, 429])
            g.reload(files={"tenants.tbl": rows(100)})
            self.assertEqual(c.get(host="t7.example").status, 200)
            self.assertEqual(c.get(host="t101.example").status, 404)


if __name__ == "__main__":
    unittest.main()
