"""From the pieces of a part to the expression that reads it.

Written down as it stands, a part with many variables makes an expression that may try them in every combination, and a
long path that fits none would cost seconds, or hours. So what is known of the usual converters is put to use:
a ``path`` that is followed by text and another ``path`` need never be longer than up to the first such text, and
``string`` after ``string`` is read from the end without an expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import TypeAlias

__all__ = ["Piece", "chain_matcher", "chain_of_strings", "fixed_ends", "part_expression", "part_regex"]

Piece: TypeAlias = tuple[bool, str]  # whether it is the expression of a variable; the text

_PATH = "[^/].*?"
_STRINGS = ("[^/]{1,}", "[^/]+")
_LONG = 3  # two variables cannot make an expression slow


def part_regex(regex: str, number: int = 0) -> str:
    """Return *regex* as the group of the variable with that *number* in its part."""
    return f"(?P<__erlen_{number}>{regex})"


def part_expression(pieces: Sequence[Piece]) -> str:
    """Return the expression of a part, without its end."""
    chained = [data for is_variable, data in pieces if is_variable].count(_PATH) >= _LONG
    expression = ""
    number = at = 0
    while at < len(pieces):
        is_variable, data = pieces[at]
        at += 1
        if not is_variable:
            expression += re.escape(data)
            continue
        group = part_regex(data, number)
        number += 1
        if (
            chained
            and data == _PATH
            and [piece[0] for piece in pieces[at : at + 2]] == [False, True]
            and (pieces[at + 1][1] == _PATH)
        ):
            # Atomic: where the text stands for the first time is right if any place is.
            group = f"(?>{group}{re.escape(pieces[at][1])}(?=[^/]))"
            at += 1
        expression += group
    return expression


def fixed_ends(pieces: Sequence[Piece]) -> tuple[str, str]:
    """Return the fixed texts before the first variable and behind the last."""

    def is_text(piece: Piece) -> bool:
        return not piece[0]

    behind = [text for _, text in takewhile(is_text, reversed(pieces))]
    return "".join(text for _, text in takewhile(is_text, pieces)), "".join(reversed(behind))


def chain_of_strings(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Return the fixed texts around the variables of a part, if these are many and all are plain strings, else none."""
    texts = [""]
    variables = 0
    for is_variable, data in pieces:
        if not is_variable:
            texts[-1] += data
            continue
        if data not in _STRINGS or (variables and not texts[-1]):
            return ()
        variables += 1
        texts.append("")
    return tuple(texts) if variables >= _LONG else ()


def chain_matcher(texts: Sequence[str]) -> Callable[[str], list[str] | None]:
    """Return what reads a segment of strings between *texts*, the first ones as long as can be, like an expression.

    >>> chain_matcher(("", "-", "-", ".html"))("a-b-c-d.html")
    ['a-b', 'c', 'd']
    """
    first, *between, last = texts

    def match(segment: str) -> list[str] | None:
        begin, end = len(first), len(segment) - len(last)
        if begin >= end or "/" in segment or not segment.startswith(first) or not segment.endswith(last):
            return None
        found = []
        for text in reversed(between):
            at = segment.rfind(text, begin + 1, end - 1)
            if at < 0:
                return None
            found.append(segment[at + len(text) : end])
            end = at
        found.append(segment[begin:end])
        return found[::-1]

    return match
