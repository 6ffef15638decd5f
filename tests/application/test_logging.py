"""The log: its format as in Flask, the id of the request in it, and lines that nobody can forge."""

from __future__ import annotations

import asyncio
import io
import logging
import logging.config
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen import Erlen, copy_current_request_context, current_app, request
from erlen.log import RequestIdFilter, default_handler, printable, request_id_in, trace_id_in, wsgi_errors_stream

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def app() -> Iterator[Any]:
    """An application whose logger has Erlen's handler alone."""
    logger = logging.getLogger("logged")
    logger.propagate = False
    app = Erlen("logged", static_folder=None)
    app.config.update(SESSION_TYPE=None)
    assert app.logger.handlers == [default_handler]  # asked for now: pytest adds handlers of its own later
    app.add_url_rule("/", "index", lambda: app.logger.warning("seen") or "x")
    yield app
    logger.handlers.clear()
    logger.propagate = True


def logged(app: Any, path: str = "/", **headers: str) -> str:
    stream = io.StringIO()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    app.test_client().get(path, headers=names, errors_stream=stream)
    return stream.getvalue()


# --- the format ---


def test_the_format_is_that_of_flask(app: Any) -> None:
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] WARNING in test_logging: seen\n", logged(app))


def test_the_id_of_the_request_stands_behind_the_module(app: Any) -> None:
    assert "] WARNING in test_logging [a1b2/c3=]: seen\n" in logged(app, X_Request_ID="a1b2/c3=")


def test_without_an_id_the_trace_stands_there(app: Any) -> None:
    assert f" in test_logging [{TRACE}]: seen\n" in logged(app, traceparent=TRACEPARENT)
    assert " in test_logging [mine]: seen\n" in logged(app, traceparent=TRACEPARENT, X_Request_ID="mine")


def test_another_header_may_bring_the_id(app: Any) -> None:
    app.config["REQUEST_ID_HEADER"] = "CF-Ray"
    assert " [230b030023ae2822-SJC]: seen" in logged(app, CF_Ray="230b030023ae2822-SJC", X_Request_ID="other")


def test_without_a_header_there_is_no_id(app: Any) -> None:
    app.config["REQUEST_ID_HEADER"] = None
    assert " in test_logging: seen" in logged(app, X_Request_ID="a")


@pytest.mark.parametrize("name", ["X Request", "X-Request:", ""])
def test_a_header_that_cannot_be_one_is_refused_at_the_start(app: Any, name: str) -> None:
    app.config["REQUEST_ID_HEADER"] = name
    [problem] = app.config.problems()
    assert "It accepts the name of a header, or None (no header)." in str(problem)
    if name:
        assert f"Write {re.sub('[ :]', '-', name)!r}." in str(problem)


def test_the_error_of_a_request_is_logged_with_its_id(app: Any) -> None:
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    text = logged(app, "/broken", X_Request_ID="abc")
    assert " ERROR in steps [abc]: Exception on /broken [GET]\nTraceback (most recent call last):\n" in text


# --- where the id is ---


def test_the_request_has_the_ids_as_attributes(app: Any) -> None:
    with app.test_request_context("/", headers={"X-Request-ID": "a", "Traceparent": TRACEPARENT}):
        assert (request.request_id, request.trace_id) == ("a", TRACE)
    with app.test_request_context("/"):
        assert (request.request_id, request.trace_id) == (None, None)
    assert app.request_class({"HTTP_X_REQUEST_ID": "a"}).request_id is None  # it has no application to ask


def test_a_request_class_may_make_the_id(app: Any) -> None:
    class Own(app.request_class):  # type: ignore[misc, name-defined]
        request_id = "made here"

    app.request_class = Own
    assert " [made here]: seen" in logged(app)


def test_records_of_every_logger_have_the_id_and_none_outside(app: Any) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(request_id)s %(trace_id)s %(message)s"))
    handler.addFilter(RequestIdFilter())
    logger = logging.getLogger("a.library")
    logger.addHandler(handler)
    try:
        with app.test_request_context("/", headers={"X-Request-ID": "a"}):
            logger.warning("inside")
            with app.app_context():
                logger.warning("deeper")
            logger.warning("own", extra={"request_id": "b"})
        logger.warning("outside")
    finally:
        logger.removeHandler(handler)
    assert stream.getvalue() == "a None inside\na None deeper\nb None own\nNone None outside\n"


