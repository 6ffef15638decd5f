"""What to do about common errors: each hint with the error that it is for."""

from __future__ import annotations

import asyncio
import importlib
import json
import sqlite3
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader

from erlen import Erlen, abort, jsonify, render_template, render_template_string, request, url_for
from erlen.debugging.hints import hints_for


def hints(error: BaseException, app: Any = None) -> list[str]:
    app = app or Erlen("hinted", static_folder=None)
    with app.test_request_context("/"):
        return list(hints_for(error, app, request))


def raised(work: Callable[..., Any]) -> Exception:
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


class Account:
    balance = 1


def unbound() -> Any:
    total += 1  # noqa: F821
    return total


def misspelt() -> Any:
    customer = 1
    return custmer + customer  # noqa: F821


async def coroutine() -> list[int]:
    return [1]


def not_awaited(use: Callable[[Any], Any]) -> Callable[[], Any]:
    def work() -> Any:
        made = coroutine()
        try:
            return use(made)
        finally:
            made.close()

    return work


async def awaits_too_much() -> Any:
    await 5  # type: ignore[misc]


def recursive() -> Any:
    return recursive()


def by_name(name: str) -> Callable[[], Any]:
    return lambda: importlib.import_module(name)


NONE = "The value is None. Look at where it comes from"
AWAIT = "A coroutine was made and not run: 'await' is missing"

TABLE: dict[str, tuple[Callable[[], Any], str]] = {
    "near name": (misspelt, "Did you mean 'customer'?"),
    "built-in name": (lambda: prnt(1), "Did you mean 'print'?"),  # type: ignore[name-defined] # noqa: F821
    "name of Erlen's": (lambda: redirect("/"), "Write: from erlen import redirect"),  # type: ignore[name-defined] # noqa: F821
    "module": (lambda: datetime.now(), "Write: import datetime"),  # type: ignore[name-defined] # noqa: F821
    "local name": (unbound, "The function assigns to 'total' somewhere, so it is a local name in all of it"),
    "attribute": (lambda: Account().blance, "Did you mean 'balance'?"),  # type: ignore[attr-defined]
    "attribute of None": (lambda: None.upper(), NONE),  # type: ignore[attr-defined]
    "item of None": (lambda: {}.get("x")[0], NONE),  # type: ignore[index]
    "sum with None": (lambda: 1 + None, NONE),  # type: ignore[operator]
    "attribute of a coroutine": (not_awaited(lambda made: made.items), AWAIT),
    "item of a coroutine": (not_awaited(lambda made: made[0]), AWAIT),
    "await of a number": (lambda: asyncio.run(awaits_too_much()), "What is awaited is not a coroutine"),
    "text and number": (lambda: "a" + 1, 'Write an f-string: f"{text}{value}"'),  # type: ignore[operator]
    "JSON of a set": (lambda: json.dumps({"a": {1}}), "JSON has no form for that type."),
    "missing key": (lambda: {"a": 1}["b"], "There is no such key. Where it may be missing write .get('b')"),
    "bytes": (lambda: b"\xff".decode(), "Byte 0 is not valid utf-8"),
    "text": (lambda: "ü".encode("ascii"), "The encoding ascii has no form for the character at 0"),
    "empty JSON": (lambda: json.loads(" "), "The text that was to be read as JSON is empty."),
    "broken JSON": (lambda: json.loads("{\n]"), "What was read is not JSON: look at line 2, column 1 of it."),
    "recursion": (recursive, "Functions have called each other without an end"),
    "package": (by_name("PIL"), "pip install pillow."),
    "package of its own name": (by_name("no_such_thing"), "pip install no-such-thing."),
    "module of the standard library": (by_name("datatime"), "Or did you mean 'datetime'?"),
    "name in a module": (lambda: exec("from json import dump5"), "Did you mean 'dump"),
    "relative file": (lambda: open("no/such.txt"), "app.open_resource('no/such.txt')"),  # noqa: SIM115
    "absolute file": (lambda: open("/no/such.txt"), ""),  # noqa: SIM115
    "port": (lambda: (_ for _ in ()).throw(ConnectionRefusedError(111, "x")), "Nobody listens at that address"),
    "syntax": (lambda: compile("a b", "x", "exec"), "Python cannot read this file. Look at the marked place"),
    "indentation": (lambda: compile("if a:\nb", "x", "exec"), "Lines of one block begin in the same column"),
    "tabs": (lambda: compile("if a:\n        b\n\tc", "x", "exec"), "Indent with spaces alone"),
    "table": (lambda: sqlite3.connect(":memory:").execute("select * from users"), "has no table 'users'"),
    "column": (
        lambda: sqlite3.connect(":memory:").execute("select a from sqlite_master"),
        "The table was made before that column was added",
    ),
    "database folder": (lambda: sqlite3.connect("/no/such/file"), "os.makedirs(..., exist_ok=True)"),
    "locked database": (
        lambda: (_ for _ in ()).throw(sqlite3.OperationalError("database is locked")),
        "Another connection writes for too long",
    ),
    "division": (lambda: 1 // 0, ""),
    "another TypeError": (lambda: len(5), ""),  # type: ignore[arg-type]
    "another database error": (lambda: sqlite3.connect(":memory:").execute("selekt"), ""),
    "text of its own": (lambda: (_ for _ in ()).throw(KeyError("a", "b")), ""),
}


@pytest.mark.filterwarnings("ignore:.*was never awaited")
@pytest.mark.parametrize("case", TABLE)
def test_a_common_error_says_what_to_do(case: str) -> None:
    work, hint = TABLE[case]
    found = hints(raised(work))
    assert len(found) == (1 if hint else 0)
    assert hint in "".join(found)


def test_a_circular_import_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "round_a.py").write_text("import round_b\nvalue = 1\n")
    (tmp_path / "round_b.py").write_text("from round_a import value\n")
    (tmp_path / "round_c.py").write_text("import round_d\nvalue = 1\n")
    (tmp_path / "round_d.py").write_text("import round_c\nround_c.value\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("round_a", "round_c"):
        [hint] = hints(raised(by_name(name)))
        assert hint.startswith("Two modules import each other")


def test_for_flask_the_names_of_erlen_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "flask", raising=False)
    [hint] = hints(ModuleNotFoundError("No module named 'flask'", name="flask"))
    assert hint == "Erlen has Flask's names: write 'from erlen import ...' in place of 'from flask import ...'."


