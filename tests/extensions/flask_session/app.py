"""An application whose sessions are kept by Flask-Session, in the store that its settings name."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, jsonify, redirect, session
from flask_session import Session


def create_app(extension: Session | None = None, **config: Any) -> Flask:
    """Make the application with the settings *config*; Flask-Session is started unless the store is made later."""
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY="of the checks alone", **config)
    if extension is not None:
        extension.init_app(app)

    @app.get("/set/<key>/<value>")
    def set_value(key, value):
        session[key] = value
        return "set"

    @app.get("/get/<key>")
    def get_value(key):
        return jsonify(session.get(key))

    @app.get("/untouched")
    def untouched():
        return "no word about the session"

    @app.post("/cart/<item>")
    def add(item):
        session.setdefault("cart", []).append(item)
        session.modified = True
        return jsonify(session["cart"])

    @app.get("/renew")
    def renew():
        current_app.session_interface.regenerate(session)
        return redirect("/get/name")

    @app.get("/clear")
    def clear():
        session.clear()
        return "gone"

    @app.get("/temporary")
    def temporary():
        session.permanent = False
        session["name"] = "ada"
        return "until the browser is closed"

    @app.get("/later/<value>")
    async def later(value):
        before = session.get("name")
        session["name"] = value
        return jsonify(before)

    return app
