from __future__ import annotations

import json
import queue
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio as client_library
from flask.sessions import SessionInterface, SessionMixin

from app import create_app
from served import running

HERE = Path(__file__).resolve().parent


@pytest.fixture
def made() -> Any:
    """The application and the extension."""
    return create_app()


@pytest.fixture
def app(made: Any) -> Any:
    return made[0]


@pytest.fixture
def connect(made: Any) -> Callable[..., Any]:
    """A function that connects a test client: ``connect(name, namespace=…)``, logged in if it has a name."""
    app, socketio = made

    def connect(name: str | None = None, **options: Any) -> Any:
        browser = app.test_client()
        if name:
            browser.get(f"/login/{name}")
        client = socketio.test_client(app, flask_test_client=browser, **options)
        client.browser = browser
        return client

    return connect


class SharedSession(dict, SessionMixin):
    pass


class SharedSessions(SessionInterface):
    """Keeps one session for everybody."""

    def __init__(self) -> None:
        self.session = SharedSession()
        self.saved = 0

    def open_session(self, app: Any, request: Any) -> SharedSession:
        return self.session

    def save_session(self, app: Any, session: Any, response: Any) -> None:
        assert session is self.session
        self.saved += 1


def events(client: Any, namespace: str = "/") -> list[tuple[str, Any]]:
    """Return what a test client has received: names, and arguments."""
    return [(event["name"], event["args"]) for event in client.get_received(namespace)]


def test_a_handler_reads_the_session_of_the_browser_that_connects(connect: Any) -> None:
    client = connect("Ada", headers={"User-Agent": "check"}, auth={"key": 1})
    assert client.is_connected()
    assert events(client) == [("welcome", [{"name": "Ada", "agent": "check", "auth": {"key": 1}}])]


def test_a_handler_may_refuse_a_client(connect: Any) -> None:
    assert not connect("Ada", query_string="?refuse=1").is_connected()


def test_a_message_reaches_everybody(connect: Any) -> None:
    ada, bob = connect("Ada"), connect("Bob")
    ada.get_received()
    bob.get_received()
    ada.send("hello")
    assert events(ada) == events(bob) == [("message", "Ada: hello")]
    bob.send({"a": [1]}, json=True)
    assert events(bob) == [("json", {"received": {"a": [1]}})]
    assert events(ada) == []


def test_the_session_of_a_client_is_its_own_from_its_connection_on(connect: Any) -> None:
    client = connect("Ada")
    assert client.emit("count", callback=True) == 1
    assert client.emit("count", callback=True) == 2
    assert connect("Bob").emit("count", callback=True) == 1
    assert client.browser.get("/login/Ada").json == {"count": None}
    client.get_received()
    client.browser.get("/login/Eva")
    client.send("hello")
    assert events(client) == [("message", "Ada: hello")]


def test_the_session_may_be_left_to_flask() -> None:
    app, socketio = create_app(manage_session=False)
    browser = app.test_client()
    browser.get("/login/Ada")
    client = socketio.test_client(app, flask_test_client=browser)
    assert client.emit("count", callback=True) == 1
    assert client.emit("count", callback=True) == 1  # frozen at the connection, as a cookie has to be
    assert events(client)[0][1][0]["name"] == "Ada"


def test_a_handler_has_a_request_of_the_connection_and_a_context_of_its_own(connect: Any) -> None:
    client = connect("Ada")
    expected = {
        "path": "/socket.io",
        "namespace": "/",
        "event": {"message": "where", "args": [1, "two"]},
        "own_sid": True,
        "application": "app",
        "context": True,
        "fresh": True,
        "url": "/login/x",
    }
    assert client.emit("where", 1, "two", callback=True) == expected
    assert client.emit("where", 1, "two", callback=True) == expected


def test_every_event_is_torn_down(app: Any, connect: Any) -> None:
    client = connect("Ada")
    app.torn_down.clear()
    client.emit("where")
    client.emit("count")
    assert app.torn_down == ["/socket.io", "/socket.io"]


def test_a_background_task_works_with_a_copy_of_the_context(connect: Any) -> None:
    client = connect("Ada")
    client.get_received()
    client.emit("work", 7)
    assert events(client) == [("worked", [{"amount": 7, "name": "Ada"}])]


def test_an_event_may_have_any_name_and_several_answers(connect: Any) -> None:
    client = connect("Ada")
    assert client.emit("twice", 4, callback=True) == [4, 4]
    assert client.emit("surprise", 1, callback=True) == "surprise(1,)"


