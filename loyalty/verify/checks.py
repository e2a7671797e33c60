"""A member's history played again, journal by journal, in the order of versions. Pure.

Every stored figure of the member is computed anew from the transfers, and compared with what the books say.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from itertools import pairwise
from typing import Final

from loyalty.clock import add_months
from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID, number_shard, shard_of, show
from loyalty.ledger.counters import NOTE, add, by_year, is_day, is_given, is_kept, year_of
from loyalty.ledger.leaf import leaf
from loyalty.ledger.model import (
    AVAILABLE,
    COUNTED,
    HELD,
    PENDING,
    POINTS,
    TRANSIT,
    Counters,
    Journal,
    Transfer,
)
from loyalty.tiers.milestones import MilestoneRule, marks
from loyalty.verify.model import Entry, History, Moved, OtherHalf
from loyalty.verify.purse import Purse
from loyalty.verify.redemptions import check_redemptions, redemption_of
from loyalty.verify.report import Report
from loyalty.verify.rewards import check_rewards, undone_lots

_DAY: Final = timedelta(days=1)
_POINT_ACCOUNTS: Final = frozenset({AVAILABLE, PENDING, HELD})
_GIVEN_BACK: Final = frozenset({"release", "refund"})
_TO_SPEND: Final = frozenset({AVAILABLE, PENDING})
_COUNTED: Final = frozenset({COUNTED})
_PER_JOURNAL: Final = ("versions", "recorded", "journal_balances", "allocations", "leaves", "homes")
_LINKED: Final = frozenset(
    {"stay_moved_out", "stay_moved_in", "transfer_sent", "transfer_received", "merged_out", "merged_in"}
)
"""Kinds of journals that are one half of something."""
_PER_MEMBER: Final = ("points", "held", "counters", "next_expiry", "homes")


def replay(history: History, rules: Rulebook, report: Report) -> None:
    """Play a member's journals again, and report where the books differ."""
    purse = Purse(rules, report, undone_lots(history) | history.taken_back, redemption_of(history))
    counters: Counters = {}
    available = pending = held = 0
    for entry in history.entries:
        moved = _fold(entry, counters)
        available += moved.change
        pending += moved.pending
        held += moved.held
        journal = entry.journal
        if journal.balance != available:
            report.differs(
                "journal_balances", f"{name(journal)}: {journal.balance}, its transfers {available}"
            )
        purse.settle(entry, moved)
        if pending != purse.pending:
            report.differs(
                "allocations", f"{name(journal)}: {pending} points are pending, in lots {purse.pending}"
            )
    _check_order(history, report)
    _check_member(history, available, held, counters, rules, report)
    if history.member.pending != pending:
        told = f"{history.member.pending} points are pending, by their transfers {pending}"
        report.differs("points", f"{owner(history.member.member_id)}: {told}")
    purse.close(history.member, available)
    _check_grants(history, counters, rules, report)
    check_rewards(history, rules, report)
    check_redemptions(history, report)


def _fold(entry: Entry, counters: Counters) -> Moved:
    """Fold a journal's transfers: into the counters, and into what moved on the points."""
    moved = Moved()
    for transfer in entry.transfers:
        if transfer.unit == POINTS:
            _move(transfer, moved)
            if is_given(transfer.kind):
                _count(transfer, transfer.kind, _TO_SPEND, counters)
        else:
            _count(transfer, transfer.unit, _COUNTED, counters)
    return moved


def _move(transfer: Transfer, moved: Moved) -> None:
    debit, credit, amount = transfer.debit, transfer.credit, transfer.amount
    moved.change += amount * ((credit == AVAILABLE) - (debit == AVAILABLE))
    moved.pending += amount * ((credit == PENDING) - (debit == PENDING))
    moved.held += amount * ((credit == HELD) - (debit == HELD))
    if transfer.kind == "maturity":
        moved.matured += amount
    elif transfer.kind in _GIVEN_BACK and credit == AVAILABLE:
        moved.back += amount
    elif credit in _TO_SPEND:
        if transfer.kind == "expiry":
            moved.undone += amount
        else:
            moved.up += amount
    elif debit in _TO_SPEND:
        if transfer.kind == "expiry":
            moved.lost += amount
        else:
            moved.down += amount


