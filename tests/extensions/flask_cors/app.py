"""An application whose parts let other sites in, each in the way that Flask-Cors offers for it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, abort, jsonify
from flask.views import MethodView
from flask_cors import CORS, cross_origin

partners = Blueprint("partners", __name__, url_prefix="/partners")
CORS(partners, origins=["https://partner.example"], supports_credentials=True)


@partners.get("/orders")
def orders():
    return jsonify(orders=[1, 2])


@partners.get("/missing")
def missing():
    abort(404)


class Items(MethodView):
    """What a view of several methods allows is in the answer to a preflight."""

    provide_automatic_options = False  # the decorator answers
    decorators = [cross_origin(origins="https://shop.example", methods=["GET", "DELETE"])]

    def get(self):
        return jsonify(items=["a"])

    def delete(self):
        return "", 204


def create_app(**config: Any) -> Flask:
    """Make the application with the settings *config*."""
    app = Flask(__name__)
    app.config.update(TESTING=True, **config)

    @app.get("/")
    def index():
        return "for this site alone"

    @app.route("/api/open", methods=["GET", "POST"])
    def open_to_all():
        return jsonify(open=True)

    @app.get("/api/private/me")
    def me():
        response = jsonify(me="ada")
        response.headers["X-Total"] = "1"
        return response

    @app.get("/api/broken")
    def broken():
        abort(500)

    @app.get("/feed")
    @cross_origin(origins=[r"https://.*\.example"], max_age=600, expose_headers=["X-Total", "X-Page"])
    def feed():
        return "news"

    @app.route("/own-options", methods=["GET", "OPTIONS"])
    @cross_origin(automatic_options=False)
    def own_options():
        return "answered by the view"

    app.add_url_rule("/items", view_func=Items.as_view("items"))
    app.register_blueprint(partners)
    CORS(
        app,
        resources={
            r"/api/*": {"origins": "*", "send_wildcard": True},
            r"/api/private/*": {
                "origins": ["https://app.example", "http://localhost:3000"],
                "supports_credentials": True,
                "expose_headers": "X-Total",
                "allow_headers": ["X-Token", "Content-Type"],
                "methods": ["GET", "PUT"],
                "max_age": 60,
                "vary_header": True,
            },
        },
    )
    return app
