"""The signals that an application sends while it works, on a Blinker namespace of their own.

A receiver gets the application as its first argument and the named values as keywords. The signals are Flask's, and
so is the moment at which each is sent (see ``docs/lifecycle.md``). While nobody listens a signal costs one truth test.
"""

from __future__ import annotations

from blinker import Namespace

__all__ = [
    "Namespace",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "got_request_exception",
    "message_flashed",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "template_rendered",
]

_signals = Namespace()

before_render_template = _signals.signal(
    "before-render-template", doc="Before a template is rendered: ``template``, ``context``."
)
template_rendered = _signals.signal(
    "template-rendered", doc="After a template was rendered: ``template``, ``context``."
)
request_started = _signals.signal("request-started", doc="The context stands, no hook has run yet.")
request_finished = _signals.signal("request-finished", doc="The response is ready to be sent: ``response``.")
request_tearing_down = _signals.signal("request-tearing-down", doc="The request ends, after its teardowns: ``exc``.")
got_request_exception = _signals.signal(
    "got-request-exception", doc="An exception that no handler took, before the 500 answer: ``exception``."
)
appcontext_tearing_down = _signals.signal(
    "appcontext-tearing-down", doc="The context ends, after its teardowns: ``exc``."
)
appcontext_pushed = _signals.signal("appcontext-pushed", doc="A context was made the current one.")
appcontext_popped = _signals.signal("appcontext-popped", doc="A context is no longer the current one.")
message_flashed = _signals.signal("message-flashed", doc="A message was flashed: ``message``, ``category``.")
