"""The threads that run plain code on a server with an event loop.

All plain callables of one request run in one thread, so that what one of them opens (a database connection) works in
the next. A thread is leased to a request, and given back at its end.

Laws of this file: how many requests run that are plain as a whole is limited by *places*, as by the threads of a WSGI
server; they wait for one. A request with anything ``async`` in it never waits, or two requests that ask each other
would wait for ever: it gets one more thread, and only beyond eight times the limit one that it shares. A plain stream
may run for hours, so it gives its place up when it begins.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

__all__ = ["Threads", "Worker", "threads_of"]

#: How many threads there may be for each place, before they are shared.
_THREADS_PER_PLACE = 8

log = logging.getLogger("erlen")


class Worker:
    """A thread, and the work that waits for it."""

    __slots__ = ("leases", "queue")

    def __init__(self) -> None:
        self.queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.leases = 1
        threading.Thread(target=_work, args=(self.queue,), name="erlen-worker", daemon=True).start()

    def do(self, work: Callable[[], None]) -> None:
        """Have the thread call *work*."""
        self.queue.put(work)

    def end(self) -> None:
        """Have the thread end when it has done its work."""
        self.queue.put(None)


def _work(queue: SimpleQueue[Callable[[], None] | None]) -> None:
    while (work := queue.get()) is not None:
        try:
            work()
        except BaseException:
            log.exception("A thread of Erlen was left by an exception; it goes on.")
        del work  # while it waits, the thread must not keep the last request alive


class Threads:
    """Leases threads to requests.

    :param limit: how many requests that are plain as a whole run at the same time
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._forget()

    def __del__(self) -> None:
        if self._process == os.getpid():
            for worker in self._idle:
                worker.end()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._idle: list[Worker] = []
        self._leased: list[Worker] = []
        self._taken = 0
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    # Places.

    async def enter(self) -> None:
        """Take a place; wait for one while all are taken."""
        if self._process != os.getpid():  # no thread survives a fork
            self._forget()
        with self._lock:
            if self._taken < self.limit:
                self._taken += 1
                return
            loop = asyncio.get_running_loop()
            waiter = loop, loop.create_future()
            self._waiting.append(waiter)
        try:
            await waiter[1]
        except asyncio.CancelledError:
            with self._lock:
                waits = waiter in self._waiting
                if waits:
                    self._waiting.remove(waiter)
            if not waits:  # the place is on its way
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place up."""
        with self._lock:
            self._taken -= 1
            while self._waiting and self._taken < self.limit:
                loop, future = self._waiting.popleft()
                try:
                    loop.call_soon_threadsafe(_admit, future)
                except RuntimeError:  # its loop is closed
                    continue
                self._taken += 1

    # Threads.

    def take(self) -> Worker:
        """Return a thread, a new one if need be."""
        if self._process != os.getpid():
            self._forget()
        with self._lock:
            if self._idle:
                worker = self._idle.pop()
                worker.leases = 1
            elif len(self._leased) < self.limit * _THREADS_PER_PLACE:
                worker = Worker()
            else:
                worker = min(self._leased, key=lambda worker: worker.leases)
                worker.leases += 1
                return worker
            self._leased.append(worker)
            return worker

    def let_stream(self, worker: Worker) -> None:
        """Share *worker* with nobody from now on: it may be busy for hours."""
        with self._lock:
            if worker in self._leased:
                self._leased.remove(worker)

    def give_back(self, worker: Worker) -> None:
        """Give a thread back. More than there are places for are not kept."""
        with self._lock:
            worker.leases -= 1
            if worker.leases:
                return
            if worker in self._leased:
                self._leased.remove(worker)
            if len(self._idle) < self.limit:
                self._idle.append(worker)
            else:
                worker.end()


def _admit(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def threads_of(app: Any) -> Threads:
    """Return the threads that run the plain code of *app*."""
    found: Threads | None = app._threads
    if found is None:
        found = app._threads = Threads(app.config["THREADS"])
    return found
