"""Requests that two parsers could read in two ways: each is refused with 400, the connection closes, nothing is forwarded."""
from harness import Case, eventually, get

HOST = b"Host: acme.example\r\n"
TAIL = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"


def post(*lines, body=b"hello", version=b"HTTP/1.1"):
    """A POST with these field lines, and a second request behind it."""
    return b"POST /bad " + version + b"\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body + TAIL


def field(*lines):
    """A GET with these field lines as they stand."""
    return b"GET /bad HTTP/1.1\r\n" + HOST + b"".join(lines) + b"\r\n" + TAIL


def start(line, fields=HOST):
    """A request line as it stands."""
    return line + fields + b"\r\n" + TAIL


CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

LENGTHS = {
    "CL and TE": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=CHUNKS),
    "TE and CL": post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=CHUNKS),
    "CL 0 and TE": post(b"Content-Length: 0", b"Transfer-Encoding: chunked", body=CHUNKS),
    "two different CL": post(b"Content-Length: 5", b"Content-Length: 6"),
    "two equal CL": post(b"Content-Length: 5", b"Content-Length: 5"),
    "a list of equal CL": post(b"Content-Length: 5, 5"),
    "a list of different CL": post(b"Content-Length: 5, 6"),
    "a list with an empty end": post(b"Content-Length: 5,"),
    "a plus sign": post(b"Content-Length: +5"),
    "a minus sign": post(b"Content-Length: -5"),
    "minus zero": post(b"Content-Length: -0"),
    "hexadecimal": post(b"Content-Length: 0x5"),
    "octal-looking letters": post(b"Content-Length: 0o5"),
    "letters behind": post(b"Content-Length: 5a"),
    "a space inside": post(b"Content-Length: 5 5"),
    "a point": post(b"Content-Length: 5.0"),
    "an exponent": post(b"Content-Length: 5e0"),
    "an underscore": post(b"Content-Length: 1_0"),
    "empty": post(b"Content-Length:"),
    "only spaces": post(b"Content-Length:   "),
    "quoted": post(b'Content-Length: "5"'),
    "a parameter": post(b"Content-Length: 5;q=1"),
    "past 64 bits": post(b"Content-Length: 18446744073709551621"),
    "past 63 bits": post(b"Content-Length: 9223372036854775808"),
    "very long": post(b"Content-Length: " + b"9" * 200),
    "other digits": post("Content-Length: ５".encode()),
}

CODINGS = {
    "identity": post(b"Transfer-Encoding: identity"),
    "identity beside a length": post(b"Transfer-Encoding: identity", b"Content-Length: 5"),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked", body=CHUNKS),
    "chunked in two fields": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNKS),
    "chunked not last": post(b"Transfer-Encoding: chunked, gzip", body=CHUNKS),
    "chunked then identity": post(b"Transfer-Encoding: chunked, identity", body=CHUNKS),
    "gzip only": post(b"Transfer-Encoding: gzip"),
    "gzip, chunked": post(b"Transfer-Encoding: gzip, chunked", body=CHUNKS),
    "gzip and chunked in two fields": post(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked", body=CHUNKS),
    "empty": post(b"Transfer-Encoding:", body=CHUNKS),
    "empty beside a length": post(b"Transfer-Encoding:", b"Content-Length: 5"),
    "a comma behind": post(b"Transfer-Encoding: chunked,", body=CHUNKS),
    "a comma before": post(b"Transfer-Encoding: , chunked", body=CHUNKS),
    "a parameter": post(b"Transfer-Encoding: chunked;q=1", body=CHUNKS),
    "quoted": post(b'Transfer-Encoding: "chunked"', body=CHUNKS),
    "a prefix": post(b"Transfer-Encoding: xchunked", body=CHUNKS),
    "a suffix": post(b"Transfer-Encoding: chunkedx", body=CHUNKS),
    "cut short": post(b"Transfer-Encoding: chunke", body=CHUNKS),
    "a vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKS),
    "a no-break space": post(b"Transfer-Encoding: \xa0chunked", body=CHUNKS),
    "a NUL": post(b"Transfer-Encoding: chunked\x00", body=CHUNKS),
    "folded": post(b"Transfer-Encoding:\r\n chunked", body=CHUNKS),
    "a space before the colon": post(b"Transfer-Encoding : chunked", body=CHUNKS),
    "in HTTP/1.0": post(b"Transfer-Encoding: chunked", body=CHUNKS, version=b"HTTP/1.0"),
}

