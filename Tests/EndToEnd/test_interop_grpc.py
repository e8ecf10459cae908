"""gRPC by its own library, client and server: all kinds of calls through the proxy."""
import threading
import time
from concurrent import futures

from harness import BOTH, Authority, Case, closed_port, conf, eventually, shard, tenant
from harness.debian import library

grpc = library("grpc")
raw = {"request_deserializer": None, "response_serializer": None}


class Service(grpc.GenericRpcHandler):
    """Calls whose messages are plain bytes."""

    def __init__(self):
        self.cancelled, self.metadata, self.left = threading.Event(), None, None
        self.serving = True

    def service(self, details):
        name = details.method.rpartition("/")[2]
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(lambda m, c: b"\x08\x01" if self.serving else b"\x08\x02", **raw)
        kinds = {"Echo": grpc.unary_unary_rpc_method_handler, "Fail": grpc.unary_unary_rpc_method_handler,
                 "Wait": grpc.unary_unary_rpc_method_handler, "Count": grpc.unary_stream_rpc_method_handler,
                 "Forever": grpc.unary_stream_rpc_method_handler, "Sum": grpc.stream_unary_rpc_method_handler,
                 "Talk": grpc.stream_stream_rpc_method_handler}
        return kinds[name](getattr(self, name.lower()), **raw) if name in kinds else None

    def echo(self, message, context):
        self.metadata = dict(context.invocation_metadata())
        context.send_initial_metadata([("x-initial", "1")])
        context.set_trailing_metadata([("x-trailing", "2"), ("x-data-bin", b"\0\xff")])
        return message

    def fail(self, message, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: 100 % ü")

    def wait(self, message, context):
        self.left = context.time_remaining()
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(20)
        return b""

    def count(self, message, context):
        for i in range(int(message)):
            yield b"%d" % i

    def forever(self, message, context):
        context.add_callback(self.cancelled.set)
        while not self.cancelled.is_set():
            yield b"x" * 1000
            time.sleep(0.01)

    def sum(self, messages, context):
        return b"%d" % sum(len(m) for m in messages)

    def talk(self, messages, context):
        for m in messages:
            yield m.upper()


class Calls(Case):
    def setUp(self):
        super().setUp()
        self.service = Service()
        self.server, self.backend = self.serve(self.service)

    def serve(self, service, credentials=None):
        server = grpc.server(futures.ThreadPoolExecutor(16), handlers=[service], options=[("grpc.so_reuseport", 0)])
        port = server.add_secure_port("127.0.0.1:0", credentials) if credentials else server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(0).wait(10))
        return server, f"127.0.0.1:{port}"

    def front(self, lines=(), **keywords):
        keywords.setdefault("listen", [BOTH])
        return self.simple(self.backend, lines=["protocol h2", *lines], **keywords)

    def channel(self, g, authority="acme.example", credentials=None):
        options = [("grpc.default_authority", authority), ("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0),
                   ("grpc.use_local_subchannel_pool", 1)]
        if credentials:
            c = grpc.secure_channel(g.address, credentials, options + [("grpc.ssl_target_name_override", authority)])
        else:
            c = grpc.insecure_channel(g.address, options)
        self.addCleanup(c.close)
        return c

    def assert_fails(self, code, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception)
        return caught.exception

    def test_unary(self):
        c = self.channel(self.front())
        echo = c.unary_unary("/shop.Orders/Echo")
        for size in (0, 1, 16_384, 3_000_000):
            self.assertEqual(echo(b"x" * size, timeout=20), b"x" * size)
        answer, call = echo.with_call(b"hi", metadata=[("x-mine", "1"), ("x-mine-bin", b"\xfe")], timeout=20)
        self.assertEqual(dict(call.initial_metadata())["x-initial"], "1")
        trailing = dict(call.trailing_metadata())
        self.assertEqual((trailing["x-trailing"], trailing["x-data-bin"]), ("2", b"\0\xff"))
        self.assertEqual((self.service.metadata["x-mine"], self.service.metadata["x-mine-bin"]), ("1", b"\xfe"))
        self.assertEqual(self.service.metadata["x-tenant-id"], "acme")
        self.assertEqual(c.unary_unary("/shop.Orders/Echo")(b"y" * 100_000, compression=grpc.Compression.Gzip, timeout=20), b"y" * 100_000)

    def test_failures_of_the_server(self):
        c = self.channel(self.front())
        e = self.assert_fails(grpc.StatusCode.FAILED_PRECONDITION, lambda: c.unary_unary("/shop.Orders/Fail")(b"", timeout=20))
        self.assertEqual(e.details(), "not today: 100 % ü")
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, lambda: c.unary_unary("/shop.Orders/None")(b"", timeout=20))

    def test_streams(self):
        c = self.channel(self.front())
        self.assertEqual(list(c.unary_stream("/shop.Orders/Count")(b"1000", timeout=20)), [b"%d" % i for i in range(1000)])
        self.assertEqual(c.stream_unary("/shop.Orders/Sum")(iter([b"x" * 10_000] * 200), timeout=20), b"2000000")
        self.assertEqual(list(c.stream_stream("/shop.Orders/Talk")(iter([b"a", b"b", b"c"]), timeout=20)), [b"A", b"B", b"C"])

    def test_a_conversation_in_turns(self):
        c = self.channel(self.front())
        heard = threading.Semaphore(0)

        def say():
            for i in range(10):
                yield b"word %d" % i
                heard.acquire(timeout=10)
        for i, answer in enumerate(c.stream_stream("/shop.Orders/Talk")(say(), timeout=20)):
            self.assertEqual(answer, b"WORD %d" % i)
            heard.release()

    def test_a_client_that_cancels(self):
        g = self.front()
        call = self.channel(g).unary_stream("/shop.Orders/Forever")(b"", timeout=20)
        self.assertEqual(next(call), b"x" * 1000)
        call.cancel()
        self.assertTrue(self.service.cancelled.wait(10))
        eventually(lambda: g.metrics().value("gatehouse_requests_in_flight") == 0)

    def test_a_deadline(self):
        """The server is told how long it has, and both end in time."""
        c = self.channel(self.front())
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: c.unary_unary("/shop.Orders/Wait")(b"", timeout=0.5))
        self.assertTrue(0 < self.service.left <= 0.5, self.service.left)
        self.assertTrue(self.service.cancelled.wait(10))
        self.service.cancelled.clear()
        stream = c.unary_stream("/shop.Orders/Forever")(b"", timeout=0.5)
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(stream))
        self.assertTrue(self.service.cancelled.wait(10))

    def test_refusals(self):
        address, held = closed_port()
        self.addCleanup(held.close)
        g = self.gate(conf(shard("one", self.backend, lines=["protocol h2"]), shard("dead", address, lines=["protocol h2"]),
                           tenant("acme", "requests 1/h burst 1", home="one"), tenant("lost", home="dead"), listen=[BOTH]))
        echo = self.channel(g).unary_unary("/shop.Orders/Echo")
        self.assertEqual(echo(b"1", timeout=20), b"1")
        e = self.assert_fails(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: echo(b"2", timeout=20))
        self.assertEqual(e.details(), "rate_limited")
        for host, code in (("lost.example", grpc.StatusCode.UNAVAILABLE), ("nobody.example", grpc.StatusCode.UNIMPLEMENTED)):
            self.assert_fails(code, lambda: self.channel(g, host).unary_unary("/shop.Orders/Echo")(b"", timeout=20))

    def test_tls_on_both_sides(self):
        authority = Authority(self.directory)
        read = lambda path: open(path, "rb").read()  # noqa: E731
        backend, own = authority.issue("backend", "b.internal", ip="127.0.0.1"), authority.issue("acme", "acme.example")
        _, address = self.serve(self.service, grpc.ssl_server_credentials([(read(backend[1]), read(backend[0]))]))
        g = self.simple(address, lines=["protocol h2", f"tls {{\n  ca {authority.path}\n}}"],
                        listen=[f"127.0.0.1:0 {{\n  certificate {own[0]} key {own[1]}\n  protocols h2\n}}"])
        c = self.channel(g, credentials=grpc.ssl_channel_credentials(read(authority.path)))
        self.assertEqual(c.unary_unary("/shop.Orders/Echo")(b"x" * 100_000, timeout=20), b"x" * 100_000)
        self.assertEqual(len(list(c.unary_stream("/shop.Orders/Count")(b"100", timeout=20))), 100)

    def test_checks(self):
        g = self.front(lines=["health grpc every 100ms timeout 2s rise 1 fall 1"])
        up = lambda: g.metrics().value("gatehouse_backend_up", shard="one")  # noqa: E731
        self.service.serving = False
        eventually(lambda: up() == 0, "it is out")
        self.service.serving = True
        eventually(lambda: up() == 1, "it is back")
        self.assertEqual(self.channel(g).unary_unary("/shop.Orders/Echo")(b"1", timeout=20), b"1")
