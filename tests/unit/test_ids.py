"""Identifiers that sort by time and tell their shard."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import ids

SHARDS = st.integers(0, 65_535)


def test_an_id_is_a_version_7_uuid() -> None:
    made = uuid.UUID(bytes=ids.minter()(3).bytes)

    assert 7 == made.version
    assert uuid.RFC_4122 == made.variant


@given(SHARDS)
def test_an_id_tells_its_shard(shard: int) -> None:
    assert shard == ids.shard_of(ids.minter()(shard))


@given(st.lists(st.integers(0, 2**47), min_size=2, max_size=50), SHARDS)
def test_ids_of_one_mint_always_ascend_even_when_the_clock_is_set_back(times: list[int], shard: int) -> None:
    clock = iter(times)
    mint = ids.minter(lambda: next(clock))
    made = [mint(shard) for _ in times]

    assert made == sorted(made)
    assert len(times) == len(set(made))


def test_more_ids_than_the_counter_holds_in_one_millisecond_still_ascend() -> None:
    mint = ids.minter(lambda: 1_000, lambda _: 0)
    made = [mint(1) for _ in range(10_000)]

    assert made == sorted(made)
    assert 10_000 == len(set(made))


def test_an_id_begins_with_its_millisecond() -> None:
    made = ids.minter(lambda: 0x0123456789AB)(0)

    assert "0123456789ab" == made.bytes.hex()[:12]


@given(SHARDS)
def test_what_is_shown_is_read_back(shard: int) -> None:
    made = ids.minter()(shard)

    assert made == ids.parse("mem", ids.show("mem", made))


SHOWN = "mem_01a2023ffb6a7000870dfde528080007"


@pytest.mark.parametrize(
    "text",
    ["", "mem", "mem_", SHOWN.replace("mem", "sty"), SHOWN.upper(), SHOWN[:-1], SHOWN + "0", SHOWN[:-1] + "g",
     SHOWN[:-1] + "G", SHOWN[:-2] + "\n0", "mem_" + "é" * 32, "mem_" + " " * 32, SHOWN.replace("_", "-")],
)  # fmt: skip
def test_what_is_no_id_of_the_kind_is_not_read(text: str) -> None:
    assert ids.parse("mem", text) is None


def test_a_number_tells_its_shard_by_its_crc_32() -> None:
    assert [0, 1, 0] == [ids.number_shard("123456789", 1), ids.number_shard("a", 2), ids.number_shard("", 4)]


@given(st.text(max_size=40), st.integers(1, 1024))
def test_a_number_always_lives_in_one_of_the_shards(number: str, shards: int) -> None:
    assert 0 <= ids.number_shard(number, shards) < shards
