"""Examples for the documentation of the API, one story: a stay in Shanghai, and what it is worth. Tests read them."""

from typing import Any, Final

from loyalty.http import settlement_examples

__all__ = ["PROPOSALS", "REPLIES", "REQUESTS"]

Example = dict[str, Any]

_MEMBER: Final = "mem_019a8f3c5e7a7000b2d41c9e6f030002"
_OTHER: Final = "mem_019a8f3c6b11700092ac3e5d7f410001"
_APPROVAL: Final = "apr_019a8f3d4c5270009c0b7e42d1a90002"
_STAY: Final = "sty_019a8f3d1b2c70008e5a7f204c610002"
_JOURNAL: Final = "jrn_019a8f3d1b2c700191c3d8a25e7f0002"

_ENROLMENT: Final[Example] = {
    "number": "HX0000000018",
    "profile": {"name": "王小明", "email": "xiaoming@example.com", "birthday": "03-08", "language": "zh"},
}
_ENROLLED: Final[Example] = {
    "member_id": _MEMBER, "number": "HX0000000018", "status": "active", "enrolled_on": "2026-01-02",
}  # fmt: skip
_POSTING: Final[Example] = {
    "source": "opera", "property": "SHA01", "stay_ref": "R-1001", "revision": 1, "member": "HX0000000018",
    "status": "checked_out", "arrival": "2026-01-01", "departure": "2026-01-03", "channel": "direct",
    "rate_code": "BAR", "room_type": "DLX", "currency": "CNY",
    "lines": [
        {"category": "room", "amount": "1197.00", "date": "2026-01-01"},
        {"category": "food", "amount": "214.50", "date": "2026-01-02"},
        {"category": "tax", "amount": "84.69"},
    ],
}  # fmt: skip
_POSTED: Final[Example] = {
    "stay_id": _STAY, "member_id": _MEMBER, "outcome": "posted", "revision": 1, "program": "house@1",
    "points": {"base": 1411, "tier_bonus": 0, "promotion": 0, "total": 1411}, "change": 1411, "nights": "2",
    "balance": {"available": 1411, "pending": 0, "held": 0, "debt": 0}, "tier": {"before": "silver", "after": "silver"},
    "milestones": [],
    "why": [
        {"code": "category_eligible", "category": "room", "amount": "1197.00", "rate": "1"},
        {"code": "category_eligible", "category": "food", "amount": "214.50", "rate": "1"},
        {"code": "category_not_eligible", "category": "tax", "amount": "84.69"},
        {"code": "base", "amount": "1411.50", "points": 1411},
    ],
}  # fmt: skip
_SENTENCES: Final = [
    "Room: 1197.00 CNY earns 1 a CNY.",
    "Food: 214.50 CNY earns 1 a CNY.",
    "Tax: 84.69 CNY earns nothing.",
    "Base points on 1411.50 CNY: 1411.",
]
_UNKNOWN: Final[Example] = {
    "type": "/docs/problems#unknown_member", "title": "There is no such member", "status": 404,
    "code": "unknown_member", "detail": "There is no such member.",
    "errors": [{"pointer": "/member", "detail": "There is no such member."}],
}  # fmt: skip
_BALANCE: Final[Example] = {
    "member_id": _MEMBER, "number": "HX0000000018", "as_of": "2026-01-04", "available": 1411, "pending": 0,
    "held": 0, "debt": 0, "expiring": [{"on": "2028-01-03", "points": 1411}], "opening": [],
    "tier": {
        "code": "silver", "name": {"en": "Silver", "zh": "银卡"}, "valid_to": None,
        "benefits": [{"code": "welcome_drink", "name": {"en": "Welcome drink", "zh": "欢迎饮品"}}],
    },
    "next_tier": {
        "code": "gold", "name": {"en": "Gold", "zh": "金卡"}, "remaining": {"nights": "8", "spend": "8588.50"},
    },
    "keep_tier": None,
    "year": {"nights": "2", "stays": "1", "spend": "1411.50"},
    "period": {
        "first": "2026-01-01", "last": "2026-12-31", "counted": {"nights": "2", "stays": "1", "spend": "1411.50"},
    },
    "milestones": [
        {
            "code": "tenth_stay", "name": {"en": "Every tenth stay", "zh": "第10次入住纪念"}, "unit": "stays",
            "reward": {"en": "An album of your stays", "zh": "定制相册"}, "next_at": "10", "remaining": "9",
        },
    ],
}  # fmt: skip
_STATEMENT: Final[Example] = {
    "lines": [
        {
            "journal_id": _JOURNAL, "version": 2, "kind": "stay_posted", "effective_on": "2026-01-03",
            "recorded_at": "2026-01-03T05:12:09.251873Z", "points": 1411, "balance": 1411,
            "reason": "checked_out SHA01 R-1001", "actor": "opera SHA01", "stay_id": _STAY, "linked_journal_id": None,
            "parts": [
                {"kind": "base", "unit": "points", "amount": "1411"},
                {"kind": "count", "unit": "nights", "amount": "2"},
                {"kind": "count", "unit": "stays", "amount": "1"},
                {"kind": "count", "unit": "spend", "amount": "1411.50"},
            ],
            "program": "house@1", "why": _POSTED["why"], "text": _SENTENCES, "pending": 0,
        },
    ],
    "next_cursor": "djI",
}  # fmt: skip
_ADJUSTMENT: Final[Example] = {
    "member": "HX0000000018", "points": 500, "reason": "service_recovery", "note": "Air conditioning failed at night",
}  # fmt: skip
_ADJUSTED: Final[Example] = {
    "journal_id": _JOURNAL, "member_id": _MEMBER, "points": 500, "reason": "service_recovery",
    "balance": {"available": 1911, "pending": 0, "held": 0, "debt": 0},
}  # fmt: skip
_TRANSFER: Final[Example] = {
    "from": "HX0000000018", "to": "HX0000000026", "points": 500, "note": "Happy birthday",
}  # fmt: skip
_TRANSFERRED: Final[Example] = {
    "journal_id": _JOURNAL, "from": _MEMBER, "to": _OTHER, "points": 500,
    "moved": [{"points": 500, "expires_on": "2028-01-03"}],
    "balance": {"available": 1411, "pending": 0, "held": 0, "debt": 0},
}  # fmt: skip
_PURCHASE: Final[Example] = {"member": "HX0000000018", "points": 2000, "reference": "PAY-20260103-0017"}
_PURCHASED: Final[Example] = {
    "journal_id": _JOURNAL, "member_id": _MEMBER, "points": 2000, "price": {"amount": "200.00", "currency": "CNY"},
    "balance": {"available": 3411, "pending": 0, "held": 0, "debt": 0},
}  # fmt: skip
_STATUS: Final[Example] = {
    "tier": "gold", "kind": "matched", "reason": "Gold of another program", "first": "2026-01-05", "last": "2027-12-31",
}  # fmt: skip
_STATUSES: Final[Example] = {
    "journal_id": _JOURNAL, "member_id": _MEMBER,
    "statuses": [{"tier": "gold", "kind": "matched", "first": "2026-01-05", "last": "2027-12-31"}],
}  # fmt: skip
_ENDED: Final[Example] = _STATUSES | {
    "statuses": [{"tier": "gold", "kind": "matched", "first": "2026-01-05", "last": "2026-03-31"}],
}  # fmt: skip
_SEGMENTS: Final[Example] = {"segments": ["families", "golfers"]}
_REGISTERED: Final[Example] = {
    "member_id": _MEMBER, "promotion": "spring_double", "registered_on": "2026-01-05",
}  # fmt: skip
_MERGED: Final[Example] = {
    "merge_id": "mrg_019a8f3d77aa70009b3c1e5f88d20001", "status": "merged", "journal_id": _JOURNAL,
    "member_id": _MEMBER, "into": _OTHER, "points": 1411, "stays": 1,
    "balance": {"available": 2411, "pending": 0, "held": 0, "debt": 0},
}  # fmt: skip
_UNMERGED: Final[Example] = _MERGED | {
    "status": "unmerged", "balance": {"available": 1000, "pending": 0, "held": 0, "debt": 0},
}  # fmt: skip
_HOUSEHOLD: Final[Example] = {
    "household_id": "hsh_019a8f3d9a0170008f2d4c6be1770002", "status": "open", "head": _MEMBER,
    "members": [{"member_id": _MEMBER, "status": "joined"}],
}  # fmt: skip
_INVITED: Final[Example] = _HOUSEHOLD | {
    "members": [*_HOUSEHOLD["members"], {"member_id": _OTHER, "status": "invited"}],
}  # fmt: skip
_COMPENSATION: Final[Example] = {
    "member": "HX0000000018", "points": 3000, "reason": "service", "note": "Air conditioning failed at night",
    "stay_id": _STAY,
}  # fmt: skip
_COMPENSATED: Final[Example] = {
    "status": "posted", "approval_id": None, "journal_id": _JOURNAL, "member_id": _MEMBER, "points": 3000,
    "reason": "service", "balance": {"available": 4411, "pending": 0, "held": 0, "debt": 0},
}  # fmt: skip
_COMPENSATION_PROPOSED: Final[Example] = _COMPENSATED | {
    "status": "proposed", "approval_id": _APPROVAL, "journal_id": None,
    "balance": {"available": 1411, "pending": 0, "held": 0, "debt": 0},
}  # fmt: skip
_PROPOSED: Final[Example] = {
    "approval_id": _APPROVAL, "kind": "compensation", "member_id": _MEMBER, "points": 3000, "reason": "service",
    "note": "Air conditioning failed at night", "stay_id": _STAY, "status": "open", "proposed_by": "front desk SHA01",
    "proposed_at": "2026-01-03T05:20:31.402118Z", "decided_by": None, "decided_at": None, "journal_id": None,
    "settlement": None,
}  # fmt: skip
_DECIDED: Final[Example] = _PROPOSED | {
    "decided_by": "guest relations", "decided_at": "2026-01-03T08:02:10.118340Z",
}  # fmt: skip
_DEFINITION: Final = """\
id = "house"
version = 2
time_zone = "Asia/Shanghai"
currency = "CNY"
number_prefix = "HX"
name = { en = "House Rewards", zh = "臻享会" }

[earning]
points = { room = "1", food = "1" }

[[tier]]
code = "silver"
name = { en = "Silver", zh = "银卡" }
"""
_PUBLISHING: Final[Example] = {"definition": _DEFINITION, "effective_from": "2026-02-01"}
_VERSION: Final[Example] = {
    "program": "house", "version": 2, "name": {"en": "House Rewards", "zh": "臻享会"}, "effective_from": "2026-02-01",
    "in_force": False, "published_by": "operations", "published_at": "2026-01-04T09:30:12.402118Z",
}  # fmt: skip
_REWARD: Final = "rwd_019a8f3d1b2c7001a1f0d3b96c520002"
_OPEN: Final[Example] = {
    "reward_id": _REWARD, "milestone": "forty_nights",
    "milestone_name": {"en": "40 nights of the year", "zh": "年度40晚"},
    "period": "2026", "ordinal": 1, "status": "open", "granted_on": "2026-01-03", "journal_id": _JOURNAL,
    "choose_by": "2026-04-03", "pick": 1,
    "options": [
        {"code": "spa_treatment", "name": {"en": "A spa treatment", "zh": "SPA疗程"}, "kind": "voucher",
         "valid_months": 12},
        {"code": "extra_points", "name": {"en": "5,000 points", "zh": "5000积分"}, "kind": "points", "points": 5000},
    ],
}  # fmt: skip
_ISSUED: Final[Example] = {
    "reward_id": _REWARD, "milestone": "forty_nights",
    "milestone_name": {"en": "40 nights of the year", "zh": "年度40晚"},
    "period": "2026", "ordinal": 1, "status": "issued", "granted_on": "2026-01-03", "journal_id": _JOURNAL,
    "code": "spa_treatment", "name": {"en": "A spa treatment", "zh": "SPA疗程"}, "kind": "voucher",
    "choose_by": "2026-04-03", "valid_to": "2027-01-05",
}  # fmt: skip
_OCCASION: Final[Example] = {"property": "SHA01", "stay_ref": "R-1001", "note": "Treatment room 2"}
_BENEFIT: Final[Example] = {
    "journal_id": _JOURNAL, "member_id": _MEMBER, "benefit": "meeting_hour", "times": 1, "year": 2026, "used": 1,
    "left": 1,
}  # fmt: skip
_PROPERTY: Final[Example] = {
    "code": "SHA01", "name": {"en": "The Bund House", "zh": "外滩别院"}, "time_zone": "Asia/Shanghai",
    "currency": "CNY", "brand": "bund",
}  # fmt: skip
_REVISION: Final[Example] = {
    "revision": 1, "outcome": "posted", "recorded_at": "2026-01-03T05:12:09.251873Z", "journal_id": _JOURNAL,
    "snapshot": _POSTING, "reply": _POSTED,
}  # fmt: skip
_SHOWN: Final[Example] = {
    name: _POSTED[name]
    for name in ("stay_id", "member_id", "outcome", "revision", "program", "points", "nights", "why")
} | {"text": _SENTENCES, "snapshot": _POSTING, "revisions": [_REVISION]}

