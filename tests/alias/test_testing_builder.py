"""The builder of test requests, and ``test_request_context``."""

from __future__ import annotations

from typing import Any

import pytest


def _environ(flask: Any, app: Any, *args: Any, **kwargs: Any) -> Any:
    return flask.testing.EnvironBuilder(app, *args, **kwargs).get_environ()


def test_a_builder_knows_its_application(flask: Any, app: Any) -> None:
    builder = flask.testing.EnvironBuilder(app)
    assert builder.app is app
    assert builder.path == "/"
    assert builder.host == "localhost"
    assert builder.base_url == "http://localhost/"
    assert builder.method == "GET"


def test_the_base_url_comes_from_the_configuration(flask: Any, app: Any) -> None:
    app.config.update(SERVER_NAME="example.com:1234", APPLICATION_ROOT="/foo", PREFERRED_URL_SCHEME="https")
    builder = flask.testing.EnvironBuilder(app, "/bar")
    assert builder.base_url == "https://example.com:1234/foo/"
    assert builder.url_scheme == "https"
    assert builder.script_root == "/foo"
    assert builder.path == "/bar"
    environ = builder.get_environ()
    assert environ["SERVER_NAME"] == "example.com"
    assert environ["SERVER_PORT"] == "1234"
    assert environ["HTTP_HOST"] == "example.com:1234"
    assert environ["SCRIPT_NAME"] == "/foo"
    assert environ["wsgi.url_scheme"] == "https"


@pytest.mark.parametrize("root", ["foo", "/foo", "/foo/"])
def test_the_application_root_in_every_form(flask: Any, app: Any, root: str) -> None:
    app.config["APPLICATION_ROOT"] = root
    assert _environ(flask, app)["SCRIPT_NAME"] == "/foo"


def test_subdomain_and_scheme(flask: Any, app: Any) -> None:
    app.config["SERVER_NAME"] = "example.com"
    builder = flask.testing.EnvironBuilder(app, "/", subdomain="api", url_scheme="https")
    assert builder.base_url == "https://api.example.com/"
    app.config["SERVER_NAME"] = None
    assert flask.testing.EnvironBuilder(app, subdomain="x").host == "x.localhost"


@pytest.mark.parametrize("conflict", [{"subdomain": "x"}, {"url_scheme": "https"}])
def test_a_base_url_goes_with_neither_subdomain_nor_scheme(flask: Any, app: Any, conflict: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match='Cannot pass "subdomain" or "url_scheme" with "base_url"'):
        flask.testing.EnvironBuilder(app, "/", base_url="http://x/", **conflict)


def test_a_whole_url(flask: Any, app: Any) -> None:
    environ = _environ(flask, app, "https://example.org:99/a/b?c=d#frag")
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_HOST"] == "example.org:99"
    assert environ["PATH_INFO"] == "/a/b"
    assert environ["QUERY_STRING"] == "c=d"
    assert environ["SCRIPT_NAME"] == ""


def test_a_whole_url_with_an_application_root(flask: Any, app: Any) -> None:
    app.config["APPLICATION_ROOT"] = "/root"
    environ = _environ(flask, app, "http://example.org/root/a")
    assert environ["SCRIPT_NAME"] == "/root"


def test_the_scheme_of_a_whole_url_wins(flask: Any, app: Any) -> None:
    assert _environ(flask, app, "http://example.org/a", url_scheme="https")["wsgi.url_scheme"] == "http"
    assert _environ(flask, app, "//example.org/a", url_scheme="https")["wsgi.url_scheme"] == "https"


def test_a_url_without_a_scheme(flask: Any, app: Any) -> None:
    assert _environ(flask, app, "//example.org/a")["HTTP_HOST"] == "example.org"


