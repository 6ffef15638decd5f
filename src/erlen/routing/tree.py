"""The tree that paths are looked up in: a branch for each segment, fixed texts before variables.

A search goes down from segment to segment. Where several branches fit it takes the best one, and comes back for the
next if that one leads nowhere. What it costs depends on the path, not on the number of rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from erlen.routing.branches import MANY, Branches
from erlen.routing.builder import UrlTemplate
from erlen.routing.exceptions import RuleSyntaxError
from erlen.routing.expressions import chain_matcher, part_regex
from erlen.routing.outcomes import MISSING, Missing
from erlen.routing.pattern import Part, Weight
from erlen.routing.rule import Rule

__all__ = [
    "NOWHERE",
    "SLASH_MISSING",
    "Domain",
    "Edge",
    "Found",
    "Home",
    "Node",
    "Slash",
    "Tail",
    "Tree",
    "is_for",
    "walk",
]


class Slash(Enum):
    """What a search finds where the path lacks the slash at the end of a rule that is strict about it."""

    MISSING = "missing"


SLASH_MISSING: Final = Slash.MISSING  # an attribute of an Enum is dear to read
Found: TypeAlias = Rule | Literal[Slash.MISSING] | None

Kind: TypeAlias = Literal["any", "digits", "regex"]
# A whole segment with one of these expressions needs no expression at all.
_SIMPLE: dict[str, Kind] = {
    part_regex("[^/]{1,}") + r"\Z": "any",
    part_regex("[^/]+") + r"\Z": "any",
    part_regex(r"\d+") + r"\Z": "digits",
}


class Node:
    """A place in the tree: the rules that end here and the ways onward."""

    __slots__ = ("branches", "closed", "edges", "only", "rules", "slash", "static", "tail")

    def __init__(self) -> None:
        # Most nodes have but one of these three, so nothing is made for the others.
        self.static: dict[str, Node] = _NO_NODES
        self.edges: list[Edge] = _NO_EDGES  #: variable segments, in the order in which they are tried
        self.branches: Branches[Edge] | None = None  #: the same edges, where there are many
        self.rules: list[Rule] = _NO_RULES
        self.only: Edge | None = None  #: the edge, if there is but one and it needs no expression
        self.slash: Node | None = None  #: where one more slash would lead
        self.tail: Tail | None = None  #: the same as ``only`` where there is but one rule, and it is simple
        self.closed = False  #: whether a segment that ``static`` does not have ends the search

    def edges_for(self, segments: Sequence[str], at: int) -> Iterable[Edge]:
        """Return the edges that segment number *at*, or the path from there, may fit, in the order of trying."""
        return self.edges if self.branches is None else self.branches.fitting(segments, at)


_NO_NODES: dict[str, Node] = {}
_NO_EDGES: list[Edge] = []
_NO_RULES: list[Rule] = []


@lru_cache(maxsize=256)
def _reader(content: str, strings: tuple[str, ...]) -> tuple[Callable[[str], Any], tuple[int, ...]]:
    """Return what reads a text that has the form of a part, and the numbers of the groups that hold the values."""
    pattern = re.compile(content)
    if strings:
        return chain_matcher(strings), tuple(range(len(strings) - 1))
    # A converter's expression may have groups of its own.
    return pattern.match, tuple(sorted(number for name, number in pattern.groupindex.items() if name[:8] == "__erlen_"))


class Edge:
    """A way onward for segments of a certain form."""

    __slots__ = ("final", "groups", "kind", "match", "node", "part", "suffix", "suffixed")

    def __init__(self, part: Part, rule: Rule) -> None:
        self.part = part
        self.kind = _SIMPLE.get(part.content, "regex")
        try:
            self.match, self.groups = _reader(part.content, part.strings)
        except re.error as error:
            raise RuleSyntaxError(
                rule.rule,
                0,
                len(rule.rule),
                f"A converter in it has a regular expression that Python refuses: {error}.",
                "Correct the regex attribute of the converter.",
            ) from error
        self.suffix = part.suffix  #: what a text has to end with, which is quick to see
        self.final = part.final
        self.suffixed = part.suffixed
        self.node = Node()


class Tail:
    """A rule that has a place for itself, whose last segment is its only variable: text, or a number of digits."""

    __slots__ = ("closed", "digits", "name", "rule", "static")

    def __init__(self, rule: Rule, digits: bool, static: dict[str, Node]) -> None:
        self.rule = rule
        self.digits = digits
        self.name = rule.names[0]
        self.static = static  #: the last segments that other rules have
        self.closed = False  #: whether what else is no number is found nowhere

    def read(self, last: str, method: str) -> tuple[Rule, dict[str, Any]] | None:
        """Return the rule and its value where the last segment is usual; None says nothing."""
        rule = self.rule
        methods = rule.methods
        if last in self.static or (methods is not None and method not in methods):
            return None
        if self.digits:
            return (rule, {self.name: int(last)}) if last.isdecimal() and len(last) < 640 else None
        return (rule, {self.name: last}) if last and last.isascii() else None


class Domain:
    """All rules of one subdomain or host.

    ``root`` is where its tree begins. Most searches end before they come to it: ``alone`` has by path the rules without
    variables that are the only one of their place, and have nothing to say but their endpoint and methods; ``plain``
    has the other rules without variables, and :meth:`look` finds those whose last segment is the only variable.
    ``ready`` and ``ready_tails`` have what of these has ASCII paths and methods.

    :param sole: whether what is not found here is found nowhere
    """

    __slots__ = ("alone", "plain", "ready", "ready_tails", "root", "sole")

    def __init__(self, root: Node, sole: bool = False) -> None:
        self.root = root
        self.sole = sole
        self.plain: dict[str, tuple[Rule, ...]] = {}
        self.alone: dict[str, Rule] = {}
        self.ready_tails: dict[str, Tail] = {}
        strange = False  # whether a rule is in alone that is not ready
        # With the path, where it is fixed, and whether nothing above but fixed texts can lead to a rule.
        waiting: list[tuple[Node, str | None, bool]] = [(child, text, sole) for text, child in root.static.items()]
        while waiting:
            node, path, closed = waiting.pop()
            static, edges = node.static, node.edges
            if static or edges:
                _finish(node)
            # A path begins with one slash, so no rule with two is found. Behind more slashes the path may be another.
            if path is not None and path[:2] != "//":
                rules = node.rules
                if rules:
                    if len(rules) == 1 and _is_simple(rules[0]):
                        self.alone[path] = rules[0]
                        strange = strange or rules[0].methods is None or not path.isascii()
                    else:
                        self.plain[path] = tuple(rules)
                closed = closed and (not path or path[-1] != "/")
                if edges:
                    self._note_tail(node, path, closed)
                    closed = False
                node.closed = closed
            else:
                path, closed = None, False
            if static:
                waiting += [
                    (child, None if path is None else f"{path}/{text}", closed) for text, child in static.items()
                ]
            if edges:
                waiting += [(edge.node, None, False) for edge in edges]
        self.ready = self.alone
        if strange:
            ready = self.alone.items()
            self.ready = {path: rule for path, rule in ready if rule.methods is not None and path.isascii()}

    def _note_tail(self, node: Node, path: str, closed: bool) -> None:
        tail = None if node.only is None else _tail_of(node.only, node)
        if tail is not None:
            node.tail = tail
            tail.closed = closed and tail.digits
            if tail.rule.methods is not None and path.isascii():
                self.ready_tails[path] = tail

    def look(self, path: str, method: str) -> tuple[Rule, dict[str, Any]] | Missing | None:
        """Search, for what is no WebSocket, a rule of which all but the last segment is fixed text.

        :param path: any text
        :returns: the rule and its value; or that no rule has the path; None says nothing, and the tree has to be
            searched
        """
        node = self.root
        segments = path.split("/")
        last = segments.pop()
        for segment in segments:
            child = node.static.get(segment)
            if child is None:
                return MISSING if segment and node.closed else None
            node = child
        tail = node.tail
        if tail is None:
            return MISSING if last and node.closed and last not in node.static else None
        return tail.read(last, method) or (
            MISSING if tail.closed and last and last not in tail.static and not last.isdecimal() else None
        )


def _is_simple(rule: Rule) -> bool:
    """Tell whether a rule has nothing to say but its endpoint, methods and values."""
    says_more = rule.websocket or rule.defaults or rule.alias or rule.redirect_to is not None
    return rule._givers is None and not says_more


def _tail_of(edge: Edge, node: Node) -> Tail | None:
    rules = edge.node.rules
    digits = edge.kind == "digits"
    if len(rules) == 1 and _is_simple(rules[0]) and len(rules[0].names) == 1:
        return Tail(rules[0], digits, node.static) if rules[0].readers == ((int,) if digits else ()) else None
    return None


NOWHERE: Final = Domain(Node())  #: the domain that has no rules


class Home:
    """What is known for the requests of one subdomain.

    ``domain`` is where they are searched, empty while rules wait to be compiled. ``urls`` has what the URL of
    an endpoint is made of, as far as one was asked for; False where there is more than one way.
    """

    __slots__ = ("domain", "subdomain", "urls")

    def __init__(self, subdomain: str) -> None:
        self.subdomain = subdomain
        self.domain = NOWHERE
        self.urls: dict[Any, UrlTemplate | Literal[False]] = {}


class Tree:
    """All rules of a map, compiled.

    ``domains`` holds what is known of each fixed subdomain or host, ``patterns`` the ways to the others.
    """

    __slots__ = ("_root", "domains", "patterns")

    def __init__(self, rules: Iterable[Rule]) -> None:
        root = _grow(rules)
        self.domains = {text: Domain(node, not root.edges) for text, node in root.static.items()}
        _finish(root)
        self.patterns = root.edges
        self._root = root
        for edge in self.patterns:
            Domain(edge.node)  # it makes the nodes ready; its dicts are for domains that are looked up

    def search(
        self, domain: str, path: str, method: str, websocket: bool, texts: list[str], refused: list[Rule]
    ) -> Found:
        """Search the rule for a request.

        :param texts: gets the text of each variable of the rule that is found
        :param refused: gets the rules that are there, but for another method or protocol
        """
        segments = path.split("/")
        known = self.domains.get(domain)
        if known is not None:
            found = walk(known.root, segments, 0, method, websocket, texts, refused)
            if found is not None:
                return found
        for edge in self._root.edges_for([domain], 0):
            match = edge.match(domain)
            if match is None:
                continue
            texts[:] = [match[group] for group in edge.groups]
            found = walk(edge.node, segments, 0, method, websocket, texts, refused)
            if found is not None:
                return found
        return None


def _grow(rules: Iterable[Rule]) -> Node:
    root = Node()
    edges: dict[tuple[int, Part], Edge] = {}  # a node can have thousands, so they are looked up, not compared
    for rule in rules:
        node = root
        for part in rule._steps:
            if isinstance(part, str):
                child = node.static.get(part)
                if child is None:
                    child = Node()
                    if node.static:
                        node.static[part] = child
                    else:
                        node.static = {part: child}
                node = child
                continue
            edge = edges.get((id(node), part))
            if edge is None:
                edge = edges[id(node), part] = Edge(part, rule)
                if node.edges:
                    node.edges.append(edge)
                else:
                    node.edges = [edge]
            node = edge.node
        if node.rules:
            node.rules.append(rule)
        else:
            node.rules = [rule]
    return root


def _by_weight(edge: Edge) -> Weight:
    return edge.part.weight


def _finish(node: Node) -> None:
    node.slash = node.static.get("")
    edges = node.edges
    if len(edges) > 1:
        edges.sort(key=_by_weight)
        if len(edges) > MANY:
            node.branches = Branches(edges)
    elif edges and edges[0].kind != "regex":
        node.only = edges[0]


def is_for(rule: Rule, method: str, websocket: bool) -> bool:
    """Tell whether *rule* takes requests with that *method*, over WebSocket or not."""
    methods = rule.methods
    return (methods is None or method in methods) and rule.websocket is websocket


def walk(
    node: Node, segments: list[str], at: int, method: str, websocket: bool, values: list[str], refused: list[Rule]
) -> Found:
    """Search below *node* for a rule that takes the *segments* from number *at* on.

    :param values: gets the text of each variable of the rule that is found; on failure, it may have been added to
    :param refused: gets the rules that are there, but for another method or protocol
    """
    end = len(segments)
    while at < end:
        segment = segments[at]
        child = node.static.get(segment)
        # Most places have one way onward, so that there is nothing to come back for.
        if child is None:
            only = node.only
            if only is None or not segment:
                if segment and not node.edges:
                    return None
                return _walk_edges(node, segments, at, method, websocket, values, refused)
            if only.kind == "digits" and not segment.isdecimal():
                return None
            values.append(segment)
            node = only.node
        else:
            if node.edges or not (segment or at + 1 < end):
                mark = len(values)
                found = walk(child, segments, at + 1, method, websocket, values, refused)
                if found is not None:
                    return found
                del values[mark:]
                return _walk_edges(node, segments, at, method, websocket, values, refused)
            node = child
        at += 1
    for rule in node.rules:
        if (rule.methods is None or method in rule.methods) and rule.websocket is websocket:
            return rule
        refused.append(rule)
    if node.slash is not None:
        for rule in node.slash.rules:
            if is_for(rule, method, websocket):
                return SLASH_MISSING if rule.strict_slashes else rule
    return None


def _walk_edges(
    node: Node, segments: list[str], at: int, method: str, websocket: bool, values: list[str], refused: list[Rule]
) -> Found:
    """Search along one edge of *node* after the other; then see whether only a slash is left over."""
    segment = segments[at]
    mark = len(values)
    for edge in node.edges_for(segments, at):
        if edge.kind == "regex":
            found = _try(edge, segments, at, method, websocket, values, refused)
        elif segment.isdecimal() if edge.kind == "digits" else segment:
            values.append(segment)
            found = walk(edge.node, segments, at + 1, method, websocket, values, refused)
        else:
            continue
        if found is not None:
            return found
        del values[mark:]
    if not segment and at + 1 == len(segments):
        for rule in node.rules:
            if rule.strict_slashes:
                continue
            if is_for(rule, method, websocket):
                return rule
            refused.append(rule)
    return None


def _try(
    edge: Edge, segments: list[str], at: int, method: str, websocket: bool, values: list[str], refused: list[Rule]
) -> Found:
    """Search behind an *edge* whose form is a regular expression."""
    if not edge.final:
        segment = segments[at]
        match = edge.match(segment) if segment.endswith(edge.suffix) else None
        if match is None:
            return None
        values += [match[group] for group in edge.groups]
        return walk(edge.node, segments, at + 1, method, websocket, values, refused)
    text = "/".join(segments[at:])
    if not (text.removesuffix("/") if edge.suffixed else text).endswith(edge.suffix):
        return None
    match = edge.match(text)
    if match is None:
        return None
    values += [match[group] for group in edge.groups]
    rest = [""] if edge.suffixed and match[match.re.groups] == "/" else []
    return walk(edge.node, rest, 0, method, websocket, values, refused)
