"""The body of a request as views take it piece by piece, on every kind of server, and the parts of a multipart form."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Generator
from typing import IO, Any, Protocol

from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from erlen.current import home

__all__ = ["IncomingBody", "Part", "StreamOfUnknownLength", "parts_of"]

#: How much is read at once where a server does not say how much has come.
PIECE = 64 * 1024


class RequestLike(Protocol):
    """What this module needs of a request."""

    _body: Any

    @property
    def stream(self) -> Any:
        """The body as a file."""

    @property
    def content_length(self) -> int | None:
        """How long the body says it is."""

    @property
    def max_content_length(self) -> int | None:
        """How long it may be."""


class StreamOfUnknownLength(io.RawIOBase):
    """A body that comes in chunks: one byte more than the limit is asked for, to tell "full" from "too long".

    :param limit: the most bytes that it may have
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into *buffer* and return how many bytes were read; 0 means the end.

        :raises werkzeug.exceptions.RequestEntityTooLarge: 413, beyond the limit
        """
        chunk = self._stream.read(min(len(buffer), self._left + 1))
        if len(chunk) > self._left:
            raise RequestEntityTooLarge()
        self._left -= len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)


class IncomingBody:
    """The body of a request for async code: ``async for piece in request.body``, or ``await request.body`` for all.

    It comes as the client sends it in a view of a route with ``stream=True``; elsewhere it is there already. It is read
    once, and empty afterwards, as ``request.stream`` is.

    :raises werkzeug.exceptions.RequestEntityTooLarge: 413, while it is read, if it is longer than
        ``request.max_content_length``; at once if it says so
    :raises werkzeug.exceptions.ClientDisconnected: 400, while it is read, if the client goes away in the middle
    :raises werkzeug.exceptions.RequestTimeout: 408, while it is read as it comes, if the client sends nothing for
        ``BODY_TIMEOUT``
    """

    def __init__(self, request: RequestLike) -> None:
        self._request = request

    def __await__(self) -> Generator[Any, Any, bytes]:
        return self.read().__await__()

    async def read(self) -> bytes:
        """Return all of it that has not been read."""
        return b"".join([piece async for piece in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        request = self._request
        length, most = request.content_length, request.max_content_length
        if length is not None and most is not None and length > most:
            raise RequestEntityTooLarge()
        body = request._body
        if body is not None and body.streams:
            received = 0
            while piece := await body.next_piece():
                received += len(piece)
                if most is not None and received > most:
                    raise RequestEntityTooLarge()
                yield piece
            return
        stream = request.stream
        read = getattr(stream, "read1", stream.read)
        runner = home.get() if body is None else None  # what has been fetched is read without waiting
        while piece := (read(PIECE) if runner is None else await runner.call(read, PIECE)):
            yield piece


class Part:
    """One field or file of a multipart form that is read as it comes.

    Its content is there until the next part is asked for: ``async for piece in part``, ``await part.read()``.

    :ivar name: the name of the field
    :ivar filename: the name of the file as the client tells it, never to be used as a path; None if it is no file
    :ivar headers: the headers of the part
    """

    def __init__(self, name: str, filename: str | None, headers: Headers, pieces: AsyncIterator[bytes]) -> None:
        self.name = name
        self.filename = filename
        self.headers = headers
        self._pieces = pieces

    def __repr__(self) -> str:
        return f"<Part {self.name!r}>" if self.filename is None else f"<Part {self.name!r}, file {self.filename!r}>"

    @property
    def content_type(self) -> str | None:
        """The type that the client gives the part, or None."""
        return self.headers.get("Content-Type")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def read(self) -> bytes:
        """Return what is left of the content."""
        return b"".join([piece async for piece in self._pieces])

    async def text(self) -> str:
        """Return what is left of the content, decoded; what is not UTF-8 becomes a replacement character."""
        return (await self.read()).decode(errors="replace")


class _Decoder:
    """Werkzeug's decoder, fed with the body as it comes."""

    def __init__(self, body: AsyncIterator[bytes], boundary: bytes, most_parts: int | None) -> None:
        self._body = body
        # What stands before a part is kept until its end is found: it has a limit of its own.
        self._decoder = MultipartDecoder(boundary, 4 * PIECE, max_parts=most_parts)
        self._left = memoryview(b"")

    async def next(self) -> Any:
        while True:
            try:
                event = self._decoder.next_event()
            except (ValueError, AttributeError) as error:
                raise BadRequest("The multipart form is broken.") from error
            if not isinstance(event, NeedData):
                return event
            if not self._left:
                self._left = memoryview(await anext(self._body, b""))
            piece, self._left = bytes(self._left[:PIECE]), self._left[PIECE:]
            self._decoder.receive_data(piece or None)


async def parts_of(
    request: RequestLike, content_type: str, most_parts: int | None, most_memory: int | None
) -> AsyncIterator[Part]:
    """Give the parts of a multipart form as they come.

    :param most_parts: how many there may be
    :param most_memory: how many bytes a part may have that is no file
    :raises werkzeug.exceptions.RequestEntityTooLarge: 413, beyond either limit
    :raises werkzeug.exceptions.BadRequest: 400, if it is no multipart form, or a broken one
    """
    mimetype, options = parse_options_header(content_type)
    boundary = options.get("boundary", "").encode("latin-1", errors="replace")
    if mimetype != "multipart/form-data" or not boundary:
        raise BadRequest("The request has no multipart form: its Content-Type is not multipart/form-data.")
    decoder = _Decoder(aiter(IncomingBody(request)), boundary, most_parts)
    while not isinstance(event := await decoder.next(), Epilogue):
        if isinstance(event, (Field, File)):
            filename = event.filename if isinstance(event, File) else None
            content = _content(decoder, most_memory if filename is None else None)
            yield Part(event.name or "", filename, event.headers, content)
            async for _ in content:  # what the view has not read
                pass


async def _content(decoder: _Decoder, most: int | None) -> AsyncIterator[bytes]:
    size = 0
    while isinstance(event := await decoder.next(), Data):
        size += len(event.data)
        if most is not None and size > most:
            raise RequestEntityTooLarge()
        if event.data:
            yield event.data
        if not event.more_data:
            return
