"""What is compared: one small application, written for Erlen and, in session_peers.py, for the others.

Each is asked in process, as a server would ask it. What its views do stands in :data:`ACTIONS`; how a system counts up,
signs in and signs out is its own, as its documentation says.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import random
import string
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from http.cookies import SimpleCookie
from typing import Any, NamedTuple, Protocol

from erlen import Erlen, session
from workloads import ask, environ_for

Do = Callable[[Any], Any]
"""What a view does with the session; what it returns is the text of the answer, or awaited for it."""

SMALL = {"n": 0, "theme": "dark", "cart": [{"item": "beaker", "count": 2}, {"item": "flask", "count": 1}]}
_chance = random.Random(0)
BIG = SMALL | {f"part {number}": "".join(_chance.choices(string.ascii_letters, k=1000)) for number in range(100)}
"""A session of 100 kB, in pieces of 1 kB that do not shrink when they are compressed."""

_numbers = itertools.count(1)


class Meeting:
    """Where requests that overlap wait for each other, when they have read the session and not yet changed it."""

    def __init__(self) -> None:
        self._both = threading.Barrier(2)
        self.has_read = threading.Event()
        self.may_write = threading.Event()

    def of_two(self) -> None:
        """Wait for the other request of a pair."""
        self._both.wait(60)

    def of_late(self) -> None:
        """Say that the session was read, and wait until somebody has signed out."""
        self.has_read.set()
        assert self.may_write.wait(60)


MEETING = Meeting()


def seed(values: Mapping[str, Any]) -> Do:
    """Return what fills a new session."""

    def do(kept: Any) -> None:
        for key, value in values.items():
            kept[key] = value

    return do


def assign(key: str) -> Do:
    """Return what sets a key to a number that it did not have before."""

    def do(kept: Any) -> None:
        kept[key] = next(_numbers)

    return do


def count(kept: Any) -> None:
    kept["n"] = kept["n"] + 1


def sign_in(kept: Any) -> None:
    kept["user"] = new_user()


def sign_out(kept: Any) -> None:
    kept.clear()


def new_user() -> str:
    """Return a user who has no session yet."""
    return f"user {next(_numbers)}"


class Action(NamedTuple):
    """What a view does: look at the session, wait for another request, and then do something with it."""

    do: Do
    looks: bool = True
    waits: Callable[[], None] | None = None


ACTIONS = {
    "/small": Action(seed(SMALL), looks=False),
    "/big": Action(seed(BIG), looks=False),
    "/untouched": Action(lambda kept: None, looks=False),
    "/read": Action(lambda kept: str(kept.get("n"))),
    "/write": Action(assign("n"), looks=False),
    "/count": Action(count, looks=False),
    "/login": Action(sign_in, looks=False),
    "/logout": Action(sign_out, looks=False),
    "/who": Action(lambda kept: kept.get("user") or ""),
    "/left": Action(assign("left"), waits=MEETING.of_two),
    "/right": Action(assign("right"), waits=MEETING.of_two),
    "/both": Action(lambda kept: str(("left" in kept) + ("right" in kept))),
    "/late": Action(assign("late"), waits=MEETING.of_late),
}


def plain(action: Action, do: Do, kept: Any) -> str:
    """Do *action* with the session *kept*."""
    if action.looks:
        kept.get("n")
    if action.waits:
        action.waits()
    return do(kept) or ""


async def awaited(action: Action, do: Do, kept: Any) -> str:
    """Do *action* on an event loop."""
    if action.looks:
        kept.get("n")
    if action.waits:
        await asyncio.to_thread(action.waits)
    done = do(kept)
    return (await done if inspect.isawaitable(done) else done) or ""


# -- asking ---------------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What came back, and the nanoseconds until then."""

    status: int
    text: str
    cookie: str
    """The ``Cookie`` header of the next request."""
    took: int


class Client(Protocol):
    """An application that can be asked."""

    def ask(self, path: str, cookie: str = "") -> Answer:
        """Send a request and wait for its answer."""

    def close(self) -> None:
        """End what was begun for asking."""


