"""What browsers are told of TLS, and who is let in where HTTP/2 alone is spoken."""
import ssl
import struct

from harness import Client, Frames, conf, eventually, shard, tenant
from harness.client import dial
from test_tls import TLSCase

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class StrictTransport(TLSCase):
    FIELD = "strict-transport-security"

    def answer(self, x):
        own = {"/own": [("Strict-Transport-Security", "max-age=7")], "/cased": [("STRICT-transport-SECURITY", "max-age=8")]}
        if x.target == "/early":
            x.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        x.reply(200, b"fine", fields=own.get(x.target, []))

    def test_all_answers_tell(self):
        g = self.secure(self.origin(self.answer), block=["hsts 365d include-subdomains preload", "protocols h2 http/1.1"])
        expected = "max-age=31536000; includeSubDomains; preload"
        with self.client(g) as c:
            for target, value in (("/", expected), ("/own", "max-age=7"), ("/cased", "max-age=8")):
                self.assertEqual(c.get(target).field(self.FIELD), value)
            self.assertEqual(c.request("HEAD").final("HEAD").field(self.FIELD), expected)
            r = c.get(host="none.example")
            self.assertEqual((r.status, r.field(self.FIELD)), (404, expected))
            r = c.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").final()
            self.assertEqual((r.status, r.field(self.FIELD)), (400, expected))
        context = self.authority.client(alpn=["h2"])
        with Frames(g.address, socket=context.wrap_socket(dial(g.address, 10), server_hostname="acme.example")) as c:
            for target, value in (("/", expected), ("/own", "max-age=7"), ("/early", expected)):
                self.assertEqual(c.get(target).field(self.FIELD), value)
            r = c.final(c.request(host="none.example"))
            self.assertEqual((r.status, r.field(self.FIELD)), (404, expected))
            r = c.final(c.request("POST", host="none.example", fields=[("content-type", "application/grpc")]))
            self.assertEqual(r.field(self.FIELD), expected)

    def test_only_where_it_is_said(self):
        o = self.origin(self.answer)
        c, k = self.certificate
        listen = tuple(f"127.0.0.1:0 {{\n  certificate {c} key {k}\n{line}}}" for line in ("", "  hsts 0s\n")) + ("127.0.0.1:0",)
        g = self.gate(conf(shard("one", o), tenant("acme", home="one"), listen=listen))
        for place, value in enumerate((None, "max-age=0", None)):
            with Client(g.addresses[place], tls=self.authority.client() if place < 2 else None) as client:
                self.assertEqual(client.get().field(self.FIELD), value)
                self.assertEqual(client.get("/own").field(self.FIELD), "max-age=7")


class HTTP2Only(TLSCase):
    def test_who_agrees_on_nothing_is_refused(self):
        g = self.secure(self.origin(), block=["protocols h2"])
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for alpn in ((), ("http/1.1",)):
                with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
                    self.client(g, alpn=alpn, version=version)
            with self.client(g, alpn=("h2",), version=version) as c:
                self.assertEqual(c.socket.selected_alpn_protocol(), "h2")

    def test_who_is_spoken_for_in_clear_is_held_to_it(self):
        listen = ("127.0.0.1:0 {\n  protocols h2\n  proxy-protocol from 127.0.0.0/8\n}",)
        g = self.gate(conf(shard("one", self.origin()), tenant("acme", home="one"), listen=listen))
        said = b"PROXY TCP4 192.0.2.7 192.0.2.8 1000 80\r\n"
        with Client(g.address) as c:
            c.send(said + b"GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n")
            self.assertNotIn(b"HTTP/1.1", c.rest())
        s = dial(g.address, 10)
        s.sendall(said)
        with Frames(g.address, socket=s) as c:
            self.assertEqual(c.get().status, 200)
        self.assertEqual(eventually(g.records)[-1]["client"], "192.0.2.7")

    def test_too_many_connections_are_told_by_a_goaway(self):
        g = self.gate(conf("bounds {\n  connections 1\n}", shard("one", self.origin()), tenant("acme", home="one"),
                           listen=("127.0.0.1:0 {\n  protocols h2\n}",)))
        with Frames(g.address) as first:
            self.assertEqual(first.get().status, 200)
            s = dial(g.address, 10)
            s.sendall(PREFACE + struct.pack(">I", 0)[1:] + b"\x04\x00\x00\x00\x00\x00")
            got = b""
            while piece := s.recv(4096):
                got += piece
            s.close()
            self.assertNotIn(b"HTTP/1.1", got)
            kinds, last = [], None
            while got:
                length, kind = int.from_bytes(got[:3], "big"), got[3]
                kinds.append(kind)
                if kind == 7:
                    last = struct.unpack(">II", got[9:17])
                got = got[9 + length:]
            self.assertEqual((kinds[0], kinds[-1], last), (4, 7, (0, 0)))
            self.assertEqual(first.get().status, 200)
        eventually(lambda: g.metrics().value("gatehouse_refused_total", code="overloaded") == 1)
