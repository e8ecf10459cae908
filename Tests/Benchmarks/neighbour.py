#!/usr/bin/env python3
"""Noisy neighbours: what is left for twenty good tenants of a shard when another one takes all it can; Gatehouse beside haproxy and nginx.

  apt-get install haproxy nginx
  Tests/Benchmarks/neighbour.py                        all peers and cases, ten minutes; prints a table and which bars are met
  Tests/Benchmarks/neighbour.py --peers gatehouse --only a,w --seconds 20 --json out.json

Two backends of 16 slots, a request works 50 ms ± 20 %: 640 requests a second. Twenty good tenants send half of their fair share (1/21 of
that) each, in open loop, and count from the intended time. Each case is measured after a warm-up, and just before it the same without the hog:
  a   100 times the requests of a good tenant, open loop (at most 4,000 on their way)
  b   256 clients of requests that work 2 s
  c   64 clients that send 8 MiB at 2.4 MB/s each
  d   4,000 connections, each with a request on its way
  e   20 times a good tenant's requests, answered by resets and 500s in turn, at once
  w   no good tenants: three greedy ones of weights 1, 2 and 4, 64 clients each
Clients in closed loop that are refused wait 0.1 s before they try again (those of d 1 s, else their refusals would be the load).
Worker time is what the backends' slots were held for, by tenant; Jain's index is of worker time got ÷ max-min share (e: of good tenants only).
"queued inside" are requests that found all slots of their backend taken: of a proxy that shares the slots there should be few. `late` is by how
much the good clients' process itself sent late (99th percentile): a run in which it is above 3 ms says little.
Variants: gatehouse:no-target (queue without CoDel), haproxy:observe (takes out servers that fail). The exit code is 1 if either gatehouse misses a bar.
The binary is $GATEHOUSE or .build/release/gatehouse.
"""
import argparse
import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from compare import cpu_seconds, family, raise_descriptors, stop  # noqa: E402
from neighbour.fairness import jain, max_min, percentile  # noqa: E402
from neighbour.peers import PEERS  # noqa: E402

BACKENDS, SLOTS, WORK = 2, 16, 0.050
GOOD = [f"good{i:02d}" for i in range(20)]
CAPACITY = BACKENDS * SLOTS
RATE = CAPACITY / WORK / (len(GOOD) + 1) / 2        # requests a second of a good tenant
WEIGHTS = {"one": 1, "two": 2, "four": 4}
LATE = 3                                            # milliseconds from which on a run is doubted
PATIENCE = 12                                       # seconds that a good request may take


@dataclasses.dataclass
class Case:
    """A hog, and the bars: p99 of the good against their own without it, worker time used."""
    title: str
    hog: dict
    p99: float = None
    used: float = None
    works: bool = True      # whether the hog's requests take worker time
    greedy: bool = False    # three greedy tenants, nobody else


def closed(clients, pause=0.1, tenants=("hog",), **more):
    return {"closed": [{"tenants": [t], "clients": clients, "pause": pause, **more} for t in tenants]}


CASES = {
    "a": Case("100 × requests", {"open": [{"tenants": ["hog"], "rate": 100 * RATE}]}, 1.25, 0.95),
    "b": Case("256 clients of 2 s", closed(256, path="/?work=2000"), 1.5, 0.8),
    "c": Case("64 slow bodies", closed(64, body=8 << 20, bandwidth=2_400_000), 1.5, 0.8),
    "d": Case("4,000 connections", closed(4000, pause=1, ramp=2.5), 1.25, 0.95),
    "e": Case("poison", {"open": [{"tenants": ["hog"], "rate": 20 * RATE, "path": "/?poison"}]}, 1.25, works=False),
    "w": Case("weights 1:2:4", closed(64, tenants=WEIGHTS), used=0.95, greedy=True),
}


class Process:
    """A part of the bench in a process of its own, which says one line of JSON for what it is asked."""

    def __init__(self, script, *arguments):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "neighbour", script), *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[1]} ended: {self.process.wait()}")
        return json.loads(line)

    def ask(self, value):
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()

    def end(self):
        if not self.process.stdin.closed:
            self.close()
        self.process.wait()


def sleep_until(when):
    time.sleep(max(0, when - time.monotonic_ns()) / 1e9)


