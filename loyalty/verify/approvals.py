"""What takes a second person above a limit, and the proposals that one has decided on. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

import msgspec
from msgspec.structs import astuple

from loyalty.commands.approval import Approval
from loyalty.commands.compensate import CompensationRequest
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.settle_adjust import Agreed, most_money, proposed_in
from loyalty.ids import UUID, show
from loyalty.partners.catalogue import Filed
from loyalty.partners.model import Contract, Partner
from loyalty.verify.model import People, Posted
from loyalty.verify.people import heirs
from loyalty.verify.report import Report

Partners = Mapping[str, Sequence[Filed[Partner]]]
"""All versions of partners by code, the oldest first."""

_request = msgspec.json.Decoder(CompensationRequest).decode


def check_four_eyes(posted: Posted, rules: Rulebook, partners: Partners, report: Report) -> None:
    """Check that more than the limit of its day was posted by a proposal that was approved, and by one only."""
    report.counted("four_eyes")
    what = show("jrn", posted.journal_id)
    above = "" if posted.named else _above(posted, rules, partners)
    if above:
        report.differs("four_eyes", f"{what} {above}, which nobody approved")
    if posted.named > 1:
        report.differs("approvals", f"{what} is named by {posted.named} proposals")


def _above(posted: Posted, rules: Rulebook, partners: Partners) -> str:
    """Return by what more was posted than the limit of its day, in points or in what these cost by contract."""
    day = rules.today(posted.at)
    terms = rules.at(day).definition
    if posted.kind == "compensated":
        most = terms.compensation.approval_above
        return "" if most is None or posted.points <= most else f"gave {posted.points} points, above {most}"
    most = terms.limits.adjustment
    if posted.points > most:
        return f"adjusted {posted.points} points, above {most}"
    contracts = _contracts(partners.get(posted.partner, ()), day, rules)
    worth = max((most_money(one, most) for one in contracts), default=Fraction(0))
    return (
        ""
        if abs(posted.money) <= worth
        else f"adjusted {posted.money} in minor units, above {float(worth):g}"
    )


def _contracts(filed: Sequence[Filed[Partner]], day: date, rules: Rulebook) -> list[Contract]:
    """Return the contracts of a partner that were in force on a day, or at some time of it."""
    began = [rules.today(one.changed_at) for one in filed]
    ended = [*began[1:], date.max] if began else []
    return [
        one.one.contract for one, first, last in zip(filed, began, ended, strict=True) if first <= day <= last
    ]


def check_approvals(
    page: Sequence[Approval], posted: Mapping[UUID, Posted], adjusted: Mapping[UUID, Agreed], people: People,
    holders: Mapping[UUID, UUID], report: Report,
) -> None:  # fmt: skip
    """Check proposals: decided by another person, and posted as they were approved, or not at all.

    `holders` are the members who hold the keys, as far as it is known.
    """
    for one in page:
        wrong = (
            _wrong_verdict(one, holders)
            or _wrong_request(one, posted, adjusted)
            or _wrong_journal(one, posted, people)
        )
        if wrong:
            report.differs("approvals", f"{show('apr', one.approval_id)} {wrong}")
    report.counted("approvals", len(page))


def _wrong_verdict(one: Approval, holders: Mapping[UUID, UUID]) -> str:
    """Return what is wrong with who decided."""
    if (one.status == "open") != (one.decider is None):
        return f"is {one.status}, decided by {one.decided_by or 'nobody'}"
    if one.decider == one.proposer:
        return "was decided by who proposed it"
    holder = None if one.decider is None else holders.get(one.decider)
    if holder is not None and holder == holders.get(one.proposer):
        return "was decided by who proposed it, with another key"
    if (one.status == "approved") != (one.journal_id is not None):
        return f"is {one.status}, and names {show('jrn', one.journal_id) if one.journal_id else 'no journal'}"
    return ""


def _wrong_request(one: Approval, posted: Mapping[UUID, Posted], adjusted: Mapping[UUID, Agreed]) -> str:
    """Return what is wrong with what a proposal says, beside what was posted for it."""
    try:
        asked = _request(one.request) if one.kind == "compensation" else proposed_in(one).agreed
    except msgspec.MsgspecError as error:
        return f"can't be read: {error}"
    if one.journal_id is None:
        return ""
    what = show("jrn", one.journal_id)
    if isinstance(asked, Agreed):
        found = adjusted.get(one.journal_id)
        return _unlike(asked, found, what) if found else f"names {what}, which is no adjustment of settlement"
    journal = posted.get(one.journal_id)
    if journal is None or journal.kind != "compensated":
        return f"names {what}, which is no compensation"
    return (
        "" if journal.points == asked.points else f"is of {asked.points} points, {what} gave {journal.points}"
    )


def _unlike(asked: Agreed, found: Agreed, what: str) -> str:
    """Return in what an adjustment isn't as it was proposed."""
    both = zip(asked.__struct_fields__, astuple(asked), astuple(found), strict=True)
    told = ", ".join(f"{name} {mine} ≠ {other}" for name, mine, other in both if mine != other)
    return f"isn't what {what} came to: {told}" if told else ""


def _wrong_journal(one: Approval, posted: Mapping[UUID, Posted], people: People) -> str:
    """Return what is wrong with whose the journal is that a proposal names, or with who made it."""
    if one.journal_id is None:
        return ""
    what, journal = show("jrn", one.journal_id), posted.get(one.journal_id)
    if journal is None:
        return f"names {what}, which isn't there"
    if journal.member_id not in heirs(one.member_id, people):
        return f"names {what} of another member"
    actor = f"{one.proposed_by}, approved by {one.decided_by}"
    return "" if journal.actor == actor else f"was decided by others than {what} says: {journal.actor}"
