"""The stays that the benchmark posts: a page of ordinary folios, all of one length."""

from datetime import UTC, date, datetime, timedelta

import msgspec

from loyalty.bench.workload import COUNTER, KEY

SOURCE = "bench"
PROPERTY = "BENCH1"
KINDS = 16


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
