"""The commands: check, explain, help, version, demo, and their exit codes."""
import json
import os
import re
import socket
import subprocess
import sys
import unittest

from harness import Case, binary, conf, get, shard, tenant
from harness.gate import ROOT

GOOD = """listen 127.0.0.1:0
resolve {
  host
  path /t/
}
shard eu-1 {
  backend 127.0.0.1:9
}
plan gold {
  requests 500/s burst 1000
  concurrency 200
}
tenant acme {
  host app.acme.example
  plan gold
  home eu-1
  requests 50/s burst 100
}
tenants table tenants.tbl
"""
TABLE = "globex plan=gold home=eu-1 epoch=7 host=globex.example\nsleepy home=eu-1 host=sleepy.example state=suspended\n"


class Commands(Case):
    def run_it(self, *arguments, text=GOOD, table=TABLE, environment=None, directory=None):
        for name, content in (("proxy.conf", text), ("tenants.tbl", table)):
            if content is not None:
                with open(os.path.join(self.directory, name), "w") as file:
                    file.write(content)
        return subprocess.run([binary(), *arguments], cwd=directory or self.directory, capture_output=True, text=True, timeout=30,
                              env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL)

    def assert_exit(self, run, code):
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)


class Check(Commands):
    def test_a_good_file(self):
        for command in ("check", "-t"):
            self.assert_exit(self.run_it(command, "-c", "proxy.conf"), 0)
        self.assert_exit(self.run_it("check"), 0)
        self.assert_exit(self.run_it("check", "--config", os.path.join(self.directory, "proxy.conf"), directory="/"), 0)

    def test_a_bad_file_shows_every_error_with_its_place(self):
        text = GOOD.replace("backend 127", "bakend 127").replace("  plan gold\n", "  plan silver\n").replace("500/s burst", "500 burst")
        run = self.run_it("check", text=text)
        self.assert_exit(run, 1)
        said = run.stdout + run.stderr
        self.assertIn("proxy.conf:7:3: error: 'bakend' is not a directive of 'shard'", said)
        self.assertIn(" 7 |   bakend 127.0.0.1:9", said)
        self.assertIn("^~~~~~ did you mean 'backend'?", said)
        self.assertRegex(said, r"proxy\.conf:10:\d+: error: ")
        self.assertRegex(said, r"proxy\.conf:15:\d+: error: .*silver")

    def test_an_access_log_without_its_directory(self):
        run = self.run_it("check", text="access-log nowhere/access.log\n" + GOOD)
        self.assert_exit(run, 1)
        self.assertIn("proxy.conf:1:12: error: 'nowhere/access.log' can't be written: there is no directory", run.stdout + run.stderr)
        self.assert_exit(self.run_it("check", text="access-log ./access.log\n" + GOOD), 0)

    def test_errors_of_a_table_have_their_place(self):
        run = self.run_it("check", table=TABLE + "bad plan=silver home=eu-1\nacme home=eu-1\n")
        self.assert_exit(run, 1)
        self.assertIn("tenants.tbl:3", run.stdout + run.stderr)
        self.assertIn("tenants.tbl:4", run.stdout + run.stderr)
        self.assertIn("proxy.conf:13", run.stdout + run.stderr, "the other place of a duplicate is named")

    def test_errors_past_twenty_are_counted(self):
        run = self.run_it("check", table="".join(f"t{i} home=nowhere\n" for i in range(100)))
        self.assert_exit(run, 1)
        self.assertLessEqual(len(re.findall(r"tenants\.tbl:\d+", run.stdout + run.stderr)), 21)
        self.assertRegex(run.stdout + run.stderr, r"\b(80|100) ")

    def test_no_file_is_said(self):
        run = self.run_it("check", "-c", "absent.conf")
        self.assert_exit(run, 1)
        self.assertIn("absent.conf", run.stdout + run.stderr)

    def test_variables_are_read_and_unset_ones_are_errors(self):
        text = GOOD.replace("127.0.0.1:9\n", "${BACKEND_OF_TEST}\n")
        self.assert_exit(self.run_it("check", text=text, environment={"BACKEND_OF_TEST": "127.0.0.1:9"}), 0)
        run = self.run_it("check", text=text)
        self.assert_exit(run, 1)
        self.assertIn("BACKEND_OF_TEST", run.stdout + run.stderr)

    def test_no_socket_is_opened(self):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        self.addCleanup(s.close)
        self.assert_exit(self.run_it("check", text=GOOD.replace("127.0.0.1:0", "127.0.0.1:%d" % s.getsockname()[1])), 0)

    def test_the_example_is_good(self):
        path = os.path.join(ROOT, "proxy.conf.example")
        self.assertTrue(os.path.exists(path), "proxy.conf.example is missing")
        self.assert_exit(self.run_it("check", "-c", path), 0)


