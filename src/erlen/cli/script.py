"""What a command knows of its application: where it is, how it is made, and whether it is loaded yet."""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import click

from erlen.application import Application
from erlen.cli.discovery import NoAppException, find_by_default, import_application
from erlen.cli.dotenv import wants_dotenv
from erlen.context import has_app_context
from erlen.current import current
from erlen.loading import load

__all__ = [
    "ScriptInfo",
    "find_info",
    "finished",
    "get_debug_flag",
    "handing_info",
    "in_appcontext",
    "is_current",
    "pass_script_info",
    "with_appcontext",
]

F = TypeVar("F", bound=Callable[..., Any])


def get_debug_flag() -> bool | None:
    """Return what ``ERLEN_DEBUG`` says, or None if it is not set."""
    value = os.environ.get("ERLEN_DEBUG")
    return None if not value else value.lower() not in ("0", "false", "no", "off")


class ScriptInfo:
    """Where a command's application is. Commands get it as ``ctx.obj``, or by :func:`pass_script_info`.

    :param app_import_path: what ``--app`` says
    :param create_app: makes the application, in place of *app_import_path*
    :param set_debug_flag: let ``ERLEN_DEBUG`` decide about debug mode, if it is set
    :param load_dotenv_defaults: read ``.env`` and ``.erlenenv``, unless ``ERLEN_SKIP_DOTENV`` is set
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: Callable[..., Any] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = self._wants_dotenv(load_dotenv_defaults)
        #: For whatever commands want to hand on.
        self.data: dict[Any, Any] = {}
        self._loaded_app: Any = None

    def load_app(self) -> Any:
        """Return the application, loaded at the first call.

        :raises NoAppException: if there is none
        """
        if self._loaded_app is None:
            app = self._find_app()
            if self.set_debug_flag:
                self._set_debug(app)
            self._loaded_app = app
        return self._loaded_app

    # What a program with other rules does otherwise.

    def _wants_dotenv(self, default: bool) -> bool:
        return wants_dotenv(default)

    def _find_app(self) -> Any:
        if self.create_app is not None:
            app = self.create_app()
            if not isinstance(app, Application):
                raise NoAppException(f"create_app() of this script has returned {app!r}, and no Erlen application.")
        elif self.app_import_path:
            app = import_application(self.app_import_path)
        else:
            app = find_by_default()
        if app is None:
            raise NoAppException(
                "Could not locate an Erlen application. Use the 'erlen --app' option, the 'ERLEN_APP' environment "
                "variable, or a 'wsgi.py' or 'app.py' file in the current directory."
            )
        return app

    def _set_debug(self, app: Any) -> None:
        debug = get_debug_flag()
        if debug is not None:
            app.debug = debug


def find_info(context: click.Context, kind: type[ScriptInfo]) -> ScriptInfo:
    """Return the :class:`ScriptInfo` of *context*; where there is none of any kind, make one of *kind*.

    So a command that was written for one program runs in another.
    """
    found = context.find_object(ScriptInfo)
    return context.ensure_object(kind) if found is None else found


def handing_info(f: Callable[..., Any], kind: type[ScriptInfo]) -> Callable[..., Any]:
    """Decorate *f* to get the :class:`ScriptInfo` as its first argument; *kind* is made where there is none."""

    @click.pass_context
    def run(context: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        return context.invoke(f, find_info(context, kind), *args, **kwargs)

    return functools.update_wrapper(run, f)


def in_appcontext(f: F, kind: type[ScriptInfo]) -> F:
    """Decorate *f* as :func:`with_appcontext` does; *kind* of :class:`ScriptInfo` is made where there is none."""

    @click.pass_context
    def run(context: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        if not has_app_context():
            app = find_info(context, kind).load_app()
            context.with_resource(app.app_context())
        return finished(context.invoke(f, *args, **kwargs))

    return cast(F, functools.update_wrapper(run, f))


def pass_script_info(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the :class:`ScriptInfo` as its first argument."""
    return handing_info(f, ScriptInfo)


def with_appcontext(f: F) -> F:
    """Run a command in a context of its application, which is loaded if it is not; plain and async ones.

    Commands of ``app.cli`` and ``blueprint.cli`` have one without this decorator. ::

        @click.command()
        @with_appcontext
        def create_tables():
            current_app.extensions["database"].create_all()
    """
    return in_appcontext(f, ScriptInfo)


def is_current(app: Any) -> bool:
    """Tell whether a context of *app* is current."""
    context = current.get(None)
    return context is not None and context.app is app


def finished(result: Any) -> Any:
    """Return *result*; if it is awaitable, what it ends with: an async command runs on the application's loop."""
    if not hasattr(result, "__await__"):
        return result

    async def run() -> Any:
        return await cast(Awaitable[Any], result)

    context = current.get(None)
    if context is None:
        return load("asyncio").run(run())
    return context.app.ensure_sync(run)()
