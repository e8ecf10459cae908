"""Tenants made and changed through the admin API while the proxy serves: what is answered is in use, and is there afterwards."""
import json
import os
import resource
import time
from datetime import datetime, timedelta, timezone

from harness import HTTP2, Case, conf, eventually, get, shard, tenant
from test_grpc import CALL
from test_lifecycle import Load


def later(seconds):
    """A moment from now on, as the API writes it."""
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Store(Case):
    def served(self, *parts, lines=("state st", "tenants store"), after=None, **keywords):
        """A proxy with the shards `one`, `two` and, for tests, `lab`, the plan `gold` and the declared tenant acme."""
        if not hasattr(self, "shards"):
            origins = [self.origin(name=n) for n in ("one", "two", "lab")]
            self.shards = [shard("one", origins[0]), shard("two", origins[1]), shard("lab", origins[2], lines=["test"])]
            self.seen = dict(zip(("one", "two", "lab"), origins))
        settings = {k: keywords.pop(k) for k in ("listen", "workers", "log") if k in keywords}
        self.text = conf(f"admin unix:{self.directory}/admin.sock", *lines, *self.shards, "plan gold {\n  requests 500/s burst 1000\n}",
                         *(parts or (tenant("acme", home="one"),)), **settings)
        return self.gate(self.text, after=after, **keywords)

    def put(self, g, name, expected=None, **members):
        answer = g.admin("PUT", f"/v1/tenants/{name}", {"hosts": [f"{name}.example"], "home": "one", **members})
        self.assertIn(answer.status, (200, 201) if expected is None else (expected,), answer)
        return answer

    def state(self, g, name, state, until=None):
        answer = g.admin("PUT", f"/v1/tenants/{name}/state", {"state": state, **({"until": until} if until else {})})
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def assert_serves(self, g, name, by="one"):
        r = get(g.address, host=f"{name}.example")
        self.assertEqual(r.status, 200, r)
        self.assertEqual(self.seen[by].last.field("x-tenant-id"), name)


