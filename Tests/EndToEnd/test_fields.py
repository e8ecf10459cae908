"""Fields: hop-by-hop ones end here, the tenant's are ours alone, forwarding fields are believed from trusted peers only."""
import re

from harness import Case, conf, eventually, get, shard, tenant

TRUST = "trust 127.0.0.0/8"


class HopByHop(Case):
    def test_fields_named_in_connection_are_removed_from_requests(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.get(fields=[("Connection", "X-One, keep-alive,x-two"), ("X-One", "1"), ("X-TWO", "2"), ("X-Three", "3"),
                          ("Connection", "X-Four"), ("x-four", "4")])
        x = o.last
        self.assertEqual([x.field(n) for n in ("x-one", "x-two", "x-three", "x-four")], [None, None, "3", None])
        self.assertNotRegex((x.field("connection") or "").lower(), "x-")

    def test_fields_named_in_connection_are_removed_from_answers(self):
        fields = [("Connection", "X-One, x-two"), ("X-One", "1"), ("X-Two", "2"), ("X-Three", "3"), ("Keep-Alive", "timeout=5")]
        g = self.simple(self.origin(lambda x: x.reply(200, "ok", fields)))
        r = get(g.address)
        self.assertEqual([r.field(n) for n in ("x-one", "x-two", "x-three", "keep-alive")], [None, None, "3", None])
        self.assertNotRegex((r.field("connection") or "").lower(), "x-")

    def test_the_known_ones_are_removed_from_requests(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.get(fields=[("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"), ("TE", "gzip"), ("Upgrade", "h2c")])
        for name in ("keep-alive", "proxy-connection", "te", "upgrade"):
            self.assertIsNone(o.last.field(name), name)

    def test_connection_cannot_remove_what_frames_or_routes(self):
        o = self.origin(lambda x: x.reply(200, x.read_body()))
        g = self.simple(o)
        with g.client() as c:
            r = c.request("POST", fields=[("Connection", "Content-Length, Host, Transfer-Encoding")], body=b"hello").final()
            self.assertEqual(r.body, b"hello")
        self.assertEqual(o.last.field("host"), "acme.example")

    def test_fields_that_are_not_hop_by_hop_pass_both_ways(self):
        fields = [("Date", "Tue, 24 Nov 2026 00:00:00 GMT"), ("Server", "sample"), ("Cache-Control", "no-store"), ("Vary", "Accept"),
                  ("WWW-Authenticate", 'Basic realm="x"')]
        o = self.origin(lambda x: x.reply(200, "ok", fields))
        g = self.simple(o)
        with g.client() as c:
            r = c.get(fields=[("Authorization", "Basic eDp5"), ("Cookie", "a=b; c=d"), ("Accept-Encoding", "br")])
        for name, value in fields:
            self.assertEqual(r.field(name), value)
        self.assertEqual([o.last.field(n) for n in ("authorization", "cookie", "accept-encoding")], ["Basic eDp5", "a=b; c=d", "br"])


NAMES = ("X-Tenant-ID", "X-Placement-Shard", "X-Placement-Epoch")


def spellings(name):
    """How an application may read the same field."""
    return {name, name.lower(), name.upper(), name.replace("-", "_"), name.replace("-", "_").lower(), name.replace("-", "_").upper(),
            name.replace("-", "_", 1), name[::-1].replace("-", "_", 1)[::-1], name.swapcase()}


class Spoofing(Case):
    """The origin reads one tenant, and it is the one that was resolved."""

    def assert_ours(self, x, text):
        for name, value in zip(NAMES, ("acme", "one", None)):
            same = [v for k, v in x.fields if k.lower().replace("_", "-") == name.lower()]
            self.assertEqual(len(same), 1, f"{name}: {same} in {x.fields}")
            if value:
                self.assertEqual(same[0], value)
        self.assertNotIn(text, x.raw)

    def test_client_copies_never_get_through_in_any_spelling(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            for name in NAMES:
                for spelling in sorted(spellings(name)):
                    with self.subTest(spelling):
                        self.assertEqual(c.get(fields=[(spelling, "evil")]).status, 200)
                        self.assert_ours(o.last, b"evil")

    def test_all_of_them_at_once_and_twice(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.get(fields=[(s, "evil") for name in NAMES for s in sorted(spellings(name))] * 2)
        self.assert_ours(o.last, b"evil")

    def test_from_trusted_peers_too_when_no_header_resolves(self):
        o = self.origin()
        g = self.simple(o, parts=[TRUST])
        with g.client() as c:
            c.get(fields=[("X-Tenant-ID", "evil"), ("X_Placement_Shard", "evil"), ("x-placement-epoch", "evil")])
        self.assert_ours(o.last, b"evil")

    def test_connection_cannot_remove_ours(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.get(fields=[("Connection", "X-Tenant-ID, X-Placement-Shard, X-Placement-Epoch, X-Forwarded-For, X-Request-Id, Via"),
                          ("X-Tenant-ID", "evil")])
        self.assert_ours(o.last, b"evil")
        self.assertEqual(o.last.field("x-forwarded-for"), "127.0.0.1")
        self.assertTrue(o.last.field("x-request-id"))
        self.assertIn("gatehouse", o.last.field("via"))

    def test_not_as_trailers_either(self):
        o = self.origin()
        g = self.simple(o)
        names = sorted(s for name in NAMES + ("X-Forwarded-For", "X-Request-Id", "X-Forwarded-Host", "X-Forwarded-Proto") for s in spellings(name))
        with g.client() as c:
            for name in names:
                with self.subTest(name):
                    c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
                           + name.encode() + b": evil\r\nX-Good: 1\r\n\r\n").final()
                    self.assertEqual(o.last.trailers, [("X-Good", "1")])

    def test_framing_fields_in_trailers_are_not_forwarded(self):
        o = self.origin()
        g = self.simple(o)
        for name in ("Content-Length", "Transfer-Encoding", "Host", "Connection"):
            with self.subTest(name), g.client() as c:
                try:
                    c.send(b"POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
                           + name.encode() + b": 5\r\nX-Good: 1\r\n\r\n").final()
                except (EOFError, ConnectionError):
                    pass        # refusing it is as good
                for request in o.requests:
                    self.assertNotIn(name.lower(), [k.lower() for k, _ in request.trailers])

    def test_look_alikes_pass(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.get(fields=[("X-Tenant-IDs", "a"), ("XX-Tenant-ID", "b"), ("X-Tenant", "c")])
        self.assertEqual([o.last.field(n) for n in ("x-tenant-ids", "xx-tenant-id", "x-tenant")], ["a", "b", "c"])

    def test_answers_cannot_be_told_apart_by_a_tenant_field_of_the_origin(self):
        """What the origin says in its own answer is its own business; it reaches only its own client."""
        g = self.simple(self.origin(lambda x: x.reply(200, "ok", [("X-Tenant-ID", "acme")])))
        self.assertEqual(get(g.address).status, 200)


class Forwarding(Case):
    CLAIMS = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "shop.example"),
              ("X-Request-Id", "from-outside-1")]

    def ask(self, *parts, fields=CLAIMS):
        o = self.origin()
        g = self.simple(o, parts=parts)
        with g.client() as c:
            self.assertEqual(c.get(fields=fields).status, 200)
        return g, o.last

    def test_from_strangers_they_are_replaced(self):
        _, x = self.ask()
        self.assertEqual([x.field(n) for n in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")],
                         ["127.0.0.1", "http", "acme.example"])
        self.assertNotEqual(x.field("x-request-id"), "from-outside-1")
        self.assertNotIn(b"from-outside", x.raw)

    def test_from_trusted_peers_they_are_kept_and_appended_to(self):
        _, x = self.ask(TRUST)
        self.assertEqual(", ".join(x.all("x-forwarded-for")), "203.0.113.9, 127.0.0.1")
        self.assertEqual([x.field(n) for n in ("x-forwarded-proto", "x-forwarded-host", "x-request-id")],
                         ["https", "shop.example", "from-outside-1"])

    def test_without_claims_they_are_set(self):
        for parts in ((), (TRUST,)):
            with self.subTest(parts):
                _, x = self.ask(*parts, fields=[])
                self.assertEqual([x.field(n) for n in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")],
                                 ["127.0.0.1", "http", "acme.example"])
                self.assertTrue(x.field("x-request-id"))

    def test_trust_of_others_is_no_trust(self):
        _, x = self.ask("trust 10.0.0.0/8 192.0.2.1")
        self.assertEqual(x.field("x-forwarded-for"), "127.0.0.1")

    def test_several_forwarded_for_lines_of_a_trusted_peer_stay_in_order(self):
        _, x = self.ask(TRUST, fields=[("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", "203.0.113.2")])
        self.assertEqual(re.split(r",\s*", ",".join(x.all("x-forwarded-for"))), ["203.0.113.1", "203.0.113.2", "127.0.0.1"])

    def test_underscored_copies_of_strangers_do_not_shadow_ours(self):
        _, x = self.ask(fields=[(k.replace("-", "_"), v) for k, v in self.CLAIMS])
        for name, _ in self.CLAIMS:
            self.assertEqual(len([k for k, _ in x.fields if k.lower().replace("_", "-") == name.lower()]), 1, name)
        self.assertNotIn(b"203.0.113.9", x.raw)

    def test_via_is_added(self):
        _, x = self.ask(fields=[])
        self.assertEqual(x.field("via"), "1.1 gatehouse")

    def test_via_of_others_is_kept_before_ours(self):
        _, x = self.ask(TRUST, fields=[("Via", "1.0 fred")])
        self.assertEqual(re.split(r",\s*", ",".join(x.all("via"))), ["1.0 fred", "1.1 gatehouse"])

    def test_request_ids_are_fresh_and_logged(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            for _ in range(200):
                c.get()
        ids = [x.field("x-request-id") for x in o.requests]
        self.assertEqual(len(set(ids)), 200)
        records = eventually(lambda: len(g.records()) == 200 and g.records(), "200 lines")
        self.assertEqual([r["request_id"] for r in records], ids)

    def test_a_request_id_of_a_trusted_peer_is_logged_safely(self):
        o = self.origin()
        g = self.simple(o, parts=[TRUST])
        with g.client() as c:
            c.get(fields=[("X-Request-Id", 'a"b\\c')])
        self.assertEqual(eventually(lambda: g.records())[0]["request_id"], o.last.field("x-request-id"))

    def test_placement_fields_carry_the_epoch(self):
        o = self.origin()
        g = self.gate(conf("tenants table tenants.tbl", shard("one", o)),
                      files={"tenants.tbl": "acme home=one epoch=7 host=acme.example\n"})
        get(g.address)
        self.assertEqual([o.last.field(n) for n in ("x-tenant-id", "x-placement-shard", "x-placement-epoch")], ["acme", "one", "7"])

    def test_two_tenants_on_one_connection_get_their_own_names(self):
        o = self.origin()
        g = self.gate(conf(shard("one", o), tenant("acme", home="one"), tenant("globex", home="one")), )
        with g.client() as c:
            for name in ("acme", "globex") * 10:
                c.get(host=f"{name}.example")
                self.assertEqual(o.last.field("x-tenant-id"), name)
