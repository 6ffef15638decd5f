"""An ASGI application called on the running loop: what passes between it and the async test client.

The client and the application are two tasks of one loop. Whichever has to wait for the other says for what, and is
woken when anything has changed. No time limit is set: a test that waits for ever has found something.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import copy_context
from typing import Any

from erlen.testing.failures import AsgiError

__all__ = ["Conversation", "HttpConversation"]

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
Message = dict[str, Any]


class Conversation:
    """One call of *application*, which runs in a task of its own, in a copy of the caller's context variables."""

    def __init__(self, application: Application, scope: Message) -> None:
        #: The application has ended, well or not.
        self.ended = False
        #: The client has gone.
        self.gone = False
        self._waiting: list[asyncio.Future[None]] = []
        #: What went wrong, in the order in which it counts: the client's part, a mistake in ASGI, the application.
        self._failures: list[BaseException] = []
        self._refusal: OSError | None = None
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(application, scope))

    async def _run(self, application: Application, scope: Message) -> None:
        try:
            await application(scope, self._receive, self._send)
        except asyncio.CancelledError as error:
            self._failures.append(error)
        except BaseException as error:  # raised where the test waits, not by the loop
            if error is not self._refusal and error not in self._failures:
                self._failures.append(error)
        finally:
            self.ended = True
            self._note()

    async def _receive(self) -> Message:
        raise NotImplementedError

    async def _send(self, message: Message) -> None:
        raise NotImplementedError

    def _note(self) -> None:
        """Have everybody who waits look again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def _until(self, condition: Callable[[], Any]) -> None:
        while not condition():
            future: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(future)
            await future

    def _mistake(self, text: str) -> AsgiError:
        error = AsgiError(text)
        self._failures.insert(0, error)  # told to the test, even where the application catches it
        return error

    def _refuse_if_gone(self) -> None:
        if self.gone:
            self._refusal = self._refusal or OSError("The client has gone.")  # as ASGI 2.4 wants it
            raise self._refusal

    def leave(self) -> None:
        """Tell the application that the client has gone."""
        self.gone = True
        self._note()

    async def wait(self) -> None:
        """Wait until the application has ended.

        :raises BaseException: what it has ended with
        """
        await self._until(lambda: self.ended)
        self.raise_failure()

    def raise_failure(self) -> None:
        """Raise what went wrong, once."""
        if self._failures:
            error = self._failures[0]
            self._failures.clear()
            try:
                raise error
            finally:
                del error

    async def abandon(self, error: BaseException | None = None) -> None:
        """Leave, and wait until the application has ended. If that is cancelled, the application is cancelled too.

        :param error: what the test fails with; if the application fails with another one, a note tells of it
        :raises BaseException: what the application has ended with, if the test does not fail
        """
        self.leave()
        try:
            await self._until(lambda: self.ended)
        except asyncio.CancelledError:
            self._task.cancel()
            await self._until(lambda: self.ended)
            self._failures.clear()
            raise
        if error is None:
            self.raise_failure()
            return
        for failure in self._failures:
            if failure is not error:
                error.add_note(f"The application has failed too: {type(failure).__name__}: {failure}")
        self._failures.clear()


class HttpConversation(Conversation):
    """One request and its response.

    :param pieces: the body of the request, whole
    :param source: what gives the body piece by piece, in place of *pieces*; it is asked when the application is
    """

    def __init__(
        self, application: Application, scope: Message, pieces: list[bytes], source: AsyncIterator[bytes] | None
    ) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        #: The last piece of the response has been sent.
        self.complete = False
        self._wants_body = scope["method"] != "HEAD"
        self._arrived: deque[bytes] = deque()
        self._pieces = deque(pieces or [b""])
        self._source = source
        self._pull: asyncio.Task[Message] | None = None
        self._variables = copy_context()  # those of the test: its generator is no part of the request
        super().__init__(application, scope)

    # What the application calls.

    async def _receive(self) -> Message:
        if self._source is not None:
            if self._pull is None:
                self._pull = self._loop.create_task(self._next_piece(self._source), context=self._variables)
                self._pull.add_done_callback(lambda _: self._note())
            pull = self._pull
            await self._until(lambda: pull.done() or self.gone)
            if self.gone or pull.cancelled():
                return {"type": "http.disconnect"}
            if self._pull is pull:
                self._pull = None
            return pull.result()
        if self._pieces:
            piece = self._pieces.popleft()
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}
        await self._until(lambda: self.gone or self.complete)
        return {"type": "http.disconnect"}

    async def _next_piece(self, source: AsyncIterator[bytes]) -> Message:
        try:
            piece = await anext(source)
            if not isinstance(piece, (bytes, bytearray, memoryview)):
                raise TypeError(
                    f"data has given {piece!r}, and the body of a request is sent as bytes: write text.encode()."
                )
        except StopAsyncIteration:
            self._source = None
            self._pieces.clear()
            return {"type": "http.request", "body": b"", "more_body": False}
        except Exception as error:  # the test's own: the client breaks off in the middle
            self._failures.insert(0, error)
            self.leave()
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": bytes(piece), "more_body": True}

    async def _send(self, message: Message) -> None:
        self._refuse_if_gone()
        kind = message["type"]
        if kind == "http.response.start":
            if self.status:
                raise self._mistake("The application has sent 'http.response.start' twice.")
            self.status = message["status"]
            self.headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            self._note()
            return
        if kind not in ("http.response.body", "http.response.pathsend"):
            raise self._mistake(f"The application has sent {kind!r}, which is no message of an ASGI response.")
        if not self.status:
            raise self._mistake(f"The application has sent {kind!r} before 'http.response.start'.")
        if self.complete:
            raise self._mistake(f"The application has sent {kind!r} after the end of its response.")
        if kind == "http.response.pathsend":
            with open(message["path"], "rb") as file:
                piece = file.read()
        else:
            piece = bytes(message.get("body", b""))
        self.complete = not message.get("more_body", False)
        if piece and self._wants_body:
            self._arrived.append(piece)
        self._note()
        if not self.complete:
            await asyncio.sleep(0)  # an endless body must not keep the loop for itself
            await self._until(lambda: self.gone or not self._arrived)

    # What the client calls.

    async def start(self) -> None:
        """Wait for status and headers.

        :raises BaseException: what the application has ended with before it sent them
        """
        await self._until(lambda: self.status or self.ended or self.gone)
        if not self.status:
            await self._until(lambda: self.ended)
            self.raise_failure()
            raise AsgiError("The application has ended without a response.")

    async def next(self) -> bytes | None:
        """Return the next piece of the response; None is its end.

        :raises BaseException: what the application has ended with in the middle
        """
        await self._until(lambda: self._arrived or self.complete or self.ended or self.gone)
        if self._arrived:
            piece = self._arrived.popleft()
            self._note()
            return piece
        if not self.complete:
            await self._until(lambda: self.ended)
            self.raise_failure()
            raise AsgiError("The application has ended in the middle of its response: more_body was the last it said.")
        return None

    async def close(self) -> None:
        """End what gives the body of the request."""
        source, self._source = self._source, None
        if self._pull is not None:
            self._pull.cancel()
            await asyncio.wait([self._pull])
        if source is not None and hasattr(source, "aclose"):
            await self._loop.create_task(source.aclose(), context=self._variables)
