"""Flask's public registries: changed directly by extensions, at any time and at any depth, they take effect."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.exceptions import NotFound

from erlen import Blueprint, Erlen
from erlen.lifecycle.hooks import Changes, HookList, ObservedDict, handler_table, hook_table


@pytest.fixture
def served(app: Any) -> Any:
    """An application with a view in a blueprint, which has answered a request already."""
    blueprint = Blueprint("shop", __name__)
    blueprint.route("/")(lambda: "view")
    blueprint.add_url_rule("/broken", "broken", lambda: 1 / 0)
    app.register_blueprint(blueprint)
    assert app.test_client().get("/").text == "view"
    assert app.test_client().get("/broken").status_code == 500
    return app


def hook() -> str:
    """Answer in the view's place."""
    return "hook"


def other() -> str:
    """Answer in the view's place, too."""
    return "other"


CHANGES: list[Callable[[dict[Any, Any]], Any]] = [
    lambda funcs: funcs.setdefault(None, []).append(hook),
    lambda funcs: funcs.setdefault("shop", []).append(hook),
    lambda funcs: funcs.setdefault("shop", [hook]),
    lambda funcs: funcs[None].append(hook),
    lambda funcs: funcs["shop"].append(hook),
    lambda funcs: funcs["shop"].insert(0, hook),
    lambda funcs: funcs["shop"].extend([hook]),
    lambda funcs: funcs.__setitem__("shop", [hook]),
    lambda funcs: funcs.__setitem__("shop", (hook,)),
    lambda funcs: funcs.update({"shop": [hook]}),
    lambda funcs: funcs.update(shop=[hook]),
    lambda funcs: funcs.__ior__({"shop": [hook]}),
    lambda funcs: funcs["shop"].__iadd__([hook]),
    lambda funcs: (funcs["shop"].append(other), funcs["shop"].__setitem__(0, hook)),
    lambda funcs: (funcs["shop"].append(other), funcs["shop"].__setitem__(slice(0, 1), [hook])),
    lambda funcs: (funcs["shop"].extend([other, hook]), funcs["shop"].reverse()),
    lambda funcs: (funcs["shop"].extend([other, hook]), funcs["shop"].sort(key=lambda f: f.__name__)),
    lambda funcs: (funcs["shop"].extend([other, hook]), funcs["shop"].remove(other)),
    lambda funcs: (funcs["shop"].extend([other, hook]), funcs["shop"].pop(0)),
    lambda funcs: (funcs["shop"].extend([other, hook]), funcs["shop"].__delitem__(0)),
    lambda funcs: (funcs["shop"].append(other), funcs["shop"].clear(), funcs["shop"].append(hook)),
    lambda funcs: (funcs.setdefault("shop", []), funcs["shop"].append(hook)),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_before_request_function_put_in_by_hand_runs_from_the_next_request_on(served: Any, change: Any) -> None:
    change(served.before_request_funcs)
    assert served.test_client().get("/").text == "hook"


@pytest.mark.parametrize(
    "change",
    [
        lambda funcs: funcs.pop("shop"),
        lambda funcs: funcs.popitem(),
        lambda funcs: funcs.clear(),
        lambda funcs: funcs.__delitem__("shop"),
        lambda funcs: funcs["shop"].clear(),
        lambda funcs: funcs["shop"].pop(),
        lambda funcs: funcs["shop"].remove(hook),
        lambda funcs: funcs["shop"].__delitem__(slice(None)),
        lambda funcs: funcs["shop"].__imul__(0),
        lambda funcs: funcs.__setitem__("shop", []),
    ],
)
def test_one_that_is_taken_out_runs_no_more(served: Any, change: Any) -> None:
    served.before_request_funcs.clear()
    served.before_request_funcs["shop"] = [hook]
    assert served.test_client().get("/").text == "hook"
    change(served.before_request_funcs)
    assert served.test_client().get("/").text == "view"


def test_a_registry_may_be_replaced_as_a_whole_and_is_observed_from_then_on(served: Any) -> None:
    served.before_request_funcs = {None: [hook]}
    assert served.test_client().get("/").text == "hook"
    served.before_request_funcs[None].clear()
    served.before_request_funcs.setdefault("shop", []).append(other)
    assert served.test_client().get("/").text == "other"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("view_functions", {"shop.<lambda>": hook}),
        ("after_request_funcs", {None: [lambda response: Erlen.response_class("hook")]}),
        ("url_value_preprocessors", {None: [lambda endpoint, values: None]}),
        ("error_handler_spec", {None: {None: {ZeroDivisionError: lambda error: "hook"}}}),
    ],
)
def test_the_other_registries_may_be_replaced_too(served: Any, name: str, value: Any) -> None:
    setattr(served, name, value)
    path = "/broken" if name == "error_handler_spec" else "/"
    assert served.test_client().get(path).text == ("view" if name == "url_value_preprocessors" else "hook")


