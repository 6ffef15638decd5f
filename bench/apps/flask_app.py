"""What is counted on Flask. The twin, erlen_app.py, is the same text but for this docstring and the import."""

from __future__ import annotations

from flask import Flask, Response, jsonify, render_template, request, session


def plain(instance_path: str) -> Flask:
    app = Flask(__name__, instance_path=instance_path)

    @app.route("/")
    def text() -> str:
        return "Hello, World!"

    @app.route("/json")
    def mapping() -> dict[str, object]:
        return {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True}}

    @app.route("/jsonify")
    def explicit() -> Response:
        return jsonify(message="Hello, World!", numbers=[1, 2, 3], nested={"ok": True})

    @app.route("/user/<int:number>")
    def user(number: int) -> str:
        return f"user {number}, page {request.args['page']}"

    @app.route("/rows")
    def rows() -> str:
        return render_template("rows.html", rows=[{"number": n, "name": f"row {n}"} for n in range(20)])

    return app


def hooked(instance_path: str) -> Flask:
    app = Flask(__name__, instance_path=instance_path)
    app.config["SECRET_KEY"] = "a key for the bench, at least 32 bytes"

    @app.before_request
    def before() -> None:
        pass

    @app.after_request
    def after(response: Response) -> Response:
        return response

    @app.route("/sign-in")
    def sign_in() -> str:
        session["user"] = "ada"
        session["cart"] = {"apples": 3}
        return "signed in"

    @app.route("/session")
    def read() -> str:
        return f"Hello, {session['user']}!"

    return app


def cookie(instance_path: str) -> Flask:
    app = hooked(instance_path)
    app.config["SESSION_TYPE"] = "cookie"  # where Flask keeps it anyway
    return app
