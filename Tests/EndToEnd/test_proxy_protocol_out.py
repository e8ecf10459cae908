"""Backends that are told first whom a connection speaks for: `shard { proxy-protocol v1 | v2 }`."""
import socket
import struct

from harness import HTTP2, Authority, Case, Client, Gate, closed_port, conf, eventually, shard, tenant
from harness.origin import Connection, Gone

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


class Said:
    """A header as it came."""

    def __init__(self, connection):
        data = connection.exactly(12)
        self.tlvs, self.source = {}, None
        if data.startswith(b"PROXY "):
            while not data.endswith(b"\r\n"):
                data += connection.exactly(1)
            self.raw, self.text = data, data.decode().rstrip("\r\n")
            return
        data += connection.exactly(4)
        assert data.startswith(SIGNATURE), data
        self.text, self.command, self.family = None, data[12], data[13]
        body = connection.exactly(struct.unpack(">H", data[14:])[0])
        self.raw = data + body
        size = {0x11: 4, 0x21: 16, 0: 0}[self.family]
        if size:
            kind = socket.AF_INET if size == 4 else socket.AF_INET6
            ports = struct.unpack(">HH", body[2 * size:2 * size + 4])
            self.source = (socket.inet_ntop(kind, body[:size]), ports[0])
            self.server = (socket.inet_ntop(kind, body[size:2 * size]), ports[1])
        at = 2 * size + 4 if size else 0
        while at < len(body):
            length = struct.unpack(">H", body[at + 1:at + 3])[0]
            self.tlvs[body[at]] = body[at + 3:at + 3 + length]
            at += 3 + length


class Told(Connection):
    """A connection from a proxy that says first whom it speaks for."""

    def exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                self.closed_by_peer.set()
                raise Gone
            data += piece
        return data

    def serve(self):
        try:
            self.said = Said(self)
        except (Gone, OSError):
            return self.close()
        super().serve()


