"""The fields of a session during one request: what was read, what was changed, and the delta between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

import msgspec

from erlen.errors import SessionValueError
from erlen.sessions import stored
from erlen.sessions.codec import SCALARS, decode, encode, encode_item
from erlen.sessions.record import Append, Delta
from erlen.sessions.token import Token

__all__ = ["NO_POLICIES", "Fields", "Pending", "Policy", "no_list", "no_number"]

Policy: TypeAlias = str | Callable[[Any, Any, Any], Any]
"""``"last"``, ``"first"``, ``"error"``, or a function that makes one value of ``(base, theirs, mine)``."""

NO_POLICIES: Mapping[str, Policy] = MappingProxyType({})


class Pending(msgspec.Struct, eq=False):
    """What has to be done in the store, by key. Dicts for their order: what was assigned first is stored first."""

    assigned: dict[str, None] = {}
    deleted: dict[str, None] = {}
    appended: dict[str, Append] = {}
    ends: dict[str, float] = {}
    removed: dict[str, list[bytes]] = {}

    __repr__ = object.__repr__  # no value of a session ends up in a log

    def supersede(self, key: str) -> None:
        """Forget what was done inside the list *key*: it is replaced as a whole."""
        self.appended.pop(key, None)
        self.ends.pop(key, None)
        self.removed.pop(key, None)

    def assign(self, key: str) -> None:
        """Let *key* be stored as it is now."""
        if self.appended or self.ends or self.removed:
            self.supersede(key)
        if self.deleted:
            self.deleted.pop(key, None)
        self.assigned[key] = None

    def delete(self, key: str) -> None:
        """Let *key* be deleted."""
        self.supersede(key)
        self.assigned.pop(key, None)
        self.deleted[key] = None


Unsettled: TypeAlias = tuple[Pending | None, bool, dict[str, bytes | None] | None]


class Fields(msgspec.Struct, eq=False):
    """Top-level keys with their values, decoded when they are read. It knows no store.

    ``raw`` has the bytes of every key that is there, as they were stored or as they were when last assigned, without
    their end. A value that was decoded and can be changed inside is encoded again at the end and compared with them.

    :param raw: the stored fields; the object keeps and changes it
    :param policies: what happens to a key that another request has changed meanwhile, by key
    """

    raw: dict[str, bytes]
    policies: Mapping[str, Policy] = NO_POLICIES
    values: dict[str, Any] = {}
    pending: Pending | None = None
    forced: bool = False
    ends: dict[str, float] | None = None
    """When keys end that do so before the session."""
    guarded: dict[str, bytes | None] | None = None
    """What was stored under keys with a policy, before this request changed them."""

    __repr__ = object.__repr__  # see Pending

    def part(self, now: float) -> None:
        """Take the stored ends off the fields, and leave out what has ended at the moment *now*."""
        ends, raw = self.ends or {}, self.raw
        for key in [key for key, held in raw.items() if held[:1] == b"t"]:
            held = raw[key]
            end, living = stored.end_of(held), stored.at(held, now)
            if living is None:
                del raw[key]
            elif end is not None:
                raw[key] = living
                ends[key] = end
        self.ends = ends or None

    def fresh(self, raw: dict[str, bytes]) -> Fields:
        """Return fields of the same session with other content."""
        return type(self)(raw, self.policies)

    def settle(self) -> Unsettled:
        """Let what was changed count as stored, and return it for the case that it is not.

        What another task of the request changes while it is sent is not part of it.
        """
        unsettled = self.pending, self.forced, self.guarded
        self.pending, self.forced, self.guarded = None, False, None
        return unsettled

    def unsettle(self, unsettled: Unsettled) -> None:
        """Take back what was to be stored and was not."""
        pending, forced, guarded = unsettled
        self.forced |= forced
        self.guarded = {**(self.guarded or {}), **(guarded or {})} or None
        if self.pending is None or pending is None:
            self.pending = self.pending or pending
            return
        for key in {**pending.assigned, **pending.deleted, **pending.appended, **pending.removed}:
            if not self.is_decided(key):
                (self.pending.assign if key in self.raw else self.pending.delete)(key)

    def change(self) -> Pending:
        """Return what is to be done in the store, to be added to."""
        if self.pending is None:
            self.pending = Pending()
        return self.pending

    @property
    def changed(self) -> bool:
        """Whether there is something to store, changes inside of values included."""
        return self.pending is not None or self.forced or bool(self.changed_inside())

    def own(self) -> Fields:
        """Return the fields that this request itself has set, and the items that it has appended, as all there is."""
        pending = self.change()
        appended = {key: stored.join(append.items) for key, append in pending.appended.items()}
        own = self.fresh({key: self.raw[key] for key in pending.assigned} | appended)
        ends = {**(self.ends or {}), **pending.ends}
        own.ends = {key: ends[key] for key in own.raw if key in ends} or None
        return own

    def stored(self, key: str) -> bytes:
        """Return the bytes of *key* as the store has them, or is to have them."""
        return self.raw[key] if self.ends is None else stored.until(self.raw[key], self.ends.get(key))

    def whole(self) -> dict[str, bytes]:
        """Return all fields as a store is to have them."""
        return self.raw if self.ends is None else {key: self.stored(key) for key in self.raw}

    def is_decided(self, key: str) -> bool:
        """Tell whether this request has assigned or deleted *key*, so that what the store has does not matter."""
        return self.pending is not None and (key in self.pending.assigned or key in self.pending.deleted)

    def replace(self, key: str, held: bytes | None, now: float) -> None:
        """Take over what the store has under *key* now: None if nothing."""
        living, end = stored.at(held, now), stored.end_of(held)
        self.values.pop(key, None)
        if self.pending is not None:
            self.pending.assigned.pop(key, None)
            self.pending.deleted.pop(key, None)
        if living is None:
            self.raw.pop(key, None)
        else:
            self.raw[key] = living
        if end is not None or self.ends is not None:
            self._end(key, end)

    # -- the form of values: see erlen.sessions.seal ------------------------------------------------------------------

    hidden: ClassVar[bool] = False
    """Whether the store cannot read the values, and so cannot add to them."""

    def anew(self) -> Fields:
        """Return the fields of a new session, without any."""
        return self.fresh({})

    def moved(self, token: Token, former: int = 0) -> dict[str, Any]:
        """Return what the header has to hold when the session stands under *token*.

        :param former: so many former tokens have to find it too, for the grace of timed renewals
        """
        return {}

    def plain(self, key: str) -> bytes:
        """Return the encoded value of *key*; a KeyError says that there is none."""
        return self.raw[key]

    def wrap(self, key: str, encoded: bytes) -> bytes:
        """Return what is kept for a value of *key* that has the form *encoded*."""
        return encoded

    def wrap_item(self, key: str, encoded: bytes) -> bytes:
        """Return what is kept for an item of the list *key*."""
        return encoded

    def read(self, key: str, raw: bytes) -> Any:
        """Return the value that the bytes *raw* are under *key*."""
        return self.fresh({key: raw}).get(key)

    # -- reading and changing -----------------------------------------------------------------------------------------

    def get(self, key: str) -> Any:
        """Return the value of *key*; a KeyError says that there is none."""
        values = self.values
        if key in values:
            return values[key]
        value = values[key] = decode(key, self.plain(key))
        return value

    def adopt(self, key: str, value: Any) -> None:
        """Take over *value* for *key*, with the end that it has, as what is being stored just now.

        :raises SessionValueError: if the value cannot be stored
        """
        self.raw[key] = self.wrap(key, encode(key, value))
        self.values[key] = value

    def assign(self, key: str, value: Any, end: float | None = None) -> None:
        """Set *key*, which ends at the moment *end*, or with the session.

        :raises SessionValueError: if the value cannot be stored
        """
        encoded = encode(key, value)
        if self.policies:
            self.guard(key)
        self.raw[key] = self.wrap(key, encoded)
        self.values[key] = value
        pending = self.pending
        if pending is None:
            pending = self.pending = Pending()
        pending.assign(key)
        if end is not None or self.ends is not None:
            self._end(key, end)

    def _end(self, key: str, end: float | None) -> None:
        ends = self.ends = self.ends or {}
        if end is None:
            ends.pop(key, None)
        else:
            ends[key] = end

    def delete(self, key: str) -> None:
        """Remove *key*; a KeyError says that there is none."""
        if key not in self.raw:
            raise KeyError(key)
        if self.policies:
            self.guard(key)
        self._forget(key)
        self.change().delete(key)

    def _forget(self, key: str) -> None:
        """Let *key* be missing: what is put there now has no end before it gets one."""
        self.raw.pop(key, None)
        self.values.pop(key, None)
        if self.ends is not None:
            self.ends.pop(key, None)

    def guard(self, key: str) -> None:
        """Note what is stored under *key*, if its policy needs that, before it is changed for the first time."""
        if key in self.policies and self.policies[key] != "last" and not self.is_decided(key):
            self.guarded = self.guarded or {}
            self.guarded.setdefault(key, self.stored(key) if key in self.raw else None)

    def append(self, key: str, value: Any, limit: int | None = None, end: float | None = None) -> None:
        """Append *value* to the list *key*, which then keeps its last *limit* items.

        :param end: when the list ends, if it is made now
        :raises SessionValueError: if the key holds something else, or the value cannot be stored
        """
        raw = self.raw.get(key)
        if raw is not None and not stored.is_list(raw):
            raise no_list(key)
        item = self.wrap_item(key, encode_item(key, value))
        if self.policies:
            self.guard(key)  # it counts only if the list is then changed as a whole
        if self.is_decided(key):
            self.change().assign(key)
        else:
            limit = self._append_later(key, item, limit)
            if end is not None:
                self.change().ends.setdefault(key, end)
        if raw is None and end is not None:
            self._end(key, end)
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
        if self.is_decided(key) or encode(key, items) != self.plain(key):
            self.delete(key)
            return items
        if self.policies:
            self.guard(key)
        pending = self.change()
        appended = pending.appended.pop(key, None)
        held = stored.split(raw)
        if appended is not None:
            held = held[: len(held) - len(appended.items)]
        pending.removed.setdefault(key, []).extend(held)
        self._forget(key)
        return items

    def sum(self, key: str, by: int) -> int:
        """Return the whole number *key* plus *by*; what is missing counts as 0.

        :raises SessionValueError: if the key holds something else, or the sum leaves 64 bits
        """
        raw = self.plain(key) if key in self.raw else None
        if raw is not None and stored.number(raw) is None:
            raise no_number(key)
        return stored.add(key, raw, by)

    def end_of(self, key: str) -> float | None:
        """Return when *key* ends, if it does so before the session."""
        return None if self.ends is None else self.ends.get(key)

    def store_took(self, key: str, raw: bytes | None) -> bytes | None:
        """Note that the store has given *key* away already, as *raw*; return it with what is still to be appended."""
        append = self.pending.appended.get(key) if self.pending is not None else None
        self._forget(key)
        self._changed_already(key)
        if self.pending is not None:
            self.pending.supersede(key)
        return raw if append is None else stored.extend(raw, append.items, append.limit)

    def store_counted(self, key: str, total: int, end: float | None = None) -> None:
        """Note that the store has set *key* to *total* already, and that it ends at *end* if it was made so."""
        self._changed_already(key)
        if end is not None and key not in self.raw:
            self._end(key, end)
        self.raw[key] = self.wrap(key, b"%d" % total)
        self.values[key] = total

    def _changed_already(self, key: str) -> None:
        """Note that *key* stands in the store as this request has just made it: a later change follows on that."""
        if self.guarded is not None:
            self.guarded.pop(key, None)

    def changed_inside(self) -> dict[str, bytes]:
        """Return the fields whose value was changed inside since it was read or assigned, with their bytes now.

        :raises SessionValueError: if something was put into one that cannot be stored
        """
        changed = {}
        for key, value in self.values.items():
            if type(value) not in SCALARS:
                encoded = encode(key, value)
                if encoded != self.plain(key):
                    changed[key] = encoded
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
        for key in self.values if self.forced else changed:
            if self.policies:
                self.guard(key)
            if key in changed:
                self.raw[key] = self.wrap(key, changed[key])
            self.change().assign(key)
        pending = self.pending
        if pending is None:
            return None
        assigned = {}
        for key in pending.assigned:
            assigned[key] = self.raw[key] if self.ends is None else self.stored(key)
        delta = Delta(
            delete=[*pending.deleted],
            set=assigned,
            remove=pending.removed,
            append=pending.appended,
            ends=pending.ends,
        )
        if self.guarded is not None:
            delta.expect = {key: held for key, held in self.guarded.items() if self.is_decided(key)}
        return delta


def no_list(key: str) -> SessionValueError:
    """Return the error for an item that is appended to what is no list."""
    return SessionValueError(f"session[{key!r}]", "it holds no list, so nothing can be appended to it.")


def no_number(key: str) -> SessionValueError:
    """Return the error for an addition to what is no number."""
    return SessionValueError(f"session[{key!r}]", "it holds no whole number of 64 bits, so nothing can be added.")
