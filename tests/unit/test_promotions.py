"""Promotions: each condition, each way of giving and each limit, with numbers worked out by hand."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from loyalty.program.festivals import Festivals
from loyalty.program.model import Definition
from loyalty.program.promotions import Given, Promotions
from loyalty.program.visit import Guest, Visit, Why
from tests.builders import Had

NAME = {"en": "A name", "zh": "名"}
FESTIVALS = (
    {"code": "spring", "lunar": "01-01", "days_before": 1, "days": 7},
    {"code": "new_year", "day": "12-30", "days": 4},
    {"code": "moon", "lunar": "08-15"},
)
GUEST = Guest("silver")


def promotions(*items: dict[str, Any], currency: str = "CNY") -> Promotions:
    """Compile promotions; one without a code is `bonus`, one that says nothing else gives 100 points."""
    definition = msgspec.convert(
        {
            "id": "test", "version": 1, "name": NAME, "currency": currency, "earning": {"points": {"room": "1"}},
            "tier": [{"code": "silver", "name": NAME}], "festival": [{"name": NAME, **one} for one in FESTIVALS],
            "promotion": [{"code": "bonus", "name": NAME, **one} for one in items],
        },
        Definition,
    )  # fmt: skip
    return Promotions(definition, Festivals(definition.festival))


SOLD_AS = {"property": "SHA01", "brand": "grand", "channel": "web", "rate_code": "BAR", "room_type": "KING"}


def stay(arrival: str = "2026-06-10", nights: int = 2, **rest: Any) -> Visit:
    """Return a stay at the Grand in Shanghai; 10 June 2026 is a Wednesday."""
    first = date.fromisoformat(arrival)
    last = first + timedelta(days=nights)
    kind = {name: rest.pop(name, value) for name, value in SOLD_AS.items()}
    told: dict[str, Any] = {
        "arrival": first, "departure": last, "booked_on": date(2026, 5, 1), "posted_on": last,
        "nights": nights * 10, "spend": 1000_00,
    }  # fmt: skip
    return Visit(tuple(kind.values()), **told | rest)


def give(
    rules: Promotions, visit: Visit, base: int = 1000, *, tier: str = "silver", entitled: tuple[str, ...] = (),
    used: tuple[int, int] = (0, 0), left: int | None = None,
) -> list[Given]:  # fmt: skip
    """Ask what promotions give; `used` and `left` are of the promotion `bonus`."""
    return rules.give(
        visit,
        tier,
        entitled,
        base,
        Had(bonus=used),
        {} if left is None else {"bonus": left},
    )


def points(rule: dict[str, Any], visit: Visit, base: int = 1000, **rest: Any) -> int:
    """Return the points that one promotion gives; of 100 if it doesn't say."""
    gives = {"multiplier", "percent", "points", "points_per_night", "nights"} & rule.keys()
    return sum(
        [
            one.points
            for one in give(promotions(rule if gives else {"points": 100, **rule}), visit, base, **rest)
        ]
    )


def by_code(given: list[Given]) -> dict[str, int]:
    return {one.code: one.points for one in given}


# --- what it gives ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "base", "expected"),
    [
        ({"multiplier": "2"}, 1234, 1234), ({"multiplier": "1.5"}, 1235, 617), ({"multiplier": "3"}, 0, 0),
        ({"multiplier": "1"}, 1000, 0), ({"multiplier": "0.5"}, 1000, 0), ({"percent": "25"}, 1235, 308),
        ({"percent": "12.5"}, 1000, 125), ({"percent": "0.1"}, 999, 0), ({"points": 500}, 0, 500),
        ({"points_per_night": 150}, 0, 300),
    ],
)  # fmt: skip
def test_a_promotion_gives_a_multiple_a_percentage_or_a_number_of_points(
    rule: dict[str, Any], base: int, expected: int
) -> None:
    assert expected == points(rule, stay(), base)


@pytest.mark.parametrize(("rounding", "expected"), [("down", 308), ("half_up", 309), ("up", 309)])
def test_a_promotion_rounds_in_its_own_way(rounding: str, expected: int) -> None:
    # A quarter of 1235 is 308.75.
    assert expected == points({"percent": "25", "rounding": rounding}, stay(), 1235)


def test_half_up_and_up_differ_below_a_half() -> None:
    # A quarter of 1233 is 308.25.
    assert [308, 308, 309] == [
        points({"percent": "25", "rounding": how}, stay(), 1233) for how in ("down", "half_up", "up")
    ]


