#!/usr/bin/env python3
"""Many tenants: how long a start takes, what a tenant costs in memory, whether requests get dearer, what a reload does to traffic.

usage: scale.py [--tenants 1000000] [--reload-tenants 100000] [--rounds 5] [--secs 4] [--only start,cost,explain,reload,reload-many,edit]
needs wrk and nginx (the origins); the binary is $GATEHOUSE or .build/release/gatehouse

Reloads are measured under the load of steady.py, which runs in a process of its own: first a quiet stretch, then one in which the table is
changed and reloaded again and again; both are printed. The table is written between reloads, its time counted by nobody. Look-ups and edits of
one tenant are timed by the unit tests' DirectoryFigures, built for release.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare import LUA, NGINX_TOP, cpu_seconds, free_ports, host, spawn, stop, until  # noqa: E402
from harness import Client, Gate, binary, eventually  # noqa: E402

HOSTS = 10_000
PARTS = ["start", "cost", "explain", "reload", "reload-many", "edit"]


class Origins:
    """Two listeners of an nginx that answer at once."""

    def __init__(self, directory):
        directory = os.path.join(directory, "origin")
        os.makedirs(directory)
        self.addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
        text = NGINX_TOP.format(directory=directory, connections=20000)
        for address in self.addresses:
            text += f"  server {{ listen {address} backlog=4096; location / {{ return 200 \"{'0123456789abcdef' * 8}\"; }} }}\n"
        path = os.path.join(directory, "nginx.conf")
        with open(path, "w") as file:
            file.write(text + "}\n")
        self.process = spawn([shutil.which("nginx") or "/usr/sbin/nginx", "-p", directory, "-c", path], None, directory)
        until(lambda: Client(self.addresses[0]).get().status == 200)


def configuration(origins):
    lines = ["workers 1", "drain 1s", "access-log off", "listen 127.0.0.1:0", "metrics 127.0.0.1:0", "resolve {", "  host", "}",
             "plan bench {", "  requests 100000/s burst 100000", "}", "tenants table tenants.tbl"]
    for s in range(4):
        lines += [f"shard p{s} {{", *(f"  backend {address}" for address in origins.addresses), "  balance round-robin", "}"]
    return "\n".join(lines) + "\n"


def write_table(path, tenants, top="", more="", epoch_every=0, epoch=0):
    """A table of that many tenants between `top` and `more`; one in `epoch_every` has an epoch."""
    with open(path + ".new", "w") as file:
        file.write(top)
        for i in range(tenants):
            extra = f" epoch={epoch}" if epoch_every and i % epoch_every == 0 else ""
            file.write(f"t{i:07d} plan=bench home=p{i % 4} host={host(i)}{extra}\n")
        file.write(more)
    os.replace(path + ".new", path)


class Proxy(Gate):
    """A proxy with so many tenants."""

    def __init__(self, directory, origins, tenants):
        self.tenants = tenants
        directory = os.path.join(directory, str(tenants))
        os.makedirs(directory, exist_ok=True)
        self.table = os.path.join(directory, "tenants.tbl")
        write_table(self.table, tenants)
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


class Steady:
    """The steady load, in its process."""

    def __init__(self, proxy, origins):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "steady.py")
        self.process = subprocess.Popen([sys.executable, path, proxy.address, host(7), "--beside", origins.addresses[0]], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def stretch(self):
        """What was measured since the last one."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def told(name, facts):
    p, b = facts["proxy"], facts["beside"]
    for error in p["errors"]:
        print(error, file=sys.stderr)
    return (f"{name}: {p['failed']} errors in {p['requests']} requests, p50 {p['p50']:.2f} p99 {p['p99']:.2f} p99.9 {p['p999']:.2f} worst {p['worst']:.2f} ms "
            f"(straight to the origin: p99 {b['p99']:.2f} worst {b['worst']:.2f} ms)")


CHANGES = {
    "one tenant more": lambda n: {"more": f"new{n} plan=bench home=p0 host=new{n}.example\n"},
    "one tenant more, in the first line": lambda n: {"top": f"new{n} plan=bench home=p0 host=new{n}.example\n"},
    "one in a hundred changed": lambda n: {"more": f"new{n} plan=bench home=p0 host=new{n}.example\n", "epoch_every": 100, "epoch": n + 1},
}