def test_threads_and_async_views_have_the_id_of_their_request(app: Any) -> None:
    @app.get("/thread")
    def thread() -> str:
        @copy_current_request_context
        def work() -> None:
            current_app.logger.warning("in a thread")

        started = threading.Thread(target=work)
        started.start()
        started.join()
        return "x"

    @app.get("/async")
    async def wait() -> str:
        await asyncio.sleep(0)
        await asyncio.gather(*(part(number) for number in range(2)))
        return "x"

    async def part(number: int) -> None:
        await asyncio.sleep(0)
        current_app.logger.warning("part %s", number)

    assert " [t1]: in a thread\n" in logged(app, "/thread", X_Request_ID="t1")
    text = logged(app, "/async", X_Request_ID="t2")
    assert " [t2]: part 0\n" in text
    assert " [t2]: part 1\n" in text


def test_a_configuration_of_your_own_may_use_the_parts(app: Any) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"request_id": {"()": "erlen.log.RequestIdFilter"}},
            "formatters": {"short": {"format": "%(request_id)s|%(message)s"}},
            "handlers": {
                "wsgi": {
                    "class": "logging.StreamHandler",
                    "stream": "ext://erlen.log.wsgi_errors_stream",
                    "filters": ["request_id"],
                    "formatter": "short",
                }
            },
            "loggers": {"logged": {"handlers": ["wsgi"]}},
        }
    )
    assert logged(app, X_Request_ID="a") == "a|seen\n"
    assert default_handler not in app.logger.handlers


def test_in_a_context_within_that_of_a_request_errors_go_to_its_stream(app: Any, capsys: Any) -> None:
    stream = io.StringIO()
    with app.test_request_context("/", errors_stream=stream), app.app_context():
        wsgi_errors_stream.write("inside\n")
        wsgi_errors_stream.flush()
    wsgi_errors_stream.write("outside\n")
    assert stream.getvalue() == "inside\n"
    assert capsys.readouterr().err == "outside\n"


# --- what is let in ---


@pytest.mark.parametrize("value", ["a", "A-Z_0:9./+=@", "x" * 128])
def test_an_id_that_is_safe_is_taken(value: str) -> None:
    assert request_id_in(value) == value


@pytest.mark.parametrize(
    "value", [None, "", "x" * 129, "a b", "a\nb", "a\n", "\x1b[31m", "ä", "a;b", "a]: forged", "%0a"]
)
def test_another_one_is_not(value: str | None) -> None:
    assert request_id_in(value) is None


@given(st.text())
def test_no_text_gets_a_line_break_or_a_colour_into_the_log(value: str) -> None:
    found = request_id_in(value)
    assert found is None or (found == value and value.isascii() and value.isprintable() and " " not in value)


@pytest.mark.parametrize("value", [TRACEPARENT, f"cc-{TRACE}-00f067aa0ba902b7-01-what-will-be-in-later-versions"])
def test_the_trace_is_read(value: str) -> None:
    assert trace_id_in(value) == TRACE


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", TRACE, TRACEPARENT.upper(), TRACEPARENT + "x", TRACEPARENT + "\n", f"ff{TRACEPARENT[2:]}"),
        *(TRACEPARENT.replace(TRACE, "0" * 32), TRACEPARENT.replace("00f067aa0ba902b7", "0" * 16)),
    ],
)
def test_a_trace_that_is_none_is_not(value: str | None) -> None:
    assert trace_id_in(value) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/größe/日本", "/größe/日本"),
        ("/a\nb\r\t\x00\x1b[31m", "/a\\nb\\r\\t\\x00\\x1b[31m"),
        ("\x85\u2028\u2029", "\\x85\\u2028\\u2029"),
        ("\u202egnp.exe\u200f\ud800", "\\u202egnp.exe\\u200f\\ud800"),
    ],
)
def test_a_text_is_brought_on_one_line(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_a_printable_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert shown.encode().decode() == shown
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", shown)


def test_a_path_cannot_forge_a_line_of_the_log(app: Any) -> None:
    app.before_request(lambda: 1 / 0)
    text = logged(app, "/x%0a[2030-01-01]%20ERROR%20in%20bank:%20all%20paid%1b[31m?password=secret")
    assert "Exception on /x\\n[2030-01-01] ERROR in bank: all paid\\x1b[31m [GET]\n" in text
    assert "\n[2030" not in text
    assert "secret" not in text
