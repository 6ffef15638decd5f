"""Every exception that Erlen itself raises, in one tree. Where a module is named, the class is defined there.

An exception carries facts as attributes; ``str()`` of it makes the sentence: what happened, where, and what to
write instead. HTTP errors are not here: they are Werkzeug's, and so are the exceptions of routing, so that
``except`` clauses written for Flask keep working. ::

    ErlenError
    ├── ConfigError (ValueError)          a setting has a wrong type or value, or is missing
    │   └── SecretKeyMissing (RuntimeError)   something has to be signed and there is no SECRET_KEY
    ├── SetupError                        the application was put together wrongly
    │   ├── SetupFinished (AssertionError)    a set-up method was called after the first request
    │   │   └── erlen.blueprints.BlueprintRegistered  the same on a blueprint, after its registration
    │   ├── SignatureError (TypeError)        a hook cannot be called with the arguments it will get
    │   ├── erlen.blueprints.BlueprintConflict (ValueError)  a blueprint's name is taken, or cannot be one
    │   ├── erlen.application.SetupValueError (ValueError)  an argument has a value that cannot work
    │   │   ├── erlen.testing.client.BaseUrlConflict (AssertionError)  a request has a base URL and a part of it
    │   │   └── erlen.application.StaticHostError (AssertionError)  static_host and host_matching do not fit
    │   ├── erlen.registration.MissingView (AssertionError)  a rule has neither an endpoint nor a view function
    │   ├── erlen.registration.NamelessView (AttributeError)  a rule has no endpoint, and its view no name to be it
    │   ├── erlen.application.UnknownRouteOption (TypeError)  a route was given an option that there is none of
    │   ├── erlen.lifecycle.handlers.UnknownErrorCode (ValueError)  a handler for a code that cannot be raised
    │   ├── erlen.lifecycle.handlers.WrongErrorClass (TypeError, ValueError)  a handler for what is no exception
    │   ├── erlen.testing.plugin.NoTestedApplication  the fixture app of pytest does not know the application
    │   ├── EndpointConflict (AssertionError) one endpoint, two view functions
    │   └── RuleSyntaxError (ValueError)      a URL rule cannot be read
    │       └── UnknownConverter (LookupError)    it names a converter that does not exist
    ├── ContextError (RuntimeError)       request, session, g or current_app was used where there is none
    ├── WaitingTemplate (RuntimeError)    a template has to wait for something and was rendered plainly on a loop
    ├── erlen.http.body.BodyNotFetched (RuntimeError)  what cannot wait has read a body that is taken as it comes
    ├── ViewResultError (TypeError)       a view returned what cannot become a response
    ├── MissingExtra (ImportError)        an optional dependency is not installed
    ├── ImportNameError (ImportError)     an import name such as "config.ProductionConfig" leads nowhere
    ├── ServerError                       a server cannot be started
    ├── ServingError                      what is to run while the application is served cannot
    ├── JSONValueError (TypeError, ValueError)  a value that JSON has no form for, named by its path
    ├── erlen.testing.failures.AsgiError (RuntimeError)       a tested application breaks the rules of ASGI
    ├── erlen.testing.failures.LifespanFailed (RuntimeError)  it could not start, or not end in order
    ├── erlen.testing.failures.SocketClosed (ConnectionError)    a WebSocket of a test has ended
    ├── erlen.testing.failures.SocketRejected (ConnectionError)  its handshake was refused
    ├── erlen.alias.FlaskLoaded (RuntimeError)  the real Flask is loaded, so Erlen cannot stand for it
    ├── erlen.broadcast.BroadcastUnavailable  the server that carries the messages does not answer, or refuses
    ├── erlen.broadcast.SubscriberTooSlow  a subscription was ended before it would have lost messages
    ├── erlen.http.websocket.WebSocketClosed  nothing can be sent or received any more; ends a view as it should
    ├── erlen.http.websocket.WebSocketDataError (ValueError)  a client sent a message that is no JSON
    └── SessionError                      see erlen.sessions
        ├── SessionReadOnly (TypeError)       a change in a session that may only be read
        ├── SessionValueError (TypeError)     a value that cannot be stored, named by its path
        ├── SessionConflict                   another request changed, moved or ended the session
        └── SessionUnavailable                the store does not answer

Outside of it stand :class:`erlen.RouteConflictWarning`, :class:`erlen.steps.RedirectedForm` (an AssertionError, in
debug mode only), :class:`erlen.http.forms.FileNotSent` (a KeyError and an AssertionError, in debug mode only),
:class:`erlen.lifecycle.plan.NoView` (a KeyError), :class:`erlen.views.UnwrittenMethod` (a NotImplementedError and an
AssertionError), :class:`erlen.lifecycle.guard.CrossSiteRequest` (Werkzeug's Forbidden) and
:class:`erlen.templating.MissingTemplate` (Jinja's TemplatesNotFound).
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterable
from typing import Any

__all__ = [
    "ConfigError",
    "ContextError",
    "EndpointConflict",
    "ErlenError",
    "ImportNameError",
    "JSONValueError",
    "MissingExtra",
    "RuleSyntaxError",
    "SecretKeyMissing",
    "ServerError",
    "ServingError",
    "SessionConflict",
    "SessionError",
    "SessionReadOnly",
    "SessionUnavailable",
    "SessionValueError",
    "SetupError",
    "SetupFinished",
    "SignatureError",
    "UnknownConverter",
    "ViewResultError",
    "WaitingTemplate",
    "nearest",
]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the entry of *known* that *word* is most likely a misspelling of, or None."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


class ErlenError(Exception):
    """The root of every exception that Erlen itself raises."""


class ConfigError(ErlenError, ValueError):
    """A setting has a wrong type or value, or something needed is not set.

    :param key: the setting's name
    :param problem: what is wrong, a full sentence
    :param cure: what to write instead, a full sentence
    """

    def __init__(self, key: str, problem: str, cure: str = "") -> None:
        super().__init__(key, problem, cure)
        self.key = key
        self.problem = problem
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.key}: {self.problem} {self.cure}".rstrip()


class SecretKeyMissing(ConfigError, RuntimeError):
    """Something has to be signed, and ``SECRET_KEY`` is not set.

    :param purpose: what needs the key, to be read after "is needed"
    :param instance: the application's instance folder, where it is known
    :param consequence: what does not work without it, a full sentence
    """

    def __init__(self, purpose: str, instance: os.PathLike[str] | None = None, consequence: str = "") -> None:
        place = "" if instance is None else f" --instance {shlex.quote(os.fspath(instance))}"
        super().__init__(
            "SECRET_KEY",
            f"{consequence} It is not set, and it is needed {purpose}.".lstrip(),
            "Run 'erlen secret' and put what it prints into the configuration as SECRET_KEY, or run "
            f"`erlen secret --save{place}`, which keeps a key in the instance folder, where the application finds it.",
        )
        self.purpose = purpose
        self.instance = instance


class SetupError(ErlenError):
    """The application was put together in a way that cannot work."""


class SetupFinished(SetupError, AssertionError):
    """A set-up method was called after the application had handled its first request."""

    def __init__(self, method: str, owner: str) -> None:
        super().__init__(method, owner)
        self.method = method
        self.owner = owner

    def __str__(self) -> str:
        return (
            f"The setup method '{self.method}' can no longer be called on {self.owner}. It has already handled its "
            "first request, any changes will not be applied consistently.\nMove the call to where the application is "
            "made, and import the modules with its decorators there too."
        )


class SignatureError(SetupError, TypeError):
    """A function was registered that cannot be called with the arguments it will get.

    :param role: what it was registered as, for instance ``"teardown_request"``
    :param where: the function's name, file and line
    :param expected: a definition that works, for instance ``"def close(error): ..."``
    """

    def __init__(self, role: str, where: str, expected: str) -> None:
        super().__init__(role, where, expected)
        self.role = role
        self.where = where
        self.expected = expected

    def __str__(self) -> str:
        article = "an" if self.role[0] in "aeio" else "a"
        return (
            f"{self.where} cannot be {article} {self.role} function: its parameters do not fit. Write: {self.expected}"
        )


class EndpointConflict(SetupError, AssertionError):
    """One endpoint name was given to two different view functions."""

    def __init__(self, endpoint: str, existing: str, new: str) -> None:
        super().__init__(endpoint, existing, new)
        self.endpoint = endpoint
        self.existing = existing
        self.new = new

    def __str__(self) -> str:
        return (
            f"View function mapping is overwriting an existing endpoint function: {self.endpoint}. It is "
            f"{self.existing} and would become {self.new}. Give one of them another name, or write "
            f"endpoint='...' in its route; a decorator that hides the name needs functools.wraps."
        )


class RuleSyntaxError(SetupError, ValueError):
    """A URL rule cannot be read.

    :param rule: the rule's text
    :param start: where in it the trouble begins, an index
    :param end: where the trouble ends, exclusive
    :param problem: what is wrong there, a full sentence
    :param cure: what to write instead, a full sentence
    """

    def __init__(self, rule: str, start: int, end: int, problem: str, cure: str) -> None:
        super().__init__(rule, start, end, problem, cure)
        self.rule = rule
        self.start = start
        self.end = end
        self.problem = problem
        self.cure = cure

    def __str__(self) -> str:
        caret = " " * self.start + "^" * max(1, self.end - self.start)
        return f"malformed url rule: {self.rule!r}. {self.problem}\n    {self.rule}\n    {caret}\n{self.cure}"


class UnknownConverter(RuleSyntaxError, LookupError):
    """A URL rule names a converter that the map does not have."""


class ContextError(ErlenError, RuntimeError):
    """A name that belongs to a request or an application was used where there is none.

    :param name: the proxy, for instance ``"request"``
    :param kind: ``"request"``, ``"websocket"`` or ``"application"``
    :param where: file and line of the use
    """

    def __init__(self, name: str, kind: str, where: str = "") -> None:
        super().__init__(name, kind, where)
        self.name = name
        self.kind = kind
        self.where = where

    def __str__(self) -> str:
        at = f" ({self.where})" if self.where else ""
        if self.kind == "request":
            use = "can only be used when a request context is active, such as in a view function"
            need = "an active HTTP request"
            cure = (
                "In a test or a shell write: with app.test_request_context('/'): ... In a thread that a view starts, "
                "wrap the function with copy_current_request_context."
            )
        elif self.kind == "websocket":
            use = "can only be used for a WebSocket, such as in a view function of @app.websocket"
            need = "an active WebSocket"
            cure = "In the view of a request write 'request' in place of 'websocket'."
        else:
            use = "can only be used when an application context is active"
            need = "the current application"
            cure = "Give the code an application to work for: with app.app_context(): ..."
        return (
            f"Working outside of {self.kind} context.\n'{self.name}' was used{at}. This typically means that you "
            f"attempted to use functionality that needed {need}: '{self.name}' {use}.\n{cure}"
        )


class WrongContext(ErlenError, RuntimeError, AssertionError, LookupError):
    """A context was popped that is not the current one.

    :param wanted: the context that was to be popped
    :param found: the current one, or None
    """

    def __init__(self, wanted: object, found: object) -> None:
        super().__init__(wanted, found)
        self.wanted = wanted
        self.found = found

    def __str__(self) -> str:
        kind = "app" if getattr(self.wanted, "request", None) is None else "request"
        return (
            f"Popped wrong {kind} context. {self.wanted!r} is to be popped, and {self.found!r} is the current one. "
            "Pop contexts in the reverse order of their pushes, or use them in with statements."
        )


class WaitingTemplate(ErlenError, RuntimeError):
    """A template was rendered by a plain call on the event loop, and something in it has to be awaited.

    :param cause: what has to be awaited, in words
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause

    def __str__(self) -> str:
        return (
            f"A template was rendered by a plain call on the event loop, and {self.cause}: a plain call cannot wait "
            "there. In an async function write: await render_template_async(...), or "
            "await render_template_string_async(...) for a text; for a stream: stream_template_async(...). In a plain "
            "view, which runs in a thread, render_template(...) waits."
        )


