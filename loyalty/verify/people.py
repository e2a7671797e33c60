"""What is on file between people: referrals, merges, households, tiers that were given. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from loyalty.commands.draw import POOL
from loyalty.commands.household import Household, joined, seats_of
from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID, parse, show
from loyalty.ledger.counters import by_year
from loyalty.ledger.model import Member
from loyalty.verify.model import History, OtherHalf, People, Person, Posted, Promise, Union
from loyalty.verify.report import Report

_GIVEN: Final = frozenset({"gifted", "matched", "challenge"})
_POOLED: Final = frozenset({POOL.sent, POOL.received})


# --- a member --------------------------------------------------------------------------------------------------------


def check_person(
    history: History, people: People, households: Mapping[UUID, Household], rules: Rulebook, report: Report
) -> None:
    """Check what a member's traits say of others and of tiers, against those others and the member's journals."""
    _check_names(history.member, people, report)
    _check_closed(history, report)
    _check_pooling(history, report)
    _check_seat(history.member, households, report)
    _check_statuses(history, people, rules, report)


def _check_names(member: Member, people: People, report: Report) -> None:
    """Check that a closed account and those that stand for it name each other."""
    who, traits = show("mem", member.member_id), member.traits
    if (member.status == "closed") != (traits.merged_into is not None):
        report.differs("merges", f"{who} is {member.status}, and merged into {traits.merged_into or 'none'}")
    for name in traits.merged:
        other = _person(name, people)
        heir = parse("mem", other.traits.merged_into or "") if other else None
        if heir is None or member.member_id not in heirs(heir, people):
            report.differs("merges", f"{who} stands for {name}, which wasn't merged into it")
    if traits.merged_into is not None:
        survivor = _person(traits.merged_into, people)
        if survivor is None or not {who, *traits.merged}.issubset(survivor.traits.merged):
            report.differs(
                "merges", f"{who} was merged into {traits.merged_into}, which doesn't stand for it"
            )
    report.counted("merges", len(traits.merged) + (traits.merged_into is not None))


def _check_closed(history: History, report: Report) -> None:
    """Check that nothing is left of what an account had that was merged into another."""
    member = history.member
    if member.status != "closed":
        return
    report.counted("closed_books")
    points = (member.available, member.pending, member.held, member.debt)
    granted = [grant.milestone for grant in history.grants if grant.status == "granted"]
    if any(points) or by_year(member.counters) or granted:
        told = f"available, pending, held and debt are {points}, counted {by_year(member.counters)}"
        report.differs("closed_books", f"{show('mem', member.member_id)}: {told}, granted {granted}")


def check_passed_on(
    history: History, partners: Mapping[UUID, OtherHalf], people: People, report: Report
) -> None:
    """Check that what was refunded to an account that was merged went on to one that stands for it."""
    survivor = parse("mem", history.member.traits.merged_into or "")
    refunded = {entry.at for entry in history.entries if entry.journal.kind == "redemption_refunded"}
    if survivor is None or not refunded:
        return
    standing = set(heirs(survivor, people))
    for entry in history.entries:
        journal = entry.journal
        half = None if journal.linked_id is None else partners.get(journal.linked_id)
        # A refund and what goes on from it are recorded at one instant.
        if journal.kind != "merged_out" or entry.at not in refunded or half is None:
            continue
        report.counted("closed_books")
        if half.member_id not in standing:
            told = f"went on to {show('mem', half.member_id)}, which doesn't stand for the account"
            report.differs("closed_books", f"{show('jrn', journal.journal_id)} {told}")


def _check_pooling(history: History, report: Report) -> None:
    """Check by the journals that a member was in a household whenever it pooled points, and is in one now or isn't."""
    inside = False
    for entry in history.entries:
        journal = entry.journal
        if journal.kind in {"household_joined", "household_left"}:
            joins = journal.kind == "household_joined"
            if joins == inside:
                report.differs("pools", f"{show('jrn', journal.journal_id)}: {journal.kind} a second time")
            inside = joins
        elif journal.kind in _POOLED and journal.reason == POOL.reason:
            report.counted("pools")
            if not inside:
                report.differs(
                    "pools", f"{show('jrn', journal.journal_id)} pooled points outside a household"
                )
    household = history.member.traits.household
    if inside != (household is not None):
        told = f"in {household or 'no household'}, by the journals {'in one' if inside else 'in none'}"
        report.differs("pools", f"{show('mem', history.member.member_id)} is {told}")


def _check_seat(member: Member, households: Mapping[UUID, Household], report: Report) -> None:
    """Check that a member has a seat in the household that it names."""
    name = member.traits.household
    if name is None:
        return
    report.counted("households")
    household_id = parse("hsh", name)
    household = None if household_id is None else households.get(household_id)
    if household is None or household.status != "open" or member.member_id not in _joined(household):
        report.differs("households", f"{show('mem', member.member_id)} names {name}, where it has no seat")


def _check_statuses(history: History, people: People, rules: Rulebook, report: Report) -> None:
    """Check tiers that were given: by a journal each, unless a merge brought them; none is gone that didn't end."""
    member = history.member
    who, statuses = show("mem", member.member_id), member.traits.statuses
    tiers = {tier.code for version in rules.versions for tier in version.definition.tier}
    for one in statuses:
        report.counted("statuses")
        if one.tier not in tiers or one.first > (one.last or date.max):
            told = f"{one.kind} {one.tier} from {one.first} to {one.last}"
            report.differs("statuses", f"{who}: {told}, which can't have been given")
    has = Counter(f"{one.kind} {one.tier}" for one in statuses if one.kind in _GIVEN)
    reasons = [(entry.journal.kind, entry.journal.reason) for entry in history.entries]
    given = Counter(reason.partition(": ")[0] for kind, reason in reasons if kind == "status_given")
    ended = {reason for kind, reason in reasons if kind == "status_ended"}
    merged = [other for name in member.traits.merged if (other := _person(name, people)) is not None]
    through = {name for other in merged for name in other.traits.merged}
    for name in set(member.traits.merged) - through:
        other = _person(name, people)
        came = other.traits.statuses if other else ()
        given.update(f"{one.kind} {one.tier}" for one in came if one.kind in _GIVEN)
    for what in sorted(has.keys() | given.keys()):
        if has[what] > given[what] or (has[what] < given[what] and what not in ended):
            report.differs("statuses", f"{who}: {what} {has[what]} times, by the journals {given[what]}")


