"""Backends that are wrong: 502, never a reused connection, never a broken body that looks whole, never poison for the next client."""
import threading

from harness import Case, Client, eventually, get

OK = "HTTP/1.1 200 OK\r\n"
POISON = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: yes\r\n\r\npoison"
CHUNKS = "5\r\nhello\r\n0\r\n\r\n"

HEADS = {
    "CL and TE": OK + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "TE and CL": OK + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKS,
    "two different CL": OK + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two equal CL": OK + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of CL": OK + "Content-Length: 5, 5\r\n\r\nhello",
    "a signed CL": OK + "Content-Length: +5\r\n\r\nhello",
    "a negative CL": OK + "Content-Length: -5\r\n\r\nhello",
    "an empty CL": OK + "Content-Length:\r\n\r\nhello",
    "a hexadecimal CL": OK + "Content-Length: 0x5\r\n\r\nhello",
    "a CL past 64 bits": OK + "Content-Length: 18446744073709551621\r\n\r\nhello",
    "TE identity": OK + "Transfer-Encoding: identity\r\n\r\nhello",
    "TE chunked twice": OK + "Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
    "TE in two fields": OK + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "TE chunked not last": OK + "Transfer-Encoding: chunked, gzip\r\n\r\n" + CHUNKS,
    "TE gzip": OK + "Transfer-Encoding: gzip\r\n\r\nhello",
    "TE with a control byte": OK + "Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
    "TE in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "a space before a colon": OK + "Content-Length : 5\r\n\r\nhello",
    "an empty name": OK + ": x\r\nContent-Length: 5\r\n\r\nhello",
    "a name with a space": OK + "X Y: z\r\nContent-Length: 5\r\n\r\nhello",
    "no colon": OK + "nonsense\r\nContent-Length: 5\r\n\r\nhello",
    "a folded field": OK + "X-A: b\r\n c\r\nContent-Length: 5\r\n\r\nhello",
    "bare LFs": "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "a bare LF after a field": OK + "X-A: b\nContent-Length: 5\r\n\r\nhello",
    "a bare CR in a value": OK + "X-A: b\rc\r\nContent-Length: 5\r\n\r\nhello",
    "a NUL in a value": OK + "X-A: b\x00\r\nContent-Length: 5\r\n\r\nhello",
    "a control byte in the reason": "HTTP/1.1 200 O\x01K\r\nContent-Length: 5\r\n\r\nhello",
    "a status of two digits": "HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a status of four digits": "HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a status below 100": "HTTP/1.1 099 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a status above 599": "HTTP/1.1 600 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a status of letters": "HTTP/1.1 abc OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/2.0": "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a lower-case protocol": "http/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "no protocol": "200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "not HTTP": "220 mail.example ESMTP\r\n" + "x" * 100,
    "binary": "\x00\x01\x02\x03",
    "a head without an end": OK + "X-A: " + "b" * 200_000,
    "a thousand fields": OK + "".join(f"X-{i}: y\r\n" for i in range(1001)) + "Content-Length: 5\r\n\r\nhello",
    "an unasked 101": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    "closing without a word": "",
    "closing in the head": OK + "Content-Le",
}


class BadHeads(Case):
    def test_each_is_502_and_its_connection_is_never_used_again(self):
        rows = list(HEADS.items())

        def answer(x):
            if x.target.startswith("/bad"):
                x.send(rows[int(x.target[4:])][1])
                if not x.connection.wait_gone(0 if rows[int(x.target[4:])][0].startswith("closing") else 10):
                    x.close()
            else:
                x.reply(200, x.target)
        o = self.origin(answer)
        g = self.simple(o, workers=1)
        for number, (name, _) in enumerate(rows):
            with self.subTest(name), g.client() as c:
                self.assertEqual(c.get("/good").body, b"/good")
                r = c.request("POST", f"/bad{number}", body=b"x").final()
                self.assert_refused(r, 502, "bad_response")
                bad = next(x for x in o.requests if x.target == f"/bad{number}").connection
                if not r.closes:
                    self.assertEqual(c.get("/next").body, b"/next")
                self.assertEqual(get(g.address, "/after").body, b"/after")
                self.assertEqual([x.target for x in bad.exchanges][-1], f"/bad{number}", "the bad connection was used again")

    def test_they_are_logged_and_counted(self):
        o = self.origin(lambda x: x.send("nonsense\r\n\r\n") and x.wait_gone(10))
        g = self.simple(o)
        self.assertEqual(get(g.address).status, 502)
        record = eventually(lambda: g.records())[0]
        self.assertEqual((record["status"], record["code"], record["shard"], record["backend"]), (502, "bad_response", "one", o.address))
        self.assertEqual(g.metrics().value("gatehouse_requests_total", tenant="acme", code="5xx"), 1)


