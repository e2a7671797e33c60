"""A member's redemptions against the steps that led to them and the journals that moved their points. Pure."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import starmap
from typing import Final

import msgspec

from loyalty.ids import UUID, show
from loyalty.ledger.model import AVAILABLE, HELD, POINTS
from loyalty.partners.redemption import MOVES, Redemption, Share, Step
from loyalty.verify.model import Entry, History
from loyalty.verify.report import Report

KINDS: Final[Mapping[str, str]] = {
    "held": "points_held",
    "extended": "hold_extended",
    "captured": "hold_captured",
    "released": "hold_released",
    "expired": "hold_expired",
    "refunded": "redemption_refunded",
}
"""The kind of the journal of each kind of step."""

_STEPS: Final = frozenset(KINDS.values())

_draws = msgspec.json.Decoder(dict[str, int]).decode

Moves = list[tuple[str, str, str, int]]
"""Transfers of points: kind, debit, credit, amount."""


def redemption_of(history: History) -> dict[UUID, UUID]:
    """Return which redemption each journal belongs to that is a step of one."""
    return {one.journal_id: one.redemption_id for one in history.steps}


def check_redemptions(history: History, report: Report) -> None:
    """Check a member's redemptions: each step after the one before it, by its journal; the row is what they come to."""
    entries = {entry.journal.journal_id: entry for entry in history.entries}
    steps: defaultdict[UUID, list[Step]] = defaultdict(list)
    for one in history.steps:
        steps[one.redemption_id].append(one)
    report.counted("redemptions", len(history.redemptions))
    for redemption in history.redemptions:
        told = _wrong(redemption, steps[redemption.redemption_id], entries)
        if told:
            report.differs("redemptions", f"{show('red', redemption.redemption_id)}: {told}")
    _check_journals(history, report)


def _check_journals(history: History, report: Report) -> None:
    """Check that each journal that is the step of a redemption is that of one."""
    named: defaultdict[UUID, int] = defaultdict(int)
    for one in history.steps:
        named[one.journal_id] += 1
    for entry in history.entries:
        journal = entry.journal
        if named[journal.journal_id] != (journal.kind in _STEPS):
            told = f"is the journal of {named[journal.journal_id]} steps"
            report.differs("redemptions", f"{show('jrn', journal.journal_id)}: `{journal.kind}` {told}")


def _wrong(one: Redemption, steps: Sequence[Step], entries: Mapping[UUID, Entry]) -> str:
    """Return what is wrong with a redemption; nothing if it is right."""
    if [step.step for step in steps] != list(range(1, one.step + 1)):
        return f"has steps {[step.step for step in steps]}, not 1 to {one.step}"
    status, captured, refunded = "", 0, 0
    for step in steps:
        if (status, step.kind) not in MOVES:
            return f"was {step.kind} when it was {status or 'nothing'}"
        captured += step.quantity * (step.kind == "captured")
        due = _due(one, step, captured, refunded)
        refunded += step.quantity * (step.kind == "refunded")
        status = _leads_to(status, step, nothing_left=refunded == captured)
        told = (
            _wrong_share(step, due)
            or _wrong_identity(one, step)
            or _wrong_journal(one, step, entries.get(step.journal_id))
        )
        if told:
            return f"step {step.step}, {step.kind}: {told}"
    found, stored = (status, captured, refunded), (one.status, one.captured, one.refunded)
    return "" if found == stored else f"is {stored}, by its steps {found}"


def _leads_to(status: str, step: Step, *, nothing_left: bool) -> str:
    after = MOVES[status, step.kind]
    return after[-1] if nothing_left or len(after) == 1 else after[0]


def _due(one: Redemption, step: Step, captured: int, refunded: int) -> Share:
    """Return what a step should come to, by how many it takes and how many were captured and refunded before."""
    if step.kind == "refunded":
        return one.share(captured - refunded) - one.share(captured - refunded - step.quantity)
    if step.kind == "captured":
        return one.share(step.quantity)
    return one.share(one.quantity)


def _wrong_share(step: Step, due: Share) -> str:
    found = Share(step.quantity, step.points, step.cash, step.value)
    return "" if found == due else f"comes to {found}, not {due}"


def _wrong_identity(one: Redemption, step: Step) -> str:
    found, stated = (step.member_id, step.partner), (one.member_id, one.partner)
    return "" if found == stated else "names another member or partner than the redemption"


def _wrong_journal(one: Redemption, step: Step, entry: Entry | None) -> str:
    """Return what is wrong with the journal of a step."""
    if entry is None:
        return f"there is no {show('jrn', step.journal_id)} of this member"
    journal = entry.journal
    found = (journal.kind, journal.effective_on, journal.actor, entry.at)
    if found != (KINDS[step.kind], step.effective_on, step.actor, step.recorded_at):
        return f"its journal says {found}"
    moved: Moves = [
        (each.kind, each.debit, each.credit, each.amount) for each in entry.transfers if each.unit == POINTS
    ]
    due = [each for each in _MOVED[step.kind](one, step) if each[-1]]
    return "" if sorted(moved) == sorted(due) else f"its journal moved {moved}, not {due}"


def _captured(one: Redemption, step: Step) -> Moves:
    return [
        ("capture", HELD, f"partner:{one.partner}", step.points),
        ("release", HELD, AVAILABLE, one.points - step.points),
    ]


def _given_back(one: Redemption, _: Step) -> Moves:
    return [("release", HELD, AVAILABLE, one.points)]


_MOVED: Final[Mapping[str, Callable[[Redemption, Step], Moves]]] = {
    "held": lambda one, _: [("hold", AVAILABLE, HELD, one.points)],
    "extended": lambda _one, _step: [],
    "captured": _captured,
    "released": _given_back,
    "expired": _given_back,
    "refunded": lambda one, step: [("refund", f"partner:{one.partner}", AVAILABLE, step.points)],
}
"""What the journal of each kind of step moves."""


def taken(redemptions: Sequence[Redemption], used: Mapping[UUID, int]) -> dict[str, int]:
    """Return what redemptions have of which budgets of stock; of some so many were refunded after their use."""
    sums: defaultdict[str, int] = defaultdict(int)
    for one in redemptions:
        kept = one.quantity if one.status == "held" else one.captured - one.refunded
        for name, amount in _draws(one.draws).items():
            # Of several days a part is rounded up: a day stays taken while any of it is kept.
            sums[name] += -(-amount * (kept + used.get(one.redemption_id, 0)) // one.quantity)
    return dict(sums)


def check_stock(
    used: Mapping[str, int], by_redemptions: Mapping[str, int], shard: int, report: Report
) -> None:
    """Check that what a shard has used of budgets of stock is what its redemptions have."""
    names = sorted(used.keys() | by_redemptions.keys())
    report.counted("stock", len(names))
    pairs = ((name, used.get(name, 0), by_redemptions.get(name, 0)) for name in names)
    for told in starmap(_stock_differs, pairs):
        if told:
            report.differs("stock", f"shard {shard}, {told}")


def _stock_differs(name: str, used: int, had: int) -> str:
    return "" if used == had else f"{name}: {used} are taken, redemptions have {had}"