def test_half_a_night_brings_half_the_points_of_a_night() -> None:
    # A night and a half, at 150 and at 25 a night: 225, and 37.5 cut.
    visit = msgspec.structs.replace(stay(), nights=15)

    assert [225, 37] == [points({"points_per_night": each}, visit) for each in (150, 25)]


def test_a_promotion_may_give_nights_on_top() -> None:
    (given,) = give(promotions({"nights": "1.5"}), stay())

    assert ("bonus", 0, 15) == (given.code, given.points, given.nights)
    assert [Why("promotion_nights", rule="bonus", nights="1.5")] == given.why


def test_what_gives_nothing_is_not_told() -> None:
    assert [] == give(promotions({"percent": "10"}), stay(), 9)


# --- which stays ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "fits", "fails"),
    [
        ({"properties": ["SHA*"]}, {}, {"property": "PEK01"}), ({"brands": ["grand"]}, {}, {"brand": "lodge"}),
        ({"channels": ["web", "app"]}, {}, {"channel": "ota"}), ({"rate_codes": ["BAR*"]}, {}, {"rate_code": None}),
        ({"room_types": ["KING"]}, {}, {"room_type": "TWIN"}), ({"least_nights": 2}, {}, {"nights": 19}),
        ({"least_spend": "999.99"}, {"spend": 999_99}, {"spend": 999_98}),
    ],
)  # fmt: skip
def test_a_promotion_is_for_some_stays(
    condition: dict[str, Any], fits: dict[str, Any], fails: dict[str, Any]
) -> None:
    rule = {"points": 100, **condition}

    assert 100 == points(rule, but(fits))
    assert 0 == points(rule, but(fails))


def but(told: dict[str, Any]) -> Visit:
    """Return a stay of which something else is told; of its nights, without another departure."""
    figures = {name: told[name] for name in told if name not in SOLD_AS}
    return msgspec.structs.replace(stay(**{name: told[name] for name in told if name in SOLD_AS}), **figures)


def test_a_promotion_may_be_for_a_tier() -> None:
    rule = {"points": 100, "tiers": ["gold"]}

    assert [100, 0] == [points(rule, stay(), tier=tier) for tier in ("gold", "silver")]


@pytest.mark.parametrize(("currency", "spend"), [("JPY", 30_000), ("CNY", 30_000_00), ("BHD", 30_000_000)])
def test_the_least_spend_has_the_decimals_of_the_currency(currency: str, spend: int) -> None:
    rules = promotions({"points": 100, "least_spend": "30000"}, currency=currency)

    assert [{"bonus": 100}, {}] == [by_code(give(rules, stay(spend=each))) for each in (spend, spend - 1)]


# --- days -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "day"),
    [
        ("check_out", "2026-06-12"),
        ("arrival", "2026-06-10"),
        ("booking", "2026-05-01"),
        ("posting", "2026-06-15"),
    ],
)
def test_first_and_last_are_by_the_day_that_is_named(by: str, day: str) -> None:
    visit = stay(posted_on=date(2026, 6, 15))
    other = "2026-07-01"

    assert 100 == points({"by": by, "first": day, "last": day}, visit)
    assert 0 == points({"by": by, "first": other, "last": other}, visit)


def test_first_and_last_may_be_open() -> None:
    assert [0, 100, 100] == [points({"first": "2026-06-12"}, stay(nights=n)) for n in (1, 2, 3)]
    assert [100, 100, 0] == [points({"last": "2026-06-12"}, stay(nights=n)) for n in (1, 2, 3)]


def test_a_stay_whose_booking_is_not_known_has_no_day_of_booking() -> None:
    unknown = stay(booked_on=None)

    assert 0 == points({"by": "booking", "first": "2020-01-01"}, unknown)
    assert 100 == points({"by": "booking"}, unknown)


def test_weekdays_are_those_of_the_day_that_is_named() -> None:
    # From Wednesday, 10 June 2026, to Friday.
    assert [100, 0] == [
        points({"weekdays": ["fri", "sat"], "by": by}, stay()) for by in ("check_out", "arrival")
    ]


def test_a_member_day_is_a_day_of_the_month() -> None:
    visits = [stay("2026-06-06", nights) for nights in (1, 2, 3)]

    assert [0, 100, 0] == [points({"member_days": [8]}, visit) for visit in visits]
    assert [0, 100, 100] == [points({"member_days": [8, 9]}, visit) for visit in visits]


