"""The store that docs/stores.md writes as an example, taken from the page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from store_servers import Servers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "stores.md"


def config_of(name: str, servers: Servers) -> dict[str, Any]:
    if name not in servers.shared:
        code = re.findall(
            r"<!-- file: dbm_store.py -->\n```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE
        )
        folder = servers.make_folder(name)
        (folder / "store_of_the_page.py").write_text(code[0])
        sys.path.append(str(folder))
    servers.shared[name] = folder = servers.make_folder(name)
    return {"SESSION_TYPE": "store_of_the_page:DbmStore", "SESSION_FILE_DIR": str(folder / "sessions.dbm")}


def dump(name: str, servers: Servers) -> bytes:
    """Return the names and contents of all files of the newest store."""
    folder: Path = servers.shared[name]
    return b"".join(str(path).encode() + path.read_bytes() for path in folder.iterdir())
