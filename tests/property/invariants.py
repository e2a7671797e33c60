"""The invariants of the ledger, checked on books that are held in memory."""

from collections import defaultdict
from datetime import date

import msgspec

from loyalty.ids import UUID
from loyalty.ledger.counters import by_year
from loyalty.ledger.counters import over_all as lifetime
from loyalty.ledger.model import AVAILABLE, COUNTED, PENDING, POINTS, TRANSIT, Member
from loyalty.stays.model import Award
from tests.property.shell import Shell

TO_SPEND = (AVAILABLE, PENDING)
"""The accounts on which points stand that can be spent, now or later."""


def check(shell: Shell) -> None:
    """Check every invariant that books must fulfil at any time."""
    accounts_sum_to_zero(shell)
    stored_balances_equal_the_fold(shell)
    versions_are_dense_and_balances_run(shell)
    available_is_what_lots_hold_less_debt(shell)
    lots_equal_their_allocations(shell)
    allocations_equal_what_journals_moved(shell)
    nothing_draws_on_an_expired_lot(shell)
    stays_stand_for_their_award(shell)
    milestones_follow_the_counters(shell)
    next_expiry_is_a_lower_bound(shell)


def accounts_sum_to_zero(shell: Shell) -> None:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for one in shell.transfers:
        assert one.amount > 0
        assert one.debit != one.credit
        sums[one.unit, one.debit] -= one.amount
        sums[one.unit, one.credit] += one.amount

    assert all(
        0 == sum(amount for (unit, _), amount in sums.items() if unit == wanted)
        for wanted in {unit for unit, _ in sums}
    )
    assert not any(amount for (_, account), amount in sums.items() if account == TRANSIT)


def _owners(shell: Shell) -> dict[UUID, UUID]:
    return {journal.journal_id: journal.member_id for journal, _ in shell.journals}


def stored_balances_equal_the_fold(shell: Shell) -> None:
    owners = _owners(shell)
    points: dict[tuple[UUID, str], int] = defaultdict(int)
    counters: dict[UUID, dict[str, dict[str, int]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(int))
    )
    for one in shell.transfers:
        owner = owners[one.journal_id]
        for account, sign in ((one.credit, 1), (one.debit, -1)):
            if account in TO_SPEND:
                assert one.unit == POINTS
                points[owner, account] += sign * one.amount
            elif account == COUNTED:
                counters[owner][str(one.effective_on.year)][one.unit] += sign * one.amount
    for member in shell.members.values():
        folded = {
            year: kept
            for year, units in counters[member.member_id].items()
            if (kept := {unit: amount for unit, amount in units.items() if amount})
        }

        assert points[member.member_id, AVAILABLE] == member.available
        assert points[member.member_id, PENDING] == member.pending
        assert folded == by_year(member.counters)
        assert all(amount > 0 for units in folded.values() for amount in units.values())


def versions_are_dense_and_balances_run(shell: Shell) -> None:
    moved: dict[UUID, int] = defaultdict(int)
    for one in shell.transfers:
        moved[one.journal_id] += one.amount * ((one.credit == AVAILABLE) - (one.debit == AVAILABLE))
    running: dict[UUID, int] = defaultdict(int)
    versions: dict[UUID, list[int]] = defaultdict(list)
    recorded: dict[UUID, list[object]] = defaultdict(list)
    for journal, at in shell.journals:
        running[journal.member_id] += moved[journal.journal_id]
        versions[journal.member_id].append(journal.version)
        recorded[journal.member_id].append(at)

        assert running[journal.member_id] == journal.balance
    for member in shell.members.values():
        assert list(range(1, member.version + 1)) == versions[member.member_id]
        assert recorded[member.member_id] == sorted(recorded[member.member_id])


def available_is_what_lots_hold_less_debt(shell: Shell) -> None:
    left: dict[tuple[UUID, bool], int] = defaultdict(int)
    for lot in shell.lots.values():
        assert lot.remaining >= 0
        assert lot.expired >= 0
        assert lot.remaining + lot.expired <= lot.amount
        left[lot.member_id, lot.pending] += lot.remaining
    for member in shell.members.values():
        can_be_spent, pending = left[member.member_id, False], left[member.member_id, True]
        assert member.available == can_be_spent - member.debt
        assert member.pending == pending
        assert member.debt >= 0
        assert member.held == 0
        assert not (member.debt and can_be_spent), "there is either debt or an open lot"


