"""Methods about templates and addresses that are overridden, and what they do when they are called by hand."""

from __future__ import annotations

from typing import Any

import pytest


def test_inject_url_defaults_is_called_by_url_for(flask: Any) -> None:
    class Own(flask.Flask):
        def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None:
            super().inject_url_defaults(endpoint, values)
            values.setdefault("lang", "en")

    app = Own("m", root_path="/")
    app.add_url_rule("/<lang>/", "index", lambda lang: lang)
    with app.test_request_context():
        assert flask.url_for("index") == "/en/"
        assert flask.url_for("index", lang="de") == "/de/"


def test_handle_url_build_error_is_called(flask: Any) -> None:
    class Own(flask.Flask):
        def handle_url_build_error(self, error: Any, endpoint: str, values: dict[str, Any]) -> str:
            return f"/built/{endpoint}?a={values['a']}"

    app = Own("m", root_path="/")
    with app.test_request_context():
        assert flask.url_for("nothing", a=1) == "/built/nothing?a=1"
        assert flask.url_for("nothing", a=2, _external=True) == "/built/nothing?a=2"


def test_url_for_is_called_by_the_function(flask: Any) -> None:
    class Own(flask.Flask):
        def url_for(self, endpoint: str, **values: Any) -> str:
            return f"own {endpoint} {values.get('x')}"

    app = Own("m", root_path="/")
    with app.test_request_context():
        assert flask.url_for("a", x=1) == "own a 1"
        assert flask.render_template_string("{{ url_for('b', x=2) }}") == "own b 2"


def test_update_template_context_is_called(flask: Any) -> None:
    class Own(flask.Flask):
        def update_template_context(self, context: dict[str, Any]) -> None:
            super().update_template_context(context)
            context["own"] = "yes"

    app = Own("m", root_path="/")
    app.context_processor(lambda: {"a": "processor", "b": "processor"})
    with app.test_request_context("/p"):
        text = flask.render_template_string("{{ own }} {{ a }} {{ b }} {{ request.path }}", a="given")
    assert text == "yes given processor /p"


def test_update_template_context_by_hand(flask: Any) -> None:
    app = flask.Flask("m", root_path="/")
    app.context_processor(lambda: {"a": 1, "b": 1})
    context: dict[str, Any] = {"b": 2}
    with app.test_request_context():
        app.update_template_context(context)
        assert context["request"] == flask.request._get_current_object()
        assert context["g"] == flask.g._get_current_object()
    assert (context["a"], context["b"]) == (1, 2)
    outside: dict[str, Any] = {}
    with app.app_context():
        app.update_template_context(outside)
    assert "request" not in outside
    assert "g" in outside


def test_select_jinja_autoescape_may_be_overridden(flask: Any) -> None:
    class Own(flask.Flask):
        def select_jinja_autoescape(self, filename: str | None) -> bool:
            return False

    app = Own("m", root_path="/")
    with app.app_context():
        assert flask.render_template_string("{{ '<' }}") == "<"


@pytest.mark.parametrize(
    ("name", "escaped"),
    [(None, True), ("a.html", True), ("a.htm", True), ("a.xml", True), ("a.xhtml", True), ("a.svg", True),
     ("a.txt", False), ("a.js", False), ("a.html.txt", False), ("a", False), ("a.HTML", False)],
)  # fmt: skip
def test_which_templates_are_escaped(flask: Any, name: str | None, escaped: bool) -> None:
    assert flask.Flask("m", root_path="/").select_jinja_autoescape(name) is escaped
