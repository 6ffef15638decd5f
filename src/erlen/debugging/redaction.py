"""Keeps secrets off the debug page: what is known to be secret is found in every text, in whatever form it has there.

Local variables are never shown, so a secret can only come by way of a message, a line of source, a URL or a field. All
of these go through one :class:`Redactor`, which knows the values by :func:`known_secrets`.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import markupsafe

from erlen.config import SETTINGS
from erlen.config.secrecy import looks_secret

__all__ = ["HIDDEN", "Redactor", "field_is_secret", "header_is_secret", "known_secrets", "leaves", "try_to"]

#: What stands in the place of a secret.
HIDDEN = "[hidden]"

#: A shorter value is only found where it stands as a word of its own, or it would blot out half of the page.
_LONG = 4
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_SECRET_WORDS = frozenset(
    (
        *("auth", "authentication", "authorization", "bearer", "card", "cc", "cookie", "cookies", "csc", "cvc", "cvv"),
        *(
            "dsn",
            "iban",
            "jwt",
            "key",
            "keys",
            "mfa",
            "nonce",
            "otp",
            "pass",
            "pin",
            "pwd",
            "sid",
            "sig",
            "ssn",
            "totp",
        ),
    )
)
_SECRET_PARTS = re.compile(
    r"passw|passphrase|secret|token|csrf|xsrf|session|credential|privatekey|accesskey|apikey|creditcard|cardnumber"
    r"|cardno|securitycode|signature"
)
#: Words that a cookie may hold and that hide nothing.
_PLAIN = frozenset({"", "true", "false", "none", "null", "yes", "no", "on", "off"})
_USER_IN_URL = re.compile(r"://([^\s/?#@'\"<>]+)@(?=[^\s@])")
_PAIR = re.compile(r"(?<=[?&;])([\w.%\[\]-]+)=([^&;\s\"'<>#]+)")
_CREDENTIAL = re.compile(r"\b(?:bearer|basic|digest)\s+([\w.~+/=:-]{8,})", re.IGNORECASE)


def field_is_secret(name: str) -> bool:
    """Tell whether a field of a form, a query or a JSON object called *name* holds what nobody should see. ::

    field_is_secret("newPassword")  # True
    field_is_secret("author")       # False
    """
    words = [word.lower() for word in _WORD.findall(name)]
    return not _SECRET_WORDS.isdisjoint(words) or _SECRET_PARTS.search("".join(words)) is not None


def header_is_secret(name: str) -> bool:
    """Tell whether the request header *name* holds a credential."""
    return field_is_secret(name)


def leaves(value: Any) -> Iterator[str]:
    """Yield the texts and numbers inside of *value* as texts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (bytes, bytearray)):
        yield bytes(value).decode("utf-8", "surrogateescape")
        yield bytes(value).decode("latin1")
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)


def try_to(work: Callable[[], Any], default: Any) -> Any:
    """Return what *work* gives; *default* if it raises, because a broken request must not break its page."""
    try:
        return work()
    except Exception:
        return default


# --- what is known to be secret ------------------------------------------------------------------------------------


def _in_url(text: str) -> Iterator[str]:
    for found in _USER_IN_URL.finditer(text):
        user, _, password = found[1].partition(":")
        secret = password or (user if len(user) >= 16 else "")  # a token may stand in the user's place
        yield secret
        yield unquote(secret)


def _in_settings(settings: Mapping[Any, Any]) -> Iterator[str]:
    for key, value in settings.items():
        setting = SETTINGS.get(key)
        if setting.kind.secret if setting is not None else looks_secret(str(key)):
            if isinstance(value, (str, bytes, list, tuple, Mapping)):  # not MAX_TOKENS = 4096
                yield from leaves(value)
        elif isinstance(value, Mapping):
            yield from _in_settings(value)
        for text in leaves(value):
            yield from _in_url(text)


