"""Requests of servers with an event loop: the way from the server to the pipeline and back, for ASGI and RSGI.

An adapter makes an :class:`Exchange` of what its server hands over; ``respond`` does all the rest, so that the two
protocols cannot differ.

What a request means does not depend on the server. A request that is plain as a whole runs in one thread from its
first hook to the last piece of its body: one hop. One with anything ``async`` in it is awaited on the loop, and its
plain callables run in one thread that is leased to it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as WerkzeugResponse

from erlen.context import Context
from erlen.current import current
from erlen.http.body import RequestBody
from erlen.http.environ import make_environ
from erlen.http.response import lower
from erlen.lifecycle.pipeline import handle, handle_plainly
from erlen.lifecycle.portal import LoopRunner
from erlen.lifecycle.start import begin, begins_simply
from erlen.lifecycle.threads import Threads

__all__ = ["ClientGone", "Exchange", "Headers", "call_wsgi", "respond", "threads_of"]

Headers = list[tuple[str, str]]
#: Status line, headers, and a body: bytes, or an iterable of bytes.
Answer = tuple[str, Headers, Any]

# Methods whose requests rarely have a body; without a header that announces one, none is waited for.
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})


class ClientGone(Exception):
    """The server has told that the client of an exchange has gone."""


class Exchange:
    """One request of a server with an event loop, and the way its answer goes. An adapter fills it in.

    The attributes up to ``client`` describe the request; texts are decoded, the query is Latin-1.
    """

    __slots__ = (
        "__weakref__",
        "client",
        "http_version",
        "is_outside",
        "method",
        "path",
        "preserved",
        "query",
        "root_path",
        "scheme",
        "scope",
        "server",
        "target_host",
    )

    method: str
    scheme: str
    http_version: str
    #: The path that the application is mounted under.
    root_path: str
    #: The path below it.
    path: str
    query: str
    server: tuple[str, int | str | None] | None
    client: tuple[str, int | str | None] | None
    #: What the server said, in its own form.
    scope: Any
    #: The host of a target in absolute form, which counts more than the Host header (RFC 9112, section 3.2.2).
    target_host: str | None
    #: The path of the request is not below the one that the server says the application is mounted under.
    is_outside: bool
    #: Where a test client wants the context to be kept.
    preserved: list[Context] | None

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Give the headers, their names in lower case."""
        raise NotImplementedError

    def find(self, name: str) -> str | None:
        """Return the header *name*, given in lower case, or None; of several the last one."""
        raise NotImplementedError

    def find_cookies(self) -> str | None:
        """Return the ``Cookie`` header, joined where it came in several (RFC 9113, section 8.2.3)."""
        raise NotImplementedError

    async def receive(self) -> tuple[bytes, bool]:
        """Return the next piece of the body, and whether more follow.

        :raises werkzeug.exceptions.ClientDisconnected: if the client has gone
        """
        raise NotImplementedError

    async def disconnected(self) -> None:
        """Return when the client has gone. Only called when the body is complete."""
        raise NotImplementedError

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole response."""
        raise NotImplementedError

    async def start(self, status: int, headers: Headers) -> None:
        """Send the beginning of a response whose body follows."""
        raise NotImplementedError

    async def send(self, piece: bytes) -> None:
        """Send a piece of the body.

        :raises ClientGone: if the server tells that the client has gone; so may the two others of a streamed answer
        """
        raise NotImplementedError

    async def end(self) -> None:
        """Tell that the body is complete."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Called when a body has ended, well or not: let go of what keeps the connection open."""

    def make_environ(self, body: Any) -> dict[str, Any]:
        """Make the WSGI environment of the request; *body* is the file that its body is read from."""
        environ = make_environ(
            method=self.method,
            scheme=self.scheme,
            http_version=self.http_version,
            root_path=self.root_path,
            path=self.path,
            query=self.query,
            server=self.server,
            client=self.client,
            headers=self.pairs(),
            body=body,
        )
        if self.target_host is not None:
            environ["HTTP_HOST"] = self.target_host
        return environ


def threads_of(app: Any) -> Threads:
    """Return the threads that run the plain code of *app*."""
    found: Threads | None = app._threads
    if found is None:
        found = app._threads = Threads(app.config["THREADS"])
    return found


