"""A WebSocket of an ASGI application, seen from the client's end."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from erlen.testing.conversation import Application, Conversation, Message
from erlen.testing.failures import AsgiError

__all__ = ["SocketConversation"]

_NO_FRAME = 1006  # RFC 6455, section 7.4.1: the connection has ended without a close frame


class SocketConversation(Conversation):
    """One connection, from its handshake to its end.

    :param buffer: how many messages the application may send before the client takes one
    """

    def __init__(self, application: Application, scope: Message, buffer: int) -> None:
        #: The message that has accepted the handshake.
        self.accepted: Message | None = None
        #: The answer that has refused it: status, headers and body.
        self.refused: tuple[int, list[tuple[bytes, bytes]], bytes] | None = None
        #: Code and reason of the end, whoever has ended it.
        self.closed: tuple[int, str] | None = None
        self._may_answer = "websocket.http.response" in (scope.get("extensions") or {})
        self._asked = False
        self._has_closed = False
        self._buffer = buffer
        self._to_client: deque[str | bytes] = deque()
        self._to_application: deque[Message] = deque()
        self._answer: tuple[int, list[tuple[bytes, bytes]], bytes] | None = None
        super().__init__(application, scope)

    # What the application calls.

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "websocket.connect"}
        await self._until(lambda: self._to_application or self.closed or self.gone)
        if self._to_application and (self.gone or not self.closed):
            return self._to_application.popleft()
        code, reason = self.closed or (_NO_FRAME, "")
        return {"type": "websocket.disconnect", "code": code, "reason": reason}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if self._has_closed or self.refused:
            raise self._mistake(f"The application has sent {kind!r} after the end of the WebSocket.")
        self._refuse_if_gone()
        if self.accepted is None:
            self._shake(kind, message)
        elif kind == "websocket.send":
            found = [value for key in ("text", "bytes") if (value := message.get(key)) is not None]
            if len(found) != 1:
                raise self._mistake("'websocket.send' has to have either 'text' or 'bytes'.")
            self._to_client.append(found[0])
        elif kind == "websocket.close":
            self._has_closed = True
            self.closed = message.get("code", 1000), message.get("reason") or ""
        else:
            raise self._mistake(f"The application has sent {kind!r} on an open WebSocket.")
        self._note()
        await asyncio.sleep(0)  # one that sends for ever must not keep the loop for itself
        await self._until(lambda: self.gone or len(self._to_client) < self._buffer)

    def _shake(self, kind: str, message: Message) -> None:
        """Take the answer to the handshake."""
        if kind == "websocket.accept" and self._answer is None:
            self.accepted = message
        elif kind == "websocket.close" and self._answer is None:
            self.refused = 403, [], b""  # what a server makes of it
        elif kind == "websocket.http.response.start" and self._may_answer and self._answer is None:
            headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            self._answer = message["status"], headers, b""
        elif kind == "websocket.http.response.body" and self._answer is not None:
            status, headers, body = self._answer
            self._answer = status, headers, body + bytes(message.get("body", b""))
            if not message.get("more_body", False):
                self.refused = self._answer
        else:
            hint = "" if self._may_answer else " The client offers no extension 'websocket.http.response'."
            raise self._mistake(f"The application has sent {kind!r} in the handshake of a WebSocket.{hint}")

    # What the client calls.

    async def connect(self) -> None:
        """Wait for the answer to the handshake.

        :raises BaseException: what the application has ended with instead of an answer, or after a refusal
        """
        await self._until(lambda: self.accepted or self.refused or self.ended)
        if self.accepted is None:
            await self.wait()
            if self.refused is None:
                raise AsgiError("The application has ended without an answer to the handshake of the WebSocket.")

    async def take(self) -> str | bytes | None:
        """Return the next message; None if the connection has ended, and :attr:`closed` says how.

        :raises BaseException: what the application has ended with
        """
        await self._until(lambda: self._to_client or self.closed or self.ended)
        if self._to_client:
            message = self._to_client.popleft()
            self._note()
            return message
        if self.ended:
            self.raise_failure()
        self.closed = self.closed or (_NO_FRAME, "")
        return None

    def put(self, **content: Any) -> None:
        """Send a message: its ``text``, or its ``bytes``."""
        self._to_application.append({"type": "websocket.receive", **content})
        self._note()

    def hang_up(self, code: int, reason: str) -> None:
        """End the connection, unless it has ended."""
        if self.closed is None:
            self.closed = code, reason
            self.leave()
