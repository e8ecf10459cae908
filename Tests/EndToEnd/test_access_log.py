"""The access log: what a line holds, three formats, nothing that a client sends breaks it, rotation."""
import json
import os
import re
import signal

from harness import Case, conf, eventually, get, shard, tenant

ORDER = """time request_id tenant tenant_source plan shard epoch backend client method host path protocol status code bytes_in bytes_out
duration_ms queue_ms connect_ms first_byte_ms attempts limit affinity user_agent referer""".split()


class JSONLines(Case):
    def test_a_line_says_all_that_is_known(self):
        o = self.origin(lambda x: x.reply(201, "made", reason="Created"))
        g = self.gate(conf("plan gold {\n  requests 100/s burst 100\n}", shard("one", o, lines=["sticky cookie S for 1h"]),
                           tenant("acme", "plan gold", home="one")))
        with g.client() as c:
            c.request("POST", "/orders?id=1", fields=[("User-Agent", "test/1"), ("Referer", "http://ref.example/")], body=b"x" * 10).final()
        r = eventually(lambda: g.records())[0]
        want = {"tenant": "acme", "tenant_source": "host", "plan": "gold", "shard": "one", "backend": o.address, "method": "POST",
                "host": "acme.example", "status": 201, "attempts": 1, "affinity": "bound", "user_agent": "test/1",
                "referer": "http://ref.example/", "protocol": "HTTP/1.1"}
        self.assertEqual({k: r.get(k) for k in want}, want)
        self.assertTrue(r["path"].startswith("/orders"))
        self.assertTrue(r["client"].startswith("127.0.0.1"))
        self.assertRegex(r["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(r["request_id"], o.last.field("x-request-id"))
        self.assertEqual(str(r["epoch"]), o.last.field("x-placement-epoch"))
        self.assertGreater(r["bytes_in"], 10)
        self.assertGreater(r["bytes_out"], 4)
        for name in ("duration_ms", "connect_ms", "first_byte_ms"):
            self.assertTrue(0 <= r[name] < 5000, name)
        self.assertNotIn("code", r)
        self.assertNotIn("limit", r)

    def test_members_come_in_order_and_absent_ones_are_left_out(self):
        g = self.simple(self.origin())
        with g.client() as c:
            c.get()
            c.get()
            c.get(host="nobody.example")
        records = eventually(lambda: len(g.records()) == 3 and g.records())
        for r in records:
            self.assertEqual(list(r), [n for n in ORDER if n in r])
            self.assertNotIn(None, r.values())
            self.assertNotIn("", r.values())
        self.assertIn("connect_ms", records[0])
        self.assertNotIn("connect_ms", records[1], "a pooled connection was not connected")
        self.assertNotIn("tenant", records[2])
        self.assertEqual((records[2]["status"], records[2]["code"]), (404, "tenant_unknown"))

    def test_a_malformed_request_is_one_line(self):
        g = self.simple(self.origin())
        with g.client() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: acme.example\r\nBad Name: x\r\n\r\n").response()
        get(g.address)
        records = eventually(lambda: len(g.records()) == 2 and g.records())
        self.assertEqual((records[0]["status"], records[0]["code"]), (400, "bad_request"))

    def test_a_client_that_left_is_one_line(self):
        o = self.origin(lambda x: x.wait_gone(15))
        g = self.simple(o)
        c = g.client().request()
        o.wait(1)
        c.reset()
        r = eventually(lambda: g.records())[0]
        self.assertEqual((r["tenant"], r["method"], r["backend"]), ("acme", "GET", o.address))

    def test_nothing_a_client_sends_breaks_a_line(self):
        g = self.simple(self.origin())
        evil = ['"quoted" \\ back', "tab\there", "caf\xe9", "\xff\xfe", "</script>", "a" * 12_000, "{\"tenant\":\"x\"}", "\x80\x81"]
        with g.client() as c:
            for text in evil:
                c.get(fields=[("User-Agent", text), ("Referer", text)])
        lines = eventually(lambda: g.read("access.log").count(b"\n") == len(evil) and g.read("access.log").split(b"\n")[:-1])
        for text, line in zip(evil, lines):
            self.assertFalse([b for b in line if b < 0x20 or b == 0x7F], line[:200])
            r = json.loads(line.decode("utf-8"))
            self.assertEqual(r["tenant"], "acme")
            self.assertLess(len(line), 12_000, "lengths are capped")
            if text.isascii() and len(text) < 100:
                self.assertEqual(r["user_agent"], text)

    def test_no_cookie_or_authorization_is_logged(self):
        g = self.simple(self.origin())
        with g.client() as c:
            c.get(fields=[("Authorization", "Bearer hush"), ("Cookie", "secret=hush")])
        eventually(lambda: g.records())
        self.assertNotIn(b"hush", g.read("access.log"))


class OtherFormats(Case):
    def test_combined_is_what_nginx_writes(self):
        g = self.simple(self.origin(lambda x: x.reply(200, "12345")), log="combined")
        with g.client() as c:
            c.get("/a?b", fields=[("User-Agent", 'x"y'), ("Referer", "http://r/")])
            c.get("/plain")
        first, second = eventually(lambda: g.read("access.log").count(b"\n") == 2 and g.read("access.log").decode().splitlines())
        shape = r'^127\.0\.0\.1 - (\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET (\S+) HTTP/1\.1" 200 (\d+) "([^"]*)" "([^"]*)"$'
        m = re.match(shape, first)
        self.assertTrue(m, first)
        self.assertEqual((m[2], m[4]), ("/a?b", "http://r/"))
        self.assertTrue(re.match(shape, second), second)
        self.assertTrue(second.endswith('"-" "-"'), second)

    def test_logfmt_is_key_value(self):
        g = self.simple(self.origin(), log="logfmt")
        with g.client() as c:
            c.get("/a b".replace(" ", "%20"), fields=[("User-Agent", 'two words "x"')])
        line = eventually(lambda: g.read("access.log").decode()).rstrip("\n")
        pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line)
        self.assertEqual(" ".join(f"{k}={v}" for k, v in pairs), line)
        self.assertEqual([k for k, _ in pairs], [n for n in ORDER if n in dict(pairs)])
        self.assertEqual((dict(pairs)["tenant"], dict(pairs)["status"]), ("acme", "200"))
        self.assertEqual(dict(pairs)["user_agent"], r'"two words \"x\""')

    def test_stdout(self):
        o = self.origin()
        text = conf(shard("one", o), tenant("acme", home="one"), log=None).replace("access-log off", "access-log stdout {\n  format json\n}")
        g = self.gate(text)
        get(g.address)
        _, line = g.output.wait(r"^\{.*\}$")
        self.assertEqual(json.loads(line[0])["tenant"], "acme")

    def test_off(self):
        g = self.simple(self.origin(), log=None)
        get(g.address)
        g.stop()
        self.assertEqual([f for f in os.listdir(g.directory) if "log" in f], [])
        self.assertNotIn("acme.example", g.output.text())


class Rotation(Case):
    def test_usr1_opens_a_new_file_and_loses_no_line(self):
        g = self.simple(self.origin())
        for turn in range(3):
            for _ in range(5):
                get(g.address)
            eventually(lambda: len(g.records()) == 5, "five lines")
            os.rename(os.path.join(g.directory, "access.log"), os.path.join(g.directory, f"access.log.{turn}"))
            g.signal(signal.SIGUSR1)
            eventually(lambda: os.path.exists(os.path.join(g.directory, "access.log")), "a new file")
        get(g.address)
        eventually(lambda: len(g.records()) == 1)
        self.assertEqual([len(g.records(f"access.log.{n}")) for n in range(3)], [5, 5, 5])

    def test_a_stop_writes_what_is_left(self):
        g = self.simple(self.origin())
        with g.client() as c:
            for _ in range(100):
                c.get()
        g.stop()
        self.assertEqual(len(g.records()), 100)

    def test_a_log_that_cannot_be_written_is_no_matter_to_clients(self):
        text = conf(shard("one", self.origin()), tenant("acme", home="one"), log=None).replace("access-log off", "access-log /dev/full {\n  format json\n}")
        g = self.gate(text)
        with g.client() as c:
            for _ in range(50):
                self.assertEqual(c.get().status, 200)
