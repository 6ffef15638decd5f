"""What happens once per process, before its first request is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from erlen.lifecycle.runner import Runner

__all__ = ["FirstRequest"]


class FirstRequest:
    """Lets one request run the functions while all others wait for it.

    If a function fails, that request fails with it, and the next one tries again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: threading.Event | None = None
        self._thread = 0
        self.done = False

    async def run(self, functions: list[Callable[[], Any]], runner: Runner) -> None:
        """Run *functions*, or wait until another request has."""
        while not self.done:
            with self._lock:
                running = self._running
                if running is None and not self.done:
                    self._running = threading.Event()
                    self._thread = threading.get_ident()
            if running is None:
                await self._run_here(functions, runner)
            elif runner.inline and self._thread == threading.get_ident():
                return  # a request that one of the functions makes would wait for itself
            else:
                await runner.wait(running)

    async def _run_here(self, functions: list[Callable[[], Any]], runner: Runner) -> None:
        if self.done:
            return
        try:
            for function in list(functions):
                result = function() if runner.inline else await runner.call(function)
                if hasattr(result, "__await__"):
                    await runner.settle(result)
            self.done = True
        finally:
            running, self._running = self._running, None
            if running is not None:
                running.set()
