"""The real binary, started in a directory of its own and watched through what it says."""
import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import threading
import time
import urllib.request

from .client import Client
from .frames import Frames

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PATIENCE = float(os.environ.get("PATIENCE", "15"))


def binary():
    """The binary under test: $GATEHOUSE, else the release build, else the debug build."""
    named = os.environ.get("GATEHOUSE")
    for path in [named] if named else [os.path.join(ROOT, ".build", kind, "gatehouse") for kind in ("release", "debug")]:
        if os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise RuntimeError("no gatehouse binary: build one, or name it in $GATEHOUSE")


class Lines:
    """Lines of a stream, read by a thread; others wait for the one they need."""

    def __init__(self, stream):
        self.lines = []
        self.ended = False
        self._changed = threading.Condition()
        self._stream = stream
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for raw in self._stream:
            with self._changed:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()
        self._stream.close()

    def wait(self, pattern, after=0, patience=None):
        """The first line from number `after` on that matches `pattern`, as (number, match)."""
        patience = PATIENCE if patience is None else patience
        end = time.monotonic() + patience
        seen = after
        with self._changed:
            while True:
                while seen < len(self.lines):
                    match = re.search(pattern, self.lines[seen])
                    if match:
                        return seen, match
                    seen += 1
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    why = "the stream ended" if self.ended else f"nothing in {patience:g} s"
                    raise AssertionError(f"no line like {pattern!r} ({why}); lines:\n" + "\n".join(self.lines[-40:]))
                self._changed.wait(left)

    def text(self):
        with self._changed:
            return "\n".join(self.lines)


class Sample:
    """The metrics at one moment."""

    LINE = re.compile(r'^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)')
    LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.text = text
        self.rows = []
        for line in text.splitlines():
            if line and not line.startswith("#"):
                match = self.LINE.match(line)
                assert match, f"not a metric: {line!r}"
                labels = dict(self.LABEL.findall(match[2] or ""))
                self.rows.append((match[1], labels, float(match[3])))

    def named(self, name, **labels):
        return [row for row in self.rows if row[0] == name and all(row[1].get(k) == v for k, v in labels.items())]

    def value(self, name, **labels):
        """The sum over the rows of `name` that carry these labels; 0 when there is none."""
        return sum(row[2] for row in self.named(name, **labels))


class Heir:
    """A process that another one has started to take its place; once that one has ended, it is ours to wait for."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None
        # PR_SET_CHILD_SUBREAPER: orphans below this process become its children.
        ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            except ChildProcessError:
                if not os.path.exists(f"/proc/{self.pid}"):
                    self.returncode = -255
        return self.returncode

    def wait(self, timeout=None):
        end = time.monotonic() + (PATIENCE if timeout is None else timeout)
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class Gate:
    """A running proxy."""

    def __init__(self, config, directory, *, files=None, environment=None, wait=True, command=("run", "-c", "proxy.conf"),
                 descriptors=None, before=None):
        self.directory = directory
        self.config_path = os.path.join(directory, "proxy.conf")
        self.write("proxy.conf", config)
        for name, text in (files or {}).items():
            self.write(name, text)
        variables = {k: v for k, v in os.environ.items() if k not in ("STATE_DIRECTORY", "NOTIFY_SOCKET")}
        variables.update(environment or {})
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))) if descriptors else before
        self.process = subprocess.Popen([binary(), *command], cwd=directory, env=variables, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit)
        self.before = []
        self.log = Lines(self.process.stderr)
        self.output = Lines(self.process.stdout)
        if wait:
            self.ready()

    # -- its files

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w") as file:
            file.write(text)
        os.replace(path + ".new", path)
        return path

    def read(self, name):
        with open(os.path.join(self.directory, name), "rb") as file:
            return file.read()

    def records(self, name="access.log"):
        """The access log so far, one value a line."""
        try:
            lines = self.read(name).split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    # -- what it says

    def ready(self):
        try:
            last, _ = self.log.wait(r"(^|\s)ready$")
        except AssertionError:
            self.kill()
            raise
        said = self.log.lines[:last + 1]
        self.addresses = [m[1] for m in (re.search(r"listening on (\S+)$", line) for line in said) if m]
        self.admin_addresses = [m[1] for m in (re.search(r"admin on (\S+)$", line) for line in said) if m]
        self.metrics_address = next((m[1] for m in (re.search(r"metrics on (\S+)$", line) for line in said) if m), None)
        return self

    @property
    def address(self):
        return self.addresses[0]

    def client(self, address=None, **keywords):
        return Client(address or self.address, **keywords)

    def frames(self, address=None, **keywords):
        """A connection of HTTP/2."""
        return Frames(address or self.address, **keywords)

    def admin(self, method, target, value=None, *, token=None, reason=None, fields=(), address=None, body=None):
        """Calls the admin API at its first address, with a value as JSON or the bytes of a body."""
        fields = [*fields, *([("Authorization", f"Bearer {token}")] if token else []), *([("X-Audit-Reason", reason)] if reason else [])]
        data = json.dumps(value).encode() if value is not None else body
        with Client(address or self.admin_addresses[0], timeout=PATIENCE) as c:
            return c.request(method, target, host="localhost", fields=fields, body=data).final(method)

    def command(self, *arguments, **keywords):
        """Runs a command of the binary in the proxy's directory."""
        return subprocess.run([binary(), *arguments], cwd=self.directory, capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL, **keywords)

    # -- what it counts

    def fetch(self, path, accept=None):
        request = urllib.request.Request(f"http://{self.metrics_address}{path}", headers={"Accept": accept} if accept else {})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(request, timeout=PATIENCE)

    def metrics(self):
        with self.fetch("/metrics") as answer:
            return Sample(answer.read().decode())

    def memory(self):
        """Its resident memory, in bytes."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * 1024

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    # -- what it is told

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, config=None, *, files=None, refused=False):
        """Hands over a new configuration; waits until it says that it took it, or refused it."""
        if config is not None:
            self.write("proxy.conf", config)
        for name, text in (files or {}).items():
            self.write(name, text)
        seen = len(self.log.lines)
        self.signal(signal.SIGHUP)
        _, match = self.log.wait(r"reloaded generation (\d+)|reload refused, generation (\d+) stays", after=seen)
        said = "\n".join(self.log.lines[seen:])
        if refused != (match[2] is not None):
            raise AssertionError("the reload was " + ("taken" if refused else "refused") + ":\n" + said)
        return said

    def upgrade(self, *, by=None):
        """Has a new process take this one's place, by the signal or what `by` does; returns the one before, which drains."""
        seen = len(self.log.lines)
        if by:
            by()
        else:
            self.signal(signal.SIGUSR2)
        _, match = self.log.wait(r"handing over to process (\d+)|upgrade failed", after=seen)
        if not match[1]:
            raise AssertionError("the upgrade failed:\n" + "\n".join(self.log.lines[seen:]))
        self.log.wait(r"(^|\s)ready$", after=seen)
        before, self.process = self.process, Heir(int(match[1]))
        self.before.append(before)
        return before

    def wait_end(self, patience=None):
        """Its exit code."""
        return self.process.wait(PATIENCE if patience is None else patience)

    def stop(self):
        for before in self.before:
            for _ in range(2):
                before.send_signal(signal.SIGTERM)
            before.wait(PATIENCE)
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("two TERMs did not stop it:\n" + self.log.text())
        return self.process.returncode

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
