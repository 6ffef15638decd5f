"""``flask.json``: writing and reading, ``jsonify``, the provider of the application, requests and responses."""

from __future__ import annotations

import dataclasses
import io
import json as standard
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import pytest
from markupsafe import Markup
from werkzeug.exceptions import BadRequest, UnsupportedMediaType


@dataclasses.dataclass
class Reading:
    """What a weather station has measured."""

    station: UUID
    degrees: Decimal
    gusts: list[Reading] = dataclasses.field(default_factory=list)


class Arrow:
    """Where the wind comes from, as a page shows it."""

    def __html__(self) -> str:
        return "<b>↗</b>"


STATION = UUID("0b5c8d8e-6f5f-4c0a-9d8b-3f1f0f6b2a11")

#: Python's values and what they are in JSON.
FORMS: list[tuple[Any, Any]] = [
    (STATION, str(STATION)),
    (Decimal("-12.50"), "-12.50"),
    (Markup("<i>calm</i>"), "<i>calm</i>"),
    (Arrow(), "<b>↗</b>"),
    (("north", ["east", ("south",)]), ["north", ["east", ["south"]]]),
    (date(2024, 2, 29), "Thu, 29 Feb 2024 00:00:00 GMT"),
    (datetime(2024, 2, 29, 6, 30, 15), "Thu, 29 Feb 2024 06:30:15 GMT"),
    (
        Reading(STATION, Decimal(3), [Reading(STATION, Decimal("0.1"))]),
        {
            "station": str(STATION),
            "degrees": "3",
            "gusts": [{"station": str(STATION), "degrees": "0.1", "gusts": []}],
        },
    ),
    ({7: STATION, 10: None}, {"7": str(STATION), "10": None}),
]


@pytest.fixture(params=[True, False], ids=["within", "without"])
def where(request: pytest.FixtureRequest, app: Any) -> Iterator[bool]:
    """Whether an application is current."""
    with app.app_context() if request.param else nullcontext():
        yield request.param


# Writing and reading.


@pytest.mark.usefixtures("where")
@pytest.mark.parametrize(("value", "form"), FORMS)
def test_each_type_has_its_form(flask: Any, value: Any, form: Any) -> None:
    assert flask.json.loads(flask.json.dumps(value)) == form
    assert flask.json.loads(flask.json.dumps({"deep": [value]})) == {"deep": [form]}


@pytest.mark.parametrize("hours", [-11, -3.5, 0, 5.75, 14])
def test_a_moment_is_the_same_moment_when_it_comes_back(flask: Any, hours: float) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 58, tzinfo=timezone(timedelta(hours=hours)))
    text = flask.json.loads(flask.json.dumps(moment))
    assert text.endswith(" GMT")
    assert parsedate_to_datetime(text) == moment


@pytest.mark.usefixtures("where")
@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1j, time(1), timedelta(1)])
def test_what_has_no_form_is_refused_with_its_type(flask: Any, value: Any) -> None:
    for refused in (value, {"a": [value]}):
        with pytest.raises(TypeError, match=f"Object of type {type(value).__name__} is not JSON serializable"):
            flask.json.dumps(refused)


@pytest.mark.usefixtures("where")
@pytest.mark.parametrize(
    "value", [None, 1, -1.5, "text", True, [], {}, [1, {"a": None}], "\u2028", float("inf"), 10**30]
)
def test_text_is_the_same_as_that_of_the_standard_library(flask: Any, value: Any) -> None:
    assert flask.json.dumps(value) == standard.dumps(value)
    assert flask.json.loads(standard.dumps(value)) == value
    assert flask.json.loads(standard.dumps(value).encode()) == value


@pytest.mark.usefixtures("where")
def test_files_are_written_and_read(flask: Any) -> None:
    file = io.StringIO()
    flask.json.dump([STATION, "Föhn"], file, indent=2)
    text = file.getvalue()
    assert text.count("\n") == 3
    for source in (io.StringIO(text), io.BytesIO(text.encode())):
        assert flask.json.load(source) == [str(STATION), "Föhn"]


def test_only_an_application_sorts_keys(flask: Any, where: bool) -> None:
    winds = {"west": 3, "east": 1, "north": 2}
    assert list(flask.json.loads(flask.json.dumps(winds))) == (sorted(winds) if where else list(winds))
    assert list(flask.json.loads(flask.json.dumps(winds, sort_keys=True))) == sorted(winds)
    assert list(flask.json.loads(flask.json.dumps(winds, sort_keys=False))) == list(winds)


