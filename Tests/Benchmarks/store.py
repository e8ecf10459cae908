#!/usr/bin/env python3
"""Tenants of the store: how long a million take to import and to load, how many changes a second are kept and in use, and what requests
notice of them.

usage: store.py [--tenants 1000000] [--rate 1000] [--secs 20] [--connections 16]
the binary is $GATEHOUSE or .build/release/gatehouse

Changes are patches of one limit of random tenants, sent at their rate whether or not earlier ones were answered, over as many connections of
the admin API's Unix socket as are said, by processes of their own; a change counts from when it is due to its answer, which comes once it is on
the disk and all workers go by it. Meanwhile one keep-alive client asks for one tenant again and again: first for a quiet stretch, then under
the changes. The difference is what a worker stalls, and what two processors must do beside.
"""
import argparse
import json
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "EndToEnd"))
from harness import Client, Gate, Origin, conf, shard, tenant  # noqa: E402

CHUNK = 50_000


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def told(name, seconds):
    """The spread of some times, in milliseconds."""
    ms = [s * 1000 for s in seconds]
    print(f"{name:34} n={len(ms):7}  p50 {statistics.median(ms):7.3f}  p99 {percentile(ms, .99):7.3f}  "
          f"p99.9 {percentile(ms, .999):7.3f}  max {max(ms):7.3f} ms", flush=True)


def requests(address, secs, stop=None):
    """Latencies of one client's requests, one after the other."""
    times = []
    end = time.monotonic() + secs
    with Client(address) as c:
        while time.monotonic() < end and not (stop and stop.is_set()):
            began = time.perf_counter()
            assert c.get(host="acme.example").status == 200
            times.append(time.perf_counter() - began)
    return times


def change(path, tenants, rate, secs, seed, queue):
    """Sends changes at a rate; tells how long each took from when it was due."""
    chance = random.Random(seed)
    times, failures = [], 0
    began = time.monotonic()
    with Client(path, timeout=60) as c:
        for n in range(int(rate * secs)):
            due = began + n / rate
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            body = json.dumps({"overrides": {"requests": f"{chance.randrange(1, 5000)}/s burst {chance.randrange(1, 9000)}"}}).encode()
            r = c.request("PATCH", f"/v1/tenants/t{chance.randrange(tenants):07d}", host="localhost", body=body).final()
            failures += r.status != 200
            times.append(time.monotonic() - due)
    queue.put((times, failures, time.monotonic() - began))


def fill(gate, path, tenants):
    began = time.monotonic()
    with Client(path, timeout=600) as c:
        for start in range(0, tenants, CHUNK):
            some = [{"id": f"t{i:07d}", "hosts": [f"h{i}.example"], "plan": "gold", "home": "one"} for i in range(start, min(start + CHUNK, tenants))]
            r = c.request("POST", "/v1/tenants:import", host="localhost", body=json.dumps({"tenants": some}).encode()).final()
            assert r.status == 200, r
    print(f"import of {tenants} tenants: {time.monotonic() - began:.1f} s in pieces of {CHUNK}", flush=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--tenants", type=int, default=1_000_000)
    arguments.add_argument("--rate", type=float, default=1000)
    arguments.add_argument("--secs", type=float, default=20)
    arguments.add_argument("--connections", type=int, default=16)
    a = arguments.parse_args()
    directory = tempfile.mkdtemp(prefix="gatehouse-store-")
    path = f"unix:{directory}/admin.sock"
    origin = Origin()
    text = conf(f"admin {path}", "state st", "tenants store", shard("one", origin), "plan gold {\n  requests 500/s burst 1000\n}",
                tenant("acme", home="one"), log=None)
    gate = Gate(text, directory)
    try:
        fill(gate, path, a.tenants)
        gate.stop()
        size = sum(os.path.getsize(os.path.join(directory, "st", f)) for f in os.listdir(os.path.join(directory, "st")) if f.startswith("tenants"))
        began = time.monotonic()
        gate = Gate(text, directory, wait=False)
        gate.log.wait(r"(^|\s)ready$", patience=300)
        gate.ready()
        print(f"start with {a.tenants} tenants of the store ({size >> 20} MiB): {time.monotonic() - began:.2f} s, "
              f"{gate.memory() >> 20} MiB resident", flush=True)
        told("requests, quiet", requests(gate.address, 5))
        queue = multiprocessing.Queue()
        workers = [multiprocessing.Process(target=change, args=(path, a.tenants, a.rate / a.connections, a.secs, n, queue))
                   for n in range(a.connections)]
        stop, busy = threading.Event(), []
        reader = threading.Thread(target=lambda: busy.extend(requests(gate.address, 3600, stop)))
        reader.start()
        began = time.monotonic()
        for w in workers:
            w.start()
        results = [queue.get() for _ in workers]
        took = time.monotonic() - began
        stop.set()
        reader.join()
        times = [t for r in results for t in r[0]]
        print(f"{len(times)} changes in {took:.1f} s: {len(times) / max(r[2] for r in results):.0f}/s, {sum(r[1] for r in results)} failed", flush=True)
        told("a change, from due to answered", times)
        told("requests, under changes", busy)
        print(f"{gate.memory() >> 20} MiB resident", flush=True)
    finally:
        gate.kill()
        origin.stop()
        shutil.rmtree(directory, True)


if __name__ == "__main__":
    main()
