"""A response that is read as it is made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request

__all__ = ["StreamedResponse"]


class StreamedResponse:
    """What :meth:`AsyncClient.stream() <erlen.testing.AsyncClient.stream>` gives: ``async for`` gives the pieces.

    :param conversation: where the pieces come from
    :param begun: status and headers
    """

    def __init__(self, conversation: Any, begun: TestResponse) -> None:
        self._conversation = conversation
        #: The number of the status, such as 200.
        self.status_code: int = begun.status_code
        #: The status as a text: ``"200 OK"``.
        self.status: str = begun.status
        self.headers: Headers = begun.headers
        #: The type of the content, without its parameters.
        self.mimetype: str | None = begun.mimetype
        #: The request that was sent.
        self.request: Request = begun.request
        #: What was answered before, where redirects were followed.
        self.history: tuple[TestResponse, ...] = begun.history

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece: bytes | None = await self._conversation.next()
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def read(self) -> bytes:
        """Read the rest, and return it."""
        return b"".join([piece async for piece in self])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.status}]>"
