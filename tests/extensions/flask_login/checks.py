from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta

import flask_login
import pytest
from flask import session
from flask_login import FlaskLoginClient, current_user, decode_cookie, encode_cookie, login_url

from app import USERS, create_app


@pytest.fixture
def app():
    return create_app()


def log_in(client, name="ada", **form):
    return client.post("/login", data={"name": name, **form})


def forget_session(client):
    """Do what a browser does that is closed: only cookies with a date stay."""
    client.delete_cookie("session")


@pytest.fixture
def heard(app):
    """What the signals of the application say, in order."""
    found = []
    connected = []
    for name in (
        *("user_logged_in", "user_logged_out", "user_loaded_from_cookie", "user_loaded_from_request"),
        *("user_login_confirmed", "user_unauthorized", "user_needs_refresh", "session_protected"),
    ):

        def listen(sender, name=name, **told):
            assert sender is app
            found.append((name, getattr(told.get("user"), "id", None)))

        getattr(flask_login, name).connect(listen, app)
        connected.append(listen)
    yield found
    assert connected


def test_a_visitor_is_the_anonymous_user(client):
    assert client.get("/").text == "who are you, visitor?"


def test_a_login_is_kept_in_the_session(client):
    response = log_in(client)
    assert (response.status_code, response.location) == (302, "/")
    assert client.get("/").text == "hello ada"
    assert client.get("/account").json == {"name": "ada", "fresh": True, "remembered": False, "loads": 1}


def test_a_page_that_needs_a_login_sends_to_the_login_page_and_back(client):
    response = client.get("/account?tab=2")
    assert (response.status_code, response.location) == (302, "/login?next=%2Faccount%3Ftab%3D2")
    assert client.get(response.location).json == {"messages": [["please", "Please log in to access this page."]]}
    back = client.post(response.location, data={"name": "ada"}, follow_redirects=True)
    assert back.request.full_path == "/account?tab=2"
    assert back.json["name"] == "ada"


def test_a_logout_ends_the_login(client):
    log_in(client, remember="1")
    assert client.get("/logout").status_code == 302
    assert client.get("/").text == "who are you, visitor?"
    assert client.get_cookie("remember_token") is None
    with client.session_transaction() as kept:
        assert not {"_user_id", "_id", "_remember"} & set(kept)


def test_a_closed_account_is_not_logged_in_unless_it_is_forced(client):
    assert log_in(client, "eve").status_code == 403
    assert client.get("/").text == "who are you, visitor?"
    assert log_in(client, "eve", force="1").status_code == 302
    assert client.get("/").text == "who are you, eve?"


def test_a_user_that_no_longer_exists_is_a_visitor(client):
    log_in(client)
    with client.session_transaction() as kept:
        kept["_user_id"] = "somebody who left"
    assert client.get("/").text == "who are you, visitor?"


def test_a_remembered_login_survives_the_session_and_is_not_fresh(client):
    log_in(client, remember="1")
    forget_session(client)
    assert client.get("/account").json == {"name": "ada", "fresh": False, "remembered": True, "loads": 1}


def test_the_cookie_lasts_as_long_as_the_settings_or_the_login_say(client, new_client):
    week, hour = timedelta(days=7), timedelta(hours=1)
    now = datetime.now(UTC)
    log_in(client, remember="1")
    assert week - hour < client.get_cookie("remember_token").expires - now < week + hour
    other = new_client()
    log_in(other, remember="1", minutes="30")
    assert timedelta(0) < other.get_cookie("remember_token").expires - now < hour


def test_the_cookie_is_for_http_alone_and_has_the_attributes_of_the_settings(interface):
    app = create_app(
        REMEMBER_COOKIE_NAME="known",
        REMEMBER_COOKIE_PATH="/members",
        REMEMBER_COOKIE_SECURE=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
    )
    client = app.test_client(**({} if interface == "wsgi" else {"interface": interface}))
    cookies = log_in(client, remember="1").headers.getlist("Set-Cookie")
    [cookie] = [each for each in cookies if each.startswith("known=")]
    assert {"HttpOnly", "Secure", "Path=/members", "SameSite=Lax"} <= set(cookie.split("; "))


def test_a_forged_cookie_is_not_believed(client):
    client.set_cookie("remember_token", "ada|" + "0" * 128)
    assert client.get("/").text == "who are you, visitor?"


def test_a_cookie_that_is_renewed_comes_with_every_answer(interface):
    app = create_app(REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)
    client = app.test_client(**({} if interface == "wsgi" else {"interface": interface}))
    log_in(client, remember="1")
    assert any(each.startswith("remember_token=ada") for each in client.get("/").headers.getlist("Set-Cookie"))


def test_a_cookie_is_signed_by_the_key_of_the_application(app):
    with app.app_context():
        assert decode_cookie(encode_cookie("ada")) == "ada"
        assert decode_cookie(encode_cookie("ada", key="another")) is None


def test_a_page_for_fresh_logins_asks_again(client):
    log_in(client, remember="1")
    assert client.get("/password").text == "a new password"
    forget_session(client)
    response = client.get("/password")
    assert (response.status_code, response.location) == (302, "/again?next=%2Fpassword")
    assert client.get(response.location).json == {"messages": ["Say your password once more."]}
    assert client.post(response.location, follow_redirects=True).text == "a new password"
    assert client.get("/account").json["fresh"] is True


def test_a_key_in_a_header_logs_in_for_one_request(client):
    assert client.get("/account", headers={"X-Key": "key-of-grace"}).json["name"] == "grace"
    assert client.get("/account", headers={"X-Key": "made up"}).status_code == 302
    assert client.get("/account").status_code == 302