def test_a_part_of_a_package_that_is_there_has_no_hint() -> None:
    assert hints(ModuleNotFoundError("No module named 'json.x'", name="json.x")) == []
    assert hints(ImportError("something else", name="json")) == []
    assert hints(NameError("made by hand")) == []
    assert hints(AttributeError("made by hand")) == []
    assert hints(UnboundLocalError("cannot access local variable 'a' where"))[0].startswith(
        "The function assigns to 'a'"
    )


def test_a_name_without_a_frame_is_still_compared() -> None:
    assert hints(NameError("x", name="prnt")) == ["Did you mean 'print'?"]


def test_a_hint_that_fails_is_left_out() -> None:
    class Odd(Exception):
        pass

    Odd.__module__, Odd.__qualname__ = "json.decoder", "JSONDecodeError"
    assert hints(Odd()) == []


# --- errors of Erlen's and its libraries ---


def test_an_error_of_erlen_says_what_to_do_itself(raising: Any) -> None:
    page = raising(lambda: None)
    assert "for an empty answer write: return '', 204" in page
    assert "\nWhat to do\n" not in page


@pytest.mark.parametrize(
    ("rule", "path", "view", "hint"),
    [
        ("/<name>", "/ada", lambda: "x", "gives the view these values: name, and"),
        ("/", "/", lambda name: "x", "gives the view no values, and"),
    ],
)
def test_a_view_whose_parameters_do_not_fit_the_rule(raising: Any, rule: str, path: str, view: Any, hint: str) -> None:
    page = raising(view, rule, path)
    assert hint in page
    assert "<lambda>() at " in page


