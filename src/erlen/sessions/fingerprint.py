"""Finds workers that sign with different secret keys, which logs users out without any other sign.

Each process leaves a note in the session store: a fingerprint of its key, its number and the time. Who reads a fresh
note of a key that it does not know, from a process that does not know its own, tells what is wrong.
"""

from __future__ import annotations

import hmac
import os
import platform
from collections.abc import Iterable

from erlen.sessions.record import KeyNote
from erlen.sessions.token import KeyRing

__all__ = ["complaint", "note_of"]

_PURPOSE = b"erlen key fingerprint 1"


def note_of(ring: KeyRing, now: float, past: Iterable[bytes] = ()) -> KeyNote:
    """Return this process's note: 32 bits of an HMAC, from which nobody can tell the key.

    :param past: keys that this process has signed with before, which are no other worker's
    """
    prints = [hmac.digest(key, _PURPOSE, "sha256")[:4].hex() for key in (*ring.keys, *past)]
    return KeyNote(prints[0], prints, f"process {os.getpid()} on {platform.node() or 'this machine'}", now)


def complaint(own: KeyNote, others: Iterable[KeyNote]) -> str | None:
    """Return what is wrong if one of the *others* works with a key that has nothing to do with ours."""
    for other in others:
        if other.fingerprint not in own.ring and own.fingerprint not in other.ring:
            return (
                f"Two workers of this application have different secret keys: {own.owner}, and {other.owner}, which "
                f"used the session store {max(0, round(own.noted - other.noted))} s ago. A session made by one is "
                "refused by the other, and users are logged out at random. A key that is drawn anew at each start "
                "does this: os.urandom() or secrets.token_hex() in the configuration. Write a fixed key there: 'erlen "
                "secret' prints one. If the key was changed on purpose just now, put the old one into "
                "SECRET_KEY_FALLBACKS, and nobody is logged out."
            )
    return None