_LIVE: Final[Example] = {
    "stays": 1, "earning": 1, "nights": "2", "base": 1411, "tier_bonus": 0, "promotion": 0, "points": 1411,
    "cost": "14.11", "milestones": 0,
}  # fmt: skip
_NEW: Final[Example] = _LIVE | {"base": 2009, "points": 2009, "cost": "20.09"}
_COMPARED: Final[Example] = {"live": _LIVE, "new": _NEW}
_SIMULATED: Final[Example] = {
    "live": "house@1", "new": "house@2", "first": "2026-01-01", "last": None, "as_of": "2026-01-04",
    "currency": "CNY", "members": 1, "revisions": 1, "totals": {"key": "total"} | _COMPARED,
    "months": [{"key": "2026-01"} | _COMPARED], "properties": [{"key": "SHA01"} | _COMPARED],
    "tiers": [{"code": "silver", "live": 1, "new": 0}, {"code": "gold", "live": 0, "new": 1}],
    "moves": [{"before": "silver", "after": "gold", "direction": "up", "members": 1}],
    "milestones": [], "promotions": [], "refused_live": {"not_convertible": 0, "beyond_limits": 0},
    "refused_new": {"not_convertible": 0, "beyond_limits": 0}, "budgets_spent": [],
}  # fmt: skip

