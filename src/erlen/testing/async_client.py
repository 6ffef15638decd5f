"""The async test client: requests, streams and WebSockets by ASGI, on the loop that the test runs on.

What runs on the loop stands in the modules beside it, which are loaded when a client is first used: ``import erlen``
loads no asyncio.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import ClientRedirectError, Cookie, TestResponse
from werkzeug.test import EnvironBuilder as WerkzeugEnvironBuilder
from werkzeug.wrappers import Request as WerkzeugRequest

from erlen.context import Context
from erlen.lifecycle.pipeline import PROPAGATE
from erlen.loading import load
from erlen.testing.client import default_base, make_request, outside_scope
from erlen.testing.cookies import ExpiringCookies
from erlen.testing.failures import SocketClosed, SocketRejected
from erlen.testing.sockets import Socket
from erlen.testing.streams import StreamedResponse
from erlen.wsgi import ENVIRON, PRESERVE

__all__ = ["AsyncClient"]

_REDIRECTS = frozenset({301, 302, 303, 305, 307, 308})
_PIECE = 64 * 1024
# What a scope says itself, so that ``scope_base`` decides about it.
_SAID = {
    *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "SERVER_NAME", "SERVER_PORT"),
    *("REMOTE_ADDR", "REMOTE_PORT", "CONTENT_TYPE", "CONTENT_LENGTH"),
}


class _Jar(ExpiringCookies):
    """The cookies, and where a redirect leads: what the plain client knows without asking an application."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return args[0]  # the builder of the request that a redirect leads to


