"""``flask.views``: views as classes."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.http import parse_set_header


def common(app: Any) -> None:
    client = app.test_client()
    assert client.get("/").data == b"GET"
    assert client.post("/").data == b"POST"
    assert client.put("/").status_code == 405
    meths = parse_set_header(client.open("/", method="OPTIONS").headers["Allow"])
    assert sorted(meths) == ["GET", "HEAD", "OPTIONS", "POST"]


@pytest.fixture
def app(flask: Any) -> Any:
    app = flask.Flask("views_app")
    app.testing = True
    return app


def test_a_view_dispatches_itself(app: Any, flask: Any) -> None:
    class Index(flask.views.View):
        methods = ["GET", "POST"]  # noqa: RUF012

        def dispatch_request(self) -> str:
            return str(flask.request.method)

    app.add_url_rule("/", view_func=Index.as_view("index"))
    common(app)


def test_a_method_view_has_a_method_for_each(app: Any, flask: Any) -> None:
    class Index(flask.views.MethodView):
        def get(self) -> str:
            return "GET"

        def post(self) -> str:
            return "POST"

    app.add_url_rule("/", view_func=Index.as_view("index"))
    common(app)
    assert Index.methods == {"GET", "POST"}


def test_a_method_is_patched_later(app: Any, flask: Any) -> None:
    class Index(flask.views.MethodView):
        def get(self) -> int:
            return 1

        def post(self) -> int:
            return 1

    class Other(Index):
        def get(self) -> str:  # type: ignore[override]
            return "GET"

        def post(self) -> str:  # type: ignore[override]
            return "POST"

    view = Index.as_view("index")
    view.view_class = Other
    app.add_url_rule("/", view_func=view)
    common(app)


def test_methods_are_inherited(app: Any, flask: Any) -> None:
    class Index(flask.views.MethodView):
        def get(self) -> str:
            return "GET"

        def post(self) -> str:
            return "POST"

    class Better(Index):
        def delete(self) -> str:
            return "DELETE"

    app.add_url_rule("/", view_func=Better.as_view("index"))
    client = app.test_client()
    assert client.get("/").data == b"GET"
    assert client.delete("/").data == b"DELETE"
    assert parse_set_header(client.options("/").headers["Allow"]).as_set() == {
        "get",
        "head",
        "options",
        "post",
        "delete",
    }


def test_methods_come_from_several_bases(app: Any, flask: Any) -> None:
    class Get(flask.views.MethodView):
        def get(self) -> str:
            return "GET"

    class Delete(flask.views.MethodView):
        def delete(self) -> str:
            return "DELETE"

    class Both(Get, Delete):
        pass

    app.add_url_rule("/", view_func=Both.as_view("index"))
    client = app.test_client()
    assert client.get("/").data == b"GET"
    assert client.delete("/").data == b"DELETE"
    assert Both.methods == {"GET", "DELETE"}


def test_methods_may_be_taken_away(app: Any, flask: Any) -> None:
    class Get(flask.views.MethodView):
        def get(self) -> str:
            return "GET"

    class Other(Get):
        def post(self) -> str:
            return "POST"

    class View(Other):
        methods = ["GET"]  # noqa: RUF012

    app.add_url_rule("/", view_func=View.as_view("index"))
    client = app.test_client()
    assert client.get("/").data == b"GET"
    assert client.post("/").status_code == 405


def test_a_base_that_is_no_method_view_gives_its_methods(app: Any, flask: Any) -> None:
    class Base(flask.views.View):
        methods = ["GET", "PROPFIND"]  # noqa: RUF012

    class View(Base, flask.views.MethodView):
        def get(self) -> str:
            return "GET"

        def propfind(self) -> str:
            return "PROPFIND"

    assert set(View.methods) == {"GET", "PROPFIND"}
    app.add_url_rule("/", view_func=View.as_view("index"))
    client = app.test_client()
    assert client.get("/").data == b"GET"
    assert client.open("/", method="PROPFIND").data == b"PROPFIND"


@pytest.mark.parametrize(("value", "status"), [(False, 405), (None, 200)])
def test_the_class_decides_about_options(app: Any, flask: Any, value: Any, status: int) -> None:
    class Index(flask.views.View):
        methods = ["GET", "POST"]  # noqa: RUF012
        provide_automatic_options = value

        def dispatch_request(self) -> str:
            return "x"

    app.add_url_rule("/", view_func=Index.as_view("index"))
    response = app.test_client().open("/", method="OPTIONS")
    assert response.status_code == status
    if status == 200:
        assert "OPTIONS" in response.allow


def test_options_of_ones_own_are_asked(app: Any, flask: Any) -> None:
    class Index(flask.views.MethodView):
        def options(self) -> str:
            return "META"

    app.add_url_rule("/", view_func=Index.as_view("index"))
    response = app.test_client().open("/", method="OPTIONS")
    assert response.data == b"META"
    assert app.test_client().get("/").status_code == 405


def test_head_is_answered_by_get_unless_there_is_one(app: Any, flask: Any) -> None:
    class Implicit(flask.views.MethodView):
        def get(self) -> Any:
            return flask.Response("Blub", headers={"X-Method": flask.request.method})

    class Explicit(flask.views.MethodView):
        def get(self) -> Any:
            return flask.Response("GET")

        def head(self) -> Any:
            return flask.Response("", headers={"X-Method": "HEAD"})

    app.add_url_rule("/a", view_func=Implicit.as_view("a"))
    app.add_url_rule("/b", view_func=Explicit.as_view("b"))
    client = app.test_client()
    response = client.get("/a")
    assert (response.data, response.headers["X-Method"]) == (b"Blub", "GET")
    response = client.head("/a")
    assert (response.data, response.headers["X-Method"]) == (b"", "HEAD")
    response = client.head("/b")
    assert (response.data, response.headers["X-Method"]) == (b"", "HEAD")
    assert client.get("/b").data == b"GET"


def test_a_method_without_an_implementation_is_an_assertion(app: Any, flask: Any) -> None:
    class Index(flask.views.MethodView):
        methods = ["GET", "POST"]  # noqa: RUF012

        def get(self) -> str:
            return "GET"

    app.add_url_rule("/", view_func=Index.as_view("index"))
    with pytest.raises(AssertionError, match="Unimplemented method 'POST'"):
        app.test_client().post("/")


def test_the_base_view_must_be_written(app: Any, flask: Any) -> None:
    app.add_url_rule("/", view_func=flask.views.View.as_view("index"))
    with pytest.raises(NotImplementedError):
        app.test_client().get("/")


def test_the_endpoint_may_be_overridden(app: Any, flask: Any) -> None:
    app.add_url_rule("/", endpoint="index", view_func=None)

    class Foo(flask.views.View):
        def dispatch_request(self) -> str:
            return str(flask.request.endpoint)

    app.add_url_rule("/v", endpoint="bar", view_func=Foo.as_view("foo"))
    assert app.test_client().get("/v").data == b"bar"


def test_an_object_is_made_for_each_request_or_once(app: Any, flask: Any) -> None:
    class CountInit:
        init_count = 0

        def __init__(self) -> None:
            type(self).init_count += 1

        def dispatch_request(self) -> str:
            return str(self.init_count)

    class Each(CountInit, flask.views.View):
        init_count = 0

    class Once(CountInit, flask.views.View):
        init_count = 0
        init_every_request = False

    app.add_url_rule("/each", view_func=Each.as_view("each"))
    app.add_url_rule("/once", view_func=Once.as_view("once"))
    client = app.test_client()
    assert [client.get("/each").data for _ in range(2)] == [b"1", b"2"]
    assert [client.get("/once").data for _ in range(2)] == [b"1", b"1"]


def test_the_class_is_given_its_arguments(app: Any, flask: Any) -> None:
    class Show(flask.views.View):
        def __init__(self, a: Any, b: Any = None) -> None:
            self.values = a, b

        def dispatch_request(self, **values: Any) -> Any:
            return [*self.values, values]

    app.add_url_rule("/<x>/<int:y>", view_func=Show.as_view("show", "first", b="second"))
    assert app.test_client().get("/p/5").json == ["first", "second", {"x": "p", "y": 5}]


def test_decorators_are_applied_in_order(app: Any, flask: Any) -> None:
    def add(text: str) -> Any:
        def decorate(f: Any) -> Any:
            def new(*args: Any, **kwargs: Any) -> Any:
                return f(*args, **kwargs) + text

            return new

        return decorate

    class Index(flask.views.View):
        decorators = [add("1"), add("2")]  # noqa: RUF012

        def dispatch_request(self) -> str:
            return "Awesome"

    view = Index.as_view("index")
    assert view.__name__ == "index"
    assert view.__module__ == "test_views_classes" or view.__module__ == __name__
    assert view.view_class is Index
    app.add_url_rule("/", view_func=view)
    assert app.test_client().get("/").data == b"Awesome12"


def test_a_decorator_sees_the_name_of_the_view(flask: Any) -> None:
    seen: list[Any] = []

    def note(f: Any) -> Any:
        seen.append((f.__name__, f.__module__))
        return f

    class Index(flask.views.View):
        """Documented."""

        decorators = [note]  # noqa: RUF012

        def dispatch_request(self) -> str:
            return ""

    view = Index.as_view("named")
    assert seen == [("named", __name__)]
    assert view.__doc__ == "Documented."
    assert (view.methods, view.provide_automatic_options) == (None, None)


def test_a_class_without_methods_takes_none(flask: Any) -> None:
    class Nothing(flask.views.MethodView):
        pass

    assert Nothing.methods is None
    assert flask.views.View.methods is None
    assert flask.views.View.init_every_request is True
    assert flask.views.View.provide_automatic_options is None
    assert list(flask.views.View.decorators) == []
    assert flask.views.http_method_funcs == {"get", "post", "head", "options", "delete", "put", "trace", "patch"}


def test_the_methods_of_a_rule_may_limit_a_method_view(app: Any, flask: Any) -> None:
    class Users(flask.views.MethodView):
        def get(self, id: Any = None) -> str:
            return f"get {id}"

        def post(self) -> str:
            return "post"

        def delete(self, id: int) -> str:
            return f"delete {id}"

    view = Users.as_view("users")
    app.add_url_rule("/users/", defaults={"id": None}, view_func=view, methods=["GET"])
    app.add_url_rule("/users/", view_func=view, methods=["POST"])
    app.add_url_rule("/users/<int:id>", view_func=view, methods=["GET", "DELETE"])
    client = app.test_client()
    assert client.get("/users/").data == b"get None"
    assert client.post("/users/").data == b"post"
    assert client.get("/users/3").data == b"get 3"
    assert client.delete("/users/3").data == b"delete 3"
    assert client.delete("/users/").status_code == 405


def test_a_subclass_may_override_dispatch_request(app: Any, flask: Any) -> None:
    class Api(flask.views.MethodView):
        def dispatch_request(self, *args: Any, **kwargs: Any) -> Any:
            return {"data": super().dispatch_request(*args, **kwargs)}

    class Item(Api):
        def get(self, n: int) -> int:
            return n

    app.add_url_rule("/<int:n>", view_func=Item.as_view("item"))
    assert app.test_client().get("/5").json == {"data": 5}


def test_blueprints_take_views_too(app: Any, flask: Any) -> None:
    class Item(flask.views.MethodView):
        def get(self) -> str:
            return str(flask.request.endpoint)

    bp = flask.Blueprint("bp", __name__)
    bp.add_url_rule("/", view_func=Item.as_view("item"))
    app.register_blueprint(bp)
    assert app.test_client().get("/").data == b"bp.item"
