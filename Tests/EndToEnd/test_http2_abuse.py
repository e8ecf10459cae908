"""Clients of HTTP/2 that ask for too much: told to be calm within a second, while others notice nothing."""
import threading
import time

from harness import HTTP2, Case
from harness.fields import encode
from harness.frames import (CONTINUATION, DATA, ENHANCE_YOUR_CALM, HEADERS, PING, PRIORITY, PROTOCOL_ERROR, SETTINGS, WINDOW_UPDATE,
                            frame)


class Abuse(Case):
    def abuse(self, kind, send, parts=()):
        """Has one client send until it is stopped; meanwhile another is served at its usual pace."""
        go = threading.Event()

        def answer(x):
            if x.target == "/hang":
                x.wait_gone(20)
            else:
                x.reply(200, "ok")
        g = self.simple(self.origin(answer), listen=[HTTP2], workers=1, parts=parts)
        slowest, failures = [0.0], []

        def watch():
            try:
                with g.frames() as c:
                    while not go.is_set():
                        start = time.monotonic()
                        assert c.get().status == 200
                        slowest[0] = max(slowest[0], time.monotonic() - start)
            except Exception as e:  # noqa: BLE001 - told by the test
                failures.append(e)
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            with g.frames(timeout=5) as c:
                start = time.monotonic()
                try:
                    for round in range(100_000):
                        if send(c, 2 * round + 1) == "enough" or time.monotonic() - start > 5:
                            break
                except (ConnectionError, TimeoutError):
                    pass
                self.assertEqual(c.ended(), ENHANCE_YOUR_CALM)
                self.assertLess(time.monotonic() - start, 3)
        finally:
            go.set()
            watcher.join()
        self.assertEqual(failures, [])
        self.assertLess(slowest[0], 1)
        self.assertEqual(g.metrics().value("gatehouse_http2_floods_total", kind=kind), 1)
        with g.frames() as c:
            self.assertEqual(c.get().status, 200)
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 0)

    def test_rapid_reset(self):
        self.abuse("reset", lambda c, s: c.headers(s, c.head(target="/hang")).reset(s))

    def test_rapid_reset_has_a_bound_of_its_own(self):
        def send(c, s):
            c.headers(s, c.head(target="/hang")).reset(s)
            return "enough" if s > 40 else None
        self.abuse("reset", send, parts=["h2 {\n  resets 10/10s\n}"])

    def test_resets_that_we_are_made_to_send(self):
        self.abuse("provoked_reset", lambda c, s: c.headers(s, c.head(target="/hang")).open(s, 0))

    def test_malformed_requests_without_end(self):
        self.abuse("provoked_reset", lambda c, s: c.headers(s, c.head(fields=[("Upper", "x")])))

    def test_continuation_flood(self):
        def send(c, s):
            if s == 1:
                c.send(frame(HEADERS, 1, 1, encode(c.head())))
            c.send(frame(CONTINUATION, 0, 1, b""))
        self.abuse("continuation", send)

    def test_continuation_flood_of_bytes(self):
        def send(c, s):
            if s == 1:
                c.send(frame(HEADERS, 1, 1, encode(c.head())))
            c.send(frame(CONTINUATION, 0, 1, encode([("x", "y" * 4000)]) * 4))
        self.abuse("continuation", send)

    def test_field_bomb(self):
        entry = b"\x40\x01x\x7f\xa1\x1e" + b"a" * 4000
        self.abuse("field_bomb", lambda c, s: c.send(frame(HEADERS, 5, s, encode(c.head()) + entry + b"\xbe" * 10_000)))

    def test_settings_flood(self):
        self.abuse("settings", lambda c, s: c.send(frame(SETTINGS, 0, 0, b"\0\4\0\1\0\0" * 100)))

    def test_ping_flood(self):
        self.abuse("ping", lambda c, s: c.send(frame(PING, 0, 0, b"12345678")))

    def test_priority_flood(self):
        self.abuse("priority", lambda c, s: c.send(frame(PRIORITY, 0, s, bytes(5))))

    def test_empty_data_flood(self):
        def send(c, s):
            if s == 1:
                c.headers(1, c.head("POST", "/hang"), ends=False)
            c.send(frame(DATA, 0, 1))
        self.abuse("empty_data", send)

    def test_window_update_flood(self):
        self.abuse("window_update", lambda c, s: c.open(0, 1))

    def test_unknown_frames_without_end(self):
        self.abuse("unknown_frame", lambda c, s: c.send(frame(0xF0, 0, 0, b"x")))

    def test_a_client_that_takes_no_answers(self):
        """Its frames are not read for ever while its answers pile up."""
        g = self.simple(self.origin(), listen=[HTTP2], workers=1, parts=["timeouts {\n  body-idle 1s\n}"])
        before = g.memory()
        with g.frames(timeout=2, opens=False) as c:
            request = b"".join(frame(HEADERS, 5, s, encode(c.head(host="nobody.example", fields=[("x", "y" * 100)])))
                               for s in range(1, 40_001, 2))
            with self.assertRaises((ConnectionError, TimeoutError)):
                c.send(request * 20)
            self.assertLess(g.memory() - before, 8 << 20)
        with g.frames() as c:
            self.assertEqual(c.get().status, 200)

    def test_a_breach_ends_the_connection_and_its_requests_only(self):
        o = self.origin(lambda x: x.wait_gone(20) if x.target == "/hang" else x.reply())
        g = self.simple(o, listen=[HTTP2], workers=1)
        with g.frames() as c, g.frames() as other:
            for _ in range(3):
                c.request(target="/hang")
            o.wait(3)
            c.send(frame(WINDOW_UPDATE, 0, 0, bytes(4)))
            self.assertEqual(c.ended(), PROTOCOL_ERROR)
            self.assertEqual(c.goaway, (5, PROTOCOL_ERROR))
            self.assertEqual(other.get().status, 200)
        self.assertEqual(g.metrics().value("gatehouse_requests_in_flight", tenant="acme"), 0)
