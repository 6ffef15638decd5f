"""The context variables: which request or application the running code works for, and where its plain code runs.

They stand at the bottom so that every layer can read them; only ``erlen.context`` sets the first. Inside the framework
the context is passed as an argument, and the variable is read for users alone: by proxies, by helpers, and where a
public signature leaves no room for an argument.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

__all__ = ["current", "find_home", "home", "sending"]

#: The current :class:`erlen.context.Context`.
current: ContextVar[Any] = ContextVar("erlen.context")

#: What calls plain code in the request's thread (a :class:`erlen.lifecycle.runner.Runner`), for code on a loop that
#: the pipeline does not call itself: the generator of a body, a view under WSGI.
home: ContextVar[Any] = ContextVar("erlen.home", default=None)

#: What sends the body that is being made, on a server with an event loop: called, from any thread, when the body is
#: ended from outside, it waits no longer than a moment for a client that does not read.
sending: ContextVar[Any] = ContextVar("erlen.sending", default=None)


def find_home() -> Any:
    """Return what calls plain code in the thread of the current request, or None.

    Where a server's own loop runs the request, its context says it: to set a context variable costs more.
    """
    found = home.get()
    if found is None:
        context = current.get(None)
        found = None if context is None else context.runner
    return found
