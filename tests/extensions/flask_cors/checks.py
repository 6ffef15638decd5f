from __future__ import annotations

import pytest
from flask import Flask
from flask_cors import CORS

from app import create_app


@pytest.fixture
def app():
    return create_app()


def preflight(client, path, origin, method="GET", headers=None):
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return client.options(path, headers=asked)


def test_a_path_that_is_no_resource_lets_nobody_in(client):
    response = client.get("/", headers={"Origin": "https://app.example"})
    assert response.text == "for this site alone"
    assert "Access-Control-Allow-Origin" not in response.headers


def test_an_open_resource_lets_every_site_in(client):
    response = client.get("/api/open", headers={"Origin": "https://anybody.example"})
    assert response.json == {"open": True}
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_a_resource_with_credentials_names_the_site_that_asks(client):
    response = client.get("/api/private/me", headers={"Origin": "https://app.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers["Access-Control-Expose-Headers"] == "X-Total"
    assert "Origin" in response.vary


def test_a_site_that_is_not_listed_is_not_let_in(client):
    response = client.get("/api/private/me", headers={"Origin": "https://evil.example"})
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_preflight_tells_methods_headers_and_age(client):
    response = preflight(client, "/api/private/me", "http://localhost:3000", "PUT", "X-Token, X-Other")
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert response.headers["Access-Control-Allow-Methods"] == "GET, PUT"
    assert response.headers["Access-Control-Allow-Headers"] == "X-Token"
    assert response.headers["Access-Control-Max-Age"] == "60"


def test_a_preflight_of_an_open_resource_allows_what_is_asked_for(client):
    response = preflight(client, "/api/open", "https://anybody.example", "POST", "X-Anything")
    assert response.headers["Access-Control-Allow-Headers"] == "X-Anything"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS", "POST"]


def test_an_error_and_a_page_that_does_not_exist_are_let_out_too(client):
    for path, status in (("/api/broken", 500), ("/api/nothing", 404)):
        response = client.get(path, headers={"Origin": "https://anybody.example"})
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_decorated_view_lets_in_what_its_pattern_matches(client):
    response = client.get("/feed", headers={"Origin": "https://news.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "https://news.example"
    assert response.headers["Access-Control-Expose-Headers"] == "X-Page, X-Total"
    assert "Access-Control-Allow-Origin" not in client.get("/feed", headers={"Origin": "https://news.test"}).headers


def test_a_decorated_view_answers_a_preflight_without_being_called(client):
    response = preflight(client, "/feed", "https://news.example")
    assert response.text == ""
    assert response.headers["Access-Control-Max-Age"] == "600"


def test_a_view_may_answer_its_preflight_itself(client):
    response = preflight(client, "/own-options", "https://any.example")
    assert response.text == "answered by the view"
    assert response.headers["Access-Control-Allow-Origin"] == "https://any.example"


def test_the_decorator_serves_a_view_class(client):
    assert client.get("/items", headers={"Origin": "https://shop.example"}).json == {"items": ["a"]}
    response = preflight(client, "/items", "https://shop.example", "DELETE")
    assert response.headers["Access-Control-Allow-Methods"] == "DELETE, GET"
    assert client.delete("/items", headers={"Origin": "https://shop.example"}).status_code == 204


def test_a_blueprint_lets_its_own_sites_in_with_their_cookies(client):
    response = client.get("/partners/orders", headers={"Origin": "https://partner.example"})
    assert response.json == {"orders": [1, 2]}
    assert response.headers["Access-Control-Allow-Origin"] == "https://partner.example"
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Access-Control-Allow-Origin" not in client.get("/", headers={"Origin": "https://partner.example"}).headers
    missing = client.get("/partners/missing", headers={"Origin": "https://partner.example"})
    assert (missing.status_code, missing.headers["Access-Control-Allow-Origin"]) == (404, "https://partner.example")


def test_settings_of_the_application_are_the_defaults():
    app = Flask("configured")
    app.config["CORS_ORIGINS"] = ["https://app.example"]
    app.config["CORS_MAX_AGE"] = 5
    extension = CORS()
    extension.init_app(app)
    app.get("/")(lambda: "ok")
    response = preflight(app.test_client(), "/", "https://app.example")
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert response.headers["Access-Control-Max-Age"] == "5"


def test_one_pattern_or_a_list_of_them_can_be_given_and_errors_can_be_left_alone(interface):
    options = {} if interface == "wsgi" else {"interface": interface}
    app = Flask("patterns")
    CORS(app, resources=[r"/a", r"/b/.*"], intercept_exceptions=False, allow_private_network=True)
    app.get("/a")(lambda: "a")
    client = app.test_client(**options)
    origin = {"Origin": "https://any.example"}
    assert client.get("/a", headers=origin).headers["Access-Control-Allow-Origin"] == "https://any.example"
    assert client.get("/c", headers=origin).status_code == 404
    asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Private-Network": "true"}
    assert client.options("/a", headers=asked).headers["Access-Control-Allow-Private-Network"] == "true"


def test_a_request_without_an_origin_is_answered_as_ever(client):
    response = client.get("/feed")
    assert response.text == "news"
    assert "Access-Control-Allow-Origin" not in response.headers
