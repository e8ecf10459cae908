"""One thread, its sockets and its timers."""
import heapq
import itertools
import select
import time

now = time.monotonic_ns     # one clock for all processes of the machine


class Loop:
    def __init__(self):
        self.poll = select.epoll()
        self.watched, self.timers, self.order = {}, [], itertools.count()
        self.going = True

    def at(self, when, action, *arguments):
        heapq.heappush(self.timers, (when, next(self.order), action, arguments))

    def watch(self, number, action, events=select.EPOLLIN):
        self.watched[number] = action
        self.poll.register(number, events)

    def change(self, number, events):
        self.poll.modify(number, events)

    def forget(self, number):
        if self.watched.pop(number, None):
            self.poll.unregister(number)

    def run(self):
        poll, timers, watched, descriptor = self.poll, self.timers, self.watched, [self.poll.fileno()]
        while self.going:
            while timers and timers[0][0] <= now():
                _, _, action, arguments = heapq.heappop(timers)
                action(*arguments)
            # epoll counts milliseconds, which is too coarse for when a request is to be sent; select counts microseconds.
            pause = max(0, timers[0][0] - now()) / 1e9 if timers else 1
            if pause:
                select.select(descriptor, (), (), pause)
            for number, events in poll.poll(0):
                action = watched.get(number)
                if action:
                    action(events)
