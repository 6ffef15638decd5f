"""``RESPONSE_TIMEOUT`` and ``BODY_TIMEOUT``: what is cut, what comes to its end by itself, and who is told of it."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from test_requests_on_a_loop import Connection, on_a_loop
from werkzeug.exceptions import GatewayTimeout, RequestTimeout

from erlen import Erlen, Response, g, request, session

SHORT = 0.01
"""Seconds that are over soon."""
POST = ("/", "POST", (b"content-length", b"10"))


class Unfinished(Connection):
    """A client that has sent half of its body, and is silent then."""

    def __init__(self) -> None:
        super().__init__()
        self.left = [{"type": "http.request", "body": b"half ", "more_body": True}]


def ask(app: Any, *args: Any, connection: type[Connection] = Connection) -> tuple[int, bytes]:
    """Send one request over ASGI and return status and body."""

    async def work() -> Any:
        asking = connection()
        await asking.ask(app, *args)
        return asking.answer

    answer: tuple[int, bytes] = on_a_loop(work)
    return answer


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What plain views wait for; it is opened at the end whatever happens."""
    gate = threading.Event()
    yield gate
    gate.set()


# --- what is async is cancelled --------------------------------------------------------------------------------------


def test_an_async_view_that_takes_too_long_is_left_and_the_handler_answers_before_the_teardowns(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)
    events: list[Any] = []

    @app.get("/")
    async def index() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            events.append("cancelled")
            raise
        finally:
            events.append("finally")

    @app.errorhandler(GatewayTimeout)
    async def too_late(error: GatewayTimeout) -> Any:
        events.append("handler")
        return "too late", 504

    @app.after_request
    async def after(response: Response) -> Response:
        await asyncio.sleep(0)
        events.append("after")
        return response

    app.teardown_request(lambda error: events.append(("teardown", error)))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.text) == (504, "too late")
    assert events == ["cancelled", "finally", "handler", "after", ("teardown", None)]


def test_an_async_hook_takes_of_the_same_time(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)

    @app.before_request
    async def hook() -> None:
        await asyncio.Event().wait()

    app.get("/")(lambda: "view")
    assert app.test_client().get("/").status_code == 504
    assert app.test_client().get("/nowhere").status_code == 504


def add_stuck(app: Any, noted: list[str], *where: str) -> None:
    """Add a view, a handler for its error and hooks after it, of which those named in *where* wait for ever."""

    async def wait(here: str) -> None:
        noted.append(here)
        if here in where:
            await asyncio.Event().wait()

    @app.get("/")
    async def index() -> str:
        await wait("view")
        if "raises" in where:
            raise KeyError("broken")
        return "x"

    @app.errorhandler(KeyError)
    async def broken(error: KeyError) -> Any:
        await wait("handler")
        return "handled", 500

    @app.errorhandler(504)
    async def too_late(error: GatewayTimeout) -> Any:
        await wait("504")
        return "too late", 504

    @app.after_request
    async def last(response: Response) -> Response:
        await wait("last hook")
        response.headers["X-Last"] = "yes"
        return response

    @app.after_request
    async def hook(response: Response) -> Response:
        await wait("hook")
        return response


