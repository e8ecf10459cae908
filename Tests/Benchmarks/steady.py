#!/usr/bin/env python3
"""A steady load from a process of its own, and how long answers took.

usage: steady.py ADDRESS HOST [--beside ADDRESS] [--rate 800] [--fresh 10]

Sends `--rate` requests a second, come what may, one in `--fresh` on a connection of its own, the others on connections that live on; to
`--beside` (an origin, without the proxy) one for every two, which tells how the machine itself does meanwhile. Each line on the standard input
ends a stretch: what was measured in it is printed as a line of JSON. A wait lasts from before the send (or the connect) until the kernel had
the answer's first bytes, so it does not count how long this process needs to look.
"""
import argparse
import gc
import json
import select
import socket
import struct
import sys
import time

TIMESTAMP = getattr(socket, "SO_TIMESTAMPNS", 35)
PATIENCE = 10


class Wire:
    """A connection with at most one request on its way."""

    def __init__(self, target, lives):
        self.target, self.lives = target, lives
        self.began = time.time_ns()
        self.socket = socket.create_connection(target.place, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, TIMESTAMP, 1)
        self.socket.setblocking(False)
        self.is_fresh = True

    def send(self):
        if not self.is_fresh:
            self.began = time.time_ns()
        self.is_fresh = False
        self.buffer, self.arrived = b"", 0
        self.socket.send(self.target.request)

    def read(self):
        """Whether the answer is whole; raises what went wrong."""
        data, ancillary, _, _ = self.socket.recvmsg(65536, 64)
        if not data:
            raise EOFError("closed before its answer")
        if not self.arrived:
            stamps = [struct.unpack("qq", d) for _, kind, d in ancillary if kind == TIMESTAMP and len(d) == 16]
            self.arrived = stamps[0][0] * 10**9 + stamps[0][1] if stamps else time.time_ns()
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if len(body) < length:
            return False
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ValueError(head.split(b"\r\n")[0].decode("latin-1"))
        return True


class Target:
    """Who is asked, and what came of it."""

    def __init__(self, address, host, fresh):
        name, _, port = address.rpartition(":")
        self.place, self.fresh = (name, int(port)), fresh
        self.request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.idle, self.sent = [], 0
        self.clear()

    def clear(self):
        self.waits, self.errors = [], []

    def facts(self):
        waits = sorted(self.waits)
        at = lambda share: waits[min(len(waits) - 1, int(len(waits) * share))] / 1e6 if waits else None  # noqa: E731
        return {"requests": len(waits), "errors": self.errors[:5], "failed": len(self.errors), "p50": at(0.5), "p99": at(0.99),
                "p999": at(0.999), "worst": at(1)}


class Load:
    def __init__(self, a):
        self.poll = select.epoll()
        self.wires = {}
        self.proxy = Target(a.address, a.host, a.fresh)
        self.beside = Target(a.beside, a.host, 0) if a.beside else None
        self.pause = 10**9 // a.rate

    def start(self, target):
        target.sent += 1
        is_own = target.fresh and target.sent % target.fresh == 0
        try:
            wire = target.idle.pop() if target.idle and not is_own else Wire(target, not is_own)
            if wire.socket.fileno() not in self.wires:
                self.wires[wire.socket.fileno()] = wire
                self.poll.register(wire.socket, select.EPOLLIN)
            wire.send()
        except OSError as e:
            target.errors.append(repr(e))

    def drop(self, wire):
        self.poll.unregister(wire.socket)
        del self.wires[wire.socket.fileno()]
        wire.socket.close()

    def read(self, wire):
        target = wire.target
        try:
            if not wire.read():
                return
            target.waits.append(max(0, wire.arrived - wire.began))
            if wire.lives:
                target.idle.append(wire)
            else:
                self.drop(wire)
        except (OSError, EOFError, ValueError, StopIteration) as e:
            if wire in target.idle:
                target.idle.remove(wire)
            target.errors.append(repr(e))
            self.drop(wire)

    def late(self):
        """Requests that have had no answer for too long."""
        for wire in list(self.wires.values()):
            if wire not in wire.target.idle and time.time_ns() - wire.began > PATIENCE * 10**9:
                wire.target.errors.append("no answer")
                self.drop(wire)

    def run(self):
        self.poll.register(sys.stdin, select.EPOLLIN)
        due, count = time.monotonic_ns(), 0
        while True:
            now = time.monotonic_ns()
            if now >= due:
                # Late by more than a few: what was missed is not made up for all at once.
                due = max(due + self.pause, now - 4 * self.pause)
                count += 1
                self.start(self.proxy)
                if self.beside and count % 2 == 0:
                    self.start(self.beside)
                if count % 1000 == 0:
                    self.late()
            for number, _ in self.poll.poll(max(0, due - time.monotonic_ns()) / 1e9):
                if number != sys.stdin.fileno():
                    self.read(self.wires[number])
                    continue
                if not sys.stdin.readline():
                    return
                self.tell()

    def tell(self):
        print(json.dumps({"proxy": self.proxy.facts(), "beside": self.beside.facts() if self.beside else None}), flush=True)
        self.proxy.clear()
        if self.beside:
            self.beside.clear()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("address")
    a.add_argument("host")
    a.add_argument("--beside")
    a.add_argument("--rate", type=int, default=800)
    a.add_argument("--fresh", type=int, default=10)
    gc.disable()
    Load(a.parse_args()).run()


if __name__ == "__main__":
    main()
