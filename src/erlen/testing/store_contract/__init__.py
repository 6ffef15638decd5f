"""The contract of a session store as tests: those that Erlen's own stores pass, for a store of your own. ::

class TestMyStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path, clock):
        store = MyStore(tmp_path)
        store.clock = clock
        yield store
        drive(store.close())
"""

from __future__ import annotations

from erlen.callables import drive
from erlen.testing.store_contract.asking import Clock
from erlen.testing.store_contract.changes import ChangesContract
from erlen.testing.store_contract.moves import MovesContract

__all__ = ["Clock", "StoreContract", "drive"]


class StoreContract(ChangesContract, MovesContract):
    """Tests for a store: subclass it under a name that begins with ``Test``, and give it the fixture ``store``.

    The store is new and empty for each test, and goes by the fixture ``clock``. What its ``abilities`` leave out is
    skipped.
    """
