"""A redemption as it is kept, what may happen to it, and what a part of it comes to. Pure.

`MOVES` is the whole state machine: which step may follow in which status, and the status that it leads to.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct

from loyalty.ids import UUID

RedemptionStatus = Literal["held", "captured", "released", "expired", "refunded"]
StepKind = Literal["held", "extended", "captured", "released", "expired", "refunded"]

MOVES: Final[Mapping[tuple[str, StepKind], tuple[RedemptionStatus, ...]]] = {
    ("", "held"): ("held",),
    ("held", "extended"): ("held",),
    ("held", "captured"): ("captured",),
    ("held", "released"): ("released",),
    ("held", "expired"): ("expired",),
    ("captured", "refunded"): ("captured", "refunded"),
}
"""To what a step leads from a status; of two the second, once nothing is left. What isn't here can't happen."""


def status_after(status: str, kind: StepKind, left: int = 0) -> RedemptionStatus:
    """Return the status that a step leads to, which can happen; `left` is how many of what was captured are left."""
    ways = MOVES[status, kind]
    return ways[0] if left else ways[-1]


_draws = msgspec.json.Decoder(dict[str, int]).decode


class Redemption(Struct, frozen=True, gc=False):
    """A member's claim on an offer, in the order of the table's columns.

    `points`, `cash` and `value` are for the whole `quantity`, the latter two in minor units of `currency`; `tier` is
    that by which it was priced. `details` and `draws` are JSON: what it is for, and what it took of which budgets of
    stock. So many were `captured`, so many of those `refunded`. `step` counts what has happened to it.
    """

    redemption_id: UUID
    member_id: UUID
    offer: str
    offer_version: int
    partner: str
    reference: str | None
    status: RedemptionStatus
    quantity: int
    points: int
    cash: int
    value: int
    currency: str
    tier: str
    details: str
    draws: str
    slot: str
    venue: str
    begins: datetime | None
    booked_on: date
    expires_at: datetime
    captured: int
    refunded: int
    step: int

    def share(self, quantity: int) -> "Share":
        """Return what so many of it come to, as if they were the first: see `between`."""
        of = self.quantity
        return Share(
            quantity, self.points * quantity // of, self.cash * quantity // of, self.value * quantity // of
        )

    def taken(self) -> dict[str, int]:
        """Return what it still has of which budgets of stock: a step takes what this comes to after it, less before.

        All of it while it is held; captured, what was captured and not refunded; else nothing. Parts are rounded up.
        """
        has = {"held": self.quantity, "captured": self.captured - self.refunded}.get(self.status, 0)
        drawn: dict[str, int] = _draws(self.draws)
        return {name: -(-amount * has // self.quantity) for name, amount in drawn.items() if has}

    def captures(self, quantity: int) -> "Share":
        """Return what a capture of so many takes; the rest of the points goes back."""
        return self.share(quantity)

    def refunds(self, quantity: int) -> "Share":
        """Return what a refund of so many gives back, after those that were refunded before.

        Parts are rounded down together, so that all refunds of a capture add up to it exactly.
        """
        left, then = self.captured - self.refunded, self.captured - self.refunded - quantity
        return self.share(left) - self.share(then)

    @property
    def kept(self) -> int:
        """How many of it are held, or captured and not refunded."""
        return self.quantity if self.status == "held" else self.captured - self.refunded

    def gives_back(self, then: int) -> dict[str, int]:
        """Return what goes back to which budgets of stock, below zero, once only so many of it are kept.

        Of nights on several days, each day's comes back when no part of it is kept any more.
        """
        of = self.quantity
        back = {
            name: -(taken * then // -of) + (taken * self.kept // -of)
            for name, taken in _draws(self.draws).items()
        }
        return {name: number for name, number in back.items() if number}


class Share(Struct, frozen=True, gc=False):
    """So many of a redemption, and what they come to: points, and cash and value in minor units."""

    quantity: int
    points: int
    cash: int
    value: int

    def __sub__(self, other: "Share") -> "Share":
        """Return what is left without another share."""
        return Share(
            self.quantity - other.quantity, self.points - other.points, self.cash - other.cash,
            self.value - other.value,
        )  # fmt: skip


class Step(Struct, frozen=True, gc=False):
    """What happened to a redemption, in the order of the table's columns; `recorded_at` comes with the batch."""

    redemption_id: UUID
    step: int
    kind: StepKind
    journal_id: UUID
    member_id: UUID
    partner: str
    quantity: int
    points: int
    cash: int
    value: int
    effective_on: date
    recorded_at: datetime
    actor: str
    reason: str


class Token(Struct, frozen=True, gc=False):
    """Consent of a member to let a partner spend up to so many points, once, until `expires_at`.

    `hash` is SHA-256 of the token, which is not kept. `redemption_id` is what it was spent on.
    """

    hash: bytes
    member_id: UUID
    partner: str
    points: int
    minted_at: datetime
    minted_by: str
    expires_at: datetime
    redemption_id: UUID | None = None
