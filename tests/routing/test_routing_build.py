"""The way back: from an endpoint and values to a URL."""

from __future__ import annotations

from typing import Any

import pytest
import werkzeug.routing
from werkzeug.datastructures import MultiDict

from erlen.routing import BaseConverter, BuildError, Map, Rule, ValidationError
from erlen.routing.quoting import encode_query, quote_path


def rule(path: str, endpoint: Any = "it", **options: Any) -> Rule:
    return Rule(path, endpoint=endpoint, **options)


def build(rules: list[Rule], endpoint: Any = "it", values: Any = None, **options: Any) -> str:
    return Map([each.empty() for each in rules]).bind("example.com", "/below").build(endpoint, values, **options)


@pytest.mark.parametrize(
    ("path", "values", "url"),
    [
        ("/", None, "/below/"),
        ("/a/<x>", {"x": "word"}, "/below/a/word"),
        ("/a/<x>", {"x": 7}, "/below/a/7"),
        ("/a/<x>", {"x": "ä b/c?%"}, "/below/a/%C3%A4%20b/c%3F%25"),
        ("/ä/<x>", {"x": "~!$&'()*+,/:;=@"}, "/below/%C3%A4/~!$&'()*+,/:;=@"),
        ("/<int:x>", {"x": "007"}, "/below/7"),
        ("/<int(fixed_digits=3):x>", {"x": 7}, "/below/007"),
        ("/<float:x>", {"x": 2}, "/below/2.0"),
        ("/<any(a, b):x>", {"x": "b"}, "/below/b"),
        ("/<uuid:x>", {"x": "1234"}, "/below/1234"),
        ("/<path:x>/", {"x": "a/b"}, "/below/a/b/"),
        ("/<x>.<y>/z", {"x": 1, "y": 2}, "/below/1.2/z"),
        ("/a", {"q": "ä b&", "n": None, "l": ["x", 1, None]}, "/below/a?q=%C3%A4+b%26&l=x&l=1"),
        ("/a", {"n": [None]}, "/below/a"),
        ("/<self>/<class>", {"self": 1, "class": 2}, "/below/1/2"),
        ("/a//b", None, "/below/a/b"),
    ],
)
def test_values_fill_the_variables_and_the_rest_becomes_the_query(path: str, values: Any, url: str) -> None:
    assert build([rule(path)], values=values) == url


def test_a_multidict_gives_each_value() -> None:
    assert build([rule("/<x>")], values=MultiDict([("x", "a"), ("q", 1), ("q", 2)])) == "/below/a?q=1&q=2"


def test_unknown_values_can_be_left_out() -> None:
    assert build([rule("/a")], values={"q": 1}, append_unknown=False) == "/below/a"


def test_the_query_can_be_sorted() -> None:
    values = {"b": 1, "a": 2, "c": 0}
    assert Map([rule("/")], sort_parameters=True).bind("x").build("it", values) == "/?a=2&b=1&c=0"
    by_value = Map([rule("/")], sort_parameters=True, sort_key=lambda pair: pair[1])
    assert by_value.bind("x").build("it", values) == "/?c=0&b=1&a=2"


def test_the_rule_with_most_of_the_values_is_taken() -> None:
    rules = [rule("/"), rule("/<a>"), rule("/<a>/<b>"), rule("/c/", defaults={"a": 1})]
    assert build(rules) == "/below/c/"
    assert build(rules, values={"a": 1}) == "/below/c/"
    assert build(rules, values={"a": 2}) == "/below/2"
    assert build(rules, values={"a": 2, "b": 3, "d": 4}) == "/below/2/3?d=4"
    assert build(rules, values={"b": 3}) == "/below/c/?b=3"
    with pytest.raises(BuildError):
        build([rule("/<a>/<b>", defaults={"c": 1})], values={"a": 1})


def test_a_default_of_a_variable_becomes_text() -> None:
    assert build([rule("/<int:a>/<b>", defaults={"a": 5})], values={"b": "x"}) == "/below/5/x"


def test_the_method_chooses_between_rules() -> None:
    rules = [rule("/post", methods=["POST"]), rule("/get", methods=["GET"])]
    assert build(rules) == "/below/get"
    assert build(rules, method="POST") == "/below/post"
    assert build(rules[:1]) == "/below/post"
    with pytest.raises(BuildError):
        build([rule("/post", methods=["POST"])], method="GET")


def test_a_whole_url_is_built_where_it_is_asked_for_or_needed() -> None:
    assert build([rule("/a")], force_external=True) == "http://example.com/below/a"
    assert build([rule("/a")], force_external=True, url_scheme="https") == "https://example.com/below/a"
    assert build([rule("/a")], force_external=True, url_scheme="") == "//example.com/below/a"
    assert build([rule("/a", subdomain="s")]) == "http://s.example.com/below/a"
    assert build([rule("/a", websocket=True)]) == "ws://example.com/below/a"
    assert build([rule("/a", websocket=True)], url_scheme="https") == "wss://example.com/below/a"
    socket = Map([rule("/a"), rule("/b", "ws", websocket=True)]).bind("example.com", url_scheme="wss")
    assert socket.build("it", force_external=True) == "https://example.com/a"
    assert socket.build("ws") == "wss://example.com/b"


