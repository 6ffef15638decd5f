"""The application's logger: named after the application, and never silent."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from erlen.current import current

__all__ = ["ErrorStream", "create_logger", "default_handler", "has_level_handler"]


class ErrorStream:
    """A stream that writes to wherever errors belong at that moment: the server's error stream in a request."""

    def _target(self) -> TextIO:
        context = current.get(None)
        request = None if context is None else context.request
        stream: TextIO | None = None if request is None else request.environ.get("wsgi.errors")
        return sys.stderr if stream is None else stream

    def write(self, text: str) -> int:
        """Write *text* to the request's error stream, or to ``sys.stderr``."""
        return self._target().write(text)

    def flush(self) -> None:
        """Flush what was written."""
        self._target().flush()


#: Writes to the error stream of the server, with time, level and the name of the logger.
default_handler = logging.StreamHandler(ErrorStream())
default_handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s in %(name)s: %(message)s"))


def has_level_handler(logger: logging.Logger) -> bool:
    """Tell whether a record at the logger's effective level would be handled by anybody."""
    level = logger.getEffectiveLevel()
    current: logging.Logger | None = logger
    while current is not None:
        if any(handler.level <= level for handler in current.handlers):
            return True
        if not current.propagate:
            return False
        current = current.parent
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
