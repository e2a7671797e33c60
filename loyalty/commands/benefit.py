"""Use a benefit that a tier brings so many times in a calendar year, or give a use back.

Uses are counted in the books, as the unit `benefit:<code>`; a journal each says when and where. A use can give a
voucher, which stands for it until it is redeemed: giving uses back takes vouchers back first that weren't redeemed.

Refusals of a use, in this order: the key was used with another request; the member is unknown; the account is closed;
the tier of today has no such benefit to count; less of it is left this year than asked for. Of a return: the key; the
member; the account; the day is ahead; less was used in its year; the vouchers of the rest were redeemed.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from loyalty.commands import vouching
from loyalty.commands.model import Answer, Decision, Facts, Key, Result, Target, replay
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.use import Occasion
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import show
from loyalty.ledger.counters import of_year
from loyalty.ledger.model import BENEFIT, Member, Moment
from loyalty.ledger.rules import Book
from loyalty.vouchers.model import Voucher

_encode = msgspec.json.Encoder().encode
Times = Annotated[int, Meta(ge=1, le=1000)]


class UseRequest(Occasion, frozen=True, forbid_unknown_fields=True):
    """So many uses of a benefit, today; with `voucher`, for each of them a voucher to be redeemed this year."""

    times: Times = 1
    voucher: bool = False


class ReturnRequest(Occasion, frozen=True, forbid_unknown_fields=True):
    """So many uses given back, of the calendar year of a day (today, if left out)."""

    times: Times = 1
    used_on: date | None = None


class UseBenefit(Struct, frozen=True, gc=False):
    """The use of a benefit, well-formed."""

    target: Target
    code: str
    request: UseRequest
    actor: str
    key: Key


class ReturnBenefit(Struct, frozen=True, gc=False):
    """A use given back, well-formed."""

    target: Target
    code: str
    request: ReturnRequest
    actor: str
    key: Key


class BenefitReply(Struct, frozen=True, gc=False, omit_defaults=True):
    """A benefit after a use or a return: how often it was used in the year, and how often it may still be today.

    `vouchers` are those that the uses gave, or that went back with them.
    """

    journal_id: str
    member_id: str
    benefit: str
    times: int
    year: int
    used: int
    left: int
    vouchers: tuple[str, ...] = ()


def decide_use(facts: Facts, rules: Rulebook, command: UseBenefit, moment: Moment) -> Result:
    """Decide what the use of a benefit comes to."""
    member = _member(facts, command.key)
    if not isinstance(member, Member):
        return member
    today, times = moment.today, command.request.times
    allowed = allowed_a_year(rules, member, command.code, today)
    if not allowed:
        tier = rules.tiers.on(member, today)
        return Problem("unknown_benefit", f"{tier.code} has no {command.code} to count.")
    left = allowed - times_used(member, command.code, today.year)
    if times > left:
        return Problem("benefit_used_up", f"Of {allowed} a year there are {max(0, left)} left.", at="/times")
    # From here it is used.
    return _count(facts, rules, member, command, today, times, moment)


def decide_return(facts: Facts, rules: Rulebook, command: ReturnBenefit, moment: Moment) -> Result:
    """Decide what a use that is given back comes to."""
    member = _member(facts, command.key)
    if not isinstance(member, Member):
        return member
    day, times = command.request.used_on or moment.today, command.request.times
    if day > moment.today:
        return Problem("invalid_value", "It can't have been used in the future.", at="/used_on")
    used = times_used(member, command.code, day.year)
    if times > used:
        told = f"{command.code} was used {used} times in {day.year}."
        return Problem("benefit_not_used", told, at="/times")
    vouchers = vouching.uses_in(facts.vouchers, command.code, day.year)
    mine = [one for one in vouchers if one.member_id == member.member_id and one.status != "redeemed"]
    # What an account that was merged has is out of reach: its voucher can still be redeemed.
    free = used - (len(vouchers) - len(mine))
    if times > free:
        told = f"{used - free} of its vouchers were redeemed, or are a merged account's: {free} can be given back."
        return Problem("voucher_used", told, at="/times", numbers={"refundable": free})
    # From here it is given back.
    return _count(facts, rules, member, command, day, -times, moment, mine)


def _member(facts: Facts, key: Key) -> Member | Decision | Problem:
    known = replay(facts.prior, key)
    if known is not None:
        return known
    if facts.member is None:
        return Problem("unknown_member")
    return facts.member if facts.member.status == "active" else Problem("member_closed")


def _count(
    facts: Facts, rules: Rulebook, member: Member, command: UseBenefit | ReturnBenefit, day: date, times: int,
    moment: Moment, mine: Sequence[Voucher] = (),
) -> Decision:  # fmt: skip
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    kind = "benefit_used" if times > 0 else "benefit_returned"
    journal = book.journal(kind, day, command.code + command.request.told())
    book.count(BENEFIT + command.code, times, day)
    book.close()
    if times < 0:
        vouchers = vouching.take_back(mine, -times, journal)
    elif isinstance(command, UseBenefit) and command.request.voucher:
        vouchers = vouching.of_use(command.code, times, journal, moment)
    else:
        vouchers = []
    allowed = allowed_a_year(rules, member, command.code, moment.today)
    used, this_year = (times_used(member, command.code, year) for year in (day.year, moment.today.year))
    reply = _encode(
        BenefitReply(
            show("jrn", journal.journal_id), show("mem", member.member_id), command.code, abs(times), day.year, used,
            max(0, allowed - this_year), tuple(show("vch", one.voucher_id) for one in vouchers),
        )
    )  # fmt: skip
    events = [Event(journal.journal_id, kind.replace("_", "."), member.member_id, journal.journal_id, reply)]
    events += vouching.events_of(vouchers, "issued" if times > 0 else "revoked", journal, moment, first=False)
    return Decision(Answer(200, reply), book, events=events, key=command.key, vouchers=vouchers)


def allowed_a_year(rules: Rulebook, member: Member, code: str, today: date) -> int:
    """Return how often in a calendar year a member's tier of today brings a benefit; 0: that isn't counted."""
    return rules.tiers.on(member, today).yearly.get(code, 0)


def times_used(member: Member, code: str, year: int) -> int:
    """Return how often a member has used a benefit in a calendar year."""
    return of_year(member.counters, year).get(BENEFIT + code, 0)
