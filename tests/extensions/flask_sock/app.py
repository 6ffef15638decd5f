"""Sockets in views: what flask-sock offers an application."""

from __future__ import annotations

import queue
from typing import Any

from flask import Blueprint, Flask, current_app, g, request, session, url_for
from flask_sock import Sock

later = Sock()
rooms = Blueprint("rooms", __name__, url_prefix="/rooms")


@later.route("/later")
def say_later(ws: Any) -> None:
    ws.receive()
    ws.send(f"later, by {current_app.name}")


@later.route("/<name>", bp=rooms)
def talk_in_room(ws: Any, name: str) -> None:
    ws.receive()
    ws.send(f"{request.blueprint} {name} {request.endpoint}")


def create_app() -> Flask:
    """Make the application. What happens around one of the sockets is noted in ``app.seen``."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="sock", SOCK_SERVER_OPTIONS={"max_message_size": 1000})
    app.seen = queue.Queue()
    sock = Sock(app)
    later.init_app(app)
    app.register_blueprint(rooms)

    @app.before_request
    def begin() -> Any:
        g.user = request.args.get("user")
        return ("refused", 403) if g.user == "nobody" else None

    @app.after_request
    def note(response: Any) -> Any:
        if request.path == "/hello/42":
            app.seen.put("after /hello/42")
        return response

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        if request.path == "/hello/42":
            app.seen.put("teardown /hello/42")

    @app.get("/login")
    def login() -> str:
        session["name"] = "Ada"
        return "hello"

    @app.get("/seen")
    def seen() -> str:
        return app.seen.get(timeout=30)

    @sock.route("/echo")
    def echo(ws: Any) -> None:
        while True:
            ws.send(ws.receive())

    @sock.route("/hello/<int:number>")
    def hello(ws: Any, number: int) -> None:
        ws.receive()
        ws.send(f"{number} {g.user} {session.get('name')} {request.scheme} {url_for('login')}")

    @app.get("/hello/<int:number>")
    def plain_hello(number: int) -> str:
        return f"plain {number}"

    @sock.route("/close")
    def close(ws: Any) -> None:
        ws.receive()
        ws.close(4001, "enough")

    @sock.route("/fail")
    def fail(ws: Any) -> None:
        ws.receive()
        raise ValueError("broken view")

    return app


if __name__ == "__main__":
    create_app().run("127.0.0.1", 0)