def lots_equal_their_allocations(shell: Shell) -> None:
    taken: dict[tuple[UUID, str], int] = defaultdict(int)
    for one in shell.allocations:
        assert one.amount > 0
        taken[one.lot_id, one.kind] += one.amount
    for lot in shell.lots.values():
        kinds = {kind: taken[lot.lot_id, kind] for kind in ("spend", "expiry", "reversal", "repayment")}
        back = taken[lot.lot_id, "expired_reversal"]

        assert lot.amount - lot.remaining == sum(kinds.values())
        assert lot.expired == kinds["expiry"] - back
    keys = [(one.journal_id, one.lot_id, one.kind) for one in shell.allocations]
    assert len(keys) == len(set(keys))


def allocations_equal_what_journals_moved(shell: Shell) -> None:
    """Spends and expiries equal their allocations; a reversal takes at most what it moved, the rest is debt."""
    taken: dict[tuple[UUID, str], int] = defaultdict(int)
    for one in shell.allocations:
        taken[one.journal_id, one.kind] += one.amount
    down: dict[tuple[UUID, str], int] = defaultdict(int)
    for one in shell.transfers:
        if one.unit == POINTS:
            kind = "earning" if one.kind in ("base", "tier_bonus") else one.kind
            down[one.journal_id, kind] += one.amount * ((one.debit in TO_SPEND) - (one.credit in TO_SPEND))
    for journal, _ in shell.journals:
        mine = journal.journal_id
        if journal.kind == "adjusted":
            assert taken[mine, "spend"] == max(0, down[mine, "adjustment"])
        elif journal.kind == "matured":
            assert {"maturity"} == {one.kind for one in shell.transfers if one.journal_id == mine}
        elif journal.kind in ("expired", "lapsed"):
            assert taken[mine, "expiry"] == down[mine, "expiry"] > 0
        else:
            assert taken[mine, "expired_reversal"] == -down[mine, "expiry"]
            given = sum(
                one.amount for one in shell.transfers
                if one.journal_id == mine and one.debit in TO_SPEND and one.kind in ("base", "tier_bonus")
            )  # fmt: skip
            assert taken[mine, "reversal"] + taken[mine, "expired_reversal"] <= given
        if journal.kind not in ("expired", "lapsed"):
            assert 0 == taken[mine, "expiry"]


def nothing_draws_on_an_expired_lot(shell: Shell) -> None:
    for one, day in shell.drawn:
        lot = shell.lots[one.lot_id]
        expires_on = lot.expires_on
        if one.kind in ("spend", "repayment"):
            assert lot.opens_on is None or lot.opens_on <= day
        if one.kind in ("spend", "reversal"):
            assert expires_on is None or day < expires_on
        elif one.kind == "expiry":
            lost_on = lot.lapsed_on or expires_on
            assert lost_on is not None
            assert lost_on <= day


def spends_are_first_to_expire_first(shell: Shell, before: dict[UUID, int], member: Member) -> None:
    """Check the last spend: no lot that expires earlier than one it drew on has points left."""
    touched = [
        lot for lot in shell.lots.values()
        if lot.member_id == member.member_id and lot.remaining < before.get(lot.lot_id, 0) and not shell.due(lot)
    ]  # fmt: skip
    if touched:
        last = max((lot.expires_on or date.max) for lot in touched)
        left = [
            lot for lot in shell.lots.values()
            if lot.member_id == member.member_id and lot.remaining and not lot.pending
            and (lot.expires_on or date.max) < last
        ]  # fmt: skip

        assert not left


def stays_stand_for_their_award(shell: Shell) -> None:
    """What was ever posted for a stay, less what was reversed, is its present award: never more, never less."""
    net: dict[UUID, int] = defaultdict(int)
    stay_of = {journal.journal_id: journal.stay_id for journal, _ in shell.journals}
    for one in shell.transfers:
        stay = stay_of[one.journal_id]
        if stay is not None and one.kind in ("base", "tier_bonus"):
            net[stay] += one.amount * ((one.credit in TO_SPEND) - (one.debit in TO_SPEND))
    for stay_id, said in shell.revisions.items():
        award = msgspec.json.decode(said[max(said)].award, type=Award)

        assert award.points == net[stay_id]
        assert stay_id in shell.directory.values() or net[stay_id] == 0


def milestones_follow_the_counters(shell: Shell) -> None:
    for member in shell.members.values():
        due = {
            (rule.code, ordinal)
            for rule in shell.rules.milestones
            for ordinal in range(1, lifetime(member.counters, rule.unit) // rule.every + 1)
        }
        granted = {
            (code, ordinal)
            for (owner, code, ordinal), status in shell.grants.items()
            if owner == member.member_id and status == "granted"
        }

        assert due == granted


def next_expiry_is_a_lower_bound(shell: Shell) -> None:
    for lot in shell.lots.values():
        days = [day for day in (lot.opens_on if lot.pending else None, lot.expires_on) if day is not None]
        if lot.remaining and days:
            bound = shell.members[lot.member_id].next_expiry

            assert bound is not None
            assert bound <= min(days)
