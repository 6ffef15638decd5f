"""What happens while a store does not answer: one line in the log for the outage, and nobody waits in vain."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from erlen.errors import SessionUnavailable

__all__ = ["Outage"]

log = logging.getLogger("erlen.sessions")

P = ParamSpec("P")
T = TypeVar("T")

# A store that lets everybody wait is asked again once in so many seconds; one that refuses at once, by each request.
_ASK_AGAIN = 1.0


class Outage:
    """Whether one store answers, as far as the requests of this process have seen.

    :param timeout: seconds that one command may take; None if the store is not on a server, and never lets requests
        wait because it is gone
    """

    __slots__ = ("_ask_again", "_last", "_lock", "_lost", "_slow", "since")

    def __init__(self, timeout: float | None) -> None:
        self._slow = math.inf if timeout is None else timeout / 2
        self.since: float | None = None
        """When it began, by ``time.monotonic()``; None while the store answers."""
        self._lock = threading.Lock()  # for what is seldom done: to note that an outage begins or ends
        self._lost = 0
        self._last = ""
        self._ask_again = 0.0

    async def ask(self, command: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the store's *command* returns.

        :raises SessionUnavailable: if the store does not answer, or has just let another request wait in vain
        """
        if self.since is not None:
            self.check()
        began = time.monotonic()
        try:
            answer = await command(*args, **kwargs)
        except SessionUnavailable as error:
            self.failed(error, began)
            raise
        if self.since is not None:
            self.answered()
        return answer

    def check(self) -> None:
        """Raise what the last request was told, if that was a moment ago and took long."""
        if time.monotonic() < self._ask_again:
            self._lost += 1
            raise SessionUnavailable(self._last)

    def failed(self, error: SessionUnavailable, began: float) -> None:
        """Note that a command which *began* at that moment was not answered; the first of an outage is logged."""
        now = time.monotonic()
        self._lost += 1
        self._last = str(error)
        if now - began >= self._slow:
            self._ask_again = now + _ASK_AGAIN
        with self._lock:
            begins = self.since is None
            if begins:
                self.since = now
        if begins:
            log.error("The session store does not answer. This is logged once, until it answers again. %s", self._last)

    def answered(self) -> None:
        """Note that the store answers again."""
        with self._lock:
            since, lost = self.since, self._lost
            self.since, self._lost, self._ask_again = None, 0, 0.0
        if since is not None:
            seconds = time.monotonic() - since
            log.warning("The session store answers again, after %.1f s and %d commands without answer.", seconds, lost)
