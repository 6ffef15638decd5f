"""``flask.app``: the class ``Flask``, an Erlen application with Flask's defaults."""

from __future__ import annotations

import collections.abc as cabc
import os
import sys
import typing as t
import weakref
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from inspect import iscoroutinefunction
from itertools import chain
from logging import Logger
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as _url_quote

import click
from werkzeug.datastructures import Headers, ImmutableDict
from werkzeug.exceptions import BadRequestKeyError, HTTPException, InternalServerError
from werkzeug.routing import BuildError, MapAdapter, RequestRedirect, RoutingException, Rule
from werkzeug.serving import is_running_from_reloader
from werkzeug.wrappers import Response as BaseResponse
from werkzeug.wsgi import get_host

from erlen.app import Erlen
from erlen.config import FLASK, ConfigAttribute, default_settings
from erlen.config.retired import RETIRED_TYPES
from erlen.context import find_request_context
from erlen.flask import cli
from erlen.flask import typing as ft
from erlen.flask.blueprints import _sentinel
from erlen.flask.config import Config
from erlen.flask.ctx import AppContext, RequestContext, _AppCtxGlobals
from erlen.flask.globals import _cv_app, _cv_request, current_app, g, request, request_ctx, session
from erlen.flask.helpers import get_debug_flag, get_flashed_messages, get_load_dotenv, send_from_directory
from erlen.flask.json.provider import DefaultJSONProvider
from erlen.flask.logging import create_logger
from erlen.flask.sansio.app import (
    App,
    T_shell_context_processor,
    T_template_filter,
    T_template_global,
    T_template_test,
    _make_timedelta,
)
from erlen.flask.sansio.scaffold import T_teardown
from erlen.flask.sessions import SecureCookieSessionInterface, SessionInterface
from erlen.flask.signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)
from erlen.flask.templating import DispatchingJinjaLoader, Environment, _default_template_ctx_processor
from erlen.flask.wrappers import Request, Response
from erlen.loading import load
from erlen.log import printable
from erlen.packages import find_package
from erlen.sessions.users import UserSessions
from erlen.testing import Client

if TYPE_CHECKING:
    from jinja2 import BaseLoader

__all__ = ["Flask"]

#: The settings that Flask documents. Erlen's others count too, but stand in ``app.config`` only where they are set:
#: an extension asks for its own by ``config.get(name, default)`` or ``setdefault``, and the names may be the same.
_DOCUMENTED = (
    "DEBUG",
    "TESTING",
    "PROPAGATE_EXCEPTIONS",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "PERMANENT_SESSION_LIFETIME",
    "USE_X_SENDFILE",
    "TRUSTED_HOSTS",
    "SERVER_NAME",
    "APPLICATION_ROOT",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_PARTITIONED",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_REFRESH_EACH_REQUEST",
    "MAX_CONTENT_LENGTH",
    "MAX_FORM_MEMORY_SIZE",
    "MAX_FORM_PARTS",
    "SEND_FILE_MAX_AGE_DEFAULT",
    "TRAP_BAD_REQUEST_ERRORS",
    "TRAP_HTTP_EXCEPTIONS",
    "EXPLAIN_TEMPLATE_LOADING",
    "PREFERRED_URL_SCHEME",
    "TEMPLATES_AUTO_RELOAD",
    "MAX_COOKIE_SIZE",
    "PROVIDE_AUTOMATIC_OPTIONS",
)
_SETTINGS: Mapping[str, Any] = ImmutableDict(default_settings(FLASK))  # unlike a proxy it can be copied and pickled


