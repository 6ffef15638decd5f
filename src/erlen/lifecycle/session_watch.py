"""What is open for a session for long is closed when the session ends: WebSockets, and streams of events.

A session that is ended in this process says so by a signal. One that another worker or host has ended is found by
looking: each session that something is open for is looked up in the store every ``SESSION_RECHECK_INTERVAL`` seconds.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from typing import Any

from erlen.config import seconds
from erlen.errors import SessionUnavailable
from erlen.signals import session_revoked, session_rotated

__all__ = ["SessionWatch", "Watched", "watch"]


class Watched:
    """Something that is open for a session.

    :param loop: the loop that it lives on
    :param close: called there, once, when the session has ended
    """

    __slots__ = ("close", "handle", "loop")

    def __init__(self, handle: str, loop: asyncio.AbstractEventLoop, close: Callable[[], Any]) -> None:
        self.handle = handle
        self.loop = loop
        self.close = close


async def watch(context: Any, close: Callable[[], Any]) -> Watched | None:
    """Have *close* called when the session of *context* has ended; None if there is no session that could.

    :param close: called on the loop that this runs on
    """
    app = context.app
    if app.session_interface is not None or context.session_mode == "none":
        return None
    if context._session is None:
        if context.request.cookie_header is None:
            return None
        await app.session_manager.load(context.session, early=True)
    if getattr(context._session._state, "header", None) is None:  # none is stored, or it is in the cookie itself
        return None
    handle = context._session.sid
    return None if handle is None else app._session_watch.add(handle, asyncio.get_running_loop(), close)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class SessionWatch:
    """Knows what is open for which session of *app*."""

    def __init__(self, app: Any) -> None:
        self._app = weakref.ref(app)  # it keeps this
        interval = app.config["SESSION_RECHECK_INTERVAL"]
        self._interval = None if interval is None else seconds(interval)
        self._lock = threading.Lock()
        self._open: dict[str, set[Watched]] = {}
        self._looking: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
        session_revoked.connect(self._revoked, sender=app)
        session_rotated.connect(self._rotated, sender=app)

    def add(self, handle: str, loop: asyncio.AbstractEventLoop, close: Callable[[], Any]) -> Watched:
        """Have *close* called on *loop*, from which this is called, when the session *handle* has ended."""
        watched = Watched(handle, loop, close)
        with self._lock:
            self._open.setdefault(handle, set()).add(watched)
        if self._interval is not None and loop not in self._looking:
            self._looking[loop] = loop.create_task(self._look(loop, self._interval))
        return watched

    def remove(self, watched: Watched) -> None:
        """Forget what has been closed. Called on its loop, or by another thread while the loop runs."""
        with self._lock:
            known = self._open.get(watched.handle)
            if known is not None:
                known.discard(watched)
                if not known:
                    del self._open[watched.handle]
            left = any(other.loop is watched.loop for others in self._open.values() for other in others)
        if not left:
            task = self._looking.pop(watched.loop, None)
            if task is not None and watched.loop is _running_loop():
                task.cancel()
            elif task is not None and not watched.loop.is_closed():
                watched.loop.call_soon_threadsafe(task.cancel)

    def _close(self, handle: str | None) -> None:
        with self._lock:
            if handle is None:
                gone = [watched for others in self._open.values() for watched in others]
            else:
                gone = list(self._open.get(handle, ()))
        for watched in gone:
            try:
                watched.loop.call_soon_threadsafe(watched.close)
            except RuntimeError:  # its loop is closed, and so is what was open there
                self.remove(watched)

    def _move(self, old: str, new: str) -> None:
        with self._lock:
            for watched in self._open.pop(old, ()):
                watched.handle = new
                self._open.setdefault(new, set()).add(watched)

    def _revoked(self, sender: Any, handle: str | None, **other: Any) -> None:
        self._close(handle)

    def _rotated(self, sender: Any, old: str, handle: str, reason: str, **other: Any) -> None:
        # After a login the browser is somebody else: what was opened before belongs to whom it was.
        if reason == "renewed":
            self._move(old, handle)
        else:
            self._close(old)

    async def _look(self, loop: asyncio.AbstractEventLoop, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            with self._lock:
                handles = [
                    handle for handle, others in self._open.items() if any(other.loop is loop for other in others)
                ]
            for handle in handles:
                await self._look_at(handle)

    async def _look_at(self, handle: str) -> None:
        app = self._app()
        if app is None:
            return
        manager = app.session_manager
        key = bytes.fromhex(handle)
        try:
            record = await manager.outage.ask(manager.store.load, key)
        except SessionUnavailable:  # a store that is down has ended nobody's session
            return
        except Exception:  # a broken record must not end the looking at all others
            app.logger.exception("A session could not be looked up; what is open for it stays open until it can be.")
            return
        if record is None or record.header.is_over(manager.clock()):
            self._close(handle)
        elif record.key != key:
            self._move(handle, record.key.hex())
