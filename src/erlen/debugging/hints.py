"""What to do about an error: one table of common ones. Erlen's own errors say it in their texts."""

from __future__ import annotations

import builtins
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType, ModuleType
from typing import Any, NamedTuple

from erlen.callables import describe
from erlen.debugging.failure import text_of
from erlen.debugging.redaction import try_to
from erlen.errors import nearest
from erlen.loading import load

__all__ = ["Situation", "hints_for"]

#: Packages whose name for pip is not that for import.
_DISTRIBUTIONS = {
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "markdown": "Markdown",
    "MySQLdb": "mysqlclient",
    "PIL": "pillow",
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "socks": "PySocks",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}


class Situation(NamedTuple):
    """What a hint may look at.

    :param error: the exception
    :param text: its text
    :param app: the application
    :param request: the request
    """

    error: Any
    text: str
    app: Any
    request: Any

    @property
    def frame(self) -> FrameType | None:
        """The frame that raised."""
        trace = self.error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        return None if trace is None else trace.tb_frame


Hint = Callable[[Situation], str | None]
_TABLE: list[tuple[str, Hint]] = []


def _about(*kinds: str) -> Callable[[Hint], Hint]:
    """Register a hint for exceptions of the classes *kinds*, given by name so that none has to be imported."""

    def register(hint: Hint) -> Hint:
        _TABLE.extend((kind, hint) for kind in kinds)
        return hint

    return register


