"""The only place that knows plain callables from async ones.

``handle`` is one coroutine for every server. A runner tells it how to call what users wrote:

- ``DirectRunner``: everything of the request is plain. The coroutine is driven in the worker thread and never waits.
- ``LoopRunner`` (``erlen.lifecycle.portal``): the server has a loop of its own (ASGI, RSGI) and something of the
  request is ``async def``. The coroutine is awaited there, and the plain callables run in a thread that is leased to
  the request.
- ``PortalRunner`` (``erlen.lifecycle.portal``): something of the request is ``async def`` and the server is plain
  (WSGI). The coroutine runs on the application's one background loop, so that async clients can be shared by all
  requests, and the worker thread waits for it and runs the request's plain callables, all of them in that one thread.

A plain callable may turn out to return an awaitable, because a decorator hid an ``async def``: every result is looked
at once, and awaited.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from logging import Logger
from threading import Event, Lock
from typing import Any, Protocol, TypeVar

from erlen.loading import load

__all__ = ["BackgroundLoop", "DirectRunner", "Latch", "Runner", "WrappingRunner", "call", "send", "settled"]

T = TypeVar("T")


class Latch:
    """Opened once; until then threads wait for it, and callbacks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._event = Event()
        self._callbacks: list[Callable[[], Any]] = []

    def open(self) -> None:
        """Let everybody on."""
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def when_open(self, callback: Callable[[], Any]) -> None:
        """Call *callback* when it is opened, or now if it is open."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def wait(self) -> None:
        """Wait in this thread."""
        self._event.wait()


class Runner(Protocol):
    """How ``handle`` calls what users wrote."""

    #: Plain callables may be called directly, without ``call``.
    inline: bool
    #: The body of the request arrives on the loop that the pipeline runs on.
    fetches: bool

    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call *function* where it belongs, and await what it returns if that is awaitable."""

    async def settle(self, awaitable: Awaitable[T]) -> T:
        """Await something that a plain callable returned."""

    async def wait(self, latch: Latch) -> None:
        """Wait until another request has opened *latch*."""


class BackgroundLoop:
    """The application's background loop, made when it is first needed."""

    __slots__ = ("_lock", "_loop", "_reports", "adopted")

    def __init__(self) -> None:
        self._lock = Lock()
        self._loop: Any = None
        self._reports: tuple[float, Logger] | None = None
        #: The loop of the server, where it has one.
        self.adopted: Any = None

    def get(self) -> Any:
        """Return the :class:`erlen.lifecycle.loop.Loop`."""
        with self._lock:
            if self._loop is None:
                self._loop = load("erlen.lifecycle.loop").Loop(self._reports)
            return self._loop

    def report(self, seconds: float, logger: Logger) -> None:
        """Have *logger* told what holds the loop for longer than *seconds*."""
        with self._lock:
            self._reports = seconds, logger
            if self._loop is not None:
                self._loop.report(self._reports)

    def is_here(self) -> bool:
        """Tell whether this thread is running the loop, so that plain code in it cannot wait for async code."""
        loop = self._loop
        return loop is not None and loop.is_here()

    def run(self, awaitable: Awaitable[T]) -> T:
        """Run *awaitable* on the loop while this thread waits, and return its result."""
        return self.get().run(awaitable)  # type: ignore[no-any-return]

    def finish(self, awaitable: Awaitable[Any]) -> None:
        """Run *awaitable* to its end; see :meth:`erlen.lifecycle.loop.Loop.finish`."""
        self.get().finish(awaitable)

    def iterate(self, source: Any) -> Any:
        """Take an async iterator in this thread: return its :class:`erlen.lifecycle.streams.LoopIterator`."""
        return load("erlen.lifecycle.streams").LoopIterator(self.get(), source)

    def adopt(self, loop: Any) -> None:
        """Use *loop*, the server's own, from now on; see :meth:`erlen.lifecycle.loop.Loop.adopt`."""
        if self.adopted is not loop:
            self.get().adopt(loop)
            self.adopted = loop

    def portal(self) -> Any:
        """Make what runs one request on the loop: a :class:`erlen.lifecycle.portal.PortalRunner`."""
        return load("erlen.lifecycle.portal").PortalRunner(self.get())


class DirectRunner:
    """Calls plain callables directly; an awaitable that one returns is finished on the background loop."""

    inline = True
    fetches = False
    __slots__ = ("loop",)

    def __init__(self, loop: BackgroundLoop) -> None:
        self.loop = loop

    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call *function* here and now."""
        result = function(*args, **kwargs)
        return self.loop.run(result) if hasattr(result, "__await__") else result

    async def settle(self, awaitable: Awaitable[T]) -> T:
        """Finish *awaitable* on the background loop while this thread waits."""
        return self.loop.run(awaitable)

    async def wait(self, latch: Latch) -> None:
        """Wait in this thread."""
        latch.wait()


class WrappingRunner:
    """Calls everything through the application's own ``ensure_sync``, where it has one."""

    inline = False
    fetches = False
    __slots__ = ("ensure_sync",)

    def __init__(self, ensure_sync: Callable[..., Any]) -> None:
        self.ensure_sync = ensure_sync

    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call what ``ensure_sync`` makes of *function*."""
        result = self.ensure_sync(function)(*args, **kwargs)
        return await self.settle(result) if hasattr(result, "__await__") else result

    async def settle(self, awaitable: Awaitable[T]) -> T:
        """Finish what a decorator has hidden from ``ensure_sync``."""

        async def hidden() -> T:
            return await awaitable

        return self.ensure_sync(hidden)()  # type: ignore[no-any-return]

    async def wait(self, latch: Latch) -> None:
        """Wait in this thread."""
        latch.wait()


async def call(runner: Runner, function: Callable[..., Any], *args: Any) -> Any:
    """Call what a user registered, plain or async."""
    if not runner.inline:
        return await runner.call(function, *args)
    result = function(*args)
    return await runner.settle(result) if hasattr(result, "__await__") else result


async def settled(result: Any, runner: Runner) -> Any:
    """Await *result* if it is awaitable."""
    return await runner.settle(result) if hasattr(result, "__await__") else result


async def send(app: Any, signal: Any, runner: Runner, **values: Any) -> None:
    """Send a signal; receivers run where the request's other callables run, one after the other."""
    if runner.inline:
        for _, result in signal.send(app, _async_wrapper=app.ensure_sync, **values):
            if hasattr(result, "__await__"):  # a decorator hides an async def
                await runner.settle(result)
        return
    for receiver in list(signal.receivers_for(app)):
        await runner.call(receiver, app, **values)