def reloads(directory, origins, tenants, count):
    """What reloads of a large table under load do."""
    for change, lines in CHANGES.items():
        proxy = Proxy(directory, origins, tenants)
        load = Steady(proxy, origins)
        time.sleep(1)
        load.stretch()
        time.sleep(3)
        quiet = load.stretch()
        memory, peak, times, busy = proxy.memory(), 0, [], []
        for n in range(count):
            write_table(proxy.table, tenants, **lines(n))
            time.sleep(0.3)
            load.stretch()
            proxy.peak(reset=True)
            began = time.monotonic()
            proxy.reload()
            times.append(time.monotonic() - began)
            eventually(lambda n=n: Client(proxy.address).get(host=f"new{n}.example").status == 200)
            time.sleep(0.3)
            busy.append(load.stretch())
            peak = max(peak, proxy.peak())
        after = proxy.memory()
        load.end()
        proxy.stop()
        worst = max(busy, key=lambda facts: facts["proxy"]["worst"])
        failed = sum(facts["proxy"]["failed"] for facts in busy)
        sent = sum(facts["proxy"]["requests"] for facts in busy)
        print(f"| reload of {tenants:,} tenants under load, {change} | {failed} errors in {sent} requests, worst {worst['proxy']['worst']:.1f} ms (quiet "
              f"{quiet['proxy']['worst']:.1f} ms), peak memory {peak / memory:.2f} × (in the end {after / memory:.2f} ×), "
              f"effective after {statistics.median(times):.2f} s |", flush=True)
        print(told("  quiet", quiet), *(told(f"  reload {n}", facts) for n, facts in enumerate(busy)), sep="\n", file=sys.stderr, flush=True)


def explain(proxy):
    """How long one question about a large configuration takes."""
    def seconds(*arguments):
        times = []
        for _ in range(3):
            began = time.monotonic()
            subprocess.run([binary(), arguments[0], "-c", "proxy.conf", *arguments[1:]], cwd=proxy.directory, check=True, stdout=subprocess.DEVNULL)
            times.append(time.monotonic() - began)
        return statistics.median(times)
    last = proxy.tenants - 1
    print(f"| `check`, `explain tenant`, `explain --host` with {proxy.tenants:,} tenants | {seconds('check'):.2f} s, "
          f"{seconds('explain', 'tenant', f't{last:07d}'):.2f} s, {seconds('explain', '--host', host(last)):.2f} s |", flush=True)


def edits():
    """What DirectoryFigures prints: look-ups, and what one edit costs."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    run = subprocess.run(["swift", "test", "-c", "release", "-Xswiftc", "-enable-testing", "--scratch-path", ".build/figures", "--filter", "DirectoryFigures"],
                         cwd=root, env=dict(os.environ, GATEHOUSE_FIGURES="1"), capture_output=True, text=True)
    rows = [line for line in run.stdout.splitlines() if line.startswith("| ")]
    print("\n".join(rows) if rows and run.returncode == 0 else run.stdout + run.stderr, flush=True)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--tenants", type=int, default=1_000_000)
    a.add_argument("--reload-tenants", type=int, default=100_000)
    a.add_argument("--reloads", type=int, default=5)
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--secs", type=int, default=4)
    a.add_argument("--only", default=",".join(PARTS), type=lambda s: s.split(","))
    a = a.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-scale-") as directory:
        lua = os.path.join(directory, "load.lua")
        with open(lua, "w") as file:
            file.write(LUA)
        origins = Origins(directory)
        try:
            measure(a, directory, origins, lua)
        finally:
            stop(origins.process)


def measure(a, directory, origins, lua):
    print("| scaling | figure |\n|---|---|")
    if {"start", "cost", "explain"} & set(a.only):
        few, many = Proxy(directory, origins, 10), Proxy(directory, origins, a.tenants)
        print(f"| start with {a.tenants:,} tenants in a table, until the last one is served | {many.start_seconds:.2f} s |")
        print(f"| memory per tenant | {(many.memory() - few.memory()) / a.tenants:.0f} B |", flush=True)
        if "cost" in a.only:
            ratios = [price(many, lua, a.secs) / price(few, lua, a.secs) for _ in range(a.rounds + 1)][1:]
            print(f"| CPU per request with {a.tenants:,} tenants ÷ with 10, median of {a.rounds} rounds | {statistics.median(ratios):.2f} |", flush=True)
        few.stop()
        many.stop()
        if "explain" in a.only:
            explain(many)
    if "reload" in a.only:
        reloads(directory, origins, a.reload_tenants, a.reloads)
    if "reload-many" in a.only:
        reloads(directory, origins, a.tenants, 3)
    if "edit" in a.only:
        edits()


if __name__ == "__main__":
    main()
