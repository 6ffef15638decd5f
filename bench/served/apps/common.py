"""What all applications of this bench share: what their answers are made of."""

from __future__ import annotations

import os
from pathlib import Path

HELLO = "Hello, World!"
MAPPING = {"message": HELLO, "numbers": [1, 2, 3], "nested": {"ok": True}}
ROWS = [{"number": number, "name": f"row {number}"} for number in range(20)]
TEMPLATES = Path(__file__).resolve().parents[2] / "apps" / "templates"
STATIC = Path(os.environ.get("BENCH_STATIC", "."))
"""The folder of the static file."""
REDIS = os.environ.get("BENCH_REDIS", "")
"""The address of the server that keeps the sessions."""
KEY = "a key that is used for this bench alone"
SESSION = {"n": 0, "theme": "dark", "cart": [{"item": "beaker", "count": 2}, {"item": "flask", "count": 1}]}
"""What a session holds."""
