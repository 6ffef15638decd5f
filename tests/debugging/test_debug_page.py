"""The page about an unhandled exception: who gets it, in which form, and what else happens in the request."""

from __future__ import annotations

import base64
import logging
import re
from hashlib import sha256
from typing import Any

import pytest
from werkzeug.exceptions import NotFound

from erlen import Erlen, abort, g, got_request_exception, request, session
from erlen.config import FLASK
from erlen.debugging import text


def fail() -> Any:
    raise ValueError("the flask has fallen")


# --- where it is shown, and where not ---


def test_a_browser_gets_a_page_with_the_error_its_place_and_the_source(app: Any, ask: Any) -> None:
    app.add_url_rule("/<int:number>", "broken", lambda number: fail())
    response = ask("/7?colour=red", html=True)
    assert response.status_code == 500
    assert response.mimetype == "text/html"
    page = response.text
    assert "<h1>ValueError</h1>" in page
    assert '<p class="message">the flask has fallen</p>' in page
    assert re.search(r"in fail <code>\S*test_debug_page\.py:\d+</code>", page)
    assert "GET http://localhost/7?colour=red" in page
    assert '<th scope="row">rule</th><td>/&lt;int:number&gt;</td>' in page
    assert '<th scope="row">number</th><td>7</td>' in page
    assert '<th scope="row">colour</th><td>red</td>' in page
    assert '<th scope="row">Host</th><td>localhost</td>' in page
    assert '<th scope="row">Werkzeug</th><td>3.1' in page
    assert re.search(r'<span class="current"><i>\d+</i>    <mark>|<span class="current"><i>\d+</i>    raise', page)


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "text/plain", "text/html;q=0", "application/json, text/html;q=0.5"]
)
def test_who_does_not_ask_for_html_by_name_gets_plain_text(app: Any, ask: Any, accept: str | None) -> None:
    app.add_url_rule("/", "broken", fail)
    response = ask(headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response.content_type) == (500, "text/plain; charset=utf-8")
    assert response.text.startswith("ValueError: the flask has fallen\n  in fail at ")
    assert '    raise ValueError("the flask has fallen")' in response.text
    assert "GET http://localhost/" in response.text


@pytest.mark.parametrize("settings", [{"DEBUG": False}, {"PROPAGATE_EXCEPTIONS": False}])
def test_in_production_the_answer_is_a_plain_500_page(app: Any, ask: Any, settings: Any) -> None:
    app.config.update(settings)
    app.add_url_rule("/", "broken", fail)
    response = ask(html=True)
    assert response.status_code == 500
    assert "flask" not in response.text
    assert "<title>500 Internal Server Error</title>" in response.text


@pytest.mark.parametrize("settings", [{"TESTING": True}, {"PROPAGATE_EXCEPTIONS": True}])
def test_in_tests_and_where_it_is_asked_for_the_exception_reaches_the_server(app: Any, ask: Any, settings: Any) -> None:
    app.config.update(settings)
    app.add_url_rule("/", "broken", fail)
    with pytest.raises(ValueError, match="fallen"):
        ask(html=True)


def test_with_the_defaults_of_flask_the_exception_reaches_the_server(ask: Any) -> None:
    class Flasks(Erlen):
        defaults = FLASK

    app = Flasks("flasks", static_folder=None)
    app.config.update(DEBUG=True, SESSION_TYPE=None)
    app.add_url_rule("/", "broken", fail)
    with pytest.raises(ValueError, match="fallen"):
        app.test_client().get("/", environ_base={"erlen.propagate": False})


def test_the_test_client_gets_the_exception_unless_it_asks_for_the_page(app: Any) -> None:
    app.add_url_rule("/", "broken", fail)
    client = app.test_client()
    with pytest.raises(ValueError, match="fallen"):
        client.get("/")
    client.environ_base["erlen.propagate"] = False
    assert client.get("/").text.startswith("ValueError: the flask has fallen")


def test_a_handled_exception_and_an_http_error_are_answered_as_always(app: Any, ask: Any) -> None:
    app.register_error_handler(ValueError, lambda error: ("handled", 418))
    app.add_url_rule("/", "broken", fail)
    app.add_url_rule("/gone", "gone", lambda: abort(410))
    assert ask(html=True).status_code == 418
    assert ask("/gone", html=True).status_code == 410
    assert ask("/nowhere", html=True).status_code == 404


def test_a_handler_for_500_gives_way_to_the_page(app: Any, ask: Any) -> None:
    app.register_error_handler(500, lambda error: ("sorry", 500))
    app.add_url_rule("/", "broken", fail)
    assert "the flask has fallen" in ask(html=True).text


