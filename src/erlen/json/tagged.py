"""JSON that loses nothing: values that JSON has no form for are wrapped in an object with a tag as its only key.

The format is that of Flask's signed session cookies, so that both read what the other wrote::

    {"x": (1, b"2")}   ->   {"x":{" t":[1,{" b":"Mg=="}]}}
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from markupsafe import Markup
from werkzeug.http import http_date, parse_date

from erlen.current import current
from erlen.json.provider import DefaultJSONProvider

__all__ = [
    "JSONTag",
    "PassDict",
    "PassList",
    "TagBytes",
    "TagDateTime",
    "TagDict",
    "TagMarkup",
    "TagTuple",
    "TagUUID",
    "TaggedJSONSerializer",
]


# A fifth of json's price.
_read_untagged = msgspec.json.Decoder().decode


class JSONTag:
    """The base of all tags: how values of one type are written and read. ::

        class TagSet(JSONTag):
            key = " s"

            def check(self, value):
                return isinstance(value, set)

            def to_json(self, value):
                return [self.serializer.tag(entry) for entry in value]

            def to_python(self, value):
                return set(value)

    :param serializer: the serializer that the tag is registered with
    """

    __slots__ = ("serializer",)

    key: str = ""
    """What marks the value. A tag with an empty key writes values that need no mark."""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: Any) -> bool:
        """Tell whether this tag writes *value*."""
        raise NotImplementedError(f"{type(self).__name__} does not define check()")

    def to_json(self, value: Any) -> Any:
        """Turn *value* into what JSON has a form for; the mark is added afterwards."""
        raise NotImplementedError(f"{type(self).__name__} does not define to_json()")

    def to_python(self, value: Any) -> Any:
        """Turn what :meth:`to_json` gave back into the value; the mark is removed already."""
        raise NotImplementedError(f"{type(self).__name__} does not define to_python()")

    def tag(self, value: Any) -> Any:
        """Return the written form of *value* with the mark around it."""
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """A dict whose only key looks like a mark: the key gets two underscores, so that reading is not deceived."""

    __slots__ = ()
    key = " di"

    def check(self, value: Any) -> bool:
        """Accept a dict of one entry whose key is the key of a registered tag."""
        return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in self.serializer.tags

    def to_json(self, value: Any) -> Any:
        """Lengthen the key."""
        [(key, entry)] = value.items()
        return {f"{key}__": self.serializer.tag(entry)}

    def to_python(self, value: Any) -> Any:
        """Shorten the key again."""
        [(key, entry)] = value.items()
        return {key.removesuffix("__"): entry}


class PassDict(JSONTag):
    """Any other dict: its values are tagged, itself it needs no mark."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        """Accept a dict."""
        return isinstance(value, dict)

    def to_json(self, value: Any) -> Any:
        """Tag the values; keys are texts in JSON anyway."""
        return {key: self.serializer.tag(entry) for key, entry in value.items()}

    tag = to_json


class TagTuple(JSONTag):
    """A tuple."""

    __slots__ = ()
    key = " t"

    def check(self, value: Any) -> bool:
        """Accept a tuple."""
        return isinstance(value, tuple)

    def to_json(self, value: Any) -> Any:
        """Make it a list of tagged entries."""
        return [self.serializer.tag(entry) for entry in value]

    def to_python(self, value: Any) -> Any:
        """Make it a tuple again."""
        return tuple(value)


class PassList(JSONTag):
    """A list: its entries are tagged, itself it needs no mark."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        """Accept a list."""
        return isinstance(value, list)

    def to_json(self, value: Any) -> Any:
        """Tag the entries."""
        return [self.serializer.tag(entry) for entry in value]

    tag = to_json


class TagBytes(JSONTag):
    """Bytes, written in base64."""

    __slots__ = ()
    key = " b"

    def check(self, value: Any) -> bool:
        """Accept bytes."""
        return isinstance(value, bytes)

    def to_json(self, value: Any) -> Any:
        """Write base64."""
        return b64encode(value).decode("ascii")

    def to_python(self, value: Any) -> Any:
        """Read base64."""
        return b64decode(value)


class TagMarkup(JSONTag):
    """An object with ``__html__``, read back as ``Markup``."""

    __slots__ = ()
    key = " m"

    def check(self, value: Any) -> bool:
        """Accept an object that has a form in HTML."""
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: Any) -> Any:
        """Write the HTML."""
        return str(value.__html__())

    def to_python(self, value: Any) -> Any:
        """Read it as text that needs no escaping."""
        return Markup(value)


class TagUUID(JSONTag):
    """A UUID, written as 32 hexadecimal digits."""

    __slots__ = ()
    key = " u"

    def check(self, value: Any) -> bool:
        """Accept a UUID."""
        return isinstance(value, UUID)

    def to_json(self, value: Any) -> Any:
        """Write the digits."""
        return value.hex

    def to_python(self, value: Any) -> Any:
        """Read the digits."""
        return UUID(value)


class TagDateTime(JSONTag):
    """A date with time, written as an HTTP date: in UTC, to the second."""

    __slots__ = ()
    key = " d"

    def check(self, value: Any) -> bool:
        """Accept a datetime."""
        return isinstance(value, datetime)

    def to_json(self, value: Any) -> Any:
        """Write an HTTP date; a datetime without a zone counts as UTC."""
        return http_date(value)

    def to_python(self, value: Any) -> Any:
        """Read an HTTP date; the result is in UTC."""
        return parse_date(value)


class TaggedJSONSerializer:
    """Writes and reads compact JSON that keeps tuple, bytes, Markup, UUID and datetime apart from what they become. ::

        TaggedJSONSerializer().dumps({"at": (1, 2)})  # '{"at":{" t":[1,2]}}'

    It needs no application. Other types are added by :meth:`register`.
    """

    __slots__ = ("_decode", "_encode", "_spaced", "order", "tags")

    default_tags: ClassVar[list[type[JSONTag]]] = [
        TagDict,
        PassDict,
        TagTuple,
        PassList,
        TagBytes,
        TagMarkup,
        TagUUID,
        TagDateTime,
    ]
    """The tags that a new serializer starts with, in the order in which they are asked."""

    def __init__(self) -> None:
        self.tags: dict[str, JSONTag] = {}
        self.order: list[JSONTag] = []
        self._spaced = type(self).untag is TaggedJSONSerializer.untag  # every mark begins with a space
        for tag_class in self.default_tags:
            self.register(tag_class)
        # json.dumps() and json.loads() would make these two for each value: half of what a small one costs.
        self._encode = json.JSONEncoder(separators=(",", ":"), default=DefaultJSONProvider.default).encode
        # The innermost objects come first, which is the order in which tags have to be undone.
        self._decode = json.JSONDecoder(object_hook=self.untag).decode

    def register(self, tag_class: type[JSONTag], force: bool = False, index: int | None = None) -> None:
        """Add a tag.

        :param force: take the place of another tag with the same key
        :param index: where it stands in the order in which tags are asked; None puts it last. A tag for a subclass of
            dict, for instance, must stand before the one for dict.
        :raises KeyError: if the key is taken and *force* is not set
        """
        tag = tag_class(self)
        if tag.key:
            if not force and tag.key in self.tags:
                raise KeyError(f"Tag {tag.key!r} is already registered. Choose another key, or pass force=True.")
            self.tags[tag.key] = tag
            self._spaced = self._spaced and tag.key[0] == " "
        self.order.insert(len(self.order) if index is None else index, tag)

    def tag(self, value: Any) -> Any:
        """Return the written form of *value*: tagged if one of the tags accepts it, else as it is."""
        for each in self.order:
            if each.check(value):
                return each.tag(value)
        return value

    def untag(self, value: dict[str, Any]) -> Any:
        """Return the value that a tagged object stands for; any other object as it is."""
        if len(value) == 1:
            [(key, entry)] = value.items()
            if key in self.tags:
                return self.tags[key].to_python(entry)
        return value

    def dumps(self, value: Any) -> str:
        """Write *value* as compact JSON.

        Where the current application has Flask's provider, its ``sort_keys``, ``ensure_ascii`` and ``default`` are
        followed, so that the text is the one that Flask would write.

        :raises TypeError: if it holds something that neither a tag nor JSON has a form for
        """
        context = current.get(None)
        provider = None if context is None else context.app.json
        if isinstance(provider, DefaultJSONProvider):
            return provider.dumps(self.tag(value), separators=(",", ":"))
        return self._encode(self.tag(value))

    def loads(self, value: str | bytes) -> Any:
        """Read what :meth:`dumps` wrote.

        :raises ValueError: if it is not JSON, or a tagged value is not what its tag says
        """
        if isinstance(value, str):
            if self._spaced and '" ' not in value and "\\u0020" not in value:  # no text in it begins with a space
                try:
                    return _read_untagged(value)
                except Exception:  # what json reads and msgspec does not (NaN, half a surrogate pair), and mistakes
                    pass
            return self._decode(value)
        return json.loads(value, object_hook=self.untag)
