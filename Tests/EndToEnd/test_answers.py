"""Answers of the proxy's own: a problem with a stable code, or a short page, and never a word about other tenants."""
from harness import Case, closed_port, conf, eventually, get, shard, tenant


class OwnAnswers(Case):
    def setUp(self):
        super().setUp()
        self.o = self.origin()
        self.g = self.gate(conf(shard("one", self.o), tenant("acme", home="one"), tenant("globex", home="one")))

    def test_a_problem_has_all_its_members(self):
        r = get(self.g.address, host="nobody.example")
        self.assert_refused(r, 404, "tenant_unknown")
        self.assertEqual(r.field("content-type").split(";")[0], "application/problem+json")
        self.assertLessEqual({"type", "title", "status", "code", "request_id"}, set(r.json))
        self.assertNotIn("tenant", r.json)
        self.assertEqual(int(r.field("content-length")), len(r.body))

    def test_the_request_id_is_the_one_in_the_log(self):
        r = get(self.g.address, host="nobody.example")
        record = eventually(lambda: self.g.records())[0]
        self.assertEqual(record["request_id"], r.json["request_id"])
        self.assertEqual((record["status"], record["code"]), (404, "tenant_unknown"))

    def test_browsers_get_a_page(self):
        for accept in ("text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json;q=0.5, text/html;q=0.9"):
            with self.subTest(accept):
                r = get(self.g.address, host="nobody.example", fields=[("Accept", accept)])
                self.assertEqual(r.status, 404)
                self.assertTrue(r.field("content-type").startswith("text/html"), r)
                self.assertIn(b"tenant_unknown", r.body)
                self.assertRegex(r.field("proxy-status"), "^gatehouse; ?error=")

    def test_programs_get_a_problem(self):
        for accept in ("*/*", "application/json", "application/problem+json", "text/html;q=0.1, application/json", "text/html;q=0", "", "image/png"):
            with self.subTest(accept):
                r = get(self.g.address, host="nobody.example", fields=[("Accept", accept)])
                self.assertEqual(r.code, "tenant_unknown")

    def test_head_gets_no_body(self):
        with self.g.client() as c:
            r = c.request("HEAD", host="nobody.example").final("HEAD")
            self.assertEqual(r.status, 404)
            self.assertEqual(c.get().status, 200, "the connection goes on")

    def test_a_refusal_that_is_no_fault_of_the_framing_keeps_the_connection(self):
        with self.g.client() as c:
            for _ in range(3):
                self.assertEqual(c.get(host="nobody.example").status, 404)
                self.assertEqual(c.get().status, 200)

    def test_a_refused_post_does_not_leave_its_body_as_the_next_request(self):
        with self.g.client() as c:
            c.request("POST", host="nobody.example", body=b"GET /smuggled HTTP/1.1\r\nHost: acme.example\r\n\r\n")
            r = c.response()
            self.assertEqual(r.status, 404)
            if not r.closes:
                self.assertEqual(c.get("/next").status, 200)
        get(self.g.address, "/marker")
        self.assertNotIn("/smuggled", [x.target for x in self.o.requests])

    def test_what_the_client_sent_is_not_reflected_unescaped(self):
        for accept in ("text/html", "*/*"):
            with self.g.client() as c:
                r = c.get('/<script>alert("x")</script>', host="nobody.example", fields=[("Accept", accept)])
                self.assertNotIn(b"<script>", r.body)

    def test_the_tenant_is_named_once_it_is_known(self):
        address, keep = closed_port()
        self.addCleanup(keep.close)
        self.g.reload(conf(shard("one", address), tenant("acme", home="one"), tenant("globex", home="one")))
        r = get(self.g.address)
        self.assertEqual((r.status, r.json["tenant"]), (502, "acme"))
        self.assertNotIn(b"globex", r.body)

    def test_nothing_of_the_inside_is_told(self):
        address, keep = closed_port()
        self.addCleanup(keep.close)
        g = self.gate(conf(shard("secret-shard", address), tenant("acme", home="secret-shard")))
        r = get(g.address)
        self.assertEqual(r.status, 502)
        self.assertNotIn(address.encode(), r.body)
        self.assertNotIn(b"secret-shard", r.body)
        self.assertNotIn(address, repr(r.fields))

    def test_http_1_0_gets_an_answer_it_can_read(self):
        with self.g.client() as c:
            r = c.request(version="HTTP/1.0", host="nobody.example").final()
            self.assertEqual((r.status, r.field("transfer-encoding")), (404, None))
            self.assertTrue(c.is_closed())


class ConnectFailures(Case):
    def test_nobody_listens(self):
        address, keep = closed_port()
        self.addCleanup(keep.close)
        g = self.simple(address)
        r = get(g.address)
        self.assert_refused(r, 502, "connect_failed")
        record = eventually(lambda: g.records())[0]
        self.assertEqual((record["status"], record["code"], record["tenant"], record["backend"]), (502, "connect_failed", "acme", address))
