"""Requests of which there is nothing to run but the view take a short way, which means the same as the long one."""

from __future__ import annotations

import asyncio
import io
from typing import Any
from unittest.mock import patch

import pytest

from erlen import Erlen, Request, request, session
from erlen.routing import Map
from erlen.signals import LISTENED, got_request_exception, request_finished, request_started, request_tearing_down


@pytest.mark.parametrize("result", [{"a": object()}, "\ud800"], ids=["no JSON", "no Unicode"])
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_a_result_that_cannot_be_written_is_an_error_that_is_answered(app: Any, result: Any, is_async: bool) -> None:
    heard: list[str] = []
    app.logger.disabled = True

    @app.errorhandler(500)
    def handle(error: Any) -> tuple[str, int]:
        return "own page", 500

    if is_async:

        @app.get("/")
        async def waiting() -> Any:
            return result
    else:

        @app.get("/")
        def index() -> Any:
            return result

    def hear(sender: Any, exception: Exception) -> None:
        heard.append(type(exception).__name__)

    for _ in range(2):
        response = app.test_client().get("/")
        assert (response.status_code, response.text) == (500, "own page")
    with got_request_exception.connected_to(hear, app):
        app.test_client().get("/")
    assert len(heard) == 1


class ToldByAHeader(Request):
    """What middleware for HTML forms does: a header says the method and the path that are meant."""

    def __init__(self, environ: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(environ, *args, **kwargs)
        self.method = environ.get("HTTP_X_METHOD", self.method)
        self.path = environ.get("HTTP_X_PATH", self.path)


class ToldByAProperty(Request):
    @property
    def method(self) -> str:  # type: ignore[override]
        return str(self.environ.get("HTTP_X_METHOD", "GET"))

    @property
    def path(self) -> str:  # type: ignore[override]
        return str(self.environ.get("HTTP_X_PATH", "/"))


@pytest.mark.parametrize("kind", [ToldByAHeader, ToldByAProperty])
def test_what_a_class_of_requests_says_of_itself_counts(app: Any, kind: type[Request]) -> None:
    app.request_class = kind
    app.config["CROSS_SITE_GUARD"] = False
    app.add_url_rule("/", "index", lambda: "index")
    app.add_url_rule("/", "put", lambda: "put", methods=["PUT"])
    app.add_url_rule("/other", "other", lambda: "other")
    client = app.test_client()
    for _ in range(2):
        assert client.get("/").text == "index"
        assert client.get("/", headers={"X-Method": "PUT"}).text == "put"
        assert client.get("/", headers={"X-Path": "/other"}).text == "other"


def test_what_a_context_of_its_own_changes_counts(make_app: Any) -> None:
    class Own(Erlen):
        def request_context(self, environ: dict[str, Any]) -> Any:
            return super().request_context({**environ, "PATH_INFO": "/elsewhere"})

    app = make_app(Own)
    app.add_url_rule("/", "index", lambda: "index")
    app.add_url_rule("/elsewhere", "elsewhere", lambda: "elsewhere")
    for _ in range(2):
        assert app.test_client().get("/").text == "elsewhere"


def test_a_class_that_is_patched_for_a_while_is_forgotten_afterwards(app: Any) -> None:
    class Patched(Request):
        pass

    app.add_url_rule("/", "index", lambda: type(request._get_current_object()).__name__)  # type: ignore[attr-defined]
    client = app.test_client()
    for owner in (app, Erlen):
        with patch.object(owner, "request_class", Patched):
            assert client.get("/").text == "Patched"
        assert client.get("/").text == "Request"


def test_a_map_with_a_search_of_its_own_is_asked(make_app: Any) -> None:
    asked: list[str] = []

    class Telling(Map):
        def find(self, domain: str, path: str, method: str, websocket: bool = False) -> Any:
            asked.append(path)
            return super().find(domain, path, method, websocket)

    class Own(Erlen):
        url_map_class = Telling

    app = make_app(Own)
    app.add_url_rule("/", "index", lambda: "index")
    app.add_url_rule("/<int:number>", "number", lambda number: str(number))
    client = app.test_client()
    for path in ("/", "/3", "/zz", "/"):
        client.get(path)
    assert asked == ["/", "/3", "/zz", "/"]


def test_a_rule_may_lose_its_methods_after_the_first_request(app: Any) -> None:
    app.config["CROSS_SITE_GUARD"] = False
    app.add_url_rule("/", "index", lambda: "index")
    client = app.test_client()
    assert client.post("/").status_code == 405
    next(app.url_map.iter_rules("index")).methods = None
    assert client.post("/").text == "index"


def test_a_request_keeps_its_path_and_method_whatever_becomes_of_its_environ(app: Any) -> None:
    @app.get("/a/b")
    def index() -> str:
        environ = request.environ
        environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["REQUEST_METHOD"] = "/a", "/b", "PUT"
        return f"{request.method} {request.path}"

    for _ in range(2):
        assert app.test_client().get("/a/b").text == "GET /a/b"


def test_files_are_closed_after_a_view_that_would_end_the_program(make_app: Any, interface: str) -> None:
    app = make_app()
    kept: list[Any] = []

    @app.get("/")
    def index() -> str:
        kept.append(request.files["a"].stream)
        raise SystemExit

    with pytest.raises(SystemExit if interface == "wsgi" else RuntimeError):
        app.test_client().get("/", data={"a": (io.BytesIO(b"content"), "a.txt")})
    assert kept[0].closed


def test_a_method_that_a_hook_sets_decides_about_the_automatic_answer(app: Any) -> None:
    @app.before_request
    def ask_for_options() -> None:
        request.method = "OPTIONS"

    app.add_url_rule("/", "index", lambda: "the view")
    response = app.test_client().get("/")
    assert response.text == ""
    assert "GET" in response.allow


def test_who_listens_is_heard_from_then_on(app: Any) -> None:
    heard: list[str] = []
    app.add_url_rule("/", "index", lambda: "index")
    client = app.test_client()
    client.get("/")

    def hear(sender: Any, **values: Any) -> None:
        heard.append("heard")

    for signal in (request_started, request_finished, request_tearing_down):
        with signal.connected_to(hear, app):
            client.get("/")
        client.get("/")
    assert heard == ["heard"] * 3


def test_who_begins_to_listen_while_it_is_asked_who_does_is_not_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    def hear(sender: Any, **values: Any) -> None: ...

    class Looked:
        @property
        def receivers(self) -> dict[Any, Any]:
            request_started.connect(hear)
            return {}

    monkeypatch.setattr(LISTENED, "signals", [Looked()])
    try:
        LISTENED.still()
        assert LISTENED.any
    finally:
        request_started.disconnect(hear)


class Visits:
    """Something that is made text of when the answer is written, by a look at the session."""

    def __init__(self, counts: bool) -> None:
        self.counts = counts

    def __html__(self) -> str:
        if self.counts:
            session["visits"] = session.get("visits", 0) + 1
        return str(session.get("visits", 0))


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_a_session_that_is_touched_while_the_answer_is_written_counts_as_touched(app: Any, is_async: bool) -> None:
    if is_async:

        @app.get("/<int:counts>")
        async def waiting(counts: int) -> dict[str, Any]:
            return {"visits": Visits(bool(counts))}
    else:

        @app.get("/<int:counts>")
        def index(counts: int) -> dict[str, Any]:
            return {"visits": Visits(bool(counts))}

    client = app.test_client()
    assert [client.get("/1").json["visits"] for _ in range(2)] == ["1", "2"]
    looked = client.get("/0")
    assert (looked.json["visits"], looked.headers["Vary"]) == ("2", "Cookie")


@pytest.mark.parametrize("kind", ["sqlite", "cookie", "memory"])
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_what_is_changed_inside_a_value_of_the_session_is_kept(make_app: Any, kind: str, is_async: bool) -> None:
    app = make_app(SESSION_TYPE=kind)

    @app.get("/begin")
    def begin() -> str:
        session["cart"] = {"apples": 1}
        return "begun"

    if is_async:

        @app.get("/add")
        async def waiting() -> str:
            session["cart"]["apples"] += 1
            return "added"
    else:

        @app.get("/add")
        def add() -> str:
            session["cart"]["apples"] += 1
            return "added"

    @app.get("/")
    def look() -> str:
        return str(session["cart"]["apples"])

    client = app.test_client()
    for path in ("/begin", "/add", "/add"):
        assert client.get(path).headers["Vary"] == "Cookie"
    looked = client.get("/")
    assert (looked.text, looked.headers["Vary"], looked.headers.getlist("Set-Cookie")) == ("3", "Cookie", [])


class AskedOtherwise(Request):
    def __init__(self, environ: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__({**environ, "QUERY_STRING": "a=of+the+class"}, *args, **kwargs)


@pytest.mark.parametrize(
    ("kind", "given"), [(Request, "of the client, ü"), (AskedOtherwise, "of the class")], ids=["usual", "own"]
)
def test_the_parameters_of_the_query_are_those_that_the_environ_has(app: Any, kind: Any, given: str) -> None:
    app.request_class = kind
    found: list[Any] = []

    @app.get("/")
    async def index() -> str:
        found.append((request.args["a"], request.query_string, request.args.getlist("b")))
        return "x"

    app.test_client().get("/?a=of+the+client%2C+%C3%BC&b=1&b=2&=&c")
    assert found[0][0] == given
    assert found[0][2] == (["1", "2"] if kind is Request else [])


@pytest.mark.parametrize("where", ["hook", "view"])
def test_the_cookie_of_a_session_heeds_the_scheme_that_the_application_has_set(app: Any, where: str) -> None:
    def tell() -> None:
        request.scheme = "https"  # as one does behind a proxy that says it in its own way

    if where == "hook":
        app.before_request(tell)

    @app.get("/")
    def index() -> str:
        if where == "view":
            tell()
        session["name"] = "ann"
        return "x"

    cookie = app.test_client().get("/").headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "; Secure;" in cookie


def test_a_query_that_a_hook_has_written_into_the_environ_is_heeded_on_a_loop_too(app: Any) -> None:
    @app.before_request
    async def rewrite() -> None:
        request.environ["QUERY_STRING"] = "a=rewritten"

    @app.get("/")
    async def index() -> str:
        return str(request.args["a"])

    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("there is no body")

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask() -> None:  # not by a test client, which gives an environ of its own
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"a=sent", "headers": []}
        await app.asgi(scope, receive, send)

    asyncio.run(ask())
    assert sent[1]["body"] == b"rewritten"


def test_on_a_loop_a_page_that_does_not_exist_is_answered_before_the_body_has_come(app: Any) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was waited for")

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask() -> None:
        headers = [(b"content-length", b"1000000")]
        scope = {"type": "http", "method": "POST", "path": "/no", "query_string": b"", "headers": headers}
        await app.asgi(scope, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 404
