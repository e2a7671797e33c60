"""A voucher as it is kept, and what may happen to it. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from msgspec import Struct

from loyalty.ids import UUID

VoucherStatus = Literal["issued", "redeemed", "expired", "revoked"]
Source = Literal["redemption", "reward", "benefit"]

MOVES: Final[Mapping[tuple[VoucherStatus, str], VoucherStatus]] = {
    ("issued", "handed_over"): "issued",
    ("issued", "redeemed"): "redeemed",
    ("issued", "expired"): "expired",
    ("issued", "revoked"): "revoked",
    ("expired", "revoked"): "revoked",
}
"""To what something leads that happens to a voucher in a status. What isn't here can't happen.

What has expired is revoked when what it stands for is given back. The voucher of a reward goes as the reward goes.
"""


class Voucher(Struct, frozen=True, gc=False):
    """An entitlement, in the order of the table's columns; its code follows from id and `handed_over`.

    `member_id` is whose it was first: the shard and the version of that member order what happens to it. It comes from
    a `redemption`, a `reward` (whose id it has) or a counted `benefit` of a tier; `kind` and `item` say what it is for,
    `number` which one of several. It can be used from `valid_from` on and before `valid_to` (None: without end).
    `handed_over` counts new codes, `holder_id` is the member it went to last (None: whoever holds the code); `giver_id`
    is who had it before it went to whoever holds the code.
    `property` is where it was redeemed, if at a hotel. `journal_id` issued it, `changed_by` changed it last.
    """

    voucher_id: UUID
    member_id: UUID
    source: Source
    redemption_id: UUID | None
    kind: str
    item: str
    partner: str
    number: int
    transferable: bool
    valid_from: date
    valid_to: date | None
    status: VoucherStatus
    handed_over: int
    holder_id: UUID | None
    property: str
    journal_id: UUID
    changed_by: UUID
    giver_id: UUID | None = None

    def over(self, today: date) -> bool:
        """Tell whether its time is up on a day."""
        return self.valid_to is not None and today >= self.valid_to


def owner_of(one: Voucher) -> UUID | None:
    """Return the member whose a voucher is now; None: whoever holds the code has it."""
    return one.holder_id if one.handed_over else one.member_id


def may(one: Voucher, what: str) -> VoucherStatus | None:
    """Return the status that something leads to, or None where it can't happen."""
    return MOVES.get((one.status, what))
