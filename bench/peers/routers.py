"""The routers whose matching is timed, and what they are asked.

A rule is a static path, ``/page6/about``, or one with a parameter, ``/page7/<int:number>``; every second one is. Each
router's module in ``apps/`` makes a search from the rules, which returns what was found, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

SIZES = [10, 100, 1_000, 10_000]
PREFIX = "/api/v1/shop"
KINDS = ["static", "parameter", "404"]

Search = Callable[[str], Any]
Rules = list[tuple[str, bool]]  # the part before the last segment, and whether that is a parameter

#: By title: the module, its function, and the most rules it is given. Beyond them some take minutes to be built.
ROUTERS = {
    "Erlen": ("routes_erlen", "search_among", 10_000),
    "Erlen, inside a request": ("routes_erlen", "search_in_request", 10_000),
    "Werkzeug": ("routes_werkzeug", "search_among", 10_000),
    "Django": ("routes_django", "search_among", 10_000),
    "Falcon": ("routes_falcon", "search_among", 1_000),
    "Bottle": ("routes_bottle", "search_among", 1_000),
    "Starlette": ("routes_starlette", "search_among", 10_000),
    "Litestar": ("routes_litestar", "search_among", 1_000),
    "Sanic": ("routes_sanic", "search_among", 1_000),
    "BlackSheep": ("routes_blacksheep", "search_among", 10_000),
}


def make_search(name: str, rules: Rules) -> Search:
    """Return the search of the router called *name* among *rules*."""
    module, function, _ = ROUTERS[name]
    search: Search = getattr(import_module(module), function)(rules)
    return search


def rules_of(number: int, prefix: str) -> Rules:
    """Return *number* rules, all behind *prefix*."""
    return [(f"{prefix}/page{index}", bool(index % 2)) for index in range(number)]


def asked(rules: Rules, prefix: str) -> dict[str, str]:
    """Return the paths that are asked for: those of the last rules, and one that no rule has."""
    static, parameter = rules[-2][0], rules[-1][0]
    return {"static": f"{static}/about", "parameter": f"{parameter}/42", "404": f"{prefix}/nothing/here"}


def texts(rules: Rules, parameter: str) -> list[str]:
    """Return the rules in the language of a framework, which writes *parameter* for the number."""
    return [f"{path}/{parameter if variable else 'about'}" for path, variable in rules]


def bound(urls: Any, missing: type[Exception]) -> Search:
    """Return the search of an adapter that has been bound to a host."""
    match = urls.match

    def search(path: str) -> Any:
        try:
            return match(path, "GET")
        except missing:
            return None

    return search


def nothing(*arguments: Any, **values: Any) -> None:
    """Stand for a view."""
