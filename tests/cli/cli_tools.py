"""What the tests of this folder share: waiting for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(found: Callable[[], object], what: str | Callable[[], str], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():
            return
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds:g} s in vain for {what if isinstance(what, str) else what()}")
