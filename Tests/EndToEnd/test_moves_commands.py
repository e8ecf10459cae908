"""Waves, the commands of moves, and the sample for applications."""
import importlib.util
import os
import subprocess

from harness import Case, binary, eventually, get, tenant
from harness.gate import ROOT
from harness.moves import MoveCase


class Waves(MoveCase):
    def test_tenants_move_some_at_a_time(self):
        names = [f"t{n}" for n in range(5)]
        g = self.begin(tenants=[tenant(name, home="one") for name in names])
        status, wave = self.admin.call("POST", "/v1/waves", {"tenants": names, "to": "two", "batch": 2, "pause": "50ms"})
        self.assertEqual(status, 201, wave)
        wave = eventually(lambda: (w := self.admin.get(f"/v1/waves/{wave['id']}"))["state"] == "done" and w)
        self.assertEqual((wave["moved"], wave["returned"]), (5, []))
        self.assertEqual({get(g.address, host=f"{name}.example").body for name in names}, {b"two"})
        self.assertEqual(get(g.address).body, b"one")

    def test_a_wave_pauses_when_a_tenant_goes_back_and_can_be_ended(self):
        names = [f"t{n}" for n in range(4)]
        g = self.begin(tenants=[tenant(name, home="one") for name in names])
        bad = g.write("bad.sh", "#!/bin/sh\n[ $GATEHOUSE_TENANT != t1 ]\n")
        os.chmod(bad, 0o755)
        order = {"from": "one", "to": "two", "batch": 1, "pause": "10ms", "command": [bad], "percent": 100}
        _, wave = self.admin.call("POST", "/v1/waves", order)
        path = f"/v1/waves/{wave['id']}"
        wave = eventually(lambda: (w := self.admin.get(path))["state"] == "paused" and w)
        self.assertEqual(wave["returned"], ["t1"])
        begun = wave["begun"]
        self.assertEqual(self.admin.call("POST", path + ":resume")[1]["state"], "running")
        eventually(lambda: self.admin.get(path)["begun"] > begun)
        self.assertEqual(self.admin.call("DELETE", path)[1]["state"], "aborted")
        self.assertEqual(self.admin.call("POST", path + ":resume")[1]["code"], "wave_ended")


class Commands(MoveCase):
    def run_command(self, g, *words):
        return subprocess.run([binary(), *words, "-c", "proxy.conf"], cwd=g.directory, capture_output=True, text=True, timeout=60)

    def test_a_move_is_told_line_by_line(self):
        g = self.begin()
        get(g.address)
        done = self.run_command(g, "move", "acme", "--to", "two", "--mode", "drain")
        self.assertEqual(done.returncode, 0, done)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "m1 acme one -> two: preparing")
        self.assertEqual(lines[-1], "m1 acme one -> two: done at epoch 1, 0 requests were held")
        self.assertIn("m1  acme    one   two  done", self.run_command(g, "move", "list").stdout)
        self.assertEqual(self.run_command(g, "move", "rollback", "m1").returncode, 1)
        self.assertEqual(self.run_command(g, "move", "acme").returncode, 2)

    def test_somebody_else_confirms(self):
        g = self.begin()
        p = subprocess.Popen([binary(), "move", "acme", "--to", "two", "--confirm", "-c", "proxy.conf"], cwd=g.directory,
                             stdout=subprocess.PIPE, text=True)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        eventually(lambda: "holding" in self.run_command(g, "move", "show", "m1").stdout)
        self.assertEqual(self.run_command(g, "move", "confirm", "m1", "--reason", "data is there").returncode, 0)
        self.assertIn("done at epoch 1", p.communicate(timeout=20)[0])
        self.assertEqual(p.returncode, 0)

    def test_backends_are_drained_and_returned(self):
        g = self.begin()
        done = self.run_command(g, "shard", "drain", "one", self.one.address, "--deadline", "10s")
        self.assertEqual(done.stdout, f"backend {self.one.address} of shard one: draining, 0 active\n", done)
        self.assertIn("draining", self.run_command(g, "shard", "list").stdout)
        self.assert_refused(get(g.address), 503, "no_backend")
        self.assertEqual(self.run_command(g, "shard", "return", "one", self.one.address).returncode, 0)
        self.assertEqual(get(g.address).body, b"one")


class Sample(Case):
    """deploy/origin_epochs.py, as an application has it."""

    def test_it_refuses_what_is_older(self):
        path = os.path.join(ROOT, "deploy", "origin_epochs.py")
        module = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("origin_epochs", path))
        spec.loader.exec_module(module)
        application = module.Epochs(lambda environ, start: (start("200 OK", []), [b"ok"])[1], self.directory)

        def ask(epoch, tenant="acme/../x"):
            said = []
            application({"HTTP_X_TENANT_ID": tenant, "HTTP_X_PLACEMENT_EPOCH": str(epoch)}, lambda *a: said.append(a))
            return said[0]
        self.assertEqual(ask(7)[0], "200 OK")
        self.assertEqual(ask(8)[0], "200 OK")
        self.assertEqual(ask(7), ("421 Misdirected Request", [("X-Placement-Stale", "8"), ("Content-Length", "0")]))
        self.assertEqual(ask(8)[0], "200 OK")
        self.assertEqual(ask(1, tenant="other")[0], "200 OK")
        self.assertEqual(os.listdir(self.directory).sort(), ["acme%2F..%2Fx", "other"].sort())
