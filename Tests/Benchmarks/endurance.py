#!/usr/bin/env python3
"""The real binary under mixed load for a long time: does anything leak, does every count agree?

usage: endurance.py [minutes]      30 by default; the binary is $GATEHOUSE or .build/release/gatehouse; needs wrk

All at once: wrk, clients that check every answer, slow clients, clients that leave early or reset, uploads, a reload each
second that edits limits and adds and takes out tenants, backends killed and started again, the access log rotated.
It fails unless, at the end,

- descriptors and memory are what they were after the first minute, within 5 % (and a few descriptors);
- every 5xx in the access log lies near the death of a backend of its shard;
- for each tenant, requests in the metrics are lines in the access log, and what the clients that count had answered;
- no line was dropped, no reload refused, and nothing is in flight.
"""
import collections
import datetime
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "EndToEnd"))
from harness import Client, Gate, conf, eventually, shard, tenant  # noqa: E402

# Seconds around the death of a backend within which its shard may answer 5xx: until checks and connects know.
GRACE = 3.0
COUNTING = ["count0", "count1", "count2", "uploads"]
OTHERS = ["wrk", "slow", "leaving"]


class Answers(http.server.BaseHTTPRequestHandler):
    """`/slow` takes its time, `/big` is a mebibyte, anything else is short; uploads are counted back."""
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(0.05)
        self.answer(b"x" * (1 << 20) if self.path.startswith("/big") else b"fine")

    def do_POST(self):
        count, left = 0, int(self.headers["Content-Length"])
        while left:
            data = self.rfile.read(min(left, 1 << 16))
            if not data:
                self.close_connection = True
                return
            count, left = count + len(data), left - len(data)
        self.answer(str(count).encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

    def handle_error(self, *_):
        pass        # clients of this test leave early on purpose


def serve(port):
    server = Server(("127.0.0.1", port), Answers)
    print(server.server_address[1], flush=True)
    server.serve_forever()


class Backend:
    """A backend in a process of its own, on one port for life."""

    def __init__(self, name):
        self.name, self.port, self.deaths = name, 0, []
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, __file__, "--serve", str(self.port)], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def kill(self):
        self.deaths.append([time.time(), None])
        self.process.kill()
        self.process.wait()

    def revive(self):
        self.start()
        self.deaths[-1][1] = time.time()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


class Load:
    """Everything that goes on until the end, and what it saw."""

    def __init__(self, gate):
        self.gate, self.going, self.trouble = gate, True, []
        self.answered = collections.Counter()
        self.asked = collections.Counter()
        self.threads = []

    def start(self, body, *arguments):
        def run():
            while self.going:
                try:
                    body(*arguments)
                except Exception as e:  # noqa: BLE001 - told at the end
                    self.trouble.append(f"{body.__name__}: {e!r}")
                    time.sleep(0.1)

        thread = threading.Thread(target=run, daemon=True)
        self.threads.append(thread)
        thread.start()

    def end(self):
        self.going = False
        for thread in self.threads:
            thread.join(30)

    # -- clients whose every request is answered or known to be lost

    def counting(self, name):
        with Client(self.gate.address, timeout=30) as c:
            for _ in range(200):
                if not self.going:
                    return
                method, body = ("POST", os.urandom(random.choice([10, 5000, 200_000]))) if name == "uploads" else ("GET", None)
                path = random.choice(["/", "/", "/", "/slow", "/big"]) if method == "GET" else "/"
                self.asked[name] += 1
                c.request(method, path, host=f"{name}.example", body=body)
                r = c.final(method)
                self.answered[name] += 1
                if r.status == 200 and method == "POST" and int(r.body) != len(body):
                    self.trouble.append(f"{name}: {len(body)} bytes went out, {r.body!r} came in")
                if r.closes:
                    return
                time.sleep(0.002)

    # -- clients that behave badly

    def slow(self):
        """A head in pieces, and a large answer read slowly."""
        with Client(self.gate.address, timeout=30, receive_buffer=8192) as c:
            for piece in ("GET /big HTTP/1.1\r\n", "Host: slow.example\r\n", "Connection: close\r\n", "\r\n"):
                c.send(piece)
                time.sleep(0.05)
            taken = 0
            while True:
                data = c.socket.recv(32768)
                if not data:
                    return
                taken += len(data)
                time.sleep(0.01)

    def leaving(self):
        """Half of a head, a reset in the middle of a big answer, an upload that is given up."""
        c = Client(self.gate.address, timeout=30)
        kind = random.randrange(3)
        if kind == 0:
            c.send("GET / HTTP/1.1\r\nHost: leav")
        elif kind == 1:
            c.request("GET", "/big", host="leaving.example")
            c.take(1000)
        else:
            c.send("POST / HTTP/1.1\r\nHost: leaving.example\r\nContent-Length: 100000\r\n\r\nsome")
        time.sleep(0.02)
        c.reset() if random.random() < 0.5 else c.close()


