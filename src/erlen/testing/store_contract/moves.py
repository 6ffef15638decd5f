"""The contract of a session store: what is moved, ended, listed and leased."""

from __future__ import annotations

from typing import Any

import pytest

from erlen.callables import drive
from erlen.errors import SessionConflict
from erlen.sessions import Delta, KeyNote, SessionStore
from erlen.sessions.stores.base import NOTE_KEPT
from erlen.testing.store_contract.asking import (
    FOURTH,
    KEY,
    OTHER,
    THIRD,
    Asking,
    fields,
    load,
    merge,
    move,
    needs_find,
    needs_prune,
    needs_scan,
    scan,
)

__all__ = ["MovesContract"]


class MovesContract(Asking):
    """How a store moves, deletes, finds, scans, leases and prunes."""

    # -- move and grace -----------------------------------------------------------------------------------------------

    def test_a_move_applies_the_delta_and_the_old_key_is_dead_at_once(
        self, store: SessionStore, create: Any, clock: Any
    ) -> None:
        create(a=b"1")
        clock.turn(5)
        merged = move(store, set={"b": b"2"}, header={"user": "7"})
        assert (merged.refused, merged.forwarded) == (False, False)
        assert load(store) is None
        assert merge(store, set={"late": b"1"}).refused
        record = load(store, OTHER)
        assert record is not None
        assert (record.key, record.fields, record.header.user) == (OTHER, {"a": b"1", "b": b"2"}, "7")
        assert record.header.renewed == clock.now

    def test_a_move_of_what_does_not_exist_is_refused(self, store: SessionStore) -> None:
        assert move(store, set={"a": b"1"}).refused
        assert load(store, OTHER) is None

    def test_a_move_that_empties_the_session_deletes_it(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        assert move(store, delete=["a"], grace=30).emptied
        assert load(store) is None
        assert load(store, OTHER) is None

    def test_in_its_grace_the_old_key_leads_to_the_session(self, store: SessionStore, create: Any, clock: Any) -> None:
        create(a=b"1")
        move(store, grace=30)
        clock.turn(29)
        record = load(store)
        assert record is not None
        assert (record.forwarded, record.key, record.fields) == (True, OTHER, {"a": b"1"})
        merged = merge(store, set={"late": b"1"})
        assert (merged.refused, merged.forwarded) == (False, True)
        assert fields(store, OTHER) == {"a": b"1", "late": b"1"}
        direct = load(store, OTHER)
        assert direct is not None
        assert not direct.forwarded
        assert not merge(store, OTHER, set={"b": b"2"}).forwarded

    def test_what_is_meant_for_a_move_changes_the_header_only_where_the_session_moves(
        self, store: SessionStore, create: Any
    ) -> None:
        create(a=b"1")
        merge(store, moved={"seals": [b"zero"], "label": "zero"})
        move(store, grace=30, moved={"seals": [b"one", b"\xff\x00"], "label": "one"})
        move(store, new=THIRD, grace=30, header={"user": "7"}, moved={"seals": [b"two"], "label": "two"})
        record = load(store, OTHER)
        assert record is not None
        assert (record.header.seals, record.header.label, record.header.user) == ([b"one", b"\xff\x00"], "one", "7")
        move(store, old=OTHER, new=THIRD, moved={"seals": [b"three"]})
        record = load(store, THIRD)
        assert record is not None
        assert (record.header.seals, record.header.label) == ([b"three"], "one")

    def test_after_its_grace_the_old_key_is_dead(self, store: SessionStore, create: Any, clock: Any) -> None:
        create()
        move(store, grace=30)
        clock.turn(30)
        assert load(store) is None
        assert merge(store, set={"late": b"1"}).refused
        assert load(store, OTHER) is not None

    def test_in_its_grace_a_session_is_not_renewed_a_second_time(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        move(store, grace=30)
        merged = move(store, new=THIRD, grace=30, set={"b": b"2"})
        assert (merged.refused, merged.forwarded) == (False, True)
        assert load(store, THIRD) is None
        assert fields(store, OTHER) == {"a": b"1", "b": b"2"}

    def test_a_rotation_through_an_old_key_ends_both_keys(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        move(store, grace=30)
        assert not move(store, new=THIRD).refused
        assert (load(store), load(store, OTHER), fields(store, THIRD)) == (None, None, {"a": b"1"})

    def test_a_rotation_of_a_renewed_session_ends_the_old_key_too(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        move(store, grace=30)
        move(store, old=OTHER, new=THIRD)
        assert (load(store), load(store, OTHER), fields(store, THIRD)) == (None, None, {"a": b"1"})

    # -- delete and find ----------------------------------------------------------------------------------------------

    def test_what_was_deleted_cannot_be_brought_back(self, store: SessionStore, create: Any) -> None:
        create()
        drive(store.delete(KEY))
        assert load(store) is None
        assert merge(store, set={"late": b"1"}).refused
        assert move(store).refused
        assert load(store) is None
        drive(store.delete(KEY))

    def test_a_deletion_reaches_through_an_old_key(self, store: SessionStore, create: Any) -> None:
        create()
        move(store, grace=30)
        drive(store.delete(KEY))
        assert (load(store), load(store, OTHER)) == (None, None)

    @pytest.mark.parametrize("grace", [0, 30])
    def test_a_deletion_that_comes_late_follows_every_move(
        self, store: SessionStore, create: Any, clock: Any, grace: float
    ) -> None:
        """A logout that began before two rotations knows the first key alone, and ends the session all the same."""
        create(user="7")
        move(store, grace=grace)
        clock.turn(40)
        assert load(store) is None
        assert not drive(store.move(OTHER, THIRD, Delta(), grace)).refused
        clock.turn(40)
        assert merge(store, set={"late": b"1"}).refused
        assert (load(store), load(store, OTHER)) == (None, None)
        assert load(store, THIRD) is not None
        drive(store.delete(KEY))
        assert load(store, THIRD) is None
        assert drive(store.find("7")) == []

    def test_a_deletion_follows_a_rotation_that_went_through_an_old_key(self, store: SessionStore, create: Any) -> None:
        create()
        move(store, grace=30)
        assert not drive(store.move(KEY, THIRD, Delta())).refused
        drive(store.delete(OTHER))
        assert load(store, THIRD) is None

    def test_what_a_move_leaves_behind_is_pruned_in_time(self, store: SessionStore, create: Any, clock: Any) -> None:
        needs_prune(store)
        create(idle=1000)
        move(store)
        clock.turn(599)
        assert drive(store.prune()) == 0
        clock.turn(1)
        assert drive(store.prune()) == 1
        assert load(store, OTHER) is not None

    def test_the_sessions_of_a_user_are_found_newest_first(self, store: SessionStore, create: Any, clock: Any) -> None:
        needs_find(store)
        create(KEY, user="7")
        clock.turn(1)
        create(OTHER, user="7", b=b"2")
        create(THIRD, user="8")
        found = drive(store.find("7"))
        assert [record.key for record in found] == [OTHER, KEY]
        assert found[0].fields == {"b": b"2"}
        assert drive(store.find("9")) == []

    def test_a_user_is_found_after_a_move_and_not_before_being_bound(self, store: SessionStore, create: Any) -> None:
        needs_find(store)
        create()
        assert drive(store.find("7")) == []
        move(store, header={"user": "7"}, grace=30)
        assert [record.key for record in drive(store.find("7"))] == [OTHER]

    # -- all sessions -------------------------------------------------------------------------------------------------

    def test_a_scan_yields_the_living_sessions_and_no_trails(
        self, store: SessionStore, create: Any, clock: Any
    ) -> None:
        needs_scan(store)
        create(KEY, idle=10)
        create(OTHER, user="7", b=b"2")
        create(THIRD, c=b"3")
        move(store, old=THIRD, new=FOURTH, grace=300)
        clock.turn(10)
        assert scan(store) == {OTHER: {"b": b"2"}, FOURTH: {"c": b"3"}}
        assert drive(store.count()) == 2

    def test_a_scan_of_an_empty_store_yields_nothing(self, store: SessionStore) -> None:
        assert (scan(store), drive(store.count()), drive(store.delete_all())) == ({}, 0, 0)

    def test_a_scan_yields_more_sessions_than_one_page(self, store: SessionStore, create: Any) -> None:
        needs_scan(store)
        keys = {bytes([number % 7, 0]) + number.to_bytes(32, "big") for number in range(600)}
        for key in keys:
            create(key)
        assert set(scan(store)) == keys
        assert drive(store.count()) == len(keys)

    def test_after_deleting_all_nothing_is_left_and_late_requests_are_refused(
        self, store: SessionStore, create: Any
    ) -> None:
        create(KEY, user="7")
        create(OTHER)
        move(store, old=OTHER, new=THIRD)
        assert drive(store.delete_all()) == (2 if "scan" in store.abilities else 0)
        assert (scan(store), drive(store.find("7"))) == ({}, [])
        assert merge(store, set={"late": b"1"}).refused
        assert merge(store, THIRD, set={"late": b"1"}).refused
        assert load(store) is None
        create(KEY)
        assert fields(store) == {"a": b"1"}

    def test_a_store_that_answers_has_nothing_to_complain_of(self, store: SessionStore) -> None:
        assert drive(store.check()) == []

    # -- leases -------------------------------------------------------------------------------------------------------

    def test_a_lease_keeps_the_next_one_waiting_until_it_is_given_back(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        record = drive(store.acquire(KEY, "first", 30, 0))
        assert record is not None
        assert record.fields == {"a": b"1"}
        with pytest.raises(SessionConflict, match="SESSION_LOCK_WAIT"):
            drive(store.acquire(KEY, "second", 30, 0))
        assert not merge(store, set={"a": b"2"}, owner="first", release=True).refused
        again = drive(store.acquire(KEY, "second", 30, 0))
        assert again is not None
        assert again.fields == {"a": b"2"}

    def test_a_lease_that_ran_out_is_taken_over_and_its_holder_is_fenced(
        self, store: SessionStore, create: Any, clock: Any
    ) -> None:
        create(a=b"1")
        drive(store.acquire(KEY, "first", 30, 0))
        clock.turn(30)
        assert drive(store.acquire(KEY, "second", 30, 0)) is not None
        assert merge(store, set={"a": b"stale"}, owner="first", release=True).refused
        assert not merge(store, set={"a": b"2"}, owner="second", release=True).refused
        assert fields(store) == {"a": b"2"}

    def test_a_holder_whose_lease_ran_out_is_refused_even_if_nobody_took_it(
        self, store: SessionStore, create: Any, clock: Any
    ) -> None:
        create(a=b"1")
        drive(store.acquire(KEY, "first", 30, 0))
        clock.turn(30)
        assert merge(store, set={"a": b"stale"}, owner="first").refused
        assert move(store, owner="first").refused

    def test_a_lease_does_not_stop_a_merge_that_asks_for_none(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        drive(store.acquire(KEY, "first", 30, 0))
        assert not merge(store, set={"b": b"2"}).refused
        assert not merge(store, set={"a": b"3"}, owner="first").refused
        assert fields(store) == {"a": b"3", "b": b"2"}

    def test_a_lease_touches_the_session(self, store: SessionStore, create: Any, clock: Any) -> None:
        create(idle=100)
        clock.turn(50)
        record = drive(store.acquire(KEY, "first", 1, 0))
        assert record is not None
        assert record.touched
        clock.turn(60)
        assert load(store) is not None

    def test_nothing_is_leased_where_nothing_is(self, store: SessionStore) -> None:
        assert drive(store.acquire(KEY, "me", 10, 10)) is None

    # -- notes, pruning, closing --------------------------------------------------------------------------------------

    @pytest.mark.usefixtures("keeps_notes")
    def test_notes_of_other_keys_are_returned_until_they_are_old(self, store: SessionStore) -> None:
        first = KeyNote("aaaa", ["aaaa", "cccc"], "process 1", 1000.0)
        second = KeyNote("bbbb", ["bbbb"], "process 2", 1000.0 + NOTE_KEPT)
        assert drive(store.note_key(first)) == []
        assert drive(store.note_key(first)) == []
        assert drive(store.note_key(second)) == [first]
        late = KeyNote("dddd", ["dddd"], "process 3", 1000.5 + NOTE_KEPT)
        assert drive(store.note_key(late)) == [second]

    def test_pruning_deletes_what_is_over_and_nothing_else(self, store: SessionStore, create: Any, clock: Any) -> None:
        needs_prune(store)
        create(KEY, idle=10)
        create(OTHER, idle=100)
        clock.turn(10)
        assert drive(store.prune()) == 1
        assert drive(store.prune()) == 0
        assert load(store, OTHER) is not None

    def test_a_closed_store_can_be_used_again(self, store: SessionStore, create: Any) -> None:
        create()
        drive(store.close())
        drive(store.close())
        assert load(store) is not None
