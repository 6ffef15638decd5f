"""The threads that run plain code on a server with an event loop.

All plain callables of one request run in one thread, so that what one of them opens (a database connection) works in
the next. A thread is leased to a request and given back at its end.

Laws of this file: a request that is plain as a whole waits for a thread while all are taken, as it would on a server
with threads. One with anything ``async`` in it never waits for a thread, or two requests that ask each other would
wait for ever: it gets one more, and only beyond eight times the limit one that it shares. A plain stream may run for
hours, so it does not count any more.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections import deque
from collections.abc import Callable

__all__ = ["Threads", "Worker"]

_MOST = 8


class Worker:
    """A thread, and the work that waits for it."""

    __slots__ = ("counted", "leases", "queue")

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.leases = 1
        self.counted = True
        threading.Thread(target=self._work, name="erlen-worker", daemon=True).start()

    def do(self, work: Callable[[], None]) -> None:
        """Have the thread call *work*, which must not raise."""
        self.queue.put(work)

    def _work(self) -> None:
        while (work := self.queue.get()) is not None:
            work()
            del work  # while it waits, the thread must not keep the last request alive


class Threads:
    """Leases threads to requests.

    :param limit: how many plain requests run at the same time
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._forget()

    def _forget(self) -> None:
        self._idle: list[Worker] = []
        self._leased: list[Worker] = []
        self._count = 0
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[Worker]]] = deque()

    async def lease(self) -> Worker:
        """Return a thread for a request that is plain as a whole; wait for one while all are taken."""
        with self._lock:
            worker = self._find(self.limit)
            if worker is not None:
                return worker
            loop = asyncio.get_running_loop()
            future: asyncio.Future[Worker] = loop.create_future()
            self._waiting.append((loop, future))
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release(future.result())
            raise

    def lease_now(self) -> Worker:
        """Return a thread for the plain callables of a request that is not plain as a whole."""
        with self._lock:
            worker = self._find(self.limit * _MOST)
            if worker is None:
                worker = min(self._leased, key=lambda worker: worker.leases)
                worker.leases += 1
            return worker

    def _find(self, limit: int) -> Worker | None:
        if self._process != os.getpid():  # no thread survives a fork
            self._process = os.getpid()
            self._forget()
        if self._idle:
            worker = self._idle.pop()
            worker.leases = 1
        elif self._count < limit:
            worker = Worker()
            self._count += 1
        else:
            return None
        self._leased.append(worker)
        return worker

    def discount(self, worker: Worker) -> None:
        """Have *worker* count no more: it may be busy for hours."""
        with self._lock:
            if worker.counted:
                worker.counted = False
                self._count -= 1
                self._serve_waiting()

    def release(self, worker: Worker) -> None:
        """Give *worker* back."""
        with self._lock:
            worker.leases -= 1
            if worker.leases:
                return
            self._leased.remove(worker)
            if not worker.counted:
                worker.counted = True
                self._count += 1
            if self._count > self.limit:  # more were needed for a while
                self._count -= 1
                worker.do(None)  # type: ignore[arg-type]
            else:
                self._idle.append(worker)
            self._serve_waiting()

    def _serve_waiting(self) -> None:
        while self._waiting and (self._idle or self._count < self.limit):
            loop, future = self._waiting.popleft()
            if loop.is_closed():
                continue
            worker = self._find(self.limit)
            assert worker is not None
            loop.call_soon_threadsafe(self._hand_over, future, worker)

    def _hand_over(self, future: asyncio.Future[Worker], worker: Worker) -> None:
        if future.done():
            self.release(worker)
        else:
            future.set_result(worker)
