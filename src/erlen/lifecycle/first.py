"""What happens once per process, before its first request is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from erlen.lifecycle.runner import Latch, Runner

__all__ = ["FirstRequest"]

#: Set while the functions run: a request that one of them sends must not wait for them.
_inside: ContextVar[FirstRequest | None] = ContextVar("erlen.first_request")


class FirstRequest:
    """Lets one request run the functions while all others wait for it.

    If a function fails, that request fails with it, and the next one tries again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Latch | None = None
        self.done = False

    async def run(self, functions: list[Callable[[], Any]], runner: Runner) -> None:
        """Run *functions*, or wait until another request has."""
        if _inside.get(None) is self:
            return
        while not self.done:
            with self._lock:
                running = self._running
                if running is None:
                    self._running = Latch()
            if running is None:
                await self._run_here(functions, runner)
            else:
                await runner.wait(running)

    async def _run_here(self, functions: list[Callable[[], Any]], runner: Runner) -> None:
        _inside.set(self)
        try:
            if not self.done:  # another request may have finished between the look and the claim
                for function in list(functions):
                    result = function() if runner.inline else await runner.call(function)
                    if hasattr(result, "__await__"):
                        await runner.settle(result)
            self.done = True
        finally:
            _inside.set(None)
            running, self._running = self._running, None
            running.open()  # type: ignore[union-attr]
