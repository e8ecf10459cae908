"""Reloads, drains, kills, restarts: what happens to the requests meanwhile."""
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import Case, Client, conf, eventually, get, shard, tenant
from harness.gate import ROOT

BROKEN = "listen 127.0.0.1:0\nnonsense here\n"


class Load:
    """A few clients on connections that live on; every trouble they meet is kept."""

    def __init__(self, address, count=4, host="acme.example", body=None):
        self.address, self.host, self.body = address, host, body
        self.done, self.troubles, self.worst = 0, [], 0.0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]
        for t in self._threads:
            t.start()

    def _run(self):
        c = None
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                c = c or Client(self.address)
                r = c.request("POST" if self.body else "GET", host=self.host, body=self.body).final()
                if r.status != 200:
                    self.troubles.append(r)
            except Exception as e:  # noqa: BLE001
                self.troubles.append(e)
                c = None
                self._stop.wait(0.01)
            self.worst = max(self.worst, time.monotonic() - began)
            self.done += 1
        if c:
            c.close()

    def stop(self):
        self._stop.set()
        for t in self._threads:
            t.join(15)


class Reload(Case):
    def text(self, *more, origins=None):
        return conf(shard("one", *(origins or self.origins)), tenant("acme", home="one"), *more)

    def setUp(self):
        super().setUp()
        self.origins = [self.origin(name=n) for n in "ab"]

    def test_under_load_nothing_is_lost(self):
        """Good and bad configurations in turn; no error, no closed connection."""
        g = self.gate(self.text())
        load = Load(g.address)
        eventually(lambda: load.done > 50)
        for i in range(6):
            g.reload(self.text(tenant(f"extra{i}", home="one")))
            g.reload(BROKEN, refused=True)
            seen = load.done
            eventually(lambda: load.done > seen + 20)
        load.stop()
        self.assertEqual(load.troubles, [])
        self.assertLess(load.worst, 1)

    def test_new_tenants_serve_and_old_ones_stop(self):
        g = self.gate(self.text())
        with g.client() as c:
            self.assertEqual(c.get(host="new.example").status, 404)
            g.reload(self.text(tenant("new", home="one")))
            self.assertEqual(c.get(host="new.example").status, 200)
            g.reload(self.text())
            self.assertEqual(c.get(host="new.example").status, 404)
            self.assertEqual(c.get().status, 200)

    def test_a_bad_one_is_refused_with_its_diagnostics(self):
        g = self.gate(self.text())
        said = g.reload(self.text().replace("backend", "bakend", 1), refused=True)
        self.assertRegex(said, r"proxy\.conf:\d+:\d+: error: 'bakend' is not a directive of 'shard'")
        self.assertIn("generation 1 stays", said)
        m = g.metrics()
        self.assertEqual((m.value("gatehouse_config_last_reload_successful"), m.value("gatehouse_config_generation")), (0, 1))
        self.assertEqual(get(g.address).status, 200)
        g.reload(self.text())
        m = g.metrics()
        self.assertEqual((m.value("gatehouse_config_last_reload_successful"), m.value("gatehouse_config_generation")), (1, 2))

    def test_a_file_that_is_gone_is_refused_too(self):
        g = self.gate(self.text())
        os.unlink(g.config_path)
        g.reload(refused=True)
        self.assertEqual(get(g.address).status, 200)

    def test_listeners_come_and_go(self):
        g = self.gate(self.text())
        path = os.path.join(self.directory, "second.sock")
        g.reload(self.text(f"listen unix:{path}"))
        self.assertEqual(get(f"unix:{path}").status, 200)
        g.reload(self.text())

        def refused():
            try:
                get(f"unix:{path}")
                return False
            except (OSError, EOFError):
                return True
        eventually(refused, "the second listener is gone")
        self.assertEqual(get(g.address).status, 200)

    def test_backends_come_and_go(self):
        a, b = self.origins
        g = self.gate(self.text(origins=[a]))
        self.assertEqual(get(g.address).body, b"a")
        g.reload(self.text(origins=[b]))
        self.assertEqual({get(g.address).body for _ in range(5)}, {b"b"})
        self.assertTrue(all(c.closed_by_peer.wait(10) for c in a.used_connections), "connections to a backend that is gone stay open")

    def test_included_files_are_read_again(self):
        where = os.path.join(self.directory, "included")
        os.mkdir(where)
        path = os.path.join(where, "one.conf")
        with open(path, "w") as file:
            file.write(tenant("extra", home="one") + "\n")
        g = self.gate(self.text(f"include {where}/*.conf"))
        self.assertEqual(get(g.address, host="extra.example").status, 200)
        with open(path, "w") as file:
            file.write(tenant("other", home="one") + "\n")
        g.reload()
        self.assertEqual([get(g.address, host=f"{n}.example").status for n in ("extra", "other")], [404, 200])

    def test_many_reloads_leave_nothing_behind(self):
        g = self.gate(self.text())
        get(g.address)
        for _ in range(5):
            g.reload()
        descriptors, memory = g.open_descriptors(), g.memory()
        for _ in range(40):
            g.reload()
        self.assertLessEqual(g.open_descriptors(), descriptors + 2)
        self.assertLess(g.memory() - memory, 16 << 20)

    def test_a_flood_of_hups_ends_in_the_last_configuration(self):
        g = self.gate(self.text())
        g.write("proxy.conf", self.text(tenant("new", home="one")))
        for _ in range(50):
            g.signal(signal.SIGHUP)
        eventually(lambda: get(g.address, host="new.example").status == 200)


