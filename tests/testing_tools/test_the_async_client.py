"""The async test client: requests, cookies, sessions, contexts, errors and lives, on the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import ClientRedirectError, TestResponse

from erlen import Erlen, current_app, g, has_request_context, redirect, request, session
from erlen.errors import ConfigError
from erlen.testing import AsgiError, AsyncClient, EnvironBuilder, LifespanFailed

Body = Callable[[AsyncClient], Awaitable[None]]


@pytest.fixture(autouse=True)
def _views(app: Erlen) -> None:
    @app.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def echo() -> dict[str, Any]:
        return {
            "method": request.method, "url": request.url, "form": request.form.to_dict(),
            "address": request.remote_addr, "args": request.args.to_dict(), "json": request.get_json(silent=True),
            "agent": request.user_agent.string, "cookies": request.cookies.to_dict(),
            "header": request.headers.get("X-A"), "size": len(request.data),
        }  # fmt: skip

    @app.post("/login")
    async def login() -> Any:
        session["user"] = request.form["user"]
        g.seen = "login"
        return redirect("/home")

    @app.route("/home")
    def home() -> str:
        return f"user {session.get('user')}"

    @app.post("/moved")
    def moved() -> Any:
        return redirect("/echo", 307)

    @app.get("/circle")
    def circle() -> Any:
        return redirect("/circle")

    @app.get("/broken")
    async def broken() -> str:
        raise LookupError("no beaker")


def run(app: Erlen, body: Body, **options: Any) -> None:
    async def main() -> None:
        async with app.async_test_client(**options) as client:
            await body(client)

    asyncio.run(main())


# Requests.


def test_a_response_is_that_of_the_plain_client_and_has_been_read(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        answer = await client.get("/echo?a=1")
        assert isinstance(answer, TestResponse)
        assert isinstance(answer, app.response_class)
        assert answer.json["args"] == {"a": "1"}
        assert (answer.status_code, answer.status, answer.request.path) == (200, "200 OK", "/echo")
        plain = await asyncio.to_thread(app.test_client().get, "/echo?a=1")
        assert {*answer.headers} == {*plain.headers}
        assert answer.json == plain.json

    run(app, body)


def test_each_method_has_its_function(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        for method in ("get", "post", "put", "patch", "delete"):
            assert (await getattr(client, method)("/echo")).json["method"] == method.upper()
            assert (await client.open("/echo", method=method.upper())).json["method"] == method.upper()
        answer = await client.head("/echo")
        assert answer.data == b""
        assert int(answer.headers["Content-Length"]) > 0
        assert "GET" in (await client.options("/echo")).headers["Allow"]
        assert (await client.trace("/echo")).status_code == 405

    run(app, body)


def test_data_files_json_query_headers_and_auth_are_sent(app: Erlen) -> None:
    @app.post("/upload")
    def upload() -> dict[str, Any]:
        file = request.files["file"]
        return {"name": file.filename, "content": file.read().decode(), "user": request.authorization.username}

    async def body(client: AsyncClient) -> None:
        assert (await client.post("/echo", data={"user": "ü"})).json["form"] == {"user": "ü"}
        assert (await client.post("/echo", json={"a": ["ü", None]})).json["json"] == {"a": ["ü", None]}
        assert (await client.post("/echo", json=date(2030, 1, 2))).json["json"] == app.json.loads(
            app.json.dumps(date(2030, 1, 2))
        )
        assert (await client.get("/echo", query_string={"a": "ü b"})).json["args"] == {"a": "ü b"}
        assert (await client.get("/echo", headers={"X-A": "1"})).json["header"] == "1"
        answer = await client.post("/upload", data={"file": (BytesIO(b"GIF"), "a.gif")}, auth=("ada", "secret"))
        assert answer.json == {"name": "a.gif", "content": "GIF", "user": "ada"}

    run(app, body)


def test_a_large_body_comes_whole_and_in_pieces(app: Erlen) -> None:
    pieces = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            pieces.append(len(message["body"]))
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    async def body(client: AsyncClient) -> None:
        assert (await client.post("/echo", data=b"x" * 200_000)).json["size"] == 200_000
        await app.async_test_client(asgi=asgi).post("/", data=b"x" * 200_000)
        assert sum(pieces) == 200_000
        assert len(pieces) > 2

    run(app, body)


def test_hosts_schemes_and_subdomains_are_those_of_the_plain_client(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        assert (await client.get("/echo")).json["url"] == "http://localhost/echo"
        assert (await client.get("/echo", base_url="https://a.example/")).json["url"] == "https://a.example/echo"
        assert (await client.get("https://b.example/echo")).json["url"] == "https://b.example/echo"
        app.config["SERVER_NAME"] = "c.example"
        assert (await client.get("/echo", subdomain="www")).json["url"] == "http://www.c.example/echo"

    run(app, body)


def test_every_request_has_the_clients_base_and_scope_base_comes_last(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        found = (await client.get("/echo")).json
        assert found["address"] == "127.0.0.1"
        assert found["agent"].startswith("Werkzeug/")
        client.environ_base["REMOTE_ADDR"] = "10.0.0.1"
        assert (await client.get("/echo")).json["address"] == "10.0.0.1"
        assert (await client.get("/echo", environ_overrides={"REMOTE_ADDR": "10.0.0.2"})).json["address"] == "10.0.0.2"
        client.scope_base["client"] = ("10.0.0.3", 5)
        assert (await client.get("/echo")).json["address"] == "10.0.0.3"
        assert (await client.get("/echo", scope_base={"client": ("10.0.0.4", 5)})).json["address"] == "10.0.0.4"

    run(app, body)


def test_what_a_test_puts_into_the_environ_stands_in_that_of_the_request(app: Erlen) -> None:
    app.add_url_rule("/environ", "environ", lambda: request.environ["mine.key"])

    async def body(client: AsyncClient) -> None:
        assert (await client.get("/environ", environ_base={"mine.key": "found"})).text == "found"

    run(app, body)


@pytest.mark.parametrize("form", ["environ", "builder", "request"])
def test_a_request_may_be_given_in_other_forms(app: Erlen, form: str) -> None:
    async def body(client: AsyncClient) -> None:
        builder = EnvironBuilder(app, "/echo", method="PUT", data=b"1234")
        what = {"environ": builder.get_environ, "builder": lambda: builder, "request": builder.get_request}[form]()
        found = (await client.open(what)).json
        assert (found["method"], found["size"], found["address"]) == ("PUT", 4, "127.0.0.1")

    run(app, body)


def test_views_and_test_share_a_loop_and_what_waits_on_it(app: Erlen) -> None:
    waiting: dict[str, asyncio.Future[str]] = {}

    @app.get("/wait")
    async def wait() -> str:
        waiting["future"] = asyncio.get_running_loop().create_future()
        return await waiting["future"]

    async def body(client: AsyncClient) -> None:
        asked = asyncio.create_task(client.get("/wait"))
        while not waiting:
            await asyncio.sleep(0)
        assert (await client.get("/home")).text == "user None"  # another request is answered meanwhile
        waiting["future"].set_result("done")
        assert (await asked).text == "done"

    run(app, body)


def test_a_view_sees_the_context_variables_of_the_test_but_the_test_not_its_own(app: Erlen) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")

    @app.get("/variable")
    async def view() -> str:
        found = variable.get()
        variable.set("of the view")
        return found

    async def body(client: AsyncClient) -> None:
        variable.set("of the test")
        assert (await client.get("/variable")).text == "of the test"
        assert variable.get() == "of the test"
        assert not has_request_context()

    run(app, body)


def test_a_test_that_gives_up_waiting_has_hung_up(app: Erlen) -> None:
    seen = []

    @app.get("/endless")
    async def endless() -> str:
        seen.append("began")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            seen.append("cancelled")
        return ""

    @app.teardown_request
    async def teardown(error: BaseException | None) -> None:
        seen.append("torn down")

    async def body(client: AsyncClient) -> None:
        asked = asyncio.create_task(client.get("/endless"))
        while not seen:
            await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert seen == ["began", "cancelled", "torn down"]

    run(app, body)


# Redirects, cookies, sessions.


def test_redirects_are_followed_on_request_with_their_history(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        answer = await client.post("/login", data={"user": "Ada"})
        assert (answer.status_code, answer.history) == (303, ())
        answer = await client.post("/login", data={"user": "Grace"}, follow_redirects=True)
        assert answer.text == "user Grace"
        assert answer.request.path == "/home"
        assert [earlier.status_code for earlier in answer.history] == [303]
        assert client.context.request.path == "/home"

    run(app, body)


def test_a_307_sends_the_body_again(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        answer = await client.post("/moved", data={"user": "Ada"}, follow_redirects=True)
        assert (answer.json["method"], answer.json["form"]) == ("POST", {"user": "Ada"})

    run(app, body)


def test_redirects_in_a_circle_or_to_elsewhere_are_not_followed(app: Erlen) -> None:
    app.add_url_rule("/away", "away", lambda: redirect("https://elsewhere.example/"))

    async def body(client: AsyncClient) -> None:
        with pytest.raises(ClientRedirectError, match="/circle"):
            await client.get("/circle", follow_redirects=True)
        with pytest.raises(RuntimeError, match="external redirects"):
            await client.get("/away", follow_redirects=True)

    run(app, body)


def test_cookies_are_kept_as_in_the_plain_client(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        client.set_cookie("theme", "dark")
        assert client.get_cookie("theme").value == "dark"  # type: ignore[union-attr]
        await client.post("/login", data={"user": "Ada"})
        assert {*(await client.get("/echo")).json["cookies"]} == {"theme", "session"}
        client.delete_cookie("theme")
        assert client.get_cookie("theme") is None
        assert (await app.async_test_client().get("/home")).text == "user None"
        without = app.async_test_client(use_cookies=False)
        await without.post("/login", data={"user": "Ada"})
        assert (await without.get("/home")).text == "user None"

    run(app, body)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "cookie"])
def test_a_session_is_prepared_and_looked_at_from_outside(app: Erlen, kind: str, tmp_path: Any) -> None:
    app.config.update(SESSION_TYPE=kind, SESSION_SQLITE_PATH=tmp_path / "sessions")
    ended = []
    app.teardown_appcontext(lambda error: ended.append(error))

    async def body(client: AsyncClient) -> None:
        async with client.session_transaction() as prepared:
            assert prepared.get("user") is None
            prepared["user"] = "Ada"
            assert not has_request_context()
        assert ended == [None]
        assert (await client.get("/home")).text == "user Ada"
        await client.post("/login", data={"user": "Grace"})
        async with client.session_transaction() as found:
            assert found["user"] == "Grace"
        with contextlib.suppress(ZeroDivisionError):
            async with client.session_transaction() as broken:
                broken["user"] = "Eve"
                raise ZeroDivisionError
        assert (await client.get("/home")).text == "user Grace"

    run(app, body)


def test_the_session_of_a_foreign_interface_is_opened_too(app: Erlen) -> None:
    from erlen.flask.sessions import SecureCookieSessionInterface

    app.session_interface = SecureCookieSessionInterface()

    async def body(client: AsyncClient) -> None:
        async with client.session_transaction() as prepared:
            prepared["user"] = "Ada"
        assert (await client.get("/home")).text == "user Ada"
        app.secret_key = None
        with pytest.raises(RuntimeError, match="SECRET_KEY"):
            async with client.session_transaction():
                pytest.fail("there is no session")

    run(app, body)


def test_a_client_without_cookies_has_no_session_to_open(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        with pytest.raises(TypeError, match="use_cookies"):
            async with client.session_transaction():
                pytest.fail("there is no session")

    run(app, body, use_cookies=False)


# The context of the last request.


def test_the_context_of_the_last_request_can_be_looked_at_and_was_torn_down_once(app: Erlen) -> None:
    ended = []
    app.teardown_request(lambda error: ended.append(error))

    async def body(client: AsyncClient) -> None:
        await client.post("/login", data={"user": "Ada"})
        assert ended == [None]
        assert client.context.request.path == "/login"
        assert (client.context.session["user"], client.context.g.seen) == ("Ada", "login")
        for _ in range(2):
            with client.context:
                assert (session["user"], g.seen, current_app.name) == ("Ada", "login", app.name)
                assert request.form["user"] == "Ada"
        assert ended == [None]
        assert not has_request_context()

    run(app, body)


def test_without_a_request_there_is_no_context(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        with pytest.raises(RuntimeError, match="none since the client"):
            client.context  # noqa: B018

    run(app, body)


# Errors.


def test_an_exception_that_nobody_handles_reaches_the_test(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        with pytest.raises(LookupError, match="no beaker"):
            await client.get("/broken")
        assert client.context.request.path == "/broken"
        app.config["PROPAGATE_EXCEPTIONS"] = False
        assert (await client.get("/broken")).status_code == 500

    run(app, body)


def test_in_debug_mode_the_test_gets_the_exception_and_not_the_page_about_it(app: Erlen) -> None:
    app.config.update(TESTING=False, DEBUG=True)

    async def body(client: AsyncClient) -> None:
        with pytest.raises(LookupError, match="no beaker"):
            await client.get("/broken")

    run(app, body)


def test_the_error_of_a_teardown_reaches_the_test_too(app: Erlen) -> None:
    @app.teardown_request
    async def teardown(error: BaseException | None) -> None:
        raise LookupError("no pool")

    async def body(client: AsyncClient) -> None:
        with pytest.raises(LookupError, match="no pool"):
            await client.get("/home")

    run(app, body)


START = {"type": "http.response.start", "status": 200, "headers": []}
LAST = {"type": "http.response.body", "body": b"x"}
MORE = {**LAST, "more_body": True}


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([], "without a response"),
        ([START], "in the middle"),
        ([START, MORE], "in the middle"),
        ([LAST], "before 'http.response.start'"),
        ([START, START], "twice"),
        ([START, LAST, LAST], "after the end"),
        ([{"type": "websocket.accept"}], "'websocket.accept', which is no message"),
    ],
)
def test_an_application_that_breaks_the_rules_of_asgi_is_told(app: Erlen, messages: list[Any], text: str) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async def body(client: AsyncClient) -> None:
        with pytest.raises(AsgiError, match=text):
            await client.get("/")

    run(app, body, asgi=asgi, lifespan=False)


def test_a_mistake_that_the_application_catches_is_told_all_the_same(app: Erlen) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        with contextlib.suppress(RuntimeError):
            await send(START)
        await send(LAST)

    async def body(client: AsyncClient) -> None:
        with pytest.raises(AsgiError, match="twice"):
            await client.get("/")

    run(app, body, asgi=asgi, lifespan=False)


# Life.


def test_entering_starts_the_application_and_leaving_ends_it(app: Erlen) -> None:
    seen: list[Any] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            seen.append(scope["state"])
            scope["state"]["own"] = True
            await app.asgi(scope, receive, send)
            return
        scope["state"]["pool"] = "open"
        seen.append((await receive())["type"])
        await send({"type": "lifespan.startup.complete"})
        seen.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})

    async def main() -> None:
        async with app.async_test_client(asgi=asgi) as client:
            assert seen == ["lifespan.startup"]
            assert (await client.get("/home")).status_code == 200
            assert (await client.get("/home")).status_code == 200
        assert seen == [
            "lifespan.startup",
            {"pool": "open", "own": True},
            {"pool": "open", "own": True},
            "lifespan.shutdown",
        ]
        assert seen[1] is not seen[2]

    asyncio.run(main())


def test_without_async_with_or_with_lifespan_false_nothing_is_started(app: Erlen) -> None:
    kinds = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        kinds.append(scope["type"])
        await app.asgi(scope, receive, send)

    async def main() -> None:
        assert (await app.async_test_client(asgi=asgi).get("/home")).status_code == 200
        async with app.async_test_client(asgi=asgi, lifespan=False) as client:
            assert (await client.get("/home")).status_code == 200
        assert kinds == ["http", "http"]

    asyncio.run(main())


def test_an_application_that_cannot_start_is_not_served_and_says_why(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = "mermory"

    async def main() -> None:
        with pytest.raises(LifespanFailed, match=r"startup: .*mermory") as raised:
            async with app.async_test_client():
                pytest.fail("it has not started")
        assert raised.value.phase == "startup"
        assert isinstance(raised.value.__cause__, ConfigError)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("messages", "phase", "text"),
    [
        ([], "startup", "lifespan=False"),
        ([ZeroDivisionError("by nobody")], "startup", "ZeroDivisionError: by nobody"),
        ([{"type": "lifespan.startup.failed", "message": "no database"}], "startup", "no database"),
        ([{"type": "lifespan.startup.failed"}, ZeroDivisionError("by nobody")], "startup", "by nobody"),
        (["startup", {"type": "lifespan.shutdown.failed", "message": "no end"}], "shutdown", "no end"),
        (["startup", ZeroDivisionError("at the end")], "shutdown", "at the end"),
        ([{"type": "http.response.start"}], "startup", "no message of a lifespan"),
    ],
)
@pytest.mark.parametrize("goes_on", [True, False], ids=["and waits on", "and ends"])
def test_a_life_that_fails_tells_its_phase_and_its_reason(
    app: Erlen, messages: list[Any], phase: str, text: str, goes_on: bool
) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in messages:
            if isinstance(message, Exception):
                raise message
            if message == "startup":
                await send({"type": "lifespan.startup.complete"})
                await receive()
            else:
                await send(message)
        if goes_on and messages:
            await receive()

    async def main() -> None:
        with pytest.raises(LifespanFailed, match=text) as raised:
            async with app.async_test_client(asgi=asgi):
                assert phase == "shutdown"
        assert raised.value.phase == phase
        assert (raised.value.__cause__ is None) != ("by nobody" in text or "at the end" in text or "message of" in text)

    asyncio.run(main())


def test_a_test_that_fails_hears_of_a_failing_end_in_a_note(app: Erlen) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "no end"})

    async def main() -> None:
        async with app.async_test_client(asgi=asgi):
            raise AssertionError("the test fails")

    with pytest.raises(AssertionError, match="the test fails") as raised:
        asyncio.run(main())
    assert raised.value.__notes__ == ["The application has failed at its shutdown: no end"]


def test_a_client_is_entered_once_at_a_time(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        with pytest.raises(RuntimeError, match="Cannot nest"):
            await client.__aenter__()

    run(app, body)


def test_a_class_of_ones_own_is_used(app: Erlen) -> None:
    class Mine(AsyncClient):
        pass

    app.async_test_client_class = Mine
    assert isinstance(app.async_test_client(), Mine)
    assert repr(app.async_test_client()) == f"<Mine {app!r}>"


def test_middleware_around_asgi_app_is_gone_through(app: Erlen) -> None:
    inner, kinds = app.asgi_app, []

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        kinds.append(scope["type"])
        await inner(scope, receive, send)

    app.asgi_app = outer  # type: ignore[method-assign]

    async def body(client: AsyncClient) -> None:
        await client.get("/home")

    run(app, body)
    assert kinds == ["lifespan", "http"]


# Streams.


def test_a_response_is_read_as_it_is_made_and_leaving_it_hangs_up(app: Erlen) -> None:
    seen: list[Any] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": [(b"x-a", b"1"), (b"content-type", b"text/plain; charset=utf-8")]})
        for number in range(2):
            seen.append(number)
            await send({**MORE, "body": b"%d" % number})
        seen.append((await receive())["type"])
        seen.append((await receive())["type"])
        with pytest.raises(OSError, match="client has gone"):
            await send(MORE)
        seen.append("end")

    async def body(client: AsyncClient) -> None:
        async with client.stream("POST", "/", data=b"abc") as response:
            assert (response.status_code, response.status, response.headers["X-A"]) == (200, "200 OK", "1")
            assert (response.mimetype, response.request.path, response.history) == ("text/plain", "/", ())
            assert repr(response) == "<StreamedResponse [200 OK]>"
            assert [await anext(response), await anext(response)] == [b"0", b"1"]
            assert "end" not in seen
        assert seen == [0, 1, "http.request", "http.disconnect", "end"]

    run(app, body, asgi=asgi, lifespan=False)


def test_the_pieces_of_a_view_come_one_by_one_and_its_end_is_waited_for(app: Erlen) -> None:
    seen = []

    @app.get("/numbers")
    def numbers() -> Any:
        def made() -> Any:
            try:
                yield from ("0", "1", "2")
            finally:
                seen.append("closed")

        return made()

    async def body(client: AsyncClient) -> None:
        async with client.stream("GET", "/numbers") as response:
            assert [piece async for piece in response] == [b"0", b"1", b"2"]
        assert seen == ["closed"]
        async with client.stream("GET", "/numbers") as response:
            assert await anext(response) == b"0"
            assert await response.read() == b"12"
        async with client.stream("GET", "/numbers") as response:
            assert await anext(response) == b"0"  # a generator that was not begun has nothing to end
        assert len(seen) == 3
        assert client.context.request.path == "/numbers"

    run(app, body)


def test_an_endless_stream_runs_ahead_by_one_piece_at_most(app: Erlen) -> None:
    sent = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        while True:
            sent.append(1)
            await send(MORE)

    async def body(client: AsyncClient) -> None:
        async with client.stream("GET", "/") as response:
            for number in range(1, 5):
                assert await anext(response) == b"x"
                assert len(sent) <= number + 1

    run(app, body, asgi=asgi, lifespan=False)


def test_an_error_in_the_middle_of_a_stream_is_raised_where_it_is_read(app: Erlen) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(MORE)
        raise LookupError("no more beakers")

    async def body(client: AsyncClient) -> None:
        async with client.stream("GET", "/") as response:
            assert await anext(response) == b"x"
            with pytest.raises(LookupError, match="no more"):
                await anext(response)
        with pytest.raises(LookupError, match="no more"):
            async with client.stream("GET", "/") as response:
                assert response.status_code == 200
        with pytest.raises(AssertionError, match="the test fails") as raised:
            async with client.stream("GET", "/"):
                raise AssertionError("the test fails")
        assert raised.value.__notes__ == ["The application has failed too: LookupError: no more beakers"]

    run(app, body, asgi=asgi, lifespan=False)


def test_a_stream_follows_redirects_too(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        sent = {"data": {"user": "Ada"}, "follow_redirects": True}
        async with client.stream("POST", "/login", **sent) as response:
            assert await response.read() == b"user Ada"
            assert [earlier.status_code for earlier in response.history] == [303]

    run(app, body)


def test_a_file_that_the_server_is_to_send_is_read(app: Erlen, tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"content")

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        assert "http.response.pathsend" in scope["extensions"]
        await send(START)
        await send({"type": "http.response.pathsend", "path": str(tmp_path / "file")})

    async def body(client: AsyncClient) -> None:
        client.scope_base["extensions"] = {"http.response.pathsend": {}}
        assert (await client.get("/")).data == b"content"

    run(app, body, asgi=asgi, lifespan=False)


async def _pieces(*pieces: Any) -> AsyncIterator[Any]:
    for piece in pieces:
        assert not has_request_context()  # it is the test's, whoever asks for the next piece
        yield piece
        await asyncio.sleep(0)


def test_a_request_body_may_be_given_in_pieces(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        answer = await client.post("/echo", data=_pieces(b'{"a":', b"", b" 1}"), content_type="application/json")
        assert answer.json["json"] == {"a": 1}
        answer = await client.put("/echo", data=_pieces(b"abc"), headers={"Content-Length": "3"})
        assert answer.json["size"] == 3

    run(app, body)


def test_a_body_in_pieces_is_asked_for_as_the_application_receives_it_and_closed(app: Erlen) -> None:
    seen: list[Any] = []

    async def source() -> AsyncIterator[bytes]:
        try:
            while True:
                seen.append("asked")
                yield b"x"
        finally:
            seen.append("closed")

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        assert (b"transfer-encoding", b"chunked") in scope["headers"]
        assert await receive() == {"type": "http.request", "body": b"x", "more_body": True}
        assert seen == ["asked"]
        await send(START)
        await send(LAST)

    async def body(client: AsyncClient) -> None:
        assert (await client.post("/", data=source())).text == "x"
        assert seen == ["asked", "closed"]

    run(app, body, asgi=asgi, lifespan=False)


def test_leaving_a_stream_ends_a_body_that_waits(app: Erlen) -> None:
    seen = []

    async def source() -> AsyncIterator[bytes]:
        yield b"x"
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            seen.append("ended")

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        await send(MORE)
        seen.append((await receive())["type"])

    async def body(client: AsyncClient) -> None:
        async with client.stream("POST", "/", data=source()) as response:
            assert await anext(response) == b"x"
            await asyncio.sleep(0)
        assert seen == ["http.disconnect", "ended"]

    run(app, body, asgi=asgi, lifespan=False)


def test_an_error_of_the_tests_own_body_is_raised_and_the_application_sees_a_client_that_breaks_off(app: Erlen) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"x"
        raise LookupError("no more beakers")

    received = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        received.extend([(await receive())["type"], (await receive())["type"]])
        raise ValueError("the client has gone")

    async def body(client: AsyncClient) -> None:
        with pytest.raises(LookupError, match="no more"):
            await client.post("/", data=source())
        assert received == ["http.request", "http.disconnect"]
        with pytest.raises(TypeError, match=r"'text'.*text\.encode\(\)"):
            await client.post("/", data=_pieces("text"))

    run(app, body, asgi=asgi, lifespan=False)


def test_a_body_in_pieces_is_not_sent_again(app: Erlen) -> None:
    async def body(client: AsyncClient) -> None:
        with pytest.raises(RuntimeError, match="wants the body again"):
            await client.post("/moved", data=_pieces(b"abc"), follow_redirects=True)

    run(app, body)
