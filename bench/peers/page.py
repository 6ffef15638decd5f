"""Writes measured tables into a page of the documentation, between the marks that name them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PART = re.compile(r"(<!-- bench: peers (?P<name>[\w-]+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def write_parts(page: str, parts: Mapping[str, str]) -> str:
    """Return *page* with each marked part replaced by the text that *parts* has under its name.

    :raises KeyError: if the page has a mark that *parts* knows nothing about
    """
    return _PART.sub(lambda found: f"{found[1]}\n{parts[found['name']]}\n{found[3]}", page)
