"""Environment variables from the files ``.env`` and ``.erlenenv``."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable

import click

from erlen.loading import load

__all__ = ["can_read", "load_dotenv", "read_files", "set_missing", "wants_dotenv"]

_FILES = (".erlenenv", ".env")
_FALSE = ("0", "false", "no", "off")


def wants_dotenv(default: bool = True) -> bool:
    """Tell whether the files are to be read: ``ERLEN_SKIP_DOTENV=1`` says no."""
    value = os.environ.get("ERLEN_SKIP_DOTENV")
    return default if not value else value.lower() in _FALSE


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set environment variables from files.

    What *path* says is taken before what ``.env`` says, and that before what ``.erlenenv`` says. A variable that is
    set already keeps its value. The files are looked for in the working directory and in the folders above it.

    :param path: a file
    :param load_defaults: read ``.erlenenv`` and ``.env`` too
    :returns: whether a variable was set
    """
    names = _FILES if load_defaults else ()
    if not can_read():
        if path is not None or any(map(os.path.isfile, names)):
            _say_what_is_missing()
        return False
    return set_missing(read_files(names, path))


def can_read() -> bool:
    """Tell whether python-dotenv, which reads the files, is installed."""
    return importlib.util.find_spec("dotenv") is not None


def read_files(names: Iterable[str], path: str | os.PathLike[str] | None = None) -> dict[str, str | None]:
    """Return the variables of files; a later file is taken before an earlier one.

    :param names: files that are looked for in the working directory and in the folders above it
    :param path: the last file, if it is there
    """
    dotenv = load("dotenv")
    values: dict[str, str | None] = {}
    for name in names:
        found = dotenv.find_dotenv(name, usecwd=True)
        if found:
            values |= dotenv.dotenv_values(found, encoding="utf-8")
    if path is not None and os.path.isfile(path):
        values |= dotenv.dotenv_values(path, encoding="utf-8")
    return values


def set_missing(values: dict[str, str | None]) -> bool:
    """Set the environment variables that are not set yet, and tell whether there was one."""
    fresh = {name: value for name, value in values.items() if name not in os.environ and value is not None}
    os.environ.update(fresh)
    return bool(fresh)


class _Said:
    missing = False


def _say_what_is_missing() -> None:
    if not _Said.missing:
        _Said.missing = True
        click.secho(
            " * There are .env files, but python-dotenv is not installed to read them: pip install 'erlen[dotenv]'",
            fg="yellow",
            err=True,
        )
