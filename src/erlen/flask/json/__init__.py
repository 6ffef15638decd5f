"""``flask.json``: JSON as the current application reads and writes it; outside of one, as the standard library does."""

from __future__ import annotations

import json as _json
import typing as t
from typing import IO, Any, AnyStr

from erlen.context import find_context, has_app_context
from erlen.flask.globals import current_app
from erlen.flask.json.provider import _default
from erlen.helpers import jsonify

__all__ = ["dump", "dumps", "jsonify", "load", "loads"]


def dumps(obj: Any, **kwargs: Any) -> str:
    """Write a value as JSON text, by ``app.json`` of the current application if there is one.

    :param kwargs: what the provider takes; as for ``json.dumps`` by default
    :raises TypeError: if it cannot be written
    """
    if has_app_context():
        return find_context("json.dumps").app.json.dumps(obj, **kwargs)  # type: ignore[no-any-return]
    return _json.dumps(obj, **{"default": _default, **kwargs})


def dump(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """Write a value as JSON into a text file, by ``app.json`` of the current application if there is one.

    :param kwargs: what the provider takes; as for ``json.dump`` by default
    :raises TypeError: if it cannot be written
    """
    if has_app_context():
        return find_context("json.dump").app.json.dump(obj, fp, **kwargs)  # type: ignore[no-any-return]
    return _json.dump(obj, fp, **{"default": _default, **kwargs})


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """Read a JSON document, by ``app.json`` of the current application if there is one.

    :param kwargs: what the provider takes; as for ``json.loads`` by default
    :raises ValueError: if it is not JSON
    """
    if has_app_context():
        return find_context("json.loads").app.json.loads(s, **kwargs)
    return _json.loads(s, **kwargs)


def load(fp: IO[AnyStr], **kwargs: Any) -> Any:
    """Read a JSON document from a file, by ``app.json`` of the current application if there is one.

    :param kwargs: what the provider takes; as for ``json.load`` by default
    :raises ValueError: if it is not JSON
    """
    if has_app_context():
        return find_context("json.load").app.json.load(fp, **kwargs)
    return _json.load(fp, **kwargs)
