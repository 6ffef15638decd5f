"""A client over sockets with the methods of the async test client, as far as a test that runs over both asks them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from erlen.testing import SocketClosed
from socket_client import Closed, Rejected, SocketClient


class RemoteClient:
    """Asks an application on a real server; its responses are those of httpx."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, verify=False)

    async def __aenter__(self) -> RemoteClient:
        return self

    async def __aexit__(self, *details: Any) -> None:
        await self._http.aclose()

    async def open(self, path: str, method: str = "GET", data: Any = None, **kwargs: Any) -> httpx.Response:
        given = {"content" if hasattr(data, "__aiter__") else "data": data}
        return await self._http.request(method, path, **given, **kwargs)

    async def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return await self.open(path, "GET", **kwargs)

    async def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return await self.open(path, "POST", **kwargs)

    async def put(self, path: str, **kwargs: Any) -> httpx.Response:
        return await self.open(path, "PUT", **kwargs)

    @asynccontextmanager
    async def stream(self, method: str, path: str) -> AsyncIterator[RemoteStream]:
        async with self._http.stream(method, path) as response:
            yield RemoteStream(response)

    @asynccontextmanager
    async def websocket(self, path: str) -> AsyncIterator[RemoteSocket]:
        cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())}
        socket = await asyncio.to_thread(SocketClient, self._port, path, cookies if cookies["Cookie"] else {})
        with socket:
            yield RemoteSocket(socket)


class RemoteStream:
    """A response that is read as it comes."""

    def __init__(self, response: httpx.Response) -> None:
        self._pieces = response.aiter_raw()
        self.status_code = response.status_code

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces


class RemoteSocket:
    """The client's end of a WebSocket."""

    def __init__(self, socket: SocketClient) -> None:
        self._socket = socket

    async def send(self, message: str | bytes) -> None:
        await asyncio.to_thread(self._socket.send, message)

    async def receive(self) -> str | bytes:
        try:
            return await asyncio.to_thread(self._socket.receive)
        except Closed as closed:
            raise SocketClosed(closed.code, closed.reason or "") from None


def status_of(refused: Exception) -> int:
    """Return the status that a handshake was refused with, by either client."""
    return refused.status if isinstance(refused, Rejected) else refused.response.status_code  # type: ignore[attr-defined]
