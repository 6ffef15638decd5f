"""``url_for``: what each argument does to a URL, what cannot be built, and who has a word in it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import BuildError


@pytest.fixture
def bakery(app: Any) -> Any:
    app.add_url_rule("/", "counter", lambda: "counter")
    app.add_url_rule("/loaves/<kind>", "loaf", lambda kind: kind)
    app.add_url_rule("/orders/<int:number>", "order", lambda number: str(number))
    app.add_url_rule("/till", "till", lambda: "", methods=["GET"])
    app.add_url_rule("/till/payments", "till", methods=["POST"])
    app.add_url_rule("/till/payments/<int:number>", "till", methods=["DELETE"])
    return app


BUILT = [
    # Variables of the rule, and what is left over as the query
    ("loaf", {"kind": "rye"}, "/loaves/rye"),
    ("loaf", {"kind": "half & half/no salt"}, "/loaves/half%20&%20half/no%20salt"),
    ("loaf", {"kind": "rye", "slices": 12, "paper": None}, "/loaves/rye?slices=12"),
    ("loaf", {"kind": "rye", "seed": ["poppy", None, "flax"]}, "/loaves/rye?seed=poppy&seed=flax"),
    ("counter", {"wish": "crème brûlée", "box": True}, "/?wish=cr%C3%A8me+br%C3%BBl%C3%A9e&box=True"),
    ("counter", {"values": 1, "app": 2, "method": 3, "scheme": 4}, "/?values=1&app=2&method=3&scheme=4"),
    ("order", {"number": 31}, "/orders/31"),
    ("order", {"number": "031"}, "/orders/31"),
    ("static", {"filename": "signs/open.svg"}, "/static/signs/open.svg"),
    # The method chooses between rules of one endpoint
    ("till", {}, "/till"),
    ("till", {"_method": "POST"}, "/till/payments"),
    ("till", {"_method": "DELETE", "number": 8}, "/till/payments/8"),
    # A place in the page stands behind the query
    ("loaf", {"kind": "rye", "_anchor": "crust"}, "/loaves/rye#crust"),
    ("loaf", {"kind": "rye", "_anchor": "how to store", "cut": 1}, "/loaves/rye?cut=1#how%20to%20store"),
    ("counter", {"_anchor": "Öffnung"}, "/#%C3%96ffnung"),
    ("counter", {"_anchor": "t=1,2;a(b)!'*$@:/?"}, "/#t=1,2;a(b)!'*$@:/?"),
    ("counter", {"_anchor": ""}, "/#"),
    # Whole URLs
    ("order", {"number": 2, "_external": True}, "http://localhost/orders/2"),
    ("order", {"number": 2, "_external": False}, "/orders/2"),
    ("order", {"number": 2, "_external": True, "_scheme": "https"}, "https://localhost/orders/2"),
    ("order", {"number": 2, "_scheme": "https"}, "https://localhost/orders/2"),
    ("order", {"number": 2, "_scheme": ""}, "//localhost/orders/2"),
    ("till", {"_method": "POST", "_external": True, "_anchor": "sum"}, "http://localhost/till/payments#sum"),
]


@pytest.mark.parametrize(("endpoint", "values", "url"), BUILT)
def test_each_argument_has_its_part_in_the_url(
    bakery: Any, flask: Any, endpoint: str, values: dict[str, Any], url: str
) -> None:
    with bakery.test_request_context():
        assert flask.url_for(endpoint, **values) == url
        assert bakery.url_for(endpoint, **values) == url
        template = "{{ url_for(endpoint, **values)|safe }}"
        assert flask.render_template_string(template, endpoint=endpoint, values=values) == url


def test_a_scheme_is_for_external_urls_alone(bakery: Any, flask: Any) -> None:
    with bakery.test_request_context():
        for build in (flask.url_for, bakery.url_for):
            with pytest.raises(ValueError, match="When specifying '_scheme', '_external' must be True"):
                build("till", _scheme="ftp", _external=False)


@pytest.mark.parametrize(
    ("scheme", "start"), [(None, "https:"), ("", ""), ("http", "http:"), ("https", "https:"), ("wss", "https:")]
)
def test_a_whole_url_has_the_scheme_of_the_request_unless_another_is_given(
    bakery: Any, flask: Any, scheme: str | None, start: str
) -> None:
    """Of the two schemes of WebSockets, those of pages are meant."""
    with bakery.test_request_context(base_url="https://bakery.test/branch"):
        assert flask.url_for("till", _scheme=scheme, _external=True) == f"{start}//bakery.test/branch/till"


@pytest.mark.parametrize(
    ("endpoint", "values", "message"),
    [
        ("lofa", {}, "Could not build url for endpoint 'lofa'. Did you mean 'loaf' instead?"),
        (
            "loaf",
            {"slices": 3},
            r"endpoint 'loaf' with values \['slices'\]. Did you forget to specify values \['kind'\]",
        ),
        ("loaf", {}, r"Did you forget to specify values \['kind'\]"),
        ("till", {"_method": "PATCH"}, r"endpoint 'till' \('PATCH'\). Did you mean to use methods"),
    ],
)
def test_what_cannot_be_built_says_what_was_meant(
    bakery: Any, flask: Any, endpoint: str, values: dict[str, Any], message: str
) -> None:
    with bakery.test_request_context(), pytest.raises(BuildError, match=message) as found:
        flask.url_for(endpoint, **values)
    assert (found.value.endpoint, found.value.method) == (endpoint, values.get("_method"))
    assert {name: value for name, value in found.value.values.items() if name[0] != "_"} == {
        name: value for name, value in values.items() if name[0] != "_"
    }


# Handlers of what could not be built.


def test_handlers_are_skipped_until_one_has_an_answer(bakery: Any, flask: Any) -> None:
    asked: list[str] = []

    def knows_nothing(error: Any, endpoint: str, values: dict[str, Any]) -> None:
        asked.append("nothing")

    def cannot_build(error: Any, endpoint: str, values: dict[str, Any]) -> str:
        asked.append("cannot")
        return str(flask.url_for("till", _method="PATCH"))

    def other_shop(error: Any, endpoint: str, values: dict[str, Any]) -> str:
        asked.append("other shop")
        assert isinstance(error, BuildError)
        assert error.endpoint == endpoint
        return f"https://dairy.test/{endpoint}/{values['fat']}{'!' * values['_external']}"

    bakery.url_build_error_handlers += [knows_nothing, other_shop, cannot_build]
    with bakery.test_request_context():
        assert flask.url_for("milk", fat=3.5) == "https://dairy.test/milk/3.5"
        assert flask.url_for("milk", fat=1, _external=True) == "https://dairy.test/milk/1!"
        assert asked == ["nothing", "other shop"] * 2
        asked.clear()
        bakery.url_build_error_handlers[:] = [knows_nothing]
        with pytest.raises(BuildError, match="'milk'"):
            flask.url_for("milk", fat=3.5)
        assert flask.url_for("till") == "/till"
    assert asked == ["nothing"]


def test_a_handler_that_fails_to_build_is_skipped(bakery: Any, flask: Any) -> None:
    """It may well call ``url_for`` itself."""

    def in_the_old_shop(error: Any, endpoint: str, values: dict[str, Any]) -> str:
        if endpoint.startswith("old."):
            raise error
        return str(flask.url_for(f"old.{endpoint}", **values))

    def at_the_counter(error: Any, endpoint: str, values: dict[str, Any]) -> str | None:
        return None if endpoint.startswith("old.") else "/?ask=" + endpoint

    bakery.url_build_error_handlers += [in_the_old_shop, at_the_counter]
    with bakery.test_request_context():
        assert flask.url_for("pretzel") == "/?ask=pretzel"


def test_an_application_may_deal_with_build_errors_in_a_method(flask: Any) -> None:
    class Bakery(flask.Flask):
        def handle_url_build_error(self, error: BuildError, endpoint: str, values: dict[str, Any]) -> str:
            if "kind" in values:
                return f"/ask-for/{values['kind']}"
            return str(super().handle_url_build_error(error, endpoint, values))

    shop = Bakery("shop")
    with shop.test_request_context():
        assert flask.url_for("cake", kind="plum") == "/ask-for/plum"
        with pytest.raises(BuildError) as found:
            flask.url_for("cake", layers=2)
    with pytest.raises(BuildError) as again:
        shop.handle_url_build_error(found.value, "cake", {})
    assert again.value is found.value


# Outside of a request.


def test_outside_of_a_request_it_needs_a_server_name(bakery: Any, flask: Any) -> None:
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        flask.url_for("till")
    with bakery.app_context(), pytest.raises(RuntimeError, match="Unable to build URLs outside an active request"):
        flask.url_for("till")
    with pytest.raises(RuntimeError, match="'SERVER_NAME' configured"):
        bakery.url_for("till")


@pytest.mark.parametrize(
    ("settings", "values", "url"),
    [
        ({}, {}, "http://bakery.test:81/orders/5"),
        ({}, {"_external": False}, "/orders/5"),
        ({}, {"_scheme": ""}, "//bakery.test:81/orders/5"),
        ({}, {"_anchor": "end", "by": "post"}, "http://bakery.test:81/orders/5?by=post#end"),
        ({"PREFERRED_URL_SCHEME": "https"}, {}, "https://bakery.test:81/orders/5"),
        ({"PREFERRED_URL_SCHEME": "https"}, {"_scheme": "http"}, "http://bakery.test:81/orders/5"),
        ({"APPLICATION_ROOT": "/shop"}, {}, "http://bakery.test:81/shop/orders/5"),
        ({"APPLICATION_ROOT": "/shop"}, {"_external": False}, "/shop/orders/5"),
    ],
)
def test_outside_of_a_request_settings_make_the_url_whole(
    bakery: Any, flask: Any, settings: dict[str, Any], values: dict[str, Any], url: str
) -> None:
    bakery.config.update(SERVER_NAME="bakery.test:81", **settings)
    with bakery.app_context():
        assert flask.url_for("order", number=5, **values) == url
    assert bakery.url_for("order", number=5, **values) == url


def test_in_a_request_the_request_counts_and_not_the_settings(bakery: Any, flask: Any) -> None:
    bakery.config.update(SERVER_NAME="bakery.test", APPLICATION_ROOT="/shop", PREFERRED_URL_SCHEME="https")
    with bakery.test_request_context(base_url="http://bakery.test/van/"):
        assert flask.url_for("till") == "/van/till"
        assert flask.url_for("till", _external=True) == "http://bakery.test/van/till"
    with bakery.test_request_context():
        assert flask.request.script_root == "/shop"
        assert flask.url_for("till", _external=True) == "https://bakery.test/shop/till"


# Blueprints, and values that are given for all URLs.


def test_a_dot_before_an_endpoint_stands_for_the_blueprint_of_the_request(bakery: Any, flask: Any) -> None:
    cakes = flask.Blueprint("cakes", __name__, url_prefix="/cakes")
    wedding = flask.Blueprint("wedding", __name__, url_prefix="/wedding")
    links = (".list", ".wedding.list", "cakes.list", "cakes.wedding.list", "counter")

    def page() -> list[str | None]:
        found: list[str | None] = []
        for endpoint in links:
            try:
                found.append(flask.url_for(endpoint))
            except BuildError:
                found.append(None)
        return found

    cakes.add_url_rule("/", "list", page)
    wedding.add_url_rule("/", "list", page)
    cakes.register_blueprint(wedding)
    bakery.register_blueprint(cakes)
    bakery.add_url_rule("/all", "list", page)
    fixed = ["/cakes/", "/cakes/wedding/", "/"]
    client = bakery.test_client()
    assert client.get("/all").json == ["/all", None, *fixed]
    assert client.get("/cakes/").json == ["/cakes/", "/cakes/wedding/", *fixed]
    assert client.get("/cakes/wedding/").json == ["/cakes/wedding/", None, *fixed]


def test_a_value_of_the_url_can_be_taken_out_for_views_and_put_back_into_links(app: Any, flask: Any) -> None:
    @app.url_value_preprocessor
    def take_station(endpoint: str | None, values: dict[str, Any] | None) -> None:
        flask.g.station = (values or {}).pop("station", "none")

    @app.url_defaults
    def put_station(endpoint: str, values: dict[str, Any]) -> None:
        if app.url_map.is_endpoint_expecting(endpoint, "station"):
            values.setdefault("station", flask.g.station)

    @app.get("/stations/<station>/wind")
    def wind() -> list[str]:
        return [
            flask.g.station,
            flask.url_for("wind"),
            flask.url_for("wind", station="pier"),
            flask.url_for("overview"),
        ]

    @app.get("/overview")
    def overview() -> str:
        return str(flask.g.station)

    client = app.test_client()
    assert client.get("/stations/cape/wind").json == [
        "cape",
        "/stations/cape/wind",
        "/stations/pier/wind",
        "/overview",
    ]
    assert client.get("/overview").text == "none"
    assert client.get("/stations/cape").status_code == 404


def test_defaults_come_from_the_application_and_from_each_blueprint_on_the_way(app: Any, flask: Any) -> None:
    coast = flask.Blueprint("coast", __name__, url_prefix="/coast")
    harbour = flask.Blueprint("harbour", __name__, url_prefix="/harbour")
    app.url_defaults(lambda endpoint, values: values.update(unit="kn", by=f"{endpoint}: application"))
    coast.url_defaults(lambda endpoint, values: values.update(by=values["by"] + ", coast"))
    harbour.url_defaults(lambda endpoint, values: values.update(by=values["by"] + ", harbour"))
    harbour.app_url_defaults(lambda endpoint, values: values.setdefault("sea", "north"))
    coast.register_blueprint(harbour)
    app.register_blueprint(coast)
    everywhere = {"unit": "kn", "sea": "north"}
    for endpoint, names in (
        ("gusts", ""),
        ("coast.gusts", ", coast"),
        ("coast.harbour.gusts", ", coast, harbour"),
        ("hill.gusts", ""),
    ):
        values: dict[str, Any] = {"hour": 7}
        app.inject_url_defaults(endpoint, values)
        assert values == {"hour": 7, "by": f"{endpoint}: application{names}", **everywhere}


# Other hosts.


def test_subdomains_are_built_from_the_server_name(flask: Any) -> None:
    app = flask.Flask("x", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.com"
    app.add_url_rule("/", "index", lambda: "", subdomain="api")
    app.add_url_rule("/u", "user", lambda user: "", subdomain="<user>")
    app.add_url_rule("/", "root", lambda: "")
    with app.test_request_context("/", base_url="http://api.example.com"):
        assert flask.url_for("index") == "/"
        assert flask.url_for("user", user="ada") == "http://ada.example.com/u"
        assert flask.url_for("root") == "http://example.com/"
    with app.app_context():
        assert flask.url_for("index") == "http://api.example.com/"


def test_hosts_are_built_where_they_are_matched(flask: Any) -> None:
    app = flask.Flask("x", host_matching=True, static_folder=None)
    app.add_url_rule("/", "a", lambda: "", host="a.example")
    app.add_url_rule("/", "b", lambda: flask.url_for("a"), host="b.example")
    client = app.test_client()
    assert client.get("/", base_url="http://b.example").data == b"http://a.example/"
    with app.test_request_context("/", base_url="http://a.example"):
        assert flask.url_for("a") == "/"
        assert flask.url_for("b", _external=True) == "http://b.example/"


def test_an_overridden_url_for_is_called_by_the_helper_and_in_templates(flask: Any) -> None:
    class App(flask.Flask):
        def url_for(self, endpoint: str, **kw: Any) -> str:
            return f"own:{endpoint}:{sorted(k for k in kw if not k.startswith('_'))}"

    app = App("x")
    with app.test_request_context():
        assert flask.url_for("a", b=1) == "own:a:['b']"
        assert flask.render_template_string("{{ url_for('t') }}") == "own:t:[]"
