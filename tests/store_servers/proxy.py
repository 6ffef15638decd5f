"""A proxy between a store and its server that counts what they say to each other."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

_CHUNK = 65_536


class CountingProxy:
    """Hands on what comes in at *port*, a free one, to the port *target_port*, and counts it.

    :param parser: makes for each connection a function that is given the bytes of the store as they come
    :param host: where the server is
    """

    def __init__(
        self,
        target_port: int,
        parser: Callable[[], Callable[[bytes], None]] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.bytes_received = 0
        self.bytes_answered = 0
        self.round_trips = 0
        """How many times the store has spoken and was then answered."""
        self._target = host, target_port
        self._parser = parser
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop, and cut off all connections."""
        with self._lock:
            self._closed = True
            sockets = list(self._open)
        with contextlib.suppress(OSError):  # wakes the thread that waits for connections
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()  # as the server itself would refuse
            return
        pair = {client, server}
        with self._lock:
            if self._closed:
                client.close()
                server.close()
                return
            self._open |= pair
        for each in pair:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        look = self._parser() if self._parser is not None else None
        waiting = False

        def asked(data: bytes) -> None:
            nonlocal waiting
            waiting = True
            self.bytes_received += len(data)
            if look is not None:
                look(data)

        def answered(data: bytes) -> None:
            nonlocal waiting
            self.round_trips += waiting
            waiting = False
            self.bytes_answered += len(data)

        back = threading.Thread(target=self._pump, args=(server, client, answered), daemon=True)
        back.start()
        self._pump(client, server, asked)
        back.join()
        with self._lock:
            self._open -= pair
        client.close()
        server.close()

    def _pump(self, source: socket.socket, sink: socket.socket, count: Callable[[bytes], None]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                with self._lock:
                    count(data)
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