def _count(transfer: Transfer, unit: str, accounts: AbstractSet[str], counters: Counters) -> None:
    sign = (transfer.credit in accounts) - (transfer.debit in accounts)
    if sign:
        add(counters, transfer.effective_on.isoformat(), unit, sign * transfer.amount)


def check_entries(entries: Sequence[Entry], shard: int, report: Report) -> None:
    """Check each journal by itself: its lines, its leaf hash, and its id."""
    for entry in entries:
        journal = entry.journal
        for line, transfer in enumerate(entry.transfers, 1):
            if transfer.line != line or not _sound(transfer):
                report.differs("transfers", f"{name(journal)} line {transfer.line}: {_describe(transfer)}")
        if entry.leaf is None:
            report.differs("leaves", f"{name(journal)}: no leaf waits to be sealed")
        elif leaf(shard, journal, entry.transfers) != entry.leaf:
            report.differs(
                "leaves", f"{name(journal)}: the leaf is {entry.leaf.hex()[:16]}…, not of these rows"
            )
        if shard_of(journal.journal_id) != shard:
            report.differs("homes", f"{name(journal)} is in shard {shard}")
    report.counted("transfers", sum([len(entry.transfers) for entry in entries]))
    for check in _PER_JOURNAL:
        report.counted(check, len(entries))


def _sound(transfer: Transfer) -> bool:
    """Tell whether a transfer is above zero, and on two accounts that its unit may be on."""
    sides = (transfer.debit, transfer.credit)
    strange = COUNTED in sides if transfer.unit == POINTS else not _POINT_ACCOUNTS.isdisjoint(sides)
    return transfer.amount > 0 and transfer.debit != transfer.credit and not strange


def _describe(transfer: Transfer) -> str:
    return f"{transfer.amount} {transfer.unit} from {transfer.debit} to {transfer.credit}"


def _check_order(history: History, report: Report) -> None:
    """Check that versions are dense, and that time never runs backwards along them."""
    member, entries = history.member, history.entries
    for place, entry in enumerate(entries):
        if entry.journal.version != place + 1:
            report.differs("versions", f"{name(entry.journal)}: {entry.journal.version}, not {place + 1}")
            break
    else:
        if member.version != len(entries):
            report.differs(
                "versions", f"{owner(member.member_id)}: {member.version}, of {len(entries)} journals"
            )
    for before, after in pairwise(entries):
        if after.at < before.at:
            report.differs("recorded", f"{name(after.journal)}: {after.at}, after {before.at}")


def _check_member(
    history: History, available: int, held: int, counters: Counters, rules: Rulebook, report: Report
) -> None:
    """Compare a member's row with what the transfers come to."""
    member, who = history.member, owner(history.member.member_id)
    stored, folded = (member.available, member.debt), (available, max(0, -available))
    if stored != folded:
        report.differs("points", f"{who}: available and debt are {stored}, their transfers {folded}")
    if not member.held == held == history.held:
        told = f"{member.held}, their transfers {held}, open holds {history.held}"
        report.differs("held", f"{who}: {told}")
    folded_years = by_year(counters)
    if by_year(member.counters) != folded_years:
        report.differs("counters", f"{who}: {by_year(member.counters)}, their transfers {folded_years}")
    since, by_day = days_since(history, rules), member.traits.by_day
    for key, counts in member.counters.items():
        if not is_day(key) or key < since:
            continue
        kept = {unit: n for unit, n in counters.get(key, {}).items() if is_kept(unit, by_day)}
        if (counted := _without_notes(counts)) != kept:
            report.differs("counters", f"{who}: on {key} {counted}, their transfers {kept}")
    for check in _PER_MEMBER:
        report.counted(check)


def _without_notes(counts: Mapping[str, int]) -> Mapping[str, int]:
    return {unit: amount for unit, amount in counts.items() if not unit.startswith(NOTE)}