LINES = {
    "a folded field": field(b"X-A: b\r\n c: d\r\n"),
    "a field folded by a tab": field(b"X-A: b\r\n\tc\r\n"),
    "a first field line that starts with a space": b"GET /bad HTTP/1.1\r\n Host: acme.example\r\n\r\n" + TAIL,
    "a line of only a space": field(b" \r\n"),
    "bare LF after the request line": b"GET /bad HTTP/1.1\n" + HOST + b"\r\n" + TAIL,
    "bare LF after a field": field(b"X-A: b\nX-B: c\r\n"),
    "bare LF as the end of the head": b"GET /bad HTTP/1.1\r\nHost: acme.example\r\n\n" + TAIL,
    "bare LFs everywhere": b"GET /bad HTTP/1.1\nHost: acme.example\n\n" + TAIL,
    "bare CR in a value": field(b"X-A: b\rX-B: c\r\n"),
    "bare CR in a name": field(b"X-\rA: b\r\n"),
    "bare CR after the request line": b"GET /bad HTTP/1.1\rHost: acme.example\r\n\r\n" + TAIL,
    "CR CR LF": field(b"X-A: b\r\r\n"),
    "bare CR as the end of the head": b"GET /bad HTTP/1.1\r\nHost: acme.example\r\n\rX",
    "NUL in a value": field(b"X-A: b\x00c\r\n"),
    "NUL in a name": field(b"X-\x00A: b\r\n"),
    "a control byte in a value": field(b"X-A: b\x01c\r\n"),
    "an escape byte in a value": field(b"X-A: \x1b[31m\r\n"),
    "a vertical tab in a value": field(b"X-A: b\x0bc\r\n"),
    "a form feed in a value": field(b"X-A: b\x0cc\r\n"),
    "DEL in a value": field(b"X-A: b\x7fc\r\n"),
    "a space before a colon": field(b"X-A : b\r\n"),
    "a tab before a colon": field(b"X-A\t: b\r\n"),
    "a space before the colon of a length": post(b"Content-Length : 5"),
    "a space inside a name": field(b"X A: b\r\n"),
    "an empty name": field(b": b\r\n"),
    "no colon": field(b"X-A\r\n"),
    "a bracket in a name": field(b"X(A): b\r\n"),
    "a slash in a name": field(b"X/A: b\r\n"),
    "a quote in a name": field(b'"X": b\r\n'),
    "an at sign in a name": field(b"X@A: b\r\n"),
    "a high byte in a name": field(b"X-\xe9: b\r\n"),
    "a brace in a name": field(b"X{A}: b\r\n"),
}

HOSTS = {
    "no Host": start(b"GET /bad HTTP/1.1\r\n", b""),
    "two equal Hosts": start(b"GET /bad HTTP/1.1\r\n", HOST * 2),
    "two different Hosts": start(b"GET /bad HTTP/1.1\r\n", HOST + b"Host: globex.example\r\n"),
    "two Hosts in HTTP/1.0": start(b"GET /bad HTTP/1.0\r\n", HOST * 2),
    "an empty Host": start(b"GET /bad HTTP/1.1\r\n", b"Host:\r\n"),
    "a list of Hosts": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme.example, acme.example\r\n"),
    "a port past 65535": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme.example:65536\r\n"),
    "a port of letters": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme.example:http\r\n"),
    "a signed port": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme.example:+80\r\n"),
    "two ports": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme.example:80:80\r\n"),
    "only a port": start(b"GET /bad HTTP/1.1\r\n", b"Host: :80\r\n"),
    "userinfo": start(b"GET /bad HTTP/1.1\r\n", b"Host: user@acme.example\r\n"),
    "userinfo with a password": start(b"GET /bad HTTP/1.1\r\n", b"Host: a:b@acme.example\r\n"),
    "a space": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme .example\r\n"),
    "a path": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme.example/x\r\n"),
    "a query": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme.example?x\r\n"),
    "a fragment": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme.example#x\r\n"),
    "a backslash": start(b"GET /bad HTTP/1.1\r\n", b"Host: acme.example\\x\r\n"),
    "an open bracket": start(b"GET /bad HTTP/1.1\r\n", b"Host: [::1\r\n"),
    "too long a name": start(b"GET /bad HTTP/1.1\r\n", b"Host: " + b"a" * 300 + b"\r\n"),
    "a space before the colon": start(b"GET /bad HTTP/1.1\r\n", b"Host : acme.example\r\n"),
    "absolute-form that names another host": start(b"GET http://globex.example/bad HTTP/1.1\r\n"),
    "absolute-form that names another port": start(b"GET http://acme.example:81/bad HTTP/1.1\r\n"),
    "absolute-form with userinfo": start(b"GET http://user@acme.example/bad HTTP/1.1\r\n"),
    "absolute-form without a host": start(b"GET http:///bad HTTP/1.1\r\n"),
    "absolute-form of another scheme": start(b"GET ftp://acme.example/bad HTTP/1.1\r\n"),
    "CONNECT": start(b"CONNECT acme.example:443 HTTP/1.1\r\n"),
    "CONNECT with a path": start(b"CONNECT / HTTP/1.1\r\n"),
}

