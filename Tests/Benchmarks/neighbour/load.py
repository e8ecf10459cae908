"""Clients, in a process of their own.

usage: load.py SPECIFICATION        a JSON object (see `Load`); prints one line of JSON when its measured requests are over

Open loops send when it is time, whatever became of the requests before, and count a wait from the intended time until the kernel had the
answer's first bytes. Closed loops send their next request when the last one is answered, or `pause` after it was refused. How late the
sends of open loops were is told too: it is what this process itself adds.
"""
import collections
import errno
import gc
import json
import random
import select
import socket
import struct
import sys
import time

from loop import Loop, now

TIMESTAMP = getattr(socket, "SO_TIMESTAMPNS", 35)
PIECE = 48_000              # bytes of a slow body sent at a time
SEND_BUFFER = 128 << 10     # of the kernel, for slow bodies: else it would take megabytes that nobody waits for


class Ticket:
    """A request on its way."""
    __slots__ = ("tenant", "intended")

    def __init__(self, tenant, intended):
        self.tenant, self.intended = tenant, intended


class Wire:
    """A connection with at most one request on its way."""

    def __init__(self, load, source):
        self.load, self.source = load, source
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, TIMESTAMP, 1)
        if source.body:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        code = self.socket.connect_ex(load.place)
        if code not in (0, errno.EINPROGRESS):
            self.socket.close()
            raise OSError(code, "connect")
        self.number = self.socket.fileno()
        self.ticket = None
        load.loop.watch(self.number, self.ready)

    def send(self, ticket, request):
        self.ticket, self.request, self.body_left = ticket, request, self.source.body
        self.buffer, self.arrived, self.due = b"", 0, now()
        self.write()

    def write(self):
        """Sends what is left of the head, then the body piece by piece."""
        if not self.ticket:
            return
        try:
            if self.request:
                self.request = self.request[self.socket.send(self.request):]
            while self.body_left and now() >= self.due:
                sent = self.socket.send(self.load.filler[:min(PIECE, self.body_left)])
                self.body_left -= sent
                # What could not be sent in time is not made up for: the client's line is no faster than that.
                self.due = max(self.due, now() - 1_000_000) + sent * 10**9 // self.source.bandwidth
        except BlockingIOError:
            self.load.loop.change(self.number, select.EPOLLIN | select.EPOLLOUT)
            return
        except OSError as e:
            self.load.failed(self, e)
            return
        if self.body_left:
            self.load.loop.at(self.due, self.write_on, self.ticket)

    def write_on(self, ticket):
        if ticket is self.ticket:
            self.write()

    def ready(self, events):
        if events & select.EPOLLOUT:
            self.load.loop.change(self.number, select.EPOLLIN)
            self.write()
        if events & ~select.EPOLLOUT and self.number in self.load.loop.watched:
            try:
                self.read()
            except BlockingIOError:
                pass
            except (OSError, EOFError, ValueError) as e:
                self.load.failed(self, e)

    def read(self):
        data, ancillary, _, _ = self.socket.recvmsg(65536, 64)
        if not self.ticket or not data and not self.buffer:
            raise EOFError("closed before its answer")
        if not self.arrived:
            stamps = [struct.unpack("qq", d) for _, kind, d in ancillary if kind == TIMESTAMP and len(d) == 16]
            self.arrived = now() - (time.time_ns() - stamps[0][0] * 10**9 - stamps[0][1] if stamps else 0)
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            if not data:
                raise EOFError("closed within its answer's head")
            return
        fields = dict(line.partition(b":")[::2] for line in head.lower().split(b"\r\n")[1:])
        length = fields.get(b"content-length")
        if data and (length is None or len(body) < int(length)):
            return
        lives = bool(data) and not self.body_left and b"close" not in fields.get(b"connection", b"")
        status, code = int(head[9:12]), body.partition(b'"code":"')[2].partition(b'"')[0]
        refusal = None if status == 200 else f"{status} {code.decode('latin-1')}".rstrip()
        self.load.answered(self, status, lives, refusal)

    def close(self):
        self.load.loop.forget(self.number)
        self.socket.close()