def test_a_member_day_that_a_month_has_not_is_its_last() -> None:
    ends = [stay("2026-06-28", nights) for nights in (1, 2, 3)]

    assert [0, 100, 0] == [points({"member_days": [31]}, visit) for visit in ends]
    assert [100, 0] == [points({"member_days": [31]}, stay("2026-07-30", nights)) for nights in (1, 0)]


def test_the_spring_festival_moves_with_the_moon() -> None:
    rule = {"festivals": ["spring"], "multiplier": "2"}

    # New Year's Day 17 February 2026: from the 16th to the 23rd. In 2025 it was 29 January.
    assert [0, 1000, 1000, 0] == [
        points(rule, stay(day, 0)) for day in ("2026-02-15", "2026-02-16", "2026-02-23", "2026-02-24")
    ]
    assert [1000, 0] == [points(rule, stay(day, 0)) for day in ("2025-01-29", "2025-02-17")]


def test_a_festival_across_new_year_holds_on_both_sides() -> None:
    rule = {"festivals": ["new_year"]}

    assert [0, 100, 100, 0] == [
        points(rule, stay(day, 0)) for day in ("2026-12-29", "2026-12-30", "2027-01-02", "2027-01-03")
    ]


def test_any_of_several_festivals_will_do() -> None:
    rule = {"festivals": ["spring", "moon"]}

    assert [100, 100, 0] == [points(rule, stay(day, 0)) for day in ("2026-02-17", "2026-09-25", "2026-10-01")]


def test_all_that_is_said_of_a_day_must_hold() -> None:
    # 8 June 2026 is a Monday, 8 August a Saturday; 8 November is a Sunday and too late.
    rule = {"member_days": [8], "weekdays": ["sat", "sun"], "last": "2026-10-31"}

    assert [0, 100, 0] == [points(rule, stay(day, 0)) for day in ("2026-06-08", "2026-08-08", "2026-11-08")]


# --- by nights --------------------------------------------------------------------------------------------------------


def test_by_nights_the_base_counts_in_proportion() -> None:
    # Wednesday to Monday: the nights of Friday and Saturday are 2 of 5, which is 400 of 1000 and 400.4 of 1001.
    rule = {"by": "nights", "weekdays": ["fri", "sat"], "multiplier": "2"}

    assert [400, 400, 402] == [points(rule, stay(nights=5), base) for base in (1000, 1001, 1005)]
    assert 0 == points(rule, stay(nights=2))


def test_by_nights_is_rounded_once() -> None:
    # Half of 1001 for 1 night of 3: 166.83.
    rule = {"by": "nights", "first": "2026-06-12", "percent": "50"}

    assert [166, 167] == [points({**rule, "rounding": how}, stay(nights=3), 1001) for how in ("down", "up")]


def test_the_day_of_check_out_is_no_night() -> None:
    rule = {"by": "nights", "first": "2026-06-12", "multiplier": "2"}

    assert [0, 333] == [points(rule, stay(nights=n)) for n in (2, 3)]


def test_by_nights_points_are_given_for_the_nights_that_count() -> None:
    rule = {"by": "nights", "weekdays": ["fri", "sat"], "points_per_night": 500}

    assert [0, 500, 1000] == [points(rule, stay(nights=n)) for n in (2, 3, 5)]


def test_by_nights_a_fixed_bonus_is_given_whole_for_one_night() -> None:
    assert [0, 100] == [points({"by": "nights", "weekdays": ["fri"]}, stay(nights=n)) for n in (2, 5)]


def test_a_stay_over_new_year_has_its_share_of_the_festival() -> None:
    # 28 December to 4 January: of 7 nights those of 30 December to 2 January, 4 of 7 of 1400.
    rule = {"by": "nights", "festivals": ["new_year"], "multiplier": "2"}

    assert 800 == points(rule, stay("2026-12-28", 7), 1400)


def test_a_day_use_has_no_night_that_could_count() -> None:
    assert [0, 1000] == [points({"by": "nights", "multiplier": "2"}, stay(nights=n)) for n in (0, 2)]


# --- conditions of the guest ------------------------------------------------------------------------------------------


def entitled(rule: dict[str, Any], guest: Guest, visit: Visit | None = None) -> bool:
    return ("bonus",) == promotions({"points": 100, **rule}).entitled(visit or stay(), guest)


