from __future__ import annotations

import io
import re

import pytest
from flask import g, session
from flask_wtf.csrf import generate_csrf, validate_csrf
from wtforms import ValidationError

from app import NameForm, OrderForm, create_app


@pytest.fixture
def app():
    return create_app()


@pytest.fixture
def make(interface):
    """The function that makes a client of an application with other settings."""
    options = {} if interface == "wsgi" else {"interface": interface}
    return lambda **config: create_app(**config).test_client(**options)


def token_in(page):
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]


def order(client, **fields):
    token = token_in(client.get("/order"))
    return client.post("/order", data={"csrf_token": token, "name": "ada", "amount": "2", "colour": "red", **fields})


def test_a_form_is_rendered_with_its_token(client):
    page = client.get("/order")
    assert page.status_code == 200
    assert '<label for="name">Name</label>' in page.text
    assert 'class="wide"' in page.text
    assert '<option selected value="green">green</option>' in page.text
    assert 'name="address-city"' in page.text
    assert 'name="notes-0"' in page.text
    assert token_in(page)


def test_a_form_that_is_right_is_accepted(client):
    response = order(client, **{"address-city": "London"})
    assert (response.status_code, response.location) == (302, "/thanks?name=ada&amount=2&city=London")


def test_a_form_that_is_wrong_comes_back_with_what_is_wrong(client):
    page = order(client, name="")
    assert page.status_code == 422
    assert "<em>Who are you?</em>" in page.text
    page = order(client, name="<b>somebody with a name</b>")
    assert "Field cannot be longer than 10 characters." in page.text
    assert 'value="&lt;b&gt;somebody with a name&lt;/b&gt;"' in page.text


def test_a_request_without_a_token_is_refused_with_the_reason(client):
    response = client.post("/plain", data={"said": "hello"})
    assert (response.status_code, response.json) == (400, {"reason": "The CSRF token is missing."})


def test_a_token_of_the_form_lets_a_plain_view_be_reached(client):
    token = client.get("/token").text
    assert client.post("/plain", data={"csrf_token": token, "said": "hello"}).text == "hello"
    assert client.post("/plain", data={"sent-csrf_token": token, "said": "again"}).text == "again"


@pytest.mark.parametrize("header", ["X-CSRFToken", "X-CSRF-Token"])
def test_a_token_in_a_header_serves_as_well(client, header):
    page = client.get("/page").text
    token = re.search(r'<meta name="csrf-token" content="([^"]+)">', page)[1]
    assert client.post("/plain", headers={header: token}).text == "nothing said"
    assert client.put("/name", json={"name": "ada"}, headers={header: token}).json == {"name": "ada"}


def test_the_tokens_of_one_page_are_the_same(client):
    page = client.get("/page").text
    assert re.search('content="([^"]+)"', page)[1] == re.search("<form>(.*)</form>", page)[1]


def test_a_token_of_another_session_is_refused(new_client):
    first, second = new_client(), new_client()
    token = first.get("/token").text
    response = second.post("/plain", data={"csrf_token": token})
    assert response.json == {"reason": "The CSRF session token is missing."}
    second.get("/token")
    assert second.post("/plain", data={"csrf_token": token}).json == {"reason": "The CSRF tokens do not match."}


def test_a_made_up_token_is_refused(client):
    client.get("/token")
    assert client.post("/plain", data={"csrf_token": "x"}).json == {"reason": "The CSRF token is invalid."}


def test_an_old_token_is_refused(make):
    client = make(WTF_CSRF_TIME_LIMIT=-1)
    token = client.get("/token").text
    assert client.post("/plain", data={"csrf_token": token}).json == {"reason": "The CSRF token has expired."}


def test_a_view_a_blueprint_and_what_does_not_exist_are_exempt(client):
    assert client.post("/exempt").text == "no token asked for"
    assert client.post("/hooks/paid").text == "noted"
    assert client.post("/nowhere").status_code == 404


def test_a_view_may_look_itself(client):
    assert client.post("/by-hand").json == {"reason": "The CSRF token is missing."}
    token = client.get("/token").text
    assert client.post("/by-hand", headers={"X-CSRFToken": token}).text == "looked at by the view"


def test_a_view_class_is_guarded_for_every_method(client):
    assert client.post("/settings").status_code == 400
    assert client.delete("/settings").status_code == 400
    token = client.get("/token").text
    assert client.delete("/settings", headers={"X-CSRFToken": token}).text == "deleted"


def test_an_asynchronous_view_has_the_form(client):
    token = client.get("/token").text
    assert client.post("/later", data={"csrf_token": token, "name": "ada"}).text == "ada"