class ViewResultError(ErlenError, TypeError):
    """A view function returned something that cannot become a response."""


class MissingExtra(ErlenError, ImportError):
    """An optional dependency is needed and not installed.

    :param what: what needs it, for instance ``"SESSION_TYPE 'redis'"``
    :param extra: the extra that brings it, for instance ``"redis"``
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(what, extra)
        self.what = what
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.what} needs a package that is not installed. Install it with: pip install 'erlen[{self.extra}]'"


class ImportNameError(ErlenError, ImportError):
    """A text that names a module or an object in a module leads nowhere.

    :param import_name: the text
    :param problem: which part of it does not exist, and the nearest one that does: full sentences
    """

    def __init__(self, import_name: str, problem: str) -> None:
        super().__init__(import_name, problem)
        self.import_name = import_name
        self.problem = problem

    def __str__(self) -> str:
        return f"Cannot import {self.import_name!r}. {self.problem}"


class ServingError(ErlenError):
    """A function that is to run at the start, or at the end, of an application cannot do its part."""


class ServerError(ErlenError):
    """A server cannot be started: a port is in use, a file is missing, two options do not fit together."""


class _ValueAtPath(ErlenError):
    """A value that cannot be written, named by where it stands."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class JSONValueError(_ValueAtPath, TypeError, ValueError):
    """A value cannot be written as JSON.

    It is a TypeError and a ValueError because the standard library raises the one for a type it does not know and
    the other for a value that contains itself.

    :param path: where it stands, for instance ``"result['user']['file']"``
    :param problem: why it cannot be written
    """


