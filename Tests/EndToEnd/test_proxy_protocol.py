"""Peers that say whom they speak for."""
import struct

from harness import Authority, Case, Client, conf, eventually, shard, tenant

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n"


def binary(body, family=0x11, command=0x21):
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


FOUR = bytes([192, 0, 2, 7, 127, 0, 0, 1]) + struct.pack("!HH", 4711, 443)


class Announced(Case):
    def running(self, networks="127.0.0.0/8", more="", parts=()):
        self.o = self.origin(lambda x: x.reply(200, x.field("x-forwarded-for")))
        return self.gate(conf(*parts, shard("one", self.o), tenant("acme", home="one"),
                              listen=(f"127.0.0.1:0 {{\n  proxy-protocol from {networks}\n{more}}}",)))

    def test_both_versions_name_the_client(self):
        g = self.running()
        for header, client in (
                (b"PROXY TCP4 192.0.2.1 127.0.0.1 5 443\r\n", b"192.0.2.1"), (b"PROXY TCP6 2001:db8::1 ::1 5 443\r\n", b"2001:db8::1"),
                (b"PROXY UNKNOWN\r\n", b"127.0.0.1"), (binary(FOUR), b"192.0.2.7"), (binary(FOUR + b"\x02\0\3abc"), b"192.0.2.7"),
                (binary(b"", command=0x20, family=0), b"127.0.0.1")):
            with Client(g.address) as c:
                self.assertEqual(c.send(header + REQUEST).response().body, client)
                self.assertEqual(c.get().body, client)
        self.assertEqual(eventually(g.records)[0]["client"], "192.0.2.1")

    def test_in_pieces(self):
        g = self.running()
        for header in (b"PROXY TCP4 192.0.2.1 127.0.0.1 5 443\r\n", binary(FOUR)):
            with Client(g.address) as c:
                for byte in header + REQUEST:
                    c.send(bytes([byte]))
                self.assertEqual(c.response().status, 200)

    def test_who_must_and_does_not_is_let_go(self):
        g = self.running(parts=["timeouts {\n  header 300ms\n}"])
        for sent in (REQUEST, b"PROXY nonsense\r\n" + REQUEST, binary(FOUR[:-1]) + REQUEST, b""):
            with Client(g.address) as c:
                if sent:
                    c.send(sent)
                self.assertTrue(c.is_closed(), sent)
        self.assertEqual(self.o.requests, [])

    def test_who_may_not_and_does_is_refused(self):
        g = self.running("192.0.2.0/24")
        for header in (b"PROXY TCP4 192.0.2.1 127.0.0.1 5 443\r\n", binary(FOUR)):
            with Client(g.address) as c:
                self.assertEqual(c.send(header + REQUEST).response().status, 400)
        with Client(g.address) as c:
            self.assertEqual(c.get().body, b"127.0.0.1")

    def test_trust_goes_by_the_client_that_is_named(self):
        g = self.running(parts=["trust 192.0.2.0/24"])
        field = [("X-Forwarded-For", "198.51.100.1")]
        for header, seen in ((binary(FOUR), b"198.51.100.1, 192.0.2.7"), (b"PROXY TCP4 203.0.113.1 127.0.0.1 5 443\r\n", b"203.0.113.1")):
            with Client(g.address) as c:
                self.assertEqual(c.send(header).request(fields=field).response().body, seen)

    def test_before_a_handshake(self):
        authority = Authority(self.directory)
        certificate, key = authority.issue("acme", "acme.example")
        g = self.running(more=f"  certificate {certificate} key {key}\n")
        with Client(g.address) as c:
            c.send(binary(FOUR))
            c.socket = authority.client().wrap_socket(c.socket, server_hostname="acme.example")
            self.assertEqual(c.get().body, b"192.0.2.7")
            self.assertEqual(self.o.last.field("x-forwarded-proto"), "https")
        with self.assertRaises(OSError):
            Client(g.address, tls=authority.client())
        eventually(lambda: g.metrics().value("gatehouse_client_connections") == 0)

    def test_large_bodies_pass(self):
        g = self.running()
        self.o.answer = lambda x: x.reply(200, x.read_body())
        sent = bytes(range(256)) * 8_192
        with Client(g.address) as c:
            c.send(binary(FOUR))
            self.assertEqual(c.request("POST", body=sent).response().body, sent)