def test_a_view_class_and_an_asynchronous_view_need_the_login(client):
    assert client.get("/profile").status_code == 302
    assert client.post("/profile").status_code == 302
    assert client.get("/later").status_code == 302
    log_in(client)
    assert client.get("/profile").text == "ada"
    assert client.post("/profile").text == "saved for ada"
    assert client.get("/later").text == "later, ada"


def test_the_user_is_there_in_a_stream_and_in_another_thread(client):
    log_in(client)
    assert client.get("/stream").text == "for ada"
    assert client.get("/thread").text == "ada"


def test_messages_can_be_translated(app, client):
    app.login_manager.localize_callback = lambda text: text.upper()
    assert client.get(client.get("/account").location).json["messages"][0][1] == ("PLEASE LOG IN TO ACCESS THIS PAGE.")


def test_the_login_page_of_another_host_is_told_the_whole_way_back(client, app):
    app.login_manager.login_view = "https://login.example/in"
    assert client.get("/account").location == "https://login.example/in?next=http%3A%2F%2Flocalhost%2Faccount"
    app.config["FORCE_HOST_FOR_REDIRECTS"] = "outside.example"
    assert client.get("/account").location.startswith("https://outside.example/in")


def test_a_preflight_needs_no_login(client):
    response = client.options("/account")
    assert (response.status_code, response.text) == (200, "")


def test_a_blueprint_has_a_login_page_of_its_own_and_a_guard_of_its_own(client):
    response = client.get("/staff/")
    assert (response.status_code, response.location) == (302, "/staff-entrance?next=%2Fstaff%2F")
    log_in(client)
    assert client.get("/staff/").text == "office of ada"


def test_a_handler_of_ones_own_answers_who_is_not_logged_in(app, client):
    @app.login_manager.unauthorized_handler
    def refuse():
        return {"error": "log in first"}, 401

    response = client.get("/account")
    assert (response.status_code, response.json) == (401, {"error": "log in first"})


def test_a_handler_of_ones_own_answers_whose_login_is_old(app, client):
    @app.login_manager.needs_refresh_handler
    def ask():
        return "once more", 403

    log_in(client, remember="1")
    forget_session(client)
    assert client.get("/password").status_code == 403


def test_without_a_login_page_it_is_an_error_401(app, client):
    app.login_manager.login_view = None
    app.register_error_handler(401, lambda error: (f"{error.code} as a page", 401))
    response = client.get("/account")
    assert (response.status_code, response.text) == (401, "401 as a page")


def test_the_way_back_may_be_kept_in_the_session(interface):
    app = create_app(USE_SESSION_FOR_NEXT=True)
    client = app.test_client(**({} if interface == "wsgi" else {"interface": interface}))
    with client:
        assert client.get("/account").location == "/login"
        assert session["next"] == "/account"


def test_strong_protection_ends_a_session_that_another_browser_shows(app, client, heard):
    app.login_manager.session_protection = "strong"
    log_in(client)
    response = client.get("/", headers={"User-Agent": "somebody else"})
    assert response.text == "who are you, visitor?"
    assert ("session_protected", None) in heard
    assert client.get("/").text == "who are you, visitor?"


def test_basic_protection_makes_such_a_login_stale(app, client):
    log_in(client)
    assert client.get("/account", headers={"User-Agent": "somebody else"}).json["fresh"] is False


def test_without_protection_the_browser_does_not_matter(app, client):
    app.login_manager.session_protection = None
    log_in(client)
    assert client.get("/account", headers={"User-Agent": "somebody else"}).json["fresh"] is True


def test_signals_tell_of_what_happens(client, new_client, heard):
    client.get("/account")
    log_in(client, remember="1")
    forget_session(client)
    client.get("/password")
    client.post("/again")
    client.get("/logout")
    new_client().get("/account", headers={"X-Key": "key-of-grace"})
    assert heard == [
        ("user_unauthorized", None),
        ("user_logged_in", "ada"),
        ("user_loaded_from_cookie", "ada"),
        ("user_needs_refresh", None),
        ("user_login_confirmed", None),
        ("user_logged_out", "ada"),
        ("user_loaded_from_request", "grace"),
    ]


def test_logins_can_be_switched_off_for_tests(app, client):
    app.config["LOGIN_DISABLED"] = True
    assert client.get("/password").text == "a new password"


def test_the_client_of_the_extension_is_logged_in_from_the_start(app, interface):
    app.test_client_class = FlaskLoginClient
    options = {} if interface == "wsgi" else {"interface": interface}
    with app.test_client(user=USERS["ada"], **options) as client:
        assert client.get("/account").json["name"] == "ada"
        assert current_user.name == "ada"
    stale = app.test_client(user=USERS["ada"], fresh_login=False, **options)
    assert stale.get("/password").location == "/again?next=%2Fpassword"


def test_the_user_is_there_in_a_context_that_was_made_up(app):
    with app.test_request_context("/"):
        assert current_user.is_anonymous
        flask_login.login_user(USERS["ada"])
        assert current_user == USERS["ada"]
        assert session["_user_id"] == "ada"
        assert login_url("login", "http://localhost/account", "back") == "/login?back=%2Faccount"


def test_a_view_that_was_decorated_keeps_its_name(app):
    view = app.view_functions["account"]
    assert view.__name__ == "account"
    assert inspect.unwrap(view) is not view


def test_two_browsers_are_two_people(new_client):
    first, second = new_client(), new_client()
    log_in(first, "ada")
    log_in(second, "grace")
    assert (first.get("/").text, second.get("/").text) == ("hello ada", "hello grace")
