"""Requests as servers send them, hosts and subdomains, failures at the beginning and at the end of a request."""

from __future__ import annotations

import warnings
from typing import Any

import pytest


def _ask(app: Any, **values: Any) -> tuple[str, bytes]:
    from werkzeug.test import create_environ, run_wsgi_app

    body, status, _ = run_wsgi_app(app, {**create_environ("/"), **values})
    return status, b"".join(body)


@pytest.fixture
def app(flask: Any) -> Any:
    app = flask.Flask("alias_app", root_path="/")
    app.config.update(SECRET_KEY="k")
    app.add_url_rule("/", "index", lambda: flask.request.host)
    return app


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:80", "example.com", "127.0.0.1:5000", "[::1]:80", "ąśźć", "a.b"]
)
def test_hosts(flask: Any, app: Any, host: str) -> None:
    assert _ask(app, HTTP_HOST=host)[0] == "200 OK"


@pytest.mark.parametrize("host", ["\x8a", "a b", "", "a/b"])
def test_odd_hosts_are_answered_alike(flask: Any, app: Any, host: str) -> None:
    import flask as real_flask

    other = real_flask.Flask("alias_app", root_path="/")
    other.add_url_rule("/", "index", lambda: real_flask.request.host)
    assert _ask(app, HTTP_HOST=host) == _ask(other, HTTP_HOST=host)


def test_an_environment_with_the_least(flask: Any, app: Any) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "s",
        "SERVER_PORT": "80",
    }
    with app.request_context(environ):
        assert flask.request.url == "http://s/"
        assert flask.request.endpoint == "index"


def test_a_session_that_cannot_be_opened(flask: Any, app: Any) -> None:
    class Broken(flask.sessions.SecureCookieSessionInterface):
        def open_session(self, app: Any, request: Any) -> Any:
            raise ZeroDivisionError

    app.session_interface = Broken()
    assert app.test_client().get("/").status_code == 500
    assert not flask.request
    assert not flask.current_app
    app.testing = True
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/")
    assert not flask.request
    assert not flask.current_app


def test_a_session_that_cannot_be_saved(flask: Any, app: Any) -> None:
    class Broken(flask.sessions.SecureCookieSessionInterface):
        def save_session(self, app: Any, session: Any, response: Any) -> None:
            raise ZeroDivisionError

    app.session_interface = Broken()

    @app.route("/session")
    def change() -> str:
        flask.session["a"] = 1
        return "x"

    assert app.test_client().get("/session").status_code == 500
    assert not flask.request


def test_a_server_name_is_no_filter_of_hosts(flask: Any, app: Any) -> None:
    app.config["SERVER_NAME"] = "example.com"
    client = app.test_client()
    assert client.get("/").text == "example.com"
    assert client.get("/", base_url="http://other.org").text == "other.org"