async def respond(app: Any, exchange: Exchange) -> None:
    """Answer one request."""
    if not app._got_first_request:
        app.freeze()
    loop = asyncio.get_running_loop()
    app._loop.adopt(loop)
    body = RequestBody(exchange.receive, _length(exchange), app._loop.run_beside)
    context = _make_context(app, exchange, body)
    previous = current.get(None)
    current.set(context)
    runner = LoopRunner(loop, threads_of(app))
    try:
        failure = await _begin(app, exchange, context, runner)
        plan = context.plan
        if plan.view is not None and not body.complete:
            await body.fill(context.request.max_content_length)
        if plan.all_plain or plan.own:  # overridden steps are plain methods, and drive what they call
            await _in_thread(exchange, runner, lambda: _answer_plainly(app, context, failure))
        elif await _unless_gone(exchange, handle(app, context, runner, failure)):
            await _send(exchange, runner, *_ready(context))
    finally:
        runner.close()
        current.set(previous)


def _make_context(app: Any, exchange: Exchange, body: RequestBody) -> Context:
    context: Context
    if app._proxies is None and not app._overrides("request_context"):
        context = Context(app, app.request_class.from_source(exchange, body))
    else:
        environ = exchange.make_environ(body)
        if app._proxies is not None:
            app._proxies.apply(environ)
        context = app.request_context(environ)
        context.request._source = exchange
        context.request.body = body
    context._began = True
    context._holds = 1
    if exchange.preserved is not None:
        context.hold()
        exchange.preserved.append(context)
    return context


async def _begin(app: Any, exchange: Exchange, context: Context, runner: LoopRunner) -> Exception | None:
    """Let the context begin, and return the exception that it failed with."""
    failure: Exception | None = None
    try:
        if begins_simply(app):
            begin(app, context)
        else:  # what users wrote has a part in it, and may block
            await runner.call(begin, app, context)
    except Exception as error:
        failure = error
    if exchange.is_outside:
        context.request.url_rule = context.request.view_args = context.plan = None
        context.request.routing_exception = NotFound()
    if context.plan is None:
        context.plan = app.compile_plan(None)
    return failure


def _length(exchange: Exchange) -> int | None:
    """Return how long the body says it is; None if that is not known."""
    text = exchange.find("content-length")
    if text is not None and text.isdecimal():
        try:
            return int(text)
        except ValueError:  # more digits than Python reads
            return None
    return 0 if exchange.method in _BODILESS and exchange.find("transfer-encoding") is None else None


# --- a request that is plain as a whole ------------------------------------------------------------------------------


def _answer_plainly(app: Any, context: Context, failure: Exception | None) -> Answer:
    handle_plainly(app, context, failure)
    return _ready(context)


def _ready(context: Context) -> Answer:
    response, context.response = context.response, None
    if response is None:
        return context.status, context.headers, b"" if context.request.method == "HEAD" else context.body
    environ = context.request.environ
    if type(response).__call__ is not WerkzeugResponse.__call__:
        return call_wsgi(response, environ)
    status, headers, body = lower(response, environ)
    return status, headers, b"".join(body) if type(body) is list or type(body) is tuple else body


def call_wsgi(app: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> Answer:
    """Call a WSGI application, and return status, headers and body."""
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], Any]:
        started[:] = status, headers
        return written.append

    body: Any = app(environ, start_response)
    if not started:  # it may wait until its first piece is asked for
        iterator = iter(body)
        written.append(next(iterator, b""))
        body = _Resumed(written, iterator, body)
    elif written:
        body = _Resumed(written, iter(body), body)
    status, headers = started
    return status, headers, body


class _Resumed:
    """The body of a WSGI application of which the first pieces have been taken already."""

    def __init__(self, pieces: list[bytes], rest: Any, body: Any) -> None:
        self._pieces = pieces
        self._rest = rest
        self._body = body

    def __iter__(self) -> Generator[bytes, None, None]:
        yield from self._pieces
        yield from self._rest

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


# --- sending ---------------------------------------------------------------------------------------------------------


async def _send(exchange: Exchange, runner: LoopRunner, status: str, headers: Headers, body: Any) -> None:
    """Send an answer that was made on the loop; a streamed body is made in the request's thread."""
    if type(body) is bytes:
        await exchange.answer(int(status[:3]), headers, body)
    else:
        await _in_thread(exchange, runner, lambda: (status, headers, body))


async def _in_thread(exchange: Exchange, runner: LoopRunner, answer: Callable[[], Answer]) -> None:
    """Have the request's thread make the answer, and send it; a streamed body is made in the same thread."""
    worker = runner.worker or await runner.lease()
    passage = _Passage(asyncio.get_running_loop())
    variables = copy_context()
    worker.do(lambda: variables.run(passage.run, answer))
    try:
        status, headers, body = await passage.next()
        if type(body) is bytes:
            await exchange.answer(int(status[:3]), headers, body)
        else:
            runner.discount()
            await _stream(exchange, passage, int(status[:3]), headers)
    finally:
        await passage.finish()  # before the thread is given to another request


