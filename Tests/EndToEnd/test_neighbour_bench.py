"""The noisy-neighbour bench measures what it says: its arithmetic, and the backend that it takes as the truth."""
import math
import os
import socket
import subprocess
import sys
import unittest

from harness import Client
from harness.gate import PATIENCE

BENCHMARKS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "Benchmarks")
sys.path.insert(0, BENCHMARKS)
from neighbour.fairness import jain, max_min, percentile  # noqa: E402


class Arithmetic(unittest.TestCase):
    def test_those_who_ask_for_little_get_it_and_the_rest_is_shared(self):
        self.assertEqual(max_min(32, {"a": 2, "b": math.inf, "c": math.inf}), {"a": 2, "b": 15, "c": 15})
        self.assertEqual(max_min(32, {"a": 2, "b": 3}), {"a": 2, "b": 3})
        self.assertEqual(max_min(30, {"a": 9, "b": 12, "c": math.inf}), {"a": 9, "b": 10.5, "c": 10.5})

    def test_the_rest_is_shared_by_weight(self):
        self.assertEqual(max_min(28, dict.fromkeys("abc", math.inf), {"a": 1, "b": 2, "c": 4}), {"a": 4, "b": 8, "c": 16})
        self.assertEqual(max_min(28, {"a": math.inf, "b": math.inf, "c": 4}, {"a": 1, "b": 2, "c": 4}), {"a": 8, "b": 16, "c": 4})

    def test_jain(self):
        self.assertEqual(jain([3, 3, 3]), 1)
        self.assertEqual(jain([1, 0, 0, 0]), 0.25)
        self.assertEqual(jain([0, 0]), 0)

    def test_percentile(self):
        self.assertEqual(percentile(range(1, 101), 0.99), 99)
        self.assertEqual(percentile(range(1, 101), 0.5), 50)
        self.assertEqual(percentile([7], 0.99), 7)
        self.assertIsNone(percentile([], 0.99))


class Backend(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen([sys.executable, os.path.join(BENCHMARKS, "neighbour", "backend.py"), "1"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.process.wait, PATIENCE)
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.process.stdin.close)
        self.port = int(self.process.stdout.readline())

    def client(self):
        s = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        self.addCleanup(s.close)
        return s

    def test_one_slot_serves_one_after_the_other_and_holds_it_while_the_body_comes(self):
        first, second = self.client(), self.client()
        first.sendall(b"PUT /?work=1 HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 2\r\n\r\na")
        second.sendall(b"GET /?work=1 HTTP/1.1\r\nHost: acme.example\r\n\r\n")
        second.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            second.recv(1)
        first.sendall(b"b")
        second.settimeout(PATIENCE)
        self.assertTrue(first.recv(100).startswith(b"HTTP/1.1 200 "))
        self.assertTrue(second.recv(100).startswith(b"HTTP/1.1 200 "))

    def test_a_slow_body_that_is_given_up_frees_its_slot(self):
        first = self.client()
        first.sendall(b"PUT / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 2\r\n\r\na")
        first.close()
        self.assertEqual(Client(f"127.0.0.1:{self.port}").get("/?work=1").status, 200)

    def test_poison_is_reset_and_answered_500_by_turns(self):
        poison = b"GET /?poison HTTP/1.1\r\nHost: acme.example\r\n\r\n"
        for _ in range(2):
            s = self.client()
            s.sendall(poison)
            with self.assertRaises(ConnectionResetError):
                s.recv(1)
            s = self.client()
            s.sendall(poison)
            self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 500 "))


if __name__ == "__main__":
    unittest.main()
