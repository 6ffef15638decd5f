"""What the forms of segments have in common: whether one takes every text that another takes."""

from __future__ import annotations

import re

from erlen.routing.converters import UUIDConverter
from erlen.routing.expressions import part_regex
from erlen.routing.tree import Edge

__all__ = ["is_broad", "takes_all_of"]

_before, _behind = part_regex("|").split("|")
# As text: they are needed where two rules may be in conflict, and compiled then.
_lengths = r"\[\^/\]\{(\d+)(,?)(\d*)\}"
_words = r"(?s)\(\?:((?:[^|()\\]|\\.)*(?:\|(?:[^|()\\]|\\.)*)*)\)"
_word = r"(?s)((?:[^|\\]|\\.)*)\|"
_escaped = r"(?s)\\(.)"
_UNSIGNED = {r"-?\d+": r"\d+", r"-?\d+\.\d+": r"\d+\.\d+"}
#: The smallest and the largest number of characters; None is no limit.
_LENGTHS: dict[str, tuple[int, int | None]] = {
    "[^/]+": (1, None),
    r"\d+": (1, None),
    r"-?\d+": (1, None),
    r"\d+\.\d+": (3, None),
    r"-?\d+\.\d+": (3, None),
    UUIDConverter.regex: (36, 36),
}


def is_broad(edge: Edge) -> bool:
    """Tell whether a form is one of which it is known what it takes beside its own like."""
    inner = _inner(edge)
    return inner is not None and (inner[:4] == "[^/]" or inner in _UNSIGNED or edge.kind == "digits")


def takes_all_of(first: Edge, second: Edge) -> bool:
    """Tell whether *first* certainly takes every segment that *second* takes."""
    if first.final or second.final:
        return False
    if first.kind == "any":
        return second.match("") is None
    wide, narrow = _inner(first), _inner(second)
    if wide is None or narrow is None:
        return False
    words = re.fullmatch(_words, narrow)
    if words is not None:
        return all(first.match(re.sub(_escaped, r"\1", word)) for word in re.findall(_word, words[1] + "|"))
    if narrow in (wide, _UNSIGNED.get(wide)):
        return True
    have, want = _length(wide) if wide[:4] == "[^/]" else None, _length(narrow)
    if have is None or want is None or want[0] < have[0]:
        return False
    return have[1] is None or (want[1] is not None and want[1] <= have[1])


def _inner(edge: Edge) -> str | None:
    """Return the expression of the variable that is all of a segment, or None if there is more in it."""
    part = edge.part
    if edge.final or part.prefix or part.suffix or len(edge.groups) != 1:
        return None
    return part.content.removeprefix(_before).removesuffix(_behind + r"\Z")


def _length(inner: str) -> tuple[int, int | None] | None:
    found = re.fullmatch(_lengths, inner)
    if found is None:
        return _LENGTHS.get(inner)
    smallest = int(found[1])
    return smallest, smallest if not found[2] else int(found[3]) if found[3] else None
