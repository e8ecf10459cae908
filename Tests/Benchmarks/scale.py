#!/usr/bin/env python3
"""Many tenants: how long a start takes, what a tenant costs in memory, whether requests get dearer, what a reload does to traffic.

usage: scale.py [--tenants 1000000] [--reload-tenants 100000] [--rounds 5] [--secs 4]      needs wrk; the binary is $GATEHOUSE or .build/release/gatehouse
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare import LUA, cpu_seconds, host  # noqa: E402
from harness import Client, Gate, Origin, eventually  # noqa: E402

HOSTS = 10_000


def configuration(origins):
    lines = ["workers 1", "drain 1s", "access-log off", "listen 127.0.0.1:0", "metrics 127.0.0.1:0", "resolve {", "  host", "}",
             "plan bench {", "  requests 100000/s burst 100000", "}", "tenants table tenants.tbl"]
    for s in range(4):
        lines += [f"shard p{s} {{", *(f"  backend {o.address}" for o in origins), "  balance round-robin", "}"]
    return "\n".join(lines) + "\n"


def table(tenants, more=""):
    return "".join(f"t{i:07d} plan=bench home=p{i % 4} host={host(i)}\n" for i in range(tenants)) + more


class Proxy(Gate):
    """A proxy with so many tenants."""

    def __init__(self, directory, origins, tenants):
        self.tenants = tenants
        directory = os.path.join(directory, str(tenants))
        os.makedirs(directory)
        with open(os.path.join(directory, "tenants.tbl"), "w") as file:
            file.write(table(tenants))
        began = time.monotonic()
        super().__init__(configuration(origins), directory, wait=False)
        self.log.wait(r"(^|\s)ready$", patience=120)
        self.ready()
        Client(self.address).get(host=host(tenants - 1))
        self.start_seconds = time.monotonic() - began

    def peak(self, reset=False):
        """The most memory it had since the last reset, in bytes."""
        if reset:
            with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
                file.write("5")
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) * 1024


def price(proxy, lua, secs):
    """CPU per request, in microseconds, over hosts of the whole table."""
    hosts = os.path.join(proxy.directory, "hosts.tsv")
    with open(hosts, "w") as file:
        file.writelines(f"{host(i * max(1, proxy.tenants // HOSTS) % proxy.tenants)}\t\n" for i in range(HOSTS))
    before = cpu_seconds([proxy.process.pid])
    run = subprocess.run(["wrk", "-t1", "-c16", f"-d{secs}s", "--latency", "-s", lua, f"http://{proxy.address}/"], env=dict(os.environ, TENANT_FILE=hosts),
                         capture_output=True, text=True, timeout=secs + 60)
    result = json.loads(re.search(r"RESULT (\{.*\})", run.stdout)[1])
    if result["errors"]:
        raise SystemExit(f"errors: {result}")
    return (cpu_seconds([proxy.process.pid]) - before) / result["requests"] * 1e6


class Steady(threading.Thread):
    """Some 500 requests per second on one connection; what went wrong and the worst wait."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.errors, self.worst, self.done, self.going = address, [], 0.0, 0, True
        self.start()

    def run(self):
        c = None
        while self.going:
            began = time.monotonic()
            try:
                c = c or Client(self.address)
                if c.get(host=host(7)).status != 200:
                    self.errors.append("status")
            except Exception as e:  # noqa: BLE001
                self.errors.append(repr(e))
                c = None
            self.worst = max(self.worst, time.monotonic() - began)
            self.done += 1
            time.sleep(0.002)

    def end(self):
        self.going = False
        self.join(10)
        return self


def reloads(directory, origins, tenants, count):
    """What reloads of a large table under load do."""
    proxy = Proxy(directory, origins, tenants)
    quiet = Steady(proxy.address)
    time.sleep(3)
    quiet.end()
    memory, times = proxy.memory(), []
    proxy.peak(reset=True)
    busy = Steady(proxy.address)
    for n in range(count):
        proxy.write("tenants.tbl", table(tenants, f"new{n} plan=bench home=p0 host=new{n}.example\n"))
        began = time.monotonic()
        proxy.reload()
        eventually(lambda n=n: Client(proxy.address).get(host=f"new{n}.example").status == 200)
        times.append(time.monotonic() - began)
    busy.end()
    peak = proxy.peak()
    proxy.stop()
    print(f"| reload of {tenants:,} tenants under load | {len(busy.errors)} errors in {busy.done} requests, worst {busy.worst * 1e3:.1f} ms "
          f"(without reloads {quiet.worst * 1e3:.1f} ms), peak memory {peak / memory:.2f} ×, effective after {statistics.median(times):.2f} s |")
    for error in busy.errors[:5]:
        print(error, file=sys.stderr)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--tenants", type=int, default=1_000_000)
    a.add_argument("--reload-tenants", type=int, default=100_000)
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--secs", type=int, default=4)
    a = a.parse_args()
    origins = [Origin(lambda x: x.reply(200, b"0123456789abcdef" * 8)) for _ in range(2)]
    with tempfile.TemporaryDirectory(prefix="gatehouse-scale-") as directory:
        lua = os.path.join(directory, "load.lua")
        with open(lua, "w") as file:
            file.write(LUA)
        few, many = Proxy(directory, origins, 10), Proxy(directory, origins, a.tenants)
        print("| scaling | figure |\n|---|---|")
        print(f"| start with {a.tenants:,} tenants in a table, until the last one is served | {many.start_seconds:.2f} s |")
        print(f"| memory per tenant | {(many.memory() - few.memory()) / a.tenants:.0f} B |", flush=True)
        ratios = [price(many, lua, a.secs) / price(few, lua, a.secs) for _ in range(a.rounds + 1)][1:]
        print(f"| CPU per request with {a.tenants:,} tenants ÷ with 10, median of {a.rounds} rounds | {statistics.median(ratios):.2f} |", flush=True)
        few.stop()
        many.stop()
        reloads(directory, origins, a.reload_tenants, 3)


if __name__ == "__main__":
    main()
