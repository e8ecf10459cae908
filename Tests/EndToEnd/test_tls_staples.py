"""OCSP answers that are shown beside certificates."""
import os
import re
import shutil
import subprocess

from harness import Authority, conf, eventually, shard, tenant
from test_tls import TLSCase


class Staples(TLSCase):
    def setUp(self):
        super().setUp()
        self.leaf, self.key = self.certificate

    def file(self, name):
        return os.path.join(self.directory, name)

    def chain(self):
        """The certificate with its issuer behind it."""
        path = self.file("chain.pem")
        with open(path, "w") as file:
            file.write(open(self.leaf).read() + open(self.authority.path).read())
        return path

    def shown(self, gate, *options, name="acme.example"):
        """What a client that asks for it is shown: an answer, verified by the client, or none."""
        said = subprocess.run(["openssl", "s_client", "-connect", gate.address, "-servername", name, "-status", "-CAfile", self.authority.path,
                               *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30).stdout
        if "OCSP response: no response sent" in said:
            return None
        self.assertIn("OCSP Response Status: successful", said)
        self.assertIn("Cert Status: good", said)
        return re.search(r"Serial Number: (\w+)", said).group(1)

    def stale(self, path):
        """The same answer as of long ago; its signature is void then."""
        with open(path, "rb") as file:
            text = file.read()
        times = [m.start() for m in re.finditer(rb"20\d{12}Z", text)]
        for place in times[1:3]:
            text = text[:place] + b"2020" + text[place + 4:]
        with open(path, "wb") as file:
            file.write(text)

    def test_an_answer_is_shown_to_who_asks(self):
        answer = self.authority.vouch(self.leaf, self.file("acme.ocsp"))
        for chain in (self.leaf, self.chain()):
            g = self.secure(self.origin(), block=[f"certificate {chain} key {self.key} ocsp {answer}"],
                            certificates=[self.authority.issue("other", "other.example")])
            self.assertEqual(g.log.text().count("warning"), 0)
            for version in ("-tls1_2", "-tls1_3"):
                self.assertIsNotNone(self.shown(g, version))
                self.assertIsNone(self.shown(g, version, name="other.example"))
            with self.client(g) as c:
                self.assertEqual(c.get().status, 200)

    def test_what_is_no_good_is_told_and_not_shown(self):
        other = self.authority.issue("other", "other.example")
        stranger = Authority(self.directory, "stranger")
        rows = []
        with open(self.file("nothing.ocsp"), "w") as file:
            file.write("nothing\n")
        rows.append((self.file("nothing.ocsp"), "holds no answer of an OCSP responder (DER)"))
        rows.append((self.authority.vouch(other[0], self.file("other.ocsp")), "holds an OCSP answer that is not about the certificate, or not by its issuer"))
        rows.append((self.authority.vouch(self.leaf, self.file("forged.ocsp"), by=stranger), rows[-1][1]))
        rows.append((self.authority.vouch(self.leaf, self.file("revoked.ocsp"), revoked=True), "holds an OCSP answer that the certificate is revoked"))
        rows.append((self.authority.vouch(self.leaf, self.file("stale.ocsp")), "holds an OCSP answer that is not good now"))
        self.stale(rows[-1][0])
        for answer, reason in rows:
            # Whether an answer is stale is seen without its issuer, whose signature is void then.
            chain = self.leaf if "stale" in answer else self.chain()
            g = self.secure(self.origin(), block=[f"certificate {chain} key {self.key} ocsp {answer}"], certificates=[other])
            self.assertIn(f"warning: '{answer}' {reason}, and is not shown", g.log.text())
            self.assertIsNone(self.shown(g), answer)
        g = self.gate(conf(shard("one", "127.0.0.1:1"), listen=(
            f"127.0.0.1:0 {{\n  certificate {self.leaf} key {self.key} ocsp none.ocsp\n}}",)), wait=False, may_fail=True)
        g.log.wait("error: 'none.ocsp' can't be read")
        self.assertEqual(g.wait_end(), 1)

    def test_answers_in_a_directory_are_swapped(self):
        folder = self.file("tenants")
        os.mkdir(folder)
        shutil.copy(self.chain(), f"{folder}/acme.pem")
        shutil.copy(self.key, f"{folder}/acme.key")
        g = self.gate(conf(shard("one", self.origin()), tenant("acme", home="one"), listen=(f"127.0.0.1:0 {{\n  certificates {folder}\n}}",)))
        self.assertIsNone(self.shown(g))
        self.authority.vouch(self.leaf, self.file("made.ocsp"))
        os.rename(self.file("made.ocsp"), f"{folder}/acme.ocsp")
        eventually(lambda: self.shown(g) is not None)
        with open(f"{folder}/acme.ocsp", "w") as file:
            file.write("nothing\n")
        g.log.wait(r"OCSP answer not taken: .*/acme.ocsp holds no answer of an OCSP responder \(DER\); no OCSP answer is shown$")
        self.assertIsNone(self.shown(g))
        os.remove(f"{folder}/acme.ocsp")
        with self.client(g) as c:
            self.assertEqual(c.get().status, 200)