_PARTNER: Final[Example] = {
    "code": "thai_air",
    "name": {"en": "Thai Air", "zh": "泰航"},
    "contract": {"currency": "CNY", "point_value": "0.0125"},
}
_PARTNER_VIEW: Final[Example] = {
    "code": "thai_air", "version": 1, "name": _PARTNER["name"], "status": "active", "time_zone": None,
    "changed_at": "2026-01-02T03:00:00Z", "changed_by": "head office", "contract": _PARTNER["contract"],
}  # fmt: skip
_OFFER: Final[Example] = {
    "code": "thai_upgrade",
    "kind": "airline_upgrade",
    "partner": "thai_air",
    "name": {"en": "One cabin up", "zh": "升舱一级"},
    "prices": [{"points": 20000, "tiers": ["platinum"]}, {"points": 25000, "cash": "200.00"}],
    "limits": [{"most": 4, "per": "year"}],
    "hold_until_use": True,
    "refundable_until_hours": 24,
    "cabins": ["economy", "business", "first"],
}
_OFFER_FILE: Final[Example] = {
    "version": 1, "offer": _OFFER, "changed_at": "2026-01-02T03:00:00Z", "changed_by": "head office",
}  # fmt: skip
_OFFERED: Final[Example] = {
    "code": "thai_upgrade", "version": 1, "kind": "airline_upgrade",
    "partner": {"code": "thai_air", "name": _PARTNER["name"]}, "title": "One cabin up", "name": _OFFER["name"],
    "prices": [{"points": 25000, "cash": {"amount": "200.00", "currency": "CNY"}}],
    "limits": [{"most": 4, "per": "year"}],
    "details": ["flight", "date", "booking_ref", "cabin_from", "cabin_to"], "cabins": _OFFER["cabins"],
    "refundable_until_hours": 24,
    "why_not": [
        {
            "code": "insufficient_points", "missing": 23589, "available": 1411,
            "text": "23589 points are missing: there are 1411.",
        },
    ],
}  # fmt: skip

