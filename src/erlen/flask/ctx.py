"""``flask.ctx``: the contexts under Flask's two names, and the namespace ``g``."""

from __future__ import annotations

import contextvars
import sys
import typing as t
from functools import update_wrapper
from types import TracebackType
from typing import Any

from werkzeug.exceptions import HTTPException

from erlen.context import AppGlobals, Context, has_app_context, has_request_context
from erlen.current import current
from erlen.flask import typing as ft
from erlen.flask.globals import _cv_app, _cv_request
from erlen.flask.signals import appcontext_popped, appcontext_pushed
from erlen.helpers import after_this_request, copy_for_thread

__all__ = [
    "AppContext",
    "RequestContext",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
]

F = t.TypeVar("F", bound=t.Callable[..., Any])
_sentinel = object()


def copy_current_request_context(f: F) -> F:
    """Wrap *f* so that it runs in a copy of the current request context, in a thread for instance.

    An ``async def`` becomes a plain function.
    """
    return copy_for_thread(f)


class _AppCtxGlobals(AppGlobals):
    """The class of ``g``."""

    def __repr__(self) -> str:
        found = current.get(None)
        return object.__repr__(self) if found is None else f"<flask.g of {found.app.name!r}>"


class AppContext(Context):
    """What belongs to an application outside of a request; made by ``app.app_context()``.

    :param app: the application
    """

    def __init__(self, app: Any) -> None:
        super().__init__(app)

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} of {self.app.name}>"


class RequestContext(AppContext):
    """What belongs to a request; made by ``app.request_context()`` and ``app.test_request_context()``.

    In Erlen it is the application's context too, so ``flask.globals.app_ctx`` may be one.

    :param app: the application
    :param environ: the WSGI environment of the request
    :param request: the request itself, where it is made already
    :param session: its session, where it is opened already
    """

    def __init__(self, app: Any, environ: Any, request: Any = None, session: Any = None) -> None:
        if request is None:
            request = app.request_class(environ)
        Context.__init__(self, app, request, session)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.request.url!r} [{self.request.method}] of {self.app.name}>"
