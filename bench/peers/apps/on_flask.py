"""Flask: plain views over WSGI."""

from __future__ import annotations

from flask import Flask, Response, render_template, request, session
from shared import DATA, KEY, SIGNED_IN, STATIC, TEMPLATES, rows


def plain(folder: str) -> Flask:
    app = Flask(__name__, static_folder=str(STATIC), template_folder=str(TEMPLATES))

    @app.get("/")
    def text() -> str:
        return "Hello, World!"

    @app.get("/json")
    def mapping() -> dict[str, object]:
        return DATA

    @app.get("/user/<int:number>")
    def user(number: int) -> str:
        return f"user {number}, page {request.args['page']}"

    @app.get("/rows")
    def page() -> str:
        return render_template("rows.html", rows=rows())

    @app.post("/form")
    def form() -> str:
        return f"{request.form['name']} is {request.form['age']}"

    @app.post("/upload")
    def upload() -> str:
        return f"{len(request.files['file'].read())} bytes"

    return app


def cookie(folder: str) -> Flask:
    app = Flask(__name__)
    app.secret_key = KEY

    @app.before_request
    def before() -> None:
        pass

    @app.after_request
    def after(response: Response) -> Response:
        return response

    @app.get("/sign-in")
    def sign_in() -> str:
        session.update(SIGNED_IN)
        return "signed in"

    @app.get("/session")
    def read() -> str:
        return f"Hello, {session['user']}!"

    return app
