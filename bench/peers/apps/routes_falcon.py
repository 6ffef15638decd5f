"""The search of Falcon's compiled router."""

from __future__ import annotations

import falcon
from falcon.routing import CompiledRouter

from peers.routers import Rules, Search, texts


def search_among(rules: Rules) -> Search:
    router = CompiledRouter()

    class Resource:
        def on_get(self, request: falcon.Request, response: falcon.Response, number: int = 0) -> None:
            pass

    for text in texts(rules, "{number:int}"):
        router.add_route(text, Resource())
    return router.find
