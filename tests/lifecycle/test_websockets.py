"""What WebSockets promise that needs no server to show: set-up, mistakes, hooks in their order, tasks of a view."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from loop_tools import on_a_loop, tasks_left

import erlen
from erlen import Blueprint, Erlen, WebSocketClosed, abort, request, session, websocket
from erlen.errors import ContextError, SetupError
from erlen.http.wire import Rate
from erlen.testing import SocketClosed, SocketRejected


@pytest.fixture
def app() -> Erlen:
    app = Erlen(__name__)
    app.config.update(TESTING=True, SECRET_KEY="the key of the ferry, which is long", SESSION_TYPE="memory")
    return app


def run(app: Erlen, body: Callable[[Any], Awaitable[Any]]) -> Any:
    """Run a test's body with an async client of *app*."""

    async def main() -> Any:
        async with app.async_test_client() as client:
            return await body(client)

    return asyncio.run(main())


# --- set-up ----------------------------------------------------------------------------------------------------------


def test_a_plain_view_of_a_socket_is_refused_when_it_is_registered(app: Erlen) -> None:
    with pytest.raises(SetupError, match=r"cross\(\) at .*test_websockets.py:\d+ cannot be the view of a WebSocket"):

        @app.websocket("/cross")
        def cross() -> None: ...


def test_a_decorator_that_wraps_an_async_view_is_looked_through(app: Erlen) -> None:
    import functools

    def logged(view: Any) -> Any:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

        return wrapper

    @app.websocket("/cross")
    @logged
    async def cross() -> None:
        await websocket.send("crossed")

    async def body(client: Any) -> None:
        async with client.websocket("/cross") as socket:
            assert await socket.receive() == "crossed"

    run(app, body)


def test_methods_are_refused_and_an_unknown_option_is_named(app: Erlen) -> None:
    with pytest.raises(SetupError, match="has no methods: it is always asked for by GET"):

        @app.websocket("/a", methods=["POST"])
        async def one() -> None: ...

    with pytest.raises(SetupError, match=r"was given response_timeout=..., which is for requests"):

        @app.websocket("/c", response_timeout=3)
        async def three() -> None: ...

    with pytest.raises(TypeError, match="Did you mean 'max_message_size'"):

        @app.websocket("/b", max_message_sise=3)
        async def two() -> None: ...


def test_websocket_outside_of_one_says_what_to_write(app: Erlen) -> None:
    @app.get("/")
    def index() -> str:
        return websocket.path

    with pytest.raises(
        ContextError, match=r"(?s)outside of websocket context.*write 'request' in place of 'websocket'"
    ):
        app.test_client().get("/")
    with pytest.raises(ContextError):
        websocket.path  # noqa: B018 - to be asked for is all


def test_a_socket_over_wsgi_is_501_and_the_log_names_the_view(app: Erlen, caplog: pytest.LogCaptureFixture) -> None:
    @app.websocket("/ferry")
    async def ferry() -> None: ...

    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    answer = app.test_client().get("/ferry", headers=headers)
    assert answer.status_code == 501
    assert "test_websockets.py" not in answer.text
    assert "ferry() at" in caplog.text
    assert "Serve the application over ASGI or RSGI" in caplog.text
    assert app.test_client().get("/ferry").status_code == 400


def test_the_url_of_a_socket_is_built_with_its_scheme(app: Erlen) -> None:
    @app.websocket("/ferry/<name>")
    async def ferry(name: str) -> None: ...

    with app.test_request_context(base_url="https://ferries.example"):
        assert app.url_for("ferry", name="Ä", _external=True) == "wss://ferries.example/ferry/%C3%84"


# --- hooks -----------------------------------------------------------------------------------------------------------