_QR: Final = "/v1/vouchers/{code}/qr"
_VOUCHER_ID: Final = "vch_019a8f3d1b2c7001a1f0d3b96c530001"
_VOUCHER: Final[Example] = {
    "voucher_id": _VOUCHER_ID, "status": "issued", "source": "redemption", "kind": "spa",
    "item": "bamboo_hour", "partner": "bamboo_spa", "number": 1, "valid_from": "2026-01-03",
    "journal_id": _JOURNAL, "name": {"en": "An hour at Bamboo Spa", "zh": "竹林水疗一小时"},
    "code": "01Q4-SPYJ-2AR2-AZXP-6", "valid_to": "2026-04-03", "transferable": True,
    "redemption_id": "red_019a8f3d1b2c7001a1f0d3b96c540001",
}  # fmt: skip
_CHANGED_VOUCHER: Final[Example] = {
    name: value for name, value in _VOUCHER.items() if name not in {"name", "code"}
}
_CONSENT: Final = "rtk_5f3b9c1e7a2d4860b1c9e0f7a6d2438b5c10e97f0002"
_REDEMPTION: Final = "red_019a8f3e2a417000a7c3d91e5b640002"
_CAPTURE: Final = "/v1/redemptions/{redemption_id}/capture"
_RELEASE: Final = "/v1/redemptions/{redemption_id}/release"
_EXTEND: Final = "/v1/redemptions/{redemption_id}/extend"
_REFUND: Final = "/v1/redemptions/{redemption_id}/refund"
_UPGRADE: Final[Example] = {
    "offer": "thai_upgrade", "token": _CONSENT, "reference": "TG-K7QX2M", "max_points": 25000, "capture": False,
    "details": {
        "flight": "TG665", "date": "2026-04-02", "booking_ref": "K7QX2M", "cabin_from": "economy",
        "cabin_to": "business",
    },
}  # fmt: skip
_HELD: Final[Example] = {
    "redemption_id": _REDEMPTION, "status": "held", "member_id": _MEMBER, "offer": "thai_upgrade", "offer_version": 1,
    "partner": "thai_air", "reference": "TG-K7QX2M", "quantity": 1, "points": 25000,
    "cash": {"amount": "200.00", "currency": "CNY"}, "details": _UPGRADE["details"], "begins": "2026-04-01T17:00:00Z",
    "booked_on": "2026-01-04", "expires_at": "2026-01-04T04:12:09Z", "captured": 0, "captured_points": 0,
    "refunded": 0, "refunded_points": 0, "refundable": True, "refundable_until": "2026-03-31T17:00:00Z",
    "value": {"amount": "312.50", "currency": "CNY"},
}  # fmt: skip
_CAPTURED: Final[Example] = _HELD | {"status": "captured", "captured": 1, "captured_points": 25000}

