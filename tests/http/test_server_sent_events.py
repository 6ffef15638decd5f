"""Server-sent events as bytes: what a client of the WHATWG's standard reads from them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from erlen import ServerSentEvent
from erlen.http.events import event_bytes, retry_bytes


def sent(item: Any) -> str:
    return event_bytes(item, json.dumps).decode()


def test_text_is_the_data_of_an_event() -> None:
    assert sent("größe") == "data: größe\n\n"


def test_other_data_is_written_as_json() -> None:
    assert sent({"a": [1]}) == 'data: {"a": [1]}\n\n'
    assert sent(ServerSentEvent(0)) == "data: 0\n\n"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_each_line_of_data_has_a_field_whatever_ends_it(end: str) -> None:
    assert sent(f"a{end}{end}b") == "data: a\ndata: \ndata: b\n\n"


def test_what_a_client_knows_for_no_end_of_a_line_stays_in_it() -> None:
    assert sent("a\u2028b\x0bc\x85d") == "data: a\u2028b\x0bc\x85d\n\n"


def test_text_at_the_begin_of_data_keeps_its_space() -> None:
    assert sent(" a") == "data:  a\n\n"


def test_all_fields_of_an_event_are_sent() -> None:
    event = ServerSentEvent("x", event="price", id=7, retry=3000, comment="two\nlines")
    assert sent(event) == ": two\n: lines\nevent: price\nid: 7\nretry: 3000\ndata: x\n\n"


def test_an_empty_id_is_sent_for_it_takes_the_last_one_back() -> None:
    assert sent(ServerSentEvent("x", id="")) == "id: \ndata: x\n\n"


def test_without_data_only_the_other_fields_are_sent() -> None:
    assert sent(ServerSentEvent(id="5")) == "id: 5\n\n"


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b"])
def test_an_id_that_a_client_would_not_understand_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="one line without NUL"):
        ServerSentEvent("x", id=bad)


@pytest.mark.parametrize("bad", ["a\nb", "a\rb"])
def test_a_type_of_two_lines_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="The type of an event is one line"):
        ServerSentEvent("x", event=bad)


@pytest.mark.parametrize("bad", [-1, 1.5, True, "3000"])
def test_a_retry_that_is_no_number_of_milliseconds_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="no whole number of milliseconds"):
        retry_bytes(bad)
    with pytest.raises(ValueError, match="no whole number of milliseconds"):
        ServerSentEvent("x", retry=bad)


def test_an_event_shows_what_it_holds() -> None:
    assert repr(ServerSentEvent("x", id="5")) == "ServerSentEvent(data='x', id='5')"
