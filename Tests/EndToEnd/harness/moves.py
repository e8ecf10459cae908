"""What tests of moves stand on: the admin API, origins that check epochs, and a steady load."""
import http.client
import json
import os
import socket
import threading
import time

from .case import Case
from .client import Client
from .origin import Origin
from .settings import conf, shard, tenant


class Admin:
    """The admin API of a proxy, by its Unix socket."""

    def __init__(self, path):
        self.path = path

    def call(self, method, path, body=None, reason=None, timeout=90):
        """The status and the JSON of an answer."""
        connection = http.client.HTTPConnection("gatehouse", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(self.path)
        fields = {"X-Audit-Reason": reason} if reason else {}
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, fields)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def get(self, path):
        status, answer = self.call("GET", path)
        assert status == 200, (path, status, answer)
        return answer

    def move(self, tenant="acme", to="two", **terms):
        """Begins a move; the move as it is told."""
        status, answer = self.call("POST", "/v1/moves", {"tenant": tenant, "to": to, **terms})
        assert status == 201, (status, answer)
        return answer

    def show(self, move):
        return self.get(f"/v1/moves/{move['id']}")

    def until(self, move, *states, patience=20):
        """The move once it is in one of these states."""
        end = time.monotonic() + patience
        while True:
            answer = self.show(move)
            if answer["state"] in states:
                return answer
            assert answer.get("ended") is None and time.monotonic() < end, f"not {states}: {answer}"
            time.sleep(0.005)

    def end(self, move, patience=30):
        """The move once it has ended."""
        return self.until(move, "done", "rolled_back", "failed", patience=patience)


class Fence:
    """What origins of all shards know of a tenant's data: the highest epoch, and who works on it now."""

    def __init__(self):
        self.lock = threading.Lock()
        self.highest = {}
        self.working = {}       # (tenant, shard) -> epochs of requests under way
        self.stale = []
        self.overlaps = []
        self.served = []        # (time, shard, epoch, target)

    def enter(self, tenant, shard, epoch, target):
        """The highest epoch if it is higher than the request's, else None."""
        with self.lock:
            if epoch < self.highest.get(tenant, 0):
                self.stale.append((shard, epoch, target))
                return self.highest[tenant]
            self.highest[tenant] = epoch
            for (whose, other), epochs in self.working.items():
                if whose == tenant and other != shard and epochs:
                    self.overlaps.append((tenant, shard, epoch, other, list(epochs), target))
            self.working.setdefault((tenant, shard), []).append(epoch)
            self.served.append((time.monotonic(), shard, epoch, target))
            return None

    def leave(self, tenant, shard, epoch):
        with self.lock:
            self.working[(tenant, shard)].remove(epoch)

    def shards(self):
        with self.lock:
            return [shard for _, shard, _, _ in self.served]


def fenced(fence, shard, think=0.002, answer=None):
    """An answer for an origin of this shard that keeps to epochs."""
    def reply(x):
        tenant, epoch = x.field("X-Tenant-ID"), int(x.field("X-Placement-Epoch"))
        assert x.field("X-Placement-Shard") == shard, x.fields
        x.read_body()
        known = fence.enter(tenant, shard, epoch, x.target)
        if known is not None:
            return x.reply(421, "stale", [("X-Placement-Stale", str(known))])
        try:
            if think:
                time.sleep(think)
            (answer or (lambda x: x.reply(200, shard)))(x)
        finally:
            fence.leave(tenant, shard, epoch)
    return reply


class Load:
    """Clients that ask one request after the other, each on a connection of its own."""

    def __init__(self, address, clients=8, host="acme.example", method="GET", pause=0.005, ask=None):
        self.address, self.host, self.method, self.pause, self.ask = address, host, method, pause, ask
        self.results = []       # (start, seconds, status, body)
        self.errors = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, number):
        count = 0
        try:
            with Client(self.address, timeout=30) as c:
                while not self._stopping.is_set():
                    start = time.monotonic()
                    target = f"/{number}/{count}"
                    body = b"x" * 10 if self.method == "POST" else None
                    r = c.request(self.method, target, host=self.host, body=body).final()
                    self.results.append((start, time.monotonic() - start, r.status, r.body))
                    if r.status != 200:
                        self.errors.append((target, r))
                        if r.closes:
                            return
                    count += 1
                    time.sleep(self.pause)
        except Exception as e:  # noqa: BLE001 - any failure of a client is what the test is about
            self.errors.append((number, e))

    def wait(self, count, patience=15):
        """Waits for so many more answers."""
        wanted, end = len(self.results) + count, time.monotonic() + patience
        while len(self.results) < wanted:
            assert time.monotonic() < end and not (self.errors and not self.results), (len(self.results), self.errors[:3])
            time.sleep(0.005)

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)
        return self.results


class FencedOrigin(Origin):
    """An origin that keeps to epochs."""

    def __init__(self, fence, shard, **keywords):
        super().__init__(fenced(fence, shard, **keywords), shard)


class MoveCase(Case):
    """A proxy with the tenant acme on shard one, and shard two for it to go to."""

    def setUp(self):
        super().setUp()
        self.count = 0

    def basics(self):
        """What every configuration here begins with."""
        self.count += 1
        self.socket = os.path.join(self.directory, f"admin{self.count}")
        return ("state state", f"admin unix:{self.socket}")

    def begin(self, *lines, parts=(), think=0.002, answers=(None, None), tenants=(), shard_lines=((), ()),
              health=None, **keywords):
        self.fence = Fence()
        self.one, self.two = (self.fenced(name, think, answer) for name, answer in zip(("one", "two"), answers))
        self.two.health = health
        settings = {k: keywords.pop(k) for k in ("listen", "workers") if k in keywords}
        self.config = conf(
            *self.basics(), *parts, shard("one", self.one, lines=shard_lines[0]),
            shard("two", self.two, lines=shard_lines[1]), tenant("acme", *lines, home="one"), *tenants, **settings)
        g = self.gate(self.config, **keywords)
        self.admin = Admin(self.socket)
        return g

    def fenced(self, name, think=0.002, answer=None):
        origin = FencedOrigin(self.fence, name, think=think, answer=answer)
        self._origins.append(origin)
        return origin

    def assert_fenced(self):
        """No request came by an old epoch, and none to one shard while the other still worked."""
        self.assertEqual(self.fence.stale, [])
        self.assertEqual(self.fence.overlaps, [])

    def placement(self):
        answer = self.admin.get("/v1/tenants/acme")
        return answer["home"], answer["epoch"]
