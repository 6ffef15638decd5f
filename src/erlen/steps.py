"""The steps of a request under Flask's names, for subclasses that override them and extensions that call them.

The pipeline does these steps itself as long as nobody has overridden them. Called from outside, or through ``super()``,
they do the same by the same functions, for the current request.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, ClassVar, NoReturn, TypeVar, cast

from werkzeug.exceptions import BadRequestKeyError, HTTPException
from werkzeug.routing import RequestRedirect

from erlen import sessions as machinery  # its names are loaded when they are used
from erlen.callables import drive, is_async
from erlen.config import Config
from erlen.context import Context, find_request_context, nearest_request_context
from erlen.http.convert import make_response
from erlen.http.response import Response
from erlen.json import JSONProvider
from erlen.lifecycle import pipeline
from erlen.lifecycle.first import FirstRequest
from erlen.lifecycle.guard import SAFE_METHODS
from erlen.lifecycle.handlers import find_handler
from erlen.lifecycle.plan import OVERRIDABLE, Plan, compile_plan
from erlen.lifecycle.runner import BackgroundLoop, DirectRunner, Runner, WrappingRunner
from erlen.lifecycle.start import begin, begins_simply, match, open_foreign_session
from erlen.lifecycle.teardown import end, raise_first, teardown_app, teardown_request
from erlen.loading import load
from erlen.log import printable
from erlen.routing import Map
from erlen.scaffold import Scaffold

__all__ = ["RedirectedForm", "Steps"]

T = TypeVar("T")
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
_current: Any = object()
_SECURE = frozenset({"https", "wss"})


class RedirectedForm(AssertionError):
    """In debug mode: a form was sent to a URL that redirects, and browsers drop the form on the way.

    :param request: the request that brought the form; its ``routing_exception`` is the redirect
    """

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        self.method: str = request.method
        self.url: str = request.url
        self.target: str = request.routing_exception.new_url
        self.code: int = request.routing_exception.code
        self._slash = self.target.partition("?")[0] == f"{request.base_url}/"

    def __str__(self) -> str:
        slash = " The rule ends with a trailing slash." if self._slash else ""
        return (
            f"A request was sent to {self.url!r} with {self.method}, and routing answers it with a redirect "
            f"({self.code}) to the canonical URL {self.target!r}: browsers will drop form data.{slash} Send it to the "
            "canonical URL; url_for() gives it. (It is in debug mode alone that this is an error.)"
        )


class Steps(Scaffold):
    """The application's part in the life of a request."""

    #: What the steps are as long as nobody overrides them.
    _originals: ClassVar[dict[str, Any]] = {}

    subdomain_matching: bool
    config: Config
    url_map: Map
    session_interface: Any
    teardown_appcontext_funcs: list[Any]
    before_first_request_funcs: list[Any]
    logger: Any
    json: JSONProvider
    response_class: type[Response]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loop = BackgroundLoop()
        self._direct = DirectRunner(self._loop)
        self._first = FirstRequest()
        self._overridden: tuple[int, frozenset[str]] = (-1, frozenset())
        self._config_seen = -1
        #: The threads of plain code on a server with an event loop (erlen.lifecycle.threads), made when one serves.
        self._threads: Any = None
        self._sessions_slide = False
        self._watch: Any = None

    @property
    def _session_watch(self) -> Any:
        """What closes WebSockets and event streams when their session ends."""
        if self._watch is None:
            self._watch = load("erlen.lifecycle.session_watch").SessionWatch(self)
        return self._watch

    @property
    def session_manager(self) -> machinery.SessionManager:
        """What opens and saves Erlen's own sessions; the application makes it from its configuration."""
        raise NotImplementedError

    def _follow_config(self) -> None:
        """Make a new session manager if the configuration of sessions has changed: Flask reads it in each request."""
        raise NotImplementedError

    # Contexts.

    def begin_context(self, context: Context) -> None:
        """Called when *context* becomes current: opens a foreign session and matches the request."""
        begin(self, context)

    def match_context(self, context: Context) -> None:
        """Match the request of *context*, and find what it will run."""
        match(self, context)

    def end_context(self, context: Context, exc: BaseException | None) -> None:
        """Called when the last hold on *context* is released: runs the teardowns, which see *exc*."""
        drive(end(self, context, exc, self._runner()))

    def begins_simply(self) -> bool:
        """Tell whether nothing that a user wrote has a part in the begin of a context, so that it cannot block."""
        return begins_simply(self)

    async def end_context_async(self, context: Context, exc: BaseException | None) -> None:
        """As :meth:`end_context`, on an event loop: async teardowns are awaited, plain ones run in a thread."""
        if context.plan is not None and context.plan.own:  # overridden steps are plain methods
            await self.call_in_thread(self.end_context, context, exc)
            return
        with load("erlen.lifecycle.portal").runner_here(self) as runner:
            await end(self, context, exc, runner)

    async def call_in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a plain *function* in a thread, with the caller's context variables, and return what it returns.

        It is the thread of the current request, where there is one on this loop: what belongs to a thread (a database
        connection) works in all plain callables of a request.
        """
        return await load("erlen.lifecycle.portal").call_in_thread(self, function, *args)

    def open_session(self, context: Context) -> Any:
        """Return the session of the request of *context*. Erlen's own is not read before it is touched."""
        request = context.request
        if request is None:
            return find_request_context("session").session
        plan = context.plan
        if plan is None or not plan.keeps_sessions:
            interface = self.session_interface
            if interface is not None:
                session = open_foreign_session(self, interface, request)
                if session is not None:
                    session.accessed = True  # it is opened because it is touched
                return session
        mode = context.session_mode = "shared" if plan is None else plan.session_mode
        if self.config.changes != self._config_seen:
            self._follow_config()
        source = request._source
        # What is looked at once need not be remembered; but who has set the scheme meanwhile is heeded.
        if source is None and self._changes.plans.tells_scheme and "scheme" not in request.__dict__:
            environ = request.environ
            cookies, scheme = environ.get("HTTP_COOKIE"), environ.get("wsgi.url_scheme")
        else:
            cookies, scheme = request.cookie_header, request.scheme
        session = self.session_manager.open(cookies, scheme in _SECURE, mode, request)
        if context.headers_gone:
            session._sent = True  # a body that is streamed looks for it first: no cookie can be sent any more
        return session

    async def preload_session(self, context: Context) -> None:
        """Read the session before an async view, which cannot wait for it, if the request has any cookie."""
        if context.request.cookie_header is not None:
            await self.session_manager.load(context.session, early=True)

    def compile_plan(self, endpoint: str | None) -> Plan:
        """Compile the plan of *endpoint* and keep it until something that it was compiled from changes."""
        plans = self._changes.plans.compiled
        generation = self._changes.generation
        if self._overridden[0] != generation:
            self._overridden = generation, frozenset(filter(self._overrides, OVERRIDABLE))
        plan = plans[endpoint] = compile_plan(self, endpoint, self._overridden[1])
        return plan

    def plan_of(self, endpoint: str | None) -> Plan:
        """Return the plan of *endpoint*, compiled if it is not yet."""
        return self._changes.plans.compiled.get(endpoint) or self.compile_plan(endpoint)

    def _overrides(self, name: str) -> bool:
        return name in self.__dict__ or getattr(type(self), name) is not self._originals[name]

    def _has_simple_urls(self) -> bool:
        # Neither hosts nor an own adapter have a say in matching.
        return not (self.subdomain_matching or self.url_map.host_matching or self._overrides("create_url_adapter"))

    def _runner(self) -> Runner:
        # What is called outside of the pipeline runs as in a request: through an own ensure_sync, if there is one.
        own = self._overrides("ensure_sync") or self._overrides("async_to_sync")
        return WrappingRunner(self.ensure_sync) if own else self._direct

    def _drive(self, step: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        return drive(step(self, find_request_context("request"), *args, self._runner()))

    # Before and in the view.

    def raise_routing_exception(self, request: Any) -> NoReturn:
        """Raise the exception that answers a request which no rule matched.

        In debug mode a form that would be lost in a redirect raises :class:`RedirectedForm` instead.
        """
        error = request.routing_exception
        if (
            self.debug
            and isinstance(error, RequestRedirect)
            and error.code not in (307, 308)
            and request.method not in SAFE_METHODS
        ):
            raise RedirectedForm(request)
        raise error

    debug: Any
    testing: Any

    def _find_error_handler(self, e: Exception, blueprints: list[str]) -> Callable[[Any], Any] | None:
        """Find the handler for *e*, with *blueprints* from the inside out. Flask's name, which extensions use."""
        return find_handler(self.error_handler_spec, e, blueprints)

    def preprocess_request(self) -> Any:
        """Run what comes before the view, and return the first result that is not None."""
        return self._drive(pipeline.preprocess)

    def dispatch_request(self) -> Any:
        """Call the view that matches the current request and return its result, whatever it is."""
        return self._drive(pipeline.dispatch)

    def full_dispatch_request(self) -> Response:
        """Answer the current request: hooks, view, handlers, after-hooks. An exception without a handler is raised."""
        context = find_request_context("request")
        drive(pipeline.handle(self, context, self._runner(), inner=True))
        return cast(Response, context.response)

    def make_default_options_response(self) -> Response:
        """Answer an OPTIONS request with the methods that its URL allows."""
        response = self.response_class("")
        response.allow.update(find_request_context("request").url_adapter.allowed_methods())
        return response

    # From a result to a response.

    def make_response(self, rv: Any) -> Response:
        """Make a response of what a view returned.

        :param rv: ``str``, ``bytes``, ``dict``, ``list``, a tuple, an iterator, a response, or a WSGI callable
        :raises TypeError: for anything else; the text names the view, its file and line
        """
        context = nearest_request_context()
        if context is None:  # a script makes a response of a plain value; what needs a request asks for it
            return make_response(self, rv, lambda: find_request_context("request").request.environ)
        return make_response(self, rv, lambda: context.request.environ, lambda: pipeline.who_answered(context))

    def finalize_request(self, rv: Any, from_error_handler: bool = False) -> Response:
        """Make a response of *rv* and let the after-hooks and the session have it."""
        context = find_request_context("request")
        return drive(pipeline.finalize_here(self, context, rv, self._runner(), from_error_handler))

    def process_response(self, response: Response) -> Response:
        """Run the ``after_request`` functions on *response* and save the session."""
        context = find_request_context("request")
        return cast(Response, drive(pipeline.process(self, context, response, self._runner())))

    # Errors.

    def handle_http_exception(self, e: HTTPException) -> Any:
        """Answer an HTTP exception by the handler for it; without one the exception is its own answer."""
        return self._drive(pipeline.handle_http_exception, e)

    def handle_user_exception(self, e: Exception) -> Any:
        """Answer an exception of a hook or view by the handler for it.

        :raises Exception: *e* again, without a handler
        """
        return self._drive(pipeline.handle_user_exception, e)

    def handle_exception(self, e: Exception) -> Response:
        """Answer an exception that nobody handled with 500; where ``PROPAGATE_EXCEPTIONS`` says so, raise it."""
        return self._drive(pipeline.handle_exception, e)

    def trap_http_exception(self, e: Exception) -> bool:
        """Tell whether an HTTP exception is to be treated like any other, so that a debugger sees it."""
        config = self.config
        if config["TRAP_HTTP_EXCEPTIONS"]:
            return True
        trap = config["TRAP_BAD_REQUEST_ERRORS"]
        if trap is None and self.debug and isinstance(e, BadRequestKeyError):
            return True
        return bool(trap) and isinstance(e, HTTPException) and e.code == 400

    def log_exception(self, exc_info: Any) -> None:
        """Log an exception that nobody handled, with the method and path of its request, without the query."""
        request = find_request_context("request").request
        self.logger.error("Exception on %s [%s]", printable(request.path), printable(request.method), exc_info=exc_info)

    def should_ignore_error(self, error: BaseException | None) -> bool:
        """Tell whether the teardowns should not see *error*; a subclass may decide. The answer here is always no."""
        return False

    # The end.

    def do_teardown_request(self, exc: Any = _current) -> None:
        """Run the ``teardown_request`` functions of the current request, all of them.

        :param exc: what they see; default is the exception that is being handled
        """
        errors: list[BaseException] = []
        context = find_request_context("request")
        exc = sys.exc_info()[1] if exc is _current else exc
        drive(teardown_request(self, context, exc, self._runner(), errors))
        raise_first(self, errors)

    def do_teardown_appcontext(self, exc: Any = _current) -> None:
        """Run the ``teardown_appcontext`` functions, all of them; *exc* as for :meth:`do_teardown_request`."""
        errors: list[BaseException] = []
        exc = sys.exc_info()[1] if exc is _current else exc
        drive(teardown_app(self, exc, self._runner(), errors))
        raise_first(self, errors)

    # Plain and async.

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a plain function for *func*: itself, or one that runs an ``async def`` on the background loop."""
        return self.async_to_sync(func) if is_async(func) else func

    def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Return a plain function that runs the coroutine function *func* on the application's background loop."""
        loop = self._loop

        def run(*args: Any, **kwargs: Any) -> Any:
            return loop.run(func(*args, **kwargs))

        return run
