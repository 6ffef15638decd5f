"""What views call: redirect, abort, flash, after_this_request, streams; each in a request and outside of one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.exceptions import NotFound, Unauthorized
from werkzeug.wrappers import Response as WerkzeugResponse

from erlen import (
    Erlen,
    Response,
    abort,
    after_this_request,
    copy_current_request_context,
    current_app,
    flash,
    g,
    get_flashed_messages,
    has_request_context,
    jsonify,
    make_response,
    message_flashed,
    redirect,
    request,
    send_file,
    send_from_directory,
    session,
    stream_with_context,
    url_for,
)
from erlen.errors import SignatureError, ViewResultError

# redirect and abort


@pytest.mark.parametrize(
    ("args", "code", "location"),
    [
        (("/there",), 303, "/there"),
        (("/there", 302), 302, "/there"),
        (("https://example.org/ä?b=ö", 307), 307, "https://example.org/%C3%A4?b=%C3%B6"),
    ],
)
def test_a_redirect_goes_with_303_unless_told_otherwise(
    app: Erlen, args: tuple[Any, ...], code: int, location: str
) -> None:
    app.add_url_rule("/", "index", lambda: redirect(*args))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.headers["Location"]) == (code, location)
    assert "<a href=" in answer.text
    outside = redirect(*args)
    assert (outside.status_code, outside.headers["Location"]) == (code, args[0])


def test_the_code_of_redirects_is_a_setting_and_the_class_that_of_the_application(app: Erlen) -> None:
    class Own(Response):
        pass

    app.config["REDIRECT_CODE"] = 302
    app.response_class = Own
    with app.app_context():
        response = redirect("/")
        assert response.status_code == 302
        assert type(response) is Own
        other = redirect("/", Response=WerkzeugResponse)
        assert type(other) is WerkzeugResponse
        assert other.status_code == response.status_code


def test_a_subclass_may_redirect_in_its_own_way(tmp_path: Any) -> None:
    class Own(Erlen):
        def redirect(self, location: str, code: int | None = None) -> Any:
            return super().redirect(f"/prefix{location}", code)

    app = Own("own", root_path=str(tmp_path))
    with app.app_context():
        assert redirect("/x").headers["Location"] == "/prefix/x"


def test_line_breaks_in_a_redirect_are_written_as_in_a_url(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: redirect(request.args["next"]))
    answer = app.test_client().get("/?next=/a%0D%0AX-Evil:%201")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/a%0D%0AX-Evil:%201")
    assert "X-Evil" not in answer.headers


def test_a_redirect_to_a_text_with_markup_is_escaped() -> None:
    assert b"<script>" not in redirect("/<script>").get_data()


def test_abort_raises_the_exception_of_the_code_with_its_description(app: Erlen) -> None:
    for context in (app.app_context, app.test_request_context):
        with context(), pytest.raises(NotFound) as caught:
            abort(404, "No such user.")
        assert caught.value.description == "No such user."
    with pytest.raises(Unauthorized) as unauthorized:
        abort(401, www_authenticate=None)
    assert unauthorized.value.code == 401
    with pytest.raises(LookupError, match="no exception for 419"):
        abort(419)


# flash


def test_messages_are_shown_by_the_next_page_and_then_gone(app: Erlen) -> None:
    app.add_url_rule("/flash", "flash", lambda: flash("Saved.") or flash("Wrong.", "error") or "")
    app.add_url_rule("/show", "show", lambda: [get_flashed_messages(), get_flashed_messages(with_categories=True)])
    client = app.test_client()
    assert client.get("/show").json == [[], []]
    client.get("/flash")
    assert client.get("/show").json == [["Saved.", "Wrong."], [["message", "Saved."], ["error", "Wrong."]]]
    assert client.get("/show").json == [[], []]


def test_messages_are_chosen_by_category(app: Erlen) -> None:
    with app.test_request_context():
        flash("a")
        flash("b", "error")
        flash("c", "info")
        assert get_flashed_messages(category_filter=["error", "info"]) == ["b", "c"]
        assert get_flashed_messages(with_categories=True, category_filter=["error"]) == [("error", "b")]
        assert get_flashed_messages() == ["a", "b", "c"]
        assert get_flashed_messages(category_filter=["none"]) == []


def test_a_message_that_is_flashed_and_shown_in_one_request_is_not_shown_again(app: Erlen) -> None:
    app.add_url_rule("/", "index", lambda: flash("now") or get_flashed_messages())
    app.add_url_rule("/show", "show", lambda: get_flashed_messages())
    client = app.test_client()
    assert client.get("/").json == ["now"]
    assert client.get("/show").json == []


def test_flashing_sends_a_signal(app: Erlen) -> None:
    seen: list[Any] = []

    def receive(sender: Any, message: str, category: str) -> None:
        seen.append((sender, message, category))

    with message_flashed.connected_to(receive, app), app.test_request_context():
        flash("Saved.", "success")
    assert seen == [(app, "Saved.", "success")]


class ForeignSession(dict[str, Any]):
    """A session of a foreign interface, which knows nothing of Erlen's."""

    new = modified = accessed = permanent = False