class Explain(Commands):
    def test_an_admitted_request(self):
        run = self.run_it("explain", "--host", "app.acme.example", "--path", "/orders")
        self.assert_exit(run, 0)
        for word in ("acme", "gold", "eu-1", "127.0.0.1:9", "proxy.conf:13"):
            self.assertIn(word, run.stdout)
        self.assertRegex(run.stdout, r"50/s|50 ?per")

    def test_as_json(self):
        run = self.run_it("explain", "--json", "--host", "globex.example")
        self.assert_exit(run, 0)
        text = json.dumps(json.loads(run.stdout))
        for word in ('"globex"', '"gold"', '"eu-1"', "7", "tenants.tbl:1"):
            self.assertIn(word, text)

    def test_refused_ones_end_with_3(self):
        for arguments, code in ((["--host", "nobody.example"], "tenant_unknown"), (["--host", "sleepy.example"], "tenant_suspended"),
                                (["--host", "app.acme.example", "--path", "/t/globex"], "tenant_conflict")):
            with self.subTest(arguments):
                run = self.run_it("explain", *arguments)
                self.assert_exit(run, 3)
                self.assertIn(code, run.stdout)

    def test_header_and_client_are_taken_into_account(self):
        text = GOOD.replace("  path /t/\n", "  header X-Tenant-ID\n").replace("listen", "trust 10.0.0.0/8\nlisten", 1)
        ask = ["explain", "--host", "any.example", "--header", "X-Tenant-ID: acme", "--method", "POST"]
        self.assert_exit(self.run_it(*ask, "--client", "10.1.2.3", text=text), 0)
        self.assert_exit(self.run_it(*ask, "--client", "192.0.2.1", text=text), 3)

    def test_it_says_what_the_proxy_then_does(self):
        origins = [self.origin(name=f"s{i}") for i in range(4)]
        names = [f"t{i}" for i in range(12)]
        text = conf(*(shard(o.name, o) for o in origins), *(tenant(n) for n in names))
        g = self.gate(text)
        for n in names:
            body = get(g.address, host=f"{n}.example").body.decode()
            run = self.run_it("explain", "--json", "--host", f"{n}.example", text=text)
            self.assert_exit(run, 0)
            self.assertIn(f'"{body}"', run.stdout)

    def test_a_tenant(self):
        run = self.run_it("explain", "tenant", "acme")
        self.assert_exit(run, 0)
        self.assertRegex(run.stdout, r"proxy\.conf:17")
        self.assertRegex(run.stdout, r"proxy\.conf:11", "concurrency comes from the plan")
        self.assert_exit(self.run_it("explain", "tenant", "acme", "--json"), 0)
        run = self.run_it("explain", "tenant", "nobody")
        self.assert_exit(run, 1)
        self.assertIn("nobody", run.stdout + run.stderr)


