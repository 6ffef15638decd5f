"""What a search for a route ends with when it is not a rule and its values.

These are plain values, not exceptions: raising one costs more than the whole search.
"""

from __future__ import annotations

from typing import Any

from erlen.routing.rule import Rule

__all__ = [
    "MISSING",
    "AliasRedirect",
    "DefaultsRedirect",
    "Miss",
    "Missing",
    "RedirectTo",
    "SlashRedirect",
    "WrongMethod",
    "WrongProtocol",
]


class Miss:
    """The base of all outcomes of :meth:`Router.find` but the good one."""

    __slots__ = ()


class Missing(Miss):
    """No rule has this path: 404."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Missing()"


class WrongMethod(Miss):
    """Rules have this path, but for other methods: 405.

    ``allowed`` holds those methods, sorted.
    """

    __slots__ = ("allowed",)

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed

    def __repr__(self) -> str:
        return f"WrongMethod({self.allowed!r})"


class WrongProtocol(Miss):
    """The rule is for WebSockets and the request is not, or the other way round: 400.

    ``websocket`` tells what the request was.
    """

    __slots__ = ("websocket",)

    def __init__(self, websocket: bool) -> None:
        self.websocket = websocket

    def __repr__(self) -> str:
        return f"WrongProtocol({self.websocket!r})"


class SlashRedirect(Miss):
    """The canonical path has a slash more at its end, or fewer in a row: ``path``, not encoded."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"SlashRedirect({self.path!r})"


class _RuleRedirect(Miss):
    __slots__ = ("rule", "values")

    def __init__(self, rule: Rule, values: dict[str, Any]) -> None:
        self.rule = rule
        self.values = values

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.rule!r}, {self.values!r})"


class DefaultsRedirect(_RuleRedirect):
    """The values are the defaults of another rule: ``rule`` is that one, to be built with ``values``."""

    __slots__ = ()


class AliasRedirect(_RuleRedirect):
    """``rule`` is an alias: the canonical URL is built from its endpoint and ``values``."""

    __slots__ = ()


class RedirectTo(_RuleRedirect):
    """``rule`` has a ``redirect_to``, to be filled or called with ``values``."""

    __slots__ = ()


MISSING = Missing()
