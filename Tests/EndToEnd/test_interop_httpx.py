"""httpx with h2: HTTP/2 by a client that others wrote."""
import asyncio
import os

from harness import Authority, Case, FramesOrigin
from harness.debian import library

library("h2")
httpx = library("httpx")


class HTTPX(Case):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        certificate, key = self.authority.issue("acme", "acme.example", ip="127.0.0.1")
        self.listen = [f"127.0.0.1:0 {{\n  certificate {certificate} key {key}\n  protocols h2 http/1.1\n}}"]

    def client(self, g, kind=None, **keywords):
        keywords.setdefault("http2", True)
        c = (kind or httpx.Client)(base_url=f"https://{g.address}", verify=self.authority.client(alpn=()), trust_env=False,
                                   headers={"Host": "acme.example"}, timeout=20, **keywords)
        return c

    def test_requests_of_all_kinds(self):
        o = self.origin(lambda x: x.reply(200, b"" if x.method == "HEAD" else x.read_body() or x.target, [("X-Method", x.method), ("Set-Cookie", "a=b")]))
        g = self.simple(o, listen=self.listen)
        sent = os.urandom(3_000_000)
        with self.client(g) as c:
            for method in ("GET", "HEAD", "DELETE", "OPTIONS", "PATCH", "QUERY"):
                r = c.request(method, "/a?b=c")
                self.assertEqual((r.status_code, r.http_version, r.headers["x-method"]), (200, "HTTP/2", method))
                self.assertEqual(r.content, b"" if method == "HEAD" else b"/a?b=c")
            self.assertEqual(c.cookies["a"], "b")
            self.assertEqual(c.post("/", content=sent).content, sent)
            self.assertEqual(c.post("/", content=iter([sent[:1000], sent[1000:2000]])).content, sent[:2000])
            with c.stream("POST", "/", content=sent) as r:
                self.assertEqual(b"".join(r.iter_bytes()), sent)
            r = c.get("/", headers={"Host": "nobody.example"})
            self.assertEqual((r.status_code, r.json()["code"]), (404, "tenant_unknown"))
        self.assertEqual({r["protocol"] for r in g.records()}, {"HTTP/2.0"})

    def test_many_at_once(self):
        for lines, origin in (([], self.origin(lambda x: x.reply(200, x.target))), (["protocol h2"], FramesOrigin(lambda x: x.reply(200, x.field(":path"))))):
            if origin not in self._origins:
                self._origins.append(origin)
            g = self.simple(origin, lines=lines, listen=self.listen)

            async def ask():
                async with self.client(g, httpx.AsyncClient, limits=httpx.Limits(max_connections=1)) as c:
                    answers = await asyncio.gather(*(c.get(f"/{i}") for i in range(100)))
                return [r.text for r in answers]
            self.assertEqual(asyncio.run(ask()), [f"/{i}" for i in range(100)])

    def test_without_http2_it_speaks_http1(self):
        g = self.simple(self.origin(), listen=self.listen)
        with self.client(g, http2=False) as c:
            self.assertEqual([c.get("/").http_version for _ in range(2)], ["HTTP/1.1"] * 2)
