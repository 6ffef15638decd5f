"""How a message stands in Redis: text as it is, so that other programs can publish and read it; bytes with a mark."""

from __future__ import annotations

__all__ = ["decode", "encode"]

_BYTES, _TEXT = b"\0", b"\1"


def encode(message: object) -> bytes:
    """Return the form of a message that is sent.

    :raises TypeError: if it is neither text nor bytes
    :raises UnicodeEncodeError: for text with half of a surrogate pair
    """
    if isinstance(message, str):
        raw = message.encode()
        # Text that begins like a mark is marked itself.
        return _TEXT + raw if raw[:1] in (_BYTES, _TEXT) else raw
    if isinstance(message, (bytes, bytearray, memoryview)):
        return _BYTES + bytes(message)
    raise TypeError(
        f"A message is str or bytes, and this is a {type(message).__name__}: {message!r:.100}. Publish values as JSON: "
        "await broadcast.publish(channel, app.json.dumps(value))."
    )


def decode(raw: bytes) -> str | bytes:
    """Return the message whose form is *raw*; bytes if another program sent what is no text."""
    mark = raw[:1]
    if mark == _BYTES:
        return raw[1:]
    try:
        return (raw[1:] if mark == _TEXT else raw).decode()
    except UnicodeDecodeError:
        return raw
