"""What an event loop changes for an application with Flask's defaults."""

from __future__ import annotations

import asyncio
from typing import Any

from erlen.flask import Flask, g


def ask(app: Any, path: str) -> str:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "scheme": "http", "http_version": "1.1", "root_path": "", "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": [(b"host", b"localhost")],
        "server": ("localhost", 80), "client": ("127.0.0.1", 5000), "asgi": {"version": "3.0"},
    }  # fmt: skip
    asyncio.run(app.asgi(scope, receive, send))
    return b"".join(message.get("body", b"") for message in sent).decode()


def test_requests_do_not_share_g_with_a_context_that_was_pushed_when_the_module_was_imported() -> None:
    app = Flask("loops")
    ended: list[str] = []

    @app.teardown_appcontext
    def end(error: BaseException | None) -> None:
        ended.append(g.pop("name", "nobody"))

    @app.get("/plain/<name>")
    def plain(name: str) -> str:
        seen, g.name = g.get("name", "nobody"), name
        return f"{name} after {seen}"

    @app.get("/later/<name>")
    async def later(name: str) -> str:
        return plain(name)

    with app.app_context():
        answers = [ask(app, path) for path in ("/plain/ada", "/plain/bea", "/later/cleo", "/later/dora")]
        assert answers == ["ada after nobody", "bea after nobody", "cleo after nobody", "dora after nobody"]
        assert ended == ["ada", "bea", "cleo", "dora"]


def test_a_subclass_that_makes_contexts_in_its_own_way_is_asked_on_an_event_loop_too() -> None:
    class Own(Flask):
        def request_context(self, environ: dict[str, Any]) -> Any:
            return super().request_context({**environ, "PATH_INFO": "/elsewhere"})

    app = Own("loops")
    app.add_url_rule("/elsewhere", "elsewhere", lambda: "there")
    assert ask(app, "/") == "there"
