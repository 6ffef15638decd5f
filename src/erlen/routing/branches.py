"""Finds the branches of a node that may fit a segment, where a node has many: by the fixed text in their forms.

Ten thousand rules like ``/user1-<int:id>``, ``/user2-<int:id>``, … are as many expressions in one place. Each is filed
under the fixed text that it begins or ends with, whichever fewer others have, so that few are left to be tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from erlen.routing.pattern import Part

__all__ = ["MANY", "Branches"]

#: From so many branches on, looking in the files costs less than trying one after the other.
MANY = 8


class _Branch(Protocol):
    """What has a form for a segment, or for the rest of the path."""

    part: Part


B = TypeVar("B", bound=_Branch)


class Branches(Generic[B]):
    """The branches of a node.

    :param branches: in the order in which they are tried
    """

    __slots__ = ("_begins", "_ends", "_others", "_rest_ends")

    def __init__(self, branches: Sequence[B]) -> None:
        begins = Counter(branch.part.prefix for branch in branches)
        ends = Counter(branch.part.suffix for branch in branches)
        # For each length of text: the text, and the branches with it, numbered by their order.
        self._begins: dict[int, dict[str, list[tuple[int, B]]]] = {}
        self._ends: dict[int, dict[str, list[tuple[int, B]]]] = {}
        self._rest_ends: dict[int, dict[str, list[tuple[int, B]]]] = {}
        self._others: list[tuple[int, B]] = []
        for number, branch in enumerate(branches):
            part = branch.part
            if part.prefix and (not part.suffix or begins[part.prefix] <= ends[part.suffix]):
                table, text = self._begins, part.prefix
            elif part.suffix:
                table, text = (self._rest_ends if part.final else self._ends), part.suffix
            else:
                self._others.append((number, branch))
                continue
            table.setdefault(len(text), {}).setdefault(text, []).append((number, branch))

    def fitting(self, segments: Sequence[str], at: int) -> Iterable[B]:
        """Return the branches that segment number *at*, or the rest of the path from there, may fit; best first."""
        segment = segments[at]
        found = list(self._others)
        for length, table in self._begins.items():
            found += table.get(segment[:length], ())
        for length, table in self._ends.items():
            found += table.get(segment[-length:], ())
        if self._rest_ends:
            rest = "/".join(segments[at:])
            bare = rest.removesuffix("/")  # a branch may leave the slash at the end over
            for length, table in self._rest_ends.items():
                found += table.get(rest[-length:], ())
                if bare is not rest:
                    found += table.get(bare[-length:], ())
        if len(found) > 1:
            found.sort(key=_number)
        return [branch for _, branch in found]


def _number(numbered: tuple[int, object]) -> int:
    return numbered[0]
