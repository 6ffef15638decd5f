"""The life of a server in a test: start-up and shutdown by the lifespan protocol of ASGI."""

from __future__ import annotations

from typing import Any

from erlen.testing.conversation import Application, Conversation, Message
from erlen.testing.failures import LifespanFailed

__all__ = ["Lifespan"]


class Lifespan(Conversation):
    """One life of *application*. What it puts into ``state`` its requests see.

    :param extra: added to the scope
    """

    def __init__(self, application: Application, extra: dict[str, Any]) -> None:
        self.state: dict[str, Any] = {}
        self._asked = 0
        self._done: set[str] = set()
        self._refused: dict[str, str] = {}
        self._stopping = False
        asgi = {"version": "3.0", "spec_version": "2.0"}
        super().__init__(application, {"type": "lifespan", "asgi": asgi, "state": self.state, **extra})

    async def _receive(self) -> Message:
        self._asked += 1
        if self._asked == 1:
            return {"type": "lifespan.startup"}
        self._note()
        await self._until(lambda: self._stopping and self._asked == 2)
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        word, _, phase_end = message["type"].partition(".")
        phase, _, outcome = phase_end.partition(".")
        if word != "lifespan" or phase not in ("startup", "shutdown") or outcome not in ("complete", "failed"):
            raise self._mistake(f"The application has sent {message['type']!r}, which is no message of a lifespan.")
        if outcome == "failed":
            self._refused[phase] = message.get("message", "")
        else:
            self._done.add(phase)
        self._note()

    async def start(self) -> None:
        """Have the application start.

        :raises LifespanFailed: if it cannot
        """
        await self._finish("startup")

    async def stop(self) -> None:
        """Have the application end.

        :raises LifespanFailed: if it cannot, or has failed since its start
        """
        self._stopping = True
        self._note()
        await self._finish("shutdown")

    async def _finish(self, phase: str) -> None:
        try:
            await self._until(lambda: phase in self._done or phase in self._refused or self.ended)
            if phase in self._done and phase == "startup":
                return
            await self._until(lambda: self.ended or self._asked > 2 or (phase == "startup" and self._asked > 1))
        finally:
            if not self.ended and (phase not in self._done or phase == "shutdown"):
                self._task.cancel()  # it waits for what will never come
                await self._until(lambda: self.ended)
                self._failures = [error for error in self._failures if isinstance(error, Exception)]
        cause = self._failures[0] if self._failures else None
        self._failures.clear()
        if phase in self._refused:
            reason = self._refused[phase] or (f"{type(cause).__name__}: {cause}" if cause else "it does not say why.")
        elif cause is not None:
            reason = f"{type(cause).__name__}: {cause}"
        elif phase == "startup":
            reason = (
                "it has ended without 'lifespan.startup.complete'. If it knows no lifespan, write "
                "app.async_test_client(lifespan=False)."
            )
        else:
            return
        try:
            raise LifespanFailed(phase, reason) from cause
        finally:
            del cause
