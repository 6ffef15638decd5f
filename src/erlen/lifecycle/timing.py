"""Requests whose answer has to be ready in time (``RESPONSE_TIMEOUT``).

What is async can be cancelled: the hook or the view is left by ``CancelledError``, as asyncio cancels anything, and the
pipeline goes on as if it had raised the 504 itself. What is plain runs in a thread, and a thread cannot be stopped. So
there the server answers in its place where it can, and the request comes to its end without anybody waiting for it.

Loaded when the first request comes that has such a limit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from werkzeug.exceptions import GatewayTimeout

from erlen.callables import describe, is_async
from erlen.context import Context
from erlen.http.convert import make_response
from erlen.http.response import goes_short
from erlen.http.sending import drop, prepare
from erlen.lifecycle.pipeline import (
    answer_exception,
    answer_user_exception,
    finalize,
    handle_plainly,
    who_answered,
)
from erlen.lifecycle.portal import PortalRunner
from erlen.lifecycle.runner import Latch, Runner, call
from erlen.log import printable

__all__ = ["Clock", "ResponseTimeout", "TimedRunner", "answer_instead", "handle_and_tell", "limited_portal", "tell"]


class ResponseTimeout(GatewayTimeout):
    """The 504 for an answer that was not ready in time."""


class Clock(Protocol):
    """The time that a request has."""

    #: The time of the loop at which it is over.
    at: float
    #: The request has been answered, because it was over.
    is_over: bool

    def start(self, function: Any) -> asyncio.TimerHandle | None:
        """Answer in the request's place if *function*, which cannot be cancelled, takes too long."""

    def check(self, function: Any) -> None:
        """Called when *function*, which could not be cancelled, has come to its end."""


class TimedRunner:
    """Runs a request on a loop as another runner does, but no view, hook or error handler longer than allowed.

    What answers for a view that took too long needs time as well: once, when the time is over, it is given again.

    Functions of ``before_first_request`` are let alone, or an application that is slow to start would never; so is what
    saves the session, of which nobody could tell how far it came, and the teardowns, which have to run in any case.
    """

    inline = False
    __slots__ = ("_at", "_clock", "_context", "_renewed", "_runner", "fetches")

    def __init__(self, runner: Any, context: Context, clock: Clock) -> None:
        self._runner = runner
        self._context = context
        self._clock = clock
        self._at = clock.at
        self._renewed = False
        self.fetches: bool = runner.fetches

    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call *function* where it belongs, within what is left of the time.

        :raises ResponseTimeout: 504, if the time is over
        """
        context, plan = self._context, self._context.plan
        if not (
            function is plan.view
            or function in plan.before
            or function in plan.preprocessors
            or function in plan.first_visit
        ):
            is_handler = context.answered_by == ("error handler", function)
            if is_handler or function in plan.after or function in (context._after_request_functions or ()):
                return await self._answer_in_time(function, args, is_handler)
            return await self._runner.call(function, *args, **kwargs)
        if self._clock.is_over:  # answered already: nobody waits for what has not begun
            raise asyncio.CancelledError
        return await self._call(function, args, kwargs)

    async def _answer_in_time(self, function: Any, args: tuple[Any, ...], is_handler: bool) -> Any:
        """Call an error handler, or a hook that is given the response; 504 takes the place of what is too late."""
        app = self._context.app
        if self._clock.is_over:  # answered already, and this is only to come to its end
            return await self._runner.call(function, *args)
        if asyncio.get_running_loop().time() >= self._at:
            self._renew()
        is_last = self._renewed
        try:
            return await self._call(function, args, {})
        except ResponseTimeout:
            pass
        app.logger.warning(
            "%s was cancelled, because the %g s that RESPONSE_TIMEOUT or the route allows are over: the client is "
            "answered with 504.",
            describe(function),
            self._context.plan.response_timeout,
        )
        instead: Any = GatewayTimeout()
        if is_handler:
            return instead
        drop(app, args[0])
        if not is_last:
            instead = await answer_user_exception(app, self._context, instead, self)
        return make_response(app, instead, lambda: self._context.request.environ, lambda: who_answered(self._context))

    async def _call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_async(function):
            return await self._cut(function(*args, **kwargs))
        timer = None if self._renewed else self._clock.start(function)
        try:
            result = await self._runner.hop(function, *args, **kwargs)
        finally:
            if timer is not None:
                timer.cancel()
        if not self._renewed:
            self._clock.check(function)
        return await self._cut(result) if hasattr(result, "__await__") else result

    def _renew(self) -> None:
        if not self._renewed:
            self._renewed = True
            self._at = asyncio.get_running_loop().time() + self._context.plan.response_timeout

    async def _cut(self, awaitable: Awaitable[Any]) -> Any:
        limit = asyncio.timeout_at(self._at)
        try:
            async with limit:
                return await awaitable
        except TimeoutError as error:
            if not limit.expired():  # one of the application's own
                raise
            self._renew()
            raise ResponseTimeout() from error
        finally:
            del limit  # it holds the task, which holds the exception that cancels it

    async def settle(self, awaitable: Awaitable[Any]) -> Any:
        """Await it: ``call`` has limited what there is to limit."""
        return await awaitable

    async def wait(self, latch: Latch) -> None:
        """Wait for the first request, but not longer than allowed."""
        await self._cut(self._runner.wait(latch))

    def stop_watching(self) -> None:
        """Let a client that goes away from now on cancel nothing."""
        self._runner.stop_watching()


class _PlainClock:
    """The time of a request whose thread the server waits for itself, so that nobody can answer in its place."""

    is_over = False
    __slots__ = ("_context", "at")

    def __init__(self, context: Context, at: float) -> None:
        self._context = context
        self.at = at

    def start(self, function: Any) -> None:
        return None

    def check(self, function: Any) -> None:
        if asyncio.get_running_loop().time() > self.at:
            tell(self._context, function, "its server has no way to answer before it ends")


def limited_portal(portal: PortalRunner, context: Context, seconds: float) -> TimedRunner:
    """Make the runner of a request of a plain server with something async in it, which has *seconds* from now."""
    return TimedRunner(portal, context, _PlainClock(context, portal.time() + seconds))


def handle_and_tell(app: Any, context: Context, failure: Exception | None, hand_over: Any) -> None:
    """Answer a request that is plain as a whole in this thread, and log if that has taken longer than allowed."""
    plan = context.plan
    began = time.monotonic()
    handle_plainly(app, context, failure, hand_over)
    if time.monotonic() - began > plan.response_timeout:
        tell(context, plan.view, "its server has no way to answer before it ends")


def tell(context: Context, function: Any, why: str) -> None:
    """Log that *function* has taken longer than its request may, and what came of it."""
    plan = context.plan
    what = (
        f"The request {context.request.method} {printable(context.request.path)}"
        if function is None
        else describe(function)
    )
    context.app.logger.warning(
        "%s has taken longer than the %g s that RESPONSE_TIMEOUT or the route allows. It is plain, and a thread cannot "
        "be stopped: %s.",
        what,
        plan.response_timeout,
        why,
    )


async def answer_instead(app: Any, context: Context, error: Exception, runner: Runner) -> None:
    """Answer *error* in place of a request that still runs; *context* is one of its own. Nothing is torn down."""
    try:
        try:
            result = await answer_user_exception(app, context, error, runner)
            response = await finalize(app, context, result, runner)
        except Exception as caught:
            response = await answer_exception(app, context, caught, runner)
    finally:
        del error  # it would hold this frame
    if not goes_short(type(response)):
        response = await call(runner, prepare, response, context.request.environ, app.defaults.types_no_content)
    context.response = response
