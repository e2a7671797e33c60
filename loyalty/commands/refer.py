"""Pay who brought a new member, once that one has a stay that earned points.

The promise is a row that is written with the enrolment. It is settled under the locks of both members, so it is paid
once, whoever looks at it how often. It goes on waiting while the newcomer has no stay that earns and ended in time, not
before the enrolment; a stay that is taken back before it was paid is none. Once paid it stays paid.

It comes to nothing, for good: `closed`, when the referrer's account is closed or has become the newcomer's own;
`capped`, when the referrer was paid as often this calendar year as the program allows.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec
from msgspec import Struct

from loyalty.commands.limits import counted
from loyalty.commands.model import Answer, Decision, Facts
from loyalty.commands.rulebook import Rulebook
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import REFERRED, Member, Moment
from loyalty.ledger.rules import Book
from loyalty.program.model import Referral as Terms
from loyalty.stays.model import Award

WAITING: Final = "waiting"
_encode: Final = msgspec.json.Encoder().encode


class PayReferral(Struct, frozen=True, gc=False):
    """A look at what was promised for a newcomer. `referrer` is who gets it, perhaps after a merge."""

    newcomer: UUID
    referrer: UUID
    actor: str = "referral"


class ReferralEvent(Struct, frozen=True, gc=False):
    """What others are told about a referral that is paid."""

    member_id: str
    newcomer: str
    points: int


class Settled(Struct, frozen=True, gc=False):
    """What a referral has come to: waiting, paid, capped, closed; and what to write for the referrer."""

    status: str
    decision: Decision | None = None


def decide(
    newcomer: Facts,
    referrer: Facts,
    awards: Sequence[Award],
    rules: Rulebook,
    command: PayReferral,
    moment: Moment,
) -> Settled:
    """Decide what a referral that waits has come to. `awards` are what the newcomer's stays stand for now."""
    terms, new, old = rules.at(moment.today).definition.referral, newcomer.member, referrer.member
    if terms is None or new is None or old is None or not _earned(terms, new, awards):
        return Settled(WAITING)
    if old.status != "active" or old.member_id == new.member_id:
        return Settled("closed")
    if terms.times_a_year is not None and counted(old, REFERRED, moment.today.year) >= terms.times_a_year:
        return Settled("capped")
    # From here it is paid.
    book = Book(old, moment, command.actor, referrer.lots, referrer.following)
    journal = book.journal("referral", moment.today, "referral")
    book.points("referral", terms.points, moment.today)
    book.earn(terms.points, rules.expires_today(book.member, moment.today))
    book.count(REFERRED, 1, moment.today)
    book.close()
    payload = _encode(ReferralEvent(show("mem", old.member_id), show("mem", new.member_id), terms.points))
    event = Event(journal.journal_id, "member.referral_paid", old.member_id, journal.journal_id, payload)
    return Settled("paid", Decision(Answer(200, payload), book, events=[event]))


def _earned(terms: Terms, newcomer: Member, awards: Sequence[Award]) -> bool:
    """Tell whether a stay that ended in time has earned points."""
    last = newcomer.enrolled_on + timedelta(days=terms.within_days)
    return any(award.points > 0 and newcomer.enrolled_on <= award.effective_on <= last for award in awards)