def days_since(history: History, rules: Rulebook) -> str:
    """Return the first day from which on single days are what was counted on them.

    Older ones may have been left out, and posted to again; and a merge took them along by their years.
    """
    months = min((one.months_needed for one in rules.versions if one.months_needed), default=0)
    if not months or not history.entries:
        return ""
    kept = add_months(rules.today(history.entries[-1].at), -months).replace(day=1)
    left = [entry.at for entry in history.entries if entry.journal.kind == "merged_out"]
    merged = rules.today(left[-1]) + _DAY if left else kept
    return max(kept, merged).isoformat()


def check_home(history: History, shards: int, report: Report) -> None:
    """Check that a member lives where both the id and the number say."""
    member = history.member
    told = {shard_of(member.member_id), number_shard(member.number, shards)}
    if told != {member.shard}:
        report.differs(
            "homes", f"{owner(member.member_id)} is in shard {member.shard}, and tells {sorted(told)}"
        )


def _check_grants(history: History, counters: Counters, rules: Rulebook, report: Report) -> None:
    """Compare the milestones granted with what the counters have crossed.

    One that isn't alike in all versions is left out: what it granted depends on when.
    """
    checked = _unchanged_milestones(rules)
    codes = {rule.code for rule in checked}
    granted = {
        (grant.milestone, grant.period, grant.ordinal)
        for grant in history.grants
        if grant.status == "granted" and grant.milestone in codes
    }
    years = sorted({year_of(key) for key in counters})
    crossed = {
        (rule.code, str(year) if rule.yearly else "", ordinal)
        for rule in checked
        for year in (years if rule.yearly else years[:1])
        for ordinal in range(1, rule.passed(rule.count(counters, year)) + 1)
    }
    report.counted("milestones", len(granted | crossed))
    for milestone, period, ordinal in sorted(granted ^ crossed):
        was_crossed = (milestone, period, ordinal) in crossed
        told = "was crossed, not granted" if was_crossed else "was granted, not crossed"
        which = f"{milestone} {period} {ordinal}" if period else f"{milestone} {ordinal}"
        report.differs("milestones", f"{owner(history.member.member_id)}: {which} {told}")


def _unchanged_milestones(rules: Rulebook) -> list[MilestoneRule]:
    """Return the milestones that all versions have alike, but for names and rewards."""
    first, *others = [{rule.code: marks(rule) for rule in book.milestones} for book in rules.versions]
    return [
        rule
        for rule in rules.versions[0].milestones
        if all(other.get(rule.code) == first[rule.code] for other in others)
    ]


def check_links(entries: Sequence[Entry], partners: Mapping[UUID, OtherHalf], report: Report) -> None:
    """Check that journals that name an other half are named by it, that all that should name one do, and what moved."""
    for entry in entries:
        journal = entry.journal
        linked = journal.linked_id
        if linked is None and journal.kind not in _LINKED:
            continue
        report.counted("linked")
        partner = None if linked is None else partners.get(linked)
        if linked is None or partner is None or partner.linked_id != journal.journal_id:
            other = "no journal" if linked is None else show("jrn", linked)
            report.differs("linked", f"{name(journal)} names {other}, which doesn't name it")
        else:
            _check_pair(entry, linked, partner, report)


def _check_pair(entry: Entry, linked: UUID, partner: OtherHalf, report: Report) -> None:
    """Check that two halves together leave nothing in transit."""
    report.counted("pairs")
    left = dict(partner.transit)
    for one in entry.transfers:
        sign = (one.credit == TRANSIT) - (one.debit == TRANSIT)
        if sign:
            left[one.unit] = left.get(one.unit, 0) + sign * one.amount
    for unit, amount in sorted(left.items()):
        if amount:
            told = f"{name(entry.journal)} and {show('jrn', linked)}"
            report.differs("pairs", f"{told} leave {amount} {unit} in transit")


def name(journal: Journal) -> str:
    """Write a journal as people look it up."""
    return show("jrn", journal.journal_id)


def owner(member_id: UUID) -> str:
    """Write a member as people look it up."""
    return show("mem", member_id)