REQUESTS: Final[dict[tuple[str, str], Any]] = {
    ("POST", "/v1/members"): _ENROLMENT,
    ("POST", "/v1/stays"): _POSTING,
    ("POST", "/v1/stays/batch"): [_POSTING, _POSTING | {"stay_ref": "R-1002", "member": "HX0000000000"}],
    ("POST", "/v1/balances"): {"members": ["HX0000000018", _MEMBER]},
    ("POST", "/v1/adjustments"): _ADJUSTMENT,
    ("POST", "/v1/members/{member_id}/statuses"): _STATUS,
    ("PUT", "/v1/members/{member_id}/segments"): _SEGMENTS,
    ("POST", "/v1/members/{member_id}/merge"): {"into": "HX0000000026"},
    ("POST", "/v1/households"): {"head": "HX0000000018"},
    ("POST", "/v1/households/{household_id}/members"): {"member": "HX0000000026", "consent": "household"},
    ("POST", "/v1/transfers"): _TRANSFER,
    ("POST", "/v1/purchases"): _PURCHASE,
    ("POST", "/v1/compensations"): _COMPENSATION,
    ("PUT", "/v1/properties/{code}"): _PROPERTY,
    ("POST", "/v1/programs"): _PUBLISHING,
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/choose"): {"codes": ["spa_treatment"]},
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/use"): _OCCASION,
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/use"): _OCCASION | {"times": 1, "voucher": True},
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/return"): {"times": 1, "used_on": "2026-01-03"},
    ("PUT", "/v1/partners/{code}"): _PARTNER,
    ("PUT", "/v1/offers/{code}"): _OFFER,
    ("POST", "/v1/vouchers/{code}/redeem"): {"property": "SHA01", "note": "Treatment room 2"},
    ("POST", "/v1/vouchers/{code}/revoke"): {"reason": "Reported as stolen"},
    ("POST", "/v1/vouchers/{code}/hand-over"): {"member": "HX0000000026"},
    ("POST", "/v1/members/{member_id}/redemption-tokens"): {
        "partner": "thai_air",
        "points": 25000,
        "minutes": 15,
    },
    ("POST", "/v1/redemptions"): _UPGRADE,
    ("POST", _CAPTURE): {"quantity": 1},
    ("POST", _RELEASE): {"reason": "The flight is full"},
    ("POST", _EXTEND): {"until": "2026-01-04T06:00:00Z"},
    ("POST", _REFUND): {"reason": "The flight was cancelled", "quantity": 1},
    ("POST", "/v1/programs/simulate"): {"version": 2, "from": "2026-01-01"},
} | settlement_examples.REQUESTS
"""The body of a request, by method and path."""

