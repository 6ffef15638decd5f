"""From a cookie of Flask-Session to the session that was imported from there: for the time of a move.

``SESSION_ADOPT_FLASK_SESSION`` turns it on. A visitor who comes with the old id is led to the imported session, which
gets a token of ours with the first response; the id itself is dead after ``SESSION_RENEW_GRACE``, as after any renewal.
An id that was not imported leads nowhere: nobody can choose one.
"""

from __future__ import annotations

import re
from hashlib import md5, sha256

from erlen.sessions.cookies import find_cookies
from erlen.sessions.token import Token

__all__ = ["AdoptedToken", "adopted_key", "find_adopted", "stored_name"]

_FLASK_COOKIE = "session"
_PREFIX = "session:"
_PURPOSE = b"erlen adopts flask-session 1 "

# A UUID or base64url of 128 random bits at least, and what SESSION_USE_SIGNER has put behind it. The id is the secret:
# a signature adds nothing, and it may be of a SECRET_KEY that is not known here.
_COOKIE = re.compile(r"([A-Za-z0-9_-]{22,255})(?:\.[A-Za-z0-9_-]{20,100})?")


class AdoptedToken(Token):
    """Stands for the token of an imported session, until the first response gives it one. It is never signed.

    :param key: what the store knows the imported session by
    """

    __slots__ = ()

    adopted = True

    def __init__(self, key: bytes) -> None:
        self.payload = key  # only its shard is asked for
        self.current = True
        self.key = key


def stored_name(session_id: str) -> str:
    """Return the name of the file in which Flask-Session keeps a session: all that an import of files knows of its id.

    MD5, because that is what it takes. An id of 256 random bits cannot be guessed from it.
    """
    return md5(f"{_PREFIX}{session_id}".encode(), usedforsecurity=False).hexdigest()


def adopted_key(name: str) -> bytes:
    """Return the key under which an imported session stands, from the name that :func:`stored_name` gives it."""
    digest = sha256(_PURPOSE + name.encode()).digest()
    return digest[:2] + digest


def find_adopted(header: str, name: str) -> AdoptedToken | None:
    """Return what stands for a token, if a ``Cookie`` header has something that looks like an id of Flask-Session.

    :param name: the name of our cookie; Flask's own is looked for too
    """
    for cookie in dict.fromkeys((name, _FLASK_COOKIE)):
        for value in find_cookies(header, cookie):
            found = _COOKIE.fullmatch(value)
            if found is not None:
                return AdoptedToken(adopted_key(stored_name(found[1])))
    return None
