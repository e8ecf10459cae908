"""Requests for several hosts on one connection (RFC 9113 §9.1.1): within a tenant they pass, across tenants they don't."""
from harness import Authority, Case, Frames, conf, shard, tenant
from harness.client import dial


class Coalescing(Case):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        # One certificate for the hosts of two tenants: a client may take their connections for the same.
        certificate, key = self.authority.issue("all", "shop.example", "*.shop.example", "globex.example", "spare.example")
        self.o = self.origin(lambda x: x.reply(200, x.field("x-tenant-id")))
        self.g = self.gate(conf(shard("one", self.o), tenant("acme", host="shop.example *.shop.example acme.example", home="one"),
                                tenant("globex", host="globex.example", home="one"), workers=1,
                                listen=(f"127.0.0.1:0 {{\n  certificate {certificate} key {key}\n  protocols h2 http/1.1\n}}",)))

    def frames(self, name):
        s = self.authority.client(alpn=["h2"]).wrap_socket(dial(self.g.address, 10), server_hostname=name)
        c = Frames(self.g.address, socket=s)
        self.addCleanup(c.close)
        return c

    def test_hosts_of_a_tenant_share_a_connection(self):
        c = self.frames("shop.example")
        for host in ("shop.example", "www.shop.example", "shop.example:443", "SHOP.example", "acme.example"):
            r = c.get(host=host)
            self.assertEqual((r.status, r.body), (200, b"acme"), host)

    def test_another_tenant_s_host_is_misdirected(self):
        c = self.frames("www.shop.example")
        for _ in range(2):
            self.assert_refused(c.get(host="globex.example"), 421, "misdirected")
            # Nothing but that stream ends with it.
            self.assertEqual(c.get(host="shop.example").body, b"acme")
        call = [("content-type", "application/grpc"), ("te", "trailers")]
        r = c.final(c.request("POST", "/a.B/C", host="globex.example", fields=call, body=b"x"))
        self.assertEqual((r.status, r.field("grpc-status"), r.field("grpc-message")), (200, "13", "misdirected"))
        c.headers(99, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/"), (":authority", "globex.example")],
                  ends=False)
        self.assert_refused(c.final(99), 421, "misdirected")
        self.assertEqual({x.field("x-tenant-id") for x in self.o.requests}, {"acme"})

    def test_at_once_and_in_any_order(self):
        c = self.frames("globex.example")
        hosts = ["globex.example", "shop.example"] * 20
        streams = [c.request(host=h) for h in hosts]
        self.assertEqual([c.final(s).status for s in streams], [200, 421] * 20)

    def test_a_name_that_is_nobody_s_decides_nothing(self):
        c = self.frames("spare.example")
        self.assertEqual([c.get(host=h).body for h in ("shop.example", "globex.example")], [b"acme", b"globex"])
        self.assert_refused(c.get(host="spare.example"), 404, "tenant_unknown")