def test_the_hooks_of_application_and_blueprint_run_in_the_order_of_a_request(app: Erlen) -> None:
    order: list[str] = []
    harbour = Blueprint("harbour", __name__, url_prefix="/harbour")

    def note(name: str) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            order.append(name)
            return args[0] if args else None

        return noted

    for scaffold, name in ((app, "app"), (harbour, "harbour")):
        scaffold.before_request(note(f"{name} before_request"))
        scaffold.before_websocket(note(f"{name} before_websocket"))
        scaffold.after_websocket(note(f"{name} after_websocket"))
        scaffold.after_request(note(f"{name} after_request"))
        scaffold.teardown_request(note(f"{name} teardown_request"))
    harbour.before_app_websocket(note("harbour before_app_websocket"))
    harbour.after_app_websocket(note("harbour after_app_websocket"))
    app.teardown_appcontext(note("teardown_appcontext"))

    @harbour.websocket("/berth")
    async def berth() -> None:
        order.append(f"view of {websocket.blueprint}")
        await websocket.send("moored")

    app.register_blueprint(harbour)

    async def body(client: Any) -> None:
        async with client.websocket("/harbour/berth") as socket:
            await socket.receive()

    run(app, body)
    assert order == [
        "app before_request",
        "harbour before_request",
        "app before_websocket",
        "harbour before_app_websocket",
        "harbour before_websocket",
        "view of harbour",
        "harbour after_websocket",
        "harbour after_app_websocket",
        "app after_websocket",
        "harbour teardown_request",
        "app teardown_request",
        "teardown_appcontext",
    ]


def test_after_websocket_may_answer_a_refused_handshake_otherwise(app: Erlen) -> None:
    @app.after_websocket
    def explain(response: Any) -> Any:
        response.headers["X-Refused"] = "yes"
        return response

    @app.websocket("/full")
    async def full() -> Any:
        return "The ferry is full.", 503

    async def body(client: Any) -> Any:
        with pytest.raises(SocketRejected) as caught:
            async with client.websocket("/full"):
                pass
        return caught.value.response

    response = run(app, body)
    assert (response.status_code, response.text, response.headers["X-Refused"]) == (503, "The ferry is full.", "yes")


def test_request_is_the_socket_and_plain_hooks_share_a_thread(app: Erlen) -> None:
    import threading

    threads: list[Any] = []

    @app.before_request
    def open_log() -> None:
        threads.append(threading.current_thread())

    @app.teardown_request
    def close_log(error: Any) -> None:
        threads.append(threading.current_thread())

    @app.websocket("/same")
    async def same() -> None:
        assert request._get_current_object() is websocket._get_current_object()  # type: ignore[attr-defined]
        await websocket.send(type(request._get_current_object()).__name__)  # type: ignore[attr-defined]

    async def body(client: Any) -> None:
        async with client.websocket("/same") as socket:
            assert await socket.receive() == "WebSocket"

    run(app, body)
    assert threads[0] is threads[1] is not threading.main_thread()


# --- errors ----------------------------------------------------------------------------------------------------------


def test_under_test_the_exception_of_a_view_reaches_the_test(app: Erlen) -> None:
    @app.websocket("/sinks")
    async def sink() -> None:
        await websocket.accept()
        raise OverflowError("water")

    async def body(client: Any) -> None:
        async with client.websocket("/sinks") as socket:
            await socket.receive()

    with pytest.raises(OverflowError, match="water"):
        run(app, body)


@pytest.mark.parametrize("message", [{"a": 1}, 7, None])
def test_what_is_no_message_is_refused_with_the_way_to_send_it(app: Erlen, message: Any) -> None:
    @app.websocket("/send")
    async def send() -> None:
        await websocket.send(message)

    async def body(client: Any) -> None:
        async with client.websocket("/send") as socket:
            await socket.receive()

    with pytest.raises(TypeError, match=r"A message is str or bytes, and this is a .*send_json"):
        run(app, body)


@pytest.mark.parametrize(("code", "reason"), [(1005, ""), (999, ""), (1004, ""), (5000, ""), (1000, "ü" * 62)])
def test_a_close_that_the_protocol_has_no_room_for_is_refused(app: Erlen, code: int, reason: str) -> None:
    @app.websocket("/close")
    async def close() -> None:
        await websocket.accept()
        await websocket.close(code, reason)

    async def body(client: Any) -> None:
        async with client.websocket("/close") as socket:
            await socket.receive()

    with pytest.raises(ValueError, match=r"RFC 6455|123 fit"):
        run(app, body)


def test_a_client_that_goes_during_the_handshake_ends_the_view_and_runs_the_teardowns(app: Erlen) -> None:
    events: list[str] = []

    @app.teardown_request
    def note(error: Any) -> None:
        events.append(f"teardown {error}")

    @app.websocket("/gone")
    async def gone() -> None:
        try:
            await websocket.accept()
        except WebSocketClosed as closed:
            events.append(f"closed {closed.code}")
            raise

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(message: dict[str, Any]) -> None:
        events.append(message["type"])

    scope = {"type": "websocket", "path": "/gone", "query_string": b"", "headers": [], "extensions": {}}
    asyncio.run(app.asgi(scope, receive, send))
    assert events == ["closed 1006", "teardown None"]


