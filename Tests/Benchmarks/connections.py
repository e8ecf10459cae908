#!/usr/bin/env python3
"""As many open connections as the descriptors allow: what one costs, how a good client fares meanwhile, and what happens at the limit.

usage: connections.py [--connections N] [--limit 2000] [--tls]      the binary is $GATEHOUSE or .build/release/gatehouse

First N idle keep-alive clients (by default what the hard limit on descriptors leaves room for, less a thousand), held by
processes of their own, from several loopback addresses, each after one request. Then a proxy that may open only `--limit`
descriptors, and more clients than that: those it has are served, it does not spin, and it accepts again once some leave.

With --tls only the first, over TLS 1.3 and then 1.2, and no more than 4,000 clients unless told: what is kept for each.
"""
import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "EndToEnd"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare import cpu_seconds  # noqa: E402
from harness import Authority, Client, Gate, Origin, conf, eventually, shard, tenant  # noqa: E402

PER_HOLDER = 5_000      # clients a holding process has, from one address
REQUEST = b"GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n"


def hold(address, source, count, version=None):
    """Opens `count` connections from `source`, one request each, tells how many were answered, and waits to be ended."""
    import socket
    import ssl
    context = None
    if version:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    host, _, port = address.rpartition(":")
    held, answered = [], 0
    for _ in range(count):
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_IP, 24, 1)      # IP_BIND_ADDRESS_NO_PORT: the port is chosen when it connects
        s.bind((source, 0))
        s.settimeout(10)
        s.connect((host, int(port)))
        if context:
            s = context.wrap_socket(s, server_hostname="acme.example")
        s.sendall(REQUEST)
        held.append(s)
        try:
            answered += s.recv(4096).startswith(b"HTTP/1.1 200")
        except OSError:
            break
    print(answered, flush=True)
    sys.stdin.read()


class Holder:
    def __init__(self, address, number, count, *more):
        self.process = subprocess.Popen([sys.executable, __file__, "--hold", address, f"127.0.0.{10 + number}", str(count), *more],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def answered(self):
        return int(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Good(threading.Thread):
    """A client that asks every 2 ms on one connection; how long it waited."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.client, self.times, self.going = Client(address), [], True
        self.start()

    def run(self):
        while self.going:
            began = time.monotonic()
            assert self.client.get().status == 200
            self.times.append(time.monotonic() - began)
            time.sleep(0.002)

    def end(self):
        self.going = False
        self.join()
        self.client.close()
        times = sorted(self.times)
        return f"p50 {statistics.median(times) * 1e3:.2f} ms, p99 {times[len(times) * 99 // 100] * 1e3:.2f} ms, worst {times[-1] * 1e3:.1f} ms"


def private(pid):
    """Bytes of user space that are this process's alone."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        rows = dict(line.split(":") for line in file.read().splitlines()[1:])
    return (int(rows["Private_Dirty"].split()[0]) + int(rows["Private_Clean"].split()[0])) * 1024


def settings(origin, workers):
    return conf("bounds {\n  connections 1000000\n}", "timeouts {\n  keep-alive 1h\n}", shard("s", origin), tenant("acme", home="s"), workers=workers, log=None)


def many(directory, origin, count):
    gate = Gate(settings(origin, 2), directory)
    for _ in range(50):
        Client(gate.address).get()
    before, good, began = private(gate.process.pid), Good(gate.address), time.monotonic()
    holders = [Holder(gate.address, k, min(PER_HOLDER, count - k * PER_HOLDER)) for k in range(-(-count // PER_HOLDER))]
    answered = sum(h.answered() for h in holders)
    took = time.monotonic() - began
    during = good.end()
    idle = Good(gate.address)
    time.sleep(2)
    after = idle.end()
    grown = private(gate.process.pid) - before
    open_now = int(gate.metrics().value("gatehouse_client_connections"))
    for h in holders:
        h.end()
    eventually(lambda: gate.metrics().value("gatehouse_client_connections") <= 1, "no client left", 30)
    gate.stop()
    print(f"| {answered:,} of {count:,} idle keep-alive clients answered, {open_now:,} open | {grown / count:.0f} B of user space each |")
    print(f"| accepted and answered a second (clients in {len(holders)} processes) | {answered / took:,.0f} |")
    print(f"| a good client while they come | {during} |")
    print(f"| a good client beside them | {after} |")
    return answered == count and grown / count <= 512


def secure(directory, origin, count, version):
    """Idle clients over TLS."""
    certificate, key = Authority(directory).issue("acme", "acme.example")
    gate = Gate(settings(origin, 1).replace("listen 127.0.0.1:0", f"listen 127.0.0.1:0 {{\n  certificate {certificate} key {key}\n}}"), directory)
    first = Holder(gate.address, 0, 500, version)       # what the first ones cost once
    answered = first.answered()
    before = private(gate.process.pid)
    holders = [Holder(gate.address, k + 1, min(PER_HOLDER, count - k * PER_HOLDER), version) for k in range(-(-count // PER_HOLDER))]
    answered += sum(h.answered() for h in holders)
    grown = private(gate.process.pid) - before
    for h in [first, *holders]:
        h.end()
    gate.stop()
    print(f"| {answered - 500:,} of {count:,} idle clients over {version} answered | {grown / count:,.0f} B of user space each |")
    return answered == count + 500


def limit(directory, origin, descriptors):
    """At the limit on descriptors."""
    gate = Gate(settings(origin, 1), directory, descriptors=descriptors)
    good = Client(gate.address)
    assert good.get().status == 200
    import socket
    host, _, port = gate.address.rpartition(":")
    waiting = []
    for _ in range(descriptors + 500):
        s = socket.create_connection((host, int(port)))     # the kernel takes it; the proxy may not
        waiting.append(s)
    # One descriptor is needed for the backend: the pooled one is there.
    served = sum(good.get().status == 200 for _ in range(200))
    before = cpu_seconds([gate.process.pid])
    time.sleep(3)
    spent = (cpu_seconds([gate.process.pid]) - before) / 3
    for s in waiting[:1000]:
        s.close()
    began = time.monotonic()
    fresh = Client(gate.address, timeout=30)
    status = fresh.get().status
    took = time.monotonic() - began
    for s in waiting:
        s.close()
    gate.stop()
    print(f"| {descriptors:,} descriptors, {descriptors + 500:,} clients: those it has are served | {served} of 200 |")
    print(f"| … CPU while more wait | {spent * 100:.1f} % of a core |")
    print(f"| … a new client, once 1,000 have left | {status} after {took * 1e3:.0f} ms |")
    return served == 200 and spent < 0.05 and status == 200 and took < 2


def main():
    if sys.argv[1:2] == ["--hold"]:
        return hold(sys.argv[2], sys.argv[3], int(sys.argv[4]), *sys.argv[5:])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--connections", type=int)
    a.add_argument("--tls", action="store_true")
    a.add_argument("--limit", type=int, default=2_000)
    a = a.parse_args()
    origin = Origin(lambda x: x.reply(200, b"fine"))
    print("| connections | figure |\n|---|---|")
    good = []
    parts = [(many, a.connections or min(hard, 100_000) - 1_000), (limit, a.limit)]
    if a.tls:
        parts = [(secure, a.connections or 4_000, version) for version in ("TLSv1_3", "TLSv1_2")]
    for body, *arguments in parts:
        with tempfile.TemporaryDirectory(prefix="gatehouse-connections-") as directory:
            good.append(body(directory, origin, *arguments))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
