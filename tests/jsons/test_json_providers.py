"""The two JSON providers, and the base that applications write their own on."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import gc
import io
import json
import math
import types
import uuid
import weakref
from collections import OrderedDict, UserDict, namedtuple
from collections.abc import Callable
from typing import Any

import flask
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from werkzeug.local import LocalProxy

from erlen.errors import JSONValueError
from erlen.json import PROVIDERS, DefaultJSONProvider, JSONProvider, MsgspecProvider, answers_plainly


class Application:
    """What a provider needs of an application."""

    debug = False

    @staticmethod
    def response_class(body: bytes, mimetype: str) -> tuple[bytes, str]:
        return body, mimetype


APP = Application()


@pytest.fixture
def app() -> Application:
    return Application()


@pytest.fixture
def fast(app: Application) -> MsgspecProvider:
    return MsgspecProvider(app)


@pytest.fixture
def flasks(app: Application) -> DefaultJSONProvider:
    return DefaultJSONProvider(app)


@pytest.fixture(params=PROVIDERS.values(), ids=list(PROVIDERS))
def provider(request: pytest.FixtureRequest, app: Application) -> JSONProvider:
    return request.param(app)  # type: ignore[no-any-return]


@dataclasses.dataclass
class Point:
    x: int
    y: object = None


class Card(msgspec.Struct):
    name: str
    value: object = None


class Html:
    def __html__(self) -> Markup:
        return Markup("<b>x</b>")


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Fraction(float):
    pass


Pair = namedtuple("Pair", "a b")
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)

# -- both --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "written"),
    [
        ((), {}, None),
        (({"a": 1},), {}, {"a": 1}),
        ((1, 2), {}, [1, 2]),
        ((), {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        ((None,), {}, None),
    ],
)
def test_arguments_make_a_value_a_list_or_an_object(
    provider: JSONProvider, args: tuple[Any, ...], kwargs: dict[str, Any], written: Any
) -> None:
    body, mimetype = provider.response(*args, **kwargs)
    assert json.loads(body) == written
    assert mimetype == "application/json"
    assert body.endswith(b"\n")


def test_both_kinds_of_argument_at_once_are_refused(provider: JSONProvider) -> None:
    with pytest.raises(TypeError, match=r"arguments of both kinds: positional arguments make a list"):
        provider.response(1, a=2)


def test_the_mimetype_can_be_set(provider: JSONProvider) -> None:
    provider.mimetype = "application/problem+json"
    assert provider.response(a=1) == (b'{"a":1}\n', "application/problem+json")


def test_files_are_written_and_read(provider: JSONProvider) -> None:
    file = io.StringIO()
    provider.dump({"a": [1]}, file)
    assert provider.load(io.StringIO(file.getvalue())) == {"a": [1]}
    assert provider.load(io.BytesIO(b"[1]")) == [1]


@pytest.mark.parametrize("document", ["", "[1,", "{'a': 1}", "[1] 2", b"\xff", "nul", '{"a" 1}'])
def test_what_is_not_json_is_a_decode_error(provider: JSONProvider, document: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        provider.loads(document)
    assert isinstance(caught.value, json.JSONDecodeError | UnicodeDecodeError)


def test_a_provider_does_not_keep_its_application_alive(provider: JSONProvider) -> None:
    gc.disable()
    try:
        owner = Application()
        own = type(provider)(owner)
        provider_gone, owner_gone = weakref.ref(own), weakref.ref(owner)
        own.response(a=1)
        with pytest.raises(ValueError, match=r"."):
            own.loads("[")
        with pytest.raises(TypeError):
            own.dumps(object())
        del owner
        assert owner_gone() is None
        del own
        assert provider_gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (decimal.Decimal("1.50"), "1.50"),
        (Point(1, [Point(2)]), {"x": 1, "y": [{"x": 2, "y": None}]}),
        (Html(), "<b>x</b>"),
        (Markup("<i>"), "<i>"),
        (Text("t"), "t"),
        (Number(3), 3),
        (Fraction(0.5), 0.5),
        (Level.HIGH, 3),
        (Pair(1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (LocalProxy(lambda: UserDict(a=1)), {"a": 1}),
        ({1: "i", 1.5: "f"}, {"1": "i", "1.5": "f"}),
        ({None: 0}, {"null": 0}),
        ({True: 1, False: 0}, {"true": 1, "false": 0}),
        (2**80, 2**80),
        ("\N{SNOWMAN}<", "\N{SNOWMAN}<"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_both_write_these_alike(provider: JSONProvider, value: Any, written: Any) -> None:
    assert json.loads(provider.dumps(value)) == written
    assert json.loads(provider.encode([value])) == [written]


def test_the_names_of_the_providers_are_those_of_the_defaults() -> None:
    assert {"flask": DefaultJSONProvider, "msgspec": MsgspecProvider} == PROVIDERS


# -- the base ----------------------------------------------------------------------------------------------------------


class Minimal(JSONProvider):
    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return f"<{json.dumps(obj, **kwargs)}>"

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return json.loads(s[1:-1], **kwargs)


def test_two_methods_make_a_provider(app: Application) -> None:
    minimal = Minimal(app)
    assert minimal.response([1]) == (b"<[1]>", "application/json")
    assert minimal.load(io.StringIO("<[1]>")) == [1]


def test_the_base_alone_says_what_is_missing(app: Application) -> None:
    with pytest.raises(NotImplementedError, match=r"JSONProvider does not define dumps\(\)"):
        JSONProvider(app).response(1)
    with pytest.raises(NotImplementedError, match=r"JSONProvider does not define loads\(\)"):
        JSONProvider(app).loads("1")


def test_the_pipeline_writes_itself_only_where_response_is_not_replaced(app: Application) -> None:
    class Wrapped(MsgspecProvider):
        def response(self, *args: Any, **kwargs: Any) -> Any:
            return "wrapped"

    assert [answers_plainly(kind(app)) for kind in (MsgspecProvider, DefaultJSONProvider, Minimal)] == [True] * 3
    assert not answers_plainly(Wrapped(app))
    for name in ("response", "dumps"):
        patched = MsgspecProvider(app)
        setattr(patched, name, lambda *args, **kwargs: "patched")
        assert not answers_plainly(patched)


# -- Flask's -----------------------------------------------------------------------------------------------------------

FLASK = flask.Flask(__name__)
FLASK_VALUES: list[Any] = [
    {"b": 1, "a": [None, True, "ü", 1.5]},
    {"when": MOMENT, "day": MOMENT.date(), "id": uuid.UUID(int=1), "price": decimal.Decimal("1.0")},
    [Point(1, Point(2)), Markup("<b>"), Html(), math.inf],
]


@pytest.mark.parametrize("value", FLASK_VALUES, ids=["plain", "types", "objects"])
@pytest.mark.parametrize("kwargs", [{}, {"indent": 2}, {"sort_keys": False}, {"ensure_ascii": False}], ids=str)
def test_the_flask_provider_writes_what_flask_writes(
    flasks: DefaultJSONProvider, value: Any, kwargs: dict[str, Any]
) -> None:
    assert flasks.dumps(value, **kwargs) == FLASK.json.dumps(value, **kwargs)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("compact", [None, True, False])
@pytest.mark.parametrize("value", FLASK_VALUES, ids=["plain", "types", "objects"])
def test_the_flask_provider_answers_what_flask_answers(
    flasks: DefaultJSONProvider, app: Application, value: Any, compact: bool | None, debug: bool
) -> None:
    oracle = flask.Flask(__name__)
    oracle.debug = app.debug = debug
    oracle.json.compact = flasks.compact = compact  # type: ignore[attr-defined]
    assert flasks.response(value)[0] == oracle.json.response(value).get_data()


def test_the_flask_provider_refuses_other_types(flasks: DefaultJSONProvider) -> None:
    for value in (object(), {1, 2}, Point, Html, b"x"):
        with pytest.raises(TypeError, match=r"Object of type \w+ is not JSON serializable"):
            flasks.dumps(value)


def test_the_default_function_can_be_replaced(provider: DefaultJSONProvider | MsgspecProvider) -> None:
    provider.default = lambda value: "replaced"
    assert json.loads(provider.dumps([object()])) == ["replaced"]

    class Own(type(provider)):  # type: ignore[misc]
        @staticmethod
        def default(value: Any) -> Any:
            return value.real if isinstance(value, complex) else super(Own, Own).default(value)

    own = Own(APP)
    assert own.encode({"a": 1j, "b": Html()}) == b'{"a":0.0,"b":"<b>x</b>"}\n'
    with pytest.raises(TypeError):
        own.encode(object())


# -- Erlen's -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (MOMENT, "2026-01-02T03:04:05Z"),
        (MOMENT.replace(tzinfo=None), "2026-01-02T03:04:05"),
        (MOMENT.date(), "2026-01-02"),
        (MOMENT.time(), "03:04:05"),
        ({3}, [3]),
        (frozenset("a"), ["a"]),
        (b"\xff", "/w=="),
        (Colour.RED, "red"),
        (Card("ace", {1}), {"name": "ace", "value": [1]}),
        (MultiDict([("a", 1), ("a", 2)]), {"a": [1, 2]}),
        ({uuid.UUID(int=1): MOMENT}, {"00000000-0000-0000-0000-000000000001": "2026-01-02T03:04:05Z"}),
        ([math.nan, math.inf, -math.inf], [None, None, None]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_msgspec_writes_more_types(fast: MsgspecProvider, value: Any, written: Any) -> None:
    assert json.loads(fast.encode(value)) == written
    assert json.loads(fast.dumps(value, indent=2)) == written


def test_the_body_is_compact_utf8_in_the_order_of_the_dict_even_in_debug_mode(
    fast: MsgspecProvider, app: Application
) -> None:
    app.debug = True
    assert fast.encode({"b": "ü", "a": 1}) == '{"b":"ü","a":1}\n'.encode()


def test_the_layout_of_bodies_can_be_chosen(fast: MsgspecProvider) -> None:
    value = {"b": "ü", "a": {"d": 1, "c": 2}}
    fast.sort_keys = True
    assert fast.encode(value) == '{"a":{"c":2,"d":1},"b":"ü"}\n'.encode()
    fast.ensure_ascii = True
    assert fast.encode(value) == b'{"a":{"c":2,"d":1},"b":"\\u00fc"}\n'
    fast.compact = False
    assert fast.encode({"a": 1}) == b'{\n  "a": 1\n}\n'


@pytest.mark.parametrize(
    ("kwargs", "written"),
    [
        ({"indent": 1}, '{\n "b": "ü",\n "a": [\n  1\n ]\n}'),
        ({"separators": (" , ", " : ")}, '{"b" : "ü" , "a" : [1]}'),
        ({"sort_keys": True}, '{"a":[1],"b":"ü"}'),
        ({"sort_keys": True, "indent": None}, '{"a":[1],"b":"ü"}'),
        ({"ensure_ascii": True}, '{"b":"\\u00fc","a":[1]}'),
        ({"ensure_ascii": False}, '{"b":"ü","a":[1]}'),
        ({"skipkeys": True}, '{"b":"ü","a":[1]}'),
        ({"cls": json.JSONEncoder, "indent": 0}, '{\n"b": "ü",\n"a": [\n1\n]\n}'),
    ],
    ids=str,
)
def test_arguments_of_the_standard_library_keep_their_meaning(
    fast: MsgspecProvider, kwargs: dict[str, Any], written: str
) -> None:
    assert fast.dumps({"b": "ü", "a": [1]}, **kwargs) == written


def test_arguments_that_change_what_is_written_are_left_to_the_standard_library(fast: MsgspecProvider) -> None:
    assert fast.dumps({(1, 2): 3, "a": {MOMENT}}, skipkeys=True) == '{"a":["2026-01-02T03:04:05Z"]}'
    assert fast.dumps([MOMENT], default=lambda value: "mine") == '["mine"]'
    with pytest.raises(ValueError, match="Out of range float values"):
        fast.dumps([math.nan], allow_nan=False)
    assert fast.loads("[1.5]", parse_float=decimal.Decimal) == [decimal.Decimal("1.5")]


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        ({"user": {"file": io.StringIO()}}, "result['user']['file']", "an object of type _io.StringIO as JSON"),
        ([1, (2, {"a": object()})], "result[1][1]['a']", "an object of type object as JSON"),
        (Point(1, Card("x", 1j)), "result.y.value", "an object of type complex as JSON"),
        ({"a": {1: {(1, 2): 3}}}, "result['a'][1][(1, 2)]", "a key of type tuple as JSON"),
        ({"a": {Html}}, f"result['a']{{{Html!r}}}", "an object of type type as JSON"),
        (["fine", "\ud800"], "result[1]", "a text with half of a surrogate pair as JSON"),
        (len, "result", "an object of type builtin_function_or_method as JSON"),
        (Point, "result", "an object of type type as JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else "value",
)
def test_what_cannot_be_written_is_named_by_its_path(
    fast: MsgspecProvider, value: Any, path: str, problem: str
) -> None:
    for write in (fast.encode, fast.dumps):
        with pytest.raises(JSONValueError) as caught:
            write(value)
        assert str(caught.value) == f"{path}: cannot write {problem}"
        assert caught.value.__cause__ is not None
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, ValueError)


def test_a_dataclass_whose_field_was_deleted_can_still_be_explained(fast: MsgspecProvider) -> None:
    point = Point(1, object())
    del point.x
    with pytest.raises(JSONValueError, match=r"^result\.y: cannot write an object of type object"):
        fast.dumps(point)


def test_a_value_that_contains_itself_is_named(fast: MsgspecProvider) -> None:
    value: dict[str, Any] = {"rows": [1]}
    value["rows"].append(value)
    with pytest.raises(JSONValueError, match=r"^result\['rows'\]\[1\]: cannot write a value that contains itself"):
        fast.encode(value)


def test_a_value_that_occurs_twice_does_not_contain_itself(fast: MsgspecProvider) -> None:
    shared = [1]
    assert fast.encode({"a": shared, "b": shared}) == b'{"a":[1],"b":[1]}\n'
    with pytest.raises(JSONValueError, match=r"^result\[2\]: "):
        fast.encode([shared, shared, object()])


def test_what_is_nested_too_deeply_is_explained(fast: MsgspecProvider) -> None:
    value: list[Any] = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(JSONValueError, match=r"^result: cannot write an object of type list as JSON: it is nested too"):
        fast.encode(value)


def test_a_hook_that_fails_only_sometimes_is_still_an_error(fast: MsgspecProvider) -> None:
    calls = iter([TypeError("not now")])

    def moody(value: Any) -> Any:
        for error in calls:
            raise error
        return 1

    fast.default = moody
    with pytest.raises(JSONValueError, match=r"^result: cannot write an object of type list as JSON: not now"):
        fast.encode([object()])


def test_an_error_of_the_applications_own_code_passes(fast: MsgspecProvider) -> None:
    def failing(value: Any) -> Any:
        raise LookupError("mine")

    fast.default = failing
    with pytest.raises(LookupError, match="mine"):
        fast.encode([object()])


def test_a_subclass_that_replaces_dumps_is_used_for_bodies(app: Application) -> None:
    class Shouting(MsgspecProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return super().dumps(obj, **kwargs).upper()

    class Whispering(Shouting):
        def encode(self, value: Any) -> bytes:
            return super().encode(value).lower()

    assert Shouting(app).encode({"a": 1}) == b'{"A":1}\n'
    assert Whispering(app).encode({"a": 1}) == b'{"a":1}\n'
    assert MsgspecProvider(app).encode({"a": 1}) == b'{"a":1}\n'


# -- reading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_documents_are_read_in_every_encoding_of_the_standard_library(fast: MsgspecProvider, encoding: str) -> None:
    assert fast.loads('{"a": "ü"}'.encode(encoding)) == {"a": "ü"}


@pytest.mark.parametrize("document", ["NaN", "[Infinity]", "-Infinity", '"\\ud800"', '"\ud800"', "1e400", "1" * 5000])
def test_what_the_standard_library_lets_pass_is_refused(fast: MsgspecProvider, document: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        fast.loads(document)


def test_an_error_names_the_place(fast: MsgspecProvider) -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        fast.loads('{"a": 1,\n "b" 2}')
    assert (caught.value.lineno, caught.value.colno) == (2, 6)
    with pytest.raises(json.JSONDecodeError, match="It is not utf-8 text: line 1 column 3"):
        fast.loads(b'"a\xff"')


def test_deep_nesting_is_an_error_of_the_document(fast: MsgspecProvider) -> None:
    with pytest.raises(json.JSONDecodeError, match="It is nested too deeply"):
        fast.loads("[" * 100_000)
    with pytest.raises(json.JSONDecodeError, match="It is nested too deeply"):
        fast.loads("[" * 100_000 + "]" * 100_000)


# -- against the standard library --------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner), max_leaves=20
)
KEPT = MsgspecProvider(APP)


@settings(deadline=None)
@given(VALUES)
def test_msgspec_writes_what_the_standard_library_reads(value: Any) -> None:
    expected = json.loads(json.dumps(value))
    assert json.loads(KEPT.encode(value)) == expected
    assert json.loads(KEPT.dumps(value, indent=1, sort_keys=True, ensure_ascii=True)) == expected


@settings(deadline=None)
@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_msgspec_reads_what_the_standard_library_writes(value: Any, ensure_ascii: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)
    assert KEPT.loads(text) == json.loads(text)
    assert KEPT.loads(text.encode()) == json.loads(text)


@settings(deadline=None)
@given(st.text(alphabet='[]{}",:0123456789.eE+-truefalsn \\u\n', max_size=25) | st.binary(max_size=12))
def test_no_document_raises_anything_but_a_value_error(document: str | bytes) -> None:
    def read(loads: Callable[[str | bytes], Any]) -> Any:
        try:
            return loads(document)
        except ValueError:
            return ValueError

    ours, theirs = read(KEPT.loads), read(json.loads)
    assert ours is ValueError or ours == theirs
