"""The front door: ``class Erlen``, the application with its protocol, its names in templates, and its test tools."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from erlen import globals as proxies
from erlen import testing as tools  # its names are loaded when they are used
from erlen.application import Application
from erlen.context import Context
from erlen.helpers import get_flashed_messages, url_for
from erlen.loading import load
from erlen.wsgi import StartResponse, wsgi_app

if TYPE_CHECKING:
    from click.testing import CliRunner

__all__ = ["Erlen"]


class Erlen(Application):
    """An application: it is put together by decorators, and answers requests as a WSGI callable.

    :param import_name: the name of the module, usually ``__name__``; templates and files are looked up beside it
    :param static_url_path: where static files are served; default is the name of the folder
    :param static_folder: the folder of static files, relative to ``root_path``; None for none
    :param static_host: the host of the static route, with ``host_matching``
    :param host_matching: match rules by the whole host
    :param subdomain_matching: match rules by the subdomain of ``SERVER_NAME``
    :param template_folder: the folder of templates, relative to ``root_path``
    :param instance_path: the absolute path of the instance folder; default is ``instance`` beside the module
    :param instance_relative_config: read configuration files from the instance folder
    :param root_path: the folder of the application, where it cannot be found by the import name

    ::

        app = Erlen(__name__)

        @app.route("/")
        def index():
            return "Hello, World!"
    """

    #: The class of :meth:`test_client`'s result; None means :class:`erlen.testing.Client`.
    test_client_class: type[tools.Client] | None = None
    #: The class of :meth:`async_test_client`'s result; None means :class:`erlen.testing.AsyncClient`.
    async_test_client_class: type[tools.AsyncClient] | None = None
    #: The class of :meth:`test_cli_runner`'s result; None means :class:`erlen.testing.cli_runner.ErlenCliRunner`.
    test_cli_runner_class: type[CliRunner] | None = None
    _runner_class = "ErlenCliRunner"

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as WSGI asks it (PEP 3333). Middleware wraps :meth:`wsgi_app`, not this."""
        return self.wsgi_app(environ, start_response)

    wsgi_app = wsgi_app

    @property
    def asgi(self) -> Any:
        """The application as an ASGI callable, for servers that speak ASGI: ``uvicorn app:app.asgi``."""
        # A new object each time: one that is kept would make a cycle with the application, which would not be freed
        # then.
        return load("erlen.asgi").AsgiCallable(self)

    async def asgi_app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request, as ASGI asks it; to be wrapped by ASGI middleware. ::

        app.asgi_app = SentryAsgiMiddleware(app.asgi_app)
        """
        await load("erlen.asgi").answer(self, scope, receive, send)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request, as RSGI asks it: ``granian --interface rsgi app:app``."""
        await load("erlen.rsgi").RsgiCallable(self)(scope, protocol)

    def __rsgi_init__(self, loop: Any) -> None:
        """Start the application with a worker, so that one that cannot work is not served at all."""
        loop.run_until_complete(load("erlen.lifecycle.serving").serving_of(self).start(self))

    def __rsgi_del__(self, loop: Any) -> None:
        """End the application with its worker."""
        loop.run_until_complete(load("erlen.lifecycle.serving").serving_of(self).stop(self))

    def template_globals(self) -> dict[str, Any]:
        """Return the names that every template knows, imported ones too."""
        return {
            **super().template_globals(),
            "url_for": url_for,
            "get_flashed_messages": get_flashed_messages,
            "request": proxies.request,
            "session": proxies.session,
            "g": proxies.g,
        }

    def make_shell_context(self) -> dict[str, Any]:
        """Collect the names for an interactive shell: ``app``, ``g``, and what the processors add."""
        values: dict[str, Any] = {"app": self, "g": proxies.g}
        for processor in self.shell_context_processors:
            values.update(processor())
        return values

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: Any,
    ) -> None:
        """Serve the application for development, until Ctrl-C: what ``erlen run`` does, from a script. ::

            if __name__ == "__main__":
                app.run(debug=True)

        While a command of ``erlen`` imports the module, the call is ignored with a warning. In production use
        ``erlen serve``.

        :param host: the address to listen on; default is the host of ``SERVER_NAME``, or 127.0.0.1
        :param port: the port, 0 for any that is free; default is that of ``SERVER_NAME``, or 5000
        :param debug: sets debug mode
        :param load_dotenv: read ``.env`` and ``.erlenenv``
        :param options: ``use_reloader`` (default: in debug mode), ``extra_files``, ``exclude_patterns``, ``threaded``,
            and ``ssl_context``: a certificate and its key, or ``"adhoc"``. What else Flask's server takes is ignored.
        """
        if os.environ.get("ERLEN_RUN_FROM_CLI") == "true":
            sys.stderr.write(
                " * Ignoring a call to 'app.run()' that would block the current 'erlen' command.\n"
                "   Only call 'app.run()' under: if __name__ == \"__main__\":\n"
            )
            return
        cli = load("erlen.cli")
        wanted = load("erlen.cli.dotenv").wants_dotenv(load_dotenv)
        if wanted:
            cli.load_dotenv()
        flag = cli.get_debug_flag()
        if wanted and flag is not None:
            self.debug = flag
        if debug is not None:
            self.debug = bool(debug)
        name, _, own_port = (self.config["SERVER_NAME"] or "").partition(":")
        load("erlen.servers.script").run_application(
            self, host or name or "127.0.0.1", int(own_port or 5000) if port is None else int(port), options
        )

    def test_cli_runner(self, **kwargs: Any) -> CliRunner:
        """Make a runner that calls commands of this application in process.

        :param kwargs: passed on to ``test_cli_runner_class``
        """
        cls: Any = self.test_cli_runner_class or getattr(load("erlen.testing.cli_runner"), self._runner_class)
        runner: CliRunner = cls(self, **kwargs)
        return runner

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> tools.Client:
        """Make a client that sends requests to this application in process.

        :param use_cookies: keep cookies from request to request
        :param kwargs: passed on to ``test_client_class``
        """
        cls = self.test_client_class or tools.Client
        return cls(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def async_test_client(self, use_cookies: bool = True, **kwargs: Any) -> tools.AsyncClient:
        """Make a client that sends requests to this application on the running loop, as an ASGI server does. ::

            async with app.async_test_client() as client:
                response = await client.get("/")

        :param use_cookies: keep cookies from request to request
        :param kwargs: passed on to ``async_test_client_class``: ``lifespan=False`` starts and ends nothing
        """
        cls = self.async_test_client_class or tools.AsyncClient
        return cls(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_request_context(self, *args: Any, **kwargs: Any) -> Context:
        """Make the context of a made-up request, for tests and the shell; nothing is dispatched.

        :param args: what :class:`erlen.testing.EnvironBuilder` takes: the path, ``method``, ``data``, ``json``, …

        ::

            with app.test_request_context("/hello", method="POST"):
                assert request.path == "/hello"
        """
        builder = tools.EnvironBuilder(self, *args, **kwargs)
        try:
            return self.request_context(builder.get_environ())
        finally:
            builder.close()


Erlen._originals = {**Application._originals, "asgi_app": Erlen.asgi_app}
