"""Does anything get through at all, and by which doors?"""
import os
import socket
import subprocess
import unittest

from harness import Case, Client, FramesOrigin, conf, get, shard, tenant


class AnythingGetsThrough(Case):
    def test_a_get_reaches_the_origin_and_its_answer_comes_back(self):
        o = self.origin(lambda x: x.reply(200, "hello", [("X-From", "origin"), ("Content-Type", "text/plain")]))
        g = self.simple(o)
        r = get(g.address, "/a/b?c=d&e=%20")
        self.assertEqual((r.status, r.body, r.field("x-from")), (200, b"hello", "origin"))
        self.assertEqual(o.last.line, "GET /a/b?c=d&e=%20 HTTP/1.1")

    def test_host_and_unknown_fields_are_forwarded_as_received(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: ACME.Example:8080\r\nx-Odd_Name.1: a \t b\r\nX-Empty:\r\nX-High: \xe9\xff\r\n\r\n").final()
        self.assertIn(b"\r\nHost: ACME.Example:8080\r\n", o.received)
        self.assertEqual(o.last.field("x-odd_name.1"), "a \t b")
        self.assertEqual(o.last.field("x-empty"), "")
        self.assertEqual(o.last.field("x-high"), "\xe9\xff")

    def test_a_post_arrives_whole(self):
        o = self.origin(lambda x: x.reply(200, x.read_body()[::-1]))
        g = self.simple(o)
        body = os.urandom(300_000)
        with g.client() as c:
            self.assertEqual(c.request("POST", "/", body=body).final().body, body[::-1])

    def test_every_method_passes_as_it_came(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get"):
                self.assertEqual(c.request(method, body=b"" if method in ("POST", "PUT", "PATCH") else None).final().status, 200)
                self.assertEqual(o.last.method, method)
            self.assertEqual(c.request("OPTIONS", "*").final().status, 200)
            self.assertEqual(o.last.target, "*")

    def test_absolute_form_that_agrees_with_host_is_sent_on_in_origin_form(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            for target, path in (("http://acme.example/x?y", "/x?y"), ("http://acme.example", "/"), ("http://ACME.example/z", "/z"),
                                 ("http://acme.example?q=/x", "/?q=/x")):
                self.assertEqual(c.request("GET", target).final().status, 200, target)
                self.assertEqual(o.last.target, path)

    def test_an_authority_alone_is_the_server_as_a_whole_for_options(self):
        o = self.origin()
        g = self.simple(o)
        h = FramesOrigin()
        self._origins.append(h)
        for g, seen in ((g, lambda: o.last.target), (self.simple(h, lines=["protocol h2"]), lambda: h.last.field(":path"))):
            with g.client() as c:
                for method, target, path in (("OPTIONS", "http://acme.example", "*"), ("OPTIONS", "HTTP://ACME.example:80", "*"),
                                             ("OPTIONS", "http://acme.example/", "/"), ("OPTIONS", "http://acme.example?a", "/?a"),
                                             ("OPTIONS", "*", "*"), ("GET", "http://acme.example", "/"), ("options", "http://acme.example", "/")):
                    self.assertEqual(c.request(method, target).final().status, 200, target)
                    self.assertEqual(seen(), path, (method, target))

    def test_a_head_may_come_byte_by_byte(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            for byte in b"GET /slow HTTP/1.1\r\nHost: acme.example\r\nX-A: b\r\n\r\n":
                c.send(bytes([byte]))
            self.assertEqual(c.final().status, 200)
        self.assertEqual(o.last.target, "/slow")

    def test_curl_gets_through(self):
        o = self.origin(lambda x: x.reply(200, x.read_body() or b"empty"))
        g = self.simple(o)
        run = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "10", "-w", " %{http_code}", "-H", "Host: acme.example",
                              "-d", "spoon", f"http://{g.address}/"], capture_output=True, text=True)
        self.assertEqual(run.stdout, "spoon 200", run.stderr)

    def test_answers_with_many_cookies_keep_all_in_order(self):
        cookies = [("Set-Cookie", f"c{i}={i}") for i in range(20)]
        g = self.simple(self.origin(lambda x: x.reply(200, "x", cookies)))
        self.assertEqual(get(g.address).all("set-cookie"), [v for _, v in cookies])


class Doors(Case):
    def test_two_listeners_serve_the_same(self):
        g = self.simple(self.origin(), listen=("127.0.0.1:0", "127.0.0.2:0"))
        self.assertEqual(len(set(g.addresses)), 2)
        for address in g.addresses:
            self.assertEqual(get(address).status, 200)

    def test_ipv6_listener_and_ipv6_backend(self):
        try:
            o = self.origin(family=socket.AF_INET6)
        except OSError as e:
            raise unittest.SkipTest(f"no IPv6 loopback here: {e}")
        g = self.simple(o, listen=("[::1]:0",))
        self.assertTrue(g.address.startswith("[::1]:"), g.address)
        self.assertEqual(get(g.address).status, 200)
        self.assertEqual(o.last.field("x-forwarded-for"), "::1")

    def test_unix_listener_and_unix_backend(self):
        o = self.origin(path=os.path.join(self.directory, "origin.sock"))
        path = os.path.join(self.directory, "front.sock")
        g = self.simple(o, listen=(f"unix:{path}",))
        self.assertEqual(g.address, f"unix:{path}")
        self.assertEqual(get(g.address).status, 200)
        self.assertEqual(o.last.field("x-tenant-id"), "acme")

    def test_a_unix_listener_takes_the_place_of_a_dead_socket_file(self):
        path = os.path.join(self.directory, "front.sock")
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.close()
        g = self.simple(self.origin(), listen=(f"unix:{path}",))
        self.assertEqual(get(g.address).status, 200)

    def test_every_worker_serves(self):
        g = self.simple(self.origin(), workers=3)
        clients = [g.client() for _ in range(40)]
        for c in clients:
            self.assertEqual(c.get().status, 200)
        for c in clients:
            self.assertEqual(c.get().status, 200)
            c.close()

    def test_wrk_sees_no_error(self):
        import re
        g = self.simple(self.origin(), lines=["pool idle 64"])
        run = subprocess.run(["wrk", "-t1", "-c8", "-d1s", "-H", "Host: acme.example", f"http://{g.address}/"],
                             capture_output=True, text=True, timeout=30)
        self.assertRegex(run.stdout, r"\d+ requests in")
        self.assertNotRegex(run.stdout, r"Non-2xx|Socket errors", run.stdout)
        self.assertGreater(int(re.search(r"(\d+) requests in", run.stdout)[1]), 100)


class TenantsAreServedApart(Case):
    def test_two_tenants_reach_their_own_shards(self):
        a, b = self.origin(name="a"), self.origin(name="b")
        g = self.gate(conf(shard("one", a), shard("two", b), tenant("acme", home="one"), tenant("globex", home="two")))
        with Client(g.address) as c:
            for _ in range(5):
                self.assertEqual(c.get(host="acme.example").body, b"a")
                self.assertEqual(c.get(host="globex.example").body, b"b")
        self.assertEqual({x.field("x-tenant-id") for x in a.requests}, {"acme"})
        self.assertEqual({x.field("x-tenant-id") for x in b.requests}, {"globex"})
        self.assertEqual({x.field("x-placement-shard") for x in b.requests}, {"two"})