class ForeignInterface:
    """Keeps one session for everybody."""

    def __init__(self) -> None:
        self.session = ForeignSession()

    def open_session(self, app: Any, request: Any) -> ForeignSession:
        return self.session

    def is_null_session(self, session: Any) -> bool:
        return False

    def save_session(self, app: Any, session: Any, response: Any) -> None:
        response.headers["X-Saved"] = ",".join(session)


def test_messages_work_with_a_foreign_session(app: Erlen) -> None:
    app.session_interface = ForeignInterface()
    app.add_url_rule("/flash", "flash", lambda: flash("Saved.", "ok") or "")
    app.add_url_rule("/show", "show", lambda: get_flashed_messages(with_categories=True))
    client = app.test_client()
    client.get("/flash")
    assert app.session_interface.session == {"_flashes": [("ok", "Saved.")]}
    assert client.get("/show").json == [["ok", "Saved."]]
    assert client.get("/show").json == []


# after_this_request


def test_after_this_request_changes_the_response_of_this_request_only(app: Erlen) -> None:
    order: list[str] = []

    @app.get("/")
    def index() -> str:
        if "mark" in request.args:

            @after_this_request
            def first(response: Response) -> Response:
                order.append("first")
                response.headers["X-Mark"] = "yes"
                return response

            @after_this_request
            def second(response: Response) -> Response:
                order.append("second")
                return response

        return "text"

    @app.after_request
    def last(response: Response) -> Response:
        order.append("after_request")
        return response

    client = app.test_client()
    assert client.get("/?mark").headers["X-Mark"] == "yes"
    assert order == ["first", "second", "after_request"]
    assert "X-Mark" not in client.get("/").headers


def test_after_this_request_may_replace_the_response(app: Erlen) -> None:
    @app.get("/")
    def index() -> str:
        after_this_request(lambda response: make_response("replaced", 201))
        return "text"

    answer = app.test_client().get("/")
    assert (answer.text, answer.status_code) == ("replaced", 201)


def test_an_after_function_that_forgets_to_return_is_named(app: Erlen) -> None:
    def forgetful(response: Response) -> Any:
        response.headers["X-A"] = "1"

    app.add_url_rule("/", "index", lambda: after_this_request(forgetful) and "x")
    with pytest.raises(ViewResultError) as caught:
        app.test_client().get("/")
    assert str(caught.value).startswith("The after_this_request function test_an_after_function")
    assert str(caught.value).endswith(
        "returned None. It is given the response and must return one: end it with 'return response'."
    )


def test_an_after_function_that_takes_no_response_is_refused(app: Erlen) -> None:
    with app.test_request_context(), pytest.raises(SignatureError) as caught:
        after_this_request(lambda: None)
    assert str(caught.value).endswith(
        "cannot be an after_this_request function: its parameters do not fit. "
        "Write: def after(response): return response"
    )


# Contexts.


def test_a_copied_context_has_the_request_and_the_session_and_an_empty_g(app: Erlen) -> None:
    seen: list[Any] = []

    @app.get("/<int:number>")
    def index(number: int) -> str:
        g.mine = 1
        session["user"] = "Ada"

        @copy_current_request_context
        def work(value: int, *, name: str) -> int:
            seen.extend(
                [
                    request.path,
                    request.view_args,
                    session["user"],
                    "mine" in g,
                    value,
                    name,
                    url_for(".index", number=2),
                ]
            )
            return value

        assert work.__name__ == "work"
        return str([work(3, name="x"), work(4, name="y")])

    assert app.test_client().get("/7").text == "[3, 4]"
    assert seen == ["/7", {"number": 7}, "Ada", False, 3, "x", "/2", "/7", {"number": 7}, "Ada", False, 4, "y", "/2"]


