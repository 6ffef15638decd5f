"""The life of an application in one process: its start-up, what runs beside the requests, and its orderly end.

A life is one task on one loop, from the first ``before_serving`` function to the last ``after_serving`` function,
whatever the protocol: so a ``while_serving`` generator ends in the task that began it, as timeouts and task groups want
it, and plain functions share one thread from the start to the end. A server that announces start and end begins and
ends it; otherwise the first request begins it, and the end of the process, or of the loop, ends it.

Laws of this file: the application is referred to weakly while nothing happens, or its life would keep it alive. No
life outlives a fork. A start-up that fails undoes what it has done, and the next one begins anew.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context as Variables
from contextvars import ContextVar
from functools import partial
from typing import Any

from erlen.callables import describe
from erlen.config import seconds
from erlen.context import Context
from erlen.errors import ServingError
from erlen.lifecycle.exit import at_exit
from erlen.lifecycle.mounted import Lifespan
from erlen.lifecycle.portal import LoopRunner
from erlen.lifecycle.tasks import Entered, Tasks, quieten
from erlen.lifecycle.threads import threads_of

__all__ = ["be_ready", "expect_followers", "serving_of", "start_followers"]

#: So many seconds the end of a process waits for the last pieces of responses that are followed by work.
_LAST_PIECES = 1.0

_ended: Any = object()
#: Set while functions of a life run: a request that one of them sends must not wait for it.
_inside: ContextVar[Serving | None] = ContextVar("erlen.serving")
_known: weakref.WeakSet[Serving] = weakref.WeakSet()
#: What runs in the parent of this process: kept, or its coroutines would be closed here and clean up what is not ours.
_of_parent: list[Any] = []
_making = threading.Lock()


def serving_of(app: Any) -> Serving:
    """Return what knows the life of *app* in this process."""
    with _making:
        found: Serving | None = app._serving
        if found is None:
            found = app._serving = Serving(app)
        return found


async def be_ready(app: Any) -> None:
    """Do what comes before the first request in a process: end the set-up, and start *app* if no server has done so.

    Requests that come meanwhile wait for it.

    :raises Exception: what the start-up has failed with; the next request tries again
    """
    app.freeze()
    if app.has_life:
        await serving_of(app).begin(app)
    else:
        app._ready = True


def expect_followers(context: Context) -> None:
    """Have the end of the process wait a moment for the work that is to follow the response of *context*.

    A server may take a response for sent, and end, while its thread has not taken the last piece yet.
    """
    serving_of(context.app).expect(context)


def start_followers(context: Context) -> None:
    """Start the work that was to wait until the response of *context* has been sent."""
    followers, context._followers = context._followers or [], None
    serving = serving_of(context.app)
    for function, args, kwargs in followers:
        try:
            serving.add_task(context.app, function, args, kwargs, context.copy())
        except Exception as error:  # the response has been sent: there is nobody to raise it to
            context.app.logger.error("%s could not be started after the response.", describe(function), exc_info=error)
    serving.has_followed(context)


class _Life:
    """From one start-up to its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.started: Future[None] = Future()
        self.stop = asyncio.Event()
        #: The errors of the end.
        self.ended: Future[list[BaseException]] = Future()
        #: What has to be ended: generators that wait at their yield, and mounted applications that were started.
        self.entered: list[tuple[Callable[..., Any], Any]] = []
        self.mounted: list[tuple[Any, Callable[[], Coroutine[Any, Any, None]]]] = []
        self._task: asyncio.Task[None] | None = None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Start *work* on the loop, in context variables of its own: it belongs to no request."""
        self._task = self.loop.create_task(work, context=Variables())
        quieten(self._task)  # left behind with its application, or in a child process, it is no mistake


class Serving:
    """The life of one application in one process."""

    def __init__(self, app: Any) -> None:
        self._app = weakref.ref(app)
        self.forget()
        _known.add(self)

    def forget(self) -> None:
        """Begin as if nothing had been started: so it is in a child process."""
        app = self._app()
        if app is not None:
            self._tasks = Tasks(app.config["THREADS"])
            app._ready = False
        self._lock = threading.Lock()
        self._life: _Life | None = None
        self._holds = 0
        self._exits = False
        #: Requests whose response is being sent, and is to be followed by work; one that is given up is dropped.
        self._expected: weakref.WeakSet[Context] = weakref.WeakSet()
        self._followed = threading.Condition()

    def leave_behind(self) -> None:
        """Forget, in a child process, what runs in its parent."""
        _of_parent.append((self._life, self._tasks))
        self._tasks.leave_behind()
        self.forget()

    # Background tasks.

    def add_task(
        self,
        app: Any,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: Context | None = None,
    ) -> None:
        """Run *function* in the background; see :meth:`erlen.lifecycle.tasks.Tasks.add`."""
        self._tasks.add(app, function, args, kwargs, context)
        at_exit(self, Serving._end_with_process)

    def expect(self, context: Context) -> None:
        """Note that work is to follow the response of *context*."""
        with self._followed:
            self._expected.add(context)
        at_exit(self, Serving._end_with_process)

    def has_followed(self, context: Context) -> None:
        """Note that the work has been started."""
        with self._followed:
            self._expected.discard(context)
            self._followed.notify_all()

    # From outside.

    async def start(self, app: Any) -> None:
        """Start *app* on this loop, where a server announces it; each start is to be followed by :meth:`stop`.

        :raises Exception: what it has failed with
        """
        app._loop.adopt(asyncio.get_running_loop())
        try:
            app.freeze()
        except Exception as error:
            app.logger.critical("The application cannot be served.", exc_info=error)
            raise
        await self.begin(app)
        self._holds += 1

    async def begin(self, app: Any) -> None:
        """Start *app* on this loop unless that was done, or wait until it is done.

        :raises Exception: what it has failed with
        """
        if _inside.get(None) is self:
            return
        with self._lock:
            life = self._life
            if life is None or life.loop.is_closed():
                life = self._life = _Life(asyncio.get_running_loop())
                life.begin(self._live(life, app))
        at_exit(self, Serving._end_with_process)
        await asyncio.shield(asyncio.wrap_future(life.started))

    async def stop(self, app: Any) -> None:
        """End *app*, if it was started as often as it is stopped now.

        :raises Exception: the first error of the end; all of them have been logged
        """
        self._holds = max(self._holds - 1, 0)
        if self._holds:
            return
        errors = await self._end(app)
        if errors:
            try:
                raise errors[0]
            finally:
                del errors

    async def _end(self, app: Any) -> list[BaseException]:
        life = self._life
        if life is None or life.loop.is_closed():
            await self._tasks.finish(app, limit_of(app))
            self._tasks.reopen()
            return []
        life.loop.call_soon_threadsafe(life.stop.set)
        return await asyncio.shield(asyncio.wrap_future(life.ended))

    def _end_with_process(self) -> None:
        """End what is still running, at the end of the process."""
        app, life = self._app(), self._life
        if app is None:
            return
        with self._followed:
            self._followed.wait_for(lambda: not self._expected, _LAST_PIECES)
        if life is None and not self._tasks.living:
            return
        self._exits = True
        loop = app._loop.get().get() if life is None else life.loop
        if loop.is_closed():
            app.logger.warning("The event loop was closed without a word: what is to run at the end cannot run.")
        elif loop.is_running():
            asyncio.run_coroutine_threadsafe(self._end(app), loop).result()
        else:
            loop.run_until_complete(self._end(app))

    # The life itself.

    async def _live(self, life: _Life, app: Any) -> None:
        _inside.set(self)
        runner = LoopRunner(life.loop, None, threads_of(app))  # it lives as long, and must not keep the application
        dropped = False
        try:
            if not await self._open(life, app, runner):
                return
            del app
            try:
                await runner.leave_context()
                await life.stop.wait()
            except asyncio.CancelledError:  # the loop ends, and no server has announced it
                life.stop.set()
            app = self._app()
            if app is not None:
                await self._close(life, app, runner)
        except GeneratorExit:  # dropped with its application, perhaps in the middle of anything that holds a lock
            dropped = True
            raise
        finally:
            if not dropped:
                self._life = None
                runner.release()
                if not life.ended.done():
                    life.ended.set_result([])

    async def _open(self, life: _Life, app: Any, runner: LoopRunner) -> bool:
        try:
            if app.before_serving_funcs or app.while_serving_funcs:  # a context nobody uses would only be torn down
                async with Entered(app, runner):
                    for function in list(app.before_serving_funcs):
                        await runner.call(function)
                    for function in list(app.while_serving_funcs):
                        life.entered.append((function, await _enter(function, runner)))
            for mount in app._mounts:
                await _start_mounted(life, mount, app)
        except BaseException as error:
            app.logger.critical("The application cannot be served.", exc_info=error)
            await self._undo(life, app, runner)
            self._life = None
            if not isinstance(error, Exception | asyncio.CancelledError):  # it must not end the server's loop
                failure = ServingError(f"The start-up of the application has raised {error!r}.")
                failure.__cause__ = error
                life.started.set_exception(failure)
            else:
                life.started.set_exception(error)
            return False
        app._ready = True
        life.started.set_result(None)
        return True

    async def _undo(self, life: _Life, app: Any, runner: LoopRunner) -> None:
        await self._tasks.finish(app, 0)
        await _leave_all(life, app, runner, [])
        self._tasks.reopen()

    async def _close(self, life: _Life, app: Any, runner: LoopRunner) -> None:
        await self._tasks.finish(app, limit_of(app))
        errors = await _leave_all(life, app, runner, app.after_serving_funcs)
        if not self._exits:
            self._tasks.reopen()
            app._ready = False
        self._life = None
        life.ended.set_result(errors)


async def _leave_all(
    life: _Life, app: Any, runner: LoopRunner, functions: list[Callable[[], Any]]
) -> list[BaseException]:
    """End what has been entered, the last one first, then call *functions*; log and return what they raise."""
    errors: list[BaseException] = []

    async def collect(what: str, work: Any) -> None:
        try:
            await work
        except BaseException as error:
            app.logger.error("%s failed at the end of the application.", what, exc_info=error)
            errors.append(error)

    async def leave() -> None:
        async with Entered(app, runner):
            for function, generator in reversed(life.entered):
                await collect(f"The while_serving function {describe(function)}", _leave(function, generator, runner))
            for function in list(functions):
                await collect(f"The after_serving function {describe(function)}", runner.call(function))

    for mounted, stop in reversed(life.mounted):
        await collect(f"What is mounted, {mounted!r},", stop())
    if life.entered or functions:
        await collect("A teardown", leave())
    return errors


async def _enter(function: Callable[[], Any], runner: LoopRunner) -> Any:
    """Run a ``while_serving`` function up to its yield, and return its generator."""
    made = await runner.call(function)
    if hasattr(made, "__anext__"):
        reached = await anext(made, _ended)
    elif hasattr(made, "__next__"):
        reached = await runner.call(next, made, _ended)
    else:
        raise ServingError(
            f"The while_serving function {describe(function)} returned {made!r}. It must be a generator function, "
            "plain or async, with one yield: what stands before it runs at the start, what stands after it at the end."
        )
    if reached is _ended:
        raise ServingError(
            f"The while_serving function {describe(function)} has ended without reaching a yield. What stands before "
            "its one yield runs at the start, what stands after it at the end."
        )
    return made


async def _leave(function: Callable[[], Any], generator: Any, runner: LoopRunner) -> None:
    if hasattr(generator, "__anext__"):
        reached = await anext(generator, _ended)
    else:
        reached = await runner.call(next, generator, _ended)
    if reached is not _ended:
        raise ServingError(
            f"The while_serving function {describe(function)} has reached a second yield. It may have one: the server "
            "asks it to go on when it stops, and no more."
        )


async def _start_mounted(life: _Life, mount: Any, app: Any) -> None:
    """Start what is mounted in *app*, and have it ended with it. WSGI knows no start and no end."""
    mounted = mount.application
    if mount.interface == "erlen":
        serving = serving_of(mounted)
        await serving.start(mounted)
        life.mounted.append((mounted, partial(serving.stop, mounted)))
    elif mount.interface == "asgi":
        name = f"The application mounted at {mount.prefix!r}"
        lifespan = Lifespan(mounted, name, mount.state, app.logger)
        if await lifespan.start():
            life.mounted.append((mounted, lifespan.stop))


def limit_of(app: Any) -> float:
    """Return how many seconds the background tasks of *app* are waited for when it ends."""
    return seconds(app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"])


def _forget_all() -> None:
    global _making
    _making = threading.Lock()
    for serving in list(_known):
        serving.leave_behind()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
