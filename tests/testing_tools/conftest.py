"""An application without files of its own, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from erlen import Erlen


@pytest.fixture
def app(tmp_path: Path) -> Erlen:
    """An application whose folder is empty and whose sessions are kept in memory."""
    app = Erlen("testing_tools_tests", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
    app.config.update(SECRET_KEY="a key for tests only", SESSION_TYPE="memory", TESTING=True)
    return app
