"""Money as text and as minor units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.money import digits, from_minor, to_minor


@pytest.mark.parametrize(
    ("text", "decimals", "minor"),
    [
        ("1197.00", 2, 119_700), ("6", 2, 600), ("0", 2, 0), ("0.5", 2, 50), ("007.10", 2, 710),
        ("999999999999.99", 2, 99_999_999_999_999), ("12", 0, 12), ("1.234", 3, 1234),
    ],
)  # fmt: skip
def test_a_decimal_string_is_read_as_minor_units(text: str, decimals: int, minor: int) -> None:
    assert minor == to_minor(text, decimals)


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1.", ".5", "1e3", " 1", "1 ", "1\n", "1,00", "0.001", "1" * 13, "٣", "١٢.٥", "NaN", "1.2.3",
     "0." + "0" * 30],
)  # fmt: skip
def test_what_is_no_amount_of_the_currency_is_not_read(text: str) -> None:
    assert to_minor(text, 2) is None


def test_a_currency_without_decimals_takes_none() -> None:
    assert to_minor("100.0", digits("JPY")) is None
    assert to_minor("100", digits("JPY")) == 100


def test_currencies_have_the_decimals_of_iso_4217() -> None:
    assert {"CNY": 2, "USD": 2, "JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3} == {
        code: digits(code) for code in ("CNY", "USD", "JPY", "KRW", "BHD", "KWD")
    }


@given(st.integers(0, 10**12 - 1), st.sampled_from([0, 2, 3]))
def test_what_is_written_is_read_back(minor: int, decimals: int) -> None:
    assert minor == to_minor(from_minor(minor, decimals), decimals)


@pytest.mark.parametrize(
    ("minor", "decimals", "text"),
    [(-5, 2, "-0.05"), (-119_700, 2, "-1197.00"), (-3, 0, "-3"), (0, 2, "0.00"), (-1500, 3, "-1.500")],
)
def test_an_amount_below_zero_keeps_its_sign_in_front(minor: int, decimals: int, text: str) -> None:
    assert text == from_minor(minor, decimals)
