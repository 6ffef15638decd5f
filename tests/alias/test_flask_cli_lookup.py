"""Which application ``flask --app`` means, and what is said where there is none."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from command_tools import APP, message, surroundings, write

from erlen import Erlen
from erlen.flask import cli

__all__ = ["surroundings", "write"]


def module(**names: Any) -> ModuleType:
    made = ModuleType("shop")
    vars(made).update(names)
    return made


def raising(app: Any = None) -> Any:
    raise TypeError("of its own")


@pytest.mark.parametrize("name", ["app", "application", "website"])
def test_an_application_is_found_by_its_name_or_because_it_is_the_only_one(flask: Any, name: str) -> None:
    app = flask.Flask("a")
    assert flask.cli.find_best_app(module(**{name: app, "number": 5})) is app


def test_a_name_that_is_no_application_is_passed_over(flask: Any) -> None:
    app = flask.Flask("a")
    assert flask.cli.find_best_app(module(app="text", application=app)) is app


def test_the_name_app_goes_before_another_application(flask: Any) -> None:
    app = flask.Flask("a")
    assert flask.cli.find_best_app(module(other=flask.Flask("b"), app=app)) is app


def test_an_instance_goes_before_a_factory(flask: Any) -> None:
    app = flask.Flask("a")
    assert flask.cli.find_best_app(module(create_app=lambda: flask.Flask("b"), site=app)) is app


def test_two_applications_have_to_be_told_apart(flask: Any) -> None:
    several = module(one=flask.Flask("a"), two=flask.Flask("b"))
    assert message(flask.cli.find_best_app, several) == (
        "NoAppException: Detected multiple Flask applications in module 'shop'. Use 'shop:name' to specify the correct "
        "one."
    )


def test_one_application_with_two_names_counts_as_two(flask: Any) -> None:
    app = flask.Flask("a")
    assert "Detected multiple" in message(flask.cli.find_best_app, module(one=app, two=app))


@pytest.mark.parametrize("name", ["create_app", "make_app"])
def test_a_factory_is_called(flask: Any, name: str) -> None:
    app = flask.Flask("a")
    assert flask.cli.find_best_app(module(**{name: lambda: app})) is app
    assert flask.cli.find_best_app(module(**{name: lambda *args, key=None, **more: app})) is app


def test_a_factory_that_needs_arguments_is_named(flask: Any) -> None:
    assert message(flask.cli.find_best_app, module(create_app=lambda key: None)) == (
        "NoAppException: Detected factory 'create_app' in module 'shop', but could not call it without arguments. Use "
        "'shop:create_app(args)' to specify arguments."
    )


def test_a_type_error_from_inside_of_a_factory_is_not_hidden(flask: Any) -> None:
    assert message(flask.cli.find_best_app, module(create_app=raising)) == "TypeError: of its own"
    assert message(flask.cli.find_app_by_string, module(create_app=raising), "create_app(1)") == "TypeError: of its own"


def test_a_factory_that_makes_nothing_is_passed_over(flask: Any) -> None:
    app = flask.Flask("a")
    assert flask.cli.find_best_app(module(create_app=lambda: None, make_app=lambda: app)) is app


@pytest.mark.parametrize("names", [{}, {"create_app": lambda: None}, {"create_app": "text"}, {"make_app": dict}])
def test_a_module_without_an_application_is_named(flask: Any, names: dict[str, Any]) -> None:
    assert message(flask.cli.find_best_app, module(**names)) == (
        "NoAppException: Failed to find Flask application or factory in module 'shop'. Use 'shop:name' to specify one."
    )


@pytest.mark.parametrize(
    ("text", "args", "kwargs"),
    [
        ("make", (), {}),
        ("  make  ", (), {}),
        ("make()", (), {}),
        (" make ( ) ", (), {}),
        ("make(1, 'two')", (1, "two"), {}),
        ("make(1, key=[2, {'a': None}])", (1,), {"key": [2, {"a": None}]}),
        ("make(-1.5, (True,), b'x',)", (-1.5, (True,), b"x"), {}),
    ],
)
def test_a_factory_is_called_with_literals(flask: Any, text: str, args: Any, kwargs: Any) -> None:
    app, calls = flask.Flask("a"), []

    def make(*args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        return app

    assert flask.cli.find_app_by_string(module(make=make), text) is app
    assert calls == [(args, kwargs)]


def test_parentheses_after_an_application_do_no_harm(flask: Any) -> None:
    app = flask.Flask("a")
    assert flask.cli.find_app_by_string(module(site=app), "site") is app
    assert flask.cli.find_app_by_string(module(site=app), "site()") is app


@pytest.mark.parametrize("text", ["", "a(", "a b", "5", "'a'", "a.b", "a[0]", "a + b", "a\nb", "lambda: 1", "a; b"])
def test_what_is_neither_a_name_nor_a_call_is_not_read(flask: Any, text: str) -> None:
    said = message(flask.cli.find_app_by_string, module(a=1), text)
    assert said.startswith("NoAppException: ")
    assert repr(text) in said


@pytest.mark.parametrize("text", ["a.b()", "a()()", "a[0]()", "(lambda: 1)()"])
def test_a_called_thing_has_to_be_a_name(flask: Any, text: str) -> None:
    said = message(flask.cli.find_app_by_string, module(a=1), text)
    assert said.startswith("NoAppException: ")
    assert repr(text) in said


@pytest.mark.parametrize("text", ["make(name)", "make(key=name)", "make(f())", "make(*[1])", "make(1 + 1j * 2)"])
def test_arguments_have_to_be_literals(flask: Any, text: str) -> None:
    said = message(flask.cli.find_app_by_string, module(make=lambda *args, **kwargs: None), text)
    assert said.startswith("NoAppException: ")
    assert repr(text) in said


def test_a_name_that_is_not_there_is_named(flask: Any) -> None:
    assert message(flask.cli.find_app_by_string, module(), "site()") == (
        "NoAppException: Failed to find attribute 'site' in 'shop'."
    )


@pytest.mark.parametrize("text", ["make(1)", "make(key=1)", "make(1, key=2)"])
def test_arguments_that_a_factory_does_not_take_are_told(flask: Any, text: str) -> None:
    said = message(flask.cli.find_app_by_string, module(make=lambda: None), text)
    assert said.startswith("NoAppException: ")
    assert repr(text) in said


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "name"),
        (5, "name()"),
        (lambda: None, "name"),
        (functools.partial(lambda: None), "name()"),
        (dict, "name()"),
    ],
)
def test_what_is_no_application_and_makes_none_is_told(flask: Any, value: Any, text: str) -> None:
    assert message(flask.cli.find_app_by_string, module(name=value), text) == (
        f"NoAppException: A valid Flask application was not obtained from 'shop:{text}'."
    )


def test_only_functions_are_factories(flask: Any) -> None:
    class Factory:
        def __call__(self) -> Any:
            return flask.Flask("a")

    assert "valid Flask application" in message(flask.cli.find_app_by_string, module(make=Factory()), "make()")


@pytest.mark.parametrize(
    ("path", "name", "folder"),
    [
        ("shop", "shop", ""),
        ("shop.py", "shop", ""),
        ("shop.web", "shop.web", ""),
        ("inner/shop", "shop", "inner"),
        ("inner/shop.py", "shop", "inner"),
        ("package", "package", ""),
        ("package/__init__", "package", ""),
        ("package/__init__.py", "package", ""),
        ("package/sub/module.py", "package.sub.module", ""),
        ("package/loose/module.py", "module", "package/loose"),
        ("./shop.py", "shop", ""),
    ],
)
def test_a_path_becomes_an_import_name(
    flask: Any, write: Callable[..., Path], tmp_path: Path, path: str, name: str, folder: str
) -> None:
    for each in ("package/__init__.py", "package/sub/__init__.py", "package/loose/module.py"):
        write(each, "")
    before = list(sys.path)
    assert flask.cli.prepare_import(path) == name
    assert sys.path == [str((tmp_path / folder).resolve()), *before]
    flask.cli.prepare_import(path)
    assert len(sys.path) == len(before) + 1


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    write("shop.py", APP + "\n\ndef create_app(name):\n    return Flask(name)\n")
    write("lacking.py", "import nowhere_to_be_found\n")
    write("refusing.py", "raise ImportError('not today')\n")
    write("broken.py", "1 / 0\n")


@pytest.mark.parametrize(("name", "found"), [(None, "shop"), ("app", "shop"), ("create_app('x')", "x")])
@pytest.mark.usefixtures("importable")
def test_a_module_is_imported_and_its_application_found(flask: Any, name: str | None, found: str) -> None:
    assert flask.cli.locate_app("shop", name).name == found
    assert flask.cli.locate_app(module_name="shop", app_name=name, raise_if_not_found=False).name == found


@pytest.mark.parametrize("name", ["nowhere", "nowhere.inside", "shop.inside"])
@pytest.mark.usefixtures("importable")
def test_a_module_that_is_not_there_is_told_or_none(flask: Any, name: str) -> None:
    assert message(flask.cli.locate_app, name, None) == f"NoAppException: Could not import {name!r}."
    assert flask.cli.locate_app(name, None, raise_if_not_found=False) is None


@pytest.mark.parametrize("needed", [True, False])
@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("lacking", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("refusing", "ImportError: not today"),
    ],
)
@pytest.mark.usefixtures("importable")
def test_an_import_error_of_the_module_itself_is_told_with_its_traceback(
    flask: Any, name: str, last: str, needed: bool
) -> None:
    text = message(flask.cli.locate_app, name, None, raise_if_not_found=needed)
    assert text.startswith(
        f"NoAppException: While importing {name!r}, an ImportError was raised:\n\nTraceback (most recent call last):\n"
    )
    assert f"{name}.py" in text
    assert text.endswith(f"{last}\n")


@pytest.mark.usefixtures("importable")
def test_any_other_error_of_a_module_is_not_caught(flask: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        flask.cli.locate_app("broken", None, raise_if_not_found=False)


def test_what_is_raised_is_an_error_of_usage(flask: Any) -> None:
    assert issubclass(flask.cli.NoAppException, flask.cli.click.UsageError)


def test_an_application_of_the_class_erlen_counts() -> None:
    app = Erlen("a")
    assert cli.find_best_app(module(site=app)) is app
    assert cli.find_app_by_string(module(make=lambda: app), "make()") is app