class Handshake:
    """A client that asks for a WebSocket at a server that tells of it leaving, and may send before it is accepted."""

    def __init__(self, *messages: str) -> None:
        self.gone = asyncio.Event()
        self.sent: list[dict[str, Any]] = []
        self._left = [
            {"type": "websocket.connect"},
            *({"type": "websocket.receive", "text": text} for text in messages),
        ]

    async def receive(self) -> dict[str, Any]:
        if self._left:
            return self._left.pop(0)
        await self.gone.wait()
        return {"type": "websocket.disconnect", "code": 1001}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def ask(self, app: Erlen, path: str, *headers: tuple[bytes, bytes]) -> None:
        headers = ((b"host", b"localhost"), *headers)
        scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers, "extensions": {}}
        await app.asgi(scope, self.receive, self.send)


@pytest.mark.parametrize("waits", ["hook", "view"])
def test_a_client_that_leaves_before_the_acceptance_cancels_what_waits(app: Erlen, waits: str) -> None:
    app.config["WEBSOCKET_CLOSE_TIMEOUT"] = 0
    events: list[str] = []

    async def wait(where: str) -> None:
        if waits == where:
            handshake.gone.set()
            try:
                await asyncio.Event().wait()
            finally:
                events.append(f"the {where} is left")

    @app.before_websocket
    async def hook() -> None:
        await wait("hook")

    @app.websocket("/quay")
    async def quay() -> None:
        await wait("view")

    @app.after_websocket
    def after(response: Any) -> Any:
        events.append("after_websocket")
        return response

    @app.teardown_request
    def teardown(error: Any) -> None:
        events.append(f"teardown {error}")

    handshake = Handshake()

    async def main() -> int:
        await handshake.ask(app, "/quay")
        return await tasks_left()

    assert on_a_loop(main) == 0
    assert events == [f"the {waits} is left", "teardown None"]
    assert handshake.sent == []


def test_a_view_that_waits_before_it_accepts_loses_no_message(app: Erlen) -> None:
    received: list[Any] = []

    @app.websocket("/quay")
    async def quay() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        received.extend([await websocket.receive(), await websocket.receive()])

    handshake = Handshake("first", "second")
    on_a_loop(lambda: handshake.ask(app, "/quay"))
    assert received == ["first", "second"]
    assert [message["type"] for message in handshake.sent] == ["websocket.accept", "websocket.close"]


def test_a_view_that_waits_before_it_refuses_is_no_longer_listened_for(app: Erlen) -> None:
    @app.websocket("/quay")
    async def quay() -> Any:
        for _ in range(5):
            await asyncio.sleep(0)
        return "The quay is full.", 503

    handshake = Handshake()

    async def main() -> int:
        await handshake.ask(app, "/quay")
        return await tasks_left()

    assert on_a_loop(main) == 0
    assert handshake.sent == [{"type": "websocket.close", "code": 1000}]


def test_a_client_that_does_not_read_is_closed_for_whoever_sends(app: Erlen) -> None:
    app.config.update(WEBSOCKET_SEND_TIMEOUT=0.01, WEBSOCKET_CLOSE_TIMEOUT=0.01)
    listening: list[Any] = []
    seen: list[Any] = []

    @app.websocket("/listen")
    async def listen() -> None:
        await websocket.accept()
        listening.append(websocket._get_current_object())
        try:
            await websocket.receive()
        except WebSocketClosed as closed:
            seen.append(("the view itself", closed.code, closed.reason))
            raise

    @app.websocket("/speak")
    async def speak() -> None:
        await websocket.accept()
        try:
            while True:
                await listening[0].send("news")
        except WebSocketClosed as closed:
            seen.append(("who sends", closed.code, closed.reason))
        await websocket.send("told all who listen")

    async def body(client: Any) -> None:
        async with client.websocket("/listen", buffer=1) as deaf, client.websocket("/speak") as speaker:
            assert await speaker.receive() == "told all who listen"
            assert await deaf.receive() == "news"

    run(app, body)
    reason = "Messages are not read."
    assert sorted(seen) == [("the view itself", 1008, reason), ("who sends", 1008, reason)]