def test_head_gets_the_headers_of_the_page(app: Any, ask: Any) -> None:
    app.add_url_rule("/", "broken", fail)
    response = ask(method="HEAD", html=True)
    assert (response.status_code, response.data) == (500, b"")
    assert int(response.headers["Content-Length"]) > 1000


def test_the_page_of_an_async_view_is_the_same(app: Any, ask: Any) -> None:
    @app.post("/")
    async def broken() -> Any:
        return fail()

    response = ask(method="POST", data={"colour": "blue"}, html=True)
    assert '<th scope="row">colour</th><td>blue</td>' in response.text
    assert "<b>broken</b>" in response.text


def test_an_error_in_a_hook_before_the_view_is_shown_too(app: Any, ask: Any) -> None:
    app.before_request(fail)
    app.add_url_rule("/", "index", lambda: "x")
    assert "ValueError: the flask has fallen" in ask().text
    assert "ValueError: the flask has fallen" in ask("/nowhere").text


# --- what else happens ---


def test_the_request_ends_as_with_any_other_answer(app: Any, ask: Any, caplog: pytest.LogCaptureFixture) -> None:
    events: list[Any] = []
    app.after_request(lambda response: events.append(("after", response.status_code)) or response)
    app.teardown_request(lambda error: events.append(("teardown", type(error))))

    @app.route("/")
    def broken() -> Any:
        session["visits"] = 1
        g.thing = object()
        return fail()

    def note(sender: Any, exception: Any, **extra: Any) -> None:
        events.append(("signal", type(exception)))

    with got_request_exception.connected_to(note, app):
        response = ask(html=True)
    assert events == [("signal", ValueError), ("after", 500), ("teardown", ValueError)]
    assert response.headers["Set-Cookie"].startswith("session=")
    [record] = caplog.records
    assert record.getMessage() == "Exception on / [GET]"
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError


def test_an_after_hook_that_fails_does_not_take_the_page_away(app: Any, ask: Any, caplog: Any) -> None:
    @app.after_request
    def after(response: Any) -> Any:
        raise LookupError("after")

    app.add_url_rule("/", "broken", fail)
    assert "the flask has fallen" in ask().text
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "Exception on / [GET]",
        "The answer to an error could not be finished, because of another error.",
    ]


def test_handle_exception_called_by_an_override_makes_the_page_too(tmp_path: Any) -> None:
    class Own(Erlen):
        def handle_exception(self, e: Exception) -> Any:
            response = super().handle_exception(e)
            response.headers["X-Own"] = "yes"
            return response

    app = Own("own", root_path=str(tmp_path))
    app.config.update(SESSION_TYPE=None, DEBUG=True)
    app.add_url_rule("/", "broken", fail)
    response = app.test_client().get("/", environ_base={"erlen.propagate": False})
    assert response.headers["X-Own"] == "yes"
    assert "the flask has fallen" in response.text


# --- what the page is made of ---