def test_what_asks_nothing_of_the_guest_need_not_be_pinned() -> None:
    rules = promotions({"points": 100, "channels": ["web"], "tiers": ["gold"]})

    assert () == rules.entitled(stay(), GUEST)
    assert {"bonus": 100} == by_code(give(rules, stay(), tier="gold"))


def test_what_asks_something_of_the_guest_is_given_only_if_pinned() -> None:
    rule = {"points": 100, "segments": ["family"]}

    assert [0, 0, 100] == [
        points(rule, stay(), entitled=pinned) for pinned in ((), ("other",), ("other", "bonus"))
    ]


def test_a_guest_of_any_of_the_segments_is_entitled() -> None:
    rule = {"segments": ["family", "golf"]}

    assert [True, True, False, False] == [
        entitled(rule, Guest("silver", segments=frozenset(has)))
        for has in ({"golf"}, {"golf", "wine"}, {"wine"}, set[str]())
    ]


def test_the_first_stay_is_that_of_a_guest_without_stays() -> None:
    assert [True, False] == [entitled({"nth_stay": [1]}, Guest("silver", stays=n)) for n in (0, 1)]


def test_the_nth_stay_may_be_one_of_several() -> None:
    found = [n for n in range(12) if entitled({"nth_stay": [3, 10]}, Guest("silver", stays=n))]

    assert [2, 9] == found


def test_the_nth_stay_may_be_that_of_the_year() -> None:
    rule = {"nth_stay": [2], "nth_over": "year"}

    assert [True, False] == [entitled(rule, Guest("silver", stays=7, stays_year=n)) for n in (1, 7)]


@pytest.mark.parametrize("over", ["lifetime", "year"])
def test_from_a_stay_on_all_later_ones_count_without_end(over: str) -> None:
    rule = {"from_stay": 3, "nth_over": over}
    key = "stays" if over == "lifetime" else "stays_year"
    found = [n for n in (0, 1, 2, 3, 40, 500) if entitled(rule, Guest("silver", **{key: n}))]

    # With two stays before it, a stay is the third.
    assert [2, 3, 40, 500] == found
    assert not entitled(rule, Guest("silver", **{"stays_year" if over == "lifetime" else "stays": 9}))


@pytest.mark.parametrize(
    ("arrival", "nights", "months"),
    [
        ("2026-06-10", 2, {6}), ("2026-06-29", 1, {6}), ("2026-06-30", 1, {6, 7}), ("2026-12-30", 3, {12, 1}),
        ("2026-11-30", 40, {11, 12, 1}), ("2026-06-10", 0, {6}), ("2026-06-10", 365, set(range(1, 13))),
    ],
)  # fmt: skip
def test_a_birthday_month_is_one_that_the_stay_touches(arrival: str, nights: int, months: set[int]) -> None:
    visit = stay(arrival, nights)
    rule = {"birthday_month": True}

    assert months == {n for n in range(1, 13) if entitled(rule, Guest("silver", birth_month=n), visit)}
    assert not entitled(rule, GUEST, visit)


@pytest.mark.parametrize(
    ("last_stay", "expected"),
    [
        ("2025-12-10", True), ("2025-12-11", False), ("2025-01-01", True), ("2026-06-09", False), (None, False),
    ],
)  # fmt: skip
def test_a_guest_is_dormant_after_months_without_a_stay(last_stay: str | None, *, expected: bool) -> None:
    guest = Guest("silver", last_stay=date.fromisoformat(last_stay) if last_stay else None)

    assert expected is entitled({"dormant_months": 6}, guest)


def test_a_month_that_is_too_short_ends_dormancy_on_its_last_day() -> None:
    guest = Guest("silver", last_stay=date(2025, 8, 31))

    assert [False, True] == [
        entitled({"dormant_months": 6}, guest, stay(day)) for day in ("2026-02-27", "2026-02-28")
    ]


def test_who_was_referred_is_entitled() -> None:
    assert [True, False] == [
        entitled({"referred": True}, Guest("silver", referred=yes)) for yes in (True, False)
    ]


@pytest.mark.parametrize(
    ("registered", "expected"),
    [
        ({"bonus": date(2026, 6, 10)}, True), ({"bonus": date(2026, 6, 11)}, False),
        ({"other": date(2026, 1, 1)}, False), ({}, False),
    ],
)  # fmt: skip
def test_who_registered_by_the_arrival_is_entitled(registered: dict[str, date], *, expected: bool) -> None:
    assert expected is entitled({"registration": True}, Guest("silver", registered=registered))


