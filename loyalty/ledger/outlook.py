"""What a member has on a day, whether or not it was written down yet that lots have opened or expired by then. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from loyalty.ledger.model import Member

Expiring = list[tuple[date, int]]
"""What of the open lots, pending or not, expires when, soonest first."""

Opening = Sequence[tuple[date, date | None, int]]
"""What of the open lots opens when, and then expires when: those that are pending as far as it is written down."""


class Outlook(Struct, frozen=True, gc=False):
    """Points on a day: `expiring` is of what is available, `opening` of what is pending, soonest first."""

    available: int
    pending: int
    expiring: Expiring
    opening: Expiring


def look(
    member: Member, expiring: Expiring, opening: Opening, today: date, lapses_on: date | None = None
) -> Outlook:
    """Return what a member has on a day. All points are lost on the day `lapses_on`, if nothing is done.

    Nothing lapses while points are held: the time begins anew.
    """
    waiting: list[tuple[date, int]] = []
    available, pending = member.available, 0
    if member.held and lapses_on is not None and lapses_on <= today:
        lapses_on = None
    if lapses_on is not None and (available > 0 or member.pending):
        expiring, opening = _lapsing(member, expiring, opening, lapses_on)
    else:
        lapses_on = None
    if member.pending:
        available, expiring, waiting = _open(member, expiring, opening, today)
        pending = sum([points for _, points in waiting])
    due = lapses_on is not None and lapses_on <= today
    if due or (member.next_expiry is not None and member.next_expiry <= today):
        available -= sum([points for day, points in expiring if day <= today])
        expiring = [(day, points) for day, points in expiring if day > today]
    return Outlook(available, pending, expiring, waiting)


def _lapsing(
    member: Member, expiring: Expiring, opening: Opening, lapses_on: date
) -> tuple[Expiring, Opening]:
    """Let nothing last beyond the day on which all points lapse, also what never expires."""
    never = member.available + member.debt + member.pending - sum([points for _, points in expiring])
    before = [(day, points) for day, points in expiring if day < lapses_on]
    lapse = never + sum([points for day, points in expiring if day >= lapses_on])
    return [*before, *([(lapses_on, lapse)] if lapse else [])], [
        (opens_on, lapses_on if expires_on is None else min(expires_on, lapses_on), points)
        for opens_on, expires_on, points in opening
    ]


def _open(
    member: Member, expiring: Expiring, opening: Opening, today: date
) -> tuple[int, Expiring, list[tuple[date, int]]]:
    """Add what has opened by a day to what is available, debt repaid first; take the rest out of what expires."""
    available, owed = member.available, member.debt
    left = dict(expiring)
    waiting: dict[date, int] = {}
    for opens_on, expires_on, points in sorted(opening, key=_order):
        opens = expires_on is None or opens_on < expires_on
        if opens and opens_on <= today:
            hidden = min(owed, points)
            owed -= hidden
            available += points
        else:
            hidden = points
            if expires_on is None or expires_on > today:
                waiting[opens_on] = waiting.get(opens_on, 0) + points
        if expires_on is not None:
            left[expires_on] -= hidden
    return available, _some(left.items()), _some(waiting.items())


def _order(row: tuple[date, date | None, int]) -> tuple[date, date]:
    return row[0], row[1] or date.max


def _some(days: Iterable[tuple[date, int]]) -> list[tuple[date, int]]:
    return [(day, points) for day, points in days if points]
