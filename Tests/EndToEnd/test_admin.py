"""The admin API: who gets in, what is answered, and that the document it describes itself by is true."""
import json
import os
import stat
import subprocess
import sys
import threading

from harness import Authority, Case, Document, closed_port, conf, eventually, get, shard, tenant
from harness.gate import ROOT, binary

ADMIN = "admin unix:{0}/admin.sock 127.0.0.1:0"
STATE = "state st"


class Admin(Case):
    def served(self, *parts, admin=ADMIN, state=STATE, **keywords):
        """A proxy whose admin API is at a Unix socket, and after it at a port."""
        parts = parts or (shard("one", self.origin(name="one")), tenant("acme", home="one"))
        return self.gate(conf(admin.format(self.directory), *([state] if state else []), *parts), **keywords)

    def token(self, g, role, **more):
        answer = g.admin("POST", "/v1/grants", {"role": role, **more})
        self.assertEqual(answer.status, 201, answer)
        return answer.json["token"]

    def assert_problem(self, answer, status, code):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.code, code, answer)
        self.assertEqual(answer.json["status"], status)


class Door(Admin):
    def test_the_unix_socket_is_for_root_and_the_proxys_own_user(self):
        g = self.served()
        path = os.path.join(self.directory, "admin.sock")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(g.admin("GET", "/v1/status").status, 200)
        self.assertEqual(g.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_other_users_come_in_by_allow_uid(self):
        if os.geteuid():
            self.skipTest("only root can be another user")
        g = self.served(admin=ADMIN + " {{\n  allow-uid 4242\n}}")
        os.chmod(self.directory, 0o755)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.directory, "admin.sock")).st_mode), 0o666)
        for user, expected in ((4242, b"200"), (4243, b"403")):
            run = subprocess.run([sys.executable, "-c", AS_USER, str(user), os.path.join(self.directory, "admin.sock"), "GET /v1/status"],
                                 capture_output=True, timeout=20)
            self.assertEqual(run.stdout.split()[:1], [expected], run)
        run = subprocess.run([sys.executable, "-c", AS_USER, "4242", os.path.join(self.directory, "admin.sock"), "GET /v1/grants"],
                             capture_output=True, timeout=20)
        self.assertEqual(run.stdout.split()[:1], [b"403"], "operators give no grants")
        config = open(g.config_path).read()
        g.reload(config.replace("4242", "4243"))
        run = subprocess.run([sys.executable, "-c", AS_USER, "4242", os.path.join(self.directory, "admin.sock"), "GET /v1/status"],
                             capture_output=True, timeout=20)
        self.assertEqual(run.stdout.split()[:1], [b"403"], "a reload takes it back")

    def test_tcp_needs_a_token_on_loopback_too(self):
        g = self.served()
        tcp = g.admin_addresses[1]
        answer = g.admin("GET", "/v1/status", address=tcp)
        self.assert_problem(answer, 401, "unauthorized")
        self.assertRegex(answer.field("www-authenticate"), "^Bearer ")
        self.assert_problem(g.admin("GET", "/v1/status", address=tcp, token="ght_000000000000_00"), 401, "unauthorized")
        token = self.token(g, "viewer")
        self.assertEqual(g.admin("GET", "/v1/status", address=tcp, token=token).status, 200)
        self.assert_problem(g.admin("GET", "/v1/status", address=tcp, token=token + "0"), 401, "unauthorized")
        self.assert_problem(g.admin("POST", "/v1/reload", address=tcp, token=token), 403, "forbidden")

    def test_a_browser_stays_outside(self):
        g = self.served()
        for address in g.admin_addresses:
            self.assert_problem(g.admin("POST", "/v1/reload", fields=[("Origin", "http://localhost")], address=address), 403, "forbidden")
        token = self.token(g, "admin")
        with g.client(g.admin_addresses[1]) as c:
            answer = c.request("GET", "/v1/status", host="evil.example", fields=[("Authorization", f"Bearer {token}")]).final()
        self.assert_problem(answer, 403, "forbidden")

    def test_a_flood_of_bad_tokens_keeps_nobody_out(self):
        g = self.served()
        token, tcp = self.token(g, "viewer"), g.admin_addresses[1]
        seen = set()
        with g.client(tcp) as c:
            for _ in range(300):
                seen.add(c.request("GET", "/v1/status", host="localhost", fields=[("Authorization", "Bearer ght_a_b")]).final().status)
        self.assertEqual(seen, {401, 429})
        self.assertEqual(g.admin("GET", "/v1/status", address=tcp, token=token).status, 200)
        self.assertLess(len(g.admin("GET", "/v1/audit?limit=1000&action=authenticate").json["items"]), 100, "not each is written down")
        self.assertEqual(g.metrics().value("gatehouse_admin_refused_total"), 300)

    def test_public_addresses_need_tls(self):
        for address in ("0.0.0.0:9146", "*:9146", "[::]:9146", "192.0.2.1:9146"):
            with self.subTest(address):
                path = os.path.join(self.directory, "public.conf")
                with open(path, "w") as file:
                    file.write(conf(f"admin {address}", STATE, shard("one", "127.0.0.1:9")))
                run = subprocess.run([binary(), "check", "-c", path], capture_output=True, text=True, timeout=20)
                self.assertEqual(run.returncode, 1, run.stdout)
                self.assertIn("would be open to the network in clear", run.stdout)

    def test_tls(self):
        authority = Authority(self.directory)
        pem, key = authority.issue("admin", "localhost", ip="127.0.0.1")
        g = self.served(admin=f"admin unix:{{0}}/admin.sock 127.0.0.1:0 {{{{\n  certificate {pem} key {key}\n}}}}")
        token, tcp = self.token(g, "operator"), g.admin_addresses[1]
        with g.client(tcp, tls=authority.client(), name="localhost") as c:
            for _ in range(2):
                answer = c.request("GET", "/v1/status", host="localhost", fields=[("Authorization", f"Bearer {token}")]).final()
                self.assertEqual(answer.status, 200)
            body = json.dumps({"role": "viewer", "reason": "x" * 900_000}).encode()
            answer = c.request("POST", "/v1/grants", host="localhost", fields=[("Authorization", f"Bearer {token}")], body=body).final()
            self.assertEqual(answer.status, 403, "operators give no grants")
        with open(os.path.join(self.directory, "token"), "w") as file:
            file.write(token + "\n")
        run = g.command("status", "--address", f"https://{tcp}", "--ca", authority.path, "--token-file", os.path.join(self.directory, "token"))
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("ready", run.stdout)
        other = Authority(self.directory, "other")
        run = g.command("status", "--address", f"https://{tcp}", "--ca", other.path, "--token-file", os.path.join(self.directory, "token"))
        self.assertEqual(run.returncode, 1)
        self.assertIn("TLS", run.stderr)
        # A renewed certificate is in use after a reload.
        authority.issue("admin", "localhost", "renewed.example", ip="127.0.0.1")
        g.reload()
        with g.client(tcp, tls=authority.client(), name="renewed.example") as c:
            self.assertEqual(c.request("GET", "/v1/status", host="localhost").final().status, 401)

    def test_certificates_of_callers(self):
        authority = Authority(self.directory)
        pem, key = authority.issue("admin", "localhost", ip="127.0.0.1")
        g = self.served(admin=f"admin unix:{{0}}/admin.sock 127.0.0.1:0 {{{{\n  certificate {pem} key {key}\n  client-certificate required ca {authority.path}\n}}}}")
        token, tcp = self.token(g, "viewer"), g.admin_addresses[1]
        known = authority.client(certificate=authority.issue("caller", "caller.example"))
        with g.client(tcp, tls=known, name="localhost") as c:
            self.assertEqual(c.request("GET", "/v1/status", host="localhost", fields=[("Authorization", f"Bearer {token}")]).final().status, 200)
            self.assertEqual(c.request("GET", "/v1/status", host="localhost").final().status, 401, "the token is needed as well")
        with self.assertRaises((OSError, AssertionError)):
            with g.client(tcp, tls=authority.client(), name="localhost") as c:
                c.request("GET", "/v1/status", host="localhost", fields=[("Authorization", f"Bearer {token}")]).final()

    def test_without_state_there_is_a_socket_to_look_through(self):
        g = self.served(admin="admin unix:{0}/admin.sock", state=None)
        self.assertEqual(g.admin("GET", "/v1/status").status, 200)
        self.assert_problem(g.admin("POST", "/v1/grants", {"role": "viewer"}), 409, "no_state")
        self.assert_problem(g.admin("GET", "/v1/audit"), 409, "no_state")
        self.assertEqual(g.admin("POST", "/v1/reload").status, 200)
        g.log.wait(r'^audit: .*"action":"config.reload"')

    def test_idle_and_broken_callers_keep_nobody_out(self):
        g = self.served()
        held = [g.client(g.admin_addresses[0]) for _ in range(31)]
        for c in held:
            c.send(b"GET /v1/sta")
        self.assertEqual(g.admin("GET", "/v1/status").status, 200)
        tcp = [g.client(g.admin_addresses[1]) for _ in range(40)]
        self.assertEqual(g.admin("GET", "/v1/status").status, 200, "TCP has a crew of its own")
        for c in held + tcp:
            c.close()


