"""Requests that run on an event loop: the application's background loop under a plain server, or the server's own.

Loaded when an application first has something ``async`` to run, or by a server with a loop: most plain applications
never pay for it.

Law of this file: a ``contextvars.Context`` cannot be entered by two threads at once, so the loop and the waiting thread
each have their own for one request, and what one of them set is taken over by the other at each hop. The plain
callables of a request share one, so that a token made by one of them can be reset by another.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeVar

from erlen.callables import is_async, is_quick
from erlen.current import current, find_home, home
from erlen.lifecycle.loop import Loop, outcome_of, result_of, start, take_over
from erlen.lifecycle.runner import Latch
from erlen.lifecycle.threads import Threads, Worker, threads_of

__all__ = [
    "HoppingRunner",
    "LoopRunner",
    "PortalRunner",
    "Work",
    "call_in_thread",
    "perform",
    "runner_here",
]

T = TypeVar("T")


class Work:
    """A plain call on its way from the loop to the thread that waits for the request.

    :param future: where the loop waits for what *call* gives, in the variables of *context*
    """

    __slots__ = ("call", "context", "future")

    def __init__(self, call: Callable[[], Any], context: contextvars.Context, future: asyncio.Future[Any]) -> None:
        self.call = call
        self.context = context
        self.future: asyncio.Future[Any] | None = future


class HoppingRunner:
    """What the runners on a loop have in common.

    Async callables are awaited there, and plain ones are called in the one thread of the request.
    """

    # The attributes are slots, because one is made for each request, and what stands on a class is dear to read.
    __slots__ = ("_loop", "fetches", "inline", "is_over")

    _loop: asyncio.AbstractEventLoop
    #: Plain callables that are marked as quick are called on the loop.
    _calls_quick = False

    def __init__(self, loop: asyncio.AbstractEventLoop, fetches: bool = False) -> None:
        self._loop = loop
        self.inline = False
        self.fetches = fetches
        #: The request is over, and its thread does other things; a task that it has left behind may still run.
        self.is_over = False

    def _hand_over(self, work: Work) -> None:
        """Give *work* to the thread of the request."""
        raise NotImplementedError

    def _post(self, work: Work) -> None:
        if self.is_over:
            self._loop.run_in_executor(None, contextvars.copy_context().run, perform, work, self._loop)
        else:
            self._hand_over(work)

    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Await an async callable here; have the request's thread run a plain one."""
        if self._calls_quick and is_quick(function):
            result = function(*args, **kwargs)
            return await result if hasattr(result, "__await__") else result
        if is_async(function):
            return await function(*args, **kwargs)
        result = await self.hop(function, *args, **kwargs)
        return await result if hasattr(result, "__await__") else result

    async def hop(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Have the request's thread run a plain callable, and return its result as it is."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._post(Work(lambda: function(*args, **kwargs), contextvars.copy_context(), future))
        ended, context = await _never_abandoned(future)
        take_over(context)
        try:
            return result_of(ended)
        finally:
            del ended, future  # an exception would hold this frame, and this frame the exception

    def is_here(self) -> bool:
        """Tell whether the request goes on, on the loop that runs this. A task may outlive it."""
        return not self.is_over and asyncio.get_running_loop() is self._loop

    async def settle(self, awaitable: Awaitable[T]) -> T:
        """Await it here: this is a loop. What it gives may be awaitable again."""
        result: Any = await awaitable
        return await result if hasattr(result, "__await__") else result  # type: ignore[no-any-return]

    async def wait(self, latch: Latch) -> None:
        """Wait without holding up the loop, nor a thread."""
        future: asyncio.Future[None] = self._loop.create_future()
        latch.when_open(lambda: self._loop.call_soon_threadsafe(_done, future))
        await future


class LoopRunner(HoppingRunner):
    """Runs a request on the loop of its server. A thread is leased when the first plain callable is called.

    :param app: the application
    :param threads: where to lease it, if not from the application's
    """

    __slots__ = (
        "_abandoned",
        "_app",
        "_has_place",
        "_own_threads",
        "_variables",
        "_watch",
        "_watches",
        "_worker",
        "is_lent",
    )

    _calls_quick = True

    def __init__(self, loop: asyncio.AbstractEventLoop, app: Any, threads: Threads | None = None) -> None:
        self.begin(loop, app, threads)

    def begin(self, loop: asyncio.AbstractEventLoop, app: Any, threads: Threads | None = None) -> None:
        """Be ready for a request."""
        self._loop = loop
        self.inline = False
        self.fetches = True
        self.is_over = False
        self._app = app
        self._own_threads = threads
        #: There may be something to be given back.
        self.is_lent = False
        self._watch: asyncio.Task[None] | None = None
        self._watches = True

    def _use(self) -> None:
        """Be ready for what is to be given back: most requests on a loop need no thread."""
        if not self.is_lent:
            self.is_lent = True
            self._worker: Worker | None = None
            self._variables: contextvars.Context | None = None
            self._has_place = False
            self._abandoned = False

    @property
    def abandoned(self) -> bool:
        """Whether the thread is still busy with what was called in it, and nobody waits for that any more."""
        return self.is_lent and self._abandoned

    @property
    def _threads(self) -> Threads:
        return threads_of(self._app) if self._own_threads is None else self._own_threads

    def _hand_over(self, work: Work) -> None:
        self.do(lambda: perform(work, self._loop))

    def do(self, work: Callable[[], Any]) -> None:
        """Have the request's thread call *work*, in the context variables that all its plain callables share."""
        self._use()
        if self._worker is None:
            self._worker = self._threads.take()
        if self._variables is None:
            self._variables = contextvars.copy_context()  # the thread's own would show them to the next request
        variables = self._variables
        self._worker.do(lambda: variables.run(work))

    async def call_alone(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Have the thread call a plain function. Cancelled, it leaves the thread alone, and does not give it back."""
        self._use()
        future: asyncio.Future[Any] = self._loop.create_future()
        self._post(Work(lambda: function(*args, **kwargs), contextvars.copy_context(), future))
        try:
            ended, context = await asyncio.shield(future)
        except asyncio.CancelledError:
            self._worker, self._abandoned = None, True
            raise
        take_over(context)
        try:
            result = result_of(ended)
        finally:
            del ended, future  # an exception would hold this frame, and this frame the exception
        return await result if hasattr(result, "__await__") else result

    async def leave_context(self) -> None:
        """Have the thread, which may have nothing to do for long, let the last context go: none is current here."""
        if self.is_lent and self._variables is not None:
            await self.call(current.set, None)

    async def enter(self) -> None:
        """Take one of the places for requests that are plain as a whole; wait for one while all are taken."""
        self._use()
        await self._threads.enter()
        self._has_place = True

    def let_stream(self) -> None:
        """Say that the thread may be busy for hours from now on."""
        self._use()
        self._leave()
        if self._worker is not None:
            self._threads.let_stream(self._worker)

    def watch(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work*, which cancels the request when its client goes away, until the request is being ended."""
        self._use()
        if self._watches:
            self._watch = self._loop.create_task(work)
        else:
            work.close()

    def stop_watching(self) -> None:
        """Let a client that goes away from now on cancel nothing: the request is being ended."""
        self._watches = False
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()

    def rest(self, ends: bool) -> None:
        """Let the request go on without a thread for a long time.

        :param ends: whether it will still end in plain code, which is to run in the thread of its other plain code
        """
        if not self.is_lent:
            return
        self._leave()
        if not ends:
            worker, self._worker = self._worker, None
            if worker is not None:
                self._threads.give_back(worker)

    def _leave(self) -> None:
        if self._has_place:
            self._has_place = False
            self._threads.leave()

    def release(self) -> None:
        """Give the thread and the place back."""
        self.is_over = True
        if not self.is_lent:
            return
        if self._watch is not None:
            self.stop_watching()
        if self._has_place:
            self._leave()
        self._variables = None  # among them is ``home``, which is this
        worker = self._worker
        if worker is not None:
            self._worker = None
            self._threads.give_back(worker)


class PortalRunner(HoppingRunner):
    """Runs the coroutine of one request on the loop, and its plain callables in the thread that waits for it."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop.get())
        self._refuse_waiting = loop.refuse_waiting
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def time(self) -> float:
        """Tell the time of the loop, in seconds."""
        return self._loop.time()

    def _hand_over(self, work: Work) -> None:
        self._queue.put(work)

    def _end(self, ended: Any) -> None:
        self.is_over = True
        self._queue.put(ended)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* to its end and return its result. Variables that it sets are seen by the caller.

        :raises RuntimeError: on the loop itself: an async view that uses the plain test client, for instance
        """
        self._refuse_waiting(coroutine)
        context = contextvars.copy_context()
        context.run(home.set, self)
        self._loop.call_soon_threadsafe(start, self._loop, outcome_of(coroutine), context, self._end)
        while type(item := self._queue.get()) is Work:
            perform(item, self._loop)
        take_over(context)
        return result_of(item)  # type: ignore[no-any-return]


@contextlib.contextmanager
def runner_here(app: Any) -> Iterator[HoppingRunner]:
    """Give the runner of the current request, if it runs on this loop, or one for the time of the block."""
    found: HoppingRunner | None = find_home()
    if found is not None and found.is_here():
        yield found
        return
    made = LoopRunner(asyncio.get_running_loop(), app)
    try:
        yield made
    finally:
        made.release()


async def call_in_thread(app: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Call *function* as the current request calls its plain callables, or in any thread outside of one."""
    with runner_here(app) as runner:
        return await runner.call(function, *args)


async def _never_abandoned(future: asyncio.Future[Any]) -> Any:
    """Wait for a thread; if the request is cancelled meanwhile, the thread is waited for all the same."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            try:
                await asyncio.shield(future)
            except asyncio.CancelledError:
                continue
        raise


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def perform(work: Work, loop: asyncio.AbstractEventLoop) -> None:
    """Do *work* in this thread, and tell the loop what came of it."""
    # An exception holds the frames that it came through, this one too: nothing here may lead to the exception then.
    future, work.future = work.future, None
    take_over(work.context)
    try:
        ended: tuple[Any, BaseException | None] = work.call(), None
    except BaseException as error:
        ended = None, error
    try:
        loop.call_soon_threadsafe(future.set_result, (ended, contextvars.copy_context()))  # type: ignore[union-attr]
    except RuntimeError:  # the loop is closed, and nobody waits any more
        pass
    finally:
        del ended, future
