"""The stores without a server."""

from __future__ import annotations

from typing import Any

from store_servers import Servers


def config_of(name: str, servers: Servers) -> dict[str, Any]:
    if name == "sqlite":
        return {"SESSION_TYPE": name, "SESSION_SQLITE_PATH": str(servers.make_folder("sqlite") / "sessions.sqlite3")}
    return {"SESSION_TYPE": name}
