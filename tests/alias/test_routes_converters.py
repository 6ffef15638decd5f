"""Converters in the rules of an application: those that are there, and those that applications write."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, ValidationError


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("/<x>", "/abc", "'abc'"),
        ("/<string:x>", "/abc", "'abc'"),
        ("/<string(length=2):x>", "/ab", "'ab'"),
        ("/<string(length=2):x>", "/abc", None),
        ("/<string(minlength=3, maxlength=4):x>", "/abc", "'abc'"),
        ("/<int:x>", "/12", "12"),
        ("/<int:x>", "/-12", None),
        ("/<int(signed=True):x>", "/-12", "-12"),
        ("/<int(max=5):x>", "/6", None),
        ("/<int(fixed_digits=3):x>", "/007", "7"),
        ("/<float:x>", "/1.5", "1.5"),
        ("/<float:x>", "/1", None),
        ("/<float(min=1, max=2):x>", "/2.5", None),
        ("/<path:x>", "/a/b/c", "'a/b/c'"),
        ("/<any(about, help):x>", "/help", "'help'"),
        ("/<any(about, help):x>", "/other", None),
        ("/<any('a,b', \"c d\"):x>", "/c%20d", "'c d'"),
        ("/<uuid:x>", "/12345678-1234-5678-1234-567812345678", "UUID('12345678-1234-5678-1234-567812345678')"),
        ("/<uuid:x>", "/1234", None),
        ("/a<x>b", "/aXXb", "'XX'"),
        ("/<x>.txt", "/name.txt", "'name'"),
        ("/<int:x>.txt", "/7.txt", "7"),
        ("/ü<x>", "/%C3%BC%C3%A4", "'ä'"),
        ("/<x>", "/a%2Fb", None),
        ("/<path:x>", "/a%2Fb", "'a/b'"),
        ("/<x>", "/a+b", "'a+b'"),
        ("/<x>", "/a%20b", "'a b'"),
    ],
)
def test_each_converter_takes_its_texts_and_gives_its_values(app: Any, rule: str, path: str, value: Any) -> None:
    app.add_url_rule(rule, "view", lambda x: repr(x))
    response = app.test_client().get(path)
    if value is None:
        assert response.status_code == 404
    else:
        assert response.text == value


def test_a_converter_knows_its_map_and_arguments(app: Any) -> None:
    seen: list[Any] = []

    class Own(BaseConverter):
        regex = "[a-z]+"
        weight = 10

        def __init__(self, map: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(map)
            seen.append((map, args, kwargs))

    app.url_map.converters["own"] = Own
    app.add_url_rule("/<own(1, 'two', three=3.5, four=True, five=None):x>", "x", lambda x: x)
    assert app.test_client().get("/abc").text == "abc"
    assert app.test_client().get("/123").status_code == 404
    assert seen[0] == (app.url_map, (1, "two"), {"three": 3.5, "four": True, "five": None})


def test_a_converter_that_refuses_a_value(app: Any) -> None:
    class Own(BaseConverter):
        def to_python(self, value: str) -> Any:
            if value == "no":
                raise ValidationError
            return value

    app.url_map.converters["own"] = Own
    app.add_url_rule("/<own:x>", "own", lambda x: "own " + x)
    client = app.test_client()
    assert client.get("/yes").text == "own yes"
    assert client.get("/no").status_code == 404


def test_a_converter_that_raises_an_error(app: Any, flask: Any) -> None:
    class Own(BaseConverter):
        def to_python(self, value: str) -> Any:
            if value == "gone":
                raise NotFound("gone away")
            raise KeyError(value)

    app.url_map.converters["own"] = Own
    app.add_url_rule("/<own:x>", "own", lambda x: "own " + x)
    client = app.test_client()
    assert "gone away" in client.get("/gone").text
    with pytest.raises(KeyError):
        client.get("/x")


@pytest.mark.parametrize(
    ("hours", "text"),
    [(range(6, 9), "06h-09h"), (range(24), "00h-24h"), (range(13, 14), "13h-14h")],
)
def test_a_converter_gives_objects_to_the_view_and_takes_them_for_urls(
    app: Any, flask: Any, hours: range, text: str
) -> None:
    class HoursConverter(BaseConverter):
        regex = r"\d\dh-\d\dh"

        def to_python(self, value: str) -> range:
            first, last = value.split("-")
            return range(int(first[:-1]), int(last[:-1]))

        def to_url(self, value: range) -> str:
            return f"{value.start:02}h-{value.stop:02}h"

    app.url_map.converters["hours"] = HoursConverter

    @app.get("/rainfall/<hours:during>/total")
    def rainfall(during: range) -> Any:
        return {"hours": len(during), "here": flask.url_for("rainfall", during=during)}

    answer = app.test_client().get(f"/rainfall/{text}/total").json
    assert answer == {"hours": len(hours), "here": f"/rainfall/{text}/total"}
    assert app.test_client().get("/rainfall/6-9/total").status_code == 404


def test_a_converter_may_read_what_the_session_holds_of_the_reader(app: Any, flask: Any) -> None:
    class BranchConverter(BaseConverter):
        def to_python(self, value: str) -> str:
            branch: str = flask.session.get("home", "central") if value == "mine" else value
            return f"{branch} for {flask.request.headers['X-Reader']}"

    app.url_map.converters["branch"] = BranchConverter
    app.add_url_rule("/branches/<branch:name>/shelves", "shelves", lambda name: name)
    client = app.test_client()
    headers = {"X-Reader": "Oda"}
    assert client.get("/branches/mine/shelves", headers=headers).text == "central for Oda"
    with client.session_transaction() as session:
        session["home"] = "harbour"
    assert client.get("/branches/mine/shelves", headers=headers).text == "harbour for Oda"
    assert client.get("/branches/north/shelves", headers=headers).text == "north for Oda"
