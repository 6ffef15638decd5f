"""What extensions reach for although Flask documents none of it."""

from __future__ import annotations

from typing import Any

import pytest


def test_a_client_builds_a_request_with_its_cookies_and_sends_none(client: Any) -> None:
    """Flask-SocketIO connects with the environment of such a request."""
    client.set_cookie("name", "Ada")
    request = client._request_from_builder_args((), {"path": "/socket.io?a=1", "headers": {"X-Key": "key"}})
    client._add_cookies_to_wsgi(request.environ)
    assert request.environ["PATH_INFO"] == "/socket.io"
    assert request.environ["QUERY_STRING"] == "a=1"
    assert request.environ["HTTP_X_KEY"] == "key"
    assert request.environ["HTTP_COOKIE"] == "name=Ada"
    assert request.environ["REMOTE_ADDR"] == "127.0.0.1"


UPGRADE = {"Upgrade": "WebSocket", "Connection": "keep-alive, Upgrade"}


def test_a_request_for_a_websocket_finds_its_rule_and_others_find_theirs(app: Any, client: Any) -> None:
    """flask-sock speaks over the socket in such a view."""
    app.add_url_rule("/talk/<name>", "talk", lambda name: f"socket of {name}", websocket=True)
    app.add_url_rule("/talk/<name>", "page", lambda name: f"page of {name}")
    app.add_url_rule("/socket", "socket", lambda: "socket", websocket=True)
    app.add_url_rule("/page", "plain", lambda: "page")
    assert client.get("/talk/ada").text == "page of ada"
    assert client.get("/talk/ada", headers=UPGRADE).text == "socket of ada"
    assert client.get("/talk/ada", headers={"Upgrade": "websocket"}).text == "page of ada"
    assert client.get("/talk/ada", headers={**UPGRADE, "Upgrade": "h2c"}).text == "page of ada"
    assert client.get("/socket", headers=UPGRADE).text == "socket"
    assert client.get("ws://localhost/socket").text == "socket"
    assert client.get("/talk/ada", url_scheme="wss").text == "socket of ada"
    assert client.get("/socket").status_code == 400
    assert client.get("/page", headers=UPGRADE).status_code == 400
    assert client.get("/nowhere", headers=UPGRADE).status_code == 404


@pytest.mark.parametrize("kind", ["cookie", "memory"])
def test_a_context_may_be_given_another_session(flask: Any, app: Any, client: Any, kind: str) -> None:
    """Flask-SocketIO gives each client a session of its own, a copy of that which the browser connected with."""

    class OwnSession(dict[str, Any], flask.sessions.SessionMixin):
        pass

    app.config["SESSION_TYPE"] = kind  # a setting of Erlen's; nothing to Flask
    app.add_url_rule("/set", "set", lambda: flask.session.setdefault("name", "Ada"))
    client.get("/set")
    request = client._request_from_builder_args((), {"path": "/socket.io"})
    client._add_cookies_to_wsgi(request.environ)
    kept = OwnSession()
    for count in (1, 2):
        with app.request_context(request.environ):
            kept = kept or OwnSession(flask.session)
            flask.globals.request_ctx._get_current_object()._session = kept
            flask.session["count"] = flask.session.get("count", 0) + 1
            assert flask.session["name"] == "Ada"
            assert kept["count"] == count
    with client.session_transaction() as session:
        assert dict(session) == {"name": "Ada"}
