"""Which stream gets bytes first when several could (RFC 9218)."""
import struct

from harness import HTTP2, Case, eventually
from harness.frames import DATA, END_STREAM, FRAME_SIZE_ERROR, HEADERS, PROTOCOL_ERROR, frame

PRIORITY_UPDATE = 16
SIZE = 200_000


class Priorities(Case):
    def waiting(self, *wishes):
        """A connection whose window is shut, and its streams, each with this Priority (None: without one)."""
        g = self.simple(self.origin(lambda x: x.reply(200, b"x" * SIZE)), listen=[HTTP2], workers=1)
        c = g.frames(opens=False, settings=[(4, 1 << 20)])
        self.addCleanup(c.close)
        first = c.request()
        got = 0
        while got < 65535:
            f = c.event(first)
            got += len(f.payload) if f.kind == DATA else 0
        streams = [c.request(fields=[("priority", w)] if w is not None else []) for w in wishes]
        for s in streams:
            self.assertEqual(c.event(s).kind, HEADERS)
        return c, streams, first

    def order(self, c, streams):
        """Opens the connection's window; the streams in the order of their ends, and in that of the bulk of their bytes."""
        c.waiting.clear()
        c.open(0, 8 * SIZE)
        ends, frames = [], []
        while len(ends) < len(streams):
            f = c.read()
            if f.kind == DATA and f.stream in streams:
                frames.append(f.stream)
                if f.flags & END_STREAM:
                    ends.append(f.stream)
        # A first piece of each waits already, and goes when the backend of a better one has yet to be read.
        return ends, sorted(streams, key=lambda s: [i for i, f in enumerate(frames) if f == s][3])

    def test_the_urgent_come_first(self):
        c, (low, usual, high), _ = self.waiting("u=7", None, "u=0")
        self.assertEqual(self.order(c, [low, usual, high]), ([high, usual, low], [high, usual, low]))

    def test_streams_that_are_wanted_whole_come_one_after_the_other(self):
        c, streams, _ = self.waiting("u=2", "u=2")
        self.assertEqual(self.order(c, streams), (streams, streams))

    def test_a_wish_may_change(self):
        c, (one, other), _ = self.waiting("u=5", "u=6")
        c.send(frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", other) + b"u=0"))
        self.assertEqual(self.order(c, [one, other])[0], [other, one])

    def test_nonsense_is_let_go(self):
        c, streams, _ = self.waiting("u=9", "what?", "", "u=1;x=y, i=?7", "i, u=\"1\"")
        c.send(frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", 4711) + b"u=0"))
        c.send(frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", streams[0]) + b"\0\xff"))
        c.send(frame(2, 0, streams[0], struct.pack(">IB", 0, 255)))   # PRIORITY of RFC 7540
        self.assertEqual(sorted(self.order(c, streams)[0]), streams)

    def test_updates_that_break_the_rules(self):
        g = self.simple(self.origin(), listen=[HTTP2])
        for stream, payload, code in ((1, struct.pack(">I", 1) + b"u=1", PROTOCOL_ERROR), (0, b"\0\0\0", FRAME_SIZE_ERROR),
                                      (0, struct.pack(">I", 0), PROTOCOL_ERROR)):
            with g.frames() as c:
                self.assertEqual(c.send(frame(PRIORITY_UPDATE, 0, stream, payload)).ended(), code)

    def test_updates_without_end_are_a_flood(self):
        g = self.simple(self.origin(), listen=[HTTP2])
        with g.frames() as c:
            c.send(frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", 1) + b"u=1") * 600)
            self.assertEqual(c.ended(), 11)
        eventually(lambda: g.metrics().value("gatehouse_http2_floods_total", kind="priority") == 1)
