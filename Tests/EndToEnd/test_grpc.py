"""gRPC: calls pass with their trailers, and refusals are ones that its clients understand."""
from harness import HTTP2, Case, closed_port, conf, shard, tenant

CALL = [("content-type", "application/grpc"), ("te", "trailers")]


class GRPC(Case):
    def call(self, c, **keywords):
        return c.final(c.request("POST", "/shop.Orders/List", body=b"\0\0\0\0\2hi", fields=CALL, **keywords))

    def assert_call_refused(self, r, status):
        self.assertEqual((r.status, r.field("content-type"), r.body), (200, "application/grpc", b""), r)
        self.assertEqual(r.field("grpc-status"), str(status), r)

    def test_a_call_and_its_trailers(self):
        o = self.origin(lambda x: x.read_body() and x.send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n\0\0\0\0\2ok\r\n0\r\n"
            "grpc-status: 0\r\ngrpc-message: fine\r\n\r\n"))
        g = self.simple(o, listen=[HTTP2])
        with g.frames() as c:
            r = self.call(c)
            self.assertEqual((r.status, r.body, r.trailers), (200, b"\0\0\0\0\2ok", [("grpc-status", "0"), ("grpc-message", "fine")]))
        self.assertEqual(o.last.body, b"\0\0\0\0\2hi")

    def test_refusals(self):
        address, held = closed_port()
        self.addCleanup(held.close)
        g = self.gate(conf(shard("one", self.origin()), shard("dead", address),
                           tenant("acme", "requests 1/h burst 1", home="one"), tenant("lost", home="dead"),
                           tenant("old", "state suspended", home="one"), listen=[HTTP2]))
        with g.frames() as c:
            self.assertEqual(self.call(c).status, 200)
            r = self.call(c)
            self.assert_call_refused(r, 8)
            self.assertEqual(r.field("grpc-message"), "rate_limited")
            self.assertGreater(int(r.field("grpc-retry-pushback-ms")), 1000)
            self.assert_call_refused(self.call(c, host="lost.example"), 14)
            self.assert_call_refused(self.call(c, host="old.example"), 7)
            self.assert_call_refused(self.call(c, host="nobody.example"), 12)
            # Others are answered as ever.
            for kind in ("application/grpc-web", "application/json"):
                r = c.final(c.request("POST", body=b"x", fields=[("content-type", kind)], host="nobody.example"))
                self.assert_refused(r, 404, "tenant_unknown")
