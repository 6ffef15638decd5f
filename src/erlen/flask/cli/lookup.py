"""Finds the application that ``flask --app`` means, by Flask's rules, and says why it is not found."""

from __future__ import annotations

import ast
import inspect
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

from erlen.application import Application
from erlen.cli.discovery import NoAppException

__all__ = ["called_with_wrong_args", "find_app_by_string", "find_best_app", "locate_app"]


def find_best_app(module: ModuleType) -> Any:
    """Return the application of *module*: its ``app`` or ``application``, its only instance, or what its factory makes.

    :raises NoAppException: if there is none, or several, or the factory needs arguments
    """
    for name in ("app", "application"):
        found = getattr(module, name, None)
        if isinstance(found, Application):
            return found
    instances = [value for value in vars(module).values() if isinstance(value, Application)]
    if len(instances) == 1:
        return instances[0]
    if instances:
        raise NoAppException(
            f"Detected multiple Flask applications in module '{module.__name__}'. Use '{module.__name__}:name' to "
            "specify the correct one."
        )
    for name in ("create_app", "make_app"):
        factory = getattr(module, name, None)
        if not inspect.isfunction(factory):
            continue
        try:
            app = factory()
        except TypeError as error:
            if not called_with_wrong_args(factory):
                raise
            raise NoAppException(
                f"Detected factory '{name}' in module '{module.__name__}', but could not call it without arguments. "
                f"Use '{module.__name__}:{name}(args)' to specify arguments."
            ) from error
        if isinstance(app, Application):
            return app
    raise NoAppException(
        f"Failed to find Flask application or factory in module '{module.__name__}'. Use '{module.__name__}:name' to "
        "specify one."
    )


def called_with_wrong_args(f: Callable[..., Any]) -> bool:
    """Tell whether the exception that is being handled comes from the call of *f*, and not from inside of it.

    :param f: what was called
    """
    # A call that does not fit never enters the function.
    return all(frame.f_code is not f.__code__ for frame, _ in traceback.walk_tb(sys.exc_info()[2]))


def find_app_by_string(module: ModuleType, app_name: str) -> Any:
    """Return the application that *app_name* names in *module*.

    :param app_name: a name, or a call of a function with literal arguments, ``create_app('dev', debug=True)``
    :raises NoAppException: if the text cannot be read, there is no such name, or no application comes of it
    """
    name, arguments, keywords = _parse(app_name)
    try:
        found = getattr(module, name)
    except AttributeError as error:
        raise NoAppException(f"Failed to find attribute {name!r} in {module.__name__!r}.") from error
    if inspect.isfunction(found):
        try:
            found = found(*arguments, **keywords)
        except TypeError as error:
            if not called_with_wrong_args(found):
                raise
            raise NoAppException(
                f"The factory {name!r} of {module.__name__!r} does not take the arguments of {app_name!r}: {error}"
            ) from error
    if isinstance(found, Application):
        return found
    raise NoAppException(f"A valid Flask application was not obtained from '{module.__name__}:{app_name}'.")


def _parse(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Read ``name`` or ``name(literal, key=literal)``."""
    unreadable = f"{text!r} is neither a name nor a call: write 'shop:app' or 'shop:create_app(debug=True)'."
    try:
        expression = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise NoAppException(unreadable) from None
    if isinstance(expression, ast.Name):
        return expression.id, [], {}
    if not isinstance(expression, ast.Call):
        raise NoAppException(unreadable)
    if not isinstance(expression.func, ast.Name):
        raise NoAppException(f"Only a name can be called, as in 'create_app()': {text!r}.")
    try:
        arguments = [ast.literal_eval(value) for value in expression.args]
        keywords = {item.arg: ast.literal_eval(item.value) for item in expression.keywords if item.arg}
    except ValueError:
        raise NoAppException(f"Only literals can be arguments, as in 'create_app(1, debug=True)': {text!r}.") from None
    return expression.func.id, arguments, keywords


def locate_app(module_name: str, app_name: str | None, raise_if_not_found: bool = True) -> Any:
    """Import a module and return its application.

    :param module_name: the dotted name of the module
    :param app_name: a name or a call, as for :func:`find_app_by_string`; None for :func:`find_best_app`
    :param raise_if_not_found: with False, None is returned if there is no such module
    :raises NoAppException: if there is no such module, its import fails, or it has no application
    """
    try:
        __import__(module_name)
    except ImportError as error:
        trace = error.__traceback__
        if trace is not None and trace.tb_next is not None:  # it was raised below this frame: the module is there
            raise NoAppException(
                f"While importing {module_name!r}, an ImportError was raised:\n\n{traceback.format_exc()}"
            ) from None
        if raise_if_not_found:
            raise NoAppException(f"Could not import {module_name!r}.") from None
        return None
    module = sys.modules[module_name]
    return find_best_app(module) if app_name is None else find_app_by_string(module, app_name)
