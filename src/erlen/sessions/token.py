"""The token in the session cookie: made, signed and verified.

A token is ``base64url(2 bytes of shard + 32 random bytes + 8 bytes of HMAC-SHA256)``, 56 characters. The 256 random
bits protect the session; the HMAC only lets a forged or mangled token be refused without asking the store. The store
knows the session as the shard and SHA-256 of the random bytes, so what it keeps cannot be turned back into a cookie.
The shard stays the same when the token is changed, so that a store on several machines can move the session in place.
"""

from __future__ import annotations

import binascii
import hmac
import secrets
from collections.abc import Iterable, Sequence
from hashlib import sha256

__all__ = ["KeyRing", "TOKEN_LENGTH", "Token"]

TOKEN_LENGTH = 56

_SHARD = 2
_PAYLOAD = _SHARD + 32
_MAC = 8
_PURPOSE = b"erlen session token 1"
_BLOCK = 64

# '+' and '/' belong to the other base64 alphabet: two spellings of one token are one too many.
_FROM_URL = bytes.maketrans(b"-_+/", b"+/!!")


class Token:
    """One session's secret.

    :param payload: shard and random bytes
    :param current: False if it was signed by a key that only stands in ``SECRET_KEY_FALLBACKS``
    """

    __slots__ = ("current", "key", "payload")

    adopted = False
    """Whether it stands for the id of another session system; see :mod:`erlen.sessions.adoption`."""

    def __init__(self, payload: bytes, current: bool = True) -> None:
        self.payload = payload
        self.current = current
        self.key = payload[:_SHARD] + sha256(payload[_SHARD:]).digest()
        """What the store knows the session by."""

    @classmethod
    def draw(cls, shard: bytes | None = None) -> Token:
        """Make a new token, on the given *shard* or on a random one."""
        if shard is None:
            return cls(secrets.token_bytes(_PAYLOAD))
        return cls(shard + secrets.token_bytes(_PAYLOAD - _SHARD))

    @property
    def shard(self) -> bytes:
        """The two bytes that survive a rotation."""
        return self.payload[:_SHARD]

    def __repr__(self) -> str:
        return "<Token (secret)>"


class KeyRing:
    """The keys that sign and verify tokens: the first signs, each of them verifies.

    :param keys: ``SECRET_KEY`` and then ``SECRET_KEY_FALLBACKS``; a str stands for its UTF-8 bytes
    :raises ValueError: without a key, or with an empty one
    """

    __slots__ = ("_signers", "keys")

    def __init__(self, keys: Iterable[str | bytes]) -> None:
        self.keys = tuple(key.encode() if isinstance(key, str) else bytes(key) for key in keys)
        if not self.keys or not all(self.keys):
            raise ValueError("A key ring needs at least one key, and none of them may be empty.")
        self._signers = tuple(_Signer(key) for key in self.keys)

    @classmethod
    def of(cls, secret_key: str | bytes | None, fallbacks: Sequence[str | bytes] | None = None) -> KeyRing | None:
        """Make the ring of the settings ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``; None without a secret key."""
        return cls([secret_key, *(fallbacks or ())]) if secret_key else None

    def sign(self, token: Token) -> str:
        """Write *token* as the value of a cookie."""
        signed = token.payload + self._signers[0].mac(token.payload)
        return binascii.b2a_base64(signed, newline=False).translate(_TO_URL).decode()

    def verify(self, value: str) -> Token | None:
        """Return the token that a cookie's *value* is, or None if this ring did not sign it."""
        if len(value) != TOKEN_LENGTH:
            return None
        try:
            signed = binascii.a2b_base64(value.encode("ascii").translate(_FROM_URL), strict_mode=True)
        except ValueError:  # not ASCII, or not base64
            return None
        payload, mac = signed[:_PAYLOAD], signed[_PAYLOAD:]
        for index, signer in enumerate(self._signers):
            if hmac.compare_digest(signer.mac(payload), mac):
                return Token(payload, index == 0)
        return None

    def __repr__(self) -> str:
        return f"<KeyRing of {len(self.keys)} keys (secret)>"


_TO_URL = bytes.maketrans(b"+/", b"-_")


class _Signer:
    """HMAC-SHA256 (RFC 2104) with the key's two blocks hashed beforehand: less than half the work for a short text."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        # A key of its own for this purpose: what else is signed with SECRET_KEY tells nothing about tokens.
        key = hmac.digest(secret, _PURPOSE, "sha256").ljust(_BLOCK, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in key))

    def mac(self, message: bytes) -> bytes:
        """Return the first 8 bytes of the HMAC of *message*."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()[:_MAC]
