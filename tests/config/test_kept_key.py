"""The secret key that is kept in the instance folder."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from erlen.config import keep_key, load_kept_key, new_key, secret
from erlen.errors import ConfigError

posix = pytest.mark.skipif(not secret._HAS_MODES, reason="the system has no permission bits")


def test_a_new_key_is_long_and_never_the_same() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {64}


def test_a_kept_key_is_found_again(tmp_path: Path) -> None:
    path = keep_key(tmp_path / "a" / "instance")
    assert path == tmp_path / "a" / "instance" / "secret_key"
    key = load_kept_key(tmp_path / "a" / "instance")
    assert key is not None
    assert len(key) == 64
    assert path.read_text() == f"{key}\n"


@posix
def test_file_and_folder_are_for_the_owner_alone(tmp_path: Path) -> None:
    path = keep_key(tmp_path / "instance")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_a_file_there_is_no_key(tmp_path: Path) -> None:
    assert load_kept_key(tmp_path) is None
    assert load_kept_key(tmp_path / "missing") is None
    (tmp_path / "file").write_text("x")
    assert load_kept_key(tmp_path / "file") is None


def test_a_kept_key_is_not_replaced_by_accident(tmp_path: Path) -> None:
    keep_key(tmp_path)
    before = load_kept_key(tmp_path)
    with pytest.raises(ConfigError) as caught:
        keep_key(tmp_path)
    assert str(caught.value) == (
        f"SECRET_KEY: {tmp_path / 'secret_key'} already keeps a key, and replacing it logs everybody out. To replace "
        "it nevertheless, pass --force (or force=True)."
    )
    assert load_kept_key(tmp_path) == before


def test_force_replaces_the_key_and_leaves_nothing_else_behind(tmp_path: Path) -> None:
    keep_key(tmp_path)
    before = load_kept_key(tmp_path)
    path = keep_key(tmp_path, force=True)
    assert load_kept_key(tmp_path) not in (None, before)
    assert list(tmp_path.iterdir()) == [path]


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_may_read_is_refused_with_the_command_to_run(tmp_path: Path, mode: int) -> None:
    path = keep_key(tmp_path)
    path.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        load_kept_key(tmp_path)
    assert f"(mode {mode:04o}). Run: chmod 600 {path}" in str(caught.value)
    path.chmod(0o400)
    assert load_kept_key(tmp_path)


def test_where_there_are_no_permission_bits_none_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_key(tmp_path).chmod(0o644)
    monkeypatch.setattr(secret, "_HAS_MODES", False)
    assert load_kept_key(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = keep_key(tmp_path)
    path.write_text(" \n")
    with pytest.raises(
        ConfigError, match=r"is empty, and an empty key protects nothing. Run 'erlen secret --save --force'"
    ):
        load_kept_key(tmp_path)


def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(ConfigError, match=r"The key kept in .*secret_key cannot be read: .*Is a directory"):
        load_kept_key(tmp_path)
    other = tmp_path / "other"
    keep_key(other).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"cannot be read: 'utf-8' codec"):
        load_kept_key(other)
