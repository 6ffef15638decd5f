"""Starts granian in this process."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from erlen.errors import ServerError
from erlen.loading import load
from erlen.servers.stopping import heeding_stops

__all__ = ["Listen", "Watch", "run_server"]


class Listen(NamedTuple):
    """Where a server listens: on *host* and *port*, or on a unix socket; with a certificate, over https."""

    host: str = "127.0.0.1"
    port: int = 5000
    uds: Path | None = None
    uds_mode: int | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def address(self) -> str:
        """The numbers that *host* stands for."""
        found: str = socket.getaddrinfo(self.host or "0.0.0.0", self.port, type=socket.SOCK_STREAM)[0][4][0]  # type: ignore[assignment]
        return found

    @property
    def url(self) -> str:
        """The address to type into a browser."""
        if self.uds is not None:
            return f"unix:{self.uds}"
        host = "127.0.0.1" if self.host in ("0.0.0.0", "") else "[::1]" if self.host == "::" else self.host
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"


class Watch(NamedTuple):
    """What the development server watches.

    :ivar folders: folders, with all that is in them
    :ivar wanted: tells whether a change of the file of this path counts
    """

    folders: Sequence[Path]
    wanted: Callable[[str], bool]


def run_server(
    target: Callable[[], Any],
    interface: str,
    listen: Listen,
    *,
    workers: int = 1,
    threads: int | None = None,
    kill_after: float = 30,
    backlog: int = 1024,
    log_level: str = "info",
    access_log: bool = False,
    access_format: str | None = None,
    pid_file: Path | None = None,
    watch: Watch | None = None,
) -> None:
    """Serve what *target* returns in each worker, until the process is told to stop.

    :param threads: how many requests a worker answers at once, over WSGI
    :param kill_after: seconds that a worker is given to finish what it is doing
    :raises ServerError: if the server refuses its settings
    :raises SystemExit: with 1, if workers have failed
    """
    constants = load("granian.constants")
    options: dict[str, Any] = {}
    if watch is not None:
        options.update(
            reload=True,
            reload_paths=[folder for folder in watch.folders if folder.is_dir()],
            reload_filter=_filter(watch.wanted),
            reload_ignore_worker_failure=True,
        )
    errors = load("granian.errors")
    try:
        server = load("granian").Granian(
            "erlen",
            address=listen.address,
            port=listen.port,
            uds=listen.uds,
            uds_permissions=listen.uds_mode,
            interface=constants.Interfaces(interface),
            workers=workers,
            blocking_threads=threads if interface == "wsgi" else None,
            workers_kill_timeout=kill_after,
            backlog=backlog,
            log_dictconfig=_logging(),
            log_level=load("granian.log").LogLevels(log_level),
            log_access=access_log,
            log_access_format=access_format,
            ssl_cert=listen.certificate,
            ssl_key=listen.key,
            ssl_protocol_min=constants.SSLProtocols.tls12,
            respawn_failed_workers=watch is None,
            pid_file=pid_file,
            **options,
        )
        with heeding_stops(server):
            server.serve(target_loader=target, wrap_loader=False)
    except (errors.ConfigurationError, errors.PidFileError, OSError) as error:  # what ssl raises is an OSError
        raise ServerError(f"The server cannot be started: {error}.") from error


def _filter(wanted: Callable[[str], bool]) -> type:
    """Make the class that granian asks whether a change counts."""

    base: Any = load("watchfiles").DefaultFilter

    def call(self: Any, change: Any, path: str) -> bool:
        if not wanted(path) or not base.__call__(self, change, path):
            return False
        print(f" * {os.path.relpath(path)} has changed: loading the application again", flush=True)
        return True

    return type("Filter", (base,), {"__call__": call})


def _logging() -> dict[str, Any]:
    formats = {"server": "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s", "access": "%(message)s"}
    streams = {"server": "stderr", "access": "stdout"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {name: {"format": text} for name, text in formats.items()},
        "handlers": {
            name: {"class": "logging.StreamHandler", "formatter": name, "stream": f"ext://sys.{stream}"}
            for name, stream in streams.items()
        },
        "loggers": {
            "_granian": {"handlers": ["server"], "level": "INFO", "propagate": False},
            "granian.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
        },
    }
