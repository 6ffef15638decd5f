"""``SESSION_SEALED``: the store never sees what a session holds, and a copy of it tells nothing.

Each value is encrypted (AES-256-GCM, NIST SP 800-38D) under a key of its session's own. That key stands in the header,
wrapped by one that is derived from the token, and the token stands in the visitor's browser alone. A change of the
token wraps it anew and leaves the values as they are.

The names of keys, how long values are, how many items a list has, and the header with user and label stay readable:
the store has to merge and to find. Numbers are encrypted too, so that the store cannot add to them: ``incr`` swaps.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from erlen.errors import SessionUnavailable, SessionValueError
from erlen.sessions import stored
from erlen.sessions.fields import Fields, Policy
from erlen.sessions.token import Token

__all__ = ["Seal", "SealedFields", "fields_of", "new_fields"]

_PURPOSE = b"erlen session seal 1"
_KEY = 32
_NONCE = 12


class Seal:
    """The key of one session's values.

    :param key: 32 random bytes
    """

    __slots__ = ("_cipher", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    @classmethod
    def opened_by(cls, token: Token, wrapped: list[bytes]) -> Seal:
        """Unwrap the key by the token that has found the session.

        :raises SessionUnavailable: if none of the *wrapped* ones is for this token
        """
        wrapper = AESGCM(_wrapping_key(token))
        for each in wrapped:
            try:
                return cls(wrapper.decrypt(each[:_NONCE], each[_NONCE:], _PURPOSE))
            except InvalidTag:
                continue
        raise SessionUnavailable(
            "A sealed session cannot be opened by the token that has found it: what the store holds was damaged or "
            "changed by hand."
        )

    def wrapped_for(self, token: Token) -> bytes:
        """Return the key as it may stand in the store, for whoever has *token*."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(_wrapping_key(token)).encrypt(nonce, self._key, _PURPOSE)

    def close(self, name: str, plain: bytes) -> bytes:
        """Encrypt a value, so that it can be read under this key of the session alone."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, name.encode("utf-8", "surrogatepass"))

    def open(self, name: str, closed: bytes) -> bytes:
        """Decrypt a value.

        :raises SessionValueError: if it was changed, or was moved here from another key
        """
        try:
            return self._cipher.decrypt(closed[:_NONCE], closed[_NONCE:], name.encode("utf-8", "surrogatepass"))
        except (InvalidTag, ValueError) as error:
            raise SessionValueError(
                f"session[{name!r}]",
                "the sealed value cannot be opened: somebody has changed it in the store, or moved it there. "
                f"'session.pop({name!r}, None)' does not read it, and so takes it away.",
            ) from error


_NO_SEAL: Any = None


class SealedFields(Fields):
    """Fields whose values are sealed in the store. What was stored before sealing was switched on is still read."""

    hidden = True
    _seal: Seal = _NO_SEAL  # replaced at once: what follows on attributes with defaults must have one
    _wrapped: Sequence[bytes] = ()
    """The key as it stands in the header, for the newest token first."""
    _plain: dict[str, tuple[bytes, bytes]] = msgspec.field(default_factory=dict)
    """By key, the bytes that were sealed or opened, and what they are when they are open."""

    def fresh(self, raw: dict[str, bytes]) -> Fields:
        """Return fields of the same session with other content."""
        return SealedFields(raw, self.policies, _seal=self._seal)

    def anew(self) -> Fields:
        """Return the fields of a new session, with a key of its own."""
        return new_fields(self.policies)

    def moved(self, token: Token, former: int = 0) -> dict[str, Any]:
        """Return the wrapped key for the header."""
        self._wrapped = [self._seal.wrapped_for(token), *self._wrapped[:former]]
        return {"seals": list(self._wrapped)}

    def plain(self, key: str) -> bytes:
        """Return the encoded value of *key*; a KeyError says that there is none."""
        raw = self.raw[key]
        known = self._plain.get(key)
        if known is not None and known[0] is raw:
            return known[1]
        if raw[:1] == b"s":
            plain = self._seal.open(key, raw[1:])
        elif stored.is_list(raw):
            plain = stored.join([self._open_item(key, item) for item in stored.split(raw)])
        else:
            plain = raw
        self._plain[key] = raw, plain
        return plain

    def _open_item(self, key: str, item: bytes) -> bytes:
        # An item that was stored before sealing is msgpack, which never begins with this byte.
        return self._seal.open(key, item[1:]) if item[:1] == b"\xc1" else item

    def wrap(self, key: str, encoded: bytes) -> bytes:
        """Return what is kept for a value of *key* that has the form *encoded*."""
        if stored.is_list(encoded):
            raw = stored.join([self.wrap_item(key, item) for item in stored.split(encoded)])
        else:
            raw = b"s" + self._seal.close(key, encoded)
        self._plain[key] = raw, encoded
        return raw

    def wrap_item(self, key: str, encoded: bytes) -> bytes:
        """Return what is kept for an item of the list *key*."""
        return b"\xc1" + self._seal.close(key, encoded)


def new_fields(policies: Mapping[str, Policy]) -> Fields:
    """Return the fields of a new session, with a key of its own."""
    return SealedFields({}, policies, _seal=Seal(os.urandom(_KEY)))


def fields_of(token: Token, seals: list[bytes], raw: dict[str, bytes], policies: Mapping[str, Policy]) -> Fields:
    """Return the fields of a stored session.

    :raises SessionUnavailable: if the token does not open them
    """
    return SealedFields(raw, policies, _seal=Seal.opened_by(token, seals), _wrapped=seals)


def _wrapping_key(token: Token) -> bytes:
    # The random part alone: the store knows its SHA-256, from which nobody comes to this.
    return hmac.digest(token.payload[2:], _PURPOSE, "sha256")
