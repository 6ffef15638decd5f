"""One subscription: the messages that wait to be taken, up to a limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from erlen.broadcast.failures import SubscriberTooSlow
from erlen.loading import load

if TYPE_CHECKING:
    import asyncio

__all__ = ["Carrier", "Listener", "Subscription"]


class Listener(Protocol):
    """Brings messages to subscriptions."""

    async def enter(self, subscription: Subscription) -> None:
        """Begin to bring it messages; what is published after this returns is brought.

        :raises BroadcastUnavailable: if that cannot be promised; it has not entered then
        """

    async def leave(self, subscription: Subscription) -> None:
        """Bring it no more."""


class Carrier(Protocol):
    """One way for messages to come to those who listen."""

    def find_listener(self) -> Listener:
        """Return what brings messages to the running event loop."""

    async def publish(self, channel: str, raw: bytes) -> None:
        """Send a message to all who listen.

        :raises BroadcastUnavailable: if it cannot be sent
        """

    async def close(self) -> None:
        """End the subscriptions of the running event loop, and close its connections."""


class Subscription:
    """What :meth:`Broadcast.subscribe <erlen.broadcast.Broadcast.subscribe>` gives: messages, for ``async for``.

    :ivar channels: what is subscribed to
    :ivar channel: the channel of the message that was taken last; empty before the first
    """

    def __init__(self, find_listener: Callable[[], Listener], channels: tuple[str, ...], limit: int) -> None:
        self.channels = channels
        self.channel = ""
        self.loop: asyncio.AbstractEventLoop | None = None
        self._find_listener = find_listener
        self._limit = limit
        self._listener: Listener | None = None
        self._waiting: deque[tuple[str, str | bytes]] = deque()
        self._taker: asyncio.Future[None] | None = None
        self._over = False
        self._error: BaseException | None = None

    async def __aenter__(self) -> Subscription:
        if self.loop is not None:
            raise RuntimeError(
                "A subscription is entered once. Call broadcast.subscribe(...) again: async with "
                "broadcast.subscribe(...) as messages: ..."
            )
        self.loop = load("asyncio").get_running_loop()
        listener = self._find_listener()
        await listener.enter(self)
        self._listener = listener
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._waiting.clear()
        self.end()
        if self._listener is not None:
            await self._listener.leave(self)

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> str | bytes:
        """Wait for the next message and return it.

        :raises SubscriberTooSlow: if so many messages waited that one more would have been lost
        :raises BroadcastUnavailable: if the server refuses this channel after an outage
        """
        if self.loop is None:
            raise RuntimeError(
                "Messages come inside of the block: async with broadcast.subscribe(...) as messages: "
                "async for message in messages: ..."
            )
        while not self._waiting:
            if self._error is not None:
                raise self._error
            if self._over:
                raise StopAsyncIteration
            if self._taker is not None:
                raise RuntimeError(
                    "Two tasks wait for messages of one subscription, and each would get only some of them. Let each "
                    "task subscribe for itself."
                )
            self._taker = self.loop.create_future()
            try:
                await self._taker
            finally:
                self._taker = None
        self.channel, message = self._waiting.popleft()
        return message

    def put(self, channel: str, message: str | bytes) -> None:
        """Add a message. Called by listeners, on the loop of the subscription."""
        if self._over:
            return
        if len(self._waiting) >= self._limit:
            self.end(SubscriberTooSlow(self.channels, self._limit))
            return
        self._waiting.append((channel, message))
        self._wake()

    def end(self, error: BaseException | None = None) -> None:
        """Let the loop over the messages end once those that wait are taken, by *error* if there is one.

        Called by listeners, on the loop of the subscription.
        """
        if not self._over:
            self._over, self._error = True, error
            self._wake()

    def _wake(self) -> None:
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)
