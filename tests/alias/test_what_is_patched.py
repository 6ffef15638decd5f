"""What tests of applications and extensions replace or look at, beside what is documented."""

from __future__ import annotations

import logging
from typing import Any

import pytest


def test_the_first_context_processor_of_an_application_and_of_a_blueprint_is_the_default_one(flask: Any) -> None:
    for owner in (flask.Flask("a"), flask.Blueprint("b", "a")):
        assert owner.template_context_processors[None] == [flask.templating._default_template_ctx_processor]
        owner.context_processor(dict)
        assert owner.template_context_processors[None][1:] == [dict]


def test_context_processors_of_two_applications_are_two_lists(flask: Any) -> None:
    first, second = flask.Flask("a"), flask.Flask("b")
    first.context_processor(dict)
    assert len(second.template_context_processors[None]) == 1


def test_a_blueprint_whose_names_are_added_keeps_those_of_the_view(app: Any, flask: Any) -> None:
    bp = flask.Blueprint("bp", __name__)

    @bp.context_processor
    def names() -> dict[str, Any]:
        return {"colour": "blue", "size": 3}

    @bp.get("/")
    def index() -> Any:
        return flask.render_template_string("{{ colour }} {{ size }} {{ request.path }} {{ g.x }}", colour="red")

    @bp.before_request
    def before() -> None:
        flask.g.x = 1

    app.register_blueprint(bp)
    assert app.test_client().get("/").text == "red 3 / 1"


def test_the_client_has_flasks_name(app: Any, flask: Any) -> None:
    assert type(app.test_client()) is flask.testing.FlaskClient
    assert flask.testing.FlaskClient.__name__ == "FlaskClient"


def test_the_function_that_renders_can_be_replaced(
    app: Any, client: Any, flask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flask-Testing does so for tests that render nothing."""
    seen: list[tuple[Any, ...]] = []

    def render_nothing(app: Any, template: Any, context: Any) -> str:
        seen.append((app, template.name, sorted(context)))
        return ""

    monkeypatch.setattr(flask.templating, "_render", render_nothing)
    app.add_url_rule("/", "index", lambda: flask.render_template_string("{{ x }}", x=1))
    assert client.get("/").text == ""
    assert seen == [(app, None, ["x"])]


def test_the_account_of_a_lookup_can_be_replaced(app: Any, flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        flask.debughelpers,
        "explain_template_loading_attempts",
        lambda app, template, attempts: seen.append(template),
    )
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    with app.app_context(), pytest.raises(Exception, match=r"none\.html"):
        flask.render_template("none.html")
    assert seen == ["none.html"]


def test_the_line_of_an_exception_names_the_module_app(
    app: Any, client: Any, flask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)

    @app.get("/")
    def fail() -> str:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR):
        assert client.get("/").status_code == 500
    [record] = [one for one in caplog.records if one.name == app.name]
    assert (record.module, record.getMessage()) == ("app", "Exception on / [GET]")


def test_a_subclass_logs_exceptions_itself_and_asks_the_class_above(
    flask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Any] = []

    class Own(flask.Flask):  # type: ignore[misc]
        def log_exception(self, exc_info: Any) -> None:
            seen.append(exc_info[0])
            super().log_exception(exc_info)

    app = Own("logging_app")

    @app.get("/")
    def fail() -> str:
        raise ValueError("broken")

    assert app.test_client().get("/").status_code == 500
    assert seen == [ValueError]
    assert [one.module for one in caplog.records if one.name == app.name] == ["app"]
