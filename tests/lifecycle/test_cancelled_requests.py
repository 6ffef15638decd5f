"""Requests that end half-way, by the hundred, and by the thousand in the soak: nothing of them is left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from erlen import Blueprint, EventStream, Response, request, session, stream_with_context, websocket
from erlen.lifecycle.threads import threads_of

AT_ONCE = 50
#: A body that is kept in a temporary file.
LARGE = b"x" * 600_000

#: Each kind of request, and who may end it half-way.
KINDS = {
    "/waiting": ("client", "server"),
    "/locked": ("client", "server"),
    "/limited": ("client", "server"),
    "/stream": ("client", "write", "server"),
    "/kept-stream": ("client", "write", "server"),
    "/silent-stream": ("client", "server"),
    "/events": ("client", "write", "server"),
    "/silent-events": ("client", "server"),
    "/incoming-body": ("client", "server"),
    "/mixed/thread": ("client", "server"),
    "/mixed/ending": ("client", "server"),
    "/mixed/body": ("client", "server"),
    "/mixed/large-body": ("client", "server"),
    "/mixed/stream": ("client", "write", "server"),
    "/mixed/kept-stream": ("client", "write", "server"),
    "/mixed/kept-async-stream": ("client", "write", "server"),
    "/mixed/incoming-body": ("client", "server"),
    "/plain/thread": ("server",),  # nobody looks after the client of a thread: it cannot be stopped anyway
    "/plain/limited-thread": ("server",),
    "/plain/body": ("client", "server"),
    "/plain/stream": ("client", "write", "server"),
    "/plain/kept-stream": ("client", "write", "server"),
    "/plain/async-stream": ("client", "write", "server"),
    "/plain/incoming-body": ("client", "server"),
    "/sockets/receiving": ("client", "server"),
    "/sockets/busy": ("client", "server"),
    "/sockets/sending": ("write", "server"),
    "/sockets/child": ("client", "server"),
    "/sockets/twice": ("client", "server"),
    "/sockets/handshake": ("server",),
    "/sockets/thread": ("server",),
}
#: The views of these are not reached when their bodies are left half-way, or do not notice.
UNREACHED = {"/mixed/body", "/mixed/large-body", "/plain/body"}
WAYS = [(path, way) for path, ways in KINDS.items() for way in ways]


class Visit:
    """A client of an ASGI server, and what became of its request."""

    def __init__(self, number: int, path: str, way: str, cookie: bytes) -> None:
        self.path = path
        self.way = way
        self._loop = asyncio.get_running_loop()
        self._gone = asyncio.Event()
        self._inside = asyncio.Event()
        #: What a thread of the application waits for.
        self.release = threading.Event()
        self.is_socket = path.startswith("/sockets")
        self._first = {"type": "websocket.connect"} if self.is_socket else self._first_piece()
        headers = [(b"host", b"localhost"), (b"cookie", cookie)]
        if path.endswith("body"):
            headers.append((b"content-length", b"1000000"))
        self._scope = {
            "type": "websocket" if self.is_socket else "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
            "method": "POST" if path.endswith("body") else "GET", "scheme": "ws" if self.is_socket else "http",
            "path": path, "query_string": b"n=%d" % number, "root_path": "", "headers": headers,
            "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80),
        }  # fmt: skip

    def _first_piece(self) -> Any:
        piece = LARGE if self.path.endswith("large-body") else b"x"
        return {"type": "http.request", "body": piece, "more_body": self.path.endswith("body")}

    def enter(self) -> None:
        """Say that the request is where it is to end. Called in any thread."""
        self._loop.call_soon_threadsafe(self._inside.set)

    async def receive(self) -> Any:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self.path.endswith("body"):
            self.enter()
        await self._gone.wait()
        return {"type": "websocket.disconnect", "code": 1001} if self.is_socket else {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message.get("more_body") or message["type"] == "websocket.send":
            self.enter()
            if self.way == "write":
                await self._gone.wait()
                raise BrokenPipeError
            await asyncio.sleep(0)

    async def end_half_way(self, app: Any) -> None:
        """Ask, and be cancelled where the request is inside."""
        task = asyncio.create_task(app.asgi(self._scope, self.receive, self.send))
        inside = asyncio.create_task(self._inside.wait())
        await asyncio.wait([task, inside], return_when=asyncio.FIRST_COMPLETED)
        assert inside.done(), f"{self.path} has ended before it was cancelled: {task}"
        if self.way == "server":
            task.cancel()
        else:
            self._gone.set()
        for _ in range(5):  # a thread is still busy when the request is cancelled
            await asyncio.sleep(0)
        self.release.set()
        await asyncio.wait([task])
        if not task.cancelled():
            assert task.exception() is None


class Site:
    """The visits to an application."""

    def __init__(self) -> None:
        self.visits: dict[int, Visit] = {}
        #: How often which visit has run a teardown, or the end of its view.
        self.torn: Counter[int] = Counter()
        self.finished: Counter[int] = Counter()
        self.cookies: list[bytes] = []
        #: What each visit has asked for.
        self.paths: list[str] = []

    def visit(self) -> Visit:
        return self.visits[int(request.args["n"])]

    def tear(self, error: Any = None) -> None:
        self.torn[int(request.args["n"])] += 1

    def finish(self, number: int | None = None) -> None:
        self.finished[int(request.args["n"]) if number is None else number] += 1

    async def take(self, app: Any, ways: list[tuple[str, str]]) -> None:
        """Let as many visits as there are *ways* end half-way, some of them at once."""
        queue = iter(ways)

        async def one_after_the_other(cookie: bytes) -> None:
            for path, way in queue:
                number = len(self.paths)
                self.paths.append(path)
                visit = self.visits[number] = Visit(number, path, way, cookie)
                await visit.end_half_way(app)
                del self.visits[number]

        await asyncio.gather(*map(one_after_the_other, self.cookies))


def add_views(app: Any, site: Site) -> None:
    """Add what is asked for, in each mixture of plain and async code."""
    on_loop, mixed = Blueprint("loop", __name__), Blueprint("mixed", __name__, url_prefix="/mixed")
    plain, sockets = Blueprint("plain", __name__, url_prefix="/plain"), Blueprint("sockets", __name__)

    @app.get("/sign-in")
    def sign_in() -> str:
        session["user"] = "ada"
        return "signed in"

    async def wait_for_ever() -> None:
        site.visit().enter()
        try:
            await asyncio.Event().wait()
        finally:
            site.finish()

    def wait_in_thread() -> None:
        visit = site.visit()
        visit.enter()
        visit.release.wait()

    def endless(number: int) -> Iterator[str]:
        try:
            while True:
                yield "x"
        finally:
            site.finish(number)

    async def endless_on_the_loop(number: int) -> AsyncIterator[str]:
        try:
            while True:
                await asyncio.sleep(0)
                yield "x"
        finally:
            await asyncio.sleep(0)
            site.finish(number)

    async def silent() -> AsyncIterator[str]:
        yield "x"
        await wait_for_ever()

    def number() -> int:
        return int(request.args["n"])

    async def take_the_body() -> None:
        try:
            async for piece in request.body:
                assert piece == b"x"
        finally:
            site.finish()

    @on_loop.get("/stream")
    async def stream() -> Any:
        return endless_on_the_loop(number())

    @on_loop.get("/kept-stream")
    async def kept_stream() -> Any:
        return stream_with_context(endless_on_the_loop(number()))

    @on_loop.get("/silent-stream")
    async def silent_stream() -> Any:
        return stream_with_context(silent())

    @on_loop.get("/events")
    async def events() -> Any:
        return EventStream(endless_on_the_loop(number()), keep_context=False)

    @on_loop.get("/silent-events")
    async def silent_events() -> Any:
        session.get("user")  # the stream is closed when the session ends
        return EventStream(silent(), retry=5)

    on_loop.post("/incoming-body", stream=True)(take_the_body)
    mixed.post("/incoming-body", stream=True)(take_the_body)

    @on_loop.teardown_request
    async def tear_on_the_loop(error: Any) -> None:
        await asyncio.sleep(0)
        site.tear()

    @on_loop.get("/waiting")
    async def waiting() -> Any:
        session["seen"] = session.get("user")
        await wait_for_ever()

    @on_loop.get("/locked", session="exclusive")
    async def locked() -> Any:
        session["seen"] = session.get("user")
        await wait_for_ever()

    @on_loop.get("/limited", response_timeout=3600)
    async def limited() -> Any:
        await wait_for_ever()

    @mixed.before_request
    def before() -> None:
        session.get("user")
        if request.path.endswith("/thread"):
            wait_in_thread()
            site.finish()

    @mixed.teardown_request
    def tear_in_a_thread(error: Any) -> None:
        if request.path.endswith("/ending"):
            wait_in_thread()
            site.finish()
        site.tear()

    @mixed.get("/thread")
    @mixed.get("/ending")
    @mixed.post("/body")
    @mixed.post("/large-body")
    async def text() -> Any:
        return str(len(request.get_data()))

    @mixed.get("/stream")
    async def stream_made_on_the_loop() -> Any:
        return Response(endless(number()))

    @mixed.get("/kept-stream")
    async def kept_stream_made_on_the_loop() -> Any:
        return Response(stream_with_context(endless(number())))

    @mixed.get("/kept-async-stream")
    async def kept_async_stream() -> Any:
        return stream_with_context(endless_on_the_loop(number()))

    plain.teardown_request(site.tear)

    @plain.get("/kept-stream")
    def kept_stream_made_in_a_thread() -> Any:
        return Response(stream_with_context(endless(number())))

    @plain.get("/async-stream")
    def async_stream() -> Any:
        return endless_on_the_loop(number())

    @plain.post("/incoming-body", stream=True)
    def incoming() -> str:
        try:
            return str(len(request.stream.read()))
        finally:
            site.finish()

    @plain.get("/limited-thread", endpoint="limited_thread", response_timeout=3600)
    @plain.get("/thread")
    def in_a_thread() -> str:
        wait_in_thread()
        site.finish()
        return "x"

    @plain.post("/body")
    def body() -> str:
        return str(len(request.get_data()))

    @plain.get("/stream")
    def stream_made_in_a_thread() -> Any:
        return Response(endless(number()))

    @sockets.before_websocket
    def before_the_socket() -> None:
        if request.path.endswith("/thread"):
            wait_in_thread()
            site.finish()

    @sockets.before_websocket
    async def read_the_session() -> None:
        session.get("user")

    sockets.teardown_request(site.tear)

    @sockets.websocket("/sockets/receiving")
    async def receiving() -> None:
        await websocket.accept()
        site.visit().enter()
        try:
            await websocket.receive()
        finally:
            site.finish()

    @sockets.websocket("/sockets/busy")
    async def busy() -> None:
        await websocket.accept()
        await wait_for_ever()

    @sockets.websocket("/sockets/twice")
    async def cancelled_twice() -> None:
        await websocket.accept()
        task = asyncio.current_task()
        assert task is not None
        try:
            await wait_for_ever()
        finally:
            asyncio.get_running_loop().call_soon(task.cancel)

    @sockets.websocket("/sockets/sending")
    async def sending() -> None:
        try:
            while True:
                await websocket.send("x")
        finally:
            site.finish()

    @sockets.websocket("/sockets/child")
    async def with_a_child() -> None:
        await websocket.accept()
        child = asyncio.create_task(listen())
        site.visit().enter()
        try:
            await child
        finally:
            child.cancel()
            site.finish()

    async def listen() -> None:
        async for message in websocket:
            raise AssertionError(message)

    @sockets.websocket("/sockets/handshake")
    async def before_the_handshake() -> None:
        await wait_for_ever()

    @sockets.websocket("/sockets/thread")
    async def never_reached() -> None:
        raise AssertionError

    for blueprint in (on_loop, mixed, plain, sockets):
        app.register_blueprint(blueprint)


def made_by_requests() -> Counter[str]:
    """Count the objects of Erlen's classes, by name. Those of enumerations and modules are as many as ever."""
    found: Counter[str] = Counter()
    for thing in gc.get_objects():
        kind = type(thing)
        if str(kind.__module__).startswith("erlen."):
            found[f"{kind.__module__}.{kind.__qualname__}"] += 1
    return found


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def sign_in(app: Any) -> bytes:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/sign-in", "query_string": b"", "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    await app.asgi(scope, receive, send)
    return bytes(next(value for name, value in sent[0]["headers"] if name == b"set-cookie").partition(b";")[0])


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "erlen-worker"]


