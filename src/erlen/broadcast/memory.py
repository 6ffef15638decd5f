"""Messages within one process: from any of its threads and event loops to any other."""

from __future__ import annotations

import os
import threading

from erlen.broadcast.subscription import Subscription
from erlen.broadcast.wire import decode
from erlen.loading import load

__all__ = ["MemoryCarrier"]


class MemoryCarrier:
    """Brings messages to the subscriptions of this process."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        # A dict for its order: who subscribed first is told first.
        self._channels: dict[str, dict[Subscription, None]] = {}

    def _own(self) -> dict[str, dict[Subscription, None]]:
        if self._pid != os.getpid():  # the subscriptions are those of the process that we were forked from
            self._begin()
        return self._channels

    def find_listener(self) -> MemoryCarrier:
        """Return itself: it serves all loops."""
        return self

    async def enter(self, subscription: Subscription) -> None:
        """Begin to bring it messages."""
        channels = self._own()
        with self._lock:
            for channel in subscription.channels:
                channels.setdefault(channel, {})[subscription] = None

    async def leave(self, subscription: Subscription) -> None:
        """Bring it no more."""
        channels = self._own()
        with self._lock:
            for channel in subscription.channels:
                subscribed = channels.get(channel, {})
                subscribed.pop(subscription, None)
                if not subscribed:
                    channels.pop(channel, None)

    async def publish(self, channel: str, raw: bytes) -> None:
        """Bring a message to all who listen, and give those on this loop the time to take it."""
        asyncio = load("asyncio")
        channels = self._own()
        message = decode(raw)
        # The lock is held until all are told, and nobody is told in another way: so the messages of all threads come to
        # all in one order.
        with self._lock:
            for subscription in channels.get(channel, {}):
                _tell(subscription, channel, message)
        await asyncio.sleep(0)

    async def close(self) -> None:
        """End the subscriptions of the running event loop."""
        here = load("asyncio").get_running_loop()
        channels = self._own()
        with self._lock:
            found = {each for subscribed in channels.values() for each in subscribed if each.loop is here}
        for subscription in found:
            subscription.end()
            await self.leave(subscription)


def _tell(subscription: Subscription, channel: str, message: str | bytes) -> None:
    assert subscription.loop is not None, "it has entered"
    try:
        subscription.loop.call_soon_threadsafe(subscription.put, channel, message)
    except RuntimeError:  # its loop was closed without letting it leave
        pass
