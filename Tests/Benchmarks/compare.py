#!/usr/bin/env python3
"""Gatehouse beside haproxy and nginx on one machine, doing the same work.

  apt-get install haproxy nginx wrk
  Tests/Benchmarks/compare.py --rounds 7 --secs 4                  all workloads; prints the table of the README, then the ratios of each round
  Tests/Benchmarks/compare.py --work h1-tenant,idle --json out.json

Each workload: all proxies are started and checked (status, body, shard, affinity, unknown host), one round is thrown away,
then rounds go A B C, B C A, C A B ...; who is not measured is stopped. The proxy runs on CPU 0, wrk and the origins (an nginx) on
CPU 1. The CPU of a proxy is the sum of /proc/PID/task/*/schedstat over all its processes and threads, so that stolen time
does not count, divided by the requests that completed. Ratios are medians of the ratios within a round; beside them stand the
ratios of the medians. Bodies are compared with haproxy copying and with haproxy splicing. A request that is not answered by 200
is an error, and errors end the whole with 1. The binary is $GATEHOUSE or .build/release/gatehouse.
"""
import argparse
import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "EndToEnd"))
from harness import Client, binary  # noqa: E402

TENANTS, POOLS = 10_000, 4
SMALL = 128
# name: (tenants?, path, connections, more fields, what it is)
WORK = {
    "h1-tenant": (True, "/", 64, [], "10,000 tenants: routing, limits, affinity, metrics"),
    "h1-small": (False, "/", 64, [], "128 B, 64 connections"),
    "h1-c1": (False, "/", 1, [], "128 B, 1 connection"),
    "h1-64k": (False, "/64k", 32, [], "64 KiB bodies"),
    "h1-1m": (False, "/1m", 16, [], "1 MiB bodies"),
    "new-conn": (False, "/", 32, ["Connection: close"], "a connection per request"),
}
SIZES = {"/": SMALL, "/64k": 65536, "/1m": 1 << 20}
IDLE = 5000
LUA = """
local requests, n, i = {}, 0, 0
function init(args)
  local file = os.getenv("TENANT_FILE")
  if not file then return end
  for line in io.lines(file) do
    local host, cookie = line:match("^([^\\t]*)\\t(.*)$")
    n = n + 1
    requests[n] = wrk.format("GET", nil, { Host = host, Cookie = cookie ~= "" and cookie or nil }, nil)
  end
  request = function() i = (i + 7919) % n; return requests[i + 1] end
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests": %d, "us": %d, "errors": %d, "p50": %d, "p99": %d, "max": %d}\\n', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99), latency.max))
end
"""


def host(i):
    return f"t{i:07d}.tenants.example"


def free_ports(count):
    """Ports that nobody listens on, below those the kernel hands out to other processes meanwhile."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        lowest = int(file.read().split()[0])
    ports = []
    for port in random.sample(range(lowest // 2, lowest), lowest // 4):
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("no free ports")


def raise_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# -- processes


def spawn(argv, cpu, directory, log="log"):
    with open(os.path.join(directory, log), "wb") as file:
        return subprocess.Popen((["taskset", "-c", str(cpu)] if cpu is not None else []) + argv, cwd=directory,
                                stdin=subprocess.DEVNULL, stdout=file, stderr=file)


def family(pid):
    """A process and its descendants."""
    found, left = [], [pid]
    while left:
        p = left.pop()
        found.append(p)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{task}/children") as file:
                    left += map(int, file.read().split())
    return found


def cpu_seconds(pids):
    """Exact run time of all threads."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    total += int(file.read().split()[0])
    return total / 1e9


def resident(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1]) * 1024
    return total


