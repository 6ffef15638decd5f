"""The class that applications make one of."""

from __future__ import annotations

from erlen.broadcast.memory import MemoryCarrier
from erlen.broadcast.subscription import Carrier, Subscription
from erlen.broadcast.wire import encode
from erlen.errors import ConfigError, MissingExtra, nearest
from erlen.loading import load

__all__ = ["Broadcast"]

_KEY = "Broadcast(url)"
_MEMORY = "memory"
_REDIS = ("redis", "rediss", "valkey", "valkeys", "unix", "redis+cluster", "redis+sentinel")
_REDIS_ALSO = tuple(
    f"{scheme}+{kind}" for scheme in ("rediss", "valkey", "valkeys") for kind in ("cluster", "sentinel")
)
_THERE = (
    "Write 'memory://' for one process, or the address of a Redis or Valkey server that all workers reach: "
    "'redis://user:password@host:6379', 'rediss://…' for TLS, 'unix:///run/redis.sock'."
)


class Broadcast:
    """Carries messages to all who have subscribed to a channel, in every worker and on every host.

    :param url: ``"memory://"`` reaches the subscribers of this process alone; ``"redis://host:6379"``, ``"rediss://"``,
        ``"valkey://"``, ``"unix://"``, ``"redis+cluster://"`` or ``"redis+sentinel://"`` all that use the same server.
        ``?socket_timeout=2`` at its end: how many seconds the server may take to answer, 5 by default
    :param prefix: what the names of channels begin with in Redis
    :param limit: how many messages wait for one subscriber before it is ended by :class:`SubscriberTooSlow`
    :raises ConfigError: if the address cannot be used
    :raises MissingExtra: if it needs redis-py, and that is not installed
    """

    def __init__(self, url: str = "memory://", *, prefix: str = "erlen:broadcast:", limit: int = 100) -> None:
        if type(limit) is not int or limit < 1:
            raise ConfigError("Broadcast(limit)", f"{limit!r} is no number of messages.", "Write one of 1 or more.")
        self._limit = limit
        self._carrier = _carrier_of(url, prefix)

    async def publish(self, channel: str, message: str | bytes) -> None:
        """Send a message to all who have subscribed to *channel*. Plain code calls it through ``app.async_to_sync``.

        :param message: subscribers get ``str`` for ``str``, and ``bytes`` for ``bytes``
        :raises BroadcastUnavailable: if the server does not answer
        :raises TypeError: for a message that is neither, or a channel that is no text
        """
        await self._carrier.publish(_checked(channel), encode(message))

    def subscribe(self, *channels: str) -> Subscription:
        """Return a subscription to one channel or several, to be entered by ``async with``.

        Whatever is published after the block was entered is received, in its order::

            async with broadcast.subscribe("news") as messages:
                async for message in messages:
                    ...

        Entering raises :class:`BroadcastUnavailable` if the server does not answer.

        :raises TypeError: for a channel that is no text, or none at all
        """
        if not channels:
            raise TypeError("There is no channel to subscribe to. Write: broadcast.subscribe('news')")
        return Subscription(self._carrier.find_listener, tuple(map(_checked, channels)), self._limit)

    async def close(self) -> None:
        """End the subscriptions of the running event loop, whose loops over messages end, and close its connections.

        The loop does it itself when it ends. The object can be used again afterwards.
        """
        await self._carrier.close()


def _checked(channel: str) -> str:
    if not isinstance(channel, str):
        raise TypeError(
            f"A channel is named by a text, and this is a {type(channel).__name__}: {channel!r:.100}. Write for "
            "instance: f'room:{number}'"
        )
    return channel


def _carrier_of(url: str, prefix: str) -> Carrier:
    if not isinstance(url, str):
        raise ConfigError(_KEY, f"It is no text but a {type(url).__name__}.", _THERE)
    scheme, separator, _ = url.strip().partition("://")
    scheme = scheme.lower()
    if separator and scheme == _MEMORY:
        return MemoryCarrier()
    if not separator or scheme not in _REDIS + _REDIS_ALSO:
        guess = nearest(scheme.partition(":")[0], (_MEMORY, *_REDIS))
        hint = f" Did you mean '{guess}://'?" if guess else ""
        # Without a scheme the beginning may be that of a password.
        raise ConfigError(_KEY, f"{f'It begins with {scheme!r}.' if separator else 'It has no scheme.'}{hint}", _THERE)
    try:
        redis = load("erlen.broadcast.redis")
    except ImportError as error:
        raise MissingExtra(f"Broadcast('{scheme}://…')", "redis") from error
    try:
        carrier: Carrier = redis.RedisCarrier(url, prefix)
    except ConfigError as error:
        raise ConfigError(_KEY, error.problem, error.cure) from None
    return carrier
