"""Sessions without a secret key, and cookies that are too large."""

from __future__ import annotations

import secrets
from typing import Any

import pytest


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.__setitem__("a", 1),
        lambda session: session.__delitem__("a"),
        lambda session: session.clear(),
        lambda session: session.pop("a", None),
        lambda session: session.popitem(),
        lambda session: session.update(a=1),
        lambda session: session.setdefault("a", 1),
        lambda session: setattr(session, "permanent", True),
    ],
)
@pytest.mark.parametrize("key", [None, "", b""])
def test_without_a_key_a_change_says_so(app: Any, flask: Any, change: Any, key: Any) -> None:
    app.secret_key = key
    with app.test_request_context():
        assert isinstance(flask.session._get_current_object(), flask.sessions.NullSession)
        assert flask.session.get("a") is None
        assert flask.session == {}
        assert not flask.session.permanent
        with pytest.raises(RuntimeError, match="session is unavailable because no secret key was set"):
            change(flask.session)


def test_without_a_key_reading_works_and_nothing_is_saved(app: Any, flask: Any) -> None:
    app.secret_key = None

    @app.route("/")
    def index() -> str:
        assert flask.session.get("missing_key") is None
        assert not flask.session.new
        with pytest.raises(KeyError):
            flask.session["x"]
        return "x" if "x" in flask.session else "none"

    response = app.test_client().get("/")
    assert response.data == b"none"
    assert "Vary" not in response.headers
    assert "Set-Cookie" not in response.headers


def test_a_flash_without_a_key_says_so(app: Any, flask: Any) -> None:
    app.secret_key = None
    with app.test_request_context(), pytest.raises(RuntimeError, match="secret key"):
        flask.flash("hello")


def test_the_size_of_the_cookie_is_warned_about(app: Any, flask: Any) -> None:
    @app.route("/<int:size>")
    def index(size: int) -> str:
        flask.session["x"] = bytes(range(256)).hex() * size
        return ""

    app.config["MAX_COOKIE_SIZE"] = 200
    with pytest.warns(UserWarning, match="cookie is too large"):
        app.test_client().get("/1")


def test_no_warning_where_the_limit_is_zero(app: Any, flask: Any, recwarn: Any) -> None:
    @app.route("/")
    def index() -> str:
        flask.session["x"] = secrets.token_hex(9000)
        return ""

    app.config["MAX_COOKIE_SIZE"] = 0
    app.test_client().get("/")
    assert not [w for w in recwarn if "cookie" in str(w.message)]
