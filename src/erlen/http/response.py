"""The response: Werkzeug's attributes on an object that is cheap to build and cheap to send.

Werkzeug's constructor and its way to the server cost about 85 thousand instructions. Almost every response is a body
that is already bytes with a handful of headers, so these take a short way here, and all others Werkzeug's own.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Iterable
from http import HTTPStatus
from io import BufferedReader
from typing import Any, ClassVar, Self

from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES, remove_entity_headers
from werkzeug.utils import get_content_type
from werkzeug.wrappers import Response as WerkzeugResponse
from werkzeug.wsgi import FileWrapper

from erlen.current import current
from erlen.http.environ import SMALL, FileBody
from erlen.http.streaming import AsyncBody, is_async_iterable

__all__ = [
    *("LENGTHS", "USUAL", "Response"),
    *("content_type_of", "content_type_pair", "goes_short", "has_header", "length_pair", "lower"),
    *("plain_pairs", "status_line"),
]

_STATUS_LINES = {code: f"{code} {phrase.upper()}" for code, phrase in HTTP_STATUS_CODES.items()}
_CONTENT_TYPES: dict[str, str] = {}

#: The headers of the small sizes that there were: to write a number costs more than the rest of a short answer.
LENGTHS: dict[int, tuple[str, str]] = {}
_TYPES: dict[str, tuple[str, str]] = {}


def status_line(code: int) -> str:
    """Give the status line of *code*: ``"404 NOT FOUND"``."""
    return _STATUS_LINES.get(code) or f"{code} UNKNOWN"


def length_pair(size: int) -> tuple[str, str]:
    """Give the header ``Content-Length`` for a body of *size* bytes."""
    pair = LENGTHS.get(size)
    if pair is None:
        pair = "Content-Length", str(size)
        if size < 4096:
            LENGTHS[size] = pair
    return pair


def content_type_pair(mimetype: str) -> tuple[str, str]:
    """Give the header ``Content-Type`` for *mimetype*, the same object each time."""
    pair = _TYPES.get(mimetype)
    if pair is None:
        pair = "Content-Type", content_type_of(mimetype)
        if len(_TYPES) < 100:
            _TYPES[mimetype] = pair
    return pair


def content_type_of(mimetype: str) -> str:
    """Give the Content-Type for *mimetype*, with the charset where text needs one."""
    found = _CONTENT_TYPES.get(mimetype)
    if found is None:
        _check_line(mimetype)
        if len(_CONTENT_TYPES) > 500:  # a view that makes types up must not fill the memory
            _CONTENT_TYPES.clear()
        found = _CONTENT_TYPES[mimetype] = get_content_type(mimetype, "utf-8")
    return found


def _check_line(value: str) -> None:
    # A line break in a header would begin another one, of an attacker's choice (RFC 9110, section 5.5).
    if "\n" in value or "\r" in value:
        raise ValueError("Header values must not contain newline characters.")


#: Makes headers without their constructor, which would copy the pairs that are given to it next.
_new_headers = Headers.__new__


def has_header(headers: Headers, lowered: str) -> bool:
    """Tell whether *headers* have the one whose name in lower case is *lowered*, at a twentieth of Headers' price."""
    size = len(lowered)
    for name, _ in headers._list:  # noqa: SIM110 - a generator would cost more than the loop
        if len(name) == size and name.lower() == lowered:
            return True
    return False


class Response(WerkzeugResponse):
    """An outgoing HTTP response, as :class:`werkzeug.wrappers.Response` describes it.

    :param response: the body: text, bytes, or an iterable of these, a plain or an async one
    :param status: a code, or a line such as ``"404 NOT FOUND"``
    :param headers: a mapping or a list of pairs
    :param mimetype: the type without parameters; text gets ``charset=utf-8``
    :param content_type: the type as it is to be sent
    :param direct_passthrough: hand the iterable to the server as it is, for ``wsgi.file_wrapper``
    """

    default_mimetype: str | None = "text/html"
    autocorrect_location_header = False
    _sent_as_usual: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        response: Iterable[bytes]
        | Iterable[str]
        | AsyncIterable[bytes]
        | AsyncIterable[str]
        | bytes
        | str
        | None = None,
        status: int | str | HTTPStatus | None = None,
        headers: Any = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        kind = type(response)
        if (
            headers is not None
            or (kind is not str and kind is not bytes)
            or (status is not None and type(status) is not int)
        ):
            if kind is not AsyncBody and is_async_iterable(response):
                response = AsyncBody(response)  # type: ignore[arg-type]
            super().__init__(response, status, headers, mimetype, content_type, direct_passthrough)  # type: ignore[arg-type]
            return
        body: bytes = response.encode() if kind is str else response  # type: ignore[union-attr, assignment]
        if content_type is None:
            mimetype = mimetype or self.default_mimetype
            pairs = [] if mimetype is None else [_TYPES.get(mimetype) or content_type_pair(mimetype)]
        else:
            _check_line(content_type)
            pairs = [("Content-Type", content_type)]
        if self.automatically_set_content_length:
            size = len(body)
            pairs.append(LENGTHS.get(size) or length_pair(size))
        self.headers = headers = _new_headers(Headers)
        headers._list = pairs
        self._status_code = status = self.default_status if status is None else status
        self._status = _STATUS_LINES.get(status) or status_line(status)
        self.direct_passthrough = direct_passthrough
        self._on_close = []
        self.response = [body]

    @classmethod
    def of_parts(cls, body: Any, status: int, pairs: list[tuple[str, str]], direct_passthrough: bool = False) -> Self:
        """Make a response of what is ready to be sent, at a fraction of the constructor's price.

        :param body: an iterable of bytes
        :param pairs: the headers, all of them; the list becomes the response's own
        """
        response = cls.__new__(cls)
        response.headers = headers = _new_headers(Headers)
        headers._list = pairs
        response._status_code = status
        response._status = _STATUS_LINES.get(status) or status_line(status)
        response.direct_passthrough = direct_passthrough
        response._on_close = []
        response.response = body
        return response

    @property
    def json_module(self) -> Any:
        """What ``json`` and ``get_json`` read with: the application's JSON provider."""
        own = self.__dict__.get("_json_module")
        if own is not None:
            return own
        context = current.get(None)
        return WerkzeugResponse.json_module if context is None else context.app.json

    @json_module.setter
    def json_module(self, value: Any) -> None:
        self.__dict__["_json_module"] = value

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]
        """The size in bytes from which a cookie is warned of, because browsers drop it (``MAX_COOKIE_SIZE``)."""
        context = current.get(None)
        return WerkzeugResponse.max_cookie_size if context is None else context.app.config["MAX_COOKIE_SIZE"]


