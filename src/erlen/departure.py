"""A client that goes away while a view waits for something: the view is cancelled, and the teardowns run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from erlen.callables import Rest
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
        await Rest(work, waited)
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
