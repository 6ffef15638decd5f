"""``erlen run``: the development server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from erlen.cli.program import debug_option
from erlen.cli.script import ScriptInfo, get_debug_flag, pass_script_info
from erlen.errors import ServerError
from erlen.loading import load

__all__ = ["run_command"]


class _Paths(click.ParamType):  # type: ignore[type-arg] # it has a parameter in new versions of click only
    """Several paths in one text, separated as in PATH."""

    name = "path"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Split *value*."""
        return value if isinstance(value, list) else [part for part in str(value).split(os.pathsep) if part]


@click.command("run", short_help="Run a development server.")
@click.option("-h", "--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("-p", "--port", type=int, default=5000, show_default=True, help="The port; 0 takes one that is free.")
@click.option("--cert", type=click.Path(path_type=Path), help="A certificate, for https; 'adhoc' makes one.")
@click.option("--key", type=click.Path(path_type=Path), help="The private key of the certificate.")
@click.option(
    "--reload/--no-reload",
    default=None,
    help="Load the application again when a file changes. By default in debug mode only.",
)
@click.option(
    "--with-threads/--without-threads", default=True, help="Answer several requests at once. This is the default."
)
@click.option(
    "--extra-files",
    type=_Paths(),
    default=[],
    help=f"Other files, and folders, whose change counts, separated by '{os.pathsep}'.",
)
@click.option(
    "--exclude-patterns",
    type=_Paths(),
    default=[],
    help=f"Files whose change does not count: patterns as in fnmatch, separated by '{os.pathsep}'.",
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    cert: Path | None,
    key: Path | None,
    reload: bool | None,
    with_threads: bool,
    extra_files: Sequence[str],
    exclude_patterns: Sequence[str],
) -> None:
    """Run a development server.

    It shows errors in the browser and loads the application again when a file changes, both in debug mode. An
    application that cannot be loaded after a change does not end it. In production: 'erlen serve'.
    """
    program = load("erlen.servers.program")
    development = load("erlen.servers.development")
    try:
        facts = development.look_at(info.load_app)
        wanted = (get_debug_flag() or facts.debug) if reload is None else reload
        development.develop(
            info.load_app,
            facts,
            program.Listen(host, port, certificate=cert, key=key),
            reload=development.reloads(wanted),
            threads=None if with_threads else 1,
            extra_files=extra_files,
            exclude_patterns=exclude_patterns,
        )
    except ServerError as error:
        raise click.ClickException(str(error)) from error


run_command.params.insert(0, debug_option())