@pytest.mark.usefixtures("where")
def test_arguments_are_those_of_the_standard_library(flask: Any) -> None:
    class Loud(standard.JSONEncoder):
        def encode(self, o: Any) -> str:
            return f"{super().encode(o)}!"

    assert flask.json.dumps(["calm"], cls=Loud) == '["calm"]!'
    assert flask.json.dumps([1, 2], separators=("|", ":")) == "[1|2]"
    assert flask.json.dumps(2j, default=lambda value: value.imag) == "2.0"
    assert flask.json.loads("[0.10]", parse_float=Decimal) == [Decimal("0.10")]
    assert flask.json.loads('{"a": 1, "a": 2}', object_pairs_hook=list) == [("a", 1), ("a", 2)]


# jsonify.


@pytest.mark.parametrize(
    ("arguments", "keywords", "form"),
    [
        ((), {}, None),
        ((7,), {}, 7),
        (("calm",), {}, "calm"),
        ((["calm"],), {}, ["calm"]),
        (({"wind": "calm"},), {}, {"wind": "calm"}),
        ((7, "calm", None), {}, [7, "calm", None]),
        ((), {"wind": "calm", "gusts": ()}, {"wind": "calm", "gusts": []}),
    ],
)
def test_jsonify_takes_one_value_or_many_or_keywords(
    app: Any, flask: Any, arguments: Any, keywords: Any, form: Any
) -> None:
    with app.app_context():
        for make in (flask.jsonify, app.json.response):
            response = make(*arguments, **keywords)
            assert isinstance(response, app.response_class)
            assert (response.status_code, response.content_type) == (200, "application/json")
            assert response.get_json() == form


def test_jsonify_does_not_take_both_and_needs_an_application(app: Any, flask: Any) -> None:
    with app.app_context(), pytest.raises(TypeError):
        flask.jsonify(["calm"], wind="calm")
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        flask.jsonify("calm")


@pytest.fixture
def station(app: Any, flask: Any) -> Any:
    """A weather station that answers with what it has measured, by every way there is."""
    app.add_url_rule("/dict", "dict", lambda: {"wind": "Föhn", "gusts": (STATION,)})
    app.add_url_rule("/tuple", "tuple", lambda: ({"wind": "Föhn", "gusts": (STATION,)}, 203, {"X-Station": "7"}))
    app.add_url_rule("/jsonify", "jsonify", lambda: flask.jsonify(wind="Föhn", gusts=[STATION]))
    app.add_url_rule("/list", "list", lambda: ["Föhn", STATION])
    app.add_url_rule("/echo", "echo", lambda: [flask.request.get_json()], methods=["POST"])
    return app


@pytest.mark.parametrize("path", ["/dict", "/tuple", "/jsonify", "/list"])
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("compact", [None, False, True])
def test_the_layout_is_for_people_in_debug_mode_or_where_compact_is_false(
    station: Any, path: str, debug: bool, compact: bool | None
) -> None:
    station.debug, station.json.compact = debug, compact
    response = station.test_client().get(path)
    people = debug if compact is None else not compact
    options: Any = {"indent": 2} if people else {"separators": (",", ":")}
    assert response.text == standard.dumps(response.json, sort_keys=True, **options) + "\n"


def test_a_status_and_headers_may_stand_beside_a_dict(station: Any) -> None:
    response = station.test_client().get("/tuple")
    assert (response.status_code, response.headers["X-Station"]) == (203, "7")
    assert response.json == {"wind": "Föhn", "gusts": [str(STATION)]}


@pytest.mark.parametrize("by", ["instance", "class"])
def test_the_settings_of_a_provider_stand_on_it_or_on_its_class(station: Any, flask: Any, by: str) -> None:
    settings = {"mimetype": "application/vnd.weather+json", "ensure_ascii": False, "sort_keys": False}
    if by == "class":
        station.json = type("Weather", (flask.json.provider.DefaultJSONProvider,), settings)(station)
    else:
        for name, value in settings.items():
            setattr(station.json, name, value)
    for path in ("/dict", "/jsonify"):
        response = station.test_client().get(path)
        assert response.is_json
        assert response.mimetype == "application/vnd.weather+json"
        assert response.text == '{"wind":"Föhn","gusts":["%s"]}\n' % STATION  # noqa: UP031


