"""The context: everything that belongs to one request, or to work for an application outside of one.

There is one class and one context variable. A context with a request is what Flask calls a request context and an
application context in one; a context without a request serves commands, scripts and tests.

Laws of this file: a context is torn down exactly once, when the last *hold* on it is released (a push is a hold, a
streamed body takes another). No ``contextvars.Token`` is kept: a generator that is dropped is finalised in a foreign
thread, where resetting by token fails; the previous value is remembered instead.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from erlen.callables import user_frame
from erlen.current import current
from erlen.errors import ContextError, WrongContext
from erlen.signals import appcontext_popped, appcontext_pushed

__all__ = ["AppGlobals", "Context"]

_missing: Any = object()
#: Stands for the exception that is being handled.
_handled: Any = object()


class AppLike(Protocol):
    """What a context needs of its application."""

    app_ctx_globals_class: type[Any]
    _reuses_app_context: bool

    def begin_context(self, context: Any) -> None:
        """Called when a context becomes current for the first time: match the request, open a foreign session."""

    def end_context(self, context: Any, exc: BaseException | None) -> None:
        """Called when the last hold is released: run the teardowns."""

    def open_session(self, context: Any) -> Any:
        """Return the session of the context's request, not read yet."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a plain function for *func*."""

    def create_url_adapter(self, request: Any) -> Any:
        """Return what builds URLs in this context, or None."""

    def match_context(self, context: Any) -> None:
        """Match the request of the context."""

    def begins_simply(self) -> bool:
        """Tell whether nothing that a user wrote has a part in the begin of a context."""

    async def call_in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a plain function in a thread, with the caller's context variables, and wait for it on this loop."""

    async def end_context_async(self, context: Any, exc: BaseException | None) -> None:
        """As ``end_context``, on an event loop."""


class AppGlobals:
    """The class of ``g``: a plain object for what one request wants to keep, empty at the start of each.

    ::

        g.db = connect()
        g.get("user"), g.pop("db", None), g.setdefault("seen", []), "db" in g, list(g)
    """

    def get(self, name: str, default: Any = None) -> Any:
        """Return the attribute *name*, or *default* where it is not set."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: Any = _missing) -> Any:
        """Remove the attribute *name* and return its value.

        :raises KeyError: if it is not set and no *default* is given
        """
        if default is _missing:
            return self.__dict__.pop(name)
        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return the attribute *name*, and set it to *default* first where it is not set."""
        return self.__dict__.setdefault(name, default)

    # Declared so that type checkers let any attribute pass, as they must.
    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"g has no attribute {name!r}: nothing has set it for this request. Use g.get({name!r}) where it may be "
            "missing.",
            name=name,
            obj=self,
        )

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        return f"<erlen.g {', '.join(self.__dict__) or 'empty'}>"