# A class may override one of these without being sent otherwise; it then says so in ``_sent_as_usual``.
_SENDING = ("__call__", "get_wsgi_response", "get_wsgi_headers", "get_app_iter", "iter_encoded", "close")
_short_way: dict[type, bool] = {}
#: The classes of responses that were found to go the short way: asked first, because a call costs more.
USUAL: set[type] = set()


def goes_short(kind: type[Any]) -> bool:
    """Tell whether responses of the class *kind* are sent as usual; one with an own idea of it is sent by that."""
    # Decided once per class.
    found = _short_way.get(kind)
    if found is None:
        found = _short_way[kind] = (
            issubclass(kind, Response)
            and kind.automatically_set_content_length
            and all(
                getattr(kind, name) is (kind._sent_as_usual.get(name) or getattr(WerkzeugResponse, name))
                for name in _SENDING
            )
        )
        if found:
            USUAL.add(kind)
    return found


#: The names of headers, as they were written, that mean nothing to the way to the server; to lower them costs more.
_IDLE: set[str] = set()


def plain_pairs(response: WerkzeugResponse, body: list[Any] | None) -> list[tuple[str, str]] | None:
    """Give the headers of a *response* that is sent as it stands, with a length; None if there is more to do.

    :param body: what ``response.response`` is; None for a file that is passed through, whose length the headers say
    """
    code = response._status_code
    if code < 200 or code == 204 or not (type(response) in USUAL or goes_short(type(response))):
        return None
    if body is not None and (response._on_close or (body and response.direct_passthrough)):
        return None
    if code == 304 and (body is None or body):
        return None
    for chunk in body or ():
        if type(chunk) is not bytes:
            return None
    pairs: list[tuple[str, str]] = response.headers._list
    known = False
    for name, _ in pairs:
        if name not in _IDLE:
            lowered = name.lower()
            if lowered == "content-length":
                known = True
            elif lowered == "location" or lowered == "content-location":
                return None
            elif len(_IDLE) < 500:  # a view that makes names up must not fill the memory
                _IDLE.add(name)
    if code == 304:
        pairs = pairs.copy()
        remove_entity_headers(pairs)
        return pairs
    return pairs if known or body is None else [*pairs, length_pair(sum(map(len, body)))]


def _read_small(body: FileWrapper) -> Iterable[bytes]:
    """Read a small file, for a server that would take it in small pieces; another one is sent as it is."""
    file = body.file
    if type(body) is not FileWrapper or type(file) is not BufferedReader or os.fstat(file.fileno()).st_size > SMALL:
        return body
    try:
        return [file.read()]
    finally:
        file.close()


def lower(
    response: WerkzeugResponse, environ: dict[str, Any], types_no_content: bool = False
) -> tuple[str, list[tuple[str, str]], Iterable[bytes]]:
    """Turn *response* into what a server takes: status line, headers and an iterable of bytes.

    :param types_no_content: keep the type of an answer 204, which has no content
    """
    body = response.response
    if type(body) is list:
        pairs = plain_pairs(response, body)
        if pairs is not None:
            return response._status, pairs, () if environ["REQUEST_METHOD"] == "HEAD" else body
    elif isinstance(body, FileWrapper) and response.direct_passthrough and environ["REQUEST_METHOD"] != "HEAD":
        pairs = plain_pairs(response, None)
        if pairs is not None:
            return response._status, pairs, body if type(body) is FileBody else _read_small(body)
    code = response.status_code
    if type(body) is not AsyncBody and is_async_iterable(body):  # it was put into the response later
        body = response.response = AsyncBody(body)  # type: ignore[arg-type]
    chunks, status, headers = response.get_wsgi_response(environ)
    if type(body) is AsyncBody and goes_short(type(response)):
        body.wanted = not (environ["REQUEST_METHOD"] == "HEAD" or code < 200 or code in (204, 304))
        body.pieces.after = response._on_close
        chunks = body
    if code == 204 and not types_no_content:  # there is no content to have a type
        headers = [pair for pair in headers if pair[0].lower() != "content-type"]
    return status, headers, chunks