class Flask(Erlen):
    """An application with Flask's names and defaults; see :class:`erlen.Erlen` for its arguments.

    Sessions are in a signed cookie, as in Flask, until ``SESSION_TYPE`` or ``SESSION_URL`` names a store: then they are
    Erlen's. A ``session_interface`` of one's own goes before both. ::

        app = Flask(__name__)

        @app.route("/hours")
        def hours():
            return "Open until six"
    """

    defaults = FLASK
    #: The first values of ``config``.
    default_config: Mapping[str, Any] = ImmutableDict(
        {**{name: _SETTINGS[name] for name in _DOCUMENTED}, "DEBUG": None}
    )
    config_class = Config
    app_ctx_globals_class = _AppCtxGlobals
    _commands_module = "erlen.flask.cli"
    _runner_class = "FlaskCliRunner"
    json_provider_class = DefaultJSONProvider
    jinja_environment = Environment
    _first_context_processors = (_default_template_ctx_processor,)
    session_interface: Any = SecureCookieSessionInterface()

    permanent_session_lifetime = ConfigAttribute[timedelta](
        "PERMANENT_SESSION_LIFETIME",
        get_converter=_make_timedelta,  # type: ignore[arg-type] # None is given back, as Flask does
    )

    #: The number of changes of ``config`` after which it was decided who keeps the sessions.
    _sessions_decided = -1
    #: Whether Erlen keeps them in place of ``session_interface``.
    _keeps_sessions = False

    def make_config(self, instance_relative: bool = False) -> Config:
        """Make the configuration, with ``default_config`` in it.

        :param instance_relative: look files up in the instance folder instead of the root path
        """
        root_path = self.instance_path if instance_relative else self.root_path
        config = self.config_class(root_path, {**self.default_config, "DEBUG": get_debug_flag()})
        config.hidden = _SETTINGS
        return config

    def auto_find_instance_path(self) -> str:
        """Find the instance folder by the import name: beside the package, or under the prefix it is installed in."""
        prefix, folder = find_package(self.import_name)
        if prefix is None:
            return os.path.join(folder, "instance")
        return os.path.join(prefix, "var", f"{self.name}-instance")

    @cached_property
    def logger(self) -> Logger:
        """The logger named after the application; see :func:`flask.logging.create_logger`."""
        return create_logger(self)

    def create_global_jinja_loader(self) -> BaseLoader:
        """Make what loads templates from the folders of the application and its blueprints."""
        return DispatchingJinjaLoader(self)

    def template_globals(self) -> dict[str, Any]:
        """Return the names that every template knows; ``url_for`` is this application's, so it needs no context."""
        own = weakref.ref(self)  # the application holds the environment that holds these

        def url_for(endpoint: str, **values: Any) -> str:
            app = own()
            if app is None:
                raise RuntimeError("The application of this template environment is gone: keep a reference to it.")
            return app.url_for(endpoint, **values)

        return {**super().template_globals(), "url_for": url_for}

    # Contexts.

    def app_context(self) -> AppContext:
        """Make a context without a request: ``with app.app_context(): ...``."""
        return AppContext(self)

    def request_context(self, environ: dict[str, Any]) -> RequestContext:
        """Make the context of the request that a WSGI environment describes; nothing is dispatched."""
        return self.context_of(self.request_class(environ))

    def context_of(self, request: Any) -> RequestContext:
        """Make the context of *request*, an object of ``request_class``."""
        if self.config.changes != self._sessions_decided:
            self._decide_sessions()
        return RequestContext(self, None, request)

    # Sessions.

    def _decide_sessions(self) -> None:
        changes = self.config.changes
        self._decide_who_keeps_sessions()
        self._sessions_decided = changes  # last: another thread must not go on with what is half decided

    def _decide_who_keeps_sessions(self) -> None:
        if self.__dict__.get("session_interface") is not None:
            self._keeps_sessions = False
            return  # it was set by hand, or by an extension, perhaps late
        kind = self.config.get("SESSION_TYPE")
        if isinstance(kind, str) and kind.lower() in RETIRED_TYPES:
            kind = "cookie"  # it is meant for Flask-Session, which has not been started, or not yet
        wanted = bool(self.config.get("SESSION_URL")) if kind is None else kind != "cookie"
        if wanted and type(self).session_interface is Flask.session_interface:
            self._keeps_sessions = True
            self.session_interface = None
        elif self._keeps_sessions:
            self._keeps_sessions = False
            self.session_interface = type(self).session_interface
            self.__dict__.pop("session_interface", None)  # another thread may have been quicker

    def freeze(self) -> None:
        """End the set-up; the first request does it."""
        self._decide_sessions()
        super().freeze()

    @property
    def sessions(self) -> UserSessions:
        """All sessions, where Erlen keeps them; see :attr:`erlen.Erlen.sessions`."""
        self._decide_sessions()
        return super().sessions

    def log_exception(self, exc_info: Any) -> None:
        """Log an exception that nobody handled, in a line that says "ERROR in app", the name of this module."""
        visited = find_request_context("request").request
        path, method = printable(visited.path), printable(visited.method)
        self.logger.error("Exception on %s [%s]", path, method, exc_info=exc_info)

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> Client:
        """Make a client that sends requests to this application in process.

        :param use_cookies: keep cookies from request to request
        :param kwargs: passed on to ``test_client_class``
        """
        cls: Any = self.test_client_class or load("erlen.flask.testing").FlaskClient
        client: Client = cls(self, self.response_class, use_cookies=use_cookies, **kwargs)
        return client

    # What takes other arguments than Erlen's.

    def redirect(self, location: str, code: int | None = 302) -> Any:
        """Answer with a redirect."""
        return super().redirect(location, code)

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: Any,
    ) -> None:
        """Serve the application by Werkzeug's development server, until Ctrl-C. Not for production.

        While a ``flask`` command imports the module, the call is ignored with a notice.

        :param host: the address to listen on; default is the host of ``SERVER_NAME``, or 127.0.0.1
        :param port: the port; default is that of ``SERVER_NAME``, or 5000
        :param debug: sets debug mode
        :param load_dotenv: read ``.env`` and ``.flaskenv``
        :param options: passed on to :func:`werkzeug.serving.run_simple`
        """
        load("erlen.flask.serving").run_application(self, host, port, debug, load_dotenv, options)


Flask._originals = {**Erlen._originals, "request_context": Flask.request_context}
