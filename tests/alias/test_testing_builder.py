"""The builder of test requests, and ``test_request_context``."""

from __future__ import annotations

from typing import Any

import pytest


def _environ(flask: Any, app: Any, *args: Any, **kwargs: Any) -> Any:
    return flask.testing.EnvironBuilder(app, *args, **kwargs).get_environ()


def test_a_whole_url(flask: Any, app: Any) -> None:
    environ = _environ(flask, app, "https://example.org:99/a/b?c=d#frag")
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_HOST"] == "example.org:99"
    assert environ["PATH_INFO"] == "/a/b"
    assert environ["QUERY_STRING"] == "c=d"
    assert environ["SCRIPT_NAME"] == ""


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


def test_the_body_of_a_builder_is_closed(flask: Any, app: Any) -> None:
    import io

    file = io.BytesIO(b"x")
    context = app.test_request_context("/", method="POST", data={"f": (file, "x.txt")})
    with context:
        assert flask.request.files["f"].read() == b"x"


@pytest.mark.parametrize(
    ("settings", "arguments", "url"),
    [
        ({}, {}, "http://localhost/beds"),
        ({"SERVER_NAME": "clinic.test:8443"}, {}, "http://clinic.test:8443/beds"),
        ({"PREFERRED_URL_SCHEME": "https"}, {}, "https://localhost/beds"),
        ({"PREFERRED_URL_SCHEME": "https"}, {"url_scheme": "http"}, "http://localhost/beds"),
        ({"APPLICATION_ROOT": "/ward"}, {}, "http://localhost/ward/beds"),
        ({"SERVER_NAME": "clinic.test"}, {"subdomain": "north"}, "http://north.clinic.test/beds"),
        (
            {"SERVER_NAME": "clinic.test", "APPLICATION_ROOT": "/ward"},
            {"base_url": "http://x.test"},
            "http://x.test/beds",
        ),
    ],
)
def test_what_is_not_given_comes_from_the_settings(
    flask: Any, app: Any, settings: dict[str, Any], arguments: dict[str, Any], url: str
) -> None:
    app.config.update(settings)
    builder = flask.testing.EnvironBuilder(app, "/beds", **arguments)
    assert builder.app is app
    assert builder.get_request().url == url
    with app.test_request_context("/beds", **arguments):
        assert flask.request.url == url
    app.add_url_rule("/beds", "beds", lambda: flask.request.url, subdomain=arguments.get("subdomain"))
    assert app.test_client().get("/beds", **arguments).request.url == url


def test_the_body_is_written_by_the_provider_of_the_application(flask: Any, app: Any) -> None:
    class Blood(flask.json.provider.DefaultJSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return super().dumps({"lab": obj}, **kwargs)

    app.json = Blood(app)
    builder = flask.testing.EnvironBuilder(app, "/beds", json=["A+"])
    assert builder.json_dumps(["A+"]) == '{"lab": ["A+"]}'
    assert builder.content_type == "application/json"
    assert builder.get_request().get_data(as_text=True) == '{"lab": ["A+"]}'
