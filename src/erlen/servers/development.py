"""The development server: it loads the application again when a file changes, and outlives one that is broken."""

from __future__ import annotations

import fnmatch
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from erlen.errors import ServerError
from erlen.loading import load
from erlen.servers.address import check_address, check_certificate
from erlen.servers.choice import choose_interface, default_threads
from erlen.servers.loader import DevelopmentLoader, Loader
from erlen.servers.probe import in_child, source_folders
from erlen.servers.program import Listen, Watch, run_server

__all__ = ["Facts", "develop", "look_at", "reloads", "serve_object"]

_ACCESS = '%(addr)s [%(time)s] "%(method)s %(path)s" %(status)d %(dt_ms).1f ms'
#: A stop waits this many seconds for a request that is being answered.
_PATIENCE = 1


class Facts(NamedTuple):
    """What the development server has to know of an application before it starts."""

    name: str
    debug: bool
    interface: str
    folders: list[str]


def look_at(load_app: Callable[[], Any]) -> Facts:
    """Load the application in a child process and tell what was found.

    :raises SystemExit: if it cannot be loaded; the error has been printed
    """

    def look() -> Facts:
        app = load_app()
        return Facts(app.name, bool(app.debug), choose_interface(app).interface, source_folders())

    return Facts(*in_child(look))


def develop(
    load_app: Callable[[], Any],
    facts: Facts,
    listen: Listen,
    *,
    reload: bool = False,
    threads: int | None = None,
    extra_files: Sequence[str] = (),
    exclude_patterns: Sequence[str] = (),
) -> None:
    """Serve an application until Ctrl-C, loading it again in each new worker.

    :param load_app: imports the application
    :param threads: how many requests are answered at once, over WSGI
    :param reload: start a new worker when a source file changes
    :param extra_files: other files, and folders, whose change counts
    :param exclude_patterns: files whose change does not count, as :mod:`fnmatch` patterns
    :raises ServerError: if the address cannot be used
    """
    with _certificate(_checked(listen)) as listen:
        _announce(facts.name, facts.debug, reload, listen)
        run_server(
            DevelopmentLoader(load_app, facts.interface),
            facts.interface,
            listen,
            threads=threads or default_threads(),
            kill_after=_PATIENCE,
            log_level="error" if reload else "warning",
            access_log=True,
            access_format=_ACCESS,
            watch=_watch(facts.folders, extra_files, exclude_patterns) if reload else None,
        )


def serve_object(app: Any, listen: Listen, threads: int | None = None) -> None:
    """Serve an application that is there already until Ctrl-C, without loading it again.

    :raises ServerError: if the address cannot be used
    """
    with _certificate(_checked(listen)) as listen:
        _announce(app.name, app.debug, False, listen)
        interface = choose_interface(app).interface
        run_server(
            Loader(lambda: app, interface),
            interface,
            listen,
            threads=threads or default_threads(),
            kill_after=_PATIENCE,
            log_level="warning",
            access_log=True,
            access_format=_ACCESS,
        )


def reloads(wanted: bool) -> bool:
    """Return whether changes can be noticed, if that is *wanted*; say what to install if they cannot."""
    if wanted and importlib.util.find_spec("watchfiles") is None:
        print(
            " * Changes are not noticed, because watchfiles is not installed: pip install 'erlen[watch]'",
            file=sys.stderr,
            flush=True,
        )
        return False
    return wanted


def _checked(listen: Listen) -> Listen:
    if listen.certificate is None or str(listen.certificate) != "adhoc":
        check_certificate(listen.certificate, listen.key)
    return listen._replace(port=check_address(listen.host, listen.port))


def _announce(name: str, debug: bool, reload: bool, listen: Listen) -> None:
    print(
        f" * Serving {name!r} at {listen.url}\n"
        f" * Debug mode: {'on' if debug else 'off'}, reload on change: {'on' if reload else 'off'}\n"
        " * This server is for development. For production: erlen serve\n"
        " * Press CTRL+C to stop",
        flush=True,
    )


@contextmanager
def _certificate(listen: Listen) -> Iterator[Listen]:
    """Make the certificate of ``--cert adhoc``, for as long as the server runs."""
    if listen.certificate is None or str(listen.certificate) != "adhoc":
        yield listen
        return
    if listen.key is not None:
        raise ServerError("--key does not go with --cert adhoc: both the certificate and its key are made.")
    if importlib.util.find_spec("cryptography") is None:
        raise ServerError("--cert adhoc makes a certificate with cryptography: pip install cryptography")
    with tempfile.TemporaryDirectory() as folder:
        names = load("werkzeug.serving").make_ssl_devcert(os.path.join(folder, "erlen"), host=listen.host)
        yield listen._replace(certificate=Path(names[0]), key=Path(names[1]))


def _watch(folders: Sequence[str], extra: Sequence[str], exclude: Sequence[str]) -> Watch:
    paths = [Path(path).resolve() for path in extra]
    whole = tuple(f"{path}{os.sep}" for path in paths if path.is_dir())
    files = frozenset(str(path) for path in paths)

    def wanted(path: str) -> bool:
        if any(fnmatch.fnmatch(path, pattern) for pattern in exclude):
            return False
        return path.endswith(".py") or path in files or path.startswith(whole)

    watched = {Path(folder) for folder in folders} | {path if path.is_dir() else path.parent for path in paths}
    return Watch(sorted(watched), wanted)
