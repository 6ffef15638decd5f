"""How many sessions there are and what they are like, counted in one scan."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from msgspec import Struct

from erlen.sessions.stores.base import SessionStore

__all__ = ["SessionStatistics", "statistics_of"]

_HOUR, _DAY = 3600.0, 86_400.0


class SessionStatistics(Struct):
    """All sessions of a store at a glance. Times are aware datetimes in UTC, or None if there is no session."""

    sessions: int = 0
    signed_in: int = 0
    users: int = 0
    permanent: int = 0
    oldest: datetime | None = None
    """When the oldest one was created."""
    newest: datetime | None = None
    seen_last_hour: int = 0
    """How many were noted as seen within an hour: that is noted once in a tenth of the idle time."""
    seen_last_day: int = 0
    bytes: int = 0
    """The size of all fields together, as they are stored."""


async def statistics_of(store: SessionStore) -> SessionStatistics:
    """Count the sessions of *store*."""
    now, counted = store.clock(), SessionStatistics()
    users: set[str] = set()
    first, last = math.inf, 0.0
    async for record in store.scan():
        header = record.header
        counted.sessions += 1
        counted.permanent += header.permanent
        counted.seen_last_hour += header.seen > now - _HOUR
        counted.seen_last_day += header.seen > now - _DAY
        counted.bytes += sum(map(len, record.fields.values()))
        if header.user is not None:
            counted.signed_in += 1
            users.add(header.user)
        first, last = min(first, header.created), max(last, header.created)
    counted.users = len(users)
    if counted.sessions:
        counted.oldest, counted.newest = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)
    return counted
