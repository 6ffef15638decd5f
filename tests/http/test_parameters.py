"""Query strings and forms give what Werkzeug makes of them, and headers and bodies are read as its classes do."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import EnvironHeaders as WerkzeugHeaders
from werkzeug.exceptions import BadRequest, ClientDisconnected
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wsgi import LimitedStream

from erlen import Erlen, Request, request
from erlen.http.parameters import EnvironHeaders, SizedStream

FORM = "application/x-www-form-urlencoded"
TEXTS = st.one_of(
    st.text(st.sampled_from("a=&+%;20C3A4fFé\udc80\x00"), max_size=30),
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=4).map(urlencode),
)


def environ_of(body: bytes = b"", query: str = "", kind: str = FORM, **others: Any) -> dict[str, Any]:
    """A request as a server hands it over."""
    return {
        "REQUEST_METHOD": "POST",
        "QUERY_STRING": query,
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **others,
    }


def parameters(cls: type[WerkzeugRequest], body: bytes, **others: Any) -> tuple[Any, ...]:
    """What a request of the class *kind* knows of a form."""
    made = cls(environ_of(body, **others))
    lists = list(made.form.lists())
    return type(made.form), lists, type(made.files), list(made.files), made.stream.read(), made.data


@given(TEXTS.map(lambda text: text.encode(errors="surrogateescape")))
@example(b"a=1&a=2&&b&=c&d=%C3%A4&e=%80+%")
@example(b"\xff=1&a=2")
@example("ä=ö+ü".encode())
def test_a_form_is_read_as_werkzeug_reads_it(body: bytes) -> None:
    assert parameters(Request, body) == parameters(WerkzeugRequest, body)


@given(TEXTS.map(lambda text: text.encode("latin-1", "replace").decode("latin-1")))
@example("a=1&a=2&&b&=c&d=%C3%A4&e=%FF+%")
def test_a_query_string_is_read_as_werkzeug_reads_it(query: str) -> None:
    made = Request(environ_of(query=query)).args
    if query.isascii():  # bytes that are not UTF-8 are kept by us, and Werkzeug fails over them
        expected = WerkzeugRequest(environ_of(query=query)).args
        assert (type(made), list(made.lists())) == (type(expected), list(expected.lists()))


@pytest.mark.parametrize("kind", [FORM, FORM.upper(), f"{FORM}; charset=utf-8", "text/plain", "application/json", ""])
def test_the_type_of_a_form_decides_as_with_werkzeug(kind: str) -> None:
    ours, werkzeug = (parameters(made, b"a=1", kind=kind) for made in (Request, WerkzeugRequest))
    assert ours == werkzeug
    made, other = Request(environ_of(kind=kind)), WerkzeugRequest(environ_of(kind=kind))
    assert (made.mimetype, made.mimetype_params) == (other.mimetype, other.mimetype_params)


def test_a_form_can_be_read_after_its_data() -> None:
    made = Request(environ_of(b"a=1"))
    assert made.get_data() == b"a=1"
    assert made.form["a"] == "1"


def test_a_class_with_a_parser_of_its_own_reads_forms_by_it() -> None:
    class Own(Request):
        def make_form_data_parser(self) -> Any:
            raise BadRequest("mine")

    with pytest.raises(BadRequest, match="mine"):
        _ = Own(environ_of(b"a=1")).form


def test_a_form_that_was_put_into_the_request_stays() -> None:
    made = Request(environ_of(b"a=1"))
    made.form = {"mine": "yes"}  # type: ignore[assignment]
    assert made.get_data(parse_form_data=True) == b"a=1"
    assert made.form == {"mine": "yes"}


@pytest.mark.parametrize("length", ["3", "0", "", "-1", " 3 ", "³", "x", "9" * 25, "9" * 5000, None])
@pytest.mark.parametrize("encoding", [None, "chunked", "gzip, chunked", "gzip"])
def test_the_length_of_a_body_is_what_werkzeug_takes_it_for(length: str | None, encoding: str | None) -> None:
    environ = environ_of(b"abc")
    del environ["CONTENT_LENGTH"]
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    if encoding is not None:
        environ["HTTP_TRANSFER_ENCODING"] = encoding
    assert Request(environ).content_length == WerkzeugRequest(environ).content_length


@pytest.mark.parametrize("name", ["X-One", "x-one", "Content-Type", "content_length", "Missing", "", None, 3])
@pytest.mark.parametrize("options", [{}, {"default": "d"}, {"type": int}, {"default": 4, "type": int}], ids=str)
def test_a_header_is_found_as_werkzeug_finds_it(name: Any, options: dict[str, Any]) -> None:
    environ = environ_of(b"abc", HTTP_X_ONE="1", HTTP_CONTENT_TYPE="forged")
    ours, werkzeug = EnvironHeaders(environ), WerkzeugHeaders(environ)
    assert ours.get(name, **options) == werkzeug.get(name, **options)
    assert list(ours) == list(werkzeug)


class Dribbling(io.BytesIO):
    """Gives one byte at a time, as a server may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)

    def readinto(self, buffer: Any) -> int:
        return super().readinto(memoryview(buffer)[:1])


class Broken(io.BytesIO):
    """A connection that is reset."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError("reset")

    readinto = read  # type: ignore[assignment]


@pytest.mark.parametrize("size", [0, 1, 5, 64 * 1024, 64 * 1024 + 1])
@pytest.mark.parametrize("kind", [io.BytesIO, Dribbling])
def test_a_body_of_a_known_size_is_read_to_there_and_no_further(size: int, kind: type[io.BytesIO]) -> None:
    source = kind(b"x" * size + b"rest")
    stream = SizedStream(source, size)
    assert stream.read() == b"x" * size
    assert stream.read() == b""
    assert stream.tell() == size
    assert io.BytesIO.read(source, 4) == b"rest"


def test_a_body_is_read_from_where_it_was_left() -> None:
    stream = SizedStream(io.BytesIO(b"abcdef and more"), 6)
    assert stream.read(2) == b"ab"
    assert stream.read() == b"cdef"


@pytest.mark.parametrize("source", [io.BytesIO(b"ab"), io.BytesIO(), Broken(b"abcdef"), Dribbling(b"ab")])
def test_a_body_that_ends_before_its_end_tells_that_the_client_has_gone(source: io.BytesIO) -> None:
    stream: LimitedStream = SizedStream(source, 6)
    with pytest.raises(ClientDisconnected):
        stream.read()


def test_a_form_is_limited_by_max_content_length(app: Erlen) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 5

    @app.post("/")
    def view() -> str:
        return request.form["a"]

    client = app.test_client()
    assert client.post("/", data={"a": "123"}).data == b"123"
    assert client.post("/", data={"a": "1234"}).status_code == 413
