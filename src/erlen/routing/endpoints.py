"""The rules of one endpoint, ready for building URLs and for finding the canonical one.

An endpoint may have thousands of rules. They are told apart by what decides between them (the names that are given, the
values of their defaults, their methods, their host), so that neither takes longer than with few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import merge
from typing import Any, TypeAlias

from erlen.routing.rule import Rule

__all__ = ["EndpointRules", "Givers"]

_FEW = 16  #: as many rules are tried one after the other
_MOST_SELECTIONS = 256  #: for as many sets of names it is remembered which rules there are

Numbered: TypeAlias = tuple[int, Rule]  # numbers are the order, and unlike each other


class _File:
    """Rules with the same methods and the same values as defaults, in order; again by domain."""

    __slots__ = ("by_domain", "rules")

    def __init__(self) -> None:
        self.rules: list[Numbered] = []
        self.by_domain: dict[str | None, list[Numbered]] = {}  # None: it has variables


class _Cabinet:
    """Many rules, filed by what decides between them.

    :param rules: the rules, in order
    :param given: the names of the values that there will be
    """

    __slots__ = ("_drawers",)

    def __init__(self, rules: Iterable[Numbered], given: frozenset[str]) -> None:
        # Methods, and the names of the defaults that decide: the values of these, and the rules.
        self._drawers: dict[tuple[frozenset[str] | None, tuple[str, ...]], dict[tuple[Any, ...], _File]] = {}
        for number, rule in rules:
            methods: frozenset[str] | None = None
            names: tuple[str, ...] = ()
            if type(rule).suitable_for is Rule.suitable_for:  # else who knows what decides
                methods = None if rule.methods is None else frozenset(rule.methods)
                names = tuple(sorted(given.intersection(rule.defaults or ())))
            values = tuple((rule.defaults or {})[name] for name in names)
            try:
                file = self._drawers.setdefault((methods, names), {}).setdefault(values, _File())
            except TypeError:  # a default that cannot be hashed
                file = self._drawers.setdefault((methods, ()), {}).setdefault((), _File())
            file.rules.append((number, rule))
            file.by_domain.setdefault(rule.fixed_domain, []).append((number, rule))

    def rules(self, values: Mapping[str, Any], method: str | None, domain: str | None = None) -> Iterable[Numbered]:
        """Return the rules that may suit, in order; with *domain*, those that may have it."""
        found: list[list[Numbered]] = []
        for (methods, names), drawer in self._drawers.items():
            if method is not None and methods is not None and method not in methods:
                continue
            try:
                file = drawer.get(tuple(values[name] for name in names))
                files: Iterable[_File] = () if file is None else (file,)
            except (TypeError, KeyError):  # a value that cannot be hashed, or is not there
                files = drawer.values()
            for file in files:
                if domain is None:
                    found.append(file.rules)
                else:
                    found += (file.by_domain.get(domain, []), file.by_domain.get(None, []))
        return found[0] if len(found) == 1 else merge(*found)


class Givers:
    """The rules that come before a rule and may have its values as their defaults.

    :param rules: all of its endpoint that have defaults and the same variables
    :param number: how many of them come before it
    """

    __slots__ = ("_cabinet", "_number", "_rules")

    def __init__(self, rules: list[Rule], cabinet: list[_Cabinet], number: int) -> None:
        self._rules = rules
        self._cabinet = cabinet  # of one, made when all rules are known
        self._number = number

    def among(self, values: Mapping[str, Any], method: str) -> Iterable[Rule]:
        """Return those whose defaults may be *values*, in order."""
        if not self._cabinet:
            return self._rules[: self._number]
        filed = self._cabinet[0].rules(values, method)
        return (rule for number, rule in filed if number < self._number)


class EndpointRules:
    """The rules of an endpoint in the order in which they are tried for building.

    :param rules: the rules, sorted
    """

    __slots__ = ("_names", "_selections", "_wanting", "rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._names = frozenset(name for rule in self.rules for name in rule.arguments)
        self._selections: dict[frozenset[str], tuple[Rule, ...] | _Cabinet] = {}
        #: The rules by that one of the variables they need which the fewest need; None for those that need none.
        self._wanting: dict[str | None, list[Numbered]] = {}
        needed = [rule.arguments.difference(rule.defaults or ()) for rule in self.rules]
        count = Counter(name for names in needed for name in names)
        for numbered, names in zip(enumerate(self.rules), needed, strict=True):
            rarest = min(names, key=count.__getitem__) if names else None
            self._wanting.setdefault(rarest, []).append(numbered)
        self._note_givers()

    def candidates(
        self, values: Mapping[str, Any], method: str | None = None, domain: str | None = None
    ) -> Iterable[Rule]:
        """Return the rules whose variables are all among *values* or have a default.

        Where there are many, those are left out that cannot suit *values* and *method*, or cannot have the *domain*.
        """
        given = self._names.intersection(values)
        found = self._selections.get(given)
        if found is None:
            found = self._select(given)
        return found if isinstance(found, tuple) else (rule for _, rule in found.rules(values, method, domain))

    def _select(self, given: frozenset[str]) -> tuple[Rule, ...] | _Cabinet:
        numbered = sorted(
            (number, rule)
            for name in (None, *given)
            for number, rule in self._wanting.get(name, ())
            if given.union(rule.defaults or ()).issuperset(rule.arguments)
        )
        few = len(numbered) <= _FEW
        found = tuple(rule for _, rule in numbered) if few else _Cabinet(numbered, given)
        if len(self._selections) >= _MOST_SELECTIONS:  # the names may come from a request
            self._selections.clear()
        self._selections[given] = found
        return found

    def _note_givers(self) -> None:
        """Tell each rule which of those before it may provide its values as defaults."""
        groups: dict[frozenset[str], tuple[list[Rule], list[_Cabinet]]] = {}
        for rule in self.rules:
            before, cabinet = groups.setdefault(frozenset(rule.arguments), ([], []))
            rule._givers = Givers(before, cabinet, len(before)) if before else None
            if rule.defaults and not rule.build_only:
                before.append(rule)
        for names, (rules, cabinet) in groups.items():
            if len(rules) > _FEW:
                cabinet.append(_Cabinet(enumerate(rules), names))
