"""What an adapter answers without the long search is what the long search answers, whatever changes in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException, NotFound

from erlen.routing import BuildError, Map, MapAdapter, Missing, Rule, RuleSyntaxError, UnknownConverter


def shop() -> Map:
    return Map(
        [
            Rule("/about", endpoint="about"),
            Rule("/item/<int:id>", endpoint="item"),
            Rule("/about", endpoint="about at admin", subdomain="admin"),
            Rule("/echo", endpoint="echo", websocket=True),
        ]
    )


def test_a_path_that_no_rule_has_ends_in_the_exception_that_anyone_would_make() -> None:
    with pytest.raises(NotFound) as raised:
        shop().bind("example.com").match("/nothing/here")
    assert vars(raised.value) == vars(NotFound())
    assert raised.value.args == NotFound().args
    assert raised.value.get_response({}).status_code == 404


@pytest.mark.parametrize("warm", [False, True])
def test_an_adapter_that_is_given_another_subdomain_searches_and_builds_there(warm: bool) -> None:
    urls = shop().bind("example.com")
    if warm:
        assert urls.match("/about") == ("about", {})
        assert urls.build("about") == urls.build("about") == "/about"
    urls.subdomain = "admin"
    assert urls.subdomain == "admin"
    assert urls.match("/about") == ("about at admin", {})
    assert urls.build("about") == "http://example.com/about"


def test_an_adapter_that_is_given_another_map_searches_and_builds_there() -> None:
    urls = shop().bind("example.com")
    assert urls.build("about") == urls.build("about") == "/about"
    urls.map = Map([Rule("/about-us", endpoint="about")])
    assert urls.build("about") == urls.build("about") == "/about-us"
    assert urls.match("/about-us") == ("about", {})


def test_an_adapter_that_turns_to_websockets_no_longer_finds_what_is_none() -> None:
    urls = shop().bind("example.com")
    assert urls.match("/about") == ("about", {})
    urls.websocket = True
    assert urls.websocket
    assert urls.match("/echo") == ("echo", {})
    with pytest.raises(HTTPException):
        urls.match("/about")


def test_a_map_whose_default_subdomain_changes_is_searched_by_the_new_one() -> None:
    made = shop()
    before = made.bind("example.com")
    assert before.match("/about") == ("about", {})
    made.default_subdomain = "admin"
    made.add(Rule("/new", endpoint="new"))
    assert made.bind("example.com").match("/about") == ("about at admin", {})
    assert made.bind("example.com").match("/new") == ("new", {})
    assert before.match("/about") == ("about", {})


def test_a_rule_that_is_added_is_found_and_built_by_an_adapter_that_was_there_before() -> None:
    made = shop()
    urls = made.bind("example.com")
    assert not urls.test("/late")
    assert urls.build("item", {"id": 7}) == urls.build("item", {"id": 7}) == "/item/7"
    made.add(Rule("/late", endpoint="late"))
    made.add(Rule("/item/<int:id>/<size>", endpoint="item"))
    assert urls.match("/late") == ("late", {})
    assert urls.build("item", {"id": 7, "size": "xl"}) == urls.build("item", {"id": 7, "size": "xl"}) == "/item/7/xl"


def test_a_map_with_a_search_of_its_own_is_asked() -> None:
    class Closed(Map):
        def find(self, domain: str, path: str, method: str, websocket: bool = False) -> Any:
            return Missing()

    assert not Closed([Rule("/about", endpoint="about")]).bind("example.com").test("/about")


VALUES: list[Any] = [
    {"id": 7},
    {"id": "7"},
    {"id": True},
    {"id": -1},
    {"id": 7, "q": 1},
    {"id": None},
    {},
    None,
    {"x": 7},
]


@pytest.mark.parametrize("values", VALUES, ids=repr)
@pytest.mark.parametrize(
    "text", ["/<int:id>", "/item/<int(fixed_digits=4):id>/x", "/a/<id>", "/<path:id>", "/a/<any(b):id>"]
)
def test_a_url_is_the_same_the_second_time(text: str, values: Any) -> None:
    urls = Map([Rule(text, endpoint="item")]).bind("example.com")

    def built() -> object:
        try:
            return urls.build("item", values)
        except (BuildError, ValueError) as error:
            return type(error)

    assert built() == built() == built()


@pytest.mark.parametrize(
    "path", ["/", "//", "//item/7", "/item//7", "item/7", "about", "/item/7/", "/item/x", "/item/", "/item", ""]
)
@pytest.mark.parametrize("ask", [MapAdapter.match, MapAdapter.allowed_methods], ids=["match", "methods"])
def test_an_odd_path_ends_as_it_does_on_the_long_way(path: str, ask: Callable[..., object]) -> None:
    def answer(urls: MapAdapter) -> object:
        try:
            return ask(urls, path)
        except HTTPException as error:
            return type(error), getattr(error, "new_url", None)

    short, long = shop().bind("example.com"), shop().bind("example.com")
    long.subdomain = ""  # from then on nothing is remembered of it
    assert answer(short) == answer(long)
    assert answer(short) == answer(long)


@pytest.mark.parametrize(
    ("text", "error"), [("/<int:id", RuleSyntaxError), ("/<id>/<id>", RuleSyntaxError), ("/<itn:id>", UnknownConverter)]
)
def test_a_wrong_rule_is_refused_when_it_is_added(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Map().add(Rule(text, endpoint="item"))


def test_a_default_that_its_converter_refuses_is_refused_when_the_rule_is_added() -> None:
    with pytest.raises(ValueError, match="seven"):
        Map().add(Rule("/<int:id>", endpoint="item", defaults={"id": "seven"}))
