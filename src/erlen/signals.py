"""The signals that an application sends while it works, on a Blinker namespace of their own.

A receiver gets the application as its first argument and the named values as keywords. The signals are Flask's, and
so is the moment at which each is sent (see ``docs/lifecycle.md``). While nobody listens a signal costs one truth test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from blinker import ANY, NamedSignal, Namespace

__all__ = [
    "LISTENED",
    "Listened",
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
    "session_committed",
    "session_created",
    "session_expired",
    "session_loaded",
    "session_refused",
    "session_revoked",
    "session_rotated",
    "template_rendered",
]

F = TypeVar("F", bound=Callable[..., Any])

_signals = Namespace()


class Listened:
    """Whether anybody listens to a signal that each request sends: one question instead of six."""

    __slots__ = ("any", "signals")

    def __init__(self) -> None:
        #: False says that nobody does.
        self.any = False
        self.signals: list[NamedSignal] = []

    def still(self) -> bool:
        """Tell whether anybody does, where somebody did."""
        self.any = False  # first, so that whoever connects meanwhile is not overlooked
        if any(signal.receivers for signal in self.signals):
            self.any = True
        return self.any


#: The signals of each request.
LISTENED = Listened()


class _OfEachRequest(NamedSignal):
    """A signal that each request sends."""

    def connect(self, receiver: F, sender: Any = ANY, weak: bool = True) -> F:
        """Have *receiver* called when the signal is sent; see :meth:`blinker.Signal.connect`."""
        connected: F = super().connect(receiver, sender, weak)
        LISTENED.any = True
        return connected


def _of_each_request(name: str, doc: str) -> NamedSignal:
    signal = _signals[name] = _OfEachRequest(name, doc)
    LISTENED.signals.append(signal)
    return signal


before_render_template = _signals.signal(
    "before-render-template", doc="Before a template is rendered: ``template``, ``context``."
)
template_rendered = _signals.signal(
    "template-rendered", doc="After a template was rendered: ``template``, ``context``."
)
request_started = _of_each_request("request-started", doc="The context stands, no hook has run yet.")
request_finished = _of_each_request("request-finished", doc="The response is ready to be sent: ``response``.")
request_tearing_down = _of_each_request("request-tearing-down", doc="The request ends, after its teardowns: ``exc``.")
got_request_exception = _signals.signal(
    "got-request-exception", doc="An exception that no handler took, before the 500 answer: ``exception``."
)
appcontext_tearing_down = _of_each_request(
    "appcontext-tearing-down", doc="The context ends, after its teardowns: ``exc``."
)
appcontext_pushed = _of_each_request("appcontext-pushed", doc="A context was made the current one.")
appcontext_popped = _of_each_request("appcontext-popped", doc="A context is no longer the current one.")
message_flashed = _signals.signal("message-flashed", doc="A message was flashed: ``message``, ``category``.")

# What happens to sessions, for the log of a security team, and how long it takes, for measurements. The handle is the
# public name of a session, ``session.sid``; the token is in none of them.
session_created = _signals.signal("session-created", doc="A visitor got a session: ``handle``, ``user``.")
session_rotated = _signals.signal(
    "session-rotated",
    doc="A session got a new token: ``old``, ``handle``, ``user``, ``reason`` (``'login'``, ``'rotated'``, "
    "``'renewed'``).",
)
session_refused = _signals.signal(
    "session-refused",
    doc="A change was not kept, because the session was ended or moved meanwhile, or another request had changed the "
    "same key: ``handle``, ``user``, ``reason`` (``'ended'``, ``'conflict'``).",
)
session_revoked = _signals.signal(
    "session-revoked",
    doc="A session was ended: ``handle``, ``user``, ``reason`` (``'logout'``, ``'revoked'``, ``'limit'``, "
    "``'everyone'``, without a handle then).",
)
session_expired = _signals.signal(
    "session-expired",
    doc="A visitor came with a token of a session that is over, by its deadline or because it was ended: ``handle``.",
)
session_loaded = _signals.signal(
    "session-loaded", doc="A session was asked for: ``handle``, ``load_ms``, ``bytes`` (0 if there is none)."
)
session_committed = _signals.signal(
    "session-committed",
    doc="Changes were sent to the store: ``handle``, ``commit_ms``, ``bytes`` of the change, ``refused``, "
    "``conflicts`` (how often another request came between).",
)
