"""Templates in async code: what is awaited, what waits, and what is refused with the way to write it."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from erlen import (
    Blueprint,
    Erlen,
    before_render_template,
    g,
    render_template,
    render_template_async,
    render_template_string,
    render_template_string_async,
    request,
    session,
    template_rendered,
)
from erlen.errors import WaitingTemplate

TEXT = "{{ a }} {{ b }} {{ c }} {{ d }} {{ e }} {{ request.path }} {{ g.word }}"
_trail: ContextVar[str] = ContextVar("async_rendering_trail", default="")


@pytest.fixture(params=["wsgi", "asgi"])
def interface(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ask(app: Erlen, interface: str) -> Callable[[str], str]:
    """Return a function that asks the application for a path over both protocols, and returns the text."""

    def ask(path: str) -> str:
        return app.test_client(interface=interface).get(path).text

    return ask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(TEXT)
    return tmp_path / "templates"


def _processor(delay: bool, **values: str) -> Callable[[], Any]:
    async def asynchronous() -> dict[str, str]:
        await asyncio.sleep(0)
        return values

    return asynchronous if delay else lambda: values


def _scoped(app: Erlen, mixture: str) -> None:
    """Register context processors on the application and on nested blueprints; *mixture* says which are async."""
    outer, inner = Blueprint("outer", __name__, url_prefix="/outer"), Blueprint("inner", __name__, url_prefix="/inner")
    other = Blueprint("other", __name__)
    slow = [letter == "a" for letter in mixture]
    app.context_processor(_processor(slow[0], a="app", b="app", c="app", d="app", e="app"))
    other.app_context_processor(_processor(slow[1], b="other", c="other", d="other", e="other"))
    other.context_processor(_processor(True, a="of another blueprint"))
    outer.context_processor(_processor(slow[2], c="outer", d="outer", e="outer"))
    inner.context_processor(_processor(slow[3], d="inner", e="inner"))

    @inner.route("/async")
    async def asynchronous() -> str:
        g.word = "word"
        return await render_template_async("page.html", e="view")

    @inner.route("/async-text")
    async def asynchronous_text() -> str:
        g.word = "word"
        return await render_template_string_async(TEXT, e="view")

    @inner.route("/plain")
    def plain() -> str:
        g.word = "word"
        return render_template("page.html", e="view")

    @inner.route("/plain-text")
    def plain_text() -> str:
        g.word = "word"
        return render_template_string(TEXT, e="view")

    @inner.route("/thread")
    async def thread() -> str:
        g.word = "word"
        return await asyncio.to_thread(render_template, "page.html", e="view")

    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.register_blueprint(other)


@pytest.mark.parametrize("jinja_async", [False, True])
@pytest.mark.parametrize("mixture", ["pppp", "aaaa", "apap", "papa"])
@pytest.mark.parametrize("way", ["async", "async-text", "plain", "plain-text", "thread"])
def test_context_processors_of_both_colours_have_the_same_scopes_however_a_template_is_rendered(
    app: Erlen, folder: Path, ask: Callable[[str], str], mixture: str, way: str, jinja_async: bool
) -> None:
    app.jinja_options = {"enable_async": jinja_async}
    _scoped(app, mixture)
    assert ask(f"/outer/inner/{way}") == f"app other outer inner view /outer/inner/{way} word"


def test_a_plain_render_on_the_loop_that_would_have_to_wait_names_the_processor_and_the_way_to_write_it(
    app: Erlen, ask: Callable[[str], str]
) -> None:
    @app.context_processor
    async def user() -> dict[str, str]:
        return {"user": "ada"}

    seen: list[Exception] = []

    @app.route("/")
    async def index() -> str:
        try:
            return render_template_string("{{ user }}")
        except WaitingTemplate as error:
            seen.append(error)
            return await render_template_string_async("{{ user }}!")

    assert ask("/") == "ada!"
    line = inspect.getsourcelines(user)[1]
    text = str(seen[0])
    assert "test_a_plain_render_on_the_loop" in text
    assert f"user() at {Path(__file__).name}:{line}" in text.replace("tests/templates/", "")
    assert "is async: a plain call cannot wait there" in text
    assert "await render_template_async(...)" in text
    assert isinstance(seen[0], RuntimeError)


def test_a_decorator_that_hides_an_async_processor_changes_nothing(app: Erlen, ask: Callable[[str], str]) -> None:
    async def values() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"user": "ada"}

    app.context_processor(lambda: values())

    @app.route("/plain")
    def plain() -> str:
        return render_template_string("{{ user }}")

    @app.route("/async")
    async def asynchronous() -> str:
        with pytest.raises(WaitingTemplate, match="returned an awaitable"):
            render_template_string("{{ user }}")
        return await render_template_string_async("{{ user }}")

    assert ask("/plain") == "ada"
    assert ask("/async") == "ada"


def test_a_template_that_awaits_is_rendered_on_the_loop_of_the_application_from_both_colours(
    app: Erlen, ask: Callable[[str], str]
) -> None:
    app.jinja_options = {"enable_async": True}
    loops: list[Any] = []

    @app.template_global()
    async def load(word: str) -> str:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return f"{word} {request.path} {session.get('user', 'nobody')}"

    @app.route("/plain")
    def plain() -> str:
        return render_template_string("{{ load('x') }}")

    @app.route("/async")
    async def asynchronous() -> str:
        loops.append(asyncio.get_running_loop())
        return await render_template_string_async("{{ load('y') }}")

    @app.route("/wrong")
    async def wrong() -> str:
        with pytest.raises(
            WaitingTemplate, match=r"'?<string>'? was made with Jinja's enable_async.*await render_temp"
        ):
            render_template_string("{{ load('z') }}")
        return "refused"

    assert ask("/plain") == "x /plain nobody"
    assert ask("/async") == "y /async nobody"
    assert ask("/wrong") == "refused"
    assert len(set(loops)) == 1


def test_plain_processors_of_an_async_render_run_in_the_thread_of_the_request(
    app: Erlen, ask: Callable[[str], str]
) -> None:
    threads: dict[str, int] = {}
    app.before_request(lambda: threads.update(before=threading.get_ident()))

    @app.context_processor
    def values() -> dict[str, str]:
        threads["processor"] = threading.get_ident()
        _trail.set("set by the processor")
        return {}

    @app.route("/")
    async def index() -> str:
        text = await render_template_string_async("x")
        return text + _trail.get()

    assert ask("/") == "xset by the processor"
    assert threads["before"] == threads["processor"]


def test_signals_are_sent_to_receivers_of_both_colours_around_an_async_render(
    app: Erlen, ask: Callable[[str], str]
) -> None:
    seen: list[Any] = []

    async def before(sender: Any, template: Any, context: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        seen.append(("before", sender, template.name, context["a"]))
        context["added"] = "!"

    def after(sender: Any, template: Any, context: dict[str, Any]) -> None:
        seen.append(("after", sender, template.name, context["a"]))

    @app.route("/")
    async def index() -> str:
        return await render_template_string_async("{{ a }}{{ added }}", a=1)

    with before_render_template.connected_to(before, app), template_rendered.connected_to(after, app):
        assert ask("/") == "1!"
    assert seen == [("before", app, None, 1), ("after", app, None, 1)]


def test_an_overridden_update_template_context_has_its_say_in_an_async_render(tmp_path: Path, interface: str) -> None:
    class Own(Erlen):
        def update_template_context(self, context: dict[str, Any]) -> None:
            super().update_template_context(context)
            context["own"] = "own"

    app = Own("own", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))

    @app.context_processor
    async def values() -> dict[str, str]:
        return {"a": "async"}

    @app.route("/")
    async def index() -> str:
        return await render_template_string_async("{{ a }} {{ own }}")

    assert app.test_client(interface=interface).get("/").text == "async own"


def test_an_async_render_works_outside_of_a_request_and_needs_an_application(app: Erlen, folder: Path) -> None:
    app.context_processor(_processor(True, a="async"))
    app.context_processor(_processor(False, b="plain"))

    async def work() -> str:
        async with app.app_context():
            g.word = "word"
            return await render_template_string_async("{{ a }} {{ b }} {{ g.word }}")

    assert asyncio.run(work()) == "async plain word"
    functions: tuple[Callable[[str], Awaitable[str]], ...] = (render_template_async, render_template_string_async)
    for function in functions:
        with pytest.raises(RuntimeError, match=f"outside of application context.\n'{function.__name__}'"):  # type: ignore[attr-defined]
            asyncio.run(function("x"))  # type: ignore[arg-type]


def test_the_first_of_several_templates_that_exists_is_rendered_and_a_missing_one_is_named(
    app: Erlen, folder: Path
) -> None:
    (folder / "there.html").write_text("{{ x }}")

    async def work() -> None:
        async with app.app_context():
            assert await render_template_async(["nowhere.html", "there.html"], x="<") == "&lt;"
            with pytest.raises(Exception, match=r"'their.html' was not found(?s:.*)Did you mean 'there.html'"):
                await render_template_async("their.html")

    asyncio.run(work())


def test_a_processor_that_returns_no_dict_is_named_in_an_async_render(app: Erlen) -> None:
    @app.context_processor
    async def wrong() -> Any:
        return 7

    async def work() -> None:
        async with app.app_context():
            await render_template_string_async("x")

    with pytest.raises(TypeError, match=r"wrong\(\) at .*must return a dict"):
        asyncio.run(work())
