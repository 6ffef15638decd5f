"""The command ``flask``, and what commands are made with: what stands for ``flask.cli``.

What programs replace here (``show_server_banner``, ``load_dotenv``, ``run_simple``) is looked up in this module when a
command runs.
"""

from __future__ import annotations

import ast
import collections.abc as cabc
import importlib.util
import inspect
import os
import platform
import re
import sys
import traceback
import typing as t
from collections.abc import Callable, Iterable
from functools import update_wrapper
from importlib import metadata
from operator import itemgetter
from types import ModuleType
from typing import Any

import click
from click.core import ParameterSource
from werkzeug import serving
from werkzeug.serving import is_running_from_reloader, run_simple
from werkzeug.utils import import_string

from erlen.cli.discovery import NoAppException, prepare_import
from erlen.cli.dotenv import read_files, set_missing
from erlen.cli.groups import ScriptGroup
from erlen.cli.options import Callbacks
from erlen.cli.script import ScriptInfo as ErlenScriptInfo
from erlen.cli.shell import complete_names, run_startup_file
from erlen.flask.cli.certificates import CertParamType, SeparatedPathType, validate_key
from erlen.flask.cli.lookup import find_app_by_string, find_best_app, locate_app
from erlen.flask.cli.routes import route_lines
from erlen.flask.cli.script import AppGroup, F, ScriptInfo, pass_script_info, with_appcontext
from erlen.flask.helpers import get_debug_flag, get_load_dotenv
from erlen.flask.version import OFFERED
from erlen.globals import current_app
from erlen.loading import load

__all__ = [
    "AppGroup",
    "CertParamType",
    "FlaskGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "cli",
    "find_app_by_string",
    "find_best_app",
    "get_debug_flag",
    "get_load_dotenv",
    "get_version",
    "load_dotenv",
    "locate_app",
    "main",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "shell_command",
    "show_server_banner",
    "version_option",
    "with_appcontext",
]

_ENV_FILES = (".flaskenv", ".env")
_werkzeugs_run_simple = run_simple


