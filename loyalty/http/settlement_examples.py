"""Examples of settlement for the documentation of the API: an airline's March and what became of it."""

from typing import Any, Final

__all__ = ["PROPOSALS", "REPLIES", "REQUESTS"]

Example = dict[str, Any]

_CODE: Final = "/v1/partners/{code}"
_OF: Final = "/v1/partners/{code}/statements/{period}"
_JOURNAL: Final = "jrn_019cb3107a5570009b2c4d8e1f600002"
_RED: Final = "red_019cb2f45e1c7000a81d3f5b7c920002"
_CNY: Final = {"amount": "2.50", "currency": "CNY"}

_ACCRUAL: Final[Example] = {
    "member": "HX0000000018", "reference": "TG665-K7QX2M", "points": 250, "effective_on": "2026-03-14", "what": "TG665",
    "note": "Bangkok to Shanghai",
}  # fmt: skip
_ACCRUED: Final[Example] = {
    "journal_id": _JOURNAL, "partner": "thai_air", "reference": "TG665-K7QX2M", "status": "posted", "points": 250,
    "owed": _CNY, "effective_on": "2026-03-14", "what": "TG665",
}  # fmt: skip
_REVERSED: Final[Example] = _ACCRUED | {"status": "reversed", "reversed_on": "2026-03-20"}
_FUND: Final[Example] = {
    "partner": "thai_air",
    "account": "prepaid",
    "paid": 100000,
    "given": 250,
    "left": 99750,
}
_STEPS: Final[list[Example]] = [{"status": "issued", "by": "finance", "at": "2026-04-01T02:00:00Z"}]
_HEAD: Final[Example] = {
    "number": "THAI_AIR-2026-03-0001", "partner": "thai_air", "period": "2026-03", "status": "issued", "records": 2,
    "points": 24750, "money": {"amount": "310.00", "currency": "CNY"}, "issued_at": "2026-04-01T02:00:00Z",
    "hash": "9f2f0c5a1d0e4b7c8a3f6e5d4c3b2a190f8e7d6c5b4a39281706f5e4d3c2b1a0", "steps": _STEPS,
}  # fmt: skip
_STATEMENT: Final[Example] = _HEAD | {
    "totals": [
        {"kind": "captured", "records": 1, "points": 25000, "money": "312.50"},
        {"kind": "accrued", "records": 1, "points": -250, "money": "-2.50"},
    ],
    "properties": [
        {"property": "", "points": 5000, "money": "62.50"},
        {"property": "SHA01", "points": 20000, "money": "250.00"},
    ],
    "lines": [
        {
            "line": 1, "kind": "captured", "id": _RED, "reference": "TG-K7QX2M", "offer": "thai_upgrade", "quantity": 1,
            "points": 25000, "money": "312.50", "effective_on": "2026-03-12",
            "properties": {"": 5000, "SHA01": 20000},
        },
        {
            "line": 2, "kind": "accrued", "id": _JOURNAL, "reference": "TG665-K7QX2M", "offer": "TG665", "quantity": 1,
            "points": -250, "money": "-2.50", "effective_on": "2026-03-14", "properties": {},
        },
    ],
}  # fmt: skip


def _became(status: str, by: str, at: str, **more: Any) -> Example:
    return _HEAD | {"status": status, "steps": [*_STEPS, {"status": status, "by": by, "at": at} | more]}


