"""A backend with a bounded number of workers that accounts whose requests they were busy with.

usage: backend.py SLOTS [SEED]      prints its port; each line {"from": ns, "to": ns} on its input is answered with what was so between them

A slot is held from the moment a request's head is there (so also while a slow body comes in) until its answer is sent; a request that
finds none waits inside, first come first served, its body unread. The work is a sleep of 50 ms ± 20 %, or of `?work=MILLISECONDS`. What
asks for `?poison` is reset and answered 500 by turns, at once. The tenant is X-Tenant-ID, or the first label of Host. Who has gone away
while its body comes in frees its slot; whose work has begun does not.
"""
import collections
import gc
import json
import random
import select
import socket
import struct
import sys

from loop import Loop, now

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nworked"
FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nbroken"
RESET = struct.pack("ii", 1, 0)


class Account:
    """Slot-nanoseconds by tenant; what is still held counts up to the moment of asking."""

    def __init__(self):
        self.sums, self.held = collections.Counter(), collections.Counter()
        self.waited = self.requests = 0

    def begin(self, tenant, when):
        self.sums[tenant] -= when
        self.held[tenant] += 1

    def end(self, tenant, when):
        self.sums[tenant] += when
        self.held[tenant] -= 1

    def at(self, when):
        return {t: self.sums[t] + self.held[t] * when for t in self.sums}


class Wire:
    """A connection of the proxy; at most one request of it is at work."""

    def __init__(self, server, s):
        self.server, self.socket, self.number = server, s, s.fileno()
        self.buffer, self.left, self.tenant, self.phase = b"", 0, "", "idle"
        s.setblocking(False)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.loop.watch(self.number, self.ready)

    def ready(self, _):
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.gone()
        elif self.phase == "body":
            self.take(len(data))
        else:
            self.buffer += data
            if self.phase == "idle":
                self.head()

    def head(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
        self.buffer = self.buffer[end + 4:]
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        if "transfer-encoding" in fields:
            raise NotImplementedError("chunked bodies are not part of this")
        self.tenant = fields.get("x-tenant-id") or fields["host"].split(".")[0]
        self.left = int(fields.get("content-length", 0))
        _, _, self.query = first.split(" ")[1].partition("?")
        self.server.ask(self)

    def begin(self):
        self.phase = "body"
        early, self.buffer = len(self.buffer), b""
        self.take(early)

    def take(self, count):
        self.left -= count
        assert self.left >= 0, "pipelined requests are not part of this"
        if self.left == 0:
            self.phase = "work"
            self.server.work(self)

    def answer(self, text):
        self.phase = "idle"
        try:
            self.socket.send(text)
        except OSError:
            pass        # its end is told by the next read

    def reset(self):
        self.phase = "gone"
        self.server.loop.forget(self.number)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()

    def gone(self):
        phase, self.phase = self.phase, "gone"
        self.server.loop.forget(self.number)
        self.socket.close()
        if phase == "body":
            self.server.free(self)


class Server:
    def __init__(self, slots, seed):
        self.loop, self.account, self.random = Loop(), Account(), random.Random(seed)
        self.free_slots, self.waiting, self.poisoned = slots, collections.deque(), 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.socket.setblocking(False)
        self.loop.watch(self.socket.fileno(), self.accept)
        self.loop.watch(sys.stdin.fileno(), self.command)
        print(self.socket.getsockname()[1], flush=True)

    def accept(self, _):
        try:
            while True:
                Wire(self, self.socket.accept()[0])
        except BlockingIOError:
            pass

    def ask(self, wire):
        self.account.requests += 1
        if self.free_slots:
            self.begin(wire)
        else:
            self.account.waited += 1
            wire.phase = "waiting"
            self.loop.change(wire.number, 0)
            self.waiting.append(wire)

    def begin(self, wire):
        self.free_slots -= 1
        self.account.begin(wire.tenant, now())
        wire.begin()

    def work(self, wire):
        if wire.query.startswith("poison"):
            self.poisoned += 1
            if self.poisoned % 2:
                wire.reset()
            else:
                wire.answer(FAILURE)
            self.free(wire)
            return
        asked = wire.query.removeprefix("work=")
        self.loop.at(now() + int(float(asked or self.random.uniform(40, 60)) * 1e6), self.done, wire)

    def done(self, wire):
        if wire.phase == "work":
            wire.answer(ANSWER)
        self.free(wire)

    def free(self, wire):
        self.free_slots += 1
        self.account.end(wire.tenant, now())
        while self.free_slots and self.waiting:
            other = self.waiting.popleft()
            if other.phase != "gone":
                self.loop.change(other.number, select.EPOLLIN)
                self.begin(other)

    def command(self, _):
        line = sys.stdin.readline()
        if not line:
            self.loop.going = False
            return
        window = json.loads(line)
        self.loop.at(window["from"], self.open_window, window)

    def open_window(self, window):
        began = now()
        sums, waited, requests = self.account.at(began), self.account.waited, self.account.requests

        def close():
            ended = now()
            used = {t: (v - sums.get(t, 0)) / (ended - began) for t, v in self.account.at(ended).items()}
            print(json.dumps({"slots": used, "waited": self.account.waited - waited, "requests": self.account.requests - requests}), flush=True)
        self.loop.at(window["to"], close)


if __name__ == "__main__":
    gc.disable()
    Server(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None).loop.run()
