"""Requests of servers with an event loop: the way from the server to the pipeline and back, for ASGI and RSGI.

An adapter makes an :class:`Exchange` of what its server hands over; ``respond`` does all the rest, so that the two
protocols cannot differ.

What a request means does not depend on the server. A request that is plain as a whole runs in one thread from its
first hook to the last piece of its body: one hop. One with anything ``async`` in it is awaited on the loop, and its
plain callables run in one thread that is leased to it.
"""

from __future__ import annotations

import asyncio
import io
from asyncio import get_running_loop
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from functools import partial
from threading import get_ident
from typing import Any

from werkzeug.exceptions import ClientDisconnected, NotFound

from erlen.context import Context
from erlen.current import current
from erlen.deadline import Deadline
from erlen.departure import unless_gone
from erlen.exchange import Exchange
from erlen.http.body import NO_BODY, BodyTimeout, RequestBody
from erlen.http.files import SMALL, FilePart, file_of
from erlen.http.response import lower
from erlen.http.sending import Answer, Prepared, call_wsgi
from erlen.http.streaming import AsyncBody
from erlen.lifecycle.calm import await_calmly
from erlen.lifecycle.pipeline import handle, handle_plainly
from erlen.lifecycle.plain import OK
from erlen.lifecycle.portal import LoopRunner
from erlen.lifecycle.runner import send
from erlen.lifecycle.serving import be_ready, start_followers
from erlen.lifecycle.start import begin, begins_simply, match_ready
from erlen.lifecycle.teardown import end
from erlen.mounts import Mount, find_mount
from erlen.outflow import departure_of, send_pieces
from erlen.passage import answer_in_thread, code_of
from erlen.signals import appcontext_popped

__all__ = ["Responder", "begin_here", "give_up", "respond"]


class Responder:
    """An application as a server with an event loop calls it; a protocol makes the exchange.

    The call is the whole way of a request, because each coroutine more costs as much as half a route.
    """

    __slots__ = ("app",)

    def __init__(self, app: Any) -> None:
        self.app = app

    def adapt(self, scope: Any, receive: Any, send: Any) -> Exchange | None:
        """Make the exchange of what the server gives; None where it is no request."""
        raise NotImplementedError

    async def otherwise(self, scope: Any, receive: Any, send: Any) -> None:
        """Do what is to be done where it is no request."""
        raise NotImplementedError

    async def __call__(self, scope: Any, receive: Any, send: Any = None) -> None:
        """Answer one request."""
        exchange = self.adapt(scope, receive, send)
        if exchange is None:
            await self.otherwise(scope, receive, send)
            return
        app = self.app
        loop = get_running_loop()
        if app._loop.adopted is not loop:
            app._loop.adopt(loop)
        if not app._ready:
            await be_ready(app)
        exchange.begin(loop, app)
        token: Any = None
        plans = app._changes.plans
        body: RequestBody = NO_BODY
        try:
            if plans.straight and exchange.is_usual:
                if exchange.may_have_body:
                    body = RequestBody(exchange.receive, _length(exchange), _Waiter(loop))
                context = Context(app, plans.request_class.of_source(exchange, body))
                context._began = True
                context._holds = 1
            else:
                body = (
                    RequestBody(exchange.receive, _length(exchange), _Waiter(loop)) if exchange.may_have_body else body
                )
                mount = find_mount(app._mounts, exchange.path) if app._mounts else None
                if mount is not None:
                    await _respond_elsewhere(app, exchange, mount, body)
                    return
                context = _make_context(app, exchange, body)
            token = current.set(context)
            try:
                has_begun = (
                    plans.only_matches
                    and exchange.is_usual
                    and match_ready(app, context, plans, exchange.path, exchange.method, exchange.may_upgrade)
                )
            except Exception:  # it comes again, where it can be answered
                has_begun = False
            plan = context.plan
            if not has_begun or not plan.on_loop or not body.complete:
                await _respond_with_care(app, exchange, context, body, not has_begun)
                return
            context.runner = exchange
            try:
                if plan.calm_on_loop and not (exchange.has_cookies and plan.preloads):
                    work = await_calmly(app, context, exchange)
                else:
                    work = handle(app, context, exchange)
                for waited in work.__await__():  # most views are done at their first step
                    if not await unless_gone(departure_of(exchange, body), exchange, work, waited):
                        return
                    break
                if context.response is None:
                    made = b"" if context.method == "HEAD" else context.body
                    code = 200 if context.status is OK else code_of(context.status)
                    try:  # as answer() does
                        for message in exchange.whole(code, context.headers, made):
                            await exchange._send(message)
                    except OSError:
                        pass
                else:
                    await _send(exchange, context, exchange, body)
            finally:
                if context._followers is not None:
                    current.set(None)
                    start_followers(context)
        except (SystemExit, KeyboardInterrupt) as error:
            # A view must not end the server, with all the other requests.
            raise RuntimeError(f"A request has raised {error!r}, which would end the server.") from error
        finally:
            if exchange.is_lent:
                exchange.release()
            else:
                exchange.is_over = True
            if token is not None:
                try:
                    current.reset(token)
                except ValueError:  # a coroutine that is dropped in the middle is ended in a foreign context
                    pass