@pytest.mark.parametrize(
    ("where", "text", "order"),
    [
        (("hook",), b"too late", ["view", "hook", "504", "last hook"]),
        (("raises", "handler"), None, ["view", "handler", "hook", "last hook"]),
        (("view", "504"), None, ["view", "504", "hook", "last hook"]),
        (("hook", "504"), None, ["view", "hook", "504", "last hook"]),
        (("view", "hook"), None, ["view", "504", "hook", "last hook"]),
    ],
)
def test_error_handlers_and_hooks_after_the_view_have_their_time_too(
    make_app: Any, where: tuple[str, ...], text: bytes | None, order: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(RESPONSE_TIMEOUT=0.05)
    noted: list[str] = []
    add_stuck(app, noted, *where)
    app.teardown_request(lambda error: noted.append(f"teardown {error}"))
    answer = app.test_client().get("/")
    assert answer.status_code == 504
    assert answer.headers["X-Last"] == "yes"
    if text is None:
        assert b"Gateway Timeout" in answer.data
    else:
        assert answer.data == text
    assert noted == [*order, "teardown None"]
    assert "was cancelled, because the 0.05 s that RESPONSE_TIMEOUT" in caplog.text


def test_a_504_that_a_hook_raises_itself_is_an_exception_of_that_hook(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=1000, TESTING=True)

    @app.get("/")
    async def index() -> str:
        return "x"

    @app.after_request
    async def hook(response: Response) -> Response:
        raise GatewayTimeout("of another server")

    with pytest.raises(GatewayTimeout, match="of another server"):
        app.test_client().get("/")


def test_a_stream_that_a_hook_keeps_from_being_sent_is_closed(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)
    closed: list[str] = []

    @app.get("/")
    async def index() -> Response:
        response = Response(iter(["x"]))
        response.call_on_close(lambda: closed.append("closed"))
        return response

    @app.after_request
    async def hook(response: Response) -> Response:
        await asyncio.Event().wait()
        return response

    assert app.test_client().get("/").status_code == 504
    assert closed == ["closed"]


def test_a_plain_hook_after_an_async_view_keeps_its_client_no_longer_than_allowed_on_a_loop(
    make_app: Any, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)
    noted: list[str] = []

    @app.get("/")
    async def index() -> str:
        return "x"

    @app.after_request
    def hook(response: Response) -> Response:
        if not noted:
            noted.append("waits")
            gate.wait()
        return response

    app.teardown_request(lambda error: noted.append("teardown"))

    class Opening(Connection):
        async def send(self, message: Any) -> None:
            await super().send(message)
            if len(self.sent) == 2:
                noted.append("answered")
                gate.set()

    assert ask(app, connection=Opening)[0] == 504
    assert noted == ["waits", "answered", "teardown"]
    assert "hook() at" in caplog.text


def test_an_awaitable_that_a_plain_view_returns_is_cut_too(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)
    app.before_request(_nothing)

    async def wait() -> None:
        await asyncio.Event().wait()

    app.get("/")(lambda: wait())
    assert app.test_client().get("/").status_code == 504


async def _nothing() -> None:
    """Make a request one with something async in it."""


def test_a_route_says_otherwise(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)
    let = asyncio.Event()

    @app.get("/unlimited", response_timeout=None)
    async def unlimited() -> str:
        for _ in range(3):
            await asyncio.sleep(SHORT)
        return "at last"

    @app.get("/limited", response_timeout=timedelta(milliseconds=1))
    async def limited() -> None:
        await let.wait()

    app.config["RESPONSE_TIMEOUT"] = 1000
    assert app.test_client().get("/unlimited").text == "at last"
    assert app.test_client().get("/limited").status_code == 504


@pytest.mark.parametrize("value", [0, -1, "soon", True])
@pytest.mark.parametrize("name", ["response_timeout", "body_timeout"])
def test_a_limit_that_is_none_is_refused_at_once(app: Any, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name}=.* in the route of 'index' is no time limit: write a number of sec"):
        app.add_url_rule("/", "index", lambda: "", **{name: value})


def test_a_change_of_the_setting_holds_from_the_next_request_on(make_app: Any) -> None:
    app = make_app()

    @app.get("/")
    async def index() -> str:
        await asyncio.sleep(SHORT * 2)
        return "view"

    client = app.test_client()
    assert client.get("/").text == "view"
    app.config["RESPONSE_TIMEOUT"] = SHORT / 10
    assert client.get("/").status_code == 504
    app.config.update(RESPONSE_TIMEOUT=None)
    assert client.get("/").text == "view"


def test_a_configuration_can_still_be_pickled(app: Any) -> None:
    copy = pickle.loads(pickle.dumps(app.config))
    assert copy == app.config
    copy["RESPONSE_TIMEOUT"] = 1  # and follows nothing of the application


def test_a_timeout_of_the_application_itself_is_an_error_like_any_other(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=1000)

    @app.get("/")
    async def index() -> None:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    app.errorhandler(TimeoutError)(lambda error: ("my own", 200))
    assert app.test_client().get("/").text == "my own"


def test_a_view_that_answers_when_it_is_cancelled_is_heard(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)

    @app.get("/")
    async def index() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "partly"
        return "never"

    assert app.test_client().get("/").text == "partly"


def test_what_runs_before_the_first_request_has_all_the_time_it_needs(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)

    @app.before_first_request
    async def prepare() -> None:
        await asyncio.sleep(SHORT * 3)
        app.config["RESPONSE_TIMEOUT"] = None

    app.get("/")(lambda: "ready")
    app.before_request(_nothing)
    app.test_client().get("/")
    assert app.test_client().get("/").text == "ready"


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_the_time_does_not_limit_the_body_of_the_answer(make_app: Any, kind: str) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)

    def pieces() -> Iterator[str]:
        for number in range(3):
            threading.Event().wait(SHORT)
            yield str(number)

    async def async_pieces() -> AsyncIterator[str]:
        for number in range(3):
            await asyncio.sleep(SHORT)
            yield str(number)

    @app.get("/")
    async def index() -> Any:
        return pieces() if kind == "plain" else async_pieces()

    assert app.test_client().get("/").text == "012"


