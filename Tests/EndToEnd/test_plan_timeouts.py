"""Timeouts that a plan has of its own, shorter or longer than those of all."""
import socket
import time

from harness import Case, conf, get, shard, tenant
from harness.settings import BOTH, block


class PlanTimeouts(Case):
    def proxy(self, answer, step, short, all_, long, **keywords):
        self.o = self.origin(answer)
        plans = [block("plan short", f"timeout {step} {short}"), block("plan long", f"timeout {step} {long}"), block("plan none")]
        tenants = [tenant(name, f"plan {name}") for name in ("short", "long", "none")]
        return self.gate(conf(block("timeouts", f"{step} {all_}"), *plans, *tenants, tenant("acme"), shard("one", self.o), **keywords))

    def taking(self, seconds):
        def answer(x):
            x.read_body()
            time.sleep(seconds)
            try:
                x.reply(200, "late")
            except (OSError, EOFError):
                pass
        return answer

    def test_until_the_response(self):
        g = self.proxy(self.taking(0.5), "response", "100ms", "250ms", "10s", listen=(BOTH,))
        with g.frames() as f:
            for ask in (lambda t: get(g.address, host=t), lambda t: f.get(host=t)):
                begun = time.monotonic()
                self.assertEqual(ask("short.example").status, 504)
                self.assertGreater(time.monotonic() - begun, 0.09)
                self.assertEqual([ask(f"{t}.example").status for t in ("none", "acme", "long")], [504, 504, 200])

    def test_paths_of_a_plan(self):
        o = self.origin(self.taking(0.5))
        lines = ["timeout response 100ms", "timeout response 10s path /reports", "timeout response 200ms path /reports/short"]
        g = self.gate(conf(block("plan p", *lines), tenant("acme", "plan p"), tenant("globex"), shard("one", o)))
        for path, status in (("/", 504), ("/reports", 200), ("/reports/x?y", 200), ("/reportsx", 504), ("/%72eports//x", 200),
                             ("/reports/short/x", 504)):
            self.assertEqual(get(g.address, path, host="acme.example").status, status, path)
        self.assertEqual(get(g.address, host="globex.example").status, 200)

    def test_behind_a_body(self):
        g = self.proxy(self.taking(0.5), "response", "100ms", "250ms", "10s")
        for name, status in (("short", 504), ("none", 504), ("long", 200)):
            with g.client() as c:
                self.assertEqual(c.request("POST", host=f"{name}.example", body=b"x" * 100_000).final().status, status)

    def test_between_two_pieces(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha")
            time.sleep(0.5)
            try:
                x.send("lf")
            except (OSError, EOFError):
                pass
        g = self.proxy(answer, "idle", "100ms", "250ms", "10s")
        self.assertEqual(get(g.address, host="long.example").body, b"half")
        for name in ("short", "none", "acme"):
            with self.assertRaises((EOFError, ConnectionError)):
                get(g.address, host=f"{name}.example")

    def test_until_a_backend_accepts(self):
        """A listener whose queue is full answers no SYN: the connection hangs."""
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        fillers = []
        for _ in range(4):
            f = socket.socket()
            f.setblocking(False)
            f.connect_ex(s.getsockname())
            fillers.append(f)
        g = self.gate(conf(shard("one", f"127.0.0.1:{s.getsockname()[1]}"), block("timeouts", "connect 20s"),
                           block("plan short", "timeout connect 200ms"), tenant("acme", "plan short")))
        begun = time.monotonic()
        self.assert_refused(get(g.address), 502, "connect_failed")
        self.assertTrue(0.15 < time.monotonic() - begun < 10)
        for f in fillers + [s]:
            f.close()

    def test_a_reload_changes_them(self):
        g = self.proxy(self.taking(0.3), "response", "100ms", "10s", "10s")
        self.assertEqual(get(g.address, host="short.example").status, 504)
        g.reload(g.read("proxy.conf").decode().replace("timeout response 100ms", "timeout response 5s"))
        self.assertEqual(get(g.address, host="short.example").status, 200)
