"""The search of Erlen's map, as Werkzeug's is asked, and as a request asks it."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import NotFound

from erlen.routing import Map, Rule
from peers.routers import Rules, Search, bound, texts


def search_among(rules: Rules) -> Search:
    made = Map([Rule(text, endpoint=text) for text in texts(rules, "<int:number>")])
    return bound(made.bind("example.com"), NotFound)


def search_in_request(rules: Rules) -> Search:
    """Make the search as Erlen's own requests ask for it: without an adapter."""
    find = Map([Rule(text, endpoint=text) for text in texts(rules, "<int:number>")]).find

    def search(path: str) -> Any:
        found = find("", path, "GET")
        return found if isinstance(found, tuple) else None

    return search
