"""The contract of a session store.

Each sentence here is a test in ``tests/sessions/``, run against every store. To write one of your own, subclass
:class:`SessionStore` and put ``SESSION_TYPE = "package.module:Class"`` into the configuration.
"""

from __future__ import annotations

import inspect
import random
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from types import FrameType
from typing import Any, ClassVar, Self

from erlen.callables import drive
from erlen.errors import SessionConflict
from erlen.loading import load
from erlen.sessions.record import Delta, KeyNote, Merged, Record
from erlen.sessions.settings import SessionSettings

__all__ = ["NOTE_KEPT", "SessionStore", "can_suspend", "jitter", "pause", "until_leased"]

NOTE_KEPT = 3600.0
"""Seconds for which a store keeps the note of a key."""


# The code of what can wait, or hand on the waiting of what it awaits.
_WAITING = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


class SessionStore(ABC):
    """Keeps sessions, each under its *key*: 34 bytes, two of shard and 32 that cannot be turned back into the cookie.

    - A session exists until its header's ``deadline`` and not a moment longer, whatever the store itself does with
      what is old: at the deadline every method treats it as missing.
    - Every method is atomic: of two concurrent ones, one comes wholly before the other, in every process.
    - Methods are ``async def`` and serve plain callers too: when :func:`can_suspend` says no, they block and never
      suspend.
    - What the store cannot do because it does not answer is a :class:`~erlen.errors.SessionUnavailable`.
    - Records and deltas that come in or go out are not kept: their owner may change them afterwards.
    """

    abilities: ClassVar[frozenset[str]] = frozenset({"write", "find", "lease", "scan"})
    """What it can do: ``"write"`` keeps sessions at all, ``"find"`` lists those of a user, ``"lease"`` serves the mode
    ``exclusive``, ``"scan"`` lists all sessions."""

    remote: ClassVar[bool] = True
    """Whether it waits for a server. While one lets requests wait in vain, only one request in a second asks it."""

    place: str = ""
    """Where it keeps sessions, for messages: an address without its password, or a path."""

    clock: Callable[[], float] = staticmethod(time.time)
    """The time in seconds since 1970, by which deadlines are judged. The session manager sets it to its own."""

    @classmethod
    def from_settings(cls, settings: SessionSettings) -> Self:
        """Make the store that the configuration asks for; without an own one, ``cls()``."""
        return cls()

    @abstractmethod
    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        """Return the session under *key*, or None if there is none.

        :param touch: move the idle deadline, if a tenth of the idle time has gone by since that was done last; the
            record says so in ``touched``. A store that is busy may leave it to the next request.

        Under an old token in its grace (see :meth:`move`) it returns the session itself, marked ``forwarded``.
        """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for each in cls.__mro__:  # all of them: a mixin may bring the load, and is told of no subclass
            if "load_now" in vars(each):
                return
            if "load" in vars(each):  # the load_now of a class above knows nothing of this load
                cls.load_now = SessionStore.load_now  # type: ignore[method-assign]
                return

    def load_now(self, key: bytes, touch: bool = False) -> Record | None:
        """Do what :meth:`load` does for a plain caller. A store that never waits may do without the coroutine.

        A test that has ``load`` fail to see what an application does then has to let this fail, too.
        """
        return drive(self.load(key, touch))

    @abstractmethod
    async def create(self, key: bytes, record: Record) -> None:
        """Keep a new session. What stands under *key* already is replaced: keys are drawn and do not collide."""

    @abstractmethod
    async def merge(self, key: bytes, delta: Delta) -> Merged:
        """Apply *delta* to the session as it is now, as :func:`erlen.sessions.record.merge` does.

        It is refused, and nothing changes, if the session does not exist any more or ``delta.owner`` does not hold
        its lease. With ``delta.final``, a session that is left without field and user is deleted. Under an old token
        in its grace the change reaches the session itself, and the answer is marked ``forwarded``.
        """

    @abstractmethod
    async def move(self, old: bytes, new: bytes, delta: Delta, grace: float = 0) -> Merged:
        """Apply *delta* and put the session under the key *new*, in one step; refused as a merge is.

        Without *grace* the key *old* is dead at once. With it, *old* leads to the session for so many seconds more.
        An emptied session is deleted and not moved. The header's ``renewed`` becomes the present moment.

        When *old* is itself such an old token: without *grace* the session it leads to is moved, and neither key
        lives on; with it the session stays where it is, for it has got a new token just now, the delta is merged, and
        the answer is marked ``forwarded``.
        """

    @abstractmethod
    async def delete(self, key: bytes) -> None:
        """Delete the session, wherever it was moved meanwhile. What does not exist is passed over.

        A request that began before a move knows the old key alone, and its logout has to end the session all the same.

        When it returns, the deletion survives a power cut.
        """

    async def find(self, user: str) -> list[Record]:
        """Return all sessions of *user*, the newest first; a store without the ability ``"find"`` returns none."""
        return []

    @abstractmethod
    async def acquire(self, key: bytes, owner: str, lease: float, wait: float) -> Record | None:
        """Load the session, touch it, and lease it to *owner* for *lease* seconds; None if there is none.

        While somebody else's lease runs it waits, up to *wait* seconds; a lease that has run out is taken over.

        :raises SessionConflict: if the lease was not to be had in time
        """

    async def scan(self) -> AsyncIterator[Record]:
        """Yield every session once, in no order; one that is made or moved meanwhile may be left out.

        A store without the ability ``"scan"`` yields none.
        """
        nothing: list[Record] = []
        for record in nothing:
            yield record

    async def count(self) -> int:
        """Return how many sessions there are."""
        return len([record async for record in self.scan()])

    async def delete_all(self) -> int:
        """Delete every session that exists when this begins, wherever it is moved meanwhile; return how many.

        A session that is created meanwhile may live on. A store that cannot count them returns 0.
        """
        total = 0
        while keys := [record.key async for record in self.scan()]:
            for key in keys:
                await self.delete(key)
            total += len(keys)
        return total

    async def check(self) -> list[str]:
        """Ask the server whether it is there, and return what is doubtful about how it is set up, in sentences.

        For ``erlen check``. The base class asks for a session that does not exist.

        :raises SessionUnavailable: if it does not answer
        """
        await self.load(b"\0" * 34)
        return []

    async def note_key(self, note: KeyNote) -> list[KeyNote]:
        """Keep *note* in place of an older one of the same fingerprint, and return those of other fingerprints.

        Notes older than :data:`NOTE_KEPT` before ``note.noted`` are forgotten. A store may do without: it returns none.
        """
        return []

    async def prune(self) -> int:
        """Delete sessions whose deadline has passed and return how many there were.

        A store whose server does that by itself returns 0.
        """
        return 0

    async def close(self) -> None:
        """Give back connections. The store may be used again afterwards and then connects anew."""
        return None


