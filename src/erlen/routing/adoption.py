"""Werkzeug's own rules and maps, and subclasses of them, on this engine.

A class of theirs is joined with ours: what it overrides is used, and what it leaves to Werkzeug is done here. Objects
are made ours in place, so that whoever has made one and keeps it sees what becomes of it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import werkzeug.routing as werkzeug

from erlen.routing.rule import Rule

__all__ = ["adopt_rule", "joined_class", "rule_class"]


@lru_cache(maxsize=256)
def joined_class(theirs: Any, ours: Any, base: Any) -> Any:
    """Return a class that is *theirs*, a subclass of Werkzeug's *base*, with *ours* in place of that base."""
    if issubclass(theirs, ours):
        return theirs
    if theirs is base:
        return ours
    return type(theirs.__name__, (theirs, ours), {"__module__": theirs.__module__, "__doc__": theirs.__doc__})


def rule_class(kind: Any) -> Any:
    """Return the class of rules to make where *kind* is wanted; what is no class is given back."""
    return joined_class(kind, Rule, werkzeug.Rule) if isinstance(kind, type) else kind


def adopt_rule(given: Rule | werkzeug.Rule) -> Rule:
    """Make *given* a rule of ours, in place."""
    if isinstance(given, Rule):
        return given
    kept = dict(vars(given))
    given.__class__ = rule_class(type(given))
    rule = cast(Rule, given)
    Rule.__init__(
        rule,
        given.rule,
        given.defaults,
        given.subdomain,
        given.methods,
        given.build_only,
        given.endpoint,
        given.strict_slashes,
        given.merge_slashes,
        given.redirect_to,
        given.alias,
        given.host,
        given.websocket,
    )
    vars(given).update({name: kept[name] for name in kept.keys() - vars(given).keys()})
    rule.map = kept["map"]  # one that belongs to a map already is refused by bind()
    return rule
