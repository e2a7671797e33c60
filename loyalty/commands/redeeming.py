"""What the steps of redemptions have in common: who acts, what may happen, what is told of it. Pure.

A step has one journal of its own. It leaves the redemption as it is from now on, and a row that is never changed.
"""

import datetime as dt
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from loyalty import money
from loyalty.commands import vouching
from loyalty.commands.model import Answer, Balance, Decision, Facts, Key, balance_of
from loyalty.commands.own import is_own
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import Journal, Member, Moment
from loyalty.ledger.rules import Book
from loyalty.partners.details import convert, refundable_until
from loyalty.partners.offers import Listing
from loyalty.partners.redemption import (
    MOVES,
    Redemption,
    RedemptionStatus,
    Share,
    Step,
    StepKind,
    status_after,
)
from loyalty.partners.shelf import CashView
from loyalty.vouchers.model import Voucher

PARTNER: Final = "partner:"
"""What the account begins with to which captured points go; the partner's code follows."""

_SETTLED: Final = frozenset({"matured", "expired", "lapsed"})
"""Journals that a book writes by itself."""

_encode = msgspec.json.Encoder().encode
_details = msgspec.json.Decoder(dict[str, Any]).decode


class Caller(Struct, frozen=True, gc=False):
    """Who acts, as journals name it: the key of a `partner`, one of an `operator`, and the member who holds it."""

    name: str
    partner: str = ""
    operator: bool = False
    person: UUID | None = None

    @property
    def knows_value(self) -> bool:
        """Whether it is told the money that is owed to partners."""
        return self.operator or bool(self.partner)


_INSIDE: Final = Caller("", operator=True)
"""Whom events are for."""


class RedemptionView(Struct, frozen=True, gc=False):
    """A redemption as callers see it. `points` and `cash` are for the whole `quantity`.

    So many were `captured` and `refunded`, for so many points. A hold can be captured before `expires_at`; what is
    captured can be refunded before `refundable_until` (null: at any time, where the offer can be refunded). `miles` are
    those that the points turn into, of kind `miles`. `value` is the money owed for all of it, told to operators and to
    the partner; `balance` what the member, or the account that it was merged into, has after a step, not told to
    partners. `vouchers` are those that a step issued or revoked.
    """

    redemption_id: str
    status: RedemptionStatus
    member_id: str
    offer: str
    offer_version: int
    partner: str
    reference: str | None
    quantity: int
    points: int
    cash: CashView | None
    details: dict[str, Any]
    begins: datetime | None
    booked_on: dt.date
    expires_at: datetime
    captured: int
    captured_points: int
    refunded: int
    refunded_points: int
    refundable: bool
    refundable_until: datetime | None
    miles: int | UnsetType = UNSET
    value: CashView | UnsetType = UNSET
    balance: Balance | UnsetType = UNSET
    vouchers: tuple[str, ...] | UnsetType = UNSET


class Deed(Struct, frozen=True, gc=False):
    """A step that was taken: the redemption after it, the row that tells of it, its journal.

    `vouchers` are those that it issued or revoked, `told` the events of these.
    """

    redemption: Redemption
    step: Step
    journal: Journal
    vouchers: Sequence[Voucher] = ()
    told: Sequence[Event] = ()


def view(one: Redemption, listing: Listing, caller: Caller) -> RedemptionView:
    """Return a redemption as a caller sees it."""
    taken, left = one.share(one.captured), one.share(one.captured - one.refunded)
    decimals = money.digits(one.currency)
    return RedemptionView(
        show("red", one.redemption_id), one.status, show("mem", one.member_id), one.offer, one.offer_version,
        one.partner, one.reference, one.quantity, one.points,
        CashView(money.from_minor(one.cash, decimals), one.currency) if one.cash else None,
        _details(one.details), one.begins, one.booked_on, one.expires_at, one.captured, taken.points, one.refunded,
        taken.points - left.points, listing.offer.refundable,
        refundable_until(listing.offer, one.begins) if listing.offer.refundable else None,
        UNSET if listing.offer.miles is None else convert(listing.offer.miles, one.points),
        CashView(money.from_minor(one.value, decimals), one.currency) if caller.knows_value else UNSET,
    )  # fmt: skip


def refuse_caller(member: Member, caller: Caller) -> Problem | None:
    """Return that somebody of the staff acts for an own account, whatever it was merged from."""
    if not is_own(member, caller.person):
        return None
    return Problem("own_redemption", "The key belongs to this member: another one has to do it.")


