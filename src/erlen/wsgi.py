"""The WSGI adapter (PEP 3333): translates between a server's environ and the pipeline, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context as Variables
from contextvars import copy_context
from typing import Any

from erlen.context import Context
from erlen.current import current
from erlen.http.request import decode
from erlen.http.response import lower
from erlen.http.sending import Prepared
from erlen.http.streaming import AsyncBody
from erlen.lifecycle.calm import answer_calmly
from erlen.lifecycle.pipeline import PROPAGATE, handle, handle_plainly, waited
from erlen.lifecycle.plain import NOT_CALLED, Called
from erlen.lifecycle.start import begin, match_ready, work_out
from erlen.loading import load
from erlen.mounts import Mount, find_mount

__all__ = ["ENVIRON", "PRESERVE", "wsgi_app"]

#: The key of an ASGI scope under which a test client puts what the environ is to hold besides what the scope says.
ENVIRON = "erlen.environ"

#: The key of the environ under which Werkzeug's debugger and test clients put a function: it is given the context.
PRESERVE = "werkzeug.debug.preserve_context"

StartResponse = Callable[..., Any]


def wsgi_app(self: Any, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request; to be wrapped by WSGI middleware. ::

        app.wsgi_app = ProxyFix(app.wsgi_app)

    The request runs in a copy of the caller's context variables, so that nothing it sets is seen by the next one.

    :param environ: the request, as PEP 3333 describes it
    :param start_response: called with the status line and the headers
    """
    app = self  # a method of :class:`erlen.Erlen`
    if not app._ready:
        app.get_ready()
    if app._mounts:
        mount = find_mount(app._mounts, decode(environ.get("PATH_INFO") or ""))
        if mount is not None:
            return _answer_mounted(app, mount, environ, start_response)
    variables = copy_context()
    body: Any
    context: Context
    if app._answers_in_context:
        context, body = _answer_in_context(app, environ, start_response, variables)
    else:
        context = variables.run(_run, app, environ)
        if context.response is None and context._followers is None:  # most answers: told here, because each call costs
            start_response(context.status, context.headers)
            # A list: servers send one in one piece.
            return [] if context.method == "HEAD" else [context.body]
        body = _send(context, environ, start_response)
    if type(body) is list or type(body) is tuple or _is_file(body, environ):
        if context._followers is None:
            return body  # type: ignore[no-any-return]
        if PROPAGATE in environ:  # a test client, which may neither read nor close what it is given
            _follow(context)
            return body  # type: ignore[no-any-return]
    if type(body) is AsyncBody:
        body.loop = app._loop
        if not body.wanted:
            variables.run(body.close)
            body = ()
            if context._followers is None:
                return ()
    return _Body(body, variables, context)


def _answer_in_context(
    app: Any, environ: dict[str, Any], start_response: StartResponse, variables: Variables
) -> tuple[Context, Any]:
    """Answer one request, and tell the server status and headers before the request is torn down."""
    sent: list[Any] = []
    context = variables.run(_run, app, environ, lambda context: sent.append(_send(context, environ, start_response)))
    return context, sent[0]


def _send(context: Context, environ: dict[str, Any], start_response: StartResponse) -> Any:
    """Tell the server status and headers, and return the body."""
    response, context.response = context.response, None  # a streamed body holds the context: no cycle of the two
    if response is None:
        start_response(context.status, context.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [context.body]
    keeps = context.app.defaults.types_no_content
    status, headers, body = response.answer if type(response) is Prepared else lower(response, environ, keeps)
    start_response(status, headers)
    return body


def _answer_mounted(app: Any, mount: Mount, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Let a mounted application answer."""
    if app._proxies is not None:
        app._proxies.apply(environ)
    mount.shift(environ)
    if mount.interface != "asgi":
        return mount.application(environ, start_response)  # type: ignore[no-any-return]
    bridge = load("erlen.bridge")
    scope = {**bridge.scope_of(environ), "state": dict(mount.state)}
    status, headers, body = bridge.call_asgi(mount.application, app._loop.get(), scope, environ)
    start_response(status, headers)
    return body  # type: ignore[no-any-return]


def _run(app: Any, environ: dict[str, Any], hand_over: Callable[[Context], Any] | None = None) -> Context:
    plans = app._changes.plans
    if plans.simple is None:
        work_out(app, plans)
    context: Context
    if plans.straight:
        context = Context(app, plans.request_class(environ))
    else:
        if app._proxies is not None:
            app._proxies.apply(environ)
        context = app.request_context(environ) if plans.makes_context else Context(app, plans.request_class(environ))
    context._began = True
    context._holds = 1
    if app._reuses_app_context:
        context.join(current.get(None))
    if PRESERVE in environ:
        environ[PRESERVE](context)
    current.set(context)
    failure: Exception | None = None
    called: Called | None = NOT_CALLED
    try:
        try:
            path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        except KeyError:
            path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "GET")
        if plans.only_matches and match_ready(app, context, plans, path, method, True):
            context.request.path = path  # now, because the environ may be changed
            context.request.method = method
        else:
            begin(app, context)
    except Exception as error:
        failure = error
    plan = context.plan
    if plan is None:
        plan = context.plan = app.compile_plan(None)
    try:
        if plan.direct:
            if plan.calm and failure is None:
                called = answer_calmly(app, context)
            if called is not None:
                for _ in handle(app, context, app._direct, failure, False, hand_over, called).__await__():
                    raise waited(plan)
            elif hand_over is not None:
                hand_over(context)
        elif plan.all_plain or plan.own:  # overridden steps are plain methods, and drive what they call
            if plan.response_timeout is None:
                handle_plainly(app, context, failure, hand_over)
            else:
                load("erlen.lifecycle.timing").handle_and_tell(app, context, failure, hand_over)
        else:
            portal = loop = app._loop.portal()
            if plan.response_timeout is not None:
                portal = load("erlen.lifecycle.timing").limited_portal(loop, context, plan.response_timeout)
            loop.run(handle(app, context, portal, failure, False, hand_over))
    except BaseException:
        _follow(context)
        raise
    finally:
        called = failure = None  # an exception holds its frames, and they this one
    return context


def _follow(context: Context) -> None:
    """Start what was to wait for the response."""
    if context._followers is not None:
        load("erlen.lifecycle.serving").start_followers(context)


def _is_file(body: Any, environ: dict[str, Any]) -> bool:
    # A server recognises its own file wrapper, and only it.
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class _Body:
    """A streamed body: each piece is made in the context variables of its request.

    What waits for the response starts when the server has taken all of it, or closes it.
    """

    __slots__ = ("_body", "_context", "_iterator", "_variables")

    def __init__(self, body: Iterable[bytes], variables: Variables, context: Context) -> None:
        self._body = body
        self._context = context
        self._variables = variables
        self._iterator: Iterator[bytes] = variables.run(iter, body)
        if context._followers is not None:
            load("erlen.lifecycle.serving").expect_followers(context)

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        try:
            return self._variables.run(next, self._iterator)
        except StopIteration:
            _follow(self._context)
            raise

    def close(self) -> None:
        """Close the body, as the server must at its end or when the client has gone."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                self._variables.run(close)
        finally:
            _follow(self._context)
