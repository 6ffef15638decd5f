"""An async body on its way to the client: the task of the request makes each piece and sends it, without a thread.

Law of this file: a client that goes away cancels the task, so that the generator is left at the place where it waits.
What has to be done in any case (its ``finally``, the teardowns) comes after that, and is not cancelled by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from time import monotonic
from typing import Any

from erlen.current import home
from erlen.departure import cancel_if_gone
from erlen.http.sending import Headers
from erlen.http.streaming import AsyncBody
from erlen.lifecycle.portal import LoopRunner
from erlen.lifecycle.teardown import has_end

Departure = Callable[[], Coroutine[Any, Any, None]]

__all__ = ["ClientGone", "Departure", "departure_of", "send_pieces"]


#: For how many seconds a body may keep the loop to itself.
_TURN = 0.001


class ClientGone(Exception):
    """The server has told that the client of an exchange has gone."""


async def send_pieces(
    exchange: Any, runner: LoopRunner, body: Any, answer: tuple[int, Headers, AsyncBody], context: Any
) -> None:
    """Send an answer with an async body, until its end or until the client has gone.

    :param exchange: the :class:`~erlen.exchange.Exchange`
    :param body: the body of the request (:class:`~erlen.http.body.RequestBody`)
    :param context: the context of the request: what holds it may end it in plain code
    """
    status, headers, made = answer
    runner.rest(context is not None and context._holds > 0 and has_end(context.plan, context))
    token = home.set(runner)
    try:
        if made.wanted:
            await _pour(exchange, departure_of(exchange, body), answer)
        else:
            try:
                await exchange.answer(status, headers, b"")
            finally:
                await made.pieces.aclose()
    finally:
        home.reset(token)


def departure_of(exchange: Any, body: Any) -> Departure:
    """Return what waits until the client of *exchange* has gone, once its answer has begun."""
    if body.streams:
        return partial(body.departed, exchange.disconnected)
    if not body.complete:
        body.abandon()  # it would take what is left of it
    return exchange.disconnected  # type: ignore[no-any-return]


async def _pour(exchange: Any, departure: Departure, answer: tuple[int, Headers, AsyncBody]) -> None:
    status, headers, made = answer
    pieces = made.pieces
    task = asyncio.current_task()
    gone: list[bool] = []
    watch = asyncio.ensure_future(cancel_if_gone(departure, task, gone))
    try:
        try:
            await exchange.start(status, headers)
            turn = monotonic()
            async for piece in pieces:
                if piece:
                    await exchange.send(piece)
                if monotonic() - turn > _TURN:  # neither the generator nor the server may ever wait
                    await asyncio.sleep(0)
                    turn = monotonic()
                if gone:
                    break
        finally:
            watch.cancel()
            await _leave_off(task, gone)
            await pieces.aclose()
        if not gone:
            await exchange.end()
    except ClientGone:
        return
    except asyncio.CancelledError:
        if not gone or (task is not None and task.cancelling() > 0):  # the server has cancelled it too
            raise
    finally:
        exchange.let_go()
        del task  # an exception would hold this frame, and the task the exception


async def _leave_off(task: asyncio.Task[Any] | None, gone: list[bool]) -> None:
    """Take back that the task is cancelled because the client has gone; it may be on its way still."""
    if gone and task is not None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            pass
        task.uncancel()
