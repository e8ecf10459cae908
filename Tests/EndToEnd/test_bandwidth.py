"""Bandwidth of a tenant: shared by its streams both ways, to a twentieth; others are not slowed down."""
import concurrent.futures
import subprocess
import time

from harness import Case, conf, get, shard, tenant
from harness.settings import BOTH

MIB = 1 << 20


class Bandwidth(Case):
    def proxy(self, *lines, **keywords):
        def answer(x):
            x.read_body(keep=False)
            x.reply(200, b"x" * int(x.target[1:] or 0))
        self.o = self.origin(answer)
        return self.gate(conf(shard("one", self.o), tenant("acme", *lines, home="one"), tenant("other", home="one"), **keywords))

    def assert_takes(self, seconds, move):
        """`move` takes so long, to a twentieth; on a busy machine it may take longer, but not each time."""
        for _ in range(4):
            began = time.monotonic()
            move()
            took = time.monotonic() - began
            # What was saved at first comes at once: a twentieth of a second and two grants.
            self.assertGreaterEqual(took, 0.95 * seconds - 0.1)
            if took <= 1.05 * seconds + 0.1:
                return
        self.fail(f"{took:.2f} s for {seconds} s")

    def test_downloads_share_what_goes_out(self):
        g = self.proxy("bandwidth out 2MiB/s")

        def move():
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda _: get(g.address, target=f"/{MIB}"), range(4)))
            self.assertEqual([len(r.body) for r in answers], [MIB] * 4)
        self.assert_takes(2, move)

    def test_uploads_share_what_comes_in(self):
        g = self.proxy("bandwidth in 2MiB/s out 1GiB/s")

        def upload(_):
            with g.client(timeout=20) as c:
                return c.request("POST", "/1", body=b"y" * MIB).final().status

        def move():
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                self.assertEqual(list(pool.map(upload, range(4))), [200] * 4)
        self.assert_takes(2, move)

    def test_others_are_not_slowed_down(self):
        g = self.proxy("bandwidth out 200KiB/s", workers=1)
        with g.client() as slow:
            slow.request(target=f"/{MIB}")
            began = time.monotonic()
            for _ in range(20):
                self.assertEqual(len(get(g.address, target=f"/{MIB}", host="other.example").body), MIB)
            self.assertLess(time.monotonic() - began, 4)

    def test_streams_of_http2_both_ways(self):
        g = self.proxy("bandwidth out 1MiB/s in 1MiB/s", listen=(BOTH,))
        curl = ["curl", "-sS", "-H", "Expect:", "--http2-prior-knowledge", "-H", "Host: acme.example", "-o", "/dev/null", "-w", "%{http_code} %{size_download}\n"]

        def move(target, data, size):
            out = subprocess.run([*curl, *data[:2], f"http://{g.address}/{target}"], input="z" * MIB, capture_output=True, text=True, timeout=30)
            self.assertEqual(out.stdout, f"200 {size}\n", out.stderr)
        self.assert_takes(1, lambda: move(MIB, [], MIB))
        self.assert_takes(1, lambda: move(5, ["--data-binary", "@-"], 5))