def test_the_server_that_cancels_a_request_with_a_limit_is_heard(make_app: Any) -> None:
    app = make_app(RESPONSE_TIMEOUT=1000)
    begun = asyncio.Event()

    @app.get("/")
    async def index() -> None:
        begun.set()
        await asyncio.Event().wait()

    async def work() -> bool:
        task = asyncio.create_task(Connection().ask(app))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert on_a_loop(work)


# --- what is plain comes to its end ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "mixed", "overridden"])
def test_the_client_of_a_plain_view_has_its_504_at_once_and_the_teardown_waits_for_the_view(
    make_app: Any, gate: threading.Event, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    class Own(Erlen):
        def dispatch_request(self) -> Any:
            return super().dispatch_request()

    # Long enough for the hook, which the handler is to see.
    app = make_app(Own if kind == "overridden" else Erlen, RESPONSE_TIMEOUT=0.5)
    events: list[Any] = []
    if kind == "mixed":
        app.before_request(_nothing)

    @app.before_request
    def hook() -> None:
        g.hook = "hook"

    @app.get("/")
    def index() -> str:
        assert gate.wait(10)
        session["view"] = "has come to its end"
        events.append(("view", threading.get_ident()))
        return "view"

    @app.errorhandler(504)
    def too_late(error: GatewayTimeout) -> Any:
        events.append(("handler", g.hook, request.endpoint))
        return "too late", 504

    @app.teardown_request
    def teardown(error: BaseException | None) -> None:
        if request.endpoint == "index":
            events.append(("teardown", threading.get_ident()))

    async def work() -> Any:
        connection = Connection()
        task = asyncio.create_task(connection.ask(app))
        while len(connection.sent) < 2:
            await asyncio.sleep(0)
        assert not task.done()
        assert events == [("handler", "hook", "index")]
        gate.set()
        await task
        return connection

    connection = on_a_loop(work)
    assert connection.answer == (504, b"too late")
    assert len(connection.sent) == 2, "what the view answers is dropped"
    assert [event[0] for event in events] == ["handler", "view", "teardown"]
    assert events[1][1] == events[2][1], "one thread, as always"
    assert len(list(app.sessions.all())) == 1, "what the view has done is done"
    (record,) = caplog.records
    assert "index() at " in record.getMessage()
    assert "has taken longer than the 0.5 s that RESPONSE_TIMEOUT or the route allows" in record.getMessage()


def test_the_handler_reads_the_session_that_the_view_holds_for_itself(make_app: Any, gate: threading.Event) -> None:
    app = make_app()
    app.logger.disabled = True

    @app.post("/")
    def begin() -> str:
        session["name"] = "Ada"
        return "begun"

    # Long enough for the view to take the session.
    @app.get("/", endpoint="hold", session="exclusive", response_timeout=0.5)
    def hold() -> str:
        session["held"] = True
        assert gate.wait(10)
        return "held"

    @app.get("/read")
    def read() -> Any:
        return dict(session)

    @app.errorhandler(504)
    def too_late(error: GatewayTimeout) -> Any:
        return dict(session), 504

    async def work() -> Any:
        first, second, third = Connection(), Connection(), Connection()
        await first.ask(app, "/", "POST", (b"content-length", b"0"))
        cookie = b"cookie", dict(first.sent[0]["headers"])[b"set-cookie"].partition(b";")[0]
        task = asyncio.create_task(second.ask(app, "/", "GET", cookie))
        while len(second.sent) < 2:
            await asyncio.sleep(0)
        gate.set()
        await task
        await third.ask(app, "/read", "GET", cookie)
        return second.answer, third.answer[1]

    try:
        (status, seen), kept = on_a_loop(work)
    finally:
        app.logger.disabled = False
    assert (status, app.json.loads(seen)) == (504, {"name": "Ada"})
    assert app.json.loads(kept) == {"name": "Ada", "held": True}


def test_a_plain_request_that_finds_no_place_in_time_is_504_and_its_view_does_not_run(
    make_app: Any, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(THREADS=1)
    events: list[str] = []

    @app.get("/busy")
    def busy() -> str:
        assert gate.wait(10)
        return "busy"

    @app.get("/", response_timeout=SHORT)
    def index() -> str:
        events.append("view")
        return "view"

    app.teardown_request(lambda error: events.append("teardown"))

    async def work() -> Any:
        first, second = Connection(), Connection()
        task = asyncio.create_task(first.ask(app, "/busy"))
        while app._threads is None or app._threads._taken == 0:
            await asyncio.sleep(0)
        await second.ask(app)
        assert events == ["teardown"]
        gate.set()
        await task
        third = Connection()
        await third.ask(app, "/busy")
        return first.answer, second.answer[0], third.answer

    assert on_a_loop(work) == ((200, b"busy"), 504, (200, b"busy"))
    assert "GET / has waited in vain for one of the 1 THREADS" in caplog.text


def test_a_view_in_a_thread_keeps_its_place_until_it_ends(make_app: Any, gate: threading.Event) -> None:
    app = make_app(THREADS=1, RESPONSE_TIMEOUT=SHORT)
    app.logger.disabled = True
    running: list[int] = []
    most: list[int] = []

    @app.get("/")
    def index() -> str:
        running.append(1)
        most.append(len(running))
        gate.wait(10)
        running.pop()
        return "view"

    async def work() -> list[int]:
        connections = [Connection() for _ in range(5)]
        tasks = [asyncio.create_task(connection.ask(app)) for connection in connections]
        while any(len(connection.sent) < 2 for connection in connections):
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*tasks)
        return [connection.answer[0] for connection in connections]

    try:
        assert on_a_loop(work) == [504] * 5
    finally:
        app.logger.disabled = False
    assert max(most) == 1
    assert app._threads._taken == 0


def test_what_has_not_begun_when_a_plain_hook_took_too_long_does_not_begin(
    make_app: Any, gate: threading.Event
) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)
    app.logger.disabled = True
    events: list[str] = []

    @app.before_request
    def hook() -> None:
        assert gate.wait(10)

    @app.get("/")
    async def index() -> str:
        events.append("view")
        return "view"

    app.teardown_request(lambda error: events.append("teardown"))

    async def work() -> Any:
        connection = Connection()
        task = asyncio.create_task(connection.ask(app))
        while len(connection.sent) < 2:
            await asyncio.sleep(0)
        gate.set()
        await task
        return connection.answer[0]

    try:
        assert on_a_loop(work) == 504
    finally:
        app.logger.disabled = False
    assert events == ["teardown"]


