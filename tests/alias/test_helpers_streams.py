"""``stream_with_context`` and flashed messages: what outlives the view."""

from __future__ import annotations

from typing import Any

import pytest

# Streams.


@pytest.mark.parametrize("decorated", [True, False])
def test_a_stream_sees_the_request_that_it_answers(app: Any, flask: Any, decorated: bool) -> None:
    @app.get("/shelves/<int:number>/titles")
    def titles(number: int) -> Any:
        flask.g.reader = "Oda"
        flask.session["last"] = number

        def lines() -> Any:
            for title in flask.request.args.getlist("title"):
                yield f"{flask.session['last']} {title} for {flask.g.reader}\n"
            yield flask.url_for("titles", number=number + 1)

        return flask.stream_with_context(lines)() if decorated else flask.stream_with_context(lines())

    client = app.test_client()
    response = client.get("/shelves/4/titles?title=Emma&title=Ulysses")
    assert response.text == "4 Emma for Oda\n4 Ulysses for Oda\n/shelves/5/titles"
    with client.session_transaction() as session:
        assert session["last"] == 4


@pytest.mark.parametrize("streams", ["tuple", "plain", "response"])
def test_teardowns_run_after_the_stream(app: Any, flask: Any, streams: str) -> None:
    order: list[str] = []
    app.teardown_request(lambda e: order.append("teardown_request"))
    app.teardown_appcontext(lambda e: order.append("teardown_appcontext"))

    @app.route("/")
    def index() -> Any:
        @flask.stream_with_context
        def generate() -> Any:
            order.append("first")
            yield "a"
            assert flask.request.path == "/"
            order.append("second")
            yield "b"

        return {"tuple": (generate(), 200), "plain": generate(), "response": flask.Response(generate())}[streams]

    assert app.test_client().get("/").data == b"ab"
    assert order[-3:] == ["second", "teardown_request", "teardown_appcontext"]


def test_an_error_in_a_stream_comes_out_and_teardowns_run_all_the_same(app: Any, flask: Any) -> None:
    ended: list[str] = []
    app.teardown_request(lambda error: ended.append(flask.request.path))

    @app.get("/countdown/<int:start>")
    def countdown(start: int) -> Any:
        @flask.stream_with_context
        def numbers() -> Any:
            for number in range(start, -1, -1):
                yield f"{60 // number} "

        return numbers()

    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/countdown/3", buffered=True)
    assert ended[-1] == "/countdown/3"


# Flashed messages.


@pytest.fixture
def desk(app: Any, flask: Any) -> Any:
    """The client of a lending desk: what one request flashes, the next shows."""

    @app.post("/loans")
    def lend() -> str:
        flask.flash("Due on Friday.")
        flask.flash("Two books are late.", "warning")
        flask.flash("No such card.", category="error")
        return ""

    @app.get("/desk")
    def show() -> Any:
        chosen = flask.request.args.getlist("only")
        pairs = flask.get_flashed_messages(with_categories=True, category_filter=chosen)
        texts = flask.get_flashed_messages(category_filter=chosen)
        assert [text for _, text in pairs] == texts
        return flask.jsonify(pairs)

    return app.test_client()


LATER = [["message", "Due on Friday."], ["warning", "Two books are late."], ["error", "No such card."]]


@pytest.mark.parametrize(
    ("query", "shown"), [("", LATER), ("?only=error&only=message", [LATER[0], LATER[2]]), ("?only=nothing", [])]
)
def test_messages_are_shown_once_with_or_without_their_categories(desk: Any, query: str, shown: Any) -> None:
    assert desk.get("/desk").json == []
    desk.post("/loans")
    assert desk.get("/desk" + query).json == shown
    assert desk.get("/desk").json == []


def test_messages_wait_in_the_session_which_is_saved_for_them(desk: Any) -> None:
    assert "Set-Cookie" not in desk.get("/desk").headers
    assert "Set-Cookie" in desk.post("/loans").headers
    desk.post("/loans")
    with desk.session_transaction() as session:
        assert [text for _, text in session["_flashes"]] == [text for _, text in LATER] * 2
    assert "Set-Cookie" in desk.get("/desk").headers


def test_what_is_flashed_behind_a_look_at_the_messages_is_for_the_next_request(app: Any, flask: Any) -> None:
    with app.test_request_context():
        flask.flash("before")
        assert flask.get_flashed_messages() == ["before"]
        flask.flash("behind")
        assert flask.get_flashed_messages() == ["before"]
        assert flask.session["_flashes"] == [("message", "behind")]


def test_each_message_is_told_to_who_listens(app: Any, flask: Any, desk: Any) -> None:
    heard: list[tuple[Any, str, str]] = []

    def listen(sender: Any, message: str, category: str, **extra: Any) -> None:
        heard.append((sender, category, message))

    with flask.message_flashed.connected_to(listen, app):
        desk.post("/loans")
    desk.post("/loans")
    assert heard == [(app, category, message) for category, message in LATER]