class Announcing(Case):
    def told(self, answer=None, **keywords):
        o = self.origin(answer, **keywords)
        o.connection_type = Told
        return o

    def said(self, o):
        return [c.said for c in o.connections if c.exchanges]

    def front(self, version, *origins, lines=(), **keywords):
        keywords.setdefault("workers", 1)
        keywords.setdefault("listen", ["127.0.0.1:0", HTTP2])
        return self.simple(*origins, lines=[f"proxy-protocol {version}", *lines], **keywords)

    def test_version_1(self):
        o = self.told()
        g = self.front("v1", o)
        with g.client() as c:
            host, port = c.socket.getsockname()
            self.assertEqual(c.get().status, 200)
        self.assertEqual(self.said(o)[0].text, f"PROXY TCP4 {host} 127.0.0.1 {port} {g.address.rpartition(':')[2]}")

    def test_version_2_names_client_and_tenant(self):
        for version in ("v2", "v2 checksum on", "v2 checksum off"):
            o = self.told()
            g = self.front(version, o)
            with g.client() as c:
                self.assertEqual(c.get().status, 200)
                source = c.socket.getsockname()
            said = self.said(o)[0]
            self.assertEqual((said.command, said.family, said.source, said.server),
                             (0x21, 0x11, source, ("127.0.0.1", int(g.address.rpartition(":")[2]))))
            self.assertEqual(said.tlvs[0xE0], b"acme")
            self.assertNotIn(2, said.tlvs)
            self.assertEqual(3 in said.tlvs, version.endswith("on"))
            if 3 in said.tlvs:
                at = said.raw.rindex(said.tlvs[3])
                self.assertEqual(struct.unpack(">I", said.tlvs[3])[0], crc32c(said.raw[:at] + bytes(4) + said.raw[at + 4:]))

    def test_no_connection_serves_two(self):
        """Not two clients, not two tenants, not two requests of one client that names both."""
        o = self.told(lambda x: x.reply(200, f"{x.field('x-tenant-id')} {x.connection.said.tlvs[0xE0].decode()}"))
        g = self.gate(conf(shard("one", o, lines=["proxy-protocol v2", "pool idle 100"]), tenant("acme", home="one"),
                           tenant("other", home="one"), workers=1, listen=["127.0.0.1:0", HTTP2]))
        with g.client() as c, g.client() as d, g.frames(g.addresses[1]) as e:
            for _ in range(3):
                for name in ("acme", "other"):
                    for ask in (c.get, d.get, e.get):
                        self.assertEqual(ask(host=f"{name}.example").body, f"{name} {name}".encode())
            ports = {n.socket.getsockname()[1] for n in (c, d, e)}
        self.assertEqual({s.source[1] for s in self.said(o)}, ports)
        self.assertEqual([len(c.exchanges) for c in o.used_connections], [1] * 18)
        self.assertEqual(g.metrics().value("gatehouse_upstream_connections"), 0)

    def test_whom_a_peer_speaks_for_is_passed_on(self):
        o = self.told()
        g = self.front("v2", o, listen=["127.0.0.1:0 {\n  proxy-protocol from 127.0.0.0/8\n}"])
        port = int(g.address.rpartition(":")[2])
        for header, source, server in (
                (b"PROXY TCP4 192.0.2.1 127.0.0.1 5 443\r\n", ("192.0.2.1", 5), ("127.0.0.1", port)),
                (b"PROXY TCP6 2001:db8::1 ::1 6 443\r\n", ("2001:db8::1", 6), ("::ffff:127.0.0.1", port))):
            with g.client() as c:
                self.assertEqual(c.send(header).get().status, 200)
            self.assertEqual((self.said(o)[-1].source, self.said(o)[-1].server), (source, server))
        o = self.told()
        g = self.front("v1", o, listen=["127.0.0.1:0 {\n  proxy-protocol from 127.0.0.0/8\n}"])
        with g.client() as c:
            c.send(b"PROXY TCP6 2001:db8::1 ::1 6 443\r\n").get()
        self.assertEqual(self.said(o)[0].text, f"PROXY TCP6 2001:db8::1 ::ffff:127.0.0.1 6 {g.address.rpartition(':')[2]}")

    def test_who_has_no_address(self):
        for version in ("v1", "v2"):
            o = self.told()
            path = f"{self.directory}/{version}.sock"
            g = self.front(version, o, listen=[f"unix:{path}"])
            with Client(f"unix:{path}") as c:
                self.assertEqual(c.get().status, 200)
            said = self.said(o)[0]
            if version == "v1":
                self.assertEqual(said.text, "PROXY UNKNOWN")
            else:
                self.assertEqual((said.command, said.family, said.tlvs[0xE0]), (0x21, 0, b"acme"))

    def test_before_a_handshake_with_the_name_of_the_client_s(self):
        authority = Authority(self.directory)
        backend = authority.issue("backend", "b.internal", ip="127.0.0.1")
        own, key = authority.issue("acme", "acme.example")
        o = self.told(lambda x: x.reply(200, x.read_body()), tls=authority.server(backend))
        g = self.front("v2", o, lines=[f"tls {{\n  ca {authority.path}\n}}"],
                       listen=[f"127.0.0.1:0 {{\n  certificate {own} key {key}\n  protocols h2 http/1.1\n}}"])
        sent = bytes(range(256)) * 1024
        with Client(g.address, tls=authority.client()) as c:
            for _ in range(3):
                self.assertEqual(c.request("POST", body=sent).final().body, sent)
        self.assertEqual([(s.tlvs[2], s.tlvs[0xE0]) for s in self.said(o)], [(b"acme.example", b"acme")] * 3)

    def test_checks_speak_for_nobody(self):
        for version in ("v1", "v2"):
            o = self.told()
            o.health = True
            g = self.front(version, o, lines=["health GET /healthz every 100ms timeout 1s rise 1 fall 1"])
            o.wait_health(2)
            self.assertEqual(g.metrics().value("gatehouse_backend_up", backend=o.address), 1)
            said = o.connections[0].said
            if version == "v1":
                self.assertEqual(said.text, "PROXY UNKNOWN")
            else:
                self.assertEqual((said.command, said.raw), (0x20, SIGNATURE + b"\x20\0\0\0"))

    def test_who_only_connects_is_told_too(self):
        o = self.told()
        self.front("v2", o, lines=["health tcp every 100ms timeout 1s"])
        eventually(lambda: o.connections and getattr(o.connections[0], "said", None))

    def test_websockets_and_attempts(self):
        address, held = closed_port()
        self.addCleanup(held.close)
        good = self.told(
            lambda x: x.send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello") and x.wait_gone(10))
        g = self.front("v2", address, good)
        for _ in range(2):
            with g.client() as c:
                c.request(fields=[("Connection", "Upgrade"), ("Upgrade", "websocket")])
                self.assertEqual(c.head().status, 101)
                self.assertEqual(c.take(5), b"hello")
        self.assertEqual(len(self.said(good)), 2)

    def test_a_reload_begins_and_ends_it(self):
        o = self.origin()
        g = self.simple(o, workers=1)
        with g.client() as c:
            self.assertEqual(c.get().status, 200)
            text = g.read("proxy.conf").decode()
            o.connection_type = Told
            g.reload(text.replace("  backend ", "  proxy-protocol v2\n  backend "))
            self.assertEqual(c.get().status, 200)
            self.assertEqual(o.connections[1].said.tlvs[0xE0], b"acme")
            o.connection_type = type(o.connections[0])
            g.reload(text)
            self.assertEqual(c.get().status, 200)
        self.assertEqual([len(c.exchanges) for c in o.connections], [1, 1, 1])

    def test_what_the_check_says(self):
        for line, complaint in (("proxy-protocol v2\n  protocol h2", "exclude each other"), ("proxy-protocol v1 checksum on", "has no checksum"),
                                ("proxy-protocol v3", "is not one of v1, v2")):
            g = Gate(f"listen 127.0.0.1:0\nshard one {{\n  backend 127.0.0.1:1\n  {line}\n}}\n", self.directory, wait=False,
                     command=("check", "-c", "proxy.conf"))
            self.assertEqual(g.wait_end(), 1, line)
            eventually(lambda: g.output.ended and g.log.ended)
            self.assertIn(complaint, g.output.text() + g.log.text())
