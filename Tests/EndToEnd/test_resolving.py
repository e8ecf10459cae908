"""Who is asking: host, wildcard, subdomain, trusted header, path; sources that disagree; unknown and suspended tenants."""
from harness import Case, closed_port, conf, eventually, get, shard, tenant
from harness.settings import block

TRUST = "trust 127.0.0.0/8"


class Resolving(Case):
    def proxy(self, *tenants, resolve=("host",), parts=(), **keywords):
        self.o = self.origin()
        self.g = self.gate(conf(*parts, shard("one", self.o), *tenants, resolve=resolve, **keywords))
        return self.g

    def who(self, **keywords):
        """The tenant that the origin is told, or the status and code of the refusal."""
        target = keywords.pop("target", "/")
        r = get(self.g.address, target, **keywords)
        return self.o.last.field("x-tenant-id") if r.status == 200 else (r.status, r.code)


class ByHost(Resolving):
    def test_names_are_compared_normalised(self):
        self.proxy(tenant("acme", home="one", host="App.Acme.example"))
        for host in ("app.acme.example", "APP.acme.EXAMPLE", "app.acme.example.", "app.acme.example:80", "App.Acme.Example.:8443"):
            self.assertEqual(self.who(host=host), "acme", host)
        for host in ("acme.example", "xapp.acme.example", "app.acme.example.com", "app.acme.example..", "app-acme.example"):
            self.assertNotEqual(self.who(host=host), "acme", host)

    def test_several_hosts_name_one_tenant(self):
        self.proxy(tenant("acme", home="one", host="a.example b.example"), tenant("globex", home="one", host="c.example"))
        self.assertEqual([self.who(host=f"{h}.example") for h in "abc"], ["acme", "acme", "globex"])

    def test_a_wildcard_covers_any_depth_but_not_its_own_name(self):
        self.proxy(tenant("acme", home="one", host="*.acme.example"))
        self.assertEqual([self.who(host=h) for h in ("a.acme.example", "b.a.acme.example", "X.ACME.example:81")], ["acme"] * 3)
        for host in ("acme.example", "xacme.example"):
            self.assertEqual(self.who(host=host), (404, "tenant_unknown"))

    def test_exact_beats_wildcard_and_longer_beats_shorter(self):
        self.proxy(tenant("wide", home="one", host="*.example"), tenant("deep", home="one", host="*.acme.example"),
                   tenant("exact", home="one", host="app.acme.example"))
        self.assertEqual([self.who(host=h) for h in ("app.acme.example", "b.acme.example", "c.app.acme.example", "d.example")],
                         ["exact", "deep", "deep", "wide"])

    def test_international_names_in_ascii_form(self):
        self.proxy(tenant("books", home="one", host="xn--bcher-kva.example"))
        self.assertEqual(self.who(host="XN--Bcher-KVA.example"), "books")

    def test_addresses_are_names_too(self):
        self.proxy(tenant("acme", home="one", host="127.0.0.1"))
        self.assertEqual(self.who(host="127.0.0.1:8080"), "acme")

    def test_absolute_form_names_the_tenant(self):
        self.proxy(tenant("acme", home="one"))
        self.assertEqual(self.who(target="http://acme.example/x"), "acme")


class BySubdomain(Resolving):
    def test_one_label_is_the_tenant(self):
        self.proxy(tenant("acme", home="one", host=""), resolve=("subdomain of apps.example.com",))
        self.assertEqual(self.who(host="acme.apps.example.com"), "acme")
        self.assertEqual(self.who(host="ACME.Apps.example.com.:80"), "acme")
        for host in ("apps.example.com", "acme.example.com", "nobody.apps.example.com", "x.acme.apps.example.com"):
            self.assertEqual(self.who(host=host), (404, "tenant_unknown"), host)


