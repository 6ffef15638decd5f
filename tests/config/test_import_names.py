"""Import names: what they lead to, and what is said when they lead nowhere."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from erlen.config import import_object
from erlen.errors import ImportNameError

_numbers = itertools.count()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a package with a fresh name; Python keeps what it has imported."""
    name = f"pantry{next(_numbers)}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("shelf = 1\n")
    (folder / "stores.py").write_text("class Redis:\n    class Inner: pass\n")
    (folder / "broken.py").write_text("import a_module_that_is_not_there\n")
    (folder / "failing.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_name_leads_to_a_module_a_class_or_what_is_in_it(package: str) -> None:
    stores = import_object(f"{package}.stores")
    assert stores.__name__ == f"{package}.stores"
    assert import_object(f"{package}.stores.Redis") is stores.Redis
    assert import_object(f"{package}.stores:Redis") is stores.Redis
    assert import_object(f"{package}.stores:Redis.Inner") is stores.Redis.Inner
    assert import_object(f"{package}.shelf") == 1
    assert import_object(package).shelf == 1


@pytest.mark.parametrize("name", ["", ".", "a..b", "a b", "a:b:c", "a.", "./x.py"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ImportNameError, match=r"It is not a name of the form 'package.module.Name'"):
        import_object(name)


def test_the_nearest_module_of_a_package_is_named(package: str) -> None:
    with pytest.raises(ImportNameError) as caught:
        import_object(f"{package}.store.Redis")
    assert caught.value.problem == (
        f"The package '{package}' has neither a module nor an attribute 'store'. Did you mean 'stores'?"
    )
    assert caught.value.import_name == f"{package}.store.Redis"


def test_the_nearest_attribute_of_a_class_is_named(package: str) -> None:
    with pytest.raises(ImportNameError, match=r"The class 'Redis' has no attribute 'Iner'. Did you mean 'Inner'"):
        import_object(f"{package}.stores.Redis.Iner")
    with pytest.raises(ImportNameError, match=r"The object 'int' has no attribute 'zzzzzz'.$"):
        import_object(f"{package}.shelf.zzzzzz")


def test_a_module_without_a_file_can_be_asked_too() -> None:
    with pytest.raises(ImportNameError, match=r"The module 'sys' has no attribute 'pathh'. Did you mean 'path'"):
        import_object("sys.pathh")


def test_nothing_is_proposed_where_nothing_is_near() -> None:
    with pytest.raises(ImportNameError, match=r"There is no module 'qqqzzzqqqzzz' on the import path.$"):
        import_object("qqqzzzqqqzzz")


@pytest.mark.parametrize(("module", "error"), [("broken", ModuleNotFoundError), ("failing", ZeroDivisionError)])
def test_an_error_inside_the_module_is_not_taken_for_a_wrong_name(
    package: str, module: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        import_object(f"{package}.{module}.Name")
    assert caught.value.__notes__ == [
        f"This happened while '{package}.{module}' was imported, because of the import name '{package}.{module}.Name'."
    ]