class SessionError(ErlenError):
    """The root of what goes wrong with sessions."""


class SessionReadOnly(SessionError, TypeError):
    """A session that may only be read was changed.

    :param reason: why it may only be read, and what to write to change that: full sentences
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SessionValueError(_ValueAtPath, SessionError, TypeError):
    """A value cannot be stored in a session.

    :param path: where it stands, for instance ``"session['cart'][3]['file']"``
    :param problem: why it cannot be stored, and what to store instead
    """


class SessionConflict(SessionError):
    """Another request changed, moved or ended this session meanwhile, and the change was refused."""


class SessionLimitReached(SessionConflict):
    """A user who signs in has as many sessions already as ``MAX_SESSIONS_PER_USER`` allows.

    :param user: who signs in
    :param limit: how many sessions are allowed
    :param sessions: those that there are, as ``app.sessions.for_user`` returns them: an error handler may show them
    """

    def __init__(self, user: str, limit: int, sessions: list[Any]) -> None:
        count = "one session" if limit == 1 else f"{limit} sessions"
        super().__init__(
            f"This login was refused: the account has {count} elsewhere already, and MAX_SESSIONS_PER_USER allows no "
            "more. Sign out in one of them first."
        )
        self.user = user
        self.limit = limit
        self.sessions = sessions


class SessionUnavailable(SessionError):
    """The session store does not answer. The cause is in ``__cause__``."""
