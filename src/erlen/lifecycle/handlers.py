"""Which error handler answers which exception."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from werkzeug.exceptions import HTTPException, default_exceptions

from erlen.errors import SetupError, nearest

__all__ = ["class_and_code", "find_handler"]

_ALLOWED = "Handlers can only be registered for Exception classes or HTTP error codes."


def class_and_code(what: type[Exception] | int) -> tuple[type[Exception], int | None]:
    """Resolve what an error handler was registered for to an exception class and a status code (or None).

    :raises SetupError: a ValueError or TypeError too, if it is neither a known code nor an exception class
    """
    if isinstance(what, int) and not isinstance(what, bool):
        if what not in default_exceptions:
            near = min(default_exceptions, key=lambda code: (abs(code - what), code))
            raise UnknownErrorCode(
                f"'{what}' is not a recognized HTTP error code. Use a subclass of HTTPException with that code "
                f"instead. Only codes with an exception class of their own are recognized, for instance {near}."
            )
        return default_exceptions[what], what
    if isinstance(what, Exception):
        raise WrongErrorClass(f"{what!r} is an instance, not a class. {_ALLOWED} Write {type(what).__name__}.")
    if isinstance(what, type) and not issubclass(what, Exception):
        raise WrongErrorClass(f"'{what.__name__}' is not a subclass of Exception. {_ALLOWED}")
    if not isinstance(what, type):
        raise WrongErrorClass(f"{what!r} is neither an exception class nor an HTTP status code.{_advice(what)}")
    return what, what.code if issubclass(what, HTTPException) else None


def _advice(what: object) -> str:
    if inspect.isfunction(what):
        return (
            f" Write @app.errorhandler(404), for instance, above {what.__name__}: the decorator needs to know what for."
        )
    if isinstance(what, str):
        if what.isdigit():
            return f" Write the number: {what}."
        near = nearest(what, [error.__name__ for error in default_exceptions.values()])
        if near:
            return f" Import the class {near} from werkzeug.exceptions."
    return ""


class UnknownErrorCode(SetupError, ValueError):
    """An error handler was registered for a status code that has no exception class."""


class WrongErrorClass(SetupError, TypeError, ValueError):
    """An error handler was registered for something that is no exception class."""


def find_handler(spec: Mapping[Any, Any], error: Exception, blueprints: Sequence[str]) -> Callable[[Any], Any] | None:
    """Find the handler for *error*: code before class, blueprint before application, along the class's MRO.

    :param spec: the registry: scope to code to class to function
    :param blueprints: the scopes of the request, the innermost first
    """
    if not spec:
        return None
    kind, code = class_and_code(type(error))
    for wanted in (code, None) if code is not None else (None,):
        for scope in (*blueprints, None):
            by_code = spec.get(scope)
            handlers = by_code.get(wanted) if by_code else None
            if handlers:
                for cls in kind.__mro__:
                    handler = handlers.get(cls)
                    if handler is not None:
                        return handler  # type: ignore[no-any-return]
    return None
