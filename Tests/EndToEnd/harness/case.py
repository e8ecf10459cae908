"""The base of the tests: what a test starts ends with it, whatever happens."""
import shutil
import tempfile
import time
import unittest

from .gate import PATIENCE, Gate
from .origin import Origin
from .settings import conf, shard, tenant


def eventually(check, what="it", patience=None):
    """Polls until `check()` is true (or stops raising AssertionError); returns its value."""
    end = time.monotonic() + (PATIENCE if patience is None else patience)
    while True:
        trouble = None
        try:
            value = check()
            if value:
                return value
        except AssertionError as e:
            trouble = e
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true" + (f": {trouble}" if trouble else ""))
        time.sleep(0.01)


class Case(unittest.TestCase):
    """A test with a directory, origins and proxies of its own."""

    longMessage = True
    maxDiff = None

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="gatehouse-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self._gates, self._origins = [], []
        self.addCleanup(self._end)

    def _end(self):
        failures = []
        for gate in self._gates:
            try:
                code = gate.stop()
                if code not in (0, None) and not getattr(gate, "may_fail", False):
                    failures.append(f"the proxy ended with {code}:\n{gate.log.text()}")
            except AssertionError as e:
                failures.append(str(e))
        for origin in self._origins:
            failures += [f"{origin.name}: {type(e).__name__}: {e}" for e in origin.errors]
            origin.stop()
        if failures:
            raise AssertionError("\n".join(failures))

    def origin(self, answer=None, name="origin", **keywords):
        o = Origin(answer, name, **keywords)
        self._origins.append(o)
        return o

    def gate(self, config, **keywords):
        """Starts the proxy with a configuration, in a directory of its own, or in that of an earlier one (`after=gate`)."""
        may_fail, after = keywords.pop("may_fail", False), keywords.pop("after", None)
        directory = after.directory if after else tempfile.mkdtemp(dir=self.directory)
        g = Gate(config, directory, **keywords)
        g.may_fail = may_fail
        self._gates.append(g)
        return g

    def simple(self, *origins, parts=(), lines=(), tenant_lines=(), **keywords):
        """A proxy with the tenant acme at acme.example, living on the shard `one` that these origins make up."""
        settings = {k: keywords.pop(k) for k in ("listen", "resolve", "workers", "metrics", "log", "drain") if k in keywords}
        return self.gate(conf(*parts, shard("one", *origins, lines=lines), tenant("acme", *tenant_lines, home="one"), **settings),
                         **keywords)

    def assert_refused(self, response, status, code):
        """The answer is one of the proxy's own, with this status and stable code."""
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.code, code, response)
        self.assertRegex(response.field("proxy-status") or "", r"^gatehouse; ?error=[a-z_]+", response)
        self.assertEqual(response.json["status"], status)