def find(facts: Facts, caller: Caller) -> tuple[Member, Redemption, Listing] | Problem:
    """Return the member, the redemption if it is the member's and the caller may know of it, and its offer."""
    one, listing, member = facts.redemption, facts.listing, facts.member
    if member is None or one is None or one.member_id != member.member_id or listing is None:
        return Problem("unknown_redemption")
    if caller.partner and one.partner != caller.partner:
        return Problem("unknown_redemption")
    return refuse_caller(member, caller) or (member, one, listing)


def refuse_step(one: Redemption, kind: StepKind, moment: Moment) -> Problem | None:
    """Return why a step can't follow: by the table of steps, or because the hold's time is up."""
    if (one.status, kind) not in MOVES:
        if kind == "refunded":
            return Problem("redemption_not_captured", f"The redemption is {one.status}.")
        if one.status == "expired":
            return _over(one)
        return Problem("redemption_not_held", f"The redemption is {one.status}.")
    if one.status == "held" and kind != "expired" and one.expires_at <= moment.at:
        return _over(one)
    return None


def _over(one: Redemption) -> Problem:
    return Problem("hold_expired", f"It was held until {one.expires_at:%Y-%m-%dT%H:%M:%SZ}.")


def words(one: Redemption, reason: str | None = None) -> str:
    """Return what a journal says of a redemption: the offer, the partner's reference, a reason.

    Any text of the caller comes last, behind a colon.
    """
    told = f"{one.offer} {one.reference}" if one.reference else one.offer
    return f"{told}: {reason}" if reason else told


def take_step(
    one: Redemption, kind: StepKind, share: Share, journal: Journal, moment: Moment, reason: str = "", **changes: Any
) -> Deed:  # fmt: skip
    """Return what a step makes of a redemption: `changes`, and the status that the table leads to."""
    then = structs.replace(one, step=one.step + 1, **changes)
    then = structs.replace(then, status=status_after(one.status, kind, then.captured - then.refunded))
    step = Step(
        one.redemption_id, then.step, kind, journal.journal_id, one.member_id, one.partner, share.quantity,
        share.points, share.cash, share.value, journal.effective_on, moment.at, journal.actor, reason,
    )  # fmt: skip
    return Deed(then, step, journal)


def with_vouchers(deed: Deed, vouchers: Sequence[Voucher], moment: Moment) -> Deed:
    """Return a step with the vouchers that it issued, or took back."""
    what = "revoked" if deed.step.kind == "refunded" else "issued"
    told = vouching.events_of(vouchers, what, deed.journal, moment, first=False)
    return structs.replace(deed, vouchers=vouchers, told=told)


def decision(
    book: Book, deeds: Sequence[Deed], listing: Listing, caller: Caller, key: Key | None, budgets: dict[str, int],
    status: int = 200, survivor: Member | None = None,
) -> Decision:  # fmt: skip
    """Return the decision that writes steps down; the book is closed. The balance told is a `survivor`'s, if any."""
    vouchers = [voucher for deed in deeds for voucher in deed.vouchers]
    views = [view(deed.redemption, listing, _INSIDE) for deed in deeds]
    shown = structs.replace(
        views[-1],
        value=views[-1].value if caller.knows_value else UNSET,
        balance=UNSET if caller.partner else balance_of(survivor or book.member),
        vouchers=tuple(show("vch", each.voucher_id) for each in vouchers) or UNSET,
    )
    return Decision(
        Answer(status, _encode(shown)), book, events=_events(book, deeds, views), key=key, budgets=budgets,
        redemptions=[deeds[-1].redemption], steps=[deed.step for deed in deeds], vouchers=vouchers,
    )  # fmt: skip


def _events(book: Book, deeds: Sequence[Deed], views: Sequence[RedemptionView]) -> list[Event]:
    """Return what others are told: of each step, and of lots that have opened or expired on the way."""
    told = {deed.journal.journal_id: (deed, shown) for deed, shown in zip(deeds, views, strict=True)}
    events: list[Event] = []
    for journal in book.journals:
        if journal.journal_id in told:
            deed, shown = told[journal.journal_id]
            what, payload = f"redemption.{deed.step.kind}", _encode(shown)
        elif journal.kind in _SETTLED:
            what, payload = f"points.{journal.kind}", b"{}"
        else:
            continue
        events.append(Event(journal.journal_id, what, journal.member_id, journal.journal_id, payload))
    return [*events, *(event for deed in deeds for event in deed.told)]
