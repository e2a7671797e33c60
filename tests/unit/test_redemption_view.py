"""What callers see of a redemption."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from loyalty.commands.redeeming import Caller, view
from loyalty.ids import UUID
from loyalty.partners.model import Miles, Offer
from loyalty.partners.offers import Listing
from loyalty.partners.redemption import Redemption

NAME = {"en": "Points into miles", "zh": "积分兑换里程"}
MILES = Miles(points=3, miles=1, least=3000, step=3000, bonus=5000, block=60000)


def listing(miles: Miles | None) -> Listing:
    offer = msgspec.convert({"code": "miles", "kind": "miles", "name": NAME}, Offer)
    return Listing(msgspec.structs.replace(offer, miles=miles), 1, None, ZoneInfo("Asia/Shanghai"), "CNY", 2)


def redemption(points: int) -> Redemption:
    at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    none = UUID(bytes(16))
    return Redemption(
        none, none, "miles", 1, "jade_air", None, "held", 1, points, 0, 75600, "CNY", "silver", "{}", "{}", "", "",
        None, date(2026, 6, 1), at, 0, 0, 1,
    )  # fmt: skip


def test_the_miles_that_points_turn_into_are_told_with_their_bonus() -> None:
    assert 26000 == view(redemption(63000), listing(MILES), Caller("site")).miles


def test_what_is_not_turned_into_miles_tells_none() -> None:
    assert UNSET is view(redemption(63000), listing(None), Caller("site")).miles


def test_what_is_owed_is_told_to_operators_and_partners_only() -> None:
    callers = (Caller("site"), Caller("desk", operator=True), Caller("jade", partner="jade_air"))
    told = [view(redemption(63000), listing(MILES), caller).value is not UNSET for caller in callers]

    assert [False, True, True] == told
