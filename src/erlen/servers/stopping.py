"""Sees to it that no signal to stop granian is lost, in its parent process and in its workers.

Signals come in the middle of anything, to one process or to all of them, once or twice: a terminal sends Ctrl-C to
every process, systemd sends SIGTERM to every process of a service, and the parent tells its workers once more.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from erlen.loading import load

__all__ = ["Interrupts", "Wake", "WorkerStop", "forgive", "heeding_stops", "worker_stop"]


@contextlib.contextmanager
def heeding_stops(server: Any) -> Iterator[None]:
    """Have *server*, granian's, and the workers that are forked meanwhile lose no signal to stop."""
    server.signal_handler_interrupt = Interrupts(server, server.signal_handler_interrupt)
    server.main_loop_interrupt = Wake(server)
    server.on_shutdown(functools.partial(forgive, server))
    _forks.watch()
    try:
        yield
    finally:
        _forks.forget()


class Interrupts:
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


class Wake(threading.Event):
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


def forgive(server: Any) -> None:
    """Forget workers that ended, where the server was told to stop: they may have been told so before it was."""
    if server.interrupt_signal:
        server.interrupt_children.clear()


class WorkerStop:
    """What a signal to stop means to a worker, from its fork to its end.

    1. While it imports the application, it ends at once: there is nothing to end.
    2. Once the application is being started, the signal is kept until the server can take it.
    3. Once the server is ready, it is told. It is told once: a worker of granian 2.8 that is told twice waits for
       ever, as does one that is told before it has said what it wants to be called then.
    """

    def __init__(self) -> None:
        self._starting = False
        self._asked = False
        self._told = False
        self._tell: Callable[[], object] | None = None
        self._ready = False

    def application_starts(self) -> None:
        """Say that the application is being started: from now on there is something to end."""
        self._starting = True

    def heed(self, *args: Any) -> None:
        """Heed a signal to stop."""
        self._asked = True
        if not self._starting:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end is not to be disturbed by a second one
            os._exit(0)
        self._pass_on()

    def take_over(self, tell: Callable[[], object], loop: Any = None) -> None:
        """Have *tell* tell the server, by the signals of *loop* and without it.

        By both, because uvloop forgets what comes before it runs.
        """
        self._starting = True
        self._tell = tell
        for number in _SIGNALS:
            if loop is not None:
                loop.add_signal_handler(number, self.heed)
            signal.signal(number, self.heed)

    def server_ready(self) -> None:
        """Say that the server can be told."""
        self._ready = True
        if self._asked:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._ready and self._tell is not None and not self._told:
            self._told = True
            self._tell()

    def install(self) -> None:
        """Begin, in a new worker: heed signals, and have granian leave them to this object."""
        signal.signal(signal.SIGTERM, self.heed)
        signals, workers = load("granian._signals"), load("granian.server.mp")
        for name in ("set_loop_signals", "set_sync_signals"):
            setattr(signals, name, functools.partial(self._set_signals, getattr(signals, name)))
        for name in ("ASGIWorker", "RSGIWorker", "WSGIWorker"):  # what is made once all is prepared
            setattr(workers, name, functools.partial(self._make_worker, getattr(workers, name)))

    def _set_signals(self, original: Callable[..., Any], *loop: Any) -> Any:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            event = original(*loop)
            self.take_over(event.set, *loop)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return event

    def _make_worker(self, original: Callable[..., Any], *args: Any) -> Any:
        worker = original(*args)
        self.server_ready()
        return worker


_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: Of this process, if it is a worker.
worker_stop = WorkerStop()


class _Forks:
    """Keeps a worker that is still starting from missing the signal to stop.

    A forked worker has its parent's handlers, which do nothing in it. So signals are held back while it is forked, and
    Ctrl-C until the server takes it: the parent answers it, and tells its workers.
    """

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
            self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)

    def _in_parent(self) -> None:
        if self._parent == os.getpid():
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _in_child(self) -> None:
        if self._parent is not None:
            self._parent = None
            worker_stop.install()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))


_forks = _Forks()
