"""What the async test client raises besides the exceptions of the application."""

from __future__ import annotations

from werkzeug.test import TestResponse

from erlen.errors import ErlenError

__all__ = ["AsgiError", "LifespanFailed", "SocketClosed", "SocketRejected"]


class AsgiError(ErlenError, RuntimeError):
    """The application has sent what ASGI does not allow there, or has ended too early."""


class LifespanFailed(ErlenError, RuntimeError):
    """The application could not start, or not end in order. Its cause, where there is one, is ``__cause__``."""

    def __init__(self, phase: str, reason: str) -> None:
        super().__init__(phase, reason)
        #: ``"startup"`` or ``"shutdown"``.
        self.phase = phase
        #: What the application says about it.
        self.reason = reason

    def __str__(self) -> str:
        return f"The application has failed at its {self.phase}: {self.reason}"


class SocketClosed(ErlenError, ConnectionError):
    """The connection has ended, so that nothing can be received or sent."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        #: The code of RFC 6455, section 7.4; 1006 is an end without a word.
        self.code = code
        #: What the side that has closed it says about it, or an empty text.
        self.reason = reason

    def __str__(self) -> str:
        return f"The WebSocket is closed, with the code {self.code}{f': {self.reason}' if self.reason else '.'}"


class SocketRejected(ErlenError, ConnectionError):
    """The application has refused the handshake of a WebSocket."""

    def __init__(self, path: str, response: TestResponse) -> None:
        super().__init__(path, response)
        #: The path that was asked for.
        self.path = path
        #: The answer in its place: ``status_code``, ``headers``, ``text``, ``json``.
        self.response = response

    def __str__(self) -> str:
        return f"The WebSocket {self.path!r} was refused with {self.response.status}."
