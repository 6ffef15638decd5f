"""The plan of an endpoint: everything that its requests run, looked up once instead of for each request.

A plan is compiled from the application's public registries when an endpoint is first asked for, and thrown away when
any of them changes (``erlen.lifecycle.hooks.Changes``). It also knows what need not be done: a flag is False where
nobody registered or overrode anything, and the pipeline then does not go there at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import NotImplemented

from erlen.callables import Quick, describe, is_async, is_quick
from erlen.config import seconds
from erlen.current import current
from erlen.http.request import closes_itself
from erlen.http.response import Response
from erlen.json import answers_plainly

__all__ = ["OVERRIDABLE", "NoView", "NoWebSocketsHere", "Plan", "compile_plan"]

Function = Callable[..., Any]

#: Methods of the application that the pipeline takes itself, unless a subclass or an instance has its own.
OVERRIDABLE = frozenset(
    {
        "async_to_sync",
        "create_url_adapter",
        "dispatch_request",
        "ensure_sync",
        "do_teardown_appcontext",
        "do_teardown_request",
        "finalize_request",
        "full_dispatch_request",
        "handle_exception",
        "handle_http_exception",
        "handle_user_exception",
        "make_response",
        "preprocess_request",
        "process_response",
        "raise_routing_exception",
    }
)


class NoView(KeyError):
    """A rule matched whose endpoint has no view function."""

    def __str__(self) -> str:
        return (
            f"The rule for endpoint {self.args[0]!r} matched, but the endpoint has no view function. Write "
            f"@app.endpoint({self.args[0]!r}) above one, or give it in add_url_rule(..., view_func=...)."
        )


class NoWebSocketsHere(NotImplemented):
    """The 501 for a WebSocket that is asked for over a protocol which has none."""

    description = "WebSockets are not served here."


def _refused_here(view: Function) -> Function:
    """Make the view that answers where a server without WebSockets has matched the rule of one."""

    def refuse(**values: Any) -> Any:
        current.get().app.logger.error(
            "The WebSocket of %s was asked for over WSGI, which has none. Serve the application over ASGI or RSGI, as "
            "'erlen serve' does by itself.",
            describe(view),
        )
        raise NoWebSocketsHere()

    return refuse


class Plan:
    """What the requests of one endpoint run. ``endpoint`` is None for requests that no rule matched."""

    __slots__ = (
        "after",
        "after_socket",
        "all_plain",
        "automatic_options",
        "awaits",
        "before",
        "before_socket",
        "blueprints",
        "body_timeout",
        "calm",
        "calm_on_loop",
        "closes",
        "direct",
        "eager",
        "endpoint",
        "explains",
        "first_visit",
        "guarded",
        "handles_errors",
        "in_thread",
        "keeps_sessions",
        "lean",
        "nosniff",
        "on_loop",
        "own",
        "preloads",
        "preprocessors",
        "response_timeout",
        "session_mode",
        "socket",
        "streams",
        "teardown_app",
        "teardown_request",
        "tears_down",
        "view",
        "wrapped",
    )

    endpoint: str | None
    view: Function | None
    #: The blueprint's names, the innermost first.
    blueprints: tuple[str, ...]
    preprocessors: tuple[Function, ...]
    before: tuple[Function, ...]
    after: tuple[Function, ...]
    teardown_request: tuple[Function, ...]
    teardown_app: tuple[Function, ...]
    first_visit: tuple[Function, ...]
    #: Methods of OVERRIDABLE that this application has of its own.
    own: frozenset[str]
    #: Anything runs before the view.
    eager: bool
    tears_down: bool
    #: The class of requests has a way of its own to close them.
    closes: bool
    #: The sessions are Erlen's own.
    keeps_sessions: bool
    #: A session is read before an async view, which cannot wait for it.
    preloads: bool
    #: ``X-Content-Type-Options: nosniff`` is added.
    nosniff: bool
    #: A plain result may go to the server without a response object.
    lean: bool
    #: Nothing in the plan is an ``async def``.
    all_plain: bool
    #: The view is an ``async def``, and may take as long as it likes: it is awaited without more ado.
    awaits: bool
    #: There is nothing to run but the view, if there is one, and a plain result needs no response object.
    calm: bool
    #: All of it is plain, and nothing stands between the pipeline and what it calls.
    direct: bool
    #: On a server with a loop the pipeline is awaited there, without more ado.
    on_loop: bool
    #: There is nothing to run but the view, and that is an ``async def``.
    calm_on_loop: bool
    #: On a server with a loop it runs whole in one thread: nothing in it is ``async def``, and something may block.
    in_thread: bool
    #: Requests of other sites are refused: the application asks for it, and the route has not said that it is for all.
    guarded: bool
    #: What routing answers with is raised, so that debug mode can explain it, or an own way to do that.
    explains: bool
    #: Somebody has registered an error handler, or has an own way to answer errors, or wants HTTP errors trapped.
    handles_errors: bool
    session_mode: str
    #: How many seconds the hooks before the view and the view may take, and the body to come; None is no limit.
    response_timeout: float | None
    body_timeout: float | None
    #: The view of a WebSocket, and what runs before it and after it.
    socket: Function | None
    before_socket: tuple[Function, ...]
    after_socket: tuple[Function, ...]
    #: The view takes the body as it comes.
    streams: bool
    #: The application has its own way to run what is async: gevent, for instance.
    wrapped: bool


def compile_plan(app: Any, endpoint: str | None, overridden: frozenset[str]) -> Plan:
    """Compile the plan of *endpoint* from the registries of *app*."""
    plan = Plan()
    plan.endpoint = endpoint
    names = _scopes(endpoint)
    plan.blueprints = names
    inward = (None, *reversed(names))
    outward = (*names, None)
    options = app.route_options.get(endpoint, {})
    plan.view = app.view_functions.get(endpoint) if endpoint is not None else None
    plan.socket = None
    if options.get("socket") and plan.view is not None:
        plan.socket, plan.view = plan.view, _refused_here(plan.view)
    plan.before_socket = _gather(app.before_websocket_funcs, inward)
    plan.after_socket = _gather(app.after_websocket_funcs, outward, backwards=True)
    plan.preprocessors = _gather(app.url_value_preprocessors, inward)
    plan.before = _gather(app.before_request_funcs, inward)
    plan.after = _gather(app.after_request_funcs, outward, backwards=True)
    plan.teardown_request = _gather(app.teardown_request_funcs, outward, backwards=True)
    plan.teardown_app = tuple(reversed(app.teardown_appcontext_funcs))
    plan.session_mode = options.get("session") or "shared"
    writes = plan.session_mode not in ("none", "readonly")  # a visit is marked in the session
    counts_as_visit = plan.view is not None and not options.get("static") and writes
    plan.first_visit = tuple(app.before_first_visit_funcs) if counts_as_visit else ()
    plan.response_timeout = _limit("response_timeout", options, app.config)
    plan.body_timeout = _limit("body_timeout", options, app.config)
    plan.own = overridden
    plan.streams = bool(options.get("stream"))
    plan.guarded = bool(app.config["CROSS_SITE_GUARD"]) and not options.get("cross_site")
    plan.nosniff = bool(app.config["CONTENT_TYPE_NOSNIFF"])
    plan.keeps_sessions = app.session_interface is None
    plan.preloads = plan.keeps_sessions and plan.session_mode != "none"
    traps = app.config["TRAP_HTTP_EXCEPTIONS"] or app.config["TRAP_BAD_REQUEST_ERRORS"]
    own = overridden & {"handle_http_exception", "handle_user_exception"} or app._overrides("trap_http_exception")
    plan.handles_errors = bool(app.error_handler_spec or traps or own)
    plan.explains = bool(app.debug or "raise_routing_exception" in overridden)
    plan.eager = bool(plan.preprocessors or plan.before or plan.first_visit or "preprocess_request" in overridden)
    plan.closes = closes_itself(app.request_class)
    plan.tears_down = bool(
        plan.closes
        or plan.teardown_request
        or plan.teardown_app
        or overridden & {"do_teardown_request", "do_teardown_appcontext"}
    )
    plan.lean = not (
        plan.after
        or overridden & {"make_response", "process_response", "finalize_request", "full_dispatch_request"}
        or app.response_class is not Response
        or not answers_plainly(app.json)
    )
    plan.wrapped = bool(overridden & {"ensure_sync", "async_to_sync"})
    functions = (
        *plan.preprocessors, *plan.before, *plan.after, *plan.teardown_request, *plan.teardown_app, *plan.first_visit,
    )  # fmt: skip
    plan.all_plain = not any(map(is_async, functions)) and (plan.view is None or not is_async(plan.view))
    twin = _twin(plan.view) if plan.view is not None and not overridden else None
    if twin is not None:
        plan.view = twin
        plan.all_plain = False
    elif options.get("blocking") is False and plan.view is not None and not is_async(plan.view):
        plan.view = Quick(plan.view)
    plan.direct = plan.all_plain and not plan.own and plan.response_timeout is None
    is_brief = not plan.handles_errors if plan.view is None else is_quick(plan.view)
    plan.in_thread = plan.all_plain and not (is_brief and all(map(is_quick, functions)))
    plan.on_loop = not plan.in_thread and not plan.own and plan.response_timeout is None
    plan.calm = (
        plan.lean
        and not (plan.own or plan.eager or plan.tears_down or plan.explains)
        and plan.session_mode != "exclusive"
        and (plan.view is not None or not plan.handles_errors)
    )
    plan.awaits = plan.view is not None and plan.response_timeout is None and is_async(plan.view)
    plan.calm_on_loop = plan.calm and (plan.awaits or plan.view is None)
    return plan


def _limit(name: str, options: Any, config: Any) -> float | None:
    value = options[name] if name in options else config.get(name.upper())
    return None if value is None else seconds(value)


def _twin(view: Function) -> Function | None:
    """Return what is called in place of the view of a class with async methods; see :mod:`erlen.views`."""
    mark, twin = getattr(view, "_erlen_twin", (None, None))
    return twin if mark == id(view) else None  # functools.wraps copies the mark to the function of a decorator


def _scopes(endpoint: str | None) -> tuple[str, ...]:
    names: list[str] = []
    name = (endpoint or "").rpartition(".")[0]
    while name:
        names.append(name)
        name = name.rpartition(".")[0]
    return tuple(names)


def _gather(table: Any, scopes: tuple[str | None, ...], backwards: bool = False) -> tuple[Function, ...]:
    found: list[Function] = []
    for scope in scopes:
        functions = table.get(scope) or ()
        found.extend(reversed(functions) if backwards else functions)
    return tuple(found)