def stop(process):
    if process and process.poll() is None:
        for p in family(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(p, signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def turned(peers, n):
    """The order of round `n`."""
    k = n % len(peers)
    return peers[k:] + peers[:k]


def until(check, patience=30):
    end = time.monotonic() + patience
    while True:
        with contextlib.suppress(OSError, EOFError, AssertionError, FileNotFoundError):
            value = check()
            if value:
                return value
        if time.monotonic() > end:
            raise RuntimeError("not ready in time")
        time.sleep(0.02)


# -- proxies


class Peer:
    """A proxy that can be put to the same work."""

    def __init__(self, name, directory, origins, tenants):
        self.name, self.origins, self.tenants = name, origins, tenants
        self.directory = os.path.join(directory, name.replace(":", "-"))
        os.makedirs(self.directory)
        self.port = free_ports(1)[0]
        self.process = None
        self.pools = [(f"p{i}", origins[2 * i:2 * i + 2]) for i in range(POOLS)] if tenants else [("p0", origins[:1])]

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def hosts(self, line):
        return "".join(line.format(host=host(i), name=host(i).split(".")[0], pool=f"p{i % POOLS}") for i in range(TENANTS))

    def start(self, cpu):
        self.process = spawn(self.command(), cpu, self.directory)
        self.address = f"127.0.0.1:{self.port}"
        until(lambda: self.process.poll() is None and Client(self.address).get(host=host(0)).status == 200)

    @property
    def pids(self):
        return family(self.process.pid)

    def pause(self):
        for p in self.pids:
            os.kill(p, signal.SIGSTOP)

    def resume(self):
        for p in reversed(self.pids):
            os.kill(p, signal.SIGCONT)


class Gatehouse(Peer):
    def command(self):
        lines = ["workers 1", "drain 1s", "access-log off", "rate-limit-headers off", "timeouts {", "  keep-alive 1h", "}",
                 f"listen 127.0.0.1:{self.port}", "metrics 127.0.0.1:0", "resolve {", "  host", "}",
                 "plan bench {", "  requests 100000/s burst 100000", "}"]
        for name, ports in self.pools:
            lines += [f"shard {name} {{", *(f"  backend 127.0.0.1:{p}" for p in ports), "  balance round-robin", "  pool idle 1024",
                      *(["  sticky cookie SRV for 12h"] if self.tenants else []), "}"]
        if self.tenants:
            self.write("tenants.tbl", self.hosts("{name} plan=bench home={pool} host={host}\n"))
            lines.append("tenants table tenants.tbl")
        else:
            lines += ["tenant everyone {", "  home p0", "}", "unknown-tenant use everyone"]
        return [binary(), "run", "-c", self.write("proxy.conf", "\n".join(lines) + "\n")]


class HAProxy(Peer):
    """A map of hosts, a table of rates and counters per tenant, an inserted cookie."""

    def command(self):
        splice = self.name.endswith(":splice")
        text = f"""global
  nbthread 1
  maxconn 9000
  {'maxpipes 400' if splice else ''}
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  http-reuse always
  {'option splice-request' if splice else ''}
  {'option splice-response' if splice else ''}
frontend f
  bind 127.0.0.1:{self.port}
"""
        if self.tenants:
            hosts = self.write("hosts.map", self.hosts("{host} {pool}\n"))
            text += f"""  http-request set-var(txn.pool) req.hdr(host),lower,map_str({hosts})
  http-request return status 404 if !{{ var(txn.pool) -m found }}
  http-request track-sc0 req.hdr(host),lower table rates
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 100000 }}
  use_backend %[var(txn.pool)]
backend rates
  stick-table type string len 48 size 20000 expire 1h store http_req_rate(1s),http_req_cnt,http_err_cnt,bytes_in_cnt,bytes_out_cnt
"""
        else:
            text += "  default_backend p0\n"
        for name, ports in self.pools:
            text += f"backend {name}\n" + ("  balance roundrobin\n  cookie SRV insert indirect nocache\n" if self.tenants else "")
            text += "".join(f"  server s{p} 127.0.0.1:{p}{f' cookie s{p}' if self.tenants else ''}\n" for p in ports)
        return [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", self.write("haproxy.cfg", text)]


class Nginx(Peer):
    """A map of hosts, a rate limit by host, a cookie that picks the server by maps; no metrics by tenant, which its open source lacks."""

    def command(self):
        text = NGINX_TOP.format(directory=self.directory, connections=20000) + """
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_buffer_size 16k; proxy_buffers 16 32k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;
"""
        pool = "keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 3600s;"
        for name, ports in self.pools:
            text += f"  upstream {name} {{ {' '.join(f'server 127.0.0.1:{p};' for p in ports)} {pool} }}\n"
        if self.tenants:
            pairs = [(name, p) for name, ports in self.pools for p in ports]
            text += "".join(f"  upstream {name}_{p} {{ server 127.0.0.1:{p}; {pool} }}\n" for name, p in pairs)
            hosts = self.write("hosts.map", self.hosts("{host} {pool};\n"))
            text += f"""  map_hash_max_size 20000; map_hash_bucket_size 128;
  map $http_host $pool {{ default ""; include {hosts}; }}
  map "$pool:$cookie_SRV" $target {{ default $pool; {' '.join(f'"{n}:s{p}" {n}_{p};' for n, p in pairs)} }}
  map "$cookie_SRV:$upstream_addr" $bound {{ default ""; {' '.join(f'":127.0.0.1:{p}" "SRV=s{p}";' for _, p in pairs)} }}
  limit_req_zone $http_host zone=t:8m rate=100000r/s; limit_req_status 429;
  server {{ listen 127.0.0.1:{self.port} backlog=4096; location / {{ if ($pool = "") {{ return 404; }}
    limit_req zone=t burst=50000 nodelay; add_header Set-Cookie $bound; proxy_pass http://$target; }} }}
"""
        else:
            text += f"  server {{ listen 127.0.0.1:{self.port} backlog=4096; location / {{ proxy_pass http://p0; }} }}\n"
        return [shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.directory, "-c", self.write("nginx.conf", text + "}\n")]


NGINX_TOP = """daemon off; master_process on; worker_processes 1; {user} pid {{directory}}/pid; error_log stderr crit;
events {{{{ worker_connections {{connections}}; use epoll; }}}}
http {{{{
  access_log off; server_tokens off; default_type text/plain; tcp_nodelay on; sendfile on;
  keepalive_requests 1000000000; keepalive_timeout 3600s; client_header_timeout 3600s;
  client_body_temp_path {{directory}}/a; proxy_temp_path {{directory}}/b; fastcgi_temp_path {{directory}}/c;
  uwsgi_temp_path {{directory}}/d; scgi_temp_path {{directory}}/e;
""".format(user="user root;" if os.getuid() == 0 else "")
PEERS = {"gatehouse": Gatehouse, "haproxy": HAProxy, "haproxy:splice": HAProxy, "nginx": Nginx}


# -- the bench


class Bench:
    def __init__(self, a):
        self.a = a
        self.directory = tempfile.mkdtemp(prefix="gatehouse-bench-")
        self.runs = []
        self.origin = None
        self.lua = os.path.join(self.directory, "load.lua")
        with open(self.lua, "w") as file:
            file.write(LUA)

    def start_origins(self):
        directory = os.path.join(self.directory, "origin")
        os.makedirs(os.path.join(directory, "files"))
        for path, size in SIZES.items():
            with open(os.path.join(directory, "files", path[1:] or "small"), "wb") as file:
                file.write(b"0123456789abcdef" * (size // 16))
        self.origins = free_ports(2 * POOLS)
        text = NGINX_TOP.format(directory=directory, connections=20000)
        for port in self.origins:
            text += (f"  server {{ listen 127.0.0.1:{port} backlog=4096; add_header X-Origin {port}; root {directory}/files;\n"
                     f"    location = / {{ return 200 \"{'0123456789abcdef' * (SMALL // 16)}\"; }} }}\n")
        path = os.path.join(directory, "nginx.conf")
        with open(path, "w") as file:
            file.write(text + "}\n")
        self.origin = spawn([shutil.which("nginx") or "/usr/sbin/nginx", "-p", directory, "-c", path], self.a.load_cpu, directory)
        until(lambda: Client(f"127.0.0.1:{self.origins[0]}").get().status == 200)

    def check(self, peer, path):
        """Right answers before any timing; returns the file of hosts and cookies that wrk sends."""
        c = Client(peer.address)
        r = c.get(path, host=host(0))
        assert r.status == 200 and len(r.body) == SIZES[path], f"{peer.name}: {r!r}"
        if not peer.tenants:
            return None
        lines, used = [], set()
        for i in range(TENANTS):
            r = c.get(host=host(i))
            origin, cookie = int(r.field("x-origin")), "; ".join(v.split(";")[0] for v in r.all("set-cookie"))
            assert r.status == 200 and cookie and origin in peer.pools[i % POOLS][1], f"{peer.name}: {host(i)}: {r!r}"
            used.add(origin)
            if i % 500 == 0:
                for _ in range(4):
                    assert int(c.get(host=host(i), fields=[("Cookie", cookie)]).field("x-origin")) == origin, f"{peer.name}: no affinity"
            lines.append(f"{host(i)}\t{cookie}\n")
        assert len(used) == 2 * POOLS, f"{peer.name}: not balanced"
        assert c.get(host="nobody.example").status == 404, f"{peer.name}: an unknown host is served"
        return peer.write("load.tsv", "".join(lines))

    def load(self, peer, work, seconds, around=()):
        """One run of wrk, as the command that `around` begins."""
        _, path, connections, fields, _ = WORK[work]
        argv = [*around, "taskset", "-c", str(self.a.load_cpu), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                "--timeout", "10s", "-s", self.lua, "-H", f"Host: {host(0)}"]
        for f in fields:
            argv += ["-H", f]
        environment = dict(os.environ, **({"TENANT_FILE": peer.cookies} if peer.cookies else {}))
        before = cpu_seconds(peer.pids)
        run = subprocess.run(argv + [f"http://{peer.address}{path}"], env=environment, capture_output=True, text=True, timeout=seconds + 60)
        used = cpu_seconds(peer.pids) - before
        found = re.search(r"RESULT (\{.*\})", run.stdout)
        if not found:
            raise RuntimeError(f"no result of {argv}: {run.stdout}{run.stderr}")
        result = json.loads(found[1])
        result["cpu_us"] = used / max(1, result["requests"]) * 1e6
        result["per_second"] = result["requests"] / result["us"] * 1e6
        return result

    def peer(self, name, work):
        """A proxy that is up, has given right answers and stands still."""
        tenants, path, *_ = WORK[work]
        peer = PEERS[name](name, os.path.join(self.directory, work), self.origins, tenants)
        try:
            peer.start(self.a.proxy_cpu)
            peer.cookies = self.check(peer, path)
            peer.pause()
        except BaseException:
            stop(peer.process)
            raise
        return peer

    def compare(self, work):
        path = WORK[work][1]
        peers = []
        try:
            for name in self.a.peers:
                if not name.endswith(":splice") or path != "/":
                    peers.append(self.peer(name, work))
            for n in range(-1, self.a.rounds):
                for peer in turned(peers, n):
                    peer.resume()
                    r = self.load(peer, work, self.a.secs if n >= 0 else 1)
                    peer.pause()
                    if n >= 0:
                        self.runs.append({"work": work, "peer": peer.name, "round": n, **r})
                        print(f"  {work:10} round {n} {peer.name:15} {r['cpu_us']:8.2f} us/request {r['per_second']:9.0f}/s  p50 {r['p50']} p99 {r['p99']} us"
                              f"  errors {r['errors']}", file=sys.stderr, flush=True)
        finally:
            for peer in peers:
                stop(peer.process)

    def idle(self):
        """Memory of a proxy by idle keep-alive connection that has had one request; each time of a fresh process."""
        names = [n for n in self.a.peers if not n.endswith(":splice")]
        for n in range(self.a.rounds):
            for name in turned(names, n):
                size = self.idle_bytes(PEERS[name](name, os.path.join(self.directory, "idle", str(n)), self.origins, False))
                self.runs.append({"work": "idle", "peer": name, "round": n, "bytes": size, "errors": 0})
                print(f"  idle       round {n} {name:15} {size:8.0f} B a connection", file=sys.stderr, flush=True)

    def idle_bytes(self, peer):
        clients = []
        try:
            peer.start(self.a.proxy_cpu)
            for _ in range(200):
                Client(peer.address).get(host=host(0))
            before = resident(peer.pids)
            for _ in range(IDLE):
                c = Client(peer.address)
                assert c.get(host=host(0)).status == 200
                clients.append(c)
            time.sleep(0.5)
            return (resident(peer.pids) - before) / IDLE
        finally:
            for c in clients:
                c.close()
            stop(peer.process)

    def table(self):
        """Medians, and the median of the ratios within a round."""
        lines = ["| workload | " + " | ".join(self.a.peers) + " | " + " | ".join(f"÷ {p}" for p in self.a.peers if p != "gatehouse") + " | errors |",
                 "|---" * (2 * len(self.a.peers) + 1) + "|"]
        for work in self.a.work:
            by = self.figures(work)
            cells = [f"{statistics.median(v.values()):.{0 if work == 'idle' else 2}f}" if v else "" for v in by.values()]
            for p in self.a.peers:
                if p != "gatehouse":
                    ratios = self.ratios(by, p)
                    cells.append(f"{statistics.median(ratios):.2f}" if ratios else "")
            errors = sum(r["errors"] for r in self.runs if r["work"] == work)
            lines.append(f"| `{work}`, {'B per idle connection' if work == 'idle' else 'µs CPU per request'} | " + " | ".join(cells) + f" | {errors} |")
        return "\n".join(lines)

    def figures(self, work):
        """By peer, what each round measured."""
        unit = "bytes" if work == "idle" else "cpu_us"
        return {p: {r["round"]: r[unit] for r in self.runs if (r["work"], r["peer"]) == (work, p)} for p in self.a.peers}

    @staticmethod
    def ratios(by, peer):
        """Gatehouse's figure by that of `peer`, round by round."""
        mine = by.get("gatehouse", {})
        return [mine[n] / v for n, v in sorted(by[peer].items()) if n in mine]

    def spread(self):
        """What the table's ratios come from."""
        lines = ["| workload | gatehouse ÷ | round by round | their median | of the medians |", "|---|---|---|---|---|"]
        for work in self.a.work:
            by = self.figures(work)
            for p in self.a.peers:
                ratios = self.ratios(by, p) if p != "gatehouse" else []
                if ratios:
                    medians = statistics.median(by["gatehouse"].values()) / statistics.median(by[p].values())
                    lines.append(f"| `{work}` | {p} | {' '.join(f'{r:.2f}' for r in ratios)} | {statistics.median(ratios):.2f} | {medians:.2f} |")
        return "\n".join(lines)

    def end(self):
        stop(self.origin)
        shutil.rmtree(self.directory, ignore_errors=True)

    def main(self):
        self.start_origins()
        try:
            for work in self.a.work:
                os.makedirs(os.path.join(self.directory, work))
                self.idle() if work == "idle" else self.compare(work)
                if self.a.json:
                    with open(self.a.json, "w") as file:
                        json.dump(self.runs, file, indent=1)
        finally:
            self.end()
        print(self.table(), self.spread(), sep="\n\n")
        return 1 if any(r["errors"] for r in self.runs) else 0


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--peers", default="gatehouse,haproxy,haproxy:splice,nginx", type=lambda s: s.split(","))
    a.add_argument("--work", default=",".join([*WORK, "idle"]), type=lambda s: s.split(","))
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--secs", type=int, default=4)
    a.add_argument("--proxy-cpu", type=int, default=0)
    a.add_argument("--load-cpu", type=int, default=1)
    a.add_argument("--json", help="keep every run here")
    a = a.parse_args()
    for tool in ("wrk", "taskset"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is missing: apt-get install haproxy nginx wrk util-linux")
    raise_descriptors()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(Bench(a).main())


if __name__ == "__main__":
    main()
