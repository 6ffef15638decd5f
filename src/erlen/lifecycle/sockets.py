"""The life of a WebSocket, from its handshake to its last teardown.

The handshake is a GET request: the same hooks run before it as before a view (``before_request`` too, so that what
keeps strangers out of the views keeps them out of the sockets), the same session is opened, the same handlers answer
what goes wrong. Until the view accepts, everything ends in an HTTP response, which refuses it. From then on there is no
response: the session is saved when the view ends, and what the view raises closes the socket with a code.

Laws of this file:

- The view runs in the task that the server has made, so that what it sets is seen by the teardowns, and a server that
  stops can cancel it.
- A client that goes away is told to a view that receives or sends. One that does neither is cancelled, after a grace in
  which it can end what it does for the last message.
"""

from __future__ import annotations

import asyncio
from typing import Any

from werkzeug.exceptions import Forbidden, HTTPException

from erlen.config import seconds
from erlen.context import Context
from erlen.current import current
from erlen.errors import SessionError
from erlen.http.convert import make_response
from erlen.http.websocket import WebSocket
from erlen.http.wire import INTERNAL_ERROR, INVALID_DATA, NORMAL, POLICY, WebSocketClosed, WebSocketDataError
from erlen.lifecycle.guard import refuse_cross_site
from erlen.lifecycle.pipeline import (
    answer_exception,
    answer_user_exception,
    finalize,
    preprocess,
    who_answered,
)
from erlen.lifecycle.plan import NoView, Plan
from erlen.lifecycle.runner import Runner, call, send, settled
from erlen.lifecycle.session_watch import watch
from erlen.lifecycle.teardown import end
from erlen.log import printable
from erlen.signals import appcontext_popped, got_request_exception, request_started

__all__ = ["handle_socket"]


async def handle_socket(app: Any, context: Context, runner: Runner, failure: Exception | None = None) -> None:
    """Serve the WebSocket of *context* until it is closed.

    :param failure: an exception that ``begin`` raised
    """
    socket: WebSocket = context.request
    error: BaseException | None = None
    socket._on_accept = lambda: _session_headers(app, context, runner)
    _set_limits(app, context, socket)
    socket.watch_handshake()
    try:
        result = await _until_left(app, context, runner, failure)
        if socket.accepted:
            await _finish(app, context, runner)
        elif not socket.closed:
            await socket.refuse(await _response_of(app, context, result, runner))
    except WebSocketClosed:  # the client went away during the handshake
        pass
    except Exception as caught:
        error = caught
        if socket.accepted:
            await _close_for(app, context, caught, runner)
        elif not socket.closed:
            await socket.refuse(await answer_exception(app, context, caught, runner))
        else:
            app.logger.error("Exception on %s [WebSocket]", printable(socket.path), exc_info=caught)
    except BaseException as caught:
        error = caught
        raise
    finally:
        try:
            watched, socket._watched = socket._watched, None  # it holds the socket
            if watched is not None:
                app._session_watch.remove(watched)
            await _end(app, context, error, runner)
        finally:
            current.set(None)
            if appcontext_popped.receivers and context._holds == 0:
                await send(app, appcontext_popped, runner)
            failure = error = None  # in them an exception would hold this frame, and this frame the exception


def _set_limits(app: Any, context: Context, socket: WebSocket) -> None:
    config, options = app.config, app.route_options.get(context.plan.endpoint, {})
    receiving, sending = config["WEBSOCKET_RECEIVE_TIMEOUT"], config["WEBSOCKET_SEND_TIMEOUT"]
    socket.limit(
        options.get("max_message_size", config["WEBSOCKET_MAX_MESSAGE_SIZE"]),
        options.get("message_rate", config["WEBSOCKET_MESSAGE_RATE"]),
        seconds(config["WEBSOCKET_CLOSE_TIMEOUT"]),
        None if receiving is None else seconds(receiving),
        None if sending is None else seconds(sending),
    )


async def _end(app: Any, context: Context, error: BaseException | None, runner: Runner) -> None:
    try:
        await context.request.finish()
    finally:  # also if the server cancels once more
        context._holds -= 1
        try:
            if context._holds == 0:
                await end(app, context, error, runner)
        finally:
            error = None  # an exception would hold this frame


