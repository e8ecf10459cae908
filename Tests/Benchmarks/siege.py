#!/usr/bin/env python3
"""As many clients as descriptors allow, slow readers by the thousand and uploads without end: the process keeps to its memory,
and good clients are served.

usage: siege.py [--clients 20000] [--memory 512] [--seconds 20]      the binary is $GATEHOUSE or .build/release/gatehouse

Of the clients, who come from processes of their own, one in seven asks for 4 MiB and reads 2 KB a second of it, one in
seventeen sends a body that never ends as fast as it is taken, to a backend that takes 1 KB a second, one in seventeen sends
half a head, and the rest idle between two requests; all of them ask for one tenant. A second tenant's client asks every 20 ms,
on one connection and on new ones in turn. `overload` watches MEMORY MiB and the descriptors. Ends with 0 when no request of the
good client failed, its 99th percentile stayed below half a second, and the process never held more than MEMORY MiB.
"""
import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "EndToEnd"))
from harness import Client, Gate, conf, eventually, shard, tenant  # noqa: E402

PER_PROCESS = 5_000
BODY = 4 << 20


async def origin():
    """A backend that answers /big with 4 MiB, takes uploads by 1 KB a second, and answers all else at once."""
    body = b"x" * (64 << 10)

    async def serve(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"chunked" in head.lower():
                    while await reader.read(1024):
                        await asyncio.sleep(1)
                    break
                if head.startswith(b"GET /big"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BODY)
                    for _ in range(BODY // len(body)):
                        writer.write(body)
                        await writer.drain()
                else:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=64 << 10, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def besiege(address, source, first, count):
    """Clients number `first` on, from the address `source`; tells how many are there, and stays."""
    host, _, port = address.rpartition(":")
    came = 0

    async def client(number):
        nonlocal came
        reader, writer = await asyncio.open_connection(host, int(port), local_addr=(source, 0), limit=2048)
        writer.transport.set_write_buffer_limits(high=0)
        came += 1
        head = "{} {} HTTP/1.1\r\nHost: acme.example\r\n"
        if number % 17 == 0:
            writer.write((head.format("POST", "/up") + "Transfer-Encoding: chunked\r\n\r\n").encode())
            piece = b"4000\r\n" + b"u" * 0x4000 + b"\r\n"
            while True:
                writer.write(piece)
                await writer.drain()
        if number % 17 == 1:
            writer.write(head.format("GET", "/half").encode())
            await asyncio.sleep(3600)
        big = number % 7 == 2
        writer.write((head.format("GET", "/big" if big else "/") + "\r\n").encode())
        while await reader.read(2048):
            await asyncio.sleep(1 if big else 3600)

    async def run(number):
        try:
            await client(number)
        except (ConnectionError, OSError):
            pass

    limiter = asyncio.Semaphore(200)

    async def begin(number):
        async with limiter:
            tasks.append(asyncio.create_task(run(number)))
            await asyncio.sleep(0.02)

    tasks = []
    await asyncio.gather(*(begin(first + n) for n in range(count)))
    print(came, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


class Good(threading.Thread):
    """A client of another tenant, on a kept connection and on new ones in turn."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.times, self.failures, self.going = address, [], [], True
        self.start()

    def run(self):
        kept, turn = Client(self.address, timeout=20), 0
        while self.going:
            turn += 1
            began = time.monotonic()
            try:
                if turn % 2:
                    try:
                        status = kept.get(host="good.example").status
                    except EOFError:        # a kept connection may be closed between two requests: any client asks again
                        kept = Client(self.address, timeout=20)
                        status = kept.get(host="good.example").status
                else:
                    with Client(self.address, timeout=20) as fresh:
                        status = fresh.get(host="good.example").status
                if status != 200:
                    self.failures.append(status)
            except (OSError, EOFError) as e:
                self.failures.append(repr(e))
                kept = Client(self.address, timeout=20)
            self.times.append(time.monotonic() - began)
            time.sleep(0.02)

    def end(self):
        self.going = False
        self.join()
        return sorted(self.times)


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) * 1024


def child(*arguments):
    return subprocess.Popen([sys.executable, __file__, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if sys.argv[1:2] == ["--origin"]:
        return asyncio.run(origin())
    if sys.argv[1:2] == ["--besiege"]:
        return asyncio.run(besiege(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--clients", type=int, default=20_000)
    a.add_argument("--memory", type=int, default=512)
    a.add_argument("--seconds", type=int, default=20)
    a = a.parse_args()
    backend = child("--origin")
    port = int(backend.stdout.readline())
    settings = conf(f"overload {{\n  memory 80% of {a.memory}MiB\n  descriptors 95%\n}}", "timeouts {\n  body-idle 1h\n  keep-alive 1h\n}",
                    "bounds {\n  connections 1000000\n}", shard("s", f"127.0.0.1:{port}"), tenant("acme", home="s"),
                    tenant("good", home="s"), workers=2, log=None)
    with tempfile.TemporaryDirectory() as directory:
        gate = Gate(settings, directory)
        good, most = Good(gate.address), memory(gate.process.pid)
        children = [child("--besiege", gate.address, f"127.0.0.{10 + n}", n * PER_PROCESS, min(PER_PROCESS, a.clients - n * PER_PROCESS))
                    for n in range(-(-a.clients // PER_PROCESS))]
        arrivals = []
        waits = [threading.Thread(target=lambda c=c: arrivals.append(int(c.stdout.readline()))) for c in children]
        for w in waits:
            w.start()
        end = None
        while end is None or time.monotonic() < end:
            most = max(most, memory(gate.process.pid))
            if end is None and not any(w.is_alive() for w in waits):
                end = time.monotonic() + a.seconds
            time.sleep(0.05)
        held = int(gate.metrics().value("gatehouse_client_connections"))
        times = good.end()
        for c in children:
            c.stdin.close()
            c.wait()
        backend.terminate()     # what still waits for it to take a body ends with it
        eventually(lambda: gate.metrics().value("gatehouse_client_connections") <= 1, "no client left", 60)
        gate.stop()
    p99 = times[len(times) * 99 // 100]
    print("| siege | figure |\n|---|---|")
    print(f"| clients that connected, of {a.clients:,}; held at the end | {sum(arrivals):,}; {held:,} |")
    print(f"| most memory, of {a.memory} MiB | {most / (1 << 20):.0f} MiB |")
    print(f"| good client: {len(times):,} requests, failed | {len(good.failures)} {good.failures[:3]} |")
    print(f"| … p50, p99, worst | {statistics.median(times) * 1e3:.1f} ms, {p99 * 1e3:.1f} ms, {times[-1] * 1e3:.0f} ms |")
    sys.exit(0 if not good.failures and p99 < 0.5 and most <= a.memory << 20 else 1)


if __name__ == "__main__":
    main()
