"""WebSockets over real servers, the same on each as far as its protocol can carry it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import create_connection
from typing import Any

import httpx
import pytest
from served_tools import until

from socket_client import Closed, Rejected, SocketClient

HERE = Path(__file__).resolve().parent
SERVERS = ["granian-asgi", "granian-rsgi", "uvicorn", "hypercorn", "gunicorn-asgi"]
#: What a server refuses a handshake with, besides the status.
SENDS_BODIES = {"granian-asgi", "uvicorn", "hypercorn"}
#: What a server tells of a client that has closed with 4001 and "off duty", where it does not tell all of it.
CLOSED_BY_CLIENT = {
    "granian-asgi": [4001, ""],
    "granian-rsgi": [1005, ""],
    "gunicorn-asgi": [4001, ""],
    "hypercorn": [1006, ""],
}
HANDSHAKE = (
    b"GET /ws/queue HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bGV0IG1lIGluLCBwbGVhcw==\r\n\r\n"
)
ON_PURPOSE = (
    "RuntimeError: the socket failed",
    "ValueError: The subprotocol 'morse' was not offered by the client",
    "ValueError: The subprotocol 'morse' cannot be agreed on over RSGI",
    "ValueError: The header 'X-Track' cannot be sent: granian's acceptance of a WebSocket carries no headers.",
)


class Box:
    """The signal box on a server."""

    def __init__(self, kind: str, port: int, http: httpx.Client) -> None:
        self.kind = kind
        self.port = port
        self.http = http

    @property
    def carries_codes(self) -> bool:
        """Whether the protocol can say why a socket is closed."""
        return self.kind != "granian-rsgi"

    @property
    def carries_headers(self) -> bool:
        """Whether the acceptance can carry headers."""
        return not self.kind.startswith("granian")

    def connect(self, path: str, headers: dict[str, str] | None = None, **options: Any) -> SocketClient:
        """Open a WebSocket with the cookies of the HTTP client."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        return SocketClient(self.port, path, {**({"Cookie": cookies} if cookies else {}), **(headers or {})}, **options)

    def refusal(self, path: str, headers: dict[str, str] | None = None, **options: Any) -> Rejected:
        """Return how a handshake is refused."""
        with pytest.raises(Rejected) as caught:
            self.connect(path, headers, **options)
        return caught.value

    def closing(self, path: str) -> Closed:
        """Return how the server closes a socket by itself."""
        with self.connect(path) as socket:
            return socket.wait_for_close()

    def was_told(self, *what: Any) -> bool:
        """Tell whether the application has noted something."""
        return list(what) in self.http.get("/told").json()

    def wait_until_told(self, *what: Any) -> None:
        """Wait until the application has noted something."""
        until(lambda: self.was_told(*what), f"{what} among what was told")

    def check(self, closed: Closed, code: int, reason: str = "") -> None:
        """Compare how a socket was closed, as far as the protocol carries it."""
        assert (closed.code, closed.reason) == ((code, reason) if self.carries_codes else (1005, ""))


@pytest.fixture(scope="module", params=SERVERS)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]
) -> Iterator[tuple[str, int]]:
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copy(HERE / "socket_app.py", folder)
    with start(request.param, "socket_app:app", folder) as started:
        yield request.param, started.port
        started.stop()
        raised = re.findall(r"^[\w.]+(?:Error|Exception|Warning)\b.*", started.log, re.MULTILINE)
        # hypercorn cancels what is left when it stops, and logs that.
        usual = (*ON_PURPOSE, "asyncio.exceptions.CancelledError") if request.param == "hypercorn" else ON_PURPOSE
        assert not [line for line in raised if not line.startswith(usual)]


@pytest.fixture
def box(running: tuple[str, int]) -> Iterator[Box]:
    kind, port = running
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, verify=False) as http:
        yield Box(kind, port, http)


# --- the handshake ---------------------------------------------------------------------------------------------------


def test_the_view_has_the_path_the_query_and_what_the_hooks_of_requests_have_set(box: Box) -> None:
    with box.connect("/ws/echo/Gleis%20f%C3%BCnf?operator=J%C3%BCrgen") as socket:
        assert socket.receive_json() == {
            "track": "Gleis fünf",
            "params": {"track": "Gleis fünf"},
            "operator": "Jürgen",
            "line": "main line",
            "name": None,
        }


def test_a_before_request_function_refuses_a_socket_as_it_refuses_a_request(box: Box) -> None:
    refused = box.refusal("/ws/echo/1?closed=1")
    if box.kind == "gunicorn-asgi":
        assert refused.status == 403
    else:
        assert refused.status == 423
    if box.kind in SENDS_BODIES:
        assert refused.body == "The line is closed."
        assert "x-signal-box" in refused.headers


