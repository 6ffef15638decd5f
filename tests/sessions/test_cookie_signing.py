"""What signs cookie sessions gives what itsdangerous gives, byte for byte, and mistakes give the same errors."""

from __future__ import annotations

import base64
import hashlib
import time
import zlib
from typing import Any

import itsdangerous
import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen.json.tagged import JSONTag, TaggedJSONSerializer
from erlen.sessions.cookies import find_cookies, may_be_permanent
from erlen.sessions.secure_cookie import SecureCookieSessionInterface, make_serializer, session_json_serializer
from erlen.sessions.signing import SessionSerializer

VALUES = st.dictionaries(
    st.text(max_size=5),
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(max_size=40) | st.lists(st.tuples(st.text())),
    max_size=4,
)
KEYS = ["the oldest key", "an older key", "the newest key"]


def make(keys: list[Any] = KEYS, salt: str = "cookie-session", digest: Any = hashlib.sha1) -> SessionSerializer:
    made = make_serializer(keys, salt, session_json_serializer, "hmac", digest)
    assert isinstance(made, SessionSerializer)
    return made


def theirs(keys: list[Any] = KEYS, salt: str = "cookie-session", digest: Any = hashlib.sha1) -> Any:
    signing = {"key_derivation": "hmac", "digest_method": digest}
    return itsdangerous.URLSafeTimedSerializer(
        keys, salt=salt, serializer=session_json_serializer, signer_kwargs=signing
    )


def outcome(serializer: Any, value: str, max_age: int | None) -> object:
    try:
        return serializer.loads(value, max_age=max_age)
    except Exception as error:
        return type(error), str(error)


@given(value=VALUES, times=st.integers(1, 300))
def test_both_read_what_the_other_signed(value: dict[str, Any], times: int) -> None:
    value = {**value, "long": "x" * times}
    assert theirs().loads(make().dumps(value), max_age=60) == value
    assert make().loads(theirs().dumps(value), max_age=60) == value


@pytest.mark.parametrize("digest", [hashlib.sha1, hashlib.sha256, hashlib.sha512])
@pytest.mark.parametrize("keys", [["k"], [b"k" * 300], ["", "é"], KEYS])
def test_the_text_is_the_same(digest: Any, keys: list[Any]) -> None:
    ours, other = make(keys, digest=digest), theirs(keys, digest=digest)
    ours.clock = lambda: 1_800_000_000.9
    other.make_signer = ours.make_signer  # the same moment
    for value in ({"a": 1}, {"long": "x" * 500}, {}):
        assert ours.dumps(value) == other.dumps(value)
        assert ours.read(ours.dumps(value), 60) == (value, session_json_serializer.dumps(value), True)


@given(
    value=VALUES,
    at=st.integers(0, 200),
    character=st.sampled_from("A.=-_ \x00é\ud800+/"),
    age=st.none() | st.integers(-1, 5),
)
def test_a_mangled_cookie_has_the_same_outcome(value: dict[str, Any], at: int, character: str, age: int | None) -> None:
    good = make().dumps(value)
    at %= len(good)
    for bad in (good[:at] + character + good[at + 1 :], good[:at], good[:at] + character + good[at:]):
        assert outcome(make(), bad, age) == outcome(theirs(), bad, age)


@given(bad=st.text(max_size=60) | st.from_regex(r"\A[\w.-]{0,60}\Z"))
def test_anything_else_has_the_same_outcome(bad: str) -> None:
    assert outcome(make(), bad, 60) == outcome(theirs(), bad, 60)


@pytest.mark.parametrize("payload", [b"!", b"e30", b".e30", b"bm90IGpzb24", b"", b"eyIgdSI6MX0", b"eyIgYiI6MX0"])
def test_what_was_signed_and_cannot_be_read_has_the_same_outcome(payload: bytes) -> None:
    signed = make().make_signer().sign(payload).decode()
    assert outcome(make(), signed, 60) == outcome(theirs(), signed, 60)


def test_the_moment_of_the_signature_decides_about_its_age() -> None:
    ours = make()
    ours.clock = lambda: time.time() - 100
    value = ours.dumps({"a": 1})
    for serializer in (make(), theirs()):
        assert serializer.loads(value, max_age=101) == {"a": 1}
        with pytest.raises(itsdangerous.SignatureExpired):
            serializer.loads(value, max_age=99)
    ours.clock = lambda: time.time() - 200  # a signature of the future
    with pytest.raises(itsdangerous.SignatureExpired, match="< 0 seconds"):
        ours.loads(value, max_age=1000)


def test_every_key_verifies_and_the_last_one_signs() -> None:
    ours = make()
    for number, key in enumerate(KEYS):
        value = theirs([key]).dumps({"n": number})
        assert ours.loads(value) == {"n": number}
        assert ours.read(value, 60)[2] is (key == KEYS[-1])
    assert theirs([KEYS[-1]]).loads(ours.dumps({"a": 1})) == {"a": 1}
    with pytest.raises(itsdangerous.BadSignature):
        ours.loads(theirs(["another"]).dumps({"a": 1}))