class Drain(Case):
    def setUp(self):
        super().setUp()
        self.go = threading.Event()
        self.addCleanup(self.go.set)

        def answer(x):
            x.read_body()
            self.go.wait(15)
            x.reply(200, "finished")
        self.o = self.origin(answer)

    def test_term_finishes_what_is_in_flight_and_takes_nothing_new(self):
        g = self.simple(self.o)
        c, idle = g.client(), g.client()
        c.request()
        self.o.wait(1)
        g.signal(signal.SIGTERM)
        g.log.wait(r"(^|\s)draining$")

        def refused():
            try:
                with g.client(timeout=2) as extra:
                    return extra.is_closed()
            except OSError:
                return True
        eventually(refused, "new connections are refused")
        self.assertTrue(idle.is_closed(), "an idle connection stays open")
        self.go.set()
        r = c.final()
        self.assertEqual(r.body, b"finished")
        self.assertEqual((r.field("connection") or "").lower(), "close")
        self.assertEqual(g.wait_end(), 0)
        g.log.wait(r"(^|\s)stopped$")

    def test_int_does_the_same(self):
        g = self.simple(self.origin())
        get(g.address)
        g.signal(signal.SIGINT)
        self.assertEqual(g.wait_end(), 0)

    def test_a_second_term_stops_at_once(self):
        g = self.simple(self.o, drain="60s")
        c = g.client().request()
        self.o.wait(1)
        g.signal(signal.SIGTERM)
        g.log.wait(r"(^|\s)draining$")
        g.signal(signal.SIGTERM)
        self.assertEqual(g.wait_end(5), 0)
        c.close()

    def test_the_drain_time_is_an_end(self):
        g = self.simple(self.o, drain="500ms")
        c = g.client().request()
        self.o.wait(1)
        began = time.monotonic()
        g.signal(signal.SIGTERM)
        self.assertEqual(g.wait_end(6), 0)
        self.assertGreater(time.monotonic() - began, 0.3)
        c.close()

    def test_a_start_that_fails_leaves_no_socket_file(self):
        path = os.path.join(self.directory, "early.sock")
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        parts = [shard("one", "127.0.0.1:1")]
        for text in (conf(*parts, listen=(f"unix:{path}", busy)), conf(*parts, listen=(f"unix:{path}",), metrics=busy),
                     conf(*parts, listen=(f"unix:{path}",)).replace("access-log access.log", "access-log nowhere/access.log")):
            g = self.gate(text, wait=False, may_fail=True)
            self.assertEqual(g.wait_end(), 1, text)
            self.assertFalse(os.path.exists(path), text)
        # One that another process listens on stays.
        other = self.simple(self.origin(), listen=(f"unix:{path}",))
        self.assertEqual(self.gate(conf(*parts, listen=(f"unix:{path}",)), wait=False, may_fail=True).wait_end(), 1)
        self.assertEqual(get(other.address).status, 200)

    def test_a_unix_socket_file_is_removed(self):
        path = os.path.join(self.directory, "front.sock")
        g = self.simple(self.origin(), listen=(f"unix:{path}",))
        g.stop()
        self.assertFalse(os.path.exists(path))


