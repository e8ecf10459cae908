"""TLS to the backends: who they must be, what breaks, what is resumed."""
import ssl

from harness import Authority, Case, Client, conf, eventually, get, shard, tenant


class BackendCase(Case):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.certificate = self.authority.issue("backend", "orders.internal", ip="127.0.0.1")

    def secure(self, answer=None, certificate=None, **keywords):
        return self.origin(answer, tls=self.authority.server(certificate or self.certificate, **keywords))

    def running(self, *origins, tls=None, lines=(), parts=()):
        block = "tls {\n" + "\n".join(f"  {line}" for line in (tls if tls is not None else [f"ca {self.authority.path}"])) + "\n}"
        return self.gate(conf(*parts, shard("one", *origins, lines=[block, *lines]), tenant("acme", home="one")))


class Trust(BackendCase):
    def test_a_backend_that_proves_its_address(self):
        o = self.secure()
        g = self.running(o)
        with Client(g.address) as c:
            for _ in range(3):
                self.assertEqual(c.get().body, b"origin")
        self.assertEqual(len(o.used_connections), 1, "connections are pooled")
        self.assertEqual(o.connections[0].socket.version(), "TLSv1.3")

    def test_a_name_is_asked_for_and_verified(self):
        asked = []
        o = self.secure()
        o.tls.sni_callback = lambda socket, name, context: asked.append(name)
        g = self.running(o, tls=[f"ca {self.authority.path}", "name orders.internal"])
        self.assertEqual(get(g.address).status, 200)
        self.assertEqual(asked, ["orders.internal"])

    def test_what_is_not_trusted_is_not_spoken_to(self):
        for tls in (["name other.internal", f"ca {self.authority.path}"], [], [f"ca {Authority(self.directory, 'stranger').path}"]):
            with self.subTest(tls):
                o = self.secure()
                g = self.running(o, tls=tls)
                self.assert_refused(get(g.address), 502, "connect_failed")
                self.assertEqual(o.requests, [])

    def test_an_address_that_the_certificate_does_not_name(self):
        o = self.secure(certificate=self.authority.issue("unnamed", "orders.internal"))
        self.assert_refused(get(self.running(o).address), 502, "connect_failed")

    def test_verify_off(self):
        o = self.secure(certificate=Authority(self.directory, "stranger").issue("x", "x.internal"))
        self.assertEqual(get(self.running(o, tls=["verify off"]).address).status, 200)

    def test_what_we_are_shows_when_asked(self):
        own, key = self.authority.issue("gate", "gate.internal")
        o = self.secure(required=self.authority.path)
        g = self.running(o, tls=[f"ca {self.authority.path}", f"certificate {own} key {key}"])
        self.assertEqual(get(g.address).status, 200)
        self.assertEqual(o.connections[0].socket.getpeercert()["subject"][0][0][1], "gate.internal")
        o = self.secure(required=self.authority.path)
        self.assertEqual(get(self.running(o).address).status, 502)

    def test_a_backend_in_clear_is_no_backend(self):
        o = self.origin()
        self.assert_refused(get(self.running(o).address), 502, "connect_failed")

    def test_a_good_one_beside_bad_ones_serves(self):
        bad = self.secure(certificate=Authority(self.directory, "stranger").issue("x", "x.internal"))
        good = self.secure()
        g = self.running(bad, good, lines=["balance round-robin"])
        for _ in range(4):
            self.assertEqual(get(g.address, "/").status, 200)
        self.assertEqual(bad.requests, [])

    def test_checks_speak_tls_too(self):
        good = self.secure()
        bad = self.secure(certificate=Authority(self.directory, "stranger").issue("x", "x.internal"))
        good.health = bad.health = True
        g = self.running(good, bad, lines=["health GET /healthz every 100ms timeout 2s rise 1 fall 1"])
        good.wait_health(2)
        eventually(lambda: g.metrics().value("gatehouse_backend_up", backend=bad.address) == 0)
        self.assertEqual(g.metrics().value("gatehouse_backend_up", backend=good.address), 1)

    def test_a_reload_that_changes_trust_drops_old_connections(self):
        o = self.secure()
        g = self.running(o)
        self.assertEqual(get(g.address).status, 200)
        stranger = Authority(self.directory, "stranger")
        g.reload(g.read("proxy.conf").decode().replace(self.authority.path, stranger.path))
        self.assertEqual(get(g.address).status, 502)
        g.reload(g.read("proxy.conf").decode().replace(stranger.path, self.authority.path))
        self.assertEqual(get(g.address).status, 200)


class Passing(BackendCase):
    def test_large_bodies_pass_both_ways(self):
        sent = bytes(range(256)) * 8_192
        g = self.running(self.secure(lambda x: x.reply(200, x.read_body())))
        with Client(g.address) as c:
            for size in (1, 16_384, 70_000, len(sent)):
                self.assertEqual(c.request("POST", body=sent[:size]).final().body, sent[:size])

    def test_a_body_that_the_connection_ends_needs_a_proper_end(self):
        def proper(x):
            x.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
            try:
                x.connection.socket.unwrap()
            except OSError:
                pass
            x.close()

        def cut(x):
            x.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of")
            x.close()
        self.assertEqual(get(self.running(self.secure(proper)).address).body, b"all of it")
        with Client(self.running(self.secure(cut)).address) as c:
            with self.assertRaises((EOFError, ConnectionError)):
                c.get()

    def test_sessions_are_resumed(self):
        o = self.secure(lambda x: x.reply(200, str(x.connection.socket.session_reused), [("Connection", "close")]))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            o.tls.minimum_version, o.tls.maximum_version = ssl.TLSVersion.TLSv1_2, version
            g = self.gate(conf(shard("one", o, lines=[f"tls {{\n  ca {self.authority.path}\n}}"]), tenant("acme", home="one"), workers=1))
            answers = [get(g.address).body for _ in range(4)]
            self.assertEqual(answers[0], b"False")
            self.assertIn(b"True", answers[1:], version)

    def test_a_stale_pooled_connection_is_replaced(self):
        o = self.secure()
        g = self.running(o)
        self.assertEqual(get(g.address).status, 200)
        o.drop_connections()
        self.assertEqual(get(g.address).status, 200)
        self.assertEqual(Client(g.address).request("POST", body=b"x").final().status, 200)

    def test_tls_on_both_sides(self):
        o = self.secure(lambda x: x.reply(200, x.read_body()))
        certificate, key = self.authority.issue("acme", "acme.example")
        block = f"tls {{\n  ca {self.authority.path}\n}}"
        g = self.gate(conf(shard("one", o, lines=[block]), tenant("acme", home="one"),
                           listen=(f"127.0.0.1:0 {{\n  certificate {certificate} key {key}\n}}",)))
        sent = bytes(range(256)) * 4_096
        with Client(g.address, tls=self.authority.client()) as c:
            for _ in range(3):
                self.assertEqual(c.request("POST", body=sent).final().body, sent)