class Context:
    """What belongs to one request, or to work for an application outside of one.

    Made by :meth:`Erlen.app_context`, :meth:`Erlen.request_context` and :meth:`Erlen.test_request_context`, and used
    in a ``with`` statement, or with :meth:`push` and :meth:`pop`. In async code write ``async with``: the async
    teardowns are awaited then, and the plain ones run in a thread.
    """

    # What few requests look at stands on the class. The rest is set for each context, because to read what only the
    # class has costs twice what it takes to set it.
    plan: Any = None
    #: The method of the request.
    method: str = ""
    #: What calls plain code in the thread of the request, on a server with an event loop.
    runner: Any = None
    status: str
    headers: Any = None
    body: bytes
    #: The mode that the session was opened in; "done" once nothing is to be saved any more.
    session_mode: str = "shared"
    #: Whether the response was made without a look at the session: what opens it now cannot send a cookie.
    headers_gone = False
    #: The messages that this request has taken out of the session.
    flashes: list[Any] | None = None
    #: The role and the function that answered in the view's place, to be named in a message.
    answered_by: tuple[str, Callable[..., Any]] | None = None

    _g: Any = None
    _adapter: Any = _missing
    _began = False
    _holds = 0
    #: The context whose namespace and end this one shares, by Flask's rule; see :meth:`join`.
    joined: Context | None = None
    _previous: list[Context | None] | None = None
    #: Made by :meth:`copy`: no response will be sent for it.
    is_copy = False

    def __init__(self, app: Any, request: Any = None, session: Any = None) -> None:
        self.app = app
        self.request = request
        #: What the view answered: a response object, or else status, headers and body.
        self.response: Any = None
        self._session = session
        self._after_request_functions: list[Callable[[Any], Any]] | None = None
        #: What is to start when the response has been sent: functions with their arguments.
        self._followers: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] | None = None
        if request is not None:
            request.app = app

    @property
    def g(self) -> Any:
        """The namespace of this context, made when it is first asked for."""
        found = self._g
        if found is None:
            if self.joined is not None:
                return self.joined.g
            found = self._g = self.app.app_ctx_globals_class()
        return found

    @g.setter
    def g(self, value: Any) -> None:
        self._g = value

    @property
    def session(self) -> Any:
        """The session of this context's request. It is read from its store when it is first touched."""
        found = self._session
        if found is None:
            found = self._session = self.app.open_session(self)
        elif (self.plan is None or not self.plan.keeps_sessions) and self.app.session_interface is not None:
            found.accessed = True  # a foreign session may not notice by itself, and Vary depends on it
        return found

    @session.setter
    def session(self, value: Any) -> None:
        self._session = value

    @property
    def has_request(self) -> bool:
        """Whether this context belongs to a request."""
        return self.request is not None

    @property
    def url_adapter(self) -> Any:
        """What builds URLs here (a :class:`~erlen.routing.MapAdapter`); None without a request and SERVER_NAME."""
        found = self._adapter
        if found is _missing:
            found = self._adapter = self.app.create_url_adapter(self.request)
        return found

    @url_adapter.setter
    def url_adapter(self, value: Any) -> None:
        self._adapter = value

    def after_this_request(self, function: Callable[[Any], Any]) -> None:
        """Have *function* called with the response of this request, before the ``after_request`` hooks."""
        if self._after_request_functions is None:
            self._after_request_functions = []
        self._after_request_functions.append(function)

    def match_request(self) -> None:
        """Match the request again, when its path or the URL adapter was changed by hand."""
        self.app.match_context(self)

    def join(self, outer: Context | None) -> None:
        """Share what belongs to the application with *outer*, if it is a context of the same one: ``g`` and the end.

        Flask 3.1 does not push a second application context for a request while one is pushed. A row of the table of
        defaults says whether an application keeps that rule.
        """
        self.joined = None if outer is None or outer.app is not self.app else outer.joined or outer

    def hold(self) -> None:
        """Keep the context alive past its pop, for a body that is streamed."""
        self._holds += 1

    def release(self, exc: BaseException | None = None) -> None:
        """Give a hold back; the last one runs the teardowns, which see *exc*. Whoever does it calls :meth:`leave`."""
        self._holds -= 1
        if self._holds == 0:
            self.app.end_context(self, exc)

    def leave(self, previous: Context | None) -> None:
        """Make *previous* the current context again, and tell so.

        A request is told of once, when it has ended; work outside of one at each pop, as in Flask.
        """
        current.set(previous)
        if appcontext_popped.receivers and (self.request is None or (self._holds == 0 and self.joined is None)):
            appcontext_popped.send(self.app, _async_wrapper=self.app.ensure_sync)

    def push(self) -> None:
        """Make this the current context."""
        if self._previous is None:
            self._previous = []
        outer = current.get(None)
        if outer is not None:
            self.runner = outer.runner
        if self.request is not None and self._holds == 0 and self.app._reuses_app_context:
            self.join(outer)
        self._previous.append(outer)
        current.set(self)
        self._holds += 1
        again = self._began and (self.request is None or (self._holds == 1 and self.joined is None))
        if again and appcontext_pushed.receivers:
            appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)
        if not self._began:
            self._began = True
            try:
                self.app.begin_context(self)
            except BaseException as error:
                self.pop(error)  # a with statement does not, where entering fails
                raise

    def pop(self, exc: BaseException | None = _handled) -> None:
        """Make the context that was current before the current one again, and run the teardowns, which see *exc*.

        :param exc: what they see; default is the exception that is being handled
        :raises RuntimeError: if this is not the current context
        """
        previous = self._pushed()
        if exc is _handled:
            exc = sys.exc_info()[1]
        try:
            self.release(exc)
        finally:
            self.leave(previous.pop())

    def _pushed(self) -> list[Context | None]:
        found = current.get(None)
        previous = self._previous
        if found is not self or not previous:
            raise WrongContext(self, found)
        return previous

    def copy(self) -> Self:
        """Return a new context with the same request and session, for another thread. ``g`` starts empty there."""
        session = self._session
        if session is None and self.request is not None:  # or each of the two would open one of its own
            session = self.session
            session.accessed = False  # nobody has touched it yet
        # Not by the class itself: a subclass has a constructor of its own.
        twin: Self = object.__new__(type(self))
        Context.__init__(twin, self.app, self.request, session)
        twin.plan = self.plan
        twin._adapter = self._adapter
        twin._began = True
        twin.is_copy = True
        return twin

    def __enter__(self) -> Self:
        self.push()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.pop(exc)

    async def __aenter__(self) -> Self:
        if not appcontext_pushed.receivers and (self._began or self.app.begins_simply()):
            self.push()
        else:  # what users wrote has a part in it, and may block
            await self.app.call_in_thread(self.push)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        previous = self._pushed()
        try:
            self._holds -= 1
            if self._holds == 0:
                await self.app.end_context_async(self, exc)
        finally:
            if appcontext_popped.receivers:
                await self.app.call_in_thread(self.leave, previous.pop())
            else:
                self.leave(previous.pop())

    def __repr__(self) -> str:
        name = getattr(self.app, "name", "?")
        if self.request is None:
            return f"<Context of {name}>"
        return f"<Context of {name}, {self.request.method} {self.request.path}>"


def find_context(name: str) -> Context:
    """Return the current context.

    :param name: the name that needs it, for the message
    :raises ContextError: if there is none
    """
    found: Context | None = current.get(None)
    if found is None:
        raise ContextError(name, "application", _place())
    return found


def find_request_context(name: str) -> Context:
    """Return the nearest context that has a request: the current one, or one that it was pushed upon.

    :raises ContextError: if there is none
    """
    found = nearest_request_context()
    if found is None:
        raise ContextError(name, "request", _place())
    return found


def nearest_request_context() -> Context | None:
    """Return the nearest context that has a request, or None if there is none."""
    found: Context | None = current.get(None)
    if found is None or found.request is not None:
        return found
    depths: dict[int, int] = {}  # a context that is pushed twice stands twice on the way
    while found is not None and found.request is None:
        previous = found._previous or ()
        depth = depths[id(found)] = depths.get(id(found), len(previous)) - 1
        found = previous[depth] if depth >= 0 else None
    return found


def has_request_context() -> bool:
    """Tell whether the code runs for a request, so that ``request`` and ``session`` can be used."""
    return nearest_request_context() is not None


def has_app_context() -> bool:
    """Tell whether the code runs for an application, so that ``current_app`` and ``g`` can be used."""
    return current.get(None) is not None


def _place() -> str:
    found = user_frame()
    return "" if found is None else f"{found[0]}:{found[1]}"
