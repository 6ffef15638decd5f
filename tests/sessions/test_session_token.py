"""The token: random, signed, refused when it is not ours, and never stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen.callables import drive
from erlen.sessions import Delta, KeyRing, Merged, Record, SessionManager, SessionSettings, Token
from erlen.sessions.stores.memory import MemoryStore
from erlen.sessions.token import TOKEN_LENGTH

RING = KeyRing(["key"])


class Counting(MemoryStore):
    """A store that counts its commands."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[str] = []

    async def load(self, key: bytes, touch: bool = False) -> Record | None:
        self.commands.append("load")
        return await super().load(key, touch)

    async def create(self, key: bytes, record: Record) -> None:
        self.commands.append("create")
        await super().create(key, record)

    async def merge(self, key: bytes, delta: Delta) -> Merged:
        self.commands.append("merge")
        return await super().merge(key, delta)


def test_a_token_is_56_characters_of_the_url_alphabet_and_verifies() -> None:
    token = Token.draw()
    value = RING.sign(token)
    assert len(value) == TOKEN_LENGTH == 56
    assert set(value) <= set(string.ascii_letters + string.digits + "-_")
    verified = RING.verify(value)
    assert verified is not None
    assert (verified.payload, verified.key, verified.current) == (token.payload, token.key, True)


def test_the_signature_is_hmac_sha256_under_a_key_of_its_own() -> None:
    token = Token.draw()
    raw = base64.urlsafe_b64decode(RING.sign(token))
    own = hmac.digest(b"key", b"erlen session token 1", "sha256")
    assert raw == token.payload + hmac.digest(own, token.payload, "sha256")[:8]


def test_the_store_knows_the_shard_and_the_hash_of_the_random_part() -> None:
    token = Token.draw(b"\x07\x08")
    assert token.shard == b"\x07\x08"
    assert token.key == b"\x07\x08" + hashlib.sha256(token.payload[2:]).digest()


def test_tokens_do_not_repeat_and_do_not_come_from_the_random_module() -> None:
    random.seed(1)
    first = {Token.draw().payload for _ in range(10_000)}
    random.seed(1)
    second = {Token.draw().payload for _ in range(10_000)}
    assert len(first | second) == 20_000


@given(st.integers(0, 55), st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_a_token_with_one_other_character_is_refused(at: int, character: str) -> None:
    value = RING.sign(Token(b"p" * 34))
    changed = value[:at] + character + value[at + 1 :]
    assert (RING.verify(changed) is None) == (changed != value)


@given(st.text(max_size=80) | st.text(alphabet=string.ascii_letters + "-_=+/", min_size=56, max_size=56))
def test_no_text_is_taken_for_a_token(text: str) -> None:
    assert RING.verify(text) is None


def test_the_other_base64_alphabet_is_refused() -> None:
    token = Token(b"\xff" * 34)
    value = RING.sign(token)
    assert "_" in value
    assert RING.verify(value.replace("_", "/").replace("-", "+")) is None


@pytest.mark.parametrize(
    "mangle",
    [
        lambda value: value[:-1],
        lambda value: value + "A",
        lambda value: value[:-1] + "\0",
        lambda value: "ü" * 56,
        lambda value: value + "=",
        lambda value: "x" * 10_000,
        lambda value: "../../etc/passwd",
        lambda value: "' OR 1=1 --",
        lambda value: KeyRing(["another key"]).sign(Token.draw()),
        lambda value: value.swapcase(),
        lambda value: "",
    ],
)
def test_a_forged_cookie_costs_the_store_nothing_and_is_never_adopted(mangle: Callable[[str], str]) -> None:
    store = Counting()
    manager = SessionManager(SessionSettings(), store, RING)
    forged = mangle(RING.sign(Token.draw()))
    session = manager.open(f"session={forged}", False)
    assert session.new
    assert session.copy() == {}
    drive(manager.save(session))
    assert store.commands == []
    session = manager.open(f"session={forged}", False)
    session["a"] = 1
    headers = drive(manager.save(session))
    assert headers is not None
    assert headers.cookie is not None
    assert not forged or forged not in headers.cookie
    assert store.commands == ["create"]


def test_an_unknown_token_that_we_signed_is_not_adopted_either() -> None:
    manager = SessionManager(SessionSettings(), MemoryStore(), RING)
    planted = RING.sign(Token.draw())
    session = manager.open(f"session={planted}", False)
    session["a"] = 1
    headers = drive(manager.save(session))
    assert headers is not None
    assert headers.cookie is not None
    assert planted not in headers.cookie
    assert manager.open(f"session={planted}", False).copy() == {}


def test_untouched_reading_and_writing_cost_no_one_and_two_commands() -> None:
    store = Counting()
    manager = SessionManager(SessionSettings(), store, RING)
    session = manager.open(None, False)
    session["a"] = 1
    headers = drive(manager.save(session))
    assert headers is not None
    assert headers.cookie is not None
    cookie = headers.cookie.partition(";")[0]
    store.commands.clear()
    assert drive(manager.save(manager.open(cookie, False))) is None
    assert store.commands == []
    session = manager.open(cookie, False)
    assert session["a"] == 1
    drive(manager.save(session))
    assert store.commands == ["load"]
    session = manager.open(cookie, False)
    session["a"] = 2
    drive(manager.save(session))
    assert store.commands == ["load", "load", "merge"]


def test_every_key_of_the_ring_verifies_and_the_first_signs() -> None:
    old, new = KeyRing(["old"]), KeyRing(["new", "old"])
    token = Token.draw()
    verified = new.verify(old.sign(token))
    assert verified is not None
    assert (verified.key, verified.current) == (token.key, False)
    assert old.verify(new.sign(token)) is None


def test_many_cookies_are_read_although_only_some_are_remembered(monkeypatch: pytest.MonkeyPatch, manage: Any) -> None:
    monkeypatch.setattr("erlen.sessions.opening._REMEMBERED", 3)
    manager = manage()
    headers = []
    for number in range(8):
        session = manager.open(None, False)
        session["number"] = number
        saved = drive(manager.save(session))
        headers.append(saved.cookie.partition(";")[0])
    assert [manager.open(header, False)["number"] for header in headers * 2] == [*range(8)] * 2
    assert len(manager._known[False]) <= 3


def test_a_remembered_cookie_of_plain_http_does_not_count_by_https(manage: Any) -> None:
    manager = manage()
    session = manager.open(None, False)
    session["user"] = "ada"
    header = drive(manager.save(session)).cookie.partition(";")[0]
    assert manager.open(header, False)["user"] == "ada"
    assert "user" not in manager.open(header, True)  # __Host-session is looked for there


def test_a_ring_of_text_and_one_of_bytes_are_the_same() -> None:
    assert KeyRing([b"key"]).verify(RING.sign(Token.draw())) is not None


@pytest.mark.parametrize("keys", [[], [""], ["key", b""]])
def test_a_ring_without_a_key_is_refused(keys: list[Any]) -> None:
    with pytest.raises(ValueError, match="needs at least one key"):
        KeyRing(keys)


def test_the_settings_make_a_ring_or_none() -> None:
    ring = KeyRing.of("new", ["old"])
    assert ring is not None
    assert ring.keys == (b"new", b"old")
    assert KeyRing.of(None, ["old"]) is None
    assert KeyRing.of("new", None) is not None


def test_neither_token_nor_ring_shows_its_secret() -> None:
    token = Token.draw()
    assert repr(token) == "<Token (secret)>"
    assert repr(RING) == "<KeyRing of 1 keys (secret)>"