def _in_fields(value: Any, secret: bool = False) -> Iterator[str]:
    """Yield the values of secret-looking fields, at any depth."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _in_fields(inner, secret or field_is_secret(str(name)))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _in_fields(inner, secret)
    elif secret:
        yield from leaves(value)


def _in_credential(value: str) -> Iterator[str]:
    yield value
    _, _, credential = value.partition(" ")
    yield credential.strip()
    try:
        decoded = base64.b64decode(credential + "=" * (-len(credential) % 4)).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return
    yield decoded
    yield decoded.partition(":")[2]


def _in_cookies(header: str) -> Iterator[str]:
    yield header
    for pair in header.split(";"):
        value = pair.partition("=")[2].strip().strip('"')
        yield value
        yield unquote(value)
        # A signed value is a payload and a signature, each of which may be logged or shown by itself.
        yield from (part for part in re.split(r"[.|]", value) if len(part) >= 16)


def _in_request(request: Any) -> Iterator[str]:
    for name, value in try_to(lambda: list(request.headers), []):
        if name.lower() == "cookie":
            yield from _in_cookies(value)
        elif name.lower().endswith("authorization"):
            yield from _in_credential(value)
        elif header_is_secret(name):
            yield value
            yield unquote(value)
        yield from _in_url(value)
    yield from leaves(try_to(lambda: request.cookies.to_dict(flat=False), {}))
    for read in (
        lambda: request.args.to_dict(flat=False),
        lambda: request.form.to_dict(flat=False),
        lambda: request.get_json(silent=True) if request.is_json else None,
        lambda: request.view_args,
    ):
        yield from _in_fields(try_to(read, None))
    for pair in str(request.environ.get("QUERY_STRING", "")).split("&"):  # as it was sent: "%41" for "A"
        name, _, value = pair.partition("=")
        if field_is_secret(unquote_plus(name)):
            yield value


def known_secrets(app: Any, request: Any, session: Any) -> set[str]:
    """Collect the values that must not stand on a page.

    They are those of secret settings and environment variables, the passwords in URLs, all cookies, the credentials in
    headers, and the secret-looking fields of the query, the form, the JSON body, the path and the session.

    :param session: the session if the request has read it, else None
    """
    environment = {name: value for name, value in os.environ.items() if name != "PWD"}  # a shell's working directory
    found = {*_in_settings(app.config), *_in_settings(environment), *_in_request(request)}
    if session is not None:
        found.update(try_to(lambda: list(_in_fields({key: session[key] for key in session})), []))
    return {value for value in found if value.strip().lower() not in _PLAIN}


# --- finding it -------------------------------------------------------------------------------------------------------


def _base64_forms(data: bytes) -> Iterator[str]:
    for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
        yield encode(data).decode().rstrip("=")
        # Inside of a longer text it begins at one of three places; the characters at both ends depend on what is there.
        for offset in range(3):
            whole = encode(b"\0" * offset + data).decode().rstrip("=")
            inner = whole[-(-offset * 4 // 3) : (len(data) + offset) * 8 // 6]
            if len(inner) >= 8:
                yield inner


def _forms(secret: str) -> Iterator[str]:
    """Yield *secret* in the forms in which a text may hold it."""
    data = try_to(lambda: secret.encode("utf-8", "surrogateescape"), secret.encode("utf-8", "surrogatepass"))
    yield secret
    for text in (secret, secret.encode("unicode_escape").decode("latin1"), data.decode("latin1")):
        yield text
        yield repr(text)[1:-1]
        yield text.replace("'", "\\'")
        yield text.replace('"', '\\"')
        for ascii_only in (True, False):
            yield json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield html.escape(text)
        yield html.escape(text, quote=False)
        yield str(markupsafe.escape(text))
    yield repr(data)[2:-1]
    for encoded in (quote(data), quote(data, safe=""), quote_plus(data), quote(data, safe="~()*!.'/:?#[]@$&+,;=")):
        yield encoded
        yield quote(encoded)
    yield data.hex()
    yield from _base64_forms(data)


def _lower(text: str) -> str:
    """Fold the case without changing the length."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(one if len(one := character.lower()) == 1 else character for character in text)


class Redactor:
    """Replaces secrets in texts by ``[hidden]``. ::

        redact = Redactor({"swordfish"})
        redact("open with SWORDFISH")  # "open with [hidden]"

    :param secrets: the values; those of one character are left out, because they cannot be told from text
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        long: set[str] = set()
        short: set[str] = set()
        for secret in secrets:
            if len(secret) >= _LONG:
                long.update(_lower(form) for form in _forms(secret) if len(form) >= _LONG)
            elif len(secret) > 1:
                short.add(_lower(secret))
        self._long = sorted(long)
        self._short = [re.compile(rf"(?<!\w){re.escape(one)}(?!\w)") for one in sorted(short)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where secrets stand in *text*, as non-overlapping pairs of start and end, in order."""
        low = _lower(text)
        found: list[tuple[int, int]] = []
        for form in self._long:
            start = low.find(form)
            while start >= 0:
                found.append((start, start + len(form)))
                start = low.find(form, start + 1)
        for word in self._short:
            found.extend(match.span() for match in word.finditer(low))
        found.extend(_by_context(text))
        return merged(found)

    def __call__(self, text: str) -> str:
        """Return *text* without its secrets. Line breaks inside of one stay, so that lines keep their numbers."""
        return hide(text, self.spans(text))

    def last_look(self, page: str, skeleton: str) -> str:
        """Return a finished page without what might still stand on it.

        :param skeleton: the page's own words and marks, in which a secret that is an ordinary word may be found
        """
        low, own = _lower(page), _lower(skeleton)
        found: list[tuple[int, int]] = []
        for form in self._long:
            if len(form) >= 8 and form in low and form not in own:
                found.extend((match.start(), match.end()) for match in re.finditer(re.escape(form), low))
        return hide(page, merged(found))


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join *spans* that overlap or touch."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = result[-1][0], max(end, result[-1][1])
        else:
            result.append((start, end))
    return result


def hide(text: str, spans: list[tuple[int, int]]) -> str:
    """Replace *spans* of *text*, keeping the line breaks in them."""
    if not spans:
        return text
    edges = [(0, 0), *spans, (len(text), len(text))]
    pieces = []
    for (start, end), (following, _) in pairwise(edges):
        if end > start:
            pieces.append(HIDDEN + "\n" * text.count("\n", start, end))
        pieces.append(text[end:following])
    return "".join(pieces)


def _by_context(text: str) -> Iterator[tuple[int, int]]:
    """Find what its surroundings call a secret: passwords in URLs, secret-looking parameters, credentials."""
    for found in _USER_IN_URL.finditer(text):
        colon = found[1].find(":")
        yield found.start(1) + colon + 1, found.end(1)
    for found in _PAIR.finditer(text):
        if field_is_secret(unquote_plus(found[1])):
            yield found.span(2)
    for found in _CREDENTIAL.finditer(text):
        yield found.span(1)
