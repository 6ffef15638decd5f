"""What extensions write to directly: the registries and attributes of an application."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.exceptions import Aborter, HTTPException, NotFound


def test_every_registry_makes_what_is_missing(flask: Any, app: Any) -> None:
    log: list[str] = []
    app.add_url_rule("/", "index", lambda: flask.render_template_string("{{ a }}"))
    app.before_request_funcs[None].append(lambda: log.append("before"))
    app.after_request_funcs[None].append(lambda response: log.append("after") or response)
    app.teardown_request_funcs[None].append(lambda error: log.append("teardown"))
    app.teardown_appcontext_funcs.append(lambda error: log.append("context"))
    app.url_value_preprocessors[None].append(lambda endpoint, values: log.append("preprocess"))
    app.template_context_processors[None].append(lambda: {"a": "processed"})
    app.error_handler_spec[None][404][NotFound] = lambda error: ("handled", 404)
    client = app.test_client()
    assert client.get("/").text == "processed"
    assert log == ["preprocess", "before", "after", "teardown", "context"]
    assert client.get("/nowhere").text == "handled"


def test_registries_of_a_blueprint_by_its_name(flask: Any, app: Any) -> None:
    log: list[str] = []
    bp = flask.Blueprint("bp", __name__, url_prefix="/bp")
    bp.add_url_rule("/", "index", lambda: "x")
    bp.add_url_rule("/fail", "fail", lambda: {}["x"])
    app.register_blueprint(bp)
    app.add_url_rule("/", "index", lambda: "x")
    app.before_request_funcs["bp"].append(lambda: log.append("bp"))
    app.error_handler_spec["bp"][None][KeyError] = lambda error: "handled"
    client = app.test_client()
    client.get("/")
    assert log == []
    client.get("/bp/")
    assert log == ["bp"]
    assert client.get("/bp/fail").text == "handled"


def test_url_defaults_and_build_errors(flask: Any, app: Any) -> None:
    app.add_url_rule("/<lang>/x", "x", lambda lang: lang)
    app.url_default_functions[None].append(lambda endpoint, values: values.setdefault("lang", "en"))
    app.url_build_error_handlers.append(lambda error, endpoint, values: f"/external/{endpoint}")
    with app.test_request_context():
        assert flask.url_for("x") == "/en/x"
        assert flask.url_for("nothing") == "/external/nothing"


def test_decorated_functions_stand_in_the_registries(flask: Any, app: Any) -> None:
    def function(*args: Any) -> Any:
        return args[0] if args else None

    assert app.before_request(function) is function
    assert app.after_request(function) is function
    assert app.teardown_request(function) is function
    assert app.teardown_appcontext(function) is function
    assert app.errorhandler(404)(function) is function
    assert app.route("/")(function) is function
    assert app.endpoint("other")(function) is function
    assert app.before_request_funcs == {None: [function]}
    assert app.after_request_funcs == {None: [function]}
    assert app.teardown_request_funcs == {None: [function]}
    assert app.teardown_appcontext_funcs == [function]
    assert app.error_handler_spec[None][404][NotFound] is function
    assert app.view_functions["function"] is function
    assert app.view_functions["other"] is function


def test_rules_know_whether_they_answer_options(flask: Any, app: Any) -> None:
    app.add_url_rule("/a", "a", lambda: "")
    app.add_url_rule("/b", "b", lambda: "", provide_automatic_options=False)
    app.add_url_rule("/c", "c", lambda: "", methods=["OPTIONS", "GET"])
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    assert rules["a"].provide_automatic_options is True
    assert rules["b"].provide_automatic_options is False
    assert rules["c"].provide_automatic_options is False
    assert rules["a"].methods == {"GET", "HEAD", "OPTIONS"}
    assert rules["b"].methods == {"GET", "HEAD"}


def test_attributes_may_be_set_after_the_constructor(flask: Any, app: Any, tmp_path: Any) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "x.html").write_text("found")
    app.root_path = str(tmp_path)
    app.template_folder = "views"
    app.instance_path = str(tmp_path / "instance")
    app.name = "renamed"
    assert app.name == "renamed"
    assert app.instance_path.endswith("instance")
    with app.app_context():
        assert flask.render_template("x.html") == "found"


def test_the_aborter_with_codes_of_ones_own(flask: Any, app: Any) -> None:
    class Odd(HTTPException):
        code = 499
        description = "odd"

    app.aborter = Aborter(extra={499: Odd})
    app.add_url_rule("/", "index", lambda: flask.abort(499))
    response = app.test_client().get("/")
    assert response.status_code == 499
    assert "odd" in response.text


@pytest.mark.parametrize("name", ["testing", "secret_key", "permanent_session_lifetime"])
def test_settings_stand_on_the_class_as_attributes(flask: Any, name: str) -> None:
    assert isinstance(getattr(flask.Flask, name), flask.config.ConfigAttribute)
