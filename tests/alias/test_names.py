"""Every public name of Flask has its counterpart, with the same parameters."""

from __future__ import annotations

import importlib
import inspect
from typing import Any, TypeVar

import flask as real_flask
import pytest

import erlen.flask
from erlen.alias import MODULES


def own(module: Any) -> list[str]:
    """Return the public names that *module* itself defines."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, TypeVar)
        and getattr(value, "__module__", None) == module.__name__
    ]


def test_the_package_has_every_name_of_flasks() -> None:
    names = [name for name in dir(real_flask) if not name.startswith("_") and name not in ("annotations", "t")]
    assert [name for name in names if not hasattr(erlen.flask, name)] == []


@pytest.mark.parametrize("name", [f".{module}" for module in MODULES if module != "sansio"])
def test_a_module_has_every_public_name_of_flasks(name: str) -> None:
    real, ours = importlib.import_module(f"flask{name}"), importlib.import_module(f"erlen.flask{name}")
    assert [each for each in own(real) if not hasattr(ours, each)] == []


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
