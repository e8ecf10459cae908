"""What other people's TLS says to ours: openssl s_client and curl."""
import os
import subprocess

from harness import Authority
from test_tls import TLSCase


class Tools(TLSCase):
    def client_of_openssl(self, gate, *options, text="GET / HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\n\r\n"):
        """What s_client says of the connection, and what it received."""
        said = subprocess.run(["openssl", "s_client", "-connect", gate.address, "-servername", "acme.example", "-CAfile", self.authority.path,
                               "-verify_hostname", "acme.example", "-ign_eof", *options],
                              input=text, capture_output=True, text=True, timeout=30)
        return said.stdout + said.stderr

    def curl(self, gate, *options):
        port = gate.address.rpartition(":")[2]
        said = subprocess.run(["curl", "-sS", "--cacert", self.authority.path, "--resolve", f"acme.example:{port}:127.0.0.1",
                               "-w", "%{http_code} %{http_version}", "-o", "out", *options, f"https://acme.example:{port}/"],
                              cwd=self.directory, capture_output=True, text=True, timeout=30)
        return said.stdout if said.returncode == 0 else said.stderr

    def test_versions_and_groups(self):
        g = self.secure(self.origin())
        for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            for group in ("X25519", "P-256", "P-384"):
                said = self.client_of_openssl(g, option, "-groups", group if group == "P-256" else f"{group}:P-256")
                self.assertIn("Verify return code: 0 (ok)", said)
                self.assertIn(f"{version}, Cipher is", said)
                self.assertIn("HTTP/1.1 200 OK", said)
        said = self.client_of_openssl(g, "-tls1_2", "-cipher", "AES128-SHA:ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256")
        self.assertIn("alert handshake failure", said)

    def test_sessions_are_taken_up(self):
        g = self.secure(self.origin())
        for option in ("-tls1_2", "-tls1_3"):
            session = os.path.join(self.directory, f"session{option}")
            self.assertIn("New, TLSv1", self.client_of_openssl(g, option, "-sess_out", session))
            self.assertIn("Reused, TLSv1", self.client_of_openssl(g, option, "-sess_in", session))
        self.assertEqual(g.metrics().value("gatehouse_tls_handshakes_total", result="resumed"), 2)
        self.assertIn("Secure Renegotiation IS supported", self.client_of_openssl(g, "-tls1_2"))

    def test_a_renegotiation_is_refused(self):
        g = self.secure(self.origin())
        process = subprocess.Popen(["openssl", "s_client", "-connect", g.address, "-tls1_2"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertIn(b"no renegotiation", process.communicate(b"R\n", timeout=30)[0])

    def test_client_certificates(self):
        clients = Authority(self.directory, "clients")
        certificate, key = clients.issue("client", "client.example")
        g = self.secure(self.origin(), block=[f"client-certificate required ca {clients.path}", "protocols h2 http/1.1"])
        for option in ("-tls1_2", "-tls1_3"):
            said = self.client_of_openssl(g, option, "-cert", certificate, "-key", key)
            self.assertIn("HTTP/1.1 200 OK", said)
            self.assertIn("CN = Test clients", said, "the authorities that are meant are named")
            self.assertNotIn("HTTP/1.1 200 OK", self.client_of_openssl(g, option))
        for version in ("1.2", "1.3"):
            self.assertEqual(self.curl(g, "--tls-max", version, "--cert", certificate, "--key", key), "200 2")
            self.assertNotEqual(self.curl(g, "--tls-max", version)[:3], "200")

    def test_curl_by_version(self):
        g = self.secure(self.origin(), block=["protocols h2 http/1.1", "hsts 30d"])
        for version in ("1.2", "1.3"):
            self.assertEqual(self.curl(g, "--tls-max", version), "200 2")
            self.assertEqual(self.curl(g, "--tls-max", version, "--http1.1"), "200 1.1")
        self.assertEqual(self.curl(g, "--hsts", "hsts.txt"), "200 2")
        with open(os.path.join(self.directory, "hsts.txt")) as file:
            self.assertIn("acme.example", file.read())
