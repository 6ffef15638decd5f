"""``flask.json.tag``: JSON that keeps types."""

from __future__ import annotations

import random
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from markupsafe import Markup

#: What a seed bank writes on its jars, and the text that it becomes.
LABELS: list[tuple[Any, str]] = [
    (("oat", 7), '{" t":["oat",7]}'),
    ((), '{" t":[]}'),
    (b"\x00\xff", '{" b":"AP8="}'),
    (Markup("<i>Avena</i>"), '{" m":"<i>Avena</i>"}'),
    (UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), '{" u":"6ba7b8109dad11d180b400c04fd430c8"}'),
    (datetime(1931, 5, 6, 7, 8, 9, tzinfo=UTC), '{" d":"Wed, 06 May 1931 07:08:09 GMT"}'),
    ({" t": "oat"}, '{" di":{" t__":"oat"}}'),
    ({"jar": ("oat", b"")}, '{"jar":{" t":["oat",{" b":""}]}}'),
    (["oat", {"jar": None}], '["oat",{"jar":null}]'),
]


@pytest.fixture
def serializer(flask: Any) -> Any:
    return flask.json.tag.TaggedJSONSerializer()


@pytest.mark.parametrize(("label", "text"), LABELS)
def test_a_label_has_a_text_and_comes_back_from_it(serializer: Any, label: Any, text: str) -> None:
    assert serializer.dumps(label) == text
    found = serializer.loads(text)
    assert (type(found), found) == (type(label), label)


def _label(chance: random.Random, depth: int) -> Any:
    """Any value that can be kept, with keys that look like those of tags among others."""
    kinds = ["leaf"] * 2 if depth == 0 else ["leaf", "list", "tuple", "dict", "one"]
    match chance.choice(kinds):
        case "list":
            return [_label(chance, depth - 1) for _ in range(chance.randrange(4))]
        case "tuple":
            return tuple(_label(chance, depth - 1) for _ in range(chance.randrange(4)))
        case "dict":
            return {f"key {number}": _label(chance, depth - 1) for number in range(chance.randrange(4))}
        case "one":
            return {chance.choice([" t", " b", " di", " u", " d", " m", "t", ""]): _label(chance, depth - 1)}
    return chance.choice(
        [
            chance.randbytes(chance.randrange(5)),
            chance.uniform(-9, 9),
            UUID(int=chance.getrandbits(128)),
            Markup(f"<b>{chance.random()}</b>"),
            datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(10**9)),
            *(None, True, "oat ü", " t", 10**20),
        ]
    )


def test_whatever_is_kept_comes_back_with_its_types(serializer: Any) -> None:
    chance = random.Random(20)
    for _ in range(200):
        label = _label(chance, 4)
        found = serializer.loads(serializer.dumps(label))
        assert repr(found) == repr(label)


@pytest.mark.parametrize("value", [{" t": [1], "other": 2}, {" unknown": 1}, {}])
def test_what_only_looks_like_tagged_is_left_alone(serializer: Any, value: dict[str, Any]) -> None:
    assert serializer.untag(value) == value


@pytest.fixture
def tag_fraction(flask: Any) -> Any:
    """The class of a tag for shares of a harvest."""

    class TagFraction(flask.json.tag.JSONTag):
        __slots__ = ()
        key = " fraction"

        def check(self, value: Any) -> bool:
            return isinstance(value, Fraction)

        def to_json(self, value: Any) -> Any:
            return str(value)

        def to_python(self, value: Any) -> Any:
            return Fraction(value)

    return TagFraction


def test_a_registered_tag_adds_a_type(serializer: Any, tag_fraction: Any) -> None:
    shares = {"oat": (Fraction(1, 3), [Fraction(2, 3)]), " fraction": "1/2"}
    with pytest.raises(TypeError):
        serializer.dumps(shares)
    serializer.register(tag_fraction)
    assert serializer.loads(serializer.dumps(shares)) == shares
    assert type(serializer.loads(serializer.dumps(Fraction(3)))) is Fraction


