"""Converters, those of routing and those that applications write: Werkzeug's and ours read, write and sort alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from same_as_werkzeug import both_tell_the_same, plain, told

TEXTS = [
    "a",
    "ab",
    "a/b",
    "a//b",
    "/a",
    "a/",
    "",
    "1",
    "12",
    "-1",
    "a-b",
    "A",
    "a\n",
    "\u00e4",
    "x1y",
    "ab/cd",
    "aa",
    "a.b",
    "1.5",
    "ff",
    "b/c/d",
]


@pytest.mark.parametrize(
    "name",
    [
        "BaseConverter",
        "UnicodeConverter",
        "AnyConverter",
        "PathConverter",
        "IntegerConverter",
        "FloatConverter",
        "UUIDConverter",
    ],
)
def test_the_attributes_of_a_converter(name: str) -> None:
    attributes = ["weight", "part_isolating", "regex", "num_convert"]
    both_tell_the_same(lambda r: [plain(getattr(getattr(r, name), attribute, None)) for attribute in attributes])
    both_tell_the_same(lambda r: issubclass(getattr(r, name), r.BaseConverter))


@pytest.mark.parametrize(
    "make",
    [
        lambda r, m: r.BaseConverter(m),
        lambda r, m: r.BaseConverter(m, 1, x=2),
        lambda r, m: r.UnicodeConverter(m),
        lambda r, m: r.UnicodeConverter(m, 2),
        lambda r, m: r.UnicodeConverter(m, 2, 3),
        lambda r, m: r.UnicodeConverter(m, length=4, minlength=1),
        lambda r, m: r.UnicodeConverter(m, "2", "3"),
        lambda r, m: r.UnicodeConverter(m, 1, 2, 3, 4),
        lambda r, m: r.UnicodeConverter(m, maxlength="x"),
        lambda r, m: r.AnyConverter(m, "a", "b.c"),
        lambda r, m: r.AnyConverter(m),
        lambda r, m: r.PathConverter(m),
        lambda r, m: r.IntegerConverter(m),
        lambda r, m: r.IntegerConverter(m, 2, 1, 20),
        lambda r, m: r.IntegerConverter(m, signed=True, min=0),
        lambda r, m: r.IntegerConverter(m, foo=1),
        lambda r, m: r.FloatConverter(m),
        lambda r, m: r.FloatConverter(m, 0.5, 1.5, True),
        lambda r, m: r.FloatConverter(m, fixed_digits=2),
        lambda r, m: r.UUIDConverter(m),
    ],
    ids=range(20),
)
def test_a_converter_by_itself(make: Callable[..., Any]) -> None:
    def scenario(r: Any) -> object:
        made_map = r.Map()
        converter = make(r, made_map)
        facts = {name: plain(value) for name, value in sorted(vars(converter).items()) if name != "map"}
        read = [
            told(converter.to_python, text)
            for text in ("a", "1", "01", "-1", "1.5", "12345678123456781234567812345678")
        ]
        written = [told(converter.to_url, value) for value in ("a", "b.c", "a b/\u00e4", 1, 1.5, -3, "7")]
        return converter.regex, converter.map is made_map, facts, read, written

    both_tell_the_same(scenario)


def converters(r: Any) -> dict[str, Any]:
    """Return converters such as applications write, made from the classes of *r*."""

    class Groups(r.BaseConverter):  # type: ignore[misc, name-defined]
        regex = "([a-z]+)/([a-z0-9]+)(/x)?"

        def to_python(self, value: str) -> Any:
            return dict(enumerate(value.split("/")))

        def to_url(self, value: Any) -> str:
            return "/".join(map(str, value))

    class Named(r.BaseConverter):  # type: ignore[misc, name-defined]
        regex = "(?P<first>a|b)(?P<second>c?)"

    class Alternatives(r.BaseConverter):  # type: ignore[misc, name-defined]
        regex = "a|ab|1"

    class Optional(r.BaseConverter):  # type: ignore[misc, name-defined]
        regex = "a?"

    class Slashed(r.BaseConverter):  # type: ignore[misc, name-defined]
        regex = "a/b|a"

    class Isolated(r.BaseConverter):  # type: ignore[misc, name-defined]
        regex = "a/b|a"
        part_isolating = True

    class Open(r.BaseConverter):  # type: ignore[misc, name-defined]
        regex = "[a-z]+"
        part_isolating = False

    class Anything(r.BaseConverter):  # type: ignore[misc, name-defined]
        regex = ".+"
        part_isolating = False

    class Light(r.UnicodeConverter):  # type: ignore[misc, name-defined]
        weight = 10

    class Heavy(r.PathConverter):  # type: ignore[misc, name-defined]
        weight = 300

    class InnerSlash(r.PathConverter):  # type: ignore[misc, name-defined]
        regex = "[^/]+/[^/]+"

    class Inherited(r.UnicodeConverter):  # type: ignore[misc, name-defined]
        regex = "x"  # the constructor of the base says otherwise

    class Set(r.BaseConverter):  # type: ignore[misc, name-defined]
        def __init__(self, map: Any, *items: str, sep: str = "+", **rest: Any) -> None:
            super().__init__(map)
            self.regex = "|".join(items) or "[^/]+"
            self.sep, self.rest = sep, rest

        def to_python(self, value: str) -> Any:
            return [part.upper() for part in value.split(self.sep)]

        def to_url(self, value: Any) -> str:
            return self.sep.join(r.BaseConverter.to_url(self, each) for each in value)

    class Refusing(r.BaseConverter):  # type: ignore[misc, name-defined]
        def to_python(self, value: str) -> Any:
            if value == "a":
                raise r.ValidationError
            if value == "b":
                raise r.ValidationError("no")
            if value == "1":
                raise ValueError("not a number")
            return None if value == "12" else value

        def to_url(self, value: Any) -> str:
            if value == "a":
                raise r.ValidationError
            return str(value)

    class Hex(r.IntegerConverter):  # type: ignore[misc, name-defined]
        regex = "[0-9a-f]+"
        num_convert = staticmethod(lambda value: int(str(value), 16))

    class Even(r.IntegerConverter):  # type: ignore[misc, name-defined]
        def to_python(self, value: str) -> Any:
            number = super().to_python(value)
            if number % 2:
                raise r.ValidationError
            return number

    class Doubled(r.FloatConverter):  # type: ignore[misc, name-defined]
        def to_url(self, value: Any) -> str:
            return super().to_url(value * 2)  # type: ignore[no-any-return]

    class Look(r.BaseConverter):  # type: ignore[misc, name-defined]
        regex = "(?!a)[^/]+"

    class NotEncoded(r.BaseConverter):  # type: ignore[misc, name-defined]
        def to_url(self, value: Any) -> str:
            return f"<{value}>"

    class Number(r.BaseConverter):  # type: ignore[misc, name-defined]
        def to_url(self, value: Any) -> Any:
            return value

    local = dict(locals())
    del local["r"]
    return {name.lower(): kind for name, kind in local.items()}


NAMES = [name for name in converters(__import__("werkzeug.routing").routing) if name != "number"]
PATTERNS = ["/{}", "/{}/", "/p/{}/q", "/x{}y", "/{}-<t>", "/<t>/{}", "/{}/<int:n>"]


@pytest.mark.parametrize("name", NAMES)
def test_a_converter_of_ones_own_reads_and_writes(name: str) -> None:
    def scenario(r: Any) -> object:
        found: list[object] = [converters(r)[name].part_isolating]
        for pattern in PATTERNS:
            made = r.Map([r.Rule(pattern.format(f"<{name}:v>"), endpoint="it")], converters=converters(r))
            adapter = made.bind("example.com")
            for text in TEXTS:
                path = pattern.replace("<t>", "t").replace("<int:n>", "3").format(text)
                found += [(pattern, text, told(adapter.match, path)), told(adapter.match, path + "/")]
            for value in ("a", "\u00e4 b", 3, ["x", "y z"], ("ab", "cd")):
                found.append((pattern, told(adapter.build, "it", {"v": value, "t": "t", "n": 1})))
        return found

    both_tell_the_same(scenario)


@pytest.mark.parametrize("name", NAMES)
def test_a_converter_of_ones_own_is_sorted(name: str) -> None:
    def scenario(r: Any) -> object:
        rules = [
            f"/<{name}:v>",
            "/<s>",
            "/<path:p>",
            "/<int:i>",
            "/a",
            "/<s>/<t>",
            f"/<{name}:v>/b",
            f"/x<{name}:v>y",
            f"/<{name}:v>/<w>",
        ]
        for order in (1, -1):
            made = r.Map([r.Rule(rule, endpoint=rule) for rule in rules[::order]], converters=converters(r))
            adapter = made.bind("example.com")
            found = [told(adapter.match, "/" + text) for text in TEXTS]
        return found

    both_tell_the_same(scenario)


def test_a_converter_is_given_its_arguments() -> None:
    def scenario(r: Any) -> object:
        made = r.Map([r.Rule("/<set(aa, 'b/c', sep=';', more=1):v>", endpoint="it")], converters=converters(r))
        converter = next(made.iter_rules())._converters["v"]
        return (
            converter.regex,
            converter.sep,
            converter.rest,
            converter.map is made,
            told(lambda: made.bind("h").match("/aa")),
        )

    both_tell_the_same(scenario)


def test_a_converter_may_be_any_callable() -> None:
    def scenario(r: Any) -> object:
        def make(map: Any, *arguments: Any) -> Any:
            return r.AnyConverter(map, *arguments, "more")

        adapter = r.Map([r.Rule("/<made(a):v>", endpoint="it")], converters={"made": make}).bind("h")
        return [told(adapter.match, "/" + text) for text in ("a", "more", "b")], adapter.build("it", {"v": "more"})

    both_tell_the_same(scenario)


def test_a_converter_is_added_to_a_map_later() -> None:
    def scenario(r: Any) -> object:
        made = r.Map()
        made.converters["list"] = converters(r)["set"]
        made.add(r.Rule("/<list:v>", endpoint="it"))
        made.converters["default"] = r.IntegerConverter
        made.add(r.Rule("/d/<v>", endpoint="d"))
        adapter = made.bind("h")
        return [told(adapter.match, path) for path in ("/a+b", "/d/1", "/d/x")]

    both_tell_the_same(scenario)


def test_part_isolating_follows_from_the_regex() -> None:
    def scenario(r: Any) -> object:
        found = []
        for regex in ("[^/]+", "a/b", ".*", "[^/].*?", "\\/", "/", "x"):
            found.append(type("Made", (r.BaseConverter,), {"regex": regex}).part_isolating)  # type: ignore[attr-defined]
            found.append(type("Made", (r.BaseConverter,), {"regex": regex, "part_isolating": True}).part_isolating)  # type: ignore[attr-defined]
            found.append(type("Made", (r.PathConverter,), {"regex": regex}).part_isolating)  # type: ignore[attr-defined]
        found.append(type("Made", (r.PathConverter,), {}).part_isolating)  # type: ignore[attr-defined]
        return found

    both_tell_the_same(scenario)


def test_the_words_of_any_are_named_where_the_value_is_none_of_them() -> None:
    def scenario(r: Any) -> object:
        adapter = r.Map([r.Rule("/<any(b, 'a c', d):x>", endpoint="it")]).bind("h")
        try:
            adapter.build("it", {"x": "q"})
        except ValueError as error:
            return re.sub(r"\s", " ", str(error))
        return None

    both_tell_the_same(scenario)
