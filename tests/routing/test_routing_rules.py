"""A rule by itself: its attributes, copies, and what is said when it cannot be read."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import werkzeug.routing

from erlen.errors import ErlenError
from erlen.routing import BaseConverter, Map, Rule, RuleSyntaxError, UnknownConverter, parse_converter_args

PLACEHOLDER = (
    "Write <name>, <converter:name> or <converter(argument=value):name>, where a name is made of letters, digits and "
    "underscores."
)


def test_a_rule_has_the_attributes_it_was_given() -> None:
    made = Rule("/a/", {"x": 1}, "s", ["get"], True, "e", False, False, "to", True, "h", True)
    assert (made.rule, made.is_leaf, made.is_branch, made.defaults, made.subdomain) == (
        "/a/",
        False,
        True,
        {"x": 1},
        "s",
    )
    assert (made.methods, made.build_only, made.endpoint, made.strict_slashes) == ({"GET", "HEAD"}, True, "e", False)
    assert (made.merge_slashes, made.redirect_to, made.alias, made.host) == (False, "to", True, "h")
    assert (made.websocket, made.arguments, made.map, made.where) == (True, {"x"}, None, None)


def test_a_copy_is_unbound_and_equal_until_one_is_changed() -> None:
    first = Rule("/a", {"x": 1}, methods=["POST"], endpoint="e", merge_slashes=False, websocket=False)
    second = first.empty()
    assert first.__dict__ == second.__dict__
    assert first.methods is not None
    first.methods.add("PUT")
    assert first.__dict__ != second.__dict__
    second.where = "a.py:1"
    assert second.empty().where == "a.py:1"
    Map([first])
    assert first.empty().map is None


def test_a_subclass_with_parameters_of_its_own_is_copied_with_them() -> None:
    class Mine(Rule):
        def __init__(self, string: str, mine: int = 0, **options: Any) -> None:
            super().__init__(string, **options)
            self.mine = mine

        def get_empty_kwargs(self) -> dict[str, Any]:
            return {**super().get_empty_kwargs(), "mine": self.mine}

    made = Mine("/a/<x>", mine=3, endpoint="e")
    assert made.empty().mine == 3  # type: ignore[attr-defined]
    found = Map([made]).find("", "/a/1", "GET")
    assert found == (made, {"x": "1"})


def test_rules_are_equal_when_they_look_the_same_and_cannot_be_hashed() -> None:
    first, second, third = Rule("/a/<x>"), Rule("/a/<int:x>"), Rule("/b")
    assert first != second
    assert first == Rule("/a/<x>")
    Map([first]), Map([second]), Map([third])
    assert first == second
    assert first != third
    assert first != "/a/<x>"
    with pytest.raises(TypeError):
        hash(first)


def test_a_rule_belongs_to_one_map() -> None:
    made = Rule("/a", endpoint="e")
    Map([made])
    with pytest.raises(
        RuntimeError, match=r"^url rule <Rule '/a' -> e> already bound to map .* add rule\.empty\(\), a copy"
    ):
        Map([made])
    with pytest.raises(RuntimeError, match="url rule '/b' is not bound to a map yet"):
        Rule("/b").refresh()


def test_a_bound_rule_takes_over_what_its_map_says() -> None:
    Map(
        [made := Rule("/a"), own := Rule("/b", subdomain="s", strict_slashes=True)],
        "www",
        strict_slashes=False,
        merge_slashes=False,
    )
    assert (made.subdomain, made.strict_slashes, made.merge_slashes) == ("www", False, False)
    assert (own.subdomain, own.strict_slashes) == ("s", True)


def test_methods_are_a_list_and_websockets_have_few() -> None:
    with pytest.raises(
        TypeError, match=r"'methods' is one string and not a list\. Write methods=\['GET'\] for the rule '/a'\."
    ):
        Rule("/a", methods="GET")
    with pytest.raises(
        ValueError, match=r"A rule for WebSockets has no methods but GET, HEAD and OPTIONS\. Leave methods out"
    ):
        Rule("/a", methods=["POST"], websocket=True)


@pytest.mark.parametrize(
    ("text", "marked", "problem", "cure"),
    [
        (
            "/<itn:x>",
            "itn",
            "the converter 'itn' does not exist.",
            "Did you mean 'int'? Known converters: any, default, ",
        ),
        ("/<qqq:x>", "qqq", "the converter 'qqq' does not exist.", "Known converters: any, default, float, int, "),
        ("/<>", "<>", "The variable has no name.", PLACEHOLDER),
        ("/a<int:>", "<int:>", "The variable behind the converter 'int' has no name.", PLACEHOLDER),
        ("/<a/b", "<a/b", "A '<' opens a variable and no '>' closes it.", PLACEHOLDER),
        ("/<a-b>/c", "<a-b>", "'<a-b>' is not a variable.", PLACEHOLDER),
        (
            "/<x>/<int:x>",
            "<int:x>",
            "The variable 'x' stands in it twice.",
            "Give one of them another name, for instance 'x2'.",
        ),
        (
            "/<string(length=2 minlength=1):x>",
            "length=2 minlength=1",
            "Cannot parse converter argument 'length=2 minlength=1'.",
            "Write arguments as in <string(length=2):name> or <any(about, 'a b'):name>.",
        ),
    ],
)
def test_a_rule_that_cannot_be_read_shows_the_place_and_the_cure(
    text: str, marked: str, problem: str, cure: str
) -> None:
    with pytest.raises(RuleSyntaxError) as caught:
        Map([Rule(text)])
    lines = str(caught.value).split("\n")
    assert lines[0] == f"malformed url rule: {text!r}. {problem}"
    assert lines[1] == f"    {text}"
    assert lines[2] == " " * (4 + text.rindex(marked)) + "^" * len(marked)
    assert lines[3].startswith(cure)


def test_a_rule_without_its_first_slash_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"URL rule 'a' must start with a slash\.\n    a\n    \^\nWrite '/a' instead\."
    ):
        Rule("a")


def test_the_errors_of_a_rule_are_those_that_werkzeug_raises_too() -> None:
    assert issubclass(RuleSyntaxError, ValueError)
    assert issubclass(UnknownConverter, LookupError)
    assert issubclass(UnknownConverter, ErlenError)


def test_a_variable_in_the_domain_and_in_the_path_is_one_too_many() -> None:
    with pytest.raises(RuleSyntaxError, match=r"The variable 'x' stands in it and in 'a\.<x>' too\."):
        Map([Rule("/<x>", subdomain="a.<x>")])


def test_a_regex_that_python_refuses_names_the_rule() -> None:
    class Bad(BaseConverter):
        regex = "(?P<1>a)"

    made = Map([Rule("/a/<bad:x>")], converters={"bad": Bad})
    with pytest.raises(
        RuleSyntaxError, match="A converter in it has a regular expression that Python refuses: bad character"
    ):
        made.freeze()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ((), {})),
        ("a, 'b, c', \"d\"", (("a", "b, c", "d"), {})),
        ("1, 2.5, -3, True, None", ((1, 2.5, -3, True, None), {})),
        ("nan, a1, 1a, 1.2.3", (("nan", "a1", "1a", "1.2.3"), {})),
        (" length = 2 , x='1', ", ((), {"length": 2, "x": "1"})),
        ("u'x'", (("x",), {})),
    ],
)
def test_arguments_of_a_converter_are_read(text: str, expected: object) -> None:
    assert parse_converter_args(text) == expected


@pytest.mark.parametrize("text", ["a b", "'a", "length=2|minlength=1", "a,,b"])
def test_arguments_of_a_converter_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Cannot parse converter argument '"):
        parse_converter_args(text)


def test_the_routing_exceptions_are_werkzeugs_own() -> None:
    import erlen.routing

    for name in ("BuildError", "NoMatch", "RequestAliasRedirect", "RequestPath", "RequestRedirect", "RoutingException"):
        assert getattr(erlen.routing, name) is getattr(werkzeug.routing, name)
    assert erlen.routing.WebsocketMismatch is werkzeug.routing.WebsocketMismatch
    assert erlen.routing.ValidationError is werkzeug.routing.ValidationError


def test_every_name_of_werkzeugs_routing_is_here() -> None:
    import erlen.routing

    documented = {name for name in vars(werkzeug.routing) if name[0].isupper()}
    assert documented <= set(erlen.routing.__all__)
    assert all(hasattr(erlen.routing, name) for name in erlen.routing.__all__)


def test_rules_are_compiled_once_though_many_threads_ask_first() -> None:
    class Counted(Rule):
        sorted_times = 0

        def build_compare_key(self) -> tuple[int, int, int]:
            Counted.sorted_times += 1
            barrier_passed.wait(0.05)
            return super().build_compare_key()

    barrier_passed = threading.Event()
    made = Map([Counted("/a", endpoint="e"), Counted("/b", endpoint="e")])
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(made.find("", "/a", "GET"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(isinstance(each, tuple) for each in found)
    assert Counted.sorted_times == 2  # each rule once
