"""The groups that commands stand in: ``app.cli``, and what the groups behind programs have in common."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from typing import Any, ClassVar, cast

import click

from erlen.cli.discovery import NoAppException
from erlen.cli.script import ScriptInfo, find_info, finished, in_appcontext, is_current

__all__ = ["AppGroup", "ScriptGroup", "warn"]


class AppGroup(click.Group):
    """A group whose commands run in a context of the application. ``app.cli`` and ``blueprint.cli`` are such groups."""

    #: The kind of :class:`ScriptInfo` that a command gets which is called by itself.
    info_class: ClassVar[type[ScriptInfo]] = ScriptInfo

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
        function = in_appcontext(f, self.info_class) if wanted else _settling(f)
        return cast(click.Command, super().command(*args, **kwargs)(function))

    def group(self, *args: Any, **kwargs: Any) -> Any:
        """Register the decorated function as a group of commands, which is an :class:`AppGroup` itself."""
        kwargs.setdefault("cls", self._kind_inside())
        return super().group(*args, **kwargs)

    def _kind_inside(self) -> type[click.Group]:
        return AppGroup


def _settling(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        return finished(f(*args, **kwargs))

    return run


class ScriptGroup(AppGroup):
    """A group that knows an application: its own commands, those of installed packages, and the application's.

    :param early: options that count for ``--help`` too, whose list of commands has the application's
    :param options: those, and the others
    :param commands: the commands that the group has by itself
    :param create_app: makes the application; without it ``--app`` says where it is
    :param load_dotenv: read files with environment variables
    :param set_debug_flag: let the environment variable for it decide about debug mode
    :param extra: what :class:`click.Group` takes
    """

    #: Where installed packages name their commands.
    entry_point_group = ""

    def __init__(
        self,
        early: list[click.Option],
        options: list[click.Option],
        commands: Iterable[click.Command],
        create_app: Callable[..., Any] | None,
        load_dotenv: bool,
        set_debug_flag: bool,
        **extra: Any,
    ) -> None:
        self._early = early
        super().__init__(params=[*(extra.pop("params", None) or ()), *options], **extra)
        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        self._loaded_groups: set[str] = set()
        for command in commands:
            self.add_command(command)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Make the context of a call, with a :class:`ScriptInfo` as its object."""
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = self.info_class(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv,
            )
        return super().make_context(info_name, args, parent=parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; for ``--help`` find the application first, whose commands are listed."""
        if (not args and self.no_args_is_help) or (len(args) == 1 and args[0] in self.get_help_option_names(ctx)):
            for option in self._early:
                option.handle_parse_result(ctx, {}, [])
        return super().parse_args(ctx, args)

    def _entry_point_groups(self) -> list[str]:
        return [self.entry_point_group]

    def _load_plugin_commands(self) -> None:
        for group in self._entry_point_groups():
            if group not in self._loaded_groups:
                self._loaded_groups.add(group)
                for entry in metadata.entry_points(group=group):
                    self._load_entry(entry)

    def _load_entry(self, entry: metadata.EntryPoint) -> None:
        try:
            command = entry.load()
            if not isinstance(command, click.Command):
                raise TypeError(f"it is a {type(command).__name__}, and no click command")
        except Exception as error:
            package = "" if entry.dist is None else f" of the package {entry.dist.name}"
            warn(
                f"The command {entry.name!r}{package} is left out, because {entry.value!r} cannot be loaded: "
                f"{type(error).__name__}: {error}"
            )
        else:
            self.add_command(command, entry.name)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command: a built-in one, one of an installed package, or one of the application."""
        self._load_plugin_commands()
        known = super().get_command(ctx, name)
        if known is not None:
            return known
        info = find_info(ctx, self.info_class)
        try:
            app = info.load_app()
        except NoAppException as error:
            self._tell_missing(error)
            return None
        if not is_current(app):
            ctx.with_resource(app.app_context())
        return cast("click.Command | None", app.cli.get_command(ctx, name))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List all commands; those of an application that cannot be loaded are missing, and the error is printed."""
        self._load_plugin_commands()
        names = set(super().list_commands(ctx))
        info = find_info(ctx, self.info_class)
        try:
            names.update(info.load_app().cli.list_commands(ctx))
        except NoAppException as error:
            self._tell_missing(error, listing=True)
        except Exception as error:
            self._tell_broken(error)
        return sorted(names)

    # What is said of an application that cannot be had while commands are looked for or listed.

    def _tell_missing(self, error: NoAppException, listing: bool = False) -> None:
        raise NotImplementedError

    def _tell_broken(self, error: Exception) -> None:
        raise NotImplementedError


def warn(text: str) -> None:
    """Print *text* on the error stream, in red where that is a terminal."""
    click.secho(text, err=True, fg="red" if sys.stderr.isatty() else None)
