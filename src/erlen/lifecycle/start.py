"""How a request begins: its session if that is a foreign one, its rule, its plan."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from erlen.context import Context
from erlen.http.request import METHODS, Request
from erlen.lifecycle.hooks import Plans
from erlen.routing import Missing, WrongMethod
from erlen.routing.map import asks_for_websocket
from erlen.routing.outcomes import MISSING
from erlen.sessions.cookies import may_be_permanent
from erlen.sessions.secure_cookie import opens_late
from erlen.signals import appcontext_pushed

__all__ = ["begin", "begins_simply", "match", "match_ready", "open_foreign_session", "work_out"]


def begin(app: Any, context: Context) -> None:
    """Let a context start: open a foreign session, match the request, and find its plan."""
    if appcontext_pushed.receivers and context.joined is None:
        appcontext_pushed.send(app, _async_wrapper=app.ensure_sync)
    request = context.request
    if request is None:
        return
    context.method = request.method
    interface = app.session_interface
    if interface is not None and context._session is None and not opens_late(interface, app, request):
        context._session = open_foreign_session(app, interface, request)
    match(app, context)
    if app._sessions_slide and interface is None and may_be_permanent(request.cookie_header or ""):
        context.session  # noqa: B018 - its cookie is sent again although nothing may touch it


def match_ready(app: Any, context: Context, plans: Plans, path: str, method: str, may_upgrade: bool) -> bool:
    """Do what ``begin`` would, if that is no more than to look up the path; tell whether it was.

    :param plans: those of the application, where they say that requests are only matched
    :param path: as the server gave it
    :param may_upgrade: it may be for a WebSocket
    """
    urls = app.url_map
    request = context.request
    if appcontext_pushed.receivers or (urls.has_websockets and may_upgrade and _asks_for_websocket(request)):
        return False
    rule = urls.ready.get(path)
    found: Any = None
    if rule is None:
        head, _, last = path.rpartition("/")
        tail = urls.ready_tails.get(head)
        found = None if tail is None else tail.read(last, method)
        if found is None:
            if not path.isascii() or path[:1] != "/" or "//" in path or method not in METHODS:
                return False
            found = urls.find_usual(path, method)
        if type(found) is tuple:
            rule, request.view_args = found
    elif rule.methods is None or method in rule.methods:
        request.view_args = {}
    else:
        return False
    context.method = method
    endpoint = None
    if rule is None:
        request.routing_exception = NotFound() if found is MISSING else _routing_exception(context, found)
    else:
        request.url_rule = rule
        endpoint = rule.endpoint
    try:
        context.plan = plans.compiled[endpoint]
    except KeyError:
        context.plan = app.compile_plan(endpoint)
    if plans.slides and may_be_permanent(request.cookie_header or ""):
        context.session  # noqa: B018 - its cookie is sent again although nothing may touch it
    return True


def match(app: Any, context: Context) -> None:
    """Match the request of *context*, and find its plan."""
    request = context.request
    endpoint: str | None = None
    found: Any
    try:
        plans = app._changes.plans
        if plans.simple is None:
            work_out(app, plans)
        if plans.simple:
            path = request.path
            if path == "/" and request._at_mount:
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
    context.plan = app._changes.plans.compiled.get(endpoint) or app.compile_plan(endpoint)


def work_out(app: Any, plans: Plans) -> None:
    """Work out what *plans* say of all requests."""
    plans.request_class = app.request_class
    plans.wraps_asgi = app._overrides("asgi_app")
    kind = app.request_class
    own = kind.__init__ is not Request.__init__ or kind.__new__ is not Request.__new__
    plans.makes_context = own or app._makes_context()
    plans.simple = app._has_simple_urls() and app.config["TRUSTED_HOSTS"] is None
    plans.straight = not (plans.makes_context or app._proxies is not None or app._mounts)
    plans.slides = app._sessions_slide
    plans.tells_scheme = kind.scheme is Request.scheme
    tells = kind.method is Request.method and kind.path is Request.path  # what the server says counts
    plans.only_matches = plans.simple and tells and not plans.makes_context and app.session_interface is None


def _asks_for_websocket(request: Any) -> bool:
    source = request._source
    if source is not None and not source.may_upgrade:
        return False
    return asks_for_websocket(request.environ)


def begins_simply(app: Any) -> bool:
    """Tell whether nothing that a user wrote has a part in ``begin``, so that it cannot block."""
    plans = app._changes.plans
    if plans.simple is None:
        work_out(app, plans)
    return (
        app.session_interface is None and not appcontext_pushed.receivers and (plans.simple or app._has_simple_urls())
    )


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
