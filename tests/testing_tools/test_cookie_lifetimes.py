"""The cookies of the test client end when those of a browser would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from erlen import Erlen, Response, request


@pytest.fixture
def still() -> Iterator[Any]:
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def client(app: Erlen) -> Any:
    @app.get("/set")
    def set_() -> Response:
        response = Response()
        response.set_cookie("age", "1", max_age=60)
        response.set_cookie("date", "1", expires=datetime(2026, 3, 1, 12, 2, tzinfo=UTC))
        response.set_cookie("both", "1", max_age=180, expires=datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC))
        response.headers.add("Set-Cookie", "ever=1; Path=/; Max-Age=1000000000000000")
        response.set_cookie("browser", "1")
        response.set_cookie("past", "1", expires=datetime(2025, 1, 1, tzinfo=UTC))
        return response

    @app.get("/names")
    def names() -> list[str]:
        return list(request.cookies)

    return app.test_client()


def test_a_cookie_is_sent_until_its_time_is_over(client: Any, still: Any) -> None:
    client.get("/set")
    assert client.get("/names").json == ["age", "date", "both", "ever", "browser"]
    still.shift(59)
    assert client.get("/names").json == ["age", "date", "both", "ever", "browser"]
    still.shift(1)
    assert client.get_cookie("age") is None
    assert client.get("/names").json == ["date", "both", "ever", "browser"]
    still.shift(60)
    assert client.get("/names").json == ["both", "ever", "browser"]
    still.shift(timedelta(days=100))
    assert client.get("/names").json == ["ever", "browser"]


def test_a_cookie_that_is_sent_again_lives_from_then_on(client: Any, still: Any) -> None:
    client.get("/set")
    still.shift(50)
    client.get("/set")
    still.shift(50)
    assert "age" in client.get("/names").json
    client.delete_cookie("age")
    assert "age" not in client.get("/names").json


def test_a_cookie_that_was_set_by_hand_ends_too(client: Any, still: Any) -> None:
    client.set_cookie("own", "1", max_age=5)
    assert client.get_cookie("own").value == "1"
    still.shift(5)
    assert client.get("/names").json == []


def test_a_client_without_cookies_keeps_none(app: Erlen, client: Any) -> None:
    plain = app.test_client(use_cookies=False)
    plain.get("/set")
    assert plain.get("/names").json == []
    with pytest.raises(TypeError, match="Cookies are disabled"):
        plain.get_cookie("age")
