"""docs/architecture.md is true of the code: its layers are those of the files and of import-linter."""

from __future__ import annotations

import re
import tomllib

from markdown_pages import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SOURCE = ROOT / "src" / "erlen"


def modules_in_the_table() -> list[str]:
    """Return the modules of the layer table from top to bottom, as import-linter calls them."""
    rows = re.findall(r"^\| \d+ \| (.+?) \|", PAGE, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([\w/]+?)(?:\.py|/)`", row)]
    assert len(names) == len(set(names))
    return names


def test_the_table_names_every_module_and_no_other() -> None:
    there = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert set(modules_in_the_table()) == there - {"__init__"}


def test_the_order_of_the_table_is_the_one_that_is_enforced() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    enforced = [layer.strip("()") for layer in layers]
    table = modules_in_the_table()
    assert [name for name in enforced if name in table] == table


def test_every_file_that_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", PAGE)
    assert named
    for name in named:
        assert (SOURCE / name).exists() or (ROOT / name).exists(), name


def test_every_module_inside_a_package_is_told_of() -> None:
    told = set(re.findall(r"`((?:\w+/)*\w+\.py)`", PAGE))
    inside = {path.relative_to(SOURCE).as_posix() for path in SOURCE.glob("*/**/*.py") if path.name != "__init__.py"}
    assert inside - told == set()