_DISPUTE: Final[Example] = {"reason": "200 points were agreed", "lines": [2]}
_FILE: Final[Example] = {
    "lines": [
        {
            "reference": "TG-K7QX2M",
            "date": "2026-03-12",
            "points": 25000,
            "money": "312.50",
        },
        {"reference": "TG665-K7QX2M", "date": "2026-03-14", "points": 200, "kind": "accrued"},
    ]
}
_COMPARED: Final[Example] = {
    "statement": "THAI_AIR-2026-03-0001",
    "counts": {"matched": 1, "missing_here": 0, "missing_there": 0, "different": 1},
    "lines": [
        {"outcome": "matched", "reference": "TG-K7QX2M", "kind": "captured", "line": 1, "row": 1},
        {
            "outcome": "different", "reference": "TG665-K7QX2M", "kind": "accrued", "line": 2, "row": 2,
            "differences": [{"field": "points", "here": "250", "there": "200"}], "text": "points 250 ≠ 200",
        },
    ],
}  # fmt: skip
_ADJUSTMENT: Final[Example] = {"line": 2, "points": 50, "money": "0.50", "reason": "200 points were agreed"}
_ADJUSTED: Final[Example] = {
    "status": "posted", "approval_id": None, "journal_id": _JOURNAL, "partner": "thai_air",
    "reference": "TG665-K7QX2M", "points": 50,
    "money": {"amount": "0.50", "currency": "CNY"}, "effective_on": "2026-04-08", "reason": "200 points were agreed",
}  # fmt: skip
_PROPOSED: Final[Example] = _ADJUSTED | {
    "status": "proposed", "approval_id": "apr_019cb3107a5570009b2c4d8e1f600002", "journal_id": None,
    "effective_on": None, "points": 2000000, "money": {"amount": "20000.00", "currency": "CNY"},
}  # fmt: skip
_REDEEMED: Final[Example] = {
    "key": "thai_air", "currency": "CNY", "captures": 1, "refunds": 0, "quantity": 1, "points": 25000,
    "cash": "200.00", "money": "312.50",
}  # fmt: skip
_LOTS: Final[Example] = {
    "on": "2026-04-08", "lots": [{"months": 21, "pending": False, "lots": 1, "points": 1411}], "points": 1411,
    "held": 25000, "members_holding": 1, "debt": 0,
}  # fmt: skip
_COST: Final[Example] = {
    "issued": 27661, "redeemed": 25000, "expired": 0,
    "partners": [
        {
            "partner": "thai_air", "currency": "CNY", "given": 250, "due": "2.50", "redeemed": 25000, "money": "312.50",
            "adjusted": "0.50", "per_point": "0.0125",
        },
    ],
}  # fmt: skip
_OWED: Final[Example] = {
    "property": "SHA01",
    "partner": "thai_air",
    "currency": "CNY",
    "points": 20000,
    "money": "250.00",
}

REQUESTS: Final[dict[tuple[str, str], Any]] = {
    ("POST", f"{_CODE}/accruals"): _ACCRUAL,
    ("POST", _CODE + "/accruals/{reference}/reverse"): {"reason": "The flight was cancelled"},
    ("POST", f"{_CODE}/deposits"): {"reference": "PAY-20260301", "points": 100000, "money": "1000.00"},
    ("POST", f"{_CODE}/statements"): {"period": "2026-03"},
    ("POST", f"{_OF}/dispute"): _DISPUTE,
    ("POST", f"{_OF}/settle"): {"payment": "PAY-20260415-0003"},
    ("POST", f"{_OF}/match"): _FILE,
    ("POST", f"{_OF}/adjustments"): _ADJUSTMENT,
}
"""The body of a request, by method and path."""

REPLIES: Final[dict[tuple[str, str], Any]] = {
    ("POST", f"{_CODE}/accruals"): _ACCRUED,
    ("GET", _CODE + "/accruals/{reference}"): _ACCRUED,
    ("POST", _CODE + "/accruals/{reference}/reverse"): _REVERSED,
    ("POST", f"{_CODE}/deposits"): _FUND,
    ("GET", f"{_CODE}/fund"): _FUND,
    ("POST", f"{_CODE}/statements"): _STATEMENT,
    ("GET", f"{_CODE}/statements"): {"statements": [_HEAD]},
    ("GET", _OF): _STATEMENT,
    ("POST", f"{_OF}/accept"): _became("accepted", "Thai Air", "2026-04-09T02:00:00Z"),
    ("POST", f"{_OF}/dispute"): _became("disputed", "Thai Air", "2026-04-07T02:00:00Z", **_DISPUTE),
    ("POST", f"{_OF}/settle"): _became(
        "settled", "finance", "2026-04-15T02:00:00Z", payment="PAY-20260415-0003"
    ),
    ("POST", f"{_OF}/match"): _COMPARED,
    ("POST", f"{_OF}/match.csv"): _COMPARED,
    ("GET", f"{_OF}/match"): _COMPARED,
    ("POST", f"{_OF}/adjustments"): _ADJUSTED,
    ("GET", "/v1/reports/redemptions"): {"redemptions": [_REDEEMED]},
    ("GET", "/v1/reports/lots"): _LOTS,
    ("GET", "/v1/reports/cost"): _COST,
    ("GET", "/v1/reports/properties"): {"properties": [_OWED]},
}
"""The body of a good answer, by method and path."""

PROPOSALS: Final[dict[tuple[str, str], Any]] = {("POST", f"{_OF}/adjustments"): _PROPOSED}
"""The body of an answer that a second person has to approve, by method and path."""
