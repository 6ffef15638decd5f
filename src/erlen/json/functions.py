"""``dumps``, ``dump``, ``loads`` and ``load``: JSON as the current application writes and reads it."""

from __future__ import annotations

from typing import IO, Any, AnyStr

from erlen.current import current
from erlen.json.provider import JSONProvider, MsgspecProvider

__all__ = ["dump", "dumps", "load", "loads"]


class _NoApplication:
    debug = False
    response_class = dict


_no_application = _NoApplication()  # a provider refers to its application weakly, and asks it for responses only
_outside = MsgspecProvider(_no_application)


def _provider() -> JSONProvider:
    context = current.get(None)
    return _outside if context is None else context.app.json


def dumps(obj: Any, **kwargs: Any) -> str:
    """Write a value as JSON text, by the provider of the current application (``app.json``) or else by Erlen's own.

    :param kwargs: what the provider understands
    """
    return _provider().dumps(obj, **kwargs)


def dump(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """Write a value as JSON into a text file; as :func:`dumps`."""
    _provider().dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """Read a JSON document, by the provider of the current application (``app.json``) or else by Erlen's own.

    :param kwargs: what the provider understands
    :raises ValueError: if it is not JSON
    """
    return _provider().loads(s, **kwargs)


def load(fp: IO[AnyStr], **kwargs: Any) -> Any:
    """Read a JSON document from a text or binary file; as :func:`loads`."""
    return _provider().load(fp, **kwargs)
