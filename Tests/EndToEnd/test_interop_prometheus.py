"""A real Prometheus scrapes the metrics, through a listener with TLS; promtool reads them."""
import json
import os
import shutil
import subprocess
import unittest
import urllib.parse
import urllib.request

from harness import HTTP2, Authority, Case, conf, eventually, get, shard, tenant


def listening_ports(pid):
    """The TCP ports that a process listens on."""
    sockets = set()
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            sockets.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
        except FileNotFoundError:
            pass
    with open(f"/proc/{pid}/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]


@unittest.skipUnless(shutil.which("prometheus") and shutil.which("promtool"), "no prometheus")
class Prometheus(Case):
    def traffic(self):
        """A proxy whose metrics tell of something."""
        g = self.simple(self.origin(), tenant_lines=["requests 2/h burst 2"], listen=["127.0.0.1:0", HTTP2])
        for _ in range(3):
            get(g.address)
        get(g.address, host="nobody.example")
        with g.frames(g.addresses[1]) as c:
            c.get()
        return g

    def ask(self, port, path, **query):
        url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(query)}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def test_promtool_finds_nothing(self):
        g = self.traffic()
        with g.fetch("/metrics") as answer:
            text = answer.read()
        p = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=30)
        self.assertEqual((p.returncode, p.stdout, p.stderr), (0, b"", b""))

    def test_a_scrape_over_tls(self):
        authority = Authority(self.directory)
        certificate, key = authority.issue("metrics", "metrics.example")
        g = self.traffic()
        edge = self.gate(conf(shard("metrics", g.metrics_address), tenant("metrics", home="metrics"), "unknown-tenant use metrics",
                              listen=[f"127.0.0.1:0 {{\n  certificate {certificate} key {key}\n  protocols h2 http/1.1\n}}"]))
        config = os.path.join(self.directory, "prometheus.yml")
        with open(config, "w") as file:
            file.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: gatehouse\n  scheme: https\n"
                       f"  tls_config: {{ca_file: {authority.path}, server_name: metrics.example}}\n"
                       f"  static_configs: [{{targets: ['{edge.address}']}}]\n")
        data = os.path.join(self.directory, "tsdb")
        p = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}", "--web.listen-address=127.0.0.1:0",
                              "--log.level=warn"], cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        port = eventually(lambda: listening_ports(p.pid), "it listens")[0]

        def target():
            try:
                targets = self.ask(port, "/api/v1/targets")["activeTargets"]
            except OSError:
                return None
            self.assertEqual([(t["health"], t["lastError"]) for t in targets], [("up", "")])
            return targets
        eventually(target, "the target is up", patience=30)

        def value(query):
            found = self.ask(port, "/api/v1/query", query=query)["result"]
            return float(found[0]["value"][1]) if found else None
        eventually(lambda: value('gatehouse_requests_total{tenant="acme",code="2xx"}') == 2)
        self.assertEqual(value('gatehouse_limited_total{tenant="acme",limit="requests"}'), 2)
        self.assertEqual(value('gatehouse_refused_total{code="tenant_unknown"}'), 1)
        self.assertEqual(value('gatehouse_request_duration_seconds_count{tenant="acme"}'), 4)
        self.assertEqual(value("gatehouse_build_info"), 1)
        # It reads the text of OpenMetrics, and by HTTP/2.
        record = eventually(edge.records)[0]
        self.assertEqual((record["status"], record["protocol"], record["tenant"]), (200, "HTTP/2.0", "metrics"))
