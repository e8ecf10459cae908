"""HTTP/2 over TLS to backends: agreed on by ALPN, verified, resumed."""
import os
import ssl

from harness import HTTP2, Authority, Case, FramesOrigin, eventually
from harness.frames import GOAWAY, frame


class SecureStreams(Case):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.certificate = self.authority.issue("backend", "orders.internal", ip="127.0.0.1")

    def secure(self, answer=None, alpn=("h2",), certificate=None, **keywords):
        o = FramesOrigin(answer, tls=self.authority.server(certificate or self.certificate, alpn=alpn), **keywords)
        self._origins.append(o)
        return o

    def front(self, *origins, tls=None, lines=(), **keywords):
        block = "tls {\n" + "\n".join(f"  {line}" for line in (tls if tls is not None else [f"ca {self.authority.path}"])) + "\n}"
        keywords.setdefault("workers", 1)
        return self.simple(*origins, lines=["protocol h2", block, *lines], listen=["127.0.0.1:0", HTTP2], **keywords)

    def test_anything_gets_through_at_all(self):
        o = self.secure(lambda x: x.reply(200, x.body or "hello", trailers=[("sum", "1")]))
        g = self.front(o)
        with g.client() as c, g.frames(g.addresses[1]) as d:
            for size in (0, 1, 16_385, 1_000_000):
                body = os.urandom(size)
                for r in (c.request("POST", body=body).final(), d.final(d.request("POST", body=body))):
                    self.assertEqual((r.status, r.body, [(k.lower(), v) for k, v in r.trailers]), (200, body or b"hello", [("sum", "1")]))
        self.assertEqual((len(o.connections), o.last.field(":scheme"), o.last.field("x-tenant-id")), (1, "https", "acme"))
        self.assertEqual((o.connections[0].socket.selected_alpn_protocol(), o.connections[0].socket.version()), ("h2", "TLSv1.3"))

    def test_many_share_a_connection(self):
        o = self.secure(lambda x: o.wait(50) and x.reply(200, x.field(":path")))
        g = self.front(o)
        with g.frames(g.addresses[1]) as c:
            streams = [c.request(target=f"/{i}") for i in range(50)]
            self.assertEqual([c.final(s).body for s in streams], [f"/{i}".encode() for i in range(50)])
        self.assertEqual(len(o.connections), 1)

    def test_who_does_not_agree_on_it_is_not_spoken_to(self):
        for alpn in (["http/1.1"], None):
            o = self.secure(alpn=alpn)
            g = self.front(o)
            with g.client() as c, g.frames(g.addresses[1]) as d:
                self.assert_refused(c.get(), 502, "connect_failed")
                self.assert_refused(d.final(d.request("POST", body=b"x")), 502, "connect_failed")
            self.assertEqual(o.calls, [])
            eventually(lambda: g.metrics().value("gatehouse_upstream_connections") == 0)

    def test_who_is_not_trusted_is_not_spoken_to(self):
        stranger = Authority(self.directory, "stranger")
        for tls in ([f"ca {stranger.path}"], [f"ca {self.authority.path}", "name other.internal"], []):
            o = self.secure()
            g = self.front(o, tls=tls)
            with g.client() as c:
                self.assert_refused(c.get(), 502, "connect_failed")
            self.assertEqual(o.calls, [])
        for tls in (["verify off"], [f"ca {self.authority.path}", "name orders.internal"]):
            with self.front(self.secure(), tls=tls).client() as c:
                self.assertEqual(c.get().status, 200)

    def test_a_good_one_beside_bad_ones_serves(self):
        foreign = Authority(self.directory, "stranger").issue("foreign", "foreign.internal")
        bad, worse, good = self.secure(alpn=["http/1.1"]), self.secure(certificate=foreign), self.secure()
        g = self.front(bad, worse, good, lines=["balance round-robin"])
        with g.client() as c:
            for _ in range(6):
                self.assertEqual(c.get().status, 200)
        self.assertEqual((bad.calls, worse.calls), ([], []))

    def test_what_we_are_shows_when_asked(self):
        own, key = self.authority.issue("gate", "gate.internal")
        o = self.secure()
        o.tls = self.authority.server(self.certificate, required=self.authority.path, alpn=["h2"])
        with self.front(o, tls=[f"ca {self.authority.path}", f"certificate {own} key {key}"]).client() as c:
            self.assertEqual(c.get().status, 200)
        self.assertEqual(o.connections[0].socket.getpeercert()["subject"][0][0][1], "gate.internal")

    def test_sessions_are_resumed(self):
        def answer(x):
            # The last stream of its connection: the next request needs another.
            x.connection.send(frame(GOAWAY, 0, 0, bytes([0, 0, 0, x.stream, 0, 0, 0, 0])))
            x.reply(200, str(x.connection.socket.session_reused))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            o = self.secure(answer)
            o.tls.minimum_version, o.tls.maximum_version = ssl.TLSVersion.TLSv1_2, version
            with self.front(o).client() as c:
                answers = [c.get().body for _ in range(4)]
            self.assertEqual((answers[0], len(o.connections)), (b"False", 4))
            self.assertIn(b"True", answers[1:], version)

    def test_a_connection_that_broke_is_replaced(self):
        o = self.secure()
        g = self.front(o)
        with g.client() as c:
            self.assertEqual(c.get().status, 200)
            o.connections[0].socket.shutdown(2)
            self.assertEqual([c.get().status for _ in range(3)], [200] * 3)
        self.assertEqual(len(o.connections), 2)

    def test_a_reload_that_changes_trust_drops_old_connections(self):
        o = self.secure()
        g = self.front(o)
        text = g.read("proxy.conf").decode()
        stranger = Authority(self.directory, "stranger")
        with g.client() as c:
            self.assertEqual(c.get().status, 200)
            g.reload(text.replace(self.authority.path, stranger.path))
            self.assertEqual(c.get().status, 502)
            g.reload(text)
            self.assertEqual(c.get().status, 200)
