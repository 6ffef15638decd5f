"""Request bodies that views take as they come: ``stream=True``, over WSGI and ASGI."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from loop_tools import Connection, on_a_loop, tasks_left
from werkzeug.exceptions import ClientDisconnected

from erlen import request, stream_with_context
from erlen.application import SetupValueError

BOUNDARY = {"Content-Type": "multipart/form-data; boundary=xyz"}


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    """Return a multipart form of fields and files: name, filename, content."""
    lines = []
    for name, filename, content in parts:
        file = "" if filename is None else f'; filename="{filename}"\r\nContent-Type: text/x-test'
        lines.append(f'--xyz\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content)
    return b"\r\n".join([*lines, b"--xyz--\r\n"])


def add_summing_view(app: Any, kind: str = "async", **options: Any) -> None:
    """Register a view that returns how many bytes have come."""
    if kind == "plain":

        @app.post("/", **options)
        def plain() -> str:
            size = 0
            while piece := request.stream.read(1000):
                size += len(piece)
            return str(size)
    else:

        @app.post("/", **options)
        async def summing() -> str:
            size = 0
            async for piece in request.body:
                size += len(piece)
            return f"{size}{(await request.body).decode()}"


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("options", [{"stream": True}, {}])
@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_a_body_is_taken_piece_by_piece_and_then_it_is_empty(
    app: Any, kind: str, options: dict[str, bool], size: int
) -> None:
    add_summing_view(app, kind, **options)
    assert app.test_client().post("/", data=b"x" * size).text == str(size)


def test_all_of_a_body_can_be_awaited(app: Any) -> None:
    @app.post("/", stream=True)
    async def index() -> Any:
        return await request.body

    assert app.test_client().post("/", data=b"abc" * 100_000).data == b"abc" * 100_000


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("options", [{"stream": True}, {}])
def test_a_body_that_says_it_is_too_long_is_413(make_app: Any, kind: str, options: dict[str, bool]) -> None:
    app = make_app(MAX_CONTENT_LENGTH=100)
    add_summing_view(app, kind, **options)
    assert app.test_client().post("/", data=b"x" * 100).status_code == 200
    assert app.test_client().post("/", data=b"x" * 101).status_code == 413


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_body_that_turns_out_too_long_is_413(make_app: Any, kind: str) -> None:
    app = make_app(MAX_CONTENT_LENGTH=100)
    add_summing_view(app, kind, stream=True)

    def post(size: int) -> int:
        environ = {"wsgi.input_terminated": True}
        answer = app.test_client().post("/", input_stream=io.BytesIO(b"x" * size), environ_overrides=environ)
        return int(answer.status_code)

    assert post(100) == 200
    assert post(101) == 413


def test_pieces_are_handed_on_before_the_next_one_has_come(make_app: Any) -> None:
    app = make_app()
    connection: Any = None

    @app.post("/", stream=True)
    async def index() -> str:
        return ", ".join([f"{piece.decode()} {len(connection.left) > 0}" async for piece in request.body])

    async def work() -> Any:
        nonlocal connection
        connection = Connection(b"a", b"b", b"c")
        await connection.ask(app, "/", "POST", (b"transfer-encoding", b"chunked"))
        return connection.answer, await tasks_left()

    # The last may have been fetched ahead when the last but one is handed on.
    ((status, body), tasks) = on_a_loop(work)
    assert (status, body[:6], tasks) == (200, b"a True", 0)


def test_a_body_may_be_answered_while_it_comes(make_app: Any) -> None:
    app = make_app()

    @app.post("/", stream=True)
    async def index() -> Any:
        async def pieces() -> Any:
            async for piece in request.body:
                yield piece.upper()

        return stream_with_context(pieces())

    async def work() -> Any:
        connection = Connection(b"a", b"b", b"c")
        await connection.ask(app, "/", "POST", (b"transfer-encoding", b"chunked"))
        return [message.get("body") for message in connection.sent[1:]], await tasks_left()

    assert on_a_loop(work) == ([b"A", b"B", b"C", b""], 0)


def test_a_reader_that_gives_up_after_a_time_loses_nothing(make_app: Any) -> None:
    app = make_app()

    @app.post("/", stream=True)
    async def index() -> Any:
        got = []
        for _ in range(1000):
            try:
                async with asyncio.timeout(0):
                    got.append(await anext(aiter(request.body)))
            except (TimeoutError, StopAsyncIteration):
                await asyncio.sleep(0)
        return b"".join(got)

    async def work() -> Any:
        connection = Connection(b"a", b"b", b"c")
        await connection.ask(app, "/", "POST", (b"transfer-encoding", b"chunked"))
        return connection.answer

    assert on_a_loop(work) == (200, b"abc")


class BreakingOff(Connection):
    """A client that goes away after the pieces that it sends, before the end of its body."""

    def __init__(self, *pieces: bytes) -> None:
        super().__init__(*pieces)
        for message in self.left:
            message["more_body"] = True


def test_a_client_that_goes_away_in_the_middle_is_told_to_who_reads(make_app: Any) -> None:
    app = make_app()
    noted: list[Any] = []
    app.teardown_request(lambda error: noted.append("teardown"))
    connection: Any = None

    @app.post("/", stream=True)
    async def index() -> str:
        try:
            async for piece in request.body:
                noted.append(piece)
                connection.gone.set()
        except ClientDisconnected:
            noted.append("disconnected")
            raise
        finally:
            await asyncio.sleep(0)
            noted.append("finally")
        return "whole"

    async def work() -> int:
        nonlocal connection
        connection = BreakingOff(b"a")
        await connection.ask(app, "/", "POST", (b"transfer-encoding", b"chunked"))
        return await tasks_left()

    assert on_a_loop(work) == 0
    assert noted == [b"a", "disconnected", "finally", "teardown"]


def test_a_client_that_goes_away_while_the_view_does_something_else_cancels_it(make_app: Any) -> None:
    app = make_app()
    noted: list[Any] = []
    app.teardown_request(lambda error: noted.append("teardown"))
    connection: Any = None

    @app.post("/", stream=True)
    async def index() -> str:
        async for piece in request.body:
            noted.append(piece)
            connection.gone.set()
            try:
                await asyncio.Event().wait()
            finally:
                noted.append("finally")
        return "whole"

    async def work() -> int:
        nonlocal connection
        connection = BreakingOff(b"a")
        await connection.ask(app, "/", "POST", (b"transfer-encoding", b"chunked"))
        return await tasks_left()

    assert on_a_loop(work) == 0
    assert noted == [b"a", "finally", "teardown"]


def test_a_body_shorter_than_it_says_is_not_taken_for_whole(make_app: Any) -> None:
    app = make_app()
    add_summing_view(app, stream=True)

    async def work() -> Any:
        connection = Connection(b"abc")
        await connection.ask(app, "/", "POST", (b"content-length", b"10"))
        return connection.answer[0]

    assert on_a_loop(work) == 400


def test_a_form_in_an_async_view_of_such_a_route_is_refused_with_what_to_write(make_app: Any) -> None:
    app = make_app(TESTING=True)

    @app.post("/", stream=True)
    async def index() -> Any:
        return request.form["a"]

    async def work() -> Any:
        await Connection(b"a=1").ask(
            app, "/", "POST", (b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"3")
        )

    with pytest.raises(RuntimeError, match=r"async for piece in request\.body"):
        on_a_loop(work)


def test_a_plain_view_of_such_a_route_has_its_form_parsed_as_it_comes(app: Any) -> None:
    @app.post("/", stream=True)
    def index() -> Any:
        return {"field": request.form["a"], "file": request.files["f"].read().decode()}

    body = form(("a", None, b"1"), ("f", "f.txt", b"content"))
    assert app.test_client().post("/", data=body, headers=BOUNDARY).json == {"field": "1", "file": "content"}


@pytest.mark.parametrize("options", [{"stream": True}, {}])
def test_the_parts_of_a_form_come_one_after_the_other(app: Any, options: dict[str, bool]) -> None:
    @app.post("/", **options)
    async def index() -> Any:
        seen: list[Any] = []
        async for part in request.parts():
            if part.filename is None:
                seen.append([part.name, await part.text()])
            else:
                size = 0
                async for piece in part:
                    size += len(piece)
                seen.append([part.name, part.filename, part.content_type, size])
        return seen

    body = form(("größe", None, "ä".encode()), ("f", "größe.bin", b"\r\n-x" * 100_000), ("last", None, b""))
    assert app.test_client().post("/", data=body, headers=BOUNDARY).json == [
        ["größe", "ä"],
        ["f", "größe.bin", "text/x-test", 400_000],
        ["last", ""],
    ]


def test_what_a_view_does_not_read_of_a_part_is_skipped(app: Any) -> None:
    @app.post("/", stream=True)
    async def index() -> Any:
        return [repr(part) async for part in request.parts()]

    body = form(("f", "f.bin", b"x" * 200_000), ("a", None, b"1"))
    assert app.test_client().post("/", data=body, headers=BOUNDARY).json == ["<Part 'f', file 'f.bin'>", "<Part 'a'>"]


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"MAX_FORM_PARTS": 2, "MAX_FORM_MEMORY_SIZE": 10}, 200),
        ({"MAX_FORM_PARTS": 1}, 413),
        ({"MAX_FORM_MEMORY_SIZE": 9}, 413),
        ({"MAX_CONTENT_LENGTH": 1000}, 413),
    ],
)
def test_the_limits_of_forms_hold_for_parts(make_app: Any, settings: dict[str, int], status: int) -> None:
    app = make_app(**settings)

    @app.post("/", stream=True)
    async def index() -> str:
        async for _ in request.parts():
            pass
        return "fine"

    body = form(("a", None, b"1" * 10), ("f", "f.bin", b"x" * 100_000))
    assert app.test_client().post("/", data=body, headers=BOUNDARY).status_code == status


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"a=1", "application/x-www-form-urlencoded"),
        (b"a=1", ""),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=xyz"),
        (form(("a", None, b"1"))[:-10], "multipart/form-data; boundary=xyz"),
        (b"--xyz\r\nNo-Disposition: 1\r\n\r\n1\r\n--xyz--", "multipart/form-data; boundary=xyz"),
        (
            b"--xyz\r\nContent-Disposition: form-data; name=\xff\r\n\r\n1\r\n--xyz--",
            "multipart/form-data; boundary=xyz",
        ),
    ],
)
def test_what_is_no_multipart_form_is_400(app: Any, body: bytes, kind: str) -> None:
    @app.post("/", stream=True)
    async def index() -> Any:
        return [part.name async for part in request.parts()]

    assert app.test_client().post("/", data=body, content_type=kind).status_code == 400


def test_a_stream_option_that_is_no_truth_value_is_refused(app: Any) -> None:
    with pytest.raises(SetupValueError, match="write stream=True"):
        app.add_url_rule("/x", "x", lambda: "", stream="yes")
