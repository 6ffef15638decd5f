"""Rules that can never be reached, because another one takes all their requests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

from erlen.routing.forms import is_broad, takes_all_of
from erlen.routing.pattern import Part
from erlen.routing.rule import Rule
from erlen.routing.tree import Edge, Node, Tree

__all__ = ["RouteConflict", "find_conflicts"]

_MOST = 64  #: as many branches of a place are looked at for what they hide


class RouteConflict(NamedTuple):
    """A rule that is not reached, and the one that is tried before it. ``str()`` of it is the message.

    ``kind`` is "identical" if both have the same pattern and converters, and share a method; "hidden" if ``other``
    takes every path that ``rule`` could take.
    """

    rule: Rule
    other: Rule
    kind: Literal["identical", "hidden"]

    @property
    def message(self) -> str:
        """Both rules, where they were written, and what to do."""
        if self.kind == "identical":
            what = f"is the same as {_describe(self.other)}"
        else:
            what = f"is hidden by {_describe(self.other)}, which is tried first and takes every path that it could take"
        which = "" if _covers(self.other, self.rule) else f" for {', '.join(sorted(_shared(self.rule, self.other)))}"
        if _takes_a_slash_more(self.rule, self.other):
            which += " but with a slash at its end"
        return (
            f"{_describe(self.rule)} {what}. It is never reached{which}. "
            "Remove one of the two, or give them different paths or methods."
        )

    def __str__(self) -> str:
        return self.message


def find_conflicts(tree: Tree) -> list[RouteConflict]:
    """Return the conflicts in *tree*, at most one for each rule."""
    found: dict[int, RouteConflict] = {}
    for conflict in _all_conflicts(tree):
        found.setdefault(id(conflict.rule), conflict)
    return list(found.values())


def _describe(rule: Rule) -> str:
    where = f", {rule.where}" if rule.where else ""
    return f"Rule '{rule.rule}' (endpoint '{rule.endpoint}'{where})"


def _shared(rule: Rule, other: Rule) -> set[str]:
    """Return the methods that both were written for: HEAD and OPTIONS come by themselves."""
    if rule.methods is None or other.methods is None:
        return set()
    return (rule.methods & other.methods) - {"HEAD", "OPTIONS"}


def _covers(other: Rule, rule: Rule) -> bool:
    """Tell whether *other* takes all methods that *rule* was written for."""
    if rule.websocket != other.websocket:
        return False
    if rule.methods is None or other.methods is None:
        return other.methods is None
    return (rule.methods - {"HEAD", "OPTIONS"} or rule.methods) <= other.methods


def _collide(rule: Rule, other: Rule) -> bool:
    return _covers(other, rule) or (rule.websocket == other.websocket and bool(_shared(rule, other)))


def _same_converters(rule: Rule, other: Rule) -> bool:
    return [_settings(converter) for converter in rule._converters.values()] == [
        _settings(converter) for converter in other._converters.values()
    ]


def _settings(converter: object) -> tuple[type, dict[str, object]]:
    return type(converter), {name: value for name, value in vars(converter).items() if name != "map"}


def _all_conflicts(tree: Tree) -> Iterator[RouteConflict]:
    edges = tree.patterns
    for root in [*(domain.root for domain in tree.domains.values()), *(edge.node for edge in edges)]:
        yield from _below(root)
    for first, second in _covered(edges):
        yield from _hidden([first.node], second.node)


def _below(root: Node) -> Iterator[RouteConflict]:
    """Yield the conflicts among the rules below *root*."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        for number, rule in enumerate(node.rules):
            other = _nearest_of(islice(node.rules, number), rule)
            if other is not None:
                yield RouteConflict(rule, other, "identical" if _same_converters(rule, other) else "hidden")
        for first, second in _covered(node.edges):
            yield from _hidden([first.node], second.node)
        waiting += node.static.values()
        waiting += [edge.node for edge in node.edges]


def _covered(edges: list[Edge]) -> Iterator[tuple[Edge, Edge]]:
    """Yield each pair of edges of which the second takes nothing but what the first, which is tried before, takes."""
    broad = 0
    for number, first in enumerate(edges):
        if is_broad(first) and broad < _MOST:
            broad += 1
            for second in islice(edges, number + 1, None):
                if takes_all_of(first, second):
                    yield first, second


def _hidden(before: list[Node], node: Node) -> Iterator[RouteConflict]:
    """Yield the rules below *node* that one below the nodes *before*, which are searched first, hides."""
    # A path that lacks the slash of a branch belongs to the branch: it is answered, or redirected.
    tried = [other for first in before for other in (*first.rules, *(first.slash.rules if first.slash else ()))]
    yield from _covered_rules(tried, node.rules)
    if node.slash is not None:
        lenient = [other for first in before for other in first.rules if not other.strict_slashes]
        yield from _covered_rules(lenient, node.slash.rules)
    for text, child in node.static.items():
        onward = [first.static[text] for first in before if text in first.static]
        onward += [edge.node for first in before for edge in first.edges_for([text], 0) if _takes_text(edge, text)]
        if onward:
            yield from _hidden(onward, child)
    if not node.edges:
        return
    # There may be thousands on both sides, so they are not compared each with each.
    same: dict[Part, list[Node]] = {}
    for edge in (edge for first in before for edge in first.edges):
        same.setdefault(edge.part, []).append(edge.node)
    broad = [edge for first in before for edge in islice(filter(is_broad, first.edges), _MOST)]
    for edge in node.edges:
        onward = [*same.get(edge.part, ())]
        onward += [first.node for first in broad if first.part != edge.part and takes_all_of(first, edge)]
        if onward:
            yield from _hidden(onward, edge.node)


def _nearest_of(others: Iterator[Rule], rule: Rule) -> Rule | None:
    """Return the first of *others* that *rule* collides with, or better one that takes all of its methods."""
    found = None
    for other in others:
        if _covers(other, rule):
            return other
        if found is None and _collide(rule, other):
            found = other
    return found


def _takes_a_slash_more(rule: Rule, other: Rule) -> bool:
    """Tell whether *rule* takes its path with a slash behind it as well, and *other*, which has no more, does not."""
    return rule.is_leaf and other.is_leaf and not rule.strict_slashes and bool(other.strict_slashes)


def _covered_rules(tried: list[Rule], rules: list[Rule]) -> Iterator[RouteConflict]:
    for rule in rules:
        other = next((one for one in tried if _covers(one, rule) and not _takes_a_slash_more(rule, one)), None)
        if other is not None:
            yield RouteConflict(rule, other, "hidden")


def _takes_text(edge: Edge, text: str) -> bool:
    return not edge.final and edge.match(text) is not None
