"""Grants: roles, scopes, ends, sealed tokens."""
from harness import eventually
from test_admin import Admin


class Grants(Admin):
    def test_a_grant_ends(self):
        g = self.served()
        token = self.token(g, "viewer", until="1500ms")
        self.assertEqual(g.admin("GET", "/v1/status", token=token).status, 200)
        answer = eventually(lambda: (lambda a: a if a.status != 200 else None)(g.admin("GET", "/v1/status", token=token)))
        self.assert_problem(answer, 403, "grant_expired")
        self.assertEqual([x["state"] for x in g.admin("GET", "/v1/grants").json["items"]], ["expired"])

    def test_a_grant_is_taken_back(self):
        g = self.served()
        token = self.token(g, "admin", reason="first")
        number = token.split("_")[1]
        self.assertEqual(g.admin("DELETE", f"/v1/grants/{number}?dry-run=1").status, 204)
        self.assertEqual(g.admin("GET", "/v1/grants", token=token).status, 200)
        self.assertEqual(g.admin("DELETE", f"/v1/grants/{number}").status, 204)
        self.assert_problem(g.admin("GET", "/v1/grants", token=token), 401, "unauthorized")
        self.assertEqual(g.admin("GET", "/v1/grants").json["items"], [])

    def test_roles_allow_what_those_before_allow(self):
        g = self.served()
        calls = [("GET", "/v1/status", None), ("POST", "/v1/reload", None), ("GET", "/v1/grants", None), ("POST", "/v1/grants", {"role": "viewer"})]
        expected = {"viewer": [200, 403, 403, 403], "support": [200, 403, 403, 403], "operator": [200, 200, 403, 403], "admin": [200, 200, 200, 201]}
        for role, statuses in expected.items():
            token = self.token(g, role)
            with self.subTest(role):
                self.assertEqual([g.admin(m, t, v, token=token).status for m, t, v in calls], statuses)

    def test_a_scope_holds_everywhere(self):
        g = self.served()
        token = self.token(g, "admin", tenants=["acme"])
        for method, target, value in (("GET", "/v1/status", None), ("GET", "/v1/shards", None), ("POST", "/v1/reload", None), ("GET", "/v1/grants", None),
                                      ("POST", "/v1/grants", {"role": "admin"}), ("DELETE", "/v1/grants/x", None), ("GET", "/v1/tenants/globex/audit", None)):
            with self.subTest(target):
                self.assert_problem(g.admin(method, target, value, token=token), 403, "forbidden")
        self.assertEqual(g.admin("GET", "/v1/tenants/acme/audit", token=token).status, 200)

    def test_grants_outlive_the_process(self):
        g = self.served()
        token, gone = self.token(g, "viewer"), self.token(g, "viewer")
        g.admin("DELETE", f"/v1/grants/{gone.split('_')[1]}")
        g.kill()
        g.may_fail = True
        h = self.gate(open(g.config_path).read(), after=g)
        self.assertEqual(h.admin("GET", "/v1/status", token=token, address=h.admin_addresses[1]).status, 200)
        self.assertEqual(h.admin("GET", "/v1/status", token=gone, address=h.admin_addresses[1]).status, 401)

    def test_broken_glass_is_loud_and_ends(self):
        g = self.served()
        run = g.command("grant", "create", "admin", "--break-glass", "2s", "--reason", "in the safe")
        self.assertEqual(run.returncode, 0)
        self.assertIn("sealed", run.stderr)
        token = run.stdout.strip()
        self.assertEqual(g.metrics().value("gatehouse_break_glass_total"), 0)
        self.assertEqual([x["state"] for x in g.admin("GET", "/v1/grants").json["items"]], ["sealed"])
        tcp = g.admin_addresses[1]
        self.assertEqual(g.admin("GET", "/v1/grants", token=token, address=tcp).status, 200)
        g.log.wait("BREAK GLASS: the seal is broken: grant [0-9a-f]+, role admin, from 127.0.0.1, good until ")
        entry = g.admin("GET", "/v1/audit?action=grant.break-glass").json["items"][0]
        self.assertEqual((entry["actor"], entry["target"], entry["reason"]), ("grant:" + token.split("_")[1], "grant/" + token.split("_")[1], "in the safe"))
        sample = g.metrics()
        self.assertEqual((sample.value("gatehouse_break_glass_total"), sample.value("gatehouse_break_glass_open")), (1, 1))
        g.admin("GET", "/v1/grants", token=token, address=tcp)
        g.log.wait("BREAK GLASS: it is used")
        answer = eventually(lambda: (lambda a: a if a.status != 200 else None)(g.admin("GET", "/v1/grants", token=token, address=tcp)))
        self.assert_problem(answer, 403, "grant_expired")
        sample = g.metrics()
        self.assertEqual((sample.value("gatehouse_break_glass_total"), sample.value("gatehouse_break_glass_open")), (1, 0))

    def test_ids_and_times_are_as_written(self):
        g = self.served()
        grant = g.admin("POST", "/v1/grants", {"role": "viewer", "until": "2100-01-31T12:00:00Z"}).json
        self.assertEqual(grant["until"], "2100-01-31T12:00:00.000Z")
        for until in ("2001-01-01T00:00:00Z", "soon", "0s", "-1h", "2100-01-31"):
            with self.subTest(until):
                self.assert_problem(g.admin("POST", "/v1/grants", {"role": "viewer", "until": until}), 400, "bad_request")
