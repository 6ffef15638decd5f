"""A chat: what Flask-SocketIO offers an application."""

from __future__ import annotations

from typing import Any

from flask import Flask, copy_current_request_context, current_app, g, has_app_context, request, session, url_for
from flask_socketio import (
    ConnectionRefusedError,
    Namespace,
    SocketIO,
    close_room,
    disconnect,
    emit,
    join_room,
    leave_room,
    rooms,
    send,
)


class Shop(Namespace):
    """A namespace of its own, as a class."""

    def on_connect(self, auth: Any) -> None:
        if not auth or auth.get("token") != "shop":
            raise ConnectionRefusedError("no token")

    def on_buy(self, what: str) -> str:
        self.emit("bought", {"what": what, "namespace": request.namespace})
        return f"one {what}"

    def on_disconnect(self, reason: str) -> None:
        current_app.left.append((request.namespace, reason))


def create_app(**options: Any) -> tuple[Flask, SocketIO]:
    """Make the application, and the extension with *options*. Who leaves is noted in ``app.left``."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "chat"
    app.left, app.torn_down = [], []
    socketio = SocketIO(app, async_mode="threading", **options)

    @app.get("/login/<name>")
    def login(name: str) -> dict[str, Any]:
        session["name"] = name
        return {"count": session.get("count")}

    @app.post("/announce")
    def announce() -> str:
        socketio.emit("announced", request.get_json(), namespace="/")
        return "done"

    @app.teardown_request
    def note_teardown(error: BaseException | None) -> None:
        app.torn_down.append(request.path)

    @socketio.on("connect")
    def connected(auth: Any = None) -> Any:
        if request.args.get("refuse"):
            return False
        emit("welcome", {"name": session.get("name"), "agent": request.headers.get("User-Agent"), "auth": auth})
        return None

    @socketio.on("disconnect")
    def disconnected(reason: str) -> None:
        app.left.append((session.get("name"), reason))

    @socketio.on("message")
    def message(text: str) -> None:
        send(f"{session.get('name')}: {text}", broadcast=True)

    @socketio.on("json")
    def json_message(data: Any) -> None:
        send({"received": data}, json=True)

    @socketio.on("count")
    def count() -> int:
        session["count"] = session.get("count", 0) + 1
        return session["count"]

    @socketio.on("where")
    def where(*arguments: Any) -> dict[str, Any]:
        return {
            "path": request.path,
            "namespace": request.namespace,
            "event": request.event,
            "own_sid": request.sid in rooms(),
            "application": current_app.name,
            "context": has_app_context(),
            "fresh": not hasattr(g, "seen") and not setattr(g, "seen", True),
            "url": url_for("login", name="x"),
        }

    @socketio.on("join")
    def join(room: str) -> list[str]:
        join_room(room)
        emit("joined", session.get("name"), to=room)
        return sorted(set(rooms()) - {request.sid})

    @socketio.on("leave")
    def leave(room: str) -> None:
        leave_room(room)

    @socketio.on("close")
    def close(room: str) -> None:
        close_room(room)

    @socketio.on("talk")
    def talk(room: str, text: str) -> None:
        emit("talk", text, to=room, include_self=False)

    @socketio.on("work")
    def work(amount: int) -> None:
        @copy_current_request_context
        def run() -> None:
            emit("worked", {"amount": amount, "name": session.get("name")}, to=request.sid)

        socketio.start_background_task(run).join()

    @socketio.event
    def twice(number: int) -> tuple[int, int]:
        return number, number

    @socketio.on("*")
    def anything(event: str, *arguments: Any) -> str:
        return f"{event}{arguments}"

    @socketio.on("kick")
    def kick() -> None:
        disconnect()

    @socketio.on("fail")
    def fail(text: str) -> None:
        raise ValueError(text)

    @socketio.on_error()
    def failed(error: Exception) -> None:
        emit("failed", {"error": str(error), "event": request.event["message"]})

    @socketio.on("fail", namespace="/strict")
    def fail_strictly() -> None:
        raise KeyError("strict")

    @socketio.on_error_default
    def failed_anywhere(error: Exception) -> str:
        return f"{type(error).__name__} in {request.namespace}"

    socketio.on_namespace(Shop("/shop"))
    return app, socketio


if __name__ == "__main__":
    app, socketio = create_app()
    socketio.run(app, host="127.0.0.1", port=0, allow_unsafe_werkzeug=True)
