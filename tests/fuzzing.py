"""How many cases the fuzz tests try, and which.

Without a word each property tries a few, the same ones in every run. With ``ERLEN_FUZZ_CASES`` in the environment it
tries that many, others in every run, and is marked ``soak``::

    ERLEN_FUZZ_CASES=4100 python3 dev.py test -m soak -n auto
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

ASKED = os.environ.get("ERLEN_FUZZ_CASES")

#: The name of the property of a report that says how many cases a test has tried.
TRIED = "fuzz_cases"

#: How many cases each property has tried in this process.
tried: Counter[str] = Counter()


def cases(usual: int, share: float = 1.0) -> settings:
    """Return the settings of a property.

    :param usual: how many cases it tries in every run
    :param share: how many of the cases asked for it tries, where cases are dear or cheap
    """
    return settings(
        max_examples=usual if ASKED is None else max(1, int(int(ASKED) * share)),
        derandomize=ASKED is None,
        database=None,
        # No case takes a hundredth of it: what takes that long hangs.
        deadline=timedelta(seconds=30),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def fuzzed(
    usual: int, *arguments: Any, share: float = 1.0, **named: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a property of a test: *arguments* and *named* are strategies, as for ``hypothesis.given``."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def counted(*given_arguments: Any, **given_named: Any) -> None:
            tried[test.__name__] += 1
            test(*given_arguments, **given_named)

        decorated = cases(usual, share)(given(*arguments, **named)(counted))
        return pytest.mark.soak(decorated) if ASKED is not None else decorated

    return decorate