def test_a_message_may_wait_for_its_client_for_ever_where_nothing_limits_it(app: Erlen) -> None:
    app.config["WEBSOCKET_SEND_TIMEOUT"] = None

    @app.websocket("/listen")
    async def listen() -> None:
        assert websocket.send_timeout is None
        for number in range(3):
            await websocket.send_json(number)

    async def body(client: Any) -> None:
        async with client.websocket("/listen", buffer=1) as slow:
            assert [message async for message in slow] == ["0", "1", "2"]

    run(app, body)


def test_a_view_may_give_one_message_less_time_and_keep_the_socket(app: Erlen) -> None:
    class Busy(Handshake):
        async def send(self, message: dict[str, Any]) -> None:
            if message.get("text") == "news":
                await asyncio.Event().wait()
            await super().send(message)

    @app.websocket("/listen")
    async def listen() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await websocket.send("news")
        await websocket.send("older news")

    handshake = Busy()
    on_a_loop(lambda: handshake.ask(app, "/listen"))
    assert [message["type"] for message in handshake.sent] == ["websocket.accept", "websocket.send", "websocket.close"]


def test_after_a_close_nothing_is_sent_and_a_second_close_does_nothing(app: Erlen) -> None:
    seen: list[Any] = []

    @app.websocket("/close")
    async def close() -> None:
        await websocket.accept()
        await websocket.close(3000, "done")
        await websocket.close(1000)
        for attempt in (websocket.send("x"), websocket.receive(), websocket.send_json(1)):
            with pytest.raises(WebSocketClosed) as caught:
                await attempt
            seen.append((caught.value.code, caught.value.reason))

    async def body(client: Any) -> None:
        async with client.websocket("/close") as socket:
            with pytest.raises(SocketClosed) as caught:
                await socket.receive()
            assert (caught.value.code, caught.value.reason) == (3000, "done")

    run(app, body)
    assert seen == [(3000, "done")] * 3


# --- at once ---------------------------------------------------------------------------------------------------------


def test_several_tasks_receive_and_each_message_comes_once(app: Erlen) -> None:
    got: list[str] = []

    @app.websocket("/shared")
    async def shared() -> None:
        await websocket.accept()

        async def take() -> None:
            async for message in websocket:
                got.append(str(message))
                await websocket.send("taken")

        await asyncio.gather(*(take() for _ in range(5)))

    async def body(client: Any) -> None:
        async with client.websocket("/shared") as socket:
            for number in range(50):
                await socket.send(str(number))
            for _ in range(50):
                await socket.receive()

    run(app, body)
    assert sorted(got, key=int) == [str(number) for number in range(50)]


def test_a_receive_that_is_cancelled_loses_no_message(app: Erlen) -> None:
    @app.websocket("/patient")
    async def patient() -> None:
        await websocket.accept()
        for _ in range(20):
            try:
                async with asyncio.timeout(0):
                    await websocket.receive()
            except TimeoutError:
                pass
        await websocket.send("ready")
        await websocket.send(await websocket.receive())

    async def body(client: Any) -> None:
        async with client.websocket("/patient") as socket:
            assert await socket.receive() == "ready"
            await socket.send("kept")
            assert await socket.receive() == "kept"

    run(app, body)


def test_a_socket_that_is_over_leaves_nothing_behind(app: Erlen) -> None:
    kept: list[Any] = []

    @app.websocket("/once")
    async def once() -> None:
        kept.append(weakref.ref(websocket._get_current_object()))  # type: ignore[attr-defined]
        session["seen"] = True
        async for message in websocket:
            await websocket.send(message)

    async def body(client: Any) -> None:
        before = asyncio.all_tasks()
        for _ in range(3):
            async with client.websocket("/once") as socket:
                await socket.send("x")
                await socket.receive()
        assert asyncio.all_tasks() == before

    run(app, body)
    gc.collect()
    assert [ref() for ref in kept] == [None] * 3
    assert app._session_watch._open == {}


def test_a_rate_allows_as_many_at_once_as_in_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("erlen.http.wire.time.monotonic", lambda: now)
    rate = Rate(4)
    assert [rate.allows() for _ in range(6)] == [True] * 4 + [False] * 2
    now += 0.5
    assert [rate.allows() for _ in range(3)] == [True, True, False]
    now += 60
    assert sum(rate.allows() for _ in range(9)) == 4


# --- the session -----------------------------------------------------------------------------------------------------


