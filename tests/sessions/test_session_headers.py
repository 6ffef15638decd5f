"""What a session means for the headers of the response, through an application."""

from __future__ import annotations

from pathlib import Path

import pytest

from erlen import Erlen, Response, session


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, "no-store"),
        ("private", "private"),
        ("no-store, max-age=0", "no-store, max-age=0"),
        ("public, max-age=60", "no-store"),
        ("max-age=60", "no-store"),
    ],
)
def test_a_response_that_brings_a_token_is_kept_from_shared_caches(
    tmp_path: Path, given: str | None, sent: str
) -> None:
    app = Erlen("cached", root_path=str(tmp_path))
    app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory")

    @app.get("/")
    def index() -> Response:
        session["seen"] = True
        return Response("x", headers={} if given is None else {"Cache-Control": given})

    client = app.test_client()
    first = client.get("/")
    assert "Set-Cookie" in first.headers
    assert first.headers["Cache-Control"] == sent
    later = client.get("/")
    assert "Set-Cookie" not in later.headers
    assert later.headers.get("Cache-Control") == given