AS_USER = """
import os, socket, sys
os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[2])
s.sendall((sys.argv[3] + " HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n").encode())
print(s.recv(65536).decode().split(" ")[1])
"""


class Facts(Admin):
    def test_status_tells_how_it_does(self):
        g = self.served()
        status = g.admin("GET", "/v1/status").json
        self.assertEqual(status["state"], "ready")
        self.assertEqual(status["pid"], g.process.pid)
        self.assertEqual(status["generation"], 1)
        self.assertEqual(status["tenants"], 1)
        self.assertEqual(status["listeners"], g.addresses)
        self.assertEqual(status["last_reload"]["successful"], True)
        g.write("proxy.conf", "nonsense")
        self.assert_problem(g.admin("POST", "/v1/reload"), 409, "bad_configuration")
        self.assertEqual(g.admin("GET", "/v1/status").json["last_reload"]["successful"], False)

    def test_reload_waits_for_its_outcome(self):
        g = self.served()
        config = open(g.config_path).read()
        g.write("proxy.conf", config + tenant("globex", home="one"))
        answer = g.admin("POST", "/v1/reload", reason="a tenant more")
        self.assertEqual((answer.status, answer.json["generation"]), (200, 2))
        self.assertEqual(g.admin("GET", "/v1/status").json["tenants"], 2)
        g.write("proxy.conf", config.replace("127.0.0.1:0\nstate", "127.0.0.1:0 127.0.0.1:0\nstate").replace("workers 2", "workers 1"))
        self.assertEqual(sorted(g.admin("POST", "/v1/reload").json["at_next_start"]), ["'workers'", "the address of 'admin'"])
        g.write("proxy.conf", config.replace("home one", "home nowhere"))
        answer = g.admin("POST", "/v1/reload")
        self.assert_problem(answer, 409, "bad_configuration")
        self.assertIn("there is no shard 'nowhere'", answer.json["detail"])
        actions = [(e["action"], e["result"]) for e in g.admin("GET", "/v1/audit").json["items"]]
        self.assertEqual(actions, [("config.reload", "bad_configuration"), ("config.reload", "done"), ("config.reload", "done")])

    def test_many_reloads_at_once_are_all_answered(self):
        g = self.served()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(g.admin("POST", "/v1/reload").status)) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(30)
        self.assertEqual(answers, [200] * 8)

    def test_shards_tell_of_their_backends(self):
        dead, keep = closed_port()
        self.addCleanup(keep.close)
        one, two = self.origin(name="a"), self.origin(name="b")
        g = self.served(shard("one", one, lines=["region eu", "concurrency 10", "standby two"]),
                        shard("two", f"{two.address} weight 3", dead, lines=["health GET /healthz every 100ms fall 1"]),
                        tenant("acme", home="one"))
        for _ in range(3):
            self.assertEqual(get(g.address, host="acme.example").status, 200)

        def shards():
            return {s["name"]: s for s in g.admin("GET", "/v1/shards").json["items"]}
        eventually(lambda: [b["health"] for b in shards()["two"]["backends"]] == ["up", "down"], "the dead backend is noticed")
        first = shards()["one"]
        self.assertEqual((first["region"], first["standby"], first["concurrency"]["limit"]), ("eu", ["two"], 10))
        eventually(lambda: shards()["one"]["backends"][0]["answers"] == 3)
        self.assertEqual(shards()["two"]["backends"][0]["weight"], 3)
        eventually(lambda: g.admin("GET", "/v1/status").json["backends_down"] == [f"two {dead}"])

    def test_top_tells_who_is_busy(self):
        a = self.origin(lambda x: x.reply(503 if x.target == "/bad" else 200, "x" * 1000), name="a")
        g = self.served(shard("one", a), tenant("acme", home="one"), tenant("globex", home="one"), tenant("idle", home="one"))
        get(g.address, host="idle.example")
        done = threading.Event()

        def load(host, target, pause):
            with g.client() as c:
                while not done.wait(pause):
                    c.get(target, host=host)
        threads = [threading.Thread(target=load, args=a) for a in [("acme.example", "/", 0.002)] * 3 + [("globex.example", "/bad", 0.05)]]
        for t in threads:
            t.start()
        self.addCleanup(done.set)
        items = eventually(lambda: (lambda i: i if len(i) == 2 else None)(g.admin("GET", "/v1/top").json["items"]))
        self.assertEqual([i["tenant"] for i in items], ["acme", "globex"])
        self.assertGreater(items[0]["requests"], items[1]["requests"])
        self.assertEqual(items[0]["errors"], 0)
        self.assertAlmostEqual(items[1]["errors"], items[1]["requests"], delta=2)
        self.assertGreater(items[0]["bytes_out"], 1000 * items[0]["requests"])
        self.assertEqual([i["tenant"] for i in g.admin("GET", "/v1/top?limit=1").json["items"]], ["acme"])
        only = g.admin("GET", "/v1/top", token=self.token(g, "viewer", tenants=["globex"])).json["items"]
        self.assertEqual([i["tenant"] for i in only], ["globex"])
        done.set()
        for t in threads:
            t.join()

    def test_explain_says_what_the_command_says(self):
        origin = self.origin(name="one")
        g = self.gate(conf(ADMIN.format(self.directory), STATE, "trust 10.0.0.0/8", shard("one", origin),
                           tenant("acme", home="one"), tenant("sleepy", "state suspended", home="one"),
                           resolve=("host", "header X-Tenant-ID")))
        asked = [("?host=acme.example&path=/x", ["--host", "acme.example", "--path", "/x"]), ("?host=sleepy.example", ["--host", "sleepy.example"]),
                 ("?host=nobody.example", ["--host", "nobody.example"]),
                 ("?host=x.example&method=POST&header=X-Tenant-ID:%20acme&client=10.1.2.3",
                  ["--host", "x.example", "--method", "POST", "--header", "X-Tenant-ID: acme", "--client", "10.1.2.3"])]
        for query, options in asked:
            with self.subTest(query):
                run = g.command("explain", "--json", "-c", "proxy.conf", *options)
                self.assertEqual(g.admin("GET", "/v1/explain" + query).json, json.loads(run.stdout))
        for bad in ("?header=x", "?client=nobody", "?path=/%0d%0ax", "?limit=%"):
            self.assert_problem(g.admin("GET", "/v1/explain" + bad), 400, "bad_request")
        scoped = self.token(g, "viewer", tenants=["acme"])
        self.assertEqual(g.admin("GET", "/v1/explain?host=acme.example", token=scoped).status, 200)
        self.assert_problem(g.admin("GET", "/v1/explain?host=sleepy.example", token=scoped), 403, "forbidden")
        self.assert_problem(g.admin("GET", "/v1/explain?host=nobody.example", token=scoped), 403, "forbidden")

    def test_it_answers_while_it_drains(self):
        held = threading.Event()
        self.addCleanup(held.set)
        g = self.served(shard("one", self.origin(lambda x: (held.wait(20), x.reply(200, "late")), name="slow")), tenant("acme", home="one"))
        c = g.client()
        c.request("GET", "/", host="acme.example")
        eventually(lambda: g.admin("GET", "/v1/status").json["clients"]["active"] == 1)
        g.process.terminate()
        eventually(lambda: g.admin("GET", "/v1/status").json["state"] == "draining")
        held.set()
        self.assertEqual(c.final().status, 200)
        self.assertEqual(g.wait_end(), 0)