class Source:
    """Tenants that send alike."""

    def __init__(self, load, tenants, path="/", body=0, bandwidth=0):
        self.load, self.body, self.bandwidth, self.tenants = load, body, bandwidth, tenants
        method, length = ("PUT", f"Content-Length: {body}\r\n") if body else ("GET", "")
        self.requests = {t: f"{method} {path} HTTP/1.1\r\nHost: {t}.example\r\n{length}\r\n".encode() for t in tenants}
        self.idle = {t: [] for t in tenants}
        self.on_the_way = self.unsent = 0
        self.statuses, self.waits, self.troubles, self.late = collections.Counter(), [], collections.Counter(), []

    def send(self, tenant, intended):
        self.on_the_way += 1
        self.load.pending += self.load.is_within(intended)
        try:
            wire = self.idle[tenant].pop() if self.idle[tenant] else Wire(self.load, self)
            wire.send(Ticket(tenant, intended), self.requests[tenant])
        except OSError as e:
            self.over(Ticket(tenant, intended), 0, trouble=repr(e))

    def over(self, ticket, status, arrived=0, trouble=None):
        """A request came to its end: with an answer, or (status 0) without."""
        self.on_the_way -= 1
        self.load.pending -= self.load.is_within(ticket.intended)
        if not self.load.is_within(ticket.intended if self.load.is_awaited else now()):
            return
        self.statuses[status] += 1
        if status == 200:
            self.waits.append((arrived - ticket.intended) / 1e6)
        elif trouble:
            self.troubles[trouble] += 1

    def facts(self):
        return {"statuses": self.statuses, "waits": self.waits, "unsent": self.unsent, "late": self.late, "troubles": self.troubles.most_common(5)}


class OpenLoop(Source):
    """Poisson arrivals at `rate` a second in all; what comes while `most` requests are on their way is not sent, but told."""

    def __init__(self, load, rate, most=4000, **keywords):
        super().__init__(load, **keywords)
        self.rate, self.most = rate, most
        load.loop.at(load.start, self.arrive, load.start)

    def arrive(self, due):
        following = due + int(self.load.random.expovariate(self.rate) * 1e9)
        self.load.loop.at(following, self.arrive, following)
        if self.on_the_way >= self.most:
            self.unsent += self.load.is_within(due)
            return
        if self.load.is_within(due):
            self.late.append((now() - due) / 1e6)
        self.send(self.load.random.choice(self.tenants), due)


class ClosedLoop(Source):
    """Clients with one request on its way each, `pause` seconds between a refusal and the next try; they come over `ramp` seconds."""

    def __init__(self, load, clients, pause, ramp=1.0, **keywords):
        super().__init__(load, **keywords)
        self.pause = int(pause * 1e9)
        for i in range(clients):
            load.loop.at(load.start + int(ramp * 1e9 * i / clients), self.again, self.tenants[i % len(self.tenants)])

    def again(self, tenant):
        self.send(tenant, now())

    def over(self, ticket, status, arrived=0, trouble=None):
        super().over(ticket, status, arrived, trouble)
        self.load.loop.at(now() + (0 if status == 200 else self.pause), self.again, ticket.tenant)


class Load:
    """`address`; `from` and `to`, the measured window, and `start`, in nanoseconds of the monotonic clock; `open` and `closed`, lists of loops;
    `patience`, seconds that measured requests are awaited after the window, all loops going on; without it, until the input ends, and then
    those count that ended within the window."""

    def __init__(self, said):
        host, _, port = said["address"].rpartition(":")
        self.place, self.start, self.begin, self.end = (host, int(port)), said["start"], said["from"], said["to"]
        self.loop, self.random, self.filler, self.pending = Loop(), random.Random(said["seed"]), bytes(PIECE), 0
        self.is_awaited = "patience" in said
        self.sources = [OpenLoop(self, **a) for a in said.get("open", [])] + [ClosedLoop(self, **a) for a in said.get("closed", [])]
        if self.is_awaited:
            self.loop.at(self.end, self.await_rest, self.end + int(said["patience"] * 1e9))
        self.loop.watch(sys.stdin.fileno(), self.input_ended)

    def is_within(self, when):
        return self.begin <= when < self.end

    def answered(self, wire, status, lives, refusal):
        ticket, wire.ticket = wire.ticket, None
        if lives:
            wire.source.idle[ticket.tenant].append(wire)
        else:
            wire.close()
        wire.source.over(ticket, status, wire.arrived, refusal)

    def failed(self, wire, trouble):
        ticket, wire.ticket = wire.ticket, None
        wire.close()
        if ticket:
            wire.source.over(ticket, 0, trouble=repr(trouble))
        else:
            for idle in wire.source.idle.values():
                if wire in idle:
                    idle.remove(wire)

    def await_rest(self, until):
        if self.pending and now() < until:
            self.loop.at(now() + 10_000_000, self.await_rest, until)
        else:
            self.tell()

    def input_ended(self, _):
        if not sys.stdin.read(1):
            if not self.is_awaited:
                self.tell()
            self.loop.going = False

    def tell(self):
        print(json.dumps({"unanswered": self.pending if self.is_awaited else 0, "sources": [s.facts() for s in self.sources]}), flush=True)


if __name__ == "__main__":
    gc.disable()
    Load(json.loads(sys.argv[1])).loop.run()
