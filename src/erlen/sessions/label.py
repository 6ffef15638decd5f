"""What a session is called in a list: browser, system and network of the request in which a user signed in."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

__all__ = ["label_of"]

# Looked for in this order: most browsers also name those that they descend from.
_BROWSERS = (
    ("edg", "Edge"),
    ("opr/", "Opera"),
    ("samsungbrowser", "Samsung Internet"),
    ("firefox", "Firefox"),
    ("fxios", "Firefox"),
    ("crios", "Chrome"),
    ("chrome", "Chrome"),
    ("safari", "Safari"),
    ("curl", "curl"),
    ("python", "Python"),
)
_SYSTEMS = (
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("android", "Android"),
    ("windows", "Windows"),
    ("mac os", "macOS"),
    ("cros", "ChromeOS"),
    ("linux", "Linux"),
)
_LONGEST = 200


def label_of(request: Any, setting: Any) -> str | None:
    """Return the label of a session that begins with *request*.

    Nothing of what the client wrote stands in it, only words of our own and a shortened address. ::

        Firefox on Linux, 203.0.113.0/24

    :param setting: ``SESSION_LABEL``: True, False for none, or a function of the request
    """
    if callable(setting):
        made = setting(request)
        return None if made is None else str(made)[:_LONGEST]
    if not setting:
        return None
    agent = (request.headers.get("User-Agent") or "").lower()
    browser = next((name for word, name in _BROWSERS if word in agent), None)
    system = next((name for word, name in _SYSTEMS if word in agent), None)
    device = f"{browser} on {system}" if browser and system else browser or system
    parts = [part for part in (device, _network(request.remote_addr)) if part]
    return ", ".join(parts) or None


def _network(address: str | None) -> str | None:
    """Return the network of an address: enough to tell home from abroad, and nobody's own."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return None
    return str(ip_network((found, 24 if found.version == 4 else 48), strict=False))
