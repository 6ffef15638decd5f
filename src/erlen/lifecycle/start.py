"""How a request begins: its session if that is a foreign one, its rule, its plan."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from erlen.context import Context
from erlen.routing import Missing, WrongMethod
from erlen.routing.map import asks_for_websocket
from erlen.sessions.cookies import may_be_permanent
from erlen.sessions.secure_cookie import opens_late
from erlen.signals import appcontext_pushed

__all__ = ["begin", "begins_simply", "match", "open_foreign_session"]

# Stands among the plans, because it becomes wrong when they do.
_SIMPLE = object()


def begin(app: Any, context: Context) -> None:
    """Let a context start: open a foreign session, match the request, and find its plan."""
    if appcontext_pushed.receivers and context.joined is None:
        appcontext_pushed.send(app, _async_wrapper=app.ensure_sync)
    request = context.request
    if request is None:
        return
    interface = app.session_interface
    if interface is not None and context._session is None and not opens_late(interface, app, request):
        context._session = open_foreign_session(app, interface, request)
    match(app, context)
    if app._sessions_slide and interface is None and may_be_permanent(request.cookie_header or ""):
        context.session  # noqa: B018 - its cookie is sent again although nothing may touch it


def match(app: Any, context: Context) -> None:
    """Match the request of *context*, and find its plan."""
    request = context.request
    endpoint: str | None = None
    found: Any
    try:
        plans = app._changes.plans
        simple = plans.get(_SIMPLE)
        if simple is None:
            simple = plans[_SIMPLE] = app._has_simple_urls()
        if simple and app.config["TRUSTED_HOSTS"] is None:
            path = request.path
            if request._at_mount:
                path = ""  # mounted, and asked for without the slash: links on the page would miss the mount point
            urls = app.url_map
            websocket = urls.has_websockets and _asks_for_websocket(request)
            found = urls.find(urls.default_subdomain, path, request.method, websocket)
        else:  # hosts decide, or TRUSTED_HOSTS is checked, or the application has its own way
            adapter = context.url_adapter
            found = None if adapter is None else adapter.match(return_rule=True)
    except HTTPException as error:
        request.routing_exception = error.with_traceback(None)  # its frames would hold the request
        found = None
    if type(found) is tuple:
        rule, values = found
        request.url_rule = rule
        request.view_args = values
        endpoint = rule.endpoint
    elif found is not None:
        request.routing_exception = _routing_exception(context, found)
    context.plan = app._changes.plans.get(endpoint) or app.compile_plan(endpoint)


def _asks_for_websocket(request: Any) -> bool:
    source = request._source
    if source is not None and source.find("upgrade") is None:  # its environ would be dear to make
        return request.scheme in ("ws", "wss")
    return asks_for_websocket(request.environ)


def begins_simply(app: Any) -> bool:
    """Tell whether nothing that a user wrote has a part in ``begin``, so that it cannot block."""
    plans = app._changes.plans
    simple = plans.get(_SIMPLE)
    if simple is None:
        simple = plans[_SIMPLE] = app._has_simple_urls()
    return bool(simple) and app.session_interface is None and not appcontext_pushed.receivers


def open_foreign_session(app: Any, interface: Any, request: Any) -> Any:
    """Open the session of a foreign interface; where it gives none, its null session, which only reads."""
    session = interface.open_session(app, request)
    return interface.make_null_session(app) if session is None else session


def _routing_exception(context: Context, miss: Any) -> HTTPException:
    if type(miss) is Missing:
        return NotFound()
    if type(miss) is WrongMethod:
        return MethodNotAllowed(valid_methods=list(miss.allowed))
    try:
        context.url_adapter.match(return_rule=True)
    except HTTPException as error:
        return error.with_traceback(None)
    return NotFound()  # pragma: no cover - the adapter matches what find did not only between two changes of the map