class AsyncClient:
    """Sends requests to an application as an ASGI server does, on the loop that the test runs on.

    So the test, the views and what they share (a pool of connections, a queue) are on one loop. A method takes what
    that of :class:`erlen.testing.Client` takes, and is awaited. The response has been read. ::

        async with app.async_test_client() as client:
            response = await client.post("/login", data={"name": "ada"})
            assert response.status_code == 303

    ``async with`` starts the application as a server does (the lifespan protocol), and ends it. Without it, or with
    ``lifespan=False``, nothing is started.

    :param app: the application
    :param response_wrapper: the class of the responses
    :param use_cookies: keep cookies from request to request
    :param allow_subdomain_redirects: follow redirects to subdomains, too
    :param asgi: an ASGI callable to ask in place of ``app.asgi``
    :param lifespan: whether ``async with`` starts and ends the application
    """

    def __init__(
        self,
        app: Any,
        response_wrapper: Any = None,
        use_cookies: bool = True,
        allow_subdomain_redirects: bool = False,
        *,
        asgi: Any = None,
        lifespan: bool = True,
    ) -> None:
        #: The application.
        self.application = app
        #: Added to the environment of every request.
        self.environ_base = default_base()
        #: Put into the scope of every request, such as ``{"client": ("10.0.0.1", 5000)}``.
        self.scope_base: dict[str, Any] = {}
        self._asgi = asgi
        self._jar = _Jar(app, response_wrapper or app.response_class, use_cookies, allow_subdomain_redirects)
        self._drives_lifespan = lifespan
        self._lifespan: Any = None
        self._entered = False
        self._state: dict[str, Any] = {}
        self._context: Context | None = None

    # Life.

    async def __aenter__(self) -> Self:
        """Start the application.

        :raises LifespanFailed: if it cannot start
        """
        if self._entered:
            raise RuntimeError("Cannot nest client invocations: this client is already used in a with statement.")
        if self._drives_lifespan:
            life = load("erlen.testing.lifespan").Lifespan(self._callable, {ENVIRON: {PROPAGATE: True}})
            await life.start()
            self._lifespan = life
            self._state = life.state
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the application.

        :raises LifespanFailed: if it does not end in order, and the test has not failed already
        """
        self._entered = False
        self._context = None
        life, self._lifespan, self._state = self._lifespan, None, {}
        if life is None:
            return
        try:
            await life.stop()
        except Exception as failure:
            if error is None:
                raise
            error.add_note(str(failure))

    @property
    def _callable(self) -> Any:
        return self.application.asgi if self._asgi is None else self._asgi

    @property
    def context(self) -> Context:
        """The context of the request that has ended last, to look at what its view has seen and done. ::

            await client.post("/login", data={"name": "ada"})
            assert client.context.session["user"] == "ada"
            with client.context:
                assert session["user"] == "ada"

        Its teardowns have run, when the request ended; a ``with`` block does not run them again. What it changes in
        the session is not saved.

        :raises RuntimeError: if there was no request yet, or another application than Erlen's has answered it
        """
        if self._context is None:
            raise RuntimeError(
                "client.context is the context of the last request, and there was none since the client was made or "
                "entered, or none that an Erlen application has answered."
            )
        return self._context

    # Requests.

    async def open(
        self,
        *args: Any,
        follow_redirects: bool = False,
        buffered: bool = True,
        scope_base: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestResponse:
        """Send a request and return its response, which has been read to its end.

        :param args: what :class:`~erlen.testing.EnvironBuilder` takes, or one environment, builder or request. ``data``
            may be an async iterator too: it gives the body, piece by piece
        :param follow_redirects: go where redirects lead, and return the last response
        :param buffered: taken for the plain client's sake; the body is always read
        :param scope_base: put into the ASGI scope in place of what it says, after the client's own
        :raises BaseException: what the application has ended with, and did not answer
        """
        async with self._exchange(args, kwargs, follow_redirects, scope_base) as (conversation, request, history):
            pieces = []
            while (piece := await conversation.next()) is not None:
                pieces.append(piece)
            await conversation.wait()
            return self._response(conversation.status, conversation.headers, b"".join(pieces), request, history)

    async def get(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a GET request; see :meth:`open`."""
        return await self.open(*args, **{**kwargs, "method": "GET"})

    async def post(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a POST request; see :meth:`open`."""
        return await self.open(*args, **{**kwargs, "method": "POST"})

    async def put(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a PUT request; see :meth:`open`."""
        return await self.open(*args, **{**kwargs, "method": "PUT"})

    async def patch(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a PATCH request; see :meth:`open`."""
        return await self.open(*args, **{**kwargs, "method": "PATCH"})

    async def delete(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a DELETE request; see :meth:`open`."""
        return await self.open(*args, **{**kwargs, "method": "DELETE"})

    async def head(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a HEAD request; see :meth:`open`."""
        return await self.open(*args, **{**kwargs, "method": "HEAD"})

    async def options(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send an OPTIONS request; see :meth:`open`."""
        return await self.open(*args, **{**kwargs, "method": "OPTIONS"})

    async def trace(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a TRACE request; see :meth:`open`."""
        return await self.open(*args, **{**kwargs, "method": "TRACE"})

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        *args: Any,
        follow_redirects: bool = False,
        scope_base: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[StreamedResponse]:
        """Send a request, and read its response as it is made. ::

            async with client.stream("GET", "/ticks") as response:
                assert response.status_code == 200
                async for piece in response:
                    ...

        The application makes the next piece when one has been taken. Leaving the block tells it that the client has
        gone, and waits until it has ended.

        :param method: the method of the request; all else is what :meth:`open` takes
        :raises BaseException: what the application has ended with: before its response on entering, then where the
            pieces are read, and after the last one on leaving
        """
        kwargs["method"] = method
        async with self._exchange(args, kwargs, follow_redirects, scope_base) as (conversation, request, history):
            response = self._response(conversation.status, conversation.headers, b"", request, history)
            yield StreamedResponse(conversation, response)

    @asynccontextmanager
    async def _exchange(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], follow: bool, scope_base: Mapping[str, Any] | None
    ) -> AsyncIterator[tuple[Any, WerkzeugRequest, list[TestResponse]]]:
        """Send a request, and give the conversation in which the last response has begun; then end it."""
        source = None
        if hasattr(kwargs.get("data"), "__aiter__"):
            source = aiter(kwargs.pop("data"))
        request = make_request(self.application, args, kwargs, self._complete)
        history: list[TestResponse] = []
        while True:
            async with self._converse(request, source, scope_base or {}) as conversation:
                await conversation.start()
                headers = _headers(conversation.headers)
                self._keep_cookies(request.environ, headers)
                if not follow or conversation.status not in _REDIRECTS:
                    yield conversation, request, history
                    return
                while await conversation.next() is not None:
                    pass
                await conversation.wait()
            response = self._response(conversation.status, conversation.headers, b"", request, history)
            request = self._follow(response, history, source is not None)
            if response.status_code not in (307, 308):
                source = None
            history.append(response)

    @asynccontextmanager
    async def _converse(self, request: WerkzeugRequest, source: Any, scope_base: Mapping[str, Any]) -> Any:
        environ = request.environ
        self._jar._add_cookies_to_wsgi(environ)
        if source is not None and not environ.get("CONTENT_LENGTH"):
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        made: list[Context] = []
        scope = {**self._scope(environ, made), **self.scope_base, **scope_base}
        pieces = _pieces(environ) if source is None else []
        conversation = load("erlen.testing.conversation").HttpConversation(self._callable, scope, pieces, source)
        try:
            async with self._held(conversation, made):
                yield conversation
        finally:
            await conversation.close()

    @asynccontextmanager
    async def _held(self, conversation: Any, made: list[Context]) -> AsyncIterator[None]:
        """End *conversation* at the end of the block, and keep the context of its request."""
        try:
            yield
        except BaseException as error:
            await conversation.abandon(error)
            raise
        else:
            await conversation.abandon()
        finally:
            if made:
                self._context = made[-1]
                self._context.hold()  # it has been torn down: a with block must not do it again
                made.clear()  # the environ of the request leads to this list

    def _follow(self, response: TestResponse, history: list[TestResponse], streamed: bool) -> WerkzeugRequest:
        """Return the request that a redirect leads to."""
        entry = response.location, response.status_code
        if entry in [(earlier.location, earlier.status_code) for earlier in history]:
            raise ClientRedirectError(f"The redirects lead in a circle: {entry[1]} to {entry[0]!r} comes again.")
        if streamed and response.status_code in (307, 308):
            raise RuntimeError(
                f"The redirect {response.status_code} to {response.location!r} wants the body again, and an async "
                "iterator gives it once: send it as bytes, or without follow_redirects."
            )
        sent = response.request.environ["wsgi.input"]
        if hasattr(sent, "seek"):
            sent.seek(0)  # it was read
        builder: WerkzeugEnvironBuilder = self._jar.resolve_redirect(response)  # type: ignore[assignment]
        return make_request(self.application, (builder,), {}, self._complete)

    def _complete(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        return {PROPAGATE: True, **self.environ_base, **environ}

    def _scope(self, environ: dict[str, Any], made: list[Context]) -> dict[str, Any]:
        scope: dict[str, Any] = load("erlen.bridge").scope_of(environ)
        scope["state"] = self._state.copy()  # as ASGI wants it: what is in it is shared, it itself is not
        scope[ENVIRON] = {key: value for key, value in outside_scope(environ).items() if key not in _SAID}
        scope[ENVIRON][PRESERVE] = made.append
        return scope

    def _keep_cookies(self, environ: dict[str, Any], headers: Headers) -> None:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        host = environ.get("HTTP_HOST", "localhost").partition(":")[0]
        self._jar._update_cookies_from_response(host, path, headers.getlist("Set-Cookie"))

    def _response(
        self,
        status: int,
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes,
        request: WerkzeugRequest,
        history: Iterable[TestResponse],
    ) -> TestResponse:
        line = load("erlen.bridge").status_line(status)
        response: Any = self._jar.response_wrapper([body] if body else [], line, _headers(headers), request=request)
        response.json_module = self.application.json
        response.history = tuple(history)
        response.call_on_close(request.environ["wsgi.input"].close)
        return response  # type: ignore[no-any-return]

    # WebSockets.

    @asynccontextmanager
    async def websocket(
        self,
        *args: Any,
        subprotocols: Iterable[str] = (),
        answers: bool = True,
        buffer: int = 1024,
        scope_base: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Socket]:
        """Open a WebSocket. ::

            async with client.websocket("/chat", subprotocols=["v2"]) as socket:
                await socket.send("hello")
                assert await socket.receive() == "hello to you"

        Leaving the block closes the connection with the code 1000, and waits until the application has ended.

        :param args: the path, and what else :meth:`open` takes: ``query_string``, ``headers``, ``base_url``, …
        :param subprotocols: those that the client knows, the best one first
        :param answers: offer the application to refuse with an answer of its own, as servers with the extension
            ``websocket.http.response`` do; otherwise a refusal is a bare 403
        :param buffer: how many messages the application may send before one is received; it waits then
        :param scope_base: put into the ASGI scope in place of what it says, after the client's own
        :raises SocketRejected: if the application refuses the handshake
        :raises BaseException: what the application has ended with: where the test waits for it, or on leaving
        """
        kwargs["method"] = "GET"
        request = make_request(self.application, *_by_http(args, kwargs), self._complete)
        environ = request.environ
        self._jar._add_cookies_to_wsgi(environ)
        made: list[Context] = []
        scope = _socket_scope(self._scope(environ, made), list(subprotocols), answers)
        scope.update({**self.scope_base, **(scope_base or {})})
        cls = load("erlen.testing.socket_conversation").SocketConversation
        conversation = cls(self._callable, scope, buffer)
        async with self._held(conversation, made):
            await conversation.connect()
            if conversation.accepted is None:
                status, headers, body = conversation.refused
                self._keep_cookies(environ, _headers(headers))
                raise SocketRejected(scope["path"], self._response(status, headers, body, request, ()))
            headers = _headers(conversation.accepted.get("headers", ()))
            self._keep_cookies(environ, headers)
            try:
                yield Socket(conversation, self.application.json, headers)
            except SocketClosed:
                await conversation.abandon()  # the error of the application says why it is closed
                raise
            conversation.hang_up(1000, "")

    # Cookies and sessions.

    def set_cookie(self, key: str, value: str = "", **kwargs: Any) -> None:
        """Set a cookie without a request; see :meth:`werkzeug.test.Client.set_cookie`."""
        self._jar.set_cookie(key, value, **kwargs)

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Cookie | None:
        """Return a cookie that the client would send, or None.

        :param domain: the domain that it was set for
        :param path: the path that it was set for
        """
        return self._jar.get_cookie(key, domain, path)

    def delete_cookie(self, key: str, *, domain: str = "localhost", path: str = "/") -> None:
        """Forget a cookie, if it is there."""
        self._jar.delete_cookie(key, domain=domain, path=path)

    @asynccontextmanager
    async def session_transaction(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Open the session that the next request will have, to look into it or to change it. ::

            async with client.session_transaction() as session:
                session["user"] = "ada"

        :param args: the request to open it for, as for :meth:`open`
        :raises TypeError: if the client keeps no cookies
        """
        if self._jar._cookies is None:
            raise TypeError("Cookies are disabled. Create a client with 'use_cookies=True'.")
        context = self.application.test_request_context(*args, **kwargs)
        environ = context.request.environ
        self._jar._add_cookies_to_wsgi(environ)
        async with AsyncExitStack() as stack:
            opened = load("erlen.testing.transaction").OpenSession(self.application, context)
            stack.push_async_exit(opened.end)
            yield await opened.begin()
            self._keep_cookies(environ, Headers(await opened.save()))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.application!r}>"


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return Headers(load("erlen.bridge").headers_of(headers))


def _pieces(environ: dict[str, Any]) -> list[bytes]:
    """Return the body of a request in the pieces in which a server would hand it over."""
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length.isdecimal():
        body = environ["wsgi.input"].read(int(length))
    else:
        body = environ["wsgi.input"].read() if environ.get("wsgi.input_terminated") else b""
    return [body[start : start + _PIECE] for start in range(0, len(body), _PIECE)]


def _by_http(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments with ``http`` for ``ws`` in a URL: that is what a handshake is sent by."""
    if args and isinstance(args[0], str):
        args = (_url_by_http(args[0]), *args[1:])
    for name in ("path", "base_url"):
        if isinstance(kwargs.get(name), str):
            kwargs[name] = _url_by_http(kwargs[name])
    return args, kwargs


def _url_by_http(url: str) -> str:
    return f"http{url[2:]}" if urlsplit(url).scheme in ("ws", "wss") else url


def _socket_scope(scope: dict[str, Any], subprotocols: list[str], answers: bool) -> dict[str, Any]:
    """Make the scope of a WebSocket of the scope of its handshake."""
    del scope["method"]
    scope["type"] = "websocket"
    scope["scheme"] = {"http": "ws", "https": "wss"}.get(scope["scheme"], scope["scheme"])
    scope["subprotocols"] = subprotocols
    scope["headers"] = [
        *((name, value) for name, value in scope["headers"] if name not in (b"content-length", b"content-type")),
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),  # that of RFC 6455, section 1.3
    ]
    if subprotocols:
        scope["headers"].append((b"sec-websocket-protocol", ", ".join(subprotocols).encode("latin-1")))
    if answers:
        scope["extensions"] = {"websocket.http.response": {}}
    return scope
