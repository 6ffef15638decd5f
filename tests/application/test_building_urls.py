"""url_for: in a request and outside of one, with every option, and what is said when no URL can be built."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import BuildError

from erlen import Blueprint, Erlen, url_for


@pytest.fixture(autouse=True)
def _routes(app: Erlen) -> None:
    app.add_url_rule("/", "index", str)
    app.add_url_rule("/user/<int:id>", "user", str)
    app.add_url_rule("/item", "item_list", str, methods=["GET"])
    app.add_url_rule("/item/new", "item_list", str, methods=["POST"])
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    shop.add_url_rule("/", "index", lambda: url_for(".cart"))
    shop.add_url_rule("/cart", "cart", lambda: url_for("shop.index") + url_for("index"))
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    inner.add_url_rule("/", "index", lambda: url_for(".index"))
    shop.register_blueprint(inner)
    app.register_blueprint(shop)


@pytest.mark.parametrize(
    ("endpoint", "options", "url"),
    [
        ("index", {}, "/"),
        ("user", {"id": 7}, "/user/7"),
        ("user", {"id": 7, "page": 2, "q": "ä b"}, "/user/7?page=2&q=%C3%A4+b"),
        ("user", {"id": 7, "tag": ["a", "b"], "none": None}, "/user/7?tag=a&tag=b"),
        ("index", {"_anchor": "top"}, "/#top"),
        ("index", {"_anchor": "x y ä?"}, "/#x%20y%20%C3%A4?"),
        ("index", {"_anchor": ""}, "/#"),
        ("index", {"_external": True}, "http://localhost/"),
        ("index", {"_scheme": "https"}, "https://localhost/"),
        ("index", {"_scheme": "https", "_external": True}, "https://localhost/"),
        ("item_list", {"_method": "POST"}, "/item/new"),
        ("item_list", {"_method": "GET"}, "/item"),
        ("shop.index", {}, "/shop/"),
        ("static", {"filename": "a b.css"}, "/static/a%20b.css"),
    ],
)
def test_a_url_is_built_in_a_request(app: Erlen, endpoint: str, options: dict[str, Any], url: str) -> None:
    with app.test_request_context():
        assert url_for(endpoint, **options) == url
        assert app.url_for(endpoint, **options) == url


def test_a_dot_means_the_current_blueprint(app: Erlen) -> None:
    client = app.test_client()
    assert client.get("/shop/").text == "/shop/cart"
    assert client.get("/shop/cart").text == "/shop//"
    assert client.get("/shop/inner/").text == "/shop/inner/"
    with app.test_request_context("/"):
        assert url_for(".index") == "/"


def test_where_the_application_is_mounted_is_part_of_the_url(app: Erlen) -> None:
    with app.test_request_context("/", base_url="https://example.org/mounted"):
        assert url_for("user", id=1) == "/mounted/user/1"
        assert url_for("user", id=1, _external=True) == "https://example.org/mounted/user/1"


def test_outside_of_a_request_a_url_is_external_and_needs_a_server_name(app: Erlen) -> None:
    with app.app_context(), pytest.raises(RuntimeError) as caught:
        url_for("index")
    assert str(caught.value) == (
        "Unable to build URLs outside an active request without 'SERVER_NAME' configured. Also configure "
        "'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed; or, in a test or a shell, build them in a request: "
        "with app.test_request_context(): ..."
    )
    app.config.update(SERVER_NAME="example.org", APPLICATION_ROOT="/mount", PREFERRED_URL_SCHEME="https")
    with app.app_context():
        assert url_for("user", id=1) == "https://example.org/mount/user/1"
        assert url_for("user", id=1, _external=False) == "/mount/user/1"
        assert url_for("user", id=1, _scheme="http") == "http://example.org/mount/user/1"
    assert app.url_for("user", id=1) == "https://example.org/mount/user/1"


def test_outside_of_any_context_the_function_says_so_and_the_method_works(app: Erlen) -> None:
    with pytest.raises(RuntimeError, match=r"Working outside of application context\.\n'url_for' was used") as caught:
        url_for("index")
    assert "test_building_urls.py" in str(caught.value)
    app.config["SERVER_NAME"] = "example.org"
    assert app.url_for("index") == "http://example.org/"


def test_a_context_of_another_application_is_not_used_by_the_method(app: Erlen, tmp_path: Any) -> None:
    other = Erlen("other", root_path=str(tmp_path))
    other.add_url_rule("/elsewhere", "index", str)
    other.config["SERVER_NAME"] = "other.test"
    with app.test_request_context():
        assert url_for("index") == "/"
        assert other.url_for("index") == "http://other.test/elsewhere"


def test_a_scheme_needs_an_external_url(app: Erlen) -> None:
    with app.test_request_context(), pytest.raises(ValueError, match="'_scheme', '_external' must be True"):
        url_for("index", _scheme="https", _external=False)


def test_a_url_that_cannot_be_built_is_explained(app: Erlen) -> None:
    with app.test_request_context():
        with pytest.raises(BuildError, match=r"Could not build url for endpoint 'usr'.*Did you mean 'user' instead\?"):
            url_for("usr", id=7)
        with pytest.raises(BuildError, match=r"Did you forget to specify values \['id'\]\?"):
            url_for("user")
        with pytest.raises(BuildError, match="Did you mean to use methods"):
            url_for("item_list", _method="DELETE")


def test_build_error_handlers_may_give_a_url(app: Erlen) -> None:
    seen: list[Any] = []

    def external(error: Exception, endpoint: str, values: dict[str, Any]) -> Any:
        seen.append((type(error), endpoint, values))
        return f"/external/{endpoint}" if endpoint.startswith("wiki") else None

    app.url_build_error_handlers.append(external)
    with app.test_request_context():
        assert url_for("wiki", page=1, _anchor="a") == "/external/wiki"
        assert seen == [
            (BuildError, "wiki", {"page": 1, "_anchor": "a", "_method": None, "_scheme": None, "_external": False})
        ]
        with pytest.raises(BuildError, match="'other'"):
            url_for("other")


def test_a_build_error_handler_may_raise_an_error_of_its_own(app: Erlen) -> None:
    def replace(error: Exception, endpoint: str, values: dict[str, Any]) -> Any:
        raise BuildError("replaced", values, None)

    app.url_build_error_handlers.append(replace)
    with app.test_request_context(), pytest.raises(BuildError, match="'replaced'"):
        url_for("missing")


def test_url_defaults_add_values(app: Erlen) -> None:
    lang = Blueprint("lang", __name__, url_prefix="/<lang>")
    lang.add_url_rule("/page", "page", lambda lang: url_for(".page"))
    inner = Blueprint("deep", __name__, url_prefix="/<area>")
    inner.add_url_rule("/", "page", lambda lang, area: url_for(".page"))
    calls: list[str] = []

    @app.url_defaults
    def for_all(endpoint: str, values: dict[str, Any]) -> None:
        calls.append("app")

    @lang.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        calls.append("lang")
        values.setdefault("lang", "de")

    @inner.url_defaults
    def add_area(endpoint: str, values: dict[str, Any]) -> None:
        calls.append("deep")
        values.setdefault("area", "x")

    lang.register_blueprint(inner)
    app.register_blueprint(lang)
    with app.test_request_context():
        assert url_for("lang.page") == "/de/page"
        assert url_for("lang.page", lang="en") == "/en/page"
        calls.clear()
        assert url_for("lang.deep.page") == "/de/x/"
        assert calls == ["app", "lang", "deep"]
        assert url_for("index") == "/"


def test_a_subclass_may_have_its_own_url_adapter_and_url_for(tmp_path: Any) -> None:
    class Versioned(Erlen):
        def url_for(self, endpoint: str, **values: Any) -> str:
            return super().url_for(endpoint, v="1", **values)

        def create_url_adapter(self, request: Any) -> Any:
            adapter = super().create_url_adapter(request)
            if adapter is not None:
                adapter.script_name = "/mounted/"
            return adapter

    app = Versioned("versioned", root_path=str(tmp_path))
    app.add_url_rule("/", "index", lambda: url_for("index"))
    assert app.test_client().get("/").text == "/mounted/?v=1"
