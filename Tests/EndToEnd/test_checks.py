"""Health checks that connect only, and those of gRPC."""
import socket

from harness import Authority, Case, FramesOrigin, Gate, closed_port, eventually

EVERY = "every 100ms timeout 1s rise 1 fall 1"


def varint_field(number, value):
    return bytes([number << 3, value])


def message(body):
    return b"\0" + len(body).to_bytes(4, "big") + body


class Checks(Case):
    def up(self, g, count=1):
        eventually(lambda: g.metrics().value("gatehouse_backend_up", shard="one") == count, f"{count} up")

    def calls(self, answer, **keywords):
        o = FramesOrigin(lambda x: answer(x), **keywords)
        self._origins.append(o)
        return o

    def test_connecting_is_enough(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        address, held = closed_port()
        self.addCleanup(held.close)
        g = self.simple(f"127.0.0.1:{silent.getsockname()[1]}", address, lines=[f"health tcp {EVERY}"])
        eventually(lambda: g.metrics().value("gatehouse_backend_up", backend=address) == 0)
        self.up(g, 1)

    def test_connecting_takes_a_handshake_where_there_is_tls(self):
        authority = Authority(self.directory)
        good = self.origin(tls=authority.server(authority.issue("good", "b.internal", ip="127.0.0.1")))
        plain = self.origin()
        g = self.simple(good, plain, lines=[f"tls {{\n  ca {authority.path}\n}}", f"health tcp {EVERY}"])
        eventually(lambda: g.metrics().value("gatehouse_backend_up", backend=plain.address) == 0)
        self.up(g, 1)
        self.assertEqual(good.requests, [])

    def test_serving_is_up_and_nothing_else(self):
        call = [("content-type", "application/grpc")]
        good = message(varint_field(1, 1))
        answers = {
            "good": lambda x: x.reply(200, good, call, trailers=[("grpc-status", "0")]),
            "not serving": lambda x: x.reply(200, message(varint_field(1, 2)), call, trailers=[("grpc-status", "0")]),
            "unknown": lambda x: x.reply(200, message(b""), call, trailers=[("grpc-status", "0")]),
            "failed": lambda x: x.reply(200, good, call, trailers=[("grpc-status", "14")]),
            "no such service": lambda x: x.headers([(":status", "200"), *call, ("grpc-status", "5")], ends=True),
            "no gRPC": lambda x: x.reply(200, good),
            "an error": lambda x: x.reply(500, good, call, trailers=[("grpc-status", "0")]),
            "cut": lambda x: x.headers([(":status", "200"), *call]).data(good[:5]).headers([("grpc-status", "0")], ends=True),
            "two": lambda x: x.reply(200, good + good, call, trailers=[("grpc-status", "0")]),
            "reset": lambda x: x.reset(2),
        }
        state = {"kind": "good"}
        o = self.calls(lambda x: answers[state["kind"]](x))
        g = self.simple(o, lines=["protocol h2", f"health grpc shop.Orders {EVERY}"])
        self.up(g)
        x = eventually(lambda: o.calls and o.calls[0].ended and o.calls[0])
        self.assertEqual((x.field(":method"), x.field(":path"), x.field("content-type"), x.field("te")),
                         ("POST", "/grpc.health.v1.Health/Check", "application/grpc", "trailers"))
        self.assertEqual(x.body, message(b"\x0a\x0bshop.Orders"))
        for kind in answers:
            if kind != "good":
                state["kind"] = kind
                self.up(g, 0)
                state["kind"] = "good"
                self.up(g, 1)

    def test_the_server_as_a_whole_in_pieces(self):
        def answer(x):
            x.headers([(":status", "200"), ("content-type", "application/grpc")])
            for byte in message(varint_field(1, 1)):
                x.data(bytes([byte]))
            x.headers([("grpc-message", "fine"), ("grpc-status", "0")], ends=True)
        bad = self.calls(lambda x: x.reply(200, b""))
        o = self.calls(answer)
        g = self.simple(o, bad, lines=["protocol h2", f"health grpc {EVERY}"])
        eventually(lambda: g.metrics().value("gatehouse_backend_up", backend=bad.address) == 0)
        self.up(g, 1)
        eventually(lambda: o.calls, "it was asked")
        self.assertEqual(o.calls[0].body, message(b""))

    def test_over_tls(self):
        authority = Authority(self.directory)
        answer = lambda x: x.reply(200, message(varint_field(1, 1)), trailers=[("grpc-status", "0")])  # noqa: E731
        certificate = authority.issue("good", "b.internal", ip="127.0.0.1")
        good, bad = (self.calls(answer, tls=authority.server(certificate, alpn=alpn)) for alpn in (["h2"], ["http/1.1"]))
        g = self.simple(good, bad, lines=["protocol h2", f"tls {{\n  ca {authority.path}\n}}", f"health grpc {EVERY}"])
        eventually(lambda: g.metrics().value("gatehouse_backend_up", backend=bad.address) == 0)
        self.up(g, 1)
        eventually(lambda: good.calls, "the good one was asked")
        self.assertEqual(good.calls[0].field(":scheme"), "https")
        self.assertEqual(bad.calls, [])

    def test_what_the_check_says(self):
        for line, complaint in (("health grpc", "'health grpc' needs HTTP/2"), ("health grpc a b\n  protocol h2", "one service too many"),
                                ("health tcp every 1s 2", "is not understood here"), ("health udp", "")):
            g = Gate(f"listen 127.0.0.1:0\nshard one {{\n  backend 127.0.0.1:1\n  {line}\n}}\n", self.directory, wait=False,
                     command=("check", "-c", "proxy.conf"))
            self.assertEqual(g.wait_end(), 1, line)
            eventually(lambda: g.output.ended and g.log.ended)
            self.assertIn(complaint, g.output.text() + g.log.text())
