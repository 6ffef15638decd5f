"""``flask.globals``: the proxies, and Flask's two context variables as views of Erlen's one."""

from __future__ import annotations

import typing as t
from contextvars import ContextVar, Token
from typing import Any

from werkzeug.local import LocalProxy

from erlen.context import Context, nearest_request_context
from erlen.current import current
from erlen.errors import ContextError
from erlen.globals import app_ctx, current_app, g, request, request_ctx, session

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session"]

_missing: Any = object()


class ContextView:
    """A context variable of Flask's, for code that reads or sets it itself: one of the two sides of a context.

    :param name: the name of Flask's variable
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def _find(self) -> Context | None:
        raise NotImplementedError

    def get(self, default: Any = _missing) -> Any:
        """Return the current context, or *default*.

        :raises LookupError: if there is none and no default is given
        """
        found = self._find()
        if found is not None:
            return found
        if default is _missing:
            raise LookupError(self)
        return default

    def set(self, value: Any) -> Token[Any]:
        """Make *value* the current context; what is returned is for :meth:`reset`."""
        return current.set(value)

    def reset(self, token: Token[Any]) -> None:
        """Make the context current that was before the call of :meth:`set` which returned *token*."""
        current.reset(token)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class _AppView(ContextView):
    def _find(self) -> Context | None:
        found: Context | None = current.get(None)
        return None if found is None else found.joined or found


class _RequestView(ContextView):
    def _find(self) -> Context | None:
        return nearest_request_context()

    def set(self, value: Any) -> Token[Any]:
        """Make *value* the current request; an application context that is pushed already stays the current one."""
        if isinstance(value, Context) and not value.joined:
            value.join(current.get(None))
        return super().set(value)


_cv_app = _AppView("flask.app_ctx")
_cv_request = _RequestView("flask.request_ctx")
_no_app_msg = str(ContextError("current_app", "application"))
_no_req_msg = str(ContextError("request", "request"))
