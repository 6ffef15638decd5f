"""``flask.logging``: the application's logger, its handlers and levels."""

from __future__ import annotations

import logging
import sys
from io import StringIO
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _bare_loggers(pytestconfig: Any) -> Any:
    """No handlers at all, not even pytest's own, and everything as it was afterwards."""
    root, logger = logging.getLogger(), logging.getLogger("logging_app")
    handlers, level = root.handlers[:], root.level
    root.handlers, root.level = [], logging.WARNING
    logger.handlers, logger.level = [], logging.NOTSET
    plugin = pytestconfig.pluginmanager.unregister(name="logging-plugin")
    yield
    pytestconfig.pluginmanager.register(plugin, "logging-plugin")
    root.handlers[:], root.level = handlers, level
    logger.handlers, logger.level, logger.propagate = [], logging.NOTSET, True


@pytest.fixture
def app(flask: Any) -> Any:
    return flask.Flask("logging_app")


def test_the_logger_is_named_after_the_application(app: Any, flask: Any) -> None:
    assert app.logger.name == "logging_app"
    assert app.logger.level == logging.NOTSET
    assert app.logger.handlers == [flask.logging.default_handler]
    assert app.logger is app.logger is logging.getLogger("logging_app")


def test_in_debug_mode_its_level_is_debug(app: Any, flask: Any) -> None:
    app.debug = True
    assert app.logger.level == logging.DEBUG
    assert app.logger.handlers == [flask.logging.default_handler]


def test_a_handler_or_level_that_is_there_stays(app: Any) -> None:
    handler = logging.NullHandler()
    logging.root.addHandler(handler)
    assert app.logger.handlers == []
    logging.root.removeHandler(handler)
    logger = logging.getLogger("logging_app")
    logger.setLevel(logging.ERROR)
    app.debug = True
    assert app.logger.level == logging.ERROR


def test_an_own_handler_of_the_logger_stays_alone(flask: Any) -> None:
    handler = logging.StreamHandler(StringIO())
    logging.getLogger("logging_app").addHandler(handler)
    assert flask.Flask("logging_app").logger.handlers == [handler]


def test_a_handler_whose_level_is_too_high_does_not_count(flask: Any) -> None:
    handler = logging.StreamHandler(StringIO())
    handler.setLevel(logging.CRITICAL)
    logging.root.addHandler(handler)
    assert flask.Flask("logging_app").logger.handlers == [flask.logging.default_handler]


def test_it_writes_to_the_error_stream_of_the_server(app: Any) -> None:
    @app.route("/")
    def index() -> str:
        app.logger.error("test")
        return ""

    stream = StringIO()
    app.test_client().get("/", errors_stream=stream)
    assert "ERROR in test_logging_handlers: test" in stream.getvalue()


def test_the_error_stream_is_a_proxy(app: Any, flask: Any) -> None:
    stream = StringIO()
    with app.test_request_context(errors_stream=stream):
        assert flask.logging.wsgi_errors_stream._get_current_object() is stream
    with app.app_context():
        assert flask.logging.wsgi_errors_stream._get_current_object() is sys.stderr
    assert flask.logging.default_handler.stream._get_current_object() is sys.stderr


def test_whether_anybody_handles_the_level(flask: Any) -> None:
    logger = logging.getLogger("logging_app")
    has = flask.logging.has_level_handler
    assert not has(logger)
    handler = logging.StreamHandler(StringIO())
    logging.root.addHandler(handler)
    assert has(logger)
    logger.propagate = False
    assert not has(logger)
    logger.propagate = True
    handler.setLevel(logging.ERROR)
    assert not has(logger)
    logger.setLevel(logging.ERROR)
    assert has(logger)
    logging.root.removeHandler(handler)


def test_an_exception_is_logged_with_method_and_path(app: Any) -> None:
    @app.route("/")
    def index() -> str:
        raise Exception("test")

    app.testing = False
    stream = StringIO()
    response = app.test_client().get("/", errors_stream=stream)
    assert response.status_code == 500
    text = stream.getvalue()
    assert "Exception on / [GET]" in text
    assert "Exception: test" in text
    assert "ERROR in " in text
    assert "Traceback (most recent call last):" in text


def test_log_exception_can_be_overridden(flask: Any) -> None:
    seen: list[Any] = []

    class App(flask.Flask):
        def log_exception(self, exc_info: Any) -> None:
            seen.append(exc_info)

    app = App("logging_app")

    @app.route("/")
    def index() -> str:
        raise ZeroDivisionError("x")

    assert app.test_client().get("/").status_code == 500
    assert seen[0][0] is ZeroDivisionError
    assert str(seen[0][1]) == "x"
    assert seen[0][2] is not None


def test_the_logger_can_be_replaced(app: Any) -> None:
    class Logger:
        def __init__(self) -> None:
            self.records: list[Any] = []

        def error(self, *args: Any, **kwargs: Any) -> None:
            self.records.append((args, kwargs))

    app.logger = Logger()

    @app.route("/x", methods=["POST"])
    def index() -> str:
        raise ValueError("v")

    app.test_client().post("/x")
    [(args, kwargs)] = app.logger.records
    assert args[0].startswith("Exception on /x [POST]") or args[0] % args[1:] == "Exception on /x [POST]"
    assert kwargs["exc_info"][0] is ValueError


def test_create_logger_takes_the_application(app: Any, flask: Any) -> None:
    assert flask.logging.create_logger(app) is logging.getLogger("logging_app")
    assert flask.logging.default_handler.formatter._fmt == "[%(asctime)s] %(levelname)s in %(module)s: %(message)s"


def test_the_default_handler_can_be_removed(app: Any, flask: Any) -> None:
    app.logger.removeHandler(flask.logging.default_handler)
    assert app.logger.handlers == []
    assert isinstance(flask.logging.default_handler, logging.StreamHandler)


def test_a_request_that_ends_in_http_errors_logs_nothing(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "index", lambda: flask.abort(503))
    stream = StringIO()
    app.test_client().get("/", errors_stream=stream)
    app.test_client().get("/missing", errors_stream=stream)
    assert stream.getvalue() == ""