class Description(Admin):
    def test_every_answer_is_as_the_document_says(self):
        g = self.served()
        document = Document(g.admin("GET", "/v1/openapi.json").json)
        get(g.address, host="acme.example")
        grant = g.admin("POST", "/v1/grants", {"role": "viewer", "tenants": ["acme"], "until": "2h", "break_glass": "1h"})
        document.check("POST", "/v1/grants", grant)
        number = grant.json["id"]
        calls = [("GET", "/v1/openapi.json", None), ("GET", "/v1/status", None), ("GET", "/v1/shards", None), ("GET", "/v1/top", None),
                 ("GET", "/v1/explain?host=acme.example", None), ("GET", "/v1/explain?host=nobody", None), ("POST", "/v1/reload", None),
                 ("GET", "/v1/grants", None), ("GET", "/v1/audit", None), ("GET", "/v1/audit?limit=1", None), ("GET", "/v1/tenants/acme/audit", None),
                 ("POST", "/v1/grants", {"role": "king"}), ("POST", "/v1/grants?dry-run=1", {"role": "admin", "tenants": None}),
                 ("DELETE", f"/v1/grants/{number}?dry-run=1", None), ("DELETE", f"/v1/grants/{number}", None), ("DELETE", f"/v1/grants/{number}", None),
                 ("GET", "/v1/audit?limit=0", None), ("GET", "/v1/top?limit=x", None)]
        for method, target, value in calls:
            document.check(method, target, g.admin(method, target, value))
        document.check("GET", "/v1/status", g.admin("GET", "/v1/status", address=g.admin_addresses[1]))
        named = {(m.upper(), p) for p, methods in document.value["paths"].items() for m in methods}
        self.assertGreaterEqual(named, {("GET", "/v1/status"), ("GET", "/v1/explain"), ("GET", "/v1/shards"), ("GET", "/v1/top"), ("POST", "/v1/reload"),
                                        ("GET", "/v1/grants"), ("POST", "/v1/grants"), ("DELETE", "/v1/grants/{id}"), ("GET", "/v1/audit")})

    def test_heads_have_no_body(self):
        g = self.served()
        answer = g.admin("HEAD", "/v1/status")
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_garbage_is_refused_and_nothing_breaks(self):
        g = self.served()
        for data in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET /v1/status HTTP/3.0\r\n\r\n", b"POST /v1/grants HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
                     b"GET /v1/status HTTP/1.1\r\nA: " + b"x" * 70000 + b"\r\n\r\n",
                     b"POST /v1/grants HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            with g.client(g.admin_addresses[0]) as c:
                self.assertIn(c.send(data).final().status, (400, 431))
        for body in (b"", b"{", b"[" * 100000, b"\xff", b'{"role":"viewer","until":"' + b"9" * 10000 + b'"}', b'{"role":"viewer","tenants":["' + b"a" * 65 + b'"]}'):
            with self.subTest(body[:40]):
                self.assert_problem(g.admin("POST", "/v1/grants", body=body), 400, "bad_request")
        self.assert_problem(g.admin("POST", "/v1/grants", {"role": "viewer"}, reason="x" * 1025), 400, "bad_request")
        self.assertEqual(g.admin("GET", "/v1/status").status, 200)


