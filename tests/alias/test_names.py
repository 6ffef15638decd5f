"""Every public name of Flask has its counterpart, with the same parameters."""

from __future__ import annotations

import importlib
import inspect
from typing import Any, TypeVar

import flask as real_flask
import pytest
from werkzeug.local import LocalProxy

import erlen.flask
from erlen.alias import MODULES

#: Which names stand for something that is called otherwise, or is of another sort, with the reason.
OTHERWISE = {
    "App": "Erlen's application without a protocol is one class, erlen.application.Application",
    "DebugFilesKeyError": "it is the error of erlen.http.request, which knows what was sent",
    "FormDataRoutingRedirect": "it is the error of erlen.steps, which knows the rule",
    "wsgi_errors_stream": "it is no proxy, but an object with the methods of a stream",
    "pass_script_info": "it is a function of Erlen's, where Flask's is one that click has made",
}

#: Names that there are none of, with the reason.
NOT_OFFERED = {
    "__warningregistry__": "it is made by the first warning",
    "_called_with_wrong_args": "it is a private step of finding the application, which Erlen takes in its own way",
    "_env_file_callback": "it is a private step of an option",
    "_find_package_path": "it is a private step of find_package()",
    "_path_is_ancestor": "it is private, and nothing calls it",
    "_set_app": "it is a private step of an option",
    "_set_debug": "it is a private step of an option",
    "_validate_key": "it is a private step of an option",
    "_werkzeug_version": "it is what _get_werkzeug_version() keeps",
    "_dump_loader_info": "it is a private step of an account that Erlen writes in its own way",
}


def own(module: Any) -> list[str]:
    """Return the public names that *module* itself defines."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, TypeVar)
        and getattr(value, "__module__", None) == module.__name__
    ]


@pytest.mark.parametrize("name", ["", *(f".{module}" for module in MODULES)])
def test_every_name_that_can_be_imported_from_a_module_of_flasks_can_be_imported_from_ours(name: str) -> None:
    real, ours = importlib.import_module(f"flask{name}"), importlib.import_module(f"erlen.flask{name}")
    missing = [each for each in vars(real) if not hasattr(ours, each)]
    assert [each for each in missing if each not in NOT_OFFERED] == []


@pytest.mark.parametrize("name", ["", *(f".{module}" for module in MODULES)])
def test_a_name_that_flask_has_from_elsewhere_is_the_same_object(name: str) -> None:
    real, ours = importlib.import_module(f"flask{name}"), importlib.import_module(f"erlen.flask{name}")
    other = [
        each
        for each, value in vars(real).items()
        if not each.startswith("__")
        and each not in OTHERWISE
        and comes_from_elsewhere(value)
        and getattr(ours, each) is not value
    ]
    assert other == []


def comes_from_elsewhere(value: Any) -> bool:
    """Tell whether *value* is a module, a class or a function that is not Flask's."""
    if inspect.ismodule(value):
        return value.__name__.partition(".")[0] != "flask"
    return (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__.partition(".")[0] != "flask"


@pytest.mark.parametrize("name", ["", *(f".{module}" for module in MODULES)])
def test_a_name_has_the_same_sort_of_value_everywhere(name: str) -> None:
    real, ours = importlib.import_module(f"flask{name}"), importlib.import_module(f"erlen.flask{name}")
    other = {
        each: (value, getattr(ours, each))
        for each, value in vars(real).items()
        if not each.startswith("__")
        and each not in OTHERWISE
        and each not in NOT_OFFERED
        and sort_of(value) != sort_of(getattr(ours, each))
    }
    assert other == {}


def sort_of(value: Any) -> str:
    if type(value).__name__ in ("LocalProxy", "Proxy") or isinstance(value, LocalProxy):
        return "proxy"
    if inspect.isclass(value):
        return f"class {value.__name__}"
    return "function" if inspect.isroutine(value) or hasattr(value, "__wrapped__") else "value"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("wrappers", "RequestBase"),
        ("wrappers", "ResponseBase"),
        ("sessions", "CallbackDict"),
        ("sessions", "TaggedJSONSerializer"),
    ],
)
def test_what_extensions_import_from_where_it_is_not_at_home_is_there(module: str, name: str) -> None:
    real, ours = (getattr(importlib.import_module(f"{root}.{module}"), name) for root in ("flask", "erlen.flask"))
    assert ours.__name__ == real.__name__
    if real.__module__.startswith("werkzeug."):
        assert ours is real


