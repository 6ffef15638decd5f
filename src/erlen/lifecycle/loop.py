"""The loop that async code of plain callers runs on: the server's own, or one in the background.

Loaded with the first thing that is ``async``: most plain applications never pay for it.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from erlen.current import home
from erlen.lifecycle.exit import at_exit
from erlen.loading import load

__all__ = ["Loop", "outcome_of", "result_of", "start", "take_over"]

T = TypeVar("T")
log = logging.getLogger("erlen")
_unset: Any = object()
#: Seconds that cancelled tasks are given to clean up, when a background loop is closed.
_GRACE = 2


class Loop:
    """The loop that async code of plain callers runs on.

    It is the loop of the server, where the server has one, so that async clients are shared with the views that run
    there. Otherwise it is one in the background, in a thread of its own, started when it is first needed.

    :param reports: after how many seconds the log is told what holds the loop, and the log; None: never
    """

    def __init__(self, reports: tuple[float, logging.Logger] | None = None) -> None:
        self._reports = reports
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0
        #: Loop and thread in the background, if they were started, and the process that they run in.
        self._own: tuple[asyncio.AbstractEventLoop, threading.Thread, int] | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        """Return the running loop; a new one where it has stopped, or in a child process: no thread outlives a fork."""
        with self._lock:
            if self._loop is None or not self._loop.is_running() or self._process != os.getpid():
                self._process = os.getpid()
                ready: Future[asyncio.AbstractEventLoop] = Future()
                self._thread = threading.Thread(target=_serve, args=(ready,), name="erlen-loop", daemon=True)
                self._thread.start()
                self._loop = ready.result()
                self._own = self._loop, self._thread, self._process
                weakref.finalize(self, _stop, self._loop).atexit = False  # close does it, in time
                at_exit(self, Loop.close)
                self._begin_watching()
            return self._loop

    def report(self, reports: tuple[float, logging.Logger]) -> None:
        """Have the log told of what holds the loop, as if it had been said from the beginning."""
        with self._lock:
            self._reports = reports
            self._begin_watching()

    def _begin_watching(self) -> None:
        if self._reports is not None and self._loop is not None and self._thread is not None:
            load("erlen.lifecycle.watchdog").watch(self._loop, self._thread, *self._reports)

    def is_here(self) -> bool:
        """Tell whether this thread is running the loop."""
        return threading.current_thread() is self._thread and self._loop is not None and self._loop.is_running()

    def adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use *loop*, which runs in this thread and serves the application."""
        with self._lock:
            if self._loop is not loop:
                self._loop, self._thread, self._process = loop, threading.current_thread(), os.getpid()
                self._begin_watching()

    def close(self) -> None:
        """Stop the loop in the background, if there is one: its tasks are cancelled, its generators finished."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None and own[2] == os.getpid():
            _stop(own[0])
            own[1].join()

    def run(self, awaitable: Awaitable[T]) -> T:
        """Run *awaitable* on the loop in the caller's context, and wait for its result.

        :raises RuntimeError: if called on the loop itself, where it would wait for itself
        """
        loop = self.get()
        self.refuse_waiting(awaitable)
        context = contextvars.copy_context()
        done: Future[Any] = Future()
        loop.call_soon_threadsafe(start, loop, outcome_of(awaitable), context, done.set_result)
        outcome = done.result()
        take_over(context)
        return result_of(outcome)  # type: ignore[no-any-return]

    def finish(self, awaitable: Awaitable[Any]) -> None:
        """Run *awaitable* to its end: while this thread waits, or later where this is the thread of the loop."""
        if threading.current_thread() is self._thread and self._loop is not None:
            task = self._loop.create_task(outcome_of(awaitable))
            _finishing.add(task)
            task.add_done_callback(_finished)
        else:
            self.run(awaitable)

    def refuse_waiting(self, awaitable: Any) -> None:
        """Refuse to wait for *awaitable* in the thread of the loop itself.

        :raises RuntimeError: there
        """
        if threading.current_thread() is not self._thread:
            return
        what = repr(awaitable)
        if asyncio.iscoroutine(awaitable):
            what = f"The coroutine {getattr(awaitable, '__qualname__', '?')}()"
            awaitable.close()
        raise RuntimeError(
            f"{what} would have to be waited for by plain code on the event loop that is to run it, for ever. "
            "Await it in the async function that called the plain code, or call the plain code (client.get, for "
            "instance) in a thread: await asyncio.to_thread(...)."
        )


def _serve(ready: Future[asyncio.AbstractEventLoop]) -> None:
    # Made here, where no request is: a loop keeps the context variables that it was made in.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.call_soon(ready.set_result, loop)
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=_GRACE))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)


# A loop holds its tasks weakly.
_finishing: set[asyncio.Task[Any]] = set()


def _finished(task: asyncio.Task[Any]) -> None:
    _finishing.discard(task)
    _, error = _outcome(task)
    if error is not None:
        log.error("What was to be ended on the event loop has failed.", exc_info=error)


def start(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any],
    context: contextvars.Context,
    done: Callable[[Any], None],
) -> None:
    """Start *work* on *loop*, from another thread; *done* is called with its outcome."""
    task = loop.create_task(work, context=context)
    task.add_done_callback(lambda task: done(_outcome(task)))


def _outcome(task: asyncio.Task[Any]) -> tuple[Any, BaseException | None]:
    if task.cancelled():
        return None, asyncio.CancelledError()
    return task.result()  # type: ignore[no-any-return]


async def outcome_of(awaitable: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """Await *awaitable*, and return what it gives and what it raises."""
    # An exception that ends a program would end the loop, and with it every other request.
    try:
        return await awaitable, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return None, error


def result_of(outcome: tuple[Any, BaseException | None]) -> Any:
    """Return what :func:`outcome_of` has found, or raise it."""
    result, error = outcome
    if error is None:
        return result
    try:
        raise error
    finally:
        del outcome, error  # or the exception would hold this frame, and this frame the exception


def take_over(context: contextvars.Context) -> None:
    """Set here the variables that have another value in *context*; where plain code runs is no matter of the thread."""
    for variable, value in context.items():
        if variable.get(_unset) is not value and variable is not home:
            variable.set(value)
