"""``flask.views``: views as classes, in an application that lends out tools."""

from __future__ import annotations

import functools
from typing import Any

import pytest

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def rule_methods(app: Any, endpoint: str) -> set[str]:
    (rule,) = app.url_map.iter_rules(endpoint)
    methods: set[str] = rule.methods
    return methods


def test_one_class_makes_views_with_other_names_and_arguments(app: Any, flask: Any) -> None:
    class Listing(flask.views.View):
        def __init__(self, things: list[str], *, unit: str = "piece") -> None:
            self.things, self.unit = things, unit

        def dispatch_request(self, letter: str = "") -> Any:
            found = [thing for thing in self.things if thing.startswith(letter)]
            return {"view": flask.request.endpoint, "unit": self.unit, "found": found}

    saws = Listing.as_view("saws", ["rip", "coping", "crosscut"])
    app.add_url_rule("/saws", view_func=saws)
    app.add_url_rule("/saws/<letter>", "some_saws", view_func=saws)
    app.add_url_rule("/glue/<letter>", view_func=Listing.as_view("glue", things=["bone", "hide"], unit="litre"))
    client = app.test_client()
    assert client.get("/saws").json == {"view": "saws", "unit": "piece", "found": ["rip", "coping", "crosscut"]}
    assert client.get("/saws/c").json == {"view": "some_saws", "unit": "piece", "found": ["coping", "crosscut"]}
    assert client.get("/glue/h").json == {"view": "glue", "unit": "litre", "found": ["hide"]}


@pytest.mark.parametrize(("every", "last"), [(True, ["axe"]), (False, ["saw", "axe"])])
def test_what_is_kept_on_self_lasts_as_long_as_the_object(app: Any, flask: Any, every: bool, last: list[str]) -> None:
    class Basket(flask.views.View):
        init_every_request = every

        def __init__(self) -> None:
            self.tools: list[str] = []

        def dispatch_request(self, tool: str) -> Any:
            self.tools.append(tool)
            return self.tools

    app.add_url_rule("/take/<tool>", view_func=Basket.as_view("take"))
    client = app.test_client()
    assert client.get("/take/saw").json == ["saw"]
    assert client.get("/take/axe").json == last


def test_a_view_function_tells_its_name_class_and_text(flask: Any) -> None:
    class Plane(flask.views.View):
        """Makes wood flat."""

        methods = ("PUT",)
        provide_automatic_options = False

    view = Plane.as_view("smoothing_plane", 22)
    assert (view.__name__, view.__doc__, view.__module__) == ("smoothing_plane", "Makes wood flat.", __name__)
    assert (view.view_class, view.methods, view.provide_automatic_options) == (Plane, ("PUT",), False)


def test_the_last_decorator_of_the_list_is_the_outermost(app: Any, flask: Any) -> None:
    steps: list[str] = []

    def door(name: str) -> Any:
        def decorate(view: Any) -> Any:
            steps.append(f"{name} hung on {view.__name__}")

            @functools.wraps(view)
            def passed(**values: Any) -> Any:
                steps.append(f"in by {name}")
                answer = view(**values)
                steps.append(f"out by {name}")
                return answer

            return passed

        return decorate

    class Store(flask.views.MethodView):
        decorators = (door("gate"), door("fence"))

        def get(self, shelf: int) -> str:
            steps.append(f"at shelf {shelf}")
            return "ladder"

    app.add_url_rule("/store/<int:shelf>", view_func=Store.as_view("store"))
    assert steps == ["gate hung on store", "fence hung on store"]
    steps.clear()
    assert app.test_client().get("/store/4").text == "ladder"
    assert steps == ["in by fence", "in by gate", "at shelf 4", "out by gate", "out by fence"]


@pytest.mark.parametrize("own", [method.lower() for method in METHODS])
def test_a_method_view_answers_the_methods_that_it_has(app: Any, flask: Any, own: str) -> None:
    """And OPTIONS, which answers itself, and HEAD where there is GET."""
    lone = type("Lone", (flask.views.MethodView,), {own: lambda self: f"by {own}"})
    app.add_url_rule("/bench", view_func=lone.as_view("bench"))
    assert lone.methods == {own.upper()}
    assert own in flask.views.http_method_funcs
    client = app.test_client()
    answers = {method: client.open("/bench", method=method) for method in METHODS}
    answered = {method for method, response in answers.items() if response.status_code == 200}
    assert answered == {own.upper(), "OPTIONS"} | ({"HEAD"} if own == "get" else set())
    assert answers[own.upper()].text == ("" if own == "head" else f"by {own}")


def test_a_method_view_gathers_the_methods_of_all_its_bases(app: Any, flask: Any) -> None:
    class Seen(flask.views.MethodView):
        def get(self, tool: str) -> str:
            return f"the {tool} {self.verb}"

    class Lent(flask.views.MethodView):
        def put(self, tool: str) -> str:
            return f"the {tool} is lent"

    class Tool(Seen, Lent):
        verb = "hangs here"

        def delete(self, tool: str) -> str:
            return f"the {tool} is broken"

    app.add_url_rule("/tools/<tool>", view_func=Tool.as_view("tool"))
    client = app.test_client()
    assert [client.open("/tools/awl", method=method).text for method in ("DELETE", "PUT", "GET")] == [
        "the awl is broken", "the awl is lent", "the awl hangs here",
    ]  # fmt: skip
    assert (Seen.methods, Lent.methods, Tool.methods) == ({"GET"}, {"PUT"}, {"GET", "PUT", "DELETE"})


