"""HTTP/2 over TLS: agreed on by ALPN, or not."""
import os
import ssl
import subprocess

from harness import Authority, Case, Client, Frames, conf, eventually, shard, tenant
from harness.client import dial


class ALPN(Case):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.certificate = self.authority.issue("acme", "acme.example")

    def secure(self, protocols, answer=None, parts=()):
        lines = ["certificate {} key {}".format(*self.certificate), *([f"protocols {protocols}"] if protocols else [])]
        self.o = self.origin(answer)
        return self.gate(conf(*parts, shard("one", self.o), tenant("acme", home="one"),
                              listen=("127.0.0.1:0 {\n" + "\n".join(f"  {line}" for line in lines) + "\n}",)))

    def frames(self, g):
        s = self.authority.client(alpn=["h2", "http/1.1"]).wrap_socket(dial(g.address, 10), server_hostname="acme.example")
        self.assertEqual(s.selected_alpn_protocol(), "h2")
        return Frames(g.address, socket=s)

    def test_both_are_offered(self):
        g = self.secure("h2 http/1.1", lambda x: x.reply(200, x.read_body()))
        with self.frames(g) as c:
            body = os.urandom(500_000)
            for _ in range(3):
                self.assertEqual(c.final(c.request("POST", body=body)).body, body)
            self.assertEqual(self.o.last.field("x-forwarded-proto"), "https")
        for alpn in (["http/1.1"], None):
            with Client(g.address, tls=self.authority.client(alpn=alpn)) as c:
                self.assertEqual([c.get().status for _ in range(2)], [200, 200])
        records = eventually(lambda: len(g.records()) == 7 and g.records())
        self.assertEqual({r["protocol"] for r in records}, {"HTTP/2.0", "HTTP/1.1"})

    def test_the_listener_prefers(self):
        for protocols, chosen in (("h2 http/1.1", "h2"), ("http/1.1 h2", "http/1.1"), ("h2", "h2"), (None, "http/1.1")):
            g = self.secure(protocols)
            with Client(g.address, tls=self.authority.client(alpn=["http/1.1", "h2"])) as c:
                self.assertEqual(c.socket.selected_alpn_protocol(), chosen, protocols)

    def test_nothing_in_common(self):
        g = self.secure("h2")
        with self.assertRaises(ssl.SSLError):
            Client(g.address, tls=self.authority.client(alpn=["http/1.1"]))

    def test_curl_and_a_stop(self):
        g = self.secure("h2 http/1.1", lambda x: x.reply(200, "x" * 300_000))
        said = subprocess.run(["curl", "-sS", "--http2", "--cacert", self.authority.path, "--resolve",
                               f"acme.example:{g.address.rpartition(':')[2]}:127.0.0.1", "-o", "out", "-w", "%{http_version} %{size_download}",
                               f"https://acme.example:{g.address.rpartition(':')[2]}/"], cwd=self.directory, capture_output=True, text=True, timeout=30)
        self.assertEqual((said.stdout, said.stderr), ("2 300000", ""))
        with self.frames(g) as c:
            self.assertEqual(len(c.get().body), 300_000)
            g.signal(15)
            self.assertEqual(c.ended(), 0)
        self.assertEqual(g.wait_end(), 0)

    def test_windows_and_other_streams(self):
        g = self.secure("h2", lambda x: x.reply(200, x.target * 10_000))
        with self.frames(g) as c:
            streams = [c.request(target=f"/{i}") for i in range(50)]
            for i, stream in enumerate(streams):
                self.assertEqual(c.final(stream).body, f"/{i}".encode() * 10_000)
