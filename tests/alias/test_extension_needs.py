"""What extensions reach for although Flask documents none of it."""

from __future__ import annotations

from typing import Any


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
