"""Answers that need no response object: text, bytes, JSON, the page of an HTTP exception. And a session's headers."""

from __future__ import annotations

from typing import Any, TypeAlias

from werkzeug.exceptions import HTTPException

from erlen.context import Context
from erlen.http.convert import page_of
from erlen.http.response import LENGTHS, Response, content_type_pair, has_header, length_pair, status_line

__all__ = ["NOSNIFF", "NOT_CALLED", "OK", "Called", "add_session_headers", "add_session_pairs", "plain_answer"]

#: What a view has returned, or what it has raised.
Called: TypeAlias = "tuple[Any, BaseException | None]"
NOT_CALLED: Called = (None, None)

#: The status line of most answers.
OK = status_line(200)
NOSNIFF = ("X-Content-Type-Options", "nosniff")
_HTML = content_type_pair("text/html")
_VARY_COOKIE = ("Vary", "Cookie")
_NO_STORE = ("Cache-Control", "no-store")


def plain_answer(app: Any, context: Context, result: Any) -> bool:
    """Leave the answer in *context*, as status, headers and bytes where it can be; tell whether that was all.

    A response object of its own is left as it is, if it is a list of bytes and no session is to be saved in it.
    """
    kind = type(result)
    pair = _HTML
    status = OK
    if kind is str:
        body = result.encode()
    elif kind is dict or kind is list:
        body, pair = app.json.encode(result), content_type_pair(app.json.mimetype)
    elif kind is bytes:
        body = result
    elif kind is Response:
        if context._session is not None or type(result.response) is not list or result._on_close:
            return False
        if context.plan.nosniff and not has_header(result.headers, "x-content-type-options"):
            result.headers._list.append(NOSNIFF)
        context.headers_gone = True
        context.response = result
        return True
    else:
        page = page_of(result) if isinstance(result, HTTPException) else None
        if page is None:
            return False
        body, status = page
    size = len(body)
    try:
        length = LENGTHS[size]
    except KeyError:
        length = length_pair(size)
    context.status = status
    context.headers = [pair, length, NOSNIFF] if context.plan.nosniff else [pair, length]
    context.body = body
    return True


def add_session_pairs(pairs: list[tuple[str, str]], saved: Any) -> None:
    """Add to the headers of a plain answer what has become of the session."""
    pairs.append(_VARY_COOKIE)
    if saved.cookie is not None:
        pairs.append(("Set-Cookie", saved.cookie))
        pairs.append(_NO_STORE)


def add_session_headers(response: Any, saved: Any) -> None:
    """Add to a response object what has become of the session."""
    headers = response.headers
    if has_header(headers, "vary"):
        response.vary.add("Cookie")
    else:
        headers._list.append(_VARY_COOKIE)
    if saved.cookie is not None:
        headers._list.append(("Set-Cookie", saved.cookie))
        if not has_header(headers, "cache-control"):
            headers._list.append(_NO_STORE)
        elif not (response.cache_control.private or response.cache_control.no_store):
            headers["Cache-Control"] = "no-store"  # a shared cache must not hand the token to others
