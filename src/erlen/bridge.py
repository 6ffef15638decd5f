"""An ASGI application called from a thread: by a test client, or where one is mounted and the server speaks WSGI.

The application runs on the background loop. The thread that asks reads the request's body for it, and takes the pieces
of the response one at a time, so neither side runs ahead of the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextvars import Context, copy_context
from http import HTTPStatus
from queue import SimpleQueue
from typing import Any

__all__ = ["call_asgi", "headers_of", "scope_of", "status_line"]

_PIECE = 64 * 1024
_TITLES = {b"etag": "ETag", b"www-authenticate": "WWW-Authenticate"}

Headers = list[tuple[str, str]]
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
#: Status line, headers and body.
Answer = tuple[str, Headers, Iterable[bytes]]


def scope_of(environ: dict[str, Any]) -> dict[str, Any]:
    """Return the ASGI scope of a request that is described by a WSGI *environ*."""
    headers = [
        (key[5:].replace("_", "-").lower().encode("latin-1"), str(value).encode("latin-1"))
        for key, value in environ.items()
        if key.startswith("HTTP_")
    ]
    headers += [
        (name, environ[key].encode("latin-1"))
        for key, name in (("CONTENT_TYPE", b"content-type"), ("CONTENT_LENGTH", b"content-length"))
        if environ.get(key)
    ]
    root_path = _text(environ.get("SCRIPT_NAME") or "").rstrip("/")
    port = str(environ.get("SERVER_PORT") or "")
    client_port = str(environ.get("REMOTE_PORT") or "")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")).partition("/")[2] or "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "path": root_path + _text(environ.get("PATH_INFO") or ""),
        "query_string": str(environ.get("QUERY_STRING") or "").encode("latin-1"),
        "root_path": root_path,
        "headers": headers,
        "server": (environ.get("SERVER_NAME", "localhost"), int(port) if port.isdecimal() else None),
        "client": (environ["REMOTE_ADDR"], int(client_port) if client_port.isdecimal() else 0)
        if environ.get("REMOTE_ADDR")
        else None,
        "state": {},
    }


def _text(value: str) -> str:
    # PEP 3333 hands bytes over as latin-1.
    return value.encode("latin-1").decode(errors="replace")


def call_asgi(application: Application, loop: Any, scope: dict[str, Any], environ: dict[str, Any]) -> Answer:
    """Call an ASGI *application*, and return status line, headers and the body, which comes piece by piece.

    :param loop: the loop it runs on (:class:`erlen.lifecycle.loop.Loop`)
    :param environ: the WSGI environ whose input is the body of the request
    :raises Exception: what the application raises before its response begins
    :raises RuntimeError: if it ends without a response, or if the caller runs on the loop itself
    """
    return _Conversation(loop, environ).begin(application, scope)


class _Conversation:
    """What passes between the application on the loop and the thread that has called it."""

    def __init__(self, loop: Any, environ: dict[str, Any]) -> None:
        self._loop: asyncio.AbstractEventLoop = loop.get()
        self._refuse_waiting = loop.refuse_waiting
        self._input = environ.get("wsgi.input")
        length = str(environ.get("CONTENT_LENGTH") or "")
        #: How much of the body has not been read; None means until the input ends.
        self._left = int(length) if length.isdecimal() else None if environ.get("wsgi.input_terminated") else 0
        self._inbox: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._reading: asyncio.Future[Any] | None = None
        self._sending: asyncio.Future[Any] | None = None
        self._owed = False
        self._ended = False

    # In the thread.

    def begin(self, application: Application, scope: dict[str, Any]) -> Answer:
        """Start the application, and return what it answers."""
        work = self._run(application, scope)
        self._refuse_waiting(work)
        self._loop.call_soon_threadsafe(self._start, work, copy_context())
        start = self.next()
        if start is None:
            raise RuntimeError(f"The ASGI application {application!r} has ended without a response.")
        status = start["status"]
        headers = headers_of(start.get("headers", ()))
        body: Any = _Pieces(self)
        first = self.next()
        if first is None or not first.get("more_body"):
            body = [first.get("body", b"")] if first else []
            self.finish()
        else:
            body.first = first.get("body", b"")
        return status_line(status), headers, body

    def next(self) -> dict[str, Any] | None:
        """Return the next message of the response; None if the application has ended, well.

        :raises BaseException: what the application has ended with
        """
        if self._owed:
            self._owed = False
            self._loop.call_soon_threadsafe(_resolve, self._sending, None)
        while not self._ended:
            kind, value = self._inbox.get()
            if kind == "read":
                self._loop.call_soon_threadsafe(_resolve, self._reading, self._read())
            elif kind == "message":
                self._owed = True
                return value  # type: ignore[no-any-return]
            else:
                self._ended = True
                if value is not None:
                    try:
                        raise value
                    finally:
                        del value
        return None

    def _read(self) -> bytes:
        wanted = _PIECE if self._left is None else min(_PIECE, self._left)
        piece: bytes = self._input.read(wanted) if wanted and self._input is not None else b""
        self._left = 0 if not piece else None if self._left is None else self._left - len(piece)
        return piece

    def finish(self) -> None:
        """Wait until the application has ended; what it still sends is refused."""
        if self._ended:  # and its loop may be closed since
            return
        self._loop.call_soon_threadsafe(self._gone.set)
        while self.next() is not None:
            pass

    # On the loop.

    def _start(self, work: Any, context: Context) -> None:
        self._gone = asyncio.Event()
        self._task = self._loop.create_task(work, context=context)

    async def _run(self, application: Application, scope: dict[str, Any]) -> None:
        error: BaseException | None = None
        try:
            await application(scope, self._receive, self._send)
        except BaseException as caught:
            error = caught
        self._inbox.put(("end", error))

    async def _receive(self) -> dict[str, Any]:
        if self._left == 0 and self._reading is not None:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        self._reading = self._loop.create_future()
        self._inbox.put(("read", None))
        piece = await self._reading
        return {"type": "http.request", "body": piece, "more_body": self._left != 0}

    async def _send(self, message: dict[str, Any]) -> None:
        if self._gone.is_set():
            raise OSError("The client has gone.")  # as ASGI 2.4 wants it
        self._sending = self._loop.create_future()
        self._inbox.put(("message", message))
        await self._sending

    _gone: asyncio.Event
    _task: asyncio.Task[None]


class _Pieces:
    """The body of a streamed response."""

    def __init__(self, conversation: _Conversation) -> None:
        self._conversation: _Conversation | None = conversation
        self.first = b""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.first:
            piece, self.first = self.first, b""
            return piece
        while self._conversation is not None:
            message = self._conversation.next()
            if message is None:
                self._conversation = None
            elif message.get("body"):
                return message["body"]  # type: ignore[no-any-return]
        raise StopIteration

    def close(self) -> None:
        """Tell the application that the client has gone, unless it has ended."""
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.finish()

    def __del__(self) -> None:
        self.close()


def _resolve(future: asyncio.Future[Any] | None, value: Any) -> None:
    if future is not None and not future.done():
        future.set_result(value)


def headers_of(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of an ASGI message, their names as everybody writes them; ASGI has them in lower case."""
    return [(_TITLES.get(name) or name.decode("latin-1").title(), value.decode("latin-1")) for name, value in headers]


def status_line(status: int) -> str:
    """Return a status as WSGI has it: ``404 NOT FOUND``."""
    try:
        return f"{status} {HTTPStatus(status).phrase.upper()}"
    except ValueError:
        return f"{status} UNKNOWN"
