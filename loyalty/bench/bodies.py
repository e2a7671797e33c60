"""The stays that the benchmark posts: a page of ordinary folios, all of one length."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

from loyalty.bench.workload import COUNTER, KEY

SOURCE = "bench"
PROPERTY = "BENCH1"
KINDS = 16
HOT = "bench_hot_offer"
MANY = tuple(f"bench_offer_{number:03d}" for number in range(64))


def stay_items(today: date | None = None, ref: str = "B") -> list[str]:
    """Return sixteen postings of two-night stays that ended lately, with marks for member and reference."""
    day = today or datetime.now(UTC).date()
    return [_stay(day, kind, ref) for kind in range(KINDS)]


def _stay(today: date, kind: int, ref: str) -> str:
    departure = today - timedelta(days=3 + kind)
    body = {
        "source": SOURCE,
        "property": PROPERTY,
        "member": KEY,
        "stay_ref": f"{ref}{COUNTER}",
        "status": "checked_out",
        "arrival": (departure - timedelta(days=2)).isoformat(),
        "departure": departure.isoformat(),
        "rooms": 1,
        "channel": "direct",
        "rate_code": "BAR",
        "room_type": "DLX",
        "currency": "CNY",
        "lines": [
            {"category": "room", "amount": f"{1100 + 37 * kind}.00"},
            {"category": "food", "amount": f"{180 + 11 * kind}.50"},
            {"category": "parking", "amount": "84.00"},
            {"category": "tax", "amount": f"{160 + 5 * kind}.58"},
        ],
    }
    return msgspec.json.encode(body).decode()


def offer(code: str) -> bytes:
    """Return an offer to put on file: one point each, and more of them than any run takes."""
    body = {
        "code": code,
        "kind": "merchandise",
        "name": {"en": "A sweet", "zh": "糖果"},
        "prices": [{"points": 1}],
        "stock": {"amount": 1_000_000_000},
        "hold_minutes": 525_600,
    }
    return msgspec.json.encode(body)


def hold_items(codes: Sequence[str]) -> list[str]:
    """Return a hold of one of each offer, with a mark for the member."""
    return [_hold(code) for code in codes]


def _hold(code: str) -> str:
    body: dict[str, object] = {"member": KEY, "offer": code, "details": {}, "reason": "measured"}
    return msgspec.json.encode(body).decode()
