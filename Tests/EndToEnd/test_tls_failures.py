"""Why handshakes fail: counted by kind, told in a line, never in too many."""
import ssl
import subprocess
import time

from harness import Authority, Client, eventually, get
from test_tls import TLSCase
from test_tls_backends import BackendCase


def counted(gate, side):
    return {row[1]["reason"]: row[2] for row in gate.metrics().named("gatehouse_tls_handshake_failures_total") if row[1]["side"] == side}


class OfClients(TLSCase):
    def test_each_has_its_reason(self):
        g = self.secure(self.origin(), parts=["timeouts {\n  header 300ms\n}"])
        with self.assertRaises(ssl.SSLError):
            self.client(g, alpn=("foo",))
        eventually(lambda: counted(g, "client") == {"agreement": 1})
        g.log.wait(r"TLS handshake of client 127\.0\.0\.1 failed: .*no application protocol$")
        old = subprocess.run(["openssl", "s_client", "-connect", g.address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertIn("alert protocol version", old.stdout + old.stderr)
        eventually(lambda: counted(g, "client") == {"agreement": 2})
        g.log.wait(r"TLS handshake of client 127\.0\.0\.1 failed: unsupported protocol$")
        with Client(g.address) as c:
            c.send("GET / HTTP/1.1\r\n\r\n").rest()
        g.log.wait(r"TLS handshake of client 127\.0\.0\.1 failed: http request$")
        context = ssl.create_default_context()
        with self.assertRaises(ssl.SSLError):
            Client(g.address, tls=context)
        g.log.wait(r"TLS handshake of client 127\.0\.0\.1 failed: .*alert unknown ca$")
        with Client(g.address) as c:
            c.send(b"\x16\x03\x01")
        with Client(g.address) as c:
            self.assertTrue(c.is_closed())
        eventually(lambda: counted(g, "client") == {"agreement": 2, "malformed": 1, "alert": 1, "closed": 1, "timeout": 1})
        self.assertEqual(g.metrics().value("gatehouse_tls_handshakes_total", result="failed"), 6)
        self.assertNotIn("was not through in time", g.log.text())

    def test_a_flood_is_a_line(self):
        g = self.secure(self.origin())
        for _ in range(200):
            with Client(g.address) as c:
                c.send("GET / HTTP/1.1\r\n\r\n").rest()
        eventually(lambda: counted(g, "client") == {"malformed": 200})
        time.sleep(0.6)
        self.assertEqual(g.log.text().count("TLS handshake"), 1)

    def test_no_certificate_where_one_is_required(self):
        clients = Authority(self.directory, "clients")
        g = self.secure(self.origin(), block=[f"client-certificate required ca {clients.path}"])
        for certificate in (None, self.certificate):
            with self.assertRaises((OSError, EOFError)):
                with self.client(g, certificate=certificate) as c:
                    c.get()
        eventually(lambda: counted(g, "client") == {"certificate": 2})
        g.log.wait(r"TLS handshake of client 127\.0\.0\.1 failed: peer did not return a certificate$")
        g.log.wait(r"TLS handshake of client 127\.0\.0\.1 failed: (unable to get local issuer certificate|self-signed certificate.*)$")


class OfBackends(BackendCase):
    def test_a_backend_that_can_not_prove_itself(self):
        o = self.secure(certificate=Authority(self.directory, "stranger").issue("x", "orders.internal", ip="127.0.0.1"))
        g = self.running(o)
        self.assert_refused(get(g.address), 502, "connect_failed")
        g.log.wait(rf"TLS handshake with backend {o.address} of shard one failed: unable to get local issuer certificate$")
        self.assertEqual(list(counted(g, "backend")), ["certificate"])
        o = self.secure(certificate=self.authority.issue("y", "other.internal"))
        g = self.running(o, lines=["protocol h2"])
        self.assert_refused(get(g.address), 502, "connect_failed")
        g.log.wait(rf"TLS handshake with backend {o.address} of shard one failed: IP address mismatch$")

    def test_a_backend_that_does_not_speak_it(self):
        o = self.origin()
        g = self.running(o)
        self.assert_refused(get(g.address), 502, "connect_failed")
        g.log.wait(rf"TLS handshake with backend {o.address} of shard one failed: ")
        g = self.running(self.secure(), lines=["protocol h2"])
        self.assert_refused(get(g.address), 502, "connect_failed")
        g.log.wait(r"of shard one failed: no agreement on a protocol$")
        self.assertEqual(list(counted(g, "backend")), ["agreement"])

    def test_who_is_not_there_has_no_handshake(self):
        g = self.running("127.0.0.1:1")
        self.assert_refused(get(g.address), 502, "connect_failed")
        self.assertEqual(counted(g, "backend"), {})
        self.assertNotIn("TLS handshake", g.log.text())

    def test_a_health_check_tells_too(self):
        o = self.secure(certificate=Authority(self.directory, "stranger").issue("x", "orders.internal", ip="127.0.0.1"))
        g = self.running(o, lines=["health GET /healthz every 100ms timeout 1s rise 1 fall 1"])
        g.log.wait(rf"TLS handshake with backend {o.address} of shard one failed: unable to get local issuer certificate$")
        eventually(lambda: counted(g, "backend")["certificate"] >= 3)
        self.assertEqual(g.log.text().count("TLS handshake"), 1)
