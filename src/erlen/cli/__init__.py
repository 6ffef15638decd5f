"""The command ``erlen``.

Each command stands in a module of its own and is added to the group here. A command imports what it needs from this
layer and below only, so that ``erlen --help`` answers at once.
"""

from __future__ import annotations

from importlib import metadata

import click

from erlen.cli.secret import secret

__all__ = ["main"]


def _show_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    try:
        version = metadata.version("erlen")
    except metadata.PackageNotFoundError:
        version = "(used from its source folder, not installed)"
    click.echo(f"Erlen {version}")
    context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version of Erlen and exit.",
)
def main() -> None:
    """Tools for Erlen applications."""


main.add_command(secret)
