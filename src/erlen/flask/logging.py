"""``flask.logging``: the application's logger."""

from __future__ import annotations

import logging
import sys
import typing as t
from logging import Logger
from typing import Any

from werkzeug.local import LocalProxy

from erlen import log
from erlen.flask.globals import request
from erlen.log import default_handler, has_level_handler, wsgi_errors_stream

__all__ = ["create_logger", "default_handler", "has_level_handler", "wsgi_errors_stream"]


def create_logger(app: Any) -> Logger:
    """Return the logger of *app*: named after it, at level DEBUG in debug mode unless a level is set, never silent."""
    return log.create_logger(app.name, app.debug)