def test_a_session_that_another_process_has_ended_closes_its_sockets(app: Erlen) -> None:
    app.config["SESSION_RECHECK_INTERVAL"] = 0.01

    @app.get("/in")
    def sign_in() -> str:
        session["name"] = "ada"
        return session.sid or ""

    @app.websocket("/open")
    async def stay() -> None:
        await websocket.send(session["name"])
        await websocket.receive()

    async def body(client: Any) -> None:
        handle = (await client.get("/in")).text
        async with client.websocket("/open") as socket:
            assert await socket.receive() == "ada"
            await app.session_manager.store.delete(bytes.fromhex(handle))  # as another worker does: nobody is told here
            with pytest.raises(SocketClosed) as caught:
                await socket.receive()
            assert (caught.value.code, caught.value.reason) == (1008, "The session has ended.")

    run(app, body)


def test_a_session_cannot_begin_after_the_acceptance(app: Erlen) -> None:
    @app.websocket("/late")
    async def late() -> None:
        await websocket.accept()
        session["too"] = "late"

    async def body(client: Any) -> None:
        async with client.websocket("/late") as socket:
            await socket.receive()

    with pytest.raises(erlen.errors.SessionError, match="a new session"):
        run(app, body)


# --- clients that mean no good ---------------------------------------------------------------------------------------


def test_a_client_that_fills_the_inbox_and_goes_does_not_keep_the_view(app: Erlen) -> None:
    app.config.update(WEBSOCKET_RECEIVE_TIMEOUT=0.01, WEBSOCKET_CLOSE_TIMEOUT=0.01)
    ended: list[str] = []

    @app.websocket("/tells")
    async def tell() -> None:
        await websocket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    async def body(client: Any) -> None:
        async with client.websocket("/tells") as socket:
            for _ in range(20):
                await socket.send("x")

    run(app, body)
    assert ended == ["ended"]


def test_receiving_with_a_time_limit_leaves_nothing_behind(app: Erlen) -> None:
    left: list[int] = []

    @app.websocket("/polls")
    async def poll() -> None:
        await websocket.accept()
        for _ in range(50):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(websocket.receive(), 0.0001)
        left.append(len(websocket._waiting))
        await websocket.send("done")

    async def body(client: Any) -> None:
        async with client.websocket("/polls") as socket:
            await socket.receive()

    run(app, body)
    assert left == [0]


def test_limits_hold_for_a_socket_that_a_hook_has_accepted(app: Erlen) -> None:
    @app.before_websocket
    async def authenticate() -> None:
        assert await websocket.receive() == "token"
        await websocket.receive()

    @app.websocket("/guarded", max_message_size=10)
    async def guarded() -> None: ...

    async def body(client: Any) -> None:
        async with client.websocket("/guarded") as socket:
            await socket.send("token")
            await socket.send("much more than ten bytes")
            with pytest.raises(SocketClosed) as caught:
                await socket.receive()
            assert caught.value.code == 1009

    run(app, body)


# --- what a view raises ----------------------------------------------------------------------------------------------


def test_the_end_of_another_socket_is_no_end_of_ones_own(app: Erlen) -> None:
    @app.websocket("/room")
    async def room() -> None:
        await websocket.accept()
        raise WebSocketClosed(1000)  # what 'await other.send(...)' raises

    async def body(client: Any) -> None:
        async with client.websocket("/room") as socket:
            await socket.receive()

    with pytest.raises(RuntimeError, match=r"Catch WebSocketClosed around 'await other.send"):
        run(app, body)


@pytest.mark.parametrize(("what", "code"), [("json", 1007), ("abort", 1008)])
def test_what_a_task_of_a_group_raises_closes_as_if_the_view_had(app: Erlen, what: str, code: int) -> None:
    hooks: list[Any] = []
    app.after_websocket(hooks.append)

    @app.websocket("/group")
    async def group() -> None:
        async def work() -> None:
            await websocket.receive_json()
            abort(403)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work())

    async def body(client: Any) -> None:
        async with client.websocket("/group") as socket:
            await socket.send("{" if what == "json" else "{}")
            with pytest.raises(SocketClosed) as caught:
                await socket.receive()
            assert caught.value.code == code

    run(app, body)
    assert hooks == [None]


