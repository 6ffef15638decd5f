"""Send the requests of the bench to one peer: ``python drive.py MODULE HELPER FOLDER INTERFACE WORK…`` under callgrind.

Every work is checked before it is counted. What a peer has no function for is left out; what fails is written down in
``FOLDER/failures.json``, and the next work is gone on with. Without callgrind, ``-`` as HELPER only checks.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import io
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import asgi_workloads
import workloads
from peers.rsgi import Protocol, Scope, Socket
from peers.works import BY_KEY, MESSAGE, Work, WrongAnswer, check

Send = Callable[[], Any]
#: What is given up when a request is never answered, in seconds; callgrind is slow.
PATIENCE = 300


class Driver:
    """What is common to the interfaces: the applications of a module, each made once, and what failed."""

    def __init__(self, module: ModuleType, helper: str, folder: Path) -> None:
        self.module = module
        self.folder = folder
        self.helper: Any = SimpleNamespace(start=lambda: None, stop=lambda name: None)
        if helper != "-":
            self.helper = ctypes.CDLL(helper)
        self.failures: dict[str, str] = {}
        self.applications: dict[str, Any] = {}

    def works(self, keys: list[str]) -> Iterator[Work]:
        """Yield the works that the module has an application for."""
        for key in keys:
            work = BY_KEY[key]
            if hasattr(self.module, work.application) and key not in getattr(self.module, "LACKS", ()):
                yield work

    def make(self, name: str) -> Any:
        """Return the application called *name*."""
        if name not in self.applications:
            self.applications[name] = getattr(self.module, name)(str(self.folder))
        return self.applications[name]

    @contextmanager
    def noting(self, work: Work) -> Iterator[None]:
        """Write down what the block raises."""
        try:
            yield
        except (Exception, SystemExit) as error:
            self.failures[work.key] = f"{type(error).__name__}: {error}"


def headers_of(work: Work, cookie: str) -> list[tuple[str, str]]:
    """Return the headers of a browser-like client."""
    headers = [("host", "127.0.0.1:8000"), ("user-agent", "bench"), ("accept", "*/*")]
    if work.method == "POST":
        headers += [("content-type", work.content_type), ("content-length", str(len(work.body)))]
    if cookie:
        headers.append(("cookie", cookie))
    return headers


def drive_wsgi(driver: Driver, keys: list[str]) -> None:
    """Send all over WSGI."""
    for work in driver.works([key for key in keys if key != "socket"]):
        with driver.noting(work):
            application = driver.make(work.application)
            cookie = ""
            if work.after:
                _, headers, _ = workloads.ask(application, workloads.environ_for(work.after))
                cookie = workloads.cookies_in(headers)
            base = workloads.environ_for(work.path, work.query, cookie, work.method)
            if work.method == "POST":
                base |= {"CONTENT_TYPE": work.content_type, "CONTENT_LENGTH": str(len(work.body))}

            def get(application: Any = application, base: dict[str, Any] = base) -> Any:
                return workloads.ask(application, base.copy())

            def post(application: Any = application, base: dict[str, Any] = base, body: bytes = work.body) -> Any:
                return workloads.ask(application, {**base, "wsgi.input": io.BytesIO(body)})

            send = post if work.method == "POST" else get
            status, _, body = send()
            check(work, int(status[:3]), body)
            workloads.count(send, driver.helper, work.key, work.requests)


async def started(application: Any) -> Callable[[], Awaitable[None]]:
    """Start an ASGI application as a server does; return what ends it. One that knows no lifespan is left alone."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    answered: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}

    async def live() -> None:
        await application(scope, queue.get, answered.put)

    task = asyncio.ensure_future(live())
    queue.put_nowait({"type": "lifespan.startup"})
    answer = asyncio.ensure_future(answered.get())
    await asyncio.wait({task, answer}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
    if answer.done() and answer.result()["type"] == "lifespan.startup.failed":
        raise WrongAnswer(f"The application could not start: {answer.result().get('message')}")
    if task.done():
        task.exception()  # looked at: it knows no lifespan

    async def end() -> None:
        queue.put_nowait({"type": "lifespan.shutdown"})
        answer.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)

    return end