def test_a_path_with_escapes_or_without_a_slash(flask: Any, app: Any) -> None:
    assert _environ(flask, app, "a/b")["PATH_INFO"] == "a/b"
    assert _environ(flask, app, "/a%20b?x=%20")["PATH_INFO"] == "/a b"
    assert _environ(flask, app, "/?")["QUERY_STRING"] == ""


def test_a_query_in_both_places(flask: Any, app: Any) -> None:
    assert _environ(flask, app, "/", query_string={"a": "1"})["QUERY_STRING"] == "a=1"
    with pytest.raises(ValueError, match="Query string is defined in the path and as an argument"):
        _environ(flask, app, "/?a=1", query_string={"b": "1"})


def test_json_is_written_by_the_application(flask: Any, app: Any) -> None:
    class Own(flask.json.provider.DefaultJSONProvider):
        def default(self, o: Any) -> Any:  # type: ignore[override]
            return f"own {type(o).__name__}"

    app.json = Own(app)
    builder = flask.testing.EnvironBuilder(app, json={"a": {1}})
    assert builder.json_dumps([1]) == app.json.dumps([1])
    assert builder.json_dumps({1}) == '"own set"'
    assert builder.content_type == "application/json"


def test_test_request_context_takes_what_the_builder_takes(flask: Any, app: Any) -> None:
    with app.test_request_context(
        "/path", "http://example.com/", None, None, method="POST", data={"a": "b"}, headers={"X-Own": "1"}
    ):
        assert flask.request.url == "http://example.com/path"
        assert flask.request.form["a"] == "b"
        assert flask.request.headers["X-Own"] == "1"
    with app.test_request_context(path="/p", query_string={"x": "y"}):
        assert flask.request.args["x"] == "y"
    with app.test_request_context("/p", json={"a": 1}):
        assert flask.request.json == {"a": 1}
        assert flask.request.method == "GET"
    with app.test_request_context(environ_base={"REMOTE_ADDR": "1.1.1.1"}):
        assert flask.request.remote_addr == "1.1.1.1"
    with app.test_request_context():
        assert flask.request.remote_addr is None
        assert flask.request.user_agent.string == ""
    with app.test_request_context(environ_overrides={"wsgi.url_scheme": "https"}):
        assert flask.request.is_secure
    with app.test_request_context("/", auth=("a", "b")):
        assert flask.request.authorization.username == "a"
    with pytest.raises(TypeError):
        app.test_request_context("/", nonsense=1)


def test_request_context_takes_an_environment(flask: Any, app: Any) -> None:
    from werkzeug.test import create_environ

    with app.request_context(create_environ("/x", "http://example.com")):
        assert flask.request.url == "http://example.com/x"


def test_urls_in_a_test_request(flask: Any, app: Any) -> None:
    app.add_url_rule("/page/<name>", "page", lambda name: name)
    with app.test_request_context("/", base_url="https://example.com/shop"):
        assert flask.url_for("page", name="a b") == "/shop/page/a%20b"
        assert flask.url_for("page", name="a", _external=True) == "https://example.com/shop/page/a"


def test_server_name_with_a_subdomain(flask: Any) -> None:
    app = flask.Flask("m", root_path="/", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com:5000"
    app.add_url_rule("/", "index", lambda: "plain")
    app.add_url_rule("/", "sub", lambda user: f"sub {user}", subdomain="<user>")
    client = app.test_client()
    assert client.get("/").text == "plain"
    assert client.get("/", subdomain="ada").text == "sub ada"
    assert client.get("/", base_url="http://ada.example.com:5000").text == "sub ada"
    with app.test_request_context("/", subdomain="ada"):
        assert flask.url_for("index") == "http://example.com:5000/"
        assert flask.url_for("sub", user="ada") == "/"


def test_the_body_of_a_builder_is_closed(flask: Any, app: Any) -> None:
    import io

    file = io.BytesIO(b"x")
    context = app.test_request_context("/", method="POST", data={"f": (file, "x.txt")})
    with context:
        assert flask.request.files["f"].read() == b"x"
