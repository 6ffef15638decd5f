from __future__ import annotations

import pytest
from flask import Flask
from flask_caching import Cache, make_template_fragment_key

from app import Account, area, cache, calls, create_app, everybody, found, greet, half, nothing


@pytest.fixture(params=["SimpleCache", "FileSystemCache"])
def app(request, tmp_path):
    config = {"CACHE_TYPE": request.param, "CACHE_DIR": str(tmp_path / "cache")}
    return create_app(**config)


@pytest.fixture
def context(app):
    """The context of the application, in which its functions are called."""
    with app.app_context():
        yield


def texts(client, *paths):
    return [client.get(path).text for path in paths]


def test_a_view_is_called_once_and_answers_from_the_cache(client):
    first, second = client.get("/plain"), client.get("/plain")
    assert (first.text, second.text) == ("plain 1", "plain 1")
    assert second.headers["X-Made"] == "once"
    assert second.mimetype == "text/html"


def test_every_path_is_cached_for_itself(client):
    assert texts(client, "/reports/2024", "/reports/2025", "/reports/2024") == [
        "report 2024 1",
        "report 2025 1",
        "report 2024 1",
    ]


def test_the_query_is_left_out_unless_it_is_asked_for(client):
    assert texts(client, "/plain?page=1", "/plain?page=2") == ["plain 1", "plain 1"]
    assert client.get("/search?word=a&word=b").json == {"found": ["a", "b"], "call": "search 1"}
    assert client.get("/search?word=b&word=a").json["call"] == "search 1"
    assert client.get("/search?word=c").json["call"] == "search 2"


def test_a_view_class_is_cached(client):
    assert texts(client, "/clock?a=1", "/clock?a=1", "/clock?a=2") == ["clock 1", "clock 1", "clock 2"]


def test_a_request_may_go_past_the_cache_or_renew_it(client):
    assert texts(client, "/fresh", "/fresh?now", "/fresh", "/fresh?anew", "/fresh") == [
        "fresh 1",
        "fresh 2",
        "fresh 1",
        "fresh 3",
        "fresh 3",
    ]


def test_a_filter_keeps_errors_out_of_the_cache(client):
    assert [client.get("/well").status_code for _ in range(3)] == [503, 200, 200]
    assert client.get("/well").text == "well 2"


def test_a_view_may_make_its_key(client):
    answers = [client.get("/own", headers={"X-Language": language}).text for language in ("en", "de", "en")]
    assert answers == ["own 1", "own 2", "own 1"]


def test_a_key_may_come_from_what_the_request_has_in_g(client):
    answers = [client.get("/mine", headers={"X-Name": name}).text for name in ("ada", "grace", "ada")]
    assert answers == ["page of ada 1", "page of grace 1", "page of ada 1"]


def test_an_answer_tells_that_it_comes_from_the_cache(client):
    assert "hit_cache" not in client.get("/told").headers
    assert client.get("/told").headers["hit_cache"] == "True"
    assert "hit_cache" not in client.get("/plain").headers


def test_an_answer_may_say_how_long_it_is_kept(client):
    assert texts(client, "/long", "/long") == ["long 1", "long 1"]


def test_a_stream_is_read_and_kept(client):
    assert texts(client, "/stream", "/stream") == ["abstream 1", "abstream 1"]


def test_an_asynchronous_view_is_cached(client):
    assert texts(client, "/later/ada", "/later/ada", "/later/grace") == ["later ada 1", "later ada 1", "later grace 1"]


def test_a_kept_answer_can_be_deleted(client):
    assert texts(client, "/plain", "/plain", "/forget", "/plain") == ["plain 1", "plain 1", "forgotten", "plain 2"]


def test_a_part_of_a_template_is_kept_by_its_name_and_what_it_depends_on(client):
    first, second, other = texts(client, "/board/a", "/board/a", "/board/b")
    assert first == second == "<h1>a</h1>\n<p>number 1</p>\n<i>number 2</i>"
    assert other == "<h1>b</h1>\n<p>number 3</p>\n<i>number 2</i>"


def test_a_part_of_a_template_can_be_deleted(client, app):
    client.get("/board/a")
    with app.app_context():
        assert cache.delete(make_template_fragment_key("scores", vary_on=["a"]))
    assert "<p>number 3</p>" in client.get("/board/a").text


