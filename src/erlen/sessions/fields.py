"""The fields of a session during one request: what was read, what was changed, and the delta between them."""

from __future__ import annotations

from typing import Any

from erlen.errors import SessionValueError
from erlen.sessions import stored
from erlen.sessions.codec import SCALARS, decode, encode, encode_item
from erlen.sessions.record import Append, Delta

__all__ = ["Fields", "Pending", "no_list", "no_number"]


class Pending:
    """What has to be done in the store, by key. Dicts for their order: what was assigned first is stored first."""

    __slots__ = ("appended", "assigned", "deleted", "removed")

    def __init__(self) -> None:
        self.assigned: dict[str, None] = {}
        self.deleted: dict[str, None] = {}
        self.appended: dict[str, Append] = {}
        self.removed: dict[str, list[bytes]] = {}

    def supersede(self, key: str) -> None:
        """Forget what was done inside the list *key*: it is replaced as a whole."""
        self.appended.pop(key, None)
        self.removed.pop(key, None)

    def assign(self, key: str) -> None:
        """Let *key* be stored as it is now."""
        self.supersede(key)
        self.deleted.pop(key, None)
        self.assigned[key] = None

    def delete(self, key: str) -> None:
        """Let *key* be deleted."""
        self.supersede(key)
        self.assigned.pop(key, None)
        self.deleted[key] = None


class Fields:
    """Top-level keys with their values, decoded when they are read. It knows no store.

    ``raw`` has the bytes of every key that is there, as they were stored or as they were when last assigned. A value
    that was decoded and can be changed inside is encoded again at the end and compared with them.

    :param raw: the stored fields; the object keeps and changes it
    """

    __slots__ = ("forced", "pending", "raw", "values")

    def __init__(self, raw: dict[str, bytes]) -> None:
        self.raw = raw
        self.values: dict[str, Any] = {}
        self.pending: Pending | None = None
        self.forced = False

    def settle(self) -> None:
        """Forget what was changed: it is stored now."""
        self.pending = None
        self.forced = False

    def change(self) -> Pending:
        """Return what is to be done in the store, to be added to."""
        if self.pending is None:
            self.pending = Pending()
        return self.pending

    @property
    def changed(self) -> bool:
        """Whether there is something to store, changes inside of values included."""
        return self.pending is not None or self.forced or bool(self.changed_inside())

    @property
    def own(self) -> dict[str, bytes]:
        """The fields that this request itself has set, and the items that it has appended."""
        pending = self.change()
        appended = {key: stored.join(append.items) for key, append in pending.appended.items()}
        return {key: self.raw[key] for key in pending.assigned} | appended

    def is_decided(self, key: str) -> bool:
        """Tell whether this request has assigned or deleted *key*, so that what the store has does not matter."""
        return self.pending is not None and (key in self.pending.assigned or key in self.pending.deleted)

    def get(self, key: str) -> Any:
        """Return the value of *key*; a KeyError says that there is none."""
        values = self.values
        if key in values:
            return values[key]
        value = values[key] = decode(key, self.raw[key])
        return value

    def assign(self, key: str, value: Any) -> None:
        """Set *key*.

        :raises SessionValueError: if the value cannot be stored
        """
        self.raw[key] = encode(key, value)
        self.values[key] = value
        self.change().assign(key)

    def delete(self, key: str) -> None:
        """Remove *key*; a KeyError says that there is none."""
        del self.raw[key]
        self.values.pop(key, None)
        self.change().delete(key)

    def append(self, key: str, value: Any, limit: int | None = None) -> None:
        """Append *value* to the list *key*, which then keeps its last *limit* items.

        :raises SessionValueError: if the key holds something else, or the value cannot be stored
        """
        raw = self.raw.get(key)
        if raw is not None and not stored.is_list(raw):
            raise no_list(key)
        item = encode_item(key, value)
        if self.is_decided(key):
            self.change().assign(key)
        else:
            limit = self._append_later(key, item, limit)
        self.raw[key] = stored.extend(raw, [item], limit)
        if key in self.values:
            items = self.values[key]
            items.append(value)
            if limit is not None:
                del items[: max(0, len(items) - limit)]

    def _append_later(self, key: str, item: bytes, limit: int | None) -> int | None:
        """Let the store append, and return the limit, which is the least one that was asked for."""
        append = self.change().appended.setdefault(key, Append([]))
        append.items.append(item)
        if limit is not None:
            append.limit = limit if append.limit is None else min(limit, append.limit)
        if append.limit is not None:
            del append.items[: max(0, len(append.items) - append.limit)]
        return append.limit

    def show(self, key: str) -> list[Any]:
        """Return the items of the list *key* and remove exactly them: what another request appends stays.

        A key that is missing or holds no list gives an empty one.
        """
        raw = self.raw.get(key)
        if raw is None or not stored.is_list(raw):
            return []
        items: list[Any] = self.get(key)
        if self.is_decided(key) or encode(key, items) != raw:
            self.delete(key)
            return items
        pending = self.change()
        appended = pending.appended.pop(key, None)
        held = stored.split(raw)
        if appended is not None:
            held = held[: len(held) - len(appended.items)]
        pending.removed.setdefault(key, []).extend(held)
        del self.raw[key], self.values[key]
        return items

    def sum(self, key: str, by: int) -> int:
        """Return the whole number *key* plus *by*; what is missing counts as 0.

        :raises SessionValueError: if the key holds something else, or the sum leaves 64 bits
        """
        raw = self.raw.get(key)
        if raw is not None and stored.number(raw) is None:
            raise no_number(key)
        return stored.add(key, raw, by)

    def store_took(self, key: str) -> None:
        """Note that the store has given *key* away already."""
        self.raw.pop(key, None)
        self.values.pop(key, None)
        if self.pending is not None:
            self.pending.supersede(key)

    def store_counted(self, key: str, total: int) -> None:
        """Note that the store has set *key* to *total* already."""
        self.raw[key] = b"%d" % total
        self.values[key] = total

    def changed_inside(self) -> dict[str, bytes]:
        """Return the fields whose value was changed inside since it was read or assigned, with their bytes now.

        :raises SessionValueError: if something was put into one that cannot be stored
        """
        changed = {}
        for key, value in self.values.items():
            if type(value) not in SCALARS:
                raw = encode(key, value)
                if raw != self.raw[key]:
                    changed[key] = raw
        return changed

    def delta(self) -> Delta | None:
        """Return what has to be stored, or None if that is nothing.

        :raises SessionValueError: if something was put into a value that cannot be stored
        """
        if self.pending is None and not self.forced:
            for value in self.values.values():
                if type(value) not in SCALARS:
                    break
            else:
                return None
        changed = self.changed_inside()
        self.raw.update(changed)
        for key in self.values if self.forced else changed:
            self.change().assign(key)
        pending = self.pending
        if pending is None:
            return None
        return Delta(
            delete=list(pending.deleted),
            set={key: self.raw[key] for key in pending.assigned},
            remove=pending.removed,
            append=pending.appended,
        )


def no_list(key: str) -> SessionValueError:
    """Return the error for an item that is appended to what is no list."""
    return SessionValueError(f"session[{key!r}]", "it holds no list, so nothing can be appended to it.")


def no_number(key: str) -> SessionValueError:
    """Return the error for an addition to what is no number."""
    return SessionValueError(f"session[{key!r}]", "it holds no whole number of 64 bits, so nothing can be added.")
