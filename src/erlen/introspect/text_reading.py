"""Reads what templates, lists of requirements and files of settings say about Flask, by their text alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePath

from erlen.introspect.flask_extensions import find_by_requirement
from erlen.introspect.source_reading import Use

__all__ = ["reader_of"]

_VARIABLE = re.compile(r"\bFLASK_[A-Z0-9_]+\b")
#: The commands of Flask, and of extensions of it, that stand in files for containers and processes.
_COMMANDS = frozenset({"run", "db", "shell", "routes"})
_SEPARATORS = re.compile(r"""[\s"',\[\]]+""")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_QUOTED = re.compile(r"""["']([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\]\s*)?(?:[<>=!~;@ ][^"']*)?["']""")
_ASSIGNED = re.compile(r"""^["']?([A-Za-z0-9][A-Za-z0-9._-]*)["']?\s*=""")
#: What a line of pyproject.toml or setup.cfg says about the project itself.
_ABOUT = re.compile(r"^\s*(name|description|keywords|readme|version|url|authors?|packages)\b\s*=")
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_TEMPLATE_NAMES = re.compile(r"(?<![\w.'\"])(session|request|g|config|url_for|get_flashed_messages)\b(?!['\"])")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(text.splitlines(), 1)


def _requirement(name: str, file: str, line: int) -> Iterator[Use]:
    extension = find_by_requirement(name)
    if extension is not None:
        yield Use("extension", extension.name, file, line)


def _requirements(text: str, file: str) -> Iterator[Use]:
    for number, line in _lines(text):
        found = _NAME.match(line.strip())
        if found is not None:
            yield from _requirement(found[0], file, number)


def _project(text: str, file: str) -> Iterator[Use]:
    for number, line in _lines(text):
        if _ABOUT.match(line) or line.lstrip().startswith("#"):
            continue
        names = {*_QUOTED.findall(line), *_ASSIGNED.findall(line)}
        if file.endswith(".cfg") and (found := _NAME.match(line.strip())):
            names.add(found[0])
        for name in sorted(names):
            yield from _requirement(name, file, number)


def _variables(text: str, file: str) -> Iterator[Use]:
    for number, line in _lines(text):
        if line.lstrip().startswith("#"):
            continue
        for name in dict.fromkeys(_VARIABLE.findall(line)):
            yield Use("variable", name, file, number)
        words = _SEPARATORS.split(line)
        after = words[words.index("flask") + 1 :] if "flask" in words else []
        command = next((word for word in after if word in _COMMANDS), None)
        if command is not None:
            yield Use("command", f"flask {command}", file, number)


def _template(text: str, file: str) -> Iterator[Use]:
    for number, line in _lines(text):
        names = {name for expression in _EXPRESSION.findall(line) for name in _TEMPLATE_NAMES.findall(expression)}
        for name in sorted(names):
            yield Use("template", name, file, number)
            if name == "session":
                yield Use("behaviour", "session", file, number)


def reader_of(path: PurePath) -> Callable[[str, str], Iterator[Use]] | None:
    """Return the function that reads a file of this name, given its text and its place; None for all other files."""
    name = path.name.lower()
    if name.startswith(("requirements", "constraints")) or (path.parent.name == "requirements" and name[-4:] == ".txt"):
        return _requirements if name.endswith((".txt", ".in")) else None
    if name in ("pyproject.toml", "setup.cfg", "pipfile"):
        return _project
    if name.startswith((".env", ".flaskenv", "dockerfile", "docker-compose", "compose.")) or name in (
        "procfile",
        "makefile",
        "tox.ini",
        "app.yaml",
    ):
        return _variables
    if path.suffix in (".sh", ".service"):
        return _variables
    if path.suffix in (".html", ".htm", ".jinja", ".jinja2", ".j2", ".xhtml") or "templates" in path.parts:
        return _template
    return None
