"""From a response that is sent in a way of its own, or another WSGI application, to status, headers and body."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

from werkzeug.wrappers import Response as WerkzeugResponse

from erlen.http.response import lower

__all__ = ["Answer", "Headers", "Prepared", "call_wsgi", "drop", "prepare"]

Headers = list[tuple[str, str]]
#: Status line, headers, and a body: bytes, an iterable of bytes, or a file (``erlen.http.files.FilePart``).
Answer = tuple[str, Headers, Any]


class Prepared:
    """What a response of a class with a way of its own has said is to be sent; it was asked within its request.

    :ivar answer: status line, headers and body
    """

    __slots__ = ("answer",)

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def prepare(response: Any, environ: dict[str, Any], types_no_content: bool = False) -> Prepared:
    """Ask *response* what is to be sent, while its request is current: methods of its class may use ``request``.

    :param types_no_content: keep the type of an answer 204, which has no content
    """
    if type(response).__call__ is WerkzeugResponse.__call__:
        return Prepared(lower(response, environ, types_no_content))
    return Prepared(call_wsgi(response, environ))


def call_wsgi(app: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> Answer:
    """Call a WSGI application, and return status, headers and body."""
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], Any]:
        started[:] = status, headers
        return written.append

    body: Any = app(environ, start_response)
    if not started:  # it may wait until its first piece is asked for
        iterator = iter(body)
        written.append(next(iterator, b""))
        body = _Resumed(written, iterator, body)
    elif written:
        body = _Resumed(written, iter(body), body)
    status, headers = started
    return status, headers, body


def drop(app: Any, result: Any) -> None:
    """Close what a view returned and nobody will send: a stream holds the context, and its teardowns would be late."""
    body = result[0] if type(result) is tuple and result else result
    close = getattr(body, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception as error:
        app.logger.error("A body that was not sent could not be closed.", exc_info=error)


class _Resumed:
    """The body of a WSGI application of which the first pieces have been taken already."""

    def __init__(self, pieces: list[bytes], rest: Any, body: Any) -> None:
        self._pieces = pieces
        self._rest = rest
        self._body = body

    def __iter__(self) -> Generator[bytes, None, None]:
        yield from self._pieces
        yield from self._rest

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
