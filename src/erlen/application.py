"""The application without a protocol: it owns the parts, is put together, and freezes when its first request comes."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import threading
import warnings
from abc import ABCMeta
from collections.abc import Callable, ValuesView
from datetime import timedelta
from functools import cached_property
from typing import IO, Any, TypeVar

from werkzeug.exceptions import Aborter

from erlen.blueprints import Blueprint
from erlen.callables import describe, user_frame
from erlen.config import DURATION, ERLEN, Config, ConfigAttribute, Defaults, default_settings, seconds
from erlen.context import AppGlobals, Context
from erlen.errors import EndpointConflict, SetupError, SetupFinished, nearest
from erlen.http.request import Request
from erlen.http.response import Response
from erlen.http.websocket import WebSocket
from erlen.json import PROVIDERS, JSONProvider
from erlen.lifecycle.hooks import Changes
from erlen.lifecycle.plan import OVERRIDABLE
from erlen.log import create_logger
from erlen.packages import find_package
from erlen.placement import Placement
from erlen.registration import check_signature, endpoint_of, setupmethod
from erlen.routing import Map, Rule
from erlen.routing.adoption import rule_class
from erlen.routing.map import adopt_map, map_class
from erlen.serving_setup import ServingSetup
from erlen.session_setup import SessionSetup
from erlen.static import add_static_route
from erlen.steps import Steps
from erlen.template_setup import TemplateSetup
from erlen.urls import UrlBuilding

__all__ = ["Application", "RouteConflictWarning"]

F = TypeVar("F", bound=Callable[..., Any])

_LIMITS = ("response_timeout", "body_timeout")
_ROUTE_OPTIONS = (
    *("session", "cross_site", "blocking", "static", "stream"),
    *("socket", "max_message_size", "message_rate"),
    *_LIMITS,
)
_SESSION_MODES = ("none", "readonly", "shared", "exclusive", "strict")
#: What a plan is compiled from besides the registries.
_PLANNED = OVERRIDABLE | {
    *("json", "request_class", "request_context", "response_class", "session_interface", "subdomain_matching"),
    *("asgi_app", "trap_http_exception", "url_map"),
}
#: What is asked about besides them, whether an application has it of its own.
_ASKED = {"request_context", "trap_http_exception"}


class RouteConflictWarning(UserWarning):
    """Two URL rules are the same, or one is wholly hidden by another."""


class _ApplicationType(ABCMeta):
    """Notices methods that are put on an application class while applications of it live.

    It is a kind of ``ABCMeta``, so that an application class can have abstract methods.
    """

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _PLANNED:
            _note_all()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if name in _PLANNED:
            _note_all()


def _note_all() -> None:
    for changes in list(Changes.living):
        changes.generation += 1
        changes.note()


class Application(ServingSetup, SessionSetup, Steps, UrlBuilding, Placement, TemplateSetup, metaclass=_ApplicationType):
    """What :class:`erlen.Erlen` is, without a protocol, a test client and a command line."""

    #: The row of the table of defaults that this class starts from.
    defaults: Defaults = ERLEN

    request_class: type[Request] = Request
    websocket_class: type[WebSocket] = WebSocket
    response_class: type[Response] = Response
    config_class: type[Config] = Config
    url_rule_class: type[Rule] = Rule
    url_map_class: type[Map] = Map
    app_ctx_globals_class: type[Any] = AppGlobals
    aborter_class: type[Aborter] = Aborter
    json_provider_class: type[JSONProvider] | None = None
    #: The classes of the test client and of the runner for commands; None means those of ``erlen.testing``.
    test_client_class: Any = None
    test_cli_runner_class: Any = None
    #: A foreign session interface, as Flask extensions set it; None means Erlen's own sessions.
    session_interface: Any = None

    testing = ConfigAttribute[bool]("TESTING")
    secret_key = ConfigAttribute[Any]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute[timedelta](
        "PERMANENT_SESSION_LIFETIME", get_converter=lambda value: timedelta(seconds=seconds(value))
    )

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        # Every request looks at these two rows, and an attribute of the application is the cheapest to look at.
        self._reuses_app_context = self.defaults.reuses_app_context
        self._answers_in_context = self.defaults.answers_in_context
        if instance_path is None:
            instance_path = self.auto_find_instance_path()
        elif not os.path.isabs(instance_path):
            raise SetupValueError(
                f"If an instance path is provided it must be absolute, and {instance_path!r} is relative to whatever "
                "the working directory is. Write os.path.abspath(...)."
            )
        #: The folder for what belongs to this installation: databases, secrets, uploads.
        self.instance_path = instance_path
        self.config = self.make_config(instance_relative_config)
        self.config.follower = self._changes  # plans are compiled from settings, too
        self.aborter = self.make_aborter()
        self.json: JSONProvider = (self.json_provider_class or PROVIDERS[self.defaults.json_provider])(self)
        self.url_build_error_handlers: list[Callable[[Exception, str, dict[str, Any]], str]] = []
        self.teardown_appcontext_funcs: list[Callable[[BaseException | None], Any]] = []
        self.shell_context_processors: list[Callable[[], dict[str, Any]]] = []
        self.before_first_request_funcs: list[Callable[[], Any]] = []
        self.before_first_visit_funcs: list[Callable[[], Any]] = []
        #: Registered name to blueprint.
        self.blueprints: dict[str, Blueprint] = {}
        #: Where extensions keep their state, under their names.
        self.extensions: dict[str, Any] = {}
        #: What Erlen knows of an endpoint besides its rules, such as ``session="readonly"``.
        self.route_options: dict[str, dict[str, Any]] = {}
        self.url_map = map_class(self.url_map_class)(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching
        self._got_first_request = False
        self._freezing = threading.RLock()
        if self.has_static_folder:
            if bool(static_host) != host_matching:
                raise StaticHostError(
                    "Invalid static_host/host_matching combination: with host_matching=True write static_host='...', "
                    "and only then."
                )
            add_static_route(self, self.add_url_rule, self.static_url_path or "", static_host)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "url_map":
            value = adopt_map(value)
        super().__setattr__(name, value)
        if name == "_got_first_request" and not value:
            self._ready = False
        if name in _PLANNED and "_changes" in self.__dict__:
            self._changes.generation += 1
            self._changes.note()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name in _PLANNED:
            self._changes.generation += 1
            self._changes.note()

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise SetupFinished(f_name, "the application")

    # What it is made of.

    @cached_property
    def name(self) -> str:  # type: ignore[override]
        """The import name, or the name of the file where it is run as a script."""
        if self.import_name == "__main__":
            filename: str | None = getattr(sys.modules["__main__"], "__file__", None)
            if filename is None:
                return "__main__"
            return os.path.splitext(os.path.basename(filename))[0]
        return self.import_name

    @property
    def got_first_request(self) -> bool:
        """Whether a request has come, so that set-up is over."""
        return self._got_first_request

    @cached_property
    def logger(self) -> logging.Logger:
        """The logger named after the application, which writes to the server's error stream by default."""
        return create_logger(self.name, self.debug)

    @property
    def debug(self) -> bool:
        """Whether debug mode is on (``DEBUG``): errors are explained, templates are loaded anew when they change."""
        return self.config["DEBUG"]  # type: ignore[no-any-return]

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        if self.config["TEMPLATES_AUTO_RELOAD"] is None and "jinja_env" in self.__dict__:
            self.jinja_env.auto_reload = value

    def make_config(self, instance_relative: bool = False) -> Config:
        """Make the configuration, with the defaults in it.

        :param instance_relative: look files up in the instance folder instead of the root path
        """
        root_path = self.instance_path if instance_relative else self.root_path
        values = default_settings(self.defaults)
        values["DEBUG"] = os.environ.get(f"{self.defaults.env_prefix}_DEBUG", "").lower() in ("1", "true", "yes", "on")
        config = self.config_class(root_path, values)
        config.env_prefix = self.defaults.env_prefix
        return config

    def make_aborter(self) -> Aborter:
        """Make what :func:`erlen.abort` calls: an :class:`werkzeug.exceptions.Aborter`."""
        return self.aborter_class()

    def auto_find_instance_path(self) -> str:
        """Find the instance folder: beside the package, or under the prefix where the package is installed."""
        prefix, package_path = find_package(self.import_name, self.root_path)
        if prefix is None:
            return os.path.join(package_path, "instance")
        return os.path.join(prefix, "var", f"{self.name}-instance")

    def open_instance_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> IO[Any]:
        """Open a file in the instance folder; unlike :meth:`open_resource` it may be written."""
        path = os.path.join(self.instance_path, resource)
        return open(path, mode) if "b" in mode else open(path, mode, encoding=encoding)

    def freeze(self) -> None:
        """End the set-up: check the configuration, compile the routes. The first request does it.

        :raises ConfigError: if a setting cannot work
        """
        with self._freezing:
            if self._got_first_request:
                return
            if self.defaults.checks_settings:
                self.config.check()
            if self.session_interface is None or self.defaults.checks_settings:
                self._find_secret_key()
            if self.session_interface is None:
                self._prepare_sessions()  # a store that cannot be had is refused now, too
            self._check_conflicts()
            for mount in self._mounts:
                if mount.interface == "erlen":
                    mount.application.freeze()
            after = self._report_after()
            if after:
                self._loop.report(after, self.logger)
            self._got_first_request = True

    def _report_after(self) -> float:
        found = self.config["SLOW_CALLBACK_REPORT"]
        if found is None:
            return 0.1 if self.debug else 0.0
        return seconds(found)

    def _check_conflicts(self) -> None:
        self.url_map.freeze()
        if self.defaults.warn_route_conflicts:
            for conflict in self.url_map.conflicts():
                if conflict.rule.endpoint in self.view_functions:  # without a view it is a name to build the URL by
                    warnings.warn(str(conflict), RouteConflictWarning, stacklevel=2)

    # Routes.

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Register *blueprint*, perhaps not for the first time.

        :param options: ``url_prefix``, ``subdomain``, ``url_defaults``, ``cli_group`` and ``name`` in place of the
            blueprint's own
        """
        blueprint.register(self, options)

    def iter_blueprints(self) -> ValuesView[Blueprint]:
        """Give the registered blueprints in the order of their registration."""
        return self.blueprints.values()

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a URL rule, and its view function if it is given.

        :param rule: for instance ``"/user/<int:id>"``
        :param endpoint: the name to build URLs by; default is the view's name
        :param provide_automatic_options: answer OPTIONS requests; default is yes, unless ``methods`` has OPTIONS
        :param options: ``methods`` (a list; default GET), ``defaults``, ``strict_slashes``, ``host``, ``subdomain`` and
            what else :class:`~erlen.routing.Rule` takes; ``session="none" | "readonly" | "shared" | "exclusive" |
            "strict"``; ``cross_site=True`` for a route that other sites may send forms to; ``stream=True`` for a view
            that takes the body of its request as it comes; ``blocking=False`` for a plain view so quick that it may
            run on the event loop of a server that has one; ``response_timeout`` and ``body_timeout`` (seconds, a
            ``timedelta``, or None for no limit) in place of the settings of these names
        :raises AssertionError: if the endpoint already has another view function
        """
        if endpoint is None:
            endpoint = endpoint_of(view_func, rule)
        methods, automatic = self._methods(view_func, options.pop("methods", None), provide_automatic_options)
        route_options = {key: options.pop(key) for key in _ROUTE_OPTIONS if key in options}
        self._keep_route_options(endpoint, route_options)
        where = user_frame()
        try:
            made = rule_class(self.url_rule_class)(rule, endpoint=endpoint, methods=methods, **options)
        except TypeError as error:
            known = [*_ROUTE_OPTIONS, *inspect.signature(self.url_rule_class).parameters]
            unknown = [name for name in options if name not in known]
            if not unknown:
                raise
            raise UnknownRouteOption(endpoint, unknown[0], nearest(unknown[0], known)) from error
        made.provide_automatic_options = automatic
        made.where = None if where is None else f"{where[0]}:{where[1]}"
        self.url_map.add(made)
        if view_func is not None:
            existing = self.view_functions.get(endpoint)
            if existing is not None and existing != view_func:
                raise EndpointConflict(endpoint, describe(existing), describe(view_func))
            self.view_functions[endpoint] = view_func

    def _methods(self, view: Any, given: Any, automatic: bool | None) -> tuple[set[str], bool]:
        methods = getattr(view, "methods", None) or ("GET",) if given is None else given
        if isinstance(methods, str):
            raise TypeError(
                f'Allowed methods must be a list of strings, for example: @app.route(..., methods=["{methods}"])'
            )
        chosen = {method.upper() for method in methods}
        required = set(getattr(view, "required_methods", ()))
        if automatic is None:
            automatic = getattr(view, "provide_automatic_options", None)
        if automatic is None:
            automatic = "OPTIONS" not in chosen and bool(self.config["PROVIDE_AUTOMATIC_OPTIONS"])
        if automatic:
            required.add("OPTIONS")
        return chosen | required, automatic

    def _keep_route_options(self, endpoint: str, options: dict[str, Any]) -> None:
        mode = options.get("session", "shared")
        if mode not in _SESSION_MODES:
            near = nearest(str(mode), _SESSION_MODES)
            hint = f" Did you mean {near!r}?" if near else ""
            raise SetupValueError(
                f"session={mode!r} in the route of {endpoint!r} is none of {', '.join(_SESSION_MODES)}.{hint}"
            )
        if not isinstance(options.get("blocking", True), bool):
            raise SetupValueError(
                f"blocking={options['blocking']!r} in the route of {endpoint!r} is neither True nor False. Write "
                "blocking=False for a plain view that may run on the event loop, and nothing for any other."
            )
        if type(options.get("stream", False)) is not bool:
            raise SetupValueError(f"stream={options['stream']!r} in the route of {endpoint!r}: write stream=True.")
        for name in _LIMITS:
            if options.get(name) is not None and not DURATION.fits(options[name]):
                raise SetupValueError(
                    f"{name}={options[name]!r} in the route of {endpoint!r} is no time limit: write "
                    f"{DURATION.accepts}, or None for no limit."
                )
        known = self.route_options.get(endpoint)
        if known is not None and known != options:
            raise SetupValueError(
                f"The rules of endpoint {endpoint!r} differ in their options: {known} and {options}. They belong to "
                "the endpoint, so write the same in each rule, or give one rule another endpoint."
            )
        self.route_options[endpoint] = options

    # Hooks that only an application has.

    @setupmethod
    def teardown_appcontext(self, f: F) -> F:
        """Register a function to run when a context ends: at the end of each request, command or ``with`` block.

        It is given the exception that nobody handled, or None. This is where what stands on ``g`` is closed. ::

            @app.teardown_appcontext
            def close_database(error):
                if (db := g.pop("db", None)) is not None:
                    db.close()
        """
        check_signature("teardown_appcontext", f)
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def before_first_request(self, f: F) -> F:
        """Register a function to run once per process, before the first request is answered.

        Other requests wait for it. If it raises, that request fails, and the next one tries again.
        """
        check_signature("before_first_request", f)
        self.before_first_request_funcs.append(f)
        return f

    @setupmethod
    def before_first_visit(self, f: F) -> F:
        """Register a function to run when a visitor comes without a session, before the ``before_request`` functions.

        What it returns, unless None, is the answer. Registering one makes a first visit write a marker to the session,
        so that the second visit is none. Requests for static files, HEAD and OPTIONS requests, those that no rule
        matches, and routes with ``session="none"`` or ``"readonly"`` do not count. A cookie that loads no session
        counts as none: visitors whose client refuses cookies are always first, and requests that a new visitor sends
        at once may each be. ::

            @app.before_first_visit
            def greet():
                flash("Welcome!")
        """
        check_signature("before_first_visit", f)
        self.before_first_visit_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: F) -> F:
        """Register a function that returns a dict of names for the interactive shell."""
        self.shell_context_processors.append(f)
        return f

    # Contexts.

    def app_context(self) -> Context:
        """Make a context without a request, for commands, scripts and tests: ``with app.app_context(): ...``."""
        return Context(self)

    def request_context(self, environ: dict[str, Any]) -> Context:
        """Make the context of the request that a WSGI environment describes; nothing is dispatched."""
        return Context(self, self.request_class(environ))  # not by context_of: each call costs

    def _makes_context(self) -> bool:
        own = self.__dict__.get("request_context") or type(self).request_context
        return own is not Application.request_context or type(self).context_of is not Application.context_of

    def context_of(self, request: Request) -> Context:
        """Make the context of *request*, an object of ``request_class``."""
        return Context(self, request)


Application._originals = {name: getattr(Application, name) for name in OVERRIDABLE | _ASKED}


class UnknownRouteOption(SetupError, TypeError):
    """A route was given an option that there is none of."""

    def __init__(self, endpoint: str, option: str, near: str | None) -> None:
        super().__init__(endpoint, option, near)
        self.endpoint = endpoint
        self.option = option
        self.near = near

    def __str__(self) -> str:
        hint = f" Did you mean {self.near!r}?" if self.near else ""
        return f"The route of {self.endpoint!r} was given {self.option}=..., and a route has no such option.{hint}"


class SetupValueError(SetupError, ValueError):
    """An argument of the application's set-up has a value that cannot work."""


class StaticHostError(SetupValueError, AssertionError):
    """``static_host`` was given without ``host_matching``, or is missing with it."""
