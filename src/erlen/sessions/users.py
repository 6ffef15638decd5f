"""``app.sessions``: all sessions of the application, seen from outside of a request's own one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from erlen.callables import drive
from erlen.errors import SessionError
from erlen.sessions.limits import key_of, revoke
from erlen.sessions.listed import SessionInfo
from erlen.sessions.manager import SessionManager
from erlen.sessions.record import Record
from erlen.sessions.statistics import SessionStatistics, statistics_of
from erlen.signals import session_revoked

__all__ = ["UserSessions"]

_ANYBODY: Any = ...

log = logging.getLogger("erlen.sessions")

# The bytes of a key, whose hex digits are the handle.
_KEY = 34


class UserSessions:
    """Lists, counts and ends sessions: those of one user, or all.

    Every method has a twin for async code, whose name begins with ``a``. ::

        for info in app.sessions.for_user(7):
            print(info.label, info.seen, "this one" if info.current else "")
        app.sessions.revoke_others()

    A session that was ended is dead for every worker at once: its next request finds none, and one that is under way
    can store nothing in it any more.

    :param manager: returns the present session manager
    :param current: returns the session of the present request, or None outside of one
    """

    def __init__(self, manager: Callable[[], SessionManager], current: Callable[[], Any]) -> None:
        self._find_manager = manager
        self._current = current

    def for_user(self, user: str | int | None) -> list[SessionInfo]:
        """Return the sessions of *user*, the newest first; the one of the present request is marked ``current``.

        :param user: None, as ``session.bound_user`` is where nobody is signed in, has none
        :raises SessionError: if the store cannot list them
        """
        return drive(self.afor_user(user))

    async def afor_user(self, user: str | int | None) -> list[SessionInfo]:
        """Do what :meth:`for_user` does, without holding up the event loop."""
        manager = self._manager("find", "list the sessions of a user")
        if user is None:
            return []
        _, current = await self._own()
        found = await manager.outage.ask(manager.store.find, str(user))
        return [SessionInfo.of(record, current) for record in found]

    def revoke(self, handle: str, user: str | int | None = _ANYBODY) -> bool:
        """End the session with this handle; tell whether there was one.

        :param user: whose session it has to be. Give it wherever the handle comes from a browser, so that nobody ends
            the session of somebody else; None, as ``session.bound_user`` is where nobody is signed in, ends none
        """
        return drive(self.arevoke(handle, user))

    async def arevoke(self, handle: str, user: str | int | None = _ANYBODY) -> bool:
        """Do what :meth:`revoke` does, without holding up the event loop."""
        manager = self._manager("write", "end a session")
        try:
            key = bytes.fromhex(handle)
        except ValueError:
            return False
        if len(key) != _KEY or user is None:  # somebody made it up, or is nobody: no store is asked
            return False
        record = await manager.outage.ask(manager.store.load, key)
        if record is None or (user is not _ANYBODY and record.header.user != str(user)):
            return False
        await revoke(manager, record, "revoked")
        return True

    def revoke_others(self, user: str | int | None = None) -> int:
        """End all sessions of a user but that of the present request; return how many.

        :param user: the user; without one, whoever is signed in in the present session
        :raises SessionError: outside of a request, or if nobody is signed in and no user was given
        """
        return drive(self.arevoke_others(user))

    async def arevoke_others(self, user: str | int | None = None) -> int:
        """Do what :meth:`revoke_others` does, without holding up the event loop."""
        bound, current = await self._own()
        name = bound if user is None else str(user)
        if name is None or self._current() is None:
            raise SessionError(
                "revoke_others() keeps the session of the present request, and there is none that a user is signed in "
                "to. To end all sessions of somebody: app.sessions.revoke_all(user)."
            )
        return await self._revoke_of(name, keep=current)

    def revoke_all(self, user: str | int) -> int:
        """End every session of *user*, the present one too; return how many.

        For an account that was disabled or whose password was stolen.
        """
        return drive(self.arevoke_all(user))

    async def arevoke_all(self, user: str | int) -> int:
        """Do what :meth:`revoke_all` does, without holding up the event loop."""
        return await self._revoke_of(str(user))

    def revoke_everyone(self) -> int:
        """End every session of the application, signed in or not; return how many, as far as the store can count."""
        return drive(self.arevoke_everyone())

    async def arevoke_everyone(self) -> int:
        """Do what :meth:`revoke_everyone` does, without holding up the event loop."""
        manager = self._manager("write", "end sessions")
        total = await manager.outage.ask(manager.store.delete_all)
        log.warning("All sessions were revoked.")
        if session_revoked.receivers:
            session_revoked.send(manager.sender, handle=None, user=None, reason="everyone")
        return total

    def count(self, user: str | int | None = None) -> int:
        """Return how many sessions there are, of *user* or in all."""
        return drive(self.acount(user))

    async def acount(self, user: str | int | None = None) -> int:
        """Do what :meth:`count` does, without holding up the event loop."""
        if user is not None:
            return len(await self.afor_user(user))
        manager = self._manager("scan", "count all sessions")
        return await manager.outage.ask(manager.store.count)

    def all(self, limit: int | None = None) -> list[SessionInfo]:
        """Return the sessions of all visitors, in no order; *limit* is how many at most."""
        return drive(self.aall(limit))

    async def aall(self, limit: int | None = None) -> list[SessionInfo]:
        """Do what :meth:`all` does, without holding up the event loop."""
        manager, (_, current) = self._manager("scan", "list all sessions"), await self._own()
        found: list[SessionInfo] = []
        if limit is None or limit > 0:
            async for record in manager.store.scan():
                found.append(SessionInfo.of(record, current))
                if len(found) == limit:
                    break
        return found

    def statistics(self) -> SessionStatistics:
        """Return how many sessions there are and what they are like; every session is read for it, once."""
        return drive(self.astatistics())

    async def astatistics(self) -> SessionStatistics:
        """Do what :meth:`statistics` does, without holding up the event loop."""
        manager = self._manager("scan", "count all sessions")
        return await manager.outage.ask(statistics_of, manager.store)

    def prune(self) -> int:
        """Remove what is left of sessions whose time is over, and return how many there were.

        Most stores do so by themselves, now and then; a timer may call this or ``erlen sessions prune``.
        """
        return drive(self.aprune())

    async def aprune(self) -> int:
        """Do what :meth:`prune` does, without holding up the event loop."""
        manager = self._manager("write", "prune sessions")
        return await manager.outage.ask(manager.store.prune)

    def _manager(self, ability: str, what: str) -> SessionManager:
        manager = self._find_manager()
        if ability not in manager.store.abilities:
            kind = manager.settings.type
            raise SessionError(
                f"Sessions of the type {kind!r} cannot do this: {what}. Any of the stores 'sqlite', 'redis', "
                "'mongodb', 'sqlalchemy', 'dynamodb' and 'filesystem' can."
            )
        return manager

    async def _own(self) -> tuple[str | None, bytes | None]:
        """Return user and key of the session of the present request."""
        session = self._current()
        if session is None or session._mode == "none":
            return None, None
        await session.aload()
        return session._state.user, await key_of(self._find_manager(), session._state)

    async def _revoke_of(self, user: str, keep: bytes | None = None) -> int:
        manager = self._manager("find", "end the sessions of a user")
        gone: list[Record] = [
            record for record in await manager.outage.ask(manager.store.find, user) if record.key != keep
        ]
        for record in gone:
            await revoke(manager, record, "revoked")
        return len(gone)