def test_a_type_error_inside_of_the_view_is_another_matter(raising: Any) -> None:
    def helper(a: int) -> int:
        return a

    def view() -> Any:
        return helper()  # type: ignore[call-arg]

    assert "\nWhat to do\n" not in raising(view)


def test_a_view_that_calls_itself_wrongly_is_another_matter(app: Any, ask: Any) -> None:
    def view(a: int = 0) -> Any:
        return view(b=1) if a == 0 else "x"  # type: ignore[call-arg]

    app.add_url_rule("/", "view", view)
    assert "\nWhat to do\n" not in ask().text


def test_a_missing_field_names_those_that_are_there(raising: Any) -> None:
    page = raising(lambda: request.form["nmae"], path="/?page=2", method="POST", data={"name": "x"})
    assert "The request has no field 'nmae'. It has: 'name', 'page'. Did you mean 'name'?" in page
    assert "request.form.get('nmae')" in page


def test_a_missing_field_of_an_empty_form(raising: Any) -> None:
    assert "The request has no field 'name'. It has none at all. Where" in raising(lambda: request.form["name"])


def test_a_missing_template_names_the_folders_and_the_nearest(raising: Any, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "index.html").touch()
    page = raising(lambda: render_template("indx.html"))
    assert "Searched, in this order:" in page
    assert "Did you mean 'index.html'?" in page
    assert "\nWhat to do\n" not in page


def test_a_missing_template_of_another_loader(app: Any, raising: Any) -> None:
    app.jinja_env.loader = DictLoader({"index.html": ""})
    assert "No loader has that template. Did you mean 'index.html'?" in raising(lambda: render_template("indx.html"))


def test_an_undefined_value_of_a_template(raising: Any) -> None:
    page = raising(lambda: render_template_string("{{ user.name }}"))
    assert "The template was not given 'user': write render_template(..., user=...)" in page
    assert "{{ user|default('') }}" in page


def test_another_undefined_value_of_a_template() -> None:
    from jinja2 import UndefinedError

    assert hints(UndefinedError("'dict object' has no attribute 'x'")) == []


def test_an_endpoint_that_is_not_there(app: Any, raising: Any) -> None:
    app.add_url_rule("/users", "user_list", lambda: "x")
    page = raising(lambda: url_for("qqqqqqqqqqqqqqqq"))
    assert "usually the name of a view function. There are: 'static', 'user_list', 'view'." in page.replace(
        "'static', ", "'static', "
    )


def test_a_near_endpoint_is_told_by_the_error_itself(app: Any, raising: Any) -> None:
    app.add_url_rule("/users", "user_list", lambda: "x")
    page = raising(lambda: url_for("user_lst"))
    assert "Did you mean 'user_list' instead?" in page
    assert "\nWhat to do\n" not in page


def test_a_value_without_a_form_in_json_is_named_by_its_path(raising: Any) -> None:
    page = raising(lambda: jsonify({"users": [{"file": object()}]}))
    assert "['users'][0]['file']" in page


def test_an_http_error_that_is_not_trapped_has_no_hint(app: Any) -> None:
    error = raised(lambda: abort(404))
    assert hints(error, app) == []


def test_of_a_chain_the_hint_of_the_cause_is_told_if_there_is_no_nearer_one(app: Any, ask: Any) -> None:
    @app.route("/")
    def view() -> Any:
        try:
            return {}["x"]
        except KeyError as error:
            raise RuntimeError("outer") from error

    assert (
        '<section class="todo"><h2>What to do</h2>\n<p>There is no such key.' in ask(html=True).text.split("<h2>Tr")[0]
    )


def test_members_of_a_group_have_their_hints_beside_them(app: Any, ask: Any) -> None:
    @app.route("/")
    def view() -> Any:
        raise ExceptionGroup("both", [raised(lambda: {}["x"]), types.new_class("Plain", (Exception,))()])

    page = ask(html=True).text
    assert "What to do" not in page.split("<h2>Traceback")[0]
    assert "There is no such key." in page
