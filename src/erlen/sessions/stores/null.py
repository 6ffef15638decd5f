"""No sessions at all: reading finds an empty one, and a change says how to configure a store."""

from __future__ import annotations

from typing import ClassVar

from erlen.sessions.record import REFUSED, Delta, Merged, Record
from erlen.sessions.stores.base import SessionStore

__all__ = ["NullStore"]


class NullStore(SessionStore):
    """Keeps nothing. The session refuses a change before it comes here, so that the error names the line."""

    abilities: ClassVar[frozenset[str]] = frozenset()

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        """Find nothing."""
        return None

    async def create(self, key: bytes, record: Record) -> None:
        """Keep nothing."""
        return None

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        """Refuse."""
        return REFUSED

    async def move(self, old: bytes, new: bytes, delta: Delta, grace: float = 0) -> Merged:
        """Refuse."""
        return REFUSED

    async def delete(self, key: bytes) -> None:
        """Find nothing to delete."""
        return None

    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        """Find nothing to lease."""
        return None
