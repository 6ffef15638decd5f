"""What a session is called in a list."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from erlen.sessions.label import label_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
EDGE = CHROME + " Edg/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"


def request(agent: str | None, address: str | None) -> Any:
    headers = {} if agent is None else {"User-Agent": agent}
    return SimpleNamespace(headers=headers, remote_addr=address)


@pytest.mark.parametrize(
    ("agent", "address", "label"),
    [
        (FIREFOX, "203.0.113.77", "Firefox on Linux, 203.0.113.0/24"),
        (CHROME, "2001:db8:1:2::7", "Chrome on Windows, 2001:db8:1::/48"),
        (EDGE, None, "Edge on Windows"),
        (IPHONE, "10.0.0.1", "Safari on iPhone, 10.0.0.0/24"),
        (ANDROID, "10.0.0.1", "Chrome on Android, 10.0.0.0/24"),
        ("curl/8.5.0", "127.0.0.1", "curl, 127.0.0.0/24"),
        ("<script>alert(1)</script>", "<script>", None),
        ("Linux <script>", "unix:", "Linux"),
        (None, "203.0.113.77", "203.0.113.0/24"),
        (None, None, None),
    ],
)
def test_a_label_names_browser_system_and_network_in_our_own_words(
    agent: str | None, address: str | None, label: str | None
) -> None:
    assert label_of(request(agent, address), True) == label


def test_a_label_may_be_switched_off_or_made_by_a_function() -> None:
    asked = request(FIREFOX, "10.0.0.1")
    assert label_of(asked, False) is None
    assert label_of(asked, lambda request: f"from {request.remote_addr}") == "from 10.0.0.1"
    assert label_of(asked, lambda request: None) is None
    assert label_of(asked, lambda request: "x" * 500) == "x" * 200
