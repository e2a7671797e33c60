"""The partners of the made-up group, and what there is for points: data, as an operator puts them on file."""

from collections.abc import Mapping
from typing import Final

from loyalty.demo.group import CHINA, PROPERTIES

Body = Mapping[str, object]

AIRLINE: Final = "heron_air"
SPA: Final = "stillwater"
MUSEUM: Final = "lantern"
CLINIC: Final = "ginkgo"

UPGRADE: Final = "heron_upgrade"
MILES: Final = "heron_miles"
AFTERNOON: Final = "stillwater_afternoon"
TICKETS: Final = "lantern_tickets"
EVENING: Final = "lantern_evening"
CHECK: Final = "ginkgo_check"
NIGHT: Final = "crane_night"

NAMES: Final[Mapping[str, tuple[str, str]]] = {
    AIRLINE: ("Heron Air", "苍鹭航空"),
    SPA: ("Stillwater Spa", "静水水疗"),
    MUSEUM: ("Lantern Museum", "灯影美术馆"),
    CLINIC: ("Ginkgo Clinic", "银杏体检中心"),
}
"""The partners, in English and Chinese."""

_GIVING: Final[Mapping[str, Body]] = {
    AIRLINE: {"accrual_price": "0.0150"},
    SPA: {"accrual_price": "0.0180", "account": "prepaid"},
}
"""Those who give points of their own, and what they pay for one: afterwards, or before."""

PRICES: Final[Mapping[str, int]] = {
    UPGRADE: 12_000, AFTERNOON: 1_800, TICKETS: 900, EVENING: 1_500, CHECK: 8_000, NIGHT: 9_000,
}  # fmt: skip
"""Points for one. Miles cost the points that they are made of."""

PLACES: Final = 3
"""How many there are of the evening that more guests want."""

LEAST_MILES: Final = 3_000
MOST_MILES: Final = 63_000

_ON_FILE: Final[tuple[tuple[str, str, str, str, str, Body], ...]] = (
    (UPGRADE, "airline_upgrade", AIRLINE, "One cabin up", "升舱一级",
     {"cabins": ("economy", "business", "first"), "hold_until_use": True, "refundable_until_hours": 24}),
    (MILES, "miles", AIRLINE, "Points into miles", "积分兑换里程",
     {"miles": {"points": 3, "miles": 1, "least": LEAST_MILES, "step": 3_000, "bonus": 5_000, "block": 60_000},
      "refundable": False}),
    (AFTERNOON, "spa", SPA, "A spa afternoon", "水疗午后",
     {"stock": {"per": "slot", "amount": 8}, "hold_until_use": True, "value": "25.00"}),
    (TICKETS, "exhibition", MUSEUM, "Lanterns of the south", "南方灯彩展",
     {"stock": {"per": "date", "amount": 500}, "limits": ({"most": 4},), "voucher": True, "transferable": True}),
    (EVENING, "exhibition", MUSEUM, "An evening with the curator", "策展人之夜", {"stock": {"amount": PLACES}}),
    (CHECK, "health_check", CLINIC, "A health check", "健康体检",
     {"stock": {"per": "date", "amount": 40}, "hold_minutes": 2880}),
    (NIGHT, "free_night", "", "A free night", "免费房晚",
     {"stock": {"per": "date", "amount": 50}, "hold_until_use": True,
      "properties": tuple(hotel.code for hotel in PROPERTIES)}),
)  # fmt: skip


def contracts() -> dict[str, Body]:
    """The bodies of `PUT /v1/partners/{code}`, by code."""
    return {
        code: {
            "code": code, "name": {"en": english, "zh": chinese}, "time_zone": CHINA,
            "contract": {"currency": "CNY", "point_value": "0.0120", **_GIVING.get(code, {})},
        } for code, (english, chinese) in NAMES.items()
    }  # fmt: skip


def offers() -> dict[str, Body]:
    """The bodies of `PUT /v1/offers/{code}`, by code."""
    return {
        code: {
            "code": code, "kind": kind, "name": {"en": english, "zh": chinese},
            **({"partner": partner} if partner else {}),
            **({"prices": ({"points": PRICES[code]},)} if code in PRICES else {}),
            **more,
        } for code, kind, partner, english, chinese, more in _ON_FILE
    }  # fmt: skip