class Stage:
    """A proxy between the backends and whoever comes."""

    def __init__(self, a, peer, case):
        self.a, self.directory = a, tempfile.TemporaryDirectory(prefix="gatehouse-neighbour-")
        self.backends = [Process("backend.py", SLOTS, a.seed + i) for i in range(BACKENDS)]
        addresses = [f"127.0.0.1:{b.line()}" for b in self.backends]
        kind, _, variant = peer.partition(":")
        tenants = WEIGHTS if case.greedy else dict.fromkeys([*GOOD, "hog"], 1)
        self.proxy = PEERS[kind](variant, self.directory.name, addresses, SLOTS, tenants, a.workers)

    def end(self):
        stop(self.proxy.process)
        for b in self.backends:
            b.end()
        self.directory.cleanup()

    def measure(self, has_good, hog):
        """The figures of one window."""
        start = time.monotonic_ns() + 500_000_000
        window = {"from": start + int(self.a.warm * 1e9), "to": start + int((self.a.warm + self.a.seconds) * 1e9)}
        said = {"address": self.proxy.address, "start": start, **window}
        for b in self.backends:
            b.ask(window)
        good = Process("load.py", json.dumps({**said, "seed": self.a.seed, "patience": PATIENCE,
                                              "open": [{"tenants": GOOD, "rate": RATE * len(GOOD)}]})) if has_good else None
        bad = Process("load.py", json.dumps({**said, "seed": self.a.seed + 1, **hog})) if hog else None
        sleep_until(window["from"])
        before = cpu_seconds(family(self.proxy.process.pid))
        sleep_until(window["to"])
        figures = {"cpu": (cpu_seconds(family(self.proxy.process.pid)) - before) / self.a.seconds}
        if good:
            figures["good"] = good.line()       # the hog goes on until the last of them is answered
        if bad:
            bad.close()
            figures["hog"] = bad.line()
        for p in filter(None, (good, bad)):
            p.end()
        told = [b.line() for b in self.backends]
        figures["slots"] = {t: sum(b["slots"].get(t, 0) for b in told) for t in {t for b in told for t in b["slots"]}}
        figures["inside"] = sum(b["waited"] for b in told) / max(1, sum(b["requests"] for b in told))
        return figures


def outcome(load):
    """Of a process of clients: answered by 200, refused, failed, and its waits and lateness."""
    total = {"fine": 0, "refused": 0, "failed": load["unanswered"], "unsent": 0, "waits": [], "late": [], "troubles": []}
    for s in load["sources"]:
        for status, count in s["statuses"].items():
            total[{"200": "fine", "0": "failed"}.get(status, "refused")] += count
        for key in ("unsent", "waits", "late", "troubles"):
            total[key] += s[key]
    return total


def run(a, peer, name):
    """A case at a peer: a row of the table."""
    case = CASES[name]
    stage = Stage(a, peer, case)
    try:
        stage.proxy.start()
        alone = None if case.greedy else stage.measure(True, None)
        beside = stage.measure(not case.greedy, case.hog)
    finally:
        stage.end()
    row = {"peer": peer, "case": name, "left_out": stage.proxy.left_out, "slots": beside["slots"], "inside": beside["inside"],
           "used": sum(beside["slots"].values()) / CAPACITY, "proxy_cpu": beside["cpu"], "bars": []}
    row["hog"] = {k: v for k, v in outcome(beside["hog"]).items() if k not in ("waits", "late")}
    row["hog_late"] = percentile(outcome(beside["hog"])["late"], 0.99)
    if case.greedy:
        judge_weights(row)
    else:
        judge_good(row, case, outcome(alone["good"]), outcome(beside["good"]))
    if case.used:
        bar(row, "worker time", row["used"], row["used"] >= case.used)
    return row


def bar(row, name, value, is_met):
    row["bars"].append({"name": name, "value": value, "met": bool(is_met)})


def judge_good(row, case, alone, beside):
    for key, o in (("alone", alone), ("good", beside)):
        row[key] = {**{k: o[k] for k in ("fine", "refused", "failed", "troubles")}, "p50": percentile(o["waits"], 0.5),
                    "p99": percentile(o["waits"], 0.99), "late": percentile(o["late"], 0.99)}
    lost = beside["refused"] + beside["failed"] + alone["refused"] + alone["failed"]
    bar(row, "refused or failed", lost, lost == 0)
    row["ratio"] = row["good"]["p99"] / row["alone"]["p99"] if beside["waits"] and alone["waits"] else math.inf
    bar(row, "p99", row["ratio"], row["ratio"] <= case.p99)
    demands = {**dict.fromkeys(GOOD, RATE * WORK), **({"hog": math.inf} if case.works else {})}
    row["jain"] = jain(row["slots"].get(t, 0) / share for t, share in max_min(CAPACITY, demands).items())
    bar(row, "Jain", row["jain"], row["jain"] >= 0.97)


