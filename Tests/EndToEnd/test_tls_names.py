"""Which certificate, which tenant, which client: what names and certificates decide."""
import concurrent.futures
import os
import shutil
import ssl
import time

from harness import Authority, Client, Frames, conf, eventually, shard, tenant
from harness.client import dial
from harness.gate import PATIENCE
from test_tls import TLSCase


class Names(TLSCase):
    def shown(self, gate, name, **keywords):
        """The first name of the certificate that a client asking for `name` is shown."""
        context = self.authority.client(**keywords)
        context.check_hostname = False
        with Client(gate.address, tls=context, name=name) as c:
            return c.socket.getpeercert()["subjectAltName"][0][1]

    def test_the_name_asked_for_decides(self):
        a = self.authority
        g = self.secure(self.origin(), certificates=[
            a.issue("one", "one.example"), a.issue("two", "two.example", "also.example"), a.issue("wild", "*.two.example"),
            a.issue("exact", "exact.two.example")])
        for asked, shown in (("one.example", "one.example"), ("TWO.example", "two.example"), ("also.example", "two.example"),
                             ("a.two.example", "*.two.example"), ("exact.two.example", "exact.two.example"),
                             ("a.b.two.example", "one.example"), ("none.example", "one.example"), (None, "one.example")):
            self.assertEqual(self.shown(g, asked), shown, asked)

    def test_two_kinds_of_key_side_by_side(self):
        g = self.secure(self.origin(), certificates=[self.authority.issue("rsa", "acme.example", rsa=True), self.certificate])
        for ciphers, kind in (("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA"), ("ECDHE-RSA-AES128-GCM-SHA256", "RSA")):
            context = self.authority.client(version=ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(ciphers)
            with Client(g.address, tls=context) as c:
                self.assertIn(kind, c.socket.cipher()[0])
                self.assertEqual(c.get().status, 200)


class Folder(TLSCase):
    def folder(self, *names):
        path = os.path.join(self.directory, "tenants")
        os.mkdir(path)
        for name in names:
            self.put(path, name, name)
        return path

    def put(self, folder, file, *names):
        """Puts a pair into a folder as careful people do: each file whole, at once."""
        for made, kind in zip(self.authority.issue("made", *names), ("pem", "key")):
            shutil.copy(made, f"{folder}/.{file}.{kind}.new")
        for kind in ("pem", "key"):
            os.rename(f"{folder}/.{file}.{kind}.new", f"{folder}/{file}.{kind}")

    def serial(self, gate, name):
        context = self.authority.client()
        context.check_hostname = False
        with Client(gate.address, tls=context, name=name) as c:
            return c.socket.getpeercert()["subjectAltName"][0][1], c.socket.getpeercert()["serialNumber"]

    def running(self, folder, **keywords):
        return self.gate(conf(shard("one", self.origin()), tenant("acme", home="one"),
                              listen=(f"127.0.0.1:0 {{\n  certificates {folder}\n}}",)), **keywords)

    def test_changes_are_in_use_within_a_second(self):
        folder = self.folder("a.example", "b.example")
        g = self.running(folder)
        first = self.serial(g, "b.example")
        self.assertEqual(self.serial(g, "a.example")[0], "a.example")
        self.assertEqual(self.serial(g, "none.example")[0], "a.example")
        began = time.monotonic()
        self.put(folder, "b.example", "b.example")
        self.put(folder, "c.example", "c.example", "also-c.example")
        made = time.monotonic()
        eventually(lambda: self.serial(g, "b.example") != first and self.serial(g, "also-c.example")[0] == "c.example")
        self.assertLess(time.monotonic() - made, PATIENCE / 15 + (made - began))
        os.remove(f"{folder}/b.example.pem")
        eventually(lambda: self.serial(g, "b.example")[0] == "a.example")

    def test_a_broken_one_is_told_of_once_and_the_old_one_stays(self):
        folder = self.folder("a.example", "b.example")
        g = self.running(folder)
        first = self.serial(g, "b.example")
        with open(f"{folder}/b.example.pem", "w") as file:
            file.write("nothing\n")
        with open(f"{folder}/c.example.pem", "w") as file:
            file.write(open(f"{folder}/a.example.pem").read())
        shutil.copy(f"{folder}/b.example.key", f"{folder}/c.example.key")
        g.log.wait(r"certificate not taken: .*/b.example.pem holds no certificate in PEM form; what was in use before stays$")
        g.log.wait(r"certificate not taken: .*/c.example.key is not the private key of the certificate; ")
        self.assertEqual(self.serial(g, "b.example"), first)
        self.assertEqual(g.reload().count("\n"), 0)
        self.assertEqual(self.serial(g, "b.example"), first)
        self.assertEqual(g.log.text().count("b.example.pem"), 1)
        self.put(folder, "b.example", "b.example")
        eventually(lambda: self.serial(g, "b.example") != first)

    def test_more_than_can_be_held_are_loaded_when_asked_for(self):
        """Beyond 4,096 pairs a file's name is the host's."""
        folder = self.folder("aaa.example", "t5000.example", "*.wild.example")
        for i in range(4200):
            for kind in ("pem", "key"):
                os.link(f"{folder}/t5000.example.{kind}", f"{folder}/t{i}.example.{kind}")
        began = time.monotonic()
        g = self.running(folder)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.serial(g, "t5000.example")[0], "t5000.example")
        self.assertEqual(self.serial(g, "a.wild.example")[0], "*.wild.example")
        self.assertEqual(self.serial(g, "none.example")[0], "*.wild.example", "the first by name")
        first = self.serial(g, "t5000.example")
        self.put(folder, "t5000.example", "t5000.example")
        eventually(lambda: self.serial(g, "t5000.example") != first)
        # Many at once on all workers, some for the same name; one whose file is broken has the default one.
        with open(f"{folder}/broken.example.pem", "w") as file:
            file.write("nothing\n")
        told = "certificate not taken: " + folder + "/broken.example.key can't be read"
        eventually(lambda: self.serial(g, "broken.example")[0] == "*.wild.example" and told in g.log.text())
        names = [f"t{i // 2}.example" for i in range(64)] + ["nobody.example"] * 8
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            shown = list(pool.map(lambda name: self.serial(g, name)[0], names))
        self.assertEqual(shown, ["t5000.example"] * 64 + ["*.wild.example"] * 8)
        self.assertEqual(g.metrics().value("gatehouse_tls_handshakes_total", result="failed"), 0)

    def test_a_thousand_load_within_a_second_of_a_core(self):
        folder = self.folder("t0.example")
        made = self.authority.issue("thousand", *(f"n{i}.example" for i in range(3)))
        for i in range(1000):
            for source, kind in zip(made, ("pem", "key")):
                shutil.copy(source, f"{folder}/t{i}.example.{kind}")
        g = self.running(folder)
        with open(f"/proc/{g.process.pid}/stat") as file:
            user, system = file.read().rpartition(")")[2].split()[11:13]
        # Sanitized code, which patience is raised for, takes longer.
        self.assertLess((int(user) + int(system)) / os.sysconf("SC_CLK_TCK"), PATIENCE / 15)
        self.assertEqual(self.serial(g, "n2.example")[0], "n0.example")

    def test_expiry_is_a_metric(self):
        g = self.running(self.folder("a.example", "b.example"))
        times = {row[1]["name"]: row[2] for row in g.metrics().named("gatehouse_certificate_expiry_timestamp_seconds")}
        self.assertEqual(sorted(times), ["a.example", "b.example"])
        left = times["b.example"] - time.time()
        self.assertTrue(29 * 86400 < left < 31 * 86400, left)


