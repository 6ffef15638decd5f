"""The application's logger: named after the application, never silent, and with the proxy's request id in its lines.

Names for a logging configuration of your own: :class:`RequestIdFilter`, and :data:`wsgi_errors_stream` as
``ext://erlen.log.wsgi_errors_stream``.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, TextIO

from erlen.current import current

__all__ = [
    "ErrorStream",
    "RequestIdFilter",
    "create_logger",
    "default_handler",
    "has_level_handler",
    "printable",
    "request_id_in",
    "trace_id_in",
    "wsgi_errors_stream",
]

# Patterns as text: most processes need none of them, and ``re`` keeps what it has compiled.

#: What an id may consist of. Whatever else a header holds could forge a line of the log or colour a terminal.
_ID = r"[A-Za-z0-9._:/+=@-]{1,128}"
#: W3C Trace Context, section 3.2: version, trace id, parent id, flags; a later version may add fields.
_TRACEPARENT = r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
#: Controls, what else breaks a line, what turns the direction of text around, and halves of surrogate pairs.
_UNPRINTABLE = "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"


def _current_request() -> Any:
    # The nearest one: a context without a request may have been pushed upon that of a request.
    context = current.get(None)
    while context is not None:
        if context.request is not None:
            return context.request
        context = context._previous[-1] if context._previous else None
    return None


def printable(text: str) -> str:
    """Return *text* on one line: control characters, and others that would mislead a reader, are written as escapes.

    ``printable("a\\nb")`` is ``"a\\\\nb"``.
    """
    return re.sub(_UNPRINTABLE, lambda found: found[0].encode("unicode_escape").decode(), text)


def request_id_in(value: str | None) -> str | None:
    """Return the request id that a header holds, or None if it is no safe one.

    :param value: at most 128 characters out of ``A-Z a-z 0-9 . _ : - / + = @``
    """
    return value if value is not None and re.fullmatch(_ID, value) else None


def trace_id_in(value: str | None) -> str | None:
    """Return the trace id of a ``traceparent`` header (W3C Trace Context), 32 hexadecimal digits, or None."""
    found = None if value is None else re.fullmatch(_TRACEPARENT, value)
    return None if found is None else found[1]


class RequestIdFilter(logging.Filter):
    """Gives each record the attributes ``request_id`` and ``trace_id`` of the current request; it drops none.

    They are None outside of a request, and where the proxy has sent none. Put it on a handler, so that the records of
    all loggers pass through it; with a ``QueueHandler`` on that one, because it runs in the request's thread. ::

        dictConfig({
            "version": 1,
            "filters": {"request_id": {"()": "erlen.log.RequestIdFilter"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["request_id"]}},
            "root": {"handlers": ["stderr"]},
        })
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attributes to *record*, unless it has them already."""
        request = _current_request()
        for name in ("request_id", "trace_id"):
            if not hasattr(record, name):
                setattr(record, name, getattr(request, name, None))
        return True


class _Formatter(logging.Formatter):
    """Flask's format, and the id of the request behind the module, if there is one."""

    def __init__(self) -> None:
        super().__init__("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
        self._with_id = logging.PercentStyle("[%(asctime)s] %(levelname)s in %(module)s [%(shown_id)s]: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        shown = getattr(record, "request_id", None) or getattr(record, "trace_id", None)
        if shown is None:
            return super().formatMessage(record)
        record.shown_id = shown
        return self._with_id.format(record)


class ErrorStream:
    """A stream that writes to wherever errors belong at that moment: the server's error stream in a request."""

    def _target(self) -> TextIO:
        request = _current_request()
        stream: TextIO | None = None if request is None else request.environ.get("wsgi.errors")
        return sys.stderr if stream is None else stream

    def write(self, text: str) -> int:
        """Write *text* to the request's error stream, or to ``sys.stderr``."""
        return self._target().write(text)

    def flush(self) -> None:
        """Flush what was written."""
        self._target().flush()

    def _get_current_object(self) -> TextIO:
        # Flask's is a proxy, and this is how one asks a proxy what it stands for.
        return self._target()


#: The error stream of the server during a request, and ``sys.stderr`` outside of one.
wsgi_errors_stream = ErrorStream()

#: Writes to the error stream of the server, with time, level, module, and the id of the request if there is one.
default_handler = logging.StreamHandler(wsgi_errors_stream)
default_handler.setFormatter(_Formatter())
default_handler.addFilter(RequestIdFilter())


def has_level_handler(logger: logging.Logger) -> bool:
    """Tell whether a record at the logger's effective level would be handled by anybody."""
    level = logger.getEffectiveLevel()
    asked: logging.Logger | None = logger
    while asked is not None:
        if min((handler.level for handler in asked.handlers), default=level + 1) <= level:
            return True
        asked = asked.parent if asked.propagate else None
    return False


def create_logger(name: str, debug: bool) -> logging.Logger:
    """Return the logger *name*, at level DEBUG in debug mode unless a level is set, and with a handler.

    The default handler is added only where nobody has configured one (Flask's documentation, "Logging").
    """
    logger = logging.getLogger(name)
    if debug and not logger.level:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger
