"""The test client: Werkzeug's, which knows the application's URLs, JSON and sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import copy
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder as WerkzeugEnvironBuilder
from werkzeug.wrappers import Request as WerkzeugRequest

from erlen.application import SetupValueError
from erlen.callables import drive
from erlen.context import Context
from erlen.current import current
from erlen.lifecycle.pipeline import PROPAGATE
from erlen.loading import load
from erlen.testing.cookies import ExpiringCookies
from erlen.wsgi import ENVIRON, PRESERVE

__all__ = ["Client", "EnvironBuilder", "default_base", "make_request", "outside_scope"]


class BaseUrlConflict(SetupValueError, AssertionError):
    """A request was given a base URL, and a part of it besides."""


class EnvironBuilder(WerkzeugEnvironBuilder):
    """Builds the WSGI environment of a request to *app*, with the base URL from its configuration.

    :param path: a path, or a whole URL
    :param base_url: in place of ``PREFERRED_URL_SCHEME``, ``SERVER_NAME`` and ``APPLICATION_ROOT``
    :param subdomain: put in front of ``SERVER_NAME``
    :param url_scheme: in place of ``PREFERRED_URL_SCHEME``; the scheme of a whole URL wins
    :param args: what :class:`werkzeug.test.EnvironBuilder` takes: ``method``, ``data``, ``json``, ``headers``, …
    :raises ValueError: for a base URL together with a subdomain or scheme; an AssertionError too, as in Flask
    """

    def __init__(
        self,
        app: Any,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if base_url is not None and (subdomain or url_scheme):
            raise BaseUrlConflict(
                'Cannot pass "subdomain" or "url_scheme" with "base_url": the base URL has both in it.'
            )
        if base_url is None:
            host = app.config["SERVER_NAME"] or "localhost"
            if subdomain:
                host = f"{subdomain}.{host}"
            parts = urlsplit(path)
            scheme = parts.scheme or url_scheme or app.config["PREFERRED_URL_SCHEME"]
            base_url = f"{scheme}://{parts.netloc or host}/{(app.config['APPLICATION_ROOT'] or '/').lstrip('/')}"
            path = parts.path
            if parts.query:
                path = f"{path}?{parts.query}"
        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def json_dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write *obj* as the application's JSON provider does."""
        return self.app.json.dumps(obj, **kwargs)  # type: ignore[no-any-return]


def default_base() -> dict[str, Any]:
    """Return what a client adds to the environment of its requests until a test says otherwise."""
    version = load("importlib.metadata").version("werkzeug")
    return {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": f"Werkzeug/{version}"}


def make_request(
    app: Any, args: tuple[Any, ...], kwargs: dict[str, Any], complete: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> WerkzeugRequest:
    """Make the request that a test has asked a client for.

    :param args: what :class:`EnvironBuilder` takes, or one environment, builder or request
    :param complete: gives the environment that it is to be built on, or that was given, with what the client adds
    """
    first = args[0] if args else None
    if isinstance(first, WerkzeugEnvironBuilder):
        request = copy(first)
        request.environ_base = complete(request.environ_base or {})
        return request.get_request()
    if isinstance(first, dict):
        return WerkzeugRequest(complete(first))
    if isinstance(first, WerkzeugRequest):
        return WerkzeugRequest(complete(first.environ))
    kwargs["environ_base"] = complete(kwargs.get("environ_base") or {})
    builder = EnvironBuilder(app, *args, **kwargs)
    try:
        return builder.get_request()
    finally:
        builder.close()


def outside_scope(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an ASGI scope does not say of *environ*, to be put into it under :data:`erlen.wsgi.ENVIRON`."""
    return {key: value for key, value in environ.items() if not key.startswith(("HTTP_", "wsgi."))}


def ask_over_asgi(app: Any, environ: dict[str, Any]) -> tuple[Iterable[bytes], str, Headers]:
    """Ask *app* over ASGI for what a WSGI *environ* describes; return body, status line and headers.

    What a test has put into the environ stands in the environ of the request too.
    """
    bridge = load("erlen.bridge")
    scope = bridge.scope_of(environ)
    scope[ENVIRON] = outside_scope(environ)
    status, headers, body = bridge.call_asgi(app.asgi, app._loop.get(), scope, environ)
    return body, status, Headers(headers)


def _hold(made: list[Context], context: Context) -> None:
    context.hold()
    made.append(context)


class Client(ExpiringCookies):
    """Sends requests to an application without a server; see :class:`werkzeug.test.Client` for all of its methods.

    It keeps cookies as a browser does, and forgets them when their time is over.

    In a ``with`` statement the context of the last request is kept, so that ``request``, ``session`` and ``g`` can be
    looked at afterwards. ::

        with app.test_client() as client:
            response = client.post("/login", data={"name": "ada"})
            assert response.status_code == 303 and session["user"] == "ada"

    :param args: what :class:`werkzeug.test.Client` takes
    :param interface: ``"wsgi"``, or ``"asgi"`` to ask the application as an ASGI server does, through ``asgi_app``
    :raises ValueError: for another interface
    """

    application: Any

    def __init__(self, *args: Any, interface: str = "wsgi", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if interface not in ("wsgi", "asgi"):
            raise ValueError(f"interface={interface!r} is neither 'wsgi' nor 'asgi'.")
        #: What the client speaks with the application.
        self.interface = interface
        self.preserve_context = False
        self._kept: list[Context] = []
        self._made: list[Context] = []
        #: Added to the environment of every request.
        self.environ_base = default_base()

    def _copy_environ(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        result = {PROPAGATE: True, **self.environ_base, **environ}
        if self.preserve_context:
            # Of the client only the list: the environ of a request that is kept would be a cycle.
            ends = self.application.defaults.ends_kept_contexts
            result[PRESERVE] = self._made.append if ends else partial(_hold, self._made)
        return result

    def _request_from_builder_args(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> WerkzeugRequest:
        return make_request(self.application, args, kwargs, self._copy_environ)  # its name is known to Flask-SocketIO

    def open(self, *args: Any, buffered: bool = False, follow_redirects: bool = False, **kwargs: Any) -> Any:
        """Send a request and return its response.

        :param args: what :class:`EnvironBuilder` takes, or one environment, builder or request
        :param buffered: read the body to its end and close it before returning
        :param follow_redirects: go where redirects lead, and return the last response
        """
        sent = self._request_from_builder_args(args, kwargs)
        self._release()
        try:
            response = super().open(sent, buffered=buffered, follow_redirects=follow_redirects)
        except BaseException as error:
            self._let_go(self._take_made(), error)
            raise
        response.json_module = self.application.json
        made = self._take_made()
        self._let_go(made[:-1])  # of a chain of redirects the last request is the one to look at
        for context in made[-1:]:
            context.push()
            if not self.application.defaults.ends_kept_contexts:
                context._holds -= 1  # the push is the hold from now on
            self._kept.append(context)
        return response

    def run_wsgi_app(self, environ: Any, buffered: bool = False) -> tuple[Iterable[bytes], str, Headers]:
        """Ask the application, over the client's interface."""
        if self.interface == "wsgi":
            return super().run_wsgi_app(environ, buffered)
        self._add_cookies_to_wsgi(environ)
        answer = ask_over_asgi(self.application, environ)
        self._update_cookies_from_response(
            environ.get("HTTP_HOST", "localhost").partition(":")[0],
            environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
            answer[2].getlist("Set-Cookie"),
        )
        return answer

    def _take_made(self) -> list[Context]:
        made = self._made[:]
        self._made.clear()  # the environ of each request holds this list
        return made

    def _let_go(self, contexts: list[Context], error: BaseException | None = None) -> None:
        for context in () if self.application.defaults.ends_kept_contexts else contexts:
            previous = current.get(None)
            current.set(context)  # its teardowns ask for it
            try:
                context.release(error)
            finally:
                context.leave(previous)

    def _release(self) -> None:
        while self._kept:
            self._kept.pop().pop()

    def __enter__(self) -> Client:
        if self.preserve_context:
            raise RuntimeError("Cannot nest client invocations: this client is already used in a with statement.")
        self.preserve_context = True
        return self

    def __exit__(self, *details: Any) -> None:
        self.preserve_context = False
        self._release()

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Open the session that the next request will have, to look into it or to change it. ::

            with client.session_transaction() as session:
                session["user"] = "ada"

        :param args: the request to open it for, as for :meth:`open`
        :raises TypeError: if the client keeps no cookies
        """
        if self._cookies is None:
            raise TypeError("Cookies are disabled in this client. Make one that keeps them: app.test_client().")
        app = self.application
        with ExitStack() as stack:
            context = app.test_request_context(*args, **kwargs)
            self._add_cookies_to_wsgi(context.request.environ)
            stack.enter_context(context)
            interface = app.session_interface
            # Asked itself, because a context that was given no session has a null session in its place.
            session = context.session if interface is None else interface.open_session(app, context.request)
            if session is None:
                raise RuntimeError("Session backend did not open a session. A session in a cookie needs SECRET_KEY.")
            context.session = session
            outer = current.get(None)
            current.set(context._previous[-1] if context._previous else None)
            try:
                yield session
            finally:
                current.set(outer)
            response = app.response_class()
            if interface is not None:
                if interface.is_null_session(session):
                    return
                interface.save_session(app, session, response)
            else:
                saved = drive(app.session_manager.save(session))
                context.session_mode = "done"
                if saved is not None and saved.cookie is not None:
                    response.headers.add("Set-Cookie", saved.cookie)
            self._update_cookies_from_response(
                context.request.host.partition(":")[0],
                context.request.path,
                response.headers.getlist("Set-Cookie"),
            )
