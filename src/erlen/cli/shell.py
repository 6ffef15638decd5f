"""``erlen shell``: Python with the application at hand."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from typing import Any

import click

from erlen.cli.script import with_appcontext
from erlen.globals import current_app
from erlen.loading import load

__all__ = ["complete_names", "run_startup_file", "shell_command"]


@click.command("shell", short_help="Run a Python shell with the application.")
@click.option("-c", "code", help="Run this code instead, and leave.")
@with_appcontext
def shell_command(code: str | None) -> None:
    """Run an interactive Python shell in a context of the application.

    'app' and 'g' are there, and what the shell context processors add. The file that PYTHONSTARTUP names is run first.
    """
    app: Any = current_app
    names: dict[str, Any] = {"__name__": "__console__", "__doc__": None}
    if code is None:
        run_startup_file(names)
    names.update(app.make_shell_context())
    if code is not None:
        exec(compile(code, "<erlen shell -c>", "exec"), names)
        return
    complete_names(names)
    load("code").interact(banner=_banner(app), local=names)


def run_startup_file(names: dict[str, Any]) -> None:
    """Run the file that ``PYTHONSTARTUP`` names, if it is there, as Python's own shell does."""
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and os.path.isfile(startup):
        with open(startup, encoding="utf-8") as file:
            exec(compile(file.read(), startup, "exec"), names)


def _banner(app: Any) -> str:
    try:
        version = metadata.version("erlen")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    return (
        f"Python {sys.version} on {sys.platform}\n"
        f"Erlen: {version}\n"
        f"App: {app.import_name}{' [debug]' if app.debug else ''}\n"
        f"Instance: {app.instance_path}"
    )


def complete_names(names: dict[str, Any]) -> None:
    """Let the tab key complete *names*, as Python's own shell does with its names."""
    hook = getattr(sys, "__interactivehook__", None)
    if hook is None:  # Python was started without site
        return
    try:
        readline = load("readline")
    except ImportError:
        return
    # The hook of the module site reads ~/.inputrc and sets up history and the tab key.
    hook()
    readline.set_completer(load("rlcompleter").Completer(names).complete)
