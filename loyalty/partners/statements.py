"""A partner's statement of a month: its lines and totals, its form as a file, its hash, what may become of it. Pure.

Points and money of a line are what the hotel owes the partner for it: above zero what the partner took for something of
its own, below zero what it gave itself and what was refunded. So the lines of a partner add up to its accounts.

`MOVES` is the whole state machine: what may be done in which status, and the status that it leads to.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from msgspec import Struct

from loyalty import money
from loyalty.errors import Problem
from loyalty.ids import UUID

LineKind = Literal["captured", "refunded", "accrued", "accrual_reversed", "adjusted"]
StatementStatus = Literal["open", "issued", "accepted", "disputed", "settled"]
Doing = Literal["issue", "accept", "dispute", "settle"]

KINDS: Final[tuple[LineKind, ...]] = ("captured", "refunded", "accrued", "accrual_reversed", "adjusted")
SIGNS: Final[Mapping[str, int]] = {"captured": 1, "refunded": -1, "accrued": -1, "accrual_reversed": 1}
"""Whether the hotel owes the partner for it (1), or the partner the hotel (-1); an adjustment says so itself."""

MOVES: Final[Mapping[tuple[StatementStatus, Doing], StatementStatus]] = {
    ("open", "issue"): "issued",
    ("issued", "accept"): "accepted",
    ("issued", "dispute"): "disputed",
    ("disputed", "accept"): "accepted",
    ("disputed", "settle"): "settled",
    ("accepted", "settle"): "settled",
}
"""To what an act leads from a status. What isn't here can't happen; what is settled stays so."""

COLUMNS: Final = (
    "statement", "line", "kind", "id", "reference", "offer", "quantity", "points", "money", "currency",
    "effective_on", "properties",
)  # fmt: skip
"""The first row of a statement as CSV."""

_PERIOD: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_DECEMBER: Final = 12


class Happened(Struct, frozen=True, gc=False):
    """One thing that a statement has a line for; `journal_id` makes it one of a kind.

    `entry` is its id as people see it, `reference` the partner's own; `properties` are points by hotel.
    """

    kind: LineKind
    shard: int
    journal_id: UUID
    entry: str
    reference: str
    offer: str
    quantity: int
    points: int
    money: int
    effective_on: date
    recorded_at: datetime
    properties: Mapping[str, int] = {}


class Line(Struct, frozen=True, gc=False):
    """A line of a statement, in the order of the table's columns from `line` on."""

    line: int
    kind: LineKind
    shard: int
    journal_id: UUID
    entry: str
    reference: str
    offer: str
    quantity: int
    points: int
    money: int
    effective_on: date
    properties: Mapping[str, int]


class Sum(Struct, frozen=True, gc=False):
    """How many lines there are of a kind, and what they come to."""

    kind: LineKind
    records: int
    points: int
    money: int


class Share(Struct, frozen=True, gc=False):
    """What was spent of points that one hotel gave (`""`: not by a stay), and the money that is owed for them."""

    property: str
    points: int
    money: int


class Step(Struct, frozen=True, gc=False):
    """What became of a statement: see the table."""

    step: int
    status: StatementStatus
    lines: Sequence[int]
    reason: str
    payment: str
    actor: str
    recorded_at: datetime


class Statement(Struct, frozen=True, gc=False):
    """A statement that was issued, as it is kept; `steps` are what became of it since."""

    partner: str
    number: int
    period: str
    currency: str
    records: int
    points: int
    money: int
    hash: bytes
    issued_at: datetime
    issued_by: str
    steps: Sequence[Step] = ()

    @property
    def code(self) -> str:
        """Its number as people write it."""
        return code_of(self.partner, self.period, self.number)

    @property
    def status(self) -> StatementStatus:
        """What was last done with it."""
        return self.steps[-1].status if self.steps else "issued"


# --- Periods ----------------------------------------------------------------------------------------------------------


def last_day(period: str) -> date | None:
    """Return the last day of a month like `2026-03`; None when it isn't one."""
    found = _PERIOD.fullmatch(period)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2])
    following = date(year + 1, 1, 1) if month == _DECEMBER else date(year, month + 1, 1)
    return following - timedelta(days=1)


def code_of(partner: str, period: str, number: int) -> str:
    """Write the number of a statement.

    >>> code_of("air", "2026-03", 7)
    'AIR-2026-03-0007'
    """
    return f"{partner.upper()}-{period}-{number:04}"


# --- Lines ------------------------------------------------------------------------------------------------------------


