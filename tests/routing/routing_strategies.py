"""Rules, requests and values drawn at random, and one way to say what a map makes of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BuildError, RequestRedirect, WebsocketMismatch

# "#" becomes a name that is new in the rule.
VARIABLES = {
    "<#>": ["a", "b", "a b", "ä", "10", "a\n", "a.b"],
    "<string:#>": ["a", "ab", "1"],
    "<string(length=2):#>": ["ab", "10", "a"],
    "<string(maxlength=1):#>": ["a", "1", "ab"],
    "<string(minlength=2, maxlength=3):#>": ["ab", "abc", "a"],
    "<int:#>": ["1", "10", "007", "٣", "²", "-3"],
    "<int(signed=True):#>": ["-3", "10"],
    "<int(min=2, max=10):#>": ["1", "2", "10", "11"],
    "<int(fixed_digits=2):#>": ["10", "1", "007"],
    "<float:#>": ["2.5", "1.0", "1", "-2.5"],
    "<float(min=0.5, signed=True):#>": ["2.5", "-2.5", "0.1"],
    "<any(a, b, 'a b'):#>": ["a", "a b", "c"],
    "<path:#>": ["a", "a/b", "a//b", "1/a/", "a b/ä"],
    "<uuid:#>": ["12345678-1234-5678-1234-567812345678", "1234"],
    "<pair:#>": ["a/b", "ab/ab", "a"],
    "<list(sep='+'):#>": ["a+b", "a", "c+a"],
    "<float(max=2):#>": ["1.5", "2.5"],
    "<any('a/b', ab):#>": ["ab", "a/b"],
}


def converters(module: Any) -> dict[str, Any]:
    """Two converters such as applications write, made from the classes of *module*."""

    class Pair(module.BaseConverter):  # type: ignore[misc, name-defined]
        regex = "([a-z]+)/([a-z]+)"

    class Split(module.BaseConverter):  # type: ignore[misc, name-defined]
        weight = 90

        def __init__(self, map: Any, sep: str = ",") -> None:
            super().__init__(map)
            self.sep = sep

        def to_python(self, value: str) -> list[str]:
            if value.startswith("c"):
                raise module.ValidationError
            return value.split(self.sep)

        def to_url(self, value: Any) -> str:
            if not isinstance(value, list):
                raise module.ValidationError
            return self.sep.join(map(str, value))

    return {"pair": Pair, "list": Split}


# Subdomains or hosts that a rule may be for, each with some that it takes.
DOMAINS = {
    "": ["", "example.com"],
    "a": ["a"],
    "b": ["b"],
    "<d>": ["a", "b", "1"],
    "<int:d>": ["1", "a"],
    "x<d>": ["xa", "a"],
    "a.<d>": ["a.b", "a."],
    "<any(a, b):d>": ["a", "b", "c"],
    "a:<int:d>": ["a:80", "a:b"],
    "<string(length=1):d>.<e>": ["a.b", "ab.b", "a.b.c"],
}
TEXTS = ["a", "b", "ab", "1", "a.b", "ä", ""]
UUID = "12345678-1234-5678-1234-567812345678"
SEGMENTS = ["a", "b", "ab", "1", "10", "-3", "2.5", "a.b", "a-b", "1-2", "ä", "", "", "a b", "٣", UUID, "a\n"]
ODD = "~!$&'()*+,/:;=@%?#"
METHODS = ["GET", "POST", "HEAD"]


@dataclass
class Spec:
    """The arguments of a rule."""

    string: str
    options: dict[str, Any]


@dataclass
class Request:
    """What a map is asked for."""

    path: str
    method: str
    websocket: bool | None
    domain: str
    query: Any = None


@st.composite
def segments(draw: st.DrawFn, names: list[str]) -> str:
    def variable() -> str:
        names.append(f"v{len(names)}")
        return draw(st.sampled_from(list(VARIABLES))).replace("#", names[-1])

    def text() -> str:
        return draw(st.sampled_from(TEXTS))

    form = draw(st.sampled_from(["text", "text", "variable", "variable", "mixed", "two"]))
    if form == "text":
        return text()
    if form == "variable":
        return variable()
    if form == "mixed":
        return text() + variable() + text()
    return variable() + draw(st.sampled_from(["-", "."])) + variable()


def called(adapter: Any, **values: Any) -> str:
    """A ``redirect_to`` that is a function."""
    return f"called/{adapter.server_name}/{sorted(values)}"


@st.composite
def specs(draw: st.DrawFn, domains: bool = False) -> Spec:
    """A rule: nearly always one of a few endpoints, so that rules get in each other's way."""
    names: list[str] = []
    parts = [draw(segments(names)) for _ in range(draw(st.integers(0, 3)))]
    string = "/" + "/".join(parts) + draw(st.sampled_from(["", "/"]))
    options: dict[str, Any] = {"endpoint": draw(st.sampled_from(["one", "two", "three"]))}
    if draw(st.booleans()):
        options["methods"] = draw(st.lists(st.sampled_from(METHODS), min_size=1, max_size=2))
    for name in ("strict_slashes", "merge_slashes"):
        if draw(st.integers(0, 4)) == 0:
            options[name] = draw(st.booleans())
    rare = draw(st.sampled_from(["", "", "", "", "websocket", "build_only", "alias", "redirect_to", "defaults"]))
    if rare in ("build_only", "alias"):
        options[rare] = True
    elif rare == "websocket" and "POST" not in options.get("methods", ()):
        options["websocket"] = True
    elif rare == "redirect_to":
        options["redirect_to"] = draw(
            st.sampled_from(["target", "/target", called, *(f"to/<{name}>" for name in names)])
        )
    elif rare == "defaults":
        first = draw(st.sampled_from([len(names), len(names), 0]))  # most times those of variables it does not have
        options["defaults"] = {
            f"v{number}": draw(st.sampled_from([1, "a"])) for number in range(first, first + draw(st.integers(1, 2)))
        }
    if domains:
        names.append("d")
        options["domain"] = draw(st.sampled_from(list(DOMAINS)))
    return Spec(string, options)


