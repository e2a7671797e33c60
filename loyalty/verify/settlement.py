"""A partner's statements against what happened: lines, hashes, numbers and steps, and the partner's accounts. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from loyalty.ids import UUID
from loyalty.partners.statements import MOVES, Line, Statement, hash_of, last_day
from loyalty.verify.report import Report

Source = tuple[int, UUID]
"""The shard and the journal of what a line is about."""

_ACTS: Final = ("issue", "accept", "dispute", "settle")


class SettledEvent(Struct, frozen=True, gc=False):
    """One thing that happened with a partner, as the books have it, with the signs of a statement's line."""

    kind: str
    shard: int
    journal_id: UUID
    reference: str
    offer: str
    quantity: int
    points: int
    money: int
    effective_on: date


class PartnerFile(Struct, frozen=True):
    """All that is on file of a partner's settlement.

    `account` is what its accounts hold, `turn` the last number that was taken.
    """

    partner: str
    statements: Sequence[Statement]
    lines: Mapping[int, Sequence[Line]]
    events: Sequence[SettledEvent]
    account: int
    turn: int


def check_settlement(file: PartnerFile, report: Report) -> None:
    """Check a partner's statements, and that its accounts are what happened."""
    report.counted("statements", len(file.statements) + 1)
    events = {(one.shard, one.journal_id): one for one in file.events}
    for place, one in enumerate(file.statements, 1):
        told = _wrong(one, place, file.lines.get(one.number, ()), events)
        if told:
            report.differs("statements", f"{one.code}: {told}")
    known = {one.number for one in file.statements}
    for number in sorted(file.lines.keys() - known):
        report.differs("statements", f"{file.partner}: there are lines of a statement {number}")
    if file.turn != len(file.statements):
        told = f"{file.turn} numbers are taken, there are {len(file.statements)} statements"
        report.differs("statements", f"{file.partner}: {told}")
    due = sum(one.points for one in file.events)
    if file.account != due:
        told = f"its accounts hold {file.account}, what happened comes to {due}"
        report.differs("statements", f"{file.partner}: {told}")


def _wrong(one: Statement, place: int, lines: Sequence[Line], events: Mapping[Source, SettledEvent]) -> str:
    """Return what is wrong with a statement; nothing if it is right."""
    if one.number != place:
        return f"is number {one.number}, not {place}"
    if [line.line for line in lines] != list(range(1, one.records + 1)):
        return f"has {len(lines)} lines, not 1 to {one.records}"
    found = (sum(line.points for line in lines), sum(line.money for line in lines))
    if found != (one.points, one.money):
        return f"its lines come to {found}, not {(one.points, one.money)}"
    if hash_of(one.code, one.currency, lines) != one.hash:
        return f"its hash is {one.hash.hex()[:16]}…, not of these lines"
    until = last_day(one.period)
    wrong = [told for line in lines if (told := _wrong_line(line, until, events))]
    return wrong[0] if wrong else _wrong_steps(one)


def _wrong_line(line: Line, until: date | None, events: Mapping[Source, SettledEvent]) -> str:
    event = events.get((line.shard, line.journal_id))
    if event is None:
        return f"line {line.line} is of nothing that happened"
    due = (
        event.kind, event.reference, event.offer, event.quantity, event.points, event.money, event.effective_on
    )  # fmt: skip
    found = (
        line.kind, line.reference, line.offer, line.quantity, line.points, line.money, line.effective_on
    )  # fmt: skip
    if found != due:
        return f"line {line.line} says {found}, what happened is {due}"
    if until is None or line.effective_on > until:
        return f"line {line.line} is of {line.effective_on}"
    if line.properties and sum(line.properties.values()) != line.points:
        return f"line {line.line} has other points by hotel"
    return ""


def _wrong_steps(one: Statement) -> str:
    """Return what is wrong with what became of a statement: steps that can't follow each other."""
    status = "open"
    for place, step in enumerate(one.steps, 1):
        if step.step != place or not any(MOVES.get((status, act)) == step.status for act in _ACTS):
            return f"was {step.status} when it was {status}, as step {step.step}"
        status = step.status
    return "" if one.steps else "was issued by nobody"
