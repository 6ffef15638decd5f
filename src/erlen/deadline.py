"""The time that the answer to a request may take on a server with an event loop, and the 504 when it is over.

A thread cannot be stopped. When a plain view takes too long, the client is answered all the same, by a thread of its
own, with a context of its own for the same request; what the view answers later is dropped. Until then the request
keeps its thread and its place, and it is torn down when the view has ended.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import GatewayTimeout

from erlen.callables import drive
from erlen.context import Context
from erlen.current import current
from erlen.http.files import FilePart
from erlen.http.sending import Answer, Headers
from erlen.lifecycle.portal import LoopRunner
from erlen.lifecycle.runner import WrappingRunner
from erlen.lifecycle.timing import TimedRunner, answer_instead, tell
from erlen.log import printable
from erlen.outflow import ClientGone
from erlen.passage import answer_in_thread

__all__ = ["Deadline"]


class Deadline:
    """The time of one request.

    :param exchange: the :class:`~erlen.exchange.Exchange`
    :param context: its context; the plan says how many seconds there are
    :param ready: gives the answer that stands in a context
    """

    def __init__(
        self, exchange: Any, context: Context, runner: LoopRunner, body: Any, ready: Callable[[Context], Answer]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = context
        self._runner = runner
        self._body = body
        self._ready = ready
        self._timer: asyncio.TimerHandle | None = None
        self._instead: asyncio.Task[None] | None = None
        #: The exchange, for the request itself.
        self.exchange = _Dropping(exchange)
        self.is_over = False
        self.begin()

    def begin(self) -> None:
        """Have the time run from now on: the body is there."""
        #: The time of the loop at which it is over.
        self.at: float = self._loop.time() + self._context.plan.response_timeout

    async def enter(self) -> None:
        """Take a place, as :meth:`LoopRunner.enter` does.

        :raises asyncio.CancelledError: if there is none in time; the request has been answered then
        """
        limit = asyncio.timeout_at(self.at)
        try:
            async with limit:
                await self._runner.enter()
        except TimeoutError as error:
            if not limit.expired():
                raise
            self._answer()
            self._context.app.logger.warning(
                "%s %s has waited in vain for one of the %d THREADS, and was answered with 504.",
                self._context.request.method,
                printable(self._context.request.path),
                self._context.app.config["THREADS"],
            )
            raise asyncio.CancelledError from error
        finally:
            del limit  # it holds the task, which holds the exception that cancels it

    def limited(self) -> TimedRunner:
        """Return the runner of the request, where something of it is async."""
        return TimedRunner(self._runner, self._context, self)

    def watch(self) -> None:
        """Let the time run for a request that is plain as a whole."""
        self._timer = self.start(self._context.plan.view)

    def start(self, function: Any) -> asyncio.TimerHandle:
        """Answer in the request's place if *function*, which cannot be cancelled, takes too long."""
        return self._loop.call_at(self.at, self._strike, function)

    def check(self, function: Any) -> None:
        """Nothing is to be told: that was done when the time was over."""

    def _strike(self, function: Any) -> None:
        if not (self.is_over or self.exchange.is_used):
            self._answer()
            tell(self._context, function, "its client was answered with 504, and it comes to its end by itself")

    def _answer(self) -> None:
        self.is_over = self.exchange.drops = True
        self._runner.stop_watching()  # the client may go now
        self._instead = self._loop.create_task(self._answer_instead())

    async def _answer_instead(self) -> None:
        context, app = self._context, self._context.app
        plan = copy.copy(context.plan)
        if plan.session_mode != "none":
            plan.session_mode = "readonly"  # the request itself may hold the session, and save it later
        own = Context(app, context.request)
        own.plan = plan
        own.joined = context  # what stands on g goes with the request
        own._began = True
        own._holds = 1
        current.set(own)

        def answer() -> Answer:
            runner = WrappingRunner(app.ensure_sync) if plan.wrapped else app._direct
            drive(answer_instead(app, own, GatewayTimeout(), runner))
            return self._ready(own)

        runner = LoopRunner(self._loop, app)
        try:
            await answer_in_thread(self.exchange.real, runner, self._body, answer)
        finally:
            runner.release()

    async def finish(self) -> None:
        """Stop the time, and wait until the answer that was given in the request's place is sent."""
        if self._timer is not None:
            self._timer.cancel()
        if self._instead is not None:
            await self._instead

    def has_cancelled(self) -> bool:
        """Tell whether the request was ended by this, and not by its server."""
        task = asyncio.current_task()
        return self.is_over and (task is None or not task.cancelling())


class _Dropping:
    """An exchange that drops the answer of a request which has been answered in its place."""

    __slots__ = ("drops", "is_used", "real")

    def __init__(self, exchange: Any) -> None:
        self.real = exchange
        self.is_used = False
        self.drops = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        if not self.drops:
            self.is_used = True
            await self.real.answer(status, headers, body)

    async def answer_file(self, status: int, headers: Headers, part: FilePart) -> None:
        if not self.drops:
            self.is_used = True
            await self.real.answer_file(status, headers, part)

    async def start(self, status: int, headers: Headers) -> None:
        if self.drops:
            raise ClientGone
        self.is_used = True
        await self.real.start(status, headers)

    def let_go(self) -> None:
        if not self.drops:
            self.real.let_go()
