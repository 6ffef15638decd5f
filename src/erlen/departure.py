"""A client that goes away while a view waits for something: the view is cancelled, and the teardowns run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from erlen.lifecycle.portal import LoopRunner

__all__ = ["cancel_if_gone", "unless_gone"]


async def unless_gone(
    departure: Callable[[], Coroutine[Any, Any, None]],
    runner: LoopRunner,
    work: Coroutine[Any, Any, None],
    waited: Any,
) -> bool:
    """Await the rest of *work*, and cancel it if the client goes away meanwhile; tell whether it came to its end.

    It has taken its first step: most views are done then, and are not worth a task that watches the client, which costs
    more than they do. The task stays the same all along, because timeouts remember it.

    :param departure: waits until the client has gone
    :param waited: what its first step waits for
    """
    gone: list[bool] = []
    task = asyncio.current_task()
    runner.watch(cancel_if_gone(departure, task, gone))
    try:
        await _Rest(work, waited)
    except asyncio.CancelledError:
        if not gone or task is None or task.uncancel() > 0:  # the server has cancelled it too
            raise
        return False
    finally:
        runner.stop_watching()
        del task, work  # an exception would hold this frame, and the task the exception
    return not gone


async def cancel_if_gone(
    departure: Callable[[], Coroutine[Any, Any, None]], task: asyncio.Task[Any] | None, gone: list[bool]
) -> None:
    """Cancel *task* when *departure* has returned, and note that in *gone*."""
    try:
        await departure()
        if task is not None:
            gone.append(True)
            task.cancel()
    finally:
        del task  # where this is cancelled the exception holds this frame


class _Rest:
    """What is left of a coroutine whose first step has been taken."""

    __slots__ = ("_waited", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], waited: Any) -> None:
        self._work = work
        self._waited = waited

    def __await__(self) -> Generator[Any, Any, None]:
        work, waited = self._work, self._waited
        value: Any
        step: Callable[[Any], Any]
        while True:
            try:
                value, step = (yield waited), work.send
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:
                value, step = error, work.throw
            try:
                waited = step(value)
            except StopIteration:
                return
            finally:
                del value, step  # an exception would hold this frame
