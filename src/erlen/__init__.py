"""Erlen: a web framework with Flask's public API on a new core.

::

    from erlen import Erlen, session

    app = Erlen(__name__)

    @app.get("/")
    def index():
        return f"Visit number {session.incr('visits')}"
"""

from __future__ import annotations

from markupsafe import Markup, escape

from erlen.alias import install_as_flask
from erlen.app import Erlen
from erlen.application import RouteConflictWarning
from erlen.blueprints import Blueprint
from erlen.callables import nonblocking
from erlen.config import Config
from erlen.context import has_app_context, has_request_context
from erlen.event_stream import EventStream, ServerSentEvent
from erlen.globals import app_ctx, current_app, g, request, request_ctx, session, websocket
from erlen.helpers import (
    abort,
    after_response,
    after_this_request,
    copy_current_request_context,
    flash,
    get_flashed_messages,
    get_template_attribute,
    jsonify,
    make_response,
    redirect,
    render_template,
    render_template_async,
    render_template_string,
    render_template_string_async,
    send_file,
    send_from_directory,
    stream_template,
    stream_template_async,
    stream_template_string,
    stream_template_string_async,
    stream_with_context,
    url_for,
)
from erlen.http.request import Request
from erlen.http.response import Response
from erlen.http.websocket import WebSocket
from erlen.http.wire import WebSocketClosed, WebSocketDataError
from erlen.signals import (
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

__version__ = "0.1.0"

__all__ = [
    "Blueprint",
    "Config",
    "Erlen",
    "EventStream",
    "Markup",
    "Request",
    "Response",
    "RouteConflictWarning",
    "ServerSentEvent",
    "WebSocket",
    "WebSocketClosed",
    "WebSocketDataError",
    "abort",
    "after_response",
    "after_this_request",
    "app_ctx",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "copy_current_request_context",
    "current_app",
    "escape",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "got_request_exception",
    "has_app_context",
    "has_request_context",
    "install_as_flask",
    "jsonify",
    "make_response",
    "message_flashed",
    "nonblocking",
    "redirect",
    "render_template",
    "render_template_async",
    "render_template_string",
    "render_template_string_async",
    "request",
    "request_ctx",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_async",
    "stream_template_string",
    "stream_template_string_async",
    "stream_with_context",
    "template_rendered",
    "url_for",
    "websocket",
]
