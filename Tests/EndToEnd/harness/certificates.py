"""Certificates made by the openssl command, and clients that trust them."""
import os
import ssl
import subprocess


def openssl(*arguments, **keywords):
    return subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, **keywords)


class Authority:
    """Signs certificates for tests; its own is `ca.pem`."""

    def __init__(self, directory, name="ca"):
        self.directory, self.name = directory, name
        self.path = self.file(f"{name}.pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.file(f"{name}.key"),
                "-out", self.path, "-days", "30", "-subj", f"/CN=Test {name}")

    def file(self, name):
        return os.path.join(self.directory, name)

    def issue(self, file, *names, rsa=False, days=30, subject=None, ip=None, others=()):
        """Makes FILE.pem, with the chain, and FILE.key for these names, or others such as `URI:…`; returns their paths."""
        key, request, leaf = self.file(f"{file}.key"), self.file(f"{file}.csr"), self.file(f"{file}.pem")
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-newkey", *kind, "-nodes", "-keyout", key, "-out", request, "-subj", subject if (subject or "").startswith("/") else f"/CN={subject or names[0]}")
        others = [f"DNS:{n}" for n in names] + ([f"IP:{ip}"] if ip else []) + list(others)
        with open(self.file("extensions"), "w") as extensions:
            extensions.write("subjectAltName=" + ",".join(others) if others else "basicConstraints=CA:FALSE")
        openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.file(f"{self.name}.key"), "-CAcreateserial",
                "-days", str(days), "-extfile", self.file("extensions"), "-out", leaf)
        return leaf, key

    def vouch(self, leaf, file, *, days=2, revoked=False, by=None):
        """Writes the answer of an OCSP responder about a certificate of ours to `file`, signed by us or by another authority."""
        serial = openssl("x509", "-in", leaf, "-noout", "-serial").stdout.decode().strip().partition("=")[2]
        end, when = "350101000000Z", "200101000000Z,keyCompromise" if revoked else ""
        with open(self.file("index.txt"), "w") as index:
            index.write(f"{'R' if revoked else 'V'}\t{end}\t{when}\t{serial}\tunknown\t/CN=x\n")
        by = by or self
        openssl("ocsp", "-issuer", self.path, "-cert", leaf, "-no_nonce", "-reqout", self.file("request.ocsp"))
        openssl("ocsp", "-index", self.file("index.txt"), "-CA", self.path, "-rsigner", by.path, "-rkey", by.file(f"{by.name}.key"),
                "-reqin", self.file("request.ocsp"), "-respout", file, "-ndays", str(days))
        return file

    def client(self, *, alpn=("http/1.1",), version=None, certificate=None):
        """What a client that trusts this authority alone connects with."""
        context = ssl.create_default_context(cafile=self.path)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if version:
            context.minimum_version = context.maximum_version = version
        if certificate:
            context.load_cert_chain(*certificate)
        return context

    def server(self, certificate, *, required=None, alpn=None):
        """What an origin with this certificate accepts with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        context.load_cert_chain(*certificate)
        if required:
            context.load_verify_locations(required)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