def test_lists_of_teardowns_and_first_visits_may_be_replaced(served: Any) -> None:
    seen: list[Any] = []
    served.teardown_appcontext_funcs = [seen.append]
    served.before_first_visit_funcs = [hook]
    assert served.test_client().get("/").text == "hook"
    assert seen == [None]
    served.teardown_appcontext_funcs.append(lambda error: seen.append("second"))
    served.test_client().get("/")
    assert seen == [None, "second", None]


def test_after_functions_teardowns_and_preprocessors_take_effect_too(served: Any) -> None:
    log: list[str] = []

    def after(response: Any) -> Any:
        log.append("after")
        return response

    served.after_request_funcs.setdefault("shop", []).append(after)
    served.teardown_request_funcs.setdefault(None, []).append(lambda error: log.append("teardown"))
    served.url_value_preprocessors["shop"].append(lambda endpoint, values: log.append(endpoint))
    served.teardown_appcontext_funcs.append(lambda error: log.append("teardown app"))
    served.test_client().get("/")
    assert log == ["shop.<lambda>", "after", "teardown", "teardown app"]


def test_a_view_may_be_replaced(served: Any) -> None:
    served.view_functions["shop.<lambda>"] = lambda: "replaced"
    assert served.test_client().get("/").text == "replaced"


def test_a_view_may_be_wrapped_by_an_extension(served: Any) -> None:
    for endpoint, view in served.view_functions.items():
        served.view_functions[endpoint] = (lambda inner: lambda **values: f"<{inner(**values)}>")(view)
    assert served.test_client().get("/").text == "<view>"


def test_a_view_that_is_taken_away_is_explained(served: Any) -> None:
    del served.view_functions["shop.<lambda>"]
    served.testing = True
    with pytest.raises(LookupError) as caught:
        served.test_client().get("/")
    text = str(caught.value)
    assert "The rule for endpoint 'shop.<lambda>' matched, but the endpoint has no view function." in text
    assert "@app.endpoint('shop.<lambda>')" in text
    with served.test_request_context("/"), pytest.raises(LookupError, match="has no view function"):
        served.dispatch_request()


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec["shop"][None].__setitem__(ZeroDivisionError, lambda error: "hook"),
        lambda spec: spec[None][None].__setitem__(ArithmeticError, lambda error: "hook"),
        lambda spec: spec.__setitem__("shop", {None: {ZeroDivisionError: lambda error: "hook"}}),
        lambda spec: spec["shop"].__setitem__(None, {Exception: lambda error: "hook"}),
        lambda spec: spec.setdefault("shop", {}).setdefault(None, {}).setdefault(Exception, lambda error: "hook"),
        lambda spec: spec.update({None: {None: {Exception: lambda error: "hook"}}}),
    ],
)
def test_error_handlers_put_in_at_any_level_take_effect(served: Any, change: Any) -> None:
    change(served.error_handler_spec)
    assert served.test_client().get("/broken").text == "hook"


