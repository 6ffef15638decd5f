"""What a view may return, and how each of it becomes a response (Flask's documentation, "About Responses")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from erlen.errors import ViewResultError
from erlen.http.response import Response, status_line
from erlen.http.streaming import AsyncBody, is_async_iterable

__all__ = ["make_response", "page_of", "split"]

_CHOICES = (
    "The return type must be a string, dict, list, tuple with headers or status, Response instance, or WSGI callable"
)


class Converter(Protocol):
    """What this module needs of the application."""

    response_class: type[Response]
    json: Any


def split(result: tuple[Any, ...], who: Callable[[], str]) -> tuple[Any, Any, Any]:
    """Split a view's tuple into body, status and headers; what is missing is None.

    :raises ViewResultError: if the tuple is none of (body, status), (body, headers), (body, status, headers)
    """
    if len(result) == 3:
        if isinstance(result[2], (str, bytes, int)):
            raise ViewResultError(
                f"{who()} tuple. Its third item is the headers, a dict or a list of pairs, and it is {result[2]!r}."
            )
        return result
    if len(result) == 2:
        body, second = result
        if isinstance(second, (Headers, dict, tuple, list)):
            return body, None, second
        return body, second, None
    raise ViewResultError(
        f"{who()} tuple. The tuple must have the form "
        f"(body, status, headers), (body, status), or (body, headers); this one has {len(result)} items."
    )


def make_response(
    app: Converter,
    result: Any,
    environ_of: Callable[[], dict[str, Any]],
    who: Callable[[], str] = lambda: "The function that was called did not return a valid response",
) -> Response:
    """Make a response of what a view returned.

    :param environ_of: gives the environment of the request; asked for what cannot become a response without it
    :param who: says what returned no valid response, to begin a message with
    :raises ViewResultError: if the value cannot become a response; names the view, its file and line
    """
    status = headers = None
    original = result
    if isinstance(result, tuple):
        result, status, headers = split(result, who)
    if result is None:
        inside = " The None is the body of a tuple." if original is not None else ""
        raise ViewResultError(
            f"{who()}. The function either returned None or ended without a return statement.{inside} {_CHOICES}; "
            "for an empty answer write: return '', 204"
        )
    cls = app.response_class
    if not isinstance(result, cls):
        if isinstance(result, (str, bytes, bytearray, Iterator)) or is_async_iterable(result):
            if isinstance(result, bytearray):
                result = bytes(result)
            elif is_async_iterable(result):
                result = AsyncBody(result)  # here, because the class may be Werkzeug's
            plain_status = status if type(status) is int else None
            if isinstance(headers, Headers):
                headers = headers.copy()  # it may be a constant of the view's module
            response = cls(result, plain_status, headers)  # here a name that stands twice is sent twice
            headers = None
            if plain_status is not None:
                status = None
        elif isinstance(result, (dict, list)):
            response = app.json.response(result)
        elif isinstance(result, HTTPException):
            response = _from_http_exception(cls, result, environ_of())
        elif isinstance(result, WerkzeugResponse) or callable(result):
            response = _adopt(cls, result, environ_of(), who)
        else:
            raise ViewResultError(f"{who()}. {_CHOICES}, but it was a {type(result).__name__}.{_advice(result)}")
    else:
        response = result
    if status is not None:
        if isinstance(status, (str, bytes, bytearray)):
            response.status = status if isinstance(status, str) else bytes(status).decode("latin1")
        else:
            response.status_code = status
    if headers:
        response.headers.update(headers)
    return response


_SAYING = ("get_body", "get_description", "get_headers", "get_response", "name")
#: The answers of exceptions that say what their class says, with the description and the code that they were made of.
_pages: dict[type[HTTPException], tuple[tuple[bytes, str], str | None, int | None]] = {}
_usual: dict[type[HTTPException], bool] = {}


def page_of(error: HTTPException) -> tuple[bytes, str] | None:
    """Return the HTML page and the status line that *error* is answered with, where that is all there is to say.

    They are made once for each class: an exception with a description, headers or a response of its own has none. Nor
    has one whose status may have no body.
    """
    made = _pages.get(type(error))
    if made is None or error.description is not made[1] or error.code != made[2]:
        made = _make_page(error)
    return None if made is None or error.response is not None else made[0]


def _make_page(error: HTTPException) -> tuple[tuple[bytes, str], str | None, int | None] | None:
    kind, code, said = type(error), error.code, error.description
    usual = _usual.get(kind)
    if usual is None:
        if "<locals>" in kind.__qualname__:  # kept here, it would keep all that its functions know
            return None
        usual = _usual[kind] = all(getattr(kind, name) is getattr(HTTPException, name) for name in _SAYING)
    if not usual or error.response is not None or "description" in error.__dict__ or type(said) is not str:
        return None
    if code is None or code < 400:
        return None
    made = _pages[kind] = (error.get_body({}).encode(), status_line(code)), said, code
    return made


def _from_http_exception(cls: type[Response], error: HTTPException, environ: dict[str, Any]) -> Response:
    if error.response is None and type(error).get_response is HTTPException.get_response:
        headers = error.get_headers(environ)
        if len(headers) == 1 and headers[0][0] == "Content-Type":  # nearly all: the short way to build a response
            return cls(error.get_body(environ).encode(), error.code, content_type=headers[0][1])
        return cls(error.get_body(environ), error.code, headers)
    return cls.force_type(error.get_response(environ), environ)  # type: ignore[return-value]


def _adopt(cls: type[Response], result: Any, environ: dict[str, Any], who: Callable[[], str]) -> Response:
    try:
        return cls.force_type(result, environ)  # type: ignore[return-value]
    except TypeError as error:
        if isinstance(result, type):
            raise ViewResultError(f"{who()}. {_CHOICES}, but it was a type.{_advice(result)}") from error
        raise ViewResultError(
            f"{who()}. {_CHOICES}, but it was a {type(result).__name__} that does not work as a WSGI callable: {error}"
        ) from error


def _advice(result: Any) -> str:
    if isinstance(result, type):
        return f" It is the class itself: write {result.__name__}() to return an object of it."
    if isinstance(result, (bool, int, float)):
        return " Write str(...) to show it as text, or jsonify(...) to send it as JSON."
    if isinstance(result, (set, frozenset)):
        return " A set has no order: return a sorted list."
    return ""