def test_a_function_is_memoized_by_its_arguments(context):
    assert [area(2, 3), area(2, height=3), area(width=2, height=3), area(5), area(5, 1)] == [6, 6, 6, 5, 5]
    assert calls["area"] == 2


def test_a_memoized_function_is_forgotten_whole_or_for_some_arguments(context):
    area(2, 3), area(5)
    cache.delete_memoized(area, 2, 3)
    area(2, 3), area(5)
    assert calls["area"] == 3
    cache.delete_memoized(area)
    area(2, 3), area(5)
    assert calls["area"] == 5


def test_a_memoized_function_can_be_called_as_it_is(context):
    area(2, 3)
    assert area.uncached(2, 3) == 6
    assert calls["area"] == 2
    assert area.cache_timeout == 60


def test_a_memoized_function_may_have_a_name_of_its_own(context):
    assert (half(4), half(4)) == (2, 2)
    assert calls["half"] == 1
    cache.delete_memoized(half)
    half(4)
    assert calls["half"] == 2


def test_what_does_not_matter_is_left_out_and_what_is_nothing_is_kept_if_asked(context):
    assert [greet("ada"), greet("ada", log=1), greet("ada", log=2)] == ["hello ada"] * 3
    assert calls["greet"] == 1
    calls["closed"] = 1
    greet("ada")
    assert calls["greet"] == 2
    assert (nothing("a"), nothing("a"), calls["nothing"]) == (None, None, 1)
    assert (found(""), found(""), found("a"), found("a"), calls["found"]) == (None, None, "a", "a", 3)


def test_methods_are_memoized_for_each_object_and_forgotten_for_each(context):
    ada, grace = Account("ada"), Account("grace")
    for account in (ada, ada, grace):
        account.balance()
    assert (calls["balance of ada"], calls["balance of grace"]) == (1, 1)
    cache.delete_memoized(ada.balance)
    ada.balance(), grace.balance()
    assert (calls["balance of ada"], calls["balance of grace"]) == (2, 1)
    Account.rate("USD"), Account.rate("USD")
    assert calls["rate"] == 1


def test_a_function_that_is_no_view_is_cached_under_its_key(context):
    assert everybody() == everybody() == ["ada", "grace"]
    assert calls["everybody"] == 1
    assert cache.get("everybody") == ["ada", "grace"]


def test_the_cache_itself_keeps_what_it_is_given(context):
    assert cache.set("a", 1, timeout=60)
    assert cache.set_many({"b": 2, "c": 3})
    assert (cache.get("a"), cache.get_many("b", "c"), cache.get_dict("a", "b")) == (1, [2, 3], {"a": 1, "b": 2})
    assert not cache.add("a", 2)
    assert cache.has("a")
    cache.delete_many("a", "b")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (None, None, 3)
    assert cache.clear()
    assert cache.get("c") is None


def test_without_a_cache_every_request_reaches_the_view(interface):
    app = create_app(CACHE_NO_NULL_WARNING=True, CACHE_TYPE="NullCache")
    client = app.test_client(**({} if interface == "wsgi" else {"interface": interface}))
    assert texts(client, "/plain", "/plain") == ["plain 1", "plain 2"]


def test_two_applications_have_two_caches():
    shared = Cache(config={"CACHE_TYPE": "SimpleCache"})
    first, second = Flask("first"), Flask("second")
    for app in (first, second):
        shared.init_app(app)
    with first.app_context():
        shared.set("name", "first")
    with second.app_context():
        assert shared.get("name") is None
    with first.app_context():
        assert shared.get("name") == "first"
    assert shared in first.extensions["cache"]


def test_a_cache_that_starts_with_the_application_serves_it_alone():
    app = Flask("alone")
    cache = Cache(app, config={"CACHE_TYPE": "flask_caching.backends.SimpleCache", "CACHE_THRESHOLD": 2})
    for number in range(9):
        cache.set(str(number), number)
    assert cache.get("8") == 8
    assert len(cache.get_dict(*map(str, range(9)))) == 9
    assert sum(cache.has(str(number)) for number in range(9)) < 9
