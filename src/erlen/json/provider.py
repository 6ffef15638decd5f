"""How an application reads and writes JSON: the replaceable object behind ``app.json``."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import uuid
import weakref
from collections.abc import Callable, Mapping
from typing import IO, Any, AnyStr, Protocol

import msgspec
from werkzeug.http import http_date

from erlen.json.unwritable import explain, type_name

__all__ = ["PROVIDERS", "DefaultJSONProvider", "JSONApplication", "JSONProvider", "MsgspecProvider", "answers_plainly"]


class JSONApplication(Protocol):
    """What a provider needs of its application."""

    @property
    def debug(self) -> bool:
        """Whether the application is in debug mode."""

    @property
    def response_class(self) -> Callable[..., Any]:
        """The class of responses."""


class JSONProvider:
    """The base of all providers. A subclass defines at least :meth:`dumps` and :meth:`loads`. ::

        class OrjsonProvider(JSONProvider):
            def dumps(self, obj, **kwargs):
                return orjson.dumps(obj).decode()

            def loads(self, s, **kwargs):
                return orjson.loads(s)

        app.json = OrjsonProvider(app)

    :param app: the application; only a weak reference is kept
    """

    mimetype = "application/json"
    """The content type of JSON responses."""

    def __init__(self, app: JSONApplication) -> None:
        self._app: JSONApplication = weakref.proxy(app)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write a value as JSON text.

        :param kwargs: what the library in use understands
        """
        raise NotImplementedError(f"{type(self).__name__} does not define dumps()")

    def dump(self, obj: Any, fp: IO[str], **kwargs: Any) -> None:
        """Write a value as JSON into a text file; *kwargs* as in :meth:`dumps`."""
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read a JSON document.

        :param kwargs: what the library in use understands
        :raises ValueError: if it is not JSON
        """
        raise NotImplementedError(f"{type(self).__name__} does not define loads()")

    def load(self, fp: IO[AnyStr], **kwargs: Any) -> Any:
        """Read a JSON document from a text or binary file; *kwargs* as in :meth:`loads`."""
        return self.loads(fp.read(), **kwargs)

    def encode(self, value: Any) -> bytes:
        """Write a value as the body of a response."""
        return self.dumps(value).encode()

    def response(self, *args: Any, **kwargs: Any) -> Any:
        """Make a JSON response, as ``jsonify()`` does.

        One argument is the value itself, several are a list, keyword arguments are an object, none is null.

        :raises TypeError: if both kinds of argument are given
        """
        body = self.encode(self._prepare_response_obj(args, kwargs))
        return self._app.response_class(body, mimetype=self.mimetype)

    def _prepare_response_obj(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args and kwargs:
            raise TypeError(
                "app.json.response() was given arguments of both kinds: positional arguments make a list, keyword "
                "arguments make an object. Write one of them."
            )
        if len(args) == 1:
            return args[0]
        return args or kwargs or None


def _write_for_flask(value: Any) -> Any:
    """Turn a value that ``json`` does not know into one that it knows.

    :raises TypeError: if it cannot be written
    """
    if isinstance(value, datetime.date):
        return http_date(value)
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(type(value), "__html__"):
        return str(value.__html__())
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class DefaultJSONProvider(JSONProvider):
    """Flask's provider, on the standard library's ``json``.

    Beyond what ``json`` knows it writes dates and times as HTTP dates (RFC 9110), UUID and Decimal as text,
    dataclasses as objects, and objects with ``__html__`` as the text of that method.
    """

    default: Callable[[Any], Any] = staticmethod(_write_for_flask)
    """Turns a value that ``json`` does not know into one that it knows, or raises TypeError."""

    ensure_ascii = True
    """Escape all characters outside ASCII."""

    sort_keys = True
    """Write the keys of objects in order; all of an object's keys must be texts then."""

    compact: bool | None = None
    """True: responses have no needless space. False: they are indented. None: indented in debug mode."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write a value as JSON text.

        :param kwargs: as for ``json.dumps``
        """
        kwargs.setdefault("default", self.default)
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        return json.dumps(obj, **kwargs)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read a JSON document.

        :param kwargs: as for ``json.loads``
        :raises json.JSONDecodeError: if it is not JSON
        """
        return json.loads(s, **kwargs)

    def encode(self, value: Any) -> bytes:
        """Write a value as the body of a response, which ends with a line feed."""
        if self.compact is False or (self.compact is None and self._app.debug):
            return f"{self.dumps(value, indent=2)}\n".encode()
        return f"{self.dumps(value, separators=(',', ':'))}\n".encode()


def _write_for_msgspec(value: Any) -> Any:
    """Turn a value that msgspec does not know into one that it knows.

    :raises TypeError: if it cannot be written
    """
    # msgspec writes subclasses of dict and list, not those of str, int and float.
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if hasattr(type(value), "__html__"):
        return str(value.__html__())
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"cannot write an object of type {type_name(value)} as JSON")


_LAYOUT = frozenset({"indent", "separators", "ensure_ascii", "sort_keys"})
_CONSTANT_KEYS = {None: "null", True: "true", False: "false"}
_FAILURES = (TypeError, ValueError, RecursionError, msgspec.EncodeError)


class MsgspecProvider(JSONProvider):
    """Erlen's provider, on msgspec: about ten times faster than the standard library.

    Beyond what ``json`` knows it writes dates and times as in ISO 8601 (RFC 3339), UUID and Decimal as text, enums as
    their value, dataclasses and msgspec Structs as objects, sets as arrays, bytes as base64, any mapping as an
    object, and objects with ``__html__`` as the text of that method. NaN and the infinities, which JSON has not, are
    written as null. Texts are written as they are, not escaped to ASCII.

    Arguments of ``json.dumps`` and ``json.loads`` are understood, and then the standard library does the work.
    """

    default: Callable[[Any], Any] = staticmethod(_write_for_msgspec)
    """Turns a value that msgspec does not know into one that it knows, or raises TypeError."""

    ensure_ascii = False
    """Escape all characters outside ASCII."""

    sort_keys = False
    """Write the keys of objects in order."""

    compact: bool | None = None
    """False: responses are indented. None and True: they have no needless space, in debug mode too."""

    def __init__(self, app: JSONApplication) -> None:
        super().__init__(app)
        own = weakref.proxy(self)

        def write_other(value: Any) -> Any:
            # None and the truth values come here only as keys of a dict.
            return _CONSTANT_KEYS[value] if value is None or isinstance(value, bool) else own.default(value)

        self._write = msgspec.json.Encoder(enc_hook=write_other).encode
        self._read = msgspec.json.Decoder().decode

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.dumps is not MsgspecProvider.dumps and cls.encode is MsgspecProvider.encode:
            cls.encode = MsgspecProvider._encode_by_dumps  # type: ignore[method-assign]

    def encode(self, value: Any) -> bytes:
        """Write a value as the body of a response, which ends with a line feed.

        :raises JSONValueError: if a part of it cannot be written; it is named by its path
        """
        if self.compact is False or self.sort_keys or self.ensure_ascii:
            return self._encode_by_dumps(value)
        try:
            return self._write(value) + b"\n"
        except _FAILURES as error:
            raise explain(value, error, self._write) from error

    def _encode_by_dumps(self, value: Any) -> bytes:
        text = self.dumps(value, indent=2) if self.compact is False else self.dumps(value)
        return f"{text}\n".encode()

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write a value as JSON text.

        :param kwargs: as for ``json.dumps``
        :raises JSONValueError: if a part of it cannot be written; it is named by its path
        """
        if not kwargs.keys() <= _LAYOUT:
            return self._dumps_by_json(obj, kwargs)
        try:
            written = self._write(obj)
        except _FAILURES as error:
            raise explain(obj, error, self._write) from error
        if not (kwargs or self.sort_keys or self.ensure_ascii):
            return written.decode()
        return json.dumps(json.loads(written), **self._arguments(kwargs))

    def _dumps_by_json(self, obj: Any, kwargs: dict[str, Any]) -> str:
        kwargs.setdefault("default", lambda part: json.loads(self._write(part)))
        return json.dumps(obj, **self._arguments(kwargs))

    def _arguments(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Complete the arguments for ``json.dumps``: no needless space unless the caller asked for a layout."""
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        if kwargs.get("indent") is None:
            kwargs.setdefault("separators", (",", ":"))
        return kwargs

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read a JSON document. NaN and the infinities, which JSON has not, are refused.

        :param kwargs: as for ``json.loads``
        :raises json.JSONDecodeError: if it is not JSON
        """
        if kwargs:
            return json.loads(s, **kwargs)
        try:
            return self._read(s)
        except (ValueError, RecursionError):
            return self._read_again(s)

    def _read_again(self, document: str | bytes) -> Any:
        """Read a document that starts with a byte order mark or is in UTF-16 or UTF-32; else say where it is wrong."""
        text = document if isinstance(document, str) else _decode(document)
        try:
            # The standard library knows line and column. What it lets pass is refused by the second reader again.
            json.loads(text)
            return self._read(text)
        except json.JSONDecodeError:
            raise
        except RecursionError:
            raise json.JSONDecodeError("It is nested too deeply", text, 0) from None
        except ValueError as error:
            raise json.JSONDecodeError(str(error), text, 0) from error


def _decode(document: bytes) -> str:
    try:
        return document.decode(json.detect_encoding(document))
    except UnicodeDecodeError as error:
        text = document.decode("utf-8", "replace")
        raise json.JSONDecodeError(f"It is not {error.encoding} text", text, error.start) from error


def answers_plainly(provider: JSONProvider) -> bool:
    """Tell whether the provider's ``response()`` sends just what ``encode()`` writes.

    The pipeline sends the bytes itself then, without making a response object first.
    """
    return type(provider).response is JSONProvider.response and not vars(provider).keys() & {"response", "dumps"}


PROVIDERS: dict[str, type[JSONProvider]] = {"flask": DefaultJSONProvider, "msgspec": MsgspecProvider}
"""The providers by the names that :class:`erlen.config.Defaults` uses."""