class Commands(Admin):
    def test_they_find_the_proxy_by_its_configuration(self):
        g = self.served()
        for command, expected in ((["status"], "ready"), (["reload", "--reason", "case 17"], "generation 2"), (["top"], "REQ/S"), (["audit"], "case 17"),
                                  (["grant", "list"], "TENANTS"), (["audit", "verify"], "whole")):
            with self.subTest(command):
                run = g.command(*command)
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                self.assertIn(expected, run.stdout)
        for command in (["status"], ["reload"], ["top"], ["audit"], ["grant", "list"], ["audit", "verify"]):
            with self.subTest(command):
                run = g.command(*command, "--json")
                self.assertEqual(run.returncode, 0)
                json.loads(run.stdout)

    def test_tokens_and_addresses_may_be_named(self):
        g = self.served()
        run = g.command("grant", "create", "viewer", "--until", "2h", "--reason", "dashboards")
        self.assertEqual(run.returncode, 0)
        self.assertRegex(run.stdout, r"^ght_[0-9a-f]{12}_[0-9a-f]{64}\n$")
        self.assertIn("viewer of all tenants", run.stderr)
        g.write("token", run.stdout)
        named = ["--address", g.admin_addresses[1], "--token-file", "token"]
        self.assertEqual(g.command("status", *named).returncode, 0)
        run = g.command("reload", *named)
        self.assertEqual(run.returncode, 1)
        self.assertIn("403 forbidden", run.stderr)
        self.assertEqual(g.command("status", "--socket", os.path.join(self.directory, "admin.sock"), "-c", "/nowhere").returncode, 0)

    def test_a_refused_reload_says_why(self):
        g = self.served()
        config = open(g.config_path).read()
        g.write("proxy.conf", config.replace("home one", "home nowhere"))
        run = g.command("reload")
        self.assertEqual(run.returncode, 1)
        self.assertIn("there is no shard 'nowhere'", run.stderr)
        self.assertRegex(run.stderr, r"proxy\.conf:\d+:\d+: error")

    def test_nobody_there_is_said(self):
        g = self.served()
        g.stop()
        for options in ([], ["--socket", "/nowhere"], ["--address", "127.0.0.1:1"]):
            with self.subTest(options):
                run = g.command("status", *options)
                self.assertEqual(run.returncode, 1)
                self.assertIn("can't call", run.stderr)
        g.write("proxy.conf", "listen 127.0.0.1:0\n")
        run = g.command("status")
        self.assertEqual(run.returncode, 1)
        self.assertIn("'admin'", run.stderr)

    def test_bad_command_lines_end_with_2(self):
        for arguments, hint in ((["grant", "reovke", "x"], "revoke"), (["status", "--soket", "x"], "--socket"), (["grant"], "create"),
                                (["grant", "create", "king"], "operator"), (["status", "--address", "nonsense"], "HOST:PORT")):
            with self.subTest(arguments):
                run = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=20, cwd=self.directory)
                self.assertEqual(run.returncode, 2, run.stderr)
                self.assertIn(hint, run.stderr)

    def test_bash_completes_them(self):
        script = os.path.join(ROOT, "deploy", "gatehouse.bash-completion")
        for words, expected in ((["gatehouse", "gra"], "grant"), (["gatehouse", "grant", "rev"], "revoke"), (["gatehouse", "grant", "create", "--te"], "--tenant"),
                                (["gatehouse", "status", "--soc"], "--socket"), (["gatehouse", "audit", "verify", "--st"], "--state")):
            with self.subTest(words):
                said = subprocess.run(["bash", "-c", f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gatehouse; echo "${{COMPREPLY[@]}}"', "x", *words],
                                      capture_output=True, text=True, timeout=20)
                self.assertEqual((said.stdout.strip(), said.stderr), (expected, ""))
