"""What becomes of the connections to memcached when a server is silent, breaks off, or says what nobody expects."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from erlen.callables import drive
from erlen.errors import SessionUnavailable
from erlen.sessions.stores.memcached import MemcachedStore
from store_servers import Servers
from store_servers.memcached import running

KEY = b"\x01\x02" + b"k" * 32


class Scripted:
    """A server that gives each connection one answer, or none, and then breaks off if it is told to."""

    def __init__(self) -> None:
        self.answer: bytes | None = None
        self.breaks_off = False
        self.connections: list[socket.socket] = []
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            self.connections.append(connection)
            if self.answer is not None:
                self.requests.append(connection.recv(1000))
                connection.sendall(self.answer)
                if self.breaks_off:
                    connection.close()

    def is_given_up(self, connection: socket.socket) -> bool:
        """Wait until the client closes the connection, and tell whether it sent nothing more on it."""
        return connection.recv(1000) == b""

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self.connections:
            connection.close()


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A server that says what it is told to say."""
    made = Scripted()
    yield made
    made.close()


@pytest.mark.parametrize("run", [drive, asyncio.run])
def test_a_server_that_says_nothing_is_given_up_after_the_timeout(scripted: Scripted, run: Any) -> None:
    store = MemcachedStore([("127.0.0.1", scripted.port)], 0.05)
    with pytest.raises(SessionUnavailable, match=r"no answer within 0\.05 s \(SESSION_STORE_TIMEOUT\)"):
        run(store.load(KEY))
    drive(store.close())


def test_what_waits_for_a_thread_behind_a_silent_server_is_given_up_with_it(scripted: Scripted) -> None:
    store = MemcachedStore([("127.0.0.1", scripted.port)], 0.2)

    async def ask_often() -> list[Any]:
        with ThreadPoolExecutor(1) as pool:
            asyncio.get_running_loop().set_default_executor(pool)
            return await asyncio.gather(*(store.load(KEY) for _ in range(20)), return_exceptions=True)

    expected = (
        f"memcached at 127.0.0.1:{scripted.port} could not be used for sessions: no answer within 0.2 s "
        "(SESSION_STORE_TIMEOUT). See that it runs there, and that SESSION_URL names the right place."
    )
    assert {str(answer) for answer in asyncio.run(ask_often())} == {expected}
    assert len(scripted.connections) < 10
    drive(store.close())


@pytest.mark.parametrize("run", [drive, asyncio.run])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "the connection was closed in the middle of an answer"),
        (b"VALUE a 0 9", "the connection was closed in the middle of an answer"),
        (b"VALUE a 0 9 1\r\nabc", "the connection was closed in the middle of an answer"),
        (b"SERVER_ERROR out of memory storing object\r\n", "out of memory storing object"),
        (b"ERROR\r\n", "it does not know the command 'gets'"),
        (b"nonsense\r\n", "nonsense"),
        (b"VALUE a 0 nine\r\n", "it was not understood"),
        (b"VALUE other 0 1 1\r\nx\r\nEND\r\n", "it was not understood"),
    ],
)
def test_a_server_that_breaks_off_or_refuses_is_an_error_in_words(
    scripted: Scripted, run: Any, answer: bytes, said: str
) -> None:
    scripted.answer, scripted.breaks_off = answer, True
    store = MemcachedStore([("127.0.0.1", scripted.port)], 5)
    for action in (lambda: store.load(KEY), lambda: store.delete_all()):
        with pytest.raises(SessionUnavailable, match=said):
            run(action())
    drive(store.close())


@pytest.mark.parametrize("run", [drive, asyncio.run])
@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"VALUE a 0 9",
        b"SERVER_ERROR out of memory storing object\r\n",
        b"nonsense\r\n",
        b"VALUE other 0 1 1\r\nx\r\nEND\r\n",
    ],
)
def test_a_connection_is_not_used_again_unless_its_answer_was_read_to_the_end(
    scripted: Scripted, run: Any, answer: bytes | None
) -> None:
    scripted.answer = answer
    store = MemcachedStore([("127.0.0.1", scripted.port)], 0.1)
    with pytest.raises(SessionUnavailable):
        run(store.load(KEY))
    (first,) = scripted.connections
    if answer is None:
        assert first.recv(1000).startswith(b"gets ")
    assert scripted.is_given_up(first)
    scripted.answer = b"END\r\n"
    assert run(store.load(KEY)) is None
    assert len(scripted.connections) == 2
    drive(store.close())


@pytest.mark.parametrize("run", [drive, asyncio.run])
def test_a_connection_on_which_something_unread_has_come_is_not_used_again(scripted: Scripted, run: Any) -> None:
    scripted.answer = b"END\r\n"
    store = MemcachedStore([("127.0.0.1", scripted.port)], 5)
    assert run(store.load(KEY)) is None
    (first,) = scripted.connections
    first.sendall(b"VALUE late 0 1 1\r\nx\r\nEND\r\n")
    assert run(store.load(KEY)) is None
    assert len(scripted.connections) == 2
    drive(store.close())


def test_a_thread_that_is_interrupted_in_the_middle_of_an_answer_closes_its_connection(scripted: Scripted) -> None:
    scripted.answer = b"END\r\n"
    store = MemcachedStore([("127.0.0.1", scripted.port)], 5)
    (server,) = store._clients.plain().values()

    def interrupt(client: Any) -> None:
        client.gets_many([b"a"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        server.ask(interrupt)
    assert scripted.is_given_up(scripted.connections[0])
    drive(store.close())


def test_a_change_whose_answer_is_cut_off_is_an_error_and_not_repeated(scripted: Scripted) -> None:
    scripted.answer, scripted.breaks_off = b"STOR", True
    store = MemcachedStore([("127.0.0.1", scripted.port)], 5)
    with pytest.raises(SessionUnavailable, match="the connection was closed in the middle of an answer"):
        drive(store._store(f"127.0.0.1:{scripted.port}", "cas", b"a", b"1", 0, b"1"))
    assert scripted.requests == [b"cas a 0 0 1 1\r\n1\r\n"]
    drive(store.close())


def test_every_address_of_a_host_is_tried(servers: Servers, monkeypatch: Any) -> None:
    (port, *_) = [node.port for node in running("memcached-nodes", servers)]
    found = [
        (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, *more))
        for family, host, more in ((socket.AF_INET6, "::1", (0, 0)), (socket.AF_INET, "127.0.0.1", ()))
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    store = MemcachedStore([("twofold", port)])
    assert drive(store.load(KEY)) is None
    drive(store.close())