REPLIES: Final[dict[tuple[str, str], Any]] = {
    ("POST", "/v1/members"): _ENROLLED,
    ("GET", "/v1/members"): _ENROLLED | {"profile": _ENROLMENT["profile"]},
    ("GET", "/v1/members/{member_id}"): _ENROLLED | {"profile": _ENROLMENT["profile"]},
    ("POST", "/v1/stays"): _POSTED,
    ("POST", "/v1/stays/batch"): {
        "results": [{"status": 201, "reply": _POSTED}, {"status": 404, "problem": _UNKNOWN}],
        "summary": {"posted": 1, "revised": 0, "reversed": 0, "unchanged": 0, "superseded": 0, "refused": 1},
    },
    ("GET", "/v1/stays/{stay_id}"): _SHOWN,
    ("GET", "/v1/members/{member_id}/balance"): _BALANCE,
    ("POST", "/v1/balances"): {"balances": [{"member": "HX0000000018", "balance": _BALANCE}]},
    ("GET", "/v1/members/{member_id}/statement"): _STATEMENT,
    ("POST", "/v1/adjustments"): _ADJUSTED,
    ("POST", "/v1/members/{member_id}/statuses"): _STATUSES,
    ("DELETE", "/v1/members/{member_id}/statuses/{tier}/{kind}"): _ENDED,
    ("PUT", "/v1/members/{member_id}/segments"): {"member_id": _MEMBER} | _SEGMENTS,
    ("POST", "/v1/members/{member_id}/promotions/{code}"): _REGISTERED,
    ("POST", "/v1/members/{member_id}/merge"): _MERGED,
    ("POST", "/v1/merges/{merge_id}/undo"): _UNMERGED,
    ("POST", "/v1/households"): _HOUSEHOLD,
    ("GET", "/v1/households/{household_id}"): _INVITED,
    ("POST", "/v1/households/{household_id}/members"): _INVITED,
    ("DELETE", "/v1/households/{household_id}/members/{member_id}"): _HOUSEHOLD,
    ("POST", "/v1/transfers"): _TRANSFERRED,
    ("POST", "/v1/purchases"): _PURCHASED,
    ("POST", "/v1/compensations"): _COMPENSATED,
    ("GET", "/v1/approvals"): {"approvals": [_PROPOSED], "next_cursor": None},
    ("POST", "/v1/approvals/{approval_id}/approve"): _DECIDED
    | {"status": "approved", "journal_id": _JOURNAL},
    ("POST", "/v1/approvals/{approval_id}/reject"): _DECIDED | {"status": "rejected"},
    ("GET", "/v1/properties"): {"properties": [_PROPERTY]},
    ("GET", "/v1/properties/{code}"): _PROPERTY,
    ("PUT", "/v1/properties/{code}"): _PROPERTY,
    ("GET", "/v1/programs"): {"programs": [_VERSION]},
    ("GET", "/v1/programs/{version}"): _VERSION | {"definition": _DEFINITION},
    ("POST", "/v1/programs"): _VERSION,
    ("DELETE", "/v1/programs/{version}"): None,
    ("GET", "/v1/members/{member_id}/rewards"): {"rewards": [_OPEN], "next_cursor": None},
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/choose"): {
        "rewards": [_ISSUED],
        "balance": {"available": 1411, "pending": 0, "held": 0, "debt": 0},
    },
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/use"): {"reward": _ISSUED | {"status": "used"}},
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/use"): _BENEFIT | {"vouchers": [_VOUCHER_ID]},
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/return"): _BENEFIT | {"used": 0, "left": 2},
    ("GET", "/v1/rewards"): {
        "rewards": [
            {"member_id": _MEMBER, "number": "HX0000000018", "reward": _ISSUED | {"status": "flagged"}}
        ],
        "next_cursor": None,
    },
    ("GET", "/v1/partners"): {"partners": [_PARTNER_VIEW]},
    ("GET", "/v1/partners/{code}"): _PARTNER_VIEW,
    ("PUT", "/v1/partners/{code}"): _PARTNER_VIEW,
    ("GET", "/v1/offers"): {"offers": [], "others": [_OFFERED]},
    ("GET", "/v1/offers/{code}"): _OFFER_FILE,
    ("PUT", "/v1/offers/{code}"): _OFFER_FILE,
    ("GET", "/v1/vouchers/{code}"): _VOUCHER | {"member_id": _MEMBER},
    ("GET", _QR): '<svg xmlns="http://www.w3.org/2000/svg" width="232px" height="232px"></svg>',
    ("POST", "/v1/vouchers/{code}/redeem"): {
        "voucher": _CHANGED_VOUCHER | {"status": "redeemed", "property": "SHA01"}
    },
    ("POST", "/v1/vouchers/{code}/revoke"): {"voucher": _CHANGED_VOUCHER | {"status": "revoked"}},
    ("POST", "/v1/vouchers/{code}/hand-over"): {
        "voucher": _CHANGED_VOUCHER | {"code": "01J8-8KTW-P7Q0-XM5D-C", "handed_over": 1}
    },
    ("GET", "/v1/members/{member_id}/vouchers"): {
        "vouchers": [_VOUCHER | {"member_id": _MEMBER}],
        "next_cursor": None,
    },
    ("POST", "/v1/members/{member_id}/redemption-tokens"): {
        "token": _CONSENT,
        "partner": "thai_air",
        "points": 25000,
        "expires_at": "2026-01-04T03:27:09Z",
    },
    ("POST", "/v1/redemptions"): _HELD,
    ("GET", "/v1/redemptions"): {"redemptions": [_CAPTURED], "next_cursor": None},
    ("GET", "/v1/redemptions/{redemption_id}"): _CAPTURED,
    ("POST", _CAPTURE): _CAPTURED,
    ("POST", _RELEASE): _HELD | {"status": "released"},
    ("POST", _EXTEND): _HELD | {"expires_at": "2026-01-04T06:00:00Z"},
    ("POST", _REFUND): _CAPTURED | {"status": "refunded", "refunded": 1, "refunded_points": 25000},
    ("POST", "/v1/programs/simulate"): _SIMULATED,
} | settlement_examples.REPLIES
"""The body of a good answer, by method and path."""

PROPOSALS: Final[dict[tuple[str, str], Any]] = {
    ("POST", "/v1/compensations"): _COMPENSATION_PROPOSED
} | settlement_examples.PROPOSALS
"""The body of an answer that a second person has to approve, by method and path."""
