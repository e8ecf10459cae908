"""TLS towards clients: handshakes, versions, records, sessions, ends."""
import hashlib
import os
import shutil
import socket
import ssl
import subprocess

from harness import Authority, Case, Client, Gate, conf, eventually, openssl, shard, tenant


class TLSCase(Case):
    """A proxy whose listener has a certificate for acme.example."""

    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.certificate = self.authority.issue("acme", "acme.example", "*.acme.example")

    def secure(self, *origins, block=(), certificates=None, parts=(), tenants=None, resolve=("host",), **keywords):
        lines = [f"certificate {c} key {k}" for c, k in (certificates or [self.certificate])]
        listen = "127.0.0.1:0 {\n" + "\n".join(f"  {line}" for line in [*lines, *block]) + "\n}"
        return self.gate(conf(*parts, shard("one", *origins), *(tenants or [tenant("acme", home="one")]), listen=(listen,), resolve=resolve),
                         **keywords)

    def client(self, gate, name="acme.example", session=None, **keywords):
        return Client(gate.address, tls=self.authority.client(**keywords), name=name, session=session)


class Handshake(TLSCase):
    def test_anything_gets_through_at_all(self):
        o = self.origin()
        g = self.secure(o)
        with self.client(g) as c:
            self.assertEqual(c.socket.version(), "TLSv1.3")
            self.assertEqual(c.socket.selected_alpn_protocol(), "http/1.1")
            for _ in range(3):
                self.assertEqual(c.get().body, b"origin")
        self.assertEqual(o.last.field("x-forwarded-proto"), "https")
        self.assertEqual(len(o.used_connections), 1)

    def test_versions_are_those_of_the_mozilla_profile(self):
        g = self.secure(self.origin())
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.client(g, version=version) as c:
                self.assertEqual(c.get().status, 200)
        old = subprocess.run(["openssl", "s_client", "-connect", g.address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertIn("alert protocol version", old.stdout + old.stderr)

    def test_versions_and_ciphers_are_chosen(self):
        g = self.secure(self.origin(), block=["tls-versions 1.2", "tls-ciphers ECDHE-ECDSA-CHACHA20-POLY1305"])
        with self.client(g) as c:
            self.assertEqual(c.socket.cipher()[:2], ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2"))
        with self.assertRaises(ssl.SSLError):
            self.client(g, version=ssl.TLSVersion.TLSv1_3)
        g = self.secure(self.origin(), block=["tls-versions 1.3", "tls-ciphersuites TLS_AES_256_GCM_SHA384"])
        with self.client(g) as c:
            self.assertEqual(c.socket.cipher()[0], "TLS_AES_256_GCM_SHA384")

    def test_protocols_that_nobody_speaks_are_refused(self):
        g = self.secure(self.origin())
        with self.assertRaises(ssl.SSLError):
            self.client(g, alpn=("foo",))
        with self.client(g, alpn=()) as c:
            self.assertIsNone(c.socket.selected_alpn_protocol())
            self.assertEqual(c.get().status, 200)

    def test_a_handshake_in_small_pieces(self):
        """Each byte of the client's flights comes alone."""
        g = self.secure(self.origin())
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = self.authority.client().wrap_bio(into, out, server_hostname="acme.example")
        with socket.create_connection(tuple(g.address.split(":"))) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def push():
                for byte in out.read():
                    s.send(bytes([byte]))

            def drive(step):
                while True:
                    try:
                        result = step()
                        push()
                        return result
                    except ssl.SSLWantReadError:
                        push()
                        into.write(s.recv(7))
            drive(session.do_handshake)
            drive(lambda: session.write(b"GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n"))
            self.assertTrue(drive(lambda: session.read(1000)).startswith(b"HTTP/1.1 200"))

    def test_who_speaks_in_clear_is_let_go(self):
        g = self.secure(self.origin())
        with Client(g.address) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n")
            self.assertNotIn(b"HTTP/1.1", c.rest() if not c.is_closed() else b"")

    def test_a_handshake_that_rests_ends(self):
        g = self.secure(self.origin(), parts=["timeouts {\n  header 300ms\n}"])
        with Client(g.address) as idle, Client(g.address) as half:
            half.send(b"\x16\x03\x01\x02\x00\x01")
            self.assertTrue(idle.is_closed())
            self.assertTrue(half.is_closed())
        eventually(lambda: g.metrics().value("gatehouse_client_connections") == 0)


class Reload(TLSCase):
    def text(self, *lines):
        block = "127.0.0.1:0 {\n" + "".join(f"  {line}\n" for line in lines) + "}"
        return conf(shard("one", self.o), tenant("acme", home="one"), listen=(block,))

    def setUp(self):
        super().setUp()
        self.o = self.origin()

    def test_a_listener_begins_and_ceases_to_speak_tls(self):
        g = self.gate(self.text())
        line = "certificate {} key {}".format(*self.certificate)
        with Client(g.address) as old:
            self.assertEqual(old.get().status, 200)
            g.reload(self.text(line))
            self.assertEqual(old.get().status, 200)
            with self.client(g) as c:
                self.assertEqual(c.get().status, 200)
                g.reload(self.text())
                self.assertEqual(c.get().status, 200)
        with Client(g.address) as c:
            self.assertEqual(c.get().status, 200)

    def test_files_are_read_again(self):
        g = self.gate(self.text("certificate {} key {}".format(*self.certificate)))
        with self.client(g) as c:
            first = c.socket.getpeercert()["serialNumber"]
        self.authority.issue("acme", "acme.example")
        with self.client(g) as c:
            self.assertEqual(c.socket.getpeercert()["serialNumber"], first)
        g.reload()
        with self.client(g) as c:
            self.assertNotEqual(c.socket.getpeercert()["serialNumber"], first)

    def test_a_handshake_under_way_outlives_a_drain(self):
        g = self.gate(self.text("certificate {} key {}".format(*self.certificate)))
        with Client(g.address) as c:
            eventually(lambda: g.metrics().value("gatehouse_client_connections") == 1)
            g.signal(15)
            g.log.wait("draining")
            c.socket = self.authority.client().wrap_socket(c.socket, server_hostname="acme.example")
            r = c.get()
            self.assertEqual((r.status, r.closes), (200, True))
        self.assertEqual(g.wait_end(), 0)


class Passing(TLSCase):
    def test_large_bodies_pass_both_ways(self):
        sent = bytes(range(256)) * 16_384

        def answer(x):
            x.reply(200, x.read_body())
        g = self.secure(self.origin(answer))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.client(g, version=version) as c:
                for size in (1, 8_191, 16_383, 16_384, 16_385, 70_000, len(sent)):
                    body = c.request("POST", body=sent[:size]).final().body
                    self.assertEqual(hashlib.sha1(body).digest(), hashlib.sha1(sent[:size]).digest(), size)

    def test_a_slow_reader_gets_all(self):
        """The kernel's buffers are full for most of the time; what OpenSSL was offered once is offered again."""
        body = b"0123456789abcdef" * (1 << 19)
        g = self.secure(self.origin(lambda x: x.reply(200, body)))
        with self.client(g) as c:
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 200_000)
            self.assertEqual(hashlib.sha1(c.get().body).digest(), hashlib.sha1(body).digest())

    def test_pipelined_requests(self):
        g = self.secure(self.origin(lambda x: x.reply(200, x.target)))
        with self.client(g) as c:
            count = 200
            c.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: acme.example\r\n\r\n" % i for i in range(count)))
            self.assertEqual([c.response().body for _ in range(count)], [b"/%d" % i for i in range(count)])

    def test_curl_gets_through(self):
        g = self.secure(self.origin())
        port = g.address.rpartition(":")[2]
        said = subprocess.run(["curl", "-sS", "--cacert", self.authority.path, "--resolve", f"acme.example:{port}:127.0.0.1",
                               f"https://acme.example:{port}/"], capture_output=True, timeout=30)
        self.assertEqual((said.stdout, said.stderr), (b"origin", b""))

    def test_an_orderly_end_is_told(self):
        """`Connection: close` ends with close_notify, so that no answer can be cut short unnoticed."""
        g = self.secure(self.origin())
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.client(g, version=version) as c:
                c.request(fields=[("Connection", "close")])
                self.assertEqual(c.final().status, 200)
                self.assertEqual(c.rest(), b"")

    def test_an_answer_that_breaks_is_no_orderly_end(self):
        def answer(x):
            x.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            x.close()
        g = self.secure(self.origin(answer))
        with self.client(g) as c:
            with self.assertRaises((EOFError, OSError)) as caught:
                c.get()
            self.assertNotIsInstance(caught.exception, EOFError)

    def test_a_client_that_goes_is_noticed(self):
        """The backend's connection is closed when a client that waits for an answer goes, with or without a word."""
        def answer(x):
            self.assertTrue(x.wait_gone())
        for says_so in (True, False):
            o = self.origin(answer)
            g = self.secure(o)
            c = self.client(g).request()
            o.wait(1)
            if says_so:
                c.socket.settimeout(1)
                try:
                    c.socket.unwrap()
                except OSError:
                    pass
            c.close()
            eventually(lambda: g.metrics().value("gatehouse_client_connections") == 0)


class Sessions(TLSCase):
    def resume(self, gate, first=None, version=None):
        """Whether a second connection takes up the session of a first one."""
        context = self.authority.client(version=version)
        with Client((first or gate).address, tls=context) as c:
            c.get()
            session = c.socket.session
        with Client(gate.address, tls=context, session=session) as c:
            self.assertEqual(c.get().status, 200)
            return c.socket.session_reused

    def test_sessions_are_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            g = self.secure(self.origin())
            self.assertTrue(all(self.resume(g, version=version) for _ in range(4)))

    def test_they_outlive_a_reload(self):
        g = self.secure(self.origin())
        context = self.authority.client()
        with Client(g.address, tls=context) as c:
            c.get()
            session = c.socket.session
        g.reload()
        with Client(g.address, tls=context, session=session) as c:
            c.get()
            self.assertTrue(c.socket.session_reused)

    def test_off(self):
        g = self.secure(self.origin(), block=["tls-tickets off"])
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.authority.client(version=version)
            with Client(g.address, tls=context) as c:
                c.get()
                self.assertFalse(c.socket.session and c.socket.session.has_ticket)

    def test_replicas_share_a_file(self):
        def file(name, *keys):
            with open(f"{self.directory}/{name}", "wb") as f:
                f.write(b"".join(keys))
            return f"tls-tickets {self.directory}/{name}"
        a, b, c = (bytes([n]) * 80 for n in (1, 2, 3))
        old, new, other = file("old", a), file("new", b, a), file("other", c)
        o = self.origin()
        first, second, third = (self.secure(o, block=[line]) for line in (old, new, other))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertTrue(self.resume(second, first, version))
            self.assertFalse(self.resume(first, second, version))
            self.assertFalse(self.resume(third, first, version))


class Check(TLSCase):
    def said(self, config):
        g = Gate(config, self.directory, wait=False, command=("check", "-c", "proxy.conf"))
        code = g.wait_end(patience=60)
        eventually(lambda: g.output.ended)
        return code, g.output.text()

    def text(self, *lines):
        return "shard one {\n  backend 127.0.0.1:1\n}\nlisten 127.0.0.1:0 {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"

    def test_what_is_wrong_with_files(self):
        self.authority.issue("other", "other.example")
        openssl("ec", "-in", f"{self.directory}/acme.key", "-aes128", "-passout", "pass:x", "-out", f"{self.directory}/locked.key")
        with open(f"{self.directory}/broken.pem", "w") as f:
            f.write(open(f"{self.directory}/acme.pem").read().replace("MII", "MIJ"))
        for line, place, words in (
                ("certificate acme.pem key acme.key", None, None),
                ("certificate none.pem key acme.key", "5:15", "'none.pem' can't be read: no such file"),
                ("certificate acme.pem key none.key", "5:28", "'none.key' can't be read: no such file"),
                ("certificate acme.key key acme.key", "5:15", "'acme.key' holds no certificate in PEM form"),
                ("certificate acme.pem key acme.pem", "5:28", "'acme.pem' holds no private key in PEM form"),
                ("certificate acme.pem key other.key", "5:28", "'other.key' is not the private key of the certificate"),
                ("certificate acme.pem key locked.key", "5:28", "'locked.key' holds a private key that is protected by a passphrase"),
                ("certificate broken.pem key acme.key", "5:15", "'broken.pem' holds a certificate, number 1, that can't be read")):
            with self.subTest(line):
                code, text = self.said(self.text(line))
                if place is None:
                    self.assertEqual((code, text.count("\n")), (0, 0), text)
                else:
                    self.assertEqual(code, 1, text)
                    self.assertIn(f"proxy.conf:{place}: error: {words}", text)

    def test_a_broken_pair_of_a_directory_is_warned_of(self):
        self.authority.issue("other", "other.example")
        os.mkdir(f"{self.directory}/tenants")
        for name, key in (("good", "acme"), ("bad", "other")):
            shutil.copy(f"{self.directory}/acme.pem", f"{self.directory}/tenants/{name}.pem")
            shutil.copy(f"{self.directory}/{key}.key", f"{self.directory}/tenants/{name}.key")
        code, text = self.said(self.text("certificates tenants"))
        self.assertEqual(code, 0, text)
        self.assertIn("proxy.conf:5:16: warning: 'tenants/bad.key' is not the private key of the certificate", text)

    def test_every_pair_of_a_large_directory_is_read(self):
        """Beyond 4,096 pairs, which `run` loads when they are asked for."""
        folder = f"{self.directory}/tenants"
        os.mkdir(folder)
        self.authority.issue("other", "other.example")
        self.authority.issue("old", "old.example", days=-1)

        def put(name, pem, key):
            os.link(f"{self.directory}/{pem}.pem", f"{folder}/{name}.pem")
            os.link(f"{self.directory}/{key}.key", f"{folder}/{name}.key")
        for i in range(4200):
            put(f"t{i}", "acme", "acme")
        put("a-mismatch", "acme", "other")
        put("b-old", "old", "old")
        with open(f"{folder}/c-broken.pem", "w") as f:
            f.write("nothing\n")
        config = self.text("certificates tenants")
        code, text = self.said(config)
        self.assertEqual(code, 0, text)
        for line in ("'tenants/a-mismatch.key' is not the private key of the certificate", "'tenants/b-old.pem' has expired on ",
                     "'tenants/c-broken.key' can't be read: "):
            self.assertIn(f"proxy.conf:5:16: warning: {line}", text)
        self.assertEqual(text.count("warning"), 3, text)
        for i in range(50):
            put(f"d-mismatch-{i}", "acme", "other")
        code, text = self.said(config)
        self.assertEqual((code, text.count("warning: ")), (0, 20), text)
        self.assertIn("\n53 warnings, the first 20 of them shown\n", text)

    def test_an_expired_pair_of_a_directory_is_warned_of(self):
        os.mkdir(f"{self.directory}/tenants")
        for kind, made in zip(("pem", "key"), self.authority.issue("old", "old.example", days=-1)):
            shutil.copy(made, f"{self.directory}/tenants/old.{kind}")
        code, text = self.said(self.text("certificates tenants"))
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"proxy\.conf:5:16: warning: 'tenants/old\.pem' has expired on \d{4}-\d\d-\d\d(\n|$)")

    def test_a_certificate_that_has_expired_is_warned_of(self):
        self.authority.issue("old", "old.example", days=-1)
        code, text = self.said(self.text("certificate old.pem key old.key"))
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"proxy\.conf:5:15: warning: 'old\.pem' has expired on \d{4}-\d\d-\d\d(\n|$)")
