"""Starts granian in this process, and sees to it that no signal to stop is lost."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from erlen.errors import ServerError
from erlen.loading import load

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
        server.signal_handler_interrupt = _Interrupts(server, server.signal_handler_interrupt)
        server.main_loop_interrupt = _Wake(server)
        server.on_shutdown(functools.partial(_forgive, server))
        _stops.watch()
        server.serve(target_loader=target, wrap_loader=False)
    except (errors.ConfigurationError, errors.PidFileError, OSError) as error:  # what ssl raises is an OSError
        raise ServerError(f"The server cannot be started: {error}.") from error
    finally:
        _stops.forget()


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


class _Interrupts:
    """What the parent does at a signal to stop: everything comes to its end, and at a second Ctrl-C at once.

    Workers need not know of it, and cannot: Ctrl-C reaches them too, and is followed by the signal of their parent.
    """

    def __init__(self, server: Any, stop: Callable[..., Any]) -> None:
        self._server = server
        self._stop = stop
        self._interrupted = False

    def __call__(self, number: int, frame: Any) -> None:
        self._stop(number, frame)
        if number != signal.SIGINT:
            return
        if not self._interrupted:
            self._interrupted = True
            self._say("Finishing what has begun. Press Ctrl-C again to end at once.")
            return
        self._say("Ending at once.")
        for worker in list(self._server.wrks):
            worker.kill()

    def _say(self, text: str) -> None:
        # What print() writes to may be in use in this moment: a signal comes in the middle of anything.
        with contextlib.suppress(OSError):
            os.write(2, f" * {text}\n".encode())


class _Wake(threading.Event):
    """What the main loop of granian waits for.

    The loop clears it once it has replaced a worker that ended, and would lose a signal to stop that came meanwhile.
    """

    def __init__(self, server: Any) -> None:
        super().__init__()
        self._server = server

    def clear(self) -> None:
        super().clear()
        if self._server.interrupt_signal:
            self.set()


def _forgive(server: Any) -> None:
    """Forget workers that ended, where the server was told to stop: they may have been told so before it was."""
    if server.interrupt_signal:
        server.interrupt_children.clear()


class _Stops:
    """Keeps a worker that is still starting from missing the signal to stop.

    A forked worker has its parent's handlers, which do nothing in it, until the server sets its own; a signal that came
    before would be lost, and the parent would wait for ever. So signals are held back while a worker is forked, and
    end it at once until the server has set its handlers. Ctrl-C reaches all processes of a terminal: the parent
    answers it, and workers never see it.
    """

    _SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self._parent: int | None = None
        self._registered = False
        self._mask: Any = ()

    def watch(self) -> None:
        """Begin: forks of this process are workers from now on."""
        self._parent = os.getpid()
        if not self._registered and hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child)
            self._registered = True

    def forget(self) -> None:
        """End: forks of this process are no workers any more."""
        self._parent = None

    def _before(self) -> None:
        if self._parent == os.getpid():
            self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._SIGNALS)

    def _in_parent(self) -> None:
        if self._parent == os.getpid():
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _in_child(self) -> None:
        if self._parent is not None:
            self._parent = None
            signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
            _heed_one_signal()


def _heed_one_signal() -> None:
    """Have a worker of granian heed the first signal to stop, and no further one.

    systemd tells all processes of a service to stop, and the parent tells its workers once more: a worker of granian
    2.8 that is told twice waits for ever. A second Ctrl-C is the matter of the parent, which kills its workers.
    """
    signals = load("granian._signals")
    for name in ("set_loop_signals", "set_sync_signals"):
        original = getattr(signals, name, None)
        if original is not None:
            setattr(signals, name, functools.partial(_set_once, original))


def _set_once(original: Callable[..., Any], *loop: Any) -> Any:
    # By the loop, and without it: uvloop forgets what comes before it runs, and the worker would never end.
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        event = original(*loop)
        heeded: list[bool] = []

        def heed(*args: Any) -> None:
            if not heeded:
                heeded.append(True)
                event.set()

        for number in numbers:
            if loop:
                loop[0].add_signal_handler(number, heed)
            signal.signal(number, heed)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return event


_stops = _Stops()
