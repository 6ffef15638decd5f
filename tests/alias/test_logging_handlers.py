"""``flask.logging``: the application's logger, its handlers and levels."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest


@pytest.fixture
def harbour() -> Iterator[logging.Logger]:
    """The logger above those of all applications here, cut from the root: what they log goes no higher."""
    harbour = logging.getLogger("harbour")
    parent, harbour.parent = harbour.parent, None
    harbour.setLevel(logging.WARNING)
    yield harbour
    harbour.parent = parent
    for logger in (harbour, logging.getLogger("harbour.pilots")):
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True


@pytest.fixture
def pilots(flask: Any, harbour: logging.Logger, tmp_path: Any) -> Any:
    """An application whose logger nobody has touched yet."""
    return flask.Flask("harbour.pilots", root_path=str(tmp_path))


def log_of(app: Any, path: str, **options: Any) -> tuple[int, str]:
    """Ask *app* for *path*: the status, and what the server was told of errors."""
    stream = StringIO()
    response = app.test_client().open(path, errors_stream=stream, **options)
    return response.status_code, stream.getvalue()


# Who handles what is logged.


@pytest.mark.parametrize(
    ("there", "added"),
    [
        ({}, True),
        ({"harbour": logging.NOTSET}, False),
        ({"harbour": logging.WARNING}, False),
        ({"harbour": logging.ERROR}, True),
        ({"harbour.pilots": logging.NOTSET}, False),
        ({"harbour.pilots": logging.CRITICAL}, True),
        ({"harbour.pilots": logging.CRITICAL, "harbour": logging.NOTSET}, False),
    ],
)
def test_a_handler_is_added_where_none_handles_the_level_of_the_logger(
    pilots: Any, flask: Any, harbour: logging.Logger, there: dict[str, int], added: bool
) -> None:
    for name, level in there.items():
        handler = logging.NullHandler()
        handler.setLevel(level)
        logging.getLogger(name).addHandler(handler)
    own = logging.getLogger("harbour.pilots")
    assert flask.logging.has_level_handler(own) is not added
    before = list(own.handlers)
    assert pilots.logger is own
    assert own.handlers == before + [flask.logging.default_handler] * added
    assert flask.logging.has_level_handler(own)


def test_a_logger_that_tells_nobody_above_needs_a_handler_of_its_own(
    pilots: Any, flask: Any, harbour: logging.Logger
) -> None:
    harbour.addHandler(logging.NullHandler())
    own = logging.getLogger("harbour.pilots")
    assert flask.logging.has_level_handler(own)
    own.propagate = False
    assert not flask.logging.has_level_handler(own)
    assert pilots.logger.handlers == [flask.logging.default_handler]


@pytest.mark.parametrize("asked", ["logger", "create_logger"])
def test_the_logger_has_the_name_of_the_application_and_is_made_ready_once(pilots: Any, flask: Any, asked: str) -> None:
    loggers = [pilots.logger if asked == "logger" else flask.logging.create_logger(pilots) for _ in range(3)]
    assert loggers == [logging.getLogger(pilots.name)] * 3
    assert loggers[0].handlers == [flask.logging.default_handler]


def test_the_default_handler_can_be_taken_away(pilots: Any, flask: Any) -> None:
    pilots.logger.removeHandler(flask.logging.default_handler)
    assert pilots.logger.handlers == []
    assert not flask.logging.has_level_handler(pilots.logger)


@pytest.mark.parametrize(
    ("debug", "before", "level"),
    [
        (False, logging.NOTSET, logging.NOTSET),
        (True, logging.NOTSET, logging.DEBUG),
        (True, logging.WARNING, logging.WARNING),
        (False, logging.INFO, logging.INFO),
    ],
)
def test_debug_mode_sets_the_level_where_none_is_set(pilots: Any, debug: bool, before: int, level: int) -> None:
    logging.getLogger("harbour.pilots").setLevel(before)
    pilots.debug = debug
    assert pilots.logger.level == level


# Where it goes.


def test_during_a_request_it_goes_to_the_server_and_otherwise_to_stderr(pilots: Any, capsys: Any) -> None:
    @pilots.get("/ships/<name>")
    def ship(name: str) -> str:
        pilots.logger.warning("%s is late", name)
        return name

    status, text = log_of(pilots, "/ships/Pamir")
    assert status == 200
    assert text.endswith("] WARNING in test_logging_handlers: Pamir is late\n")
    assert text.startswith("[")
    assert capsys.readouterr().err == ""
    with pilots.app_context():
        pilots.logger.error("fog")
    assert "] ERROR in test_logging_handlers: fog\n" in capsys.readouterr().err


def test_a_handler_of_ones_own_may_use_the_stream_of_the_server(pilots: Any, flask: Any) -> None:
    handler = logging.StreamHandler(flask.logging.wsgi_errors_stream)
    handler.setFormatter(logging.Formatter("%(levelname)s|%(message)s"))
    pilots.logger.addHandler(handler)
    pilots.logger.removeHandler(flask.logging.default_handler)
    pilots.add_url_rule("/fog", "fog", lambda: str(pilots.logger.error("fog")))
    assert log_of(pilots, "/fog") == (200, "ERROR|fog\n")
    assert flask.logging.wsgi_errors_stream._get_current_object() is sys.stderr


def test_the_url_may_be_written_with_each_message(pilots: Any, flask: Any, monkeypatch: Any) -> None:
    class Located(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            record.url = flask.request.url if flask.has_request_context() else "nowhere"
            return super().format(record)

    monkeypatch.setattr(flask.logging.default_handler, "formatter", Located("%(url)s %(message)s"))
    pilots.add_url_rule("/fog", "fog", lambda: str(pilots.logger.error("fog")))
    assert log_of(pilots, "/fog?since=6") == (200, "http://localhost/fog?since=6 fog\n")


# Exceptions.


@pytest.fixture
def wrecked(pilots: Any, flask: Any) -> Any:
    """The same application with a view that fails."""

    @pilots.route("/wreck", methods=["GET", "POST"])
    def wreck() -> str:
        raise OverflowError("over board")

    pilots.add_url_rule("/closed", "closed", lambda: flask.abort(503))
    return pilots


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("handled", [False, True])
def test_an_unhandled_exception_is_logged_with_its_request_and_traceback(
    wrecked: Any, method: str, handled: bool
) -> None:
    if handled:
        wrecked.register_error_handler(500, lambda error: ("sorry", 500))
    status, text = log_of(wrecked, "/wreck", method=method)
    first, *rest = text.splitlines()
    assert status == 500
    assert " ERROR in " in first
    assert first.endswith(f": Exception on /wreck [{method}]")
    assert (rest[0], rest[-1]) == ("Traceback (most recent call last):", "OverflowError: over board")


@pytest.mark.parametrize("path", ["/closed", "/nowhere"])
def test_an_answer_that_is_an_error_is_nothing_to_log(wrecked: Any, path: str) -> None:
    assert log_of(wrecked, path)[1] == ""


def test_an_exception_with_a_handler_is_nothing_to_log(wrecked: Any) -> None:
    wrecked.register_error_handler(OverflowError, lambda error: str(error))
    assert log_of(wrecked, "/wreck") == (200, "")


def test_an_application_may_log_exceptions_in_its_own_way(flask: Any, wrecked: Any, monkeypatch: Any) -> None:
    diary: list[Any] = []
    monkeypatch.setattr(wrecked, "log_exception", diary.append)
    assert log_of(wrecked, "/wreck") == (500, "")
    [(kind, error, traceback)] = diary
    assert (kind, str(error), traceback is error.__traceback__) == (OverflowError, "over board", True)


def test_another_logger_may_be_put_in_its_place(wrecked: Any, harbour: logging.Logger) -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    wrecked.logger = logging.Logger("log book")
    wrecked.logger.addHandler(handler)
    assert log_of(wrecked, "/wreck") == (500, "")
    [record] = records
    assert (record.levelname, record.getMessage()) == ("ERROR", "Exception on /wreck [GET]")
    assert record.exc_info is not None
    assert record.exc_info[0] is OverflowError
