"""The contract of a session store, sentence by sentence, on every store."""

from __future__ import annotations

from typing import Any

import pytest

from erlen.callables import drive
from erlen.errors import SessionConflict, SessionValueError
from erlen.sessions import Append, Delta, Header, KeyNote, Merged, Record, SessionStore
from erlen.sessions.stored import join, split, until
from erlen.sessions.stores.base import NOTE_KEPT
from erlen.sessions.stores.memory import MemoryStore

KEY = b"\x01\x02" + b"k" * 32
OTHER = b"\x01\x02" + b"o" * 32
THIRD = b"\x01\x02" + b"t" * 32


@pytest.fixture
def create(store: SessionStore, clock: Any) -> Any:
    """Return a function that creates a session with text fields."""

    def create(
        key: bytes = KEY, user: str | None = None, idle: float = 100, absolute: float = 1000, **fields: bytes
    ) -> Record:
        now = clock.now
        header = Header(now, now, idle, now + absolute, now, user=user)
        record = Record(key, header, dict(fields) or {"a": b"1"})
        drive(store.create(key, record))
        return record

    return create


def load(store: SessionStore, key: bytes = KEY, touch: bool = False) -> Record | None:
    return drive(store.load(key, touch))


def fields(store: SessionStore, key: bytes = KEY) -> dict[str, bytes] | None:
    record = load(store, key)
    return None if record is None else record.fields


def merge(store: SessionStore, key: bytes = KEY, **changes: Any) -> Merged:
    return drive(store.merge(key, Delta(**changes)))


def move(store: SessionStore, old: bytes = KEY, new: bytes = OTHER, grace: float = 0, **changes: Any) -> Merged:
    return drive(store.move(old, new, Delta(**changes), grace))


# -- create and load ------------------------------------------------------------------------------------------------


def test_an_unknown_key_loads_nothing(store: SessionStore) -> None:
    assert load(store) is None


def test_what_was_created_is_loaded_with_its_header(store: SessionStore, create: Any) -> None:
    made = create(user="7", a=b"1", b=b"m\xc0")
    record = load(store)
    assert record is not None
    assert (record.key, record.header, record.fields) == (KEY, made.header, {"a": b"1", "b": b"m\xc0"})
    assert not record.forwarded
    assert not record.touched