def test_a_before_websocket_function_refuses_it_too(box: Box) -> None:
    refused = box.refusal("/ws/echo/1?strike=1")
    assert refused.status == (403 if box.kind == "gunicorn-asgi" else 503)
    if box.kind in SENDS_BODIES:
        assert refused.body == '{"strike":true}\n'


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ws/refused", 401),
        ("/ws/answered", 409),
        ("/ws/silent", 403),
        ("/ws/train/ICE%207", 404),
        ("/nowhere", 404),
        ("/told", 400),
        ("/ws/unoffered", 500),
    ],
)
def test_what_is_answered_before_it_is_accepted_refuses_it_with_that_status(box: Box, path: str, status: int) -> None:
    refused = box.refusal(path, subprotocols=("semaphore",))
    assert refused.status == (403 if box.kind == "gunicorn-asgi" else status)
    if box.kind in SENDS_BODIES and path == "/ws/train/ICE%207":
        assert refused.body == "no such train: ICE 7"
    if box.kind in SENDS_BODIES and path == "/ws/answered":
        assert refused.body == '{"reason":"no line"}\n'
        assert refused.headers["x-after"] == "this"
        assert "session=" in refused.headers["set-cookie"]


def test_a_page_of_another_site_cannot_open_it(box: Box) -> None:
    assert box.refusal("/ws/echo/1", {"Origin": "https://evil.example"}).status == 403
    assert box.refusal("/ws/echo/1", {"Sec-Fetch-Site": "cross-site"}).status == 403
    with box.connect("/ws/echo/1", {"Origin": f"http://127.0.0.1:{box.port}"}) as socket:
        assert socket.receive_json()["track"] == "1"
    with box.connect("/ws/open", {"Origin": "https://elsewhere.example"}) as socket:
        assert socket.receive() == "welcome"


def test_a_subprotocol_and_headers_are_agreed_on(box: Box) -> None:
    if box.carries_headers:
        with box.connect("/ws/agreed", subprotocols=("morse", "semaphore")) as socket:
            assert (socket.subprotocol, socket.headers["x-track"]) == ("semaphore", "7")
            assert socket.receive() == "morse,semaphore"
    else:
        assert box.refusal("/ws/agreed", subprotocols=("morse",)).status == 500


def test_a_plain_request_to_a_socket_is_400(box: Box) -> None:
    assert box.http.get("/ws/echo/1").status_code == 400


def test_mounted_applications_have_sockets_of_their_own(box: Box) -> None:
    with box.connect("/branch/line") as socket:
        assert socket.receive() == "/branch /line"
    with box.connect("/relay/far/away") as socket:
        assert socket.receive() == "/relay /relay/far/away"
        for message in ("text", b"bytes"):
            socket.send(message)
            assert socket.receive() == message
    box.wait_until_told("relay ended")


# --- messages --------------------------------------------------------------------------------------------------------


def test_text_and_bytes_come_back_as_what_they_were(box: Box) -> None:
    with box.connect("/ws/echo/1") as socket:
        socket.receive()
        for message in ("grün 🚂", "", b"\x00\xff", b"", "x" * 90_000):
            socket.send(message)
            assert socket.receive() == message


def test_json_goes_both_ways(box: Box) -> None:
    with box.connect("/ws/sum") as socket:
        for number, total in ((1, 1), (2, 3), (39, 42)):
            socket.send_json({"add": number})
            assert socket.receive_json() == total


def test_what_is_no_json_closes_it_with_1007(box: Box) -> None:
    with box.connect("/ws/sum") as socket:
        socket.send("{")
        box.check(socket.wait_for_close(), 1007, "This is no JSON.")


def test_a_message_that_is_too_large_closes_it_with_1009(box: Box) -> None:
    with box.connect("/ws/echo/1") as socket:
        socket.receive()
        socket.send("ü" * 60_000)
        box.check(socket.wait_for_close(), 1009, "A message may have 100000 bytes.")
    with box.connect("/ws/small") as socket:
        socket.send(b"0123456789")
        assert socket.receive() == b"0123456789"
        socket.send(b"01234567890")
        box.check(socket.wait_for_close(), 1009, "A message may have 10 bytes.")


def test_too_many_messages_close_it_with_1008(box: Box) -> None:
    with box.connect("/ws/rated") as socket:
        socket.send_at_once("1", "2", "3")
        box.check(socket.wait_for_close(), 1008, "Too many messages.")


def test_messages_that_came_before_the_client_went_are_read(box: Box) -> None:
    with box.connect("/ws/slow") as socket:
        for number in range(40):
            socket.send(str(number))
        socket.close()
    box.wait_until_told("read", 39)


