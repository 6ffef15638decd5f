"""What the tests of the contract ask a store, for a plain caller, and the clock that they turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from erlen.callables import drive
from erlen.sessions import Delta, Header, Merged, Record, SessionStore
from erlen.sessions.stores.swapping import SwappingStore

__all__ = [
    "KEY",
    "OTHER",
    "FOURTH",
    "THIRD",
    "Asking",
    "Clock",
    "fields",
    "load",
    "merge",
    "move",
    "needs_find",
    "needs_prune",
    "needs_scan",
    "scan",
]

KEY = b"\x01\x02" + b"k" * 32
OTHER = b"\x01\x02" + b"o" * 32
THIRD = b"\x01\x02" + b"t" * 32
FOURTH = b"\x01\x02" + b"f" * 32
"""All of one shard: a move keeps it."""


@dataclass
class Clock:
    """A clock that stands still until it is turned."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        """Let so many seconds go by."""
        self.now += seconds


class Asking:
    """The fixtures that all tests of the contract need; ``store`` comes from whoever runs them."""

    @pytest.fixture
    def clock(self) -> Clock:
        """A clock for the store."""
        return Clock()

    @pytest.fixture
    def keeps_notes(self, store: SessionStore) -> None:
        """Skip the test if the store keeps no notes of keys."""
        if type(store).note_key is SessionStore.note_key:
            pytest.skip("it keeps no notes of keys, as a store may")

    @pytest.fixture
    def create(self, store: SessionStore, clock: Clock) -> Any:
        """Return a function that creates a session with text fields."""

        def create(
            key: bytes = KEY, user: str | None = None, idle: float = 100, absolute: float = 1000, **fields: bytes
        ) -> Record:
            now = clock.now
            header = Header(now, now, idle, now + absolute, now, user=user)
            record = Record(key, header, dict(fields) or {"a": b"1"})
            drive(store.create(key, record))
            return record

        return create


def needs_find(store: SessionStore) -> None:
    """Skip the test if the store cannot list the sessions of a user."""
    if "find" not in store.abilities:
        pytest.skip("it cannot list the sessions of a user")


def needs_scan(store: SessionStore) -> None:
    """Skip the test if the store cannot list what it holds."""
    if "scan" not in store.abilities:
        pytest.skip("it cannot list what it holds")


def needs_prune(store: SessionStore) -> None:
    """Skip the test if the store's server deletes what is over by itself."""
    swapping = isinstance(store, SwappingStore) and type(store).keys is SwappingStore.keys
    if type(store).prune in (SessionStore.prune, *([SwappingStore.prune] if swapping else [])):
        pytest.skip("its server deletes what is over by itself")


def load(store: SessionStore, key: bytes = KEY, touch: bool = False) -> Record | None:
    """Return the session under *key*."""
    return drive(store.load(key, touch))


def fields(store: SessionStore, key: bytes = KEY) -> dict[str, bytes] | None:
    """Return the fields of the session under *key*, or None if there is none."""
    record = load(store, key)
    return None if record is None else record.fields


def merge(store: SessionStore, key: bytes = KEY, **changes: Any) -> Merged:
    """Merge a delta with these *changes*."""
    return drive(store.merge(key, Delta(**changes)))


def move(store: SessionStore, old: bytes = KEY, new: bytes = OTHER, grace: float = 0, **changes: Any) -> Merged:
    """Move a session, with a delta of these *changes*."""
    return drive(store.move(old, new, Delta(**changes), grace))


def scan(store: SessionStore) -> dict[bytes, dict[str, bytes]]:
    """Return the fields of all sessions."""

    async def collect() -> dict[bytes, dict[str, bytes]]:
        return {record.key: record.fields async for record in store.scan()}

    return drive(collect())
