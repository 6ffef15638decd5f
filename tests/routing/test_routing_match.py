"""What a path means."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import werkzeug.routing
from werkzeug.exceptions import BadHost, HTTPException, MethodNotAllowed, NotFound
from werkzeug.test import EnvironBuilder, create_environ

from erlen.routing import (
    DEFAULT_CONVERTERS,
    AliasRedirect,
    BaseConverter,
    DefaultsRedirect,
    EndpointPrefix,
    IntegerConverter,
    Map,
    MapAdapter,
    Missing,
    RedirectTo,
    RequestRedirect,
    Rule,
    RuleFactory,
    RuleTemplate,
    SlashRedirect,
    Subdomain,
    Submount,
    UnicodeConverter,
    ValidationError,
    WebsocketMismatch,
    WrongMethod,
    WrongProtocol,
)


def rule(path: str, endpoint: Any = "it", **options: Any) -> Rule:
    return Rule(path, endpoint=endpoint, **options)


def find(made: Map, path: str, method: str = "GET", **options: Any) -> Any:
    """The endpoint and the values, or the text of the miss."""
    found = made.find(options.pop("domain", ""), path, method, **options)
    return (found[0].endpoint, found[1]) if isinstance(found, tuple) else repr(found)


def redirect(adapter: MapAdapter, *args: Any, **options: Any) -> str:
    with pytest.raises(RequestRedirect) as caught:
        adapter.match(*args, **options)
    return caught.value.new_url


@pytest.mark.parametrize(
    ("pattern", "path", "values"),
    [
        ("/a", "/a", {}),
        ("/ü", "/ü", {}),
        ("/<x>", "/a b", {"x": "a b"}),
        ("/<x>", "/a/b", None),
        ("/<string(length=2):x>", "/ab", {"x": "ab"}),
        ("/<string(length=2):x>", "/abc", None),
        ("/<string(minlength=2, maxlength=3):x>", "/abc", {"x": "abc"}),
        ("/<string(minlength=2, maxlength=3):x>", "/a", None),
        ("/<int:x>", "/042", {"x": 42}),
        ("/<int:x>", "/-1", None),
        ("/<int:x>", "/²", None),
        ("/<int:x>", "/" + "9" * 5000, None),
        ("/a<int:x>", "/a" + "9" * 5000, None),
        ("/<int(signed=True):x>", "/-1", {"x": -1}),
        ("/<int(min=-5, signed=True):x>", "/-6", None),
        ("/<int(fixed_digits=3):x>", "/042", {"x": 42}),
        ("/<int(fixed_digits=3):x>", "/42", None),
        ("/<int(min=1, max=3):x>", "/4", None),
        ("/<int(min=1):x>", "/" + "9" * 5000, None),
        ("/<float:x>", "/1.5", {"x": 1.5}),
        ("/<float:x>", "/1", None),
        ("/<float(signed=True, max=0.5):x>", "/-1.5", {"x": -1.5}),
        ("/<any(a, 'b,c', 3):x>", "/b,c", {"x": "b,c"}),
        ("/<any(a, 'b,c', 3):x>", "/3", {"x": "3"}),
        ("/<any(a, 'b,c', 3):x>", "/b", None),
        ("/<uuid:x>", f"/{uuid.UUID(int=7)}", {"x": uuid.UUID(int=7)}),
        ("/<path:x>", "/a/b/", {"x": "a/b/"}),
        ("/<path:x>/edit", "/a/b/edit", {"x": "a/b"}),
        ("/<path:x>/", "/a/b/", {"x": "a/b"}),
        ("/<x>-<int:y>.<z>", "/a-b-3.html", {"x": "a-b", "y": 3, "z": "html"}),
        ("/<int:y>/<x>/end", "/3/a/end", {"y": 3, "x": "a"}),
    ],
)
def test_a_path_gives_its_values(pattern: str, path: str, values: dict[str, Any] | None) -> None:
    assert find(Map([rule(pattern)]), path) == ("Missing()" if values is None else ("it", values))


@pytest.mark.parametrize(
    ("paths", "path", "best"),
    [
        (["/<x>", "/a"], "/a", "/a"),
        (["/<x>", "/<int:x>"], "/3", "/<int:x>"),
        (["/<path:x>", "/<x>"], "/3", "/<x>"),
        (["/<x>/b", "/a/<x>"], "/a/b", "/a/<x>"),
        (["/<x>/b", "/a/c"], "/a/b", "/<x>/b"),
        (["/<x>", "/<x>.html", "/<x>.tar.gz"], "/a.tar.gz", "/<x>.tar.gz"),
        (["/<path:x>", "/<path:x>/edit"], "/a/edit", "/<path:x>/edit"),
    ],
)
def test_the_rule_with_more_fixed_text_or_the_lighter_converter_wins(paths: list[str], path: str, best: str) -> None:
    assert find(Map([rule(pattern, pattern) for pattern in paths]), path)[0] == best


def test_methods_decide_between_rules_and_head_comes_with_get() -> None:
    made = Map(
        [
            rule("/a", "read", methods=["get"]),
            rule("/a", "write", methods=["POST", "PUT"]),
            rule("/<x>", "any", methods=["PATCH"]),
        ]
    )
    assert find(made, "/a", "HEAD") == ("read", {})
    assert find(made, "/a", "PUT") == ("write", {})
    assert find(made, "/a", "PATCH") == ("any", {"x": "a"})
    assert find(made, "/a", "DELETE") == "WrongMethod(('GET', 'HEAD', 'PATCH', 'POST', 'PUT'))"
    adapter = made.bind("example.com")
    assert sorted(adapter.allowed_methods("/b")) == ["PATCH"]
    assert adapter.allowed_methods("/b/c") == []
    with pytest.raises(MethodNotAllowed) as caught:
        adapter.match("/a", "delete")
    assert sorted(caught.value.valid_methods or ()) == ["GET", "HEAD", "PATCH", "POST", "PUT"]


def test_a_rule_sees_methods_that_are_added_later() -> None:
    made = Map([added := rule("/a", methods=["GET"])])
    assert isinstance(made.find("", "/a", "POST"), WrongMethod)
    assert added.methods is not None
    added.methods.add("POST")
    assert find(made, "/a", "POST") == ("it", {})


def test_a_missing_last_slash_redirects_and_keeps_the_query() -> None:
    adapter = Map([rule("/a/"), rule("/ü/<x>/", "u")]).bind("example.com", "/below", url_scheme="https")
    assert redirect(adapter, "/a", query_args="x=1&y") == "https://example.com/below/a/?x=1&y"
    assert redirect(adapter, "/ü/b c", query_args={"q": "ä"}) == "https://example.com/below/%C3%BC/b%20c/?q=%C3%A4"
    assert adapter.test("/a")
    assert not adapter.test("/b")
    assert adapter.test("/a/")


def test_a_rule_that_is_not_strict_takes_the_path_with_and_without_its_slash() -> None:
    made = Map(
        [rule("/a", "leaf"), rule("/b/", "branch"), rule("/c/<x>", "var"), rule("/d", "get", methods=["GET"])],
        strict_slashes=False,
    )
    assert find(made, "/a/") == ("leaf", {})
    assert find(made, "/b") == ("branch", {})
    assert find(made, "/c/1/") == ("var", {"x": "1"})
    assert find(made, "/d/", "POST") == "WrongMethod(('GET', 'HEAD'))"
    assert find(Map([rule("/a")]), "/a/") == "Missing()"


def test_slashes_in_a_row_redirect_to_one_unless_the_rule_keeps_them() -> None:
    made = Map(
        [rule("/a/b"), rule("/c//d", "kept", merge_slashes=False), rule("/e/<path:x>", "path"), rule("/f/", "branch")]
    )
    assert repr(made.find("", "/a//b", "GET")) == "SlashRedirect('/a/b')"
    assert repr(made.find("", "//f", "GET")) == "SlashRedirect('/f/')"
    assert find(made, "/c//d") == ("kept", {})
    assert find(made, "/c///d") == "Missing()"
    assert find(made, "/e/x//y") == ("path", {"x": "x//y"})
    assert find(made, "//a/b") == ("it", {})
    assert find(Map([rule("/a//b")]), "/a/b") == ("it", {})
    assert find(Map([rule("/a/b", merge_slashes=False), rule("/c", methods=["PUT"])]), "/a//b") == "Missing()"
    made.merge_slashes = False
    assert find(made, "/a//b") == "Missing()"


def test_a_path_without_its_first_slash_is_that_of_no_rule() -> None:
    made = Map([rule("/a"), rule("/<path:x>", "path")])
    assert find(made, "*") == "Missing()"
    assert redirect(Map([rule("/")]).bind("example.com"), "") == "http://example.com/"


def test_defaults_are_values_and_redirect_to_the_rule_that_has_them() -> None:
    made = Map([rule("/all/", defaults={"page": 1}), rule("/all/<int:page>"), rule("/none/<int:page>", "other")])
    assert find(made, "/all/") == ("it", {"page": 1})
    assert find(made, "/all/2") == ("it", {"page": 2})
    missed = made.find("", "/all/1", "GET")
    assert isinstance(missed, DefaultsRedirect)
    assert (missed.rule.rule, missed.values) == ("/all/", {"page": 1})
    assert repr(missed) == "DefaultsRedirect(<Rule '/all/' -> it>, {'page': 1})"
    adapter = made.bind("example.com")
    assert redirect(adapter, "/all/1", query_args={"a": "b"}) == "http://example.com/all/?a=b"
    values = {"page": 1}
    assert adapter.get_default_redirect(list(made.iter_rules())[1], "GET", values, "") == "http://example.com/all/"
    assert adapter.get_default_redirect(list(made.iter_rules())[1], "GET", {"page": 3}, "") is None
    made.redirect_defaults = False
    assert find(made, "/all/1") == ("it", {"page": 1})


def test_each_search_gives_a_dict_of_its_own() -> None:
    made = Map([rule("/a", defaults={"x": 1})])
    found = [made.find("", "/a", "GET"), made.find("", "/a", "GET")]
    assert isinstance(found[0], tuple)
    assert isinstance(found[1], tuple)
    found[0][1]["x"] = 2
    assert found[1][1] == {"x": 1}


def test_an_alias_redirects_to_the_rule_it_stands_for() -> None:
    made = Map(
        [
            rule("/entrance", alias=True),
            rule("/door"),
            rule("/u/<int:id>.html", "u", alias=True),
            rule("/u/<int:id>", "u"),
        ]
    )
    assert isinstance(made.find("", "/entrance", "GET"), AliasRedirect)
    adapter = made.bind("example.com")
    assert redirect(adapter, "/entrance") == "http://example.com/door"
    assert redirect(adapter, "/u/3.html", query_args={"q": 1}) == "http://example.com/u/3?q=1"
    assert adapter.build("u", {"id": 3}) == "/u/3"


def test_an_alias_that_leads_to_itself_is_refused() -> None:
    adapter = Map([rule("/a", alias=True)]).bind("example.com")
    with pytest.raises(AssertionError, match="detected invalid alias setting"):
        adapter.make_alias_redirect_url("http://example.com/a", "it", {}, "GET", {})


def test_redirect_to_is_filled_or_called() -> None:
    made = Map(
        [
            rule("/old/<int:id>", redirect_to="new/<id>"),
            rule("/gone/<x>", redirect_to=lambda adapter, x: f"/{adapter.server_name}/{x}"),
            rule("/away", redirect_to="https://elsewhere.org/"),
        ]
    )
    assert isinstance(made.find("", "/old/3", "GET"), RedirectTo)
    adapter = made.bind("example.com", "/below", subdomain="", url_scheme="https")
    assert redirect(adapter, "/old/3") == "https://example.com/below/new/3"
    assert redirect(adapter, "/gone/a") == "https://example.com/example.com/a"
    assert redirect(adapter, "/away") == "https://elsewhere.org/"
    under = Map([rule("/old", subdomain="s", redirect_to="new")]).bind("example.com", subdomain="s")
    assert redirect(under, "/old") == "http://s.example.com/new"


def test_a_websocket_matches_rules_for_websockets_alone() -> None:
    made = Map([rule("/ws", "socket", websocket=True), rule("/page", "page")])
    assert find(made, "/ws", websocket=True) == ("socket", {})
    assert find(made, "/ws") == "WrongProtocol(False)"
    assert isinstance(made.find("", "/page", "GET", True), WrongProtocol)
    with pytest.raises(WebsocketMismatch):
        made.bind("example.com").match("/ws")
    assert made.bind("example.com", url_scheme="wss").match("/ws") == ("socket", {})
    assert made.bind("example.com").match("/ws", websocket=True) == ("socket", {})


def test_a_rule_for_building_alone_never_matches() -> None:
    made = Map([rule("/a", build_only=True)])
    assert find(made, "/a") == "Missing()"
    assert made.bind("example.com").build("it") == "/a"


def test_subdomains_are_fixed_or_have_variables() -> None:
    made = Map(
        [
            rule("/", "root"),
            rule("/", "www", subdomain="www"),
            rule("/<x>", "user", subdomain="<user>"),
            rule("/b", "num", subdomain="<int:n>"),
        ]
    )
    assert find(made, "/") == ("root", {})
    assert find(made, "/", domain="www") == ("www", {})
    assert find(made, "/a", domain="www") == ("user", {"user": "www", "x": "a"})
    assert find(made, "/b", domain="3") == ("num", {"n": 3})
    assert find(made, "/c", domain="3") == ("user", {"user": "3", "x": "c"})
    assert find(made, "/c/d", domain="x") == "Missing()"
    default = Map([rule("/")], default_subdomain="www")
    assert default.bind("example.com").match("/") == ("it", {})
    assert default.bind("example.com").build("it", force_external=True) == "http://www.example.com/"


def test_hosts_are_matched_where_that_is_asked_for() -> None:
    made = Map(
        [rule("/", "one", host="one.org"), rule("/", "any", host="<name>.org"), rule("/", "none")], host_matching=True
    )
    assert made.bind("ONE.org").match("/") == ("one", {})
    assert made.bind("two.org").match("/") == ("any", {"name": "two"})
    with pytest.raises(NotFound):
        made.bind("two.com").match("/")
    with pytest.raises(RuntimeError, match="matches hosts, and the subdomain"):
        made.bind("one.org", subdomain="a")
    assert made.bind("one.org").get_host(None) == "one.org"
    assert made.bind("one.org").get_host("two.org") == "two.org"


@pytest.mark.parametrize(
    ("host", "options", "expected"),
    [
        ("example.com", {}, ("root", {})),
        ("example.com:8080", {"server_name": "example.com:8080"}, ("root", {})),
        ("www.Example.com", {"server_name": "example.com"}, ("www", {})),
        ("www.example.com", {"server_name": "example.com:80"}, ("www", {})),
        ("example.com", {"subdomain": "www"}, ("www", {})),
    ],
)
def test_an_environment_tells_the_subdomain(host: str, options: dict[str, Any], expected: object) -> None:
    made = Map([rule("/a", "root"), rule("/a", "www", subdomain="www")])
    assert made.bind_to_environ(create_environ("/a", f"http://{host}"), **options).match() == expected


def test_an_environment_with_another_host_matches_nothing_and_warns() -> None:
    made = Map([rule("/a"), rule("/a", "any", subdomain="<x>")])
    with pytest.warns(
        UserWarning, match="Current server name 'other.org' doesn't match configured server name 'example.com'"
    ):
        adapter = made.bind_to_environ(create_environ("/a", "http://other.org"), server_name="example.com")
    assert adapter.subdomain == "<invalid>"


def test_an_environment_gives_path_method_query_and_protocol() -> None:
    made = Map([rule("/ä/", "page", methods=["POST"]), rule("/ws", "socket", websocket=True)])
    builder = EnvironBuilder("/ä", "https://example.com:443/röt", query_string={"q": "ü"}, method="POST")
    adapter = made.bind_to_environ(builder.get_request(), server_name="example.com:443")
    assert (adapter.path_info, adapter.default_method, adapter.script_name) == ("/ä", "POST", "/röt/")
    assert redirect(adapter).startswith("https://example.com/r")
    headers = {"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket"}
    for scheme, expected in (("http", "ws"), ("https", "wss")):
        environ = create_environ("/ws", f"{scheme}://example.com", headers=headers)
        assert made.bind_to_environ(environ).url_scheme == expected
        assert made.bind_to_environ(environ).match() == ("socket", {})
    environ = create_environ("/ws", "http://example.com", headers={"Upgrade": "websocket"})
    assert made.bind_to_environ(environ).url_scheme == "http"
    assert Map([rule("/", host="a.org")], host_matching=True).bind_to_environ(
        create_environ("/", "http://a.org")
    ).match() == ("it", {})


def test_a_host_name_is_written_as_dns_wants_it() -> None:
    made = Map([rule("/")])
    assert made.bind("Bücher.example:80").server_name == "xn--bcher-kva.example:80"
    for host in ("a..b", "x" * 64, "ü" * 70):
        with pytest.raises(BadHost):
            made.bind(host)


def test_dispatch_calls_the_view_or_returns_the_redirect() -> None:
    adapter = Map([rule("/a/<int:x>/")]).bind("example.com")
    assert adapter.dispatch(lambda endpoint, values: (endpoint, values), "/a/3/") == ("it", {"x": 3})
    assert isinstance(adapter.dispatch(lambda endpoint, values: None, "/a/3"), RequestRedirect)
    with pytest.raises(NotFound):
        adapter.dispatch(lambda endpoint, values: None, "/b")
    assert isinstance(adapter.dispatch(lambda endpoint, values: None, "/b", catch_http_exceptions=True), HTTPException)


def test_match_returns_the_rule_if_asked() -> None:
    found, values = Map([rule("/a")]).bind("example.com", path_info="/a").match(return_rule=True)
    assert (found.rule, values) == ("/a", {})


def test_converters_of_ones_own_are_used() -> None:
    class Words(BaseConverter):
        def to_python(self, value: str) -> list[str]:
            return value.split("+")

        def to_url(self, value: list[str]) -> str:
            return "+".join(BaseConverter.to_url(self, word) for word in value)

    class Even(werkzeug.routing.IntegerConverter):
        def to_python(self, value: str) -> int:
            number: int = super().to_python(value)
            if number % 2:
                raise ValidationError
            return number

    class Pair(werkzeug.routing.BaseConverter):
        regex = r"(\w+)/(\w+)"

    class Broken(BaseConverter):
        def to_python(self, value: str) -> int:
            raise ValueError("broken")

    made = Map(
        [rule("/w/<words:x>"), rule("/e/<even:x>", "even"), rule("/p/<pair:x>", "pair"), rule("/b/<broken:x>", "b")],
        converters={"words": Words, "even": Even, "pair": Pair, "broken": Broken},
    )
    assert find(made, "/w/a+b") == ("it", {"x": ["a", "b"]})
    assert find(made, "/e/3") == "Missing()"
    assert find(made, "/e/4") == ("even", {"x": 4})
    assert find(made, "/p/a/b") == ("pair", {"x": "a/b"})
    adapter = made.bind("example.com")
    assert adapter.build("it", {"x": ["ä", "b"]}) == "/w/%C3%A4+b"
    assert adapter.build("even", {"x": 4}) == "/e/4"
    with pytest.raises(ValueError, match="broken"):
        made.find("", "/b/1", "GET")


def test_our_converters_are_those_of_werkzeug_too() -> None:
    for name, converter in werkzeug.routing.converters.DEFAULT_CONVERTERS.items():
        assert issubclass(DEFAULT_CONVERTERS[name], converter)
    assert issubclass(IntegerConverter, BaseConverter)
    assert Map.default_converters["string"] is UnicodeConverter
    assert BaseConverter(Map()).to_python("a") == "a"


def test_a_map_may_have_converters_of_its_own() -> None:
    class Cents(IntegerConverter):
        def to_python(self, value: str) -> int:
            return int(value) * 100

    class Shop(Map):
        default_converters = {**Map.default_converters, "euros": Cents}  # noqa: RUF012

    assert find(Shop([rule("/up-to/<euros:price>")]), "/up-to/7") == ("it", {"price": 700})
    assert "euros" not in Map().converters


def test_factories_give_many_rules_something_in_common() -> None:
    made = Map(
        [
            Subdomain(
                "<lang>",
                [
                    rule("/"),
                    Submount("/blog/", [EndpointPrefix("blog.", [rule("/<int:id>", "entry", websocket=True)])]),
                ],
            ),
            RuleTemplate(
                [
                    rule("/$name/<int:id>", "$name.show", defaults={"of": "$name", "n": 1}, subdomain="$name"),
                    rule("/$name", 7),
                ]
            )(name="user"),
        ]
    )
    assert [(each.rule, each.endpoint, each.subdomain, each.websocket) for each in made.iter_rules()] == [
        ("/", "it", "<lang>", False),
        ("/blog/<int:id>", "blog.entry", "<lang>", True),
        ("/user/<int:id>", "user.show", "user", False),
        ("/user", 7, "", False),
    ]
    assert find(made, "/user/3", domain="user") == ("user.show", {"id": 3, "of": "user", "n": 1})


def test_a_factory_has_to_say_its_rules() -> None:
    with pytest.raises(
        NotImplementedError, match=r"RuleFactory is a rule factory and has to define get_rules\(self, map\)."
    ):
        Map([RuleFactory()])


def test_a_rule_of_werkzeug_keeps_what_it_was_given() -> None:
    theirs = werkzeug.routing.Rule("/a//<x>", endpoint="it", methods=["POST"], merge_slashes=False, websocket=False)
    theirs.provide_automatic_options = False  # type: ignore[attr-defined]
    theirs._private = 1  # type: ignore[attr-defined]
    (ours,) = Map([theirs]).iter_rules()
    assert isinstance(ours, Rule)
    assert ours is theirs
    assert (ours.methods, ours.merge_slashes) == ({"POST"}, False)
    assert ours.provide_automatic_options is False  # type: ignore[attr-defined]
    assert ours._private == 1  # type: ignore[attr-defined]


def test_rules_that_are_added_or_changed_later_are_found() -> None:
    made = Map([changing := rule("/a")])
    assert find(made, "/a") == ("it", {})
    made.add(rule("/b/<int:x>", "later"))
    assert find(made, "/b/1") == ("later", {"x": 1})
    changing.rule = "/c/<y>"
    changing.refresh()
    assert find(made, "/a") == "Missing()"
    assert find(made, "/c/1") == ("it", {"y": "1"})
    assert changing.arguments == {"y"}


def test_the_map_tells_about_its_rules() -> None:
    made = Map([rule("/a/<x>", methods=["POST", "GET"]), rule("/b", "other", defaults={"y": 1})])
    assert repr(made) == "Map([<Rule '/a/<x>' (GET, HEAD, POST) -> it>, <Rule '/b' -> other>])"
    assert [str(each) for each in made.iter_rules("other")] == ["/b"]
    assert made.is_endpoint_expecting("it", "x")
    assert not made.is_endpoint_expecting("it", "x", "y")
    assert made.is_endpoint_expecting("other", "y")
    with pytest.raises(KeyError):
        made.iter_rules("none")
    assert [each.rule for each in made._rules] == ["/a/<x>", "/b"]


def test_the_kinds_of_misses_can_be_told_apart_and_printed() -> None:
    assert repr(Missing()) == "Missing()"
    assert repr(SlashRedirect("/a/")) == "SlashRedirect('/a/')"
    assert repr(RedirectTo(rule("/a"), {})) == "RedirectTo(<Rule (unbound)>, {})"