def test_the_settings_have_the_defaults_of_flask(app: Any, flask: Any) -> None:
    provider = app.json
    assert type(provider) is app.json_provider_class is flask.json.provider.DefaultJSONProvider
    assert (provider.ensure_ascii, provider.sort_keys, provider.compact) == (True, True, None)
    assert provider.mimetype == "application/json"
    assert provider.default(Arrow()) == "<b>↗</b>"
    with app.app_context():
        assert flask.json.dumps("Föhn") == '"F\\u00f6hn"'


# Providers of one's own.


def kelvin(flask: Any) -> Callable[[Any], Any]:
    """A default for complex numbers: degrees, and how sure they are."""

    def default(value: Any) -> Any:
        if isinstance(value, complex):
            return {"degrees": value.real, "sure": value.imag}
        return flask.json.provider.DefaultJSONProvider.default(value)

    return default


@pytest.mark.parametrize("kind", ["assigned", "static method", "method"])
def test_a_default_of_ones_own_adds_a_type(station: Any, flask: Any, kind: str) -> None:
    default = kelvin(flask)
    if kind == "assigned":
        station.json.default = default
    else:
        made: Any = staticmethod(default) if kind == "static method" else lambda self, value: default(value)
        station.json = type("Kelvin", (flask.json.provider.DefaultJSONProvider,), {"default": made})(station)
    station.add_url_rule("/kelvin", "kelvin", lambda: [273 + 1j, STATION])
    expected = [{"degrees": 273, "sure": 1}, str(STATION)]
    client = station.test_client()
    assert client.get("/kelvin").json == expected
    assert client.post("/echo", json=[273 + 1j, STATION]).json == [expected]
    with station.app_context():
        assert standard.loads(flask.json.dumps([273 + 1j, STATION])) == expected
        assert standard.loads(flask.render_template_string("{{ it | tojson }}", it=[273 + 1j, STATION])) == expected
        with pytest.raises(TypeError):
            flask.json.dumps({1})


def make_lines(flask: Any) -> Any:
    """Return a provider class with a notation of its own: every text begins with a mark."""

    class Lines(flask.json.provider.JSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return "#" + standard.dumps(obj, **kwargs)

        def loads(self, s: Any, **kwargs: Any) -> Any:
            text = s if isinstance(s, str) else s.decode()
            return standard.loads(text.removeprefix("#"), **kwargs)

    return Lines


@pytest.mark.parametrize("by", ["json_provider_class", "json"])
def test_a_provider_that_brings_two_methods_does_everything(flask: Any, by: str) -> None:
    lines = make_lines(flask)
    if by == "json":
        app = flask.Flask("lines")
        app.json = lines(app)
    else:
        app = type("Station", (flask.Flask,), {"json_provider_class": lines})("lines")
    app.add_url_rule("/echo", "echo", lambda: {"got": flask.request.json}, methods=["POST"])
    client = app.test_client()
    response = client.post("/echo", json={"wind": "calm"})
    assert (response.text, response.mimetype) == ('#{"got": {"wind": "calm"}}', "application/json")
    assert response.json == {"got": {"wind": "calm"}}
    assert client.post("/echo", data="#[1]", content_type="application/json").json == {"got": [1]}
    with app.app_context():
        file = io.StringIO()
        flask.json.dump(["calm"], file)
        assert file.getvalue() == flask.json.dumps(["calm"]) == flask.jsonify(["calm"]).get_data(as_text=True)
        assert flask.json.load(io.BytesIO(b"#[1]")) == flask.json.loads("#[1]") == [1]
        assert flask.render_template_string("{{ [] | tojson }}") == "#[]"
    assert flask.json.dumps([]) == "[]"


def test_the_methods_that_a_provider_has_to_bring_are_missed(app: Any, flask: Any) -> None:
    bare = flask.json.provider.JSONProvider(app)
    with pytest.raises(NotImplementedError):
        bare.dumps("calm")
    with pytest.raises(NotImplementedError):
        bare.loads('"calm"')


def test_what_is_put_over_a_method_of_the_provider_is_asked(station: Any, flask: Any, monkeypatch: Any) -> None:
    client = station.test_client()
    with monkeypatch.context() as patch:
        patch.setattr(station.json, "dumps", lambda obj, **kwargs: f"<{type(obj).__name__}>")
        assert [client.get(path).text.strip() for path in ("/dict", "/list", "/jsonify")] == [
            "<dict>",
            "<list>",
            "<dict>",
        ]
    made = station.response_class("storm", 503)
    monkeypatch.setattr(station.json, "response", lambda *args, **kwargs: made)
    assert client.get("/dict").status == "503 SERVICE UNAVAILABLE"


# Requests.


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/vnd.weather+json", "Application/JSON"]
)
def test_a_request_is_json_by_its_mimetype(app: Any, flask: Any, kind: str) -> None:
    with app.test_request_context("/", method="POST", data=b'{"wind": ["calm"]}', content_type=kind):
        assert flask.request.is_json
        assert flask.request.json == {"wind": ["calm"]}
        assert flask.request.get_json() is flask.request.json
        assert flask.request.get_json(cache=False) == flask.request.json


