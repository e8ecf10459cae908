#!/usr/bin/env python3
"""Upgrades of the binary in a row under load: every error a client meets, and how long requests took.

usage: upgrades.py [COUNT]      COUNT upgrades (default 100)
The binary is $GATEHOUSE, else the release build. Prints one line; exits with 1 when a request failed.
"""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "EndToEnd"))
from harness import BOTH, Case, conf, eventually, get, shard, tenant  # noqa: E402
from test_binary_upgrade import Fresh, Polite, Streams  # noqa: E402

COUNT = int(sys.argv.pop(1)) if len(sys.argv) > 1 else 100


class Upgrades(Case):
    def test(self):
        path = os.path.join(self.directory, "front.sock")
        parts = [shard("one", self.origin()), tenant("acme", home="one"), tenant("globex", f"requests 1/h burst {COUNT}", home="one")]
        g = self.gate(conf(*parts, listen=("127.0.0.1:0", BOTH, f"unix:{path}"), log=None))
        loads = [Polite(g.addresses[0], 4), Fresh(g.addresses[0], 2), Fresh(f"unix:{path}", 1), Streams(g.addresses[1], 2)]
        began, granted, took = time.monotonic(), 0, []
        for _ in range(COUNT):
            seen = [load.done for load in loads]
            eventually(lambda: all(load.done > was + 5 for load, was in zip(loads, seen)))
            granted += get(g.address, host="globex.example").status == 200
            start = time.monotonic()
            g.upgrade()
            took.append(time.monotonic() - start)
            if len(g.before) > 8:
                g.before.pop(0).wait(30)
        rest = get(g.address, host="globex.example").status
        for load in loads:
            load.stop()
        troubles = [t for load in loads for t in load.troubles]
        worst = max(load.worst for load in loads)
        print(f"{COUNT} upgrades in {time.monotonic() - began:.0f} s, {sorted(took)[len(took) // 2] * 1000:.0f} ms each (median), "
              f"{sum(load.done for load in loads)} requests, {len(troubles)} failed, the longest {worst * 1000:.0f} ms; "
              f"of a bucket of {COUNT} tokens one before each upgrade: {granted} granted, then {rest}")
        self.assertEqual((troubles, granted, rest), ([], COUNT, 429))


if __name__ == "__main__":
    unittest.main()
