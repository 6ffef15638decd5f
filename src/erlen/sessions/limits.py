"""Ends sessions from outside, and sees to it that no user has more of them than allowed."""

from __future__ import annotations

import logging

from erlen.errors import SessionLimitReached, SessionUnavailable
from erlen.sessions.listed import SessionInfo
from erlen.sessions.opening import SessionOpener
from erlen.sessions.record import Record
from erlen.sessions.state import State
from erlen.signals import session_revoked

__all__ = ["check_limit", "keep_limit", "key_of", "revoke"]

log = logging.getLogger("erlen.sessions")


async def key_of(opener: SessionOpener, state: State) -> bytes | None:
    """Return the key under which the session stands: not that of its token, if another request has renewed it."""
    if state.token is None or state.header is None:
        return None
    if opener.settings.renew_after is not None or state.forwarded or state.token.adopted:
        record = await opener.outage.ask(opener.store.load, state.token.key)
        if record is not None:
            return record.key
    return state.token.key


async def check_limit(opener: SessionOpener, state: State, user: str) -> None:
    """Refuse a login beyond ``MAX_SESSIONS_PER_USER``, if the policy is to refuse.

    :raises SessionLimitReached: if the user has as many sessions elsewhere
    """
    limit = opener.settings.max_sessions
    if limit is None or opener.settings.max_sessions_policy == "oldest":
        return
    own = await key_of(opener, state)
    others = [record for record in await opener.outage.ask(opener.store.find, user) if record.key != own]
    if len(others) >= limit:
        raise _too_many(user, limit, others)


async def keep_limit(opener: SessionOpener, state: State) -> None:
    """See that the user who has just signed in has no more sessions than allowed.

    The login stands in the store already: if that does not answer now, there may be more until the next login.

    :raises SessionLimitReached: if the policy is to refuse, and another login that came at once was first
    """
    try:
        await _keep_limit(opener, state)
    except SessionUnavailable:
        log.warning("MAX_SESSIONS_PER_USER was not looked at for a login, because the session store did not answer.")


async def _keep_limit(opener: SessionOpener, state: State) -> None:
    limit = opener.settings.max_sessions
    user = None if state.header is None else state.header.user
    if limit is None or user is None or state.token is None:
        return
    found = await opener.outage.ask(opener.store.find, user)
    found.sort(key=lambda record: (record.header.auth_time or record.header.created, record.key))
    # Logins that come at once see each other, put all in the same order, and end the same ones: maybe their own.
    if opener.settings.max_sessions_policy == "oldest":
        for record in found[: max(0, len(found) - limit)]:
            await revoke(opener, record, "limit")
        return
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