async def _until_left(app: Any, context: Context, runner: Runner, failure: Exception | None) -> Any:
    """Do what ``_until_answered`` does; it is cancelled if the client goes and it neither receives nor sends."""
    socket: WebSocket = context.request
    watch = _Watch(socket, asyncio.get_running_loop(), socket.close_timeout)
    try:
        return await _until_answered(app, context, runner, failure)
    except asyncio.CancelledError:
        if not watch.uncancels():
            raise
        return None
    finally:
        watch.stop()
        del failure  # an exception would hold this frame


async def _until_answered(app: Any, context: Context, runner: Runner, failure: Exception | None) -> Any:
    """Run hooks and view; what is returned refuses a socket that was not accepted."""
    socket: WebSocket = context.request
    plan: Plan = context.plan
    try:
        if failure is not None:
            raise failure
        if app.before_first_request_funcs and not app._first.done:
            await app._first.run(app.before_first_request_funcs, runner)
        if request_started.receivers:
            await send(app, request_started, runner)
        if plan.guarded and app.config["CROSS_SITE_GUARD"]:
            refuse_cross_site(socket, app.config["CROSS_SITE_TRUSTED_ORIGINS"], app.debug or app.testing)
        if app.session_interface is None and plan.session_mode != "none":
            await app.preload_session(context)
        result = await _before(app, context, runner)
        if result is None:
            if socket.routing_exception is not None:
                result = socket.routing_exception
            else:
                result = await _run_view(app, context, plan)
        missed = socket.routing_exception
        if result is not None and result is missed and not socket.accepted:
            result = await answer_user_exception(app, context, missed, runner)
        return result
    except WebSocketClosed as closed:
        if not socket.closed:
            raise _other_socket() from closed
        return None
    except Exception as caught:
        if socket.accepted:
            raise
        return await answer_user_exception(app, context, caught, runner)
    finally:
        failure = None


async def _before(app: Any, context: Context, runner: Runner) -> Any:
    if "preprocess_request" in context.plan.own:
        result = await settled(app.preprocess_request(), runner)
    else:
        result = await preprocess(app, context, runner)
    if result is not None:
        return result
    for function in context.plan.before_socket:
        result = await call(runner, function)
        if result is not None:
            context.answered_by = "before_websocket function", function
            return result
    return None


async def _run_view(app: Any, context: Context, plan: Plan) -> Any:
    """Run the view."""
    socket: WebSocket = context.request
    view = plan.socket
    if view is None:
        if plan.view is None:
            raise NoView(plan.endpoint)
        view = plan.view  # a rule with websocket=True, and a view that was registered by hand
    try:
        result = view(**(socket.view_args or {}))
        return await result if hasattr(result, "__await__") else result
    except BaseExceptionGroup as group:  # of a TaskGroup, whose tasks receive and send
        rest: BaseException | None = group.split(WebSocketClosed)[1]
        if rest is None:
            if not socket.closed:
                raise _other_socket() from group
            return None
        while isinstance(rest, BaseExceptionGroup) and len(rest.exceptions) == 1:
            rest = rest.exceptions[0]
        if isinstance(rest, (WebSocketDataError, HTTPException)):  # as if it were raised in the view itself
            raise rest from None
        raise


def _other_socket() -> RuntimeError:
    return RuntimeError(
        "The view of a WebSocket was left by WebSocketClosed, and its own is open: another one, to which it sent, is "
        "closed. Catch WebSocketClosed around 'await other.send(...)'."
    )


