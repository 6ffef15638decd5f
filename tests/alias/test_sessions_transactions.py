"""Sessions from outside of a request: ``session_transaction`` of the test client."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def cloakroom(app: Any, flask: Any) -> Any:
    """An application whose sessions hold the number of a coat."""
    app.add_url_rule("/coat", "coat", lambda: f"coat {flask.session.get('number')}")
    app.add_url_rule("/deep/coat", "deep", lambda: f"coat {flask.session.get('number')}")
    return app


def test_what_a_transaction_stores_the_next_request_finds_and_the_other_way_round(cloakroom: Any, flask: Any) -> None:
    @cloakroom.put("/coat/<int:number>")
    def hang(number: int) -> str:
        flask.session["number"] = number
        return "hung up"

    client = cloakroom.test_client()
    with client.session_transaction() as session:
        assert dict(session) == {}
        session["number"] = 17
    assert client.get("/coat").text == "coat 17"
    client.put("/coat/18")
    with client.session_transaction() as session:
        assert session.pop("number") == 18
    assert client.get_cookie("session") is None
    assert client.get("/coat").text == "coat None"


def test_a_transaction_is_of_one_client(cloakroom: Any) -> None:
    first, second = cloakroom.test_client(), cloakroom.test_client()
    with first.session_transaction() as one, second.session_transaction() as two:
        one["number"], two["number"] = 1, 2
    assert [client.get("/coat").text for client in (first, second)] == ["coat 1", "coat 2"]


def test_its_cookie_is_like_that_of_a_request(cloakroom: Any) -> None:
    cloakroom.config.update(SESSION_COOKIE_NAME="ticket", SESSION_COOKIE_SAMESITE="Strict")
    client = cloakroom.test_client()
    with client.session_transaction() as session:
        session["number"] = 17
        session.permanent = True
    cookie = client.get_cookie("ticket")
    assert (cookie.http_only, cookie.same_site, cookie.path) == (True, "Strict", "/")
    assert cookie.expires is not None
    serializer = cloakroom.session_interface.get_signing_serializer(cloakroom)
    assert serializer.loads(cookie.value) == {"number": 17, "_permanent": True}


@pytest.mark.parametrize(
    ("settings", "arguments", "found", "missed"),
    [
        ({}, {"base_url": "https://opera.test"}, "https://opera.test/coat", "http://localhost/coat"),
        ({"SESSION_COOKIE_PATH": "/deep"}, {"path": "/deep/coat"}, "/deep/coat", "/coat"),
        (
            {"SESSION_COOKIE_DOMAIN": "opera.test"},
            {"base_url": "http://opera.test"},
            "http://gallery.opera.test/coat",
            "/coat",
        ),
    ],
)
def test_it_takes_the_arguments_of_a_test_request(
    cloakroom: Any, settings: dict[str, Any], arguments: dict[str, Any], found: str, missed: str
) -> None:
    cloakroom.config.update(settings)
    client = cloakroom.test_client()
    with client.session_transaction(**arguments) as session:
        session["number"] = 17
    assert [client.get(url).text for url in (found, missed)] == ["coat 17", "coat None"]


def test_an_interface_is_given_the_request_of_the_transaction(cloakroom: Any, flask: Any) -> None:
    class PerTicket(flask.sessions.SessionInterface):
        """Sessions in a dict, found by a header."""

        def __init__(self) -> None:
            self.kept: dict[str, Any] = {}

        def open_session(self, app: Any, request: Any) -> Any:
            ticket = request.headers["X-Ticket"]
            session = type("Ticket", (dict, flask.sessions.SessionMixin), {})(self.kept.get(ticket, {}))
            session.ticket = ticket
            return session

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            self.kept[session.ticket] = dict(session)

    cloakroom.session_interface = PerTicket()
    client = cloakroom.test_client()
    with client.session_transaction(headers={"X-Ticket": "red"}) as session:
        session["number"] = 17
    assert cloakroom.session_interface.kept == {"red": {"number": 17}}
    assert client.get("/coat", headers={"X-Ticket": "red"}).text == "coat 17"
    assert client.get("/coat", headers={"X-Ticket": "blue"}).text == "coat None"


def test_no_function_of_the_application_runs_for_it(cloakroom: Any) -> None:
    ran: list[str] = []
    cloakroom.before_request(lambda: ran.append("before"))
    cloakroom.after_request(lambda response: ran.append("after") or response)
    with cloakroom.test_client().session_transaction() as session:
        session["number"] = 17
    assert ran == []


def test_an_error_in_the_block_leaves_the_session_as_it_was(cloakroom: Any, flask: Any) -> None:
    client = cloakroom.test_client()
    with client.session_transaction() as session:
        session["number"] = 17

    def exchange() -> None:
        with client.session_transaction() as session:
            session["number"] = 18
            raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        exchange()
    assert client.get("/coat").text == "coat 17"
    assert not flask.has_app_context()


def test_the_contexts_around_it_stay_what_they_are(cloakroom: Any, flask: Any) -> None:
    def around() -> tuple[str | None, str | None]:
        return (
            flask.request.full_path if flask.has_request_context() else None,
            flask.g.get("hall") if flask.has_app_context() else None,
        )

    def seen_by(client: Any) -> set[tuple[str | None, str | None]]:
        places = [around()]
        with client.session_transaction() as session:
            session["number"] = len(session)
            places.append(around())
        return {*places, around()}

    client = cloakroom.test_client()
    assert seen_by(client) == {(None, None)}
    with cloakroom.app_context():
        flask.g.hall = "foyer"
        assert seen_by(client) == {(None, "foyer")}
    with cloakroom.test_request_context("/outer?floor=2"):
        assert seen_by(client) == {("/outer?floor=2", None)}
    with client:
        client.get("/coat?floor=3")
        assert seen_by(client) == {("/coat?floor=3", None)}


def test_where_nothing_can_be_stored_it_says_so(app: Any, flask: Any) -> None:
    with pytest.raises(TypeError, match="Cookies are disabled"), app.test_client(False).session_transaction():
        pass
    app.secret_key = None
    with pytest.raises(RuntimeError, match="did not open a session"), app.test_client().session_transaction():
        pass


def test_the_methods_that_an_interface_has_to_bring_are_missed(app: Any, flask: Any) -> None:
    bare = flask.sessions.SessionInterface()
    with pytest.raises(NotImplementedError):
        bare.open_session(app, app.test_request_context().request)
    with pytest.raises(NotImplementedError):
        bare.save_session(app, bare.make_null_session(app), app.response_class())


def test_what_is_put_into_the_session_after_the_answer_was_made_counts_until_it_is_saved(
    cloakroom: Any, flask: Any
) -> None:
    def write(place: str) -> Any:
        def function(value: Any) -> Any:
            flask.session[place] = "was here"
            return value

        return function

    cloakroom.after_request(write("after_request"))
    cloakroom.teardown_request(write("teardown_request"))
    client = cloakroom.test_client()
    client.get("/coat")
    with client.session_transaction() as session:
        assert dict(session) == {"after_request": "was here"}
