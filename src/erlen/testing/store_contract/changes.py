"""The contract of a session store: what is created, read and changed."""

from __future__ import annotations

from typing import Any

import pytest

from erlen.callables import drive
from erlen.errors import SessionValueError
from erlen.sessions import Append, SessionStore
from erlen.sessions.stored import join, split, until
from erlen.testing.store_contract.asking import (
    KEY,
    OTHER,
    Asking,
    fields,
    load,
    merge,
    move,
)

__all__ = ["ChangesContract"]


class ChangesContract(Asking):
    """How a store creates, loads, touches and merges."""

    # -- create and load ----------------------------------------------------------------------------------------------

    def test_an_unknown_key_loads_nothing(self, store: SessionStore) -> None:
        assert load(store) is None

    def test_what_was_created_is_loaded_with_its_header(self, store: SessionStore, create: Any) -> None:
        made = create(user="7", a=b"1", b=b"m\xc0")
        record = load(store)
        assert record is not None
        assert (record.key, record.header, record.fields) == (KEY, made.header, {"a": b"1", "b": b"m\xc0"})
        assert not record.forwarded
        assert not record.touched

    def test_creating_replaces_what_stood_there(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        create(b=b"2")
        assert fields(store) == {"b": b"2"}

    def test_a_record_that_came_in_or_went_out_is_not_kept(self, store: SessionStore, create: Any) -> None:
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
        self, store: SessionStore, create: Any, clock: Any, idle: float, absolute: float
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

    # -- touch --------------------------------------------------------------------------------------------------------

    def test_a_touch_moves_the_idle_deadline_once_in_a_tenth_of_the_idle_time(
        self, store: SessionStore, create: Any, clock: Any
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

    def test_loading_without_a_touch_moves_nothing(self, store: SessionStore, create: Any, clock: Any) -> None:
        create(idle=100)
        clock.turn(60)
        assert load(store) is not None
        clock.turn(60)
        assert load(store) is None

    def test_a_touch_does_not_move_the_absolute_deadline(self, store: SessionStore, create: Any, clock: Any) -> None:
        create(idle=100, absolute=250)
        for _ in range(4):
            clock.turn(60)
            load(store, touch=True)
        clock.turn(10)
        assert load(store) is None

    def test_a_touched_record_is_not_marked_the_next_time(self, store: SessionStore, create: Any, clock: Any) -> None:
        create(idle=100)
        clock.turn(50)
        load(store, touch=True)
        record = load(store, touch=True)
        assert record is not None
        assert not record.touched

    # -- merge --------------------------------------------------------------------------------------------------------

    def test_a_merge_sets_and_deletes_and_keeps_the_rest(self, store: SessionStore, create: Any) -> None:
        create(a=b"1", b=b"2", c=b"3")
        merged = merge(store, set={"b": b"20", "d": b"4"}, delete=["c", "unknown"])
        assert (merged.refused, merged.version) == (False, 2)
        assert fields(store) == {"a": b"1", "b": b"20", "d": b"4"}

    def test_two_merges_of_different_keys_are_both_kept_and_the_later_wins_on_the_same(
        self, store: SessionStore, create: Any
    ) -> None:
        create(a=b"1")
        assert merge(store, set={"x": b"1", "same": b"1"}).version == 2
        assert merge(store, set={"y": b"2", "same": b"2"}).version == 3
        assert fields(store) == {"a": b"1", "x": b"1", "y": b"2", "same": b"2"}

    def test_an_increment_returns_its_sum_and_starts_at_nothing(self, store: SessionStore, create: Any) -> None:
        create(n=b"41")
        assert merge(store, incr={"n": 1, "new": -3}).numbers == {"n": 42, "new": -3}
        assert fields(store) == {"n": b"42", "new": b"-3"}

    def test_an_increment_of_what_is_no_integer_starts_anew(self, store: SessionStore, create: Any) -> None:
        create(n=b"m\xa1x")
        assert merge(store, incr={"n": 5}).numbers == {"n": 5}

    def test_an_increment_beyond_64_bits_is_an_error_and_changes_nothing(
        self, store: SessionStore, create: Any
    ) -> None:
        create(n=b"%d" % (2**63 - 1), a=b"1")
        with pytest.raises(SessionValueError, match="64 bits"):
            merge(store, set={"a": b"2"}, incr={"n": 1})
        assert fields(store) == {"n": b"%d" % (2**63 - 1), "a": b"1"}
        assert merge(store, set={"b": b"3"}).version == 2

    def test_an_append_adds_to_the_end_and_keeps_the_last(self, store: SessionStore, create: Any) -> None:
        create(log=join([b"1", b"2"]))
        merge(store, append={"log": Append([b"3", b"4"], 3), "new": Append([b"x"])})
        held = fields(store)
        assert held is not None
        assert (split(held["log"]), split(held["new"])) == ([b"2", b"3", b"4"], [b"x"])

    def test_an_append_to_what_is_no_list_starts_one(self, store: SessionStore, create: Any) -> None:
        create(log=b"7")
        merge(store, append={"log": Append([b"1"])})
        assert fields(store) == {"log": join([b"1"])}

    def test_a_removal_takes_one_equal_item_for_each_and_an_emptied_list_goes(
        self, store: SessionStore, create: Any
    ) -> None:
        create(log=join([b"1", b"2", b"1"]), gone=join([b"1"]), a=b"1", number=b"5")
        merge(store, remove={"log": [b"1", b"9"], "gone": [b"1"], "unknown": [b"1"], "number": [b"5"]})
        assert fields(store) == {"log": join([b"2", b"1"]), "a": b"1", "number": b"5"}

    def test_a_removal_comes_before_an_append(self, store: SessionStore, create: Any) -> None:
        create(log=join([b"1"]))
        merge(store, remove={"log": [b"1"]}, append={"log": Append([b"1"])})
        assert fields(store) == {"log": join([b"1"])}

    def test_what_is_taken_is_given_once(self, store: SessionStore, create: Any) -> None:
        create(once=b"m\xa1x", a=b"1")
        assert merge(store, take=["once", "unknown"]).taken == {"once": b"m\xa1x"}
        assert merge(store, take=["once"]).taken == {}
        assert fields(store) == {"a": b"1"}

    def test_a_merge_changes_the_header(self, store: SessionStore, create: Any, clock: Any) -> None:
        create()
        merge(store, header={"user": "7", "permanent": True, "idle": 5.0, "auth_time": clock.now, "label": "phone"})
        record = load(store)
        assert record is not None
        header = record.header
        assert (header.user, header.permanent, header.idle, header.label) == ("7", True, 5.0, "phone")
        clock.turn(5)
        assert load(store) is None

    def test_a_merge_into_what_does_not_exist_is_refused_and_creates_nothing(self, store: SessionStore) -> None:
        assert merge(store, set={"a": b"1"}, incr={"n": 1}).refused
        assert load(store) is None

    def test_a_session_without_fields_and_user_is_deleted_by_a_final_merge(
        self, store: SessionStore, create: Any
    ) -> None:
        create(a=b"1")
        assert merge(store, delete=["a"]).emptied
        assert load(store) is None
        assert merge(store, set={"late": b"1"}).refused

    def test_a_merge_that_is_not_final_leaves_an_empty_session(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        merged = merge(store, take=["a"], final=False)
        assert (merged.emptied, fields(store)) == (False, {})
        assert merge(store).emptied
        assert load(store) is None

    def test_a_session_with_a_user_is_kept_without_fields(self, store: SessionStore, create: Any) -> None:
        create(user="7", a=b"1")
        assert not merge(store, delete=["a"]).emptied
        assert fields(store) == {}

    # -- what a delta expects -----------------------------------------------------------------------------------------

    def test_a_delta_that_expects_what_is_there_is_merged(self, store: SessionStore, create: Any) -> None:
        create(a=b"1", b=b"m\xa1x")
        merged = merge(store, set={"a": b"2"}, expect={"a": b"1", "b": b"m\xa1x", "unknown": None})
        assert (merged.refused, merged.conflict) == (False, False)
        assert fields(store) == {"a": b"2", "b": b"m\xa1x"}

    @pytest.mark.parametrize("expect", [{"a": b"3"}, {"a": None}, {"unknown": b"1"}, {"b": b"2", "a": b"m1"}])
    def test_a_delta_that_expects_something_else_changes_nothing(
        self, store: SessionStore, create: Any, expect: Any
    ) -> None:
        create(a=b"1", b=b"2")
        merged = merge(store, set={"a": b"9"}, incr={"n": 1}, take=["b"], expect=expect)
        assert (merged.refused, merged.conflict, merged.taken, merged.numbers) == (False, True, {}, {})
        moved = move(store, set={"a": b"9"}, expect=expect)
        assert (moved.refused, moved.conflict) == (False, True)
        assert (fields(store), load(store, OTHER)) == ({"a": b"1", "b": b"2"}, None)

    def test_of_two_deltas_that_expect_the_same_one_is_merged(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        first = merge(store, set={"a": b"2"}, expect={"a": b"1"})
        second = merge(store, set={"a": b"3"}, expect={"a": b"1"})
        assert (first.conflict, second.conflict) == (False, True)
        assert fields(store) == {"a": b"2"}

    def test_in_its_grace_a_session_is_compared_through_its_old_key(self, store: SessionStore, create: Any) -> None:
        create(a=b"1")
        move(store, grace=30)
        assert merge(store, set={"a": b"9"}, expect={"a": b"3"}).conflict
        merged = merge(store, set={"a": b"2"}, expect={"a": b"1"})
        assert (merged.conflict, merged.forwarded) == (False, True)
        assert merge(store, set={"late": b"1"}, expect={"a": b"3"}).conflict
        assert fields(store, OTHER) == {"a": b"2"}

    # -- fields that end ----------------------------------------------------------------------------------------------

    def test_what_has_ended_counts_as_missing_in_every_operation(
        self, store: SessionStore, create: Any, clock: Any
    ) -> None:
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

    def test_what_has_not_ended_keeps_its_end_when_it_is_added_to(
        self, store: SessionStore, create: Any, clock: Any
    ) -> None:
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

    def test_what_is_made_anew_gets_the_end_that_the_delta_names(
        self, store: SessionStore, create: Any, clock: Any
    ) -> None:
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
