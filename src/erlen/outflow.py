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

from erlen.current import home, sending
from erlen.departure import cancel_if_gone
from erlen.http.sending import Headers
from erlen.http.streaming import AsyncBody
from erlen.lifecycle.portal import LoopRunner
from erlen.lifecycle.teardown import has_end

Departure = Callable[[], Coroutine[Any, Any, None]]

__all__ = ["ClientGone", "Departure", "Farewell", "departure_of", "send_pieces"]


#: For how many seconds a body may keep the loop to itself.
_TURN = 0.001

#: How many seconds a client that does not read is waited for when its stream is ended from outside.
_GRACE = 2.0


class ClientGone(Exception):
    """The server has told that the client of an exchange has gone."""


class Farewell:
    """Sees to it that a body which is ended from outside ends, although its client does not read: it is called then.

    Made by the task that sends. It is cancelled there after a grace, unless it has come to the end by itself.

    :param watch: the task that waits until the client has gone; only one of the two may cancel
    :param gone: filled when the task is cancelled
    """

    def __init__(self, watch: asyncio.Task[None], gone: list[bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = watch
        self._gone = gone
        self._called = False
        self._sends = False
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self) -> None:
        """Begin the grace. Called from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._begin)
        except RuntimeError:  # closed, and all that ran on it has ended
            pass

    def _begin(self) -> None:
        self._called = True
        if self._sends and self._timer is None:
            self._timer = self._loop.call_later(_GRACE, self._cut)

    def _cut(self) -> None:
        if self._task is not None and self._watch is not None and not self._gone:
            self._watch.cancel()
            self._gone.append(True)
            self._task.cancel()

    def arm(self) -> None:
        """Tell that the client is waited for from now on."""
        self._sends = True
        if self._called:
            self._begin()

    def disarm(self) -> None:
        """Tell that something else is waited for, which is not to be cancelled."""
        self._sends = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def end(self, exchange: Any) -> None:
        """Tell the server of *exchange* that the body is complete."""
        self.arm()
        try:
            await exchange.end()
        except asyncio.CancelledError:
            if not self.takes_back():
                raise
        finally:
            self.disarm()

    def takes_back(self) -> bool:
        """Take back that the task was cancelled, and tell whether it was by this alone."""
        return bool(self._gone) and self._task is not None and self._task.uncancel() == 0

    def release(self) -> None:
        """Let go of the tasks, which hold frames that hold this."""
        self.disarm()
        self._task = self._watch = None


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
    farewell = Farewell(watch, gone)
    token = sending.set(farewell)
    try:
        farewell.arm()
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
            farewell.disarm()
            watch.cancel()
            await _leave_off(task, gone)
            await pieces.aclose()
        if not gone:
            await farewell.end(exchange)
    except ClientGone:
        return
    except asyncio.CancelledError:
        if not gone or (task is not None and task.cancelling() > 0):  # the server has cancelled it too
            raise
    finally:
        sending.reset(token)
        farewell.release()
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
