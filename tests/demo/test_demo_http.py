"""The demo, asked over a socket as curl would ask it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest

#: For a test that ends the server or changes the database.
own = pytest.mark.parametrize("demo", ["own"], indirect=True)


def visitor(demo, **options) -> httpx.Client:
    return httpx.Client(base_url=demo.url, follow_redirects=True, trust_env=False, timeout=60, **options, verify=False)


def sign_in(client: httpx.Client, password: str = "engine", **fields: str) -> httpx.Response:
    return client.post("/login", data={"username": "ada", "password": password, **fields})


def cart_of(client: httpx.Client) -> dict[str, int]:
    answer = client.get("/api/cart")
    assert answer.status_code == 200
    return {item["product"]: item["quantity"] for item in answer.json()["items"]}


@pytest.fixture
def client(demo) -> Iterator[httpx.Client]:
    with visitor(demo) as client:
        yield client


@pytest.fixture
def ada(client) -> httpx.Client:
    """A client that is signed in."""
    assert "Good to see you, Ada Lovelace" in sign_in(client).text
    return client


def test_a_stranger_is_sent_to_the_login_page_and_then_to_the_page_they_wanted(client):
    answer = client.get("/shop/beaker?from=a+letter", follow_redirects=False)
    assert answer.status_code == 303
    form = client.get(answer.headers["location"])
    assert form.url.path == "/login"
    assert "<h1>Sign in</h1>" in form.text

    wanted = form.url.params["next"]
    answer = sign_in(client, next=wanted)
    assert str(answer.url).endswith("/shop/beaker?from=a+letter")
    assert "<h1>Beaker, 400 ml</h1>" in answer.text


def test_the_sign_in_never_leads_to_another_site(client):
    client.follow_redirects = False
    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil"]:
        answer = sign_in(client, next=elsewhere)
        assert answer.status_code == 303, elsewhere
        assert answer.headers["location"] == "/", elsewhere


def test_a_stranger_is_greeted_once(client):
    assert "Welcome to the stockroom" in client.get("/").text
    assert "Welcome to the stockroom" not in client.get("/").text


def test_a_wrong_name_or_password_is_refused_with_a_message(client):
    for name, password in [("ada", "wrong"), ("ada", ""), ("nobody", "engine"), ("", "")]:
        answer = client.post("/login", data={"username": name, "password": password})
        assert answer.status_code == 401, (name, password)
        assert "do not belong together" in answer.text
    assert client.get("/").url.path == "/login"


def test_the_sign_in_gives_the_session_a_new_id(client):
    client.get("/")
    before = client.cookies["session"]
    sign_in(client)
    assert client.cookies["session"] != before

    with httpx.Client(
        base_url=str(client.base_url), cookies={"session": before}, trust_env=False, verify=False
    ) as stranger:
        assert stranger.get("/").headers["location"].startswith("/login")


@own
def test_whoever_signs_in_next_finds_nothing_of_the_one_before(demo, ada):
    ada.post("/cart/beaker/add", data={"quantity": "2"})
    ada.post("/profile", data={"name": "Ada King", "street": "", "city": "London", "country": ""})
    with closing(sqlite3.connect(demo.instance / "stockroom.sqlite3")) as connection, connection:
        connection.execute("INSERT INTO user SELECT 'grace', 'Grace Hopper', password_hash FROM user")

    page = ada.post("/login", data={"username": "grace", "password": "engine"})
    assert "Good to see you, Grace Hopper" in page.text
    assert "London" not in page.text
    assert cart_of(ada) == {}


@own
def test_a_restarted_server_still_knows_who_is_signed_in_and_what_is_in_the_cart(demo, ada):
    ada.post("/cart/beaker/add", data={"quantity": "2"})
    demo.restart()
    page = ada.get("/")
    assert "Good to see you, Ada Lovelace" in page.text
    assert "2 × Beaker, 400 ml" in page.text
    assert cart_of(ada) == {"beaker": 2}


def test_only_a_visitor_who_wants_to_be_kept_signed_in_gets_a_lasting_cookie(client):
    client.follow_redirects = False
    assert "max-age" not in sign_in(client).headers["set-cookie"].lower()
    client.post("/logout")
    assert "max-age=" in sign_in(client, remember="on").headers["set-cookie"].lower()


def test_the_cart_is_changed_step_by_step(ada):
    page = ada.post("/cart/beaker/add", data={"quantity": "3"})
    assert page.url.path == "/cart"
    assert "Beaker, 400 ml: 3 in the cart." in page.text
    assert "€\N{NO-BREAK SPACE}16.20" in page.text
    ada.post("/cart/funnel/add", data={"quantity": "1"})
    ada.post("/cart/beaker/remove-one")
    assert cart_of(ada) == {"beaker": 2, "funnel": 1}
    assert "Beaker, 400 ml is out of the cart." in ada.post("/cart/beaker/remove").text
    assert "Funnel, 75 mm is out of the cart." in ada.post("/cart/funnel/remove-one").text
    assert cart_of(ada) == {}


def test_taking_one_out_of_an_empty_line_leaves_no_debt(ada):
    ada.post("/cart/beaker/remove-one")
    ada.post("/cart/beaker/remove-one")
    ada.post("/cart/beaker/add", data={"quantity": "1"})
    assert cart_of(ada) == {"beaker": 1}


def test_no_change_of_the_cart_is_lost_when_many_happen_at_once(ada):
    def change(number: int) -> int:
        product = "beaker" if number % 2 else "funnel"
        return ada.post(f"/cart/{product}/add", data={"quantity": "2"}, follow_redirects=False).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(change, range(40)))
        answers += pool.map(
            lambda _: ada.post("/cart/beaker/remove-one", follow_redirects=False).status_code, range(10)
        )
    assert set(answers) == {303}
    assert cart_of(ada) == {"beaker": 30, "funnel": 40}


def test_a_quantity_that_makes_no_sense_is_refused(ada):
    for quantity in ["0", "-1", "100", "many", ""]:
        answer = ada.post("/cart/beaker/add", data={"quantity": quantity})
        assert answer.status_code == 400, quantity
        assert "The quantity must be a number from 1 to 99." in answer.text
    assert cart_of(ada) == {}


def test_the_cart_as_json(ada):
    ada.post("/cart/beaker/add", data={"quantity": "2"})
    answer = ada.get("/api/cart")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "items": [{"product": "beaker", "name": "Beaker, 400 ml", "quantity": 2, "total": 1080}],
        "count": 2,
        "total": 1080,
    }


def test_a_program_that_has_not_signed_in_is_told_so_in_json(client):
    answer = client.get("/api/cart")
    assert answer.status_code == 401
    assert answer.json() == {"error": 401, "message": "Sign in first."}


def test_what_is_not_there_gets_an_error_page(ada):
    for path in ["/shop/moon", "/nowhere", "/static/nothing.css"]:
        answer = ada.get(path)
        assert answer.status_code == 404, path
        assert "<h1>Not Found</h1>" in answer.text
        assert "Sign out" in answer.text
    assert "There is no such product." in ada.get("/shop/moon").text
    assert ada.post("/cart/moon/add", data={"quantity": "1"}).status_code == 404


def test_signing_out_takes_a_post(ada):
    answer = ada.get("/logout")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "OPTIONS, POST"
    assert "<h1>Method Not Allowed</h1>" in answer.text


@own
def test_a_failure_of_the_server_gets_an_error_page_and_a_line_in_the_log(demo, ada):
    with closing(sqlite3.connect(demo.instance / "stockroom.sqlite3")) as connection:
        connection.execute("DROP TABLE product")
    answer = ada.get("/shop")
    assert answer.status_code == 500
    assert "<h1>Internal Server Error</h1>" in answer.text
    assert "no such table" not in answer.text
    assert "no such table: product" in demo.server.log


def test_a_form_on_another_site_changes_nothing(ada):
    for marks in [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]:
        answer = ada.post("/cart/beaker/add", data={"quantity": "1"}, headers=marks)
        assert answer.status_code == 403, marks
        assert "<h1>Forbidden</h1>" in answer.text
    assert cart_of(ada) == {}


def test_signing_out_ends_the_session_on_the_server(ada):
    old = ada.cookies["session"]
    assert "You are signed out." in ada.post("/logout").text
    assert ada.get("/").url.path == "/login"

    with httpx.Client(base_url=str(ada.base_url), cookies={"session": old}, trust_env=False, verify=False) as thief:
        assert thief.get("/").headers["location"].startswith("/login")
        assert thief.get("/api/cart").status_code == 401


@own
def test_a_profile_in_any_script_survives_a_restart(demo, ada):
    profile = {"name": "Łukasz 李 <b>", "street": "Straße des 17. Juni 135", "city": "Αθήνα", "country": "🇵🇱"}
    assert "Your profile is saved." in ada.post("/profile", data=profile).text
    demo.restart()
    page = ada.get("/").text
    assert "Good to see you, Łukasz 李 &lt;b&gt;" in page
    assert "Straße des 17. Juni 135<br>Αθήνα<br>🇵🇱" in page


def test_the_dashboard_shows_what_was_looked_at_last_first(ada):
    for product in ("beaker", "funnel", "beaker", "balance", "magnifier"):
        ada.get(f"/shop/{product}")
    viewed = ada.get("/").text.partition('id="viewed"')[2]
    places = [viewed.find(f'href="/shop/{product}"') for product in ("magnifier", "balance", "beaker")]
    assert places == sorted(places)
    assert -1 not in places
    assert "/shop/funnel" not in viewed


def test_private_pages_are_kept_nowhere_and_files_are_free_of_sessions(client):
    form = client.get("/")
    assert form.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in form.headers["content-security-policy"]

    client.cookies.clear()
    file = client.get("/static/style.css")
    assert file.status_code == 200
    assert file.headers["content-type"] == "text/css; charset=utf-8"
    assert "no-store" not in file.headers.get("cache-control", "")
    assert "set-cookie" not in file.headers
    assert "cookie" not in file.headers.get("vary", "").lower()
