"""The audit log: every change is written down before it is answered, and what is done to the log afterwards is found."""
import hashlib
import json
import os
import resource
import signal

from test_admin import Admin


class Audit(Admin):
    def entries(self, g):
        return [json.loads(line) for line in g.read("st/audit.log").splitlines()]

    def test_a_change_says_who_what_and_why(self):
        g = self.served()
        answer = g.admin("POST", "/v1/grants", {"role": "support", "tenants": ["acme"]}, reason="case 17")
        number = answer.json["id"]
        self.assertEqual(g.admin("DELETE", f"/v1/grants/{number}", reason="case closed").status, 204)
        self.assertEqual(g.admin("DELETE", f"/v1/grants/{number}").status, 404)
        self.assertEqual(g.admin("POST", "/v1/grants?dry-run=1", {"role": "admin"}).status, 201)
        made, taken, missed = self.entries(g)
        self.assertEqual({k: made[k] for k in ("n", "actor", "role", "from", "action", "target", "reason", "result")},
                         {"n": 1, "actor": f"uid:{os.geteuid()}", "role": "admin", "from": "unix", "action": "grant.create",
                          "target": f"grant/{number}", "reason": "case 17", "result": "done"})
        self.assertRegex(made["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIsNone(made["before_hash"])
        self.assertEqual(taken["before_hash"], made["after_hash"])
        self.assertIsNone(taken["after_hash"])
        self.assertEqual((missed["action"], missed["result"]), ("grant.revoke", "not_found"))
        for secret in (answer.json["token"], answer.json["token"].split("_")[2]):
            for name in os.listdir(os.path.join(g.directory, "st")):
                self.assertNotIn(secret.encode(), g.read(f"st/{name}"), name)

    def test_the_chain_can_be_checked_by_anybody(self):
        g = self.served()
        for _ in range(3):
            g.admin("POST", "/v1/reload")
        chain = "0" * 64
        for line in g.read("st/audit.log").decode().splitlines():
            body, _, rest = line.rpartition(',"chain":"')
            chain = hashlib.sha256((chain + body).encode()).hexdigest()
            self.assertEqual(rest, chain + '"}')
        self.assertEqual(json.loads(g.read("st/audit.head"))["chain"], chain)

    def test_tampering_is_found(self):
        g = self.served()
        for place in range(6):
            g.admin("POST", "/v1/reload", reason=f"nr {place}")
        g.stop()
        whole = g.read("st/audit.log").decode()
        lines = whole.splitlines(keepends=True)

        def verify(text):
            with open(os.path.join(g.directory, "st/audit.log"), "w") as file:
                file.write(text)
            return g.command("audit", "verify")
        run = verify(whole)
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertIn("6 entries, 1 to 6, whole", run.stdout)
        cases = {"edit": whole.replace("nr 2", "nr 7"), "removal": "".join(lines[:2] + lines[3:]), "reorder": "".join(lines[:2] + [lines[3], lines[2]] + lines[4:]),
                 "cut tail": "".join(lines[:4]), "all gone": "", "insertion": "".join(lines[:3] + [lines[1]] + lines[3:])}
        for what, text in cases.items():
            with self.subTest(what):
                run = verify(text)
                self.assertEqual(run.returncode, 1, run.stdout)
                self.assertIn("NOT WHOLE", run.stdout)
        self.assertIn("audit.log:3: ", verify(cases["edit"]).stdout)
        self.assertFalse(json.loads(g.command("audit", "verify", "--json", "--state", "st").stdout)["whole"])

    def test_it_goes_on_after_a_restart_and_a_kill(self):
        g = self.served()
        g.admin("POST", "/v1/reload")
        g.kill()
        g.may_fail = True
        h = self.gate(open(g.config_path).read(), after=g)
        h.admin("POST", "/v1/reload")
        self.assertEqual([e["n"] for e in self.entries(h)], [1, 2])
        self.assertEqual(h.command("audit", "verify").returncode, 0)

    def test_a_log_that_was_cut_is_told_of_at_the_start(self):
        g = self.served()
        for _ in range(4):
            g.admin("POST", "/v1/reload")
        g.stop()
        lines = g.read("st/audit.log").decode().splitlines(keepends=True)
        with open(os.path.join(g.directory, "st/audit.log"), "w") as file:
            file.write("".join(lines[:1]))
        h = self.gate(open(g.config_path).read(), after=g)
        h.log.wait("AUDIT: the audit log ends with entry 1, and its head says 4")
        h.admin("POST", "/v1/reload")
        self.assertEqual(h.command("audit", "verify").returncode, 1, "what was cut off stays missed")

    def test_pages_and_filters(self):
        g = self.served()
        token = self.token(g, "operator", tenants=["acme"])
        for place in range(5):
            g.admin("POST", "/v1/reload", reason=f"nr {place}")
        first = g.admin("GET", "/v1/audit?limit=2").json
        self.assertEqual([e["n"] for e in first["items"]], [6, 5])
        rest = g.admin("GET", f"/v1/audit?after={first['next']}").json
        self.assertEqual(([e["n"] for e in rest["items"]], rest["next"]), ([4, 3, 2, 1], None))
        self.assertEqual([e["action"] for e in g.admin("GET", "/v1/audit?action=grant.").json["items"]], ["grant.create"])
        mine = g.admin("GET", "/v1/audit", token=token).json["items"]
        self.assertEqual([e["action"] for e in mine], ["grant.create"], "limited to its tenants")
        self.assertEqual(g.admin("GET", "/v1/tenants/acme/audit", token=token).json["items"], mine)
        self.assert_problem(g.admin("GET", "/v1/tenants/globex/audit", token=token), 403, "forbidden")
        self.assertEqual(g.admin("GET", "/v1/audit?actor=nobody").json["items"], [])

    def test_refused_callers_are_written_down(self):
        g = self.served()
        token = self.token(g, "viewer")
        g.admin("POST", "/v1/reload", token=token)
        g.admin("GET", "/v1/status", address=g.admin_addresses[1])
        made, refused, unknown = self.entries(g)
        self.assertEqual((refused["action"], refused["result"], refused["role"]), ("config.reload", "forbidden", "viewer"))
        self.assertEqual((unknown["action"], unknown["result"], unknown["from"]), ("authenticate", "unauthorized", "127.0.0.1"))

    def test_a_head_that_is_a_link_is_not_followed(self):
        g = self.served()
        g.stop()
        os.unlink(os.path.join(g.directory, "st/audit.head"))
        os.symlink("/dev/full", os.path.join(g.directory, "st/audit.head"))
        h = self.gate(open(g.config_path).read(), after=g, wait=False, may_fail=True)
        h.log.wait("audit.head")
        self.assertEqual(h.wait_end(), 1)

    def test_while_nothing_can_be_written_down_nothing_is_changed(self):
        """Files may not grow any more, as on a full disk."""
        g = self.served(before=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        self.assertEqual(g.admin("POST", "/v1/reload").status, 200)
        size = len(g.read("st/audit.log"))
        resource.prlimit(g.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        self.assert_problem(g.admin("POST", "/v1/reload"), 500, "audit_failed")
        self.assertEqual(len(g.read("st/audit.log")), size, "what came of it is cut off")
        self.assert_problem(g.admin("POST", "/v1/reload"), 503, "audit_unavailable")
        self.assertEqual(g.admin("GET", "/v1/status").json["generation"], 3, "the third was not begun")
        self.assertEqual(g.metrics().value("gatehouse_audit_successful"), 0)
        resource.prlimit(g.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertEqual(g.admin("POST", "/v1/reload").status, 200)
        self.assertEqual([e["action"] for e in self.entries(g)], ["config.reload", "audit.resume", "config.reload"])
        self.assertEqual(g.metrics().value("gatehouse_audit_successful"), 1)
        self.assertEqual(g.command("audit", "verify").returncode, 0)
