"""Between the oracle's words and the service's: how a stay is posted, and what of an answer is compared."""

from decimal import Decimal
from typing import Any

import msgspec

from loyalty.commands.model import Answer
from loyalty.errors import Problem
from loyalty.stays.model import Line, StayPosting
from tests.property.oracle import Stay

# The same amount may be written in several ways; they are the same content.
STYLES = (
    lambda text: text,
    lambda text: text.rstrip("0").rstrip(".") if "." in text else text,
    lambda text: "0" + text,
)


def as_posting(stay: Stay, style: int = 0, member: str | None = None) -> StayPosting:
    """Return the posting of a stay; `member` replaces the number by another name of the same member."""
    unit = Decimal(1) if stay.currency == "JPY" else Decimal(100)
    lines = [
        Line(
            category,
            STYLES[style](str(Decimal(amount) / unit if unit == 1 else f"{Decimal(amount) / unit:.2f}")),
        )
        for category, amount in stay.lines
    ]
    return StayPosting(
        source="pms", property="SHA01", stay_ref=stay.ref, member=member or stay.member, status=stay.status,
        arrival=stay.arrival, departure=stay.departure, channel=stay.channel, currency=stay.currency, lines=lines,
        revision=stay.revision, rate_code=stay.rate_code,
    )  # fmt: skip


def stay_seen(result: Answer | Problem) -> dict[str, Any]:
    """Return what the oracle predicts of an answer to a posting."""
    if isinstance(result, Problem):
        return {"code": result.code}
    if result.replayed:
        return {"replayed": True}
    reply = msgspec.json.decode(result.body)
    return {
        "status": result.status,
        "outcome": reply["outcome"],
        "revision": reply["revision"],
        "points": (reply["points"]["base"], reply["points"]["tier_bonus"]),
        "change": reply["change"],
        "nights": reply["nights"],
        "tier": (reply["tier"]["before"], reply["tier"]["after"]),
        "milestones": {(one["code"], one["ordinal"], one["status"]) for one in reply["milestones"]},
        "available": reply["balance"]["available"],
        "debt": reply["balance"]["debt"],
        "pending": reply["balance"]["pending"],
    }


def keyed_seen(result: Answer | Problem) -> dict[str, Any]:
    """Return what the oracle predicts of an answer to a request with an idempotency key."""
    if isinstance(result, Problem):
        return {"code": result.code}
    reply = msgspec.json.decode(result.body)
    seen: dict[str, Any] = {"replayed": True} if result.replayed else {}
    if result.status >= 400:
        return seen | {"code": reply["code"]}
    seen["status"] = result.status
    if "points" in reply:
        balance = reply["balance"]
        balance = {name: balance[name] for name in ("available", "debt", "pending")}
        return seen | {"points": reply["points"], **balance}
    return seen | {"number": reply["number"]}