def test_subdomains(flask: Any) -> None:
    app = flask.Flask("m", root_path="/", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com:5000"
    app.add_url_rule("/", "index", lambda: "main")
    app.add_url_rule("/", "foo", lambda: "foo", subdomain="foo")
    with app.test_request_context("/"):
        assert flask.url_for("index", _external=True) == "http://example.com:5000/"
        assert flask.url_for("foo", _external=True) == "http://foo.example.com:5000/"
        assert flask.url_for("foo") == "http://foo.example.com:5000/"
    assert app.test_client().get("/").text == "main"
    assert app.test_client().get("/", base_url="http://foo.example.com:5000").text == "foo"
    assert app.test_client().get("/", subdomain="foo").text == "foo"


def test_a_host_that_is_not_the_server_name_with_subdomain_matching(flask: Any) -> None:
    app = flask.Flask("m", root_path="/", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    app.add_url_rule("/", "index", lambda: "main")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        status = app.test_client().get("/", base_url="http://other.org").status_code
    assert status == 404
    assert any("doesn't match configured server name" in str(warning.message) for warning in caught)


def test_host_matching(flask: Any) -> None:
    app = flask.Flask("m", root_path="/", host_matching=True, static_folder=None)
    app.add_url_rule("/", "one", lambda: "one", host="one.example")
    app.add_url_rule("/", "any", lambda host: host, host="<host>")
    client = app.test_client()
    assert client.get("/", base_url="http://one.example").text == "one"
    assert client.get("/", base_url="http://two.example").text == "two.example"
    with app.test_request_context(base_url="http://two.example"):
        assert flask.url_for("one") == "http://one.example/"


def test_default_subdomain_of_a_map(flask: Any) -> None:
    app = flask.Flask("m", root_path="/", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    app.url_map.default_subdomain = "www"
    app.add_url_rule("/", "index", lambda: "www")
    assert app.test_client().get("/", subdomain="www").text == "www"
    assert app.test_client().get("/").status_code == 404


def test_trusted_hosts(flask: Any, app: Any) -> None:
    app.config["TRUSTED_HOSTS"] = ["example.com", ".sub.example"]
    client = app.test_client()
    assert client.get("/", base_url="http://example.com").status_code == 200
    assert client.get("/", base_url="http://a.sub.example").status_code == 200
    assert client.get("/", base_url="http://bad.example").status_code == 400
    with app.test_request_context(base_url="http://example.com"):
        assert flask.request.trusted_hosts == ["example.com", ".sub.example"]


def test_create_url_adapter_by_hand(flask: Any, app: Any) -> None:
    assert app.create_url_adapter(None) is None
    app.config.update(SERVER_NAME="example.com", APPLICATION_ROOT="/r", PREFERRED_URL_SCHEME="https")
    adapter = app.create_url_adapter(None)
    assert adapter.build("index", force_external=True) == "https://example.com/r/"
    with app.test_request_context("/"):
        own = app.create_url_adapter(flask.request)
        assert own.match() == ("index", {})


def test_the_script_name(flask: Any, app: Any) -> None:
    app.add_url_rule(
        "/where", "where", lambda: f"{flask.request.script_root} {flask.request.path} {flask.url_for('index')}"
    )
    assert app.test_client().get("/where", base_url="http://localhost/app").text == "/app /where /app/"


def test_a_wsgi_exception_in_start_response(flask: Any, app: Any) -> None:
    from werkzeug.test import create_environ

    def start_response(*args: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        app(create_environ("/"), start_response)
    assert not flask.request


def test_base_exceptions_pass_and_end_the_request(flask: Any, app: Any) -> None:
    seen: list[str] = []
    app.teardown_request(lambda error: seen.append(type(error).__name__))

    @app.route("/exit")
    def leave() -> None:
        raise SystemExit

    @app.route("/interrupt")
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit):
        app.test_client().get("/exit")
    with pytest.raises(KeyboardInterrupt):
        app.test_client().get("/interrupt")
    assert seen == ["SystemExit", "KeyboardInterrupt"]
    assert not flask.request
    assert not flask.current_app


def test_head_requests_use_the_view_of_get(flask: Any, app: Any) -> None:
    app.add_url_rule("/method", "method", lambda: flask.request.method)
    response = app.test_client().head("/method")
    assert response.status_code == 200
    assert response.data == b""
    assert response.headers["Content-Length"] == "4"


def test_many_requests_leave_nothing_behind(flask: Any, app: Any) -> None:
    client = app.test_client()
    for _ in range(20):
        client.get("/")
        client.get("/nowhere")
    assert not flask.request
    assert not flask.current_app
    assert flask.globals._cv_app.get(None) is None


def test_errors_are_logged_with_method_and_path(flask: Any, app: Any, caplog: Any) -> None:
    app.add_url_rule("/fail", "fail", lambda: 1 / 0, methods=["POST"])
    app.test_client().post("/fail?secret=1")
    record = caplog.records[-1]
    assert record.getMessage() == "Exception on /fail [POST]"
    assert record.levelname == "ERROR"
    assert record.exc_info[0] is ZeroDivisionError
    assert record.name == "alias_app"


def test_the_error_stream_of_the_server_gets_the_log(flask: Any, app: Any) -> None:
    import io

    stream = io.StringIO()
    with app.test_request_context("/", errors_stream=stream):
        assert flask.logging.wsgi_errors_stream._get_current_object() is stream
        print("hello", file=flask.logging.wsgi_errors_stream)
    assert stream.getvalue() == "hello\n"
