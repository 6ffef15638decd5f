"""The tagged form: what comes back, and that Flask reads and writes the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask.json.tag import TaggedJSONSerializer as FlaskSerializer
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from erlen.json import tagged
from erlen.json.tagged import JSONTag, TagDict, TaggedJSONSerializer

SERIALIZER = TaggedJSONSerializer()


@pytest.fixture
def serializer() -> TaggedJSONSerializer:
    return TaggedJSONSerializer()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"at": (1, 2)}, '{"at":{" t":[1,2]}}'),
        (b"\xff", '{" b":"/w=="}'),
        (Markup("<b>"), '{" m":"<b>"}'),
        (UUID(int=1), '{" u":"00000000000000000000000000000001"}'),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), '{" d":"Fri, 02 Jan 2026 03:04:05 GMT"}'),
        ([1, None, "x", True, {"a": []}], '[1,null,"x",true,{"a":[]}]'),
        ({" t": [1]}, '{" di":{" t__":[1]}}'),
        ({" di": (1,)}, '{" di":{" di__":{" t":[1]}}}'),
        ({" t": 1, "b": 2}, '{" t":1,"b":2}'),
        ({" t__": 1}, '{" t__":1}'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_written_form_is_flasks(serializer: TaggedJSONSerializer, value: Any, written: str) -> None:
    assert serializer.dumps(value) == written
    back = serializer.loads(written)
    assert back == value
    assert type(back) is type(value)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.binary()
    | st.uuids()
    | st.text().map(Markup)
    | st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)).map(
        lambda moment: moment.replace(microsecond=0, fold=0)
    )
)
KEYS = st.text(max_size=3) | st.sampled_from([" t", " b", " di", " t__", " di__", " d__"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=15,
)


@settings(deadline=None)
@given(VALUES)
def test_every_value_comes_back_as_it_was(value: Any) -> None:
    back = SERIALIZER.loads(SERIALIZER.dumps(value))
    assert back == value
    assert repr(back) == repr(value)


@settings(deadline=None)
@given(VALUES)
def test_flask_and_erlen_read_what_the_other_wrote(value: Any) -> None:
    oracle = FlaskSerializer()
    assert repr(oracle.loads(SERIALIZER.dumps(value))) == repr(value)
    assert repr(SERIALIZER.loads(oracle.dumps(value))) == repr(oracle.loads(oracle.dumps(value)))


def test_other_types_become_what_flask_makes_of_them(serializer: TaggedJSONSerializer) -> None:
    assert serializer.loads(serializer.dumps([Decimal("1.5")])) == ["1.5"]
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        serializer.dumps(object())


def test_a_moment_comes_back_in_utc(serializer: TaggedJSONSerializer) -> None:
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2)))
    back = serializer.loads(serializer.dumps(moment))
    assert back == moment
    assert back.tzinfo is UTC


@pytest.mark.parametrize("document", ["", "[", '{" b":"x"}', '{" u":"x"}', '{" di":{"a__":1,"b__":2}}'])
def test_a_broken_document_is_a_value_error(serializer: TaggedJSONSerializer, document: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        serializer.loads(document)


def test_bytes_are_read_too(serializer: TaggedJSONSerializer) -> None:
    assert serializer.loads(b'{" t":[]}') == ()


# -- tags of one's own -------------------------------------------------------------------------------------------------


class TagSet(JSONTag):
    __slots__ = ()
    key = " s"

    def check(self, value: Any) -> bool:
        return isinstance(value, set)

    def to_json(self, value: Any) -> Any:
        return [self.serializer.tag(entry) for entry in sorted(value)]

    def to_python(self, value: Any) -> Any:
        return set(value)


class Special(dict[str, Any]):
    pass


class TagSpecial(TagDict):
    __slots__ = ()
    key = " x"

    def check(self, value: Any) -> bool:
        return isinstance(value, Special)

    def to_json(self, value: Any) -> Any:
        return {key: self.serializer.tag(entry) for key, entry in value.items()}

    def to_python(self, value: Any) -> Any:
        return Special(value)


def test_a_registered_tag_writes_its_type(serializer: TaggedJSONSerializer) -> None:
    serializer.register(TagSet)
    assert serializer.dumps({"a": {(1,)}}) == '{"a":{" s":[{" t":[1]}]}}'
    assert serializer.loads('{"a":{" s":[{" t":[1]}]}}') == {"a": {(1,)}}
    assert serializer.loads(serializer.dumps({" s": [1]})) == {" s": [1]}
    assert " s" not in TaggedJSONSerializer().tags


def test_a_key_is_given_away_once_unless_forced(serializer: TaggedJSONSerializer) -> None:
    serializer.register(TagSet)
    with pytest.raises(KeyError, match="Tag ' s' is already registered"):
        serializer.register(TagSet)
    before = serializer.tags[" s"]
    serializer.register(TagSet, force=True, index=0)
    assert serializer.tags[" s"] is serializer.order[0] is not before


def test_a_tag_for_a_subclass_of_dict_stands_before_the_one_for_dict(serializer: TaggedJSONSerializer) -> None:
    serializer.register(TagSpecial, index=0)
    back = serializer.loads(serializer.dumps([Special(a=(1,))]))
    assert back == [{"a": (1,)}]
    assert type(back[0]) is Special


def test_a_tag_says_which_method_it_lacks(serializer: TaggedJSONSerializer) -> None:
    class Empty(JSONTag):
        __slots__ = ()

    tag = Empty(serializer)
    for method in ("check", "to_json", "to_python"):
        with pytest.raises(NotImplementedError, match=rf"Empty does not define {method}\(\)"):
            getattr(tag, method)(1)


def test_the_default_tags_can_be_chosen_by_a_subclass() -> None:
    class Plain(TaggedJSONSerializer):
        default_tags = [tagged.PassDict, tagged.TagTuple]  # noqa: RUF012 - as applications write it

    assert Plain().dumps({"a": (1, b"x".decode())}) == '{"a":{" t":[1,"x"]}}'
