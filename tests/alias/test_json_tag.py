"""``flask.json.tag``: JSON that keeps types."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from markupsafe import Markup


@pytest.mark.parametrize(
    "data",
    [
        {" t": (1, 2, 3)},
        {" t__": b"a"},
        {" di": " di"},
        {"x": (1, 2, 3), "y": 4},
        (1, 2, 3),
        [(1, 2, 3)],
        b"\xff",
        Markup("<html>"),
        uuid.uuid4(),
        datetime.datetime.now(tz=datetime.UTC).replace(microsecond=0),
        {},
        {" b": 1, " t": 2},
        {"": 1},
        [],
        None,
        "text",
        " t",
        1.5,
        {"a": {"b": {"c": (b"x",)}}},
    ],
)
def test_values_come_back(flask: Any, data: Any) -> None:
    serializer = flask.json.tag.TaggedJSONSerializer()
    assert serializer.loads(serializer.dumps(data)) == data


def test_the_text_is_compact_and_known(flask: Any) -> None:
    serializer = flask.json.tag.TaggedJSONSerializer()
    assert serializer.dumps((1, "a")) == '{" t":[1,"a"]}'
    assert serializer.dumps(b"ab") == '{" b":"YWI="}'
    assert serializer.dumps(Markup("<x>")) == '{" m":"<x>"}'
    assert serializer.dumps(uuid.UUID(int=1)) == '{" u":"00000000000000000000000000000001"}'
    assert serializer.dumps({" t": 1}) == '{" di":{" t__":1}}'
    assert serializer.dumps(datetime.datetime(2020, 1, 2, 3, 4, 5)) == '{" d":"Thu, 02 Jan 2020 03:04:05 GMT"}'
    assert serializer.dumps({"z": 1, "a": [(1,)]}) == '{"z":1,"a":[{" t":[1]}]}'
    assert serializer.dumps({1: 2}) == '{"1":2}'


def test_a_key_is_taken_once(flask: Any) -> None:
    class TagDict(flask.json.tag.JSONTag):
        key = " d"

    serializer = flask.json.tag.TaggedJSONSerializer()
    with pytest.raises(KeyError):
        serializer.register(TagDict)
    serializer.register(TagDict, force=True, index=0)
    assert isinstance(serializer.tags[" d"], TagDict)
    assert isinstance(serializer.order[0], TagDict)


def test_a_tag_of_ones_own_is_asked(flask: Any) -> None:
    class Foo:
        def __init__(self, data: Any) -> None:
            self.data = data

    class TagFoo(flask.json.tag.JSONTag):
        __slots__ = ()
        key = " f"

        def check(self, value: Any) -> bool:
            return isinstance(value, Foo)

        def to_json(self, value: Any) -> Any:
            return self.serializer.tag(value.data)

        def to_python(self, value: Any) -> Any:
            return Foo(value)

    serializer = flask.json.tag.TaggedJSONSerializer()
    serializer.register(TagFoo)
    assert serializer.loads(serializer.dumps(Foo("bar"))).data == "bar"
    assert serializer.loads(serializer.dumps({"a": [Foo((1,))]}))["a"][0].data == (1,)


def test_the_base_tag_asks_for_its_methods(flask: Any) -> None:
    tag = flask.json.tag.JSONTag(None)
    for method in (tag.check, tag.to_json, tag.to_python):
        with pytest.raises(NotImplementedError):
            method(None)
    assert flask.json.tag.JSONTag.key == ""
    assert tag.serializer is None

    class Own(flask.json.tag.JSONTag):
        key = " o"

        def to_json(self, value: Any) -> Any:
            return 1

    assert Own(None).tag("x") == {" o": 1}


def test_the_order_can_be_chosen(flask: Any) -> None:
    tag = flask.json.tag

    class Tag1(tag.JSONTag):
        key = " 1"

    class Tag2(tag.JSONTag):
        key = " 2"

    serializer = tag.TaggedJSONSerializer()
    serializer.register(Tag1, index=-1)
    assert isinstance(serializer.order[-2], Tag1)
    serializer.register(Tag2, index=None)
    assert isinstance(serializer.order[-1], Tag2)


def test_the_default_tags_stand_in_flasks_order(flask: Any) -> None:
    tag = flask.json.tag
    names = ["TagDict", "PassDict", "TagTuple", "PassList", "TagBytes", "TagMarkup", "TagUUID", "TagDateTime"]
    assert [one.__name__ for one in tag.TaggedJSONSerializer.default_tags] == names
    serializer = tag.TaggedJSONSerializer()
    assert [type(one).__name__ for one in serializer.order] == names
    assert sorted(serializer.tags) == [" b", " d", " di", " m", " t", " u"]
    assert type(serializer.tags[" di"]).__name__ == "TagDict"
    assert all(one.serializer is serializer for one in serializer.order)


def test_a_subclass_may_have_other_default_tags(flask: Any) -> None:
    tag = flask.json.tag

    class Serializer(tag.TaggedJSONSerializer):
        default_tags = [tag.TagDict, tag.PassDict, tag.TagTuple, tag.PassList]  # noqa: RUF012

    serializer = Serializer()
    assert serializer.loads(serializer.dumps({"a": (1,)})) == {"a": (1,)}
    with pytest.raises(TypeError):
        serializer.dumps(b"x")


def test_a_tag_for_a_subclass_of_dict_stands_before_that_of_dict(flask: Any) -> None:
    from collections import OrderedDict

    class TagOrderedDict(flask.json.tag.JSONTag):
        __slots__ = ("serializer",)
        key = " od"

        def check(self, value: Any) -> bool:
            return isinstance(value, OrderedDict)

        def to_json(self, value: Any) -> Any:
            return [[k, self.serializer.tag(v)] for k, v in value.items()]

        def to_python(self, value: Any) -> Any:
            return OrderedDict(value)

    serializer = flask.json.tag.TaggedJSONSerializer()
    serializer.register(TagOrderedDict, index=0)
    found = serializer.loads(serializer.dumps(OrderedDict(b=(1,), a=2)))
    assert type(found) is OrderedDict
    assert list(found.items()) == [("b", (1,)), ("a", 2)]


def test_a_tag_can_be_told_apart_by_the_methods_of_the_serializer(flask: Any) -> None:
    serializer = flask.json.tag.TaggedJSONSerializer()
    assert serializer.tag((1, (2,))) == {" t": [1, {" t": [2]}]}
    assert serializer.tag({"a": (1,)}) == {"a": {" t": [1]}}
    assert serializer.tag(5) == 5
    assert serializer.untag({" t": [1]}) == (1,)
    assert serializer.untag({" t": 1, "x": 2}) == {" t": 1, "x": 2}
    assert serializer.untag({"unknown": 1}) == {"unknown": 1}
    with pytest.raises(ValueError):
        serializer.loads("nonsense")
