"""What requests that overlap do to a session, and what becomes of ids that should be worth nothing.

Nothing here is left to chance: the views wait for each other at the points that matter (see ``Meeting``).
"""

from __future__ import annotations

import random
import string
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from session_systems import MEETING, Answer, Client

TIMES = 100


@dataclass
class Found:
    """What the races have found."""

    lost: int = 0
    """Of so many pairs of requests one change was lost."""
    revived: int = 0
    """So many sessions were signed in again after they had been signed out."""
    late: Counter[int] = field(default_factory=Counter)
    """What the late requests were answered with."""
    adopted: bool = False
    """An id that the visitor has invented became the id of a session."""
    fixed: bool = False
    """The id from before the login is signed in as well."""


def race(client: Client) -> Found:
    """Do all of it."""
    found = Found(adopted=_adopts(client), fixed=_fixes(client))
    for _ in range(TIMES):
        found.lost += 2 - _pair(client)
        answer, revived = _late(client)
        found.revived += revived
        found.late[answer.status] += 1
    return found


def _pair(client: Client) -> int:
    """Let two requests of one session read it, and then each change a key of its own; return how many are there."""
    cookie = client.ask("/small").cookie
    other = Asked(client, "/left", cookie)
    client.ask("/right", cookie)
    other.answer()
    return int(client.ask("/both", cookie).text)


def _late(client: Client) -> tuple[Answer, bool]:
    """Let a request read the session, sign out in another one, and let the first change it then."""
    cookie = client.ask("/login", client.ask("/small").cookie).cookie
    if not client.ask("/who", cookie).text:
        raise SystemExit("Nobody is signed in after a login")
    MEETING.has_read.clear()
    MEETING.may_write.clear()
    late = Asked(client, "/late", cookie)
    assert MEETING.has_read.wait(60)
    client.ask("/logout", cookie)
    if client.ask("/who", cookie).text:
        raise SystemExit("Somebody is signed in after a logout")
    MEETING.may_write.set()
    answer = late.answer()
    return answer, bool(client.ask("/who", cookie).text or client.ask("/who", answer.cookie).text)


def _adopts(client: Client) -> bool:
    """Come with an id that looks like one and was invented, and see whether the session gets it."""
    name, _, value = client.ask("/small").cookie.partition("=")
    invented = f"{name}={''.join(_other(each) for each in value)}"
    client.ask("/write", invented)
    return client.ask("/read", invented).text not in ("", "None")


def _other(each: str) -> str:
    """Return another character of the same kind."""
    kinds = ["0123456789", "abcdef"] if each in string.hexdigits.lower() else [string.ascii_lowercase]
    kind = next((kind for kind in [*kinds, string.ascii_uppercase] if each in kind), each)
    return random.choice(kind.replace(each, "") or each)


def _fixes(client: Client) -> bool:
    """Sign in, and see whether the id from before is signed in, too."""
    before = client.ask("/small").cookie
    client.ask("/login", before)
    return bool(client.ask("/who", before).text)


class Asked:
    """A request that is under way in a thread."""

    def __init__(self, client: Client, path: str, cookie: str) -> None:
        self._result: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._result.append(client.ask(path, cookie)))
        self._thread.start()

    def answer(self) -> Answer:
        """Wait for the answer."""
        self._thread.join()
        if not self._result:
            raise SystemExit("A request of a race failed; its error stands above")
        answer: Answer = self._result[0]
        return answer
