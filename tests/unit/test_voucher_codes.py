"""The codes of vouchers: unguessable, read however they are typed, and wrong as soon as a character is."""

import string
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.ids import UUID
from loyalty.vouchers.codes import ALPHABET, LENGTH, Codes, check, digest_of, read, shard_in, show

CODES = Codes(b"k" * 32)


def voucher_id(shard: int, number: int = 1) -> UUID:
    return UUID(number.to_bytes(14, "big") + shard.to_bytes(2, "big"))


codes = st.builds(
    lambda shard, number, handed_over: CODES.make(voucher_id(shard, number), handed_over),
    st.integers(0, 1023), st.integers(0, 2**100), st.integers(0, 9),
)  # fmt: skip
places = st.integers(0, LENGTH - 1)
letters = st.sampled_from(ALPHABET)


@given(codes, places, letters)
def test_every_single_wrong_character_is_found(code: str, place: int, letter: str) -> None:
    typed = code[:place] + letter + code[place + 1 :]

    assert (code if letter == code[place] else None) == read(typed)


@given(codes, places, places)
def test_every_swap_is_found_of_neighbours_and_of_others(code: str, one: int, other: int) -> None:
    typed = list(code)
    typed[one], typed[other] = typed[other], typed[one]

    assert (code if code[one] == code[other] else None) == read("".join(typed))


def test_every_pair_of_neighbours_differs_when_swapped_in_any_place() -> None:
    body = "0" * (LENGTH - 1)
    for place in range(LENGTH - 2):
        for one, other in combinations(ALPHABET, 2):
            changed = [body[:place] + pair + body[place + 2 :] for pair in (one + other, other + one)]
            assert check(changed[0]) != check(changed[1])


@given(codes, st.lists(st.sampled_from([" ", "-", "\t", "–", "_", ""]), min_size=LENGTH, max_size=LENGTH))
def test_case_blanks_dashes_and_lookalikes_are_forgiven(code: str, between: list[str]) -> None:
    typed = "".join(character + gap for character, gap in zip(code, between, strict=True))

    assert code == read(typed) == read(typed.lower()) == read(show(code))
    assert code == read(code.replace("0", "O").replace("1", "l"))


@given(st.integers(0, 1023), st.integers(0, 2**100))
def test_the_shard_is_read_back(shard: int, number: int) -> None:
    assert shard == shard_in(CODES.make(voucher_id(shard, number), 0))


@pytest.mark.parametrize("typed", ["", "-", "0" * 16, "0" * 18, "U" * 17, "é" * 17, "0" * 10_000, "１" * 17])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert None is read(typed)


@given(st.text(string.printable, max_size=40))
def test_whatever_is_typed_is_read_or_is_not(typed: str) -> None:
    code = read(typed)

    assert code is None or (len(code) == LENGTH and set(code) <= set(ALPHABET))


def test_codes_do_not_collide_and_change_with_the_key_and_each_hand_over() -> None:
    made = {CODES.make(voucher_id(3, number), times) for number in range(5_000) for times in range(3)}

    assert 15_000 == len(made)
    assert CODES.make(voucher_id(3), 0) != Codes(b"other").make(voucher_id(3), 0)


def test_a_code_is_the_same_whenever_it_is_asked_for() -> None:
    code = CODES.make(voucher_id(33, 7), 2)

    assert CODES.make(voucher_id(33, 7), 2) == code
    assert digest_of(code) == CODES.hash(voucher_id(33, 7), 2)
    assert "11" == code[:2]
    assert [4, 4, 4, 4, 1] == [len(group) for group in show(code).split("-")]
