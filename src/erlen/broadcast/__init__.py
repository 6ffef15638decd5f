"""Messages to all who listen, in every worker and on every host: for chat rooms, notifications, live pages.

::

    from erlen.broadcast import Broadcast

    broadcast = Broadcast("redis://localhost:6379")

    async with broadcast.subscribe("news") as messages:
        async for message in messages:
            ...

    await broadcast.publish("news", "The shop is open.")
"""

from __future__ import annotations

from erlen.broadcast.failures import BroadcastUnavailable, SubscriberTooSlow
from erlen.broadcast.station import Broadcast
from erlen.broadcast.subscription import Subscription

__all__ = ["Broadcast", "BroadcastUnavailable", "SubscriberTooSlow", "Subscription"]