# --- the end ---------------------------------------------------------------------------------------------------------


def test_a_view_that_returns_closes_it_with_1000(box: Box) -> None:
    box.check(box.closing("/ws/open"), 1000)


def test_a_view_closes_it_with_a_code_and_a_reason(box: Box) -> None:
    box.check(box.closing("/ws/closes"), 4404, "Gleis gesperrt")
    box.wait_until_told("closed", 4404)


def test_an_exception_closes_it_with_1011_and_is_seen_by_the_teardowns(box: Box) -> None:
    box.check(box.closing("/ws/breaks"), 1011)
    box.wait_until_told("teardown", "/ws/breaks", "RuntimeError")


def test_an_http_error_after_it_was_accepted_closes_it_with_1008(box: Box) -> None:
    box.check(box.closing("/ws/forbidden"), 1008, "Forbidden")


def test_a_client_that_closes_it_ends_the_loop_over_its_messages_and_the_hooks_run(box: Box) -> None:
    with box.connect("/ws/echo/hooks") as socket:
        socket.receive()
        socket.close(4001, "off duty")
    box.wait_until_told("after_websocket", "/ws/echo/hooks", True)
    box.wait_until_told("teardown", "/ws/echo/hooks", "NoneType")
    told = next(entry for entry in box.http.get("/told").json() if entry[:2] == ["left", "hooks"])
    assert told[2:] == CLOSED_BY_CLIENT.get(box.kind, [4001, "off duty"])


@pytest.mark.parametrize("path", ["/ws/watches", "/ws/group"])
def test_a_view_that_does_not_listen_is_cancelled_when_its_client_hangs_up(box: Box, path: str) -> None:
    socket = box.connect(path)
    assert socket.receive() in ("watching", "both")
    socket.hang_up()
    box.wait_until_told("teardown", path, "NoneType")
    assert box.was_told("watch ended" if path == "/ws/watches" else "speaker ended")


def test_a_client_that_does_not_read_is_closed_and_the_view_told(box: Box) -> None:
    with box.connect("/ws/flood") as socket:
        box.wait_until_told("flood ended", 1008, "Messages are not read.")
        box.wait_until_told("teardown", "/ws/flood", "NoneType")
        # What says why may stand behind all that it has not read, and not fit.
        assert socket.wait_for_close().code in ({1008, 1006} if box.carries_codes else {1005})


def test_a_view_that_has_not_accepted_is_cancelled_when_its_client_hangs_up(box: Box) -> None:
    if box.kind.startswith("granian"):
        pytest.skip("granian tells nothing of its client before the acceptance")
    with create_connection(("127.0.0.1", box.port)) as client:
        client.sendall(HANDSHAKE)
        box.wait_until_told("queueing")
    box.wait_until_told("teardown", "/ws/queue", "NoneType")
    assert box.was_told("left the queue")


# --- the session -----------------------------------------------------------------------------------------------------


def test_the_view_reads_the_session_of_its_visitor(box: Box) -> None:
    box.http.post("/login/ada")
    with box.connect("/ws/echo/1") as socket:
        assert socket.receive_json()["name"] == "ada"


def test_what_is_put_into_the_session_before_and_after_the_acceptance_is_saved(box: Box) -> None:
    box.http.post("/login/ada")
    with box.connect("/ws/remembers") as socket:
        socket.send("more")
        assert socket.receive() == "noted"
        box.check(socket.wait_for_close(), 1000)
    expected = {"name": "ada", "before": "accepted", "later": "more"}
    until(lambda: box.http.get("/session").json() == expected, "the session")


def test_a_new_session_is_sent_with_the_acceptance(box: Box) -> None:
    if not box.carries_headers:
        pytest.skip("granian's acceptance carries no headers")
    with box.connect("/ws/remembers") as socket:
        cookie = socket.headers["set-cookie"].partition(";")[0]
        socket.send("of a stranger")
        assert socket.receive() == "noted"
        socket.wait_for_close()
    box.http.cookies.clear()

    def shown() -> Any:
        return box.http.get("/session", headers={"Cookie": cookie}).json()

    until(lambda: shown() == {"before": "accepted", "later": "of a stranger"}, "the session")


def test_a_logout_closes_the_sockets_of_the_session(box: Box) -> None:
    box.http.post("/login/ada")
    with box.connect("/ws/echo/1") as socket, box.connect("/ws/watches") as other:
        socket.receive()
        other.receive()
        box.http.post("/logout")
        box.check(socket.wait_for_close(), 1008, "The session has ended.")
        box.check(other.wait_for_close(), 1008, "The session has ended.")
    box.wait_until_told("teardown", "/ws/watches", "NoneType")
