#!/usr/bin/env python3
"""System calls per request, by name, counted by the kernel's tracepoints while wrk runs: a check with a bound.

usage: syscalls.py [--bound 4.3] [--work h1-small,h1-tenant] [--peers gatehouse,haproxy,nginx] [--secs 3]
Needs root, wrk, nginx for the origins, and perf (apt-get install linux-perf). Ends with 1 when Gatehouse makes more than the
bound on a workload. With 64 connections some requests share a wait, so the figure falls as the machine gets busier; a run whose
proxy was idle most of the time says so.
"""
import argparse
import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare import WORK, Bench, raise_descriptors, stop  # noqa: E402

NAMES = ("recvfrom recvmsg read readv sendto sendmsg write writev splice epoll_wait epoll_pwait epoll_pwait2 epoll_ctl accept accept4 close "
         "socket connect setsockopt getsockopt getsockname clock_gettime futex nanosleep clock_nanosleep timerfd_settime shutdown ioctl").split()


def events():
    """The tracepoints there are: all calls, then each by its name."""
    root = next((d for d in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing") if os.path.isdir(f"{d}/events")), None)
    if os.getuid() != 0 or not root or not shutil.which("perf"):
        raise SystemExit("tracepoints need root, a mounted tracefs and perf: apt-get install linux-perf")
    return ["raw_syscalls:sys_enter"] + [f"syscalls:sys_enter_{n}" for n in NAMES if os.path.isdir(f"{root}/events/syscalls/sys_enter_{n}")]


def count(bench, peer, work, secs):
    """Calls per request, all and by name, and the share of its CPU that the proxy used."""
    out = os.path.join(bench.directory, "perf.csv")
    perf = ["perf", "stat", "-x,", "-o", out, "-e", ",".join(events()), "-p", ",".join(map(str, peer.pids)), "--"]
    peer.resume()
    result = bench.load(peer, work, secs, around=perf)
    if result["errors"]:
        raise SystemExit(f"{peer.name}: {result['errors']} errors on {work}")
    with open(out) as file:
        counts = {name: int(n) / result["requests"] for n, name in re.findall(r"^(\d+),[^,]*,\w+:(\w+)", file.read(), re.M)}
    return counts.pop("sys_enter"), counts, result["cpu_us"] * result["per_second"] / 1e6


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--bound", type=float, default=4.3)
    a.add_argument("--work", default="h1-small,h1-tenant", type=lambda s: s.split(","), help=f"of {', '.join(WORK)}")
    a.add_argument("--peers", default="gatehouse", type=lambda s: s.split(","))
    a.add_argument("--secs", type=int, default=3)
    a.add_argument("--proxy-cpu", type=int, default=0)
    a.add_argument("--load-cpu", type=int, default=1)
    a = a.parse_args()
    events()
    raise_descriptors()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench, worst = Bench(a), 0.0
    bench.start_origins()
    try:
        for work in a.work:
            for name in a.peers:
                peer = bench.peer(name, work)
                try:
                    whole, counts, busy = count(bench, peer, work, a.secs)
                finally:
                    stop(peer.process)
                named = ", ".join(f"{n.removeprefix('sys_enter_')} {v:.2f}" for n, v in sorted(counts.items(), key=lambda i: -i[1]) if v >= 0.005)
                print(f"{work} {name}: {whole:.2f} system calls per request ({named}); its CPU was busy {busy:.0%}", flush=True)
                worst = max(worst, whole if name == "gatehouse" else 0)
    finally:
        bench.end()
    print(f"bound {a.bound}: {'kept' if worst <= a.bound else 'passed'}")
    return 0 if worst <= a.bound else 1


if __name__ == "__main__":
    sys.exit(main())