class BrokenBodies(Case):
    """A body that breaks off must look broken."""

    def broken(self, text, how="close", target="/", **request):
        def answer(x):
            x.send(text)
            getattr(x, how)() if how != "stay" else x.wait_gone(10)
        g = self.simple(self.origin(answer))
        with g.client() as c:
            c.request(target=target, **request)
            with self.assertRaises((EOFError, ConnectionError)):
                r = c.final()
                self.fail(f"a broken answer looked whole: {r!r}")
        record = eventually(lambda: g.records())[0]
        self.assertEqual(record["status"], 200)
        return g, record

    def test_shorter_than_its_length(self):
        self.broken(OK + "Content-Length: 10\r\n\r\nhello")

    def test_shorter_than_its_length_by_a_reset(self):
        self.broken(OK + "Content-Length: 1000000\r\n\r\n" + "x" * 50_000, "reset")

    def test_no_byte_of_its_length(self):
        self.broken(OK + "Content-Length: 10\r\n\r\n")

    def test_without_a_last_chunk(self):
        self.broken(OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    def test_in_a_chunk(self):
        self.broken(OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel")

    def test_in_the_last_chunk(self):
        self.broken(OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")

    def test_in_the_trailers(self):
        self.broken(OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-A: b\r\n")

    def test_a_bad_chunk_size(self):
        self.broken(OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\nx", "stay")

    def test_a_bad_chunk_end(self):
        self.broken(OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n", "stay")

    def test_a_bad_trailer(self):
        self.broken(OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX A: b\r\n\r\n", "stay")

    def test_a_body_that_ends_by_a_reset(self):
        self.broken(OK + "\r\nhello", "reset")


class ExtraBytes(Case):
    """What comes unasked after an answer poisons nobody."""

    def test_behind_an_answer(self):
        bodies = {
            "length": OK + "Content-Length: 2\r\n\r\nok" + POISON,
            "chunked": OK + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + POISON,
            "204": "HTTP/1.1 204 No Content\r\n\r\n" + POISON,
            "304": "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n" + POISON,
            "one byte": OK + "Content-Length: 2\r\n\r\nok\n",
            "a second 200 with no body": OK + "Content-Length: 2\r\n\r\nok" + OK + "Content-Length: 0\r\n\r\n",
        }
        for name, text in bodies.items():
            with self.subTest(name):
                o = self.origin(lambda x, text=text: x.send(text))
                g = self.simple(o, workers=1)
                for _ in range(5):
                    with g.client() as c:
                        r = c.get()
                        self.assertIn((r.status, r.body), ((200, b"ok"), (204, b""), (304, b"")))
                        self.assertIsNone(r.field("x-poison"))
                self.assertEqual([len(c.exchanges) for c in o.used_connections], [1] * 5)
                g.stop()

    def test_behind_the_head_of_a_head_answer(self):
        o = self.origin(lambda x: x.send(OK + "Content-Length: 6\r\n\r\npoison"))
        g = self.simple(o, workers=1)
        for _ in range(3):
            with g.client() as c:
                self.assertEqual(c.request("HEAD").final("HEAD").status, 200)
        self.assertEqual([len(c.exchanges) for c in o.used_connections], [1] * 3)

    def test_on_a_connection_that_rests_in_the_pool(self):
        go = threading.Event()
        gone = threading.Event()

        def answer(x):
            x.reply(200, "ok")
            if x.target == "/first":
                go.wait(10)
                x.send(POISON)
                if x.wait_gone(10):
                    gone.set()
        o = self.origin(answer)
        g = self.simple(o, workers=1)
        with g.client() as c:
            self.assertEqual(c.get("/first").body, b"ok")
            go.set()
            self.assertTrue(gone.wait(10), "the poisoned connection stays in the pool")
            self.assertEqual(c.get("/second").body, b"ok")
        self.assertEqual(len(o.used_connections), 2)

    def test_an_answer_before_the_request_was_sent(self):
        """The origin talks as soon as it is connected to: nothing of that may answer a request of another kind than the first."""
        o = self.origin(lambda x: x.reply(200, x.target))
        g = self.simple(o, workers=1)
        clients = [Client(g.address) for _ in range(4)]
        for i, c in enumerate(clients):
            self.assertEqual(c.get(f"/{i}").body, b"/%d" % i)
        for i, c in enumerate(clients):
            self.assertEqual(c.get(f"/again{i}").body, b"/again%d" % i)
            c.close()
