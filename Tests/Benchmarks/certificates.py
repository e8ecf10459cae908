#!/usr/bin/env python3
"""Large directories of certificates: what loading costs, what memory stays, and that handshakes don't wait for each other's files.

usage: certificates.py [--pairs 100000] [--asked 10000]      the binary is $GATEHOUSE or .build/release/gatehouse

First 1,000 pairs, which are all loaded at the start. Then many more, of which some thousands are asked for once, by one client
after the other, beside a client that asks every 2 ms on a connection of the same worker.
"""
import argparse
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "EndToEnd"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare import cpu_seconds  # noqa: E402
from connections import Good, private  # noqa: E402
from harness import Authority, Client, Gate, Origin, conf, shard, tenant  # noqa: E402

LINKS = 30_000      # names of one file; file systems have a bound


def fill(directory, count):
    """A folder of `count` pairs, a few files under many names."""
    folder = os.path.join(directory, f"pairs-{count}")
    os.mkdir(folder)
    authority = Authority(directory)
    for number in range(count):
        if number % LINKS == 0:
            made = authority.issue(f"made-{number}", "acme.example", "*.acme.example")
        for source, kind in zip(made, ("pem", "key")):
            os.link(source, f"{folder}/n{number}.acme.example.{kind}")
    return folder, authority


def start(directory, folder, origin):
    listen = (f"127.0.0.1:0 {{\n  certificates {folder}\n}}", "127.0.0.1:0")
    return Gate(conf(shard("s", origin), tenant("acme", "host *.acme.example", home="s"), workers=1, log=None, listen=listen), directory)


def eager(directory, origin):
    folder, _ = fill(directory, 1_000)
    began = time.monotonic()
    gate = start(directory, folder, origin)
    took, spent = time.monotonic() - began, cpu_seconds([gate.process.pid])
    memory = private(gate.process.pid)
    gate.stop()
    print(f"| 1,000 certificates loaded at the start | {spent:.2f} s of CPU, ready after {took:.2f} s, {memory / 1e6:.0f} MB |")
    return spent <= 1


def lazy(directory, origin, count, asked):
    folder, authority = fill(directory, count)
    began = time.monotonic()
    gate = start(directory, folder, origin)
    took = time.monotonic() - began
    before = private(gate.process.pid)
    good = Good(gate.addresses[1])
    time.sleep(1)
    alone = good.end()
    good, times, context = Good(gate.addresses[1]), [], authority.client()
    for number in range(asked):
        name = f"n{number * (count // asked)}.acme.example"
        began = time.monotonic()
        with Client(gate.addresses[0], tls=context, name=name):
            times.append(time.monotonic() - began)
    beside, after = good.end(), private(gate.process.pid)
    gate.stop()
    times.sort()
    print(f"| {count:,} pairs: ready after | {took:.2f} s, {before / 1e6:.0f} MB |")
    print(f"| … {asked:,} of them asked for once each | {after / 1e6:.0f} MB |")
    print(f"| … a first handshake, client and all | p50 {statistics.median(times) * 1e3:.1f} ms, p99 {times[len(times) * 99 // 100] * 1e3:.1f} ms |")
    print(f"| … another client on the same worker, alone | {alone} |")
    print(f"| … and beside them | {beside} |")
    return after < 200e6


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--pairs", type=int, default=100_000)
    a.add_argument("--asked", type=int, default=10_000)
    a = a.parse_args()
    origin = Origin(lambda x: x.reply(200, b"fine"))
    print("| certificates | figure |\n|---|---|")
    good = []
    for body, *arguments in ((eager,), (lazy, a.pairs, a.asked)):
        with tempfile.TemporaryDirectory(prefix="gatehouse-certificates-") as directory:
            good.append(body(directory, origin, *arguments))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