def test_a_secure_page_asks_where_the_request_came_from(client):
    token = client.get("/token", base_url="https://localhost").text
    data = {"csrf_token": token}
    headers = {"Referer": "https://localhost/page"}
    assert client.post("/plain", data=data, base_url="https://localhost").json == {
        "reason": "The referrer header is missing."
    }
    assert client.post(
        "/plain", data=data, base_url="https://localhost", headers={"Referer": "https://evil/"}
    ).json == {"reason": "The referrer does not match the host."}
    assert client.post("/plain", data=data, base_url="https://localhost", headers=headers).text == "nothing said"


def test_a_file_comes_with_its_name_type_and_content(client):
    token = client.get("/token").text
    response = client.post(
        "/pictures",
        data={
            "csrf_token": token,
            "picture": (io.BytesIO(b"a picture"), "ada.png"),
            "more": [(io.BytesIO(b"b"), "b.png"), (io.BytesIO(b"c"), "c.png")],
        },
    )
    assert response.json == {"name": "ada.png", "type": "image/png", "size": 9, "more": ["b.png", "c.png"]}


def test_a_file_that_is_missing_of_another_kind_or_too_large_is_refused(client):
    token = client.get("/token").text
    assert client.post("/pictures", data={"csrf_token": token}).json == {"picture": ["This field is required."]}
    response = client.post("/pictures", data={"csrf_token": token, "picture": (io.BytesIO(b"x"), "x.exe")})
    assert response.json == {"picture": ["File does not have an approved extension: png, jpg"]}
    response = client.post("/pictures", data={"csrf_token": token, "picture": (io.BytesIO(b"x" * 101), "x.png")})
    assert list(response.json) == ["picture"]
    response = client.post(
        "/pictures",
        data={"csrf_token": token, "picture": (io.BytesIO(b"x"), "x.png"), "more": (io.BytesIO(b"x"), "x.gif")},
    )
    assert response.json == {"more": ["pictures alone"]}


def test_a_puzzle_is_shown_and_solved_in_tests(make):
    client = make(RECAPTCHA_PUBLIC_KEY="of-all", RECAPTCHA_PRIVATE_KEY="of-us", RECAPTCHA_DATA_ATTRS={"size": "small"})
    page = client.get("/puzzle").text
    assert 'data-sitekey="of-all"' in page
    assert 'data-size="small"' in page
    token = client.get("/token").text
    assert client.post("/puzzle", data={"csrf_token": token}).text == "solved"


def test_a_form_guards_itself_without_the_extension_for_all(make):
    client = make(guarded=False)
    response = client.post("/name", data={"name": "ada"})
    assert (response.status_code, response.json) == (400, {"csrf_token": ["The CSRF token is missing."]})
    token = client.get("/token").text
    assert client.post("/name", data={"name": "ada", "csrf_token": token}).json == {"name": "ada"}


def test_the_guard_can_be_switched_off_for_tests(make):
    client = make(WTF_CSRF_ENABLED=False)
    assert client.post("/plain", data={"said": "hello"}).text == "hello"
    assert client.post("/name", json={"name": "ada"}).json == {"name": "ada"}
    assert client.post("/name", json={}).json == {"name": ["This field is required."]}


def test_the_guard_can_be_left_to_the_views(make):
    client = make(WTF_CSRF_CHECK_DEFAULT=False)
    assert client.post("/plain").text == "nothing said"
    assert client.post("/by-hand").status_code == 400


def test_names_and_methods_come_from_the_settings(make):
    client = make(WTF_CSRF_FIELD_NAME="proof", WTF_CSRF_HEADERS=["X-Proof"], WTF_CSRF_METHODS=["POST"])
    token = client.get("/token").text
    assert client.delete("/settings").text == "deleted"
    assert client.post("/plain", data={"proof": token}).text == "nothing said"
    assert client.post("/plain", headers={"X-Proof": token}).text == "nothing said"
    assert client.post("/plain", headers={"X-CSRFToken": token}).status_code == 400


def test_a_token_is_made_and_looked_at_outside_of_a_view(app):
    with app.test_request_context("/"):
        token = generate_csrf()
        assert g.csrf_token == token
        assert len(session["csrf_token"]) == 40
        assert validate_csrf(token) is None
        with pytest.raises(ValidationError, match="The CSRF token is missing"):
            validate_csrf(None)


def test_a_test_finds_the_token_after_the_request(client):
    with client:
        client.get("/token")
        assert client.post("/plain", data={"csrf_token": g.csrf_token}).status_code == 200


def test_a_form_takes_its_data_from_an_object(app):
    with app.test_request_context("/"):
        form = OrderForm(data={"name": "grace", "amount": 3})
        assert (form.name.data, form.amount.data, form.is_submitted()) == ("grace", 3, False)
        assert not form.validate_on_submit()
    with app.test_request_context("/", method="POST", data={"name": "ada"}):
        form = NameForm(meta={"csrf": False})
        assert form.validate_on_submit()
        assert NameForm(formdata=None, name="grace").name.data == "grace"
