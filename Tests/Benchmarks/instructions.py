#!/usr/bin/env python3
"""User-space instructions per request on traffic of many tenants, counted by callgrind: a check with a budget.

The same traffic is run twice, with few and with many requests; the difference in instructions over the difference in
requests is the price of one, free of start-up. The figure repeats to about half a percent on any machine.

usage: instructions.py [--budget 8200] [--tenants 10000] [--keep FILE]      the binary is $GATEHOUSE or .build/release/gatehouse
Ends with 0 within the budget, with 1 over it.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "EndToEnd"))
from harness import Client, Lines, Origin, binary  # noqa: E402

CONNECTIONS = 32
STRIDE = 7919       # prime: tenants are not visited in the order of the table
BODY = b"0123456789abcdef" * 8


def configuration(directory, origins, tenants):
    """Four shards of two backends, a table of tenants with a limit each, affinity and metrics on."""
    with open(os.path.join(directory, "tenants.tbl"), "w") as file:
        for i in range(tenants):
            file.write(f"t{i:07d} plan=bench home=s{i % 4} host=t{i:07d}.tenants.example\n")
    lines = ["workers 1", "access-log off", "rate-limit-headers off", "listen 127.0.0.1:0", "metrics 127.0.0.1:0", "resolve {", "  host", "}",
             "plan bench {", "  requests 100000/s burst 100000", "}", "tenants table tenants.tbl"]
    for s in range(4):
        lines += [f"shard s{s} {{", f"  backend {origins[2 * s].address}", f"  backend {origins[2 * s + 1].address}",
                  "  balance round-robin", "  sticky cookie SRV for 12h", "}"]
    with open(os.path.join(directory, "proxy.conf"), "w") as file:
        file.write("\n".join(lines) + "\n")


def drive(address, tenants, rounds, cookies):
    """Sends `rounds` requests on each connection, all connections at a time."""
    clients = [Client(address, timeout=120) for _ in range(CONNECTIONS)]
    number = 0
    for _ in range(rounds):
        asked = []
        for c in clients:
            tenant = number * STRIDE % tenants
            number += 1
            host = f"t{tenant:07d}.tenants.example"
            fields = []        # what wrk sends: Host and Cookie
            if tenant in cookies:
                fields.append(("Cookie", f"SRV={cookies[tenant]}"))
            c.request(host=host, fields=fields)
            asked.append((c, tenant))
        for c, tenant in asked:
            r = c.final()
            if r.status != 200 or r.body != BODY:
                raise SystemExit(f"a wrong answer: {r!r}")
            cookies[tenant] = r.cookie("SRV") or cookies.get(tenant)
    for c in clients:
        c.close()
    return number


def run(origins, tenants, rounds, keep):
    """Instructions of a whole run, and its requests."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-") as directory:
        configuration(directory, origins, tenants)
        out = os.path.join(directory, "callgrind.out")
        p = subprocess.Popen(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--error-exitcode=0", binary(), "run", "-c", "proxy.conf"],
                             cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        log = Lines(p.stderr)
        try:
            log.wait(r"(^|\s)ready$", patience=180)
            _, match = log.wait(r"listening on (\S+)$")
            requests = drive(match[1], tenants, rounds, {})
            p.send_signal(signal.SIGTERM)
            p.wait(120)
        finally:
            if p.poll() is None:
                p.kill()
                p.wait()
        with open(out) as file:
            text = file.read()
        if keep:
            with open(keep, "w") as file:
                file.write(text)
        return int(re.search(r"^(?:totals|summary): (\d+)", text, re.M)[1]), requests


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--budget", type=int, default=8200)
    a.add_argument("--tenants", type=int, default=10_000)
    a.add_argument("--keep", help="keep callgrind's file of the longer run, for callgrind_annotate")
    a = a.parse_args()
    origins = [Origin(lambda x: x.reply(200, BODY, [("Content-Type", "text/plain")])) for _ in range(8)]
    # Both runs visit every tenant once, so that the requests between them come with their tenant's own cookie.
    visits = -(-a.tenants // CONNECTIONS)
    few, few_requests = run(origins, a.tenants, visits, None)
    many, many_requests = run(origins, a.tenants, visits + 250, a.keep)
    price = (many - few) / (many_requests - few_requests)
    print(f"{price:.0f} instructions per request, budget {a.budget}")
    return 0 if price <= a.budget else 1


if __name__ == "__main__":
    sys.exit(main())