class _Given(Responder):
    """Answers an exchange that another application has passed on."""

    __slots__ = ()

    def adapt(self, scope: Any, receive: Any, send: Any) -> Exchange | None:
        return scope  # type: ignore[no-any-return]


async def respond(app: Any, exchange: Exchange) -> None:
    """Answer the request of *exchange*."""
    await _Given(app)(exchange, None)


async def _respond_elsewhere(app: Any, exchange: Exchange, mount: Mount, body: RequestBody) -> None:
    """Let a mounted application answer."""
    if mount.interface == "asgi" or (mount.interface == "erlen" and app._proxies is None):
        await exchange.hand_over(mount)
    else:
        await _call_mounted(app, exchange, mount, exchange, body)


async def _respond_with_care(app: Any, exchange: Exchange, context: Context, body: RequestBody, begins: bool) -> None:
    """Answer a request that has a body or a time limit, or is plain, or begins otherwise than nearly all.

    :param begins: its context has to begin
    """
    runner = exchange
    failure: Exception | None = None
    deadline: Deadline | None = None
    try:
        if begins:
            failure = await begin_here(app, exchange, context, runner)
        plan = context.plan
        plainly = plan.in_thread or plan.own  # overridden steps are plain methods, and drive what they call
        # A page that does not exist is answered before its body has come, which only a thread can wait for later.
        plainly = plainly or (plan.view is None and plan.all_plain and not body.complete)
        if plan.response_timeout is not None:
            deadline = Deadline(exchange, context, runner, body, _ready)
            exchange = deadline.exchange  # type: ignore[assignment]
        if plainly or not body.complete:
            failure = await _prepare(context, runner, plainly, deadline) or failure
    except BaseException as error:  # cancelled: what has begun has to end
        await give_up(context, error, runner)
        if deadline is None or not deadline.has_cancelled():
            raise
        await deadline.finish()
        return
    try:
        if plainly:
            if deadline is not None:
                deadline.watch()
            await answer_in_thread(exchange, runner, body, partial(_answer_plainly, app, context, failure), context)
            return
        context.runner = runner
        work = handle(app, context, runner if deadline is None else deadline.limited(), failure)
        if not (body.complete or body.streams):  # whoever watches would take what a hook may still fetch
            await work
        else:
            for waited in work.__await__():
                if not await unless_gone(departure_of(exchange, body), runner, work, waited):
                    return
                break
        await _send(exchange, context, runner, body)
    except asyncio.CancelledError:
        if deadline is None or not deadline.has_cancelled():
            raise
    finally:
        if body.streams:
            body.leave_off()
        del failure  # an exception would hold this frame
        if deadline is not None:
            await deadline.finish()
        if context._followers is not None:
            current.set(None)
            start_followers(context)


async def give_up(context: Context, error: BaseException, runner: LoopRunner) -> None:
    """End what has begun of a context whose request is cancelled."""
    context._holds -= 1
    try:
        if context._holds == 0:
            await end(context.app, context, error, runner)
    finally:
        current.set(None)
        if appcontext_popped.receivers and context._holds == 0 and context.joined is None:
            await send(context.app, appcontext_popped, runner)


async def _prepare(context: Context, runner: LoopRunner, plainly: bool, deadline: Deadline | None) -> Exception | None:
    """Fetch the body, and wait for a place where the request is plain; return what failed."""
    body = context.request._body
    try:
        if not body.complete and context.plan.streams:
            body.stream(context.plan.body_timeout)
        elif not body.complete and (context.plan.view is not None or not plainly):
            if context.plan.body_timeout is not None:
                body.deadline = asyncio.get_running_loop().time() + context.plan.body_timeout
            await body.fill(context.request.max_content_length)
            if body.late:
                context.request.routing_exception = BodyTimeout()  # raised in the view's place
        if deadline is not None:
            deadline.begin()
        if plainly:
            await (runner if deadline is None else deadline).enter()
    except Exception as error:
        return error
    return None


