"""WebSockets by a library of their own, client and server."""
import asyncio
import os
import threading

from harness import Authority, Case, eventually
from harness.debian import library

websockets = library("websockets")


class Server(threading.Thread):
    """Says back what it hears; a text `close` makes it leave with 4001."""

    def __init__(self):
        super().__init__(daemon=True)
        self.loop, self.started, self.codes = asyncio.new_event_loop(), threading.Event(), []
        self.start()
        assert self.started.wait(10)

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.serve())

    async def serve(self):
        self.end = asyncio.Event()
        async with websockets.serve(self.talk, "127.0.0.1", 0, subprotocols=["chat"], max_size=1 << 24, ping_interval=None) as server:
            self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self.started.set()
            await self.end.wait()

    async def talk(self, socket, *_):
        try:
            async for message in socket:
                if message == "close":
                    await socket.close(4001, "as you wish")
                await socket.send(message)
        except websockets.ConnectionClosed:
            pass
        self.codes.append(socket.close_code)

    def stop(self):
        self.loop.call_soon_threadsafe(self.end.set)
        self.join(10)


class WebSockets(Case):
    def talk(self, g, conversation, **keywords):
        host, _, port = g.address.rpartition(":")

        async def run():
            scheme = "wss" if "ssl" in keywords else "ws"
            async with websockets.connect(f"{scheme}://acme.example/chat", host=host, port=int(port), subprotocols=["chat"],
                                          max_size=1 << 24, open_timeout=20, **keywords) as socket:
                return await conversation(socket)
        return asyncio.run(asyncio.wait_for(run(), 60))

    def setUp(self):
        super().setUp()
        self.server = Server()
        self.addCleanup(self.server.stop)

    def test_messages_of_all_kinds(self):
        async def conversation(socket):
            self.assertEqual(socket.subprotocol, "chat")
            for message in ("hello", "ü" * 1000, b"\0\1\2", os.urandom(2_000_000), "x" * 2_000_000, ""):
                await socket.send(message)
                self.assertEqual(await socket.recv(), message)
            await (await socket.ping(b"are you there"))
            await socket.send(["in ", "two ", "pieces"])
            self.assertEqual(await socket.recv(), "in two pieces")
        for compression in ("deflate", None):
            self.talk(self.simple(self.server.address), conversation, compression=compression)

    def test_either_side_may_close(self):
        async def told(socket):
            await socket.send("close")
            with self.assertRaises(websockets.ConnectionClosed):
                await socket.recv()
            return socket.close_code, socket.close_reason

        async def leave(socket):
            await socket.close(4002, "bye")
            return socket.close_code
        g = self.simple(self.server.address)
        self.assertEqual(self.talk(g, told), (4001, "as you wish"))
        self.assertEqual(self.talk(g, leave), 4002)
        eventually(lambda: self.server.codes == [4001, 4002], "the server heard of both")

    def test_over_tls(self):
        authority = Authority(self.directory)
        certificate, key = authority.issue("acme", "acme.example")
        g = self.simple(self.server.address, listen=[f"127.0.0.1:0 {{\n  certificate {certificate} key {key}\n  protocols h2 http/1.1\n}}"])

        async def conversation(socket):
            for size in (1, 100_000):
                await socket.send(b"x" * size)
                self.assertEqual(await socket.recv(), b"x" * size)
        self.talk(g, conversation, ssl=authority.client(), server_hostname="acme.example")
