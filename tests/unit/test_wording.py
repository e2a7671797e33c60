"""What explanations say: numbers, rates and exclusions in words, in English and Chinese."""

from datetime import date
from typing import Any

import pytest

from loyalty.program.reading import decode
from loyalty.program.visit import Why
from loyalty.program.wording import Wording
from tests.builders import PROGRAM, changed

BAR = """
[[earning.rule]]
code = "suites"
room_types = ["SUITE*"]
points = { room = "3" }
per = "100"
whole = true

[[exclusion]]
code = "crew"
name = { en = "Crew", zh = "机组" }
rate_codes = ["CREW*"]
earns = ["food", "spa"]

[[promotion]]
code = "more"
name = { en = "More", zh = "多" }
points = 1
"""


def told(why: Why, per: str = "1.00", *more: Why) -> tuple[str, str]:
    """Return the first sentence in English and in Chinese, in a program with rates for each `per`."""
    definition = decode(changed(PROGRAM, per=f'"{per}"') + BAR)
    english, chinese = (Wording(definition, "en"), Wording(definition, "zh"))
    return english.explain([why, *more])[0], chinese.explain([why, *more])[0]


@pytest.mark.parametrize(
    ("per", "rule", "english", "chinese"),
    [
        ("1.00", None, "1 a CNY", "每1 CNY得1分"),
        ("10", None, "1 for each 10 CNY", "每10 CNY得1分"),
        ("100.50", None, "1 for each 100.5 CNY", "每100.5 CNY得1分"),
        ("0.10", None, "1 for each 0.1 CNY", "每0.1 CNY得1分"),
        ("1.00", "suites", "1 for each whole 100 CNY", "每满100 CNY得1分"),
    ],
)
def test_a_rate_is_told_with_what_it_is_for(per: str, rule: str | None, english: str, chinese: str) -> None:
    eligible = Why("category_eligible", "room", "250.00", rate="1")
    base = Why("base", amount="250.00", points=1, rule=rule)

    assert (f"Room: 250.00 CNY earns {english}.", f"房费250.00 CNY，{chinese}。") == told(eligible, per, base)


@pytest.mark.parametrize(
    ("code", "values", "english"),
    [
        ("promotion", {"points": 1, "rule": "more"}, "More: 1 point."),
        ("promotion", {"points": 2, "rule": "more", "nights": "1"}, "More (1 night): 2 points."),
        ("promotion_nights", {"rule": "more", "nights": "1"}, "More: 1 night on top."),
        ("times_spent", {"points": 0, "rule": "more", "limit": 1}, "More was already given for 1 stay."),
        ("rooms_capped", {"limit": 1}, "No more than 1 room of a stay may earn; the revenue counts in proportion."),
        ("award_nights", {"nights": "2"}, "2 nights paid by points or voucher: not counted."),
    ],
)  # fmt: skip
def test_one_is_not_several(code: str, values: dict[str, Any], english: str) -> None:
    assert english == told(Why(code, **values))[0]


def test_an_exchange_is_told_with_its_rate_and_since_when_it_holds() -> None:
    first = Why("exchanged", amount="10510", rate="0.047", currency="JPY", worth="493.96")
    later = Why("exchanged", amount="1", rate="0.05", currency="JPY", worth="0.05", since=date(2026, 7, 1))

    assert (
        "10510 JPY are 493.96 CNY, at 0.047 CNY for 1 JPY.",
        "10510 JPY，按汇率 1 JPY = 0.047 CNY，折合493.96 CNY。",
    ) == told(first)
    assert (
        "1 JPY are 0.05 CNY, at 0.05 CNY for 1 JPY from 2026-07-01 on.",
        "1 JPY，按2026-07-01起的汇率 1 JPY = 0.05 CNY，折合0.05 CNY。",
    ) == told(later)


def test_an_exchange_of_one_category_alone_says_of_which() -> None:
    room = Why("exchanged", "room", "10001", rate="0.047", currency="JPY", worth="470.04")

    assert (
        "Room: 10001 JPY are 470.04 CNY, at 0.047 CNY for 1 JPY.",
        "房费10001 JPY，按汇率 1 JPY = 0.047 CNY，折合470.04 CNY。",
    ) == told(room)


def test_an_exclusion_says_what_earns_all_the_same() -> None:
    crew = Why("crew", channel="direct", rate_code="CREW1")
    agency = Why("channel_excluded", channel="ota")

    assert (
        "Crew: such a stay earns by the rule crew for food and spa alone (direct, CREW1).",
        "机组：按规则 crew 仅餐饮、水疗计积分（direct, CREW1）。",
    ) == told(crew)
    assert "Agency: such a stay earns nothing by the rule channel_excluded (ota)." == told(agency)[0]
