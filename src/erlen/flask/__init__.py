"""Flask's names on Erlen: what ``import flask`` means after :func:`erlen.install_as_flask`.

Each module of Flask 3.1 has its counterpart here, with the names that Flask documents and those that extensions use.
Applications start from Flask's defaults; everything else is Erlen's. ::

    import erlen

    erlen.install_as_flask()

    from flask import Flask  # erlen.flask.Flask
"""

from __future__ import annotations

import typing as t
import warnings
from typing import Any

from erlen.flask import cli, json, sansio, typing
from erlen.flask.app import Flask
from erlen.flask.blueprints import Blueprint
from erlen.flask.config import Config
from erlen.flask.ctx import (
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)
from erlen.flask.globals import current_app, g, request, session
from erlen.flask.helpers import (
    abort,
    flash,
    get_flashed_messages,
    get_template_attribute,
    make_response,
    redirect,
    send_file,
    send_from_directory,
    stream_with_context,
    url_for,
)
from erlen.flask.json import jsonify
from erlen.flask.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    before_render_template,
    got_request_exception,
    message_flashed,
    request_finished,
    request_started,
    request_tearing_down,
    template_rendered,
)
from erlen.flask.templating import (
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)
from erlen.flask.version import OFFERED
from erlen.flask.wrappers import Request, Response

__all__ = [
    "Blueprint",
    "Config",
    "Flask",
    "Request",
    "Response",
    "abort",
    "after_this_request",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "copy_current_request_context",
    "current_app",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "got_request_exception",
    "has_app_context",
    "has_request_context",
    "json",
    "jsonify",
    "make_response",
    "message_flashed",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "template_rendered",
    "url_for",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        warnings.warn(
            "The '__version__' attribute is deprecated, and Flask 3.2 has none. Look for the feature itself, or write "
            'importlib.metadata.version("flask").',
            category=DeprecationWarning,
            stacklevel=2,
        )
        return OFFERED
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
