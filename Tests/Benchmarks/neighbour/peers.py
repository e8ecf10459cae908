"""The proxies, each configured as well as it can be for backends with a bounded number of workers.

Gatehouse shares the slots of the shard; what the binary does not know yet of these directives is left out, and told.
haproxy has `maxconn` at each server and a queue ordered by how many requests of the tenant are in flight, which is the fairest key it has.
nginx has no queue, so it is a cap at each tenant: half of all slots, which leaves the good tenants what they ask for, and lets the backends
queue the little that exceeds; greedy tenants are capped at their shares of the slots. It takes in whole bodies before it asks a backend.
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "EndToEnd"))
from compare import NGINX_TOP, free_ports, spawn, until  # noqa: E402
from harness import Client, binary  # noqa: E402
from harness.settings import block, conf, shard, tenant  # noqa: E402


class Peer:
    """`tenants`: names and weights. `directory` is its own."""

    left_out, process = (), None

    def __init__(self, variant, directory, backends, slots, tenants, workers):
        self.variant, self.directory, self.backends = variant, directory, backends
        self.slots, self.tenants, self.workers = slots, tenants, workers
        self.port = free_ports(1)[0]
        self.address = f"127.0.0.1:{self.port}"

    def start(self):
        self.process = spawn(self.command(), None, self.directory)

        def is_ready():
            if self.process.poll() is not None:
                with open(os.path.join(self.directory, "log")) as file:
                    raise SystemExit(f"{type(self).__name__} ended: {file.read()[-2000:]}")
            return Client(self.address).get(host=f"{next(iter(self.tenants))}.example").status == 200
        until(is_ready)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path


class Gatehouse(Peer):
    def wanted(self):
        """Directives of the shard, in the order in which they lean on each other."""
        queue = "queue 1000 for 10s" + ("" if self.variant == "no-target" else " target 5ms")
        return [f"concurrency {self.slots * len(self.backends)}", queue, "long-share 37%", "retry budget 20% floor 3/s attempts 2",
                "outlier 5 failures from 3 tenants eject 30s at-most 50%"]

    def text(self, lines, has_weights=True):
        plans = [block(f"plan w{w}", *([f"weight {w}"] if has_weights else ["concurrency 100000"])) for w in sorted(set(self.tenants.values()))]
        return conf(shard("s", *self.backends, lines=["balance least-requests", *lines]), *plans,
                    *(tenant(name, f"plan w{w}", home="s") for name, w in self.tenants.items()),
                    listen=(self.address,), workers=self.workers, metrics=None, log=None, drain="1s")

    def refusal(self, lines, has_weights=False):
        """What the binary has against these lines, if anything."""
        path = self.write("probe.conf", self.text(lines, has_weights))
        run = subprocess.run([binary(), "check", "-c", path], capture_output=True, text=True)
        said = re.search(r"error: (.*)", run.stdout + run.stderr)
        return (said[1] if said else run.stdout + run.stderr) if run.returncode else None

    def command(self):
        lines, self.left_out = [], []
        for line in self.wanted():
            refusal = self.refusal([*lines, line])
            if refusal:
                self.left_out.append(f"{line} ({refusal})")
            else:
                lines.append(line)
        refusal = self.refusal([], True)
        if refusal:
            self.left_out.append(f"weight ({refusal})")
        return [binary(), "run", "-c", self.write("proxy.conf", self.text(lines, not refusal))]


class HAProxy(Peer):
    """With the variant `observe`, a server that fails is taken out, as `outlier` does; without it nobody is."""

    def command(self):
        observe = " check inter 1s observe layer7 error-limit 5 on-error mark-down" if self.variant == "observe" else ""
        text = f"""global
  nbthread {self.workers}
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  timeout queue 10s
  http-reuse always
  retries 0
frontend f
  bind {self.address}
  http-request track-sc0 req.hdr(host),lower table tenants
  http-request set-priority-class sc0_conn_cur
  default_backend s
backend tenants
  stick-table type string len 48 size 1000 expire 1h store conn_cur
backend s
  balance leastconn
"""
        text += "".join(f"  server b{i} {address} maxconn {self.slots}{observe}\n" for i, address in enumerate(self.backends))
        return [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", self.write("haproxy.cfg", text)]


class Nginx(Peer):
    def command(self):
        slots, total = self.slots * len(self.backends), sum(self.tenants.values())
        is_weighted = len(set(self.tenants.values())) > 1
        caps = {name: max(1, round(slots * w / total)) if is_weighted else slots // 2 for name, w in self.tenants.items()}
        text = NGINX_TOP.replace("worker_processes 1", f"worker_processes {self.workers}").format(directory=self.directory, connections=20000)
        text += """
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; client_max_body_size 16m;
  proxy_next_upstream off; limit_conn_status 429;
"""
        limits = ""
        for cap in sorted(set(caps.values())):
            names = "".join(f' "{name}.example" $http_host;' for name, c in caps.items() if c == cap)
            text += f"  map $http_host $of_{cap} {{ default \"\";{names} }}\n  limit_conn_zone $of_{cap} zone=cap_{cap}:1m;\n"
            limits += f" limit_conn cap_{cap} {cap};"
        servers = " ".join(f"server {address} max_fails=0;" for address in self.backends)
        text += f"""  upstream s {{ zone s 256k; least_conn; {servers} keepalive 256; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
  server {{ listen {self.address} backlog=4096; location / {{{limits} proxy_pass http://s; }} }}
}}
"""
        return [shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.directory, "-c", self.write("nginx.conf", text)]


PEERS = {"gatehouse": Gatehouse, "haproxy": HAProxy, "nginx": Nginx}
