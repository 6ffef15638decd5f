"""Plain and async code in every mixture, the same on every kind of server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

HERE = Path(__file__).resolve().parent
SERVERS = ["granian", "gunicorn", "granian-asgi", "uvicorn", "hypercorn", "granian-rsgi"]
MIXTURES = ["plain", "async", "hidden", "even", "odd"]


@pytest.fixture(scope="module", params=SERVERS)
def http(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]
) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copy(HERE / "colour_app.py", folder)
    with (
        start(request.param, "colour_app:app", folder) as started,
        httpx.Client(base_url=started.url, timeout=30, verify=False) as http,
    ):
        yield http


@pytest.mark.parametrize("mixture", MIXTURES)
def test_all_callables_of_a_request_run_in_order_with_one_context_and_the_plain_ones_in_one_thread(
    http: httpx.Client, mixture: str
) -> None:
    http.cookies.clear()
    answer = http.get(f"/{mixture}/view/word")
    assert answer.json() == {"word": "word", "g": "word", "app": mixture, "path": "/view/word"}
    assert http.get(f"/{mixture}/view/again").json()["word"] == "again"
    first, second = http.get(f"/{mixture}/ended").json()[:2]
    steps = "before view handler after_this after teardown teardown_app"
    assert first[0] == f"first preprocess visit {steps}"
    assert second[0] == f"preprocess {steps}"
    assert first[1] == second[1] == (0 if mixture in ("async", "hidden") else 1)


@pytest.mark.parametrize("mixture", MIXTURES)
def test_receivers_of_signals_run_in_order(http: httpx.Client, mixture: str) -> None:
    assert http.get(f"/{mixture}/raises").status_code == 500
    heard = http.get(f"/{mixture}/heard").json()
    assert heard == ["exception", "finished", "tearing", "popped"]


@pytest.mark.parametrize("mixture", MIXTURES)
def test_class_based_views_and_templates_and_contexts_are_the_same(http: httpx.Client, mixture: str) -> None:
    assert http.get(f"/{mixture}/methods/word").text == "async word"
    assert http.post(f"/{mixture}/methods/word").text == "plain word"
    assert http.get(f"/{mixture}/single").text == "/single"
    assert http.get(f"/{mixture}/template").text == "processed /template"
    assert http.get(f"/{mixture}/template-async").text == "processed /template-async"
    assert http.get(f"/{mixture}/quick").text == "/quick None"
    assert http.get(f"/{mixture}/contexts").json() == [
        *("/contexts the view's", "/contexts None", "/contexts the view's", "/contexts None", "the view's")
    ]


def test_an_async_client_is_shared_by_all_requests(http: httpx.Client) -> None:
    with ThreadPoolExecutor(3) as pool:
        for way in ("fetch", "fetch-plainly"):
            answers = list(pool.map(lambda number, way=way: http.get(f"/{way}/{number}").json(), range(1, 13)))
            assert answers == [[str(number), str(10 * number)] for number in range(1, 13)]


def test_an_async_view_flashes(http: httpx.Client) -> None:
    assert http.get("/flash").json() == ["hello"]
