#!/usr/bin/env python3
"""Runs the end-to-end tests, class by class over a few processes; the last line is `N passed, N failed`.

usage: run.py [--jobs N] [--list] [PATTERN...]     patterns choose tests whose full name contains one of them
The binary is $GATEHOUSE, else the release build, else the debug build of this checkout.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
LONGEST = 240


def discover(patterns):
    """The names of the chosen tests, by class."""
    groups = {}

    def walk(suite):
        for item in suite:
            if isinstance(item, unittest.TestSuite):
                walk(item)
            elif not patterns or any(p in item.id() for p in patterns):
                groups.setdefault(item.id().rpartition(".")[0], []).append(item.id())
    walk(unittest.TestLoader().discover(HERE, pattern="test_*.py", top_level_dir=HERE))
    return groups


class Result(unittest.TextTestResult):
    """Counts tests; a test with a failing row counts once."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.broken, self.times = set(), {}

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def stopTest(self, test):
        self.times[test.id()] = time.monotonic() - self.began
        super().stopTest(test)

    def addError(self, test, err):
        super().addError(test, err)
        self.broken.add(test.id())

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.broken.add(test.id())

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.broken.add(test.id())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.broken.add(test.id())


def run_here(names):
    """Runs tests in this process and prints what became of them as the last line."""
    suite = unittest.TestLoader().loadTestsFromNames(names)
    result = unittest.TextTestRunner(stream=sys.stderr, resultclass=Result, verbosity=0).run(suite)
    skipped = {t.id(): why for t, why in result.skipped}
    print(json.dumps({"ran": result.testsRun, "failed": sorted(result.broken), "skipped": skipped, "times": result.times}))


def run_group(names):
    """Runs one class in a process of its own; returns (facts, what it printed)."""
    try:
        p = subprocess.run([sys.executable, os.path.abspath(__file__), "--here", *names], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", timeout=LONGEST)
        said, facts = p.stderr, json.loads(p.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired as e:
        said, facts = f"not done after {LONGEST} s\n{e.stderr}", None
    except (IndexError, ValueError):
        said, facts = f"ended with {p.returncode}\n{p.stderr}", None
    return facts or {"ran": len(names), "failed": names, "skipped": {}, "times": {}}, said


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--jobs", type=int, default=4)
    a.add_argument("--list", action="store_true", help="only name the tests")
    a.add_argument("--slow", action="store_true", help="name the ten slowest at the end")
    a.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    a.add_argument("patterns", nargs="*")
    a = a.parse_args()
    if a.here:
        return run_here(a.patterns)
    groups = discover(a.patterns)
    if a.list:
        print("\n".join(n for names in groups.values() for n in names))
        return 0
    from harness import binary
    print(f"testing {binary()}", flush=True)
    passed, failed, times = 0, [], {}
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        order = sorted(groups, key=lambda g: -len(groups[g]))
        runs = {pool.submit(run_group, groups[g]): g for g in order}
        for done in concurrent.futures.as_completed(runs):
            facts, said = done.result()
            bad = facts["failed"]
            passed += max(0, facts["ran"] - len(bad) - len(facts["skipped"]))
            failed += bad
            times.update(facts["times"])
            print(f"{'FAILED' if bad else 'ok    '} {runs[done]} ({facts['ran']} tests, {sum(facts['times'].values()):.1f} s)", flush=True)
            for name, why in facts["skipped"].items():
                print(f"  skipped {name}: {why}")
            if bad:
                print(said, flush=True)
    if a.slow:
        for name in sorted(times, key=times.get, reverse=True)[:10]:
            print(f"  {times[name]:6.1f} s {name}")
    for name in sorted(failed):
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
