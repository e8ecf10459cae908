"""A new binary takes the place of the running one: the same sockets, the same counts, no request lost."""
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

from harness import gate as module
from harness import BOTH, Case, Client, Frames, binary, conf, eventually, get, shard, tenant
from harness.moves import MoveCase
from test_lifecycle import Load
from test_tls import TLSCase
from test_upgrade import SWITCH, UPGRADE


class Steps(Load):
    """Clients that do one thing again and again; `kept` is what one of them keeps between two of them."""

    def _run(self):
        kept = {}
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                r = self.step(kept)
                if r.status != 200:
                    self.troubles.append(r)
            except Exception as e:  # noqa: BLE001
                self.troubles.append(e)
                kept.clear()
                self._stop.wait(0.01)
            self.worst = max(self.worst, time.monotonic() - began)
            self.done += 1
        for c in kept.values():
            c.close()


class Fresh(Steps):
    """A connection for each request."""

    def step(self, kept):
        return get(self.address, host=self.host)


class Polite(Steps):
    """Connections that live on until an answer says that they do not."""

    def step(self, kept):
        c = kept.get("c") or Client(self.address)
        kept["c"] = c
        r = c.request(host=self.host).final()
        if (r.field("connection") or "").lower() == "close":
            kept.pop("c").close()
        return r


class Streams(Steps):
    """HTTP/2; a connection that is told to go away is replaced."""

    def step(self, kept):
        c = kept.get("c") or Frames(self.address)
        kept["c"] = c
        r = c.get()
        if c.goaway is not None:
            kept.pop("c").close()
        return r


