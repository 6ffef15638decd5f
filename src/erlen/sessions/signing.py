"""Signs and reads what a cookie session holds, in the format of itsdangerous and by its rules.

Loaded when a cookie session is first opened, because only then itsdangerous is needed.
"""

from __future__ import annotations

import binascii
import time
import zlib
from collections.abc import Callable
from hmac import compare_digest
from typing import Any

from itsdangerous import URLSafeTimedSerializer
from itsdangerous.signer import HMACAlgorithm

__all__ = ["SessionSerializer"]

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_REMEMBERED = 1024
_REMEMBERED_SIZE = 2048
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def _now() -> float:
    return time.time()  # looked up each time, or a clock that a test has stopped would go on here


class SessionSerializer(URLSafeTimedSerializer):
    """A :class:`itsdangerous.URLSafeTimedSerializer` that quickly reads what its newest key has signed.

    Whatever is not that common case (an older key, a forgery, an own algorithm) goes through itsdangerous itself, so
    that results and errors are the same.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: Gives the time in seconds since 1970.
        self.clock: Callable[[], float] = _now
        super().__init__(*args, **kwargs)
        signer = self.make_signer(self.salt)
        # A browser sends the same cookie again and again. Only what our key has signed gets in here.
        self._verified: dict[str, tuple[str, int]] = {}
        self._sign: Callable[[bytes], bytes] | None = None
        if type(signer.algorithm) is HMACAlgorithm and self.is_text_serializer:
            self._sign = _Hmac(signer.derive_key(), signer.algorithm.digest_method).sign

    def make_signer(self, salt: str | bytes | None = None) -> Any:
        """Make what signs, with the clock of this serializer."""
        clock, signer = self.clock, super().make_signer(salt)
        signer.__dict__["get_timestamp"] = lambda: int(clock())
        return signer

    def loads(  # type: ignore[override]  # as in itsdangerous
        self,
        s: str | bytes,
        max_age: int | None = None,
        return_timestamp: bool = False,
        salt: str | bytes | None = None,
    ) -> Any:
        """Return what *s* holds, as :meth:`itsdangerous.URLSafeTimedSerializer.loads` does.

        :raises itsdangerous.BadSignature: if none of the keys has signed it, or it is older than *max_age* seconds
        :raises itsdangerous.BadPayload: if it was signed and cannot be read
        """
        if isinstance(s, str) and salt is None and not return_timestamp:
            return self.read(s, max_age)[0]
        return super().loads(s, max_age, return_timestamp, salt)

    def read(self, value: str, max_age: int | None) -> tuple[Any, str, bool]:
        """Return what *value* holds, the JSON it was read from, and whether the newest key has signed it.

        :raises itsdangerous.BadData: as :meth:`loads`
        """
        found = self._verified.get(value) or self._verify(value)
        if found is not None and (max_age is None or 0 <= int(self.clock()) - found[1] <= max_age):
            try:
                return self.serializer.loads(found[0]), found[0], True
            except Exception:  # whatever a tag raises: itsdangerous says below what it means
                pass
        data = super().loads(value, max_age)
        return data, _text(value.encode().rsplit(b".", 2)[0]), found is not None

    def _verify(self, value: str) -> tuple[str, int] | None:
        """Return the JSON in *value* and when it was signed; None for what itsdangerous has to judge."""
        sign = self._sign
        if sign is None or not value.isascii():
            return None
        signed, dot, signature = value.encode().rpartition(b".")
        if not dot or not compare_digest(sign(signed), signature):
            return None
        payload, dot, moment = signed.rpartition(b".")
        try:
            found = _text(payload), int.from_bytes(_decode(moment), "big")
        except (ValueError, zlib.error):
            return None
        if len(value) <= _REMEMBERED_SIZE:
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[value] = found
        return found


def _text(payload: bytes) -> str:
    """Return the JSON in a verified payload."""
    if payload[:1] == b".":
        return zlib.decompress(_decode(payload[1:])).decode()
    return _decode(payload).decode()


def _decode(payload: bytes) -> bytes:
    return binascii.a2b_base64(payload.translate(_FROM_URL) + b"==")


class _Hmac:
    """HMAC (RFC 2104) with the key's two blocks hashed beforehand."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, digest_method: Callable[[bytes], Any]) -> None:
        block = digest_method(b"").block_size
        if len(key) > block:
            key = digest_method(key).digest()
        key = key.ljust(block, b"\0")
        self._inner = digest_method(key.translate(_INNER))
        self._outer = digest_method(key.translate(_OUTER))

    def sign(self, message: bytes) -> bytes:
        """Return the signature of *message* as it is written: base64 for URLs, without padding."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return binascii.b2a_base64(outer.digest(), newline=False).rstrip(b"=").translate(_TO_URL)
