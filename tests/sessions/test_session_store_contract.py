"""The contract of a session store, sentence by sentence, on every store."""

from __future__ import annotations

from typing import Any

from erlen.callables import drive
from erlen.sessions import Header, Record
from erlen.sessions.stores.memory import MemoryStore
from erlen.testing.store_contract import StoreContract


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
