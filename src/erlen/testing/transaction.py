"""A session that an async test opens from outside of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

from erlen.context import Context
from erlen.current import current
from erlen.lifecycle.portal import LoopRunner
from erlen.lifecycle.start import begin
from erlen.lifecycle.teardown import end

__all__ = ["OpenSession"]

T = TypeVar("T")


class OpenSession:
    """The session of a made-up request: what its store takes time for is awaited, what is plain runs in a thread.

    :param app: the application
    :param context: the context of the request
    """

    def __init__(self, app: Any, context: Context) -> None:
        self._app = app
        self._context = context
        self._runner = LoopRunner(asyncio.get_running_loop(), app)
        self._interface = app.session_interface

    async def begin(self) -> Any:
        """Open the session and return it.

        :raises RuntimeError: if a foreign session interface gives none
        """
        return await self._inside(self._begin)

    async def _begin(self) -> Any:
        app, context = self._app, self._context
        context._began = True
        await self._runner.call(begin, app, context)
        if self._interface is None:
            session = context.session
            await app.session_manager.load(session)
        else:  # asked itself: a context that was given no session has a null session in its place
            session = await self._runner.call(self._interface.open_session, app, context.request)
            if session is None:
                raise RuntimeError("Session backend did not open a session. A session in a cookie needs SECRET_KEY.")
            context.session = session
        return session

    async def save(self) -> list[tuple[str, str]]:
        """Save the session, and return the headers that tell the browser."""
        return await self._inside(self._save)

    async def _save(self) -> list[tuple[str, str]]:
        app, session = self._app, self._context.session
        response = app.response_class()
        if self._interface is None:
            saved = await app.session_manager.save(session)
            self._context.session_mode = "done"
            if saved is not None and saved.cookie is not None:
                response.headers.add("Set-Cookie", saved.cookie)
        elif not self._interface.is_null_session(session):
            await self._runner.call(self._interface.save_session, app, session, response)
        return list(response.headers)

    async def end(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Tear the request down."""
        try:
            await self._inside(lambda: end(self._app, self._context, error, self._runner))
        finally:
            self._runner.release()

    async def _inside(self, work: Callable[[], Awaitable[T]]) -> T:
        previous = current.get(None)
        current.set(self._context)
        try:
            return await work()
        finally:
            current.set(previous)
