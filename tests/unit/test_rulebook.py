"""A program compiled: units in their scale, days in its zone."""

from datetime import UTC, date, datetime

import pytest

from loyalty.commands.rulebook import Rulebook
from loyalty.program.reading import decode
from tests.builders import PROGRAM, house_rules, small_rules

RULES = small_rules()


def test_the_label_names_the_program_and_its_version() -> None:
    assert "house@1" == house_rules().label


@pytest.mark.parametrize(
    ("unit", "amount", "shown"),
    [
        ("nights", 120, "12"), ("nights", 125, "12.5"), ("nights", 0, "0"), ("stays", 7, "7"),
        ("spend", 800_000, "8000.00"), ("spend", 5, "0.05"), ("tier_points", 845, "845"), ("points", 1_000, "1000"),
    ],
)  # fmt: skip
def test_amounts_are_shown_in_the_decimals_of_their_unit(unit: str, amount: int, shown: str) -> None:
    assert shown == RULES.show(unit, amount)


def test_spend_has_the_decimals_of_the_program_s_currency() -> None:
    yen = small_rules(
        PROGRAM.replace('currency = "CNY"', 'currency = "JPY"').replace('JPY = "0.047"', 'CNY = "21"')
    )

    assert "900" == yen.show("spend", 900)
    assert [("nights", 40), ("spend", 900)] == list(yen.ladder.levels[1].reach)


def test_thresholds_are_held_in_the_scale_of_their_unit() -> None:
    assert (("nights", 40), ("spend", 90_000)) == RULES.ladder.levels[1].reach
    assert [3, 70] == [rule.every for rule in RULES.milestones]


def test_the_program_s_day_begins_in_its_own_time_zone() -> None:
    house = house_rules()

    assert date(2026, 1, 1) == house.today(datetime(2025, 12, 31, 16, 0, tzinfo=UTC))
    assert date(2025, 12, 31) == house.today(datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC))


def test_points_expire_so_many_months_after_the_day_they_were_earned() -> None:
    assert date(2026, 5, 28) == RULES.expires_on(date(2026, 2, 28))
    assert date(2028, 1, 15) == house_rules().expires_on(date(2026, 1, 15))


def test_points_of_a_program_without_expiry_never_expire() -> None:
    forever = Rulebook(decode(PROGRAM.replace("[expiry]\nmonths = 3", "")))

    assert forever.expires_on(date(2026, 1, 1)) is None