@pytest.mark.parametrize("ends", ["returns", "closes", "raises"])
def test_a_client_that_does_not_read_does_not_hold_up_the_end(app: Erlen, ends: str) -> None:
    app.config.update(WEBSOCKET_CLOSE_TIMEOUT=0.01, TESTING=False)
    torn: list[Any] = []
    app.teardown_request(lambda error: torn.append(type(error)))

    class Full(Handshake):
        async def send(self, message: dict[str, Any]) -> None:
            await super().send(message)
            if message["type"] == "websocket.close":
                await asyncio.Event().wait()

    @app.websocket("/quay")
    async def quay() -> None:
        await websocket.accept()
        if ends == "closes":
            await websocket.close(3000)
        elif ends == "raises":
            raise KeyError("quay")

    handshake = Full()
    on_a_loop(lambda: handshake.ask(app, "/quay"))
    assert handshake.sent[-1]["code"] == {"returns": 1000, "closes": 3000, "raises": 1011}[ends]
    assert torn == [KeyError if ends == "raises" else type(None)]


def test_a_socket_whose_acceptance_carries_no_cookie_is_closed_with_its_session_all_the_same(app: Erlen) -> None:
    class OfGranian(Handshake):
        """Its module is all that tells the adapter who serves."""

    OfGranian.__module__ = "granian.asgi"
    app.config["SESSION_PERMANENT"] = True

    @app.get("/in")
    def sign_in() -> Any:
        session["name"] = "ada"
        return session.sid

    @app.websocket("/quay")
    async def quay() -> None:
        session["moored"] = True
        await websocket.accept()
        assert await app.sessions.arevoke(handle)
        await websocket.receive()

    client = app.test_client()
    handle = client.get("/in").text
    cookie = client.get_cookie("session")
    assert cookie is not None

    async def main() -> list[dict[str, Any]]:
        handshake = OfGranian()
        await handshake.ask(app, "/quay", (b"cookie", f"{cookie.decoded_key}={cookie.value}".encode()))
        return handshake.sent

    accepted, closed = on_a_loop(main)
    assert accepted == {"type": "websocket.accept", "subprotocol": None, "headers": []}
    assert closed == {"type": "websocket.close", "code": 1008, "reason": "The session has ended."}
    assert app._session_watch._open == {}


def test_a_view_that_has_noticed_the_end_may_take_its_time(app: Erlen) -> None:
    app.config["WEBSOCKET_CLOSE_TIMEOUT"] = 0.01
    done: list[str] = []

    @app.websocket("/careful")
    async def careful() -> None:
        async for _ in websocket:
            pass
        await asyncio.sleep(0.05)
        done.append("written")

    async def body(client: Any) -> None:
        async with client.websocket("/careful") as socket:
            await socket.send("x")

    run(app, body)
    assert done == ["written"]


def test_a_stream_refuses_a_handshake_too_and_one_that_breaks_is_500(app: Erlen) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.websocket("/<how>")
    async def refuse(how: str) -> Any:
        async def pieces() -> Any:
            yield "no "
            if how == "broken":
                raise LookupError("the rest")
            yield "room"

        return pieces(), 503

    async def body(client: Any) -> list[Any]:
        found = []
        for how in ("whole", "broken"):
            with pytest.raises(SocketRejected) as caught:
                async with client.websocket(f"/{how}"):
                    pass
            found.append((caught.value.response.status_code, caught.value.response.text))
        return found

    whole, broken = run(app, body)
    assert whole == (503, "no room")
    assert broken[0] == 500


def test_one_broken_record_does_not_end_the_looking_at_sessions(
    app: Erlen, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["SESSION_RECHECK_INTERVAL"] = 0.01

    @app.get("/in")
    def sign_in() -> str:
        session["name"] = "ada"
        return session.sid or ""

    @app.websocket("/open")
    async def stay() -> None:
        await websocket.send("here")
        await websocket.receive()

    async def body(client: Any) -> None:
        handle = (await client.get("/in")).text
        async with client.websocket("/open") as socket:
            await socket.receive()
            store = app.session_manager.store
            load, broken = store.load, asyncio.Event()

            async def fail(*args: Any, **kwargs: Any) -> Any:
                if not broken.is_set():
                    broken.set()
                    raise ValueError("a broken record")
                return await load(*args, **kwargs)

            monkeypatch.setattr(store, "load", fail)
            await broken.wait()
            await store.delete(bytes.fromhex(handle))
            with pytest.raises(SocketClosed) as caught:
                await socket.receive()
            assert caught.value.code == 1008

    run(app, body)
    assert "A session could not be looked up" in caplog.text
