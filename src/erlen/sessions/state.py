"""What is known of a session during one request, and what it means for the response."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from erlen.sessions.fields import Fields
from erlen.sessions.record import Header, Record
from erlen.sessions.token import Token

__all__ = ["NO_PLANS", "SessionHeaders", "State"]

NO_PLANS: Mapping[str, Any] = MappingProxyType({})


class SessionHeaders:
    """What a saved session means for the response.

    Whatever is in it, the response differs by cookie: the session was looked at.

    :param cookie: a complete ``Set-Cookie`` value, or None
    :param refused: the changes were not kept: another request ended or moved the session meanwhile
    """

    __slots__ = ("cookie", "refused")

    def __init__(self, cookie: str | None = None, refused: bool = False) -> None:
        self.cookie = cookie
        self.refused = refused


class State(msgspec.Struct, eq=False):
    """What is known of a session once it was looked for."""

    fields: Fields
    token: Token | None = None
    header: Header | None = None
    """None while the store has no session for this visitor."""
    new: bool = True
    """Whether the visitor came without a session."""
    forwarded: bool = False
    touched: bool = False
    issue: bool = False
    """Whether the browser has to be told the token, although nothing was changed."""
    renew: bool = False
    """Whether the token is due to be replaced, whatever its age: it was none of ours."""
    planned: Mapping[str, Any] = NO_PLANS
    """Changes of the header."""
    failure: Exception | None = None
    """Why it could not be read early: raised when the request looks at it."""
    writable: bool = False
    """Whether it was looked whether this request may change it: it may."""
    early: bool = False
    """Read before it is known whether the request looks at it, and not touched yet."""
    lease: str | None = None
    """The owner's name under which this request holds the session, in the mode ``exclusive``."""
    ended: bytes | None = None
    """The key of the session that this request ended."""
    ended_user: str | None = None
    answer: SessionHeaders | None = None
    """What ``commit()`` wants the response to carry."""
    rotate: bool = False
    bound: bool = False
    """Whether this request signed a user in."""
    refused: bool = False
    """A command in the middle of the request was refused: another request has ended or moved the session."""
    lost: bool = False
    """It could not be read, and the request goes on without: nothing is saved."""

    __repr__ = object.__repr__  # no name of a user ends up in a log

    @classmethod
    def of(cls, token: Token, record: Record, fields: Fields) -> State:
        """Return the state of what the store has."""
        return cls(
            fields, token, record.header, False, record.forwarded, record.touched, not token.current, token.adopted
        )

    @property
    def user(self) -> str | None:
        """The bound user, as it will be after the request."""
        if "user" in self.planned:
            user: str | None = self.planned["user"]
            return user
        return self.header.user if self.header is not None else None

    def end(self) -> None:
        """Let the stored session end; what is assigned from now on belongs to a new one."""
        if self.header is not None and self.token is not None:
            self.ended, self.ended_user = self.token.key, self.header.user
        self.token = self.header = self.lease = None
        self.fields = self.fields.anew()
        self.planned = NO_PLANS
        self.rotate = self.bound = self.issue = False
