"""The tables behind ``erlen migrate-report``, held against the real Flask and against Erlen."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import flask
import pytest
from werkzeug.local import LocalProxy

from erlen.config import RETIRED, SETTINGS, Defaults
from erlen.introspect.flask_names import ATTRIBUTES, MODULES, NAMES, REEXPORTS, REMOVED, find_name

TABLED = [module for module in MODULES if module != "flask.sansio"]


def names_of(module: str) -> dict[str, Any]:
    """Return what a module of the real Flask has, without modules and magic names."""
    found = vars(importlib.import_module(module)).items()
    return {
        name: value
        for name, value in found
        if not name.startswith("__") and name != "annotations" and (is_proxy(value) or not isinstance(value, ModuleType))
    }


def is_proxy(value: Any) -> bool:
    return type(value) is LocalProxy  # isinstance() would ask what it stands for


def exists(dotted: str) -> bool:
    """Tell whether a full name leads to something, by importing what of it is a module."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            if part not in vars(found):
                return False
            found = vars(found)[part]
        return True
    return False


@pytest.mark.parametrize("module", TABLED)
def test_every_name_of_a_module_of_flask_is_in_the_table_and_no_other(module: str) -> None:
    own = {name.rpartition(".")[2] for name in NAMES if name.rpartition(".")[0] == module}
    imported = set(REEXPORTS.get(module, "").split())
    assert own & imported == set()
    assert own | imported == set(names_of(module))


def test_every_module_of_flask_is_in_the_table() -> None:
    loaded = {name for name in sys.modules if name.partition(".")[0] == "flask"} - {"flask.__main__"}
    assert loaded <= set(MODULES)
    assert all(exists(module) for module in MODULES)


def test_every_name_that_is_said_to_be_erlens_is_there() -> None:
    targets = {target for target in NAMES.values() if target} | {target for target in MODULES.values() if target}
    targets |= {gone.erlen for gone in REMOVED.values() if gone.erlen}
    assert [target for target in sorted(targets) if not exists(target)] == []


def test_what_flask_imports_from_other_packages_is_found_where_the_table_says() -> None:
    elsewhere = 0
    for module, names in REEXPORTS.items():
        for name in names.split():
            known = find_name(f"{module}.{name}")
            assert known is not None
            if known.words == "Flask only imports it there." and not str(known.erlen).startswith("erlen."):
                there, _, last = str(known.erlen).rpartition(".")
                value = vars(importlib.import_module(module))[name]
                assert vars(importlib.import_module(there))[last] is value, name
                elsewhere += 1
    assert elsewhere > 50


def test_no_removed_name_is_in_flask() -> None:
    assert [name for name in REMOVED if exists(name)] == []
    assert [name for name in REMOVED if find_name(name)] == []


def test_no_removed_attribute_is_on_flasks_objects() -> None:
    app = flask.Flask("shop")
    owners = [app, flask.Blueprint("shop", "shop"), app.config, flask.Request, flask.Response]
    assert [name for name in ATTRIBUTES for owner in owners if hasattr(owner, name)] == []
