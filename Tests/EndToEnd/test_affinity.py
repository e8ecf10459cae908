"""Clients that stay with their backend: a signed cookie that outlives reloads and restarts, and nothing that can be forged."""
import os
import shutil
import stat
import types

from harness import Case, conf, eventually, get, shard, tenant

NAME = "GHSESSION"
STICKY = f"sticky cookie {NAME} for 12h"


class Affinity(Case):
    def setUp(self):
        super().setUp()
        self.origins = [self.origin(name=n) for n in "abc"]

    def text(self, *origins, parts=(), sticky=STICKY):
        return conf(*parts, shard("one", *(origins or self.origins), lines=[sticky, "balance round-robin"]),
                    tenant("acme", home="one"), tenant("globex", home="one"))

    def bind(self, g, host="acme.example"):
        r = get(g.address, host=host)
        cookie = r.cookie(NAME)
        self.assertTrue(cookie, f"no cookie: {r!r}")
        return cookie, r.body

    def ask(self, g, cookie, host="acme.example", count=6):
        """The bodies that `count` requests with this cookie get, and whether a new cookie came."""
        answers = [get(g.address, host=host, fields=[("Cookie", f"x=1; {NAME}={cookie}; y=2")]) for _ in range(count)]
        self.assertEqual({r.status for r in answers}, {200})
        return {r.body for r in answers}, any(r.cookie(NAME) for r in answers)

    def result(self, g, result):
        return g.metrics().value("gatehouse_affinity_total", result=result)

    def test_a_client_stays_where_it_was(self):
        g = self.gate(self.text())
        for _ in range(3):
            cookie, body = self.bind(g)
            self.assertEqual(self.ask(g, cookie), ({body}, False))
        self.assertEqual((self.result(g, "bound"), self.result(g, "kept")), (3, 18))

    def test_clients_without_a_cookie_are_spread(self):
        g = self.gate(self.text(), )
        self.assertEqual({self.bind(g)[1] for _ in range(12)}, {b"a", b"b", b"c"})

    def test_the_cookie_is_made_with_care(self):
        g = self.gate(self.text())
        r = get(g.address)
        line = next(v for v in r.all("set-cookie") if v.startswith(NAME))
        attributes = [a.strip().lower() for a in line.split(";")[1:]]
        self.assertIn("path=/", attributes)
        self.assertIn("httponly", attributes)
        self.assertIn("max-age=43200", attributes)
        self.assertTrue(any(a.startswith("samesite=") for a in attributes), attributes)
        value = r.cookie(NAME)
        for secret in ("127.0.0.1", str(self.origins[0].port), "acme"):
            self.assertNotIn(secret, value)
        self.assertRegex(value, r"^[A-Za-z0-9_-]+$")

    def test_cookies_of_the_origin_are_kept_beside_it(self):
        o = self.origin(lambda x: x.reply(200, "x", [("Set-Cookie", "theirs=1; Path=/")]))
        g = self.gate(self.text(o))
        self.assertIn("theirs=1; Path=/", get(g.address).all("set-cookie"))

    def test_it_outlives_reloads(self):
        g = self.gate(self.text())
        cookie, body = self.bind(g)
        g.reload()
        self.assertEqual(self.ask(g, cookie), ({body}, False))
        g.reload(self.text(*reversed(self.origins)))
        self.assertEqual(self.ask(g, cookie), ({body}, False), "the order of backends in the file is no matter")

    def test_it_outlives_restarts_and_kills(self):
        g = self.gate(self.text())
        cookie, body = self.bind(g)
        g.stop()
        g = self.gate(self.text(), after=g, may_fail=True)
        self.assertEqual(self.ask(g, cookie), ({body}, False))
        g.kill()
        g = self.gate(self.text(), after=g)
        self.assertEqual(self.ask(g, cookie), ({body}, False))

    def test_the_key_file_is_made_once_and_is_private(self):
        g = self.gate(self.text())
        path = os.path.join(g.directory, ".gatehouse-affinity.key")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        key = g.read(".gatehouse-affinity.key")
        g.stop()
        g = self.gate(self.text(), after=g)
        self.assertEqual(g.read(".gatehouse-affinity.key"), key)

    def test_the_key_file_lives_in_the_state_directory_if_there_is_one(self):
        state = os.path.join(self.directory, "state")
        os.mkdir(state)
        g = self.gate(self.text(), environment={"STATE_DIRECTORY": state})
        self.bind(g)
        self.assertFalse(os.path.exists(os.path.join(g.directory, ".gatehouse-affinity.key")))
        keys = [f for f in os.listdir(state) if "affinity" in f]
        self.assertEqual(len(keys), 1, os.listdir(state))
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(state, keys[0])).st_mode), 0o600)

    def test_replicas_with_the_same_key_agree(self):
        g = self.gate(self.text())
        cookie, body = self.bind(g)
        state = os.path.join(self.directory, "copy")
        shutil.copytree(g.directory, state)
        twin = self.gate(self.text(), after=types.SimpleNamespace(directory=state))
        self.assertEqual(self.ask(twin, cookie), ({body}, False))

    def test_a_stranger_with_another_key_rejects_it(self):
        g = self.gate(self.text())
        cookie, _ = self.bind(g)
        other = self.gate(self.text())
        self.ask(other, cookie, count=1)
        self.assertEqual(self.result(other, "rejected"), 1)

    def test_tampering_is_ignored_and_counted(self):
        g = self.gate(self.text())
        cookie, body = self.bind(g)
        forged = [cookie[:i] + ("A" if cookie[i] != "A" else "B") + cookie[i + 1:] for i in range(0, len(cookie) - 1, 3)]
        forged += [cookie[:-4], cookie + "AAAA", "x", "A" * len(cookie), "%00" * 10]
        for n, value in enumerate(forged, 1):
            r = get(g.address, fields=[("Cookie", f"{NAME}={value}")])
            self.assertEqual(r.status, 200)
            self.assertTrue(r.cookie(NAME), "a fresh cookie replaces a forged one")
            self.assertEqual(self.result(g, "rejected"), n, value)

    def test_a_cookie_of_another_tenant_is_rejected(self):
        g = self.gate(self.text())
        cookie, _ = self.bind(g)
        r = get(g.address, host="globex.example", fields=[("Cookie", f"{NAME}={cookie}")])
        self.assertTrue(r.cookie(NAME))
        self.assertEqual(self.result(g, "rejected"), 1)

    def test_a_cookie_of_an_older_epoch_is_rejected(self):
        text = conf("tenants table tenants.tbl", shard("one", *self.origins, lines=[STICKY]))
        g = self.gate(text, files={"tenants.tbl": "acme home=one epoch=1 host=acme.example\n"})
        cookie, body = self.bind(g)
        self.assertEqual(self.ask(g, cookie, count=1), ({body}, False))
        g.reload(files={"tenants.tbl": "acme home=one epoch=2 host=acme.example\n"})
        r = get(g.address, fields=[("Cookie", f"{NAME}={cookie}")])
        self.assertTrue(r.cookie(NAME))
        self.assertEqual(self.result(g, "rejected"), 1)
        _, renewed = self.ask(g, r.cookie(NAME), count=2)
        self.assertFalse(renewed)

    def test_an_expired_cookie_is_rejected(self):
        g = self.gate(self.text(sticky=f"sticky cookie {NAME} for 1s"))
        cookie, _ = self.bind(g)
        eventually(lambda: get(g.address, fields=[("Cookie", f"{NAME}={cookie}")]).cookie(NAME), "a new cookie")
        self.assertGreaterEqual(self.result(g, "rejected"), 1)

    def test_a_backend_that_is_gone_is_replaced(self):
        g = self.gate(self.text())
        cookie, body = self.bind(g)
        left = [o for o in self.origins if o.name.encode() != body]
        g.reload(self.text(*left))
        r = get(g.address, fields=[("Cookie", f"{NAME}={cookie}")])
        self.assertNotEqual(r.body, body)
        self.assertEqual(self.result(g, "rebound"), 1)
        again = r.cookie(NAME)
        self.assertTrue(again)
        self.assertEqual(self.ask(g, again), ({r.body}, False))

    def test_a_backend_that_is_down_is_replaced(self):
        g = self.gate(conf(shard("one", *self.origins, lines=[STICKY, "health GET /healthz every 200ms timeout 1s rise 1 fall 1"]),
                           tenant("acme", home="one")))
        for o in self.origins:
            o.health = True
        cookie, body = self.bind(g)
        sick = next(o for o in self.origins if o.name.encode() == body)
        sick.health = False
        eventually(lambda: g.metrics().value("gatehouse_backend_up", backend=sick.address) == 0)
        r = get(g.address, fields=[("Cookie", f"{NAME}={cookie}")])
        self.assertEqual(r.status, 200)
        self.assertNotEqual(r.body, body)
        self.assertTrue(r.cookie(NAME))
        self.assertEqual(self.result(g, "rebound"), 1)

    def test_a_connect_failure_of_the_bound_backend_goes_elsewhere(self):
        g = self.gate(self.text())
        cookie, body = self.bind(g)
        next(o for o in self.origins if o.name.encode() == body).stop()
        r = get(g.address, fields=[("Cookie", f"{NAME}={cookie}")])
        self.assertEqual(r.status, 200)
        self.assertNotEqual(r.body, body)
        self.assertTrue(r.cookie(NAME), "it is bound to where it went")

    def test_what_happened_is_in_the_log(self):
        g = self.gate(self.text())
        cookie, _ = self.bind(g)
        self.ask(g, cookie, count=1)
        self.ask(g, "forged", count=1)
        records = eventually(lambda: len(g.records()) == 3 and g.records())
        self.assertEqual([r["affinity"] for r in records], ["bound", "kept", "rejected"])

    def test_a_shard_without_sticky_sets_no_cookie(self):
        g = self.simple(*self.origins)
        self.assertIsNone(get(g.address).field("set-cookie"))
        self.assertEqual(g.metrics().value("gatehouse_affinity_total"), 0)