class Upgrade(Case):
    def test_ten_in_a_row_under_load_lose_nothing(self):
        """New connections, kept ones and HTTP/2, over TCP and a Unix socket; the number of workers changes on the way."""
        path = os.path.join(self.directory, "front.sock")
        o = self.origin()
        text = conf(shard("one", o), tenant("acme", home="one"), listen=("127.0.0.1:0", BOTH, f"unix:{path}"), workers=2)
        g = self.gate(text)
        loads = [Polite(g.addresses[0], 2), Fresh(g.addresses[0], 1), Fresh(f"unix:{path}", 1), Streams(g.addresses[1], 1)]
        for number in range(10):
            seen = [load.done for load in loads]
            eventually(lambda: all(load.done > was + 5 for load, was in zip(loads, seen)))
            g.write("proxy.conf", text.replace("workers 2", f"workers {number % 3 + 1}"))
            before = g.upgrade()
            self.assertEqual(before.wait(20), 0)
        seen = [load.done for load in loads]
        eventually(lambda: all(load.done > was + 5 for load, was in zip(loads, seen)))
        for load in loads:
            load.stop()
        self.assertEqual([load.troubles for load in loads], [[]] * 4)
        m = g.metrics()
        self.assertEqual(m.value("gatehouse_upgrades_total", result="done"), 10)
        self.assertEqual(m.value("gatehouse_config_generation"), 11)
        self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
        g.stop()
        self.assertFalse(os.path.exists(path))

    def test_buckets_and_counts_go_on(self):
        """Tokens of a tenant, of its keys, of the process and of quotas; what was used before is used up after."""
        def served(host, count, client="10.0.0.1"):
            return [get(g.address, host=f"{host}.example", fields=[("X-Forwarded-For", client)]).status for _ in range(count)].count(200)
        g = self.gate(conf(
            "state state", "trust 127.0.0.1/32", shard("one", self.origin()), tenant("plain", "requests 100/h burst 100", home="one"),
            tenant("path", "requests 1/h burst 30 per path /", home="one"), tenant("client", "requests 1/h burst 5 per client", home="one"),
            tenant("quota", "quota 20 requests per month", home="one")))
        self.assertEqual([served("plain", 40), served("path", 10), served("client", 3), served("quota", 8)], [40, 10, 3, 8])
        g.upgrade()
        self.assertEqual([served("plain", 70), served("path", 30), served("client", 4), served("quota", 20)], [60, 20, 2, 12])
        self.assertEqual(served("client", 6, "10.0.0.2"), 5)

    def test_buckets_that_tenants_share_go_on(self):
        g = self.simple(self.origin(), parts=["limits {\n  requests 10/h burst 10\n}"])
        self.assertEqual([get(g.address).status for _ in range(6)], [200] * 6)
        g.upgrade()
        self.assertEqual([get(g.address).status for _ in range(6)], [200] * 4 + [503] * 2)

    def test_tokens_that_the_old_process_still_takes_count_in_the_new(self):
        """A connection that was there before has one more request served by the old process."""
        g = self.simple(self.origin(), tenant_lines=["requests 1/h burst 10"])
        with g.client() as kept:
            self.assertEqual(kept.get().status, 200)
            before = g.upgrade()
            r = kept.get()
            self.assertEqual((r.status, r.field("connection")), (200, "close"))
        self.assertEqual(before.wait(15), 0)
        self.assertEqual([get(g.address).status for _ in range(10)].count(200), 8)

    def test_a_request_in_flight_is_finished_and_counts(self):
        go = threading.Event()
        self.addCleanup(go.set)

        def answer(x):
            x.read_body()
            if x.target == "/slow":
                go.wait(15)
            x.reply(200, "finished")
        o = self.origin(answer)
        g = self.simple(o, tenant_lines=["concurrency 1"], drain="20s")
        c = g.client().request("GET", "/slow")
        o.wait(1)
        before = g.upgrade()
        self.assertEqual(get(g.address).status, 429)
        go.set()
        r = c.final()
        self.assertEqual((r.status, r.body, r.field("connection")), (200, b"finished", "close"))
        self.assertEqual(before.wait(15), 0)
        eventually(lambda: get(g.address).status == 200, "the place of the request is free again")

    def test_a_websocket_stays_with_the_old_one(self):
        def serve(x):
            accept = base64.b64encode(hashlib.sha1((x.field("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            x.send(SWITCH.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept.decode()))
            x.complete = True
            while True:
                x.connection.send(x.connection.some(1 << 16))
        g = self.simple(self.origin(serve), drain="1s")
        with g.client() as c:
            c.send(UPGRADE)
            self.assertEqual(c.head().status, 101)
            before = g.upgrade()
            c.send(b"still there")
            self.assertEqual(c.take(11), b"still there")
            self.assertIsNone(before.poll())
            self.assertTrue(c.is_closed())
        self.assertEqual(before.wait(15), 0)

    def test_affinity_cookies_stay_good(self):
        a, b = self.origin(name="a"), self.origin(name="b")
        g = self.simple(a, b, lines=["sticky cookie GHSESSION for 12h", "balance round-robin"])
        made = {}
        while len(made) < 2:
            r = get(g.address)
            made[r.body] = "GHSESSION=" + r.cookie("GHSESSION")
        g.upgrade()
        for _ in range(5):
            for name, cookie in made.items():
                self.assertEqual(get(g.address, fields=[("Cookie", cookie)]).body, name)

    def test_metrics_and_admin_answer_by_the_new_one(self):
        state = os.path.join(self.directory, "state")
        sock = os.path.join(self.directory, "admin.sock")
        g = self.simple(self.origin(), parts=[f"state {state}", "tenants store", f"admin unix:{sock}"])
        self.assertEqual(g.admin("PUT", "/v1/tenants/new", {"home": "one", "hosts": ["new.example"]}).status, 201)
        first = g.process.pid
        run = []
        g.upgrade(by=lambda: run.append(g.command("upgrade", "-c", "proxy.conf", "--reason", "case 7", "--json")))
        self.assertEqual(run[0].returncode, 0, run[0].stderr)
        self.assertEqual(json.loads(run[0].stdout), {"process": g.process.pid, "before": first})
        self.assertEqual(g.admin("GET", "/v1/status").json["pid"], g.process.pid)
        self.assertEqual(get(g.address, host="new.example").status, 200)
        self.assertEqual(g.before[0].wait(15), 0)
        self.assertEqual(g.admin("PUT", "/v1/tenants/newer", {"home": "one", "hosts": ["newer.example"]}).status, 201)
        self.assertEqual(get(g.address, host="newer.example").status, 200)
        g.upgrade()
        self.assertEqual(g.before[1].wait(15), 0)
        self.assertEqual(get(g.address, host="newer.example").status, 200)
        audit = g.admin("GET", "/v1/audit").json["items"]
        said = [(e["action"], e["actor"].split(":")[0], e["reason"], e["result"]) for e in audit if e["action"] == "upgrade"]
        self.assertEqual(said, [("upgrade", "signal", None, "done"), ("upgrade", "uid", "case 7", "done")])
        self.assertEqual(g.command("audit", "verify", "-c", "proxy.conf").returncode, 0)
        self.assertEqual(g.metrics().value("gatehouse_upgrades_total", result="done"), 2)


class Secure(TLSCase):
    def test_sessions_are_resumed_by_the_new_one(self):
        """The keys of tickets are made in memory, and handed over."""
        g = self.secure(self.origin())
        context = self.authority.client()
        with Client(g.address, tls=context) as c:
            c.get()
            session = c.socket.session
        g.upgrade()
        with Client(g.address, tls=context, session=session) as c:
            self.assertEqual(c.get().status, 200)
            self.assertTrue(c.socket.session_reused)


class Notified(Case):
    def test_the_service_manager_learns_of_the_new_main_process(self):
        """MAINPID of the old one comes before READY of the new one, which is not believed before."""
        path = os.path.join(self.directory, "notify.sock")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(path)
        s.settimeout(10)
        self.addCleanup(s.close)
        g = self.simple(self.origin(), environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"})
        told = lambda: next(m for m in iter(lambda: s.recv(4096).decode(), None) if not m.startswith("WATCHDOG"))  # noqa: E731
        self.assertIn("READY=1", told())
        g.upgrade()
        self.assertEqual(told(), f"MAINPID={g.process.pid}\n")
        self.assertEqual(told(), "READY=1\nSTATUS=generation 2, 1 tenants\n")
        self.assertEqual(s.recv(4096), b"WATCHDOG=1\n")
        self.assertEqual(g.before[0].wait(15), 0)


class Moving(MoveCase):
    def test_a_move_that_holds_requests_comes_first(self):
        """What is held can't be handed over; what was moved is where it was moved to."""
        g = self.begin()
        move = self.admin.move(confirm=True)
        self.admin.until(move, "holding")
        g.signal(signal.SIGUSR2)
        g.log.wait(r"upgrade failed, process \d+ goes on: a move of a tenant holds requests")
        self.admin.call("POST", f"/v1/moves/{move['id']}:confirm")
        self.assertEqual(self.admin.end(move)["state"], "done")
        g.upgrade()
        self.assertEqual(self.placement(), ("two", 1))
        self.assertEqual(self.admin.get(f"/v1/moves/{move['id']}")["state"], "done")


class Failing(Case):
    def failing(self, g, pattern):
        seen = len(g.log.lines)
        g.signal(signal.SIGUSR2)
        _, match = g.log.wait(r"upgrade failed, process \d+ goes on: (.*)", after=seen)
        self.assertRegex(match[1], pattern)
        self.assertEqual(get(g.address).status, 200)
        return seen

    def fake(self, text):
        path = os.path.join(self.directory, "fake")
        with open(path, "w") as file:
            file.write("#!/bin/sh\n" + text + "\n")
        os.chmod(path, 0o755)
        return path

    def test_a_bad_configuration(self):
        state = os.path.join(self.directory, "state")
        sock = os.path.join(self.directory, "admin.sock")
        g = self.simple(self.origin(), parts=[f"state {state}", "tenants store", f"admin unix:{sock}"])
        good = g.read("proxy.conf").decode()
        g.write("proxy.conf", good + "nonsense here\n")
        with g.client() as kept:
            kept.get()
            run = g.command("upgrade", "--socket", sock)
            self.assertEqual(run.returncode, 1)
            self.assertIn("'nonsense' is not a directive", run.stderr)
            self.assertEqual(kept.get().status, 200)
        g.write("proxy.conf", good)
        self.assertEqual(g.admin("PUT", "/v1/tenants/new", {"home": "one", "hosts": ["new.example"]}).status, 201)
        m = g.metrics()
        self.assertEqual([m.value("gatehouse_upgrades_total", result=r) for r in ("done", "failed")], [0, 1])
        g.upgrade()
        self.assertEqual(get(g.address, host="new.example").status, 200)
        m = g.metrics()
        self.assertEqual([m.value("gatehouse_upgrades_total", result=r) for r in ("done", "failed")], [1, 1])

    def test_an_address_that_is_taken(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        g = self.simple(self.origin())
        g.write("proxy.conf", f"listen 127.0.0.1:{taken.getsockname()[1]}\n" + g.read("proxy.conf").decode())
        self.failing(g, "can't listen on .* in use")

    def test_one_that_ends(self):
        g = self.simple(self.origin(), environment={"GATEHOUSE_BINARY": self.fake("exit 3")})
        self.failing(g, r"ended before it could serve \(exit status 3\)")

    def test_one_that_is_not_there(self):
        g = self.simple(self.origin(), environment={"GATEHOUSE_BINARY": "/nowhere/gatehouse"})
        self.failing(g, "/nowhere/gatehouse can't be run: No such file")

    def test_one_that_hangs_and_what_comes_meanwhile(self):
        """A second USR2 is refused; the wait has an end; TERM ends it at once."""
        g = self.simple(self.origin(), environment={"GATEHOUSE_BINARY": self.fake("exec sleep 600")})
        g.signal(signal.SIGUSR2)
        g.log.wait("upgrade: starting")
        self.assertEqual(get(g.address).status, 200)
        time.sleep(0.1)
        g.signal(signal.SIGUSR2)
        g.log.wait("USR2: an upgrade is under way")
        g.log.wait(r"upgrade failed, process \d+ goes on: the new process did not take the sockets within 10 s")
        seen = len(g.log.lines)
        g.signal(signal.SIGUSR2)
        g.log.wait("upgrade: starting", after=seen)
        g.signal(signal.SIGTERM)
        self.assertEqual(g.wait_end(), 0)


class Replaced(Case):
    def test_the_file_that_stands_in_its_place_is_started(self):
        path = os.path.join(self.directory, "gatehouse")
        shutil.copy(binary(), path)
        os.environ["GATEHOUSE"], before = path, os.environ.get("GATEHOUSE")
        try:
            g = self.simple(self.origin())
        finally:
            os.environ.pop("GATEHOUSE")
            if before:
                os.environ["GATEHOUSE"] = before
        shutil.copy(binary(), path + ".new")
        os.replace(path + ".new", path)
        g.upgrade()
        self.assertEqual(os.readlink(f"/proc/{g.process.pid}/exe"), path)


class Activation(Case):
    def test_sockets_of_a_service_manager_are_taken(self):
        """What systemd does with a .socket unit, done here: the sockets stay open, whoever comes early waits."""
        first, admin = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
        self.addCleanup(first.close)
        self.addCleanup(admin.close)
        path = os.path.join(self.directory, "admin.sock")
        admin.bind(path)
        admin.listen()
        address = "127.0.0.1:%d" % first.getsockname()[1]
        early = Client(address).request()
        script = "import os, sys\n" \
                 "for n, f in enumerate(map(int, sys.argv[2].split(','))): os.dup2(f, 50 + n)\n" \
                 "for n in range(2): os.dup2(50 + n, 3 + n, inheritable=True)\n" \
                 "os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid()))\n" \
                 "os.execv(sys.argv[1], sys.argv[1:2] + sys.argv[3:])\n"
        text = conf(f"admin unix:{path}", shard("one", self.origin()), tenant("acme", home="one"), listen=(address,))
        g = self.activated(text, script, [first, admin])
        self.assertEqual(early.final().status, 200)
        self.assertEqual(g.address, address)
        self.assertEqual(g.admin("GET", "/v1/status", address=f"unix:{path}").status, 200)
        g.upgrade()
        self.assertEqual(get(address).status, 200)
        g.stop()
        # They are not this process's to remove; whoever comes now waits for the next one.
        self.assertTrue(os.path.exists(path))
        late = Client(address).request()
        g = self.activated(text, script, [first, admin])
        self.assertEqual(late.final().status, 200)

    def activated(self, text, script, sockets):
        numbers = [s.fileno() for s in sockets]
        popen = subprocess.Popen

        def start(command, **keywords):
            return popen([sys.executable, "-c", script, command[0], ",".join(map(str, numbers)), *command[1:]], pass_fds=numbers,
                         **keywords)
        module.subprocess.Popen = start
        try:
            return self.gate(text)
        finally:
            module.subprocess.Popen = popen