async def _stream(exchange: Exchange, passage: _Passage, status: int, headers: Headers) -> None:
    """Send each piece of a body as the thread makes it, until the end or until the client has gone."""
    watch = asyncio.ensure_future(_leave_if_gone(exchange, passage))
    try:
        await exchange.start(status, headers)
        while not passage.gone:
            passage.take_on()
            piece = await passage.next()
            if piece is None:
                await exchange.end()
                return
            await exchange.send(piece)
    except ClientGone:
        return
    finally:
        watch.cancel()
        exchange.let_go()


async def _leave_if_gone(exchange: Exchange, passage: _Passage) -> None:
    await exchange.disconnected()
    passage.gone = True


class _Passage:
    """What passes from the thread that makes an answer to the loop that sends it, one piece at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: deque[tuple[Any, BaseException | None]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._taken: SimpleQueue[None] = SimpleQueue()
        self._ended = False
        #: The client has gone: no piece is wanted any more.
        self.gone = False

    # In the thread.

    def run(self, answer: Callable[[], Answer]) -> None:
        """Make the answer, and then its body piece by piece as the loop takes them."""
        body: Any = b""
        error: BaseException | None = None
        try:
            made = answer()
            body = made[2]
            self._post(made, None, type(body) is bytes)
        except BaseException as caught:
            self._post(None, caught, True)
            return
        if type(body) is bytes:
            return
        try:
            self._taken.get()
            if not self.gone:
                for piece in body:
                    if piece:
                        self._post(piece, None)
                        self._taken.get()
                    if self.gone:
                        break
        except BaseException as caught:
            error = caught
        try:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        except BaseException as caught:
            error = error or caught
        self._post(None, error, True)

    def _post(self, item: Any, error: BaseException | None, last: bool = False) -> None:
        self._loop.call_soon_threadsafe(self._arrive, item, error, last)

    # On the loop.

    def _arrive(self, item: Any, error: BaseException | None, last: bool) -> None:
        self._arrived.append((item, error))
        self._ended = self._ended or last
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def take_on(self) -> None:
        """Have the thread make the next piece."""
        self._taken.put(None)

    async def next(self) -> Any:
        """Return what the thread has made; None is the end of a body. What it raised is raised here."""
        while not self._arrived:
            await self._wait()
        item, error = self._arrived.popleft()
        if error is not None:
            try:
                raise error
            finally:
                del error
        return item

    async def finish(self) -> None:
        """Wait until the thread is done, however often the request is cancelled: a thread cannot be stopped.

        What it makes from now on is dropped; the error that it ends with is raised, unless it was before.
        """
        cancelled: asyncio.CancelledError | None = None
        self.gone = True
        while not self._ended:
            self.take_on()
            try:
                await self._wait()
            except asyncio.CancelledError as error:
                cancelled = error
        while self._arrived:
            failure = self._arrived.popleft()[1]
            if failure is not None and cancelled is None:
                raise failure
        if cancelled is not None:
            raise cancelled


# --- a client that goes away -----------------------------------------------------------------------------------------


async def _unless_gone(exchange: Exchange, work: Coroutine[Any, Any, None]) -> bool:
    """Await *work*, and cancel it if the client goes away meanwhile; tell whether it came to its end.

    Most views are done at their first step, and are not worth a task that watches the client: that costs more than
    they do. The task stays the same all along, because timeouts remember it.
    """
    try:
        waited = work.send(None)
    except StopIteration:
        return True
    task = asyncio.current_task()
    watch = asyncio.ensure_future(_cancel_if_gone(exchange, task))
    try:
        await _Rest(work, waited)
    except asyncio.CancelledError:
        if not watch.done() or watch.cancelled() or watch.exception() is not None:
            raise
        if task is not None:
            task.uncancel()
        return False
    finally:
        watch.cancel()
    return True


async def _cancel_if_gone(exchange: Exchange, task: asyncio.Task[Any] | None) -> None:
    await exchange.disconnected()
    if task is not None:
        task.cancel()


class _Rest:
    """What is left of a coroutine whose first step has been taken."""

    __slots__ = ("_waited", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], waited: Any) -> None:
        self._work = work
        self._waited = waited

    def __await__(self) -> Generator[Any, Any, None]:
        work, waited = self._work, self._waited
        while True:
            value: Any
            step: Callable[[Any], Any]
            try:
                value, step = (yield waited), work.send
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:
                value, step = error, work.throw
            try:
                waited = step(value)
            except StopIteration:
                return
