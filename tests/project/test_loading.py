"""Modules that are imported when they are first needed."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from erlen.loading import load


def test_a_module_that_another_thread_is_importing_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_module.py").write_text(
        "import slow_gate\nslow_gate.began.set()\nassert slow_gate.go_on.wait(20)\nready = True\n"
    )
    (tmp_path / "slow_gate.py").write_text("import threading\nbegan, go_on = threading.Event(), threading.Event()\n")
    monkeypatch.syspath_prepend(tmp_path)
    gate = load("slow_gate")
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(load("slow_module").ready)) for _ in range(4)]
    threads[0].start()
    assert gate.began.wait(20)
    assert "slow_module" in sys.modules
    for thread in threads[1:]:
        thread.start()
    gate.go_on.set()
    for thread in threads:
        thread.join()
    assert found == [True] * 4
    assert load("slow_module") is sys.modules["slow_module"]
