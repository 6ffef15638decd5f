"""Clients of a server: a plain one for each process, an asynchronous one for each event loop of each process.

A connection must not be used on both sides of a fork, and one of asyncio belongs to the loop that it was made on.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit, urlunsplit

from erlen.errors import SessionUnavailable
from erlen.loading import load

__all__ = ["Clients", "place_of", "unavailable"]

Plain = TypeVar("Plain")
Looped = TypeVar("Looped")

_pid = os.getpid()
# Where Python is not told of each fork, the number of the process has to be asked for each time.
_UNTOLD = "uwsgi" in sys.modules or not hasattr(os, "register_at_fork")


def _note_process() -> None:
    global _pid
    _pid = os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_process)


class _Process(Generic[Plain, Looped]):
    """What belongs to one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.plain: Plain | None = None
        self.looped: weakref.WeakKeyDictionary[Any, tuple[Looped, AsyncGenerator[None, None]]] = (
            weakref.WeakKeyDictionary()
        )


class Clients(Generic[Plain, Looped]):
    """The clients of one store, made when they are first needed.

    :param connect: makes the plain client
    :param connect_looped: makes the asynchronous client of the running event loop
    :param close: closes a plain client
    :param close_looped: closes an asynchronous client
    """

    def __init__(
        self,
        connect: Callable[[], Plain],
        connect_looped: Callable[[], Looped],
        close: Callable[[Plain], object],
        close_looped: Callable[[Looped], Awaitable[object]],
    ) -> None:
        self._connect = connect
        self._connect_looped = connect_looped
        self._close = close
        self._close_looped = close_looped
        self._lock = threading.Lock()
        self._process: _Process[Plain, Looped] = _Process()
        # Kept, not closed: closing what was inherited would speak on the connection of the process we come from.
        self._inherited: list[_Process[Plain, Looped]] = []

    def _own(self) -> _Process[Plain, Looped]:
        if _UNTOLD:
            _note_process()
        process = self._process
        if process.pid != _pid:
            self._inherited.append(process)
            self._lock = threading.Lock()  # the old one may have been held at the fork
            process = self._process = _Process()
        return process

    def plain(self) -> Plain:
        """Return the client of this process."""
        process = self._process
        if process.pid != _pid or _UNTOLD:
            process = self._own()
        if process.plain is None:
            with self._lock:
                if process.plain is None:
                    process.plain = self._connect()
        return process.plain

    def looped(self, loop: Any = None) -> Looped:
        """Return the client of the running event loop.

        :param loop: that loop, if it is known
        """
        if loop is None:
            loop = load("asyncio").get_running_loop()
        process = self._own()
        found = process.looped.get(loop)
        if found is None:
            client = self._connect_looped()
            guard = _begun(_until_closed(process.looped, loop, client, self._close_looped))
            found = process.looped[loop] = client, guard
        return found[0]

    async def close(self) -> None:
        """Close the plain client and that of the running loop; those of other loops are closed when they end."""
        process, self._process = self._own(), _Process()
        if process.plain is not None:
            self._close(process.plain)
        asyncio = load("asyncio")
        loop = asyncio._get_running_loop()
        found = process.looped.get(loop) if loop is not None else None
        if found is not None:
            await found[1].aclose()


async def _until_closed(
    looped: MutableMapping[Any, Any], loop: Any, client: Looped, close: Callable[[Looped], Awaitable[object]]
) -> AsyncGenerator[None, None]:
    """Wait to be closed, as an event loop does with its generators when it ends, and close *client* then."""
    try:
        yield
    finally:
        looped.pop(loop, None)
        await close(client)


def _begun(guard: AsyncGenerator[None, None]) -> AsyncGenerator[None, None]:
    """Let *guard* come to its yield, before which it awaits nothing: from then on the running loop knows of it."""
    try:
        guard.__anext__().send(None)
    except StopIteration:
        return guard
    raise AssertionError("unreachable: nothing is awaited before the yield")


def place_of(url: str) -> str:
    """Return *url* without its password and its query, to be shown. ::

    place_of("redis://ann:secret@example.org/0?ssl=1")  # 'redis://ann@example.org/0'
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}@{host}" if name else host, query="", fragment=""))


def unavailable(name: str, place: str, error: BaseException, advice: str = "") -> SessionUnavailable:
    """Return the error for a server that does not answer.

    :param name: what it is, such as ``"Redis"``
    :param place: its address, without a password
    :param advice: what to do, in place of "See that it runs, and that SESSION_URL is right."
    """
    reason = str(error).strip().rstrip(".") or type(error).__name__
    hint = advice or "See that it runs there, and that SESSION_URL names the right place."
    return SessionUnavailable(f"{name} at {place} could not be used for sessions: {reason}. {hint}")
