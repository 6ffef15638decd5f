"""The front door: unsafe requests that a browser marks as sent by another site are refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen import Blueprint, request
from erlen.lifecycle.guard import CrossSiteRequest, refuse_cross_site


@pytest.fixture
def ran(app: Any) -> list[str]:
    """The methods of the requests that reached the view."""
    methods: list[str] = []

    @app.route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def index() -> str:
        methods.append(request.method)
        return "done"

    return methods


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_unsafe_request_from_another_site_is_refused_before_the_hooks_and_the_view(
    app: Any, ran: list[str], method: str
) -> None:
    app.before_request(lambda: ran.append("hook"))
    response = app.test_client().open("/", method=method, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403
    assert "This request was sent by another website, and was refused." in response.text
    assert ran == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_requests_may_come_from_anywhere(app: Any, ran: list[str], method: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert app.test_client().open("/", method=method, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Origin": "http://localhost"},
        {"Origin": "http://LOCALHOST"},
        {"Origin": "http://localhost:80"},
        {"Origin": "https://localhost"},
    ],
)
def test_requests_from_the_site_itself_and_from_programs_pass(app: Any, ran: list[str], headers: Any) -> None:
    assert app.test_client().post("/", headers=headers).status_code == 200
    assert ran == ["POST"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://localhost:8080",
        "",
        "http://[",
        "nonsense",
    ],
)
def test_without_fetch_metadata_the_origin_decides(app: Any, ran: list[str], origin: str) -> None:
    assert app.test_client().post("/", headers={"Origin": origin}).status_code == 403
    assert ran == []


def test_ports_are_compared_with_the_default_one_left_out_or_written(app: Any, ran: list[str]) -> None:
    client = app.test_client()
    for host, origin, status in (
        ("shop.example:443", "https://shop.example", 200),
        ("shop.example", "https://shop.example:443", 200),
        ("shop.example:8000", "http://shop.example:8000", 200),
        ("shop.example:8000", "http://shop.example", 403),
        ("shop.example", "ftp://shop.example:21", 403),
        ("[::1]:5000", "http://[::1]:5000", 200),
        ("[::1]:5000", "http://[::2]:5000", 403),
    ):
        response = client.post("/", headers={"Origin": origin, "Host": host})
        assert (host, origin, response.status_code) == (host, origin, status)


def test_fetch_metadata_is_believed_before_the_origin(app: Any, ran: list[str]) -> None:
    client = app.test_client()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}
    assert client.post("/", headers=headers).status_code == 403
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "https://proxied.example"}
    assert client.post("/", headers=headers).status_code == 200


@pytest.mark.parametrize("value", ["", "Cross-Site", "cross-site, same-origin", "unheard-of"])
def test_fetch_metadata_that_no_browser_sends_counts_as_none(app: Any, ran: list[str], value: str) -> None:
    client = app.test_client()
    headers = {"Sec-Fetch-Site": value, "Origin": "https://evil.example"}
    assert client.post("/", headers=headers).status_code == 403
    headers["Origin"] = "http://localhost"
    assert client.post("/", headers=headers).status_code == 200


def test_origins_that_are_trusted_pass(app: Any, ran: list[str]) -> None:
    app.config["CROSS_SITE_TRUSTED_ORIGINS"] = ("https://admin.example",)
    client = app.test_client()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://admin.example"}
    assert client.post("/", headers=headers).status_code == 200
    headers["Origin"] = "https://admin.example.evil.example"
    assert client.post("/", headers=headers).status_code == 403
    headers["Origin"] = "null"
    assert client.post("/", headers=headers).status_code == 403


def test_a_route_that_is_for_every_site_passes(app: Any) -> None:
    app.post("/hook", cross_site=True)(lambda: "taken")
    assert app.test_client().post("/hook", headers={"Sec-Fetch-Site": "cross-site"}).text == "taken"


def test_a_route_of_a_blueprint_may_be_for_every_site(app: Any) -> None:
    blueprint = Blueprint("api", __name__)
    blueprint.post("/open", cross_site=True)(lambda: "taken")
    blueprint.post("/closed", endpoint="closed")(lambda: "never")
    app.register_blueprint(blueprint)
    client = app.test_client()
    assert client.post("/open", headers={"Sec-Fetch-Site": "cross-site"}).text == "taken"
    assert client.post("/closed", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_the_guard_can_be_turned_off(app: Any, ran: list[str]) -> None:
    app.config["CROSS_SITE_GUARD"] = False
    assert app.test_client().post("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("setting", ["DEBUG", "TESTING"])
def test_developers_are_told_why_and_what_to_write(app: Any, ran: list[str], setting: str) -> None:
    app.config[setting] = True
    client = app.test_client()
    text = client.post("/", headers={"Sec-Fetch-Site": "cross-site"}).text
    assert "Its header is &#39;Sec-Fetch-Site: cross-site&#39;." in text
    assert "add its origin to CROSS_SITE_TRUSTED_ORIGINS" in text
    assert "write cross_site=True in its route" in text
    text = client.post("/", headers={"Origin": "https://evil.example"}).text
    assert "Its header is &#39;Origin: https://evil.example&#39;, and this site is http://localhost." in text


def test_in_production_nobody_is_told(app: Any, ran: list[str]) -> None:
    text = app.test_client().post("/", headers={"Origin": "https://evil.example"}).text
    assert "Origin" not in text
    assert "CROSS_SITE" not in text


def test_the_refusal_can_be_handled_like_any_403(app: Any, ran: list[str]) -> None:
    @app.errorhandler(CrossSiteRequest)
    def handle(error: CrossSiteRequest) -> Any:
        return error.reason, 403

    response = app.test_client().post("/", headers={"Sec-Fetch-Site": "cross-site"})
    assert (response.status_code, response.text) == (403, "Its header is 'Sec-Fetch-Site: cross-site'.")


def test_a_forged_header_cannot_be_used_to_write_into_the_page(app: Any, ran: list[str]) -> None:
    app.config["DEBUG"] = True
    text = app.test_client().post("/", headers={"Origin": "<script>alert(1)</script>" + "x" * 5000}).text
    assert "<script>" not in text
    assert len(text) < 2000


@given(host=st.from_regex(r"[a-z]{1,5}(\.[a-z]{2,3})?(:[0-9]{2,4})?", fullmatch=True), data=st.data())
def test_only_the_own_host_is_the_same_origin(host: str, data: Any) -> None:
    scheme = data.draw(st.sampled_from(["http", "https"]))
    other = data.draw(st.from_regex(r"[a-z]{1,5}(\.[a-z]{2,3})?(:[0-9]{2,4})?", fullmatch=True))

    sent = SimpleNamespace(headers={"Origin": f"{scheme}://{other}"}, scheme=scheme, host=host)
    standard = "443" if scheme == "https" else "80"

    def whole(name: str) -> str:
        return name if ":" in name else f"{name}:{standard}"

    if whole(host) == whole(other):
        refuse_cross_site(sent, (), False)
    else:
        with pytest.raises(CrossSiteRequest):
            refuse_cross_site(sent, (), False)
