"""Files: there is no server, so no command and no byte goes to one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from store_servers import Servers


def config_of(name: str, servers: Servers) -> dict[str, Any]:
    folder = servers.make_folder("filesystem") / "sessions"
    servers.shared.setdefault(name, []).append(folder)
    return {"SESSION_TYPE": name, "SESSION_FILE_DIR": str(folder)}


def commands(name: str, servers: Servers) -> int:
    """Return 0: there is no server."""
    return 0


def bytes_received(name: str, servers: Servers) -> int:
    """Return 0: there is no server."""
    return 0


def dump(name: str, servers: Servers) -> bytes:
    """Return the names and contents of all files of the newest store."""
    folder: Path = servers.shared[name][-1]
    return b"".join(str(path).encode() + (path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*"))
