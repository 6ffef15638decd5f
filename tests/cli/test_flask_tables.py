"""The tables behind ``erlen migrate-report``, held against the real Flask and against Erlen."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import flask
import pytest
from werkzeug.local import LocalProxy

import erlen
import erlen.flask
from erlen.config import RETIRED, SETTINGS, Defaults
from erlen.config.defaults import ERLEN, FLASK
from erlen.introspect.flask_extensions import EXTENSIONS, find_by_import, find_by_requirement, normalised
from erlen.introspect.flask_names import ATTRIBUTES, MODULES, NAMES, REEXPORTS, REMOVED, find_name
from erlen.introspect.flask_settings import (
    ALWAYS,
    DIFFERENCES,
    FLASK_SESSION_SETTINGS,
    FLASK_SETTINGS,
    REMOVED_SETTINGS,
    VARIABLES,
)
from erlen.introspect.judging import judge
from erlen.introspect.source_reading import Use

CHECKED = Path(__file__).resolve().parents[1] / "extensions"
TABLED = [module for module in MODULES if module != "flask.sansio"]


def names_of(module: str) -> dict[str, Any]:
    """Return what a module of the real Flask has, without modules and magic names."""
    found = vars(importlib.import_module(module)).items()
    return {
        name: value
        for name, value in found
        if not name.startswith("__")
        and name != "annotations"
        and (is_proxy(value) or not isinstance(value, ModuleType))
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
            late = isinstance(found, ModuleType) and part in getattr(found, "__all__", ())
            if part not in vars(found) and not late:
                return False
            found = getattr(found, part) if late else vars(found)[part]
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


def test_the_attributes_that_erlen_is_said_to_have_are_there_under_the_alias_too() -> None:
    for app, blueprint in (
        (erlen.Erlen("shop"), erlen.Blueprint("shop", "shop")),
        (erlen.flask.Flask("shop"), erlen.flask.Blueprint("shop", "shop")),
    ):
        for name, gone in ATTRIBUTES.items():
            owner = gone.erlen.partition(".")[0] if gone.erlen else None
            assert hasattr(app, name) == (owner == "app"), name
            assert hasattr(blueprint, name) == (owner == "blueprint"), name


def test_the_settings_of_flask_are_all_in_the_table_and_erlen_has_them() -> None:
    assert set(flask.Flask.default_config) == FLASK_SETTINGS
    assert set(SETTINGS) >= FLASK_SETTINGS | FLASK_SESSION_SETTINGS
    assert set() == FLASK_SETTINGS & FLASK_SESSION_SETTINGS


def verdict_of(kind: str, subject: str, value: object = None) -> str:
    findings, own = judge([Use(kind, subject, "app.py", 1, value=value)])
    assert own == []
    return findings[0].verdict


def test_every_setting_is_treated_by_what_it_is() -> None:
    for name in SETTINGS:
        theirs = name in FLASK_SETTINGS or name in FLASK_SESSION_SETTINGS
        assert verdict_of("setting", name) == ("same" if theirs else "differs"), name
    for name in RETIRED:
        assert verdict_of("setting", name) == "missing", name
    for name in REMOVED_SETTINGS:
        assert name not in SETTINGS
        assert name not in flask.Flask.default_config
        assert verdict_of("setting", name) == "inert", name


def test_a_retired_setting_that_asks_for_what_erlen_does_anyway_may_stay() -> None:
    assert verdict_of("setting", "SESSION_USE_SIGNER", True) == "same"
    assert verdict_of("setting", "SESSION_USE_SIGNER", False) == "missing"
    assert verdict_of("setting", "SESSION_TYPE", "redis") == "same"
    assert verdict_of("setting", "SESSION_TYPE", "cachelib") == "missing"


def test_every_row_in_which_the_defaults_differ_is_told() -> None:
    told = [row for difference in (*DIFFERENCES.values(), *ALWAYS) for row in difference.rows]
    rows = set(Defaults.__struct_fields__)
    assert all(getattr(ERLEN, row) != getattr(FLASK, row) for row in rows)
    assert sorted(told) == sorted(rows)


def test_variables_of_flasks_command_lead_to_those_of_erlens() -> None:
    for name, (target, _) in VARIABLES.items():
        assert target == name.replace("FLASK", "ERLEN")
        assert verdict_of("variable", name) == "moved"


@pytest.mark.parametrize("name", [name for name in NAMES if not name.rpartition(".")[2].startswith("_")])
def test_a_name_of_flask_is_judged_by_where_it_is(name: str) -> None:
    target, verdict = NAMES[name], verdict_of("name", name)
    module, _, last = name.rpartition(".")
    if not hasattr(importlib.import_module(f"erlen.{module}"), last):
        assert verdict == "gone"
    elif target is None:
        assert verdict == "missing"
    else:
        assert verdict == ("same" if target == name.replace("flask", "erlen", 1) else "moved")


def test_what_the_alias_does_not_have_is_to_be_changed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict_of("name", "flask.helpers.get_root_path") == "missing"
    monkeypatch.delattr("erlen.flask.helpers.get_root_path")
    assert verdict_of("name", "flask.helpers.get_root_path") == "gone"


def test_extensions_are_found_by_their_modules_and_by_what_is_installed() -> None:
    names = [normalised(extension.name) for extension in EXTENSIONS]
    modules = [module for extension in EXTENSIONS for module in extension.modules]
    assert len(set(names)) == len(names)
    assert len(set(modules)) == len(modules)
    for extension in EXTENSIONS:
        assert find_by_requirement(extension.name.replace("-", "_").upper()) is extension
        for module in extension.modules:
            assert find_by_import(f"{module}.utils") is extension
        assert not (extension.tested and extension.ended), extension.name


def test_an_extension_counts_as_tested_in_the_version_that_the_tests_install() -> None:
    installed = {}
    for folder in CHECKED.iterdir():
        if (folder / "requirements.txt").exists():
            lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
            pinned = dict(re.sub(r"\[.*\]", "", line).split("==") for line in lines if "==" in line)
            versions = {normalised(name): version for name, version in pinned.items()}
            installed[normalised(folder.name)] = versions[normalised(folder.name)]
    tested = {normalised(extension.name): extension.tested for extension in EXTENSIONS if extension.tested}
    assert tested == installed


def test_what_only_resembles_an_extension_is_none() -> None:
    assert find_by_import("flaskr.db") is None
    assert find_by_import("flask") is None
    assert find_by_requirement("Flask") is None
    assert find_by_requirement("werkzeug") is None
    unknown = find_by_import("flask_unheard_of.views")
    assert unknown is not None
    assert (unknown.name, unknown.tested) == ("flask_unheard_of", "")
