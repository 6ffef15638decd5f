"""What holds an event loop is told to the log, with its line, while it does.

A thread knocks at the loop, and looks at what the loop's thread is running if it does not answer in time. It is started
with the loop where debug mode or ``SLOW_CALLBACK_REPORT`` asks for it, and ends when the loop is closed. It keeps alive
neither the loop nor the application.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import sysconfig
import threading
import time
import weakref
from types import FrameType

from erlen.callables import line_of

__all__ = ["watch"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_INSTALLED = tuple(
    os.path.join(path, "") for name, path in sysconfig.get_paths().items() if name.endswith(("stdlib", "lib"))
)
_EVENTS = os.path.join("asyncio", "events.py")
#: How often it knocks in the time after which it reports.
_KNOCKS = 5

_lock = threading.Lock()
_watched: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


def watch(loop: asyncio.AbstractEventLoop, thread: threading.Thread, seconds: float, logger: logging.Logger) -> None:
    """Tell *logger* what holds *loop* for longer than *seconds*. Of several calls for a loop the first one counts.

    :param thread: the one that runs the loop
    """
    with _lock:
        if loop in _watched:
            return
        _watched.add(loop)
    watchdog = _Watchdog(weakref.ref(loop), thread.ident or 0, seconds, logger)
    threading.Thread(target=watchdog.run, name="erlen-watchdog", daemon=True).start()


class _Watchdog:
    def __init__(
        self, loop: weakref.ref[asyncio.AbstractEventLoop], ident: int, seconds: float, logger: logging.Logger
    ) -> None:
        self._loop = loop
        self._ident = ident
        self._seconds = seconds
        self._logger = logger
        self._answered = threading.Event()
        #: How many frames the loop itself has in its thread; None until it has answered once.
        self._depth: int | None = None

    def run(self) -> None:
        """Knock until the loop is closed."""
        while self._knock():
            told = False
            while not self._answered.wait(self._seconds):
                loop = self._loop()
                if loop is None or loop.is_closed():
                    return
                told = told or (loop.is_running() and self._report())
                del loop
            time.sleep(self._seconds / _KNOCKS)

    def _knock(self) -> bool:
        loop = self._loop()
        self._answered.clear()
        try:
            if loop is None or loop.is_closed():
                return False
            loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # closed meanwhile
            return False
        return True

    def _answer(self) -> None:
        if self._depth is None:
            self._depth = len(_frames_from(sys._getframe(1)))
        self._answered.set()

    def _report(self) -> bool:
        found = sys._current_frames().get(self._ident)
        frames = [] if found is None else self._of_the_callback(_frames_from(found))
        if not frames or self._answered.is_set():
            return False
        frame = _whose(frames)
        place = "{}:{}".format(*line_of(frame))
        inside = "" if frame is frames[0] else " ({} at {}:{})".format(_name(frames[0]), *line_of(frames[0]))
        self._logger.warning(
            "%s at %s%s has held the event loop for %g ms: nobody else is answered meanwhile. Await what it waits for, "
            "or have a thread do it: await asyncio.to_thread(...), or a plain function (def) that is not marked as "
            "quick by blocking=False or nonblocking.",
            _name(frame), place, inside, self._seconds * 1000,
        )  # fmt: skip
        return True

    def _of_the_callback(self, frames: list[FrameType]) -> list[FrameType]:
        """Return the frames of what the loop is running, without those of the loop and of what has started it."""
        for number, frame in enumerate(frames):
            if frame.f_code.co_name == "_run" and frame.f_code.co_filename.endswith(_EVENTS):
                return frames[:number]
        return frames if self._depth is None else frames[: max(len(frames) - self._depth, 0)]


def _frames_from(frame: FrameType | None) -> list[FrameType]:
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _whose(frames: list[FrameType]) -> FrameType:
    """Return the innermost frame of the application; else of a library; else the innermost one."""
    ours = [frame for frame in frames if not frame.f_code.co_filename.startswith((_PACKAGE, "<"))]
    application = [frame for frame in ours if not frame.f_code.co_filename.startswith(_INSTALLED)]
    return (application or ours or frames)[0]


def _name(frame: FrameType) -> str:
    return f"{frame.f_code.co_qualname}()"
