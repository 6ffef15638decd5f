"""The contract of a session store, sentence by sentence, on every store."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from erlen.callables import drive
from erlen.sessions import Header, Record, SwappingStore
from erlen.sessions.record import pack, unpack
from erlen.sessions.stores.memory import MemoryStore
from erlen.testing.store_contract import Clock, StoreContract


class TestStore(StoreContract):
    """The tests that anybody can run against a store."""


def test_what_is_old_does_not_pile_up_in_memory(clock: Any) -> None:
    store = MemoryStore()
    store.clock = clock
    for number in range(3):
        key = bytes([number]) * 34
        drive(store.create(key, Record(key, Header(clock(), clock(), 10, clock() + 10, clock()), {"a": b"1"})))
        clock.turn(700)
    assert list(store._records) == [bytes([2]) * 34]


class LeastStore(SwappingStore[int]):
    """Does what has to be done and no more: it lists nothing."""

    abilities = frozenset({"write", "lease"})

    def __init__(self) -> None:
        self.held: dict[bytes, tuple[bytes, int]] = {}
        self.versions = itertools.count()

    async def read(self, key: bytes) -> tuple[Record, int] | None:
        if key not in self.held:
            return None
        data, version = self.held[key]
        return unpack(key, data), version

    async def swap(self, key: bytes, record: Record | None, tag: int) -> bool:
        if key not in self.held or self.held[key][1] != tag:
            return False
        if record is None:
            del self.held[key]
        else:
            self.held[key] = pack(record.header, record.fields), next(self.versions)
        return True

    async def put(self, key: bytes, record: Record) -> None:
        self.held[key] = pack(record.header, record.fields), next(self.versions)

    async def delete_all(self) -> int:
        self.held.clear()
        return 0


class TestLeastStore(StoreContract):
    """Three methods are enough for all but lists, and a fourth deletes all."""

    @pytest.fixture
    def store(self, clock: Clock) -> LeastStore:
        store = LeastStore()
        store.clock = clock
        return store