def test_a_key_has_one_tag_unless_it_is_forced(flask: Any, serializer: Any, tag_fraction: Any) -> None:
    class Rounded(tag_fraction):  # type: ignore[misc]
        __slots__ = ()

        def to_json(self, value: Any) -> Any:
            return str(round(value))

    serializer.register(tag_fraction)
    with pytest.raises(KeyError, match="fraction"):
        serializer.register(Rounded)
    assert serializer.dumps(Fraction(7, 3)) == '{" fraction":"7/3"}'
    serializer.register(Rounded, force=True, index=0)
    assert serializer.dumps(Fraction(7, 3)) == '{" fraction":"2"}'


@pytest.mark.parametrize("index", [0, 3, -1, None])
def test_the_index_is_the_place_among_the_tags(serializer: Any, tag_fraction: Any, index: int | None) -> None:
    before = [type(tag) for tag in serializer.order]
    serializer.register(tag_fraction, index=index)
    before.insert(len(before) if index is None else index, tag_fraction)
    assert [type(tag) for tag in serializer.order] == before
    assert serializer.order[before.index(tag_fraction)] is serializer.tags[" fraction"]


def test_a_special_kind_of_dict_is_kept_by_a_tag_at_the_front(flask: Any, serializer: Any) -> None:
    """The example of Flask's documentation."""

    class TagOrderedDict(flask.json.tag.JSONTag):
        __slots__ = ("serializer",)
        key = " od"

        def check(self, value: Any) -> bool:
            return isinstance(value, OrderedDict)

        def to_json(self, value: Any) -> Any:
            return [[key, self.serializer.tag(item)] for key, item in value.items()]

        def to_python(self, value: Any) -> Any:
            return OrderedDict(value)

    rows = OrderedDict(rye=(1,), oat=OrderedDict(b=b"", a=2))
    serializer.register(TagOrderedDict)
    assert type(serializer.loads(serializer.dumps(rows))) is dict
    serializer.register(TagOrderedDict, force=True, index=0)
    assert repr(serializer.loads(serializer.dumps(rows))) == repr(rows)


def test_a_serializer_may_know_fewer_types(flask: Any) -> None:
    tag = flask.json.tag

    class Few(tag.TaggedJSONSerializer):
        default_tags = [tag.TagDict, tag.PassDict, tag.PassList, tag.TagUUID]  # noqa: RUF012

    few = Few()
    assert few.loads(few.dumps({"jar": [UUID(int=7)]})) == {"jar": [UUID(int=7)]}
    with pytest.raises(TypeError):
        few.dumps(b"oat")


def test_the_types_are_known_in_the_order_of_flask(flask: Any, serializer: Any) -> None:
    names = ["TagDict", "PassDict", "TagTuple", "PassList", "TagBytes", "TagMarkup", "TagUUID", "TagDateTime"]
    assert [one.__name__ for one in flask.json.tag.TaggedJSONSerializer.default_tags] == names
    assert [type(one).__name__ for one in serializer.order] == names
    assert {key: type(one).__name__ for key, one in serializer.tags.items()} == {
        " di": "TagDict",
        " t": "TagTuple",
        " b": "TagBytes",
        " m": "TagMarkup",
        " u": "TagUUID",
        " d": "TagDateTime",
    }
    assert {one.serializer for one in serializer.order} == {serializer}


def test_a_tag_has_to_say_what_it_is_for_and_how(flask: Any, serializer: Any) -> None:
    bare = flask.json.tag.JSONTag(serializer)
    assert (bare.key, bare.serializer) == ("", serializer)
    for method in (bare.check, bare.to_json, bare.to_python):
        with pytest.raises(NotImplementedError):
            method("oat")
    sown = type("Sown", (flask.json.tag.JSONTag,), {"key": " sown", "to_json": lambda self, value: [value]})
    assert sown(serializer).tag("oat") == {" sown": ["oat"]}


@pytest.mark.parametrize("text", ["oat", '{" t":', ""])
def test_text_that_is_no_json_is_a_value_error(serializer: Any, text: str) -> None:
    with pytest.raises(ValueError):
        serializer.loads(text)