CLASSES = [
    ("app", "Flask"),
    ("blueprints", "Blueprint"),
    ("blueprints", "BlueprintSetupState"),
    ("config", "Config"),
    ("config", "ConfigAttribute"),
    ("ctx", "AppContext"),
    ("ctx", "RequestContext"),
    ("ctx", "_AppCtxGlobals"),
    ("json.provider", "JSONProvider"),
    ("json.provider", "DefaultJSONProvider"),
    ("json.tag", "JSONTag"),
    ("json.tag", "TaggedJSONSerializer"),
    ("sansio.app", "App"),
    ("sansio.scaffold", "Scaffold"),
    ("sessions", "SessionMixin"),
    ("sessions", "SecureCookieSession"),
    ("sessions", "NullSession"),
    ("sessions", "SessionInterface"),
    ("sessions", "SecureCookieSessionInterface"),
    ("templating", "Environment"),
    ("templating", "DispatchingJinjaLoader"),
    ("testing", "EnvironBuilder"),
    ("testing", "FlaskClient"),
    ("testing", "FlaskCliRunner"),
    ("views", "View"),
    ("views", "MethodView"),
    ("wrappers", "Request"),
    ("wrappers", "Response"),
]


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_a_class_has_every_public_attribute_of_flasks(module: str, name: str) -> None:
    real = getattr(importlib.import_module(f"flask.{module}"), name)
    ours = getattr(importlib.import_module(f"erlen.flask.{module}"), name)
    assert [each for each in dir(real) if not each.startswith("_") and not hasattr(ours, each)] == []


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_a_method_takes_every_parameter_of_flasks_by_its_name_and_place(module: str, name: str) -> None:
    real = getattr(importlib.import_module(f"flask.{module}"), name)
    ours = getattr(importlib.import_module(f"erlen.flask.{module}"), name)
    other = {}
    for each in dir(real):
        method = inspect.getattr_static(real, each)
        if (each.startswith("_") and each != "__init__") or not inspect.isfunction(method):
            continue
        wanted, found = parameters(getattr(real, each)), parameters(getattr(ours, each))
        if missing(wanted, found):
            other[each] = f"{wanted} and {found}"
    assert other == {}


@pytest.mark.parametrize("module", [".helpers", ".ctx", ".templating", ".json", ".cli", ".logging"])
def test_a_function_takes_every_parameter_of_flasks_by_its_name_and_place(module: str) -> None:
    real, ours = importlib.import_module(f"flask{module}"), importlib.import_module(f"erlen.flask{module}")
    other = {}
    for name, function in vars(real).items():
        if name in own(real) and inspect.isfunction(function):
            wanted, found = parameters(function), parameters(getattr(ours, name))
            if missing(wanted, found):
                other[name] = f"{wanted} and {found}"
    assert other == {}


def parameters(function: Any) -> list[tuple[str, Any]]:
    return [(one.name, one.kind) for one in inspect.signature(function).parameters.values()]


def missing(wanted: list[tuple[str, Any]], found: list[tuple[str, Any]]) -> bool:
    """Tell whether a call that fits *wanted* may not fit *found*."""
    kinds = [kind for _, kind in found]
    by_place = [
        name
        for name, kind in found
        if kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    ]
    takes_all_places, takes_all_names = (
        inspect.Parameter.VAR_POSITIONAL in kinds,
        inspect.Parameter.VAR_KEYWORD in kinds,
    )
    for place, (name, kind) in enumerate(wanted):
        if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            fits = by_place[place] == name if place < len(by_place) else (takes_all_places or takes_all_names)
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            fits = takes_all_places
        elif kind is inspect.Parameter.VAR_KEYWORD:
            fits = takes_all_names
        else:
            fits = takes_all_names or name in [one for one, _ in found]
        if not fits:
            return True
    return False


def test_the_version_is_that_of_the_flask_that_is_stood_for() -> None:
    assert erlen.flask.__version__ == real_flask.__version__


def test_a_name_that_there_is_none_of_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        erlen.flask.nonsense  # noqa: B018


def test_the_first_settings_are_flasks() -> None:
    assert dict(erlen.flask.Flask.default_config) == dict(real_flask.Flask.default_config)
    assert dict(erlen.flask.Flask("a").config) == dict(real_flask.Flask("a").config)
