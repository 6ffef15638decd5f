"""What holds for every answer, whatever was asked."""

from __future__ import annotations

import re
from typing import Any

from fuzz_app import SECRETS

from erlen.current import current

#: Answers to bad input, and to good. 5xx is not among them but 501, which no view of ours gives.
ALLOWED = {200, 201, 204, 206, 301, 302, 303, 304, 307, 308, *range(400, 452)}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


def judge(
    method: str,
    status: int,
    headers: list[tuple[str, str]],
    body: bytes,
    others: tuple[str, ...] = (),
    whole: bool = True,
) -> None:
    """See that an answer is valid and tells no secret.

    :param others: more that must not be told
    :param whole: all of the body has come
    """
    assert status in ALLOWED, status
    lengths = []
    for name, value in headers:
        assert _NAME.match(name), name
        assert not re.search("[\r\n\0]", value), (name, value)
        assert all(ord(character) < 256 for character in value), (name, value)
        if name.lower() == "content-length":
            lengths.append(int(value))
        elif name.lower() == "location":
            assert value.isascii(), value
            assert value.isprintable(), value
    assert len(lengths) <= 1
    if method == "HEAD" or status in (204, 304):
        assert body == b""
    elif lengths and whole:
        assert lengths == [len(body)]
    told = body.decode("latin-1") + "\n".join(name + value for name, value in headers)
    for secret in (*SECRETS, *others):
        assert secret not in told


def at_rest(app: Any, teardowns: int) -> None:
    """See that nothing of a request is left: its teardowns ran once, no context stays, no thread is kept."""
    assert app.teardowns == teardowns
    assert current.get(None) is None
    if app._threads is not None:
        assert app._threads._leased == []
        assert not app._threads._waiting
