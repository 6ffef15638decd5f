"""What an application and a blueprint have in common: the decorators that register views, hooks and handlers.

Everything registered lands in the public registries, under the scope None here; a blueprint's move to its own name
when it is registered on an application.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from erlen.callables import describe, is_async
from erlen.context import find_context, find_request_context
from erlen.errors import SetupError
from erlen.http.files import send_from_directory
from erlen.lifecycle.handlers import class_and_code
from erlen.lifecycle.hooks import Changes, HookList, ObservedDict, handler_table, hook_table
from erlen.loading import load
from erlen.packages import get_root_path
from erlen.registration import check_plain, check_signature, endpoint_of, setupmethod

if TYPE_CHECKING:
    from click import Group
    from jinja2 import BaseLoader

__all__ = ["Scaffold", "endpoint_of", "setupmethod"]

F = TypeVar("F", bound=Callable[..., Any])

#: How the registries that plans are compiled from become observed, whoever sets them.
_REGISTRIES: dict[str, Callable[[Changes, Any], Any]] = {
    "view_functions": lambda changes, values: ObservedDict(changes, None, values),
    "route_options": lambda changes, values: ObservedDict(changes, None, values),
    "error_handler_spec": handler_table,
    "before_request_funcs": hook_table,
    "after_request_funcs": hook_table,
    "teardown_request_funcs": hook_table,
    "url_value_preprocessors": hook_table,
    "before_websocket_funcs": hook_table,
    "after_websocket_funcs": hook_table,
    "teardown_appcontext_funcs": HookList,
    "before_first_visit_funcs": HookList,
}


class Scaffold:
    """The common part of :class:`~erlen.Erlen` and :class:`~erlen.Blueprint`.

    :param import_name: the name of the module, usually ``__name__``; templates and files are looked up beside it
    :param static_folder: a folder of files to be served, relative to ``root_path``
    :param static_url_path: where they are served; default is the folder's name
    :param template_folder: a folder of templates, relative to ``root_path``
    :param root_path: the folder of the module, where it cannot be found by the name
    """

    name: str
    _static_folder: str | None = None
    _static_url_path: str | None = None
    _first_context_processors: tuple[Callable[[], dict[str, Any]], ...] = ()

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self._changes = Changes()
        self.import_name = import_name
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder
        self.root_path = get_root_path(import_name) if root_path is None else root_path
        #: Endpoint to view function.
        self.view_functions: dict[str, Callable[..., Any]] = {}
        #: Scope to code (or None) to exception class to handler.
        self.error_handler_spec: dict[str | None, dict[int | None, dict[type[Exception], Callable[..., Any]]]] = {}
        #: Scope to functions, as are all the following.
        self.before_request_funcs: dict[str | None, list[Callable[..., Any]]] = {}
        self.after_request_funcs: dict[str | None, list[Callable[..., Any]]] = {}
        self.teardown_request_funcs: dict[str | None, list[Callable[..., Any]]] = {}
        self.url_value_preprocessors: dict[str | None, list[Callable[..., Any]]] = {}
        self.before_websocket_funcs: dict[str | None, list[Callable[..., Any]]] = {}
        self.after_websocket_funcs: dict[str | None, list[Callable[..., Any]]] = {}
        self.template_context_processors: dict[str | None, list[Any]] = defaultdict(list)
        if self._first_context_processors:
            self.template_context_processors[None].extend(self._first_context_processors)
        self.url_default_functions: dict[str | None, list[Any]] = defaultdict(list)

    def __setattr__(self, name: str, value: Any) -> None:
        make = _REGISTRIES.get(name)
        if make is not None:  # replaced by a plain dict, it would not notice its changes
            value = make(self._changes, value)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    #: Flask's name, which extensions use.
    _get_exc_class_and_code = staticmethod(class_and_code)

    # Commands.

    #: The module whose ``AppGroup`` holds them.
    _commands_module = "erlen.cli.groups"

    @functools.cached_property
    def cli(self) -> Group:
        """The group of its commands, an :class:`erlen.cli.AppGroup`, for ``erlen``. ::

        @app.cli.command("create-user")
        @click.argument("name")
        def create_user(name): ...
        """
        group: Group = load(self._commands_module).AppGroup(self.name)
        return group

    # Files and templates.

    @property
    def static_folder(self) -> str | None:
        """The absolute path of the folder of static files, or None."""
        if self._static_folder is None:
            return None
        return os.path.join(self.root_path, self._static_folder)

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        """Whether a folder of static files was named."""
        return self._static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """The URL prefix of the static files; the folder's name where none was given."""
        if self._static_url_path is not None:
            return self._static_url_path
        if self._static_folder is not None:
            return ("/" + os.path.basename(self._static_folder)).rstrip("/")
        return None

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    @functools.cached_property
    def jinja_loader(self) -> BaseLoader | None:
        """What loads the templates of ``template_folder``, or None without one."""
        if self.template_folder is None:
            return None
        loader: BaseLoader = load("jinja2").FileSystemLoader(os.path.join(self.root_path, self.template_folder))
        return loader

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Tell for how many seconds a browser may keep *filename* without asking; None makes it ask.

        The default is ``SEND_FILE_MAX_AGE_DEFAULT``, in seconds or as a timedelta.
        """
        value = find_context("current_app").app.config["SEND_FILE_MAX_AGE_DEFAULT"]
        return int(value.total_seconds()) if isinstance(value, timedelta) else value

    def send_static_file(self, filename: str) -> Any:
        """Answer with a file of ``static_folder``; the view of the static route.

        :raises RuntimeError: if there is no static folder
        """
        if not self.has_static_folder:
            raise RuntimeError("'static_folder' must be set: there is no folder to send the file from.")
        context = find_request_context("request")
        max_age = self.get_send_file_max_age(filename)
        return send_from_directory(context, cast(str, self.static_folder), filename, max_age=max_age)

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> IO[Any]:
        """Open a file that lies beside the module, for reading.

        :param resource: its path, relative to ``root_path``
        :param mode: ``"r"``, ``"rt"`` or ``"rb"``
        :raises ValueError: for a mode that writes
        """
        if mode not in {"r", "rt", "rb"}:
            raise ValueError(
                f"Resources can only be opened for reading, and the mode is {mode!r}: use 'r', 'rt' or 'rb'."
            )
        path = os.path.join(self.root_path, resource)
        return open(path, mode) if mode == "rb" else open(path, mode, encoding=encoding)

    # Routes.

    def _method_route(self, method: str, rule: str, options: dict[str, Any]) -> Callable[[F], F]:
        if "methods" in options:
            raise TypeError(
                f"Use the 'route' decorator to use the 'methods' argument; {method.lower()}() has only {method}."
            )
        return self.route(rule, methods=[method], **options)

    @setupmethod
    def get(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for GET (and HEAD): ``route`` with ``methods=["GET"]``."""
        return self._method_route("GET", rule, options)

    @setupmethod
    def post(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for POST: ``route`` with ``methods=["POST"]``."""
        return self._method_route("POST", rule, options)

    @setupmethod
    def put(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for PUT: ``route`` with ``methods=["PUT"]``."""
        return self._method_route("PUT", rule, options)

    @setupmethod
    def delete(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for DELETE: ``route`` with ``methods=["DELETE"]``."""
        return self._method_route("DELETE", rule, options)

    @setupmethod
    def patch(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register a view for PATCH: ``route`` with ``methods=["PATCH"]``."""
        return self._method_route("PATCH", rule, options)

    @setupmethod
    def route(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register the decorated function as the view of a URL rule.

        :param rule: for instance ``"/user/<int:id>"``
        :param options: what :meth:`add_url_rule` takes: ``endpoint``, ``methods``, ``defaults``, ``session``, …

        ::

            @app.route("/user/<int:id>", methods=["GET", "POST"])
            def user(id): ...
        """
        if not isinstance(rule, str):
            raise SetupError(
                f"A route needs a URL rule, and was given {describe(rule) if callable(rule) else repr(rule)}. Write "
                "@app.route('/...'), with parentheses and the rule in them."
            )

        def decorator(view: F) -> F:
            self.add_url_rule(rule, options.pop("endpoint", None), view, **options)
            return view

        return decorator

    @setupmethod
    def websocket(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Register the decorated ``async def`` as the view of WebSockets at a URL rule.

        The handshake is a GET request: the ``before_request`` functions run before it, and what they or the view
        return or raise before it is accepted refuses it, with that response. The view ends the socket by returning.

        :param rule: for instance ``"/ws/<room>"``
        :param options: what :meth:`route` takes but ``methods``, and ``max_message_size`` (bytes) and ``message_rate``
            (messages a second) in place of ``WEBSOCKET_MAX_MESSAGE_SIZE`` and ``WEBSOCKET_MESSAGE_RATE``
        :raises SetupError: if the view is a plain ``def``

        ::

            @app.websocket("/ws/<room>")
            async def chat(room):
                async for message in websocket:
                    await websocket.send(f"{room}: {message}")
        """

        def decorator(view: F) -> F:
            if not is_async(view) and not is_async(inspect.unwrap(view)):
                raise SetupError(
                    f"{describe(view)} cannot be the view of a WebSocket: it is plain, and would hold a thread for as "
                    "long as the socket is open. Write async def in place of def, and await what websocket offers. A "
                    "decorator between them has to use functools.wraps."
                )
            if "methods" in options:
                raise SetupError(f"The WebSocket of {describe(view)} has no methods: it is always asked for by GET.")
            for name in ("response_timeout", "body_timeout", "stream", "blocking"):
                if name in options:
                    raise SetupError(
                        f"The WebSocket of {describe(view)} was given {name}=..., which is for requests. Write "
                        "'async with asyncio.timeout(...)' in the view where something may take too long."
                    )
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(
                rule, endpoint, view, provide_automatic_options=False, websocket=True, socket=True, **options
            )
            return view

        return decorator

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a URL rule, and its view function if it is given; see the subclasses."""
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """Register the decorated function as the view of *endpoint*, for a rule that was added without one."""

        def decorator(view: F) -> F:
            self.view_functions[endpoint] = view
            return view

        return decorator

    # Hooks.

    def _add_hook(self, table: Any, role: str, function: F) -> F:
        check_signature(role, function)
        table.setdefault(None, []).append(function)
        return function

    @setupmethod
    def before_request(self, f: F) -> F:
        """Register a function that runs before the view of every request. What it returns, unless None, is the answer.

        ::

            @app.before_request
            def load_user():
                g.user = find_user(session.get("user_id"))
        """
        return self._add_hook(self.before_request_funcs, "before_request", f)

    @setupmethod
    def after_request(self, f: F) -> F:
        """Register a function that is given each response and returns it, or another one.

        It does not run where an exception is raised that no handler answers in debug mode or under test; what must run
        in any case is a :meth:`teardown_request` function.
        """
        return self._add_hook(self.after_request_funcs, "after_request", f)

    @setupmethod
    def teardown_request(self, f: F) -> F:
        """Register a function that runs when a request ends, whatever happened.

        It is given the exception that nobody handled, or None. What it returns is ignored. It must not fail; if it
        does, all the others run all the same.
        """
        return self._add_hook(self.teardown_request_funcs, "teardown_request", f)

    @setupmethod
    def before_websocket(self, f: F) -> F:
        """Register a function to run before the view of each WebSocket, after the ``before_request`` functions.

        What it returns, unless None, is the response that refuses the handshake.
        """
        return self._add_hook(self.before_websocket_funcs, "before_websocket", f)

    @setupmethod
    def after_websocket(self, f: F) -> F:
        """Register a function to run when the view of a WebSocket has ended, before the session is saved.

        It is given None, or the response if the handshake is refused; it then may return another one. What must run in
        any case is a :meth:`teardown_request` function: those run at the end of a WebSocket as of a request.
        """
        return self._add_hook(self.after_websocket_funcs, "after_websocket", f)

    @setupmethod
    def context_processor(self, f: F) -> F:
        """Register a function that returns a dict of values for every template."""
        check_signature("context_processor", f)
        self.template_context_processors[None].append(f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: F) -> F:
        """Register a function that is given the endpoint and the values out of the URL, before the hooks of a request.

        It may change the values, which the view then gets. The endpoint and the values are None where no rule matched.

        ::

            @app.url_value_preprocessor
            def take_language(endpoint, values):
                g.language = values.pop("language", "en") if values else "en"
        """
        return self._add_hook(self.url_value_preprocessors, "url_value_preprocessor", f)

    @setupmethod
    def url_defaults(self, f: F) -> F:
        """Register a function that is given the endpoint and the values of every URL built, and adds to them."""
        check_plain("url_defaults", f)
        self.url_default_functions[None].append(f)
        return f

    @setupmethod
    def errorhandler(self, code_or_exception: type[Exception] | int) -> Callable[[F], F]:
        """Register the decorated function as the answer to a status code or an exception class.

        ::

            @app.errorhandler(404)
            def not_found(error):
                return render_template("404.html"), 404
        """
        class_and_code(code_or_exception)

        def decorator(f: F) -> F:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorator

    @setupmethod
    def register_error_handler(self, code_or_exception: type[Exception] | int, f: Callable[..., Any]) -> None:
        """Register *f* as the answer to a status code or an exception class; :meth:`errorhandler` as a plain method.

        :raises ValueError: if the code is none that can be raised
        :raises TypeError: if it is neither a code nor an exception class
        """
        kind, code = class_and_code(code_or_exception)
        check_signature("errorhandler", f)
        self.error_handler_spec[None][code][kind] = f
