"""The demo with its sessions in the cookie: the same code, another SESSION_TYPE."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
CONFIGURED = """
from app import create_app
from config import DashboardConfig


class InTheCookie(DashboardConfig):
    SESSION_TYPE = "cookie"


app = create_app(InTheCookie)
"""


def test_its_main_flow_is_the_same(tmp_path: Path, serve: Callable[..., Any]) -> None:
    folder = tmp_path / "dashboard"
    shutil.copytree(ROOT / "examples" / "dashboard", folder, ignore=shutil.ignore_patterns("instance", "__pycache__"))
    (folder / "in_the_cookie.py").write_text(CONFIGURED)
    subprocess.run(
        [sys.executable, "-m", "erlen", "secret", "--save", "--instance", folder / "instance"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    server = serve("in_the_cookie:app", folder, workers=2, env={"GRANIAN_WORKERS_KILL_TIMEOUT": "3"})
    with httpx.Client(base_url=server.url, follow_redirects=True, trust_env=False, timeout=60, verify=False) as visitor:
        assert "Welcome to the stockroom" in visitor.get("/").text
        assert "Welcome to the stockroom" not in visitor.get("/").text
        refused = visitor.post("/login", data={"username": "ada", "password": "wrong"})
        assert refused.status_code == 401
        page = visitor.post("/login", data={"username": "ada", "password": "engine", "remember": "on"})
        assert "Good to see you, Ada Lovelace" in page.text
        for _ in range(2):
            visitor.post("/cart/beaker/add", data={"quantity": "2"})
        visitor.post("/profile", data={"name": "Ada King, Gräfin", "street": "", "city": "London", "country": ""})
        page = visitor.get("/")
        assert "Good to see you, Ada King, Gräfin" in page.text
        assert "London" in page.text
        assert visitor.get("/api/cart").json()["items"][0]["quantity"] == 4
        assert "Max-Age=1209600" in visitor.get("/").headers["Set-Cookie"]
        page = visitor.post("/logout")
        assert "You are signed out." in page.text
        assert visitor.get("/api/cart").status_code == 401
    assert not (folder / "instance" / "sessions.sqlite3").exists()
