"""The groups that commands stand in: ``app.cli``, and the group behind ``erlen`` itself."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from importlib import metadata
from typing import Any, cast

import click
from click.core import ParameterSource

from erlen.callables import shorten
from erlen.cli.discovery import NoAppException
from erlen.cli.dotenv import load_dotenv as read_dotenv
from erlen.cli.script import ScriptInfo, finished, is_current, with_appcontext

__all__ = ["AppGroup", "ErlenGroup", "debug_option"]


class AppGroup(click.Group):
    """A group whose commands run in a context of the application. ``app.cli`` and ``blueprint.cli`` are such groups."""

    def command(self, *args: Any, **kwargs: Any) -> Any:
        """Register the decorated function, plain or async, as a command.

        :param args: the name; default is the function's
        :param with_appcontext: give it a context of the application; the default

        ::

            @app.cli.command("create-user")
            @click.argument("name")
            def create_user(name): ...
        """
        wanted = kwargs.pop("with_appcontext", True)
        if args and callable(args[0]):  # @app.cli.command, without parentheses
            return self._command(args[0], wanted)

        def decorator(f: Callable[..., Any]) -> click.Command:
            return self._command(f, wanted, *args, **kwargs)

        return decorator

    def _command(self, f: Callable[..., Any], wanted: bool, *args: Any, **kwargs: Any) -> click.Command:
        function = with_appcontext(f) if wanted else _settling(f)
        return cast(click.Command, super().command(*args, **kwargs)(function))

    def group(self, *args: Any, **kwargs: Any) -> Any:
        """Register the decorated function as a group of commands, which is an :class:`AppGroup` itself."""
        kwargs.setdefault("cls", AppGroup)
        return super().group(*args, **kwargs)


def _settling(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        return finished(f(*args, **kwargs))

    return run


def _set_app(context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        context.ensure_object(ScriptInfo).app_import_path = value
    return value


def _set_debug(context: click.Context, option: click.Parameter, value: bool) -> bool | None:
    source = context.get_parameter_source(option.name or "")
    if source in (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
        return None
    # By the environment, so that workers and factories see it too.
    os.environ["ERLEN_DEBUG"] = "1" if value else "0"
    return value


def _read_env_file(context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    info = context.ensure_object(ScriptInfo)
    if value is not None and importlib.util.find_spec("dotenv") is None:
        raise click.BadParameter("python-dotenv, which reads such files, is not installed: pip install 'erlen[dotenv]'")
    if value is not None or info.load_dotenv_defaults:
        read_dotenv(value, load_defaults=info.load_dotenv_defaults)
    return value


def _app_option() -> click.Option:
    return click.Option(
        ["-A", "--app"],
        metavar="IMPORT",
        help="The application: 'module', 'module:name', 'module:factory(\"argument\")' or 'path/to/app.py'. Without it "
        "'wsgi.py' or 'app.py' in the working directory is taken.",
        is_eager=True,
        expose_value=False,
        callback=_set_app,
    )


def debug_option() -> click.Option:
    """Make the option ``--debug/--no-debug``."""
    return click.Option(
        ["--debug/--no-debug"],
        help="Set debug mode.",
        expose_value=False,
        callback=_set_debug,
    )


def _env_file_option() -> click.Option:
    return click.Option(
        ["-e", "--env-file"],
        type=click.Path(exists=True, dir_okay=False),
        help="Set environment variables from this file, before '.env' and '.erlenenv'. Needs python-dotenv.",
        is_eager=True,
        expose_value=False,
        callback=_read_env_file,
    )


def _show_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    try:
        version = metadata.version("erlen")
    except metadata.PackageNotFoundError:
        version = "(used from its source folder, not installed)"
    click.echo(f"Erlen {version}")
    context.exit()


def _version_option() -> click.Option:
    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_version,
        help="Show the version of Erlen and exit.",
    )


class ErlenGroup(AppGroup):
    """A group that knows an application: built-in commands, those of installed packages, and its own.

    A script with commands of its own is made with it. ::

        @click.group(cls=ErlenGroup, create_app=create_app)
        def cli():
            "The commands of the shop."

    :param add_default_commands: have ``run``, ``serve``, ``routes``, ``explain``, ``shell``, ``secret`` and ``check``
    :param create_app: makes the application; without it ``--app`` says where it is
    :param add_version_option: have ``--version``
    :param load_dotenv: read ``.env`` and ``.erlenenv``
    :param set_debug_flag: let ``ERLEN_DEBUG`` decide about debug mode
    :param extra: what :class:`click.Group` takes
    """

    #: The commands that every such group has.
    default_commands: tuple[click.Command, ...] = ()
    #: Where installed packages name their commands.
    entry_point_group = "erlen.commands"

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., Any] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: Any,
    ) -> None:
        options: list[click.Parameter] = [_env_file_option(), _app_option(), debug_option()]
        self._early = options[:2]
        if add_version_option:
            options.append(_version_option())
        params = [*(extra.pop("params", None) or ()), *options]
        settings = extra.pop("context_settings", None) or {}
        settings.setdefault("auto_envvar_prefix", "ERLEN")
        settings.setdefault("help_option_names", ["-h", "--help"])
        super().__init__(params=params, context_settings=settings, **extra)
        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        self._plugins_loaded = False
        if add_default_commands:
            for command in self.default_commands:
                self.add_command(command)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Make the context of a call, with a :class:`ScriptInfo` as its object."""
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv,
            )
        before = os.environ.get("ERLEN_RUN_FROM_CLI")
        os.environ["ERLEN_RUN_FROM_CLI"] = "true"  # app.run() of a module that is imported now does nothing
        try:
            context = super().make_context(info_name, args, parent=parent, **extra)
        except BaseException:
            _restore(before)
            raise
        context.call_on_close(lambda: _restore(before))
        return context

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; for ``--help`` find the application first, whose commands are listed."""
        if (not args and self.no_args_is_help) or (len(args) == 1 and args[0] in self.get_help_option_names(ctx)):
            for option in self._early:
                option.handle_parse_result(ctx, {}, [])
        return super().parse_args(ctx, args)

    def _load_plugins(self) -> None:
        if self._plugins_loaded:
            return
        self._plugins_loaded = True
        for entry in metadata.entry_points(group=self.entry_point_group):
            try:
                command = entry.load()
                if not isinstance(command, click.Command):
                    raise TypeError(f"it is a {type(command).__name__}, and no click command")
            except Exception as error:
                package = "" if entry.dist is None else f" of the package {entry.dist.name}"
                _warn(
                    f"The command {entry.name!r}{package} is left out, because {entry.value!r} cannot be loaded: "
                    f"{type(error).__name__}: {error}"
                )
            else:
                self.add_command(command, entry.name)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command: a built-in one, one of an installed package, or one of the application."""
        self._load_plugins()
        known = super().get_command(ctx, name)
        if known is not None:
            return known
        info = ctx.ensure_object(ScriptInfo)
        try:
            app = info.load_app()
        except NoAppException as error:
            _warn(f"Error: {error.format_message()}\n")
            return None
        if not is_current(app):
            ctx.with_resource(app.app_context())
        return cast("click.Command | None", app.cli.get_command(ctx, name))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List all commands; those of an application that cannot be loaded are missing, and the error is printed."""
        self._load_plugins()
        names = set(super().list_commands(ctx))
        info = ctx.ensure_object(ScriptInfo)
        try:
            names.update(info.load_app().cli.list_commands(ctx))
        except NoAppException as error:
            _warn(f"Error: {error.format_message().splitlines()[0]}\n")
        except Exception as error:
            _warn(f"Error: the application cannot be loaded: {type(error).__name__}: {error}{_place(error)}\n")
        return sorted(names)


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop("ERLEN_RUN_FROM_CLI", None)
    else:
        os.environ["ERLEN_RUN_FROM_CLI"] = before


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({shorten(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""


def _warn(text: str) -> None:
    click.secho(text, err=True, fg="red" if sys.stderr.isatty() else None)
