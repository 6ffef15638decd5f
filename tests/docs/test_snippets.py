"""Every snippet of the documentation runs, and what a page claims about it is true."""

from __future__ import annotations

import doctest
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from markdown_pages import PAGES, ROOT, Step, steps_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that a page's files are saved in, made the working directory and a place to import from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file may be saved again within the same second
    monkeypatch.setattr(os, "environ", os.environ.copy())
    for name, module in list(sys.modules.items()):
        if is_below(
            module, tmp_path_factory.getbasetemp()
        ):  # another test may have had an app.py or config.py of its own
            monkeypatch.delitem(sys.modules, name)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if is_below(sys.modules[name], tmp_path):
            del sys.modules[name]


def is_below(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(folder)


def importer(folder: Path) -> Callable[[str], ModuleType]:
    """Return a function for hidden tests: it imports a module of the page as the files are now."""

    def fresh(name: str) -> ModuleType:
        for known in [known for known, module in sys.modules.items() if is_below(module, folder)]:
            del sys.modules[known]
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return fresh


def check_text(expected: str, actual: str) -> None:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if not doctest.OutputChecker().check_output(expected, actual, options):
        assert actual == expected


def run_python(step: Step, namespace: dict[str, Any]) -> None:
    # Errors name the file and line of a function: those of a snippet say "app.py", as they would for a reader.
    exec(compile(step.text, "app.py", "exec", dont_inherit=True), namespace)


def run_shell(step: Step, folder: Path) -> None:
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT / "src")}
    programs = 'erlen() { "$PYTHON" -m erlen "$@"; }\n'  # whether it is installed or not
    lines = step.text.splitlines(keepends=True)
    commands = "".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
    expected = "".join(line for line in lines if not line.startswith("$ "))
    ran = subprocess.run(
        ["bash", "-e", "-c", programs + commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    check_text(expected, ran.stdout)


def test_the_snippets_are_found() -> None:
    kinds = [step.kind for page in PAGES for step in steps_of(page)]
    assert kinds.count("python") > 60
    assert kinds.count("raises") > 8
    assert kinds.count("file") > 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_snippet_of_a_page_runs(page: Path, folder: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "app", "fresh": importer(folder)}
    steps = steps_of(page)
    for number, step in enumerate(steps):
        try:
            if step.kind == "file":
                (folder / step.file).parent.mkdir(parents=True, exist_ok=True)
                (folder / step.file).write_text(step.text, encoding="utf-8")
            elif step.kind == "python":
                run_python(step, namespace)
            elif step.kind == "run":
                run_shell(step, folder)
            elif step.kind == "raises":
                with pytest.raises(Exception) as raised:
                    run_python(step, namespace)
                check_text(steps[number + 1].text, f"{raised.type.__name__}: {raised.value}")
        except BaseException as error:
            error.add_note(f"in the block at {page.relative_to(ROOT)}:{step.line}")
            raise