class Changes(Store):
    def test_an_answer_means_that_all_workers_know(self):
        """Every change is in use on every connection once it is answered, in less than 50 ms, and load goes on as it was."""
        g = self.served(log=None)
        load = Load(g.address)
        eventually(lambda: load.done > 50)
        connections = [g.client() for _ in range(8)]
        times = []
        for n in range(40):
            began = time.monotonic()
            self.put(g, f"t{n}")
            times.append(time.monotonic() - began)
            for c in connections:
                self.assertEqual(c.get(host=f"t{n}.example").status, 200, f"t{n}")
            if n % 4 == 0:
                self.assertEqual(g.admin("DELETE", f"/v1/tenants/t{n}").status, 204)
                for c in connections:
                    self.assertEqual(c.get(host=f"t{n}.example").status, 404)
        load.stop()
        for c in connections:
            c.close()
        self.assertEqual(load.troubles, [])
        # Of a machine that is busy otherwise only the better times say something.
        self.assertLess(sorted(times)[len(times) // 4], 0.05, times)

    def test_what_was_answered_outlives_a_kill(self):
        g = self.served(may_fail=True)
        for n in range(20):
            self.put(g, f"t{n}")
        self.state(g, "acme", "maintenance")
        self.assertEqual(g.admin("DELETE", "/v1/tenants/t3").status, 204)
        self.put(g, "last", home="two", epoch=7)
        g.kill()
        again = self.served(after=g)
        self.assert_serves(again, "last", by="two")
        self.assert_serves(again, "t19")
        self.assert_refused(get(again.address, host="t3.example"), 404, "tenant_unknown")
        self.assert_refused(get(again.address, host="acme.example"), 503, "tenant_maintenance")
        self.assertEqual(len(again.admin("GET", "/v1/history?limit=1000").json["items"]), 23)
        self.assertEqual(again.admin("GET", "/v1/tenants/last").json["epoch"], 7)

    def test_a_reload_keeps_what_the_api_made(self):
        g = self.served()
        self.put(g, "store", plan="gold", overrides={"requests": "1/h burst 1"})
        self.assert_serves(g, "store")
        self.state(g, "acme", "suspended")
        g.reload()
        # Its bucket is as empty as before.
        self.assert_refused(get(g.address, host="store.example"), 429, "rate_limited")
        self.assert_refused(get(g.address, host="acme.example"), 403, "tenant_suspended")
        # A new declaration stands against it.
        said = g.reload(self.text + tenant("store", host="x.example") + "\n", refused=True)
        self.assertRegex(said, r"tenant 'store' is declared at \S*proxy.conf:\d+, and there is one of that name in the store")
        said = g.reload(self.text + tenant("thief", host="store.example") + "\n", refused=True)
        self.assertRegex(said, r"tenant 'store' of the store has a host that is claimed at \S*proxy.conf:\d+: store.example")
        said = g.reload(self.text.replace("plan gold", "plan golds"), refused=True)
        self.assertIn("tenant 'store' of the store: in 'plan gold': there is no plan 'gold'; did you mean 'golds'?", said)
        self.assert_refused(get(g.address, host="store.example"), 429, "rate_limited")
        self.put(g, "other")
        self.assert_serves(g, "other")

    def test_checks_of_backends_go_on_while_tenants_change(self):
        o = self.origin()
        o.health = True
        g = self.served(shard("checked", o, lines=["health GET /healthz every 500ms timeout 400ms"]), tenant("acme", home="checked"))
        o.wait_health(2)
        before, began = o.health_requests, time.monotonic()
        changes = 0
        while time.monotonic() - began < 2:
            self.put(g, f"t{changes % 7}", overrides={"requests": f"{1 + changes}/s"})
            changes += 1
        made, wanted = o.health_requests - before, (time.monotonic() - began) / 0.5
        self.assertGreater(changes, 10)
        self.assertTrue(wanted - 2 <= made <= wanted + 2, f"{made} checks, not {wanted}, with {changes} changes")

    def test_a_tenant_goes_while_its_requests_wait(self):
        """One is held back by a delay and then asks for a slot of its shard: it is served as it was admitted."""
        g = self.served(shard("slots", self.origin(name="slots"), lines=["concurrency 4"]), tenant("acme", home="one"))
        self.put(g, "brief", home="slots", overrides={"requests": "1/s burst 1 delay 3s"})
        with g.client() as first, g.client() as second:
            self.assertEqual(first.get(host="brief.example").status, 200)
            second.request(host="brief.example")
            eventually(lambda: g.metrics().value("gatehouse_requests_in_flight", tenant="brief"))
            self.assertEqual(g.admin("DELETE", "/v1/tenants/brief").status, 204)
            self.assertEqual(second.final().status, 200)
            self.assertEqual(second.get(host="brief.example").status, 404)

    def test_a_disk_without_room_changes_nothing(self):
        g = self.served(log=None)
        hosts = [f"h{n}.very-long-name-of-a-host.example" for n in range(300)]
        for n in range(8):
            self.put(g, "big", hosts=[f"{n}-{h}" for h in hosts])
        size = os.path.getsize(os.path.join(g.directory, "st", "tenants.journal"))
        resource.prlimit(g.process.pid, resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
        for _ in range(3):
            answer = g.admin("PUT", "/v1/tenants/more", {"hosts": ["more.example"] + hosts})
            self.assertEqual((answer.status, answer.code), (507, "state_unwritable"), answer)
        self.assertEqual(g.admin("GET", "/v1/tenants/more").status, 404)
        self.assert_refused(get(g.address, host="more.example"), 404, "tenant_unknown")
        self.assert_serves(g, "acme")
        resource.prlimit(g.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.put(g, "more")
        self.assert_serves(g, "more")
        g.may_fail = True
        g.kill()
        again = self.served(after=g)
        self.assert_serves(again, "more")
        self.assertEqual(len(again.admin("GET", "/v1/tenants/big").json["hosts"]), 300)

    def test_explained_as_they_are(self):
        g = self.served()
        self.put(g, "store", plan="gold")
        self.state(g, "store", "read_only")
        said = g.admin("GET", "/v1/explain?host=store.example&method=POST").json
        self.assertEqual((said["admitted"], said["code"], said["declared"]), (False, "tenant_read_only", "store"))
        values = {v["name"]: v for v in g.admin("GET", "/v1/tenants/store/effective").json["values"]}
        self.assertEqual(values["state"], {"name": "state", "value": "read-only", "source": "store"})
        self.assertIn("plan 'gold'", values["requests"]["source"])


class States(Store):
    ANSWERS = {"read_only": (403, "tenant_read_only"), "maintenance": (503, "tenant_maintenance"), "suspended": (403, "tenant_suspended"),
               "gone": (410, "tenant_gone")}

    def test_answers(self):
        g = self.served()
        self.put(g, "store")
        for name in ("acme", "store"):
            for state, (status, code) in self.ANSWERS.items():
                self.state(g, name, state, later(100) if state in ("read_only", "maintenance") else None)
                with g.client() as c:
                    r = c.request("POST", "/x", host=f"{name}.example", body=b"body").final()
                    self.assert_refused(r, status, code)
                    self.assertEqual(r.json["tenant"], name)
                    wait = r.field("retry-after")
                    self.assertEqual(wait is not None, state in ("read_only", "maintenance"), r)
                    if wait:
                        self.assertTrue(90 <= int(wait) <= 100, wait)
                    read = c.get(host=f"{name}.example", fields=[("Accept", "text/html")])
                    self.assertEqual(read.status, 200 if state == "read_only" else status)
                    if state != "read_only":
                        self.assertEqual(read.field("content-type"), "text/html; charset=utf-8")
                        self.assertIn(code.encode(), read.body)
            self.state(g, name, "past_due")
            self.assert_serves(g, name)
            self.state(g, name, "active")
            self.assert_serves(g, name)
        self.state(g, "acme", "maintenance")
        self.assertEqual(get(g.address, host="acme.example").field("retry-after"), "60")
        records = eventually(lambda: [r for r in g.records() if r.get("code") == "tenant_maintenance"])
        self.assertEqual((records[0]["tenant"], records[0]["status"]), ("acme", 503))
        self.assertGreater(g.metrics().value("gatehouse_requests_total", tenant="acme", code="5xx"), 0)

    def test_answers_of_http2_and_grpc(self):
        g = self.served(listen=[HTTP2])
        calls = {"read_only": 7, "maintenance": 14, "suspended": 7, "gone": 5}
        with g.frames() as c:
            for state, (status, code) in self.ANSWERS.items():
                self.state(g, "acme", state)
                self.assert_refused(c.final(c.request("POST", body=b"x", host="acme.example")), status, code)
                r = c.final(c.request("POST", "/shop.Orders/List", body=b"\0\0\0\0\0", fields=CALL, host="acme.example"))
                self.assertEqual((r.status, r.field("grpc-status"), r.field("grpc-message")), (200, str(calls[state]), code), r)
                self.assertEqual(r.field("grpc-retry-pushback-ms"), "60000" if state == "maintenance" else None)
            self.state(g, "acme", "read_only")
            self.assertEqual(c.final(c.request("GET", host="acme.example")).status, 200)

    def test_requests_in_flight_come_to_their_end(self):
        held = self.origin(lambda x: x.read_body() and x.reply(200, "done"), name="held")
        g = self.served(shard("slow", held), tenant("acme", home="slow"))
        with g.client() as c:
            c.send("POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 4\r\n\r\nha")
            held.wait(1)
            self.state(g, "acme", "gone")
            c.send("lf")
            self.assertEqual(c.final().status, 200)
        self.assert_refused(get(g.address, host="acme.example"), 410, "tenant_gone")

    def test_until_is_kept_by_the_clock(self):
        g = self.served(may_fail=True)
        self.put(g, "store")
        soon = later(1.5)
        for name in ("acme", "store"):
            self.state(g, name, "suspended", soon)
            self.assert_refused(get(g.address, host=f"{name}.example"), 403, "tenant_suspended")
        for name in ("acme", "store"):
            eventually(lambda name=name: get(g.address, host=f"{name}.example").status == 200)
        self.assertGreaterEqual(later(0), soon)
        self.assertEqual(g.admin("GET", "/v1/tenants/acme").json["until"], None)
        actions = [e["action"] for e in g.admin("GET", "/v1/history").json["items"]]
        self.assertEqual(actions.count("tenant.expire"), 2)
        # Also by one that was not there when the time came.
        self.state(g, "acme", "suspended", later(0.4))
        g.kill()
        time.sleep(0.5)
        again = self.served(after=g)
        self.assert_serves(again, "acme")

    def test_states_of_the_configuration(self):
        g = self.served(tenant("acme", "state read-only", home="one"), tenant("old", "state gone", home="one"),
                        tenant("due", f"state maintenance until {later(1.2)}", home="one"))
        self.assert_refused(get(g.address, host="old.example"), 410, "tenant_gone")
        self.assert_serves(g, "acme")
        r = get(g.address, host="due.example")
        self.assert_refused(r, 503, "tenant_maintenance")
        eventually(lambda: get(g.address, host="due.example").status == 200)
        # What the API says stands above it, over a reload too.
        self.state(g, "old", "active")
        g.reload()
        self.assert_serves(g, "old")

    def test_tenants_of_tests_stay_among_themselves(self):
        g = self.served()
        self.put(g, "trial", home=None, test=True, expires=later(1.5))
        self.assert_serves(g, "trial", by="lab")
        self.put(g, "trial", home="one", test=True, expected=422)
        self.assertEqual(self.seen["one"].requests + self.seen["two"].requests, [])
        eventually(lambda: get(g.address, host="trial.example").status == 410)
        self.put(g, "homeless", home=None, test=True)
        g.reload(self.text.replace(self.shards[2] + "\n", ""))
        self.assert_refused(get(g.address, host="homeless.example"), 503, "no_test_shard")
        self.assertEqual(self.seen["one"].requests + self.seen["two"].requests, [])


class Commands(Store):
    def run_command(self, g, *arguments, status=0):
        run = g.command(*arguments)
        self.assertEqual(run.returncode, status, run)
        return run.stdout if status == 0 else run.stderr

    def test_a_tenants_life(self):
        g = self.served()
        g.write("globex.json", json.dumps({"hosts": ["globex.example"], "plan": "gold", "home": "one"}))
        said = self.run_command(g, "tenant", "put", "globex", "globex.json", "--reason", "signed up")
        self.assertEqual(said, "tenant globex made: active, plan gold, home one, epoch 0\n")
        self.assert_serves(g, "globex")
        said = self.run_command(g, "tenant", "set", "globex", "requests=5/s burst 5", "home=two", "--dry-run")
        self.assertEqual(said, "tenant globex would be: active, plan gold, home two, epoch 1\n")
        self.run_command(g, "tenant", "set", "globex", "requests=5/s burst 5", "home=two")
        self.assert_serves(g, "globex", by="two")
        self.assertIn("5/s burst 5      store (instead of plan", self.run_command(g, "tenant", "effective", "globex"))
        self.run_command(g, "tenant", "suspend", "globex", "--until", "1h", "--reason", "not paid")
        self.assert_refused(get(g.address, host="globex.example"), 403, "tenant_suspended")
        self.assertRegex(self.run_command(g, "tenant", "list"), r"(?m)^globex  suspended until \S+  gold  two +1  globex.example  store$")
        self.run_command(g, "tenant", "resume", "globex")
        self.run_command(g, "tenant", "state", "acme", "read-only")
        history = self.run_command(g, "history", "globex")
        self.assertIn("plan gold", self.run_command(g, "tenant", "state", "globex", "past_due"))
        self.assertEqual([line.split()[3] for line in history.splitlines()[1:]],
                         ["tenant.state", "tenant.state", "tenant.patch", "tenant.put"])
        self.assertIn("not paid", history)
        would = self.run_command(g, "restore", "1", "--tenant", "globex", "--dry-run")
        self.assertIn("tenant globex would be restored: epoch 1 → 2, home two → one", would)
        self.run_command(g, "restore", "1", "--tenant", "globex")
        self.assert_serves(g, "globex")
        tag = g.admin("GET", "/v1/tenants/globex").field("etag")
        self.run_command(g, "tenant", "set", "globex", "plan=", "--if-match", tag)
        self.assertIn("412 precondition_failed", self.run_command(g, "tenant", "delete", "globex", "--if-match", tag, status=1))
        exported = self.run_command(g, "tenant", "export")
        self.assertEqual([t["id"] for t in json.loads(exported)["tenants"]], ["globex"])
        self.assertEqual(json.loads(self.run_command(g, "tenant", "export", "globex"))["placement"], {"epoch": 2, "shard": "one"})
        self.assertEqual(self.run_command(g, "tenant", "delete", "globex"), "tenant globex deleted\n")
        g.write("all.json", exported)
        self.assertEqual(self.run_command(g, "tenant", "import", "all.json"), "created 1, changed 0, unchanged 0\n")
        self.assertIn("404 tenant_unknown", self.run_command(g, "tenant", "get", "nobody", status=1))
        self.assertIn("did you mean 'gold'?", self.run_command(g, "tenant", "set", "globex", "plan=gld", status=1))
        self.run_command(g, "tenant", "suspnd", "globex", status=2)