def test_the_rule_on_this_host_is_preferred() -> None:
    made = Map(
        [rule("/", host="a.org"), rule("/", host="b.org"), rule("/<x>", "x", host="<y>.org")], host_matching=True
    )
    assert made.bind("b.org").build("it") == "/"
    assert made.bind("c.org").build("it") == "http://a.org/"
    assert Map([rule("/", host="<h>")], host_matching=True).bind("c.org").build("it", {"h": "d.org"}) == "http://d.org/"


def test_a_rule_whose_converter_refuses_is_passed_over() -> None:
    class Short(BaseConverter):
        def to_url(self, value: Any) -> str:
            if len(value) > 3:
                raise ValidationError
            return str(value)

    made = Map([rule("/<short:x>"), rule("/long/<x>")], converters={"short": Short}).bind("example.com")
    assert made.build("it", {"x": "abc"}) == "/abc"
    assert made.build("it", {"x": "abcd"}) == "/long/abcd"


def test_a_value_that_is_none_of_the_words_says_which_there_are() -> None:
    with pytest.raises(ValueError, match=r"^'c' is not one of 'a', 'b'$"):
        build([rule("/<any(b, a):x>")], values={"x": "c"})


def test_a_canonical_url_that_its_own_converter_refuses_is_not_found() -> None:
    class Never(BaseConverter):
        def to_url(self, value: Any) -> str:
            raise ValidationError

    made = Map(converters={"never": Never})
    made.add(rule("/x/<never:a>/", defaults={"b": 1}))
    made.add(rule("/y/<a>/<int:b>"))
    adapter = made.bind("example.com")
    assert not adapter.test("/y/a/1")


@pytest.mark.parametrize(
    ("endpoint", "values", "method", "message"),
    [
        ("usr", {}, None, "Could not build url for endpoint 'usr'. Did you mean 'user' instead?"),
        (
            "user",
            {"x": 1},
            None,
            "Could not build url for endpoint 'user' with values ['x']. Did you forget to specify values ['id']?",
        ),
        (
            "user",
            {"id": 1},
            "PUT",
            (
                "Could not build url for endpoint 'user' ('PUT') with values ['id']. "
                "Did you mean to use methods ['GET', 'HEAD']?"
            ),
        ),
    ],
)
def test_a_url_that_cannot_be_built_says_what_was_meant(
    endpoint: str, values: Any, method: str | None, message: str
) -> None:
    adapter = Map([rule("/user/<id>", "user", methods=["GET"]), rule("/", "index")]).bind("example.com")
    with pytest.raises(werkzeug.routing.BuildError) as caught:
        adapter.build(endpoint, values, method=method)
    assert str(caught.value) == message


def test_nothing_is_suggested_where_there_are_no_rules() -> None:
    with pytest.raises(BuildError) as caught:
        build([])
    assert str(caught.value) == "Could not build url for endpoint 'it'."
    assert caught.value.suggested is None


def test_the_suggestion_is_not_looked_for_before_it_is_read() -> None:
    class Watched(Map):
        looked = 0

        @property
        def _rules(self) -> list[Rule]:
            self.looked += 1
            return super()._rules

    made = Watched([rule("/")])
    with pytest.raises(BuildError) as caught:
        made.bind("example.com").build("other")
    assert made.looked == 0
    assert "Did you mean 'it'" in str(caught.value)
    assert made.looked > 0


def test_a_rule_builds_its_domain_and_path() -> None:
    made = Map([each := rule("/<x>", subdomain="<y>")])
    made.update()
    assert each.build({"x": 1, "y": "a b", "z": 2}) == ("a%20b", "/1?z=2")
    assert each.build({"x": 1, "y": 2, "z": 3}, append_unknown=False) == ("2", "/1")


def test_text_and_queries_are_encoded_as_the_url_standard_says() -> None:
    assert quote_path("a-b_c.~") == "a-b_c.~"
    assert quote_path('"<>`{}|^\\#') == "%22%3C%3E%60%7B%7D%7C%5E%5C%23"
    assert encode_query([("a", "!$'()*,/:;?@"), ("b", "&=+#")]) == "a=!$'()*,/:;?@&b=%26%3D%2B%23"
    adapter = Map().bind("example.com", query_args="a=b")
    assert adapter.encode_query_args({"a": 1}) == "a=1"
    assert adapter.make_redirect_url("/x") == "http://example.com/x?a=b"
    assert adapter.make_redirect_url("/x", "", "sub") == "http://sub.example.com/x"
    assert adapter.get_host(None) == "example.com"
