"""``erlen check --asvs``: what it prints, and what it exits with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from erlen import Erlen
from erlen.cli import check_command
from erlen.introspect import judge_asvs
from erlen.sessions.stores.memory import MemoryStore


@pytest.fixture
def app(tmp_path: Path) -> Erlen:
    app = Erlen("site", static_folder=None, instance_path=str(tmp_path))
    app.config["SECRET_KEY"] = "aGoodLongKeyForTheTests-0123456789"
    return app


def run(app: Erlen, *arguments: str) -> Any:
    return app.test_cli_runner().invoke(check_command, arguments)


def told(app: Erlen, row: str) -> tuple[str, str]:
    found = next(found for found in judge_asvs(app) if found.id == row)
    return found.verdict, found.words


def test_each_row_is_printed_with_its_verdict_and_the_effective_values(app: Erlen) -> None:
    result = run(app, "--asvs", "2")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[:3] == [
        "OWASP ASVS 5.0, level 2: sessions (V7), cookies (V3.3), headers (V3.4), other sites (V3.5)",
        "",
        "3.3.1  HOLDS  The session cookie is Secure, and its name says so to the browser by a prefix.",
    ]
    assert lines[3] == (
        "       It is '__Host-session', and Secure, where the request came by https. Behind a proxy that ends TLS call "
        "app.trust_proxies(), or set SESSION_COOKIE_SECURE = True."
    )
    [at] = [
        number for number, line in enumerate(lines) if line.startswith("7.1.1  OPEN QUESTION  The idle and the abs")
    ]
    assert lines[at + 1].startswith(
        "       Idle limit: 1 day (31 days for permanent sessions). Absolute limit: 90 days."
    )
    assert lines[-1] == "Holds: 14, does not hold: 0, open question: 19."
    assert "aGoodLong" not in result.output


@pytest.mark.parametrize(("level", "count"), [("1", 12), ("2", 33), ("3", 40)])
def test_a_level_has_its_rows_and_those_of_the_levels_below(app: Erlen, level: str, count: int) -> None:
    lines = run(app, "--asvs", level).output.splitlines()[2:-2]
    assert len(lines) == 2 * count
    assert len(judge_asvs(app, int(level))) == count
    assert {row.level for row in judge_asvs(app, int(level))} == set(range(1, int(level) + 1))


def test_a_row_that_does_not_hold_fails_the_command(app: Erlen) -> None:
    app.config["SESSION_COOKIE_HTTPONLY"] = False
    result = run(app, "--asvs", "2")
    assert result.exit_code == 1
    assert "3.3.4  DOES NOT HOLD  Scripts cannot read the session cookie" in result.output
    assert "       SESSION_COOKIE_HTTPONLY is off. Leave it out.\n" in result.output
    assert run(app, "--asvs", "1").exit_code == 0


def test_strict_fails_for_an_open_question_too(app: Erlen) -> None:
    assert run(app, "--asvs", "1", "--strict").exit_code == 1


def test_nothing_is_judged_that_does_not_start(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = "sqlit"
    result = run(app, "--asvs", "2")
    assert result.exit_code == 1
    assert result.output.startswith("Refused:\n  SESSION_TYPE: 'sqlit' is not accepted.")
    assert result.output.endswith("Nothing was judged, because the application does not start with these settings.\n")


def test_there_are_three_levels(app: Erlen) -> None:
    result = run(app, "--asvs", "4")
    assert result.exit_code == 2
    assert "'4' is not one of '1', '2', '3'" in result.output + result.stderr


@pytest.mark.parametrize(
    ("settings", "row", "verdict", "words"),
    [
        ({"SESSION_TYPE": "cookie"}, "7.2.4", "does not hold", "Keep sessions on the server: SESSION_TYPE = 'sqlite'."),
        ({"SESSION_TYPE": "cookie"}, "7.2.3", "holds", "There are none: the cookie holds the session itself, signed."),
        ({"SESSION_TYPE": "cookie"}, "7.3.2", "does not hold", "Each new cookie begins the time anew."),
        ({"SESSION_TYPE": "cookie"}, "7.4.1", "does not hold", "A copy of the cookie works on after the logout"),
        ({"SESSION_TYPE": "cookie"}, "3.3.5", "does not hold", "It grows with the session"),
        (
            {"SESSION_TYPE": "cookie", "MAX_SESSIONS_PER_USER": 2},
            "7.1.2",
            "does not hold",
            "MAX_SESSIONS_PER_USER is 2, and the store 'cookie' cannot count those of a user.",
        ),
        ({"SESSION_TYPE": "null"}, "7.2.1", "open question", "SESSION_TYPE is 'null', so there are no sessions."),
        ({"SECRET_KEY": None}, "7.2.2", "open question", "SECRET_KEY is not set here"),
        ({"SECRET_KEY": "dev"}, "7.2.2", "does not hold", "It is a well-known one, so anybody can forge sessions."),
        ({"SESSION_IDLE_TIMEOUT": 600}, "7.3.1", "holds", "It ends after 10 minutes without a request"),
        ({"SESSION_ABSOLUTE_TIMEOUT": 43_200}, "7.3.2", "holds", "It ends after 12 hours; only a login"),
        ({"SESSION_COOKIE_SECURE": True}, "3.3.1", "holds", "It is '__Host-session', and always Secure."),
        ({"SESSION_COOKIE_DOMAIN": "example.com"}, "3.3.1", "does not hold", "Its name is 'session'. Leave"),
        (
            {
                "SESSION_COOKIE_DOMAIN": "example.com",
                "SESSION_COOKIE_NAME": "__Secure-session",
                "SESSION_COOKIE_SECURE": True,
            },
            "3.3.1",
            "holds",
            "It is '__Secure-session', and always Secure.",
        ),
        ({"CROSS_SITE_GUARD": False}, "3.5.1", "open question", "CROSS_SITE_GUARD is off."),
    ],
)
def test_settings_decide(app: Erlen, settings: dict[str, Any], row: str, verdict: str, words: str) -> None:
    app.config.update(settings)
    found, said = told(app, row)
    assert found == verdict
    assert words in said


def test_routes_that_are_open_to_other_sites_are_named(app: Erlen) -> None:
    app.add_url_rule("/hook", "hook", lambda: "", methods=["POST"], cross_site=True)
    assert "sent by another site. Not for: hook. Those from other hosts" in told(app, "3.5.1")[1]


def test_sessions_that_others_keep_are_asked_about(app: Erlen) -> None:
    class Foreign: ...

    app.session_interface = Foreign()
    for found in judge_asvs(app):
        if found.id.startswith(("7.2", "7.3", "3.3")):
            assert found.verdict == "open question"
            assert found.words.startswith("Sessions are kept by ")
            assert found.words.endswith("Foreign, which Erlen does not know. Does it do this?")


class Blind(MemoryStore):
    abilities = frozenset({"write"})


def test_a_store_that_cannot_find_sessions_leaves_administrators_without_means(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = Blind()
    assert told(app, "7.4.5") == (
        "does not hold",
        "The store 'Blind' cannot find the sessions of a user. Take another store.",
    )