def _person(name: str, people: People) -> Person | None:
    """Return a member by the id that traits name."""
    member_id = parse("mem", name)
    return None if member_id is None else people.get(member_id)


def heirs(member_id: UUID, people: People) -> Iterator[UUID]:
    """Yield a member, and whoever stands for it by now."""
    seen: set[UUID] = set()
    heir: UUID | None = member_id
    while heir is not None and heir not in seen:
        yield heir
        seen.add(heir)
        person = people.get(heir)
        heir = parse("mem", person.traits.merged_into) if person and person.traits.merged_into else None


# --- referrals -------------------------------------------------------------------------------------------------------


def check_referrals(
    page: Sequence[Promise], posted: Mapping[UUID, Posted], people: People, rules: Rulebook, report: Report
) -> None:
    """Check referrals: the newcomer names who brought it, and what was paid was paid to that one."""
    for one in page:
        wrong = _wrong_referrer(one, people) or _wrong_payment(one, posted, people, rules)
        if wrong:
            report.differs("referrals", f"the referral of {show('mem', one.member_id)} {wrong}")
    report.counted("referrals", len(page))


def _wrong_referrer(one: Promise, people: People) -> str:
    newcomer, referrer = people.get(one.member_id), show("mem", one.referrer_id)
    if newcomer is None:
        return "is of nobody"
    if newcomer.traits.referred_by != referrer:
        return f"names {referrer}, the newcomer {newcomer.traits.referred_by or 'nobody'}"
    if (one.status == "paid") != (one.journal_id is not None):
        return f"is {one.status}, and names {show('jrn', one.journal_id) if one.journal_id else 'no journal'}"
    return ""


def _wrong_payment(one: Promise, posted: Mapping[UUID, Posted], people: People, rules: Rulebook) -> str:
    if one.journal_id is None:
        return ""
    what, journal = show("jrn", one.journal_id), posted.get(one.journal_id)
    if journal is None or journal.kind != "referral":
        return f"names {what}, which pays none"
    if journal.member_id not in heirs(one.referrer_id, people):
        return f"names {what} of another member"
    terms = rules.at(rules.today(journal.at)).definition.referral
    points = terms.points if terms else 0
    return "" if journal.points == points else f"is worth {points} points, {what} paid {journal.points}"


# --- merges ----------------------------------------------------------------------------------------------------------


def check_merges(page: Sequence[Union], people: People, report: Report) -> None:
    """Check merges on file: as long as they stand, both accounts say so; undone ones have left nothing."""
    for one in page:
        wrong = _wrong_merge(one, people)
        if wrong:
            report.differs("merges", f"{show('mrg', one.merge_id)} {wrong}")
    report.counted("merges", len(page))


def _wrong_merge(one: Union, people: People) -> str:
    closed, survivor = people.get(one.member_id), people.get(one.into_id)
    if closed is None or survivor is None:
        return "is of nobody"
    if one.journals != one.last - one.first + 1 or one.instants != 1:
        return f"made versions {one.first} to {one.last}, which the survivor hasn't from one instant"
    if one.standing > 1:
        return f"stands, and so does another one of {show('mem', one.member_id)}"
    names, is_named = closed.traits.merged_into, show("mem", one.member_id) in survivor.traits.merged
    stands = names == show("mem", one.into_id)
    if one.status == "merged":
        return "" if stands and is_named else "stands, but the accounts don't name each other"
    # Once undone, an account may have been merged again, into the same one too.
    return "is undone, but the accounts name each other" if not one.standing and (stands or is_named) else ""


# --- households ------------------------------------------------------------------------------------------------------


def members_of(page: Sequence[Household]) -> set[UUID]:
    """Return who has joined one of the households, as far as they can be read."""
    return {member_id for household in page for member_id in _joined(household)}


def check_households(page: Sequence[Household], people: People, report: Report) -> None:
    """Check households: whoever has joined one names it, the head first; a closed one has nobody."""
    for one in page:
        wrong = _wrong_household(one, people)
        if wrong:
            report.differs("households", f"{show('hsh', one.household_id)} {wrong}")
    report.counted("households", len(page))


def _wrong_household(one: Household, people: People) -> str:
    try:
        seats = seats_of(one)
    except msgspec.MsgspecError as error:
        return f"can't be read: {error}"
    there = joined(one)
    if len({seat.member_id for seat in seats}) != len(seats):
        return "has somebody twice"
    if one.status != "open":
        return "is closed, and has members" if seats else ""
    if there[:1] != [one.head_id]:
        return "isn't led by its head"
    name = show("hsh", one.household_id)
    for member_id in there:
        person = people.get(member_id)
        if person is None or person.status != "active" or person.traits.household != name:
            return f"has {show('mem', member_id)}, who isn't in it"
    return ""


def _joined(household: Household) -> list[UUID]:
    """Return who has joined a household; nobody if it can't be read."""
    try:
        return joined(household)
    except msgspec.MsgspecError:
        return []
