"""The options that stand before a command: where the application is, debug mode, files with environment variables."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from erlen.cli.dotenv import can_read
from erlen.cli.script import ScriptInfo, find_info

__all__ = ["Callbacks"]


class Callbacks:
    """What the options of a program do.

    :param info_class: the kind of :class:`ScriptInfo` that is made where the context has none
    :param variables: the environment variables that hold debug mode; workers and factories read it there
    :param load_dotenv: reads the files
    :param unreadable: what is said where a file is named and python-dotenv is not installed
    """

    def __init__(
        self, info_class: type[ScriptInfo], variables: Callable[[], list[str]], load_dotenv: Any, unreadable: str
    ) -> None:
        self.info_class = info_class
        self.variables = variables
        self.load_dotenv = load_dotenv
        self.unreadable = unreadable

    def set_app(self, context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
        """Keep what ``--app`` says."""
        if value is not None:
            find_info(context, self.info_class).app_import_path = value
        return value

    def set_debug(self, context: click.Context, option: click.Parameter, value: bool) -> bool | None:
        """Set debug mode, if ``--debug``, ``--no-debug`` or the variable for it is there."""
        source = context.get_parameter_source(option.name or "")
        if source in (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
            return None
        for name in self.variables():
            os.environ[name] = "1" if value else "0"
        return value

    def read_env_file(self, context: click.Context, option: click.Parameter, value: str | None) -> str | None:
        """Read the file that ``--env-file`` names, and those that are read without it."""
        info = find_info(context, self.info_class)
        if value is not None and not can_read():
            raise click.BadParameter(self.unreadable, ctx=context, param=option)
        if value is not None or info.load_dotenv_defaults:
            self.load_dotenv(value, load_defaults=info.load_dotenv_defaults)
        return value

    def app_option(self, help: str) -> click.Option:
        """Make the option ``--app``."""
        return click.Option(
            ["-A", "--app"], metavar="IMPORT", help=help, is_eager=True, expose_value=False, callback=self.set_app
        )

    def debug_option(self) -> click.Option:
        """Make the option ``--debug/--no-debug``."""
        return click.Option(["--debug/--no-debug"], help="Set debug mode.", expose_value=False, callback=self.set_debug)

    def env_file_option(self, help: str) -> click.Option:
        """Make the option ``--env-file``."""
        return click.Option(
            ["-e", "--env-file"],
            type=click.Path(exists=True, dir_okay=False),
            help=help,
            is_eager=True,
            expose_value=False,
            callback=self.read_env_file,
        )