def order(events: Iterable[Happened]) -> list[Line]:
    """Return the lines of a statement: in the order of their days, then as they were recorded."""
    ordered = sorted(events, key=lambda one: (one.effective_on, one.recorded_at, one.journal_id))
    return [
        Line(
            place, one.kind, one.shard, one.journal_id, one.entry, one.reference, one.offer, one.quantity,
            one.points, one.money, one.effective_on, dict(sorted(one.properties.items())),
        )
        for place, one in enumerate(ordered, 1)
    ]  # fmt: skip


def by_property(points: int, found: Mapping[str, int]) -> dict[str, int]:
    """Return the points of a line by hotel, with its sign; what no lot tells of is nobody's."""
    sign, whole = (1 if points >= 0 else -1), abs(points)
    known = {code: amount for code, amount in found.items() if amount > 0}
    if rest := whole - sum(known.values()):
        known[""] = known.get("", 0) + rest
    return {code: sign * amount for code, amount in sorted(known.items()) if amount}


def split(amount: int, parts: Mapping[str, int]) -> dict[str, int]:
    """Split money as points are split, each part rounded down but the last, so that they add up to it."""
    whole, shares, given, seen = sum(parts.values()), dict[str, int](), 0, 0
    for code, points in parts.items():
        seen += points
        upto = amount * seen // whole if whole else 0
        shares[code] = upto - given
        given = upto
    return shares


def sums(lines: Iterable[Line]) -> list[Sum]:
    """Return what the lines come to by kind; kinds without a line are left out."""
    counted = {kind: [0, 0, 0] for kind in KINDS}
    for line in lines:
        of_kind = counted[line.kind]
        of_kind[0] += 1
        of_kind[1] += line.points
        of_kind[2] += line.money
    return [Sum(kind, *counted[kind]) for kind in KINDS if counted[kind][0]]


def shares(lines: Iterable[Line]) -> list[Share]:
    """Return what was captured and refunded by the hotel that gave the points."""
    points: dict[str, int] = {}
    owed: dict[str, int] = {}
    for line in lines:
        for code, amount in line.properties.items():
            points[code] = points.get(code, 0) + amount
        for code, amount in split(line.money, line.properties).items():
            owed[code] = owed.get(code, 0) + amount
    return [Share(code, points[code], owed[code]) for code in sorted(points)]


# --- As a file --------------------------------------------------------------------------------------------------------


class _Text(list[str]):
    """What the writer of CSV writes to."""

    def write(self, text: str) -> None:
        self.append(text)


def table(rows: Iterable[Sequence[object]]) -> bytes:
    """Write rows as CSV (RFC 4180), in UTF-8 with one LF behind each."""
    text = _Text()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return "".join(text).encode()


def as_csv(code: str, currency: str, lines: Iterable[Line]) -> bytes:
    """Return a statement as CSV: these bytes are what its hash is of."""
    decimals = money.digits(currency)
    return table(
        [
            COLUMNS,
            *(
                (
                    code, one.line, one.kind, one.entry, one.reference, one.offer, one.quantity, one.points,
                    money.from_minor(one.money, decimals), currency, one.effective_on.isoformat(),
                    " ".join(f"{hotel}:{points}" for hotel, points in one.properties.items()),
                )
                for one in lines
            ),
        ]
    )  # fmt: skip


def hash_of(code: str, currency: str, lines: Iterable[Line]) -> bytes:
    """Return the hash of a statement: SHA-256 of it as CSV."""
    return sha256(as_csv(code, currency, lines)).digest()


# --- What becomes of it -----------------------------------------------------------------------------------------------


def move(status: StatementStatus, doing: Doing) -> StatementStatus:
    """Return the status that an act leads to; raise Problem when it can't be done in this one."""
    to = MOVES.get((status, doing))
    if to is None:
        allowed = ", ".join(f"`{start}`" for start, act in MOVES if act == doing)
        detail = f"The statement is `{status}`; this takes one that is {allowed}."
        raise Problem("wrong_statement_status", detail)
    return to


def check_lines(lines: Sequence[int], records: int) -> None:
    """Raise Problem when a dispute names a line that the statement hasn't, or one twice."""
    for place, line in enumerate(lines):
        if line > records:
            raise Problem("unknown_line", f"The statement has {records} lines.", at=f"/lines/{place}")
        if line in lines[:place]:
            raise Problem("invalid_value", f"Line {line} is named twice.", at=f"/lines/{place}")
