"""What ``__all__`` of a module promises is there, and says what it does."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"


def names_of_modules(*, exporting: bool) -> Iterator[str]:
    """Yield the modules of the package, or those of them that say what they export."""
    for path in sorted((SOURCE / "erlen").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if parts[-1] not in ("__main__", "as_flask") and (not exporting or "\n__all__" in path.read_text()):
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.fixture(params=list(names_of_modules(exporting=False)))
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


@pytest.fixture(params=list(names_of_modules(exporting=True)))
def exporter(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def is_ours(value: object) -> bool:
    return str(getattr(value, "__module__", "")).split(".")[0] == "erlen"


def members(owner: type) -> Iterator[str]:
    """Yield the names of the public methods and properties that a class defines itself; a test's name is a sentence."""
    kinds = (property, functools.cached_property, classmethod, staticmethod)
    for name, value in vars(owner).items():
        if not name.startswith(("_", "test_")) and (inspect.isfunction(value) or isinstance(value, kinds)):
            yield name


def without_docstring(module: ModuleType) -> Iterator[str]:
    for name in module.__all__:
        value = getattr(module, name)
        if not is_ours(value) or not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        if not value.__doc__:
            yield name
        if inspect.isclass(value):
            # getdoc looks at base classes too: a method may leave the words to the one that it overrides.
            yield from (f"{name}.{member}" for member in members(value) if not inspect.getdoc(getattr(value, member)))


def test_every_module_says_what_it_is_for(module: ModuleType) -> None:
    assert (module.__doc__ or "").strip()


def test_every_exported_name_exists_and_is_listed_once(exporter: ModuleType) -> None:
    assert [name for name in exporter.__all__ if not hasattr(exporter, name)] == []
    assert sorted(exporter.__all__) == sorted(set(exporter.__all__))


STUBS = sorted((SOURCE / "erlen").rglob("*.pyi"))


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.parent.name)
def test_a_stub_says_of_a_package_what_is_found_there_when_it_is_asked_for(stub: Path) -> None:
    assert stub.name == "__init__.pyi"  # any other would hide the annotations of a module from its checks
    package = importlib.import_module(".".join(stub.parent.relative_to(SOURCE).parts))
    *imports, exported = ast.parse(stub.read_text()).body
    places = {alias.name: node.module for node in imports for alias in node.names}  # type: ignore[attr-defined]
    assert isinstance(exported, ast.Assign)
    assert sorted(ast.literal_eval(exported.value)) == sorted(places) == sorted(package.__all__)
    for name, place in places.items():
        assert getattr(package, name) is getattr(importlib.import_module(place), name)
        assert name in dir(package)
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'sawmill'"):
        package.sawmill  # noqa: B018


def test_every_exported_name_has_a_docstring(exporter: ModuleType) -> None:
    assert list(without_docstring(exporter)) == []
