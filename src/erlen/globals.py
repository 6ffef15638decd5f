"""The proxies: ``current_app``, ``g``, ``request`` and ``session``, typed as what they stand for."""

from __future__ import annotations

from typing import Any, cast

from erlen import sessions
from erlen.application import Application
from erlen.context import AppGlobals, Context, find_context, find_request_context
from erlen.current import current
from erlen.errors import ContextError
from erlen.http.request import Request
from erlen.http.websocket import WebSocket
from erlen.proxy import make_proxy
from erlen.sessions.interface import SessionMixin

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session", "websocket"]

_get = current.get


def _find_app() -> Any:
    context = _get(None)
    return context.app if context is not None else find_context("current_app")


def _find_g() -> Any:
    context = _get(None)
    return context.g if context is not None else find_context("g")


def _find_request() -> Any:
    context = _get(None)
    if context is not None:
        found = context.request
        if found is not None:
            return found
    return find_request_context("request").request


def _find_websocket() -> Any:
    found = find_request_context("websocket").request
    if not isinstance(found, WebSocket):
        raise ContextError("websocket", "websocket")
    return found


def _find_session() -> Any:
    context = _get(None)
    if context is not None and context.request is not None:
        return context.session
    return find_request_context("session").session


def _find_request_context() -> Any:
    return find_request_context("request_ctx")


def _find_app_context() -> Any:
    found = find_context("app_ctx")
    return found.joined or found


_REQUEST = (
    "args",
    "cookies",
    "endpoint",
    "environ",
    "form",
    "headers",
    "json",
    "method",
    "path",
    "url_rule",
    "view_args",
)
_SESSION = ("get", "pop", "setdefault", "update", "permanent", "modified", "new", "incr", "append", "take")

#: The application that the running code works for.
current_app: Application = make_proxy(Application, "current_app", _find_app, ("config", "logger"))
#: A namespace for what one request wants to keep; see :class:`erlen.context.AppGlobals`.
g: AppGlobals = make_proxy(AppGlobals, "g", _find_g, ("get", "pop", "setdefault"))
#: The request that is being handled.
request: Request = make_proxy(Request, "request", _find_request, _REQUEST)
#: The WebSocket that the view serves.
websocket: WebSocket = make_proxy(WebSocket, "websocket", _find_websocket, ("receive", "send", "accept", "close"))
#: The session of the visitor who sent the request.
session: sessions.Session = make_proxy(cast(Any, SessionMixin), "session", _find_session, _SESSION)
#: The current context; the request context has the same class.
app_ctx: Context = make_proxy(Context, "app_ctx", _find_app_context)
#: The context of the request that is being handled.
request_ctx: Context = make_proxy(Context, "request_ctx", _find_request_context)
