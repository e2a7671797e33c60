"""How long points last."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.clock import add_months
from loyalty.program.lifetime import Lifetimes
from loyalty.program.model import Expiry

days = st.dates(date(2000, 1, 1), date(2090, 12, 31))
months = st.integers(1, 120)


@pytest.mark.parametrize(
    ("rules", "tier", "expected"),
    [
        (Expiry(), "", None),
        (Expiry(months=24), "", date(2028, 1, 31)),
        (Expiry(months=1), "", date(2026, 2, 28)),
        (Expiry(months=24, at_end_of="month"), "", date(2028, 2, 1)),
        (Expiry(months=24, at_end_of="year"), "", date(2029, 1, 1)),
        (Expiry(months=11, at_end_of="year"), "", date(2027, 1, 1)),
        (Expiry(months=6, by_tier={"gold": 18, "titanium": 0}), "gold", date(2027, 7, 31)),
        (Expiry(months=6, by_tier={"gold": 18, "titanium": 0}), "titanium", None),
        (Expiry(months=6, by_tier={"gold": 18, "titanium": 0}), "silver", date(2026, 7, 31)),
        (Expiry(by_tier={"gold": 18}), "silver", None),
        (Expiry(months=6, by_tier={"gold": 18}, at_end_of="year"), "gold", date(2028, 1, 1)),
        (Expiry(months=6, inactivity_months=3), "", date(2026, 7, 31)),
    ],
)
def test_points_of_31_january_last_until(rules: Expiry, tier: str, expected: date | None) -> None:
    assert expected == Lifetimes(rules).expires_on(date(2026, 1, 31), tier)


@given(days, months, st.sampled_from(["day", "month", "year"]))
def test_points_last_at_least_their_months_and_to_the_end_that_is_said(
    day: date, term: int, end: str
) -> None:
    expires_on = Lifetimes(Expiry(months=term, at_end_of=end)).expires_on(day)

    assert expires_on is not None
    assert expires_on >= add_months(day, term)
    if end != "day":
        # What ends with a month or year has its last day there, and is lost on the next one's first.
        last = expires_on - timedelta(days=1)
        assert expires_on.day == 1
        assert last >= add_months(day, term)
        assert (last.year, last.month if end == "month" else 12) == (
            add_months(day, term).year,
            add_months(day, term).month if end == "month" else 12,
        )


@given(days, days, months, st.sampled_from(["day", "month", "year"]))
def test_what_is_earned_later_never_expires_before(one: date, other: date, term: int, end: str) -> None:
    rules = Lifetimes(Expiry(months=term, at_end_of=end))
    expires = [rules.expires_on(day) for day in sorted((one, other))]

    assert expires[0] is not None
    assert expires[1] is not None
    assert expires[0] <= expires[1]


@given(days, months, months)
def test_a_tier_of_its_own_term_lasts_as_if_all_had_that_term(day: date, term: int, own: int) -> None:
    by_tier = Lifetimes(Expiry(months=term, by_tier={"gold": own}))

    assert Lifetimes(Expiry(months=own)).expires_on(day) == by_tier.expires_on(day, "gold")
    assert Lifetimes(Expiry(months=term)).expires_on(day) == by_tier.expires_on(day, "silver")