def test_creating_replaces_what_stood_there(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    create(b=b"2")
    assert fields(store) == {"b": b"2"}


def test_a_record_that_came_in_or_went_out_is_not_kept(store: SessionStore, create: Any) -> None:
    made = create(a=b"1")
    made.fields["a"] = b"2"
    made.header.user = "9"
    loaded = load(store)
    assert loaded is not None
    loaded.fields.clear()
    loaded.header.user = "9"
    again = load(store)
    assert again is not None
    assert (again.fields, again.header.user) == ({"a": b"1"}, None)


@pytest.mark.parametrize(("idle", "absolute"), [(100, 1000), (1000, 100)])
def test_at_its_deadline_a_session_is_missing_for_every_method(
    store: SessionStore, create: Any, clock: Any, idle: float, absolute: float
) -> None:
    create(user="7", idle=idle, absolute=absolute)
    clock.turn(99.9)
    assert load(store) is not None
    clock.turn(0.1)
    assert load(store, touch=True) is None
    assert merge(store, set={"a": b"2"}).refused
    assert move(store).refused
    assert drive(store.acquire(KEY, "me", 10, 0)) is None
    assert drive(store.find("7")) == []


# -- touch ----------------------------------------------------------------------------------------------------------


def test_a_touch_moves_the_idle_deadline_once_in_a_tenth_of_the_idle_time(
    store: SessionStore, create: Any, clock: Any
) -> None:
    create(idle=100)
    clock.turn(9.9)
    early = load(store, touch=True)
    clock.turn(0.1)
    due = load(store, touch=True)
    assert early is not None
    assert due is not None
    assert (early.touched, due.touched, due.header.seen) == (False, True, clock.now)
    clock.turn(95)
    assert load(store) is not None


def test_loading_without_a_touch_moves_nothing(store: SessionStore, create: Any, clock: Any) -> None:
    create(idle=100)
    clock.turn(60)
    assert load(store) is not None
    clock.turn(60)
    assert load(store) is None


def test_a_touch_does_not_move_the_absolute_deadline(store: SessionStore, create: Any, clock: Any) -> None:
    create(idle=100, absolute=250)
    for _ in range(4):
        clock.turn(60)
        load(store, touch=True)
    clock.turn(10)
    assert load(store) is None


def test_a_touched_record_is_not_marked_the_next_time(store: SessionStore, create: Any, clock: Any) -> None:
    create(idle=100)
    clock.turn(50)
    load(store, touch=True)
    record = load(store, touch=True)
    assert record is not None
    assert not record.touched


# -- merge ----------------------------------------------------------------------------------------------------------


def test_a_merge_sets_and_deletes_and_keeps_the_rest(store: SessionStore, create: Any) -> None:
    create(a=b"1", b=b"2", c=b"3")
    merged = merge(store, set={"b": b"20", "d": b"4"}, delete=["c", "unknown"])
    assert (merged.refused, merged.version) == (False, 2)
    assert fields(store) == {"a": b"1", "b": b"20", "d": b"4"}


def test_two_merges_of_different_keys_are_both_kept_and_the_later_wins_on_the_same(
    store: SessionStore, create: Any
) -> None:
    create(a=b"1")
    assert merge(store, set={"x": b"1", "same": b"1"}).version == 2
    assert merge(store, set={"y": b"2", "same": b"2"}).version == 3
    assert fields(store) == {"a": b"1", "x": b"1", "y": b"2", "same": b"2"}


def test_an_increment_returns_its_sum_and_starts_at_nothing(store: SessionStore, create: Any) -> None:
    create(n=b"41")
    assert merge(store, incr={"n": 1, "new": -3}).numbers == {"n": 42, "new": -3}
    assert fields(store) == {"n": b"42", "new": b"-3"}


def test_an_increment_of_what_is_no_integer_starts_anew(store: SessionStore, create: Any) -> None:
    create(n=b"m\xa1x")
    assert merge(store, incr={"n": 5}).numbers == {"n": 5}


def test_an_increment_beyond_64_bits_is_an_error_and_changes_nothing(store: SessionStore, create: Any) -> None:
    create(n=b"%d" % (2**63 - 1), a=b"1")
    with pytest.raises(SessionValueError, match="64 bits"):
        merge(store, set={"a": b"2"}, incr={"n": 1})
    assert fields(store) == {"n": b"%d" % (2**63 - 1), "a": b"1"}
    assert merge(store, set={"b": b"3"}).version == 2


def test_an_append_adds_to_the_end_and_keeps_the_last(store: SessionStore, create: Any) -> None:
    create(log=join([b"1", b"2"]))
    merge(store, append={"log": Append([b"3", b"4"], 3), "new": Append([b"x"])})
    held = fields(store)
    assert held is not None
    assert (split(held["log"]), split(held["new"])) == ([b"2", b"3", b"4"], [b"x"])


def test_an_append_to_what_is_no_list_starts_one(store: SessionStore, create: Any) -> None:
    create(log=b"7")
    merge(store, append={"log": Append([b"1"])})
    assert fields(store) == {"log": join([b"1"])}


def test_a_removal_takes_one_equal_item_for_each_and_an_emptied_list_goes(store: SessionStore, create: Any) -> None:
    create(log=join([b"1", b"2", b"1"]), gone=join([b"1"]), a=b"1", number=b"5")
    merge(store, remove={"log": [b"1", b"9"], "gone": [b"1"], "unknown": [b"1"], "number": [b"5"]})
    assert fields(store) == {"log": join([b"2", b"1"]), "a": b"1", "number": b"5"}


def test_a_removal_comes_before_an_append(store: SessionStore, create: Any) -> None:
    create(log=join([b"1"]))
    merge(store, remove={"log": [b"1"]}, append={"log": Append([b"1"])})
    assert fields(store) == {"log": join([b"1"])}


def test_what_is_taken_is_given_once(store: SessionStore, create: Any) -> None:
    create(once=b"m\xa1x", a=b"1")
    assert merge(store, take=["once", "unknown"]).taken == {"once": b"m\xa1x"}
    assert merge(store, take=["once"]).taken == {}
    assert fields(store) == {"a": b"1"}


def test_a_merge_changes_the_header(store: SessionStore, create: Any, clock: Any) -> None:
    create()
    merge(store, header={"user": "7", "permanent": True, "idle": 5.0, "auth_time": clock.now, "label": "phone"})
    record = load(store)
    assert record is not None
    header = record.header
    assert (header.user, header.permanent, header.idle, header.label) == ("7", True, 5.0, "phone")
    clock.turn(5)
    assert load(store) is None


def test_a_merge_into_what_does_not_exist_is_refused_and_creates_nothing(store: SessionStore) -> None:
    assert merge(store, set={"a": b"1"}, incr={"n": 1}).refused
    assert load(store) is None


def test_a_session_without_fields_and_user_is_deleted_by_a_final_merge(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    assert merge(store, delete=["a"]).emptied
    assert load(store) is None
    assert merge(store, set={"late": b"1"}).refused


def test_a_merge_that_is_not_final_leaves_an_empty_session(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    merged = merge(store, take=["a"], final=False)
    assert (merged.emptied, fields(store)) == (False, {})
    assert merge(store).emptied
    assert load(store) is None


def test_a_session_with_a_user_is_kept_without_fields(store: SessionStore, create: Any) -> None:
    create(user="7", a=b"1")
    assert not merge(store, delete=["a"]).emptied
    assert fields(store) == {}


# -- what a delta expects -------------------------------------------------------------------------------------------


def test_a_delta_that_expects_what_is_there_is_merged(store: SessionStore, create: Any) -> None:
    create(a=b"1", b=b"m\xa1x")
    merged = merge(store, set={"a": b"2"}, expect={"a": b"1", "b": b"m\xa1x", "unknown": None})
    assert (merged.refused, merged.conflict) == (False, False)
    assert fields(store) == {"a": b"2", "b": b"m\xa1x"}


@pytest.mark.parametrize("expect", [{"a": b"3"}, {"a": None}, {"unknown": b"1"}, {"b": b"2", "a": b"m1"}])
def test_a_delta_that_expects_something_else_changes_nothing(store: SessionStore, create: Any, expect: Any) -> None:
    create(a=b"1", b=b"2")
    merged = merge(store, set={"a": b"9"}, incr={"n": 1}, take=["b"], expect=expect)
    assert (merged.refused, merged.conflict, merged.taken, merged.numbers) == (False, True, {}, {})
    moved = move(store, set={"a": b"9"}, expect=expect)
    assert (moved.refused, moved.conflict) == (False, True)
    assert (fields(store), load(store, OTHER)) == ({"a": b"1", "b": b"2"}, None)


def test_of_two_deltas_that_expect_the_same_one_is_merged(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    first = merge(store, set={"a": b"2"}, expect={"a": b"1"})
    second = merge(store, set={"a": b"3"}, expect={"a": b"1"})
    assert (first.conflict, second.conflict) == (False, True)
    assert fields(store) == {"a": b"2"}


def test_in_its_grace_a_session_is_compared_through_its_old_key(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    move(store, grace=30)
    assert merge(store, set={"a": b"9"}, expect={"a": b"3"}).conflict
    merged = merge(store, set={"a": b"2"}, expect={"a": b"1"})
    assert (merged.conflict, merged.forwarded) == (False, True)
    assert merge(store, set={"late": b"1"}, expect={"a": b"3"}).conflict
    assert fields(store, OTHER) == {"a": b"2"}


# -- fields that end ------------------------------------------------------------------------------------------------


def test_what_has_ended_counts_as_missing_in_every_operation(store: SessionStore, create: Any, clock: Any) -> None:
    create(a=b"1")
    end = clock.now + 10
    merge(
        store,
        set={
            "n": until(b"41", end),
            "log": until(join([b"1"]), end),
            "shown": until(join([b"1"]), end),
            "once": until(b"7", end),
            "seen": until(b"7", end),
        },
        header={"mortal": True},
    )
    clock.turn(10)
    merged = merge(
        store,
        take=["once"],
        incr={"n": 1},
        append={"log": Append([b"2"])},
        remove={"shown": [b"1"]},
        expect={"seen": None},
    )
    assert (merged.conflict, merged.taken, merged.numbers) == (False, {}, {"n": 1})
    held = fields(store)
    assert held is not None
    assert (held["n"], held["log"]) == (b"1", join([b"2"]))


def test_what_has_not_ended_keeps_its_end_when_it_is_added_to(store: SessionStore, create: Any, clock: Any) -> None:
    create(a=b"1")
    end = clock.now + 10
    lists = {"log": until(join([b"1"]), end), "shown": until(join([b"1", b"2"]), end)}
    merge(store, set={"n": until(b"41", end), "once": until(b"7", end), **lists}, header={"mortal": True})
    clock.turn(9)
    merged = merge(
        store,
        take=["once"],
        incr={"n": 1},
        append={"log": Append([b"2"])},
        remove={"shown": [b"1"]},
        ends={"n": end + 100, "log": end + 100},
        expect={"n": until(b"41", end)},
    )
    assert (merged.conflict, merged.taken, merged.numbers) == (False, {"once": b"7"}, {"n": 42})
    assert fields(store) == {
        "a": b"1",
        "n": until(b"42", end),
        "log": until(join([b"1", b"2"]), end),
        "shown": until(join([b"2"]), end),
    }


def test_what_is_made_anew_gets_the_end_that_the_delta_names(store: SessionStore, create: Any, clock: Any) -> None:
    create(a=b"1", plain=b"5")
    end = clock.now + 10
    merge(
        store,
        incr={"n": 1, "plain": 1},
        append={"log": Append([b"1"])},
        ends={"n": end, "plain": end, "log": end},
        header={"mortal": True},
    )
    assert fields(store) == {
        "a": b"1",
        "plain": b"6",
        "n": until(b"1", end),
        "log": until(join([b"1"]), end),
    }


# -- move and grace -------------------------------------------------------------------------------------------------


def test_a_move_applies_the_delta_and_the_old_key_is_dead_at_once(store: SessionStore, create: Any, clock: Any) -> None:
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


def test_a_move_of_what_does_not_exist_is_refused(store: SessionStore) -> None:
    assert move(store, set={"a": b"1"}).refused
    assert load(store, OTHER) is None


def test_a_move_that_empties_the_session_deletes_it(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    assert move(store, delete=["a"], grace=30).emptied
    assert load(store) is None
    assert load(store, OTHER) is None


def test_in_its_grace_the_old_key_leads_to_the_session(store: SessionStore, create: Any, clock: Any) -> None:
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
    store: SessionStore, create: Any
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


def test_after_its_grace_the_old_key_is_dead(store: SessionStore, create: Any, clock: Any) -> None:
    create()
    move(store, grace=30)
    clock.turn(30)
    assert load(store) is None
    assert merge(store, set={"late": b"1"}).refused
    assert load(store, OTHER) is not None


def test_in_its_grace_a_session_is_not_renewed_a_second_time(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    move(store, grace=30)
    merged = move(store, new=THIRD, grace=30, set={"b": b"2"})
    assert (merged.refused, merged.forwarded) == (False, True)
    assert load(store, THIRD) is None
    assert fields(store, OTHER) == {"a": b"1", "b": b"2"}


def test_a_rotation_through_an_old_key_ends_both_keys(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    move(store, grace=30)
    assert not move(store, new=THIRD).refused
    assert (load(store), load(store, OTHER), fields(store, THIRD)) == (None, None, {"a": b"1"})


def test_a_rotation_of_a_renewed_session_ends_the_old_key_too(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    move(store, grace=30)
    move(store, old=OTHER, new=THIRD)
    assert (load(store), load(store, OTHER), fields(store, THIRD)) == (None, None, {"a": b"1"})


# -- delete and find ------------------------------------------------------------------------------------------------


def test_what_was_deleted_cannot_be_brought_back(store: SessionStore, create: Any) -> None:
    create()
    drive(store.delete(KEY))
    assert load(store) is None
    assert merge(store, set={"late": b"1"}).refused
    assert move(store).refused
    assert load(store) is None
    drive(store.delete(KEY))


def test_a_deletion_reaches_through_an_old_key(store: SessionStore, create: Any) -> None:
    create()
    move(store, grace=30)
    drive(store.delete(KEY))
    assert (load(store), load(store, OTHER)) == (None, None)


@pytest.mark.parametrize("grace", [0, 30])
def test_a_deletion_that_comes_late_follows_every_move(
    store: SessionStore, create: Any, clock: Any, grace: float
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


def test_a_deletion_follows_a_rotation_that_went_through_an_old_key(store: SessionStore, create: Any) -> None:
    create()
    move(store, grace=30)
    assert not drive(store.move(KEY, THIRD, Delta())).refused
    drive(store.delete(OTHER))
    assert load(store, THIRD) is None


def test_what_a_move_leaves_behind_is_pruned_in_time(store: SessionStore, create: Any, clock: Any) -> None:
    create(idle=1000)
    move(store)
    clock.turn(599)
    assert drive(store.prune()) == 0
    clock.turn(1)
    assert drive(store.prune()) == 1
    assert load(store, OTHER) is not None


def test_the_sessions_of_a_user_are_found_newest_first(store: SessionStore, create: Any, clock: Any) -> None:
    create(KEY, user="7")
    clock.turn(1)
    create(OTHER, user="7", b=b"2")
    create(THIRD, user="8")
    found = drive(store.find("7"))
    assert [record.key for record in found] == [OTHER, KEY]
    assert found[0].fields == {"b": b"2"}
    assert drive(store.find("9")) == []


def test_a_user_is_found_after_a_move_and_not_before_being_bound(store: SessionStore, create: Any) -> None:
    create()
    assert drive(store.find("7")) == []
    move(store, header={"user": "7"}, grace=30)
    assert [record.key for record in drive(store.find("7"))] == [OTHER]


# -- all sessions ---------------------------------------------------------------------------------------------------


def scan(store: SessionStore) -> dict[bytes, dict[str, bytes]]:
    async def collect() -> dict[bytes, dict[str, bytes]]:
        return {record.key: record.fields async for record in store.scan()}

    return drive(collect())


def test_a_scan_yields_the_living_sessions_and_no_trails(store: SessionStore, create: Any, clock: Any) -> None:
    create(KEY, idle=10)
    create(OTHER, user="7", b=b"2")
    create(THIRD, c=b"3")
    move(store, old=THIRD, new=b"\x09\x09" + b"f" * 32, grace=300)
    clock.turn(10)
    assert scan(store) == {OTHER: {"b": b"2"}, b"\x09\x09" + b"f" * 32: {"c": b"3"}}
    assert drive(store.count()) == 2


def test_a_scan_of_an_empty_store_yields_nothing(store: SessionStore) -> None:
    assert (scan(store), drive(store.count()), drive(store.delete_all())) == ({}, 0, 0)


def test_a_scan_yields_more_sessions_than_one_page(store: SessionStore, create: Any) -> None:
    keys = {bytes([number % 7, 0]) + number.to_bytes(32, "big") for number in range(1200)}
    for key in keys:
        create(key)
    assert set(scan(store)) == keys
    assert drive(store.count()) == len(keys)


def test_after_deleting_all_nothing_is_left_and_late_requests_are_refused(store: SessionStore, create: Any) -> None:
    create(KEY, user="7")
    create(OTHER)
    move(store, old=OTHER, new=THIRD)
    assert drive(store.delete_all()) == 2
    assert (scan(store), drive(store.find("7"))) == ({}, [])
    assert merge(store, set={"late": b"1"}).refused
    assert merge(store, THIRD, set={"late": b"1"}).refused
    assert load(store) is None
    create(KEY)
    assert fields(store) == {"a": b"1"}


def test_a_store_that_answers_has_nothing_to_complain_of(store: SessionStore) -> None:
    assert drive(store.check()) == []


# -- leases ---------------------------------------------------------------------------------------------------------


def test_a_lease_keeps_the_next_one_waiting_until_it_is_given_back(store: SessionStore, create: Any) -> None:
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
    store: SessionStore, create: Any, clock: Any
) -> None:
    create(a=b"1")
    drive(store.acquire(KEY, "first", 30, 0))
    clock.turn(30)
    assert drive(store.acquire(KEY, "second", 30, 0)) is not None
    assert merge(store, set={"a": b"stale"}, owner="first", release=True).refused
    assert not merge(store, set={"a": b"2"}, owner="second", release=True).refused
    assert fields(store) == {"a": b"2"}


def test_a_holder_whose_lease_ran_out_is_refused_even_if_nobody_took_it(
    store: SessionStore, create: Any, clock: Any
) -> None:
    create(a=b"1")
    drive(store.acquire(KEY, "first", 30, 0))
    clock.turn(30)
    assert merge(store, set={"a": b"stale"}, owner="first").refused
    assert move(store, owner="first").refused


def test_a_lease_does_not_stop_a_merge_that_asks_for_none(store: SessionStore, create: Any) -> None:
    create(a=b"1")
    drive(store.acquire(KEY, "first", 30, 0))
    assert not merge(store, set={"b": b"2"}).refused
    assert not merge(store, set={"a": b"3"}, owner="first").refused
    assert fields(store) == {"a": b"3", "b": b"2"}


def test_a_lease_touches_the_session(store: SessionStore, create: Any, clock: Any) -> None:
    create(idle=100)
    clock.turn(50)
    record = drive(store.acquire(KEY, "first", 1, 0))
    assert record is not None
    assert record.touched
    clock.turn(60)
    assert load(store) is not None


def test_nothing_is_leased_where_nothing_is(store: SessionStore) -> None:
    assert drive(store.acquire(KEY, "me", 10, 10)) is None


# -- notes, pruning, closing ----------------------------------------------------------------------------------------


def test_notes_of_other_keys_are_returned_until_they_are_old(store: SessionStore) -> None:
    first = KeyNote("aaaa", ["aaaa", "cccc"], "process 1", 1000.0)
    second = KeyNote("bbbb", ["bbbb"], "process 2", 1000.0 + NOTE_KEPT)
    assert drive(store.note_key(first)) == []
    assert drive(store.note_key(first)) == []
    assert drive(store.note_key(second)) == [first]
    late = KeyNote("dddd", ["dddd"], "process 3", 1000.5 + NOTE_KEPT)
    assert drive(store.note_key(late)) == [second]


def test_pruning_deletes_what_is_over_and_nothing_else(store: SessionStore, create: Any, clock: Any) -> None:
    create(KEY, idle=10)
    create(OTHER, idle=100)
    clock.turn(10)
    assert drive(store.prune()) == 1
    assert drive(store.prune()) == 0
    assert load(store, OTHER) is not None


def test_what_is_old_does_not_pile_up_in_memory(clock: Any) -> None:
    store = MemoryStore()
    store.clock = clock
    for number in range(3):
        key = bytes([number]) * 34
        drive(store.create(key, Record(key, Header(clock(), clock(), 10, clock() + 10, clock()), {"a": b"1"})))
        clock.turn(700)
    assert list(store._records) == [bytes([2]) * 34]


def test_a_closed_store_can_be_used_again(store: SessionStore, create: Any) -> None:
    create()
    drive(store.close())
    drive(store.close())
    assert load(store) is not None
