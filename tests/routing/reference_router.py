"""A router that is slow and plain to see through: every rule is an expression for the whole path, tried in order.

It knows whole segments as variables (int, string, path), methods and slashes. That is enough to check the order in
which rules are tried, which is the one thing that the tree does in a way that is hard to see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

FORMS = {
    "int": (50, r"(\d+)", int),
    "string": (100, "([^/]+)", str),
    "path": (200, "([^/].*?)", str),
}
REAL, SLASH_MISSING, SLASH_LEFT_OVER = 0, 1, 2


@dataclass(order=True)
class Trial:
    """One way in which a rule may match, ordered as they are tried: fixed text first, then light variables."""

    key: list[tuple[int, int]]
    kind: int
    number: int
    regex: re.Pattern[str] = field(compare=False)
    names: list[tuple[str, Any]] = field(compare=False)
    methods: set[str] | None = field(compare=False)
    endpoint: str = field(compare=False)


class ReferenceRouter:
    """Rules are given as (path, endpoint, methods, strict)."""

    def __init__(self, rules: list[tuple[str, str, set[str] | None, bool]]) -> None:
        self.trials: list[Trial] = []
        for number, (path, endpoint, methods, strict) in enumerate(rules):
            key, pattern, names = self.read(path)

            def add(key: list[tuple[int, int]], kind: int, pattern: str) -> None:
                regex = re.compile(pattern, re.DOTALL)
                self.trials.append(Trial(key, kind, number, regex, names, methods, endpoint))  # noqa: B023

            add(key, REAL, pattern)
            if path.endswith("/"):
                add(key[:-1], SLASH_MISSING if strict else REAL + SLASH_MISSING, pattern[:-1])
                self.trials[-1].names = [*names, ("redirect", strict)]
            elif not strict:
                add([*key, (SLASH_LEFT_OVER, 0)], SLASH_LEFT_OVER, pattern + "/")
        self.trials.sort()

    def read(self, path: str) -> tuple[list[tuple[int, int]], str, list[tuple[str, Any]]]:
        key, patterns, names = [], [], []
        for segment in path[1:].split("/"):
            variable = re.fullmatch(r"<(\w+):(\w+)>", segment)
            if variable is None:
                key.append((0, 0))
                patterns.append(re.escape(segment))
            else:
                weight, pattern, convert = FORMS[variable[1]]
                key.append((1, weight))
                patterns.append(pattern)
                names.append((variable[2], convert))
        return key, "/" + "/".join(patterns), names

    def find(self, path: str, method: str) -> object:
        allowed: set[str] = set()
        for trial in self.trials:
            found = trial.regex.fullmatch(path)
            if found is None:
                continue
            if trial.methods is not None and method not in trial.methods:
                if trial.kind != SLASH_MISSING:
                    allowed |= trial.methods
                continue
            names = dict(trial.names)
            if names.pop("redirect", False):
                return "redirect", path + "/"
            return trial.endpoint, {name: convert(text) for (name, convert), text in zip(names.items(), found.groups())}  # noqa: B905
        return ("method", sorted(allowed)) if allowed else "missing"


SEGMENTS = ["a", "b", "<int:#>", "<string:#>", "1"]


@st.composite
def reference_rules(draw: st.DrawFn) -> tuple[str, str, set[str] | None, bool]:
    """The arguments of a rule that both routers understand."""
    parts = draw(st.lists(st.sampled_from(SEGMENTS), max_size=3))
    if draw(st.integers(0, 5)) == 0:
        parts.append("<path:#>")
        ending = ""
    else:
        ending = draw(st.sampled_from(["", "/"])) if parts else ""
    path = "/" + "/".join(part.replace("#", f"v{number}") for number, part in enumerate(parts)) + ending
    methods = draw(st.sampled_from([None, {"GET", "HEAD"}, {"POST"}]))
    return path, draw(st.sampled_from("xyz")), methods, draw(st.booleans())
