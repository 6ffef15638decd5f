"""Rounds in turn, and what follows from them: the ratio of each pair, its median and its spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

Run = Callable[[int], int]
"""Sends so many requests, and returns the nanoseconds of processor time that they took the server."""


class Ratio(NamedTuple):
    """What a request costs, and how many times that of the bare callable: the median and quartiles of the rounds."""

    cost: float
    """Microseconds."""
    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


def ratio(costs: Sequence[float], bare: Sequence[float]) -> Ratio:
    """Return the ratio of costs to those that were measured beside them, round by round.

    :param costs: microseconds of a request, in each round
    :param bare: the same for the bare callable, in the same rounds
    """
    ratios = [each / other for each, other in zip(costs, bare, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Ratio(statistics.median(costs), middle, low, high)


def size_of_round(run: Run, target: float, least: int = 40, most: int = 3000) -> int:
    """Return how many requests take the server about *target* milliseconds, after two runs that warm it up."""
    run(least)
    each = run(least) / least
    return max(least, min(most, round(target * 1e6 / max(each, 1))))


def alternate(run: Run, bare: Run, number: int, rounds: int, target: float = 20.0) -> Ratio:
    """Let *run* and *bare* take turns, and return the ratio of what their requests cost.

    :param number: requests of *run* in one round
    :param rounds: how many pairs; who is first changes from pair to pair
    :param target: milliseconds of processor time that a round of *bare* should take
    """
    beside = size_of_round(bare, target)
    costs, others = [], []
    for turn in range(rounds):
        if turn % 2:
            others.append(bare(beside) / beside / 1000)
        costs.append(run(number) / number / 1000)
        if not turn % 2:
            others.append(bare(beside) / beside / 1000)
    return ratio(costs, others)