class HelpAndVersion(Commands):
    def test_help(self):
        run = self.run_it("help")
        self.assert_exit(run, 0)
        for command in ("run", "check", "explain", "demo", "help", "version"):
            self.assertIn(command, run.stdout)
        for arguments in (["--help"], ["-h"], ["run", "--help"]):
            self.assert_exit(self.run_it(*arguments), 0)

    def test_help_of_a_directive(self):
        for directive in ("backend", "listen", "requests", "health", "tenant"):
            run = self.run_it("help", directive)
            self.assert_exit(run, 0)
            self.assertIn(directive, run.stdout)
        self.assertNotEqual(self.run_it("help", "bakend").returncode, 0)

    def test_version(self):
        for command in ("version", "-V"):
            run = self.run_it(command)
            self.assert_exit(run, 0)
            self.assertRegex(run.stdout.lower(), r"(?s)gatehouse.*swift.*openssl")

    @unittest.skipUnless(os.environ.get("GATEHOUSE_COMMIT"), "the commit of the binary is not told")
    def test_version_tells_the_commit(self):
        self.assertEqual(json.loads(self.run_it("version", "--json").stdout)["commit"], os.environ["GATEHOUSE_COMMIT"])

    def test_unknown_commands_and_options_end_with_2(self):
        for arguments, hint in ((["chekc"], "check"), (["run", "--confg", "x"], "--config"), (["explain", "--hots", "x"], "--host")):
            with self.subTest(arguments):
                run = self.run_it(*arguments)
                self.assert_exit(run, 2)
                self.assertIn(hint, run.stderr)
                self.assertRegex(run.stderr, "did you mean")
        self.assert_exit(self.run_it("run", "--no-such-thing-at-all"), 2)


class Demo(Commands):
    def test_it_serves_what_it_prints_and_ends_by_ctrl_c(self):
        """In a network of its own, since the demo has a fixed port."""
        script = os.path.join(self.directory, "inside.py")
        with open(script, "w") as file:
            file.write(INSIDE)
        isolated = ["unshare", "--net", "--map-root-user"]
        if subprocess.run([*isolated, "true"], capture_output=True).returncode:
            isolated = []
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", 8080)) == 0:
                    self.skipTest("no network of its own to be had, and port 8080 is taken")
        run = subprocess.run([*isolated, sys.executable, script, binary(), ROOT], capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


class Binary(Case):
    def test_it_is_small(self):
        """Foundation would bring ICU along, 50 MB of it; FoundationEssentials does without."""
        with open(binary(), "rb") as file:
            self.assertNotIn(b"icudt", file.read())


INSIDE = r'''
import fcntl, os, re, select, signal, socket, struct, subprocess, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:      # bring the loopback up
    name = struct.pack("16sh", b"lo", 0)
    flags = struct.unpack("16sh", fcntl.ioctl(s, 0x8913, name))[1]
    if not flags & 1:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", flags | 1))
p = subprocess.Popen([sys.argv[1], "demo"], cwd=sys.argv[2], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
said, end = b"", time.monotonic() + 20
while said.count(b"curl ") < 3 or b"ready" not in said:
    if not select.select([p.stdout], [], [], max(0, end - time.monotonic()))[0]:
        sys.exit("not ready in time:\n" + said.decode())
    data = os.read(p.stdout.fileno(), 65536)
    if not data:
        sys.exit("it ended:\n" + said.decode())
    said += data
text = said.decode()
print(text)
curls = [line[line.index("curl "):].strip() for line in text.splitlines() if "curl " in line]
for line in curls[:3]:
    out = subprocess.run(["sh", "-c", line.replace("curl ", "curl --noproxy '*' -sS --max-time 5 -o /dev/null -w '%{http_code}' ", 1)], capture_output=True, text=True)
    if out.stdout[-3:] != "200":
        sys.exit(f"{line}: {out.stdout} {out.stderr}")
url = re.search(r"http://[^\s/]+/metrics", text)
if not url:
    sys.exit("it does not say where metrics are")
out = subprocess.run(["curl", "--noproxy", "*", "-sS", "--max-time", "5", url[0]], capture_output=True, text=True)
if "gatehouse_requests_total{" not in out.stdout:
    sys.exit("no metrics at " + url[0])
p.send_signal(signal.SIGINT)
if p.wait(10) != 0:
    sys.exit("ended with %d" % p.returncode)
with socket.socket() as s:
    if s.connect_ex(("127.0.0.1", 8080)) == 0:
        sys.exit("something still listens")
'''
