"""What is checked where users register something: that it can be called as it will be, and that it has a name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from erlen.callables import accepts, describe, is_async
from erlen.errors import SetupError, SignatureError

__all__ = [
    "MissingView",
    "NamelessView",
    "check_generator",
    "check_plain",
    "check_signature",
    "endpoint_of",
    "setupmethod",
    "template_decorator",
]

F = TypeVar("F", bound=Callable[..., Any])

_SIGNATURES = {
    "before_request": (0, "def before(): ..."),
    "after_request": (1, "def after(response): return response"),
    "teardown_request": (1, "def teardown(error): ..."),
    "teardown_appcontext": (1, "def teardown(error): ..."),
    "context_processor": (0, "def values(): return {'name': value}"),
    "url_value_preprocessor": (2, "def preprocess(endpoint, values): ..."),
    "url_defaults": (2, "def defaults(endpoint, values): ..."),
    "errorhandler": (1, "def handle(error): return 'text', 500"),
    "before_first_request": (0, "def first(): ..."),
    "before_first_visit": (0, "def greet(): ..."),
    "before_websocket": (0, "async def before(): ..."),
    "after_websocket": (1, "async def after(response): return response"),
    "after_this_request": (1, "def after(response): return response"),
    "before_serving": (0, "def start(): ..."),
    "after_serving": (0, "def end(): ..."),
    "while_serving": (0, "def serve(): ...; yield; ..."),
}


class MissingView(SetupError, AssertionError):
    """A rule was given neither an endpoint nor a view function."""


class NamelessView(SetupError, AttributeError):
    """A rule was given no endpoint, and a view that has no name to be it."""


def setupmethod(method: F) -> F:
    """Mark a method that may only be called before the first request was handled."""
    name = method.__name__

    @functools.wraps(method)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_setup_finished(name)
        return method(self, *args, **kwargs)

    return cast(F, checked)


def check_signature(role: str, function: Callable[..., Any]) -> None:
    """Refuse *function* where it is registered if it cannot be called as the *role* will call it.

    :raises SignatureError: names the function, its file and line, and the signature to write
    """
    count, expected = _SIGNATURES[role]
    if not callable(function):
        raise SignatureError(role, repr(function), expected)
    if not accepts(function, count):
        raise SignatureError(role, describe(function), expected)


def check_plain(role: str, function: Callable[..., Any]) -> None:
    """Refuse an ``async def`` where only plain code can call it, besides what ``check_signature`` refuses."""
    check_signature(role, function)
    if is_async(function):
        raise SetupError(
            f"{describe(function)} cannot be a {role} function: it is async, and URLs are built by plain code, which "
            "cannot wait. Write def in place of async def, and look up what it needs in a before_request function."
        )


def check_generator(role: str, function: Callable[..., Any]) -> None:
    """Refuse an ``async def`` without a yield, besides what ``check_signature`` refuses."""
    check_signature(role, function)
    if is_async(function):
        raise SetupError(
            f"{describe(function)} cannot be a {role} function: it has no yield. What stands before its one yield runs "
            "at the start, what stands after it at the end."
        )


def endpoint_of(view: Callable[..., Any] | None, rule: str | None = None) -> str:
    """Give the endpoint of the view function of *rule*, where none was named: its own name.

    :raises AssertionError: if there is no view function either
    :raises AttributeError: if it has no name
    """
    if view is None:
        raise MissingView(
            f"{'A rule' if rule is None else f'The rule {rule!r}'} has neither an endpoint nor a view function: "
            "expected view func if endpoint is not provided."
        )
    name = getattr(view, "__name__", None)
    if not isinstance(name, str):
        raise NamelessView(f"{view!r} has no __name__ to be its endpoint: write endpoint='...' in its route.")
    return name


def template_decorator(name: Any, add: Callable[..., None]) -> Any:
    """Serve both ``@decorator`` and ``@decorator("name")``."""
    if callable(name):
        add(name)
        return name

    def decorator(f: F) -> F:
        add(f, name=name)
        return f

    return decorator
