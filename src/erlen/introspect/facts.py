"""What happens around the view of a request: hooks, session, guard, error handlers, and how it all is run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, NotFound

from erlen.callables import is_async
from erlen.introspect.routes import find_place, name_of
from erlen.lifecycle.guard import SAFE_METHODS
from erlen.lifecycle.handlers import find_handler
from erlen.lifecycle.plan import Plan
from erlen.sessions.cookies import SessionCookie
from erlen.sessions.settings import SessionSettings

__all__ = [
    "Answerer",
    "Candidate",
    "Guard",
    "SessionFacts",
    "Step",
    "find_answerers",
    "find_steps",
    "judge_guard",
    "judge_session",
    "say_how_it_runs",
]


class Step(Struct, frozen=True):
    """Something that a request runs.

    :param event: ``"before_request"``, ``"view"`` and so on
    :param scope: the blueprint that it was registered for; None for the application
    :param name: the function's name
    :param place: its file and line, if it has any
    :param is_async: whether it is an ``async def``
    """

    event: str
    scope: str | None
    name: str
    place: str | None
    is_async: bool


class Candidate(Struct, frozen=True):
    """A rule that was considered and not taken.

    :param reason: why it was not: a sentence
    """

    rule: str
    endpoint: str
    defined: str | None
    reason: str


class SessionFacts(Struct, frozen=True):
    """The session of a request.

    :param type: ``SESSION_TYPE``, or the class of a foreign session interface
    :param mode: how the route asks for it; None for a foreign one
    :param cookie: the name of the cookie over http
    :param cookie_https: its name over https
    :param opened: whether and when it is opened: a sentence
    """

    type: str
    mode: str | None
    cookie: str
    cookie_https: str
    opened: str


class Guard(Struct, frozen=True):
    """Whether the guard against forged requests looks at a request, and why: a sentence."""

    applies: bool
    reason: str


class Answerer(Struct, frozen=True):
    """What answers an error.

    :param error: a status code, or the name of an exception class
    :param name: the error handler; None where the error is answered by the default page
    :param place: its file and line, if it has any
    """

    error: str
    name: str | None
    place: str | None


def find_steps(app: Any, plan: Plan, method: str, calls_view: bool) -> list[Step]:
    """Return what a request with this plan runs, in the order in which it runs it.

    :param calls_view: whether the view is called, and not an automatic answer given
    """
    inward = (None, *reversed(plan.blueprints))
    outward = (*plan.blueprints, None)
    steps = [_step("before_first_request", None, function) for function in app.before_first_request_funcs]
    steps += _scoped("url_value_preprocessor", app.url_value_preprocessors, inward)
    if plan.first_visit and method not in ("HEAD", "OPTIONS"):
        steps += [_step("before_first_visit", None, function) for function in plan.first_visit]
    steps += _scoped("before_request", app.before_request_funcs, inward)
    if calls_view and plan.view is not None:
        view = app.view_functions[plan.endpoint]
        steps.append(_step("view", plan.blueprints[0] if plan.blueprints else None, view))
    steps += _scoped("after_request", app.after_request_funcs, outward, backwards=True)
    steps += _scoped("teardown_request", app.teardown_request_funcs, outward, backwards=True)
    steps += [_step("teardown_appcontext", None, function) for function in plan.teardown_app]
    return steps


def _scoped(event: str, table: Any, scopes: tuple[str | None, ...], backwards: bool = False) -> Iterator[Step]:
    for scope in scopes:
        functions = list(table.get(scope) or ())
        for function in reversed(functions) if backwards else functions:
            yield _step(event, scope, function)


def _step(event: str, scope: str | None, function: Any) -> Step:
    return Step(event, scope, name_of(function), find_place(function), is_async(function))


def judge_session(app: Any, plan: Plan) -> SessionFacts:
    """Say whether and how the session of a request with this plan is opened."""
    settings = SessionSettings.from_config(app.config, app.instance_path)
    names = SessionCookie(settings).names
    interface = app.session_interface
    if interface is not None:
        kind = type(interface)
        opened = f"{kind.__module__}.{kind.__qualname__}.open_session() opens it, before anything else."
        return SessionFacts(kind.__qualname__, None, names[0], names[1], opened)
    kind_name = settings.type if isinstance(settings.type, str | None) else type(settings.type).__qualname__
    return SessionFacts(str(kind_name), plan.session_mode, names[0], names[1], _opened(plan, kind_name == "cookie"))


def _opened(plan: Plan, in_cookie: bool) -> str:
    mode = plan.session_mode
    if mode == "none":
        return 'It is not opened: the route says session="none".'
    if plan.first_visit:
        first = "It is read before the before_first_visit functions, which look at it."
    elif not plan.all_plain:
        first = "It is read before the hooks if the request has a cookie, because something in the request is async."
    elif not plan.in_thread:
        first = (
            "Over ASGI and RSGI it is read before the hooks if the request has a cookie, over WSGI when something "
            "first looks into it."
        )
    else:
        first = "It is read when something first looks into it, and not at all if nothing does."
    more = {
        "readonly": "A change in it is refused.",
        "exclusive": "Other requests for the same session wait meanwhile.",
        "strict": "A change that comes too late is answered with 409.",
    }.get(mode)
    if more is None and in_cookie:
        more = "If it was changed, all of it is sent as a new cookie after the after_request functions."
    elif more is None:
        more = "What was changed in it is merged into its store after the after_request functions."
    return f"{first} {more}"


def judge_guard(app: Any, plan: Plan, method: str) -> Guard:
    """Say whether the guard against requests forged by other sites looks at a request."""
    if not app.config["CROSS_SITE_GUARD"]:
        return Guard(False, "CROSS_SITE_GUARD is off.")
    if method in SAFE_METHODS:
        return Guard(False, f"{method} requests must not change anything, so they are not looked at.")
    if not plan.guarded:
        return Guard(False, "The route says cross_site=True.")
    return Guard(True, "A request that its browser marks as sent by another site is refused with 403.")


def find_answerers(app: Any, plan: Plan) -> list[Answerer]:
    """Return what answers the usual errors of a request with this plan."""
    errors: list[tuple[str, Exception]] = [
        ("404", NotFound()),
        ("405", MethodNotAllowed()),
        ("500", InternalServerError()),
        ("HTTPException", HTTPException()),
        ("Exception", Exception()),
    ]
    found = []
    for name, error in errors:
        handler = find_handler(app.error_handler_spec, error, plan.blueprints)
        if handler is None:
            found.append(Answerer(name, None, None))
        else:
            found.append(Answerer(name, name_of(handler), find_place(handler)))
    return found


def say_how_it_runs(plan: Plan) -> str:
    """Say in which thread a request with this plan runs, and what waits for what."""
    if plan.wrapped:
        return "In the server's thread; what is async is called through the application's own ensure_sync."
    if plan.all_plain and not plan.in_thread:
        return (
            "All of it is plain and quick (blocking=False, nonblocking): it runs on the event loop of a server that "
            "has one, and in the server's thread under WSGI."
        )
    if plan.all_plain:
        return "All of it is plain: it runs whole in one thread, and waits for no event loop."
    return (
        "Something in it is async: that runs on the event loop, and all that is plain in one thread, which waits "
        "meanwhile."
    )
