"""The search of Werkzeug's map, which Flask and Quart use."""

from __future__ import annotations

from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule

from peers.routers import Rules, Search, bound, texts


def search_among(rules: Rules) -> Search:
    made = Map([Rule(text, endpoint=text) for text in texts(rules, "<int:number>")])
    return bound(made.bind("example.com"), NotFound)
