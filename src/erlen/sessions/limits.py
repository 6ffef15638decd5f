"""Ends sessions from outside, and sees to it that no user has more of them than allowed."""

from __future__ import annotations

import logging

from erlen.errors import SessionLimitReached
from erlen.sessions.listed import SessionInfo
from erlen.sessions.opening import SessionOpener
from erlen.sessions.record import Record
from erlen.sessions.state import State
from erlen.signals import session_revoked

__all__ = ["check_limit", "keep_limit", "revoke"]

log = logging.getLogger("erlen.sessions")


async def check_limit(opener: SessionOpener, state: State, user: str) -> None:
    """Refuse a login beyond ``MAX_SESSIONS_PER_USER``, if the policy is to refuse.

    :raises SessionLimitReached: if the user has as many sessions elsewhere
    """
    limit = opener.settings.max_sessions
    if limit is None or opener.settings.max_sessions_policy == "oldest":
        return
    own = None if state.token is None else state.token.key
    others = [record for record in await opener.outage.ask(opener.store.find, user) if record.key != own]
    if len(others) >= limit:
        raise _too_many(user, limit, others)


async def keep_limit(opener: SessionOpener, state: State) -> None:
    """See that the user who has just signed in has no more sessions than allowed.

    :raises SessionLimitReached: if the policy is to refuse, and another login that came at once was first
    """
    limit = opener.settings.max_sessions
    user = None if state.header is None else state.header.user
    if limit is None or user is None or state.token is None:
        return
    found = await opener.outage.ask(opener.store.find, user)
    found.sort(key=lambda record: (record.header.auth_time or record.header.created, record.key))
    if opener.settings.max_sessions_policy == "oldest":
        others = [record for record in found if record.key != state.token.key]
        for record in others[: max(0, len(found) - limit)]:
            await revoke(opener, record, "limit")
        return
    # Logins that come at once all pass check_limit. Each of them puts them in the same order and keeps the first ones.
    for record in found[limit:]:
        await revoke(opener, record, "limit")
    if state.token.key in {record.key for record in found[limit:]}:
        raise _too_many(user, limit, found[:limit])


async def revoke(opener: SessionOpener, record: Record, reason: str) -> None:
    """End a session, and tell why."""
    await opener.outage.ask(opener.store.delete, record.key)
    handle, user = record.key.hex(), record.header.user
    log.info("session %s was revoked (%s)", handle, reason)
    if session_revoked.receivers:
        session_revoked.send(opener.sender, handle=handle, user=user, reason=reason)


def _too_many(user: str, limit: int, others: list[Record]) -> SessionLimitReached:
    return SessionLimitReached(user, limit, [SessionInfo.of(record) for record in others])
