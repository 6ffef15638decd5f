"""The group behind the command ``erlen``, and behind scripts with the same commands."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from importlib import metadata
from typing import Any

import click

from erlen.callables import shorten
from erlen.cli.discovery import NoAppException
from erlen.cli.dotenv import can_read, read_files, set_missing
from erlen.cli.dotenv import load_dotenv as read_dotenv
from erlen.cli.groups import ScriptGroup, warn
from erlen.cli.options import Callbacks
from erlen.cli.script import ScriptInfo, find_info
from erlen.errors import ErlenError
from erlen.loading import load

__all__ = ["ErlenGroup", "debug_option"]


def _is_as_flask() -> bool:
    return os.environ.get("ERLEN_AS_FLASK") == "1"


def _debug_variables() -> list[str]:
    # By the environment, so that workers and factories see it too; an application of flask.Flask reads its own.
    return ["ERLEN_DEBUG", "FLASK_DEBUG"] if _is_as_flask() else ["ERLEN_DEBUG"]


_callbacks = Callbacks(
    ScriptInfo,
    _debug_variables,
    read_dotenv,
    "python-dotenv, which reads such files, is not installed: pip install 'erlen[dotenv]'",
)


def debug_option() -> click.Option:
    """Make the option ``--debug/--no-debug``."""
    return _callbacks.debug_option()


def _app_option() -> click.Option:
    return _callbacks.app_option(
        "The application: 'module', 'module:name', 'module:factory(\"argument\")' or 'path/to/app.py'. Without it "
        "'wsgi.py' or 'app.py' in the working directory is taken."
    )


def _env_file_option() -> click.Option:
    return _callbacks.env_file_option(
        "Set environment variables from this file, before '.env' and '.erlenenv'. Needs python-dotenv."
    )


def _stand_for_flask(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    try:
        load("erlen.alias").install_as_flask()
    except ErlenError as error:
        raise click.UsageError(str(error), ctx=context) from error
    os.environ["ERLEN_AS_FLASK"] = "1"
    info = find_info(context, ScriptInfo)
    if info.load_dotenv_defaults and can_read():
        set_missing(read_files([".flaskenv"]))
    if os.environ.get("FLASK_DEBUG"):
        os.environ.setdefault("ERLEN_DEBUG", os.environ["FLASK_DEBUG"])
    info.app_import_path = info.app_import_path or os.environ.get("FLASK_APP")
    context.obj = load("erlen.flask.cli.script").BorrowedScriptInfo(info)


def _as_flask_option() -> click.Option:
    return click.Option(
        ["--as-flask"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_stand_for_flask,
        help="Let Erlen stand for Flask in code that imports 'flask'.",
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


class ErlenGroup(ScriptGroup):
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
        early = [_env_file_option(), _as_flask_option(), _app_option()]
        options = [*early, debug_option()]
        if add_version_option:
            options.append(_version_option())
        settings = extra.pop("context_settings", None) or {}
        settings.setdefault("auto_envvar_prefix", "ERLEN")
        settings.setdefault("help_option_names", ["-h", "--help"])
        super().__init__(
            early,
            options,
            self.default_commands if add_default_commands else (),
            create_app,
            load_dotenv,
            set_debug_flag,
            context_settings=settings,
            **extra,
        )

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Make the context of a call; until it is closed, ``app.run()`` of a module that is imported does nothing."""
        before = os.environ.get("ERLEN_RUN_FROM_CLI")
        os.environ["ERLEN_RUN_FROM_CLI"] = "true"
        try:
            context = super().make_context(info_name, args, parent=parent, **extra)
        except BaseException:
            _restore(before)
            raise
        context.call_on_close(lambda: _restore(before))
        return context

    def _entry_point_groups(self) -> list[str]:
        return [self.entry_point_group, *(["flask.commands"] if _is_as_flask() else [])]

    def _tell_missing(self, error: NoAppException, listing: bool = False) -> None:
        text = error.format_message()
        warn(f"Error: {text.splitlines()[0] if listing else text}\n")

    def _tell_broken(self, error: Exception) -> None:
        warn(f"Error: the application cannot be loaded: {type(error).__name__}: {error}{_place(error)}\n")


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop("ERLEN_RUN_FROM_CLI", None)
    else:
        os.environ["ERLEN_RUN_FROM_CLI"] = before


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({shorten(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
