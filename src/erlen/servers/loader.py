"""What a worker does first: it imports the application and starts it, and survives one that cannot be imported."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Iterable
from typing import Any

from erlen.servers.choice import entry_point
from erlen.servers.stopping import worker_stop
from erlen.servers.traces import format_trace

__all__ = ["BrokenApplication", "DevelopmentLoader", "Loader"]


class Loader:
    """Imports the application in a worker and gives the server what it calls.

    :param load: imports the application
    :param interface: ``"wsgi"``, ``"asgi"`` or ``"rsgi"``
    """

    def __init__(self, load: Callable[[], Any], interface: str) -> None:
        self.load = load
        self.interface = interface

    def __call__(self) -> Any:
        app = self.load()
        entry = entry_point(app, self.interface)
        if self.interface == "wsgi" and getattr(app, "has_life", False):
            worker_stop.application_starts()
            app.get_ready()  # over WSGI no server announces its start, and here it can be known
        return entry


class DevelopmentLoader(Loader):
    """The loader of the development server: an application that cannot be imported does not end the worker.

    The error is printed, and shown to whoever asks for a page, until a file changes.
    """

    def __call__(self) -> Any:
        # Workers are given an empty input; with the terminal's, breakpoint() works in a view.
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it stays open as long as the worker lives
        try:
            return super().__call__()
        except (Exception, SystemExit) as error:
            # A command's own exception has the traceback of a failed import in its text: here that import is told.
            cause = error.__cause__ if hasattr(error, "format_message") else None
            text = format_trace(cause or error)
            print(
                f"{text}\n * The application cannot be loaded. Mend it: the server waits for the change.",
                file=sys.stderr,
                flush=True,
            )
            broken = BrokenApplication(text)
            return broken.asgi if self.interface == "asgi" else broken.wsgi


class BrokenApplication:
    """Answers every request with the error for which the application cannot be loaded.

    :param text: the traceback
    """

    def __init__(self, text: str) -> None:
        last = text.strip().rpartition("\n")[2]
        self.body = (
            "<!doctype html><html lang=en><meta charset=utf-8><title>The application cannot be loaded</title>"
            f"<h1>The application cannot be loaded</h1><p><b>{html.escape(last)}</b></p>"
            f"<pre>{html.escape(text)}</pre><p>Mend it and load this page again: the server has waited.</p></html>\n"
        ).encode()
        self.headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(self.body)))]

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as WSGI asks it."""
        start_response("500 Internal Server Error", list(self.headers))
        return [self.body]

    async def asgi(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Answer as ASGI asks it."""
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1011})
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers]
        await send({"type": "http.response.start", "status": 500, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
