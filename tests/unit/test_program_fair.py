"""What is for some tiers alone must not leave a higher tier worse off: what is warned of, and what isn't."""

from typing import Any

import msgspec
import pytest

from loyalty.program.checks.fair import fair
from loyalty.program.model import Definition

NAME = {"en": "A name", "zh": "名"}
TIERS = ("member", "silver", "gold")
BASE = {"points": {"room": "1", "food": "1"}}


def warned(earning: dict[str, Any] | None = None, **sections: Any) -> list[str]:
    """Return where a definition of three tiers is warned of."""
    definition = msgspec.convert(
        {
            "id": "test", "version": 1, "name": NAME, "currency": "CNY", "earning": BASE | (earning or {}),
            "tier": [{"code": code, "name": NAME} for code in TIERS],
        }
        | {section: [{"name": NAME, "code": f"n{place}", **one} for place, one in enumerate(items)]
           for section, items in sections.items()},
        Definition,
    )  # fmt: skip
    return [".".join(map(str, one.path)) for one in fair(definition)]


def rules(*items: dict[str, Any]) -> list[str]:
    return warned({"rule": [{"code": f"r{place}", **one} for place, one in enumerate(items)]})


def rate(room: str, *tiers: str, food: str | None = "1", **more: Any) -> dict[str, Any]:
    points = {"room": room} | ({} if food is None else {"food": food})
    return {"points": points, "tiers": list(tiers), **more}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([rate("2", "silver"), rate("3", "gold")], []),
        ([rate("3", "gold"), rate("2", "silver", "gold")], []),
        ([rate("2", "silver")], [0]),
        ([rate("2", "member", "silver", "gold")], []),
        ([rate("2", "silver"), rate("1.5", "gold")], [1]),
        ([rate("2", "silver"), rate("3", "gold", food=None)], [1]),
        ([rate("0.5", "gold")], [0]),
        ([rate("10", "silver", "gold", food="10", per="10")], []),
        ([rate("9", "silver", "gold", food="10", per="10")], [0]),
        # Other stays: no stay comes under both, or all do that come under the first.
        ([rate("2", "silver", brands=["inn"]), rate("3", "gold", brands=["grand"])], [0]),
        ([rate("2", "silver", brands=["inn"]), rate("3", "gold", brands=["inn", "grand"])], []),
        ([rate("2", "silver", brands=["inn"]), rate("2", brands=["inn"])], []),
        ([rate("4"), rate("2", "silver")], []),
        # Whole units of all revenue at one rate are more than those of each category.
        ([rate("2", "gold", whole=True)], [0]),
        ([rate("1", "silver", whole=True), rate("2", "gold", whole=True, food="2")], [0]),
        ([rate("1", "silver", "gold", whole=True, food="1"), rate("2")], [0]),
    ],
)
def test_rates_by_tier(items: list[dict[str, Any]], expected: list[int]) -> None:
    assert [f"earning.rule.{place}.tiers" for place in expected] == rules(*items)


def test_whole_units_that_count_together_must_not_be_taken_apart() -> None:
    base = {"points": {"room": "1", "food": "1"}, "whole": True}
    rules = [{"code": "r", "tiers": ["gold"], "points": {"room": "1", "food": "2"}, "whole": True}]

    assert ["earning.rule.0.tiers"] == warned(base | {"rule": rules})
    rules[0]["points"] = {"room": "2", "food": "2"}
    assert [] == warned(base | {"rule": rules})


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"tiers": ["member"], "channels": ["ota"]}], []),
        ([{"tiers": ["gold"], "channels": ["ota"]}], [0]),
        ([{"tiers": ["member"], "channels": ["ota"]}, {"channels": ["ota"]}], []),
        ([{"tiers": ["member"], "channels": ["ota"], "earns": ["food"]}, {"channels": ["ota"]}], [0]),
        ([{"tiers": ["gold"], "channels": ["ota"], "earns": ["food"]}, {"channels": ["ota"]}], []),
    ],
)
def test_exclusions_by_tier(items: list[dict[str, Any]], expected: list[int]) -> None:
    assert [f"exclusion.{place}.tiers" for place in expected] == warned(exclusion=items)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"tiers": ["member"], "points": 5}], []),
        ([{"tiers": ["silver", "gold"], "points": 5}], [0]),
        ([{"tiers": ["member", "silver"], "points": 5}, {"tiers": ["gold"], "points": 9}], []),
        ([{"tiers": ["member", "silver"], "points": 5}, {"tiers": ["gold"], "points": 4}], [1]),
        ([{"tiers": ["silver"], "points": 5, "brands": ["inn"]}, {"tiers": ["gold"], "points": 9}], [0, 1]),
    ],
)
def test_caps_by_tier(items: list[dict[str, Any]], expected: list[int]) -> None:
    caps = [{"code": f"c{place}", "per": "stay", **one} for place, one in enumerate(items)]

    assert [f"earning.cap.{place}.tiers" for place in expected] == warned({"cap": caps})


def of(group: str, priority: int, *tiers: str, **gift: Any) -> dict[str, Any]:
    return {"group": group, "priority": priority, "tiers": list(tiers), **gift}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"tiers": ["silver"], "points": 5}], [0]),
        ([{"tiers": ["silver", "gold"], "points": 5}], []),
        ([{"tiers": ["silver"], "points": 5}, {"tiers": ["gold"], "points": 9}], []),
        ([{"tiers": ["silver"], "points": 5}, {"tiers": ["gold"], "points": 4}], [0]),
        ([{"tiers": ["silver"], "points": 5}, {"tiers": ["gold"], "points": 9, "least_nights": 2}], [0]),
        ([{"tiers": ["silver"], "percent": "5"}, {"tiers": ["gold"], "multiplier": "1.05"}], []),
        ([{"tiers": ["silver"], "percent": "5", "points": 1}, {"tiers": ["gold"], "multiplier": "2"}], [0]),
        # In a group: what a higher tier gets instead.
        ([of("g", 2, "gold", percent="10"), of("g", 1, percent="5")], []),
        ([of("g", 2, "gold", percent="5"), of("g", 1, percent="10")], [0]),
        ([of("g", 2, "gold", percent="5"), of("h", 1, percent="10")], []),
        ([of("g", 1, "gold", percent="5"), of("g", 2, percent="10")], []),
        ([of("g", 2, "gold", percent="5", brands=["inn"]), of("g", 1, percent="10", brands=["grand"])], []),
        ([of("g", 2, "gold", points_per_night=5), of("g", 1, points_per_night=4)], []),
        ([of("g", 2, "gold", points_per_night=5), of("g", 1, points=4)], [0]),
        ([of("g", 2, "gold", percent="10", by="nights"), of("g", 1, percent="5")], [0]),
        ([of("g", 2, "gold", percent="5"), of("g", 1, percent="5", rounding="up")], [0]),
    ],
)  # fmt: skip
def test_promotions_by_tier(items: list[dict[str, Any]], expected: list[int]) -> None:
    assert [f"promotion.{place}.tiers" for place in expected] == warned(promotion=items)


def test_a_warning_says_which_tier_is_worse_off() -> None:
    definition = msgspec.convert(
        {
            "id": "test", "version": 1, "name": NAME, "currency": "CNY", "earning": BASE,
            "tier": [{"code": code, "name": NAME} for code in TIERS],
            "promotion": [{"code": "p", "name": NAME, "points": 5, "tiers": ["silver"]}],
        },
        Definition,
    )  # fmt: skip

    assert ["warning: silver gets it, and gold above it doesn't"] == [one.text for one in fair(definition)]
