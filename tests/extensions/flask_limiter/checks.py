from __future__ import annotations

import os
import subprocess
import sys

import pytest
from flask import Flask
from flask.cli import FlaskGroup
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address
from inside import SIDE

from app import create_app, create_strict_app

os.environ["COLUMNS"] = "200"  # tables of the commands are as wide as the terminal


@pytest.fixture
def app():
    return create_app()


def run(app, arguments):
    """Call a command that the extension adds to the command flask."""
    return app.test_cli_runner().invoke(FlaskGroup(create_app=lambda: app), arguments)


def statuses(client, *paths, **options):
    return [client.get(path, **options).status_code for path in paths]


def test_a_default_counts_every_view_for_itself(client):
    assert statuses(client, *["/"] * 6) == [200] * 5 + [429]
    assert statuses(client, "/free") == [200]


def test_a_limit_of_a_view_stands_for_the_default(client):
    assert statuses(client, "/once", "/once") == [200, 429]


def test_the_handler_of_the_application_is_told_the_message(client):
    client.get("/once")
    assert client.get("/once").json == {"error": "once a day is enough"}
    statuses(client, *["/"] * 5)
    assert client.get("/").json == {"error": "5 per 1 hour"}


def test_headers_say_how_many_are_left_and_when_to_come_again(client):
    response = client.get("/")
    assert response.headers["X-RateLimit-Limit"] == "5"
    assert response.headers["X-RateLimit-Remaining"] == "4"
    assert 0 < int(response.headers["Retry-After"]) <= 3600
    statuses(client, *["/"] * 4)
    refused = client.get("/")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["X-RateLimit-Reset"]) >= int(response.headers["X-RateLimit-Reset"])


def test_a_view_that_is_exempt_says_nothing_of_limits(client):
    responses = [client.get("/free") for _ in range(9)]
    assert {response.status_code for response in responses} == {200}
    assert "X-RateLimit-Limit" not in responses[0].headers


def test_methods_are_counted_for_themselves_where_the_view_says_so(client):
    assert statuses(client, *["/both"] * 3) == [200, 200, 429]
    assert client.post("/both").text == "POST"


def test_a_limit_may_be_for_one_method_alone(client):
    assert [client.post("/writes").status_code for _ in range(2)] == [200, 429]
    assert statuses(client, *["/writes"] * 3) == [200] * 3