def judge_weights(row):
    shares = max_min(CAPACITY, dict.fromkeys(WEIGHTS, math.inf), WEIGHTS)
    got = sum(row["slots"].values()) or 1
    off = max(abs(row["slots"].get(t, 0) / got / (share / CAPACITY) - 1) for t, share in shares.items())
    bar(row, "weights off by", off, off <= 0.05)


# -- what is printed

HEAD = ("| peer | case | good refused or failed | p99 alone → beside, ms | ratio | Jain | worker time | queued inside | late, ms | proxy CPU | bars |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|")


def cells(row):
    case = CASES[row["case"]]
    lines = [row["peer"], f"{row['case']}: {case.title}"]
    if case.greedy:
        shares = " : ".join(f"{row['slots'].get(t, 0) / CAPACITY:.3f}" for t in WEIGHTS)
        lines += ["–", "–", f"{shares} of the slots", "–"]
        late = "–"
    else:
        good, alone = row["good"], row["alone"]
        sent = sum(good[k] for k in ("fine", "refused", "failed"))
        p99 = [f"{v:.1f}" if v else "–" for v in (alone["p99"], good["p99"])]
        lines += [f"{good['refused'] + good['failed']} of {sent}", " → ".join(p99), f"{row['ratio']:.2f} (≤ {case.p99})", f"{row['jain']:.3f}"]
        late = f"{max(alone['late'], good['late']):.1f}" + (" DOUBTFUL" if max(alone["late"], good["late"]) > LATE else "")
    missed = [b["name"] for b in row["bars"] if not b["met"]]
    lines += [f"{row['used']:.1%}" + (f" (≥ {case.used:.0%})" if case.used else ""), f"{row['inside']:.1%}", late, f"{row['proxy_cpu']:.2f}",
              "NOT MET: " + ", ".join(missed) if missed else "met"]
    return "| " + " | ".join(lines) + " |"


def details(row):
    hog = row["hog"]
    text = f"  {row['peer']} {row['case']}: hog {hog['fine']} answered, {hog['refused']} refused, {hog['failed']} failed, {hog['unsent']} unsent"
    text += f"; slots of the hog {row['slots'].get('hog', 0):.1f}" if "hog" in row["slots"] else ""
    if row["hog_late"]:
        text += f"; sent late by {row['hog_late']:.1f} ms"
    for kind in ("alone", "good", "hog"):
        if row.get(kind, {}).get("troubles"):
            text += f"; {kind}: {row[kind]['troubles']}"
    return text + (f"; LEFT OUT, refused by this binary: {'; '.join(row['left_out'])}" if row["left_out"] else "")


def main():
    names = lambda s: s.split(",")  # noqa: E731
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peers", default="gatehouse,haproxy,nginx", type=names)
    p.add_argument("--only", default=",".join(CASES), type=names, help="cases, by letter")
    p.add_argument("--seconds", default=10, type=float, help="measured, of each window; in few of them chance alone makes tenants unequal")
    p.add_argument("--warm", default=3, type=float, help="seconds before each window")
    p.add_argument("--workers", default=2, type=int, help="threads or processes of each proxy")
    p.add_argument("--seed", default=1, type=int)
    p.add_argument("--realtime", action="store_true", help="run all of it before whatever else the machine does (as root)")
    p.add_argument("--json", help="keep the figures here")
    a = p.parse_args()
    unknown = [x for x in a.only if x not in CASES] + [x for x in a.peers if x.partition(":")[0] not in PEERS]
    if unknown:
        p.error(f"unknown: {', '.join(unknown)}")
    raise_descriptors()
    if a.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = []
    for name in a.only:
        for peer in a.peers:
            rows.append(run(a, peer, name))
            print(cells(rows[-1]), details(rows[-1]), sep="\n", file=sys.stderr, flush=True)
            if a.json:
                with open(a.json, "w") as file:
                    json.dump(rows, file, indent=1)
    print(HEAD, *map(cells, rows), sep="\n")
    return int(any(not b["met"] for row in rows if row["peer"].startswith("gatehouse") for b in row["bars"]))


if __name__ == "__main__":
    sys.exit(main())