def test_nothing_is_kept_indexed_guessed_or_loaded_from_elsewhere(app: Any, ask: Any) -> None:
    app.add_url_rule("/", "broken", fail)
    response = ask(html=True)
    headers = response.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        [source] = re.findall(rf"<{tag}>(.*?)</{tag}>", response.text, re.DOTALL)
        digest = base64.b64encode(sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert re.findall(r"(?:src|href)=[\"']?([^\"' >]+)", response.text) == ["data:,"]
    assert " style=" not in response.text
    assert not re.search(r"\son\w+=", response.text)


def test_the_report_to_be_copied_is_the_plain_text(app: Any, ask: Any) -> None:
    app.add_url_rule("/", "broken", fail)
    page = ask(html=True).text
    [area] = re.findall(r'<textarea id="text" readonly>\n(.*?)</textarea>', page, re.DOTALL)
    assert area.startswith("ValueError: the flask has fallen\n  in fail at ")


def test_what_comes_with_the_request_cannot_become_markup(app: Any, ask: Any) -> None:
    hostile = "</textarea></pre><script>alert(1)</script>"

    @app.route("/<path:rest>", methods=["POST"])
    def broken(rest: str) -> Any:
        raise ValueError(hostile)

    page = ask(
        "/" + hostile.replace("<", "%3C"),
        method="POST",
        query_string={hostile: hostile},
        data={hostile: hostile},
        headers={"User-Agent": hostile, "Cookie": f"{hostile}=x"},
        html=True,
    ).text
    assert page.count("<script>") == 1
    assert page.count("</textarea>") == 1


def test_forms_files_and_json_are_shown(app: Any, ask: Any) -> None:
    app.add_url_rule("/", "broken", fail, methods=["POST"])
    page = ask(method="POST", data={"colour": "blue", "picture": (b"", "cat.png")}).text
    assert "Form\n  colour: blue\n" in page
    assert "Files\n  picture: cat.png\n" in page
    page = ask(method="POST", json={"a": [1, {"b": "c"}], "pin": 48151623}).text
    assert '"b": "c"' in page
    assert '"pin": "[hidden]"' in page
    assert "48151623" not in page


def test_of_the_session_the_keys_are_shown_if_the_request_has_read_it(app: Any, ask: Any) -> None:
    @app.route("/read")
    def read() -> Any:
        session["user_name"] = "Ada Lovelace"
        return fail()

    app.add_url_rule("/unread", "unread", fail)
    page = ask("/read").text
    assert "Session\n  user_name: [hidden]\n" in page
    assert "Ada Lovelace" not in page.replace('session["user_name"] = "Ada Lovelace"', "")
    assert "Session\n  (not read in this request)\n" in ask("/unread").text


def test_a_foreign_session_is_a_dict_like_any_other(app: Any, ask: Any) -> None:
    class Interface:
        def open_session(self, app: Any, request: Any) -> Any:
            return {"csrf_token": "9f8e7d6c5b4a", "theme": "dark"}

        def is_null_session(self, session: Any) -> bool:
            return True

    app.session_interface = Interface()

    @app.route("/")
    def broken() -> Any:
        raise ValueError("the token is 9f8e7d6c5b4a")

    page = ask().text
    assert "  theme: [hidden]\n" in page
    assert "9f8e7d6c5b4a" not in page


@pytest.mark.parametrize(
    ("body", "kind", "remark"),
    [
        (b"{", "application/json", "cannot be read: BadRequest"),
        (b"x" * 100, "multipart/form-data", "cannot be read: RequestEntityTooLarge"),
    ],
)
def test_a_request_that_cannot_be_read_does_not_break_its_page(
    app: Any, ask: Any, body: bytes, kind: str, remark: str
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 50
    app.add_url_rule("/", "broken", fail, methods=["POST"])
    for html in (True, False):
        page = ask(method="POST", data=body, content_type=kind, html=html).text
        assert "the flask has fallen" in page
        assert remark in page


def test_a_host_that_is_refused_does_not_break_the_page(app: Any, ask: Any) -> None:
    app.before_request(fail)
    app.config["TRUSTED_HOSTS"] = ["example.com"]
    page = ask(base_url="http://evil.example/").text
    assert "the flask has fallen" in page
    assert "rule: none matched" in page


def test_many_fields_and_long_values_are_cut(app: Any, ask: Any) -> None:
    app.add_url_rule("/", "broken", fail, methods=["POST"])
    page = ask(method="POST", data={**{f"f{number}": "v" for number in range(300)}, "f0": "w" * 5000}).text
    assert "(… and 100 more)" in page
    assert f"{'w' * 2000} … (3,000 more characters)" in page


def test_the_error_is_not_hidden_by_one_in_its_page(app: Any, ask: Any, caplog: Any, monkeypatch: Any) -> None:
    def broken(report: Any) -> str:
        raise LookupError("a bug of the page")

    monkeypatch.setattr(text, "render", broken)
    app.add_url_rule("/", "broken", fail)
    for html in (True, False):
        caplog.clear()
        response = ask(html=html)
        assert (response.status_code, response.mimetype) == (500, "text/plain")
        assert "stands in the log" in response.text
        assert "bug" not in response.text
        assert [type(record.exc_info[1]) for record in caplog.records] == [ValueError, LookupError]


def test_a_trapped_http_error_says_why_it_is_shown(app: Any, ask: Any) -> None:
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    page = ask("/nowhere").text
    assert page.startswith(f"werkzeug.exceptions.NotFound: {NotFound()}")
    assert "It is shown because TRAP_HTTP_EXCEPTIONS is on. Without it the answer would be 404." in page


def test_the_log_has_the_path_without_the_query(app: Any, ask: Any, caplog: pytest.LogCaptureFixture) -> None:
    app.add_url_rule("/", "broken", fail)
    caplog.set_level(logging.DEBUG)
    ask("/?token=abcdefgh")
    assert caplog.records[0].getMessage() == "Exception on / [GET]"


def test_a_request_of_another_kind_is_explained_outside_of_the_pipeline(app: Any) -> None:
    from erlen.debugging.answer import explain

    with app.test_request_context("/x", headers={"Accept": "text/html"}):
        response = explain(app, request, ValueError("at the start"))
    page = response.get_data(as_text=True)
    assert "at the start" in page
    assert "It has no traceback." in page
