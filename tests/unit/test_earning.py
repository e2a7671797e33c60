"""Earning: points for revenue, exactly, and the reasons."""

from datetime import date

import pytest

from loyalty.clock import add_months
from loyalty.program.earning import Earned, Earning
from loyalty.program.lifetime import Lifetimes
from loyalty.program.model import HOUSE, Expiry
from loyalty.program.reading import decode, read
from loyalty.program.visit import Why
from tests.builders import PROGRAM, changed

HOUSE_RULES = Earning(read(HOUSE))


def earning(**replacements: str) -> Earning:
    return Earning(decode(changed(PROGRAM, **replacements)))


def earned_by(rules: Earning, revenue: dict[str, int]) -> Earned:
    return rules.terms(("SHA01", "", "direct", None, None), "silver").rates.earn(revenue)


def exclusion(rules: Earning, channel: str, rate_code: str | None) -> str | None:
    """Return the code of the exclusion that a stay comes under."""
    found = rules.terms(("SHA01", "", channel, rate_code, None), "silver").exclusion
    return found.code if found else None


def test_the_house_gives_a_point_for_each_yuan_of_room_food_beverage_and_spa() -> None:
    earned = earned_by(HOUSE_RULES, {"room": 119_700, "food": 19_800, "beverage": 100, "spa": 50_00})

    assert 1197 + 198 + 1 + 50 == earned.points
    assert 119_700 + 19_800 + 100 + 50_00 == earned.spend


def test_what_the_program_does_not_name_earns_nothing_and_counts_for_nothing() -> None:
    earned = earned_by(HOUSE_RULES, {"tax": 173_58, "parking": 84_00, "phone": 6_00})

    assert (0, 0) == (earned.points, earned.spend)


def test_points_are_rounded_down_once_for_the_whole_stay() -> None:
    earned = earned_by(earning(), {"room": 99, "food": 99, "laundry": 4})

    # 0.99 + 0.99 + 0.02 = 2.00
    assert 2 == earned.points


def test_a_category_may_be_worth_a_fraction_of_a_point() -> None:
    assert [0, 0, 1, 10] == [earned_by(earning(), {"laundry": fen}).points for fen in (0, 1_99, 2_00, 20_99)]


@pytest.mark.parametrize(
    ("per", "points"),
    [('"10.00"', 123), ('"1.00"', 1234), ('"0.50"', 2469), ('"0.01"', 123_456), ('"3"', 411)],
)
def test_points_may_be_given_per_any_amount(per: str, points: int) -> None:
    assert points == earned_by(earning(per=per), {"room": 1234_56}).points


def test_only_whole_multiples_count_where_the_program_says_so() -> None:
    whole = PROGRAM.replace('per = "1.00"', 'per = "10.00"\nwhole = true')
    rules = Earning(decode(whole))

    assert [0, 1, 1, 2] == [earned_by(rules, {"room": fen}).points for fen in (9_99, 10_00, 19_99, 20_00)]
    # Food and room have one rate, so their sum is what is cut: 9.99 + 0.01.
    assert 1 == earned_by(rules, {"room": 9_99, "food": 1}).points


def test_an_award_explains_itself_line_by_line() -> None:
    earned = earned_by(earning(), {"room": 1234_56, "tax": 1_00})

    assert [
        Why("category_eligible", "room", "1234.56", rate="1"),
        Why("category_not_eligible", "tax", "1.00"),
        Why("base", amount="1234.56", points=1234),
    ] == earned.why


@pytest.mark.parametrize(
    ("amount", "currency", "fen"),
    [
        (1000, "JPY", 4700),
        (1, "JPY", 4),
        (100, "CNY", 100),
        (1_000, "BHD", 1_920),
        (1, "BHD", 1),
        (0, "JPY", 0),
    ],
)
def test_other_currencies_are_exchanged_at_the_program_s_rate_rounded_down(
    amount: int, currency: str, fen: int
) -> None:
    assert fen == earning().exchange(amount, currency, date(2026, 6, 1))


def test_only_currencies_with_a_rate_are_known() -> None:
    assert [True, True, False, False] == [earning().knows(code) for code in ("CNY", "JPY", "USD", "")]


@pytest.mark.parametrize(
    ("channel", "rate_code", "code"),
    [
        ("ota", None, "channel_excluded"), ("wholesale", "BAR", "channel_excluded"), ("group", None, "group_excluded"),
        ("complimentary", "STAFF1", "group_excluded"),
        ("direct", "COMP", "rate_excluded"), ("direct", "COMP-9", "rate_excluded"), ("web", "STAFF1", "rate_excluded"),
        ("direct", "BAR", None), ("direct", None, None), ("direct", "XCOMP", None), ("direct", "comp", None),
        ("ota", "COMP", "channel_excluded"),
    ],
)  # fmt: skip
def test_the_house_excludes_by_channel_then_by_rate_code(
    channel: str, rate_code: str | None, code: str | None
) -> None:
    assert code == exclusion(HOUSE_RULES, channel, rate_code)
    assert code == exclusion(HOUSE_RULES, channel, rate_code)


