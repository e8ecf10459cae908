"""The same request by HTTP/1.1 and by HTTP/2 gets the same decision."""
from harness import HTTP2, Case, Reset, conf, shard, tenant

PARTS = ["bounds {\n  header-size 4KiB\n  header-count 12\n  body-size 1KiB\n}", "trust 127.0.0.0/8"]

# (method, target, host, fields, body)
REQUESTS = [
    ("GET", "/", "acme.example", [], None), ("GET", "/", "ACME.example:80", [], None), ("GET", "/", "acme.example.", [], None),
    ("GET", "/", "a.b.wild.example", [], None), ("GET", "/", "wild.example", [], None), ("GET", "/", "nobody.example", [], None),
    ("GET", "/", "globex.apps.example", [], None), ("GET", "/", "x.globex.apps.example", [], None),
    ("GET", "/t/globex/a", "nobody.example", [], None), ("GET", "/t/globex/a", "acme.example", [], None),
    ("GET", "/t/acme/a", "acme.example", [], None), ("GET", "/t/none/a", "acme.example", [], None),
    ("GET", "/", "nobody.example", [("x-tenant-id", "globex")], None), ("GET", "/", "acme.example", [("x-tenant-id", "globex")], None),
    ("GET", "/", "acme.example", [("x-tenant-id", "acme"), ("x-tenant-id", "acme")], None),
    ("GET", "/", "acme.example", [("x_tenant_id", "globex")], None), ("GET", "/", "old.example", [], None),
    ("GET", "/a b", "acme.example", [], None), ("GET", "/a\tb", "acme.example", [], None), ("GET", "a", "acme.example", [], None),
    ("GET", "/\x7f", "acme.example", [], None), ("GET", "/a#b", "acme.example", [], None), ("GET", "*", "acme.example", [], None),
    ("OPTIONS", "*", "acme.example", [], None), ("GET", "/?" + "x" * 100, "acme.example", [], None),
    ("GET", "/" + "x" * 5000, "acme.example", [], None), ("GET", "/", "acme.example", [("x", "y" * 5000)], None),
    ("GET", "/", "acme.example", [("x", "y")] * 11, None), ("GET", "/", "acme.example", [("x", "y")] * 12, None),
    ("G(T", "/", "acme.example", [], None), ("get", "/", "acme.example", [], None), ("BREW", "/", "acme.example", [], None),
    ("M" * 32, "/", "acme.example", [], None), ("M" * 33, "/", "acme.example", [], None), ("CONNECT", "acme.example:80", "acme.example", [], None),
    ("GET", "/", "", [], None), ("GET", "/", "a b", [], None), ("GET", "/", "u@acme.example", [], None), ("GET", "/", "acme.example:x", [], None),
    ("GET", "/", "acme.example:0", [], None), ("GET", "/", "acme..example", [], None), ("GET", "/", "[::1]", [], None), ("GET", "/", "[::1", [], None),
    ("GET", "/", "acme.example", [("a b", "c")], None), ("GET", "/", "acme.example", [("a(", "c")], None),
    ("GET", "/", "acme.example", [("a", "b\x01")], None), ("GET", "/", "acme.example", [("a", "b\x7f")], None),
    ("GET", "/", "acme.example", [("a", "b\0c")], None), ("GET", "/", "acme.example", [("a", "\xe9")], None),
    ("GET", "/", "acme.example", [("a", "")], None), ("GET", "/", "acme.example", [("content-length", "x")], None),
    ("GET", "/", "acme.example", [("content-length", "+1")], None), ("GET", "/", "acme.example", [("content_length", "1")], None),
    ("GET", "/", "acme.example", [("transfer-encoding", "gzip")], None), ("GET", "/", "acme.example", [("transfer_encoding", "chunked")], None),
    ("POST", "/", "acme.example", [], b"abc"), ("POST", "/", "acme.example", [], b"x" * 1024), ("POST", "/", "acme.example", [], b"x" * 1025),
    ("POST", "/", "nobody.example", [], b"abc"), ("PUT", "/", "acme.example", [("expect", "100-continue")], b"abc"),
    ("GET", "/", "limited.example", [], None), ("GET", "/", "limited.example", [], None),
    ("GET", "/", "homeless.example", [], None), ("HEAD", "/", "acme.example", [], None), ("HEAD", "/", "nobody.example", [], None),
    ("GET", "/", "acme.example", [("accept", "text/html")], None), ("GET", "/", "nobody.example", [("accept", "text/html")], None),
    ("GET", "/", "acme.example", [("x-forwarded-for", "1.2.3.4"), ("x-request-id", "r1")], None),
    ("GET", "/", "acme.example", [("x-placement-shard", "evil"), ("via", "1.0 x"), ("proxy", "evil"), ("x.tenant.id", "evil")], None),
]

# What differs by right: names of their own, and lines that only one version has.
OWN = {"x-request-id", "host", "transfer-encoding", "content-length", "cookie"}


class Agreement(Case):
    def decisions(self, send):
        o = self.origin(lambda x: x.reply(200, x.read_body()))
        g = self.gate(conf(*PARTS, shard("one", o), tenant("acme", home="one"), tenant("globex", home="one"),
                           tenant("wild", host="*.wild.example", home="one"), tenant("old", "state suspended", home="one"),
                           tenant("limited", "requests 1/h burst 1", home="one"),
                           listen=["127.0.0.1:0", HTTP2], resolve=["host", "subdomain of apps.example", "header X-Tenant-ID", "path /t/"]))
        found = []
        for request in REQUESTS:
            before = len(o.requests)
            answer = send(g, *request)
            seen = None
            if len(o.requests) > before:
                x = o.last
                seen = (x.line, sorted((k.lower(), v) for k, v in x.fields if k.lower() not in OWN or (k, v) == ("X-Request-Id", "r1")))
            found.append((answer, seen))
        return found

    @staticmethod
    def outcome(r):
        own = (r.field("content-type") or "").startswith("application/problem+json") and r.body
        return r.status, r.code if own else None, (r.field("content-type") or "")[:9], r.field("proxy-status")

    def by_http1(self, g, method, target, host, fields, body):
        with g.client() as c:
            c.request(method, target, host, fields, body)
            r = c.final(method)
            return ("malformed",) if r.status == 400 and r.body and r.field("content-type") == "application/problem+json" \
                and r.code == "bad_request" else self.outcome(r)

    def by_http2(self, g, method, target, host, fields, body):
        with g.frames(g.addresses[1]) as c:
            more = [("content-length", str(len(body)))] if body is not None else []
            try:
                return self.outcome(c.final(c.request(method, target, host, list(fields) + more, body)))
            except Reset as e:
                self.assertEqual(e.code, 1)
                return ("malformed",)

    def test_every_request(self):
        one, two = self.decisions(self.by_http1), self.decisions(self.by_http2)
        for request, first, second in zip(REQUESTS, one, two):
            with self.subTest(request=request):
                self.assertEqual(first, second)
        self.assertGreater(len({a for a, _ in one}), 8)
