"""``flask.json``: writing and reading, ``jsonify``, the provider of the application, requests and responses."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import io
import json as standard
import uuid
from collections import OrderedDict
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.http import http_date


@dataclasses.dataclass
class Point:
    x: int
    y: Any = None


class Html:
    def __html__(self) -> str:
        return "<em>hi</em>"


def test_bad_json_raises_with_the_reason_in_debug_mode(app: Any, flask: Any) -> None:
    app.debug = True
    with app.test_request_context("/", method="POST", data="{", content_type="application/json"):
        with pytest.raises(BadRequest, match="Failed to decode JSON object"):
            flask.request.get_json()
        assert flask.request.get_json(silent=True) is None


def test_bad_json_without_debug_says_nothing(app: Any, flask: Any) -> None:
    with app.test_request_context("/", method="POST", data="{", content_type="application/json"):
        with pytest.raises(BadRequest) as found:
            flask.request.get_json()
        assert found.value.description == BadRequest.description


def test_another_type_of_content_is_unsupported(app: Any, flask: Any) -> None:
    with app.test_request_context("/", method="POST", data="{}", content_type="text/plain"):
        with pytest.raises(UnsupportedMediaType, match="application/json"):
            flask.request.get_json()
        with pytest.raises(UnsupportedMediaType):
            assert flask.request.json
        assert flask.request.get_json(silent=True) is None
        assert flask.request.get_json(force=True) == {}
        assert not flask.request.is_json


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json", "application/json; charset=utf-8"])
def test_json_is_known_by_its_types(app: Any, flask: Any, kind: str) -> None:
    with app.test_request_context("/", method="POST", data=b'{"a": [1, null]}', content_type=kind):
        assert flask.request.is_json
        assert flask.request.json == {"a": [1, None]}
        assert flask.request.get_json() is flask.request.json


def test_an_own_on_json_loading_failed_is_asked(app: Any, flask: Any) -> None:
    class Request(flask.Request):
        def on_json_loading_failed(self, e: Any) -> Any:
            return {"failed": e is not None}

    app.request_class = Request
    app.add_url_rule("/", "index", lambda: flask.request.get_json(), methods=["POST"])
    client = app.test_client()
    assert client.post("/", data="{", content_type="application/json").json == {"failed": True}
    assert client.post("/", data="x", content_type="text/plain").json == {"failed": False}


def test_json_in_the_wrong_encoding_is_a_bad_request(app: Any, flask: Any) -> None:
    app.add_url_rule("/", "index", lambda: flask.request.get_json(), methods=["POST"])
    data = '{"foo": "ä"}'.encode("iso-8859-15")
    assert app.test_client().post("/", data=data, content_type="application/json").status_code == 400


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_is_read_in_every_unicode_encoding(app: Any, flask: Any, encoding: str) -> None:
    app.add_url_rule("/", "index", lambda: flask.request.get_json(), methods=["POST"])
    response = app.test_client().post("/", data='{"x": "ä"}'.encode(encoding), content_type="application/json")
    assert response.json == {"x": "ä"}


@pytest.mark.parametrize(("test_value", "expected"), [(True, '"\\u2603"'), (False, '"\u2603"')])
def test_ensure_ascii_says_whether_text_is_escaped(app: Any, flask: Any, test_value: bool, expected: str) -> None:
    app.json.ensure_ascii = test_value
    with app.app_context():
        assert flask.json.dumps("\N{SNOWMAN}") == expected
        assert flask.json.dumps("\N{SNOWMAN}", ensure_ascii=not test_value) != expected


@pytest.mark.parametrize(
    "value", [None, 1, -1.5, "text", True, [], {}, [1, {"a": None}], "\u2028", float("inf"), 10**30]
)
def test_text_is_the_same_as_that_of_the_standard_library(app: Any, flask: Any, value: Any) -> None:
    for context in (app.app_context(), None):
        if context is not None:
            with context:
                assert flask.json.dumps(value) == standard.dumps(value)
                assert flask.json.loads(standard.dumps(value)) == value
        else:
            assert flask.json.dumps(value) == standard.dumps(value)
            assert flask.json.loads(standard.dumps(value).encode()) == value


def test_dump_and_load_work_on_files(app: Any, flask: Any) -> None:
    for context in (None, app.app_context()):
        text = io.StringIO()
        if context is None:
            flask.json.dump({"b": 1, "a": Point(1)}, text)
            assert flask.json.load(io.StringIO('{"a":1}')) == {"a": 1}
            assert flask.json.load(io.BytesIO(b'{"a":1}')) == {"a": 1}
        else:
            with context:
                flask.json.dump({"b": 1, "a": Point(1)}, text)
                assert flask.json.load(io.StringIO('{"a":1}')) == {"a": 1}
                assert flask.json.load(io.BytesIO(b'{"a":1}')) == {"a": 1}
        assert standard.loads(text.getvalue()) == {"b": 1, "a": {"x": 1, "y": None}}


def test_keys_are_sorted_unless_told(app: Any, flask: Any) -> None:
    with app.app_context():
        assert flask.json.dumps({"b": 1, "a": 2}) == '{"a": 2, "b": 1}'
        assert flask.json.dumps({"b": 1, "a": 2}, sort_keys=False) == '{"b": 1, "a": 2}'
        app.json.sort_keys = False
        assert flask.json.dumps({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'
        with pytest.raises(TypeError):
            flask.json.dumps({"a": 1, 1: 2}, sort_keys=True)


def test_outside_of_a_context_keys_stay_as_they_are(flask: Any) -> None:
    assert flask.json.dumps({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'
    assert flask.json.dumps({"b": 1, "a": 2}, indent=None, separators=(",", ":")) == '{"b":1,"a":2}'
    assert flask.json.dumps(Html()) == '"<em>hi</em>"'
    assert flask.json.dumps({1: 2, "a": 1}) == '{"1": 2, "a": 1}'


def test_arguments_go_to_the_library(app: Any, flask: Any) -> None:
    with app.app_context():
        assert flask.json.dumps([1], indent=1) == "[\n 1\n]"
        assert flask.json.dumps(object(), default=lambda o: "own") == '"own"'
        assert flask.json.loads("1.5", parse_float=decimal.Decimal) == decimal.Decimal("1.5")

        class Encoder(standard.JSONEncoder):
            def encode(self, o: Any) -> str:
                return "encoded"

        assert flask.json.dumps(1, cls=Encoder) == "encoded"
        assert flask.json.loads('{"a": 1}', object_pairs_hook=OrderedDict) == OrderedDict(a=1)


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(1973, 3, 11, 6, 30, 45),
        datetime.date(1975, 1, 5),
        datetime.datetime(2020, 5, 6, 7, 8, 9, 123, tzinfo=datetime.UTC),
    ],
)
def test_dates_are_http_dates(app: Any, flask: Any, value: Any) -> None:
    with app.test_request_context():
        assert flask.jsonify(x=value).json == {
            "x": http_date(value.timetuple() if isinstance(value, datetime.date) else 0)
        }


@pytest.mark.parametrize("tz", [("UTC", 0), ("PST", -8), ("KST", 9)])
def test_an_aware_datetime_is_written_in_utc(flask: Any, tz: tuple[str, int]) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=tz[1]), name=tz[0])
    value = datetime.datetime(2017, 1, 1, 12, 34, 56, tzinfo=zone)
    written = value.astimezone(datetime.UTC).strftime('"%a, %d %b %Y %H:%M:%S GMT"')
    assert flask.json.dumps(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (decimal.Decimal("0.003"), "0.003"),
        (uuid.UUID(int=5), str(uuid.UUID(int=5))),
        (Point(1, [Point(2)]), {"x": 1, "y": [{"x": 2, "y": None}]}),
        (Html(), "<em>hi</em>"),
        ((1, 2), [1, 2]),
        (OrderedDict(b=1), {"b": 1}),
        (Point(decimal.Decimal("1.5"), uuid.UUID(int=1)), {"x": "1.5", "y": str(uuid.UUID(int=1))}),
    ],
)
def test_other_types_have_a_form(app: Any, flask: Any, value: Any, written: Any) -> None:
    with app.app_context():
        assert flask.jsonify(value).get_json() == written
    assert flask.json.loads(flask.json.dumps(value)) == written


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1j, datetime.time(1), datetime.timedelta(1)])
def test_what_has_none_raises_type_error(app: Any, flask: Any, value: Any) -> None:
    with app.app_context():
        with pytest.raises(TypeError, match="is not JSON serializable"):
            flask.jsonify(value)
        with pytest.raises(TypeError, match="is not JSON serializable"):
            flask.json.dumps({"a": [value]})
    with pytest.raises(TypeError, match="is not JSON serializable"):
        flask.json.dumps(value)


@pytest.mark.parametrize(
    ("args", "kwargs", "written"),
    [
        ((), {}, None),
        ((1,), {}, 1),
        ((1, 2), {}, [1, 2]),
        (([1, 2],), {}, [1, 2]),
        (({"a": 1},), {}, {"a": 1}),
        ((), {"a": 1, "b": [2]}, {"a": 1, "b": [2]}),
        ((None,), {}, None),
        ((0,), {}, 0),
        (("x", "y", "z"), {}, ["x", "y", "z"]),
        ((None, None), {}, [None, None]),
    ],
)
def test_jsonify_takes_each_form(app: Any, flask: Any, args: Any, kwargs: Any, written: Any) -> None:
    with app.app_context():
        response = flask.jsonify(*args, **kwargs)
        assert type(response) is app.response_class
        assert response.mimetype == "application/json"
        assert response.headers["Content-Type"] == "application/json"
        assert response.get_json() == written
        assert response.data.endswith(b"\n")
        assert app.json.response(*args, **kwargs).data == response.data


def test_jsonify_takes_either_args_or_kwargs(app: Any, flask: Any) -> None:
    with app.app_context(), pytest.raises(TypeError, match="either args or kwargs, not both"):
        flask.jsonify("fake args", kwargs="fake")


def test_jsonify_needs_a_context(flask: Any) -> None:
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        flask.jsonify(1)


@pytest.mark.parametrize(
    ("debug", "compact", "text"),
    [
        (False, None, b'{"a":[1,2]}\n'),
        (True, None, b'{\n  "a": [\n    1,\n    2\n  ]\n}\n'),
        (True, True, b'{"a":[1,2]}\n'),
        (False, False, b'{\n  "a": [\n    1,\n    2\n  ]\n}\n'),
    ],
)
def test_compact_decides_the_layout(app: Any, flask: Any, debug: bool, compact: Any, text: bytes) -> None:
    app.debug = debug
    app.json.compact = compact
    app.add_url_rule("/", "index", lambda: {"a": [1, 2]})
    app.add_url_rule("/list", "list", lambda: [1])
    app.add_url_rule("/j", "j", lambda: flask.jsonify(a=[1, 2]))
    client = app.test_client()
    assert client.get("/").data == text
    assert client.get("/j").data == text
    assert client.get("/list").json == [1]


def test_the_mimetype_can_be_changed(app: Any, flask: Any) -> None:
    app.json.mimetype = "application/vnd.api+json"
    app.add_url_rule("/", "index", lambda: {"a": 1})
    app.add_url_rule("/j", "j", lambda: flask.jsonify({"a": 1}))
    client = app.test_client()
    for path in ("/", "/j"):
        response = client.get(path)
        assert response.content_type == "application/vnd.api+json"
        assert response.is_json
        assert response.json == {"a": 1}


def test_the_attributes_have_flasks_defaults(app: Any, flask: Any) -> None:
    provider = app.json
    assert type(provider) is flask.json.provider.DefaultJSONProvider
    assert app.json_provider_class is flask.json.provider.DefaultJSONProvider
    assert (provider.ensure_ascii, provider.sort_keys, provider.compact, provider.mimetype) == (
        True,
        True,
        None,
        "application/json",
    )
    assert provider.default(uuid.UUID(int=1)) == str(uuid.UUID(int=1))
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        provider.default(object())


def test_default_can_be_replaced_on_the_instance_and_in_a_subclass(app: Any, flask: Any) -> None:
    class X:
        pass

    def replaced(value: Any) -> Any:
        if isinstance(value, X):
            return "<X>"
        return flask.json.provider.DefaultJSONProvider.default(value)

    app.json.default = replaced
    with app.app_context():
        assert flask.json.dumps([X(), decimal.Decimal(1)]) == '["<X>", "1"]'
        assert flask.jsonify(X()).json == "<X>"

    class Provider(flask.json.provider.DefaultJSONProvider):
        default = staticmethod(replaced)
        sort_keys = False

        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return str(super().dumps(obj, **kwargs)) + " "

    app.json = Provider(app)
    with app.app_context():
        assert flask.json.dumps({"b": X(), "a": 1}) == '{"b": "<X>", "a": 1} '
        assert flask.jsonify(b=X(), a=1).data == b'{"b":"<X>","a":1} \n'


def test_a_default_may_be_a_method(app: Any, flask: Any) -> None:
    class Provider(flask.json.provider.DefaultJSONProvider):
        def default(self, obj: Any) -> Any:
            if isinstance(obj, complex):
                return [obj.real, obj.imag]
            return super().default(obj)

    app.json = Provider(app)
    app.add_url_rule("/", "index", lambda: {"c": 1j, "d": decimal.Decimal(2)})
    assert app.test_client().get("/").json == {"c": [0, 1], "d": "2"}


def test_a_provider_of_ones_own_does_all(app: Any, flask: Any) -> None:
    calls: list[str] = []

    class Provider(flask.json.provider.JSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            calls.append("dumps")
            return standard.dumps(["own", obj])

        def loads(self, s: Any, **kwargs: Any) -> Any:
            calls.append("loads")
            return standard.loads(s)

    class App(flask.Flask):
        json_provider_class = Provider

    own = App("x")
    own.add_url_rule("/", "index", lambda: {"a": flask.request.get_json()}, methods=["POST"])
    response = own.test_client().post("/", json={"x": 1})
    assert response.json == ["own", {"a": ["own", {"x": 1}]}]
    assert response.mimetype == "application/json"
    assert calls == ["dumps", "loads", "dumps", "loads"]
    with own.app_context():
        assert flask.jsonify(1).data == b'["own", 1]'
        assert flask.render_template_string("{{ 1|tojson }}") == '["own", 1]'.replace('"', '"')


def test_the_base_provider_asks_for_its_methods(app: Any, flask: Any) -> None:
    base = flask.json.provider.JSONProvider(app)
    with pytest.raises(NotImplementedError):
        base.dumps(1)
    with pytest.raises(NotImplementedError):
        base.loads("1")


def test_the_test_client_uses_the_provider(app: Any, flask: Any) -> None:
    @app.route("/", methods=["POST"])
    def index() -> Any:
        return {"got": flask.request.json, "type": flask.request.content_type}

    response = app.test_client().post("/", json={"when": datetime.date(2000, 1, 2), "p": Point(1)})
    assert response.json == {
        "got": {"p": {"x": 1, "y": None}, "when": "Sun, 02 Jan 2000 00:00:00 GMT"},
        "type": "application/json",
    }
    assert response.is_json


def test_a_response_that_is_not_json_gives_none(app: Any) -> None:
    response = app.response_class("x")
    assert response.get_json() is None
    assert response.json is None
    assert response.get_json(silent=True) is None
    assert response.is_json is False
    bad = app.response_class("{", mimetype="application/json")
    assert bad.get_json(silent=True) is None
    with pytest.raises(ValueError):
        bad.get_json()
    assert app.response_class("[1]").get_json(force=True) == [1]


def test_tojson_is_safe_in_html_and_follows_the_provider(app: Any, flask: Any) -> None:
    with app.test_request_context():
        render = flask.render_template_string
        assert render("const data = {{ data|tojson }};", data={"name": "</script>", "t": [1, 2, 3]}) == (
            'const data = {"name": "\\u003c/script\\u003e", "t": [1, 2, 3]};'
        )
        assert render("{{ '<\"&\\''|tojson }}") == '"\\u003c\\"\\u0026\\u0027"'
        assert render("{{ value|tojson }}", value=datetime.date(2000, 1, 1)) == '"Sat, 01 Jan 2000 00:00:00 GMT"'
        assert render("<a ng-data='{{ data|tojson }}'></a>", data={"x": ["foo", "bar", "baz'"]}) == (
            '<a ng-data=\'{"x": ["foo", "bar", "baz\\u0027"]}\'></a>'
        )
        assert render("{{ data|tojson(indent=1) }}", data=[1]) == "[\n 1\n]"


def test_an_attribute_of_json_set_on_the_class_counts(flask: Any) -> None:
    class Provider(flask.json.provider.DefaultJSONProvider):
        compact = True
        ensure_ascii = False
        mimetype = "text/json"

    app = flask.Flask("x")
    app.json = Provider(app)
    app.debug = True
    app.add_url_rule("/", "index", lambda: {"ä": 1})
    response = app.test_client().get("/")
    assert response.data == '{"ä":1}\n'.encode()
    assert response.mimetype == "text/json"


def test_a_list_or_dict_with_status_and_headers_is_json(app: Any) -> None:
    app.add_url_rule("/", "index", lambda: ({"a": 1}, 201, {"X": "1"}))
    app.add_url_rule("/l", "l", lambda: ([1, 2], 202))
    client = app.test_client()
    response = client.get("/")
    assert (response.status_code, response.headers["X"], response.json) == (201, "1", {"a": 1})
    response = client.get("/l")
    assert (response.status_code, response.json) == (202, [1, 2])


def test_the_json_of_the_app_can_be_monkeypatched(app: Any, flask: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(app.json, "dumps", lambda obj, **kw: "patched")
    app.add_url_rule("/", "index", lambda: {"a": 1})
    assert app.test_client().get("/").get_data(as_text=True).strip() == "patched"
    with app.app_context():
        assert flask.json.dumps({}) == "patched"


def test_an_overridden_response_method_is_asked_for_dicts(app: Any, flask: Any) -> None:
    class Provider(flask.json.provider.DefaultJSONProvider):
        def response(self, *args: Any, **kwargs: Any) -> Any:
            return self._app.response_class("own:" + self.dumps(args[0]), mimetype="x/y")

    app.json = Provider(app)
    app.add_url_rule("/", "index", lambda: {"a": 1})
    response = app.test_client().get("/")
    assert (response.data, response.mimetype) == (b'own:{"a": 1}', "x/y")
