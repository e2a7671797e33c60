"""The rules of a member's book: how points are earned, drawn, reversed and expired. Pure.

A `Book` is a member's book opened for one command. It changes the member in memory and collects the rows to write;
nothing is changed in place in the database but the member, its lots and its grants.

Rules (the numbers are the invariants of docs/ARCHITECTURE.md):
  * a draw takes from the lot that expires first, never from one whose time is up (4);
  * only a reversal may go below zero; the rest is debt, and later earning repays it first (3);
  * a reversal takes from the stay's own lots first, then takes back what of them had expired, then other lots;
  * points earned so late that their time is already up expire at once, in a journal of their own.

`member.next_expiry` is a lower bound: no lot expires before it. Spending may leave it too early, which costs one
look at the lots on that day.
"""

from collections.abc import Iterable
from datetime import date

from loyalty.ids import UUID
from loyalty.ledger import counters
from loyalty.ledger.model import (
    AVAILABLE,
    COUNTED,
    EXPIRED,
    ISSUED,
    POINTS,
    Allocation,
    Journal,
    Lot,
    Member,
    Moment,
    Transfer,
)


class Book:
    """A member's book, open for one command.

    `lots` are open lots in the order they are spent, at least as many as the command can need; all that are due;
    and, for a reversal, the stay's own lots even if closed. `following` is when the first lot that isn't due expires.
    """

    __slots__ = (
        "_journal", "_lots", "_moment", "_touched", "actor", "allocations", "following",
        "journals", "member", "new_lots", "transfers",
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
        self._touched: dict[UUID, Lot] = {}
        self._moment = moment
        self._journal: Journal | None = None
        if member.next_expiry is not None and member.next_expiry <= moment.today:
            self._expire_due()

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
        return entry

    def _open(self) -> Journal:
        assert self._journal is not None, "a transfer belongs to a journal"
        return self._journal

    def _transfer(
        self, unit: str, kind: str, debit: str, credit: str, amount: int, effective_on: date
    ) -> None:
        entry = self._open()
        transfers = self.transfers
        line = 1
        if transfers and transfers[-1].journal_id is entry.journal_id:
            line += transfers[-1].line
        transfers.append(Transfer(entry.journal_id, line, unit, kind, debit, credit, amount, effective_on))

    def points(self, kind: str, amount: int, effective_on: date, account: str = ISSUED) -> None:
        """Move points between the member and a program account: up for a positive amount, down for a negative one."""
        if amount > 0:
            self._transfer(POINTS, kind, account, AVAILABLE, amount, effective_on)
        elif amount < 0:
            self._transfer(POINTS, kind, AVAILABLE, account, -amount, effective_on)
        self.member.available += amount
        self._open().balance = self.member.available

    def count(self, unit: str, amount: int, effective_on: date, account: str = ISSUED) -> None:
        """Count (or, below zero, count back) nights, stays or spend on a date, or in its calendar year."""
        if not amount:
            return
        debit, credit = (account, COUNTED) if amount > 0 else (COUNTED, account)
        self._transfer(unit, "count", debit, credit, abs(amount), effective_on)
        key = effective_on.isoformat() if self.member.traits.by_day else str(effective_on.year)
        counters.add(self.member.counters, key, unit, amount)

    def pass_on(self, account: str, unit: str, amount: int, effective_on: date) -> None:
        """Clear a program account that the linked journal of another member filled (or, below zero, emptied)."""
        if amount:
            debit, credit = (account, ISSUED) if amount > 0 else (ISSUED, account)
            self._transfer(unit, "transit", debit, credit, abs(amount), effective_on)

    # --- lots ---------------------------------------------------------------------------------------------------

    def earn(self, amount: int, expires_on: date | None) -> None:
        """Put newly earned points (already moved by `points`) into the journal's lot; debt is repaid from it first."""
        if amount <= 0:
            return
        member, entry = self.member, self._open()
        lot = Lot(entry.journal_id, member.member_id, amount, amount, 0, entry.effective_on, expires_on)
        repaid = min(member.debt, amount)
        if repaid:
            member.debt -= repaid
            self._take(lot, repaid, "repayment")
        self.new_lots.append(lot)
        self._lots.append(lot)
        if expires_on is None or not lot.remaining or self._due(lot):
            return
        if member.next_expiry is None or expires_on < member.next_expiry:
            member.next_expiry = expires_on

    def first_to_expire(self, amount: int) -> list[tuple[date | None, int]]:
        """Return what a spend of points that are there would take, by the day they expire; nothing is taken yet."""
        days: dict[date | None, int] = {}
        for lot in sorted(self._lots, key=_first_to_expire):
            if lot.remaining and amount and not self._due(lot):
                part = min(lot.remaining, amount)
                days[lot.expires_on] = days.get(lot.expires_on, 0) + part
                amount -= part
        return list(days.items())

    def spend(self, amount: int) -> None:
        """Draw points (already moved by `points`) from lots, first to expire first. They must be there."""
        missing = self._draw(amount, "spend", self._lots)
        assert missing == 0, "a spend never exceeds what is available"

    def reverse(self, amount: int, own: frozenset[UUID]) -> None:
        """Take back points (already moved by `points`) that were earned in the lots `own`; the rest becomes debt."""
        mine = [lot for lot in self._lots if lot.lot_id in own]
        left = self._draw(amount, "reversal", mine)
        left = self._take_back_expired(left, mine)
        left = self._draw(left, "reversal", self._lots)
        self.member.debt += left

    def earned_on(self, lot_id: UUID) -> date:
        """Return when a lot that the book knows was earned."""
        return next(lot.earned_on for lot in self._lots if lot.lot_id == lot_id)

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
                self.points("expiry", part, lot.expires_on or self._moment.today, EXPIRED)
                amount -= part
        return amount

    # --- expiry -------------------------------------------------------------------------------------------------

    def _due(self, lot: Lot) -> bool:
        return lot.expires_on is not None and lot.expires_on <= self._moment.today

    def _expire_due(self) -> None:
        """Expire every open lot whose time is up, and know when the next one is."""
        self._expire([lot for lot in self._lots if lot.remaining and self._due(lot)])
        waiting = [lot.expires_on for lot in self._lots if lot.remaining and lot.expires_on]
        if self.following is not None:
            waiting.append(self.following)
        self.member.next_expiry = min(waiting, default=None)

    def _expire(self, due: list[Lot]) -> None:
        """Expire lots in one journal, each with effect from the day its time was up."""
        if not due:
            return
        due.sort(key=_first_to_expire)
        self.journal("expired", due[-1].expires_on or self._moment.today, "lot_expired")
        for lot in due:
            part = lot.remaining
            self._take(lot, part, "expiry")
            lot.expired += part
            self.points("expiry", -part, lot.expires_on or self._moment.today, EXPIRED)

    def close(self) -> None:
        """Expire what was earned too late to last until today, and check that the book adds up."""
        if self.new_lots:
            self._expire([lot for lot in self.new_lots if lot.remaining and self._due(lot)])
        member = self.member
        assert member.debt >= 0, "a debt is owed by the member"
        assert member.available + member.debt >= 0, "only debt goes below zero"

    def changed_lots(self) -> list[Lot]:
        """Return the lots that were there before and are no longer what they were."""
        new = {lot.lot_id for lot in self.new_lots}
        return [lot for lot in self._touched.values() if lot.lot_id not in new]


def _first_to_expire(lot: Lot) -> tuple[date, UUID]:
    return (lot.expires_on or date.max, lot.lot_id)
