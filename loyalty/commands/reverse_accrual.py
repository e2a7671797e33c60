"""Take back points that a partner gave: from their own lot first, the rest from others, or as debt.

Refusals, in this order: the key was used with another request; the partner gave no points under the reference; they
were taken back before.
"""

from typing import Final

import msgspec
from msgspec import Struct, structs

from loyalty.commands.accrue import view
from loyalty.commands.adjust import Why
from loyalty.commands.model import Answer, Decision, Facts, Key, replay
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.partners.accruals import ACCOUNT, UNIT, Accrual

_encode: Final = msgspec.json.Encoder().encode


class ReverseAccrualRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a partner takes back what it gave."""

    reason: Why


class ReverseAccrual(Struct, frozen=True, gc=False):
    """A reversal that is well-formed. `member_id` is whose the points are: another one, if the member was merged."""

    partner: str
    reference: str
    member_id: UUID | None
    request: ReverseAccrualRequest
    actor: str
    key: Key


def decide(facts: Facts, known: list[Accrual], command: ReverseAccrual, moment: Moment) -> Decision | Problem:
    """Decide what taking points back comes to. The row of the member is locked."""
    replayed = replay(facts.prior, command.key)
    if replayed is not None:
        return replayed
    by_kind = {one.kind: one for one in known}
    given, member = by_kind.get("accrued"), facts.member
    if given is None or member is None:
        return Problem("unknown_accrual", f"The partner gave no points as {command.reference}.")
    if "accrual_reversed" in by_kind:
        day = by_kind["accrual_reversed"].effective_on
        return Problem("accrual_reversed", f"The points were taken back on {day}.")
    # From here the points are taken back.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    reason = f"{given.partner} {given.reference}: {command.request.reason}"
    journal = book.journal("partner_accrual_reversed", moment.today, reason)
    book.points("accrual", -given.points, moment.today, ACCOUNT + given.partner)
    book.reverse(given.points, frozenset({given.journal_id}))
    book.count(UNIT + given.partner, -given.points, given.booked_on)
    book.close()
    taken = structs.replace(
        given, kind="accrual_reversed", shard=member.shard, journal_id=journal.journal_id,
        member_id=member.member_id, effective_on=moment.today, recorded_at=moment.at, actor=command.actor,
        reason=reason,
    )  # fmt: skip
    reply = _encode(view(given, taken))
    event = Event(journal.journal_id, "points.accrual_reversed", member.member_id, journal.journal_id, reply)
    return Decision(Answer(200, reply), book, events=[event], key=command.key, accruals=[taken])
