"""Sessions from outside of a request: ``session_transaction`` and the client that keeps its context."""

from __future__ import annotations

from typing import Any

import pytest


def test_a_transaction_needs_a_session_that_can_be_opened(app: Any, flask: Any) -> None:
    app.secret_key = None
    with (
        pytest.raises(RuntimeError, match=r"(?i)session backend did not open a session"),
        app.test_client().session_transaction(),
    ):
        pass


def test_a_transaction_needs_cookies(app: Any) -> None:
    client = app.test_client(use_cookies=False)
    with pytest.raises(TypeError, match=r"[Cc]ookies"), client.session_transaction():
        pass


def test_a_transaction_takes_the_arguments_of_a_request(app: Any, flask: Any) -> None:
    seen: list[Any] = []

    class Interface(flask.sessions.SecureCookieSessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            seen.append((request.path, request.host, request.headers.get("X")))
            return super().open_session(app, request)

    app.session_interface = Interface()
    client = app.test_client()
    with client.session_transaction("/p", base_url="http://h.example", headers={"X": "1"}) as session:
        session["a"] = 1
    assert set(seen) == {("/p", "h.example", "1")}
    assert client.get_cookie("session", domain="h.example")


def test_a_transaction_keeps_the_context_that_the_client_preserves(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "index", lambda: "")
    with app.test_client() as client:
        client.get("/")
        request = flask.request._get_current_object()
        with client.session_transaction() as session:
            session["foo"] = 1
        assert request is flask.request._get_current_object()


def test_the_session_of_a_client_can_be_read_after_a_request(app: Any, flask: Any) -> None:
    @app.route("/")
    def index() -> str:
        flask.session["x"] = 3
        return ""

    with app.test_client() as client:
        client.get("/")
        assert flask.session["x"] == 3
        assert list(flask.session) == ["x"]


def test_the_session_can_be_modified_in_after_request_and_not_in_teardown(app: Any, flask: Any) -> None:
    @app.after_request
    def after(response: Any) -> Any:
        flask.session["after"] = 1
        return response

    @app.teardown_request
    def teardown(error: Any) -> None:
        flask.session["teardown"] = 1

    @app.route("/")
    def index() -> str:
        return str(sorted(flask.session))

    client = app.test_client()
    client.get("/")
    assert client.get("/").data == b"['after']"


def test_the_base_class_asks_for_its_methods(app: Any, flask: Any) -> None:
    interface = flask.sessions.SessionInterface()
    with pytest.raises(NotImplementedError):
        interface.open_session(app, None)
    with pytest.raises(NotImplementedError):
        interface.save_session(app, None, None)
