"""The rules of one endpoint, ready for building URLs and for finding the canonical one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from erlen.routing.rule import Rule

__all__ = ["EndpointRules"]


class EndpointRules:
    """The rules of an endpoint in the order in which they are tried for building.

    :param rules: the rules, sorted
    """

    __slots__ = ("_candidates", "_names", "rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._names = frozenset(name for rule in self.rules for name in rule.arguments)
        self._candidates: dict[frozenset[str], tuple[Rule, ...]] = {}
        self._note_givers()

    def candidates(self, values: Mapping[str, Any]) -> tuple[Rule, ...]:
        """Return the rules whose variables are all among *values* or have a default.

        They are worked out once for each set of names, so that thousands of rules cost no more than one.
        """
        if len(self.rules) == 1:
            return self.rules
        given = self._names.intersection(values)
        found = self._candidates.get(given)
        if found is None:
            found = tuple(rule for rule in self.rules if given.union(rule.defaults or ()).issuperset(rule.arguments))
            self._candidates[given] = found
        return found

    def _note_givers(self) -> None:
        """Tell each rule which of those before it may provide its values as defaults."""
        givers: dict[frozenset[str], list[Rule]] = {}
        for rule in self.rules:
            before = givers.setdefault(frozenset(rule.arguments), [])
            rule._givers = tuple(before)
            if rule.defaults and not rule.build_only:
                before.append(rule)