def test_all_that_is_asked_of_the_guest_must_hold() -> None:
    rule = {"segments": ["family"], "nth_stay": [1], "referred": True, "birthday_month": True}
    right = Guest("silver", birth_month=6, segments=frozenset({"family"}), referred=True)

    assert entitled(rule, right)
    for wrong in ({"birth_month": 7}, {"segments": frozenset[str]()}, {"referred": False}, {"stays": 1}):
        assert not entitled(rule, msgspec.structs.replace(right, **wrong))


def test_those_entitled_to_are_told_by_priority() -> None:
    rules = promotions(
        {"code": "low", "points": 1, "referred": True}, {"code": "high", "points": 1, "nth_stay": [1], "priority": 5},
        {"code": "never", "points": 1, "dormant_months": 1}, {"code": "open", "points": 1},
    )  # fmt: skip

    assert ("high", "low") == rules.entitled(stay(), Guest("silver", referred=True))


# --- priority and groups ----------------------------------------------------------------------------------------------


def test_promotions_without_a_group_add_up_in_order_of_priority() -> None:
    rules = promotions(
        {"code": "low", "points": 1}, {"code": "high", "points": 2, "priority": 9}, {"code": "last", "points": 3},
        {"code": "below", "points": 4, "priority": -1},
    )  # fmt: skip

    assert [("high", 2), ("low", 1), ("last", 3), ("below", 4)] == list(by_code(give(rules, stay())).items())


def test_of_a_group_only_the_first_by_priority_counts() -> None:
    rules = promotions(
        {"code": "single", "points": 100, "group": "season", "priority": 1},
        {"code": "double", "multiplier": "2", "group": "season", "priority": 2},
        {"code": "other", "points": 7, "group": "welcome"},
    )  # fmt: skip

    assert {"double": 1000, "other": 7} == by_code(give(rules, stay()))


def test_of_a_group_the_next_counts_when_the_first_does_not_hold_or_gives_nothing() -> None:
    rules = promotions(
        {"code": "double", "multiplier": "2", "group": "season", "priority": 2, "channels": ["app"]},
        {"code": "single", "points": 100, "group": "season", "priority": 1},
    )  # fmt: skip

    assert {"single": 100} == by_code(give(rules, stay()))
    assert {"double": 1000} == by_code(give(rules, stay(channel="app")))
    assert {"single": 100} == by_code(give(rules, stay(channel="app"), 0))


def test_of_a_group_the_next_counts_when_the_limits_of_the_first_leave_nothing() -> None:
    rules = promotions(
        {"multiplier": "2", "group": "season", "priority": 2, "per_member": 500},
        {"code": "single", "points": 100, "group": "season"},
    )

    assert {"bonus": 0, "single": 100} == by_code(give(rules, stay(), used=(500, 1)))
    assert {"bonus": 1} == by_code(give(rules, stay(), used=(499, 1)))


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_promotion_gives_no_more_than_its_most_for_a_stay() -> None:
    assert [300, 300, 299] == [
        points({"multiplier": "2", "per_stay": 300}, stay(), base) for base in (1000, 300, 299)
    ]


@pytest.mark.parametrize(
    ("had", "expected"), [(0, 700), (1, 700), (1300, 700), (1301, 699), (2000, 0), (2500, 0)]
)
def test_a_promotion_gives_no_more_than_its_most_for_a_member(had: int, expected: int) -> None:
    assert expected == points({"points": 700, "per_member": 2000}, stay(), used=(had, 1))


def test_a_promotion_is_for_so_many_stays_of_a_member() -> None:
    assert [100, 100, 0, 0] == [points({"times": 2}, stay(), used=(0, times)) for times in range(4)]


@pytest.mark.parametrize(
    ("left", "expected"), [(5000, 700), (700, 700), (699, 699), (0, 0), (-5, 0), (None, 0)]
)
def test_a_promotion_gives_no_more_than_is_left_of_its_budget(left: int | None, expected: int) -> None:
    assert expected == points({"points": 700, "budget": 5000}, stay(), left=left)


