"""From the thread that makes an answer to the loop that sends it, one piece at a time.

An async body needs no thread: it is sent by the task of the request, see :mod:`erlen.outflow`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any

from erlen.current import sending
from erlen.http.files import FilePart
from erlen.http.sending import Answer, Headers
from erlen.http.streaming import AsyncBody
from erlen.lifecycle.loop import take_over
from erlen.lifecycle.portal import LoopRunner
from erlen.outflow import ClientGone, Departure, Farewell, departure_of, send_pieces

__all__ = ["answer_in_thread", "code_of"]


async def answer_in_thread(
    exchange: Any, runner: LoopRunner, body: Any, answer: Callable[[], Answer], context: Any = None
) -> None:
    """Have the request's thread make the answer, and send it; a plain streamed body is made in the same thread.

    :param exchange: the :class:`~erlen.exchange.Exchange`
    :param body: the body of the request (:class:`~erlen.http.body.RequestBody`)
    :param context: the context of the request, where it is the application's own
    """
    passage = _Passage(asyncio.get_running_loop())
    here = copy_context()

    def work() -> None:
        take_over(here)
        passage.run(answer)

    runner.do(work)
    try:
        status, headers, made = await passage.next()
        if type(made) is bytes:
            await exchange.answer(code_of(status), headers, made)
        elif type(made) is FilePart:
            await exchange.answer_file(code_of(status), headers, made)
        elif type(made) is AsyncBody:
            await send_pieces(exchange, runner, body, (code_of(status), headers, made), context)
        else:
            runner.let_stream()
            await _stream(exchange, passage, departure_of(exchange, body), code_of(status), headers)
    except asyncio.CancelledError:
        body.give_up()  # the thread may wait for a piece of it
        raise
    finally:
        await passage.finish()  # before the thread is given to another request


async def _stream(exchange: Any, passage: _Passage, departure: Departure, status: int, headers: Headers) -> None:
    """Send each piece of a body as the thread makes it, until the end or until the client has gone."""
    watch = asyncio.ensure_future(_leave_if_gone(departure, passage))
    farewell = passage.farewell = Farewell(watch, [])
    try:
        await exchange.start(status, headers)
        while not passage.gone:
            passage.take_on()
            piece = await passage.next()
            if piece is None:
                await farewell.end(exchange)
                return
            farewell.arm()
            await exchange.send(piece)
            farewell.disarm()
    except ClientGone:
        return
    except asyncio.CancelledError:
        if not farewell.takes_back():
            raise
    finally:
        farewell.release()
        watch.cancel()
        exchange.let_go()


async def _leave_if_gone(departure: Departure, passage: _Passage) -> None:
    await departure()
    passage.gone = True


def code_of(status: str) -> int:
    """Return the number in a status line.

    :raises ValueError: if it is none that HTTP knows how to send
    """
    number = status.partition(" ")[0]
    if number.isdecimal() and 100 <= int(number) <= 999:
        return int(number)
    raise ValueError(f"The status {status!r} cannot be sent: write a number from 100 to 999, such as 404.")


class _Passage:
    """What passes from the thread that makes an answer to the loop that sends it, one piece at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: deque[tuple[Any, BaseException | None]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._taken: SimpleQueue[None] = SimpleQueue()
        self._ended = False
        #: The client has gone: no piece is wanted any more.
        self.gone = False
        self.farewell: Farewell | None = None

    # In the thread.

    def run(self, answer: Callable[[], Answer]) -> None:
        """Make the answer, and then its body piece by piece as the loop takes them."""
        body: Any = b""
        error: BaseException | None = None
        token: Any = None
        try:
            made = answer()
            body = made[2]
            is_done = type(body) is bytes or type(body) is FilePart or type(body) is AsyncBody
            self._post(made, None, is_done)
        except BaseException as caught:
            self._post(None, caught, True)
            return
        if is_done:
            return
        try:
            self._taken.get()
            if not self.gone:
                token = sending.set(self.farewell)
                for piece in body:
                    if piece:
                        self._post(piece, None)
                        self._taken.get()
                    if self.gone:
                        break
        except BaseException as caught:
            error = caught
        try:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        except BaseException as caught:
            error = error or caught
        if token is not None:
            sending.reset(token)
        self._post(None, error, True)
        del error  # it would hold this frame

    def _post(self, item: Any, error: BaseException | None, last: bool = False) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrive, item, error, last)
        except RuntimeError:  # the loop is closed, and nobody is left to take anything
            self.gone = True
            self.take_on()

    # On the loop.

    def _arrive(self, item: Any, error: BaseException | None, last: bool) -> None:
        self._arrived.append((item, error))
        self._ended = self._ended or last
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def take_on(self) -> None:
        """Have the thread make the next piece."""
        self._taken.put(None)

    async def next(self) -> Any:
        """Return what the thread has made; None is the end of a body. What it raised is raised here."""
        while not self._arrived:
            await self._wait()
        item, error = self._arrived.popleft()
        if error is not None:
            try:
                raise error
            finally:
                del error
        return item

    async def finish(self) -> None:
        """Wait until the thread is done, however often the request is cancelled: a thread cannot be stopped.

        What it makes from now on is dropped; the error that it ends with is raised, unless it was before.
        """
        cancelled: BaseException | None = None
        self.gone = True
        while not self._ended:
            self.take_on()
            try:
                await self._wait()
            except asyncio.CancelledError as error:
                cancelled = error
        failures = [error for _, error in self._arrived if error is not None]
        self._arrived.clear()
        try:
            if cancelled is not None:
                raise cancelled
            if failures:
                raise failures[0]
        finally:
            del cancelled, failures  # or each would hold this frame, and this frame it