class Restart(Case):
    def test_after_kill_9_it_starts_again_on_the_same_port(self):
        o = self.origin()
        g = self.simple(o, may_fail=True)
        address = g.address
        c = g.client()
        c.get()
        g.kill()
        again = self.simple(o, listen=(address,), after=g)
        self.assertEqual(again.address, address)
        self.assertEqual(get(address).status, 200)

    def test_an_address_in_use_is_said_and_ends_with_1(self):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        self.addCleanup(s.close)
        address = "127.0.0.1:%d" % s.getsockname()[1]
        g = self.simple(self.origin(), listen=(address,), wait=False, may_fail=True)
        self.assertEqual(g.wait_end(), 1)
        g.log.wait(f"{address}.*in use")

    def test_a_metrics_address_in_use_too(self):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        self.addCleanup(s.close)
        g = self.simple(self.origin(), metrics="127.0.0.1:%d" % s.getsockname()[1], wait=False, may_fail=True)
        self.assertEqual(g.wait_end(), 1)

    def test_a_bad_configuration_is_said_and_ends_with_1(self):
        g = self.gate(BROKEN, wait=False, may_fail=True)
        self.assertEqual(g.wait_end(), 1)
        g.log.wait(r"proxy\.conf:2:1: error: 'nonsense' is not a directive")


class Systemd(Case):
    def test_the_notify_protocol_is_spoken(self):
        path = os.path.join(self.directory, "notify.sock")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(path)
        s.settimeout(10)
        self.addCleanup(s.close)

        def told():
            return dict(line.split("=", 1) for line in s.recv(4096).decode().splitlines())

        def wait_for(key):
            while True:
                message = told()
                if key in message:
                    return message
        g = self.simple(self.origin(), environment={"NOTIFY_SOCKET": path})
        self.assertEqual(wait_for("READY"), {"READY": "1", "STATUS": "generation 1, 1 tenants"})
        before = time.monotonic_ns() // 1000
        g.reload()
        reloading = wait_for("RELOADING")
        self.assertEqual(reloading["RELOADING"], "1")
        self.assertTrue(before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000, reloading)
        self.assertEqual(wait_for("READY"), {"READY": "1", "STATUS": "generation 2, 1 tenants"})
        good = g.read("proxy.conf").decode()
        g.reload(BROKEN, refused=True)
        wait_for("RELOADING")
        self.assertEqual(wait_for("READY"), {"READY": "1", "STATUS": "generation 2, 1 tenants, the last reload was refused"})
        g.reload(good)
        wait_for("RELOADING")
        self.assertEqual(wait_for("READY"), {"READY": "1", "STATUS": "generation 3, 1 tenants"})
        g.signal(signal.SIGTERM)
        self.assertEqual(wait_for("STOPPING")["STOPPING"], "1")

    def test_the_unit_files_are_sound(self):
        if not shutil.which("systemd-analyze"):
            raise unittest.SkipTest("systemd-analyze is not installed")
        paths = []
        for name in ("gatehouse.service", "gatehouse.socket"):
            with open(os.path.join(ROOT, "deploy", name)) as file:
                text = file.read()
            paths.append(os.path.join(self.directory, name))
            with open(paths[-1], "w") as file:
                file.write(text.replace("/usr/local/bin/gatehouse", "/bin/true"))
        run = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
