"""before_first_visit: for visitors who come without a session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from erlen import Blueprint, flash, g, get_flashed_messages, request, session


@pytest.fixture
def greeted(app: Any) -> list[str]:
    """The paths of the first visits."""
    paths: list[str] = []

    @app.before_first_visit
    def greet() -> None:
        paths.append(request.path)

    @app.route("/<word>", methods=["GET", "POST"])
    def index(word: str) -> str:
        return word

    return paths


def test_a_visitor_is_greeted_once(app: Any, greeted: list[str]) -> None:
    client = app.test_client()
    first = client.get("/a")
    assert "Set-Cookie" in first.headers
    assert "Set-Cookie" not in client.get("/b").headers
    client.post("/c")
    assert greeted == ["/a"]


def test_each_visitor_is_greeted(app: Any, greeted: list[str]) -> None:
    app.test_client().get("/a")
    app.test_client().post("/b")
    assert greeted == ["/a", "/b"]


def test_a_client_that_refuses_cookies_is_always_first(app: Any, greeted: list[str]) -> None:
    client = app.test_client(use_cookies=False)
    client.get("/a")
    client.get("/b")
    assert greeted == ["/a", "/b"]


@pytest.mark.parametrize("cookie", ["garbage", "A" * 60, ""])
def test_a_cookie_that_loads_no_session_counts_as_none(app: Any, greeted: list[str], cookie: str) -> None:
    client = app.test_client()
    client.set_cookie("session", cookie)
    client.get("/a")
    assert greeted == ["/a"]


def test_head_options_static_files_and_unknown_paths_do_not_count(app: Any, greeted: list[str], tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "style.css").write_text("body {}")
    client = app.test_client()
    for response in (
        client.head("/a"), client.options("/a"), client.get("/static/style.css"), client.get("/no/where"),
        client.delete("/a"),
    ):  # fmt: skip
        assert "Set-Cookie" not in response.headers
        response.close()
    assert greeted == []
    client.get("/real")
    assert greeted == ["/real"]


def test_static_files_of_a_blueprint_do_not_count_either(app: Any, greeted: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    app.register_blueprint(Blueprint("shop", __name__, static_folder=str(folder), url_prefix="/shop"))
    with app.test_client().get("/shop/files/a.txt") as response:
        assert response.status_code == 200
    assert greeted == []


@pytest.mark.parametrize("mode", ["none", "readonly"])
def test_a_route_that_cannot_write_to_the_session_does_not_count(app: Any, greeted: list[str], mode: str) -> None:
    app.add_url_rule("/health/check", "health", lambda: "ok", session=mode)
    response = app.test_client().get("/health/check")
    assert response.text == "ok"
    assert "Set-Cookie" not in response.headers
    assert greeted == []


def test_it_runs_before_the_before_request_hooks_and_what_it_leaves_is_seen(app: Any) -> None:
    log: list[str] = []

    @app.before_request
    def before() -> None:
        log.append(f"before {g.get('new', False)}")

    @app.before_first_visit
    def greet() -> None:
        log.append("greet")
        g.new = True
        flash("Welcome!")
        session["since"] = "today"

    app.add_url_rule("/", "index", lambda: [get_flashed_messages(), session["since"]])
    client = app.test_client()
    assert client.get("/").json == [["Welcome!"], "today"]
    assert client.get("/").json == [[], "today"]
    assert log == ["greet", "before True", "before False"]


def test_what_it_returns_is_the_answer(app: Any) -> None:
    app.before_first_visit(lambda: ("choose a language", 200))
    app.before_first_visit(lambda: pytest.fail("the first one has answered"))
    app.before_request(lambda: "hook")
    app.route("/")(lambda: "view")
    client = app.test_client()
    assert client.get("/").text == "choose a language"
    assert client.get("/").text == "hook"


def test_an_async_one_runs_too(app: Any) -> None:
    @app.before_first_visit
    async def greet() -> str:
        return "async welcome"

    app.route("/")(lambda: "view")
    client = app.test_client()
    assert client.get("/").text == "async welcome"
    assert client.get("/").text == "view"


def test_the_marker_is_not_seen_among_what_the_application_keeps(app: Any, greeted: list[str]) -> None:
    app.add_url_rule("/keys/all", "keys", lambda: sorted(session))
    client = app.test_client()
    client.get("/a")
    assert client.get("/keys/all").json == ["_visited"]


def test_a_visitor_who_logs_out_is_new_again(app: Any, greeted: list[str]) -> None:
    @app.post("/logout")
    def logout() -> str:
        session.invalidate()
        return "out"

    client = app.test_client()
    client.get("/a")
    client.post("/logout")
    client.get("/b")
    assert greeted == ["/a", "/b"]


def test_without_one_a_visit_writes_nothing(app: Any) -> None:
    app.route("/")(lambda: "x")
    response = app.test_client().get("/")
    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers


def test_one_that_an_extension_appends_after_the_first_request_runs(app: Any) -> None:
    app.route("/")(lambda: "view")
    app.test_client().get("/")
    app.before_first_visit_funcs.append(lambda: "late welcome")
    assert app.test_client().get("/").text == "late welcome"


def test_a_visitor_with_a_session_that_was_begun_before_it_existed_is_not_new(app: Any) -> None:
    @app.route("/")
    def index() -> str:
        session["user"] = "ada"
        return "view"

    client = app.test_client()
    client.get("/")
    app.before_first_visit_funcs.append(lambda: "welcome")
    assert client.get("/").text == "view"
