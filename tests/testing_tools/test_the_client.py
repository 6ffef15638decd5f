"""The test client: requests, redirects, cookies, kept contexts, and sessions opened from outside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder as WerkzeugEnvironBuilder
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request as WerkzeugRequest

from erlen import (
    Erlen,
    after_this_request,
    current_app,
    g,
    has_app_context,
    has_request_context,
    make_response,
    redirect,
    request,
    request_ctx,
    session,
    stream_with_context,
)
from erlen.testing import Client, EnvironBuilder


@pytest.fixture(autouse=True)
def _views(app: Erlen) -> None:
    @app.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def echo() -> dict[str, Any]:
        return {
            "method": request.method, "url": request.url, "form": request.form.to_dict(),
            "args": request.args.to_dict(),
            "json": request.get_json(silent=True), "cookies": request.cookies.to_dict(),
            "agent": request.user_agent.string, "address": request.remote_addr, "header": request.headers.get("X-A"),
        }  # fmt: skip

    @app.route("/login", methods=["POST"])
    def login() -> Any:
        session["user"] = request.form["user"]
        g.seen = "login"
        return redirect("/home")

    @app.route("/home")
    def home() -> str:
        g.seen = "home"
        return f"user {session.get('user')}"

    @app.route("/count")
    def count() -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])


def test_a_response_is_werkzeugs_test_response_with_text_and_json(app: Erlen) -> None:
    answer = app.test_client().get("/echo?a=1")
    assert isinstance(answer, TestResponse)
    assert isinstance(answer, app.response_class)
    assert answer.json["args"] == {"a": "1"}
    assert answer.get_json()["method"] == "GET"
    assert answer.request.path == "/echo"
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_each_method_has_its_function(app: Erlen, method: str) -> None:
    client = app.test_client()
    assert getattr(client, method)("/echo").json["method"] == method.upper()
    assert client.open("/echo", method=method.upper()).json["method"] == method.upper()
    assert client.head("/echo").data == b""
    assert client.options("/echo").status_code == 200
    assert client.trace("/echo").status_code == 405


def test_data_json_query_and_headers_are_sent(app: Erlen) -> None:
    client = app.test_client()
    assert client.post("/echo", data={"a": "ü"}).json["form"] == {"a": "ü"}
    assert client.post("/echo", json={"a": ["ü", None]}).json["json"] == {"a": ["ü", None]}
    assert client.get("/echo", query_string={"a": "ü b"}).json["args"] == {"a": "ü b"}
    assert client.get("/echo", headers={"X-A": "1"}).json["header"] == "1"
    with pytest.raises(TypeError):
        client.post("/echo", json={}, data={})


def test_json_is_written_and_read_by_the_applications_provider(app: Erlen) -> None:
    client = app.test_client()
    assert client.post("/echo", json={"day": date(2030, 1, 2)}).json["json"] == {
        "day": app.json.loads(app.json.dumps(date(2030, 1, 2)))
    }
    app.json.loads = lambda text, **options: "mine"  # type: ignore[method-assign]
    assert client.get("/echo").json == "mine"


def test_every_request_has_the_clients_base(app: Erlen) -> None:
    client = app.test_client()
    found = client.get("/echo").json
    assert found["address"] == "127.0.0.1"
    assert found["agent"].startswith("Werkzeug/")
    client.environ_base["REMOTE_ADDR"] = "10.0.0.1"
    client.environ_base["HTTP_X_A"] = "base"
    assert client.get("/echo").json["address"] == "10.0.0.1"
    assert client.get("/echo").json["header"] == "base"
    assert client.get("/echo", headers={"X-A": "mine"}).json["header"] == "mine"
    assert client.get("/echo", environ_base={"REMOTE_ADDR": "10.0.0.2"}).json["address"] == "10.0.0.2"
    assert client.get("/echo", environ_overrides={"REMOTE_ADDR": "10.0.0.3"}).json["address"] == "10.0.0.3"
    assert app.test_client().get("/echo").json["address"] == "127.0.0.1"


@pytest.mark.parametrize("form", ["environ", "werkzeug builder", "builder", "request"])
def test_a_request_may_be_given_in_other_forms(app: Erlen, form: str) -> None:
    client = app.test_client()
    client.environ_base["HTTP_X_A"] = "base"
    what: Any = {
        "environ": lambda: WerkzeugEnvironBuilder("/echo", method="PUT").get_environ(),
        "werkzeug builder": lambda: WerkzeugEnvironBuilder("/echo", method="PUT"),
        "builder": lambda: EnvironBuilder(app, "/echo", method="PUT"),
        "request": lambda: WerkzeugRequest(WerkzeugEnvironBuilder("/echo", method="PUT").get_environ()),
    }[form]()
    for _ in range(2):
        found = client.open(what).json
        assert (found["method"], found["header"], found["address"]) == ("PUT", "base", "127.0.0.1")


def test_an_environ_that_is_given_keeps_its_own_values(app: Erlen) -> None:
    environ = WerkzeugEnvironBuilder("/echo").get_environ()
    environ["REMOTE_ADDR"] = "10.9.9.9"
    assert app.test_client().open(environ).json["address"] == "10.9.9.9"
    assert "HTTP_USER_AGENT" not in environ


# Redirects and cookies.


def test_redirects_are_followed_on_request_with_their_history(app: Erlen) -> None:
    client = app.test_client()
    answer = client.post("/login", data={"user": "Ada"})
    assert (answer.status_code, answer.location) == (303, "/home")
    answer = client.post("/login", data={"user": "Bob"}, follow_redirects=True)
    assert (answer.status_code, answer.text) == (200, "user Bob")
    assert [step.status_code for step in answer.history] == [303]
    assert answer.request.method == "GET"


def test_a_redirect_that_keeps_the_method_sends_the_form_again(app: Erlen) -> None:
    app.add_url_rule("/moved", "moved", lambda: redirect("/echo", 307), methods=["POST"])
    found = app.test_client().post("/moved", data={"a": "1"}, follow_redirects=True).json
    assert (found["method"], found["form"]) == ("POST", {"a": "1"})


def test_cookies_are_kept_and_can_be_set_and_deleted(app: Erlen) -> None:
    @app.get("/set")
    def set_cookie() -> Any:
        response = make_response("")
        response.set_cookie("from", "view")
        return response

    client = app.test_client()
    client.get("/set")
    client.set_cookie("mine", "1")
    assert client.get("/echo").json["cookies"] == {"from": "view", "mine": "1"}
    assert client.get_cookie("from").value == "view"  # type: ignore[union-attr]
    client.delete_cookie("mine")
    assert client.get("/echo").json["cookies"] == {"from": "view"}
    assert app.test_client().get("/echo").json["cookies"] == {}


def test_a_client_may_keep_no_cookies(app: Erlen) -> None:
    client = app.test_client(use_cookies=False)
    assert [client.get("/count").text, client.get("/count").text] == ["1", "1"]
    assert [app.test_client().get("/count").text] == ["1"]
    keeping = app.test_client()
    assert [keeping.get("/count").text, keeping.get("/count").text] == ["1", "2"]
    with pytest.raises(TypeError, match="Cookies are disabled") as caught, client.session_transaction():
        pass
    assert str(caught.value) == "Cookies are disabled in this client. Make one that keeps them: app.test_client()."


def test_a_request_that_raises_is_torn_down_with_its_error_and_not_kept(app: Erlen) -> None:
    ended: list[Any] = []
    app.teardown_request(lambda error: ended.append((request.path, type(error))))
    app.add_url_rule("/raises", "raises", lambda: 1 / 0)
    with app.test_client() as client:
        with pytest.raises(ZeroDivisionError):
            client.get("/raises")
        assert ended == [("/raises", ZeroDivisionError)]
        assert not has_request_context()
    assert len(ended) == 1


def test_an_application_may_have_a_client_class_of_its_own(app: Erlen) -> None:
    class Authenticated(Client):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.token = kwargs.pop("token")
            super().__init__(*args, **kwargs)

        def open(self, *args: Any, **kwargs: Any) -> Any:
            return super().open(*args, headers={"X-A": self.token}, **kwargs)

    app.test_client_class = Authenticated
    client = app.test_client(token="secret")
    assert isinstance(client, Authenticated)
    assert client.get("/echo").json["header"] == "secret"


# Kept contexts.


def test_in_a_with_statement_the_context_of_the_last_request_can_be_looked_at(app: Erlen) -> None:
    events: list[str] = []
    app.teardown_request(lambda error: events.append(f"{request.path} ends"))
    with app.test_client() as client:
        assert not has_request_context()
        client.post("/login", data={"user": "Ada"})
        assert request.path == "/login"
        assert request.form["user"] == "Ada"
        assert session["user"] == "Ada"
        assert g.seen == "login"
        assert current_app == app
        assert events == []
        client.get("/home")
        assert events == ["/login ends"]
        assert request.path == "/home"
        assert g.seen == "home"
    assert events == ["/login ends", "/home ends"]
    assert not has_request_context()
    assert not has_app_context()
    client.get("/home")
    assert not has_request_context()


def test_of_followed_redirects_the_last_request_is_kept(app: Erlen) -> None:
    events: list[str] = []
    app.teardown_request(lambda error: events.append(f"{request.path} ends"))
    with app.test_client() as client:
        client.post("/login", data={"user": "Ada"}, follow_redirects=True)
        assert request.path == "/home"
        assert session["user"] == "Ada"
        assert events == ["/login ends"]
    assert events == ["/login ends", "/home ends"]


def test_the_context_of_a_failed_request_ends_with_the_with_statement(app: Erlen) -> None:
    events: list[Any] = []
    app.teardown_request(lambda error: events.append("teardown"))
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    with app.test_client() as client:
        with pytest.raises(ZeroDivisionError):
            client.get("/broken")
        client.get("/home")
        assert request.path == "/home"
    assert events == ["teardown", "teardown"]
    assert not has_request_context()


def test_the_view_that_failed_can_be_looked_at_too(app: Erlen) -> None:
    app.testing = False
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    with app.test_client() as client:
        assert client.get("/broken").status_code == 500
        assert request.path == "/broken"


def test_a_client_is_not_nested_in_itself(app: Erlen) -> None:
    with app.test_client() as client, pytest.raises(RuntimeError) as caught, client:
        pass
    assert str(caught.value) == ("Cannot nest client invocations: this client is already used in a with statement.")


def test_two_clients_may_be_used_together(app: Erlen) -> None:
    with app.test_client() as one, app.test_client() as two:
        one.post("/login", data={"user": "Ada"})
        two.post("/login", data={"user": "Bob"})
        assert session["user"] == "Bob"
    assert not has_request_context()


def test_a_client_in_an_application_context_gives_that_context_back(app: Erlen) -> None:
    with app.app_context():
        g.outer = True
        with app.test_client() as client:
            client.get("/home")
            assert not hasattr(g, "outer")
            assert request.path == "/home"
        assert g.outer
        assert not has_request_context()
        app.test_client().get("/home")
        assert g.outer


def test_a_streamed_answer_is_kept_with_its_request(app: Erlen) -> None:
    events: list[str] = []
    app.teardown_request(lambda error: events.append("teardown"))

    @app.get("/stream")
    def stream() -> Any:
        def pieces() -> Iterator[str]:
            yield request.path

        return stream_with_context(pieces())

    with app.test_client() as client:
        assert client.get("/stream").text == "/stream"
        assert events == []
    assert events == ["teardown"]


def test_a_view_may_push_its_own_context_again(app: Erlen) -> None:
    events: list[str] = []
    app.teardown_request(lambda error: events.append("teardown"))

    @app.get("/again")
    def again() -> str:
        with request_ctx._get_current_object():  # type: ignore[attr-defined]
            return request.path

    with app.test_client() as client:
        assert client.get("/again").text == "/again"
        assert request.path == "/again"
        assert events == []
    assert events == ["teardown"]
    assert not has_request_context()


def test_after_this_request_works_in_the_client(app: Erlen) -> None:
    @app.get("/marked")
    def marked() -> str:
        @after_this_request
        def mark(response: Any) -> Any:
            response.headers["X-Mark"] = "1"
            return response

        return ""

    with app.test_client() as client:
        assert client.get("/marked").headers["X-Mark"] == "1"


# Sessions from outside.


def test_a_session_can_be_written_before_and_read_after_a_request(app: Erlen) -> None:
    client = app.test_client()
    with client.session_transaction() as opened:
        assert dict(opened) == {}
        opened["count"] = 41
    assert client.get("/count").text == "42"
    with client.session_transaction() as opened:
        assert opened["count"] == 42
        del opened["count"]
    assert client.get("/count").text == "1"


def test_looking_into_a_session_changes_nothing(app: Erlen) -> None:
    client = app.test_client()
    with client.session_transaction() as opened:
        opened.get("count")
    assert client.get_cookie("session") is None
    client.get("/count")
    before = client.get_cookie("session").value  # type: ignore[union-attr]
    with client.session_transaction() as opened:
        assert opened["count"] == 1
    assert client.get_cookie("session").value == before  # type: ignore[union-attr]


def test_a_session_is_opened_for_the_request_that_is_described(app: Erlen) -> None:
    client = app.test_client()
    with client.session_transaction("/", base_url="https://example.org") as opened:
        opened["count"] = 1
    assert client.get("/count", base_url="https://example.org").text == "2"
    assert client.get("/count").text == "1"


def test_an_exception_in_a_session_transaction_saves_nothing(app: Erlen) -> None:
    client = app.test_client()

    def change_and_fail() -> None:
        with client.session_transaction() as opened:
            opened["count"] = 5
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert client.get("/count").text == "1"
    assert not has_request_context()


def test_a_session_transaction_leaves_the_kept_context_in_place(app: Erlen) -> None:
    with app.test_client() as client:
        client.get("/home")
        with client.session_transaction() as opened:
            opened["user"] = "Ada"
            assert request.path == "/home"
        assert request.path == "/home"
        client.get("/home")
        assert session["user"] == "Ada"
    assert not has_request_context()


class DictSession(dict[str, Any]):
    """A session as a foreign interface makes them."""

    permanent = new = modified = accessed = False


class Foreign:
    """An interface that keeps the session in a cookie, as text."""

    def open_session(self, app: Any, request: Any) -> Any:
        text = request.cookies.get("foreign")
        return DictSession(text=text) if text else DictSession()

    def is_null_session(self, opened: Any) -> bool:
        return False

    def save_session(self, app: Any, opened: Any, response: Any) -> None:
        response.set_cookie("foreign", opened.get("text", ""))


def test_a_session_of_a_foreign_interface_is_opened_and_saved(app: Erlen) -> None:
    app.session_interface = Foreign()
    app.add_url_rule("/text", "text", lambda: session.get("text", "none"))
    client = app.test_client()
    assert client.get("/text").text == "none"
    with client.session_transaction() as opened:
        opened["text"] = "written"
    assert client.get("/text").text == "written"


def test_a_null_session_of_a_foreign_interface_is_not_saved(app: Erlen) -> None:
    class Null(Foreign):
        def open_session(self, app: Any, request: Any) -> Any:
            return DictSession()

        def is_null_session(self, opened: Any) -> bool:
            return True

        def save_session(self, *args: Any) -> None:
            raise AssertionError("a null session is not saved")

    app.session_interface = Null()
    with app.test_client().session_transaction() as opened:
        assert opened == {}


def test_an_interface_without_any_session_says_so(app: Erlen) -> None:
    class Nothing(Foreign):
        def open_session(self, app: Any, request: Any) -> Any:
            return None

        def make_null_session(self, app: Any) -> Any:
            return None

    app.session_interface = Nothing()
    with (
        pytest.raises(RuntimeError, match="Session backend did not open a session"),
        app.test_client().session_transaction(),
    ):
        pass


# Environments and contexts for tests.


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"path": "/a"}, "http://localhost/a"),
        ({"path": "/a?b=ü"}, "http://localhost/a?b=ü"),
        ({"path": "/ä"}, "http://localhost/ä"),
        ({"path": "http://example.org/a?b=1"}, "http://example.org/a?b=1"),
        ({"path": "https://example.org:8443/a"}, "https://example.org:8443/a"),
        ({"path": "//example.org/a"}, "http://example.org/a"),
        ({"path": "/a", "base_url": "https://example.org/root"}, "https://example.org/root/a"),
        ({"path": "/a", "subdomain": "www"}, "http://www.localhost/a"),
        ({"path": "/a", "url_scheme": "https"}, "https://localhost/a"),
        ({}, "http://localhost/"),
    ],
)
def test_the_url_of_a_made_up_request(app: Erlen, options: dict[str, Any], url: str) -> None:
    with app.test_request_context(**options):
        assert request.url == url


def test_the_base_url_comes_from_the_configuration(app: Erlen) -> None:
    app.config.update(SERVER_NAME="example.org:8000", APPLICATION_ROOT="/root", PREFERRED_URL_SCHEME="https")
    builder = EnvironBuilder(app, "/a", subdomain="www")
    assert builder.base_url == "https://www.example.org:8000/root/"
    builder.close()
    with app.test_request_context("/a"):
        assert request.url == "https://example.org:8000/root/a"
        assert request.root_path == "/root"


@pytest.mark.parametrize("extra", [{"subdomain": "www"}, {"url_scheme": "https"}])
def test_a_base_url_has_subdomain_and_scheme_in_it(app: Erlen, extra: dict[str, str]) -> None:
    with pytest.raises(ValueError, match='Cannot pass "subdomain" or "url_scheme" with "base_url"'):
        app.test_request_context("/", base_url="http://example.org", **extra)


def test_a_made_up_request_may_have_everything_that_a_real_one_has(app: Erlen) -> None:
    with app.test_request_context("/", method="POST", data={"a": "1"}, headers={"X-A": "b"}):
        assert (request.method, request.form["a"], request.headers["X-A"]) == ("POST", "1", "b")
    with app.test_request_context("/", json={"a": 1}):
        assert request.json == {"a": 1}
    with app.test_request_context("/", query_string={"q": "ü"}):
        assert request.args["q"] == "ü"
    with app.test_request_context("/", environ_overrides={"REMOTE_ADDR": "10.0.0.1"}):
        assert request.remote_addr == "10.0.0.1"


def test_a_made_up_request_is_matched_and_not_dispatched(app: Erlen) -> None:
    called: list[str] = []
    app.before_request(lambda: called.append("before"))
    with app.test_request_context("/home"):
        assert request.endpoint == "home"
        assert called == []
        app.preprocess_request()
        assert called == ["before"]


def test_a_request_context_is_made_of_an_environ(app: Erlen) -> None:
    environ = WerkzeugEnvironBuilder("/home?a=1").get_environ()
    with app.request_context(environ) as context:
        assert request.args["a"] == "1"
        assert repr(context) == f"<Context of {app.name}, GET /home>"
    assert repr(app.app_context()) == f"<Context of {app.name}>"