async def go_half_way(app: Any, site: Site, rounds: int) -> tuple[Counter[str], Counter[str], int, int]:
    """Let *rounds* of every way go half-way; return the objects and descriptors that there were before and after.

    Before comes after one round, when what is made once has been made.
    """
    site.cookies = [await sign_in(app) for _ in range(AT_ONCE)]
    await site.take(app, [("/waiting", "client")] * AT_ONCE)  # the tokens of the last sessions are kept
    await site.take(app, WAYS)
    await idle(app)
    objects, files = made_by_requests(), descriptors()
    await site.take(app, WAYS * rounds)
    await idle(app)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return objects, made_by_requests(), files, descriptors()


async def idle(app: Any) -> None:
    """Return when each idle thread has let go of its last request."""
    loop = asyncio.get_running_loop()
    threads = threads_of(app)
    idle = [threads.take() for _ in threads._idle]
    for worker in idle:
        done = loop.create_future()
        worker.do(lambda done=done: loop.call_soon_threadsafe(done.set_result, None))
        await done
    for worker in idle:
        threads.give_back(worker)
    for _ in range(10):  # tasks that were cancelled end
        await asyncio.sleep(0)


@pytest.mark.parametrize("interface", ["asgi"])
@pytest.mark.parametrize(
    "rounds", [200 // len(WAYS) + 1, pytest.param(10_000 // len(WAYS) + 1, marks=pytest.mark.soak)]
)
def test_requests_that_end_half_way_leave_nothing_behind(make_app: Callable[..., Any], rounds: int) -> None:
    app = make_app(THREADS=4, WEBSOCKET_CLOSE_TIMEOUT=0, SESSION_LOCK_WAIT=0)
    site = Site()
    add_views(app, site)
    already = set(workers())
    gc.collect()
    gc.disable()  # what is left for the garbage collector is left behind, too
    try:
        objects, objects_after, files, files_after = asyncio.run(go_half_way(app, site, rounds))
    finally:
        gc.enable()
    assert objects_after - objects == Counter()
    assert files_after <= files  # the loop of an earlier test may have been closed meanwhile
    assert site.torn == Counter(range(len(site.paths)))
    assert site.finished == Counter(number for number, path in enumerate(site.paths) if path not in UNREACHED)
    threads = threads_of(app)
    assert (threads._taken, threads._leased, len(threads._waiting)) == (0, [], 0)
    assert len(set(workers()) - already) <= 4
    assert app._session_watch._open == {}
    watched = weakref.ref(app)
    del app, site, threads
    assert watched() is None
    for thread in set(workers()) - already:
        thread.join()


@pytest.mark.parametrize("interface", ["asgi"])
def test_requests_that_are_cancelled_while_they_wait_for_a_place_leave_it_to_others(
    make_app: Callable[..., Any],
) -> None:
    app = make_app(THREADS=2)
    torn: Counter[str] = Counter()

    @app.get("/")
    def index() -> str:
        return "x"

    @app.teardown_request
    def tear(error: BaseException | None) -> None:
        torn[type(error).__name__] += 1

    def ask() -> asyncio.Task[None]:
        async def receive() -> Any:
            return await asyncio.Event().wait()

        async def send(message: Any) -> None: ...

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        return asyncio.create_task(app.asgi(scope, receive, send))

    async def work() -> None:
        threads = threads_of(app)
        for _ in range(threads.limit):
            await threads.enter()
        asked = [ask() for _ in range(200)]
        while len(threads._waiting) < 200:
            await asyncio.sleep(0)
        for task in asked[::2]:
            task.cancel()
        await asyncio.wait(asked[::2])
        for task in asked[1:5:2]:
            threads.leave()
            task.cancel()  # its place is on its way
        await asyncio.wait(asked)
        assert (threads._taken, threads._leased, len(threads._waiting)) == (0, [], 0)

    asyncio.run(work())
    assert torn == {"CancelledError": 102, "NoneType": 98}
