"""The body of a request on a server with an event loop: fetched on the loop, read like any file.

Views read ``request.form``, ``.json``, ``.files`` and ``.stream`` without waiting, in plain and in async code. So the
body is fetched before they run, up to the limit that holds for it; what is large goes to a temporary file. A slow
client keeps nothing busy meanwhile but a coroutine.

A route with ``stream=True`` takes its body as it comes instead: nothing is fetched before somebody reads, and nothing
is kept. One piece is fetched ahead while the view waits for something else, because that is how a client that goes
away in the middle is noticed.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Coroutine
from tempfile import TemporaryFile
from typing import IO, Any, Protocol

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout

from erlen.errors import ErlenError

__all__ = ["BodyNotFetched", "BodyTimeout", "NO_BODY", "Receive", "RequestBody"]

#: Gives the next piece of a body and tells whether more follow. Raises ClientDisconnected if none can follow any more.
Receive = Callable[[], Awaitable[tuple[bytes, bool]]]


class Wait(Protocol):
    """What finishes a coroutine on the loop, for another thread that waits for it."""

    def __call__(self, work: Coroutine[Any, Any, None]) -> bool:
        """Wait for *work*, and tell whether it was finished; on the loop itself it is dropped."""

    def give_up(self) -> None:
        """Wait no more, for anything."""


#: From this many bytes on a body is kept in a temporary file: to write and read one costs several times as much.
SPOOL = 2 * 1024 * 1024


class BodyTimeout(RequestTimeout):
    """The 408 for a body that has not come in time. It ends the connection, on which the rest may still come."""

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        """Give the headers; ``Connection`` is one of HTTP/1 alone (RFC 9110, section 15.5.9)."""
        headers = super().get_headers(environ, scope)
        if environ is not None and environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1"):
            headers.append(("Connection", "close"))
        return headers


class BodyNotFetched(ErlenError, RuntimeError):
    """An async view of a route with ``stream=True`` has read its body by what cannot wait for it."""

    def __str__(self) -> str:
        return (
            "The route has stream=True, so its body is not there before the view, and request.form, request.json, "
            "request.get_data() and request.stream cannot wait for it on the event loop. Write: async for piece in "
            "request.body, or: async for part in request.parts(), or: await request.body; or take stream=True away."
        )


class RequestBody(io.RawIOBase):
    """A body that arrives on an event loop.

    :param receive: gives the next piece and tells whether more follow
    :param length: how long the body says it is, if it does
    :param wait: finishes a coroutine on the loop, called by another thread; on the loop itself it drops the coroutine
        and returns False. So plain code that reads on fetches what ``fill`` has left; else that is answered with 413
    """

    # What few requests need stands here until they do.
    #: The time of the loop at which it has to be there.
    deadline: float | None = None
    #: It was not there then, and is waited for no longer.
    late = False
    #: Pieces are handed on as they come, and not kept.
    streams = False
    #: For how many seconds the next piece of such a body is waited for.
    patience: float | None = None
    _rest = b""
    #: Where reading goes on in the pieces that are in memory.
    _next = 0
    _offset = 0
    _ahead: asyncio.Task[bytes] | None = None
    _readers = 0
    _told = False
    _taken: asyncio.Event

    def __init__(self, receive: Receive, length: int | None = None, wait: Wait | None = None) -> None:
        self._receive = receive
        self._length = length
        self._wait = wait
        self._file: IO[bytes] | None = None
        self._pieces: list[bytes] = []  # a small body needs no file
        self._position = 0
        self.size = 0
        #: No more will come.
        self.complete = length == 0
        #: The client went away before the end.
        self.broken = False

    def stream(self, patience: float | None = None) -> None:
        """Hand the body on as it comes from now on.

        :param patience: for how many seconds who reads waits for the next piece; None means for ever
        """
        self.streams, self.patience = True, patience
        self._taken = asyncio.Event()

    async def fill(self, limit: int | None) -> None:
        """Fetch the body, until its end or until it is longer than *limit* bytes; not at all if it says that it is."""
        if limit is None or self._length is None or self._length <= limit:
            await self._fetch(None if limit is None else limit + 1)

    async def _fetch(self, wanted: int | None) -> None:
        """Fetch until there are *wanted* bytes; None means all."""
        if self.deadline is None:
            await self._collect(wanted)
            return
        limit = asyncio.timeout_at(self.deadline)
        try:
            async with limit:
                await self._collect(wanted)
        except TimeoutError:
            if not limit.expired():
                raise
            self.late = self.complete = True
        finally:
            del limit  # it holds the task, which holds the exception that cancels it

    async def _collect(self, wanted: int | None) -> None:
        while not self.complete and (wanted is None or self.size < wanted):
            try:
                piece, more = await self._receive()
            except ClientDisconnected:
                self.broken = self.complete = True
                return
            self.complete = not more
            if piece:
                self._keep(piece)

    def _keep(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._file is None:
            self._pieces.append(piece)
            if self.size <= SPOOL:
                return
            self._file = TemporaryFile()  # noqa: SIM115 - it lives as long as the body
            self._file.writelines(self._pieces)
            self._pieces = []
            return
        self._file.seek(0, io.SEEK_END)
        self._file.write(piece)

    @property
    def bytes_arrived(self) -> int:
        """How many bytes are here: so many can be asked for at once, whatever a client has said."""
        return self.size

    def abandon(self) -> None:
        """Fetch no more; reading on is answered with 413."""
        self._wait = None

    def give_up(self) -> None:
        """Let a thread that waits for more go on: it is told that the client has gone. Called on the loop."""
        if self._wait is not None:
            self._wait.give_up()

    # As it comes.

    async def next_piece(self) -> bytes:
        """Return the next piece of a body that streams; empty at its end. A reader that is cancelled loses nothing.

        :raises werkzeug.exceptions.ClientDisconnected: 400, if the client went away before the end
        :raises werkzeug.exceptions.RequestTimeout: 408, if the piece did not come in time
        """
        rest, self._rest = self._rest, b""
        if rest:
            return rest
        while self._ahead is not None or not self.complete:
            fetching = self._look_ahead()
            self._readers += 1
            try:
                if not fetching.done():
                    await asyncio.wait([fetching], timeout=self.patience)
            finally:
                self._readers -= 1
            if not fetching.done():
                raise BodyTimeout()
            if self._ahead is fetching:
                self._ahead = None
            self._taken.set()
            piece = fetching.result()
            if piece:
                self.size += len(piece)
                return piece
        if self.broken or (self._length is not None and self.size < self._length):
            raise ClientDisconnected()
        return b""

    def _look_ahead(self) -> asyncio.Task[bytes]:
        if self._ahead is None:
            self._taken.clear()
            self._ahead = asyncio.ensure_future(self._receive_piece())
        return self._ahead

    async def _receive_piece(self) -> bytes:
        try:
            piece, more = await self._receive()
        except ClientDisconnected:
            self.broken = self.complete = True
            self._told = self._readers > 0
            return b""
        self.complete = not more
        return piece

    async def _pull(self) -> None:
        self._rest = await self.next_piece()

    async def departed(self, disconnected: Callable[[], Awaitable[None]]) -> None:
        """Return when the client has gone, in the middle of a body that streams or after it.

        Whoever waits for the next piece then is told by an exception, and this waits for ever.

        :param disconnected: returns when the client has gone, once the body is complete
        """
        while not self.broken and (self._ahead is not None or not self.complete):
            await asyncio.wait([self._look_ahead()])
            if not self.broken:
                await self._taken.wait()
        if self._told:
            await asyncio.get_running_loop().create_future()
        if not self.broken:
            await disconnected()

    def leave_off(self) -> None:
        """Stop fetching ahead: the request is over."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.cancel()

    # Read like any file.

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into *buffer* and return how many bytes were read; 0 means the end. Raises what ``read`` does."""
        piece = self._read_some(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to *size* bytes; all that are left without one.

        :raises werkzeug.exceptions.ClientDisconnected: 400, if the client went away before the end
        :raises werkzeug.exceptions.RequestTimeout: 408, if the rest did not come in time
        :raises werkzeug.exceptions.RequestEntityTooLarge: 413, if the rest was not fetched because of the limit
        """
        return self.readall() if size is None or size < 0 else self._read_some(size)

    def _read_some(self, wanted: int) -> bytes:
        if self.streams:
            return self._read_stream(wanted)
        if self._position + wanted > self.size and not self.complete:
            if self._wait is not None:
                self._wait(self._fetch(self._position + wanted))
            if self._position >= self.size and not self.complete:
                raise RequestEntityTooLarge()
        if self._file is None:
            piece = self._take(wanted)
        else:
            self._file.seek(self._position)
            piece = self._file.read(wanted)
        if not piece and wanted and self.broken:
            raise ClientDisconnected()
        if not piece and wanted and self.late:
            raise BodyTimeout()
        self._position += len(piece)
        return piece

    def _take(self, wanted: int) -> bytes:
        """Take up to *wanted* bytes of what is in memory; a piece as it is where it is just that."""
        taken: list[bytes] = []
        while wanted > 0 and self._next < len(self._pieces):
            piece = self._pieces[self._next]
            left = len(piece) - self._offset
            if left > wanted:
                taken.append(piece[self._offset : self._offset + wanted])
                self._offset += wanted
                break
            taken.append(piece[self._offset :] if self._offset else piece)
            wanted -= left
            self._next, self._offset = self._next + 1, 0
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def _read_stream(self, wanted: int) -> bytes:
        if not self._rest and wanted:
            work = self._pull()
            if self._wait is None or self._wait(work) is False:
                work.close()
                raise BodyNotFetched()
        piece, self._rest = self._rest[:wanted], self._rest[wanted:]
        return piece

    def close(self) -> None:
        """Let go of the temporary file."""
        if self._file is not None:
            self._file.close()
            self._file = None
        super().close()


class _NoBody(RequestBody):
    """Stands in every request that has no body: a file is dear to make and to end."""

    def close(self) -> None:
        """Stay open, for the others."""


async def _nothing() -> tuple[bytes, bool]:
    raise ClientDisconnected()


#: The body of requests that have none.
NO_BODY = _NoBody(_nothing, 0)
