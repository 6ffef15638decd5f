"""Sessions without a secret key, and cookies that are too large."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable
from typing import Any

import pytest

SAYS_WHY = "session is unavailable because no secret key was set"


@pytest.fixture
def keyless(app: Any) -> Any:
    app.secret_key = None
    return app


@pytest.mark.parametrize("key", [None, "", b""])
def test_the_empty_session_of_a_keyless_application_can_be_read(app: Any, flask: Any, key: Any) -> None:
    app.secret_key = key
    with app.test_request_context():
        session = flask.session
        assert isinstance(session._get_current_object(), flask.sessions.NullSession)
        assert (dict(session), len(session), "seat" in session, session.get("seat", "none")) == ({}, 0, False, "none")
        assert (session.permanent, session.new, session.modified) == (False, False, False)
        with pytest.raises(KeyError, match="seat"):
            session["seat"]


@pytest.mark.parametrize(
    "change",
    [
        lambda flask: flask.session.update(seat="12a"),
        lambda flask: flask.session.__setitem__("seat", "12a"),
        lambda flask: flask.session.__delitem__("seat"),
        lambda flask: flask.session.setdefault("seat", "12a"),
        lambda flask: flask.session.pop("seat", None),
        lambda flask: flask.session.popitem(),
        lambda flask: flask.session.clear(),
        lambda flask: setattr(flask.session, "permanent", True),
        lambda flask: flask.flash("seat taken"),
    ],
)
def test_a_change_of_it_says_what_is_missing(keyless: Any, flask: Any, change: Callable[[Any], Any]) -> None:
    with keyless.test_request_context(), pytest.raises(RuntimeError, match=SAYS_WHY):
        change(flask)


def test_it_is_neither_saved_nor_varied_by(keyless: Any, flask: Any) -> None:
    keyless.add_url_rule("/seat", "seat", lambda: flask.session.get("seat", "free"))
    response = keyless.test_client().get("/seat")
    assert response.text == "free"
    assert {"Vary", "Set-Cookie"}.isdisjoint(response.headers.keys())


@pytest.mark.parametrize(
    ("limit", "length", "warns"), [(None, 9000, True), (None, 10, False), (100, 400, True), (0, 9000, False)]
)
def test_a_cookie_over_the_limit_is_warned_about_and_sent(
    app: Any, flask: Any, limit: int | None, length: int, warns: bool
) -> None:
    if limit is not None:
        app.config["MAX_COOKIE_SIZE"] = limit

    @app.get("/ticket")
    def ticket() -> str:
        flask.session["ticket"] = secrets.token_hex(length)
        return "printed"

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        response = app.test_client().get("/ticket")
    assert [one.category for one in caught if "cookie is too large" in str(one.message)] == [UserWarning] * warns
    assert "Set-Cookie" in response.headers
