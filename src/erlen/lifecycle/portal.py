"""Async callables under a plain server: the application's background loop, and requests that run on it.

Loaded when an application first has something ``async`` to run: most plain ones never pay for it.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import queue
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from erlen.callables import is_async

__all__ = ["Loop", "PortalRunner"]

T = TypeVar("T")


class Loop:
    """One background event loop in a thread of its own, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0

    def get(self) -> asyncio.AbstractEventLoop:
        """Return the running loop. After a fork the child gets a new one: threads do not survive it."""
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                self._process = os.getpid()
                self._loop = loop = asyncio.new_event_loop()
                ready = threading.Event()
                self._thread = threading.Thread(target=_serve, args=(loop, ready), name="erlen-loop", daemon=True)
                self._thread.start()
                ready.wait()
                weakref.finalize(self, _stop, loop)
            return self._loop

    def run(self, awaitable: Awaitable[T]) -> T:
        """Run *awaitable* on the loop in the caller's context, and wait for its result.

        :raises RuntimeError: if called on the loop itself, where it would wait for itself
        """
        loop = self.get()
        if threading.current_thread() is self._thread:
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
            raise RuntimeError(
                f"{awaitable!r} would have to be waited for by plain code on the event loop that is to run it, for "
                "ever. Await it in the async function that called the plain code."
            )
        return asyncio.run_coroutine_threadsafe(_as_coroutine(awaitable), loop).result()


def _serve(loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
    asyncio.set_event_loop(loop)
    loop.call_soon(ready.set)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)


async def _as_coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable


class _Work:
    """A plain call on its way from the loop to the thread that waits for the request."""

    __slots__ = ("call", "context", "future")

    def __init__(self, call: Callable[[], Any], context: contextvars.Context, future: asyncio.Future[Any]) -> None:
        self.call = call
        self.context = context
        self.future = future


class PortalRunner:
    """Runs the coroutine of one request on the loop, and its plain callables in the thread that waits for it."""

    inline = False

    def __init__(self, loop: Loop) -> None:
        self._loop = loop.get()
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* to its end and return its result. Variables that it sets are seen by the caller."""
        context = contextvars.copy_context()
        outcome: list[asyncio.Task[T]] = []

        def start() -> None:
            task = self._loop.create_task(coroutine, context=context)
            outcome.append(task)
            task.add_done_callback(lambda _: self._queue.put(None))

        self._loop.call_soon_threadsafe(start)
        while (work := self._queue.get()) is not None:
            _perform(work, self._loop)
        copy_back(context)
        return outcome[0].result()

    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Await an async callable here; have the waiting thread run a plain one."""
        if is_async(function):
            return await function(*args, **kwargs)
        future: asyncio.Future[Any] = self._loop.create_future()
        context = contextvars.copy_context()  # one context cannot be entered by two threads at once
        self._queue.put(_Work(lambda: function(*args, **kwargs), context, future))
        result = await future
        copy_back(context)
        return await result if hasattr(result, "__await__") else result

    async def settle(self, awaitable: Awaitable[T]) -> T:
        """Await it here: this is a loop."""
        return await awaitable

    async def wait(self, event: threading.Event) -> None:
        """Wait without holding up the loop."""
        await self._loop.run_in_executor(None, event.wait)


def _perform(work: _Work, loop: asyncio.AbstractEventLoop) -> None:
    try:
        result = work.context.run(work.call)
    except StopIteration as error:  # a future refuses it
        failure: BaseException = RuntimeError("a function raised StopIteration")
        failure.__cause__ = error
        loop.call_soon_threadsafe(_fail, work.future, failure)
    except BaseException as error:
        loop.call_soon_threadsafe(_fail, work.future, error)
    else:
        loop.call_soon_threadsafe(_finish, work.future, result)


def _finish(future: asyncio.Future[Any], result: Any) -> None:
    if not future.cancelled():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.cancelled():
        future.set_exception(error)


def copy_back(context: contextvars.Context) -> None:
    """Take over the variables that were set in *context*, a copy of the current one."""
    for variable, value in context.items():
        if variable.get(_unset) is not value:
            variable.set(value)


_unset: Any = object()