_variable = re.compile(r"<(?:([^>]*?):)?(\w+)>")


@st.composite
def paths(draw: st.DrawFn, rules: list[Spec]) -> str:
    """A path: most times one that a rule has, or that lacks little of being so."""
    if draw(st.integers(0, 4)) == 0:
        path = "/".join(draw(st.lists(st.sampled_from(SEGMENTS), max_size=4)))
        return draw(st.sampled_from(["/", "/", "/", ""])) + path

    def fill(found: re.Match[str]) -> str:
        form = f"<{found[1]}:#>" if found[1] else "<#>"
        return draw(st.sampled_from(VARIABLES[form]))

    path = _variable.sub(fill, draw(st.sampled_from(rules)).string)
    change = draw(st.sampled_from(["", "", "", "slash", "no slash", "two slashes", "more"]))
    if change == "slash":
        return path + "/"
    if change == "no slash":
        return path.rstrip("/")
    if change == "two slashes":
        return path.replace("/", "//")
    return path + "/a" if change == "more" else path


@st.composite
def requests(draw: st.DrawFn, domains: bool = False) -> tuple[list[Spec], list[Request]]:
    """Rules, and requests for them."""
    rules = draw(st.lists(specs(domains), min_size=1, max_size=6))
    fitting = DOMAINS[draw(st.sampled_from(rules)).options.get("domain", "")]
    request = st.builds(
        Request,
        paths(rules),
        st.sampled_from(METHODS),
        st.sampled_from([False, False, None, True]),
        st.sampled_from([*fitting * 3, "zz"]) if domains else st.just(""),
        st.sampled_from([None, None, "", "x=1", {"x": ["ä", "b c"], "y": None}]),
    )
    return rules, draw(st.lists(request, min_size=1, max_size=8))


@st.composite
def builds(draw: st.DrawFn, domains: bool = False) -> tuple[list[Spec], str, dict[str, Any]]:
    """Rules, an endpoint, and values for it: most times those that a rule has, with something more or less."""
    rules = draw(st.lists(specs(domains), min_size=1, max_size=6))
    rule = draw(st.sampled_from(rules))
    value = st.sampled_from([1, "a", "ab", "a b", "ä/ö", 2.5, 10, -3, None, ["x", None, "y"], UUID, ODD])
    names = [found[1] for found in _variable.findall(rule.string + rule.options.get("domain", ""))]
    values: dict[str, Any] = {name: draw(value) for name in names}
    values.update(draw(st.one_of(st.just(rule.options.get("defaults", {})), st.just({}))))
    values.update(draw(st.dictionaries(st.sampled_from(["v0", "v1", "q", "self", "class"]), value, max_size=2)))
    if draw(st.integers(0, 5)) == 0 and values:
        del values[draw(st.sampled_from(sorted(values)))]
    return rules, draw(st.sampled_from([rule.options["endpoint"]] * 5 + ["two", "tree"])), values


def outcome(adapter: Any, request: Request) -> object:
    """Say what *adapter* makes of a request."""
    try:
        found = adapter.match(request.path, request.method, query_args=request.query, websocket=request.websocket)
        return found, [type(value) for value in found[1].values()]
    except RequestRedirect as redirect:
        return "redirect", redirect.new_url, redirect.code
    except MethodNotAllowed as error:
        return "method", sorted(error.valid_methods or ())
    except NotFound:
        return "missing", sorted(adapter.allowed_methods(request.path))
    except WebsocketMismatch:
        return "protocol"
    except BuildError:
        return "alias without a target"
    except (AssertionError, TypeError, KeyError, ValueError):
        return "the target of a redirect cannot be built"


def url(adapter: Any, endpoint: str, values: dict[str, Any], **options: Any) -> object:
    """Say what *adapter* builds."""
    try:
        return adapter.build(endpoint, values, **options)
    except BuildError as error:
        return "build error", str(error)
    except (ValueError, TypeError):
        return "refused by a converter"