def test_what_a_plain_call_does_not_ask_goes_to_itsdangerous() -> None:
    ours = make()
    value = ours.dumps({"a": 1})
    assert ours.loads(value.encode()) == {"a": 1}
    assert ours.loads(value, return_timestamp=True)[0] == {"a": 1}
    assert ours.loads(ours.dumps({"b": 1}, salt="other"), salt="other") == {"b": 1}
    assert ours.loads_unsafe(value + "x") == (False, {"a": 1})


def test_an_own_algorithm_goes_to_itsdangerous() -> None:
    signing = {"key_derivation": "none", "algorithm": itsdangerous.signer.NoneAlgorithm()}
    unsigned = SessionSerializer(["k"], salt="s", signer_kwargs=signing)
    assert unsigned.loads(unsigned.dumps({"a": 1})) == {"a": 1}


def test_a_key_longer_than_a_block_is_hashed_first() -> None:
    made = make_serializer(["k" * 300], "s", session_json_serializer, "none", hashlib.sha1)
    signing = {"key_derivation": "none", "digest_method": hashlib.sha1}
    other = itsdangerous.URLSafeTimedSerializer(
        ["k" * 300], "s", serializer=session_json_serializer, signer_kwargs=signing
    )
    assert made.read(other.dumps({"a": 1}), 60) == ({"a": 1}, '{"a":1}', True)


def test_a_verified_cookie_is_remembered_and_its_age_is_judged_each_time() -> None:
    ours = make()
    value = ours.dumps({"a": [1]})
    first = ours.loads(value, max_age=60)
    first["a"].append(2)
    assert ours.loads(value, max_age=60) == {"a": [1]}
    ours.clock = lambda: time.time() + 61
    with pytest.raises(itsdangerous.SignatureExpired):
        ours.loads(value, max_age=60)
    assert ours.loads(value) == {"a": [1]}


def test_only_so_many_cookies_are_remembered() -> None:
    ours = make()
    for number in range(1100):
        assert ours.loads(ours.dumps({"n": number})) == {"n": number}
    assert 0 < len(ours._verified) <= 1024
    long = ours.dumps({"n": base64.b64encode(hashlib.shake_128(b"").digest(3000)).decode()})
    assert ours.loads(long)
    assert long not in ours._verified


def test_sha_1_is_looked_up_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: bytes = b"") -> None:
        raise ValueError("not in this build")

    monkeypatch.setattr(hashlib, "sha1", refuse)
    with pytest.raises(ValueError, match="not in this build"):
        SecureCookieSessionInterface().digest_method()


# -- whether a cookie may hold a permanent session, told without reading it -------------------------------------------


@given(value=VALUES, other=st.from_regex(r"\A[\w]{0,9}\Z"))
def test_a_permanent_session_is_never_overlooked(value: dict[str, Any], other: str) -> None:
    for held in ({**value, "_permanent": True}, {"_permanent": True, **value}):
        assert may_be_permanent(f"a={other}; session={make().dumps(held)}")
        assert may_be_permanent(f"session={theirs().dumps(held)}")
        assert may_be_permanent(f'session="{theirs().dumps(held)}"; b=c')


def test_a_session_that_is_not_permanent_is_mostly_told_apart() -> None:
    assert not may_be_permanent("")
    assert not may_be_permanent(f"session={make().dumps({'user': 'ada', 'cart': [1, 2]})}")
    assert may_be_permanent(f"session={make().dumps({'long': 'x' * 200})}")  # compressed: that has to be read


@given(name=st.sampled_from(["session", "s"]), value=st.text('abc=" .', max_size=9))
def test_a_lonely_cookie_is_found_as_it_is_among_others(name: str, value: str) -> None:
    assert find_cookies(f"{name}={value}", "session") == find_cookies(f"{name}={value}; zz=1", "session")


# -- reading JSON without marks ---------------------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON)
def test_the_quick_reader_reads_what_the_thorough_one_reads(value: object) -> None:
    text = session_json_serializer.dumps(value)
    assert repr(session_json_serializer.loads(text)) == repr(session_json_serializer.loads(text.encode()))


@pytest.mark.parametrize("text", ["1e400", '"\\ud800"', "NaN", '{"\\u0020t":[1]}', '{ " t" : [1]}', "-0", "1" * 40])
def test_what_only_one_of_the_readers_reads_is_read(text: str) -> None:
    assert repr(session_json_serializer.loads(text)) == repr(session_json_serializer.loads(text.encode()))


def test_an_own_mark_without_a_space_is_read() -> None:
    class TagSet(JSONTag):
        key = "set"

        def check(self, value: Any) -> bool:
            return isinstance(value, set)

        def to_json(self, value: Any) -> Any:
            return sorted(value)

        def to_python(self, value: Any) -> Any:
            return set(value)

    serializer = TaggedJSONSerializer()
    serializer.register(TagSet, index=0)
    assert serializer.dumps({"a": {2, 1}}) == '{"a":{"set":[1,2]}}'
    assert serializer.loads('{"a":{"set":[1,2]}}') == {"a": {1, 2}}


def test_a_compressed_payload_is_marked_by_a_dot() -> None:
    value = make().dumps({"long": "x" * 500})
    assert value.startswith(".eJ")
    packed = value[1:].split(".")[0]
    assert zlib.decompress(base64.urlsafe_b64decode(packed + "==")) == b'{"long":"%s"}' % (b"x" * 500)
