"""An async iterator taken by a thread: one task on the loop makes all of its pieces, each when it is asked for."""

from __future__ import annotations

import asyncio
import contextvars
import queue
from collections.abc import Callable
from typing import Any

from erlen.callables import is_async
from erlen.current import find_home, home
from erlen.lifecycle.loop import Loop
from erlen.lifecycle.portal import HoppingRunner, Work, perform

__all__ = ["LoopIterator", "at_home"]


async def at_home(function: Callable[..., Any], *args: Any) -> Any:
    """Call *function* for code on a loop: await an async one, and have the request's thread run a plain one.

    Where nothing says which thread that is, it is any.
    """
    runner = find_home()
    if runner is not None and runner.is_here():
        return await runner.call(function, *args)
    if is_async(function):
        return await function(*args)
    result = await asyncio.to_thread(function, *args)
    return await result if hasattr(result, "__await__") else result


class LoopIterator(HoppingRunner):
    """The plain face of an async iterator, and what calls its plain code: in the thread that waits for the next item.

    :param loop: where it is run
    :param source: the async iterator; it has ``aclose``
    """

    def __init__(self, loop: Loop, source: Any) -> None:
        loop.refuse_waiting(source)
        super().__init__(loop.get())
        self._source = source
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._task: asyncio.Task[None] | None = None
        self._demand: asyncio.Future[None] | None = None
        self._begun = False
        self._ended = False
        self._stopped = False

    # In the thread.

    def next(self) -> Any:
        """Return the next item; what the iterator raises is raised here.

        :raises StopIteration: at its end
        """
        if self._ended:
            raise StopIteration
        if self._begun:
            self._loop.call_soon_threadsafe(self._go_on)
        else:
            self._begun = True
            self._loop.call_soon_threadsafe(self._start, contextvars.copy_context())
        item, error = self._take()
        if self._ended:
            try:
                raise StopIteration if error is None else error
            finally:
                del error  # it would hold this frame, and this frame it
        return item

    def close(self) -> None:
        """End the iterator where it stands, and wait until it has.

        :raises Exception: what its ``finally`` raises
        """
        if self._ended or not self._begun:
            self._ended = True
            return
        self._loop.call_soon_threadsafe(self._stop)
        error = None
        while not self._ended:
            _, error = self._take()
        if error is not None and not isinstance(error, asyncio.CancelledError):
            try:
                raise error
            finally:
                del error

    def abandon(self) -> None:
        """Have the iterator end, and wait for nothing: nobody will take what it makes, nor call its plain code."""
        if self._begun and not self._ended:
            self._ended = True
            try:
                self._loop.call_soon_threadsafe(self._give_up)
            except RuntimeError:  # the loop is closed, and has ended it
                pass

    def _take(self) -> tuple[Any, BaseException | None]:
        while type(item := self._queue.get()) is Work:
            perform(item, self._loop)
        kind, value = item
        if kind == "item":
            return value, None
        self._ended = True
        return None, value

    # On the loop.

    def _start(self, context: contextvars.Context) -> None:
        self._task = self._loop.create_task(self._run(), context=context)

    async def _run(self) -> None:
        home.set(self)
        error: BaseException | None = None
        try:
            try:
                async for item in self._source:
                    self._demand = self._loop.create_future()
                    self._queue.put(("item", item))
                    await self._demand
                    if self._stopped:
                        break
            finally:
                self._demand = None
                await self._source.aclose()
        except BaseException as caught:
            error = caught
        finally:
            self._task = None  # its context leads back here
            self._over = True
            self._queue.put(("end", error))
            del error

    def _go_on(self) -> None:
        if self._demand is not None and not self._demand.done():
            self._demand.set_result(None)

    def _stop(self) -> None:
        self._stopped = True
        if self._demand is not None:
            self._go_on()
        elif self._task is not None:
            self._task.cancel()

    def _give_up(self) -> None:
        self._over = True
        while not self._queue.empty():
            item = self._queue.get()
            if type(item) is Work:
                self._post(item)
        self._stop()

    def _hand_over(self, work: Work) -> None:
        self._queue.put(work)
