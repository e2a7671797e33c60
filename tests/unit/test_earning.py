"""Earning: points for revenue, exactly, and the reasons."""

from datetime import date

import pytest

from loyalty.program.earning import Earning
from loyalty.program.lifetime import add_months
from loyalty.program.model import HOUSE
from loyalty.program.visit import Why
from loyalty.program.reading import decode, read
from tests.builders import PROGRAM, changed

HOUSE_RULES = Earning(read(HOUSE))


def earning(**replacements: str) -> Earning:
    return Earning(decode(changed(PROGRAM, **replacements)))


def test_the_house_gives_a_point_for_each_yuan_of_room_food_beverage_and_spa() -> None:
    earned = HOUSE_RULES.earn({"room": 119_700, "food": 19_800, "beverage": 100, "spa": 50_00})

    assert 1197 + 198 + 1 + 50 == earned.points
    assert 119_700 + 19_800 + 100 + 50_00 == earned.spend


def test_what_the_program_does_not_name_earns_nothing_and_counts_for_nothing() -> None:
    earned = HOUSE_RULES.earn({"tax": 173_58, "parking": 84_00, "phone": 6_00})

    assert (0, 0) == (earned.points, earned.spend)


def test_points_are_rounded_down_once_for_the_whole_stay() -> None:
    earned = earning().earn({"room": 99, "food": 99, "laundry": 4})

    # 0.99 + 0.99 + 0.02 = 2.00
    assert 2 == earned.points


def test_a_category_may_be_worth_a_fraction_of_a_point() -> None:
    assert [0, 0, 1, 10] == [earning().earn({"laundry": fen}).points for fen in (0, 1_99, 2_00, 20_99)]


@pytest.mark.parametrize(
    ("per", "points"),
    [('"10.00"', 123), ('"1.00"', 1234), ('"0.50"', 2469), ('"0.01"', 123_456), ('"3"', 411)],
)
def test_points_may_be_given_per_any_amount(per: str, points: int) -> None:
    assert points == earning(per=per).earn({"room": 1234_56}).points


def test_only_whole_multiples_count_where_the_program_says_so() -> None:
    whole = PROGRAM.replace('per = "1.00"', 'per = "10.00"\nwhole = true')
    rules = Earning(decode(whole))

    assert [0, 1, 1, 2] == [rules.earn({"room": fen}).points for fen in (9_99, 10_00, 19_99, 20_00)]
    # Food and room have one rate, so their sum is what is cut: 9.99 + 0.01.
    assert 1 == rules.earn({"room": 9_99, "food": 1}).points


def test_an_award_explains_itself_line_by_line() -> None:
    earned = earning().earn({"room": 1234_56, "tax": 1_00})

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
    assert fen == earning().exchange(amount, currency)


def test_only_currencies_with_a_rate_are_known() -> None:
    assert [True, True, False, False] == [earning().knows(code) for code in ("CNY", "JPY", "USD", "")]


@pytest.mark.parametrize(
    ("channel", "rate_code", "code"),
    [
        ("ota", None, "channel_excluded"), ("wholesale", "BAR", "channel_excluded"), ("group", None, "rate_excluded"),
        ("direct", "COMP", "rate_excluded"), ("direct", "COMP-9", "rate_excluded"), ("web", "STAFF1", "rate_excluded"),
        ("direct", "BAR", None), ("direct", None, None), ("direct", "XCOMP", None), ("direct", "comp", None),
        ("ota", "COMP", "channel_excluded"),
    ],
)  # fmt: skip
def test_the_house_excludes_by_channel_then_by_rate_code(
    channel: str, rate_code: str | None, code: str | None
) -> None:
    found = HOUSE_RULES.exclusion(channel, rate_code)

    assert code == (found.code if found else None)
    assert found is HOUSE_RULES.exclusion(channel, rate_code)


def test_a_rate_code_without_a_star_excludes_only_itself() -> None:
    rules = earning()

    assert rules.exclusion("direct", "FREE") is not None
    assert rules.exclusion("direct", "FREER") is None


def test_rate_codes_beyond_the_memory_are_judged_alike() -> None:
    rules = earning()
    for number in range(10_050):
        rules.exclusion("direct", f"R{number}")

    assert rules.exclusion("direct", "STAFF-NEW") is not None
    assert len(rules._excluded) <= 10_000


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