REQUEST_LINES = {
    "two spaces before the target": start(b"GET  /bad HTTP/1.1\r\n"),
    "two spaces before the version": start(b"GET /bad  HTTP/1.1\r\n"),
    "a space behind the version": start(b"GET /bad HTTP/1.1 \r\n"),
    "a space before the method": start(b" GET /bad HTTP/1.1\r\n"),
    "tabs": start(b"GET\t/bad\tHTTP/1.1\r\n"),
    "no version": start(b"GET /bad\r\n"),
    "no target": start(b"GET HTTP/1.1\r\n"),
    "only a method": start(b"GET\r\n"),
    "a lower-case protocol": start(b"GET /bad http/1.1\r\n"),
    "another protocol": start(b"GET /bad ICAP/1.1\r\n"),
    "HTTP/2.0": start(b"GET /bad HTTP/2.0\r\n"),
    "HTTP/0.9 in writing": start(b"GET /bad HTTP/0.9\r\n"),
    "HTTP/1.10": start(b"GET /bad HTTP/1.10\r\n"),
    "HTTP/01.1": start(b"GET /bad HTTP/01.1\r\n"),
    "HTTP/1": start(b"GET /bad HTTP/1\r\n"),
    "HTTP/1,1": start(b"GET /bad HTTP/1,1\r\n"),
    "HTTP/+1.1": start(b"GET /bad HTTP/+1.1\r\n"),
    "a relative target": start(b"GET bad HTTP/1.1\r\n"),
    "an asterisk for GET": start(b"GET * HTTP/1.1\r\n"),
    "a fragment": start(b"GET /bad#x HTTP/1.1\r\n"),
    "a space in the target": start(b"GET /bad x HTTP/1.1\r\n"),
    "a NUL in the target": start(b"GET /b\x00ad HTTP/1.1\r\n"),
    "a control byte in the target": start(b"GET /b\x01ad HTTP/1.1\r\n"),
    "DEL in the target": start(b"GET /b\x7fad HTTP/1.1\r\n"),
    "a high byte in the target": start(b"GET /b\xe9d HTTP/1.1\r\n"),
    "a bare CR in the target": start(b"GET /b\rad HTTP/1.1\r\n"),
    "a bracket in the method": start(b"GE(T /bad HTTP/1.1\r\n"),
    "a NUL in the method": start(b"GE\x00T /bad HTTP/1.1\r\n"),
    "no method": start(b" /bad HTTP/1.1\r\n"),
    "a method of 100 letters": start(b"G" * 100 + b" /bad HTTP/1.1\r\n"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + TAIL,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + TAIL,
    "a reply": start(b"HTTP/1.1 200 OK\r\n"),
}


def chunks(body):
    return b"POST /bad HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body + TAIL


CHUNK_BODIES = {
    "a size of other letters": chunks(b"g\r\nhello\r\n0\r\n\r\n"),
    "an empty size": chunks(b"\r\nhello\r\n0\r\n\r\n"),
    "a size with 0x": chunks(b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a plus sign": chunks(b"+5\r\nhello\r\n0\r\n\r\n"),
    "a minus sign": chunks(b"-5\r\nhello\r\n0\r\n\r\n"),
    "an underscore": chunks(b"0_5\r\nhello\r\n0\r\n\r\n"),
    "a space before the size": chunks(b" 5\r\nhello\r\n0\r\n\r\n"),
    "a space behind the size": chunks(b"5 \r\nhello\r\n0\r\n\r\n"),
    "a tab behind the size": chunks(b"5\t\r\nhello\r\n0\r\n\r\n"),
    "a size past 64 bits": chunks(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "a size past 63 bits": chunks(b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    "bare LF after the size": chunks(b"5\nhello\r\n0\r\n\r\n"),
    "bare CR after the size": chunks(b"5\rhello\r\n0\r\n\r\n"),
    "bare LF after the data": chunks(b"5\r\nhello\n0\r\n\r\n"),
    "bare CR after the data": chunks(b"5\r\nhello\r0\r\n\r\n"),
    "no line end after the data": chunks(b"5\r\nhello0\r\n\r\n"),
    "data longer than its size": chunks(b"5\r\nhelloXX\r\n0\r\n\r\n"),
    "an extension of 5,000 bytes": chunks(b"5;" + b"x" * 5_000 + b"\r\nhello\r\n0\r\n\r\n"),
    "a bare LF in an extension": chunks(b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "a bare CR in an extension": chunks(b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    "a NUL in an extension": chunks(b"5;a\x00b\r\nhello\r\n0\r\n\r\n"),
    "a bare LF after the last size": chunks(b"5\r\nhello\r\n0\n\r\n"),
    "a bare LF as the end": chunks(b"5\r\nhello\r\n0\r\n\n"),
    "a trailer without a colon": chunks(b"5\r\nhello\r\n0\r\nbad\r\n\r\n"),
    "a trailer with a bare LF": chunks(b"5\r\nhello\r\n0\r\nX-A: b\nX-B: c\r\n\r\n"),
    "a folded trailer": chunks(b"5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n"),
    "a trailer with a space before its colon": chunks(b"5\r\nhello\r\n0\r\nX-A : b\r\n\r\n"),
    "a trailer with a NUL": chunks(b"5\r\nhello\r\n0\r\nX-A: b\x00\r\n\r\n"),
    "a trailer with an empty name": chunks(b"5\r\nhello\r\n0\r\n: b\r\n\r\n"),
}


class HeadsAreRefused(Case):
    """Each row: 400, closed, and the origin has not seen a single byte."""

    def check(self, rows):
        o = self.origin()
        g = self.simple(o)
        for number, (name, data) in enumerate(rows.items()):
            with self.subTest(name):
                try:
                    with g.client() as c:
                        r = c.send(data).response()
                        self.assert_refused(r, 400, "bad_request")
                        self.assertTrue(c.is_closed(), "the connection goes on")
                finally:
                    self.assertEqual(get(g.address, f"/marker{number}").status, 200)
                    got = [x.target for x in o.requests if x.target != f"/marker{number}"]
                    o.requests.clear()
                self.assertEqual(got, [], "something reached the origin")
        self.assertEqual(b"".join(c.received for c in o.connections).count(b"smuggled"), 0)
        self.assertNotIn(b"/bad", o.received)
        self.assertEqual(g.metrics().value("gatehouse_refused_total", code="bad_request"), len(rows))

    def test_lengths(self):
        self.check(LENGTHS)

    def test_transfer_codings(self):
        self.check(CODINGS)

    def test_lines_and_fields(self):
        self.check(LINES)

    def test_hosts_and_absolute_forms(self):
        self.check(HOSTS)

    def test_request_lines(self):
        self.check(REQUEST_LINES)

    def test_the_same_rows_cut_anywhere(self):
        """A row that comes in two pieces gets the same answer."""
        o = self.origin()
        g = self.simple(o)
        rows = {**LENGTHS, **CODINGS, **LINES}
        for name, data in rows.items():
            head = data.find(b"\r\n") + 5
            with self.subTest(name), g.client() as c:
                c.send(data[:head])
                try:
                    c.send(data[head:])
                    r = c.response()
                except ConnectionError:
                    continue        # refused at the first piece already
                self.assert_refused(r, 400, "bad_request")
        self.assertEqual(o.requests, [])

    def test_what_cannot_become_good_is_refused_at_once(self):
        """Without waiting for the end of the head that may never come."""
        g = self.simple(self.origin())
        for data in (b"GET /bad HTTP/1.1\n", b"GET / HTTP/1.1\r\nX-A: b\x00", b"GET\x01", b"GET / HTTP/1.1\r\nX A: ",
                     b"GET / HTTP/1.1\r\nX-A: b\r\n folded", b"\x16\x03\x01"):
            with self.subTest(data), g.client(timeout=3) as c:
                self.assert_refused(c.send(data).response(), 400, "bad_request")


class BodiesAreRefused(Case):
    """Each row: 400, closed, and the origin never sees a complete request."""

    def test_chunks(self):
        o = self.origin()
        g = self.simple(o)
        for name, data in CHUNK_BODIES.items():
            with self.subTest(name):
                o.requests.clear()
                with g.client() as c:
                    try:
                        c.send(data)
                    except ConnectionError:
                        pass
                    self.assert_refused(c.response(), 400, "bad_request")
                    self.assertTrue(c.is_closed(), "the connection goes on")
                for x in list(o.requests):
                    self.assertTrue(x.connection.closed_by_peer.wait(10), "the upstream connection goes on")
                self.assertEqual([x for x in o.requests if x.complete], [], "a complete request reached the origin")
                self.assertEqual(get(g.address, "/marker").status, 200)
        self.assertNotIn(b"smuggled", o.received)

    def test_a_bad_chunk_late_in_a_body_cancels_it(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.send(b"POST /bad HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            x = o.wait(1)
            eventually(lambda: b"hello" in x.connection.received)
            c.send(b"zz\r\n")
            self.assert_refused(c.response(), 400, "bad_request")
            self.assertTrue(c.is_closed())
        self.assertTrue(x.connection.closed_by_peer.wait(10))
        self.assertFalse(x.complete)


class TheGoodOnesStillPass(Case):
    """The strictness above must not hit what is legal."""

    ROWS = {
        "spaces around a length": post(b"Content-Length:   5  "),
        "no space behind colons": post(b"Content-Length:5"),
        "upper-case CHUNKED": post(b"Transfer-Encoding: CHUNKED", body=CHUNKS),
        "spaces around chunked": post(b"Transfer-Encoding:  chunked  ", body=CHUNKS),
        "upper-case field names": post(b"CONTENT-LENGTH: 5"),
        "all token characters in a name": post(b"Content-Length: 5", b"X!#$%&'*+-.^_`|~9: v"),
        "high bytes in a value": post(b"Content-Length: 5", b"X-A: \x80\xff"),
        "a host with a port": b"POST /good HTTP/1.1\r\nHost: acme.example:8080\r\nContent-Length: 5\r\n\r\nhello",
        "tabs around a length": post(b"Content-Length:\t5 \t"),
        "zeros before a length": post(b"Content-Length: 000000000000000000000005"),
        "a host with an empty port": b"POST /good HTTP/1.1\r\nHost: acme.example:\r\nContent-Length: 5\r\n\r\nhello",
        "an absolute target with an empty port": start(b"GET http://acme.example:/good HTTP/1.1\r\n"),
        "a host with a final dot": b"POST /good HTTP/1.1\r\nHost: acme.example.\r\nContent-Length: 5\r\n\r\nhello",
        "zeros before a chunk size": post(b"Transfer-Encoding: chunked", body=b"00005\r\nhello\r\n000\r\n\r\n"),
        "a target of odd bytes": start(b"GET /a-._~!$&'()*+,;=:@%20?b=/?[]{}|^\"<>\\` HTTP/1.1\r\n"),
    }

    def test_unusual_lengths_are_passed_on_plain(self):
        """Who reads them otherwise, as octal say, must not find the next request in a body."""
        def answer(x):
            body = x.read_body() * 2
            x.send(b"HTTP/1.1 200 OK\r\nContent-Length:\t010\t\r\n\r\n" + (b"" if x.method == "HEAD" else body))
        o = self.origin(answer)
        g = self.simple(o)
        for value in (b"\t5", b"5\t", b"005"):
            for method in (b"POST", b"HEAD"):
                with self.subTest(value), g.client() as c:
                    c.send(method + b" / HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\nContent-Length:" + value + b"\r\n\r\nhello")
                    self.assertIn(b"\r\nContent-Length: 10\r\n", c.rest())
                    self.assertIn("Content-Length: 5", o.requests[-1].raw.decode().split("\r\n"))

    def test_legal_requests(self):
        o = self.origin()
        g = self.simple(o)
        for name, data in self.ROWS.items():
            with self.subTest(name), g.client() as c:
                self.assertEqual(c.send(data).final().status, 200)
                if data.startswith(b"POST"):
                    self.assertEqual([x for x in o.requests if x.method == "POST"][-1].body, b"hello")
