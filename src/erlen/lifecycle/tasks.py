"""Work in the background: what runs beside the requests, and is finished or cancelled when the application ends.

Law of this file: nothing is lost without a word. What a task raises is logged under its name, and so is a task that the
end of the application did not wait for.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context as Variables
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Any

from erlen.callables import describe, is_async
from erlen.context import Context
from erlen.current import current
from erlen.lifecycle.portal import LoopRunner
from erlen.lifecycle.runner import send
from erlen.lifecycle.teardown import end
from erlen.lifecycle.threads import Threads
from erlen.signals import appcontext_popped, appcontext_pushed

__all__ = ["Entered", "Tasks", "quieten"]

#: Seconds that cancelled tasks are given to clean up.
_GRACE = 2


def quieten(task: asyncio.Task[Any] | None) -> None:
    """Have asyncio say nothing if *task* is dropped before its end."""
    if task is not None:
        task._log_destroy_pending = False  # type: ignore[attr-defined]


class Entered:
    """Keeps a context current while work runs on a loop, and ends it there; the counterpart of ``with context``.

    :param context: a copy of a request's; default is a new one without a request
    """

    def __init__(self, app: Any, runner: LoopRunner, context: Context | None = None) -> None:
        self._app = app
        self._runner = runner
        self._context: Context = app.app_context() if context is None else context

    async def __aenter__(self) -> None:
        self._previous = current.get(None)
        self._context._began = True
        self._context._holds += 1
        current.set(self._context)
        if appcontext_pushed.receivers:
            await send(self._app, appcontext_pushed, self._runner)

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is GeneratorExit:  # dropped, wherever that happens to be: nothing can be waited for
            return
        if self._runner.abandoned:  # a thread still works with it
            current.set(self._previous)
            return
        self._context._holds -= 1
        try:
            await end(self._app, self._context, exc, self._runner, request_has_ended=True)
        finally:
            current.set(self._previous)
            if appcontext_popped.receivers:
                await send(self._app, appcontext_popped, self._runner)


class _Task:
    """One task, and the loop that it runs on."""

    __slots__ = ("begun", "done", "limit", "loop", "name", "task")

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self.loop = loop
        self.done: Future[None] = Future()
        self.begun = False
        #: The seconds that the end of the application has waited for it.
        self.limit: float | None = None
        self.task: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None], variables: Variables, ended: Callable[[_Task], None]) -> None:
        """Start *work*, on the loop.

        :param ended: called when it is over, also if it is cancelled before its first step
        """
        self.task = self.loop.create_task(work, context=variables)
        self.task.add_done_callback(lambda _: ended(self))

    def cancel(self, limit: float) -> None:
        """Cancel it, from any thread."""
        self.limit = limit
        self.loop.call_soon_threadsafe(lambda: self.task and self.task.cancel())


class Tasks:
    """The background tasks of one application in one process.

    :param limit: how many plain ones run at the same time, each in a thread; more wait
    """

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._open: set[_Task] = set()
        self._threads = Threads(limit)
        self._closed = False

    def add(
        self,
        app: Any,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: Context | None = None,
    ) -> None:
        """Start a task on the loop of *app*, from any thread.

        :param context: the context that it runs in; default is a new one without a request
        :raises RuntimeError: if the application has ended
        """
        task = _Task(describe(function), app._loop.get().get())
        with self._lock:
            if self._closed:
                raise RuntimeError(
                    f"The background task {task.name} is not started: the application is ending, and has finished its "
                    "background tasks already. Call the function here, or await it."
                )
            self._open.add(task)
        work = self._run(task, app, function, args, kwargs, context)
        task.loop.call_soon_threadsafe(task.start, work, copy_context(), partial(self._forget, app))

    def _forget(self, app: Any, task: _Task) -> None:
        if not task.begun:
            app.logger.warning("%s", _late(task, False))
        with self._lock:
            self._open.discard(task)
        task.done.set_result(None)

    @property
    def living(self) -> list[_Task]:
        """Those that are not done, and whose loop still works."""
        with self._lock:
            self._open = {task for task in self._open if not task.loop.is_closed()}
            return list(self._open)

    async def finish(self, app: Any, limit: float) -> None:
        """Wait until all tasks are done, then cancel those that are not, and take no more of them.

        :param limit: how many seconds to wait
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + limit
        while (living := self.living) and (rest := deadline - clock()) > 0:
            await asyncio.wait([asyncio.wrap_future(task.done) for task in living], timeout=rest)
        self._closed = True
        late = self.living
        for task in late:
            task.cancel(limit)
        if late:
            await asyncio.wait([asyncio.wrap_future(task.done) for task in late], timeout=_GRACE)
        for task in self.living:
            app.logger.error("The background task %s was cancelled and does not end: it is left behind.", task.name)

    def leave_behind(self) -> None:
        """Say nothing when they are dropped: this is a child process, and they run in its parent."""
        for task in self._open:
            quieten(task.task)

    def reopen(self) -> None:
        """Take tasks again."""
        self._closed = False

    async def _run(
        self,
        task: _Task,
        app: Any,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: Context | None,
    ) -> None:
        runner = LoopRunner(task.loop, app, self._threads)
        plain = not is_async(function)
        dropped, task.begun = False, True
        try:
            if plain:
                await runner.enter()
            async with Entered(app, runner, context):
                if plain:
                    await runner.call_alone(function, *args, **kwargs)
                else:
                    await function(*args, **kwargs)
        except asyncio.CancelledError:
            app.logger.warning("%s", _late(task, runner.abandoned))
        except GeneratorExit:  # dropped, perhaps in the middle of anything that holds a lock
            dropped = True
            raise
        except BaseException as error:  # one that ends a program would end the loop, and with it all others
            app.logger.error("The background task %s failed.", task.name, exc_info=error)
        finally:
            if not dropped:
                runner.release()


def _late(task: _Task, abandoned: bool) -> str:
    if task.limit is None:
        return f"The background task {task.name} was cancelled."
    what = "still runs in its thread, which cannot be stopped, until the process ends" if abandoned else "was cancelled"
    return (
        f"The background task {task.name} {what}: the application is ending, and it was not done after "
        f"{task.limit:g} seconds (BACKGROUND_TASK_SHUTDOWN_TIMEOUT)."
    )
