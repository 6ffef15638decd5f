"""What a session means for the headers of the response, through an application."""

from __future__ import annotations

from pathlib import Path

import pytest

from erlen import Erlen, Response, session


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
