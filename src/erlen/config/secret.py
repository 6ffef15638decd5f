"""A secret key that is kept as a file in the instance folder, so that it is neither lost nor in the source code."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from erlen.errors import ConfigError

__all__ = ["KEY_FILE", "keep_key", "load_kept_key", "new_key"]

KEY_FILE = "secret_key"
"""The name of the file in the instance folder."""

# Windows has no such permission bits; there the folder of the user protects the file.
_HAS_MODES = os.name == "posix"


def new_key() -> str:
    """Return a new secret key: 48 random bytes as 64 letters, digits, ``-`` and ``_``."""
    return secrets.token_urlsafe(48)


def keep_key(instance_path: str | os.PathLike[str], force: bool = False) -> Path:
    """Make a new key and keep it in the instance folder, readable by the owner alone.

    :param instance_path: the instance folder; it is made, with mode 0700, if it does not exist
    :param force: replace a key that is kept there already
    :return: the file that holds the key
    :raises ConfigError: if a key is kept there and *force* is not set
    """
    path = Path(instance_path, KEY_FILE)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A new file beside it takes the old one's place in one step: no reader ever meets half a key.
    target = path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}") if force else path
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(
            "SECRET_KEY",
            f"{path} already keeps a key, and replacing it logs everybody out.",
            "To replace it nevertheless, pass --force (or force=True).",
        ) from None
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(f"{new_key()}\n")
    target.replace(path)
    return path


def load_kept_key(instance_path: str | os.PathLike[str]) -> str | None:
    """Return the key that is kept in the instance folder, or None if there is none.

    :raises ConfigError: if others may read the file, or if it cannot be read or is empty
    """
    path = Path(instance_path, KEY_FILE)
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = file.read().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "SECRET_KEY",
            f"The key kept in {path} cannot be read: {error}.",
            "Give the file to the user that the application runs as, or set SECRET_KEY in the configuration.",
        ) from error
    if _HAS_MODES and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            "SECRET_KEY",
            f"Other users of this machine may read the key kept in {path} (mode {stat.S_IMODE(mode):04o}).",
            f"Run: chmod 600 {path}",
        )
    if not key:
        raise ConfigError(
            "SECRET_KEY",
            f"{path} is empty, and an empty key protects nothing.",
            "Run 'erlen secret --save --force' for a new key.",
        )
    return key