def can_suspend(depth: int = 1) -> bool:
    """Tell whether the calling coroutine may wait for an event loop, and so must not block it.

    :param depth: how many calls below that coroutine this is asked

    A running loop is not enough: plain code on it may drive a coroutine by hand, as a plain ``session.incr()`` in an
    async view does. So everything between here and the running task has to be a coroutine.
    """
    asyncio = sys.modules.get("asyncio")
    loop = None if asyncio is None else asyncio._get_running_loop()  # what is not loaded has no loop
    if asyncio is None or loop is None:
        return False
    task = asyncio.current_task(loop)
    root = getattr(task.get_coro(), "cr_frame", None) if task is not None else None
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and frame.f_code.co_flags & _WAITING:
        if frame is root:
            return True
        frame = frame.f_back
    return False


async def pause(seconds: float) -> None:
    """Wait without holding up an event loop, or, for a plain caller, in the thread."""
    if can_suspend():
        await load("asyncio").sleep(seconds)
    else:
        time.sleep(seconds)


def jitter(attempt: int) -> float:
    """Return how long to wait before the next attempt, in seconds: longer each time, up to a tenth of a second."""
    return random.uniform(0.0005, 0.001) * min(100, 1 << min(attempt, 7))


async def until_leased(attempt: Callable[[], Awaitable[tuple[bool, Record | None]]], wait: float) -> Record | None:
    """Call *attempt* until it says that it is done, and return its record.

    :raises SessionConflict: if it is not done after *wait* seconds
    """
    give_up = time.monotonic() + wait
    attempts = 0
    done, record = await attempt()
    while not done:
        if time.monotonic() >= give_up:
            raise _held(wait)
        await pause(jitter(attempts))
        attempts += 1
        done, record = await attempt()
    return record


def _held(wait: float) -> SessionConflict:
    return SessionConflict(
        f"Another request has held this session for itself for more than {wait:g} s (SESSION_LOCK_WAIT). It is held "
        "until that request ends, or for SESSION_LOCK_LEASE seconds if its worker was killed. A view that only reads "
        "the session needs no session='exclusive'."
    )
