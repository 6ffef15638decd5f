"""Everything that a debug page tells, collected and without secrets, before it becomes HTML or plain text."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

from msgspec import Struct

from erlen.debugging.failure import Failure, Reader
from erlen.debugging.hints import hints_for
from erlen.debugging.redaction import (
    HIDDEN,
    Redactor,
    field_is_secret,
    header_is_secret,
    known_secrets,
    try_to,
)
from erlen.loading import load
from erlen.log import printable

__all__ = ["Report", "Table", "collect"]

_LONGEST_VALUE = 2_000
_MOST_ROWS = 200


class Table(Struct, frozen=True):
    """Names and values.

    :param remark: what there is to say in place of rows, or below them
    """

    heading: str
    rows: tuple[tuple[str, str], ...]
    remark: str = ""


class Report(Struct, frozen=True):
    """What is shown about an exception.

    :param failures: it, and what it came from
    :param request_line: method and URL
    :param tables: what the request brought
    :param versions: names and versions
    :param show: makes any text fit to be shown: without secrets and control characters
    :param redact: what ``show`` asks
    """

    failures: tuple[Failure, ...]
    request_line: str
    tables: tuple[Table, ...]
    versions: tuple[tuple[str, str], ...]
    show: Callable[[str], str]
    redact: Redactor

    @property
    def hints(self) -> tuple[str, ...]:
        """What to do: about the exception itself, or else about what it came from, without members of groups."""
        return next((failure.hints for failure in self.failures if failure.hints and not failure.depth), ())


def collect(app: Any, request: Any, error: BaseException, session: Any) -> Report:
    """Make the report of *error*.

    :param session: the session of the request, if it was opened
    """
    if not getattr(session, "accessed", session is not None):
        session = None  # to read it now might wait for its store
    redact = Redactor(known_secrets(app, request, session))
    reader = Reader(redact, app.root_path)
    failures = tuple(
        reader.read(one, link, depth, tuple(map(redact, hints_for(one, app, request))))
        for one, link, depth in reader.chain(error)
    )

    def show(text: str) -> str:
        return "".join(part if part in "\n\t" else printable(part) for part in re.split("([\n\t])", redact(text)))

    line = f"{request.method} {try_to(lambda: request.url, request.path)}"
    return Report(failures, line, tuple(_tables(request, session, redact)), tuple(_versions(request)), show, redact)


def _tables(request: Any, session: Any, redact: Redactor) -> Iterable[Table]:
    def table(heading: str, read: Callable[[], Iterable[tuple[Any, Any]]], unread: str = "none") -> Table:
        try:
            pairs = list(read())
        except Exception as error:
            return Table(heading, (), f"cannot be read: {type(error).__name__}")
        rows = [(redact(str(name)), _value(str(name), value, redact)) for name, value in pairs[:_MOST_ROWS]]
        left = len(pairs) - len(rows)
        return Table(heading, tuple(rows), f"… and {left} more" if left else "" if rows else unread)

    yield table("Route", lambda: _route(request))
    yield table("Values out of the path", lambda: (request.view_args or {}).items())
    yield table("Query", lambda: request.args.items(multi=True))
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        yield table("Form", lambda: request.form.items(multi=True))
        yield table("Files", lambda: ((name, file.filename) for name, file in request.files.items(multi=True)))
        if request.is_json:
            yield table("JSON", lambda: [("body", _json(request))])
    yield table("Session", lambda: ((key, HIDDEN) for key in session or ()), "none" if session is not None else _UNREAD)
    yield table("Cookies", lambda: ((name, HIDDEN) for name in request.cookies))
    yield table("Headers", lambda: ((k, HIDDEN if header_is_secret(k) else v) for k, v in request.headers))


_UNREAD = "not read in this request"


def _value(name: str, value: Any, redact: Redactor) -> str:
    text = HIDDEN if value == HIDDEN or (name != "body" and field_is_secret(name)) else redact(str(value))
    if len(text) > _LONGEST_VALUE:
        return f"{text[:_LONGEST_VALUE]} … ({len(text) - _LONGEST_VALUE:,} more characters)"
    return text


def _route(request: Any) -> Iterable[tuple[str, str]]:
    rule = request.url_rule
    if rule is None:
        yield "rule", "none matched"
        return
    yield "rule", str(rule)
    yield "endpoint", str(rule.endpoint)
    yield "methods", ", ".join(sorted(getattr(rule, "methods", None) or ()))


def _json(request: Any) -> str:
    return json.dumps(_without_secrets(request.get_json()), indent=2, ensure_ascii=False, default=repr)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: HIDDEN if field_is_secret(str(k)) else _without_secrets(inner) for k, inner in value.items()}
    return [_without_secrets(inner) for inner in value] if isinstance(value, list) else value


def _versions(request: Any) -> Iterable[tuple[str, str]]:
    yield "Erlen", str(load("erlen").__version__)
    yield "Python", platform.python_version()
    yield "Werkzeug", version("werkzeug")
    if "jinja2" in sys.modules:
        yield "Jinja", version("jinja2")
    server = request.environ.get("SERVER_SOFTWARE")
    if server:
        yield "Server", str(server)
