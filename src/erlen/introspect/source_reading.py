"""Reads what a Python source uses of Flask, from its syntax tree: nothing is imported or executed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from msgspec import Struct

from erlen.introspect.flask_extensions import find_by_import
from erlen.introspect.flask_names import ATTRIBUTES, KEYWORDS, MODULES, NAMES
from erlen.introspect.flask_settings import is_known_setting

__all__ = ["Reading", "Use", "read_python"]


class Use(Struct, frozen=True):
    """One place that uses something of Flask.

    :param kind: ``"name"``, ``"attribute"``, ``"keyword"``, ``"setting"``, ``"variable"``, ``"extension"``,
        ``"command"``, ``"behaviour"`` or ``"template"``
    :param subject: what is used, such as ``"flask.redirect"``, ``"SESSION_TYPE"`` or ``"Flask-Login"``
    :param file: the file, as it was found
    :param line: its line
    :param circumstance: ``"guarded"`` where the source catches a failure, or asks first whether something is there;
        ``"typing"`` under ``TYPE_CHECKING``; else empty
    :param value: for a setting, the literal value that it is given, if it is given one
    """

    kind: str
    subject: str
    file: str
    line: int
    circumstance: str = ""
    value: object = None


class Reading(Struct):
    """What one Python source says.

    :param uses: what it uses of Flask
    :param constants: the names in capitals that it and its classes set, which are settings if it is a configuration
    :param configurations: the modules and files that it reads a configuration from
    """

    uses: list[Use]
    constants: list[Use]
    configurations: set[str]


_SETTING_NAME = re.compile(r"[A-Z][A-Z0-9_]+")
_VARIABLE = re.compile(r"FLASK_[A-Z0-9_]+")
_CONFIG_CLASS = re.compile(r"config|settings", re.IGNORECASE)
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_ROUTES = frozenset({"route", "get", "post", "put", "patch", "delete"})
_REDIRECTS = frozenset({"flask.redirect", "flask.helpers.redirect"})
_JSON = frozenset({"flask.jsonify", "flask.json.jsonify", "flask.json.dumps", "flask.json.dump"})
_VIEWS = frozenset({"flask.views.MethodView", "flask.views.View"})
_APPLICATIONS = frozenset({"flask.Flask", "flask.app.Flask"})
_CONTEXTS = frozenset({"app_context", "test_request_context"})
_CLIENT_CALLS = frozenset({"get", "post", "put", "patch", "delete", "open", "head", "options"})
#: Removed attributes whose names are common words: they count on what is known to be an application alone.
_COMMON = frozenset({"env", "error_handlers", "static_path", "logger_name"})
_OWNERS = {"is_xhr": "request", "from_json": "config"}
#: What the failure of an import, or of an attribute, is caught by, and what catches all that there is.
_FAILURES = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError"})
_EVERYTHING = frozenset({"Exception", "BaseException", ""})
_LIKELY_APPS = frozenset({"app", "application", "flask_app", "current_app"})


def read_python(source: str, file: str) -> Reading:
    """Return what a Python *source* uses of Flask.

    :param file: what the uses say where they are
    :raises SyntaxError: if it cannot be parsed; a ``ValueError`` for null bytes, a ``RecursionError`` if it is nested
        too deep
    """
    reader = _Reader(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes such as "\\d", which are not our business
        tree = ast.parse(source, file)
    reader.find_circumstances(tree)
    reader.bind(tree)
    reader.read(tree)
    classes = [statement for statement in tree.body if isinstance(statement, ast.ClassDef)]
    constants = [
        Use("setting", name, file, statement.lineno, value=_literal(value))
        for statement in (*tree.body, *(part for found in classes for part in found.body))
        for name, value in _assigned(statement)
        if _SETTING_NAME.fullmatch(name)
    ]
    return Reading(reader.uses, constants, reader.configurations)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.uses: list[Use] = []
        #: What the names of the source stand for, by import: ``{"f": "flask", "go": "flask.redirect"}``.
        self.bindings: dict[str, str] = {}
        self.applications: set[str] = set(_LIKELY_APPS)
        self.circumstances: dict[int, str] = {}
        self.configurations: set[str] = set()
        self.seen: set[tuple[str, str, int]] = set()

    def add(self, kind: str, subject: str, node: ast.AST, value: object = None) -> None:
        line = getattr(node, "lineno", 1)
        if (kind, subject, line) not in self.seen:
            self.seen.add((kind, subject, line))
            self.uses.append(Use(kind, subject, self.file, line, self.circumstances.get(id(node), ""), value))

    # -- imports ------------------------------------------------------------------------------------------------

    def find_circumstances(self, tree: ast.AST) -> None:
        """Note what the source does with care: where it may fail, where it asks first, and for type checkers."""
        branches: list[ast.If | ast.IfExp] = []
        uncertain: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.If | ast.IfExp):
                branches.append(node)
            elif isinstance(node, ast.Try):
                caught = {name for handler in node.handlers for name in _caught(handler)}
                if caught & _FAILURES or (caught & _EVERYTHING and all(map(_is_import, node.body))):
                    self._note("guarded", node.body)
                    imported = [alias for part in node.body if _is_import(part) for alias in part.names]
                    uncertain |= {(alias.asname or alias.name).partition(".")[0] for alias in imported}
        for branch in branches:
            body = branch.body if isinstance(branch, ast.If) else [branch.body]
            otherwise = branch.orelse if isinstance(branch, ast.If) else [branch.orelse]
            if _name_of(branch.test) == "TYPE_CHECKING":
                self._note("typing", body)
            elif _asks(branch.test, uncertain):
                self._note("guarded", [*body, *otherwise])

    def _note(self, circumstance: str, body: Sequence[ast.AST]) -> None:
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Import | ast.ImportFrom | ast.alias | ast.Attribute):
                    self.circumstances[id(node)] = circumstance

    def bind(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._import(alias)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self._import_from(node.module, node)
            elif isinstance(node, ast.Call) and _name_of(node.func) in ("import_module", "__import__", "importorskip"):
                module = _text(node.args[0]) if node.args else None
                if module is not None:
                    self._module(module, node)

    def _import(self, alias: ast.alias) -> None:
        if alias.name == "flask" or alias.name.startswith("flask."):
            self.bindings[alias.asname or "flask"] = alias.name if alias.asname else "flask"
        self._module(alias.name, alias)

    def _module(self, module: str, node: ast.AST) -> None:
        if module == "flask" or module.startswith("flask."):
            self.add("name", module, node)
            return
        extension = find_by_import(module)
        if extension is not None:
            self.add("extension", extension.name, node)

    def _import_from(self, module: str, node: ast.ImportFrom) -> None:
        if module != "flask" and not module.startswith("flask."):
            for alias in node.names:  # from sentry_sdk.integrations import flask
                extension = find_by_import(f"{module}.{alias.name}")
                if extension is not None:
                    self.add("extension", extension.name, node)
            return
        for alias in node.names:
            self.add("name", f"{module}.{alias.name}", alias)
            if alias.name == "*":
                public = [name for name in NAMES if name.rpartition(".")[0] == module]
                self.bindings |= {name.rpartition(".")[2]: name for name in public}
            else:
                self.bindings[alias.asname or alias.name] = f"{module}.{alias.name}"

    def resolve(self, node: ast.AST) -> str | None:
        """Return the full name, within flask, that an expression stands for."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.bindings:
            return None
        return ".".join([self.bindings[node.id], *reversed(parts)])

    # -- everything else ----------------------------------------------------------------------------------------

    def read(self, tree: ast.AST) -> None:
        self._find_applications(tree)
        inner: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                if id(node) not in inner:
                    self._chain(node)
                if isinstance(node.value, ast.Attribute):
                    inner.add(id(node.value))
                self._attribute(node)
            elif isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Load) and self.bindings.get(node.id) == "flask.session":
                    self.add("behaviour", "session", node)
            elif isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Subscript):
                        self._subscript(target, node.value)
            elif isinstance(node, ast.Subscript):
                self._subscript(node)
            elif isinstance(node, ast.ClassDef):
                self._class(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._function(node)
            elif isinstance(node, ast.With | ast.AsyncWith):
                self._with(node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _VARIABLE.fullmatch(node.value):
                self.add("variable", node.value, node)

    def _find_applications(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
                continue
            if self.resolve(node.value.func) in _APPLICATIONS:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                self.applications |= {name for target in targets if (name := _name_of(target))}

    def _chain(self, node: ast.Attribute) -> None:
        """Note the name of Flask that a whole chain of attributes begins with."""
        full = self.resolve(node)
        if full is None:
            return
        if full.startswith(("flask.session", "flask.globals.session")):
            self.add("behaviour", "session", node)
        parts = full.split(".")
        root = ast.unparse(node).partition(".")[0]
        known = len(self.bindings[root].split("."))
        if self.bindings[root] not in MODULES:
            return
        while known < len(parts) and ".".join(parts[:known]) in MODULES:
            known += 1
        self.add("name", ".".join(parts[:known]), node)

    def _attribute(self, node: ast.Attribute) -> None:
        name, owner = node.attr, _name_of(node.value)
        if name not in ATTRIBUTES:
            return
        if name in _OWNERS:
            counts = owner == _OWNERS[name]
        else:
            counts = owner in self.applications or (name not in _COMMON and bool(self.bindings))
        if counts:
            self.add("attribute", name, node)

    def _call(self, node: ast.Call) -> None:
        called = self.resolve(node.func)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        keywords = {keyword.arg: keyword for keyword in node.keywords if keyword.arg}
        if called in _REDIRECTS and len(node.args) < 2 and "code" not in keywords:
            self.add("behaviour", "redirect", node)
        elif called in _JSON:
            self.add("behaviour", "json", node)
        last = called.rpartition(".")[2] if called else name
        for keyword in KEYWORDS.get(last or "", ()):
            if keyword in keywords:
                self.add("keyword", f"{last}({keyword}=…)", keywords[keyword].value)
        if name == "from_prefixed_env" and not node.args and "prefix" not in keywords:
            self.add("behaviour", "environment", node)
        elif name == "add_url_rule" and _methods(keywords) & _UNSAFE:
            self.add("behaviour", "guard", node)
        elif name in ("from_object", "from_pyfile", "from_file") and node.args:
            self.configurations.add(_text(node.args[0]) or _name_of(node.args[0]) or "")
        elif name in ("update", "from_mapping", "get", "setdefault", "pop") and isinstance(node.func, ast.Attribute):
            self._config_call(node.func, node, keywords)

    def _config_call(self, function: ast.Attribute, node: ast.Call, keywords: dict[str, ast.keyword]) -> None:
        if not _is_config(function.value):
            return
        if function.attr in ("update", "from_mapping"):
            for name, keyword in keywords.items():
                self._setting(name, keyword.value, keyword.value, function.value)
            for argument in node.args:
                if isinstance(argument, ast.Dict):
                    for key, value in zip(argument.keys, argument.values, strict=True):
                        self._setting(_text(key), key or value, value, function.value)
        elif node.args:
            given = node.args[1] if function.attr == "setdefault" and len(node.args) > 1 else None
            self._setting(_text(node.args[0]), node, given, function.value)

    def _subscript(self, node: ast.Subscript, value: ast.AST | None = None) -> None:
        if _is_config(node.value):
            self._setting(_text(node.slice), node, value, node.value)

    def _setting(self, name: str | None, node: ast.AST, value: ast.AST | None, owner: ast.AST | None) -> None:
        if name is None or not _SETTING_NAME.fullmatch(name):
            return
        # What is only called "config" may be the configuration of anything: there a known name has to stand.
        if isinstance(owner, ast.Name) and not is_known_setting(name):
            return
        self.add("setting", name, node, _literal(value))

    def _class(self, node: ast.ClassDef) -> None:
        bases = [self.resolve(base) for base in node.bases]
        names = [node.name, *(name for base in node.bases if (name := _name_of(base)))]
        for statement in node.body:
            for name, value in _assigned(statement):
                if any(_CONFIG_CLASS.search(known) for known in names):
                    if _SETTING_NAME.fullmatch(name):
                        self.add("setting", name, statement, _literal(value))
                elif name in ATTRIBUTES and any(base in _APPLICATIONS for base in bases):
                    self.add("attribute", name, statement)
            method = statement.name.upper() if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) else ""
            if method in _UNSAFE and any(base in _VIEWS for base in bases):
                self.add("behaviour", "guard", statement)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        routed = False
        for decorator in node.decorator_list:
            if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
                continue
            kind = decorator.func.attr
            path = _text(decorator.args[0]) if decorator.args else None
            if kind not in _ROUTES or not (path == "" or (path or "").startswith("/")):
                continue
            routed = True
            methods = _methods({keyword.arg: keyword for keyword in decorator.keywords if keyword.arg})
            if kind.upper() in _UNSAFE or methods & _UNSAFE:
                self.add("behaviour", "guard", decorator)
        if routed:
            for statement in _returns(node):
                value = statement.value
                first = value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value
                if isinstance(first, ast.Dict | ast.List | ast.DictComp | ast.ListComp):
                    self.add("behaviour", "json", statement)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        opened = [item.context_expr for item in node.items]
        if not any(isinstance(call, ast.Call) and _name_of(call.func) in _CONTEXTS for call in opened):
            return
        for statement in node.body:
            for inner in ast.walk(statement):
                if (
                    isinstance(inner, ast.Call)
                    and isinstance(inner.func, ast.Attribute)
                    and inner.func.attr in _CLIENT_CALLS
                    and "client" in (_name_of(inner.func.value) or "").lower()
                ):
                    self.add("behaviour", "context", inner)


def _caught(handler: ast.ExceptHandler) -> Iterator[str]:
    """Yield the names of what a handler catches; an empty one for everything."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    for name in caught:
        yield (name is not None and _name_of(name)) or ""


def _is_import(statement: ast.AST) -> TypeGuard[ast.Import | ast.ImportFrom]:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _asks(test: ast.AST, uncertain: set[str]) -> bool:
    """Tell whether a condition asks for a version, or whether something is there."""
    for node in ast.walk(test):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in uncertain or name in ("hasattr", "find_spec") or "version" in name.lower():
            return True
    return False


def _name_of(node: ast.AST) -> str | None:
    """Return the last name of an expression: ``client`` for ``self.client`` and for ``client()``."""
    if isinstance(node, ast.Call):
        return _name_of(node.func)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _literal(node: ast.AST | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _text(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_config(node: ast.AST) -> bool:
    return _name_of(node) in ("config", "conf", "app_config") and not isinstance(node, ast.Call)


def _methods(keywords: dict[str, ast.keyword]) -> set[str]:
    value = keywords["methods"].value if "methods" in keywords else None
    items = value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else []
    return {text.upper() for item in items if (text := _text(item)) is not None}


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    targets = (
        statement.targets
        if isinstance(statement, ast.Assign)
        else [statement.target]
        if isinstance(statement, ast.AnnAssign)
        else []
    )
    for target in targets:
        if isinstance(target, ast.Name):
            yield target.id, getattr(statement, "value", None)


def _returns(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.Return]:
    """Yield the return statements of a function, not those of functions inside of it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))
