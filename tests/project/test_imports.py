"""What the modules of the package import, read from their syntax trees, and what ``import erlen`` loads."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
FILES = sorted((SOURCE / "erlen").rglob("*.py"))

# Which packages from outside a part of Erlen may import. A part that is not named here may import none, and a driver
# that an extra brings is named at the one module that is loaded when a setting asks for it.
ALLOWED = {
    "app": {"click", "jinja2", "werkzeug"},
    "asgi": {"werkzeug"},
    "application": {"click", "jinja2", "werkzeug"},
    "blueprints": {"werkzeug"},
    "broadcast": {"redis"},
    "mounts": {"msgspec"},
    "cli": {"click", "msgspec"},
    "config": {"msgspec"},
    "context": {"werkzeug"},
    "deadline": {"werkzeug"},
    "responder": {"werkzeug"},
    "flask": {"_typeshed", "blinker", "click", "itsdangerous", "jinja2", "markupsafe", "werkzeug"},
    "debugging": {"markupsafe", "msgspec"},
    "globals": {"werkzeug"},
    "__init__": {"markupsafe"},
    "helpers": {"jinja2", "werkzeug"},
    "http": {"markupsafe", "msgspec", "werkzeug"},
    "introspect": {"msgspec", "werkzeug"},
    "json": {"itsdangerous", "markupsafe", "msgspec", "werkzeug"},
    "lifecycle": {"werkzeug"},
    "proxy": {"werkzeug"},
    "routing": {"markupsafe", "werkzeug"},
    "scaffold": {"click", "jinja2", "werkzeug"},
    "servers": {"msgspec"},
    "sessions": {
        *("itsdangerous", "markupsafe", "msgspec", "werkzeug"),
        # What one store or the sealing of values needs, imported by the module of that store alone.
        *("aiobotocore", "boto3", "botocore", "bson", "cryptography", "pymemcache", "pymongo"),
        *("redis", "sqlalchemy"),
    },
    "signals": {"blinker"},
    "static": {"werkzeug"},
    "streams": {"jinja2"},
    "steps": {"werkzeug"},
    "template_setup": {"jinja2"},
    "urls": {"werkzeug"},
    "templating": {"jinja2", "markupsafe"},
    "testing": {"click", "pytest", "werkzeug"},
    "wsgi": {"werkzeug"},
}

# The optional layers and the alias stand above the root package; everything else must not reach up to it.
MAY_USE_ROOT = {"__main__", "api", "devtools", "flask", "login", "security"}


def place(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def part(path: Path) -> str:
    """Return the part of the package that a file belongs to: ``sessions`` for ``erlen/sessions/token.py``."""
    return path.relative_to(SOURCE / "erlen").with_suffix("").parts[0]


def imports(tree: ast.AST) -> Iterator[tuple[ast.Import | ast.ImportFrom, list[str]]]:
    """Yield each import statement with the modules that it names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield node, [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            yield node, ["." * node.level + (node.module or "")]


def test_no_import_stands_inside_a_function_or_class() -> None:
    found = [
        f"{place(path)}:{statement.lineno}"
        for path in FILES
        for scope in ast.walk(ast.parse(path.read_text()))
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for statement, _ in imports(scope)
    ]
    assert not found


def test_nothing_of_erlen_is_imported_for_the_type_checker_alone() -> None:
    found = [
        f"{place(path)}:{statement.lineno} imports {name}"
        for path in FILES
        for condition in ast.walk(ast.parse(path.read_text()))
        if isinstance(condition, ast.If) and "TYPE_CHECKING" in ast.unparse(condition.test)
        for statement, names in imports(condition)
        for name in names
        if name.split(".")[0] in ("erlen", "")
    ]
    assert not found


def test_no_module_below_the_optional_layers_imports_the_root_package() -> None:
    found = [
        f"{place(path)}:{statement.lineno}"
        for path in FILES
        if part(path) not in MAY_USE_ROOT
        for statement, names in imports(ast.parse(path.read_text()))
        for name in names
        if name == "erlen" and not imports_modules_only(statement)
    ]
    assert not found


def imports_modules_only(statement: ast.Import | ast.ImportFrom) -> bool:
    """Tell whether ``from erlen import x`` names modules, not names that the root package defines."""
    return isinstance(statement, ast.ImportFrom) and all(
        (SOURCE / "erlen" / alias.name).is_dir() or (SOURCE / "erlen" / f"{alias.name}.py").is_file()
        for alias in statement.names
    )


def test_each_part_imports_only_the_outside_packages_that_are_its_business() -> None:
    found = [
        f"{place(path)}:{statement.lineno} imports {name}"
        for path in FILES
        for statement, names in imports(ast.parse(path.read_text()))
        for name in names
        if (top := name.split(".")[0]) not in sys.stdlib_module_names | {"erlen", ""}
        and top not in ALLOWED.get(part(path), set())
    ]
    assert not found


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that a fresh interpreter has after ``import erlen``, beyond those it has before."""
    code = "import sys; before = set(sys.modules); import erlen; print(*(set(sys.modules) - before))"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    environment["PYTHONPATH"] = str(SOURCE)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("server", {"granian", "gunicorn", "waitress", "uvicorn", "hypercorn", "wsgiref.simple_server"}),
        ("store driver", {"sqlite3", "redis", "valkey", "pymemcache", "aiomcache", "pymongo", "boto3", "aiobotocore"}),
        ("SQLAlchemy", {"sqlalchemy"}),
        ("rich", {"rich"}),
        # Werkzeug's own __init__ loads its test client and server, for Flask as for Erlen.
        ("development tool", {"werkzeug.debug", "pytest", "watchfiles"}),
        ("template engine", {"jinja2"}),
        ("event loop", {"asyncio"}),
        ("optional library", {"cryptography", "dotenv", "pwdlib", "argon2", "flask"}),
    ],
)
def test_import_erlen_loads_no(kind: str, names: set[str], loaded: set[str]) -> None:
    assert "erlen" in loaded
    assert not loaded & names, f"import erlen loads a {kind}"
