"""Forwarded (RFC 7239): a chain that only trusted peers may begin."""
from harness import HTTP2, Authority, Case, Client

CHAIN = 'for=192.0.2.43, for="[2001:db8::17]:4711";by=_hidden;host="a.example:80"'


class Forwarded(Case):
    def front(self, parts=("forwarded on",), listen=("127.0.0.1:0", HTTP2)):
        self.o = self.origin()
        return self.simple(self.o, parts=parts, listen=listen, workers=1)

    def seen(self, g, *values, host="acme.example", more=()):
        """What the backend gets by each version."""
        fields = [("Forwarded", v) for v in values] + list(more)
        with g.client() as c, g.frames(g.addresses[1]) as d:
            self.assertEqual(c.get(fields=fields, host=host).status, 200)
            one = self.o.last.all("forwarded")
            self.assertEqual(d.get(fields=[(k.lower(), v) for k, v in fields], host=host).status, 200)
            self.assertEqual(self.o.last.all("forwarded"), one)
        return one

    def test_a_client_is_told_of(self):
        g = self.front()
        self.assertEqual(self.seen(g), ["for=127.0.0.1;host=acme.example;proto=http"])
        self.assertEqual(self.seen(g, host="acme.example:8080"), ['for=127.0.0.1;host="acme.example:8080";proto=http'])
        self.assertEqual(self.o.last.field("x-forwarded-for"), "127.0.0.1")

    def test_nothing_of_an_untrusted_client_gets_through(self):
        for parts in (("forwarded on",), ("forwarded off",), ()):
            g = self.front(parts)
            own = ["for=127.0.0.1;host=acme.example;proto=http"] if "forwarded on" in parts else []
            for values in ([CHAIN], ["for=evil"], [CHAIN, 'for="'], ["", "for=evil"]):
                self.assertEqual(self.seen(g, *values), own)
            with g.client() as c:
                for name in ("FORWARDED", "forwarded"):
                    c.get(fields=[(name, "for=evil"), ("Connection", name)])
                    self.assertEqual(self.o.last.all("forwarded"), own)
                self.assertNotIn(b"evil", self.o.received)

    def test_the_chain_of_a_trusted_peer_goes_on(self):
        g = self.front(["forwarded on", "trust 127.0.0.0/8"])
        own = "for=127.0.0.1;host=acme.example;proto=http"
        self.assertEqual(self.seen(g, CHAIN), [f"{CHAIN}, {own}"])
        self.assertEqual(self.seen(g, "for=192.0.2.1", "", "for=192.0.2.2;ext=\"a,b\\\"\""),
                         [f'for=192.0.2.1, for=192.0.2.2;ext="a,b\\"", {own}'])
        self.assertEqual(self.seen(g), [own])
        # What can't be read is no chain to go on with: none of it passes.
        for bad in ('for="', "for=1.2.3.4;for=5.6.7.8", "for=a b", "for=nobody", "for=2001:db8::1", 'for="2001:db8::1"', "=x", "for",
                    "for=192.0.2.1, by=[::1]", ", ".join(["for=192.0.2.1"] * 64)):
            self.assertEqual(self.seen(g, bad), [own], bad)
            self.assertEqual(self.seen(g, CHAIN, bad), [own], bad)
        self.assertEqual(len(self.seen(g, ", ".join(["for=192.0.2.1"] * 63))[0].split(",")), 64)

    def test_off_a_trusted_peer_s_passes_as_it_came(self):
        g = self.front(["trust 127.0.0.0/8"])
        self.assertEqual(self.seen(g, CHAIN), [CHAIN])
        self.assertEqual(self.seen(g), [])

    def test_other_kinds_of_clients(self):
        authority = Authority(self.directory)
        certificate, key = authority.issue("acme", "acme.example")
        path = f"{self.directory}/front.sock"
        g = self.front(listen=[f"127.0.0.1:0 {{\n  certificate {certificate} key {key}\n}}", f"unix:{path}",
                               "127.0.0.1:0 {\n  proxy-protocol from 127.0.0.0/8\n}"])
        with Client(g.addresses[0], tls=authority.client()) as c:
            c.get()
        self.assertEqual(self.o.last.field("forwarded"), "for=127.0.0.1;host=acme.example;proto=https")
        with Client(f"unix:{path}") as c:
            c.get()
        self.assertEqual(self.o.last.field("forwarded"), "for=unknown;host=acme.example;proto=http")
        with Client(g.addresses[2]) as c:
            c.send(b"PROXY TCP6 2001:db8::1 ::1 5 443\r\n").get()
        self.assertEqual(self.o.last.field("forwarded"), 'for="[2001:db8::1]";host=acme.example;proto=http')
