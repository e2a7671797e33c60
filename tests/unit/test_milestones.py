"""Milestones: what a change of a count crosses, upwards and downwards."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.tiers.marks import Change, Marks, changes
from loyalty.tiers.milestones import Crossing, MilestoneRule, all_crossed, crossed
from tests.builders import counted, house_rules, small_rules

TENTH = house_rules().milestones[0]


def rule(unit: str = "stays", **fields: Any) -> MilestoneRule:
    values: dict[str, Any] = {"code": "m", "name": {}, "every": 0, "reward": "r", "reward_name": {}}
    return MilestoneRule(unit=unit, **values | fields)


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


@pytest.mark.parametrize(
    ("fields", "passed"),
    [
        # Counts 0, 19, 20, 30, 45, 60, 1000.
        ({"every": 20}, [0, 0, 1, 1, 2, 3, 50]),
        ({"every": 20, "above": 10}, [0, 0, 0, 1, 1, 2, 49]),
        ({"every": 20, "most": 2}, [0, 0, 1, 1, 2, 2, 2]),
        ({"at": (20, 45)}, [0, 0, 1, 1, 2, 2, 2]),
        ({"at": (20, 45), "most": 1}, [0, 0, 1, 1, 1, 1, 1]),
    ],
)  # fmt: skip
def test_marks_are_multiples_beyond_a_count_or_given_ones_up_to_a_number(
    fields: dict[str, Any], passed: list[int]
) -> None:
    assert passed == [rule(**fields).passed(count) for count in (0, 19, 20, 30, 45, 60, 1000)]


@pytest.mark.parametrize(
    ("fields", "marks"),
    [
        # After counts 0, 20, 45.
        ({"every": 20}, [20, 40, 60]),
        ({"every": 20, "above": 10}, [30, 30, 50]),
        ({"every": 20, "most": 2}, [20, 40, None]),
        ({"at": (20, 45)}, [20, 45, None]),
        ({"at": (20, 45), "most": 1}, [20, None, None]),
    ],
)  # fmt: skip
def test_the_next_mark_is_told_while_there_is_one(fields: dict[str, Any], marks: list[int | None]) -> None:
    assert marks == [rule(**fields).next_mark(count) for count in (0, 20, 45)]


MARKS = st.one_of(
    st.fixed_dictionaries({"every": st.integers(1, 30), "above": st.integers(0, 40)}),
    st.fixed_dictionaries(
        {"at": st.lists(st.integers(1, 99), min_size=1, unique=True).map(sorted).map(tuple)}
    ),
)


@given(MARKS, st.none() | st.integers(1, 5), st.lists(st.integers(0, 100), min_size=1))
def test_whatever_the_way_what_is_granted_in_the_end_follows_from_the_count(
    marks: dict[str, Any], most: int | None, counts: list[int]
) -> None:
    milestone = rule(**marks, most=most)
    granted: set[int] = set()
    before = 0
    for after in counts:
        for crossing in crossed(milestone, before, after):
            assert (crossing.ordinal in granted) == (crossing.status == "revoked")
            granted ^= {crossing.ordinal}
        before = after

    assert set(range(1, milestone.passed(counts[-1]) + 1)) == granted


@given(MARKS, st.none() | st.integers(1, 5), st.integers(0, 120))
def test_the_next_mark_is_the_least_count_that_passes_one_more(
    marks: dict[str, Any], most: int | None, count: int
) -> None:
    milestone = rule(**marks, most=most)
    more = [one for one in range(count, 400) if milestone.passed(one) > milestone.passed(count)]

    assert (more[0] if more else None) == milestone.next_mark(count)


EITHER = rule(
    "nights", at=(200, 300, 400), others=(("tier_points", (3500, 5000)), ("brands", (3,))), yearly=True
)
"""At 20, 30 and 40 nights; or at 3,500 and 5,000 tier points; or the first of them at three brands."""


@pytest.mark.parametrize(
    ("counted", "passed", "missing"),
    [
        ({}, 0, {"tier_points": 3500, "brands": 3}),
        ({"nights": 200}, 1, {"tier_points": 5000}),
        ({"tier_points": 3499}, 0, {"tier_points": 1, "brands": 3}),
        ({"tier_points": 3500}, 1, {"tier_points": 1500}),
        ({"tier_points": 9999}, 2, {}),
        ({"nights": 300, "tier_points": 3500}, 2, {}),
        ({"brand:a": 1, "brand:b": 1, "brand:c": 1}, 1, {"tier_points": 5000}),
        ({"nights": 400, "tier_points": 9999}, 3, {}),
    ],
)
def test_a_mark_may_be_passed_by_either_unit(
    counted: dict[str, int], passed: int, missing: dict[str, int]
) -> None:
    assert passed == EITHER.passed(EITHER.count({"2026": counted}, 2026))
    assert missing == EITHER.missing(counted)


def test_a_mark_that_both_units_pass_is_crossed_once() -> None:
    counters = {"2026": {"nights": 200, "tier_points": 3500}}
    points, nights = Change(2026, {"tier_points": 100}), Change(2026, {"nights": 10})
    both = Change(2026, {"nights": 10, "tier_points": 100})

    # Each alone finds the mark passed by the other; both together pass it.
    assert [[], [], [Crossing("m", 1, "granted", "2026")]] == [
        all_crossed([EITHER], [one], counters) for one in (points, nights, both)
    ]
    # What goes leaves the mark passed by nights, until these go as well.
    assert [] == all_crossed([EITHER], [Change(2026, {"tier_points": -3500})], counters, ahead=True)
    assert [Crossing("m", 1, "revoked", "2026")] == all_crossed(
        [EITHER], [Change(2026, {"tier_points": -1, "nights": -1})], counters, ahead=True
    )


amounts = st.fixed_dictionaries({"nights": st.integers(0, 450), "tier_points": st.integers(0, 6000)})


@given(st.lists(amounts, min_size=1, max_size=6), st.booleans())
def test_whichever_unit_counts_what_is_granted_follows_from_the_counts(
    history: list[dict[str, int]],
    ahead: bool,  # noqa: FBT001 - Hypothesis gives it by place
) -> None:
    granted: set[int] = set()
    now = {"nights": 0, "tier_points": 0}
    for after in history:
        change = Change(2026, {unit: after[unit] - now[unit] for unit in now})
        for crossing in all_crossed([EITHER], [change], {"2026": dict(now if ahead else after)}, ahead=ahead):
            assert (crossing.ordinal in granted) == (crossing.status == "revoked")
            granted ^= {crossing.ordinal}
        now = after

    reached = [nights <= now["nights"] for nights in (200, 300, 400)]
    by_points = [points <= now["tier_points"] for points in (3500, 5000)] + [False]
    assert {place + 1 for place in range(3) if reached[place] or by_points[place]} == granted


def test_all_milestones_are_looked_at_each_in_its_unit() -> None:
    rules = small_rules().milestones
    changed = changes({"nights": 10}, 2026, {"stays": 1, "nights": 30}, 2026)
    found = all_crossed(rules, changed, {"2025": {"stays": 2}, "2026": {"stays": 1, "nights": 80}})

    assert [Crossing("every_third", 1, "granted"), Crossing("seven_nights", 1, "granted")] == found


def test_a_milestone_of_a_year_counts_that_year_alone() -> None:
    yearly = rule("nights", every=100, yearly=True)
    counters = counted({"2025": {"nights": 90}, "2026-01-03": {"nights": 60}, "2026-02-01": {"nights": 40}})

    assert [90, 100] == [yearly.count(counters, year) for year in (2025, 2026)]
    assert [Crossing("m", 1, "granted", "2026")] == all_crossed(
        [yearly], [Change(2026, {"nights": 40})], counters
    )


def test_a_stay_that_moves_to_another_year_is_taken_from_the_one_and_counted_in_the_other() -> None:
    yearly, lifelong = rule("stays", every=2, yearly=True), rule("stays", code="l", every=2)
    changed = changes({"stays": 1}, 2025, {"stays": 1}, 2026)
    counters = {"2025": {"stays": 1}, "2026": {"stays": 2}}

    assert [
        Crossing("m", 1, "revoked", "2025"), Crossing("m", 1, "granted", "2026"),
    ] == all_crossed([yearly, lifelong], changed, counters)  # fmt: skip


def test_what_is_carried_over_for_tiers_passes_no_milestone() -> None:
    twentieth = rule("nights", every=200, yearly=True)
    counters = {"2025": {"nights": 250}, "2026": {"nights": 160}}

    assert [1, 0] == [twentieth.passed(twentieth.count(counters, year)) for year in (2025, 2026)]


@pytest.mark.parametrize(
    ("counts", "yearly", "crossings"),
    [
        ({"brand:b": 1}, False, [("granted", "")]), ({"brand:a": 1}, False, []), ({"stays": 1}, False, []),
        ({"brand:b": 1}, True, [("granted", "2026")]), ({"brand:a": 1}, True, []),
    ],
)  # fmt: skip
def test_the_second_brand_passes_a_milestone_of_two_brands(
    counts: Mapping[str, int], *, yearly: bool, crossings: list[tuple[str, str]]
) -> None:
    milestone = rule("brands", every=2, yearly=yearly)
    counters = {"2026": {"brand:a": 2, "brand:b": 1, "stays": 4}}
    found = all_crossed([milestone], [Change(2026, counts)], counters)

    assert [Crossing("m", 1, *one) for one in crossings] == found


units = st.sampled_from(["stays", "nights", "brands", "brand:A", "brand:B"])
ladders_of_marks = st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True).map(
    lambda at: tuple(sorted(at))
)
any_counts = st.dictionaries(units.filter(lambda unit: unit != "brands"), st.integers(-6, 12), max_size=3)


@st.composite
def any_rule(draw: st.DrawFn) -> MilestoneRule:
    """Draw a milestone: by marks, of several units perhaps, or by multiples."""
    unit, yearly = draw(units), draw(st.booleans())
    if draw(st.booleans()):
        return rule(unit, yearly=yearly, every=draw(st.integers(1, 5)), above=draw(st.integers(0, 5)))
    at = draw(ladders_of_marks)
    others = draw(st.lists(st.tuples(units, st.just(at)), max_size=2))
    return rule(unit, yearly=yearly, at=at, others=tuple(others))


@settings(max_examples=500)
@given(
    rules=st.lists(any_rule(), max_size=4),
    counters=st.dictionaries(st.sampled_from(["2025", "2026"]), any_counts),
    changed=st.lists(
        st.builds(Change, st.sampled_from([2025, 2026]), any_counts),
        min_size=1, max_size=2, unique_by=lambda one: one.year,
    ),
    ahead=st.booleans(),
)  # fmt: skip
def test_what_passes_no_mark_crosses_no_milestone(
    rules: list[MilestoneRule], counters: dict[str, dict[str, int]], changed: list[Change], *, ahead: bool
) -> None:
    if not Marks(mark for one in rules for mark in one.asked()).passed(changed, counters, ahead=ahead):
        assert [] == all_crossed(rules, changed, counters, ahead=ahead)


def test_most_changes_pass_no_mark() -> None:
    marks = Marks(mark for one in (TENTH, EITHER) for mark in one.asked())
    counters = counted({"2026": {"stays": 11, "nights": 100}})

    assert not marks.passed([Change(2026, {"stays": 1})], counters)
    assert marks.passed([Change(2026, {"stays": 2})], counters)
    assert not marks.passed([Change(2026, {"stays": 8})], counters, ahead=True)
    assert marks.passed([Change(2026, {"stays": 9})], counters, ahead=True)
