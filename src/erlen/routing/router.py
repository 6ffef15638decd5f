"""The router: strings in, a rule and its values out. Rules are compiled at the first search after a change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from pprint import pformat
from threading import Lock
from typing import Any, ClassVar

import werkzeug.routing as werkzeug
from werkzeug.datastructures import ImmutableDict

from erlen.routing.adoption import adopt_rule
from erlen.routing.conflicts import RouteConflict, find_conflicts
from erlen.routing.converters import DEFAULT_CONVERTERS
from erlen.routing.endpoints import EndpointRules
from erlen.routing.outcomes import (
    MISSING,
    AliasRedirect,
    DefaultsRedirect,
    Miss,
    RedirectTo,
    SlashRedirect,
    WrongMethod,
    WrongProtocol,
)
from erlen.routing.rule import Rule, RuleFactory
from erlen.routing.tree import NOWHERE, SLASH_MISSING, Home, Tail, Tree, walk

__all__ = ["Router"]

_slashes = re.compile("/{2,}")


class Router:
    """Rules, and the search for the one that a request means; :class:`~erlen.routing.Map` adds the URLs around it.

    :param rules: rules and factories
    :param default_subdomain: the subdomain of rules that name none
    :param strict_slashes: whether a path that lacks the last slash of its rule is redirected
    :param merge_slashes: whether a path with several slashes in a row is redirected to the one with single slashes
    :param redirect_defaults: whether a path whose values are another rule's defaults, or whose rule is an alias, is
        redirected to the canonical one
    :param converters: converter classes by name, besides those in ``default_converters``
    :param sort_parameters: whether the query of a built URL is sorted
    :param sort_key: what a query pair is sorted by
    :param host_matching: whether rules are told apart by ``host`` rather than by ``subdomain``
    """

    #: The converters that a new map knows.
    default_converters: ClassVar[Mapping[str, Any]] = ImmutableDict(DEFAULT_CONVERTERS)
    #: What makes the lock under which rules are compiled.
    lock_class: Any = Lock
    merge_slashes: bool = True

    def __init__(
        self,
        rules: Iterable[RuleFactory] | None = None,
        default_subdomain: str = "",
        strict_slashes: bool = True,
        merge_slashes: bool = True,
        redirect_defaults: bool = True,
        converters: Mapping[str, Any] | None = None,
        sort_parameters: bool = False,
        sort_key: Callable[[Any], Any] | None = None,
        host_matching: bool = False,
    ) -> None:
        self.default_subdomain = default_subdomain
        self.strict_slashes = strict_slashes
        self.merge_slashes = merge_slashes
        self.redirect_defaults = redirect_defaults
        self.sort_parameters = sort_parameters
        self.sort_key = sort_key
        self.host_matching = host_matching
        self.converters: MutableMapping[str, Any] = dict(self.default_converters)
        if converters:
            self.converters.update(converters)
        #: Whether any rule is for WebSockets.
        self.has_websockets = False
        #: Rules by their path, in the default subdomain: those that have the path for themselves, and nothing to say
        #: but their endpoint and methods. What is found here needs no search. Empty while rules wait to be compiled.
        #: ASCII alone: so a path can be looked up as it came, before it is decoded.
        self.ready: dict[str, Rule] = {}
        #: The same by all but the last segment, which is a variable.
        self.ready_tails: dict[str, Tail] = {}
        #: Where most requests are searched.
        self.home = Home(default_subdomain)
        self._rules_in_order: list[Rule] = []
        self._rules_by_endpoint: dict[Any, list[Rule]] = {}
        self._lock = self.lock_class()
        self._tree = Tree(())
        self._endpoints: dict[Any, EndpointRules] = {}
        self._stale = False
        for factory in rules or ():
            self.add(factory)

    def add(self, rulefactory: RuleFactory | werkzeug.RuleFactory) -> None:
        """Add a rule, or the rules of a factory; Werkzeug's are accepted too.

        :raises RuntimeError: if a rule belongs to a map already
        :raises RuleSyntaxError: if a rule cannot be read (a ValueError)
        :raises UnknownConverter: if a rule names a converter that this map does not have (a LookupError)
        """
        for given in rulefactory.get_rules(self):  # type: ignore[arg-type]
            rule = given if isinstance(given, Rule) else adopt_rule(given)
            rule.bind(self)
            with self._lock:
                self._rules_in_order.append(rule)
                same = self._rules_by_endpoint.get(rule.endpoint)
                if same is None:
                    self._rules_by_endpoint[rule.endpoint] = [rule]
                else:
                    same.append(rule)
                self.has_websockets = self.has_websockets or rule.websocket
                if not self._stale:
                    self.changed()

    def changed(self) -> None:
        """Have everything compiled anew before the next search."""
        if not self._stale:
            self._stale = True
            self.ready, self.ready_tails = {}, {}
            self.home.domain, self.home.urls = NOWHERE, {}

    def update(self) -> None:
        """Compile the rules if they have changed; whatever searches or builds calls it."""
        if not self._stale:
            return
        with self._lock:
            if not self._stale:
                return
            several = {endpoint: rules for endpoint, rules in self._rules_by_endpoint.items() if len(rules) > 1}
            for rules in several.values():
                rules.sort(key=lambda rule: rule.build_compare_key())
            self._endpoints = {endpoint: EndpointRules(rules) for endpoint, rules in several.items()}
            self._tree = Tree(rule for rule in self._rules_in_order if not rule.build_only)
            self._stale = False
            usual = self._tree.domains.get(self.default_subdomain, NOWHERE)
            if self.home.subdomain != self.default_subdomain:
                self.home = Home(self.default_subdomain)
            if not self.host_matching and type(self).find is Router.find:  # a subclass may have a search of its own
                self.home.domain = usual
                self.ready, self.ready_tails = usual.ready, usual.ready_tails

    def freeze(self) -> None:
        """Compile the rules now, so that the first request need not."""
        self.update()

    def conflicts(self) -> list[RouteConflict]:
        """Return the rules that can never be reached, or not for all their methods, each with the one before it."""
        self.update()
        order = {id(rule): number for number, rule in enumerate(self._rules_in_order)}
        return sorted(find_conflicts(self._tree), key=lambda conflict: order[id(conflict.rule)])

    @property
    def _rules(self) -> list[Rule]:
        return [rule for rules in self._rules_by_endpoint.values() for rule in rules]

    def iter_rules(self, endpoint: Any | None = None) -> Iterator[Rule]:
        """Return all rules, or those of one endpoint.

        :raises KeyError: if no rule has that *endpoint*
        """
        self.update()
        return iter(self._rules if endpoint is None else self._rules_by_endpoint[endpoint])

    def is_endpoint_expecting(self, endpoint: Any, *arguments: str) -> bool:
        """Tell whether some rule of *endpoint* has all the *arguments* as variables or defaults.

        :raises KeyError: if no rule has that *endpoint*
        """
        self.update()
        return any(rule.arguments.issuperset(arguments) for rule in self._rules_by_endpoint[endpoint])

    def candidates(
        self, endpoint: Any, values: Mapping[str, Any], method: str | None = None, domain: str | None = None
    ) -> Iterable[Rule]:
        """Return the rules of *endpoint* that may be built from *values*, best first.

        :param method: leave out rules that are not for it
        :param domain: leave out rules that are for another subdomain or host

        They are left out only where there are many: each that is returned has to be looked at.
        """
        if self._stale:
            self.update()
        known = self._endpoints.get(endpoint)
        return self._rules_by_endpoint.get(endpoint, ()) if known is None else known.candidates(values, method, domain)

    def note_url(self, endpoint: Any) -> None:
        """Remember in ``home`` how to build the URL of *endpoint*, if its values alone decide."""
        home = self.home
        urls, rules = home.urls, self._rules_by_endpoint.get(endpoint)
        if rules and not self._stale:
            alone = len(rules) == 1 and rules[0].fixed_domain == home.subdomain and not self.host_matching
            urls[endpoint] = (alone and rules[0].simple_template) or False

    def find(self, domain: str, path: str, method: str, websocket: bool = False) -> tuple[Rule, dict[str, Any]] | Miss:
        """Search the rule for a request.

        :param domain: the subdomain, or the host where ``host_matching`` is on
        :param path: the path, decoded, with its first slash
        :param method: the HTTP method, in capitals
        :param websocket: whether the request is for a WebSocket
        :returns: the rule and a new dict of values; anything else is a :class:`~erlen.routing.outcomes.Miss`
        """
        if self._stale:
            self.update()
        known = self._tree.domains.get(domain, NOWHERE)
        if not websocket:
            alone = known.alone.get(path)
            if alone is not None:
                methods = alone.methods
                if methods is None or method in methods:
                    return alone, {}
            elif (looked := known.look(path, method)) is not None:
                return looked
        for rule in known.plain.get(path, ()):
            if (rule.methods is None or method in rule.methods) and rule.websocket is websocket:
                values = dict(rule.defaults) if rule.defaults else {}
                break
        else:
            found = self._search(domain, path, method, websocket)
            if not isinstance(found, tuple):
                return found
            rule, values = found
        if rule.alias or rule._givers is not None or rule.redirect_to is not None:
            return self._redirect(rule, values, method)
        return rule, values

    def find_usual(self, path: str, method: str) -> tuple[Rule, dict[str, Any]] | Miss:
        """Search as :meth:`find` does, in the default subdomain, for what is no WebSocket.

        :param path: it has no slashes in a row
        """
        usual = self.home.domain
        if not usual.sole:
            return self.find(self.default_subdomain, path, method)
        looked = usual.look(path, method)
        if looked is not None:
            return looked
        texts: list[str] = []
        refused: list[Rule] = []
        rule = walk(usual.root, path.split("/"), 0, method, False, texts, refused)
        if rule is None:
            return _refusal(refused, method, False) if refused else MISSING
        if rule is SLASH_MISSING:
            return SlashRedirect(path + "/")
        values = rule.read(texts)
        if values is None:
            return _refusal(refused, method, False)
        if rule.alias or rule._givers is not None or rule.redirect_to is not None:
            return self._redirect(rule, values, method)
        return rule, values

    def _search(self, domain: str, path: str, method: str, websocket: bool) -> tuple[Rule, dict[str, Any]] | Miss:
        """Search the tree, and once more with slashes merged."""
        search = self._tree.search
        texts: list[str] = []
        refused: list[Rule] = []
        if path[:2] == "//":
            path = "/" + path.lstrip("/")
        found = search(domain, path, method, websocket, texts, refused)
        if isinstance(found, Rule):
            values = found.read(texts)
            return _refusal(refused, method, websocket) if values is None else (found, values)
        if found is None and self.merge_slashes and "//" in path:
            path = _slashes.sub("/", path)
            found = search(domain, path, method, websocket, texts, refused)
        if found is SLASH_MISSING:
            return SlashRedirect(path + "/")
        if found is not None and found.merge_slashes:
            return SlashRedirect(path)
        return _refusal(refused, method, websocket)

    def _redirect(self, rule: Rule, values: dict[str, Any], method: str) -> tuple[Rule, dict[str, Any]] | Miss:
        """Return the redirect that *rule* asks for, if it does so for these *values*."""
        if self.redirect_defaults:
            if rule.alias:
                return AliasRedirect(rule, values)
            giver = self.canonical(rule, values, method)
            if giver is not None:
                values.update(giver.defaults or {})
                return DefaultsRedirect(giver, values)
        if rule.redirect_to is not None:
            return RedirectTo(rule, values)
        return rule, values

    def canonical(self, rule: Rule, values: Mapping[str, Any], method: str) -> Rule | None:
        """Return the rule whose defaults the *values* of *rule* are, if there is one."""
        if rule._givers is None:
            return None
        for giver in rule._givers.among(values, method):
            if giver.provides_defaults_for(rule) and giver.suitable_for(values, method):
                return giver
        return None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({pformat(list(self.iter_rules()))})"


def _refusal(refused: list[Rule], method: str, websocket: bool) -> Miss:
    """Say why no rule takes the request: the method matters more than the protocol."""
    if not refused:
        return MISSING
    allowed: set[str] = set()
    for rule in refused:
        if rule.methods is not None and method not in rule.methods:
            allowed |= rule.methods
    return WrongMethod(tuple(sorted(allowed))) if allowed else WrongProtocol(websocket)