def test_the_narrowest_of_several_limits_counts(client):
    responses = [client.get("/many") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert responses[0].headers["X-RateLimit-Limit"] == "2"


def test_a_limit_may_count_by_user(client):
    for name in ("ada", "grace"):
        assert statuses(client, *["/mine"] * 3, headers={"X-User": name}) == [200, 200, 429]


def test_addresses_are_counted_for_themselves(client):
    for address in ("10.0.0.1", "10.0.0.2"):
        options = {"environ_base": {"REMOTE_ADDR": address}}
        assert [client.get("/once", **options).status_code for _ in range(2)] == [200, 429]


def test_a_limit_may_depend_on_who_asks(client):
    assert statuses(client, *["/plan"] * 4, headers={"X-User": "ada"}) == [200] * 3 + [429]
    assert statuses(client, *["/plan"] * 2, headers={"X-User": "grace"}) == [200, 429]


def test_somebody_may_be_exempt(client):
    assert statuses(client, *["/staff"] * 3, headers={"X-User": "ada"}) == [200] * 3
    assert statuses(client, *["/staff"] * 2) == [200, 429]


def test_a_filter_exempts_requests_everywhere(client):
    assert statuses(client, *["/once"] * 3, headers={"X-Internal": "yes"}) == [200] * 3


def test_only_some_answers_may_be_counted(client):
    assert statuses(client, *["/failures"] * 4) == [200] * 4
    assert statuses(client, *["/failures?wrong=1"] * 3) == [400, 400, 429]


def test_a_request_may_cost_more_than_another(client):
    assert [client.get(f"/dear?cost={cost}").text for cost in (4, 5)] == ["6", "1"]
    assert client.get("/dear?cost=2").status_code == 429


def test_a_view_may_answer_the_breach_itself(client):
    client.get("/polite")
    response = client.get("/polite")
    assert (response.status_code, response.json["limit"]) == (429, "1")


def test_views_share_a_limit(client):
    assert statuses(client, "/a", "/b", "/a", "/b", "/a") == [200, 200, 200, 429, 429]


def test_a_blueprint_limits_each_of_its_views(client):
    assert statuses(client, "/api/list", "/api/list", "/api/list") == [200, 200, 429]
    assert statuses(client, "/api/other") == [200]
    assert statuses(client, "/api/own", "/api/own") == [200, 429]
    assert statuses(client, *["/api/inner/list"] * 3) == [200, 200, 429]


def test_a_blueprint_may_be_exempt(client):
    assert statuses(client, *["/health/"] * 9) == [200] * 9


def test_a_view_class_and_an_asynchronous_view_are_limited(client):
    assert [client.get("/item").text, client.put("/item").text] == ["got", "put"]
    assert client.get("/item").status_code == 429
    assert statuses(client, "/later", "/later") == [200, 429]


def test_a_part_of_a_view_is_limited(client):
    assert client.get("/inside").json["before"] == "app"
    assert statuses(client, "/inside", "/inside") == [200, 429]


def test_a_limit_may_stand_beside_the_default(client):
    assert statuses(client, *["/same"] * 3) == [200, 200, 429]
    assert statuses(client, *["/same"] * 4, headers={"X-User": "ada"}) == [200, 200, 429, 429]


def test_what_does_not_exist_is_not_counted(client):
    assert statuses(client, *["/nowhere"] * 9) == [404] * 9


def test_counts_can_be_taken_back(client, app):
    client.get("/once")
    app.extensions["limiter-of-ours"].reset()
    assert statuses(client, "/once", "/once") == [200, 429]


def test_limits_can_be_switched_off(interface):
    client = create_app(RATELIMIT_ENABLED=False).test_client(
        **({} if interface == "wsgi" else {"interface": interface})
    )
    assert statuses(client, *["/once"] * 3) == [200] * 3


def test_all_views_together_and_those_who_come_too_often_are_limited(interface):
    client = create_strict_app().test_client(**({} if interface == "wsgi" else {"interface": interface}))
    assert statuses(client, "/a", "/b", "/a", "/b", "/b", "/a") == [200, 200, 200, 429, 429, 429]
    assert "1 day" in client.get("/a").text
    assert statuses(client, "/a", headers={"X-User": "grace"}) == [200]


def test_names_of_headers_methods_and_messages_come_from_the_settings(interface):
    app = create_app(
        RATELIMIT_HEADER_LIMIT="X-Limit",
        RATELIMIT_HEADER_REMAINING="X-Left",
        RATELIMIT_HEADER_RETRY_AFTER_VALUE="http-date",
        RATELIMIT_KEY_PREFIX="ours",
        RATELIMIT_DEFAULTS_PER_METHOD=True,
    )
    client = app.test_client(**({} if interface == "wsgi" else {"interface": interface}))
    response = client.get("/")
    assert (response.headers["X-Limit"], response.headers["X-Left"]) == ("5", "4")
    assert response.headers["Retry-After"].endswith("GMT")
    assert statuses(client, *["/"] * 5) == [200] * 4 + [429]
    assert client.open("/", method="OPTIONS").status_code == 200


def test_a_storage_that_fails_is_replaced_by_the_memory_or_passed_over(interface):
    options = {} if interface == "wsgi" else {"interface": interface}

    def broken(*args, **kwargs):
        raise OSError("the storage is gone")

    for name, config, wanted in (
        ("replaced", {"RATELIMIT_IN_MEMORY_FALLBACK": "1/hour"}, [200, 429]),
        ("passed_over", {"RATELIMIT_SWALLOW_ERRORS": True}, [200, 200, 200]),
    ):
        app = Flask(name)
        app.logger.disabled = True
        app.config.update(config)
        limiter = Limiter(get_remote_address, app=app, default_limits=["2/hour"], storage_uri="memory://")
        app.get("/")(lambda: "ok")
        limiter.storage.incr = broken
        limiter.storage.check = lambda: False
        assert statuses(app.test_client(**options), *["/"] * len(wanted)) == wanted


def test_a_view_sees_its_limits_and_what_is_left_of_them(client):
    assert client.get("/left").json == [["2 per 1 minute", 1, False], ["3 per 1 hour", 2, False]]


def test_a_breach_is_an_exception_where_it_is_asked_for():
    app = Flask("exception")
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://")
    app.get("/")(lambda: "ok")
    with app.test_request_context("/"):
        app.preprocess_request()
        with limiter.limit("1/hour"):
            pass
        with pytest.raises(RateLimitExceeded) as caught, limiter.limit("1/hour"):
            pass
    assert caught.value.code == 429
    assert str(caught.value) == "429 Too Many Requests: 1 per 1 hour"


def test_a_command_lists_the_limits(app):
    done = run(app, ["limiter", "limits"])
    assert done.exit_code == 0, done.output
    assert "5 per 1 hour" in done.output
    assert "once: /once" in done.output
    assert "Exempt" in done.output


def test_the_command_line_has_the_commands_of_the_extension():
    program = ["erlen", "--as-flask"] if SIDE == "alias" else ["flask"]
    done = subprocess.run(
        [sys.executable, "-m", *program, "--app", "app", "limiter", "limits", "--endpoint", "once"],
        cwd=os.path.dirname(__file__),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 per 1 day" in done.stdout
    assert "5 per 1 hour" not in done.stdout


def test_a_command_shows_what_is_configured(app):
    done = run(app, ["limiter", "config"])
    assert done.exit_code == 0, done.output
    assert "RATELIMIT_HEADERS_ENABLED" in done.output
    assert "FixedWindowRateLimiter" in done.output


def test_a_command_clears_the_limits_of_somebody(app, client):
    assert statuses(client, "/once", "/once") == [200, 429]
    done = run(app, ["limiter", "clear", "--key", "127.0.0.1", "-y"])
    assert done.exit_code == 0, done.output
    assert statuses(client, "/once") == [200]
