"""Milestones: what a change of a count crosses, upwards and downwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.tiers.milestones import Crossing, all_crossed, crossed, lifetime
from tests.builders import house_rules, small_rules

TENTH = house_rules().milestones[0]


@pytest.mark.parametrize(
    ("before", "after", "crossings"),
    [
        (8, 9, []), (9, 10, [(1, "granted")]), (10, 11, []), (19, 20, [(2, "granted")]),
        (0, 30, [(1, "granted"), (2, "granted"), (3, "granted")]), (10, 9, [(1, "revoked")]), (10, 10, []),
        (30, 9, [(3, "revoked"), (2, "revoked"), (1, "revoked")]), (11, 10, []), (0, 0, []),
    ],
)  # fmt: skip
def test_each_multiple_that_is_passed_is_crossed_once(
    before: int, after: int, crossings: list[tuple[int, str]]
) -> None:
    assert [Crossing("tenth_stay", *one) for one in crossings] == crossed(TENTH, before, after)


@given(st.lists(st.integers(0, 100), min_size=1))
def test_whatever_the_way_what_is_granted_in_the_end_follows_from_the_count(counts: list[int]) -> None:
    granted: set[int] = set()
    before = 0
    for after in counts:
        for crossing in crossed(TENTH, before, after):
            assert (crossing.ordinal in granted) == (crossing.status == "revoked")
            granted ^= {crossing.ordinal}
        before = after

    assert set(range(1, counts[-1] // 10 + 1)) == granted


def test_a_lifetime_is_the_sum_of_all_years() -> None:
    assert 7 == lifetime({"2025": {"stays": 3}, "2026": {"stays": 4, "nights": 90}, "2027": {}}, "stays")


def test_all_milestones_are_looked_at_each_in_its_unit() -> None:
    rules = small_rules().milestones
    before, after = {"nights": 10}, {"stays": 1, "nights": 30}
    found = all_crossed(rules, before, after, {"2025": {"stays": 2}, "2026": {"stays": 1, "nights": 80}})

    assert [Crossing("every_third", 1, "granted"), Crossing("seven_nights", 1, "granted")] == found
