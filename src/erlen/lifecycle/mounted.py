"""The life of a mounted ASGI application that is not Erlen's: its start and its end, by the lifespan protocol.

https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context as Variables
from logging import Logger
from typing import Any

from erlen.errors import ServingError
from erlen.lifecycle.tasks import quieten

__all__ = ["Lifespan"]

Message = dict[str, Any]
_PHASES = {
    "lifespan.startup.complete": "startup",
    "lifespan.startup.failed": "startup",
    "lifespan.shutdown.complete": "shutdown",
    "lifespan.shutdown.failed": "shutdown",
}


class Lifespan:
    """One life of *application*, in a task of its own from start to end.

    :param name: what it is called in messages
    :param state: what it puts in here its requests find in their scope
    """

    def __init__(
        self,
        application: Callable[[Message, Any, Any], Awaitable[None]],
        name: str,
        state: dict[str, Any],
        logger: Logger,
    ) -> None:
        self._name = name
        self._logger = logger
        self._loop = asyncio.get_running_loop()
        self._asked = 0
        self._knows = True
        #: The phases that have come to an end, with the reason where one has failed.
        self._ended: dict[str, str | None] = {}
        self._changed = asyncio.Event()
        self._stops = asyncio.Event()
        state.clear()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
        self._task = self._loop.create_task(self._run(application, scope), context=Variables())
        self._task.add_done_callback(lambda _: self._changed.set())
        quieten(self._task)

    async def start(self) -> bool:
        """Have it start, and tell whether it knows of starts and ends at all.

        :raises ServingError: if it says that it cannot
        """
        await self._until(lambda: "startup" in self._ended or self._task.done())
        if "startup" in self._ended:
            if self._ended["startup"] is not None:
                await self._leave()
                self._refuse("startup", "start")
            return True
        error = self._error()
        if error is not None and self._asked and self._knows:
            self._logger.warning(
                "%s is served without its start and end: it has raised an exception when it was told to start. An "
                "application that cannot start says so by 'lifespan.startup.failed'.",
                self._name,
                exc_info=error,
            )
        return False

    async def stop(self) -> None:
        """Have it end.

        :raises ServingError: if it says that it cannot, or has ended by an exception
        """
        self._stops.set()
        await self._until(lambda: "shutdown" in self._ended or self._task.done())
        await self._leave()
        if self._ended.get("shutdown") is not None or self._error() is not None:
            self._refuse("shutdown", "end")

    def _refuse(self, phase: str, what: str) -> None:
        cause = self._error()
        reason = self._ended.get(phase) or (f"{type(cause).__name__}: {cause}" if cause else "it does not say why")
        try:
            raise ServingError(f"{self._name} could not {what}: {reason}") from cause
        finally:
            del cause

    def _error(self) -> BaseException | None:
        return None if not self._task.done() or self._task.cancelled() else self._task.exception()

    async def _leave(self) -> None:
        """Let it come to its end; one that waits for another message is cancelled."""
        await self._until(
            lambda: self._asked > 2 or self._task.done() or (self._asked > 1 and not self._stops.is_set())
        )
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _until(self, condition: Callable[[], Any]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    # What the application calls.

    async def _run(self, application: Callable[[Message, Any, Any], Awaitable[None]], scope: Message) -> None:
        try:
            await application(scope, self._receive, self._send)
        except (SystemExit, KeyboardInterrupt) as error:  # it must not end the loop, with all that runs there
            raise RuntimeError(f"{self._name} has raised {error!r} in its start or end.") from error

    async def _receive(self) -> Message:
        self._asked += 1
        self._changed.set()
        if self._asked == 1:
            return {"type": "lifespan.startup"}
        await self._stops.wait()
        if self._asked > 2:
            await self._loop.create_future()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        phase = _PHASES.get(message["type"])
        if phase is None:
            self._knows = False  # it takes this for a request
            raise RuntimeError(f"{self._name} has answered {message['type']!r} to the start of the server.")
        self._ended[phase] = message.get("message", "") if message["type"].endswith("failed") else None
        self._changed.set()