class ByHeader(Resolving):
    def test_of_a_trusted_peer(self):
        self.proxy(tenant("acme", home="one", host=""), resolve=("header X-Tenant-ID",), parts=(TRUST,))
        self.assertEqual(self.who(host="any.example", fields=[("x-tenant-id", "acme")]), "acme")
        self.assertEqual(self.who(host="any.example", fields=[("X-Tenant-ID", "nobody")]), (404, "tenant_unknown"))
        self.assertEqual(self.who(host="any.example"), (404, "tenant_unknown"))

    def test_of_a_stranger_is_no_source(self):
        self.proxy(tenant("acme", home="one"), tenant("globex", home="one"), resolve=("header X-Tenant-ID", "host"))
        self.assertEqual(self.who(host="any.example", fields=[("X-Tenant-ID", "acme")]), (404, "tenant_unknown"))
        self.assertEqual(self.who(host="globex.example", fields=[("X-Tenant-ID", "acme")]), "globex")

    def test_twice_is_refused(self):
        self.proxy(tenant("acme", home="one", host=""), tenant("globex", home="one", host=""), resolve=("header X-Tenant-ID",), parts=(TRUST,))
        r = get(self.g.address, host="any.example", fields=[("X-Tenant-ID", "acme"), ("X-Tenant-ID", "globex")])
        self.assertEqual(r.status, 400, r)
        self.assertEqual(self.o.requests, [])

    def test_the_origin_sees_it_once(self):
        self.proxy(tenant("acme", home="one", host=""), resolve=("header X-Tenant-ID",), parts=(TRUST,))
        self.who(host="any.example", fields=[("X-Tenant-ID", "acme")])
        self.assertEqual(self.o.last.all("x-tenant-id"), ["acme"])

    def test_another_name_for_the_header(self):
        self.proxy(tenant("acme", home="one", host=""), resolve=("header X-Customer",), parts=(TRUST,))
        self.assertEqual(self.who(host="any.example", fields=[("X-Customer", "acme")]), "acme")


class ByPath(Resolving):
    def test_the_segment_behind_the_prefix(self):
        self.proxy(tenant("acme", home="one", host=""), resolve=("path /t/",))
        for target in ("/t/acme", "/t/acme/", "/t/acme/orders?x=/t/globex", "/t/acme?x"):
            self.assertEqual(self.who(target=target, host="any.example"), "acme", target)
            self.assertEqual(self.o.last.target, target, "the path is forwarded as it came")
        for target in ("/", "/t", "/t/", "/t//acme", "/t/nobody/", "/x/t/acme", "/t/ac%6de", "/t/ACME"):
            self.assertEqual(self.who(target=target, host="any.example"), (404, "tenant_unknown"), target)


class Disagreement(Resolving):
    ALL = ("host", "subdomain of apps.example.com", "header X-Tenant-ID", "path /t/")

    def setUp(self):
        super().setUp()
        self.proxy(tenant("acme", home="one"), tenant("globex", home="one"), resolve=self.ALL, parts=(TRUST,))

    def test_sources_that_agree_are_fine(self):
        self.assertEqual(self.who(host="acme.example", target="/t/acme/x", fields=[("X-Tenant-ID", "acme")]), "acme")
        self.assertEqual(self.who(host="acme.apps.example.com", target="/t/acme/x"), "acme")

    def test_any_two_that_disagree_are_refused(self):
        conflict = (400, "tenant_conflict")
        self.assertEqual(self.who(host="acme.example", target="/t/globex/x"), conflict)
        self.assertEqual(self.who(host="acme.example", fields=[("X-Tenant-ID", "globex")]), conflict)
        self.assertEqual(self.who(host="acme.apps.example.com", fields=[("X-Tenant-ID", "globex")]), conflict)
        self.assertEqual(self.who(host="any.example", target="/t/acme", fields=[("X-Tenant-ID", "globex")]), conflict)
        self.assertEqual(self.who(host="globex.apps.example.com", target="/t/acme"), conflict)
        self.assertEqual(self.o.requests, [])
        self.assertEqual(self.g.metrics().value("gatehouse_refused_total", code="tenant_conflict"), 5)

    def test_a_claim_of_an_unknown_tenant_is_a_disagreement_too(self):
        self.assertEqual(self.who(host="acme.example", target="/t/nobody/x"), (400, "tenant_conflict"))

    def test_the_refusal_names_no_tenant(self):
        r = get(self.g.address, "/t/globex", host="acme.example")
        self.assertNotIn(b"acme", r.body)
        self.assertNotIn(b"globex", r.body)

    def test_a_host_that_names_nobody_is_no_source(self):
        self.assertEqual(self.who(host="any.example", target="/t/acme"), "acme")

    def test_the_source_is_recorded(self):
        self.who(host="acme.example")
        self.who(host="any.example", target="/t/acme")
        self.who(host="acme.apps.example.com")
        self.who(host="any.example", fields=[("X-Tenant-ID", "acme")])
        records = eventually(lambda: len(self.g.records()) == 4 and self.g.records())
        self.assertEqual(sorted(r["tenant_source"] for r in records), ["header", "host", "path", "subdomain"])


