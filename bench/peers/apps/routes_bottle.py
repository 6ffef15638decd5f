"""The search of Bottle's router."""

from __future__ import annotations

from typing import Any

from bottle import Bottle, HTTPError

from peers.routers import Rules, Search, nothing, texts


def search_among(rules: Rules) -> Search:
    app = Bottle()
    for text in texts(rules, "<number:int>"):
        app.route(text, callback=nothing)

    def search(path: str) -> Any:
        try:
            return app.router.match({"REQUEST_METHOD": "GET", "PATH_INFO": path})
        except HTTPError:
            return None

    return search
