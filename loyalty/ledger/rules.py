"""The rules of a member's book: how points are earned, opened, drawn, reversed and expired. Pure.

A `Book` is a member's book opened for one command. It changes the member in memory and collects the rows to write;
nothing is changed in place in the database but the member, its lots and its grants.

Rules (the numbers are the invariants of docs/ARCHITECTURE.md):
  * a draw takes from the lot that expires first, never from one whose time is up (4);
  * only a reversal may go below zero; the rest is debt, and later earning repays it first (3);
  * a reversal takes from the stay's own lots first, then takes back what of them had expired, then other lots;
  * points earned so late that their time is already up expire at once, in a journal of their own;
  * points that open later are pending: nothing draws on them but the reversal of their own stay. On their day they
    become available, in a journal of their own, and repay debt first. Nothing opens on the day it expires, or later;
  * where the program has them lapse, all points are lost so long after the last activity, in a journal of their own:
    `loyalty.ledger.inactivity` tells when;
  * points that are held are out of their lots: they neither expire nor lapse. What isn't captured goes back into
    the lots that it came from, repays debt first, and is lost at once where the lot has expired meanwhile (5). Where
    the rest of it has lapsed, what comes back stays: it is as if it came new.

`member.next_expiry` is a lower bound: no lot opens, expires or lapses before it. Spending or an activity may leave it
too early, which costs one look at the lots on that day.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

from loyalty.ids import UUID
from loyalty.ledger import counters, inactivity
from loyalty.ledger.counters import NOTE
from loyalty.ledger.model import (
    ADJUSTED,
    AVAILABLE,
    COUNTED,
    EXPIRED,
    HELD,
    ISSUED,
    PENDING,
    POINTS,
    Allocation,
    Journal,
    Lot,
    Member,
    Moment,
    Transfer,
)

Pinned = tuple[Lot, int]
"""A lot, and how many of its points a redemption has: held, or captured."""

ALL: Final = 1 << 62
"""More points than any member has: who needs so many sees all open lots."""


def needs(member: Member, draws: int, moment: Moment) -> int | None:
    """Return how many points of open lots a book has to see that draws so many; None when it needs no lot at all."""
    if moment.idling is not None and inactivity.lapse_of(member, moment) is not None:
        return ALL
    return draws if draws or is_due(member, moment.today) else None


def is_due(member: Member, today: date) -> bool:
    """Tell whether a lot of a member may open, expire or lapse by a day."""
    return member.next_expiry is not None and member.next_expiry <= today


class Book:
    """A member's book, open for one command.

    `needs` says how many points of lots it has to see: `lots` are open lots in the order they are spent, at least as
    many as the command can need; all that are due, to open or to expire; and, for a reversal, the stay's own lots even
    if closed. `following` is when the first lot that isn't due opens or expires, where any may be due.
    """

    __slots__ = (
        "_journal", "_lapsing", "_line", "_lots", "_moment", "_returned", "_running_until", "_touched", "actor",
        "allocations", "following", "journals", "member", "new_lots", "transfers",
    )  # fmt: skip

    def __init__(
        self,
        member: Member,
        moment: Moment,
        actor: str,
        lots: Iterable[Lot] = (),
        following: date | None = None,
    ) -> None:
        """Open the book of a member whose row is locked."""
        self.member = member
        self.actor = actor
        self.following = following
        self.journals: list[Journal] = []
        self.transfers: list[Transfer] = []
        self.new_lots: list[Lot] = []
        self.allocations: list[Allocation] = []
        self._lots = list(lots)
        self._lapsing: set[UUID] = set()
        self._returned: dict[UUID, tuple[Lot, date]] = {}
        self._touched: dict[UUID, Lot] = {}
        self._moment = moment
        self._journal: Journal | None = None
        self._line = 0
        self._running_until: date | None = None
        if moment.idling is not None:
            self._look_at_idling()
        elif member.active_on is not None:
            member.active_on = None
        if is_due(member, moment.today):
            self._settle()

    # --- journals and transfers ---------------------------------------------------------------------------------

    def journal(
        self,
        kind: str,
        effective_on: date,
        reason: str,
        stay_id: UUID | None = None,
        linked_id: UUID | None = None,
    ) -> Journal:
        """Start the next journal of this member; what follows belongs to it."""
        member = self.member
        member.version += 1
        self._journal = entry = Journal(
            self._moment.mint(member.shard), member.member_id, member.version, kind, effective_on, reason,
            self.actor, stay_id, linked_id, member.available,
        )  # fmt: skip
        self.journals.append(entry)
        self._line = 0
        return entry

    def _open(self) -> Journal:
        assert self._journal is not None, "a transfer belongs to a journal"
        return self._journal

    def _transfer(
        self, unit: str, kind: str, debit: str, credit: str, amount: int, effective_on: date
    ) -> None:
        self._line += 1
        self.transfers.append(
            Transfer(self._open().journal_id, self._line, unit, kind, debit, credit, amount, effective_on)
        )

    def points(self, kind: str, amount: int, effective_on: date, account: str = ISSUED) -> None:
        """Move points between the member and a program account: up for a positive amount, down for a negative one."""
        self.post(((kind, amount),), (), effective_on, account)

    def count(self, unit: str, amount: int, effective_on: date, account: str = ISSUED) -> None:
        """Count (or, below zero, count back) nights, stays or spend on a date, or in its calendar year.

        A note is written down with its date, and moves nothing.
        """
        self._post((), ((unit, amount),), AVAILABLE, effective_on, account)

    def post(
        self, points: Iterable[tuple[str, int]], counts: Iterable[tuple[str, int]], effective_on: date,
        account: str = ISSUED,
    ) -> int:  # fmt: skip
        """Move points of several kinds, each like `points`, count several units, each like `count`; return the points.

        What promotions give is counted by the promotion.
        """
        moved = self._post(points, counts, AVAILABLE, effective_on, account)
        self.member.available += moved
        self._open().balance = self.member.available
        return moved

    def pend(self, kind: str, amount: int, effective_on: date, account: str = ISSUED) -> None:
        """Move points between what a member has pending and a program account, up or down."""
        self.member.pending += self._post(((kind, amount),), (), PENDING, effective_on, account)

    def _post(
        self, points: Iterable[tuple[str, int]], counts: Iterable[tuple[str, int]], inside: str,
        effective_on: date, account: str,
    ) -> int:  # fmt: skip
        """Move points to or from one of the member's accounts, and count; return the sum of the points."""
        journal_id, line, add = self._open().journal_id, self._line, self.transfers.append
        counted: list[tuple[str, int]] = []
        given: list[tuple[str, int]] = []
        moved = 0
        for kind, amount in points:
            if amount > 0:
                line += 1
                add(Transfer(journal_id, line, POINTS, kind, account, inside, amount, effective_on))
            elif amount < 0:
                line += 1
                add(Transfer(journal_id, line, POINTS, kind, inside, account, -amount, effective_on))
            moved += amount
            if ":" in kind and counters.is_given(kind):
                given.append((kind, amount))
        for unit, amount in counts:
            counted.append((unit, amount))
            if ":" in unit and unit[:3] == NOTE:
                continue
            if amount > 0:
                line += 1
                add(Transfer(journal_id, line, unit, "count", account, COUNTED, amount, effective_on))
            elif amount < 0:
                line += 1
                add(Transfer(journal_id, line, unit, "count", COUNTED, account, -amount, effective_on))
        self._line = line
        if counted or given:
            member = self.member
            counters.count_all(member.counters, counted, effective_on, member.traits.by_day, given)
        return moved

    def pass_on(self, account: str, unit: str, amount: int, effective_on: date) -> None:
        """Clear a program account that the linked journal of another member filled (or, below zero, emptied)."""
        if amount and unit[:3] != NOTE:
            debit, credit = (account, ISSUED) if amount > 0 else (ISSUED, account)
            self._transfer(unit, "transit", debit, credit, abs(amount), effective_on)

    def settle(self, account: str, amount: int, effective_on: date) -> None:
        """Move points between two of the program's accounts, `adjusted` and a partner's: up or down for the latter."""
        if amount:
            debit, credit = (ADJUSTED, account) if amount > 0 else (account, ADJUSTED)
            self._transfer(POINTS, "settlement", debit, credit, abs(amount), effective_on)

    # --- lots ---------------------------------------------------------------------------------------------------

    def earn(self, amount: int, expires_on: date | None, opens_on: date | None = None) -> None:
        """Put newly earned points into the journal's lot: already moved by `pend` if they open later, else by `points`.

        Debt is repaid first from what is open.
        """
        if amount <= 0:
            return
        member, entry = self.member, self._open()
        pending = opens_on is not None and self.waits(opens_on)
        lot = Lot(
            entry.journal_id, member.member_id, amount, amount, 0, entry.effective_on, expires_on, opens_on, pending,
        )  # fmt: skip
        if member.debt and not pending:
            self._repay(lot)
        self.new_lots.append(lot)
        self._lots.append(lot)
        due_on = lot.changes_on if pending else expires_on
        if lot.remaining and not self._due(lot):
            self._expect(due_on)

    def waits(self, opens_on: date) -> bool:
        """Tell whether points that open on a day are still pending today."""
        return opens_on > self._moment.today

    def pending_of(self, own: frozenset[UUID]) -> int:
        """Return what a reversal of what was earned in the lots `own` takes from pending points."""
        return sum([lot.remaining + lot.expired for lot in self._lots if lot.pending and lot.lot_id in own])

    def _repay(self, lot: Lot) -> None:
        repaid = min(self.member.debt, lot.remaining)
        if repaid:
            self.member.debt -= repaid
            self._take(lot, repaid, "repayment")

    def first_to_expire(self, amount: int) -> list[tuple[date | None, int]]:
        """Return what a spend of points that are there would take, by the day they expire; nothing is taken yet."""
        days: dict[date | None, int] = {}
        for lot in sorted(self._opened(), key=_first_to_expire):
            if lot.remaining and amount and not self._due(lot):
                part = min(lot.remaining, amount)
                days[lot.expires_on] = days.get(lot.expires_on, 0) + part
                amount -= part
        return list(days.items())

    def spend(self, amount: int) -> None:
        """Draw points (already moved by `points`) from lots, first to expire first. They must be there."""
        missing = self._draw(amount, "spend", self._opened())
        assert missing == 0, "a spend never exceeds what is available"

    def hold(self, points: int, effective_on: date) -> None:
        """Set points aside, first to expire first. They must be there."""
        self._transfer(POINTS, "hold", AVAILABLE, HELD, points, effective_on)
        self.member.available -= points
        self.member.held += points
        missing = self._draw(points, "hold", self._opened())
        assert missing == 0, "a hold never exceeds what is available"
        self._open().balance = self.member.available

    def capture(self, points: int, account: str, effective_on: date) -> None:
        """Pay points that are held to a partner's account."""
        self._transfer(POINTS, "capture", HELD, account, points, effective_on)
        self.member.held -= points

    def release(self, points: int, pinned: Iterable[Pinned], effective_on: date) -> None:
        """Give points that are held back to the lots that they were taken from, the last to expire first."""
        if points:
            self._transfer(POINTS, "release", HELD, AVAILABLE, points, effective_on)
            self.member.held -= points
            self._give_back(points, pinned, "release")

    def refund(self, points: int, account: str, pinned: Iterable[Pinned], effective_on: date) -> None:
        """Give points that a partner has got back to the lots that they were taken from, the last to expire first."""
        if points:
            self._transfer(POINTS, "refund", account, AVAILABLE, points, effective_on)
            self._give_back(points, pinned, "refund")

    def _give_back(self, points: int, pinned: Iterable[Pinned], kind: str) -> None:
        """Put points back into lots; what the member owes is repaid from them. `close` loses those that are due."""
        member, known = self.member, {lot.lot_id: lot for lot in self._lots}
        member.available += points
        for known_as, most in sorted(pinned, key=lambda one: _first_to_expire(one[0]), reverse=True):
            part = min(points, most)
            if not part:
                continue
            lot = known.get(known_as.lot_id, known_as)
            if lot is known_as:
                self._lots.append(lot)
            points -= part
            lot.remaining += part
            self._touched[lot.lot_id] = lot
            self._allocate(lot, part, kind)
            self._returned[lot.lot_id] = (lot, self._open().effective_on)
            if self._due(lot):
                continue
            self._repay(lot)
            if lot.remaining:
                self._expect(lot.expires_on)
        assert points == 0, "what comes back was taken from lots"
        self._open().balance = member.available

    def reverse(self, amount: int, own: frozenset[UUID]) -> None:
        """Take back points (already moved) that were earned in the lots `own`; the rest becomes debt.

        What of them is pending goes first: `pending_of` says how much of it was to be moved by `pend`.
        """
        mine = [lot for lot in self._lots if lot.lot_id in own]
        left = amount
        for part in ([lot for lot in mine if lot.pending], [lot for lot in mine if not lot.pending]):
            left = self._draw(left, "reversal", part)
            left = self._take_back_expired(left, part)
        left = self._draw(left, "reversal", self._opened())
        self.member.debt += left

    def earned_on(self, lot_id: UUID) -> date:
        """Return when a lot that the book knows was earned."""
        return next(lot.earned_on for lot in self._lots if lot.lot_id == lot_id)

    def _opened(self) -> list[Lot]:
        return [lot for lot in self._lots if not lot.pending]

    def _draw(self, amount: int, kind: str, lots: list[Lot]) -> int:
        """Take from lots in the order they expire; return what they could not give."""
        if not amount:
            return 0
        for lot in sorted(lots, key=_first_to_expire):
            if lot.remaining and amount and not self._due(lot):
                part = min(lot.remaining, amount)
                self._take(lot, part, kind)
                amount -= part
        return amount

    def _take(self, lot: Lot, amount: int, kind: str) -> None:
        lot.remaining -= amount
        self._touched[lot.lot_id] = lot
        self._allocate(lot, amount, kind)

    def _allocate(self, lot: Lot, amount: int, kind: str) -> None:
        self.allocations.append(Allocation(self._open().journal_id, lot.lot_id, kind, amount))

    def _take_back_expired(self, amount: int, own: list[Lot]) -> int:
        """Undo the expiry of points whose earning is undone, with effect from that day: there was nothing to lose."""
        for lot in own:
            part = min(lot.expired, amount)
            if part:
                lot.expired -= part
                self._touched[lot.lot_id] = lot
                self._allocate(lot, part, "expired_reversal")
                self._move(lot, "expiry", part, lot.ends_on or self._moment.today)
                amount -= part
        return amount

    # --- opening and expiry -------------------------------------------------------------------------------------

    def _due(self, lot: Lot) -> bool:
        """Tell whether a lot's time is up, or it lapses now; what came back after a lapse is as good as new."""
        end = lot.expires_on
        return (end is not None and end <= self._moment.today) or lot.lot_id in self._lapsing

    def _settle(self) -> None:
        """Open every lot whose day has come, expire every one whose time is up, and know when the next one is due."""
        self._mature([lot for lot in self._lots if lot.pending and lot.remaining and self._opens(lot)])
        self._expire([lot for lot in self._lots if lot.remaining and self._due(lot)])
        waiting = [day for lot in self._lots if lot.remaining and (day := lot.changes_on) is not None]
        if self.following is not None:
            waiting.append(self.following)
        self.member.next_expiry = min(waiting, default=None)

    def _opens(self, lot: Lot) -> bool:
        """Tell whether a pending lot's day has come, before it expires."""
        day, end = lot.opens_on, lot.ends_on
        return day is not None and day <= self._moment.today and (end is None or day < end)

    def _mature(self, due: list[Lot]) -> None:
        """Open lots in one journal, each with effect from its day; debt is repaid from them first."""
        if not due:
            return
        due.sort(key=_first_to_open)
        self.journal("matured", due[-1].opens_on or self._moment.today, "lot_opened")
        for lot in due:
            lot.pending = False
            self._touched[lot.lot_id] = lot
            self._transfer(
                POINTS, "maturity", PENDING, AVAILABLE, lot.remaining, lot.opens_on or self._moment.today
            )
            self.member.pending -= lot.remaining
            self.member.available += lot.remaining
            self._repay(lot)
        self._open().balance = self.member.available

    def _expire(self, due: list[Lot]) -> None:
        """Expire lots in one journal, each with effect from the day its time was up; those that lapse in another."""
        self._lose([lot for lot in due if lot.lot_id not in self._lapsing], "expired", "lot_expired")
        self._lose([lot for lot in due if lot.lot_id in self._lapsing], "lapsed", "inactivity")

    def _lose(self, due: list[Lot], kind: str, reason: str) -> None:
        if not due:
            return
        due.sort(key=_first_to_expire)
        self.journal(kind, max(map(self._lost_on, due)), reason)
        for lot in due:
            part = lot.remaining
            self._take(lot, part, "expiry")
            lot.expired += part
            self._move(lot, "expiry", -part, self._lost_on(lot))

    def _lost_on(self, lot: Lot) -> date:
        """Return the day with effect from which a lot is lost: its own, or the later one on which it came back."""
        today = self._moment.today
        if lot.lot_id in self._lapsing:
            return lot.lapsed_on or today
        day = lot.expires_on or today
        _, back = self._returned.get(lot.lot_id, (lot, day))
        return max(day, back)

    def _move(self, lot: Lot, kind: str, amount: int, effective_on: date) -> None:
        """Move points of a lot to or from `expired`, on the account that they are on."""
        move = self.pend if lot.pending else self.points
        move(kind, amount, effective_on, EXPIRED)

    # --- inactivity ---------------------------------------------------------------------------------------------

    def act(self, day: date, *kinds: str) -> None:
        """Note an activity of a day, if the rule takes any of its kinds for one."""
        inactivity.note(self.member, self._moment, day, kinds)

    def _look_at_idling(self) -> None:
        """Have all points lapse if nothing was done for too long; begin to count where a member has points."""
        member, moment = self.member, self._moment
        self._running_until = inactivity.running_until(member, moment)
        if self._running_until is not None:
            return
        day = inactivity.lapse_of(member, moment)
        if day is None:
            self._expect(inactivity.begin(member, moment))
            return
        for lot in self._lots:
            if lot.remaining and (lot.expires_on is None or lot.expires_on > day):
                lot.lapsed_on = day
                self._lapsing.add(lot.lot_id)
        self.following, member.active_on = None, day
        self._settle()
        self._lapsing.clear()
        assert not inactivity.has_points(member), "a book is given all open lots when they lapse"

    def _expect(self, day: date | None) -> None:
        next_expiry = self.member.next_expiry
        if day is not None and (next_expiry is None or day < next_expiry):
            self.member.next_expiry = day

    def close(self) -> None:
        """Expire what was earned, or came back, too late to last until today, and check that the book adds up."""
        fresh = self.new_lots
        if self._returned:
            back = (lot for lot, _ in self._returned.values())
            fresh = {lot.lot_id: lot for lot in (*fresh, *back)}.values()
        due = [lot for lot in fresh if lot.remaining and self._due(lot)]
        if due:
            self._expire(due)
        member, running_until = self.member, self._running_until
        # An activity puts off what is expected already.
        if self._moment.idling is not None and (
            running_until is None or member.next_expiry is None or member.next_expiry > running_until
        ):
            self._expect(inactivity.next_lapse(member, self._moment))
        assert member.debt >= 0, "a debt is owed by the member"
        assert member.available + member.debt >= 0, "only debt goes below zero"
        assert member.pending >= 0, "what is pending is in lots"
        assert member.held >= 0, "what is held was set aside"

    def changed_lots(self) -> list[Lot]:
        """Return the lots that were there before and are no longer what they were."""
        new = {lot.lot_id for lot in self.new_lots}
        return [lot for lot in self._touched.values() if lot.lot_id not in new]


def _first_to_expire(lot: Lot) -> tuple[date, UUID]:
    return (lot.expires_on or date.max, lot.lot_id)


def _first_to_open(lot: Lot) -> tuple[date, UUID]:
    return (lot.opens_on or date.min, lot.lot_id)