def hints_for(error: BaseException, app: Any, request: Any) -> Iterator[str]:
    """Yield what can be done about *error*, in whole sentences; often nothing."""
    names = {f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.") for kind in type(error).__mro__}
    if "erlen.errors.ErlenError" in names:
        return
    situation = Situation(error, text_of(error), app, request)
    for kind, hint in _TABLE:
        if kind in names:
            found = try_to(partial(hint, situation), None)
            if found:
                yield found


def _did_you_mean(name: str, known: Any) -> str:
    near = nearest(name, [one for one in known if isinstance(one, str) and one != name])
    return f"Did you mean {near!r}?" if near else ""


# --- names ------------------------------------------------------------------------------------------------------------


@_about("UnboundLocalError")
def _unbound(at: Situation) -> str:
    name = at.error.name or at.text.partition("'")[2].partition("'")[0]
    return (
        f"The function assigns to {name!r} somewhere, so it is a local name in all of it, and has no value here. "
        f"Give it one before, or write 'global {name}' (or 'nonlocal {name}') if the outer one is meant."
    )


@_about("NameError")
def _name(at: Situation) -> str | None:
    name = at.error.name
    if name is None or isinstance(at.error, UnboundLocalError):
        return None
    if name in load("erlen").__all__:
        return f"Write: from erlen import {name}"
    if name in sys.stdlib_module_names:
        return f"Write: import {name}"
    frame = at.frame
    known = {*vars(builtins)} if frame is None else {*frame.f_locals, *frame.f_globals, *vars(builtins)}
    return _did_you_mean(name, known) or None


@_about("AttributeError")
def _attribute(at: Situation) -> str | None:
    if "partially initialized module" in at.text:
        return _circular(at)
    if at.text.startswith("'NoneType' object"):
        return _NONE
    if at.text.startswith("'coroutine' object"):
        return _NOT_AWAITED
    if at.error.name is None or at.error.obj is None:
        return None
    return _did_you_mean(at.error.name, dir(at.error.obj)) or None


# --- values -----------------------------------------------------------------------------------------------------------

_NONE = (
    "The value is None. Look at where it comes from: a function without a return statement, a query that found "
    "nothing, or .get() of a key that is missing."
)
_NOT_AWAITED = (
    "A coroutine was made and not run: 'await' is missing before the call of the async function. The function that "
    "awaits it must be 'async def' itself; a view may be."
)


@_about("TypeError")
def _type(at: Situation) -> str | None:
    if "'NoneType' object" in at.text or "'NoneType' and" in at.text or at.text.endswith("'NoneType'"):
        return _NONE
    if "coroutine" in at.text:
        return _NOT_AWAITED
    if "can't be used in 'await' expression" in at.text:
        return "What is awaited is not a coroutine: the function that was called is plain. Leave 'await' out."
    if at.text.startswith(("can only concatenate str", "must be str, not")) or '(not "str") to' in at.text:
        return 'Text and another type are added. Write an f-string: f"{text}{value}"'
    if at.text.startswith("Object of type"):
        return (
            "JSON has no form for that type. Turn it into a dict, a list, a text or a number first; jsonify() and "
            "app.json.dumps() know dates, UUIDs, decimals and dataclasses, and name the path of what they do not know."
        )
    return None


@_about("TypeError")
def _view_arguments(at: Situation) -> str | None:
    rule, view = at.request.url_rule, at.app.view_functions.get(at.request.endpoint)
    name = getattr(view, "__qualname__", None)
    if rule is None or name is None or not at.text.startswith(f"{name}()") or at.frame is view_frame(at, view):
        return None
    given = ", ".join(sorted(at.request.view_args or {}))
    return (
        f"The rule {str(rule)!r} gives the view {f'these values: {given}' if given else 'no values'}, and "
        f"{describe(view)} takes others. The parameters of a view have the names of the variables of its rule. Write "
        f"def {view.__name__}({given}): ... or change the rule."
    )


def view_frame(at: Situation, view: Any) -> FrameType | None:
    """Return the frame of the view, if the error came out of it and not of its call."""
    frame = at.frame
    while frame is not None:
        if frame.f_code is getattr(view, "__code__", None):
            return at.frame
        frame = frame.f_back
    return None


@_about("werkzeug.exceptions.BadRequestKeyError")
def _missing_field(at: Situation) -> str:
    key = at.error.args[0] if at.error.args else ""
    fields = [*at.request.form, *at.request.args]
    known = f"It has: {', '.join(map(repr, fields))}." if fields else "It has none at all."
    near = _did_you_mean(str(key), fields)
    return (
        f"The request has no field {key!r}. {known}{' ' if near else ''}{near} Where a field may be missing write "
        f"request.form.get({key!r}). In production the answer would be 400 Bad Request."
    )


@_about("KeyError")
def _key(at: Situation) -> str | None:
    if not at.error.args or hasattr(at.error, "code") or at.text != repr(at.error.args[0]):
        return None  # it has a text of its own
    return f"There is no such key. Where it may be missing write .get({at.error.args[0]!r}), or ask with 'in' before."


@_about("UnicodeDecodeError")
def _decode(at: Situation) -> str:
    return (
        f"Byte {at.error.start} is not valid {at.error.encoding}: the data is in another encoding, or is no text. "
        "Write open(path, encoding='...') with the right one, or read bytes with open(path, 'rb')."
    )


@_about("UnicodeEncodeError")
def _encode(at: Situation) -> str:
    return (
        f"The encoding {at.error.encoding} has no form for the character at {at.error.start}. Write UTF-8: "
        "open(path, 'w', encoding='utf-8')."
    )


@_about("json.decoder.JSONDecodeError")
def _json(at: Situation) -> str:
    if not at.error.doc.strip():
        return "The text that was to be read as JSON is empty. Look at where it comes from."
    return f"What was read is not JSON: look at line {at.error.lineno}, column {at.error.colno} of it."


@_about("RecursionError")
def _recursion(at: Situation) -> str:
    return (
        "Functions have called each other without an end; the frames that repeat say which. Look for what should have "
        "stopped them: a condition that never holds, a property or __getattr__ that asks for itself."
    )


# --- modules and files ------------------------------------------------------------------------------------------------


def _circular(at: Situation) -> str:
    return (
        "Two modules import each other, or a file of yours has the name of the module that is meant. Rename the file, "
        "or move what both need into a third module. An application is best made in a function (create_app) that "
        "imports its blueprints."
    )


@_about("ImportError")
def _import(at: Situation) -> str | None:
    name = at.error.name
    if "partially initialized module" in at.text:
        return _circular(at)
    if not isinstance(at.error, ModuleNotFoundError):
        module = sys.modules.get(name or "")
        wanted = at.text.partition("cannot import name '")[2].partition("'")[0]
        return _did_you_mean(wanted, dir(module)) or None if wanted and isinstance(module, ModuleType) else None
    top = (name or "").partition(".")[0]
    if not top or top in sys.modules:
        return None
    if top == "flask":
        return "Erlen has Flask's names: write 'from erlen import ...' in place of 'from flask import ...'."
    near = nearest(top, sys.stdlib_module_names)
    meant = f" Or did you mean {near!r}?" if near else ""
    package = _DISTRIBUTIONS.get(top, top.replace("_", "-"))
    return (
        f"If {top!r} is a package, install it where this application runs: pip install {package}. If it is a file of "
        f"yours, start the application in its folder.{meant}"
    )


@_about("FileNotFoundError")
def _file(at: Situation) -> str | None:
    path = at.error.filename
    if not isinstance(path, str) or os.path.isabs(path):
        return None
    return (
        f"A relative path starts at the working directory, which is {os.getcwd()!r}. Start at the application's "
        f"folder: app.open_resource({path!r}), or os.path.join(app.root_path, {path!r})."
    )


@_about("ConnectionRefusedError")
def _refused(at: Situation) -> str:
    return "Nobody listens at that address: start the service, and look at the host and port in the configuration."


@_about("SyntaxError")
def _syntax(at: Situation) -> str:
    if isinstance(at.error, TabError):
        return "Indent with spaces alone: an editor can turn the tabs of the file into spaces."
    if isinstance(at.error, IndentationError):
        return "Lines of one block begin in the same column, and a line that ends with ':' is followed by a deeper one."
    return "Python cannot read this file. Look at the marked place, and at the end of the line before it."


# --- databases --------------------------------------------------------------------------------------------------------


@_about("sqlite3.OperationalError", "sqlalchemy.exc.OperationalError")
def _sqlite(at: Situation) -> str | None:
    if found := re.search(r"no such table: (\S+)", at.text):
        return (
            f"The database file has no table {found[1]!r}: create it, for instance in a before_first_request function. "
            "Or it is another file: a relative path starts at the working directory, and SQLite makes an empty file "
            "where there is none."
        )
    if "no such column" in at.text:
        return "The table was made before that column was added to the schema: alter it, or make the database anew."
    if "database is locked" in at.text:
        return "Another connection writes for too long: commit sooner, close connections, and set a longer timeout."
    if "unable to open database file" in at.text:
        return "The folder of the database file does not exist or may not be written: os.makedirs(..., exist_ok=True)."
    return None


# --- Jinja and routing ------------------------------------------------------------------------------------------------


@_about("jinja2.exceptions.TemplateNotFound")
def _template(at: Situation) -> str | None:
    if hasattr(at.error, "folders"):  # Erlen's own, which says it all
        return None
    names = at.app.jinja_env.list_templates()
    return f"No loader has that template. {_did_you_mean(str(at.error.name), names)}".strip()


@_about("jinja2.exceptions.UndefinedError")
def _undefined(at: Situation) -> str | None:
    found = re.match(r"'(\w+)' is undefined", at.text)
    if found is None:
        return None
    return (
        f"The template was not given {found[1]!r}: write render_template(..., {found[1]}=...), or "
        f"{{{{ {found[1]}|default('') }}}} where it may be missing."
    )


@_about("jinja2.exceptions.TemplateSyntaxError")
def _template_syntax(at: Situation) -> str:
    return f"Jinja cannot read the template: look at line {at.error.lineno} of {at.error.name or 'it'}."


@_about("werkzeug.routing.exceptions.BuildError")
def _build(at: Situation) -> str | None:
    if "Did you" in at.text:
        return None
    known = ", ".join(repr(name) for name in sorted(map(str, at.app.view_functions))[:20])
    return f"The first argument of url_for() is an endpoint: usually the name of a view function. There are: {known}."


@_about("werkzeug.exceptions.HTTPException")
def _trapped(at: Situation) -> str | None:
    if not at.app.config["TRAP_HTTP_EXCEPTIONS"] or at.error.code is None:
        return None
    return f"It is shown because TRAP_HTTP_EXCEPTIONS is on. Without it the answer would be {at.error.code}."
