"""``erlen.json.dumps`` and its sisters: by the current application's provider, or by Erlen's own outside of one."""

from __future__ import annotations

import io
from pathlib import Path
from uuid import UUID

import pytest

from erlen import Erlen, json


class Shouting(json.JSONProvider):
    def dumps(self, obj: object, **kwargs: object) -> str:
        return f"{obj}!{kwargs}"

    def loads(self, s: str | bytes, **kwargs: object) -> object:
        return s, kwargs


def test_outside_of_an_application_erlens_provider_writes_and_reads() -> None:
    assert json.dumps({"id": UUID(int=1), "ä": [None]}) == '{"id":"00000000-0000-0000-0000-000000000001","ä":[null]}'
    assert json.loads(b'{"a": [1]}') == {"a": [1]}
    file = io.StringIO()
    json.dump([1, 2], file)
    assert file.getvalue() == "[1,2]"
    assert json.load(io.BytesIO(b"[3]")) == [3]
    with pytest.raises(ValueError, match="line 1 column 2"):
        json.loads("{bad")


def test_in_an_application_its_own_provider_does(tmp_path: Path) -> None:
    app = Erlen("json_functions", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
    app.json = Shouting(app)
    file = io.StringIO()
    with app.app_context():
        assert json.dumps(5, indent=2) == "5!{'indent': 2}"
        assert json.loads("x", strict=True) == ("x", {"strict": True})
        json.dump(6, file)
        assert json.load(io.StringIO("y")) == ("y", {})
    assert file.getvalue() == "6!{}"
