"""Finds the application that a text such as ``shop.web:create_app("dev")`` means."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import sys
from types import ModuleType
from typing import Any

import click

from erlen.application import Application
from erlen.callables import describe
from erlen.errors import nearest
from erlen.servers.traces import format_trace

__all__ = ["NoAppException", "find_best_app", "find_by_default", "find_by_name", "import_application", "prepare_import"]

_NAMES = ("app", "application")
_FACTORIES = ("create_app", "make_app")
#: What is looked for in the working directory where nothing is named.
_DEFAULTS = ("wsgi", "app")


class NoAppException(click.UsageError):
    """No application was found, or it could not be loaded."""


def import_application(text: str) -> Any:
    """Return the application that *text* means: ``module``, ``module:name``, ``module:factory(arguments)``.

    The module is a dotted name, or a path to a file or package.

    :raises NoAppException: if there is none; it says which part of the text leads nowhere
    """
    path, name = [*re.split(r":(?![\\/])", text, maxsplit=1), None][:2]
    if not path:
        raise NoAppException(f"{text!r} names no module: write module:name, for instance app:{name or 'app'}.")
    module = _import(prepare_import(path), path)
    return find_best_app(module) if name is None else find_by_name(module, name)


def find_by_default() -> Any:
    """Return the application in ``wsgi.py`` or ``app.py`` of the working directory, or None if neither is there.

    :raises NoAppException: if one is there and has no application
    """
    for name in _DEFAULTS:
        if os.path.isfile(f"{name}.py") or os.path.isfile(os.path.join(name, "__init__.py")):
            return find_best_app(_import(prepare_import(f"{name}.py"), f"{name}.py"))
    return None


def prepare_import(path: str) -> str:
    """Return the name to import for *path*, and see that it can be imported: its folder is put on ``sys.path``.

    :param path: a dotted name, or the path of a file or a package, with or without ``.py``
    """
    path = os.path.realpath(path)
    if path.endswith(".py"):
        path = path[:-3]
    if os.path.basename(path) == "__init__":
        path = os.path.dirname(path)
    parts: list[str] = []
    while True:
        path, part = os.path.split(path)
        parts.append(part)
        if not os.path.exists(os.path.join(path, "__init__.py")):
            break
    if sys.path[:1] != [path]:
        sys.path.insert(0, path)
    return ".".join(reversed(parts))


def _import(name: str, path: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The module itself, or a package on the way to it, is not there; anything else is missing inside of it.
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise NoAppException(
                f"Could not import {path!r}: there is no module {error.name!r}.{_hint(name)}"
            ) from None
        raise _failed(name, error) from error
    except ImportError as error:
        raise _failed(name, error) from error


def _failed(name: str, error: ImportError) -> NoAppException:
    trace = format_trace(error)
    return NoAppException(f"While importing {name!r}, an ImportError was raised:\n\n{trace}")


def _hint(name: str) -> str:
    first = name.partition(".")[0]
    try:
        there = [entry.removesuffix(".py") for entry in os.listdir(sys.path[0])]
    except OSError:
        return ""
    near = nearest(first, [entry for entry in there if entry.isidentifier() and entry != first])
    return f" Did you mean {near!r}?" if near else f" Modules are looked for in {sys.path[0]} first."


def find_best_app(module: ModuleType) -> Any:
    """Return the application of *module*: its ``app`` or ``application``, its only instance, or what its factory makes.

    :raises NoAppException: if there is none, or several and none has one of those names
    """
    for name in _NAMES:
        found = getattr(module, name, None)
        if isinstance(found, Application):
            return found
    instances = {
        id(value): (name, value) for name, value in reversed(vars(module).items()) if isinstance(value, Application)
    }
    if len(instances) == 1:
        return next(iter(instances.values()))[1]
    if instances:
        names = sorted(name for name, _ in instances.values())
        raise NoAppException(
            f"There are several applications in module {module.__name__!r}: {', '.join(names)}. "
            f"Say which one: '{module.__name__}:{names[0]}'."
        )
    for name in _FACTORIES:
        factory = getattr(module, name, None)
        if inspect.isfunction(factory):
            return _made(module, name, factory, [], {})
    raise NoAppException(
        f"There is no application in module {module.__name__!r}, neither an instance nor a factory named "
        f"{' or '.join(_FACTORIES)}. Write '{module.__name__}:name' to say what it is called."
        f"{_hint_for(*vars(module).values()).replace(' It is', ' There is')}"
    )


def find_by_name(module: ModuleType, text: str) -> Any:
    """Return the application that *text* names in *module*: an instance, or a factory with or without arguments.

    :raises NoAppException: if there is no such name, or what it stands for is no application and makes none
    """
    name, arguments, keywords = _parse(text)
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise NoAppException(_no_attribute(module, found, part)) from None
    if arguments is not None or inspect.isfunction(found):
        return _made(module, name, found, arguments or [], keywords)
    if isinstance(found, Application):
        return found
    raise NoAppException(
        f"'{module.__name__}:{name}' is a {type(found).__name__}, and no Erlen application: name an application, or a "
        f"function that makes one.{_hint_for(found)}"
    )


def _hint_for(*values: Any) -> str:
    """Say what to write where one of *values* is an application of the real Flask."""
    if not any(kind.__module__ == "flask.app" for value in values for kind in type(value).__mro__):
        return ""
    return " It is one of Flask's: write 'erlen --as-flask' in place of 'erlen', and it runs on Erlen."


def _no_attribute(module: ModuleType, owner: Any, part: str) -> str:
    applications = [name for name, value in vars(module).items() if isinstance(value, Application)]
    near = nearest(part, dir(owner)) or next(iter(applications), None)
    hint = f" Did you mean {near!r}?" if near else ""
    return f"There is no name {part!r} in module {module.__name__!r} ({getattr(module, '__file__', None)}).{hint}"


def _parse(text: str) -> tuple[str, list[Any] | None, dict[str, Any]]:
    """Read ``name`` or ``name(literal, key=literal)``."""
    try:
        expression = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise NoAppException(
            f"Failed to parse {text!r} as a name or as a call of a function: write name, or name('argument')."
        ) from None
    if isinstance(expression, ast.Call):
        try:
            arguments = [ast.literal_eval(value) for value in expression.args]
            keywords = {item.arg: ast.literal_eval(item.value) for item in expression.keywords if item.arg}
            if len(keywords) < len(expression.keywords):
                raise ValueError
        except ValueError:
            raise NoAppException(
                f"The arguments in {text!r} have to be literals, such as 'text', 5, True or ['a', 'b']: a name means "
                "nothing here, and a text needs quotes."
            ) from None
        return _dotted(expression.func, text), arguments, keywords
    return _dotted(expression, text), None, {}


def _dotted(node: ast.expr, text: str) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, text)}.{node.attr}"
    raise NoAppException(f"Failed to parse {text!r} as a name or as a call of a function.")


def _made(module: ModuleType, name: str, factory: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    where = f"'{module.__name__}:{name}'"
    if not callable(factory):
        raise NoAppException(
            f"{where} is a {type(factory).__name__}, which cannot be called: leave the parentheses out."
        )
    signature = _signature(factory)
    if signature is not None:
        try:
            signature.bind(*arguments, **keywords)
        except TypeError as error:
            raise NoAppException(
                f"The factory {describe(factory)} cannot be called with the given arguments: {error}. Its signature is "
                f"{name}{signature}. {_example(module.__name__, name, signature)}"
            ) from None
    app = factory(*arguments, **keywords)
    if not isinstance(app, Application):
        hint = " Does it end with 'return app'?" if app is None else ""
        raise NoAppException(
            f"The factory {describe(factory)} has returned {app!r}, and no Erlen application.{hint or _hint_for(app)}"
        )
    return app


def _signature(factory: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(factory)
    except (TypeError, ValueError):
        return None


def _example(module: str, name: str, signature: inspect.Signature) -> str:
    needed = [
        parameter.name if parameter.kind is not parameter.KEYWORD_ONLY else f"{parameter.name}=..."
        for parameter in signature.parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    shown = ", ".join(f"'{part}'" if "=" not in part else part.replace("...", "'...'") for part in needed)
    return f'Write for instance: --app "{module}:{name}({shown})"'
