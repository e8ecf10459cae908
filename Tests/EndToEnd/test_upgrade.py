"""Upgrades: a tunnel only after the backend's 101, and a WebSocket conversation through it."""
import base64
import hashlib
import os
import signal
import struct
import threading

from harness import Case, eventually, get

UPGRADE = (b"GET /chat HTTP/1.1\r\nHost: acme.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"


def echo(x):
    """An origin that switches and then says back what it hears."""
    x.send(SWITCH)
    x.complete = True
    while True:
        x.connection.send(x.connection.some(1 << 16))


def frame(payload, mask=True, opcode=1):
    head = bytes([0x80 | opcode])
    flag = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([flag | len(payload)])
    elif len(payload) < 65536:
        head += bytes([flag | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([flag | 127]) + struct.pack(">Q", len(payload))
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


def read_frame(take):
    first, second = take(2)
    count = second & 0x7F
    if count == 126:
        count = struct.unpack(">H", take(2))[0]
    elif count == 127:
        count = struct.unpack(">Q", take(8))[0]
    key = take(4) if second & 0x80 else None
    data = take(count) if count else b""
    return first & 0x0F, bytes(b ^ key[i % 4] for i, b in enumerate(data)) if key else data


class WebSocket(Case):
    def test_a_conversation(self):
        """A small RFC 6455 server and client that check each other."""
        def serve(x):
            accept = base64.b64encode(hashlib.sha1((x.field("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            x.send(SWITCH.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept.decode()))
            x.complete = True
            take = lambda n: b"".join(x.connection.some(1) for _ in range(n))  # noqa: E731
            while True:
                opcode, data = read_frame(take)
                x.send(frame(data if opcode == 8 else data.upper(), mask=False, opcode=opcode))
                if opcode == 8:
                    x.close()
                    return
        g = self.simple(self.origin(serve))
        with g.client() as c:
            key = base64.b64encode(os.urandom(16))
            r = c.send(UPGRADE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", key)).head()
            self.assertEqual((r.status, r.field("upgrade").lower()), (101, "websocket"))
            self.assertIn("upgrade", r.field("connection").lower())
            want = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
            self.assertEqual(r.field("sec-websocket-accept"), want)
            for text in (b"hello", b"x" * 200, b"y" * 5000):
                c.send(frame(text))
                self.assertEqual(read_frame(c.take), (1, text.upper()))
            c.send(frame(b"\x03\xe8", opcode=8))
            self.assertEqual(read_frame(c.take), (8, b"\x03\xe8"))
            self.assertTrue(c.is_closed())

    def test_the_origin_is_asked_with_the_fields_of_an_upgrade_and_of_the_tenant(self):
        o = self.origin(echo)
        g = self.simple(o)
        with g.client() as c:
            self.assertEqual(c.send(UPGRADE).head().status, 101)
        x = o.requests[0]
        self.assertEqual((x.field("upgrade"), x.field("connection").lower()), ("websocket", "upgrade"))
        self.assertEqual(x.field("x-tenant-id"), "acme")

    def test_bytes_behind_the_request_wait_for_the_101(self):
        go = threading.Event()
        early = []

        def answer(x):
            go.wait(10)
            early.append(x.has_input())
            echo(x)
        o = self.origin(answer)
        g = self.simple(o, workers=1)
        with g.client() as c:
            c.send(UPGRADE + b"impatient")
            o.wait(1)
            self.assertEqual(g.client().get("/", host="nobody.example").status, 404)   # the worker has looked at all its sockets
            go.set()
            self.assertEqual(c.head().status, 101)
            self.assertEqual(c.take(9), b"impatient")
        self.assertEqual(early, [False])

    def test_after_a_refused_upgrade_the_connection_speaks_http(self):
        o = self.origin(lambda x: x.reply(200, x.target))
        g = self.simple(o)
        with g.client() as c:
            c.send(UPGRADE + b"GET /next HTTP/1.1\r\nHost: acme.example\r\n\r\n")
            self.assertEqual(c.final().body, b"/chat")
            self.assertEqual(c.final().body, b"/next")
        self.assertEqual([x.field("x-tenant-id") for x in o.requests], ["acme", "acme"])

    def test_bytes_of_the_origin_behind_its_101_arrive(self):
        g = self.simple(self.origin(lambda x: x.send(SWITCH + "welcome") and x.wait_gone(10)))
        with g.client() as c:
            self.assertEqual(c.send(UPGRADE).head().status, 101)
            self.assertEqual(c.take(7), b"welcome")

    def test_megabytes_pass_both_ways_at_once(self):
        g = self.simple(self.origin(echo))
        data = os.urandom(1 << 20) * 8
        with g.client(timeout=30) as c:
            self.assertEqual(c.send(UPGRADE).head().status, 101)
            threading.Thread(target=c.send, args=(data,), daemon=True).start()
            self.assertEqual(c.take(len(data)), data)

    def test_the_end_of_either_side_ends_the_other(self):
        o = self.origin(echo)
        g = self.simple(o)
        with g.client() as c:
            c.send(UPGRADE).head()
            o.connections[-1].close()
            self.assertTrue(c.is_closed())
        c = g.client()
        c.send(UPGRADE).head()
        x = o.wait(2)
        c.close()
        self.assertTrue(x.connection.closed_by_peer.wait(10))
        eventually(lambda: g.metrics().value("gatehouse_requests_in_flight") == 0, "no tunnel is left")

    def test_half_close_passes_through_a_tunnel(self):
        def answer(x):
            x.send(SWITCH)
            x.complete = True
            try:
                while True:
                    x.connection.some(100)
            except Exception:
                x.connection.socket.sendall(b"I heard you out")
                x.close()
        g = self.simple(self.origin(answer))
        with g.client() as c:
            c.send(UPGRADE).head()
            c.send(b"goodbye").half_close()
            self.assertEqual(c.rest(), b"I heard you out")

    def test_a_tunnel_lives_through_reloads_and_a_drain(self):
        """Even when its backend is configured no more, and until it ends by itself."""
        o, other = self.origin(echo), self.origin(name="other")
        g = self.simple(o, drain="30s")
        text = g.read("proxy.conf").decode()
        with g.client() as c:
            def works(data):
                c.send(data)
                self.assertEqual(c.take(len(data)), data)
            c.send(UPGRADE).head()
            works(b"before")
            g.reload()
            works(b"after a reload")
            g.reload(text.replace(o.address, other.address))
            self.assertEqual(get(g.address).body, b"other")
            works(b"without its backend")
            g.signal(signal.SIGTERM)
            g.log.wait(r"(^|\s)draining$")
            works(b"in the drain")
        self.assertEqual(g.wait_end(10), 0)

    def test_a_tunnel_is_logged_with_its_bytes(self):
        o = self.origin(echo)
        g = self.simple(o)
        with g.client() as c:
            c.send(UPGRADE).head()
            c.send(b"x" * 1000)
            c.take(1000)
        record = eventually(lambda: g.records())[0]
        self.assertEqual(record["status"], 101)
        self.assertGreaterEqual(record["bytes_in"], 1000)
        self.assertGreaterEqual(record["bytes_out"], 1000)


class UnaskedUpgrade(Case):
    def test_a_101_that_nobody_asked_for_is_a_bad_response(self):
        o = self.origin(lambda x: x.send(SWITCH + "GET /smuggled HTTP/1.1\r\n\r\n") and x.wait_gone(10))
        g = self.simple(o)
        with g.client() as c:
            r = c.get()
            self.assert_refused(r, 502, "bad_response")
        self.assertTrue(o.requests[0].connection.closed_by_peer.wait(10))

    def test_upgrade_without_connection_upgrade_is_not_asked(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            c.get(fields=[("Upgrade", "websocket")])
        self.assertIsNone(o.last.field("upgrade"))

    def test_http_1_0_cannot_upgrade(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            self.assertEqual(c.send(UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0")).final().status, 200)
        self.assertIsNone(o.last.field("upgrade"))

    def test_h2c_is_not_passed_on(self):
        o = self.origin()
        g = self.simple(o)
        with g.client() as c:
            r = c.send(b"GET / HTTP/1.1\r\nHost: acme.example\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n").final()
            self.assertEqual(r.status, 200)
        self.assertIsNone(o.last.field("upgrade"), "an h2c tunnel would carry requests past the proxy")
        self.assertIsNone(o.last.field("http2-settings"))
