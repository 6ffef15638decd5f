"""Percent-encoding for the two halves of a URL that routing writes: the path and the query.

Which characters may stand bare is said by the URL standard (https://url.spec.whatwg.org/#percent-encoded-bytes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.datastructures import iter_multi_items

__all__ = ["encode_query", "quote_controls", "quote_path"]

_PATH_SAFE = "!$&'()*+,/:;=@"
_QUERY_SAFE = "!$'()*,/:;?@"
_controls = "[\x00-\x1f\x7f\ud800-\udfff]"  # takes long to compile, and is seldom needed: re does it then
_is_plain = re.compile(r"[A-Za-z0-9_.~!$&'()*+,/:;=@-]*").fullmatch


def quote_path(value: object) -> str:
    """Return *value* as text that may stand in the path of a URL; slashes are kept.

    >>> quote_path("a b/ä")
    'a%20b/%C3%A4'
    """
    text = str(value)
    # Nearly every value is a plain word or number; urllib's quote costs ten times this test.
    if _is_plain(text) is not None:
        return text
    return quote(text, safe=_PATH_SAFE)


def quote_controls(text: str) -> str:
    """Return *text* with what no header can hold encoded: control characters, and halves of surrogate pairs.

    >>> quote_controls("a=ä\\n")
    'a=ä%0A'
    """
    return text if text.isprintable() else re.sub(_controls, lambda found: quote(found[0], errors="replace"), text)


def encode_query(
    query: Mapping[str, Any] | Iterable[tuple[str, Any]],
    sort: bool = False,
    sort_key: Callable[[Any], Any] | None = None,
) -> str:
    """Return *query* as the part of a URL behind the ``?``, without it.

    :param query: a mapping or pairs; a list as a mapping's value gives its key several times, None is left out
    :param sort: whether to sort the pairs
    :param sort_key: what to sort a pair by

    >>> encode_query({"page": 2, "tag": ["a", "b"], "q": None})
    'page=2&tag=a&tag=b'
    """
    items: Iterable[tuple[str, Any]] = iter_multi_items(query)
    if sort:
        items = sorted(items, key=sort_key)
    return urlencode([item for item in items if item[1] is not None], safe=_QUERY_SAFE)