def test_limits_apply_one_after_the_other_and_say_what_they_leave() -> None:
    rule = {"multiplier": "3", "per_stay": 1500, "per_member": 2000, "budget": 9000}
    (given,) = give(promotions(rule), stay(), used=(800, 1), left=450)

    # Twice 1000, of which 1500 in a stay, 2000 - 800 = 1200 for the member, 450 of the budget: 750 short.
    assert 450 == given.points
    assert [
        Why("promotion", points=2000, rate="3", rule="bonus"),
        Why("promotion_capped", points=1500, limit=1500, rule="bonus"),
        Why("promotion_capped", points=1200, limit=2000, rule="bonus"),
        Why("budget_spent", points=450, limit=750, rule="bonus"),
    ] == given.why


def test_nights_go_with_the_points_that_a_limit_leaves() -> None:
    rules = promotions({"points": 100, "nights": "1", "per_member": 150, "times": 3})

    assert [(100, 10), (50, 10), (0, 0), (0, 0)] == [
        (one.points, one.nights)
        for used in ((0, 0), (100, 1), (150, 2), (0, 3))
        for one in give(rules, stay(), used=used)
    ]


def test_nights_are_given_also_when_there_is_no_base_to_multiply() -> None:
    (given,) = give(promotions({"multiplier": "2", "nights": "2", "per_member": 5}), stay(), 0)

    assert (0, 20) == (given.points, given.nights)


@pytest.mark.parametrize("limit", [{"per_member": 5}, {"budget": 5}])
def test_nights_are_not_lost_by_a_larger_base(limit: dict[str, int]) -> None:
    rules = promotions({"multiplier": "2", "nights": "2", **limit})

    # The points of five are used up: no base gives nights any more, neither one of 0 nor one of 1.
    assert [0, 0] == [one.nights for base in (0, 1) for one in give(rules, stay(), base, used=(5, 1), left=0)]


def test_what_gives_nights_alone_has_no_limit_of_points() -> None:
    (given,) = give(promotions({"nights": "1", "budget": 500}), stay(), left=0)

    assert (0, 10) == (given.points, given.nights)


# --- why, and what others ask -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"multiplier": "2"}, Why("promotion", points=1000, rate="2", rule="bonus")),
        ({"percent": "25"}, Why("promotion", points=250, percent=25, rule="bonus")),
        ({"percent": "12.5"}, Why("promotion", points=125, rate="12.5%", rule="bonus")),
        ({"points": 500}, Why("promotion", points=500, rule="bonus")),
        ({"points_per_night": 50}, Why("promotion", points=100, nights="2", rule="bonus")),
        (
            {"by": "nights", "first": "2026-06-11", "multiplier": "2"},
            Why("promotion", points=500, rate="2", nights="1", rule="bonus"),
        ),
    ],
)
def test_a_promotion_says_what_it_gave_and_for_what(rule: dict[str, Any], why: Why) -> None:
    (given,) = give(promotions(rule), stay())

    assert [why] == given.why


def test_a_promotion_that_was_had_often_enough_says_so() -> None:
    (given,) = give(promotions({"points": 100, "times": 2}), stay(), used=(200, 2))

    assert (0, [Why("times_spent", points=0, limit=2, rule="bonus")]) == (given.points, given.why)


def test_promotions_tell_their_budgets_and_which_of_them_have_limits_of_a_member() -> None:
    rules = promotions(
        {"code": "one", "points": 1, "budget": 500}, {"code": "two", "points": 1, "times": 1},
        {"code": "three", "points": 1, "per_member": 0}, {"code": "four", "points": 1, "per_stay": 5},
    )  # fmt: skip

    assert {"one": 500} == rules.budgets
    assert {"two"} == rules.counted


@pytest.mark.parametrize(
    ("rule", "needs"),
    [
        ({"from_stay": 2}, True),
        ({"nth_stay": [1]}, True), ({"nth_stay": [1], "nth_over": "year"}, True), ({"dormant_months": 6}, True),
        ({"referred": True, "segments": ["family"], "registration": True, "birthday_month": True}, False), ({}, False),
    ],
)  # fmt: skip
def test_promotions_tell_whether_they_ask_for_a_guests_history(rule: dict[str, Any], *, needs: bool) -> None:
    assert needs is promotions({"points": 1, **rule}).needs_history


def test_without_promotions_nothing_is_given() -> None:
    rules = promotions()

    assert ((), []) == (rules.entitled(stay(), GUEST), give(rules, stay()))
    assert ({}, frozenset[str](), False) == (rules.budgets, rules.counted, rules.needs_history)