def test_an_error_handler_by_code_put_in_by_hand_takes_effect(served: Any) -> None:
    served.error_handler_spec[None][404][NotFound] = lambda error: ("none", 404)
    assert served.test_client().get("/nowhere").text == "none"
    del served.error_handler_spec[None][404][NotFound]
    assert "<title>404 Not Found</title>" in served.test_client().get("/nowhere").text


def test_context_processors_and_url_defaults_put_in_by_hand_take_effect(served: Any) -> None:
    from erlen import render_template_string, url_for

    served.template_context_processors["shop"].append(lambda: {"word": "from the registry"})
    served.url_default_functions[None].append(lambda endpoint, values: values.setdefault("page", 2))
    served.view_functions["shop.<lambda>"] = lambda: render_template_string("{{ word }}") + url_for("shop.broken")
    assert served.test_client().get("/").text == "from the registry/broken?page=2"


def test_a_rule_added_to_the_map_is_found(served: Any) -> None:
    served.url_map.add(served.url_rule_class("/late", endpoint="late"))
    served.view_functions["late"] = lambda: "late"
    assert served.test_client().get("/late").text == "late"


def test_a_change_made_by_a_request_does_not_disturb_it(served: Any) -> None:
    def once() -> None:
        served.before_request_funcs[None].remove(once)
        served.before_request_funcs[None].append(hook)

    served.before_request_funcs[None].append(once)
    client = served.test_client()
    assert client.get("/").text == "view"
    assert client.get("/").text == "hook"


def test_a_plan_that_a_change_overtook_is_not_kept(served: Any) -> None:
    # The compiler stores into the table that it took before it began.
    class Late(list[Any]):
        def __iter__(self) -> Any:
            served.before_request_funcs["shop"] = [hook]
            return super().__iter__()

    served._changes.note()
    served.before_first_visit_funcs.append(lambda: None)
    dict.__setitem__(served.url_value_preprocessors, None, Late([lambda endpoint, values: None]))
    client = served.test_client()
    client.get("/")
    dict.pop(served.url_value_preprocessors, None)
    assert client.get("/").text == "hook"


# --- the parts ---


def test_a_missing_scope_is_an_empty_list_and_get_makes_none() -> None:
    table = hook_table(Changes())
    assert table.get("nowhere") is None
    assert table["made"] == []
    assert list(table) == ["made"]


def test_a_missing_exception_class_is_a_key_error() -> None:
    table = handler_table(Changes())
    with pytest.raises(KeyError):
        table["scope"][404][NotFound]
    assert table == {"scope": {404: {}}}


def test_a_list_of_the_same_registry_is_kept_as_it_is_and_one_of_another_is_copied() -> None:
    one, two = hook_table(Changes()), hook_table(Changes())
    kept = one["a"]
    one["b"] = kept
    two["b"] = kept
    assert one["b"] is kept
    assert two["b"] is not kept
    two["b"].append(hook)
    assert kept == []


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_are_plain_dicts_and_lists(way: Any) -> None:
    table = hook_table(Changes())
    table["a"].append(hook)
    table[None] = [other]
    copied = way(table)
    assert copied == {"a": [hook], None: [other]}
    assert type(copied) is dict
    assert type(way(table["a"])) is list


def test_observed_values_compare_as_dicts_and_lists() -> None:
    changes = Changes()
    assert HookList(changes, [1]) == [1]
    assert ObservedDict(changes, None, {"a": 1}) == {"a": 1}
    assert HookList(changes) == []


def test_setdefault_without_a_default_makes_an_empty_value_or_none() -> None:
    assert hook_table(Changes()).setdefault("a") == []
    plain = ObservedDict(Changes())
    assert plain.setdefault("a") is None
    assert plain.setdefault("a", 5) is None


def test_the_changing_methods_bear_their_names_and_docs() -> None:
    assert HookList.append.__name__ == "append"
    assert HookList.append.__doc__ == list.append.__doc__
    assert ObservedDict.pop(ObservedDict(Changes(), None, {"a": 1}), "a") == 1
