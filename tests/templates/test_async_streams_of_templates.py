"""Templates that are rendered piece by piece on an event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from erlen import (
    Erlen,
    g,
    request,
    stream_template_async,
    stream_template_string,
    stream_template_string_async,
    template_rendered,
)
from erlen.errors import WaitingTemplate


@pytest.mark.parametrize("enable_async", [False, True])
def test_a_template_is_streamed_with_plain_and_async_context_processors(
    app: Erlen, tmp_path: Path, enable_async: bool
) -> None:
    app.jinja_options = {"enable_async": enable_async}
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(
        "{{ plain }} {{ waited }} {{ given }} {{ request.path }} {{ g.a }}"
    )

    @app.context_processor
    def plain() -> dict[str, Any]:
        return {"plain": "plain", "given": "not this"}

    @app.context_processor
    async def waited() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"waited": request.path}

    @app.get("/x")
    async def index() -> Any:
        g.a = "<g>"
        return stream_template_async("page.html", given="this")

    assert app.test_client().get("/x").text == "plain /x this /x &lt;g&gt;"


def test_what_an_async_template_calls_is_awaited(app: Erlen) -> None:
    app.jinja_options = {"enable_async": True}

    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    @app.get("/")
    async def index() -> Any:
        return stream_template_string_async("{% for n in [1, 2] %}{{ double(n) }},{% endfor %}", double=double)

    assert app.test_client().get("/").text == "2,4,"


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("view", ["plain", "async"])
def test_the_plain_stream_of_an_async_template_is_made_on_the_loop_of_the_application_piece_by_piece(
    app: Erlen, interface: str, view: str
) -> None:
    app.jinja_options = {"enable_async": True}
    loops: list[Any] = []
    noted: list[str] = []

    async def step(number: int) -> str:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        noted.append(f"step {number}")
        return f"{number} {request.path}"

    def template() -> Any:
        noted.append("view")
        return stream_template_string("{% for n in [1, 2] %}{{ step(n) }},{% endfor %}", step=step)

    @app.before_request
    async def note_the_loop() -> None:
        loops.append(asyncio.get_running_loop())

    async def template_async() -> Any:
        return template()

    app.add_url_rule("/", "index", template if view == "plain" else template_async)
    app.teardown_request(lambda error: noted.append("teardown"))
    assert app.test_client(interface=interface).get("/").text == "1 /,2 /,"
    assert noted == ["view", "step 1", "step 2", "teardown"]
    assert len(set(loops)) == 1


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_the_plain_stream_of_an_async_template_is_refused_on_the_loop_itself(app: Erlen, interface: str) -> None:
    app.jinja_options = {"enable_async": True}

    @app.get("/")
    async def index() -> str:
        with pytest.raises(WaitingTemplate, match=r"enable_async: .* for a stream: stream_template_async"):
            "".join(stream_template_string("{{ 1 }}"))
        return "".join([piece async for piece in stream_template_string_async("{{ 1 }}")])

    assert app.test_client(interface=interface).get("/").text == "1"


def test_a_plain_stream_of_an_async_template_that_is_left_is_closed(app: Erlen) -> None:
    app.jinja_options = {"enable_async": True}
    left: list[str] = []

    async def numbers() -> Any:
        try:
            for number in range(1000):
                yield number
        finally:
            left.append("left")

    with app.test_request_context("/"):
        pieces: Any = stream_template_string("{% for n in numbers() %}{{ n }},{% endfor %}", numbers=numbers)
        assert [next(pieces) for _ in range(2)] == ["0", ","]
        pieces.close()
    app._loop.run(a_few_turns())  # Jinja leaves it to the loop to end what a template iterates
    assert left == ["left"]


async def a_few_turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_receivers_of_the_signals_may_be_plain_or_async(app: Erlen) -> None:
    seen: list[Any] = []

    def plain(sender: Any, template: Any, context: Any) -> None:
        seen.append(context["a"])

    async def waiting(sender: Any, template: Any, context: Any) -> None:
        await asyncio.sleep(0)
        seen.append(context["a"])

    app.add_url_rule("/", "index", lambda: stream_template_string_async("{{ a }}", a=1))
    with template_rendered.connected_to(plain, app), template_rendered.connected_to(waiting, app):
        assert app.test_client().get("/").text == "1"
    assert seen == [1, 1]


def test_an_override_of_the_plain_method_has_its_say() -> None:
    class Own(Erlen):
        def update_template_context(self, context: dict[str, Any]) -> None:
            super().update_template_context(context)
            context["word"] = "own"

    app = Own(__name__)
    app.add_url_rule("/", "index", lambda: stream_template_string_async("{{ word }}"))
    assert app.test_client().get("/").text == "own"


def test_a_context_processor_that_returns_no_dict_is_named(app: Erlen) -> None:
    @app.context_processor
    async def wrong() -> Any:
        return 5

    app.add_url_rule("/", "index", lambda: stream_template_string_async("x"))
    with pytest.raises(TypeError, match=r"wrong\(\) at .* must return a dict"):
        _ = app.test_client().get("/").data
