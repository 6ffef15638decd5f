"""Copies living sessions from one store to another, while both are in use.

What was copied is noted in a *journal*, a small SQLite file beside the application. It makes the second run, after the
workers have been switched to the new store, right: a session that was copied once and is missing in the target now was
ended there, and is never brought back; one that was ended in the source after it was copied is ended in the target too.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from erlen.errors import SessionError, SessionUnavailable
from erlen.sessions import stored
from erlen.sessions.record import Delta, Record
from erlen.sessions.stores.base import SessionStore

__all__ = ["Copy", "Journal", "MigrationReport", "Source", "StoreSource", "migrate"]

# What a later run may change in the header of a session that it has copied before. The version is the target's own.
_CARRIED = ("seen", "idle", "absolute", "renewed", "permanent", "user", "auth_time", "label", "mortal", "seals")
_ELSEWHERE = -1
_PROGRESS_EVERY = 1000


class Copy(msgspec.Struct):
    """A session as the source has it now."""

    record: Record
    mark: str
    """Another text after each change of the session."""


class Source(Protocol):
    """Where sessions come from."""

    place: str
    left_out: list[str]
    """What could not be taken along, in sentences. It grows while the sessions are read."""

    def sessions(self) -> AsyncIterator[Copy]:
        """Yield every living session once."""
        ...

    async def has(self, key: bytes) -> bool:
        """Tell whether the session lives still, after all were read."""
        ...


class StoreSource(Source):
    """The sessions of a store of ours.

    :raises SessionError: if it cannot list them
    """

    def __init__(self, store: SessionStore, place: str) -> None:
        if "scan" not in store.abilities:
            raise SessionError(
                f"The sessions in {place} cannot be listed, so they cannot be copied: memcached, the cookie and 'null' "
                "do not know which there are. Switch to the new store; visitors begin anew."
            )
        self.place = place
        self.left_out: list[str] = []
        self._store = store

    async def sessions(self) -> AsyncIterator[Copy]:
        async for record in self._store.scan():
            header = record.header
            header.owner, header.until = None, 0.0  # whoever holds it does so in the source
            yield Copy(record, f"{header.version} {header.seen}")

    async def has(self, key: bytes) -> bool:
        record = await self._store.load(key)
        # Under the old token of a timed renewal it is not: the new one is copied by itself.
        return record is not None and not record.forwarded


class MigrationReport(msgspec.Struct):
    """What a run has done, in numbers of sessions."""

    read: int = 0
    copied: int = 0
    updated: int = 0
    """Copied by an earlier run, and changed in the source since."""
    unchanged: int = 0
    kept: int = 0
    """Left as they are in the target, because they were changed there."""
    ended_in_target: int = 0
    """Copied by an earlier run and ended in the target since: not brought back."""
    ended_in_source: int = 0
    """Copied by an earlier run and ended in the source since: ended in the target too."""
    left_out: list[str] = []
    """What could not be taken along, in sentences."""


class Journal:
    """Which sessions were copied, in a file that outlives the run. It holds handles, and nothing that opens a session.

    :raises SessionError: if it cannot be used, or another run uses it now
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            self._connection = sqlite3.connect(path, timeout=0, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            advice = "Wait until it has ended." if "locked" in str(error) else "Name another file with --journal."
            busy = "another migration uses it" if "locked" in str(error) else str(error)
            raise SessionError(f"The journal of the migration, {path}, cannot be used: {busy}. {advice}") from error

    def _prepare(self) -> None:
        run = self._connection.execute
        # Held to the end: two runs at once would each think to be the first.
        run("PRAGMA locking_mode=EXCLUSIVE")
        run("PRAGMA synchronous=OFF")
        run("BEGIN EXCLUSIVE")
        run(
            "CREATE TABLE IF NOT EXISTS copied"
            " (key BLOB PRIMARY KEY, mark TEXT, version INTEGER, deadline REAL, run INTEGER) WITHOUT ROWID"
        )
        run("COMMIT")
        (self._runs,) = run("PRAGMA user_version").fetchone()

    @property
    def is_new(self) -> bool:
        """Whether no run has begun yet."""
        return not self._runs

    def begin(self) -> None:
        """Begin a run."""
        self._runs += 1
        self._connection.execute(f"PRAGMA user_version={self._runs}")

    def find(self, key: bytes) -> tuple[str, int] | None:
        """Return the mark and the version in the target that a session was copied with."""
        found: tuple[str, int] | None = self._connection.execute(
            "SELECT mark, version FROM copied WHERE key = ?", (key,)
        ).fetchone()
        return found

    def note(self, copy: Copy, version: int) -> None:
        """Note that a session was copied, and has this version in the target."""
        row = copy.record.key, copy.mark, version, copy.record.header.deadline, self._runs
        self._connection.execute("REPLACE INTO copied VALUES (?, ?, ?, ?, ?)", row)

    def met(self, copy: Copy) -> None:
        """Note that the source has a session still."""
        row = copy.record.header.deadline, self._runs, copy.record.key
        self._connection.execute("UPDATE copied SET deadline = ?, run = ? WHERE key = ?", row)

    def forget(self, key: bytes) -> None:
        """Take back what was noted of a session that was not copied after all."""
        self._connection.execute("DELETE FROM copied WHERE key = ?", (key,))

    def missing(self, now: float) -> list[bytes]:
        """Return the sessions that this run has not met, although their time is not over."""
        rows = self._connection.execute("SELECT key FROM copied WHERE run < ? AND deadline > ?", (self._runs, now))
        return [key for (key,) in rows]

    def over(self, key: bytes) -> None:
        """Note that a session has ended in the source."""
        self._connection.execute("UPDATE copied SET deadline = 0 WHERE key = ?", (key,))

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()


async def migrate(
    source: Source,
    target: SessionStore,
    journal: Journal,
    progress: Callable[[int], None] = lambda count: None,
    sure: Callable[[int, int], bool] = lambda gone, there: False,
) -> MigrationReport:
    """Copy what *source* has to *target*, and return what was done.

    :param progress: told now and then how many sessions were read
    :param sure: asked whether visitors have really ended so many sessions, if those that are *gone* from the source
        are more than those that are *there*
    :raises SessionUnavailable: if one of the two does not answer; another run goes on from there
    :raises SessionError: if the target has sessions of the source already, and the journal knows nothing of it
    """
    if journal.is_new:
        await _check_target(source, target, journal)
    journal.begin()
    report = MigrationReport(left_out=source.left_out)
    async for copy in source.sessions():
        if copy.record.header.is_over(target.clock()):
            continue
        report.read += 1
        known = journal.find(copy.record.key)
        try:
            if known is None:
                await _copy(copy, target, journal, report)
            else:
                await _update(copy, *known, target, journal, report)
        except SessionUnavailable:
            raise
        except SessionError as error:
            report.left_out.append(f"session {copy.record.key.hex()}: {error}")
        if report.read % _PROGRESS_EVERY == 0:
            progress(report.read)
    gone = [key for key in journal.missing(target.clock()) if not await source.has(key)]
    # A source that was emptied must not end everybody's session.
    if len(gone) <= report.read or sure(len(gone), report.read):
        for key in gone:
            if await target.load(key) is not None:
                await target.delete(key)
                report.ended_in_source += 1
            journal.over(key)
    else:
        report.left_out.append(
            f"{len(gone)} sessions were ended in {source.place} since they were copied, if it was not emptied: only "
            f"{report.read} are left there. They were not ended in the target."
        )
    return report


async def _check_target(source: Source, target: SessionStore, journal: Journal) -> None:
    """Refuse to begin anew where an earlier run has begun already: what was ended since might be brought back."""
    async for _ in target.scan():
        break
    else:
        return
    async for copy in source.sessions():
        if await target.load(copy.record.key) is not None:
            raise SessionError(
                f"Sessions from {source.place} are in the target already: an earlier run has copied them, and "
                f"{journal.path} is not its journal. Without it, sessions that were ended since might be brought "
                "back. Name it with --journal."
            )
    source.left_out.clear()  # they are read once more


async def _copy(copy: Copy, target: SessionStore, journal: Journal, report: MigrationReport) -> None:
    """Copy a session that no run has copied yet."""
    record = copy.record
    held = await target.load(record.key)
    if held is not None:  # by a run with another journal
        same = held.key == record.key and _state_of(held) == _state_of(record)
        journal.note(copy, held.header.version if same else _ELSEWHERE)
        report.unchanged += same
        report.kept += not same
        return
    # Noted first: if we are killed in between, the session is lost. The other way round it might be brought back
    # after a logout.
    journal.note(copy, record.header.version)
    try:
        await target.create(record.key, record)
    except BaseException:
        journal.forget(record.key)
        raise
    report.copied += 1


async def _update(
    copy: Copy, mark: str, version: int, target: SessionStore, journal: Journal, report: MigrationReport
) -> None:
    """Carry over what has changed in the source since the session was copied, unless it was used in the target."""
    record = copy.record
    journal.met(copy)
    if mark == copy.mark:
        report.unchanged += 1
        return
    held = await target.load(record.key)
    if held is None:
        report.ended_in_target += 1
        return
    if held.forwarded or held.header.version != version:
        report.kept += 1
        return
    # Merged, not created: it is refused if the session is ended meanwhile, and does not touch what a request changes.
    merged = await target.merge(record.key, _difference(held, record, target.clock()))
    if merged.refused or merged.conflict:
        report.kept += 1
        return
    journal.note(copy, merged.version)
    report.updated += 1


def _difference(held: Record, record: Record, now: float) -> Delta:
    """Return what makes *record* of *held*, for as long as nobody else changes the same."""
    changed = {name: raw for name, raw in record.fields.items() if held.fields.get(name) != raw}
    gone = [name for name in held.fields if name not in record.fields]
    header: dict[str, Any] = {}
    for name in _CARRIED:
        value = getattr(record.header, name)
        if value != getattr(held.header, name):
            header[name] = value
    if "seen" in header:
        header["seen"] = max(record.header.seen, held.header.seen)
    expect = {name: stored.at(held.fields.get(name), now) for name in (*changed, *gone)}
    return Delta(set=changed, delete=gone, expect=expect, header=header, final=False)


def _state_of(record: Record) -> tuple[int, dict[str, bytes]]:
    return record.header.version, record.fields
