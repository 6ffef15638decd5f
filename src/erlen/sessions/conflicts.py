"""What becomes of a change when another request has changed the same key meanwhile: the policies of keys.

And the errors for a change that is not kept.
"""

from __future__ import annotations

from typing import Any

from erlen.callables import describe
from erlen.errors import SessionConflict, SessionError
from erlen.sessions import stored
from erlen.sessions.fields import Fields
from erlen.sessions.record import Delta

__all__ = ["has_begun", "rebase", "was_refused"]


def rebase(fields: Fields, delta: Delta, theirs: dict[str, bytes], now: float) -> None:
    """Let *delta* follow on what others have made of its keys, as the policy of each key says.

    A key with the policy ``"first"`` is left as they made it; a function makes one value of the three: what both began
    with, theirs, and mine. None stands for a missing key, and a function that returns None removes it.

    :param theirs: the stored fields as they are now
    :raises SessionConflict: if the policy of a changed key is ``"error"``
    """
    for key, base in list(delta.expect.items()):
        raw = theirs.get(key)
        present = raw if stored.at(raw, now) is not None else None
        if present == base:
            continue
        policy = fields.policies[key]
        if policy == "error":
            raise SessionConflict(
                f"session[{key!r}] was changed by another request meanwhile, and the policy of this key is 'error'. "
                "Nothing of this request was stored in the session. The visitor may try again."
            )
        delta.set.pop(key, None)
        if key in delta.delete:
            delta.delete.remove(key)
        if policy == "first":
            del delta.expect[key]
            fields.replace(key, present, now)
            continue
        assert callable(policy)
        mine = fields.get(key) if key in fields.raw else None
        merged = policy(_value(fields, key, base, now), _value(fields, key, present, now), mine)
        delta.expect[key] = present
        if merged is None:
            fields.replace(key, None, now)
            delta.delete.append(key)
        else:
            _adopt(fields, key, merged, policy)
            delta.set[key] = fields.stored(key)


def _value(fields: Fields, key: str, raw: bytes | None, now: float) -> Any:
    living = stored.at(raw, now)
    return None if living is None else fields.read(key, living)


def _adopt(fields: Fields, key: str, value: Any, policy: Any) -> None:
    try:
        fields.adopt(key, value)
    except Exception as error:
        error.add_note(f"It was returned by {describe(policy)}, the policy of this key in SESSION_CONFLICTS.")
        raise


def has_begun(what: str) -> SessionError:
    """Return the error for a commit after the response has begun, if the browser would have to be told *what*."""
    return SessionError(
        f"The session cannot be committed: the response has begun, and {what} needs a cookie in its headers. Do that "
        "in the view, before it returns its stream; session.commit() stores it there."
    )


def was_refused(mode: str) -> SessionConflict:
    """Return the error for a change that was refused in this *mode*."""
    reason = (
        "its lease ran out (SESSION_LOCK_LEASE), or the session was ended"
        if mode == "exclusive"
        else "another request ended the session or changed its token meanwhile"
    )
    return SessionConflict(f"The changes of this request to the session were refused: {reason}. Nothing was stored.")