def test_a_rate_code_without_a_star_excludes_only_itself() -> None:
    rules = earning()

    assert "rate_excluded" == exclusion(rules, "direct", "FREE")
    assert exclusion(rules, "direct", "FREER") is None


def test_rate_codes_beyond_the_memory_are_judged_alike() -> None:
    rules = earning()
    for number in range(10_050):
        exclusion(rules, "direct", f"R{number}")

    assert "rate_excluded" == exclusion(rules, "direct", "STAFF-NEW")
    assert len(rules._terms) <= 10_000


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2024, 12, 15), 24, date(2026, 12, 15)), (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)), (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)), (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)), (date(2026, 5, 30), 9, date(2027, 2, 28)),
        (date(2026, 1, 1), 0, date(2026, 1, 1)), (date(2026, 11, 30), 600, date(2076, 11, 30)),
    ],
)  # fmt: skip
def test_months_later_is_the_same_day_or_the_last_of_a_shorter_month(
    day: date, months: int, later: date
) -> None:
    assert later == add_months(day, months)


# --- rates by rule, by line, by day -----------------------------------------------------------------------------------

BY_BRAND = PROGRAM.replace(
    "[[tier]]",
    """[[earning.rule]]
code = "tokyo"
properties = ["TYO*"]
points = { room = "3" }

[[earning.rule]]
code = "extended"
brands = ["long_stay"]
points = { room = "0.5" }
nights = "0.5"

[[tier]]""",
    1,
)


@pytest.mark.parametrize(
    ("place", "brand", "points", "rule", "nights"),
    [
        ("SHA01", "", 100, None, 10),
        ("SHA01", "long_stay", 50, "extended", 5),
        ("TYO01", "", 300, "tokyo", 10),
        # Both rules mean it: the first one counts.
        ("TYO01", "long_stay", 300, "tokyo", 10),
    ],
)
def test_the_first_rule_that_means_a_stay_has_its_rates(
    place: str, brand: str, points: int, rule: str | None, nights: int
) -> None:
    rates = Earning(decode(BY_BRAND)).terms((place, brand, "direct", None, None), "silver").rates
    earned = rates.earn({"room": 100_00})

    assert (points, rule, nights) == (earned.points, earned.why[-1].rule, rates.nights)


def test_a_category_that_a_rule_leaves_out_earns_nothing_under_it() -> None:
    rates = Earning(decode(BY_BRAND)).terms(("TYO01", "", "direct", None, None), "silver").rates

    assert 30 == rates.earn({"room": 10_00, "food": 10_00}).points


def test_each_line_may_be_rounded_on_its_own() -> None:
    rates = earning().terms(("SHA01", "", "direct", None, None), "silver").rates
    lines = [("room", 1_50), ("room", 1_50), ("tax", 9_00)]

    assert 3 == rates.earn({"room": 3_00, "tax": 9_00}).points
    assert 2 == rates.earn({"room": 3_00, "tax": 9_00}, lines).points


@pytest.mark.parametrize(("rounding", "points"), [("down", 1), ("half_up", 2), ("up", 2)])
def test_points_are_rounded_as_the_program_says(rounding: str, points: int) -> None:
    rules = Earning(decode(PROGRAM.replace('per = "1.00"', f'per = "1.00"\nrounding = "{rounding}"')))

    assert points == earned_by(rules, {"room": 1_50}).points
    assert 1 == earned_by(rules, {"room": 1_00}).points


def test_a_rate_of_exchange_counts_for_stays_that_end_on_its_day_or_later() -> None:
    later = """[[exchange_from]]
day = 2026-07-01
rates = { JPY = "0.05" }

[[exchange_from]]
day = 2026-08-01
rates = { JPY = "0.06" }

[[tier]]"""
    rules = Earning(decode(PROGRAM.replace("[[tier]]", later, 1)))
    days = (date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 31), date(2026, 8, 1), date(2027, 1, 1))

    # 1,000 yen at 0.047, 0.05 and 0.06.
    assert [47_00, 50_00, 50_00, 60_00, 60_00] == [rules.exchange(1000, "JPY", day) for day in days]
    assert 1_920 == rules.exchange(1_000, "BHD", date(2026, 9, 1))


@pytest.mark.parametrize(
    ("rules", "tier", "expires_on"),
    [
        (Expiry(months=3), "", date(2026, 4, 15)),
        (Expiry(months=3, at_end_of="month"), "", date(2026, 5, 1)),
        (Expiry(months=12, at_end_of="year"), "", date(2028, 1, 1)),
        (Expiry(months=3, by_tier={"gold": 6, "diamond": 0}), "gold", date(2026, 7, 15)),
        (Expiry(months=3, by_tier={"gold": 6, "diamond": 0}), "silver", date(2026, 4, 15)),
        (Expiry(months=3, by_tier={"gold": 6, "diamond": 0}), "diamond", None),
        (Expiry(by_tier={"gold": 6}), "silver", None),
        (Expiry(), "", None),
    ],
)
def test_points_last_as_long_as_the_program_says(rules: Expiry, tier: str, expires_on: date | None) -> None:
    assert expires_on == Lifetimes(rules).expires_on(date(2026, 1, 15), tier)