class Tenants(TLSCase):
    def setUp(self):
        super().setUp()
        certificate = self.authority.issue("all", "acme.example", "globex.example", "www.example")
        self.gate_ = self.secure(self.origin(), certificates=[certificate], tenants=[
            tenant("acme", "host *.acme.example", home="one"), tenant("globex", home="one")])

    def test_another_tenants_host_is_misdirected(self):
        with self.client(self.gate_, "acme.example") as c:
            r = c.get(host="globex.example")
            self.assert_refused(r, 421, "misdirected")
            self.assertEqual(c.get(host="acme.example").status, 200)
            self.assertEqual(c.get(host="a.acme.example:443").status, 200)
            self.assertEqual(c.get(host="none.example").status, 404)
        with self.client(self.gate_, "GLOBEX.example") as c:
            self.assertEqual(c.get(host="globex.example").status, 200)
            self.assertEqual(c.get(host="acme.example").status, 421)
        self.assertEqual(eventually(self.gate_.records)[0]["code"], "misdirected")

    def test_a_name_of_nobody_may_ask_for_anybody(self):
        for name in ("www.example", None):
            context = self.authority.client()
            context.check_hostname = False
            with Client(self.gate_.address, tls=context, name=name) as c:
                self.assertEqual(c.get(host="globex.example").status, 200)
                self.assertEqual(c.get(host="acme.example").status, 200)

    def test_a_resumed_session_is_held_to_the_name_it_asks_for_now(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.authority.client(version=version)
            with Client(self.gate_.address, tls=context) as c:
                c.get()
                session = c.socket.session
            with Client(self.gate_.address, tls=context, session=session) as c:
                self.assertTrue(c.socket.session_reused)
                self.assertEqual(c.get(host="globex.example").status, 421)
            with Client(self.gate_.address, tls=context, session=session, name="globex.example") as c:
                self.assertEqual(c.get(host="globex.example").status, 200)
                self.assertEqual(c.get(host="acme.example").status, 421)


class Redirect(TLSCase):
    def test_to_the_same_target(self):
        o = self.origin()
        c, k = self.certificate
        g = self.gate(conf(shard("one", o), tenant("acme", home="one"),
                           listen=("127.0.0.1:0 {\n  redirect https\n}", f"127.0.0.1:0 {{\n  certificate {c} key {k}\n}}")))
        port = g.addresses[1].rpartition(":")[2]
        with Client(g.addresses[0]) as c:
            for target, host, expected in (
                    ("/", "acme.example", "/"), ("/a/b?c=%20d", "ACME.example:8080", "/a/b?c=%20d"),
                    ("http://acme.example", "acme.example", "/"), ("/x", "unknown.example", "/x")):
                r = c.get(target, host=host)
                self.assertEqual(r.status, 308)
                self.assertEqual(r.field("location"), f"https://{host.split(':')[0].lower()}:{port}{expected}")
                self.assertEqual(r.body, b"")
            r = c.request("POST", body=b"x" * 10).final()
            self.assertEqual((r.status, r.closes), (308, True))
        self.assertEqual(o.requests, [])
        with Client(g.addresses[1], tls=self.authority.client()) as c:
            self.assertEqual(c.get().status, 200)
        self.assertEqual(eventually(g.records)[0]["status"], 308)

    def test_without_a_listener_for_it(self):
        g = self.gate(conf(shard("one", "127.0.0.1:1"), listen=("127.0.0.1:0 {\n  redirect https\n}",)), wait=False, may_fail=True)
        g.log.wait("error: no listener has a certificate")
        self.assertEqual(g.wait_end(), 1)


class ClientCertificates(TLSCase):
    def setUp(self):
        super().setUp()
        self.clients = Authority(self.directory, "clients")
        self.good = self.clients.issue("good", "client.example")
        self.foreign = self.authority.issue("foreign", "client.example")

    def status(self, gate, certificate, version=None):
        with self.client(gate, certificate=certificate, version=version) as c:
            return c.get().status

    def test_required(self):
        g = self.secure(self.origin(), block=[f"client-certificate required ca {self.clients.path}"])
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(self.status(g, self.good, version), 200)
            for bad in (None, self.foreign):
                with self.assertRaises((OSError, EOFError)):
                    self.status(g, bad, version)
        eventually(lambda: g.metrics().value("gatehouse_tls_handshakes_total", result="failed") == 4)
        self.assertEqual(g.metrics().value("gatehouse_tls_handshakes_total", result="full"), 2)

    def test_optional(self):
        g = self.secure(self.origin(), block=[f"client-certificate optional ca {self.clients.path}"])
        self.assertEqual(self.status(g, self.good), 200)
        self.assertEqual(self.status(g, None), 200)
        with self.assertRaises((OSError, EOFError)):
            self.status(g, self.foreign)

    def test_a_session_of_who_showed_none_is_not_taken_up_where_one_is_required(self):
        tickets = os.path.join(self.directory, "tickets")
        with open(tickets, "wb") as file:
            file.write(bytes(80))
        o = self.origin()
        lax = self.secure(o, block=[f"tls-tickets {tickets}"])
        strict = self.secure(o, block=[f"tls-tickets {tickets}", f"client-certificate required ca {self.clients.path}"])
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.authority.client(version=version)
            with Client(lax.address, tls=context) as c:
                c.get()
                session = c.socket.session
            with self.assertRaises((OSError, EOFError)):
                with Client(strict.address, tls=context, session=session) as c:
                    c.get()


class ClientNames(TLSCase):
    """What a client's certificate says names the tenant."""

    def setUp(self):
        super().setUp()
        self.clients = Authority(self.directory, "clients")
        self.o = self.origin()

    def start(self, *resolve, need="required", block=()):
        return self.secure(self.o, block=[f"client-certificate {need} ca {self.clients.path}", *block], resolve=resolve,
                           tenants=[tenant(name, home="one") for name in ("acme", "globex", "initech")])

    def named(self, gate, certificate, host="none.example", **keywords):
        """The tenant that a request of somebody with this certificate is of, or the code of its refusal."""
        with self.client(gate, certificate=certificate, **keywords) as c:
            r = c.get(host=host)
        return self.o.last.field("x-tenant-id") if r.status == 200 else r.code

    def test_by_uri(self):
        g = self.start("client-certificate uri spiffe://corp.example/tenant/")
        for number, (uris, expected) in enumerate((
                (["spiffe://corp.example/tenant/globex/web"], "globex"), (["https://a.example/", "spiffe://corp.example/tenant/globex"], "globex"),
                (["spiffe://corp.example/tenant/acme?x"], "acme"), (["spiffe://corp.example/tenant/"], "tenant_unknown"),
                (["spiffe://corp.example.evil/tenant/globex"], "tenant_unknown"), (["spiffe://corp.example/tenant/nobody"], "tenant_unknown"))):
            pair = self.clients.issue(f"c{number}", subject="globex", others=[f"URI:{uri}" for uri in uris])
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.assertEqual(self.named(g, pair, version=version), expected, uris)
        self.assertEqual(eventually(lambda: len(g.records()) == 12 and g.records())[0]["tenant_source"], "certificate")

    def test_by_name_and_by_common_name(self):
        g = self.start("client-certificate dns of clients.example")
        self.assertEqual(self.named(g, self.clients.issue("a", "x.example", "GLOBEX.clients.example")), "globex")
        self.assertEqual(self.named(g, self.clients.issue("b", "a.globex.clients.example", "*.clients.example", "clients.example")), "tenant_unknown")
        g = self.start("client-certificate common-name")
        self.assertEqual(self.named(g, self.clients.issue("c", subject="/O=Acme, Inc./CN=other/CN=initech", others=["email:a@b.example"])), "initech")
        self.assertEqual(self.named(g, self.clients.issue("d", subject="nobody")), "tenant_unknown")

    def test_beside_other_sources(self):
        g = self.start("host", "client-certificate common-name")
        self.assertEqual(self.named(g, self.clients.issue("a", "acme"), host="acme.example"), "acme")
        self.assertEqual(self.named(g, self.clients.issue("b", "globex"), host="acme.example"), "tenant_conflict")
        self.assertEqual(self.named(g, self.clients.issue("c", "nobody"), host="acme.example"), "tenant_conflict")

    def test_who_shows_none_is_named_by_nothing(self):
        g = self.start("host", "client-certificate common-name", need="optional")
        self.assertEqual(self.named(g, None), "tenant_unknown")
        self.assertEqual(self.named(g, None, host="acme.example"), "acme")

    def test_streams_and_resumed_sessions(self):
        g = self.start("client-certificate common-name", block=["protocols h2 http/1.1"])
        context = self.authority.client(alpn=["h2"], certificate=self.clients.issue("c", "globex"))
        with Frames(g.address, socket=context.wrap_socket(dial(g.address, 10), server_hostname="acme.example")) as c:
            self.assertEqual([c.get().status for _ in range(3)], [200] * 3)
        self.assertEqual(self.o.last.field("x-tenant-id"), "globex")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.authority.client(version=version, certificate=self.clients.issue("d", "initech"))
            with Client(g.address, tls=context) as c:
                c.get()
                session = c.socket.session
            with Client(g.address, tls=context, session=session) as c:
                self.assertTrue(c.socket.session_reused)
                self.assertEqual(c.get().status, 200)
                self.assertEqual(self.o.last.field("x-tenant-id"), "initech")
