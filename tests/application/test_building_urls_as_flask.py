"""``url_for`` and its error handlers: Flask is the oracle, call by call."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import flask
import pytest
from werkzeug.routing import BuildError

import erlen

CONTEXTS: dict[str, Callable[[Any], Any]] = {
    "a request": lambda app: app.test_request_context("/below/x?q=1", base_url="https://shop.example.com:8443/root"),
    "a request of a blueprint": lambda app: app.test_request_context("/bp/here", "http://example.com"),
    "a request of an inner blueprint": lambda app: app.test_request_context("/bp/in/here", "http://example.com"),
    "a request for no page": lambda app: app.test_request_context("/nowhere", "http://example.com"),
    "a posted request": lambda app: app.test_request_context("/both", "http://example.com", method="POST"),
    "the application": lambda app: app.app_context(),
    "nothing": lambda app: nullcontext(),
}

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("index", {}),
    ("index", {"q": "a b", "ä": "ü&="}),
    ("index", {"q": ["a", "b", None], "n": None}),
    ("index", {"_anchor": "top"}),
    ("index", {"_anchor": "a b/ü?#%&"}),
    ("index", {"_anchor": ""}),
    ("index", {"_anchor": "x", "q": 1}),
    ("index", {"_external": True}),
    ("index", {"_external": False}),
    ("index", {"_external": True, "_anchor": "x", "q": 1}),
    ("index", {"_scheme": "https"}),
    ("index", {"_scheme": "https", "_external": True}),
    ("index", {"_scheme": "https", "_external": False}),
    ("index", {"_scheme": "", "_external": True}),
    ("index", {"_scheme": "", "_external": False}),
    ("index", {"_scheme": "ftp", "_external": True}),
    ("index", {"_method": "GET"}),
    ("index", {"_method": "POST"}),
    ("index", {"_unknown": 1}),
    ("both", {}),
    ("both", {"_method": "POST"}),
    ("both", {"_method": "GET"}),
    ("both", {"_method": "DELETE"}),
    ("user", {"id": 7}),
    ("user", {"id": 7, "tab": "x y"}),
    ("user", {}),
    ("user", {"id": "seven"}),
    ("user", {"idd": 7}),
    ("file", {"name": "a b/c?d"}),
    ("file", {"name": "/etc", "_external": True}),
    ("default", {}),
    ("default", {"page": 1}),
    ("default", {"page": 2}),
    ("socket", {}),
    ("socket", {"_external": False}),
    ("sub", {"s": "eu"}),
    ("static", {"filename": "a b.css"}),
    ("static", {"filename": "x.css", "v": 3}),
    ("bp.here", {}),
    (".here", {}),
    (".there", {}),
    (".in.here", {}),
    ("bp.in.here", {}),
    ("here", {}),
    ("indx", {}),
    ("", {}),
    (".", {}),
    ("handled", {"x": 1, "_anchor": "y"}),
    ("replaced", {}),
    ("handled", {"_external": True, "_scheme": "https", "_method": "POST"}),
    ("localized", {}),
    ("localized", {"lang": "fr"}),
    ("bp.localized", {}),
]


def application(module: Any, **config: Any) -> Any:
    app = module.Flask(__name__) if module is flask else module.Erlen(__name__)
    app.config.update(SECRET_KEY="k" * 40, **config)
    noted: list[Any] = []
    app.extensions["noted"] = noted

    def view(**values: Any) -> str:
        return "ok"

    for path, endpoint, options in (
        ("/", "index", {}),
        ("/both", "both", {"methods": ["GET"]}),
        ("/both/post", "both", {"methods": ["POST"]}),
        ("/user/<int:id>", "user", {}),
        ("/file/<path:name>", "file", {}),
        ("/default/", "default", {"defaults": {"page": 1}}),
        ("/default/<int:page>", "default", {}),
        ("/socket", "socket", {"websocket": True}),
        ("/sub", "sub", {"subdomain": "<s>"}),
        ("/<lang>/localized", "localized", {}),
    ):
        app.add_url_rule(path, endpoint, view, **options)
    outer, inner = (
        module.Blueprint("bp", __name__, url_prefix="/bp"),
        module.Blueprint("in", __name__, url_prefix="/in"),
    )
    for blueprint in (outer, inner):
        blueprint.add_url_rule("/here", "here", view)
    outer.add_url_rule("/<lang>/localized", "localized", view)
    outer.url_defaults(lambda endpoint, values: values.setdefault("lang", "bp"))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)

    @app.url_defaults
    def language(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint.endswith("localized"):
            values.setdefault("lang", "de")

    def passing(error: Exception, endpoint: str, values: dict[str, Any]) -> Any:
        noted.append((str(error), endpoint, dict(values)))
        if endpoint == "replaced":
            raise BuildError("another", values, None)
        return None

    def handling(error: Exception, endpoint: str, values: dict[str, Any]) -> Any:
        noted.append((str(error), endpoint))
        return f"/handled/{sorted(values)}" if endpoint == "handled" else None

    app.url_build_error_handlers += [passing, handling]
    return app


def told(module: Any, context: str, config: dict[str, Any], by_method: bool) -> list[Any]:
    app = application(module, **config)
    found: list[Any] = []
    with CONTEXTS[context](app):
        for endpoint, values in CALLS:
            try:
                found.append((app.url_for if by_method else module.url_for)(endpoint, **dict(values)))
            except BuildError as error:
                found.append((BuildError, str(error), endpoint))
            except RuntimeError as error:  # ours says more
                found.append((RuntimeError, str(error)[:30], endpoint))
            except (ValueError, TypeError) as error:
                found.append((type(error), str(error), endpoint))
    return [*found, app.extensions["noted"]]


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"SERVER_NAME": "example.com"},
        {"SERVER_NAME": "example.com:8080", "APPLICATION_ROOT": "/root", "PREFERRED_URL_SCHEME": "https"},
    ],
    ids=["no server name", "a server name", "all of it"],
)
@pytest.mark.parametrize("by_method", [False, True], ids=["flask.url_for", "app.url_for"])
def test_a_url_is_the_one_that_flask_builds(context: str, config: dict[str, Any], by_method: bool) -> None:
    theirs, ours = (told(module, context, config, by_method) for module in (flask, erlen))
    for call, expected, found in zip([*CALLS, "handlers"], theirs, ours, strict=True):
        assert (call, found) == (call, expected)