class _Watch:
    """Cancels hooks and view whose client has gone, if they neither receive nor send within a grace."""

    def __init__(self, socket: WebSocket, loop: asyncio.AbstractEventLoop, grace: float) -> None:
        self._task = asyncio.current_task()
        self._loop = loop
        self._grace = grace
        self._timer: asyncio.TimerHandle | None = None
        self._cancelled = False
        socket._on_gone, socket._on_told = self._begin, self._told
        if socket.closed:  # the client has gone already
            self._begin()

    def _told(self) -> None:
        # What the view does from now on, it does knowing. A task of its own that is told may still leave it waiting.
        if self._timer is not None and asyncio.current_task() is self._task:
            self._timer.cancel()

    def _begin(self) -> None:
        if self._timer is None and self._task is not None:
            self._timer = self._loop.call_later(self._grace, self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._cancelled = True
            self._task.cancel()

    def uncancels(self) -> bool:
        """Tell whether it was this that has cancelled the view, and nobody else has too."""
        return self._cancelled and self._task is not None and self._task.uncancel() == 0

    def stop(self) -> None:
        """Let the view be."""
        self._task = None  # the task holds the frame that holds this
        if self._timer is not None:
            self._timer.cancel()


async def _session_headers(app: Any, context: Context, runner: Runner) -> list[tuple[str, str]]:
    """Save the session before the handshake is accepted, and return its cookie as headers."""
    session = context._session
    if app.session_interface is not None:
        interface = app.session_interface
        if session is None or interface.is_null_session(session):
            return []
        response = app.response_class()
        await call(runner, interface.save_session, app, session, response)
        return [("Set-Cookie", value) for value in response.headers.getlist("Set-Cookie")]
    context.headers_gone = True
    if session is None:
        return []
    cookie: str | None = None
    if context.request._wire.carries_headers:
        saved = await app.session_manager.save(session)
        cookie = None if saved is None else saved.cookie
    else:  # as after the response has begun: nothing that would need a new cookie
        session._sent = True
        try:
            await app.session_manager.commit(session)
        except SessionError as error:
            raise SessionError(
                "The session would need a new cookie, and granian cannot send one with the acceptance of a WebSocket. "
                "Begin the session in a request, or serve the application by uvicorn or hypercorn."
            ) from error
        finally:
            await app.session_manager.close(session)
    await _watch_session(context)
    return [] if cookie is None else [("Set-Cookie", cookie)]


async def _watch_session(context: Context) -> None:
    """Have the socket closed when the session ends."""
    socket: WebSocket = context.request
    loop = asyncio.get_running_loop()

    def close() -> None:
        if socket._ending is None:
            socket._ending = loop.create_task(socket.revoke())

    socket._watched = await watch(context, close)


async def _finish(app: Any, context: Context, runner: Runner, code: int = NORMAL, reason: str = "") -> None:
    """End a socket whose view has ended: the hooks, the session, and the close."""
    socket: WebSocket = context.request
    for function in context.plan.after_socket:
        await call(runner, function, None)
    if context._session is not None:
        if app.session_interface is None:
            await app.session_manager.commit(context._session)
            context.session_mode = "done"
        elif not app.session_interface.is_null_session(context._session):
            await call(runner, app.session_interface.save_session, app, context._session, app.response_class())
    await _close(app, socket, code, reason)


async def _close(app: Any, socket: WebSocket, code: int, reason: str = "") -> None:
    try:
        await socket.close(code, reason)
    except WebSocketClosed:  # it has gone in this moment
        pass


async def _response_of(app: Any, context: Context, result: Any, runner: Runner) -> Any:
    """Make the response that refuses the handshake."""
    if result is None:
        result = Forbidden("The WebSocket was refused.")
    if context.plan.after_socket:
        result = make_response(app, result, lambda: context.request.environ, lambda: who_answered(context))
        for function in context.plan.after_socket:
            result = await call(runner, function, result) or result
    try:
        return await finalize(app, context, result, runner)
    except Exception as error:
        return await answer_exception(app, context, error, runner)


async def _close_for(app: Any, context: Context, error: Exception, runner: Runner) -> None:
    """Close an accepted socket because of what its view has raised."""
    socket: WebSocket = context.request
    if isinstance(error, WebSocketDataError):
        app.logger.info("The WebSocket %s was sent what is no JSON.", printable(socket.path))
        await _finish(app, context, runner, INVALID_DATA, "This is no JSON.")
        return
    if isinstance(error, HTTPException) and error.code is not None and 400 <= error.code < 500:
        await _finish(app, context, runner, POLICY, error.name[:100])
        return
    if got_request_exception.receivers:
        await send(app, got_request_exception, runner, exception=error)
    app.logger.error("Exception on %s [WebSocket]", printable(socket.path), exc_info=error)
    await _close(app, socket, INTERNAL_ERROR)
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    if app.testing if propagate is None else propagate:
        raise error
