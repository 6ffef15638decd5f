"""WebSockets of servers with an event loop: the way from the server to the pipeline, for ASGI and RSGI."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from erlen.context import Context
from erlen.current import current
from erlen.exchange import Exchange
from erlen.http.body import NO_BODY
from erlen.http.websocket import WebSocket
from erlen.http.wire import WebSocketClosed, Wire
from erlen.lifecycle.portal import LoopRunner
from erlen.lifecycle.serving import be_ready, start_followers
from erlen.lifecycle.sockets import handle_socket
from erlen.mounts import find_mount
from erlen.responder import begin_here, give_up

__all__ = ["SocketExchange", "converse"]


class SocketExchange(Exchange, Wire):
    """A WebSocket of a server: the request that asked for it, and the connection."""

    __slots__ = ()

    def subprotocols(self) -> list[str]:
        """Return the subprotocols that the client offers."""
        found = self.find("sec-websocket-protocol") or ""
        return [name.strip() for name in found.split(",") if name.strip()]


async def converse(app: Any, exchange: SocketExchange) -> None:
    """Serve one WebSocket until it is closed."""
    loop = asyncio.get_running_loop()
    app._loop.adopt(loop)
    if not app._ready:
        await be_ready(app)
    mount = find_mount(app._mounts, exchange.path) if app._mounts else None
    runner = exchange
    runner.begin(loop, app)
    previous = current.get(None)
    try:
        if mount is None:
            await _converse_here(app, exchange, runner, loop)
        elif mount.interface == "wsgi":
            with suppress(WebSocketClosed):
                await exchange.connect()
                await exchange.reject(404, [], b"")
        else:
            await exchange.hand_over(mount)
    except (SystemExit, KeyboardInterrupt) as error:
        # A view must not end the server, with all the other requests.
        raise RuntimeError(f"A WebSocket has raised {error!r}, which would end the server.") from error
    finally:
        runner.release()
        current.set(previous)


async def _converse_here(
    app: Any, exchange: SocketExchange, runner: LoopRunner, loop: asyncio.AbstractEventLoop
) -> None:
    context = _make_context(app, exchange)
    context.request.attach(exchange, loop)
    current.set(context)
    try:
        try:
            await exchange.connect()
        except WebSocketClosed as closed:
            context.request.leave(closed)
        failure = await begin_here(app, exchange, context, runner)
    except BaseException as error:  # cancelled: what has begun has to end
        await give_up(context, error, runner)
        raise
    context.runner = runner
    try:
        await handle_socket(app, context, runner, failure)
    finally:
        del failure  # an exception would hold this frame
        if context._followers is not None:
            start_followers(context)


def _make_context(app: Any, exchange: SocketExchange) -> Context:
    body = NO_BODY
    socket: WebSocket
    if app._proxies is None:
        socket = app.websocket_class.from_source(exchange, body)
    else:
        environ = exchange.make_environ(body)
        environ["wsgi.url_scheme"] = exchange.scheme.replace("ws", "http", 1)
        app._proxies.apply(environ)
        environ["wsgi.url_scheme"] = environ["wsgi.url_scheme"].replace("http", "ws", 1)
        socket = app.websocket_class(environ)
        socket._join(exchange, body)
    context: Context = app.context_of(socket)
    context._began = True
    context._holds = 1
    if not exchange.is_usual and exchange.preserved is not None:
        exchange.preserved(context)
    return context