@pytest.mark.parametrize("body", [b"[1]", b"calm"])
@pytest.mark.parametrize("kind", ["application/json", "text/csv", None])
@pytest.mark.parametrize("force", [False, True])
def test_force_ignores_the_mimetype_and_silent_both_errors(
    app: Any, flask: Any, body: bytes, kind: str | None, force: bool
) -> None:
    refused = UnsupportedMediaType if kind != "application/json" and not force else BadRequest
    expected = [1] if refused is BadRequest and body == b"[1]" else None
    with app.test_request_context("/", method="POST", data=body, content_type=kind):
        assert flask.request.get_json(force=force, silent=True) == expected
    with app.test_request_context("/", method="POST", data=body, content_type=kind):
        if expected is None:
            with pytest.raises(refused) as error:
                flask.request.get_json(force=force)
            assert type(error.value) is refused
        else:
            assert flask.request.get_json(force=force) == expected


@pytest.mark.parametrize("debug", [True, False])
def test_only_in_debug_mode_the_visitor_is_told_what_is_wrong(station: Any, debug: bool) -> None:
    station.config.update(DEBUG=debug, TRAP_BAD_REQUEST_ERRORS=False)
    response = station.test_client().post("/echo", data='{"wind": calm}', content_type="application/json")
    assert response.status_code == 400
    assert ("Expecting value" in response.text) is debug


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [("calm", "application/json", "JSONDecodeError"), ("[1]", "text/csv", "NoneType"), ("[1]", "application/json", 1)],
)
def test_a_request_class_may_give_a_value_for_what_cannot_be_read(
    station: Any, flask: Any, body: str, kind: str, told: Any
) -> None:
    class Patient(flask.Request):  # type: ignore[misc, name-defined]
        def on_json_loading_failed(self, e: ValueError | None) -> Any:
            return type(e).__name__

    station.request_class = Patient
    answer = station.test_client().post("/echo", data=body, content_type=kind).json
    assert answer == [[1] if told == 1 else told]


@pytest.mark.parametrize(("encoding", "status"), [("utf-8", 200), ("utf-16", 200), ("utf-32-le", 200), ("cp1252", 400)])
def test_bytes_are_read_as_the_standard_library_reads_them(station: Any, encoding: str, status: int) -> None:
    body = '["Föhn"]'.encode(encoding)
    response = station.test_client().post("/echo", data=body, content_type="application/json")
    assert response.status_code == status
    assert status == 400 or response.json == [["Föhn"]]


# Responses and templates.


def test_the_json_of_a_response_is_asked_by_its_mimetype(app: Any) -> None:
    make = app.response_class
    assert make("[1]", mimetype="application/geo+json").json == [1]
    page = make("[1]")
    assert (page.is_json, page.json, page.get_json(silent=True), page.get_json(force=True)) == (False, None, None, [1])
    broken = make("calm", mimetype="application/json")
    assert broken.get_json(silent=True) is None
    with pytest.raises(ValueError):
        broken.get_json()


def test_a_value_in_a_script_or_attribute_cannot_end_it(app: Any, flask: Any) -> None:
    value = {"name": "<!--</script>", "quote": 'it\'s & "that"', "since": datetime(2024, 2, 29, tzinfo=UTC)}
    with app.test_request_context():
        for template in ("{{ value | tojson }}", "{{ value | tojson(indent=2) }}"):
            text = flask.render_template_string(template, value=value)
            assert set("<>&'").isdisjoint(text)
            assert standard.loads(text) == {**value, "since": "Thu, 29 Feb 2024 00:00:00 GMT"}
