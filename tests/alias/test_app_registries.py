"""What extensions write to directly: the registries and attributes of an application; and its logger."""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Callable
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


# The logger.


def without_handlers(test: Callable[[Any], None]) -> Callable[[Any], None]:
    """Run a test without the handlers of pytest, which come after the fixtures, and of other tests."""

    @functools.wraps(test)
    def run(flask: Any) -> None:
        root, logger = logging.getLogger(), logging.getLogger("logged_app")
        kept = root.handlers[:], root.level, logger.handlers[:], logger.level
        root.handlers[:], logger.handlers[:] = [], []
        root.setLevel(logging.WARNING)
        logger.setLevel(logging.NOTSET)
        try:
            test(flask)
        finally:
            root.handlers[:], logger.handlers[:] = kept[0], kept[2]
            root.setLevel(kept[1])
            logger.setLevel(kept[3])

    return run


@without_handlers
def test_the_default_handler_is_there_where_there_is_none(flask: Any) -> None:
    app = flask.Flask("logged_app", root_path="/")
    assert app.logger.name == "logged_app"
    assert app.logger.level == logging.NOTSET
    assert app.logger.handlers == [flask.logging.default_handler]


@without_handlers
def test_debug_mode_logs_everything(flask: Any) -> None:
    app = flask.Flask("logged_app", root_path="/")
    app.debug = True
    assert app.logger.level == logging.DEBUG


@without_handlers
def test_a_level_that_is_set_stays(flask: Any) -> None:
    logging.getLogger("logged_app").setLevel(logging.INFO)
    app = flask.Flask("logged_app", root_path="/")
    app.debug = True
    assert app.logger.level == logging.INFO


@without_handlers
def test_an_existing_handler_is_enough(flask: Any) -> None:
    handler = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    app = flask.Flask("logged_app", root_path="/")
    assert app.logger.handlers == []
    assert flask.logging.has_level_handler(app.logger)


@without_handlers
def test_a_handler_of_a_higher_level_is_not_enough(flask: Any) -> None:
    handler = logging.StreamHandler(io.StringIO())
    handler.setLevel(logging.CRITICAL)
    logging.getLogger().addHandler(handler)
    logging.getLogger("logged_app").setLevel(logging.INFO)
    assert not flask.logging.has_level_handler(logging.getLogger("logged_app"))
    app = flask.Flask("logged_app", root_path="/")
    assert app.logger.handlers == [flask.logging.default_handler]


@without_handlers
def test_a_logger_that_does_not_propagate(flask: Any) -> None:
    logging.getLogger().addHandler(logging.StreamHandler(io.StringIO()))
    logger = logging.getLogger("logged_app")
    logger.propagate = False
    assert not flask.logging.has_level_handler(logger)
    logger.propagate = True
    assert flask.logging.has_level_handler(logger)


@without_handlers
def test_the_log_goes_to_the_stream_of_the_server(flask: Any) -> None:
    app = flask.Flask("logged_app", root_path="/")
    stream = io.StringIO()

    @app.route("/")
    def index() -> str:
        app.logger.error("something bad")
        return "x"

    app.test_client().get("/", errors_stream=stream)
    assert "something bad" in stream.getvalue()
    assert "ERROR in test_app_registries" in stream.getvalue()


@without_handlers
def test_the_default_handler_can_be_removed(flask: Any) -> None:
    app = flask.Flask("logged_app", root_path="/")
    app.logger.removeHandler(flask.logging.default_handler)
    assert app.logger.handlers == []
    assert isinstance(flask.logging.default_handler, logging.StreamHandler)


@without_handlers
def test_an_exception_is_logged_with_its_traceback(flask: Any) -> None:
    app = flask.Flask("logged_app", root_path="/")
    app.add_url_rule("/", "index", lambda: 1 / 0)
    stream = io.StringIO()
    assert app.test_client().get("/", errors_stream=stream).status_code == 500
    text = stream.getvalue()
    assert "Exception on / [GET]" in text
    assert "Traceback (most recent call last):" in text
    assert "ZeroDivisionError" in text
    assert text.startswith("[")


@without_handlers
def test_a_handler_with_information_about_the_request(flask: Any) -> None:
    """The recipe of the documentation."""

    class RequestFormatter(logging.Formatter):
        def format(self, record: Any) -> str:
            record.url = flask.request.url if flask.has_request_context() else None
            return super().format(record)

    app = flask.Flask("logged_app", root_path="/")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RequestFormatter("%(url)s %(message)s"))
    app.logger.addHandler(handler)
    app.logger.removeHandler(flask.logging.default_handler)
    app.add_url_rule("/", "index", lambda: app.logger.error("inside") or "x")
    app.test_client().get("/")
    app.logger.error("outside")
    assert stream.getvalue() == "http://localhost/ inside\nNone outside\n"