OUTSIDE: dict[str, tuple[str, Callable[[], Any]]] = {
    "make_response": ("application", lambda: make_response("x")),
    "jsonify": ("application", lambda: jsonify(1)),
    "flash": ("request", lambda: flash("x")),
    "get_flashed_messages": ("request", lambda: get_flashed_messages()),
    "after_this_request": ("request", lambda: after_this_request(lambda response: response)),
    "copy_current_request_context": ("request", lambda: copy_current_request_context(str)),
    "send_file": ("request", lambda: send_file("x")),
    "send_from_directory": ("request", lambda: send_from_directory("x", "y")),
    "stream_with_context": ("request", lambda: stream_with_context(iter(["x"]))),
    "url_for": ("application", lambda: url_for("x")),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_helper_without_its_context_says_which_it_needs(name: str) -> None:
    kind, use = OUTSIDE[name]
    with pytest.raises(RuntimeError, match=f"Working outside of {kind} context.\n'{name}' was used") as caught:
        use()
    assert "test_view_helpers.py:" in str(caught.value)


# Streams.


@pytest.fixture
def events(app: Erlen) -> list[str]:
    """What happened, in order; teardowns write to it."""
    seen: list[str] = []
    app.teardown_request(lambda error: seen.append(f"teardown {error!r}"))
    return seen


def test_a_stream_keeps_its_request_until_it_has_been_sent(app: Erlen, events: list[str]) -> None:
    @app.get("/")
    def index() -> Any:
        g.name = "Ada"

        def pieces() -> Iterator[str]:
            for number in range(3):
                events.append(f"piece {number}")
                yield f"{request.args['q']} {g.name} {current_app.name} {number}\n"

        return stream_with_context(pieces())

    answer = app.test_client().get("/?q=x")
    assert not any(event.startswith("teardown") for event in events)
    assert answer.text == "".join(f"x Ada application_tests {number}\n" for number in range(3))
    assert events == ["piece 0", "piece 1", "piece 2", "teardown None"]
    assert not has_request_context()


def test_a_generator_function_may_be_decorated(app: Erlen, events: list[str]) -> None:
    @app.get("/")
    def index() -> Any:
        @stream_with_context
        def pieces(greeting: str) -> Iterator[bytes]:
            yield greeting.encode()
            yield request.path.encode()

        assert pieces.__name__ == "pieces"
        return Response(pieces("hello "), mimetype="text/plain")

    assert app.test_client().get("/").text == "hello /"
    assert events == ["teardown None"]


def test_a_stream_without_a_request_in_it_is_torn_down_at_once(app: Erlen, events: list[str]) -> None:
    app.add_url_rule("/", "index", lambda: Response(piece for piece in ("a", "b")))
    answer = app.test_client().get("/")
    assert events == ["teardown None"]
    assert answer.text == "ab"


def test_an_exception_in_a_stream_reaches_the_teardown(app: Erlen, events: list[str]) -> None:
    @app.get("/")
    def index() -> Any:
        def pieces() -> Iterator[str]:
            yield "a"
            raise ValueError("broken")

        return stream_with_context(pieces())

    with pytest.raises(ValueError, match="broken"):
        app.test_client().get("/", buffered=True)
    assert events == ["teardown ValueError('broken')"]


def test_a_client_that_hangs_up_ends_the_stream_and_the_request(app: Erlen, events: list[str]) -> None:
    @app.get("/")
    def index() -> Any:
        def pieces() -> Iterator[str]:
            try:
                while True:
                    yield "tick"
            finally:
                events.append(f"closed {request.path}")

        return stream_with_context(pieces())

    answer = app.test_client().get("/")
    assert next(answer.iter_encoded()) == b"tick"
    answer.close()
    answer.close()
    assert events == ["closed /", "teardown None"]


def test_a_stream_that_is_dropped_is_torn_down(app: Erlen, events: list[str]) -> None:
    with app.test_request_context():
        stream = stream_with_context(iter(["a", "b"]))
        assert next(stream) == "a"
    assert events == []
    del stream
    gc.collect()
    assert events == ["teardown None"]


def test_a_stream_that_was_closed_has_no_more_pieces(app: Erlen, events: list[str]) -> None:
    with app.test_request_context():
        stream: Any = stream_with_context(iter(["a", "b"]))
        assert iter(stream) is stream
        stream.close()
        assert list(stream) == []
    assert events == ["teardown None"]


def test_a_stream_leaves_the_current_context_as_it_was(app: Erlen, tmp_path: Any) -> None:
    other = Erlen("other", root_path=str(tmp_path))
    with app.test_request_context("/stream"):
        stream = stream_with_context(request.path for _ in range(2))
    with other.test_request_context("/other"):
        assert next(stream) == "/stream"
        assert request.path == "/other"
    assert list(stream) == ["/stream"]
    assert not has_request_context()


def test_the_session_is_saved_before_the_stream_begins(app: Erlen) -> None:
    @app.get("/")
    def index() -> Any:
        session["before"] = 1

        def pieces() -> Iterator[str]:
            yield str(session["before"])

        return stream_with_context(pieces())

    client = app.test_client()
    assert client.get("/").text == "1"
    with client.session_transaction() as saved:
        assert saved["before"] == 1


def test_an_iterator_may_close_the_stream_that_it_is_in(app: Erlen, events: list[str]) -> None:
    class Closing:
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> str:
            stream.close()
            raise StopIteration

    with app.test_request_context():
        stream: Any = stream_with_context(Closing())  # type: ignore[type-var]
        assert list(stream) == []
    assert events == ["teardown None"]
