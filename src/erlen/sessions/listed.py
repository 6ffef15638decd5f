"""A session as it stands in a list: on a page that shows users where they are signed in, or on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from msgspec import Struct

from erlen.sessions.record import Record

__all__ = ["SessionInfo"]


class SessionInfo(Struct, frozen=True):
    """What is known of a session without reading its fields. Times are aware datetimes in UTC."""

    handle: str
    """Its public name, ``session.sid``. It opens nothing."""
    user: str | None
    label: str | None
    """What it was called at login: the device, as far as the browser told."""
    created: datetime
    seen: datetime
    """The last visit, to a tenth of the idle time."""
    signed_in: datetime | None
    expires: datetime
    """When it ends if nobody comes any more."""
    permanent: bool
    current: bool = False
    """Whether it is the one of the present request."""

    @classmethod
    def of(cls, record: Record, current: bytes | None = None) -> Self:
        """Describe a stored session.

        :param current: the key of the present request's session
        """
        header = record.header
        return cls(
            handle=record.key.hex(),
            user=header.user,
            label=header.label,
            created=_moment(header.created),
            seen=_moment(header.seen),
            signed_in=None if header.auth_time is None else _moment(header.auth_time),
            expires=_moment(header.deadline),
            permanent=header.permanent,
            current=record.key == current,
        )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
