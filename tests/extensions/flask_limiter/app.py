"""An application that answers so many requests and no more, counted by view, by blueprint, by user and for all."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, current_app, g, jsonify, make_response, request
from flask.views import MethodView
from flask_limiter import ApplicationLimit, ExemptionScope, Limiter, RequestLimit
from flask_limiter.util import get_remote_address


def user() -> str:
    """Return who asks, for limits that count by user."""
    return request.headers.get("X-User", "nobody")


def too_many(limit: RequestLimit):
    """Answer the request that is one too many."""
    return make_response({"limit": str(limit.limit.amount), "key": limit.key.split("/")[1]}, 429)


def create_app(**config: Any) -> Flask:
    """Make the application with the settings *config* and counts of its own."""
    app = Flask(__name__)
    app.config.update(TESTING=True, RATELIMIT_HEADERS_ENABLED=True, RATELIMIT_STORAGE_URI="memory://", **config)
    limiter = Limiter(get_remote_address, app=app, default_limits=["5 per hour"], strategy="fixed-window")
    shared = limiter.shared_limit("3/hour", scope="letters")
    api = Blueprint("api", __name__, url_prefix="/api")
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    health = Blueprint("health", __name__, url_prefix="/health")

    @app.get("/")
    def index():
        return "as often as the default says"

    @app.get("/once")
    @limiter.limit("1/day", error_message="once a day is enough")
    def once():
        return "once"

    @app.route("/both", methods=["GET", "POST"])
    @limiter.limit("2/hour", per_method=True)
    def both():
        return request.method

    @app.route("/writes", methods=["GET", "POST"])
    @limiter.limit("1/hour", methods=["POST"])
    def writes():
        return request.method

    @app.get("/many")
    @limiter.limit("2/minute;3/hour")
    def many():
        return "many"

    @app.get("/left")
    @limiter.limit("2/minute;3/hour")
    def left():
        return jsonify([(str(each.limit), each.remaining, each.breached) for each in limiter.current_limits])

    @app.get("/mine")
    @limiter.limit("2/hour", key_func=user)
    def mine():
        return f"for {user()}"

    @app.get("/plan")
    @limiter.limit(lambda: "3/hour" if user() == "ada" else "1/hour", key_func=user)
    def plan():
        return "as often as was paid for"

    @app.get("/staff")
    @limiter.limit("1/hour", exempt_when=lambda: user() == "ada")
    def staff():
        return "come in"

    @app.get("/failures")
    @limiter.limit("2/hour", deduct_when=lambda response: response.status_code == 400)
    def failures():
        return ("wrong", 400) if "wrong" in request.args else "right"

    @app.get("/dear")
    @limiter.limit("10/hour", cost=lambda: int(request.args.get("cost", 1)))
    def dear():
        return str(limiter.current_limit.remaining)

    @app.get("/polite")
    @limiter.limit("1/hour", on_breach=too_many)
    def polite():
        return "please"

    @app.get("/free")
    @limiter.exempt
    def free():
        return "free"

    @app.get("/a")
    @shared
    def letter_a():
        return "a"

    @app.get("/b")
    @shared
    def letter_b():
        return "b"

    @app.get("/later")
    @limiter.limit("1/hour")
    async def later():
        return "later"

    @app.get("/inside")
    def inside():
        with limiter.limit("2/hour"):
            return jsonify(before=g.get("before"), limits=len(limiter.current_limits))

    @app.get("/same")
    @limiter.limit("2/hour", key_func=user, override_defaults=False)
    def same():
        return "limited by two"

    class Item(MethodView):
        """A view class, whose methods share a limit."""

        decorators = [limiter.limit("2/hour")]

        def get(self):
            return "got"

        def put(self):
            return "put"

    @api.get("/list")
    def listed():
        return "list"

    @api.get("/other")
    def other():
        return "other"

    @api.get("/own")
    @limiter.limit("1/hour")
    def own():
        return "own"

    @inner.get("/list")
    def inner_list():
        return "inner list"

    @health.get("/")
    def healthy():
        return "healthy"

    @limiter.request_filter
    def internal():
        return request.headers.get("X-Internal") == "yes"

    @app.errorhandler(429)
    def refuse(error):
        return error.response or (jsonify(error=error.description), 429)

    @app.before_request
    def note():
        g.before = current_app.name

    app.add_url_rule("/item", view_func=Item.as_view("item"))
    limiter.limit("2/hour")(api)
    limiter.exempt(health, flags=ExemptionScope.DEFAULT | ExemptionScope.APPLICATION)
    api.register_blueprint(inner)
    app.register_blueprint(api)
    app.register_blueprint(health)
    app.extensions["limiter-of-ours"] = limiter
    return app


def create_strict_app() -> Flask:
    """Make an application with a limit for all of its views together, and one for those who reach it too often."""
    app = Flask("strict")
    Limiter(
        user,
        app=app,
        application_limits=[ApplicationLimit("3/hour")],
        meta_limits=["2/day"],
        headers_enabled=True,
        storage_uri="memory://",
    )
    app.get("/a")(lambda: "a")
    app.add_url_rule("/b", "b", lambda: "b")
    return app