def test_the_class_of_all_views_and_an_empty_method_view_name_no_methods(flask: Any) -> None:
    class Empty(flask.views.MethodView):
        pass

    assert flask.views.View.methods is None
    assert Empty.methods is None


@pytest.mark.parametrize(
    ("of_class", "of_rule", "expected"),
    [
        (None, None, {"GET", "HEAD", "OPTIONS"}),
        (["POST"], None, {"POST", "OPTIONS"}),
        (["POST"], ["GET", "PATCH"], {"GET", "HEAD", "PATCH", "OPTIONS"}),
    ],
)
def test_a_rule_takes_the_methods_of_the_class_unless_it_is_given_some(
    app: Any, flask: Any, of_class: Any, of_rule: Any, expected: set[str]
) -> None:
    class Vice(flask.views.View):
        methods = of_class

    given = {} if of_rule is None else {"methods": of_rule}
    app.add_url_rule("/vice", view_func=Vice.as_view("vice"), **given)
    assert rule_methods(app, "vice") == expected


@pytest.mark.parametrize("automatic", [None, False])
def test_a_class_may_do_without_the_automatic_options(app: Any, flask: Any, automatic: Any) -> None:
    class Drill(flask.views.MethodView):
        provide_automatic_options = automatic

        def patch(self) -> str:
            return "sharpened"

    app.add_url_rule("/drill", view_func=Drill.as_view("drill"))
    response = app.test_client().options("/drill")
    if automatic is False:
        assert response.status_code == 405
    else:
        assert (response.status_code, response.allow.as_set()) == (200, {"patch", "options"})


def test_several_rules_share_one_method_view(app: Any, flask: Any) -> None:
    class Loans(flask.views.MethodView):
        def get(self, number: int | None) -> str:
            return "all loans" if number is None else f"loan {number}"

        def post(self) -> str:
            return "a new loan"

        def delete(self, number: int) -> str:
            return f"loan {number} is back"

    loans = Loans.as_view("loans")
    app.add_url_rule("/loans", view_func=loans, methods=["GET"], defaults={"number": None})
    app.add_url_rule("/loans", view_func=loans, methods=["POST"])
    app.add_url_rule("/loans/<int:number>", view_func=loans, methods=["GET", "DELETE"])
    client = app.test_client()
    assert client.get("/loans").text == "all loans"
    assert client.post("/loans").text == "a new loan"
    assert client.get("/loans/12").text == "loan 12"
    assert client.delete("/loans/12").text == "loan 12 is back"
    assert [client.delete("/loans").status_code, client.post("/loans/12").status_code] == [405, 405]


def test_a_head_of_its_own_spares_the_work_of_get(app: Any, flask: Any) -> None:
    class Catalogue(flask.views.MethodView):
        def get(self) -> str:
            raise NotImplementedError("nobody counts the tools for a HEAD")

        def head(self) -> Any:
            return "", {"X-Tools": "310"}

    app.add_url_rule("/catalogue", view_func=Catalogue.as_view("catalogue"))
    assert app.test_client().head("/catalogue").headers["X-Tools"] == "310"


def test_a_method_that_is_named_and_not_written_is_told(app: Any, flask: Any) -> None:
    class Forge(flask.views.MethodView):
        methods = ("PUT", "GET")

        def get(self) -> str:
            return "cold"

    app.add_url_rule("/forge", view_func=Forge.as_view("forge"))
    with pytest.raises(AssertionError, match="Unimplemented method 'PUT'"):
        app.test_client().put("/forge")


def test_a_view_without_dispatch_request_is_not_implemented(app: Any, flask: Any) -> None:
    class Blank(flask.views.View):
        pass

    app.add_url_rule("/blank", view_func=Blank.as_view("blank"))
    with pytest.raises(NotImplementedError):
        app.test_client().get("/blank")


def test_a_base_may_wrap_what_the_methods_answer(app: Any, flask: Any) -> None:
    class Labelled(flask.views.MethodView):
        def dispatch_request(self, **values: Any) -> Any:
            return {"label": type(self).__name__, "value": super().dispatch_request(**values)}

    class Weight(Labelled):
        def get(self, grams: int) -> float:
            return grams / 1000

    app.add_url_rule("/weight/<int:grams>", view_func=Weight.as_view("weight"))
    assert app.test_client().get("/weight/250").json == {"label": "Weight", "value": 0.25}


def test_the_view_of_a_blueprint_has_its_name_in_front(app: Any, flask: Any) -> None:
    class Sign(flask.views.View):
        def dispatch_request(self) -> str:
            return f"{flask.request.blueprint}: {flask.request.endpoint}"

    shed = flask.Blueprint("shed", __name__, url_prefix="/shed")
    shed.add_url_rule("/sign", view_func=Sign.as_view("sign"))
    app.register_blueprint(shed)
    assert app.test_client().get("/shed/sign").text == "shed: shed.sign"