def test_sessions_that_are_kept_elsewhere_are_shared_with_views() -> None:
    app, socketio = create_app(manage_session=False)
    kept = app.session_interface = SharedSessions()
    browser = app.test_client()
    browser.get("/login/Ada")
    client = socketio.test_client(app, flask_test_client=browser)
    assert client.emit("count", callback=True) == 1
    assert client.emit("count", callback=True) == 2
    assert browser.get("/login/Eva").json == {"count": 2}
    client.get_received()
    client.send("hello")
    assert events(client) == [("message", "Eva: hello")]
    assert kept.saved >= 4


def test_a_room_is_joined_talked_in_and_left(connect: Any) -> None:
    ada, bob, eva = connect("Ada"), connect("Bob"), connect("Eva")
    assert ada.emit("join", "blue", callback=True) == ["blue"]
    assert bob.emit("join", "blue", callback=True) == ["blue"]
    for client in (ada, bob, eva):
        client.get_received()
    ada.emit("talk", "blue", "hi")
    assert [events(client) for client in (ada, bob, eva)] == [[], [("talk", ["hi"])], []]
    bob.emit("leave", "blue")
    ada.emit("talk", "blue", "hi")
    assert events(bob) == []
    eva.emit("join", "blue")
    eva.emit("close", "blue")
    eva.get_received()
    ada.emit("talk", "blue", "hi")
    assert events(eva) == []


def test_a_view_speaks_to_the_clients(connect: Any) -> None:
    client = connect("Ada")
    client.get_received()
    assert client.browser.post("/announce", json={"text": "lunch"}).text == "done"
    assert events(client) == [("announced", [{"text": "lunch"}])]


def test_an_error_goes_to_the_handler_of_its_namespace(connect: Any) -> None:
    client = connect("Ada")
    client.get_received()
    client.emit("fail", "broken")
    assert events(client) == [("failed", [{"error": "broken", "event": "fail"}])]
    strict = connect("Ada", namespace="/strict")
    assert strict.emit("fail", namespace="/strict", callback=True) == "KeyError in /strict"


def test_a_namespace_may_be_a_class(app: Any, connect: Any) -> None:
    assert not connect("Ada", namespace="/shop").is_connected("/shop")
    client = connect("Ada", namespace="/shop", auth={"token": "shop"})
    assert client.emit("buy", "pear", namespace="/shop", callback=True) == "one pear"
    assert events(client, "/shop") == [("bought", [{"what": "pear", "namespace": "/shop"}])]
    client.disconnect("/shop")
    assert app.left == [("/shop", "client disconnect")]


def test_a_client_that_leaves_or_is_thrown_out_is_noticed(app: Any, connect: Any) -> None:
    connect("Ada").disconnect()
    kicked = connect("Bob")
    kicked.emit("kick")
    assert not kicked.is_connected()
    assert app.left == [("Ada", "client disconnect"), ("Bob", "server disconnect")]


def test_the_extension_is_registered_and_leaves_other_paths_alone(made: Any) -> None:
    app, socketio = made
    assert app.extensions["socketio"] is socketio
    assert app.test_client().get("/nowhere").status_code == 404
    handshake = app.test_client().get("/socket.io/?transport=polling&EIO=4")
    assert handshake.status_code == 200
    assert handshake.data.startswith(b'0{"sid":')


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of the application on a Werkzeug server that ``socketio.run()`` has started."""
    with running(HERE) as address:
        yield address


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_client_talks_over_a_socket(server: str, transport: str) -> None:
    received: queue.Queue[Any] = queue.Queue()
    cookie = urllib.request.urlopen(f"{server}/login/Ada").headers["Set-Cookie"].partition(";")[0]
    client = client_library.Client(reconnection=False)
    client.on("welcome", received.put)
    client.on("message", received.put)
    client.on("announced", received.put)
    client.on("disconnect", received.put)
    client.connect(server, transports=[transport], headers={"Cookie": cookie, "User-Agent": "check"})
    try:
        assert client.transport() == transport
        assert received.get(timeout=30) == {"name": "Ada", "agent": "check", "auth": None}
        client.send("hello")
        assert received.get(timeout=30) == "Ada: hello"
        assert client.call("count") == 1
        assert client.call("count") == 2
        request = urllib.request.Request(
            f"{server}/announce", json.dumps("lunch").encode(), {"Content-Type": "application/json"}
        )
        assert urllib.request.urlopen(request).read() == b"done"
        assert received.get(timeout=30) == "lunch"
    finally:
        client.emit("kick")  # not client.disconnect(), which waits for three seconds
        received.get(timeout=30)
