"""A body that arrives on an event loop is read as any file is, from memory or from a temporary file."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen.http import body as body_module
from erlen.http.body import RequestBody
from erlen.http.parameters import SizedStream


def arrived(pieces: list[bytes]) -> Any:
    """A body of these pieces that has been fetched."""
    left = list(pieces)

    async def receive() -> tuple[bytes, bool]:
        return (left.pop(0) if left else b"", bool(left))

    made = RequestBody(receive)
    asyncio.run(made.fill(None))
    return made


PIECES = st.lists(st.binary(max_size=9), max_size=9)
SIZES = st.lists(st.integers(min_value=-1, max_value=12), max_size=12)


@given(pieces=PIECES, sizes=SIZES, spool=st.sampled_from([0, 5, 20, 1000]))
def test_reading_gives_what_a_file_gives(pieces: list[bytes], sizes: list[int], spool: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body_module, "SPOOL", spool)
        made, expected = arrived(pieces), io.BytesIO(b"".join(pieces))
        for size in sizes:
            assert made.read(size) == expected.read(size)
            room, other = bytearray(4), bytearray(4)
            assert made.readinto(room) == expected.readinto(other)
            assert room == other
        assert made.read() == expected.read()
        made.close()


@given(pieces=PIECES, sizes=SIZES)
def test_reading_through_its_length_gives_the_same(pieces: list[bytes], sizes: list[int]) -> None:
    whole = b"".join(pieces)
    made, expected = SizedStream(arrived(pieces), len(whole)), io.BytesIO(whole)
    for size in sizes:
        assert made.read(size) == expected.read(size)
    assert made.read() == expected.read()


@pytest.mark.parametrize(("size", "kept"), [(body_module.SPOOL, True), (body_module.SPOOL + 1, False)])
def test_a_large_body_is_kept_in_a_file(size: int, kept: bool) -> None:
    made = arrived([b"x" * (size - 3), b"abc"])
    assert (made._file is None) is kept
    assert made.size == size
    assert made.read(size - 3).count(b"x") == size - 3
    assert made.read() == b"abc"
    made.close()


def test_a_body_of_one_piece_is_not_copied() -> None:
    piece = b"x" * 100_000
    assert SizedStream(arrived([piece]), len(piece)).read() is piece
