"""The one context variable: which request or application the running code works for.

It stands at the bottom so that every layer can read it; only ``erlen.context`` sets it. Inside the framework the
context is passed as an argument, and the variable is read for users alone: by proxies, by helpers, and where a public
signature leaves no room for an argument.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

__all__ = ["current"]

#: The current :class:`erlen.context.Context`.
current: ContextVar[Any] = ContextVar("erlen.context")
