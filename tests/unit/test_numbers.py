"""Membership numbers with a check digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.members.numbers import check_digit, make_number


def test_the_example_of_the_standard_has_its_check_digit() -> None:
    assert "3" == check_digit("7992739871")


@pytest.mark.parametrize(
    ("digits", "number"), [(1, "HX0000000018"), (0, "HX0000000000"), (10**9 + 1, "HX0000000018")]
)
def test_a_number_is_the_prefix_nine_digits_and_the_check(digits: int, number: str) -> None:
    assert number == make_number("HX", digits)


@given(st.integers(0, 10**9 - 1), st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_always_caught(digits: int, place: int, step: int) -> None:
    plain = f"{digits:09}"
    wrong = plain[:place] + str((int(plain[place]) + step) % 10) + plain[place + 1 :]

    assert check_digit(plain) != check_digit(wrong)


@given(st.integers(0, 10**9 - 1), st.integers(0, 7))
def test_two_swapped_neighbours_are_caught_unless_they_are_nought_and_nine(digits: int, place: int) -> None:
    plain = f"{digits:09}"
    pair = plain[place : place + 2]
    swapped = plain[:place] + pair[::-1] + plain[place + 2 :]

    assert (check_digit(plain) != check_digit(swapped)) == (pair not in {"09", "90"} and pair[0] != pair[1])


@given(st.integers(min_value=0))
def test_a_number_with_a_long_prefix_fits_the_books(digits: int) -> None:
    assert 14 == len(make_number("LONG", digits))
