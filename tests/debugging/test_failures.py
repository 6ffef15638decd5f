"""How exceptions of every kind are shown: chains, groups, notes, templates, recursion, and those that resist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader

from erlen import Erlen, render_template, render_template_string, stream_template_string
from erlen.debugging.failure import Failure, Reader, text_of, type_name
from erlen.debugging.redaction import Redactor
from erlen.debugging.source import Line, Sources

# --- chains ---


def test_the_cause_the_context_and_the_notes_are_shown(raising: Any) -> None:
    def view() -> Any:
        try:
            try:
                raise KeyError("the first")
            except KeyError as error:
                error.add_note("a note\nof two lines")
                raise LookupError("the second") from error
        except LookupError:
            raise ValueError("the third")  # noqa: B904 - without a cause, that is what is tested

    page = raising(view)
    assert page.startswith("ValueError: the third\n")
    second = page.index("It was raised while this one was handled:\n\nLookupError: the second\n")
    first = page.index("It was raised because of this one:\n\nKeyError: 'the first'\na note\nof two lines\n")
    assert second < first


def test_a_context_that_was_suppressed_is_not_shown(raising: Any) -> None:
    def view() -> Any:
        try:
            raise KeyError("gone")
        except KeyError:
            raise ValueError("alone") from None

    page = raising(view)
    assert page.startswith("ValueError: alone")
    assert "handled:\n" not in page


def test_a_circle_of_causes_comes_to_an_end(raising: Any) -> None:
    def view() -> Any:
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__cause__ = second, first
        raise first

    page = raising(view)
    assert page.count("\nValueError: second") == 1


def test_the_members_of_groups_are_shown_inside_of_them(raising: Any) -> None:
    def view() -> Any:
        inner = ExceptionGroup("inner", [OSError("deep"), TypeError("deeper")])
        inner.__cause__ = KeyError("why")
        raise ExceptionGroup("outer", [ValueError("flat"), inner])

    page = raising(view)
    order = [line for line in page.splitlines() if re.match(r" *(Exception|Value|OS|Type|Key)\w*: ", line)]
    assert order == [
        "ExceptionGroup: outer (2 sub-exceptions)",
        "  ValueError: flat",
        "  ExceptionGroup: inner (2 sub-exceptions)",
        "    OSError: deep",
        "    TypeError: deeper",
        "  KeyError: 'why'",
    ]


def test_of_a_great_many_exceptions_some_are_shown(raising: Any) -> None:
    def view() -> Any:
        error: Exception = ValueError("0")
        for number in range(1, 500):
            error = ExceptionGroup(str(number), [error, ValueError(f"side {number}")])
        raise error

    page = raising(view)
    assert page.startswith("ExceptionGroup: 499 (2 sub-exceptions)")
    assert page.count("In the group:\n") == 39


# --- those that resist ---


class BrokenText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class NoText(Exception):
    def __str__(self) -> Any:
        return 5


class OwnText(str):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_an_exception_without_a_readable_text_is_shown_all_the_same(raising: Any) -> None:
    def view() -> Any:
        error = BrokenText()
        error.__notes__ = [BrokenText(), OwnText("x")]
        raise error

    page = raising(view)
    assert page.startswith(
        "test_failures.BrokenText: (its text cannot be shown: str() of it raised RuntimeError)\n(its text"
    )
    assert "in view at " in page


def test_notes_that_are_no_list_are_left_out(raising: Any) -> None:
    def view() -> Any:
        error = ValueError("x")
        error.__notes__ = 5  # type: ignore[assignment]
        raise error

    assert raising(view).startswith("ValueError: x\n  in view")


def test_what_is_no_text_has_a_sentence_for_one() -> None:
    assert text_of(NoText()) == "(its text cannot be shown: str() of it raised TypeError)"
    assert text_of(7) == "7"
    assert type_name(BrokenText()) == "test_failures.BrokenText"
    assert type_name(ValueError()) == "ValueError"


def test_a_giant_message_is_cut(raising: Any) -> None:
    def view() -> Any:
        raise ValueError("m" * 1_000_000)

    page = raising(view)
    assert page.startswith(f"ValueError: {'m' * 20_000} … (980,000 more characters)\n")
    assert len(page) < 50_000


@pytest.mark.parametrize("html", [False, True])
def test_controls_and_surrogates_are_written_as_escapes(app: Any, raising: Any, html: bool) -> None:
    app.logger.disabled = True  # what pytest captures has to be encoded

    def view() -> Any:
        raise ValueError("a\x1b[31m\x00\ud800\u202eb\tc\r\nd")

    page = raising(view, html=html)
    assert "a\\x1b[31m\\x00\\ud800\\u202eb\tc\\r\nd" in page


def test_an_exception_without_a_text_is_named_alone(raising: Any) -> None:
    def view() -> Any:
        raise ValueError

    assert raising(view).startswith("ValueError\n  in view at ")


# --- frames ---


def test_the_expression_that_raised_is_marked(raising: Any) -> None:
    def view() -> Any:
        größe = {"ü": None}
        return "ü" + größe["ü"].upper() + "x"

    page = raising(view)
    assert re.search(r'> +\d+ \|         return "ü" \+ größe\["ü"\].upper\(\) \+ "x"\n +\|  +\^{16}\n', page)
    [line, marks] = re.findall(r"> +\d+ \| (.*)\n +\| (.*)", page)[-1]
    assert line[marks.index("^") : len(marks)] == 'größe["ü"].upper'


def test_an_expression_over_several_lines_is_marked_on_all_of_them(app: Any, ask: Any) -> None:
    @app.route("/")
    def view() -> Any:
        values = [
            1,
            int(
                "one",
            ),
        ]
        return str(values)

    page = ask(html=True).text
    assert re.search(r"<mark>int\(</mark>\n</span>", page)
    assert "<mark>&#34;one&#34;,</mark>" in page
    assert "<mark>)</mark>," in page


def test_a_mark_over_the_whole_line_is_left_out(raising: Any) -> None:
    def view() -> Any:
        raise ValueError("whole")

    assert "^" not in raising(view).split("view at")[-1]


def test_frames_of_the_application_are_open_and_others_are_not(app: Any, ask: Any) -> None:
    @app.route("/")
    def view() -> Any:
        return render_template_string("{{ 1 // 0 }}")

    page = ask(html=True).text
    frames = re.findall(r'<details class="(\w+)"( open)?><summary>(?:<b>)?(.*?)<', page)
    assert frames[0][:2] == ("frame", " open")
    assert frames[0][2] == "top-level template code"
    runs = [frame for frame in frames if frame[0] == "run"]
    assert [(run[1], run[2]) for run in runs] == [("", "4 frames of Erlen and jinja2"), ("", "4 frames of Erlen")]
    assert ("frame", " open", "view") in frames


def test_without_a_frame_of_the_application_those_of_others_are_open(app: Any, ask: Any) -> None:
    app.add_url_rule("/<number>", "view", lambda: "x")
    page = ask("/7", html=True).text
    assert '<details class="run" open><summary>4 frames of Erlen</summary>' in page


def test_code_without_a_source_is_shown_by_its_name(app: Any, ask: Any) -> None:
    namespace: dict[str, Any] = {}
    exec("def view():\n    return 1 / 0", namespace)
    app.add_url_rule("/", "view", namespace["view"])
    assert "  view at <string>:2\n" in ask().text
    assert '<p class="repeated">There is no source to show.</p>' in ask(html=True).text


def test_a_file_that_is_gone_or_was_cut_short_is_no_obstacle(app: Any, ask: Any, tmp_path: Path) -> None:
    files = {"gone.py": None, "cut.py": b"x = 1\n", "bytes.py": b"\xff\xfe\x00\n" * 5}
    for name, after in files.items():
        path = tmp_path / name
        path.write_text("\n\ndef view():\n    return 1 / 0\n")
        namespace: dict[str, Any] = {}
        exec(compile(path.read_text(), str(path), "exec"), namespace)
        app.add_url_rule(f"/{name}", name, namespace["view"])
        path.unlink()
        if after is not None:
            path.write_bytes(after)
    for name in files:
        assert f"{name}:4\n" in ask(f"/{name}").text


def test_a_long_line_is_cut(raising: Any) -> None:
    namespace: dict[str, Any] = {}
    exec("", namespace)
    lines = Sources(Redactor({"swordfish"})).around("x", 1, text="a" * 395 + "swordfish" + "b" * 1000 + "swordfish")
    assert lines[0].text == "a" * 395 + "[hidden]" + " …"


def test_lines_around_a_line_that_is_not_there_are_none() -> None:
    assert Sources(Redactor(())).around("x", 3, text="one\ntwo\n") == ()
    assert Sources(Redactor(())).around("x", 1, text="") == ()
    assert Sources(Redactor(())).around("x", 1, (1, 0, 9, 9), text="one\n") == (Line(1, (("one", False),), True),)


def test_a_secret_under_a_mark_is_marked_and_hidden() -> None:
    [line] = Sources(Redactor({"swordfish"})).around("x", 1, (1, 4, 1, 24), text="x = call(swordfish, 'b') + 1")
    assert line.pieces == (
        ("x = ", False),
        ("call(", True),
        ("[hidden]", True),
        (", 'b')", True),
        (" + 1", False),
    )


def test_the_frames_of_a_recursion_are_shown_once(app: Any, raising: Any) -> None:
    app.logger.disabled = True  # its traceback is long

    def first(number: int) -> int:
        return second(number)

    def second(number: int) -> int:
        return first(number + 1)

    page = raising(lambda: first(0))
    assert page.startswith("RecursionError: maximum recursion depth exceeded")
    assert re.search(r"\(The last 2 frames are repeated \d{3} more times\.\)", page)
    assert page.count("first at ") <= 4  # as the place, in the cycle, and perhaps before and behind it
    assert "Functions have called each other without an end" in page
    assert len(page) < 20_000


def test_a_function_that_calls_itself_is_shown_once_on_the_page(app: Any, ask: Any) -> None:
    def deeper(number: int) -> int:
        return deeper(number + 1)

    app.add_url_rule("/", "view", lambda: str(deeper(0)))
    page = ask(html=True).text
    assert re.search(r'<p class="repeated">This frame is repeated \d{3} more times\.</p>', page)


@pytest.mark.parametrize("html", [False, True])
def test_the_middle_of_a_very_long_traceback_is_left_out(raising: Any, html: bool) -> None:
    lines = ["def f0(): raise ValueError('deep')"] + [f"def f{n}(): return f{n - 1}()" for n in range(1, 200)]
    namespace: dict[str, Any] = {}
    exec("\n".join(lines), namespace)
    page = raising(namespace["f199"], html=html)
    assert "144 frames in the middle are left out" in page
    assert "<string>:1" in page.replace("&lt;", "<").replace("&gt;", ">")


# --- templates ---


@pytest.fixture
def templates(app: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    return folder


def test_a_template_is_shown_with_its_file_line_and_source(raising: Any, templates: Path) -> None:
    (templates / "base.html").write_text("<h1>\n{% block body %}{% endblock %}\n</h1>\n")
    (templates / "page.html").write_text(
        "{% extends 'base.html' %}\n{% block body %}\n  <p>{{ 1 // nothing }}</p>\n{% endblock %}\n"
    )
    page = raising(lambda: render_template("page.html", nothing=0))
    assert page.startswith("ZeroDivisionError: integer division or modulo by zero\n  in block 'body' at ")
    assert "page.html:3\n" in page
    assert ">    3 |   <p>{{ 1 // nothing }}</p>\n" in page
    assert "top-level template code at " in page
    assert ">    2 | {% block body %}{% endblock %}\n" in page


def test_a_template_that_cannot_be_read_is_shown_with_its_name_and_line(raising: Any, templates: Path) -> None:
    (templates / "broken.html").write_text("<p>\n{{ item }\n</p>\n")
    page = raising(lambda: render_template("broken.html"))
    assert page.startswith("jinja2.exceptions.TemplateSyntaxError: unexpected '}'\n")
    assert "Jinja cannot read the template: look at line 2 of broken.html." in page
    assert "broken.html:2\n" in page
    assert ">    2 | {{ item }\n" in page


def test_a_template_from_elsewhere_is_shown_by_the_source_that_jinja_knows(app: Any, raising: Any) -> None:
    app.jinja_env.loader = DictLoader({"broken.html": "<p>\n{% for %}\n</p>"})
    page = raising(lambda: render_template("broken.html"))
    assert ">    2 | {% for %}\n" in page


def test_a_template_out_of_a_string_is_named(raising: Any) -> None:
    assert " at <template>:2\n" in raising(lambda: render_template_string("a\n{{ 1 // 0 }}"))


def test_a_template_error_in_a_stream_is_read_too(app: Any) -> None:
    with app.test_request_context("/"):
        try:
            list(stream_template_string("a\n{{ 1 // 0 }}"))
        except ZeroDivisionError as error:
            failure = Reader(Redactor(()), app.root_path).read(error)
    assert failure.frames[-1].owner == "template"
    assert failure.frames[-1].line == 2


def test_a_template_error_that_jinja_has_not_rewritten_has_the_template_s_lines(app: Any) -> None:
    template = app.jinja_env.from_string("a\n\n{{ 1 // 0 }}")
    try:
        list(template.root_render_func(template.new_context()))
    except ZeroDivisionError as error:
        failure = Reader(Redactor(()), app.root_path).read(error)
    assert (failure.frames[-1].owner, failure.frames[-1].line) == ("template", 3)


def test_a_template_syntax_error_without_a_frame_is_shown_by_its_own_facts(app: Any) -> None:
    from jinja2 import TemplateSyntaxError

    error = TemplateSyntaxError("wrong", 2, "mail.txt")
    error.source = "one\ntwo {{\n"
    failure = Reader(Redactor(()), app.root_path).read(error)
    assert (failure.frames[0].file, failure.frames[0].line) == ("<mail.txt>", 2)
    assert failure.frames[0].lines[1].text == "two {{"


# --- syntax errors ---


def test_a_syntax_error_is_shown_with_its_place_marked(raising: Any, tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    path.write_text("a = 1\nif a = 2:\n    pass\n")

    def view() -> Any:
        return compile(path.read_text(), str(path), "exec")

    page = raising(view)
    assert page.startswith("SyntaxError: invalid syntax.")
    assert re.search(r"rules\.py:2\n +1 \| a = 1\n +> +2 \| if a = 2:\n +\|    \^{5}\n", page)


def test_a_syntax_error_in_a_text_is_shown_by_the_line_that_python_tells(raising: Any) -> None:
    page = raising(lambda: compile("a = 1\nb = (2\n", "<rules>", "exec"))
    assert re.search(r"  <rules>:2\n +> +2 \| b = \(2\n +\|     \^\n", page)


def test_a_syntax_error_without_a_place_is_no_obstacle(raising: Any) -> None:
    def view() -> Any:
        raise SyntaxError("made by hand")

    assert raising(view).startswith("SyntaxError: made by hand")


def test_a_syntax_error_without_a_line_or_a_column_is_no_obstacle(app: Any) -> None:
    reader = Reader(Redactor(()), app.root_path)
    for details in (("rules.txt", 3, None, None), (None, 3, 7, "x"), ("r", 1, 2, "abc", 2, 1)):
        failure = reader.read(SyntaxError("made by hand", details))
        assert failure.frames[0].line == details[1]


# --- whose code it is ---


@pytest.mark.parametrize(
    ("filename", "owner", "shown"),
    [
        ("{root}/views.py", "yours", None),
        ("{root}/.venv/lib/python3.11/site-packages/flask_login/utils.py", "flask_login", None),
        ("/srv/lib/python3.11/site-packages/requests/api.py", "requests", "requests/api.py"),
        ("/usr/lib/python3/dist-packages/six.py", "six", "six.py"),
        ("{erlen}/helpers.py", "Erlen", "erlen/helpers.py"),
        ("{stdlib}/json/decoder.py", "Python", "json/decoder.py"),
        ("<frozen importlib._bootstrap>", "Python", "<frozen importlib._bootstrap>"),
        ("<string>", "yours", "<string>"),
        ("/elsewhere/shared.py", "yours", "/elsewhere/shared.py"),
    ],
)
def test_each_file_belongs_to_somebody(app: Any, filename: str, owner: str, shown: str | None) -> None:
    import json as somewhere

    import erlen

    places = {
        "root": app.root_path,
        "erlen": str(Path(erlen.__file__).parent),
        "stdlib": str(Path(somewhere.__file__).parent.parent),
    }
    reader = Reader(Redactor(()), app.root_path)
    assert reader._owner(filename.format(**places)) == owner
    if shown is not None:
        assert reader._shown(filename.format(**places)) == shown


def test_an_application_that_is_installed_is_still_yours(tmp_path: Path) -> None:
    root = tmp_path / "lib" / "site-packages" / "shop"
    reader = Reader(Redactor(()), str(root))
    assert reader._owner(str(root / "views.py")) == "yours"
    assert reader._owner(str(root.parent / "requests" / "api.py")) == "requests"


def test_the_place_to_look_at_is_the_innermost_own_frame(app: Any) -> None:
    assert Failure("ValueError", "x", (), ()).place is None
    try:
        compile("(", "x", "exec")
    except SyntaxError as error:
        failure = Reader(Redactor(()), app.root_path).read(error)
    assert failure.place is failure.frames[-1]


def test_the_folder_of_an_application_with_another_root_counts(tmp_path: Path) -> None:
    app = Erlen("rooted", root_path=str(tmp_path))
    assert Reader(Redactor(()), app.root_path)._owner(str(tmp_path / "x.py")) == "yours"