def callable_of(application: Any) -> Any:
    """Return what speaks ASGI: Erlen's stands beside the callable for WSGI."""
    beside = getattr(application, "asgi", None)
    return beside if callable(beside) else application


async def drive_asgi(driver: Driver, keys: list[str]) -> None:
    """Send all over ASGI, from one event loop."""
    ends: dict[str, Callable[[], Awaitable[None]]] = {}
    for work in driver.works(keys):
        with driver.noting(work):
            application = callable_of(driver.make(work.application))
            if work.application not in ends:
                ends[work.application] = await started(application)
            if work.key == "socket":
                echoed = await asgi_workloads.count_socket(application, driver.helper, "socket", work.path, MESSAGE)
                check(work, 200, (echoed.get("text") or "").encode() or echoed["bytes"])
                continue
            cookie = ""
            if work.after:
                start, _ = await asgi_workloads.ask(application, asgi_workloads.scope_for("http", work.after))
                cookie = workloads.cookies_in((name.decode(), value.decode()) for name, value in start["headers"])
            base = asgi_workloads.scope_for("http", work.path, work.query, work.method)
            base["headers"] = [(name.encode(), value.encode()) for name, value in headers_of(work, cookie)]

            def send(application: Any = application, work: Work = work, base: dict[str, Any] = base) -> Awaitable[Any]:
                return asgi_workloads.ask(application, {**base, "state": {}}, work.body)

            async with asyncio.timeout(PATIENCE):
                start, body = await send()
            check(work, start["status"], body)
            await asgi_workloads.count(send, driver.helper, work.key, work.requests)
    for end in ends.values():
        await end()


async def drive_rsgi(driver: Driver, keys: list[str]) -> None:
    """Send all over RSGI, from one event loop."""
    for work in driver.works(keys):
        with driver.noting(work):
            application = driver.make(work.application)
            if work.key == "socket":
                await echo_rsgi(driver, application, work)
                continue
            cookie = ""
            if work.after:
                protocol = Protocol()
                asked = Scope("http", "GET", work.after, "", headers_of(BY_KEY["text"], ""))
                await application.__rsgi__(asked, protocol)
                cookie = workloads.cookies_in(protocol.headers)
            headers = headers_of(work, cookie)

            async def send(
                application: Any = application, work: Work = work, headers: list[tuple[str, str]] = headers
            ) -> Protocol:
                protocol = Protocol(work.body)
                await application.__rsgi__(Scope("http", work.method, work.path, work.query, headers), protocol)
                return protocol

            async with asyncio.timeout(PATIENCE):
                protocol = await send()
            check(work, protocol.status, protocol.content())
            await asgi_workloads.count(send, driver.helper, work.key, work.requests)


async def echo_rsgi(driver: Driver, application: Any, work: Work) -> None:
    """Count messages of a WebSocket over RSGI."""
    socket = Socket()
    scope = Scope("ws", "GET", work.path, "", headers_of(work, ""))
    scope.scheme = "ws"
    task = asyncio.ensure_future(application.__rsgi__(scope, socket))
    async with asyncio.timeout(PATIENCE):
        check(work, 200, (await socket.exchange(MESSAGE)).encode())
    await asgi_workloads.count(lambda: socket.exchange(MESSAGE), driver.helper, work.key, work.requests)
    socket.leave()
    await asyncio.wait({task}, timeout=PATIENCE)


def drive(driver: Driver, interface: str, keys: list[str]) -> None:
    """Send the works called *keys* over *interface*."""
    if interface == "wsgi":
        drive_wsgi(driver, keys)
    else:
        asyncio.run({"asgi": drive_asgi, "rsgi": drive_rsgi}[interface](driver, keys))


def main(module: str, helper: str, folder: str, interface: str, *keys: str) -> None:
    """Send all works to the applications of *module*, and write down what failed."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    driver = Driver(importlib.import_module(module), helper, Path(folder))
    drive(driver, interface, list(keys))
    Path(folder, "failures.json").write_text(json.dumps(driver.failures))
    if helper == "-":
        print(driver.failures or "all answered")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent / "apps"))
    main(*sys.argv[1:])
