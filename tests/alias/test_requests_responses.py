"""Requests and responses: limits, hosts, JSON, and responses of one's own that are sent in their own way."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest


def test_files_of_a_request(app: Any, flask: Any) -> None:
    @app.post("/")
    def upload() -> Any:
        file = flask.request.files["file"]
        return {"name": file.filename, "type": file.mimetype, "body": file.read().decode(), **flask.request.form}

    response = app.test_client().post("/", data={"file": (io.BytesIO(b"content"), "a.txt"), "x": "y"})
    assert response.json == {"name": "a.txt", "type": "text/plain", "body": "content", "x": "y"}


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


# Limits: a post office that takes letters up to a weight.

#: What is sent, and limits that let it in.
LETTER = {"to": "Nome, Alaska", "text": "x" * 300, "stamp": "2"}
LIMITS = {"MAX_CONTENT_LENGTH": 10_000, "MAX_FORM_MEMORY_SIZE": 2_000, "MAX_FORM_PARTS": 3}


@pytest.mark.parametrize("by", ["setting", "view"])
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("enough", [True, False])
def test_a_form_is_read_up_to_each_limit(app: Any, flask: Any, by: str, limit: str, enough: bool) -> None:
    least = LIMITS[limit] if enough else 2
    app.config[limit] = least if by == "setting" else 1

    @app.post("/letters")
    def letters() -> Any:
        if by == "view":
            setattr(flask.request, limit.lower(), least)
        return flask.request.form

    response = app.test_client().post("/letters", data=LETTER, content_type="multipart/form-data")
    assert (response.status_code, response.json) == ((200, LETTER) if enough else (413, None))


def test_the_limits_are_those_of_the_settings_until_a_request_has_its_own(app: Any, flask: Any) -> None:
    def limits() -> list[Any]:
        return [getattr(flask.request, name.lower()) for name in LIMITS]

    with app.test_request_context():
        assert limits() == [None, 500_000, 1_000]
    app.config.update(LIMITS)
    with app.test_request_context():
        assert limits() == list(LIMITS.values())
        flask.request.max_form_parts = 99
        assert limits() == [*list(LIMITS.values())[:2], 99]
    with app.test_request_context():
        assert limits() == list(LIMITS.values())


@pytest.mark.parametrize(
    ("host", "status"),
    [("post.test", 200), ("post.test:8080", 200), ("nome.branch.test", 200), ("branch.test", 200), ("postxtest", 400)],
)
def test_only_hosts_that_are_trusted_are_answered(app: Any, flask: Any, host: str, status: int) -> None:
    app.config["TRUSTED_HOSTS"] = ["post.test", ".branch.test"]
    app.add_url_rule("/", "index", lambda: flask.request.host)
    assert app.test_client().get("/", base_url=f"http://{host}/").status_code == status


def test_a_request_class_adds_what_views_and_the_application_use(flask: Any) -> None:
    class Parcel(flask.Request):  # type: ignore[misc, name-defined]
        max_content_length = 4

        @property
        def grams(self) -> float:
            return float(self.args["kilos"]) * 1000

    app = type("Post", (flask.Flask,), {"request_class": Parcel})("post")
    app.add_url_rule("/grams", "grams", lambda: str(flask.request.grams))
    app.add_url_rule("/open", "open", lambda: flask.request.get_data(), methods=["POST"])
    client = app.test_client()
    assert client.get("/grams?kilos=1.5").text == "1500.0"
    assert [client.post("/open", data=data).status_code for data in ("tea", "a bicycle")] == [200, 413]


def test_a_response_that_is_made_by_hand_is_html_and_reads_the_size_of_cookies_from_the_settings(
    app: Any, flask: Any
) -> None:
    response = flask.Response("posted")
    assert (response.mimetype, response.status) == ("text/html", "200 OK")
    app.config["MAX_COOKIE_SIZE"] = 1234
    with app.app_context():
        assert response.max_cookie_size == 1234


def test_a_stream_that_keeps_its_context_reads_the_request_piece_by_piece(app: Any, flask: Any) -> None:
    def stamps() -> Any:
        for number in range(int(flask.request.args["count"])):
            yield f"{flask.g.country}{number} "

    @app.get("/stamps/<kind>")
    def sheet(kind: str) -> Any:
        flask.g.country = "IS"
        made = flask.stream_with_context(stamps() if kind == "generator" else stamps)
        return made if kind == "generator" else made()

    client = app.test_client()
    assert [client.get(f"/stamps/{kind}?count=3").text for kind in ("generator", "function")] == ["IS0 IS1 IS2 "] * 2
