"""What a request may cost, in CPU instructions: the same on every machine, unlike time."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"

# Thousands of instructions per request, in process over WSGI.
LIMITS = {
    "text": 29,
    "dict as JSON": 37,
    "jsonify": 60,
    "typed parameter and query value": 51,
    "no such page (404)": 42,
    "two hooks and a session read": 124,
    "the same, session in a cookie": 103,
}

# The same over ASGI, of async views, and per message of a WebSocket.
LIMITS_ASYNC = {
    "text": 48,
    "dict as JSON": 56,
    "WebSocket echo, a message": 110,
}


@pytest.fixture
def instructions(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(BENCH)
    yield importlib.import_module("instructions")
    for name in ("instructions", "workloads"):
        sys.modules.pop(name, None)


def test_a_request_costs_no_more_than_was_promised(
    require: Callable[[str, str], str], instructions: ModuleType
) -> None:
    require("valgrind", "apt-get install valgrind")
    require("gcc", "apt-get install gcc libc6-dev")
    costs = instructions.measure("erlen_app", only=LIMITS)
    assert {name: costs[name] for name, limit in LIMITS.items() if costs[name] > limit} == {}


def test_an_async_request_costs_no_more_than_was_promised(
    require: Callable[[str, str], str], instructions: ModuleType
) -> None:
    require("valgrind", "apt-get install valgrind")
    require("gcc", "apt-get install gcc libc6-dev")
    costs = instructions.measure("asgi_erlen", "asgi_workloads.py", LIMITS_ASYNC)
    assert {name: costs[name] for name, limit in LIMITS_ASYNC.items() if costs[name] > limit} == {}


def test_both_applications_of_the_bench_are_the_same_text() -> None:
    erlen, flask = ((BENCH / "apps" / f"{name}_app.py").read_text() for name in ("erlen", "flask"))
    imports = "from erlen import Erlen as Flask\nfrom erlen import Response,"
    assert imports in erlen
    same = erlen.replace(imports, "from flask import Flask, Response,")
    assert same.splitlines()[1:] == flask.splitlines()[1:]
