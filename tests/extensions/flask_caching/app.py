"""An application that counts how often its views and functions are called, and so shows what comes from the cache."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Blueprint, Flask, g, jsonify, make_response, render_template, request
from flask.views import View
from flask_caching import Cache, CachedResponse

cache = Cache()
calls: Counter[str] = Counter()
reports = Blueprint("reports", __name__, url_prefix="/reports")


def called(name: str) -> str:
    """Note a call of *name*, and return which one it is: ``name 1``, ``name 2``, …"""
    calls[name] += 1
    return f"{name} {calls[name]}"


@reports.get("/<int:year>")
@cache.cached(timeout=60)
def report(year):
    return called(f"report {year}")


@cache.memoize(60)
def area(width, height=1):
    called("area")
    return width * height


@cache.memoize(make_name=lambda name: f"{name}-of-two")
def half(number):
    called("half")
    return number / 2


@cache.memoize(args_to_ignore=["log"], unless=lambda: calls["closed"] > 0)
def greet(name, log=None):
    called("greet")
    return f"hello {name}"


@cache.memoize(cache_none=True)
def nothing(name):
    called("nothing")


@cache.memoize(response_filter=lambda found: found is not None)
def found(name):
    called("found")
    return name or None


@cache.cached(timeout=60, key_prefix="everybody")
def everybody():
    called("everybody")
    return ["ada", "grace"]


class Account:
    """Something whose methods are memoized, for each object and for the class."""

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def __repr__(self) -> str:
        return f"Account({self.owner})"

    @cache.memoize()
    def balance(self, currency="EUR"):
        called(f"balance of {self.owner}")
        return f"{self.owner} has nothing in {currency}"

    @classmethod
    @cache.memoize()
    def rate(cls, currency):
        called("rate")
        return 1.5


class Clock(View):
    """A view class, cached by a decorator."""

    decorators = [cache.cached(timeout=60, query_string=True)]

    def dispatch_request(self, **arguments):
        return called("clock")


def create_app(**config: Any) -> Flask:
    """Make the application with the settings *config*, an empty cache and nothing called yet."""
    app = Flask(__name__)
    app.config.update(**{"TESTING": True, "CACHE_TYPE": "SimpleCache", **config})
    cache.init_app(app)
    calls.clear()
    app.register_blueprint(reports)
    app.jinja_env.globals["next_number"] = lambda: called("number")
    app.add_url_rule("/clock", view_func=Clock.as_view("clock"))

    @app.get("/plain")
    @cache.cached(timeout=60)
    def plain():
        response = make_response(called("plain"))
        response.headers["X-Made"] = "once"
        return response

    @app.get("/search")
    @cache.cached(query_string=True)
    def search():
        return jsonify(found=request.args.getlist("word"), call=called("search"))

    @app.get("/fresh")
    @cache.cached(unless=lambda: "now" in request.args, forced_update=lambda: "anew" in request.args)
    def fresh():
        return called("fresh")

    @app.get("/well")
    @cache.cached(response_filter=lambda response: response[1] == 200)
    def well():
        number = called("well")
        return number, 200 if number != "well 1" else 503

    @app.get("/own")
    @cache.cached(make_cache_key=lambda *args, **kwargs: f"own-{request.headers.get('X-Language', 'en')}")
    def own():
        return called("own")

    @app.get("/told")
    @cache.cached(response_hit_indication=True)
    def told():
        return called("told")

    @app.get("/long")
    @cache.cached(timeout=1)
    def long():
        return CachedResponse(make_response(called("long")), timeout=500)

    @app.get("/stream")
    @cache.cached()
    def stream():
        return (part for part in ("a", "b", called("stream")))

    @app.get("/later/<name>")
    @cache.cached()
    async def later(name):
        return called(f"later {name}")

    @app.get("/board/<title>")
    def board(title):
        return render_template("board.html", title=title)

    @app.get("/forget")
    def forget():
        cache.delete("view//plain")
        return "forgotten"

    @app.get("/mine")
    @cache.cached(key_prefix=lambda: f"mine/{g.name}")
    def mine():
        return called(f"page of {g.name}")

    @app.before_request
    def who():
        g.name = request.headers.get("X-Name", "nobody")

    return app
