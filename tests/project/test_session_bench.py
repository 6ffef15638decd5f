"""The races of the bench: they find what a session system loses, and nothing where nothing is lost."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
MODULES = ("session_races", "session_systems", "workloads")


@pytest.fixture
def races(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(BENCH)
    module = importlib.import_module("session_races")
    monkeypatch.setattr(module, "TIMES", 3)
    yield module
    for name in MODULES:
        sys.modules.pop(name, None)


def naive(systems: ModuleType) -> Callable[..., list[bytes]]:
    """An application as simple as can be: it takes the session out, works on a copy, and puts all of it back."""
    stored: dict[str, dict[str, Any]] = {}
    ids = count()

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        path = environ["PATH_INFO"]
        cookie = SimpleCookie(environ.get("HTTP_COOKIE", ""))
        sid = cookie["id"].value if "id" in cookie else f"{next(ids):08}"
        kept = dict(stored.get(sid, {}))
        action = systems.ACTIONS[path]
        text = systems.plain(action, action.do, kept)
        if path == "/logout":
            del stored[sid]
        elif not text:
            stored[sid] = kept
        start_response("200 OK", [("Set-Cookie", f"id={sid}")])
        return [text.encode()]

    return application


def test_the_races_lose_and_revive_where_a_session_is_written_as_a_whole(races: ModuleType) -> None:
    systems = sys.modules["session_systems"]
    found = races.race(systems.Wsgi(naive(systems)))
    assert (found.lost, found.revived, found.late) == (3, 3, {200: 3})
    assert found.adopted
    assert found.fixed


@pytest.mark.parametrize("system", ["ERLEN", "ERLEN_ASGI"])
def test_the_races_find_nothing_with_erlen(races: ModuleType, system: str) -> None:
    made = getattr(sys.modules["session_systems"], system)
    client = made.make({"SESSION_TYPE": "memory"})
    found = races.race(client)
    client.close()
    assert (found.lost, found.revived, found.late) == (0, 0, {200: 3})
    assert not found.adopted
    assert not found.fixed