def configuration(number, shards):
    """A configuration that differs from the one before in a limit, and in tenants that come and go."""
    parts = [shard(name, *backends, lines=("health GET /healthz every 200ms timeout 500ms rise 1 fall 2", "sticky cookie SOAK for 1h"))
             for name, backends in shards.items()]
    names = list(shards)
    parts += [tenant(t, home=names[i % len(names)]) for i, t in enumerate(COUNTING + OTHERS)]
    parts.append(tenant("edited", f"requests {10 + number % 7}/s burst {5 + number % 5}", home=names[0]))
    parts += [tenant(f"passing{number + k}", home=names[k % len(names)]) for k in range(3)]
    return conf(*parts)


class Log:
    """The access log, read and rotated away piece by piece."""

    def __init__(self, gate):
        self.gate, self.lines, self.failures, self.number = gate, collections.Counter(), [], 0

    def rotate(self):
        path = os.path.join(self.gate.directory, "access.log")
        self.number += 1
        old = f"{path}.{self.number}"
        os.rename(path, old)
        self.gate.signal(signal.SIGUSR1)
        eventually(lambda: os.path.exists(path), "a new access log")
        # Records on their way may still go to the old file for a moment.
        size = -1
        while size != os.path.getsize(old):
            size = os.path.getsize(old)
            time.sleep(0.3)
        with open(old) as file:
            for line in file:
                record = json.loads(line)
                if "tenant" in record:
                    self.lines[record["tenant"]] += 1
                if record.get("status", 0) >= 500:
                    self.failures.append((record["time"], record.get("shard"), record["status"], record.get("code")))
        os.remove(old)


def seconds(text):
    """Seconds since 1970 of a time in the log."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def requests(sample, name):
    return int(sample.value("gatehouse_requests_total", tenant=name))


def state(gate):
    return gate.open_descriptors(), gate.memory()


def run(minutes):
    shards = {name: [Backend(f"{name}.{k}") for k in range(2)] for name in ("one", "two")}
    with tempfile.TemporaryDirectory(prefix="gatehouse-endurance-") as directory:
        gate = Gate(configuration(0, shards), directory)
        load, log = Load(gate), Log(gate)
        for name in COUNTING:
            load.start(load.counting, name)
        for _ in range(4):
            load.start(load.slow)
            load.start(load.leaving)
        wrk = subprocess.Popen(["wrk", "-t1", "-c8", f"-d{int(minutes * 60)}s", "-H", "Host: wrk.example", f"http://{gate.address}/slow"],
                               stdout=subprocess.DEVNULL)
        began, first, number, down = time.monotonic(), None, 0, None
        while time.monotonic() - began < minutes * 60:
            time.sleep(1)
            number += 1
            gate.reload(configuration(number, shards))
            if number % 7 == 3:
                down = random.choice([b for s in shards.values() for b in s])
                down.kill()
            elif number % 7 == 6 and down:
                down.revive()
                down = None
            if number % 60 == 0:
                log.rotate()
            if first is None and time.monotonic() - began >= 60:
                first = state(gate)
        if down:
            down.revive()
        wrk.wait(60)
        load.end()
        return judge(gate, load, log, shards, first, number)


def judge(gate, load, log, shards, first, reloads):
    """What is wrong, in words."""
    wrong = []
    eventually(lambda: gate.metrics().value("gatehouse_requests_in_flight") == 0, "nothing in flight", 60)
    eventually(lambda: gate.metrics().value("gatehouse_client_connections") <= 1, "no client left", 60)
    sample = gate.metrics()
    log.rotate()
    last = state(gate)
    print(f"{reloads} reloads; descriptors and bytes after a minute {first}, at the end {last}")
    if first and (last[0] > first[0] + 8 or last[1] > first[1] * 1.05):
        wrong.append(f"grew from {first} to {last}")
    deaths = {name: [d for b in backends for d in b.deaths] for name, backends in shards.items()}
    unexplained = [f for f in log.failures if not any(a - GRACE <= seconds(f[0]) <= b + GRACE for a, b in deaths.get(f[1], []))]
    print(f"{sum(map(len, deaths.values()))} deaths of backends, {len(log.failures)} answers of 5xx, {len(unexplained)} of them unexplained")
    wrong += [f"unexplained: {f}" for f in unexplained[:5]]
    for name in COUNTING + OTHERS:
        counted, logged = requests(sample, name), log.lines[name]
        said = f"{name}: {counted} counted, {logged} logged" + (f", {load.asked[name]} asked, {load.answered[name]} answered" if name in COUNTING else "")
        print(said)
        if counted != logged or name in COUNTING and not load.answered[name] <= counted <= load.asked[name]:
            wrong.append(said)
    if sample.value("gatehouse_log_dropped_total"):
        wrong.append(f"{sample.value('gatehouse_log_dropped_total'):.0f} log lines were dropped")
    # A client of a backend that was killed may see its answer cut: that is told, once, where it happens.
    cut = [t for t in load.trouble if t.startswith(("counting", "slow", "leaving")) and ("EOFError" in t or "Connection" in t)]
    print(f"{len(cut)} connections were cut on clients; {sum(map(len, deaths.values()))} backends died")
    wrong += [t for t in load.trouble if t not in cut][:5]
    gate.stop()
    for backends in shards.values():
        for b in backends:
            b.process.kill()
    return wrong


def main():
    if sys.argv[1:2] == ["--serve"]:
        return serve(int(sys.argv[2]))
    wrong = run(float(sys.argv[1]) if len(sys.argv) > 1 else 30)
    for line in wrong:
        print(f"wrong: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