class Wsgi:
    """An application that speaks WSGI."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def ask(self, path: str, cookie: str = "") -> Answer:
        environ = environ_for(path, cookie=cookie)
        begun = time.perf_counter_ns()
        status, headers, body = ask(self._application, environ)
        took = time.perf_counter_ns() - begun
        said = [value for name, value in headers if name.lower() == "set-cookie"]
        return Answer(int(status[:3]), body.decode(), next_cookie(cookie, said), took)

    def close(self) -> None:
        """There is nothing to end."""


class Asgi:
    """An application that speaks ASGI, on an event loop in a thread of its own; time is taken on the loop."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def ask(self, path: str, cookie: str = "") -> Answer:
        return asyncio.run_coroutine_threadsafe(self._ask(path, cookie), self._loop).result(60)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._loop.shutdown_default_executor(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _ask(self, path: str, cookie: str) -> Answer:
        headers = [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"bench"), (b"accept", b"*/*")]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [*headers, (b"cookie", cookie.encode())] if cookie else headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        sent: list[dict[str, Any]] = []

        bodies = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> dict[str, Any]:
            # After the body nothing comes until the client leaves, and this one stays.
            return next(bodies, None) or await asyncio.Event().wait()  # type: ignore[return-value]

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        begun = time.perf_counter_ns()
        await self._application(scope, receive, send)
        took = time.perf_counter_ns() - begun
        said = [value.decode() for name, value in sent[0]["headers"] if name.lower() == b"set-cookie"]
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], body.decode(), next_cookie(cookie, said), took)


def next_cookie(before: str, said: list[str]) -> str:
    """Return the cookie that a browser sends after it was told *said*."""
    for name, morsel in SimpleCookie("; ".join(said)).items():
        gone = morsel["max-age"] == "0" or "1970" in morsel["expires"]
        before = "" if gone else f"{name}={morsel.value}"
    return before


# -- Erlen ----------------------------------------------------------------------------------------------------------


class System(NamedTuple):
    """A session system: how to make its application, and one that does the same without sessions."""

    name: str
    make: Callable[[dict[str, Any]], Client]
    """Makes the application, from the settings of an Erlen store; the others take its ``SESSION_URL``."""
    make_bare: Callable[[], Client]


def erlen(config: dict[str, Any]) -> Client:
    """Return the application with plain views, asked by WSGI."""
    app = _erlen(config)
    own: dict[str, Do] = {
        "/count": lambda kept: str(kept.incr("n")),
        "/login": lambda kept: kept.bind(new_user()),
        "/logout": lambda kept: kept.invalidate(),
        "/who": lambda kept: kept.bound_user or "",
    }
    for path, action in ACTIONS.items():
        _add(app, path, partial(plain, action, own.get(path, action.do), session))
    return Wsgi(app)


def erlen_awaited(config: dict[str, Any]) -> Client:
    """Return the application with async views, asked by ASGI."""
    app = _erlen(config)

    async def count_up(kept: Any) -> str:
        return str(await kept.aincr("n"))

    own: dict[str, Do] = {
        "/count": count_up,
        "/login": lambda kept: kept.abind(new_user()),
        "/logout": lambda kept: kept.invalidate(),
        "/who": lambda kept: kept.bound_user or "",
    }
    for path, action in ACTIONS.items():
        _add(app, path, partial(awaited, action, own.get(path, action.do), session))
    return Asgi(app.asgi)


def bare() -> Client:
    """Return an application of Erlen without sessions."""
    app = _erlen({"SESSION_TYPE": "null"})
    _add(app, "/untouched", lambda: "")
    return Wsgi(app)


def bare_awaited() -> Client:
    """Return the same with an async view."""
    app = _erlen({"SESSION_TYPE": "null"})

    async def view() -> str:
        return ""

    _add(app, "/untouched", view)
    return Asgi(app.asgi)


def _erlen(config: dict[str, Any]) -> Erlen:
    app = Erlen(__name__)
    app.config.update(SECRET_KEY="a key that is used for this bench alone")
    app.config.update(config)
    return app


def _add(app: Erlen, path: str, view: Callable[..., Any]) -> None:
    app.add_url_rule(path, path.strip("/"), view)


ERLEN = System("Erlen", erlen, bare)
ERLEN_ASGI = System("Erlen, async", erlen_awaited, bare_awaited)
