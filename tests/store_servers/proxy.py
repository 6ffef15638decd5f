"""A relay in front of a server that does not count the bytes that it is sent."""

from __future__ import annotations

import contextlib
import socket
import threading


class CountingProxy:
    """Relays connections to *target_port* of this machine, and counts what the clients send.

    :param target_port: the port of the server; when nobody listens there, clients are hung up on
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.bytes_received = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all connections, and take no new ones."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in list(self._pairs):
            self._hang_up(pair)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                client.close()
                continue
            pair = client, server
            for end in pair:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.add(pair)
            threading.Thread(target=self._relay, args=(pair, client, server, True), daemon=True).start()
            threading.Thread(target=self._relay, args=(pair, server, client, False), daemon=True).start()

    def _relay(
        self, pair: tuple[socket.socket, socket.socket], source: socket.socket, target: socket.socket, counts: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if counts:
                    self.bytes_received += len(data)
                target.sendall(data)
        self._hang_up(pair)

    def _hang_up(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
