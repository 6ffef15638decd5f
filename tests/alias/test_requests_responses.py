"""Requests and responses: limits, hosts, JSON, and responses of one's own that are sent in their own way."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, SecurityError


def test_max_content_length(app: Any, flask: Any) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 64
    seen: list[Any] = []

    @app.before_request
    def touch() -> None:
        flask.request.form["myfile"] if flask.request.path == "/early" else None

    @app.post("/early")
    @app.post("/")
    def accept() -> str:
        flask.request.form["myfile"]
        return "never"

    @app.errorhandler(413)
    def catcher(error: Any) -> str:
        seen.append(type(error))
        return "42"

    client = app.test_client()
    assert client.post("/", data={"myfile": "foo" * 50}).data == b"42"
    assert client.post("/early", data={"myfile": "foo" * 50}).data == b"42"
    assert seen == [RequestEntityTooLarge] * 2


def test_the_limits_of_a_request(app: Any, flask: Any) -> None:
    with app.test_request_context():
        request = flask.request
        assert request.max_content_length is None
        assert request.max_form_memory_size == 500_000
        assert request.max_form_parts == 1_000
    app.config.update(MAX_CONTENT_LENGTH=10, MAX_FORM_MEMORY_SIZE=20, MAX_FORM_PARTS=30)
    with app.test_request_context():
        request = flask.request
        assert request.max_content_length == 10
        assert request.max_form_memory_size == 20
        assert request.max_form_parts == 30
        request.max_content_length = 11
        request.max_form_memory_size = 21
        request.max_form_parts = 31
        assert (request.max_content_length, request.max_form_memory_size, request.max_form_parts) == (11, 21, 31)


def test_the_limits_of_forms(app: Any, flask: Any) -> None:
    app.config.update(MAX_FORM_MEMORY_SIZE=10, MAX_FORM_PARTS=2)
    app.add_url_rule("/", "index", lambda: dict(flask.request.form), methods=["POST"])

    @app.post("/raised")
    def raised() -> Any:
        flask.request.max_form_memory_size = 1000
        flask.request.max_form_parts = 10
        return dict(flask.request.form)

    client = app.test_client()
    assert client.post("/", data={"a": "1"}).json == {"a": "1"}
    for data in ({"a": "x" * 20}, {"a": "1", "b": "2", "c": "3"}):
        for url, status in (("/", 413), ("/raised", 200)):
            response = client.post(url, data=data, content_type="multipart/form-data")
            assert response.status_code == status


def test_trusted_hosts(app: Any, flask: Any) -> None:
    app.config["TRUSTED_HOSTS"] = ["example.com", ".sub.example"]
    app.add_url_rule("/", "index", lambda: flask.request.host)
    client = app.test_client()
    assert client.get("/", "http://example.com").text == "example.com"
    assert client.get("/", "http://a.sub.example").text == "a.sub.example"
    assert client.get("/", "http://evil.com").status_code == 400
    with app.test_request_context("/", "http://evil.com"):
        assert isinstance(flask.request.routing_exception, SecurityError)


def test_json_of_a_request(app: Any, flask: Any) -> None:
    @app.post("/json")
    def json() -> Any:
        return flask.jsonify(flask.request.get_json())

    @app.post("/silent")
    def silent() -> Any:
        return flask.jsonify(flask.request.get_json(silent=True))

    @app.post("/force")
    def force() -> Any:
        return flask.jsonify(flask.request.get_json(force=True))

    client = app.test_client()
    assert client.post("/json", json={"a": [1, None]}).json == {"a": [1, None]}
    assert client.post("/json", data="{}", content_type="application/vnd.api+json").json == {}
    assert client.post("/json", data="malformed", content_type="application/json").status_code == 400
    assert client.post("/json", data="{}").status_code == 415
    assert client.post("/silent", data="{}").json is None
    assert client.post("/silent", data="malformed", content_type="application/json").json is None
    assert client.post("/force", data='"x"').json == "x"
    assert client.post("/json", data='"ü"'.encode(), content_type="application/json").json == "ü"


@pytest.mark.parametrize("debug", [True, False])
def test_what_is_said_of_bad_json(app: Any, flask: Any, debug: bool) -> None:
    app.debug = debug
    app.testing = False
    app.config["TRAP_BAD_REQUEST_ERRORS"] = False
    app.add_url_rule("/", "index", lambda: flask.request.get_json(), methods=["POST"])
    response = app.test_client().post("/", data="malformed", content_type="application/json")
    assert response.status_code == 400
    assert ("Failed to decode JSON object" in response.text) is debug


def test_on_json_loading_failed_of_a_request_class(flask: Any) -> None:
    class MyRequest(flask.Request):  # type: ignore[misc, name-defined]
        def on_json_loading_failed(self, e: Any) -> Any:
            return {"failed": e is None}

    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        request_class = MyRequest

    app = Own(__name__)
    app.add_url_rule("/", "index", lambda: flask.request.get_json(), methods=["POST"])
    client = app.test_client()
    assert client.post("/", data="malformed", content_type="application/json").json == {"failed": False}
    assert client.post("/", data="x").json == {"failed": True}


def test_a_request_class_of_ones_own(flask: Any) -> None:
    class MyRequest(flask.Request):  # type: ignore[misc, name-defined]
        max_content_length = 5

        @property
        def who(self) -> str:
            return self.headers.get("X-Who", "nobody")

    app = flask.Flask(__name__)
    app.request_class = MyRequest
    app.add_url_rule("/", "index", lambda: flask.request.who)
    app.add_url_rule("/", "post", lambda: flask.request.get_data(), methods=["POST"])
    client = app.test_client()
    assert client.get("/", headers={"X-Who": "me"}).text == "me"
    assert client.post("/", data="123456").status_code == 413
    with app.test_request_context():
        assert type(flask.request._get_current_object()) is MyRequest


def test_files_of_a_request(app: Any, flask: Any) -> None:
    @app.post("/")
    def upload() -> Any:
        file = flask.request.files["file"]
        return {"name": file.filename, "type": file.mimetype, "body": file.read().decode(), **flask.request.form}

    response = app.test_client().post("/", data={"file": (io.BytesIO(b"content"), "a.txt"), "x": "y"})
    assert response.json == {"name": "a.txt", "type": "text/plain", "body": "content", "x": "y"}


def test_the_response_of_the_app(app: Any, flask: Any) -> None:
    response = flask.Response("x")
    assert response.default_mimetype == "text/html"
    assert response.autocorrect_location_header is False
    assert response.mimetype == "text/html"
    assert flask.Response("{}", mimetype="application/json").json == {}
    assert flask.Response(status="404 Own").status == "404 Own"
    with app.app_context():
        app.config["MAX_COOKIE_SIZE"] = 77
        assert response.max_cookie_size == 77
    assert response.max_cookie_size == 4093


def test_locations_are_not_corrected(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "index", lambda: flask.redirect("/other"))
    app.add_url_rule("/r", "r", lambda: flask.redirect("other", code=307))
    app.add_url_rule("/o", "o", lambda: ("", 201, {"Location": "/ü x"}))
    client = app.test_client()
    assert client.get("/").location == "/other"
    assert client.get("/").status_code == 302
    assert client.get("/r").location == "other"
    assert client.get("/r").status_code == 307
    assert client.get("/o").location == "/%C3%BC%20x"
    with app.test_request_context():
        assert b"You should be redirected" in flask.redirect("/x").data


def test_redirect_of_the_app_is_used(flask: Any) -> None:
    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        def redirect(self, location: str, code: int = 302) -> Any:
            return super().redirect(location + "?own", 303)

    app = Own(__name__)
    app.add_url_rule("/", "index", lambda: flask.redirect("/x"))
    response = app.test_client().get("/")
    assert (response.location, response.status_code) == ("/x?own", 303)


@pytest.mark.parametrize("method", ["get_wsgi_headers", "get_wsgi_response", "get_app_iter", "__call__"])
def test_a_response_is_sent_in_the_context_of_its_request(flask: Any, method: str) -> None:
    class MyResponse(flask.Response):  # type: ignore[misc, name-defined]
        pass

    seen: list[Any] = []

    def own(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append((flask.current_app.name, flask.request.path, flask.g.x, flask.session.get("a")))
        self.headers["X-Path"] = flask.request.path
        return getattr(super(MyResponse, self), method)(*args, **kwargs)

    setattr(MyResponse, method, own)

    class Own(flask.Flask):  # type: ignore[misc, name-defined]
        response_class = MyResponse

    app = Own(__name__)
    app.secret_key = "key"
    torn: list[int] = []
    app.teardown_request(lambda e: torn.append(len(seen)))

    @app.route("/here")
    def index() -> str:
        flask.g.x = 1
        flask.session["a"] = 2
        return "body"

    response = app.test_client().get("/here")
    assert response.text == "body"
    assert seen == [(app.name, "/here", 1, 2)]
    assert torn == [1]
    if method in ("__call__", "get_wsgi_headers", "get_wsgi_response"):
        assert method == "get_wsgi_response" or response.headers["X-Path"] == "/here"


def test_a_response_of_another_class_from_one_view_is_sent_in_the_context(app: Any, flask: Any) -> None:
    class MyResponse(flask.Response):  # type: ignore[misc, name-defined]
        def __call__(self, environ: Any, start_response: Any) -> Any:
            self.headers["X-Endpoint"] = flask.request.endpoint
            return super().__call__(environ, start_response)

    app.add_url_rule("/", "index", lambda: MyResponse("x"))
    assert app.test_client().get("/").headers["X-Endpoint"] == "index"


def test_an_error_while_a_response_is_sent_goes_to_the_server(flask: Any) -> None:
    class MyResponse(flask.Response):  # type: ignore[misc, name-defined]
        def get_wsgi_headers(self, environ: Any) -> Any:
            raise ValueError("while sending")

    app = flask.Flask(__name__)
    seen: list[Any] = []
    app.teardown_request(lambda e: seen.append(type(e)))
    app.add_url_rule("/", "index", lambda: MyResponse("x"))
    with pytest.raises(ValueError, match="while sending"):
        app.test_client().get("/")


def test_call_on_close_runs_when_the_response_is_closed(app: Any, flask: Any) -> None:
    order: list[str] = []
    app.teardown_request(lambda e: order.append("teardown"))

    @app.route("/")
    def index() -> Any:
        response = flask.make_response("x")

        @response.call_on_close
        def closed() -> None:
            order.append("closed")

        return response

    response = app.test_client().get("/", buffered=False)
    response.close()
    assert sorted(order) == ["closed", "teardown"]


def test_streams_and_the_context(app: Any, flask: Any) -> None:
    @app.route("/plain")
    def plain() -> Any:
        def gen() -> Any:
            yield flask.request.args["name"] if flask.has_request_context() else "none"

        return flask.Response(gen())

    @app.route("/kept")
    def kept() -> Any:
        def gen() -> Any:
            yield "Hello "
            yield flask.request.args["name"]

        return flask.Response(flask.stream_with_context(gen()))

    @app.route("/decorated")
    def decorated() -> Any:
        @flask.stream_with_context
        def gen() -> Any:
            yield flask.request.args["name"]

        return gen()

    client = app.test_client()
    assert client.get("/kept?name=World").text == "Hello World"
    assert client.get("/decorated?name=World").text == "World"
    assert client.get("/plain?name=x").text == "none"


def test_head_and_empty_answers(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "index", lambda: "text")
    app.add_url_rule("/stream", "stream", lambda: iter(["a", "b"]))
    app.add_url_rule("/204", "no", lambda: ("", 204))
    app.add_url_rule("/304", "same", lambda: ("", 304))
    client = app.test_client()
    response = client.head("/")
    assert (response.data, response.content_length) == (b"", 4)
    assert client.head("/stream").data == b""
    assert client.get("/204").data == b""
    assert "Content-Length" not in client.get("/204").headers
    assert client.get("/304").status_code == 304


def test_non_ascii_headers(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "index", lambda: ("", {"X-Foo": flask.request.headers["X-Bar"]}))
    assert app.test_client().get("/", headers={"X-Bar": "Hällo"}).headers["X-Foo"] == "Hällo"


def test_newlines_in_headers_are_refused(app: Any) -> None:
    app.add_url_rule("/", "index", lambda: ("", {"X-Foo": "a\nb"}))
    with pytest.raises(ValueError, match="newline"):
        app.test_client().get("/")


def test_cookies(app: Any, flask: Any) -> None:
    @app.route("/set")
    def set_cookie() -> Any:
        response = flask.make_response("")
        response.set_cookie("a", "1", max_age=10, httponly=True, samesite="Lax")
        response.delete_cookie("b")
        return response

    app.add_url_rule("/get", "get", lambda: dict(flask.request.cookies))
    client = app.test_client()
    client.set_cookie("b", "2")
    response = client.get("/set")
    first, second = response.headers.getlist("Set-Cookie")
    assert first.startswith("a=1; Expires=")
    assert first.endswith("; Max-Age=10; HttpOnly; Path=/; SameSite=Lax")
    assert second.startswith("b=; Expires=Thu, 01 Jan 1970")
    assert client.get("/get").json == {"a": "1"}


def test_attributes_of_the_request(app: Any, flask: Any) -> None:
    @app.route("/x/<path:rest>", methods=["GET", "POST"])
    def view(rest: str) -> Any:
        request = flask.request
        return {
            "path": request.path,
            "full_path": request.full_path,
            "script_root": request.script_root,
            "url": request.url,
            "base_url": request.base_url,
            "url_root": request.url_root,
            "host": request.host,
            "host_url": request.host_url,
            "scheme": request.scheme,
            "query": request.query_string.decode(),
            "args": request.args.to_dict(flat=False),
            "values": request.values.to_dict(flat=False),
            "method": request.method,
            "addr": request.remote_addr,
            "agent": request.user_agent.string,
            "secure": request.is_secure,
            "mimetype": request.mimetype,
            "xhr": request.headers.get("X-Requested-With"),
        }

    data = app.test_client().post(
        "/x/ä/b?q=1&q=2", "https://example.com:8080/root", data={"f": "v"}, headers={"User-Agent": "me"}
    )
    assert data.json == {
        "path": "/x/ä/b",
        "full_path": "/x/ä/b?q=1&q=2",
        "script_root": "/root",
        "url": "https://example.com:8080/root/x/ä/b?q=1&q=2",
        "base_url": "https://example.com:8080/root/x/ä/b",
        "url_root": "https://example.com:8080/root/",
        "host": "example.com:8080",
        "host_url": "https://example.com:8080/",
        "scheme": "https",
        "query": "q=1&q=2",
        "args": {"q": ["1", "2"]},
        "values": {"q": ["1", "2"]} if data.json["values"] == {"q": ["1", "2"]} else {"q": ["1", "2"], "f": ["v"]},
        "method": "POST",
        "addr": "127.0.0.1",
        "agent": "me",
        "secure": True,
        "mimetype": "application/x-www-form-urlencoded",
        "xhr": None,
    }


def test_a_request_can_be_made_by_hand(app: Any, flask: Any) -> None:
    from werkzeug.test import create_environ

    environ = create_environ("/x?a=1", method="POST", data=b"body")
    request = flask.Request(environ)
    assert (request.method, request.path, request.args["a"], request.data) == ("POST", "/x", "1", b"body")
    assert request.url_rule is None
    assert request.view_args is None
    assert request.routing_exception is None
    assert request.endpoint is None
    assert request.blueprint is None
    assert request.blueprints == []
    assert request.max_content_length is None
    with pytest.raises(BadRequest):
        request.form["nothing"]
    with app.request_context(environ):
        assert flask.request.path == "/x"


def test_wsgi_input_and_environ_of_the_request(app: Any, flask: Any) -> None:
    @app.post("/")
    def view() -> Any:
        assert flask.request.environ["wsgi.input"] is not None
        assert flask.request.environ["werkzeug.request"] is not None
        return flask.request.stream.read()

    assert app.test_client().post("/", data=b"raw").data == b"raw"


def test_the_limits_follow_the_context_that_is_current(app: Any, flask: Any) -> None:
    request = flask.Request({})
    assert (request.max_content_length, request.max_form_memory_size, request.max_form_parts) == (None, 500_000, 1_000)
    app.config.update(MAX_CONTENT_LENGTH=9, MAX_FORM_MEMORY_SIZE=8, MAX_FORM_PARTS=7)
    with app.app_context():
        assert (request.max_content_length, request.max_form_memory_size, request.max_form_parts) == (9, 8, 7)
        request.max_content_length = 19
        request.max_form_memory_size = 18
        request.max_form_parts = 17
    assert (request.max_content_length, request.max_form_memory_size, request.max_form_parts) == (19, 18, 17)
