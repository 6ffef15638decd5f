"""What a session means for the headers of the response, through an application."""

from __future__ import annotations

from pathlib import Path

import pytest

from erlen import Erlen, Response, request, session
from erlen.signals import request_finished


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, "no-store"),
        ("private", "private"),
        ("no-store, max-age=0", "no-store, max-age=0"),
        ("public, max-age=60", "no-store"),
        ("max-age=60", "no-store"),
    ],
)
def test_a_response_that_brings_a_token_is_kept_from_shared_caches(
    tmp_path: Path, given: str | None, sent: str
) -> None:
    app = Erlen("cached", root_path=str(tmp_path))
    app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory")

    @app.get("/")
    def index() -> Response:
        session["seen"] = True
        return Response("x", headers={} if given is None else {"Cache-Control": given})

    client = app.test_client()
    first = client.get("/")
    assert "Set-Cookie" in first.headers
    assert first.headers["Cache-Control"] == sent
    later = client.get("/")
    assert "Set-Cookie" not in later.headers
    assert later.headers.get("Cache-Control") == given


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("end", ["clear", "invalidate"])
@pytest.mark.parametrize("change", ["rotate", "sign in again"])
def test_a_logout_ends_the_session_that_another_tab_gave_a_new_token_meanwhile(
    tmp_path: Path, kind: str, end: str, change: str
) -> None:
    """The other tab's response may arrive last: its new cookie must open nothing."""
    app = Erlen("tabs", root_path=str(tmp_path))
    app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE=kind)
    tab, other = app.test_client(), app.test_client()

    @app.get("/sign-in")
    def sign_in() -> str:
        session.bind("ada")
        return "in"

    @app.get("/rotate")
    def rotate() -> str:
        session.rotate()
        return "rotated"

    @app.get("/sign-out")
    def sign_out() -> str:
        assert session.bound_user == "ada"
        other.get("/rotate" if change == "rotate" else "/sign-in")
        getattr(session, end)()
        return "out"

    @app.get("/who")
    def who() -> str:
        return str(session.bound_user)

    tab.get("/sign-in")
    cookie = tab.get_cookie("session")
    assert cookie is not None
    other.set_cookie("session", cookie.value)
    assert tab.get("/sign-out").text == "out"
    renewed = other.get_cookie("session")
    assert renewed is not None
    assert renewed.value != cookie.value
    assert (tab.get("/who").text, other.get("/who").text) == ("None", "None")


@pytest.mark.parametrize("trouble", ["conflict", "no value", "after_request", "handled"])
def test_a_login_that_was_committed_reaches_the_browser_whatever_fails_then(tmp_path: Path, trouble: str) -> None:
    app = Erlen("committed", root_path=str(tmp_path))
    app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory", SESSION_CONFLICTS={"cart": "error"})

    @app.get("/set")
    def set_() -> str:
        session["cart"] = [*session.get("cart", []), 1]
        return str(session.bound_user)

    @app.get("/login")
    def login() -> str:
        session.bind("ada")
        session.commit()
        session["cart"] = [2]
        if trouble == "conflict":
            tab = app.test_client()
            committed = app.session_manager.committed(session._get_current_object())
            tab.set_cookie("session", committed.cookie.partition("=")[2].partition(";")[0])
            tab.get("/set")
        elif trouble == "no value":
            session["cart"].append(object())
        elif trouble == "handled":
            raise ZeroDivisionError
        return ""

    @app.after_request
    def after(response: Response) -> Response:
        if trouble == "after_request" and request.path == "/login":
            raise RuntimeError("a bad hook")
        return response

    client = app.test_client()
    client.get("/set")
    answer = client.get("/login")
    assert answer.status_code == (409 if trouble == "conflict" else 500)
    assert len(answer.headers.getlist("Set-Cookie")) == 1
    assert (answer.headers["Vary"], answer.headers["Cache-Control"]) == ("Cookie", "no-store")
    assert client.get("/set").text == "ada"


def test_a_response_that_was_saved_before_something_failed_has_one_cookie(tmp_path: Path) -> None:
    app = Erlen("committed", root_path=str(tmp_path))
    app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory")

    @app.get("/")
    def index() -> str:
        session["a"] = 1
        session.commit()
        raise ZeroDivisionError

    def fail(sender: object, **_: object) -> None:
        raise RuntimeError("a bad receiver")

    with request_finished.connected_to(fail, app):
        answer = app.test_client().get("/")
    assert answer.status_code == 500
    assert len(answer.headers.getlist("Set-Cookie")) == 1
