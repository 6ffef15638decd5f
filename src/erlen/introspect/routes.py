"""The routes of an application, as data."""

from __future__ import annotations

import functools
import inspect
import os
from typing import Any

from msgspec import Struct

from erlen.callables import shorten
from erlen.routing import Rule

__all__ = ["Route", "describe_rule", "find_place", "list_routes", "name_of"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Route(Struct, frozen=True):
    """One URL rule.

    :param methods: sorted; None for all
    :param host: the host it is for, where hosts are matched
    :param subdomain: the subdomain it is for, where there is one
    :param view: the name of the view function; None without one
    :param defined: file and line of the view, or of the rule
    :param note: what else is to be known: that it redirects, or only builds URLs
    """

    endpoint: str
    methods: tuple[str, ...] | None
    rule: str
    host: str | None
    subdomain: str | None
    websocket: bool
    view: str | None
    defined: str | None
    note: str


def list_routes(app: Any) -> list[Route]:
    """Return all routes of *app*, in the order in which a request tries them."""
    rules = sorted(app.url_map.iter_rules(), key=_order)
    return [describe_rule(app, rule) for rule in rules]


def _order(rule: Rule) -> list[tuple[Any, ...]]:
    # Fixed text is tried before variables, and those by their weight.
    return [(0, part.content) if part.static else (1, part.weight) for part in rule._parts]


def describe_rule(app: Any, rule: Rule) -> Route:
    """Describe one rule of *app*."""
    view = app.view_functions.get(rule.endpoint)
    matching = app.url_map.host_matching
    return Route(
        endpoint=str(rule.endpoint),
        methods=None if rule.methods is None else tuple(sorted(rule.methods)),
        rule=rule.rule,
        host=(rule.host or None) if matching else None,
        subdomain=None if matching else rule.subdomain or None,
        websocket=rule.websocket,
        view=None if view is None else name_of(view),
        defined=(None if view is None else find_place(view)) or rule.where,
        note=_note(rule, view),
    )


def _note(rule: Rule, view: Any) -> str:
    if rule.build_only:
        return "builds URLs only"
    if rule.redirect_to is not None:
        return "redirects"
    if rule.alias:
        return "alias: redirects"
    return "no view" if view is None else ""


def name_of(function: Any) -> str:
    """Return the name of a callable, as it is written in its module."""
    target = function
    while isinstance(target, functools.partial):
        target = target.func
    view_class = getattr(target, "view_class", None)
    target = inspect.unwrap(target) if view_class is None else view_class
    return getattr(target, "__qualname__", None) or type(target).__qualname__


def find_place(function: Any) -> str | None:
    """Return where a callable was defined, ``file:line``; None for what has no file, or is Erlen's own."""
    target = function
    while isinstance(target, functools.partial):
        target = target.func
    view_class = getattr(target, "view_class", None)
    target = inspect.unwrap(target) if view_class is None else view_class
    if isinstance(target, type):
        return _class_place(target)
    code = getattr(target, "__code__", None) or getattr(vars(type(target)).get("__call__"), "__code__", None)
    if code is None or code.co_filename.startswith((_PACKAGE, "<")):
        return None
    return f"{shorten(code.co_filename)}:{code.co_firstlineno}"


def _class_place(found: type) -> str | None:
    try:
        file, line = inspect.getsourcefile(found), inspect.getsourcelines(found)[1]
    except (OSError, TypeError):
        return None
    return None if file is None else f"{shorten(file)}:{line}"
