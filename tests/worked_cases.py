"""The programs of the worked cases: published rules of real programs, small enough to check by hand."""

from loyalty.commands.rulebook import Rulebook
from tests.builders import small_rules

_PROGRAM = """
id = "case"
version = 1
currency = "CNY"
name = {{ en = "Case", zh = "例" }}

[earning]
whole = {whole}
points = {{ {points} }}

[counting]
units = ["nights", "stays", "spend", "tier_points"]

[[tier]]
code = "member"
name = {{ en = "Member", zh = "会员" }}

[[tier]]
code = "gold"
name = {{ en = "Gold", zh = "金卡" }}
bonus_percent = {bonus}
reach = {{ nights = "1" }}

[expiry]
months = 12
"""


def program(points: str, bonus: int, *, whole: bool = False) -> Rulebook:
    """Return a program in which one night makes a member gold."""
    return small_rules(_PROGRAM.format(points=points, bonus=bonus, whole=str(whole).lower()))


def tens(*categories: str, rate: int = 10) -> str:
    return ", ".join(f'{category} = "{rate}"' for category in categories)


FOLIO = {
    "room": "1197.00", "food": "198.00", "phone": "6.00", "parking": "84.00", "tax": "173.58", "pay_per_view": "10.36",
}  # fmt: skip

WITHOUT_PARKING = program(tens("room", "food", "phone", "pay_per_view"), 50)
WITH_PARKING = program(tens("room", "food", "phone", "pay_per_view", "parking"), 50)
WHOLE_UNITS = program('room = "1"', 50, whole=True)
ALL_REVENUE = program(tens("room", "food"), 80)
ROOM_ONLY = program(tens("room"), 80)
ROOM_AT_FIVE = program(tens("room", rate=5), 80)
PLAIN = program('room = "1"', 0)

EARNS_BY_TIER = small_rules(
    """
id = "case"
version = 1
currency = "USD"
name = { en = "Case", zh = "例" }

[earning]
points = { room = "0.04" }

[[earning.rule]]
code = "gold_rate"
tiers = ["gold"]
points = { room = "0.05" }

[[earning.rule]]
code = "titanium_rate"
tiers = ["titanium"]
points = { room = "0.07" }

[[tier]]
code = "silver"
name = { en = "Silver", zh = "银卡" }

[[tier]]
code = "gold"
name = { en = "Gold", zh = "金卡" }
reach = { nights = "10" }

[[tier]]
code = "titanium"
name = { en = "Titanium", zh = "钛金卡" }
reach = { nights = "30" }

[expiry]
months = 6
by_tier = { gold = 18, titanium = 24 }
"""
)