class UnknownAndSuspended(Resolving):
    def test_unknown_tenants_are_refused(self):
        self.proxy(tenant("acme", home="one"))
        self.assertEqual(self.who(host="nobody.example"), (404, "tenant_unknown"))
        self.assertEqual(self.g.metrics().value("gatehouse_refused_total", code="tenant_unknown"), 1)

    def test_or_go_to_the_tenant_for_them(self):
        self.proxy(tenant("acme", home="one"), tenant("lobby", home="one", host=""), parts=("unknown-tenant use lobby",))
        self.assertEqual(self.who(host="nobody.example"), "lobby")
        self.assertEqual(self.who(host="acme.example"), "acme")

    def test_who_names_an_unknown_tenant_does_not_go_there(self):
        self.proxy(tenant("acme", home="one"), tenant("lobby", home="one", host=""), parts=(TRUST, "unknown-tenant use lobby"),
                   resolve=("host", "subdomain of apps.example.com", "header X-Tenant-ID", "path /t/"))
        unknown, conflict = (404, "tenant_unknown"), (400, "tenant_conflict")
        claims = ({"host": "nobody.apps.example.com"}, {"host": "any.example", "fields": [("X-Tenant-ID", "nobody")]},
                  {"host": "any.example", "target": "/t/nobody/x"})
        self.assertEqual([self.who(**claim) for claim in claims], [unknown] * 3)
        self.assertEqual(self.who(host="any.example"), "lobby")
        self.assertEqual(self.who(host="nobody.apps.example.com", target="/t/acme"), conflict)
        self.assertEqual([self.who(**{**claim, "host": "acme.example"}) for claim in claims[1:]], [conflict] * 2)

    def test_a_suspended_tenant_is_403(self):
        self.o = self.origin()
        self.g = self.gate(conf("tenants table tenants.tbl", shard("one", self.o)),
                           files={"tenants.tbl": "acme home=one host=acme.example state=suspended\nglobex home=one host=globex.example state=active\n"})
        self.assertEqual(self.who(host="acme.example"), (403, "tenant_suspended"))
        self.assertEqual(self.who(host="globex.example"), "globex")
        self.assertEqual(len(self.o.requests), 1)
        self.g.reload(files={"tenants.tbl": "acme home=one host=acme.example\nglobex home=one host=globex.example state=suspended\n"})
        self.assertEqual(self.who(host="acme.example"), "acme")
        self.assertEqual(self.who(host="globex.example"), (403, "tenant_suspended"))


class Regions(Case):
    def test_a_pinned_tenant_is_served_in_its_region_or_nowhere(self):
        eu, eu2, us = self.origin(name="eu"), self.origin(name="eu2"), self.origin(name="us")
        where = {o.address: o.name for o in (eu, eu2, us)}
        parts = [shard("eu-1", eu, lines=["region eu"]), shard("eu-2", eu2, lines=["region eu"]), shard("us-1", us, lines=["region us"]),
                 block("plan european", "region eu")]
        names = [f"t{n}" for n in range(12)]
        pinned = [tenant(name, "plan european") for name in names] + [tenant("afar", "region us"), tenant("free")]
        g = self.gate(conf(*parts, *pinned, block("placement", "unlisted hash")))
        for name in names:
            self.assertEqual(get(g.address, host=f"{name}.example").status, 200)
        self.assertEqual(len(us.requests), 0)
        self.assertTrue(eu.requests and eu2.requests)
        self.assertEqual(get(g.address, host="afar.example").status, 200)
        self.assertEqual(len(us.requests), 1)
        g.reload(conf(*parts, *pinned, block("placement", "unlisted hash us-1")))
        self.assert_refused(get(g.address, host="t1.example"), 503, "region_pinned")
        self.assertEqual(get(g.address, host="free.example").status, 200)

    def test_a_standby_elsewhere_does_not_serve_it(self):
        dead, held = closed_port()
        self.addCleanup(held.close)
        far, near = self.origin(name="far"), self.origin(name="near")
        g = self.gate(conf(shard("one", dead, lines=["region eu", "standby far near", "health tcp every 200ms rise 1 fall 1"]),
                           shard("far", far), shard("near", near, lines=["region eu"]),
                           tenant("acme", "region eu", home="one"), tenant("free", home="one")))
        eventually(lambda: g.metrics().value("gatehouse_backend_up", shard="one", backend=dead) == 0, "the shard is down")
        self.assertEqual([get(g.address, host=f"{t}.example").status for t in ("acme", "free")], [200, 200])
        self.assertEqual((len(near.requests), len(far.requests)), (1, 1))