def test_a_stream_that_comes_too_late_is_closed_and_never_begun(make_app: Any, gate: threading.Event) -> None:
    app = make_app(RESPONSE_TIMEOUT=SHORT)
    app.logger.disabled = True
    events: list[str] = []

    class Pieces:
        def __iter__(self) -> Iterator[bytes]:
            events.append("begun")
            yield b"piece"

        def close(self) -> None:
            events.append("closed")

    @app.get("/")
    def index() -> Response:
        assert gate.wait(10)
        return Response(Pieces())

    @app.errorhandler(504)
    def too_late(error: GatewayTimeout) -> Any:
        return (piece for piece in ["too ", "late"]), 504

    async def work() -> Any:
        connection = Connection()
        task = asyncio.create_task(connection.ask(app))
        while len(connection.sent) < 4:
            await asyncio.sleep(0)
        gate.set()
        await task
        return connection.answer

    try:
        assert on_a_loop(work) == (504, b"too late")
    finally:
        app.logger.disabled = False
    assert events == ["closed"]


def test_over_wsgi_a_plain_view_is_not_cut_and_named_in_the_log(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = Erlen("plain_app", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
    app.config.update(RESPONSE_TIMEOUT=SHORT / 10)
    app.get("/")(lambda: threading.Event().wait(SHORT) or "view")
    app.get("/quick", endpoint="quick", response_timeout=1000)(lambda: "quick")
    client = app.test_client()
    assert client.get("/").text == "view"
    assert "test_timeouts.py" in caplog.text
    assert "a thread cannot be stopped: its server has no way to answer before it ends" in caplog.text
    caplog.clear()
    assert client.get("/quick").text == "quick"
    assert not caplog.records


def test_over_wsgi_a_plain_hook_is_named_and_the_async_view_after_it_has_no_time_left(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = Erlen("mixed_app", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
    app.config.update(RESPONSE_TIMEOUT=SHORT / 10)

    @app.before_request
    def hook() -> None:
        threading.Event().wait(SHORT)

    @app.get("/")
    async def index() -> str:
        await asyncio.sleep(0)
        return "view"

    assert app.test_client().get("/").status_code == 504
    assert "hook() at " in caplog.text


# --- the body --------------------------------------------------------------------------------------------------------


def make_taker(make_app: Any, kind: str, **settings: Any) -> tuple[Any, list[str]]:
    app = make_app(**settings)
    events: list[str] = []

    def take() -> str:
        events.append("view")
        return request.get_data(as_text=True)

    async def take_async() -> str:
        return take()

    app.add_url_rule("/", "take", take if kind == "plain" else take_async, methods=["POST"])
    app.teardown_request(lambda error: events.append("teardown"))
    return app, events


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_body_that_does_not_come_in_time_is_408_and_the_view_does_not_run(make_app: Any, kind: str) -> None:
    app, events = make_taker(make_app, kind, BODY_TIMEOUT=SHORT)

    async def work() -> Any:
        connection = Unfinished()
        await connection.ask(app, *POST)
        return connection

    connection = on_a_loop(work)
    assert connection.answer[0] == 408
    assert (b"connection", b"close") in connection.sent[0]["headers"]
    assert events == ["teardown"]


def test_the_408_for_a_body_is_answered_by_its_handler(make_app: Any) -> None:
    app, _ = make_taker(make_app, "plain", BODY_TIMEOUT=SHORT)
    app.errorhandler(RequestTimeout)(lambda error: ("your body is late", 408))
    assert ask(app, *POST, connection=Unfinished) == (408, b"your body is late")


def test_a_hook_that_reads_a_body_that_did_not_come_gets_the_same_408(make_app: Any) -> None:
    app, events = make_taker(make_app, "plain", BODY_TIMEOUT=SHORT)

    @app.before_request
    def read() -> None:
        with pytest.raises(RequestTimeout):
            request.get_data()
        events.append("hook")

    assert ask(app, *POST, connection=Unfinished)[0] == 408
    assert events == ["hook", "teardown"]


def test_a_body_that_comes_in_time_is_read(make_app: Any) -> None:
    app, _ = make_taker(make_app, "plain", BODY_TIMEOUT=1000)
    pieces: Callable[[], Connection] = lambda: Connection(b"01234", b"56789")  # noqa: E731
    assert ask(app, *POST, connection=pieces) == (200, b"0123456789")  # type: ignore[arg-type]


def test_the_rest_that_a_view_reads_beyond_the_limit_has_to_come_in_the_same_time(make_app: Any) -> None:
    app = make_app(BODY_TIMEOUT=SHORT, MAX_CONTENT_LENGTH=2)

    @app.post("/")
    def index() -> bytes:
        request.max_content_length = None
        return request.get_data()

    assert ask(app, *POST, connection=Unfinished)[0] == 408


def test_a_body_that_is_taken_as_it_comes_has_all_the_time_it_needs(make_app: Any) -> None:
    app = make_app(BODY_TIMEOUT=SHORT)

    @app.post("/", stream=True)
    async def index() -> str:
        pieces = []
        async for piece in request.body:
            pieces.append(piece)
            await asyncio.sleep(SHORT)
        return b"-".join(pieces).decode()

    assert ask(app, *POST, connection=lambda: Connection(b"01234", b"56789")) == (200, b"01234-56789")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("setting", [True, False])
def test_a_client_that_is_silent_in_a_body_that_is_taken_as_it_comes_is_408(
    make_app: Any, kind: str, setting: bool
) -> None:
    app = make_app(BODY_TIMEOUT=SHORT if setting else None)
    option = {} if setting else {"body_timeout": SHORT}
    events: list[Any] = []

    async def take_async() -> None:
        pieces = aiter(request.body)
        while True:
            events.append(await anext(pieces))

    def take() -> None:
        while piece := request.stream.read(5):
            events.append(piece)
        raise AssertionError("the client has sent half of it")

    app.add_url_rule("/", "take", take if kind == "plain" else take_async, methods=["POST"], stream=True, **option)
    app.teardown_request(lambda error: events.append("teardown"))
    assert ask(app, *POST, connection=Unfinished)[0] == 408
    assert events == [b"half ", "teardown"]


def test_a_view_may_go_on_without_the_rest_of_its_body_and_hear_of_it_later(make_app: Any) -> None:
    app = make_app(BODY_TIMEOUT=SHORT)

    @app.post("/", stream=True)
    async def take() -> bytes:
        pieces = [await anext(aiter(request.body))]
        with pytest.raises(RequestTimeout):
            await anext(aiter(request.body))
        connection.left.append({"type": "http.request", "body": b"whole", "more_body": False})
        connection.goes_on.set()
        request._body.patience = None
        return b"".join([*pieces, await request.body])

    class Pausing(Unfinished):
        def __init__(self) -> None:
            super().__init__()
            self.goes_on = asyncio.Event()

        async def receive(self) -> Any:
            if not self.left:
                await self.goes_on.wait()
            return await super().receive()

    connection = Pausing()
    assert ask(app, *POST, connection=lambda: connection) == (200, b"half whole")  # type: ignore[arg-type]


def test_the_time_for_the_answer_begins_when_the_body_is_there(make_app: Any) -> None:
    app, _ = make_taker(make_app, "plain", RESPONSE_TIMEOUT=1000, BODY_TIMEOUT=None)
    assert ask(app, *POST, connection=lambda: Connection(b"0123456789")) == (200, b"0123456789")  # type: ignore[arg-type]
