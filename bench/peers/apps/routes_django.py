"""The search of Django's resolver."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import Resolver404, URLPattern, URLResolver, path
from django.urls.resolvers import RegexPattern

from peers.routers import Rules, Search, nothing, texts


def search_among(rules: Rules) -> Search:
    if not settings.configured:
        settings.configure()
    patterns: list[URLPattern] = [path(text[1:], nothing) for text in texts(rules, "<int:number>")]
    resolver = URLResolver(RegexPattern(r"^/"), patterns)

    def search(asked: str) -> Any:
        try:
            return resolver.resolve(asked)
        except Resolver404:
            return None

    return search