def get_version(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Print the versions of Python, Flask and Werkzeug, and end: the callback of ``--version``.

    :param value: whether the option is there
    """
    if not value or ctx.resilient_parsing:
        return
    click.echo(
        f"Python {platform.python_version()}\nFlask {OFFERED}\nWerkzeug {metadata.version('werkzeug')}",
        color=ctx.color,
    )
    ctx.exit()


version_option = click.Option(
    ["--version"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=get_version,
    help="Print the versions of Python, Flask and Werkzeug, and end.",
)
"""The option ``--version``."""


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set environment variables from files.

    What *path* says is taken before what ``.env`` says, and that before what ``.flaskenv`` says. A variable that is set
    already keeps its value. The files are looked for in the working directory and in the folders above it.

    :param path: a file
    :param load_defaults: read ``.flaskenv`` and ``.env`` too
    :returns: whether there was a variable in them
    """
    if importlib.util.find_spec("dotenv") is None:
        if path or any(map(os.path.isfile, _ENV_FILES)):
            click.secho(
                " * Tip: There are .env files present. Install python-dotenv to use them.", fg="yellow", err=True
            )
        return False
    values = read_files(_ENV_FILES if load_defaults else (), path)
    set_missing(values)
    return bool(values)


_callbacks = Callbacks(
    ScriptInfo,
    lambda: ["FLASK_DEBUG"],
    lambda path, load_defaults: load_dotenv(path, load_defaults=load_defaults),
    "It is python-dotenv that reads such a file, and it is not installed: pip install python-dotenv",
)
_app_option = _callbacks.app_option(
    "Where the application is: 'shop', 'shop.py', 'shop:name' or 'shop:factory(1, debug=True)'. Without a name it is "
    "looked for as 'app' or 'application', and as what 'create_app()' or 'make_app()' returns."
)
_debug_option = _callbacks.debug_option()
_env_file_option = _callbacks.env_file_option(
    "A file with environment variables, which go before those of '.env' and '.flaskenv'; what the environment has "
    "already stays. It needs python-dotenv."
)


class FlaskGroup(ScriptGroup, AppGroup):
    """A group that knows an application: ``run``, ``shell`` and ``routes``, those of installed packages, and its own.

    A script with commands of its own is made with it. ::

        @click.group(cls=FlaskGroup, create_app=create_app)
        def cli():
            "The commands of the shop."

    :param add_default_commands: have ``run``, ``shell`` and ``routes``
    :param create_app: makes the application; without it ``--app`` says where it is
    :param add_version_option: have ``--version``
    :param load_dotenv: read ``.env`` and ``.flaskenv``
    :param set_debug_flag: let ``FLASK_DEBUG`` decide about debug mode
    :param extra: what :class:`click.Group` takes
    """

    entry_point_group = "flask.commands"

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., Any] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: Any,
    ) -> None:
        early = [_env_file_option, _app_option]
        options = [*early, _debug_option, *([version_option] if add_version_option else [])]
        extra["context_settings"] = {"auto_envvar_prefix": "FLASK", **(extra.get("context_settings") or {})}
        commands = (run_command, shell_command, routes_command) if add_default_commands else ()
        super().__init__(early, options, commands, create_app, load_dotenv, set_debug_flag, **extra)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Make the context of a call; from now on ``app.run()`` does nothing in this process."""
        os.environ["FLASK_RUN_FROM_CLI"] = "true"
        return super().make_context(info_name, args, parent=parent, **extra)

    def _tell_missing(self, error: NoAppException, listing: bool = False) -> None:
        click.secho(f"Error: {error.format_message()}\n", err=True, fg="red")

    def _tell_broken(self, error: Exception) -> None:
        click.secho(f"{traceback.format_exc()}\n", err=True, fg="red")


def show_server_banner(debug: bool | None, app_import_path: str | None) -> None:
    """Print what is served and whether debug mode is on; nothing in a process that the reloader has started.

    :param debug: whether debug mode is on; None leaves it out
    :param app_import_path: what is served; None leaves it out
    """
    if is_running_from_reloader():
        return
    served = None if app_import_path is None else f"Serving Flask app '{app_import_path}'"
    mode = None if debug is None else f"Debug mode: {'on' if debug else 'off'}"
    for line in filter(None, (served, mode)):
        click.echo(f" * {line}")


@click.command("run", short_help="Serve the application for development.")
@click.option("--host", "-h", default="127.0.0.1", help="The address to listen on.")
@click.option("--port", "-p", default=5000, help="The port to listen on.")
@click.option(
    "--cert",
    type=CertParamType(),
    help="Serve HTTPS: a certificate file, 'adhoc', or the import name of an SSLContext.",
    is_eager=True,
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=validate_key,
    expose_value=False,
    help="The file with the key of the certificate.",
)
@click.option(
    "--reload/--no-reload",
    default=None,
    help="Start anew when a file changes; as in debug mode.",
)
@click.option(
    "--debugger/--no-debugger",
    default=None,
    help="Show errors in the browser, with a console; as in debug mode.",
)
@click.option(
    "--with-threads/--without-threads", default=True, help="A thread for each request, or one request after the other."
)
@click.option(
    "--extra-files",
    default=None,
    type=SeparatedPathType(),
    help=f"More files whose change starts the server anew, with '{os.path.pathsep}' between them.",
)
@click.option(
    "--exclude-patterns",
    default=None,
    type=SeparatedPathType(),
    help=f"Patterns of files whose change does not count, as '*/logs/*', with '{os.path.pathsep}' between them.",
)
@pass_script_info
def run_command(
    info: ErlenScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    cert: Any,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
) -> None:
    """Serve the application by Werkzeug's server, until Ctrl-C. Not for production.

    With '--debug' it starts anew when a file changes, and shows errors in the browser.
    """
    try:
        app = info.load_app()
    except Exception as error:
        if not is_running_from_reloader():
            raise
        # The reloader waits for the change that mends it; whoever asks for a page meanwhile is shown the error.
        traceback.print_exc()
        app = _broken(error)
    debug = get_debug_flag()
    show_server_banner(debug, info.app_import_path)
    _server()(
        host,
        port,
        app,
        use_reloader=debug if reload is None else reload,
        use_debugger=debug if debugger is None else debugger,
        threaded=with_threads,
        ssl_context=cert,
        extra_files=extra_files,
        exclude_patterns=exclude_patterns,
    )


run_command.params.insert(0, _debug_option)


def _broken(error: Exception) -> Callable[..., Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise error from None

    return app


def _server() -> Callable[..., None]:
    """Return Werkzeug's server, or what stands in its place here or there."""
    return run_simple if run_simple is not _werkzeugs_run_simple else serving.run_simple


@click.command(
    "shell",
    short_help="Open a Python shell with the application in it.",
    help="Open Python's shell in a context of the application, with 'app', 'g' and the names that its shell context "
    "processors give.",
)
@with_appcontext
def shell_command() -> None:
    """Run Python's shell with the names of the application's shell context."""
    app: Any = current_app
    banner = (
        f"Python {sys.version} on {sys.platform}\nApp: {current_app.import_name}\nInstance: {current_app.instance_path}"
    )
    names: dict[str, Any] = {}
    run_startup_file(names)
    names.update(app.make_shell_context())
    complete_names(names)
    load("code").interact(banner=banner, local=names)


@click.command("routes", short_help="List the URL rules.")
@click.option(
    "--sort",
    "-s",
    type=click.Choice(["endpoint", "methods", "domain", "rule", "match"]),
    default="endpoint",
    help="The column to sort by; 'match' is the order in which rules are tried.",
)
@click.option("--all-methods", is_flag=True, help="List HEAD and OPTIONS too.")
@with_appcontext
def routes_command(sort: str, all_methods: bool) -> None:
    """List the URL rules of the application, with their endpoints and methods."""
    for line in route_lines(current_app, sort, all_methods):
        click.echo(line)


cli = FlaskGroup(
    name="flask",
    help="Commands for an application that is written for Flask.\n\n"
    "It is named by '--app' or by FLASK_APP; otherwise 'wsgi.py' or 'app.py' of this folder has it.\n",
)
"""The command ``flask``."""


def main() -> None:
    """Run the command ``flask``."""
    cli.main()