async def _call_mounted(app: Any, exchange: Exchange, mount: Mount, runner: LoopRunner, body: RequestBody) -> None:
    """Let a mounted WSGI application answer."""
    environ = exchange.make_environ(io.BufferedReader(body))
    if app._proxies is not None:
        app._proxies.apply(environ)
    mount.shift(environ)
    await runner.enter()
    await answer_in_thread(exchange, runner, body, lambda: call_wsgi(mount.application, environ))


class _Waiter:
    """Finishes a coroutine on *loop* for another thread, and drops it in the thread of the loop itself."""

    __slots__ = ("_given_up", "_here", "_loop", "_pending")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._here = get_ident()
        self._pending: Future[None] | None = None
        self._given_up = False

    def __call__(self, work: Coroutine[Any, Any, None]) -> bool:
        if get_ident() == self._here:
            work.close()
            return False
        self._pending = pending = asyncio.run_coroutine_threadsafe(work, self._loop)
        if self._given_up:  # a moment ago
            pending.cancel()
        try:
            pending.result()
        except CancelledError:
            raise ClientDisconnected() from None
        finally:
            self._pending = None
            del pending  # it holds what it raises, and that this frame
        return True

    def give_up(self) -> None:
        """Let the thread that waits go on as if the client had gone. Called on the loop."""
        self._given_up = True
        pending = self._pending
        if pending is not None:
            pending.cancel()


def _make_context(app: Any, exchange: Exchange, body: RequestBody) -> Context:
    context: Context
    if app._proxies is None and not app._overrides("request_context"):
        context = app.context_of(app.request_class.from_source(exchange, body))
    else:
        environ = exchange.make_environ(body)
        if app._proxies is not None:
            app._proxies.apply(environ)
        context = app.request_context(environ)
        context.request._join(exchange, body)
    context._began = True
    context._holds = 1
    if not exchange.is_usual and exchange.preserved is not None:
        exchange.preserved(context)
    return context


async def begin_here(app: Any, exchange: Exchange, context: Context, runner: LoopRunner) -> Exception | None:
    """Let the context begin, and return the exception that it failed with."""
    failure: Exception | None = None
    try:
        if begins_simply(app):
            begin(app, context)
        else:  # what users wrote has a part in it, and may block
            await runner.call(begin, app, context)
    except Exception as error:
        failure = error
        if error.__traceback__ is not None:  # without this frame, which would hold the exception, and it the frame
            error.__traceback__ = error.__traceback__.tb_next
    if not exchange.is_usual and exchange.is_outside:
        context.request.url_rule = context.request.view_args = context.plan = None
        context.request.routing_exception = NotFound()
    if context.plan is None:
        context.plan = app.compile_plan(None)
    try:
        return failure
    finally:
        del failure


def _length(exchange: Exchange) -> int | None:
    """Return how long a body says it is; None if that is not known."""
    text = exchange.find("content-length")
    if text is not None and text.isdecimal():
        try:
            return int(text)
        except ValueError:  # more digits than Python reads
            return None
    return None


def _answer_plainly(app: Any, context: Context, failure: Exception | None) -> Answer:
    handle_plainly(app, context, failure)
    return _ready(context, True)


def _ready(context: Context, reads: bool = False) -> Answer:
    """Return the answer that stands in *context*, its body as bytes or as a file where it can be.

    :param reads: read a small file, because this is a thread
    """
    response, context.response = context.response, None
    if response is None:
        return context.status, context.headers, b"" if context.request.method == "HEAD" else context.body
    environ, keeps = context.request.environ, context.app.defaults.types_no_content
    status, headers, body = response.answer if type(response) is Prepared else lower(response, environ, keeps)
    if type(body) is list or type(body) is tuple:
        return status, headers, b"".join(body)
    part = file_of(body)
    if part is None:
        return status, headers, body
    made: Any = body
    if context.request._source.takes_file(context.app, part):
        made = part
    elif reads and part.size <= SMALL:  # one message, and no way back and forth between the thread and the loop
        made = b"".join(body)
    if made is not body:
        body.close()  # type: ignore[union-attr]
    return status, headers, made


async def _send(exchange: Exchange, context: Context, runner: LoopRunner, body: RequestBody) -> None:
    """Send an answer that was made on the loop. What users wrote of its sending runs in the request's thread."""
    status, headers, made = _ready(context)
    if type(made) is bytes:
        await exchange.answer(code_of(status), headers, made)
    elif type(made) is FilePart:
        await exchange.answer_file(code_of(status), headers, made)
    elif type(made) is AsyncBody:
        await send_pieces(exchange, runner, body, (code_of(status), headers, made), context)
    else:
        await answer_in_thread(exchange, runner, body, lambda: (status, headers, made))
