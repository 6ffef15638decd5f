"""What broadcasting raises."""

from __future__ import annotations

from erlen.errors import ErlenError

__all__ = ["BroadcastUnavailable", "SubscriberTooSlow"]


class BroadcastUnavailable(ErlenError):
    """The server that carries the messages does not answer, or refuses what was asked.

    :ivar place: its address, without a password
    :ivar reason: what went wrong
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"Redis at {self.place} could not be used for broadcasting: {self.reason}. See that it runs there, and "
            "that the address given to Broadcast names the right place."
        )


class SubscriberTooSlow(ErlenError):
    """A subscription was ended because its messages were taken more slowly than others came.

    :ivar channels: what was subscribed to
    :ivar limit: how many messages were waiting
    """

    def __init__(self, channels: tuple[str, ...], limit: int) -> None:
        super().__init__(channels, limit)
        self.channels = channels
        self.limit = limit

    def __str__(self) -> str:
        names = ", ".join(map(repr, self.channels))
        return (
            f"The subscription to {names} was ended: {self.limit} messages were waiting when another one came, and "
            "none is dropped in silence. Do in the loop over the messages only what is quick, give Broadcast a larger "
            "limit=..., or catch SubscriberTooSlow, subscribe again and read what was missed from where it is stored."
        )
