"""Interim answers: 100 Continue and 103 Early Hints."""
from harness import Case

EXPECT = b"POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"


class Continue(Case):
    def test_the_client_is_told_to_go_on_and_its_body_arrives(self):
        def answer(x):
            x.send("HTTP/1.1 100 Continue\r\n\r\n")
            x.reply(200, x.read_body())
        o = self.origin(answer)
        g = self.simple(o)
        with g.client() as c:
            for _ in range(2):
                self.assertEqual(c.send(EXPECT).head().status, 100)
                self.assertEqual(c.send(b"hello").final().body, b"hello")

    def test_a_refusal_comes_instead_of_a_100(self):
        o = self.origin(lambda x: x.reply(417, "no", [("Connection", "close")], reason="Expectation Failed") and x.close())
        g = self.simple(o)
        with g.client() as c:
            self.assertEqual(c.send(EXPECT).head().status, 417)

    def test_a_refusal_of_the_proxys_own_comes_instead_of_a_100(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            r = c.send(EXPECT.replace(b"acme", b"nobody")).response()
            self.assert_refused(r, 404, "tenant_unknown")
        self.assertEqual(o.requests, [])

    def test_a_body_that_does_not_wait_is_fine(self):
        def answer(x):
            x.send("HTTP/1.1 100 Continue\r\n\r\n")
            x.reply(200, x.read_body())
        g = self.simple(self.origin(answer))
        with g.client() as c:
            self.assertEqual(c.send(EXPECT + b"hello").final().body, b"hello")
            self.assertEqual(c.send(EXPECT + b"world").final().body, b"world")

    def test_an_origin_that_says_no_100_gets_the_body_when_it_comes(self):
        g = self.simple(self.origin(lambda x: x.reply(200, x.read_body())))
        with g.client() as c:
            self.assertEqual(c.send(EXPECT + b"hello").final().body, b"hello")

    def test_an_unknown_expectation_is_not_taken_for_100_continue(self):
        g = self.simple(self.origin(lambda x: x.reply(200, x.read_body())))
        with g.client() as c:
            r = c.send(EXPECT.replace(b"100-continue", b"42-miracles") + b"hello").response()
            self.assertIn(r.status, (200, 417))


class EarlyHints(Case):
    def test_103_arrives_before_the_answer(self):
        def answer(x):
            x.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
                   "HTTP/1.1 103 Early Hints\r\nLink: </more.css>; rel=preload\r\n\r\n")
            x.reply(200, "page")
        o = self.origin(answer)
        g = self.simple(o)
        with g.client() as c:
            for _ in range(2):
                first, second, last = c.request().response(), c.response(), c.response()
                self.assertEqual([(r.status, r.field("link")) for r in (first, second)],
                                 [(103, "</style.css>; rel=preload"), (103, "</more.css>; rel=preload")])
                self.assertEqual((last.status, last.body), (200, b"page"))
        self.assertEqual(len(o.used_connections), 1)

    def test_interim_answers_do_not_count_as_answers(self):
        o = self.origin(lambda x: x.send("HTTP/1.1 103 Early Hints\r\n\r\n").reply(200, "page"))
        g = self.simple(o)
        with g.client() as c:
            c.get()
        self.assertEqual(g.metrics().value("gatehouse_requests_total", tenant="acme"), 1)
        self.assertEqual(g.metrics().value("gatehouse_requests_total", tenant="acme", code="2xx"), 1)
