"""Who keeps the sessions of an application whose settings are meant for an extension."""

from __future__ import annotations

from typing import Any

import pytest


def make_interface(flask: Any) -> Any:
    """Return an interface that keeps one session for all, and notes who opened it."""

    class Session(dict[str, Any], flask.sessions.SessionMixin):  # type: ignore[misc, name-defined]
        pass

    class Interface(flask.sessions.SessionInterface):  # type: ignore[misc, name-defined]
        opened = 0

        def open_session(self, app: Any, request: Any) -> Any:
            self.opened += 1
            return Session()

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            pass

    return Interface()


@pytest.mark.parametrize("kind", ["cachelib", "uwsgi", "postgresql", "CacheLib"])
def test_a_type_that_only_flask_session_knows_leaves_the_session_in_the_cookie(
    flask: Any, app: Any, client: Any, kind: str
) -> None:
    app.config["SESSION_TYPE"] = kind

    @app.get("/")
    def index() -> str:
        flask.session["name"] = "ada"
        return "kept"

    assert client.get("/").text == "kept"
    assert client.get_cookie("session").value.startswith("eyJuYW1lIjoiYWRhIn0.")


@pytest.mark.parametrize("kind", ["memory", "cachelib", None])
def test_an_interface_that_is_set_late_keeps_the_sessions_whatever_is_set_afterwards(
    flask: Any, app: Any, client: Any, kind: str | None
) -> None:
    app.get("/")(lambda: "ok")
    app.config["SESSION_TYPE"] = kind
    with app.test_request_context("/"):
        flask.session.get("name")
    app.session_interface = make_interface(flask)
    client.get("/")
    app.config["SOMETHING"] = "else"
    client.get("/")
    assert app.session_interface.opened == 2
