"""Other people's clients of HTTP/2."""
import os
import re
import subprocess

from harness import BOTH, HTTP2, Case


class Tools(Case):
    def run_tool(self, *command):
        done = subprocess.run(command, cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_curl(self):
        g = self.simple(self.origin(lambda x: x.reply(200, x.read_body() or x.target)), listen=[HTTP2, BOTH])
        host = ["-H", "Host: acme.example"]
        for address in g.addresses:
            # One request each: curl 7.88 can't use such a connection again, whatever the server.
            said = self.run_tool("curl", "-sS", "--http2-prior-knowledge", "-w", " %{http_version}", *host, f"http://{address}/a")
            self.assertEqual(said, b"/a 2")
        body = os.urandom(3_000_000)
        with open(os.path.join(self.directory, "body"), "wb") as file:
            file.write(body)
        self.run_tool("curl", "-sS", "--http2-prior-knowledge", *host, "--data-binary", "@body", "-o", "back", f"http://{g.address}/")
        with open(os.path.join(self.directory, "back"), "rb") as file:
            self.assertEqual(file.read(), body)
        self.assertEqual(self.run_tool("curl", "-sS", "--http1.1", *host, f"http://{g.addresses[1]}/c"), b"/c")

    def test_nghttp(self):
        g = self.simple(self.origin(lambda x: x.reply(200, b"x" * 200_000)), listen=[HTTP2])
        said = self.run_tool("nghttp", "-nv", "-H", ":authority: acme.example", "-m", "20", f"http://{g.address}/").decode()
        self.assertEqual(len(re.findall(r":status: 200", said)), 20)
        self.assertNotIn("RST_STREAM", said)

    def test_h2load(self):
        g = self.simple(self.origin(lambda x: x.reply(200, b"y" * 1000)), listen=[HTTP2])
        for options in (["-n", "2000", "-c", "4", "-m", "25"], ["-n", "400", "-c", "2", "-m", "100", "-w", "10", "-W", "12"]):
            said = self.run_tool("h2load", *options, "-H", ":authority: acme.example", f"http://{g.address}/").decode()
            self.assertIn(f"{options[1]} succeeded, 0 failed, 0 errored, 0 timeout", said)
        self.assertEqual(g.metrics().value("gatehouse_requests_total", code="2xx"), 2400)
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight"), 0)
