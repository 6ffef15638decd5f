"""Has Erlen stand for Flask: what says ``import flask`` afterwards runs on Erlen, without a change.

::

    import erlen

    erlen.install_as_flask()

    from shop import app  # says: from flask import Flask
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from erlen.callables import shorten
from erlen.errors import ErlenError
from erlen.loading import load

__all__ = ["FlaskLoaded", "install_as_flask", "uninstall_as_flask"]

#: Flask's modules; each has its counterpart below ``erlen.flask``.
MODULES = (
    "app",
    "blueprints",
    "cli",
    "config",
    "ctx",
    "debughelpers",
    "globals",
    "helpers",
    "json",
    "json.provider",
    "json.tag",
    "logging",
    "sansio",
    "sansio.app",
    "sansio.blueprints",
    "sansio.scaffold",
    "sessions",
    "signals",
    "templating",
    "testing",
    "typing",
    "views",
    "wrappers",
)
_OURS = "erlen.flask"


class FlaskLoaded(ErlenError, RuntimeError):
    """The real Flask is loaded already, so that Erlen cannot stand for it.

    :param by: the modules that have names of Flask's
    """

    def __init__(self, by: list[str]) -> None:
        super().__init__(by)
        self.by = by

    def __str__(self) -> str:
        if self.by:
            others = f", and then {', '.join(self.by[1:4])}" if len(self.by) > 1 else ""
            found = f"{self.by[0]} has imported it{others}"
        else:
            found = "something has imported it"
        return (
            f"Erlen cannot stand for Flask, because the real Flask is loaded already: {found}. Some modules would use "
            "one and some the other.\nPut the call before the first import of Flask and of its extensions, best in a "
            "module that imports nothing else before it:\n\n"
            "    import erlen\n\n    erlen.install_as_flask()\n\n    from shop import app\n\n"
            "or start with 'erlen --as-flask'."
        )


def install_as_flask() -> None:
    """Have ``import flask`` mean Erlen, in this process and from now on. A second call does nothing.

    ``flask`` and its modules are put where Python looks up what is imported, so that neither an application nor an
    extension needs a change, whether the real Flask is installed or not. ``importlib.metadata.version("flask")`` then
    answers the version whose API is offered.

    :raises FlaskLoaded: if the real Flask is loaded already; names the module that has done it
    """
    package = load(_OURS)
    loaded = sys.modules.get("flask")
    if loaded is package:
        return
    if loaded is not None:
        raise FlaskLoaded(_users_of(loaded))
    for name in MODULES:
        sys.modules[f"flask.{name}"] = load(f"{_OURS}.{name}")
    sys.modules["flask"] = package
    sys.meta_path.insert(0, load("erlen.flask.metadata").FlaskFinder())


def uninstall_as_flask() -> None:
    """Have ``import flask`` mean the real Flask again, for tests. What was imported meanwhile keeps Erlen's names."""
    for name in ("flask", *(f"flask.{module}" for module in MODULES)):
        if sys.modules.get(name) is sys.modules.get(f"erlen.{name}"):
            sys.modules.pop(name, None)
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != f"{_OURS}.metadata"]


def _users_of(flask: ModuleType) -> list[str]:
    """Return the modules that have names of *flask*, in the order in which their import has ended."""
    # By identity too: the proxies have the type of something else.
    names = {id(value) for name, value in vars(flask).items() if name[:1] != "_" and name not in ("annotations", "t")}
    return [
        _described(module)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] not in ("flask", "erlen")
        and any(value is flask or id(value) in names or _is_flasks(value) for value in _values_of(module))
    ]


def _values_of(module: ModuleType) -> Iterable[Any]:
    return list(getattr(module, "__dict__", {}).values())


def _is_flasks(value: Any) -> bool:
    # An instance is asked by its type only: it may be a proxy, whose attributes are those of something else.
    kind = value if isinstance(value, type) else type(value)
    origin = value.__name__ if isinstance(value, ModuleType) else getattr(kind, "__module__", None)
    return isinstance(origin, str) and origin.partition(".")[0] == "flask"


def _described(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    return module.__name__ if file is None else f"{module.__name__} ({shorten(file)})"
